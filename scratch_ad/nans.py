"""Which call first made a nan or an infinity, in the values, the tangents or the cotangents.

Both modes run once more, by engines that look at each call and at each step along an edge: an ``ObservedTape``, and
``Forward``, of which nothing is changed but that. What is told is an ``Origin``: a nan or an infinity in a result while
none of what it was computed from has one.
"""

import linecache
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import optree

from . import chain, forward
from .chain import over, through, times
from .forward import Dual, Forward
from .frames import place
from .modes import jvp, vjp_of_leaves
from .observing import ObservedTape, Observer
from .refusals import check_callable
from .registry import added, match
from .tracer import Tracer, bottom, name_of
from .tree import flatten, is_inexact, unflatten, zeros
from .writing import put

VALUES, TANGENTS, COTANGENTS = "values", "tangents", "cotangents"
FEW = 6  # numbers of an array that are shown
DOUBLE_WHERE = (
    "Choose the argument first and the result after: np.where(m, {call}, 0), with an argument in "
    "place of 1 at which {name} is smooth."
)
POLE = "Keep the argument away from there: np.where(m, x, 1) before {name}, or a small number added to it."
_INFINITIES = "Infinities cancel there: keep them out with np.where, or take a finite number such as -1e30."
REMEDIES = {  # of values, by the function
    **dict.fromkeys(
        ("np.log", "np.log2", "np.log10", "np.log1p"),
        "Keep the argument positive, {name}(np.where(m, x, 1)); for x·log(x) use scipy.special.xlogy(x, x).",
    ),
    **dict.fromkeys(
        ("np.exp", "np.exp2", "np.expm1", "np.sinh", "np.cosh"),
        "It overflows: subtract the maximum first, or use np.logaddexp or logsumexp of scratch_ad.scipy.special.",
    ),
    **dict.fromkeys(
        ("np.divide", "np.reciprocal", "np.remainder", "np.fmod", "np.floor_divide"),
        "Keep zeros out of the divisor: np.where(d != 0, d, 1).",
    ),
    "np.sqrt": "Keep negative numbers out: np.sqrt(np.maximum(x, 0)), or np.where(m, x, 1) where they are not taken.",
    **dict.fromkeys(("np.arcsin", "np.arccos", "np.arctanh"), "Keep the argument inside: np.clip(x, -1, 1)."),
    **dict.fromkeys(("np.add", "np.subtract", "np.multiply"), _INFINITIES),
    "np.power": "A negative number has no fractional power, and 0 no negative one: np.where(m, x, 1) first.",
}


@dataclass(frozen=True)
class Origin:
    """The call that first made a nan or an infinity.

    ``channel``: "values", "tangents" or "cotangents". ``kind``: "nan" or "inf". ``function``: its name; ``arguments``:
    those of the call, the single numbers where it is elementwise; ``index``: where in the result. ``file`` and
    ``line``: of the user's own, "" and 0 where there is none. ``why`` and ``remedy``: in words.
    """

    channel: str
    kind: str
    function: str
    arguments: tuple
    index: tuple
    file: str
    line: int
    why: str
    remedy: str = ""

    def __str__(self):
        where = f", at {list(self.index)}" if self.index else ""
        source = linecache.getline(self.file, self.line).strip()
        at = f"\n    {Path(self.file).name}:{self.line}: {source}".rstrip(": ") if self.file else ""
        return f"{self.channel}: {self.why}{where}{at}" + (f"\n    {self.remedy}" if self.remedy else "")


class FirstNan(NamedTuple):
    """What ``first_nan`` found: the ``origins`` in the order in which they came about, and ``notes`` in words."""

    origins: tuple
    notes: tuple

    def __bool__(self):
        return bool(self.origins)

    def of(self, channel):
        """The first origin in the "values", the "tangents" or the "cotangents"; None if there is none."""
        return next((origin for origin in self.origins if origin.channel == channel), None)

    def __str__(self):
        none = () if self.origins else ("No call made a nan or an infinity, in values, tangents or cotangents.",)
        return "\n".join([*map(str, self.origins), *none, *self.notes])


