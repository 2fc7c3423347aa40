"""The formulas of ``scipy_special`` that are longer than a line, because they would cancel or overflow otherwise.

Numbers such as 10.6.1 are sections and equations of the NIST Digital Library of Mathematical Functions (DLMF,
https://dlmf.nist.gov), whose notation this is. All is written in calls that dispatch, so that it has derivatives too.
"""

import decimal
import functools
import math
import sys

import numpy as np
import scipy.special as special

from ..tracer import detached, kind_of, strip
from .elementwise import is_complex

PI, ROOT_PI, ROOT_2, DEGREE = math.pi, math.sqrt(math.pi), math.sqrt(2), math.pi / 180
ROOT_2PI = math.sqrt(2 * math.pi)
_LARGEST_EXPONENT = math.log(sys.float_info.max)


# Functions that cancel


def _horner(z, coefficients):
    return functools.reduce(lambda total, c: total * z + c, reversed(coefficients), 0.0)


def _patched(x, radius, coefficients, function, variable=lambda x: x):
    """``function(x)``, but where |x| < radius, and it would cancel, its power series in ``variable(x)``."""
    near = np.less(np.abs(x), radius)
    series = _horner(variable(np.where(near, x, 0)), coefficients)
    return np.where(near, series, function(np.where(near, 1, x)))


def log1p_over(w):
    """log(1 + w)/w."""
    return _patched(w, 0.1, [(-1) ** k / (k + 1) for k in range(18)], lambda w: np.log1p(w) / w)


def log1p_over_slope(w):
    """d/dw log(1 + w)/w."""
    far = lambda w: (1 / (1 + w) - np.log1p(w) / w) / w
    return _patched(w, 0.1, [-((-1) ** k) * (k + 1) / (k + 2) for k in range(18)], far)


def spence_slope(x):
    """log(x)/(1 − x), 25.12.2; to its last digits near 1 and near 0."""
    near = np.less(np.abs(x - 1), 0.5)
    far = np.where(near, 2, x)
    return np.where(near, -log1p_over(np.where(near, x - 1, 0)), np.log(far) / (1 - far))


def _excess(w):
    """w − log(1 + w)."""
    return _patched(w, 0.1, [0, 0] + [(-1) ** k / k for k in range(2, 20)], lambda w: w - np.log1p(w))


def exprel_slope(x):
    """d/dx (eˣ − 1)/x; infinite with eˣ."""
    over = np.greater(x, _LARGEST_EXPONENT)
    far = lambda x: (np.exp(x) * (1 - 1 / x) + 1 / x) / x
    slope = _patched(np.where(over, 1, x), 1, [1 / (math.factorial(k) * (k + 2)) for k in range(20)], far)
    return np.where(over, np.exp(x), slope)


def i1_slope(x):
    """I₀ − I₁/x, DLMF 10.29.2."""
    series = [(2 * k + 1) / (2 * 4**k * math.factorial(k) * math.factorial(k + 1)) for k in range(20)]
    return _patched(x, 2, series, lambda x: special.i0(x) - special.i1(x) / x, np.square)


def i1e_slope(x, y):
    """That of e^−|x| I₁(x), whose second derivative jumps at 0."""
    within = np.where(np.less(np.abs(x), 700), x, 0)
    return np.exp(-np.sign(x) * x) * i1_slope(within) - np.sign(x) * y


def i0_less_one_over(x):
    """(I₀(x) − 1)/x, DLMF 10.25.2."""
    series = [1 / (4**k * math.factorial(k) ** 2) for k in range(1, 20)]
    return x * _patched(x, 2, series, lambda x: (special.i0(x) - 1) / np.square(x), np.square)


def one_less_j0_over(x):
    """(1 − J₀(x))/x, DLMF 10.2.2."""
    series = [-((-1) ** k) / (4**k * math.factorial(k) ** 2) for k in range(1, 20)]
    return x * _patched(x, 2, series, lambda x: (1 - special.j0(x)) / np.square(x), np.square)


def ratio(a, b):
    """a/b; 0 where both are 0."""
    return a / np.where(np.logical_and(np.equal(a, 0), np.equal(b, 0)), 1, b)


def log_ratio(a, b):
    """log(a/b), to its last digits near a = b, and also where a/b is not representable."""
    near = np.logical_and(np.less(a, 2 * b), np.less(b, 2 * a))
    close = np.log1p(np.where(near, a - b, 0) / np.where(near, b, 1))
    quotient = np.divide(a, b)
    within = np.logical_and(np.greater(quotient, 1e-290), np.less(quotient, 1e290))
    apart = np.where(within, np.log(np.where(within, quotient, 1)), np.log(a) - np.log(b))
    return np.where(near, close, apart)


