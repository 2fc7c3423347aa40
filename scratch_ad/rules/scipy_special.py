"""Partial derivatives of the ufuncs of ``scipy.special``, one line each; names as in rule.py.

Loaded when a tracer meets one of them, so that SciPy need not be there. The numbers at the ends of lines are sections
and equations of the NIST Digital Library of Mathematical Functions (DLMF, https://dlmf.nist.gov).
An inverse function x of p = F(x; a) has the partial 1/F' in p and −(∂F/∂a)/F' in its other arguments.
"""

import functools
import inspect

import numpy as np
import scipy.special as special
from scipy.special import _ufuncs

from .. import rule
from ..careful import product  # one output's pole leaves the others alone
from ..primitives import astype
from ..rule import Over, constant, explicit, over, refuse, runs_numpy
from .elementwise import LN2, LN10, base_partial, exponent_partial, is_complex, one_plus
from .special_formulas import (
    bessel,
    cancellation,
    densities,
    distributions,
    elliptic,
    erf,
    gamma,
    hypergeometric,
    incomplete,
    orthogonal,
    powers,
    waves,
)
from .special_formulas.cancellation import DEGREE, PI, ROOT_2PI, ROOT_PI

unknown = "no closed form of it is known"


# Registering


_DOUBLES = {"f": np.dtype(float), "c": np.dtype(complex)}
_SINGLES = {"f": np.dtype(np.float32), "c": np.dtype(np.complex64)}


def _is_single(x):
    dtype = getattr(x, "dtype", None)
    return dtype is not None and dtype.kind in _SINGLES and dtype.itemsize <= _SINGLES[dtype.kind].itemsize


def _in_double(partial, anew=None):
    """The partial, of numbers in single precision by double: there terms cancel, and powers leave the range.

    ``anew`` computes the output again, which was rounded, among what the partial keeps. JAX's numbers stay single.
    """
    if isinstance(partial, Over):
        return over(_in_double(partial.divisor, anew))
    if not callable(partial):
        return partial

    @functools.wraps(partial)
    def of_kept(*kept):
        numbers = [x for x in kept if getattr(getattr(x, "dtype", None), "kind", "") in _SINGLES]
        if not (numbers and all(map(_is_single, numbers)) and runs_numpy(numbers)):
            return partial(*kept)
        kept = [astype(x, _DOUBLES[x.dtype.kind]) if _is_single(x) else x for x in kept]
        slopes = partial(*(anew(*kept) if anew else kept))
        single = lambda p: astype(p, _SINGLES[p.dtype.kind])
        return tuple(map(single, slopes)) if isinstance(slopes, tuple) else single(slopes)

    return of_kept


def elementwise(function, *partials):
    """``rule.elementwise``, by ``_in_double``."""
    names = ["x", "y"] if len(partials) == 1 else [*"abcdefgh"[: len(partials)], "y"]

    def wide(partial):
        of_kept = partial.divisor if isinstance(partial, Over) else partial
        whole = callable(of_kept) and [*inspect.signature(of_kept).parameters] == names
        return _in_double(partial, (lambda *kept: (*kept[:-1], function(*kept[:-1]))) if whole else None)

    return rule.elementwise(function, *map(wide, partials))


_of_arguments = {  # by their number: a partial by the names of what it keeps
    2: lambda f: lambda a, b: f(a, b),
    3: lambda f: lambda a, b, c: f(a, b, c),
    4: lambda f: lambda a, b, c, d: f(a, b, c, d),
}
_of_output_too = {
    2: lambda f: lambda a, b, y: f((a, b), y),
    3: lambda f: lambda a, b, c, y: f((a, b, c), y),
    4: lambda f: lambda a, b, c, d, y: f((a, b, c, d), y),
}


def distribution(function, *partials, sign=1):
    """Register a function with these partials of all its arguments, or with their negatives."""
    of_all = _of_arguments[len(partials)]
    elementwise(function, *(of_all(lambda *args, p=p: sign * p(*args)) if callable(p) else p for p in partials))