def first_nan(f, *args):
    """Which call of ``f`` at ``args`` first made a nan or an infinity, in values, tangents and cotangents.

    ``f``: a plain NumPy function of arrays in any containers. Tangents and cotangents of ones are sent through it, by
    our steps without the care for 0·∞ = 0, with which a nan does not come out where a branch is not taken; whether one
    comes out all the same is said in the notes. ``f`` runs once per mode. Infinities and nan in the arguments are named
    there, and make nothing of what follows from them an origin. Returns a ``FirstNan``, whose text says it all.
    Raises what ``f`` raises, unless an origin explains it.

    >>> print(first_nan(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)), np.zeros(2)))  # doctest: +SKIP
    cotangents: the derivative of np.sqrt at 0.0 is inf, times the cotangent 0.0 from np.where: nan, at [0]
    """
    check_callable("first_nan", f, "f")
    leaves, spec = flatten(args)
    notes = begun(args)
    watch = Watch(any(np.any(np.isnan(x)) for x in _arrays(leaves)))
    failures = []
    with np.errstate(all="ignore"):
        for channel, run in ((COTANGENTS, _reverse), (TANGENTS, _forward)):
            try:
                notes += run(watch, f, leaves, spec)
            except Exception as error:
                failures.append(error)
                notes.append(f"The {channel} are not known: {type(error).__name__}: {error}")
    if len(failures) == 2 and not watch.origins:
        raise failures[0]
    order = (VALUES, TANGENTS, COTANGENTS)
    return FirstNan(tuple(sorted(watch.origins, key=lambda o: order.index(o.channel))), tuple(dict.fromkeys(notes)))


def begun(args):
    """What of the arguments is nan or infinite to begin with, in words, an argument a line."""
    notes = []
    for path, leaf in zip(optree.tree_paths(args), flatten(args)[0], strict=True):
        x = np.asarray(bottom(leaf))
        bad = np.zeros(x.shape, bool) if x.dtype.kind not in "fc" else np.isnan(x)
        bad = bad if np.any(bad) or x.dtype.kind not in "fc" else np.isinf(x)
        if np.any(bad):
            index = _first(bad)
            where = "".join(f"[{p!r}]" for p in (*path[1:], *index))
            notes.append(f"Argument {path[0]}{where} is {shown(x[index])} to begin with.")
    return notes


def _reverse(watch, f, leaves, spec):
    """Reverse mode, watched, with a cotangent of ones."""
    tape = ObservedTape(watch)
    values, _, pull, _ = vjp_of_leaves(lambda xs: f(*unflatten(spec, xs)), leaves, tape=tape)
    found = pull([np.ones_like(bottom(y)) for y in values])
    for total, _ in map(watch.arrived.get, range(len(leaves)), repeat((None, ""))):
        watch.total(COTANGENTS, _Call(f, "the arguments", [], ("", 0)), total)
    notes = [] if all(map(_is_finite, values)) else watch.constants[:1]
    return notes + _all_the_same(watch, COTANGENTS, found)


def _forward(watch, f, leaves, spec):
    """Forward mode, watched, along tangents of ones."""
    tangents = [np.ones_like(bottom(x)) if is_inexact(x) else zeros(x) for x in leaves]
    forward.run(WatchedForward(watch), f, spec, leaves, tangents, False)
    if watch.has(TANGENTS) is None:
        return []
    found = jvp(f, unflatten(spec, leaves), unflatten(spec, tangents))[1]
    return _all_the_same(watch, TANGENTS, flatten(found)[0])


def _all_the_same(watch, channel, found):
    if watch.has(channel) == "nan" and not any(chain.has_nan(x) for x in found):
        return [f"The {channel} that come out hold no nan all the same: ours take 0·∞ as 0; JAX's steps do not."]
    return []


class _Call(NamedTuple):
    """One call of a run: its arguments' values, and where the user wrote it."""

    function: object
    name: str
    args: list
    place: tuple

    @property
    def is_elementwise(self):
        return isinstance(self.function, np.ufunc) and self.function.signature is None

    def arguments(self, at):
        """Those of an elementwise call at that place, of any other all."""
        return at.of(self.args) if self.is_elementwise else self.args