# The error function and its relatives: chapter 7


_TAIL = [float(math.prod(range(1, 2 * k + 2, 2))) for k in range(26)]  # (2k + 1)!!


def _tail(z, inside):
    """Σ (2k + 1)!! / (2z²)ᵏ⁺¹, the asymptotic series from which √π i w'(z)/2 and −F'(z) follow (7.12.1)."""
    q = 0.5 / np.square(np.where(inside, 10, z))
    return q * _horner(q, _TAIL)


def faddeeva_slope(z, w):
    """w'(z) = 2i/√π − 2z w(z) (7.10.2), which cancels for large z."""
    inside = np.less(np.abs(z), 7)
    near = np.where(inside, z, 0)
    far = (-2j / ROOT_PI) * _tail(z, inside)
    lower = np.where(np.logical_and(np.less(np.imag(z), 0), np.logical_not(inside)), z, 0)
    return np.where(inside, 2j / ROOT_PI - 2 * near * np.where(inside, w, 0), far - 4 * lower * np.exp(-(lower**2)))


def erfcx_slope(x, y):
    """2x y − 2/√π, which cancels for large x."""
    if is_complex(x):
        return 1j * faddeeva_slope(1j * x, y)
    inside = np.less(x, 7)
    direct = 2 * np.where(inside, x, 0) * np.where(inside, y, 0) - 2 / ROOT_PI
    q = -0.5 / np.square(np.where(inside, 10, x))
    return np.where(inside, direct, (2 / ROOT_PI) * q * _horner(q, _TAIL))


def dawson_slope(x, y):
    """1 − 2x y (7.2.5), which cancels for large x."""
    inside = np.less(np.abs(x), 7)
    far = -_tail(x, inside)
    if is_complex(x):
        z = np.where(inside, 0, x)
        far = far - 1j * ROOT_PI * np.sign(np.imag(z)) * z * np.exp(-(z**2))
    return np.where(inside, 1 - 2 * np.where(inside, x, 0) * np.where(inside, y, 0), far)


def normal_slope(x):
    """Φ(x)/φ(x), without overflow on the way (7.2.3)."""
    return (ROOT_2PI / 2) * special.erfcx(-x / ROOT_2)


def quantile_slope(x, y):
    """dy/dx of the quantile y of the normal distribution: 1/φ(y) = (Φ/φ)(y)/x, exact in the lower tail."""
    nothing = np.equal(x, 0)
    return np.where(nothing, 1, normal_slope(np.where(nothing, 0, y))) / x


def erfcinv_slope(x, y):
    """−√π exp(y²)/2, exact for small x."""
    nothing = np.equal(x, 0)
    return (-ROOT_PI / 2) * np.where(nothing, 1, special.erfcx(np.where(nothing, 0, y))) / x


# Gamma and zeta functions: chapters 5 and 25

_BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330]


def _hurwitz(s, q):
    """ζ(s, q) for Re q ≥ 1/2 by the Euler–Maclaurin formula (25.11(iii) and 2.10.1), analytic in s and in q."""
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
    """sin πx, 0 at integers."""
    n = np.rint(np.real(x))
    return np.sin(PI * (x - n)) * (1 - 2 * np.mod(n, 2))


def _cosine_pi(x):
    """cos πx."""
    return np.cos(PI * (x - 2 * np.rint(np.real(x) / 2)))


def trigamma(x):
    """ψ'(x) (25.11.12); of complex x by Euler–Maclaurin and reflection (5.15.6)."""
    if not is_complex(x):
        return special.zeta(2.0, x)
    left = np.less(np.real(x), 0.5)
    right = _hurwitz(2.0, np.where(left, 1 - x, x))
    return np.where(left, np.square(PI / _sine_pi(np.where(left, x, 0.5))) - right, right)


def zeta_slope(s, q):
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


def riemann_slope(s):
    """ζ'(s); for s < −1 by the functional equation (25.4.1)."""
    left = np.less(s, -1)
    r = np.where(left, 1 - s, s)
    right = zeta_slope(r, 1.0)
    z = np.where(left, special.zeta(r), 1)
    factor = 2 * np.power(2 * PI, -r) * np.where(left, special.gamma(r), 1)
    cosine, sine = np.cos(PI / 2 * r), np.sin(PI / 2 * r)
    inner = z * (cosine * (special.psi(r) - math.log(2 * PI)) - PI / 2 * sine) + cosine * right
    return np.where(left, -factor * inner, right)


