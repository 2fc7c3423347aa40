"""Reverse mode: a tape.

A ``Variable`` carries a value and its place on the tape. Each call on variables appends one node, which knows
where the call's arguments stand and how to pull a cotangent of its output back to them. A pullback walks the
tape once from its end, adding up the cotangents of each place: no recursion, no search, each node once.
"""

import operator

import numpy as np

from .rule import Elementwise, Rewrite, aval, has_nan, match, missing, product, rules
from .tracer import Trace, Tracer, dtype_of, shape_of
from .tree import (
    copied,
    describe,
    flatten,
    is_inexact,
    rebuild,
    split_aux,
    tangent_dtype,
    tree_map,
    typed,
    unflatten,
    zeros,
)


class Variable(Tracer):
    """A value and its place on the tape."""

    __slots__ = ("index",)

    def __init__(self, trace, value, index):
        self.owner, self.value, self.index = trace, value, index


class Tape(Trace):
    """One run of reverse mode.

    ``nodes[i]`` tells how the value at place i came about: one edge ``(parent, elementwise, pull, kept, shape,
    dtype)`` per variable that went in. An edge takes the cotangent g of place i to its parent: if elementwise, ``pull``
    is a partial derivative and the result is ``g * pull(*kept)``, otherwise it is ``pull(g, *kept)``. ``kept`` are the
    residuals. ``shape`` and ``dtype`` are the parent's; a shape of None marks a place for several values (``Parts``).
    """

    __slots__ = ("nodes",)
    mode = "reverse mode (vjp)"
    differentiates = True

    def __init__(self):
        super().__init__()
        self.nodes = []

    def variable(self, value, edges=()):
        self.nodes.append(edges)
        return Variable(self, value, len(self.nodes) - 1)

    def process(self, function, args, kwargs):
        rule = rules.get(function, missing)
        if type(rule) is Elementwise and rule.single and not kwargs:
            x = args[0]
            value = x.value
            y = function(value)
            try:
                shape, dtype = value.shape, value.dtype
            except AttributeError:  # a Python number
                shape, dtype = aval(value)
            nodes = self.nodes
            nodes.append(((x.index, True, rule.partials[0], (y if rule.keeps_output else value,), shape, dtype),))
            return Variable(self, y, len(nodes) - 1)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        return self.push(rule, function, args, kwargs)

    def push(self, rule, function, args, kwargs):
        """Do one call and append its node."""
        values, wrt = list(args), []
        for i, a in enumerate(args):
            if type(a) is Variable and a.owner is self:
                values[i] = a.value
                wrt.append(i)
        y, pulls = rule.vjp(function, values, wrt, kwargs)
        if rule.joint:
            pulls, joint = [(False, operator.getitem, (k,)) for k in range(len(wrt))], pulls
        edges = []
        for i, (elementwise, pull, kept) in zip(wrt, pulls):
            value = values[i]
            try:
                shape, dtype = value.shape, value.dtype
            except AttributeError:  # a Python number
                shape, dtype = aval(value)
            edges.append((args[i].index, elementwise, pull, kept, shape, dtype))
        if rule.joint:
            edges = [(self.variable(None, edges).index, False, joint, (), None, None)]
        if not isinstance(y, (tuple, list)):
            return self.variable(y, edges)
        several = self.variable(y, edges).index
        return rebuild(y, [self.part(several, y, k) for k in range(len(y))])

    def part(self, several, y, k):
        """Output k of the call with several outputs at that place; plain where it is an integer."""
        if not is_inexact(y[k]):
            return y[k]
        zeros_like = [aval(part) for part in y]
        return self.variable(y[k], [(several, False, lambda g: Parts(zeros_like, {k: g}), (), None, None)])

    def backward(self, seeds, inputs, product):
        """The cotangents of the first places, the inputs, given those of some places: one walk from the end of the tape."""
        nodes = self.nodes
        cotangents = [None] * len(nodes)
        for index, g in seeds:
            cotangents[index] = g if cotangents[index] is None else cotangents[index] + g
        for index in range(len(nodes) - 1, inputs - 1, -1):
            g = cotangents[index]
            if g is None:
                continue
            cotangents[index] = None
            for parent, elementwise, pull, kept, shape, dtype in nodes[index]:
                c = product(g, pull(*kept)) if elementwise else pull(g, *kept)
                if c is None:
                    continue
                if shape is not None and (c.shape != shape or c.dtype is not dtype):
                    c = match(c, (shape, dtype))
                held = cotangents[parent]
                cotangents[parent] = c if held is None else held + c
        return cotangents[:inputs]


