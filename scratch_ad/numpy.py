"""NumPy itself, but for the functions that create arrays: theirs can take tracers.

    import scratch_ad.numpy as np

    def f(x):
        y = np.zeros(3)
        y[0] = x[1] ** 2
        return np.sum(y)

What ``np.zeros(3)`` gives is used as an array is, and becomes one of the run's numbers when one is written into it;
``np.array([x[0], 1.0])`` stacks what the list holds. Only real and complex arrays are of this kind, integers and masks
are NumPy's own. ``isinstance(y, np.ndarray)`` is True; ``np.asarray`` of NumPy's own gives a plain array.
"""

import functools

import numpy

from .constants import created, filled
from .tracer import answers, innermost

_OF_LISTS = "array asarray asanyarray ascontiguousarray asfortranarray require full"
_OF_NUMBERS = "zeros ones empty eye identity tri arange fromfunction fromiter indices linspace logspace geomspace"
_LIKE_OTHERS = "zeros_like ones_like empty_like full_like copy"


def _creating(function):
    make = answers.get(function, function)

    @functools.wraps(function)
    def create(*args, **kwargs):
        if innermost((args, *kwargs.values())) is not None:
            return make(*args, **kwargs)
        x = function(*args, **kwargs)
        return created(filled(function, x)) if isinstance(x, numpy.ndarray) and x.dtype.kind in "fc" else x

    return create


def __getattr__(name):
    return getattr(numpy, name)


globals().update({name: getattr(numpy, name) for name in numpy.__all__})
for _name in " ".join((_OF_LISTS, _OF_NUMBERS, _LIKE_OTHERS)).split():
    globals()[_name] = _creating(getattr(numpy, _name))
