"""Functions of matrices, which take stacks of them; NumPy's own, and those that the rules call."""

import numpy as np

from ..batch import Batched, Uncovered, batches
from ..rules.linalg.determinants import cofactors, cofactors_along
from ..rules.linalg.eigenvalues import hermitian_eigh, hermitian_eigvalsh
from ..rules.linalg.factors import hermitian_cholesky, tall_qr
from ..rules.linalg.least_squares import pseudoinverse
from ..rules.linalg.nuclear import nuclear_norm, polar, sylvester
from ..rules.linalg.singular_values import full_svd
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


@batches(np.linalg.solve)
def _solve(batch, a, b):
    if len(shape_of(b)) != 1:
        return stacked(np.linalg.solve, 2, 2)(batch, a, b)
    if not batch.owns(a) and len(a.shape) == 2:
        return Batched(batch, np.linalg.solve(a, b.dense().T).T)
    x = batch.lifted(b, 1)
    y = np.linalg.solve(a.dense() if batch.owns(a) else a, x[..., None] if not batch.owns(b) else _columns(x, a))
    return Batched(batch, y[..., 0])


def _columns(x, a):
    """One right side per example, for a stack of matrices each."""
    return x.reshape(x.shape[:1] + (1,) * (len(a.shape) - 2) + x.shape[1:] + (1,))
