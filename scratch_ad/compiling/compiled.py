"""``compile``: which program is replayed, and when one is recorded."""

import functools
import threading
import types

import numpy as np

from .. import picture
from ..foreign import remedy_of
from ..refusals import check_callable, uncover
from ..tracer import Tracer
from ..tree import copied, entered, flatten, orders_in, unflatten
from .code import describe, failing, identical
from .entry import Entry
from .lines import lines_of
from .passes import cleaned
from .recording import GuardedRecorder
from .source import Missed, Source
from .watching import Watch

MOST = 16  # programs that are kept for arguments of one kind
AT_HAND = 2  # programs that are tried before anything is looked at


def compile(fun):
    """``fun``, recorded for each kind of arguments and then replayed as generated Python source, without a tracer.

    ``fun`` is any function of numbers, arrays and containers of them, a derivative among them: ``compile(grad(f))``. It
    gives what ``fun`` gives, bit for bit, but that einsum of two arrays is done by matmul, which adds up in another
    order, as may a derivative of a function that writes into arrays. A program is recorded anew for each structure,
    order of keys, shape, dtype and layout of the arguments, and for each whole number, truth value, string and array of
    strings among them; for other floats it stays the same. The first two runs are those of ``fun`` itself: what was
    done the same way twice is replayed from the third on. ``.source`` is its text, and ``.table()``, ``.dot()`` and
    ``.mermaid()`` show it with the exact flops and bytes of each line.

    Branches, errors that ``fun`` catches, and all else that Python does by the numbers, are *guards*: where one does
    not hold, ``fun`` is recorded again, and 16 programs are kept for one kind of arguments. So is a look for nan in a
    derivative.

    What ``fun`` reads besides its arguments is watched at every call: the variables of its closure, globals and
    defaults, the items of containers there, the attributes of objects, classes and modules, and the numbers in arrays;
    once something is another, ``fun`` is recorded again. Attributes whose names are computed, and what a function in C
    reads without a word to Python, are not watched. A function is run each time that changes what it reads or makes
    errors of warnings or keeps them, reads files or the clock, or finds what nobody can look into: an iterator, a
    queue, an open file, an object of ctypes, a table of pandas. Arguments are not changed, results are memory of their
    own, and a compiled function may be called from several threads. Other effects, printing say, are those of the runs
    that are recorded. Under a transformation, ``grad(compile(f))``, the function itself is run.

    A float among the arguments is NumPy's to ``fun``, as it is in a derivative, and so is what comes of it.

    Raises TypeError where two runs differ in what is no argument, or draw random numbers from a generator there or from
    one without a seed, for arguments of other kinds, and for what needs plain numbers, ``float(x)`` say. NumPy's
    warnings are those of ``fun``, but for calls left out, since nothing needs them, and that a sum of two is called an
    addition. Where a number overflows, or a replay ends in an error, ``fun`` is run as it is.
    """
    check_callable("compile", fun)
    return Compiled(fun)


