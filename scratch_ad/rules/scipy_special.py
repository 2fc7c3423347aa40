"""Partial derivatives of the ufuncs of ``scipy.special``, one line each; names as in rule.py.

Loaded when a tracer meets one of them, so that SciPy need not be there. The numbers at the ends of lines are sections
and equations of the NIST Digital Library of Mathematical Functions (DLMF, https://dlmf.nist.gov), whose notation the
helpers follow. Where a formula would cancel or overflow, a named function above the table has one that does not.
An inverse function x of p = F(x) has the partial 1 / F'(x), and −∂F/∂a / F'(x) in its other arguments.
"""

import functools
import math

import numpy as np
import scipy.special as special
from scipy.special import _ufuncs

from ..rule import constant, elementwise, explicit, over, refuse
from ..tracer import dtype_of, stop_gradient, strip
from .elementwise import _base_partial, _exponent_partial, _one_plus

_PI, _ROOT_PI, _ROOT_2, _DEGREE = math.pi, math.sqrt(math.pi), math.sqrt(2), math.pi / 180
_LN2, _LN10 = math.log(2), math.log(10)
_ROOT_2PI = math.sqrt(2 * math.pi)
unknown = "no closed form of it is known"


def _is_complex(x):
    return dtype_of(x).kind == "c"


# Functions that cancel


def _horner(z, coefficients):
    return functools.reduce(lambda total, c: total * z + c, reversed(coefficients), 0.0)


def _patched(x, radius, coefficients, function, variable=lambda x: x):
    """``function(x)``, but where |x| < radius, and it would cancel, its power series in ``variable(x)``."""
    near = np.less(np.abs(x), radius)
    series = _horner(variable(np.where(near, x, 0)), coefficients)
    return np.where(near, series, function(np.where(near, 1, x)))


def _log1p_over(w):
    """log(1 + w)/w."""
    return _patched(w, 0.1, [(-1) ** k / (k + 1) for k in range(18)], lambda w: np.log1p(w) / w)


def _log1p_over_slope(w):
    """d/dw log(1 + w)/w."""
    far = lambda w: (1 / (1 + w) - np.log1p(w) / w) / w
    return _patched(w, 0.1, [-((-1) ** k) * (k + 1) / (k + 2) for k in range(18)], far)


def _excess(w):
    """w − log(1 + w)."""
    return _patched(w, 0.1, [0, 0] + [(-1) ** k / k for k in range(2, 20)], lambda w: w - np.log1p(w))


def _exprel_slope(x):
    """d/dx (eˣ − 1)/x."""
    far = lambda x: (np.exp(x) - special.exprel(x)) / x
    return _patched(x, 1, [1 / (math.factorial(k) * (k + 2)) for k in range(20)], far)


def _i1_slope(x):
    """I₀ − I₁/x, DLMF 10.29.2."""
    series = [(2 * k + 1) / (2 * 4**k * math.factorial(k) * math.factorial(k + 1)) for k in range(20)]
    return _patched(x, 2, series, lambda x: special.i0(x) - special.i1(x) / x, np.square)


def _i1e_slope(x, y):
    """That of e^−|x| I₁(x), whose second derivative jumps at 0."""
    within = np.where(np.less(np.abs(x), 700), x, 0)
    return np.exp(-np.sign(x) * x) * _i1_slope(within) - np.sign(x) * y


def _i0_less_one_over(x):
    """(I₀(x) − 1)/x, DLMF 10.25.2."""
    series = [1 / (4**k * math.factorial(k) ** 2) for k in range(1, 20)]
    return x * _patched(x, 2, series, lambda x: (special.i0(x) - 1) / np.square(x), np.square)


def _one_less_j0_over(x):
    """(1 − J₀(x))/x, DLMF 10.2.2."""
    series = [-((-1) ** k) / (4**k * math.factorial(k) ** 2) for k in range(1, 20)]
    return x * _patched(x, 2, series, lambda x: (1 - special.j0(x)) / np.square(x), np.square)


def _ratio(a, b):
    """a/b; 0 where both are 0."""
    return a / np.where(np.logical_and(np.equal(a, 0), np.equal(b, 0)), 1, b)


def _log_ratio(a, b):
    """log(a/b), to its last digits near a = b, and also where a/b is not representable."""
    near = np.logical_and(np.less(a, 2 * b), np.less(b, 2 * a))
    close = np.log1p(np.where(near, a - b, 0) / np.where(near, b, 1))
    with_range = np.logical_and(np.greater(a / b, 1e-290), np.less(a / b, 1e290))
    apart = np.where(with_range, np.log(np.where(with_range, a / b, 1)), np.log(a) - np.log(b))
    return np.where(near, close, apart)


# The error function and its relatives: chapter 7


_TAIL = [math.prod(range(1, 2 * k + 2, 2)) for k in range(26)]  # 7.9.? and 7.12.1: (2k + 1)!!


def _tail(z, inside):
    """Σ (2k + 1)!! / (2z²)ᵏ⁺¹, the asymptotic series from which √π i w'(z)/2 and −F'(z) follow (7.12.1)."""
    q = 0.5 / np.square(np.where(inside, 10, z))
    return q * _horner(q, _TAIL)


def _faddeeva_slope(z, w):
    """w'(z) = 2i/√π − 2z w(z) (7.10.2), which cancels for large z."""
    inside = np.less(np.abs(z), 7)
    near = np.where(inside, z, 0)
    far = (-2j / _ROOT_PI) * _tail(z, inside)
    below = np.logical_and(np.less(np.imag(z), 0), np.logical_not(inside))
    lower = np.where(below, z, 0)
    return np.where(inside, 2j / _ROOT_PI - 2 * near * np.where(inside, w, 0), far - 4 * lower * np.exp(-(lower**2)))


def _erfcx_slope(x, y):
    """2x y − 2/√π, which cancels for large x."""
    if _is_complex(x):
        return 1j * _faddeeva_slope(1j * x, y)
    inside = np.less(x, 7)
    direct = 2 * np.where(inside, x, 0) * np.where(inside, y, 0) - 2 / _ROOT_PI
    q = -0.5 / np.square(np.where(inside, 10, x))
    return np.where(inside, direct, (2 / _ROOT_PI) * q * _horner(q, _TAIL))


def _dawson_slope(x, y):
    """1 − 2x y (7.10.?), which cancels for large x."""
    inside = np.less(np.abs(x), 7)
    far = -_tail(x, inside)
    if _is_complex(x):
        z = np.where(inside, 0, x)
        far = far - 1j * _ROOT_PI * np.sign(np.imag(z)) * z * np.exp(-(z**2))
    return np.where(inside, 1 - 2 * np.where(inside, x, 0) * np.where(inside, y, 0), far)


def _normal_slope(x):
    """Φ(x)/φ(x), without overflow on the way (7.2.3)."""
    return (_ROOT_2PI / 2) * special.erfcx(-x / _ROOT_2)


def _quantile_slope(x, y):
    """dy/dx of the quantile y of the normal distribution: 1/φ(y) = (Φ/φ)(y)/x, exact in the lower tail."""
    nothing = np.equal(x, 0)
    return np.where(nothing, 1, _normal_slope(np.where(nothing, 0, y))) / x


def _erfcinv_slope(x, y):
    """−√π exp(y²)/2, exact for small x."""
    nothing = np.equal(x, 0)
    return (-_ROOT_PI / 2) * np.where(nothing, 1, special.erfcx(np.where(nothing, 0, y))) / x


# Gamma and zeta functions: chapters 5 and 25

_BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330]


