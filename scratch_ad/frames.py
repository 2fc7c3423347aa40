"""What the user wrote where a call fails, told by the frames that lead to it.

That is what the innermost frame of the user's own calls: a library's function, or, as C leaves no frame, whatever the
instruction there calls. Instructions know their place in the source, so that the source itself is not needed.
"""

import builtins
import dis
import functools
import inspect
import itertools
import linecache
import operator
import sys
import types
from traceback import walk_stack, walk_tb
from typing import NamedTuple

import numpy as np

LIBRARIES = sys.stdlib_module_names | {
    *("numpy", "scipy", "scratch_ad", "jax_ref", "pandas", "xarray", "sklearn", "statsmodels", "sympy", "mpmath"),
    *("matplotlib", "torch", "jax", "jaxlib", "tensorflow", "numba", "numexpr", "joblib", "optree", "networkx"),
}
_SUBSCRIPTS = ("BINARY_SUBSCR", "BINARY_SLICE", "[]")
_STATEMENTS = {
    "STORE_SUBSCR": "arr[i] = x",
    "STORE_SLICE": "arr[i:j] = x",
    "STORE_ATTR": "arr.attribute = x",
    "COMPARE_OP": "arr == […]",
    "%": '"…" % x',
    **dict.fromkeys(_SUBSCRIPTS, "arr[x]"),
}
_OF_CALLS = ("PRECALL", "KW_NAMES", "BUILD", "LIST", "DICT", "SET", "LOAD_CONST")  # what prepares a call, at its place
_DESCRIPTORS = (property, types.GetSetDescriptorType, types.MemberDescriptorType)
_OPERATORS = (pow, operator.pow, operator.ipow, operator.mul, operator.imul)  # those that scalars have of their own
_unknown = object()


def calls():
    """What the user called, from best to worst: pairs of its name, as ``np.full``, and the function or None."""
    try:
        return list(_calls(sys._getframe(1)))
    except Exception:  # of whatever the user's objects do when they are looked at; the caller has an error to raise
        return [("", None)]


def place():
    """The file and the line of the innermost frame of the user's own; ("", 0) if there is none."""
    frame = sys._getframe(1)
    while frame and _is_library(frame):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame else ("", 0)


class Position(NamedTuple):
    """Where in the user's own code a call stands.

    ``columns``: from which to which on its line, None where it does not stand on one. ``code``: what is run there.
    ``between``: the library's functions that lead from there to the call, each as ``module.name``, the innermost first.
    """

    file: str = ""
    line: int = 0
    columns: tuple | None = None
    code: types.CodeType | None = None
    between: tuple = ()


def position(within=None):
    """The ``Position`` of the innermost frame of the user's own; an empty one if there is none.

    ``within``: the code of one of the library's functions, which ran what is asked about: no frame beyond it counts.
    """
    frame, between = sys._getframe(1), []
    while frame and frame.f_code is not within and _is_library(frame):
        between.append(f"{_module(frame)}.{frame.f_code.co_name}")
        frame = frame.f_back
    if not frame or frame.f_code is within:
        return Position(between=tuple(between))
    return Position(frame.f_code.co_filename, frame.f_lineno, _columns(frame), frame.f_code, tuple(between))


def _columns(frame):
    line, last, start, end = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    if line is None or line != last or start is None:
        return None
    text = linecache.getline(frame.f_code.co_filename, line).encode()
    return len(text[:start].decode(errors="ignore")), len(text[:end].decode(errors="ignore"))


def in_c(passed=None):
    """The functions whose roots SciPy's solvers in C seek, in the calls under way or those that an error has passed."""
    frames = walk_tb(passed) if passed else walk_stack(sys._getframe(1))
    return [f.f_locals["f"] for f, _ in frames if _module(f) == "scipy.optimize._zeros_py" and "f" in f.f_locals]


def raised_at(error):
    """The file and the line of the innermost frame of the user's own that an error has passed; ("", 0) if none."""
    passed = _passed(error)
    return (passed.tb_frame.f_code.co_filename, passed.tb_lineno) if passed else ("", 0)


def called_at(error):
    """The name of what the user's own innermost frame called when an error was raised there; "" if it has none."""
    passed = _passed(error)
    name, _, guessed = _written(passed.tb_frame) if passed else ("", None, True)
    return "" if guessed else name


def called_in(frame):
    """The function or class that a frame calls now, None if that cannot be told."""
    return _written(frame)[1]


def is_given_a_number(frame):
    """Whether the last argument of the call that a frame is at is a whole number, written there."""
    past, now = _until_now(frame)
    for one in reversed(past):
        if one.opname in ("PRECALL", "KW_NAMES") and not one.is_jump_target:
            continue
        is_constant = one.opname in ("LOAD_CONST", "LOAD_SMALL_INT") and not now.is_jump_target
        return is_constant and type(one.argval) is int
    return False


def _passed(error):
    """Of an error's traceback what belongs to the user's innermost frame; None if there is none."""
    found, traceback = None, error.__traceback__
    while traceback:
        frame = traceback.tb_frame
        if _module(frame) and not _is_library(frame):  # code of no module is an expression of ours
            found = traceback
        traceback = traceback.tb_next
    return found


