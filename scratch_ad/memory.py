"""How plain arrays lie in memory: copies that lie as their originals, gaps and directions included."""

import math

import numpy as np


def duplicate(a):
    """A copy of a plain array with its strides, which decide later on what is a view and what a copy.

    It is read-only where elements of ``a`` are the same memory.
    """
    if a.flags.forc:
        return a.copy("K")
    if is_repeated(a):
        return np.broadcast_to(duplicate(a[tuple(slice(None if s else 1) for s in a.strides)]), a.shape)
    copy = empty_as(a, a.dtype)
    copy[...] = a
    return copy


def is_repeated(a):
    """Whether several elements of the plain array ``a`` are the same memory, as those of np.broadcast_to."""
    return any(s == 0 and n > 1 for n, s in zip(a.shape, a.strides))


def written_out(a):
    """A copy of a plain array with memory for each element, whole copies of what it repeats one after another."""
    axes = sorted(range(a.ndim), key=lambda i: (a.strides[i] != 0, -abs(a.strides[i])))
    copy = np.empty([a.shape[i] for i in axes], a.dtype).transpose(sorted(range(a.ndim), key=axes.__getitem__))
    copy[...] = a
    return copy


def spread_out(a, shape):
    """``np.broadcast_to(a, shape)`` of a plain array of as many axes, at a tenth of its cost."""
    if not a.flags.c_contiguous:
        return np.broadcast_to(a, shape)
    view = np.ndarray(shape, a.dtype, a, 0, tuple([0 if m == 1 else s for m, s in zip(a.shape, a.strides)]))
    view.flags.writeable = False
    return view


def empty_as(a, dtype):
    """An array of the shape and memory layout of the plain array ``a``, gaps and directions included."""
    if a.flags.forc or not a.size or is_repeated(a):
        return np.empty_like(a, dtype, subok=False)
    dtype = np.dtype(dtype)
    return empty_by(a.shape, dtype, [s * dtype.itemsize // a.itemsize for s in a.strides])


def empty_by(shape, dtype, strides):
    """An array of this shape and dtype that lies in memory by these strides."""
    ends = [(n - 1) * s for n, s in zip(shape, strides, strict=True)] if math.prod(shape) else []
    before, behind = sum(-end for end in ends if end < 0), sum(end for end in ends if end > 0)
    return np.ndarray(shape, dtype, np.empty(before + behind + dtype.itemsize, np.uint8), before, strides)


_FEW, _SPARSE = 256, 4  # numbers that are added, and places for each of them, from which on it does not pay
_AT_A_TIME = 1 << 16  # places that are listed at a time


def add_at(out, index, g):
    """``np.add.at(out, index, g)`` of plain arrays: the same sums in the same order.

    NumPy is several times as quick along one axis, so that of several the places in memory are listed.
    """
    if g.size < _FEW or out.ndim < 2 or not out.flags.c_contiguous:
        np.add.at(out, index, g)
        return
    entries, shape, flat = index if isinstance(index, tuple) else (index,), out.shape, out.reshape(-1)
    if all(type(e) is np.ndarray and e.dtype.kind in "iu" for e in entries):
        rest = math.prod(shape[len(entries) :])  # numbers at each place
        several = len(entries) > 1
        places = np.ravel_multi_index(entries, shape[: len(entries)], "wrap") if several else entries[0]
        places, g, within = places.astype(np.intp).reshape(-1, 1), g.reshape(-1, rest), np.arange(rest)
        step = max(1, _AT_A_TIME // rest)
        for k in range(0, len(places), step):
            np.add.at(flat, (places[k : k + step] * rest + within).reshape(-1), g[k : k + step].reshape(-1))
    elif out.size <= _SPARSE * g.size:
        np.add.at(flat, np.arange(out.size).reshape(shape)[index].reshape(-1), g.reshape(-1))
    else:
        np.add.at(out, index, g)
