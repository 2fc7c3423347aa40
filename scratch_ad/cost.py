"""The cost of a recorded program, counted call by call from the shapes alone: exact, the same on every machine.

Conventions (those of XLA's cost analysis of a program before it is compiled, so that the two can be compared):
one flop per element for each arithmetic operation, comparison, choice or conversion of dtype, complex or real; a
multiply-add is two; the elementary functions (exp, sin, sqrt, …) are counted apart, one transcendental per element,
whatever they take inside. Bytes are what a call reads from its array arguments and writes to its results; a view
moves nothing.
"""

import math
from typing import NamedTuple

import numpy as np

from .fast import with_part
from .primitives import astype, getitem, scatter
from .program import Call, Name, Program, record
from .registry import Aval
from .tracer import dtype_of, name_of, shape_of
from .writing import cartesian, put


class Cost(NamedTuple):
    """``flops``: arithmetic; ``transcendentals``: elementary functions; ``bytes``: read and written. All exact."""

    flops: int = 0
    transcendentals: int = 0
    bytes: int = 0

    operations = property(lambda self: self.flops + self.transcendentals)

    def __add__(self, other):
        return Cost(*map(int.__add__, self, other))


def cost(program: Program):
    """The cost of running ``program`` once, a ``Cost``; NotImplementedError for a function without a formula here."""
    return sum((count for _, count in costs(program)), Cost())


def costs(program: Program):
    """The calls of ``program`` and the cost of each: a list of pairs ``(call, Cost)``."""
    return [(call, cost_of(call, program.avals)) for call in program.calls]


def cost_of(call: Call, avals):
    """The cost of one call, of which ``avals`` holds the shape and dtype of each name, by its number."""

    def abstract(x):
        if isinstance(x, Name):
            return avals[x.number]
        return list(map(abstract, x)) if type(x) in (tuple, list) else x

    function, outputs = call.function, abstract(call.outputs)
    args, kwargs, y = abstract(call.args), {k: abstract(v) for k, v in call.kwargs.items()}, outputs[0]
    if function in _views or (function is getitem and _is_view(call.args[1])):
        return Cost()
    moved = sum(map(_nbytes, _arrays([*args, *kwargs.values(), *outputs])))
    if function in _transcendental:
        return Cost(0, _size(y), moved)
    if function in _flops:
        return Cost(_flops[function](y, *args, **kwargs), 0, moved)
    if isinstance(function, np.ufunc) and function.signature is None:
        return Cost(sum(map(_size, outputs)), 0, moved)
    if getattr(function, "__name__", "") == "reduce" and isinstance(function.__self__, np.ufunc):
        return Cost(_reduction(y, *args), 0, moved)
    if getattr(function, "is_primitive", False):
        return _cost_of_body(function, args, kwargs)
    raise NotImplementedError(f"{name_of(function)} has no formula for its cost in scratch_ad/cost.py; add one there.")


def _cost_of_body(function, args, kwargs):
    """Of a function of ours or of a user's own: of the NumPy calls that it makes, on ones."""

    def body(*given):
        given = iter(given)
        return function.__wrapped__(*(next(given) if type(a) is Aval else a for a in args), **kwargs)

    return cost(record(body, *(np.ones(*a) for a in args if type(a) is Aval)))


def _arrays(x):
    """The arrays in nested lists."""
    if type(x) in (list, tuple):
        return [a for e in x for a in _arrays(e)]
    return [x] if hasattr(x, "dtype") else []


def _size(x):
    return math.prod(shape_of(x))


def _nbytes(x):
    return _size(x) * dtype_of(x).itemsize


def _is_view(index):
    """Whether ``a[index]`` is a view: only integers, slices, None and Ellipsis in it."""
    entries = index if type(index) is tuple else (index,)
    return all(i is None or i is Ellipsis or isinstance(i, (int, slice, np.integer)) for i in entries)


def _reduction(y, a, *args, **kwargs):
    """One operation for each element that disappears."""
    return _size(a) - _size(y)


def _product(y, a, b, *args, **kwargs):
    """A multiply-add for each element of the result and each step of the contracted axis, the last of ``a``."""
    steps = shape_of(a)[-1] if shape_of(a) and shape_of(b) else 0.5  # with a number: one multiplication
    return int(2 * _size(y) * steps)


def _einsum(y, subscripts, *operands, **kwargs):
    """As many operations as operands for each combination of indices: no order of contraction is assumed."""
    extents = {}
    for labels, a in zip(subscripts.replace(" ", "").split("->")[0].split(","), operands):
        extents.update(zip(labels.replace("...", ""), shape_of(a)[-len(labels) :]))
    return len(operands) * math.prod(extents.values())


_transcendental = {
    np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.logaddexp, np.logaddexp2, np.sqrt, np.cbrt,
    np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.arctan2, np.sinh, np.cosh, np.tanh, np.arcsinh,
    np.arccosh, np.arctanh, np.power, np.float_power, np.hypot,
}  # fmt: skip

_views = {
    np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze,
    np.broadcast_to, np.atleast_1d, np.real, np.imag, np.diagonal, np.flip, np.split, np.array_split,
}  # fmt: skip

# fmt: off
_flops = {  # function → its flops from the result and the arguments
    **dict.fromkeys([np.sum, np.prod, np.max, np.min, np.any, np.all, np.count_nonzero], _reduction),
    np.mean:      lambda y, a, *args, **kwargs: _size(a),
    np.cumsum:    lambda y, a, *args, **kwargs: _size(a),
    np.cumprod:   lambda y, a, *args, **kwargs: _size(a),
    **dict.fromkeys([np.matmul, np.dot, np.inner], _product),
    np.vdot:      lambda y, a, b: 2 * _size(a),
    np.outer:     lambda y, a, b: _size(y),
    np.tensordot: lambda y, a, b, axes=2: 2 * _size(y) * math.isqrt(_size(a) * _size(b) // (_size(y) or 1)),
    np.einsum:    _einsum,
    np.sort:      lambda y, a, *args, **kwargs: _size(a) * math.ceil(math.log2(_size(a) or 1)),
    np.clip:      lambda y, *args: 2 * _size(y),
    np.where:     lambda y, *args: _size(y),
    astype:       lambda y, a, dtype: _size(y) * (dtype_of(a) != dtype),
    scatter:      lambda y, g, *args: _size(g),
    with_part:    lambda y, a, index, v: _size(v),
    **dict.fromkeys([
        getitem, np.take, np.take_along_axis, np.concatenate, np.stack, np.tile, np.repeat, np.roll, np.copy,
        np.zeros_like, np.ones_like, np.full_like, np.eye, np.pad, np.tril, np.triu, put, cartesian,
    ], lambda y, *args, **kwargs: 0),
}
# fmt: on
