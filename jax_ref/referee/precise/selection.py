"""What depends on the order of the numbers: sorting, searching, bins."""

import itertools

import mpmath
import numpy as np
from mpmath import mpf

from scratch_ad import primitives
from scratch_ad.rules.histograms import edges
from scratch_ad.tracer import each, innermost

from .tracer import FUNCTIONS, Precise, as_array, as_numbers, object_of, wrapped


def _ranks(*arrays, nan_last=True):
    """Integers in the same order as the numbers of all arrays together."""
    values = [object_of(as_numbers(as_array(a), np.dtype(np.complex128))) for a in arrays]
    keys = [[_order(x, nan_last) for x in v.flat] for v in values]
    place = {key: i for i, key in enumerate(sorted(set(itertools.chain.from_iterable(keys))))}
    return [np.array([place[k] for k in ks], int).reshape(v.shape) for ks, v in zip(keys, values)]


def _order(x, nan_last):
    missing = bool(mpmath.isnan(x))
    return (missing == nan_last, mpf(0), mpf(0)) if missing else (not nan_last, x.real, x.imag)


def _by_rank(function, nan_last=True):
    """A function of the order alone."""
    return lambda a, *args, **kwargs: function(_ranks(a, nan_last=nan_last)[0], *args, **kwargs)


def _searchsorted(a, v, side="left", sorter=None):
    return np.searchsorted(*_ranks(a, v), side=side, sorter=sorter)


def _partition(a, kth, axis=-1, kind="introselect", order=None):
    (ranks,) = _ranks(a)
    values = dict(zip(ranks.flat, a.value.flat))
    y = np.partition(ranks, kth, axis, kind)
    return wrapped(np.array([values[r] for r in y.flat], object).reshape(y.shape), a.dtype)


def _unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, **_):
    plain = np.unique(_ranks(ar)[0], True, return_inverse, return_counts, axis)
    values = np.take(np.ravel(ar) if axis is None else ar, plain[1], axis or 0)
    result = (values, *plain[1 if return_index else 2 :])
    return result if len(result) > 1 else values


def _bin_edges(a, bins=10, range=None, weights=None):
    plain = np.histogram_bin_edges(_rounded(a), _rounded(bins), _rounded(range), _rounded(weights))
    return bins if isinstance(bins, Precise) else edges(a, len(plain) - 1, range)


def _rounded(x):
    """``x`` with NumPy's arrays in place of ``Precise``."""
    if isinstance(x, Precise):
        return x.value.astype(x.dtype)
    return each(_rounded, x) if isinstance(x, (tuple, list)) and innermost(x) is not None else x


def _bincount(x, weights=None, minlength=0):
    length = max(minlength, 1 + np.max(np.asarray(x), initial=-1))
    return primitives.scatter(weights, np.asarray(x), (length,))


FUNCTIONS |= {
    np.argmax: _by_rank(np.argmax),
    np.argmin: _by_rank(np.argmin, nan_last=False),
    np.nanargmax: _by_rank(np.argmax, nan_last=False),
    np.nanargmin: _by_rank(np.argmin),
    np.argsort: _by_rank(np.argsort),
    np.argpartition: _by_rank(np.argpartition),
    np.searchsorted: _searchsorted,
    np.partition: _partition,
    np.unique: _unique,
    np.histogram_bin_edges: _bin_edges,
    np.bincount: _bincount,
}