def rgamma_slope(x, y):
    """−ψ(x)/Γ(x), and left of ½ by reflection (5.5.3), which is finite at the poles of ψ."""
    left = np.less(np.real(x), 0.5)
    z = np.where(left, 1 - x, 1)
    reflected = special.gamma(z) * (_cosine_pi(z - 1) - special.psi(z) * _sine_pi(1 - z) / PI)
    return np.where(left, reflected, -special.psi(np.where(left, 1, x)) * y)


def _stirling(a):
    """log Γ(a) − (a − ½) log a + a − ½ log 2π (5.11.1)."""
    near = np.less(a, 10)
    small, large = np.where(near, a, 1), np.where(near, 10, a)
    q = np.square(1 / large)
    series = _horner(q, [b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI[:8], 1)]) / large
    return np.where(
        near, special.gammaln(small) - (small - 0.5) * np.log(small) + small - 0.5 * math.log(2 * PI), series
    )


def psi_step(a, b):
    """ψ(a + b) − ψ(a), to its last digits for large a also (5.11.2)."""
    far = np.logical_and(np.greater(a, 10), np.greater(a + b, 10))
    big, step = np.where(far, a, 1), np.where(far, b, 0)
    log = np.log1p(step / big)
    series = log - 0.5 * np.expm1(-log) / big
    for k, c in enumerate(_BERNOULLI[:8], 1):
        series = series - c / (2 * k) * np.expm1(-2 * k * log) * np.power(big, -2.0 * k)
    return np.where(far, series, special.psi(np.where(far, 1, a + b)) - special.psi(np.where(far, 1, a)))


def psi_difference(a, b):
    """ψ(a + b) − ψ(a), also where both are poles that cancel: left of ½ by reflection (5.5.4)."""
    left = np.logical_and(np.less(a, 0.5), np.less(a + b, 0.5))
    sines = _sine_pi(np.where(left, a, 0.5)) * _sine_pi(np.where(left, a + b, 0.5))
    step = _sine_pi(np.where(left, b, 0))
    cancel = np.logical_and(np.equal(sines, 0), np.equal(step, 0))
    reflected = PI * step / np.where(cancel, 1, sines)
    return psi_step(np.where(left, 1 - a, a), np.where(left, -b, b)) + reflected


def _over_gamma_slope(a, b):
    """The slope of Γ(a)/Γ(b) where both grow alike, also where 1/Γ(b) is 0."""
    over = special.rgamma(b)
    return special.gamma(a) * (special.psi(a) * over + rgamma_slope(b, over))


def _near_pole(x):
    """Whether 1/Γ(x) is 0 nearby."""
    return np.logical_and(np.less(x, 0.5), np.less(np.abs(x - np.rint(x)), 0.1))


def _vanishes(a, b):
    """Whether Γ(a)/Γ(b) is 0 nearby, where its logarithm is of no use; and both are in range."""
    moderate = np.logical_and(np.less(np.abs(a), 100), np.less(np.abs(b), 100))
    return np.logical_and(moderate, np.logical_and(_near_pole(b), np.logical_not(_near_pole(a))))


def beta_slope(a, b, y):
    """∂B(a, b)/∂a (5.12.1), also where 1/Γ(a + b) is 0, and at infinity, where all is 0."""
    zero = np.logical_and(_vanishes(a, a + b), _vanishes(b, a + b))
    infinite = np.logical_or(np.isinf(a), np.isinf(b))
    apart = np.logical_or(zero, infinite)
    u, v = np.where(zero, a, 0.5), np.where(zero, b, 0.5)
    step = psi_difference(np.where(apart, 1, a), np.where(apart, 1, b))
    return np.where(zero, special.gamma(v) * _over_gamma_slope(u, u + v), -y * step)


def poch_slope(a, b, y):
    """∂(a)_b/∂a of Γ(a + b)/Γ(a) (5.2.5), also where 1/Γ(a) is 0."""
    zero = np.logical_or(np.equal(y, 0), _vanishes(a + b, a))
    return np.where(zero, _over_gamma_slope(a + b, a), y * psi_difference(a, b))


def binom_upper_slope(n, k, y):
    """The slope of Γ(n + 1)/(Γ(k + 1) Γ(n − k + 1)) by n, also where one of the two reciprocals is 0.

    At a negative integer n, where SciPy's value is nan, it is that of the polynomial of degree k.
    """
    whole = np.logical_and(np.greater_equal(k, 0), np.equal(k, np.rint(k)))
    missing = np.logical_and(np.logical_and(np.less(n, 0), np.equal(n, np.rint(n))), whole)
    degree = np.where(missing, k, 1)
    y = np.where(missing, (1 - 2 * np.mod(degree, 2)) * special.binom(degree - np.where(missing, n, -1) - 1, degree), y)
    rest = n - k + 1
    pole = special.rgamma(k + 1) * _over_gamma_slope(n + 1, rest)
    zero = np.logical_or(np.equal(y, 0), _vanishes(n + 1, rest))
    return np.where(zero, pole, y * psi_difference(rest, k))


