"""NumPy's functions that write into their first argument, for tracers: ``np.copyto``, ``np.put``, ``np.place``, …"""

import inspect

import numpy as np

from .keywords import stand_in
from .primitives import getitem
from .refusals import into_plain
from .scalars import is_number
from .silence import silently
from .tracer import Tracer, answers, bottom, call, gathered, innermost, lowered, name_of, strip
from .writing import cast_into, flattened, same_for_all, within, write, write_flat


def _writer(function):
    def register(body):
        target = next(iter(inspect.signature(body).parameters))

        def answer(*args, **kwargs):
            if isinstance(args[0] if args else kwargs[target], Tracer):
                return body(*args, **kwargs)
            trace = innermost((*args, *kwargs.values()))
            if trace.level >= 0:
                raise into_plain(name_of(function), trace.mode)
            return function(*lowered(args), **{k: lowered(v) for k, v in kwargs.items()})

        answers[function] = answer
        return body

    return register


def _check(function, *args, **kwargs):
    """Raise as NumPy does for what it cannot write there."""
    with silently():
        function(*map(stand_in, args), **kwargs)


def _is_itself(x, y):
    """Whether both are one view of one memory, of which NumPy makes no write, be it read-only or not."""
    x, y = bottom(x), bottom(y)
    return type(x) is type(y) is np.ndarray and x.__array_interface__ == y.__array_interface__


@_writer(np.copyto)
def _copyto(dst, src, casting="same_kind", where=True):
    _check(np.copyto, np.empty(dst.shape, dst.dtype), src, casting=casting)
    src = gathered(src)
    if _is_itself(dst, src):
        return
    cast_into(dst, src if where is True else np.where(strip(lowered(where)), src, dst))


@_writer(np.put)
def _put(a, ind, v, mode="raise"):
    _check(np.put, np.empty(1, a.dtype), 0, v)
    ind, v = flattened(strip(lowered(ind))), flattened(v)
    if not ind.size or not v.size or is_number(a):  # of which it would be a copy
        return
    if mode == "clip":
        ind = np.clip(ind, 0, a.size - 1)
    elif mode == "wrap":
        ind = ind % a.size
    ind = getitem(np.arange(a.size), ind)
    write_flat(a, ind, getitem(v, np.arange(ind.size) % v.size))


@_writer(np.place)
def _place(arr, mask, vals):
    _check(np.place, np.empty(arr.shape, arr.dtype), np.zeros(arr.shape, bool), vals)
    if within(arr, vals, lambda a, v: np.place(a, same_for_all(mask, "np.place(arr, mask, x)"), v)):
        return
    mask, vals = np.reshape(strip(lowered(mask)), arr.shape).astype(bool), flattened(vals)
    if not vals.size:
        if mask.any():
            raise ValueError("Cannot insert from an empty array!")
        return
    number = np.reshape(np.cumsum(mask) - 1, arr.shape)  # of those that are chosen, in their order
    write(arr, ..., np.where(mask, getitem(vals, number % vals.size), arr))


@_writer(np.putmask)
def _putmask(a, mask, values):
    _check(np.putmask, np.empty(a.shape, a.dtype), np.zeros(a.shape, bool), values)
    mask, values = np.reshape(strip(lowered(mask)), a.shape).astype(bool), flattened(values)
    if values.size:
        write(a, ..., np.where(mask, getitem(values, np.arange(a.size).reshape(a.shape) % values.size), a))


def _nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    y = call(np.nan_to_num, (x,), {"nan": nan, "posinf": posinf, "neginf": neginf})
    if copy or not isinstance(x, Tracer) or is_number(x):
        return y
    write(x, ..., y)
    return x if x.ndim else x[()]  # of an array without axes NumPy returns the number


answers[np.nan_to_num] = _nan_to_num


@_writer(np.fill_diagonal)
def _fill_diagonal(a, val, wrap=False):
    _check(np.fill_diagonal, np.empty(a.shape, a.dtype), val, wrap)
    if within(a, val, lambda a, v: np.fill_diagonal(a, v, wrap)):
        return
    step = a.shape[1] + 1 if a.ndim == 2 else 1 + np.cumprod(a.shape[:-1]).sum()
    end = None if wrap or a.ndim != 2 else a.shape[1] * a.shape[1]
    places, val = np.arange(a.size)[:end:step], flattened(val)
    if not val.size:
        return
    write_flat(a, places, val[np.arange(places.size) % val.size])


@_writer(np.put_along_axis)
def _put_along_axis(arr, indices, values, axis):
    if axis is None:
        return _put(arr, indices, values)
    axis %= arr.ndim
    index = [np.arange(n).reshape((-1,) + (1,) * (arr.ndim - i - 1)) for i, n in enumerate(arr.shape)]
    index[axis] = strip(lowered(indices))
    write(arr, tuple(index), values)
