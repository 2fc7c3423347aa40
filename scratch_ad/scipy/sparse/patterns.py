"""Sparse matrices whose data are tracers, on a pattern that is a constant.

``Pattern`` says of which element each number is, and makes SciPy's matrix of plain ones: all values are SciPy's.
Products are linear in the data and in the vector; a change dA of A changes the solution y of A y = b by −A⁻¹ dA y.
"""

import numpy as np
import scipy.sparse.linalg as _linalg

from ...primitives import astype
from ...rule import explicit, linear
from ...tracer import gathered, shape_of
from ...tree import typed


class Pattern:
    """The rows and columns of the data of ``make(data)``, one of SciPy's matrices; of its transpose, if so asked."""

    def __init__(self, make, rows, columns, shape, is_transposed=False):
        self.make, self.rows, self.columns, self.shape = make, rows, columns, shape
        self.is_transposed, self._solvers = is_transposed, {}

    @property
    def T(self):
        return Pattern(self.make, self.columns, self.rows, self.shape[::-1], not self.is_transposed)

    def in_columns(self):
        """The same elements, as SciPy's solvers want them, in CSC format unless in CSR."""
        csc = lambda data: a if (a := self.matrix(data)).format == "csr" else a.tocsc()
        return Pattern(csc, self.rows, self.columns, self.shape)

    def matrix(self, data):
        """SciPy's matrix of plain data."""
        return self.make(data).T if self.is_transposed else self.make(data)

    def solution(self, data, b, trans, by, options):
        """By this function of SciPy's; the last factors are kept."""
        key = by, options, trans if by == "factorized" else "N"
        if by == "spsolve":
            return _linalg.spsolve(self.matrix(data) if trans == "N" else self.matrix(data).T, b, *options)
        known, solver = self._solvers.get(key, (None, None))
        if known is None or not np.array_equal(known, data):
            a = self.matrix(data).tocsc()
            a = a.T.tocsc() if key[2] == "T" else a
            solver = _linalg.splu(a, *options) if by == "splu" else _linalg.factorized(a)
            self._solvers[key] = np.copy(data), solver
        return solver.solve(np.asarray(b), trans) if by == "splu" else solver(np.asarray(b))

    def __eq__(self, other):
        """For programs and paths, which compare what they hold: whether both are made alike of the same elements."""
        return type(other) is Pattern and self._made() == other._made()

    def __hash__(self):
        return hash(self._made())

    def _made(self):
        kinds = [c.cell_contents for c in self.make.__closure__ if isinstance(c.cell_contents, type)]  # SciPy's class
        places = self.rows.dtype, self.rows.tobytes(), self.columns.tobytes()
        return self.make.__code__, *kinds, self.shape, self.is_transposed, *places


def _outer(g, x, of):
    """The elements of g xᵀ in the pattern."""
    y = g[of.rows] * x[of.columns]
    return np.sum(y, axis=1) if y.ndim == 2 else y


product = linear(
    lambda data, x, of: of.matrix(data) @ x,
    lambda g, _data, x, of: _outer(g, x, of),
    lambda g, data, _x, of: product(data, g, of.T),
)
dense = linear(lambda data, of: of.matrix(data).toarray(), lambda g, _data, of: g[of.rows, of.columns])
_FLIPPED = {"N": "T", "T": "N"}


def _by_data(t, y, data, _b, of, trans, by, options):
    return -solved(data, product(t, y, of if trans == "N" else of.T), of, trans, by, options)


def _data_by(g, y, data, _b, of, trans, by, options):
    return -_outer(solved(data, g, of, _FLIPPED[trans], by, options), y, of if trans == "N" else of.T)


def _by_right_side(t, _y, data, _b, of, trans, by, options):
    return solved(data, t, of, trans, by, options)


def _right_side_by(g, _y, data, _b, of, trans, by, options):
    return solved(data, g, of, _FLIPPED[trans], by, options)


solved = explicit(
    lambda data, b, of, trans, by, options: of.solution(data, b, trans, by, options),
    jvp=(_by_data, _by_right_side),
    vjp=(_data_by, _right_side_by),
)
for _function, _name in ((product, "sparse_product_of"), (dense, "toarray"), (solved, "sparse_solution")):
    _function.__name__ = _name


class Patterned:
    """A sparse matrix with tracers on a fixed pattern, which multiplies, is scaled, transposed, solved with, or dense.

    What else SciPy's matrices do is refused.
    """

    __array_ufunc__ = None  # NumPy leaves the operators to us
    ndim = 2

    def __init__(self, data, of):
        self.data, self.of, self.shape = data, of, of.shape
        self.nnz, self.dtype = shape_of(data)[0], data.dtype

    T = property(lambda self: Patterned(self.data, self.of.T))

    def transpose(self):
        return self.T

    def toarray(self):
        return dense(self.data, self.of)

    todense = toarray

    def __matmul__(self, x):
        return product(self.data, vector(x, "A @ x"), self.of)

    def __rmatmul__(self, x):
        y = product(self.data, np.transpose(vector(x, "x @ A")), self.of.T)
        return np.transpose(y) if y.ndim > 1 else y

    dot = __matmul__

    def _scaled(self, by):
        if np.ndim(by):
            raise NotImplementedError(
                "a sparse matrix with tracers is multiplied elementwise by numbers alone: use A @ x, or scale A.data."
            )
        return by

    def __mul__(self, factor):
        return Patterned(self.data * self._scaled(factor), self.of)

    __rmul__ = __mul__

    def __truediv__(self, divisor):  # as SciPy has it: in doubles, by the inverse
        data = astype(self.data, np.promote_types(self.dtype, np.float64))
        return Patterned(data * (1.0 / self._scaled(divisor)), self.of)

    def __neg__(self):
        return Patterned(-self.data, self.of)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "a sparse matrix with tracers is no array: use A.toarray(), A @ x, x @ A, A.T or spsolve(A, b)."
        )

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise lacking(name)


def lacking(what):
    """The error for what sparse matrices with tracers do not do."""
    return NotImplementedError(
        f"a sparse matrix with tracers has no {what} so far: use A @ x, x @ A, c * A, A.T, A.data or A.toarray()."
    )


def _lacks(what):
    def operation(self, *_):
        raise lacking(what)

    return operation


for _name in ("add", "radd", "sub", "rsub", "getitem"):
    setattr(Patterned, f"__{_name}__", _lacks("A[i]" if _name == "getitem" else "A + B"))


def vector(x, what):
    """What stands beside a sparse matrix: an array of one or two axes."""
    x = gathered(x)
    if isinstance(x, Patterned) or hasattr(x, "tocoo"):
        raise NotImplementedError(
            f"{what}: a product of sparse matrices with tracers has no rule: use A @ B.toarray()."
        )
    return typed(x)


def of_constant(a):
    """One of SciPy's matrices as data and their pattern, in CSC format unless in CSR."""
    a = a.copy() if a.format == "csr" else a.tocsc(copy=True)
    return a.data, Pattern(*of_compressed(type(a), a.indices, a.indptr, a.shape), a.shape)


def of_compressed(kind, indices, indptr, shape):
    """How to make a matrix in CSR or CSC format, and the rows and columns of its data."""
    along = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    make = lambda data: kind((data, indices, indptr), shape=shape, copy=True)
    return (make, along, indices) if kind.__name__.startswith("csr") else (make, indices, along)
