"""The careful steps of the chain rule, for which 0·∞ = 0.

They are taken only where the plain ones (chain.py) let a nan come out, so that nothing leaks from a branch not taken: a
zero (co)tangent stays zero through what is infinite or nan, and a zero partial stops an infinite (co)tangent.
"""

import functools

import numpy as np

from .chain import has_nan, over, through, times
from .primitives import astype
from .tracer import arrayed, batch_in, dtype_of, kind_of, rebuild, strip
from .writing import cartesian


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


def product_by_parts(u, p):
    """``product``, where an infinite part of a complex number leaves the other alone."""
    if not (_is_complex(u) or _is_complex(p)):
        return product(u, p)
    (a, b), (c, d) = _cartesian_parts(u), _cartesian_parts(p)
    return cartesian(product(a, c) - product(b, d), product(a, d) + product(b, c))


def quotient_by_parts(u, d):
    """``quotient``, likewise."""
    if not (_is_complex(u) or _is_complex(d)):
        return quotient(u, d)
    apart = np.logical_and(np.isinf(u), np.logical_not(np.logical_or(np.equal(d, 0), np.isnan(d))))
    return np.where(apart, product_by_parts(u, np.divide(1, d)), quotient(u, d))


def without_leaks(u, linear_map, kept):
    """``linear_map(u, *kept)``, each one array or several (or None), with 0·∞ = 0 in it.

    Of a stack of matrices some may be in a branch not taken, of the terms of a sum some may be zeros of ``u`` times
    infinities that were ``kept``, or infinities of ``u`` that have no weight. Other numbers in their places show which
    results ``u`` does not reach, whatever is kept, and which do not depend on what is infinite or nan, there or in
    ``u`` itself.
    """
    v = through(u, linear_map, kept)
    if not any(map(has_nan, _several(v))):
        return v
    if (trace := batch_in((u, kept))) is not None:
        return trace.apart(without_leaks, (u, linear_map, kept), v)
    if not any(np.any(strip(part)) for part in _several(u) if part is not None):
        return _like(v, [part if part is None else np.zeros_like(strip(part)) for part in _several(v)])
    other = functools.partial(replaced, np.random.default_rng(0))
    if _any_part(np.isinf, u):
        finite = without_leaks(_like(u, [x if x is None else _finite(x) for x in _several(u)]), linear_map, kept)
        others = other(not_finite, kept)
        stand_ins, alone = _stand_ins(u)
        reached = [linear_map(numbers, *others) for numbers in stand_ins]
        settled = functools.partial(_settled, signed=alone and not _any_part(not_finite, kept))
        return _like(v, [p and settled(*p) for p in _columns(v, finite, *reached)])
    try:
        reached = linear_map(other(_nonzero, u), *other(_ones, kept))
    except np.linalg.LinAlgError:  # a solver does not take any numbers
        return v
    first, second = (linear_map(u, *other(not_finite, kept)) for _ in range(2))
    parts = []
    for part, mask, x, y in zip(*map(_several, (v, reached, first, second)), strict=True):
        if part is not None:
            part = np.where(np.logical_and(np.isnan(part), np.equal(x, y)), x, part)
            part = np.where(np.logical_and(np.isnan(part), np.equal(mask, 0)), 0, part)
        parts.append(part)
    return _like(v, parts)


careful = {
    times: lambda u, partial, kept: product_by_parts(u, partial(*kept)),
    over: lambda u, divisor, kept: quotient_by_parts(u, divisor(*kept)),
    through: without_leaks,
}


def _is_complex(x):
    return dtype_of(x).kind == "c"


def _cartesian_parts(x):
    return (np.real(x), np.imag(x)) if _is_complex(x) else (x, 0)


def _real_parts(x):
    return (x.real, x.imag) if _is_complex(x) else (x,)


def _several(u):
    return u if isinstance(u, (tuple, list)) else (u,)


def _like(v, parts):
    return rebuild(v, parts) if isinstance(v, (tuple, list)) else parts[0]


def _ones(x):
    return np.ones_like(strip(x))


def _nonzero(x):
    return np.not_equal(x, 0)


