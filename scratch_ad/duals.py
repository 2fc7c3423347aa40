"""What most programs call in forward mode, on plain arrays and numbers, written out.

What stands here does what ``FastForward.process`` does for one kind of call, with values and tangents that are the same
to the last bit, or leaves it to the usual way where that is not sure: where the steps are the careful ones, an operand
is another tracer, or the rule of a function is not the one that was there at first.
"""

import numpy as np

from .chain import plain
from .fast import TANGENTS, FastForward
from .foreign import ARRAYS, OBJECT, OPERANDS, VALUES
from .forward import Dual
from .nodes import operators
from .primitives import getitem
from .registry import rule_of
from .rules.short_rows import total
from .tracer import Diverged, left_scalars
from .views import viewed_plain

_DOUBLE = np.dtype(float)
_PYTHONS = {int, float}
_BASIC = {int, slice, type(None), type(...)}
_new = object.__new__


def _dual(trace, y, t):
    """``trace.dual(y, t)``, without the call of a class where the tangent has the form of the value."""
    if type(t) is np.float64 if type(y) is float else type(t) in TANGENTS and t.shape == y.shape and t.dtype is y.dtype:
        dual = _new(Dual)
        dual.owner, dual.value, dual.tangent = trace, y, t
        return dual
    return trace.dual(y, t)


def _sum(a, t, b, u, y):
    return t if u is None else u if t is None else t + u


def _difference(a, t, b, u, y):
    return t if u is None else -u if t is None else t - u


def _product(a, t, b, u, y):
    return t * b if u is None else u * a if t is None else t * b + u * a


def _by_rule(pair):
    """The tangent of a ufunc of two arguments, ``t`` and ``u`` those of its arguments or None, as its rule has it."""
    _, _, (step_a, push_a, keep_a), (step_b, push_b, keep_b) = pair

    def tangent(a, t, b, u, y):
        t = None if t is None else step_a(t, push_a, (a, b, y)[keep_a] if keep_a else ())
        u = None if u is None else step_b(u, push_b, (a, b, y)[keep_b] if keep_b else ())
        return t if u is None else u if t is None else t + u

    return tangent


def _matrix_product(a, t, b, u, y):
    return t @ b if u is None else a @ u if t is None else t @ b + a @ u


_rules = {  # a rule of two arguments → its tangent; those that are not here come by ``_by_rule``
    rule_of[np.add]: _sum,
    rule_of[np.subtract]: _difference,
    rule_of[np.multiply]: _product,
    rule_of[np.matmul]: _matrix_product,
}


def _binary(trace, ufunc, operate, a, t, b, u):
    """The dual number of ``operate(a, b)``; the tangents are None for constants. None where it is not sure."""
    if trace.steps is not plain or (rule := rule_of.get(ufunc)) is None:
        return None
    if (tangent := _rules.get(rule)) is None:
        if (pair := getattr(rule, "pair", None)) is None:
            return None
        tangent = _rules[rule] = _by_rule(pair)
    if type(a) in _PYTHONS:
        dtype = _DOUBLE if type(b) in _PYTHONS else b.dtype
    elif type(b) in _PYTHONS or b.dtype is a.dtype:
        dtype = a.dtype
    else:
        return None
    if dtype is OBJECT:
        return None
    y = operate(a, b)
    if type(y) is not float and (type(y) not in ARRAYS or y.dtype is not dtype):
        return None
    try:
        return _dual(trace, y, tangent(a, t, b, u, y))
    except Diverged:  # of a batch
        return None


operators(Dual, Dual, FastForward, _binary, _binary)

_usual_power = Dual.__pow__


def _power(self, other, modulus=None):
    trace, value = self.owner, self.value
    if type(other) is int and other == 2 and modulus is None and type(trace) is FastForward and type(value) in VALUES:
        short = rule_of[np.square].short
        y = np.square(value) if type(value) is np.ndarray else value**2  # as scalars.py has it
        if short is not None and trace.steps is plain and (type(y) is float or y.dtype is not OBJECT):
            step, push, of_output = short
            return _dual(trace, y, step(self.tangent, push, (y if of_output else value,)))
    return _usual_power(self, other, modulus)


Dual.__pow__ = _power

_usual_ufunc, _usual_function, _usual_item = Dual.__array_ufunc__, Dual.__array_function__, Dual.__getitem__
_absent = object()


