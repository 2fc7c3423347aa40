"""One function at some points: an engine beside JAX, and the smallest case that is still wrong."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import optree

from ..engines.guard import heed, is_users, said, watching
from ..engines.protocol import Engine
from ..engines.surroundings import Surroundings
from ..measure.derivatives import compiled, findings, nested, step_by_step
from ..measure.plain_runs import beside_plain_runs
from ..measure.quantities import FIRST, VALUES, Quantity, quantity
from ..measure.repeats import is_gross, repeated
from ..measure.tolerances import Difference, Finding, differences, replaced_others
from ..measure.values import in_words, nearly, plainly, value_findings
from ..measure.vectors import Vectors, nudged
from ..referee.judge import examined, once
from ..report.result import Result
from ..report.words import described, follows
from .lines import listed
from .parts import Call, is_moving
from .shrink import shrunk
from .variants import larger, variants

__tracebackhide__ = True  # pytest shows the caller's lines
VARYING, PATIENCE = 1.0, 60.0  # seconds of computing for variants of the arguments, unasked and asked for
QUICK = 0.05  # seconds, from which on larger arguments would take too long
SMALL = 100  # numbers in arguments of which the smallest are looked for


@dataclass(frozen=True)
class Question:
    """What is asked: whether an engine differentiates ``reference`` as JAX does, whatever the arguments.

    ``engine_of(call)``: the engine, for a ``Call``. ``written``: the function in the engine's own terms, where these
    are others. ``line(args)``: the line of Python that asks again. ``seed``: of the directions. ``differences``:
    what asks them in place of JAX, which cannot run ``reference``.
    """

    name: str
    reference: Callable
    engine_of: Callable[[Call], Engine]
    line: Callable
    modes: tuple = ("fwd", "rev")
    order: int = 2
    seed: str = "0"
    written: Callable | None = None
    differences: Callable | None = None

    def checked(self, args, edges=False, vary=None):
        """The ``Result`` at these arguments, with ``edges`` also at special points in their shapes, and at variants.

        ``vary``: see ``check``.
        Raises AssertionError if anything is wrong, TypeError if nothing is there to differentiate.
        """
        call = Call(self.reference, args)  # before the rest: what it imports on demand, rules too, is no engine's doing
        around = Surroundings()
        asked = replace(self, engine_of=lambda call: around.apart(self.engine_of(call)))
        try:
            result = asked._checked(call, args, edges, vary)
        except BaseException as error:
            if (replaced := around.restored()) and not is_users(error):
                raise AssertionError(f"{self.name}: {replaced_others('the engine', replaced)}") from error
            raise
        if replaced := around.restored():
            result.findings, result.rerun = [replaced_others(result.engine, replaced)], self.line(args)
        return result.require()

    def _checked(self, call, args, edges, vary):
        start = time.perf_counter()
        self._require_moving(call)
        if apart := call.unsteady():
            remedy = "seed its random numbers inside of it, or pass what changes as an argument"
            raise ValueError(f"{self.name} is not deterministic: two plain runs give {apart}; {remedy}.")
        engine = self.engine_of(call)
        leaves = list(itertools.compress(call.given.leaves, call.given.moves))
        dtypes = ", ".join(dict.fromkeys(x.dtype.name for x in leaves))
        result = Result(self.name, engine.name, dtypes, ", ".join(str(x.shape) for x in leaves))
        try:
            with watching():
                wrong_at, answer = self._look(result, args, _edge_points(call.given) if edges else ())
                heed()
                if result.findings:
                    self._shrink(result, wrong_at, self.order if wrong_at is args else 1)
                elif (vary or vary is None) and not self.differences:
                    with np.errstate(all="ignore"):
                        self._vary(result, call, answer, bool(vary or edges))
        except engine.missing as error:
            result.missing = str(error) or type(error).__name__
        result.seconds = time.perf_counter() - start
        return result

    def _require_moving(self, call):
        if not any(call.given.moves):
            remedy = "give it real or complex numbers, such as np.ones(3)"
            raise TypeError(f"{self.name}: no argument to differentiate: {remedy}.")
        if not any(call.out.moves):
            kinds = ", ".join(dict.fromkeys("None" if x is None else type(x).__name__ for x in call.out.leaves))
            returns = kinds or f"an empty {type(call.out.tree).__name__}"
            remedy = f"it returns {returns}; return real or complex numbers"
            raise TypeError(f"{self.name}: returns nothing to differentiate: {remedy}.")

    def _look(self, result, args, points):
        """Put into the result what is wrong at the arguments and at these points.

        Returns the first that are wrong, and what gives JAX's answers to others of the same shapes.
        """
        result.findings, result.excused, answer = self._found(args, self.order, notes=result.notes)
        wrong_at = args
        for point in points:
            try:
                out = Call(self.reference, point).out.leaves
            except Exception:
                continue  # the function itself is not defined there
            if all(map(_is_ordinary, optree.tree_leaves(point))) and not all(map(_is_finite, out)):
                continue  # it overflows
            wrong, excused, _ = self._found(point, 1, answer)
            wrong_at = point if wrong and not result.findings else wrong_at
            result.findings += wrong
            result.excused += excused
        return wrong_at, answer

    def _vary(self, result, call, answer, thorough):
        """Put into the result what is wrong at a variant of the arguments: the first that is, and where.

        What computing takes counts, however busy the machine is; what is left out for that is told.
        """
        start = time.process_time()
        allowed = PATIENCE if thorough else VARYING
        end, left = start + allowed, []
        for candidates in itertools.chain(variants(call.given, thorough), larger(call.given)):
            before, start = start, time.process_time()
            grows = candidates[0].name in result.varied  # then by several times
            if grows and (start > end or start - before > QUICK):
                break
            if start > end:
                left += [candidates[0].name] if candidates[0].name not in left else []
                continue
            if not (defined := self._defined(candidates)):
                continue
            variant, at = defined
            wrong = self._said_wrong_at(variant, at, call, answer)
            if not thorough and (unfit := self._unfit(wrong, at)):
                result.unfit.setdefault(variant.name, unfit)
                continue
            result.varied += [] if grows else [variant.name]
            if wrong:
                result.findings, result.at = wrong, variant.name
                if variant.laid or sum(np.size(x) for x in at.given.leaves) > SMALL:
                    result.rerun = self.line(call.given.tree, vary=True)
                else:
                    self._shrink(result, variant.args, 1)
                return
        if left:
            more = "" if thorough else "; vary=True takes more time"
            result.notes.append(f"left out after {allowed:g} s of computing: {', '.join(left)}{more}")

    def _said_wrong_at(self, variant, at, call, answer):
        """What is wrong at a variant, be it that something is raised."""
        try:
            return self._wrong_at(variant, at, call, answer)
        except BaseException as error:
            if is_users(error):
                raise
            return [Finding("error", "", Difference(f"raises {said(error)}"))]

    def _unfit(self, wrong, at):
        """In words, how an engine shows that it is not meant for a variant: it raises; or a rule gives another form."""
        signs = [f for f in wrong if f.what == "error" or (self.engine_of(at).rule and f.difference.form)]
        return signs[0].difference.problem if len(signs) == len(wrong) and signs else ""

    def _defined(self, candidates):
        """The first of these variants at which the function itself gives finite numbers, with its ``Call``."""
        for variant in candidates:
            try:
                at = Call(self.reference, variant.args)
            except Exception:
                continue
            if any(at.out.moves) and all(map(_is_finite, at.out.leaves)):
                return variant, at
        return None

    def _wrong_at(self, variant, at, call, answer):
        """What is wrong at a variant: what plain runs say, or else what differences as well as JAX contradict."""
        engine = self.engine_of(at)
        problem = _laid(at.problem(self.reference, self.written, self.seed, 1), variant.laid)
        found, modes = beside_plain_runs(engine, problem, self.modes)
        if found or not modes:
            return found
        same = all(map(_is_alike, at.given.leaves, call.given.leaves))
        wrong, _, _ = self._found(variant.args, 1, answer if same else None, variant.laid)
        (right,) = answer([call.problem(self.reference, self.written, self.seed, 1)])
        sizes = {what: _largest(right.derivatives[0][what]) for what in FIRST}
        wrong = [finding for finding in wrong if _is_gross(finding, sizes)]
        return wrong if any(finding.mode in modes for finding in wrong) else []

    def _found(self, args, order, answer=None, laid=None, notes=None):
        """All that is wrong at these arguments, what is excused, and what gives JAX's answer to them and others.

        ``laid``: how all arrays are to lie in memory. ``notes`` takes what could not be asked, and how sharp the
        answer is.
        """
        call = Call(self.reference, args)
        engine, notes = self.engine_of(call), [] if notes is None else notes
        problem = call.problem(self.reference, self.written, self.seed, min(order, engine.order))
        cause = ""
        if problem.order > 1 and engine.outer:
            if _keeps(engine, problem, self.modes):
                engine, cause = replace(engine, order=1, outer=()), "called again the rule gives something else"
            else:
                engine, cause = nested(engine, problem, self.modes)
            problem = problem._replace(order=engine.order)
        problem = _laid(problem, laid)
        if self.differences:
            right, told = self.differences(problem, engine)
            wrong = self._beyond_differences(engine, problem, right, told, notes)
            wrong += call.found(engine, self.written or self.reference)
            notes[:0] = _limited(cause, wrong)
            return wrong, [], answer
        try:
            answer = answer or compiled([problem])
            (right,) = answer([problem])
        except Exception:
            if not (wrong := beside_plain_runs(engine, problem, self.modes)[0]):
                raise
            return wrong, [], answer
        try:
            with np.errstate(all="ignore"):
                wrong, excused = examined(engine, problem, right, self.modes)
        except engine.missing:
            raise
        except BaseException as error:
            wrong, excused = _of_raised(engine, problem, right, error), []
        if order == self.order and not laid and (other := _other_program(problem, right)):
            wrong, excused = self._by_plain_runs(engine, problem, other, wrong, excused)
        wrong += call.found(engine, self.written or self.reference)
        if call.written:
            words = "; f itself writes into its arguments, and the engine lets it have the caller's"
            wrong = [_with(finding, words) if finding.what == "inputs" else finding for finding in wrong]
        notes[:0] = _limited(cause, wrong)
        return wrong, excused, answer

    def _by_plain_runs(self, engine, problem, other, wrong, excused):
        """What is wrong and what is excused where JAX's run of the function is not the plain one."""
        if any(finding.what in VALUES for finding in wrong):
            return wrong, excused
        _, modes = beside_plain_runs(engine, problem, self.modes)
        if not modes:
            return [], excused + wrong
        words = f"{other}: JAX differentiates another program. Differences of plain runs contradict {engine.name}"
        return [Finding("reference", mode, Difference(words)) for mode in modes[:1]], excused

    def _beyond_differences(self, engine, problem, right, told, notes):
        """What is wrong beyond the error bounds of differences, or that they decide nothing."""
        with np.errstate(all="ignore"):
            wrong = once(findings(engine, problem, right, self.modes))
        if told.asked and not (wrong or told.decided):
            wrong = [
                Finding("undecided", "", Difference(f"{told}: give arguments nearer to one, or a smoother function"))
            ]
        notes.append(str(told))
        if wrong and told.decided:
            notes.append(
                "give noise= if the function is less exact by itself than that, as a solver's tolerance makes it"
            )
        return wrong

    def _shrink(self, result, wrong_at, order):
        """Put into the result the smallest case that is still wrong in something that nothing else explains."""
        whats = {finding.what for finding in result.findings}
        whats = {what for what in whats if not follows(what, whats)}
        if firsts := {what for what in whats if not _needs_second_order(what)}:
            whats, order = firsts, 1
        found = lambda args, answer: self._found(args, order, answer)
        fewer, smallest = shrunk(wrong_at, found, whats)
        if smallest and fewer is not wrong_at:
            result.smallest = "\n    ".join([listed(fewer), *described(smallest)])
        result.rerun = self.line(fewer)


