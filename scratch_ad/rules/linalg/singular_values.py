"""Singular values and singular vectors."""

import numpy as np

from ...rule import composite, explicit, primitive
from .matrices import H, beyond_rounding, diagonal, eye, gaps_between, onto_columns, quotient, real, with_complement


@primitive
def full_svd(a, full_matrices):
    """np.linalg.svd of one matrix or a stack, both factors wanted."""
    return np.linalg.svd(a, full_matrices)


def gaps_of_squares(s):
    """s[j]² − s[i]², as in ``gaps_between``."""
    sums = s[..., None, :] + s[..., :, None]
    return gaps_between(s, np.where(np.equal(sums, 0), 1, sums))


def _leading(y):
    """The factors without what is orthogonal to the singular vectors, the values in a row and a column, and gaps."""
    u, s, vh = y
    u, s, vh = u[..., : s.shape[-1]], beyond_rounding(s), vh[..., : s.shape[-1], :]
    return u, vh, s[..., None, :], s[..., :, None], gaps_of_squares(s)


def svd_jvp(t, y, _a, full_matrices):
    u, vh, row, column, gaps = _leading(y)
    inner = H(u) @ t @ H(vh)
    right, left, none = inner * row, column * inner, np.equal(row + column, 0)
    turn = quotient((inner - H(inner)) * eye(y[1]) / 2, row)
    t_u = u @ (quotient(np.where(none, inner, right + H(right)), gaps) + turn)
    t_vh = H(quotient(np.where(none, inner, left + H(left)), gaps)) @ vh
    if _a.shape[-2] > _a.shape[-1]:
        beyond = t @ H(vh)
        t_u = t_u + quotient(beyond - u @ (H(u) @ beyond), row)
        t_u = with_complement(t_u, u, y[0]) if full_matrices else t_u
    elif _a.shape[-2] < _a.shape[-1]:
        beyond = H(u) @ t
        t_vh = t_vh + quotient(beyond - (beyond @ H(vh)) @ vh, column)
        t_vh = H(with_complement(H(t_vh), H(vh), H(y[2]))) if full_matrices else t_vh
    return t_u, real(diagonal(inner)), t_vh


def svd_vjp(g, y, _a, full_matrices):
    u, vh, row, column, gaps = _leading(y)
    g_u, g_vh = np.conjugate(g[0]), np.conjugate(g[2])
    if full_matrices and _a.shape[-2] > _a.shape[-1]:
        g_u = onto_columns(g_u, u, y[0])
    elif full_matrices and _a.shape[-2] < _a.shape[-1]:
        g_vh = H(onto_columns(H(g_vh), H(vh), H(y[2])))
    of_u, of_v = quotient(H(u) @ g_u, gaps), quotient(vh @ H(g_vh), gaps)
    inner = (of_u + H(of_u)) * row + column * (of_v + H(of_v)) + g[1][..., None] * eye(y[1])
    if _a.dtype.kind == "c":
        inner = inner + quotient(1j * (H(u) @ g_u).imag * eye(y[1]), row)
    c = u @ inner @ vh
    if _a.shape[-2] > _a.shape[-1]:
        c = c + quotient(g_u - u @ (H(u) @ g_u), row) @ vh
    elif _a.shape[-2] < _a.shape[-1]:
        c = c + u @ quotient(g_vh - (g_vh @ H(vh)) @ vh, column)
    return np.conjugate(c)


def svdvals_jvp(t, _y, x):
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    return real(np.sum(np.conjugate(u) * (t @ H(vh)), -2))


def svdvals_vjp(g, _y, x):
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    return np.conjugate((u * g[..., None, :]) @ vh)


def _svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    if hermitian:
        return _hermitian_svd(a) if compute_uv else np.flip(np.sort(np.abs(np.linalg.eigvalsh(a))), -1)
    return full_svd(a, full_matrices) if compute_uv else np.linalg.svdvals(a)


def _hermitian_svd(a):
    """In NumPy's own steps."""
    w, v = np.linalg.eigh(a)
    order = np.flip(np.argsort(np.abs(w)), -1)
    w, u = np.take_along_axis(w, order, -1), np.take_along_axis(v, order[..., None, :], -1)
    return type(np.linalg.svd(np.eye(1)))(u, np.abs(w), H(u * np.sign(w)[..., None, :]))


explicit(full_svd, jvp=svd_jvp, vjp=svd_vjp)
explicit(np.linalg.svdvals, jvp=svdvals_jvp, vjp=svdvals_vjp)
composite(np.linalg.svd, _svd)
