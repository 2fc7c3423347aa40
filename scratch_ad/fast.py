"""The tape's entry written out for calls of one and two arguments, which most calls are.

The nodes are those of ``Tape.push``; only loops, and the look for what is rare, are left out.
"""

import numpy as np

from .registry import Rewrite, aval, missing, rule_of
from .reverse import Tape, Variable

_ARRAYS = {np.ndarray, np.float64}  # what most values are
_FIRST, _SECOND, _BOTH = (0,), (1,), (0, 1)  # which of two arguments are variables


class FastTape(Tape):
    """A ``Tape``, but faster."""

    __slots__ = ()

    def process(self, function, args, kwargs):
        rule = rule_of.get(function, missing)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        if kwargs or rule.joint or len(args) > 2:
            return self.push(rule, function, args, kwargs)
        if len(args) == 1:
            x = args[0]
            value = x.value
            y = function(value)
            if rule.short is None:
                edge = rule.pull(0, (value,), y, _FIRST)
            else:
                step, pull, of_output = rule.short
                edge = step, pull, (y if of_output else value,)
            try:
                node = ((x.index, value.shape, value.dtype, edge),)
            except AttributeError:  # a Python number
                node = ((x.index, *aval(value), edge),)
        else:
            a, b = args
            wrt = ()
            if type(a) is Variable and a.owner is self:
                place_a, a, wrt = a.index, a.value, _FIRST
            if type(b) is Variable and b.owner is self:
                place_b, b, wrt = b.index, b.value, _BOTH if wrt else _SECOND
            values = a, b
            y = function(a, b)
            node = ()
            if wrt is not _SECOND:
                shape, dtype = (a.shape, a.dtype) if type(a) in _ARRAYS else aval(a)
                node = ((place_a, shape, dtype, rule.pull(0, values, y, wrt)),)
            if wrt is not _FIRST:
                shape, dtype = (b.shape, b.dtype) if type(b) in _ARRAYS else aval(b)
                node = (*node, (place_b, shape, dtype, rule.pull(1, values, y, wrt)))
        if type(y) in _ARRAYS and y.dtype.kind == "f":
            nodes = self.nodes
            nodes.append(node)
            return Variable(self, y, len(nodes) - 1)
        return self.result(y, node)
