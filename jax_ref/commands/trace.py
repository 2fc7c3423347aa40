"""What ``scratch-ad trace`` is given: a function, as an expression or by its file, and its arguments."""

import contextlib
import importlib.util
import linecache
import sys
from pathlib import Path

import numpy as np

from scratch_ad.frames import raised_at

from ..engines.guard import is_users, said

_EXPRESSION = "<expression>"
_ARGUMENT = "Write a number, a list of numbers, or an expression of np."


def function_of(text):
    """The function that an expression gives, such as a lambda, or that of a file, as ``path.py:name``.

    Raises ValueError for what is neither.
    """
    path, _, name = text.rpartition(":")
    if path.endswith(".py") and name.isidentifier():
        return _of_file(Path(path), name)
    linecache.cache[_EXPRESSION] = len(text), None, [f"{text}\n"], _EXPRESSION
    function = _evaluated(text, _EXPRESSION, "Write a function, such as 'lambda x: np.sin(x)', or path.py:name.")
    if not callable(function):
        raise ValueError(f"{text} is no function. Write 'lambda x: …' before it, or path.py:name.")
    with contextlib.suppress(AttributeError, TypeError):  # NumPy's own take no attributes
        function.expression = text
    return function


def argument_of(text):
    """An argument: a number, an array as a list of numbers, or an expression of np, in any containers.

    Whole numbers are taken as real ones, of which there are derivatives. Raises ValueError for what does not parse.
    """
    return _real(_evaluated(text, "<argument>", _ARGUMENT), text)


def _evaluated(text, file, remedy):
    try:
        return eval(compile(text, file, "eval"), {"np": np, "__name__": "__expression__"})
    except SyntaxError as error:
        raise ValueError(f"{text} does not parse: {error.msg}. {remedy}") from None
    except Exception as error:  # whatever the expression does
        raise ValueError(f"{text}: {type(error).__name__}: {error}. {remedy}") from None


def _real(x, text):
    if isinstance(x, dict):
        return {key: _real(value, text) for key, value in x.items()}
    if isinstance(x, tuple):
        return tuple(_real(part, text) for part in x)
    if isinstance(x, list):
        try:
            x = np.array(x)
        except ValueError:  # of unequal lengths: a list of arguments
            return [_real(part, text) for part in x]
    kind = np.result_type(x).kind if isinstance(x, (bool, int, float, complex, np.ndarray, np.generic)) else "O"
    if kind not in "biufc":
        raise ValueError(
            f"{text} is no number and no array. Write a number, a list of numbers, or an expression of np."
        )
    return x if kind in "bfc" else np.asarray(x, float)[()]


def _of_file(path, name):
    if not path.is_file():
        raise ValueError(f"{path}: no such file.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.absolute()))  # as when it is run
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # whatever a user's file does when it is run
        if is_users(error):
            raise
        file, line = raised_at(error)
        at = f" ({Path(file).name}:{line})" if file else ""
        raise ValueError(f"{path}: {said(error)}{at}.") from error
    if not callable(function := getattr(module, name, None)):
        raise ValueError(f"{path} has no function {name}.")
    return function
