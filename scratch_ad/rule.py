"""The four kinds of rule, one per NumPy function, each good for both modes, and how they are registered.

Names in every rule: ``x`` or ``a, b, c`` the arguments, ``y`` the output, ``t`` a tangent, ``g`` a cotangent.

    elementwise(np.tanh, lambda x: 1 / np.square(np.cosh(x)))         the partial derivatives
    linear(np.transpose, lambda g, _a, axes=None: …)                  the transpose, per argument
    explicit(np.sort, jvp=lambda t, y, a, axis=-1: …, vjp=lambda g, _y, a, axis=-1: …)
    constant(np.floor, np.argmax)                                     piecewise constant: derivative zero

Besides these, ``composite`` rewrites a function in others that have rules, and ``refuse`` says why there is none. The
rules for functions of another package load with the first call of such a function (``registry.on_demand``).

A rule's parameter names say what is kept for the reverse pass. A partial keeps just the arguments it names. A
transpose or vjp takes the call's arguments in the call's order; of one written with a leading underscore
(``_a``) it sees only ``shape``, ``dtype``, ``ndim`` and ``size``, and nothing of its data is kept; ``_y`` is None.

Complex numbers follow JAX: the reverse map is the transpose of the forward one, without conjugation. For a
function with real output (``abs``) a partial p means the forward map Re(p t), so p = ∂y/∂Re x − i ∂y/∂Im x.
"""

import functools
import inspect
import operator
from typing import NamedTuple

import numpy as np

from . import chain
from .constants import created
from .foreign import refused
from .modes import transposed
from .primitives import astype
from .refusals import check_callable
from .registry import FORWARD, REVERSE, Derivative, Rewrite, aval, match, rule_of, snapshot
from .scalars import of_numpys, ufunc_of
from .silence import silently
from .tracer import (
    Diverged,
    Tracer,
    batch_in,
    batch_of,
    bottom,
    call,
    dtype_of,
    kind_of,
    name_of,
    primitive,
    rebuild,
    shape_of,
    strip,
)

_OURS = __name__.partition(".")[0] + "."


def as_kept(x, y):
    """The argument ``x`` as partials take it: an array, in no less precision than the output ``y``.

    NumPy computes the logarithm of an 8-bit integer in half precision, and its difference from 1 in 8 bits.
    """
    ours, dtype = getattr(x, "dtype", None), getattr(y, "dtype", None)
    if ours is None or dtype is None:  # a Python number, or a list of such
        return np.asarray(x) if isinstance(x, (tuple, list)) else x
    if ours is dtype:
        return x
    if dtype.kind not in "fc":
        if dtype.kind == "O":
            raise refused(y, "A call that is differentiated gave")
        return x
    if ours.kind in "iub" and ours.itemsize < 8:
        return astype(x, np.dtype(np.int64))
    real = np.finfo(dtype).dtype
    return astype(x, real) if ours.kind == "f" and ours.itemsize < real.itemsize else x


def over(divisor):
    """A partial 1/d, given by its divisor d: ``elementwise(np.log, over(lambda x: x))``. A division less, and exact."""
    return Over(divisor)


class Over(NamedTuple):
    """A partial given by its divisor."""

    divisor: object


_creators = {np.zeros_like, np.ones_like, np.empty_like}
_OF_SHAPES = {*_creators, np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj}


class Constant(Rewrite):
    def rewrite(self, mode, function, args, kwargs):
        y = function(*map(strip, args), **{k: strip(v) for k, v in kwargs.items()})
        return created(y) if function in _creators else y

    def is_linear(self, function, wrt) -> bool:
        return function in _OF_SHAPES


class Composite(Rewrite):
    def __init__(self, body, valued_by=None):
        self.body, self.valued_by = body, valued_by

    def rewrite(self, mode, function, args, kwargs):
        args = of_numpys(args) if function not in ufunc_of else args
        try:
            if self.valued_by is None or not runs_numpy((args, tuple(kwargs.values()))):
                return self.body(*args, **kwargs)
            value = function(*map(strip, args), **{k: strip(v) for k, v in kwargs.items()})
            with silently():  # that call has warned
                return self.valued_by(self.body(*args, **kwargs), value)
        except (Diverged, TypeError) as error:
            return batch_of(error, (*args, *kwargs.values())).loop(function, args, kwargs)


class Refused(Rewrite):
    def __init__(self, error, reason):
        self.error, self.reason = error, reason

    def rewrite(self, mode, function, args, kwargs):
        raise self.error(f"{name_of(function)} has no derivative in {mode}: {self.reason}.")


