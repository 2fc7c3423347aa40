"""Convolutions in every mode, of odd and even lengths, and spectra of short segments."""

from scratch_ad.scipy import signal

from . import DOUBLE, DOUBLES, cases

KEYWORD = "JAX has no such keyword, or no such value of it"


def of(name, *arguments, dtypes=DOUBLES, differs="", **options):
    """Cases of ``scipy.signal``'s function of this name, with these arguments."""
    calls = [f"scipy.signal.{name}({a})" for a in arguments]
    cases(getattr(signal, name), *calls, dtypes=DOUBLE if differs else dtypes, differs=differs, **options)


for name in ("convolve", "correlate"):
    of(
        name,
        "a, b",
        "a, b, 'same', method='direct'",
        "a, b, mode='valid', method='fft'",
        "b, a, 'valid'",
        a=(6,),
        b=(4,),
    )
    of(name, "a, b", "a, b, 'same'", "b, a, mode='same'", "a, b, mode='valid'", a=(4, 5), b=(3, 2), dtypes=DOUBLE)
for name in ("convolve", "correlate", "fftconvolve"):
    of(name, "a, b", a=(121,), b=(3,), dtypes=DOUBLE)
of("fftconvolve", "a, b", "a, b, 'same'", "a, b, 'valid'", "b, a, mode='same', axes=1", a=(3, 5), b=(3, 2))
of("fftconvolve", "a, b, axes=-1", "b, a, 'full', (1,)", a=(3, 5), b=(1, 4), differs="JAX does not broadcast")
for name in ("convolve2d", "correlate2d"):
    of(name, "a, b", "a, b, 'same'", "a, b, mode='valid'", "b, a, 'same'", a=(4, 5), b=(3, 2))
    of(name, "b, a, 'valid'", a=(4, 5), b=(3, 2), dtypes=DOUBLE)
    of(name, "a, b", a=(11, 10), b=(2, 2), dtypes=DOUBLE)
    for boundary in ("'wrap'", "'symm'", "'fill', fillvalue=2.0"):
        of(name, f"a, b, boundary={boundary}", f"a, b, 'same', {boundary}", a=(3, 4), b=(5, 2), differs=KEYWORD)

of("detrend", "a", "a, type='constant', axis=0", "a + 0, bp=[4], overwrite_data=True", a=(15, 9), dtypes=DOUBLE)
MEDIAN = "nperseg=5, scaling='spectrum', average='median'"
of("welch", "a, nperseg=4", f"a, {MEDIAN}", a=(7, 16), dtypes=DOUBLE)
of("csd", "a, b, nperseg=4", f"a, b, {MEDIAN}", a=(7, 16), b=(7, 16), dtypes=DOUBLE)
of("welch", "a, nperseg=4, noverlap=1, nfft=7, detrend='linear', axis=0", a=(16, 2), dtypes=DOUBLE)
of("csd", "a, b, fs=3.0, nperseg=4, window='boxcar', detrend=False, return_onesided=False", a=(2, 16), b=(2, 16))
OTHER = "JAX takes no arrays of other lengths, and warns where both are the same"
cases(signal.csd, "scipy.signal.csd(a, b, nperseg=4)[1].imag", a=(2, 16), b=(2, 12), dtypes=DOUBLE, differs=OTHER)
cases(signal.csd, "scipy.signal.csd(a, a, nperseg=4)[1].real", a=(2, 16), dtypes=DOUBLE, differs=OTHER)
of("stft", "a, nperseg=6, noverlap=4, boundary=None, padded=False, nfft=8, return_onesided=False", a=(2, 15))
of("stft", "a, nperseg=4", a=(7, 15), dtypes=DOUBLE)
of("stft", "a, window=('kaiser', 2.0), nperseg=4, boundary='even', axis=0", a=(13, 2), dtypes=DOUBLE)
for boundary in ("odd", "constant"):
    call = f"a, nperseg=4, boundary='{boundary}', scaling='psd', detrend='constant', return_onesided=False"
    cases(signal.stft, f"np.abs(scipy.signal.stft({call})[2]) ** 2", a=(13,), dtypes=DOUBLE, differs=KEYWORD)
of("istft", "a", "a, noverlap=1, boundary=False, window='boxcar'", a=(4, 5), dtypes=("complex128",))
of("istft", "a, input_onesided=False, window='boxcar'", a=(4, 6, 5), dtypes=("complex128",))
cases(
    signal.istft,
    "scipy.signal.istft(a + 1j * b, time_axis=0, freq_axis=1, scaling='psd')[1]",
    "scipy.signal.istft(a + 1j * b, nperseg=7, time_axis=0, freq_axis=1)[1]",
    a=(5, 4, 2),
    b=(5, 4, 2),
    dtypes=DOUBLE,
    differs=KEYWORD,
)