def _needs_second_order(what):
    return bool(of := quantity(what)) and of.order == 2


def _of_raised(engine, problem, reference, error):
    """What is wrong where the engine raised this: raised again, unless that would end more than a check."""
    if is_users(error):
        raise error
    if not isinstance(error, Exception):
        return [Finding("error", "", Difference(f"{engine.name} raised {said(error)}"))]
    if not (found := _explained(engine, problem, reference)):
        raise error
    return found


def _limited(cause, wrong):
    """Why a rule was looked at to first order only; not where its containers are to blame, which is said already."""
    return [f"first order only: {cause}"] if cause and not any(map(_is_of_containers, wrong)) else []


def _is_of_containers(finding):
    return bool(finding.difference.form) and finding.difference.form[0].startswith("container")


def _keeps(engine, problem, modes):
    """Whether a rule keeps what it meets from call to call, which first derivatives then show."""
    f, v = problem.written or problem.function, problem.vectors
    try:
        found = [finding.difference.compared for finding in repeated(engine, f, v, nudged(v, 0)[0].primals, modes)]
        return any(not compared or is_gross(compared) for compared in found)
    except BaseException as error:
        if is_users(error):
            raise
        return False


def _with(finding, words):
    difference = finding.difference
    return replace(finding, difference=replace(difference, problem=difference.problem + words))


