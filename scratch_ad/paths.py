"""The path that a function takes: the calls it makes, on what shapes, with what indices.

A ``Path`` is noted while the function runs on another kind of number, whichever. As long as two runs take the same
path, their Jacobians have the same pattern of zeros. A ``Taking`` path notes as well which parts of its arguments the
function takes, such as ``x[1:]``; on a ``Parted`` path each of those is an argument of its own.
"""

import hashlib
import math
import sys
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .foreign import SparseFactor
from .layout import laid_as, laid_out, order_in_memory
from .primitives import getitem
from .program import Recorded, Recorder
from .registry import Rewrite, missing, rule_of
from .rules.shaping import join, pile
from .tracer import Tracer, bottom, dtype_of, innermost, rebuild, refuse_traced, shape_of
from .tree import is_inexact
from .views import viewed
from .writing import put


class Path(Recorder):
    """The calls that a function makes, and what it returns: noted is what decides on the pattern.

    These are the shapes, how arrays lie in memory, and the numbers that are indices or may be such.
    """

    __slots__ = ()
    mode = "a Jacobian"
    differentiates = True

    def begun(self, leaves):
        return [self.recorded(x) if is_inexact(x) else x for x in leaves]

    def parts(self) -> "Parts | None":
        """What was taken of the arguments, where that was noted."""
        return None

    def process(self, function, args, kwargs):
        rule = rule_of.get(function, missing)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        if kwargs:
            refuse_traced(function, kwargs, self.mode)
        values = [a.value if type(a) is Recorded and a.owner is self else self.lower(a) for a in args]
        return self.noted(function(*values, **kwargs), function, args, kwargs)

    def apply(self, rule, function, args, kwargs):
        """One call of a function that brings its own rule: a run further out has it."""
        values = list(map(self.lower, args))
        return self.noted(innermost(values).apply(rule, function, values, kwargs), function, args, kwargs)

    def noted(self, y, function, args, kwargs):
        by_value = not (isinstance(function, np.ufunc) and function.signature is None) and function is not np.where
        mine = [a.name if type(a) is Recorded and a.owner is self else self.note(a, by_value) for a in args]
        named = tuple([(k, self.note(v, by_value)) for k, v in kwargs.items()]) if kwargs else ()
        self.calls.append((function, tuple(mine), named))
        if issubclass(type(y), (tuple, list)):
            result = rebuild(y, [part if k and function is np.modf else self.result(part) for k, part in enumerate(y)])
        elif self.is_flat(function, args):
            return y
        else:
            result = self.result(y)
            if result is y or isinstance(function, np.ufunc):
                return result
        return viewed(result, y, function, args, kwargs)

    def is_flat(self, function, args):
        """Whether the derivative is zero: then forward mode gives plain numbers, and reverse mode must not differ."""
        if function is np.sign:
            return dtype_of(args[0]).kind == "f"
        partials = getattr(rule_of.get(function), "partials", ())
        return None in partials and all(p is None for p, a in zip(partials, args) if self.owns(a))

    def result(self, y):
        return self.recorded(y) if isinstance(y, Tracer) and y.owner.differentiates else y

    def note(self, x, by_value):
        if self.owns(x):
            return x.name
        if issubclass(type(x), (tuple, list)):
            parts = tuple([self.note(part, by_value) for part in x])
            return parts if issubclass(type(x), tuple) else ("list", parts)  # another index
        if type(x) is slice:
            ends = x.start, x.stop, x.step
            return "slice", *(ends if _ENDS.issuperset(map(type, ends)) else [self.note(end, by_value) for end in ends])
        if isinstance(x, (Tracer, np.ndarray, np.generic, int, float, complex)):
            return self.note_number(x, by_value)
        if isinstance(x, SparseFactor):
            factor = x.array.tocsr()
            return factor.shape, _digest(factor.indptr), _digest(factor.indices)
        return x if getattr(x, "__hash__", None) else type(x)

    @staticmethod
    def note_number(x, by_value):
        shape, dtype = shape_of(x), dtype_of(x)
        by_value = by_value and dtype.kind in "iub"
        if isinstance(x, Tracer):
            by_value = by_value and x.owner.looks
            if by_value and shape:
                np.array_equal(x, x.value)  # which is noted, and holds for all numbers with which this path is taken
        if not shape:
            return (dtype.kind, int(x)) if by_value else ((), dtype)  # True is another index than 1
        order = order_in_memory(x, "K")
        return (shape, dtype, order, _digest(bottom(x))) if by_value else (shape, dtype, order)


_ENDS = {int, type(None)}


def _digest(x):
    return hashlib.blake2b(np.ascontiguousarray(x), digest_size=16).digest()


class Parts(NamedTuple):
    """Parts of the arguments that count as arguments of their own.

    ``slots``: for the number of a call, which part it gives. ``likes``: of each part an array that takes no memory.
    ``places``: of each the places of its elements among those of all arguments; -1 for what is none of theirs.
    """

    slots: dict
    likes: list
    places: list


