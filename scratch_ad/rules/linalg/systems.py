"""Inverses, linear systems and powers."""

import math
import operator
from functools import reduce

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ...layout import arranged
from ...rule import composite, explicit
from ...tracer import kind_of
from ...tree import typed
from .matrices import columns, transposed_solve, uncolumns


def _solve_a_jvp(t, y, a, b):
    b = typed(b)
    return uncolumns(-np.linalg.solve(a, t @ columns(y, b)), b)


def _solve_a_vjp(g, y, a, _b):
    x, y = -transposed_solve(typed(a), columns(g, _b)), columns(y, _b).mT
    return x * y if _b.ndim == 1 else x @ y


def _solve_b_vjp(g, _y, a, _b):
    return uncolumns(transposed_solve(typed(a), columns(g, _b)), _b)


explicit(np.linalg.inv, jvp=lambda t, y, _a: -y @ t @ y, vjp=lambda g, y, _a: -y.mT @ g @ y.mT)
explicit(
    np.linalg.solve,
    jvp=(_solve_a_jvp, lambda t, _y, a, _b: np.linalg.solve(a, t)),
    vjp=(_solve_a_vjp, _solve_b_vjp),
)


def _matrix_power(a, n):
    """NumPy's own binary decomposition of the exponent."""
    for checked in ((np.empty(a.shape), 0), (np.eye(1), n)):
        np.linalg.matrix_power(*checked)
    n = operator.index(n)
    if n == 0:
        one = np.broadcast_to(np.identity(a.shape[-1], a.dtype, like=kind_of(a)), a.shape)
        return arranged(np.copy(one), "K", a)
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


composite(np.linalg.matrix_power, _matrix_power)
composite(np.linalg.tensorinv, _tensorinv)
composite(np.linalg.tensorsolve, _tensorsolve)