def inverse(function, place, *partials, sign=1, least=None, fixed=False, sparsity=None, known=None):
    """Register the inverse in argument number ``place`` of F, whose value then stands in that place.

    It is constant where its value is ``least``, beyond which SciPy does not search. ``fixed``: whether what belongs to
    0 and to 1 does so for all parameters. ``sparsity``: the reciprocal of the slope, by default as a divisor.
    ``known``: per argument number a partial, of all arguments and the value, that needs no slope.
    """
    of_all = _of_output_too[len(partials)]

    def at(args, y):
        return (*args[:place], y, *args[place + 1 :])

    def slope(*args):
        slope = partials[place](*args)
        return slope if least is None else np.where(np.equal(args[place], least), np.inf, slope)

    def over_slope(x, args):
        return x / slope(*args) if sparsity is None else x * sparsity(*args)

    def of_parameter(p):
        def partial(args, y):
            if not fixed:
                return over_slope(-p(*at(args, y)), at(args, y))
            end = np.logical_and(np.isfinite(y), np.equal(args[place], np.rint(args[place])))
            inside = at(args, np.where(end, 0.5, y))
            return np.where(end, 0, over_slope(-p(*inside), inside))

        return of_all(partial)

    ours = [of_parameter(p) if callable(p) else p for p in partials]
    ours[place] = of_all(lambda args, y: over_slope(sign, at(args, y)))
    for k, partial in (known or {}).items():
        ours[k] = partial
    elementwise(function, *ours)


def several(function, *slopes):
    """Register a function with several outputs: per argument what gives the partials of all, or None."""
    slopes = [_in_double(partials, lambda _, *args: (function(*args), *args)) for partials in slopes]

    def push(partials):
        return partials and (lambda t, y, *args: tuple(product(t, p) for p in partials(y, *args)))

    def pull(partials):
        return partials and (lambda g, y, *args: sum(map(product, g, partials(y, *args))))

    explicit(function, jvp=tuple(map(push, slopes)), vjp=tuple(map(pull, slopes)))


def _real(x, function):
    """Refuse complex numbers, where the function has no complex derivative or SciPy none of its parts."""
    if is_complex(x):
        raise NotImplementedError(f"scipy.special.{function} has no derivative at complex numbers: it is not analytic.")
    return x


def _scaled(function, slope, turned):
    """jve, yve and ive: a Bessel function times exp(−|Im z|), or exp(−|Re z|), which is not analytic.

    ``slope`` gives that of the function without the change of scale; ``turned``, whether the scale is that of Re z.
    """
    slope = _in_double(slope, lambda _, v, z: (function(v, z), v, z))

    def size(z):
        return np.sign(np.real(z)) if turned else np.sign(np.imag(z))

    def push(t, y, v, z):
        if not is_complex(z):
            return t * slope(y, v, z)
        return t * slope(y, v, z) - y * size(z) * (np.real(t) if turned else np.imag(t))

    def pull(g, y, v, z):
        if not is_complex(z):
            return g * slope(y, v, z)
        through_scale = np.real(g * y) * size(z)
        return g * slope(y, v, z) - (through_scale if turned else -1j * through_scale)

    explicit(function, jvp=(None, push), vjp=(None, pull))


# fmt: off

# What JAX has too

elementwise(special.erf,          lambda x: np.exp(-np.square(x)) * (2 / ROOT_PI))                      # 7.2.1
elementwise(special.erfc,         lambda x: np.exp(-np.square(x)) * (-2 / ROOT_PI))                     # 7.2.2
elementwise(special.erfcx,        lambda x, y: erf.erfcx_slope(x, y))                                   # 7.10.2
elementwise(special.erfinv,       lambda y: np.exp(np.square(y)) * (ROOT_PI / 2))                       # 7.17.1
elementwise(special.dawsn,        lambda x, y: erf.dawson_slope(x, y))                                  # 7.2.5
elementwise(special.wofz,         lambda x, y: erf.faddeeva_slope(x, y))                                # 7.10.2
elementwise(special.ndtr,         lambda x: np.exp(-np.square(x) / 2) / ROOT_2PI)                       # 7.2.1
elementwise(special.log_ndtr,     lambda x: erf.inverse_mills(x))
elementwise(special.ndtri,        lambda x, y: erf.quantile_slope(x, y))
elementwise(special.expit,        lambda x, y: y * special.expit(-x))
elementwise(special.logit,        over(lambda x: x * (1 - x)))
elementwise(special.gamma,        lambda x, y: y * gamma.digamma(x))                                    # 5.2.2
elementwise(special.gammaln,      lambda x: gamma.digamma(x))                                           # 5.2.2
elementwise(special.loggamma,     lambda x: gamma.digamma(x))                                           # 5.2.2
elementwise(special.psi,          lambda x: gamma.trigamma(x))                                        # 5.15.1, 25.11.12
elementwise(_ufuncs._riemann_zeta, lambda x: gamma.riemann_slope(x))                                    # 25.4.1
elementwise(special.i0,           lambda x: special.i1(x))                                              # 10.29.3
elementwise(special.i1,           lambda x: bessel.i1_slope(x))                                         # 10.29.2
elementwise(special.i0e,          lambda x, y: bessel.ive_slope(0, x, special.i1e(x) - np.sign(x) * y))
elementwise(special.i1e,          lambda x, y: bessel.ive_slope(1, x, bessel.i1e_slope(x, y)))
elementwise(special.expi,         lambda x: np.exp(x) / x)                                              # 6.2.5
elementwise(special.exp1,         lambda x: -np.exp(-x) / x)                                            # 6.2.1
elementwise(special.spence,       lambda x: gamma.spence_slope(x))                                      # 25.12.2
elementwise(special.entr,         lambda x: -np.log(x) - 1)

