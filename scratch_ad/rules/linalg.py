"""Norms, determinants, inverses, linear systems and matrix decompositions.

Formulas: M. B. Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation
(2008); G. H. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate (1973); for complex matrices the same with conjugates. ``H(x)`` is the conjugate transpose.
The functions of Hermitian matrices (``cholesky``, ``eigh``, ``eigvalsh``) are differentiated, as in JAX, as functions
of the Hermitian part of their argument. Where eigenvalues or singular values coincide, the vectors have no derivative:
what depends on it comes out as nan or inf, what does not (any function of the values) comes out right.
"""

import math
import operator
from functools import reduce

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..rule import composite, constant, explicit, primitive
from ..tracer import astype, dtype_of, kind_of, strip
from ..tree import typed
from .reductions import with_axes


def H(x):
    """The conjugate transpose."""
    return np.conjugate(x.mT) if dtype_of(x).kind == "c" else x.mT


def _real(x):
    return x.real if dtype_of(x).kind == "c" else x


def hermitian_part(x):
    """The nearest Hermitian matrix."""
    return (x + H(x)) / 2


def diagonal(x):
    """Of one matrix or of each of a stack."""
    return np.diagonal(x, 0, -2, -1)


def _eye(x):
    """The real identity matrix that fits the matrix or vector x."""
    return np.identity(x.shape[-1], np.finfo(x.dtype).dtype, like=kind_of(x))


def quotient(x, d):
    """x/d, with 0/0 = 0."""
    return x / np.where(np.logical_and(np.equal(x, 0), np.equal(d, 0)), np.inf, d)


def gaps_between(w):
    """w[j] − w[i], and ∞ on the diagonal."""
    return np.where(np.identity(w.shape[-1], bool, like=kind_of(w)), np.inf, w[..., None, :] - w[..., :, None])


# Norms. The argument is scaled to a largest element of ±1 first (for negative p to a smallest one), so that nothing
# overflows or underflows on the way; where the norm is 0 its derivative is 0, the subgradient of least norm; where it
# is ∞ that of its infinite elements.


@primitive
def p_norm(x, ord, axis, keepdims):
    """np.linalg.norm where it is (Σ |x|ᵖ)^(1/p)."""
    return np.linalg.norm(x, ord, axis, keepdims)


def direction(x, ord, axis):
    """∂‖x‖/∂x = x̄/|x| (|x|/‖x‖)^(p−1)."""
    x = typed(x)
    top, start = (np.max, 0) if ord is None or isinstance(ord, str) or ord > 0 else (np.min, np.inf)
    unit = top(np.abs(strip(x)), axis, keepdims=True, initial=start)
    x = np.where(np.isinf(x), np.sign(x) if start == 0 else 0, x / np.where(np.equal(unit, 0), np.inf, unit))
    if ord in (None, 2, "f", "fro"):
        total = np.sum(
            np.square(x) if x.dtype.kind != "c" else np.square(x.real) + np.square(x.imag), axis, keepdims=True
        )
        return np.conjugate(x) / np.sqrt(np.where(np.equal(total, 0), 1, total))
    zero = np.equal(x, 0)
    size = np.abs(np.where(zero, 1, x))
    total = np.sum(np.where(zero, 0, size**ord), axis, keepdims=True)
    slope = (size / np.where(np.equal(total, 0), 1, total) ** (1 / ord)) ** (ord - 1)
    return np.where(zero, 0, np.conjugate(x) / size * slope)


explicit(
    p_norm,
    jvp=lambda t, _y, x, ord, axis, keepdims: np.sum(_real(t * direction(x, ord, axis)), axis, keepdims=keepdims),
    vjp=lambda g, _y, x, ord, axis, keepdims: with_axes(g, np.shape(x), axis) * direction(x, ord, axis),
)


