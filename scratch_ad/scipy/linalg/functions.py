"""Functions of matrices.

A function f of the block matrix [[a, e], [0, a]] has L(a, e), the Fréchet derivative of f at a along e, in its upper
right (N. J. Higham, Functions of Matrices, 2008, equation 3.16); the transpose of e ↦ L(a, e) is g ↦ L(aᵀ, g). For the
exponential there is a cheaper way (A. H. Al-Mohy and N. J. Higham, Computing the Fréchet derivative of the matrix
exponential, 2009), and for roots and signs the equations that they solve.
"""

import numpy as np
import scipy.linalg

from ...rule import explicit
from ...tracer import dtype_of, primitive, strip
from ..wrapping import core, public, take_stacks
from .equations import core_solve_sylvester
from .systems import core_solve


def _blocks(a, e):
    """[[a, e], [0, a]], of stacks that broadcast."""
    a, e = np.broadcast_arrays(a, e)
    return np.concatenate([np.concatenate([a, e], -1), np.concatenate([np.zeros_like(a), a], -1)], -2)


def _along(function, a, e):
    """The upper right of ``function`` of the block matrix, linear in e: scaled, or a plain nan, before it enters."""
    largest = np.max(np.abs(strip(e)), (-2, -1), keepdims=True)
    finite = np.isfinite(largest)
    scale = np.where(np.logical_and(finite, np.greater(largest, 0)), largest, 1)
    n = a.shape[-1]
    return function(_blocks(a, np.where(finite, e / scale, 0)))[..., :n, n:] * np.where(finite, scale, np.nan)


@primitive
def frechet(a, e):
    """The Fréchet derivative of the exponential at a along e; nan where SciPy refuses what is not finite."""
    finite = np.all(np.isfinite(a) & np.isfinite(e), (-2, -1), keepdims=True)
    a, e = np.where(finite, a, 0), np.where(finite, e, 0)
    return np.where(finite, scipy.linalg.expm_frechet(a, e, compute_expm=False), np.nan)


def _second_frechet(a, e, f):
    """Its derivative along f, symmetric in e and f."""
    return _along(lambda blocks: frechet(blocks, _blocks(f, np.zeros_like(f))), a, e)


explicit(
    frechet,
    jvp=(lambda t, _y, a, e: _second_frechet(a, e, t), lambda t, _y, a, _e: frechet(a, t)),
    vjp=(lambda g, _y, a, e: _second_frechet(a.mT, e.mT, g), lambda g, _y, a, _e: frechet(a.mT, g)),
)
_expm = explicit(core(scipy.linalg.expm), jvp=lambda t, _y, A: frechet(A, t), vjp=lambda g, _y, A: frechet(A.mT, g))


def _expm_frechet(A, E, method=None, compute_expm=True):
    return (_expm(A), frechet(A, E)) if compute_expm else frechet(A, E)


_sqrtm = explicit(
    core(scipy.linalg.sqrtm),
    jvp=lambda t, y, _A: core_solve_sylvester(y, y, t),
    vjp=lambda g, y, _A: core_solve_sylvester(y.mT, y.mT, g),
)
_logm = explicit(
    core(scipy.linalg.logm),
    jvp=lambda t, _y, A: _along(_logm, A, t),
    vjp=lambda g, _y, A: _along(_logm, A.mT, g),
)
_fractional_power = explicit(
    core(scipy.linalg.fractional_matrix_power),
    jvp=(
        lambda t, _y, A, p: _along(lambda x: _fractional_power(x, p), A, t),
        lambda t, y, A, p: t * (_logm(A) @ y),
    ),
    vjp=(
        lambda g, _y, A, p: _along(lambda x: _fractional_power(x, p), A.mT, g),
        lambda g, y, A, p: np.sum(g * (_logm(A) @ y)),
    ),
)


def _signm_vjp(g, y, A):
    inner = core_solve_sylvester((y @ A).mT, (y @ A).mT, g)
    return inner - y.mT @ inner @ y.mT


_signm = explicit(
    core(scipy.linalg.signm),
    jvp=lambda t, y, A: core_solve_sylvester(y @ A, y @ A, t - y @ t @ y),
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


expm = public(scipy.linalg.expm, lambda A: _expm(A.reshape(1, 1) if A.ndim < 2 else A))
expm_frechet = public(scipy.linalg.expm_frechet, _expm_frechet)
sqrtm = public(scipy.linalg.sqrtm, _sqrtm)
logm = public(scipy.linalg.logm, _logm)
signm = public(scipy.linalg.signm, _signm)
fractional_matrix_power = public(scipy.linalg.fractional_matrix_power, lambda A, t: _fractional_power(A, t))
cosm = public(scipy.linalg.cosm, _cosm)
sinm = public(scipy.linalg.sinm, _sinm)
tanm = public(scipy.linalg.tanm, lambda A: core_solve(_cosm(A), _sinm(A)))
coshm = public(scipy.linalg.coshm, _coshm)
sinhm = public(scipy.linalg.sinhm, _sinhm)
tanhm = public(scipy.linalg.tanhm, lambda A: core_solve(_coshm(A), _sinhm(A)))

take_stacks(_expm, _sqrtm, _logm, _fractional_power, _signm)
take_stacks(frechet, of=(2, 2))