def binom_lower_slope(n, k, y):
    """The slope of Γ(n + 1)/(Γ(k + 1) Γ(n − k + 1)) by k, also where one of the two reciprocals is 0."""
    k, rest = k + 1, n - k + 1
    first = rgamma_slope(k, special.rgamma(k)) * special.rgamma(rest)
    pole = special.gamma(n + 1) * (first - special.rgamma(k) * rgamma_slope(rest, special.rgamma(rest)))
    zero = np.logical_or(np.equal(y, 0), np.logical_or(_vanishes(n + 1, k), _vanishes(n + 1, rest)))
    return np.where(zero, pole, y * psi_difference(k, rest - k))


# Densities of the gamma and beta distributions: 8.2 and 8.17, in the saddle-point form of C. Loader, Fast and accurate
# computation of binomial probabilities (2000), for large parameters


def gamma_density(a, x):
    """xᵃ⁻¹ e⁻ˣ / Γ(a)."""
    small = np.logical_or(np.less(a, 10), np.equal(x, 0))
    direct = np.power(x, np.where(small, a, 1) - 1) * np.exp(-x) / special.gamma(np.where(small, a, 1))
    a, x = np.where(small, 10, a), np.where(small, 10, x)
    return np.where(small, direct, np.sqrt(a / (2 * PI)) * np.exp(-a * _excess((x - a) / a) - _stirling(a)) / x)


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
    exponent = _stirling(n) - _stirling(a) - _stirling(b) - a * _excess(shift[0]) - b * _excess(shift[1])
    return np.where(small, direct, np.sqrt(a * b / (2 * PI * n)) * np.exp(exponent) / (x * rest))


# Derivatives by the parameters of incomplete gamma and beta functions: integrals over the nearer tail, of the density
# times its logarithmic derivative, by Gauss and Legendre's rule up to where the density has fallen by e⁻⁴⁰.


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


_NODES, _WEIGHTS = _gauss_legendre(48)


def _integral(integrand, end):
    end = detached(end)
    nodes = [(0.5 * (x + 1) * end, w) for x, w in zip(_NODES, _WEIGHTS)]
    return 0.5 * end * sum(w * integrand(u) for u, w in nodes)


def _fall(slope, curvature, a, offset):
    """Where s u + c u²/(2 + u), or a u − offset, is 40."""
    c, b = slope + curvature, slope - 20
    return np.minimum((np.sqrt(np.square(b) + 80 * c) - b) / c, (40 + offset) / a)


def gammainc_shape(a, x):
    """∂P(a, x)/∂a; for small a by P(a, x) = P(a + 1, x) + xᵃ e⁻ˣ/Γ(a + 1) (8.8.5)."""
    nothing = np.less_equal(x, 0)
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
    swap = np.greater(x * b, a * rest)
    a, b, x, rest = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, rest, x), np.where(swap, x, rest)
    by_a, by_b = np.where(swap, -by_b, by_a), np.where(swap, -by_a, by_b)
    raised = np.less(a, 1)
    step = np.where(raised, x * rest * beta_density(a, b, x, rest) / a, 0)
    step = step * (by_a * (np.log(x) - psi_step(a + b, 1 - b)) + by_b * (np.log(rest) + psi_step(b, a)))
    a = np.where(raised, a + 1, a)
    n = a + b
    end = _fall(np.maximum(a - n * x, 0), np.minimum(n * x * rest, a), a, -n * np.log(rest))
    level = by_a * (np.log(x) + psi_step(a, b)) + by_b * (np.log(rest) + psi_step(b, a))

    def integrand(u):
        log = np.log1p(x * np.expm1(-u))
        return (level - by_a * u - (by_a + by_b) * log) * np.exp(-a * u - n * log)

    return np.where(edge, 0, step + x * rest * beta_density(a, b, x, rest) * _integral(integrand, end))


def betainc_a(a, b, x, rest=None):
    return betainc_shape(1, 0, a, b, x, rest)


def betainc_b(a, b, x, rest=None):
    return betainc_shape(0, 1, a, b, x, rest)


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
    norm = a * np.log1p(0.5 / a) - 0.5 + _stirling(a + 0.5) - _stirling(a)
    return np.exp(norm - (a + 0.5) * np.log1p(np.square(t) / df)) / ROOT_2PI


