"""Other distributions: χ², Student's and F, central or not, those of Kolmogorov and Smirnov, and Tukey's λ.

N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous univariate distributions (1994, 1995); of the empirical ones
W. Feller (1948), Z. W. Birnbaum and F. H. Tingey (1951).
"""

import numpy as np
import scipy.special as special

from ...primitives import detached
from ...tracer import strip
from .cancellation import PI, ROOT_2PI, excess
from .densities import beta_density, gamma_density
from .gamma import psi_step_less_log, stirling
from .incomplete import betainc_a, betainc_b, ratio_shape, upper_tail
from .powers import boxcox_power


def chi2_density(x, df, nc):
    """The density of the noncentral χ² distribution (Johnson, Kotz, Balakrishnan, Univariate Distributions, ch. 29)."""
    half = df / 2
    central = np.logical_not(np.greater(nc * x, 0))
    z = np.sqrt(np.where(central, 1, nc * x))
    power = np.power(np.where(central, 1, x) / np.where(central, 1, nc), half / 2 - 0.5)
    gap = np.sqrt(np.where(central, 1, x)) - np.sqrt(np.where(central, 1, nc))
    general = 0.5 * np.exp(-np.square(gap) / 2) * power * special.ive(half - 1, z)
    return np.where(central, gamma_density(half, x / 2) / 2 * np.exp(-nc / 2), general)


def student_density(df, t):
    """Γ((ν + 1)/2) / (√(πν) Γ(ν/2)) (1 + t²/ν)^(−(ν + 1)/2), with 5.11.1 for the gamma functions."""
    a = np.divide(df, 2)
    norm = a * np.log1p(0.5 / a) - 0.5 + stirling(a + 0.5) - stirling(a)
    return np.exp(norm - (a + 0.5) * np.log1p(np.square(t) / df)) / ROOT_2PI


def student_df(df, t):
    """The derivative of Student's distribution, (1 ± I_z(½, ν/2))/2 at z = t²/(ν + t²), by ν."""
    middle = np.less(np.abs(t), 1e-8 * np.minimum(df, 1))  # linear in t
    square = np.square(np.where(middle, 1, np.clip(t, -1e150, 1e150)))
    tail = _by_degrees(False, 0.5, df / 2, *_shares(square, df)) / 4
    over_df = np.divide(1, df)
    near = t * student_density(df, t) * (psi_step_less_log(df / 2, 0.5) - excess(over_df, np.log1p(over_df))) / 2
    return np.where(middle, near, np.sign(t) * tail)


def _shares(u, v):
    """u/(u + v) and v/(u + v) of positive numbers, in a form whose derivatives do not cancel."""
    more, total = np.greater(u, v), u + v
    inverse = lambda more, of, over: 1 / (1 + np.where(more, of, 0) / np.where(more, over, 1))
    return (
        np.where(more, inverse(more, v, u), np.divide(u, total)),
        np.where(more, np.divide(v, total), inverse(np.logical_not(more), u, v)),
    )


def _variance_ratio(a, b, c):
    """z = ac/(b + ac), and 1 − z, of the F distribution I_z(a/2, b/2)."""
    scale = np.clip(detached(c), 1, 1e300)  # so that neither slopes by c nor cotangents of ac vanish
    return _shares(a * (c / scale), b / scale)


def _by_ratio(density, a, b, c):
    """A density of z as one of c, times dz/dc; by z (1 − z)/c for large c, where powers of b + ac overflow."""
    z, rest = _variance_ratio(a, b, c)
    far = np.greater(a * c, b)
    near = density * (a * b / np.square(np.add(b, a * np.where(far, 0, c))))
    return np.where(far, density * rest * (z / np.where(far, c, 1)), near)


def f_density(a, b, c):
    return _by_ratio(beta_density(a / 2, b / 2, *_variance_ratio(a, b, c)), a, b, c)


def f_sparsity(a, b, c):
    """1/f_density; for large c by its quotient with that at a fixed c, as powers of c leave the range of numbers."""
    far = np.logical_and(np.greater(c, 1), np.isfinite(c))
    fixed = np.where(far, detached(c), 1)
    z, rest = _variance_ratio(a, b, fixed)
    ratio = np.where(far, c, 1) / fixed
    there = beta_density(a / 2, b / 2, z, rest) * z * rest
    here = there * np.power(ratio, a / 2) * np.power(rest + z * ratio, -(a + b) / 2)
    return np.where(far, c / here, 1 / f_density(a, b, np.where(far, 1, c)))


