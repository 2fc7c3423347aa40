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
from ..measure.by_differences import VAGUE, by_differences
from ..measure.derivatives import Problem, compared, measured, references
from ..measure.plain_runs import beside_plain_runs
from ..measure.quantities import FIRST, VALUES, Quantity, quantity
from ..measure.tolerances import Difference, Finding, differences
from ..measure.values import lent
from ..measure.vectors import vectors
from ..referee.judge import SAID, examined, judged

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
    return Problem(f, vectors(f, given, "fuzz"), min(program.order, engine.order), written, writes=program.writes)


def told(finding):
    """The words of a finding that is no wrong number, be it a container, a dtype or an error; else nothing."""
    return finding.difference.problem if finding.what == ERROR or finding.difference.form else ""


def suspected(engine, program, known=()):
    """What plain runs contradict, but for what is ``told`` in known words: a list of ``Finding``.

    Raises ``Refused`` if the engine cannot run the program.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asked = problem(program, engine)
        try:
            found = _suspected(engine, asked, program.inner)
        except BaseException as error:
            if is_users(error):
                raise
            if _lacks(engine, error):
                raise Refused(said(error).partition("\n")[0]) from error
            found = [_raised(engine, error)]
    return [finding for finding in found if told(finding) not in known]


def _suspected(engine, asked, inner):
    before = optree.tree_map(np.array, asked.vectors.primals)
    found = _contradicted(engine, asked)
    changed = differences(asked.vectors.primals, before)
    found += [Finding("inputs", "", Difference(f"changed by the engine: {d}")) for d in changed]
    if found or not inner or asked.order < 2:
        return found
    derivative = _derivative(engine, asked, inner)
    plain = lambda *x: derivative(*lent(x))
    again = Problem(plain, vectors(plain, asked.vectors.primals, "fuzz again"), 1, derivative)
    over = lambda f: replace(f, what=_OVER[f.mode, inner]) if f.what in FIRST else f
    rounded = replace(engine, exact=False)  # to the bit are the program's values alone, not its derivatives'
    scale = max(float(np.max(np.abs(x), initial=0.0)) for x in optree.tree_leaves(asked.vectors))
    return [*map(over, _contradicted(rounded, again, scale))]


def _contradicted(engine, asked, scale=0.0):
    found, modes = beside_plain_runs(engine, asked, engine.modes(), scale)
    words = Difference("differences of plain runs contradict it")
    return found + [Finding(_FIRST[mode], mode, words) for mode in modes]


def _derivative(engine, asked, inner):
    """The engine's first derivative as a function of the primals; zeros without a sign, which nobody promises."""
    f, v = asked.written, asked.vectors
    unsigned = lambda tree: optree.tree_map(lambda u: u + 0.0, tree)
    if inner == "rev":
        return lambda *x: unsigned(engine.vjp(f, *x)[1](v.cotangent))
    return lambda *x: unsigned(engine.jvp(f, x, v.tangents)[1])


def wrong(engine, program, known=()):
    """What is wrong with the engine's derivatives of the program, of what is ``suspected``: a list of ``Finding``."""
    found = suspected(engine, program, known)
    if not found or any(told(f) or f.what in (*VALUES, "inputs") for f in found):  # which need no judge
        return found
    asked = problem(program, engine)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            left = _judged(engine, asked)
        except Exception as error:  # of what was not asked before, as a pullback that is called again
            left = found if _lacks(engine, error) else [*found, _raised(engine, error)]
    return [finding for finding in left if told(finding) not in known]


def _judged(engine, asked):
    reference, told = by_differences(asked, engine)
    if not told.decided:
        return _beside_jax(engine, asked)
    found = compared(engine, asked, reference, measured(engine, asked, engine.modes()))
    known = [finding for finding in found if _is_known(finding, told)]
    return judged(asked, reference, known)[0] or (_beside_jax(engine, asked) if len(known) < len(found) else [])


def _is_known(finding, told):
    """Whether a finding has wrong numbers, or none where differences know the derivative.

    They know none if they do not know all: one along each argument alone is none yet, nor one side's at a kink. Second
    derivatives of theirs are differences of the engine's own first ones, which may stay on a line of such points.
    """
    if not (of := finding.difference.compared):
        return True
    knows = told.decided == told.asked and getattr(quantity(finding.what), "order", 0) < 2
    sharp = of.limit <= VAGUE * np.max(np.abs(of.expected), initial=0.0)
    return bool(np.any(of.wrong & (np.isfinite(of.got) | knows & sharp)))


def _lacks(engine, error):
    return isinstance(error, (*engine.missing, TypeError)) or engine.lacks(error)


def _raised(engine, error):
    return Finding(ERROR, "", Difference(f"{engine.name} raised {said(error)}".partition("\n")[0]))


def _beside_jax(engine, asked):
    """What is wrong beside JAX; nothing where JAX cannot run the program."""
    try:
        (reference,) = references([asked])
    except Exception:  # whatever JAX has against it
        return []
    found = examined(engine, asked, reference, engine.modes())[0]
    return [finding for finding in found if not _is_nobodys(finding)]


def _is_nobodys(finding):
    """Whether no number came out at second order, and JAX's is not known for right: at equal eigenvalues."""
    of, order = finding.difference.compared, getattr(quantity(finding.what), "order", 0)
    missing = order == 2 and bool(of) and not np.any(of.wrong & np.isfinite(of.got))
    return missing and not finding.verdict.startswith(SAID["theirs"])
