"""Norms and what is made of them.

The argument is scaled to a largest element of ±1 first (for negative p to a smallest one), so that nothing overflows or
underflows on the way; where the norm is 0 its derivative is 0, the subgradient of least norm; where it is ∞ that of its
infinite elements. A norm of middling size divides what it is the norm of, without all that.
"""

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ...primitives import astype
from ...rule import composite, constant, explicit, primitive, with_value
from ...tracer import below_examples, hidden, strip
from ...tree import typed
from ..reductions import with_axes
from .matrices import nan_if, real
from .nuclear import nuclear_norm


@primitive
def p_norm(x, ord, axis, keepdims):
    """np.linalg.norm where it is (Σ |x|ᵖ)^(1/p)."""
    return np.linalg.norm(x, ord, axis, keepdims)


def direction(x, norm, ord, axis):
    """∂‖x‖/∂x = x̄/|x| (|x|/‖x‖)^(p−1)."""
    x = typed(x)
    if ord in _EUCLIDEAN and _is_exact(norm):
        return np.conjugate(x) / with_axes(norm, x.shape, axis)
    top, start = (np.max, 0) if ord is None or isinstance(ord, str) or ord > 0 else (np.min, np.inf)
    unit = top(np.abs(strip(x)), axis, keepdims=True, initial=start)
    x = np.where(np.isinf(x), np.sign(x) if start == 0 else 0, x / np.where(np.equal(unit, 0), np.inf, unit))
    if ord in _EUCLIDEAN:
        total = np.sum(
            np.square(x) if x.dtype.kind != "c" else np.square(x.real) + np.square(x.imag), axis, keepdims=True
        )
        return np.conjugate(x) / np.sqrt(np.where(np.equal(total, 0), 1, total))
    zero = np.equal(x, 0)
    size = np.abs(np.where(zero, 1, x))
    total = np.sum(np.where(zero, 0, size**ord), axis, keepdims=True)
    slope = (size / np.where(np.equal(total, 0), 1, total) ** (1 / ord)) ** (ord - 1)
    return np.where(zero, 0, np.conjugate(np.sign(x)) * slope)


def _is_exact(norm):
    """Whether the squares of which a norm is the root have kept all their digits, as far as that can be looked at."""
    norm = below_examples(norm)
    if hidden(norm) or norm.dtype not in _EXACT:
        return False
    low, high = _EXACT[norm.dtype]
    return bool(norm > low) and bool(norm < high) if norm.ndim == 0 else bool(np.all((norm > low) & (norm < high)))


_EUCLIDEAN = (None, 2, "f", "fro")
_EXACT = {t.dtype: (float(t.tiny**0.5 / t.eps), float(t.max**0.5)) for t in map(np.finfo, (np.float32, np.float64))}
explicit(
    p_norm,
    jvp=lambda t, y, x, ord, axis, keepdims: np.sum(real(t * direction(x, y, ord, axis)), axis, keepdims=keepdims),
    vjp=lambda g, y, x, ord, axis, keepdims: with_axes(g, np.shape(x), axis) * direction(x, y, ord, axis),
)


def _norm(x, ord=None, axis=None, keepdims=False):
    x = typed(x)
    if isinstance(axis, tuple) and len(axis) > 2:
        raise ValueError("Improper number of dimensions to norm.")
    if axis is None and (ord is None or (ord == 2 and x.ndim == 1)):
        return p_norm(x, None, None, keepdims)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if len(axes) == 2 and ord in (None, "f", "fro"):
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
    inverse = np.linalg.inv(nan_if(np.equal(np.linalg.slogdet(strip(x)).sign, 0), x))
    return np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(inverse, p, (-2, -1))


composite(np.linalg.norm, _norm)
composite(np.linalg.vector_norm, _vector_norm)
composite(np.linalg.matrix_norm, lambda x, /, *, keepdims=False, ord="fro": np.linalg.norm(x, ord, (-2, -1), keepdims))
composite(np.linalg.cond, _cond, with_value)
constant(np.linalg.matrix_rank)
