"""What an array offers, on a tracer: NumPy's attributes, operators, methods and refusals.

Operators call the ufuncs directly, at half the cost of NumPy's own way there; both must agree.
"""

import math
import operator
import sys

import numpy as np

from .foreign import (
    ARRAYS,
    PLAIN,
    PYTHONS,
    SparseFactor,
    found,
    instead_of_array,
    is_sparse,
    multiplies_as_matrices,
    remedy_of,
)
from .layout import arranged
from .primitives import astype, getitem, sparse_product
from .refusals import takes_plain
from .scalars import is_number, operation_of, operation_on, scalar
from .tracer import Tracer, admitted, bottom, dtype_of, gathered, innermost, lowered, shape_of, strip

_PYTHON_OF = {"b": bool, "i": int, "u": int, "f": float, "c": complex}  # by the kind of a dtype
_INTEGERS, _PYTHONS = {int}, {*PYTHONS}
_INDICES = {int, slice, type(None), type(...), np.ndarray, np.int64}  # what indices without tracers are made of


class _NoLength(AttributeError, TypeError):
    """What len() of a number raises, and hasattr takes for an answer."""


class _Length:
    """The method ``__len__``, which an array has and a number has not: programs ask for it to tell them apart."""

    def __init__(self, method):
        self.method = method

    def __get__(self, x, kind=None):
        if x is not None and is_number(x):
            raise _NoLength(f"object of type '{type(bottom(x)).__name__}' has no len()")
        return self.method.__get__(x, kind)


def is_plain_index(index):
    """Whether an index is made of numbers, slices and arrays alone; a quick look, as most are."""
    kind = type(index)
    return kind in _INDICES or (kind is tuple and _INDICES.issuperset(map(type, index)))


class Array(Tracer):
    """A tracer that is used as an array is."""

    __slots__ = ()

    shape = property(lambda self: shape_of(self.value))
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))
    dtype = property(lambda self: dtype_of(self.value))
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.itemsize)
    T = property(lambda self: self.owner.process(np.transpose, (self,), {}))
    mT = property(lambda self: np.matrix_transpose(self))
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))

    flags = property(lambda self: bottom(self).flags)
    strides = property(lambda self: bottom(self).strides)
    device = property(lambda self: bottom(self).device)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if (instead := instead_of_array(sys._getframe(1))) is not None:
            return instead
        return np.array(self.owner.number(self, "np.asarray"), dtype)

    @_Length
    def __len__(self):
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def tolist(self):
        """The elements as numbers that are traced, in lists of lists where there are several axes."""
        return [row.tolist() for row in self] if self.ndim else self.item()

    def view(self, *dtype_or_type, **options):
        given = (*dtype_or_type, *options.values())
        if given in ((), (np.ndarray,)):
            return self if is_number(self) else self[...]
        if all(isinstance(kind, type) and issubclass(kind, np.ndarray) for kind in given):  # as in np.matrix(x)
            return np.asarray(self).view(*given)
        raise takes_plain(".view() as another dtype or type", self.owner.mode, "Use .astype, which has a derivative")

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index):
        kind = type(index)  # is_plain_index, without a call
        if kind in _INDICES or (kind is tuple and _INDICES.issuperset(map(type, index))):
            return self.owner.process(getitem, (self, index), {})
        return getitem(self, index)

    def __contains__(self, item):
        return bool((self == item).any())

    def __bool__(self):
        return self.owner.truth(self)

    def __hash__(self) -> int:
        remedy = ", or take stop_gradient(x) as the key" if self.owner.differentiates else ""
        raise TypeError(
            f"a tracer cannot be hashed in {self.owner.mode}: a set, dict or cache would take equal numbers with "
            f"different derivatives for one. Compare with =={remedy}."
        )

    def __reduce_ex__(self, protocol) -> tuple:
        raise TypeError(
            f"a tracer cannot be pickled in {self.owner.mode}, as its derivative would be lost: pickle "
            "stop_gradient(x), or what the differentiated function returns."
        )

    def __round__(self, *digits):
        value = strip(self)  # rounding is piecewise constant
        if isinstance(value, Tracer):
            if is_number(self) and self.dtype.kind in "fiu" and digits not in ((), (None,)):
                return operation_on(np.round, value)(value, *digits)
            raise TypeError(f"round() of a tracer in {value.owner.mode} gives a plain number: use np.round.")
        return round(value, *digits)

    def __format__(self, spec):
        return format(self.owner.taken(self), spec)

    def reshape(self, *shape, order="C", copy=None):
        shape = shape[0] if len(shape) == 1 else shape
        if order == "C" and (type(shape) is int or (type(shape) is tuple and _INTEGERS.issuperset(map(type, shape)))):
            return self.owner.process(np.reshape, (self, shape), {})
        return np.reshape(self, shape) if order == "C" else np.reshape(self, shape, order=order)

    def transpose(self, *axes):
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def astype(self, dtype, order="K", casting="unsafe", subok=True, copy=True):
        np.empty(0, self.dtype).astype(dtype, order, casting, subok, copy)  # for its checks
        y = astype(self, np.dtype(dtype)) if copy or self.dtype != dtype else self
        return y if order == "K" else arranged(y, order, self)

    def clip(self, min=None, max=None, **keywords):
        return np.clip(self, min, max, **keywords)

    def compress(self, condition, axis=None):
        return np.compress(condition, self, axis)

    def item(self, *index):
        """An element as a number of Python's own, which mixes with arrays of any dtype without changing it."""
        index = index[0] if index and isinstance(index[0], tuple) else index
        place = np.arange(self.size).reshape(self.shape).item(*index)
        x = self[np.unravel_index(place, self.shape)] if self.ndim else self
        if self.dtype.kind not in _PYTHON_OF:
            return self.owner.number(x, "np.asarray").item()
        return astype(x, _PYTHON_OF[self.dtype.kind])


