"""Discrete Fourier transforms: all linear, each the transpose of one of the others up to weights.

A transform crops or pads its input to length ``n`` first; the transpose does so last.
"""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..rule import composite, linear
from .shaping import along

_SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _fit(g, length, axis):
    """``g`` cropped or padded with zeros at its end to ``length`` along ``axis``."""
    axis = normalize_axis_index(axis, g.ndim)
    excess = g.shape[axis] - length
    if excess >= 0:
        return g[along(axis, slice(length))] if excess else g
    return np.concatenate([g, np.zeros((*g.shape[:axis], -excess, *g.shape[axis + 1 :]), g.dtype)], axis)


def _weights(n, like, axis, inner):
    """For the half spectrum of a real signal of length ``n``: ``inner`` where a frequency stands for two, else 1."""
    k = np.arange(n // 2 + 1).reshape((-1,) + (1,) * (like.ndim - normalize_axis_index(axis, like.ndim) - 1))
    return np.where((k == 0) | (2 * k == n), 1, inner).astype(np.finfo(like.dtype).dtype)


def _rfft_transpose(g, _a, n=None, axis=-1, norm=None, out=None):
    n = _a.shape[axis] if n is None else n
    return _fit(np.fft.hfft(g * _weights(n, g, axis, 0.5), n, axis, norm), _a.shape[axis], axis)


def _irfft_transpose(g, _a, n=None, axis=-1, norm=None, out=None):
    n = g.shape[axis]
    return _fit(np.fft.ihfft(g, n, axis, norm) * _weights(n, g, axis, 2), _a.shape[axis], axis)


def _fft_transpose(function):
    return lambda g, _a, n=None, axis=-1, norm=None, out=None: _fit(function(g, None, axis, norm), _a.shape[axis], axis)


# fmt: off
linear(np.fft.fft,   _fft_transpose(np.fft.fft))
linear(np.fft.ifft,  _fft_transpose(np.fft.ifft))
linear(np.fft.rfft,  _rfft_transpose)
linear(np.fft.irfft, _irfft_transpose)
linear(np.fft.fftshift,  lambda g, _x, axes=None: np.fft.ifftshift(g, axes))
linear(np.fft.ifftshift, lambda g, _x, axes=None: np.fft.fftshift(g, axes))
# fmt: on


def _hfft(a, n=None, axis=-1, norm=None, out=None):
    n = (a.shape[axis] - 1) * 2 if n is None else n
    return np.fft.irfft(np.conjugate(a), n, axis, _SWAPPED[norm])


def _ihfft(a, n=None, axis=-1, norm=None, out=None):
    return np.conjugate(np.fft.rfft(a, n, axis, _SWAPPED[norm]))


def _lengths(a, s, axes, real_output=False):
    """One length per axis, and the axes."""
    if s is None:
        axes = tuple(range(a.ndim) if axes is None else axes)
        s = [a.shape[i] for i in axes]
        if real_output:
            s[-1] = 2 * (s[-1] - 1)
    axes = tuple(range(-len(s), 0) if axes is None else axes)
    if len(s) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return [a.shape[i] if n == -1 else n for n, i in zip(s, axes, strict=True)], axes


def _chain(function, a, s, axes, norm):
    for n, axis in zip(s, axes, strict=True):
        a = function(a, n, axis, norm)
    return a


def _complex(function, default):
    def body(a, s=None, axes=default, norm=None, out=None):
        s, axes = _lengths(a, s, axes)
        return _chain(function, a, s[::-1], axes[::-1], norm)

    return body


def _from_real(default):
    def body(a, s=None, axes=default, norm=None, out=None):
        s, axes = _lengths(a, s, axes)
        return _chain(np.fft.fft, np.fft.rfft(a, s[-1], axes[-1], norm), s[-2::-1], axes[-2::-1], norm)

    return body


def _to_real(default):
    def body(a, s=None, axes=default, norm=None, out=None):
        s, axes = _lengths(a, s, axes, real_output=True)
        return np.fft.irfft(_chain(np.fft.ifft, a, s[:-1], axes[:-1], norm), s[-1], axes[-1], norm)

    return body


composite(np.fft.hfft, _hfft)
composite(np.fft.ihfft, _ihfft)
composite(np.fft.fftn, _complex(np.fft.fft, None))
composite(np.fft.fft2, _complex(np.fft.fft, (-2, -1)))
composite(np.fft.ifftn, _complex(np.fft.ifft, None))
composite(np.fft.ifft2, _complex(np.fft.ifft, (-2, -1)))
composite(np.fft.rfftn, _from_real(None))
composite(np.fft.rfft2, _from_real((-2, -1)))
composite(np.fft.irfftn, _to_real(None))
composite(np.fft.irfft2, _to_real((-2, -1)))
