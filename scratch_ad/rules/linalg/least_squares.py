"""Pseudoinverses and least squares.

Formulas: G. H. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate (1973). They hold where what is cut off is rounding. Where singular values are cut that are more, by
a tolerance that was given, the pseudoinverse is a function of the others: V f(Σ) Uᴴ, the derivative of which has the
divided differences of f (J. L. Daleckii and S. G. Krein, 1965, as for functions of Hermitian matrices).
"""

import numpy as np

from ...primitives import astype
from ...rule import composite, explicit, primitive
from ...tracer import all_known, kind_of, strip
from ...tree import typed
from .matrices import H, as_read, columns, diagonal, finite_svd, product, real, uncolumns


@primitive
def pseudoinverse(a, **options):
    """np.linalg.pinv of matrices as it reads them."""
    return np.linalg.pinv(a, **options)


def pinv_jvp(t, y, a, rcond=None, hermitian=False, rtol=None):
    if cuts(lambda: a - product(a, y, a), a, rcond if rtol is None else rtol):
        u, v, turned, straight = _weights(a, y)
        e = _square(H(u) @ t @ v)
        return v @ (turned * H(e) + straight * e)[..., : a.shape[-1], : a.shape[-2]] @ H(u)
    left = product(y, H(y), H(t))
    right = product(H(t), H(y), y)
    return -product(y, t, y) + left - product(left, a, y) + right - product(y, a, right)


def pinv_vjp(g, y, a, rcond=None, hermitian=False, rtol=None):
    g = np.conjugate(g)  # the rest pairs by Re tr(gᴴ t)
    if cuts(lambda: a - product(a, y, a), a, rcond if rtol is None else rtol):
        u, v, turned, straight = _weights(a, y)
        e = _square(H(v) @ g @ u)
        return np.conjugate(u @ (turned * H(e) + straight * e)[..., : a.shape[-2], : a.shape[-1]] @ H(v))
    g_h = H(g)
    left = product(g_h, y, H(y))
    right = product(H(y), y, g_h)
    c = -product(H(y), g, H(y)) + (left - product(a, y, left)) + (right - product(right, y, a))
    return np.conjugate(c)


def cuts(rest, a, tolerance):
    """Whether ``rest()``, what a tolerance cuts off of ``a``, is more than rounding; so it is where that is hidden."""
    eps = np.finfo(a.dtype).eps * max(a.shape[-2:])
    if tolerance is None or a.size == 0 or np.all(np.less_equal(strip(tolerance), 10 * eps)):
        return False
    most = 100 * eps * np.max(np.abs(strip(a)), (-2, -1), keepdims=True)
    return not all_known(np.less_equal(np.abs(strip(rest())), most))


def _weights(a, y):
    """All singular vectors, and the factors of a change of ``a`` between two of them, turned and as it stands."""
    u, s, vh = finite_svd(a)
    kept = np.greater(strip(real(diagonal(vh @ y @ u)) * s), 0.5)
    none = np.zeros((*s.shape[:-1], max(a.shape[-2:]) - s.shape[-1]), s.dtype, like=kind_of(s))
    s, kept = np.concatenate([s, none], -1), np.concatenate([kept, none > 0], -1)
    mine, other = kept[..., :, None], kept[..., None, :]
    s, t = s[..., :, None], s[..., None, :]
    both, one = np.logical_and(mine, other), np.not_equal(mine, other)
    larger, cut = np.where(mine, s, t), np.where(mine, t, s)
    turned = np.where(one, 1 / np.where(one, (larger - cut) * (larger + cut), 1), 0)
    return u, H(vh), turned, turned * cut / np.where(one, larger, 1) - np.where(both, 1 / np.where(both, s * t, 1), 0)


def apart(q, a):
    """What takes a change of a aᴴ to that of ``q``, some of the left singular vectors of ``a``, along all others.

    Those are u, of squares λ; the map is m → u (weights · uᴴ m u) uᴴ q, of weights 1/(λ[j] − λ[i]) from those in the
    space of ``q`` to those that are not. Returned are it and its transpose.
    """
    u, s, _ = finite_svd(a)
    none = np.zeros((*s.shape[:-1], a.shape[-2] - s.shape[-1]), s.dtype, like=kind_of(s))
    squares = np.concatenate([np.square(s), none], -1)
    mine = np.greater(np.sum(np.square(np.abs(strip(H(u) @ q))), -1), 0.5)
    between = np.logical_and(mine[..., None, :], np.logical_not(mine[..., :, None]))
    weights = np.where(between, 1 / np.where(between, squares[..., None, :] - squares[..., :, None], 1), 0)
    push = lambda m: u @ (weights * (H(u) @ m @ u)) @ (H(u) @ q)
    pull = lambda g: u @ (weights * (H(u) @ g @ (H(q) @ u))) @ H(u)
    return push, pull


def _square(e):
    """With zeros in the rows or columns that it lacks."""
    m, n = e.shape[-2:]
    rows = np.zeros((*e.shape[:-2], max(n - m, 0), n), e.dtype, like=kind_of(e))
    columns = np.zeros((*e.shape[:-2], max(m, n), max(m - n, 0)), e.dtype, like=kind_of(e))
    return np.concatenate([np.concatenate([e, rows], -2), columns], -1)


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
    if cuts(lambda: a - product(a, p, a), a, rcond):
        return uncolumns(pinv_jvp(t, p, a, rcond) @ columns(b, b), b)
    left = p @ (H(p) @ (H(t) @ _outside(r, a, p))) - p @ (t @ x)
    return uncolumns(left + _outside(H(t) @ (H(p) @ x), p, a), b)


def _least_squares_a_vjp(g, y, a, b, rcond):
    b = typed(b)
    p, x, r = np.linalg.pinv(a, rcond), columns(y, b), columns(b - a @ y, b)
    if cuts(lambda: a - product(a, p, a), a, rcond):
        return pinv_vjp(columns(g, b) @ columns(b, b).mT, p, a, rcond)
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
