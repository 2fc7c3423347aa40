"""A student's file at work: it is read before it is run, in a process of its own, and what comes back is numbers.

Nothing is judged here, so that nothing that the code prints or changes can be taken for a grade.
"""

import ast
import contextlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..engines.guard import harmless, said
from .programs import FUNCTIONS, PROGRAMS, RULES, Words

ENGINES = ("jax", "jaxlib", "flax", "torch", "tensorflow", "autograd", "mygrad", "casadi", "pytensor")
ENGINES += ("scratch_ad", "jax_ref")
HIDDEN = ("importlib", "ctypes", "subprocess", "multiprocessing", "inspect", "gc")
CALLED = ("__import__", "exec", "eval", "compile", "globals", "vars", "open")
MEMORY = 2**32  # bytes
LONGEST = 2000  # characters of what an error says
TODO, FAILED = "todo", "failed"


class Call(NamedTuple):
    """A call of a student's function. An argument is an array, a number, a tuple, or a ``Named`` function."""

    function: str
    args: tuple


class Named(NamedTuple):
    """A function by its kind, "numpy", "program", "plain", "function" or "rule", and its name."""

    kind: str
    name: str


# What travels


def packed(x):
    """In plain types for JSON. Raises TypeError for what is no number, array or tuple of these."""
    if isinstance(x, Named):
        return {"named": [*x]}
    if isinstance(x, slice):
        return {"slice": [x.start, x.stop, x.step]}
    if isinstance(x, (tuple, list)):
        return {type(x).__name__: [*map(packed, x)]}
    if x is None or isinstance(x, (bool, int, float)):
        return {"number": x if x is None or isinstance(x, (bool, int)) else float(x).hex()}
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biuf":
        x = np.asarray(x)
        return {"array": x.astype(float).ravel().tolist(), "dtype": x.dtype.name, "shape": [*x.shape]}
    raise TypeError(f"a {type(x).__name__}")


def unpacked(found, named=lambda named: named):
    """What ``packed`` packed; ``named(kind, name)`` gives the functions. Raises ValueError for what is nothing such."""
    try:
        ((kind, value), *_) = found.items()
        if kind == "named":
            return named(Named(*value))
        if kind == "slice":
            return slice(*value)
        if kind in ("tuple", "list"):
            return (tuple if kind == "tuple" else list)(unpacked(x, named) for x in value)
        if kind == "number":
            return float.fromhex(value) if isinstance(value, str) else value
        if kind == "array":
            return np.array(value, float).reshape(found["shape"]).astype(found["dtype"])
    except (AttributeError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"no answer: {error}") from None
    raise ValueError(f"no answer: {kind}")


# Before it runs


def refusal(text):
    """Why this code is not run, in one sentence, or empty. Raises SyntaxError."""
    for node in ast.walk(ast.parse(text)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."]
        elif isinstance(node, ast.Name) and node.id in CALLED:
            return (
                f"line {node.lineno} uses {node.id}, with which code can hide what it runs: write the steps themselves"
            )
        for name in names:
            if name.partition(".")[0] in ENGINES:
                return f"line {node.lineno} imports {name}: the task is to write this yourself, in NumPy"
            if name.partition(".")[0] in HIDDEN:
                return f"line {node.lineno} imports {name}, which no task needs"
    return ""


# In the process


class Work(NamedTuple):
    """Calls of one student's file, as a task for a ``Crew``: what comes back is a list, or why there is none."""

    path: str
    calls: tuple

    def records(self):
        _limit()
        try:
            module = _loaded(self.path)
        except BaseException as error:
            return {"problem": _told(error, self.path)}
        return [_answer(module, self.path, call) for call in self.calls]

    def accepted(self, answer):
        found = json.loads(answer)
        if isinstance(found, dict) and isinstance(found.get("problem"), str):
            return harmless(found["problem"])
        if not isinstance(found, list) or len(found) != len(self.calls):
            raise ValueError("not one answer for each call")
        return [_accepted(one) for one in found]

    def lost(self, status, words):
        return harmless(
            f"it was not finished in time: is there a loop without end? ({words})" if status == "timeout" else words
        )


class Answer(NamedTuple):
    """What came of a call: its value, or what was raised, where; "todo" if that is a blank that is not filled."""

    value: object = None
    status: str = ""
    words: str = ""
    changed: bool = False  # whether an argument is another than before


def _accepted(one):
    if not isinstance(one, dict):
        raise ValueError("no answer")
    if one.get("status") in (TODO, FAILED):
        return Answer(status=one["status"], words=harmless(str(one.get("words")))[:LONGEST])
    return Answer(unpacked(one.get("value")), changed=bool(one.get("changed")))


def _limit():
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _loaded(path):
    """The student's module; while it is loaded no engine can be imported."""
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("solution", path)
    module = importlib.util.module_from_spec(spec)
    with without_engines():
        spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def without_engines():
    """While this lasts, importing one raises ImportError."""
    hidden = {name: sys.modules.get(name) for name in ENGINES}
    sys.modules.update(dict.fromkeys(ENGINES))
    try:
        yield
    finally:
        for name, module in hidden.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def _answer(module, path, call):
    with without_engines():
        given = answer(lambda name: getattr(module, name), module, call)
    if given.status:
        return {"status": given.status, "words": given.words or path}
    try:
        return {"value": packed(given.value), "changed": given.changed}
    except TypeError as error:
        return {"status": FAILED, "words": f"{call.function} returned {error}, where numbers are asked for"}


def answer(function_of, module, call):
    """The ``Answer`` to a call; ``module``: in whose words the programs are."""
    try:
        function = function_of(call.function)
    except (AttributeError, KeyError):
        return Answer(status=FAILED, words=f"there is no {call.function}: it was removed, or has another name now")
    args = unpacked(packed(call.args), lambda named: _function(named, module))
    before = json.dumps(packed(call.args))
    try:
        with np.errstate(all="ignore"):
            value = function(*args)
    except NotImplementedError as error:
        return Answer(status=TODO, words=str(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Answer(status=FAILED, words=_told(error, getattr(module, "__file__", "") or "<"))
    arrays = lambda x: [y for y in x if isinstance(y, np.ndarray)]
    changed = any(not np.array_equal(x, y) for x, y in zip(arrays(args), arrays(unpacked(json.loads(before)))))
    return Answer(value, changed=changed)


def answers_of(names, calls):
    """The ``Answer`` to each call, of functions by name, as ``globals()`` has them."""
    return [answer(names.__getitem__, _Module(names), call) for call in calls]


class _Module:
    """Names as a module has them."""

    def __init__(self, names):
        self.__dict__.update(names)


def _function(named, module):
    kind, name = named
    if kind == "numpy":
        return getattr(np, name)
    if kind == "rule":
        return RULES[name][1]
    if kind == "function":
        return FUNCTIONS[name]
    return PROGRAMS[name](Words if kind == "plain" else module)


def _told(error, path):
    """What was raised, and at which line of the student's file; no traceback."""
    lines, trace = [], error.__traceback__
    while trace:
        if Path(trace.tb_frame.f_code.co_filename).name == Path(path).name:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, RecursionError):
        return f"RecursionError: a function calls itself without end{f', line {lines[-1]}' if lines else ''}"
    return said(error)[:LONGEST] + (f" (line {lines[-1]})" if lines else "")
