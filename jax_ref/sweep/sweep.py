"""The sweep: an engine against JAX over the catalogue, one unit of work per function and dtype.

Units run side by side in ``processes``, so that one that crashes or hangs takes nothing else along. Only these import
JAX, and the engine: who asks need not wait for it.
"""

import contextlib
import functools
import hashlib
import json
import shlex
import sys
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scratch_ad.program import Recorder
from scratch_ad.registry import Rewrite, rule_of
from scratch_ad.rule import Composite
from scratch_ad.tracer import name_of

from ..cases import ALL, SHORT
from ..cases.names import cases_of, named
from ..engines.guard import harmless, said
from ..engines.surroundings import Surroundings
from ..report.records import MODES, Log, answered, checked, finished, fits, lines, results
from ..report.words import ERROR, EVENTS
from .devices import device, devices, precision, sources, versions
from .processes import Crew

PATIENCE = 120.0  # seconds for a unit


class Unit(NamedTuple):
    """All cases of one function in one dtype."""

    name: str
    dtype: str

    def cases(self):
        """The cases for which JAX is a reference."""
        return [case for case in cases_of(self.name) if self.dtype in case.dtypes]


def units(names=(), dtypes=()):
    """The units of these functions (in any words that ``named`` knows) and dtypes, by default all.

    Raises ValueError for a name or dtype that is not in the catalogue.
    """
    every = sorted({Unit(name, dtype) for name in named(names) for c in cases_of(name) for dtype in c.dtypes})
    known = {*ALL, *SHORT}
    if unknown := set(dtypes) - known:
        raise ValueError(f"the catalogue has no dtype {', '.join(sorted(unknown))}: take {', '.join(sorted(known))}.")
    return [u for u in every if not dtypes or u.dtype in dtypes]


# The records of one


class Asked(NamedTuple):
    """What is asked of each unit, in words that travel to another process.

    ``engine``: its name. ``seed``: a text that chooses other tangents and cotangents. ``case``: the number of the one
    case that is meant, by default all. ``beside_cpu``: whether JAX's answer on the CPU is a second reference; by
    default where JAX computes elsewhere.
    """

    engine: str = "scratch_ad"
    modes: tuple = ("fwd", "rev")
    order: int = 2
    seed: str = ""
    case: int | None = None
    beside_cpu: bool | None = None

    def rerun(self, unit, number):
        """The command that runs one of the unit's cases again."""
        words = ["scratch-ad", "check", unit.name, "--dtype", unit.dtype, "--engine", self.engine]
        words += ["--mode", self.modes[0]] if len(self.modes) == 1 else []
        words += ["--order", "1"] if self.order == 1 else []
        words += ["--seed", self.seed] if self.seed else []
        return shlex.join([*words, *(["--case", str(number)] if number is not None else [])])