def _hurwitz(s, q):
    """ζ(s, q) for Re q ≥ 1/2 by the Euler–Maclaurin formula (25.11.5 and 2.10.1), analytic in s and in q."""
    total = sum(np.power(q + k, -s) for k in range(16))
    q = q + 16
    power = np.power(q, -s)
    total = total + power * (q / (s - 1) + 0.5)
    rising = s * power / q
    for j, b in enumerate(_BERNOULLI, 1):
        total = total + b / math.factorial(2 * j) * rising
        rising = rising * (s + 2 * j - 1) * (s + 2 * j) / np.square(q)
    return total


def _sine_pi(x):
    """sin πx."""
    return np.sin(_PI * (x - 2 * np.rint(np.real(x) / 2)))


def _cosine_pi(x):
    """cos πx."""
    return np.cos(_PI * (x - 2 * np.rint(np.real(x) / 2)))


def _trigamma(x):
    """ψ'(x) (25.11.12); of complex x by Euler–Maclaurin and reflection (5.15.6)."""
    if not _is_complex(x):
        return special.zeta(2.0, x)
    left = np.less(np.real(x), 0.5)
    right = _hurwitz(2.0, np.where(left, 1 - x, x))
    return np.where(left, np.square(_PI / _sine_pi(np.where(left, x, 0.5))) - right, right)


def _zeta_slope(s, q):
    """∂ζ(s, q)/∂s = −Σ log(q + k) (q + k)⁻ˢ by Euler–Maclaurin, for s > 1."""
    total = sum(np.log(q + k) * np.power(q + k, -s) for k in range(16))
    q = q + 16
    log, power = np.log(q), np.power(q, -s)
    total = total + power * (log * (q / (s - 1) + 0.5) + q / np.square(s - 1))
    rising, slope = s * power / q, power / q * (1 - s * log)  # and its derivative by s
    for j, b in enumerate(_BERNOULLI, 1):
        total = total - b / math.factorial(2 * j) * slope
        first, second = s + 2 * j - 1, s + 2 * j
        slope = (slope * first * second + rising * (first + second)) / np.square(q)
        rising = rising * first * second / np.square(q)
    return -total


def _riemann_slope(s):
    """ζ'(s); for s < −1 by the functional equation (25.4.1)."""
    left = np.less(s, -1)
    r = np.where(left, 1 - s, s)
    right = _zeta_slope(r, 1.0)
    z = np.where(left, special.zeta(r), 1)
    factor = 2 * np.power(2 * _PI, -r) * np.where(left, special.gamma(r), 1)
    cosine, sine = np.cos(_PI / 2 * r), np.sin(_PI / 2 * r)
    inner = z * (cosine * (special.psi(r) - math.log(2 * _PI)) - _PI / 2 * sine) + cosine * right
    return np.where(left, -factor * inner, right)


def _rgamma_slope(x, y):
    """−ψ(x)/Γ(x), and left of ½ by reflection (5.5.3), which is finite at the poles of ψ."""
    left = np.less(np.real(x), 0.5)
    z = np.where(left, 1 - x, 1)
    reflected = special.gamma(z) * (_cosine_pi(z - 1) - special.psi(z) * _sine_pi(1 - z) / _PI)
    return np.where(left, reflected, -special.psi(np.where(left, 1, x)) * y)


def _stirling(a):
    """log Γ(a) − (a − ½) log a + a − ½ log 2π (5.11.1)."""
    near = np.less(a, 10)
    small, large = np.where(near, a, 1), np.where(near, 10, a)
    q = np.square(1 / large)
    series = _horner(q, [b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI[:8], 1)]) / large
    return np.where(
        near, special.gammaln(small) - (small - 0.5) * np.log(small) + small - 0.5 * math.log(2 * _PI), series
    )


def _psi_step(a, b):
    """ψ(a + b) − ψ(a), to its last digits for large a also (5.11.2)."""
    far = np.logical_and(np.greater(a, 10), np.greater(a + b, 10))
    big, step = np.where(far, a, 1), np.where(far, b, 0)
    log = np.log1p(step / big)
    series = log - 0.5 * np.expm1(-log) / big
    for k, c in enumerate(_BERNOULLI[:8], 1):
        series = series - c / (2 * k) * np.expm1(-2 * k * log) * np.power(big, -2.0 * k)
    return np.where(far, series, special.psi(np.where(far, 1, a + b)) - special.psi(np.where(far, 1, a)))


# Densities of the gamma and beta distributions: 8.2 and 8.17, in the saddle-point form of C. Loader, Fast and accurate
# computation of binomial probabilities (2000), for large parameters


def _gamma_density(a, x):
    """xᵃ⁻¹ e⁻ˣ / Γ(a)."""
    small = np.logical_or(np.less(a, 10), np.equal(x, 0))
    direct = np.power(x, np.where(small, a, 1) - 1) * np.exp(-x) * special.rgamma(np.where(small, a, 1))
    a, x = np.where(small, 10, a), np.where(small, 10, x)
    return np.where(small, direct, np.sqrt(a / (2 * _PI)) * np.exp(-a * _excess((x - a) / a) - _stirling(a)) / x)


def _beta_density(a, b, x, rest=None):
    """xᵃ⁻¹ (1 − x)ᵇ⁻¹ / B(a, b); ``rest``: 1 − x, if known better."""
    rest = 1 - x if rest is None else rest
    edge = np.logical_or(np.less_equal(x, 0), np.less_equal(rest, 0))
    small = np.logical_or(edge, np.logical_and(np.less(a, 10), np.less(b, 10)))
    u, v = np.where(small, a, 1), np.where(small, b, 1)
    direct = np.power(x, u - 1) * np.power(rest, v - 1) / special.beta(u, v)
    a, b, x, rest = np.where(small, 1, a), np.where(small, 1, b), np.where(small, 0.5, x), np.where(small, 0.5, rest)
    n = a + b
    shift = (b * x - a * rest) / a, (a * rest - b * x) / b
    exponent = _stirling(n) - _stirling(a) - _stirling(b) - a * _excess(shift[0]) - b * _excess(shift[1])
    return np.where(small, direct, np.sqrt(a * b / (2 * _PI * n)) * np.exp(exponent) / (x * rest))


# Derivatives by the parameters of incomplete gamma and beta functions: integrals over the nearer tail, of the density
# times its logarithmic derivative, by Gauss and Legendre's rule up to where the density has fallen by e⁻⁴⁰.

_NODES, _WEIGHTS = (x.tolist() for x in np.polynomial.legendre.leggauss(48))


def _integral(integrand, end):
    end = stop_gradient(end)
    nodes = [(0.5 * (x + 1) * end, w) for x, w in zip(_NODES, _WEIGHTS)]
    return 0.5 * end * sum(w * integrand(u) for u, w in nodes)


def _fall(slope, curvature, a, offset):
    """Where s u + c u²/(2 + u), or a u − offset, is 40."""
    c, b = slope + curvature, slope - 20
    return np.minimum((np.sqrt(np.square(b) + 80 * c) - b) / c, (40 + offset) / a)


def _gammainc_shape(a, x):
    """∂P(a, x)/∂a; for small a by P(a, x) = P(a + 1, x) + xᵃ e⁻ˣ/Γ(a + 1) (8.8.5)."""
    nothing = np.less_equal(x, 0)
    x = np.where(nothing, 1, x)
    lower = np.less(x, np.maximum(a, 1))
    raised = np.logical_and(lower, np.less(a, 1))
    step = np.where(raised, _gamma_density(a + 1, x) * (np.log(x) - special.psi(a + 1)), 0)
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

    return np.where(nothing, 0, step - sign * x * _gamma_density(a, x) * _integral(integrand, end))


