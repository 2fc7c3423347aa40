"""Eigenvalues, Schur and Hessenberg forms of general matrices."""

import numpy as np
import scipy.linalg

from ...primitives import astype
from ...rule import explicit
from ...rules.linalg.eigenvalues import eig_jvp, eig_vjp
from ...rules.linalg.matrices import H, as_in, gaps_between, nan_if_singular, quotient
from ...tracer import any_known, dtype_of, kind_of
from ...tree import typed
from ..wrapping import core, public, take_stacks


def _of_values_dtype(t, y):
    """Tangents of eigenvalues and eigenvectors; SciPy's eigenvalues are complex, be their tangents or not."""
    return astype(t[0], y[0].dtype), t[1]


def _conjugated(y):
    """Left eigenvectors are those of aᴴ, whose eigenvalues are the conjugates."""
    return np.conjugate(y[0]), y[1]


_right_eig = explicit(core(scipy.linalg.eig), jvp=lambda t, y, a: _of_values_dtype(eig_jvp(t, y, a), y), vjp=eig_vjp)
_left_eig = explicit(
    core(scipy.linalg.eig, left=True, right=False),
    jvp=lambda t, y, a: _of_values_dtype(_conjugated(eig_jvp(H(t), _conjugated(y), H(a))), y),
    vjp=lambda g, y, a: H(eig_vjp(_conjugated(g), _conjugated(y), H(a))),
)


# a v = w b v, where c = b⁻¹ a has the same eigenvalues.


def _pair_jvp(change):
    def jvp(t, y, a, b):
        b = nan_if_singular(b)
        c = np.linalg.solve(b, a)
        return _of_values_dtype(eig_jvp(np.linalg.solve(b, change(t, c)), y, c), y)

    return jvp


def _pair_vjp(share):
    def vjp(g, y, a, b):
        b = nan_if_singular(b)
        c = np.linalg.solve(b, a)
        return share(np.linalg.solve(b.mT, eig_vjp(g, y, c)), c)

    return vjp


_eig_of_pair = explicit(
    core(scipy.linalg.eig),
    jvp=(_pair_jvp(lambda t, _c: t), _pair_jvp(lambda t, c: -t @ c)),
    vjp=(_pair_vjp(lambda s, _c: s), _pair_vjp(lambda s, c: -s @ c.mT)),
)


def _eig(a, b=None, left=False, right=True, homogeneous_eigvals=False):
    if homogeneous_eigvals:
        raise NotImplementedError("scipy.linalg.eig has no derivative rule for homogeneous_eigvals: the scale is free.")
    if b is not None:
        if left or right:
            raise NotImplementedError(
                "scipy.linalg.eig has no derivative rule for the vectors of a pair of matrices, whose phase is that of "
                "LAPACK's iterations: take eigvals(a, b), or eig(solve(b, a))."
            )
        return _eig_of_pair(a, typed(b))[0]
    w, *vectors = _left_eig(a) if left else _right_eig(a)
    if left and right:
        vectors.append(_right_eig(a)[1])
    return (w, *vectors) if left or right else w


# a = z t zᴴ: with x = zᴴ dz, which is skew, zᴴ da z = dt + x t − t x. In a Schur form, what stands below the diagonal
# of it determines x but for its diagonal: with complex numbers the phases, which LAPACK leaves open, and 0 here.


def _below(x):
    return np.tril(x, -1)


def _eigenvectors(t):
    w, v = np.linalg.eig(t)
    return w, nan_if_singular(v)


def _schur_turn(t, m):
    """The strictly lower l with l t − t l = m below the diagonal, in the basis of the eigenvectors of t."""
    w, v = _eigenvectors(t)
    inner = quotient(_below(np.linalg.solve(v, m @ v)), gaps_between(w))
    return _below(np.linalg.solve(v.mT, (v @ inner).mT).mT)


def _schur_turn_back(t, g):
    """The transpose."""
    w, v = _eigenvectors(t)
    inner = quotient(_below(np.linalg.solve(v, (v.mT @ _below(g)).mT).mT), gaps_between(w))
    return np.linalg.solve(v.mT, inner @ v.mT)


def _schur_jvp(t, y, _a, output="real", sort=None):
    form, z = y[:2]
    m = H(z) @ t @ z
    turn = _schur_turn(form, m)
    turn = turn - H(turn)
    return (np.triu(m + form @ turn - turn @ form), z @ turn, None)[: len(y)]


