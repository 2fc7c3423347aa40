"""Functions that rearrange, repeat, join and split arrays."""

import itertools
import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..constants import created
from ..layout import arranged, laid_out, order_in_memory, shown
from ..memory import is_repeated
from ..primitives import astype, scatter
from ..registry import rule_of
from ..rule import Explicit, composite, explicit, linear, primitive
from ..tracer import Tracer, arrayed, each, kind_of, strip
from ..tree import typed


def along(axis, entry):
    """The index that takes ``entry`` along ``axis``, which is not negative."""
    return (slice(None),) * axis + (entry,)


# Another shape.


def _settled(a, order):
    """An ``order`` A or K as C or F, or of K the axes of ``a`` from the slowest to the fastest."""
    plain = shown(a)
    if order == "K" and plain is not None and is_repeated(plain):
        a = np.positive(plain)  # which goes over it in ravel's order, where a copy has another
    axes = order_in_memory(a, order)
    inwards = tuple(range(len(axes)))
    return "C" if axes == inwards else "F" if axes == inwards[::-1] else axes


class InOrder(Explicit):
    """Of functions with an ``order``: where it is A or K, the memory layout of the array decides, not its tangent's."""

    def __init__(self, function, place, jvp, vjp):
        super().__init__(function, (jvp,), (vjp,))
        self.place = place

    def push(self, function, i, args, y, kwargs=None):
        if kwargs or len(args) > self.place:
            args, kwargs = self.settled(args, kwargs)
        return super().push(function, i, args, y, kwargs)

    def pull(self, i, args, y, wrt, kwargs=None):
        if kwargs or len(args) > self.place:
            args, kwargs = self.settled(args, kwargs)
        return super().pull(i, args, y, wrt, kwargs)

    def settled(self, args, kwargs):
        if kwargs and kwargs.get("order", "C") not in ("C", "F"):
            kwargs = kwargs | {"order": _settled(args[0], kwargs["order"])}
        if len(args) > self.place and args[self.place] not in ("C", "F"):
            args = [*args]
            args[self.place] = _settled(args[0], args[self.place])
        return args, kwargs


def _ravel(a, order):
    return np.ravel(a, order) if isinstance(order, str) else np.ravel(np.transpose(a, order))


def _unravel(g, shape, order):
    if isinstance(order, str):
        return g.reshape(shape, order=order)
    return np.transpose(g.reshape([shape[i] for i in order]), _inverse(order, len(order)))


rule_of[np.reshape] = InOrder(
    np.reshape,
    2,
    lambda t, _y, a, shape, order="C", copy=None: np.reshape(t, shape, order=order),
    lambda g, _y, _a, shape, order="C", copy=None: g.reshape(_a.shape, order=order),
)
rule_of[np.ravel] = InOrder(
    np.ravel,
    1,
    lambda t, _y, a, order="C": _ravel(t, order),
    lambda g, _y, _a, order="C": _unravel(g, _a.shape, order),
)
linear(np.expand_dims, lambda g, _a, axis: g.reshape(_a.shape))
linear(np.squeeze, lambda g, _a, axis=None: g.reshape(_a.shape))
linear(np.broadcast_to, lambda g, _array, shape, subok=False: g)
linear(np.copy, lambda g, _a, order="K", subok=False: g)
explicit(laid_out, jvp=lambda t, _y, _a, axes: t, vjp=lambda g, _y, _a, axes: g)


def _full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    if not isinstance(fill_value, Tracer):
        return created(np.full_like(strip(a), fill_value, dtype, order, subok, shape, device=device))
    placed = {} if device is None else {"device": device}
    y = created(np.zeros_like(strip(a), dtype, order, subok, shape, **placed))
    if not isinstance(y, Tracer):  # another library's array, into which no tracer can be written
        return astype(np.copy(np.broadcast_to(fill_value, y.shape)), y.dtype)
    y[...] = fill_value
    return y


