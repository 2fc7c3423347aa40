"""The four kinds of rule, one per NumPy function, each good for both modes; and the registry.

Names in every rule: ``x`` or ``a, b, c`` the arguments, ``y`` the output, ``t`` a tangent, ``g`` a cotangent.

    elementwise(np.tanh, lambda x: 1 / np.square(np.cosh(x)))         the partial derivatives
    linear(np.transpose, lambda g, _a, axes=None: …)                  the transpose, per argument
    explicit(np.sort, jvp=lambda t, y, a, axis=-1: …, vjp=lambda g, _y, a, axis=-1: …)
    constant(np.floor, np.argmax)                                     piecewise constant: derivative zero

Besides these, ``composite`` rewrites a function in others that have rules, and ``refuse`` says why there is none. The
rules for functions of another package load with the first call of such a function (``on_demand``).

A rule's parameter names say what is kept for the reverse pass. A partial keeps just the arguments it names. A
transpose or vjp takes the call's arguments in the call's order; of one written with a leading underscore
(``_a``) it sees only ``shape``, ``dtype``, ``ndim`` and ``size``, and nothing of its data is kept; ``_y`` is None.

Complex numbers follow JAX: the reverse map is the transpose of the forward one, without conjugation. For a
function with real output (``abs``) a partial p means the forward map Re(p t), so p = ∂y/∂Re x − i ∂y/∂Im x.
"""

import functools
import importlib
import math
import operator
import sys
from functools import reduce
from typing import NamedTuple

import numpy as np

from .tracer import Tracer, astype, dtype_of, kind_of, name_of, primitive, rebuild, strip, through

rules = {}  # NumPy function → its rule
on_demand = {}  # package that users may have imported → module with the rules for its functions


class Aval(NamedTuple):
    """What is left of an array whose data is not kept: an abstract value."""

    shape: tuple
    dtype: np.dtype

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))


def aval(x):
    """The shape and dtype of an array, a tracer or a Python number."""
    try:
        return tuple.__new__(Aval, (x.shape, x.dtype))
    except AttributeError:  # a Python number, or a list of such
        return aval(np.asarray(x)) if isinstance(x, (tuple, list)) else Aval((), dtype_of(x))


def snapshot(x):
    """``x`` as it is now: a copy of any plain array that its owner could still change."""
    if type(x) is np.ndarray and x.flags.writeable:
        return x.copy()
    return through(snapshot, x) if isinstance(x, (tuple, list)) else x


def as_kept(x, y):
    """The argument ``x`` as partials take it: an array, in no less precision than the output ``y``.

    NumPy computes the logarithm of an 8-bit integer in half precision, and its difference from 1 in 8 bits.
    """
    try:
        ours, dtype = x.dtype, y.dtype
    except AttributeError:  # a Python number, or a list of such
        return np.asarray(x) if isinstance(x, (tuple, list)) else x
    if ours is dtype or dtype.kind not in "fc":
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


def _product(u, p):
    infinite, nothing = np.logical_not(np.isfinite(p)), np.equal(p, 0)
    dead = np.logical_or(np.logical_and(np.equal(u, 0), infinite), np.logical_and(nothing, np.isinf(u)))
    return np.where(dead, 0, u) * np.where(dead, 0, p)


def _quotient(u, d):
    infinite, nothing = np.isinf(d), np.logical_or(np.equal(d, 0), np.isnan(d))
    dead = np.logical_or(np.logical_and(np.equal(u, 0), nothing), np.logical_and(infinite, np.isinf(u)))
    return np.where(dead, 0, u) / np.where(dead, 1, d)


# The chain rule's products with 0·∞ = 0, so that nothing leaks from a branch not taken: a zero (co)tangent stays zero
# through a partial that is infinite or nan, and a zero partial stops an infinite (co)tangent. The engines multiply
# plainly first and come here only when a nan came out.
plain = {operator.mul: operator.mul, operator.truediv: operator.truediv}
careful = {operator.mul: _product, operator.truediv: _quotient}


def has_nan(x):
    """Whether the array or number below ``x`` holds a nan; False where that cannot be looked at."""
    if isinstance(x, Tracer):
        x = strip(x)
    if isinstance(x, (np.inexact, float, complex)):
        return bool(x != x)
    if isinstance(x, Tracer) or getattr(x, "dtype", np.dtype(int)).kind not in "fc":
        return False
    x = np.vdot(x, x)
    return bool(x != x)


