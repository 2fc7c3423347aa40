"""Continuous distributions: in z and in each shape, the slopes of log p, and how that moves the distribution function.

N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous univariate distributions (1994, 1995).
"""

import numpy as np
import scipy.special as special
import scipy.stats as _scipy

from ...rule import elementwise
from ...rules.special_formulas import distributions
from ...rules.special_formulas.cancellation import PI, excess, log1p_over, log1p_over_slope, ratio
from ...rules.special_formulas.erf import inverse_mills, normal_slope
from ...rules.special_formulas.gamma import psi_step, psi_step_less_log
from ...rules.special_formulas.incomplete import betainc_a, betainc_b, gammainc_shape
from .methods import Density, Flow, continuous

ABOVE = (0.0, np.inf)
UNIT = (0.0, 1.0)
NO_INTEGRAL = "no closed form of the integral is known; integrate the derivative of pdf numerically"


# Student's t and Fisher's F


def _t_size(z, v):
    return np.hypot(1, z / np.sqrt(v))  # whose square may be infinite where log p is not


def _t_slope(z, v):
    return -(1 + np.divide(1, v)) * (z / _t_size(z, v)) / _t_size(z, v)


def _t_by_log(z, v):
    return -(1 + np.divide(1, v)) * np.square(z / _t_size(z, v))


def _t_shape(z, v):
    size = np.hypot(np.sqrt(v), z)
    gap = (1 - z) / size * ((1 + z) / size)
    return 0.5 * (psi_step_less_log(v / 2, 0.5) - excess(gap, 2 * np.log(np.sqrt(1 + v) / size)))


def _f_slope(z, n, m):
    return ratio(n / 2 - 1, z) - (n + m) / 2 * n / (m + n * z)


# Extreme values, at −log F = (1 − c z)^(1/c) = e^(−z log1p_over(−c z)), smooth at c = 0


def _extreme_log(z, c):
    return -z * log1p_over(-c * z)


def _log_shape(z, c):
    """∂/∂c of log(1 + c z)/c, times 1 + c z: finite at its end, and where z² is infinite."""
    w = c * z
    near = np.less(np.abs(w), 0.1)
    v = np.where(near, 0, w)
    series = np.square(np.where(near, z, 0)) * log1p_over_slope(np.where(near, w, 0)) * (1 + np.where(near, w, 0))
    return np.where(near, series, (v - special.xlog1py(1 + v, v)) / np.square(np.where(near, 1, c)))


def _extreme_log_shape(z, c):
    return _log_shape(z, -c) / (1 - c * z)


def _extreme_slope(z, c):
    return (np.exp(_extreme_log(z, c)) - (1 - c)) / (1 - c * z)


def _extreme_shape(z, c):
    log = _extreme_log(z, c)
    return _extreme_log_shape(z, c) * (1 - c - np.exp(log)) - log


def _extreme_rate(z, c):
    end = np.isinf(_extreme_log(z, c))
    power = np.power(np.where(end, 1 - c * z, 1), 1 / np.where(end, c, 1) - 1)
    return np.where(end, power, np.exp((1 - c) * _extreme_log(np.where(end, 0, z), c)))


def _extreme_support(c):
    end = 1 / np.where(np.equal(c, 0), 1, c)
    return np.where(np.less(c, 0), end, -np.inf), np.where(np.greater(c, 0), end, np.inf)


# Beyond a threshold, at −log(1 − F) = log(1 + c z)/c


def _excess_support(c):
    return 0.0, np.where(np.less(c, 0), -1 / np.where(np.less(c, 0), c, 1), np.inf)


# Others


def _lognorm_rate(sign):
    def rate(z, s):
        end = np.equal(z, 0)
        u = np.where(end, 1, z)
        return np.where(end, 0, inverse_mills(sign * np.log(u) / s) / (s * u))

    return rate


def _wald_mills(z, m):
    """Φ/φ at u = (z/m − 1)/√z, at −u and at −(z/m + 1)/√z, of which F, 1 − F and ∂F/∂m are made; times z^(3/2)."""
    root = np.sqrt(z)
    return (z * root * normal_slope(w / root) for w in (z / m - 1, 1 - z / m, -(z / m + 1)))


def _wald_flow(z, m):
    *_, beyond = _wald_mills(z, m)
    return 2 / np.square(m) * beyond


def _wald_lower(z, m):
    lower, _, beyond = _wald_mills(z, m)
    return 1 / (lower + beyond)


def _wald_upper(z, m):
    tail = np.greater(z, m)
    _, upper, beyond = _wald_mills(np.where(tail, z, m), m)
    u = np.where(tail, m, z)
    return np.where(tail, 1 / (upper - beyond), np.exp(invgauss.logpdf(u, m)) / invgauss.sf(u, m))


