"""One run of a function on an observed tape, of which all is kept: calls, values, tangents, and what comes back.

The calls are those that the function makes, each with all that its rule does of it: a *step*. Places are those of the
tape. Each contribution of a step to the adjoint of an argument is kept by itself, in the order of the walk.
"""

import types
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import optree

from .. import reverse
from ..careful import careful
from ..chain import has_nan, over, plain, times
from ..frames import Position, position, raised_at
from ..modes import vjp_of_leaves
from ..observing import Observed, ObservedTape, Observer
from ..registry import added, aval, match, snapshot
from ..rule import Elementwise, Explicit
from ..tracer import bottom, each, lowered, name_of
from ..tree import flatten, is_inexact, typed, unflatten, zeros
from .formulas import filled, formula, parameters
from .words import call_text, leaf_names, shown

_NAMED = 3  # calls inside of one that are named


@dataclass(frozen=True)
class Ref:
    """Stands in the arguments of a call for the number at a place of the tape."""

    place: int
    label: str


class Closure(NamedTuple):
    """Stands in the arguments of a call for a function that closes over numbers of the run."""

    function: object
    held: tuple

    def again(self):
        """The function, which closes over what is held now."""
        f = self.function
        made = types.FunctionType(
            f.__code__, f.__globals__, f.__name__, f.__defaults__, tuple(map(types.CellType, self.held))
        )
        made.__kwdefaults__ = f.__kwdefaults__
        return made


@dataclass(eq=False)
class Number:
    """A number of the run that has derivatives: an input, or a result of a step; None for what is not known."""

    place: int
    label: str
    value: object
    tangent: object = None
    adjoint: object = None
    part: int = 0  # which of the results of its step


@dataclass(eq=False)
class Edge:
    """What one step adds to the adjoint of one number.

    ``partial``: the local derivative where the edge multiplies by one, else None. ``formula``: that, or the linear map
    of the cotangent g, as the rule has it in its source; ``filled``: with the call's names in it; of a call that its
    rule writes in others, through which of these it comes. ``held`` is what had arrived before and ``total`` the sum.
    ``shape``: of the contribution before what broadcasting made was summed.
    """

    step: int
    place: int
    contribution: object
    held: object
    total: object
    partial: object
    formula: str
    filled: str
    shape: tuple


@dataclass(eq=False)
class Step:
    """One call: ``number`` counts from 1. ``outputs`` are those of its results that have derivatives.

    ``via``: "pullback" or "rule" where not the function itself made the call but a derivative inside of it.
    ``value``: all of the result, plain; None if the call failed. ``edges``: in the order of the walk.
    """

    number: int
    function: object
    args: list
    kwargs: dict
    position: Position
    text: str = ""
    rule: object = None
    value: object = None
    done: bool = False
    outputs: list = field(default_factory=list)
    edges: list = field(default_factory=list)
    calls: list = field(default_factory=list)  # functions with derivatives: several where the rule writes it in others

    @property
    def label(self):
        return f"v{self.number}"

    @property
    def via(self):
        inside = [name.rpartition(".")[2] for name in self.position.between]
        if "backward" in inside:
            return "pullback"
        return "rule" if any(name.startswith("scratch_ad.rules") for name in self.position.between) else ""

    @property
    def refs(self):
        """The arguments that are numbers of the run, as often as they occur."""
        return [leaf for leaf in optree.tree_leaves((self.args, self.kwargs)) if isinstance(leaf, Ref)]

    @property
    def parents(self):
        """The places that it was computed from, those of numbers that a function among its arguments holds included."""
        return list(dict.fromkeys([*(ref.place for ref in self.refs), *(edge.place for edge in self.edges)]))

    def again(self, *numbers):
        """The same call with other numbers in the places of ``refs``."""
        rest = iter(numbers)
        args, kwargs = optree.tree_map(
            lambda leaf: next(rest) if isinstance(leaf, Ref) else leaf, (self.args, self.kwargs)
        )
        is_closure = lambda x: isinstance(x, Closure)
        args, kwargs = optree.tree_map(lambda x: x.again() if is_closure(x) else x, (args, kwargs), is_leaf=is_closure)
        if arrange := getattr(self.rule, "arrange", None):  # a custom function, whose arguments are in containers
            return flatten(self.function(*arrange(args)))[0]
        return self.function(*args, **kwargs)


@dataclass
class Recording:
    """All of a run. ``walk``: the seeds, pairs of a place and its cotangent, and then the edges as they were taken.

    ``error``: what ended the function early, with its place; then nothing came back.
    """

    inputs: list
    steps: list
    results: list  # places of the function's results
    walk: list
    error: Exception | None
    raised_at: tuple
    notes: list


