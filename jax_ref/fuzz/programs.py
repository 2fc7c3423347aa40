"""Programs: text and arguments, drawn line by line beside the plain run, and made smaller.

A program is all that ``pick(n)``, a number below n, chooses. What NumPy refuses, warns of or makes too large is left
out. It returns all arrays that its lines have made or may have changed.
"""

import functools
import re
import textwrap
import types
import warnings
from typing import NamedTuple

import numpy as np
import optree

from scratch_ad import scipy

from ..cases.linalg import NAMES
from ..cases.scipy_linalg import NAMES as MORE_NAMES
from ..engines.ready import OURS
from ..measure.values import lent, nearly
from . import statements

_STEADY = 1e3  # how many times further apart results of linear algebra may be than its matrices
LINES, LARGEST, MOST = 8, 50, 60  # of a program: how many lines; of an array: how large its numbers, and how many
MAKERS = NAMES | MORE_NAMES  # functions of the catalogue's expressions, each made for a namespace
_COMMON = (*("call",) * 9, *("operator",) * 3, "container", "block")
_IN_PLACE = ("view", "view", "view", "write", "write", "write", "new", "layout")
TABLES = {
    "operator": statements.OPERATORS,
    "container": statements.CONTAINERS,
    "block": statements.BLOCKS,
    "complex": statements.COMPLEX,
    "fwd": statements.FORWARD,
    "rev": statements.REVERSE,
    "view": statements.VIEWS,
    "new": statements.NEW,
    "layout": statements.LAYOUTS,
    "write": statements.WRITES,
}


class Line(NamedTuple):
    """One statement, what it is made of, and the arrays that it makes, with their values there."""

    code: str
    origin: str
    made: dict


class Program(NamedTuple):
    """Lines of Python and arguments by name.

    ``order``: that of the derivatives that exist. ``inner``: the mode that is differentiated once more, if one is.
    """

    arguments: dict
    lines: tuple
    order: int = 2
    inner: str = "rev"

    @property
    def writes(self):
        """Whether a line may write into arrays, and so into arguments."""
        return any(not line.made for line in self.lines)

    @property
    def results(self):
        """The names of what it returns."""
        given = self.arguments if self.writes else ()
        return [*dict.fromkeys([*given, *(name for line in self.lines for name in line.made)])]

    @property
    def source(self):
        body = "\n".join([*(line.code for line in self.lines), f"return [{', '.join(self.results)}]"])
        return f"def program({', '.join(self.arguments)}):\n{textwrap.indent(body, '    ')}\n"

    def function(self, engine=OURS, namespace=np):
        """The program as a function of its arguments, in calls of ``namespace``; ``engine`` has what it nests."""
        space = _space(engine, namespace)
        exec(_compiled(self.source), space)
        return space["program"]

    def first(self, count):
        """The program of its first lines alone."""
        return self._replace(lines=self.lines[:count])

    def reduced(self, choices, engine=OURS):
        """The program with each line dropped, made an argument or kept; without what then cannot run."""
        drawing = _Drawing(None, engine, self.arguments)
        for line, choice in zip(self.lines, choices, strict=True):
            if choice == "keep":
                drawing.take(line.code, line.origin, [*line.made])
            elif choice == "given":
                drawing.give(line.made)
        found = self._replace(arguments=drawing.arguments, lines=(*drawing.lines,))
        names = set(re.findall(r"\w+", "\n".join(line.code for line in found.lines)))
        return found._replace(arguments={name: x for name, x in found.arguments.items() if name in names})


@functools.lru_cache(1000)
def _compiled(source):
    return compile(source, "<program>", "exec")


def _space(engine, namespace):
    def pulled(f, x):
        out, pullback = engine.vjp(f, x)
        return pullback(out)[0]

    def pushed(f, x):
        return engine.jvp(f, (x,), (x,))[1]

    known = scipy if namespace is np else getattr(namespace, "scipy", None)
    makers = {name: make(namespace) for name, make in MAKERS.items()}
    return {
        "np": namespace,
        "scipy": known,
        "box": types.SimpleNamespace(),
        **makers,
        "pulled": pulled,
        "pushed": pushed,
    }


# Drawing


