"""One unit of work: all cases of one function in one dtype, an engine beside JAX.

JAX's answers for all cases of a unit are compiled as one program.
"""

import functools
import platform
import time
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import optree

from scratch_ad.frames import raised_at
from scratch_ad.tracer import name_of

from ..engines.guard import heed, is_users, noted, said, watching
from ..engines.protocol import MOST_SLACK
from ..engines.ready import OURS
from ..engines.surroundings import Surroundings
from ..measure import executables
from ..measure.derivatives import Problem, measured, references
from ..measure.tolerances import NORMWISE, Difference, Finding, replaced_others, wider
from ..measure.vectors import vectors
from ..referee.judge import weighed
from ..report.result import Result
from ..report.words import ERROR
from .devices import device, precision, sources, versions


def run(unit, engine=OURS, modes=("fwd", "rev"), order=2, seed="", case=None, beside_cpu=None):
    """One ``Result`` per case of the unit, in the order of the catalogue; or that of case number ``case`` alone.

    What the engine or the reference raises, be it SystemExit, is a finding of its case, and so is what the engine
    replaces of others' functions; where the referee finds that JAX is wrong, the difference is excused.
    ``beside_cpu``: whether JAX's answer on the CPU is a second reference; by default where JAX computes elsewhere.
    """
    with watching():
        return [*_run(unit, engine, modes, order, seed, case, beside_cpu)]


def _run(unit, engine, modes, order, seed, case, beside_cpu):
    here = jax.devices()[0]
    cases = unit.cases() if case is None else [unit.cases()[case]]
    problems = [_problem(c, unit.dtype, engine, order, seed) for c in cases]
    engine = replace(engine, slack=min(engine.slack * wider(here.platform, unit.name), MOST_SLACK))
    witnesses = [here]
    if here.platform != "cpu" if beside_cpu is None else beside_cpu:
        witnesses += jax.devices("cpu")[:1]
    answers = [_answers(unit, problems, of, kept=case is None) for of in witnesses]
    around = Surroundings()
    for c, p, a in zip(cases, problems, zip(*answers, strict=True), strict=True):
        yield _result(c, unit, engine, p, [*zip(witnesses, a, strict=True)], modes, around)
        heed()


def _answers(unit, problems, of, kept):
    """JAX's answer to each problem, computed on this device; or what it raised, as a finding unless JAX lacks it."""
    good = [p for p in problems if isinstance(p, Problem)]
    with jax.default_device(of):
        try:
            keep = functools.partial(executables.kept, *_key(unit, good, of)) if kept else executables.afresh
            answers = iter(references(good, keep))
        except Exception:
            answers = iter([*map(_reference, good)])
    return [next(answers) if isinstance(p, Problem) else p for p in problems]


def _key(unit, problems, of):
    """The name of the program of a unit's answers, and all that it depends on."""
    leaves = [[(np.shape(x), np.result_type(x).name) for x in optree.tree_leaves(p.vectors)] for p in problems]
    posed = [(shapes, p.order) for shapes, p in zip(leaves, problems, strict=True)]
    depends_on = f"{posed} {_installed()} {device(of)} {precision()}"
    return f"{unit.name} {unit.dtype} {len(problems)}", depends_on


@functools.cache
def _installed():
    """What this process runs, be it changed on the disk since."""
    return f"{sources()} {versions()} {platform.node()}"


def problem(case, dtype, engine=OURS, order=2, seed=""):
    """A case of the catalogue as a problem for the engine. ``seed`` chooses other tangents and cotangents."""
    function = case.function_in()
    written = None if engine.namespace is np else case.function_in(engine.namespace)
    given = vectors(function, case.draw(dtype), f"{case} {dtype}{seed}")
    normwise = name_of(case.function) in NORMWISE
    return Problem(function, given, min(order, case.orders, engine.order), written, normwise)


def _problem(case, dtype, engine, order, seed):
    try:
        return problem(case, dtype, engine, order, seed)
    except BaseException as error:  # whatever the engine's namespace does
        if is_users(error):
            raise
        return _error("posing the case", error)


def _reference(problem):
    try:
        return references([problem])[0]
    except NotImplementedError as error:
        return error
    except Exception as error:
        return _error("the reference", error)


def _error(where, error):
    file, line = raised_at(error)
    at = f" ({Path(file).name}:{line})" if file else ""
    return Finding(ERROR, "", Difference(f"{where} raised {said(error)}{at}{noted(error)}"))


def _result(case, unit, engine, problem, answers, modes, around):
    """``answers``: JAX's, with the device of each, the one that everything runs on first.

    ``around``: what the engine shares with all other code.
    """
    start = time.perf_counter()
    result = Result(unit.name, engine.name, unit.dtype, str(case))
    for of, answer in answers:
        if isinstance(answer, NotImplementedError):
            result.missing = f"JAX on {device(of)}: {answer}"
            return result
        if isinstance(answer, Finding):
            result.findings = [answer]
            return result
    try:
        quantities = measured(engine, problem, modes)
        result.order = problem.order
        if not around.between():
            for k, (of, answer) in enumerate(answers):
                with jax.default_device(of):
                    found, excused = weighed(engine, problem, answer, quantities)
                if k:
                    result.beside_cpu = found
                else:
                    result.findings, result.excused = found, excused
    except engine.missing as error:
        around.between()
        result.missing = said(error).removeprefix("NotImplementedError: ")
    except BaseException as error:
        around.between()
        if is_users(error):
            raise
        if engine.lacks(error):
            result.missing = f"not in the engine's namespace: {said(error)}"
        else:
            result.findings, result.raised_at = [_error(engine.name, error)], raised_at(error)
    finally:
        result.seconds = time.perf_counter() - start
    if replaced := around.restored():
        result.findings, result.missing = [replaced_others(engine.name, replaced)], ""
    return result
