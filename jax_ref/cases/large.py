"""One call of each function with an array of a hundred numbers or more, all of which count."""

from operator import attrgetter

import numpy as np

from scratch_ad import primitives

from . import DOUBLE, cases, nonzero, positive
from .linalg import NAMES

COMPLEX = ("complex128",)
SQUARE, COLUMN, LONG = (11, 11), (121, 1), (121,)


def large(names, arguments="a", dtypes=DOUBLE, **shapes):
    for name in names.split():
        cases(attrgetter(name)(np), f"np.{name}({arguments})", dtypes=dtypes, names=NAMES, **shapes)


large("fft.fft fft.ifft fft.rfft fft.ihfft fft.fft2 fft.ifft2 fft.fftn fft.ifftn fft.rfft2 fft.rfftn", a=SQUARE)
large("fft.irfft fft.hfft fft.irfft2 fft.irfftn", dtypes=COMPLEX, a=SQUARE)
large("fft.fftshift fft.ifftshift", a=SQUARE)

large("linalg.det linalg.slogdet linalg.inv linalg.pinv linalg.svdvals linalg.qr linalg.cond", "regular(a)", a=SQUARE)
large("linalg.eigvalsh", "hermitian(a)", a=SQUARE)
large("linalg.cholesky", "definite(a)", a=(14, 3, 3))
large("linalg.solve", "regular(a), b", a=SQUARE, b=(11,))
large("linalg.matrix_power", "regular(a), 2", a=SQUARE)
large("linalg.norm linalg.matrix_norm", a=nonzero(11, 11))
large("linalg.vector_norm", "a, axis=1", a=nonzero(61, 2))
large("linalg.trace linalg.diagonal linalg.matrix_transpose", a=SQUARE)
large("linalg.tensorinv", "np.reshape(regular(a), (11, 11, 1)), ind=1", a=SQUARE)
large("linalg.tensorsolve", "np.reshape(regular(a), (11, 11, 1)), b", a=SQUARE, b=(11,))
cases(np.linalg.eigh, "np.linalg.eigh(hermitian(a)).eigenvalues", a=SQUARE, dtypes=DOUBLE, names=NAMES)
cases(np.linalg.svd, "np.linalg.svd(regular(a), compute_uv=False)", a=SQUARE, dtypes=DOUBLE, names=NAMES)
cases(np.linalg.lstsq, "np.linalg.lstsq(regular(a), b)[0]", a=SQUARE, b=(11,), dtypes=DOUBLE, names=NAMES)

large("linalg.eig linalg.eigvals", "regular(a)", dtypes=COMPLEX, a=SQUARE)
large("cov", a=SQUARE)

large("matmul dot inner linalg.matmul", "a, b", a=SQUARE, b=SQUARE)
large("outer linalg.outer kron", "a, b", a=(2,), b=LONG)
large("vdot", "a, b", a=LONG, b=LONG)
large("vecdot linalg.vecdot matvec", "a, b", a=SQUARE, b=(11,))
large("vecmat", "a, b", a=(11,), b=SQUARE)
large("cross linalg.cross", "a, b", a=(41, 3), b=(41, 3))
large("convolve correlate", "a, b", a=LONG, b=(3,))
large("tensordot linalg.tensordot", "a, b, axes=1", a=SQUARE, b=(11, 2))
large("linalg.multi_dot", "[a, b, c]", a=(2, 11), b=SQUARE, c=(11, 2))
large("einsum", "'ij,jk->ik', a, b", a=SQUARE, b=(11, 2))

large("sum mean prod std var nansum nanmean nanprod nanstd nanvar average diff", a=SQUARE)
large("add.reduce add.accumulate multiply.accumulate", a=SQUARE)
large("multiply.reduce hypot.reduce logaddexp.reduce logaddexp2.reduce", a=nonzero(*SQUARE))
large("max min amax amin nanmax nanmin median nanmedian", "a, axis=1", a=COLUMN)
large("maximum.reduce minimum.reduce", "a, axis=1", a=COLUMN)
large("ptp", "a, axis=1", a=(61, 2))
large("quantile nanquantile", "a, 0.3, axis=1", a=COLUMN)
large("percentile nanpercentile", "a, 30.0, axis=1", a=COLUMN)
large("cumsum cumprod nancumsum nancumprod gradient trapezoid cumulative_sum cumulative_prod ediff1d", a=LONG)
large("add.outer multiply.outer maximum.outer minimum.outer", "a, b", a=(2,), b=nonzero(*LONG))
large("add.reduceat", "a, [0, 40]", a=LONG)

