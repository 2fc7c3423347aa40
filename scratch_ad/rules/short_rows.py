"""Reductions over a short last axis, of which NumPy makes a loop of its own for each row: the same numbers, sooner."""

import numpy as np

from ..chain import has_nan

_REAL = {np.dtype(np.float32), np.dtype(np.float64)}
_ROWS, _LENGTH = 100, 16  # from so many rows on, and up to this length, it pays


def _has_short_rows(a, axis):
    """Whether a plain array has many rows along ``axis``, each of few elements."""
    last = a.ndim - 1
    if last < 1 or not (axis == last or axis == -1):
        return False
    n = a.shape[last]
    return 0 < n <= _LENGTH and a.size >= _ROWS * n and a.flags.c_contiguous


def reduced(ufunc):
    """``ufunc.reduce`` of a plain array, as np.sum, np.max and np.min do it: all rows at once where that is the same.

    Of two numbers there is but one sum. Of several zeros, or nans, it depends on the order which one is the largest.
    """

    def reduced(a, axis, dtype, out, keepdims):
        if axis is not None and a.dtype in _REAL and _has_short_rows(a, axis) and (not adds or a.shape[-1] == 2):
            y = np.empty((*a.shape[:-1], 1) if keepdims else a.shape[:-1], a.dtype)
            ufunc.reduce(np.ascontiguousarray(a.reshape(-1, a.shape[-1]).T), 0, None, y.reshape(-1))
            if adds or (y.all() and not has_nan(y)):
                return y
        return ufunc.reduce(a, axis, dtype, out, keepdims)

    adds = ufunc is np.add
    return reduced


def counts(mask, axis, dtype):
    """How many are true along ``axis``, which is kept: np.sum of an array of booleans, as real numbers."""
    if type(mask) is np.ndarray and _has_short_rows(mask, axis):
        n = mask.shape[-1]
        return mask.reshape(-1, n).astype(dtype).dot(np.ones(n, dtype)).reshape(*mask.shape[:-1], 1)
    return np.sum(mask, axis, dtype, keepdims=True)
