"""Sums, products, extrema, cumulative and statistical reductions.

Names beside those of ``rule.py``: ``n`` how many elements go into a result, ``rest`` the product of the others.
"""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..chain import has_nan
from ..layout import arranged
from ..memory import spread_out
from ..primitives import astype
from ..rule import composite, elementwise, explicit, linear, primitive, with_value
from ..tracer import any_known, below_examples, hidden, kind_of, shape_of
from ..tree import typed
from .short_rows import counts

_NONE = (None,) * 4  # no derivative in the arguments between ``a`` and ``initial``
_FILLED = 4096  # elements up to which it is sooner to fill an array than to go along several axes of one number


def spread(g, shape, axis):
    """What a reduction over ``axis`` gave, ``g``, repeated to ``shape``: the transpose of a sum."""
    if axis is None and issubclass(type(g), np.generic):
        if len(shape) > 1:
            y = np.empty(shape, g.dtype)
            if y.size <= _FILLED:
                y.fill(g)
                return y
        return np.ndarray(shape, g.dtype, g, 0, (0,) * len(shape))  # as below, at a fraction of the cost
    g = with_axes(g, shape, axis)
    return spread_out(g, shape) if type(g) is np.ndarray and g.ndim == len(shape) else np.broadcast_to(g, shape)


def with_axes(y, shape, axis):
    """``y``, what a reduction of ``shape`` over ``axis`` gave, with the reduced axes kept as ones."""
    if axis is None or y.ndim == len(shape):
        return y
    axes = (axis % len(shape),) if isinstance(axis, int) else normalize_axis_tuple(axis, len(shape))
    return y.reshape([1 if i in axes else n for i, n in enumerate(shape)])


def masked(a, where, other):
    """``a`` with ``other`` in place of the elements that ``where=`` leaves out."""
    return a if where is True or where is np._NoValue else np.where(where, a, other)


def rows(a, axis):
    """``a`` with the axes ``axis`` (None: all) made one, the last."""
    if axis is None:
        return np.reshape(a, -1)
    axes = normalize_axis_tuple(axis, a.ndim)
    others = tuple(i for i in range(a.ndim) if i not in axes)
    return np.transpose(a, others + axes).reshape(*(a.shape[i] for i in others), count(a.shape, axis))


def unrows(r, shape, axis):
    """The inverse of ``rows`` for an array of ``shape``."""
    if axis is None:
        return r.reshape(shape)
    axes = normalize_axis_tuple(axis, len(shape))
    order = tuple(i for i in range(len(shape)) if i not in axes) + axes
    return np.transpose(r.reshape(tuple(shape[i] for i in order)), sorted(range(len(shape)), key=order.__getitem__))


def count(shape, axis, where=True):
    """How many elements go into each result: a number, or with ``where`` an array with the reduced axes kept."""
    if where is not True and where is not np._NoValue:
        return np.sum(np.broadcast_to(where, shape), axis, keepdims=True)
    return math.prod(shape if axis is None else [shape[i] for i in normalize_axis_tuple(axis, len(shape))])


_WIDER = {np.dtype(np.float16): np.float64, np.dtype(np.complex64): np.complex128}


def ratio(total, n):
    """``total / n`` in the dtype of ``total``, also where ``n`` is an array or too large for float16."""
    if total.dtype in _WIDER:  # in which NumPy divides by integers
        return astype(astype(total, _WIDER[total.dtype]) / n, total.dtype)
    if issubclass(type(n), (int, float)):
        return total / n
    share = total / astype(n, np.finfo(total.dtype).dtype)
    return arranged(share, "K", total) if share.ndim == total.ndim else share


# Sums and means.


def _sum_jvp(t, _y, a, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True):
    if where is True:
        return np.sum(t, axis, dtype, out, keepdims)
    return np.sum(t, axis, dtype, out, keepdims, where=where)


def _sum_vjp(g, _y, _a, axis=None, dtype=None, out=None, keepdims=False, initial=0, where=True):
    """``spread(g)`` over the axes of the sum."""
    g = spread(g, _a.shape, axis)
    return g if where is True else masked(g, where, 0)


