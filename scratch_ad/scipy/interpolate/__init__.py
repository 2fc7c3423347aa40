"""``scipy.interpolate``: splines and grids, with derivatives in the data, in their places and at the points asked for.

    from scratch_ad.scipy.interpolate import CubicSpline
    grad(lambda y: np.sum((CubicSpline(knots, y)(x) - seen) ** 2))(y)

``piecewise`` has the polynomials in pieces, ``bsplines`` sums of B-splines, ``grids`` interp1d and regular grids. The
objects are called as SciPy's, with SciPy's values; ``derivative``, ``antiderivative`` and ``integrate`` give what can
be differentiated again. What else is in ``scipy.interpolate`` is SciPy's for plain arrays and refuses tracers.
"""

import functools

import scipy.interpolate as _scipy

from ..wrapping import refused
from .bsplines import BSpline, make_interp_spline  # noqa: F401
from .grids import RegularGridInterpolator, interp1d, interpn  # noqa: F401
from .piecewise import Akima1DInterpolator, CubicHermiteSpline, CubicSpline, PchipInterpolator, PPoly  # noqa: F401

NO_RULE = "no rule so far; use make_interp_spline, CubicSpline or RegularGridInterpolator"
__all__ = [*_scipy.__all__]  # pyright: ignore[reportUnsupportedDunderAll]


@functools.cache
def _refusing(name):
    return refused(NO_RULE, getattr(_scipy, name))[0]


def __getattr__(name):
    """What SciPy has by this name; its functions and classes refuse tracers."""
    if name.startswith("_") or not hasattr(_scipy, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _refusing(name) if callable(getattr(_scipy, name)) else getattr(_scipy, name)
