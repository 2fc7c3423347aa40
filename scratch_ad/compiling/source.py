"""Python source of a straight line of steps: what runs at a replay, and what users read as ``.source``."""

import collections
import itertools
import keyword
import math
import re

import numpy as np

from ..chain import has_nan
from ..fast import with_part
from ..primitives import getitem, is_basic, scatter
from ..program import Name
from ..rules.short_rows import counts, largest, least, short_axes
from ..scalars import ufunc_of, written
from ..silence import STATE, state_of
from ..tracer import name_of
from ..writing import put
from .code import Failing, Step, as_told, bytecode, is_compact, is_laid_out_in_c, names_in
from .passes import is_the_whole, makes_new, memory_of
from .scalars import OPERATIONS, finite
from .writes import is_written_out

HELD = 4096  # elements of an array of which the memory is worth a line
_TAKEN = re.compile(r"[vc]\d+")


class Missed(Exception):
    """A guard found that something is not as it was when the program was recorded."""


class Source:
    """The text of a program, and the ``namespace`` in which it runs; ``function`` is the program itself.

    ``rows`` are its lines, without those of np.errstate and ``del``: of each the text and the steps done there.
    """

    def __init__(self, code):
        self.code, self.namespace, self.count = code, {"Missed": Missed}, itertools.count()
        self.names, self.inline, self.whole, self.numbers, self.states = {}, {}, {}, {}, {}
        self.rows, self.without_line = [], {}
        self.uses = collections.Counter(names_in(code.outputs))
        for step in code.steps:
            for x in step.reads:  # as often as its text has them
                self.uses[x] += 2 if step.function in (np.square, has_nan) else 1
        self.last_uses = self._last_uses()
        self.makers = {name: step for step in code.steps for name in step.outputs}
        self.memory, self.kept = memory_of(code)
        self.text = self._write()
        exec(bytecode(self.text), self.namespace)
        self.function = self.namespace["program"]

    def _write(self):
        lines = []
        if any(step.function in OPERATIONS and self._is_float(step.outputs[0]) for step in self.code.steps):
            state, geterr = self._name(STATE, "errstate"), self._name(np.geterr)
            asked = f"{state}.get(None) is not None and {geterr}()['under'] != 'ignore'"  # None: as NumPy begins
            lines.append(f"    if {asked}: raise FloatingPointError")
        for errors, steps in itertools.groupby(self._dated(), key=lambda step: step.errors):
            indent = "    " if errors is None else "        "
            before, after = self._around(errors) if errors is not None else ([], [])
            lines += before
            for step in steps:
                lines += [indent + line for line in self._noted(step, list(self._lines(step)))]
                if step.outputs and (done := self.last_uses.get(step.outputs)):
                    lines.append(f"{indent}del {', '.join(map(repr, done))}")
            lines += after
        end = Step(None, self.code.outputs, {}, (), False, None)
        end, *_ = self._noted(end, [f"return [{', '.join(map(self._output, self.code.outputs))}]"])
        return "\n".join([f"def program({', '.join(map(repr, self.code.inputs))}):", *lines, f"    {end}"])

    def _noted(self, step, lines):
        """The lines of a step, noted in ``rows`` with all steps that are done there: those without a line as well."""
        names = dict.fromkeys(names_in(step.args)) if self.without_line else ()
        steps = [inner for x in names for inner in self.without_line.pop(x, ())]
        if lines:
            self.rows.append((lines, [*steps, step]))
        else:
            self.without_line[step.outputs[0]] = [*steps, step]
        return lines

    def _around(self, errors):
        """The lines before and after those under an np.errstate: what it sets, without its way there (2 µs)."""
        if not {mode for _, mode in errors} <= {"ignore", "warn", "raise"}:
            keywords = ", ".join(f"{k}={v!r}" for k, v in errors)
            return [f"    with {self._name(np.errstate, 'errstate')}({keywords}):"], []
        state, modes = self._name(STATE, "errstate"), {mode for _, mode in errors}
        name = f"all_{modes.pop()}" if len(modes) == 1 else "_".join(mode for _, mode in errors)
        return (
            [f"    outside = {state}.set({self._state(errors, name)})", "    try:"],
            ["    finally:", f"        {state}.reset(outside)"],
        )

    def _state(self, errors, name):
        """The name of the state, one for each ``errors``."""
        if errors not in self.states:
            self.states[errors] = state_of(errors)
        return self._name(self.states[errors], name)

    def _last_uses(self):
        """The large arrays that nobody needs any more after a step, by its outputs: their memory is given back."""
        last = {}
        if not any(value.is_array and value.size >= HELD for value in self.code.values):
            return last
        for step in self.code.steps:
            for x in (*step.outputs, *step.reads) if step.outputs else ():
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
            is_look = step.is_guard and type(step.function) is not Failing
            if is_look or (step.outputs and self._is_float(step.outputs[0])):
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
        computes = step.function in OPERATIONS or (step.function in ufunc_of and not step.several)
        is_number = step.function is np.float64 or (computes and self._is_float(step.outputs[0]))
        return is_number and self.uses[step.outputs[0]] == 1 and len(call) < 100

    def _fails(self, step):
        x, outcome = step.args
        if step.function is has_nan and (value := self.code.value(x)).kind in (float, np.float64):
            return f"{self._show(x)} != {self._show(x)}"
        if step.function is has_nan and value.is_array and value.dtype.kind == "f":
            shown = self._show(x) + ("" if is_laid_out_in_c(value) else ".T")  # so that columns are not copied, either
            product = f"{self._name(np.vdot, 'vdot')}({shown}, {shown})"
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
            return operator.format(*map(self._operand, args))
        if function in ufunc_of:
            return f"({written(function, map(self._show, args))})"
        if function is np.matmul and not kwargs and self._is_gemm(step):
            return f"{self._show(args[0])}.dot({self._show(args[1])})"
        if self.is_sum_of_two(step):
            return self._sum_of_two(args[0], kwargs.get("axis", *args[1:]))
        if function is np.sum and kwargs == {"keepdims": True} and self._counts(*args):
            return f"{self._name(counts)}({', '.join(map(self._show, args))})"
        if function in _REDUCTIONS and len(args) <= 3 and kwargs.keys() <= {"axis", "keepdims"} and first.is_array:
            return self._reduction(*_REDUCTIONS[function], *args, **kwargs)
        if (method := _METHODS.get(function)) and not kwargs and first.is_array and type(args[0]) is Name:
            return f"{self._show(args[0])}.{method}({', '.join(map(self._show, args[1:]))})"
        if function is np.matrix_transpose and len(first.shape) == 2 and first.is_array:
            return f"{self._show(args[0])}.T"
        if function in _ARITHMETIC and not kwargs.keys() - {"out"}:
            args = self._as_arrays(list(map(self._gathered, args)))
        if "out" in kwargs and function not in (np.minimum, np.maximum):  # which are to have it by name
            args, kwargs = (*args, kwargs["out"]), {}
        shown = [*map(self._show, args), *(f"{k}={self._show(v)}" for k, v in kwargs.items())]
        return f"{self._name(getattr(function, '__wrapped__', function))}({', '.join(shown)})"

    def _as_arrays(self, args):
        """With arrays of no dimension for constant numbers beside an array, which ufuncs take in half the time."""
        dtypes = {self.code.value(x).dtype for x in args if self.code.value(x).is_array}
        (dtype,) = dtypes if len(dtypes) == 1 else (None,)
        if dtype is None or dtype.char != "d":
            return args
        return [self._number(x) if type(x) in (int, float, np.float64) and abs(x) < 2**53 else x for x in args]

    def _gathered(self, x):
        """A constant without the gaps in memory that a part of an array has, in the same order, which decides there."""
        if type(x) is not np.ndarray or x.flags.forc or min(x.strides) <= 0:
            return x
        if id(x) not in self.whole:
            self.whole[id(x)] = x.copy("K")
        return self.whole[id(x)]

    def _number(self, x):
        key = float(x).hex()
        if key not in self.numbers:
            self.numbers[key] = np.array(float(x))
            self.numbers[key].flags.writeable = False
        return self.numbers[key]

    def _has_operator(self, step):
        """Whether the operator does what the ufunc does, and faster: of double precision, and not of arrays."""
        if self._is_float(step.outputs[0]):
            return True
        kinds = {self.code.value(x).kind for x in step.args}
        return np.float64 in kinds and kinds <= {np.float64, float}

    def _is_float(self, x):
        return self.code.value(x).kind is float

    def _is_gemm(self, step):
        """Whether a product is BLAS's of two whole matrices, which ``dot`` calls as matmul does, 0.6 µs sooner.

        It does not look for overflow, so that it stands where nobody would be warned.
        """
        values, errors = list(map(self.code.value, step.args)), dict(step.errors or ())
        if errors.get("over") != "ignore" or errors.get("invalid") != "ignore":
            return False
        if len({v.dtype for v in values}) > 1 or not all(v.is_array and v.dtype.char in "fdFD" for v in values):
            return False
        return all(len(v.shape) == 2 and min(v.shape) > 1 and v.strides in _strides(v) for v in values)

    def is_sum_of_two(self, step):
        """Whether a step adds up an axis of length two, which two additions do in a tenth of the time."""
        if step.function is not np.sum:
            return False
        kwargs = {k: x for k, x in step.kwargs.items() if k != "keepdims" or x is not False}
        axes = (*step.args[1:], *kwargs.values())
        if not kwargs.keys() <= {"axis"} or len(axes) != 1 or type(axes[0]) is not int:
            return False
        value = self.code.value(step.args[0])
        fits = value.is_array and value.dtype.char in "fd" and len(value.shape) > 1 and is_laid_out_in_c(value)
        return fits and type(step.args[0]) is Name and value.shape[axes[0]] == 2

    def _sum_of_two(self, a, axis):
        """That of two negative zeros is what NumPy says it is, so that it is added, too."""
        value, add = self.code.value(a), self._name(np.add)
        before = ":, " * (axis % len(value.shape))
        zero = self._show(self._number(_SUM_OF_ZEROS)) if value.dtype.char == "d" else repr(_SUM_OF_ZEROS)
        return f"{add}({add}({a!r}[{before}0], {a!r}[{before}1]), {zero})"

    def _counts(self, mask, axis=None, dtype=None):
        """Whether a sum of booleans with its axes kept is what ``counts`` does sooner."""
        mask = self.code.value(mask)
        if axis is None or dtype is None or mask.dtype != bool or np.dtype(dtype).kind != "f":
            return False
        return is_laid_out_in_c(mask) and short_axes(mask.shape, mask.size, axis) is not None

    def _reduction(self, reduce, name, a, axis=None, dtype=None, keepdims=None):
        value = self.code.value(a)
        is_plain = name in _OF_SHORT_ROWS and axis is not None and is_laid_out_in_c(value)
        if is_plain and short_axes(value.shape, value.size, axis):
            reduce, name = _OF_SHORT_ROWS[name]
        shown = [self._show(a), self._show(axis)]
        if dtype is not None or keepdims is not None:
            shown += [self._show(dtype), "None", self._show(bool(keepdims))]
        return f"{self._name(reduce, name)}({', '.join(shown)})"

    def _writes(self, step):
        """A copy and a write into it, written out: of arrays that lie in memory as new ones do."""
        (name,), (a, index, v) = step.outputs, step.args
        if is_written_out(step, self.code):
            yield f"{name!r} = {self._show(a)}{'' if step.kwargs else '.copy()'}"
            yield f"{name!r}[{self._index(index)}] {'+=' if step.function is with_part else '='} {self._show(v)}"
            return
        value, old = self.code.value(name), self.code.value(a)
        if step.function is not scatter or not value.is_array or not old.is_array or not is_laid_out_in_c(value):
            return
        if old.dtype == value.dtype and not names_in(index) and is_basic(index):
            yield f"{name!r} = {self._name(np.zeros, 'zeros')}({self._show(v)}, {self._name(value.dtype, 'c')})"
            yield f"{name!r}[{self._index(index)}] = {self._show(a)}"

    def _index(self, x):
        if type(x) is slice:
            parts = ["" if part is None else self._show(part) for part in (x.start, x.stop, x.step)]
            return ":".join(parts if parts[2] else parts[:2])
        if type(x) is tuple and x:
            return ", ".join(map(self._index, x)) + ("," if len(x) == 1 else "")
        return self._show(x)

    def _output(self, x):
        """An output: nobody else's memory, neither an argument's nor a constant's, nor that of another output."""
        return f"{self._show(x)}.copy('K')" if self.is_copied(x) else self._show(x)

    def is_copied(self, x):
        """Whether an output has to be copied so that it is nobody else's."""
        if not self.code.value(x).is_array:
            return False
        if type(x) is not Name or not is_the_whole(x, self.memory, self.code) or not is_compact(self.code.value(x)):
            return True
        whole = self.memory.get(x, x)
        if (maker := self.makers.get(whole)) is None or not makes_new(maker.function) or whole in self.kept:
            return True
        return [self.memory.get(y, y) for y in names_in(self.code.outputs)].count(whole) > 1

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
        if isinstance(x, tuple) and names_in(x):
            return f"{self._name(type(x))}({', '.join(map(self._show, x))})"
        return self._name(x, "c")

    def _operand(self, x):
        """An argument of an operator: a negative number in parentheses, as powers come before signs."""
        shown = self._show(x)
        return f"({shown})" if shown.startswith("-") else shown

    def _name(self, x, name=None):
        """The name under which the source finds ``x``: that of a function, or ``c0, c1, …`` for constants."""
        if id(x) not in self.names:
            if name == "c":
                self.names[id(x)] = f"c{next(self.count)}"
            else:
                name = name or name_of(x).rpartition(".")[2]
                name = name if name.isidentifier() and not _TAKEN.fullmatch(name) else "function"
                candidates = itertools.chain([name], (f"{name}_{k}" for k in itertools.count()))
                self.names[id(x)] = next(n for n in candidates if n not in self.namespace and n not in _RESERVED)
            self.namespace[self.names[id(x)]] = x
        return self.names[id(x)]


