"""Planted faults: proof that the checks can fail.

One fault at a time is planted into one rule of ours in one mode. It sits on what goes into the function or comes out
of it: ``marked``, an identity whose own rule is faulty, is called on the arguments or on the result, so that every
kind of rule, composites too, gets the same faults. What is planted is a derivative wrong in a stated way; the check
that is to find it is the one that judges the right rules.
"""

import copy
import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import optree

from scratch_ad import fast, reverse, tracer
from scratch_ad.chain import through
from scratch_ad.primitives import astype, detached
from scratch_ad.registry import Derivative, Rewrite, match, rule_of
from scratch_ad.tracer import Tracer, each, name_of, primitive, shape_of, strip

from ..cases import catalogue
from ..engines.ready import OURS
from ..measure.derivatives import compiled, findings, measured, references
from ..measure.quantities import FIRST
from ..measure.tolerances import differences
from ..measure.vectors import vectors
from ..referee.judge import examined
from ..sweep import runs, sweep

MODES = ("fwd", "rev")


class Fault(NamedTuple):
    """A way to be wrong: ``corrupt(u, x)`` in place of a tangent or cotangent u, x being what u belongs to.

    ``where``: on the "argument" or the "output" of the function; or what comes "in" or goes "out" in the mode at hand
    (tangents come in at the arguments, cotangents at the output). ``value(y)`` changes the output itself. ``idle``
    says why there are rules for which the fault changes nothing.
    """

    name: str
    where: str = "out"
    corrupt: Callable = lambda u, x: u
    value: Callable | None = None
    modes: tuple = MODES
    dtypes: tuple = ("float64", "complex128")
    only_last: bool = False  # on the last argument alone
    idle: str = ""

    def marks_arguments(self, mode):
        """Whether it sits on the arguments, not on the result."""
        return self.where == "argument" or self.where == ("in" if mode == "fwd" else "out")


def _longest(x):
    """The last axis with more than one element, or None."""
    return next((i for i in reversed(range(len(shape_of(x)))) if shape_of(x)[i] > 1), None)


def _flipped(u, x):
    return u if _longest(u) is None else np.flip(u, _longest(u))


def _transposed(u, x):
    return np.reshape(np.swapaxes(u, -1, -2), shape_of(u)) if len(shape_of(u)) > 1 else u


def _without(u, index):
    """``u`` with one element zero."""
    return np.where(np.arange(u.size).reshape(u.shape) == index, 0, u) if u.size else u


def _special(x):
    """Where a number is zero or equal to another of the array."""
    flat = np.ravel(strip(x))
    return ((flat == 0) | (np.sum(flat[:, None] == flat, axis=1) > 1)).reshape(shape_of(x))


def _widened(y):
    return astype(y, {"float32": np.float64, "complex64": np.complex128}.get(y.dtype.name, y.dtype))


def _overwriting(u, x):
    if isinstance(u, Tracer):
        return u
    return np.array(u).view(_Overwriting)


class _Overwriting(np.ndarray):
    """A cotangent that takes the place of what has gathered, where it should be added."""

    def __add__(self, later):
        return later

    def __radd__(self, held):
        return self


def _written(u, x):
    """``u``, whose own memory is overwritten."""
    if type(u) is not np.ndarray or not u.size or not u.flags.writeable:
        return u
    kept = u.copy()
    u[...] = 7
    return kept


