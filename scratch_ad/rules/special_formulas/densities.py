"""Densities of the gamma and beta distributions: DLMF, 8.2 and 8.17.

For large parameters in the saddle-point form of C. Loader, Fast and accurate computation of binomial probabilities
(2000).
"""

import numpy as np
import scipy.special as special

from .cancellation import PI, excess
from .gamma import stirling, stirling_series

_HUGE = 1e280  # where densities are 0, and from which infinity differs by nan


def gamma_density(a, x):
    """xᵃ⁻¹ e⁻ˣ / Γ(a)."""
    x = np.minimum(x, _HUGE)
    small = np.logical_or(np.logical_and(np.less(a, 10), np.less(x, 700)), np.equal(x, 0))
    u, v = np.where(small, a, 1), np.where(small, x, 1)
    direct = np.power(v, u - 1) * np.exp(-v) / special.gamma(u)
    a, x = np.where(small, 10, a), np.where(small, 10, x)
    exponent = -a * excess((x - a) / a, np.log(x / a)) - stirling(a)
    return np.where(small, direct, np.sqrt(a / (2 * PI)) * np.exp(exponent) / x)


def beta_density(a, b, x, rest=None):
    """xᵃ⁻¹ (1 − x)ᵇ⁻¹ / B(a, b); ``rest``: 1 − x, if known better."""
    rest = 1 - x if rest is None else rest
    edge = np.logical_or(np.less_equal(x, 0), np.less_equal(rest, 0))
    below, above = np.less(a, 10), np.less(b, 10)
    small = np.logical_or(edge, np.logical_and(below, above))
    mixed = np.logical_and(np.logical_not(small), np.logical_or(below, above))
    large = np.logical_not(np.logical_or(small, mixed))
    u, v = np.where(small, a, 1), np.where(small, b, 1)
    direct = np.power(x, u - 1) * np.power(rest, v - 1) / special.beta(u, v)
    first = np.logical_and(below, mixed)  # an array wherever x is one
    order = [np.where(first, *pair) for pair in ((a, b), (b, a), (x, rest), (rest, x))]
    fill = lambda where, arguments: [np.where(where, y, z) for y, z in zip(arguments, (10, 10, 0.5, 0.5), strict=True)]
    beside = _beside_a_small_one(*fill(mixed, order))
    return np.where(small, direct, np.where(mixed, beside, _saddle_point(*fill(large, (a, b, x, rest)))))


def _beside_a_small_one(a, b, x, rest):
    """The density for b ≥ 10 and smaller a, where xᵃ⁻¹ stands alone, as its derivatives want it."""
    n, near = a + b, np.less(x, 0.5)
    log = np.where(near, np.log1p(-np.where(near, x, 0)), np.log(np.where(near, 1, rest)))
    exponent = (b - 1) * log + stirling_series(n) - stirling_series(b) + (b - 0.5) * np.log1p(a / b) - a
    return n * np.power(n * x, a - 1) * np.exp(exponent) / special.gamma(a)


def _saddle_point(a, b, x, rest):
    n = a + b
    far = a * excess((b * x - a * rest) / a, np.log(n * x / a))
    far = far + b * excess((a * rest - b * x) / b, np.log(n * rest / b))
    exponent = stirling_series(n) - stirling_series(a) - stirling_series(b) - far
    return np.sqrt(a * b / (2 * PI * n)) * np.exp(exponent) / (x * rest)
