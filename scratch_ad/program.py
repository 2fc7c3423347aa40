"""Programs: the NumPy calls that a function makes, recorded one after another.

A ``Recorded`` carries a value and its name in a straight-line program. Recording happens on real values, so Python
branches and loops are recorded as they were taken. Underneath ``grad(f)`` it records the derivative program.
"""

import itertools
import re
from typing import NamedTuple

import numpy as np

from .cells import Cell
from .foreign import check_result
from .layout import order_in_memory
from .refusals import check_callable, uncover
from .registry import aval, snapshot
from .scalars import ufunc_of, written
from .tracer import Closed, Trace, Tracer, each, kind_of, name_of, rebuild
from .tree import entered, flatten, unflatten
from .views import viewed

_reserved = re.compile(r"v\d+|slice")  # what the source of a program uses beside its namespace


class Name(NamedTuple):
    """Stands in a recorded call for the value of that number."""

    number: int

    def __repr__(self):
        return f"v{self.number}"


_NAMES = tuple(map(Name, range(4096)))  # the same objects in each recording, so that two are soon compared


def name_at(number):
    return _NAMES[number] if number < len(_NAMES) else Name(number)


class Call(NamedTuple):
    """One recorded call: ``outputs`` are the names it gives, of a tuple if ``several``."""

    function: object
    args: tuple
    kwargs: dict
    outputs: tuple
    several: bool


_call, _NO_KEYWORDS = tuple.__new__, {}


class Recorded(Cell):
    """A value and its name in a program."""

    __slots__ = ()
    name = Tracer.tag

    def __init__(self, trace, value, name):
        self.owner, self.value, self.name = trace, value, name

    def __repr__(self):
        if self.owner.looks and not self.owner.ended:
            return super().__repr__()
        return f"Recorded({self.value!r}, name={self.name})"


def _is_of_shapes(y):
    """Whether a result is a dtype, words or Python's own numbers, as NumPy gives of shapes and dtypes alone."""
    if type(y) is tuple:  # of np.shape, or np.einsum_path
        return all(type(n) is int for n in y) or type(y[-1]) is str
    return type(y) in (int, bool) or isinstance(y, np.dtype)


class Recorder(Trace):
    """One recording; ``avals`` holds the shape and dtype of each name, by its number."""

    __slots__ = ("avals", "calls", "inputs", "layouts")
    mode = "recording"

    def __init__(self):
        super().__init__()
        self.inputs, self.calls, self.avals, self.layouts = [], [], [], []

    def recorded(self, value):
        self.avals.append(value if value is None else aval(value))
        return Recorded(self, value, name_at(len(self.avals) - 1))

    def input(self, value):
        """A new argument of the program."""
        tracer = self.recorded(value)
        self.inputs.append(tracer.name)
        self.layouts.append(_layout(value))
        return tracer

    def process(self, function, args, kwargs):
        values = [x.value if type(x) is Recorded and x.owner is self else self.lower(x) for x in args]
        y = function(*values, **{k: self.lower(v) for k, v in kwargs.items()}) if kwargs else function(*values)
        plain = type(y) is np.ndarray or isinstance(y, np.generic)
        if not plain and function not in ufunc_of and _is_of_shapes(y):
            return self.told(y, function, args, kwargs)
        if not plain:
            check_result(name_of(function), y, self.mode, "call it outside")
        if several := not plain and issubclass(type(y), (tuple, list)):
            outputs = [self.recorded(part) for part in y]
            names = tuple([out.name for out in outputs])
            result = rebuild(y, [out if out.value is not None else None for out in outputs])  # as in lstsq by gelsy
        else:
            result = self.recorded(y)
            names = (result.name,)
        named = tuple([x.name if type(x) is Recorded and x.owner is self else self.named(x) for x in args])
        keywords = {k: self.named(v) for k, v in kwargs.items()} if kwargs else _NO_KEYWORDS
        self.calls.append(_call(Call, (function, named, keywords, names, several)))
        if plain and not kwargs and isinstance(function, np.ufunc):  # memory of its own
            return result
        return viewed(result, y, function, args, kwargs)

    def told(self, y, function, args, kwargs):
        """A result of Python's own numbers, as it is."""
        return y

    def kept(self, x):
        """A constant of a call, which nobody can change any more."""
        return snapshot(x)

    def owns(self, x):
        return isinstance(x, Tracer) and x.owner is self

    def lower(self, x):
        """Values in place of this recording's tracers."""
        if self.owns(x):
            return x.value
        if type(x) is slice:
            return slice(*map(self.lower, (x.start, x.stop, x.step)))
        return each(self.lower, x) if isinstance(x, (tuple, list)) else x

    def named(self, x):
        """Names in place of this recording's tracers, and constants that nobody can change any more.

        The ends of slices stay as they were, as do branches.
        """
        if self.owns(x):
            return x.name
        if type(x) is slice:
            return self.lower(x)
        return each(self.named, x) if isinstance(x, (tuple, list)) else self.kept(x)

    ended = property(lambda self: type(self.calls) is Closed)

    def close(self):
        """The calls, to which nothing can be added any more."""
        calls, self.calls = self.calls, Closed(self.mode)
        return calls

    def program(self, outputs):
        """The recorded calls as a program that returns ``outputs``, a list of tracers or constants; the last step."""
        outputs = [self.named(self.constant(out)) for out in outputs]
        calls = self.close()
        return Program(self.inputs, calls, outputs, self.avals, self.layouts if any(map(_asks, calls)) else None)


