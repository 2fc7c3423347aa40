"""Functions along axes: sums, extrema, statistics, cumulative functions, sorting, Fourier transforms, norms."""

import math

import numpy as np

from ..batch import Batched, Uncovered, batches, by_name
from ..compressed import DIAGONAL, Rows
from ..rules.linalg.norms import p_norm
from ..rules.methods import length, log_sum
from ..rules.reductions import share_of_sum
from ..rules.shares import shares
from ..rules.short_rows import counts, largest, least
from ..tracer import shape_of
from .axes import axes_of, from_end, of_first
from .shaping import reshaped

_OVERWRITING = {np.median, np.nanmedian}  # their argument, if asked to


def _reduction(function):
    """A function ``(a, axis=None, …)`` of any number of axes, None for all."""

    @of_first
    def rule(batch, a, axis=None, *args, **kwargs):
        value = a.dense()
        if function in _OVERWRITING and (args or kwargs):
            value = np.copy(value)
        return batch.batched(function(value, from_end(axis, a.ndim), *args, **kwargs))

    return rule


def flat(batch, a):
    return reshaped(batch, a, (a.size,)).dense()


def _of_one_axis(function, default):
    """A function ``(a, axis=default, …)`` of one axis, None for the elements one after another."""

    @of_first
    def rule(batch, a, axis=default, *args, **kwargs):
        if axis is not None:
            return batch.batched(function(a.dense(), from_end(axis, a.ndim), *args, **kwargs))
        if kwargs.get("keepdims"):
            raise Uncovered
        return batch.batched(function(flat(batch, a), 1, *args, **kwargs))

    return rule


def _sum(function):
    """A sum or mean, of any number of axes."""

    @batches(function)
    @of_first
    def rule(batch, a, axis=None, dtype=None, out=None, keepdims=False, **kwargs):
        of_all = dtype is None and kwargs.keys() <= {"where"} and kwargs.get("where", True) is True
        if type(a.tag) is Rows and of_all and a.dtype.itemsize > 2:  # float16 is added in float32
            axes = range(a.ndim) if axis is None else axes_of(axis, a.ndim)
            if a.tag is DIAGONAL and axis is None and not keepdims:
                y = Batched(batch, np.ravel(a.value))
            else:
                y = batch.summed(a, axes, keepdims)
            if y is not None:
                return y if function is np.sum else y / math.prod(a.shape[i] for i in axes)
        value, axis = a.dense(), from_end(axis, a.ndim)
        if function is np.sum and a.dtype.kind == "b" and dtype is not None and keepdims and not kwargs:
            return batch.batched(counts(value, axis, dtype))
        return batch.batched(function(value, axis, dtype, out, keepdims, **kwargs))


def _extremum(function, of_short_rows):
    """``np.max`` or ``np.min``."""
    usual = _reduction(function)

    @batches(function)
    @of_first
    def rule(batch, a, axis=None, out=None, keepdims=False, *args, **kwargs):
        value = a.dense()
        if args or kwargs or type(value) is not np.ndarray or type(keepdims) is not bool:
            return usual(batch, a, axis, out, keepdims, *args, **kwargs)
        return batch.batched(of_short_rows(value, from_end(axis, a.ndim), keepdims=keepdims))


_sum(np.sum)
_sum(np.mean)
for _function, _of_short_rows in ((np.max, largest), (np.amax, largest), (np.min, least), (np.amin, least)):
    _extremum(_function, _of_short_rows)
for _function in (
    *(np.prod, np.var, np.std, np.median, np.ptp),
    *(np.nansum, np.nanprod, np.nanmax, np.nanmin, np.nanmean, np.nanvar, np.nanstd, np.nanmedian),
    *(np.all, np.any, np.count_nonzero),
):
    batches(_function)(_reduction(_function))
for _function in (np.argmax, np.argmin, np.nanargmax, np.nanargmin):
    batches(_function)(_of_one_axis(_function, None))
for _function in (np.cumsum, np.cumprod, np.nancumsum, np.nancumprod):
    batches(_function)(_of_one_axis(_function, None))
for _function in (np.sort, np.argsort):
    batches(_function)(_of_one_axis(_function, -1))
