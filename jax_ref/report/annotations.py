"""Annotations: what fails, in the lines that GitHub shows beside the code of a change."""

import inspect
import os

from .groups import groups
from .records import text, title


def github(result, engine):
    """A line ``::error file=…,line=…,title=…::…`` per group of failures of a ``Results``, with one example.

    The place is where the user's own code raised, or else that of the engine's functions, if it is below the current
    folder. GitHub shows ten of a step; the groups of most functions come first.
    """
    for group in groups(result):
        example = group.example
        words = f"{group.named(10)}\nsuch as {title(example)}\n{text(example)}\nrerun: {example['rerun']}"
        file, line = next((record["at"] for record in group.records if record.get("at")), None) or _home(engine)
        place = {"file": os.path.relpath(file), "line": line} if _is_below(file) else {}
        named = place | {"title": f"{result.engine}, {group.title} ({group.extent})"}
        properties = ",".join(f"{key}={_escaped(value, _IN_PROPERTIES)}" for key, value in named.items())
        yield f"::error {properties}::{_escaped(words, _IN_TEXT)}"


def _home(engine):
    """The file and the line of the first function of an engine that is written in Python."""
    for function in filter(None, (engine.vjp, engine.jvp)):
        code = getattr(inspect.unwrap(function), "__code__", None)
        if code:
            return code.co_filename, code.co_firstlineno
    return "", 0


def _is_below(file):
    return bool(file) and os.path.isfile(file) and not os.path.relpath(file).startswith(os.pardir)


_IN_TEXT = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = _IN_TEXT | {":": "%3A", ",": "%2C"}


def _escaped(words, table):
    return str(words).translate(str.maketrans(table))
