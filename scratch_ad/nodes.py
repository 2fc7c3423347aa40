"""The nodes of what most programs call, on plain arrays and numbers, written out.

What stands here does what ``FastTape.process`` does for one kind of call, with values and derivatives that are the same
to the last bit, or gives None where that is not sure; then the call goes the usual way. The rule of a function knows
its ``quick`` node, so that whoever gives the function another rule has the usual way as well.
"""

import itertools
import operator

import numpy as np

from .array import ARITHMETIC
from .chain import through
from .fast import FastTape, FastVariable
from .foreign import ARRAYS, OBJECT, OPERANDS, VALUES
from .memory import duplicate
from .primitives import getitem, of_item
from .registry import Aval, missing, rule_of
from .reverse import Variable
from .rules.reductions import extremum_pull, ratio, share_of_sum, spread, spread_mean, spread_share
from .rules.shaping import along
from .rules.short_rows import largest, least, total
from .tracer import left_scalars
from .views import viewed_plain

_Array, _Double = np.ndarray, np.float64
_DOUBLE = np.dtype(float)
_NUMBER = (), _DOUBLE  # shape and dtype of np.float64 and of Python's numbers
_INTEGERS = {int}
_OF_BLAS = {np.dtype(np.float32), np.dtype(np.float64)}
_BASIC = {int, slice, type(None), type(...)}
_as_aval = tuple.__new__
_new = object.__new__


def placed(tape, y, node):
    """``tape.variable(y, node)``, without a call of a class."""
    nodes = tape.nodes
    nodes.append(node)
    variable = _new(FastVariable)
    variable.owner, variable.value, variable.place = tape, y, len(nodes) - 1
    return variable


def to(place, x):
    """Where an edge to the value ``x`` leads."""
    return (place, x.shape, x.dtype) if type(x) is np.ndarray else (place, *_NUMBER)


def of(tape, x):
    """The value of an argument, and its place, which is None for a constant."""
    return (x.value, x.place) if type(x) is FastVariable and x.owner is tape else (x, None)


def kept(x):
    """A constant as an edge keeps it."""
    return duplicate(x) if type(x) is np.ndarray and x.flags.writeable else x


# Elementwise operations.

_of_multiply = rule_of[np.multiply].pair


def binary(tape, ufunc, operate, a, at_a, b, at_b):
    """Of ``operate(a, b)``, with the rule of ``ufunc``; the places are None for constants."""
    try:
        pair = rule_of[ufunc].pair
    except KeyError:
        return None
    if pair is None:
        return None
    kind_a, kind_b = type(a), type(b)
    dtype = a.dtype if kind_a is _Array else b.dtype if kind_b is _Array else _DOUBLE
    if dtype is OBJECT or (kind_a is kind_b is _Array and b.dtype is not dtype):
        return None
    y = operate(a, b)
    if type(y) is not float and ((type(y) is not _Array and type(y) is not _Double) or y.dtype is not dtype):
        return None
    uses_a, uses_b, (step_a, pull_a, keep_a), (step_b, pull_b, keep_b) = pair
    if at_a is not None:
        shape, own = (a.shape, dtype) if kind_a is _Array else _NUMBER
        if at_b is None and uses_b and kind_b is _Array:
            b = kept(b)
        of_a = at_a, shape, own, step_a, pull_a, (a, b, y)[keep_a] if keep_a else ()
    if at_b is None:
        node = (of_a,)
    elif at_a == at_b and pair is _of_multiply:  # a square: one edge twice, along which the way back goes once
        node = of_a, of_a
    else:
        shape, own = (b.shape, dtype) if kind_b is _Array else _NUMBER
        if at_a is None and uses_a and kind_a is _Array:
            a = kept(a)
        of_b = at_b, shape, own, step_b, pull_b, (a, b, y)[keep_b] if keep_b else ()
        node = (of_b,) if at_a is None else (of_a, of_b)
    nodes = tape.nodes
    nodes.append(node)
    variable = _new(FastVariable)  # as in ``placed``
    variable.owner, variable.value, variable.place = tape, y, len(nodes) - 1
    return variable


