"""Triangular and orthogonal factors, eigenvalues and singular values."""

import functools

import numpy as np
import scipy.linalg

from ...rule import constant, explicit
from ...rules.linalg.eigenvalues import eigh_jvp, eigh_vjp
from ...rules.linalg.factors import cholesky_jvp, cholesky_vjp, qr_jvp, qr_vjp
from ...rules.linalg.least_squares import apart, cuts
from ...rules.linalg.matrices import (
    H,
    as_read,
    beyond_rounding,
    columns,
    diagonal,
    divisor,
    eye,
    hermitian_part,
    nan_if_singular,
    quotient,
    reading,
    real,
    turned,
    uncolumns,
)
from ...rules.linalg.singular_values import gaps_of_squares, svd_jvp, svd_vjp, svdvals_jvp, svdvals_vjp
from ...tracer import dtype_of, kind_of, primitive, strip
from ..wrapping import core, public, take_stacks
from .systems import core_pinv, core_solve_triangular, right_triangular, triangular

# Triangular factors.


def _lu_parts(lu):
    """The square part of what lu_factor gives, the rows below it and the columns to its right, either none."""
    if lu.ndim < 2:
        raise NotImplementedError("lu_factor has a derivative rule for matrices, not for one axis: give it a[:, None].")
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
    """The rows of one matrix or of several in this order, or in these."""
    order = order[..., None]
    missing = x.ndim - order.ndim
    return np.take_along_axis(x[(None,) * -missing], order[(None,) * missing], -2)


def _joined(square, below, right):
    return np.concatenate([square, below], -2) if below.shape[-2] else np.concatenate([square, right], -1)


def _lu_jvp(t, y, _a):
    square, below, right = _lu_parts(y[0])
    t_square, t_below, t_right = _lu_parts(_rows(t, permutation(y[1], _a.shape[-2])))
    solve = lambda x: core_solve_triangular(square, x, 0, True, True)
    up, over = np.triu(square), _divisor(square, below)
    t_up = solve(t_square)
    inner = right_triangular(t_up, over)
    lower = np.tril(inner, -1)
    t_square = _unit_lower(square) @ lower + np.triu(t_up - lower @ up)
    t_below = right_triangular(t_below, over) - below @ np.triu(inner)
    return _joined(t_square, t_below, solve(t_right) - lower @ right), None


def _lu_vjp(g, y, _a):
    square, below, right = _lu_parts(y[0])
    g_square, g_below, g_right = _lu_parts(g[0])
    g_up, over = np.triu(g_square), _divisor(square, below)
    inner = _unit_lower(square).mT @ np.tril(g_square, -1) - g_up @ np.triu(square).mT - g_right @ right.mT
    inner = np.tril(inner, -1) - np.triu(below.mT @ g_below)
    solve = lambda x: core_solve_triangular(square, x, 1, True, True)
    c = _joined(
        solve(right_triangular(inner, over, trans=1) + g_up), right_triangular(g_below, over, trans=1), solve(g_right)
    )
    return _rows(c, np.argsort(permutation(y[1], _a.shape[-2]), -1))


def _divisor(square, below):
    """The upper factor where something is divided by it: the rows below alone by its last column."""
    return divisor(np.triu(square), last=bool(below.shape[-2]))


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
    order, x = permutation(strip(piv), packed.shape[-1]), columns(b, b)
    if not trans:
        x = triangular(packed, _rows(x, order), 0, True, True)
        return uncolumns(triangular(packed, x), b)
    x = triangular(packed, triangular(packed, x, trans), trans, True, True)
    return uncolumns(_rows(x, np.argsort(order, -1)), b)


core_cholesky = explicit(
    core(scipy.linalg.cholesky),
    jvp=lambda t, y, a, lower=False: cholesky_jvp(t, y, a, not lower),
    vjp=lambda g, y, _a, lower=False: cholesky_vjp(g, y, _a, not lower),
)


def _cholesky(a, lower=False):
    return core_cholesky(reading(a, lower), lower=lower)


_KEEPS_THE_OTHER = bool(scipy.linalg.cho_factor(np.tril(np.ones((2, 2))))[0][1, 0])  # SciPy 1.18 puts zeros there


def _cho_factor(a, lower=False):
    """The factor, and as in SciPy what the other triangle of ``a`` held."""
    factor = _cholesky(a, lower)
    return factor + (np.triu(a, 1) if lower else np.tril(a, -1)) if _KEEPS_THE_OTHER else factor, lower


