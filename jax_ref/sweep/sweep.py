"""The sweep: an engine against JAX over the catalogue, one unit of work per function and dtype.

JAX's answers for all cases of a unit are compiled as one program. Units run side by side in processes that are
spawned, as JAX and fork deadlock: one pool of a single process per job, so that a unit that crashes or hangs takes
nothing else along.
"""

import contextlib
import functools
import hashlib
import importlib
import json
import multiprocessing
import os
import platform
import shlex
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, as_completed, wait
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
from ..engines.ready import OURS
from ..engines.ready import engine as engine_named
from ..measure import executables
from ..measure.derivatives import Problem, measured, references, vectors
from ..measure.tolerances import NORMWISE, Difference, Finding, wider
from ..referee.judge import weighed
from ..report.records import Log, finished, lines, results
from ..report.result import Result
from .devices import device, precision, versions

ERROR = "error"  # what a finding says is wrong where the engine, or JAX, raises something


class Unit(NamedTuple):
    """All cases of one function in one dtype."""

    name: str
    dtype: str

    def cases(self):
        """The cases for which JAX is a reference."""
        return [c for c in catalogue if not c.differs and name_of(c.function) == self.name and self.dtype in c.dtypes]


def units(names=(), dtypes=()):
    """The units of these functions (in any words that ``named`` knows) and dtypes, by default all.

    Raises ValueError for a name or dtype that is not in the catalogue.
    """
    every = sorted({Unit(name_of(c.function), d) for c in catalogue if not c.differs for d in c.dtypes})
    wanted, known = named(names), {u.dtype for u in every}
    if unknown := set(dtypes) - known:
        raise ValueError(f"the catalogue has no dtype {', '.join(sorted(unknown))}: take {', '.join(sorted(known))}.")
    return [u for u in every if u.name in wanted and (not dtypes or u.dtype in dtypes)]


# One unit


def run(unit, engine=OURS, modes=("fwd", "rev"), order=2, seed="", case=None, beside_cpu=None):
    """One ``Result`` per case of the unit, in the order of the catalogue; or that of case number ``case`` alone.

    What the engine or the reference raises is a finding of its case; where the referee finds that JAX is wrong, the
    difference is excused. ``beside_cpu``: whether JAX's answer on the CPU is a second reference; by default where JAX
    computes elsewhere.
    """
    here = jax.devices()[0]
    cases = unit.cases() if case is None else [unit.cases()[case]]
    problems = [_problem(c, unit.dtype, engine, order, seed) for c in cases]
    engine = replace(engine, slack=engine.slack * wider(here.platform, unit.name))
    witnesses = [here]
    if here.platform != "cpu" if beside_cpu is None else beside_cpu:
        witnesses += jax.devices("cpu")[:1]
    answers = [_answers(unit, problems, of, kept=case is None) for of in witnesses]
    by_case = zip(cases, problems, zip(*answers, strict=True), strict=True)
    return [_result(c, unit, engine, p, [*zip(witnesses, a, strict=True)], modes) for c, p, a in by_case]


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
    depends_on = f"{posed} {_source(OURS.name)} {versions()} {device(of)} {precision()} {platform.node()}"
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
    except Exception as error:
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
    notes = "".join(f". {note}" for note in getattr(error, "__notes__", ()))
    return Finding(ERROR, "", Difference(f"{where} raised {type(error).__name__}: {error}{at}{notes}"))


def _result(case, unit, engine, problem, answers, modes):
    """``answers``: JAX's, with the device of each, the one that everything runs on first."""
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
        for k, (of, answer) in enumerate(answers):
            with jax.default_device(of):
                found, excused = weighed(engine, problem, answer, quantities)
            if k:
                result.beside_cpu = found
            else:
                result.findings, result.excused = found, excused
    except engine.missing as error:
        result.missing = str(error) or type(error).__name__
    except Exception as error:
        if engine.lacks(error):
            result.missing = f"not in the engine's namespace: {error}"
            return result
        result.findings, result.raised_at = [_error(engine.name, error)], raised_at(error)
    result.seconds = time.perf_counter() - start
    return result


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

    def lost(self, status, text):
        """The one record of a unit that gave none itself."""
        number = 0 if self.case is None else self.case
        found = {"what": status, "mode": "", "place": "", "problem": text, "hint": "", "verdict": ""}
        return [self._record("", number, 1, status, [found], "", 0.0, self.rerun(self.case))]

    def records(self):
        """One record per case."""
        _watch_parent()
        found = run(self.unit, engine_named(self.engine), *self[2:])
        numbers = range(len(found)) if self.case is None else [self.case]
        return [self._of(result, number, len(found)) for result, number in zip(found, numbers, strict=True)]

    def _of(self, result, number, of):
        errors = any(f.what == ERROR for f in result.findings)
        status = "missing" if result.missing else ERROR if errors else "right" if result.ok else "wrong"
        found = [*map(_finding, result.findings)]
        record = self._record(
            result.shapes, number, of, status, found, result.missing, result.seconds, self.rerun(number)
        )
        if result.raised_at[0]:
            record["at"] = [*result.raised_at]
        for name in ("excused", "beside_cpu"):
            if found := getattr(result, name):
                record[name] = [*map(_finding, found)]
        case = self.unit.cases()[number]
        if status != "right" and isinstance(rule_of.get(case.function), Composite):
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


