"""``compile``: which program is replayed, and when one is recorded."""

import functools
import threading
import types

import numpy as np

from ..foreign import remedy_of
from ..refusals import uncover
from ..tracer import Tracer
from ..tree import copied, entered, flatten, unflatten
from .code import describe, identical
from .entry import Entry
from .passes import cleaned
from .recording import GuardedRecorder
from .source import Missed, Source
from .watching import Watch

MOST = 16  # programs that are kept for arguments of one kind
AT_HAND = 2  # programs that are tried before anything is looked at


def compile(fun):
    """``fun``, recorded for each kind of arguments and then replayed as generated Python source, without a tracer.

    ``fun`` is any function of numbers, arrays and containers of them, a derivative among them: ``compile(grad(f))``.
    It gives what ``fun`` gives, bit for bit, but that einsum of two arrays is done by matmul, which adds up in another
    order. A program is recorded anew for each structure, shape, dtype and layout of the arguments, and for each whole
    number, truth value and string among them; for other floats it stays the same. The first two runs are those of
    ``fun`` itself: what was done the same way twice is replayed from the third on. ``.source`` is its text.

    Branches, and all else that Python does by the numbers, are *guards*: where one does not hold, ``fun`` is recorded
    again, and 16 programs are kept for one kind of arguments. So is a look for nan in a derivative.

    What ``fun`` reads besides its arguments is watched at every call: the variables of its closure, globals, defaults
    and attributes, and the numbers in the arrays there; once something is another, ``fun`` is recorded again. A
    function that changes what it reads is run each time. Arguments are not changed, results are memory of their own,
    and a compiled function may be called from several threads. Other effects, printing say, are those of the runs that
    are recorded. Under a transformation, ``grad(compile(f))``, the function itself is run.

    Raises TypeError where two runs differ in what is no argument (random numbers), for arguments of other kinds, and
    for what needs plain numbers, ``float(x)`` say. NumPy's warnings are those of ``fun``, but for calls left out,
    since nothing needs them. Where a number overflows, or a replay ends in an error, ``fun`` is run as it is.
    """
    if not callable(fun):
        raise TypeError(f"Expected a callable value, got {fun}")
    return Compiled(fun)


class Compiled:
    """A compiled function."""

    def __init__(self, fun):
        functools.update_wrapper(self, fun)
        self.fun, self.programs, self.entries, self.lock = fun, {}, [], threading.Lock()

    def __get__(self, instance, owner=None):
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args, **kwargs):
        for enter in self.entries:
            try:
                return enter(args, kwargs)
            except Missed:
                continue
            except Exception:  # which shall come from the function's own lines
                return self.fun(*args, **kwargs)
        leaves, spec = flatten((args, kwargs))
        try:
            key = (spec, *map(_kind_of, leaves))
        except _Traced:
            return self.fun(*args, **kwargs)
        numbers = [x for x in leaves if type(x) not in _STATIC]
        for program in self.programs.get(key, ()):
            if program.replay is None:
                continue
            if program.watch.changed() is not None:
                self._drop(key, program)
                continue
            try:
                out = program.replay(*numbers)
            except Missed:
                continue
            except Exception:  # which shall come from the function's own lines
                return self.fun(*args, **kwargs)
            self.entries = [program.enter, *(e for e in self.entries if e is not program.enter)][:AT_HAND]
            return unflatten(program.out_spec, out)
        return self._record(key, leaves, spec)

    @property
    def source(self):
        """The text of the programs, the latest first; of those that have run once only, as it would be."""
        programs = [program for programs in self.programs.values() for program in programs]
        return "\n\n".join(program.text for program in reversed(programs))

    def _record(self, key, leaves, spec):
        """Run the function as it is, and note what it does; done the same way twice, that is a program."""
        watch = Watch(self.fun)
        program, result = recorded(self.fun, leaves, spec, watch)
        with self.lock:
            programs = self.programs.setdefault(key, [])
            for known in list(programs):
                if known.watch.changed() is not None:
                    programs.remove(known)
                elif known.replay is None and (place := known.differs(program)) is None:
                    programs.remove(known)
                    program.finish(known, spec, leaves)
                elif known.replay is None and place:
                    raise TypeError(
                        f"{getattr(self.fun, '__name__', self.fun)} cannot be compiled, as it does not do the same "
                        f"when it is called again: {place}. Random numbers, and arrays that change where the "
                        "function's code does not name them, have to be arguments."
                    )
            programs.insert(0, program)
            del programs[MOST:]
        return result

    def _drop(self, key, program):
        with self.lock:
            if program in (programs := self.programs.get(key, [])):
                programs.remove(program)


