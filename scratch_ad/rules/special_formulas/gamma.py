"""Gamma, beta and zeta functions, their ratios, and the dilogarithm: DLMF, chapters 5 and 25."""

import math

import numpy as np
import scipy.special as special

from ...rule import runs_numpy
from ...tracer import all_known, dtype_of
from ..elementwise import is_complex
from .cancellation import PI, horner, log1p_over

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


def digamma(x):
    """ψ(x); next to its poles by reflection (5.5.4), as SciPy's has few digits there."""
    if not runs_numpy(x) or all_known(np.greater(np.real(x), -0.5)):
        return special.psi(x)
    n = np.rint(np.real(x))
    gap = x - n
    near = np.logical_and(np.less(n, 0), np.logical_and(np.less(np.abs(gap), 0.01), np.not_equal(gap, 0)))
    reflected = special.psi(1 - np.where(near, x, 0)) - PI / np.tan(PI * np.where(near, gap, 0.25))
    return np.where(near, reflected, special.psi(np.where(near, 1, x)))


def trigamma(x):
    """ψ'(x) (25.11.12); of complex x by Euler–Maclaurin and reflection (5.15.6)."""
    if not is_complex(x):
        return special.zeta(2.0, x)
    left = np.less(np.real(x), 0.5)
    right = _hurwitz(2.0, np.where(left, 1 - x, x))
    sine = _sine_pi(np.where(left, x, 0.5))
    cosecant = np.where(np.isfinite(sine), PI / sine, 0)  # of a complex infinity, that would be nan
    return np.where(left, np.square(cosecant) - right, right)


def _terms(s):
    """How many terms to take before Euler–Maclaurin's, which leaves the part (|Im s| / 2πn)²² after n."""
    height = np.abs(np.imag(s))
    return next((n for n in (16, 64, 256) if not is_complex(s) or all_known(np.less_equal(height, n))), 1024)


def zeta_slope(s, q):
    """∂ζ(s, q)/∂s = −Σ log(q + k) (q + k)⁻ˢ by Euler–Maclaurin, for s > 1; nan beyond 2000 i."""
    terms = _terms(s)
    total = sum(np.log(q + k) * np.power(q + k, -s) for k in range(terms))
    q = q + terms
    log, power = np.log(q), np.power(q, -s)
    total = total + np.power(q, 1 - s) * (log / (s - 1) + 1 / np.square(s - 1)) + power * log / 2
    rising, slope = s * power / q, power / q * (1 - s * log)  # and its derivative by s
    for j, b in enumerate(_BERNOULLI, 1):
        total = total - b / math.factorial(2 * j) * slope
        first, second = s + 2 * j - 1, s + 2 * j
        slope = (slope * first * second + rising * (first + second)) / np.square(q)
        rising = rising * first * second / np.square(q)
    return np.where(np.greater(np.abs(np.imag(s)), 2000), np.nan, -total) if is_complex(s) else -total


def _reflection(r):
    """2 (2π)⁻ʳ Γ(r) cos(πr/2), and the same with the sine, neither of whose factors need be a number of the dtype."""
    if is_complex(r):
        log, turn = special.loggamma(r) - r * math.log(2 * PI), 1j * PI / 2 * r
        above, below = np.exp(log + turn), np.exp(log - turn)
        return above + below, (above - below) / 1j
    large = np.greater(r, 100 if dtype_of(r).itemsize > 4 else 30)
    log = special.loggamma(np.where(large, r, 1)) - r * math.log(2 * PI)
    factor = np.where(large, np.exp(log), np.power(2 * PI, -r) * special.gamma(np.where(large, 1, r))) * 2
    return factor * np.cos(PI / 2 * r), factor * np.sin(PI / 2 * r)


def riemann_slope(s):
    """ζ'(s); for s < −1 by the functional equation (25.4.1)."""
    left = np.less(s, -1)
    r = np.where(left, 1 - s, s)
    right = zeta_slope(r, 1.0)
    z = np.where(left, special.zeta(r), 1)
    cosine, sine = _reflection(r)
    inner = z * (cosine * (special.psi(r) - math.log(2 * PI)) - PI / 2 * sine) + cosine * right
    return np.where(left, -inner, right)


def spence_slope(x):
    """log(x)/(1 − x), 25.12.2; to its last digits near 1 and near 0."""
    near = np.less(np.abs(x - 1), 0.5)
    far = np.where(near, 2, x)
    return np.where(near, -log1p_over(np.where(near, x - 1, 0)), np.log(far) / (1 - far))


