"""Where functions of numbers are looked at over their whole domain: for each argument of each the kind of its numbers.

A kind is a list of numbers: sizes from the smallest to the largest number, of both signs where the function takes
both; whole and half numbers, ends of domains and branch cuts with what lies close to them; orders and degrees that are
whole and that are not. Of one argument all are taken, of several arguments ``DRAWN`` points of all combinations.
"""

import itertools
import random
import zlib
from typing import NamedTuple

import numpy as np
import scipy.special as special
from scipy.special import _ufuncs

DRAWN = 64
_LARGEST, _LEAST = 1.7976931348623157e308, 2.2250738585072014e-308


def _signed(numbers):
    return (*(-x for x in reversed(numbers)), 0.0, *numbers)


def _close(*centres):
    """What lies close to these numbers, on either side."""
    return tuple(c + s * h for c in centres for h in (1e-3, 1e-6, 1e-10, 2.0**-50) for s in (-1, 1))


# fmt: off
_SIZES = (
    _LEAST, 1e-300, 1e-160, 1e-100, 1e-40, 1e-20, 1e-17, 1e-12, 1e-8, 1e-6, 1e-4, 1e-3, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9,
    1.0, 1.3, 1.5, 2.0, 2.6, 3.0, 4.5, 6.0, 7.1, 9.3, 12.0, 16.0, 20.2, 26.0, 30.5, 33.0, 40.0, 51.5, 63.5, 88.0, 120.0,
    170.5, 171.3, 300.0, 500.0, 700.0, 711.0, 1e3, 1e4, 1e6, 1e8, 1e10, 1e15, 1e20, 1e40, 1e100, 1e160, 1e300, _LARGEST,
)
_FRACTIONS = (
    _LEAST, 1e-300, 1e-100, 1e-20, 1e-12, 1e-6, 1e-3, 0.03, 0.3, 0.5, 0.7, 0.9, 0.97, 0.999, 1 - 1e-6, 1 - 1e-12,
)
_SHAPES = (
    1e-6, 1e-3, 0.1, 0.3, 0.5, 0.98, 1.0, 1.5, 2.0, 2.6, 3.0, 5.0, 7.5, 9.9, 10.5, 20.2, 33.0, 63.5, 100.5, 500.0,
)
_WHOLE = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 13.0, 20.0)
_PARTS = (-700.0, -40.0, -3.0, -1.5, -1e-3, 1e-20, 0.3, 1.0, 2.5, 20.0, 300.0)
KINDS = {
    "real":       (*_signed(_SIZES), *_close(-3, -2, -1, -0.5, 0.5, 1, 2, 3)),
    "positive":   (0.0, *_SIZES, *_close(1, 2)),
    "moderate":   _signed(tuple(x for x in _SIZES if 1e-20 <= x <= 1e3)),
    "unit":       (0.0, *_FRACTIONS, 1 - 2.0**-53),
    "within one": (*_signed(_FRACTIONS), -1.0, 1.0),
    "below one":  (*(-x for x in _SIZES if x < 1e20), 0.0, *_FRACTIONS),
    "shape":      (*_SHAPES, 1e4, 1e6, 1e10),
    "parameter":  _signed(_SHAPES),
    "order":      (*_WHOLE, 33.0, 100.0, -1.0, -2.0, -5.0, 0.3, 0.5, 1.5, 2.5, 7.3, 33.3, 100.5, -0.5, -0.7, -3.3),
    "degree":     (*_WHOLE, 50.0, 99.0, 170.0, 300.0, 0.3, 0.7, 0.98, 1.5, 2.6, 7.3, 20.2, 51.5, 170.5),
    "whole":      _WHOLE,
    "complex":    tuple(complex(a, b) for a, b in itertools.product(_PARTS, repeat=2)),
}
# fmt: on


def _table(*rows):
    """The kinds of the arguments by the names of functions."""
    return {name: kinds.split(", ") for kinds, names in rows for name in names.split()}