def without_leaks(linear_map, u, kept, v):
    """``v = linear_map(u, *kept)``, each one array or several (or None), with 0·∞ = 0 in it; None where ``u`` is 0.

    The careful product of a function that is not elementwise: of a stack of matrices some may be in a branch not taken,
    of the terms of a sum some may be zeros of ``u`` times infinities that were ``kept``. Other numbers in their places
    show which results ``u`` does not reach, whatever is kept, and which do not depend on what is infinite or nan.
    """
    if not any(map(has_nan, _several(v))):
        return v
    if not any(np.any(strip(part)) for part in _several(u) if part is not None):
        return None
    replaced = functools.partial(_replaced, np.random.default_rng(0))
    reached = linear_map(replaced(_nonzero, u), *replaced(np.ones_like, kept))
    first, second = (linear_map(u, *replaced(_not_finite, kept)) for _ in range(2))
    parts = []
    for part, mask, x, y in zip(*map(_several, (v, reached, first, second)), strict=True):
        if part is not None:
            part = np.where(np.logical_and(np.isnan(part), np.equal(x, y)), x, part)
            part = np.where(np.logical_and(np.isnan(part), np.equal(mask, 0)), 0, part)
        parts.append(part)
    return rebuild(v, parts) if isinstance(v, (tuple, list)) else parts[0]


def _several(u):
    return u if isinstance(u, (tuple, list)) else (u,)


def _nonzero(x):
    return np.not_equal(x, 0)


def _not_finite(x):
    return np.logical_not(np.isfinite(x))


def _replaced(rng, chosen, x):
    """Arrays, in lists or not, with numbers without any relation to others where ``chosen``, of an infinity's sign."""
    if isinstance(x, (tuple, list)) and type(x) is not Aval:
        return rebuild(x, [_replaced(rng, chosen, part) for part in x])
    if type(x) is Aval or getattr(x, "dtype", np.dtype(int)).kind not in "fc":
        return x
    plain, draw = strip(x), lambda: np.asarray(rng.uniform(-2, 2, x.shape), like=kind_of(plain))
    numbers = draw()
    if x.dtype.kind == "c":
        numbers = numbers + 1j * draw()
    else:
        numbers = np.where(np.isinf(plain), np.copysign(numbers, plain), numbers)
    return np.where(astype(chosen(plain), np.dtype(bool)), numbers.astype(x.dtype), x)


def match(u, like):
    """``u`` with the shape and dtype of ``like``: summed over what was broadcast, its real part where ``like`` is real.

    The transpose of broadcasting and of dtype promotion; ``like`` may also be larger, then ``u`` is broadcast.
    """
    shape, dtype = like
    if u.shape != shape:
        lead = u.ndim - len(shape)
        if lead > 0:
            u = np.sum(u, axis=tuple(range(lead)))
        if ones := tuple(
            i for i, n in enumerate(shape) if n == 1 != u.shape[i - len(shape)] and i >= len(shape) - u.ndim
        ):
            u = np.sum(u, axis=ones, keepdims=True)
        if u.shape != shape:
            u = np.broadcast_to(u, shape)
    return u if u.dtype == dtype else astype(u, dtype)


class Rewrite:
    """Base of the rules that need no derivative of their own: ``rewrite`` gives the result."""


class Constant(Rewrite):
    def rewrite(self, mode, function, args, kwargs):
        return function(*map(strip, args), **{k: strip(v) for k, v in kwargs.items()})


class Composite(Rewrite):
    def __init__(self, body):
        self.body = body

    def rewrite(self, mode, function, args, kwargs):
        return self.body(*args, **kwargs)


class Refused(Rewrite):
    def __init__(self, error, reason):
        self.error, self.reason = error, reason

    def rewrite(self, mode, function, args, kwargs):
        raise self.error(f"{name_of(function)} has no derivative in {mode}: {self.reason}.")


def load_rules():
    """Load the rules for the packages that have been imported; those that users have given already stay."""
    given = dict(rules)
    for package, module in on_demand.items():
        if package in sys.modules:
            importlib.import_module(module)
    rules.update(given)


class Missing(Rewrite):
    def rewrite(self, mode, function, args, kwargs):
        load_rules()
        if function in rules:
            return function(*args, **kwargs)
        raise NotImplementedError(
            f"{name_of(function)} has no rule, which {mode} needs. Write it in other NumPy functions, or add a rule: "
            f"scratch_ad.elementwise({name_of(function)}, lambda x: …) for an elementwise function, "
            "scratch_ad.linear, scratch_ad.explicit or scratch_ad.constant for others."
        )


