"""Percent scripts as cells, and cells as Jupyter notebooks: the same bytes each time."""

import hashlib
import json
import re
from typing import NamedTuple

_MARK = re.compile(r"^# %%( \[markdown\])?\n", re.MULTILINE)


class Cell(NamedTuple):
    """A cell: ``kind`` is "code" or "markdown", ``line`` how many lines of the script come before its source."""

    kind: str
    source: str
    line: int


def cells_of(script):
    """The cells of the text of a script, in Jupytext's percent format.

    Raises ValueError for a text that stands before the first cell, or a line of Markdown that is no comment.
    """
    marks = [*_MARK.finditer(script)]
    if not marks or marks[0].start():
        raise ValueError("the script does not begin with a cell: write `# %%` first")
    found = []
    for mark, end in zip(marks, [*(mark.start() for mark in marks[1:]), len(script)], strict=True):
        source = script[mark.end() : end]
        line = script.count("\n", 0, mark.end())
        if mark[1]:
            for k, text in enumerate(source.splitlines(), line + 1):
                if text and text != "#" and not text.startswith("# "):
                    raise ValueError(f"line {k} is no comment, in a cell of Markdown")
            source = re.sub(r"^# ?", "", source, flags=re.MULTILINE)
        found.append(Cell("markdown" if mark[1] else "code", source.strip("\n"), line))
    return found


def notebook(cells, names=None):
    """The text of a notebook without outputs. ``names``: the cells' ids; by default each is made of what it says."""
    seen, written = {}, []
    for k, (kind, source, *_) in enumerate(cells):
        name = names[k] if names else hashlib.sha256(f"{kind}\n{source}".encode()).hexdigest()[:12]
        seen[name] = seen.get(name, 0) + 1  # a cell may occur twice
        name += f"-{seen[name]}" if seen[name] > 1 else ""
        cell = {"cell_type": kind, "id": name.replace("_", "-"), "metadata": {}}
        cell["source"] = source.splitlines(keepends=True)
        written.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": written, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