def _betainc_shapes(a, b, x, rest=None):
    """∂I_x(a, b)/∂a and ∂I_x(a, b)/∂b; for small a by I_x(a, b) = I_x(a + 1, b) + xᵃ (1 − x)ᵇ/(a B(a, b)) (8.17.20)."""
    rest = 1 - x if rest is None else rest
    edge = np.logical_or(np.less_equal(x, 0), np.less_equal(rest, 0))
    x, rest = np.where(edge, 0.5, x), np.where(edge, 0.5, rest)
    swap = np.greater(x * b, a * rest)
    x, rest = np.where(swap, rest, x), np.where(swap, x, rest)
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    raised = np.less(a, 1)
    step = np.where(raised, x * rest * _beta_density(a, b, x, rest) / a, 0)
    step = step * (np.log(x) - _psi_step(a + b, 1 - b)), step * (np.log(rest) + _psi_step(b, a))
    a = np.where(raised, a + 1, a)
    n = a + b
    end = _fall(np.maximum(a - n * x, 0), np.minimum(n * x * rest, a), a, -n * np.log(rest))
    mass = x * rest * _beta_density(a, b, x, rest)
    low, high = np.log(x) + _psi_step(a, b), np.log(rest) + _psi_step(b, a)

    def mean(of):
        def integrand(u):
            log = np.log1p(x * np.expm1(-u))
            return of(u, log) * np.exp(-a * u - n * log)

        return mass * _integral(integrand, end)

    first = np.where(edge, 0, mean(lambda u, log: low - u - log) + step[0])
    second = np.where(edge, 0, mean(lambda u, log: high - log) + step[1])
    return np.where(swap, -second, first), np.where(swap, -first, second)


def _betainc_a(a, b, x, rest=None):
    return _betainc_shapes(a, b, x, rest)[0]


def _betainc_b(a, b, x, rest=None):
    return _betainc_shapes(a, b, x, rest)[1]


def _chi2_density(x, df, nc):
    """The density of the noncentral χ² distribution (Johnson, Kotz and Balakrishnan, Continuous Univariate 2, ch. 29)."""
    half = df / 2
    central = np.logical_not(np.greater(nc * x, 0))
    z = np.sqrt(np.where(central, 1, nc * x))
    power = np.power(np.where(central, 1, x) / np.where(central, 1, nc), half / 2 - 0.5)
    gap = np.sqrt(np.where(central, 1, x)) - np.sqrt(np.where(central, 1, nc))
    general = 0.5 * np.exp(-np.square(gap) / 2) * power * special.ive(half - 1, z)
    return np.where(central, _gamma_density(half, x / 2) / 2 * np.exp(-nc / 2), general)


def _student_density(df, t):
    """Γ((ν + 1)/2) / (√(πν) Γ(ν/2)) (1 + t²/ν)^(−(ν + 1)/2), with 5.11.1 for the gamma functions."""
    a = df / 2
    norm = a * np.log1p(0.5 / a) - 0.5 + _stirling(a + 0.5) - _stirling(a)
    return np.exp(norm - (a + 0.5) * np.log1p(np.square(t) / df)) / _ROOT_2PI


def _student_df(df, t):
    """The derivative of Student's distribution, 1 − I_z(ν/2, ½)/2 at z = ν/(ν + t²), by ν."""
    middle = np.equal(t, 0)
    square = np.square(np.where(middle, 1, t))
    total = df + square
    z, rest = df / total, square / total
    tail = (_betainc_a(df / 2, 0.5, z, rest) + 2 * _beta_density(df / 2, 0.5, z, rest) * rest / total) / 4
    near = t * _student_density(df, t) * (_psi_step(df / 2, 0.5) - 1 / df) / 2
    return np.where(middle, near, -np.sign(t) * tail)


def _variance_ratio(a, b, c):
    """z = ac/(b + ac), 1 − z, and dz/dc of the F distribution I_z(a/2, b/2)."""
    total = b + a * c
    return a * c / total, b / total, a * b / np.square(total)


def _f_density(a, b, c):
    z, rest, slope = _variance_ratio(a, b, c)
    return _beta_density(a / 2, b / 2, z, rest) * slope


def _f_numerator(a, b, c):
    return _betainc_a(a / 2, b / 2, *_variance_ratio(a, b, c)[:2]) / 2 + _f_density(a, b, c) * c / a


def _f_denominator(a, b, c):
    return _betainc_b(a / 2, b / 2, *_variance_ratio(a, b, c)[:2]) / 2 - _f_density(a, b, c) * c / b


def _noncentral_f_density(a, b, c, d):
    z, rest, slope = _variance_ratio(a, b, d)
    series = np.exp(-c / 2) * special.hyp1f1((a + b) / 2, a / 2, c / 2 * z)
    return _beta_density(a / 2, b / 2, z, rest) * series * slope


def _noncentral_f_noncentrality(a, b, c, d):
    z, rest, _ = _variance_ratio(a, b, d)
    series = np.exp(-c / 2) * special.hyp1f1((a + b) / 2, a / 2 + 1, c / 2 * z)
    return -_beta_density(a / 2, b / 2, z, rest) * z * rest / a * series


# Bessel functions: chapter 10


def _minus(function, v, z):
    """(F at v − 1, less F at v + 1)/2: 10.6.1."""
    return 0.5 * (function(v - 1, z) - function(v + 1, z))


def _plus(function, v, z):
    """(F at v − 1, plus F at v + 1)/2: 10.29.1."""
    return 0.5 * (function(v - 1, z) + function(v + 1, z))


def _scaled_tail(v, x, sign):
    """d/dx of Σ (±1)ᵏ aₖ(v) x⁻ᵏ⁻¹ᐟ² (10.17.1), of which the scaled functions are multiples for large x (10.40.1)."""
    total, a = -0.5, 1
    for k in range(1, 18):
        a = sign * a * (4 * np.square(v) - (2 * k - 1) ** 2) / (8 * k * x)
        total = total - (k + 0.5) * a
    return total * np.power(x, -1.5)


def _far(v, x):
    return np.greater(x, 30 + 2 * np.square(v))


def _ive_slope(v, x, direct):
    """The slope of e⁻ˣ I_v(x) for x > 0; ``direct`` gives it, with cancellation for large x."""
    far, size = _far(v, np.abs(x)), np.abs(x)
    tail = _scaled_tail(v, np.where(far, size, 50), -1) / _ROOT_2PI
    return np.where(far, tail * np.sign(x), direct)


def _kve_slope(v, z, direct):
    """The slope of eᶻ K_v(z); ``direct`` gives it, with cancellation for large z."""
    far = _far(v, np.real(z))
    return np.where(far, math.sqrt(_PI / 2) * _scaled_tail(v, np.where(far, z, 50), 1), direct)


def _ive_of(y, v, z):
    direct = _plus(special.ive, v, z)
    return direct if _is_complex(z) else _ive_slope(v, z, direct - np.sign(z) * y)


def _airye_slopes(y, x):
    """The scaling is exp(± 2/3 x^(3/2)) for x > 0; left of 0 that of Bi is 1, and Ai is nan."""
    root = np.sqrt(np.maximum(x, 0))
    return y[1] + root * y[0], x * y[0] + root * y[1], y[3] - root * y[2], x * y[2] - root * y[3]


def _ber_second(x):
    """ber'' + i bei'', from ber x + i bei x = J₀(x e^(3πi/4)): 10.61.1."""
    z = x * complex(-math.sqrt(0.5), math.sqrt(0.5))
    return -0.5j * (special.jv(2, z) - special.jv(0, z))


