"""What a run reads of the world: files, the clock, and the numbers by which the system seeds a generator.

Nothing of that stands in a place that could be compared, and twice the same may come of it by chance. So the run is
listened to while it is recorded: only that of code which names what may read such things, as it takes twice the time.
"""

import gc
import random
import sys

import numpy as np

from .. import frames

_SYSTEM = {"posix", "nt", "time", "io", "_io", "_socket", "select", "_posixsubprocess", "_winapi", "_sqlite3"}
_HARMLESS = {"fspath", "sleep", "_path_normpath", "strerror", "cpu_count", "text_encoding"}
_NOW = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
_ASIDE = {"logging", "warnings", "linecache", "traceback", "importlib", "_frozen_importlib_external"}  # for themselves
_PURE = {
    *("abc", "array", "ast", "bisect", "builtins", "cmath", "collections", "contextlib", "contextvars", "copy"),
    *("dataclasses", "decimal", "enum", "fractions", "functools", "heapq", "inspect", "itertools", "logging", "math"),
    *("numbers", "operator", "re", "statistics", "string", "sys", "threading", "types", "typing", "warnings"),
    *("weakref", "_abc", "_contextvars", "_operator", "_thread", "numpy", "scipy", "scratch_ad", "optree"),
}
_TELLING = {
    *("open", "input", "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "rvs"),
    *("default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"),
}


def may_look(module, names):
    """Whether code that finds something of this module, or names these, may look at the world."""
    root = module.partition(".")[0]
    return not _TELLING.isdisjoint(names) or (root in frames.LIBRARIES and root not in _PURE)


class Lookout:
    """Who listens to a run; ``saw_the_world`` and ``saw_entropy`` tell what has been read since it began."""

    def __init__(self):
        self.saw_the_world = self.saw_entropy = False

    def run(self, function, *args, **kwargs):
        self.saw_the_world = self.saw_entropy = False
        if sys.getprofile() is not None:  # another listener, which stays
            self.saw_the_world = True
            return function(*args, **kwargs)
        sys.setprofile(self._listen)
        try:
            return function(*args, **kwargs)
        finally:
            sys.setprofile(None)

    def _listen(self, frame, event, called):
        if event != "c_call":
            return
        if called.__name__ == "urandom" or called.__qualname__ == "Random.seed":
            self._draw(frame)
        elif _asks(called) and not _is_aside(frame):
            self.saw_the_world = True

    def _draw(self, frame):
        if frame.f_code is _SEEDING and frame.f_locals["a"] is not None:
            return
        if frame.f_code is _OF_SYSTEM and frames.called_in(frame.f_back) is np.random.RandomState:
            if not frames.is_given_a_number(frame.f_back):  # a seed, which takes the place of what was read
                self.saw_the_world = True
        else:
            self.saw_entropy = True


def _is_aside(frame):
    """Whether what this frame reads is for itself, as of a log or of what is told of each collection of garbage."""
    of_garbage = any(frame.f_code is getattr(callback, "__code__", None) for callback in gc.callbacks)
    return of_garbage or (frame.f_globals.get("__name__") or "").partition(".")[0] in _ASIDE


def _asks(called):
    """Whether a function of C asks the system."""
    is_of_system = getattr(called, "__module__", None) in _SYSTEM and called.__name__ not in _HARMLESS
    return is_of_system or called.__qualname__ in _NOW or called in (np.fromfile, input)


_SEEDING, _OF_SYSTEM = random.Random.seed.__code__, random.SystemRandom.getrandbits.__code__
