"""Reverse mode: a tape.

A ``Variable`` carries a value and its place on the tape. Each call on variables appends one node, which knows
where the call's arguments stand and how to pull a cotangent of its output back to them. A pullback walks the
tape once from its end, adding up the cotangents of each place: no recursion, no search, each node once.

What runs is the ``FastTape`` of fast.py, which does the same for most calls by shorter ways. To step through this file,
write ``Tape`` for it in modes.py.
"""

from typing import NamedTuple

import numpy as np

from .cells import Cell
from .registry import REVERSE, Rewrite, aval, match, missing, rule_of
from .tracer import Closed, Trace, Tracer, kind_of, rebuild, refuse_traced
from .tree import is_inexact
from .views import viewed


class Variable(Cell):
    """A value and its place on the tape."""

    __slots__ = ()
    place = Tracer.tag

    def __init__(self, trace, value, place):
        self.owner, self.value, self.place = trace, value, place

    def __repr__(self):
        return f"Variable({self.value!r}, place={self.place})"


_CLOSED = Closed(REVERSE)


class Tape(Trace):
    """One run of reverse mode.

    ``nodes[i]`` tells how the value at place i came about: one ``(parent, shape, dtype, *edge)`` per variable that went
    in. The edge (chain.py) takes a cotangent of place i to one of the parent, which has this shape and dtype. A joint
    rule's node is a single ``([(parent, shape, dtype), …], None, None, *edge)``: its edge gives a list of cotangents.
    What most calls of one argument leave is shorter (nodes.py): ``edges`` has it in full.
    """

    __slots__ = ("nodes",)
    mode = REVERSE
    differentiates = True
    kind = Variable

    def __init__(self):
        super().__init__()
        self.nodes = []

    def variable(self, value, node=()):
        self.nodes.append(node)
        return self.kind(self, value, len(self.nodes) - 1)

    def process(self, function, args, kwargs):
        rule = rule_of.get(function, missing)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        return self.apply(rule, function, args, kwargs)

    def apply(self, rule, function, args, kwargs):
        """Do one call and append its node."""
        if kwargs:
            refuse_traced(function, kwargs, self.mode)
        values, wrt = list(args), []
        for i, a in enumerate(args):
            if isinstance(a, Variable) and a.owner is self:
                values[i] = a.value
                wrt.append(i)
        y, edges = rule.vjp(function, values, wrt, kwargs)
        if rule.joint:
            edge = edges
            node = (([(args[i].place, *aval(values[i])) for i in wrt], None, None, *edge),)
        else:
            node = tuple([(args[i].place, *aval(values[i]), *edge) for i, edge in zip(wrt, edges)])
        return viewed(self.result(y, node), y, function, args, kwargs)

    def result(self, y, node):
        """The result of a call as variables: itself, or each of several outputs; plain where it is an integer."""
        if not issubclass(type(y), (tuple, list)):
            return self.variable(y, node) if is_inexact(y) else y
        for _ in y[1:]:
            self.nodes.append(())
        self.nodes.append(Several(list(map(aval, y)), node))
        first = len(self.nodes) - len(y)
        return rebuild(y, [self.kind(self, part, first + k) if is_inexact(part) else part for k, part in enumerate(y)])

    ended = property(lambda self: self.nodes is _CLOSED)

    def close(self):
        """The nodes, to which nothing can be added any more."""
        nodes, self.nodes = self.nodes, _CLOSED
        return nodes


class Several(NamedTuple):
    """The node of a call with several outputs, at the place of the last; nothing stands at those of the others."""

    avals: list  # shape and dtype of each output
    node: tuple

    def cotangents(self, arrived):
        """Those of all outputs, zeros where none has arrived; None where none has arrived at all."""
        if any(g is not None for g in arrived):
            kind = kind_of(next(g for g in arrived if g is not None))
            return [np.zeros(*a, like=kind) if g is None else g for g, a in zip(arrived, self.avals, strict=True)]


def edges(node):
    """What leads back from a node. A list, ``[parent, step, map, kept]``, is one edge that keeps one array alone.

    That is the argument or the output of an elementwise call, of the parent's shape and dtype.
    """
    if type(node) is list:
        parent, *edge, kept = node
        return ((parent, *aval(kept), *edge, (kept,)),)
    return node.node if type(node) is Several else node


def origins(nodes, start):
    """Where the nodes from ``start`` on lead to among those before: ``{place: (shape, dtype)}``."""
    found = {}
    for node in nodes[start:]:
        for parent, shape, dtype, *_ in edges(node):
            parents = parent if shape is None else [(parent, shape, dtype)]
            found |= {place: aval for place, *aval in parents if place < start}
    return found


def backward(nodes, seeds, inputs, steps=None):
    """The cotangents of the first places, the inputs, given those of some places, by one walk from the end.

    ``steps``: a table of steps to take in place of those on the tape. The tape stays as it is.
    """
    cotangents = [None] * len(nodes)
    for index, g in seeds:
        add(cotangents, index, g)
    for index in range(len(nodes) - 1, inputs - 1, -1):
        g, node = cotangents[index], nodes[index]
        if type(node) is Several:
            g = node.cotangents(cotangents[index + 1 - len(node.avals) : index + 1])
        if g is None:
            continue
        cotangents[index] = None
        for parent, shape, dtype, step, pull, kept in edges(node):
            c = (steps[step] if steps else step)(g, pull, kept)
            if c is None:
                continue
            parts = zip(parent, c, strict=True) if shape is None else [((parent, shape, dtype), c)]
            for (place, *like), part in parts:
                add(cotangents, place, match(part, like))
    return cotangents[:inputs]


def add(cotangents, place, c):
    """Add a cotangent to what has arrived at this place."""
    held = cotangents[place]
    cotangents[place] = c if held is None else held + c
