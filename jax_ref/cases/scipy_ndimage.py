"""Filters and splines of images, in each mode beyond the edges."""

from scratch_ad.scipy import ndimage

from . import DOUBLE, DOUBLES, Argument, cases, point

LACKS = "JAX has no such function"
PLACES = Argument((2, 3), 0.1, 2.9)


def of(name, *expressions, dtypes=DOUBLE, **options):
    """Cases of the function of this name, ``f`` in the expressions."""
    expressions = [e.replace("f(", f"scipy.ndimage.{name}(", 1) for e in expressions]
    cases(getattr(ndimage, name), *expressions, dtypes=dtypes, differs=LACKS, **options)


for name in ("correlate", "convolve"):
    of(name, "f(a, b)", "f(a, b, mode='constant', cval=2.0, origin=(1, -1))", a=(3, 4), b=(3, 2), dtypes=DOUBLES)
    of(name, "f(a, b[0], mode='wrap', axes=0)", a=(3, 4), b=(3, 2))
    of(f"{name}1d", "f(a, b)", "f(a, b, 0, mode='mirror', origin=-1)", a=(3, 4), b=(4,))
of("gaussian_filter", "f(a, b)", "f(a, (0, b), order=(0, 2), mode='nearest', radius=2)", a=(3, 4), b=point(0.7))
of("gaussian_filter1d", "f(a, b, axis=0, order=1)", a=(3, 2), b=point(0.7))
of("gaussian_laplace", "f(a, b)", a=(3, 4), b=point(0.7))
of("gaussian_gradient_magnitude", "f(a, [b, 0.6], mode=['wrap', 'mirror'])", a=(3, 4), b=point(0.7))
of("uniform_filter", "f(a)", "f(a, (2, 3), mode='wrap')", a=(3, 4))
of("uniform_filter1d", "f(a, 2, mode='grid-mirror', origin=-1)", a=(4,))
for name in ("sobel", "prewitt", "laplace"):
    of(name, "f(a)", a=(3, 4))
for name in ("maximum_filter", "minimum_filter"):
    of(name, "f(a, 2)", a=(3, 4))
    of(f"{name}1d", "f(a, 3, axis=0, mode='nearest')", a=(3, 4))
of("spline_filter", "f(a, mode='grid-wrap')", a=(3, 4))
of("spline_filter1d", "f(a)", "f(a, 5, axis=0, mode='reflect')", a=(3, 4))
of("map_coordinates", "f(a, 2 * b - 1.3, mode='nearest')", "f(a, 1.1 * b, order=2)", a=(4, 4), b=PLACES)
of("shift", "f(a, b)", a=(4,), b=point(1.3))
of("zoom", "f(a, 1.7, order=2, mode='grid-wrap', grid_mode=True)", "f(a, (0.6, 2.0))", a=(3, 4))
of("affine_transform", "f(a, b, c, mode='mirror')", a=(3, 4), b=(2, 2), c=(2,))
of("affine_transform", "f(a, np.array([0.7, 1.2]), offset=0.1, output_shape=(2, 3))", a=(3, 4))
of("rotate", "f(a, b, order=1)", a=(3, 4), b=point(31.0))
