"""Polynomials by their coefficients, the highest power first."""

import warnings

import numpy as np

from ..primitives import astype
from ..registry import match
from ..rule import composite, explicit, primitive, runs_numpy, with_value
from ..tracer import any_known, arrayed, kind_of, strip
from ..tree import typed


def _listed(p):
    """Coefficients or roots as an array: of a list of tracers, or of an np.poly1d, which may hold one."""
    p = p.coeffs if isinstance(p, np.poly1d) else p
    return np.stack(p) if isinstance(p, (list, tuple)) and len(p) else np.atleast_1d(p)


def _closed(body):
    """``body``, with its results as np.poly1d where an argument is one."""

    def call(*args, **kwargs):
        y = body(*args, **kwargs)
        if not any(isinstance(p, np.poly1d) for p in args):
            return y
        return tuple(map(np.poly1d, y)) if isinstance(y, tuple) else np.poly1d(y)

    return call


def _falling(n, like):
    """n, n − 1, … 1 along the first axis of as many as ``like`` has."""
    dtype = np.finfo(like.dtype).dtype if like.dtype.kind in "fc" else None
    return np.arange(n, 0, -1, dtype, like=kind_of(like)).reshape((-1,) + (1,) * (like.ndim - 1))


# Values.


def _slope(p, x):
    """The derivative of the polynomial p at x."""
    p = typed(p)
    return np.polyval(p[:-1] * _falling(len(p) - 1, p), x)


def _polyval_transpose(g, _y, _p, x):
    """Horner's scheme backwards: the sums of g xᵏ for all powers k."""
    cotangents = []
    for _ in range(_p.shape[0]):
        cotangents.append(match(g, (_p.shape[1:], g.dtype)))
        g = g * x
    return np.stack(cotangents[::-1]) if cotangents else np.zeros(_p.shape, g.dtype, like=kind_of(x))


explicit(
    np.polyval,
    jvp=(lambda t, _y, p, x: np.polyval(t, x), lambda t, _y, p, x: t * _slope(p, x)),
    vjp=(_polyval_transpose, lambda g, _y, p, x: g * _slope(p, x)),
)


def _powers_slope(y, increasing):
    """∂xᵏ/∂x = k xᵏ⁻¹ of the powers in the columns of ``y``."""
    k, zero = np.arange(1, max(y.shape[1], 1), like=kind_of(y)), np.zeros_like(y[:, :1])
    return np.concatenate([zero, k * y[:, :-1]] if increasing else [k[::-1] * y[:, 1:], zero], 1)


explicit(
    np.vander,
    jvp=lambda t, y, _x, N=None, increasing=False: t[:, None] * _powers_slope(y, increasing),
    vjp=lambda g, y, _x, N=None, increasing=False: np.sum(g * _powers_slope(y, increasing), 1),
)


# Arithmetic.


def _aligned(a1, a2):
    """Both with as many coefficients as the longer has."""
    pair = [_listed(a1), _listed(a2)]
    n = max(map(len, pair))
    return [np.concatenate([np.zeros(n - len(a), a.dtype, like=kind_of(a)), a]) if len(a) < n else a for a in pair]


def _leading(small):
    """How many coefficients go away: the first ones that are small, but for the last of all; of JAX's arrays none."""
    if not runs_numpy(small):
        return 0
    n = 0
    while n < len(small) - 1 and small[n]:
        n += 1
    return n


def _trimmed(p):
    """Without leading zeros."""
    p = _listed(p)
    if p.ndim != 1:
        raise ValueError("Polynomial must be 1d only.")
    return p[_leading(np.equal(strip(p), 0)) :] if p.size else np.zeros_like(strip(p), shape=1)


composite(np.polyadd, _closed(lambda a1, a2: np.add(*_aligned(a1, a2))))
composite(np.polysub, _closed(lambda a1, a2: np.subtract(*_aligned(a1, a2))))
composite(np.polymul, _closed(lambda a1, a2: np.convolve(_trimmed(a1), _trimmed(a2))))


@primitive
def quotient(u, v):
    """The quotient of u by v, which is not longer."""
    return np.polydiv(u, v)[0]


# With v as a lower triangular Toeplitz matrix, it solves for the quotient the rows that belong to u's leading terms.


def _zeros_after(x, v):
    return np.concatenate([x, np.zeros(len(v) - 1, x.dtype, like=kind_of(x))])


def _quotient_transpose(g, v):
    return np.flip(quotient(_zeros_after(np.flip(g), v), v))


def _quotient_v_vjp(g, y, _u, v):
    n = len(y) - 1
    return -np.convolve(_zeros_after(_quotient_transpose(g, v), v), np.flip(y))[n : n + len(v)]


explicit(
    quotient,
    jvp=(lambda t, _y, _u, v: quotient(t, v), lambda t, y, _u, v: -quotient(np.convolve(y, t), v)),
    vjp=(lambda g, _y, _u, v: _zeros_after(_quotient_transpose(g, v), v), _quotient_v_vjp),
)