large("ravel transpose matrix_transpose atleast_1d atleast_2d atleast_3d flip fliplr flipud rot90 copy sort", a=SQUARE)
large("diag diagonal diagflat trace tril triu unstack squeeze", a=SQUARE)
large("reshape", "a, -1", a=SQUARE)
large("swapaxes moveaxis", "a, 0, 1", a=SQUARE)
large("permute_dims", "a, (1, 0)", a=SQUARE)
large("rollaxis roll expand_dims tile repeat pad", "a, 1", a=SQUARE)
large("broadcast_to", "a, (2, 121)", a=LONG)
large("broadcast_arrays meshgrid ix_ append", "a, b", a=LONG, b=(1,))
large("resize", "a, (11, 11)", a=SQUARE)
large("apply_along_axis", "np.cumsum, 0, a", a=SQUARE)
large("apply_over_axes", "np.sum, a, [0]", a=(2, 61, 2))
large("linspace logspace geomspace", "a, b, 3", a=positive(1, 121), b=positive(2, 1))
large("concatenate stack hstack vstack dstack column_stack block", "[a, b]", a=SQUARE, b=SQUARE)
large("concat", "[a, b]", a=SQUARE, b=SQUARE)
large("insert", "a, 1, b", a=LONG, b=())
large("delete", "a, 1", a=LONG)
large("split array_split hsplit vsplit", "a, 2", a=(12, 10))
large("dsplit", "a, 2", a=(1, 30, 4))

cases(primitives.getitem, "a[5:]", a=SQUARE, dtypes=DOUBLE)
cases(primitives.astype, "a.astype(np.complex128)", a=SQUARE, dtypes=DOUBLE)
cases(np._core.umath.clip, "np._core.umath.clip(a, -1.0, 1.0)", a=SQUARE, dtypes=DOUBLE)
large("astype", "a, np.complex128", a=SQUARE)
large("take", "a, [4, 5], axis=0", a=SQUARE)
large("take_along_axis", "a, np.arange(121).reshape(11, 11) // 11, axis=0", a=SQUARE)
large("compress extract", "np.arange(121) > 50, a", a=LONG)
large("choose", "np.arange(121) % 2, [a, b]", a=LONG, b=LONG)
large("bincount", "np.arange(121) // 2, a", a=LONG)

large("real real_if_close nan_to_num unwrap", a=SQUARE)
large("sinc", a=nonzero(11, 11))
large("imag angle", dtypes=COMPLEX, a=nonzero(11, 11))
large("sort_complex", dtypes=COMPLEX, a=LONG)
large("maximum minimum fmax fmin", "a, b", a=LONG, b=LONG)
large("heaviside", "0.0 * a, b", a=nonzero(*LONG), b=LONG)
large("ldexp", "a, 3", a=nonzero(*LONG))
large("full_like", "a * b, b", a=(1, 121), b=LONG)
large("where", "np.arange(11) > 4, a, b", a=SQUARE, b=(11,))
large("select", "[a > 1, a > -1], [a, a * b], 2.0", a=SQUARE, b=())
large("piecewise", "a, [a > 1, a <= 1], [np.sin, lambda x: x * x + x]", a=LONG)
large("clip", "a, -1.0, 1.0", a=SQUARE)
large("histogram", "a, 5, weights=b", a=LONG, b=LONG)
large("histogram2d", "a, b, 2, weights=a", a=LONG, b=LONG)
cases(np.histogramdd, "np.histogramdd(a, 2, weights=b)[0]", a=(121, 2), b=LONG, dtypes=DOUBLE)
large("histogram_bin_edges", "[0.5], np.cumsum(a * a)", a=nonzero(*LONG))
large("polyval", "a, b", a=(3,), b=LONG)
large("vander", "a, 3", a=nonzero(*LONG))
large("polyadd polysub polymul", "a, b", a=LONG, b=nonzero(2))
cases(np.polydiv, "np.polydiv(a, b)[1][-119:]", a=LONG, b=nonzero(120), dtypes=DOUBLE)
cases(np.polyfit, "np.polyfit(a, b, 1)", a=nonzero(*LONG), b=LONG, dtypes=DOUBLE, orders=1)
cases(np.corrcoef, "np.corrcoef(a)[0, 1:]", a=(2, 61), dtypes=DOUBLE)
large("poly", "a / 2", a=LONG)
large("polyder polyint", a=LONG)
large("interp", "a, [-2.0, -0.5, 1.0, 2.0], b", a=LONG, b=(4,))