def _norm(x, ord=None, axis=None, keepdims=False):
    x = typed(x)
    if isinstance(axis, tuple) and len(axis) > 2:
        raise ValueError("Improper number of dimensions to norm.")
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if (axis is None and ord is None) or (len(axes) == 2 and ord in (None, "f", "fro")):
        return p_norm(x, ord, axis, keepdims)
    if len(axes) == 1:
        return _vector_norm_along(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    m = np.moveaxis(x, axes, (-2, -1))
    least = {} if m.size else {"initial": 0.0}
    if ord == "nuc":
        y = nuclear_norm(m)
    elif ord in (2, -2):
        s = np.linalg.svdvals(m)
        y = np.max(s, -1, **least) if ord == 2 else np.min(s, -1)
    elif ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(m), -2 if abs(ord) == 1 else -1)
        y = np.max(sums, -1, **least) if ord > 0 else np.min(sums, -1)
    else:
        raise ValueError("Invalid norm order for matrices.")
    return np.expand_dims(y, axes) if keepdims else y


# The nuclear norm, the sum of the singular values, is smooth at every matrix of full rank, whatever values coincide:
# its derivatives do without singular vectors. Where the rank is less, the subgradient of least norm is taken.


@primitive
def nuclear_norm(a):
    return np.sum(np.linalg.svdvals(a), -1)


@primitive
def polar(a):
    """The unitary polar factor, u vᴴ of the singular vectors; those beyond the rank left out."""
    u, s, vh = _finite_svd(a, full_matrices=False)
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
    jvp=lambda t, _y, a: np.sum(_real(t * np.conjugate(polar(a))), (-2, -1)),
    vjp=lambda g, _y, a: g[..., None, None] * np.conjugate(polar(a)),
)
explicit(polar, jvp=_polar_along, vjp=lambda g, y, a: np.conjugate(_polar_along(np.conjugate(g), y, a)))
explicit(
    sylvester,
    jvp=(lambda t, y, h, _c: -sylvester(h, t @ y + y @ t), lambda t, _y, h, _c: sylvester(h, t)),
    vjp=(_sylvester_h_vjp, lambda g, _y, h, _c: np.conjugate(sylvester(h, np.conjugate(g)))),
)


def _vector_norm_along(x, ord, axis, keepdims):
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord == 0:
        return np.sum(astype(np.not_equal(x, 0), x.real.dtype), axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis, keepdims=keepdims)
    if ord == np.inf:
        return np.max(np.abs(x), axis, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return np.min(np.abs(x), axis, keepdims=keepdims)
    return p_norm(x, ord, axis, keepdims)


def _vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    if isinstance(axis, int):
        return np.linalg.norm(x, ord, axis, keepdims)
    x = typed(x)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    flat = np.moveaxis(x, axes, range(len(axes))).reshape(-1, *(n for i, n in enumerate(x.shape) if i not in axes))
    y = np.linalg.norm(flat, ord, 0)
    return np.expand_dims(y, axes) if keepdims else y


def _cond(x, p=None):
    x = typed(x)
    if p is None or p in (2, -2):
        s = np.linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, (-2, -1))


composite(np.linalg.norm, _norm)
composite(np.linalg.vector_norm, _vector_norm)
composite(np.linalg.matrix_norm, lambda x, /, *, keepdims=False, ord="fro": np.linalg.norm(x, ord, (-2, -1), keepdims))
composite(np.linalg.cond, _cond)
constant(np.linalg.matrix_rank)


# Determinants. The cofactors come from the singular values, so that up to third order a singular matrix is no special
# case.


@primitive
def cofactors(a):
    """The derivatives of det(a) with respect to the elements of ``a``."""
    u, s, vh = _finite_svd(a)
    before, after = _before_and_after(s)
    return _phase(u, vh) * np.conjugate((u * (before * after)[..., None, :]) @ vh)


def _finite_svd(a, full_matrices=True):
    """np.linalg.svd, with singular values nan where ``a`` is not finite: LAPACK may never return from there."""
    finite = np.all(np.isfinite(a), (-2, -1), keepdims=True)
    u, s, vh = np.linalg.svd(np.where(finite, a, 0), full_matrices)
    return u, np.where(finite[..., 0], s, np.nan), vh


def _phase(u, vh):
    return (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]


