"""Random programs that write into arrays: they mean under differentiation what they mean without.

A program is text, drawn statement by statement; what NumPy itself refuses is left out. Value, dtype and shape of all
its arrays must be bit for bit those of the plain run, and the derivatives those of central differences.
To run more of them: python tests/test_random_writes.py COUNT [SEED].
"""

import collections
import sys
import textwrap
import warnings

import numpy as np
import pytest

from jax_ref.fuzz.statements import FUNCTIONS, NEW, VIEWS, WRITES
from scratch_ad import grad, jvp, record, vjp

SHAPES = [(2, 3), (4,)]


class Box:
    pass


class Draw:
    """Draws a program statement by statement, running it along in plain NumPy."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.arguments = [self.rng.normal(size=shape) for shape in SHAPES]
        if self.rng.random() < 0.25:
            self.arguments[0] = np.asfortranarray(self.arguments[0])
        if self.rng.random() < 0.25:
            self.arguments[0] = np.repeat(self.arguments[0], 2, 1)[:, ::2]
        self.lines, self.names = [], ["x", "y"]
        while len(self.lines) < self.rng.integers(5, 12):
            self.draw()

    def one(self, choices):
        return choices[self.rng.integers(len(choices))]

    def axis(self, n):
        """An index of one axis."""
        ints = lambda: str(int(self.rng.integers(-n, n)) if n else 0)
        kinds = [
            ints,
            lambda: self.one([":", "1:", ":2", "::2", "::-1", ":-1"]),
            lambda: f"[{ints()}, {ints()}, {ints()}]",
        ]
        return self.one([kinds[0], kinds[1], kinds[1], kinds[2]])()

    def index(self, array, name):
        if self.rng.random() < 0.1:
            return f"{name} > {self.number()}"
        entries = [
            self.axis(n) for n in np.shape(array)[: self.rng.integers(1, np.ndim(array) + 1) if np.ndim(array) else 0]
        ]
        if self.rng.random() < 0.15:
            entries.insert(self.rng.integers(len(entries) + 1), self.one(["None", "..."]))
        return ", ".join(entries) or "..."

    def number(self):
        return str(round(float(self.rng.normal()), 2))

    def value(self):
        name = self.one(self.names)
        array = self.state[name]
        part = f"{name}[{self.index(array, name)}]"
        applied = f"{self.one(FUNCTIONS)}({name})"
        return self.one(
            [
                self.number(),
                name,
                applied,
                part,
                f"np.sin({part})",
                "y[0] * y[1]",
                "[x[0, 0], 1.0, y[2]]",
                f"{name}[::-1]",
                f"{name}.T",
                "x[0] @ x[1]",
                "np.float32(0.5)",
                "(y[1], 2.0)",
                "1",
            ]
        )

    def draw(self):
        if not self.lines:
            self.state = self.run()
        a, b = self.one(self.names), self.one(self.names)
        kind = self.rng.random()
        new = f"a{len(self.names)}" if kind < 0.5 else None
        template = self.one(VIEWS if kind < 0.3 else NEW if kind < 0.5 else WRITES)
        index = self.index(self.state[a], a)
        if ".at(" in template:
            index = f"np.s_[{index}]"
        line = template.format(
            a=a, b=b, c=self.number(), f=self.one(FUNCTIONS), i=index, k=self.axis(max(np.size(self.state[a]), 1)),
            o=self.one("+-*/"), v=self.value(),
        )  # fmt: skip
        self.lines.append(f"{new} = {line}" if new else line)
        names = self.names + [new] * bool(new)
        try:
            state = self.run()
            if not all(self.fits(state[name]) for name in names):
                raise ValueError
        except (ValueError, TypeError, IndexError, AttributeError, np.exceptions.ComplexWarning, RuntimeWarning):
            self.lines.pop()
            return
        self.names, self.state = names, state

    @staticmethod
    def fits(array):
        return np.size(array) < 40 and np.all(np.abs(array) < 50) and np.asarray(array).dtype.kind in "fc"

    def source(self, dtype="float32"):
        lines = [*self.lines, f"return [{', '.join(self.names)}]"]
        return "def program(x, y):\n" + textwrap.indent("\n".join(lines), "    ").replace("float32", dtype)

    def function(self, dtype="float32"):
        space = {"np": np, "box": Box()}
        exec(self.source(dtype), space)
        return space["program"]

    def run(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            results = self.function()(*map(same_layout, self.arguments))
        return dict(zip([*self.names, f"a{len(self.names)}"], results)) | self.last()

    def last(self):
        """The array that the last statement makes, which ``names`` does not hold yet."""
        if not self.lines or not self.lines[-1].startswith(f"a{len(self.names)} = "):
            return {}
        names, self.names = self.names, [*self.names, f"a{len(self.names)}"]
        try:
            return {self.names[-1]: self.function()(*map(same_layout, self.arguments))[-1]}
        finally:
            self.names = names


def same_layout(a):
    return a.copy(order="K") if a.flags.forc else np.repeat(a, 2, 1)[:, ::2]


def total(arrays):
    """One number that depends on each element in a way of its own."""
    result = 0.0
    for k, array in enumerate(arrays):
        for part in (array.real, array.imag) if array.dtype.kind == "c" else (array,):
            weights = np.cos(1.0 + k + np.arange(float(part.size))).reshape(part.shape)
            result = result + np.sum(weights * part) + 0.1 * np.sum(weights * part * part)
    return result


def slope(f, arguments, directions, step):
    moved = [tuple(map(same_layout, arguments)) for _ in range(2)]
    for sign, there in zip((1, -1), moved):
        for a, d in zip(there, directions):
            a += sign * step * d
    ahead, behind = (f(*there) for there in moved)
    return (ahead - behind) / (2 * step)


def faults(draw):
    """What is wrong with a program under differentiation, as a list of sentences."""
    program, given = draw.function(), lambda: tuple(map(same_layout, draw.arguments))
    expected, found = program(*given()), []
    rng = np.random.default_rng(1)
    directions = tuple(rng.normal(size=a.shape) for a in draw.arguments)

    def same(what, results):
        for name, mine, numpys in zip(draw.names, results, expected, strict=True):
            mine, numpys = np.asarray(mine), np.asarray(numpys)
            if mine.dtype != numpys.dtype or mine.shape != numpys.shape or not np.array_equal(mine, numpys):
                found.append(f"{what}: {name} is {mine!r}, in NumPy {numpys!r}")
                return

    def near(what, mine, true, slack, doubt=0.0):
        if not abs(mine - true) <= slack * (1 + abs(true)) + 10 * doubt:
            found.append(f"{what}: {mine}, true {true}")

    before = given()
    arguments = given()
    out, _ = vjp(program, *arguments)
    same("value in reverse mode", out)
    same("value in forward mode", jvp(program, arguments, directions)[0])
    recording = record(program, *arguments)
    same("replay", recording(*given()))
    if not all(np.array_equal(a, b) for a, b in zip(arguments, before)):
        found.append("an argument of the caller's was changed")
    single = "float32" in draw.source()
    if single and "copy=False" in draw.source():
        return found  # in float64, below, that is no copy
    f = lambda x, y: total(draw.function("float64")(x, y))
    smooth = [slope(f, given(), directions, h) for h in (1e-5, 2e-5)]
    if abs(smooth[0] - smooth[1]) > 1e-5 * (1 + abs(smooth[0])):
        return found  # a kink or a step is too near
    mine = lambda x, y: total(program(x, y))
    slack, doubt = 1e-2 if single else 1e-6, abs(smooth[0] - smooth[1])
    near("forward", jvp(mine, arguments, directions)[1], smooth[0], slack, doubt)
    gradient = grad(mine, (0, 1))
    along = lambda g: sum(np.sum(a * b) for a, b in zip(g, directions))
    near("reverse", along(gradient(*arguments)), smooth[0], slack, doubt)
    if single:
        return found
    second = [slope(lambda x, y: along(gradient(x, y)), given(), directions, h) for h in (1e-5, 2e-5)]
    if abs(second[0] - second[1]) <= 1e-4 * (1 + abs(second[0])):
        near("forward over reverse", jvp(lambda *a: along(gradient(*a)), arguments, directions)[1], second[0], 1e-4)
        near("reverse over reverse", along(grad(lambda *a: along(gradient(*a)), (0, 1))(*arguments)), second[0], 1e-4)
        along_forward = lambda *a: jvp(mine, a, directions)[1]
        near("forward over forward", jvp(along_forward, arguments, directions)[1], second[0], 1e-4)
    replay = record(gradient, *arguments)
    near("record(grad(f))", along(replay(*given())), along(gradient(*arguments)), 1e-12)
    return found


REFUSALS = ()  # words of the refusals that the documentation lists


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(20))
def test_random_programs_that_write(seed):
    for k in range(10):
        draw = Draw([seed, k])
        assert not faults(draw), draw.source()


def main(count, seed=0):
    warnings.simplefilter("ignore")
    outcomes, shown = collections.Counter(), collections.Counter()
    for k in range(count):
        draw = Draw([seed, k])
        try:
            wrong = faults(draw)
        except Exception as error:
            wrong, key = [f"{type(error).__name__}: {error}"], f"{type(error).__name__}: {str(error)[:60]}"
            outcomes["refused" if isinstance(error, (TypeError, NotImplementedError)) else "raised"] += 1
        else:
            key = "".join(wrong)[:30]
            outcomes["wrong" if wrong else "right"] += 1
        if wrong:
            shown[key] += 1
            if shown[key] <= 2:
                print(f"--- {k}", *wrong, draw.source(), sep="\n")
    print(dict(outcomes))
    for key, n in shown.most_common(20):
        print(n, key)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