def product(tape, ufunc, operate, a, at_a, b, at_b):
    """The product of two matrices, or of a matrix and a vector."""
    if not type(a) is type(b) is np.ndarray or a.dtype is not b.dtype or a.dtype is OBJECT:
        return None
    pulls = _of_products.get((a.ndim, b.ndim))
    if pulls is None or rule_of.get(ufunc) is not _of_matmul:
        return None
    y = operate(a, b)
    if type(y) not in ARRAYS:
        return None
    nodes = tape.nodes
    if at_b is None:
        nodes.append(((at_a, a.shape, a.dtype, through, pulls[0], (kept(b),)),))
    elif at_a is None:
        nodes.append(((at_b, b.shape, b.dtype, through, pulls[1], (kept(a),)),))
    else:
        of_a = at_a, a.shape, a.dtype, through, pulls[0], (b,)
        nodes.append((of_a, (at_b, b.shape, b.dtype, through, pulls[1], (a,))))
    variable = _new(FastVariable)  # as in ``placed``
    variable.owner, variable.value, variable.place = tape, y, len(nodes) - 1
    return variable


def _matmul(a, b):
    """The product of two matrices of one dtype, by ``dot`` where that calls what matmul calls of BLAS, sooner."""
    if type(a) is type(b) is np.ndarray and a.dtype in _OF_BLAS and a.flags.forc and b.flags.forc:
        return a.dot(b)
    return a @ b


# fmt: off
_of_products = {  # by the number of axes of both
    (2, 2): (lambda g, b: _matmul(g, b.mT), lambda g, a: _matmul(a.mT, g)),
    (2, 1): (lambda g, b: g[..., None] * b, lambda g, a: g @ a),
    (1, 1): (lambda g, b: g * b,           lambda g, a: g * a),
}
# fmt: on
_of_matmul = rule_of[np.matmul]


def operators(kind, base, engine, of_two, of_matrices):
    """Give ``kind`` the operators that these make, and those of ``base`` where they are not sure and give None.

    They are called as ``make(trace, ufunc, operate, a, tag, b, tag)``, with plain operands and what the tracers among
    them carry besides in a run of ``engine``: a place or a tangent, None for constants.
    """

    def pair(name, ufunc, operate, operands, make):
        usual, usual_reflected = getattr(base, f"__{name}__"), getattr(base, f"__r{name}__")

        def operation(self, other):
            trace, a = self.owner, self.value
            if type(trace) is engine and type(a) in operands:
                b, tag = other, None
                if type(b) is kind and b.owner is trace:
                    b, tag = b.value, b.tag
                if type(b) in operands:
                    made = make(trace, ufunc, operate, a, self.tag, b, tag)
                    if made is not None:
                        return made
            return usual(self, other)

        def reflected(self, other):
            trace, b = self.owner, self.value
            if type(trace) is engine and type(b) in operands and type(other) in operands:
                made = make(trace, ufunc, operate, other, None, b, self.tag)
                if made is not None:
                    return made
            return usual_reflected(self, other)

        return operation, reflected

    for name, operate, operands, make in (
        ("add", operator.add, OPERANDS, of_two),
        ("sub", operator.sub, OPERANDS, of_two),
        ("mul", operator.mul, OPERANDS, of_two),
        ("truediv", operator.truediv, OPERANDS, of_two),
        ("matmul", operator.matmul, {np.ndarray}, of_matrices),
    ):
        for prefix, method in zip(("", "r"), pair(name, ARITHMETIC[name], operate, operands, make)):
            setattr(kind, f"__{prefix}{name}__", method)


operators(FastVariable, Variable, FastTape, binary, product)

_usual_power = Variable.__pow__


def _power(self, other, modulus=None):
    tape, value = self.owner, self.value
    if type(other) is int and other == 2 and modulus is None and type(tape) is FastTape and type(value) in VALUES:
        short = rule_of[np.square].short
        if type(value) is np.ndarray:
            y, (shape, dtype) = np.square(value), (value.shape, value.dtype)
        else:
            y, (shape, dtype) = value**2, _NUMBER  # as scalars.py has it
        if short is not None and (type(y) is float or (type(y) in ARRAYS and y.dtype is dtype)):
            step, pull, of_output = short
            return placed(tape, y, ((self.place, shape, dtype, step, pull, (y if of_output else value,)),))
    return _usual_power(self, other, modulus)


FastVariable.__pow__ = _power

_usual_ufunc, _usual_function = FastVariable.__array_ufunc__, FastVariable.__array_function__


_absent = object()