def _ker_second(x):
    """ker'' + i kei'', from ker x + i kei x = K₀(x e^(πi/4)): 10.61.2."""
    z = x * complex(math.sqrt(0.5), math.sqrt(0.5))
    return 0.5j * (special.kv(0, z) + special.kv(2, z))


def _struve_power(v, x):
    """(x/2)ᵛ / (√π Γ(v + 3/2)): 11.4.23."""
    return np.power(x / 2, v) * special.rgamma(v + 1.5) / _ROOT_PI


# Elliptic integrals: chapter 19


def _carlson(*factors, power=0):
    """∫ tᵖ Π (t + z)⁻ᵇ dt over t > 0 for pairs (z, b): Carlson's integrals (19.16) and their derivatives.

    By the trapezoidal rule in log t, which converges exponentially; at the scale of the largest z.
    """
    scale = stop_gradient(functools.reduce(np.maximum, [np.abs(z) for z, _ in factors]))
    total = 0.0
    for k in range(-170, 171):
        t = math.exp(0.45 * k)
        term = math.prod([np.power(np.sqrt(t + z / scale), -2 * b) for z, b in factors])  # nan for negative z
        total = total + 0.45 * t ** (power + 1) * term
    return total * np.power(scale, power + 1 - sum(b for _, b in factors))


def _rd(x, y, z):
    return special.elliprd(x, y, z)


def _half_turns(phi):
    """How often π lies in φ, and the sine and squared cosine of the rest: the period of 19.2.10."""
    n = np.rint(phi / _PI)
    return n, np.sin(phi) * np.cos(_PI * n), np.square(np.cos(phi))


def _ellipkinc_parameter(phi, m):
    """∂F(φ, m)/∂m (19.25.? and 19.4.?)."""
    n, s, c2 = _half_turns(phi)
    return (s**3 * _rd(c2, 1.0, 1 - m * np.square(s)) + 2 * n * _rd(0.0, 1.0, 1 - m)) / 6


def _ellipeinc_parameter(phi, m):
    """∂E(φ, m)/∂m = −D(φ, m)/2."""
    n, s, c2 = _half_turns(phi)
    return -(s**3 * _rd(c2, 1 - m * np.square(s), 1.0) + 2 * n * _rd(0.0, 1 - m, 1.0)) / 6


def _jacobi_parameter(y, u, m):
    """The derivatives of sn, cn, dn and the amplitude by m: that of u = F(am, m) is 0."""
    sn, cn, dn, am = y
    slope = -dn * _ellipkinc_parameter(am, m)
    return cn * slope, -sn * slope, -(np.square(sn) + 2 * m * sn * cn * slope) / (2 * dn), slope


# Others


def _expn_slope(n, x):
    """−Eₙ₋₁(x) (8.19.13), where E₋₁ is e⁻ˣ (1 + 1/x)/x."""
    return np.where(np.equal(n, 0), -np.exp(-x) * (1 + 1 / x) / x, -special.expn(np.maximum(n - 1, 0), x))


def _modulated(x):
    """The slope of K₊(x) = w(x e^(πi/4))/2 (7.5.?)."""
    turn = complex(math.sqrt(0.5), math.sqrt(0.5))
    z = x * turn
    return 0.5 * turn * _faddeeva_slope(z, special.wofz(z))


def _mathieu(y, a, q, x):
    """Both slopes per degree; the second output is the first's slope per radian."""
    return y[1] * _DEGREE, (2 * q * np.cos(2 * _DEGREE * x) - a) * y[0] * _DEGREE


def _smirnov_slope(n, x):
    """The slope of x Σ C(n, j) (x + j/n)ʲ⁻¹ (1 − x − j/n)ⁿ⁻ʲ over j < n (1 − x) (Birnbaum and Tingey 1951)."""
    n = strip(n)
    total = -n * np.power(1 - x, n - 1.0)
    for j in range(1, int(np.max(n))):
        rest, p = np.maximum(1 - x - j / n, 0), x + j / n
        inner = np.logical_and(np.less(j, n), np.greater(rest, 0))
        rest = np.where(inner, rest, 1)
        term = special.binom(n, j) * np.power(p, j - 2.0) * np.power(rest, n - j - 1.0)
        total = total + np.where(inner, term * (p * rest + x * ((j - 1) * rest - (n - j) * p)), 0)
    return total


def _below(polynomial, n, *arguments):
    """The polynomial of degree n − 1; 0 for n = 0."""
    constant = np.equal(n, 0)
    return np.where(constant, 0, polynomial(np.where(constant, 1, n) - 1, *arguments))


def _lpmv_slope(m, v, x):
    """14.10.5."""
    return ((m - v - 1) * special.lpmv(m, v + 1, x) + (v + 1) * x * special.lpmv(m, v, x)) / ((1 - x) * (1 + x))


def _kolmogorov_density(x):
    """−K'(x), by the series for large x or the one for small x (Kolmogorov 1933; Feller 1948)."""
    small = np.less(x, 1)
    u, v = np.where(small, np.maximum(x, 1e-3), 1), np.where(small, 1, x)
    terms = [
        ((_PI * k) ** 2 / (4 * np.square(u)) - 1) * np.exp(-((_PI * k) ** 2) / (8 * np.square(u))) for k in (1, 3, 5, 7)
    ]
    far = sum((-1) ** (k - 1) * k**2 * np.exp(-2 * k**2 * np.square(v)) for k in range(1, 6))
    return np.where(np.less_equal(x, 0), 0, np.where(small, _ROOT_2PI * sum(terms) / np.square(u), 8 * v * far))


def _tukey_density(x, y, b):
    """1/(pᵇ⁻¹ + (1 − p)ᵇ⁻¹) at p = y, inside of the support."""
    outside = np.greater_equal(np.abs(x) * b, 1)
    p = np.where(outside, 0.5, y)
    return np.where(outside, 0, 1 / (np.power(p, b - 1) + np.power(1 - p, b - 1)))


def _tukey_shape(x, y, b):
    p = np.where(np.greater_equal(np.abs(x) * b, 1), 0.5, y)
    return -_tukey_density(x, y, b) * (_boxcox_power(p, b) - _boxcox_power(1 - p, b))


def _boxcox_power(a, b):
    """∂/∂b (aᵇ − 1)/b."""
    return _boxcox_power_of(np.log(a), b)


def _boxcox_power_of(log, b):
    return np.square(log) * _exprel_slope(b * log)


def _pseudo_huber_scale(a, b):
    u = b / a
    h = np.hypot(1, u)
    return b * (u / h) * np.square(u / (h + 1))


def _voigt_slope(x, sigma, gamma):
    z = (x + 1j * gamma) / (sigma * _ROOT_2)
    return _faddeeva_slope(z, special.wofz(z)) / (np.square(sigma) * (2 * _ROOT_PI))


def _spheroidal(sign, turn):
    """The second derivative from 30.2.1: ((1 − s x²) y')' + (λ − s c² x² − …) y = 0 and its relatives."""

    def slopes(y, m, c, value, x):
        value_, slope = y
        k = 1 - turn * np.square(x)
        second = 2 * turn * x * slope - turn * (value - sign * np.square(c * x)) * value_
        return slope, (second + turn * np.square(m) / k * value_) / k

    return slopes


_prolate, _oblate, _oblate_radial = _spheroidal(1, 1), _spheroidal(-1, 1), _spheroidal(1, -1)


# Registering


_signatures = {
    2: lambda f: lambda a, b, y: f((a, b), y),
    3: lambda f: lambda a, b, c, y: f((a, b, c), y),
    4: lambda f: lambda a, b, c, d, y: f((a, b, c, d), y),
}


