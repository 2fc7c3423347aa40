"""Functions of matrices, which take stacks of them; NumPy's own, and those that the rules call."""

import math

import numpy as np

from ..batch import Batched, Uncovered, batches
from ..rules.linalg.determinants import cofactors, cofactors_along
from ..rules.linalg.eigenvalues import eigenvalues_along, eigenvalues_back, hermitian_eigh, hermitian_eigvalsh
from ..rules.linalg.factors import hermitian_cholesky, tall_qr
from ..rules.linalg.least_squares import pseudoinverse
from ..rules.linalg.matrices import order_of
from ..rules.linalg.nuclear import nuclear_norm, polar, sylvester
from ..rules.linalg.singular_values import full_svd
from ..rules.polynomials import zeros_of
from ..tracer import innermost, shape_of


def stacked(function, *cores):
    """The batching rule of a function of stacks, whose first arguments end in this many axes of their own."""

    def rule(batch, *args, **kwargs):
        arrays, rest = args[: len(cores)], args[len(cores) :]
        loops = [len(shape_of(x)) - n for x, n in zip(arrays, cores, strict=True)]
        if min(loops) < 0 or innermost((*rest, *kwargs.values())) is batch:
            raise Uncovered
        ndim = max(loops)
        lifted = [batch.lifted(x, ndim + n) for x, n in zip(arrays, cores)]
        return batch.batched(function(*lifted, *rest, **kwargs))

    return rule


for _function in (
    *(np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.cholesky, np.linalg.qr, np.linalg.svd),
    *(np.linalg.svdvals, np.linalg.eig, np.linalg.eigvals, np.linalg.eigh, np.linalg.eigvalsh, np.linalg.pinv),
    *(np.linalg.cond, np.linalg.matrix_rank, np.linalg.matrix_power, cofactors, full_svd, pseudoinverse),
    *(hermitian_eigh, hermitian_eigvalsh, hermitian_cholesky, tall_qr, nuclear_norm, polar),
):
    batches(_function)(stacked(_function, 2))
for _function in (cofactors_along, sylvester):
    batches(_function)(stacked(_function, 2, 2))
batches(order_of)(stacked(order_of, 1, 1))
batches(eigenvalues_along)(stacked(eigenvalues_along, 2, 1, 2, 2))
batches(eigenvalues_back)(stacked(eigenvalues_back, 2, 1, 2, 1))


def solving(function):
    """The batching rule of a function that solves a x = b; the right sides of one matrix go side by side."""

    def rule(batch, a, b, *args, **kwargs):
        n = len(shape_of(b))
        if innermost((*args, *kwargs.values())) is batch:
            raise Uncovered
        if n in (1, 2) and not batch.owns(a) and len(shape_of(a)) == 2:
            columns = np.moveaxis(b.dense(), 0, -1)
            y = function(a, columns.reshape((columns.shape[0], math.prod(columns.shape[1:]))), *args, **kwargs)
            y = np.moveaxis(y.reshape((y.shape[0], *columns.shape[1:])), -1, 0)
            return Batched(batch, np.copy(y, "C") if batch.views else y)
        if n != 1:
            return stacked(function, 2, 2)(batch, a, b, *args, **kwargs)
        x = _columns(b.dense(), a) if batch.owns(b) else b[..., None]
        return Batched(batch, function(a.dense() if batch.owns(a) else a, x, *args, **kwargs)[..., 0])

    return rule


batches(np.linalg.solve)(solving(np.linalg.solve))


def _roots(function):
    @batches(function)
    def rule(batch, p):
        """The eigenvalues of the companion matrices, as NumPy has them, where there is no zero at either end."""
        p = p.dense()
        if type(p) is not np.ndarray or p.ndim != 2 or p.shape[1] < 2 or not p[:, [0, -1]].all():
            raise Uncovered
        p = p if p.dtype.kind in "fc" else p.astype(float)
        n = p.shape[1] - 1
        companion = np.zeros((len(p), n, n), p.dtype)
        companion[:, np.arange(1, n), np.arange(n - 1)] = 1
        companion[:, 0] = -p[:, 1:] / p[:, :1]
        w = np.linalg.eigvals(companion)
        return Batched(batch, w.real if p.dtype.kind == "f" and not w.imag.any() else w)


_roots(np.roots)
_roots(zeros_of)


def _columns(x, a):
    """One right side per example, for a stack of matrices each."""
    return x.reshape(x.shape[:1] + (1,) * (len(a.shape) - 2) + x.shape[1:] + (1,))
