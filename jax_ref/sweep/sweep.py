"""The sweep: an engine against JAX over the catalogue, one unit of work per function and dtype.

JAX's answers for all cases of a unit are compiled as one program. Units run side by side in ``processes``, so that
one that crashes or hangs takes nothing else along.
"""

import functools
import hashlib
import json
import platform
import shlex
import time
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import optree

from scratch_ad.frames import raised_at
from scratch_ad.program import Recorder
from scratch_ad.registry import Rewrite, rule_of
from scratch_ad.rule import Composite
from scratch_ad.tracer import name_of

from ..cases import catalogue
from ..cases.names import named
from ..engines.guard import Surroundings, harmless, heed, is_users, said, watching
from ..engines.ready import OURS
from ..engines.ready import engine as engine_named
from ..measure import executables
from ..measure.derivatives import Problem, measured, references, vectors
from ..measure.tolerances import NORMWISE, Difference, Finding, wider
from ..referee.judge import weighed
from ..report.records import MODES, Log, answered, checked, finished, fits, lines, results
from ..report.result import Result
from ..report.words import EVENTS
from .devices import device, precision, sources, versions
from .processes import Crew

ERROR = "error"  # what a finding says is wrong where the engine, or JAX, raises something


class Unit(NamedTuple):
    """All cases of one function in one dtype."""

    name: str
    dtype: str

    def cases(self):
        """The cases for which JAX is a reference."""
        return [*_by_unit().get(self, ())]


@functools.cache
def _by_unit():
    """The cases for which JAX is a reference, by the unit that they belong to."""
    found = {}
    for case in catalogue:
        if not case.differs:
            for dtype in dict.fromkeys(case.dtypes):
                found.setdefault(Unit(name_of(case.function), dtype), []).append(case)
    return found


def units(names=(), dtypes=()):
    """The units of these functions (in any words that ``named`` knows) and dtypes, by default all.

    Raises ValueError for a name or dtype that is not in the catalogue.
    """
    every = sorted(_by_unit())
    wanted, known = named(names), {u.dtype for u in every}
    if unknown := set(dtypes) - known:
        raise ValueError(f"the catalogue has no dtype {', '.join(sorted(unknown))}: take {', '.join(sorted(known))}.")
    return [u for u in every if u.name in wanted and (not dtypes or u.dtype in dtypes)]


# One unit


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
    engine = replace(engine, slack=engine.slack * wider(here.platform, unit.name))
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
    depends_on = f"{posed} {sources()} {versions()} {device(of)} {precision()} {platform.node()}"
    return f"{unit.name} {unit.dtype} {len(problems)}", depends_on


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
    return Finding(ERROR, "", Difference(f"{where} raised {said(error)}{at}"))


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
        if replaced := around.restored():
            result.findings = [_replacing(engine.name, replaced)]
            return result
        for k, (of, answer) in enumerate(answers):
            with jax.default_device(of):
                found, excused = weighed(engine, problem, answer, quantities)
            if k:
                result.beside_cpu = found
            else:
                result.findings, result.excused = found, excused
    except engine.missing as error:
        around.restored()
        result.missing = said(error).removeprefix("NotImplementedError: ")
    except BaseException as error:
        if is_users(error):
            raise
        if replaced := around.restored():
            result.findings = [_replacing(engine.name, replaced)]
        elif engine.lacks(error):
            result.missing = f"not in the engine's namespace: {said(error)}"
        else:
            result.findings, result.raised_at = [_error(engine.name, error)], raised_at(error)
    finally:
        result.seconds = time.perf_counter() - start
    return result


def _replacing(name, replaced):
    words = f"{name} replaced {', '.join(replaced)}, which it shares with all other code: give it a name of its own"
    return Finding(ERROR, "", Difference(words))


# Its records


