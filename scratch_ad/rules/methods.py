"""The methods of the binary ufuncs, ``np.add.reduce`` and the like, from the rules of the ufuncs themselves."""

import functools
import itertools
import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..foreign import PYTHONS
from ..layout import arranged, shown
from ..primitives import astype
from ..registry import rule_of
from ..rule import Constant, composite, constant, explicit, primitive, valued
from ..tracer import arrayed, bottom, kind_of
from ..tree import typed
from . import constant as _constant  # noqa: F401  (whose ufuncs these are)
from .linalg.norms import direction
from .reductions import masked, with_axes
from .shares import shares

# The reductions that NumPy has as functions of their own, which have leaner rules.
_reductions = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
_accumulations = {np.add: np.cumsum, np.multiply: np.cumprod}


def _leading(array, axis, dtype=None):
    """The array in ``dtype`` with the axes to be reduced made one, the first, and those axes."""
    array = typed(array)
    everything = axis is None or not array.ndim  # NumPy takes 0 and −1 of a 0-d array, too
    axes = tuple(range(array.ndim)) if everything else normalize_axis_tuple(axis, array.ndim)
    rest = [i for i in range(array.ndim) if i not in axes]
    array = np.transpose(array, (*axes, *rest))
    array = array.reshape((math.prod(array.shape[: len(axes)]), *array.shape[len(axes) :]))
    return (array if dtype is None else astype(array, np.dtype(dtype))), axes


@primitive
def log_sum(a, ufunc, axis, keepdims):
    """np.logaddexp.reduce or np.logaddexp2.reduce, in one step instead of one per element."""
    return ufunc.reduce(a, axis, keepdims=keepdims)


_exponentials = {np.logaddexp: np.exp, np.logaddexp2: np.exp2}


def _log_sum_push(t, _y, a, ufunc, axis, keepdims):
    return np.sum(t * shares(a, None, axis, _exponentials[ufunc]), axis, keepdims=keepdims)


def _log_sum_pull(g, _y, a, ufunc, axis, keepdims):
    return with_axes(g, a.shape, axis) * shares(a, None, axis, _exponentials[ufunc])


explicit(log_sum, jvp=_log_sum_push, vjp=_log_sum_pull)


@primitive
def length(a, axis, keepdims):
    """np.hypot.reduce, in one step; in several, zeros that meet first would count as a kink."""
    return np.hypot.reduce(a, axis, keepdims=keepdims)


explicit(
    length,
    jvp=lambda t, y, a, axis, keepdims: np.sum(t * direction(a, y, 2, axis), axis, keepdims=keepdims),
    vjp=lambda g, y, a, axis, keepdims: with_axes(g, a.shape, axis) * direction(a, y, 2, axis),
)


def _reduce(ufunc, array, axis=0, dtype=None, out=None, keepdims=False, initial=np._NoValue, where=True):
    array, given = typed(array), {} if initial is np._NoValue else {"initial": initial}
    one = np.ones((1,) * array.ndim, array.dtype)
    checked = {"initial": 1} if given and initial is not None else given
    identity = ufunc.reduce(one, axis, dtype, keepdims=keepdims, where=where is True, **checked)  # NumPy's own errors
    array = array if dtype is None else astype(array, np.dtype(dtype))
    if ufunc in _reductions:
        return _reductions[ufunc](array, axis=axis, keepdims=keepdims, where=where, **given)
    if ufunc in _exponentials:
        y = log_sum(masked(array, where, -np.inf), ufunc, axis, keepdims)
        return y if initial is None or not given else ufunc(y, initial)
    if ufunc is np.hypot and initial is not None:
        y = length(masked(array, where, 0), axis, keepdims)
        return ufunc(y, initial) if given else y
    leading, axes = _leading(array, axis)
    parts = np.unstack(leading)
    if where is not True:
        where = _leading(np.broadcast_to(where, array.shape), axis)[0]
        initial = initial if given else np.ravel(identity)[0]
    if initial is None or initial is np._NoValue:
        y, *parts = parts or [ufunc.reduce(np.empty(leading.shape))]
    else:
        y = np.broadcast_to(astype(typed(initial), array.dtype), leading.shape[1:])
    y = y if parts else np.copy(y)
    for k, x in enumerate(parts):
        y = ufunc(y, x) if where is True else np.where(where[k], ufunc(y, x), y)
    return y.reshape([1 if i in axes else n for i, n in enumerate(array.shape)]) if keepdims else y


def _accumulate(ufunc, array, axis=0, dtype=None, out=None):
    array = typed(array)
    ufunc.accumulate(np.ones((1,) * array.ndim, array.dtype), axis, dtype)  # for its checks
    if ufunc in _accumulations:
        return _accumulations[ufunc](array, axis, dtype)
    leading, (axis,) = _leading(array, axis, dtype)
    results = list(itertools.accumulate(np.unstack(leading), ufunc))
    return arranged(np.stack(results, axis), "K", array) if results else np.moveaxis(leading, 0, axis)


def _reduceat(ufunc, array, indices, axis=0, dtype=None, out=None):
    array = typed(array)
    indices = arrayed(indices, array) if len(indices) else np.zeros(0, int, like=kind_of(array))
    plain = shown(array)
    own = ufunc.reduceat(np.ones(array.shape, array.dtype) if plain is None else plain, indices, axis, dtype)
    leading, (axis,) = _leading(array, axis, dtype)
    indices = indices.astype(int)
    if not indices.size:
        return np.moveaxis(leading[:0], 0, axis)
    if np.all(np.diff(indices) > 0):
        parts = np.split(leading, indices)[1:]
    else:
        ends = [*indices[1:], len(leading)]
        parts = [leading[i : max(i + 1, end)] for i, end in zip(indices, ends, strict=True)]
    y = np.stack([part[0] if len(part) == 1 else _reduce(ufunc, part) for part in parts], axis)
    return arranged(y, "K", own)


def _outer(ufunc, a, b, **kwargs):
    a, b = (astype(x, x.dtype) if type(bottom(x)) in PYTHONS else x for x in (typed(a), typed(b)))  # as arrays are
    return ufunc(a.reshape(a.shape + (1,) * b.ndim), b, **kwargs)


_bodies = {"reduce": _reduce, "accumulate": _accumulate, "reduceat": _reduceat, "outer": _outer}
_exact = {"reduce": _reductions, "accumulate": _accumulations, "reduceat": (), "outer": rule_of}
for _ufunc in [f for f in rule_of if isinstance(f, np.ufunc) and f.signature is None and f.types]:
    if (_ufunc.nin, _ufunc.nout) == (2, 1):
        for _name, _body in _bodies.items():
            if isinstance(rule_of[_ufunc], Constant) and _ufunc is not np.floor_divide:  # that leaves one number alone
                constant(getattr(_ufunc, _name))
            else:
                valued_by = None if _ufunc in _exact[_name] else valued  # NumPy's arctan2.reduceat gives other numbers
                composite(getattr(_ufunc, _name), functools.partial(_body, _ufunc), valued_by)
