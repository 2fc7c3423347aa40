"""The notebook "Intro to Automatic Differentiation": its functions under its names, every blank filled.

(The lesson that follows it cell by cell has JAX beside, so it stands in ``jax_ref/lesson/chapters``.)

And the way from there to the engine. Each step adds what the smallest program below it needs, on which the step before
fails; all of them run as a test.

**Lists of functions** (methods.py). A composition of functions of one argument is a list, and both modes are a loop.

>>> import numpy as np, scratch_ad
>>> from scratch_ad.intro import reverse_automatic_differentiation, tiny
>>> value, slope = reverse_automatic_differentiation([np.exp, np.tanh], 0.5)

**Numbers that answer NumPy's calls** (tiny.py, 80 lines). A value that is used twice is in no list: the numbers have to
remember what they were computed from, and what comes back along several ways adds up.

>>> f = lambda x: x * np.sin(x) + x
>>> reverse_automatic_differentiation([f], 1.2)
Traceback (most recent call last):
KeyError: ...
>>> print(f"{tiny.vjp(f, 1.2)[1](1.0)[0]:.6f}")
2.366868

**Levels** (tracer.py, array.py). A derivative inside another needs to know whose number is whose; without, that of
x · d(x + y)/dy is 2. tiny counts its runs. A run that also owns its numbers can tell when one has outlived it.

>>> of_inner = lambda engine, x: engine.jvp(lambda y: x + y, (1.0,), (1.0,))[1]
>>> print(tiny.jvp(lambda x: x * of_inner(tiny, x), (1.0,), (1.0,))[1])
1.0
>>> kept = []
>>> def keep(x):
...     kept.append(x)
...     return x
>>> value, slope = tiny.jvp(keep, (2.0,), (1.0,))
>>> type(tiny.jvp(lambda x: x * kept[0], (3.0,), (1.0,))[1]).__name__  # no number at all
'Dual'
>>> value, slope = scratch_ad.jvp(keep, (2.0,), (1.0,))
>>> scratch_ad.jvp(lambda x: x * kept[1], (3.0,), (1.0,))
Traceback (most recent call last):
TypeError: Encountered an unexpected tracer: ...

**Rules for both modes** (chain.py, registry.py, forward.py, reverse.py, rule.py, rules/). The derivative of a sum or
of a product of matrices is no number per element to multiply by, but a linear map: a rule gives it and its transpose.

>>> tiny.vjp(np.sum, np.ones(3))
Traceback (most recent call last):
NotImplementedError: no rule for ...
>>> scratch_ad.vjp(np.sum, np.ones(3))[1](np.float64(2))[0]
array([2., 2., 2.])

**Careful products** (careful.py). A branch that is not taken has the cotangent 0; times an infinite slope, that is nan.

>>> g = lambda x: np.where(x > 0, np.sqrt(x), 0)
>>> print(scratch_ad.first_nan(g, 0.0).of("cotangents").why)
the derivative of np.sqrt at 0.0 is inf, times the cotangent 0.0 from np.where: nan
>>> print(scratch_ad.vjp(g, 0.0)[1](np.float64(1))[0])
0.0

**Writes** (views.py, writing.py, cells.py). A write changes what other names see, views among them: the array's place
on the tape moves on, and what was written over no longer counts.

>>> def h(x):
...     y = 2 * x
...     view = y[:1]
...     view += x[1:] ** 2
...     return y[0] * y[1]
>>> tiny.vjp(h, np.array([1.0, 3.0]))
Traceback (most recent call last):
NotImplementedError: no rule for ...
>>> print(scratch_ad.vjp(h, np.array([1.0, 3.0]))[1](np.float64(1))[0])
[12. 58.]

What comes after these, fast.py first of all, changes no number: the docstring of the package lists it.
"""

from .data import get_mock_training_set
from .methods import (
    derivatives,
    error_estimate,
    forward_automatic_differentiation,
    forward_gradient,
    gradient_descent,
    numerical_gradient,
    reverse_automatic_differentiation,
    reverse_gradient,
    symbolic_gradient,
)
from .model import cost, logistic, model, random_parameters, repeated_layers, threshold
from .pictures import (
    animate_calculation,
    chain_rule_picture,
    graphical_representation_of_calculation,
    plot_training_set,
)

__all__ = [
    "animate_calculation",
    "chain_rule_picture",
    "cost",
    "derivatives",
    "error_estimate",
    "forward_automatic_differentiation",
    "forward_gradient",
    "get_mock_training_set",
    "gradient_descent",
    "graphical_representation_of_calculation",
    "logistic",
    "model",
    "numerical_gradient",
    "plot_training_set",
    "random_parameters",
    "repeated_layers",
    "reverse_automatic_differentiation",
    "reverse_gradient",
    "symbolic_gradient",
    "threshold",
]