def _strides(matrix):
    """The strides of a matrix that lies in memory as rows or as columns, one after another."""
    (n, m), size = matrix.shape, matrix.dtype.itemsize
    return (m * size, size), (size, n * size)


_SUM_OF_ZEROS = float(np.sum(np.full((2, 2), -0.0), axis=1)[0])
_RESERVED = {*keyword.kwlist, "program", "slice", "sum", "outside"}
_ARITHMETIC = {
    np.add, np.subtract, np.multiply, np.divide, np.equal, np.not_equal, np.less, np.less_equal, np.greater,
    np.greater_equal, np.maximum, np.minimum,
}  # fmt: skip
_REDUCTIONS = {  # without the way that NumPy's functions take to them
    np.sum: (np.add.reduce, "add_reduce"),
    np.prod: (np.multiply.reduce, "multiply_reduce"),
    np.max: (np.maximum.reduce, "maximum_reduce"),
    np.min: (np.minimum.reduce, "minimum_reduce"),
}
_OF_SHORT_ROWS = {  # where they are sooner
    "maximum_reduce": (largest, "maximum_of_short_rows"),
    "minimum_reduce": (least, "minimum_of_short_rows"),
}
_METHODS = {np.reshape: "reshape", np.transpose: "transpose", np.swapaxes: "swapaxes", np.squeeze: "squeeze"}
