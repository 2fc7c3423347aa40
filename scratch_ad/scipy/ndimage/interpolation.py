"""Splines through the elements of an image, at other places.

P. Thévenaz, T. Blu, M. Unser, Interpolation revisited (2000): the coefficients of B-splines, by a filter along each
axis, and at each place the sum of the coefficients around it, weighed by the B-spline there.
"""

import math

import numpy as np
import scipy.ndimage as _scipy
import scipy.special as special

from ...batch import Batched, batches
from ...batching.axes import from_end, of_first
from ...primitives import getitem
from ...rule import linear
from ...tracer import kind_of, strip
from ...tree import typed
from .filters import of_images, padded, whole

# The filter inverts a matrix that is symmetric, but for the mode "mirror": there the first and the last rows are half
# of what they would have to be.

_MIRRORED = ("mirror", "constant", "wrap", "grid-constant")
_SHORT = 64  # below it the sums by which SciPy starts the filter that reflects, cut off, leave it not quite symmetric


def _filter_transpose(g, _input, order=3, axis=-1, mode="mirror"):
    n = g.shape[axis]
    if mode not in (*_MIRRORED, "grid-wrap") and n < _SHORT:
        matrix = np.asarray(_scipy.spline_filter1d(np.identity(n), order, 1, mode=mode), like=kind_of(g))
        return np.moveaxis(np.moveaxis(g, axis, -1) @ matrix.T, -1, axis)
    if mode not in _MIRRORED or n == 1:
        return _filter(g, order, axis, mode=mode)
    ends = np.ones(n)
    ends[[0, -1]] = 0.5
    ends = np.asarray(ends.reshape([n if i == axis % g.ndim else 1 for i in range(g.ndim)]), like=kind_of(g))
    return _filter(g / ends, order, axis, mode=mode) * ends


def _plain_filter(input, order=3, axis=-1, mode="mirror"):
    return _scipy.spline_filter1d(input, order, axis, complex if input.dtype.kind == "c" else float, mode)


_filter = linear(_plain_filter, _filter_transpose)


@batches(_filter)
@of_first
def _filter_of_examples(batch, input, order=3, axis=-1, mode="mirror"):
    return Batched(batch, _filter(input.dense(), order, from_end(axis, input.ndim), mode=mode))


def _filtered(x, order, mode):
    for axis in range(x.ndim):
        x = _filter(x, order, axis, mode=mode)
    return x


# B-splines around each place


def _mirrored(i, n):
    i = i % max(2 * n - 2, 1)
    return np.minimum(i, 2 * n - 2 - i)


def _reflected(i, n):
    i = i % (2 * n)
    return np.minimum(i, 2 * n - 1 - i)


_INDEX = {  # of the coefficient that stands for one beyond the edges of n
    **dict.fromkeys(("mirror", "constant", "wrap"), _mirrored),
    **dict.fromkeys(("reflect", "grid-mirror"), _reflected),
    **dict.fromkeys(("nearest", "grid-constant"), lambda i, n: np.clip(i, 0, n - 1)),
    "grid-wrap": lambda i, n: i % n,
}
_PADDING = 12  # of SciPy's, where no coefficients beyond the edges continue the image as the mode says


def _b_splines(u, order):
    """The B-splines of this order that are not 0 at u in [0, 1) from a knot, the latest first: de Boor's recursion."""
    values = [np.ones_like(u)]
    for m in range(1, order + 1):
        values = [0, *values, 0]
        values = [((u + j) * values[j + 1] + (m + 1 - j - u) * values[j]) / m for j in range(m + 1)]
    return values


def _around(x, order):
    """The indices of the coefficients around each place, and their weights; along a new last axis."""
    v = x + (order + 1) / 2
    first = np.floor(strip(v))
    indices = np.stack([first - j for j in range(order + 1)], axis=-1).astype(int)
    return indices, np.stack(_b_splines(v - first, order), axis=-1)


def _rounds(x, n):
    """How many periods, from the first element to the last, a coordinate lies off; none from an end."""
    period = max(n - 1, 1)
    return np.where(x > n - 1, np.floor(x / period), np.where(x < 0, np.ceil(x / period) - 1, 0))


def _summed(coefficients, places, order, mode, cval):
    """The spline of these coefficients at places, one array of coordinates for each axis."""
    ndim, shape = coefficients.ndim, coefficients.shape
    found, weights, inside = [], 1.0, True
    for axis, (x, n) in enumerate(zip(places, shape, strict=True)):
        beside = tuple(i for i in range(-ndim, 0) if i != axis - ndim)
        x = x - (n - 1) * _rounds(strip(x), n) if mode == "wrap" else x
        indices, of_axis = (np.expand_dims(part, beside) for part in _around(x, order))
        found.append(_INDEX[mode](indices, n))
        weights = weights * of_axis
        inside = np.logical_and(inside, np.logical_and(indices >= 0, indices < n))
    values = getitem(coefficients, tuple(found))
    values = np.where(inside, values, cval) if mode == "grid-constant" else values
    return np.sum(values * weights, axis=tuple(range(-ndim, 0)))


def _map_coordinates(input, coordinates, order=3, mode="constant", cval=0.0, prefilter=True):
    if not input.size:
        return np.broadcast_to(cval, coordinates.shape[1:])
    coefficients, padding = input, 0
    if prefilter and order > 1:
        padding = _PADDING if mode in ("nearest", "grid-constant") else 0
        coefficients = padded(input, padding, mode, cval) if padding else input
        for axis in range(input.ndim):
            coefficients = _filter(coefficients, order, axis, mode=mode)
    y = _summed(coefficients, [x + padding for x in coordinates], order, mode, cval)
    if mode != "constant":
        return y
    outside = [np.logical_or(x < 0, x > n - 1) for x, n in zip(coordinates, input.shape, strict=True)]
    return np.where(np.any(np.stack(outside), axis=0), cval, y)


def _spline_filter(input, order=3, mode="mirror"):
    for axis in range(input.ndim):
        input = _filter(input, order, axis, mode=mode)
    return input


map_coordinates = of_images(_scipy.map_coordinates, _map_coordinates)
spline_filter1d = of_images(_scipy.spline_filter1d, _filter)
spline_filter = of_images(_scipy.spline_filter, _spline_filter)


# Images that are moved: their elements at the places that those of the result come from


def _per_axis(x, ndim):
    """An option of one number, or of one for each axis, as a column that broadcasts with coordinates."""
    return (np.ones(ndim) * typed(x)).reshape((ndim,) + (1,) * ndim)


def _shift(input, shift, order=3, mode="constant", cval=0.0, prefilter=True):
    places = np.indices(input.shape) - _per_axis(shift, input.ndim)
    return _map_coordinates(input, places, order, mode, cval, prefilter)


def _zoom(input, zoom, order=3, mode="constant", cval=0.0, prefilter=True, grid_mode=False):
    """The factor itself counts only as far as it decides on the shape: it has derivative 0."""
    factors = np.broadcast_to(strip(typed(zoom)), input.ndim)
    if prefilter and np.all(factors == 1):
        return input
    shape = [whole(np.round(n * factor)) for n, factor in zip(input.shape, factors, strict=True)]
    sizes = np.array([input.shape, shape]) - (not grid_mode)
    steps = _per_axis([n / m if m else 1 for n, m in sizes.T], input.ndim)
    places = (np.indices(shape) + 0.5) * steps - 0.5 if grid_mode else np.indices(shape) * steps
    return _map_coordinates(input, places, order, mode, cval, prefilter)


def _affine(input, matrix, offset=0.0, output_shape=None, order=3, mode="constant", cval=0.0, prefilter=True):
    ndim, matrix = input.ndim, typed(matrix)
    if matrix.ndim == 2 and matrix.shape[1] == ndim + 1:
        offset, matrix = matrix[:ndim, ndim], matrix[:ndim, :ndim]
    places, offset = np.indices(input.shape if output_shape is None else output_shape), _per_axis(offset, ndim)
    if matrix.ndim == 1:
        matrix = _per_axis(matrix, ndim)
        places = matrix * (places + offset / matrix)
    else:  # in SciPy's order, as rounding decides on which side of an edge a place lies
        places = sum((x * _per_axis(column, ndim) for x, column in zip(places, matrix.T, strict=True)), offset)
    return _map_coordinates(input, places, order, mode, cval, prefilter)


def _rotate(input, angle, axes=(1, 0), reshape=True, order=3, mode="constant", cval=0.0, prefilter=True):
    """Plane by plane."""
    axes = sorted(axis % input.ndim for axis in axes)
    c, s = special.cosdg(angle), special.sindg(angle)
    matrix = np.stack([np.stack([c, s]), np.stack([-s, c])])
    planes = np.moveaxis(input, axes, (0, 1))
    n, m, *others = planes.shape
    size = (n, m)
    if reshape:
        corners = strip(matrix) @ np.array([[0, 0, n, n], [0, m, 0, m]])
        size = tuple(map(whole, np.ptp(corners, axis=1) + 0.5))
    offset = np.array([n - 1, m - 1]) / 2 - matrix @ ((np.array(size) - 1) / 2)
    flat = planes.reshape((n, m, math.prod(others)))
    turned = [_affine(flat[..., k], matrix, offset, size, order, mode, cval, prefilter) for k in range(flat.shape[-1])]
    return np.moveaxis(np.stack(turned, axis=-1).reshape((*size, *others)), (0, 1), axes)


shift = of_images(_scipy.shift, _shift)
zoom = of_images(_scipy.zoom, _zoom)
affine_transform = of_images(_scipy.affine_transform, _affine)
rotate = of_images(_scipy.rotate, _rotate)
