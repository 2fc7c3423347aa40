"""Linear algebra, one matrix of the stack at a time."""

import mpmath
import numpy as np
from mpmath import mp, mpf

from scratch_ad.rules.linalg.factors import tall_qr
from scratch_ad.rules.linalg.least_squares import least_squares
from scratch_ad.rules.linalg.norms import p_norm
from scratch_ad.rules.linalg.singular_values import full_svd

from .elementwise import inf, power
from .tracer import FUNCTIONS, Undecided, as_numbers, by_number, dtype_among, real_dtype, wrapped


def _stacked(function, *stacks):
    """``function`` of each matrix, given as mpmath's, and the results, arrays or tuples of them, in stacks again."""
    lead = np.broadcast_shapes(*(s.shape[:-2] for s in stacks))
    stacks = [np.broadcast_to(s, lead + s.shape[-2:]).reshape(-1, *s.shape[-2:]) for s in stacks]
    if not stacks[0].size:
        raise Undecided("linear algebra of no numbers.")
    try:
        results = [function(*map(mpmath.matrix, map(np.ndarray.tolist, matrices))) for matrices in zip(*stacks)]
    except (ZeroDivisionError, ValueError, RuntimeError, TypeError) as error:  # TypeError: a column without a pivot
        raise Undecided(f"linear algebra: {error}") from error

    def join(parts):
        parts = [np.array(p.tolist() if isinstance(p, mpmath.matrix) else p, object) for p in parts]
        return np.stack(parts).reshape(lead + parts[0].shape)

    return tuple(map(join, zip(*results))) if isinstance(results[0], tuple) else join(results)


def _hermitian(a):
    return (a + a.H) / 2


def _as_read(a, lower=True):
    """The numbers of ``a``, or where these are not Hermitian what NumPy reads of them: one triangle.

    They may be moved by the steps of differences, which are less than anything by which numbers of NumPy's differ.
    """
    x, mirrored = a.value, np.conjugate(np.swapaxes(a.value, -1, -2))
    most = np.max(np.abs(x), (-2, -1), keepdims=True, initial=mpf(0))
    apart = np.any(np.abs(x - mirrored) > mpf(10) ** -25 * most, (-2, -1), keepdims=True)
    below = np.tri(x.shape[-1], k=-1, dtype=bool)
    read, unread = (below, below.T) if lower else (below.T, below)
    return np.where(apart, np.where(read, x, np.where(unread, mirrored, (x + mirrored) / 2)), x)


def _determinant(m):
    """By elimination with pivots; 0 where a column has none left, which mpmath's own does not survive."""
    rows, d = m.tolist(), mpf(1)
    while rows:
        pivot = max(range(len(rows)), key=lambda i: abs(rows[i][0]))
        first = rows.pop(pivot)
        if first[0] == 0:
            return mpf(0)
        d *= first[0] * (-1) ** pivot
        rows = [[x - row[0] / first[0] * y for x, y in zip(row[1:], first[1:])] for row in rows]
    return d


def _det(a):
    return wrapped(_stacked(_determinant, a.value), a.dtype)


def _slogdet(a):
    def of_matrix(m):
        d = _determinant(m)
        return (mpmath.sign(d), mpmath.log(abs(d)) if d else -inf)

    sign, log = _stacked(of_matrix, a.value)
    return type(np.linalg.slogdet(np.eye(1)))(wrapped(sign, a.dtype), wrapped(log, real_dtype(a.dtype)))


def _inv(a):
    return wrapped(_stacked(mpmath.inverse, a.value), a.dtype)


def _solve(a, b):
    a, b = (as_numbers(x, dtype_among([a, b])) for x in (a, b))
    return np.matmul(_inv(a), b)


def _pseudoinverse(m):
    return mpmath.inverse(m.H * m) * m.H if m.rows >= m.cols else m.H * mpmath.inverse(m * m.H)


def _pinv(a, rcond=None, hermitian=False, *, rtol=None):
    return wrapped(_stacked(_pseudoinverse, _as_read(a) if hermitian else a.value), a.dtype)


def _lstsq(a, b, rcond=None):
    x = _least_squares(a, b, rcond)
    error = b - a @ x
    residuals = np.sum(np.real(error * np.conjugate(error)), 0, keepdims=error.ndim == 1)
    return x, (residuals if a.shape[0] > a.shape[1] else np.zeros(0)), min(a.shape), np.linalg.svdvals(a)


