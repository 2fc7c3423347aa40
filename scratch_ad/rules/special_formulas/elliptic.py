"""Elliptic integrals and functions: DLMF, chapters 19 and 22."""

import functools

import numpy as np
import scipy.special as special

from ...primitives import detached
from ...tracer import anywhere, kind_of
from ..elementwise import is_complex
from .cancellation import PI

_STEP, _FEW, _ALL = 0.55, 136, 2800  # of log t, and how many of them suffice for numbers of like size, and for all


def carlson(*factors, power=0):
    """∫ tᵖ Π (t + z)⁻ᵇ dt over t > 0 for pairs (z, b): Carlson's integrals (19.16) and their derivatives.

    By the trapezoidal rule in log t, along a new last axis; it converges exponentially. At the scale of the largest z;
    further down, and by logarithms, where NumPy's numbers are less than 1e-15 of that: there powers overflow and
    underflow, but for their product.
    """
    if any(is_complex(z) for z, _ in factors):
        raise NotImplementedError("The derivatives of Carlson's elliptic integrals are known at real arguments only.")
    scale = detached(functools.reduce(np.maximum, [np.abs(z) for z, _ in factors]))
    powers, zero = [b for _, b in factors], np.zeros_like(scale)
    numbers = [(z + zero)[..., None] for z, _ in factors]
    over_scale = [z / scale[..., None] for z in numbers]
    kind, degree = kind_of(over_scale[0]), power + 1 - sum(powers)
    tiny = [np.logical_and(np.less(np.abs(u), 1e-15), np.not_equal(z, 0)) for u, z in zip(over_scale, numbers)]
    if kind is not None and any(map(anywhere, tiny)):
        t = np.asarray(_STEP * np.arange(-_ALL, _FEW), like=kind)
        sums = [b * np.logaddexp(t, np.log(z) - np.log(scale)[..., None]) for z, b in zip(numbers, powers)]
        integrand = functools.reduce(np.subtract, sums, (power + 1) * t)
        largest = detached(np.max(integrand, -1))
        total = np.sum(np.exp(integrand - largest[..., None]), -1)
        return _STEP * total * np.exp(largest + degree * np.log(scale))
    t = np.exp(np.asarray(_STEP * np.arange(-_FEW, _FEW), like=kind))
    bases = [np.power(np.sqrt(t + u), -2 * b) for u, b in zip(over_scale, powers)]  # nan left of 0
    return np.sum(functools.reduce(np.multiply, bases, _STEP * t ** (power + 1)), -1) * np.power(scale, degree)


def rd(x, y, z):
    return special.elliprd(x, y, z)


def _half_turns(phi):
    """How often π lies in φ, and the sine and squared cosine of the rest: the period of 19.2.10."""
    n = np.rint(phi / PI)
    return n, np.sin(phi) * np.cos(PI * n), np.square(np.cos(phi))


def _rest(n, m):
    """1 − m, which may be 0 where no half turn is taken."""
    return 1 - np.where(np.equal(n, 0), 0, m)


def ellipkinc_parameter(phi, m):
    """∂F(φ, m)/∂m, the integral of sin²θ/2 over (1 − m sin²θ)^(3/2), by R_D (19.16.5)."""
    n, s, c2 = _half_turns(phi)
    return (s**3 * rd(c2, 1.0, 1 - m * np.square(s)) + 2 * n * rd(0.0, 1.0, _rest(n, m))) / 6


def ellipeinc_parameter(phi, m):
    """∂E(φ, m)/∂m = −D(φ, m)/2 (19.2.6 and 19.25.13)."""
    n, s, c2 = _half_turns(phi)
    return -(s**3 * rd(c2, 1 - m * np.square(s), 1.0) + 2 * n * rd(0.0, _rest(n, m), 1.0)) / 6


def jacobi_parameter(y, u, m):
    """The derivatives of sn, cn, dn and the amplitude by m: that of u = F(am, m) is 0.

    As in ``ellipkinc_parameter``, by sn, cn and dn, which are known where the amplitude is as good as π/2.
    """
    sn, cn, dn, am = y
    n = np.where(np.equal(m, 1), 0, np.rint(am / PI))
    whole = 2 * n * rd(0.0, 1.0, _rest(n, m))
    part = (sn * np.cos(PI * n)) ** 3 * rd(cn * (cn / dn), 1 / dn, dn)
    slope = -(part / np.sqrt(dn) + dn * whole) / 6
    return cn * slope, -sn * slope, -(np.square(sn) + 2 * m * sn * cn * slope) / (2 * dn), slope


def elliprc_slope(x, y):
    """∂/∂x and ∂/∂y; left of 0 of y, a principal value, from R_C = acos √(x/y)/√(y − x) (19.6.15) continued."""
    left = np.less(y, 0)
    u, v = np.where(left, 1, x), np.where(left, 1, y)
    w, x, y = np.where(left, y - x, -1), np.where(left, x, 1), np.where(left, y, -1)
    value, root = special.elliprc(x, y), np.sqrt(x)
    return (
        np.where(left, 0.5 * (value - 1 / root) / w, -0.25 * carlson((u, 1.5), (v, 1))),
        np.where(left, 0.5 * (root / w / y - value / w), -0.5 * carlson((u, 0.5), (v, 2))),
    )


def elliprj_slope(x, y, z, p, value):
    """∂/∂x; left of 0 of p, a principal value, by partial fractions of 1/((t + x)(t + p)), which cancel near p = x."""
    left = np.less(p, 0)
    right = [np.where(left, 1, a) for a in (x, y, z, p)]
    integral = -0.75 * carlson(*zip(right, (1.5, 0.5, 0.5, 1), strict=True))
    return np.where(left, _elliprj_left(x, y, z, np.where(left, p, -1), value), integral)


def _elliprj_left(x, y, z, p, value):
    return 0.5 * (value - rd(y, z, x)) / (p - x)


def elliprj_pole(x, y, z, p, value):
    """∂/∂p; left of 0, where the function is homogeneous of degree −3/2, by the slopes in the others."""
    left = np.less(p, 0)
    right = [np.where(left, 1, a) for a in (x, y, z, p)]
    integral = -1.5 * carlson(*zip(right, (0.5, 0.5, 0.5, 2), strict=True))
    pole = np.where(left, p, -1)
    others = sum(a * _elliprj_left(a, b, c, pole, value) for a, b, c in ((x, y, z), (y, x, z), (z, x, y)))
    return np.where(left, -(1.5 * value + others) / pole, integral)


def agm_slope(a, b, y):
    """∂/∂a of π/(2 R_F(0, a², b²)): 19.8.5 and 19.25.1; where that is 0, it rises vertically from an a of 0 alone.

    Of numbers far apart that is π b/(2 log(4b/a)), or that with a and b exchanged (19.12.1).
    """
    nothing = np.equal(y, 0)
    u, v, y = (np.where(nothing, 1, x) for x in (a, b, y))
    larger, smaller = np.greater(np.abs(u), 1e9 * np.abs(v)), np.greater(np.abs(v), 1e9 * np.abs(u))
    apart, share = np.logical_or(larger, smaller), y / u
    alike = rd(0.0, np.square(np.where(apart, 1, v / u)), 1.0) * np.square(share) * (2 / (3 * PI))
    slope = np.where(larger, share * (1 - 2 / PI * share), np.where(smaller, 2 / PI * (y / v) * y / u, alike))
    return np.where(nothing, np.where(np.logical_and(np.equal(a, 0), np.not_equal(b, 0)), np.inf, 0), slope)
