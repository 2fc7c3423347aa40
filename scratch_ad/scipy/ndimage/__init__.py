"""``scipy.ndimage``: filters and interpolation of images, linear in the image, with derivatives by all real arguments.

    from scratch_ad.scipy import ndimage
    grad(lambda image: np.sum((ndimage.gaussian_filter(image, 2.0) - seen) ** 2))(image)

``filters`` are correlations of the image, continued beyond its edges; ``interpolation`` gives its spline at other
places. Weights, widths, coordinates, shifts and matrices have derivatives too. What counts objects is refused.
"""

import scipy.ndimage as _scipy

from ..wrapping import refused
from .filters import (  # noqa: F401
    convolve,
    convolve1d,
    correlate,
    correlate1d,
    gaussian_filter,
    gaussian_filter1d,
    gaussian_gradient_magnitude,
    gaussian_laplace,
    laplace,
    maximum_filter,
    maximum_filter1d,
    minimum_filter,
    minimum_filter1d,
    prewitt,
    sobel,
    uniform_filter,
    uniform_filter1d,
)
from .interpolation import (  # noqa: F401
    affine_transform,
    map_coordinates,
    rotate,
    shift,
    spline_filter,
    spline_filter1d,
    zoom,
)

__all__ = [*_scipy.__all__]  # pyright: ignore[reportUnsupportedDunderAll]
_REASONS = {
    "generic_": "it calls a function on each window; use np.lib.stride_tricks.sliding_window_view(np.pad(…), size)",
    "vectorized_": "it calls a function on the windows; use np.lib.stride_tricks.sliding_window_view(np.pad(…), size)",
    "geometric_": "it calls a function on each place; use map_coordinates, with an array of all coordinates",
    "fourier_": "no rule so far; multiply by the transform of the kernel, in NumPy",
    "": "no rule so far; write it in NumPy functions, or give it scratch_ad.stop_gradient(x), which is plain",
}
for _name in {*__all__} - {*globals()}:
    (globals()[_name],) = refused(
        next(reason for start, reason in _REASONS.items() if _name.startswith(start)), getattr(_scipy, _name)
    )