def record(f, args, tangents=None, cotangent=None):
    """Run ``f`` at ``args``, along tangents and back from a cotangent, of ones where none are given."""
    leaves, spec = flatten(tuple(args))
    names = leaf_names(f, args)
    real = list(map(is_inexact, leaves))
    along = leaves if tangents is None else _given("tangents", tuple(tangents), leaves, spec)
    along = [np.ones_like(x) if tangents is None and moves else x for x, moves in zip(along, real, strict=True)]
    recorder = _Recorder()
    tape, results = ObservedTape(recorder), []

    def run(numbers):
        for x, name, t in zip(numbers, names, along, strict=True):
            if tape.owns(x):
                value = typed(x.value)
                recorder.add(Number(x.place, name, value, np.asarray(t, value.dtype)[()]))
        recorder.tape, recorder.within = tape, run.__code__
        out = f(*unflatten(spec, numbers))
        results.extend(y.place if tape.owns(y) else None for y in flatten(out)[0])
        return out

    error = None
    try:
        values, out_spec, pull, _ = vjp_of_leaves(run, leaves, tape=tape)
    except Exception as failure:  # whatever the user's function raises is shown, with the steps up to it
        error = failure
    inputs = list(recorder.numbers.values())[: sum(real)]
    if error is None:
        given = None if cotangent is None else _given("the cotangent", cotangent, values, out_spec)
        seeds = given or [np.ones_like(y) for y in values]
        _walk_back(recorder, tape, pull, list(zip(results, map(typed, seeds), strict=True)), leaves, inputs)
        for x in recorder.numbers.values():
            x.adjoint = recorder.totals[x.place] if x.place in recorder.totals else zeros(x.value)
    places = [at for at in results if at is not None]
    at = raised_at(error) if error else ("", 0)
    return Recording(inputs, recorder.steps, places, recorder.walk, error, at, recorder.notes)


def _given(what, tree, likes, spec):
    """The leaves of tangents or cotangents that are shaped like these."""
    leaves, given = flatten(tree)
    if given != spec:
        raise TypeError(f"{what}: containers as {given}, where {spec} is needed.")
    for x, like in zip(leaves, likes, strict=True):
        if np.shape(x) != np.shape(like):
            raise ValueError(f"{what}: an array of shape {np.shape(x)}, where {np.shape(like)} is needed.")
    return leaves


def _walk_back(recorder, tape, pull, seeds, leaves, inputs):
    placed = [(at, g) for at, g in seeds if at is not None]
    recorder.seed(placed)
    found = pull([g for _, g in seeds])
    if any(has_nan(recorder.totals.get(x.place)) for x in inputs):
        recorder.seed(placed)
        with np.errstate(all="ignore"):
            reverse.backward(tape.kept, placed, len(inputs), Observed(careful))
    of_inputs = [c for c, leaf in zip(found, leaves, strict=True) if is_inexact(leaf)]
    for x, c in zip(inputs, of_inputs, strict=True):
        total = recorder.totals.get(x.place)
        if total is not None and not np.array_equal(total, c, equal_nan=True):
            recorder.notes.append(f"Infinities that cancel made the adjoint of {x.label} nan, step by step; it is not.")
        recorder.totals[x.place] = c


