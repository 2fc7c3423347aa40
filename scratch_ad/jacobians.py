"""Whole Jacobians in one pass: all unit vectors go through the chain rule together, as a batch (batch.py).

Where an array of the batch would be larger than ``LIMIT`` bytes, they go in blocks of half as many, and of half as many
again; forward mode, which may find that out late, then runs the function a second time. Where a nan appears, or a step
of the chain rule takes no batch, they go one by one, as single vectors do.
"""

import itertools
import math

import numpy as np

from . import forward
from .batch import DIAGONAL, Batch, Batched, TooLarge, told
from .careful import careful
from .chain import has_nan, plain
from .fast import FastForward
from .linearization import linearize
from .tracer import Diverged, batch_in, dtype_of, kind_of, shape_of
from .tree import copied, flatten, zeros

LIMIT = 2**28


def forward_columns(fun, leaves, has_aux):
    """The leaves and spec of the output of ``fun``, a function of a list of leaves; the columns of its Jacobian; aux.

    The columns: for each leaf of the output an array of shape (number of input elements, *shape of the output).
    """
    count = sum(map(size_of, leaves))
    result = _run_once(fun, leaves, has_aux, count) if count else None
    if result is not None:
        return result
    out, pushforward, *aux = linearize(lambda *leaves: fun(list(leaves)), *leaves, has_aux=has_aux)
    columns = _along(lambda basis: flatten(pushforward(*basis))[0], leaves, "jacfwd")
    return *flatten(out), columns, aux[0] if aux else None


def _run_once(fun, leaves, has_aux, count):
    """The same by one run of forward mode; None where an array is too large."""
    batch = Batch(count, LIMIT)  # before the trace of the run, which has to lie inside
    try:
        with np.errstate(all="ignore"):
            tangents = _unit_vectors(batch, leaves, 0, count) if count > 1 else _unit_vector(leaves, 0)
            out, columns, spec, aux = forward.run_on_leaves(FastForward(_watched), fun, leaves, tangents, has_aux)
            columns = _owned([batch.whole(t) if count > 1 else t[None] for t in columns])
    except (TooLarge, Diverged):
        return None
    return list(map(copied, out)), spec, columns, aux


def _looking_for_nan(step):
    """A step that is careful where it makes a nan; elsewhere both are the same, so that ``fun`` need not run again."""

    def take(u, linear_map, kept):
        v = step(u, linear_map, kept)
        if type(v) is Batched and type(v.value) is np.ndarray and v.value.dtype.kind == "f":  # has_nan, without a call
            x = v.value.ravel("K")
            square = x.dot(x)
            if square == square:
                return v
        if not (any(map(_has_nan, v)) if type(v) in _SEVERAL else _has_nan(v)):
            return v
        if (batch := batch_in(u)) is not None:
            return batch.apart(careful[step], (u, linear_map, kept), v)
        return careful[step](u, linear_map, kept)

    return take


def _has_nan(t):
    return has_nan(t.value if type(t) is Batched else t)


_SEVERAL = {tuple, list}
_watched = {step: _looking_for_nan(step) for step in plain}


def reverse_rows(pull, leaves):
    """All rows of the Jacobian whose pullback is ``pull``, a function of lists of leaves: of the output, ``leaves``.

    For each leaf of the input an array of shape (number of output elements, *shape of the input).
    """
    return _along(pull, leaves, "jacrev")


def _along(function, leaves, name):
    """``function``, which is linear, of each unit vector of the leaves; its results stacked, leaf by leaf."""
    count = sum(map(size_of, leaves))
    pieces, start, length = [], 0, count
    while start < count:
        stop = min(start + length, count)
        piece = _block(function, leaves, start, stop, name) if length > 1 else None
        if piece is TooLarge:
            length = -(-length // 2)
            continue
        if piece is None:
            singles = [function(_unit_vector(leaves, i)) for i in range(start, stop)]
            piece = [np.stack(parts) for parts in zip(*singles, strict=True)]
        pieces.append(piece)
        start = stop
    if len(pieces) == 1:
        return _owned(pieces[0])
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def _block(function, leaves, start, stop, name):
    """The same of some of the unit vectors at once; None where that cannot be done, TooLarge where of fewer it can."""
    batch = Batch(stop - start, LIMIT)
    try:
        with np.errstate(all="ignore"):
            rows = [batch.whole(y) for y in function(_unit_vectors(batch, leaves, start, stop))]
    except (TooLarge, MemoryError):
        return TooLarge
    except Exception:  # one by one, what is wrong is said of a single vector
        rows = None
    if rows is None or any(map(has_nan, rows)):
        told(f"{name}, one unit vector after another")
        return None
    return rows


def _owned(arrays):
    """The arrays, none of which shares memory with another, or with what it was broadcast from."""
    owned, roots = [], set()
    for x in arrays:
        if type(x) is np.ndarray:
            root = x
            while type(root.base) is np.ndarray:
                root = root.base
            if id(root) in roots or not x.flags.writeable:
                x = x.copy()
            roots.add(id(root))
        owned.append(x)
    return owned


def size_of(leaf):
    return math.prod(shape_of(leaf))


def _unit_vectors(batch, leaves, start, stop):
    """The unit vectors from ``start`` to ``stop`` of all leaves together, as a batch."""
    if len(leaves) == 1 and start == 0 and stop == size_of(leaves[0]):
        (x,) = leaves
        batch.ones = np.zeros(shape_of(x), dtype_of(x), like=kind_of(x)) + dtype_of(x).type(1)
        return [Batched(batch, batch.ones, DIAGONAL)]
    ends = [0, *itertools.accumulate(map(size_of, leaves))]
    vectors = []
    for x, first in zip(leaves, ends):
        rows, columns = np.arange(start, stop, like=kind_of(x))[:, None] - first, np.arange(size_of(x), like=kind_of(x))
        batch.check((stop - start, size_of(x)), x)
        ones = np.equal(rows, columns).astype(dtype_of(x))
        vectors.append(Batched(batch, ones.reshape((stop - start, *shape_of(x)))))
    return vectors


def _unit_vector(leaves, i):
    """The unit vector i of all leaves together."""
    vectors = []
    for x in leaves:
        if 0 <= i < size_of(x):
            one = np.zeros(size_of(x), dtype_of(x), like=kind_of(x))
            one[i] = 1
            vectors.append(one.reshape(shape_of(x))[()])
        else:
            vectors.append(zeros(x))
        i -= size_of(x)
    return vectors
