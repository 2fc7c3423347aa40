"""Python source of a straight line of steps: what runs at a replay, and what users read as ``.source``."""

import collections
import itertools
import keyword
import math
import re

import numpy as np

from ..chain import has_nan
from ..fast import with_part
from ..program import Name
from ..tracer import getitem, is_basic, name_of, scatter
from ..writing import put
from .code import as_told, is_laid_out_in_c, names_in
from .passes import makes_new
from .scalars import OPERATIONS, finite

HELD = 4096  # elements of an array of which the memory is worth a line
_TAKEN = re.compile(r"[vc]\d+")


class Missed(Exception):
    """A guard found that something is not as it was when the program was recorded."""


class Source:
    """The text of a program, and the ``namespace`` in which it runs; ``function`` is the program itself."""

    def __init__(self, code):
        self.code, self.namespace, self.names, self.inline = code, {"Missed": Missed}, {}, {}
        self.uses = collections.Counter(names_in((code.outputs, *(_read(step) for step in code.steps))))
        self.last_uses = self._last_uses()
        self.makers = {name: step for step in code.steps for name in step.outputs}
        self.viewed = {
            x for s in code.steps if not s.is_guard and not makes_new(s.function) for x in names_in((s.args, s.kwargs))
        }
        self.text = self._write()
        exec(compile(self.text, "<compiled>", "exec"), self.namespace)
        self.function = self.namespace["program"]

    def _write(self):
        lines = []
        for errors, steps in itertools.groupby(self._dated(), key=lambda step: step.errors):
            indent = "    " if errors is None else "        "
            if errors is not None:
                keywords = ", ".join(f"{k}={v!r}" for k, v in errors)
                lines.append(f"    with {self._name(np.errstate, 'errstate')}({keywords}):")
            for step in steps:
                lines += [indent + line for line in self._lines(step)]
                if step.outputs and (done := self.last_uses.get(step.outputs)):
                    lines.append(f"{indent}del {', '.join(map(repr, done))}")
        outputs = ", ".join(map(self._output, self.code.outputs))
        inputs = ", ".join(map(repr, self.code.inputs))
        return "\n".join([f"def program({inputs}):", *lines, f"    return [{outputs}]"])

    def _last_uses(self):
        """The large arrays that nobody needs any more after a step, by its outputs: their memory is given back."""
        last = {}
        for step in self.code.steps:
            for x in names_in((step.outputs, step.args, step.kwargs)) if step.outputs else ():
                last[x] = step.outputs
        for x in names_in(self.code.outputs):
            last.pop(x, None)
        for x in [x for step in self.code.steps if step.is_guard for x in names_in(step.args)]:
            last.pop(x, None)
        uses = {}
        for x, outputs in last.items():
            if x not in self.code.inputs and self.code.value(x).is_array and self.code.value(x).size >= HELD:
                uses.setdefault(outputs, []).append(x)
        return uses

    def _dated(self):
        """The steps, each under the np.errstate of those before it where none matters to it."""
        errors = None
        for step in self.code.steps:
            if step.is_guard or (step.outputs and self._is_float(step.outputs[0])):
                step = step._replace(errors=errors)
            errors = step.errors
            yield step

    def _lines(self, step):
        if step.function is finite:
            numbers = self._show(step.args[0]) if len(step.args[0]) > 50 else ""
            numbers = f"sum({numbers})" if numbers else " + ".join(map(self._show, step.args[0]))
            yield f"if not {self._name(math.isfinite, 'isfinite')}({numbers}): raise OverflowError"
            return
        if step.is_guard:
            yield f"if {self._fails(step)}: raise Missed"
            return
        if step.function in (scatter, put, with_part) and len(step.args) == 3 and (lines := list(self._writes(step))):
            yield from lines
            return
        call = self._call(step)
        if self._goes_into_the_next(step, call):
            self.inline[step.outputs[0]] = call
        elif step.several:
            yield f"{''.join(f'{name}, ' for name in step.outputs) or '()'} = {call}"
        else:
            yield f"{step.outputs[0]!r} = {call.removeprefix('(').removesuffix(')') if call[0] == '(' else call}"

    def _goes_into_the_next(self, step, call):
        """Whether a number stands in the one expression that needs it, without a name."""
        is_number = step.function is np.float64 or (step.function in OPERATIONS and self._is_float(step.outputs[0]))
        return is_number and self.uses[step.outputs[0]] == 1 and len(call) < 100

    def _fails(self, step):
        x, outcome = step.args
        if step.function is has_nan and (value := self.code.value(x)).kind in (float, np.float64):
            return f"{self._show(x)} != {self._show(x)}"
        if step.function is has_nan and value.is_array and value.dtype.kind == "f":
            product = f"{self._name(np.vdot, 'vdot')}({self._show(x)}, {self._show(x)})"
            return f"{self._name(math.isnan, 'isnan')}({product})"
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
        if (operator := OPERATIONS.get(function)) and not kwargs and self._has_operator(step):
            return operator.format(*map(self._show, args))
        if function in _REDUCTIONS and len(args) <= 3 and kwargs.keys() <= {"axis", "keepdims"} and first.is_array:
            return self._reduction(*_REDUCTIONS[function], *args, **kwargs)
        if (method := _METHODS.get(function)) and not kwargs and first.is_array and type(args[0]) is Name:
            return f"{self._show(args[0])}.{method}({', '.join(map(self._show, args[1:]))})"
        if function is np.matrix_transpose and len(first.shape) == 2 and first.is_array:
            return f"{self._show(args[0])}.T"
        if "out" in kwargs:
            args, kwargs = (*args, kwargs["out"]), {}
        shown = [*map(self._show, args), *(f"{k}={self._show(v)}" for k, v in kwargs.items())]
        return f"{self._name(getattr(function, '__wrapped__', function))}({', '.join(shown)})"

    def _has_operator(self, step):
        """Whether the operator does what the ufunc does, and faster: of double precision, and not of arrays."""
        kinds = {self.code.value(x).kind for x in step.args}
        return self._is_float(step.outputs[0]) or (np.float64 in kinds and kinds <= {np.float64, float})

    def _is_float(self, x):
        return self.code.value(x).kind is float

    def _reduction(self, reduce, name, a, axis=None, dtype=None, keepdims=None):
        shown = [self._show(a), self._show(axis)]
        if dtype is not None or keepdims is not None:
            shown += [self._show(dtype), "None", self._show(bool(keepdims))]
        return f"{self._name(reduce, name)}({', '.join(shown)})"

    def _writes(self, step):
        """A copy and a write into it, written out: of arrays that lie in memory as new ones do."""
        (name,), (a, index, v) = step.outputs, step.args
        value, old = self.code.value(name), self.code.value(a)
        if not value.is_array or not old.is_array or not is_laid_out_in_c(value):
            return
        if any(names_in(index)) or not is_basic(index):
            return
        place = f"{name!r}[{self._index(index)}]"
        if step.function is scatter and old.dtype == value.dtype:
            shown = f"{self._name(np.zeros, 'zeros')}({self._show(v)}, {self._name(value.dtype, 'c')})"
            yield f"{name!r} = {shown}"
            yield f"{place} = {self._show(a)}"
        elif step.function is not scatter and old == value:
            yield f"{name!r} = {self._show(a)}.copy()"
            yield f"{place} {'+=' if step.function is with_part else '='} {self._show(v)}"

    def _index(self, x):
        if type(x) is slice:
            parts = ["" if part is None else self._show(part) for part in (x.start, x.stop, x.step)]
            return ":".join(parts if parts[2] else parts[:2])
        if type(x) is tuple and x:
            return ", ".join(map(self._index, x)) + ("," if len(x) == 1 else "")
        return self._show(x)

    def _output(self, x):
        """An output: nobody else's memory, neither an argument's nor a constant's, nor that of another output."""
        maker = self.makers.get(x) if type(x) is Name else None
        is_new = maker is not None and makes_new(maker.function) and x not in self.viewed
        if self.code.value(x).is_array and not (is_new and list(names_in(self.code.outputs)).count(x) == 1):
            return f"{self._show(x)}.copy('K')"
        return self._show(x)

    def _show(self, x):
        """An argument as Python source."""
        if type(x) is Name:
            return self.inline.pop(x, None) or repr(x)
        if type(x) in (bool, int, str, type(None), type(...)):
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
                candidates = itertools.chain([name], (f"{name}_{k}" for k in itertools.count()))
            self.names[id(x)] = next(n for n in candidates if n not in self.namespace and n not in _RESERVED)
            self.namespace[self.names[id(x)]] = x
        return self.names[id(x)]


_RESERVED = {*keyword.kwlist, "program", "slice", "sum"}
_REDUCTIONS = {  # without the way that NumPy's functions take to them
    np.sum: (np.add.reduce, "add_reduce"),
    np.prod: (np.multiply.reduce, "multiply_reduce"),
    np.max: (np.maximum.reduce, "maximum_reduce"),
    np.min: (np.minimum.reduce, "minimum_reduce"),
}
_METHODS = {np.reshape: "reshape", np.transpose: "transpose", np.swapaxes: "swapaxes", np.squeeze: "squeeze"}


def _read(step):
    """The arguments of a step as often as its text has them."""
    return (step.args, step.args) if step.function in (np.square, has_nan) else (step.args, step.kwargs)