def _cho_solve(c_and_lower, b):
    c, lower = c_and_lower
    x = columns(b, b)
    for trans in ("N", "C") if lower else ("C", "N"):
        x = triangular(c, x, trans, lower)
    return uncolumns(x, b)


lu_factor = public(scipy.linalg.lu_factor, _lu_factor)
lu = public(scipy.linalg.lu, _lu)
lu_solve = public(scipy.linalg.lu_solve, _lu_solve)
cholesky = public(scipy.linalg.cholesky, _cholesky, except_for=())
cho_factor = public(scipy.linalg.cho_factor, _cho_factor)
cho_solve = public(scipy.linalg.cho_solve, _cho_solve)


# Eigenvalues, singular values and what follows from them.


_eigh = explicit(
    core(scipy.linalg.eigh),
    jvp=lambda t, y, _a, lower=True, driver=None: eigh_jvp(t, y, _a),
    vjp=lambda g, y, _a, lower=True, driver=None: eigh_vjp(g, y, _a),
)


def _eigh_of_pair(a, b, lower, type, driver):
    """a v = w b v and its kin (``type`` 1, 2, 3), reduced to a problem of one matrix as LAPACK's hegst does."""
    if type not in (1, 2, 3):
        raise ValueError('"type" keyword only accepts 1, 2, and 3.')
    a, factor = as_read(a, lower), core_cholesky(as_read(b if lower else H(b)), lower=True)
    if type == 1:
        inner = H(triangular(factor, H(triangular(factor, a, lower=True)), lower=True))
    else:
        inner = H(factor) @ a @ factor
    w, v = _eigh(inner, driver=driver.replace("g", "e"))
    return w, factor @ v if type == 3 else triangular(factor, v, "C", True)


def _eigh_any(
    a, b=None, lower=True, eigvals_only=False, type=1, subset_by_index=None, subset_by_value=None, driver=None
):
    whole = subset_by_index is None and subset_by_value is None
    if b is None:
        w, v = _eigh(reading(a, lower), lower=lower, driver=driver)
    else:
        w, v = _eigh_of_pair(a, b, lower, type, driver or ("gvd" if whole else "gvx"))
    if not whole:
        w, v = subset(w, v, subset_by_index, subset_by_value)
    return w if eigvals_only else (w, v)


def subset(w, v, by_index, by_value):
    """The eigenpairs of these numbers, or with eigenvalues in this half-open interval."""
    if by_index is not None:
        first, last = by_index
        return w[..., first : last + 1], v[..., first : last + 1]
    first, last = (np.sum(np.less_equal(strip(w), bound), -1, keepdims=True) for bound in by_value)
    places = (first + np.arange(w.shape[-1]))[..., : np.max(last - first)]
    return np.take_along_axis(w, places, -1), np.take_along_axis(v, places[..., None, :], -1)


_svd_core = explicit(
    core(scipy.linalg.svd),
    jvp=lambda t, y, _a, full_matrices, lapack_driver="gesdd": svd_jvp(t, y, _a, full_matrices),
    vjp=lambda g, y, _a, full_matrices, lapack_driver="gesdd": svd_vjp(g, y, _a, full_matrices),
)
core_svdvals = explicit(core(scipy.linalg.svdvals), jvp=svdvals_jvp, vjp=svdvals_vjp)


def _svd(a, full_matrices=True, compute_uv=True, lapack_driver="gesdd"):
    if not compute_uv:
        return core_svdvals(a)
    return _svd_core(a, full_matrices, lapack_driver=lapack_driver)


# The singular vectors u of all that is not null, without the others, which need not have a derivative: with b = uᴴ a,
# of rows that are orthogonal, uᴴ du is that of the eigenvectors of b bᴴ, and the rest of du that of da bᴴ (b bᴴ)⁻¹.


def _orth_parts(u, a):
    b = H(u) @ a
    squares = np.sum(np.square(np.abs(b)), -1)
    return b, squares[..., None, :], gaps_of_squares(np.sqrt(squares))


def _orth_jvp(t, u, a, rcond=None):
    b, squares, gaps = _orth_parts(u, a)
    along = t @ H(b)
    inner = H(u) @ along
    rest = (along - u @ inner) / squares
    if cuts(lambda: a - u @ b, a, rcond):
        rest = apart(u, a)[0](t @ H(a) + a @ H(t))
    return u @ quotient(inner + H(inner), gaps) + rest


