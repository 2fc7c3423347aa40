"""Making, filling and converting arrays, and what NumPy does right by itself."""

import numpy as np

from scratch_ad import primitives
from scratch_ad.registry import rule_of
from scratch_ad.rules.grids import points
from scratch_ad.rules.products import contract
from scratch_ad.rules.shaping import join, pile
from scratch_ad.tracer import dtype_of
from scratch_ad.writing import put

from .tracer import FUNCTIONS, NATIVE, OF_SHAPE_AND_DTYPE, Precise, object_of, placeholder, precise, wrapped


def _astype(a, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind in "fc" or dtype.name == "bfloat16":
        if a.dtype.kind == "c" != dtype.kind:
            a = a.real
        return wrapped(a.value, dtype)
    return np.array([x != 0 if dtype.kind == "b" else int(x.real) for x in a.value.flat], dtype).reshape(a.shape)


def _full_like(a, fill_value, *args, **kwargs):
    if isinstance(fill_value, Precise):
        return rule_of[np.full_like].body(a, fill_value, *args, **kwargs)
    return np.full_like(placeholder(a), fill_value, *args, **kwargs)


def _points(start, stop, num, endpoint):
    rise = stop - start
    return start + rise * np.arange(num).reshape((-1,) + (1,) * rise.ndim) / max(num - 1 if endpoint else num, 1)


def _put(a, index, v):
    v = object_of(precise(v))
    return wrapped(put(object_of(precise(a)), index, v[()] if isinstance(v, np.ndarray) else v), dtype_of(a))


FUNCTIONS |= {
    points: _points,
    np.full_like: _full_like,
    primitives.astype: _astype,
    put: _put,
}
NATIVE |= {
    primitives.getitem, primitives.scatter, join, pile, contract, np.matmul, np.vecdot, np.matvec, np.vecmat, np.dot,
    np.inner, np.outer, np.vdot, np.tensordot, np.convolve, np.reshape, np.ravel, np.expand_dims, np.squeeze,
    np.broadcast_to, np.copy, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.flip, np.roll, np.rot90,
    np.tril, np.triu, np.diagonal, np.diag, np.diagflat, np.array_split, np.split, np.unstack, np.fft.fftshift,
    np.fft.ifftshift, np.where, np.unwrap, np.array_equal, np.polyval, np.lib.stride_tricks.sliding_window_view,
}  # fmt: skip
OF_SHAPE_AND_DTYPE |= {
    np.shape, np.ndim, np.size, np.isrealobj, np.iscomplexobj, np.result_type, np.can_cast, np.min_scalar_type,
    np.common_type, np.zeros_like, np.ones_like, np.empty_like, np._core.umath._ones_like, np.einsum_path,
    np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.shares_memory, np.may_share_memory,
}  # fmt: skip
