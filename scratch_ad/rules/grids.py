"""Grids between numbers that are differentiated, in NumPy's own steps. Names as in rule.py."""

import math

import numpy as np

from ..primitives import astype
from ..rule import composite, linear, primitive, with_value
from ..tracer import any_known, arrayed, bottom, kind_of
from ..tree import typed


def kind(x):
    """A Python number, which is weakly typed, or the dtype of what is not."""
    number = bottom(x)
    return number if type(number) in (int, float, complex) else typed(x).dtype


@primitive
def points(start, stop, num, endpoint):
    """``num`` points of the way from start to stop, along the first axis."""
    return np.linspace(start, stop, num, endpoint)


def _points_transpose(g, _start, _stop, num, endpoint):
    n = max(num - 1 if endpoint else num, 1)
    k = np.arange(num, dtype=np.finfo(g.dtype).dtype, like=kind_of(g)).reshape((-1,) + (1,) * (g.ndim - 1))
    return [np.sum(g * ((n - k) / n), 0), np.sum(g * (k / n), 0)]


linear(points, _points_transpose, jointly=True)


def _linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    y = np.moveaxis(points(start, stop, num=num, endpoint=endpoint), 0, axis)
    if dtype is not None:
        y = astype(np.floor(y) if np.issubdtype(dtype, np.integer) else y, np.dtype(dtype))
    if not retstep:
        return y
    intervals = num - 1 if endpoint else num
    return y, (stop - start) / intervals if intervals > 0 else math.nan


def _logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    if np.ndim(base):
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (arrayed(x, base) for x in (start, stop, base))
        start, stop, base = (np.reshape(x, (1,) * (ndim - x.ndim) + x.shape) for x in (start, stop, base))
        base = np.expand_dims(base, axis)
    elif kind_of(start) is kind_of(stop) is None is not kind_of(base):
        start = arrayed(start, base)
    y = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else astype(y, np.dtype(dtype))


def _geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    start, stop = typed(start), typed(stop)
    if any_known(np.equal(start, 0)) or any_known(np.equal(stop, 0)):
        raise ValueError("Geometric sequence cannot include zero")
    inexact = np.result_type(start.dtype, stop.dtype, float(num), np.zeros((), dtype))
    start, stop = astype(start, inexact), astype(stop, inexact)
    turn = np.sign(start)
    y = turn * np.logspace(np.log10(start / turn), np.log10(stop / turn), num, endpoint)
    k = np.arange(num, like=kind_of(y)).reshape((-1,) + (1,) * (y.ndim - 1))
    y = np.where(np.equal(k, 0), start, y)
    y = np.where(np.logical_and(endpoint, np.equal(k, max(num - 1, 1))), stop, y)
    y = np.moveaxis(y, 0, axis)
    return y if dtype is None else astype(y, np.dtype(dtype))


composite(np.linspace, _linspace)
composite(np.logspace, _logspace)
composite(np.geomspace, _geomspace, with_value)