class Watch(Observer):
    """What was found so far, of each channel at most the first infinity and then the first nan."""

    def __init__(self, has_nan):
        self.origins, self.outer, self.constants = [], [], []
        self.arrived = {}  # by place of the tape: the sum of the cotangents there, and the call the last came from
        self.has_nan = has_nan  # whether an argument of f or a constant is nan to begin with

    def has(self, channel):
        """The worst kind found there: "nan", "inf" or None."""
        kinds = {origin.kind for origin in self.origins if origin.channel == channel}
        return next((kind for kind in ("nan", "inf") if kind in kinds), None)

    def looks(self, channel):
        """The kinds that would be new."""
        return {None: ("nan", "inf"), "inf": ("nan",), "nan": ()}[self.has(channel)]

    def around(self, proceed, function, args, kwargs):
        self.outer.append(function)
        try:
            return proceed(function, args, kwargs)
        finally:
            self.outer.pop()

    def called(self, tape, rule, function, args, kwargs):
        name, outer = map(_name, (function, (self.outer or [function])[0]))
        if outer != name:
            name = f"{name} in {outer}" if "." in name else outer  # not the names of helpers of ours
        call = _Call(function, name, [bottom(a) for a in args], place())
        for given in args:
            for x in [] if isinstance(given, Tracer) else _arrays(given):
                if np.any(bad := ~np.isfinite(x)):
                    number, (file, line) = shown(np.asarray(x)[_first(bad)]), call.place
                    self.constants.append(f"{name} ({Path(file).name}:{line}) was given {number} in a constant.")
                    self.has_nan = self.has_nan or bool(np.any(np.isnan(x)))
        return call

    def gave(self, call, y):
        """Look at the result of a call, or at each of several."""
        for part in y if isinstance(y, (tuple, list)) else (y,):
            for kind in self.looks(VALUES):
                if at := fresh(kind, bottom(part), call.args, call.is_elementwise):
                    arguments, (result,) = call.arguments(at), at.of([bottom(part)])
                    why = f"{call.name} of {listed(arguments)} gives {shown(result)}"
                    remedy = REMEDIES.get(name_of(call.function), "").format(name=name_of(call.function))
                    self.add(VALUES, kind, call, arguments, at.where, why, remedy)
                    break

    def pulled(self, step, u, edge, c):
        _, source = self.arrived.get(step.at, (None, ""))
        self.total(COTANGENTS, step.call, u)
        self.edge(COTANGENTS, step.call, step.argument, u, source, edge, c)
        parent, shape, dtype = step.likes
        if shape is not None:
            self.arrive(parent, (shape, dtype), c, step.call.name)
        elif c is not None:
            for (at, *like), part in zip(parent, c, strict=True):
                self.arrive(at, like, part, step.call.name)

    def arrive(self, at, like, c, source):
        """Add up what arrives at a place of the tape, as the walk does."""
        if c is not None:
            held, _ = self.arrived.get(at, (None, ""))
            self.arrived[at] = added(held, match(c, like)), source

    def edge(self, channel, call, i, u, source, edge, c):
        """Look at what became of ``u``, which came from ``source``, along the edge of argument i: at ``c``."""
        step, linear_map, kept = edge
        partial = None
        if step in (times, over):
            partial = bottom(linear_map(*kept))
            partial = 1 / np.asarray(partial) if step is over else partial
        inputs = [*_arrays(u), *_arrays(kept)]
        for part in _arrays(c):
            for kind in self.looks(channel):
                if at := fresh(kind, part, inputs, partial is not None):
                    self.add(channel, kind, call, *self._told(at, channel, call, i, u, source, partial, part))
                    break

    def _told(self, at, channel, call, i, u, source, partial, c):
        one = channel[:-1]
        arguments = call.arguments(at)
        which = f" in argument {i}" if len(call.args) > 1 and i is not None else ""
        of = f"{call.name} at {listed(arguments)}{which}"
        origin = f" from {source}" if source else ""
        (result,) = at.of([c])
        if partial is None:
            way = "pullback" if channel == COTANGENTS else "pushforward"
            why = f"the {way} of {of} gives {shown(result)} for the {one} {listed(_arrays(u))}{origin}"
            return arguments, at.where, why, ""
        slope, along = at.of([partial, bottom(u)])
        why = f"the derivative of {of} is {shown(slope)}, times the {one} {shown(along)}{origin}: {shown(result)}"
        remedy = DOUBLE_WHERE if along == 0 else POLE if not np.isfinite(slope) else ""
        name = name_of(call.function)
        harmless = f"{name}(np.where(m, x, 1))" if len(call.args) == 1 else f"{name} of np.where(m, x, 1)"
        return arguments, at.where, why, remedy.format(name=name, call=harmless)

    def total(self, channel, call, total):
        """Look at a sum of (co)tangents of which no part is nan by itself."""
        for part in [] if total is None else _arrays(total):
            if not self.has_nan and "nan" not in (self.has(channel), self.has(VALUES)) and np.any(np.isnan(part)):
                why = f"the {channel} that meet at {call.name} are infinite, of both signs, and add up to nan"
                self.add(channel, "nan", call, call.args, _first(np.isnan(part)), why, _INFINITIES)

    def add(self, channel, kind, call, arguments, index, why, remedy):
        self.origins.append(Origin(channel, kind, call.name, tuple(arguments), index, *call.place, why, remedy))


