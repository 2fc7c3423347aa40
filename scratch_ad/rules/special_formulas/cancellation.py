"""Quotients, logarithms and exponential functions that would cancel, and what the other chapters share.

Power series stand where a formula would lose its digits.
"""

import functools
import math
import sys

import numpy as np

PI, ROOT_PI, ROOT_2, DEGREE = math.pi, math.sqrt(math.pi), math.sqrt(2), math.pi / 180
ROOT_2PI = math.sqrt(2 * math.pi)
_LARGEST_EXPONENT = math.log(sys.float_info.max)


def horner(z, coefficients):
    return functools.reduce(lambda total, c: total * z + c, reversed(coefficients), 0.0)


def patched(x, radius, coefficients, function, variable=lambda x: x):
    """``function(x)``, but where |x| < radius, and it would cancel, its power series in ``variable(x)``."""
    near = np.less(np.abs(x), radius)
    series = horner(variable(np.where(near, x, 0)), coefficients)
    return np.where(near, series, function(np.where(near, 1, x)))


def excess(w, log):
    """w − log(1 + w), where the logarithm is given too, since 1 + w may be less than the rounding of w."""
    near = np.less(np.abs(w), 0.1)
    series = horner(np.where(near, w, 0), [0, 0] + [(-1) ** k / k for k in range(2, 20)])
    return np.where(near, series, w - log)


def log1p_over(w):
    """log(1 + w)/w."""
    return patched(w, 0.1, [(-1) ** k / (k + 1) for k in range(18)], lambda w: np.log1p(w) / w)


def log1p_over_slope(w):
    """d/dw log(1 + w)/w."""
    far = lambda w: (1 / (1 + w) - np.log1p(w) / w) / w
    return patched(w, 0.1, [-((-1) ** k) * (k + 1) / (k + 2) for k in range(18)], far)


def sine_over(x):
    """sin(x)/x."""
    return patched(x, 2, [(-1) ** k / math.factorial(2 * k + 1) for k in range(14)], lambda x: np.sin(x) / x, np.square)


def exprel_slope(x):
    """d/dx (eˣ − 1)/x; infinite with eˣ."""
    over = np.greater(x, _LARGEST_EXPONENT)
    far = lambda x: (np.exp(x) * (1 - 1 / x) + 1 / x) / x
    slope = patched(np.where(over, 1, x), 1, [1 / (math.factorial(k) * (k + 2)) for k in range(20)], far)
    return np.where(over, np.exp(x), slope)


def ratio(a, b):
    """a/b; 0 where both are 0."""
    return a / np.where(np.logical_and(np.equal(a, 0), np.equal(b, 0)), 1, b)


def _within_two(a, b):
    return np.logical_and(np.less(a, 2 * b), np.less(b, 2 * a))


def one_less_ratio(a, b):
    """1 − a/b, to its last digits near a = b, the derivatives too."""
    return np.where(_within_two(a, b), np.divide(b - a, b), 1 - np.divide(a, b))


def log_ratio(a, b):
    """log(a/b), to its last digits near a = b, and also where a/b is not representable."""
    near = _within_two(a, b)
    close = np.log1p(np.where(near, a - b, 0) / np.where(near, b, 1))
    quotient = np.divide(a, b)
    within = np.logical_and(np.greater(quotient, 1e-290), np.less(quotient, 1e290))
    apart = np.where(within, np.log(np.where(within, quotient, 1)), np.log(a) - np.log(b))
    return np.where(near, close, apart)
