"""Discrete Fourier transforms, of even and odd lengths, cropped and padded."""

import numpy as np

from . import ALL, REAL, cases

COMPLEX = ("complex64", "complex128")

for function, dtypes in (
    (np.fft.fft, ALL),
    (np.fft.ifft, ALL),
    (np.fft.rfft, REAL),
    (np.fft.irfft, COMPLEX),
    (np.fft.hfft, COMPLEX),
    (np.fft.ihfft, REAL),
):
    f = f"np.fft.{function.__name__}"
    cases(
        function,
        f"{f}(a)",
        f"{f}(a, axis=0)",
        f"{f}(a, norm='ortho')",
        f"{f}(a, norm='forward')",
        a=(4, 3),
        dtypes=dtypes,
    )
    cases(function, f"{f}(a)", f"{f}(a, 4)", f"{f}(a, n=7)", f"{f}(a, 5, 0)", a=(5,), dtypes=dtypes)
for function, dtypes in (
    (np.fft.fft2, ALL),
    (np.fft.ifft2, ALL),
    (np.fft.fftn, ALL),
    (np.fft.ifftn, ALL),
    (np.fft.rfft2, REAL),
    (np.fft.rfftn, REAL),
    (np.fft.irfft2, COMPLEX),
    (np.fft.irfftn, COMPLEX),
):
    f = f"np.fft.{function.__name__}"
    cases(
        function,
        f"{f}(a)",
        f"{f}(a, s=(2, 4), axes=(0, 1))",
        f"{f}(a, axes=(1, 0), norm='ortho')",
        a=(3, 4),
        dtypes=dtypes,
    )
cases(np.fft.fftshift, "np.fft.fftshift(a)", "np.fft.fftshift(a, axes=1)", a=(3, 4))
cases(np.fft.ifftshift, "np.fft.ifftshift(a)", "np.fft.ifftshift(a, axes=0)", a=(3, 4))
