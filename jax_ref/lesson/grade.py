"""The verdict on a student's folder: each property on its own line, with what kind of mistake the rest is."""

import functools
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..sweep.processes import Crew
from .answer import TODO, Work, answers_of, refusal, without_engines
from .tasks import TASKS, Task

if TYPE_CHECKING:
    from .properties import Property

SECONDS = 10.0  # for one task


@dataclass
class Graded:
    """A property, and what was found: empty ``words`` if all is right; ``filled``: whether there is a solution."""

    asked: "Property"
    words: str = ""
    filled: bool = True

    @property
    def points(self):
        return int(not self.words)


@dataclass
class GradedTask:
    """A task's ``Graded`` properties; ``readable``: whether Python can read the file."""

    task: Task
    properties: list
    readable: bool = True

    @property
    def points(self):
        return sum(graded.points for graded in self.properties)

    @property
    def most(self):
        return len(self.properties)

    @property
    def untouched(self):
        return not any(graded.filled for graded in self.properties)

    def __str__(self):
        if self.untouched:
            found = ["not begun"]
        elif len(same := {each.words for each in self.properties}) == 1 and all(same):
            found = [f"✗ all: {self.properties[0].words}"]  # such as an error of the whole file
        else:
            found = [
                f"{'✗' if each.words else '✓'} {each.asked.name}{f': {each.words}' if each.words else ''}"
                for each in self.properties
            ]
        head = f"{self.task.blank}: {self.points} of {self.most}"
        return "\n".join([head, *("    " + lines.replace("\n", "\n        ") for lines in found)])


@dataclass
class Grades:
    """The verdicts on tasks; ``seed`` makes the same numbers again."""

    tasks: list
    seed: int

    @property
    def points(self):
        return sum(task.points for task in self.tasks)

    @property
    def most(self):
        return sum(task.most for task in self.tasks)

    def __str__(self):
        return "\n".join([*map(str, self.tasks), f"{self.points} of {self.most} points (seed {self.seed})"])

    def gradescope(self):
        """As Gradescope's autograder reads it: a dict for ``results.json``."""
        tests = [
            {
                "name": f"{graded.task.blank}: {each.asked.name}",
                "number": f"{graded.task.number}.{k}",
                "score": each.points,
                "max_score": 1,
                "status": "failed" if each.words else "passed",
                "output": each.words or "right",
            }
            for graded in self.tasks
            for k, each in enumerate(graded.properties, 1)
        ]
        return {"score": self.points, "output": f"seed {self.seed}", "visibility": "visible", "tests": tests}


def chosen(numbers=()):
    """The tasks of these numbers, by default all. Raises ValueError for one that is none."""
    known = {task.number: task for task in TASKS}
    if unknown := [number for number in numbers if number not in known]:
        raise ValueError(f"there is no task {', '.join(unknown)}: they are {', '.join(known)}.")
    return [known[number] for number in numbers] or [*TASKS]


def graded(folder, numbers=(), seed=None, jobs=1, seconds=SECONDS):
    """The ``Grades`` of the tasks of these numbers in a student's folder, by default all.

    ``seed``: of the numbers that the functions are tried on, by default other ones each time. ``seconds``: for each
    task, whose process is then ended. Raises ValueError for an unknown task, or a folder without any.
    """
    folder, tasks = Path(folder), chosen(numbers)
    if not any((folder / f"{task.file}.py").exists() for task in tasks):
        raise ValueError(f"{folder}: no task there; `scratch-ad lesson start {folder}` writes them.")
    seed = random.randrange(10**6) if seed is None else seed
    with ThreadPoolExecutor(jobs) as pool:
        return Grades([*pool.map(lambda task: _graded(folder, task, seed, seconds), tasks)], seed)


def here(number, names, seed=None):
    """The ``Grades`` of a task in a notebook: ``names`` are its functions by name, as ``globals()`` has them."""
    from .properties import posed

    (task,), seed = chosen([number]), random.randrange(10**6) if seed is None else seed
    checks = posed(task, seed)

    def answers(calls):
        with without_engines():
            return answers_of(names, calls)

    return Grades([judged(task, checks, answers)], seed)


def _graded(folder, task, seed, seconds):
    path, readable = folder / f"{task.file}.py", True
    try:
        problem = refusal(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = f"{path.name} is not there; `scratch-ad lesson start` writes it"
    except (SyntaxError, ValueError, OSError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        problem, readable = f"{path.name}{line}: Python cannot read it: {getattr(error, 'msg', error)}", False
    if problem:
        return GradedTask(task, [Graded(each, problem) for each in task.properties], readable)

    with Crew(1, seconds) as crew:  # a fresh process for each task, as one may spoil its own
        crew.prepare()  # which starts while JAX is imported, and says what is right
        from .properties import posed

        def answers(calls):
            ((_, outcome),) = crew.outcomes([Work(str(path.resolve()), tuple(calls))])
            return outcome

        return judged(task, posed(task, seed), answers)


def judged(task, checks, answers):
    """The verdict on ``answers(calls)``: a list of ``Answer``, or in words why there is none."""
    found = answers([check.call for each in checks for check in each])
    if isinstance(found, str):
        return GradedTask(task, [Graded(each, found) for each in task.properties])
    graded, flat, start = [], [check for each in checks for check in each], 0

    @functools.cache
    def diagnosis():  # what is right does not wait for it
        from .diagnosis import Diagnosis

        return Diagnosis(task, flat, found)

    for each, asked in zip(task.properties, checks, strict=True):
        part = slice(start, start := start + len(asked))
        filled = not all(one.status == TODO for one in found[part])
        told = all(one.points for one in graded)  # what a later one says may follow from what is wrong before
        words, differing = _wrong(asked, found[part])
        meant = diagnosis().words(part, *differing, told) if differing else ""
        graded.append(Graded(each, "\n".join(filter(None, [words, meant])), filled))
    return GradedTask(task, graded)


def _wrong(checks, answers):
    """What is wrong with the first answer that is not right, empty if all are; and where numbers differ, at which call
    with what ``Difference``."""
    from .properties import difference

    for k, (check, given) in enumerate(zip(checks, answers, strict=True)):
        if given.status:
            return "not filled in yet" if given.status == TODO else given.words, ()
        if check.kept and given.changed:
            return f"{_named(check)} changed its argument: work on a copy", ()
        if found := difference(check, given.value):
            return f"{_named(check)}: {found}", (k, found)
    return "", ()


def _named(check):
    words = [f"{x.name}" if hasattr(x, "name") else _shaped(x) for x in check.call.args]
    return f"{check.call.function}({', '.join(words)})"


def _shaped(x):
    if isinstance(x, list):
        return f"[{', '.join(map(_shaped, x))}]"
    if hasattr(x, "kind"):
        return x.name
    if isinstance(x, np.ndarray):
        return f"array of shape {x.shape}"
    return f"{x:.4g}" if isinstance(x, float) else f"{x}"
