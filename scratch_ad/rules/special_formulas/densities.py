"""Densities of the gamma and beta distributions: DLMF, 8.2 and 8.17.

For large parameters in the saddle-point form of C. Loader, Fast and accurate computation of binomial probabilities
(2000).
"""

import numpy as np
import scipy.special as special

from .cancellation import PI, excess
from .gamma import stirling


def gamma_density(a, x):
    """xᵃ⁻¹ e⁻ˣ / Γ(a)."""
    small = np.logical_or(np.less(a, 10), np.equal(x, 0))
    direct = np.power(x, np.where(small, a, 1) - 1) * np.exp(-x) / special.gamma(np.where(small, a, 1))
    a, x = np.where(small, 10, a), np.where(small, 10, x)
    return np.where(small, direct, np.sqrt(a / (2 * PI)) * np.exp(-a * excess((x - a) / a) - stirling(a)) / x)


def beta_density(a, b, x, rest=None):
    """xᵃ⁻¹ (1 − x)ᵇ⁻¹ / B(a, b); ``rest``: 1 − x, if known better."""
    rest = 1 - x if rest is None else rest
    edge = np.logical_or(np.less_equal(x, 0), np.less_equal(rest, 0))
    small = np.logical_or(edge, np.logical_and(np.less(a, 10), np.less(b, 10)))
    u, v = np.where(small, a, 1), np.where(small, b, 1)
    direct = np.power(x, u - 1) * np.power(rest, v - 1) / special.beta(u, v)
    a, b, x, rest = np.where(small, 1, a), np.where(small, 1, b), np.where(small, 0.5, x), np.where(small, 0.5, rest)
    n = a + b
    shift = (b * x - a * rest) / a, (a * rest - b * x) / b
    exponent = stirling(n) - stirling(a) - stirling(b) - a * excess(shift[0]) - b * excess(shift[1])
    return np.where(small, direct, np.sqrt(a * b / (2 * PI * n)) * np.exp(exponent) / (x * rest))