def _weibull_slope(z, c):
    return ratio(c - 1, z) - c * np.power(z, c - 1)


signed_power = elementwise(
    lambda z, p: np.sign(z) * np.power(np.abs(z), p),
    lambda a, b: b * np.power(np.abs(a), b - 1),  # infinite at 0, which the product of sign and power is not
    lambda a, y: special.xlogy(y, np.abs(a)),
)


def _general_shape(z, b):
    return np.divide(1, b) + special.psi(1 / b) / np.square(b) - special.xlogy(np.power(np.abs(z), b), np.abs(z))


def _general_cdf(z, b):
    """By P(1/b, |z|ᵇ); in the middle by its slope there."""
    middle = np.equal(z, 0)
    size = np.where(middle, 1, np.abs(z))
    power = np.power(size, b)
    by_power = size * np.log(size) * np.exp(-power) * special.rgamma(1 / b)
    apart = np.sign(z) / 2 * (by_power - gammainc_shape(1 / b, power) / np.square(b))
    return np.where(middle, z * gennorm.pdf(z, b) * _general_shape(z, b), apart)


def _wrapped(z, c):
    return 1 + np.square(c) - 2 * c * np.cos(z)


def _wrapped_shape(z, c):
    return -2 * c / (1 - np.square(c)) - 2 * (c - np.cos(z)) / _wrapped(z, c)


def _wrapped_cdf(z, c):
    half = z / 2
    return np.sin(z) / (np.square((1 - c) * np.cos(half)) + np.square((1 + c) * np.sin(half))) / PI


def _mills_ratio(log_tail):
    return lambda z, a, b: np.exp(log_tail(z, a, b) - truncnorm.logpdf(z, a, b))


