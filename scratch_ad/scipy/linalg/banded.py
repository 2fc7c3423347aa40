"""Matrices given by their diagonals: ab[u + i − j, j] = a[i, j], with u diagonals above the main one."""

import numpy as np
import scipy.linalg

from ...batch import Batched, Uncovered, batches
from ...chain import is_finite
from ...primitives import astype, scatter
from ...rule import explicit
from ...rules.linalg.eigenvalues import eigh_jvp, eigh_vjp
from ...rules.linalg.matrices import H, real, turned
from ...tracer import dtype_of, shape_of
from ..wrapping import core, of_one_stack, public, take_stacks
from .factors import core_cholesky, subset


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
    return -core_solve_banded(l_and_u, ab, _band_product(l_and_u, t, y))


def _banded_ab_vjp(g, y, l_and_u, ab, _b):
    (low, up), inner = l_and_u, _banded_b_vjp(g, y, l_and_u, ab, _b)
    rows = [-(_shifted(inner, -d) * y) for d in range(-up, low + 1)]
    return np.stack([row if row.ndim == 1 else np.sum(row, 1) for row in rows])


def _banded_b_vjp(g, _y, l_and_u, ab, _b):
    return core_solve_banded(*_band_transposed(l_and_u, ab), g)


core_solve_banded = explicit(
    core(scipy.linalg.solve_banded),
    jvp=(None, _banded_ab_jvp, lambda t, _y, l_and_u, ab, _b: core_solve_banded(l_and_u, ab, t)),
    vjp=(None, _banded_ab_vjp, _banded_b_vjp),
)


@batches(core_solve_banded)
def _solve_banded_of_examples(batch, l_and_u, ab, b):
    """The right sides of one matrix side by side; several matrices as one, whose blocks they are."""
    (low, up), n = l_and_u, shape_of(b)[0]
    if not batch.owns(ab):
        columns = np.moveaxis(b.dense(), 0, -1)
        y = core_solve_banded(l_and_u, ab, columns.reshape((n, -1)))
        return Batched(batch, np.moveaxis(y.reshape(columns.shape), -1, 0))
    place = np.arange(n) + np.arange(-up, low + 1)[:, None]
    within = (place >= 0) & (place < n)
    blocks = np.moveaxis(np.where(within, ab.dense(), 0), 0, 1).reshape((ab.shape[0], -1))
    whole = batch.whole(b)
    y = core_solve_banded(l_and_u, blocks, whole.reshape((-1, *whole.shape[2:]))).reshape(whole.shape)
    if not is_finite(y):  # what is no number in one block would be none in the next
        raise Uncovered
    return Batched(batch, y)


def _whole_band(ab, lower):
    """All diagonals of a Hermitian matrix, from those above or below; SciPy reads the real part of the main one."""
    n = len(ab) - 1
    main = [astype(real(ab[0 if lower else n]), dtype_of(ab))]
    if lower:
        above = [_shifted(np.conjugate(ab[k]), k) for k in range(n, 0, -1)]
        return np.stack(above + main + [ab[k] for k in range(1, n + 1)])
    below = [_shifted(np.conjugate(ab[n - k]), -k) for k in range(1, n + 1)]
    return np.stack([ab[k] for k in range(n)] + main + below)


def _solveh_banded(ab, b, lower=False):
    n = len(ab) - 1
    return core_solve_banded((n, n), _whole_band(ab, lower), b)


def _cho_solve_banded(cb_and_lower, b):
    cb, lower = cb_and_lower
    n = len(cb) - 1
    factor = (n, 0) if lower else (0, n), cb
    adjoint = _band_transposed(factor[0], np.conjugate(cb))
    for system in (factor, adjoint) if lower else (adjoint, factor):
        b = core_solve_banded(*system, b)
    return b


def _cholesky_banded(ab, lower=False):
    """The factor of the whole matrix, and as in SciPy what stood beyond the ends of the diagonals."""
    within, places = _places(*ab.shape[-2:], lower)
    half = scatter(ab[..., within], (..., *places), (*ab.shape[:-2], ab.shape[-1], ab.shape[-1]))
    factor = core_cholesky(half + H(np.tril(half, -1) + np.triu(half, 1)), lower=lower)
    return np.where(within, scatter(factor[..., *places], (..., within), ab.shape), ab)


