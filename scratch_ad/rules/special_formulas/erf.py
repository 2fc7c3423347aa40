"""The error function and its relatives: DLMF, chapter 7.

Owen's function after D. B. Owen, Tables for computing bivariate normal probabilities (1956).
"""

import math

import numpy as np
import scipy.special as special

from ..elementwise import is_complex
from .cancellation import PI, ROOT_2, ROOT_2PI, ROOT_PI, horner

TAIL = [float(math.prod(range(1, 2 * k + 2, 2))) for k in range(26)]  # (2k + 1)!!


def _tail(z, inside):
    """Σ (2k + 1)!! / (2z²)ᵏ⁺¹, the asymptotic series from which √π i w'(z)/2 and −F'(z) follow (7.12.1)."""
    q = 0.5 / np.square(np.where(inside, 10, z))
    return q * horner(q, TAIL)


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
    return np.where(inside, direct, (2 / ROOT_PI) * q * horner(q, TAIL))


def dawson_slope(x, y):
    """1 − 2x y (7.2.5), which cancels for large x."""
    inside = np.less(np.abs(x), 7)
    far = -_tail(x, inside)
    if is_complex(x):
        z = np.where(inside, 0, x)
        far = far - 1j * ROOT_PI * np.sign(np.imag(z)) * z * np.exp(-(z**2))
    return np.where(inside, 1 - 2 * np.where(inside, x, 0) * np.where(inside, y, 0), far)


def modulated(x):
    """The slope of K₊(x) = w(x e^(πi/4))/2, with w of 7.2.3."""
    turn = complex(math.sqrt(0.5), math.sqrt(0.5))
    z = x * turn
    return 0.5 * turn * faddeeva_slope(z, special.wofz(z))


def normal_slope(x):
    """Φ(x)/φ(x), without overflow on the way (7.2.3)."""
    return (ROOT_2PI / 2) * special.erfcx(-x / ROOT_2)


def inverse_mills(x):
    """φ(x)/Φ(x); left of 0 a reciprocal, which does not cancel in its own derivative, nor do φ and Φ right of 0."""
    if is_complex(x):
        return 1 / normal_slope(x)
    left = np.less(x, 0)
    u, v = np.where(left, x, 0), np.where(left, 0, x)
    return np.where(left, 1 / normal_slope(u), np.exp(-np.square(v) / 2) / (ROOT_2PI * special.ndtr(v)))


def quantile_slope(x, y):
    """dy/dx of the quantile y of the normal distribution: 1/φ(y) = (Φ/φ)(y)/x, exact in the lower tail."""
    nothing = np.equal(x, 0)
    return np.where(nothing, 1, normal_slope(np.where(nothing, 0, y))) / x


def erfcinv_slope(x, y):
    """−√π exp(y²)/2, exact for small x."""
    nothing = np.equal(x, 0)
    return (-ROOT_PI / 2) * np.where(nothing, 1, special.erfcx(np.where(nothing, 0, y))) / x


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

    return _voigt(x, sigma, gamma, near, lambda u, sigma: horner(np.square(sigma / u), TAIL) / (1j * PI * u**2))


def voigt_width(x, sigma, gamma, y):
    """∂y/∂σ, which is σ ∂²y/∂x²: a Gaussian function solves the equation of heat."""
    near = lambda u, sigma: -(y + np.real(u * voigt_slope(x, sigma, gamma))) / sigma
    slopes = [(k + 1) * c for k, c in enumerate(TAIL)]
    far = lambda u, sigma: sigma * np.real(2j / (PI * u**3) * horner(np.square(sigma / u), slopes))
    return _voigt(x, sigma, gamma, near, far)
