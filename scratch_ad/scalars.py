"""Operators of numbers that are no arrays, where they are not the ufuncs of the same name.

What Python's numbers do among themselves is Python's own: the result is one of Python's, which leaves the dtype of an
array beside it as it is, a division by zero raises, a comparison gives a bool. Of NumPy's numbers ``x[0] ** 3`` is the
C library's pow, not np.power; products and moduli of complex ones round otherwise than np.multiply and np.absolute; and
what a Python complex number does on the left of an np.float64 is Python's own. There the operators of tracers are
functions of their own, with the rules of the ufuncs.
"""

import functools
import operator

import numpy as np

from .foreign import PYTHONS
from .tracer import Tracer, dtype_of, each, left_scalars, primitive, shape_of

ARRAY = "array"  # the tag of an array without axes where its value does not tell it from a number
_PYTHONS = {*PYTHONS}
_COMPLEX = {complex, *(np.dtype(letter).type for letter in np.typecodes["Complex"])}
_SCALARS = {*_PYTHONS, *np.sctypeDict.values()}


def _of_scalars(operation, ufunc):
    """The operator as a primitive, a function of ours."""
    function = primitive(operation)
    function.__name__, function.__module__ = f"scalar_{ufunc.__name__}", __name__
    return function


_OPERATIONS = {  # ufunc → what its operator does, and how one writes it
    np.add: (operator.add, "{} + {}"),
    np.subtract: (operator.sub, "{} - {}"),
    np.multiply: (operator.mul, "{} * {}"),
    np.divide: (operator.truediv, "{} / {}"),
    np.floor_divide: (operator.floordiv, "{} // {}"),
    np.remainder: (operator.mod, "{} % {}"),
    np.divmod: (divmod, "divmod({}, {})"),
    np.power: (operator.pow, "{} ** {}"),
    np.square: (lambda x: x**2, "{} ** 2"),
    np.sqrt: (lambda x: x**0.5, "{} ** 0.5"),
    np.reciprocal: (lambda x: x**-1, "{} ** -1"),
    np.negative: (operator.neg, "-{}"),
    np.positive: (operator.pos, "+{}"),
    np.absolute: (operator.abs, "abs({})"),
    np.conjugate: (lambda x: x.conjugate(), "{}.conjugate()"),
    np.round: (round, "round({}, {})"),
    np.invert: (operator.invert, "~{}"),
    np.bitwise_and: (operator.and_, "{} & {}"),
    np.bitwise_or: (operator.or_, "{} | {}"),
    np.bitwise_xor: (operator.xor, "{} ^ {}"),
    np.left_shift: (operator.lshift, "{} << {}"),
    np.right_shift: (operator.rshift, "{} >> {}"),
    np.equal: (operator.eq, "{} == {}"),
    np.not_equal: (operator.ne, "{} != {}"),
    np.less: (operator.lt, "{} < {}"),
    np.less_equal: (operator.le, "{} <= {}"),
    np.greater: (operator.gt, "{} > {}"),
    np.greater_equal: (operator.ge, "{} >= {}"),
}
scalar = {ufunc: _of_scalars(operation, ufunc) for ufunc, (operation, _) in _OPERATIONS.items()}
ufunc_of = {function: ufunc for ufunc, function in scalar.items()}


def written(function, operands):
    """A call of one of these functions as one writes it, of operands in Python source."""
    _, text = _OPERATIONS[ufunc_of[function]]
    return text.format(*(f"({x})" if x.startswith("-") else x for x in operands))


def _below(x):
    """The type of the number that the plain run has here."""
    trace = None
    while isinstance(x, Tracer):
        x, trace = x.value, x.owner
    return type(x) if trace is None or type(x) in _SCALARS else trace.plain_type(x)


def is_number(x):
    """Whether NumPy would have a scalar here, which cannot be written into, not an array of no dimension."""
    if x.shape:
        return False
    while isinstance(x, Tracer):
        if type(x.tag) is str and x.tag == ARRAY:
            return False
        if shape_of(x.value):  # along a hidden axis (batch.py)
            return True
        x = x.value
    return not isinstance(x, np.ndarray) or x.dtype == object  # a symbol


def operation_on(ufunc, x):
    """What an operator of one operand comes to in the plain run: ``ufunc``, or its counterpart in ``scalar``."""
    kind = _below(x)
    return scalar[ufunc] if kind in _PYTHONS or (ufunc is np.absolute and kind in _COMPLEX) else ufunc


def operation_of(ufunc, a, b):
    """What an operator of two operands comes to in the plain run: ``ufunc``, or its counterpart in ``scalar``."""
    left, right = _below(a), _below(b)
    if left in _PYTHONS and right in _PYTHONS:
        apart = ufunc in scalar
    elif ufunc is np.power:
        apart = left in _SCALARS and right in _SCALARS
    elif ufunc is np.multiply and left in _COMPLEX and right in _COMPLEX:
        apart = True
    else:
        apart = left is complex and right is np.float64 and ufunc in scalar
    return scalar[ufunc] if apart else ufunc


def of_numpys(args):
    """The arguments of a function of NumPy's as it takes them: where all are Python's numbers, the traced as NumPy's.

    In lists and tuples, too. Beside an array a number of Python's stays what it is, as its dtype does not count there.
    """
    return _as_numpys(args) if _is_of_pythons(args) else args


def _is_of_pythons(x):
    if isinstance(x, (list, tuple)):
        return all(map(_is_of_pythons, x))
    kind = _below(x)
    return kind in _PYTHONS or not (kind in _SCALARS or hasattr(kind, "__array_function__"))


def _as_numpys(x):
    if isinstance(x, (list, tuple)):
        return each(_as_numpys, x)
    return np.positive(x) if isinstance(x, Tracer) and dtype_of(x).kind in "fc" else x


left_scalars |= {ufunc: functools.partial(operation_of, ufunc) for ufunc in (np.power, np.multiply)}
