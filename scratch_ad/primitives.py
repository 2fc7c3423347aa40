"""Functions of ours that tracers answer as they answer NumPy's: indexing and its transpose, conversions."""

import numpy as np

from .foreign import PYTHONS
from .memory import add_at
from .tracer import Diverged, Tracer, dtype_of, frozen, innermost, primitive


@primitive
def getitem(a, index):
    """``a[index]``."""
    try:
        return a[index]
    except Diverged:
        raise
    except TypeError:
        return a[with_known_ends(index)]


@primitive
def scatter(g, index, shape):
    """The transpose of ``a[index]``: zeros of ``shape``, with ``g`` added at ``index``, repeated or not."""
    out = np.zeros_like(g, shape=shape)
    if is_basic(index):
        store(out, index, g)
    elif type(out) is np.ndarray:
        add_at(out, index, g)
    else:  # CuPy takes no tuple here, but one array of indices
        places, out = np.arange(out.size, like=out).reshape(shape)[index], np.zeros_like(g, shape=out.size)
        np.add.at(out, places, g)
        out = out.reshape(shape)
    return out


def store(out, index, v):
    """``out[index] = v``, of an array that nobody else has."""
    try:
        out[index] = v
    except Diverged:
        raise
    except TypeError:
        out[with_known_ends(index)] = v


def of_item(g, _a, index):
    """``0 with [index] += g``: the cotangent of ``a`` for that of ``a[index]``."""
    return scatter(g, index, _a.shape)


@primitive
def sparse_product(a, x):
    """``a @ x``, where ``a`` is a ``foreign.SparseFactor``."""
    return a @ x


@primitive
def astype(a, dtype):
    """``a.astype(dtype)``, of Python scalars too; from complex to real it drops the imaginary part silently.

    For one of Python's own types it is ``a.item()``, where NumPy's numbers lie below.
    """
    if type(dtype) is type and dtype in PYTHONS:
        return a.item() if isinstance(a, (np.ndarray, np.generic)) else a
    if np.issubdtype(dtype_of(a), np.complexfloating) and not np.issubdtype(dtype, np.complexfloating):
        a = a.real
    return a.astype(dtype) if hasattr(a, "astype") else np.dtype(dtype).type(a)


@primitive
def detached(x):
    """``x`` as a constant of every differentiation, JAX's included; a copy, which the caller may change."""
    return x.copy("K") if type(x) is np.ndarray else frozen(x) if isinstance(x, Tracer) else x


def with_known_ends(index):
    """``index`` with plain numbers for the ends of slices that are traced, as they are in a recording."""
    if isinstance(index, tuple):
        return tuple(map(with_known_ends, index))
    if type(index) is not slice:
        return index
    ends = [index.start, index.stop, index.step]
    while (trace := innermost(ends)) is not None:
        ends = [trace.taken(end) if isinstance(end, Tracer) and end.owner is trace else end for end in ends]
    return slice(*ends)


def is_basic(index):
    """Whether an index is made of integers, slices, newaxis and ellipsis, so that it gives a view."""
    for e in index if isinstance(index, tuple) else (index,):
        if not (e is None or e is Ellipsis or isinstance(e, (slice, int, np.integer))):
            return False
    return True