class Task(NamedTuple):
    """What is asked of a unit, in words that travel to another process; ``engine`` is a name."""

    unit: Unit
    engine: str
    modes: tuple = ("fwd", "rev")
    order: int = 2
    seed: str = ""
    case: int | None = None
    beside_cpu: bool | None = None

    def rerun(self, number):
        """The command that runs one of the cases again."""
        words = ["scratch-ad", "check", self.unit.name, "--dtype", self.unit.dtype, "--engine", self.engine]
        words += ["--mode", self.modes[0]] if len(self.modes) == 1 else []
        words += ["--order", "1"] if self.order == 1 else []
        words += ["--seed", self.seed] if self.seed else []
        return shlex.join([*words, *(["--case", str(number)] if number is not None else [])])

    @property
    def numbers(self):
        """Those of the cases that are asked for."""
        return range(len(self.unit.cases())) if self.case is None else [self.case]

    def lost(self, status, text):
        """The one record of a unit that gave none itself."""
        number = 0 if self.case is None else self.case
        found = {"what": status, "mode": "", "place": "", "problem": text, "hint": "", "verdict": ""}
        return [self._record("", number, 1, status, [found], "", 0.0, self.rerun(self.case))]

    def records(self):
        """One record per case."""
        found = run(self.unit, _imported(self.engine), *self[2:])
        return [self._of(result, number, len(found)) for result, number in zip(found, self.numbers, strict=True)]

    def accepted(self, answer):
        """The records in an answer, which may be anything. Raises ValueError unless each case has one."""
        found = answered(answer)
        if not self.covered(found):
            raise ValueError("not one record for each case")
        return found

    def covered(self, records):
        """Whether these are one for each case, or the one of a unit that was lost."""
        mine = [r for r in records if tuple(r["unit"]) == self.unit]
        if len(mine) == len(records) == 1 and mine[0]["status"] in EVENTS and mine[0]["of"] == 1:
            return True
        return [(r["number"], r["of"]) for r in mine] == [(n, len(self.numbers)) for n in self.numbers]

    def _of(self, result, number, of):
        status = result.status
        found = [*map(_finding, result.findings)]
        record = self._record(
            result.shapes, number, of, status, found, result.missing, result.seconds, self.rerun(number)
        )
        if result.order:
            record["order"] = result.order
        if result.raised_at[0]:
            record["at"] = [*result.raised_at]
        for name in ("excused", "beside_cpu"):
            if found := getattr(result, name):
                record[name] = [*map(_finding, found)]
        case = self.unit.cases()[number]
        if status != "right":
            record["size"] = sum(map(np.size, case.draw(self.unit.dtype)))
            if isinstance(rule_of.get(case.function), Composite):
                record["calls"] = callees(case, self.unit.dtype)
        return record

    def _record(self, case, number, of, status, found, missing, seconds, rerun):
        return {
            "unit": [*self.unit],
            "case": case,
            "number": number,
            "of": of,
            "status": status,
            "findings": found,
            "missing": missing,
            "seconds": round(seconds, 4),
            "rerun": rerun,
        }


def _finding(finding):
    d = finding.difference
    number = lambda x: None if x is None else str(x)
    numbers = (
        {"index": [*d.index], "got": number(d.got), "expected": number(d.expected)} if d.expected is not None else {}
    )
    text = {"hint": finding.hint, "verdict": str(finding.verdict)}
    return {"what": finding.what, "mode": finding.mode, "place": d.place, **numbers, "problem": str(d), **text}


class _Callees(Recorder):
    """Records the functions that composites call, in place of these; constant ones see the numbers, as in an engine."""

    differentiates = True

    def process(self, function, args, kwargs):
        rule = rule_of.get(function)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        return super().process(function, args, kwargs)


def callees(case, dtype):
    """The names of the functions that our composite rules make of a case."""
    recorder = _Callees()
    with np.errstate(all="ignore"):
        case.function_in()(*map(recorder.input, case.draw(dtype)))
    return sorted({name_of(call.function) for call in recorder.calls})


_ABOUT = {"modes": [MODES], "order": (1, 2), "source": str}  # what an engine says of itself


class Introduction(NamedTuple):
    """A question to an engine of a user's own, whose code runs in other processes alone: what it is."""

    engine: str

    def records(self):
        try:
            return about(self.engine)
        except ValueError as error:
            return {"problem": harmless(str(error))}

    def accepted(self, answer):
        found = json.loads(answer)
        return found if fits(found, {"problem": str}) else checked(found, _ABOUT)

    def lost(self, status, words):
        return {"problem": f"no engine {self.engine}: when it was imported, {words}"}


def about(engine):
    """The modes that the engine of this name has, its order, and a digest of the sources.

    Raises ValueError if there is none of the name.
    """
    found = _imported(engine)
    return {
        "modes": found.modes(),
        "order": found.order,
        "source": sources(engine.partition(":")[0].partition(".")[0] if ":" in engine else ""),
    }


def _imported(name):
    around = Surroundings()
    found = engine_named(name)
    if replaced := around.functions_restored():
        raise ValueError(f"no engine {name}: when it was imported, it replaced {', '.join(replaced)}.")
    return found


# All of them


