"""Orthogonal polynomials by their argument, and Legendre functions: DLMF, chapters 18 and 14."""

import numpy as np
import scipy.special as special

from ...primitives import detached
from ...tracer import all_known
from ..elementwise import is_complex
from .cancellation import PI


def below(polynomial, n, *arguments):
    """The polynomial of degree n − 1; 0 for n = 0."""
    constant = np.equal(n, 0)
    return np.where(constant, 0, polynomial(np.where(constant, 1, n) - 1, *arguments))


def _degrees(n, x):
    """Where n is an integer, for which SciPy has recurrences, and where x is near 1, so that series are short."""
    return np.logical_and(np.greater_equal(n, 0), np.equal(n, np.rint(n))), np.less((1 - x) * (1 + np.square(n)), 0.5)


def _integers(whole, n):
    return np.where(whole, n, 1)[()].astype(np.int64)  # a scalar goes with arrays on a device too


def _where_alike(slope, whole, factor, *terms):
    """The slope of a degree that is no integer, nan where it times a factor is not the sum of these terms.

    SciPy's hypergeometric functions have no digit of some polynomials of large degree.
    """
    gap, size = np.abs(factor * detached(slope) - sum(terms)), sum(map(np.abs, terms))
    return slope * np.where(np.logical_or(whole, np.less_equal(gap, 1e-7 * size)), 1, np.nan)  # as its derivative is


def gegenbauer_slope(n, order, x):
    """2λ C⁽λ⁺¹⁾ of degree n − 1 (18.9.19); of integer degree by SciPy's recurrence, which does not overflow."""
    polynomial = special.eval_gegenbauer
    if is_complex(x):
        return 2 * order * below(polynomial, n, order + 1, x)
    whole, _ = _degrees(n, x)
    slope = 2 * order * below(polynomial, _integers(whole, n), order + 1, x)
    if all_known(whole):
        return slope
    n = np.where(whole, 1.5, n)
    slope = np.where(whole, slope, 2 * order * below(polynomial, n, order + 1, x))
    n, order, x = map(detached, (n, order, x))
    terms = (n + 2 * order - 1) * polynomial(n - 1, order, x), -n * x * polynomial(n, order, x)
    return _where_alike(slope, whole, (1 - x) * (1 + x), *terms)


def jacobi_slope(n, a, b, x):
    """(n + a + b + 1)/2 times that of degree n − 1, a + 1 and b + 1 (18.9.15); of integer degree by recurrence."""
    polynomial = special.eval_jacobi
    if is_complex(x):
        return 0.5 * (n + a + b + 1) * below(polynomial, n, a + 1, b + 1, x)
    whole = np.logical_and(_degrees(n, x)[0], np.logical_and(np.greater(a, -1), np.greater(b, -1)))
    factor = 0.5 * (n + a + b + 1)
    slope = factor * below(polynomial, _integers(whole, n), a + 1, b + 1, x)
    if all_known(whole):
        return slope
    n = np.where(whole, 1.5, n)
    slope = np.where(whole, slope, factor * below(polynomial, n, a + 1, b + 1, x))
    n, a, b, x = map(detached, (n, a, b, x))
    twice = 2 * n + a + b  # 18.9.17
    terms = n * (a - b - twice * x) * polynomial(n, a, b, x), 2 * (n + a) * (n + b) * polynomial(n - 1, a, b, x)
    return _where_alike(slope, whole, twice * (1 - x) * (1 + x), *terms)


def shifted_jacobi_slope(n, p, q, x):
    """n times that of degree n − 1, p + 2 and q + 1; nan where that is not the slope of Jacobi's polynomial."""
    slope = n * below(special.eval_sh_jacobi, n, p + 2, q + 1, x)
    if is_complex(x):
        return slope
    n, p, q, x = map(detached, (n, p, q, x))
    of_jacobi = 2 * jacobi_slope(n, p - q, q - 1, 2 * x - 1)
    return _where_alike(slope, False, special.binom(2 * n + p - 1, n), of_jacobi)


def _ultraspherical_slope(polynomial, order, n, x):
    """The slope of the polynomial C⁽λ⁾, λ = ½ or 1: of integer degree 2λ C⁽λ⁺¹⁾ (18.9.19).

    Of other degrees near 1 by the series 18.5.9, elsewhere by 18.9.8, neither of which overflows.
    """
    if is_complex(x):
        return gegenbauer_slope(n, order, x)
    whole, near = _degrees(n, x)
    if all_known(whole):
        return gegenbauer_slope(n, order, x)
    recurrence = 2 * order * below(special.eval_gegenbauer, _integers(whole, n), order + 1, x)
    n = np.where(whole, 0.5, n)[()]
    u = np.where(near, x, 1)
    largest = n * (n + 1) / 2 if order == 0.5 else n * (n + 1) * (n + 2) / 3
    series = largest * special.hyp2f1(1 - n, n + 2 * order + 1, order + 1.5, (1 - u) / 2)
    v = np.where(np.logical_or(near, whole), 0, x)
    ratio = ((n + 2 * order - 1) * polynomial(n - 1, v) - n * v * polynomial(n, v)) / ((1 - v) * (1 + v))
    return np.where(whole, recurrence, np.where(near, series, ratio))


