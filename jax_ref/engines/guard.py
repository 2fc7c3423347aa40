"""What an engine may do to the process that it runs in, and how that stays without harm.

An engine is others' code: it may raise anything, words that no terminal takes, and may change what all code of a
process shares. Here is what it said in words that can be shown, how the user's Ctrl-C is told from a KeyboardInterrupt
of its own, and what it changed, which is put back. Whoever ends the process itself is the sweep's to mind.
"""

import contextlib
import operator
import os
import random
import signal
import sys
import threading
import types
import warnings

import numpy as np

LONGEST, _SAID = 16000, 2000  # characters that are kept of any text, and of what was raised
_WATCHED = ("numpy", "numpy.linalg", "json", "time", "math", "os", "builtins", "operator", "functools")


# Words


def harmless(text, longest=LONGEST):
    """The text with escapes for all that cannot be printed but ends of lines, cut if it is longer than ``longest``."""
    text = str.__str__(text)  # a subclass may lie
    if len(text) <= longest and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    shown = lambda c: c if c in "\n\t" or c.isprintable() else c.encode("unicode_escape").decode()
    found, cut = "".join(map(shown, text[:longest])), f"… ({len(text)} characters)"
    return found if len(text) <= longest >= len(found) else found[: longest - len(cut)] + cut


def said(error):
    """What was raised in words, ``Type: message``, whatever it does when it is asked."""
    name = type.__dict__["__name__"].__get__(type(error))
    try:
        words = str(error)
    except BaseException:
        words = "with a message that cannot be had"
    return harmless(f"{name}: {words}".removesuffix(": "), _SAID)


def noted(error):
    """The notes of what was raised, each behind a full stop, whatever they do when they are asked."""
    try:
        return harmless("".join(f". {note}" for note in getattr(error, "__notes__", ())), _SAID)
    except BaseException:
        return ""


# Ctrl-C

_pressed = threading.Event()


@contextlib.contextmanager
def watching():
    """Within this, ``is_users`` tells the user's Ctrl-C; other threads than the main one get none."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def pressed(number, frame):
        _pressed.set()
        return before(number, frame)

    _pressed.clear()
    signal.signal(signal.SIGINT, pressed)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class TooLong(BaseException):
    """A check takes longer than its caller allows; nothing on the way takes it for an error of an engine's."""


def is_users(error):
    """Whether the user, by Ctrl-C, or the caller of a check, and not an engine, has raised this."""
    return isinstance(error, TooLong) or (isinstance(error, KeyboardInterrupt) and _pressed.is_set())


def heed():
    """Raises KeyboardInterrupt if the user's was caught on the way, by an engine."""
    if _pressed.is_set():
        raise KeyboardInterrupt


# What all code of a process shares


class Surroundings:
    """What all code shares, as it is now: functions of modules, settings, and states."""

    def __init__(self):
        self._settings = [(put, get()) for get, put in _SETTINGS]
        self._spaces = [*map(_Space, _spaces())]

    def restored(self):
        """Put all back as it was; returns the names of the functions, classes and tables that had been replaced."""
        for put, value in self._settings:
            put(value)
        return self.functions_restored()

    def functions_restored(self):
        """As ``restored``, but for settings and states."""
        return [name for space in self._spaces for name in space.restored()]


class _Space:
    """The functions, classes and, of ours, tables of a module or class."""

    def __init__(self, of):
        self.of, held = of, vars(of)
        ours = getattr(of, "__module__", of.__name__).partition(".")[0] == "jax_ref"
        self.names = [name for name, x in held.items() if callable(x)]
        self.values = [held[name] for name in self.names]
        self.codes = [(f, f.__code__) for f in self.values if isinstance(f, types.FunctionType)]
        self.tables = [(name, x, dict(x)) for name, x in held.items() if ours and type(x) is dict and "__" not in name]

    def restored(self):
        held = vars(self.of)
        if not all(map(operator.is_, map(held.get, self.names), self.values)):
            for name, value in zip(self.names, self.values, strict=True):
                if held.get(name) is not value:
                    setattr(self.of, name, value)
                    yield f"{self.of.__name__}.{name}"
        for f, code in self.codes:
            if f.__code__ is not code:
                f.__code__ = code
                yield f"{self.of.__name__}.{f.__name__}"
        for name, table, content in self.tables:
            if not _same(table, content):
                table.clear()
                table.update(content)
                yield f"{self.of.__name__}.{name}"


def _same(table, content):
    return table.keys() == content.keys() and all(map(operator.is_, map(table.get, content), content.values()))


def _spaces():
    for name, module in [*sys.modules.items()]:
        ours = name.partition(".")[0] == "jax_ref"
        if (ours or name in _WATCHED) and isinstance(module, types.ModuleType):
            yield module
            if ours:
                yield from (x for x in vars(module).values() if isinstance(x, type) and x.__module__ == name)


def _environment(values):
    if dict(os.environ) != values:
        os.environ.clear()
        os.environ.update(values)


def _folder():
    with contextlib.suppress(OSError):
        return os.getcwd()


def _back_to(folder):
    with contextlib.suppress(OSError, TypeError):
        os.chdir(folder)


def _handlers():
    return {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, *_ALARMS)}


def _handle(handlers):
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        if _ALARMS and not callable(handlers[signal.SIGALRM]):  # nobody waits for one
            signal.setitimer(signal.ITIMER_REAL, 0)


_ALARMS = (signal.SIGALRM,) if hasattr(signal, "SIGALRM") else ()


def _streams(streams):
    sys.stdin, sys.stdout, sys.stderr = streams


def _filters(before):
    if warnings.filters != before:
        warnings.filters[:] = before
        warnings.simplefilter("default", append=True)  # which makes Python forget what it has decided by others
        warnings.filters.pop()


def _path(before):
    sys.path[:] = before


def _jax(option):
    """How to get and to put a setting of JAX's, which is not imported before it is asked for."""

    def get():
        import jax

        return getattr(jax.config, option)

    def put(before):
        import jax

        if getattr(jax.config, option) != before:
            jax.config.update(option, before)

    return get, put


_SETTINGS = (
    (_folder, _back_to),
    (lambda: dict(os.environ), _environment),
    (_handlers, _handle),
    (lambda: (sys.stdin, sys.stdout, sys.stderr), _streams),
    (lambda: [*warnings.filters], _filters),
    (lambda: [*sys.path], _path),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    (np.geterr, lambda before: np.seterr(**before)),
    (np.geterrcall, np.seterrcall),
    (np.random.get_state, np.random.set_state),
    (random.getstate, random.setstate),
    _jax("jax_enable_x64"),
    _jax("jax_default_matmul_precision"),
)