elementwise(special.xlogy,        lambda b: np.log(b), lambda a, b: cancellation.ratio(a, b))
elementwise(special.xlog1py,      lambda b: np.log1p(b), lambda a, b: cancellation.ratio(a, one_plus(b)))
elementwise(special.rel_entr,     lambda a, b: cancellation.log_ratio(a, b) + 1, lambda a, b: -cancellation.ratio(a, b))
elementwise(special.kl_div,       lambda a, b: cancellation.log_ratio(a, b),
                                  lambda a, b: cancellation.one_less_ratio(a, b))
elementwise(special.boxcox,       lambda a, b: np.power(a, b - 1), lambda a, b: powers.boxcox_power(a, b))
elementwise(special.boxcox1p,     lambda a, b: powers.power_1p(a, b - 1),
                                  lambda a, b: powers.boxcox1p_power(a, b))
elementwise(special.beta,         lambda a, b, y: gamma.beta_slope(a, b, y),
                                  lambda a, b, y: gamma.beta_slope(b, a, y))                            # 5.12.1
elementwise(special.betaln,       lambda a, b: -gamma.psi_difference(a, b),
                                  lambda a, b: -gamma.psi_difference(b, a))
elementwise(special.poch,         lambda a, b, y: gamma.poch_slope(a, b, y),
                                  lambda a, b, y: y * gamma.digamma(a + b))                             # 5.2.5
elementwise(special.expn,         "SciPy has the function at integers only",
                                  lambda a, b: incomplete.expn_slope(a, b))                             # 8.19.13
elementwise(_ufuncs._zeta,        lambda a, b: gamma.zeta_slope(a, b),
                                  lambda a, b: -a * special.zeta(a + 1, b))                             # 25.11.17
elementwise(special.gammainc,     lambda a, b: incomplete.gammainc_shape(a, b),
                                  lambda a, b: densities.gamma_density(a, b))                           # 8.8.13
elementwise(special.gammaincc,    lambda a, b: -incomplete.gammainc_shape(a, b),
                                  lambda a, b: -densities.gamma_density(a, b))                          # 8.8.13
elementwise(special.betainc,      lambda a, b, c: incomplete.betainc_a(a, b, c),
                                  lambda a, b, c: incomplete.betainc_b(a, b, c),
                                  lambda a, b, c: densities.beta_density(a, b, c))                      # 8.17.1
elementwise(special.hyp1f1,       lambda a, b, c: hypergeometric.hyp1f1_slope(0, a, b, c),
                                  lambda a, b, c: hypergeometric.hyp1f1_slope(1, a, b, c),
                                  lambda a, b, c, y: hypergeometric.hyp1f1_argument(a, b, c, y))        # 13.3.15
elementwise(special.hyp2f1,       lambda a, b, c, d: hypergeometric.hyp2f1_upper(a, b, c, d),
                                  lambda a, b, c, d: hypergeometric.hyp2f1_upper(b, a, c, d),
                                  lambda a, b, c, d: hypergeometric.hyp2f1_lower(a, b, c, d),
                                  lambda a, b, c, d:                                                    # 15.5.1
                                  np.divide(a * b, c) * hypergeometric.hyp2f1(a + 1, b + 1, c + 1, d))
elementwise(special.owens_t,      lambda a, b: erf.owens_t_first(a, b),
                                  lambda a, b: erf.owens_t_second(a, b))
several(special.fresnel,          lambda y, x: (np.sin(PI / 2 * x * x), np.cos(PI / 2 * x * x)))        # 7.2.7, 7.2.8
several(special.sici,             lambda y, x: (cancellation.sine_over(x), np.cos(x) / x))              # 6.2.9, 6.2.11
constant(special.gammasgn, special.round)

# Relatives of exp, log and erf

