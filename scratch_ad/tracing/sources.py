"""The source of the functions that made the calls of a trace."""

import ast
import inspect
import os
import textwrap
from typing import NamedTuple


class Block(NamedTuple):
    """A function's source without its docstring: pairs of a line's number and its text. ``key``: of its file."""

    key: int
    file: str
    lines: list


def blocks(trace):
    """The functions that made the calls, by their places; one inside another is shown with that. And keys of files."""
    found = {}
    for step in trace.steps:
        code = step.position.code
        if code is not None and code not in found:
            try:
                found[code] = inspect.getsourcelines(code)
            except (OSError, TypeError):  # of text that nobody kept
                continue
    spans = {code: (code.co_filename, start, start + len(lines)) for code, (lines, start) in found.items()}
    outer = [code for code in found if not any(_inside(spans[code], span) for span in set(spans.values()))]
    keys, shown, result = {}, set(), []
    for code in sorted(outer, key=spans.__getitem__):
        if spans[code] in shown:  # several lambdas on a line
            continue
        shown.add(spans[code])
        lines, start = found[code]
        key = keys.setdefault(code.co_filename, len(keys))
        said = _docstring(lines)
        kept = [(start + k, line.rstrip("\n")) for k, line in enumerate(lines) if k not in said]
        result.append(Block(key, os.path.basename(code.co_filename), kept))
    return result, keys


def _inside(span, other):
    (file, start, end), (other_file, other_start, other_end) = span, other
    return file == other_file and span != other and other_start <= start and end <= other_end


def _docstring(lines):
    """Which of a function's lines are its docstring."""
    try:
        function = ast.parse(textwrap.dedent("".join(lines))).body[0]
        if ast.get_docstring(function) and len(function.body) > 1:
            return range(function.body[0].lineno - 1, function.body[0].end_lineno)
    except (SyntaxError, TypeError, AttributeError):  # part of an expression
        pass
    return ()