class Taking(Path):
    """A path on which is noted what parts of its arguments the function takes, by calls that only move elements.

    ``origins``: for the number of each name that is an argument or such a part, the places of its elements among those
    of all arguments. ``calls_of``: the number of the call that gives a part. ``used``: the numbers of names that other
    calls are given, or that are returned. ``room``: how many places may be noted still.
    """

    __slots__ = ("calls_of", "origins", "room", "used")

    def __init__(self):
        super().__init__()
        self.origins, self.calls_of, self.used = {}, {}, set()

    def begun(self, leaves):
        end = 0
        for k, x in enumerate(leaves):
            start, end = end, end + math.prod(shape_of(x))
            self.origins[k] = laid_as(bottom(x), np.arange(start, end).reshape(shape_of(x)))
        self.room = _ROOM * (end + 1)
        return super().begun(leaves)

    def note(self, x, by_value):
        if self.owns(x):
            self.used.add(x.name.number)
        return super().note(x, by_value)

    def noted(self, y, function, args, kwargs):
        number, moves = len(self.avals), _MOVING.get(function, 0)
        as_they_are = _AS_THEY_ARE.get(function, ())
        moved = [a.name.number for i, a in enumerate(args[:moves]) if i not in as_they_are and self.owns(a)]
        places = [self.lower(a) for i, a in enumerate(args) if i >= moves or i in as_they_are] if moved else ()
        if not moved or self.room < 0 or not self.origins.keys() >= set(moved) or innermost(places) is not None:
            moves = 0
        self.used.update(a.name.number for a in args[moves:] if self.owns(a))
        result = super().noted(y, function, args, kwargs)
        if moves and self.owns(result):
            origin = [self.lower(a) if i in as_they_are else self.origin(a) for i, a in enumerate(args[:moves])]
            self.calls_of[number] = len(self.calls) - 1
            self.origins[number] = found = np.asarray(function(*origin, *map(self.lower, args[moves:]), **kwargs))
            self.room -= found.size
        return result

    def origin(self, x):
        return self.origins[x.name.number] if self.owns(x) else laid_as(bottom(x), np.full(shape_of(x), -1))

    def parts(self):
        slots, likes, places = {}, [], []
        for number in sorted(self.used & self.calls_of.keys()):
            of, (shape, dtype) = self.origins[number], self.avals[number]
            if not of.size:
                continue
            like, of = np.broadcast_to(np.zeros((), dtype), shape), of.ravel()
            same = (k for k, x in enumerate(likes) if (x.shape, x.dtype) == (shape, dtype) and _same(places[k], of))
            slots[self.calls_of[number]] = slot = next(same, len(likes))
            if slot == len(likes):
                likes.append(like)
                places.append(of)
            if slot == _MANY:
                return None
        return Parts(slots, likes, places) if likes else None


def _same(a, b):
    """Whether two arrays of places hold the same; most that do not begin or end otherwise."""
    return a[0] == b[0] and a[-1] == b[-1] and np.array_equal(a, b)


_MANY = 64  # parts, beyond which it is single numbers that are taken
_ROOM = 64  # places that are noted, to an element of the arguments


class Parted(Path):
    """A path on which ``parts`` of the arguments are arguments of their own, which come behind the others."""

    __slots__ = ("leaves", "of")

    def __init__(self, parts):
        super().__init__()
        self.of = parts

    def begun(self, leaves):
        count = len(leaves) - len(self.of.likes)
        self.leaves = leaves[count:]
        return super().begun(leaves[:count])

    def process(self, function, args, kwargs):
        slot = self.of.slots.get(len(self.calls))
        if slot is None or function not in _MOVING:
            return super().process(function, args, kwargs)
        leaf, inner = self.leaves[slot], list(map(self.lower, args))
        y = function(*(x.value if isinstance(x, Tracer) and x.owner is leaf.owner else x for x in inner), **kwargs)
        part = viewed(type(leaf)(leaf.owner, y, leaf.tag), y, function, inner, kwargs)
        return self.noted(part, function, args, kwargs)


# Calls whose result has elements of their arguments, and nothing else; how many of their arguments these are.
_MOVING = {
    **dict.fromkeys((getitem, np.reshape, np.ravel, np.expand_dims, np.squeeze, sliding_window_view), 1),
    **dict.fromkeys((np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.flip, np.roll, np.rot90), 1),
    **dict.fromkeys((np.copy, laid_out, np.diagonal), 1),
    **dict.fromkeys((join, pile), sys.maxsize),
    put: 3,
}
_AS_THEY_ARE = {put: (1,)}  # an index among them


class Followed:
    """A function of leaves, with its calls noted on the way on a path of this ``kind``; ``path`` is the last one.

    With it come the shapes and dtypes of all that was computed, and the parts that were taken, if they were noted.
    """

    def __init__(self, fun, kind=Path):
        self.fun, self.kind, self.path, self.avals, self.parts = fun, kind, None, [], None

    def __call__(self, leaves):
        path = self.kind()
        try:
            out = self.fun(path.begun(leaves))
            self.path, self.avals = (*path.calls, [path.note(y, by_value=False) for y in out]), path.avals
            self.parts = path.parts()
            return list(map(path.lower, out))
        finally:
            path.close()