def student_df(df, t):
    """The derivative of Student's distribution, 1 − I_z(ν/2, ½)/2 at z = ν/(ν + t²), by ν."""
    middle = np.equal(t, 0)
    square = np.square(np.where(middle, 1, t))
    total = df + square
    z, rest = df / total, square / total
    tail = (betainc_a(df / 2, 0.5, z, rest) + 2 * beta_density(df / 2, 0.5, z, rest) * rest / total) / 4
    near = t * student_density(df, t) * (psi_step(df / 2, 0.5) - np.divide(1, df)) / 2
    return np.where(middle, near, -np.sign(t) * tail)


def _variance_ratio(a, b, c):
    """z = ac/(b + ac), 1 − z, and dz/dc of the F distribution I_z(a/2, b/2)."""
    total = np.add(b, a * c)
    return a * c / total, b / total, a * b / np.square(total)


def f_density(a, b, c):
    z, rest, slope = _variance_ratio(a, b, c)
    return beta_density(a / 2, b / 2, z, rest) * slope


def f_numerator(a, b, c):
    return betainc_a(a / 2, b / 2, *_variance_ratio(a, b, c)[:2]) / 2 + f_density(a, b, c) * c / a


def f_denominator(a, b, c):
    return betainc_b(a / 2, b / 2, *_variance_ratio(a, b, c)[:2]) / 2 - f_density(a, b, c) * c / b


def noncentral_f_density(a, b, c, d):
    z, rest, slope = _variance_ratio(a, b, d)
    series = np.exp(-c / 2) * special.hyp1f1((a + b) / 2, a / 2, c / 2 * z)
    return beta_density(a / 2, b / 2, z, rest) * series * slope


def noncentral_f_noncentrality(a, b, c, d):
    z, rest, _ = _variance_ratio(a, b, d)
    series = np.exp(-c / 2) * special.hyp1f1((a + b) / 2, a / 2 + 1, c / 2 * z)
    return -beta_density(a / 2, b / 2, z, rest) * z * rest / a * series


# Bessel functions: chapter 10


def minus(function, v, z):
    """(F at v − 1, less F at v + 1)/2: 10.6.1."""
    return 0.5 * (function(v - 1, z) - function(v + 1, z))


def plus(function, v, z):
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


def airye_slopes(y, x):
    """The scaling is exp(± 2/3 x^(3/2)) for x > 0; left of 0 that of Bi is 1, and Ai is nan."""
    root = np.sqrt(np.maximum(x, 0))
    return y[1] + root * y[0], x * y[0] + root * y[1], y[3] - root * y[2], x * y[2] - root * y[3]


def ber_second(x):
    """ber'' + i bei'', from ber x + i bei x = J₀(x e^(3πi/4)): 10.61.1."""
    z = x * complex(-math.sqrt(0.5), math.sqrt(0.5))
    return -0.5j * (special.jv(2, z) - special.jv(0, z))


def ker_second(x):
    """ker'' + i kei'', from ker x + i kei x = K₀(x e^(πi/4)): 10.61.2."""
    z = x * complex(math.sqrt(0.5), math.sqrt(0.5))
    return 0.5j * (special.kv(0, z) + special.kv(2, z))


def struve_slope(combine, function, v, x):
    """11.4.24 and 11.4.26."""
    return combine(function, v, x) + np.power(x / 2, v) * special.rgamma(v + 1.5) / (2 * ROOT_PI)


def besselpoly_slope(a, power, v):
    """∂/∂a of the integral of tᵖ Jᵥ(2at) over 0 < t < 1, by 10.6.1."""
    return special.besselpoly(a, power + 1, v - 1) - special.besselpoly(a, power + 1, v + 1)


# Elliptic integrals: chapter 19


_LOGS = np.arange(-136, 136) * 0.55


def carlson(*factors, power=0):
    """∫ tᵖ Π (t + z)⁻ᵇ dt over t > 0 for pairs (z, b): Carlson's integrals (19.16) and their derivatives.

    By the trapezoidal rule in log t, along a new last axis; it converges exponentially. At the scale of the largest z.
    """
    if any(is_complex(z) for z, _ in factors):
        raise NotImplementedError("The derivatives of Carlson's elliptic integrals are known at real arguments only.")
    scale = detached(functools.reduce(np.maximum, [np.abs(z) for z, _ in factors]))
    z_over_scale = [(z / scale)[..., None] for z, _ in factors]
    t = np.exp(np.asarray(_LOGS, like=kind_of(z_over_scale[0])))
    bases = [(np.sqrt(t + z), -2 * b) for z, (_, b) in zip(z_over_scale, factors, strict=True)]  # nan for negative z
    integrand = functools.reduce(np.multiply, [np.power(*base) for base in bases], 0.55 * t ** (power + 1))
    return np.sum(integrand, -1) * np.power(scale, power + 1 - sum(b for _, b in factors))


