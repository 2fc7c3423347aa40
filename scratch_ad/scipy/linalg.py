"""SciPy's linear algebra for tracers: what ``scratch_ad.rules.linalg`` is for NumPy's, whose rules it shares.

Formulas: beside those named there, N. J. Higham, Functions of Matrices (2008), for functions of matrices, and A. H.
Al-Mohy and N. J. Higham, Computing the Fréchet derivative of the matrix exponential (2009). A transpose pairs without
conjugation; the transpose of E ↦ L(A, E), the Fréchet derivative of a function at A, is G ↦ L(Aᵀ, G).
Hermitian arguments are given whole, and derivatives are those along Hermitian perturbations, as in JAX; of arguments
that SciPy reads as triangular, tridiagonal or diagonal, the elements that it does not read have derivative zero.
A leading ``_`` marks a function as rules call it, which does not check that its arguments are finite.
"""

import numpy as np
import scipy.linalg
from scipy.linalg import (  # noqa: F401  (these take no arrays that could be tracers)
    dft,
    find_best_blas_type,
    get_blas_funcs,
    get_lapack_funcs,
    hadamard,
    helmert,
    hilbert,
    invhilbert,
    invpascal,
    pascal,
)

from ..rule import constant, explicit, linear, rules
from ..rules.linalg import (
    H,
    _cholesky_jvp,
    _cholesky_vjp,
    _columns,
    _eigh_jvp,
    _eigh_vjp,
    _hermitian,
    _lstsq,
    _pinv_jvp,
    _pinv_vjp,
    _qr_jvp,
    _qr_vjp,
    _svd_jvp,
    _svd_vjp,
    _uncolumns,
    cofactors,
)
from ..tracer import dtype_of, primitive, scatter, strip
from ..tree import typed
from ._wrapped import constants, core, named, public, refused

# Linear systems and inverses.


def _triangle(x, lower, unit_diagonal=False):
    """What solve_triangular reads of a matrix."""
    return np.tril(x, -bool(unit_diagonal)) if lower else np.triu(x, bool(unit_diagonal))


def _triangular_a_jvp(t, y, a, b, trans=0, lower=False, unit_diagonal=False):
    t = _triangle(t, lower, unit_diagonal)
    change = (t.mT if trans else t) @ _columns(y, b)
    return _uncolumns(-_solve_triangular(a, change, trans, lower, unit_diagonal), b)


def _triangular_a_vjp(g, y, a, _b, trans=0, lower=False, unit_diagonal=False):
    c = -_solve_triangular(a, _columns(g, _b), 1 - trans, lower, unit_diagonal) @ _columns(y, _b).mT
    return _triangle(c.mT if trans else c, lower, unit_diagonal)


def _triangular_b_jvp(t, _y, a, _b, trans=0, lower=False, unit_diagonal=False):
    return _solve_triangular(a, t, trans, lower, unit_diagonal)


def _triangular_b_vjp(g, _y, a, _b, trans=0, lower=False, unit_diagonal=False):
    return _uncolumns(_solve_triangular(a, _columns(g, _b), 1 - trans, lower, unit_diagonal), _b)


_solve_triangular = explicit(
    core(scipy.linalg.solve_triangular),
    jvp=(_triangular_a_jvp, _triangular_b_jvp),
    vjp=(_triangular_a_vjp, _triangular_b_vjp),
)


def _triangular(a, b, trans=0, lower=False, unit_diagonal=False):
    """solve_triangular with aᴴ (``trans`` 2 or "C") as the transpose of the conjugate."""
    adjoint = trans in (2, "C")
    trans = 1 if adjoint else {"N": 0, "T": 1}.get(trans, trans)
    return _solve_triangular(np.conjugate(a) if adjoint else a, b, trans, lower, unit_diagonal)


def _right_triangular(x, r, trans=0):
    """x r⁻¹ for an upper triangle r, or with ``trans`` x r⁻ᵀ."""
    return _solve_triangular(r, x.mT, 1 - trans).mT


_READ = {  # what of a matrix is read under ``assume_a``
    "diagonal": lambda x: np.tril(np.triu(x)),
    "tridiagonal": lambda x: np.tril(np.triu(x, -1), 1),
    "upper triangular": np.triu,
    "lower triangular": np.tril,
}
_TRANSPOSED = {"upper triangular": "lower triangular", "lower triangular": "upper triangular"}


def _read(x, assume_a):
    return _READ[assume_a](x) if assume_a in _READ else x


def _solve_transposed(a, g, lower, assume_a):
    return _solve(a.mT, g, not lower, assume_a=_TRANSPOSED.get(assume_a, assume_a))


def _solve_a_jvp(t, y, a, b, lower=False, assume_a=None):
    return _uncolumns(-_solve(a, _read(t, assume_a) @ _columns(y, b), lower, assume_a=assume_a), b)


def _solve_a_vjp(g, y, a, _b, lower=False, assume_a=None):
    return _read(-_solve_transposed(a, _columns(g, _b), lower, assume_a) @ _columns(y, _b).mT, assume_a)


def _solve_b_vjp(g, _y, a, _b, lower=False, assume_a=None):
    return _uncolumns(_solve_transposed(a, _columns(g, _b), lower, assume_a), _b)


_solve = explicit(
    core(scipy.linalg.solve),
    jvp=(_solve_a_jvp, lambda t, _y, a, _b, lower=False, assume_a=None: _solve(a, t, lower, assume_a=assume_a)),
    vjp=(_solve_a_vjp, _solve_b_vjp),
)


