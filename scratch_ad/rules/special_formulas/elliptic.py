"""Elliptic integrals and functions: DLMF, chapters 19 and 22."""

import functools

import numpy as np
import scipy.special as special

from ...tracer import detached, kind_of
from ..elementwise import is_complex
from .cancellation import PI

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