# fmt: off
LAWS = {
    "norm":        Density(lambda z: -z, rates=(inverse_mills, lambda z: inverse_mills(-z))),
    "halfnorm":    Density(lambda z: -z, support=ABOVE, rates=(None, lambda z: inverse_mills(-z))),
    "expon":       Density(lambda z: np.full_like(z, -1), support=ABOVE, rates=(None, np.ones_like)),
    "uniform":     Density(lambda z: np.zeros_like(z), support=UNIT),
    "laplace":     Density(lambda z: -np.sign(z)),
    "logistic":    Density(lambda z: -np.tanh(z / 2), rates=(lambda z: special.expit(-z), special.expit)),
    "cauchy":      Density(lambda z: _t_slope(z, 1.0), by_log=lambda z: _t_by_log(z, 1.0)),
    "gumbel_r":    Density(lambda z: np.expm1(-z), rates=(lambda z: np.exp(-z), None)),
    "gumbel_l":    Density(lambda z: -np.expm1(z), rates=(None, np.exp)),
    "rayleigh":    Density(lambda z: np.divide(1, z) - z, support=ABOVE, rates=(None, lambda z: z)),
    "gamma":       Density(lambda z, a: ratio(a - 1, z) - 1,
                           (lambda z, a: np.log(z) - special.psi(a),),
                           (lambda z, a: gammainc_shape(a, z),), ABOVE),
    "invgamma":    Density(lambda z, a: (np.divide(1, z) - (a + 1)) / z,
                           (lambda z, a: -np.log(z) - special.psi(a),),
                           (lambda z, a: -gammainc_shape(a, np.divide(1, z)),), ABOVE,
                           by_log=lambda z, a: np.divide(1, z) - (a + 1)),
    "chi2":        Density(lambda z, v: ratio(v / 2 - 1, z) - 0.5,
                           (lambda z, v: 0.5 * (np.log(z / 2) - special.psi(v / 2)),),
                           (lambda z, v: 0.5 * gammainc_shape(v / 2, z / 2),), ABOVE),
    "beta":        Density(lambda z, a, b: ratio(a - 1, z) - ratio(b - 1, 1 - z),
                           (lambda z, a, b: np.log(z) + psi_step(a, b),
                            lambda z, a, b: np.log1p(-z) + psi_step(b, a)),
                           (lambda z, a, b: betainc_a(a, b, z), lambda z, a, b: betainc_b(a, b, z)), UNIT),
    "f":           Density(_f_slope,
                           (lambda z, n, m: distributions.f_log_numerator(n, m, z),
                            lambda z, n, m: distributions.f_log_denominator(n, m, z)),
                           (lambda z, n, m: distributions.f_numerator(n, m, z),
                            lambda z, n, m: distributions.f_denominator(n, m, z)), ABOVE,
                           by_log=lambda z, n, m: n / 2 - 1 - (n + m) / 2 * (n * z / (m + n * z))),
    "t":           Density(_t_slope,
                           (_t_shape,),
                           (lambda z, v: distributions.student_df(v, z),), by_log=_t_by_log),
    "lognorm":     Density(lambda z, s: -(1 + np.log(z) / np.square(s)) / z,
                           (lambda z, s: (np.square(np.log(z) / s) - 1) / s,),
                           (Flow(lambda z, s: special.xlogy(z, z) / s),), ABOVE,
                           (_lognorm_rate(1), _lognorm_rate(-1)), lambda z, s: -(1 + np.log(z) / np.square(s))),
    "weibull_min": Density(_weibull_slope,
                           (lambda z, c: np.divide(1, c) + np.log(z) - special.xlogy(np.power(z, c), z),),
                           (Flow(lambda z, c: -special.xlogy(z, z) / c),), ABOVE,
                           (None, lambda z, c: c * np.power(z, c - 1))),
    "pareto":      Density(lambda z, b: -(b + 1) / z,
                           (lambda z, b: np.divide(1, b) - np.log(z),),
                           (Flow(lambda z, b: -special.xlogy(z, z) / b),), (1.0, np.inf), (None, lambda z, b: b / z)),
    "genextreme":  Density(_extreme_slope, (_extreme_shape,),
                           (Flow(lambda z, c: _log_shape(z, -c)),), _extreme_support,
                           (_extreme_rate, None)),
    "genpareto":   Density(lambda z, c: -ratio(1 + c, 1 + c * z),
                           (lambda z, c: -(_log_shape(z, c) + z) / (1 + c * z),),
                           (Flow(lambda z, c: -_log_shape(z, c)),), _excess_support,
                           (None, lambda z, c: 1 / (1 + c * z)), lambda z, c: -(1 + c) * ratio(z, 1 + c * z)),
    "lomax":       Density(lambda z, c: -(c + 1) / (1 + z),
                           (lambda z, c: np.divide(1, c) - np.log1p(z),),
                           (Flow(lambda z, c: -(1 + z) * np.log1p(z) / c),), ABOVE,
                           (None, lambda z, c: c / (1 + z)), lambda z, c: -(c + 1) * (z / (1 + z))),
    "maxwell":     Density(lambda z: np.divide(2, z) - z, support=ABOVE),
    "powerlaw":    Density(lambda z, a: ratio(a - 1, z),
                           (lambda z, a: np.divide(1, a) + np.log(z),),
                           (Flow(lambda z, a: -special.xlogy(z, z) / a),), UNIT,
                           (lambda z, a: ratio(a, z), None)),
    "invgauss":    Density(lambda z, m: 0.5 * ((np.divide(1, z) - 3) / z - np.divide(1, np.square(m))),
                           (lambda z, m: (z - m) / np.power(m, 3),), (Flow(_wald_flow),), ABOVE,
                           (_wald_lower, _wald_upper),
                           lambda z, m: 0.5 * (np.divide(1, z) - 3 - z / np.square(m))),
    "skewnorm":    Density(lambda z, a: a * inverse_mills(a * z) - z,
                           (lambda z, a: z * inverse_mills(a * z),),
                           (lambda z, a: -np.exp(-np.square(z) / 2 * (1 + np.square(a))) / (PI * (1 + np.square(a))),)),
    "vonmises":    Density(lambda z, k: -k * np.sin(z),
                           (lambda z, k: np.cos(z) - special.i1e(k) / special.i0e(k),), (NO_INTEGRAL,)),
    "gennorm":     Density(lambda z, b: -b * signed_power(z, b - 1), (_general_shape,), (_general_cdf,)),
    "wrapcauchy":  Density(lambda z, c: -2 * c * np.sin(z) / _wrapped(z, c), (_wrapped_shape,), (_wrapped_cdf,),
                           (0.0, 2 * PI)),
    "truncnorm":   Density(lambda z, a, b: -z,
                           (lambda z, a, b: truncnorm.pdf(a, a, b), lambda z, a, b: -truncnorm.pdf(b, a, b)),
                           (Flow(lambda z, a, b: truncnorm.pdf(a, a, b) * _mills_ratio(truncnorm.logsf)(z, a, b)),
                            Flow(lambda z, a, b: truncnorm.pdf(b, a, b) * _mills_ratio(truncnorm.logcdf)(z, a, b))),
                           lambda a, b: (a, b)),
}
# fmt: on
DISTRIBUTIONS = {name: continuous(getattr(_scipy, name), law) for name, law in LAWS.items()}
gennorm, invgauss, truncnorm = (DISTRIBUTIONS[name] for name in ("gennorm", "invgauss", "truncnorm"))