def _orth_vjp(g, u, a, rcond=None):
    b, squares, gaps = _orth_parts(u, a)
    g = np.conjugate(g)
    e = H(u) @ g
    of_gaps = quotient(e, gaps)
    within = u @ (of_gaps + H(of_gaps)) @ b
    if cuts(lambda: a - u @ b, a, rcond):
        rest = apart(u, a)[1](g)
        return np.conjugate(within + (rest + H(rest)) @ a)
    return np.conjugate(within + (g - u @ e) / squares @ b)


_orth = explicit(core(scipy.linalg.orth), jvp=_orth_jvp, vjp=_orth_vjp)


# Of a null space no basis stands out. That of SciPy is taken to turn only as far as the space makes it, as long as the
# rank stays the same: every function of the space comes out right, and of a single vector all but its phase.


def _null_space_jvp(t, y, A, rcond=None, lapack_driver="gesdd"):
    if cuts(lambda: A @ y, A, rcond):
        return apart(y, H(A))[0](H(t) @ A + H(A) @ t)
    return -core_pinv(A, rtol=rcond) @ (t @ y)


def _null_space_vjp(g, y, A, rcond=None, lapack_driver="gesdd"):
    if cuts(lambda: A @ y, A, rcond):
        rest = apart(y, H(A))[1](np.conjugate(g))
        return np.conjugate(A @ (rest + H(rest)))
    return -core_pinv(A, rtol=rcond).mT @ g @ y.mT


_null_space = explicit(core(scipy.linalg.null_space), jvp=_null_space_jvp, vjp=_null_space_vjp)


_tall_qr = explicit(core(scipy.linalg.qr), jvp=qr_jvp, vjp=qr_vjp)


@constant
def pivots(a):
    """The order in which qr with pivoting takes the columns."""
    return scipy.linalg.qr(a, mode="r", pivoting=True, check_finite=False)[1]


@functools.cache
def _gives_r_itself():
    """Whether mode="r" gives no tuple for a stack, as in SciPy before 1.18."""
    return not isinstance(scipy.linalg.qr(np.ones((1, 1, 1)), mode="r"), tuple)


def _qr(a, mode="full", pivoting=False):
    if mode not in ("full", "economic", "r"):
        raise NotImplementedError("scipy.linalg.qr has a derivative rule for the modes 'full', 'economic' and 'r'.")
    order = (pivots(a),) if pivoting else ()
    if pivoting:
        a = np.take_along_axis(a, order[0][..., None, :], -1)
    m, n = a.shape[-2:]
    q, r = _tall_qr(a[..., :m], mode="full" if mode == "full" else "economic")
    if m < n:
        r = np.concatenate([r, H(q) @ a[..., m:]], -1)
    if mode == "r" and m > n:
        r = np.concatenate([r, np.zeros((*r.shape[:-2], m - n, n), dtype_of(r))], -2)
    if mode == "r":
        return r if a.ndim > 2 and not pivoting and _gives_r_itself() else (r, *order)
    return q, r, *order


def _mirrored(x):
    """The adjoint along the other diagonal, which exchanges q r with r q."""
    return np.flip(H(x), (-2, -1))


def _rq(a, mode="full"):
    if mode not in ("full", "r", "economic"):
        raise ValueError("Mode argument should be one of ['full', 'r', 'economic']")
    q, r = _qr(_mirrored(a), "economic" if mode == "economic" else "full")
    return _mirrored(r) if mode == "r" else (_mirrored(r), _mirrored(q))


def _qr_multiply(a, c, mode="right", pivoting=False, conjugate=False):
    if mode not in ("left", "right"):
        raise ValueError(f"Mode argument can only be 'left' or 'right' but not '{mode}'")
    q, *rest = _qr(a, "economic", pivoting)
    q = np.conjugate(q) if conjugate else q
    return (q @ c if mode == "left" else c @ q), *rest


# a = l d lᴴ, or lᵀ, with l triangular but for the order of its rows, and d of blocks of one or two rows: in l⁻¹ da l⁻ᴴ
# stand dd in the blocks, and beside them l⁻¹ dl d and its adjoint.


def _beside(x, d, lower):
    """The triangle of x without the blocks of d."""
    return np.where(_blocks(d), 0, np.tril(x) if lower else np.triu(x))


def _blocks(d):
    return np.logical_or(np.not_equal(d, 0), np.eye(d.shape[-1], dtype=bool))