def given(function):
    """What a library's Python function was called with; empty where it has no frame."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    frame = sys._getframe(1)
    while frame and frame.f_code is not code:
        frame = frame.f_back
    return [frame.f_locals.get(name) for name in inspect.getargs(code).args] if frame else []


def is_operator(frame):
    """Whether a frame is at an operator now, be it written as a call of its function, not at a call of a ufunc."""
    past, now = _until_now(frame)
    return now.opname == "BINARY_OP" or _named(_path(past, now), frame)[1] in _OPERATORS


def _calls(frame):
    inside = []
    while frame and _is_library(frame):
        inside.append(frame)
        frame = frame.f_back
    name, function, guessed = _written(frame) if frame else ("", None, False)
    if not guessed:
        yield name, function
    yield from ((_entered(one), None) for one in reversed(inside))
    yield name, function


def _is_library(frame):
    module = _module(frame)
    return module.partition(".")[0] in LIBRARIES and not module.startswith("scratch_ad.intro")


def _module(frame):
    return frame.f_globals.get("__name__") or ""


def _written(frame):
    """The name of what a frame calls now, "" if that cannot be told; the function, and whether the name is a guess."""
    past, now = _until_now(frame)
    kind = now.argrepr if now.opname == "BINARY_OP" else now.opname
    if "CALL" in kind or kind in _SUBSCRIPTS:
        name, function, guessed = _named(_path(past, now), frame)
        if (name and "CALL" in kind) or (name.startswith("np.") and not isinstance(function, np.ndarray)):  # np.r_
            return name, function, guessed
    if now.opname != "BINARY_OP" or kind in _STATEMENTS:
        return _STATEMENTS.get(kind, ""), None, False
    return f"arr {kind} {'x' if kind.endswith('=') else '[…]'}", None, False


def _until_now(frame):
    """The instructions of a frame's code before the one where it stands, and that one."""
    *past, now = (one for one in _instructions(frame.f_code) if one.offset <= frame.f_lasti)
    return past, now


@functools.lru_cache(64)
def _instructions(code):
    return list(dis.get_instructions(code))


def _path(past, now):
    """The names in front of a parenthesis, as ``["np", "linalg", "norm"]``; None first where that is no name.

    What is called begins where the call does. The last name of a call over several lines has the place of its own.
    """
    place = lambda one: (one.positions.lineno, one.positions.col_offset)
    end = lambda one: (one.positions.end_lineno, one.positions.end_col_offset)
    names = path = [None]
    begins = False
    for one in past:
        if one.opname == "PUSH_NULL":
            continue
        # Not a copy of the call, or of what it is part of, for the other branch of a conditional argument.
        here = None not in place(now) and place(one) == place(now) and end(one) < end(now)
        if one.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            names, begins = [*names, one.argval], here or begins
        else:
            is_name = one.opname.startswith(("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FAST", "LOAD_DEREF"))
            names, begins = [one.argval if is_name else None], here and not one.opname.startswith(_OF_CALLS)
        path = names if begins else path
    return path


def _named(path, frame):
    """The name and the object at the end of a path, and whether the name is guessed, by that of a method alone."""
    root, *rest = path
    scopes = (frame.f_locals, frame.f_globals, vars(builtins))
    at = next((names[root] for names in scopes if root in names), _unknown)
    home = at.__name__ if isinstance(at, types.ModuleType) and at.__name__.partition(".")[0] in LIBRARIES else ""
    written = spelled(".".join((home, *rest)))
    while rest:
        if isinstance(at, (types.ModuleType, type)):
            at = getattr(at, rest.pop(0), _unknown)
        elif len(rest) > 1:
            at = inspect.getattr_static(at, rest.pop(0), _unknown)
            if isinstance(at, _DESCRIPTORS):  # which are not asked: they may compute
                at = _unknown
        else:
            break
    if at is _unknown and rest:
        cls = next((cls for cls in (np.ndarray, np.random.Generator) if hasattr(cls, *rest)), None)
        return (f"{_public(cls)}.{rest[0]}" if cls else f"the method .{rest[0]}"), None, True
    if home and not isinstance(at, np.ndarray):
        return written, at, False
    if at is _unknown:
        return "", None, False
    while isinstance(at, functools.partial):
        at = at.func
    if rest or not hasattr(at, "__name__"):
        return ".".join((_public(np.ndarray if isinstance(at, np.ndarray) else type(at)), *rest)), at, False
    return _public(at), at, False


def _entered(frame):
    """The public name of a library's function in a frame, or "": of an object that is called, its class."""
    module, code = _module(frame), frame.f_code
    if module.startswith(("scratch_ad", "jax_ref")):
        return ""
    if "self" in frame.f_locals and "." in code.co_qualname:
        cls, last = type(frame.f_locals["self"]), code.co_name
        return (_public(cls) if last.startswith("_") else f"{_public(cls)}.{last}").lstrip(".")
    return _spell(module, code.co_name, lambda found: getattr(inspect.unwrap(found), "__code__", None) is code)


def _public(function):
    """The public name of a function, a class or a method; "" if there is none."""
    owner = getattr(function, "__objclass__", getattr(function, "__self__", None))
    if owner is not None and not isinstance(owner, types.ModuleType):
        return f"{_public(owner if isinstance(owner, type) else type(owner))}.{function.__name__}"
    return _spell(function.__module__ or "", function.__name__, lambda found: found is function)


def _spell(module, name, is_it):
    """The shortest public way to write a name of a module; "" if there is none."""
    if module == "builtins":
        return name
    parts = [part for part in module.split(".") if not part.startswith("_")]
    for k in range(1, len(parts) + 1):
        home = ".".join(parts[:k])
        if is_it(getattr(sys.modules.get(home), name, None)):
            return spelled(f"{home}.{name}")
    return ""


def spelled(name):
    """A dotted name as users write it."""
    for long, short in (("scratch_ad.numpy.", "np."), ("numpy.", "np."), ("builtins.", "")):
        name = name.replace(long, short, 1) if name.startswith(long) else name
    return name