elementwise(special.exp2,         lambda x: special.exp2(x - 1) * (2 * LN2))
elementwise(special.exp10,        lambda y: y * LN10)
elementwise(special.expm1,        lambda x: np.exp(x))
elementwise(special.exprel,       lambda x: cancellation.exprel_slope(x))
elementwise(special.log1p,        over(lambda x: 1 + x))
elementwise(special.cbrt,         over(lambda y: 3 * np.square(y)))
elementwise(special.cosm1,        lambda x: -np.sin(x))
elementwise(special.sindg,        lambda x: special.cosdg(x) * DEGREE)
elementwise(special.cosdg,        lambda x: special.sindg(x) * -DEGREE)
elementwise(special.tandg,        over(lambda x: np.square(special.cosdg(x)) / DEGREE))
elementwise(special.cotdg,        over(lambda x: np.square(special.sindg(x)) / -DEGREE))
elementwise(special.log_expit,    lambda x: special.expit(-x))
elementwise(special.wrightomega,  lambda y: y / (1 + y))                                                # y + log y = x
elementwise(_ufuncs._lambertw,    over(lambda y: (1 + y) * np.exp(y)), None, None)                      # 4.13.4
elementwise(special.erfi,         lambda x: np.exp(np.square(x)) * (2 / ROOT_PI))                       # 7.2.1
elementwise(special.erfcinv,      lambda x, y: erf.erfcinv_slope(x, y))                                 # 7.17.1
elementwise(special.ndtri_exp,    lambda y: erf.normal_slope(y))
elementwise(special.zetac,        lambda x: gamma.riemann_slope(x))                                     # 25.4.1
elementwise(special.rgamma,       lambda x, y: gamma.rgamma_slope(x, y))                                # 5.5.3
elementwise(special.powm1,        lambda a, b: base_partial(a, b),
                                  lambda a, b: exponent_partial(a, np.power(a, b)))
elementwise(special.inv_boxcox,   lambda a, b, y: powers.inv_boxcox_slope(a, b, y),
                                  lambda a, b, y: powers.inv_boxcox_power(a, b, y, powers.inv_boxcox_slope(a, b, y)))
elementwise(special.inv_boxcox1p, lambda a, b: powers.inv_boxcox1p_slope(a, b),
                                  lambda a, b: powers.inv_boxcox_power(a, b, special.inv_boxcox(a, b),
                                                                       powers.inv_boxcox1p_slope(a, b)))
elementwise(special.huber,        lambda a, b: np.maximum(np.abs(b) - a, 0),
                                  lambda a, b: np.clip(b, -a, a))
_sine_of_tangent = elementwise(powers.sine_of_tangent, lambda x: np.power(np.hypot(1, x), -3.0))
elementwise(special.pseudo_huber, lambda a, b: powers.pseudo_huber_scale(a, b),
                                  lambda a, b: a * _sine_of_tangent(np.divide(b, a)))
elementwise(special.binom,        lambda a, b, y: gamma.binom_upper_slope(a, b, y),
                                  lambda a, b, y: gamma.binom_lower_slope(a, b, y))                     # 5.2.2
elementwise(special.radian,       lambda: DEGREE, lambda: DEGREE / 60, lambda: DEGREE / 3600)
elementwise(special.voigt_profile, lambda a, b, c: np.real(erf.voigt_slope(a, b, c)),
                                  lambda a, b, c, y: erf.voigt_width(a, b, c, y),
                                  lambda a, b, c: -np.imag(erf.voigt_slope(a, b, c)))                   # 7.19.1
several(special.shichi,           lambda y, x: (special.hyp0f1(1.5, np.square(x) / 4), np.cosh(x) / x)) # 6.2.15, 16
several(special.modfresnelp,      lambda y, x: (-np.exp(1j * np.square(x)), erf.modulated(x)))
several(special.modfresnelm,      lambda y, x: (-np.exp(-1j * np.square(x)), np.conjugate(erf.modulated(x))))

# Bessel functions: 10.6.1 and 10.29.1