class Elementwise(Derivative):
    """Partials per argument: a function of the arguments it names, 1, -1, None for zero, or why there is none."""

    def __init__(self, function, partials):
        self.function, self.partials = function, partials
        places = dict(zip(("x",) if len(partials) == 1 else "abcdefgh", range(len(partials)))) | {"y": -1}
        self.steps = [chain.over if isinstance(p, Over) else chain.times for p in partials]
        self.maps = [p.divisor if isinstance(p, Over) else p for p in partials]
        self.keeps = [[places[p] for p in _parameters(m) if p in places] if callable(m) else None for m in self.maps]
        self.constant_edges = [None if callable(m) else _constant_edges.get(m) for m in self.maps]
        self.takes_keywords = not isinstance(function, np.ufunc)
        if len(partials) == 1 and self.keeps[0] in ([0], [-1]):
            self.short = self.steps[0], self.maps[0], self.keeps[0] == [-1]
            if isinstance(function, np.ufunc) and (self.maps[0].__module__ or "").startswith(_OURS):
                self.quick = self.short  # of a user's partial nothing is known
        edges = [self.constant_edges[i] or (self.steps[i], m) for i, m in enumerate(self.maps)]
        keep = [_kept_of_two.get(tuple(k or ())) for k in self.keeps]
        if len(partials) == 2 and None not in keep and not any(isinstance(m, str) for m in self.maps):
            uses = [k in (self.keeps[1 - k] or ()) for k in (0, 1)]
            self.pair = *uses, *((*edge[:2], k) for edge, k in zip(edges, keep, strict=True))

    def push(self, function, i, args, y, kwargs=None):
        if self.keeps[i] is None:
            return self.constant_edges[i] or self.refuse(i, FORWARD)
        kept = [y if k == -1 else as_kept(args[k], y) for k in self.keeps[i]]
        return self.steps[i], self.map(i, kwargs) if kwargs else self.maps[i], kept

    def pull(self, i, args, y, wrt, kwargs=None):
        if self.keeps[i] is None:
            return self.constant_edges[i] or self.refuse(i, REVERSE)
        kept = []
        for k in self.keeps[i]:
            # What stands on the tape is nobody's to write into, and needs no copy.
            kept.append(y if k == -1 else args[k] if k in wrt else snapshot(as_kept(args[k], y)))
        return self.steps[i], self.map(i, kwargs) if kwargs else self.maps[i], kept

    def is_linear(self, function, wrt) -> bool:
        return not any({-1, *wrt}.intersection(self.keeps[i] or ()) for i in wrt)

    def map(self, i, kwargs):
        """The partial of argument i, or its divisor, with the keywords of the call."""
        return _with_keywords(self.maps[i], kwargs if self.takes_keywords else {})

    def refuse(self, i, mode):
        """Raise for an argument whose partial is not known."""
        raise NotImplementedError(
            f"{name_of(self.function)} has no derivative in its argument {i} in {mode}: {self.maps[i]}."
        )


# What an edge of a call of two arguments keeps, as a part of ``(a, b, y)``, by the places that the partial names.
_kept_of_two = {
    (): (),  # nothing
    (0,): slice(0, 1),
    (1,): slice(1, 2),
    (-1,): slice(2, 3),
    (0, 1): slice(0, 2),
    (1, -1): slice(1, 3),
    (0, -1): slice(0, 3, 2),
    (0, 1, -1): slice(0, 3),
}
_constant_edges = {1: chain.same, -1: operator.neg, None: lambda u: None}
_constant_edges = {partial: (chain.through, linear_map, ()) for partial, linear_map in _constant_edges.items()}


def _with_keywords(function, kwargs):
    """The function with the keywords of the call, as they are now."""
    return functools.partial(function, **{k: snapshot(v) for k, v in kwargs.items()}) if kwargs else function


def _parameters(function):
    function = inspect.unwrap(function)
    if not hasattr(function, "__code__"):
        raise TypeError(
            f"The parameters of a rule's functions name what it keeps, and {function!r} names none: write a function "
            "around it, such as lambda x: np.cos(x)."
        )
    return function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]