def drawn(pick, engine=OURS, left_out=()):
    """A ``Program`` for an engine, without lines of what is ``left_out``."""
    drawing = _Drawing(pick, engine, {}, left_out)
    for _ in range(1 + pick(2)):
        drawing.argument(statements.SHAPES[pick(len(statements.SHAPES))])
    kinds = kinds_of(engine)[pick(3)]
    for _ in range(2 * LINES):
        if len(drawing.lines) < 1 + LINES // 2 + pick(LINES // 2):
            drawing.line(kinds[pick(len(kinds))])
    modes = *engine.modes(), ""
    return Program(drawing.arguments, (*drawing.lines,), drawing.order, modes[pick(len(modes))])


@functools.cache
def kinds_of(engine):
    """Three tables of the kinds of lines for an engine: half of its programs write where it can."""
    nested = tuple(mode for mode in engine.modes() if engine.order > 1)
    common = _COMMON + nested + ("complex",) * can(engine, "n = x * 1j")
    if engine.namespace is not np or not can(engine, "n = x * x\nn[0] = y[0]\nnp.add(n, y, out=n)"):
        return common, common, common
    return common, common + _IN_PLACE, (*_IN_PLACE, "operator")


@functools.cache
def can(engine, code):
    """Whether an engine differentiates what makes ``n`` of ``x`` and ``y``, and means by it what NumPy means."""
    arguments = {"x": np.linspace(0.5, 1.5, 3), "y": np.linspace(2.0, 1.0, 3)}
    return _runs(engine, Program(arguments, (Line(code, "", {"n": None}),)))


def can_fill(engine, template):
    """The same of a template; engines that run NumPy itself take any."""
    writes = template in statements.WRITES
    blanks = {"c": "0.5", "i": "0", "k": "0", "e": "z * z", "v": "y[0]", "o": "+", "f": "np.sin"}
    code = statement(template, n="n", a="n" if writes else "x", b="y", **blanks)
    return engine.exact or can(engine, f"n = x * x\n{code}" if writes else code)


@functools.cache
def formulas_of(engine):
    """The formulas that can be nested."""
    return [f for f in statements.FORMULAS if can(engine, f"n = (lambda z: {f.format(b='y')})(x)")]


@functools.cache
def can_call(engine, function, number):
    """The same of a case of the catalogue; engines that run NumPy itself take any."""
    case = statements.calls()[function][number]
    dtype = "float64" if "float64" in case.dtypes else "complex128"
    names = {name: f"x{k}" for k, name in enumerate(case.arguments)}
    arguments = dict(zip(names.values(), case.draw(dtype), strict=True))
    code = f"n = {statements.renamed(case.expression, names)}"
    return engine.exact or _runs(engine, Program(arguments, (Line(code, "", {"n": None}),)))


def statement(template, **blanks):
    """The text of a line."""
    makes = "{n}" in template or template in statements.WRITES
    return template.format(**blanks) if makes else f"{blanks['n']} = {template.format(**blanks)}"


def _runs(engine, program):
    try:
        with np.errstate(all="ignore"):
            given = (*program.arguments.values(),)
            plain = program.function(engine)(*lent(given))
            f, found = program.function(engine, engine.namespace), []
            if engine.jvp:
                found.append(engine.jvp(f, given, given)[0])
            if engine.vjp:
                out, pullback = engine.vjp(f, *given)
                pullback(plain)
                found.append(out)
        return all(nearly(out, plain) for out in found)
    except Exception:
        return False


