"""Eigenvalues and eigenvectors of general matrices."""

import numpy as np
import scipy.linalg

from ...rule import explicit
from ...rules.linalg import H, eig_along, eig_back, eig_jvp, eig_vjp
from ...tracer import astype
from ...tree import typed
from .._wrapped import core, public


def _of_values_dtype(t, y):
    """Tangents of eigenvalues and eigenvectors; SciPy's eigenvalues are complex, be their tangents or not."""
    return astype(t[0], y[0].dtype), t[1]


def _conjugated(y):
    """Left eigenvectors are those of aᴴ, whose eigenvalues are the conjugates."""
    return np.conjugate(y[0]), y[1]


_right_eig = explicit(core(scipy.linalg.eig), jvp=lambda t, y, _a: _of_values_dtype(eig_jvp(t, y, _a), y), vjp=eig_vjp)
_left_eig = explicit(
    core(scipy.linalg.eig, left=True, right=False),
    jvp=lambda t, y, _a: _of_values_dtype(_conjugated(eig_jvp(H(t), _conjugated(y), _a)), y),
    vjp=lambda g, y, _a: H(eig_vjp(_conjugated(g), _conjugated(y), _a)),
)


# a v = w b v.


def _pair_jvp(change):
    def jvp(t, y, _a, b):
        return _of_values_dtype(eig_along(np.linalg.solve(b @ y[1], change(t, *y)), y), y)

    return jvp


def _pair_vjp(share):
    def vjp(g, y, _a, b):
        return share(np.linalg.solve((b @ y[1]).mT, eig_back(g, y)), *y)

    return vjp


_eig_of_pair = explicit(
    core(scipy.linalg.eig),
    jvp=(_pair_jvp(lambda t, _w, v: t @ v), _pair_jvp(lambda t, w, v: -t @ (v * w[..., None, :]))),
    vjp=(_pair_vjp(lambda c, _w, v: c @ v.mT), _pair_vjp(lambda c, w, v: -c @ (v * w[..., None, :]).mT)),
)


def _eig(a, b=None, left=False, right=True, homogeneous_eigvals=False):
    if homogeneous_eigvals:
        raise NotImplementedError("scipy.linalg.eig has no derivative rule for homogeneous_eigvals: the scale is free.")
    if b is not None:
        if left or right:
            raise NotImplementedError(
                "scipy.linalg.eig has no derivative rule for the vectors of a pair of matrices, whose phase is that of "
                "LAPACK's iterations: take eigvals(a, b), or eig(solve(b, a))."
            )
        return _eig_of_pair(a, typed(b))[0]
    w, *vectors = _left_eig(a) if left else _right_eig(a)
    if left and right:
        vectors.append(_right_eig(a)[1])
    return (w, *vectors) if left or right else w


eig = public(scipy.linalg.eig, _eig)
eigvals = public(scipy.linalg.eigvals, lambda a, **options: _eig(a, right=False, **options))