_NUMPY = _table(
    (
        "real",
        "square sqrt cbrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan arctan sinh cosh tanh arcsinh",
    ),
    ("real", "arccosh deg2rad rad2deg degrees radians absolute fabs"),
    ("within one", "arcsin arccos arctanh"),
    ("real, real", "add subtract multiply divide hypot arctan2 logaddexp logaddexp2 remainder fmod copysign"),
    ("real, real", "maximum minimum fmax fmin"),
    ("positive, real", "power float_power"),
)
_SCIPY = _table(
    (
        "real",
        "erf erfc erfcx erfi dawsn ndtr log_ndtr expit log_expit exprel gamma gammaln loggamma psi rgamma zetac i0 i1",
    ),
    ("real", "i0e i1e j0 j1 expi sici shichi fresnel airy airye exp2 exp10 expm1 cosm1 sindg cosdg tandg cotdg"),
    ("real", "cbrt wrightomega ber bei log1p"),
    ("positive", "exp1 spence entr k0 k1 k0e k1e y0 y1 ker kei ellipkm1 kolmogorov"),
    ("unit", "logit ndtri"),
    ("within one", "erfinv"),
    ("unit", "erfcinv"),
    ("below one", "ellipk ellipe"),
    ("parameter, parameter", "beta betaln poch binom"),
    ("positive, positive", "rel_entr kl_div agm huber pseudo_huber"),
    ("real, positive", "xlogy"),
    ("real, within one", "xlog1py"),
    ("positive, moderate", "boxcox powm1"),
    ("within one, moderate", "boxcox1p"),
    ("moderate, moderate", "inv_boxcox inv_boxcox1p"),
    ("shape, positive", "gammainc gammaincc chdtr chdtrc"),
    ("positive, shape, positive", "gdtr gdtrc"),
    ("shape, shape, unit", "betainc betaincc"),
    ("shape, shape, positive", "fdtr fdtrc"),
    ("shape, real", "stdtr"),
    ("whole, whole, unit", "bdtr bdtrc nbdtr nbdtrc"),
    ("whole, positive", "pdtr pdtrc expn kn yn"),
    ("shape, unit", "gammaincinv gammainccinv chdtri stdtrit"),
    ("shape, shape, unit", "betaincinv betainccinv fdtri gdtrix"),
    ("order, real", "jv iv ive jve"),
    ("order, positive", "yv kv kve yve struve modstruve"),
    ("degree, within one", "eval_legendre eval_chebyt eval_chebyu"),
    ("degree, moderate", "eval_chebyc eval_chebys eval_laguerre"),
    ("degree, unit", "eval_sh_legendre eval_sh_chebyt eval_sh_chebyu"),
    ("whole, moderate", "eval_hermite eval_hermitenorm"),
    ("degree, shape, moderate", "eval_genlaguerre"),
    ("degree, shape, within one", "eval_gegenbauer"),
    ("degree, shape, shape, within one", "eval_jacobi"),
    ("degree, shape, shape, unit", "eval_sh_jacobi"),
    ("whole, degree, within one", "lpmv"),
    ("parameter, moderate", "hyp0f1"),
    ("parameter, parameter, moderate", "hyp1f1"),
    ("parameter, parameter, parameter, below one", "hyp2f1"),
    ("shape, shape, positive", "hyperu wright_bessel log_wright_bessel"),
    ("moderate, below one", "ellipkinc ellipeinc ellipj"),
    ("positive, real", "elliprc"),
    ("positive, positive, positive", "elliprf elliprd elliprg"),
    ("positive, positive, positive, real", "elliprj"),
    ("real, positive, positive", "voigt_profile"),
    ("parameter, moderate", "pbdv"),
    ("whole, within one", "smirnov"),
)
FUNCTIONS = {
    **{f"np.{name}": (getattr(np, name), kinds) for name, kinds in _NUMPY.items()},
    **{f"scipy.special.{name}": (getattr(special, name), kinds) for name, kinds in _SCIPY.items()},
    "scipy.special._ufuncs._riemann_zeta": (_ufuncs._riemann_zeta, ["real"]),
    "scipy.special._ufuncs._zeta": (_ufuncs._zeta, ["shape", "positive"]),
}


NOT_ANALYTIC = {"np.absolute", *(f"scipy.special.{name}" for name in ("jve", "yve", "ive", "airye"))}


def _is_normal(x):
    return np.isfinite(x) and (x.dtype.kind not in "fc" or x == 0 or abs(x) >= np.finfo(x.dtype).tiny)