class _PerArgument(Derivative):
    """What linear and explicit rules share: per argument a reverse map, which keeps what its parameter names say."""

    def __init__(self, function, reverse_maps, leading):
        # ``output``, per argument, is None if the reverse map takes no output, else whether it looks at it.
        names = [_parameters(m)[leading:] if m else () for m in reverse_maps]
        self.function, self.reverse_maps = function, {i: m for i, m in enumerate(reverse_maps) if m}
        self.abstract = [frozenset(i for i, name in enumerate(n) if name.startswith("_")) for n in names]
        self.keywords = frozenset().union(*names)

    def check(self, i, kwargs, mode):
        """Raise for an argument or a keyword that the rule does not cover."""
        if kwargs and not self.keywords.issuperset(kwargs):
            unknown = ", ".join(kwargs.keys() - self.keywords)
            raise NotImplementedError(f"{name_of(self.function)}: no rule for the keyword {unknown} in {mode}.")
        if i not in self.reverse_maps:
            raise NotImplementedError(f"{name_of(self.function)} has no derivative in its argument {i} in {mode}.")

    def is_linear(self, function, wrt) -> bool:
        return not any(self.output[i] or set(wrt) - self.abstract[i] for i in wrt if i in self.reverse_maps)

    def pull(self, i, args, y, wrt, kwargs=None) -> tuple:
        if i not in self.reverse_maps or (kwargs and not self.keywords.issuperset(kwargs)):
            self.check(i, kwargs, REVERSE)
        reverse_map, abstract, output = self.reverse_maps[i], self.abstract[i], self.output[i]
        if output is None and len(args) == 1 and abstract:  # quickly what is most frequent
            return chain.through, _with_keywords(reverse_map, kwargs) if kwargs else reverse_map, (aval(args[0]),)
        kept = [] if output is None else [y if output else None]
        for k, x in enumerate(args):
            kept.append(aval(x) if k in abstract else x if k in wrt else snapshot(x))
        return chain.through, _with_keywords(reverse_map, kwargs) if kwargs else reverse_map, kept


@functools.cache
def _second_of(function):
    return lambda t, first: function(first, t)


class Linear(_PerArgument):
    def __init__(self, function, transposes):
        super().__init__(function, transposes, leading=1)
        self.output = [None] * len(transposes)

    def push(self, function, i, args, y, kwargs=None) -> tuple:
        if kwargs or i not in self.reverse_maps:
            self.check(i, kwargs, FORWARD)
        if not kwargs and len(args) < 3:  # quickly what is most frequent
            return chain.through, _second_of(function) if i else function, args[1:] if i == 0 else args[:1]
        kwargs = kwargs or {}
        itself = lambda t, *others: function(*others[:i], t, *others[i:], **kwargs)
        return chain.through, itself, [*args[:i], *args[i + 1 :]]


class Explicit(_PerArgument):
    """Both maps written out, or the forward ones alone: then ``vjps`` is None."""

    def __init__(self, function, jvps, vjps):
        super().__init__(function, vjps or jvps, leading=2)
        self.jvps, self.vjps = jvps, vjps
        self.output = [m is not None and not _parameters(m)[1].startswith("_") for m in vjps or jvps]

    def push(self, function, i, args, y, kwargs=None):
        self.check(i, kwargs, FORWARD)
        return chain.through, _with_keywords(self.jvps[i], kwargs), [y, *args]

    def pull(self, i, args, y, wrt, kwargs=None):
        if self.vjps:
            return super().pull(i, args, y, wrt, kwargs)
        self.check(i, kwargs, REVERSE)
        push = _with_keywords(self.jvps[i], kwargs)
        transpose, _ = transposed(lambda t: (push(t, y, *args), None), args[i])
        return chain.through, lambda g: transpose(g)[0], ()


class JointlyLinear(Derivative):
    """Linear in all its positional arguments together, as concatenation is."""

    joint = True

    def is_linear(self, function, wrt) -> bool:
        return True

    def __init__(self, transpose):
        self.transpose = transpose

    def jvp(self, function, args, tangents, kwargs, steps):
        given = dict(tangents)
        zero = lambda a: np.zeros(*aval(a))[()] if kind_of(a) is None else np.zeros_like(strip(a))
        along = [given[i] if i in given else zero(a) for i, a in enumerate(args)]
        return function(*args, **kwargs), steps[chain.through](along, lambda t: function(*t, **kwargs), ())

    def vjp(self, function, args, wrt, kwargs):
        likes, transpose = list(map(aval, args)), _with_keywords(self.transpose, kwargs)

        def pull(g):
            """``transpose(g)``, what of it goes to these."""
            cotangents = transpose(g, *likes)
            return [cotangents[i] for i in wrt]

        return function(*args, **kwargs), (chain.through, pull, ())


def _register(function, rule):
    """Store the rule; a function that does not dispatch (a user's own) is wrapped so that tracers answer it."""
    check_callable("a rule", function, "the function")
    dispatches = isinstance(function, np.ufunc) or isinstance(getattr(function, "__self__", None), np.ufunc)
    if not dispatches and not hasattr(function, "_implementation") and not hasattr(function, "is_primitive"):
        function = primitive(function, of_arrays=isinstance(rule, (Elementwise, _PerArgument)))
    rule_of[function] = rule
    return function


