"""The methods of a distribution, each a function whose value is SciPy's and whose derivative is written here once.

A method takes ``(x, *shapes, loc, scale)``, a discrete distribution's ``(k, *shapes, loc)``. All follows from the
partial derivatives of the logarithm of the density, in the standard variable z = (x − loc)/scale and in each shape, and
from how the distribution function depends on the shapes: by its partial C there, or by the ``Flow`` v of the quantile,
∂z/∂s at a fixed probability; these are related by C = −p v with the density p.
"""

import copy
import importlib
import inspect
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats._distn_infrastructure import rv_continuous_frozen, rv_discrete_frozen

from ...primitives import detached
from ...rule import elementwise, over, refuse
from ...tracer import all_known, call, gathered, innermost, primitive
from ...tree import typed

CONTINUOUS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")
DISCRETE = ("pmf", "logpmf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")
REFUSED = {
    "rvs": "it draws random numbers; draw standard ones, and move them by loc + scale * z or by ppf",
    "fit": "it searches; minimize the sum of -logpdf, whose derivative is known",
    **dict.fromkeys(
        ("mean", "var", "std", "stats", "moment", "entropy", "expect", "nnlf", "support"),
        "no rule so far; write it in the parameters",
    ),
}
REALS = (-np.inf, np.inf)


class Flow(NamedTuple):
    """∂z/∂s at a fixed probability, as a function of z and the shapes."""

    of: Callable


class Density(NamedTuple):
    """A continuous distribution at loc 0 and scale 1; all are functions of z and the shapes.

    ``slope``: ∂ log p/∂z. ``shapes``: ∂ log p/∂s of each. ``cdf``: the same of the distribution function, each a
    partial, a ``Flow``, or a text that says why there is none. ``support``: its ends, or a function of the shapes.
    ``rates``: p/F and p/(1 − F), where SciPy's own logarithms are so large that their difference has no digits left.
    ``by_log``: ∂ log p/∂ log z, where the slope, or that of the slope, is too small or large a number.
    """

    slope: Callable
    shapes: tuple = ()
    cdf: tuple = ()
    support: object = REALS
    rates: tuple = (None, None)
    by_log: Callable | None = None


class Mass(NamedTuple):
    """A discrete distribution at loc 0: per shape ∂ log p/∂s, and ∂F/∂s, functions of k and the shapes.

    ``support``: its ends, or a function of the shapes. ``ends``: per shape None or ∂p/∂s by neighbouring p, where p
    is 0 and ∂ log p/∂s infinite.
    """

    shapes: tuple
    cdf: tuple
    support: object = (0, np.inf)
    ends: tuple = (None, None, None)


_with_output = {  # by how many arguments there are: a partial by the names of what it keeps
    3: lambda f: lambda a, b, c, y: f((a, b, c), y),
    4: lambda f: lambda a, b, c, d, y: f((a, b, c, d), y),
    5: lambda f: lambda a, b, c, d, e, y: f((a, b, c, d, e), y),
}


def _taken(x):
    """An argument as SciPy takes it: a Python float in double precision."""
    return typed(x) if type(x) is float else gathered(x)


def _method(theirs, name):
    """SciPy's method as a function that tracers answer, with all of its arguments by position."""
    method = getattr(theirs, name)
    signature = inspect.signature(method)

    def ours(*args, **kwargs):
        if innermost((*args, *kwargs.values())) is None:
            return method(*args, **kwargs)
        if not args or first in kwargs:
            bound = signature.bind(*args, **kwargs)
            args, kwargs = bound.args, bound.kwargs
        shapes, loc, scale = theirs._parse_args(*args[1:], **kwargs)
        given = (args[0], *shapes, loc, scale)[:count]
        given = tuple(map(_taken, given))
        if any(np.iscomplexobj(a) for a in given):
            raise NotImplementedError(f"scipy.stats.{theirs.name}.{name}: distributions are of real numbers.")
        if innermost(given) is None:
            return method(*given)
        return call(ours, given, {})

    first = next(iter(signature.parameters))
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    shapes = theirs.shapes.split(", ") if theirs.shapes else []
    places = {"loc": 0, "scale": 1} if hasattr(theirs, "pdf") else {"loc": 0}
    count = 1 + len(shapes) + len(places)
    parameters = [inspect.Parameter(s, kind) for s in (first, *shapes)]
    parameters += [inspect.Parameter(s, kind, default=value) for s, value in places.items()]
    ours.__signature__ = inspect.Signature(parameters)
    ours.__name__, ours.__qualname__, ours.__doc__ = name, f"{theirs.name}.{name}", method.__doc__
    ours.__module__ = f"scipy.stats.{theirs.name}"
    ours.is_primitive = True
    return ours