def distribution(function, *partials, sign=1):
    """Register a function with these partials of all its arguments, or with their negatives."""
    of_all = _signatures[len(partials)]
    elementwise(function, *(of_all(lambda args, _y, p=p: sign * p(*args)) if callable(p) else p for p in partials))


def inverse(function, place, *partials, sign=1):
    """Register the inverse in argument number ``place`` of F, whose value then stands in that place."""
    of_all = _signatures[len(partials)]

    def at(args, y):
        return (*args[:place], y, *args[place + 1 :])

    slope = partials[place]
    ours = [of_all(lambda args, y, p=p: -p(*at(args, y)) / slope(*at(args, y))) if callable(p) else p for p in partials]
    ours[place] = over(of_all(lambda args, y: sign * slope(*at(args, y))))
    elementwise(function, *ours)


def several(function, *slopes):
    """Register a function with several outputs: per argument what gives the partials of all, or None."""

    def push(of):
        return of and (lambda t, y, *args: tuple(t * p for p in of(y, *args)))

    def pull(of):
        return of and (lambda g, y, *args: sum(u * p for u, p in zip(g, of(y, *args), strict=True)))

    explicit(function, jvp=tuple(map(push, slopes)), vjp=tuple(map(pull, slopes)))


def _real(x, function):
    """Refuse complex numbers, where the function has no complex derivative or SciPy none of its parts."""
    if _is_complex(x):
        raise NotImplementedError(f"scipy.special.{function} has no derivative at complex numbers: it is not analytic.")
    return x


def _scaled(function, of, turned):
    """jve, yve and ive: a Bessel function times exp(−|Im z|), or exp(−|Re z|), which is not analytic.

    ``of`` gives the slope of the function without the change of scale; ``turned``, whether the scale is that of Re z.
    """

    def size(z):
        return np.sign(np.real(z)) if turned else np.sign(np.imag(z))

    def push(t, y, v, z):
        if not _is_complex(z):
            return t * of(y, v, z)
        return t * of(y, v, z) - y * size(z) * (np.real(t) if turned else np.imag(t))

    def pull(g, y, v, z):
        if not _is_complex(z):
            return g * of(y, v, z)
        through_scale = np.real(g * y) * size(z)
        return g * of(y, v, z) - (through_scale if turned else -1j * through_scale)

    explicit(function, jvp=(None, push), vjp=(None, pull))


# fmt: off

# What JAX has too

elementwise(special.erf,          lambda x: np.exp(-np.square(x)) * (2 / _ROOT_PI))             # 7.2.1
elementwise(special.erfc,         lambda x: np.exp(-np.square(x)) * (-2 / _ROOT_PI))            # 7.2.2
elementwise(special.erfcx,        lambda x, y: _erfcx_slope(x, y))                              # 7.10.2
elementwise(special.erfinv,       lambda y: np.exp(np.square(y)) * (_ROOT_PI / 2))              # 7.17.1
elementwise(special.dawsn,        lambda x, y: _dawson_slope(x, y))                             # 7.2.5
elementwise(special.wofz,         lambda x, y: _faddeeva_slope(x, y))                           # 7.10.2
elementwise(special.ndtr,         lambda x: np.exp(-np.square(x) / 2) / _ROOT_2PI)              # 7.2.1
elementwise(special.log_ndtr,     over(lambda x: _normal_slope(x)))
elementwise(special.ndtri,        lambda x, y: _quantile_slope(x, y))
elementwise(special.expit,        lambda x, y: y * special.expit(-x))
elementwise(special.logit,        over(lambda x: x * (1 - x)))
elementwise(special.gamma,        lambda x, y: y * special.psi(x))                              # 5.2.2
elementwise(special.gammaln,      lambda x: special.psi(x))                                     # 5.2.2
elementwise(special.loggamma,     lambda x: special.psi(x))                                     # 5.2.2
elementwise(special.psi,          lambda x: _trigamma(x))                                       # 5.15.1, 25.11.12
elementwise(_ufuncs._riemann_zeta, lambda x: _riemann_slope(x))                                 # 25.4.1
elementwise(special.i0,           lambda x: special.i1(x))                                      # 10.29.3
elementwise(special.i1,           lambda x: _i1_slope(x))                                       # 10.29.2
elementwise(special.i0e,          lambda x, y: _ive_slope(0, x, special.i1e(x) - np.sign(x) * y))
elementwise(special.i1e,          lambda x, y: _ive_slope(1, x, _i1e_slope(x, y)))
elementwise(special.expi,         lambda x: np.exp(x) / x)                                      # 6.2.5
elementwise(special.exp1,         lambda x: -np.exp(-x) / x)                                    # 6.2.1
elementwise(special.spence,       lambda x: -_log1p_over(x - 1))                                # 25.12.2
elementwise(special.entr,         lambda x: -np.log(x) - 1)

elementwise(special.xlogy,        lambda b: np.log(b),                      lambda a, b: _ratio(a, b))
elementwise(special.xlog1py,      lambda b: np.log1p(b),                    lambda a, b: _ratio(a, _one_plus(b)))
elementwise(special.rel_entr,     lambda a, b: _log_ratio(a, b) + 1,        lambda a, b: -_ratio(a, b))
elementwise(special.kl_div,       lambda a, b: _log_ratio(a, b),            lambda a, b: (b - a) / b)
elementwise(special.boxcox,       lambda a, b: np.power(a, b - 1),          lambda a, b: _boxcox_power(a, b))
elementwise(special.boxcox1p,     lambda a, b: np.power(1 + a, b - 1),      lambda a, b: _boxcox_power_of(np.log1p(a), b))
elementwise(special.beta,         lambda a, b, y: -y * _psi_step(a, b),     lambda a, b, y: -y * _psi_step(b, a))  # 5.12.1
elementwise(special.betaln,       lambda a, b: -_psi_step(a, b),            lambda a, b: -_psi_step(b, a))
elementwise(special.poch,         lambda a, b, y: y * _psi_step(a, b),      lambda a, b, y: y * special.psi(a + b))  # 5.2.5
elementwise(special.expn,         unknown,                                  lambda a, b: _expn_slope(a, b))
elementwise(_ufuncs._zeta,        lambda a, b: _zeta_slope(a, b),           lambda a, b: -a * special.zeta(a + 1, b))  # 25.11.17
elementwise(special.gammainc,     lambda a, b: _gammainc_shape(a, b),       lambda a, b: _gamma_density(a, b))   # 8.8.13
elementwise(special.gammaincc,    lambda a, b: -_gammainc_shape(a, b),      lambda a, b: -_gamma_density(a, b))  # 8.8.14
elementwise(special.betainc,      lambda a, b, c: _betainc_a(a, b, c),      lambda a, b, c: _betainc_b(a, b, c),
                                  lambda a, b, c: _beta_density(a, b, c))                       # 8.17.1
elementwise(special.hyp1f1,       unknown, unknown, lambda a, b, c: a / b * special.hyp1f1(a + 1, b + 1, c))  # 13.3.15
elementwise(special.hyp2f1,       unknown, unknown, unknown,
                                  lambda a, b, c, d: a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, d))      # 15.5.1
elementwise(special.owens_t,      lambda a, b: special.erf(a * b / _ROOT_2) * np.exp(-np.square(a) / 2) / (-2 * _ROOT_2PI),
                                  lambda a, b: np.exp(-np.square(a) / 2 * (1 + np.square(b))) / (2 * _PI * (1 + np.square(b))))
several(special.fresnel,          lambda y, x: (np.sin(_PI / 2 * np.square(x)), np.cos(_PI / 2 * np.square(x))))  # 7.2.7
several(special.sici,             lambda y, x: (np.sinc(x / _PI), np.cos(x) / x))               # 6.2.9, 6.2.11
constant(special.gammasgn, special.round)

