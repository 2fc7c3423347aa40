"""Many programs, in processes of their own: what is found is made smaller, and all is kept and gone on with.

A batch is a task of a ``Crew``: programs that its engine, seed and number tell. The cause of a finding is known after
it, and left out: the line that is to blame is not drawn, a dtype or an error in these words is passed over.
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
from ..report.words import follows
from . import files
from .programs import drawn
from .screen import Refused, suspected, told, wrong

SIZE = 60  # programs of a batch
TRIES = 100  # smaller programs that are tried
CHOICES = "drop", "given", "keep"  # of a line: the simplest first
_FINDING = dict.fromkeys(("cause", "what", "words", "text"), str)
_ANSWER = {"programs": int, "refused": {"*": int}, "findings": [_FINDING], "lost": str}
_RECORD = {"number": int, **_ANSWER}


class Batch(NamedTuple):
    """The programs of one number: a task of a ``Crew``."""

    engine: str
    seed: str
    number: int
    known: tuple = ()
    size: int = SIZE

    def records(self):
        """What came of the programs, as ``_ANSWER`` has it."""
        engine, known, findings, refused = engine_named(self.engine), [*self.known], [], Counter()
        with watching():
            for k in range(self.size):
                program = drawn(random.Random(f"{self.seed}/{self.number}/{k}").randrange, engine, known)
                try:
                    findings += self.found(engine, program, known)
                except Refused as error:
                    refused[str(error)] += 1
                known += [finding["cause"] for finding in findings[-1:] if finding["cause"] not in known]
        return {"programs": self.size, "refused": refused, "findings": findings, "lost": ""}

    def found(self, engine, program, known=()):
        """What is wrong with a program: nothing, or one finding, made smaller. Raises ``Refused``."""
        if not suspected(engine, program, known) or not (first := wrong(engine, program, known)):
            return []
        program, left = smaller(engine, program, first, known)
        left = [f for f in left if not follows(f.what, {other.what for other in left})]
        words = "\n".join(map(str, left[:3]))
        command = f"scratch-ad fuzz --engine {self.engine} --seed {self.seed!r}, batch {self.number}"
        text = files.text(program, self.engine, min(program.order, engine.order), words, command)
        cause = told(left[0]) or program.lines[-1].origin
        return [{"cause": cause, "what": str(left[0].what), "words": words, "text": text}]

    @staticmethod
    def accepted(answer):
        return checked(json.loads(answer), _ANSWER)

    @staticmethod
    def lost(status, words):
        return {"programs": 0, "refused": {}, "findings": [], "lost": f"{status}: {words}"}


def smaller(engine, program, found, known=()):
    """The smallest program that is still wrong, which ends with the line to blame, and what is wrong with it."""
    best, is_suspect = (program, found), lambda program: _is_suspect(engine, program, known)
    for simpler in (_blamed, _fewer_lines):
        best = _if_wrong(engine, simpler(engine, best[0], is_suspect), known) or best
    return _if_wrong(engine, _simpler_numbers(engine, *best, known), known) or best


def _if_wrong(engine, program, known):
    with contextlib.suppress(Refused):
        return (program, left) if (left := wrong(engine, program, known)) else None
    return None


def _is_suspect(engine, program, known):
    with contextlib.suppress(Refused):
        return bool(program.lines) and bool(suspected(engine, program, known))
    return False


def _blamed(_engine, program, is_suspect):
    """The program as far as the first line with which it is wrong."""
    return next(filter(is_suspect, map(program.first, range(1, len(program.lines)))), program)


def _fewer_lines(engine, program, is_suspect):
    """The program without the lines that it does not need, others than the last made arguments."""
    choices = st.tuples(*(st.sampled_from(CHOICES) for _ in program.lines[1:]))
    options = settings(
        max_examples=TRIES, database=None, derandomize=True, deadline=None, suppress_health_check=HealthCheck
    )
    reduced = choices.map(lambda choices: program.reduced((*choices, "keep"), engine))
    with contextlib.suppress(HypothesisException):
        return find(reduced, is_suspect, settings=options)
    return program


def _simpler_numbers(engine, program, left, known):
    names, whats = [*program.arguments], {finding.what for finding in left}
    with_arguments = lambda args: program._replace(arguments=dict(zip(names, args, strict=True)))
    found = lambda args, answer: (wrong(engine, with_arguments(args), known), [], answer)
    with np.errstate(all="ignore"):
        return with_arguments(shrunk((*program.arguments.values(),), found, whats)[0])


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
                yield Batch(engine, seed, number, (*self.causes(),))

    def causes(self):
        return [finding["cause"] for finding in self.findings]

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
        return [self._file(finding) for finding in record["findings"] if finding["cause"] not in self.causes()]

    def _file(self, finding):
        self.findings.append(finding)
        path = self.folder / f"fuzz-{len(self.findings):04}.py"
        path.write_text(finding["text"], encoding="utf-8")
        return finding, path
