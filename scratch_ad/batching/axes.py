"""Axes counted from the end, and rules for calls of which one argument is batched."""

import functools

from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..batch import Uncovered
from ..tracer import innermost


def from_end(axis, ndim):
    """An axis or several (None: all) of an array of ``ndim`` axes, as negative numbers."""
    if axis is None:
        return tuple(range(-ndim, 0))
    if hasattr(axis, "__index__"):
        return normalize_axis_index(axis, ndim) - ndim
    return tuple(i - ndim for i in normalize_axis_tuple(axis, ndim))


def axes_of(axis, ndim):
    """An axis or several of an array of ``ndim`` axes, as a tuple of numbers from 0 on."""
    return (normalize_axis_index(axis, ndim),) if type(axis) is int else normalize_axis_tuple(axis, ndim)


def of_first(rule):
    """A batching rule for calls of which the first argument alone is batched."""

    @functools.wraps(rule)
    def checked(batch, a, *args, **kwargs):
        if not batch.owns(a) or (innermost((*args, *kwargs.values())) is batch):
            raise Uncovered
        return rule(batch, a, *args, **kwargs)

    return checked
