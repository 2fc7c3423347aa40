"""Matrices that are made of vectors, and systems of Toeplitz and circulant ones."""

import numpy as np
import scipy.linalg

from ...batch import Batched, Uncovered, batches
from ...layout import arranged
from ...primitives import scatter
from ...rule import explicit, linear
from ...tracer import dtype_of, kind_of, primitive, strip
from ...tree import typed
from ..wrapping import named, of_one_stack, public, take_stacks


@primitive
def sliding(values, columns):
    """The Hankel matrix values[..., i + j] with this many columns."""
    rows = values.shape[-1] - columns + 1
    return values[..., np.arange(rows)[:, None] + np.arange(columns)]


def _antidiagonal_sums(g, _values, columns):
    """Each row one place further right than the last, by reading rows of n more zeros as rows of n − 1 more."""
    g = g.mT if g.shape[-2] > g.shape[-1] else g
    n, width = g.shape[-2], sum(g.shape[-2:])
    g = np.concatenate([g, np.zeros((*g.shape[:-1], n), g.dtype, like=kind_of(g))], -1).reshape(
        *g.shape[:-2], n * width
    )
    return np.sum(g[..., :-n].reshape(*g.shape[:-1], n, width - 1), -2)


linear(sliding, _antidiagonal_sums)


def _toeplitz(c, r=None):
    c = np.atleast_1d(c)
    if r is None:
        r = c if dtype_of(c).kind == "b" else np.conjugate(c)  # which makes integers of truth values
    c, r = of_one_stack(c, np.atleast_1d(typed(r)))
    return arranged(np.flip(sliding(np.concatenate([np.flip(r[..., 1:], -1), c], -1), r.shape[-1]), -1))


def _hankel(c, r=None):
    r = np.zeros_like(c) if r is None else typed(r)
    return sliding(np.concatenate([c, r[1:]]), r.size)


def _circulant(c):
    c = np.atleast_1d(c)
    return _toeplitz(c, np.concatenate([c[..., :1], np.flip(c[..., 1:], -1)], -1))


def _companion(a):
    companion(strip(a))  # for its errors
    row = -a[..., 1:] / a[..., :1]
    ones = np.identity(row.shape[-1], row.dtype, like=kind_of(row))[:-1]
    return np.concatenate([row[..., None, :], np.broadcast_to(ones, (*row.shape[:-1], *ones.shape))], -2)


def _leslie(f, s):
    leslie(np.empty(f.shape), np.empty(s.shape))  # for its errors
    n, k = f.shape[-1], np.arange(s.shape[-1])
    first, below = (..., 0, slice(None)), (..., k + 1, k)
    return scatter(f, first, (*f.shape[:-1], n, n)) + scatter(s, below, (*s.shape[:-1], n, n))


def _fiedler(a):
    a = np.atleast_1d(a)
    return np.abs(a[..., :, None] - a[..., None, :])


def _fiedler_companion(a):
    fiedler_companion(strip(a))  # for its errors
    n, k = a.shape[-1] - 1, np.arange(2, a.shape[-1])
    rows, columns = np.append(0, k - 1 - (k % 2 == 0)), np.append(0, k - 1 - (k % 2))
    ones = scipy.linalg.fiedler_companion(np.eye(1, n + 1, dtype=a.dtype)[0])
    return ones + scatter(-a[..., 1:] / a[..., :1], (..., rows, columns), (*a.shape[:-1], n, n))


def _convolution_matrix(a, n, mode="full"):
    convolution_matrix(np.empty(a.shape), n, mode)  # for its errors
    trim = 0 if mode == "full" else min(n, a.shape[-1]) - 1
    before, after = (trim // 2, trim - trim // 2) if mode == "same" else (trim, trim)
    around = [(0, 0)] * (a.ndim - 1) + [(n - 1 - before, n - 1 - after)]
    return arranged(np.flip(sliding(np.pad(a, around), n), -1))


def _block_diag_transpose(g, *arrs):
    i = j = 0
    cotangents = []
    for a in arrs:
        rows, columns = (1, 1, *a.shape)[-2:]
        cotangents.append(g[..., i : i + rows, j : j + columns])
        i, j = i + rows, j + columns
    return cotangents


def _khatri_rao(a, b):
    y = a[..., :, None, :] * b[..., None, :, :]
    return y.reshape(*y.shape[:-3], -1, y.shape[-1])


def _diagsvd(s, M, N):
    diagsvd(np.empty(s.shape), M, N)  # for its errors
    k = np.arange(s.shape[-1])
    return scatter(s, (..., k, k), (*s.shape[:-1], M, N))


# Toeplitz and circulant systems, in n² and n log n operations.


def _toeplitz_product(c, r, x):
    """The Toeplitz matrices of the columns c and the rows r, along the last axis, times x: by a circulant matrix."""
    n, m = c.shape[-1], r.shape[-1]
    around, length = np.concatenate([c, np.flip(r[..., 1:], -1)], -1), n + m - 1
    if any(dtype_of(v).kind == "c" for v in (c, r, x)):
        return np.fft.ifft(np.fft.fft(around) * np.fft.fft(x, length))[..., :n]
    return np.fft.irfft(np.fft.rfft(around) * np.fft.rfft(x, length), length)[..., :n]


def _column_and_row(c_or_cr):
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, np.conjugate(c_or_cr))
    return typed(c), typed(r)


