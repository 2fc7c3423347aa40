"""Forward mode: dual numbers.

A ``Dual`` carries a value and its tangent; each rule turns the tangents of a call's arguments into the tangent
of its output. What runs is the ``FastForward`` of fast.py, which does the same for most calls by shorter ways.
"""

import numpy as np

from .cells import Cell
from .refusals import uncover
from .registry import FORWARD, Rewrite, aval, match, missing, rule_of
from .tracer import Trace, Tracer, escaped, frozen, lowered, rebuild, refuse_traced
from .tree import copied, entered, flatten, is_inexact, split_aux, tree_map, typed, typed_like, unflatten, zeros
from .views import viewed


class Dual(Cell):
    """A value and its tangent, which has the value's shape and dtype."""

    __slots__ = ()
    tangent = Tracer.tag

    def __init__(self, trace, value, tangent):
        self.owner, self.value, self.tangent = trace, value, tangent

    def __repr__(self):
        return f"Dual({self.value!r}, tangent={self.tangent!r})"


class Forward(Trace):
    """One run of forward mode; ``steps`` is the table of the chain rule's steps (chain.py), None once it is over."""

    __slots__ = ("steps",)
    mode = FORWARD
    differentiates = True

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def process(self, function, args, kwargs):
        rule = rule_of.get(function, missing)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        return self.apply(rule, function, args, kwargs)

    def apply(self, rule, function, args, kwargs):
        """Push the tangents of the arguments through one call."""
        if kwargs:
            refuse_traced(function, kwargs, self.mode)
        if self.steps is None:
            raise escaped(self.mode)
        values, tangents = list(args), []
        for i, a in enumerate(args):
            if type(a) is Dual and a.owner is self:  # a stale view is a Dual again: dispatch has looked at its owner
                values[i] = a.value
                tangents.append((i, a.tangent))
        y, t = rule.jvp(function, values, tangents, kwargs, self.steps)
        return viewed(self.result(y, t), y, function, args, kwargs)

    def result(self, y, t):
        """The result of a call as dual numbers: itself, or each of several outputs; plain where it has no tangent."""
        if issubclass(type(y), (tuple, list)):
            return y if t is None else rebuild(y, [self.dual(*pair) for pair in zip(y, t, strict=True)])
        return self.dual(y, t)

    def dual(self, y, t):
        return y if t is None or not is_inexact(y) else Dual(self, y, match(typed(t), aval(y)))

    def pull_out(self, leaf):
        """The value and the tangent of one leaf of the output."""
        if self.owns(leaf):
            return leaf.value, lowered(leaf.tangent)
        leaf = self.constant(leaf)
        return leaf, zeros(leaf)

    ended = property(lambda self: self.steps is None)

    def owns(self, leaf):
        return isinstance(leaf, Tracer) and leaf.owner is self


def run(trace, fun, spec, leaves, tangents, has_aux):
    """Run ``fun`` on dual numbers; ``spec`` makes its positional arguments of the leaves.

    Returns the output, its tangent in the same containers, and aux. Raises TypeError for an output that is no number,
    or a tracer of another run.
    """
    on_leaves = lambda leaves: fun(*unflatten(spec, leaves))
    out, tangent_out, out_spec, aux = run_on_leaves(trace, on_leaves, leaves, tangents, has_aux)
    return unflatten(out_spec, out), unflatten(out_spec, tangent_out), aux


def run_on_leaves(trace, fun, leaves, tangents, has_aux):
    """The same of a function of a list of leaves: the output's leaves and their tangents, its spec, and aux."""
    duals = []
    for p, t in zip(leaves, tangents, strict=True):
        inexact = is_inexact(p)
        p = p if type(p) is np.ndarray and inexact else entered(p)  # a write into a dual number copies it
        duals.append(Dual(trace, p, typed_like(frozen(t) if isinstance(t, Tracer) else t, p)) if inexact else p)
    try:
        out, aux = split_aux(fun(duals), has_aux)
        out_leaves, out_spec = flatten(out)
        values, tangents = [], []
        for leaf in out_leaves:
            y, t = trace.pull_out(leaf)
            values.append(y)
            tangents.append(t)
        if has_aux:
            aux = tree_map(lambda leaf: copied(leaf.value if trace.owns(leaf) else leaf), aux)
    except (ValueError, SystemError) as error:
        uncover(error)
        raise
    finally:
        trace.steps = None
    return values, tangents, out_spec, aux
