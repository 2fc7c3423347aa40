"""Sorting, and the statistics that pick elements by order; of equal elements the first counts as the smaller."""

import numpy as np

from ..rule import composite
from ..tracer import astype, strip
from ..tree import typed
from .reductions import rows


def _sort(a, axis=-1, kind=None, order=None, *, stable=None):
    if axis is None:
        a, axis = np.ravel(a), 0
    return np.take_along_axis(a, np.argsort(a, axis, kind="stable"), axis)


def _partition(a, kth, axis=-1, kind="introselect", order=None):
    """NumPy's own arrangement, found by rank: an element of the result is as far in order as one of ``a``."""
    if axis is None:
        a, axis = np.ravel(a), 0
    result = np.partition(strip(a), kth, axis, kind)
    rank = np.argsort(np.argsort(result, axis, kind="stable"), axis)
    return np.take_along_axis(a, np.take_along_axis(np.argsort(a, axis, kind="stable"), rank, axis), axis)


def _median(skip_nan):
    def body(a, axis=None, out=None, overwrite_input=False, keepdims=False):
        a = typed(a)
        r = np.sort(rows(a, axis))
        n = _lengths(r, skip_nan)
        middle = np.concatenate([(n - 1) // 2, n // 2], -1)
        return _finish(np.mean(_pick(r, middle), -1, keepdims=True), r, (), a.shape, axis, keepdims, skip_nan)

    return body


def _quantile(skip_nan, scale=1):
    def body(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
        if method not in ("linear", "lower", "higher", "midpoint", "nearest") or weights is not None:
            raise NotImplementedError(
                "quantiles with weights, or by methods other than 'linear', 'lower', 'higher', 'midpoint', 'nearest', "
                "have no derivative rule; combine np.sort and np.take."
            )
        a = typed(a)
        q = (np.asarray(q, a.dtype) if type(q) in (int, float) else typed(q)) / scale
        if np.any(np.logical_or(np.less(q, 0), np.greater(q, 1))):
            raise ValueError("Quantiles must be in the range [0, 1]")
        r = np.sort(rows(a, axis))
        place = astype(_lengths(r, skip_nan) - 1, q.dtype) * np.reshape(q, -1)
        below, above = np.floor(place), np.ceil(place)
        if method in ("lower", "higher", "nearest"):
            y = _pick(r, {"lower": below, "higher": above, "nearest": np.rint(place)}[method])
        else:
            fraction = place - below if method == "linear" else astype((below != above) / 2, place.dtype)
            start, end = _pick(r, below), _pick(r, above)
            rise = end - start
            y = np.where(np.greater_equal(fraction, 0.5), end - rise * (1 - fraction), start + rise * fraction)
        return _finish(y, r, q.shape, a.shape, axis, keepdims, skip_nan)

    return body


def _lengths(r, skip_nan):
    """How many elements of each row count, in a last axis of one; those come first in the sorted rows ``r``."""
    if not skip_nan:
        return np.array([r.shape[-1]])
    return np.sum(np.logical_not(np.isnan(r)), -1, keepdims=True)


def _pick(r, places):
    places = np.maximum(places, 0).astype(int)
    return np.take_along_axis(r, np.broadcast_to(places, (*r.shape[:-1], places.shape[-1])), -1)


def _finish(y, r, q_shape, shape, axis, keepdims, skip_nan):
    """``y``, with one entry per q in its last axis, nan in rows with a nan, in the shape that NumPy gives."""
    if not skip_nan:
        y = np.where(np.isnan(r[..., -1:]), np.nan, y)
    reduced = np.sum(np.empty(shape), axis, keepdims=bool(keepdims)).shape
    return np.moveaxis(y, -1, 0).reshape(q_shape + reduced)


composite(np.sort, _sort)
composite(np.sort_complex, lambda a: np.sort(astype(a, np.result_type(a.dtype, np.complex64))))
composite(np.partition, _partition)
composite(np.median, _median(False))
composite(np.nanmedian, _median(True))
composite(np.quantile, _quantile(False))
composite(np.nanquantile, _quantile(True))
composite(np.percentile, _quantile(False, 100))
composite(np.nanpercentile, _quantile(True, 100))
