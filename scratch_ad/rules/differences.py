"""Differences, gradients of samples and the trapezoidal rule, in NumPy's own steps."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..layout import arranged
from ..primitives import astype
from ..rule import composite
from ..tracer import hidden
from ..tree import typed


def _along(a, axis, *entries):
    """``a`` indexed by each entry along ``axis``."""
    return [a[(slice(None),) * axis + (entry,)] for entry in entries]


def _column(h, ndim, axis):
    """The one-dimensional ``h`` along ``axis`` of ``ndim`` axes."""
    return h.reshape((-1,) + (1,) * (ndim - axis - 1))


def _diff(a, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    if n == 0:
        return a
    a = typed(a)
    (axis,) = normalize_axis_tuple(axis, a.ndim)
    ends = [None if end is np._NoValue else typed(end) for end in (prepend, append)]
    if ends[0] is not None or ends[1] is not None:
        shape = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
        ends = [np.broadcast_to(end, shape) if end is not None and end.ndim == 0 else end for end in ends]
        a = np.concatenate([part for part in (ends[0], a, ends[1]) if part is not None], axis)
    for _ in range(n):
        later, earlier = _along(a, axis, slice(1, None), slice(None, -1))
        a = later - earlier
    return a


def _ediff1d(ary, to_end=None, to_begin=None):
    ary = np.ravel(ary)
    parts = [to_begin, ary[1:] - ary[:-1], to_end]
    return np.concatenate([astype(np.ravel(part), ary.dtype) for part in parts if part is not None])


def _trapezoid(y, x=None, dx=1.0, axis=-1):
    y, along_x = typed(y), axis  # counted from the end each has its own
    (axis,) = normalize_axis_tuple(axis, y.ndim)
    if x is not None:
        dx = np.diff(x, axis=along_x) if np.ndim(x) > 1 else _column(np.diff(x), y.ndim, axis)
    later, earlier = _along(y, axis, slice(1, None), slice(None, -1))
    return np.sum(dx * (later + earlier) / 2.0, along_x)


def _gradient(f, *varargs, axis=None, edge_order=1):
    f = typed(f)
    f = astype(f, np.float64) if f.dtype.kind in "iub" else f
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    steps = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    if len(steps) != len(axes) or (len(varargs) != len(axes) and np.ndim(steps[0])):
        raise TypeError("invalid number of arguments")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    slopes = tuple(_slope(f, h, i, edge_order) for i, h in zip(axes, steps, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f, h, axis, edge_order):
    """The derivative of samples ``f`` along one axis, at steps of ``h`` or at the places ``h``."""
    if f.shape[axis] < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, "
            "at least (edge_order + 1) elements are required."
        )
    h = typed(h) if not isinstance(h, (int, float)) else h
    if np.ndim(h):
        if h.ndim != 1 or len(h) != f.shape[axis]:
            raise ValueError("when 1d, distances must match the length of the corresponding dimension")
        h = np.diff(astype(h, np.float64) if h.dtype.kind in "iub" else h)
        equal = not hidden(h) and bool((h == h[0]).all())
        h = h[0] if equal else _column(h, f.ndim, axis)
    before, here, after = _along(f, axis, slice(None, -2), slice(1, -1), slice(2, None))
    if np.ndim(h) == 0:
        inner = (after - before) / (2.0 * h)
        first = last = h
        weights = [(-1.5 / h, 2.0 / h, -0.5 / h)] * 2
    else:
        u, v = _along(h, 0, slice(None, -1), slice(1, None))
        inner = -v / (u * (u + v)) * before + (v - u) / (u * v) * here + u / (v * (u + v)) * after
        first, last = h[:1], h[-1:]
        weights = [_one_sided(*h[:2]), _one_sided(*h[:-3:-1])] if edge_order == 2 else []
    if edge_order == 1:
        a, b, y, z = _along(f, axis, slice(0, 1), slice(1, 2), slice(-2, -1), slice(-1, None))
        start, end = (b - a) / first, (z - y) / last
    else:
        (p, q, r), (w, v, u) = weights
        a, b, c, x, y, z = _along(f, axis, *(slice(i, i + 1 or None) for i in (0, 1, 2, -3, -2, -1)))
        start, end = p * a + q * b + r * c, -(u * x + v * y + w * z)
    return arranged(astype(np.concatenate([start, inner, end], axis), f.dtype), "K", f)


def _one_sided(near, far):
    """The weights of a second-order one-sided difference for steps ``near`` and ``far``."""
    both = near + far
    return -(2.0 * near + far) / (near * both), both / (near * far), -near / (far * both)


composite(np.diff, _diff)
composite(np.ediff1d, _ediff1d)
composite(np.trapezoid, _trapezoid)
composite(np.gradient, _gradient)
