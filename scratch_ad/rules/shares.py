"""Shares of a sum of exponentials, as softmax gives them: with their derivatives where one share is close to 1.

There 1 − p keeps no digit of what the others have. So every derivative is written over differences from the element
that has more than half; where there is none, nothing cancels. Below, ``p`` are shares whose sum over ``axis`` is 1.
"""

import numpy as np

from ..primitives import detached
from ..rule import explicit, primitive
from ..tracer import all_known
from .elementwise import LN2
from .short_rows import largest

_LOGS = {np.exp: 1, np.exp2: LN2}  # of the bases


def _most(p):
    return np.greater(np.real(p), 0.5)


def centred(t, p, axis):
    """t − Σ p t."""
    t = t - np.sum(np.where(_most(p), t, 0), axis, keepdims=True)
    return t - np.sum(p * t, axis, keepdims=True)


def uncentred(g, p, axis):
    """The transpose of ``centred``, g − p Σ g; its sum is 0, which gives the largest element from the others."""
    others = np.where(_most(p), 0, g - p * np.sum(g, axis, keepdims=True))
    return np.where(_most(p), -np.sum(others, axis, keepdims=True), others)


@primitive
def shares(a, b, axis, exp):
    """eᵃ / Σ b eᵃ, shaped like ``a`` and ``b`` (None: 1) together; of infinite terms each its share."""
    finite = np.real(a if b is None else np.where(np.equal(b, 0), -np.inf, a))
    if type(finite) is np.ndarray and finite.size:
        top = largest(finite, axis, None, None, True)
    else:
        top = detached(np.max(finite, axis, keepdims=True, **({} if finite.size else {"initial": -np.inf})))
    if all_known(np.isfinite(top)):
        e = exp(a - top)
    else:
        e = exp(np.where(np.logical_and(np.equal(a, top), np.isinf(top)), 0, a - top))
    if b is None:
        return e / np.sum(e, axis, keepdims=True)
    return np.broadcast_to(e, np.broadcast_shapes(e.shape, np.shape(b))) / np.sum(b * e, axis, keepdims=True)


def _weighted(y, b):
    return y if b is None else b * y


def _push_a(t, y, a, b, axis, exp):
    t = np.where(np.isinf(np.real(a)), 0, t)
    return _LOGS[exp] * y * centred(t, _weighted(y, b), axis)


def _pull_a(g, y, a, b, axis, exp):
    return np.where(np.isinf(np.real(a)), 0, _LOGS[exp] * uncentred(g * y, _weighted(y, b), axis))


def _push_b(t, y, a, b, axis, exp):
    return -y * np.sum(y * t, axis, keepdims=True)


def _pull_b(g, y, a, b, axis, exp):
    return -y * np.sum(y * g, axis, keepdims=True)


explicit(shares, jvp=(_push_a, _push_b), vjp=(_pull_a, _pull_b))
