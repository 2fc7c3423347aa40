"""Determinants.

The cofactors come from the singular values, so that up to third order a singular matrix is no special case.
"""

import numpy as np

from ...rule import explicit, primitive
from ...tracer import dtype_of, kind_of
from .matrices import H, diagonal, eye, finite_svd, nan_if, transposed_inverse


@primitive
def cofactors(a):
    """The derivatives of det(a) with respect to the elements of ``a``."""
    u, s, vh = finite_svd(a)
    before, after = _before_and_after(s)
    return _phase(u, vh) * np.conjugate((u * (before * after)[..., None, :]) @ vh)


def _phase(u, vh):
    return (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]


def _before_and_after(s):
    """The products of the elements before and after each."""
    one = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([one, s[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([one, s[..., :0:-1]], -1), -1)[..., ::-1]
    return before, after


def _without_two(s):
    """The product of all elements but the i-th and the j-th, for each i ≠ j; zeros on the diagonal."""
    before, after = _before_and_after(s)
    k = np.arange(s.shape[-1], like=kind_of(s))
    later = np.where(k > k[:, None], s[..., None, :], 1)
    between = np.cumprod(np.concatenate([np.ones_like(later[..., :1]), later[..., :-1]], -1), -1)
    upper = np.triu(before[..., :, None] * between * after[..., None, :], 1)
    return upper + upper.mT


def _without_three(s):
    """The product of all elements but the i-th, j-th and k-th; 0 unless all three differ."""
    one = np.identity(s.shape[-1], bool, like=kind_of(s))
    rest = _without_two(np.where(one, 1, s[..., None, :]))
    return np.where(np.logical_or(one[:, :, None], one[:, None, :]), 0, rest)


@primitive
def cofactors_along(t, a):
    """The second derivative of det, a symmetric form: the derivative of the cofactors along ``t``."""
    u, s, vh = finite_svd(a)
    t, rest = H(u) @ t @ H(vh), _without_two(s)
    inner = (rest @ diagonal(t)[..., None]) * eye(s) - rest * t.mT
    return _phase(u, vh) * (np.conjugate(u) @ inner @ np.conjugate(vh))


def _cofactors_along_two(t, q, a):
    """The third derivative, a symmetric form too: of the minors that leave out three rows and columns."""
    u, s, vh = finite_svd(a)
    t, q, rest = H(u) @ t @ H(vh), H(u) @ q @ H(vh), _without_three(s)
    d_t, d_q = diagonal(t), diagonal(q)
    pairs = d_t[..., :, None] * d_q[..., None, :] - t * q.mT
    inner = np.sum(rest * pairs[..., None, :, :], (-2, -1))[..., None] * eye(s)
    for x, y, d_y in ((t, q, d_q), (q, t, d_t)):
        turned = np.sum(rest * x[..., None, :, :] * y.mT[..., :, None, :], -1)
        inner = inner + turned - x.mT * np.sum(rest * d_y[..., None, None, :], -1)
    return _phase(u, vh) * (np.conjugate(u) @ inner @ np.conjugate(vh))


explicit(cofactors, jvp=lambda t, _y, a: cofactors_along(t, a), vjp=lambda g, _y, a: cofactors_along(g, a))
explicit(
    cofactors_along,
    jvp=(lambda q, _y, _t, a: cofactors_along(q, a), lambda q, _y, t, a: _cofactors_along_two(t, q, a)),
    vjp=(lambda g, _y, _t, a: cofactors_along(g, a), lambda g, _y, t, a: _cofactors_along_two(t, g, a)),
)
explicit(
    np.linalg.det,
    jvp=lambda t, _y, a: np.sum(cofactors(a) * t, (-2, -1)),
    vjp=lambda g, _y, a: g[..., None, None] * cofactors(a),
)


def _slogdet_jvp(t, y, a):
    change = np.sum(diagonal(np.linalg.solve(nan_if(np.equal(y[0], 0), a), t)), -1)
    return (1j * y[0] * change.imag, change.real) if dtype_of(a).kind == "c" else (np.zeros_like(change), change)


def _slogdet_vjp(g, y, a):
    g_log = g[1] - 1j * np.real(1j * g[0] * y[0]) if dtype_of(a).kind == "c" else g[1]
    return g_log[..., None, None] * transposed_inverse(a, np.equal(y[0], 0))


explicit(np.linalg.slogdet, jvp=_slogdet_jvp, vjp=_slogdet_vjp)
