"""Operators of numbers that are no arrays, where they are not the ufuncs of the same name.

NumPy's ``x[0] ** 3`` is the C library's pow, not np.power; its products and moduli of complex scalars round otherwise
than np.multiply and np.absolute; and what a Python complex number does on the left of an np.float64 is Python's own.
There the operators of tracers are functions of their own, with the rules of the ufuncs.
"""

import functools
import operator

import numpy as np

from .tracer import Tracer, left_scalars, primitive, shape_of

ARRAY = "array"  # the tag of an array without axes where its value does not tell it from a number
_PYTHONS = {bool, int, float, complex}
_COMPLEX = {complex, *(np.dtype(letter).type for letter in np.typecodes["Complex"])}
_SCALARS = {*_PYTHONS, *np.sctypeDict.values()}


def _of_scalars(operation, ufunc):
    """The operator as a primitive; a result of Python's numbers alone is one of NumPy's."""

    def scalar_operation(*operands):
        y = operation(*operands)
        if type(y) is float:  # quickly what is most frequent
            return np.float64(y) if _PYTHONS.issuperset(map(type, operands)) else y
        return np.asarray(y)[()] if type(y) in _PYTHONS and _PYTHONS.issuperset(map(type, operands)) else y

    scalar_operation.__name__ = f"scalar_{ufunc.__name__}"
    return primitive(scalar_operation)


scalar = {  # ufunc → what operators of scalars have in its place
    ufunc: _of_scalars(operation, ufunc)
    for ufunc, operation in {
        np.add: operator.add,
        np.subtract: operator.sub,
        np.multiply: operator.mul,
        np.divide: operator.truediv,
        np.power: operator.pow,
        np.square: lambda x: x**2,
        np.positive: lambda x: x**1,
        np.sqrt: lambda x: x**0.5,
        np.reciprocal: lambda x: x**-1,
        np.absolute: operator.abs,
    }.items()
}
ufunc_of = {function: ufunc for ufunc, function in scalar.items()}


def _below(x):
    while isinstance(x, Tracer):
        x = x.value
    return type(x)


def is_scalar(x):
    """Whether the plain run has a number here, of Python's or of NumPy's."""
    return _below(x) in _SCALARS


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


def is_complex_scalar(x):
    """Whether that is a complex number."""
    return _below(x) in _COMPLEX


def operation_of(ufunc, a, b):
    """What an operator of two operands comes to in the plain run: ``ufunc``, or its counterpart in ``scalar``."""
    left, right = _below(a), _below(b)
    if ufunc is np.power:
        apart = left in _SCALARS and right in _SCALARS
    elif ufunc is np.multiply and left in _COMPLEX and right in _COMPLEX:
        apart = True
    else:
        apart = left is complex and right is np.float64 and ufunc in scalar
    return scalar[ufunc] if apart else ufunc


left_scalars |= {ufunc: functools.partial(operation_of, ufunc) for ufunc in (np.power, np.multiply)}
