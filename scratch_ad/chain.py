"""One edge of the chain rule: how a tangent or a cotangent ``u`` goes through one argument of one call.

An edge is ``(step, map, kept)``, in both modes: ``step(u, map, kept)`` is what becomes of ``u``. There are three steps,

    times      u · map(*kept)       the map gives a partial derivative
    over       u / map(*kept)       … or its reciprocal
    through    map(u, *kept)        the map is linear in u: a function itself on a tangent, its transpose, …

and two tables of them. The engines take the ``plain`` ones first. Only when a nan comes out do they go the way again
with the ``careful`` ones, for which 0·∞ = 0, so that nothing leaks from a branch not taken: a zero (co)tangent stays
zero through what is infinite or nan, and a zero partial stops an infinite (co)tangent.
"""

import contextlib
import functools

import numpy as np

from .tracer import Tracer, astype, rebuild, strip


def times(u, partial, kept):
    return u * partial(*kept)


def over(u, divisor, kept):
    return u / divisor(*kept)


def through(u, linear_map, kept):
    return linear_map(u, *kept)


def product(u, p):
    """u p, 0 where either is 0, whatever the other."""
    infinite, nothing = np.logical_not(np.isfinite(p)), np.equal(p, 0)
    dead = np.logical_or(np.logical_and(np.equal(u, 0), infinite), np.logical_and(nothing, np.isinf(u)))
    return np.where(dead, 0, u) * np.where(dead, 0, p)


def quotient(u, d):
    """u/d, likewise."""
    infinite, nothing = np.isinf(d), np.logical_or(np.equal(d, 0), np.isnan(d))
    dead = np.logical_or(np.logical_and(np.equal(u, 0), nothing), np.logical_and(infinite, np.isinf(u)))
    return np.where(dead, 0, u) / np.where(dead, 1, d)


def without_leaks(u, linear_map, kept):
    """``linear_map(u, *kept)``, each one array or several (or None), with 0·∞ = 0 in it.

    Of a stack of matrices some may be in a branch not taken, of the terms of a sum some may be zeros of ``u`` times
    infinities that were ``kept``, or infinities of ``u`` times zeros. Other numbers in their places show which results
    ``u`` does not reach, whatever is kept, and which do not depend on what is infinite or nan. As the map is linear,
    the finite and the infinite elements of ``u`` go through it apart.
    """
    v = linear_map(u, *kept)
    if not any(map(has_nan, _several(v))):
        return v
    if not any(np.any(strip(part)) for part in _several(u) if part is not None):
        return _like(v, [part if part is None else np.zeros_like(part) for part in _several(v)])
    rng = np.random.default_rng(0)
    replaced = functools.partial(_replaced, rng)
    finite = _each(functools.partial(_by_parts, lambda x: np.where(np.isinf(x), 0, x)), u)
    first, second = (linear_map(finite, *replaced(_not_finite, kept)) for _ in range(2))
    infinite = [linear_map(huge, *replaced(_not_finite, kept)) for huge in _stand_ins(rng, u)]
    parts = []
    for part, x, y, *signs in zip(*map(_several, (v, first, second, *infinite)), strict=True):
        if part is not None:
            infinity = _infinity_of(signs)
            known = np.logical_and(np.equal(x, y), np.logical_not(np.isnan(infinity)))
            part = np.where(np.logical_and(np.isnan(part), known), x + infinity, part)
        parts.append(part)
    if any(map(has_nan, parts)):
        with contextlib.suppress(np.linalg.LinAlgError):  # of a solver that does not take other numbers
            reached = linear_map(replaced(_nonzero, u), *replaced(np.ones_like, kept))
            for k, (part, mask) in enumerate(zip(parts, _several(reached), strict=True)):
                if part is not None:
                    parts[k] = np.where(np.logical_and(np.isnan(part), np.equal(mask, 0)), 0, part)
    return _like(v, parts)


plain = {times: times, over: over, through: through}
careful = {
    times: lambda u, partial, kept: product(u, partial(*kept)),
    over: lambda u, divisor, kept: quotient(u, divisor(*kept)),
    through: without_leaks,
}


def has_nan(x):
    """Whether the plain array or number below ``x`` holds a nan; False where that cannot be looked at."""
    if isinstance(x, Tracer):
        x = strip(x)
    if type(x) is np.ndarray and x.dtype.kind in "fc":
        x = np.vdot(x, x)
        return bool(x != x)
    return isinstance(x, (np.inexact, float, complex)) and bool(x != x)


def _several(u):
    return u if isinstance(u, (tuple, list)) else (u,)


def _like(v, parts):
    return rebuild(v, parts) if isinstance(v, (tuple, list)) else parts[0]


def _each(function, u):
    """``function`` of an array, or of each of several but None."""
    return _like(u, [part if part is None else function(part) for part in _several(u)])


def _by_parts(function, x):
    """``function``, with finite results, of the real and the imaginary part."""
    return function(x.real) + 1j * function(x.imag) if x.dtype.kind == "c" else function(x)


def _stand_ins(rng, u):
    """Numbers for the infinities of ``u``, of their signs and of very different sizes, and zeros elsewhere."""
    for _ in range(3):
        sizes = [None if part is None else np.exp(rng.uniform(-4, 4, part.shape)) for part in _several(u)]
        for power in (1, -1):  # what is largest in one is smallest in the other
            yield _like(u, [_stand_in(strip(x), size, power) for x, size in zip(_several(u), sizes, strict=True)])


def _stand_in(x, size, power):
    number = lambda x: np.where(np.isinf(x), np.sign(x) * size**power, 0)
    return x if x is None else _by_parts(number, x).astype(x.dtype)


def _infinity_of(signs):
    """What infinities add up to of which these are the stand-ins: nothing, an infinity, or nan if of either sign."""
    signs = np.stack(list(map(strip, signs)))
    if signs.dtype.kind == "c":
        return np.stack([_infinity_of(signs.real), _infinity_of(signs.imag)], -1).view(signs.dtype)[..., 0]
    y = np.select([np.all(signs > 0, 0), np.all(signs < 0, 0), np.all(signs == 0, 0)], [np.inf, -np.inf, 0.0], np.nan)
    return y.astype(signs.dtype)


def _nonzero(x):
    return np.not_equal(x, 0)


def _not_finite(x):
    return np.logical_not(np.isfinite(x))


def _replaced(rng, chosen, x):
    """Arrays, in lists or not, with numbers without any relation to others where ``chosen``, of an infinity's sign."""
    if isinstance(x, (tuple, list)) and not hasattr(x, "dtype"):
        return rebuild(x, [_replaced(rng, chosen, part) for part in x])
    if isinstance(x, tuple) or getattr(x, "dtype", np.dtype(int)).kind not in "fc":  # an Aval has no data
        return x
    numbers, plain = rng.uniform(-2, 2, x.shape), strip(x)
    if x.dtype.kind == "c":
        numbers = numbers + 1j * rng.uniform(-2, 2, x.shape)
    else:
        numbers = np.where(np.isinf(plain), np.copysign(numbers, plain), numbers)
    return np.where(astype(chosen(plain), np.dtype(bool)), numbers.astype(x.dtype), x)
