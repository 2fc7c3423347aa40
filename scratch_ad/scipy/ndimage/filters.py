"""Filters: correlations of an image that is continued beyond its edges, linear in it and in the weights."""

import operator

import numpy as np
import scipy.ndimage as _scipy
import scipy.special as special

from ...primitives import astype
from ...tracer import dtype_of, strip
from ...tree import typed
from ..signal import core_convolve
from ..wrapping import public

CONTINUED = {  # by SciPy's names: NumPy's
    **dict.fromkeys(("reflect", "grid-mirror"), "symmetric"),
    **dict.fromkeys(("wrap", "grid-wrap"), "wrap"),
    **dict.fromkeys(("constant", "grid-constant"), "constant"),
    "mirror": "reflect",
    "nearest": "edge",
}


def of_images(function, body):
    """SciPy's ``function`` with the derivative of ``body``, which is not given where the result is to be written."""

    def checked(*args, output=None, **options):
        if output is not None and output is not np.float64:
            raise NotImplementedError(
                f"scipy.ndimage.{function.__name__} has a derivative without output=: use what it returns, and .astype."
            )
        return body(*args, **options)

    return public(function, checked, of_doubles=True)


def whole(x):
    """A number as a count, which has no derivative."""
    return operator.index(astype(strip(x), np.dtype(int)))


def padded(x, widths, mode, cval):
    """``x`` continued by so many elements before and after each axis."""
    if CONTINUED[mode] != "constant":
        return np.pad(x, widths, CONTINUED[mode])
    return np.where(np.pad(np.ones(x.shape, bool), widths), np.pad(x, widths), cval)  # which may be differentiated


def _each(option, axes):
    """An option for each of the axes."""
    return list(option) if np.iterable(option) and not isinstance(option, str) else [option] * len(axes)


def _all_axes(x, axes):
    return range(x.ndim) if axes is None else [axis % x.ndim for axis in np.atleast_1d(axes)]


# Correlations


def _expanded(x, weights, origin, axes):
    """The weights with all axes of ``x``, and an origin for each of these."""
    axes = _all_axes(x, axes)
    origins = dict(zip(axes, _each(origin, axes), strict=True))
    weights = np.expand_dims(weights, tuple(i for i in range(x.ndim) if i not in origins))
    return weights, [origins.get(i, 0) for i in range(x.ndim)]


