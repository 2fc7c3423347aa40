"""Reductions along short axes, of which NumPy makes a loop of its own for each few numbers: the same ones, sooner.

The short axes are copied to the front, some thousand numbers at a time, so that long ones are left behind them.
"""

import math

import numpy as np

from ..chain import has_nan

_REAL = {np.dtype(np.float32), np.dtype(np.float64)}
_ROWS, _LENGTH = 100, 16  # from so many rows on, and up to this length, it pays
_BEHIND = 32  # numbers that lie together behind the axes, of which NumPy's own loops are long
_BLOCK = 1 << 15  # numbers that are copied at a time


def short_axes(shape, size, axis):
    """``axis`` as a tuple, if along it an array of this shape has many rows of few elements each; None if not."""
    ndim, last = len(shape), len(shape) - 1
    if size < 2 * _ROWS or ndim < 2:
        return None
    if axis == last or axis == -1:
        return (last,) if 1 < shape[last] <= _LENGTH and size >= _ROWS * shape[last] else None
    given = axis if type(axis) is tuple else (axis,)
    if not {int}.issuperset(map(type, given)):
        return None
    axes = tuple(sorted({k % ndim for k in given if -ndim <= k < ndim}))
    if not 0 < len(given) == len(axes) < ndim:  # of which NumPy has to tell, or all
        return None
    length = math.prod([shape[k] for k in axes])
    few = 1 < length <= _LENGTH and size >= _ROWS * length and math.prod(shape[axes[-1] + 1 :]) < _BEHIND
    return axes if few else None


def _along(ufunc, a, axes, dtype, keepdims):
    """``ufunc.reduce`` along these axes."""
    if axes[0] == a.ndim - 1:
        shape, rows = a.shape[:-1] + (1,) * keepdims, a.reshape(-1, a.shape[-1]).T
    else:
        shape = [1 if k in axes else n for k, n in enumerate(a.shape) if keepdims or k not in axes]
        rows = a.transpose(*axes, *(k for k in range(a.ndim) if k not in axes))
    y = np.empty(shape, dtype)
    flat = y.reshape(-1)
    if a.size <= _BLOCK:
        ufunc.reduce(rows.copy().reshape(-1, y.size), 0, dtype, flat)
        return y
    count = rows.shape[len(axes)]  # of the first axis that is kept
    step, each = max(1, _BLOCK * count // a.size), y.size // count
    for start in range(0, count, step):
        part = flat[start * each : (start + step) * each]
        block = rows[(slice(None),) * len(axes) + (slice(start, start + step),)].copy()
        ufunc.reduce(block.reshape(-1, part.size), 0, dtype, part)
    return y


def extremum(ufunc):
    """``ufunc.reduce`` of a plain array, as np.max and np.min do it: all rows at once where that is the same.

    Of several zeros, or nans, it depends on the order which one is the largest.
    """

    def extremum(a, axis, dtype=None, out=None, keepdims=False):
        plain = axis is not None and a.dtype in _REAL and a.flags.c_contiguous
        if plain and (axes := short_axes(a.shape, a.size, axis)):
            y = _along(ufunc, a, axes, a.dtype, keepdims)
            if (y.all() or not _has_negative_zeros(a)) and not has_nan(y):
                return y
        return ufunc.reduce(a, axis, dtype, out, keepdims)

    return extremum


largest, least = extremum(np.maximum), extremum(np.minimum)


def total(a, axis, dtype=None, out=None, keepdims=False):
    """``np.add.reduce`` of a plain array: of two numbers there is but one sum."""
    last = a.ndim - 1
    many = last > 0 and a.shape[last] == 2 and a.size >= 2 * _ROWS and (axis == last or axis == -1)
    if many and a.dtype in _REAL and a.flags.c_contiguous:
        return _along(np.add, a, (last,), a.dtype, keepdims)
    return np.add.reduce(a, axis, dtype, out, keepdims)


def _has_negative_zeros(a):
    integers = np.dtype(f"i{a.itemsize}")
    return bool(np.equal(a.view(integers), np.iinfo(integers).min).any())


def counts(mask, axis, dtype):
    """How many are true along ``axis``, which is kept: np.sum of an array of booleans, as real numbers."""
    plain = type(mask) is np.ndarray and mask.flags.c_contiguous
    if plain and axis is not None and (axes := short_axes(mask.shape, mask.size, axis)):
        return _along(np.add, mask.view(np.int8), axes, np.int8, True).astype(dtype)
    return np.sum(mask, axis, dtype, keepdims=True)