def _atleast(ndim, expand):
    def one(a):
        a = typed(a)
        return a if a.ndim >= ndim else a.reshape(expand(a.shape))

    return lambda *arys: one(arys[0]) if len(arys) == 1 else tuple(map(one, arys))


composite(np.full_like, _full_like)
composite(np.atleast_1d, _atleast(1, lambda shape: (1,)))
composite(np.atleast_2d, _atleast(2, lambda shape: (1,) * (2 - len(shape)) + shape))
composite(np.atleast_3d, _atleast(3, lambda shape: {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[len(shape)]))


def _broadcast_arrays(*args, subok=False):
    args = list(map(typed, args))
    shape = np.broadcast_shapes(*(a.shape for a in args))
    return tuple(a if a.shape == shape else np.broadcast_to(a, shape) for a in args)


def _meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    places = list(range(len(xi)))
    if indexing == "xy":
        places[:2] = places[1::-1]
    grids = [np.reshape(x, (1,) * k + (-1,) + (1,) * (len(xi) - k - 1)) for x, k in zip(xi, places, strict=True)]
    grids = tuple(grids) if sparse else np.broadcast_arrays(*grids)
    return tuple(np.copy(grid, "C") for grid in grids) if copy else grids


def _ix(*args):
    args = [x if isinstance(x, Tracer) else np.ix_(x)[0] for x in args]
    if any(x.ndim != 1 for x in args):
        raise ValueError("Cross index must be 1 dimensional")
    args = [np.nonzero(x)[0] if x.dtype == bool else x for x in args]
    return np.meshgrid(*args, copy=False, sparse=True, indexing="ij")


composite(np.broadcast_arrays, _broadcast_arrays)
composite(np.ix_, _ix)
composite(np.meshgrid, _meshgrid)


# Another dtype.

cast = linear(primitive(astype.__wrapped__), lambda g, _a, dtype: g)


def _astype(a, dtype):
    kind = np.dtype(dtype).kind
    if kind in "iub":
        return astype(strip(a), dtype)
    if kind not in "fcV":  # bfloat16 is of kind V
        raise TypeError(
            f"astype: an array of dtype {np.dtype(dtype)} cannot be differentiated; keep a real or complex dtype."
        )
    return cast(a, dtype)


composite(astype, _astype)
composite(np.astype, lambda x, dtype, /, *, copy=True, device=None: x.astype(dtype, copy=copy))


# Another order.


def _inverse(axes, ndim):
    axes = [i % ndim for i in axes]
    return sorted(range(ndim), key=axes.__getitem__)


def _negative(shift):
    return each(np.negative, shift) if isinstance(shift, (tuple, list)) else np.negative(shift)


def _rollaxis(a, axis, start=0):
    axis = normalize_axis_index(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


# fmt: off
linear(np.transpose,        lambda g, _a, axes=None: np.transpose(g, axes and _inverse(axes, g.ndim)))
linear(np.matrix_transpose, lambda g, _x: np.matrix_transpose(g))
linear(np.swapaxes,         lambda g, _a, axis1, axis2: np.swapaxes(g, axis1, axis2))
linear(np.moveaxis,         lambda g, _a, source, destination: np.moveaxis(g, destination, source))
linear(np.flip,             lambda g, _m, axis=None: np.flip(g, axis))
linear(np.roll,             lambda g, _a, shift, axis=None: np.roll(g, _negative(shift), axis))
linear(np.rot90,            lambda g, _m, k=1, axes=(0, 1): np.rot90(g, -k, axes))
linear(np.tril,             lambda g, _m, k=0: np.tril(g, k))
linear(np.triu,             lambda g, _m, k=0: np.triu(g, k))
composite(np.rollaxis,      _rollaxis)
composite(np.fliplr,        lambda m: np.flip(m, 1))
composite(np.flipud,        lambda m: np.flip(m, 0))
# fmt: on


# Diagonals.


def _undiagonal(g, _a, offset=0, axis1=0, axis2=1):
    """Zeros, with ``g`` on a diagonal."""
    i = np.arange(g.shape[-1])
    if _a.ndim == 2 and axis1 == 0:
        return scatter(g, (i + max(-offset, 0), i + max(offset, 0)), _a.shape)
    axis1, axis2 = normalize_axis_tuple((axis1, axis2), _a.ndim)
    index = [slice(None)] * _a.ndim
    index[axis1], index[axis2] = i + max(-offset, 0), i + max(offset, 0)
    between = (
        abs(axis1 - axis2) == 1
    )  # whether the result of advanced indexing has its new axis in place, else in front
    g = np.moveaxis(g, -1, min(axis1, axis2) if between else 0)
    return scatter(g, tuple(index), _a.shape)


def _diag_transpose(g, _v, k=0):
    return np.diagonal(g, k) if _v.ndim == 1 else _undiagonal(g, _v, k)


def _trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    which = () if (offset, axis1, axis2) == (0, 0, 1) else (offset, axis1, axis2)
    return np.sum(np.diagonal(a, *which), axis=-1, dtype=dtype)


linear(np.diagonal, _undiagonal)
linear(np.diag, _diag_transpose)
linear(np.diagflat, lambda g, _v, k=0: np.diagonal(g, k).reshape(_v.shape))
composite(np.trace, _trace)


# Repetition.


def _tile(A, reps):
    reps = (reps,) if np.ndim(reps) == 0 else tuple(n + 0 for n in reps)  # which may be booleans
    ndim = max(len(reps), A.ndim)
    shape, reps = (1,) * (ndim - A.ndim) + A.shape, (1,) * (ndim - len(reps)) + reps
    repeated = np.broadcast_to(
        A.reshape([n for size in shape for n in (1, size)]), [n for pair in zip(reps, shape, strict=True) for n in pair]
    )
    y = repeated.reshape([r * size for r, size in zip(reps, shape, strict=True)])
    if math.prod(reps) == 1:
        return np.copy(y)
    return np.copy(y, "C") if y.size == A.size else arranged(y)


def _repeat(a, repeats, axis=None):
    if axis is None or not a.ndim:
        a, axis = np.ravel(a), axis or 0
    axis = normalize_axis_index(axis, a.ndim)
    if np.ndim(repeats):
        return np.take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis)
    before, after = a.shape[: axis + 1], a.shape[axis + 1 :]
    repeated = np.broadcast_to(a.reshape(*before, 1, *after), (*before, repeats, *after))
    y = repeated.reshape(*before[:-1], before[-1] * repeats, *after)
    return np.copy(y, "C") if y.size == a.size else arranged(y)


def _resize(a, new_shape):
    new_shape = (new_shape,) if np.ndim(new_shape) == 0 else tuple(new_shape)
    size = math.prod(new_shape)
    if a.size == 0 or size == 0:
        return np.zeros(new_shape, a.dtype, like=kind_of(a))
    a = np.copy(np.ravel(a)) if size == a.size else np.concatenate([np.ravel(a)] * -(-size // a.size))[:size]
    return a.reshape(new_shape)


composite(np.tile, _tile)
composite(np.repeat, _repeat)
composite(np.resize, _resize)


# Joining.


def _split_along(g, *_arrays, axis):
    """The pieces of ``g`` that came from each of the concatenated arrays."""
    axis, pieces, start = axis % g.ndim, [], 0
    for a in _arrays:
        pieces.append(g[along(axis, slice(start, start + a.shape[axis]))])
        start += a.shape[axis]
    return pieces


def _unstack_along(g, *_arrays, axis):
    return [g[along(axis % g.ndim, k)] for k in range(len(_arrays))]


@primitive
def join(*arrays, axis):
    """``np.concatenate``, with the arrays as arguments."""
    return np.concatenate(arrays, axis)


@primitive
def pile(*arrays, axis):
    """``np.stack``, with the arrays as arguments."""
    return np.stack(arrays, axis)


linear(join, _split_along, jointly=True)
linear(pile, _unstack_along, jointly=True)


def _of_dtype(arrays, dtype, casting):
    arrays = list(map(typed, arrays))
    if dtype is None:
        return arrays
    for a in arrays:
        np.empty(0, a.dtype).astype(dtype, casting=casting)  # for its checks
    return [astype(a, np.dtype(dtype)) for a in arrays]


def _concatenate(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    arrays = _of_dtype(arrays, dtype, casting)
    return join(*map(np.ravel, arrays), axis=0) if axis is None else join(*arrays, axis=axis)


def _block(arrays):
    def depth(x):
        return 1 + max(map(depth, x)) if isinstance(x, list) else 0

    def leaves(x):
        return [leaf for e in x for leaf in leaves(e)] if isinstance(x, list) else [typed(x)]

    levels = depth(arrays)
    ndim = max(levels, *(a.ndim for a in leaves(arrays)))

    def join(x, level):
        if isinstance(x, list):
            return np.concatenate([join(e, level - 1) for e in x], -level)
        x = typed(x)
        return x.reshape((1,) * (ndim - x.ndim) + x.shape)

    return join(arrays, levels) if levels else np.copy(join(arrays, 0), order="K")


def _column_stack(tup):
    return np.concatenate([a if a.ndim > 1 else a.reshape(-1, 1) for a in map(typed, tup)], 1)


def _hstack(tup, *, dtype=None, casting="same_kind"):
    arrays = [np.atleast_1d(a) for a in tup]
    return np.concatenate(arrays, 0 if arrays[0].ndim == 1 else 1, dtype=dtype, casting=casting)


composite(np.concatenate, _concatenate)
composite(
    np.stack,
    lambda arrays, axis=0, out=None, *, dtype=None, casting="same_kind": pile(
        *_of_dtype(arrays, dtype, casting), axis=axis
    ),
)
composite(
    np.vstack,
    lambda tup, *, dtype=None, casting="same_kind": np.concatenate(
        [np.atleast_2d(a) for a in tup], dtype=dtype, casting=casting
    ),
)
composite(np.hstack, _hstack)
composite(np.dstack, lambda tup: np.concatenate([np.atleast_3d(a) for a in tup], 2))
composite(np.column_stack, _column_stack)
composite(np.block, _block)


# Splitting.


def _unsplit(g, _ary, indices_or_sections, axis=0):
    """The pieces joined again; where they overlap, as cuts that are not in order make them, each added in its place."""
    axis, n = normalize_axis_index(axis, _ary.ndim), _ary.shape[axis]
    if sum(piece.shape[axis] for piece in g) == n:
        return np.concatenate(g, axis)
    cuts = itertools.pairwise([0, *indices_or_sections, n])
    return sum(scatter(piece, along(axis, slice(*cut)), _ary.shape) for piece, cut in zip(g, cuts, strict=True))


def _axis_split(name, least, axis):
    def body(ary, indices_or_sections):
        if ary.ndim < least:
            raise ValueError(f"{name} only works on arrays of {least} or more dimensions")
        return np.split(ary, indices_or_sections, axis(ary))

    return body


linear(np.array_split, _unsplit)
linear(np.split, _unsplit)
linear(np.unstack, lambda g, _x, axis=0: np.stack(g, axis))
composite(np.hsplit, _axis_split("hsplit", 1, lambda ary: min(1, ary.ndim - 1)))
composite(np.vsplit, _axis_split("vsplit", 2, lambda ary: 0))
composite(np.dsplit, _axis_split("dsplit", 3, lambda ary: 2))


# Insertion and removal.


def _append(arr, values, axis=None):
    arr, values = arrayed(arr, values), arrayed(values, arr)
    return np.concatenate([np.ravel(arr), np.ravel(values)] if axis is None else [arr, values], axis or 0)


def _delete(arr, obj, axis=None):
    order = order_in_memory(arr, "A")
    if axis is None:
        arr, order, axis = np.ravel(arr), "C", 0
    axis = normalize_axis_index(axis, arr.ndim)
    kept = np.delete(np.arange(arr.shape[axis]), obj)
    y = arr[along(axis, kept)]
    one = np.size(obj) == 1 and np.asarray(obj).dtype.kind in "iu"
    return arranged(y, order) if one or isinstance(obj, slice) else y  # a mask or a list is an index to NumPy, too


def _insert(arr, obj, values, axis=None):
    arr, values = typed(arr), typed(values)
    order = order_in_memory(arr, "A")
    if axis is None:
        arr, order, axis = np.ravel(arr), "C", 0
    axis = normalize_axis_index(axis, arr.ndim)
    n, values = arr.shape[axis], astype(values, arr.dtype)
    places = np.insert(np.arange(n), obj, -1)  # -1 stands for an inserted element
    if places.size == n + 1:  # at one place all values go in
        values = values.reshape((1,) * (arr.ndim - values.ndim) + values.shape)
        values = np.moveaxis(values, 0, axis) if np.ndim(obj) == 0 and not isinstance(obj, slice) else values
        new = values.shape[axis]
    else:
        new = places.size - n
    values = values.reshape(values.shape[max(values.ndim - arr.ndim, 0) :])
    values = np.broadcast_to(values, (*arr.shape[:axis], new, *arr.shape[axis + 1 :]))
    places = np.insert(np.arange(n), obj, np.arange(n, n + new))
    return arranged(np.take(np.concatenate([arr, values], axis), places, axis), order)


composite(np.append, _append)
composite(np.delete, _delete)
composite(np.insert, _insert)


# Padding, one axis after another, as NumPy does it.

_LISTS = {list, tuple, np.ndarray}
_statistics = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


def _pairs(x, ndim):
    """``x``, given once, as (before, after), or for each axis, as one (before, after) per axis."""
    single = lambda x: not isinstance(x, (list, tuple)) and np.ndim(x) == 0
    x = [x] if single(x) else list(x)
    pairs = [list(x)] if single(x[0]) else list(map(list, x))
    pairs = [pair * 2 if len(pair) == 1 else pair for pair in pairs]
    return pairs * ndim if len(pairs) == 1 else pairs


def _pad(array, pad_width, mode="constant", **kwargs):
    array = typed(array)
    if mode == "empty" or callable(mode):
        raise NotImplementedError(
            f"np.pad: mode {mode!r} has no derivative; use 'constant' or join pieces with np.concatenate."
        )
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - array.ndim, 0)) for i in range(array.ndim)]
        pad_width = [(w, w) if np.ndim(w) == 0 else w for w in pad_width]
    options = {k: v if k in ("reflect_type", "stat_length") else 1 for k, v in kwargs.items()}
    np.pad(np.zeros([min(n, 1) for n in array.shape]), pad_width, mode, **options)  # for its checks
    option = next(iter(kwargs.values()), None)
    option = 0 if option is None and mode in ("constant", "linear_ramp") else option
    several = type(option) in _LISTS and len(option) > 1 and type(option[0]) in _LISTS
    options = _pairs(option, array.ndim)
    if mode == "linear_ramp" and not several:  # of several NumPy makes Python's numbers
        options = [list(map(typed, pair)) for pair in options]
    order = order_in_memory(array, "A")
    array = np.copy(array)  # NumPy's result is never the argument itself
    for axis, (width, pair) in enumerate(zip(_pairs(pad_width, array.ndim), options, strict=True)):
        if any(width):
            array = _pad_axis(array, axis, *map(int, width), mode, pair)
    return arranged(array, order)


def _pad_axis(array, axis, before, after, mode, option):
    """``array`` padded along one axis; ``option`` has the values, lengths or kind of reflection of both ends."""
    n = array.shape[axis]
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and (option[0] != "odd" or n == 1)):
        return np.take(array, np.pad(np.arange(n), (before, after), mode), axis)
    if mode in ("reflect", "symmetric"):
        return _pad_oddly(array, axis, before, after, int(mode == "reflect"))

    def end(width, value, near, edge):
        if mode == "constant":
            fill = astype(arrayed(value, array), array.dtype)
        elif mode == "linear_ramp":
            stop = np.squeeze(array[along(axis, edge)], axis)
            fill = np.linspace(value, stop, width, endpoint=False, dtype=array.dtype, axis=axis)
        else:
            fill = _statistics[mode](array[along(axis, near(value))], axis, keepdims=True)
            fill = astype(np.round(fill) if array.dtype.kind in "iu" else fill, array.dtype)
        return np.broadcast_to(fill, (*array.shape[:axis], width, *array.shape[axis + 1 :]))

    left = end(before, option[0], lambda m: slice(m), slice(0, 1))
    right = end(after, option[1], lambda m: slice(m and max(n - m, 0), None), slice(n - 1, None))
    return np.concatenate([left, array, np.flip(right, axis) if mode == "linear_ramp" else right], axis)


