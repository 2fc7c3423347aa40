"""What several of these files share: transposes, diagonals, careful quotients, bases."""

import functools
import types

import numpy as np

from ...rule import composite, constant, primitive, valued, with_value
from ...tracer import all_known, dtype_of, hidden, kind_of, strip
from ...tree import typed


def H(x):
    """The conjugate transpose."""
    return np.conjugate(x.mT) if dtype_of(x).kind == "c" else x.mT


def real(x):
    """The real part."""
    return x.real if dtype_of(x).kind == "c" else x


def hermitian_part(x):
    """The nearest Hermitian matrix."""
    return (x + H(x)) / 2


def as_read(a, lower=True, adjoint=H):
    """``a`` as a function takes it that reads one triangle: where it is not its own adjoint, the other mirrored.

    Matrices that are their own adjoint stay as they are, for the rules to choose the derivative along others: it is
    along the Hermitian part, where JAX has that. So do JAX's arrays, of which JAX's functions take the Hermitian part.
    """
    a = typed(a)
    if kind_of(a) is None or a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        return a
    plain = strip(a)
    same = np.equal(plain, adjoint(plain))
    if not hidden(same) and np.all(same):
        return a
    k = np.arange(a.shape[-1], like=kind_of(a))
    row, column = (k[:, None], k) if lower else (k, k[:, None])
    between = real(a) if adjoint is H else a
    whole = np.where(np.greater(row, column), a, np.where(np.equal(row, column), between, adjoint(a)))
    return np.where(np.all(same, (-2, -1), keepdims=True), a, whole)


def reading(a, lower=True, adjoint=H):
    """``a`` with the derivative of ``as_read``, for functions that do not look at the other triangle."""
    whole = as_read(a, lower, adjoint)
    return a if whole is a else valued(whole, strip(a))


def as_in(y, value):
    """``value``, eigenvalues in some order, with the derivative of ``y``, the same in maybe another order.

    Where vectors come with them, it is the same order.
    """
    if isinstance(value, (list, tuple)):
        return with_value(y, value)
    return with_value(np.take_along_axis(y, order_of(strip(y), value), -1), value)


@constant
def order_of(w, other):
    """Where in ``w`` to find each number of ``other``."""
    order = np.empty(w.shape, int)
    for i in np.ndindex(w.shape[:-1]):
        distances = np.abs(other[i][:, None] - w[i])
        for k in range(w.shape[-1]):
            order[(*i, k)] = j = np.argmin(distances[k])
            distances[:, j] = np.inf
    return order


def turned(y, value):
    """``value``, eigenvalues and -vectors or the former alone, with the derivative of ``y``, of maybe other phases.

    Vectors of one eigenvalue may be any basis of their space.
    """
    if not isinstance(value, (list, tuple)):
        return with_value(y, value)
    (w, v), own = y, value[1]
    turn = np.linalg.pinv(strip(v)) @ own
    turn = np.where(np.abs(turn) > 1e-6, turn, 0)
    by_phase = np.equal(np.count_nonzero(turn, -2), 1)[..., None, :]
    return with_value((w, np.where(by_phase, v * diagonal(turn)[..., None, :], v @ turn)), value)


def product(x, y, z):
    """x y z in the order of least cost."""
    (k, m), (n, p) = x.shape[-2:], z.shape[-2:]
    return x @ y @ z if k * n * (m + p) <= m * p * (k + n) else x @ (y @ z)


def diagonal(x):
    """Of one matrix or of each of a stack."""
    return np.diagonal(x, 0, -2, -1)


def eye(x):
    """The real identity matrix that fits the matrix or vector x."""
    return np.identity(x.shape[-1], np.finfo(x.dtype).dtype, like=kind_of(x))


def quotient(x, d):
    """x/d, with 0/0 = 0."""
    return x / np.where(np.logical_and(np.equal(x, 0), np.equal(d, 0)), np.inf, d)


# What is 0 but for rounding is taken for 0, so that no quotient by it passes for a derivative.


def _rounding(x, axis):
    """How much of x is rounding, along this axis of a matrix or of its eigenvalues."""
    return x.shape[-1] * np.finfo(x.dtype).eps * np.max(np.abs(strip(x)), axis, keepdims=True, initial=0)


def beyond_rounding(s):
    """Singular values, or eigenvalues that are not negative, those that are rounding as 0, with their derivatives."""
    return s - np.where(np.less_equal(s, _rounding(s, -1)), strip(s), 0)


def gaps_between(w, factor=None):
    """w[j] − w[i], 0 where that is rounding, perhaps times a factor; ∞ on the diagonal, of which no slope is left."""
    gaps = w[..., None, :] - w[..., :, None]
    gaps = np.where(np.less_equal(np.abs(gaps), _rounding(w, -1)[..., None]), 0, gaps)
    gaps = gaps if factor is None else gaps * factor
    return np.where(np.identity(w.shape[-1], bool, like=kind_of(w)), np.inf, gaps)


def singular(a):
    """Which square matrices are singular but for rounding, or not finite."""
    a = strip(a)
    return np.less(np.linalg.matrix_rank(np.where(np.isfinite(a), a, 0)), a.shape[-1])


