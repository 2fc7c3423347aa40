"""Piecewise polynomials: cubic splines and their kin, which are made from values and slopes at the breakpoints.

The coefficients are those of SciPy, and so are the values of a spline; both have the derivative of what is written
here: in the data, the breakpoints and the places. C. de Boor, A Practical Guide to Splines (1978), chapter IV.
"""

import math

import numpy as np
import scipy.interpolate as _scipy
from scipy.special import poch

from ...primitives import astype, detached, getitem
from ...rule import composite, with_value
from ...tracer import dtype_of, gathered, innermost, strip
from ...tree import typed
from ..linalg.banded import core_solve_banded

DOUBLE = np.dtype(float)


def own_class(cls):
    """A class under the name of SciPy's, with its documentation, whose objects pickle find by ours."""
    cls.__module__, cls.__doc__ = "scipy.interpolate", getattr(_scipy, cls.__name__).__doc__
    cls.__reduce__, _OWN[cls.__name__] = _parts, cls
    return cls


_OWN = {}  # these classes, by name


def _parts(self):
    name = type(self).__name__
    return _remade, (name if _OWN.get(name) is type(self) else type(self), vars(self))


def _remade(cls, state):
    new = object.__new__(_OWN.get(cls, cls))
    vars(new).update(state)
    return new


def check(theirs, *args, **options):
    """Raise what SciPy raises, where plain numbers lie below all derivatives."""
    args, options = strip(args), {name: strip(x) for name, x in options.items()}
    if innermost((args, [*options.values()])) is None:
        theirs(*args, **options)


def doubles(x):
    """As SciPy takes what it interpolates: in double precision, real or complex."""
    x = typed(x)
    return astype(x, np.dtype(complex) if dtype_of(x).kind == "c" else DOUBLE)


# Evaluation


def _object(c, x, extrapolate=True, axis=0):
    return _scipy.PPoly.construct_fast(np.ascontiguousarray(c), np.ascontiguousarray(x), extrapolate, axis)


def polynomial(c, x, at, nu=0, extrapolate=True, axis=0):
    return _object(c, x, extrapolate, axis)(at, nu)


def _evaluate(c, x, at, nu=0, extrapolate=True, axis=0):
    """The derivative of order ``nu`` at places of any shape, in front of the axes that the data have beside."""
    at, direction = typed(at), 1 if strip(x[-1] >= x[0]) else -1
    if extrapolate == "periodic":
        at, extrapolate = x[0] + (at - x[0]) % (x[-1] - x[0]), False
    k, pieces, *beside = c.shape
    piece = np.clip(np.searchsorted(detached(direction * x), detached(direction * at), "right") - 1, 0, pieces - 1)
    u = np.reshape(at - getitem(x, piece), (*at.shape, *(1,) * len(beside)))
    y = 0 * getitem(c[0], piece) if nu >= k else 0
    for m in range(k - nu):
        y = y * u + getitem(c[m], piece) * poch(k - m - nu, nu)
    if not extrapolate:
        outside = np.logical_or(direction * (at - x[0]) < 0, direction * (at - x[-1]) > 0)
        y = np.where(np.reshape(outside, u.shape), np.nan, y)
    return np.moveaxis(y, range(at.ndim), range(axis, axis + at.ndim))


evaluated = composite(polynomial, _evaluate, with_value)


def _antiderive(c, x, nu=1):
    """0 at the first breakpoint, and continuous."""
    for _ in range(nu):
        k = c.shape[0]
        c = c / np.reshape(np.arange(k, 0, -1), (-1,) + (1,) * (c.ndim - 1))
        length = np.reshape(np.diff(x), (-1,) + (1,) * (c.ndim - 2))
        over_each = sum(c[m] * length ** (k - m) for m in range(k))
        before = np.concatenate([0 * over_each[:1], np.cumsum(over_each, axis=0)[:-1]])
        c = np.concatenate([c, before[None]])
    return c


def antiderivative(c, x, nu=1):
    return _object(c, x).antiderivative(nu).c


antiderived = composite(antiderivative, _antiderive, with_value)


def _integrate(c, x, a, b, extrapolate=True):
    whole = _antiderive(c, x)
    ends = [typed(a), typed(b)]
    if extrapolate != "periodic":
        start, end = (_evaluate(whole, x, at, extrapolate=extrapolate) for at in ends)
        return end - start
    period = x[-1] - x[0]
    start, end = (_evaluate(whole, x, at, extrapolate="periodic") for at in ends)
    rounds = np.floor(detached((ends[1] - x[0]) / period)) - np.floor(detached((ends[0] - x[0]) / period))
    return end - start + rounds * _evaluate(whole, x, x[-1])


def integral(c, x, a, b, extrapolate=True):
    return _object(c, x, extrapolate).integrate(a, b)


integrated = composite(integral, _integrate, with_value)


@own_class
class PPoly:
    evaluation = evaluated  # what a call of such an object is

    def __init__(self, c, x, extrapolate=None, axis=0):
        c, x = gathered(c), gathered(x)
        check(_scipy.PPoly, c, x, extrapolate, axis)
        c = np.moveaxis(doubles(c), (axis, axis + 1), (0, 1)) if axis else doubles(c)
        self._hold(c, x, True if extrapolate is None else extrapolate, axis)

    def _hold(self, c, x, extrapolate, axis):
        self.c, self.x, self.extrapolate, self.axis = c, astype(typed(x), DOUBLE), extrapolate, axis

    @classmethod
    def construct_fast(cls, c, x, extrapolate=None, axis=0):
        """One of these coefficients, which are not looked at."""
        self = object.__new__(cls)
        self._hold(c, x, True if extrapolate is None else extrapolate, axis)
        return self

    def __call__(self, x, nu=0, extrapolate=None):
        beyond = self.extrapolate if extrapolate is None else extrapolate
        return evaluated(self.c, self.x, gathered(x), nu, beyond, self.axis)

    def derivative(self, nu=1):
        if nu < 0:
            return self.antiderivative(-nu)
        c = self.c[: len(self.c) - nu] if nu < len(self.c) else 0 * self.c[:1]
        factors = poch(np.arange(len(c), 0, -1), nu).reshape((-1,) + (1,) * (c.ndim - 1))
        return PPoly.construct_fast(c * factors, self.x, self.extrapolate, self.axis)

    def antiderivative(self, nu=1):
        if nu <= 0:
            return self.derivative(-nu)
        extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
        return PPoly.construct_fast(antiderived(self.c, self.x, nu), self.x, extrapolate, self.axis)

    def integrate(self, a, b, extrapolate=None):
        return integrated(self.c, self.x, a, b, self.extrapolate if extrapolate is None else extrapolate)

    def __getattr__(self, name):
        """What else SciPy's objects have, of plain numbers."""
        if name.startswith("_") or "c" not in vars(self):
            raise AttributeError(name)
        if innermost((self.c, self.x)) is not None:
            raise NotImplementedError(
                f"scipy.interpolate.{type(self).__name__}.{name} has no derivative in the data: use calls, derivative, "
                "antiderivative and integrate."
            )
        return getattr(_object(self.c, self.x, self.extrapolate, self.axis), name)


# Coefficients, from values and slopes


def _hermite(x, y, dydx, axis=0):
    """The cubics with these values and slopes at the breakpoints."""
    x, y, dydx = astype(typed(x), DOUBLE), np.moveaxis(doubles(y), axis, 0), np.moveaxis(doubles(dydx), axis, 0)
    dx = _lengths(x, y)
    slope = np.diff(y, axis=0) / dx
    t = (dydx[:-1] + dydx[1:] - 2 * slope) / dx
    return np.stack([t / dx, (slope - dydx[:-1]) / dx - t, dydx[:-1], y[:-1]])


def _lengths(x, y):
    return np.reshape(np.diff(x), (-1,) + (1,) * (y.ndim - 1))


def _by_slopes(slopes):
    """The coefficients, by the slopes that ``slopes(x, y, **options)`` gives along the first axis."""

    def body(x, y, axis=0, **options):
        x, y = astype(typed(x), DOUBLE), np.moveaxis(doubles(y), axis, 0)
        return _hermite(x, y, slopes(x, y, **options))

    return body


def _pchip(x, y):
    """Weighted harmonic means; 0 where the data turn: F. N. Fritsch, J. Butland (1984)."""
    h = _lengths(x, y)
    m = np.diff(y, axis=0) / h
    if y.shape[0] == 2:
        return np.concatenate([m, m])
    turns = np.less_equal(np.sign(m[1:]) * np.sign(m[:-1]), 0)
    before, after = (np.where(turns, 1, part) for part in (m[:-1], m[1:]))
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    inner = np.where(turns, 0, (w1 + w2) / (w1 / before + w2 / after))
    return np.concatenate(
        [_pchip_end(h[:1], h[1:2], m[:1], m[1:2]), inner, _pchip_end(h[-1:], h[-2:-1], m[-1:], m[-2:-1])]
    )


def _pchip_end(h0, h1, m0, m1):
    """By three points, where that keeps the shape of the data."""
    d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    steep = np.logical_and(np.not_equal(np.sign(m0), np.sign(m1)), np.greater(np.abs(d), 3 * np.abs(m0)))
    return np.where(np.not_equal(np.sign(d), np.sign(m0)), 0, np.where(steep, 3 * m0, d))


def _akima(x, y, method="akima"):
    """H. Akima, A new method of interpolation and smooth curve fitting based on local procedures (1970)."""
    m = np.diff(y, axis=0) / _lengths(x, y)
    if y.shape[0] == 2:
        return np.concatenate([m, m])
    first, last = m[:1] - m[1:2], m[-1:] - m[-2:-1]
    m = np.concatenate([m[:1] + 2 * first, m[:1] + first, m, m[-1:] + last, m[-1:] + 2 * last])
    weights = np.abs(np.diff(m, axis=0))
    if method == "makima":
        weights = weights + np.abs(m[1:] + m[:-1]) / 2
    after, before = weights[2:], weights[:-2]
    total = after + before
    even = np.less_equal(total, 1e-9 * np.max(strip(total)))
    share = before / np.where(even, 1, total)
    return np.where(even, (m[3:] + m[:-3]) / 2, m[1:-2] + share * (m[2:-1] - m[1:-2]))


def _cubic(x, y, bc_type="not-a-knot"):
    """The slopes with which the second derivative is continuous: de Boor, chapter IV, equation 16."""
    dx, h = np.diff(x), _lengths(x, y)
    slope, n = np.diff(y, axis=0) / h, len(dx) + 1
    first, last = _ends(bc_type, slope)
    if n == 3 and first == last == "not-a-knot":  # a parabola
        bend = (slope[1] - slope[0]) / (h[0] + h[1])
        return np.stack([slope[0] - bend * h[0], slope[0] + bend * h[0], slope[1] + bend * h[1]])
    middle, right = 2 * (dx[:-1] + dx[1:]), 3 * (h[1:] * slope[:-1] + h[:-1] * slope[1:])
    if first == "periodic":
        return _periodic(dx, h, slope, middle, right)
    d0, off0, b0 = _end(first, h[0], h[1 % len(h)], slope[0], slope[1 % len(h)], 1)
    d1, off1, b1 = _end(last, h[-1], h[-2 % len(h)], slope[-1], slope[-2 % len(h)], -1)
    one = lambda v: np.reshape(v, 1)
    upper = np.concatenate([np.zeros(1), one(off0), dx[:-1]])
    lower = np.concatenate([dx[1:], one(off1), np.zeros(1)])
    matrix = np.stack([upper, np.concatenate([one(d0), middle, one(d1)]), lower])
    right = np.concatenate([(b0 + 0 * slope[0])[None], right, (b1 + 0 * slope[0])[None]])
    return _banded(matrix, right)


def _banded(matrix, right):
    flat = np.reshape(right, (right.shape[0], math.prod(right.shape[1:])))
    return np.reshape(core_solve_banded((1, 1), matrix, flat), right.shape)


def _ends(bc_type, slope):
    """The conditions at both ends, each a name or the order of a derivative and its value."""
    named = {"natural": (2, 0.0), "clamped": (1, 0.0)}
    both = (bc_type, bc_type) if isinstance(bc_type, str) else bc_type
    both = [named.get(end, end) if isinstance(end, str) else end for end in both]
    if len(slope) == 1:
        both = [(1, slope[0]) if isinstance(end, str) else end for end in both]
    return both


def _end(condition, h0, h1, s0, s1, sign):
    """The equation of an end, for the slopes there and beside it: two factors, and the right side."""
    if condition == "not-a-knot":
        d = h0 + h1
        return h1, d, ((h0 + 2 * d) * h1 * s0 + h0**2 * s1) / d
    order, value = condition
    return (1.0, 0.0, value) if order == 1 else (2 * h0, h0, 3 * h0 * s0 - sign * value * h0**2 / 2)


def _periodic(dx, h, slope, middle, right):
    """A cyclic system, as a tridiagonal one and one of rank 1: J. Sherman, W. J. Morrison (1950)."""
    n = len(dx)
    if n == 2:
        slopes = (np.sum(slope / h, axis=0) / np.sum(1 / h, axis=0))[None]
        return np.concatenate([slopes, slopes, slopes])
    corner, wrapped = 2 * (dx[-1] + dx[0]), 3 * (h[:1] * slope[-1:] + h[-1:] * slope[:1])
    diagonal = np.concatenate([np.reshape(2 * corner, 1), middle])
    diagonal = diagonal + np.concatenate([np.zeros(n - 1), np.reshape(dx[0] * dx[-2] / corner, 1)])
    zero = np.zeros(1)
    matrix = np.stack([np.concatenate([zero, dx[-1:], dx[:-2]]), diagonal, np.concatenate([dx[1:], zero])])
    right = np.reshape(np.concatenate([wrapped, right]), (n, -1))
    column = np.concatenate([np.reshape(-corner, 1), np.zeros(n - 2), dx[-2:-1]])[:, None]
    solved = _banded(matrix, np.concatenate([right, column], axis=1))
    share = np.concatenate([np.ones(1), np.zeros(n - 2), np.reshape(-dx[0] / corner, 1)])
    y, z = solved[:, :-1], solved[:, -1:]
    slopes = np.reshape(y - z * ((share @ y) / (1 + share @ z)), (n, *slope.shape[1:]))
    return np.concatenate([slopes, slopes[:1]])


# The splines


def _coefficients(theirs, body):
    """SciPy's coefficients of a kind of spline, with the derivative of ``body``."""

    def coefficients(*args, **options):
        return theirs(*args, **options).c

    return composite(coefficients, body, with_value)


_of_hermite = _coefficients(_scipy.CubicHermiteSpline, _hermite)
_of_cubic = _coefficients(_scipy.CubicSpline, _by_slopes(_cubic))
_of_pchip = _coefficients(_scipy.PchipInterpolator, _by_slopes(_pchip))
_of_akima = _coefficients(_scipy.Akima1DInterpolator, _by_slopes(_akima))


@own_class
class CubicHermiteSpline(PPoly):
    def __init__(self, x, y, dydx, axis=0, extrapolate=None):
        x, y, dydx = map(gathered, (x, y, dydx))
        self._made(_of_hermite(x, y, dydx, axis), x, y, axis, extrapolate)

    def _made(self, c, x, y, axis, extrapolate, default=True):
        self._hold(c, x, default if extrapolate is None else extrapolate, axis % np.ndim(y))


@own_class
class CubicSpline(CubicHermiteSpline):
    def __init__(self, x, y, axis=0, bc_type="not-a-knot", extrapolate=None):
        x, y, default = gathered(x), gathered(y), "periodic" if bc_type == "periodic" else True
        self._made(_of_cubic(x, y, axis, bc_type=bc_type), x, y, axis, extrapolate, default)


@own_class
class PchipInterpolator(CubicHermiteSpline):
    def __init__(self, x, y, axis=0, extrapolate=None):
        x, y = gathered(x), gathered(y)
        self._made(_of_pchip(x, y, axis), x, y, axis, extrapolate)


@own_class
class Akima1DInterpolator(CubicHermiteSpline):
    def __init__(self, x, y, axis=0, *, method="akima", extrapolate=None):
        x, y = gathered(x), gathered(y)
        self._made(_of_akima(x, y, axis, method=method), x, y, axis, extrapolate, False)
