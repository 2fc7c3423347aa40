"""Histograms: linear in the weights, piecewise constant in the data but for edges that lie at their extremes."""

import numpy as np

from ..primitives import astype, getitem, scatter
from ..rule import composite, linear, with_value
from ..tracer import any_known, arrayed, kind_of, strip
from ..tree import typed
from .grids import kind


def edges(a, number, range=None):
    """The edges of ``number`` equal bins between the extremes of ``a``, or of ``range``."""
    low, high = range if range is not None else (np.min(a), np.max(a)) if a.size else (0, 1)
    if any_known(np.logical_not(np.logical_and(np.isfinite(low), np.isfinite(high)))):
        raise ValueError(f"autodetected range of [{strip(low)}, {strip(high)}] is not finite")
    low, high = arrayed(low, a), arrayed(high, a)
    none = np.equal(low, high)
    low, high = np.where(none, low - 0.5, low), np.where(none, high + 0.5, high)
    dtype = np.result_type(a.dtype, *(kind(x) for x in range or ()))
    return np.linspace(low, high, number + 1, dtype=dtype if dtype.kind == "f" else np.result_type(dtype, float))


def _bin_edges(a, bins=10, range=None, weights=None):
    a = typed(a)
    if isinstance(bins, str):
        return edges(a, len(np.histogram_bin_edges(strip(a), bins, strip(range), strip(weights))) - 1, range)
    like = np.arange(2.0 if np.ndim(bins) == 0 else 1.0, like=kind_of(a))
    plain = np.histogram_bin_edges(like, strip(bins), strip(range))  # for its checks
    return edges(a, len(plain) - 1, range) if np.ndim(bins) == 0 else typed(bins)


def _totals(sample, edges, weights):
    """The sum of the weights in each bin; the last bin of a row includes its right edge."""
    places = []
    for x, e in zip(map(strip, sample), map(strip, edges), strict=True):
        places.append(np.where(np.equal(x, e[-1]), len(e) - 1, np.searchsorted(e, x, "right")))
    weights = np.zeros(places[0].shape, int, like=kind_of(places[0])) + 1 if weights is None else weights
    return scatter(weights, tuple(places), tuple(len(e) + 1 for e in edges))


def _inside(n):
    """The totals of the bins, without those of what lies outside."""
    return n[(slice(1, -1),) * n.ndim]


def _density(n, edges):
    y = n
    for axis, e in enumerate(edges):
        y = y / np.reshape(astype(np.diff(e), np.dtype(float)), (-1,) + (1,) * (n.ndim - axis - 1))
    return y / np.sum(n)


def _histogram(a, bins=10, range=None, density=None, weights=None):
    a, weights = typed(a), None if weights is None else typed(weights)
    if weights is not None and weights.shape != a.shape:
        raise ValueError("weights should have the same shape as a.")
    e = np.histogram_bin_edges(a, bins, range, weights)
    n = _inside(_totals([np.ravel(a)], [e], None if weights is None else np.ravel(weights)))
    return _density(n, [e]) if density else n, e


def _histogramdd(sample, bins=10, range=None, density=None, weights=None):
    if isinstance(sample, (list, tuple)) or sample.ndim != 2:
        sample = np.atleast_2d(np.stack(sample)).T
    columns = [sample[:, i] for i in np.arange(sample.shape[1])]
    bins = bins if hasattr(bins, "__len__") else [bins] * len(columns)
    if len(bins) != len(columns):
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    range = [None] * len(columns) if range is None else range
    if len(range) != len(columns):
        raise ValueError("range argument must have one entry per dimension")
    e = [np.histogram_bin_edges(x, b, r) for x, b, r in zip(columns, bins, range, strict=True)]
    n = _inside(astype(_totals(columns, e, None if weights is None else typed(weights)), np.dtype(float)))
    return _density(n, e) if density else n, e


def _histogram2d(x, y, bins=10, range=None, density=None, weights=None):
    if len(x) != len(y):
        raise ValueError("x and y must have the same length.")
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):
        bins = [bins, bins]
    n, (x_edges, y_edges) = np.histogramdd([x, y], bins, range, density, weights)
    return n, x_edges, y_edges


linear(np.bincount, None, lambda g, x, _weights, minlength=0: getitem(g, x))
composite(np.histogram_bin_edges, _bin_edges, with_value)
composite(np.histogram, _histogram, with_value)
composite(np.histogramdd, _histogramdd, with_value)
composite(np.histogram2d, _histogram2d, with_value)