def _by_degrees(of_first, a, b, z, rest):
    """∂I_z(a, b)/∂a, or ∂b, where z/(1 − z) is a/b times a constant."""
    large = np.greater_equal(np.where(upper_tail(a, b, z, rest), b, a), 0.5)
    u, v = np.where(large, 1, a), np.where(large, 1, b)
    edge = np.equal(z * rest, 0)
    small = np.where(edge, 0, z * rest * beta_density(u, v, np.where(edge, 0.5, z), np.where(edge, 0.5, rest)))
    small = betainc_a(u, v, z, rest) + small / u if of_first else betainc_b(u, v, z, rest) - small / v
    return np.where(large, ratio_shape(of_first, np.where(large, a, 1), np.where(large, b, 1), z, rest), small)


def f_log_numerator(a, b, c):
    """∂ log of the F density/∂a, by the weight in ``ratio_shape``."""
    total = b + a * c
    return 0.5 * (psi_step_less_log(a / 2, b / 2) - excess(b * (c - 1) / total, np.log((a + b) / total * c)))


def f_log_denominator(a, b, c):
    total = b + a * c
    return 0.5 * (psi_step_less_log(b / 2, a / 2) - excess(a * (1 - c) / total, np.log((a + b) / total)))


def f_numerator(a, b, c):
    return _by_degrees(True, a / 2, b / 2, *_variance_ratio(a, b, c)) / 2


def f_denominator(a, b, c):
    return _by_degrees(False, a / 2, b / 2, *_variance_ratio(a, b, c)) / 2


def noncentral_f_density(a, b, c, d):
    z, rest = _variance_ratio(a, b, d)
    series = np.exp(-c / 2) * special.hyp1f1((a + b) / 2, a / 2, c / 2 * z)
    return _by_ratio(beta_density(a / 2, b / 2, z, rest) * series, a, b, d)


def noncentral_f_noncentrality(a, b, c, d):
    z, rest = _variance_ratio(a, b, d)
    series = np.exp(-c / 2) * special.hyp1f1((a + b) / 2, a / 2 + 1, c / 2 * z)
    return -beta_density(a / 2, b / 2, z, rest) * z * rest / a * series


def kolmogorov_density(x):
    """−K'(x), by the series for large x or the one for small x (Kolmogorov 1933; Feller 1948)."""
    small = np.less(x, 1)
    u, v = np.where(small, np.maximum(x, 1e-3), 1), np.where(small, 1, x)
    terms = [
        ((PI * k) ** 2 / (4 * np.square(u)) - 1) * np.exp(-((PI * k) ** 2) / (8 * np.square(u))) for k in (1, 3, 5, 7)
    ]
    far = sum((-1) ** (k - 1) * k**2 * np.exp(-2 * k**2 * np.square(v)) for k in range(1, 6))
    return np.where(np.less_equal(x, 0), 0, np.where(small, ROOT_2PI * sum(terms) / np.square(u), 8 * v * far))


def smirnov_slope(n, x):
    """The slope of x Σ C(n, j) (x + j/n)ʲ⁻¹ (1 − x − j/n)ⁿ⁻ʲ over j < n (1 − x) (Birnbaum and Tingey 1951)."""
    n = np.floor(strip(n))
    total = -n * np.power(1 - x, n - 1.0)
    for j in range(1, int(np.max(n))):
        rest, p = np.maximum(1 - x - j / n, 0), x + j / n
        inner = np.logical_and(np.less(j, n), np.greater(rest, 0))
        rest = np.where(inner, rest, 1)
        term = special.binom(n, j) * np.power(p, j - 2.0) * np.power(rest, n - j - 1.0)
        total = total + np.where(inner, term * (p * rest + x * ((j - 1) * rest - (n - j) * p)), 0)
    return total


def tukey_density(x, y, b):
    """1/(pᵇ⁻¹ + (1 − p)ᵇ⁻¹) at p = y, inside of the support."""
    outside = np.greater_equal(np.abs(x) * b, 1)
    p = np.where(outside, 0.5, y)
    return np.where(outside, 0, 1 / (np.power(p, b - 1) + np.power(1 - p, b - 1)))


def tukey_shape(x, y, b):
    p = np.where(np.greater_equal(np.abs(x) * b, 1), 0.5, y)
    return -tukey_density(x, y, b) * (boxcox_power(p, b) - boxcox_power(1 - p, b))
