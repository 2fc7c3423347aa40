"""Whole Jacobians in one pass: all unit vectors go through the chain rule together, as a batch (batch.py).

So do other directions, the sums of unit vectors by which a sparse Jacobian is had (sparse.py). Where an array of the
batch would be larger than ``LIMIT`` bytes, they go in blocks of half as many, and of half as many again; forward mode,
which may find that out late, then runs the function a second time, and so it does where a nan appears. Where a step of
the chain rule takes no batch, they go one by one, as single vectors do.
"""

import itertools

import numpy as np

from . import forward
from .basis import Basis, size_of
from .batch import Batched, TooLarge, told
from .careful import careful
from .chain import has_nan, plain
from .fast import FastForward
from .linearization import linearize
from .silence import silently
from .tracer import Diverged, Tracer, batch_in, dtype_of, kind_of, shape_of
from .tree import copied, flatten, zeros

LIMIT = 2**28


def forward_columns(fun, leaves, has_aux=False, along=None):
    """The leaves and spec of the output of ``fun``, a function of a list of leaves; the columns of its Jacobian; aux.

    The columns: for each leaf of the output an array of shape (number of input elements, *shape of the output).
    ``along``: the directions, where they are others than the unit vectors of ``leaves``. If a nan comes out, and only
    then, ``fun`` runs a second time, as it does in ``jvp``.
    """
    along = along or UnitVectors(leaves)
    for steps in (plain, _watched) if along.count else ():
        result = _run_once(fun, leaves, has_aux, along, steps)
        if result is None:
            break
        out, spec, columns, aux, shows_nan = result
        if steps is _watched or not shows_nan:
            return out, spec, columns, aux
    out, pushforward, *aux = linearize(lambda *leaves: fun(list(leaves)), *leaves, has_aux=has_aux)
    columns = _stacked(lambda directions: flatten(pushforward(*directions))[0], along, "jacfwd")
    return *flatten(out), columns, aux[0] if aux else None


def _run_once(fun, leaves, has_aux, along, steps):
    """The same by one run of forward mode, and whether a nan is in the columns; None where an array is too large."""
    batch = Basis(along.count, LIMIT) if along.count > 1 else None  # before the trace of the run, which lies inside
    try:
        with silently():
            tangents = along.all_in(batch, 0, along.count) if batch else along[0]
            out, columns, spec, aux = forward.run_on_leaves(FastForward(steps), fun, leaves, tangents, has_aux)
            if batch:
                columns, shows_nan = batch.wholes(columns)
            else:
                shows_nan, columns = any(map(has_nan, columns)), [t[None] for t in columns]
    except (TooLarge, Diverged):
        return None
    return list(map(copied, out)), spec, _owned(columns), aux, shows_nan


def _looking_for_nan(step):
    """A step that is careful where it makes a nan; elsewhere both are the same."""

    def take(u, linear_map, kept):
        v = step(u, linear_map, kept)
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


def reverse_rows(pull, leaves, along=None):
    """All rows of the Jacobian whose pullback is ``pull``, a function of lists of leaves: of the output, ``leaves``.

    For each leaf of the input an array of shape (number of output elements, *shape of the input). ``along`` as above.
    """
    return _stacked(pull, along or UnitVectors(leaves), "jacrev")


def _stacked(function, along, name):
    """``function``, linear and without a warning, of each of the directions; its results stacked, leaf by leaf."""
    pieces, start, length = [], 0, along.count
    while start < along.count:
        stop = min(start + length, along.count)
        piece = _block(function, along, start, stop, name) if length > 1 else None
        if piece is TooLarge:
            length = -(-length // 2)
            continue
        if piece is None:
            singles = [function(along[i]) for i in range(start, stop)]
            piece = [_stack(parts) for parts in zip(*singles, strict=True)]
        pieces.append(piece)
        start = stop
    if len(pieces) == 1:
        return _owned(pieces[0])
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def _stack(parts):
    """``np.stack(parts)``; of one tracer without a copy, which would fill in the zeros of a compressed batch."""
    return np.expand_dims(*parts, 0) if len(parts) == 1 and isinstance(parts[0], Tracer) else np.stack(parts)


def _block(function, along, start, stop, name):
    """The same of some of the directions at once; None where that cannot be done, TooLarge where of fewer it can."""
    batch = Basis(stop - start, LIMIT)
    try:
        rows, shows_nan = batch.wholes(function(along.all_in(batch, start, stop)))
    except (TooLarge, MemoryError):
        return TooLarge
    except Exception:  # one by one, what is wrong is said of a single vector
        rows, shows_nan = None, True
    if shows_nan:
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


class UnitVectors:
    """The unit vectors of all leaves together, as lists of leaves."""

    def __init__(self, leaves):
        self.leaves, self.count = leaves, sum(map(size_of, leaves))

    def all_in(self, batch, start, stop):
        """Those from ``start`` to ``stop``, as a batch."""
        if start == 0 and stop == self.count:
            return batch.units(self.leaves)
        ends = itertools.accumulate(map(size_of, self.leaves), initial=0)
        return [batch.some_units(first, x, start) for first, x in zip(ends, self.leaves)]

    def __getitem__(self, i):
        if self.count == 1 == len(self.leaves) and type(self.leaves[0]) in (float, np.float64):
            return [np.float64(1)]
        vectors = []
        for x in self.leaves:
            if 0 <= i < size_of(x):
                one = np.zeros(size_of(x), dtype_of(x), like=kind_of(x))
                one[i] = 1
                vectors.append(one.reshape(shape_of(x))[()])
            else:
                vectors.append(zeros(x))
            i -= size_of(x)
        return vectors