elementwise(special.j0,           lambda x: -special.j1(x))
elementwise(special.j1,           lambda x: 0.5 * (special.j0(x) - special.jv(2, x)))
elementwise(special.y0,           lambda x: -special.y1(x))
elementwise(special.y1,           lambda x: 0.5 * (special.y0(x) - special.yn(2, x)))
elementwise(special.k0,           lambda x: -special.k1(x))
elementwise(special.k1,           lambda x, y: -special.k0(x) - y / x)                                  # 10.29.2
elementwise(special.k0e,          lambda x, y: bessel.kve_slope(0, x, y - special.k1e(x)))
elementwise(special.k1e,          lambda x, y: bessel.kve_slope(1, x, y + bessel.plus(special.kve, 1, x, -1)))
elementwise(special.jv,           unknown, lambda a, b: bessel.minus(special.jv, a, b))
elementwise(special.yv,           unknown, lambda a, b: bessel.minus(special.yv, a, b))
elementwise(special.yn,           unknown, lambda a, b: bessel.minus(special.yn, np.trunc(a), b))
elementwise(special.iv,           unknown, lambda a, b: bessel.plus(special.iv, a, b))
elementwise(special.kv,           unknown, lambda a, b: bessel.plus(special.kv, a, b, -1))
elementwise(special.kn,           unknown, lambda a, b: bessel.plus(special.kn, np.trunc(a), b, -1))
elementwise(special.hankel1,      unknown, lambda a, b: bessel.minus(special.hankel1, a, b))
elementwise(special.hankel2,      unknown, lambda a, b: bessel.minus(special.hankel2, a, b))
elementwise(special.hankel1e,     unknown, lambda a, b, y: bessel.minus(special.hankel1e, a, b) - 1j * y)
elementwise(special.hankel2e,     unknown, lambda a, b, y: bessel.minus(special.hankel2e, a, b) + 1j * y)
elementwise(special.kve,          unknown,
                                  lambda a, b, y: bessel.kve_slope(a, b, y + bessel.plus(special.kve, a, b, -1)))
_scaled(special.jve,              lambda y, v, z: bessel.minus(special.jve, v, z), turned=False)
_scaled(special.yve,              lambda y, v, z: bessel.minus(special.yve, v, z), turned=False)
_scaled(special.ive,              lambda y, v, z: bessel.ive_of(y, v, z), turned=True)
several(special.airy,             lambda y, x: (y[1], x * y[0], y[3], x * y[2]))                        # 9.2.1
several(special.airye,            lambda y, x: bessel.airye_slopes(y, _real(x, "airye")))
several(special.kelvin,           lambda y, x: (y[2], y[3], bessel.kelvin_second(x, 1j * y[0], y[2], 0.5j),
                                                bessel.kelvin_second(x, 1j * y[1], y[3])))
elementwise(special.ber,          lambda x: special.berp(x))
elementwise(special.bei,          lambda x: special.beip(x))
elementwise(special.ker,          lambda x: special.kerp(x))
elementwise(special.kei,          lambda x: special.keip(x))
elementwise(special.berp,         lambda x, y: bessel.kelvin_second(x, -special.bei(x), y))
elementwise(special.beip,         lambda x, y: bessel.kelvin_second(x, special.ber(x), y, 0.5))
elementwise(special.kerp,         lambda x, y: bessel.kelvin_second(x, -special.kei(x), y))
elementwise(special.keip,         lambda x, y: bessel.kelvin_second(x, special.ker(x), y))
elementwise(special.struve,       unknown, lambda a, b: bessel.struve_slope(-1, special.struve, a, b))
elementwise(special.modstruve,    unknown, lambda a, b: bessel.struve_slope(1, special.modstruve, a, b))
elementwise(special.besselpoly,   lambda a, b, c: bessel.besselpoly_slope(a, b, c), unknown, unknown)
elementwise(special.itstruve0,    lambda x: special.struve(0, x))
elementwise(special.it2struve0,   lambda x: -special.struve(0, x) / x)
elementwise(special.itmodstruve0, lambda x: special.modstruve(0, x))
several(special.iti0k0,           lambda y, x: (special.i0(x), special.k0(x)))
several(special.itj0y0,           lambda y, x: (special.j0(x), special.y0(x)))
several(special.it2i0k0,          lambda y, x: (bessel.i0_less_one_over(x), -special.k0(x) / x))
several(special.it2j0y0,          lambda y, x: (bessel.one_less_j0_over(x), -special.y0(x) / x))
several(special.itairy,           lambda y, x: (*special.airy(x)[::2], *special.airy(-x)[::2]))

# Hypergeometric functions, polynomials, elliptic integrals, functions of other differential equations

elementwise(special.hyp0f1,       unknown, lambda a, b: special.hyp0f1(a + 1, b) / a)                   # 16.3.1
elementwise(special.hyperu,       unknown, unknown,
                                  lambda a, b, c: -a * special.hyperu(a + 1, b + 1, c))                 # 13.3.22
elementwise(special.wright_bessel, unknown, unknown, lambda a, b, c: special.wright_bessel(a, a + b, c))  # 10.46.1
elementwise(special.log_wright_bessel, unknown, unknown,
                                  lambda a, b, c, y: np.exp(special.log_wright_bessel(a, a + b, c) - y))
