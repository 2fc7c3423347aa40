"""Sums, products, extrema, cumulative and statistical reductions, differences.

Names beside those of ``rule.py``: ``n`` how many elements go into a result, ``rest`` the product of the others.
"""

import math
import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..rule import composite, elementwise, explicit, linear
from ..tracer import Tracer, astype

_NONE = (None,) * 4  # the arguments between ``a`` and ``initial``


def spread(g, shape, axis):
    """``g``, what a reduction over ``axis`` gave, repeated to ``shape``: the transpose of a sum."""
    if isinstance(g, np.generic):  # a view with strides of zero, without the cost of np.broadcast_to
        return np.ndarray(shape, g.dtype, g, 0, (0,) * len(shape))
    return np.broadcast_to(kept(g, shape, axis), shape)


def kept(y, shape, axis):
    """``y``, what a reduction of ``shape`` over ``axis`` gave, with the reduced axes kept as ones."""
    if axis is None or y.ndim == len(shape):
        return y
    axes = normalize_axis_tuple(axis, len(shape))
    return y.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))


def masked(a, where, other):
    """``a`` with ``other`` in place of the elements that ``where=`` leaves out."""
    return a if where is True or where is np._NoValue else np.where(where, a, other)


def rows(a, axis):
    """``a`` with the axes ``axis`` (None: all) made one, the last."""
    if axis is None:
        return a.reshape(-1)
    axes = normalize_axis_tuple(axis, a.ndim)
    others = tuple(i for i in range(a.ndim) if i not in axes)
    length = math.prod(a.shape[i] for i in axes)
    return np.transpose(a, others + axes).reshape(*(a.shape[i] for i in others), length)


def unrows(r, shape, axis):
    """The inverse of ``rows`` for an array of ``shape``."""
    if axis is None:
        return r.reshape(shape)
    axes = normalize_axis_tuple(axis, len(shape))
    order = tuple(i for i in range(len(shape)) if i not in axes) + axes
    return np.transpose(r.reshape(tuple(shape[i] for i in order)), sorted(range(len(shape)), key=order.__getitem__))


def count(shape, axis, where=True):
    """How many elements go into each result: a number, or with ``where`` an array with the reduced axes kept."""
    if where is not True:
        return np.sum(np.broadcast_to(where, shape), axis, keepdims=True)
    return math.prod(shape if axis is None else [shape[i] for i in normalize_axis_tuple(axis, len(shape))])


# Sums and means.

explicit(
    np.sum,
    jvp=(
        lambda t, _y, a, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True: np.sum(
            t, axis, dtype, out, keepdims, where=where
        ),
        *_NONE,
        lambda t, _y, *args, **kwargs: t,
    ),
    vjp=(
        lambda g, _y, _a, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True: masked(
            spread(g, _a.shape, axis), where, 0
        ),
        *_NONE,
        lambda g, _y, *args, **kwargs: g,
    ),
)
linear(
    np.mean,
    lambda g, _a, axis=None, dtype=None, out=None, keepdims=False, where=True: masked(
        spread(kept(g, _a.shape, axis) / count(_a.shape, axis, where), _a.shape, axis), where, 0
    ),
)


def _average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    keepdims = keepdims is not np._NoValue and keepdims
    if weights is None:
        y = np.mean(a, axis, keepdims=keepdims)
        total = y.dtype.type(a.size / y.size)
    else:
        weights = weights if isinstance(weights, Tracer) else np.asarray(weights)
        if weights.shape != a.shape:
            axes = normalize_axis_tuple(axis, a.ndim)
            if weights.shape != tuple(a.shape[i] for i in axes):
                raise ValueError("np.average: the shape of weights must be that of a, or that of its axes in axis.")
            weights = np.transpose(weights, sorted(range(len(axes)), key=axes.__getitem__))
            weights = weights.reshape(tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))
        dtype = np.result_type(a.dtype, weights.dtype, *(["f8"] if a.dtype.kind in "iub" else []))
        total = np.sum(np.broadcast_to(weights, a.shape), axis, dtype, keepdims=keepdims)
        if np.any(np.equal(total, 0)):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        y = np.sum(astype(a, dtype) * astype(weights, dtype), axis, keepdims=keepdims) / total
    return (y, np.broadcast_to(total, y.shape)) if returned else y


composite(np.average, _average)


# Variance and standard deviation, in NumPy's own steps.

