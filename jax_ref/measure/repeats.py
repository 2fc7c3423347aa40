"""What needs no reference: a derivative asked for again is the same, and is linear in tangents and cotangents.

Whatever was asked for in between, and for tangents and cotangents of all sizes and with zeros: a rule that clips them,
adds a constant, divides by them or counts its calls is found out, and so is one that gives out memory that it writes to
later on, or that knows an array again by where it lies when other numbers stand in it.
"""

import contextlib
from dataclasses import replace

import numpy as np
import optree

from .quantities import Quantity
from .tolerances import ULPS, Difference, Finding, differences

SIZE = {"float16": 2.0**6}  # a power of two, by which results scale exactly; float16 ends at 65,504
ANY_SIZE = 2.0**20


def repeated(engine, f, v, elsewhere, modes):
    """What is wrong with an engine's first derivatives when they are asked for again, and along other sizes.

    ``elsewhere``: primals near by, at which the function is differentiated in between.
    """
    found = []
    if engine.jvp and "fwd" in modes:
        ask, at = lambda t: engine.jvp(f, v.primals, t), lambda x: engine.jvp(f, x, v.tangents)[1]
        found += _again(Quantity.JVP, ask, v.tangents, lambda: at(elsewhere), v, engine.slack)
        found += _in_place(Quantity.JVP, at, v.primals, elsewhere, engine.slack)
    if engine.vjp and "rev" in modes:
        value, pullback = engine.vjp(f, *v.primals)
        ask, at = lambda g: (value, pullback(g)), lambda x: engine.vjp(f, *x)[1](v.cotangent)
        found += _again(Quantity.VJP, ask, v.cotangent, lambda: at(elsewhere), v, engine.slack)
        found += _in_place(Quantity.VJP, at, v.primals, elsewhere, engine.slack)
    return found


def _in_place(what, at, primals, elsewhere, slack):
    """``at(primals)``: a derivative, which is of the numbers in an array, as they are when it is asked for."""
    held = optree.tree_map(np.array, primals)
    try:
        expected = at(optree.tree_map(np.array, elsewhere))  # of a number, an array too
        at(held)
        optree.tree_map(np.copyto, held, elsewhere)
        changed = _apart(at(held), expected, slack)
    except Exception:  # of f, at a point that it was not asked about
        return []
    return _said(what, f"the {what} at an array that was written to is not of its new numbers:", changed)


def _again(what, ask, along, between, v, slack):
    """``ask(along)``: a value and a derivative, which must not depend on what else is asked for."""
    name, given = ("jvp", "tangent") if what is Quantity.JVP else ("pullback", "cotangent")
    first = ask(along)
    kept = optree.tree_map(np.array, first)
    if not all(x.dtype.name in ULPS for x in optree.tree_leaves(kept)):
        return []  # which is told as such
    with contextlib.suppress(Exception):  # of f, at a point that it was not asked about
        between()
    try:
        for size in _sizes(v) if _is_moderate(v.primals) else ():
            found = _apart(ask(_times(size, along))[1], _times(size, kept[1]), slack)
            if found := [d for d in found if not _overflows(d)]:
                if changed := _apart(ask(along)[1], kept[1], slack):
                    return _said(what, f"the {name} called again gives another result:", changed)
                return _said(what, f"the {name} is not linear: {size:.0e} times the {given} gives", found, size)
            if not _same_bits(first, kept):
                words = f"the {name} writes into a result that it gave before: give out a new array each time"
                return [Finding(what, what.mode, Difference(words))]
        for part, rest in _parts(along):
            found = _beyond_sum(ask(part)[1], ask(rest)[1], kept[1], slack)
            if found:
                return _said(what, f"the {name} is not additive: parts of the {given} with zeros give", found)
        changed = _apart(ask(optree.tree_map(_strided, along))[1], kept[1], slack)
    except Exception as error:
        return [Finding(what, what.mode, Difference(f"the {name} called again raised {type(error).__name__}: {error}"))]
    return _said(what, f"the {name} called again gives another result:", changed)


def _parts(along):
    """Tangents or cotangents in two that add up to them: a single real number, of the first or last array, the rest."""
    leaves, spec = optree.tree_flatten(along)
    for k, index in {0: 0, len(leaves) - 1: -1}.items() if leaves else ():
        if np.size(leaves[k]):
            part = [np.zeros_like(x) for x in leaves]
            part[k] = np.array(part[k])
            part[k].flat[index] = np.real(np.ravel(leaves[k])[index])
            rest = [x - p for x, p in zip(leaves, part, strict=True)]
            yield tuple(optree.tree_unflatten(spec, [x[()] for x in tree]) for tree in (part, rest))


def _beyond_sum(a, b, whole, slack):
    """Where a + b is not the whole, but for rounding of the terms; where that is not finite, it cannot be told."""
    if len({optree.tree_structure(tree) for tree in (a, b, whole)}) > 1:
        return differences(a, whole)
    total = lambda a, b, y: np.where(np.isfinite(y), np.add(a, b), y).astype(y.dtype)[()]
    sizes = optree.tree_map(lambda a, b: np.abs(a).astype(float) + np.abs(b).astype(float), a, b)
    found = differences(optree.tree_map(total, a, b, whole), whole, sizes, slack=slack)
    return [d for d in found if not d.compared or is_gross(d.compared)]


def is_gross(compared):
    """Whether more than half the digits of the largest number are wrong: sums that cancel have none of their own."""
    got, expected, _, wrong = compared
    largest = np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)
    return not np.all(np.abs(got - expected)[wrong] <= np.sqrt(np.finfo(got.dtype).eps) * largest)


def _said(what, words, found, size=1.0):
    """The differences as findings; how far numbers are apart is told before they were taken ``size`` times."""
    found = [replace(d, problem=f"{words} {d.problem}", compared=_unscaled(d.compared, size)) for d in found]
    return [Finding(what, what.mode, d) for d in found]


def _unscaled(compared, size):
    return compared and compared._replace(got=compared.got / size, expected=compared.expected / size)


def _apart(got, expected, slack):
    return [] if _same_bits(got, expected) else differences(got, expected, slack=slack)


def _same_bits(a, b):
    """Whether two containers are quickly seen to hold the same."""
    (one, spec), (other, like) = optree.tree_flatten(a), optree.tree_flatten(b)
    return spec == like and all(
        getattr(x, "dtype", None) == y.dtype and np.array_equal(x, y, equal_nan=True)
        for x, y in zip(one, other, strict=True)
    )


def _strided(x):
    """The same numbers with gaps between them, not to be written to."""
    view = np.repeat(np.expand_dims(x, -1), 2, -1)[..., 0]
    view.flags.writeable = False
    return view


def _times(size, tree):
    return optree.tree_map(lambda x: x * np.real(x).dtype.type(size), tree)


def _sizes(v):
    size = min(SIZE.get(np.result_type(x).name, ANY_SIZE) for x in optree.tree_leaves(v))
    return size, -size, 1 / size


def _is_moderate(primals):
    """Whether no argument is so large or so small that a product with it may leave the range of numbers."""
    sizes = [np.abs(np.asarray(x)) for x in optree.tree_leaves(primals)]
    bounds = [float(np.sqrt(np.finfo(x.dtype).tiny)) for x in sizes]
    return all(np.all((x == 0) | (x > low) & (x < 1 / low)) for x, low in zip(sizes, bounds, strict=True))


def _overflows(difference):
    return difference.expected is not None and not np.isfinite(difference.expected)