class Compiled:
    """A compiled function."""

    def __init__(self, fun):
        functools.update_wrapper(self, fun)
        self.fun, self.programs, self.entries, self.lock = fun, {}, [], threading.Lock()

    def __reduce__(self):
        return compile, (self.fun,)  # the programs are recorded anew

    def __get__(self, instance, owner=None):
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args, **kwargs):
        for enter in self.entries:
            try:
                return enter(args, kwargs)
            except Missed:
                continue
            except Exception:  # which shall come from the function's own lines
                return self._run(args, kwargs)
        leaves, spec = flatten((args, kwargs))
        try:
            key = (spec, orders_in(spec, leaves), *map(_kind_of, leaves))
        except _Traced:
            return self.fun(*args, **kwargs)
        numbers = [x for x in leaves if not _is_static(x)]
        for program in self.programs.get(key, ()):
            if program.replay is None:
                continue
            if program.watch.changed():
                self._drop(key, program)
                continue
            try:
                out = program.replay(*numbers)
            except Missed:
                continue
            except Exception:  # which shall come from the function's own lines
                return self._run(args, kwargs)
            self.entries = [program.enter, *(e for e in self.entries if e is not program.enter)][:AT_HAND]
            return unflatten(program.out_spec, out)
        return self._record(key, leaves, spec)

    def _run(self, args, kwargs):
        """What the function itself gives, and does to copies of its arguments."""
        leaves, spec = flatten((args, kwargs))
        args, kwargs = unflatten(spec, list(map(entered, leaves)))
        results, spec = flatten(self.fun(*args, **kwargs))
        return unflatten(spec, list(map(copied, results)))

    @property
    def source(self):
        """The text of the programs, the latest first; of those that have run once only, as it would be."""
        return "\n\n".join(program.source.text for program in self._latest())

    def table(self):
        """The programs as a table of rich's: each line with shape and dtype of what it gives, flops and bytes.

        The counts are exact, by the conventions of ``scratch_ad.cost``; "?" where that has no formula for a function.
        A row has one line, or two where an array is made and then written into; its last is the sum. ImportError where
        rich is not installed.
        """
        return picture.table([lines_of(program.source) for program in self._latest()])

    def dot(self):
        """The programs as a graph in Graphviz's language, with the same numbers: from each value to where it goes."""
        return picture.dot([lines_of(program.source) for program in self._latest()])

    def mermaid(self):
        """The same graph in Mermaid's language, which Markdown shows in many places."""
        return picture.mermaid([lines_of(program.source) for program in self._latest()])

    def _latest(self):
        return [program for programs in self.programs.values() for program in programs][::-1]

    def _record(self, key, leaves, spec):
        """Run the function as it is, and note what it does; done the same way twice, that is a program."""
        before = next((known for known in self.programs.get(key, ()) if known.replay is None), None)
        watch = before.watch.again() if before and not before.watch.changed() else Watch(self.fun)
        program, result = recorded(self.fun, leaves, spec, watch)
        if watch.is_sealed or program.is_for_nobody:
            return result
        with self.lock:
            programs = self.programs.setdefault(key, [])
            for known in list(programs):
                if known.watch.changed():
                    programs.remove(known)
                elif known.replay is None and (place := known.differs(program)) != "":
                    if drawn := watch.drawn():
                        place = "; ".join(filter(None, (place, f"it draws from {drawn}")))
                    if place:
                        raise TypeError(
                            f"{getattr(self.fun, '__name__', self.fun)} cannot be compiled, as it does not do the same "
                            f"when it is called again: {place}. Random numbers, and arrays that change where the "
                            "function's code does not name them, have to be arguments."
                        )
                    programs.remove(known)
                    program.finish(known, spec, leaves)
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


def _is_static(x):
    """Whether a program is for this argument alone: a whole number, a truth value, or words."""
    return type(x) in _STATIC or (type(x) is np.ndarray and x.dtype.kind in "US")


def _kind_of(x):
    """What a program depends on of an argument: all but the numbers of arrays, and of floats."""
    kind = type(x)
    if kind is np.ndarray and _is_static(x):
        return x.shape, x.dtype, x.strides, x.flags.writeable, x.tobytes()
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
        args, kwargs = unflatten(spec, [entered(x) if _is_static(x) else recorder.input(entered(x)) for x in leaves])
        tracers, out_spec = flatten(watch.run(fun, *args, **kwargs))
        originals = recorder.originals
        results = [copied(x.value if recorder.owns(x) else x) for x in map(recorder.constant, tracers)]
        code = recorder.code(tracers)
    except (ValueError, SystemError) as error:
        uncover(error)
        raise
    finally:
        recorder.close()
    return Program(code, out_spec, watch, originals, recorder.is_strict), unflatten(out_spec, results)


class Program:
    """What was done for arguments of one kind; ``replay`` is None until it has been done the same way twice."""

    def __init__(self, code, out_spec, watch, originals, is_for_nobody):
        self.code, self.out_spec, self.watch, self.originals = code, out_spec, watch, originals
        self.is_for_nobody, self.replay = is_for_nobody, None

    @functools.cached_property
    def source(self):
        return Source(cleaned(self.code))

    def differs(self, other):
        """The place where another run went otherwise, "" where it took another branch, None if it is the same."""
        for ours, theirs in zip(self.code.steps, other.code.steps):
            if not identical(ours, theirs):
                if ours.is_guard and theirs.is_guard and identical(ours.args[0], theirs.args[0]):
                    return ""
                if theirs.function == failing(ours.function) or ours.function == failing(theirs.function):
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
        entry = Entry(self.source.function, self.watch.changed, spec, leaves, self.out_spec, len(self.code.outputs))
        self.enter = entry.function or _miss
        self.replay, self.originals = self.source.function, {}


def _miss(args, kwargs):
    raise Missed


def _owner(array):
    while type(array.base) is np.ndarray:
        array = array.base
    return array
