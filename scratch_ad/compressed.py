"""Batches of which most is zero, compressed.

Such a batch of ``n`` examples is two arrays, ``value`` and ``rows``, of as many axes. The first axis of both counts
parts: the element ``e`` of the example ``i`` is the sum of ``value[k, e]`` over the parts ``k`` with
``rows[k, e] == i``. ``rows`` holds integers and broadcasts to the shape of ``value``. What moves elements moves those
of both; a sum along an axis adds what belongs to one example, or makes that axis one of parts; another batch is added
by appending its parts.
"""

import math

import numpy as np

from .memory import spread_out
from .primitives import astype, scatter
from .tracer import dtype_of, shape_of
from .writing import put


class Rows:
    """The tag of a batch that is compressed: which example each of its numbers belongs to."""

    __slots__ = ("rows",)

    def __init__(self, rows):
        self.rows = rows


DIAGONAL = Rows(None)  # of a value without an axis of parts: its i-th element belongs to the example i


def lifted(x, ndim):
    """``x`` with as many axes after the first as ``ndim``."""
    shape = shape_of(x)
    return x if len(shape) > ndim else x.reshape((shape[0],) + (1,) * (ndim + 1 - len(shape)) + shape[1:])


def is_same(rows, others):
    if rows is others or rows.shape != others.shape:
        return rows is others
    return not rows.size or (rows.item(-1) == others.item(-1) and bool((rows == others).all()))


def appended(x, y, rows, others):
    """The values and the rows of a sum of two, of as many axes each."""
    return _joined(x, y), _joined(rows, others)


def filled_in(x, y, rows, others, function):
    """The same without further parts, where all that ``y`` holds goes where ``x`` holds zeros; else None."""
    n = len(others)
    if not type(x) is type(y) is np.ndarray or not x.shape[1:] == y.shape[1:] == rows.shape[1:] == others.shape[1:]:
        return None
    held = y != 0
    if n > len(rows) or np.any(x[:n][held]):
        return None
    value, rows = x.copy(), rows.copy()
    value[:n] = function(value[:n], y)
    rows[:n][held] = others[held]
    return value, rows


def _joined(x, y):
    shapes = shape_of(x)[1:], shape_of(y)[1:]
    if shapes[0] == shapes[1]:
        return np.concatenate([x, y])
    shape = np.broadcast_shapes(*shapes)
    return np.concatenate([broadcast(part, (shape_of(part)[0], *shape)) for part in (x, y)])


def broadcast(x, shape):
    """``x``, of as many axes, in a shape that it broadcasts to."""
    if shape_of(x) == shape:
        return x
    return spread_out(x, shape) if type(x) is np.ndarray else np.broadcast_to(x, shape)


def of_as_many_parts(batches, likes):
    """The values of several, and the rows; of a batch that is None and like a constant, zeros."""
    most = max(len(rows) for _, rows in filter(None, batches))
    values, rows = zip(*(batch or _nothing(like) for batch, like in zip(batches, likes)), strict=True)
    return [_padded(x, most) for x in values], [_padded(x, most) for x in rows]


def _nothing(like):
    shape = 0, *shape_of(like)
    return np.zeros(shape, dtype_of(like)), np.zeros(shape, int)


def _padded(x, parts):
    """``x`` with so many parts, those that are added zero."""
    count, *shape = shape_of(x)
    return x if count == parts else np.concatenate([x, np.zeros((parts - count, *shape), dtype_of(x))])


def summed(value, rows, axes, keepdims):
    """The values and the rows of a sum along these axes of an example, which become parts where the rows differ."""
    shape, ndim, axes = shape_of(value), len(axes), [i + 1 for i in axes]
    if alike := tuple(i for i in axes if rows.shape[i] == 1 != shape[i]):
        value = np.sum(value, alike, keepdims=True)
        shape = shape_of(value)
    if axes != [*range(1, ndim + 1)]:
        order = [0, *axes, *(i for i in range(1, len(shape)) if i not in axes)]
        value, rows = value.transpose(order), rows.transpose(order)
    kept = [i in axes for i in range(1, len(shape))] if keepdims else None
    return [_as_one(x, ndim + 1, kept) for x in (value, rows)]


def _as_one(x, count, kept):
    """The first axes as one; ``kept``: for each axis of the result whether it is one that was summed, of length 1."""
    shape = shape_of(x)
    rest = shape[count:]
    if kept is not None:
        lengths = iter(rest)
        rest = [1 if one else next(lengths) for one in kept]
    return x.reshape(math.prod(shape[:count]), *rest)


def whole(value, rows, n):
    """The arrays of all ``n`` examples in one."""
    count, *shape = shape_of(value)
    size = math.prod(shape)
    alike = rows.size == count  # for all elements of a part
    if alike:
        places = rows.reshape(count)
        once = count == 1 or bool((places[1:] > places[:-1]).all())
        if once and count == n:
            return value
    else:
        places, once = rows * size + np.arange(size).reshape(shape), count == 1
    into = (n, size) if alike else (n * size,)
    value, places = np.reshape(value, (count, size) if alike else -1), places.reshape(-1)
    if not once:
        dtype = dtype_of(value)
        filled = astype(scatter(astype(value, np.promote_types(dtype, np.float64)), places, into), dtype)
    elif type(value) is np.ndarray:
        filled = np.zeros(into, value.dtype)
        filled[places] = value
    else:
        filled = put(np.zeros_like(value, shape=into), places, value)
    return np.reshape(filled, (n, *shape))
