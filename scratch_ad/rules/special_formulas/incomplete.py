"""Incomplete gamma and beta functions by their parameters, and exponential integrals: DLMF, chapter 8.

Derivatives by the parameters are integrals over the nearer tail, of the density times its logarithmic derivative, by
Gauss and Legendre's rule up to where the density has fallen by e⁻⁴⁰.
"""

import decimal
import functools
import math

import numpy as np
import scipy.special as special

from ...primitives import detached
from ...tracer import all_known
from .cancellation import excess
from .densities import beta_density, gamma_density
from .gamma import psi_step, psi_step_less_log


@functools.cache
def _gauss_legendre(n):
    """Nodes and weights (3.5(v)), to the last digit: NumPy's and SciPy's weights are good to 13 digits."""
    nodes, weights = [], []
    with decimal.localcontext(prec=30):
        for k in range(n):
            x = decimal.Decimal(math.cos(math.pi * (k + 0.75) / (n + 0.5)))
            for _ in range(4):
                before, p = 1, x
                for j in range(2, n + 1):
                    before, p = p, ((2 * j - 1) * x * p - (j - 1) * before) / j
                slope = n * (x * p - before) / (x * x - 1)
                x -= p / slope
            nodes.append(float(x))
            weights.append(float(2 / ((1 - x * x) * slope * slope)))
    return nodes, weights


def _integral(integrand, end, start=0):
    start, end = detached(start), detached(end)
    half = 0.5 * (end - start)
    nodes = [(start + (x + 1) * half, w) for x, w in zip(*_gauss_legendre(48), strict=True)]
    return half * sum(w * integrand(u) for u, w in nodes)


def _fall(slope, curvature, a, offset):
    """Where s u + c u²/(2 + u), or a u − offset, is 40."""
    c, b = slope + curvature, slope - 20
    return np.minimum((np.sqrt(np.square(b) + 80 * c) - b) / c, (40 + offset) / a)


def gammainc_shape(a, x):
    """∂P(a, x)/∂a; for small a by P(a, x) = P(a + 1, x) + xᵃ e⁻ˣ/Γ(a + 1) (8.8.5)."""
    nothing = np.logical_or(np.less_equal(x, 0), np.isinf(x))
    x = np.where(nothing, 1, x)
    lower = np.less(x, np.maximum(a, 1))
    raised = np.logical_and(lower, np.less(a, 1))
    step = np.where(raised, gamma_density(a + 1, x) * (np.log(x) - special.psi(a + 1)), 0)
    a = np.where(raised, a + 1, a)
    above = np.maximum(x - a, 0)
    up = (np.sqrt(np.square(above) + 80 * x) - above) / x
    up = np.minimum(
        up, np.maximum(np.log1p(80 / x), 1.3)
    )  # eᵘ − 1 − u is more than u²/2 and, from 1.3, than (eᵘ − 1)/2
    end = np.where(lower, _fall(np.maximum(a - x, 0), np.minimum(x, a), a, x), up)
    sign = np.where(lower, -1, 1)
    log = np.log(x) - special.psi(a)

    def integrand(u):
        return (log + sign * u) * np.exp(sign * a * u - x * np.expm1(sign * u))

    return np.where(nothing, 0, step - sign * x * gamma_density(a, x) * _integral(integrand, end))


