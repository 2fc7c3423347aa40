"""Linear systems, inverses, determinants, least squares and norms."""

import numpy as np
import scipy.linalg

from ...batch import batches
from ...batching.matrices import solving
from ...primitives import astype
from ...rule import explicit, with_value
from ...rules.linalg.determinants import cofactors
from ...rules.linalg.least_squares import full_lstsq, pinv_jvp, pinv_vjp
from ...rules.linalg.matrices import H, as_read, columns, hermitian_part, reading, uncolumns
from ...tracer import dtype_of, kind_of, strip
from ..wrapping import core, public, take_stacks


def _triangle(x, lower, unit_diagonal=False):
    """What solve_triangular reads of a matrix."""
    return np.tril(x, -bool(unit_diagonal)) if lower else np.triu(x, bool(unit_diagonal))


def _triangular_a_jvp(t, y, a, b, trans=0, lower=False, unit_diagonal=False):
    t = _triangle(t, lower, unit_diagonal)
    change = (t.mT if trans else t) @ columns(y, b)
    return uncolumns(-core_solve_triangular(a, change, trans, lower, unit_diagonal), b)


def _triangular_a_vjp(g, y, a, _b, trans=0, lower=False, unit_diagonal=False):
    c = -core_solve_triangular(a, columns(g, _b), 1 - trans, lower, unit_diagonal) @ columns(y, _b).mT
    return _triangle(c.mT if trans else c, lower, unit_diagonal)


def _triangular_b_jvp(t, _y, a, _b, trans=0, lower=False, unit_diagonal=False):
    return core_solve_triangular(a, t, trans, lower, unit_diagonal)


def _triangular_b_vjp(g, _y, a, _b, trans=0, lower=False, unit_diagonal=False):
    return uncolumns(core_solve_triangular(a, columns(g, _b), 1 - trans, lower, unit_diagonal), _b)


core_solve_triangular = explicit(
    core(scipy.linalg.solve_triangular),
    jvp=(_triangular_a_jvp, _triangular_b_jvp),
    vjp=(_triangular_a_vjp, _triangular_b_vjp),
)


def triangular(a, b, trans=0, lower=False, unit_diagonal=False):
    """solve_triangular with aᴴ (``trans`` 2 or "C") as the transpose of the conjugate."""
    adjoint = trans in (2, "C")
    trans = 1 if adjoint else {"N": 0, "T": 1}.get(trans, trans)
    return core_solve_triangular(np.conjugate(a) if adjoint else a, b, trans, lower, unit_diagonal)


def right_triangular(x, r, trans=0):
    """x r⁻¹ for an upper triangle r, or with ``trans`` x r⁻ᵀ."""
    return core_solve_triangular(r, x.mT, 1 - trans).mT


_READ = {  # what of a matrix is read under ``assume_a``
    "diagonal": lambda x: np.tril(np.triu(x)),
    "tridiagonal": lambda x: np.tril(np.triu(x, -1), 1),
    "upper triangular": np.triu,
    "lower triangular": np.tril,
}
_MIRRORED = {  # of what only one triangle is read under ``assume_a``: what the other stands for
    **dict.fromkeys(("pos", "positive definite", "her", "hermitian"), H),
    **dict.fromkeys(("sym", "symmetric"), np.matrix_transpose),
}
_TRANSPOSED = {"upper triangular": "lower triangular", "lower triangular": "upper triangular"}


def _read(x, assume_a):
    return _READ[assume_a](x) if assume_a in _READ else x


def _whole(a, lower, assume_a):
    return reading(a, lower, _MIRRORED[assume_a]) if assume_a in _MIRRORED else a


def _solve_transposed(a, g, lower, assume_a):
    return core_solve(a.mT, g, not lower, assume_a=_TRANSPOSED.get(assume_a, assume_a))


def _solve_a_jvp(t, y, a, b, lower=False, assume_a=None):
    return uncolumns(-core_solve(a, _read(t, assume_a) @ columns(y, b), lower, assume_a=assume_a), b)


def _solve_a_vjp(g, y, a, _b, lower=False, assume_a=None):
    return _read(-_solve_transposed(a, columns(g, _b), lower, assume_a) @ columns(y, _b).mT, assume_a)


def _solve_b_vjp(g, _y, a, _b, lower=False, assume_a=None):
    return uncolumns(_solve_transposed(a, columns(g, _b), lower, assume_a), _b)


core_solve = explicit(
    core(scipy.linalg.solve),
    jvp=(_solve_a_jvp, lambda t, _y, a, _b, lower=False, assume_a=None: core_solve(a, t, lower, assume_a=assume_a)),
    vjp=(_solve_a_vjp, _solve_b_vjp),
)