def _places(rows, n, lower):
    """Where the elements of a band stand in its matrix, as far as they do, and which those are."""
    k, j = np.arange(rows)[:, None], np.arange(n)
    i = j + (k if lower else k - rows + 1)
    within = (i >= 0) & (i < n)
    return within, (i[within], np.broadcast_to(j, i.shape)[within])


def _eig_banded_jvp(t, y, _a, lower=False):
    within, places = _places(*_a.shape[-2:], lower)
    half = scatter(t[..., within], (..., *places), (*_a.shape[:-2], _a.shape[-1], _a.shape[-1]))
    return eigh_jvp(half + H(np.tril(half, -1) + np.triu(half, 1)), y, _a)


def _eig_banded_vjp(g, y, _a, lower=False):
    within, places = _places(*_a.shape[-2:], lower)
    c = eigh_vjp(g, y, _a)[..., *places]
    return scatter(np.where(places[0] == places[1], c, 2 * c), (..., within), _a.shape)


_eig_banded = explicit(core(scipy.linalg.eig_banded), jvp=_eig_banded_jvp, vjp=_eig_banded_vjp)


def _tridiagonal_jvp(offset):
    def jvp(t, y, d, e, lapack_driver="auto"):
        k = np.arange(t.shape[-1])
        t = scatter(t, (..., k + offset, k), (*d.shape, d.shape[-1]))
        return eigh_jvp(t + t.mT if offset else t, y, d)

    return jvp


_eigh_tridiagonal = explicit(
    core(scipy.linalg.eigh_tridiagonal),
    jvp=(_tridiagonal_jvp(0), _tridiagonal_jvp(1)),
    vjp=(
        lambda g, y, _d, _e, lapack_driver="auto": np.diagonal(eigh_vjp(g, y, _d), 0, -2, -1),
        lambda g, y, _d, _e, lapack_driver="auto": 2 * np.diagonal(eigh_vjp(g, y, _d), 1, -2, -1),
    ),
)


def _selected(y, eigvals_only, select, select_range):
    w, v = y
    if select not in ("a", "all", 0):
        by_value = select in ("v", "value", 1)
        w, v = subset(w, v, *((None, select_range) if by_value else (select_range, None)))
    return w if eigvals_only else (w, v)


def _banded_pairs(a_band, lower=False, eigvals_only=False, select="a", select_range=None, max_ev=0):
    return _selected(_eig_banded(a_band, lower=lower), eigvals_only, select, select_range)


def _tridiagonal_pairs(d, e, eigvals_only=False, select="a", select_range=None, tol=0.0, lapack_driver="auto"):
    whole = lapack_driver in ("stemr", "stev", "stevd")  # the drivers that give vectors of all eigenvalues
    y = _eigh_tridiagonal(*of_one_stack(d, e), lapack_driver=lapack_driver if whole else "auto")
    return _selected(y, eigvals_only, select, select_range)


solve_banded = public(scipy.linalg.solve_banded, core_solve_banded, (1, 2, 2))
solveh_banded = public(scipy.linalg.solveh_banded, _solveh_banded, (2, 2))
cho_solve_banded = public(scipy.linalg.cho_solve_banded, _cho_solve_banded, (2, 2))
cholesky_banded = public(scipy.linalg.cholesky_banded, _cholesky_banded)
eig_banded = public(scipy.linalg.eig_banded, _banded_pairs, (2,), valued_by=turned)
eigvals_banded = public(scipy.linalg.eigvals_banded, lambda a, **o: _banded_pairs(a, eigvals_only=True, **o))
eigh_tridiagonal = public(scipy.linalg.eigh_tridiagonal, _tridiagonal_pairs, valued_by=turned)
eigvalsh_tridiagonal = public(
    scipy.linalg.eigvalsh_tridiagonal, lambda d, e, **options: _tridiagonal_pairs(d, e, eigvals_only=True, **options)
)

take_stacks(_eig_banded)
take_stacks(_eigh_tridiagonal, of=(1, 1))