def points(name, dtype="float64", seed="", most=None):
    """The points of a function, tuples of numbers, the same on every run; others of several arguments by ``seed``.

    ``most``: so many of them, by default all of one argument, and ``DRAWN`` of several.
    """
    _, kinds = FUNCTIONS[name]
    dtypes = [np.dtype(np.int64 if kind == "whole" else dtype) for kind in kinds]
    if np.dtype(dtype).kind == "c":  # of the last argument alone: orders and parameters stay real
        kinds, dtypes = [*kinds[:-1], "complex"], [*dtypes[:-1], np.dtype(dtype)]
        dtypes[:-1] = [np.dtype(np.float64) if t.kind == "c" else t for t in dtypes[:-1]]
    rng = random.Random(zlib.crc32(f"{name} {dtype}{seed}".encode()))
    if len(kinds) == 1:
        found = [(x,) for x in KINDS[kinds[0]]]
    else:
        found = [tuple(rng.choice(KINDS[kind]) for kind in kinds) for _ in range(DRAWN)]
    if most is not None and most < len(found):
        found = rng.sample(found, most)
    with np.errstate(all="ignore"):
        cast = [tuple(t.type(x) for t, x in zip(dtypes, point, strict=True)) for point in found]
    return [*dict.fromkeys(point for point in cast if all(map(_is_normal, point)))]