class WatchedForward(Forward):
    """Forward mode whose calls and steps are looked at."""

    __slots__ = ("call", "stepped", "watch")
    watches = True

    def __init__(self, watch):
        super().__init__({step: self.looked_at(step) for step in chain.plain})
        self.watch, self.call, self.stepped = watch, None, False

    def process(self, function, args, kwargs):
        return self.watch.around(super().process, function, args, kwargs)

    def apply(self, rule, function, args, kwargs):
        self.call, self.stepped = call, _ = self.watch.called(self, rule, function, args, kwargs), False
        y = super().apply(rule, function, args, kwargs)
        self.watch.gave(call, y)
        given = [a.tangent for a in args if isinstance(a, Dual) and a.owner is self]
        for part in y if isinstance(y, (tuple, list)) else (y,):
            if not (isinstance(part, Dual) and part.owner is self):
                continue
            if not self.stepped:  # a custom rule
                edge = through, None, call.args
                self.watch.edge(TANGENTS, call, None, given, "", edge, part.tangent)
            elif not any(np.any(np.isnan(x)) for x in _arrays(given)):
                self.watch.total(TANGENTS, call, part.tangent)
        return y

    def looked_at(self, step):
        def taken(t, push, kept):
            self.stepped, out = True, step(t, push, kept)
            self.watch.edge(TANGENTS, self.call, None, t, "", (step, push, kept), out)
            return out

        return taken


# Numbers


KINDS = {"nan": np.isnan, "inf": np.isinf}


class Spot(NamedTuple):
    """Where in a result of this shape something is found."""

    where: tuple
    shape: tuple

    def of(self, arrays):
        """The element of each array that it was computed from, where the arrays can be broadcast to the result."""
        return [np.broadcast_to(x, self.shape)[self.where] if _fits(np.shape(x), self.shape) else x for x in arrays]


def fresh(kind, result, inputs, is_elementwise):
    """Where ``result`` has a nan or an infinity that is in none of the ``inputs``; None where it has none."""
    is_it, taints = KINDS[kind], np.isnan if kind == "nan" else lambda x: ~np.isfinite(x)
    if not _is_inexact(result) or not np.any(found := is_it(result)):
        return None
    found = np.asarray(found)
    for x in filter(_is_inexact, inputs):
        tainted = np.asarray(taints(x))
        if is_elementwise and _fits(tainted.shape, found.shape):
            found = found & ~np.broadcast_to(tainted, found.shape)
        elif np.any(tainted):
            return None
    return Spot(_first(found), found.shape) if np.any(found) else None


def _name(function):
    return "arr[…] = …" if function is put else name_of(function)


def _first(found):
    return tuple(map(int, np.unravel_index(np.argmax(found), np.shape(found))))


def _fits(shape, into):
    """Whether an array of that shape can be broadcast into the other."""
    return len(shape) <= len(into) and all(m in (1, n) for m, n in zip(shape[::-1], into[::-1], strict=False))


def _is_inexact(x):
    return isinstance(x, (float, complex)) or (isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc")


def _is_finite(x):
    return all(bool(np.all(np.isfinite(part))) for part in _arrays(x))


def _arrays(x):
    """The real and complex numbers in an argument, a cotangent or what an edge keeps, without tracers."""
    if isinstance(x, (tuple, list)):
        return [part for of in x for part in _arrays(of)]
    x = bottom(x)
    return [x] if _is_inexact(x) else []


def shown(x):
    if np.ndim(x) == 0:
        return f"{x.item() if hasattr(x, 'item') else x}"
    if np.size(x) <= FEW:
        return " ".join(np.array2string(np.asarray(x), separator=", ").split())
    return f"an array of shape {np.shape(x)}"


def listed(arguments):
    return " and ".join(map(shown, arguments)) or "()"