def rd(x, y, z):
    return special.elliprd(x, y, z)


def _half_turns(phi):
    """How often π lies in φ, and the sine and squared cosine of the rest: the period of 19.2.10."""
    n = np.rint(phi / PI)
    return n, np.sin(phi) * np.cos(PI * n), np.square(np.cos(phi))


def ellipkinc_parameter(phi, m):
    """∂F(φ, m)/∂m, the integral of sin²θ/2 over (1 − m sin²θ)^(3/2), by R_D (19.16.5)."""
    n, s, c2 = _half_turns(phi)
    return (s**3 * rd(c2, 1.0, 1 - m * np.square(s)) + 2 * n * rd(0.0, 1.0, 1 - m)) / 6


def ellipeinc_parameter(phi, m):
    """∂E(φ, m)/∂m = −D(φ, m)/2 (19.2.6 and 19.25.13)."""
    n, s, c2 = _half_turns(phi)
    return -(s**3 * rd(c2, 1 - m * np.square(s), 1.0) + 2 * n * rd(0.0, 1 - m, 1.0)) / 6


def jacobi_parameter(y, u, m):
    """The derivatives of sn, cn, dn and the amplitude by m: that of u = F(am, m) is 0."""
    sn, cn, dn, am = y
    slope = -dn * ellipkinc_parameter(am, m)
    return cn * slope, -sn * slope, -(np.square(sn) + 2 * m * sn * cn * slope) / (2 * dn), slope


def agm_slope(a, b, y):
    """∂/∂a of π/(2 R_F(0, a², b²)): 19.8.5 and 19.25.1."""
    return rd(0.0, np.square(np.divide(b, a)), 1.0) * np.square(y / a) * (2 / (3 * PI))


# Hypergeometric functions by their parameters: chapters 13 and 15


_TERMS = 5000  # so many has that of ₂F₁ at 0.99


def _series_slope(upper, lower, x, change):
    """The derivative of Σ (a)ₖ… xᵏ/((b)ₖ k!), if ``change(k)`` is that of its ratio of parameters (a + k)…/(b + k).

    Nothing is divided by an a + k, which may be 0. nan where the series does not end, or cancels by eight digits.
    """
    if any(map(is_complex, (*upper, lower, x))):
        raise NotImplementedError("The derivatives of ₁F₁ and ₂F₁ by a parameter are known at real arguments only.")
    term, slope, terms, slopes = 1.0, 0.0, 1.0, 0.0
    bound = longest = largest = 1.0  # of the terms, had they no factor less than 1; and of the slopes
    with np.errstate(all="ignore"):
        for k in range(_TERMS):
            factor = np.divide(x, (lower + k) * (k + 1))
            ratio = math.prod([a + k for a in upper], start=factor)
            term, slope = term * ratio, slope * ratio + term * change(k) * np.divide(x, k + 1)
            terms, slopes = terms + term, slopes + slope
            bound = math.prod([np.maximum(np.abs(strip(a) + k), 1) for a in upper], start=bound * np.abs(strip(factor)))
            longest, largest = np.maximum(longest, bound), np.maximum(largest, np.abs(strip(slope)))
            if not np.any(bound > 1e-20 * longest):
                break
        ends = np.less(bound, 1e-20 * longest)
        exact = np.less(largest, 1e8 * (np.abs(strip(terms)) + np.abs(strip(slopes))))
    return np.where(np.logical_and(ends, exact), slopes, np.nan)


def hyp1f1_slope(place, a, b, x):
    """∂M(a, b, x)/∂a or ∂b by the series 13.2.2, left of 0 that of 13.2.39, where it does not alternate."""
    left = np.less(x, 0)
    sign, upper = np.where(left, -1, 1), np.where(left, b - a, a)
    changes = lambda k: np.divide(sign, b + k), lambda k: np.divide(np.where(left, a, -(a + k)), np.square(b + k))
    return np.exp(np.where(left, x, 0)) * _series_slope((upper,), b, sign * x, changes[place])


def _pfaff(x):
    """Whether x < 0, 1 − x if so, else 1, and the argument of 15.8.1, if so, else x."""
    left = np.less(x, 0)
    rest = 1.0 - np.where(left, x, 0)  # no integer, as powers of it are wanted
    return left, rest, np.where(left, -x, x) / rest