def _explained(engine, problem, reference):
    """What is wrong with the value alone, or with a pullback called again: after that anything may be raised."""
    f, v = problem.written or problem.function, problem.vectors
    what = Quantity.VALUE_OF_VJP if engine.vjp else Quantity.VALUE_OF_JVP
    value = engine.vjp(f, *v.primals)[0] if engine.vjp else engine.jvp(f, v.primals, v.tangents)[0]
    expected, condition = (of[0][Quantity.VALUE] for of in reference[:2])
    plain = plainly(problem.function, v.primals)
    found = value_findings(engine, what, value, plain, expected, condition, reference.coarsest)
    return found or repeated(engine, f, v, nudged(v, 0)[0].primals, engine.modes())


def _other_program(problem, reference):
    """In words, how JAX's value differs from the plain run's by more than rounding; empty if it does not."""
    value, plain = reference.derivatives[0][Quantity.VALUE], plainly(problem.function, problem.vectors.primals)
    if nearly(value, plain) or not all(map(_is_finite, optree.tree_leaves(plain))):
        return ""
    reference = step_by_step(problem, reference)
    value, condition = (of[0][Quantity.VALUE] for of in (reference.derivatives, reference.conditions))
    found = [d for d in differences(value, plain, condition, coarsest=reference.coarsest) if d.expected is not None]
    return "f gives {1} when run plainly, {0} under JAX".format(*in_words(found[0])) if found else ""