def _register(method, partials):
    """Register partials of ``(args, y)``, one per argument; nan where SciPy's value is."""
    wrap = _with_output[len(partials)]

    def known(p):
        return lambda args, y: np.where(np.isnan(y), np.nan, p(args, y))

    elementwise(method, *(wrap(known(p)) if callable(p) else p for p in partials))


def _bounds(law, shapes):
    return law.support(*shapes) if callable(law.support) else law.support


def _standard(law, x, shapes, loc, scale, ends=True):
    """z, some number inside of the support in place of those outside of it; and which these are.

    Without ``ends``, those at the ends of the support too, infinite ones among them.
    """
    z = np.divide(np.subtract(x, loc), scale)
    low, high = map(detached, _bounds(law, shapes))
    less, greater = (np.less, np.greater) if ends else (np.less_equal, np.greater_equal)
    outside = np.logical_or(less(z, low), greater(z, high))
    return np.where(outside, _inside(low, high), z), outside


def _inside(low, high):
    """A number between."""
    low, high = np.where(np.isinf(low), np.minimum(high, 1) - 1.0, low), np.where(np.isinf(high), low + 1.0, high)
    return np.where(np.isinf(low), high - 1.0, (np.where(np.isinf(low), 0, low) + high) / 2)


def continuous(theirs, law):
    """SciPy's distribution, whose methods tracers answer by this law."""
    m = {name: _method(theirs, name) for name in CONTINUOUS}
    pdf, logpdf = m["pdf"], m["logpdf"]
    count = len(law.shapes)

    def log_slopes():
        def at(combine):
            def partial(args, _y):
                x, *shapes, loc, scale = args
                z, outside = _standard(law, x, shapes, loc, scale)
                return np.where(outside, 0, combine(z, shapes, scale))

            return partial

        yield at(lambda z, s, scale: law.slope(z, *s) / scale)
        for shape in law.shapes:
            yield at(lambda z, s, scale, shape=shape: shape(z, *s))
        yield at(lambda z, s, scale: -law.slope(z, *s) / scale)
        by_log = law.by_log or (lambda z, *s: z * law.slope(z, *s))
        yield at(lambda z, s, scale: -(1 + by_log(z, *s)) / scale)

    def slopes(sign, log):
        """Of cdf or sf, or of their logarithms: ``rate`` is that in x."""

        def rate(args, y):
            flat = np.logical_or(np.equal(y, 0), np.equal(y, -np.inf if log else 1))
            unknown = lambda p: np.logical_and(np.isnan(p), flat)  # SciPy's density far out, ∞ · 0
            if not log:
                p = pdf(*args)
                return sign * np.where(unknown(p), 0, p)
            if of_z := law.rates[sign < 0]:
                x, *shapes, loc, scale = args
                z, outside = _standard(law, x, shapes, loc, scale)
                nothing = np.logical_or(outside, np.isinf(z))
                return np.where(nothing, 0, sign * of_z(np.where(nothing, 1, z), *shapes) / scale)
            log_p = logpdf(*args)
            nothing = np.logical_or(np.equal(log_p, -np.inf), unknown(log_p))
            return np.where(nothing, 0, sign * np.exp(log_p - np.where(nothing, 0, y)))

        def along(v, r):
            """How the value changes where the quantile moves by v, which at an end of the support may be 0 · ∞."""
            return np.where(np.logical_and(np.equal(v, 0), np.isinf(r)), 0, -v * r)

        def by_scale(args, y):
            x, *_, loc, scale = args
            z = np.divide(np.subtract(x, loc), scale)
            return along(np.where(np.isinf(z), 0, z), rate(args, y))

        def by_shape(change):
            def partial(args, y):
                x, *shapes, loc, scale = args
                z, outside = _standard(law, x, shapes, loc, scale, ends=isinstance(change, Flow))
                if isinstance(change, Flow):
                    r = rate(args, y)
                    dead = np.logical_or(outside, np.equal(r, 0))
                    return np.where(dead, 0, along(scale * change.of(z, *shapes), r))
                size = np.exp(-np.where(outside, 0, y)) if log else 1
                return np.where(outside, 0, sign * change(z, *shapes) * size)

            return change if isinstance(change, str) else partial

        return [rate, *map(by_shape, law.cdf), lambda args, y: -rate(args, y), by_scale]

    def quantile(name, sign):
        inner = None if callable(law.support) else _inside(*law.support)

        def at(args, y):
            return y, *args[1:]

        def by_shape(change):
            def partial(args, y):
                _, *shapes, loc, scale = args
                z = np.divide(np.subtract(y, loc), scale)
                if isinstance(change, Flow):
                    return scale * change.of(z, *shapes)
                at_end = np.logical_or(
                    np.equal(args[0], 0), np.equal(args[0], 1)
                )  # of the support, which is the same for all such shapes
                z, density = np.where(at_end, inner, z), np.where(at_end, 1, pdf(*at(args, y)))
                return np.where(at_end, 0, -change(z, *shapes) / density)

            return change if isinstance(change, str) else partial

        wrap = _with_output[count + 3]
        elementwise(
            m[name],
            over(wrap(lambda args, y: sign * pdf(*at(args, y)))),
            *(c if isinstance(c, str) else wrap(c) for c in map(by_shape, law.cdf)),
            wrap(lambda args, y: np.where(np.isnan(y), np.nan, 1)),
            wrap(lambda args, y: np.divide(np.subtract(y, args[-2]), args[-1])),
        )

    of_log = [*log_slopes()]
    _register(logpdf, of_log)
    # where the density is 0, that is its slope to one side at least
    _register(pdf, [lambda args, y, p=p: np.where(np.equal(y, 0), 0, y * p(args, y)) for p in of_log])
    for name, sign, log in (("cdf", 1, False), ("sf", -1, False), ("logcdf", 1, True), ("logsf", -1, True)):
        _register(m[name], slopes(sign, log))
    quantile("ppf", 1)
    quantile("isf", -1)
    return _attached(theirs, law, m)


