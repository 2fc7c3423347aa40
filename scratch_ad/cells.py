"""Cells: arrays that can be written into, as all kinds of number are."""

import operator

import numpy as np

from .array import ARITHMETIC, Array
from .flat import Flat
from .foreign import NUMBERS
from .keywords import stand_in, without_ones, zeros_as
from .layout import straight
from .primitives import astype, getitem
from .scalars import is_number
from .silence import silently
from .tracer import Tracer, bottom, dtype_of, gathered, lowered, shape_of, strip
from .views import Stale, is_view, reshape_under
from .writing import cast_into, check_writeable, known, rebind, within, write, write_flat


class Plain(np.ndarray):
    """What arrays of tracers say they are: not ``np.ndarray`` itself, of which SciPy takes the memory unseen."""


class Cell(Array):
    """An array that can be written into. All kinds of number are."""

    __slots__ = ()
    stale: type

    def _plain_class(self):
        kind = type(bottom(self))
        if kind in NUMBERS:
            return kind
        if hasattr(kind, "__array_function__") and not issubclass(kind, np.ndarray):
            return type(self)  # over another package's arrays
        return self.dtype.type if is_number(self) else Plain

    # What ``isinstance`` finds besides ``type(x)``, the kind of number: the class of the plain run.
    __class__ = property(_plain_class, object.__dict__["__class__"].__set__)  # pyright: ignore[reportIncompatibleMethodOverride]

    def __setitem__(self, index, value):
        write(self, index, value)

    def __delitem__(self, index):
        raise ValueError("cannot delete array elements")

    @property
    def shape(self):
        return shape_of(self.value)

    @shape.setter
    def shape(self, shape):
        if is_view(self):
            raise TypeError("setting the shape of a view is not supported under differentiation; use reshape.")
        np.empty(self.shape).shape = shape  # for its checks and its warning
        new = np.reshape(self, shape)
        if not is_view(new):
            raise AttributeError("Incompatible shape for in-place modification. Use `.reshape()` to make a copy.")
        views, self.views = getattr(self, "views", []), []
        old = self.shape
        rebind(self, new)
        reshape_under(views, np.reshape(self, old))

    @property
    def real(self):
        return np.real(self)

    @real.setter
    def real(self, value):
        with silently():
            np.empty(self.shape, self.dtype).real = stand_in(value)  # for its checks, others in NumPy 2.5
        cast_into(np.real(self) if self.dtype.kind == "c" else self, value)

    @property
    def imag(self):
        return np.imag(self)

    @imag.setter
    def imag(self, value):
        with silently():
            np.empty(self.shape, self.dtype).imag = stand_in(value)  # for its checks
        cast_into(np.imag(self), value)

    def copy(self, order="C"):
        return self if is_number(self) else np.copy(self, order)  # a number cannot be written into

    def flatten(self, order="C"):
        flat = np.ravel(self, order)
        return np.copy(flat) if is_view(flat) or flat is self else flat

    def __copy__(self):
        return self.copy("K")

    def __deepcopy__(self, memo):
        return self.copy("K")

    @property
    def flat(self):
        return Flat(self)

    @flat.setter
    def flat(self, value):
        if not within(self, value, lambda a, v: setattr(a, "flat", v)):
            Flat(self)[:] = value

    def sort(self, axis=-1, kind=None, order=None, *, stable=None):
        axis = operator.index(axis)  # there is no flattening in place
        write(self, ..., np.sort(self, axis, kind, order, stable=stable))

    def partition(self, kth, axis=-1, kind="introselect", order=None):
        write(self, ..., np.partition(self, kth, axis, kind, order))

    def fill(self, value):
        if not is_number(self):  # of which it would be a copy
            with silently():
                np.empty(1, self.dtype).fill(stand_in(value))  # for its checks
            write(self, ..., value)

    def put(self, indices, values, mode="raise"):
        np.put(self, indices, values, mode)

    def assign(self, result, casting, what, where=True):
        shape, ours, theirs = self.shape, self.dtype, dtype_of(result)
        if shape_of(result) != shape and not _fits(shape_of(result), shape):
            raise ValueError(
                f"non-broadcastable output operand with shape {shape} doesn't match the broadcast shape "
                f"{shape_of(result)}"
            )
        if ours is not theirs and not np.can_cast(theirs, ours, casting):
            raise TypeError(f"Cannot cast {what} from {theirs!r} to {ours!r} with casting rule '{casting}'")
        if where is not True:
            with silently():  # of what it leaves out, too
                result = result if theirs is ours else astype(result, ours)
            write(self, ..., np.where(strip(lowered(where)), result, self))
        elif not is_view(self) and isinstance(result, Tracer) and result.owner.level >= 0 and _alike(self, result):
            rebind(self, result)
        else:
            write(self, ..., result)
        return self

    def update(self, ufunc, index, *operand):
        operand = [v if isinstance(v, Tracer) else np.asarray(v) for v in map(gathered, operand)]
        ufunc.at(np.ones(1, self.dtype), [0], *(np.ones(1, v.dtype) for v in operand))  # for its checks
        places = getitem(np.arange(self.size).reshape(self.shape), known(index))
        shape, places = np.shape(places), np.ravel(places)
        operand = [np.copy(np.broadcast_to(v, shape)).reshape(-1) for v in operand]
        for now in _rounds(places):
            result = ufunc(np.ravel(self)[places[now]], *(v[now] for v in operand))
            write_flat(self, places[now], result)