@functools.cache
def _watch_parent():
    """End this process with the one that spawned it, however that ends."""
    if parent := multiprocessing.parent_process():
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


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
    finished units and of all: first the header alone, then the records of each unit.
    Raises ValueError for an unknown engine.
    """
    engine_named(engine)
    units = list(units)[shard[0] - 1 :: shard[1]]
    header = _header(engine, modes, order, seed, case, expect)
    path = out and Path(out) / "results.jsonl"
    if path and path.exists() and fresh:
        path.unlink()
    log = Log(path)
    before = finished(lines(path), header["run"]) if path else {}
    there = {unit: before[unit] for unit in units if unit in before}
    log.append([header])
    tasks = [Task(unit, engine, tuple(modes), order, seed, case) for unit in units if unit not in there]
    found = [header, *(record for of_unit in there.values() for record in of_unit)]
    progress([header], len(there), len(units))
    outcomes = _by(executor, tasks) if executor else by_processes(tasks, jobs, timeout)
    try:
        for done, (_, records) in enumerate(outcomes, len(there) + 1):
            records = [{"run": header["run"], **record} for record in records]
            log.append(records)
            found += records
            progress(records, done, len(units))
    finally:
        outcomes.close()
        log.close()
    (result,) = results(found)
    return result


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
    try:
        return future.result()
    except BrokenProcessPool:
        return task.lost("crashed", "the process that ran this unit ended abruptly")
    except Exception as error:
        return task.lost(ERROR, f"{type(error).__name__}: {error}")


class _Worker:
    """A pool of one process, which can be killed."""

    def __init__(self):
        context = multiprocessing.get_context("spawn")
        ignore = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
        self.pool = ProcessPoolExecutor(1, context, initializer=signal.signal, initargs=ignore)
        self.process = self.pool.submit(os.getpid)

    def kill(self):
        self.pool.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(OSError, BrokenProcessPool):  # it has ended already
            os.kill(self.process.result(timeout=30), signal.SIGTERM)


def by_processes(tasks, jobs, timeout, until=float("inf")):
    """Each task and its records, as ``jobs`` processes finish them; one that crashes or hangs is replaced.

    ``until``: the time, by ``time.monotonic``, at which the processes are ended, and what they have not finished left.
    """
    waiting, running, idle = list(reversed(tasks)), {}, []
    try:
        while (waiting or running) and time.monotonic() < until:
            while waiting and len(running) < jobs:
                worker, task = (idle.pop() if idle else _Worker()), waiting.pop()
                future = worker.pool.submit(Task.records, task)
                running[future] = worker, task, time.monotonic() + timeout
            first = min(until, *(deadline for *_, deadline in running.values()))
            done, _ = wait(running, max(0, first - time.monotonic()), FIRST_COMPLETED)
            late = [f for f, (*_, deadline) in running.items() if f not in done and time.monotonic() > deadline]
            for future in (*done, *late):
                worker, task, _ = running.pop(future)
                if future in done and not isinstance(future.exception(), BrokenProcessPool):
                    idle.append(worker)
                else:
                    worker.kill()
                hung = task.lost("timeout", f"not finished after {timeout:g} s") if future in late else None
                yield task, hung or _outcome(task, future)
    finally:
        for worker in (*idle, *(worker for worker, *_ in running.values())):
            worker.kill()


# The header


def _header(engine, modes, order, seed, case, expect):
    fixed = {
        "engine": engine,
        "modes": [*modes],
        "order": order,
        "seed": seed,
        "case": case,
        "versions": versions(),
        "source": _source(engine),
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


def _source(engine):
    """A digest of our sources and of those of the user's engine, so that a changed rule is run again."""
    root = Path(__file__).parents[2]
    files = [path for package in ("jax_ref", "scratch_ad") for path in (root / package).rglob("*.py")]
    if ":" in engine:
        package = importlib.import_module(engine.partition(":")[0].partition(".")[0])
        folders = getattr(package, "__path__", ())  # several where there is no __init__.py
        files += [path for folder in folders for path in Path(folder).rglob("*.py")] or [Path(package.__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()[:12]
