"""SciPy's convolutions, correlations and spectral estimates for tracers.

Convolution is linear in each argument. Transposed in one of them, a full convolution is a valid one with the other
reversed, and a valid one is a full one; "same" is the middle of a full one. What was asked to be done by FFT, or
directly, is so in all directions.
"""

import math

import numpy as np
import scipy.signal
from numpy.lib.array_utils import normalize_axis_index

from ..rule import linear
from ..tracer import dtype_of, scatter
from ..tree import typed
from ._wrapped import core, public

# Convolutions: the cores know "full", and "valid" with the larger argument first.


def _bilinear(function):
    """The core of ``function``, a convolution along ``axes`` (None: all)."""

    def by_first(g, _a, b, mode="full", method=None, axes=None):
        return convolve(g, np.flip(b, axes), **_given(mode=_OPPOSITE[mode], method=method, axes=axes))

    def by_second(g, a, _b, mode="full", method=None, axes=None):
        arrays = (g, np.flip(a, axes)) if mode == "full" else (np.flip(a, axes), g)
        return convolve(*arrays, **_given(mode="valid", method=method, axes=axes))

    convolve = linear(core(function), by_first, by_second)
    return convolve


_OPPOSITE = {"full": "valid", "valid": "full"}


def _given(**options):
    return {name: option for name, option in options.items() if option is not None}


_convolve, _fftconvolve, _convolve2d = map(
    _bilinear, (scipy.signal.convolve, scipy.signal.fftconvolve, scipy.signal.convolve2d)
)


def _in_modes(convolve):
    """The convolution with all its modes, by its core."""

    def body(in1, in2, mode="full", method=None, axes=None):
        in1, in2, options = typed(in1), typed(in2), _given(method=method, axes=axes)
        if mode == "same":
            return _middle(convolve(in1, in2, **options), in1.shape)
        if mode == "valid" and in1.ndim == in2.ndim:
            along = range(in1.ndim) if axes is None else np.atleast_1d(axes)
            if all(in1.shape[i] <= in2.shape[i] for i in along):
                in1, in2 = in2, in1
            if not all(in1.shape[i] >= in2.shape[i] for i in along):
                raise ValueError("For 'valid' mode, one must be at least as large as the other in every dimension")
        return convolve(in1, in2, mode=mode, **options)

    return body


