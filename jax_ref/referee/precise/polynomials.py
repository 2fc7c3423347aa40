"""Polynomials."""

import mpmath
import numpy as np
from mpmath import mpc

from scratch_ad.rules.polynomials import characteristic, quotient, zeros_of

from .tracer import FUNCTIONS, Undecided, dtype_among, wrapped


def _vander(x, N=None, increasing=False):
    powers = x[:, None] ** np.arange(len(x) if N is None else N)
    return powers if increasing else np.flip(powers, 1)


def _roots(p):
    """In NumPy's order, by Newton's method from its roots."""
    y = np.roots(p.value.astype(p.dtype))
    coefficients = list(p.value)
    slope = [c * (len(coefficients) - 1 - k) for k, c in enumerate(coefficients[:-1])]

    def polished(x):
        x = mpc(x)
        for _ in range(12):
            d = mpmath.polyval(slope, x)
            if d == 0:
                raise Undecided("a root that is not simple.")
            x -= mpmath.polyval(coefficients, x) / d
        return x

    return wrapped(np.array([polished(x) for x in y], object), y.dtype)


def _characteristic(a):
    """By U. Leverrier's and D. K. Faddeev's recurrence."""
    coefficients, one = [1], np.eye(len(a), dtype=int)
    product = a.value
    for k in range(1, len(a) + 1):
        coefficients.append(-np.trace(product) / k)
        product = a.value @ (product + coefficients[-1] * one)
    return wrapped(np.array(coefficients, object), np.poly(a.value.astype(a.dtype)).dtype)


def _quotient(u, v):
    rest, v, q = list(u.value), list(v.value), []
    for k in range(len(rest) - len(v) + 1):
        q.append(rest[k] / v[0])
        rest[k : k + len(v)] = [r - q[-1] * c for r, c in zip(rest[k:], v)]
    return wrapped(np.array(q, object), dtype_among([u]))


FUNCTIONS |= {
    np.vander: _vander,
    zeros_of: _roots,
    characteristic: _characteristic,
    quotient: _quotient,
}
