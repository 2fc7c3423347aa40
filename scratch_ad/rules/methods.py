"""The methods of the binary ufuncs, ``np.add.reduce`` and the like, from the rules of the ufuncs themselves."""

import functools

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..rule import Constant, composite, constant, refuse, rules
from ..tracer import astype, shape_of, strip
from ..tree import typed
from . import constant as _constant  # noqa: F401  (whose ufuncs these are)

# The reductions that NumPy has as functions of their own, which have leaner rules.
_reductions = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
_accumulations = {np.add: np.cumsum, np.multiply: np.cumprod}


def _leading(array, axis, dtype):
    """The array in ``dtype`` with the axes to be reduced made one, the first, and those axes."""
    array = typed(array)
    axes = tuple(range(array.ndim)) if axis is None else normalize_axis_tuple(axis, array.ndim)
    rest = [i for i in range(array.ndim) if i not in axes]
    array = np.transpose(array, (*axes, *rest))
    array = array.reshape((-1, *array.shape[len(axes) :]))
    return (array if dtype is None else astype(array, np.dtype(dtype))), axes


def _log_sum(ufunc, array, axis, keepdims):
    """np.logaddexp.reduce in one step instead of one per element: NumPy's value and the derivative of log Σ exp."""
    exp, log = (np.exp, np.log) if ufunc is np.logaddexp else (np.exp2, np.log2)
    y = ufunc.reduce(strip(array), axis, keepdims=True)
    finite = np.isfinite(y)
    correction = log(np.sum(exp(array - np.where(finite, y, 0)), axis, keepdims=True))
    correction = np.where(finite, correction, 0)
    y = y + (correction - strip(correction))
    return y if keepdims else np.squeeze(y, axis)


def _reduce(ufunc, array, axis=0, dtype=None, out=None, keepdims=False, initial=np._NoValue, where=True):
    if ufunc in _reductions:
        keywords = {"keepdims": keepdims, "where": where} | ({} if initial is np._NoValue else {"initial": initial})
        if ufunc in _accumulations:
            keywords["dtype"] = dtype
        return _reductions[ufunc](array, axis=axis, **keywords)
    if where is not True:
        raise NotImplementedError(f"np.{ufunc.__name__}.reduce: no rule for where=; use np.where on the array.")
    if ufunc in (np.logaddexp, np.logaddexp2) and dtype is None and initial is np._NoValue:
        return _log_sum(ufunc, array, axis, keepdims)
    first, axes = _leading(array, axis, dtype)
    items = list(first) if initial is np._NoValue or initial is None else [initial, *first]
    y = functools.reduce(ufunc, items) if items else ufunc.reduce(np.empty((0, *first.shape[1:])))
    shape = shape_of(array)
    return y.reshape([1 if i in axes else n for i, n in enumerate(shape)]) if keepdims else y


def _accumulate(ufunc, array, axis=0, dtype=None, out=None):
    if ufunc in _accumulations:
        return _accumulations[ufunc](array, axis, dtype)
    first, (axis,) = _leading(array, axis, dtype)
    sums = list(first[:1])
    for item in first[1:]:
        sums.append(ufunc(sums[-1], item))
    return np.stack(sums, axis) if sums else array


def _reduceat(ufunc, array, indices, axis=0, dtype=None, out=None):
    first, (axis,) = _leading(array, axis, dtype)
    ends = [*indices[1:], len(first)]
    parts = [first[i : max(i + 1, end)] for i, end in zip(indices, ends, strict=True)]
    return np.stack([_reduce(ufunc, part) for part in parts], axis)


def _outer(ufunc, a, b, **kwargs):
    return ufunc(np.reshape(a, shape_of(a) + (1,) * len(shape_of(b))), b, **kwargs)


_bodies = {"reduce": _reduce, "accumulate": _accumulate, "reduceat": _reduceat, "outer": _outer}
for _ufunc in [f for f in rules if isinstance(f, np.ufunc) and f.signature is None and f.types]:
    if (_ufunc.nin, _ufunc.nout) == (2, 1):
        for _name, _body in _bodies.items():
            if isinstance(rules[_ufunc], Constant):
                constant(getattr(_ufunc, _name))
            else:
                composite(getattr(_ufunc, _name), functools.partial(_body, _ufunc))
    refuse(
        "it changes an array in place; build the new array with np.where, np.concatenate or np.stack",
        _ufunc.at,
        error=TypeError,
    )
