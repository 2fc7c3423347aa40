"""Discrete cosine transforms of every type and norm, cropped and padded."""

from scratch_ad.scipy import fft

from . import DOUBLE, cases

KEYWORD = "JAX has no such keyword, or no such value of it"

for name in ("dct", "idct"):
    f, function = f"scipy.fft.{name}", getattr(fft, name)
    cases(function, f"{f}(a)", f"{f}(a, n=5, axis=0)", f"{f}(a, axis=-2, norm='ortho')", a=(3, 4), dtypes=DOUBLE)
    cases(function, f"{f}(a, n=2)", a=(3, 4), dtypes=("float32",))
    for type in (1, 2, 3, 4):
        calls = [f"{f}(a, {type})", f"{f}(a + 0, {type}, 4, norm='ortho', orthogonalize=False, overwrite_x=True)"]
        calls.append(f"{f}(a, {type}, norm='forward', orthogonalize=True, axis=0)")
        calls.append(f"np.abs({f}(a + 1j * np.cos(a), {type}, norm='ortho'))")
        cases(function, *calls, a=(3, 5), dtypes=DOUBLE, differs=KEYWORD)
for name in ("dctn", "idctn"):
    f, function = f"scipy.fft.{name}", getattr(fft, name)
    cases(function, f"{f}(a)", f"{f}(a, axes=(1, 0), norm='ortho')", f"{f}(a, s=(2, 5))", a=(3, 4), dtypes=DOUBLE)
    cases(
        function, f"{f}(a, 3, s=5, axes=0)", f"{f}(a, type=1, norm='forward')", a=(3, 4), dtypes=DOUBLE, differs=KEYWORD
    )
for name in ("dct", "idct", "dctn", "idctn"):
    cases(getattr(fft, name), f"scipy.fft.{name}(a)", a=(11, 11), dtypes=DOUBLE)
