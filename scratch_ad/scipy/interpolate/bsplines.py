"""B-splines, and those that interpolate: C. de Boor, A Practical Guide to Splines (1978), chapters IX, X and XIII."""

import math
import operator

import numpy as np
import scipy.interpolate as _scipy

from ...primitives import astype, detached, getitem, scatter
from ...rule import composite, with_value
from ...tracer import gathered, innermost
from ...tree import typed
from ..linalg.banded import core_solve_banded
from .piecewise import DOUBLE, check, doubles, own_class

# Evaluation


def _pieces(t, x, k):
    """In which interval of the knots each place is, of those in which the B-splines add up to 1."""
    found = np.searchsorted(detached(t), detached(x), "right") - 1
    return np.clip(found, k, t.shape[0] - k - 2)


def _basis(t, x, k, piece):
    """The k + 1 B-splines that are not 0 in that interval: de Boor, chapter X, algorithm BSPLVB."""
    values = [np.ones(piece.shape)]
    for m in range(1, k + 1):
        ends = [(getitem(t, piece + j + 1 - m), getitem(t, piece + j + 1)) for j in range(m)]
        shares = [value / (right - left) for value, (left, right) in zip(values, ends, strict=True)]
        falling = [share * (right - x) for share, (_, right) in zip(shares, ends, strict=True)]
        rising = [share * (x - left) for share, (left, _) in zip(shares, ends, strict=True)]
        values = [a + b for a, b in zip([*falling, 0], [0, *rising], strict=True)]
    return values


def _combined(t, x, k, piece, local, nu):
    """The derivative of order ``nu`` of the sum of these B-splines, by the coefficients at each place."""
    wide = lambda v: np.reshape(v, v.shape + (1,) * (local[0].ndim - v.ndim))
    for m in range(k, k - min(nu, k), -1):
        gaps = [wide(getitem(t, piece + j + 1) - getitem(t, piece + j + 1 - m)) for j in range(m)]
        local = [m * (b - a) / gap for a, b, gap in zip(local[:-1], local[1:], gaps, strict=True)]
    y = sum(wide(b) * p for b, p in zip(_basis(t, x, max(k - nu, 0), piece), local, strict=True))
    return 0 * y if nu > k else y


def b_spline(t, c, k, at, nu=0, extrapolate=True, axis=0):
    return _object(t, c, k, extrapolate, axis)(at, nu)


def _object(t, c, k, extrapolate=True, axis=0):
    return _scipy.BSpline.construct_fast(np.ascontiguousarray(t), np.ascontiguousarray(c), k, extrapolate, axis)


def _evaluate(t, c, k, at, nu=0, extrapolate=True, axis=0):
    at, n = typed(at), t.shape[0] - k - 1
    if extrapolate == "periodic":
        at, extrapolate = t[k] + (at - t[k]) % (t[n] - t[k]), False
    piece = _pieces(t, at, k)
    y = _combined(t, at, k, piece, [getitem(c, piece - k + j) for j in range(k + 1)], nu)
    if not extrapolate:
        y = np.where(np.reshape(np.logical_or(at < t[k], at > t[n]), (*at.shape, *(1,) * (c.ndim - 1))), np.nan, y)
    return np.moveaxis(y, range(at.ndim), range(axis, axis + at.ndim))


evaluated = composite(b_spline, _evaluate, with_value)


def _column(x, c):
    return np.reshape(x, (-1,) + (1,) * (c.ndim - 1))


def _filled(c, size):
    """With as many zeros as SciPy has."""
    return np.concatenate([c, np.zeros((size - c.shape[0], *c.shape[1:]))])


def _derive(t, c, k, nu=1):
    for m in range(k, k - nu, -1):
        n = t.shape[0] - m - 1
        c = _filled(m * np.diff(c[:n], axis=0) / _column(t[m + 1 : n + m] - t[1:n], c), t.shape[0] - 2)
        t = t[1:-1]
    return c


def _antiderive(t, c, k, nu=1):
    for m in range(k + 1, k + nu + 1):
        n = t.shape[0] - m
        sums = np.cumsum(c[:n] * _column(t[m : n + m] - t[:n], c), axis=0) / m
        c = np.concatenate([0 * sums[:1], sums, *[sums[-1:]] * (m + 1)])
        t = np.concatenate([t[:1], t, t[-1:]])
    return c


def derivative(t, c, k, nu=1):
    return _object(t, c, k).derivative(nu).c


def antiderivative(t, c, k, nu=1):
    return _object(t, c, k).antiderivative(nu).c


derived = composite(derivative, _derive, with_value)
antiderived = composite(antiderivative, _antiderive, with_value)


def _integrate(t, c, k, a, b):
    whole = np.concatenate([t[:1], t, t[-1:]])
    ends = [_evaluate(whole, _antiderive(t, c, k), k + 1, typed(at)) for at in (a, b)]
    return ends[1] - ends[0]


def integral(t, c, k, a, b):
    return _object(t, c, k).integrate(a, b)


integrated = composite(integral, _integrate, with_value)


@own_class
class BSpline:
    evaluation = evaluated

    def __init__(self, t, c, k, extrapolate=True, axis=0):
        t, c = gathered(t), gathered(c)
        check(_scipy.BSpline, t, c, k, extrapolate, axis)
        axis, c = axis % np.ndim(c), doubles(c)
        self._hold(t, np.moveaxis(c, axis, 0) if axis else c, k, extrapolate, axis)

    def _hold(self, t, c, k, extrapolate, axis):
        self.t, self.c, self.k, self.extrapolate, self.axis = astype(typed(t), DOUBLE), c, k, extrapolate, axis

    @classmethod
    def construct_fast(cls, t, c, k, extrapolate=True, axis=0):
        """One of these knots and coefficients, which are not looked at."""
        self = object.__new__(cls)
        self._hold(t, c, k, extrapolate, axis)
        return self

    tck = property(lambda self: (self.t, self.c, self.k))
    design_matrix = _scipy.BSpline.design_matrix

    def __call__(self, x, nu=0, extrapolate=None):
        return evaluated(*self.tck, gathered(x), nu, self._beyond(extrapolate), self.axis)

    def _beyond(self, extrapolate):
        return self.extrapolate if extrapolate is None else extrapolate

    def derivative(self, nu=1):
        if nu > self.k:
            raise ValueError(f"Order of derivative (n = {nu}) must be <= order of spline (k = {self.k})")
        c = derived(self.t, _filled(self.c, len(self.t)), self.k, nu)
        return BSpline.construct_fast(self.t[nu : len(self.t) - nu], c, self.k - nu, self.extrapolate, self.axis)

    def antiderivative(self, nu=1):
        c = antiderived(self.t, _filled(self.c, len(self.t)), self.k, nu)
        t = np.concatenate([*[self.t[:1]] * nu, self.t, *[self.t[-1:]] * nu])
        extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
        return BSpline.construct_fast(t, c, self.k + nu, extrapolate, self.axis)

    def integrate(self, a, b, extrapolate=None):
        if self._beyond(extrapolate) is not True and innermost((*self.tck, a, b)) is not None:
            raise NotImplementedError(
                "scipy.interpolate.BSpline.integrate has a derivative where the spline goes on beyond its ends: "
                "extrapolate=True."
            )
        if self._beyond(extrapolate) is not True:
            return _object(*self.tck, self.extrapolate).integrate(a, b, extrapolate)
        return integrated(*self.tck, a, b)


# Splines through points


def _conditions(bc_type, beside):
    """The derivatives given at the left and at the right end, each a list of orders and values."""
    if bc_type in (None, "not-a-knot"):
        return [], []
    named = {"clamped": [(1, np.zeros(beside))], "natural": [(2, np.zeros(beside))]}
    both = (bc_type, bc_type) if isinstance(bc_type, str) else bc_type
    return [[] if end is None else named[end] if isinstance(end, str) else [*end] for end in both]


def knots(x, k, bc_type=None):
    """SciPy's, for data at x."""
    first, last = x[:1], x[-1:]
    if k == 0:
        return np.concatenate([x, last])
    if k == 1:
        return np.concatenate([first, x, last])
    if bc_type in (None, "not-a-knot"):
        inner = x if k % 2 else (x[1:] + x[:-1]) / 2
        cut = (k + 1) // 2
        return np.concatenate([*[first] * (k + 1), inner[cut : inner.shape[0] - cut], *[last] * (k + 1)])
    return np.concatenate([*[first] * k, x, *[last] * k])


def spline_through(x, y, t, k=3, bc_type=None):
    return _scipy.make_interp_spline(x, y, k, None if k < 2 else t, bc_type).c


def _rows(t, x, k, rows, n, nu=0):
    """Of a matrix of bands, the rows with the derivative of order ``nu`` of all B-splines at each place."""
    piece = _pieces(t, x, k)
    units = np.identity(k + 1)[:, None] * np.ones((1, len(piece), 1))
    values = _combined(t, x, k, piece, [*units], nu)
    columns = piece[:, None] - k + np.arange(k + 1)
    return scatter(values, (k + rows[:, None] - columns, columns), (2 * k + 1, n))


def _through(x, y, t, k=3, bc_type=None):
    """The coefficients: a system of bands, a row for each point and for each derivative at an end."""
    y, x = doubles(y), astype(typed(x), DOUBLE)
    if k < 2:
        return y
    left, right = _conditions(bc_type, y.shape[1:])
    n, middle = t.shape[0] - k - 1, len(left) + np.arange(x.shape[0])
    band = _rows(t, x, k, middle, n)
    for row, (order, _) in enumerate(left):
        band = band + _rows(t, x[:1], k, np.array([row]), n, order)
    for row, (order, _) in enumerate(right, n - len(right)):
        band = band + _rows(t, x[-1:], k, np.array([row]), n, order)
    left, right = ([(typed(value) + np.zeros(y.shape[1:]))[None] for _, value in end] for end in (left, right))
    right = np.concatenate([*left, y, *right])
    flat = core_solve_banded((k, k), band, np.reshape(right, (n, math.prod(right.shape[1:]))))
    return np.reshape(flat, right.shape)


through = composite(spline_through, _through, with_value)


def make_interp_spline(x, y, k=3, t=None, bc_type=None, axis=0, check_finite=True):
    x, y, t, k = gathered(x), gathered(y), gathered(t), operator.index(k)
    check(_scipy.make_interp_spline, x, y, k, t, bc_type, axis, check_finite)
    if bc_type == "periodic":
        if innermost((x, y)) is None:
            plain = _scipy.make_interp_spline(x, y, k, t, bc_type, axis, check_finite)
            return BSpline.construct_fast(plain.t, plain.c, k, "periodic", plain.axis)
        raise NotImplementedError(
            "scipy.interpolate.make_interp_spline has no derivative for bc_type='periodic': use CubicSpline."
        )
    axis, y = axis % np.ndim(y), typed(y)
    t = knots(astype(typed(x), DOUBLE), k, bc_type) if t is None else t
    c = through(x, np.moveaxis(y, axis, 0) if axis else y, t, k, bc_type)
    return BSpline.construct_fast(t, c, k, True, axis)


make_interp_spline.__module__, make_interp_spline.__doc__ = "scipy.interpolate", _scipy.make_interp_spline.__doc__
make_interp_spline.evaluation = through