elementwise(special.eval_jacobi,  unknown, unknown, unknown,
                                  lambda a, b, c, d: orthogonal.jacobi_slope(a, b, c, d))               # 18.9.15
elementwise(special.eval_sh_jacobi, unknown, unknown, unknown,
                                  lambda a, b, c, d: orthogonal.shifted_jacobi_slope(a, b, c, d))
elementwise(special.eval_gegenbauer, unknown, unknown, lambda a, b, c: orthogonal.gegenbauer_slope(a, b, c)) # 18.9.19
elementwise(special.eval_genlaguerre, unknown, unknown,
                                  lambda a, b, c: orthogonal.laguerre_slope(a, b, c))                   # 18.9.23
elementwise(special.eval_laguerre, unknown, lambda a, b: orthogonal.laguerre_slope(a, 0, b))
elementwise(special.eval_legendre, unknown, lambda a, b: orthogonal.legendre_slope(a, b))               # 18.7.9
elementwise(special.eval_chebyt,  unknown,
                                  lambda a, b: orthogonal.chebyt_slope(a, b))                           # 18.9.21
elementwise(special.eval_chebyu,  unknown, lambda a, b: orthogonal.chebyu_slope(a, b))                  # 18.7.4
elementwise(special.eval_chebyc,  unknown, lambda a, b: orthogonal.chebyt_slope(a, b / 2))
elementwise(special.eval_chebys,  unknown, lambda a, b: orthogonal.chebyu_slope(a, b / 2) / 2)
elementwise(special.eval_sh_legendre, unknown,
                                  lambda a, b: 2 * orthogonal.legendre_slope(a, 2 * b - 1))
elementwise(special.eval_sh_chebyt, unknown,
                                  lambda a, b: 2 * orthogonal.chebyt_slope(a, 2 * b - 1))
elementwise(special.eval_sh_chebyu, unknown,
                                  lambda a, b: 2 * orthogonal.chebyu_slope(a, 2 * b - 1))
elementwise(special.eval_hermite, unknown, lambda a, b: 2 * a * orthogonal.below(special.eval_hermite, a, b))  # 18.9.25
elementwise(special.eval_hermitenorm, unknown,
                                  lambda a, b: a * orthogonal.below(special.eval_hermitenorm, a, b))    # 18.9.27
elementwise(special.lpmv,         unknown, unknown, lambda a, b, c: orthogonal.lpmv_slope(a, b, c))     # 14.10
elementwise(special.ellipk,       lambda x: elliptic.rd(0.0, 1.0, 1 - x) / 6)                          # 19.4.1, 19.25.1
elementwise(special.ellipkm1,     lambda x: elliptic.rd(0.0, 1.0, x) / -6)
elementwise(special.ellipe,       lambda x: elliptic.rd(0.0, 1 - x, 1.0) / -6)                         # 19.4.2, 19.25.1
elementwise(special.ellipkinc,    over(lambda a, b: np.sqrt(1 - b * np.square(np.sin(a)))),
                                  lambda a, b: elliptic.ellipkinc_parameter(a, b))
elementwise(special.ellipeinc,    lambda a, b: np.sqrt(1 - b * np.square(np.sin(a))),
                                  lambda a, b: elliptic.ellipeinc_parameter(a, b))
several(special.ellipj,           lambda y, u, m: (y[1] * y[2], -y[0] * y[2], -m * y[0] * y[1], y[2]),
                                  lambda y, u, m: elliptic.jacobi_parameter(y, u, m))                   # 22.13
elementwise(special.agm,          lambda a, b, y: elliptic.agm_slope(a, b, y),
                                  lambda a, b, y: elliptic.agm_slope(b, a, y))
elementwise(special.elliprc,      lambda a, b: elliptic.elliprc_slope(a, b)[0],
                                  lambda a, b: elliptic.elliprc_slope(a, b)[1])                         # 19.6.15
elementwise(special.elliprf,      lambda a, b, c: elliptic.rd(b, c, a) / -6,
                                  lambda a, b, c: elliptic.rd(a, c, b) / -6,
                                  lambda a, b, c: elliptic.rd(a, b, c) / -6)
elementwise(special.elliprd,      lambda a, b, c: -0.75 * elliptic.carlson((a, 1.5), (b, 0.5), (c, 1.5)),
                                  lambda a, b, c: -0.75 * elliptic.carlson((a, 0.5), (b, 1.5), (c, 1.5)),
                                  lambda a, b, c: -2.25 * elliptic.carlson((a, 0.5), (b, 0.5), (c, 2.5)))