def _solve_either(a, b, lower=False, assume_a=None, transposed=False):
    if transposed and dtype_of(a).kind == "c":
        raise NotImplementedError("scipy.linalg.solve of complex matrices takes no transposed=True: give it a.T.")
    solve = _solve_transposed if transposed else _solve
    return solve(typed(a), typed(b), lower, assume_a=assume_a)


_inv = explicit(
    core(scipy.linalg.inv),
    jvp=lambda t, y, _a, assume_a=None, lower=False: -y @ _read(t, assume_a) @ y,
    vjp=lambda g, y, _a, assume_a=None, lower=False: _read(-y.mT @ g @ y.mT, assume_a),
)
_det = explicit(
    core(scipy.linalg.det),
    jvp=lambda t, _y, a: np.sum(cofactors(a) * t, (-2, -1)),
    vjp=lambda g, _y, a: g[..., None, None] * cofactors(a),
)

solve_triangular = public(scipy.linalg.solve_triangular, _triangular)
solve = public(scipy.linalg.solve, _solve_either)
inv = public(scipy.linalg.inv, _inv)
det = public(scipy.linalg.det, _det)


# Triangular factors.


def _lu_parts(lu):
    """The square part of what lu_factor gives, the rows below it and the columns to its right, either none."""
    k = min(lu.shape[-2:])
    return lu[..., :k, :k], lu[..., k:, :k], lu[..., :k, k:]


@constant
def permutation(piv, rows):
    """The rows of a in the order of those of L U, from the pivots that lu_factor gives."""
    order = np.broadcast_to(np.arange(rows), (*piv.shape[:-1], rows)).copy()
    for i in range(piv.shape[-1]):
        other = piv[..., i : i + 1]
        swapped = np.take_along_axis(order, other, -1)
        np.put_along_axis(order, other, order[..., i : i + 1], -1)
        order[..., i : i + 1] = swapped
    return order


def _rows(x, order):
    return np.take(x, order, -2) if order.ndim == 1 else np.take_along_axis(x, order[..., None], -2)


def _joined(square, below, right):
    return np.concatenate([square, below], -2) if below.shape[-2] else np.concatenate([square, right], -1)


def _lu_jvp(t, y, _a):
    square, below, right = _lu_parts(y[0])
    t_square, t_below, t_right = _lu_parts(_rows(t, permutation(y[1], _a.shape[-2])))
    solve = lambda x: _solve_triangular(square, x, 0, True, True)
    inner = _right_triangular(solve(t_square), square)
    lower, upper = np.tril(inner, -1), np.triu(inner)
    t_square = _unit_lower(square) @ lower + upper @ np.triu(square)
    t_below = _right_triangular(t_below, square) - below @ upper
    return _joined(t_square, t_below, solve(t_right) - lower @ right), None


def _lu_vjp(g, y, _a):
    square, below, right = _lu_parts(y[0])
    g_square, g_below, g_right = _lu_parts(g[0])
    inner = np.tril(_unit_lower(square).mT @ np.tril(g_square, -1) - g_right @ right.mT, -1)
    inner = inner + np.triu(np.triu(g_square) @ np.triu(square).mT - below.mT @ g_below)
    solve = lambda x: _solve_triangular(square, x, 1, True, True)
    c = _joined(
        solve(_right_triangular(inner, square, trans=1)), _right_triangular(g_below, square, trans=1), solve(g_right)
    )
    return _rows(c, np.argsort(permutation(y[1], _a.shape[-2]), -1))


def _unit_lower(x):
    return np.tril(x, -1) + np.eye(x.shape[-1], dtype=dtype_of(x))


_lu_factor = explicit(core(scipy.linalg.lu_factor), jvp=_lu_jvp, vjp=_lu_vjp)


def _lu(a, permute_l=False, p_indices=False):
    packed, piv = _lu_factor(a)
    square, below, right = _lu_parts(packed)
    low, up = np.concatenate([_unit_lower(square), below], -2), np.concatenate([np.triu(square), right], -1)
    order = np.argsort(permutation(piv, a.shape[-2]), -1)
    if permute_l:
        return _rows(low, order), up
    return order if p_indices else _rows(np.eye(a.shape[-2], dtype=dtype_of(up.real)), order), low, up


def _lu_solve(lu_and_piv, b, trans=0):
    packed, piv = lu_and_piv
    b = typed(b)
    order, x = permutation(strip(piv), packed.shape[-1]), _columns(b, b)
    if not trans:
        x = _triangular(packed, _rows(x, order), 0, True, True)
        return _uncolumns(_triangular(packed, x), b)
    x = _triangular(packed, _triangular(packed, x, trans), trans, True, True)
    return _uncolumns(_rows(x, np.argsort(order, -1)), b)


_cholesky = explicit(
    core(scipy.linalg.cholesky),
    jvp=lambda t, y, a, lower=False: _cholesky_jvp(t, y, a, not lower),
    vjp=lambda g, y, _a, lower=False: _cholesky_vjp(g, y, _a, not lower),
)


def _cho_factor(a, lower=False):
    """The factor, and as in SciPy what the other triangle of ``a`` held."""
    return _cholesky(a, lower=lower) + (np.triu(a, 1) if lower else np.tril(a, -1)), lower


def _cho_solve(c_and_lower, b):
    c, lower = c_and_lower
    b = typed(b)
    x = _columns(b, b)
    for trans in ("N", "C") if lower else ("C", "N"):
        x = _triangular(c, x, trans, lower)
    return _uncolumns(x, b)


lu_factor = public(scipy.linalg.lu_factor, _lu_factor)
lu = public(scipy.linalg.lu, _lu)
lu_solve = public(scipy.linalg.lu_solve, _lu_solve)
cholesky = public(scipy.linalg.cholesky, _cholesky)
cho_factor = public(scipy.linalg.cho_factor, _cho_factor)
cho_solve = public(scipy.linalg.cho_solve, _cho_solve)


# Eigenvalues, singular values and what follows from them.


_eigh = explicit(
    core(scipy.linalg.eigh),
    jvp=lambda t, y, _a, lower=True, driver=None: _eigh_jvp(t, y, _a),
    vjp=lambda g, y, _a, lower=True, driver=None: _eigh_vjp(g, y, _a),
)


def _eigh_of_pair(a, b, lower, type, driver):
    """a v = w b v and its kin (``type`` 1, 2, 3), reduced to a problem of one matrix as LAPACK's hegst does."""
    factor = _cholesky(b if lower else H(b), lower=True)
    if type == 1:
        inner = H(_triangular(factor, H(_triangular(factor, a, lower=True)), lower=True))
    else:
        inner = H(factor) @ a @ factor
    w, v = _eigh(inner, driver=driver.replace("g", "e"))
    return w, factor @ v if type == 3 else _triangular(factor, v, "C", True)


def _eigh_any(
    a, b=None, lower=True, eigvals_only=False, type=1, subset_by_index=None, subset_by_value=None, driver=None
):
    whole = subset_by_index is None and subset_by_value is None
    if b is None:
        w, v = _eigh(a, lower=lower, driver=driver)
    else:
        w, v = _eigh_of_pair(a, b, lower, type, driver or ("gvd" if whole else "gvx"))
    if not whole:
        w, v = _subset(w, v, subset_by_index, subset_by_value)
    return w if eigvals_only else (w, v)


def _subset(w, v, by_index, by_value):
    """The eigenpairs of these numbers, or with eigenvalues in this half-open interval."""
    first, last = by_index or np.searchsorted(strip(w), by_value, "right") - (0, 1)
    return w[..., first : last + 1], v[..., first : last + 1]


_svd_core = explicit(
    core(scipy.linalg.svd),
    jvp=lambda t, y, _a, full_matrices, lapack_driver="gesdd": _svd_jvp(t, y, _a, full_matrices),
    vjp=lambda g, y, _a, full_matrices, lapack_driver="gesdd": _svd_vjp(g, y, _a, full_matrices),
)
_svdvals = core(scipy.linalg.svdvals)
_svdvals = explicit(_svdvals, rules[np.linalg.svdvals].jvps[0], rules[np.linalg.svdvals].reverse_maps[0])


def _svd(a, full_matrices=True, compute_uv=True, lapack_driver="gesdd"):
    if not compute_uv:
        return _svdvals(a)
    if full_matrices and a.shape[-2] != a.shape[-1]:
        raise NotImplementedError(
            "scipy.linalg.svd: the vectors beyond the rank are not unique and have no derivative; use "
            "full_matrices=False."
        )
    return _svd_core(a, full_matrices, lapack_driver=lapack_driver)


_economic_qr = explicit(
    core(scipy.linalg.qr),
    jvp=lambda t, y, _a, mode: _qr_jvp(t, y, _a),
    vjp=lambda g, y, _a, mode: _qr_vjp(g, y, _a),
)


def _qr(a, mode="full", pivoting=False):
    if mode not in ("full", "economic", "r"):
        raise NotImplementedError("scipy.linalg.qr has a derivative rule for the modes 'full', 'economic' and 'r'.")
    order = ()
    if pivoting:
        order = (scipy.linalg.qr(strip(a), mode="r", pivoting=True)[1],)
        a = np.take_along_axis(a, order[0][..., None, :], -1)
    m, n = a.shape[-2:]
    if mode == "full" and m > n:
        raise NotImplementedError(
            "scipy.linalg.qr: the columns of q beyond those of a are not unique and have no derivative; use "
            "mode='economic' or 'r'."
        )
    q, r = _economic_qr(a[..., :m], mode="economic")
    if m < n:
        r = np.concatenate([r, H(q) @ a[..., m:]], -1)
    if mode == "r" and m > n:
        r = np.concatenate([r, np.zeros((*r.shape[:-2], m - n, n), dtype_of(r))], -2)
    return ((r,) if mode == "r" else (q, r)) + order


# a = u p with p Hermitian: p dp + dp p = d(aᴴ a) and da = du p + u dp.


def _polar_jvp(t, y, _a):
    u, p = y
    change = p @ (H(u) @ t)
    t_p = solve_sylvester(p, p, change + H(change))
    return np.linalg.solve(p.mT, (t - u @ t_p).mT).mT, t_p


def _polar_vjp(g, y, _a):
    u, p = y
    g_u = np.linalg.solve(p.mT, np.conjugate(g[0]).mT).mT  # the rest pairs by Re tr(gᴴ t)
    inner = solve_sylvester(p, p, np.conjugate(g[1]) - H(u) @ g_u)
    return np.conjugate(g_u + u @ (p @ (inner + H(inner))))


_tall_polar = explicit(core(scipy.linalg.polar), jvp=_polar_jvp, vjp=_polar_vjp)


def _polar(a, side="right"):
    wide = a.shape[-2] < a.shape[-1]
    u, p = _tall_polar(H(a) if wide else a)
    if wide:
        u = H(u)
    if wide == (side == "left"):
        return u, p
    return u, (H(u) @ p @ u if wide else u @ p @ H(u))


def _procrustes(A, B):
    inner = H(A) @ B
    return _polar(inner)[0], np.sum(_svdvals(inner))


@constant
def first_eigenvalue(block):
    """Whether the first eigenvalue of a 2×2 matrix that LAPACK finds has the square root's sign, or its opposite (-1)."""
    half = (block[0, 0] - block[1, 1]) / 2
    root = np.sqrt(half * half + block[0, 1] * block[1, 0])
    found = scipy.linalg.eigvals(block)[0] - block[1, 1] - half
    return 1 if np.abs(root - found) < np.abs(root + found) else -1


def _rsf2csf(T, Z):
    """SciPy's own rotations, from the last row up; of the two roots of each 2×2 block the one that LAPACK finds."""
    kind = np.result_type(T.dtype, Z.dtype, np.complex64)
    T, Z = T.astype(kind), Z.astype(kind)
    for m in range(T.shape[-1] - 1, 0, -1):
        block = T[m - 1 : m + 1, m - 1 : m + 1]
        plain = strip(block)
        if np.abs(plain[1, 0]) > np.finfo(float).eps * (np.abs(plain[0, 0]) + np.abs(plain[1, 1])):
            half = (block[0, 0] - block[1, 1]) / 2
            root = np.sqrt(half * half + block[0, 1] * block[1, 0])
            mu = half + root * first_eigenvalue(block)
            s = block[1, 0]
            r = np.sqrt(mu * np.conjugate(mu) + s * np.conjugate(s))
            c, s = mu / r, s / r
            turn = np.stack([np.stack([np.conjugate(c), s]), np.stack([-s, c])])
            T = np.concatenate([T[: m - 1], turn @ T[m - 1 : m + 1], T[m + 1 :]])
            T = np.concatenate([T[:, : m - 1], T[:, m - 1 : m + 1] @ H(turn), T[:, m + 1 :]], 1)
            Z = np.concatenate([Z[:, : m - 1], Z[:, m - 1 : m + 1] @ H(turn), Z[:, m + 1 :]], 1)
    return np.triu(T), Z


eigh = public(scipy.linalg.eigh, _eigh_any)
eigvalsh = public(scipy.linalg.eigvalsh, lambda a, **options: _eigh_any(a, eigvals_only=True, **options))
svd = public(scipy.linalg.svd, _svd)
svdvals = public(scipy.linalg.svdvals, _svdvals)
qr = public(scipy.linalg.qr, _qr)
polar = public(scipy.linalg.polar, _polar)
orthogonal_procrustes = public(scipy.linalg.orthogonal_procrustes, _procrustes)
rsf2csf = public(scipy.linalg.rsf2csf, _rsf2csf)


# Matrix equations.


_solve_sylvester = explicit(
    core(scipy.linalg.solve_sylvester),
    jvp=(
        lambda t, y, a, b, _q: -_solve_sylvester(a, b, t @ y),
        lambda t, y, a, b, _q: -_solve_sylvester(a, b, y @ t),
        lambda t, _y, a, b, _q: _solve_sylvester(a, b, t),
    ),
    vjp=(
        lambda g, y, a, b, _q: -_solve_sylvester(a.mT, b.mT, g) @ y.mT,
        lambda g, y, a, b, _q: -y.mT @ _solve_sylvester(a.mT, b.mT, g),
        lambda g, _y, a, b, _q: _solve_sylvester(a.mT, b.mT, g),
    ),
)


# x = a x aᴴ + q.


def _discrete_a_jvp(t, y, a, _q, method=None):
    return _solve_discrete(a, t @ y @ H(a) + a @ y @ H(t), method)


def _discrete_a_vjp(g, y, a, _q, method=None):
    inner = _solve_discrete(H(a), np.conjugate(g), method)
    return np.conjugate(inner @ a @ H(y) + H(inner) @ a @ y)


_solve_discrete = explicit(
    core(scipy.linalg.solve_discrete_lyapunov),
    jvp=(_discrete_a_jvp, lambda t, _y, a, _q, method=None: _solve_discrete(a, t, method)),
    vjp=(_discrete_a_vjp, lambda g, _y, a, _q, method=None: _solve_discrete(a.mT, g, method)),
)

# Riccati equations. With the gain k and the closed loop f = a − b k, the derivative of x along each argument solves a
# Lyapunov equation of fᴴ whose right side is a change of the equation; m is x, or x f in discrete time.


def _with_adjoint(x):
    return x + H(x)


_CHANGES = (  # along a, b, q and r
    lambda t, m, k: _with_adjoint(H(m) @ t),
    lambda t, m, k: -_with_adjoint(H(m) @ t @ k),
    lambda t, m, k: t,
    lambda t, m, k: H(k) @ t @ k,
)
_SHARES = (
    lambda inner, m, k: m @ _with_adjoint(inner),
    lambda inner, m, k: -m @ _with_adjoint(inner) @ H(k),
    lambda inner, m, k: inner,
    lambda inner, m, k: k @ inner @ H(k),
)


def _continuous(x, a, b, r):
    """m, k, and the solution of the Lyapunov equation of fᴴ and of that of f."""
    k = np.linalg.solve(r, H(b) @ x)
    f = a - b @ k
    return x, k, lambda q: -_lyapunov(H(f), q), lambda q: -_lyapunov(f, q)


def _discrete(x, a, b, r):
    k = np.linalg.solve(r + H(b) @ x @ b, H(b) @ x @ a)
    f = a - b @ k
    return x @ f, k, lambda q: _solve_discrete(H(f), q), lambda q: _solve_discrete(f, q)


def _riccati_core(function, linearized):
    def forward(change):
        def jvp(t, y, a, b, q, r):
            m, k, along, _ = linearized(y, a, b, r)
            return along(change(t, m, k))

        return jvp

    def backward(share):
        def vjp(g, y, a, b, q, r):
            m, k, _, along = linearized(y, a, b, r)
            return np.conjugate(share(along(np.conjugate(g)), m, k))

        return vjp

    return explicit(core(function), jvp=tuple(map(forward, _CHANGES)), vjp=tuple(map(backward, _SHARES)))


def _lyapunov(a, q):
    return _solve_sylvester(a, H(a), q)


def _riccati(solve):
    """The equation with the cross term s taken into a and q."""

    def body(a, b, q, r, e=None, s=None, balanced=True):
        if e is not None or not balanced:
            raise NotImplementedError("Riccati equations have no derivative rule for e or balanced=False.")
        if s is not None:
            gain = np.linalg.solve(r, H(s))
            a, q = a - b @ gain, q - s @ gain
        return solve(a, b, q, r)

    return body


solve_sylvester = public(scipy.linalg.solve_sylvester, _solve_sylvester)
solve_continuous_lyapunov = public(scipy.linalg.solve_continuous_lyapunov, _lyapunov)
solve_lyapunov = solve_continuous_lyapunov
solve_discrete_lyapunov = public(scipy.linalg.solve_discrete_lyapunov, _solve_discrete)
_continuous_are = _riccati_core(scipy.linalg.solve_continuous_are, _continuous)
_discrete_are = _riccati_core(scipy.linalg.solve_discrete_are, _discrete)
solve_continuous_are = public(scipy.linalg.solve_continuous_are, _riccati(_continuous_are))
solve_discrete_are = public(scipy.linalg.solve_discrete_are, _riccati(_discrete_are))


# Functions of matrices.


def _blocks(a, e):
    """[[a, e], [0, a]]; a function of it has the function's Fréchet derivative at a along e in its upper right."""
    return np.concatenate([np.concatenate([a, e], -1), np.concatenate([np.zeros_like(a), a], -1)], -2)


def _upper_right(x):
    n = x.shape[-1] // 2
    return x[..., :n, n:]


@primitive
def frechet(a, e):
    """The Fréchet derivative of the exponential at a along e."""
    return scipy.linalg.expm_frechet(a, e, compute_expm=False, check_finite=False)


def _second_frechet(a, e, f):
    """Its derivative along f, symmetric in e and f."""
    return _upper_right(frechet(_blocks(a, e), _blocks(f, np.zeros_like(f))))


explicit(
    frechet,
    jvp=(lambda t, _y, a, e: _second_frechet(a, e, t), lambda t, _y, a, _e: frechet(a, t)),
    vjp=(lambda g, _y, a, e: _second_frechet(a.mT, e.mT, g), lambda g, _y, a, _e: frechet(a.mT, g)),
)
_expm = explicit(core(scipy.linalg.expm), jvp=lambda t, _y, A: frechet(A, t), vjp=lambda g, _y, A: frechet(A.mT, g))


def _expm_frechet(A, E, method=None, compute_expm=True):
    A, E = typed(A), typed(E)
    return (_expm(A), frechet(A, E)) if compute_expm else frechet(A, E)


_sqrtm = explicit(
    core(scipy.linalg.sqrtm),
    jvp=lambda t, y, _A: _solve_sylvester(y, y, t),
    vjp=lambda g, y, _A: _solve_sylvester(y.mT, y.mT, g),
)
_logm = explicit(
    core(scipy.linalg.logm),
    jvp=lambda t, _y, A: _upper_right(_logm(_blocks(A, t))),
    vjp=lambda g, _y, A: _upper_right(_logm(_blocks(A.mT, g))),
)
_fractional_power = explicit(
    core(scipy.linalg.fractional_matrix_power),
    jvp=(lambda t, _y, A, p: _upper_right(_fractional_power(_blocks(A, t), p)), lambda t, y, A, p: t * (_logm(A) @ y)),
    vjp=(
        lambda g, _y, A, p: _upper_right(_fractional_power(_blocks(A.mT, g), p)),
        lambda g, y, A, p: np.sum(g * (_logm(A) @ y)),
    ),
)


def _signm_vjp(g, y, A):
    inner = _solve_sylvester((y @ A).mT, (y @ A).mT, g)
    return inner - y.mT @ inner @ y.mT


_signm = explicit(
    core(scipy.linalg.signm),
    jvp=lambda t, y, A: _solve_sylvester(y @ A, y @ A, t - y @ t @ y),
    vjp=_signm_vjp,
)


def _cosm(A):
    return (_expm(1j * A) + _expm(-1j * A)) / 2 if dtype_of(A).kind == "c" else _expm(1j * A).real


def _sinm(A):
    return (_expm(1j * A) - _expm(-1j * A)) / 2j if dtype_of(A).kind == "c" else _expm(1j * A).imag


def _coshm(A):
    return (_expm(A) + _expm(-A)) / 2


def _sinhm(A):
    return (_expm(A) - _expm(-A)) / 2


expm = public(scipy.linalg.expm, _expm)
expm_frechet = public(scipy.linalg.expm_frechet, _expm_frechet)
sqrtm = public(scipy.linalg.sqrtm, _sqrtm)
logm = public(scipy.linalg.logm, _logm)
signm = public(scipy.linalg.signm, _signm)
fractional_matrix_power = public(scipy.linalg.fractional_matrix_power, lambda A, t: _fractional_power(A, t))
cosm = public(scipy.linalg.cosm, _cosm)
sinm = public(scipy.linalg.sinm, _sinm)
tanm = public(scipy.linalg.tanm, lambda A: _solve(_cosm(A), _sinm(A)))
coshm = public(scipy.linalg.coshm, _coshm)
sinhm = public(scipy.linalg.sinhm, _sinhm)
tanhm = public(scipy.linalg.tanhm, lambda A: _solve(_coshm(A), _sinhm(A)))


# Structured matrices and systems.


def _differences(rows, columns):
    """i − j."""
    return np.arange(rows)[:, None] - np.arange(columns)


def _toeplitz(c, r=None):
    c = np.atleast_1d(typed(c))
    r = np.conjugate(c) if r is None else np.atleast_1d(typed(r))
    values = np.concatenate([np.flip(r[..., 1:], -1), c], -1)
    return values[..., r.shape[-1] - 1 + _differences(c.shape[-1], r.shape[-1])]


def _hankel(c, r=None):
    c = typed(c)
    r = np.zeros_like(c) if r is None else typed(r)
    if c.ndim > 1 or r.ndim > 1:
        raise NotImplementedError("scipy.linalg.hankel has a derivative rule for one-dimensional arguments.")
    return np.concatenate([c, r[1:]])[np.arange(c.size)[:, None] + np.arange(r.size)]


def _circulant(c):
    c = np.atleast_1d(typed(c))
    n = c.shape[-1]
    return c[..., _differences(n, n) % n]


def _companion(a):
    companion(strip(a))  # for its errors
    row = -a[..., 1:] / a[..., :1]
    ones = np.eye(row.shape[-1], dtype=row.dtype)[:-1]
    return np.concatenate([row[..., None, :], np.broadcast_to(ones, (*row.shape[:-1], *ones.shape))], -2)


def _leslie(f, s):
    f, s = typed(f), typed(s)
    leslie(strip(f), strip(s))  # for its errors
    n, k = f.shape[-1], np.arange(s.shape[-1])
    first, below = (..., 0, slice(None)), (..., k + 1, k)
    return scatter(f, first, (*f.shape[:-1], n, n)) + scatter(s, below, (*s.shape[:-1], n, n))


def _fiedler(a):
    a = np.atleast_1d(typed(a))
    return np.abs(a[..., :, None] - a[..., None, :])


def _fiedler_companion(a):
    fiedler_companion(strip(a))  # for its errors
    n, k = a.shape[-1] - 1, np.arange(2, a.shape[-1])
    rows, columns = np.append(0, k - 1 - (k % 2 == 0)), np.append(0, k - 1 - (k % 2))
    ones = scipy.linalg.fiedler_companion(np.eye(1, n + 1, dtype=a.dtype)[0])
    return ones + scatter(-a[..., 1:] / a[..., :1], (..., rows, columns), (*a.shape[:-1], n, n))


def _convolution_matrix(a, n, mode="full"):
    a = typed(a)
    convolution_matrix(strip(a), n, mode)  # for its errors
    length = a.shape[-1]
    trim = 0 if mode == "full" else min(n, length) - 1
    before = trim // 2 if mode == "same" else trim
    k = before + _differences(length + n - 1 - trim - (trim if mode == "valid" else 0), n)
    return np.where((k >= 0) & (k < length), a[..., np.clip(k, 0, length - 1)], 0)


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
    diagsvd(strip(s), M, N)  # for its errors
    k = np.arange(s.shape[-1])
    return scatter(s, (..., k, k), (*s.shape[:-1], M, N))


toeplitz = public(scipy.linalg.toeplitz, _toeplitz)
hankel = public(scipy.linalg.hankel, _hankel)
circulant = public(scipy.linalg.circulant, _circulant)
companion = public(scipy.linalg.companion, _companion)
leslie = public(scipy.linalg.leslie, _leslie)
fiedler = public(scipy.linalg.fiedler, _fiedler)
fiedler_companion = public(scipy.linalg.fiedler_companion, _fiedler_companion)
convolution_matrix = public(scipy.linalg.convolution_matrix, _convolution_matrix)
block_diag = named(linear(scipy.linalg.block_diag, _block_diag_transpose, jointly=True))
khatri_rao = public(scipy.linalg.khatri_rao, _khatri_rao)
diagsvd = public(scipy.linalg.diagsvd, _diagsvd)


# Least squares and norms.


_pinv = explicit(
    core(scipy.linalg.pinv),
    jvp=lambda t, y, a, atol=None, rtol=None: _pinv_jvp(t, y, a),
    vjp=lambda g, y, a, atol=None, rtol=None: _pinv_vjp(g, y, a),
)
_pinvh = explicit(
    core(scipy.linalg.pinvh),
    jvp=lambda t, y, a, atol=None, rtol=None, lower=True: _pinv_jvp(_hermitian(t), y, a),
    vjp=lambda g, y, a, atol=None, rtol=None, lower=True: _hermitian(_pinv_vjp(g, y, a)),
)


def _with_rank(function, pseudo_inverse):
    """``function``, and the rank where it is asked for."""

    def body(a, return_rank=False, **options):
        y = pseudo_inverse(a, **options)
        return (y, function(strip(a), return_rank=True, **options)[1]) if return_rank else y

    return body


def _least_squares(a, b, cond=None, lapack_driver=None):
    a, b = typed(a), typed(b)
    cond = np.finfo(np.result_type(a.dtype, b.dtype)).eps if cond is None else cond
    x, residuals, rank, s = _lstsq(a, b, cond)
    if lapack_driver == "gelsy":
        return x, np.empty(0, dtype_of(x)), rank, None
    return x, residuals.reshape(b.shape[1:]) if residuals.size else residuals, rank, s


pinv = public(scipy.linalg.pinv, _with_rank(scipy.linalg.pinv, _pinv))
pinvh = public(scipy.linalg.pinvh, _with_rank(scipy.linalg.pinvh, _pinvh))
lstsq = public(scipy.linalg.lstsq, _least_squares)
norm = public(scipy.linalg.norm, lambda a, **options: np.linalg.norm(a, **options))


# Matrices given by their diagonals: ab[u + i − j, j] = a[i, j] with u diagonals above the main one.


def _shifted(x, by):
    """The elements along the first axis moved ``by`` places, zeros where none came from."""
    if not by:
        return x
    zeros = np.zeros((min(abs(by), x.shape[0]), *x.shape[1:]), dtype_of(x))
    return np.concatenate([zeros, x[:-by]]) if by > 0 else np.concatenate([x[-by:], zeros])


def _band_transposed(l_and_u, ab):
    low, up = l_and_u
    return (up, low), np.stack([_shifted(ab[up + d], d) for d in range(low, -up - 1, -1)])


def _band_product(l_and_u, ab, x):
    low, up = l_and_u
    return sum(_shifted((ab[up + d] * x.T).T, d) for d in range(-up, low + 1))


def _banded_ab_jvp(t, y, l_and_u, ab, _b):
    return -_solve_banded(l_and_u, ab, _band_product(l_and_u, t, y))


def _banded_ab_vjp(g, y, l_and_u, ab, _b):
    (low, up), inner = l_and_u, _banded_b_vjp(g, y, l_and_u, ab, _b)
    rows = [-(_shifted(inner, -d) * y) for d in range(-up, low + 1)]
    return np.stack([row if row.ndim == 1 else np.sum(row, 1) for row in rows])


def _banded_b_vjp(g, _y, l_and_u, ab, _b):
    return _solve_banded(*_band_transposed(l_and_u, ab), g)


_solve_banded = explicit(
    core(scipy.linalg.solve_banded),
    jvp=(None, _banded_ab_jvp, lambda t, _y, l_and_u, ab, _b: _solve_banded(l_and_u, ab, t)),
    vjp=(None, _banded_ab_vjp, _banded_b_vjp),
)


def _whole_band(ab, lower):
    """All diagonals of a Hermitian matrix, from those above or below."""
    n = len(ab) - 1
    if lower:
        return np.stack([_shifted(np.conjugate(ab[k]), k) for k in range(n, 0, -1)] + [ab[k] for k in range(n + 1)])
    below = [_shifted(np.conjugate(ab[n - k]), -k) for k in range(1, n + 1)]
    return np.stack([ab[k] for k in range(n + 1)] + below)


def _solveh_banded(ab, b, lower=False):
    n = len(ab) - 1
    return _solve_banded((n, n), _whole_band(ab, lower), typed(b))


def _cho_solve_banded(cb_and_lower, b):
    cb, lower = cb_and_lower
    n = len(cb) - 1
    factor = (n, 0) if lower else (0, n), cb
    adjoint = _band_transposed(factor[0], np.conjugate(cb))
    for system in (factor, adjoint) if lower else (adjoint, factor):
        b = _solve_banded(*system, typed(b))
    return b


def _places(rows, n, lower):
    """Where the elements of a band stand in its matrix, as far as they do, and which those are."""
    k, j = np.arange(rows)[:, None], np.arange(n)
    i = j + (k if lower else k - rows + 1)
    within = (i >= 0) & (i < n)
    return within, (i[within], np.broadcast_to(j, i.shape)[within])


def _eig_banded_jvp(t, y, _a, lower=False):
    within, places = _places(*_a.shape, lower)
    half = scatter(t[within], places, (_a.shape[1],) * 2)
    return _eigh_jvp(half + H(np.tril(half, -1) + np.triu(half, 1)), y, _a)


def _eig_banded_vjp(g, y, _a, lower=False):
    within, places = _places(*_a.shape, lower)
    c = _eigh_vjp(g, y, _a)[places]
    return scatter(np.where(places[0] == places[1], c, 2 * c), within, _a.shape)


_eig_banded = explicit(core(scipy.linalg.eig_banded), jvp=_eig_banded_jvp, vjp=_eig_banded_vjp)


def _tridiagonal_jvp(offset):
    def jvp(t, y, d, e, lapack_driver="auto"):
        k = np.arange(t.shape[0])
        t = scatter(t, (k + offset, k), (d.shape[0],) * 2)
        return _eigh_jvp(t + t.mT if offset else t, y, d)

    return jvp


