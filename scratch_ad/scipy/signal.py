"""SciPy's convolutions, correlations and spectral estimates for tracers."""

import math

import numpy as np
import scipy.fft
import scipy.signal
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..batch import Batched, Uncovered, batches
from ..batching.axes import from_end, of_first
from ..layout import arranged
from ..primitives import scatter
from ..rule import linear
from ..tracer import dtype_of, kind_of
from ..tree import typed
from .wrapping import core, others_of, public

# Convolutions by sums of products: linear in each argument. Transposed in one of them, a full convolution is a valid
# one with the other reversed, a valid one a full one, and "same", the middle of a full one, again "same" if the length
# is odd: one of even length gets a zero more. In the mode "valid" the cores take the larger argument first.

_TRANSPOSED = {"full": "valid", "valid": "full", "same": "same"}


def _direct(function, **options):
    """The core of ``function``, a convolution of arrays of any number of dimensions, with its transposes."""

    def by_first(g, _a, b, mode):
        b = np.flip(b)
        return convolve(g, _odd(b) if mode == "same" else b, mode=_TRANSPOSED[mode])

    def by_second(g, a, _b, mode):
        a = np.flip(a)
        if mode == "full":
            return convolve(g, a, mode="valid")
        if mode == "same":
            a = np.pad(a, [((n - 1) // 2, n // 2) for n in _b.shape])
        return convolve(a, g, mode="valid")

    convolve = linear(core(function, **options), by_first, by_second)
    return convolve


def _odd(x):
    """With zeros at the end where a length is even: the middle of a convolution with it is then a later one."""
    return np.pad(x, [(0, 1 - n % 2) for n in x.shape])


core_convolve = _direct(scipy.signal.convolve, method="direct")
_convolve2d = _direct(scipy.signal.convolve2d)


_LARGE = 1 << 22  # products, of which there is an array where both arguments are batched


def _of_both(batch, in1, in2, mode):
    """The windows of the larger, times the other in reverse."""
    windows = np.lib.stride_tricks.sliding_window_view
    x, w, axes = in1.dense(), np.flip(in2.dense(), range(1, in2.ndim + 1)), tuple(range(1, in1.ndim + 1))
    if mode != "valid":
        x = np.pad(x, [(0, 0), *((n - 1, n - 1) for n in in2.shape)])
    elif any(n < m for n, m in zip(in1.shape, in2.shape)):
        raise Uncovered
    x = windows(x, in2.shape, axes)
    if x.size > _LARGE:
        raise Uncovered
    x = x * np.expand_dims(w, axes)
    y = np.sum(x, tuple(range(-in2.ndim, 0)), dtype=x.dtype)  # which sums of short integers would not keep
    return Batched(batch, _middle(y, (batch.size, *in1.shape)) if mode == "same" else y)


def _of_examples(batch, in1, in2, mode):
    """Of those in one argument, as a convolution along one axis more."""
    if batch.owns(in1) and batch.owns(in2):
        return _of_both(batch, in1, in2, mode)
    if batch.owns(in1) and mode != "valid":
        return Batched(batch, core_convolve(in1.dense(), in2[None], mode=mode))
    whole, other = (in1, in2) if batch.owns(in1) else (in2, in1)
    full = core_convolve(whole.dense(), other[None], mode="full")
    if mode == "same":
        return Batched(batch, _middle(full, (batch.size, *in1.shape)))
    edges = [(min(n, m) - 1, max(n, m)) for n, m in zip(in1.shape, in2.shape)] if mode == "valid" else []
    return Batched(batch, full[(slice(None), *(slice(start, end) for start, end in edges))])


for _function in (core_convolve, _convolve2d):
    batches(_function)(_of_examples)


def _larger_first(in1, in2, mode):
    """The arguments in the order that the mode "valid" needs, in which the order makes no difference."""
    if not in1.size or not in2.size:
        raise ValueError("one of them has no elements")
    if mode != "valid" or in1.ndim != in2.ndim or all(n >= m for n, m in zip(in1.shape, in2.shape)):
        return in1, in2
    return in2, in1


def _middle(x, shape):
    starts = [(n - m) // 2 for n, m in zip(x.shape, shape)]
    return x[tuple(slice(i, i + m) for i, m in zip(starts, shape))]


def _convolved(in1, in2, mode="full", method="auto"):
    if method == "auto":
        alike = [np.broadcast_to(np.zeros((), dtype_of(x)), x.shape) for x in (in1, in2)]
        method = scipy.signal.choose_conv_method(*alike, mode) if in1.ndim == in2.ndim > 0 else "direct"
    if method == "fft":
        return _fftconvolved(in1, in2, mode)
    if method != "direct":
        raise ValueError("Acceptable method flags are 'auto', 'direct', or 'fft'.")
    return core_convolve(*_larger_first(in1, in2, mode), mode=mode)


def _fftconvolved(in1, in2, mode="full", axes=None):
    """The product of the transforms, whose rules keep the transforms of both arguments for the reverse pass."""
    if mode not in _TRANSPOSED:
        raise ValueError("acceptable mode flags are 'valid', 'same', or 'full'")
    if in1.ndim != in2.ndim:
        raise ValueError("in1 and in2 should have the same dimensionality")
    if not (in1.size and in2.size):
        return np.zeros(0, like=kind_of(in1))
    axes = normalize_axis_tuple(range(in1.ndim) if axes is None else axes, in1.ndim)
    axes = [i for i in axes if in1.shape[i] != 1 != in2.shape[i]]  # the product broadcasts along the others
    if mode == "valid" and not all(in1.shape[i] >= in2.shape[i] for i in axes):
        if not all(in1.shape[i] <= in2.shape[i] for i in axes):
            raise ValueError("For 'valid' mode, one must be at least as large as the other in every dimension")
        in1, in2 = in2, in1
    both = list(zip(in1.shape, in2.shape))
    shape = [n + m - 1 if i in axes else max(n, m) for i, (n, m) in enumerate(both)]
    if not axes:
        y = in1 * in2
    else:
        is_real = "c" not in (dtype_of(in1).kind, dtype_of(in2).kind)
        lengths = [scipy.fft.next_fast_len(shape[i], is_real) for i in axes]
        there, back = (np.fft.rfftn, np.fft.irfftn) if is_real else (np.fft.fftn, np.fft.ifftn)
        y = back(there(in1, lengths, axes) * there(in2, lengths, axes), lengths, axes)
        y = y[tuple(map(slice, shape))]
    if mode == "valid":
        shape = [n - m + 1 if i in axes else max(n, m) for i, (n, m) in enumerate(both)]
    return arranged(_middle(y, in1.shape if mode == "same" else shape))


_BEYOND = {
    **{name: {"mode": "wrap"} for name in ("wrap", "circular")},
    **{name: {"mode": "symmetric"} for name in ("symm", "symmetric")},
}


def _convolved2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    if mode == "valid" or (boundary in ("fill", "pad") and np.ndim(fillvalue) == 0 and fillvalue == 0):
        return _convolve2d(*_larger_first(in1, in2, mode), mode=mode)
    scipy.signal.convolve2d(np.ones((1, 1)), np.ones((1, 1)), mode, boundary)  # for its errors
    continued = _BEYOND.get(boundary) or {"constant_values": fillvalue}
    full = _convolve2d(np.pad(in1, [(n - 1, n - 1) for n in in2.shape], **continued), in2, mode="valid")
    return full if mode == "full" else arranged(_middle(full, in1.shape))


def _reversed(x):
    return np.conjugate(np.flip(x))


def _correlated(in1, in2, mode="full", method="auto"):
    return _convolved(in1, _reversed(in2), mode, method)


def _correlated2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """As SciPy has it: of two arrays of which the second is larger, the second is the one that is not conjugated."""
    if mode == "valid":
        larger, smaller = _larger_first(in1, in2, mode)
        y = _convolve2d(larger, _reversed(smaller), mode=mode)
        return y if larger is in1 else np.flip(y)
    kernel = _reversed(in2)
    return _convolved2d(in1, _odd(kernel) if mode == "same" else kernel, mode, boundary, fillvalue)


convolve = public(scipy.signal.convolve, _convolved)
fftconvolve = public(scipy.signal.fftconvolve, _fftconvolved)
convolve2d = public(scipy.signal.convolve2d, _convolved2d)
correlate = public(scipy.signal.correlate, _correlated)
correlate2d = public(scipy.signal.correlate2d, _correlated2d)


# Detrending is an orthogonal projection: its own transpose.

_detrend = linear(
    core(scipy.signal.detrend), lambda g, _data, axis=-1, type="linear", bp=0: _detrend(g, axis, type, bp)
)
detrend = public(scipy.signal.detrend, _detrend)


@batches(_detrend)
@of_first
def _detrend_of_examples(batch, data, axis=-1, type="linear", bp=0):
    return Batched(batch, _detrend(data.dense(), from_end(axis, data.ndim), type, bp))


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
    segments = segments * np.asarray(window, np.finfo(x.dtype).dtype, like=kind_of(segments))
    return (np.fft.rfft if onesided else np.fft.fft)(segments, nfft)


def _frequencies(nfft, fs, onesided, like):
    return np.asarray((np.fft.rfftfreq if onesided else np.fft.fftfreq)(nfft, 1 / fs), like=kind_of(like))


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
    z = z * (1 / float(abs(window.sum())) if scaling == "spectrum" else 1 / math.sqrt(fs * np.sum(window * window)))
    times = np.arange(n / 2, x.shape[-1] - n / 2 + 1, step, like=kind_of(x))
    times = times / float(fs) - (0 if boundary is None else n / 2 / fs)
    return _frequencies(nfft, fs, onesided, x), times, np.moveaxis(z, (-1, -2), (original, -1))


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
    segments = segments * np.asarray(window * scale, np.finfo(segments.dtype).dtype, like=kind_of(segments))
    length = n + (z.shape[-2] - 1) * (n - noverlap)
    places = _starts(length, n, n - noverlap)
    total = np.bincount(places.ravel(), np.broadcast_to(window**2, places.shape).ravel(), length)
    x = scatter(segments, (..., places), (*z.shape[:-2], length))
    inner = slice(n // 2, -(n // 2)) if boundary else slice(None)
    total = np.where(total > 1e-10, total, 1)[inner]
    x = x[..., inner] / np.asarray(total, np.finfo(segments.dtype).dtype, like=kind_of(segments))
    if x.ndim > 1:
        x = np.moveaxis(x, -1, time_axis - (freq_axis < time_axis))
    return np.arange(x.shape[0], like=kind_of(x)) / float(fs), x


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
    p = p * np.asarray(counted, np.finfo(p.dtype).dtype, like=kind_of(p))
    return _frequencies(nfft, fs, onesided, p), np.moveaxis(_averaged(p, average), -1, original)


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

NO_RULE = "no rule so far; write it by convolve or np.fft, or give it scratch_ad.stop_gradient(x), which is plain"
__all__ = [*scipy.signal.__all__]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__ = others_of(scipy.signal, NO_RULE)
