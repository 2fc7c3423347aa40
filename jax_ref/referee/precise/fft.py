"""Discrete Fourier transforms, written out."""

import mpmath
import numpy as np
from mpmath import mpf

from scratch_ad.rules.fft import lengths

from .tracer import FUNCTIONS, complex_dtype, wrapped


def _transform(sign, half=False):
    def transform(a, n=None, axis=-1, norm=None, out=None):
        n = a.shape[axis] if n is None else n
        rows = np.moveaxis(a.value, axis, -1)[..., :n]
        bins = n // 2 + 1 if half else n
        waves = _waves(sign, n, range(rows.shape[-1]), range(bins))
        y = rows @ waves * _scale(norm, n, sign)
        return wrapped(np.moveaxis(y, -1, axis), complex_dtype(a.dtype))

    return transform


def _waves(sign, n, times, frequencies):
    return np.array([[mpmath.expjpi(mpf(2 * sign * (j * k % n)) / n) for k in frequencies] for j in times], object)


def _scale(norm, n, sign):
    inverse = sign > 0
    return 1 / mpmath.sqrt(n) if norm == "ortho" else 1 / mpf(n) if inverse == (norm in (None, "backward")) else mpf(1)


def _irfft(a, n=None, axis=-1, norm=None, out=None):
    n = 2 * (a.shape[axis] - 1) if n is None else n
    half = np.moveaxis(a.value, axis, -1)[..., : n // 2 + 1]
    bins = half.shape[-1]
    twice = np.array([1 if k == 0 or 2 * k == n else 2 for k in range(bins)], object)
    y = (half * twice) @ _waves(1, n, range(bins), range(n)) * _scale(norm, n, 1)
    return np.real(wrapped(np.moveaxis(y, -1, axis), a.dtype))


def _along_each(function, default, last=None, real_output=False):
    """``function`` along each axis; along the last one ``last``, first of all or, with ``real_output``, at the end."""

    def transform(a, s=None, axes=default, norm=None, out=None):
        s, axes = lengths(a, s, axes, real_output)
        steps = [(last if last and k == len(s) - 1 else function, n, i) for k, (n, i) in enumerate(zip(s, axes))]
        for step, n, axis in steps if real_output else steps[::-1]:
            a = step(a, n, axis, norm)
        return a

    return transform


FUNCTIONS |= {
    np.fft.fft: _transform(-1),
    np.fft.ifft: _transform(1),
    np.fft.rfft: _transform(-1, half=True),
    np.fft.irfft: _irfft,
    np.fft.fftn: _along_each(np.fft.fft, None),
    np.fft.fft2: _along_each(np.fft.fft, (-2, -1)),
    np.fft.ifftn: _along_each(np.fft.ifft, None),
    np.fft.ifft2: _along_each(np.fft.ifft, (-2, -1)),
    np.fft.rfftn: _along_each(np.fft.fft, None, np.fft.rfft),
    np.fft.rfft2: _along_each(np.fft.fft, (-2, -1), np.fft.rfft),
    np.fft.irfftn: _along_each(np.fft.ifft, None, np.fft.irfft, real_output=True),
    np.fft.irfft2: _along_each(np.fft.ifft, (-2, -1), np.fft.irfft, real_output=True),
}