def __array_ufunc__(self, ufunc, method, a, b=_absent, *rest, **kwargs):  # of that name, by which tracer.py knows it
    tape = self.owner
    if type(tape) is FastTape and method == "__call__" and not kwargs:
        if b is _absent:
            value, kind = self.value, type(self.value)
            if kind is float:
                value, kind = _Double(value), _Double
            if kind is _Array or kind is _Double:
                try:
                    quick = rule_of[ufunc].quick
                except KeyError:
                    quick = None
                if quick is not None:
                    y = ufunc(value)
                    if (type(y) is kind or type(y) is _Double) and y.dtype is value.dtype:
                        step, pull, of_output = quick
                        nodes = tape.nodes
                        nodes.append([self.place, step, pull, y if of_output else value])
                        variable = _new(FastVariable)  # as in ``placed``
                        variable.owner, variable.value, variable.place = tape, y, len(nodes) - 1
                        return variable
            return _usual_ufunc(self, ufunc, method, a)
        at_a = at_b = None
        x, y = a, b
        if type(x) is FastVariable and x.owner is tape:
            x, at_a = x.value, x.place
        elif type(x) is not np.ndarray and ufunc in left_scalars:
            return _usual_ufunc(self, ufunc, method, a, b, *rest)
        if type(y) is FastVariable and y.owner is tape:
            y, at_b = y.value, y.place
        if type(x) in OPERANDS and type(y) in OPERANDS and not rest:
            node = product if ufunc is np.matmul else binary
            variable = node(tape, ufunc, ufunc, x, at_a, y, at_b)
            if variable is not None:
                return variable
    return _usual_ufunc(self, ufunc, method, *((a,) if b is _absent else (a, b, *rest)), **kwargs)


def __array_function__(self, function, types, args, kwargs):
    tape = self.owner
    if type(tape) is FastTape:
        quick = rule_of.get(function, missing).quick
        if quick is not None:
            variable = quick(tape, *args, **kwargs)
            if variable is not None:
                return variable
    return _usual_function(self, function, types, args, kwargs)


FastVariable.__array_ufunc__, FastVariable.__array_function__ = __array_ufunc__, __array_function__


# Parts of an array, and arrays of parts.

_usual_item, _usual_reshape = FastVariable.__getitem__, FastVariable.reshape
_of_getitem, _of_reshape = rule_of[getitem], rule_of[np.reshape]


def _getitem(self, index):
    tape, value, kind = self.owner, self.value, type(index)
    basic = kind in _BASIC or (kind is tuple and _BASIC.issuperset(map(type, index)))
    if not basic or type(tape) is not FastTape or type(value) is not np.ndarray or rule_of[getitem] is not _of_getitem:
        return _usual_item(self, index)
    try:
        y = value[index]
    except TypeError:  # a tracer in a slice
        return _usual_item(self, index)
    like = value.shape, value.dtype
    variable = placed(tape, y, ((self.place, *like, through, of_item, (_as_aval(Aval, like), index)),))
    return variable if type(y) is np.float64 else viewed_plain(variable, y, value, getitem, (self, index), {})


def _reshape(self, *shape, order="C", copy=None):
    tape, value = self.owner, self.value
    if order == "C" and type(tape) is FastTape and type(value) is np.ndarray and rule_of[np.reshape] is _of_reshape:
        new = shape[0] if len(shape) == 1 else shape
        if type(new) is int or (type(new) is tuple and _INTEGERS.issuperset(map(type, new))):
            y, old = value.reshape(new), value.shape
            variable = placed(tape, y, ((self.place, old, value.dtype, through, np.reshape, (old,)),))
            return viewed_plain(variable, y, value, np.reshape, (self, new), {})
    return _usual_reshape(self, *shape, order=order, copy=copy)


FastVariable.__getitem__, FastVariable.reshape = _getitem, _reshape


def _apart(tape, arrays):
    """The values of arrays of one dtype, and their places; None of any others."""
    values, places = [], []
    for x in arrays if type(arrays) in (list, tuple) else ():
        value, place = of(tape, x)
        if type(value) not in ARRAYS or value.dtype is OBJECT or (values and value.dtype is not values[0].dtype):
            return None
        values.append(value)
        places.append(place)
    return (values, places) if values else None


def _parts(values, places, indices):
    """The node of an array that holds these values at these indices."""
    edges = zip(places, values, indices)
    return tuple([(*to(at, x), through, operator.getitem, (i,)) for at, x, i in edges if at is not None])