def _over_pivots(x, d):
    """x d⁻¹, with 0/0 = 0 where a block of one row is 0."""
    single = np.equal(np.sum(_blocks(d), -2), 1)[..., None, :]
    blocks = np.where(single, np.eye(d.shape[-1], dtype=d.dtype), d)
    return quotient(x, np.where(single, diagonal(d)[..., None, :], 1)) @ np.linalg.inv(blocks)


def _ldl_jvp(t, y, _a, lower=True, hermitian=True):
    lu, d, _ = y
    t, other = (hermitian_part(t), np.conjugate(lu)) if hermitian else ((t + t.mT) / 2, lu)
    inner = np.linalg.solve(lu, np.linalg.solve(other, t.mT).mT)
    return lu @ _over_pivots(_beside(inner, d, lower), d), np.where(_blocks(d), inner, 0), None


def _ldl_vjp(g, y, _a, lower=True, hermitian=True):
    lu, d, _ = y
    inner = np.where(_blocks(d), g[1], _over_pivots(_beside(lu.mT @ g[0], d, lower), d.mT))
    other = np.conjugate(lu) if hermitian else lu
    c = np.linalg.solve(other.mT, np.linalg.solve(lu.mT, inner).mT).mT
    return hermitian_part(c) if hermitian else (c + c.mT) / 2


_ldl = explicit(core(scipy.linalg.ldl), jvp=_ldl_jvp, vjp=_ldl_vjp)


def _ldl_of_triangle(A, lower=True, hermitian=True):
    return _ldl(reading(A, lower, H if hermitian else np.matrix_transpose), lower=lower, hermitian=hermitian)


# a = u p with p Hermitian: for h = uᴴ da, and da = du p + u dp, p dp + dp p = p h + hᴴ p, and p x + x p = h − hᴴ for
# x = uᴴ du. At singular p the slope is that which keeps the rank, and so is the slope of that.


def _in_basis(p, h, weighted):
    """``weighted`` of h and of the sums of eigenvalues λi + λj and of λi, in the basis of the eigenvectors of p."""
    values, vectors = np.linalg.eigh(p)
    values = beyond_rounding(values)
    inner, column = H(vectors) @ h @ vectors, values[..., None]
    return vectors @ weighted(inner, column + values[..., None, :], column) @ H(vectors)


@primitive
def _turn(p, h):
    """x with p x + x p = h − hᴴ."""
    return _in_basis(p, h, lambda h, sums, _: quotient(h - H(h), sums))


@primitive
def _over_sums(p, h):
    """x with p x + x p = h, for an h that is known to have nothing in the null space of p."""
    return _in_basis(p, h, lambda h, sums, _: quotient(np.where(np.equal(sums, 0), 0, h), sums))


@primitive
def _lying_left(p, h):
    """p x, the λi / (λi + λj)-th of h: no digits are lost where p is nearly singular, as they are in p times x."""
    return _in_basis(p, h, lambda h, sums, column: h * quotient(column, sums))


def _projector(p):
    """That onto the null space of p, where the slope of dp is dp p⁻¹ dp twice; and the pseudo-inverse p⁻¹."""
    inverse = np.linalg.pinv(p, hermitian=True, rtol=None)
    return eye(p) - p @ inverse, inverse


def _left_jvp(t, y, p, h):
    (null, inverse), dp = _projector(p), y + H(y)
    return _over_sums(p, t @ (h - y) - y @ t) + hermitian_part(null @ t @ inverse @ dp @ null)


def _left_vjp(g, y, p, h):
    k, (null, inverse), dp = _over_sums(p, np.conjugate(g)), _projector(p), y + H(y)
    of_null = null @ hermitian_part(np.conjugate(g)) @ null @ dp @ inverse
    return np.conjugate(k @ H(h - y) - H(y) @ k + of_null)


def _sums_vjp(g, y, p, _h):
    k = _over_sums(p, np.conjugate(g))
    return -np.conjugate(k @ H(y) + H(y) @ k)


def _of_p_and_h(function, jvp, vjp):
    """A function that is its own adjoint in h, with its rule in p."""
    along = lambda t, _y, p, _h: function(p, t)
    back = lambda g, _y, p, _h: np.conjugate(function(p, np.conjugate(g)))
    explicit(function, jvp=(jvp, along), vjp=(vjp, back))


_of_p_and_h(_lying_left, _left_jvp, _left_vjp)
_of_p_and_h(_over_sums, lambda t, y, p, _h: -_over_sums(p, t @ y + y @ t), _sums_vjp)
_of_p_and_h(
    _turn,
    lambda t, y, p, _h: -_turn(p, t @ y),
    lambda g, y, p, _h: -np.conjugate(_turn(p, np.conjugate(g)) @ H(y)),
)