def not_finite(x):
    return np.logical_not(np.isfinite(x))


def _any_part(condition, x):
    """Whether a condition holds anywhere in arrays, in lists or not."""
    if isinstance(x, (tuple, list)) and not hasattr(x, "dtype"):
        return any(_any_part(condition, part) for part in x)
    return _has_numbers(x) and bool(np.any(condition(strip(x))))


def _has_numbers(x):
    """Whether this is an array or a number with a derivative: an edge also keeps avals, dtypes and the like."""
    return not issubclass(type(x), (tuple, type)) and getattr(x, "dtype", np.dtype(int)).kind in "fc"


def _columns(*several):
    """The parts of each that belong together; None where the first has none."""
    return [None if parts[0] is None else parts for parts in zip(*map(_several, several), strict=True)]


def _finite(x):
    """``x`` with zeros for its infinities; of complex numbers, part by part."""
    if x.dtype.kind == "c":
        return _finite(x.real) + 1j * _finite(x.imag)
    return np.where(np.isinf(strip(x)), 0, x).astype(x.dtype)


_FEW = 256  # infinities that are looked at one by one


def _stand_ins(u):
    """Numbers for the infinities of ``u``, of their signs, and zeros elsewhere.

    If they are few, one for each, alone, so that those of either sign come to light; else all together, twice. And
    whether they are alone.
    """
    parts = [part for part in _several(u) if part is not None]
    count = sum(int(np.sum(np.isinf(x))) for part in parts for x in _real_parts(strip(part)))
    sizes = np.eye(count) if count <= _FEW else np.random.default_rng(0).uniform(1, 2, (2, count))
    fill = lambda part, row: part if part is None else _placed(strip(part), row)
    return [_like(u, [fill(part, row) for part in _several(u)]) for row in map(iter, sizes)], count <= _FEW


def _placed(x, sizes):
    """The next of the ``sizes`` for each infinity of ``x``, with its sign; of complex numbers, part by part."""
    if _is_complex(x):
        return _placed(x.real, sizes) + 1j * _placed(x.imag, sizes)
    x = np.reshape(arrayed(x), np.shape(x))  # a number as an array, which can be written into
    infinite, placed = np.isinf(x), np.zeros_like(x)
    placed[infinite] = np.sign(x[infinite]) * [next(sizes) for _ in range(int(np.sum(infinite)))]
    return placed


def _settled(v, finite, *reached, signed):
    """``v`` without what is nan for an infinity: ``finite`` where none has reached it, infinite where of one sign.

    ``reached``: what stand-ins for the infinities add; ``signed``: whether each was alone, and nothing else infinite.
    Of complex numbers, part by part.
    """
    if v.dtype.kind == "c":
        parts = v, finite, *reached
        of_parts = zip(*map(_cartesian_parts, parts), strict=True)
        return cartesian(*(_settled(*xs, signed=signed) for xs in of_parts))
    least, most = functools.reduce(np.minimum, reached), functools.reduce(np.maximum, reached)
    above, below = np.greater(most, 0), np.less(least, 0)
    infinite = np.where(np.logical_xor(above, below), np.where(above, np.inf, -np.inf), v) if signed else v
    known = np.where(np.logical_or(above, below), infinite, finite).astype(v.dtype)
    return np.where(np.isnan(v), known, v)


def replaced(rng, chosen, x):
    """Arrays, in lists or not, with numbers without any relation to others where ``chosen``, of an infinity's sign."""
    if isinstance(x, (tuple, list)) and not hasattr(x, "dtype"):
        return rebuild(x, [replaced(rng, chosen, part) for part in x])
    if not _has_numbers(x):
        return x
    plain, draw = strip(x), lambda: np.asarray(rng.uniform(-2, 2, x.shape), like=kind_of(plain))
    numbers = draw()
    if x.dtype.kind == "c":
        numbers = numbers + 1j * draw()
    else:
        numbers = np.where(np.isinf(plain), np.copysign(numbers, plain), numbers)
    return np.where(astype(chosen(plain), np.dtype(bool)), numbers.astype(x.dtype), x)