# The square root with derivative 0 at 0: the standard deviation has a minimum there.
_root = elementwise(lambda x: np.sqrt(x), lambda y: np.where(np.equal(y, 0), 0, 0.5 / np.where(np.equal(y, 0), 1, y)))


def _degrees(ddof, correction):
    if correction is np._NoValue:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


def _abs2(x):
    return np.square(x) if x.dtype.kind != "c" else np.square(x.real) + np.square(x.imag)


def _var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=np._NoValue, correction=np._NoValue):
    ddof, n = _degrees(ddof, correction), count(a.shape, axis, where)
    if mean is np._NoValue or mean is None:
        mean = np.sum(a, axis, dtype, keepdims=True, where=where) / n
    total = np.sum(_abs2(a - mean), axis, dtype, None, keepdims, where=where)
    dof = np.maximum(n - ddof, 0)
    return total / (dof if where is True else dof.reshape(total.shape))


def _nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=np._NoValue, correction=np._NoValue):
    ddof, nan = _degrees(ddof, correction), np.isnan(a)
    n = count(a.shape, axis, np.logical_and(where, np.logical_not(nan)))
    a = np.where(nan, 0, a)
    if mean is np._NoValue:
        mean = _per(np.sum(a, axis, dtype, keepdims=True, where=where), n)
    total = np.sum(np.where(nan, 0, _abs2(a - mean)), axis, dtype, None, keepdims, where=where)
    dof = (n - ddof).reshape(total.shape)
    return np.where(np.less_equal(dof, 0), np.nan, _per(total, dof))[()]


def _per(total, n):
    """total / n in the dtype of ``total``, without a warning where n is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / np.asarray(n, total.real.dtype)


composite(np.var, _var)
composite(np.std, lambda a, *args, **kwargs: _root(np.var(a, *args, **kwargs)))
composite(np.nanvar, _nanvar)
composite(np.nanstd, lambda a, *args, **kwargs: _root(np.nanvar(a, *args, **kwargs)))


# Extrema: among k equal ones each has 1/k of the derivative, and ``initial`` counts as one argument of a maximum of two.


def _shares(y, a, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True):
    """Each element's share in the extremum ``y``."""
    y = kept(y, a.shape, axis)
    best = masked(np.equal(a, y), where, False)
    k = np.sum(best, axis, keepdims=True)
    if initial is not np._NoValue:
        k = np.where(np.equal(y, initial), np.maximum(2 * k, 1), k)
    return np.asarray(best / k, a.real.dtype)


def _share_of_initial(y, a, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True):
    k = np.sum(masked(np.equal(a, kept(y, a.shape, axis)), where, False), axis, keepdims=True).reshape(y.shape)
    return np.where(np.equal(y, initial), np.where(np.equal(k, 0), 1, 0.5), 0)


def _extremum_jvp(t, y, a, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True):
    share = _shares(y, a, axis, out, keepdims, initial, where)
    return np.sum(np.where(np.equal(share, 0), 0, t * share), axis, keepdims=keepdims)


def _extremum_vjp(g, y, a, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True):
    share = _shares(y, a, axis, out, keepdims, initial, where)
    return np.where(np.equal(share, 0), 0, kept(g, a.shape, axis) * share)


for _function in (np.max, np.amax, np.min, np.amin, np.nanmax, np.nanmin):
    explicit(
        _function,
        jvp=(_extremum_jvp, None, None, None, lambda t, y, *args, **kwargs: t * _share_of_initial(y, *args, **kwargs)),
        vjp=(_extremum_vjp, None, None, None, lambda g, y, *args, **kwargs: g * _share_of_initial(y, *args, **kwargs)),
    )
composite(
    np.ptp,
    lambda a, axis=None, out=None, keepdims=False: np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims),
)


# Products, without division, so that zeros do no harm.


def _before(r):
    """The product of all elements before each, along the last axis."""
    return np.concatenate([np.ones((*r.shape[:-1], 1), r.dtype), np.cumprod(r[..., :-1], axis=-1)], axis=-1)[..., : r.shape[-1]]


def _rest(a, axis, where):
    """The product of all elements but each along ``axis``; a zero among them wins over an overflow."""
    r = rows(masked(a, where, 1), axis)
    rest = _before(r) * np.flip(_before(np.flip(r, -1)), -1)
    zero = np.equal(r, 0)
    other_zero = np.greater(np.sum(zero, -1, keepdims=True) - zero, 0)
    return unrows(np.where(np.logical_and(other_zero, np.isnan(rest)), 0, rest), a.shape, axis)


