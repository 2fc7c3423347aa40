"""The functions of NumPy's Python layer that work element by element. Names as in rule.py."""

import functools
import math

import numpy as np
from numpy.lib import scimath

from ..rule import composite, elementwise, explicit, linear, primitive
from ..tracer import Tracer, any_known, arrayed, astype, dtype_of, getitem, kind_of, scatter, shape_of, strip
from ..tree import typed

_SINC = [(-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(14, 0, -1)]
_NODES = [math.cos(math.pi * (k + 0.5) / 120) for k in range(60)]


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


def _select(condlist, choicelist, default=0):
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if any(typed(condition).dtype.kind != "b" for condition in condlist):
        np.select(strip(condlist), [0] * len(condlist))  # NumPy's own error
    dtype = np.result_type(*map(kind, (*choicelist, default)))
    default, *choices = (astype(typed(x), dtype) for x in (default, *choicelist))
    pairs = list(zip(condlist, choices, strict=True))
    return functools.reduce(lambda rest, pair: np.where(*pair, rest), reversed(pairs), default)


def _piecewise(x, condlist, funclist, *args, **kwargs):
    conditions = strip(condlist)
    if np.isscalar(conditions) or (
        np.ndim(x) and not isinstance(conditions[0], list) and kind_of(conditions[0]) is None
    ):
        conditions = [conditions]
    conditions = list(np.stack([arrayed(c).astype(bool) for c in conditions]))
    n = len(conditions)
    if len(funclist) not in (n, n + 1):
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    if len(funclist) == n + 1:
        conditions.append(~np.any(np.stack(conditions), axis=0))
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        chosen = np.positive(x)[condition]  # a Python number has no index
        if chosen.size:
            value = function(chosen, *args, **kwargs) if callable(function) else function
            value = astype(np.broadcast_to(value, chosen.shape), y.dtype)
            y = np.where(condition, scatter(value, condition, y.shape), y)
    return y


def _clip(
    a, a_min=np._NoValue, a_max=np._NoValue, out=None, *, min=np._NoValue, max=np._NoValue, dtype=None, **keywords
):
    if (a_min is np._NoValue) != (a_max is np._NoValue):
        np.clip(0.0, **({"a_min": 0.0} if a_max is np._NoValue else {"a_max": 0.0}))  # NumPy's own error
    if a_min is np._NoValue:
        a_min, a_max = (None if bound is np._NoValue else bound for bound in (min, max))
    elif min is not np._NoValue or max is not np._NoValue:
        np.clip(0.0, 0.0, 0.0, min=0.0)  # NumPy's own error
    if out is not None:
        raise TypeError("np.clip: out= is not supported on tracers; use the result.")
    if keywords:
        raise NotImplementedError(f"np.clip: no rule for the keyword {', '.join(keywords)}; leave it out.")
    a = typed(a) if dtype is None else astype(typed(a), np.dtype(dtype))
    if a_min is None or a_max is None:
        return np.positive(a) if a_min is a_max else np.maximum(a, a_min) if a_max is None else np.minimum(a, a_max)
    return np._core.umath.clip(a, a_min, a_max)


def _nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    dtype = dtype_of(x)
    if dtype.kind == "c":
        return _nan_to_num(x.real, copy, nan, posinf, neginf) + _nan_to_num(x.imag, copy, nan, posinf, neginf) * 1j
    limits = np.finfo(dtype)
    for special, value in (
        (np.isnan(x), nan),
        (np.isposinf(x), limits.max if posinf is None else posinf),
        (np.isneginf(x), limits.min if neginf is None else neginf),
    ):
        x = np.where(special, astype(value, dtype), x)
    return x


def _real_if_close(a, tol=100):
    return np.real(a) if np.isrealobj(np.real_if_close(strip(a), tol)) else a


def _full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    if not isinstance(fill_value, Tracer):
        return np.full_like(strip(a), fill_value, dtype, order, subok, shape, device=device)
    return np.broadcast_to(astype(fill_value, dtype or dtype_of(a)), shape_of(a) if shape is None else shape)


# np.emath: complex where a real number lies outside of the domain, so that the dtype depends on the values.


def _negative(x):
    return np.less(x, 0)


def _beyond_one(x):
    return np.greater(np.abs(x), 1)


def _widened(x, outside):
    x = typed(x)
    if x.dtype.kind != "c" and np.any(outside(strip(x))):
        return astype(x, np.dtype(np.complex64 if x.dtype == np.float32 else np.complex128))
    return x


def _widening(function, outside):
    return lambda x: function(_widened(x, outside))


def _emath_power(x, p):
    p = typed(p)
    p = p * 1.0 if p.dtype.kind in "iu" and np.any(np.less(p, 0)) else p
    return np.power(_widened(x, _negative), p)


# Grids between numbers that are differentiated, in NumPy's own steps.


def kind(x):
    """A Python number, which is weakly typed, or the dtype of what is not."""
    return x if type(x) in (int, float, complex) else typed(x).dtype


@primitive
def points(start, stop, num, endpoint):
    """``num`` points of the way from start to stop, along the first axis."""
    return np.linspace(start, stop, num, endpoint)


def _points_transpose(g, _start, _stop, num, endpoint):
    n = max(num - 1 if endpoint else num, 1)
    k = np.arange(num, dtype=np.finfo(g.dtype).dtype, like=g).reshape((-1,) + (1,) * (g.ndim - 1))
    return [np.sum(g * ((n - k) / n), 0), np.sum(g * (k / n), 0)]


linear(points, _points_transpose, jointly=True)


def _linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    y = np.moveaxis(points(start, stop, num=num, endpoint=endpoint), 0, axis)
    if dtype is not None:
        y = astype(np.floor(y) if np.issubdtype(dtype, np.integer) else y, np.dtype(dtype))
    if not retstep:
        return y
    intervals = num - 1 if endpoint else num
    return y, (stop - start) / intervals if intervals > 0 else math.nan


def _logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    if np.ndim(base):
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (arrayed(x, base) for x in (start, stop, base))
        start, stop, base = (np.reshape(x, (1,) * (ndim - x.ndim) + x.shape) for x in (start, stop, base))
        base = np.expand_dims(base, axis)
    elif kind_of(start) is kind_of(stop) is None:
        start = arrayed(start, base)
    y = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else astype(y, np.dtype(dtype))


def _geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    start, stop = typed(start), typed(stop)
    if any_known(np.equal(start, 0)) or any_known(np.equal(stop, 0)):
        raise ValueError("Geometric sequence cannot include zero")
    inexact = np.result_type(start.dtype, stop.dtype, float(num), np.zeros((), dtype))
    start, stop = astype(start, inexact), astype(stop, inexact)
    turn = np.sign(start)
    y = turn * np.logspace(np.log10(start / turn), np.log10(stop / turn), num, endpoint)
    k = np.arange(num, like=y).reshape((-1,) + (1,) * (y.ndim - 1))
    y = np.where(np.equal(k, 0), start, y)
    y = np.where(np.logical_and(endpoint, np.equal(k, max(num - 1, 1))), stop, y)
    y = np.moveaxis(y, 0, axis)
    return y if dtype is None else astype(y, np.dtype(dtype))


def _interp(x, xp, fp, left=None, right=None, period=None):
    plain = period if isinstance(period, (int, float)) else None
    np.interp(0.0, np.zeros(len(xp)), np.zeros(len(fp)), period=plain)  # for its checks
    x, xp, fp = (np.stack(e) if isinstance(e, (list, tuple)) else typed(e) for e in (x, xp, fp))
    x, xp, fp = (astype(e, np.dtype(float)) if e.dtype.kind in "iub" else e for e in (x, xp, fp))
    if period is not None:
        period = np.abs(period)
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    right_end = np.clip(np.searchsorted(xp, x, "right"), 1, len(xp) - 1)
    # not xp[right_end], as the places may be traced where xp is not
    x0, x1, f0, f1 = (getitem(p, i) for p in (xp, fp) for i in (right_end - 1, right_end))
    step = np.equal(x0, x1)
    y = np.where(step, f1, f0 + (f1 - f0) / np.where(step, 1, x1 - x0) * (x - x0))
    if period is None:
        y = np.where(np.less(x, xp[0]), fp[0] if left is None else left, y)
        y = np.where(np.greater(x, xp[-1]), fp[-1] if right is None else right, y)
    return y


elementwise(np.sinc, lambda x: _sinc_partial(x))
elementwise(np.i0, lambda x: _i0_partial(x))
elementwise(np.unwrap, 1)
linear(np.real, lambda g, _x: g)
linear(np.imag, lambda g, _x: g * -1j if _x.dtype.kind == "c" else None)
linear(np.bincount, None, lambda g, x, _weights, minlength=0: g[x])
explicit(
    np.where,
    jvp=(
        lambda _t, _y, _condition, _a=None, _b=None: None,
        lambda t, _y, condition, _a, _b: np.where(condition, t, 0),
        lambda t, _y, condition, _a, _b: np.where(condition, 0, t),
    ),
    vjp=(
        lambda g, _y, _condition, _a=None, _b=None: None,
        lambda g, _y, condition, _a, _b: np.where(condition, g, 0),
        lambda g, _y, condition, _a, _b: np.where(condition, 0, g),
    ),
)
composite(np.angle, lambda z, deg=False: np.arctan2(np.imag(z), np.real(z)) * (180 / math.pi if deg else 1))
composite(np.select, _select)
composite(np.piecewise, _piecewise)
composite(np.clip, _clip)
composite(np.nan_to_num, _nan_to_num)
composite(np.real_if_close, _real_if_close)
composite(np.full_like, _full_like)
composite(np.interp, _interp)
composite(np.linspace, _linspace)
composite(np.logspace, _logspace)
composite(np.geomspace, _geomspace)
composite(scimath.sqrt, _widening(np.sqrt, _negative))
composite(scimath.log, _widening(np.log, _negative))
composite(scimath.log2, _widening(np.log2, _negative))
composite(scimath.log10, _widening(np.log10, _negative))
composite(scimath.arccos, _widening(np.arccos, _beyond_one))
composite(scimath.arcsin, _widening(np.arcsin, _beyond_one))
composite(scimath.arctanh, _widening(np.arctanh, _beyond_one))
composite(scimath.logn, lambda n, x: np.log(_widened(x, _negative)) / np.log(_widened(n, _negative)))
composite(scimath.power, _emath_power)