# Relatives of exp, log and erf

elementwise(special.exp2,         lambda x: special.exp2(x - 1) * (2 * _LN2))
elementwise(special.exp10,        lambda y: y * _LN10)
elementwise(special.expm1,        lambda x: np.exp(x))
elementwise(special.exprel,       lambda x: _exprel_slope(x))
elementwise(special.log1p,        over(lambda x: 1 + x))
elementwise(special.cbrt,         over(lambda y: 3 * np.square(y)))
elementwise(special.cosm1,        lambda x: -np.sin(x))
elementwise(special.sindg,        lambda x: special.cosdg(x) * _DEGREE)
elementwise(special.cosdg,        lambda x: special.sindg(x) * -_DEGREE)
elementwise(special.tandg,        over(lambda x: np.square(special.cosdg(x)) / _DEGREE))
elementwise(special.cotdg,        over(lambda x: np.square(special.sindg(x)) / -_DEGREE))
elementwise(special.log_expit,    lambda x: special.expit(-x))
elementwise(special.wrightomega,  lambda y: y / (1 + y))                                        # 4.13.?
elementwise(_ufuncs._lambertw,    over(lambda y: (1 + y) * np.exp(y)), None, None)              # 4.13.4
elementwise(special.erfi,         lambda x: np.exp(np.square(x)) * (2 / _ROOT_PI))              # 7.2.5
elementwise(special.erfcinv,      lambda x, y: _erfcinv_slope(x, y))                            # 7.17.1
elementwise(special.ndtri_exp,    lambda y: _normal_slope(y))
elementwise(special.zetac,        lambda x: _riemann_slope(x))                                  # 25.4.1
elementwise(special.rgamma,       lambda x, y: _rgamma_slope(x, y))                             # 5.5.3
elementwise(special.powm1,        lambda a, b: _base_partial(a, b),         lambda a, b: _exponent_partial(a, np.power(a, b)))
elementwise(special.inv_boxcox,   lambda b, y: np.power(y, 1 - b),          lambda a, b, y: y * np.square(a) * _log1p_over_slope(a * b))
elementwise(special.inv_boxcox1p, lambda b, y: np.power(1 + y, 1 - b),      lambda a, b, y: (1 + y) * np.square(a) * _log1p_over_slope(a * b))
elementwise(special.huber,        lambda a, b: np.maximum(np.abs(b) - a, 0), lambda a, b: np.clip(b, -a, a))
elementwise(special.pseudo_huber, lambda a, b: _pseudo_huber_scale(a, b),   lambda a, b: b / np.hypot(1, b / a))
elementwise(special.binom,        lambda a, b, y: y * _psi_step(a - b + 1, b),
                                  lambda a, b, y: y * _psi_step(b + 1, a - 2 * b))              # 1.2.1
elementwise(special.radian,       lambda: _DEGREE, lambda: _DEGREE / 60, lambda: _DEGREE / 3600)
elementwise(special.voigt_profile, lambda a, b, c: np.real(_voigt_slope(a, b, c)),
                                  lambda a, b, c, y: -(y + np.real((a + 1j * c) * _voigt_slope(a, b, c))) / b,
                                  lambda a, b, c: -np.imag(_voigt_slope(a, b, c)))              # 7.19.1
several(special.shichi,           lambda y, x: (special.hyp0f1(1.5, np.square(x) / 4), np.cosh(x) / x))  # 6.2.15
several(special.modfresnelp,      lambda y, x: (-np.exp(1j * np.square(x)), _modulated(x)))     # 7.3.?
several(special.modfresnelm,      lambda y, x: (-np.exp(-1j * np.square(x)), np.conjugate(_modulated(x))))

# Bessel functions: 10.6.1 and 10.29.1

elementwise(special.j0,           lambda x: -special.j1(x))
elementwise(special.j1,           lambda x: 0.5 * (special.j0(x) - special.jv(2, x)))
elementwise(special.y0,           lambda x: -special.y1(x))
elementwise(special.y1,           lambda x: 0.5 * (special.y0(x) - special.yn(2, x)))
elementwise(special.k0,           lambda x: -special.k1(x))
elementwise(special.k1,           lambda x: -0.5 * (special.k0(x) + special.kn(2, x)))
elementwise(special.k0e,          lambda x, y: _kve_slope(0, x, y - special.k1e(x)))
elementwise(special.k1e,          lambda x, y: _kve_slope(1, x, y - _plus(special.kve, 1, x)))
elementwise(special.jv,           unknown, lambda a, b: _minus(special.jv, a, b))
elementwise(special.yv,           unknown, lambda a, b: _minus(special.yv, a, b))
elementwise(special.yn,           unknown, lambda a, b: _minus(special.yn, a, b))
elementwise(special.iv,           unknown, lambda a, b: _plus(special.iv, a, b))
elementwise(special.kv,           unknown, lambda a, b: -_plus(special.kv, a, b))
elementwise(special.kn,           unknown, lambda a, b: -_plus(special.kn, a, b))
elementwise(special.hankel1,      unknown, lambda a, b: _minus(special.hankel1, a, b))
elementwise(special.hankel2,      unknown, lambda a, b: _minus(special.hankel2, a, b))
elementwise(special.hankel1e,     unknown, lambda a, b, y: _minus(special.hankel1e, a, b) - 1j * y)
elementwise(special.hankel2e,     unknown, lambda a, b, y: _minus(special.hankel2e, a, b) + 1j * y)
elementwise(special.kve,          unknown, lambda a, b, y: _kve_slope(a, b, y - _plus(special.kve, a, b)))
_scaled(special.jve,              lambda y, v, z: _minus(special.jve, v, z), turned=False)
_scaled(special.yve,              lambda y, v, z: _minus(special.yve, v, z), turned=False)
_scaled(special.ive,              lambda y, v, z: _ive_of(y, v, z), turned=True)
several(special.airy,             lambda y, x: (y[1], x * y[0], y[3], x * y[2]))                # 9.2.1
several(special.airye,            lambda y, x: _airye_slopes(y, _real(x, "airye")))
several(special.kelvin,           lambda y, x: (y[2], y[3], _ber_second(x), _ker_second(x)))
elementwise(special.ber,          lambda x: special.berp(x))
elementwise(special.bei,          lambda x: special.beip(x))
elementwise(special.ker,          lambda x: special.kerp(x))
elementwise(special.kei,          lambda x: special.keip(x))
elementwise(special.berp,         lambda x: np.real(_ber_second(x)))
elementwise(special.beip,         lambda x: np.imag(_ber_second(x)))
elementwise(special.kerp,         lambda x: np.real(_ker_second(x)))
elementwise(special.keip,         lambda x: np.imag(_ker_second(x)))
elementwise(special.struve,       unknown, lambda a, b: _minus(special.struve, a, b) + _struve_power(a, b) / 2)    # 11.4.23
elementwise(special.modstruve,    unknown, lambda a, b: _plus(special.modstruve, a, b) + _struve_power(a, b) / 2)  # 11.4.24
elementwise(special.besselpoly,   lambda a, b, c: 2 * _minus(lambda v, z: special.besselpoly(z, b + 1, v), c, a), unknown, unknown)
elementwise(special.itstruve0,    lambda x: special.struve(0, x))
elementwise(special.it2struve0,   lambda x: -special.struve(0, x) / x)
elementwise(special.itmodstruve0, lambda x: special.modstruve(0, x))
several(special.iti0k0,           lambda y, x: (special.i0(x), special.k0(x)))
several(special.itj0y0,           lambda y, x: (special.j0(x), special.y0(x)))
several(special.it2i0k0,          lambda y, x: (_i0_less_one_over(x), -special.k0(x) / x))
several(special.it2j0y0,          lambda y, x: (_one_less_j0_over(x), -special.y0(x) / x))
several(special.itairy,           lambda y, x: (*special.airy(x)[::2], *special.airy(-x)[::2]))

