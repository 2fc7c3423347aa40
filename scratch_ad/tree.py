"""Containers and their leaves: nested tuples, lists, dicts and registered classes (optree), and what a leaf may be.

What is copied, and where, so that nobody's array changes anybody else's derivative:

    entered    an argument, as a run takes it: the function may write into it
    snapshot   (registry) a constant of a call, as an edge keeps it: its owner may change it
    frozen     (tracer) a tracer as it is now: it may be written into
    copied     what the user gets of values
    own        what the user gets of cotangents: none is another's memory
    guarded    what the user gets to look at, read-only
"""

import contextlib

import numpy as np
import optree

from .foreign import NUMBERS, PLAIN, is_of_objects, refused, remedy_of
from .memory import duplicate
from .refusals import IN_PLACE
from .tracer import Tracer, arrayed, bottom, dtype_of, frozen, shape_of, strip

float0 = np.dtype([("float0", np.void, 0)])  # the dtype of tangents and cotangents of integers: nothing at all

leaf_spec = optree.tree_structure(0)
_LEAVES = {np.ndarray, float}  # what most are


def flatten(tree):
    """The leaves of nested containers, and the structure that ``unflatten(spec, leaves)`` needs to rebuild them."""
    if type(tree) in _LEAVES or isinstance(tree, (Tracer, np.generic)):  # the common case, without a search
        return [tree], leaf_spec
    return optree.tree_flatten(tree)


def unflatten(spec, leaves):
    """The containers that ``flatten`` took apart, around these leaves."""
    if spec is leaf_spec:
        (leaf,) = leaves
        return leaf
    return optree.tree_unflatten(spec, leaves)


def orders_in(spec, leaves):
    """The keys of all dicts in the order in which they stand there, which structures do not compare."""
    orders = []

    def note(node):
        if isinstance(node, dict) and node:
            orders.append(tuple(node))
        return node

    spec.traverse(leaves, note)
    return tuple(orders)


def is_leaf(spec):
    """Whether the structure is a single leaf."""
    return spec is leaf_spec or spec.is_leaf(strict=True)


def tree_map(function, tree):
    """``function`` of each leaf, in the same containers."""
    return optree.tree_map(function, tree)


def is_inexact(leaf):
    """Whether a leaf is real or complex, so that it has derivatives; TypeError unless it is a number or an array."""
    dtype = dtype_of(leaf)
    if dtype.kind in "fc" or dtype.name == "bfloat16":
        return True
    if dtype.kind in "iub" or dtype == float0:
        return False
    if is_of_objects(leaf):
        raise refused(leaf, f"Argument '{leaf}' of type {type(leaf)} is")
    raise TypeError(
        f"Argument '{leaf}' of type {type(leaf)} and dtype {dtype} is not a valid array or number. {IN_PLACE}."
    )


def tangent_dtype(leaf):
    """The dtype of a leaf's tangents and cotangents: its own, or float0 for integers and booleans."""
    return dtype_of(leaf) if is_inexact(leaf) else float0


def zeros(leaf):
    """The zero tangent or cotangent of a leaf."""
    return np.zeros_like(strip(leaf)) if is_inexact(leaf) else np.zeros(shape_of(leaf), float0)


def typed(leaf):
    """A leaf with a dtype: Python numbers become NumPy's."""
    return leaf if hasattr(leaf, "dtype") else np.asarray(leaf)[()]


def typed_like(leaf, like):
    """A tangent or cotangent, a number as one of the kind of ``like``: not all arrays can be mixed with NumPy's."""
    if type(leaf) is np.ndarray or isinstance(leaf, Tracer):
        return leaf
    if type(leaf) not in PLAIN:
        leaf = own_kind(leaf, "The tangent or cotangent given is")
    if type(like) in PLAIN or not isinstance(leaf, (np.generic, int, float, complex)):
        return typed(leaf)
    return arrayed(leaf, like)[()]


def copied(leaf):
    """A leaf that its owner can no longer change."""
    return leaf.copy("K") if type(leaf) is np.ndarray else frozen(leaf) if isinstance(leaf, Tracer) else leaf


def entered(leaf):
    """An argument as a run takes it: writes stay inside. It has the caller's strides, and is read-only if that is."""
    if type(leaf) is not np.ndarray:
        if type(leaf) in NUMBERS:
            return leaf
        leaf = own_kind(leaf, "The argument of a differentiated function is")
        return entered(leaf) if type(leaf) is np.ndarray else copied(leaf)
    copy = duplicate(leaf)
    if not leaf.flags.writeable:
        copy.flags.writeable = False
    return copy


def own_kind(leaf, where):
    """A leaf that is no array or number of another package; TypeError for one that is, ``where`` said first."""
    if isinstance(leaf, np.memmap):
        return np.asarray(leaf)
    if remedy_of[type(leaf)]:
        raise refused(leaf, where)
    return leaf


def guarded(leaf):
    """A leaf that whoever gets it cannot change: writes into its array, or that below a tracer, are refused."""
    if isinstance(leaf, Tracer):
        leaf = frozen(leaf)
    if isinstance(leaf, Tracer):
        leaf.value = guarded(leaf.value)
    if type(leaf) is not np.ndarray:
        return leaf
    view = leaf.view()
    view.flags.writeable = False
    return view


@contextlib.contextmanager
def only_reading(name):
    """While the function ``name`` runs on guarded leaves: who writes into one is told so."""
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error) or "writes into a read-only array" in str(error):  # of a function inside
            raise
        raise ValueError(
            f"{name} writes into a read-only array. All its arguments are such, as they are needed again for the "
            "derivative: write into a copy, x = x.copy()."
        ).with_traceback(error.__traceback__) from None


def describe(leaf):
    """``float64[3,2]``, as in JAX's messages."""
    return f"{called(dtype_of(leaf))}[{','.join(map(str, shape_of(leaf)))}]"


def called(dtype):
    """What messages call a dtype."""
    return "float0" if dtype == float0 else str(dtype)


def split_aux(out, has_aux):
    """The output and the auxiliary data that ``fun`` returned beside it (None without ``has_aux``)."""
    if not has_aux:
        return out, None
    if not (isinstance(out, (tuple, list)) and len(out) == 2):
        raise TypeError(
            "expected function with aux output to return a two-element tuple, "
            f"but got type {type(out)} with value {out!r}. Return (output, aux)."
        )
    return out


def own(c, leaf, taken):
    """A cotangent that shares memory with nothing else, an array where its leaf is one; ``taken`` grows by it."""
    if c is None:
        return zeros(leaf)
    if type(c) is np.ndarray:
        if c.base is not None:
            c = c.copy()
        for other in taken:
            if c is other:
                c = c.copy()
        taken.append(c)
    elif isinstance(c, Tracer):
        if type(bottom(leaf)) is np.ndarray and isinstance(bottom(c), np.generic):
            return np.copy(c)  # which is an array
        return frozen(c)
    elif type(leaf) is np.ndarray and isinstance(c, np.generic):
        c = np.asarray(c)
    return c