class Parts(tuple):
    """The cotangents of a call with several outputs; zero where none arrived."""

    def __new__(cls, likes, given):
        return super().__new__(cls, [given.get(k, 0) if k in given else np.zeros(*a) for k, a in enumerate(likes)])

    def __add__(self, other):
        return tuple.__new__(Parts, map(operator.add, self, other))


def vjp(fun, *primals, has_aux=False):
    """The value of ``fun`` at ``primals``, and its pullback.

    Returns ``(out, pullback)`` or ``(out, pullback, aux)``. ``pullback(cotangent)``, with a cotangent shaped like
    ``out``, gives a tuple of cotangents shaped like ``primals`` (float0 for integers), any number of times. It does
    not change when the input arrays, arrays that ``fun`` used, or ``out`` are changed later. If a nan comes out, the
    tape is walked a second time with 0·∞ = 0 in the chain rule's products (see ``rule.product``).
    The pullback raises ValueError for a cotangent of another container, shape or dtype than ``out``'s.
    """
    leaves, spec = flatten(primals)
    out_leaves, out_spec, pull, aux = run(fun, spec, list(map(copied, leaves)), has_aux)

    def pullback(cotangent):
        cotangents, cotangent_spec = flatten(cotangent)
        if cotangent_spec != out_spec:
            raise ValueError(
                "unexpected tree structure. The argument to a VJP function returned by vjp must match the tree "
                f"structure of the differentiated function's output: expected {out_spec}, got {cotangent_spec}."
            )
        for c, y in zip(cotangents, out_leaves, strict=True):
            if shape_of(c) != shape_of(y) or dtype_of(c) != tangent_dtype(y):
                raise ValueError(
                    "unexpected type (e.g. shape/dtype) for argument to VJP function: "
                    f"got {describe(c)}, but expected {describe(zeros(y))} because the corresponding output of the "
                    f"differentiated function was {describe(y)}"
                )
        return unflatten(spec, pull(cotangents))

    out = unflatten(out_spec, list(map(copied, out_leaves)))
    return (out, pullback, aux) if has_aux else (out, pullback)


def run(fun, spec, leaves, has_aux):
    """Run ``fun`` on variables: the output's leaves and spec, a function from output to input cotangents, and aux."""
    tape = Tape()
    variables = [tape.variable(leaf) if is_inexact(leaf) else leaf for leaf in leaves]
    inputs = len(tape.nodes)
    out, aux = split_aux(fun(*unflatten(spec, variables)), has_aux)
    tracers, out_spec = flatten(out)
    places = [v.index if isinstance(v, Variable) and v.owner is tape else None for v in tracers]

    def value(leaf):
        return leaf.value if isinstance(leaf, Variable) and leaf.owner is tape else leaf

    def pull(cotangents):
        seeds = [(place, typed(g)) for place, g in zip(places, cotangents, strict=True) if place is not None]
        with np.errstate(all="ignore"):
            result = tape.backward(seeds, inputs, operator.mul)
            if any(map(has_nan, result)):
                result = tape.backward(seeds, inputs, product)
        taken = [g for _, g in seeds]
        remaining = iter(result)
        return [_own(next(remaining) if is_inexact(leaf) else None, leaf, taken) for leaf in leaves]

    return list(map(value, tracers)), out_spec, pull, tree_map(value, aux) if has_aux else None


def _own(c, leaf, taken):
    """A cotangent that shares memory with nothing else, an array where the primal is one."""
    if c is None:
        return zeros(leaf)
    if type(c) is np.ndarray and (c.base is not None or any(c is other for other in taken)):
        c = c.copy()
    elif type(leaf) is np.ndarray and isinstance(c, np.generic):
        c = np.asarray(c)
    taken.append(c)
    return c