def _weighed(x, kernel, origins, mode, cval):
    """The convolution with a kernel whose middle is moved to the left by ``origins``."""
    widths = [(n // 2 + i, n - 1 - n // 2 - i) for n, i in zip(kernel.shape, origins, strict=True)]
    return core_convolve(padded(x, widths, mode, cval), kernel, mode="valid")


def _correlate(input, weights, mode="reflect", cval=0.0, origin=0, axes=None):
    weights, origins = _expanded(input, weights, origin, axes)
    return _weighed(input, np.conjugate(np.flip(weights)), origins, mode, cval)


def _convolve(input, weights, mode="reflect", cval=0.0, origin=0, axes=None):
    weights, origins = _expanded(input, weights, origin, axes)
    return _weighed(input, weights, [-i - (n % 2 == 0) for n, i in zip(weights.shape, origins)], mode, cval)


def _correlate1d(input, weights, axis=-1, mode="reflect", cval=0.0, origin=0):
    return _correlate(input, typed(weights), mode, cval, origin, axis)


def _convolve1d(input, weights, axis=-1, mode="reflect", cval=0.0, origin=0):
    return _convolve(input, typed(weights), mode, cval, origin, axis)


correlate = of_images(_scipy.correlate, _correlate)
convolve = of_images(_scipy.convolve, _convolve)
correlate1d = of_images(_scipy.correlate1d, _correlate1d)
convolve1d = of_images(_scipy.convolve1d, _convolve1d)


# One axis after another


def _separable(function, input, axes, *options, **fixed):
    """``function`` along each of the axes, with the options of each."""
    axes = _all_axes(input, axes)
    for axis, *own in zip(axes, *(_each(option, axes) for option in options), strict=True):
        input = function(input, axis, *own, **fixed)
    return input


def _gaussian(sigma, order, radius):
    """The derivative of this order of a normal density, by Hermite polynomials: DLMF 18.5.5; the density sums to 1."""
    x = np.arange(-radius, radius + 1) / sigma
    density = np.exp(-(x**2) / 2)
    density = density / np.sum(density)
    return density * special.eval_hermitenorm(order, x) * (-1 / sigma) ** order if order else density


def _gaussian_filter1d(input, sigma, axis=-1, order=0, mode="reflect", cval=0.0, truncate=4.0, radius=None):
    radius = whole(truncate * sigma + 0.5) if radius is None else radius
    return _convolve1d(input, _gaussian(sigma, order, radius), axis, mode, cval)


def _gaussian_filter(input, sigma, order=0, mode="reflect", cval=0.0, truncate=4.0, radius=None, axes=None):
    def along(x, axis, sigma, order, mode, radius):
        return _gaussian_filter1d(x, sigma, axis, order, mode, cval, truncate, radius) if sigma > 1e-15 else x

    return _separable(along, input, axes, sigma, order, mode, radius)


def _uniform_filter1d(input, size, axis=-1, mode="reflect", cval=0.0, origin=0):
    return _correlate1d(input, np.full(size, 1 / size), axis, mode, cval, origin)


def _uniform_filter(input, size=3, mode="reflect", cval=0.0, origin=0, axes=None):
    along = lambda x, axis, size, origin, mode: _uniform_filter1d(x, int(size), axis, mode, cval, origin)
    return _separable(along, input, axes, size, origin, mode)


def _edges(smoothing):
    """The difference along one axis, smoothed along the others."""

    def body(input, axis=-1, mode="reflect", cval=0.0):
        def along(x, i, mode):
            return _correlate1d(x, [-1, 0, 1] if i == axis % x.ndim else smoothing, i, mode, cval)

        return _separable(along, input, None, mode)

    return body


def _laplace(input, mode="reflect", cval=0.0, axes=None):
    axes = _all_axes(input, axes)
    return _added(map(lambda i, mode: _correlate1d(input, [1, -2, 1], i, mode, cval), axes, _each(mode, axes)), input)


def _added(parts, input):
    """The sum of what is found along each axis; along none SciPy gives the image itself."""
    parts = [*parts]
    return sum(parts) if parts else np.copy(input)


def _gaussian_slopes(input, sigma, order, mode, cval, axes, options):
    """The derivatives of this order along each axis, of the image smoothed along all of them."""
    axes = _all_axes(input, axes)
    sigmas = dict(zip(axes, _each(sigma, axes), strict=True))
    sigmas = [sigmas.get(i, 0) for i in range(input.ndim)]
    for axis, beyond in zip(axes, _each(mode, axes), strict=True):
        orders = [order * (i == axis) for i in range(input.ndim)]
        yield _gaussian_filter(input, sigmas, orders, beyond, cval, **options)


def _gaussian_laplace(input, sigma, mode="reflect", cval=0.0, axes=None, **options):
    return _added(_gaussian_slopes(input, sigma, 2, mode, cval, axes, options), input)


def _gaussian_gradient_magnitude(input, sigma, mode="reflect", cval=0.0, axes=None, **options):
    """Where it is 0 the slope is 0. Of complex slopes SciPy takes the squares, not those of their sizes."""
    slopes = [*_gaussian_slopes(input, sigma, 1, mode, cval, axes, options)]
    if not slopes:
        return np.copy(input)
    if dtype_of(slopes[0]).kind != "c":
        return np.linalg.norm(np.stack(slopes), axis=0)
    squares = sum(slope * slope for slope in slopes)
    nothing = np.equal(squares, 0)
    return np.where(nothing, 0, np.sqrt(np.where(nothing, 1, squares)))


gaussian_filter1d = of_images(_scipy.gaussian_filter1d, _gaussian_filter1d)
gaussian_filter = of_images(_scipy.gaussian_filter, _gaussian_filter)
uniform_filter1d = of_images(_scipy.uniform_filter1d, _uniform_filter1d)
uniform_filter = of_images(_scipy.uniform_filter, _uniform_filter)
prewitt = of_images(_scipy.prewitt, _edges([1, 1, 1]))
sobel = of_images(_scipy.sobel, _edges([1, 2, 1]))
laplace = of_images(_scipy.laplace, _laplace)
gaussian_laplace = of_images(_scipy.gaussian_laplace, _gaussian_laplace)
gaussian_gradient_magnitude = of_images(_scipy.gaussian_gradient_magnitude, _gaussian_gradient_magnitude)


# Extrema of windows


def _extremum(reduce):
    def along(x, axis, size, origin, mode, cval):
        widths = [(0, 0)] * x.ndim
        widths[axis % x.ndim] = size // 2 + origin, size - 1 - size // 2 - origin
        windows = np.lib.stride_tricks.sliding_window_view(padded(x, widths, mode, cval), size, axis)
        return reduce(windows, axis=-1)

    def of_one(input, size, axis=-1, mode="reflect", cval=0.0, origin=0):
        return along(input, axis, size, origin, mode, cval)

    def of_all(input, size=None, footprint=None, mode="reflect", cval=0.0, origin=0, axes=None):
        if footprint is not None:
            raise NotImplementedError(
                f"scipy.ndimage.{reduce.__name__}imum_filter has a derivative for windows that are boxes: give it size."
            )
        return _separable(lambda *own: along(*own, cval), input, axes, size, origin, mode)

    return of_one, of_all


_max1d, _max = _extremum(np.max)
_min1d, _min = _extremum(np.min)
maximum_filter1d, maximum_filter = of_images(_scipy.maximum_filter1d, _max1d), of_images(_scipy.maximum_filter, _max)
minimum_filter1d, minimum_filter = of_images(_scipy.minimum_filter1d, _min1d), of_images(_scipy.minimum_filter, _min)
