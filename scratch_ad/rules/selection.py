"""Sorting, and the statistics that pick elements by order; of equal elements the first counts as the smaller."""

import numpy as np

from ..layout import arranged, order_in_memory
from ..primitives import astype
from ..rule import composite, with_value
from ..tracer import any_known, arrayed, kind_of, strip
from ..tree import typed
from .reductions import along_axes, rows


def _sort(a, axis=-1, kind=None, order=None, *, stable=None):
    np.sort(np.empty((0,)), -1, kind, order, stable=stable)  # for its checks
    if axis is None:
        a, axis = np.ravel(a), 0
    order = np.argsort(a, axis, kind="stable")
    return a[order] if a.ndim == 1 else arranged(np.take_along_axis(a, order, axis), "K", a)


def _partition(a, kth, axis=-1, kind="introselect", order=None):
    """NumPy's own arrangement, found by rank: an element of the result is as far in order as one of ``a``."""
    if axis is None:
        a, axis = np.ravel(a), 0
    result = np.partition(strip(a), kth, axis, kind)
    rank = np.argsort(np.argsort(result, axis, kind="stable"), axis)
    places = np.take_along_axis(np.argsort(a, axis, kind="stable"), rank, axis)
    return arranged(np.take_along_axis(a, places, axis), "K", a)


def _or_nan(r):
    """Rows, of one nan where they have no element."""
    return r if r.shape[-1] else np.zeros((*r.shape[:-1], 1), r.dtype, like=kind_of(r)) + np.nan