class _Drawing:
    """A program on its way, and the arrays of its plain run."""

    def __init__(self, pick, engine, arguments, left_out=()):
        self.pick, self.engine, self.left_out = pick, engine, left_out
        self.arguments, self.lines, self.order, self.count = dict(arguments), [], 2, 0
        self.seen = [*arguments]
        self.dtype = "float64" if pick is None or pick(4) else ("complex128", "float32")[pick(2)]
        self.space = self.state = None
        self.again()

    def again(self):
        """Run all lines anew."""
        self.space = _space(self.engine, np)
        self.space.update({name: lent(x) for name, x in self.arguments.items()})
        for line in self.lines:
            exec(_compiled(line.code), self.space)

    def one(self, choices):
        return choices[self.pick(len(choices))]

    def names(self):
        return [*self.arguments, *dict.fromkeys(name for line in self.lines for name in line.made)]

    def array(self, template=""):
        """The name of an array, for a write one that takes it; the newest are the most likely ones."""
        names = self.names()
        if template in statements.WRITES:
            names = [name for name in names if _is_to_write(self.space[name])] or names
        return names[-1 - min(self.pick(len(names)), self.pick(len(names)))]

    def give(self, values):
        self.arguments.update(values)
        self.space.update({name: lent(x) for name, x in values.items()})

    def argument(self, shape, low=-2.0, high=2.0, either_sign=False, dtype=None):
        """The name of a new argument."""
        rng, name = np.random.default_rng(self.pick(2**32)), f"x{len(self.arguments)}"
        count, dtype = int(np.prod(shape)), dtype or self.dtype
        share = (rng.permutation(count) + rng.uniform(0.1, 0.9, count)) / count  # no ties, nor any nearly
        x = low + (high - low) * share.reshape(shape)
        if either_sign:
            x = x * rng.choice([-1, 1], shape)
        if np.dtype(dtype).kind == "c":
            x = x + 1j * rng.uniform(-1, 1, shape)
        self.give({name: np.asarray(np.round(x, 3), dtype)[()]})
        return name

    # lines

    def line(self, kind):
        """Add a line of this kind, if what is drawn can be run."""
        before = dict(self.arguments)
        new = f"v{self.count}"
        if kind == "call":
            function = self.pick(len(statements.calls()))
            number = self.pick(len(statements.calls()[function]))
            case = statements.calls()[function][number]
            origin, order = case.expression, case.orders
            if origin in self.left_out or not can_call(self.engine, function, number):
                return
            code = f"{new} = {self.call(case)}"
            steep = "linalg" in str(getattr(case.function, "__module__", ""))
        else:
            origin, order = self.one(TABLES[kind]), 1 if kind in ("fwd", "rev") else 2
            if origin in self.left_out or not can_fill(self.engine, origin):
                return
            if ".at(" in origin and not any(_is_to_write(self.space[name]) for name in self.names()):
                return  # NumPy's ufunc.at writes into what is read-only as well, or shown repeatedly
            code = self.filled(origin, new)
            steep = "**=" in origin
        if steep and not self.is_steady(code, code.partition(" ")[0]):
            self.arguments = before
            return
        made = [] if kind == "write" else [new]
        if self.take(code, origin, made):
            self.count += 1
            self.order = min(order, self.order)
        else:
            self.arguments = before

    def is_steady(self, code, result):
        """Whether a line makes nearly the same of nearly the same arrays, and of two steps what both make.

        At degenerate matrices it does not: its result jumps there, or has a slope along each way that is no sum. Nor
        does a root at 0, whose slope is infinite: times a change of 0 that is nan, whatever the program's may be.
        """
        rng, arrays = np.random.default_rng(0), sorted({*re.findall(r"\b[xv]\d\w*", code)} & self.space.keys())
        step = max(float(np.sqrt(np.finfo(self.space[name].dtype).eps)) / 10 for name in arrays)
        first, second = ({name: step * rng.normal(size=self.space[name].shape) for name in arrays} for _ in range(2))
        back, both = ({name: first[name] * a + second[name] * b for name in arrays} for a, b in ((-1, 0), (1, 1)))
        made = []
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for taken in ({}, first, back, second, both):
                    space = dict(self.space) | {
                        x: (self.space[x] + taken.get(x, 0)).astype(self.space[x].dtype) for x in arrays
                    }
                    exec(_compiled(code), space)
                    made.append(optree.tree_leaves(space[result]))
        except Exception:  # which ``take`` will meet as well, or is met beside the point alone
            return False
        return all(_is_smooth(step, *of) for of in zip(*made, strict=True))

    def take(self, code, origin, made):
        """Add a line that can be run, and return whether it can."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                exec(_compiled(code), self.space)
            if made and isinstance(self.space[made[0]], (tuple, list)):
                code, made = self.unpacked(code, made[0])
            names = made or self.names()
            if (made == [] and not self.names()) or not all(fits(self.space[name]) for name in names):
                raise ValueError
        except Exception:  # whatever NumPy raises of what was drawn
            self.again()
            return False
        self.lines.append(Line(code, origin, {name: np.array(self.space[name])[()] for name in made}))
        return True

    def unpacked(self, code, name):
        """The line that makes several results, those apart that are real or complex."""
        parts = self.space[name]
        made = {f"{name}_{k}": part for k, part in enumerate(parts) if fits(part)}
        self.space.update(made)
        if not made:
            raise ValueError(f"nothing of {code} is real or complex")
        targets = ", ".join(f"{name}_{k}" if fits(part) else "_" for k, part in enumerate(parts))
        return f"{targets}{',' * (len(parts) == 1)} = {code.partition(' = ')[2]}", [*made]

    def call(self, case):
        """The expression of a case, of arrays that are there or of new arguments."""
        names = {name: self.fitting(case, a) for name, a in case.arguments.items()}
        return statements.renamed(case.expression, names)

    def fitting(self, case, argument):
        fine = [name for name in self.names() if _serves(self.space[name], argument, case.dtypes)]
        alike = [name for name in fine if np.shape(self.space[name]) == argument.shape]
        of_any_shape = not self.pick(4) and case.function not in statements.OF_OWN_SHAPES
        if choices := fine if of_any_shape else alike:
            return choices[-1 - min(self.pick(len(choices)), self.pick(len(choices)))]
        real = [name for name in self.names() if np.shape(self.space[name]) == argument.shape]
        real = [name for name in real if np.result_type(self.space[name]) == np.float64]
        if real and "float64" in case.dtypes and self.pick(3) and can(self.engine, "np.sin({a})"):
            middle, half = (argument.low + argument.high) / 2, (argument.high - argument.low) / 2
            return f"{middle:g} + {half:g} * np.sin({self.one(real)})"
        dtype = next(d for d in (self.dtype, "float64", "complex128") if d in case.dtypes)
        return self.argument(argument.shape, argument.low, argument.high, argument.either_sign, dtype)

    def filled(self, template, new):
        a, b = self.array(template), self.array()
        index, value = self.index(a), ""
        if ".at({a}, {i}" in template:
            index = f"np.s_[{index}]"
        if "{v}" in template:
            value = self.value()
        formula = self.one(formulas_of(self.engine)).format(b=self.array()) if "{e}" in template else ""
        size = max(np.size(self.space[a]), 1)
        said = {
            "e": formula,
            "v": value,
            "o": self.one("+-*/"),
            "f": self.one(statements.FUNCTIONS),
            "k": self.axis(size),
        }
        return statement(template, n=new, a=a, b=b, c=self.number(), i=index, **said)

    def value(self):
        """Something to be written."""
        a, function = self.array(), self.one(statements.FUNCTIONS)
        return self.one(statements.VALUES).format(a=a, b=self.array(), c=self.number(), f=function, i=self.index(a))

    def number(self):
        return str((self.pick(400) - 200) / 100)

    def axis(self, n):
        """An index of one axis."""
        place = lambda: str(self.pick(2 * n) - n if n else 0)
        kind = self.pick(4)
        if self.engine.namespace is not np or kind == 0:
            return place()
        slices = (":", "1:", ":2", "::2", "::-1", ":-1")
        return f"[{place()}, {place()}, {place()}]" if kind == 1 else self.one(slices)

    def index(self, name):
        array = self.space[name]
        if self.engine.namespace is np and not self.pick(10):
            return f"{name} > {self.number()}"
        entries = [self.axis(n) for n in np.shape(array)[: self.pick(np.ndim(array)) + 1 if np.ndim(array) else 0]]
        if not self.pick(6):
            entries.insert(self.pick(len(entries) + 1), self.one(("None", "...")))
        return ", ".join(entries) or "..."


def _is_to_write(x):
    """Whether NumPy lets write into an array that shows no number twice, as those of ``broadcast_arrays`` do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a later NumPy, in which those are read-only
        return x.flags.writeable and all(n < 2 or step for n, step in zip(x.shape, x.strides))


def _is_smooth(step, there, *moved):
    """Whether results differ little after a step, the step back, another one and both, and differ as a slope has it."""
    if any(np.shape(x) != np.shape(there) or not np.allclose(there, x, 0, _STEADY * step) for x in moved):
        return False
    first, back, second, both = (np.subtract(x, there, dtype=complex) for x in moved)
    return np.allclose(first, -back, 0, step / 10) and np.allclose(first + second, both, 0, step / 10)


def fits(x):
    """Whether it is a real or complex array that a program may hold."""
    if not isinstance(x, (np.ndarray, np.generic)) or x.dtype.name not in (
        "float32",
        "float64",
        "complex64",
        "complex128",
    ):
        return False
    return x.size <= MOST and bool(np.all(np.abs(x) < LARGEST))


def _serves(x, argument, dtypes):
    """Whether an array may stand for an argument of the catalogue."""
    if x.dtype.name not in dtypes or not x.size:
        return False
    real = np.abs(x.real) if argument.either_sign else x.real
    return bool(np.all((real >= argument.low) & (real <= argument.high) & (np.abs(x.imag) <= 1)))