def _before_and_after(s):
    """The products of the elements before and after each."""
    one = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([one, s[..., :-1]], -1), -1)
    after = np.flip(np.cumprod(np.concatenate([one, np.flip(s[..., 1:], -1)], -1), -1), -1)
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
    u, s, vh = _finite_svd(a)
    t, rest = H(u) @ t @ H(vh), _without_two(s)
    inner = (rest @ diagonal(t)[..., None]) * _eye(s) - rest * t.mT
    return _phase(u, vh) * (np.conjugate(u) @ inner @ np.conjugate(vh))


def _cofactors_along_two(t, q, a):
    """The third derivative, a symmetric form too: of the minors that leave out three rows and columns."""
    u, s, vh = _finite_svd(a)
    t, q, rest = H(u) @ t @ H(vh), H(u) @ q @ H(vh), _without_three(s)
    d_t, d_q = diagonal(t), diagonal(q)
    pairs = d_t[..., :, None] * d_q[..., None, :] - t * q.mT
    inner = np.sum(rest * pairs[..., None, :, :], (-2, -1))[..., None] * _eye(s)
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


def _nan_if(singular, x):
    """Matrices with nan in place of singular ones, so that of a stack with such, some maybe unused, none raises."""
    return np.where(singular[..., None, None], np.nan, x)


def _slogdet_jvp(t, y, a):
    change = np.sum(diagonal(np.linalg.solve(_nan_if(np.equal(y[0], 0), a), t)), -1)
    return (1j * y[0] * change.imag, change.real) if dtype_of(a).kind == "c" else (np.zeros_like(change), change)


def _slogdet_vjp(g, y, a):
    g_log = g[1] - 1j * np.real(1j * g[0] * y[0]) if dtype_of(a).kind == "c" else g[1]
    return g_log[..., None, None] * np.linalg.inv(_nan_if(np.equal(y[0], 0), a)).mT


explicit(np.linalg.slogdet, jvp=_slogdet_jvp, vjp=_slogdet_vjp)


# Inverses and linear systems. A one-dimensional b is a vector, any other a stack of matrices.


def columns(x, b):
    """``x`` as columns, if ``b`` is a vector and ``x`` of its kind; ``uncolumns`` goes back."""
    return x[..., None] if b.ndim == 1 else x


def uncolumns(x, b):
    return x[..., 0] if b.ndim == 1 else x


def _solve_a_jvp(t, y, a, b):
    b = typed(b)
    return uncolumns(-np.linalg.solve(a, t @ columns(y, b)), b)


def _solve_a_vjp(g, y, a, _b):
    return -np.linalg.solve(typed(a).mT, columns(g, _b)) @ columns(y, _b).mT


def _solve_b_vjp(g, _y, a, _b):
    return uncolumns(np.linalg.solve(typed(a).mT, columns(g, _b)), _b)


explicit(np.linalg.inv, jvp=lambda t, y, _a: -y @ t @ y, vjp=lambda g, y, _a: -y.mT @ g @ y.mT)
explicit(
    np.linalg.solve,
    jvp=(_solve_a_jvp, lambda t, _y, a, _b: np.linalg.solve(a, t)),
    vjp=(_solve_a_vjp, _solve_b_vjp),
)


def pinv_jvp(t, y, a, rcond=None, hermitian=False, rtol=None):
    left = y @ H(y) @ H(t)
    right = H(t) @ H(y) @ y
    return -y @ t @ y + left - left @ a @ y + right - y @ a @ right


def pinv_vjp(g, y, a, rcond=None, hermitian=False, rtol=None):
    g = np.conjugate(g)  # the rest pairs by Re tr(gᴴ t)
    g_h = H(g)
    left = g_h @ y @ H(y)
    right = H(y) @ y @ g_h
    c = -H(y) @ g @ H(y) + (left - a @ y @ left) + (right - right @ y @ a)
    return np.conjugate(c)


explicit(np.linalg.pinv, jvp=pinv_jvp, vjp=pinv_vjp)


@primitive
def least_squares(a, b, rcond):
    """The solution that np.linalg.lstsq gives."""
    return np.linalg.lstsq(a, b, rcond)[0]