def _polydiv(u, v):
    u, v = _listed(u) + 0.0, _listed(v) + 0.0
    value = np.polydiv(strip(u), strip(v)) if runs_numpy((u, v)) else None
    if len(u) < len(v):
        dtype = np.result_type(u.dtype, v.dtype)
        q, r = np.zeros(1, dtype, like=kind_of(u)), astype(u, dtype)
    else:
        q = quotient(u, v)
        r = u - np.convolve(q, v)
    if value is None:
        return q, r[_leading(np.less_equal(np.abs(strip(r)), 1e-8)) :] if len(u) >= len(v) else r  # as NumPy trims it
    return with_value((q, r[len(r) - len(value[1]) :]), value)


composite(np.polydiv, _closed(_polydiv))


# Derivatives and integrals.


def _order(m, remedy):
    if int(m) < 0:
        raise ValueError(f"Order of {remedy} must be positive (see {'polyder' if remedy == 'integral' else 'polyint'})")
    return int(m)


def _polyder(p, m=1):
    for _ in range(_order(m, "derivative")):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1, like=kind_of(p))
    return p


def _polyint(p, m=1, k=None):
    m, p = _order(m, "integral"), typed(p)
    k = np.zeros(m, like=kind_of(p)) if k is None else _listed(arrayed(k, p) if np.isscalar(k) else k)
    k = np.broadcast_to(k, (m,)) if len(k) == 1 else k
    if len(k) < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1, like=kind_of(p)), k[i : i + 1]])
    return p


composite(np.polyder, _polyder)
composite(np.polyint, _polyint)


# Roots.


@primitive
def zeros_of(p):
    """The roots of a polynomial."""
    return np.roots(p)


explicit(
    zeros_of,
    jvp=lambda t, y, p: -np.polyval(t, y) / _slope(p, y),  # p(y) = 0
    vjp=lambda g, y, p: np.vander(y, len(p)).mT @ (-g / _slope(p, y)),
)


@primitive
def characteristic(a):
    """The coefficients of det(λ − a)."""
    return np.poly(a)


def _adjugates(y, a):
    """The coefficients of adj(λ − a), each a matrix, from those of det(λ − a): U. Leverrier's and D. K. Faddeev's.

    So that there is a slope where eigenvalues coincide, too.
    """
    matrix = one = np.identity(len(a), a.dtype, like=kind_of(a))
    yield matrix
    for c in y[1:-1]:
        matrix = a @ matrix + c * one
        yield matrix


explicit(
    characteristic,
    jvp=lambda t, y, a: match(np.stack([0 * y[0], *(-np.sum(m.T * t) for m in _adjugates(y, a))]), (y.shape, y.dtype)),
    vjp=lambda g, y, a: -sum(c * m.T for c, m in zip(g[1:], _adjugates(y, a), strict=True)),
)


def _poly(seq_of_zeros):
    z = _listed(seq_of_zeros)
    if z.ndim == 2 and z.shape[0] == z.shape[1] != 0:
        return characteristic(z)
    if z.ndim == 1:
        z = astype(z, np.dtype(np.mintypecode(z.dtype.char)))
    else:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if not z.size:
        return 1.0
    y, one = (np.zeros(shape, z.dtype, like=kind_of(z)) + 1 for shape in (1, ()))
    for zero in z:
        y = np.convolve(y, np.stack([one, -zero]))
    if z.dtype.kind == "c" and np.array_equal(np.sort(strip(z)), np.sort(np.conjugate(strip(z)))):
        return np.copy(y.real)
    return y


composite(np.roots, lambda p: zeros_of(_listed(p)))
composite(np.poly, _poly)


# Least squares, in NumPy's own steps.


def _polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    x, y, w = typed(x) + 0.0, typed(y) + 0.0, None if w is None else typed(w) + 0.0
    ones = [None if a is None else np.ones(a.shape) for a in (x, y, w)]
    np.polyfit(*ones[:2], min(deg, 0), w=ones[2])  # for its checks
    order = int(deg) + 1
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    left, right = np.vander(x, order), y
    if w is not None:
        left, right = left * w[:, None], right * (w[:, None] if y.ndim == 2 else w)
    scale = np.sqrt(np.sum(left * left, 0))
    left = left / scale
    c, residuals, rank, s = np.linalg.lstsq(left, right, rcond)
    c = (c.T / scale).T
    if not (full or runs_numpy((x, y, w))) and any_known(np.not_equal(rank, order)):  # of NumPy's numbers, NumPy warns
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=2)
    if full:
        return c, residuals, rank, s, rcond
    if not cov:
        return c
    base = np.linalg.inv(left.T @ left) / np.outer(scale, scale)
    if cov == "unscaled":
        factor = 1
    elif len(x) <= order:
        raise ValueError("the number of data points must exceed order to scale the covariance matrix")
    else:
        factor = residuals / (len(x) - order)
    return c, base * factor if y.ndim == 1 else base[:, :, None] * factor


composite(np.polyfit, _polyfit, with_value)