def elementwise(function, *partials):
    """Register the partial derivatives of an elementwise function, one per argument; returns the function to call.

    A partial is a function of the arguments it names (``x`` of one, ``a, b, c`` of several, ``y`` the output),
    ``over`` of such a function for its reciprocal, 1, -1, None where the derivative is zero, or a text that says why
    no derivative is known. Keywords of a user's own function are passed on to it.
    A function that does not dispatch as NumPy's do is wrapped: use what is returned.

    >>> softplus = elementwise(lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(-x)))
    """
    return _register(function, Elementwise(function, partials))


def linear(function, *transposes, jointly=False):
    """Register a function linear in each argument by its transposes ``(g, *args, **kwargs)``, one per argument.

    With ``jointly``, the function is linear in all positional arguments together, and its one transpose
    ``(g, *avals, **kwargs)`` gives the list of all their cotangents.
    """
    return _register(function, JointlyLinear(*transposes) if jointly else Linear(function, transposes))


def explicit(function, jvp, vjp=None):
    """Register both maps, ``jvp(t, y, *args, **kwargs)`` and ``vjp(g, y, *args, **kwargs)``, or a tuple of each.

    One map per argument, None where there is no derivative; each returns an array shaped like ``y``, or like its
    argument. Without ``vjp``, reverse mode transposes ``jvp`` at every call of the function, which takes longer; it
    must then be written in calls that have rules.
    """
    jvps, vjps = (m if m is None or isinstance(m, tuple) else (m,) for m in (jvp, vjp))
    return _register(function, Explicit(function, jvps, vjps))


def composite(function, body, valued_by=None):
    """Register ``body``, the same function written in others that have rules.

    Where its steps round otherwise, ``valued_by=with_value`` takes the value from a call of ``function`` itself, and
    but the derivative from ``body``. It may also be another function of the result of ``body`` and of that value.
    """
    return _register(function, Composite(body, valued_by))


def runs_numpy(x):
    """Whether NumPy's own numbers lie below all tracers in ``x``, lists and tuples included, and none of JAX's."""
    if isinstance(x, (list, tuple)):
        return all(map(runs_numpy, x))
    if not isinstance(x, Tracer):
        return True
    x = bottom(x)
    return isinstance(x, (np.ndarray, np.generic, int, float, complex)) and dtype_of(x).kind != "O"


def with_value(y, value):
    """``value``, one array or several, with the derivative of ``y``, which is the same up to rounding.

    Raises ValueError where it is not, as then the derivative is that of something else; of one of several it is nan.
    """
    if isinstance(value, (list, tuple)):
        return rebuild(value, map(_part_with_value, y, value))
    if type(below := bottom(y)) is np.ndarray and below is bottom(value):
        return y  # an argument, which the function gave back itself
    if isinstance(y, (Tracer, list, tuple)) and shape_of(y) != shape_of(value):
        raise ValueError(f"a result of shape {shape_of(value)} has a derivative of shape {shape_of(y)}.")
    if off := _apart(y, value):
        raise ValueError(f"a result has a derivative of one that is off by {off:.2g} of its largest number.")
    return valued(y, value)


def _part_with_value(y, value):
    return with_value(y * np.nan if _apart(y, value) else y, value)


def _apart(y, value):
    """By how much of its largest number a value is another than this one; 0 if by rounding at most."""
    y, value = bottom(y), bottom(value)
    kinds = [getattr(getattr(x, "dtype", None), "kind", "") for x in (y, value)]
    if not {*kinds} <= {"f", "c"} or shape_of(y) != shape_of(value) or np.all(np.equal(y, value)):
        return 0
    gap, size = np.abs(y - value), np.abs(value)
    worst, most = (np.max(x, where=np.isfinite(x), initial=0) for x in (gap, size))
    eps = float(np.finfo(dtype_of(value)).eps)
    return worst / most if worst > eps**0.2 * most + eps**0.5 else 0  # what is so small may be what rounding left


def valued(y, value):
    """``with_value`` of one array, which leaves no trace where nothing differentiates ``y``."""
    return value if strip(y) is y and batch_in(y) is None else call(valued, (y, value), {})


valued.is_primitive = True
explicit(
    valued,
    jvp=(lambda t, _out, _y, value: match(t, aval(value)), None),
    vjp=(lambda g, _out, _y, _value: match(g, _y), None),
)


def constant(*functions):
    """Register functions whose result is piecewise constant, integer or boolean: their derivative is zero.

    Returns the function to call, or a list of them.
    """
    registered = [_register(function, Constant()) for function in functions]
    return registered[0] if len(registered) == 1 else registered


def refuse(reason, *functions, error=NotImplementedError):
    """Register functions that have no derivative, with the reason and what to use instead."""
    for function in functions:
        rule_of[function] = Refused(error, reason)