def _unary(ufunc):
    def operation(self):
        return self.owner.process(ufunc if type(self.value) in ARRAYS else operation_on(ufunc, self), (self,), {})

    return operation


def _binary(ufunc):
    def operation(self, other):
        trace = self.owner
        function = ufunc if type(self.value) is np.ndarray else operation_of(ufunc, self, other)
        if type(other) is type(self) or isinstance(other, Tracer):
            theirs = other.owner
            if theirs.level > trace.level:
                self, trace = lowered(self), theirs
            elif theirs.level < 0 <= trace.level:
                other = other.value
        elif type(other) not in PLAIN:
            if remedy_of[type(other)]:
                return _with_foreign(ufunc, self, other)
            if (array := gathered(other)) is not other:
                return ufunc(self, array)
        return trace.process(function, (self, other), {})

    return operation


def _compared(ufunc):
    usual = _binary(ufunc)

    def operation(self, other):
        try:
            return usual(self, other)
        except TypeError:
            if innermost((other,)) is not None or found(other) is not None:
                raise
            return _OPERATORS[ufunc](bottom(self), other)  # == and != answer for what is no number as well

    return operation


def _reflected(ufunc):
    def operation(self, other):
        function = ufunc
        if type(other) in _PYTHONS:
            if type(self.value) is not np.ndarray:
                function = operation_of(ufunc, other, self)
        elif type(other) not in PLAIN:
            if remedy_of[type(other)]:
                return _with_foreign(ufunc, other, self)
            if (array := gathered(other)) is not other:
                return ufunc(array, self)
        return self.owner.process(function, (other, self), {})

    return operation


def _with_foreign(ufunc, a, b):
    """An operator one of whose operands is another package's array or number."""
    if any(getattr(type(x), "__array_ufunc__", ...) is None for x in (a, b)):
        return NotImplemented  # as NumPy's own arrays do, by NEP 13
    left, right = is_sparse(type(a)), is_sparse(type(b))
    if ufunc is np.matmul or (ufunc is np.multiply and multiplies_as_matrices(type(a if left else b))):
        if left and 0 < b.ndim <= 2 and a.ndim <= 2:
            return sparse_product(SparseFactor(a.copy()), b)
        if right and 0 < a.ndim <= 2 and b.ndim <= 2:
            y = sparse_product(SparseFactor(b.copy()).T, np.transpose(a))
            return np.transpose(y) if y.ndim else y
    trace = innermost((a, b))
    if trace.level < 0:
        return _OPERATORS[ufunc](lowered(a), lowered(b))
    (a, b), _ = admitted(ufunc, (a, b), {}, trace)
    return ufunc(a, b)