def nan_if(singular, x):
    """Matrices with nan in place of singular ones, so that of a stack with such, some maybe unused, none raises."""
    if type(singular) is np.bool_ and not singular:
        return x
    return np.where(singular[..., None, None], np.nan, x)


def nan_if_singular(a):
    return nan_if(singular(a), a)


def divisor(r, last=True):
    """A triangle r for x r⁻¹: nan if a pivot is rounding; if not ``last``, its last column that of the identity."""
    if not last:
        r = np.where(np.less(np.arange(1, r.shape[-1] + 1, like=kind_of(r)), r.shape[-1]), r, eye(r))
    pivots = np.abs(diagonal(strip(r)))
    return nan_if(np.any(np.less_equal(pivots, _rounding(r, -2)[..., 0, :]), -1), r)


# Systems by names of their own: where XLA compiles them, the factors of a matrix serve its transpose, too, and
# triangular ones are their own factors. NumPy hands out neither; SciPy's LAPACK does, where it is installed.


@primitive
def transposed_solve(a, b):
    """x of aᵀ x = b, for columns b."""
    if (lapack := _lapack_of(a, b)) is None:
        return np.linalg.solve(a.mT, b)
    _, _, x, place = lapack.gesv(a.T, b)  # a.T lies in columns, as LAPACK has it
    return np.ascontiguousarray(_regular(x, place))


@primitive
def transposed_inverse(a, singular):
    """a⁻¹ᵀ; nan where ``singular`` says that there is none."""
    a = nan_if(singular, a)
    if (lapack := _lapack_of(a)) is None:
        return np.linalg.inv(a).mT
    factors, pivots, place = lapack.getrf(a.T)
    return lapack.getri(_regular(factors, place), pivots, overwrite_lu=True)[0]


@primitive
def triangular_solve(a, b, lower, adjoint=False):
    """x of a x = b, or of aᴴ x = b, for columns b and a matrix that is triangular."""
    x = _by_substitution(a, b, lower, adjoint)
    return np.linalg.solve(H(a) if adjoint else a, b) if x is None else x


@primitive
def right_triangular_solve(x, r, adjoint=False):
    """x r⁻¹, or x r⁻ᴴ, for a matrix r that is upper triangular."""
    y = _by_substitution(r.mT, x.mT, True, adjoint)
    return np.linalg.solve((H(r) if adjoint else r).mT, x.mT).mT if y is None else y.mT


def _by_substitution(a, b, lower, adjoint):
    """x of a x = b, or of aᴴ x = b, of real numbers; None where LAPACK is not at hand."""
    if (lapack := _lapack_of(a, b)) is None or a.dtype.kind == "c":
        return None
    return np.ascontiguousarray(_regular(*lapack.trtrs(a.T, b, lower=not lower, trans=not adjoint)))


def _regular(x, place):
    if place:
        raise np.linalg.LinAlgError("Singular matrix")
    return x


def _lapack_of(*matrices):
    """LAPACK's functions for plain matrices of this dtype; None of any others, or without SciPy."""
    dtype = matrices[0].dtype
    plain = all(type(x) is np.ndarray and x.ndim == 2 and x.dtype is dtype and x.size for x in matrices)
    return _lapack(dtype.char) if plain and dtype.isnative else None


@functools.cache
def _lapack(letter):
    try:
        from scipy.linalg import lapack
    except ImportError:
        return None
    if (prefix := {"f": "s", "d": "d", "F": "c", "D": "z"}.get(letter)) is None:
        return None
    return types.SimpleNamespace(
        **{name: getattr(lapack, prefix + name) for name in ("gesv", "getrf", "getri", "trtrs")}
    )


for _named in (transposed_solve, transposed_inverse, triangular_solve, right_triangular_solve):
    composite(_named, _named.__wrapped__)


# A one-dimensional right-hand side b is a vector, any other a stack of matrices.


def columns(x, b):
    """``x`` as columns, if ``b`` is a vector and ``x`` of its kind; ``uncolumns`` goes back."""
    return x[..., None] if b.ndim == 1 else x


def uncolumns(x, b):
    return x[..., 0] if b.ndim == 1 else x


def finite_svd(a, full_matrices=True):
    """np.linalg.svd, with singular values nan where ``a`` is not finite: LAPACK may never return from there."""
    if all_known(np.isfinite(a)):
        return np.linalg.svd(a, full_matrices)
    finite = np.all(np.isfinite(a), (-2, -1), keepdims=True)
    u, s, vh = np.linalg.svd(np.where(finite, a, 0), full_matrices)
    return u, np.where(finite[..., 0], s, np.nan), vh


# A basis of what is orthogonal to the columns, or rows, of a factor is not unique. It is taken to turn only as far as
# that factor makes it: what does not depend on the choice of the basis comes out right.


def with_complement(t, u, full):
    """The tangent of a unitary ``full``, given that of its first columns ``u``."""
    return np.concatenate([t, -u @ (H(t) @ full[..., u.shape[-1] :])], -1)


def onto_columns(g, u, full):
    """The transpose."""
    k = u.shape[-1]
    return g[..., :k] - full[..., k:] @ (H(g[..., k:]) @ u)
