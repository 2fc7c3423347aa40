"""Python source of a straight line of steps: what runs at a replay, and what users read as ``.source``."""

import itertools
import keyword
import math
import re

import numpy as np

from ..program import Name
from ..tracer import getitem, name_of
from .code import as_told, names_in

_TAKEN = re.compile(r"[vc]\d+")


class Missed(Exception):
    """A guard found that something is not as it was when the program was recorded."""


class Source:
    """The text of a program, and the ``namespace`` in which it runs; ``function`` is the program itself."""

    def __init__(self, code):
        self.code, self.namespace, self.names = code, {"Missed": Missed}, {}
        self.text = self._write()
        exec(compile(self.text, "<compiled>", "exec"), self.namespace)
        self.function = self.namespace["program"]

    def _write(self):
        lines = []
        for errors, steps in itertools.groupby(self.code.steps, key=lambda step: step.errors):
            indent = "    " if errors is None else "        "
            if errors is not None:
                keywords = ", ".join(f"{k}={v!r}" for k, v in errors)
                lines.append(f"    with {self._name(np.errstate, 'errstate')}({keywords}):")
            lines += [indent + line for step in steps for line in self._lines(step)]
        outputs = ", ".join(map(self._output, self._outputs()))
        inputs = ", ".join(map(repr, self.code.inputs))
        return "\n".join([f"def program({inputs}):", *lines, f"    return [{outputs}]"])

    def _lines(self, step):
        if step.is_guard:
            yield f"if {self._fails(step)}: raise Missed"
            return
        call = self._call(step)
        if step.several:
            yield f"{''.join(f'{name}, ' for name in step.outputs) or '()'} = {call}"
        else:
            yield f"{step.outputs[0]!r} = {call}"

    def _fails(self, step):
        x, outcome = step.args
        if step.function is bool:
            return f"not {self._show(x)}" if outcome else self._show(x)
        if step.function is as_told:
            return f"{self._show(x)} != {self._show(outcome)}"
        return f"{self._name(step.function)}({self._show(x)}) != {self._name(outcome, 'c')}"

    def _call(self, step):
        function, args, kwargs = step.function, step.args, step.kwargs
        first = self.code.value(args[0]) if args else None
        if function is getitem and type(args[0]) is Name:
            return f"{self._show(args[0])}[{self._index(args[1])}]"
        if function is np.transpose and len(args) == 1 and not kwargs and first.is_array:
            return f"{self._show(args[0])}.T"
        if function is np.reshape and len(args) == 2 and not kwargs and first.is_array and type(args[0]) is Name:
            return f"{self._show(args[0])}.reshape({self._show(args[1])})"
        if (operator := _OPERATORS.get(function)) and not kwargs and self._has_operators(args):
            return operator.format(*map(self._show, args))
        shown = [*map(self._show, args), *(f"{k}={self._show(v)}" for k, v in kwargs.items())]
        return f"{self._name(getattr(function, '__wrapped__', function))}({', '.join(shown)})"

    def _has_operators(self, args):
        """Whether the operator does what the ufunc does, and faster: of real numbers in double precision, one NumPy's."""
        values = list(map(self.code.value, args))
        return all(v.kind in (np.float64, float) for v in values) and any(v.kind is np.float64 for v in values)

    def _index(self, x):
        if type(x) is slice:
            parts = ["" if part is None else self._show(part) for part in (x.start, x.stop, x.step)]
            return ":".join(parts if parts[2] else parts[:2])
        if type(x) is tuple and x:
            return ", ".join(map(self._index, x)) + ("," if len(x) == 1 else "")
        return self._show(x)

    def _outputs(self):
        return self.code.outputs

    def _output(self, x):
        """An output: nobody else's memory, neither an argument's nor a constant's, nor that of another output."""
        value = self.code.value(x)
        shown = self._show(x)
        if value.is_array and not is_fresh(self.code, x):
            return f"{shown}.copy('K')"
        return shown

    def _show(self, x):
        """An argument as Python source."""
        if type(x) is Name or type(x) in (bool, int, str, type(None), type(...)):
            return repr(x) if x is not ... else "..."
        if type(x) is float and math.isfinite(x):
            return repr(x)
        if type(x) is tuple:
            return f"({''.join(self._show(e) + ', ' for e in x)})"
        if type(x) is list:
            return f"[{', '.join(map(self._show, x))}]"
        if type(x) is slice:
            return f"slice({', '.join(map(self._show, (x.start, x.stop, x.step)))})"
        if isinstance(x, tuple) and any(names_in(x)):
            return f"{self._name(type(x))}({', '.join(map(self._show, x))})"
        return self._name(x, "c")

    def _name(self, x, name=None):
        """The name under which the source finds ``x``: that of a function, or ``c0, c1, …`` for constants."""
        if id(x) not in self.names:
            if name == "c":
                candidates = (f"c{k}" for k in itertools.count(sum(map(bool, map(_TAKEN.fullmatch, self.namespace)))))
            else:
                name = name or name_of(x).rpartition(".")[2]
                name = name if name.isidentifier() and not _TAKEN.fullmatch(name) else "function"
                if isinstance(getattr(x, "__self__", None), np.ufunc):
                    name = f"{x.__self__.__name__}_{name}"
                candidates = itertools.chain([name], (f"{name}_{k}" for k in itertools.count()))
            self.names[id(x)] = next(n for n in candidates if n not in self.namespace and n not in _RESERVED)
            self.namespace[self.names[id(x)]] = x
        return self.names[id(x)]


_RESERVED = {*keyword.kwlist, "program", "slice"}
_OPERATORS = {np.add: "{} + {}", np.subtract: "{} - {}", np.multiply: "{} * {}", np.divide: "{} / {}", np.negative: "-{}"}


def is_fresh(code, x):
    """Whether an output is the only one of its memory: what a call has just made, once among the outputs."""
    if type(x) is not Name or list(names_in(code.outputs)).count(x) > 1:
        return False
    maker = next((step for step in code.steps if x in step.outputs), None)
    return maker is not None and makes_new(maker) and not any(may_view(step, x) for step in code.steps)


def makes_new(step):
    """Whether the result of a step is memory of its own."""
    return (isinstance(step.function, np.ufunc) or step.function in _NEW) and "out" not in step.kwargs


def may_view(step, x):
    """Whether a step may give a view of ``x`` that outlives it."""
    return not step.is_guard and not makes_new(step) and any(name == x for name in names_in((step.args, step.kwargs)))


_NEW = {np.sum, np.matmul, np.concatenate, np.stack, np.zeros_like, np.ones_like}