_powers = {2: np.square, 1: np.positive, 0.5: np.sqrt, -1: np.reciprocal}  # as NumPy's own ** does
_power = _binary(np.power)


def _pow(self, other, modulus=None):
    if modulus is not None:
        raise TypeError("pow() 3rd argument not allowed unless all arguments are integers")
    value = self.value
    plain = type(value) is np.ndarray
    of_scalar = not plain and operation_of(np.power, self, other) is not np.power
    if type(other) in (int, float) and other in _powers:
        kind = (value if plain else self).dtype.kind
        if of_scalar and kind == "c":
            is_fast = other != 1  # Python's z ** 1 is a product, in which zeros change their signs
        else:
            is_fast = kind == "f" or (kind in "cb" and _has_fast_power(kind, other))
        if is_fast:
            power = _powers[other]
            return self.owner.process(scalar[power] if of_scalar else power, (self,), {})
    return _power(self, other)


def _has_fast_power(kind, other):
    """Whether NumPy's ``array ** other`` is not np.power, of complex numbers or booleans."""
    return type(other) is int and other == 2 if kind == "b" else type(other) is int or other == 0.5


def _method(function):
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


def _refused(what, remedy):
    def refuse(self, *args, **kwargs):
        raise takes_plain(what, self.owner.mode, remedy)

    refuse.refusal = f"{what} takes plain numbers. {remedy}"
    return refuse


def _plain(what):
    def number(self):
        return self.owner.number(self, what)

    number.refusal = f"{what} takes plain numbers"
    return number


# Operators and methods, by the functions that they call.
ARITHMETIC = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "divmod": np.divmod,
    "pow": np.power,
    "matmul": np.matmul,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}
for _name, _ufunc in ARITHMETIC.items():
    setattr(Array, f"__{_name}__", _binary(_ufunc))
    setattr(Array, f"__r{_name}__", _reflected(_ufunc))
Array.__pow__ = _pow
UNARIES = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}
for _name, _ufunc in UNARIES.items():
    setattr(Array, f"__{_name}__", _unary(_ufunc))
COMPARISONS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
for _name, _ufunc in COMPARISONS.items():
    setattr(Array, f"__{_name}__", _compared(_ufunc) if _name in ("eq", "ne") else _binary(_ufunc))
_OPERATORS = {u: getattr(operator, f"__{name}__", divmod) for name, u in (ARITHMETIC | COMPARISONS).items()}
METHODS = (
    *(np.all, np.any, np.argmax, np.argmin, np.argpartition, np.argsort, np.choose),
    *(np.cumprod, np.cumsum, np.diagonal, np.dot, np.max, np.mean, np.min, np.nonzero, np.prod, np.ravel, np.repeat),
    *(np.round, np.searchsorted, np.squeeze, np.std, np.sum, np.swapaxes, np.take, np.trace, np.var),
)
for _function in METHODS:
    setattr(Array, _function.__name__, _method(_function))
_conjugate = _unary(np.conjugate)
Array.conj = Array.conjugate = lambda self: _conjugate(self) if self.dtype.kind == "c" else self
for _name in ("float", "int", "complex"):
    setattr(Array, f"__{_name}__", _plain(_name))
Array.__index__, Array.__trunc__ = _plain("operator.index"), _plain("math.trunc")
Array.as_integer_ratio = _plain(".as_integer_ratio")  # which statistics asks for
for _name, _remedy in {
    "resize": "Use np.resize, which returns a new array",
    "setfield": "Use np.where, which returns a new array",
    **dict.fromkeys(
        ("byteswap", "getfield", "tobytes", "tofile", "dump", "dumps"),
        "Call it on scratch_ad.stop_gradient(x), which is plain",
    ),
}.items():
    setattr(Array, _name, _refused(f".{_name}()", _remedy))
