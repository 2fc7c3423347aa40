"""Many programs, in processes of their own: what is found is made smaller, and all is kept and gone on with.

A batch is a task of a ``Crew``: programs that its engine, seed and number tell. The line that is to blame for a
finding is left out of what is drawn after it, so that there is one finding per cause.
"""

import contextlib
import itertools
import json
import random
from collections import Counter
from typing import NamedTuple

import numpy as np
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from ..checks.shrink import shrunk
from ..engines.guard import watching
from ..engines.ready import engine as engine_named
from ..report.records import Log, checked, whole_lines
from . import files
from .programs import drawn
from .screen import Refused, suspected, wrong

SIZE = 60  # programs of a batch
TRIES = 200  # smaller programs that are tried
CHOICES = "drop", "given", "keep"  # of a line: the simplest first
_FINDING = dict.fromkeys(("origin", "what", "words", "text"), str)
_ANSWER = {"programs": int, "refused": {"*": int}, "findings": [_FINDING], "lost": str}
_RECORD = {"number": int, **_ANSWER}


class Batch(NamedTuple):
    """The programs of one number: a task of a ``Crew``."""

    engine: str
    seed: str
    number: int
    left_out: tuple = ()
    size: int = SIZE

    def records(self):
        """What came of the programs, as ``_ANSWER`` has it."""
        engine, findings, refused = engine_named(self.engine), [], Counter()
        with watching():
            for k in range(self.size):
                left_out = (*self.left_out, *(finding["origin"] for finding in findings))
                program = drawn(random.Random(f"{self.seed}/{self.number}/{k}").randrange, engine, left_out)
                try:
                    findings += self.found(engine, program)
                except Refused as error:
                    refused[str(error)] += 1
        return {"programs": self.size, "refused": refused, "findings": findings, "lost": ""}

    def found(self, engine, program):
        """What is wrong with a program: nothing, or one finding, made smaller. Raises ``Refused``."""
        if not suspected(engine, program) or not (first := wrong(engine, program)):
            return []
        program, words = smaller(engine, program, first)
        command = f"scratch-ad fuzz --engine {self.engine} --seed {self.seed!r}, batch {self.number}"
        told = "\n".join(map(str, words[:3]))
        order = min(program.order, engine.order)
        text = files.text(program, self.engine, order, told, command)
        return [{"origin": program.lines[-1].origin, "what": str(words[0].what), "words": told, "text": text}]

    @staticmethod
    def accepted(answer):
        return checked(json.loads(answer), _ANSWER)

    @staticmethod
    def lost(status, words):
        return {"programs": 0, "refused": {}, "findings": [], "lost": f"{status}: {words}"}


def smaller(engine, program, found):
    """The smallest program that is still wrong, which ends with the line to blame, and what is wrong with it."""
    whats = {finding.what for finding in found}
    best = program, found
    for simpler in (_blamed, _fewer_lines, _simpler_numbers):
        candidate = simpler(engine, best[0], whats)
        with contextlib.suppress(Refused):
            if left := wrong(engine, candidate):
                best = candidate, left
    return best


def _is_suspect(engine, program):
    with contextlib.suppress(Refused):
        return bool(program.lines) and bool(suspected(engine, program))
    return False


def _blamed(engine, program, _whats):
    """The program as far as the first line with which it is wrong."""
    return next((p for p in map(program.first, range(1, len(program.lines))) if _is_suspect(engine, p)), program)


def _fewer_lines(engine, program, _whats):
    """The program without the lines that it does not need, others than the last made arguments."""
    reduced = st.tuples(*(st.sampled_from(CHOICES) for _ in program.lines[1:]))
    reduced = reduced.map(lambda choices: program.reduced((*choices, "keep"), engine))
    with contextlib.suppress(HypothesisException):
        options = settings(
            max_examples=TRIES, database=None, derandomize=True, deadline=None, suppress_health_check=HealthCheck
        )
        return find(reduced, lambda p: _is_suspect(engine, p), settings=options)
    return program


def _simpler_numbers(engine, program, whats):
    names = [*program.arguments]

    def found(args, answer):
        return wrong(engine, program._replace(arguments=dict(zip(names, args, strict=True)))), [], answer

    with np.errstate(all="ignore"):
        args, _ = shrunk((*program.arguments.values(),), found, whats)
    return program._replace(arguments=dict(zip(names, args, strict=True)))


class Hunt:
    """What has been found so far, kept in a folder: ``fuzz.jsonl``, and a file of each finding.

    Raises ValueError if there is something else in the folder, unless it is to be ``fresh``.
    """

    def __init__(self, folder, about, fresh=False):
        self.folder, self.about, path = folder, about, folder / "fuzz.jsonl"
        self.done, self.programs, self.refused, self.findings, self.lost = set(), 0, Counter(), [], []
        kept = [] if fresh or not path.exists() else self._kept(path)
        self._log = Log(path, anew=not kept)
        if not kept:
            self._log.append([about])
        for record in kept:
            self._add(record)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._log.close()

    def _kept(self, path):
        try:
            header, *records = map(json.loads, whole_lines(path))
            if header == self.about:
                return [checked(record, _RECORD) for record in records]
        except (ValueError, TypeError, RecursionError):
            pass
        raise ValueError(f"{path} is of another run, or of other versions: name another folder, or take --fresh.")

    def batches(self, engine, seed):
        """The batches that are left, without end; each leaves out what has been found until it is begun."""
        for number in itertools.count():
            if number not in self.done:
                yield Batch(engine, seed, number, tuple(finding["origin"] for finding in self.findings))

    def take(self, batch, answer):
        """Keep what came of a batch; returns the findings that are new, each with the path of its file."""
        record = {"number": batch.number, **answer}
        self._log.append([record])
        return self._add(record)

    def _add(self, record):
        self.done.add(record["number"])
        self.programs += record["programs"]
        self.refused.update(record["refused"])
        self.lost += [record["lost"]] * bool(record["lost"])
        return [self._file(f) for f in record["findings"] if f["origin"] not in {g["origin"] for g in self.findings}]

    def _file(self, finding):
        self.findings.append(finding)
        path = self.folder / f"fuzz-{len(self.findings):04}.py"
        path.write_text(finding["text"], encoding="utf-8")
        return finding, path
