"""The catalogue: for each function that has a rule, how to call it. One file per family of rules.

A case is data: an expression in plain NumPy calls and, by name, the arrays that stand in it, each a shape and the
interval its numbers are drawn from. ``cases`` puts several expressions of the same arrays into the catalogue:

    cases(np.sum, "np.sum(a)", "np.sum(a, axis=1, keepdims=True)", a=(3, 4))
    cases(np.log, "np.log(a)", a=positive(2, 3))

``edge_points`` and ``known_bugs`` are points at which derivatives go wrong, after public reports; ``names`` says which
functions a user's words mean.
"""

import importlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scratch_ad import scipy

ALL = ("float32", "float64", "complex128")
REAL = ("float32", "float64")
DOUBLES = ("float64", "complex128")
DOUBLE = ("float64",)
SHORT = ("float16", "complex64")  # the other dtypes: for a few cases per function
UNKNOWN_TYPE = "the shape or dtype of the result depends on the numbers, which JAX does not know while it compiles"
OF_SCIPY = ("fft", "integrate", "interpolate", "linalg", "ndimage", "optimize", "signal", "sparse", "spatial")
OF_SCIPY += ("special", "stats")
_entered = []


@dataclass(frozen=True)
class Argument:
    """An array of one shape, its real parts drawn from an interval; or the numbers at which a function has an edge."""

    shape: tuple = ()
    low: float = -2.0
    high: float = 2.0
    either_sign: bool = False  # the interval, or its mirror image
    values: object = None

    def draw(self, dtype, rng):
        """The array; those of float64 are not contiguous in memory.

        Of three numbers or more the last equals the first, and one is zero where the interval allows it.
        """
        if self.values is not None:
            return np.array(self.values, dtype)
        x = rng.uniform(self.low, self.high, self.shape)
        if self.either_sign:
            x = x * rng.choice([-1, 1], self.shape)
        if np.dtype(dtype).kind == "c":
            x = x + 1j * rng.uniform(-1, 1, self.shape)
        if np.size(x) > 2:
            x.flat[-1] = x.flat[0]
            if self.low < 0 < self.high:
                x.flat[x.size // 2] = 0
        return strided(np.asarray(x, dtype)) if dtype == "float64" else np.asarray(x, dtype)


def strided(x):
    """A view equal to ``x`` that is not contiguous: every second element of a Fortran-ordered array, read backwards."""
    if not x.ndim:
        return x
    spread = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype, order="F")
    view = spread[..., ::-2]
    view[...] = x
    return view


def anywhere(*shape):
    return Argument(shape)


def positive(*shape):
    return Argument(shape, 0.5, 2.0)


def inside_one(*shape):
    return Argument(shape, -0.9, 0.9)


def above_one(*shape):
    return Argument(shape, 1.2, 3.0)


def nonzero(*shape):
    return Argument(shape, 0.5, 2.0, either_sign=True)


def at(*values):
    """An array of these numbers, real or nested lists."""
    return Argument(np.shape(values), values=values)


def point(value):
    """A 0-d array."""
    return Argument((), values=value)


@dataclass(frozen=True)
class Case:
    """One call of ``function``: an expression of the named arguments, which are all differentiated."""

    function: object
    expression: str
    arguments: dict
    dtypes: tuple = ALL
    orders: int = 2  # derivatives beyond this order do not exist at these arguments, or JAX has none
    differs: str = ""  # why JAX is not the reference here; a central difference is then
    names: dict = field(default_factory=dict)  # functions that it also calls, each made for a namespace

    def __str__(self):
        shapes = ", ".join(
            f"{name}: {a.values if a.values is not None else a.shape}" for name, a in self.arguments.items()
        )
        return f"{self.expression}  [{shapes}]"

    def function_in(self, namespace=np):
        """The expression as a function of its arrays, written in calls of ``namespace``; several results as a list."""
        names = {name: make(namespace) for name, make in self.names.items()}
        known = {"np": namespace, "scipy": scipy if namespace is np else getattr(namespace, "scipy", None), **names}
        function = eval(f"lambda {', '.join(self.arguments)}: {self.expression}", known)

        def of_inexact(*arrays):
            out = function(*arrays)
            return list(filter(_is_inexact, out)) if isinstance(out, (tuple, list)) else out

        return of_inexact

    def draw(self, dtype, seed=""):
        """The arguments: the same on every run, others for another ``seed``."""
        rng = np.random.default_rng(zlib.crc32(f"{self} {dtype}{seed}".encode()))
        return tuple(a.draw(dtype, rng) for a in self.arguments.values())


def _is_inexact(x):
    """Whether an array of any namespace is real or complex."""
    return str(x.dtype).rpartition(".")[2].startswith(("float", "complex", "bfloat"))


def cases(function, *expressions, dtypes=ALL, orders=2, differs="", names=None, **arguments):
    """Enter one case per expression; an argument given as a tuple is a shape of numbers from anywhere."""
    arguments = {name: Argument(a) if isinstance(a, tuple) else a for name, a in arguments.items()}
    for expression in expressions:
        _entered.append(Case(function, expression, arguments, dtypes, orders, differs, names or {}))


class Catalogue(Sequence):
    """All cases. Those of SciPy's functions are entered when they are asked for: its import costs more than JAX's."""

    def of_numpy(self):
        """The cases of NumPy's functions alone."""
        return _entered[:_COUNT]

    def __iter__(self):
        return iter(self._all())

    def __getitem__(self, k):
        return self._all()[k]

    def __len__(self):
        return len(self._all())

    @staticmethod
    def _all():
        for part in OF_SCIPY:
            importlib.import_module(f".scipy_{part}", __name__)
        return _entered


catalogue = Catalogue()

from . import (  # noqa: E402, F401
    elementwise,
    fft,
    grids,
    histograms,
    indexing,
    large,
    linalg,
    piecewise,
    polynomials,
    products,
    reductions,
    selection,
    shaping,
)

_COUNT = len(_entered)
