"""Norms, determinants, inverses, linear systems and matrix decompositions.

    matrices          what several of the others share
    nuclear, norms    the nuclear norm; all norms, and the condition number
    determinants      det, slogdet
    systems           inv, solve, matrix_power, tensorinv, tensorsolve
    least_squares     pinv, lstsq
    factors           cholesky, qr
    eigenvalues       eigh, eigvalsh, eig, eigvals
    singular_values   svd, svdvals

Formulas: M. B. Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation
(2008); for complex matrices the same with conjugates. ``H(x)`` is the conjugate transpose.
The reverse maps of decompositions pair by Re tr(gᴴ t); JAX's cotangents are the conjugates.
The functions of Hermitian matrices (``cholesky``, ``eigh``, ``eigvalsh``) are differentiated, as in JAX, as functions
of the Hermitian part of their argument; where it is not its own adjoint, ``as_read`` first makes it so, by the triangle
that NumPy reads. Where eigenvalues or singular values coincide, the vectors have no derivative: what depends on it
comes out as nan or inf, what does not (any function of the values) comes out right.
"""

from . import (  # noqa: F401
    determinants,
    eigenvalues,
    factors,
    least_squares,
    norms,
    singular_values,
    systems,
)