def _pad_oddly(array, axis, before, after, skip):
    """Reflection through the edge elements, again and again where the width is larger than the array."""
    while before or after:
        n = array.shape[axis]
        left, right = min(before, n - skip), min(after, n - skip)
        first, head = (array[along(axis, slice(*s))] for s in ((0, 1), (skip, skip + left)))
        last, tail = (array[along(axis, slice(*s))] for s in ((n - 1, n), (n - skip - right, n - skip)))
        array = np.concatenate([2 * first - np.flip(head, axis), array, 2 * last - np.flip(tail, axis)], axis)
        before, after = before - left, after - right
    return array


composite(np.pad, _pad)


# Windows, and functions applied along axes.


def _unwindow(g, _x, window_shape, axis=None, *, subok=False, writeable=False):
    axes = normalize_axis_tuple(range(_x.ndim) if axis is None else axis, _x.ndim, allow_duplicate=True)
    places = [np.arange(n).reshape((-1,) + (1,) * (g.ndim - i - 1)) for i, n in enumerate(g.shape)]
    index = places[: _x.ndim]
    for i, within in zip(axes, places[_x.ndim :], strict=True):
        index[i] = index[i] + within
    return scatter(g, tuple(index), _x.shape)


def _apply_along_axis(func1d, axis, arr, *args, **kwargs):
    arr = typed(arr)
    axis = normalize_axis_index(axis, arr.ndim)
    lead = arr.shape[:axis] + arr.shape[axis + 1 :]
    if not math.prod(lead):
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    lanes = np.moveaxis(arr, axis, -1).reshape(math.prod(lead), arr.shape[axis])
    results = [typed(func1d(lane, *args, **kwargs)) for lane in lanes]
    inner = results[0]
    y = astype(np.stack(results), inner.dtype).reshape(lead + inner.shape)
    return np.moveaxis(y, range(len(lead), y.ndim), range(axis, axis + inner.ndim))


def _apply_over_axes(func, a, axes):
    for axis in [axes] if np.ndim(axes) == 0 else axes:
        axis = axis + a.ndim if axis < 0 else axis
        y = func(a, axis)
        y = y if y.ndim == a.ndim else np.expand_dims(y, axis)
        if y.ndim != a.ndim:
            raise ValueError("function is not returning an array of the correct shape")
        a = y
    return a


linear(np.lib.stride_tricks.sliding_window_view, _unwindow)
composite(np.apply_along_axis, _apply_along_axis)
composite(np.apply_over_axes, _apply_over_axes)
