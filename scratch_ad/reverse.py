"""Reverse mode: a tape.

A ``Variable`` carries a value and its place on the tape. Each call on variables appends one node, which knows
where the call's arguments stand and how to pull a cotangent of its output back to them. A pullback walks the
tape once from its end, adding up the cotangents of each place: no recursion, no search, each node once.
"""

import operator

import numpy as np

from .rule import Rewrite, aval, careful, has_nan, match, missing, rules, without_leaks
from .tracer import Closed, Trace, Tracer, dtype_of, kind_of, rebuild, refuse_traced, shape_of
from .tree import (
    copied,
    describe,
    flatten,
    is_inexact,
    split_aux,
    tangent_dtype,
    tree_map,
    typed_like,
    unflatten,
    zeros,
)


class Variable(Tracer):
    """A value and its place on the tape."""

    __slots__ = ("index",)

    def __init__(self, trace, value, index):
        self.owner, self.value, self.index = trace, value, index


_FIRST, _SECOND, _BOTH = (0,), (1,), (0, 1)  # which of two arguments are variables


class Tape(Trace):
    """One run of reverse mode.

    ``nodes[i]`` tells how the value at place i came about: one edge ``(parent, shape, dtype, (combine, pull, kept))``
    per variable that went in. An edge takes the cotangent g of place i to its parent: by ``pull(g, *kept)``, or for
    an elementwise function by ``combine(g, pull(*kept))``, the product with its partial. ``kept`` are the residuals.
    ``shape`` and ``dtype`` are the parent's; None marks a place for several values together (``Parts``).
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
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        if kwargs or rule.joint or len(args) > 2:
            return self.push(rule, function, args, kwargs)
        if len(args) == 1:  # written out for one and two arguments: most calls are such
            x = args[0]
            value = x.value
            y = function(value)
            if rule.single:
                pull = rule.combines[0], rule.partials[0], (y if rule.keeps_output else value,)
            else:
                pull = rule.pull(0, (value,), y, _FIRST)
            try:
                edges = ((x.index, value.shape, value.dtype, pull),)
            except AttributeError:  # a Python number
                edges = ((x.index, *aval(value), pull),)
        else:
            a, b = args
            wrt = ()
            if type(a) is Variable and a.owner is self:
                place_a, a, wrt = a.index, a.value, _FIRST
            if type(b) is Variable and b.owner is self:
                place_b, b, wrt = b.index, b.value, _BOTH if wrt else _SECOND
            y = function(a, b)
            edges = ()
            if wrt is not _SECOND:
                edges = ((place_a, *aval(a), rule.pull(0, (a, b), y, wrt)),)
            if wrt is not _FIRST:
                edges = (*edges, (place_b, *aval(b), rule.pull(1, (a, b), y, wrt)))
        if type(y) is np.ndarray and y.dtype.kind == "f":
            self.nodes.append(edges)
            return Variable(self, y, len(self.nodes) - 1)
        return self.result(y, edges)

    def push(self, rule, function, args, kwargs):
        """Do one call and append its node."""
        if kwargs:
            refuse_traced(function, kwargs, self.mode)
        values, wrt = list(args), []
        for i, a in enumerate(args):
            if type(a) is Variable and a.owner is self:
                values[i] = a.value
                wrt.append(i)
        y, pulls = rule.vjp(function, values, wrt, kwargs)
        if rule.joint:
            pulls, joint = [(None, operator.getitem, (k,)) for k in range(len(wrt))], pulls
        edges = [(args[i].index, *aval(values[i]), pull) for i, pull in zip(wrt, pulls)]
        if rule.joint:
            edges = [(self.variable(None, edges).index, None, None, (None, joint, ()))]
        return self.result(y, edges)

    def result(self, y, edges):
        """The result of a call as variables: itself, or each of several outputs; plain where it is an integer."""
        if not isinstance(y, (tuple, list)):
            if dtype_of(y).kind in "iub":
                return y
            self.nodes.append(edges)
            return Variable(self, y, len(self.nodes) - 1)
        avals = [*map(aval, y)]

        def filled(g):
            kind = kind_of(next(iter(g.values())))
            return [g[k] if k in g else np.zeros(*part, like=kind) for k, part in enumerate(avals)]

        collect = self.variable(None, edges).index
        split = self.variable(None, [(collect, None, None, (None, filled, ()))]).index

        def part(k):
            def alone(g):
                return Parts({k: g})

            return self.variable(y[k], [(split, None, None, (None, alone, ()))])

        return rebuild(y, [part(k) if is_inexact(y[k]) else y[k] for k in range(len(y))])

    def close(self):
        """The nodes, to which nothing can be added any more."""
        nodes, self.nodes = self.nodes, Closed(self.mode)
        return nodes


@np.errstate(all="ignore")
def backward(nodes, seeds, inputs, products=None, last=False):
    """The cotangents of the first places, the inputs, given those of some places, by one walk from the end.

    ``products`` stand in place of those on the tape, as the careful ones do. With ``last``, the tape is used up: each
    node is let go once it has done its part, and its residuals with it.
    """
    cotangents = [None] * len(nodes)
    for index, g in seeds:
        cotangents[index] = g if cotangents[index] is None else cotangents[index] + g
    for index in range(len(nodes) - 1, inputs - 1, -1):
        g = cotangents[index]
        if g is None:
            continue
        cotangents[index] = None
        edges = nodes[index]
        if last:
            nodes[index] = ()
        for parent, shape, dtype, (combine, pull, kept) in edges:
            if products and combine:
                combine = products[combine]
            c = combine(g, pull(*kept)) if combine else pull(g, *kept)
            if products and not combine:
                c = without_leaks(pull, g, kept, c)
            if c is None:
                continue
            if shape is not None and (c.shape != shape or c.dtype is not dtype):
                c = match(c, (shape, dtype))
            held = cotangents[parent]
            cotangents[parent] = c if held is None else held + c
    return cotangents[:inputs]


class Parts(dict):
    """The cotangents that have arrived of a call with several outputs, by the output's number."""

    def __add__(self, other):
        self.update(other)  # in place, so that n of them take n steps; each output is one node, which sends one
        return self


