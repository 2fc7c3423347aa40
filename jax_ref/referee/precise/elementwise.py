"""Elementwise functions: one number to one number. A real argument has a real result, nan outside the domain."""

import operator

import mpmath
import numpy as np
from mpmath import mp, mpc, mpf

from scratch_ad import primitives
from scratch_ad.writing import cartesian

from .tracer import FUNCTIONS, Undecided, by_number, ufuncs

nan, inf = mpf("nan"), mpf("inf")
LARGEST = 20_000  # of the binary exponent of a transcendental function's argument


def ieee(function):
    """``function`` with IEEE's conventions: nan where mpmath leaves the real numbers or finds a pole."""

    def call(*args):
        for x in args:
            if mpmath.isnan(x):
                return mpc(nan, nan) if type(x) is mpc else nan
            if mpmath.isfinite(x) and mpmath.mag(x) > LARGEST:
                raise Undecided(f"{function.__name__} of a number beyond 2**{LARGEST}.")
        try:
            y = function(*args)
        except (ZeroDivisionError, ValueError) as error:
            if "converge" in str(error):
                raise Undecided(f"mpmath does not get to an end with {function.__name__}{args}.") from error
            return nan
        except (RecursionError, OverflowError, NotImplementedError, mpmath.libmp.NoConvergence) as error:
            raise Undecided(f"mpmath does not get to an end with {function.__name__}{args}.") from error
        if mpc in map(type, args):
            return y
        return tuple(map(_or_nan, y)) if type(y) is tuple else _or_nan(y)

    return call


def _or_nan(y):
    return nan if type(y) is mpc else y


def _pole(x, y):
    """A wrapper for a function with value ``y`` at its pole ``x``."""
    return lambda function: lambda z: mpf(y) if z == x else function(z)


def _divide(a, b):
    if b != 0:
        return a / b
    return nan if type(a) is mpc or type(b) is mpc or a == 0 or mpmath.isnan(a) else mpmath.sign(a) * inf


def power(a, b):
    if b == 0 or a == 1:
        return mpf(1)
    if a == 0:
        return nan if mpmath.isnan(b) else inf if mpmath.re(b) < 0 else mpf(0)
    if type(a) is type(b) is mpf and (mpmath.isinf(b) or (a == -inf and b != mpmath.floor(b))):
        return mpf(1) if a == -1 else _plain_power(abs(a), b)
    return _plain_power(a, b)


_plain_power = ieee(mpmath.power)


def _log_add(exp, log1p):
    def add(a, b):
        if a == b and mpmath.isinf(a):
            return a
        return max(a, b) + log1p(exp(-abs(a - b)))

    return ieee(add)


def _arctan2(a, b):
    if mpmath.isinf(a) and mpmath.isinf(b):
        return mpmath.sign(a) * mp.pi * (1 if b > 0 else 3) / 4
    return mpmath.atan2(a, b)


def _floor_divide(a, b):
    if mpmath.isinf(a) and b != 0:
        return nan
    if mpmath.isinf(b) and mpmath.isfinite(a):
        return mpf(0) if a == 0 or (a > 0) == (b > 0) else mpf(-1)
    return ieee(mpmath.floor)(_divide(a, b))


def _remainder(a, b):
    if mpmath.isinf(b) and mpmath.isfinite(a):
        return a if a == 0 or (a > 0) == (b > 0) else b
    return a - _floor_divide(a, b) * b


def _fmod(a, b):
    return a if mpmath.isinf(b) and mpmath.isfinite(a) else a - _trunc(_divide(a, b)) * b


def _trunc(x):
    return x if not mpmath.isfinite(x) else mpmath.floor(x) if x > 0 else mpmath.ceil(x)


def _whole(function):
    return lambda x: function(x) if mpmath.isfinite(x) else x


def _sign(x):
    return mpmath.sign(x) if not mpmath.isnan(x) else x


def _maximum(a, b):
    return a if mpmath.isnan(a) else b if mpmath.isnan(b) else max(a, b, key=_key)


def _minimum(a, b):
    return a if mpmath.isnan(a) else b if mpmath.isnan(b) else min(a, b, key=_key)


def _fmax(a, b):
    return a if mpmath.isnan(b) else b if mpmath.isnan(a) else max(a, b, key=_key)


def _fmin(a, b):
    return a if mpmath.isnan(b) else b if mpmath.isnan(a) else min(a, b, key=_key)


def _heaviside(a, b):
    return nan if mpmath.isnan(a) else b if a == 0 else mpf(a > 0)


def _key(x):
    return (x.real, x.imag)


def _compare(compare):
    return lambda a, b: compare(_key(a), _key(b)) if type(a) is mpc or type(b) is mpc else compare(a, b)


def _round(a, decimals=0, out=None):
    return np.rint(a * 10.0**decimals) / 10.0**decimals


def _real_if_close(a, tol=100):
    if a.dtype.kind != "c":
        return a
    limit = tol * np.finfo(a.dtype).eps if tol > 1 else tol
    return a.real if np.all(np.less(np.abs(a.imag), limit)) else a