def _least_squares_a_jvp(t, y, a, b, rcond):
    b = typed(b)
    p, x, r = np.linalg.pinv(a, rcond), columns(y, b), columns(b - a @ y, b)
    left = p @ (H(p) @ (H(t) @ r)) - p @ (t @ x)
    right = H(t) @ (H(p) @ x)
    return uncolumns(left + right - p @ (a @ right), b)


def _least_squares_a_vjp(g, y, a, b, rcond):
    b = typed(b)
    p, x, r = np.linalg.pinv(a, rcond), columns(y, b), columns(b - a @ y, b)
    g = np.conjugate(columns(g, b))
    pg = H(p) @ g
    outside = g - H(a) @ pg
    return np.conjugate(-pg @ H(x) + r @ H(p @ pg) + (H(p) @ x) @ H(outside))


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
        residuals = np.sum(_real(error * np.conjugate(error)), 0)
    return x, residuals, rank, np.linalg.svdvals(a)


def _matrix_power(a, n):
    """NumPy's own binary decomposition of the exponent."""
    for checked in ((np.empty(a.shape), 0), (np.eye(1), n)):
        np.linalg.matrix_power(*checked)
    n = operator.index(n)
    if n == 0:
        return np.broadcast_to(np.identity(a.shape[-1], a.dtype, like=kind_of(a)), a.shape)
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:
        return a @ a @ a
    powers = [a]
    while n >> len(powers):
        powers.append(powers[-1] @ powers[-1])
    return reduce(operator.matmul, [power for i, power in enumerate(powers) if n >> i & 1])


def _tensorinv(a, ind=2):
    shape = a.shape[ind:] + a.shape[:ind]
    return np.linalg.inv(a.reshape(math.prod(a.shape[:ind]), -1)).reshape(shape)


def _tensorsolve(a, b, axes=None):
    a, b = typed(a), typed(b)
    if axes is not None:
        axes = normalize_axis_tuple(axes, a.ndim)
        a = np.transpose(a, [i for i in range(a.ndim) if i not in axes] + list(axes))
    shape = a.shape[b.ndim :]
    if a.size != math.prod(shape) ** 2:
        requirement = "prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])"
        raise np.linalg.LinAlgError(f"Input arrays must satisfy the requirement {requirement}")
    return np.linalg.solve(a.reshape(-1, math.prod(shape)), np.ravel(b)).reshape(shape)


composite(np.linalg.lstsq, full_lstsq)
composite(np.linalg.matrix_power, _matrix_power)
composite(np.linalg.tensorinv, _tensorinv)
composite(np.linalg.tensorsolve, _tensorsolve)


# Decompositions. The reverse maps pair by Re tr(gᴴ t); JAX's cotangents are the conjugates.


def _half_lower(x):
    """The lower triangle, with half the diagonal."""
    return np.tril(x) - diagonal(x)[..., None] * _eye(x) / 2


def cholesky_jvp(t, y, _a, upper=False):
    factor = H(y) if upper else y
    inner = np.linalg.solve(factor, H(np.linalg.solve(factor, hermitian_part(t))))
    t = factor @ _half_lower(inner)
    return H(t) if upper else t


def cholesky_vjp(g, y, _a, upper=False):
    factor, g = (H(y), g.mT) if upper else (y, np.conjugate(g))  # the rest pairs by Re tr(gᴴ t)
    inner = np.linalg.solve(H(factor), _half_lower(H(factor) @ g))
    return np.conjugate(hermitian_part(H(np.linalg.solve(H(factor), H(inner)))))


explicit(np.linalg.cholesky, jvp=cholesky_jvp, vjp=cholesky_vjp)


def eigh_jvp(t, y, _a, UPLO="L"):
    w, v = y
    inner = H(v) @ hermitian_part(t) @ v
    return _real(diagonal(inner)), v @ quotient(inner, gaps_between(w))


def eigh_vjp(g, y, _a, UPLO="L"):
    w, v = y
    inner = g[0][..., None] * _eye(w) + quotient(H(v) @ np.conjugate(g[1]), gaps_between(w))
    return np.conjugate(hermitian_part(v @ inner @ H(v)))


