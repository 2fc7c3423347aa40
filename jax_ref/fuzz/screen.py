"""What is wrong with an engine's derivatives of a program: what plain runs contradict, and what then is judged.

Each program is run plainly, in both modes, and once more through its derivative: values, containers and dtypes are
those of the plain run, and ⟨g, J t⟩ that of differences. What is suspected there is looked at element by element,
beside differences with an error bound for each, JAX where these cannot tell, and the referee.
"""

import warnings
from dataclasses import replace

import numpy as np
import optree

from ..engines.guard import is_users, said
from ..measure.by_differences import by_differences
from ..measure.derivatives import Problem, compared, measured, references
from ..measure.plain_runs import beside_plain_runs
from ..measure.quantities import Quantity
from ..measure.tolerances import Difference, Finding, differences
from ..measure.values import lent
from ..measure.vectors import vectors
from ..referee.judge import examined, judged

ERROR = "error"
_FIRST = {"fwd": Quantity.JVP, "rev": Quantity.VJP}
_OVER = {
    ("fwd", "fwd"): Quantity.JVP_OF_JVP,
    ("fwd", "rev"): Quantity.JVP_OF_VJP,
    ("rev", "fwd"): Quantity.VJP_OF_JVP,
    ("rev", "rev"): Quantity.VJP_OF_VJP,
}


class Refused(Exception):
    """The engine says that it lacks something, in words."""


def problem(program, engine):
    """The program as a ``Problem`` for the engine."""
    plain, written = program.function(engine), program.function(engine, engine.namespace)
    f = lambda *x: plain(*lent(x))
    given = (*program.arguments.values(),)
    return Problem(f, vectors(f, given, "fuzz"), min(program.order, engine.order), written)


def suspected(engine, program):
    """What plain runs contradict: a list of ``Finding``. Raises ``Refused`` if the engine cannot run the program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asked = problem(program, engine)
        try:
            return _suspected(engine, asked)
        except BaseException as error:
            if is_users(error):
                raise
            if _lacks(engine, error):
                raise Refused(said(error).partition("\n")[0]) from error
            return [_raised(engine, error)]


def _suspected(engine, asked):
    before = optree.tree_map(np.array, asked.vectors.primals)
    found = _contradicted(engine, asked)
    changed = differences(asked.vectors.primals, before)
    found += [Finding("inputs", "", Difference(f"changed by the engine: {d}")) for d in changed]
    if found or asked.order < 2:
        return found
    for first, derivative in _derivatives(engine, asked):
        plain = lambda *x, derivative=derivative: derivative(*lent(x))
        again = Problem(plain, vectors(plain, asked.vectors.primals, "fuzz again"), 1, derivative)
        found += [replace(f, what=_OVER.get((f.mode, first), f.what)) for f in _contradicted(engine, again)]
    return found


def _contradicted(engine, asked):
    found, modes = beside_plain_runs(engine, asked, engine.modes())
    words = Difference("differences of plain runs contradict it")
    return found + [Finding(_FIRST[mode], mode, words) for mode in modes]


def _derivatives(engine, asked):
    """The engine's first derivatives as functions of the primals; zeros without a sign, which nobody promises."""
    f, v = asked.written, asked.vectors
    unsigned = lambda tree: optree.tree_map(lambda u: u + 0.0, tree)
    if engine.vjp:
        yield "rev", lambda *x: unsigned(engine.vjp(f, *x)[1](v.cotangent))
    if engine.jvp:
        yield "fwd", lambda *x: unsigned(engine.jvp(f, x, v.tangents)[1])


def wrong(engine, program):
    """What is wrong with the engine's derivatives of the program, of what is suspected: a list of ``Finding``."""
    found = suspected(engine, program)
    if not found or any(f.what == ERROR or f.difference.form or f.what == "inputs" for f in found):
        return found
    asked = problem(program, engine)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            left = _judged(engine, asked)
        except Exception as error:  # of what was not asked before, as a pullback that is called again
            return found if _lacks(engine, error) else [*found, _raised(engine, error)]
    written = program.writes
    return [f for f in left if not (f.what == Quantity.TWICE and written)]


def _judged(engine, asked):
    reference, told = by_differences(asked, engine)
    if not told.decided:
        return _beside_jax(engine, asked)
    found = compared(engine, asked, reference, measured(engine, asked, engine.modes()))
    return judged(asked, reference, found)[0]


def _lacks(engine, error):
    return isinstance(error, (*engine.missing, TypeError)) or engine.lacks(error)


def _raised(engine, error):
    return Finding(ERROR, "", Difference(f"{engine.name} raised {said(error)}"))


def _beside_jax(engine, asked):
    """What is wrong beside JAX; nothing where JAX cannot run the program."""
    try:
        (reference,) = references([asked])
    except Exception:  # whatever JAX has against it
        return []
    return examined(engine, asked, reference, engine.modes())[0]
