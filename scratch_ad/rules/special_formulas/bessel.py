"""Bessel functions and their relatives, those of Airy, Kelvin and Struve: DLMF, chapters 9, 10 and 11."""

import math

import numpy as np
import scipy.special as special

from ...tracer import all_known
from ..elementwise import is_complex
from .cancellation import PI, ROOT_2PI, ROOT_PI, horner, patched


def minus(function, v, z):
    """(F at v − 1, less F at v + 1)/2: 10.6.1; of a complex number where that is not finite by 10.6.2."""
    above = function(v + 1, z)
    slope = 0.5 * (function(v - 1, z) - above)
    return _finite_or(slope, v, z, lambda v, z, above: v / z * function(v, z) - above, above)


def plus(function, v, z, sign=1):
    """``sign`` times (F at v − 1, plus F at v + 1)/2: 10.29.1; of a complex number where that is not finite by 10.29.2.

    ``sign``: 1 of I, −1 of K.
    """
    above = function(v + 1, z)
    slope = sign * 0.5 * (function(v - 1, z) + above)
    return _finite_or(slope, v, z, lambda v, z, above: v / z * function(v, z) + sign * above, above)


def _finite_or(slope, v, z, other, above):
    """SciPy's functions of negative orders are nan at some complex numbers where those of others are not."""
    if not is_complex(z):
        return slope
    finite = np.logical_or(np.isfinite(slope), np.equal(z, 0))
    if all_known(finite):
        return slope
    return np.where(finite, slope, other(np.where(finite, 1, v), np.where(finite, 1, z), np.where(finite, 0, above)))


def i1_slope(x):
    """I₀ − I₁/x, DLMF 10.29.2."""
    series = [(2 * k + 1) / (2 * 4**k * math.factorial(k) * math.factorial(k + 1)) for k in range(20)]
    return patched(x, 2, series, lambda x: special.i0(x) - special.i1(x) / x, np.square)


def i1e_slope(x, y):
    """That of e^−|x| I₁(x), whose second derivative jumps at 0."""
    within = np.where(np.less(np.abs(x), 700), x, 0)
    return np.exp(-np.sign(x) * x) * i1_slope(within) - np.sign(x) * y


def i0_less_one_over(x):
    """(I₀(x) − 1)/x, DLMF 10.25.2."""
    series = [1 / (4**k * math.factorial(k) ** 2) for k in range(1, 20)]
    return x * patched(x, 2, series, lambda x: (special.i0(x) - 1) / np.square(x), np.square)


def one_less_j0_over(x):
    """(1 − J₀(x))/x, DLMF 10.2.2."""
    series = [-((-1) ** k) / (4**k * math.factorial(k) ** 2) for k in range(1, 20)]
    return x * patched(x, 2, series, lambda x: (1 - special.j0(x)) / np.square(x), np.square)


def _scaled_tail(v, x, sign):
    """d/dx of Σ (±1)ᵏ aₖ(v) x⁻ᵏ⁻¹ᐟ² (10.17.1), of which the scaled functions are multiples for large x (10.40.1)."""
    total, a = -0.5, 1
    for k in range(1, 18):
        a = sign * a * (4 * np.square(v) - (2 * k - 1) ** 2) / (8 * k * x)
        total = total - (k + 0.5) * a
    return total * np.power(x, -1.5)


def _far(v, x):
    return np.greater(x, 30 + 2 * np.square(v))


def ive_slope(v, x, direct):
    """The slope of e^−|x| I_v(x); ``direct`` gives it, with cancellation for large x.

    Left of 0 the function is even or odd, as v is.
    """
    size = np.abs(x)
    far = np.logical_and(_far(v, size), np.logical_or(np.greater(x, 0), np.equal(v, np.rint(v))))
    tail = _scaled_tail(v, np.where(far, size, 50), -1) / ROOT_2PI
    return np.where(far, tail * np.where(np.equal(np.mod(v, 2), 1), 1, np.sign(x)), direct)


def kve_slope(v, z, direct):
    """The slope of eᶻ K_v(z); ``direct`` gives it, with cancellation for large z."""
    far = _far(v, np.real(z))
    return np.where(far, math.sqrt(PI / 2) * _scaled_tail(v, np.where(far, z, 50), 1), direct)


def ive_of(y, v, z):
    direct = plus(special.ive, v, z)
    return direct if is_complex(z) else ive_slope(v, z, direct - np.sign(z) * y)


def _airy_series():
    """The coefficients u and v of 9.7.2."""
    u = [1.0]
    for k in range(1, 13):
        u.append(u[-1] * (6 * k - 5) * (6 * k - 3) * (6 * k - 1) / (216 * k * (2 * k - 1)))
    return u, [(1 + 6 * k) / (1 - 6 * k) * c for k, c in enumerate(u)]


_AIRY = _airy_series()


def _airy_tail(x, sign, order):
    """The slope for large x of 2√π Ai(x) (``sign`` −1), √π Bi(x), or their derivatives, scaled: 9.7.5 to 9.7.8."""
    power = order / 2 - 0.25
    terms = [(power - 1.5 * k) * c for k, c in enumerate(_AIRY[order])]
    return np.power(x, power - 1) * horner(1.5 * sign * np.power(x, -1.5), terms)


def airye_slopes(y, x):
    """The scaling is exp(± 2/3 x^(3/2)) for x > 0; left of 0 that of Bi is 1, and Ai is nan.

    Far out by series, as the slopes of the function and of the scale cancel.
    """
    far = np.greater(x, 20)
    near, x = np.where(far, 0, x), np.where(far, x, 20)
    root = np.sqrt(np.maximum(near, 0))
    direct = y[1] + root * y[0], near * y[0] + root * y[1], y[3] - root * y[2], near * y[2] - root * y[3]
    factors = 0.5 / ROOT_PI, -0.5 / ROOT_PI, 1 / ROOT_PI, 1 / ROOT_PI
    tails = [c * _airy_tail(x, sign, k % 2) for k, (c, sign) in enumerate(zip(factors, (-1, -1, 1, 1), strict=True))]
    return tuple(np.where(far, *of) for of in zip(tails, direct, strict=True))


def kelvin_second(x, turned, slope, at_zero=0):
    """The second derivative of ber, bei, ker or kei: x² w″ + x w′ = i x² w (10.61.3), with the part of i w.

    ``at_zero``: the limit of w′/x at 0.
    """
    middle = np.equal(x, 0)
    return turned - np.where(middle, at_zero, slope / np.where(middle, 1, x))


def struve_slope(sign, function, v, x):
    """11.4.27 and 11.4.29; near 0, where what these are the difference of grows, 11.4.28 and 11.4.30.

    Of order −1, of which these cancel as well, it is that of order 1 but for the sign: 11.4.23 and 11.4.25 at 0.
    """
    turn = 1
    if not all_known(np.not_equal(v, -1)):
        turned = np.equal(v, -1)
        turn, v = np.where(turned, sign, 1), np.where(turned, 1, v)
    near = np.less(np.abs(x), 1)
    shared = v * function(v, x) / np.where(np.equal(x, 0), 1, x)
    constant = np.power(np.where(near, x, 1) / 2, v) * special.rgamma(v + 1.5) / ROOT_PI
    far = function(v - 1, np.where(near, 1, x)) - shared
    return turn * np.where(near, shared + constant + sign * function(v + 1, x), far)


def besselpoly_slope(a, power, v):
    """∂/∂a of the integral of tᵖ Jᵥ(2at) over 0 < t < 1, by 10.6.1."""
    return special.besselpoly(a, power + 1, v - 1) - special.besselpoly(a, power + 1, v + 1)