elementwise(special.elliprg,      lambda a, b, c: 0.125 * elliptic.carlson((a, 1.5), (b, 0.5), (c, 0.5), power=1),
                                  lambda a, b, c: 0.125 * elliptic.carlson((a, 0.5), (b, 1.5), (c, 0.5), power=1),
                                  lambda a, b, c: 0.125 * elliptic.carlson((a, 0.5), (b, 0.5), (c, 1.5), power=1))
elementwise(special.elliprj,      lambda a, b, c, d, y: elliptic.elliprj_slope(a, b, c, d, y),
                                  lambda a, b, c, d, y: elliptic.elliprj_slope(b, a, c, d, y),
                                  lambda a, b, c, d, y: elliptic.elliprj_slope(c, a, b, d, y),
                                  lambda a, b, c, d, y: elliptic.elliprj_pole(a, b, c, d, y))
several(special.pbdv,             None, lambda y, v, x: (y[1], (np.square(x) / 4 - v - 0.5) * y[0]))    # 12.2.2
several(special.pbvv,             None, lambda y, v, x: (y[1], (np.square(x) / 4 - v - 0.5) * y[0]))    # 12.2.2
several(special.pbwa,             None, lambda y, a, x: (y[1], (a - np.square(x) / 4) * y[0]))          # 12.2.3
several(special.mathieu_cem,      None, None,
                                  lambda y, m, q, x: waves.mathieu(y, special.mathieu_a(m, q), q, x))   # 28.2.1
several(special.mathieu_sem,      None, None,
                                  lambda y, m, q, x: waves.mathieu(y, special.mathieu_b(m, q), q, x))   # 28.2.1
for _f in (special.mathieu_modcem1, special.mathieu_modcem2):
    several(_f, None, None, lambda y, m, q, x: waves.modified_mathieu(y, special.mathieu_a(m, q), q, x))  # 28.20.1
for _f in (special.mathieu_modsem1, special.mathieu_modsem2):
    several(_f, None, None, lambda y, m, q, x: waves.modified_mathieu(y, special.mathieu_b(m, q), q, x))  # 28.20.1
for _f in (special.pro_ang1, special.pro_rad1, special.pro_rad2):
    several(_f, None, None, None, lambda y, m, n, c, x: waves.prolate(y, m, c, special.pro_cv(m, n, c), x))
for _f in (special.pro_ang1_cv, special.pro_rad1_cv, special.pro_rad2_cv):
    several(_f, None, None, None, None, lambda y, m, n, c, cv, x: waves.prolate(y, m, c, cv, x))
several(special.obl_ang1, None, None, None, lambda y, m, n, c, x: waves.oblate(y, m, c, special.obl_cv(m, n, c), x))
several(special.obl_rad1, None, None, None,
        lambda y, m, n, c, x: waves.oblate_radial(y, m, c, special.obl_cv(m, n, c), x))
several(special.obl_ang1_cv, None, None, None, None, lambda y, m, n, c, cv, x: waves.oblate(y, m, c, cv, x))
several(special.obl_rad1_cv, None, None, None, None, lambda y, m, n, c, cv, x: waves.oblate_radial(y, m, c, cv, x))

# fmt: on

# Distributions and their inverses: slopes in all arguments; the binomial one by 8.17.5

