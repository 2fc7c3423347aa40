"""Constants that can be written into: what creation functions give under differentiation.

A ``ConstantCell`` holds a plain array; written into by a tracer, it becomes one of the innermost run's.
"""

import operator
from sys import getrefcount

import numpy as np

from .cells import IN_PLACE, Cell
from .tracer import Trace, gathered, innermost, lowered, strip
from .views import is_view, viewed, views_of
from .writing import root_of


class Constants(Trace):
    """The trace of constant cells, below all others; they answer as their arrays do."""

    __slots__ = ()
    mode = "a constant array"
    differentiates = True

    def __init__(self):
        self.level = -1

    def process(self, function, args, kwargs):
        y = function(*lowered(args), **{k: lowered(v) for k, v in kwargs.items()})
        several = isinstance(y, (tuple, list))
        if (several and not all(type(part) is np.ndarray for part in y)) or (not several and type(y) is not np.ndarray):
            return y
        cells = [ConstantCell(part) for part in y] if several else ConstantCell(y)
        cells = viewed(cells, y, function, args, kwargs)
        if not several:
            return _worth(cells)
        return type(y)(map(_worth, cells)) if type(y) in (tuple, list) else type(y)(*map(_worth, cells))

    def apply(self, rule, function, args, kwargs):
        return self.process(function, args, kwargs)

    def write(self, cell, index, value):
        value = gathered(value if cell.dtype.kind in "fc" else strip(value))
        if is_constant(value, index):
            cell.value[index] = lowered(value)
            return True
        _check_alone(root_of(cell))
        return False


def _worth(cell):
    """The cell if a tracer may ever be written into it, else its array: indices and masks are plain."""
    return cell if cell.value.dtype.kind in "fc" or is_view(cell) or hasattr(cell, "views") else cell.value


CONSTANTS = Constants()


def is_constant(*args):
    """Whether nothing among these belongs to a run."""
    return innermost(args) in (None, CONSTANTS)


class ConstantCell(Cell):
    """A plain array that tracers can be written into."""

    __slots__ = ()

    def __init__(self, value):
        self.owner, self.value, self.tag = CONSTANTS, value, None

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        array = np.array(self.value, dtype, copy=copy)
        if np.may_share_memory(array, self.value):
            root_of(self).tag = "shared"
        return array

    def __reduce_ex__(self, protocol) -> tuple:
        return ConstantCell, (self.value,)

    def __repr__(self):
        return repr(self.value)

    def __str__(self):
        return str(self.value)

    def __float__(self):
        return float(self.value)

    def __int__(self):
        return int(self.value)

    def __complex__(self):
        return complex(self.value)

    def __index__(self):
        return self.value.__index__()

    def view(self, *dtype_or_type, **options):
        given = (*dtype_or_type, *options.values())
        if all(isinstance(kind, type) and issubclass(kind, np.ndarray) for kind in given):
            return super().view(*given)
        return np.asarray(self).view(*dtype_or_type, **options)

    data, ctypes = (property(lambda self, name=name: getattr(np.asarray(self), name)) for name in ("data", "ctypes"))


def _of_plain(name):
    return lambda self, *args, **kwargs: getattr(np.asarray(self), name)(*args, **kwargs)


for _name in ("tolist", "tobytes", "tofile", "dump", "dumps", "byteswap", "getfield"):
    setattr(ConstantCell, _name, _of_plain(_name))


def _in_memory(name):
    """An in-place operator of constants: NumPy's own, unless a tracer comes in."""
    of_tracers, of_arrays = getattr(Cell, name), getattr(operator, name)

    def operation(self, other):
        if not is_constant(other):
            return of_tracers(self, other)
        of_arrays(self.value, lowered(other))
        return self

    return operation


for _name in IN_PLACE:
    setattr(ConstantCell, _name, _in_memory(_name))


def created(x):
    """What a creation function made, as users get it: an array that tracers can be written into."""
    return ConstantCell(x) if type(x) is np.ndarray else x


def filled(function, x):
    """``x`` as ``function`` made it, but zeros in place of what lay in the memory: two runs shall see the same."""
    if function in (np.empty, np.empty_like) and x.dtype.kind in "biufc":
        x[...] = 0
    return x


def _holders(array):
    return getrefcount(array)


_NO_OTHERS = _holders(np.zeros(1))  # of an array that nothing but the call refers to


def _check_alone(root):
    """Raise where somebody has a plain array of a constant cell's memory, which would not see the tracer."""
    if root.tag is None:
        return
    memory = root.value if root.value.base is None else root.value.base
    others = _holders(memory) - _NO_OTHERS - 2  # but for the cell's and the name here
    if others > sum(view.value.base is memory for view in views_of(root)):
        raise TypeError(
            "a tracer cannot be written into an array of which np.asarray has given a plain one that is still in use: "
            "leave np.asarray out, or take a copy, np.array(y)."
        )