# Hypergeometric functions, polynomials, elliptic integrals, functions of other differential equations

elementwise(special.hyp0f1,       unknown, lambda a, b: special.hyp0f1(a + 1, b) / a)           # 16.3.1
elementwise(special.hyperu,       unknown, unknown, lambda a, b, c: -a * special.hyperu(a + 1, b + 1, c))  # 13.3.22
elementwise(special.wright_bessel, unknown, unknown, lambda a, b, c: special.wright_bessel(a, a + b, c))   # 10.46.1
elementwise(special.log_wright_bessel, unknown, unknown,
                                  lambda a, b, c, y: np.exp(special.log_wright_bessel(a, a + b, c) - y))
elementwise(special.eval_jacobi,  unknown, unknown, unknown, lambda a, b, c, d:
            0.5 * (a + b + c + 1) * _below(special.eval_jacobi, a, b + 1, c + 1, d))            # 18.9.15
elementwise(special.eval_sh_jacobi, unknown, unknown, unknown, lambda a, b, c, d:
            a * _below(special.eval_sh_jacobi, a, b + 2, c + 1, d))
elementwise(special.eval_gegenbauer, unknown, unknown, lambda a, b, c: 2 * b * _below(special.eval_gegenbauer, a, b + 1, c))  # 18.9.19
elementwise(special.eval_genlaguerre, unknown, unknown, lambda a, b, c: -_below(special.eval_genlaguerre, a, b + 1, c))       # 18.9.23
elementwise(special.eval_laguerre, unknown, lambda a, b: -_below(special.eval_genlaguerre, a, 1, b))
elementwise(special.eval_legendre, unknown, lambda a, b: _below(special.eval_gegenbauer, a, 1.5, b))       # 18.7.9
elementwise(special.eval_chebyt,  unknown, lambda a, b: a * _below(special.eval_chebyu, a, b))  # 18.9.21
elementwise(special.eval_chebyu,  unknown, lambda a, b: 2 * _below(special.eval_gegenbauer, a, 2, b))      # 18.7.4
elementwise(special.eval_chebyc,  unknown, lambda a, b: a * _below(special.eval_chebys, a, b))
elementwise(special.eval_chebys,  unknown, lambda a, b: _below(special.eval_gegenbauer, a, 2, b / 2))
elementwise(special.eval_sh_legendre, unknown, lambda a, b: 2 * _below(special.eval_gegenbauer, a, 1.5, 2 * b - 1))
elementwise(special.eval_sh_chebyt, unknown, lambda a, b: 2 * a * _below(special.eval_sh_chebyu, a, b))
elementwise(special.eval_sh_chebyu, unknown, lambda a, b: 4 * _below(special.eval_gegenbauer, a, 2, 2 * b - 1))
elementwise(special.eval_hermite, unknown, lambda a, b: 2 * a * _below(special.eval_hermite, a, b))        # 18.9.25
elementwise(special.eval_hermitenorm, unknown, lambda a, b: a * _below(special.eval_hermitenorm, a, b))    # 18.9.27
elementwise(special.lpmv,         unknown, unknown, lambda a, b, c: _lpmv_slope(a, b, c))       # 14.10.5
elementwise(special.ellipk,       lambda x: _rd(0.0, 1.0, 1 - x) / 6)                           # 19.4.1, 19.25.1
elementwise(special.ellipkm1,     lambda x: _rd(0.0, 1.0, x) / -6)
elementwise(special.ellipe,       lambda x: _rd(0.0, 1 - x, 1.0) / -6)                          # 19.4.2, 19.25.1
elementwise(special.ellipkinc,    over(lambda a, b: np.sqrt(1 - b * np.square(np.sin(a)))), lambda a, b: _ellipkinc_parameter(a, b))
elementwise(special.ellipeinc,    lambda a, b: np.sqrt(1 - b * np.square(np.sin(a))),       lambda a, b: _ellipeinc_parameter(a, b))
several(special.ellipj,           lambda y, u, m: (y[1] * y[2], -y[0] * y[2], -m * y[0] * y[1], y[2]),     # 22.13
                                  lambda y, u, m: _jacobi_parameter(y, u, m))
elementwise(special.agm,          lambda a, b, y: _rd(0.0, np.square(b / a), 1.0) * np.square(y / a) * (2 / (3 * _PI)),
                                  lambda a, b, y: _rd(0.0, np.square(a / b), 1.0) * np.square(y / b) * (2 / (3 * _PI)))  # 19.8.5
elementwise(special.elliprc,      lambda a, b: -0.25 * _carlson((a, 1.5), (b, 1)),     lambda a, b: -0.5 * _carlson((a, 0.5), (b, 2)))
elementwise(special.elliprf,      lambda a, b, c: _rd(b, c, a) / -6, lambda a, b, c: _rd(a, c, b) / -6, lambda a, b, c: _rd(a, b, c) / -6)
elementwise(special.elliprd,      lambda a, b, c: -0.75 * _carlson((a, 1.5), (b, 0.5), (c, 1.5)),
                                  lambda a, b, c: -0.75 * _carlson((a, 0.5), (b, 1.5), (c, 1.5)),
                                  lambda a, b, c: -2.25 * _carlson((a, 0.5), (b, 0.5), (c, 2.5)))
elementwise(special.elliprg,      lambda a, b, c: 0.125 * _carlson((a, 1.5), (b, 0.5), (c, 0.5), power=1),
                                  lambda a, b, c: 0.125 * _carlson((a, 0.5), (b, 1.5), (c, 0.5), power=1),
                                  lambda a, b, c: 0.125 * _carlson((a, 0.5), (b, 0.5), (c, 1.5), power=1))
elementwise(special.elliprj,      lambda a, b, c, d: -0.75 * _carlson((a, 1.5), (b, 0.5), (c, 0.5), (d, 1)),
                                  lambda a, b, c, d: -0.75 * _carlson((a, 0.5), (b, 1.5), (c, 0.5), (d, 1)),
                                  lambda a, b, c, d: -0.75 * _carlson((a, 0.5), (b, 0.5), (c, 1.5), (d, 1)),
                                  lambda a, b, c, d: -1.5 * _carlson((a, 0.5), (b, 0.5), (c, 0.5), (d, 2)))
several(special.pbdv,             None, lambda y, v, x: (y[1], (np.square(x) / 4 - v - 0.5) * y[0]))       # 12.2.2
several(special.pbvv,             None, lambda y, v, x: (y[1], (np.square(x) / 4 - v - 0.5) * y[0]))       # 12.2.2
several(special.pbwa,             None, lambda y, a, x: (y[1], (a - np.square(x) / 4) * y[0]))             # 12.14.2
several(special.mathieu_cem,      None, None, lambda y, m, q, x: _mathieu(y, special.mathieu_a(m, q), q, x))  # 28.2.1
several(special.mathieu_sem,      None, None, lambda y, m, q, x: _mathieu(y, special.mathieu_b(m, q), q, x))  # 28.2.1
for _f in (special.mathieu_modcem1, special.mathieu_modcem2):
    several(_f, None, None, lambda y, m, q, x: (y[1], (special.mathieu_a(m, q) - 2 * q * np.cosh(2 * x)) * y[0]))  # 28.20.1
