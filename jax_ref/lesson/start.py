"""Folders for students: one plain file per task, made from the solutions by leaving out the marked parts; notebooks."""

import re
from pathlib import Path

from . import solutions
from .chapters import CHAPTERS
from .notebook import notebook
from .tasks import TASKS

_PART = re.compile(r"^( *)# solution\n(.*?)^ *# end\n", re.MULTILINE | re.DOTALL)
SOLUTIONS = Path(solutions.__file__).parent


def solution(task):
    """The text of the solution, without the marks."""
    return re.sub(r"^ *# (solution|end)\n", "", _text(task), flags=re.MULTILINE).replace("#: ", "# ")


def blanked(task):
    """The text that a student starts from."""

    def blank(part):
        indent, inside = part[1], part[2]
        hints = [line.replace("#: ", "# ", 1) for line in inside.splitlines() if line.lstrip().startswith("#: ")]
        raised = f'{indent}raise NotImplementedError("{task.blank}")'
        return "\n".join([*(f"{indent}{line.lstrip()}" for line in hints), raised, ""])

    return _PART.sub(blank, _text(task))


def _text(task):
    return (SOLUTIONS / f"{task.file}.py").read_text(encoding="utf-8")


def start(folder):
    """Write the tasks into a folder, which is made; returns it. Raises ValueError rather than write over anything."""
    texts = {f"{task.file}.py": blanked(task) for task in TASKS}
    return _written(folder, texts | {"tasks.ipynb": _notebook(), "test_tasks.py": _TESTS, "pytest.ini": _MARKERS})


def notebooks(folder):
    """Write the lesson into a folder, which is made, a notebook per chapter; as ``start``."""
    return _written(folder, {f"{chapter.name}.ipynb": chapter.notebook for chapter in CHAPTERS})


def _written(folder, texts):
    folder = Path(folder)
    if there := [name for name in texts if (folder / name).exists()]:
        raise ValueError(f"{folder}: {there[0]} is there already; name another folder, so that no work is lost.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{folder}: {error.strerror}. Name a place that can be written to.") from None
    return folder


def marker(task):
    return "task_" + task.number.replace(".", "_")


_TESTS = f'''"""Each property of each task as a test: `pytest -m {marker(TASKS[0])}` runs those of one."""

import pathlib

import pytest

from jax_ref.lesson import TASKS, graded


def properties():
    for task in TASKS:
        mark = getattr(pytest.mark, "task_" + task.number.replace(".", "_"))
        for k, each in enumerate(task.properties):
            yield pytest.param(task.number, k, marks=mark, id=f"{{task.number}} {{each.name}}")


@pytest.fixture(scope="module")
def grades():
    return {{}}


@pytest.mark.parametrize(("number", "k"), [*properties()])
def test_task(number, k, grades):
    if number not in grades:
        grades[number] = graded(pathlib.Path(__file__).parent, [number])
    found = grades[number]
    if words := found.tasks[0].properties[k].words:
        pytest.fail(f"{{words}} (seed {{found.seed}})", pytrace=False)
'''
_MARKERS = "[pytest]\nmarkers =\n" + "".join(f"    {marker(task)}: {task.title}\n" for task in TASKS)


def _notebook():
    """All tasks as one notebook, each with a cell that grades it; the same bytes each time."""
    intro = (
        "# Automatic differentiation, written by yourself\n\nFill in what raises `NotImplementedError`, run the cell,"
        " and then the one below it: JAX is the answer key, on fresh numbers each time."
    )
    cells = {"intro": ("markdown", intro), "setup": ("code", "from jax_ref.lesson import here")}
    for task in TASKS:
        name = marker(task)
        cells[f"{name}-title"] = ("markdown", f"## {task.blank}")
        cells[name] = ("code", blanked(task).rstrip("\n"))
        cells[f"{name}-grade"] = ("code", f'print(here("{task.number}", globals()))')
    return notebook(cells.values(), [*cells])
