"""``scipy.sparse.linalg``: systems with sparse matrices, constant or with tracers on a fixed pattern."""

import functools

import scipy.sparse.linalg as _scipy

from ...tracer import dtype_of, innermost, shape_of
from ..wrapping import refused
from .patterns import Patterned, of_constant, solved, vector

NO_RULE = "no rule so far; use spsolve, splu or factorized, whose solutions have derivatives, or A.toarray()"


def _system(a):
    """The data of a matrix and their pattern."""
    return (a.data, a.of.in_columns()) if isinstance(a, Patterned) else of_constant(a)


def _under(theirs):
    """A function under SciPy's name, with SciPy's documentation."""

    def named(function):
        function.__module__, function.__doc__ = "scipy.sparse.linalg", theirs.__doc__
        function.evaluation = solved
        return function

    return named


@_under(_scipy.spsolve)
def spsolve(A, b, permc_spec=None, use_umfpack=True):
    if not isinstance(A, Patterned) and innermost((b,)) is None:
        return _scipy.spsolve(A, b, permc_spec, use_umfpack)
    b = vector(b, "spsolve(A, b)")
    b = b[:, 0] if len(shape_of(b)) == 2 and b.shape[1] == 1 else b  # as SciPy has it
    return solved(*_with(A, b), "N", "spsolve", (permc_spec, use_umfpack))


def _with(a, b):
    data, of = _system(a)
    return data, b, of


class SuperLU:
    """The factors of a matrix, with which systems are solved; of plain numbers with all that SciPy's object has."""

    def __init__(self, a, options):
        self._options, (self._data, self._of) = options, _system(a)
        self.shape = self._of.shape
        self._theirs = None if isinstance(a, Patterned) else _scipy.splu(a, *options)

    def solve(self, rhs, trans="N"):
        if self._theirs is not None and innermost((rhs,)) is None:
            return self._theirs.solve(rhs, trans)
        rhs = vector(rhs, "splu(A).solve(b)")
        if trans == "H" and "c" in (dtype_of(self._data).kind, dtype_of(rhs).kind):
            raise NotImplementedError(
                "scipy.sparse.linalg.splu(A).solve(b, 'H') has no derivative at complex numbers: use np.conj(b), 'T'."
            )
        return solved(self._data, rhs, self._of, "T" if trans == "H" else trans, "splu", self._options)

    def __getattr__(self, name):
        if name.startswith("_") or self._theirs is None:
            raise AttributeError(f"the factors of a sparse matrix with tracers have solve alone, and no {name}.")
        return getattr(self._theirs, name)


@_under(_scipy.splu)
def splu(A, permc_spec=None, diag_pivot_thresh=None, relax=None, panel_size=None, options=None):
    return SuperLU(A, (permc_spec, diag_pivot_thresh, relax, panel_size, options))


@_under(_scipy.factorized)
def factorized(A):
    theirs = None if isinstance(A, Patterned) else _scipy.factorized(A)
    data, of = _system(A)

    def solve(b):
        if theirs is not None and innermost((b,)) is None:
            return theirs(b)
        return solved(data, vector(b, "factorized(A)(b)"), of, "N", "factorized", ())

    return solve


__all__ = [*_scipy.__all__]  # pyright: ignore[reportUnsupportedDunderAll]


@functools.cache
def _refusing(name):
    return refused(NO_RULE, getattr(_scipy, name))[0]


def __getattr__(name):
    """What SciPy has by this name; its functions refuse tracers."""
    if name.startswith("_") or not hasattr(_scipy, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    theirs = getattr(_scipy, name)
    return theirs if isinstance(theirs, type) or not callable(theirs) else _refusing(name)