def stack(tape, arrays, axis=0, out=None, **others):
    found = _apart(tape, arrays)
    if found is None or type(axis) is not int or out is not None or others:
        return None
    values, places = found
    numbers = type(values[0]) is np.float64 and axis in (0, -1) and {np.float64}.issuperset(map(type, values))
    y = np.array(values) if numbers else np.stack(values, axis)
    axis %= y.ndim
    return placed(tape, y, _parts(values, places, [along(axis, k) for k in range(len(values))]))


def concatenate(tape, arrays, axis=0, out=None, **others):
    found = _apart(tape, arrays)
    if found is None or type(axis) is not int or out is not None or others:
        return None
    values, places = found
    y = np.concatenate(values, axis)
    axis %= y.ndim
    ends = [0, *itertools.accumulate(x.shape[axis] for x in values)]
    return placed(tape, y, _parts(values, places, [along(axis, slice(*ends)) for ends in itertools.pairwise(ends)]))


def where(tape, condition, x=None, y=None):
    (x, at_x), (y, at_y) = of(tape, x), of(tape, y)
    if type(condition) is not np.ndarray or type(x) not in OPERANDS or type(y) not in OPERANDS:
        return None
    z = np.where(condition, x, y)
    dtype = z.dtype
    if dtype.kind != "f":
        return None
    condition, node = kept(condition), ()
    if at_x is not None:
        node = ((*to(at_x, x), through, _where_it_holds, (condition,)),)
    if at_y is not None:
        node = (*node, (*to(at_y, y), through, _where_not, (condition,)))
    return placed(tape, z, node)


def _where_it_holds(g, condition):
    return np.where(condition, g, 0)


def _where_not(g, condition):
    return np.where(condition, 0, g)


# Reductions over one axis or all.


def _reduction(reduce, pull, keeps_both):
    """Of ``reduce(value, axis, None, None, keepdims)``: its map takes the shape, or the output and the value."""

    def quick(tape, a, axis=None, dtype=None, out=None, keepdims=False, *rest, **others):
        if rest or others or dtype is not None or out is not None or type(keepdims) is not bool:
            return None
        if type(a) is not FastVariable or a.owner is not tape:
            return None
        if not (axis is None or type(axis) is int or (type(axis) is tuple and _INTEGERS.issuperset(map(type, axis)))):
            return None
        value = a.value
        if type(value) is not np.ndarray:
            return None
        y, shape = reduce(value, axis, None, None, keepdims), value.shape
        kept = (y, value, axis) if keeps_both else (shape, axis)
        return placed(tape, y, ((a.place, shape, value.dtype, through, pull, kept),))

    return quick


def _share(tape, a, n, axis, dtype, keepdims, where):
    value, is_mine = getattr(a, "value", None), type(a) is FastVariable and a.owner is tape
    if not is_mine or type(value) is not np.ndarray or value.dtype not in _OF_BLAS or type(n) is not int:
        return None
    if dtype is not None or where is not True or type(keepdims) is not bool or not (axis is None or type(axis) is int):
        return None
    y = ratio(total(value, axis, None, None, keepdims), n)
    return placed(tape, y, ((a.place, value.shape, value.dtype, through, spread_share, (value.shape, n, axis)),))


rule_of[share_of_sum].quick = _share


def _method(function):
    usual = getattr(Variable, function.__name__)

    def method(self, *args, **kwargs):
        tape, quick = self.owner, rule_of.get(function, missing).quick
        variable = quick(tape, self, *args, **kwargs) if quick and type(tape) is FastTape else None
        return usual(self, *args, **kwargs) if variable is None else variable

    return method


_mean = _reduction(np.mean, spread_mean, False)
_largest, _least = (_reduction(reduce, extremum_pull, True) for reduce in (largest, least))
for _functions, _quick in {
    (np.stack,): stack,
    (np.concatenate,): concatenate,
    (np.where,): where,
    (np.sum,): _reduction(total, spread, False),
    (np.mean,): _mean,
    (np.max, np.amax): _largest,
    (np.min, np.amin): _least,
}.items():
    for _function in _functions:
        rule_of[_function].quick = _quick
for _function in (np.sum, np.mean, np.max, np.min):
    setattr(FastVariable, _function.__name__, _method(_function))
