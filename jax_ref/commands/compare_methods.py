"""One function, several methods: how exact each is, and what it costs in evaluations and in time."""

import ast
import builtins
import itertools
import re
import time
from typing import NamedTuple

import numpy as np

import jax_ref
import scratch_ad

from ..cases.names import named
from ..sweep.sweep import Unit

EXACT = 1e-9  # what our modes may differ from JAX, relative to the largest derivative
TIMED = 0.2  # seconds that each is called again and again


class Question(NamedTuple):
    """A function and its arguments, and what they are in words."""

    text: str
    function: object
    arguments: tuple


class Row(NamedTuple):
    """What came of one method. ``evaluations``: None where it computes with no numbers; ``problem``: why it failed."""

    method: str
    error: float | None = None
    evaluations: int | None = None
    seconds: float | None = None
    problem: str = ""
    wrong: bool = False


def question(what, size=8, seed=0):
    """A function of the catalogue at its first case, or an expression in NumPy calls of arrays of this size.

    Raises ValueError for what is neither.
    """
    if not what.strip() or re.fullmatch(r"[\w.]+", what):
        return _of_catalogue(what)
    try:
        nodes = [*ast.walk(ast.parse(what, mode="eval"))]
    except SyntaxError as error:
        raise ValueError(f"{what} is no function of the catalogue and no expression: {error}.") from None
    loaded = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    variables = sorted(loaded - bound - called - {"np", *dir(builtins)})
    if not variables:
        raise ValueError(f"{what} has no variable, such as a in np.sin(a).")
    rng = np.random.default_rng(seed)
    function = eval(f"lambda {', '.join(variables)}: {what}", {"np": np})
    of_size = f"{', '.join(variables)} of {size} number{'s' if size > 1 else ''} from 0.5 to 2"
    return Question(f"{what}  [{of_size}]", function, tuple(rng.uniform(0.5, 2.0, size) for _ in variables))


def _of_catalogue(word):
    found = sorted(named([word]))
    if len(found) > 1:
        raise ValueError(f"{word} means {len(found)} functions: {', '.join(found)}. Give one.")
    units = [Unit(found[0], dtype) for dtype in ("float64", "complex128")]
    unit = next(unit for unit in units if unit.cases())
    case = unit.cases()[0]
    return Question(f"{unit.name}: {case}", case.function_in(), case.draw(unit.dtype))


def of_reals(question):
    """The function as one of real vectors, the arguments and the results joined; and the arguments as such a vector.

    A complex array is its real parts, then its imaginary ones.
    """
    ends = np.cumsum([0, *(part.size for a in question.arguments for part in _parts(a))])

    def f(x):
        pieces = iter([x[i:j] for i, j in itertools.pairwise(ends)])
        arguments = []
        for a in question.arguments:
            parts = [np.reshape(next(pieces), a.shape) for _ in _parts(a)]
            arguments.append(parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1])
        out = question.function(*arguments)
        out = out if isinstance(out, (tuple, list)) else (out,)
        return np.concatenate([part for y in out for part in _parts(y)])

    return f, np.concatenate([part for a in question.arguments for part in _parts(a)])


def _parts(x):
    return [np.ravel(part) for part in ((np.real(x), np.imag(x)) if np.iscomplexobj(x) else (x,))]


def _numerical(scheme):
    return lambda f: lambda x: scratch_ad.numerical_jacobian(x, f, scheme=scheme)


METHODS = {  # name → (transformation, whether each call of f is an evaluation in numbers)
    "forward mode": (scratch_ad.jacfwd, True),
    "reverse mode": (scratch_ad.jacrev, True),
    "reverse mode, by XLA": (lambda f: jax_ref.jit(scratch_ad.jacrev(f)), False),
    "JAX, forward": (lambda f: jax_ref.jit(jax_ref.jacfwd(f)), False),
    "JAX, reverse": (lambda f: jax_ref.jit(jax_ref.jacrev(f)), False),
    "numerical, forward": (_numerical("forward"), True),
    "numerical, central": (_numerical("central"), True),
}
OURS = ("forward mode", "reverse mode")


def compare(question):
    """Jacobians by all methods: the counts of inputs and outputs, the seconds of one evaluation, and the rows.

    Raises ValueError for a function that gives no real or complex numbers, or that JAX does not differentiate.
    """
    calls = 0
    joined, point = of_reals(question)

    def f(x):
        nonlocal calls
        calls += 1
        return joined(x)

    with np.errstate(all="ignore"):
        expected = _expected(question.text, f, point)
        once, rows = _seconds(f, point), []
        scale = np.max(np.abs(expected), initial=0.0) or 1.0
        for name, (transform, counted) in METHODS.items():
            try:
                jacobian = transform(f)
                calls = 0
                error = float(np.max(np.abs(jacobian(point) - expected), initial=0.0) / scale)
                evaluations, wrong = calls if counted else None, name in OURS and not error < EXACT
                rows.append(Row(name, error, evaluations, _seconds(jacobian, point), wrong=wrong))
            except Exception as problem:
                wrong = name in OURS and not isinstance(problem, NotImplementedError)
                rows.append(Row(name, problem=f"{type(problem).__name__}: {problem}", wrong=wrong))
    return expected.shape[::-1], once, rows


def _expected(text, f, point):
    """JAX's Jacobian."""
    try:
        out = f(point)
    except Exception as error:
        raise ValueError(f"{text} fails: {error}. A function is written np.tanh(a), a variable a.") from error
    if out.dtype.kind != "f":
        raise ValueError(f"{text} gives {out.dtype}, which has no derivative.")
    try:
        expected = np.asarray(jax_ref.jacrev(f)(point))
    except Exception as error:
        raise ValueError(f"{text}: JAX, the reference, does not differentiate it: {error}") from error
    if not np.isfinite(expected).all():
        raise ValueError(f"{text}: JAX's derivative there is infinite or nan: there is nothing to compare with.")
    return expected


def _seconds(function, *args):
    """The shortest of several calls after a first one."""
    times, until = [], time.perf_counter() + TIMED
    function(*args)
    while len(times) < 3 or time.perf_counter() < until:
        start = time.perf_counter()
        function(*args)
        times.append(time.perf_counter() - start)
    return min(times)


def show(rows, once):
    """Print the rows as a table, and below it what failed."""
    from rich.console import Console
    from rich.table import Table

    table = Table("method", box=None, pad_edge=False)
    for heading in ("error against JAX", "evaluations", "time ÷ one"):
        table.add_column(heading, justify="right")
    for row in rows:
        if row.problem:
            table.add_row(row.method, "failed", "-", "-")
        else:
            error = f"{row.error:.1e}" if row.error else "0"
            evaluations = "-" if row.evaluations is None else str(row.evaluations)
            table.add_row(row.method, error, evaluations, f"{row.seconds / once:.3g}")
    Console(highlight=False).print(table)
    print("error: relative to the largest derivative; time: in evaluations of the function")
    print("evaluations -: compiled, so that the function is not called with numbers")
    for row in rows:
        if row.problem:
            print(f"{row.method} failed: {row.problem}")