def betainc_shape(by_a, by_b, a, b, x, rest=None):
    """by_a ∂I_x(a, b)/∂a + by_b ∂I_x(a, b)/∂b; below a = 1 by I_x(a, b) = I_x(a + 1, b) + xᵃ (1 − x)ᵇ/(a B(a, b)).

    8.17.20, and 8.17.4 for the upper tail; ``rest``: 1 − x, if known better.
    """
    rest = 1 - x if rest is None else rest
    edge = np.logical_or(np.less_equal(x, 0), np.less_equal(rest, 0))
    x, rest = np.where(edge, 0.5, x), np.where(edge, 0.5, rest)
    swap = upper_tail(a, b, x, rest)
    a, b, x, rest = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, rest, x), np.where(swap, x, rest)
    by_a, by_b = np.where(swap, -by_b, by_a), np.where(swap, -by_a, by_b)
    raised = np.less(a, 1)
    step = np.where(raised, x * rest * beta_density(a, b, x, rest) / a, 0)
    step = step * (by_a * (np.log(x) - psi_step(a + b, 1 - b)) + by_b * (np.log(rest) + psi_step(b, a)))
    a = np.where(raised, a + 1, a)
    level = by_a * (np.log(x) + psi_step(a, b)) + by_b * (np.log(rest) + psi_step(b, a))
    return np.where(edge, 0, step + _beta_tail(a, b, x, rest, lambda u, log: level - by_a * u - (by_a + by_b) * log))


def upper_tail(a, b, x, rest):
    """Whether the upper tail is the nearer one: x lies above the mean."""
    return np.greater(x * b, a * rest)


def _beta_tail(a, b, x, rest, weight):
    """∫ weight · density over the lower tail, where x/(1 − x) is e⁻ᵘ times that, and 1 − x is e⁻ˡᵒᵍ times ``rest``."""
    n = a + b
    end = _fall(np.maximum(a - n * x, 0), np.minimum(n * x * rest, a), a, -n * np.log(rest))

    def integrand(u):
        log = np.log1p(x * np.expm1(-u))
        return weight(u, log) * np.exp(-a * u - n * log)

    turn = np.clip(np.log(x) - np.log(rest), 0, end)  # before it the density is flat where b is small
    total = _integral(integrand, end, turn)
    if not all_known(np.less_equal(turn, 0)):
        total = total + _integral(integrand, turn)
    return x * rest * beta_density(a, b, x, rest) * total


def ratio_shape(by_first, a, b, x, rest):
    """∂I_x(a, b)/∂a, or ∂b, where x/(1 − x) is a/b times a constant, as for a ratio of variances.

    The parameter of the nearer tail is to be ½ at least. In a weight that is no difference of larger ones:
    ∂ log density/∂a = ψ(a + b) − ψ(a) − log(1 + b/a) + log(1 + r) − r at r = (b x − a (1 − x))/a. Where the nearer
    tail is (b/a x/(1 − x))ᵖ without the other parameter, p = 1, what is common to both is left out of both.
    """
    edge = np.logical_or(np.less_equal(x, 0), np.less_equal(rest, 0))
    x, rest = np.where(edge, 0.5, x), np.where(edge, 0.5, rest)
    swap = upper_tail(a, b, x, rest)
    a, b, x, rest = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, rest, x), np.where(swap, x, rest)
    first = np.not_equal(swap, by_first)
    p, q = np.where(first, a, b), np.where(first, b, a)
    level = psi_step_less_log(p, q)
    alone = np.logical_and(np.logical_not(first), np.equal(q, 1))
    beside = psi_step(p + 1, q - 1) + (1 - q) / p

    def weight(u, log):
        lower, upper = x * np.exp(-u - log), rest * np.exp(-log)
        r = np.where(first, q * lower - p * upper, q * upper - p * lower) / p
        far = np.log(rest) - log
        weight = level - excess(r, np.where(first, np.log(x) - u - log, far) + np.log1p(q / p))
        return np.where(alone, beside + q / p * lower - excess(-lower, far), weight)

    return np.where(edge, 0, np.where(swap, -1, 1) * _beta_tail(a, b, x, rest, weight))


def betainc_a(a, b, x, rest=None):
    return betainc_shape(1, 0, a, b, x, rest)


def betainc_b(a, b, x, rest=None):
    return betainc_shape(0, 1, a, b, x, rest)


def expn_slope(n, x):
    """−Eₙ₋₁(x) (8.19.13), where E₋₁ is e⁻ˣ (1 + 1/x)/x."""
    n = np.trunc(n)  # as SciPy takes it
    return np.where(np.equal(n, 0), -np.exp(-x) * (1 + np.divide(1, x)) / x, -special.expn(np.maximum(n - 1, 0), x))