class StaleCell(Stale, Cell):
    """A view that has not been looked at since its memory was written into."""

    __slots__ = ()

    @property
    def shape(self):
        return (self.owner, self.shape)[1]  # of its own class, which it has after that look

    @shape.setter
    def shape(self, shape):
        raise TypeError("setting the shape of a view is not supported under differentiation; use reshape.")


Cell.stale = StaleCell


def _rounds(places):
    """Indices of ``places`` such that each round has no place twice, and all first ones come before all second ones.

    Places that are not the same whenever the run is repeated, as in a recording, are written to one by one.
    """
    if isinstance(places, Tracer):
        return np.arange(places.size).reshape(-1, 1)
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if places.size else np.empty(0, int)
    rounds = np.empty(places.size, int)
    rounds[order] = np.arange(places.size) - np.repeat(starts, np.diff(np.append(starts, places.size)))
    return [np.flatnonzero(rounds == k) for k in range(rounds.max(initial=-1) + 1)]


def _in_place(name, ufunc):
    ordinary, what = getattr(Array, f"__{name}__"), f"ufunc '{ufunc.__name__}' output"

    def operation(self, other):
        other = gathered(other)
        result = (
            ordinary(*straight((self, other), self)) if is_view(self) and not ufunc.signature else ordinary(self, other)
        )
        if type(result) is type(self) and _is_plainly_alike(self.value, result.value) and not is_number(result):
            if is_view(self):
                write(self, ..., result)
            else:
                rebind(self, result)
            return self  # what most in-place operators come to
        if is_number(self):
            return result
        check_writeable(self)
        if ufunc is np.matmul and shape_of(result) != self.shape:
            operator.imatmul(zeros_as(self), zeros_as(other))  # for its checks
            result = without_ones(result, self)
        return self.assign(result, "same_kind", what)

    return operation


IN_PLACE = {f"__i{name}__": name for name in ARITHMETIC if name != "divmod"}
for _name, _ordinary in IN_PLACE.items():
    setattr(Cell, _name, _in_place(_ordinary, ARITHMETIC[_ordinary]))


def _fits(shape, into):
    try:
        return np.broadcast_shapes(shape, into) == into
    except ValueError:
        return False


def _is_plainly_alike(old, new):
    """Whether both are plain arrays of one shape, dtype and layout, the first one writeable."""
    return (
        type(new) is np.ndarray
        and type(old) is np.ndarray
        and new.shape == old.shape
        and new.strides == old.strides
        and new.dtype is old.dtype
        and old.flags.writeable
    )


def _alike(a, b):
    """Whether two arrays are of one shape, dtype and layout."""
    if a.shape != b.shape or a.dtype != b.dtype or is_number(a) != is_number(b):
        return False
    a, b = bottom(a), bottom(b)
    return type(a) is type(b) and getattr(a, "strides", None) == getattr(b, "strides", None)
