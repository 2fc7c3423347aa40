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

from .silence import SILENT, STATE
from .tracer import Diverged, Tracer, batch_of, bottom


def times(u, partial, kept):
    try:
        return u * partial(*kept)
    except Diverged as error:
        return error.batch.apart(times, (u, partial, kept), error)


def over(u, divisor, kept):
    try:
        return u / divisor(*kept)
    except Diverged as error:
        return error.batch.apart(over, (u, divisor, kept), error)


def through(u, linear_map, kept):
    try:
        return linear_map(u, *kept)
    except (Diverged, TypeError) as error:
        return batch_of(error, kept).apart(through, (u, linear_map, kept), error)


def same(u):
    """The linear map of an argument that is added."""
    return u


plain = {times: times, over: over, through: through}


def has_nan(x):
    """Whether the array or number below ``x`` holds a nan; False where that cannot be looked at."""
    if type(x) is not np.ndarray:
        while isinstance(x, Tracer):
            if x.owner.looks:
                return bool(np.any(np.isnan(x)))
            if not (x.owner.differentiates or (x.owner.of_examples and x.owner.shows_nans)):
                return False
            x = x.value
        if isinstance(x, (np.inexact, float, complex)):
            return bool(x != x)
        if not hasattr(x, "dtype"):
            return False
    kind = x.dtype.kind
    if kind == "f":
        x = x if x.ndim == 1 else x.ravel("K")  # as it lies in memory
        if STATE.get(None) is SILENT:
            return math.isnan(x.dot(x))  # in one pass, no temporary
        before = STATE.set(SILENT)  # squares may be infinite
        try:
            return math.isnan(x.dot(x))
        finally:
            STATE.reset(before)
    return kind == "c" and (has_nan(x.real) or has_nan(x.imag))


def is_finite(y):
    """Whether an array, or each of several, is finite; True where that cannot be looked at."""
    if isinstance(y, (tuple, list)):
        return all(map(is_finite, y))
    below = bottom(y)
    if not isinstance(below, (np.ndarray, np.inexact)) or below.dtype.kind not in "fc":
        return True
    return bool(np.isfinite(below).all())