def sweep(
    units,
    engine="scratch_ad",
    modes=("fwd", "rev"),
    order=2,
    out=None,
    jobs=1,
    shard=(1, 1),
    seed="",
    timeout=120.0,
    executor=None,
    *,
    case=None,
    expect=(),
    fresh=False,
    progress=lambda records, done, total: None,
):
    """Run ``units`` by the engine of that name; returns ``Results``.

    ``out``: a folder, in whose ``results.jsonl`` each unit's records are appended at once; what the same run (engine,
    options, versions, sources, device) has finished there already is not run again, unless ``fresh``. ``jobs``:
    processes. ``shard``: (i, n) for every n-th unit from the i-th. ``seed``: a text that chooses other tangents and
    cotangents. ``timeout``: seconds until a unit's process is ended and the unit counts as hung. ``executor``: any
    ``concurrent.futures.Executor`` in place of our processes; it minds hanging tasks itself. ``case``: of each unit
    this case alone. ``expect``: a list of ``Expectation``. ``progress`` is called with what is appended, the count of
    finished units and of all: first the header alone, then the records of each unit. Of ``modes`` and ``order`` only
    what the engine has is asked for, and said to be, in the header.
    Raises ValueError for an unknown engine, or one that has none of the modes.
    """
    with Crew(jobs, timeout) as crew:
        found = about(engine) if executor or ":" not in engine else _introduced(crew, engine)
        has = offered(engine, found["modes"], modes), min(order, found["order"])
        header = _header(engine, *has, seed, case, expect, found["source"])
        units = list(units)[shard[0] - 1 :: shard[1]]
        tasks = [Task(unit, engine, tuple(modes), order, seed, case) for unit in units]
        outcomes_of = functools.partial(_by, executor) if executor else crew.outcomes
        return _swept(tasks, header, out, fresh, progress, outcomes_of)


def _introduced(crew, engine):
    ((_, found),) = crew.outcomes([Introduction(engine)])
    if "problem" in found:
        raise ValueError(found["problem"])
    return found


def offered(name, has, modes):
    """Those of the modes that the engine of this name ``has``. Raises ValueError if there are none."""
    if found := tuple(mode for mode in has if mode in modes):
        return found
    raise ValueError(f"the engine {name} has no mode {' or '.join(modes)}, only {' and '.join(has)}.")


def _swept(tasks, header, out, fresh, progress, outcomes_of):
    """The ``Results`` of these tasks; ``outcomes_of(tasks)``: each with its records, as they finish."""
    path = out and Path(out) / "results.jsonl"
    if path and path.exists() and fresh:
        path.unlink()
    log = Log(path)
    before = finished(lines(path), header["run"]) if path else {}
    there = [task for task in tasks if task.unit in before and task.covered(before[task.unit])]
    left = [task for task in tasks if task not in there]
    log.append([header])
    found = [header, *(record for task in there for record in before[task.unit])]
    progress([header], len(there), len(tasks))
    outcomes = outcomes_of(left)
    try:
        for done, (_, records) in enumerate(outcomes, len(there) + 1):
            records = [{"run": header["run"], **record} for record in records]
            log.append(records)
            found += records
            progress(records, done, len(tasks))
    finally:
        outcomes.close()
        log.close()
    (result,) = results(found)
    return result


def by_processes(tasks, jobs, timeout, until=float("inf")):
    """Each task and its records, as ``jobs`` processes finish them; one that crashes or hangs is replaced.

    ``until``: the time, by ``time.monotonic``, at which the processes are ended, and what they have not finished left.
    """
    with Crew(jobs, timeout) as crew:
        yield from crew.outcomes(tasks, until)


def _by(executor, tasks):
    """Each task and its records, as any executor finishes them."""
    futures = {executor.submit(Task.records, task): task for task in tasks}
    try:
        for future in as_completed(futures):
            yield futures[future], _outcome(futures[future], future)
    finally:
        for future in futures:
            future.cancel()


def _outcome(task, future):
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        return task.lost("crashed", "the process that ran this ended abruptly")
    if error:
        return task.lost(ERROR, said(error))
    try:
        return task.accepted(json.dumps(future.result()))
    except (ValueError, TypeError) as error:
        return task.lost(ERROR, f"what came back is no answer: {said(error)}")


# The header


def _header(engine, modes, order, seed, case, expect, source):
    fixed = {
        "engine": engine,
        "modes": [*modes],
        "order": order,
        "seed": seed,
        "case": case,
        "versions": versions(),
        "source": source,
        "device": device(),
        "precision": precision(),
    }
    run = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:12]
    return {
        "run": run,
        **fixed,
        "expect": [*map(list, expect)],
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }
