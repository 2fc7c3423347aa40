"""Derivatives of a function that JAX cannot run, by extrapolated differences, and how far these may be off.

Central differences at steps from an eighth of the arguments' size down, a quarter each time, as ``extrapolation`` has
them. At a kink the bound reaches to the slopes of both sides, and to infinity where the slope along a direction is not
the sum of those along its parts, as that of the median of equal numbers: no derivative is. An error of the function
that is smooth itself, as a solver's may be, cannot be seen in the values: that much the rule may differ, too.
"""

from typing import NamedTuple

import numpy as np
import optree

from .derivatives import Reference
from .extrapolation import SPARSE, central, limit
from .quantities import FIRST, Quantity
from .tolerances import unit
from .values import lent
from .vectors import coarsest_dtype

STEPS, MOST = 11, 30  # how many steps, and where the arguments are of many sizes at most
ROUNDING = 16  # units by which a first derivative may be off that is the sum of terms
VAGUE = 1e-2  # a bound beyond this share of the largest derivative decides nothing


class Told(NamedTuple):
    """What differences can tell: ``decided`` of ``asked`` elements, within ``bound`` of the largest derivative.

    ``noise``: that of the function, relative to its largest value.
    """

    decided: int
    asked: int
    bound: float
    noise: float

    def __str__(self):
        vague = self.asked - self.decided
        noise = f"noise of the function {self.noise:.0e} of its value"
        told = [f"within {self.bound:.0e} of the largest derivative"] if self.decided else []
        told += [f"undecided in {vague} of {self.asked} elements, where the error bound is too wide"] if vague else []
        return f"by differences, {', '.join([*told, noise])}"


@np.errstate(all="ignore")
def by_differences(problem, engine, noise=None):
    """The ``Reference`` by differences, its conditions such that tolerances are the error bounds; and what it tells.

    Second derivatives are those of the engine's own first ones. ``noise``: the error of the function that cannot be
    seen, relative to its largest value and derivative; by default half the digits.
    """
    f, given = lambda *x: problem.function(*lent(x)), problem.vectors
    value = optree.tree_map(np.asarray, f(*given.primals))
    lines, least = _lines(f, given.primals), coarsest_dtype(given)
    columns = [[_slopes(*values) for values in pair] for pair in lines]
    eps = float(np.finfo(least).eps)
    noise = float(np.sqrt(eps)) if noise is None else noise
    found, bounds, noises, vague = [], [], [], []
    for v in (given, given.turned()):
        pushed = _slopes(*_values(f, given.primals, v.tangents, _sizes(given.primals, v.tangents)))
        kinked, weights = ~_is_sum(pushed, columns, _flat(v.tangents), noise), _flat(v.cotangent)
        numbers = [_paired(pair, of, weights) for pair, of in zip(lines, columns, strict=True)]
        pulled = [np.array([number[part] for number in numbers]) for part in range(4)]
        pushed[1][kinked] = np.inf
        pulled[1][:] += np.inf if np.any(weights[kinked]) else 0
        slopes = {Quantity.VALUE: (_flat(value), pushed[2], pushed[2], 0.0), Quantity.JVP: pushed, Quantity.VJP: pulled}
        terms = (_largest(value) or 1.0) / (_largest(given.primals) or 1.0)  # of a first derivative, which may cancel
        sizes = {what: terms * _largest(v.cotangent if what.of_arguments else v.tangents) for what in Quantity}
        for what, first, along in _firsts(engine, problem, v):
            values = _values(first, given.primals, along, _sizes(given.primals, along), eps)
            slopes[what] = _slopes(*values, np.maximum(np.abs(values[2]), sizes[what]))
        error = {what: s[1] + noise * np.max(np.abs(s[0]), initial=0.0) for what, s in slopes.items()}
        error |= {what: error[what] + ROUNDING * eps * sizes[what] for what in FIRST}
        like = {what: given.primals if what.of_arguments else value for what in slopes}
        found.append({what: _like(like[what], s[0]) for what, s in slopes.items()})
        bounds.append({what: _like(like[what], error[what] + s[3], float) for what, s in slopes.items()})
        noises.append(np.max(pushed[2], initial=0.0) / (np.max(np.abs(_flat(value)), initial=0.0) or 1.0))
        vague.append({what: (error[what], np.max(np.abs(slopes[what][0]), initial=0.0) or 1.0) for what in FIRST})
    conditions = tuple(
        {
            what: optree.tree_map(lambda x, b: b / unit((x.dtype, least)), *(tree[what] for tree in pair))
            for what in pair[0]
        }
        for pair in zip(found, bounds, strict=True)
    )
    return Reference(tuple(found), conditions, least), _told(vague, float(max(noises)))


def _firsts(engine, problem, v):
    """The engine's first derivatives as functions of the primals, with what their own derivatives are, along what."""
    f = problem.written or problem.function
    if min(problem.order, engine.order) > 1:
        if engine.vjp:
            yield Quantity.JVP_OF_VJP, lambda *x: engine.vjp(f, *x)[1](v.cotangent), v.tangents
        if engine.jvp:
            yield Quantity.JVP_OF_JVP, lambda *x: engine.jvp(f, x, v.tangents)[1], v.others


def _told(vague, noise):
    """``vague``: per set of vectors and first derivative the error bounds, and the largest number."""
    relative = np.concatenate([error / largest for of in vague for error, largest in of.values()])
    clear = relative <= VAGUE
    return Told(int(np.sum(clear)), clear.size, float(np.max(relative[clear], initial=0.0)), noise)


def _largest(tree):
    sizes = np.abs(_flat(tree))
    return np.max(sizes[np.isfinite(sizes)], initial=0.0)


def _flat(tree):
    """All numbers of a container in a row."""
    return np.concatenate([np.zeros(0), *(np.ravel(x) for x in optree.tree_leaves(tree))])


def _like(tree, flat, dtype=None):
    """The numbers of a row in containers like these."""
    leaves, spec = optree.tree_flatten(tree)
    ends = np.cumsum([0, *map(np.size, leaves)])
    parts = [flat[a:b].reshape(np.shape(x)) for a, b, x in zip(ends, ends[1:], leaves, strict=False)]
    typed = [
        np.asarray(part if np.iscomplexobj(x) or dtype else part.real, dtype or np.result_type(x))[()]
        for part, x in zip(parts, leaves, strict=True)
    ]
    return optree.tree_unflatten(spec, typed)


def _lines(f, primals):
    """The values along each number of the arguments; of a complex one along its imaginary part as well."""
    leaves, spec = optree.tree_flatten(primals)
    lines = []
    for k, x in enumerate(map(np.asarray, leaves)):
        for i in np.ndindex(x.shape):
            pair = []
            for part in (1, 1j) if x.dtype.kind == "c" else (1,):
                t = [np.zeros_like(x) for x in leaves]
                t[k][i] = part
                sizes = float(np.max(np.abs(x))), float(np.abs(x[i]))
                pair.append(_values(f, primals, optree.tree_unflatten(spec, [d[()] for d in t]), sizes))
            lines.append(pair)
    return lines


def _sizes(primals, tangents):
    """The largest and the smallest of the numbers that move."""
    sizes = np.abs(_flat(primals))[_flat(tangents) != 0]
    return np.max(sizes, initial=0.0), np.min(sizes[sizes > 0], initial=np.inf)


def _values(f, primals, tangents, sizes, eps=0.0):
    """The steps, and of the outputs in a row their units of rounding, and they at the start and at each step.

    They are nan where the function is not defined, or of other shapes. ``eps``: the unit of numbers within it.
    """
    largest = sizes[0] or 1.0
    smallest = sizes[1] if 0 < sizes[1] < largest else largest
    steps = 2.0 ** np.floor(np.log2(largest)) / 8  # powers of two: the arguments move by them exactly
    steps = steps / SPARSE ** np.arange(min(STEPS + int(np.log2(largest / smallest) / 2), MOST))
    eps = max([eps, *(float(np.finfo(np.asarray(x).dtype).eps) for x in optree.tree_leaves(primals))])
    steps = steps[steps >= 32 * eps * smallest]
    value = f(*primals)
    start = _flat(value)
    units = [np.full(np.size(y), max(eps, float(np.finfo(np.asarray(y).dtype).eps))) for y in optree.tree_leaves(value)]

    def at(h):
        moved = optree.tree_map(lambda x, t: np.asarray(x + h * t, np.result_type(x))[()], primals, tangents)
        try:
            there = f(*moved)
        except Exception:
            there = None
        return _flat(there) if _shapes(there) == _shapes(value) else np.full_like(start, np.nan)

    after, before = (np.array([at(side * h) for h in steps]) for side in (1, -1))
    return steps, np.concatenate([np.zeros(0), *units]), start, after, before


def _shapes(tree):
    return [*map(np.shape, optree.tree_leaves(tree))]


def _is_sum(pushed, columns, tangents, noise):
    """Of each output whether its slope along ``tangents`` is that sum of those along each number, up to the bounds."""
    slope, error, _, kinks = pushed
    parts = [(t.real, t.imag)[: len(of)] for t, of in zip(tangents, columns, strict=True)]
    terms = [(t, *column) for ts, of in zip(parts, columns, strict=True) for t, column in zip(ts, of, strict=True)]
    total = sum(t * column for t, column, *_ in terms)
    bound = error + kinks + sum(abs(t) * (error + kinks) for t, _, error, _, kinks in terms)
    size = sum(abs(t * column) for t, column, *_ in terms) + abs(slope)
    return ~(abs(slope - total) > 4 * bound + noise * size)


def _paired(pair, columns, weights):
    """``_slopes`` of Re⟨weights, f⟩: ∂/∂x − i ∂/∂y. At a kink each output by itself may have any slope of it.

    ``columns``: those of each output by itself.
    """
    sums = [(steps, 1, *(np.real(values @ weights)[..., None] for values in rest)) for steps, _, *rest in pair]
    sizes = [np.sum(eps * np.abs(start * weights)) for _, eps, start, *_ in pair]
    slopes = [_slopes(*s, size) for s, size in zip(sums, sizes, strict=True)]
    value = slopes[0][0] - (1j * slopes[1][0] if len(pair) > 1 else 0)
    kinks = sum(float(column[3] @ np.abs(weights)) for column in columns)
    return value[0], sum(s[1][0] for s in slopes), max(s[2][0] for s in slopes), kinks


def _slopes(steps, eps, start, after, before, size=None):
    """Each output's slope, its error bound, the noise of the output, and how far the slopes of both sides are off.

    ``size``: of the terms of which it is a sum.
    """
    slope, error, noise = central(steps, start, after, before, eps * (np.abs(start) if size is None else size))
    h = steps[:, None]
    gap, vague = limit((after + before - 2 * start) / (2 * h), 2 * noise / h, SPARSE)
    kink = np.where(np.abs(gap) > 4 * vague, np.abs(gap) + vague, 0)
    return np.where(np.isfinite(slope), slope, 0), np.where(np.isfinite(slope), error, np.inf), noise, kink