def _median(skip_nan):
    def body(a, axis=None, out=None, overwrite_input=False, keepdims=False):
        a = typed(a)
        lanes = _or_nan(rows(a, axis))
        long = skip_nan and a.ndim > 1 and lanes.shape[-1] >= 600  # of which NumPy takes one after another
        order = order_in_memory(lanes[..., :1], "C" if long else "K")
        r = np.sort(lanes)
        n = _lengths(r, skip_nan)
        middle = np.concatenate([(n - 1) // 2, n // 2], -1)
        y = np.mean(_pick(r, middle, n), -1, keepdims=True)
        return _finish(y, r, (), a.shape, axis, keepdims, skip_nan, order)

    return body


# Where a quantile q of n sorted elements lies: the places of two of them, and the fraction of the way between (None for
# the first alone). R. J. Hyndman and Y. Fan, Sample quantiles in statistical packages (1996), and NumPy's own four.


def _between(place, n):
    """With a slope in q at an element, too: that of its right side, at the last one of its left."""
    low = np.floor(place) - np.equal(place, n - 1)
    return low, low + 1, place - low


def _virtual(alpha, beta):
    return lambda n, q: _between(n * q + (alpha + q * (1 - alpha - beta)) - 1, n)


def _only(rounded):
    return lambda n, q: (rounded((n - 1) * q), None, None)


def _closest(place):
    """The next element, of two at the same distance the one with an even number, counted from one."""
    low = np.floor(place)
    stay = np.logical_and(np.equal(place, low), np.equal(low % 2, 1))
    return np.where(stay, low, low + 1)


def _averaged(place):
    low = np.floor(place)
    return low, low + 1, np.where(np.equal(low, place), 0.5, 1.0)


_PLACES = {
    "inverted_cdf": lambda n, q: (np.ceil(n * q - 1), None, None),
    "averaged_inverted_cdf": lambda n, q: _averaged(n * q - 1),
    "closest_observation": lambda n, q: (_closest(n * q - 1 - 0.5), None, None),
    "interpolated_inverted_cdf": _virtual(0, 1),
    "hazen": _virtual(0.5, 0.5),
    "weibull": _virtual(0, 0),
    "linear": lambda n, q: _between((n - 1) * q, n),
    "median_unbiased": _virtual(1 / 3, 1 / 3),
    "normal_unbiased": _virtual(3 / 8, 3 / 8),
    "lower": _only(np.floor),
    "higher": _only(np.ceil),
    "midpoint": lambda n, q: (np.floor((n - 1) * q), np.ceil((n - 1) * q), 0.5),
    "nearest": _only(np.rint),
}


def _quantile(skip_nan, scale=1):
    def body(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
        np.quantile(np.ones(1), 0.5, method=method, weights=None if weights is None else np.ones(1))  # for its checks
        a, weak = typed(a), type(q) in (int, float)
        q = arrayed(q, a) / scale
        if a.dtype.kind == "c":
            raise TypeError("a must be an array of real numbers")
        if any_known(np.logical_not(np.logical_and(np.greater_equal(q, 0), np.less_equal(q, 1)))):
            name = "Quantiles" if scale == 1 else "Percentiles"
            raise ValueError(f"{name} must be in the range [0, {scale}]")
        if q.ndim > 2:
            raise ValueError("q must be a scalar or 1d")
        r = _or_nan(rows(a, axis))
        order = np.argsort(r, -1, kind="stable")
        r = np.take_along_axis(r, order, -1)
        n, flat = astype(_lengths(r, skip_nan), q.dtype), np.reshape(q, -1)
        if weights is not None and a.size:
            weights = np.broadcast_to(along_axes(typed(weights), a, axis), a.shape)
            y = _pick(r, _weighted_places(r, np.take_along_axis(rows(weights, axis), order, -1), flat, skip_nan), n)
        else:
            low, high, fraction = _PLACES[method](n, flat)
            y = _pick(r, low, n)
            if high is not None:
                end = _pick(r, high, n)
                rise = end - y
                if weak and a.dtype.kind == "f":
                    fraction = astype(fraction, a.dtype)
                y = np.where(np.greater_equal(fraction, 0.5), end - rise * (1 - fraction), y + rise * fraction)
        outwards = range(r.ndim - 1)
        order = (*outwards, r.ndim - 1) if skip_nan else (r.ndim - 1, *outwards)
        return _finish(y, r, q.shape, a.shape, axis, keepdims, skip_nan, order)

    return body


def _weighted_places(r, weights, q, skip_nan):
    """The first place in each of the sorted rows ``r`` by which ``weights``, in their order, reach the share ``q``."""
    weights = strip(weights)
    if any_known(np.less(weights, 0)):
        raise ValueError("Weights must be non-negative.")
    nan = np.isnan(r)
    cdf = np.cumsum(np.where(nan, 0, weights) if skip_nan else weights, -1, float)
    cdf = cdf / cdf[..., -1:]
    if any_known(np.logical_and(np.isnan(cdf), np.logical_not(nan))):
        raise ValueError("Weights included NaN, inf or were all zero.")
    cdf = astype(np.where(np.equal(cdf, 0), -1, cdf), q.dtype)
    places = [np.searchsorted(row, strip(q)) for row in np.reshape(cdf, (-1, cdf.shape[-1]))]
    return np.reshape(np.stack(places), (*cdf.shape[:-1], len(q)))


def _lengths(r, skip_nan):
    """How many elements of each row count, in a last axis of one; those come first in the sorted rows ``r``."""
    if not skip_nan:
        return np.array([r.shape[-1]], like=kind_of(r))
    return np.sum(np.logical_not(np.isnan(r)), -1, keepdims=True)


def _pick(r, places, n):
    """The elements at ``places`` of the sorted rows ``r``; beyond the ``n`` that count, the nearest."""
    places = np.maximum(np.minimum(places, n - 1), 0).astype(int)
    return np.take_along_axis(r, np.broadcast_to(places, (*r.shape[:-1], places.shape[-1])), -1)


def _finish(y, r, q_shape, shape, axis, keepdims, skip_nan, order):
    """``y``, with one entry per q in its last axis, nan in rows with a nan, in the shape that NumPy gives.

    ``order``: its axes from the slowest to the fastest in the memory of NumPy's result.
    """
    if not skip_nan:
        y = np.where(np.isnan(r[..., -1:]), np.nan, y)
    keepdims = keepdims is not np._NoValue and bool(keepdims)
    reduced = np.sum(np.empty(shape), axis, keepdims=keepdims).shape
    y = np.moveaxis(arranged(y, order), -1, 0).reshape(q_shape + reduced)
    return y if y.ndim else y[()]


# Sets. Of equal elements the first is the one that is selected; indices, inverses and counts are plain.


def _unique(
    ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True, sorted=True
):
    plain = np.unique(strip(ar), True, return_inverse, return_counts, axis, equal_nan=equal_nan)
    first = plain[1]
    if not (sorted or return_index or return_inverse or return_counts) and axis is None:  # an order of NumPy's own
        first = first[np.argsort(np.argsort(np.unique(strip(ar), equal_nan=equal_nan, sorted=False)))]
    values = np.ravel(ar)[first] if axis is None else np.moveaxis(arranged(np.moveaxis(ar, axis, 0)[first]), 0, axis)
    result = (values, *plain[1 if return_index else 2 :])
    return result if len(result) > 1 else values


def _array_api_unique(function, **returned):
    """The functions of the Array API, whose results are named tuples."""
    names = type(function(np.ones(1)))
    return lambda x, /: names(*np.unique(x, **returned, equal_nan=False))


def _distinct(ar, assume_unique):
    """The elements of a set in the order in which NumPy looks at them, and where they stand."""
    ar = typed(ar)
    return (np.ravel(ar), np.arange(ar.size)) if assume_unique else np.unique(ar, return_index=True)


def _intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    (values1, index1), (values2, index2) = _distinct(ar1, assume_unique), _distinct(ar2, assume_unique)
    both = np.concatenate([values1, values2])
    order = np.argsort(strip(both), kind="stable")
    ordered = strip(both)[order]
    twice = np.equal(ordered[1:], ordered[:-1])
    values, first, second = both[order[:-1][twice]], order[:-1][twice], order[1:][twice] - len(values1)
    return (values, index1[first], index2[second]) if return_indices else values


def _union1d(ar1, ar2):
    return np.unique(np.concatenate((ar1, ar2), axis=None))


def _setdiff1d(ar1, ar2, assume_unique=False):
    values, _ = _distinct(ar1, assume_unique)
    return values[np.isin(values, ar2, assume_unique=True, invert=True)]


def _setxor1d(ar1, ar2, assume_unique=False):
    values = np.concatenate([_distinct(ar, assume_unique)[0] for ar in (ar1, ar2)])
    _, index, counts = np.unique(strip(values), return_index=True, return_counts=True)
    return values[index[counts == 1]]


composite(np.sort, _sort, with_value)
composite(np.sort_complex, lambda a: np.sort(astype(a, np.result_type(a.dtype, np.complex128))), with_value)
composite(np.partition, _partition, with_value)
composite(np.median, _median(False))
composite(np.nanmedian, _median(True), with_value)
composite(np.quantile, _quantile(False), with_value)
composite(np.nanquantile, _quantile(True), with_value)
composite(np.percentile, _quantile(False, 100), with_value)
composite(np.nanpercentile, _quantile(True, 100), with_value)
composite(np.unique, _unique, with_value)
composite(np.unique_values, lambda x, /: np.unique(x, equal_nan=False, sorted=False))
composite(np.unique_counts, _array_api_unique(np.unique_counts, return_counts=True))
composite(np.unique_inverse, _array_api_unique(np.unique_inverse, return_inverse=True))
composite(
    np.unique_all,
    _array_api_unique(np.unique_all, return_index=True, return_inverse=True, return_counts=True),
)
composite(np.intersect1d, _intersect1d, with_value)
composite(np.union1d, _union1d)
composite(np.setdiff1d, _setdiff1d, with_value)
composite(np.setxor1d, _setxor1d, with_value)