def _mean_jvp(t, _y, a, axis=None, dtype=None, out=None, keepdims=False, where=True):
    t = np.mean(t, axis, dtype, out, keepdims, where=where)
    some = where is True or np.any(np.broadcast_to(where, shape_of(a)), axis, keepdims=keepdims)
    return masked(t, some, 0)  # the mean of nothing is nan whatever the elements are


def spread_share(g, shape, n, axis):
    """The transpose of a sum over ``axis`` divided by ``n``."""
    return spread(ratio(with_axes(g, shape, axis), n), shape, axis)


def spread_mean(g, shape, axis, where=True):
    """The transpose of a mean over ``axis``."""
    return masked(spread_share(g, shape, count(shape, axis, where), axis), where, 0)


def _mean_vjp(g, _y, _a, axis=None, dtype=None, out=None, keepdims=False, where=True):
    """``spread(g / n)`` over the n numbers of each mean."""
    return spread_mean(g, _a.shape, axis, where)


explicit(
    np.sum,
    jvp=(_sum_jvp, *_NONE, lambda t, _y, *args, **kwargs: t),
    vjp=(_sum_vjp, *_NONE, lambda g, _y, *args, **kwargs: g),
)
explicit(np.mean, jvp=_mean_jvp, vjp=_mean_vjp)


