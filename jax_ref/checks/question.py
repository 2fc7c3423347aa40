"""One function at some points: an engine beside JAX, and the smallest case that is still wrong."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import optree

from ..engines.protocol import Engine
from ..measure.derivatives import again, compiled
from ..measure.quantities import Quantity
from ..measure.tolerances import Finding
from ..measure.values import plainly, value_findings
from ..referee.judge import examined
from ..report.result import Result
from ..report.words import described, follows
from .parts import Call, is_moving
from .shrink import listed, shrunk

__tracebackhide__ = True  # pytest shows the caller's lines


@dataclass(frozen=True)
class Question:
    """What is asked: whether an engine differentiates ``reference`` as JAX does, whatever the arguments.

    ``engine_of(call)``: the engine, for a ``Call``. ``written``: the function in the engine's own terms, where these
    are others. ``line(args)``: the line of Python that asks again. ``seed``: of the directions.
    """

    name: str
    reference: Callable
    engine_of: Callable[[Call], Engine]
    line: Callable
    modes: tuple = ("fwd", "rev")
    order: int = 2
    seed: str = "0"
    written: Callable | None = None

    def checked(self, args, edges=False):
        """The ``Result`` at these arguments, with ``edges`` also at special points in their shapes.

        Raises AssertionError if anything is wrong, TypeError if nothing is there to differentiate.
        """
        start = time.perf_counter()
        call = Call(self.reference, args)
        self._require_moving(call)
        if apart := call.unsteady():
            remedy = "seed its random numbers inside of it, or pass what changes as an argument"
            raise ValueError(f"{self.name} is not deterministic: two plain runs give {apart}; {remedy}.")
        engine = self.engine_of(call)
        leaves = list(itertools.compress(call.given.leaves, call.given.moves))
        dtypes = ", ".join(dict.fromkeys(x.dtype.name for x in leaves))
        result = Result(self.name, engine.name, dtypes, ", ".join(str(x.shape) for x in leaves))
        try:
            wrong_at = self._look(result, args, _edge_points(call.given) if edges else ())
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
            kinds = ", ".join(dict.fromkeys("None" if x is None else type(x).__name__ for x in call.out.leaves))
            returns = kinds or f"an empty {type(call.out.tree).__name__}"
            remedy = f"it returns {returns}; return real or complex numbers"
            raise TypeError(f"{self.name}: returns nothing to differentiate: {remedy}.")

    def _look(self, result, args, points):
        """Put into the result what is wrong at the arguments and at these points; returns the first that are wrong."""
        result.findings, result.excused, answer = self._found(args, self.order)
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

    def _found(self, args, order, answer=None):
        """All that is wrong at these arguments, what is excused, and what gives JAX's answer to them and others."""
        call = Call(self.reference, args)
        engine = self.engine_of(call)
        problem = call.problem(self.reference, self.written, self.seed, min(order, engine.order))
        answer = answer or compiled([problem])
        (right,) = answer([problem])
        try:
            with np.errstate(all="ignore"):
                wrong, excused = examined(engine, problem, right, self.modes)
        except engine.missing:
            raise
        except Exception:
            if not (wrong := _explained(engine, problem, right)):
                raise
            excused = []
        wrong += call.found(engine, self.written or self.reference)
        if call.written:
            words = "; f itself writes into its arguments, and the engine lets it have the caller's"
            wrong = [_with(finding, words) if finding.what == "inputs" else finding for finding in wrong]
        return wrong, excused, answer

    def _shrink(self, result, wrong_at, order):
        """Put into the result the smallest case that is still wrong in something that nothing else explains."""
        whats = {finding.what for finding in result.findings}
        whats = {what for what in whats if not follows(what, whats)}
        found = lambda args, answer: self._found(args, order, answer)
        fewer, smallest = shrunk(wrong_at, found, whats)
        if smallest and fewer is not wrong_at:
            result.smallest = "\n    ".join([listed(fewer), *described(smallest)])
        result.rerun = self.line(fewer)


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
