"""Eigenvalues and eigenvectors, of Hermitian and of general matrices."""

import numpy as np

from ...primitives import detached
from ...rule import composite, explicit, primitive
from ...tracer import all_known, kind_of, strip
from .matrices import (
    H,
    as_in,
    as_read,
    diagonal,
    eye,
    gaps_between,
    hermitian_part,
    nan_if_singular,
    order_of,
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


def _vectors_along(inner, y):
    """The tangents of eigenvectors, given the change of the matrix in their basis."""
    w, v = y
    t_v = v @ quotient(inner, gaps_between(w))
    t_v = t_v - v * np.sum(real(np.conjugate(v) * t_v), -2, keepdims=True)
    if v.dtype.kind == "c" and v.size:
        largest, at_largest = _largest(v)
        t_v = t_v - 1j * v * np.sum(np.where(at_largest, t_v / largest, 0), -2, keepdims=True).imag
    return t_v


def _vectors_back(g_v, y):
    """The transpose."""
    w, v = y
    pairs = np.sum(g_v * v, -2, keepdims=True)
    g_v = g_v - np.conjugate(v) * real(pairs)
    if v.dtype.kind == "c" and v.size:
        largest, at_largest = _largest(v)
        g_v = g_v - np.where(at_largest, 1j * pairs.imag / largest, 0)
    return quotient(v.mT @ g_v, gaps_between(w))


# The slopes of eigenvalues have a derivative of their own, in which each has to do with its own gaps alone: through the
# eigenvectors and their inverse, those of others that nearly coincide would count, too, and cancel but for rounding.


@primitive
def eigenvalues_along(a, _w, v, t):
    """The tangents of the eigenvalues w of a along t; v: its eigenvectors."""
    return diagonal(np.linalg.solve(nan_if_singular(v), t @ v))


@primitive
def eigenvalues_back(a, _w, v, g):
    """The transpose."""
    return np.linalg.solve(nan_if_singular(v).mT, g[..., None] * v.mT)


def _in_basis(a, w, *changes):
    """The eigenvalues of a in the order of w, the eigenvectors, and matrices in their basis."""
    own, v = np.linalg.eig(a)
    order = order_of(strip(own), strip(w))
    if not all_known(np.equal(order, np.arange(order.shape[-1]))):
        own, v = np.take_along_axis(own, order, -1), np.take_along_axis(v, order[..., None, :], -1)
    return gaps_between(own), v, *(np.linalg.solve(nan_if_singular(v), t @ v) for t in changes)


def _bend_along(s, _y, a, w, _v, t):
    """Σⱼ (tₖⱼ sⱼₖ + sₖⱼ tⱼₖ)/(wₖ − wⱼ) in the basis of the eigenvectors."""
    gaps, _, t, s = _in_basis(a, w, t, s)
    return np.sum(quotient(t * s.mT + s * t.mT, gaps.mT), -1)


def _bend_back(a, w, t, g):
    """Its transpose by s, symmetric in t and s: in that basis, tₖⱼ (gₖ − gⱼ)/(wₖ − wⱼ) at j, k."""
    gaps, v, t = _in_basis(a, w, t)
    inner = quotient(t.mT * (g[..., None, :] - g[..., :, None]), gaps)
    return np.linalg.solve(nan_if_singular(v).mT, inner @ v.mT)


_bend_of_back = lambda t, _y, a, w, _v, g: _bend_back(a, w, t, g)  # along t, and back from t
_along = lambda t, _y, a, w, v, _t: eigenvalues_along(a, w, v, t)
_back = lambda g, _y, a, w, v, _g: eigenvalues_back(a, w, v, g)
explicit(
    eigenvalues_along,
    jvp=(_bend_along, None, None, _along),
    vjp=(lambda g, _y, a, w, _v, t: _bend_back(a, w, t, g), None, None, _back),
)
explicit(
    eigenvalues_back,
    jvp=(_bend_of_back, None, None, _back),
    vjp=(_bend_of_back, None, None, _along),
)


def eig_jvp(t, y, a):
    w, v = y
    inner = np.linalg.solve(nan_if_singular(v), t @ v)
    return eigenvalues_along(a, detached(w), detached(v), t), _vectors_along(inner, y)


def eig_vjp(g, y, a):
    w, v = y
    of_values = eigenvalues_back(a, detached(w), detached(v), g[0])
    if type(g[1]) is np.ndarray and not g[1].any():  # of eigvals
        return of_values
    return of_values + np.linalg.solve(nan_if_singular(v).mT, _vectors_back(g[1], y) @ v.mT)


explicit(np.linalg.eig, jvp=eig_jvp, vjp=eig_vjp)
composite(np.linalg.eigvals, lambda a: np.linalg.eig(a).eigenvalues, as_in)
