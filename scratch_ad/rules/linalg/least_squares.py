"""Pseudoinverses and least squares.

Formulas: G. H. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate (1973).
"""

import numpy as np

from ...rule import composite, explicit, primitive
from ...tracer import astype, strip
from ...tree import typed
from .matrices import H, as_read, columns, product, real, uncolumns


@primitive
def pseudoinverse(a, **options):
    """np.linalg.pinv of matrices as it reads them."""
    return np.linalg.pinv(a, **options)


def pinv_jvp(t, y, a, rcond=None, hermitian=False, rtol=None):
    left = product(y, H(y), H(t))
    right = product(H(t), H(y), y)
    return -product(y, t, y) + left - product(left, a, y) + right - product(y, a, right)


def pinv_vjp(g, y, a, rcond=None, hermitian=False, rtol=None):
    g = np.conjugate(g)  # the rest pairs by Re tr(gᴴ t)
    g_h = H(g)
    left = product(g_h, y, H(y))
    right = product(H(y), y, g_h)
    c = -product(H(y), g, H(y)) + (left - product(a, y, left)) + (right - product(right, y, a))
    return np.conjugate(c)


def _pinv(a, rcond=None, hermitian=False, **rtol):
    return pseudoinverse(as_read(a) if hermitian else a, rcond=rcond, hermitian=hermitian, **rtol)


explicit(pseudoinverse, jvp=pinv_jvp, vjp=pinv_vjp)
composite(np.linalg.pinv, _pinv)


@primitive
def least_squares(a, b, rcond):
    """The solution that np.linalg.lstsq gives."""
    return np.linalg.lstsq(a, b, rcond)[0]


def _outside(x, a, p):
    """``x`` without what ``a p`` projects it to: twice, as the condition's square enlarges the rounding of once."""
    x = x - a @ (p @ x)
    return x - a @ (p @ x)


def _least_squares_a_jvp(t, y, a, b, rcond):
    b = typed(b)
    p, x, r = np.linalg.pinv(a, rcond), columns(y, b), columns(b - a @ y, b)
    left = p @ (H(p) @ (H(t) @ _outside(r, a, p))) - p @ (t @ x)
    return uncolumns(left + _outside(H(t) @ (H(p) @ x), p, a), b)


def _least_squares_a_vjp(g, y, a, b, rcond):
    b = typed(b)
    p, x, r = np.linalg.pinv(a, rcond), columns(y, b), columns(b - a @ y, b)
    g = np.conjugate(columns(g, b))
    pg = H(p) @ g
    return np.conjugate(-pg @ H(x) + _outside(r, a, p) @ H(p @ pg) + (H(p) @ x) @ H(_outside(g, H(a), H(p))))


explicit(
    least_squares,
    jvp=(_least_squares_a_jvp, lambda t, _y, a, _b, rcond: np.linalg.pinv(a, rcond) @ t),
    vjp=(_least_squares_a_vjp, lambda g, _y, a, _b, rcond: np.linalg.pinv(a, rcond).mT @ g),
)


def full_lstsq(a, b, rcond=None):
    """All four results of np.linalg.lstsq."""
    a, b = typed(a), typed(b)
    dtype = np.result_type(*(float if x.dtype.kind in "iub" else x.dtype for x in (a, b)))
    a, b = astype(a, dtype), astype(b, dtype)
    rcond = np.finfo(a.dtype).eps * max(a.shape) if rcond is None else rcond
    _, residuals, rank, _ = np.linalg.lstsq(strip(a), strip(b), rcond)
    x = least_squares(a, b, rcond)
    if residuals.size:
        error = columns(b - a @ x, b)
        residuals = np.sum(real(error * np.conjugate(error)), 0)
    return x, residuals, rank, np.linalg.svdvals(a)


composite(np.linalg.lstsq, full_lstsq)