missing = Missing()


class Elementwise:
    """Partials per argument: a function of the arguments it names, 1, -1, None for zero, or why there is none."""

    joint = False

    def __init__(self, function, partials):
        self.function = function
        places = dict(zip(("x",) if len(partials) == 1 else "abcdefgh", range(len(partials)))) | {"y": -1}
        self.combines = [
            operator.truediv if isinstance(p, Over) else operator.mul if callable(p) else None for p in partials
        ]
        self.partials = [p.divisor if isinstance(p, Over) else p for p in partials]
        self.keeps = [
            [places[p] for p in _parameters(m) if p in places] if callable(m) else None for m in self.partials
        ]
        self.takes_keywords = not isinstance(function, np.ufunc)
        self.single = len(partials) == 1 and self.keeps[0] in ([0], [-1])  # one argument and one residual
        self.keeps_output = self.keeps[0] == [-1]

    def partial(self, i, kwargs):
        """The partial of argument i, or its divisor, with the keywords of the call."""
        return _with_keywords(self.partials[i], kwargs if self.takes_keywords else {})

    def jvp(self, function, args, tangents, kwargs, combining):
        y, total = function(*args, **kwargs), None
        for i, t in tangents:
            if self.partials[i] is None:
                continue
            if self.keeps[i] is not None:
                partial = self.partial(i, kwargs)(*[y if k == -1 else as_kept(args[k], y) for k in self.keeps[i]])
                t = combining[self.combines[i]](t, partial)
            elif self.partials[i] == -1:
                total = -t if total is None else total - t
                continue
            elif self.partials[i] != 1:
                self.refuse(i, "forward mode (jvp)")
            total = t if total is None else total + t
        return y, total

    def vjp(self, function, args, wrt, kwargs):
        y = function(*args, **kwargs)
        return y, [self.pull(i, args, y, wrt, kwargs) for i in wrt]

    def pull(self, i, args, y, wrt, kwargs=None):
        """How a cotangent goes back to argument i: the combining operator, the partial and its residuals.

        Those of the arguments that are not in ``wrt`` are somebody's constants.
        """
        if self.keeps[i] is None:
            return _constant_pulls.get(self.partials[i]) or self.refuse(i, "reverse mode (vjp)")
        kept = []
        for k in self.keeps[i]:
            kept.append(y if k == -1 else args[k] if k in wrt else snapshot(as_kept(args[k], y)))
        return self.combines[i], self.partial(i, kwargs) if kwargs else self.partials[i], kept

    def refuse(self, i, mode):
        """Raise for an argument whose partial is not known."""
        raise NotImplementedError(
            f"{name_of(self.function)} has no derivative in its argument {i} in {mode}: {self.partials[i]}."
        )


_constant_pulls = {1: (None, lambda g: g, ()), -1: (None, operator.neg, ()), None: (None, lambda g: None, ())}


def _with_keywords(function, kwargs):
    """The function with the keywords of the call, as they are now."""
    return functools.partial(function, **{k: snapshot(v) for k, v in kwargs.items()}) if kwargs else function


def _parameters(function):
    return function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]


class _PerArgument:
    """What linear and explicit rules share: per argument a reverse map, which keeps what its parameter names say."""

    joint = single = False

    def __init__(self, function, reverse_maps, leading):
        # ``output``, per argument, is None if the reverse map takes no output, else whether it looks at it.
        names = [_parameters(m)[leading:] if m else () for m in reverse_maps]
        self.function, self.reverse_maps = function, {i: m for i, m in enumerate(reverse_maps) if m}
        self.abstract = [frozenset(i for i, name in enumerate(n) if name.startswith("_")) for n in names]
        self.keywords = frozenset().union(*names)

    def check(self, positions, kwargs, mode):
        """Raise for an argument or a keyword that the rule does not cover."""
        if not self.keywords.issuperset(kwargs):
            unknown = ", ".join(kwargs.keys() - self.keywords)
            raise NotImplementedError(f"{name_of(self.function)}: no rule for the keyword {unknown} in {mode}.")
        for i in positions:
            if i not in self.reverse_maps:
                raise NotImplementedError(f"{name_of(self.function)} has no derivative in its argument {i} in {mode}.")

    def vjp(self, function, args, wrt, kwargs):
        self.check(wrt, kwargs, "reverse mode (vjp)")
        y = function(*args, **kwargs)
        return y, [self.pull(i, args, y, wrt, kwargs) for i in wrt]

    def pull(self, i, args, y, wrt, kwargs=None):
        """How a cotangent goes back to argument i, as in ``Elementwise.pull``: the reverse map and what it keeps."""
        if i not in self.reverse_maps:
            self.check([i], {}, "reverse mode (vjp)")
        reverse_map, abstract, output = self.reverse_maps[i], self.abstract[i], self.output[i]
        kept = [] if output is None else [y if output else None]
        for k, x in enumerate(args):
            kept.append(aval(x) if k in abstract else x if k in wrt else snapshot(x))
        return None, _with_keywords(reverse_map, kwargs) if kwargs else reverse_map, kept


