"""Indices, writes, and functions that choose elements by conditions."""

import math

import numpy as np

from .. import compressed
from ..array import is_plain_index
from ..basis import Basis
from ..batch import VIEWING, Batched, Uncovered, batches
from ..compressed import DIAGONAL, Rows
from ..foreign import NUMBERS
from ..layout import arranged, order_in_memory, shown
from ..primitives import astype, getitem, is_basic, scatter
from ..scalars import ARRAY
from ..tracer import anywhere, dtype_of, innermost, shape_of
from ..writing import put
from .axes import from_end, of_first


def _behind(index):
    """An index for arrays with the hidden axis first."""
    return (slice(None), *(index if isinstance(index, tuple) else (index,)))


def _adds_axes(index):
    """Whether an index adds an axis, along which the elements are then repeated."""
    return index is None or (type(index) is tuple and None in index)


@batches(getitem)
def _getitem(batch, a, index):
    if not is_plain_index(index) and innermost((index,)) is batch:
        return _by_batched(batch, a, index)
    if is_basic(index):
        behind = _behind(index)
        if a.tag is DIAGONAL and type(index) is int and a.ndim == 1 and (whole := batch.numbers(a)) is not None:
            return Batched(batch, whole[behind])
        if type(a.tag) is Rows and (a := batch.compressed(a, grows=_adds_axes(index))).tag is not DIAGONAL:
            return batch.sparse(a.value[behind], compressed.broadcast(a.tag.rows, shape_of(a.value))[behind])
        return Batched(batch, a.dense()[behind])
    if type(a.tag) is Rows and (y := batch.moved(_getitem, (a, index), {})) is not None:
        return y
    if type(index) is np.ndarray and (index.dtype.kind in "iu" or index.shape == a.shape[: index.ndim]):
        return _as_of_one(getitem, batch, batch.batched(getitem(a.dense(), (slice(None), index))), a, index)
    places = getitem(_places(a.shape), index)
    flat = a.dense().reshape((batch.size, a.size))
    y = batch.batched(getitem(flat, (slice(None), np.ravel(places))).reshape((batch.size, *places.shape)))
    return _as_of_one(getitem, batch, y, a, index)


def _as_of_one(function, batch, y, a, *args, **kwargs):
    """``y`` as ``function(a, …)`` of one example lies in memory, on which it depends what is a view of it."""
    if not batch.views or len(y.shape) < 2:
        return y
    return arranged(y, order_in_memory(function(np.zeros_like(shown(a)), *args, **kwargs), "K"))


VIEWING.add(getitem)


def _places(shape):
    return np.arange(math.prod(shape)).reshape(shape)


def _by_batched(batch, a, index):
    """Each example by an index of its own, of integers and whole axes before them."""
    entries = index if isinstance(index, tuple) else (index,)
    whole = 0
    while type(entries[whole]) is slice and entries[whole] == slice(None):
        whole += 1
    entries = entries[whole:]
    if any(isinstance(e, (slice, list, bool)) or e is None or e is Ellipsis for e in entries):
        raise Uncovered
    if any(dtype_of(e).kind not in "iu" for e in entries):
        raise Uncovered
    lead = range(whole)
    ndim = max(len(shape_of(e)) for e in entries)
    entries = [batch.lifted(e, ndim) for e in entries]
    if batch.owns(a):
        value = np.moveaxis(a.dense(), [i + 1 for i in lead], range(-whole, 0)) if whole else a.dense()
        entries = [np.arange(batch.size).reshape((-1,) + (1,) * ndim), *entries]
    else:
        value = np.moveaxis(a, lead, range(-whole, 0)) if whole else a
    y = getitem(value, tuple(entries))
    return batch.batched(np.moveaxis(y, range(-whole, 0), [i + 1 for i in lead]) if whole else y)


def _rows_and_places(batch, places):
    """An index of flat arrays for what stands at these places of each."""
    if batch.owns(places):
        return np.arange(batch.size)[:, None], places.dense().reshape((batch.size, -1))
    return slice(None), np.ravel(places)


@batches(scatter)
def _scatter(batch, g, index, shape):
    of_all = innermost((index,)) is batch
    if not of_all and is_basic(index):
        index = _behind(index)
        if type(g.tag) is Rows and (g := batch.compressed(g)).tag is not DIAGONAL:
            parts = g.value, compressed.broadcast(g.tag.rows, shape_of(g.value))
            return batch.sparse(*(scatter(part, index, (len(part), *shape)) for part in parts))
        return batch.batched(scatter(g.dense(), index, (batch.size, *shape)))
    places = getitem(_places(shape), index)
    at = _rows_and_places(batch, places)
    g = batch.whole(g).reshape((batch.size, math.prod(shape_of(places))))
    return Batched(batch, scatter(g, at, (batch.size, math.prod(shape))).reshape((batch.size, *shape)))


def _put_compressed(batch, a, index, v):
    """Zero written into a compressed batch, or one into zeros; None for anything else."""
    found = batch.all_compressed((a, v)) if isinstance(batch, Basis) else None
    if found is None or None not in found:
        return None
    behind, (into, what) = _behind(index), found
    if what is None:
        return Batched(batch, put(into[0], behind, 0), Rows(into[1]))
    region = np.empty(shape_of(a), bool)[index].shape
    if len(shape_of(v)) > len(region):
        return None
    value, rows = (compressed.lifted(x, len(region)) for x in what)
    parts = [compressed.broadcast(x, (len(rows), *region)) for x in (astype(value, dtype_of(a)), rows)]
    return batch.sparse(*(scatter(x, behind, (len(rows), *shape_of(a))) for x in parts))


