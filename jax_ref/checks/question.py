"""One function at some points: an engine beside JAX, and the smallest case that is still wrong."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import optree

from ..engines.guard import heed, is_users, said, watching
from ..engines.protocol import Engine
from ..measure.derivatives import again, compiled, findings, nested
from ..measure.quantities import Quantity
from ..measure.tolerances import Difference, Finding, differences
from ..referee.judge import examined, once
from ..report.result import Result
from ..report.words import described, follows
from .parts import Call, is_moving
from .shrink import listed, shrunk

__tracebackhide__ = True  # pytest shows the caller's lines


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

    def checked(self, args, edges=False):
        """The ``Result`` at these arguments, with ``edges`` also at special points in their shapes.

        Raises AssertionError if anything is wrong, TypeError if nothing is there to differentiate.
        """
        start = time.perf_counter()
        call = Call(self.reference, args)
        self._require_moving(call)
        engine = self.engine_of(call)
        leaves = list(itertools.compress(call.given.leaves, call.given.moves))
        dtypes = ", ".join(dict.fromkeys(x.dtype.name for x in leaves))
        result = Result(self.name, engine.name, dtypes, ", ".join(str(x.shape) for x in leaves))
        try:
            with watching():
                wrong_at = self._look(result, args, _edge_points(call.given) if edges else ())
                heed()
                if result.findings:
                    self._shrink(result, wrong_at, self.order if wrong_at is args else 1)
        except engine.missing as error:
            result.missing = str(error) or type(error).__name__
        result.seconds = time.perf_counter() - start
        return result.require()

    def _require_moving(self, call):
        if not any(call.given.moves):
            remedy = "give it real or complex numbers, such as np.ones(3)"
            raise TypeError(f"{self.name}: no argument to differentiate: {remedy}.")
        if not any(call.out.moves):
            raise TypeError(f"{self.name}: returns nothing to differentiate: return real or complex numbers.")

    def _look(self, result, args, points):
        """Put into the result what is wrong at the arguments and at these points; returns the first that are wrong."""
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
        return wrong_at

    def _found(self, args, order, answer=None, notes=None):
        """All that is wrong at these arguments, what is excused, and what gives JAX's answer to them and others.

        ``notes`` takes what could not be asked, and how sharp the answer is.
        """
        call = Call(self.reference, args)
        engine, notes = self.engine_of(call), [] if notes is None else notes
        problem = call.problem(self.reference, self.written, self.seed, min(order, engine.order))
        if problem.order > 1 and engine.outer:
            engine, cause = nested(engine, problem, self.modes)
            notes += [f"first order only: {cause}"] if cause else []
            problem = problem._replace(order=engine.order)
        if self.differences:
            right, told = self.differences(problem, engine)
            return self._by_differences(engine, problem, right, told, notes) + call.found(), [], answer
        answer = answer or compiled([problem])
        (right,) = answer([problem])
        try:
            with np.errstate(all="ignore"):
                wrong, excused = examined(engine, problem, right, self.modes)
        except engine.missing:
            raise
        except BaseException as error:
            wrong, excused = _of_raised(engine, problem, right, error), []
        return wrong + call.found(), excused, answer

    def _by_differences(self, engine, problem, right, told, notes):
        """What is wrong beyond the error bounds of differences, or that they decide nothing."""
        with np.errstate(all="ignore"):
            wrong = once(findings(engine, problem, right, self.modes))
        if not (wrong or told.decided):
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
        found = lambda args, answer: self._found(args, order, answer)
        fewer, smallest = shrunk(wrong_at, found, whats)
        if smallest and fewer is not wrong_at:
            result.smallest = "\n    ".join([listed(fewer), *described(smallest)])
        result.rerun = self.line(fewer)


def _of_raised(engine, problem, reference, error):
    """What is wrong where the engine raised this: raised again, unless that would end more than a check."""
    if is_users(error):
        raise error
    if not isinstance(error, Exception):
        return [Finding("error", "", Difference(f"{engine.name} raised {said(error)}"))]
    if not (found := _explained(engine, problem, reference)):
        raise error
    return found


def _explained(engine, problem, reference):
    """What is wrong with the value alone, or with a pullback called again: after that anything may be raised."""
    f, v = problem.written or problem.function, problem.vectors
    value = engine.vjp(f, *v.primals)[0] if engine.vjp else engine.jvp(f, v.primals, v.tangents)[0]
    expected, condition = (of[0][Quantity.VALUE] for of in reference[:2])
    found = [Finding(Quantity.VALUE, "", d) for d in differences(value, expected, condition, slack=engine.slack)]
    return found or (again(engine.vjp, f, v) if engine.vjp else [])


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