def __array_ufunc__(self, ufunc, method, a, b=_absent, *rest, **kwargs):  # of that name, by which tracer.py knows it
    trace = self.owner
    if type(trace) is FastForward and trace.steps is plain and method == "__call__" and not kwargs:
        if b is _absent:
            value, quick = self.value, getattr(rule_of.get(ufunc), "quick", None)
            if type(value) is float:
                value = np.float64(value)
            if quick is not None and type(value) in ARRAYS:
                y = ufunc(value)
                if type(y) in ARRAYS and y.dtype is value.dtype:
                    step, push, of_output = quick
                    return _dual(trace, y, step(self.tangent, push, (y if of_output else value,)))
            return _usual_ufunc(self, ufunc, method, a)
        of_a = of_b = None
        x, y = a, b
        if type(x) is Dual and x.owner is trace:
            x, of_a = x.value, x.tangent
        elif type(x) is not np.ndarray and ufunc in left_scalars:
            return _usual_ufunc(self, ufunc, method, a, b, *rest)
        if type(y) is Dual and y.owner is trace:
            y, of_b = y.value, y.tangent
        if type(x) in OPERANDS and type(y) in OPERANDS and not rest:
            dual = _binary(trace, ufunc, ufunc, x, of_a, y, of_b)
            if dual is not None:
                return dual
    return _usual_ufunc(self, ufunc, method, *((a,) if b is _absent else (a, b, *rest)), **kwargs)


def __array_function__(self, function, types, args, kwargs):
    trace = self.owner
    if type(trace) is FastForward and trace.steps is plain:
        quick = _quick.get(rule_of.get(function))
        dual = quick(trace, *args, **kwargs) if quick else None
        if dual is not None:
            return dual
    return _usual_function(self, function, types, args, kwargs)


def _apart(trace, arrays):
    """The values and the tangents of arrays of one dtype, zeros of constants; None of any others."""
    values, tangents = [], []
    for x in arrays if type(arrays) in (list, tuple) else ():
        t = None
        if type(x) is Dual and x.owner is trace:
            x, t = x.value, x.tangent
        if type(x) not in ARRAYS or x.dtype is OBJECT or (values and x.dtype is not values[0].dtype):
            return None
        t = np.zeros_like(x) if t is None else t
        if type(t) not in ARRAYS:
            return None
        values.append(x)
        tangents.append(t)
    return (values, tangents) if values else None


def _joined(function):
    """Of ``np.stack`` or ``np.concatenate``."""

    def quick(trace, arrays, axis=0, out=None, **others):
        found = _apart(trace, arrays)
        if found is None or type(axis) is not int or out is not None or others:
            return None
        numbers = function is np.stack and axis in (0, -1) and {np.float64}.issuperset(map(type, found[0]))
        return _dual(trace, *(np.array(parts) if numbers else function(parts, axis) for parts in found))

    return quick


def _where(trace, condition, x=None, y=None):
    (x, t), (y, u) = ((e.value, e.tangent) if type(e) is Dual and e.owner is trace else (e, None) for e in (x, y))
    if type(condition) is not np.ndarray or type(x) not in OPERANDS or type(y) not in OPERANDS:
        return None
    z = np.where(condition, x, y)
    t = None if t is None else np.where(condition, t, 0)
    u = None if u is None else np.where(condition, 0, u)
    return None if z.dtype.kind != "f" else _dual(trace, z, t if u is None else u if t is None else t + u)


def _reduction(reduce):
    """Of ``reduce(value, axis, None, None, keepdims)``, which is linear."""

    def quick(trace, a, axis=None, dtype=None, out=None, keepdims=False, *rest, **others):
        if rest or others or dtype is not None or out is not None or type(keepdims) is not bool:
            return None
        if type(a) is not Dual or a.owner is not trace or not (axis is None or type(axis) is int):
            return None
        value, t = a.value, a.tangent
        if type(value) is not np.ndarray or type(t) is not np.ndarray or value.dtype.kind != "f":
            return None
        return _dual(trace, reduce(value, axis, None, None, keepdims), reduce(t, axis, None, None, keepdims))

    return quick


_quick = {  # a rule → what makes the dual number of a call of its function
    rule_of[np.sum]: _reduction(total),
    rule_of[np.mean]: _reduction(np.mean),
    rule_of[np.stack]: _joined(np.stack),
    rule_of[np.concatenate]: _joined(np.concatenate),
    rule_of[np.where]: _where,
}
_of_getitem = rule_of[getitem]


def _getitem(self, index):
    trace, value, kind = self.owner, self.value, type(index)
    basic = kind in _BASIC or (kind is tuple and _BASIC.issuperset(map(type, index)))
    if not basic or type(trace) is not FastForward or type(value) is not np.ndarray or trace.steps is not plain:
        return _usual_item(self, index)
    if rule_of[getitem] is not _of_getitem or type(self.tangent) is not np.ndarray:
        return _usual_item(self, index)
    try:
        y = value[index]
    except TypeError:  # a tracer in a slice
        return _usual_item(self, index)
    dual = _dual(trace, y, self.tangent[index])
    return dual if type(y) is np.float64 else viewed_plain(dual, y, value, getitem, (self, index), {})


Dual.__array_ufunc__, Dual.__array_function__, Dual.__getitem__ = __array_ufunc__, __array_function__, _getitem