_betainc = incomplete.betainc_a, incomplete.betainc_b, densities.beta_density
_gammainc = incomplete.gammainc_shape, densities.gamma_density
_chdtr = (
    lambda v, x: incomplete.gammainc_shape(v / 2, x / 2) / 2,
    lambda v, x: densities.gamma_density(v / 2, x / 2) / 2,
)
_gdtr = (
    lambda a, b, x: x * densities.gamma_density(b, a * x),
    lambda a, b, x: incomplete.gammainc_shape(b, a * x),
    lambda a, b, x: a * densities.gamma_density(b, a * x),
)
_fdtr = distributions.f_numerator, distributions.f_denominator, distributions.f_density
_stdtr = distributions.student_df, distributions.student_density
_bdtr_p = lambda k, n, p: -densities.beta_density(n - np.floor(k), np.floor(k) + 1, 1 - p, p)
_bdtr = (
    lambda k, n, p: incomplete.betainc_shape(-1, 1, n - k, k + 1, 1 - p, p),
    lambda k, n, p: incomplete.betainc_a(n - k, k + 1, 1 - p, p),
    lambda k, n, p: -densities.beta_density(n - k, k + 1, 1 - p, p),
)
_nbdtr_p = lambda k, n, p: densities.beta_density(n, np.floor(k) + 1, p)
_nbdtr = (
    lambda k, n, p: incomplete.betainc_b(n, k + 1, p),
    lambda k, n, p: incomplete.betainc_a(n, k + 1, p),
    lambda k, n, p: densities.beta_density(n, k + 1, p),
)
_pdtr_m = lambda k, m: -densities.gamma_density(np.floor(k) + 1, m)
_pdtr = lambda k, m: -incomplete.gammainc_shape(k + 1, m), lambda k, m: -densities.gamma_density(k + 1, m)
_chndtr = (
    lambda x, df, nc: distributions.chi2_density(x, df, nc),
    unknown,
    lambda x, df, nc: -distributions.chi2_density(x, df + 2, nc),
)
_ncfdtr = unknown, unknown, distributions.noncentral_f_noncentrality, distributions.noncentral_f_density

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
inverse(special.betaincinv,       2, *_betainc, fixed=True)
inverse(special.betainccinv,      2, *_betainc, sign=-1, fixed=True)
inverse(special.btdtria,          0, *_betainc)
inverse(special.btdtrib,          1, *_betainc)
inverse(special.gammaincinv,      1, *_gammainc, fixed=True)
inverse(special.gammainccinv,     1, *_gammainc, sign=-1, fixed=True)
inverse(special.bdtri,            2, None, None, _bdtr_p)
inverse(special.bdtrik,           0, *_bdtr, least=0)
inverse(special.bdtrin,           1, *_bdtr)
inverse(special.nbdtri,           2, None, None, _nbdtr_p)
inverse(special.nbdtrik,          0, *_nbdtr, least=0)
inverse(special.nbdtrin,          1, *_nbdtr)
inverse(special.pdtri,            1, None, _pdtr_m)
inverse(special.pdtrik,           0, *_pdtr, least=0)
inverse(special.chdtri,           1, *_chdtr, sign=-1, fixed=True)
inverse(special.chdtriv,          0, *_chdtr)
inverse(special.fdtri,            2, *_fdtr, fixed=True, sparsity=distributions.f_sparsity)
inverse(special.fdtridfd,         1, *_fdtr)
inverse(special.gdtria,           0, *_gdtr, known={2: lambda a, b, c, y: -y / c})
inverse(special.gdtrib,           1, *_gdtr)
inverse(special.gdtrix,           2, *_gdtr, fixed=True, known={0: lambda a, b, c, y: -y / a})
inverse(special.stdtrit,          1, *_stdtr)
inverse(special.stdtridf,         0, *_stdtr)
inverse(special.chndtrix,         0, *_chndtr, fixed=True)
inverse(special.chndtrinc,        2, *_chndtr)
inverse(special.ncfdtri,          3, *_ncfdtr, fixed=True)
elementwise(special.nrdtrimn,     lambda a, b: -b * erf.quantile_slope(a, special.ndtri(a)),
                                  lambda a: -special.ndtri(a), 1)
elementwise(special.nrdtrisd,     over(lambda b: -special.ndtri(b)),
                                  lambda b, y: -y * erf.quantile_slope(b, special.ndtri(b)) / special.ndtri(b),
                                  over(lambda b: special.ndtri(b)))
elementwise(special.tklmbda,      lambda a, b, y: distributions.tukey_density(a, y, b),
                                  lambda a, b, y: distributions.tukey_shape(a, y, b))
elementwise(special.kolmogorov,   lambda x: -distributions.kolmogorov_density(x))
elementwise(special.kolmogi,      over(lambda y: -distributions.kolmogorov_density(y)))
elementwise(special.smirnov,      unknown, lambda a, b: distributions.smirnov_slope(a, b))
elementwise(special.smirnovi,     unknown, over(lambda a, y: distributions.smirnov_slope(a, y)))
# fmt: on

refuse(
    "its derivative by the parameter is an integral of the squared eigenfunction, which SciPy does not have",
    *(special.mathieu_a, special.mathieu_b, special.pro_cv, special.obl_cv),
)
refuse(
    "no closed form is known for derivatives by degrees of freedom here, nor for the noncentral t density; "
    "differentiate the integral of the density numerically",
    *(special.nctdtr, special.nctdtrit, special.nctdtridf, special.nctdtrinc),
    *(special.chndtridf, special.ncfdtridfd, special.ncfdtridfn),
)
refuse(
    "SciPy's value and its derivative by x, the second output, do not belong together; use obl_rad1",
    *(special.obl_rad2, special.obl_rad2_cv),
)
refuse("SciPy finds its value to eight digits only; solve ncfdtr(dfn, dfd, nc, f) = p for nc", special.ncfdtrinc)
