"""Which rule belongs to which function, and all that an engine may ask of a rule.

``y`` is the result of a call, ``t`` a tangent, ``g`` a cotangent; ``wrt`` are the places of the arguments that are
differentiated, the others are somebody's constants. Edges, ``(step, map, kept)``, are explained in chain.py.
"""

import importlib
import math
import operator
import sys
from typing import NamedTuple

import numpy as np

from .foreign import PYTHONS
from .memory import duplicate
from .primitives import astype
from .refusals import refused
from .tracer import Tracer, dtype_of, each, frozen, name_of

rule_of = {}  # NumPy function → its rule
FORWARD, REVERSE = "forward mode (jvp)", "reverse mode (vjp)"
on_demand = {}  # package that users may have imported → module with the rules for its functions


class Rewrite:
    """A rule without a derivative of its own."""

    short = pair = quick = None

    def is_linear(self, function, wrt) -> bool:
        """Whether the result is linear in the arguments at ``wrt`` together, as far as this rule knows."""
        return True

    def rewrite(self, mode, function, args, kwargs):
        """The result of ``function(*args, **kwargs)``, in calls that have rules, or an error that names the mode."""
        raise NotImplementedError


class Derivative:
    """A rule with a derivative of its own: for each argument an edge in either direction.

    An engine may also make the call itself, and ask for the edges alone by ``push`` and ``pull``, unless ``joint``.
    """

    joint = False  # whether one edge, which gives the list of all cotangents, serves all arguments
    short = None  # fast.py's short cut, (step, map, keeps_output): of one argument, of which this or the output is kept
    pair = (
        None  # nodes.py's, of two arguments: whether a, and whether b, is kept for the other; (step, map, keep) of each
    )
    quick = None  # what makes nodes.py's node of a call; of a ufunc as ``short``, if the map keeps shapes and dtypes

    def jvp(self, function, args, tangents, kwargs, steps):
        """``y`` and its tangent; ``tangents`` are pairs ``(i, t)``, ``steps`` the table of the steps to take."""
        y, total = function(*args, **kwargs), None
        for i, t in tangents:
            total = joined(total, t, self.push(function, i, args, y, kwargs), steps)
        return y, total

    def vjp(self, function, args, wrt, kwargs) -> tuple:
        """``y`` and a list of edges, from ``g`` to the cotangent of each argument in ``wrt``.

        If the rule is ``joint``, ``y`` and the one edge from ``g`` to the list of all their cotangents.
        """
        y = function(*args, **kwargs)
        return y, [self.pull(i, args, y, wrt, kwargs) for i in wrt]

    def is_linear(self, function, wrt) -> bool:
        """Whether the result is linear in the arguments at ``wrt`` together: then no edge keeps any of their data."""
        return False

    def push(self, function, i, args, y, kwargs=None) -> tuple:
        """The edge from a tangent of argument i to a tangent of ``y``."""
        raise NotImplementedError

    def pull(self, i, args, y, wrt, kwargs=None) -> tuple:
        """The edge from a cotangent of ``y`` to one of argument i."""
        raise NotImplementedError


def added(t, u):
    """The sum of two (co)tangents, or of two lists of them, where None is zero."""
    if t is None or u is None:
        return u if t is None else t
    return type(t)(map(added, t, u)) if issubclass(type(t), (tuple, list)) else t + u


def joined(total, t, edge, steps):
    """``total`` with what becomes of the tangent ``t`` along an edge; a difference where that only changes its sign."""
    step, push, kept = edge
    if push is operator.neg and total is not None:
        return total - t
    return added(total, steps[step](t, push, kept))


def load_rules():
    """Load the rules for the packages that have been imported; those that users have given already stay."""
    given = dict(rule_of)
    for package, module in on_demand.items():
        if package in sys.modules:
            importlib.import_module(module)
    rule_of.update(given)


class Missing(Rewrite):
    def rewrite(self, mode, function, args, kwargs):
        load_rules()
        if function in rule_of:
            return function(*args, **kwargs)
        name = name_of(function)
        if getattr(np.linalg._umath_linalg, name, None) is function:  # inside of one that was not asked
            raise refused(name, mode)
        raise NotImplementedError(
            f"{name} has no rule, which {mode} needs. Write it in NumPy functions that have one, "
            "or give it one with scratch_ad.elementwise(f, lambda x: …), linear, explicit or constant."
        )


missing = Missing()


class Aval(NamedTuple):
    """What is left of an array whose data is not kept: an abstract value."""

    shape: tuple
    dtype: np.dtype

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))


_aval = tuple.__new__
_OF_PYTHONS = {kind: Aval((), np.result_type(kind())) for kind in PYTHONS}


def aval(x):
    """The shape and dtype of an array, a tracer or a Python number."""
    if type(x) in _OF_PYTHONS:
        return _OF_PYTHONS[type(x)]
    try:
        return _aval(Aval, (x.shape, x.dtype))
    except AttributeError:  # a Python number, or a list of such
        return aval(np.asarray(x)) if isinstance(x, (tuple, list)) else Aval((), dtype_of(x))


def snapshot(x):
    """``x`` as it is now: a copy of any plain array that its owner could still change."""
    if type(x) is np.ndarray and x.flags.writeable:
        return duplicate(x)
    if isinstance(x, Tracer):
        return frozen(x)
    return each(snapshot, x) if isinstance(x, (tuple, list)) else x


def _summed(u, axes, keepdims):
    if type(u) is np.ndarray:
        return np.add.reduce(u, axes, None, None, keepdims)  # as np.sum does
    return np.sum(u, axis=axes, keepdims=keepdims)


def match(u, like):
    """``u`` with the shape and dtype of ``like``: summed over what was broadcast, its real part where ``like`` is real.

    The transpose of broadcasting and of dtype promotion; ``like`` may also be larger, then ``u`` is broadcast.
    """
    shape, dtype = like
    if u.shape != shape:
        lead = u.ndim - len(shape)
        if lead > 0:
            u = _summed(u, tuple(range(lead)), False)
    if u.shape != shape:
        axes = range(-min(u.ndim, len(shape)), 0)
        if ones := tuple([i for i in axes if shape[i] == 1 != u.shape[i]]):
            u = _summed(u, ones, True)
        if u.shape != shape:
            u = np.broadcast_to(u, shape)
    return u if u.dtype == dtype else astype(u, dtype)
