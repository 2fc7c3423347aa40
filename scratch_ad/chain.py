"""One edge of the chain rule: how a tangent or a cotangent ``u`` goes through one argument of one call.

An edge is ``(step, map, kept)``, in both modes: ``step(u, map, kept)`` is what becomes of ``u``. There are three steps,

    times      u · map(*kept)       the map gives a partial derivative
    over       u / map(*kept)       … or its reciprocal
    through    map(u, *kept)        the map is linear in u: a function itself on a tangent, its transpose, …

and two tables of them. The engines take the ``plain`` ones first. Only when a nan comes out do they go the way again
with the ``careful`` ones of careful.py, for which 0·∞ = 0.
"""

import math

import numpy as np

from .tracer import Tracer, strip


def times(u, partial, kept):
    return u * partial(*kept)


def over(u, divisor, kept):
    return u / divisor(*kept)


def through(u, linear_map, kept):
    return linear_map(u, *kept)


plain = {times: times, over: over, through: through}


def has_nan(x):
    """Whether the array or number below ``x`` holds a nan; False where that cannot be looked at."""
    if type(x) is not np.ndarray:
        x = strip(x)
        if isinstance(x, Tracer):
            return x.owner.looks and bool(np.any(np.isnan(x)))
        if isinstance(x, (np.inexact, float, complex)):
            return bool(x != x)
        if not hasattr(x, "dtype"):
            return False
    kind = x.dtype.kind
    if kind == "f":
        return math.isnan(x.dot(x) if x.ndim == 1 else np.vdot(x, x))  # in one pass, no temporary
    return kind == "c" and (has_nan(x.real) or has_nan(x.imag))