explicit(
    np.prod,
    jvp=(
        lambda t, _y, a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True: np.sum(
            t * _rest(a, axis, where), axis, dtype, out, keepdims, where=where
        ) * _initial(initial),
        *_NONE,
        lambda t, _y, a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True: t * np.prod(
            a, axis, dtype, out, keepdims, where=where
        ),
    ),
    vjp=(
        lambda g, _y, a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True: masked(
            kept(g * _initial(initial), a.shape, axis) * _rest(a, axis, where), where, 0
        ),
        *_NONE,
        lambda g, _y, a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True: g * np.prod(
            a, axis, dtype, out, keepdims, where=where
        ),
    ),
)


def _initial(initial):
    return 1 if initial is np._NoValue else initial


def _recurrence(a, b):
    """y[k] = a[k] y[k-1] + b[k] along the last axis, y[0] = b[0], by odd-even reduction in O(n)."""
    n = b.shape[-1]
    if n < 2:
        return b
    odd_a, odd_b = a[..., 1::2], b[..., 1::2]
    odd = _recurrence(odd_a * a[..., : n - 1 : 2], odd_a * b[..., : n - 1 : 2] + odd_b)
    even = np.concatenate([b[..., :1], a[..., 2::2] * odd[..., : (n - 1) // 2] + b[..., 2::2]], axis=-1)
    pairs = np.stack([even[..., : n // 2], odd], axis=-1).reshape(*b.shape[:-1], n // 2 * 2)
    return np.concatenate([pairs, even[..., n // 2 :]], axis=-1)


def _cumprod_jvp(t, _y, a, axis=None, dtype=None, out=None):
    r = rows(a, axis)
    return unrows(_recurrence(r, rows(t, axis) * _before(r)), _y.shape, axis)


def _cumprod_vjp(g, _y, a, axis=None, dtype=None, out=None):
    r = rows(a, axis)
    following = np.concatenate([r[..., 1:], r[..., :1]], axis=-1)  # the last is not used
    sums = np.flip(_recurrence(np.flip(following, -1), np.flip(rows(g, axis), -1)), -1)
    return unrows(sums * _before(r), a.shape, axis)


# Cumulative sums and products.

linear(
    np.cumsum,
    lambda g, _a, axis=None, dtype=None, out=None: np.flip(np.cumsum(np.flip(g, axis), axis), axis).reshape(_a.shape),
)
explicit(np.cumprod, jvp=_cumprod_jvp, vjp=_cumprod_vjp)


def _cumulative(function, start):
    def body(x, *, axis=None, dtype=None, out=None, include_initial=False):
        if axis is None:
            if x.ndim > 1:
                raise ValueError(f"For arrays which have more than one dimension ``axis`` argument is required.")
            axis = 0
        x = np.atleast_1d(x)
        y = function(x, axis, dtype)
        shape = (*x.shape[: axis % x.ndim], 1, *x.shape[axis % x.ndim + 1 :])
        return np.concatenate([np.full(shape, start, y.dtype), y], axis) if include_initial else y

    return body


composite(np.cumulative_sum, _cumulative(np.cumsum, 0))
composite(np.cumulative_prod, _cumulative(np.cumprod, 1))


# The functions that skip nan.


def _without_nan(a, other):
    return np.where(np.isnan(a), other, a)


def _nanmean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    total = np.sum(_without_nan(a, 0), axis, dtype, None, keepdims, where=where)
    n = count(a.shape, axis, np.logical_and(where, np.logical_not(np.isnan(a))))
    return _per(total, n.reshape(total.shape))


composite(np.nanmean, _nanmean)
composite(np.nansum, lambda a, *args, **kwargs: np.sum(_without_nan(a, 0), *args, **kwargs))
composite(np.nanprod, lambda a, *args, **kwargs: np.prod(_without_nan(a, 1), *args, **kwargs))
composite(np.nancumsum, lambda a, *args, **kwargs: np.cumsum(_without_nan(a, 0), *args, **kwargs))
composite(np.nancumprod, lambda a, *args, **kwargs: np.cumprod(_without_nan(a, 1), *args, **kwargs))


# Differences and the trapezoidal rule.


def _along(axis, *entries):
    """Indices that take each entry along ``axis``."""
    return [(*(slice(None),) * axis, entry) for entry in entries]


def _diff(a, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    if n == 0:
        return a
    a = a if isinstance(a, Tracer) else np.asarray(a)
    (axis,) = normalize_axis_tuple(axis, a.ndim)

    def end(x):
        return np.broadcast_to(x, (*a.shape[:axis], 1, *a.shape[axis + 1 :])) if np.ndim(x) == 0 else x

    parts = [*([] if prepend is np._NoValue else [end(prepend)]), a, *([] if append is np._NoValue else [end(append)])]
    a = np.concatenate(parts, axis) if len(parts) > 1 else a
    later, earlier = _along(axis, slice(1, None), slice(None, -1))
    for _ in range(n):
        a = a[later] - a[earlier]
    return a


def _ediff1d(ary, to_end=None, to_begin=None):
    ary = np.ravel(ary)
    ends = [None if end is None else astype(np.ravel(end), ary.dtype) for end in (to_begin, to_end)]
    return np.concatenate([part for part in (ends[0], ary[1:] - ary[:-1], ends[1]) if part is not None])


def _trapezoid(y, x=None, dx=1.0, axis=-1):
    y = y if isinstance(y, Tracer) else np.asarray(y)
    (axis,) = normalize_axis_tuple(axis, y.ndim)
    if x is not None:
        dx = np.diff(x) if np.ndim(x) == 1 else np.diff(x, axis=axis)
        dx = dx.reshape((-1,) + (1,) * (y.ndim - axis - 1)) if dx.ndim == 1 else dx
    later, earlier = _along(axis, slice(1, None), slice(None, -1))
    return np.sum(dx * (y[later] + y[earlier]) / 2.0, axis)


def _gradient(f, *varargs, axis=None, edge_order=1):
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    if len(varargs) not in (0, 1, len(axes)) or (len(varargs) == 1 != len(axes) and np.ndim(varargs[0])):
        raise TypeError("invalid number of arguments")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    spacings = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    slopes = [_slope(f, h, i, edge_order) for i, h in zip(axes, spacings, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _slope(f, h, axis, edge_order):
    """The derivative of samples ``f`` along one axis, at steps of ``h`` or at the places ``h``, as np.gradient has it."""
    if f.shape[axis] < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are required."
        )
    if np.ndim(h):
        h = h if isinstance(h, Tracer) else np.asarray(h)
        if h.ndim != 1 or len(h) != f.shape[axis]:
            raise ValueError("when 1d, distances must match the length of the corresponding dimension")
        h = np.diff(astype(h, np.float64) if h.dtype.kind in "iub" else h)
        uniform = not isinstance(h, Tracer) and bool((h == h[0]).all())
        h = h[0] if uniform else h.reshape((-1,) + (1,) * (f.ndim - axis - 1))

    def at(*entries):
        return [f[index] for index in _along(axis, *entries)]

    before, here, after = at(slice(None, -2), slice(1, -1), slice(2, None))
    if np.ndim(h) == 0:
        inner = (after - before) / (2.0 * h)
        first = last = h
        edges = (-1.5 / h, 2.0 / h, -0.5 / h), (0.5 / h, -2.0 / h, 1.5 / h)
    else:
        u, v = h[:-1], h[1:]
        inner = -v / (u * (u + v)) * before + (v - u) / (u * v) * here + u / (v * (u + v)) * after
        first, last = h[:1], h[-1:]
        edges = _edge_weights(u[:1], v[:1], v[-1:], u[-1:]) if edge_order == 2 else None
    if edge_order == 1:
        a, b, y, z = at(slice(0, 1), slice(1, 2), slice(-2, -1), slice(-1, None))
        ends = (b - a) / first, (z - y) / last
    else:
        starts = at(slice(0, 1), slice(1, 2), slice(2, 3)), at(slice(-3, -2), slice(-2, -1), slice(-1, None))
        ends = [operator.mul(w[0], s[0]) + w[1] * s[1] + w[2] * s[2] for w, s in zip(edges, starts, strict=True)]
    return np.concatenate([ends[0], inner, ends[1]], axis)


def _edge_weights(u, v, z, w):
    """Weights of the one-sided second-order difference, for steps u, v at the start and w, z at the end."""
    start = -(2.0 * u + v) / (u * (u + v)), (u + v) / (u * v), -u / (v * (u + v))
    end = z / (w * (w + z)), -(z + w) / (w * z), (2.0 * z + w) / (z * (w + z))
    return start, end


composite(np.diff, _diff)
composite(np.ediff1d, _ediff1d)
composite(np.trapezoid, _trapezoid)
composite(np.gradient, _gradient)