def _matmul_toeplitz(c_or_cr, x):
    c, r = _column_and_row(c_or_cr)
    return arranged(_toeplitz_product(c, r, x.T).T)


@primitive
def toeplitz_solution(c, r, b):
    """solve_toeplitz, of one matrix."""
    return scipy.linalg.solve_toeplitz((c, r), b, check_finite=False)


def _toeplitz_c_jvp(t, y, c, r, b):
    return -toeplitz_solution(c, r, _toeplitz_product(t, np.zeros_like(r), y.T).T)


def _toeplitz_r_jvp(t, y, c, r, b):
    return -toeplitz_solution(c, r, _toeplitz_product(np.zeros_like(c), t, y.T).T)


def _toeplitz_b_vjp(g, _y, c, r, _b):
    return toeplitz_solution(np.concatenate([c[:1], r[1:]]), c, g)


def _lagged(x, v):
    """Σ x[j] v[j + k] over j and all columns, for each lag k."""
    first = np.concatenate([x[:1], np.zeros_like(x[1:])])
    sums = _toeplitz_product(first.T, x.T, v.T)
    return sums if sums.ndim == 1 else np.sum(sums, 0)


def _toeplitz_c_vjp(g, y, c, r, _b):
    return -_lagged(y, _toeplitz_b_vjp(g, y, c, r, _b))


def _toeplitz_r_vjp(g, y, c, r, _b):
    lagged = _lagged(_toeplitz_b_vjp(g, y, c, r, _b), y)
    return -np.concatenate([np.zeros_like(lagged[:1]), lagged[1:]])


explicit(
    toeplitz_solution,
    jvp=(_toeplitz_c_jvp, _toeplitz_r_jvp, lambda t, _y, c, r, _b: toeplitz_solution(c, r, t)),
    vjp=(_toeplitz_c_vjp, _toeplitz_r_vjp, _toeplitz_b_vjp),
)


def _solve_toeplitz(c_or_cr, b):
    c, r = _column_and_row(c_or_cr)
    return toeplitz_solution(c, r, b)


def _solve_circulant(c, b, singular="raise", tol=None, caxis=-1, baxis=0, outaxis=0):
    c, b = np.atleast_1d(c), np.atleast_1d(b)
    solve_circulant(strip(c), strip(b), singular, tol, caxis, baxis, outaxis)  # for its errors
    of_c, of_b = np.fft.fft(np.moveaxis(c, caxis, -1)), np.fft.fft(np.moveaxis(b, baxis, -1))
    size = np.abs(strip(of_c))
    tol = np.max(size, -1, keepdims=True) * size.shape[-1] * np.finfo(float).eps if tol is None else tol
    zero = np.less_equal(size, tol)
    x = np.fft.ifft(np.where(zero, 0, of_b / np.where(zero, 1, of_c)))
    return np.moveaxis(x if "c" in (dtype_of(c).kind, dtype_of(b).kind) else x.real, -1, outaxis)


toeplitz = public(scipy.linalg.toeplitz, _toeplitz)
hankel = public(scipy.linalg.hankel, _hankel, (1,))
circulant = public(scipy.linalg.circulant, _circulant)
companion = public(scipy.linalg.companion, _companion)
leslie = public(scipy.linalg.leslie, _leslie)
fiedler = public(scipy.linalg.fiedler, _fiedler)
fiedler_companion = public(scipy.linalg.fiedler_companion, _fiedler_companion)
convolution_matrix = public(scipy.linalg.convolution_matrix, _convolution_matrix)
block_diag = named(linear(scipy.linalg.block_diag, _block_diag_transpose, jointly=True))
khatri_rao = public(scipy.linalg.khatri_rao, _khatri_rao)
diagsvd = public(scipy.linalg.diagsvd, _diagsvd)
matmul_toeplitz = public(scipy.linalg.matmul_toeplitz, _matmul_toeplitz, (1, 2), of_doubles=True)
solve_toeplitz = public(scipy.linalg.solve_toeplitz, _solve_toeplitz, (1, 2))
solve_circulant = public(scipy.linalg.solve_circulant, _solve_circulant)

take_stacks(sliding, companion, fiedler_companion, of=(1,))


@batches(block_diag)
def _block_diag_of_examples(batch, *arrs):
    blocks = [batch.whole(np.atleast_2d(x)) for x in arrs]
    width, rows, done = sum(x.shape[2] for x in blocks), [], 0
    for x in blocks:
        rows.append(np.pad(x, [(0, 0), (0, 0), (done, width - done - x.shape[2])]))
        done += x.shape[2]
    return Batched(batch, np.concatenate(rows, 1))


@batches(toeplitz_solution)
def _toeplitz_solution_of_examples(batch, c, r, b):
    """The right sides of one matrix side by side."""
    if batch.owns(c) or batch.owns(r):
        raise Uncovered
    columns = np.moveaxis(b.dense(), 0, -1)
    y = toeplitz_solution(c, r, columns.reshape((columns.shape[0], -1)))
    return Batched(batch, np.moveaxis(y.reshape(columns.shape), -1, 0))