def _solve_either(a, b, lower=False, assume_a=None, transposed=False):
    if transposed and dtype_of(a).kind == "c":
        raise NotImplementedError("scipy.linalg.solve of complex matrices takes no transposed=True: give it a.T.")
    solve = _solve_transposed if transposed else core_solve
    return solve(_whole(a, lower, assume_a), b, lower, assume_a=assume_a)


def _inv_jvp(t, y, _a, assume_a=None, lower=False):
    return t * _diagonal_slopes(y) if assume_a == "diagonal" else -y @ _read(t, assume_a) @ y


def _inv_vjp(g, y, _a, assume_a=None, lower=False):
    return g * _diagonal_slopes(y) if assume_a == "diagonal" else _read(-y.mT @ g @ y.mT, assume_a)


def _diagonal_slopes(y):
    """Of the elements of an inverse of diagonal matrices, each in itself: SciPy 1.17 leaves those beside as given."""
    beside = scipy.linalg.inv(np.ones((2, 2)), assume_a="diagonal")[0, 1]
    return np.where(np.identity(y.shape[-1], bool, like=kind_of(y)), -y * y, astype(beside, y.dtype))


_inv = explicit(core(scipy.linalg.inv), jvp=_inv_jvp, vjp=_inv_vjp)
_det = explicit(
    core(scipy.linalg.det),
    jvp=lambda t, _y, a: np.sum(cofactors(a) * t, (-2, -1)),
    vjp=lambda g, _y, a: g[..., None, None] * cofactors(a),
)


def _inv_as_read(a, assume_a=None, lower=False):
    return _inv(_whole(a, lower, assume_a), assume_a=assume_a, lower=lower)


solve_triangular = public(scipy.linalg.solve_triangular, triangular, except_for=("trans",))
solve = public(scipy.linalg.solve, _solve_either, except_for=("transposed",))
inv = public(scipy.linalg.inv, _inv_as_read, except_for=())
det = public(scipy.linalg.det, _det)


# Least squares and norms.


def _tolerance(atol, rtol):
    """The tolerance relative to the largest singular value; infinite where an absolute one may be any part of that."""
    return rtol if atol is None else np.inf


core_pinv = explicit(
    core(scipy.linalg.pinv),
    jvp=lambda t, y, a, atol=None, rtol=None: pinv_jvp(t, y, a, _tolerance(atol, rtol)),
    vjp=lambda g, y, a, atol=None, rtol=None: pinv_vjp(g, y, a, _tolerance(atol, rtol)),
)
_pinvh = explicit(
    core(scipy.linalg.pinvh),
    jvp=lambda t, y, a, atol=None, rtol=None, lower=True: pinv_jvp(hermitian_part(t), y, a, _tolerance(atol, rtol)),
    vjp=lambda g, y, a, atol=None, rtol=None, lower=True: hermitian_part(pinv_vjp(g, y, a, _tolerance(atol, rtol))),
)


def _pinvh_as_read(a, lower=True, **tolerances):
    return _pinvh(as_read(a, lower), lower=lower, **tolerances)


def _with_rank(function, pseudo_inverse):
    """The pseudo-inverse, and where it is asked for the rank that ``function()`` gives."""

    def body(a, return_rank=False, **options):
        y = pseudo_inverse(a, **options)
        return (y, function()(strip(a), return_rank=True, **options)[1]) if return_rank else y

    return body


def _least_squares(a, b, cond=None, lapack_driver=None):
    cond = np.finfo(np.result_type(a.dtype, b.dtype)).eps if cond is None else cond
    x, residuals, rank, s = full_lstsq(a, b, cond)
    if lapack_driver == "gelsy":
        return x, np.empty(0, dtype_of(x)), rank, None
    return x, residuals.reshape(b.shape[1:]) if residuals.size else residuals, rank, s


def _with_residuals(y, value):
    """``value`` with the derivative of ``y``; where the rank is deficient, SciPy 1.18 has residuals, which are nan."""
    x, residuals, *others = y
    return with_value((x, residuals if residuals.size else value[1], *others), value)


pinv = public(scipy.linalg.pinv, _with_rank(lambda: pinv, core_pinv), except_for=())
pinvh = public(scipy.linalg.pinvh, _with_rank(lambda: pinvh, _pinvh_as_read))
lstsq = public(scipy.linalg.lstsq, _least_squares, valued_by=_with_residuals)
norm = public(scipy.linalg.norm, lambda a, **options: np.linalg.norm(a, **options))

take_stacks(_inv, _det, core_pinv, _pinvh)
for _function in (core_solve, core_solve_triangular):
    batches(_function)(solving(_function))