_eigh_tridiagonal = explicit(
    core(scipy.linalg.eigh_tridiagonal),
    jvp=(_tridiagonal_jvp(0), _tridiagonal_jvp(1)),
    vjp=(
        lambda g, y, _d, _e, lapack_driver="auto": np.diagonal(_eigh_vjp(g, y, _d)),
        lambda g, y, _d, _e, lapack_driver="auto": 2 * np.diagonal(_eigh_vjp(g, y, _d), 1),
    ),
)


def _selected(y, eigvals_only, select, select_range):
    w, v = y
    if select not in ("a", "all", 0):
        by_value = select in ("v", "value", 1)
        w, v = _subset(w, v, *((None, select_range) if by_value else (select_range, None)))
    return w if eigvals_only else (w, v)


def _banded_pairs(a_band, lower=False, eigvals_only=False, select="a", select_range=None, max_ev=0):
    return _selected(_eig_banded(a_band, lower=lower), eigvals_only, select, select_range)


def _tridiagonal_pairs(d, e, eigvals_only=False, select="a", select_range=None, tol=0.0, lapack_driver="auto"):
    whole = lapack_driver in ("stemr", "stev", "stevd")  # the drivers that give vectors of all eigenvalues
    y = _eigh_tridiagonal(typed(d), typed(e), lapack_driver=lapack_driver if whole else "auto")
    return _selected(y, eigvals_only, select, select_range)


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
    return _toeplitz_product(c, r, typed(x).T).T


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
    if c.ndim > 1 or r.ndim > 1 or np.ndim(b) > 2:
        raise NotImplementedError("scipy.linalg.solve_toeplitz has a derivative rule for one matrix at a time.")
    return toeplitz_solution(c, r, typed(b))


def _solve_circulant(c, b, singular="raise", tol=None, caxis=-1, baxis=0, outaxis=0):
    c, b = np.atleast_1d(typed(c)), np.atleast_1d(typed(b))
    solve_circulant(strip(c), strip(b), singular, tol, caxis, baxis, outaxis)  # for its errors
    of_c, of_b = np.fft.fft(np.moveaxis(c, caxis, -1)), np.fft.fft(np.moveaxis(b, baxis, -1))
    size = np.abs(strip(of_c))
    tol = np.max(size, -1, keepdims=True) * size.shape[-1] * np.finfo(float).eps if tol is None else tol
    zero = np.less_equal(size, tol)
    x = np.fft.ifft(np.where(zero, 0, of_b / np.where(zero, 1, of_c)))
    return np.moveaxis(x if "c" in (dtype_of(c).kind, dtype_of(b).kind) else x.real, -1, outaxis)


solve_banded = public(scipy.linalg.solve_banded, _solve_banded)
solveh_banded = public(scipy.linalg.solveh_banded, _solveh_banded)
cho_solve_banded = public(scipy.linalg.cho_solve_banded, _cho_solve_banded)
eig_banded = public(scipy.linalg.eig_banded, _banded_pairs)
eigvals_banded = public(
    scipy.linalg.eigvals_banded, lambda a, **options: _banded_pairs(a, eigvals_only=True, **options)
)
eigh_tridiagonal = public(scipy.linalg.eigh_tridiagonal, _tridiagonal_pairs)
eigvalsh_tridiagonal = public(
    scipy.linalg.eigvalsh_tridiagonal, lambda d, e, **options: _tridiagonal_pairs(d, e, eigvals_only=True, **options)
)
matmul_toeplitz = public(scipy.linalg.matmul_toeplitz, _matmul_toeplitz)
solve_toeplitz = public(scipy.linalg.solve_toeplitz, _solve_toeplitz)
solve_circulant = public(scipy.linalg.solve_circulant, _solve_circulant)


# Without a derivative.

bandwidth, ishermitian, issymmetric = constants(
    scipy.linalg.bandwidth, scipy.linalg.ishermitian, scipy.linalg.issymmetric
)
null_space, orth, cossin, clarkson_woodruff_transform = refused(
    "its result is one of many bases, or drawn at random; write what is unique, such as a projector, in other functions",
    *(scipy.linalg.null_space, scipy.linalg.orth, scipy.linalg.cossin, scipy.linalg.clarkson_woodruff_transform),
)
eig, eigvals = refused(
    "it has no rule so far; use np.linalg.eig or eigvals, or eigh for Hermitian matrices",
    *(scipy.linalg.eig, scipy.linalg.eigvals),
)
schur, hessenberg, ldl, rq, qr_multiply, qz, ordqz, cdf2rdf, funm = refused(
    "it has no rule so far; use eigh, qr, lu or one of the functions of matrices",
    *(scipy.linalg.schur, scipy.linalg.hessenberg, scipy.linalg.ldl, scipy.linalg.rq, scipy.linalg.qr_multiply),
    *(scipy.linalg.qz, scipy.linalg.ordqz, scipy.linalg.cdf2rdf, scipy.linalg.funm),
)
qr_delete, qr_insert, qr_update = refused(
    "it updates a factorization; differentiate the factorization of the changed matrix instead",
    *(scipy.linalg.qr_delete, scipy.linalg.qr_insert, scipy.linalg.qr_update),
)
cholesky_banded, subspace_angles, matrix_balance, expm_cond = refused(
    "it has no rule so far; write it in functions that have one, such as cholesky, svdvals or expm_frechet",
    *(scipy.linalg.cholesky_banded, scipy.linalg.subspace_angles),
    *(scipy.linalg.matrix_balance, scipy.linalg.expm_cond),
)