def _schur_vjp(g, y, _a, output="real", sort=None):
    form, z = y[:2]
    g_form = np.triu(g[0])
    turn = z.mT @ g[1] + form.mT @ g_form - g_form @ form.mT
    return np.conjugate(z) @ (g_form + _schur_turn_back(form, turn - H(turn))) @ z.mT


_schur_core = explicit(core(scipy.linalg.schur), jvp=_schur_jvp, vjp=_schur_vjp)


def _schur(a, output="real", sort=None):
    y = _schur_core(a, output=output, sort=sort)
    if any_known(np.not_equal(np.diagonal(y[0], -1, -2, -1), 0)):
        raise NotImplementedError(
            "scipy.linalg.schur has no derivative rule for the real form of a matrix with complex eigenvalues: take "
            "output='complex'."
        )
    return y


# In a Hessenberg form a = q h qᴴ the first column of q is fixed and the subdiagonal of h real: what stands below that
# determines x, one column after the other (the implicit Q theorem: Golub and Van Loan, section 7.4.5).


def _free(x, j):
    """What of column j is determined by column j − 1 of the equation: what is below the diagonal, and its phase."""
    row = np.arange(x.shape[-2])[:, None]
    phase = np.where(row == j, 1j * x.imag, 0) if dtype_of(x).kind == "c" else 0
    return np.where(row > j, x, phase)


def _hessenberg_jvp(t, y, _a, calc_q):
    h, q = y
    m = H(q) @ t @ q
    turn = np.zeros_like(m[..., :1])
    for j in range(m.shape[-1] - 1):
        column = m[..., j : j + 1] + h @ turn[..., j:] - turn @ h[..., : j + 1, j : j + 1]
        turn = np.concatenate([turn, quotient(_free(column, j + 1), h[..., j + 1 : j + 2, j : j + 1])], -1)
    turn = turn - H(_below(turn))
    return np.triu(m + h @ turn - turn @ h, -1), q @ turn


def _times(a, b):
    """a b with 0·∞ = 0: what is below a subdiagonal of 0 has infinite slopes, and the rest of the matrix none of it."""
    a, b = a[..., None], b[..., None, :, :]
    dead = np.logical_and(np.logical_or(np.equal(a, 0), np.equal(b, 0)), np.isnan(a * b))
    return np.sum(np.where(dead, 0, a * b), -2)


def _hessenberg_vjp(g, y, _a, calc_q):
    h, q = y
    g_h = np.triu(g[0], -1)
    turn = q.mT @ g[1] + h.mT @ g_h - g_h @ h.mT
    turn, columns = turn - _below(H(turn)), [np.zeros_like(turn[..., :1])]
    for j in reversed(range(turn.shape[-1] - 1)):
        column = quotient(_free(turn[..., j + 1 :], j + 1), h[..., j + 1 : j + 2, j : j + 1])
        columns.append(column)
        turn = turn[..., : j + 1] - _times(column, h[..., : j + 1, j : j + 1].mT)
        turn = np.concatenate([turn[..., :j], turn[..., j:] + _times(h.mT, column)], -1)
    return _times(np.conjugate(q), _times(g_h + np.concatenate(columns[::-1], -1), q.mT))


_hessenberg_core = explicit(core(scipy.linalg.hessenberg), jvp=_hessenberg_jvp, vjp=_hessenberg_vjp)


def _hessenberg(a, calc_q=False):
    if a.shape[-1] > 2:
        h, q = _hessenberg_core(a, calc_q=True)
    else:
        h, q = a, np.copy(np.broadcast_to(np.identity(a.shape[-1], like=kind_of(a)), a.shape), "C")
    return (h, q) if calc_q else h


eig = public(scipy.linalg.eig, _eig, valued_by=as_in)
eigvals = public(scipy.linalg.eigvals, lambda a, **options: _eig(a, right=False, **options), valued_by=as_in)
schur = public(scipy.linalg.schur, _schur)
hessenberg = public(scipy.linalg.hessenberg, _hessenberg)

take_stacks(_right_eig, _left_eig, _schur_core, _hessenberg_core)
take_stacks(_eig_of_pair, of=(2, 2))