@batches(put)
def _put(batch, a, index, v):
    of_all = innermost((index,)) is batch
    if type(v) in NUMBERS:
        number = np.zeros((), a.dtype)
        number[()] = v  # which NumPy converts, or raises, where it casts an array
        v = number[()]
    if batch.owns(index) and index.dtype.kind == "b":
        if shape_of(v):
            raise Uncovered
        mask = index.reshape(index.shape + (1,) * (len(a.shape) - index.ndim))
        return np.copy(np.where(mask, astype(v, a.dtype), a))
    if not of_all and is_basic(index) and (y := _put_compressed(batch, a, index, v)) is not None:
        return y
    value = whole = batch.whole(a)
    if not of_all and is_basic(index):
        shape = np.shape(np.empty(a.shape, bool)[index])
        index = _behind(index)
    else:
        places = getitem(_places(a.shape), index)
        shape = shape_of(places)
        index = _rows_and_places(batch, places)
        value = value.reshape((batch.size, a.size))
    if len(shape_of(v)) > len(shape):
        raise Uncovered
    v = batch.lifted(v, len(shape))
    if not is_basic(index):
        v = np.broadcast_to(v, (batch.size, *shape)).reshape((batch.size, math.prod(shape)))
    y = put(value, index, v)
    if value is not whole:
        y = arranged(y.reshape((batch.size, *a.shape)), (0, *(1 + i for i in order_in_memory(a, "K"))))
    return Batched(batch, y, None if a.shape else ARRAY)


@batches(np.take_along_axis)
def _take_along_axis(batch, arr, indices, axis=-1):
    if axis is None or len(shape_of(arr)) != len(shape_of(indices)):
        raise Uncovered
    axis = from_end(axis, len(shape_of(arr)))
    return Batched(batch, np.take_along_axis(batch.whole(arr), batch.whole(indices), axis))


@batches(np.where)
def _where(batch, condition, *ab):
    if len(ab) != 2:
        raise Uncovered
    if isinstance(batch, Basis) and (y := batch.chosen(condition, *ab)) is not None:
        return y
    return batch.elementwise(np.where, (condition, *ab))


def _elementwise(function):
    batches(function)(lambda batch, *args, **kwargs: batch.elementwise(function, args, kwargs))


for _function in (np.isclose, np.isreal, np.iscomplex, np.isposinf, np.isneginf):
    _elementwise(_function)


def _of_each(function):
    """A function of each element of its first argument."""

    @batches(function)
    @of_first
    def rule(batch, a, *args, **kwargs):
        y = Batched(batch, function(a.dense(), *args, **kwargs))
        return _as_of_one(function, batch, y, a, *args, **kwargs) if function in (np.round, np.around) else y


for _function in (np.real, np.imag, np.round, np.around, np.fix, np.isin, np.interp, np.digitize):
    _of_each(_function)


_FEW = 1 << 22  # comparisons of all examples


@batches(np.searchsorted)
def _searchsorted(batch, a, v, side="left", sorter=None):
    if sorter is not None:
        raise Uncovered
    if not batch.owns(a):
        return Batched(batch, np.searchsorted(a, v.dense(), side))
    if batch.size * a.size * math.prod(shape_of(v)) > _FEW:
        raise Uncovered
    before = (np.less if side == "left" else np.less_equal)(a, np.asarray(v, like=a)[..., None])
    unordered = anywhere(np.isnan(a)) or anywhere(np.isnan(v)) or anywhere(np.less(a[1:], a[:-1]))
    if side not in ("left", "right") or unordered:
        raise Uncovered
    return np.sum(before, -1)


@batches(np.polyval)
def _polyval(batch, p, x):
    if not batch.owns(p):
        return Batched(batch, np.polyval(p, x.dense()))
    if isinstance(x, np.poly1d):
        raise Uncovered
    y = np.zeros_like(x)
    for k in range(p.shape[0]):
        y = y * x + p[k]
    return y


@batches(np.vander)
@of_first
def _vander(batch, x, N=None, increasing=False):
    if x.ndim != 1:
        raise Uncovered
    count = x.size if N is None else N
    value = astype(x.dense(), np.promote_types(x.dtype, int))[..., None]
    factors = np.broadcast_to(value, (batch.size, x.size, max(count - 1, 0)))
    y = np.cumprod(np.concatenate([np.ones_like(value), factors], -1), -1)[..., :count]
    return Batched(batch, y if increasing else np.copy(y[..., ::-1], "C"))


@batches(np.bincount)
def _bincount(batch, x, weights=None, minlength=0):
    """Counts by one list of places, or by lists with the same largest place."""
    places = batch.whole(x)
    if weights is None or type(places) is not np.ndarray or not places.size or places.ndim != 2 or (places < 0).any():
        raise Uncovered
    counts = np.maximum(places.max(1) + 1, minlength)
    if len(shape_of(weights)) != 1 or (counts != counts[0]).any():
        raise Uncovered
    at = np.arange(batch.size)[:, None], places
    return Batched(batch, scatter(astype(batch.whole(weights), np.dtype(float)), at, (batch.size, int(counts[0]))))
