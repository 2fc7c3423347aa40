"""The nuclear norm, the sum of the singular values.

It is smooth at every matrix of full rank, whatever values coincide: its derivatives do without singular vectors. Where
the rank is less, the subgradient of least norm is taken.
"""

import numpy as np

from ...rule import explicit, primitive
from .matrices import H, finite_svd, hermitian_part, real


@primitive
def nuclear_norm(a):
    return np.sum(np.linalg.svdvals(a), -1)


@primitive
def polar(a):
    """The unitary polar factor, u vᴴ of the singular vectors; those beyond the rank left out."""
    u, s, vh = finite_svd(a, full_matrices=False)
    return (u * (s > s[..., :1] * (max(a.shape[-2:]) * np.finfo(s.dtype).eps))[..., None, :]) @ vh


@primitive
def sylvester(h, c):
    """The solution x of h x + x h = c for Hermitian positive h, of least norm where h is singular."""
    w, v = np.linalg.eigh(h)
    total = w[..., None, :] + w[..., :, None]
    small = total <= 2 * w[..., -1:, None] * (h.shape[-1] * np.finfo(w.dtype).eps)
    return v @ ((H(v) @ c @ v) / np.where(small, np.inf, total)) @ H(v)


def _polar_along(t, y, a):
    """N. J. Higham, Functions of Matrices (2008), section 8.2: the polar factor's derivative along ``t``."""
    if a.shape[-2] < a.shape[-1]:
        return H(_polar_along(H(t), H(y), H(a)))
    h, inner = hermitian_part(H(y) @ a), H(y) @ t
    within = y @ sylvester(h, inner - H(inner))
    return within if a.shape[-2] == a.shape[-1] else within + (t - y @ inner) @ np.linalg.pinv(h, hermitian=True)


def _sylvester_h_vjp(g, y, h, c):
    z = sylvester(h, np.conjugate(g))
    return -np.conjugate(z @ H(y) + H(y) @ z)


explicit(
    nuclear_norm,
    jvp=lambda t, _y, a: np.sum(real(t * np.conjugate(polar(a))), (-2, -1)),
    vjp=lambda g, _y, a: g[..., None, None] * np.conjugate(polar(a)),
)
explicit(polar, jvp=_polar_along, vjp=lambda g, y, a: np.conjugate(_polar_along(np.conjugate(g), y, a)))
explicit(
    sylvester,
    jvp=(lambda t, y, h, _c: -sylvester(h, t @ y + y @ t), lambda t, _y, h, _c: sylvester(h, t)),
    vjp=(_sylvester_h_vjp, lambda g, _y, h, _c: np.conjugate(sylvester(h, np.conjugate(g)))),
)