def _laid(problem, laid):
    """The problem with all its arrays laid out in memory by ``laid``."""
    if not laid:
        return problem
    return problem._replace(vectors=Vectors(*(optree.tree_map(laid, tree) for tree in problem.vectors)))


def _is_alike(x, y):
    """Whether an answer for one argument serves for the other: what is held fixed is part of the program."""
    return x is y or (is_moving(x) and is_moving(y) and x.shape == y.shape and x.dtype == y.dtype)


def _largest(tree):
    return max((float(np.max(np.abs(x[np.isfinite(x)]), initial=0.0)) for x in optree.tree_leaves(tree)), default=0.0)


def _is_gross(finding, sizes):
    """Whether more than half the digits are wrong, of the number or of the ``sizes`` at the arguments given.

    Where a derivative is next to nothing, as far out, a right formula may have none of its digits.
    """
    difference, what = finding.difference, quantity(finding.what)
    if not difference.compared or not what:
        return bool(difference.form)
    got, expected, _, wrong = difference.compared
    size = sizes[Quantity.VJP if what.of_arguments else Quantity.JVP] if what.order else 0.0
    digits = float(np.sqrt(np.finfo(got.dtype).eps))
    with np.errstate(all="ignore"):
        small = np.abs(got - expected) <= digits * np.maximum(np.abs(expected), size)
    return bool(np.any(wrong & ~small))


def _edge_points(given):
    """Special points in the shapes of the arguments: in all of them at once."""

    def put(*numbers):
        def of(x):
            flat = np.array(x).ravel()
            for i, number in enumerate(numbers):
                flat[i :: max(len(numbers), 3)] = number
            return flat.reshape(np.shape(x))

        return of

    fills = (
        lambda x: np.zeros_like(x),
        put(-0.0, 0.0),
        lambda x: np.ones_like(x),
        lambda x: np.full_like(x, np.ravel(x)[0] if np.size(x) else 0),
        put(np.inf, -np.inf),
        put(np.nan),
        lambda x: np.full_like(x, np.finfo(x.dtype).max),
        lambda x: np.full_like(x, np.finfo(x.dtype).tiny),
    )
    moving = list(itertools.compress(given.leaves, given.moves))
    points = []
    for fill in fills:
        some = iter([np.asarray(fill(x), x.dtype)[()] for x in moving])
        leaves = [next(some) if moves else x for x, moves in zip(given.leaves, given.moves, strict=True)]
        points.append(optree.tree_unflatten(given.spec, leaves))
    return points


def _is_finite(x):
    return not is_moving(x) or bool(np.all(np.isfinite(x)))


def _is_ordinary(x):
    """Finite and not at zero, where poles are."""
    return _is_finite(x) and (not is_moving(x) or bool(np.all(x)))
