"""Hypergeometric functions by their parameters: DLMF, chapters 13 and 15."""

import math

import numpy as np
import scipy.special as special

from ...rule import runs_numpy
from ...tracer import all_known, anywhere, dtype_of, strip
from ..elementwise import is_complex

_TERMS = 5000  # so many has that of ₂F₁ at 0.99


def _series_slope(upper, lower, x, change):
    """The derivative of Σ (a)ₖ… xᵏ/((b)ₖ k!), if ``change(k)`` is that of its ratio of parameters (a + k)…/(b + k).

    Nothing is divided by an a + k, which may be 0. nan where the series does not end, or cancels by half of the digits.
    """
    if any(map(is_complex, (*upper, lower, x))):
        raise NotImplementedError("The derivatives of ₁F₁ and ₂F₁ by a parameter are known at real arguments only.")
    term, slope, terms, slopes = 1.0, 0.0, 1.0, 0.0
    bound = longest = largest = 1.0  # of the terms, had they no factor less than 1; and of the slopes
    with np.errstate(all="ignore"):
        for k in range(_TERMS):
            factor = np.divide(x, (lower + k) * (k + 1))
            ratio = math.prod([a + k for a in upper], start=factor)
            term, slope = term * ratio, slope * ratio + term * change(k) * np.divide(x, k + 1)
            terms, slopes = terms + term, slopes + slope
            bound = math.prod([np.maximum(np.abs(strip(a) + k), 1) for a in upper], start=bound * np.abs(strip(factor)))
            longest, largest = np.maximum(longest, bound), np.maximum(largest, np.abs(strip(slope)))
            if not anywhere(bound > 1e-20 * longest):
                break
        ends = np.less(bound, 1e-20 * longest)
        most = np.finfo(dtype_of(slopes)).eps ** -0.5
        exact = np.less(largest, float(most) * (np.abs(strip(terms)) + np.abs(strip(slopes))))
    known = np.where(np.logical_and(ends, exact), 0, np.nan)
    return slopes + known * (sum(upper) + lower + x)  # whose own derivatives are nan, too


def hyp1f1_slope(place, a, b, x):
    """∂M(a, b, x)/∂a or ∂b by the series 13.2.2, left of 0 that of 13.2.39, where it does not alternate."""
    left = np.less(x, 0)
    sign, upper = np.where(left, -1, 1), np.where(left, b - a, a)
    changes = lambda k: np.divide(sign, b + k), lambda k: np.divide(np.where(left, a, -(a + k)), np.square(b + k))
    return np.exp(np.where(left, x, 0)) * _series_slope((upper,), b, sign * x, changes[place])


def hyp1f1_argument(a, b, x, y):
    """a/b M(a + 1, b + 1, x) (13.3.15); where that overflows but the slope does not, M − (b − a)/b M(a, b + 1, x)."""
    above = special.hyp1f1(a + 1, b + 1, x)
    if is_complex(x) or all_known(np.isfinite(above)):
        return np.divide(a, b) * above
    over = np.isinf(above)
    other = y - np.divide(b - a, b) * special.hyp1f1(a, b + 1, np.where(over, x, 0))
    return np.where(over, other, np.divide(a, b) * np.where(over, 1, above))


def _pfaff(x):
    """Whether x < 0, 1 − x if so, else 1, and the argument of 15.8.1, if so, else x."""
    left = np.less(x, 0)
    rest = 1.0 - np.where(left, x, 0)  # no integer, as powers of it are wanted
    return left, rest, np.where(left, -x, x) / rest


def hyp2f1(a, b, c, x):
    """F(a, b; c; x); left of −1, where SciPy's own can lose all digits, as one of 15.8.1's two forms confirms it.

    Where neither does, by the form whose series has no negative term, and nan if there is none.
    """
    if is_complex(x) or not runs_numpy([a, b, c, x]) or all_known(np.greater_equal(strip(x), -1)):
        return special.hyp2f1(a, b, c, x)
    _, rest, z = _pfaff(x)
    forms = (a, b, 1.0, x), (a, c - b, rest, z), (b, c - a, rest, z)

    def value(c, upper, lower, base, argument):
        return np.power(base, -upper) * special.hyp2f1(upper, lower, c, argument)

    with np.errstate(all="ignore"):
        plain, *others = (value(*strip([c, *form])) for form in forms)
        near = [np.less_equal(np.abs(plain - other), 1e-8 * np.abs(other)) for other in others]
    confirmed = np.logical_or(np.logical_or(*near), np.greater_equal(strip(x), -1))
    able = np.logical_and(np.logical_not(confirmed), np.greater(strip(x), -1e6))  # so that 1 − z has digits
    steady = [np.logical_and(able, np.minimum(np.minimum(*strip(form[:2])), strip(c)) >= 0) for form in forms[1:]]
    best = (np.select(steady, form[1:], form[0]) for form in zip(*forms, strict=True))
    return value(c, *best) * np.where(np.logical_or(confirmed, np.logical_or(*steady)), 1, np.nan)


def hyp2f1_upper(a, b, c, x):
    """∂F(a, b; c; x)/∂a by the series 15.2.1, left of 0 that of 15.8.1."""
    left, rest, z = _pfaff(x)
    change = lambda k: np.divide(np.where(left, -1, 1) * (b + k), c + k)
    return np.power(rest, -b) * _series_slope((np.where(left, c - a, a), b), c, z, change)


def hyp2f1_lower(a, b, c, x):
    """∂F(a, b; c; x)/∂c, likewise."""
    left, rest, z = _pfaff(x)
    a, b = np.maximum(a, b), np.minimum(a, b)
    change = lambda k: np.divide((a + k) * np.where(left, b, -(b + k)), np.square(c + k))
    return np.power(rest, -a) * _series_slope((a, np.where(left, c - b, b)), c, z, change)