def hyp2f1_upper(a, b, c, x):
    """∂F(a, b; c; x)/∂a by the series 15.2.1, left of 0 that of 15.8.1."""
    left, rest, z = _pfaff(x)
    change = lambda k: np.divide(np.where(left, -1, 1) * (b + k), c + k)
    return np.power(rest, -b) * _series_slope((np.where(left, c - a, a), b), c, z, change)


def hyp2f1_lower(a, b, c, x):
    """∂F(a, b; c; x)/∂c, likewise."""
    left, rest, z = _pfaff(x)
    a, b = np.maximum(a, b), np.minimum(a, b)
    change = lambda k: np.divide((a + k) * np.where(left, b, -(b + k)), np.square(c + k))
    return np.power(rest, -a) * _series_slope((a, np.where(left, c - b, b)), c, z, change)


# Others


def expn_slope(n, x):
    """−Eₙ₋₁(x) (8.19.13), where E₋₁ is e⁻ˣ (1 + 1/x)/x."""
    return np.where(np.equal(n, 0), -np.exp(-x) * (1 + np.divide(1, x)) / x, -special.expn(np.maximum(n - 1, 0), x))


def modulated(x):
    """The slope of K₊(x) = w(x e^(πi/4))/2, with w of 7.2.3."""
    turn = complex(math.sqrt(0.5), math.sqrt(0.5))
    z = x * turn
    return 0.5 * turn * faddeeva_slope(z, special.wofz(z))


def mathieu(y, a, q, x):
    """Both slopes per degree; the second output is the first's slope per radian."""
    return y[1] * DEGREE, (2 * q * np.cos(2 * DEGREE * x) - a) * y[0] * DEGREE


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


def below(polynomial, n, *arguments):
    """The polynomial of degree n − 1; 0 for n = 0."""
    constant = np.equal(n, 0)
    return np.where(constant, 0, polynomial(np.where(constant, 1, n) - 1, *arguments))


def _degrees(n, x):
    """Where n is an integer, for which SciPy has recurrences, and where x is near 1, so that series are short."""
    return np.logical_and(np.greater_equal(n, 0), np.equal(n, np.rint(n))), np.less((1 - x) * (1 + np.square(n)), 0.5)


def _ultraspherical_slope(polynomial, order, n, x):
    """The slope of the polynomial C⁽λ⁾, λ = ½ or 1: of integer degree 2λ C⁽λ⁺¹⁾ (18.9.19).

    Of other degrees near 1 by the series 18.5.9, elsewhere by 18.9.8, neither of which overflows.
    """
    if is_complex(x):
        return 2 * order * below(special.eval_gegenbauer, n, order + 1, x)
    whole, near = _degrees(n, x)
    degree = np.where(whole, n, 1)[()].astype(np.int64)  # a scalar goes with arrays on a device too
    recurrence = 2 * order * below(special.eval_gegenbauer, degree, order + 1, x)
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
    return np.where(inside, np.sin((n + 1) * angle) / np.sin(angle), special.eval_chebyu(n, np.where(inside, 1, x)))


def legendre_slope(n, x):
    return _ultraspherical_slope(special.eval_legendre, 0.5, n, x)


def chebyu_slope(n, x):
    return _ultraspherical_slope(_second_kind, 1, n, x)


def chebyt_slope(n, x):
    """n Uₙ₋₁: 18.9.21."""
    direct = n * below(special.eval_chebyu, n, x)
    if is_complex(x):
        return direct
    apart = np.logical_or(*_degrees(n, x))
    return np.where(apart, direct, n * _second_kind(np.where(apart, 0.5, n) - 1, np.where(apart, 0, x)))


def lpmv_slope(m, v, x):
    """One of the relations of 14.10, which cancels near ±1; nan there, where eval_legendre is to be used for m = 0."""
    return ((m - v - 1) * special.lpmv(m, v + 1, x) + (v + 1) * x * special.lpmv(m, v, x)) / ((1 - x) * (1 + x))


def kolmogorov_density(x):
    """−K'(x), by the series for large x or the one for small x (Kolmogorov 1933; Feller 1948)."""
    small = np.less(x, 1)
    u, v = np.where(small, np.maximum(x, 1e-3), 1), np.where(small, 1, x)
    terms = [
        ((PI * k) ** 2 / (4 * np.square(u)) - 1) * np.exp(-((PI * k) ** 2) / (8 * np.square(u))) for k in (1, 3, 5, 7)
    ]
    far = sum((-1) ** (k - 1) * k**2 * np.exp(-2 * k**2 * np.square(v)) for k in range(1, 6))
    return np.where(np.less_equal(x, 0), 0, np.where(small, ROOT_2PI * sum(terms) / np.square(u), 8 * v * far))


