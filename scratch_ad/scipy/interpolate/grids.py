"""Interpolation along one axis by a kind, and on regular grids."""

import itertools

import numpy as np
import scipy.interpolate as _scipy

from ...primitives import astype, detached, getitem
from ...rule import composite, with_value
from ...tracer import dtype_of, gathered, strip
from ...tree import is_inexact, typed
from .bsplines import make_interp_spline
from .piecewise import DOUBLE, check, doubles, own_class

# Along one axis


def interpolant(x, y, at, **options):
    return _scipy.interp1d(x, y, **options)(at)


def _interpolate_1d(x, y, at, kind="linear", axis=-1, fill_value=np.nan, assume_sorted=False, **_checks):
    x, at = astype(typed(x), DOUBLE), typed(at)
    y = typed(y)
    y = y if is_inexact(y) else astype(y, DOUBLE)  # as SciPy takes it, so that no difference wraps around
    axis = axis % y.ndim
    y = np.moveaxis(y, axis, 0)
    if not assume_sorted:
        order = np.argsort(detached(x), kind="stable")
        x, y = getitem(x, order), getitem(y, order)
    extrapolates = isinstance(fill_value, str)
    values = _by_kind(kind, x, y, np.reshape(at, -1))
    if not extrapolates:
        below, above = fill_value if isinstance(fill_value, tuple) else (fill_value, fill_value)
        flat = np.reshape(at, (-1,) + (1,) * (y.ndim - 1))
        values = np.where(flat < x[0], below, np.where(flat > x[-1], above, values))
    elif kind in ("previous", "next"):
        flat = np.reshape(at, (-1,) + (1,) * (y.ndim - 1))
        outside = flat < x[0] if kind == "previous" else flat > x[-1]
        values = np.where(outside, np.nan, values)
    return np.moveaxis(np.reshape(values, (*at.shape, *y.shape[1:])), range(at.ndim), range(axis, axis + at.ndim))


def _by_kind(kind, x, y, at):
    """The values at places in one row."""
    places, knots, last = detached(at), detached(x), x.shape[0] - 1
    if kind in ("nearest", "nearest-up"):
        side = "left" if kind == "nearest" else "right"
        return getitem(y, np.clip(np.searchsorted((knots[1:] + knots[:-1]) / 2, places, side), 0, last))
    if kind == "previous":
        return getitem(y, np.clip(np.searchsorted(knots, places, "right") - 1, 0, last))
    if kind == "next":
        return getitem(y, np.clip(np.searchsorted(knots, places, "left"), 0, last))
    if kind != "linear":
        k = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}.get(kind, kind)
        return make_interp_spline(x, y, k)(at)
    high = np.clip(np.searchsorted(knots, places), 1, last)
    (x0, x1), (y0, y1) = ([getitem(v, i) for i in (high - 1, high)] for v in (x, y))
    return y0 + (y1 - y0) * np.reshape((at - x0) / (x1 - x0), (-1,) + (1,) * (y.ndim - 1))


interpolated_1d = composite(interpolant, _interpolate_1d, with_value)


@own_class
class interp1d:  # as SciPy has it
    evaluation = interpolated_1d

    def __init__(
        self, x, y, kind="linear", axis=-1, copy=True, bounds_error=None, fill_value=np.nan, assume_sorted=False
    ):
        x, y = gathered(x), gathered(y)
        check(_scipy.interp1d, x, y, kind, axis, True, bounds_error, fill_value, assume_sorted)
        self.x, self.y = (typed(v).copy() if copy else typed(v) for v in (x, y))
        self._options = {"kind": kind, "axis": axis, "assume_sorted": assume_sorted}
        self.bounds_error, self.fill_value = bounds_error, fill_value

    def __call__(self, x):
        beyond = {"bounds_error": self.bounds_error, "fill_value": self.fill_value}
        return interpolated_1d(self.x, self.y, gathered(x), **self._options, **beyond)


# On grids


_DEGREES = {"slinear": 1, "cubic": 3, "quintic": 5}


def interpolant_on_grid(
    points, values, xi, method="linear", bounds_error=True, fill_value=np.nan, nu=None, solver=None, solver_args=None
):
    solving = {"solver": solver, "solver_args": solver_args}
    return _scipy.RegularGridInterpolator(points, values, method, bounds_error, fill_value, **solving)(xi, nu=nu)


def _on_grid(
    points, values, xi, method="linear", bounds_error=True, fill_value=np.nan, nu=None, solver=None, solver_args=None
):
    if method in ("cubic", "quintic") and solver is None:
        raise NotImplementedError(
            f"scipy.interpolate.RegularGridInterpolator: method='{method}' stops at an error of up to a percent, whose "
            f"derivative nobody knows: give solver=scipy.sparse.linalg.spsolve, or method='{method}_legacy'."
        )
    own, grids, values = typed(values), [astype(typed(x), DOUBLE) for x in points], doubles(values)
    for axis, x in enumerate(grids):
        if strip(x[-1]) < strip(x[0]):
            grids[axis], values = np.flip(x), np.flip(values, axis)
    xi = _rows(xi, len(grids))
    at = [xi[..., i] for i in range(len(grids))]
    flat = [np.reshape(x, -1) for x in at]
    y = _by_method(method.removesuffix("_legacy"), grids, values, flat, nu)
    if not bounds_error and fill_value is not None:
        outside = [np.logical_or(x < grid[0], x > grid[-1]) for x, grid in zip(flat, grids, strict=True)]
        outside = np.any(np.stack(outside), axis=0)
        y = np.where(np.reshape(outside, (-1,) + (1,) * (y.ndim - 1)), fill_value, y)
    y = astype(y, dtype_of(own)) if method == "nearest" and is_inexact(own) else y  # which SciPy only picks
    return np.reshape(y, (*at[0].shape, *values.shape[len(grids) :]))


def _rows(xi, ndim):
    """Coordinates in the last axis, of a tuple of them and of a plain list, too."""
    if isinstance(xi, tuple):
        return np.stack(np.broadcast_arrays(*map(typed, xi)), axis=-1)
    xi = typed(gathered(xi))
    return np.reshape(xi, (-1, ndim)) if xi.ndim == 1 else xi


def _by_method(method, grids, values, at, nu):
    if method == "pchip":
        raise NotImplementedError(
            "scipy.interpolate.RegularGridInterpolator has no derivative for method='pchip', which is not linear in "
            "the values: use PchipInterpolator along each axis."
        )
    if method in _DEGREES:
        return _by_splines(_DEGREES[method], grids, values, at, [0] * len(grids) if nu is None else nu)
    corners = []
    for x, grid in zip(at, grids, strict=True):
        low = np.clip(np.searchsorted(detached(grid), detached(x), "right") - 1, 0, max(grid.shape[0] - 2, 0))
        high = np.minimum(low + 1, grid.shape[0] - 1)
        start, end = getitem(grid, low), getitem(grid, high)
        share = (x - start) / np.where(np.equal(low, high), 1, end - start)
        if method == "nearest":
            share = np.where(np.less_equal(detached(share), 0.5), 0, 1)
        corners.append([(low, 1 - share), (high, share)])
    column, y = (-1,) + (1,) * (values.ndim - len(grids)), 0
    for corner in itertools.product(*corners):
        indices, weights = zip(*corner, strict=True)
        y = y + getitem(values, indices) * np.reshape(np.prod(np.stack(weights), axis=0), column)
    return y


def _by_splines(k, grids, values, at, nu):
    """The values times the splines of each grid that are 1 at one of its points and 0 at the others."""
    for axis, (x, grid) in enumerate(zip(at, grids, strict=True)):
        cardinal = make_interp_spline(grid, np.identity(grid.shape[0]), k)(x, nu[axis])
        if axis:  # after the first, each place has values of its own
            values = np.sum(np.reshape(cardinal, cardinal.shape + (1,) * (values.ndim - 2)) * values, axis=1)
        else:
            values = np.tensordot(cardinal, values, 1)
    return values


on_grid = composite(interpolant_on_grid, _on_grid, with_value)


@own_class
class RegularGridInterpolator:
    evaluation = on_grid

    def __init__(
        self, points, values, method="linear", bounds_error=True, fill_value=np.nan, *, solver=None, solver_args=None
    ):
        points, values = tuple(map(gathered, points)), gathered(values)
        solving = {"solver": solver, "solver_args": solver_args}
        check(_scipy.RegularGridInterpolator, points, values, method, bounds_error, fill_value, **solving)
        self.grid, self.values, self.method = points, values, method
        self.bounds_error, self.fill_value, self._solving = bounds_error, fill_value, solving

    def __call__(self, xi, method=None, *, nu=None):
        solving = self._solving if method in (None, self.method) else {}
        method = self.method if method is None else method
        return on_grid(self.grid, self.values, xi, method, self.bounds_error, self.fill_value, nu, **solving)


def interpn(points, values, xi, method="linear", bounds_error=True, fill_value=np.nan):
    if method == "splinef2d":
        raise NotImplementedError("scipy.interpolate.interpn: method='splinef2d' has no rule; use method='cubic'.")
    return RegularGridInterpolator(points, values, method, bounds_error, fill_value)(xi)


interpn.__module__, interpn.__doc__, interpn.evaluation = "scipy.interpolate", _scipy.interpn.__doc__, on_grid