def discrete(theirs, law):
    """Likewise; the derivative in k, and in loc, is zero."""
    m = {name: _method(theirs, name) for name in DISCRETE}

    def placed(args, whole):
        k, *shapes, loc = args
        k = np.subtract(k, loc)
        low, high = map(detached, _bounds(law, shapes))
        first = np.floor(k)
        off = np.logical_or(np.less(k, low), np.greater(k, high) if whole else np.greater_equal(first, high))
        if whole:
            off = np.logical_or(off, np.not_equal(first, k))
        return np.where(off, low, first), shapes, off

    def of_mass(slope, at_end, log):
        def partial(args, y):
            k, shapes, off = placed(args, whole=True)
            r = slope(k, *shapes)
            if log:
                return np.where(off, 0, r)
            end = np.logical_and(np.equal(y, 0), np.isinf(r))
            if at_end is None or all_known(np.logical_not(end)):
                return np.where(off, 0, y * r)
            return np.where(off, 0, np.where(end, at_end(k, *shapes), y * np.where(end, 0, r)))

        return partial

    def of_sum(slope, sign, log):
        def partial(args, y):
            k, shapes, off = placed(args, whole=False)
            size = np.exp(-np.where(off, 0, y)) if log else 1
            return np.where(off, 0, sign * slope(k, *shapes) * size)

        return partial

    def each(partial, slopes):
        return [None, *(partial(*s) if callable(s[0]) else s[0] for s in slopes), None]

    for name, log in (("pmf", False), ("logpmf", True)):
        _register(m[name], each(lambda *s, log=log: of_mass(*s, log), zip(law.shapes, law.ends)))
    for name, *how in (("cdf", 1, False), ("sf", -1, False), ("logcdf", 1, True), ("logsf", -1, True)):
        _register(m[name], each(lambda s, how=how: of_sum(s, *how), zip(law.cdf)))
    for name in ("ppf", "isf"):
        elementwise(m[name], None, *(None for _ in law.shapes), 1)
    return _attached(theirs, law, m)


def _attached(theirs, law, methods):
    """A copy of SciPy's object with these methods."""
    ours = frozen_by(copy.copy(theirs), law)
    for name, method in methods.items():
        setattr(ours, name, method)
    refuse_all(ours, theirs, theirs.name, REFUSED)
    return ours


def frozen_by(ours, law=None):
    """``ours``, whose frozen distributions, those with tracers too, have its methods."""
    freeze, of_frozen = ours.freeze, rv_continuous_frozen if hasattr(ours, "pdf") else rv_discrete_frozen

    def frozen(*args, **kwargs):
        if innermost((*args, *kwargs.values())) is None:
            made = freeze(*args, **kwargs)
        else:
            shapes, *_ = ours._parse_args(*args, **kwargs)  # raises where they do not fit
            made = of_frozen.__new__(of_frozen)
            made.args, made.kwds = args, kwargs
            if law is not None:
                made.a, made.b = _bounds(law, map(gathered, shapes))  # of the standard variable, as in SciPy
        made.dist = ours
        return made

    ours.freeze = frozen
    ours.__reduce_ex__ = lambda _protocol: (named, (ours.name,))  # for pickle
    return ours


def named(name):
    """The distribution of this name."""
    return getattr(importlib.import_module(__package__), name)


def refuse_all(ours, theirs, of, reasons):
    """Let the methods of SciPy's distribution that ``reasons`` names refuse tracers."""
    for name, reason in reasons.items():
        if hasattr(theirs, name):
            method = primitive(getattr(theirs, name))
            method.__module__ = f"scipy.stats.{of}"
            refuse(reason, method)
            method.refusal = reason
            setattr(ours, name, method)
