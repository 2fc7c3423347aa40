"""Eigenvalues and eigenvectors, of Hermitian and of general matrices."""

import numpy as np

from ...rule import composite, explicit, primitive
from ...tracer import kind_of
from .matrices import (
    H,
    as_in,
    as_read,
    diagonal,
    eye,
    gaps_between,
    hermitian_part,
    nan_if_singular,
    quotient,
    real,
)


@primitive
def hermitian_eigh(a, UPLO):
    """np.linalg.eigh of matrices as it reads them."""
    return np.linalg.eigh(a, UPLO)


@primitive
def hermitian_eigvalsh(a, UPLO):
    """np.linalg.eigvalsh, likewise."""
    return np.linalg.eigvalsh(a, UPLO)


def eigh_jvp(t, y, _a, UPLO="L"):
    w, v = y
    inner = H(v) @ hermitian_part(t) @ v
    return real(diagonal(inner)), v @ quotient(inner, gaps_between(w))


def eigh_vjp(g, y, _a, UPLO="L"):
    w, v = y
    inner = g[0][..., None] * eye(w) + quotient(H(v) @ np.conjugate(g[1]), gaps_between(w))
    return np.conjugate(hermitian_part(v @ inner @ H(v)))


def _eigvalsh_jvp(t, _y, a, UPLO):
    v = hermitian_eigh(a, UPLO)[1]
    return real(np.sum(np.conjugate(v) * (hermitian_part(t) @ v), -2))


def _eigvalsh_vjp(g, _y, a, UPLO):
    v = hermitian_eigh(a, UPLO)[1]
    return np.conjugate((v * g[..., None, :]) @ H(v))


explicit(hermitian_eigh, jvp=eigh_jvp, vjp=eigh_vjp)
explicit(hermitian_eigvalsh, jvp=_eigvalsh_jvp, vjp=_eigvalsh_vjp)
composite(np.linalg.eigh, lambda a, UPLO="L": hermitian_eigh(as_read(a, UPLO in ("L", "l")), UPLO))
composite(np.linalg.eigvalsh, lambda a, UPLO="L": hermitian_eigvalsh(as_read(a, UPLO in ("L", "l")), UPLO))


# Eigenvectors of a general matrix have length 1 and, where complex, a largest component that is real: LAPACK's gauge,
# which NumPy's function has, is what is differentiated.


def _largest(v):
    """The largest component of each column, and a mask of where it is."""
    at_largest = np.equal(np.argmax(np.abs(v), -2, keepdims=True), np.arange(v.shape[-2], like=kind_of(v))[:, None])
    return np.sum(np.where(at_largest, v, 0), -2, keepdims=True), at_largest


def eig_along(inner, y):
    """The tangents of eigenvalues and eigenvectors, given the change of the matrix in the basis of the latter."""
    w, v = y
    t_v = v @ quotient(inner, gaps_between(w))
    t_v = t_v - v * np.sum(real(np.conjugate(v) * t_v), -2, keepdims=True)
    if v.dtype.kind == "c" and v.size:
        largest, at_largest = _largest(v)
        t_v = t_v - 1j * v * np.sum(np.where(at_largest, t_v / largest, 0), -2, keepdims=True).imag
    return diagonal(inner), t_v


def eig_back(g, y):
    """The transpose."""
    w, v = y
    pairs = np.sum(g[1] * v, -2, keepdims=True)
    g_v = g[1] - np.conjugate(v) * real(pairs)
    if v.dtype.kind == "c" and v.size:
        largest, at_largest = _largest(v)
        g_v = g_v - np.where(at_largest, 1j * pairs.imag / largest, 0)
    return g[0][..., None] * eye(w) + quotient(v.mT @ g_v, gaps_between(w))


def eig_jvp(t, y, _a):
    return eig_along(np.linalg.solve(nan_if_singular(y[1]), t @ y[1]), y)


def eig_vjp(g, y, _a):
    return np.linalg.solve(nan_if_singular(y[1]).mT, eig_back(g, y) @ y[1].mT)


explicit(np.linalg.eig, jvp=eig_jvp, vjp=eig_vjp)
composite(np.linalg.eigvals, lambda a: np.linalg.eig(a).eigenvalues, as_in)
