"""What both the lesson and the page of results show: the same numbers, from one place."""

import mpmath
import numpy as np
import sympy

import scratch_ad
from scratch_ad.cost import cost
from scratch_ad.intro import repeated_layers

from ..lift import grad

P0 = 3.5  # where the notebook takes the derivative of f
X0 = 0.3  # where the layers of the logistic map are evaluated


def f(p):
    return p**2 + np.sqrt(p + 3)


def _exact(p):
    return 2 * mpmath.mpf(p) + mpmath.mpf(0.5) / mpmath.sqrt(mpmath.mpf(p) + 3)


def exact_grad_f(p):
    """The derivative of ``f``, of 30 digits before it is rounded."""
    with mpmath.workdps(30):
        return float(_exact(p))


def relative_error(derivative, p):
    """The error of a number beside the exact one, which is not rounded to a float first: then it would often be 0."""
    with mpmath.workdps(30):
        return float(abs(mpmath.mpf(float(derivative)) / _exact(p) - 1))


def engine_errors(rng, count):
    """The worst relative error of each engine's derivative of ``f`` over random points of [0, 10)."""
    derivatives = {
        "forward mode": lambda p: scratch_ad.jvp(f, (p,), (1.0,))[1],
        "reverse mode": scratch_ad.grad(f),
        "JAX": grad(f),
    }
    points = rng.uniform(0, 10, count)
    return {name: max(relative_error(derivative(p), p) for p in points) for name, derivative in derivatives.items()}


def swell(layers):
    """Layers of the logistic map: how long the derivative is by each method, its value at 0.3, and its expression."""
    x = sympy.Symbol("x")
    derivative = sympy.diff(repeated_layers(layers), x)
    shared, (reduced,) = sympy.cse(derivative)
    function = lambda x: repeated_layers(layers, x)
    forward = lambda x, t: scratch_ad.jvp(function, (x,), (t,))
    reverse = scratch_ad.value_and_grad(function)
    numbers = {
        "layers": layers,
        "expression of the derivative": int(sympy.count_ops(derivative)),
        "with shared subexpressions": int(sum(sympy.count_ops(e) for _, e in shared) + sympy.count_ops(reduced)),
        "forward mode executes": cost(scratch_ad.record(forward, X0, 1.0)).operations,
        "reverse mode executes": cost(scratch_ad.record(reverse, X0)).operations,
    }
    values = {
        "symbolic": float(derivative.subs(x, X0)),
        "forward": float(forward(X0, 1.0)[1]),
        "reverse": float(reverse(X0)[1]),
        "JAX": float(grad(function)(X0)),
    }
    return numbers, values, derivative