def _eigvalsh_jvp(t, _y, a, UPLO="L"):
    v = np.linalg.eigh(a, UPLO)[1]
    return _real(np.sum(np.conjugate(v) * (hermitian_part(t) @ v), -2))


def _eigvalsh_vjp(g, _y, a, UPLO="L"):
    v = np.linalg.eigh(a, UPLO)[1]
    return np.conjugate((v * g[..., None, :]) @ H(v))


explicit(np.linalg.eigh, jvp=eigh_jvp, vjp=eigh_vjp)
explicit(np.linalg.eigvalsh, jvp=_eigvalsh_jvp, vjp=_eigvalsh_vjp)


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
    t_v = t_v - v * np.sum(_real(np.conjugate(v) * t_v), -2, keepdims=True)
    if v.dtype.kind == "c":
        largest, at_largest = _largest(v)
        t_v = t_v - 1j * v * np.sum(np.where(at_largest, t_v / largest, 0), -2, keepdims=True).imag
    return diagonal(inner), t_v


def eig_back(g, y):
    """The transpose."""
    w, v = y
    pairs = np.sum(g[1] * v, -2, keepdims=True)
    g_v = g[1] - np.conjugate(v) * _real(pairs)
    if v.dtype.kind == "c":
        largest, at_largest = _largest(v)
        g_v = g_v - np.where(at_largest, 1j * pairs.imag / largest, 0)
    return g[0][..., None] * _eye(w) + quotient(v.mT @ g_v, gaps_between(w))


def eig_jvp(t, y, _a):
    return eig_along(np.linalg.solve(y[1], t @ y[1]), y)


def eig_vjp(g, y, _a):
    return np.linalg.solve(y[1].mT, eig_back(g, y) @ y[1].mT)


explicit(np.linalg.eig, jvp=eig_jvp, vjp=eig_vjp)
composite(np.linalg.eigvals, lambda a: np.linalg.eig(a).eigenvalues)  # of a large matrix, not in LAPACK's own order


# A basis of what is orthogonal to the columns, or rows, of a factor is not unique. It is taken to turn only as far as
# that factor makes it: what does not depend on the choice of the basis comes out right.


def _with_complement(t, u, full):
    """The tangent of a unitary ``full``, given that of its first columns ``u``."""
    return np.concatenate([t, -u @ (H(t) @ full[..., u.shape[-1] :])], -1)


def _onto_columns(g, u, full):
    """The transpose."""
    k = u.shape[-1]
    return g[..., :k] - full[..., k:] @ (H(g[..., k:]) @ u)


@primitive
def full_svd(a, full_matrices):
    """np.linalg.svd of one matrix or a stack, both factors wanted."""
    return np.linalg.svd(a, full_matrices)


def _leading(y):
    """The factors without what is orthogonal to the singular vectors."""
    u, s, vh = y
    return u[..., : s.shape[-1]], s, vh[..., : s.shape[-1], :]


def svd_jvp(t, y, _a, full_matrices):
    u, s, vh = _leading(y)
    row, column, gaps = s[..., None, :], s[..., :, None], gaps_between(np.square(s))
    inner = H(u) @ t @ H(vh)
    right, left = inner * row, column * inner
    turn = quotient((inner - H(inner)) * _eye(s) / 2, row)
    t_u = u @ (quotient(right + H(right), gaps) + turn)
    t_vh = H(quotient(left + H(left), gaps)) @ vh
    if _a.shape[-2] > _a.shape[-1]:
        beyond = t @ H(vh)
        t_u = t_u + quotient(beyond - u @ (H(u) @ beyond), row)
        t_u = _with_complement(t_u, u, y[0]) if full_matrices else t_u
    elif _a.shape[-2] < _a.shape[-1]:
        beyond = H(u) @ t
        t_vh = t_vh + quotient(beyond - (beyond @ H(vh)) @ vh, column)
        t_vh = H(_with_complement(H(t_vh), H(vh), H(y[2]))) if full_matrices else t_vh
    return t_u, _real(diagonal(inner)), t_vh


