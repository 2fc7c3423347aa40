"""Partial derivatives of the ufuncs and their like, one line each. ``x`` or ``a, b`` the arguments, ``y`` the output.

A partial must be right wherever the derivative is a number that the dtype can hold: no overflow, no cancellation on
the way. That decides which of several equal formulas stands here, and whether it uses the input or the output.
Formulas: Abramowitz and Stegun, Handbook of Mathematical Functions, chapters 3 and 4.
"""

import functools
import math

import numpy as np

from ..primitives import astype
from ..rule import composite, elementwise, explicit, linear, over, primitive, with_value
from ..tracer import Tracer, dtype_of, kind_of
from ..tree import typed

LN2, LN10, _DEGREE = math.log(2), math.log(10), math.pi / 180
_SINC = [(-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(14, 0, -1)]
_NODES = [math.cos(math.pi * (k + 0.5) / 120) for k in range(60)]


def is_complex(x):
    return dtype_of(x).kind == "c"


def _capped(d):
    """A divisor, with ∞ for a complex number that has overflowed, by which a division would give nan."""
    return np.where(np.isinf(d), np.inf, d) if d.dtype.kind == "c" else d


def _tan_partial(x):
    """1/cos² x, which NumPy's tangent gives in a fifth of the time of its cosine; of complex numbers that cancels."""
    return 1 / _capped(np.square(np.cos(x))) if is_complex(x) else 1 + np.square(np.tan(x))


def sign_of(x):
    """1 or −1; 1 at −0 too, as JAX has it for the slope of |x| at 0."""
    return np.copysign(1.0, x + 0.0)


@primitive
def cosh_squared(x):
    """cosh² of a real array of JAX's, by one exponential where XLA's cosh takes two."""
    return np.square(np.cosh(x))


composite(cosh_squared, cosh_squared.__wrapped__)


_DOUBLE = np.dtype(float)


def _is_differentiated(x):
    """Whether NumPy's numbers lie below somebody's derivatives."""
    differentiates = False
    while isinstance(x, Tracer):
        differentiates, x = differentiates or x.owner.differentiates, x.value
    return differentiates and isinstance(x, (np.ndarray, np.generic))


def _tanh_divisor(x):
    """``cosh(x)**2``, by the quickest way for this kind of number; in double where its square comes later."""
    if type(x) is np.ndarray and (x.dtype is _DOUBLE or x.dtype.kind == "f"):
        d = np.cosh(x)
        return np.square(d, d) if type(d) is np.ndarray else np.square(d)
    if isinstance(x, Tracer) and x.dtype.kind == "f":
        if x.dtype.itemsize < _DOUBLE.itemsize and _is_differentiated(x):
            return np.square(np.cosh(astype(x, _DOUBLE)))
        if kind_of(x) is None:
            return cosh_squared(x)
    return _capped(np.square(np.cosh(x)))


def one_plus(x):
    """1 + x, with the sign of a zero imaginary part, which tells the side of a branch cut."""
    return -(-x - 1) if is_complex(x) else 1 + x


def _one_minus_square(x):
    """1 − x², exact to its last digits near ±1; near 0 the plain form, whose derivative does not cancel."""
    return np.where(np.less(np.abs(x), 0.5), 1 - np.square(x), (1 - x) * (1 + x))


def _near_zero(x, near, far):
    """``near(x)`` for |x| < ½, else ``far(x)``: a product of roots has a derivative that cancels near 0."""
    inside = np.less(np.abs(x), 0.5)
    return np.where(inside, near(np.where(inside, x, 0)), far(np.where(inside, 1, x)))


def _root_one_minus_square(x):
    """√(1 − x²)."""
    if not is_complex(x):
        return np.sqrt(_one_minus_square(x))
    far = lambda x: np.sqrt(one_plus(-x)) * np.sqrt(one_plus(x))
    return _near_zero(x, lambda x: np.sqrt(1 - np.square(x)), far)


def _root_one_plus_square(x):
    """√(1 + x²)."""
    if not is_complex(x):
        return np.hypot(1, x)
    right = lambda x: np.where(np.signbit(np.real(x)), -x, x)  # where each root is the right one
    far = lambda x: np.sqrt(right(x) - 1j) * np.sqrt(right(x) + 1j)
    return _near_zero(x, lambda x: np.sqrt(1 + np.square(x)), far)


@primitive
def witch(x):
    """1/(1 + x²), the witch of Agnesi; its own derivative does not go through 1/(1 + x²)², which underflows."""
    return 1 / (_capped(np.multiply(1 + 1j * x, 1 - 1j * x)) if is_complex(x) else 1 + np.square(x))


def exponent_partial(a, y):
    """``y * log(a)``; 0 at a = 0 and where the power is 0, as that of an infinite ``a`` can be."""
    return y * np.log(astype(np.where(np.logical_or(np.equal(a, 0), np.equal(y, 0)), 1, a), dtype_of(y)))


def base_partial(a, b):
    """``b * a**(b - 1)``; 0 at a = b = 0, and where the power stays 0 around a though b is infinite."""
    if type(b) in (int, float) and b != 0 and math.isfinite(b):
        return b * np.power(a, b - 1)
    power = np.power(np.where(np.logical_and(np.equal(a, 0), np.equal(b, 0)), 1, a), b - 1)
    return np.where(np.logical_and(np.equal(power, 0), np.isinf(b)), 0, b * power)


def _logistic(a, b, exp):
    """1 / (1 + exp(b − a)), exact to its last digits where it is small; ½ for equal infinities."""
    d = np.where(np.logical_and(np.equal(a, b), np.isinf(a)), 0.0, a - b)
    e = exp(-np.abs(d))
    return np.where(np.less(d, 0), e, 1) / (1 + e)


def _larger(a, b):
    """1 where a > b, ½ at a tie, else 0."""
    return np.where(np.equal(a, b), 0.5, np.greater(a, b))


def _chosen(a, b, better):
    """Whether fmax(a, b) or fmin(a, b) is a; of equal numbers it is b, as JAX has it."""
    return np.logical_or(better(a, b), np.isnan(b))


# Quotients by c = hypot(a, b), with derivatives of their own: those of the quotient's parts cancel or overflow.


@primitive
def cosine(a, b, c):
    """a / c, also where c overflows; 0 at the origin, the subgradient of least norm, and ±1 at infinite a."""
    steep = np.where(np.isinf(a), 0, np.divide(b, a))
    return np.where(np.isinf(c), np.copysign(1, a) / np.sqrt(1 + np.square(steep)), a / np.where(np.equal(c, 0), 1, c))


@primitive
def turn(a, b, c):
    """a / c², the slope of an angle; nan at the origin, where the angle jumps."""
    return np.where(np.isinf(c), 0, a / c / c)


def _cosine_a(a, b, c):
    return np.square(cosine(b, a, c)) / np.where(np.equal(c, 0), np.inf, c)


def _cosine_b(a, b, c, y):
    return -y * cosine(b, a, c) / np.where(np.equal(c, 0), np.inf, c)


def _turn_a(a, b, c):
    cos, sin = cosine(a, b, c), cosine(b, a, c)
    return (sin - cos) * (sin + cos) / c / c


def _turn_b(a, b, c, y):
    return -2 * y * cosine(b, a, c) / c


def _absolute_partial(x):
    """``conj(x) / |x|``; 1 at a real 0, 0 at a complex one."""
    return np.conjugate(np.sign(x)) if is_complex(x) else sign_of(x)


def _sign_map(u, y, x):
    """Of sign: zero for real x; for a complex one the part of u across the direction y, over |x|, and 0 at 0."""
    if not is_complex(x):
        return None
    r = np.abs(x)
    return (u - y * np.real(np.conjugate(y) * u)) / np.where(np.equal(r, 0), np.inf, r)


def _within(a, b, c):
    """``1 where b < a < c``, of clip by a: ½ at a bound; 0, not ¼, where both bounds are equal: a changes nothing."""
    return np.floor(2 * _larger(a, b) * _larger(c, a)) / 2


def _raised(a, b, c):
    """``1 where a < b``, of clip by b: ½ at a = b or b = c; 0, not ¼, where all are equal."""
    return np.floor(2 * _larger(b, a) * _larger(c, b)) / 2


def _lowered(a, b, c, y):
    """``1 where a > c``, of clip by c: what is left of 1, or of 0 where y is nan."""
    return np.equal(y, y) - _within(a, b, c) - _raised(a, b, c)


def _sinc_partial(x):
    """(cos πx − sinc x)/x, which cancels near 0: there the power series, with terms for some orders more."""
    z = math.pi * x
    near = np.less(np.abs(z), 2)
    square = np.square(np.where(near, z, 0))
    series = functools.reduce(lambda total, c: total * square + c, _SINC, 0.0)
    far = np.where(near, 1, x)
    cosine = np.cos(math.pi * (far - 2 * np.rint(np.real(far) / 2)))
    return np.where(near, math.pi * z * series, (cosine - np.sinc(far)) / far)


def _i0_partial(x):
    """I₁(x) = mean of cos θ sinh(x cos θ) over 0 < θ < π/2 (Abramowitz and Stegun 9.6.19), by the midpoint rule.

    The rule converges exponentially for a periodic integrand: these nodes suffice as far as exp does not overflow.
    No term cancels another, in the derivatives of any order neither.
    """
    return sum(c * np.sinh(c * x) for c in _NODES) / len(_NODES)


def _promoted(a, b, dtype):
    a, b = typed(a), typed(b)
    dtype = np.result_type(dtype_of(a), dtype_of(b), dtype)
    return astype(a, dtype), astype(b, dtype)


def _side(x):
    """A real number, or 1 or −1 for a zero of that sign, where the angle jumps elsewhere only."""
    return np.where(np.equal(x, 0), np.copysign(1.0, x), x)


def _angle(z, deg=False):
    real, imag = (np.real(z), np.imag(z)) if is_complex(z) else (_side(z), 0)
    y = np.arctan2(imag, real)
    return y * (180 / math.pi) if deg else y


# fmt: off
elementwise(np.add,         1,                                         1)
elementwise(np.subtract,    1,                                         -1)
elementwise(np.multiply,    lambda b: b,                               lambda a: a)
elementwise(np.divide,      over(lambda b: b),                         lambda b, y: -y / b)
elementwise(np.power,       base_partial,                              exponent_partial)
elementwise(np.remainder,   1,                                         lambda a, b: -np.floor_divide(a, b))
elementwise(np.fmod,        1,                                         lambda a, b, y: -np.rint((a - y) / b))
elementwise(np.maximum,     lambda a, b: _larger(a, b),                lambda a, b: _larger(b, a))
elementwise(np.minimum,     lambda a, b: _larger(b, a),                lambda a, b: _larger(a, b))
elementwise(np.fmax,        lambda a, b: _chosen(a, b, np.greater),    lambda a, b: 1 - _chosen(a, b, np.greater))
elementwise(np.fmin,        lambda a, b: _chosen(a, b, np.less),       lambda a, b: 1 - _chosen(a, b, np.less))
elementwise(np.hypot,       lambda a, b, y: cosine(a, b, y),           lambda a, b, y: cosine(b, a, y))
elementwise(np.arctan2,     lambda a, b: turn(b, a, np.hypot(a, b)),   lambda a, b: -turn(a, b, np.hypot(a, b)))
elementwise(np._core.umath.clip, _within,                             _raised, _lowered)
elementwise(np.logaddexp,   lambda a, b: _logistic(a, b, np.exp),      lambda a, b: _logistic(b, a, np.exp))
elementwise(np.logaddexp2,  lambda a, b: _logistic(a, b, np.exp2),     lambda a, b: _logistic(b, a, np.exp2))
elementwise(cosine,         _cosine_a,                                 _cosine_b, None)
elementwise(turn,           _turn_a,                                   _turn_b, None)
elementwise(np.copysign,    lambda a, b: sign_of(a) * np.copysign(1, b), None)
elementwise(np.heaviside,   None,                                      lambda a: np.equal(a, 0))
elementwise(np.nextafter,   1,                                         None)

elementwise(np.negative,    -1)
elementwise(np.positive,    1)
elementwise(np.square,      lambda x: x + x)
elementwise(np.sqrt,        over(lambda y: 2 * y))
elementwise(np.cbrt,        over(lambda y: 3 * np.square(y)))
elementwise(np.reciprocal,  lambda y: -np.square(y))
elementwise(np.exp,         lambda y: y)
elementwise(np.exp2,        lambda x: np.exp2(x - 1) * (2 * LN2))  # finite a little beyond where 2ˣ overflows
elementwise(np.expm1,       lambda x: np.exp(x))
elementwise(np.log,         over(lambda x: x))
elementwise(np.log2,        lambda x: np.divide(1 / LN2, x))
elementwise(np.log10,       lambda x: np.divide(1 / LN10, x))
elementwise(np.log1p,       over(lambda x: 1 + x))
elementwise(np.sin,         lambda x: np.cos(x))
elementwise(np.cos,         lambda x: -np.sin(x))
elementwise(np.tan,         lambda x: _tan_partial(x))
elementwise(np.arcsin,      over(lambda x: _root_one_minus_square(x)))
elementwise(np.arccos,      over(lambda x: -_root_one_minus_square(x)))
elementwise(np.arctan,      lambda x: witch(x))
elementwise(witch,          lambda x, y: -2 * (x * y) * y)
elementwise(np.sinh,        lambda x: np.cosh(x))
elementwise(np.cosh,        lambda x: np.sinh(x))
elementwise(np.tanh,        over(_tanh_divisor))
elementwise(np.arcsinh,     over(lambda x: _root_one_plus_square(x)))
elementwise(np.arccosh,     over(lambda x: np.sqrt(x - 1) * np.sqrt(one_plus(x))))
elementwise(np.arctanh,     over(lambda x: _capped(_one_minus_square(x))))
elementwise(np.deg2rad,     lambda: _DEGREE)
elementwise(np.radians,     lambda: _DEGREE)
elementwise(np.rad2deg,     over(lambda: _DEGREE))
elementwise(np.degrees,     over(lambda: _DEGREE))
elementwise(np.absolute,    _absolute_partial)
elementwise(np.fabs,        lambda x: sign_of(x))
elementwise(np.sinc,        lambda x: _sinc_partial(x))
elementwise(np.i0,          lambda x: _i0_partial(x))
elementwise(np.unwrap,      1)

linear(np.conjugate,        lambda g, _x: np.conjugate(g))
linear(np.real,             lambda g, _x: g)
linear(np.imag,             lambda g, _x: g * -1j if _x.dtype.kind == "c" else None)
linear(np.ldexp,            lambda g, _a, b: np.ldexp(g, b), None)

explicit(np.sign,           lambda t, y, x: _sign_map(t, y, x), lambda g, y, x: _sign_map(g, np.conjugate(y), x))
explicit(np.modf,           lambda t, _y, _x: (t, None),                    lambda g, _y, _x: g[0])
explicit(np.frexp,          lambda t, y, _x: (np.ldexp(t, -y[1]), None),    lambda g, y, _x: np.ldexp(g[0], -y[1]))

composite(np.angle,         _angle)
composite(np.divmod,        lambda a, b: (np.floor_divide(a, b), np.remainder(a, b)))
composite(np.float_power,   lambda a, b: np.power(*_promoted(a, b, np.float64)), with_value)
# fmt: on
