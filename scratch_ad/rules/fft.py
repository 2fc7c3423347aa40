"""Discrete Fourier transforms: all linear, each the transpose of one of the others up to weights.

A transform crops or pads its input to length ``n`` first; the transpose does so last.
"""

import functools

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..rule import composite, linear
from ..tracer import kind_of
from .shaping import along

_SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def fit(g, length, axis):
    """``g`` cropped or padded with zeros at its end to ``length`` along ``axis``."""
    axis = normalize_axis_index(axis, g.ndim)
    excess = g.shape[axis] - length
    if excess >= 0:
        return g[along(axis, slice(length))] if excess else g
    return np.concatenate(
        [g, np.zeros((*g.shape[:axis], -excess, *g.shape[axis + 1 :]), g.dtype, like=kind_of(g))], axis
    )


def _weights(n, like, axis, inner):
    """For the half spectrum of a real signal of length ``n``: ``inner`` where a frequency stands for two, else 1."""
    k = np.arange(n // 2 + 1, like=kind_of(like)).reshape(
        (-1,) + (1,) * (like.ndim - normalize_axis_index(axis, like.ndim) - 1)
    )
    return np.where((k == 0) | (2 * k == n), 1, inner).astype(np.finfo(like.dtype).dtype)


def _fit_all(g, _a, axes):
    normalize_axis_tuple(axes, _a.ndim)  # ValueError for an axis that is named twice
    return functools.reduce(lambda g, axis: fit(g, _a.shape[axis], axis), axes, g)


def _from_real_transpose(g, _a, s, axes, norm):
    """Of rfftn, whose conjugate is irfftn but for the scale and the half spectrum."""
    g = np.conjugate(g * _weights(s[-1], g, axes[-1], 0.5))
    return _fit_all(np.fft.irfftn(g, s, axes, _SWAPPED[norm]), _a, axes)


def _to_real_transpose(g, _a, s, axes, norm):
    """Of irfftn, likewise."""
    c = np.conjugate(np.fft.rfftn(g, None, axes, _SWAPPED[norm]))
    return _fit_all(c * _weights(s[-1], g, axes[-1], 2), _a, axes)


def lengths(a, s, axes, real_output=False):
    """One length per axis, and the axes."""
    if s is None:
        axes = tuple(range(a.ndim) if axes is None else axes)
        s = [a.shape[i] for i in axes]
        if real_output:
            s[-1] = 2 * (s[-1] - 1)
    axes = tuple(range(-len(s), 0) if axes is None else axes)
    return [a.shape[i] if n == -1 else n for n, i in zip(s, axes, strict=True)], axes


def _of_one_axis(transpose, real_output=False):
    def of_one_axis(g, _a, n=None, axis=-1, norm=None, out=None):
        return transpose(g, _a, *lengths(_a, n and (n,), (axis,), real_output), norm)

    return of_one_axis


def _of_axes(transpose, default, real_output=False):
    def of_axes(g, _a, s=None, axes=default, norm=None, out=None):
        return transpose(g, _a, *lengths(_a, s, axes, real_output), norm)

    return of_axes


def _complex(function):
    return lambda g, _a, _s, axes, norm: _fit_all(function(g, None, axes, norm), _a, axes)


for _name, _transpose, _real_output in (
    ("fft", _complex(np.fft.fftn), False),
    ("ifft", _complex(np.fft.ifftn), False),
    ("rfft", _from_real_transpose, False),
    ("irfft", _to_real_transpose, True),
):
    linear(getattr(np.fft, _name), _of_one_axis(_transpose, _real_output))
    linear(getattr(np.fft, f"{_name}n"), _of_axes(_transpose, None, _real_output))
    linear(getattr(np.fft, f"{_name}2"), _of_axes(_transpose, (-2, -1), _real_output))
linear(np.fft.fftshift, lambda g, _x, axes=None: np.fft.ifftshift(g, axes))
linear(np.fft.ifftshift, lambda g, _x, axes=None: np.fft.fftshift(g, axes))


def _hfft(a, n=None, axis=-1, norm=None, out=None):
    n = (a.shape[axis] - 1) * 2 if n is None else n
    return np.fft.irfft(np.conjugate(a), n, axis, _SWAPPED.get(norm, norm))


def _ihfft(a, n=None, axis=-1, norm=None, out=None):
    return np.conjugate(np.fft.rfft(a, n, axis, _SWAPPED.get(norm, norm)))


composite(np.fft.hfft, _hfft)
composite(np.fft.ihfft, _ihfft)