def svd_vjp(g, y, _a, full_matrices):
    u, s, vh = _leading(y)
    row, column, gaps = s[..., None, :], s[..., :, None], gaps_between(np.square(s))
    g_u, g_vh = np.conjugate(g[0]), np.conjugate(g[2])
    if full_matrices and _a.shape[-2] > _a.shape[-1]:
        g_u = _onto_columns(g_u, u, y[0])
    elif full_matrices and _a.shape[-2] < _a.shape[-1]:
        g_vh = H(_onto_columns(H(g_vh), H(vh), H(y[2])))
    of_u, of_v = quotient(H(u) @ g_u, gaps), quotient(vh @ H(g_vh), gaps)
    inner = (of_u + H(of_u)) * row + column * (of_v + H(of_v)) + g[1][..., None] * _eye(s)
    if _a.dtype.kind == "c":
        inner = inner + quotient(1j * (H(u) @ g_u).imag * _eye(s), row)
    c = u @ inner @ vh
    if _a.shape[-2] > _a.shape[-1]:
        c = c + quotient(g_u - u @ (H(u) @ g_u), row) @ vh
    elif _a.shape[-2] < _a.shape[-1]:
        c = c + u @ quotient(g_vh - (g_vh @ H(vh)) @ vh, column)
    return np.conjugate(c)


def svdvals_jvp(t, _y, x):
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    return _real(np.sum(np.conjugate(u) * (t @ H(vh)), -2))


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


@primitive
def tall_qr(a, mode):
    """np.linalg.qr of a matrix with no more columns than rows, both factors wanted."""
    return np.linalg.qr(a, mode)


def _right_solve(x, r):
    """x r⁻¹ for triangular r; nan where that is singular."""
    return np.linalg.solve(_nan_if(np.any(np.equal(diagonal(r), 0), -1), r).mT, x.mT).mT


def qr_jvp(t, y, _a, mode):
    n = _a.shape[-1]
    q, r = y[0][..., :n], y[1][..., :n, :]
    inner = _right_solve(t, r)
    within = H(q) @ inner
    lower = np.tril(within, -1)
    turn = lower - H(lower)
    if _a.dtype.kind == "c":
        turn = turn + 1j * within.imag * _eye(r)
    t_q, t_r = q @ (turn - within) + inner, (within - turn) @ r
    if y[1].shape[-2] > n:
        t_q, t_r = _with_complement(t_q, q, y[0]), np.concatenate([t_r, np.zeros_like(y[1][..., n:, :])], -2)
    return t_q, t_r


def qr_vjp(g, y, _a, mode):
    n = _a.shape[-1]
    q, r = y[0][..., :n], y[1][..., :n, :]
    g_q, g_r = np.conjugate(g[0]), np.conjugate(g[1][..., :n, :])
    if y[1].shape[-2] > n:
        g_q = _onto_columns(g_q, q, y[0])
    e = H(q) @ g_q - g_r @ H(r)
    within = np.tril(e - H(e), -1) - e
    if _a.dtype.kind == "c":
        within = within + 1j * e.imag * _eye(r)
    return np.conjugate(_right_solve(g_q + q @ within, H(r)))


def _qr(a, mode="reduced"):
    if mode not in ("reduced", "complete", "r"):
        np.linalg.qr(np.eye(1), mode)  # raises for an unknown mode
        raise NotImplementedError(
            f"np.linalg.qr: mode {mode!r} has no derivative rule; use 'reduced', 'complete' or 'r'."
        )
    if a.ndim < 2:
        raise np.linalg.LinAlgError(f"{a.ndim}-dimensional array given. Array must be at least two-dimensional")
    m = a.shape[-2]
    q, r = y = tall_qr(a[..., :m], "complete" if mode == "complete" else "reduced")
    if m < a.shape[-1]:
        y = type(y)(q, np.concatenate([r, H(q) @ a[..., m:]], -1))
    return y.R if mode == "r" else y


explicit(tall_qr, jvp=qr_jvp, vjp=qr_vjp)
composite(np.linalg.qr, _qr)