_log = _pole(0, -inf)(ieee(mpmath.log))
_log2 = _pole(0, -inf)(ieee(lambda x: mpmath.log(x) / mpmath.ln2))
_exp2 = ieee(lambda x: mpmath.power(2, x))

# fmt: off
ufuncs({
    np.negative:      operator.neg,
    np.positive:      operator.pos,
    np.absolute:      abs,
    np.fabs:          abs,
    np.conjugate:     lambda x: x.conjugate(),
    np.reciprocal:    lambda x: _divide(mpf(1), x),
    np.square:        lambda x: x * x,
    np.sqrt:          ieee(mpmath.sqrt),
    np.cbrt:          ieee(lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x))),
    np.exp:           ieee(mpmath.exp),
    np.exp2:          _exp2,
    np.expm1:         ieee(mpmath.expm1),
    np.log:           _log,
    np.log2:          _log2,
    np.log10:         _pole(0, -inf)(ieee(mpmath.log10)),
    np.log1p:         _pole(-1, -inf)(ieee(mpmath.log1p)),
    np.sin:           ieee(mpmath.sin),
    np.cos:           ieee(mpmath.cos),
    np.tan:           ieee(mpmath.tan),
    np.arcsin:        ieee(mpmath.asin),
    np.arccos:        ieee(mpmath.acos),
    np.arctan:        ieee(mpmath.atan),
    np.sinh:          ieee(mpmath.sinh),
    np.cosh:          ieee(mpmath.cosh),
    np.tanh:          ieee(mpmath.tanh),
    np.arcsinh:       ieee(mpmath.asinh),
    np.arccosh:       ieee(mpmath.acosh),
    np.arctanh:       _pole(1, inf)(_pole(-1, -inf)(ieee(mpmath.atanh))),
    np.degrees:       lambda x: x * 180 / mp.pi,
    np.rad2deg:       lambda x: x * 180 / mp.pi,
    np.radians:       lambda x: x * mp.pi / 180,
    np.deg2rad:       lambda x: x * mp.pi / 180,
    np.add:           operator.add,
    np.subtract:      operator.sub,
    np.multiply:      operator.mul,
    np.divide:        _divide,
    np.power:         power,
    np.float_power:   power,
    np.arctan2:       ieee(_arctan2),
    np.hypot:         lambda a, b: inf if mpmath.isinf(a) or mpmath.isinf(b) else mpmath.hypot(a, b),
    np.logaddexp:     _log_add(mpmath.exp, mpmath.log1p),
    np.logaddexp2:    _log_add(_exp2, lambda x: mpmath.log1p(x) / mpmath.ln2),
    np.remainder:     _remainder,
    np.fmod:          _fmod,
    np.floor_divide:  _floor_divide,
    np.maximum:       _maximum,
    np.minimum:       _minimum,
    np.fmax:          _fmax,
    np.fmin:          _fmin,
    np.copysign:      lambda a, b: -abs(a) if b < 0 else abs(a),
    np.heaviside:     _heaviside,
    np._core.umath.clip: lambda a, low, high: _minimum(_maximum(a, low), high),
    np.ldexp:         lambda a, n: a * mpf(2) ** int(n),
    np.modf:          lambda x: (mpf(0) if mpmath.isinf(x) else x - _trunc(x), _trunc(x)),
    np.frexp:         lambda x: mpmath.frexp(x) if mpmath.isfinite(x) else (x, 0),
    np.sign:          _sign,
    np.floor:         _whole(mpmath.floor),
    np.ceil:          _whole(mpmath.ceil),
    np.rint:          _whole(mpmath.nint),
    np.trunc:         _trunc,
    np.isnan:         mpmath.isnan,
    np.isinf:         mpmath.isinf,
    np.isfinite:      mpmath.isfinite,
    np.signbit:       lambda x: x < 0,
    np.equal:         operator.eq,
    np.not_equal:     operator.ne,
    np.less:          _compare(operator.lt),
    np.less_equal:    _compare(operator.le),
    np.greater:       _compare(operator.gt),
    np.greater_equal: _compare(operator.ge),
    np.logical_not:   lambda x: x == 0,
    np.logical_and:   lambda a, b: a != 0 and b != 0,
    np.logical_or:    lambda a, b: a != 0 or b != 0,
    np.logical_xor:   lambda a, b: (a != 0) != (b != 0),
})
# fmt: on
FUNCTIONS |= {
    np.real: by_number(lambda x: x.real, real=True),
    np.imag: by_number(lambda x: x.imag, real=True),
    np.sinc: by_number(ieee(mpmath.sincpi)),
    np.i0: by_number(ieee(lambda x: mpmath.besseli(0, x))),
    np.fix: np.trunc,
    np.round: _round,
    np.around: _round,
    np.real_if_close: _real_if_close,
    np.isposinf: lambda x: np.equal(x, np.inf),
    np.isneginf: lambda x: np.equal(x, -np.inf),
    primitives.detached: lambda x: x,
    cartesian: lambda a, b: a + 1j * b,
}
