"""Writes: what was written over no longer counts, and of several writes to one place the last does."""

import math

import numpy as np

from .. import creation, keywords, writers  # noqa: F401  (who fill ``answers`` and ``by_keyword``)
from ..primitives import getitem, is_basic
from ..registry import match, rule_of
from ..rule import Composite, explicit, linear
from ..tracer import answers
from ..tree import zeros
from ..writing import cartesian, put


def _last(g, index, shape, of_value):
    """The part of ``g`` at ``index`` that the writes to there gave it: of several to one element the last counts."""
    if not of_value and getattr(index, "dtype", None) == np.dtype(bool):  # of a shape that is known while JAX compiles
        return np.where(index.reshape(index.shape + (1,) * (len(shape) - index.ndim)), g, 0)
    g = getitem(g, index)
    if is_basic(index):
        return g
    places = getitem(np.arange(math.prod(shape)).reshape(shape), index)
    number = np.arange(places.size)
    last = put(np.zeros(math.prod(shape), int), np.ravel(places), number)
    alive = np.equal(last[np.ravel(places)], number).reshape(places.shape)
    return g if type(alive) is np.ndarray and alive.all() else np.where(alive, g, 0)


def _of_value(g, _y, _a, index, _v):
    """``g[index]``, un-broadcast; of several writes to one element the last counts."""
    return match(_last(g, index, _a.shape, _v.shape), _v)


explicit(
    put,
    jvp=(lambda t, _y, a, index, v: put(t, index, 0), None, lambda t, _y, a, index, v: put(zeros(a), index, t)),
    vjp=(lambda g, _y, _a, index, _v: put(g, index, 0), None, _of_value),
)
linear(cartesian, lambda g, *_parts: [np.real(g), -np.imag(g)], jointly=True)
for _function, _body in answers.items():
    if _function is not np.nan_to_num:  # which has a rule of its own
        rule_of[_function] = Composite(_body)