# Where a derivative is wrong for a known reason: names of functions, a condition, and the reason. The condition is on
# the arguments a, b, c, d, which of them is differentiated and how often, what is got and what is true, and how far
# ``off`` that is, relatively.
LIMITS = (
    (
        "*",
        "not np.isfinite(got) and abs(true) > np.finfo(np.result_type(got)).max / 2",
        "larger than the largest number, or a part of it is",
    ),
    (
        "*",
        "np.isnan(got) and abs(true) < float(np.finfo(np.result_type(got)).tiny) ** 0.94",
        "smaller than the smallest number, of parts that are not",
    ),
    ("hyp2f1", "argument == 3 and np.isnan(got)", "SciPy's value is confirmed by no other form, and is refused"),
    ("hyp1f1 hyp2f1", "np.isnan(got)", "the series in a parameter does not end or cancels, and is nan then"),
    ("elliprc elliprd elliprf elliprg elliprj", "min(a, b) == 0", "infinite, and a large number by a finite sum"),
    ("voigt_profile", "c == 0", "what is less than e⁻⁵⁰ of the width is left out"),
    ("hyperu wright_bessel log_wright_bessel", "np.isnan(got)", "SciPy's value is nan at the neighbouring parameters"),
    (
        "fdtr fdtrc fdtri",
        "argument < 2 and max(a, b) > 1e3 and (min(a, b) < 1 or max(a, b) >= 1e6)",
        "the difference of two, which is 1/a or 1/b of them",
    ),
    (
        "hyp2f1",
        "argument < 3 and (max(abs(a), abs(b)) > 50 or abs(d) > 50) and off < (1e-5 if order == 1 else 1e-3)",
        "the series in a parameter cancels half of the digits",
    ),
    ("remainder fmod", "argument == 1 and abs(a / b) > 1e12", "there is a jump within any step of the referee's"),
    ("stdtr", "argument == 1 and abs(b) < 1e-40", "the value does not change within the referee's digits"),
    (
        "stdtrit",
        "order == 2 and not np.isfinite(got)",
        "powers of the density leave the range of the numbers",
    ),
    ("stdtr stdtrit", "argument == 0 and (a >= 1e6 or a < 1e-3)", "the difference of two, of which it is the part 1/ν"),
    ("fdtr fdtrc", "argument < 2 and min(a, b) <= 1e-3", "what is left of a step at 0 or at infinity"),
    ("bdtr bdtrc nbdtr nbdtrc", "c > 1 - 1e-12", "1 − p is known to a few digits only"),
    ("bdtr bdtrc", "a >= b and np.isnan(got)", "constant, and nan of a density without a parameter"),
    (
        "fdtr fdtrc",
        "order == 2 and c > 1e140 and not np.isfinite(got)",
        "powers of 1 − z leave the range of the numbers",
    ),
    ("betainc betaincc", "max(a, b) > 1e8", "powers as high as that have fewer digits"),
    (
        "betainc betaincc betaincinv betainccinv",
        "max(a, b) >= 1e4 and off < (1e-4 if order == 2 or max(a, b) > 1e8 else 1e-6)",
        "powers as high as that have fewer digits",
    ),
    (
        "stdtr",
        "argument == 0 and order == 2 and abs(b) > np.finfo(got.dtype).max ** 0.3",
        "powers of 1/t² leave the range of the numbers",
    ),
    ("fresnel", "a * a > 0.01 / np.finfo(np.result_type(a)).eps", "π x²/2 is known to no digit after the point"),
    ("sindg cosdg tandg cotdg", "abs(a) > 1e14", "SciPy gives 0, since the angle is known to no degree"),
    (
        "hyperu",
        "0 < abs(b - np.rint(b)) < 1e-4 and off < 1e-3",
        "SciPy's value next to a whole parameter has few digits",
    ),
    ("hyp0f1", "np.isnan(got)", "SciPy's value is nan at the neighbouring parameters"),
    (
        "eval_jacobi eval_sh_jacobi eval_gegenbauer eval_genlaguerre eval_laguerre",
        "np.isnan(got)",
        "SciPy's values of neighbouring degrees do not belong together, and are refused",
    ),
    (
        "eval_jacobi eval_sh_jacobi",
        "0 < abs(c - np.rint(c)) < 1e-4 and off < 1e-3",
        "SciPy's value next to a whole parameter has few digits",
    ),
    (
        "eval_jacobi eval_sh_jacobi eval_gegenbauer eval_genlaguerre eval_laguerre",
        "a != np.rint(a) and off < 1e-5",
        "SciPy's values of degrees that are not whole have fewer digits",
    ),
    (
        "eval_jacobi eval_sh_jacobi eval_genlaguerre eval_chebys hyp1f1",
        "np.iscomplexobj(got) and off < 1e-3",
        "SciPy's value has fewer digits where terms cancel",
    ),
    ("eval_sh_jacobi eval_jacobi", "b > 100 or c > 100", "SciPy's value of the neighbouring ones has fewer digits"),
    (
        "eval_sh_chebyt eval_sh_chebyu eval_sh_legendre eval_sh_jacobi",
        "(b if len(point) == 2 else d) < 1e-9",
        "2x − 1, the polynomials' argument, is −1 but for its last digits then",
    ),
    ("hyp1f1 hyp2f1", "argument < 2 and off < 1e-6", "the series in a parameter cancels nearly half of the digits"),
    ("hyp2f1", "c < 0 and off < 1e-5", "SciPy's series cancels where its third parameter is negative"),
    ("hyp1f1", "not np.isfinite(got) and abs(true) > 1e300", "parts of what is next to the largest number overflow"),
    ("ive", "abs(b) > 1e3 and off < 1e-6", "what is left where the scale and the function cancel"),
    (
        "kve ive",
        "order == 2 and np.iscomplexobj(got) and off < 1e-6",
        "what is left where the scale and the function cancel",
    ),
    (
        "fdtri",
        "order == 2 and c > 1 - 1e-11 and (np.isnan(got) or off < 1e-6)",
        "powers of a large quantile leave the range of the numbers",
    ),
    ("yv", "not np.isfinite(got) and abs(b) < 1e-150", "SciPy's value of the neighbouring order is infinite"),
    (
        "betainc betaincc",
        "order == 2 and c > 0.999 and (off < 1e-5 or abs(true) < 1e-20)",
        "what is left of a step at 1",
    ),
    (
        "betainc betaincc",
        "order == 2 and (a == 1 and argument == 1 or b == 1 and argument == 0) and min(a, b) < 0.01",
        "1/B(1, b) is b, so that terms of 1/b² cancel",
    ),
    ("hyperu", "off < 1e-6", "SciPy's value at the neighbouring parameters has fewer digits"),
    ("jve yve", "a >= 100 and abs(b) < 1 and off < 1e-6", "SciPy's value of the neighbouring orders has fewer digits"),
    ("pbdv", "b > 30 and off < 1e-2", "SciPy's value, less than 1e-150, has few digits"),
    (
        "hyp2f1",
        "argument == 3 and np.iscomplexobj(got) and off < 1e-2",
        "SciPy's value at the neighbouring parameters has fewer digits",
    ),
    ("struve modstruve", "order == 2 and 0 < abs(b) < 1e-150", "the function itself is less than the smallest number"),
    ("zetac _riemann_zeta _zeta", "a > 1e15", "rising factorials overflow"),
    (
        "power float_power powm1",
        "(order == 2 and abs(b) < 1e-8) or (not np.isfinite(got) and abs(b) < 1)",
        "a to the power b − 1 or b − 2 overflows, and b comes later",
    ),
    (
        "eval_legendre eval_sh_legendre eval_chebyc eval_chebys eval_chebyt eval_chebyu eval_sh_chebyt eval_sh_chebyu",
        "np.isnan(got) and np.iscomplexobj(got)",
        "SciPy's own series is nan there",
    ),
    ("ellipj", "1 - 1e-9 < b < 1 and off < 1e-4", "SciPy takes two terms of the series in 1 − m there"),
    ("gdtr gdtrc", "a * c == 0", "0 times an infinite density is nan"),
    ("j0 j1 y0 y1", "abs(a) > 1e15", "SciPy's own values lose their digits"),
    ("struve jv yv", "abs(b) > 1e15", "SciPy's own values lose their digits"),
    ("betaincinv betainccinv", "c > 1 - 1e-12 and off < 1e-3", "1 − p is known to a few digits only"),
    ("betainc betaincc", "c > 1 - 1e-12 and max(a, b) > 1e3", "1 − x is known to a few digits only"),
    ("betainccinv", "c < 1e-9 and order == 2", "1 − y is known to a few digits only"),
    ("struve modstruve", "b == 0 and a < -1", "two infinite terms cancel"),
)