def _least_squares(a, b, rcond):
    a, b = (as_numbers(x, dtype_among([a, b])) for x in (a, b))
    return np.matmul(_pinv(a), b)


def _cholesky(a, /, *, upper=False):
    y = _stacked(lambda m: mpmath.cholesky(_hermitian(m)), _as_read(a, not upper))
    y = wrapped(y, a.dtype)
    return np.conjugate(y.mT) if upper else y


def _eigh(a, UPLO="L"):
    eigensystem = mp.eighe if a.dtype.kind == "c" else mp.eigsy

    def of_matrix(m):
        w, v = eigensystem(_hermitian(m))
        return list(w), v

    w, v = _stacked(of_matrix, _as_read(a, UPLO.upper() == "L"))
    return type(np.linalg.eigh(np.eye(1)))(wrapped(w, real_dtype(a.dtype)), wrapped(v, a.dtype))


def _svd(a, full_matrices=False):
    if full_matrices:
        _square(a)
    decompose = mp.svd_c if a.dtype.kind == "c" else mp.svd_r

    def of_matrix(m):
        u, s, v = decompose(m)
        return u, list(s), v

    u, s, vh = _stacked(of_matrix, a.value)
    parts = wrapped(u, a.dtype), wrapped(s, real_dtype(a.dtype)), wrapped(vh, a.dtype)
    return type(np.linalg.svd(np.eye(1)))(*parts)


def _square(a):
    if a.shape[-2] != a.shape[-1]:
        raise Undecided("the basis of an orthogonal complement is not unique.")


def _qr(a, mode="reduced"):
    """By the Cholesky factor of aᴴa, with LAPACK's signs on the diagonal of R."""
    if mode == "complete":
        _square(a)
    r = _stacked(lambda m: mpmath.cholesky(m.H * m).H, a.value)
    signs = np.sign(np.diagonal(np.linalg.qr(a.value.astype(a.dtype))[1], 0, -2, -1).real)
    r = wrapped(r * signs[..., None], a.dtype)
    return type(np.linalg.qr(np.eye(1)))(np.matmul(a, _inv(r)), r)


def _eig(a):
    """In NumPy's order and gauge: length 1, a largest component that is real and of the same sign."""

    def of_matrix(m, w, v):
        found, vectors = mp.eig(m)
        order = [min(range(len(found)), key=lambda i, x=x: abs(found[i] - x)) for x in w]
        if len(set(order)) < len(order):
            raise Undecided("eigenvectors at eigenvalues that are hard to tell apart.")
        columns = []
        for k, of_numpy in zip(order, v.T):
            largest = np.argmax(np.abs(of_numpy))
            column = np.array([vectors[i, k] for i in range(m.rows)], object)
            length = mpmath.sqrt(sum(abs(x) ** 2 for x in column)) * mpmath.sign(mpf(float(of_numpy[largest].real)))
            columns.append(column * (abs(column[largest]) / column[largest] / length))
        return [found[k] for k in order], np.array(columns, object).T

    approximate = np.linalg.eig(a.value.astype(a.dtype))
    flat = a.value.reshape(-1, *a.shape[-2:])
    known = zip(flat, *(part.reshape(-1, *part.shape[a.ndim - 2 :]) for part in approximate))
    results = [of_matrix(mpmath.matrix(m.tolist()), w, v) for m, w, v in known]
    parts = [np.array([r[i] for r in results], object).reshape(part.shape) for i, part in enumerate(approximate)]
    return type(approximate)(*(wrapped(p, approximate[0].dtype) for p in parts))


def _norm(x, ord, axis, keepdims):
    p = 2 if ord in (None, "f", "fro") else ord
    return by_number(lambda total: power(total, 1 / mpf(p)))(np.sum(np.abs(x) ** p, axis, keepdims=keepdims))


FUNCTIONS |= {
    np.linalg.det: _det,
    np.linalg.slogdet: _slogdet,
    np.linalg.inv: _inv,
    np.linalg.solve: _solve,
    np.linalg.pinv: _pinv,
    np.linalg.lstsq: _lstsq,
    np.linalg.cholesky: _cholesky,
    np.linalg.eigh: _eigh,
    np.linalg.eigvalsh: lambda a, UPLO="L": _eigh(a, UPLO)[0],
    np.linalg.svdvals: lambda x, /: _svd(x)[1],
    np.linalg.eig: _eig,
    np.linalg.eigvals: lambda a: _eig(a)[0],
    full_svd: _svd,
    tall_qr: _qr,
    least_squares: _least_squares,
    p_norm: _norm,
}