def rgamma_slope(x, y):
    """−ψ(x)/Γ(x), and left of ½ by reflection (5.5.3), which is finite at the poles of ψ, on the real line."""
    left = np.logical_and(np.less(np.real(x), 0.5), np.less(np.abs(np.imag(x)), 1))
    z = np.where(left, 1 - x, 1)
    reflected = special.gamma(z) * (_cosine_pi(z - 1) - special.psi(z) * _sine_pi(1 - z) / PI)
    return np.where(left, reflected, -special.psi(np.where(left, 1, x)) * y)


def stirling(a):
    """log Γ(a) − (a − ½) log a + a − ½ log 2π (5.11.1)."""
    near = np.less(a, 10)
    small = np.where(near, a, 1)
    direct = special.gammaln(small) - (small - 0.5) * np.log(small) + small - 0.5 * math.log(2 * PI)
    return np.where(near, direct, stirling_series(np.where(near, 10, a)))


def stirling_series(a):
    """``stirling`` from 10 on."""
    return horner(np.square(1 / a), [b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI[:8], 1)]) / a


def psi_step(a, b):
    """ψ(a + b) − ψ(a), to its last digits for large a also."""
    far, log, series = _far_psi_step(a, b)
    return np.where(far, log + series, special.psi(np.where(far, 1, a + b)) - special.psi(np.where(far, 1, a)))


def psi_step_less_log(a, b):
    """ψ(a + b) − ψ(a) − log(1 + b/a) of positive numbers, likewise."""
    far, _, series = _far_psi_step(a, b)
    u, v = np.where(far, 1, a), np.where(far, 1, b)
    return np.where(far, series, special.psi(u + v) - special.psi(u) - np.log1p(v / u))


def _far_psi_step(a, b):
    """Where a and a + b are large, log(1 + b/a) there, and what a step of ψ has more: 5.11.2."""
    far = np.logical_and(np.greater(a, 10), np.greater(a + b, 10))
    big, step = np.where(far, a, 1), np.where(far, b, 0)
    log = np.log1p(step / big)
    series = -0.5 * np.expm1(-log) / big
    for k, c in enumerate(_BERNOULLI[:8], 1):
        series = series - c / (2 * k) * np.expm1(-2 * k * log) * np.power(big, -2.0 * k)
    return far, log, series


def psi_difference(a, b):
    """ψ(a + b) − ψ(a), also where both are poles that cancel: left of ½ by reflection (5.5.4)."""
    left = np.logical_and(np.less(a, 0.5), np.less(a + b, 0.5))
    sines = _sine_pi(np.where(left, a, 0.5)) * _sine_pi(np.where(left, a + b, 0.5))
    step = _sine_pi(np.where(left, b, 0))
    cancel = np.logical_and(np.equal(sines, 0), np.equal(step, 0))
    reflected = PI * step / np.where(cancel, 1, sines)
    return psi_step(np.where(left, 1 - a, a), np.where(left, -b, b)) + reflected


def _reflected(z):
    """1/Γ(z) is Γ(1 − z) times the first of these, whose derivative is the second (5.5.3)."""
    return _sine_pi(z) / PI, _cosine_pi(z)


def _two_gammas(a, b):
    """Γ(a) Γ(b), neither a pole; by logarithms where one of them may be out of range."""
    most = 90 if dtype_of(a).itemsize > 4 else 15
    moderate = np.logical_and(np.less(np.abs(a), most), np.less(np.abs(b), most))
    near = [special.gamma(np.where(moderate, z, 1)) for z in (a, b)]
    far = [np.where(moderate, 1, z) for z in (a, b)]
    sign = special.gammasgn(far[0]) * special.gammasgn(far[1])
    return np.where(moderate, near[0] * near[1], sign * np.exp(special.gammaln(far[0]) + special.gammaln(far[1])))


def _near_pole(x):
    """Whether 1/Γ(x) is 0 nearby."""
    return np.logical_and(np.less(x, 0.5), np.less(np.abs(x - np.rint(x)), 0.1))


def _is_pole(x):
    return np.logical_and(np.less_equal(x, 0), np.equal(x, np.rint(x)))


def _vanishes(a, b):
    """Whether Γ(a)/Γ(b) is 0 here or nearby, where its logarithm is of no use."""
    nearby = np.logical_and(_near_pole(b), np.logical_not(_near_pole(a)))
    here = np.logical_and(_is_pole(b), np.logical_not(_is_pole(a)))
    return np.logical_or(nearby, here)