def vjp(fun, *primals, has_aux=False):
    """The value of ``fun`` at ``primals``, and its pullback.

    Returns ``(out, pullback)`` or ``(out, pullback, aux)``. ``pullback(cotangent)``, with a cotangent shaped like
    ``out``, gives a tuple of cotangents shaped like ``primals`` (float0 for integers), any number of times. It does
    not change when the input arrays, arrays that ``fun`` used, or ``out`` are changed later. If a nan comes out, the
    tape is walked a second time with 0·∞ = 0 in the chain rule's products (see ``rule.careful``).
    The pullback raises ValueError for a cotangent of another container, shape or dtype than ``out``'s.
    """
    leaves, spec = flatten(primals)
    out_leaves, out_spec, pull, aux = run(lambda leaves: fun(*unflatten(spec, leaves)), leaves, has_aux)

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


def run(fun, leaves, has_aux):
    """Run ``fun``, a function of a list of leaves, on variables.

    Returns the output's leaves, its spec, the function ``pull`` from output to input cotangents (lists of leaves), and
    aux. ``pull(cotangents, last=True)`` uses the tape up, so that memory is free sooner; should a nan make a careful
    walk necessary, ``fun`` runs again. Raises TypeError for an output that is no number, or a tracer of another run.
    """
    tape = Tape()
    leaves = list(map(copied, leaves))
    inputs = [tape.variable(leaf) if is_inexact(leaf) else leaf for leaf in leaves]
    count = len(tape.nodes)
    out, aux = split_aux(fun(inputs), True) if has_aux else (fun(inputs), None)
    nodes = tape.close()
    tracers, out_spec = flatten(out)
    places, values = [], []
    for leaf in tracers:
        mine = type(leaf) is Variable and leaf.owner is tape
        places.append(leaf.index if mine else None)
        values.append(leaf.value if mine else tape.constant(leaf))

    def pull(cotangents, last=False, products=None):
        seeds = [(at, typed_like(g, y)) for at, g, y in zip(places, cotangents, values) if at is not None]
        result = backward(nodes, seeds, count, products, last)
        if products is None and any(map(has_nan, result)):
            if last:
                return run(fun, leaves, has_aux)[2](cotangents, last, careful)
            result = backward(nodes, seeds, count, careful)
        taken = [g for _, g in seeds]
        return [_own(result[v.index] if type(v) is Variable else None, leaf, taken) for v, leaf in zip(inputs, leaves)]

    if has_aux:
        aux = tree_map(lambda leaf: copied(leaf.value) if type(leaf) is Variable and leaf.owner is tape else leaf, aux)
    return values, out_spec, pull, aux


def _own(c, leaf, taken):
    """A cotangent that shares memory with nothing else, an array where the primal is one."""
    if c is None:
        return zeros(leaf)
    if type(c) is np.ndarray:
        if c.base is not None:
            c = c.copy()
        for other in taken:
            if c is other:
                c = c.copy()
        taken.append(c)
    elif type(leaf) is np.ndarray and isinstance(c, np.generic):
        c = np.asarray(c)
    return c
