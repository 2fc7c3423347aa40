"""``vmap``: the axes of arguments and results, and the run on a batch (batch.py)."""

import functools
import operator

import numpy as np
import optree

from .batch import Batch, Batched
from .refusals import check_callable, uncover
from .tracer import Tracer, dtype_of, shape_of
from .tree import copied, entered, typed


def vmap(fun, in_axes=0, out_axes=0, *, axis_size=None):
    """``fun``, written for one example, as a function of a batch of them; by its NumPy calls on all examples at once.

    ``in_axes``: along which axis of each argument the examples lie; an int, None for an argument that is the same for
    all, or a tuple of these, one per positional argument, or containers of these like the argument's. Arguments given
    by name have them along axis 0. ``out_axes``, likewise, says where they shall lie in the results; None for a result
    that is the same for all. ``axis_size``: how many they are, where no argument tells. The signature is JAX's.

    Each result is that of a loop over the examples, the last digits of sums and products of matrices aside; but what
    ``fun`` draws at random is drawn once for all. Where all examples agree, a branch on values is taken; ``x[i] = v``
    writes, as ever, into arrays that depend on the examples or were made by np.zeros_like(x). Calls that have no
    batching rule loop over the examples: see ``fallbacks``.

    Raises ValueError for axes that an argument does not have or whose sizes differ, and for results of different
    shapes; TypeError for a branch on which the examples differ.
    """
    check_callable("vmap", fun)
    in_axes = tuple(in_axes) if type(in_axes) is list else in_axes
    if not (in_axes is None or _is_axis(in_axes) or isinstance(in_axes, (tuple, dict))):
        raise TypeError(
            "vmap in_axes must be an int, None, or a tuple of entries corresponding to the positional arguments passed "
            f"to the function, but got {in_axes!r}."
        )

    @functools.wraps(fun)
    def mapped(*args, **kwargs):
        if isinstance(in_axes, tuple) and len(in_axes) != len(args):
            raise ValueError(
                "vmap in_axes must be an int, None, or a tuple of entries corresponding to the positional arguments "
                f"passed to the function, but got {len(in_axes)=}, {len(args)=}."
            )
        leaves, spec = _flatten(args)
        axes = _axes(in_axes, args, leaves, "in_axes", "the arguments")
        named, named_spec = _flatten(kwargs)
        leaves = [*leaves, *named]
        axes = [None if x is None else axis for x, axis in zip(leaves, [*axes, *(0 for _ in named)])]
        batch = Batch(_size(leaves, axes, axis_size), shows_nans=True)
        inputs = [x if axis is None else _entered(batch, x, axis) for x, axis in zip(leaves, axes)]
        try:
            count = len(leaves) - len(named)
            out = fun(*optree.tree_unflatten(spec, inputs[:count]), **optree.tree_unflatten(named_spec, inputs[count:]))
            batch.check_together()
            results, out_spec = _flatten(out)
            axes = _axes(out_axes, out, results, "out_axes", "the result")
            given = set()
            results = [_returned(batch, y, axis, given) for y, axis in zip(results, axes)]
        except (ValueError, SystemError) as error:
            uncover(error)
            raise
        finally:
            batch.size = None
        return optree.tree_unflatten(out_spec, results)

    return mapped


def _is_axis(x):
    return hasattr(x, "__index__") and not isinstance(x, (bool, np.ndarray, Tracer))


def _flatten(tree):
    return optree.tree_flatten(tree, none_is_leaf=True)


def _axes(axes, tree, leaves, name, what):
    """One axis per leaf, of axes given for whole subtrees."""
    if type(axes) is int:
        return [axes] * len(leaves)
    flat = type(axes) is tuple and type(tree) is tuple and len(axes) == len(leaves) == len(tree)
    if flat and all(map(operator.is_, tree, leaves)) and {int, type(None)}.issuperset(map(type, axes)):
        return axes  # there are no containers
    try:
        axes = optree.broadcast_prefix(axes, tree, none_is_leaf=True)
    except (ValueError, TypeError) as error:
        raise ValueError(f"vmap {name} must be an int, None, or containers of these as {what} has: {error}") from None
    for axis in axes:
        if axis is not None and not _is_axis(axis):
            raise TypeError(f"vmap {name} must be integers or None in containers as {what} has, but got {axis!r}.")
    return axes


def _size(leaves, axes, axis_size):
    """How many examples there are."""
    sizes = {}
    for k, (x, axis) in enumerate(zip(leaves, axes)):
        if axis is None:
            continue
        if dtype_of(x).kind in "OUS":
            raise TypeError(f"vmap takes arrays of numbers, not of dtype {dtype_of(x)}: give np.asarray(x, float).")
        shape = shape_of(x)
        if not -len(shape) <= axis < len(shape):
            least = axis + 1 if axis >= 0 else -axis
            raise ValueError(
                f"vmap was requested to map its argument along axis {axis}, which implies that its rank should be at "
                f"least {least}, but is only {len(shape)} (its shape is {shape}). Give in_axes=None for what is the "
                "same for all examples."
            )
        sizes.setdefault(shape[axis], f"array {k} of shape {shape} along axis {axis}")
    if axis_size is not None:
        if not _is_axis(axis_size):
            raise TypeError(f"vmap axis_size must be an int, how many examples there are, but got {axis_size!r}.")
        if axis_size < 0:
            raise ValueError(f"vmap axis_size must be how many examples there are, but got {axis_size}.")
        sizes.setdefault(axis_size, f"{axis_size=}")
    if not sizes:
        raise ValueError("vmap must have at least one non-None value in in_axes, or axis_size.")
    if len(sizes) > 1:
        told = "; ".join(f"{n} examples in {where}" for n, where in sizes.items())
        raise ValueError(f"vmap got inconsistent sizes for array axes to be mapped: {told}.")
    return next(iter(sizes))


def _entered(batch, x, axis):
    x = entered(typed(x))
    return Batched(batch, x if axis in (0, -len(shape_of(x))) else np.moveaxis(x, axis, 0))


def _returned(batch, y, axis, given):
    """One result as the caller gets it: a copy of what is not of this run alone, or was ``given`` before."""
    if y is None:
        return None
    mine = batch.owns(y)
    if axis is None:
        if mine:
            raise ValueError(
                "vmap has mapped output but out_axes is None: the result depends on the example, so it has an axis of "
                "examples. Give out_axes=0."
            )
        return copied(batch.constant(y))
    value = y.dense() if mine else batch.whole(batch.constant(y))
    ndim = len(shape_of(value))
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"vmap out_axes={axis} is out of bounds for a result that has {ndim} axes, that of the examples included."
        )
    axis %= ndim
    alone = mine and not axis and type(value) is np.ndarray and value.base is None and value.flags.writeable
    if alone and id(value) not in given:
        given.add(id(value))
        return value
    return copied(np.moveaxis(value, 0, axis) if axis else value)
