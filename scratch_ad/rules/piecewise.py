"""Functions that choose by a condition, what is interpolated, and np.emath. Names as in rule.py."""

import functools

import numpy as np
from numpy.lib import scimath

from ..layout import arranged
from ..primitives import astype, getitem, scatter
from ..rule import composite, explicit, with_value
from ..tracer import Tracer, arrayed, dtype_of, strip
from ..tree import typed
from ..writing import cartesian
from .grids import kind


def _select(condlist, choicelist, default=0):
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if any(typed(condition).dtype.kind != "b" for condition in condlist):
        np.select(strip(condlist), [0] * len(condlist))  # NumPy's own error
    dtype = np.result_type(*map(kind, (*choicelist, default)))
    default, *choices = (astype(typed(x), dtype) for x in (default, *choicelist))
    pairs = list(zip(condlist, choices, strict=True))
    return arranged(functools.reduce(lambda rest, pair: np.where(*pair, rest), reversed(pairs), default))


def _piecewise(x, condlist, funclist, *args, **kwargs):
    conditions = strip(condlist)
    if np.isscalar(conditions) or (
        np.ndim(x) and not isinstance(conditions[0], list) and not hasattr(conditions[0], "__array_function__")
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
    return arranged(y, "K", x)


def _clip(
    a, a_min=np._NoValue, a_max=np._NoValue, out=None, *, min=np._NoValue, max=np._NoValue, dtype=None, **keywords
):
    if (a_min is np._NoValue) != (a_max is np._NoValue):
        np.clip(0.0, **({"a_min": 0.0} if a_max is np._NoValue else {"a_max": 0.0}))  # NumPy's own error
    if a_min is np._NoValue:
        a_min, a_max = (None if bound is np._NoValue else bound for bound in (min, max))
    elif min is not np._NoValue or max is not np._NoValue:
        np.clip(0.0, 0.0, 0.0, min=0.0)  # NumPy's own error
    if keywords:
        raise NotImplementedError(f"np.clip: no rule for the keyword {', '.join(keywords)}; leave it out.")
    a = typed(a) if dtype is None else astype(typed(a), np.dtype(dtype))
    if a_min is None or a_max is None:
        return np.positive(a) if a_min is a_max else np.maximum(a, a_min) if a_max is None else np.minimum(a, a_max)
    return np._core.umath.clip(a, a_min, a_max)


def _nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    like, dtype = x, dtype_of(x)
    if dtype.kind == "c":
        y = cartesian(*(_nan_to_num(part, copy, nan, posinf, neginf) for part in (x.real, x.imag)))
        return y if y.shape else y[()]
    limits = np.finfo(dtype)
    for special, value in (
        (np.isnan(x), nan),
        (np.isposinf(x), limits.max if posinf is None else posinf),
        (np.isneginf(x), limits.min if neginf is None else neginf),
    ):
        x = np.where(special, astype(value, dtype), x)
    x = arranged(x, "K", like)
    return x if x.shape else x[()]


def _real_if_close(a, tol=100):
    return np.real(a) if np.isrealobj(np.real_if_close(strip(a), tol)) else a


def _interp(x, xp, fp, left=None, right=None, period=None):
    x, xp, fp = (np.stack(e) if isinstance(e, (list, tuple)) and len(e) else typed(e) for e in (x, xp, fp))
    plain = None if isinstance(period, Tracer) else period
    np.interp(*(np.zeros(n, e.dtype) for n, e in ((min(x.size, 1), x), (xp.shape, xp), (fp.shape, fp))), period=plain)
    x, xp, fp = (astype(e, np.result_type(e.dtype, float)) for e in (x, xp, fp))  # as NumPy computes it
    if not len(xp):
        return np.zeros(x.shape, fp.dtype)
    if period is not None:
        period = np.abs(period)
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    behind = np.searchsorted(xp, x, "right")
    right_end, before = np.clip(behind, 1, len(xp) - 1), np.clip(behind, 1, len(xp)) - 1
    # not xp[right_end], as the places may be traced where xp is not
    x0, x1, f0, f1 = (getitem(p, i) for p in (xp, fp) for i in (right_end - 1, right_end))
    step = np.equal(x0, x1)
    slope = (f1 - f0) / np.where(step, 1, x1 - x0)
    y = np.where(step, f1, getitem(fp, before) + slope * (x - getitem(xp, before)))
    if period is None:
        y = np.where(np.less(x, xp[0]), fp[0] if left is None else left, y)
        y = np.where(np.greater(x, xp[-1]), fp[-1] if right is None else right, y)
    return y


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
composite(np.select, _select)
composite(np.piecewise, _piecewise)
composite(np.clip, _clip)
composite(np.nan_to_num, _nan_to_num)
composite(np.real_if_close, _real_if_close)
composite(np.interp, _interp, with_value)
composite(scimath.sqrt, _widening(np.sqrt, _negative))
composite(scimath.log, _widening(np.log, _negative))
composite(scimath.log2, _widening(np.log2, _negative))
composite(scimath.log10, _widening(np.log10, _negative))
composite(scimath.arccos, _widening(np.arccos, _beyond_one))
composite(scimath.arcsin, _widening(np.arcsin, _beyond_one))
composite(scimath.arctanh, _widening(np.arctanh, _beyond_one))
composite(scimath.logn, lambda n, x: np.log(_widened(x, _negative)) / np.log(_widened(n, _negative)))
composite(scimath.power, _emath_power)
