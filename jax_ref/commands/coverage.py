"""What can be differentiated: every function that takes arrays, beside what JAX and other engines can.

Nothing is listed here. The names come from the modules themselves, our answers from the registry of rules, and the
other engines' from asking each for the derivative of a function's first case.
"""

import functools
import importlib
import inspect
import warnings
from collections import Counter
from typing import NamedTuple

import jax
import numpy as np

from scratch_ad import array, primitives
from scratch_ad.cells import Cell
from scratch_ad.registry import rule_of
from scratch_ad.rule import Constant, Refused
from scratch_ad.writing import put

from .. import lift
from ..cases import catalogue
from ..engines.ready import Engine, engine

STATUSES = ("rule", "constant", "refused", "plain")
PLAIN = "it never asks tracers: it takes no array, or is written in calls that they answer or refuse"
# Where functions come from
MODULES = ("numpy", "numpy.linalg", "numpy.fft", "numpy.lib.stride_tricks")
SCIPY = ("scipy.special", "scipy.linalg", "scipy.fft", "scipy.signal", "scipy.stats", "scipy.optimize")
SCIPY += ("scipy.integrate", "scipy.interpolate", "scipy.ndimage", "scipy.spatial.distance")
SCIPY += ("scipy.sparse", "scipy.sparse.linalg")
PEERS = ("autograd", "mygrad")
OF_DISTRIBUTIONS = ("pdf", "logpdf", "pmf", "logpmf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")


class Entry(NamedTuple):
    """One function: our answer (of ``STATUSES``), the reason where it has none, and the engines that have one."""

    module: str
    name: str
    status: str
    reason: str = ""
    engines: frozenset = frozenset()


def entries(modules=()):
    """An ``Entry`` for each public function, ufunc method, array method and operator, of these modules or of all.

    Of functions with a rule that have a case in the catalogue, also JAX and the installed ones of ``PEERS`` are asked.
    Raises ValueError for an unknown module.
    """
    every = dict.fromkeys(MODULES, _functions) | {"numpy.ndarray": _methods, "operator": _operators}
    every |= dict.fromkeys(SCIPY, _of_scipy)
    if unknown := set(modules) - every.keys():
        raise ValueError(f"no module {', '.join(sorted(unknown))}: take {', '.join(every)}.")
    engines = [_jax(), *_installed()]
    for module in modules or every:
        for name, function in every[module](module):
            status, reason = _answer(function)
            case = _first_cases().get(function) if status == "rule" else None
            has = frozenset(e.name for e in engines if case and _differentiates(e, case))
            yield Entry(module, name, status, reason, has)


def table(found):
    """How many entries of each module have each status or engine, as lines of Markdown."""
    counts = {}
    for entry in found:
        counts.setdefault(entry.module, Counter()).update(["all", entry.status, *entry.engines])
    columns = ["all", *STATUSES, *(name for name in ("jax", *PEERS) if any(name in c for c in counts.values()))]
    rows = [["module", *columns], ["---", *(["---:"] * len(columns))]]
    rows += [[module, *(str(count[column]) for column in columns)] for module, count in counts.items()]
    return [f"| {' | '.join(row)} |" for row in rows]


# Names


def _functions(module):
    """A module's public functions, and its ufuncs' methods."""
    module = importlib.import_module(module)
    for name in sorted(dir(module)):
        function = getattr(module, name)
        if name.startswith("_") or inspect.isclass(function) or not callable(function):
            continue
        yield name, function
        if isinstance(function, np.ufunc) and (function.nin, function.nout) == (2, 1) and function.signature is None:
            for method in ("reduce", "accumulate", "reduceat", "outer", "at"):
                yield f"{name}.{method}", getattr(function, method)


def _of_scipy(module):
    """SciPy's public functions that ``scratch_ad.scipy`` has too, as it has them; of a distribution its methods."""
    ours = importlib.import_module(f"scratch_ad.{module}")
    for name in sorted(importlib.import_module(module).__all__):
        function = getattr(ours, name, None)
        function = getattr(function, "evaluation", function)  # of a class whose objects are functions
        if not callable(function) or inspect.isclass(function):
            continue
        methods = {method: getattr(function, method, None) for method in OF_DISTRIBUTIONS}
        if rule_of.get(methods["logpdf"] or methods["logpmf"]) and function not in rule_of:
            yield from ((f"{name}.{method}", ours) for method, ours in methods.items() if ours in rule_of)
        else:
            yield name, function


_OF_METHODS = {f.__name__: f for f in array.METHODS} | {
    "T": np.transpose,
    "mT": np.matrix_transpose,
    "astype": primitives.astype,
    "conj": np.conjugate,
    "flat": np.ravel,
    "flatten": np.ravel,
    **dict.fromkeys(("item", "tolist", "view"), primitives.getitem),
}
_OF_OPERATORS = (
    array.ARITHMETIC | array.UNARIES | array.COMPARISONS | dict.fromkeys(("getitem", "iter"), primitives.getitem)
)


_WRITING = {"fill", "put", "sort", "partition"}


def _methods(_):
    """The methods and attributes of arrays, each with what a tracer calls for it."""
    for name in sorted(dir(np.ndarray)):
        if not name.startswith("_"):
            of_tracer = getattr(Cell, name, None)
            function = put if name in _WRITING else _OF_METHODS.get(name) or getattr(np, name, None)
            yield name, of_tracer if of_tracer is None or hasattr(of_tracer, "refusal") else function or np.shape


def _operators(_):
    """Python's operators, in place too."""
    for name, function in _OF_OPERATORS.items():
        yield f"__{name}__", function
        if name in array.ARITHMETIC:
            yield f"__r{name}__", function
            yield f"__i{name}__", function
    yield "__setitem__", put
    for name in ("float", "int", "complex", "index"):
        yield f"__{name}__", getattr(Cell, f"__{name}__")


# Answers


def _answer(function):
    """Our answer and its reason."""
    if getattr(function, "__name__", "") == "at" and isinstance(getattr(function, "__self__", None), np.ufunc):
        function = function.__self__  # by whose rule it is answered
    rule = rule_of.get(function)
    if isinstance(rule, Refused):
        return "refused", rule.reason
    if refusal := getattr(function, "refusal", ""):  # a method of tracers
        return "refused", refusal
    if isinstance(rule, Constant):
        return "constant", ""
    return ("rule", "") if rule else ("plain", PLAIN)


@functools.cache
def _first_cases():
    return {case.function: case for case in reversed(catalogue) if not case.differs}


# Other engines


def _jax():
    """JAX, asked without compiling anything."""

    def vjp(f, *primals):
        out = jax.eval_shape(lift.lift(f), *primals)
        ones = jax.tree.map(lambda y: np.ones(y.shape, y.dtype), out)
        jax.eval_shape(lambda *x: jax.vjp(lift.lift(f), *x)[1](ones), *primals)
        return None, lambda g: None

    return Engine("jax", vjp=vjp)


def _installed():
    """The peers that are."""
    for name in PEERS:
        try:
            yield engine(name)
        except ValueError:
            continue


def _differentiates(engine, case):
    f, primals = case.function_in(engine.namespace), case.draw(case.dtypes[-1])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            out, pullback = engine.vjp(f, *primals)
            pullback(jax.tree.map(np.ones_like, out))
        except Exception:
            return False
    return True
