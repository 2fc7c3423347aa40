"""Variations of the arguments that a user gives: other dtypes, shapes, magnitudes, layouts, and what is repeated."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import optree

LARGE = {"float16": 5.0, "float32": 40.0, "complex64": 40.0}  # exp(x)² is finite there, as at 300 in double precision
OTHERS = {  # of a dtype: those of the same kind, the quick ones first
    "float64": ("float32", "float16"),
    "float32": ("float64", "float16"),
    "float16": ("float32", "float64"),
    "complex128": ("complex64",),
    "complex64": ("complex128",),
}
GROWTH, LARGEST = 4, 10_000  # how arrays grow, and where they need grow no more


class Variant(NamedTuple):
    """Arguments and what is other about them; ``laid``: how all arrays lie in memory, if that is it.

    ``orders``: whether the derivatives there may be of second order as well.
    """

    name: str
    args: tuple
    laid: Callable | None = None


def variants(given, thorough=False):
    """Lists of ``Variant``, of each of which the first counts at which the function is defined.

    ``given``: the ``Parts`` of the arguments. ``thorough``: also those that only few functions stand.
    """
    moving = list(itertools.compress(given.leaves, given.moves))

    def each(of):
        """The arguments with ``of(x, k)`` in place of each that is differentiated, the k-th."""
        count = itertools.count()
        leaves = [of(x, next(count)) if moves else x for x, moves in zip(given.leaves, given.moves, strict=True)]
        return optree.tree_unflatten(given.spec, leaves)

    if any(x.ndim > 1 for x in moving):
        yield [Variant("the same in Fortran order", given.tree, np.asfortranarray)]
    if any(n > 1 for x in moving for n in x.shape):
        yield [Variant("the same read backwards (negative strides)", given.tree, backwards)]
    yield from _of_other_dtypes(moving, each, thorough)
    yield from _of_other_magnitudes(each, thorough)
    yield from _of_other_sizes(moving, each)
    yield from _with_repeats(moving, each)
    yield [Variant("whole numbers", each(_whole))]
    yield [Variant("tiny numbers", each(lambda x, _: (x * float(np.finfo(x.dtype).eps) ** 0.45).astype(x.dtype)))]
    yield from _one_argument_at_a_time(moving, each, thorough)
    if any(map(_is_index, given.leaves)):
        leaves = [np.full_like(x, x.flat[0]) if _is_index(x) else x for x in given.leaves]
        yield [Variant("repeated indices", optree.tree_unflatten(given.spec, leaves))]
        leaves = [-1 - x if _is_index(x) and x.dtype.kind == "i" else x for x in given.leaves]
        yield [Variant("indices from the end", optree.tree_unflatten(given.spec, leaves))]


# ``each(of)``, as above, makes the arguments; ``moving`` are those that are differentiated


def _of_other_dtypes(moving, each, thorough):
    to = lambda x, name: x.astype(name) if name in OTHERS[x.dtype.name] else x
    for name in dict.fromkeys(other for x in moving for other in OTHERS[x.dtype.name][: 2 if thorough else 1]):
        yield [Variant(f"the same in {name}", each(lambda x, _, name=name: to(x, name)))]


def _of_other_magnitudes(each, thorough):
    yield [Variant("numbers below -6", each(lambda x, _: (-6 - np.abs(x.real) + x - x.real).astype(x.dtype)))]
    for factor in (1, 1e3, 1e6) if thorough else (1,):
        for name, sign in (("large numbers", np.sign), ("large positive numbers", np.abs)):
            words = f"{name} ({factor:g} times)" if factor > 1 else name
            yield [Variant(words, each(_enlarged(factor, sign)))]


def _of_other_sizes(moving, each):
    lengths = _lengths(moving)
    resized = lambda size, old: each(lambda x, _: _resized(x, dict.fromkeys(old, size)))
    sizes = lambda name, size: [Variant(name, resized(size, old)) for old in (lengths, *([n] for n in lengths[:3]))]
    if lengths:
        yield sizes("one element", 1)
    if any(x.ndim for x in moving):
        yield [Variant("arrays of no dimension", each(lambda x, _: x.flat[0] if x.size else x))]
        yield sizes("empty arrays", 0)


def _with_repeats(moving, each):
    if any(x.size > 1 for x in moving):
        yield [Variant("repeated values", each(lambda x, _: _repeated(x)))]
        yield [Variant("equal neighbours", each(lambda x, _: _in_pairs(x)))]
        yield [Variant("numbers in ascending order", each(lambda x, _: np.sort(x, None).reshape(x.shape)[()]))]
        stack = next(n for n in (2, 3, 5, 7, 11) if n not in _lengths(moving)[:4])
        yield [Variant(f"a stack of {stack}", each(lambda x, _: np.stack([x * (1 - k / 16) for k in range(stack)])))]


def _one_argument_at_a_time(moving, each, thorough):
    if len(moving) > 1 and len({(x.shape, x.dtype) for x in moving}) == 1:
        yield [Variant("the same array for each argument", each(lambda x, _: moving[0]))]
    axes = [(k, axis) for k, x in enumerate(moving) for axis, n in enumerate(x.shape) if n > 1]
    for k, axis in axes[: None if thorough else 4]:
        short = lambda x, j, k=k, axis=axis: np.take(x, [0], axis) if j == k else x
        yield [Variant(f"argument {k} with one element along axis {axis}", each(short))]
    for k in [k for k, x in enumerate(moving) if x.ndim and x.size and len(moving) > 1][: None if thorough else 2]:
        yield [Variant(f"argument {k} without its first axis", each(lambda x, j, k=k: x[0] if j == k else x))]


def _lengths(arrays):
    """Those of axes of more than one element, the longest first."""
    return sorted({n for x in arrays for n in x.shape if n > 1}, reverse=True)


def larger(given):
    """The arguments with longer and longer axes, in lists as ``variants`` has them."""
    factor = 1
    moving = list(itertools.compress(given.leaves, given.moves))
    while lengths := {n for x in moving for n in x.shape if n > 1}:
        factor *= GROWTH
        if max(factor**x.ndim * x.size for x in moving) > GROWTH * LARGEST:
            break
        leaves = [_resized(x, {n: factor * n for n in lengths}) if m else x for x, m in zip(given.leaves, given.moves)]
        yield [Variant("large arrays", optree.tree_unflatten(given.spec, leaves))]


def _resized(x, lengths):
    """``x`` with axes of other lengths, its numbers taken again and again, each a little nearer to zero."""
    larger = False
    for axis, n in enumerate(x.shape):
        if n in lengths:
            larger = larger or lengths[n] > n
            x = np.take(x, np.arange(lengths[n]) % n, axis)
    shrink = 1 - 0.05 * np.random.default_rng(0).random(x.shape) if larger else 1.0
    return (x * shrink).astype(x.dtype)[()]


def _whole(x, _):
    away = lambda x: np.copysign(np.ceil(np.abs(x)), x)  # from zero, where poles are
    return (away(x.real) + 1j * away(x.imag) if np.iscomplexobj(x) else away(x)).astype(x.dtype)[()]


def _enlarged(factor, sign):
    def of(x, _):
        size = min(factor * LARGE.get(x.dtype.name, 300.0), float(np.finfo(x.dtype).max) / 4)
        return np.asarray(sign(x) * size * (1 + np.abs(x) / (1 + np.abs(x))) / 2, x.dtype)[()]

    return of


def _repeated(x):
    """``x``, whose second half is the first once more."""
    flat = np.array(x).ravel()
    half = (flat.size + 1) // 2
    flat[half:] = flat[: flat.size - half]
    return flat.reshape(x.shape)


def _in_pairs(x):
    """``x``, each second number as the one before it."""
    flat = np.array(x).ravel()
    flat[1::2] = flat[: flat.size - flat.size % 2 : 2]
    return flat.reshape(x.shape)


def _is_index(x):
    return isinstance(x, np.ndarray) and x.dtype.kind in "iu" and x.size > 1


def backwards(x):
    """The same numbers, last to first in memory."""
    x = np.asarray(x)
    there = (slice(None, None, -1),) * x.ndim
    return np.ascontiguousarray(x[there])[there][()] if x.ndim else x[()]