class _Traced(Exception):
    """One of the arguments is a tracer."""


_STATIC = {int, bool, str, bytes}
_NUMBERS = {float, complex, *(t for t in np.sctypeDict.values() if np.dtype(t).kind in "biufc")}


def _kind_of(x):
    """What a program depends on of an argument: all but the numbers of arrays, and of floats."""
    kind = type(x)
    if kind is np.ndarray:
        return x.shape, x.dtype, x.strides, x.flags.writeable
    if kind in _NUMBERS:
        return kind
    if kind in _STATIC:
        return kind, x
    if isinstance(x, Tracer):
        raise _Traced
    remedy = remedy_of[kind] or "a number, an array or a container of these, or let the function find it in its closure"
    raise TypeError(f"a compiled function was given an argument of type {kind.__name__}: use {remedy}.")


def recorded(fun, leaves, spec, watch):
    """A program of ``fun`` that is not verified yet, and the result of the run."""
    recorder = GuardedRecorder()
    try:
        args, kwargs = unflatten(spec, [x if type(x) in _STATIC else recorder.input(entered(x)) for x in leaves])
        tracers, out_spec = flatten(fun(*args, **kwargs))
        originals = recorder.originals
        results = [copied(x.value if recorder.owns(x) else x) for x in map(recorder.constant, tracers)]
        code = recorder.code(tracers)
    except (ValueError, SystemError) as error:
        uncover(error)
        raise
    finally:
        recorder.close()
    return Program(code, out_spec, watch, originals), unflatten(out_spec, results)


class Program:
    """What was done for arguments of one kind; ``replay`` is None until it has been done the same way twice."""

    def __init__(self, code, out_spec, watch, originals):
        self.code, self.out_spec, self.watch, self.originals = code, out_spec, watch, originals
        self.replay = None

    @functools.cached_property
    def text(self):
        return Source(cleaned(self.code)).text

    def differs(self, other):
        """The place where another run went otherwise, "" where it took another branch, None if it is the same."""
        for ours, theirs in zip(self.code.steps, other.code.steps):
            if not identical(tuple(ours), tuple(theirs)):
                if ours.is_guard and theirs.is_guard and identical(ours.args[0], theirs.args[0]):
                    return ""
                return (
                    f"the arguments of {describe(ours)} are others"
                    if ours.function == theirs.function
                    else (f"{describe(ours)} has become {describe(theirs)}")
                )
        if len(self.code.steps) != len(other.code.steps):
            return "there are more calls"
        same = identical(self.code.outputs, other.code.outputs) and self.out_spec == other.out_spec
        return None if same else "what it returns besides is another constant"

    def finish(self, before, spec, leaves):
        """Make the replay, as ``before`` was the same program."""
        owners = {id(_owner(x)) for x, _ in before.originals.values()}
        self.watch.add([x for x, _ in self.originals.values() if id(_owner(x)) in owners])
        source = Source(cleaned(self.code))
        entry = Entry(source.function, self.watch.changed, spec, leaves, self.out_spec, len(self.code.outputs))
        self.enter = entry.function or _miss
        self.text, self.replay, self.originals = source.text, source.function, {}


def _miss(args, kwargs):
    raise Missed


def _owner(array):
    while type(array.base) is np.ndarray:
        array = array.base
    return array