def _over(x, p):
    """x p⁻¹; nan where p is singular."""
    return np.linalg.solve(nan_if_singular(p).mT, x.mT).mT


def _polar_jvp(t, y, _a):
    u, p = y
    h = H(u) @ t
    half, t_u = _lying_left(p, h), u @ _turn(p, h)
    if _a.shape[-2] > _a.shape[-1]:
        t_u = t_u + _over(t - u @ h, p)
    return t_u, half + H(half)


def _polar_vjp(g, y, _a):
    u, p = y
    g_u, g_p = (np.conjugate(part) for part in g)  # which pairs by Re tr(gᴴ t)
    e = H(u) @ g_u
    c = u @ (_turn(p, e) + _lying_left(p, g_p + H(g_p)))
    if _a.shape[-2] > _a.shape[-1]:
        c = c + _over(g_u - u @ e, p)
    return np.conjugate(c)


_tall_polar = explicit(core(scipy.linalg.polar), jvp=_polar_jvp, vjp=_polar_vjp)


def _polar(a, side="right"):
    if side not in ("right", "left"):
        raise ValueError("`side` must be either 'right' or 'left'")
    wide = a.shape[-2] < a.shape[-1]
    u, p = _tall_polar(H(a) if wide else a)
    if wide:
        u = H(u)
    if wide == (side == "left"):
        return u, p
    return u, (H(u) @ p @ u if wide else u @ p @ H(u))


def _procrustes(A, B):
    u, p = _polar(H(A) @ B)
    return u, real(np.trace(p))


@constant
def first_eigenvalue(block):
    """1 where the first eigenvalue that LAPACK finds of a 2×2 matrix is the one with +√, -1 where it is the other."""
    half = (block[0, 0] - block[1, 1]) / 2
    root = np.sqrt(half * half + block[0, 1] * block[1, 0])
    found = scipy.linalg.eigvals(block)[0] - block[1, 1] - half
    return 1 if np.abs(root - found) < np.abs(root + found) else -1


def _rsf2csf(T, Z):
    """SciPy's own rotations, from the last row up; of the two roots of each 2×2 block the one that LAPACK finds.

    They leave alone what stands below the blocks.
    """
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
            beside = np.concatenate([T[m - 1 : m + 1, : m - 1], turn @ T[m - 1 : m + 1, m - 1 :]], 1)
            T = np.concatenate([T[: m - 1], beside, T[m + 1 :]])
            below = np.concatenate([T[: m + 1, m - 1 : m + 1] @ H(turn), T[m + 1 :, m - 1 : m + 1]])
            T = np.concatenate([T[:, : m - 1], below, T[:, m + 1 :]], 1)
            Z = np.concatenate([Z[:, : m - 1], Z[:, m - 1 : m + 1] @ H(turn), Z[:, m + 1 :]], 1)
    k = np.arange(T.shape[-1], like=kind_of(T))
    return np.where(np.equal(k[:, None], k + 1), 0, T), Z


eigh = public(
    scipy.linalg.eigh,
    _eigh_any,
    except_for=("b", "eigvals_only", "subset_by_index", "subset_by_value"),
    valued_by=turned,
)
eigvalsh = public(scipy.linalg.eigvalsh, lambda a, **options: _eigh_any(a, eigvals_only=True, **options))
svd = public(scipy.linalg.svd, _svd, except_for=())
svdvals = public(scipy.linalg.svdvals, core_svdvals)
orth = public(scipy.linalg.orth, _orth)
null_space = public(scipy.linalg.null_space, _null_space)
qr = public(scipy.linalg.qr, _qr)
rq = public(scipy.linalg.rq, _rq)
qr_multiply = public(scipy.linalg.qr_multiply, _qr_multiply)
ldl = public(scipy.linalg.ldl, _ldl_of_triangle, except_for=())
polar = public(scipy.linalg.polar, _polar)
orthogonal_procrustes = public(scipy.linalg.orthogonal_procrustes, _procrustes, (2, 2))
rsf2csf = public(scipy.linalg.rsf2csf, _rsf2csf, (2, 2))

take_stacks(pivots, _eigh, _ldl, _lu_factor, core_cholesky, _orth, _svd_core, core_svdvals, _tall_qr, _tall_polar)
take_stacks(_lying_left, _over_sums, _turn, of=(2, 2))
take_stacks(permutation, of=(1,))