# fmt: off
FAULTS = [
    Fault("sign",                  corrupt=lambda u, x: -u),
    Fault("factor 2",              corrupt=lambda u, x: 2 * u),
    Fault("factor 1.01",           corrupt=lambda u, x: 1.01 * u),
    Fault("dropped term",          "argument", lambda u, x: _without(u, 0)),
    Fault("dropped argument",      "argument", lambda u, x: np.zeros_like(u), only_last=True),
    Fault("transposed",            corrupt=_transposed, idle="no result with two axes"),
    Fault("un-broadcast sum",      modes=("rev",), idle="it does not broadcast"),
    Fault("cotangent ignored",     "in", lambda u, x: np.ones_like(u)),
    Fault("cotangent squared",     "in", lambda u, x: u * u),
    Fault("overwritten",           "argument", _overwriting, modes=("rev",)),
    Fault("wrong axis",            corrupt=_flipped, idle="no axis to reverse"),
    Fault("wrong tie",             "argument", lambda u, x: np.where(_special(x), 2 * u, u)),
    Fault("conjugate missing",     corrupt=lambda u, x: np.conjugate(u), dtypes=("complex128",), idle="real numbers"),
    Fault("dtype widened",         "output", value=_widened, dtypes=("float32", "complex64"),
          idle="its result is always double"),
    Fault("nan at zero",           "argument", lambda u, x: np.where(np.equal(strip(x), 0), np.nan, u),
          idle="zero is outside the domain"),
    Fault("one of 100 zeroed",     "argument", lambda u, x: _without(u, u.size // 2) if u.size >= 100 else u),
    Fault("second order dropped",  corrupt=lambda u, x: detached(u)),
    Fault("second order wrong",    corrupt=lambda u, x: u * (1 + (x - detached(x)))),
    Fault("value changed",         "output", value=lambda y: 1.01 * y),
    Fault("inputs written to",     "in", _written, idle="it gets numbers, or arrays computed within"),
]
# fmt: on
NOTHING = Fault("nothing")  # the control


@primitive
def marked(x):
    """``x`` itself, with a derivative that a fault may corrupt."""
    return x


class _Mark(Derivative):
    """The rule of ``marked``."""

    joint = True  # engines then leave the call to the rule

    def __init__(self, fault, mode):
        self.fault, self.mode = fault, mode

    def value(self, function, args):
        y = function(*args)
        return self.fault.value(y) if self.fault.value else y

    def jvp(self, function, args, tangents, kwargs, steps):
        if self.mode != "fwd":
            return function(*args), tangents[0][1]
        return self.value(function, args), self.fault.corrupt(tangents[0][1], args[0])

    def vjp(self, function, args, wrt, kwargs):
        if self.mode != "rev":
            return function(*args), (through, lambda g: [g], ())
        return self.value(function, args), (through, lambda g: [self.fault.corrupt(g, args[0])], ())


class _Planted(Rewrite):
    """The rule of a function with marks on its arguments or its result."""

    def __init__(self, function, fault, mode):
        self.rule, self.fault, self.on_arguments = rule_of[function], fault, fault.marks_arguments(mode)
        self.twin = primitive(lambda *args, **kwargs: function(*args, **kwargs))

    def rewrite(self, mode, function, args, kwargs):
        if self.on_arguments:
            args, kwargs = self.marked_arguments(args, kwargs)
        if isinstance(self.rule, Rewrite):
            y = self.rule.rewrite(mode, function, args, kwargs)
        else:
            y = self.twin(*args, **kwargs)
        if self.on_arguments or tracer.innermost([y]) is not None or not self.fault.value:
            return y if self.on_arguments else _mark(y)
        return self.fault.value(y)

    def marked_arguments(self, args, kwargs):
        if not self.fault.only_last:
            return _mark(args), {name: _mark(x) for name, x in kwargs.items()}
        last = max((i for i, x in enumerate(args) if tracer.innermost([x]) is not None), default=-1)
        return [_mark(x) if i == last else x for i, x in enumerate(args)], kwargs


def _mark(x):
    """``x`` with its tracers marked."""
    if isinstance(x, Tracer):
        return marked(x) if x.dtype.kind in "fc" else x
    return each(_mark, x) if isinstance(x, (list, tuple)) and tracer.innermost(x) is not None else x


@contextmanager
def planted(function, fault, mode):
    """The rule of ``function`` with a fault in one mode ("fwd" or "rev"), as long as the context lasts."""
    right = rule_of[function]
    rule = _Planted(function, fault, mode)
    rule_of[function], rule_of[rule.twin], rule_of[marked] = rule, right, _Mark(fault, mode)
    if fault.name == "un-broadcast sum":
        reverse.match = fast.match = _first_of_broadcast
    try:
        yield
    finally:
        rule_of[function] = right
        reverse.match = fast.match = match
        del rule_of[rule.twin], rule_of[marked]


def _first_of_broadcast(u, like):
    """``match`` without the sum over what was broadcast: the first of its terms."""
    shape = like[0]
    if len(u.shape) > len(shape) and u.size:
        u = u[(0,) * (len(u.shape) - len(shape))]
    if len(u.shape) == len(shape):
        u = u[tuple(slice(1) if n == 1 else slice(None) for n in shape)]
    return match(u, like)


# Whether they are found


class Outcome(NamedTuple):
    """What came of one fault in one rule and mode: "caught", "escaped", or "equivalent", with the reason."""

    rule: str
    mode: str
    fault: str
    status: str
    reason: str = ""


class Row(NamedTuple):
    """One rule's share: how many faults were planted, and what came of them."""

    rule: str
    planted: int
    caught: int
    escaped: int
    equivalent: int


@dataclass
class Selftest:
    """What came of all faults; ``alarms`` are the rules where the check found something with no fault planted."""

    outcomes: list = field(default_factory=list)
    alarms: list = field(default_factory=list)

    @property
    def rows(self):
        """One ``Row`` per rule."""
        return _rows(self.outcomes, lambda outcome: outcome.rule)

    @property
    def faults(self):
        """One ``Row`` per fault and mode, the fault's name in the place of the rule's."""
        return _rows(self.outcomes, lambda outcome: f"{outcome.fault}, {outcome.mode}")

    @property
    def escapes(self):
        return [outcome for outcome in self.outcomes if outcome.status == "escaped"]

    @property
    def ok(self):
        return not self.escapes and not self.alarms

    def __str__(self):
        lines = [f"{'fault, mode':<30}{'planted':>9}{'caught':>9}{'escaped':>9}{'equivalent':>12}{'share':>8}"]
        for name, total, caught, escaped, equivalent in (*self.faults, _row("all", self.outcomes)):
            share = f"{caught / (caught + escaped):.1%}" if caught + escaped else "-"
            lines.append(f"{name:<30}{total:>9}{caught:>9}{escaped:>9}{equivalent:>12}{share:>8}")
        lines += [f"escaped: {o.fault} in {o.rule}, {o.mode}: {o.reason}" for o in self.escapes]
        counts = Counter((o.fault, o.reason) for o in self.outcomes if o.status == "equivalent")
        lines += [f"equivalent: {fault}, {n} times: {reason}" for (fault, reason), n in sorted(counts.items())]
        return "\n".join(lines + [f"false alarm: {name}" for name in self.alarms])


def _rows(outcomes, key):
    groups = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(outcome)
    return [_row(name, group) for name, group in groups.items()]


def _row(name, outcomes):
    counts = Counter(outcome.status for outcome in outcomes)
    return Row(name, len(outcomes), counts["caught"], counts["escaped"], counts["equivalent"])


def selftest(names=(), modes=MODES, progress=None):
    """Plant every fault into every rule that the catalogue calls, one at a time, and see whether ``findings`` finds it.

    ``names``: of the functions, by default all; ``modes``: of "fwd" and "rev". ``progress(done, total)`` is called
    after each function. Returns a ``Selftest``. Raises ValueError for a function that is not in the catalogue.
    """
    functions = {name_of(c.function): c.function for c in catalogue if c.function in rule_of and not c.differs}
    wanted = sorted({unit.name for unit in sweep.units(names)} & functions.keys())
    result = Selftest()
    for done, name in enumerate(wanted, 1):
        pairs = {unit.dtype: _answered(unit) for unit in _units(name)}
        for mode in modes:
            _plant_all(functions[name], mode, pairs, result)
        if progress:
            progress(done, len(wanted))
    return result


def _units(name):
    """The function's units in the dtypes of the faults; those of this name alone, which as a word may mean more."""
    asked = {dtype for fault in FAULTS for dtype in fault.dtypes}
    return [unit for unit in sweep.units([name]) if unit.name == name and unit.dtype in asked]


def _answered(unit):
    """The unit's problems, each with JAX's answer; of a dtype that only one fault needs, just the first."""
    cases = unit.cases()[: None if unit.dtype in ("float64", "complex128") else 1]
    problems = [runs.problem(case, unit.dtype) for case in cases]
    return list(zip(problems, references(problems), strict=True))


def _plant_all(function, mode, pairs, result):
    for fault in (NOTHING, *FAULTS):
        if mode not in fault.modes:
            continue
        chosen = [pair for dtype in fault.dtypes for pair in pairs.get(dtype, ())]
        found = _status(function, fault, mode, chosen)
        if fault is not NOTHING:
            result.outcomes.append(Outcome(name_of(function), mode, fault.name, *found))
        elif found[0] == "caught":
            result.alarms.append(f"{name_of(function)}, {mode}: {found[1]}")


def _status(function, fault, mode, pairs):
    changes = False
    for problem, reference in pairs:
        problem = problem._replace(vectors=copy.deepcopy(problem.vectors))
        with planted(function, fault, mode):
            try:
                if found := findings(OURS, problem, reference, (mode,)):
                    return "caught", found[0].what
                if not changes:
                    wrong = measured(OURS, problem, (mode,))
            except Exception as error:  # an error is as good a sign as any
                return "caught", f"{type(error).__name__}: {error}"
        changes = changes or bool(differences(wrong, measured(OURS, problem, (mode,))))
    if changes:
        return "escaped", "it changes numbers, by less than the tolerance"
    if pairs and not fault.value and all(_is_flat(reference) for _, reference in pairs):
        return "equivalent", "its derivative is zero"
    return ("equivalent", fault.idle) if fault.idle else ("escaped", "no case where it changes anything")


def _is_flat(reference):
    """Whether all derivatives are zero."""
    derivatives = [exact[first] for exact in reference.derivatives for first in FIRST]
    return not any(map(np.any, optree.tree_leaves(derivatives)))


# Whether what is right is let through


class Alarms(NamedTuple):
    """How many right cases were drawn, and what was found wrong with any of them."""

    drawn: int
    flagged: list

    def __str__(self):
        return "\n".join([f"{len(self.flagged)} of {self.drawn} right cases flagged", *map(str, self.flagged)])


def false_alarms(count=10_000, seed=0, dtypes=(), draws=40, progress=None):
    """Check our own derivatives at ``count`` freshly drawn arguments and vectors of random functions of the catalogue.

    What is compiled for a function serves for ``draws`` draws of each of its cases, as long as the dtypes of their
    results are the same. Returns ``Alarms``.
    """
    rng = np.random.default_rng(seed)
    every = sweep.units(dtypes=dtypes)
    drawn, flagged = 0, []
    for k in itertools.cycle(rng.permutation(len(every))):
        dtype, cases = every[k].dtype, every[k].cases()
        problems, answers = [runs.problem(case, dtype) for case in cases], {}
        for _ in range(draws):
            fresh = str(rng.integers(2**32))
            again = [
                problem._replace(vectors=vectors(problem.function, case.draw(dtype, fresh), fresh))
                for case, problem in zip(cases, problems, strict=True)
            ]
            kinds = tuple(np.asarray(x).dtype for p in again for x in optree.tree_leaves(p.vectors))
            answer = answers.get(kinds) or answers.setdefault(kinds, compiled(again))
            for case, problem, reference in zip(cases, again, answer(again), strict=True):
                drawn += 1
                found, _ = examined(OURS, problem, reference)
                if found:
                    flagged.append(f"{every[k].name} {dtype} {case}, seed {fresh}: {found[0]}")
                if drawn == count:
                    return Alarms(drawn, flagged)
        if progress:
            progress(drawn, count)