class Linear(_PerArgument):
    def __init__(self, function, transposes):
        super().__init__(function, transposes, leading=1)
        self.output = [None] * len(transposes)

    def jvp(self, function, args, tangents, kwargs, combining):
        self.check([i for i, _ in tangents], kwargs, "forward mode (jvp)")
        y = function(*args, **kwargs)
        terms = []
        for i, t in tangents:
            t_y = function(*args[:i], t, *args[i + 1 :], **kwargs)
            if combining is careful:
                push = lambda t, *args, i=i: function(*args[:i], t, *args[i:], **kwargs)
                t_y = without_leaks(push, t, [*args[:i], *args[i + 1 :]], t_y)
            terms.append(t_y)
        return y, reduce(_add, terms)


class Explicit(_PerArgument):
    def __init__(self, function, jvps, vjps):
        super().__init__(function, vjps, leading=2)
        self.jvps = jvps
        self.output = [m is not None and not _parameters(m)[1].startswith("_") for m in vjps]

    def jvp(self, function, args, tangents, kwargs, combining):
        self.check([i for i, _ in tangents], kwargs, "forward mode (jvp)")
        y, total = function(*args, **kwargs), None
        for i, t in tangents:
            push = _with_keywords(self.jvps[i], kwargs)
            t_y = push(t, y, *args)
            total = _add(total, without_leaks(push, t, [y, *args], t_y) if combining is careful else t_y)
        return y, total


class JointlyLinear:
    """Linear in all its positional arguments together, as concatenation is."""

    joint = True

    def __init__(self, transpose):
        self.transpose = transpose

    def jvp(self, function, args, tangents, kwargs, combining):
        given = dict(tangents)
        zero = lambda a: dtype_of(a).type(0) if kind_of(a) is None else np.zeros_like(a)
        along = [given[i] if i in given else zero(a) for i, a in enumerate(args)]
        return function(*args, **kwargs), function(*along, **kwargs)

    def vjp(self, function, args, wrt, kwargs):
        likes, transpose = list(map(aval, args)), _with_keywords(self.transpose, kwargs)

        def pull(g):
            cotangents = transpose(g, *likes)
            return [cotangents[i] for i in wrt]

        return function(*args, **kwargs), pull


def _add(t, u):
    if t is None or u is None:
        return u if t is None else t
    return type(t)(map(_add, t, u)) if isinstance(t, (tuple, list)) else t + u


def _register(function, rule):
    """Store the rule; a function that does not dispatch (a user's own) is wrapped so that tracers answer it."""
    dispatches = isinstance(function, np.ufunc) or isinstance(getattr(function, "__self__", None), np.ufunc)
    if not dispatches and not hasattr(function, "_implementation") and not hasattr(function, "is_primitive"):
        function = primitive(function)
    rules[function] = rule
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


def explicit(function, jvp, vjp):
    """Register both maps, ``jvp(t, y, *args, **kwargs)`` and ``vjp(g, y, *args, **kwargs)``, or a tuple of each."""
    return _register(function, Explicit(function, *(m if isinstance(m, tuple) else (m,) for m in (jvp, vjp))))


def composite(function, body):
    """Register ``body``, the same function written in others that have rules."""
    return _register(function, Composite(body))


def constant(*functions):
    """Register functions whose result is piecewise constant, integer or boolean: their derivative is zero.

    Returns the function to call, or a list of them.
    """
    registered = [_register(function, Constant()) for function in functions]
    return registered[0] if len(registered) == 1 else registered


def refuse(reason, *functions, error=NotImplementedError):
    """Register functions that have no derivative, with the reason and what to use instead."""
    for function in functions:
        rules[function] = Refused(error, reason)