for _f in (special.mathieu_modsem1, special.mathieu_modsem2):
    several(_f, None, None, lambda y, m, q, x: (y[1], (special.mathieu_b(m, q) - 2 * q * np.cosh(2 * x)) * y[0]))  # 28.20.1
for _f in (special.pro_ang1, special.pro_rad1, special.pro_rad2):
    several(_f, None, None, None, lambda y, m, n, c, x: _prolate(y, m, c, special.pro_cv(m, n, c), x))     # 30.2.1
for _f in (special.pro_ang1_cv, special.pro_rad1_cv, special.pro_rad2_cv):
    several(_f, None, None, None, None, lambda y, m, n, c, cv, x: _prolate(y, m, c, cv, x))
several(special.obl_ang1,         None, None, None, lambda y, m, n, c, x: _oblate(y, m, c, special.obl_cv(m, n, c), x))
several(special.obl_ang1_cv,      None, None, None, None, lambda y, m, n, c, cv, x: _oblate(y, m, c, cv, x))
several(special.obl_rad1,         None, None, None, lambda y, m, n, c, x: _oblate_radial(y, m, c, special.obl_cv(m, n, c), x))
several(special.obl_rad1_cv,      None, None, None, None, lambda y, m, n, c, cv, x: _oblate_radial(y, m, c, cv, x))

# Distributions and their inverses: 8.17(i) for the names, 8.17.5 for the binomial one

# fmt: on

_betainc = _betainc_a, _betainc_b, _beta_density
_gammainc = _gammainc_shape, _gamma_density
_chdtr = lambda v, x: _gammainc_shape(v / 2, x / 2) / 2, lambda v, x: _gamma_density(v / 2, x / 2) / 2
_gdtr = (
    lambda a, b, x: x * _gamma_density(b, a * x),
    lambda a, b, x: _gammainc_shape(b, a * x),
    lambda a, b, x: a * _gamma_density(b, a * x),
)
_fdtr = _f_numerator, _f_denominator, _f_density
_stdtr = _student_df, _student_density
_bdtr_p = lambda k, n, p: -_beta_density(n - np.floor(k), np.floor(k) + 1, 1 - p, p)
_bdtr = (
    lambda k, n, p: _betainc_b(n - k, k + 1, 1 - p, p) - _betainc_a(n - k, k + 1, 1 - p, p),
    lambda k, n, p: _betainc_a(n - k, k + 1, 1 - p, p),
    lambda k, n, p: -_beta_density(n - k, k + 1, 1 - p, p),
)
_nbdtr_p = lambda k, n, p: _beta_density(n, np.floor(k) + 1, p)
_nbdtr = (
    lambda k, n, p: _betainc_b(n, k + 1, p),
    lambda k, n, p: _betainc_a(n, k + 1, p),
    lambda k, n, p: _beta_density(n, k + 1, p),
)
_pdtr_m = lambda k, m: -_gamma_density(np.floor(k) + 1, m)
_pdtr = lambda k, m: -_gammainc_shape(k + 1, m), lambda k, m: -_gamma_density(k + 1, m)
_chndtr = (
    lambda x, df, nc: _chi2_density(x, df, nc),
    unknown,
    lambda x, df, nc: -_chi2_density(x, df + 2, nc),
)
_ncfdtr = unknown, unknown, _noncentral_f_noncentrality, _noncentral_f_density

# fmt: off
distribution(special.betaincc,    *_betainc, sign=-1)
distribution(special.bdtr,        None, None, _bdtr_p)
distribution(special.bdtrc,       None, None, _bdtr_p, sign=-1)
distribution(special.nbdtr,       None, None, _nbdtr_p)
distribution(special.nbdtrc,      None, None, _nbdtr_p, sign=-1)
distribution(special.pdtr,        None, _pdtr_m)
distribution(special.pdtrc,       None, _pdtr_m, sign=-1)
distribution(special.chdtr,       *_chdtr)
distribution(special.chdtrc,      *_chdtr, sign=-1)
distribution(special.fdtr,        *_fdtr)
distribution(special.fdtrc,       *_fdtr, sign=-1)
distribution(special.gdtr,        *_gdtr)
distribution(special.gdtrc,       *_gdtr, sign=-1)
distribution(special.stdtr,       *_stdtr)
distribution(special.chndtr,      *_chndtr)
distribution(special.ncfdtr,      *_ncfdtr)
inverse(special.betaincinv,   2, *_betainc)
inverse(special.betainccinv,  2, *_betainc, sign=-1)
inverse(special.btdtria,      0, *_betainc)
inverse(special.btdtrib,      1, *_betainc)
inverse(special.gammaincinv,  1, *_gammainc)
inverse(special.gammainccinv, 1, *_gammainc, sign=-1)
inverse(special.bdtri,        2, None, None, _bdtr_p)
inverse(special.bdtrik,       0, *_bdtr)
inverse(special.bdtrin,       1, *_bdtr)
inverse(special.nbdtri,       2, None, None, _nbdtr_p)
inverse(special.nbdtrik,      0, *_nbdtr)
inverse(special.nbdtrin,      1, *_nbdtr)
inverse(special.pdtri,        1, None, _pdtr_m)
inverse(special.pdtrik,       0, *_pdtr)
inverse(special.chdtri,       1, *_chdtr, sign=-1)
inverse(special.chdtriv,      0, *_chdtr)
inverse(special.fdtri,        2, *_fdtr)
inverse(special.fdtridfd,     1, *_fdtr)
inverse(special.gdtria,       0, *_gdtr)
inverse(special.gdtrib,       1, *_gdtr)
inverse(special.gdtrix,       2, *_gdtr)
inverse(special.stdtrit,      1, *_stdtr)
inverse(special.stdtridf,     0, *_stdtr)
inverse(special.chndtrix,     0, *_chndtr)
inverse(special.chndtrinc,    2, *_chndtr)
inverse(special.ncfdtri,      3, *_ncfdtr)
elementwise(special.nrdtrimn, lambda a, b: -b * _quantile_slope(a, special.ndtri(a)), lambda a: -special.ndtri(a), 1)
elementwise(special.nrdtrisd, over(lambda b: -special.ndtri(b)),
            lambda b, y: -y * _quantile_slope(b, special.ndtri(b)) / special.ndtri(b), over(lambda b: special.ndtri(b)))
elementwise(special.tklmbda,      lambda a, b, y: _tukey_density(a, y, b),  lambda a, b, y: _tukey_shape(a, y, b))
elementwise(special.kolmogorov,   lambda x: -_kolmogorov_density(x))
elementwise(special.kolmogi,      over(lambda y: -_kolmogorov_density(y)))
elementwise(special.smirnov,      unknown, lambda a, b: _smirnov_slope(a, b))
elementwise(special.smirnovi,     unknown, over(lambda a, y: _smirnov_slope(a, y)))
# fmt: on

refuse(
    "its derivative by the parameter is an integral of the squared eigenfunction, which SciPy does not have",
    *(special.mathieu_a, special.mathieu_b, special.pro_cv, special.obl_cv),
)
refuse(
    "no closed form is known for the derivatives of the noncentral distributions by their degrees of freedom, nor for "
    "the density of the noncentral t distribution; differentiate the integral of the density numerically",
    *(special.nctdtr, special.nctdtrit, special.nctdtridf, special.nctdtrinc),
    *(special.chndtridf, special.ncfdtridfd, special.ncfdtridfn),
)
refuse(
    "SciPy's value and its derivative by x, the second output, do not belong together; use obl_rad1",
    *(special.obl_rad2, special.obl_rad2_cv),
)
refuse("SciPy finds its value to eight digits only; solve ncfdtr(dfn, dfd, nc, f) = p for nc", special.ncfdtrinc)
