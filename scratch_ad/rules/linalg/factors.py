"""Cholesky and QR factors."""

import numpy as np

from ...layout import arranged
from ...rule import composite, explicit, primitive, with_value
from .matrices import (
    H,
    as_read,
    diagonal,
    divisor,
    eye,
    hermitian_part,
    onto_columns,
    right_triangular_solve,
    triangular_solve,
    with_complement,
)


@primitive
def hermitian_cholesky(a, upper):
    """np.linalg.cholesky of matrices as it reads them."""
    return np.linalg.cholesky(a, upper=upper)


def _half_lower(x):
    """The lower triangle, with half the diagonal."""
    return np.tril(x) - diagonal(x)[..., None] * eye(x) / 2


def cholesky_jvp(t, y, _a, upper):
    factor = H(y) if upper else y
    inner = triangular_solve(factor, H(triangular_solve(factor, hermitian_part(t), True)), True)
    t = factor @ _half_lower(inner)
    return H(t) if upper else t


def cholesky_vjp(g, y, _a, upper):
    factor, g = (H(y), g.mT) if upper else (y, np.conjugate(g))  # the rest pairs by Re tr(gᴴ t)
    inner = triangular_solve(factor, _half_lower(H(factor) @ g), True, True)
    return np.conjugate(hermitian_part(H(triangular_solve(factor, H(inner), True, True))))


explicit(hermitian_cholesky, jvp=cholesky_jvp, vjp=cholesky_vjp)
composite(np.linalg.cholesky, lambda a, /, *, upper=False: hermitian_cholesky(as_read(a, not upper), upper))


@primitive
def tall_qr(a, mode):
    """np.linalg.qr of a matrix with no more columns than rows, both factors wanted."""
    return np.linalg.qr(a, mode)


# Of a real square matrix the last column of q is what the others leave, whatever the last one of a.


def _from_all(a):
    """Whether each column of q depends on that of a."""
    return a.shape[-2] > a.shape[-1] or a.dtype.kind == "c"


def qr_jvp(t, y, _a, mode):
    n, tall = _a.shape[-1], _a.shape[-2] > _a.shape[-1]
    q, r = y[0][..., :n], y[1][..., :n, :]
    along = t if tall else H(q) @ t
    inner = right_triangular_solve(along, divisor(r, _from_all(_a)))
    within = H(q) @ inner if tall else inner
    lower = np.tril(within, -1)
    turn = lower - H(lower)
    if _a.dtype.kind == "c":
        turn = turn + 1j * within.imag * eye(r)
    if tall:
        t_q, t_r = q @ (turn - within) + inner, (within - turn) @ r
    else:
        t_q, t_r = q @ turn, np.triu(along - turn @ r)
    if y[1].shape[-2] > n:
        t_q, t_r = with_complement(t_q, q, y[0]), np.concatenate([t_r, np.zeros_like(y[1][..., n:, :])], -2)
    return t_q, t_r


def qr_vjp(g, y, _a, mode):
    n = _a.shape[-1]
    q, r = y[0][..., :n], y[1][..., :n, :]
    g_q, g_r = np.conjugate(g[0]), np.triu(np.conjugate(g[1][..., :n, :]))
    if y[1].shape[-2] > n:
        g_q = onto_columns(g_q, q, y[0])
    e = H(q) @ g_q - g_r @ H(r)
    within, over = np.tril(e - H(e), -1), divisor(r, _from_all(_a))
    if _a.dtype.kind == "c":
        within = within + 1j * e.imag * eye(r)
    if _a.shape[-2] > n:
        return np.conjugate(right_triangular_solve(g_q + q @ (within - e), over, True))
    return np.conjugate(q @ (right_triangular_solve(within, over, True) + g_r))


def _qr(a, mode="reduced"):
    if mode not in ("reduced", "complete", "r"):
        np.linalg.qr(np.eye(1), mode)  # raises for an unknown mode
        raise NotImplementedError(
            f"np.linalg.qr: mode {mode!r} has no derivative rule; use 'reduced', 'complete' or 'r'."
        )
    if a.ndim < 2:
        raise np.linalg.LinAlgError(f"{a.ndim}-dimensional array given. Array must be at least two-dimensional")
    m = a.shape[-2]
    q, r = y = tall_qr(a[..., :m], "complete" if mode == "complete" else "reduced")
    if m < a.shape[-1]:
        y = type(y)(q, arranged(np.concatenate([r, H(q) @ a[..., m:]], -1), "K", a))
    return y.R if mode == "r" else y


explicit(tall_qr, jvp=qr_jvp, vjp=qr_vjp)
composite(np.linalg.qr, _qr, with_value)