class Beyond(NamedTuple):
    """A program of ``a`` whose derivative of this order, at a point, no engine has right that goes call by call.

    ``ours``: what ours gives there, nan for what is not finite; ``true``: the derivative; ``why``: the proof.
    """

    program: str
    point: object
    order: int
    ours: object
    true: object
    why: str


# fmt: off
_NAN = np.nan
_SQUARE_ALONE = (
    "the first derivatives that are handed on are one vector, so that the Hessian of the square has rank 1 at most, "
    "but for 0 times that of the norm, which is infinite; the true one has rank 2"
)
BEYOND = (
    Beyond("np.log1p(np.exp(a))", 800.0, 1, 0.0, 1.0,
           "exp(a) and exp(2a) hand on the same value and slope, ∞ and ∞, and the answers are 1 and 2; use logaddexp"),
    Beyond("np.cbrt(a) ** 3", 0.0, 1, 0.0, 1.0,
           "cbrt(a) and cbrt(8a) hand on the same value and slope, 0 and ∞, and the answers are 1 and 8"),
    Beyond("a ** a", 0.0, 1, 0.0, -np.inf,
           "0ᵇ jumps at b = 0, so that it has no slope there; 0 is what JAX takes for one, too"),
    Beyond("np.linalg.norm(a) ** 2", [0.0, 0.0], 2, [[0.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 2.0]],
           f"{_SQUARE_ALONE}; use sum(a * a)"),
    Beyond("np.abs(a[0] + 1j * a[1]) ** 2", [0.0, 0.0], 2, [[0.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 2.0]],
           f"{_SQUARE_ALONE}; use real(z * conj(z))"),
    Beyond("np.sum(np.exp(np.linalg.eigvalsh(np.array([[a[0], a[1]], [a[1], a[2]]], like=a))))", [1.0, 0.0, 1.0], 2,
           [[_NAN] * 3] * 3, [[np.e, 0.0, 0.0], [0.0, 2 * np.e, 0.0], [0.0, 0.0, np.e]],
           "the slopes of the two eigenvalues are two numbers, linear in the direction, so that what is made of them "
           "has rank 2 at most; the true second derivative has rank 3; use trace(scipy.linalg.expm(a)) and its like"),
    Beyond("np.sum(((u := np.linalg.svd(np.reshape(a, (2, 2))))[0] * u[1]) @ u[2])", [1.0, 0.0, 0.0, 1.0], 1,
           [_NAN] * 4, [1.0] * 4,
           "the slope of u and of vh is skew where both are 1, that of s diagonal: their sum is never symmetric off "
           "the diagonal, as the slope of the matrix can be"),
    Beyond("np.std(a)", [1e-170, 3e-170], 1, [0.0, 0.0], [-0.5, 0.5],
           "NumPy's value is 0, since the squares are less than the smallest number; scale the numbers first"),
)
# fmt: on


def reason(name, point, argument, order, got, true):
    """Why a derivative of this order in one argument may be ``got`` at this point of a function, or an empty text."""
    known = dict(zip("abcd", point, strict=False)) | {"np": np, "argument": argument, "order": order}
    off = float(abs(complex(got) - complex(true)) / abs(complex(true))) if true and np.isfinite(got) else np.inf
    known |= {"point": point, "got": got, "true": true, "off": off}
    of_name = (limit for limit in LIMITS if {"*", name.rpartition(".")[2]} & {*limit[0].split()})
    return next((why for _, condition, why in of_name if eval(condition, known)), "")