def _layout(x):
    """All that order= A and K may depend on, of an array or what is made of it."""
    flags = getattr(kind_of(x), "flags", None)
    return flags and (order_in_memory(x, "K"), flags.c_contiguous, flags.f_contiguous)


def _asks(call):
    """Whether the order of the elements in a call's result depends on how its argument lies in memory."""
    orders = (*call.args[1:], call.kwargs.get("order"))
    return call.function in (np.ravel, np.reshape) and any(type(x) is str and x in "AK" for x in orders)


def record(fun, *args):
    """Run ``fun`` on ``args`` (any containers) and return what it did as a ``Program`` of the leaves of ``args``."""
    check_callable("record", fun)
    recorder = Recorder()
    leaves, spec = flatten(args)
    try:
        out = fun(*unflatten(spec, [recorder.input(entered(leaf)) for leaf in leaves]))
        return recorder.program(flatten(out)[0])
    except (ValueError, SystemError) as error:
        uncover(error)
        raise
    finally:
        recorder.close()


class Program:
    """A straight-line program of NumPy calls; called on its inputs it gives the list of its outputs.

    ``source`` is its text, ``calls`` its lines, ``avals[name.number]`` the shape and dtype of each name.
    """

    def __init__(self, inputs, calls, outputs, avals, layouts=None):
        self.inputs, self.calls, self.outputs, self.avals = inputs, _needed(calls, outputs), outputs, avals
        self.layouts = layouts  # how the inputs lay in memory, where the program depends on that
        # What the source refers to: functions beyond NumPy's, array constants.
        self.namespace = {"np": np, "program": None}
        self.source = self._write()
        exec(compile(self.source, "<program>", "exec"), self.namespace)
        self._replay = self.namespace.pop("program")

    def __call__(self, *inputs):
        if self.layouts is not None and list(map(_layout, inputs)) != self.layouts:
            raise ValueError(
                "a program recorded with order='K' or 'A' takes arrays that lie in memory as those it was recorded "
                "with: record it for these, or use order='C' or 'F'."
            )
        return self._replay(*inputs)

    def __repr__(self):
        return self.source

    def _write(self):
        """The program as Python source, one line per call; array constants are named ``c0, c1, …``."""
        names = {}
        lines = [f"def program({', '.join(map(repr, self.inputs))}):"]
        for call in self.calls:
            outputs = "".join(f"{n}, " for n in call.outputs) if call.several else repr(call.outputs[0])
            arguments = [self._show(a, names) for a in call.args]
            arguments += [f"{k}={self._show(v, names)}" for k, v in call.kwargs.items()]
            lines.append(f"    {outputs} = {self._call(call.function, arguments, names)}")
        return "\n".join([*lines, f"    return {self._show(list(self.outputs), names)}"])

    def _call(self, function, arguments, names):
        if function in ufunc_of:
            return written(function, arguments)
        name = name_of(function)
        if not name.startswith("np."):
            short = name.rpartition(".")[2]
            name = self._name(function, short if short.isidentifier() else "function", names)
        return f"{name}({', '.join(arguments)})"

    def _show(self, x, names):
        """An argument as Python source."""
        if isinstance(x, Tracer):
            return self._name(x, f"c{len(names)}", names)
        if isinstance(x, (Name, str, int, type(None))):
            return repr(x)
        if isinstance(x, (float, complex, np.number)) and np.isfinite(x) and _is_exact(x):
            return repr(x)
        if isinstance(x, tuple):
            return f"({''.join(self._show(e, names) + ', ' for e in x)})"
        if type(x) is list:
            return f"[{', '.join(self._show(e, names) for e in x)}]"
        if type(x) is slice:
            return f"slice({', '.join(self._show(e, names) for e in (x.start, x.stop, x.step))})"
        return self._name(x, f"c{len(names)}", names)

    def _name(self, x, name, names):
        """The name under which the source finds ``x`` in the namespace: ``name``, or one like it that is still free."""
        if id(x) not in names:
            candidates = itertools.chain([name], (f"{name}_{k}" for k in itertools.count()))
            names[id(x)] = next(n for n in candidates if n not in self.namespace and not _reserved.fullmatch(n))
            self.namespace[names[id(x)]] = x
        return names[id(x)]


def _is_exact(x):
    """Whether a number's text means that number: ``-0-1j`` is a difference, in which zeros lose their signs."""
    parts = x.real, x.imag
    return not np.iscomplexobj(x) or all(parts) or not np.any(np.signbit(parts))


def _needed(calls, outputs):
    """The calls that the outputs depend on."""
    needed = set(names_in(outputs))
    kept = []
    for call in reversed(calls):
        if needed.intersection(call.outputs):
            kept.append(call)
            needed.update(names_in((call.args, tuple(call.kwargs.values()))))
    return kept[::-1]


def names_in(x):
    if isinstance(x, Name):
        yield x
    elif isinstance(x, (tuple, list)):
        for e in x:
            yield from names_in(e)
