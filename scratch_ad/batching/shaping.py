"""Functions that rearrange, repeat, join and split arrays, and those that ask for no more than shape and dtype."""

import math
import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..basis import MOVING, Basis
from ..batch import VIEWING, Batched, Uncovered, batches
from ..compressed import DIAGONAL, Rows, broadcast, lifted, of_as_many_parts
from ..constants import created
from ..layout import laid_out, shown
from ..memory import spread_out
from ..primitives import astype, detached
from ..rule import valued
from ..rules.grids import points
from ..rules.shaping import cast, join, pile
from ..scalars import ARRAY
from ..tracer import below_examples, shape_of, strip
from ..tree import is_inexact
from ..writing import cartesian, is_writeable
from .axes import from_end, of_first


def _shape(shape, size):
    """The shape that ``reshape`` is given, without -1."""
    try:
        shape = (operator.index(shape),)
    except TypeError:
        shape = tuple(map(operator.index, shape))
    known = -math.prod(shape)
    if -1 in shape and known > 0 and size % known == 0:
        shape = tuple(size // known if n == -1 else n for n in shape)
    if math.prod(shape) != size or -1 in shape:
        raise Uncovered
    return shape


def reshaped(batch, a, shape):
    """Each example in another shape; what is compressed remains so."""
    if a.tag is DIAGONAL:
        return Batched(batch, np.reshape(a.value, shape), DIAGONAL)
    if type(a.tag) is Rows:
        parts = shape_of(a.value)
        value, rows = (np.reshape(x, (parts[0], *shape)) for x in (a.value, broadcast(a.tag.rows, parts)))
        return Batched(batch, value, Rows(rows))
    return Batched(batch, np.reshape(a.dense(), (batch.size, *shape)))


def _transposed(batch, a, axes):
    return Batched(batch, np.transpose(a.dense(), (0, *(i + 1 for i in axes))))


def _reshape(batch, a, shape, order="C", copy=None):
    shape = _shape(shape, a.size)
    if order == "F":
        back = range(a.ndim)[::-1]
        a = reshaped(batch, _transposed(batch, a, back), shape[::-1])
        return _transposed(batch, a, range(len(shape))[::-1])
    if order != "C":
        raise Uncovered
    return reshaped(batch, a, shape)


batches(np.reshape)(of_first(_reshape))
batches(np.ravel)(of_first(lambda batch, a, order="C": _reshape(batch, a, (a.size,), order)))


@batches(np.transpose)
@of_first
def _transpose(batch, a, axes=None):
    axes = range(a.ndim)[::-1] if axes is None else [normalize_axis_index(i, a.ndim) for i in axes]
    if len(axes) != a.ndim:
        raise Uncovered
    return a if a.ndim < 2 and not batch.views else _transposed(batch, a, axes)


@batches(np.expand_dims)
@of_first
def _expand_dims(batch, a, axis):
    n = a.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    return reshaped(batch, a, np.expand_dims(np.empty(a.shape, bool), from_end(axis, n)).shape)


@batches(np.squeeze)
@of_first
def _squeeze(batch, a, axis=None):
    return reshaped(batch, a, np.squeeze(np.empty(a.shape, bool), axis).shape)


@batches(np.broadcast_to)
@of_first
def _broadcast_to(batch, a, shape, subok=False):
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if len(shape) < a.ndim:
        raise Uncovered
    if type(a.tag) is Rows and (a := batch.compressed(a, grows=True)).tag is not DIAGONAL:
        value, rows = (lifted(x, len(shape)) for x in (a.value, a.tag.rows))
        return batch.limited(broadcast(value, (shape_of(value)[0], *shape)), Rows(rows))
    value, shape = batch.lifted(a, len(shape)), (batch.size, *shape)
    if type(value) is np.ndarray and all(m in (1, n) for m, n in zip(value.shape, shape)):
        return Batched(batch, spread_out(value, shape))
    return Batched(batch, np.broadcast_to(value, shape))


def _of_axes(function, *defaults):
    """A function whose arguments after the first are axes."""

    @of_first
    def rule(batch, a, *axes, **named):
        axes = [from_end(axis, a.ndim) for axis in (*axes, *defaults[len(axes) + len(named) :])]
        named = {name: from_end(axis, a.ndim) for name, axis in named.items()}
        return batch.batched(function(a.dense(), *axes, **named))

    batches(function)(rule)


_of_axes(np.swapaxes)
_of_axes(np.moveaxis)
_of_axes(np.flip, None)
_of_axes(np.fft.fftshift, None)
_of_axes(np.fft.ifftshift, None)


@batches(np.matrix_transpose)
@of_first
def _matrix_transpose(batch, x):
    if x.ndim < 2:
        raise Uncovered
    return Batched(batch, np.matrix_transpose(x.dense()))


@batches(np.roll)
@of_first
def _roll(batch, a, shift, axis=None):
    if axis is not None:
        return Batched(batch, np.roll(a.dense(), shift, from_end(axis, a.ndim)))
    return reshaped(batch, Batched(batch, np.roll(reshaped(batch, a, (a.size,)).dense(), shift, 1)), a.shape)


@batches(np.rot90)
@of_first
def _rot90(batch, m, k=1, axes=(0, 1)):
    return Batched(batch, np.rot90(m.dense(), k, from_end(axes, m.ndim)))


def _triangle(function):
    @batches(function)
    @of_first
    def rule(batch, m, k=0):
        if m.ndim < 2:
            raise Uncovered
        return Batched(batch, function(m.dense(), k))


_triangle(np.tril)
_triangle(np.triu)


@batches(np.diagonal)
@of_first
def _diagonal(batch, a, offset=0, axis1=0, axis2=1):
    return Batched(batch, np.diagonal(a.dense(), offset, from_end(axis1, a.ndim), from_end(axis2, a.ndim)))


@batches(np.diag)
@of_first
def _diag(batch, v, k=0):
    if v.ndim == 2:
        return Batched(batch, np.diagonal(v.dense(), k, -2, -1))
    if v.ndim != 1 or not v.size:
        raise Uncovered
    n = v.size + abs(k)
    places = np.clip(np.arange(n) - max(k, 0), 0, v.size - 1)
    y = np.where(np.eye(n, k=k, dtype=bool), v.dense()[:, None, places], v.dtype.type(0))
    return Batched(batch, np.copy(y, "C") if batch.views else y)


batches(np.diagflat)(of_first(lambda batch, v, k=0: _diag(batch, reshaped(batch, v, (v.size,)), k)))


def _splitting(function):
    @batches(function)
    @of_first
    def rule(batch, ary, indices_or_sections, axis=0):
        return batch.batched(function(ary.dense(), indices_or_sections, from_end(axis, ary.ndim)))


batches(np.unstack)(
    of_first(lambda batch, x, axis=0: batch.batched(np.unstack(x.dense(), axis=from_end(axis, x.ndim))))
)
_splitting(np.split)
_splitting(np.array_split)


@batches(np.lib.stride_tricks.sliding_window_view)
@of_first
def _sliding_window_view(batch, x, window_shape, axis=None, **kwargs):
    windows = np.lib.stride_tricks.sliding_window_view
    if axis is None and np.size(window_shape) != x.ndim:
        raise Uncovered
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [from_end(i, x.ndim) for i in axes]  # perhaps the same twice
    shape = window_shape if isinstance(window_shape, (tuple, list)) else (window_shape,)
    return Batched(batch, windows(x.dense(), shape, axes, **kwargs))


@batches(np.copy)
@of_first
def _copy(batch, a, order="K", subok=False):
    tag = a.tag or (None if a.shape else ARRAY)
    if order in ("A", "K") or not a.ndim:
        return Batched(batch, a.value if is_writeable(a) else np.copy(a.value, order), tag)
    axes = range(1, a.ndim + 1)
    return Batched(batch, laid_out(a.dense(), (0, *(axes if order == "C" else axes[::-1]))))


@batches(laid_out)
@of_first
def _laid_out(batch, a, axes):
    return Batched(batch, laid_out(a.dense(), (0, *(i + 1 for i in axes))))


for _function in (astype, cast):
    batches(_function)(of_first(lambda batch, a, dtype: Batched(batch, astype(a.value, dtype), a.tag)))


@batches(detached)
@of_first
def _detached(batch, x):
    return Batched(batch, detached(x.value), x.tag)


@batches(valued)
def _valued(batch, y, value):
    return Batched(batch, valued(batch.whole(y), strip(batch.whole(value))))


VIEWING |= {
    *(np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.flip, np.rot90),
    *(np.expand_dims, np.squeeze, np.diagonal, np.diag, np.broadcast_to, np.split, np.array_split, np.unstack),
    *(np.real, np.imag, np.lib.stride_tricks.sliding_window_view, np.linalg.matrix_power),
}
MOVING |= {
    *(np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.flip, np.rot90, np.roll),
    *(np.diagonal, np.diag, np.tril, np.triu),
}


# Joining.


def _joining(function, axes):
    @batches(function)
    def rule(batch, *arrays, axis):
        axis = from_end(axis, len(shape_of(arrays[0])) + axes)
        if isinstance(batch, Basis) and (found := batch.all_compressed(arrays)) is not None:
            return batch.sparse(*(function(*parts, axis=axis) for parts in of_as_many_parts(found, arrays)))
        return Batched(batch, function(*map(batch.whole, arrays), axis=axis))


_joining(join, 0)
_joining(pile, 1)


@batches(points)
def _points(batch, start, stop, num, endpoint):
    ndim = max(len(shape_of(start)), len(shape_of(stop)))
    start, stop = batch.lifted(start, ndim), batch.lifted(stop, ndim)
    still = below_examples(np.equal(start, stop))
    if isinstance(still, np.ndarray) and still.any() and not still.all():
        raise Uncovered  # one that does not move makes NumPy divide later, for all
    y = points(start, stop, num=num, endpoint=endpoint)
    return Batched(batch, np.moveaxis(y, 0, 1))


@batches(cartesian)
def _cartesian(batch, a, b):
    return Batched(batch, cartesian(batch.whole(a), batch.whole(b)))


# Of shape and dtype alone.


def _stand_in(x):
    """A plain array, or number, of the same shape and dtype."""
    x = strip(x)
    if not isinstance(x, Batched):
        return x
    return np.zeros(x.shape, x.dtype) if x.shape else x.dtype.type(0)


def _of_shapes(function):
    batches(function)(lambda batch, *args, **kwargs: function(*map(_stand_in, args), **kwargs))


for _function in (np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type):
    _of_shapes(_function)
for _function in (np.iscomplexobj, np.isrealobj):
    _of_shapes(_function)


def _creating(function, make):
    @batches(function)
    @of_first
    def rule(batch, a, *args, **kwargs):
        one = shown(a) if batch.views else None
        laid = type(one) is np.ndarray and (one.shape, one.dtype) == (a.shape, a.dtype)
        y = make(one if laid else _stand_in(a), *args, **kwargs)
        if batch.views and type(y) is np.ndarray and y.dtype.kind in "iub":  # whole numbers of each example, too
            return Batched(batch, np.repeat(y[None], batch.size, 0))
        return created(y) if is_inexact(y) else y


for _function in (np.zeros_like, np.ones_like, np._core.umath._ones_like):
    _creating(_function, _function)
_creating(np.empty_like, np.zeros_like)  # the same in each run, as a compiled function has to find it
