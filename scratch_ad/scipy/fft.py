"""SciPy's discrete cosine transforms for tracers, of all types, norms and axes; those of NumPy's are np.fft's.

By the definitions in the documentation of ``scipy.fft.dct``, types 1 and 4 are symmetric, and types 2 and 3 are each
other's transpose, as they are with ``orthogonalize`` and up to a factor of 2 at the ends without. An inverse transform
is that of the pair's other type, scaled.
"""

import numpy as np
import scipy.fft
from numpy.lib.array_utils import normalize_axis_index

from ..batch import Batched, batches
from ..batching.axes import from_end, of_first
from ..rule import linear
from ..rules.fft import fit, lengths
from ..tracer import kind_of
from ..tree import typed
from .wrapping import core, others_of, public

_OTHER = {1: 1, 2: 3, 3: 2, 4: 4}  # the type of the transpose


def _counts(type, like, axis):
    """How often each input term stands in a dct, along ``axis`` of an array like this."""
    counts = np.full(like.shape[axis], 2, np.finfo(like.dtype).dtype)
    if type in (1, 3):
        counts[0] = 1
    if type == 1:
        counts[-1] = 1
    return np.asarray(counts.reshape((-1,) + (1,) * (like.ndim - 1 - axis)), like=kind_of(like))


def _transposing(function, is_inverse):
    def transpose(g, _x, type=2, n=None, axis=-1, norm=None, orthogonalize=None):
        axis, other = normalize_axis_index(axis, _x.ndim), _OTHER[type]
        options = {"type": other, "axis": axis, "norm": norm, "orthogonalize": orthogonalize}
        if norm == "ortho" if orthogonalize is None else orthogonalize:
            c = function()(g, **options)
        else:
            forward, backward = (other, type) if is_inverse else (type, other)
            c = function()(g / _counts(backward, g, axis), **options) * _counts(forward, g, axis)
        return fit(c, _x.shape[axis], axis)

    return transpose


_dct = linear(core(scipy.fft.dct), _transposing(lambda: _dct, is_inverse=False))
_idct = linear(core(scipy.fft.idct), _transposing(lambda: _idct, is_inverse=True))


for _function in (_dct, _idct):

    @batches(_function)
    @of_first
    def _batched(batch, x, type=2, n=None, axis=-1, norm=None, orthogonalize=None, function=_function):
        return Batched(batch, function(x.dense(), type, n, from_end(axis, x.ndim), norm, orthogonalize=orthogonalize))


def _over_axes(function):
    def body(x, type=2, s=None, axes=None, norm=None, orthogonalize=None):
        x = typed(x)
        s, axes = lengths(x, *(v if v is None else tuple(np.atleast_1d(v).tolist()) for v in (s, axes)))
        if len({normalize_axis_index(axis, x.ndim) for axis in axes}) < len(axes):
            raise ValueError("all axes must be unique")
        for n, axis in zip(s, axes, strict=True):
            x = function(x, type=type, n=n, axis=axis, norm=norm, orthogonalize=orthogonalize)
        return x

    return body


dct = public(scipy.fft.dct, _dct)
idct = public(scipy.fft.idct, _idct)
dctn = public(scipy.fft.dctn, _over_axes(_dct))
idctn = public(scipy.fft.idctn, _over_axes(_idct))

_OF_NUMBERS = ("fftfreq", "rfftfreq", "next_fast_len", "prev_fast_len", "get_workers", "set_workers")
_BACKENDS = ("set_backend", "skip_backend", "set_global_backend", "register_backend")
__all__ = [*scipy.fft.__all__]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__ = others_of(
    scipy.fft,
    lambda name: f"use np.fft.{name}" if hasattr(np.fft, name) else "no rule so far; write it by dct or np.fft",
    (*_OF_NUMBERS, *_BACKENDS),
)
