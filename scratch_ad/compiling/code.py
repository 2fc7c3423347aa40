"""What a compiled function is made of: steps, one call of NumPy or one guard each, in the order in which they ran.

A *guard* notes what a number was taken for by Python: the program is that of the branch taken, and holds only as long
as the same is true. It is a step without outputs, ``function(*args)`` of which gave what stands last in its ``args``.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from ..program import Name
from ..tracer import Tracer, dtype_of, each, name_of, shape_of


class Step(NamedTuple):
    """``outputs = function(*args, **kwargs)``, of several results a tuple of names; ``errors``: np.errstate, if set."""

    function: object
    args: tuple
    kwargs: dict
    outputs: tuple
    several: bool
    errors: tuple | None

    is_guard = property(lambda self: not self.outputs and not self.several)


class Value(NamedTuple):
    """What is known of a value by its name: of every value that it can have."""

    kind: type
    shape: tuple
    dtype: np.dtype | None
    strides: tuple | None

    is_array = property(lambda self: self.kind is np.ndarray)
    size = property(lambda self: math.prod(self.shape))


class Code(NamedTuple):
    """A straight line of steps from the names of the inputs to the outputs, names or constants."""

    inputs: tuple
    steps: tuple
    outputs: tuple
    values: tuple  # by number

    def value(self, x):
        """What is known of an argument of a step, a name or a constant."""
        return self.values[x.number] if type(x) is Name else value_of(x)


def value_of(x):
    if type(x) is np.ndarray:
        return Value(np.ndarray, x.shape, x.dtype, x.strides)
    return Value(type(x), shape_of(x), dtype_of(x) if hasattr(x, "dtype") else None, getattr(x, "strides", None))


def is_laid_out_in_c(value):
    """Whether an array lies in memory as a new one does."""
    return value.strides == np.empty(value.shape, value.dtype).strides


def form_of(x):
    """All that later steps may take for granted of a result: its type, shape and dtype, of several those of each."""
    if isinstance(x, (tuple, list)):
        return tuple(map(form_of, x))
    return type(x), getattr(x, "shape", None), getattr(x, "dtype", None)


def as_taken(x):
    """A number as Python goes on with it, bit for bit."""
    return type(x), np.asarray(x).tobytes()


def as_told(y):
    """Python's own numbers that a function gave, of which the program goes on with what they were."""
    return y


def names_in(x):
    """The names in the arguments of a step."""
    if type(x) is Name:
        yield x
    elif isinstance(x, (tuple, list)):
        for e in x:
            yield from names_in(e)
    elif type(x) is dict:
        yield from names_in(tuple(x.values()))


def renamed(x, names):
    """Arguments with other names, or constants, in place of those in the dictionary ``names``."""
    if type(x) is Name:
        return names.get(x, x)
    if type(x) is dict:
        return {k: renamed(v, names) for k, v in x.items()}
    return each(functools.partial(renamed, names=names), x) if isinstance(x, (tuple, list)) and _holds(x) else x


def _holds(x):
    return next(names_in(x), None) is not None


def identical(a, b):
    """Whether two arguments, constants or functions of two recordings are the same, to the last bit."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(identical, a, b))
    if type(a) is dict:
        return a.keys() == b.keys() and all(identical(v, b[k]) for k, v in a.items())
    if type(a) is np.ndarray:
        return a.shape == b.shape and a.dtype == b.dtype and a.strides == b.strides and a.tobytes() == b.tobytes()
    if isinstance(a, (float, complex, np.generic)):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes() if hasattr(a, "dtype") else repr(a) == repr(b)
    if hasattr(a, "toarray"):
        return identical(a.toarray(), b.toarray())
    if hasattr(a, "__code__"):
        return a.__code__ is b.__code__ and all(identical(*map(_held, (a, b), (k, k))) for k in ("cells", "defaults"))
    if isinstance(a, functools.partial):
        return identical(a.func, b.func) and identical(a.args, b.args) and identical(a.keywords, b.keywords)
    return not isinstance(a, Tracer) and bool(a == b)


def _held(function, what):
    if what == "defaults":
        return function.__defaults__
    return tuple(cell.cell_contents for cell in function.__closure__ or ())


def describe(step):
    return f"{name_of(step.function)}({', '.join(map(_short, step.args))})"


def _short(x):
    return repr(x) if type(x) is Name or np.ndim(x) == 0 else f"{type(x).__name__} of shape {np.shape(x)}"
