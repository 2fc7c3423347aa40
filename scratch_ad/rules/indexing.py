"""Indexing and its transpose, and the functions that pick elements by index or condition."""

import functools
import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from .. import chain
from ..array import is_plain_index
from ..layout import arranged
from ..primitives import astype, getitem, of_item, scatter
from ..registry import rule_of
from ..rule import Linear, composite, linear
from ..tracer import answers, arrayed, gathered, kind_of, strip, taken
from ..tree import typed
from ..views import is_view
from .grids import kind
from .shaping import along


class Item(Linear):
    """Of ``getitem``: a tangent that is a tracer answers a plain index sooner than the function finds that out."""

    def push(self, function, i, args, y, kwargs=None) -> tuple:
        if is_plain_index(args[1]):
            return chain.through, operator.getitem, args[1:]
        return super().push(function, i, args, y, kwargs)


rule_of[getitem] = Item(getitem, (of_item,))
linear(scatter, lambda g, _g, index, shape: getitem(g, index))


def _trim_zeros(filt, trim="fb", axis=None):
    """By an index, in every kind of number: what a view shows must not depend on what is written into it."""
    filt = typed(filt)
    if not filt.ndim:
        return filt
    axes = range(filt.ndim) if axis is None else normalize_axis_tuple(axis, filt.ndim)
    index = [slice(None)] * filt.ndim
    for i, places in enumerate(np.nonzero(filt)):
        if i in axes:
            first, last = (_known(places.min()), _known(places.max()) + 1) if places.size else (0, 0)
            index[i] = slice(
                first if "f" in trim.lower() else None, last if "b" in trim.lower() or not places.size else None
            )
    return filt[tuple(index)]


def _known(place):
    """A place as a plain number; TypeError where the examples of a batch differ."""
    place = taken(place)
    if not np.ndim(place):
        return place
    if np.any(place != place.flat[0]):
        raise TypeError("np.trim_zeros leaves other lengths of the examples of a batch: trim them one by one.")
    return place.flat[0]


answers[np.trim_zeros] = _trim_zeros


def _take(a, indices, axis=None, out=None, mode="raise"):
    a, indices = typed(a), arrayed(gathered(indices))
    np.take(np.empty(1), np.empty(0, int), mode=mode)  # for its checks
    indices = indices.astype(int) if indices.dtype.kind == "b" or not indices.size else indices
    if axis is None:
        a, axis = np.ravel(a), 0
    a = a if a.ndim else np.reshape(a, 1)  # a number has an axis 0 here
    axis = normalize_axis_index(axis, a.ndim)
    if mode == "wrap":
        indices = indices % a.shape[axis]
    elif mode == "clip":
        indices = np.clip(indices, 0, a.shape[axis] - 1)
    y = arranged(a[along(axis, indices)])
    return np.copy(y) if is_view(y) else y  # of a single number


def _compress(condition, a, axis=None, out=None):
    condition = strip(condition)
    np.compress(condition, np.zeros(np.size(condition), like=kind_of(condition)))  # for its checks
    return np.take(a, np.flatnonzero(condition), axis)


def _take_along_axis(arr, indices, axis=-1):
    if axis is None:
        return np.ravel(arr)[indices]
    axis = normalize_axis_index(axis, arr.ndim)
    if np.ndim(indices) != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    index = [np.arange(n).reshape((-1,) + (1,) * (arr.ndim - i - 1)) for i, n in enumerate(arr.shape)]
    index[axis] = indices
    return arr[tuple(index)]


def _choose(a, choices, out=None, mode="raise"):
    dtype, n = np.result_type(*map(kind, choices)), len(choices)
    choices = [astype(typed(x), dtype) for x in choices]
    a, *choices = np.broadcast_arrays(arrayed(a, choices[0]), *choices)
    if mode == "raise" and np.any(np.logical_or(np.less(a, 0), np.greater_equal(a, n))):
        raise ValueError("invalid entry in choice array")
    a = np.mod(a, n) if mode == "wrap" else np.clip(a, 0, n - 1)
    chosen = functools.reduce(lambda y, k: np.where(np.equal(a, k), choices[k], y), range(1, n), choices[0])
    return arranged(chosen if n > 1 else np.copy(chosen))


composite(np.take, _take)
composite(np.take_along_axis, _take_along_axis)
composite(np.choose, _choose)
composite(np.compress, _compress)
composite(np.extract, lambda condition, arr: np.take(arr, np.flatnonzero(condition)))
