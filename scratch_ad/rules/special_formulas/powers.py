"""Powers, Box and Cox's transformations with their inverses, and Huber's smoothed loss."""

import numpy as np
import scipy.special as special

from .cancellation import exprel_slope, log1p_over, log1p_over_slope


def power_1p(a, b):
    """(1 + a)ᵇ, to its last digits for small a and large b."""
    small = np.less(np.abs(a), 0.5)
    near = np.exp(np.where(small, b, 0) * np.log1p(np.where(small, a, 0)))
    return np.where(small, near, np.power(1 + np.where(small, 1, a), b))


def boxcox_power(a, b):
    """∂/∂b (aᵇ − 1)/b."""
    nothing = np.equal(a, 0)
    return _boxcox_power(nothing, np.log(np.where(nothing, 1, a)), b)


def boxcox1p_power(a, b):
    """∂/∂b ((1 + a)ᵇ − 1)/b."""
    nothing = np.equal(a, -1)
    return _boxcox_power(nothing, np.log1p(np.where(nothing, 0, a)), b)


def _boxcox_power(nothing, log, b):
    """That of (exp(b log) − 1)/b; where ``nothing``, that of the power of 0."""
    power_of_zero = np.where(np.greater(b, 0), 1 / np.square(np.where(np.greater(b, 0), b, 1)), np.inf)
    return np.where(nothing, power_of_zero, np.square(log) * exprel_slope(b * log))


def _at_edge(a, b):
    """Where 1 + ab is 0, and there this number and 1/b, elsewhere 1 and 1."""
    edge = np.equal(a * b, -1)
    return edge, np.where(edge, 1 + a * b, 1), 1 / np.where(edge, b, 1)


def inv_boxcox1p_slope(a, b):
    """(1 + ab)^(1/b − 1), to its last digits for small b and for powers next to 0."""
    edge, zero, power = _at_edge(a, b)
    w = np.where(edge, 0, a * b)
    return np.where(edge, np.power(zero, power - 1), np.exp(a * log1p_over(w) - np.log1p(w)))


def inv_boxcox_slope(a, b, y):
    """The same by y = (1 + ab)^(1/b), where that is not 0."""
    edge, zero, power = _at_edge(a, b)
    return np.where(edge, np.power(zero, power - 1), np.power(np.where(edge, 1, y), 1 - b))


def inv_boxcox_power(a, b, base, slope):
    """∂/∂b of base = (1 + ab)^(1/b); ``slope``: that by a, which stands alone where the base is 0."""
    edge, zero, power = _at_edge(a, b)
    log = log1p_over_slope(np.where(edge, 0, a * b))
    at_edge = a * power * slope - np.square(power) * special.xlogy(np.power(zero, power), zero)
    return np.where(edge, at_edge, base * np.square(a) * log)


def sine_of_tangent(x):
    """x/√(1 + x²), finite at ±∞; its own derivative is no difference."""
    far = np.greater(np.abs(x), 1)
    v = np.where(far, x, 1)
    return np.where(far, np.sign(v) / np.hypot(1, 1 / v), np.where(far, 0, x) / np.hypot(1, np.where(far, 0, x)))


def pseudo_huber_scale(a, b):
    r = np.hypot(a, b)
    return b * np.divide(b, r) * np.square(np.divide(b, r + a))
