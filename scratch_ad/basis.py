"""The batch of the unit vectors, the basis along which a Jacobian is taken.

It is kept as its diagonal, and what becomes of it without its zeros (compressed.py), until a call mixes it: the first
product of a Jacobian costs as much as one with a single vector, and that of a stencil a few evaluations.
"""

import itertools
import math

import numpy as np

from . import compressed
from .batch import Batch, Batched, TooLarge, Uncovered, batching
from .chain import has_nan
from .compressed import DIAGONAL, Rows
from .foreign import ARRAYS
from .tracer import Tracer, bottom, dtype_of, innermost, kind_of, shape_of

FEW, MANY = 16, 128  # examples: from so many on a batch is compressed where elements are repeated, or anyway,
NUMBERS, PARTS = 256, 4  # … and one of numbers, of so many parts at most
MOVING = set()  # functions that move the elements of their first argument and add none of them
_adding = {np.add, np.subtract}
_keeping_zeros = {*_adding, np.multiply, np.divide, np.negative, np.positive, np.conjugate}


def size_of(x):
    return math.prod(shape_of(x))


class Basis(Batch):
    """One run on all the unit vectors of some arrays at once, or on some of them.

    ``ones``: the diagonal of those of an array alone, by which nothing need be multiplied; ``rows``: the examples of
    its elements, by shape; ``identity``: the vectors as a whole, of which single numbers are taken. ``many``: how many
    are compressed whatever the shape; where calls are recorded, few, as the care is taken once.
    """

    __slots__ = ("identity", "many", "ones", "rows")

    def __init__(self, size, limit):
        super().__init__(size, limit)
        self.identity, self.many, self.ones, self.rows = None, MANY, None, {}

    def units(self, arrays):
        """The unit vectors of all these arrays together, as one batch of each."""
        if any(isinstance(x, Tracer) for x in arrays):
            self.many = FEW
        if len(arrays) == 1:
            (x,) = arrays
            if type(x) is np.ndarray:
                self.ones = np.zeros(x.shape, x.dtype)
                self.ones.fill(1)
            else:
                self.ones = np.zeros(shape_of(x), dtype_of(x), like=kind_of(x)) + dtype_of(x).type(1)
            return [Batched(self, self.ones, DIAGONAL)]
        return list(map(self._units_from, itertools.accumulate(map(size_of, arrays), initial=0), arrays))

    def _units_from(self, first, x):
        """Those of an array whose first one is the ``first`` of all."""
        shape, size = shape_of(x), size_of(x)
        if self.size >= self.many and isinstance(bottom(x), np.ndarray):
            return self.sparse(np.ones((1, *shape), dtype_of(x)), np.arange(first, first + size).reshape(1, *shape))
        return self.some_units(first, x, 0)

    def some_units(self, first, x, start):
        """Those of them from ``start`` on that are examples of this batch, as a whole."""
        rows, columns = (np.arange(n, like=kind_of(x)) for n in (self.size, size_of(x)))
        self.check((self.size, size_of(x)), x)
        ones = np.equal(rows[:, None] + (start - first), columns).astype(dtype_of(x))
        return Batched(self, ones.reshape((self.size, *shape_of(x))))

    def of_ufunc(self, function, args):
        if function in _keeping_zeros and len(args) < 3 and (y := self.with_zeros(function, *args)) is not None:
            return y
        return super().of_ufunc(function, args)

    def by_rule(self, function, args, kwargs):
        if function in MOVING and (y := self.moved(batching[function], args, kwargs)) is not None:
            return y
        return super().by_rule(function, args, kwargs)

    def with_zeros(self, function, a, b=None):
        """The result of a compressed batch, where it is compressed, too; None where it is not."""
        if type(b) in ARRAYS:
            return self.scaled(a, b, function) if type(a.tag) is Rows and function not in _adding else None
        of_a, of_b = self.compresses(a), self.compresses(b)
        if b is None:
            return Batched(self, function(a.value), a.tag) if of_a else None
        if of_a and of_b:
            return self.added(function, a, b) if function in _adding else None
        if function in _adding or not (of_a or of_b) or (of_b and function is np.divide):
            return None
        if of_a:
            return self.scaled(a, b, function)
        return self.scaled(b, a, lambda value, factor: function(factor, value))

    def compresses(self, x):
        return type(x) is Batched and type(x.tag) is Rows and x.owner is self

    def scaled(self, x, factor, function):
        """``function`` of the numbers of a compressed batch and of a factor of all examples; None of one of each."""
        if self.owns(factor):
            return None
        shape = shape_of(factor)
        if x.tag is DIAGONAL:
            d = x.value
            if function is np.multiply and shape == d.shape and self.is_one(d, factor):
                return Batched(self, np.copy(factor), DIAGONAL)
            if shape == d.shape or _broadcasts_into(shape, d.shape):
                return Batched(self, function(d, factor), DIAGONAL)
            if (x := self.compressed(x, grows=True)).tag is DIAGONAL:
                return None
        value, tag = x.value, x.tag
        if len(shape) >= len(shape_of(value)):
            value, tag = compressed.lifted(value, len(shape)), Rows(compressed.lifted(tag.rows, len(shape)))
        return self.limited(function(value, factor), tag)

    def chosen(self, condition, a, b):
        """``np.where`` of a compressed batch and zero; None of anything else."""
        x, zero, order = (a, b, 1) if self.compresses(a) else (b, a, -1)
        if not self.compresses(x) or not _is_zero(zero) or np.result_type(zero, x.dtype) != x.dtype:
            return None
        return self.scaled(x, condition, lambda value, condition: np.where(condition, *(value, zero)[::order]))

    def added(self, function, a, b):
        """The sum or difference of two compressed batches; None where that has many parts."""
        if a.tag is b.tag and a.shape == b.shape:
            return Batched(self, function(a.value, b.value), a.tag)
        a, b = self.compressed(a), self.compressed(b)
        if a.tag is DIAGONAL or b.tag is DIAGONAL:
            return None
        x, y, rows, others = a.value, b.value, a.tag.rows, b.tag.rows
        ndim = max(rows.ndim, others.ndim) - 1
        if rows.ndim != others.ndim:
            x, y, rows, others = (compressed.lifted(part, ndim) for part in (x, y, rows, others))
        if compressed.is_same(rows, others):
            return self.limited(function(x, y), a.tag if rows is a.tag.rows else Rows(rows))
        if not self.is_less(len(rows) + len(others), ndim):
            return None
        if len(rows) > PARTS and (merged := compressed.filled_in(x, y, rows, others, function)) is not None:
            return self.limited(merged[0], Rows(merged[1]))
        value, rows = compressed.appended(x, y if function is np.add else np.negative(y), rows, others)
        return self.limited(value, Rows(rows))

    def summed(self, a, axes, keepdims):
        """The sum of a compressed batch along axes; None where that is not worth the while."""
        if (a := self.compressed(a)).tag is DIAGONAL:
            return None
        return self.sparse(*compressed.summed(a.value, a.tag.rows, axes, keepdims))

    def moved(self, rule, args, kwargs):
        """The result of a function that moves elements of a compressed batch; None where it is not of one."""
        a, *rest = args
        if not self.compresses(a):
            return None
        if innermost((*rest, *kwargs.values())) is not None or (a := self.compressed(a)).tag is DIAGONAL:
            return None
        value, rows = a.value, a.tag.rows
        parts = Batch(shape_of(value)[0])
        rows = compressed.broadcast(rows, shape_of(value))
        try:
            return self.sparse(*(rule(parts, Batched(parts, x), *rest, **kwargs).value for x in (value, rows)))
        except Uncovered:
            return None

    def compressed(self, a, grows=False):
        """A compressed batch with an axis of parts; a diagonal as it is if that is less work as a whole.

        ``grows``: whether its elements are repeated next.
        """
        few = self.size < (FEW if grows else self.many)
        if a.tag is not DIAGONAL or few or not isinstance(bottom(a.value), np.ndarray):
            return a
        shape = (1, *a.shape)
        if (tag := self.rows.get(shape)) is None:
            tag = self.rows[shape] = Rows(np.arange(self.size).reshape(shape))
        return Batched(self, a.value.reshape(shape), tag)

    def numbers(self, a):
        """The whole of a diagonal of which single numbers are taken; None if these are to be compressed, too."""
        if a.value is not self.ones or self.size >= NUMBERS:
            return None
        if self.identity is None:
            self.identity = Batched(self, a.value, DIAGONAL).dense()
        return self.identity

    def is_less(self, parts, ndim):
        """Whether a compressed batch of so many parts is less work than the whole one, of arrays or numbers."""
        return 2 * parts <= self.size and (ndim > 0 or (self.size >= NUMBERS and parts <= PARTS))

    def sparse(self, value, rows):
        """A batch of these parts, compressed if that is less work."""
        y = self.limited(value, Rows(rows))
        if not self.is_less(shape_of(value)[0], y.ndim):
            y.dense()
        return y

    def all_compressed(self, arrays):
        """The values and the rows of each, zeros included, if these are less work; else None."""
        found = []
        for x in arrays:
            if self.compresses(x):
                if (x := self.compressed(x)).tag is DIAGONAL:
                    return None
                found.append((x.value, compressed.broadcast(x.tag.rows, shape_of(x.value))))
            elif _is_zero(x):
                found.append(None)
            else:
                return None
        return found if any(found) else None

    def wholes(self, parts):
        """The arrays of all examples of each, and whether one holds a nan; of finite numbers zeros need no look."""
        finite = [
            self.compresses(x) and type(x.value) is np.ndarray and bool(np.isfinite(x.value).all()) for x in parts
        ]
        arrays = list(map(self.whole, parts))
        return arrays, any(has_nan(x) for x, known in zip(arrays, finite, strict=True) if not known)

    def limited(self, value, tag):
        if getattr(value, "nbytes", 0) > self.limit:
            raise TooLarge
        return Batched(self, value, tag)

    def is_one(self, d, factor):
        """Whether ``d`` times a factor is that factor, to the last bit."""
        return d is self.ones and dtype_of(factor) == d.dtype


def _is_zero(x):
    """Whether that is known of all examples."""
    if isinstance(x, Tracer) or not isinstance(x, (np.ndarray, np.generic, int, float, complex)):
        return False
    return not np.any(x)


def _broadcasts_into(shape, into):
    return len(shape) <= len(into) and all(n in (1, m) for n, m in zip(reversed(shape), reversed(into)))