def tukey_density(x, y, b):
    """1/(pᵇ⁻¹ + (1 − p)ᵇ⁻¹) at p = y, inside of the support."""
    outside = np.greater_equal(np.abs(x) * b, 1)
    p = np.where(outside, 0.5, y)
    return np.where(outside, 0, 1 / (np.power(p, b - 1) + np.power(1 - p, b - 1)))


def tukey_shape(x, y, b):
    p = np.where(np.greater_equal(np.abs(x) * b, 1), 0.5, y)
    return -tukey_density(x, y, b) * (boxcox_power(p, b) - boxcox_power(1 - p, b))


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


def power_1p(a, b):
    """(1 + a)ᵇ, to its last digits for small a and large b."""
    small = np.less(np.abs(a), 0.5)
    near = np.exp(np.where(small, b, 0) * np.log1p(np.where(small, a, 0)))
    return np.where(small, near, np.power(1 + np.where(small, 1, a), b))


def inv_boxcox_power(a, b, base, slope):
    """∂/∂b of base = (1 + ab)^(1/b); ``slope``: that by a, which stands alone where the base is 0."""
    edge = np.equal(a * b, -1)
    log = log1p_over_slope(np.where(edge, 0, a * b))
    return np.where(edge, a / np.where(edge, b, 1) * slope, base * np.square(a) * log)


def pseudo_huber_scale(a, b):
    u = np.divide(b, a)
    h = np.hypot(1, u)
    return b * (u / h) * np.square(u / (h + 1))


def owens_t_first(h, a):
    """∂T(h, a)/∂h (D. B. Owen 1956)."""
    return special.erf(a * h / ROOT_2) * np.exp(-np.square(h) / 2) / (-2 * ROOT_2PI)


def owens_t_second(h, a):
    """∂T(h, a)/∂a, the integrand."""
    return np.exp(-np.square(h) / 2 * (1 + np.square(a))) / (2 * PI * (1 + np.square(a)))


def _voigt(x, sigma, gamma, near, far):
    """``near(u, σ)`` or, where |u| > 10 σ, ``far(u, σ)``, by 7.12.1, at u = x + iγ.

    That series has no term of the order exp(−x²/2σ²), less than e⁻⁵⁰, which stands alone at γ = 0.
    """
    u = x + 1j * gamma
    inside = np.less(np.abs(u), 10 * sigma)
    return np.where(
        inside,
        near(np.where(inside, u, 1), np.where(inside, sigma, 1)),
        far(np.where(inside, 1, u), np.where(inside, 0, sigma)),
    )


def voigt_slope(x, sigma, gamma):
    """That of w(z)/(σ √2π), z = u/(σ √2), by x; at σ = 0 that of Lorentz's profile."""

    def near(u, sigma):
        z = u / (sigma * ROOT_2)
        return faddeeva_slope(z, special.wofz(z)) / (np.square(sigma) * (2 * ROOT_PI))

    return _voigt(x, sigma, gamma, near, lambda u, sigma: _horner(np.square(sigma / u), _TAIL) / (1j * PI * u**2))


def voigt_width(x, sigma, gamma, y):
    """∂y/∂σ, which is σ ∂²y/∂x²: a Gaussian function solves the equation of heat."""
    near = lambda u, sigma: -(y + np.real(u * voigt_slope(x, sigma, gamma))) / sigma
    slopes = [(k + 1) * c for k, c in enumerate(_TAIL)]
    far = lambda u, sigma: sigma * np.real(2j / (PI * u**3) * _horner(np.square(sigma / u), slopes))
    return _voigt(x, sigma, gamma, near, far)


def modified_mathieu(y, a, q, x):
    return y[1], (a - 2 * q * np.cosh(2 * x)) * y[0]


def _spheroidal(sign, turn):
    """The second derivative from 30.2.1: ((1 − s x²) y')' + (λ − s c² x² − …) y = 0 and its relatives."""

    def slopes(y, m, c, eigenvalue, x):
        f, slope = y
        k = 1 - turn * np.square(x)
        second = 2 * turn * x * slope - turn * (eigenvalue - sign * np.square(c * x)) * f
        return slope, (second + turn * np.square(m) / k * f) / k

    return slopes


prolate, oblate, oblate_radial = _spheroidal(1, 1), _spheroidal(-1, 1), _spheroidal(1, -1)