def along_axes(weights, a, axis):
    """``weights``, shaped like ``a`` or like its axes ``axis`` in order, in a shape that broadcasts to ``a``'s."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = normalize_axis_tuple(axis, a.ndim)
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
    weights = np.transpose(weights, sorted(range(len(axes)), key=axes.__getitem__))
    return weights.reshape(tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))


def _average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    a = typed(a)
    if weights is None:
        y = np.mean(a, axis, keepdims=keepdims)
        total = y.dtype.type(a.size / y.size)
    else:
        weights = typed(weights)
        dtype = np.result_type(a.dtype, weights.dtype, *(["f8"] if a.dtype.kind in "iub" else []))
        weights = along_axes(weights, a, axis)
        total = np.sum(weights, axis, dtype, keepdims=keepdims)
        if any_known(np.equal(total, 0)):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        y = np.sum(a * weights, axis, dtype, keepdims=keepdims) / total
    return (y, total if total.shape == y.shape else np.copy(np.broadcast_to(total, y.shape), "C")) if returned else y


composite(np.average, _average)


# Variance and standard deviation, in NumPy's own steps.


@primitive
def share_of_sum(a, n, axis, dtype, keepdims, where):
    """Σ a / n in the dtype of the sum; the derivative does not go through a sum that float16 cannot hold."""
    return ratio(np.sum(a, axis, dtype, None, keepdims, where=where), _shaped(n, a, axis, keepdims))


def _shaped(n, a, axis, keepdims):
    if not np.ndim(n) or (keepdims and keepdims is not np._NoValue):
        return n
    return np.squeeze(n, tuple(range(a.ndim)) if axis is None else axis)


def _share_push(t, y, a, n, axis, dtype, keepdims, where):
    held = np.promote_types(y.dtype, np.float32)
    share = astype(share_of_sum(astype(t, held), n, axis, held, keepdims, where), y.dtype)
    if where is True:
        return share
    chosen = _shaped(count(a.shape, axis, where), a, axis, keepdims)
    return np.where(np.equal(chosen, 0), 0, share)  # what takes in nothing depends on nothing


def _share_pull(g, _y, _a, n, axis, dtype, keepdims, where):
    return masked(spread_share(g, _a.shape, n, axis), where, 0)


explicit(share_of_sum, jvp=_share_push, vjp=_share_pull)


@primitive
def root(x):
    """The square root, with derivative 0 at 0, where the standard deviation has its minimum."""
    return np.sqrt(x)


elementwise(root, lambda y: np.where(np.equal(y, 0), 0, 0.5 / np.where(np.equal(y, 0), 1, y)))


def _ddof(ddof, correction):
    if correction is np._NoValue:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


def _abs2(x):
    return np.square(x.real) + np.square(x.imag) if x.dtype.kind == "c" else np.square(x)


def _var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=np._NoValue):
    a, where = typed(a), where is np._NoValue or where
    n = count(a.shape, axis, where)
    if mean is None or mean is np._NoValue:
        mean = share_of_sum(a, n, axis, dtype, True, where)
    dof = n - _ddof(ddof, correction)
    dof = max(dof, 0) if where is True else np.maximum(dof, 0)
    return share_of_sum(_abs2(a - mean), dof, axis, dtype, keepdims, where)


def _nanvar(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=np._NoValue
):
    a, where = typed(a), where is np._NoValue or where
    nan = np.isnan(a)
    n = count(a.shape, axis, np.logical_and(where, np.logical_not(nan)))
    a = arranged(np.where(nan, 0, a), "K", a)
    if mean is None or mean is np._NoValue:
        mean = share_of_sum(a, _or_nan(n), axis, dtype, True, where)
    a = arranged(np.where(nan, 0, a - mean), "K", a)
    squares = np.real(a * np.conjugate(a)) if a.dtype.kind == "c" else np.square(a)
    return share_of_sum(squares, _or_nan(n - _ddof(ddof, correction)), axis, dtype, keepdims, where)


def _nanmean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    where = where is np._NoValue or where
    n = count(shape_of(a), axis, np.logical_and(where, np.logical_not(np.isnan(a))))
    return share_of_sum(_without_nan(a, 0), _or_nan(n), axis, dtype, keepdims, where)


def _without_nan(a, other):
    return arranged(np.where(np.isnan(a), other, a), "K", a)


def _or_nan(n):
    return np.where(np.greater(n, 0), n, np.nan)


composite(np.var, _var)
composite(np.std, lambda a, *args, **kwargs: root(np.var(a, *args, **kwargs)))
composite(np.nanmean, _nanmean)
composite(np.nanvar, _nanvar)
composite(np.nanstd, lambda a, *args, **kwargs: root(np.nanvar(a, *args, **kwargs)))


# Covariance, in NumPy's own steps.


def _cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    given = {name: typed(x) for name, x in (("m", m), ("y", y)) if x is not None}
    for name, x in given.items():
        if x.ndim > 2:
            raise ValueError(f"{name} has more than 2 dimensions")
    dtype = np.dtype(np.result_type(*(x.dtype for x in given.values()), np.float64) if dtype is None else dtype)
    m, *others = (np.atleast_2d(astype(x, dtype)) for x in given.values())
    x = m if rowvar or given["m"].ndim == 1 else m.T
    if not len(x):
        return np.zeros((0, 0), like=kind_of(x))
    x = np.concatenate([x, *(y if rowvar or len(y) == 1 else y.T for y in others)], 0)
    a = None if aweights is None else astype(typed(aweights), np.dtype(float))  # its real part, as in NumPy
    ones = None if a is None else np.zeros(a.shape, like=kind_of(x)) + 1
    np.cov(np.zeros(x.shape[1], like=kind_of(x)), None, True, bias, ddof, fweights, ones)  # for its checks
    if a is not None and any_known(np.less(a, 0)):
        raise ValueError("aweights cannot be negative")
    ddof = int(not bias) if ddof is None else ddof
    w = a if fweights is None else np.asarray(fweights, float, like=kind_of(x)) * (1 if a is None else a)
    mean, total = np.average(x, 1, w, True)
    dof = x.shape[1] if w is None else total[0]
    dof = dof - ddof * (1 if a is None or w is None or ddof == 0 else np.sum(w * a) / total[0])
    x = x - mean[:, None]
    c = np.dot(x, np.conjugate((x if w is None else x * w).T))
    return np.squeeze(astype(c * np.divide(1, np.where(np.greater(dof, 0), dof, 0.0)), c.dtype))


def _corrcoef(x, y=None, rowvar=True, *, dtype=None):
    c = np.cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    deviation = np.sqrt(np.diagonal(c).real)
    c = c / deviation[:, None] / deviation[None, :]
    if c.dtype.kind != "c":
        return np.clip(c, -1, 1)
    return np.clip(c.real, -1, 1) + 1j * np.clip(c.imag, -1, 1)


composite(np.cov, _cov, with_value)
composite(np.corrcoef, _corrcoef, with_value)


# Extrema: each of k equal ones has 1/k of the derivative; ``initial`` counts as the other argument of a maximum of two.


def _best(y, a, axis, where):
    """Which elements equal the extremum ``y``."""
    return masked(np.equal(a, with_axes(y, shape_of(a), axis)), where, False)


def _count(best, y, axis):
    """How many elements equal the extremum, with the reduced axes kept."""
    real = np.finfo(y.dtype).dtype
    return counts(best, axis, np.float64 if real == np.float16 else real)  # halves end at 65504


def _is_once(best, y):
    """Whether no element but one equals each extremum, of all examples."""
    best, y = below_examples(best), below_examples(y)
    return np.count_nonzero(best) == y.size and not has_nan(y)


def _ties(best, y, a, axis, initial):
    """As ``_count``, but with what equals ``initial`` counted twice."""
    k = _count(best, y, axis)
    if initial is np._NoValue:
        return k
    return np.where(np.equal(with_axes(y, shape_of(a), axis), initial), np.maximum(2 * k, 1), k)


def _extremum_jvp(t, y, a, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True):
    best = _best(y, a, axis, where)
    k = _ties(best, y, a, axis, initial)
    return np.sum(np.where(best, t, 0), axis, np.result_type(t.dtype, k.dtype), keepdims=keepdims) / k.reshape(y.shape)


def extremum_pull(g, y, a, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True):
    """``g / k where a == y``, which k elements are."""
    best, g = _best(y, a, axis, where), with_axes(g, shape_of(a), axis)
    if initial is np._NoValue and where is True and not hidden(below_examples(a)) and _is_once(best, y):
        return np.where(best, g, 0)  # k is 1
    k = _ties(best, y, a, axis, initial)
    if type(k) is np.ndarray and k.all():
        return np.where(best, g / k, 0)
    return np.where(best, g / k, np.where(np.equal(g, 0), 0, 0 / k))  # nan where y is nan: no element equals it


def _extremum_initial(u, y, a, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True):
    k = _count(_best(y, a, axis, where), y, axis).reshape(y.shape)
    return u * np.where(np.equal(y, initial), np.where(np.equal(k, 0), 1, 0.5), 0)


for _extremum in (np.max, np.amax, np.min, np.amin):
    explicit(
        _extremum,
        jvp=(_extremum_jvp, None, None, None, _extremum_initial),
        vjp=(extremum_pull, None, None, None, _extremum_initial),
    )


def _nan_extremum(extremum, least):
    """``extremum`` with ``least`` in place of nan; nan, with derivative 0, where all is nan."""

    def body(a, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True):
        y = extremum(_without_nan(a, least), axis, None, keepdims, initial, where)
        if initial is not np._NoValue:
            return y
        y = np.where(np.all(np.isnan(a), axis, keepdims=keepdims), np.nan, y)
        return y if y.ndim else y[()]

    return body


composite(np.nanmax, _nan_extremum(np.max, -np.inf), with_value)
composite(np.nanmin, _nan_extremum(np.min, np.inf), with_value)
composite(
    np.ptp,
    lambda a, axis=None, out=None, keepdims=False: (
        np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)
    ),
)


# Products, without division, so that zeros do no harm.


def _before(r):
    """The product of all elements before each, along the last axis."""
    earlier = np.concatenate([np.zeros((*r.shape[:-1], 1), r.dtype, like=kind_of(r)) + 1, r[..., :-1]], axis=-1)
    return np.cumprod(earlier[..., : r.shape[-1]], axis=-1)


def _rest(a, axis, where):
    """The product of all elements but each along ``axis``; a zero among them wins over an overflow."""
    a = masked(typed(a), where, 1)
    axis = axis if a.ndim else None  # NumPy takes 0 and −1 of a 0-d array, too
    r = rows(a, axis)
    rest = _before(r) * _before(r[..., ::-1])[..., ::-1]
    if hidden(below_examples(rest)) or has_nan(rest):
        zero = np.equal(r, 0)
        lost = np.logical_and(np.greater(np.sum(zero, -1, keepdims=True), zero), np.isnan(rest))
        rest = np.where(lost, 0, rest)
    return unrows(rest, a.shape, axis)


def _prod_jvp(t, _y, a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True):
    return np.sum(t * _rest(a, axis, where), axis, dtype, out, keepdims, where=where) * _one(initial)


def _prod_vjp(g, _y, a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True):
    return masked(with_axes(g * _one(initial), shape_of(a), axis) * _rest(a, axis, where), where, 0)


def _prod_times(u, _y, a, axis=None, dtype=None, out=None, keepdims=False, initial=1, where=True):
    return u * np.prod(a, axis, dtype, out, keepdims, where=where)


def _one(initial):
    return 1 if initial is np._NoValue or initial is None else initial


explicit(np.prod, jvp=(_prod_jvp, *_NONE, _prod_times), vjp=(_prod_vjp, *_NONE, _prod_times))


# Cumulative sums and products.


@primitive
def reversed_cumsum(x, axis):
    """The sums of each element and those after it, which XLA has without a reversal."""
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis)


composite(reversed_cumsum, reversed_cumsum.__wrapped__)


def _cumsum_transpose(g, _a, axis=None, dtype=None, out=None):
    return reversed_cumsum(g, axis or 0).reshape(_a.shape)


def _recurrence(a, b):
    """y[k] = a[k] y[k-1] + b[k] along the last axis, y[0] = b[0], by odd-even reduction in O(n)."""
    n = b.shape[-1]
    if n < 2:
        return b
    a_odd, b_odd = a[..., 1::2], b[..., 1::2]
    odd = _recurrence(a_odd * a[..., : n - 1 : 2], a_odd * b[..., : n - 1 : 2] + b_odd)
    even = np.concatenate([b[..., :1], a[..., 2::2] * odd[..., : (n - 1) // 2] + b[..., 2::2]], axis=-1)
    pairs = np.stack([even[..., : n // 2], odd], axis=-1).reshape(*b.shape[:-1], n // 2 * 2)
    return np.concatenate([pairs, even[..., n // 2 :]], axis=-1)


def _cumprod_jvp(t, _y, a, axis=None, dtype=None, out=None):
    axis = axis if np.ndim(a) else None
    r = rows(typed(a), axis)
    return unrows(_recurrence(r, rows(t, axis) * _before(r)), _y.shape, axis)


def _cumprod_vjp(g, _y, a, axis=None, dtype=None, out=None):
    axis = axis if np.ndim(a) else None
    r = rows(typed(a), axis)
    after = np.concatenate([r[..., 1:], r[..., :1]], axis=-1)  # the last of them is not used
    sums = np.flip(_recurrence(np.flip(after, -1), np.flip(rows(g, axis), -1)), -1)
    return unrows(sums * _before(r), shape_of(a), axis)


linear(np.cumsum, _cumsum_transpose)
explicit(np.cumprod, jvp=_cumprod_jvp, vjp=_cumprod_vjp)


def _cumulative(function, start):
    def body(x, *, axis=None, dtype=None, out=None, include_initial=False):
        x = np.atleast_1d(x)
        if axis is None and x.ndim > 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
        (axis,) = normalize_axis_tuple(axis or 0, x.ndim)
        y = function(x, axis, dtype)
        if not include_initial:
            return y
        first = np.zeros((*x.shape[:axis], 1, *x.shape[axis + 1 :]), y.dtype, like=kind_of(y)) + start
        first = arranged(first, "K", y)
        return np.concatenate([first, y], axis)

    return body


composite(np.cumulative_sum, _cumulative(np.cumsum, 0))
composite(np.cumulative_prod, _cumulative(np.cumprod, 1))
composite(np.nansum, lambda a, *args, **kwargs: np.sum(_without_nan(a, 0), *args, **kwargs))
composite(np.nanprod, lambda a, *args, **kwargs: np.prod(_without_nan(a, 1), *args, **kwargs))
composite(np.nancumsum, lambda a, *args, **kwargs: np.cumsum(_without_nan(a, 0), *args, **kwargs))
composite(np.nancumprod, lambda a, *args, **kwargs: np.cumprod(_without_nan(a, 1), *args, **kwargs))
