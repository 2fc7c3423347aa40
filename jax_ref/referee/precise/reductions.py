"""Reductions, which need more than NumPy's own algorithm on objects."""

import numpy as np
from mpmath import mpf

from .tracer import FUNCTIONS, IDENTITIES, UFUNCS, as_numbers, dtype_among, wrapped


def _reduction(ufunc):
    def reduce(a, axis=None, dtype=None, out=None, keepdims=False, initial=np._NoValue, where=True):
        axis = tuple(axis) if isinstance(axis, list) else axis
        keywords = {"keepdims": keepdims is True, "where": True if where is np._NoValue else where}
        if initial is not np._NoValue and initial is not None:
            keywords["initial"] = as_numbers(initial, a.dtype).value[()]
        elif ufunc in IDENTITIES:
            keywords["initial"] = mpf(IDENTITIES[ufunc])
        return wrapped(UFUNCS[ufunc].reduce(a.value, axis, **keywords), dtype_among([a], {"dtype": dtype}))

    return reduce


def _extremum(ufunc):
    reduce = _reduction(ufunc)
    return lambda a, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True: reduce(
        a, axis, None, None, keepdims, initial, where
    )


def _mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    count = np.sum(np.broadcast_to(where, a.shape), axis, keepdims=keepdims is True)
    return np.sum(a, axis, dtype, None, keepdims is True, where=where) / count


def _accumulation(ufunc):
    def accumulate(a, axis=None, dtype=None, out=None):
        a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
        return wrapped(UFUNCS[ufunc].accumulate(a.value, axis), dtype_among([a], {"dtype": dtype}))

    return accumulate


def _truths(function):
    return lambda a, *args, **kwargs: function(np.not_equal(a, 0), *args, **kwargs)


FUNCTIONS |= {
    np.all: _truths(np.all),
    np.any: _truths(np.any),
    np.count_nonzero: _truths(np.count_nonzero),
    np.nonzero: _truths(np.nonzero),
    np.flatnonzero: _truths(np.flatnonzero),
    np.argwhere: _truths(np.argwhere),
    np.sum: _reduction(np.add),
    np.prod: _reduction(np.multiply),
    np.max: _extremum(np.maximum),
    np.min: _extremum(np.minimum),
    np.amax: _extremum(np.maximum),
    np.amin: _extremum(np.minimum),
    np.mean: _mean,
    np.cumsum: _accumulation(np.add),
    np.cumprod: _accumulation(np.multiply),
}