class Task(NamedTuple):
    """A unit, and what is asked of it."""

    unit: Unit
    asked: Asked

    @property
    def numbers(self):
        """Those of the cases that are asked for."""
        return range(len(self.unit.cases())) if self.asked.case is None else [self.asked.case]

    def lost(self, status, text):
        """The one record of a unit that gave none itself."""
        number = self.asked.case or 0
        found = {"what": status, "mode": "", "place": "", "problem": text, "hint": "", "verdict": ""}
        return [self._record("", number, 1, status, [found], "", 0.0, self.asked.case)]

    def records(self):
        """One record per case."""
        from .runs import run  # which imports JAX

        found = run(self.unit, _imported(self.asked.engine), *self.asked[1:])
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
        record = self._record(result.shapes, number, of, status, found, result.missing, result.seconds, number)
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

    def _record(self, case, number, of, status, found, missing, seconds, again):
        return {
            "unit": [*self.unit],
            "case": case,
            "number": number,
            "of": of,
            "status": status,
            "findings": found,
            "missing": missing,
            "seconds": round(seconds, 4),
            "rerun": self.asked.rerun(self.unit, again),
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


# What an engine says of itself, and JAX of where it computes.
_ABOUT = {"modes": [MODES], "order": (1, 2), "slack": float, **dict.fromkeys(("source", "device", "precision"), str)}


class Introduction(NamedTuple):
    """A question to an engine, whose code runs in other processes alone: what it is, and where JAX computes."""

    engine: str

    def records(self):
        try:
            return about(self.engine)
        except ValueError as error:
            return {"problem": harmless(str(error))}
        except ModuleNotFoundError as error:
            return {"missing": str(error.name)}

    def accepted(self, answer):
        found = json.loads(answer)
        failed = any(fits(found, {name: str}) for name in ("problem", "missing"))
        return found if failed else checked(found, _ABOUT)

    def lost(self, status, words):
        return {"problem": f"no engine {self.engine}: when it was imported, {words}"}


def about(engine):
    """The modes that the engine of this name has, its order, a digest of the sources, and where JAX computes.

    Raises ValueError if there is none of the name, or JAX cannot start.
    """
    devices()
    found = _imported(engine)
    return {
        "device": device(),
        "precision": precision(),
        "modes": found.modes(),
        "order": found.order,
        "slack": found.slack,
        "source": sources(engine.partition(":")[0].partition(".")[0] if ":" in engine else ""),
    }


def _imported(name):
    from ..engines.ready import engine as engine_named  # which imports JAX

    if ":" not in name or name.partition(":")[0] in sys.modules:  # PyTorch 2.14 replaces inspect.getfile for good
        return engine_named(name)
    around = Surroundings()
    found = engine_named(name)
    if replaced := around.functions_restored():
        raise ValueError(f"no engine {name}: when it was imported, it replaced {', '.join(replaced)}.")
    return found


# All of them


EVERYTHING = Asked()


def sweep(units, asked=EVERYTHING, by=None, out=None, *, fresh=False, expect=(), progress=lambda *_: None):
    """Ask ``asked`` of ``units``; returns ``Results``.

    ``by``: a ``Crew``, by default one process with two minutes for a unit; or any ``concurrent.futures.Executor``,
    which minds hanging tasks itself. ``out``: a folder, in whose ``results.jsonl`` each unit's records are appended at
    once; what the same run (engine, options, versions, sources, device) has finished there already is not run again,
    unless ``fresh``. ``expect``: a list of ``Expectation``. ``progress`` is called with what is appended, the count of
    finished units and of all: first the header alone, then the records of each unit. Of modes and orders only what the
    engine has is asked for, and said to be, in the header.
    Raises ValueError for an unknown engine, or one that has none of the modes.
    """
    units = list(units)
    with Crew(1, PATIENCE) if by is None else contextlib.nullcontext(by) as by:
        ours = isinstance(by, Crew)
        found = introduced(by, asked.engine, len(units)) if ours else about(asked.engine)
        modes = offered(asked.engine, found["modes"], asked.modes)
        header = _header(asked._replace(modes=modes, order=min(asked.order, found["order"])), expect, found)
        tasks = [Task(unit, asked) for unit in units]
        return _swept(tasks, header, out, fresh, progress, by.outcomes if ours else functools.partial(_by, by))


def introduced(crew, engine, units):
    """What the engine says of itself, in each process that the units will need: so these start side by side."""
    asked = [Introduction(engine)] * max(1, min(crew.jobs, units))
    found, *_ = (outcome for _, outcome in crew.outcomes(asked))
    if "problem" in found:
        raise ValueError(found["problem"])
    if name := found.get("missing"):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
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


def _header(asked, expect, found):
    fixed = {
        "engine": asked.engine,
        "modes": [*asked.modes],
        "order": asked.order,
        "seed": asked.seed,
        "case": asked.case,
        "versions": versions(),
        "source": found["source"],
        "device": found["device"],
        "slack": found["slack"],
        "precision": found["precision"],
    }
    run = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:12]
    return {
        "run": run,
        **fixed,
        "expect": [*map(list, expect)],
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }
