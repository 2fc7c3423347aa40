"""The referee: a plain NumPy function differentiated in high precision by its own means, and who is right.

Derivatives are limits of differences with steps far below double precision: they use no rule of ours or of JAX's.
Before it speaks the referee compares its value of the function with NumPy's own. Where it does not know it raises
``Undecided`` or gives nan: it never guesses. As with JAX, a cotangent is paired without conjugation.
"""

import itertools
import math
from typing import NamedTuple

import mpmath
import numpy as np
from mpmath import inf, mp, mpc, mpf, nan

from scratch_ad.tracer import dtype_of, shape_of
from scratch_ad.tree import flatten, is_inexact, unflatten

from .precise import Precise, Undecided, array_of, object_of, precise

STEPS = (1e-30, 1e-40, 1e-50)  # relative to the smallest number of the arguments; the third where the others disagree
DIGITS = 120
INFINITE = (1e40, 1e50, 1e60)  # what stands for an infinite argument, in turn


class OtherValue(Undecided):
    """NumPy's or SciPy's value of the function is another."""


class Estimate(NamedTuple):
    """A derivative, element by element, as object arrays of mpmath's numbers.

    ``value``: the slope, ±inf where it grows without bound, nan where there is none. ``error``: its error bar.
    ``left`` and ``right``: the slopes on either side; they differ at a kink, and are nan where the function jumps
    or is not defined on that side. At the end of its domain ``value`` is the slope of the other side.
    """

    value: np.ndarray
    error: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @property
    def kink(self):
        """Where the slopes on both sides are known and differ by more than their error."""
        return np.asarray(np.frompyfunc(_is_kink, 4, 1)(*self), bool)

    def text(self):
        """Each element in words, as an array of strings."""
        return np.asarray(np.frompyfunc(_describe, 4, 1)(*self), object)

    @property
    def decided(self):
        """Where there is something to compare with: a slope, or an interval of them."""
        return np.asarray(np.frompyfunc(_is_decided, 4, 1)(*self), bool)


def _is_kink(value, error, left, right):
    if mpmath.isnan(left) or mpmath.isnan(right) or left == right:
        return False
    return not (mpmath.isfinite(left) and mpmath.isfinite(right)) or abs(right - left) > 2 * error


def _describe(value, error, left, right):
    if _is_kink(value, error, left, right):
        return f"left {mpmath.nstr(left, 6)}, right {mpmath.nstr(right, 6)}"
    if not mpmath.isfinite(value):
        return "unknown" if mpmath.isnan(value) else mpmath.nstr(value)
    side = ", right of it only" if mpmath.isnan(left) else ", left of it only" if mpmath.isnan(right) else ""
    return f"{mpmath.nstr(value, 17)} ± {mpmath.nstr(error, 1)}{side}"


def _is_decided(value, error, left, right):
    return not mpmath.isnan(value) or (_is_kink(value, error, left, right) and left != -right)


@np.errstate(all="ignore")
def jvp(fun, primals, tangents):
    """The derivative of ``fun`` at ``primals`` along ``tangents``: a list with one ``Estimate`` per output leaf.

    ``primals`` and ``tangents``: tuples as for ``jax.jvp``. An infinite primal is approached: the derivative there is
    the limit of those at larger and larger numbers, where that does not depend on the way. What ``fun`` does within
    1e-50 of the smallest number among the primals, by constants of its own that are smaller, is not seen.
    Raises ``Undecided`` for a function that is not known in high precision, or whose value NumPy finds different.
    """
    return _checked(fun, primals, [tangents])


@np.errstate(all="ignore")
def second(fun, primals, tangents, others):
    """The second derivative of ``fun`` along ``tangents`` and ``others``, as ``jvp`` of ``jvp`` gives it."""
    return _checked(fun, primals, [tangents, others])


@np.errstate(all="ignore")
def vjp(fun, primals, cotangent, along=None, where=None):
    """The cotangents of ``primals``, a list with one ``Estimate`` per leaf; ``cotangent`` is shaped like the output.

    ``along``: tangents, along which they are differentiated once more. ``where``: per leaf which elements are asked
    for, by default all; the others are nan.

    One derivative of Re⟨cotangent, fun⟩ per element of the primals, two where they are complex: no conjugation, so the
    cotangent of z = x + iy is ∂/∂x − i ∂/∂y of it. Integer primals get none and have an Estimate of zeros.
    """
    cotangents, (leaves, spec) = flatten(cotangent)[0], flatten(tuple(primals))

    def paired(*args):
        terms = zip(cotangents, flatten(fun(*args))[0], strict=True)
        return [sum(np.sum(np.real(np.where(np.equal(g, 0), 0, g * y))) for g, y in terms if is_inexact(y))]

    _check_value(fun, leaves, spec)
    infinite = any(np.any(np.isinf(x)) for x in leaves if is_inexact(x))
    found = []
    for k, leaf in enumerate(leaves):
        units = (1, 1j) if dtype_of(leaf).kind == "c" else (1,) if is_inexact(leaf) else ()
        parts = np.full((4, len(units), *shape_of(leaf)), mpf(0) if where is None else nan, object)
        for place, unit in enumerate(units):
            for i in np.ndindex(shape_of(leaf)) if where is None else map(tuple, np.argwhere(where[k])):
                tangents = [np.zeros(shape_of(x), dtype_of(x)) for x in leaves]
                tangents[k][i] = unit
                directions = [tangents] if along is None else [tangents, flatten(along)[0]]
                if infinite:  # which must not meet others in a sum
                    slope = _weighed(cotangents, _derivative(fun, leaves, spec, directions))
                else:
                    (slope,) = _derivative(paired, leaves, spec, directions)
                parts[(slice(None), place, *i)] = [part[()] for part in slope]
        found.append(Estimate(*(_turned(part, add=k == 1) for k, part in enumerate(parts))))
    return found


def _weighed(cotangents, estimates):
    """The ``Estimate`` of Re⟨cotangent, ·⟩ from those of all the outputs."""
    parts = [mpf(0)] * 4
    for g, estimate in zip(cotangents, estimates, strict=True):
        for i in map(tuple, np.argwhere(g)) if is_inexact(g) else ():
            factor = mpmath.mpmathify(np.asarray(g)[i].item())
            terms = [mpmath.re(factor * part[i]) for part in estimate]
            terms[1] = abs(factor) * estimate.error[i]
            parts = [a + b for a, b in zip(parts, terms, strict=True)]
    return Estimate(*map(array_of, parts))


def _turned(part, add):
    """∂/∂x − i ∂/∂y from both along the first axis; their sum of an error. Of a real number ∂/∂x alone, of others 0."""
    if len(part) < 2:
        return array_of(part[0]) if len(part) else np.full(part.shape[1:], mpf(0), object)
    return array_of(part[0] + part[1] if add else part[0] - part[1] * mpc(0, 1))


def _checked(fun, primals, directions):
    leaves, spec = flatten(tuple(primals))
    _check_value(fun, leaves, spec)
    return _derivative(fun, leaves, spec, [flatten(tuple(t))[0] for t in directions])


def _derivative(fun, leaves, spec, directions):
    """One ``Estimate`` per output leaf, of the first or second derivative."""
    infinite = [np.isinf(x) if is_inexact(x) else np.zeros(shape_of(x), bool) for x in leaves]
    direct = None
    if not any(
        np.any(where) and np.any(np.asarray(t)[where] != 0) for d in directions for t, where in zip(d, infinite)
    ):
        direct, _ = _at(fun, leaves, spec, directions)
        if not any(map(np.any, infinite)) or all(np.all(e.decided) for e in direct):
            return direct
    with mp.workdps(DIGITS):
        there = _outputs(fun, spec, list(map(precise, leaves)))
    approach = [_at(fun, _finite(leaves, k), spec, directions) for k in range(len(INFINITE))]
    estimates, values = zip(*approach)
    limits = [_limits(y, e, v) for y, e, v in zip(there, zip(*estimates), zip(*values))]
    if direct is None:
        return limits
    return [Estimate(*(np.where(d.decided, a, b) for a, b in zip(d, e))) for d, e in zip(direct, limits)]


def _finite(leaves, k):
    """Large numbers in place of infinite ones: all equal, or, as ``k`` goes, each larger or smaller than the last."""
    count, out = itertools.count(1), []
    for x in leaves:
        if is_inexact(x) and np.any(np.isinf(x)):
            values = precise(x).value.copy()
            with mp.workdps(DIGITS):
                for i in map(tuple, np.argwhere(np.isinf(x))):
                    size = mpf(INFINITE[k]) + mpf(1) / 3  # no integer
                    values[i] = mpmath.sign(values[i]) * size * mpf(next(count)) ** (0, 1, -1)[k]
            x = Precise(values, dtype_of(x))
        out.append(x)
    return out


def _limits(there, estimates, values):
    """The limit of the derivatives on the way to infinity, where the function itself tends to its value there."""
    out = [np.empty(there.shape, object) for _ in range(4)]
    for i in np.ndindex(there.shape):
        noise = max(e.error[i] for e in estimates[:2])
        value, error = _limit([e.value[i] for e in estimates], noise, inf)
        sides = value, value
        if all(_is_kink(*(part[i] for part in e)) for e in estimates):  # of numbers that are finite themselves
            sides = (
                _limit([side[i] for side in of], noise, inf)[0] for of in zip(*((e.left, e.right) for e in estimates))
            )
        found = (value, error, *sides) if _tends([v[i] for v in values], there[i]) else (nan, inf, nan, nan)
        for part, x in zip(out, found):
            part[i] = x
    return Estimate(*out)


def _tends(values, limit):
    if mpmath.isinf(limit):
        return mpmath.sign(values[-1]) == mpmath.sign(limit) and abs(values[-1]) > abs(values[0])
    return bool(abs(values[-1] - limit) <= 0.1 * max(1, abs(limit)))


def _at(fun, leaves, spec, directions, more=0):
    """One ``Estimate`` per output leaf and the values there, by ``more`` digits than usual.

    An infinite slope must be one by twice as many, too: rounding grows as steps fall. So must one of 0 where the value
    is 0, as that of a logarithm of what differs from 1 by less than these digits.
    """
    sizes = [abs(v) for x in leaves if is_inexact(x) for v in precise(x).value.flat if mpmath.isfinite(v) and v != 0]
    steepest = max([1, *(abs(complex(v)) for d in directions for t in d for v in _inexact_items(t))])
    scale = min([mpf(1), *sizes]) / steepest
    order = len(directions)
    digits = more + int(DIGITS * (order + 1) / 2 + mpmath.log10(max([mpf(1), *sizes])) - order * mpmath.log10(scale))
    with mp.workdps(digits):
        steps = [scale * mpf(step) for step in STEPS]
        points = [precise(x) for x in leaves]
        ways = [[precise(t) for t in d] for d in directions]

        def value(*amounts):
            moved = points
            for amount, way in zip(amounts, ways, strict=True):
                if amount:
                    moved = [
                        x + t * Precise(array_of(amount), t.dtype) if isinstance(x, Precise) else x
                        for x, t in zip(moved, way)
                    ]
            return _outputs(fun, spec, moved)

        start = value(*[0] * order)
        quotients = [_quotients(value, start, h, order) for h in steps[:2]]
        noise = [[mpf(10) ** (10 - digits) * largest(y) / h**order for h in steps] for y in start]
        estimates = [_estimate([q[k] for q in quotients], noise[k][1]) for k in range(len(start))]
        if any(e is None for e in estimates):
            quotients.append(_quotients(value, start, steps[2], order))
            estimates = [_estimate([q[k] for q in quotients], noise[k][2]) for k in range(len(start))]
    if not more and (any(map(_is_infinite, estimates)) or any(map(_is_nothing, estimates, start))):
        return _at(fun, leaves, spec, directions, digits)
    return estimates, start


def _is_infinite(estimate):
    return any(map(mpmath.isinf, estimate.value.flat))


def _is_nothing(estimate, y):
    return y.size and not largest(y) and not any(v or e for v, e in zip(estimate.value.flat, estimate.error.flat))


def _inexact_items(t):
    return np.ravel(t) if is_inexact(t) else []


def largest(y):
    return max((abs(v) for v in y.flat if mpmath.isfinite(v)), default=mpf(0))


def _outputs(fun, spec, leaves):
    """The leaves of the output, each an object array, where the leaves of the input are ``Precise``."""
    try:
        out = flatten(fun(*unflatten(spec, leaves)))[0]
    except (OverflowError, MemoryError, NotImplementedError, mp.NoConvergence) as error:
        raise Undecided(f"high precision: {error}") from error
    return [object_of(y) if isinstance(y, Precise) else np.asarray(y).astype(object) for y in out]


@np.errstate(all="ignore")
def agrees(fun, primals):
    """Whether NumPy's value of ``fun`` has half of its digits, however small it is, down to the smallest number."""
    leaves, spec = flatten(tuple(primals))
    try:
        _check_value(fun, leaves, spec, least=lambda limits: limits.tiny)
    except OtherValue:
        return False
    return True


def _check_value(fun, leaves, spec, least=lambda limits: math.sqrt(limits.tiny)):
    """Raise where NumPy's value of the function is another: the difference quotients are then of another function.

    ``least``, of the limits of a dtype: below that, by default, as the square of less underflows, all are alike.
    """
    expected = flatten(fun(*unflatten(spec, leaves)))[0]
    with mp.workdps(DIGITS):
        got = _outputs(fun, spec, list(map(precise, leaves)))
    for y, x in zip(got, expected, strict=True):
        x = np.asarray(x)
        if y.shape != x.shape:
            raise Undecided(f"the referee gives shape {y.shape}, NumPy {x.shape}.")
        given = np.array([complex(v) for v in y.flat]).reshape(y.shape)
        limits = np.finfo(x.dtype) if x.dtype.kind in "fc" else None
        beyond = np.array([mpmath.isfinite(v) for v in y.flat], bool).reshape(y.shape) & ~np.isfinite(given)
        both = np.isfinite(given) & np.isfinite(x)
        allowed = math.sqrt(limits.eps) * np.max(np.abs(x[both]), initial=0) + least(limits) if limits else 0
        if np.any(beyond & np.isfinite(x)) or np.any(np.abs(given[both] - x[both]) > allowed):
            raise OtherValue(f"the referee gives the value {given}, NumPy {x}.")


def _quotients(value, start, h, order):
    """Per output leaf the difference quotients to the left, to the right and central."""
    if order == 1:
        after, before = value(h), value(-h)
        return [((y - b) / h, (a - y) / h, (a - b) / (2 * h)) for y, a, b in zip(start, after, before)]
    corners = [value(s * h, r * h) for s, r in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    edges = [value(s * h, r * h) for s, r in ((1, 0), (0, 1), (-1, 0), (0, -1))]
    return [
        ((d - l1 - l2 + y) / h**2, (a - r1 - r2 + y) / h**2, (a - b - c + d) / (4 * h**2))
        for y, a, b, c, d, r1, r2, l1, l2 in zip(start, *corners, *edges)
    ]


def _estimate(quotients, noise):
    """The ``Estimate`` that follows from quotients of two or three steps; None where two are not enough."""
    sides = [[array_of(q[s]) for q in quotients] for s in range(3)]
    shape = sides[0][0].shape
    out = [np.empty(shape, object) for _ in range(4)]
    for i in np.ndindex(shape):
        slopes = [[q[i] for q in side] for side in sides]
        limits = [_limit(side, noise) for side in slopes]
        if None in limits:
            return None
        outside = [all(map(mpmath.isnan, side)) for side in slopes[:2]]
        for part, x in zip(out, _combine(*limits, outside, noise)):
            part[i] = x
    return Estimate(*out)


def _limit(slopes, noise, jump=5e9):
    """The limit of slopes at falling steps and its error; None if two are not enough to tell.

    Slopes that grow like 1/step, by more than ``jump`` from one to the next, are those of a jump: there is no limit.
    """
    if not all(map(mpmath.isfinite, slopes)):
        return nan, inf
    first, then, *last = slopes
    change = abs(then - first)
    if change <= mpf("1e-9") * abs(then) + noise:
        return then, change + noise
    if not last:
        return None
    (last,) = last
    rest = abs(last - then)
    if rest <= 1e-3 * change + noise:
        return last, 2 * rest + noise
    grows = abs(last) > abs(then) > abs(first) and rest >= 0.9 * change
    if grows and abs(last) < jump * abs(then) and not any(type(s) is mpc for s in slopes):
        return mpmath.sign(last) * inf, mpf(0)
    return nan, inf


def _combine(left, right, central, outside, noise):
    """Value, error, left and right slope from the limits on both sides and of the central quotient.

    Outside its domain a function has no slope, and the slope of the other side counts; at a jump none does.
    """
    (lower, below), (upper, above), (middle, error) = left, right, central
    if mpmath.isnan(lower) or mpmath.isnan(upper):
        value, error = (nan, inf) if not any(outside) else right if outside[0] else left
        return value, error, lower, upper
    if lower == upper and mpmath.isinf(lower):
        return lower, mpf(0), lower, upper
    if not (mpmath.isfinite(lower) and mpmath.isfinite(upper)):
        return nan, inf, lower, upper
    gap = abs(upper - lower)
    if gap > 2 * (below + above) + noise:
        return (lower + upper) / 2, max(below, above), lower, upper
    if abs(middle - upper) <= 2 * (below + above + error) + noise:
        return middle, error + gap, lower, upper
    return nan, inf, nan, nan


def total(first, second):
    """The sums of two lists of estimates, leaf by leaf."""
    return [Estimate(*(array_of(a + b) for a, b in zip(x, y, strict=True))) for x, y in zip(first, second, strict=True)]


def right(answer, estimate, tolerance, scale=0.0):
    """Which elements of ``answer`` are right: an object array of True, False, or None where that is undecided.

    ``estimate``: an ``Estimate``, or the ``Undecided`` that was raised instead of one. An answer is right within the
    error bar and ``tolerance``, relative to the derivative, or to ``scale``, the size of the terms whose sum a small
    one is (of all, or of each), if that is larger. At a kink any answer between the two slopes is right. A number too
    large for the dtype is inf, one below the smallest normal number may be 0.
    """
    answer = np.asarray(answer)
    out, scales = np.full(answer.shape, None, object), np.broadcast_to(scale, answer.shape)
    if isinstance(estimate, Estimate):
        for i in map(tuple, np.argwhere(estimate.decided)):
            out[i] = _is_right(answer[i], answer.dtype, *(part[i] for part in estimate), tolerance, float(scales[i]))
    return out


def verdict(mine, theirs, estimate, tolerance, scale=0.0):
    """Who is right, per element: "mine", "theirs", "both", "neither" or "undecided", as an array; see ``right``."""
    sides = (right(x, estimate, tolerance, scale) for x in (mine, theirs))
    return np.asarray(np.frompyfunc(lambda a, b: _verdicts[a, b], 2, 1)(*sides), object)


_verdicts = {
    (True, True): "both",
    (True, False): "mine",
    (False, True): "theirs",
    (False, False): "neither",
    (None, None): "undecided",
}


def _is_right(x, dtype, value, error, left, right, tolerance, scale):
    info = np.finfo(dtype if dtype.kind in "fc" else np.float64)
    x = mpc(complex(x)) if dtype.kind == "c" else mpf(float(x))
    if mpmath.isnan(x):
        return False
    with mp.workdps(DIGITS):
        if _is_kink(value, error, left, right):
            if not (mpmath.isfinite(left) and mpmath.isfinite(right)):
                return min(left, right) <= x <= max(left, right)
            excess = abs(x - left) + abs(x - right) - abs(right - left)
            return bool(excess <= 2 * (error + tolerance * max(abs(left), abs(right), scale)))
        if mpmath.isinf(value) or not mpmath.isfinite(x):
            overflows = abs(value) > float(info.max) * (1 - tolerance)
            return bool(overflows and mpmath.isinf(x) and mpmath.sign(x) == mpmath.sign(value))
        return bool(abs(x - value) <= error + tolerance * max(abs(value), scale) + float(info.tiny))


@np.errstate(all="ignore")
def jacobian(fun, arguments, argument=0, order=1):
    """The first or second derivatives of ``fun`` in one argument: an ``Estimate`` of shape output + input (+ input).

    Of a complex number ∂f/∂x − i ∂f/∂y, as in JAX for a real function.
    """
    x = arguments[argument]
    shape, dtype = shape_of(x), np.result_type(x)
    units = (1, 1j) if dtype.kind == "c" else (1,)
    still = [np.zeros(shape_of(other), np.result_type(other))[()] for other in arguments]

    def along(*directions):
        moved = [(*still[:argument], d, *still[argument + 1 :]) for d in directions]
        (estimate,) = _checked(fun, arguments, moved)
        return estimate

    basis = []
    for i in np.ndindex(shape):
        for unit in units:
            direction = np.zeros(shape, dtype)
            direction[i] = unit
            basis.append(direction[()])
    estimates = [along(*directions) for directions in itertools.product(basis, repeat=order)]
    parts = []
    for k, part in enumerate(zip(*estimates)):
        columns = np.stack(part, -1)
        columns = columns.reshape(*columns.shape[:-1], *(*shape, len(units)) * order)
        if len(units) > 1:
            columns = array_of(_turned(np.moveaxis(columns, -1, 0), add=k == 1))
        parts.append(columns.reshape(part[0].shape + shape * order))
    return Estimate(*parts)
