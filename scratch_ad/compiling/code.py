"""What a compiled function is made of: steps, one call of NumPy or one guard each, in the order in which they ran.

A *guard* notes what a number was taken for by Python: the program is that of the branch taken, and holds only as long
as the same is true. It is a step without outputs, ``function(*args)`` of which gave what stands last in its ``args``.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from ..program import Name
from ..silence import STATE
from ..tracer import Tracer, dtype_of, each, name_of, shape_of


class _Step(NamedTuple):
    function: object
    args: tuple
    kwargs: dict
    outputs: tuple
    several: bool
    errors: tuple | None


class Step(_Step):
    """``outputs = function(*args, **kwargs)``, of several results a tuple of names; ``errors``: np.errstate, if set.

    ``reads``: the names in the arguments, as often as they stand there.
    """

    is_guard = property(lambda self: not self.outputs and not self.several)
    reads = functools.cached_property(lambda self: names_in((self.args, self.kwargs) if self.kwargs else self.args))


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


_value = tuple.__new__  # as Value(…) does, without the call in Python


def value_of(x):
    if type(x) is np.ndarray:
        return _value(Value, (np.ndarray, x.shape, x.dtype, x.strides))
    if type(x) in _OF_NUMBERS:
        return _OF_NUMBERS[type(x)]
    return Value(type(x), shape_of(x), dtype_of(x) if hasattr(x, "dtype") else None, getattr(x, "strides", None))


_OF_NUMBERS = {t: Value(t, (), np.dtype(t), ()) for t in np.sctypeDict.values() if np.dtype(t).kind in "biufc"}


NUMBERS = {bool, int, float, complex, type(None), *_OF_NUMBERS}
_WITHOUT_NAMES = {np.ndarray, str, slice, *NUMBERS}


def is_laid_out_in_c(value):
    """Whether an array lies in memory as a new one does."""
    return value.strides == np.empty(value.shape, value.dtype).strides


def is_compact(value):
    """Whether an array lies in memory as a copy of it that keeps its order."""
    order = sorted(range(len(value.shape)), key=lambda axis: -value.strides[axis])
    fresh = np.empty([value.shape[axis] for axis in order], value.dtype).strides
    return [value.strides[axis] for axis in order] == list(fresh)


def form_of(x):
    """All that later steps may take for granted of a result: its type, shape and dtype, of several those of each."""
    if isinstance(x, (tuple, list)):
        return tuple(map(form_of, x))
    return type(x), getattr(x, "shape", None), getattr(x, "dtype", None)


def as_taken(x):
    """A number as Python goes on with it, bit for bit."""
    return type(x), bits(np.asarray(x))


def bits(x):
    """The bytes of an array or scalar; of extended precision without those that fill it up, which are arbitrary."""
    if x.dtype.char not in _FILLED_UP:
        return x.tobytes()
    parts = np.ascontiguousarray(x).reshape(-1).view(np.longdouble)
    return parts.view(np.uint8).reshape(parts.size, -1)[:, :10].tobytes()


_FILLED_UP = "gG" if np.finfo(np.longdouble).nmant == 63 else ""


def as_told(y):
    """Python's own numbers that a function gave, of which the program goes on with what they were."""
    return y


def errors_around(_=None):
    """The np.errstate of the caller."""
    return _errors_of(STATE.get(None))


@functools.lru_cache(maxsize=16)
def _errors_of(state):
    """The np.errstate now, which is that of this state: asked once, as that takes a microsecond."""
    return tuple(np.geterr().items())


class Failing:
    """Told the arguments of ``function``, the type of the error in which it ends with them; None if in none."""

    def __init__(self, function):
        self.function, self.__name__ = function, f"failing_{name_of(function).rpartition('.')[2]}"

    def __call__(self, arguments):
        args, kwargs = arguments
        try:
            self.function(*args, **dict(kwargs))
        except Exception as error:
            return type(error)
        return None


failing = functools.lru_cache(maxsize=1024)(Failing)


@functools.lru_cache(maxsize=128)
def bytecode(text):
    """That of Python source: the same text comes again for other shapes, and for other functions of as many arrays."""
    return compile(text, "<compiled>", "exec")


def names_in(x):
    """The names in the arguments of a step, a list with each as often as it stands there."""
    found = []
    if type(x) is Name:
        found.append(x)
    elif isinstance(x, (tuple, list, dict)):
        _collect(x, found)
    return found


def _collect(x, found):
    for e in x.values() if type(x) is dict else x:
        if type(e) is Name:
            found.append(e)
        elif type(e) not in _WITHOUT_NAMES and isinstance(e, (tuple, list, dict)) and e:
            _collect(e, found)


def renamed(x, names):
    """Arguments with other names, or constants, in place of those in the dictionary ``names``."""
    if type(x) is Name:
        return names.get(x, x)
    if type(x) is dict:
        return {k: renamed(v, names) for k, v in x.items()} if x else x
    if type(x) in _WITHOUT_NAMES or not isinstance(x, (tuple, list)) or not names_in(x):
        return x
    return each(functools.partial(renamed, names=names), x)


def identical(a, b):
    """Whether two arguments, constants or functions of two recordings are the same, to the last bit."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if type(a) is Name:
        return a == b
    if isinstance(a, (tuple, list)):
        for x, y in zip(a, b):
            if x is not y and not identical(x, y):
                return False
        return len(a) == len(b)
    if type(a) is dict:
        return (not a and not b) or (a.keys() == b.keys() and all(identical(v, b[k]) for k, v in a.items()))
    if type(a) is np.ndarray:
        return a.shape == b.shape and a.dtype == b.dtype and a.strides == b.strides and _same_bytes(a, b)
    if isinstance(a, (float, complex, np.generic)):
        return a.dtype == b.dtype and bits(a) == bits(b) if hasattr(a, "dtype") else repr(a) == repr(b)
    if hasattr(a, "toarray"):
        return identical(a.toarray(), b.toarray())
    if hasattr(a, "__code__"):
        return a.__code__ is b.__code__ and all(identical(*map(_held, (a, b), (k, k))) for k in ("cells", "defaults"))
    if isinstance(a, functools.partial):
        return identical(a.func, b.func) and identical(a.args, b.args) and identical(a.keywords, b.keywords)
    return not isinstance(a, Tracer) and bool(a == b)


def _same_bytes(a, b):
    quickly = a.dtype.kind in "biufc" and a.dtype.char not in _FILLED_UP
    if quickly and a.flags.c_contiguous and b.flags.c_contiguous and a.size:
        return bytearray(a.data) == b  # as it lies in memory, without a copy of b
    return bits(a) == bits(b)


def _held(function, what):
    if what == "defaults":
        return function.__defaults__
    return tuple(cell.cell_contents for cell in function.__closure__ or ())


def describe(step):
    return f"{name_of(step.function)}({', '.join(map(_short, step.args))})"


def _short(x):
    if type(x) is tuple:
        return f"({', '.join(map(_short, x))})"
    return f"ndarray of shape {x.shape}" if type(x) is np.ndarray and x.ndim else repr(x)