by_name |= {
    "scipy.special.softmax": _reduction,
    "scipy.special.log_softmax": _reduction,
}


def _partition(function):
    @batches(function)
    @of_first
    def rule(batch, a, kth, axis=-1, *args, **kwargs):
        if axis is None:
            return Batched(batch, function(flat(batch, a), kth, 1, *args, **kwargs))
        return Batched(batch, function(a.dense(), kth, from_end(axis, a.ndim), *args, **kwargs))


_partition(np.partition)
_partition(np.argpartition)


def _quantile(function):
    @batches(function)
    @of_first
    def rule(batch, a, q, axis=None, *args, weights=None, **kwargs):
        if weights is not None:
            raise Uncovered
        y = function(np.copy(a.dense()), q, from_end(axis, a.ndim), *args, **kwargs)
        y = np.moveaxis(y, np.ndim(q), 0)
        return Batched(batch, np.copy(y, "C") if batch.views and np.ndim(q) else y)


for _function in (np.quantile, np.percentile, np.nanquantile, np.nanpercentile):
    _quantile(_function)


@batches(np.unwrap)
@of_first
def _unwrap(batch, p, discont=None, axis=-1, **kwargs):
    return Batched(batch, np.unwrap(p.dense(), discont, from_end(axis, p.ndim), **kwargs))


def _reduceat(ufunc):
    @batches(ufunc.reduceat)
    @of_first
    def rule(batch, array, indices, axis=0, dtype=None):
        return Batched(batch, ufunc.reduceat(array.dense(), indices, from_end(axis, array.ndim), dtype))


for _function in (np.add, np.multiply, np.maximum, np.minimum):
    _reduceat(_function)

# Fourier transforms.


def _transform(function):
    @batches(function)
    @of_first
    def rule(batch, a, n=None, axis=-1, *args, **kwargs):
        return Batched(batch, function(a.dense(), n, from_end(axis, a.ndim), *args, **kwargs))


def _transform_of_axes(function, default):
    @batches(function)
    @of_first
    def rule(batch, a, s=None, axes=default, *args, **kwargs):
        if axes is None and s is not None:
            axes = range(-len(s), 0)
        if np.size(from_end(axes, a.ndim)) == 0:  # the argument itself, or an error
            function(np.zeros(a.shape), s, axes, *args, **kwargs)
            return a
        return Batched(batch, function(a.dense(), s, from_end(axes, a.ndim), *args, **kwargs))


for _name in ("fft", "ifft", "rfft", "irfft"):
    _transform(getattr(np.fft, _name))
    _transform_of_axes(getattr(np.fft, f"{_name}n"), None)
    _transform_of_axes(getattr(np.fft, f"{_name}2"), (-2, -1))


# What the rules call.


@batches(share_of_sum)
def _share_of_sum(batch, a, n, axis, dtype, keepdims, where):
    ndim = len(shape_of(a))
    axis = from_end(axis, ndim)
    n, where = (batch.lifted(x, ndim) for x in (n, where))
    return Batched(batch, share_of_sum(batch.whole(a), n, axis, dtype, keepdims, where))


@batches(shares)
def _shares(batch, a, b, axis, exp):
    ndim = max(len(shape_of(a)), len(shape_of(b)))
    return Batched(batch, shares(batch.lifted(a, ndim), batch.lifted(b, ndim), from_end(axis, ndim), exp))


@batches(log_sum)
@of_first
def _log_sum(batch, a, ufunc, axis, keepdims):
    return Batched(batch, log_sum(a.dense(), ufunc, from_end(axis, a.ndim), keepdims))


@batches(length)
@of_first
def _length(batch, a, axis, keepdims):
    return Batched(batch, length(a.dense(), from_end(axis, a.ndim), keepdims))


def _norm(function):
    @batches(function)
    @of_first
    def rule(batch, x, ord=None, axis=None, keepdims=False):
        if axis is not None or x.ndim == 1 or (x.ndim == 2 and ord is not None):
            return Batched(batch, function(x.dense(), ord, from_end(axis, x.ndim), keepdims))
        if ord is not None or keepdims:
            raise Uncovered
        return Batched(batch, function(flat(batch, x), None, 1, keepdims))


_norm(np.linalg.norm)
_norm(p_norm)