def _middle(x, shape, late=0):
    """The middle of ``x``; where that is between two elements the earlier, or the later."""
    starts = [(n - m + late) // 2 for n, m in zip(x.shape, shape)]
    return x[tuple(slice(i, i + m) for i, m in zip(starts, shape))]


def _convolved2d(in1, in2, mode="full", boundary="fill", fillvalue=0, late=0):
    in1, in2 = typed(in1), typed(in2)
    if mode == "valid":
        return _in_modes(_convolve2d)(in1, in2, mode)
    scipy.signal.convolve2d(np.ones((1, 1)), np.ones((1, 1)), mode, boundary)  # for its errors
    if boundary in ("fill", "pad") and np.ndim(fillvalue) == 0 and fillvalue == 0:
        full = _convolve2d(in1, in2)
    else:
        widths = [(n - 1, n - 1) for n in in2.shape]
        by = _BEYOND.get(boundary) or {"constant_values": fillvalue}
        full = _convolve2d(np.pad(in1, widths, **by), in2, mode="valid")
    return full if mode == "full" else _middle(full, in1.shape, late)


_BEYOND = {
    **{name: {"mode": "wrap"} for name in ("wrap", "circular")},
    **{name: {"mode": "symmetric"} for name in ("symm", "symmetric")},
}


def _correlated(convolve):
    return lambda in1, in2, *args, **options: convolve(in1, np.conjugate(np.flip(typed(in2))), *args, **options)


def _correlated2d(in1, in2, mode="full", **options):
    in1, in2 = typed(in1), typed(in2)
    if mode == "valid" and in1.ndim == in2.ndim and all(n <= m for n, m in zip(in1.shape, in2.shape)):
        return np.flip(_convolved2d(in2, np.conjugate(np.flip(in1)), mode))
    return _convolved2d(in1, np.conjugate(np.flip(in2)), mode, late=1, **options)


convolve = public(scipy.signal.convolve, _in_modes(_convolve))
fftconvolve = public(scipy.signal.fftconvolve, _in_modes(_fftconvolve))
convolve2d = public(scipy.signal.convolve2d, _convolved2d)
correlate = public(scipy.signal.correlate, _correlated(_in_modes(_convolve)))
correlate2d = public(scipy.signal.correlate2d, _correlated2d)


# Detrending is an orthogonal projection: its own transpose.

_detrend = linear(
    core(scipy.signal.detrend), lambda g, _data, axis=-1, type="linear", bp=0: _detrend(g, axis, type, bp)
)
detrend = public(scipy.signal.detrend, _detrend)


# Spectra: of overlapping segments, each detrended and windowed. The frequencies and times are constants.


def _layout(window, nperseg, noverlap, nfft, length):
    """The window, how many numbers each segment shares with the next, and the length of its FFT."""
    if isinstance(window, (str, tuple)):
        window = scipy.signal.get_window(window, min(length, 256 if nperseg is None else int(nperseg)))
    window = np.asarray(window)
    n = len(window)
    if window.ndim != 1 or n > length or (nperseg is not None and int(nperseg) < n):
        raise ValueError("window must be one-dimensional, of length nperseg and no longer than the signal.")
    noverlap, nfft = n // 2 if noverlap is None else int(noverlap), n if nfft is None else int(nfft)
    if noverlap >= n:
        raise ValueError("noverlap must be less than nperseg.")
    if nfft < n:
        raise ValueError("nfft must be greater than or equal to nperseg.")
    return window, noverlap, nfft


def _starts(length, n, step):
    return np.arange(0, length - n + 1, step)[:, None] + np.arange(n)


def _spectra(x, window, noverlap, nfft, detrend, onesided):
    """The Fourier transform of each segment of the last axis; segments and frequencies are the last axes."""
    n = len(window)
    segments = x[..., _starts(x.shape[-1], n, n - noverlap)]
    if callable(detrend):
        segments = detrend(segments)
    elif detrend:
        segments = _detrend(segments, type=detrend)
    segments = segments * window.astype(np.finfo(x.dtype).dtype)
    return (np.fft.rfft if onesided else np.fft.fft)(segments, nfft)


def _frequencies(nfft, fs, onesided):
    return (np.fft.rfftfreq if onesided else np.fft.fftfreq)(nfft, 1 / fs)


_EXTENDED = {"even": "reflect", "constant": "edge", "zeros": "constant"}


def _stft(
    x,
    fs=1.0,
    window="hann_periodic",
    nperseg=256,
    noverlap=None,
    nfft=None,
    detrend=False,
    return_onesided=True,
    boundary="zeros",
    padded=True,
    axis=-1,
    scaling="spectrum",
):
    if scaling not in ("spectrum", "psd"):
        raise ValueError(f"Parameter {scaling=} not in ['spectrum', 'psd']!")
    if boundary is not None and boundary != "odd" and boundary not in _EXTENDED:
        raise ValueError(f"Unknown boundary option '{boundary}', must be one of even, odd, constant, zeros, None.")
    onesided = return_onesided and dtype_of(x).kind != "c"
    original, x = normalize_axis_index(axis, x.ndim), np.moveaxis(x, axis, -1)
    window, noverlap, nfft = _layout(window, nperseg, noverlap, nfft, x.shape[-1])
    n = len(window)
    step, around = n - noverlap, [(0, 0)] * (x.ndim - 1)
    if boundary == "odd":
        x = 2 * np.pad(x, [*around, (n // 2, n // 2)], "edge") - np.pad(x, [*around, (n // 2, n // 2)], "reflect")
    elif boundary is not None:
        x = np.pad(x, [*around, (n // 2, n // 2)], _EXTENDED[boundary])
    if padded:
        x = np.pad(x, [*around, (0, -(x.shape[-1] - n) % step % n)])
    z = _spectra(x, window, noverlap, nfft, detrend, onesided)
    z = z * (1 / abs(window.sum()) if scaling == "spectrum" else 1 / math.sqrt(fs * np.sum(window * window)))
    times = np.arange(n / 2, x.shape[-1] - n / 2 + 1, step) / float(fs) - (0 if boundary is None else n / 2 / fs)
    return _frequencies(nfft, fs, onesided), times, np.moveaxis(z, (-1, -2), (original, -1))


def _istft(
    Zxx,
    fs=1.0,
    window="hann_periodic",
    nperseg=None,
    noverlap=None,
    nfft=None,
    input_onesided=True,
    boundary=True,
    time_axis=-1,
    freq_axis=-2,
    scaling="spectrum",
):
    if scaling not in ("spectrum", "psd"):
        raise ValueError(f"Parameter {scaling=} not in ['spectrum', 'psd']!")
    time_axis, freq_axis = (normalize_axis_index(axis, Zxx.ndim) for axis in (time_axis, freq_axis))
    if time_axis == freq_axis:
        raise ValueError("Must specify differing time and frequency axes!")
    z = np.moveaxis(Zxx, (time_axis, freq_axis), (-2, -1))
    default = 2 * (z.shape[-1] - 1) if input_onesided else z.shape[-1]
    nperseg = default if nperseg is None else int(nperseg)
    if nfft is None:
        nfft = nperseg if input_onesided and nperseg == default + 1 else default
    window, noverlap, nfft = _layout(window, nperseg, noverlap, nfft, nperseg)
    n = len(window)
    segments = (np.fft.irfft if input_onesided else np.fft.ifft)(z, nfft)[..., :n]
    scale = window.sum() if scaling == "spectrum" else math.sqrt(fs * np.sum(window * window))
    segments = segments * (window * scale).astype(np.finfo(segments.dtype).dtype)
    length = n + (z.shape[-2] - 1) * (n - noverlap)
    places = _starts(length, n, n - noverlap)
    total = np.bincount(places.ravel(), np.broadcast_to(window**2, places.shape).ravel(), length)
    x = scatter(segments, (..., places), (*z.shape[:-2], length))
    inner = slice(n // 2, -(n // 2)) if boundary else slice(None)
    x = x[..., inner] / np.where(total > 1e-10, total, 1)[inner].astype(np.finfo(segments.dtype).dtype)
    if x.ndim > 1:
        x = np.moveaxis(x, -1, time_axis - (freq_axis < time_axis))
    return np.arange(x.shape[0]) / float(fs), x


def _csd(
    x,
    y,
    fs=1.0,
    window="hann_periodic",
    nperseg=None,
    noverlap=None,
    nfft=None,
    detrend="constant",
    return_onesided=True,
    scaling="density",
    axis=-1,
    average="mean",
):
    if scaling not in ("spectrum", "density"):
        raise ValueError(f"Parameter {scaling=} not in ['spectrum', 'density']!")
    if average not in ("mean", "median"):
        raise ValueError(f"Parameter {average=} must be 'median' or 'mean'!")
    same, onesided = y is x, return_onesided and dtype_of(x).kind != "c"
    original, x, y = axis, np.moveaxis(typed(x), axis, -1), np.moveaxis(typed(y), axis, -1)
    length = max(x.shape[-1], y.shape[-1])
    window, noverlap, nfft = _layout(window, nperseg, noverlap, nfft, length)
    longer = [np.pad(v, [(0, 0)] * (v.ndim - 1) + [(0, length - v.shape[-1])]) for v in ((x,) if same else (x, y))]
    of_x, *of_y = (_spectra(v, window, noverlap, nfft, detrend, onesided) for v in longer)
    p = np.square(of_x.real) + np.square(of_x.imag) if same else np.conjugate(of_x) * of_y[0]
    scale = 1 / (fs * np.sum(window * window) if scaling == "density" else window.sum() ** 2)
    counted = np.full(p.shape[-1], scale)
    if onesided:
        counted[1 : None if nfft % 2 else -1] *= 2
    p = p * counted.astype(np.finfo(p.dtype).dtype)
    return _frequencies(nfft, fs, onesided), np.moveaxis(_averaged(p, average), -1, original)


def _averaged(p, average):
    """Over the segments, the last axis but one; the median, of each part, divided by its bias for noise."""
    count = p.shape[-2]
    if average == "mean" or count == 1:
        return np.mean(p, -2)
    bias = float(1 + np.sum([1 / (k + 1) - 1 / k for k in range(2, count, 2)]))
    if dtype_of(p).kind == "c":
        return (np.median(p.real, -2) + np.median(p.imag, -2) * 1j) / bias
    return np.median(p, -2) / bias


stft = public(scipy.signal.stft, _stft)
istft = public(scipy.signal.istft, _istft)
csd = public(scipy.signal.csd, _csd)
welch = public(scipy.signal.welch, lambda x, **options: _csd(x, x, **options))