def beta_slope(a, b, y):
    """∂B(a, b)/∂a (5.12.1), also where 1/Γ(a + b) is 0, and at infinity, where all is 0."""
    zero = np.logical_and(_vanishes(a, a + b), _vanishes(b, a + b))
    infinite = np.logical_or(np.isinf(a), np.isinf(b))
    apart = np.logical_or(zero, infinite)
    u, v = np.where(zero, a, 0.25), np.where(zero, b, 0.25)
    rest = 1 - u - v
    sine, cosine = _reflected(u + v)
    inner = cosine + sine * (special.psi(u) - special.psi(rest))
    pole = special.beta(u, rest) * (PI / _sine_pi(v)) * inner
    return np.where(zero, pole, -y * psi_difference(np.where(apart, 1, a), np.where(apart, 1, b)))


def poch_slope(a, b, y):
    """∂(a)_b/∂a of Γ(a + b)/Γ(a) (5.2.5), also where 1/Γ(a) is 0."""
    zero = _vanishes(a + b, a)
    u, v = np.where(zero, a, 0.25), np.where(zero, a + b, 1)
    sine, cosine = _reflected(u)
    pole = _two_gammas(v, 1 - u) * (cosine + sine * (special.psi(v) - special.psi(1 - u)))
    return np.where(zero, pole, y * psi_difference(np.where(zero, 1, a), b))


def _binom_poles(n, k):
    """Where 1/Γ(n − k + 1) is 0 and where 1/Γ(k + 1) is, and the arguments there, moderate ones elsewhere."""
    by_rest = _vanishes(n + 1, n - k + 1)
    by_lower = np.logical_and(_vanishes(n + 1, k + 1), np.logical_not(by_rest))
    m, j = np.where(by_rest, n, 0.25), np.where(by_rest, k, 0.5)
    p, i = np.where(by_lower, n, 0.25), np.where(by_lower, k, -0.5)
    return by_rest, (m, j), by_lower, (p, i)


def binom_upper_slope(n, k, y):
    """The slope of Γ(n + 1)/(Γ(k + 1) Γ(n − k + 1)) by n, also where one of the two reciprocals is 0.

    There it is a beta function by reflection, B(n + 1, k − n) sin(π (n − k + 1))/π or B(n + 1, −k) sin(π (k + 1))/π.
    At a negative integer n, where SciPy's value is nan, it is that of the polynomial of degree k.
    """
    whole = np.logical_and(np.greater_equal(k, 0), np.equal(k, np.rint(k)))
    missing = np.logical_and(np.logical_and(np.less(n, 0), np.equal(n, np.rint(n))), whole)
    degree = np.where(missing, k, 1)
    y = np.where(missing, (1 - 2 * np.mod(degree, 2)) * special.binom(degree - np.where(missing, n, -1) - 1, degree), y)
    by_rest, (m, j), by_lower, (p, i) = _binom_poles(n, k)
    sine, cosine = _reflected(m - j + 1)
    first = special.beta(m + 1, j - m) * (cosine + sine * (special.psi(m + 1) - special.psi(j - m)))
    second = special.beta(p + 1, -i) * _reflected(i + 1)[0] * (special.psi(p + 1) - special.psi(p - i + 1))
    apart = np.logical_or(by_rest, by_lower)
    usual = y * psi_difference(np.where(apart, 1, n - k + 1), np.where(apart, 1, k))
    return np.where(by_rest, first, np.where(by_lower, second, usual))


def binom_lower_slope(n, k, y):
    """The slope of Γ(n + 1)/(Γ(k + 1) Γ(n − k + 1)) by k, also where one of the two reciprocals is 0."""
    by_rest, (m, j), by_lower, (p, i) = _binom_poles(n, k)
    sine, cosine = _reflected(m - j + 1)
    first = special.beta(m + 1, j - m) * (sine * (special.psi(j - m) - special.psi(j + 1)) - cosine)
    sine, cosine = _reflected(i + 1)
    second = special.beta(p + 1, -i) * (cosine + sine * (special.psi(p - i + 1) - special.psi(-i)))
    apart = np.logical_or(by_rest, by_lower)
    usual = y * psi_difference(np.where(apart, 1, k + 1), np.where(apart, 1, n - 2 * k))
    return np.where(by_rest, first, np.where(by_lower, second, usual))