def _second_kind(n, x):
    """Uₙ(x) of a degree that is no integer, within (−1, 1) by 18.5.2: SciPy's series cancels there for large n."""
    inside = np.less(np.abs(x), 1)
    angle = np.arccos(np.where(inside, x, 0))
    outside = special.eval_chebyu(n, np.where(inside, 1, x))
    outside = np.where(np.equal(x, -1), np.sin((n + 1) * PI) / (1 + x), outside)  # infinite
    return np.where(inside, np.sin((n + 1) * angle) / np.sin(angle), outside)


def legendre_slope(n, x):
    return _ultraspherical_slope(special.eval_legendre, 0.5, n, x)


def chebyu_slope(n, x):
    return _ultraspherical_slope(_second_kind, 1, n, x)


def chebyt_slope(n, x):
    """n Uₙ₋₁: 18.9.21."""
    if is_complex(x):
        return n * below(special.eval_chebyu, n, x)
    whole, near = _degrees(n, x)
    recurrence = n * below(special.eval_chebyu, _integers(whole, n), x)
    if all_known(whole):
        return recurrence
    n = np.where(whole, 0.5, n)[()]
    apart = np.logical_or(near, whole)
    series = n * special.eval_chebyu(n - 1, np.where(near, x, 1))
    return np.where(
        whole, recurrence, np.where(near, series, n * _second_kind(np.where(apart, 0.5, n) - 1, np.where(apart, 0, x)))
    )


def laguerre_slope(n, order, x):
    """18.9.23; of integer degree by SciPy's recurrence, where its series cancels."""
    if is_complex(x):
        return -below(special.eval_genlaguerre, n, order + 1, x)
    whole, _ = _degrees(n, x)
    recurrence = -below(special.eval_genlaguerre, _integers(whole, n), order + 1, x)
    if all_known(whole):
        return recurrence
    n = np.where(whole, 0.5, n)
    slope = np.where(whole, recurrence, -special.eval_genlaguerre(n - 1, order + 1, x))
    n, order, x = map(detached, (n, order, x))
    terms = n * special.eval_genlaguerre(n, order, x), -(n + order) * special.eval_genlaguerre(n - 1, order, x)
    return _where_alike(slope, whole, x, *terms)  # 18.9.14 and 18.9.23


def lpmv_slope(m, v, x):
    """One of the relations of 14.10, which cancels near ±1 and where it is 0: there by 14.6.1.

    Left of 0 of integer degree alone.
    """
    whole = np.equal(v, np.rint(v))
    near = np.logical_or(np.less((1 - np.abs(x)) * (1 + np.square(v)), 0.5), np.equal(v, 0))
    near = np.logical_and(np.logical_and(near, np.greater_equal(m, 0)), np.logical_or(whole, np.greater(x, 0)))
    u = np.where(near, 0, x)
    far = ((m - v - 1) * special.lpmv(m, v + 1, u) + (v + 1) * u * special.lpmv(m, v, u)) / ((1 - u) * (1 + u))
    right = _lpmv_slope_near_one(np.where(near, m, 0), v, np.where(near, np.abs(x), 1))
    parity = 1 - 2 * np.mod(np.where(np.less(x, 0), m + np.where(near, v, 0) + 1, 0), 2)
    return np.where(near, parity * right, far)


def _lpmv_slope_near_one(m, v, x):
    """That of (−1)ᵐ (1 − x²)^(m/2) dᵐP/dxᵐ (14.6.1)."""
    rest, whole = (1 - x) * (1 + x), np.equal(v, np.rint(v))

    def derivative(k):  # of P, by 18.9.15
        nothing = np.logical_and(whole, np.less(v, k))
        p = special.eval_jacobi(np.where(nothing, k, v) - k, k, k, x)
        return np.where(nothing, 0, np.power(0.5, k) * special.poch(v + 1, k) * p)

    power = np.power(rest, np.where(np.equal(m, 0), 1, m / 2 - 1))
    return (1 - 2 * np.mod(m, 2)) * (np.power(rest, m / 2) * derivative(m + 1) - m * x * power * derivative(m))