class _Recorder(Observer):
    def __init__(self):
        self.steps, self.numbers, self.notes, self.walk, self.totals = [], {}, [], [], {}
        self.tape, self.within, self.current = None, None, None
        self.tangents, self.step_of = {}, {}  # by place, those within a step included
        self.constants = {}  # results without a derivative, by identity: they live as long as this does

    def add(self, number):
        self.numbers[number.place] = number
        self.tangents.setdefault(number.place, number.tangent)

    def around(self, proceed, function, args, kwargs):
        if self.current:
            return proceed(function, args, kwargs)
        kept = self.kept(list(args)), self.kept(dict(kwargs))
        self.current = step = Step(len(self.steps) + 1, function, *kept, position(self.within))
        step.text = call_text(function, *(optree.tree_map(self.named, x) for x in (list(args), dict(kwargs))))
        self.steps.append(step)
        first = len(self.tape.nodes)
        try:
            y = proceed(function, args, kwargs)
        finally:
            self.current = None
            self.step_of.update(dict.fromkeys(range(first, len(self.tape.kept)), step))
        step.value, step.done = self.plain(y), True
        if type(y) is np.ndarray:
            self.constants[id(y)] = y, Ref(-1, step.label)
        several = isinstance(y, (tuple, list))
        for k, part in enumerate(y if several else [y]):
            if self.tape.owns(part) and part.place >= first:
                label = step.label + (f"[{k}]" if several else "")
                number = Number(part.place, label, part.value, self.tangents.get(part.place), part=k)
                step.outputs.append(number)
                self.add(number)
        return y

    def named(self, x):
        """An argument as its call is written: a ``Ref`` for what has a name."""
        x = self.constants.get(id(x), (x, x))[1]
        return self.kept(x) if self.tape.owns(x) else x

    def kept(self, x):
        """Arguments as they are now, with a ``Ref`` for each number of the run."""
        if self.tape.owns(x):
            number = self.numbers.get(x.place)
            within = self.step_of.get(x.place, self.current)
            return Ref(x.place, number.label if number else f"{within.label}′")
        if isinstance(x, dict):
            return {name: self.kept(value) for name, value in x.items()}
        if isinstance(x, (list, tuple)):
            return each(self.kept, x)
        if isinstance(x, types.FunctionType) and any(map(self.tape.owns, held := _held(x))):
            return Closure(x, each(self.kept, held))
        return snapshot(lowered(x))

    def plain(self, y):
        return each(self.plain, y) if isinstance(y, (tuple, list)) else bottom(y)

    def called(self, tape, rule, function, args, kwargs):
        self.current.calls.append(function)
        self.current.rule = rule
        values = [a.value if tape.owns(a) else a for a in args]
        given = [(i, self.tangents.get(a.place)) for i, a in enumerate(args) if tape.owns(a)]
        labels = [shown(self.named(a)) for a in args]
        return rule, labels, self._pushed(rule, function, values, given, kwargs)

    def _pushed(self, rule, function, values, given, kwargs):
        """The tangents of the call's results, by the rule itself; None where it has none, or is given none."""
        if any(t is None for _, t in given):
            return None
        try:
            with np.errstate(all="ignore"):
                y, t = rule.jvp(function, values, given, kwargs, plain)
                if any(has_nan(part) for part in _parts(t)):
                    y, t = rule.jvp(function, values, given, kwargs, careful)
        except (TypeError, NotImplementedError) as error:
            self.notes.append(f"Tangents end at step {self.current.number}: {error}")
            return None
        pairs = zip(_parts(y), _parts(t) if t is not None else [None] * len(_parts(y)), strict=True)
        return [zeros(part) if u is None else match(typed(u), aval(part)) for part, u in pairs if is_inexact(part)]

    def gave(self, call, y):
        *_, tangents = call
        places = [part.place for part in _parts(y) if self.tape.owns(part)]
        for place, t in zip(places, tangents or ()):
            self.tangents.setdefault(place, t)

    def seed(self, seeds):
        """Begin a walk."""
        self.walk, self.totals = [], {}
        for step in self.steps:
            step.edges = []
        for place, g in seeds:
            self.walk.append((place, g))
            self.totals[place] = added(self.totals.get(place), g)

    def pulled(self, step, u, edge, c):
        if c is None:
            return
        taken, pull, kept = edge
        rule, labels, _ = step.call
        parent, *like = step.likes
        joint = like[0] is None
        for (place, *of), part in zip(parent, c, strict=True) if joint else [((parent, *like), c)]:
            if part is None:
                continue
            held, shape = self.totals.get(place), np.shape(part)
            part = match(part, of)
            self.totals[place] = total = added(held, part)
            at = self.step_of[step.at]
            if self.step_of.get(place) is at:
                continue
            if len(at.calls) > 1:
                self._within(at, place, part, held, total)
                continue
            with np.errstate(all="ignore"):
                partial = pull(*kept) if taken in (times, over) else None
                partial = 1 / np.asarray(partial) if taken is over else partial
            text = formula(pull, taken is over)
            if text in ("1", "-1"):
                partial = float(text)
            named = filled(text, _names(rule, pull, labels, at.label))
            self._arrived(at, Edge(at.number, place, part, held, total, partial, text, named, shape))

    def _arrived(self, step, edge):
        step.edges.append(edge)
        self.walk.append(edge)

    def _within(self, step, place, part, held, total):
        """A contribution from inside of a call that its rule writes in others: all of it to one number is one edge."""
        if found := next((edge for edge in step.edges if edge.place == place), None):
            found.contribution, found.total = added(found.contribution, part), total
            return
        names = list(dict.fromkeys(map(name_of, reversed(step.calls))))
        through = f"back through {', '.join(names[:_NAMED])}{' …' * (len(names) > _NAMED)}"
        shape = np.shape(part)
        self._arrived(step, Edge(step.number, place, part, held, total, None, f"g {through}", f"ḡ {through}", shape))


def _names(rule, pull, labels, result):
    """What stands for each name in a rule's map: a label of the call, "ḡ" for the cotangent."""
    if isinstance(rule, Elementwise):
        given = dict(zip("x" if len(rule.partials) == 1 else "abcdefgh", labels)) | {"y": result}
    else:
        given = dict(zip(parameters(pull), ["ḡ", *([result] if isinstance(rule, Explicit) else []), *labels]))
    return given | {"g": "ḡ"}


def _held(function):
    """What a function closes over; empty where that is not there yet."""
    try:
        return tuple(cell.cell_contents for cell in function.__closure__ or ())
    except ValueError:
        return ()


def _parts(y):
    return y if isinstance(y, (tuple, list)) else [y]
