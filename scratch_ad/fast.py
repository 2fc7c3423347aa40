"""The engines that run: both modes written out for calls of one and two arguments, which most calls are.

They do what ``process`` of their base class does, and tests hold them to it; only loops, and the look for what is rare,
are left out. Calls with keywords or more arguments go on to the base class. What most programs call does not come here:
duals.py and nodes.py have it. A write of reverse mode is done in memory where nobody else holds the array, and the way
back adds and clears the parts of a cotangent in memory likewise: n reads and writes of single elements cost n steps,
however large the array is.
"""

from itertools import islice
from sys import getrefcount

import numpy as np

from .chain import over, same, through, times
from .foreign import ARRAYS, OBJECT
from .forward import Dual, Forward
from .primitives import is_basic, of_item
from .registry import Rewrite, aval, joined, match, missing, rule_of
from .reverse import Several, Tape, Variable, add
from .tracer import Diverged, Tracer, batch_of, bottom, innermost, levels, primitive
from .views import outdate, viewed, viewed_plain
from .writing import put

# The C library of Linux gives the memory of large arrays back to the system when they are freed, and fetches it anew at
# the next call, until it has seen one as large freed. This one is never touched, and just within the 32 MB beyond which
# it always does; without it gp took 1.4 times as long, or mlp 1.7 times, depending on what had been imported before,
# and a Jacobian of 8.4 MB 3.6 times.
np.empty(2**22 - 2**12)

TANGENTS = {*ARRAYS}  # and most tangents; batch.py adds its own
_new = object.__new__
_FIRST, _SECOND, _BOTH = (0,), (1,), (0, 1)  # which of two arguments are variables
_WRITTEN = (0, 2)  # which of those of ``put``
_BASIC = {int, slice}  # what most indices are


class FastForward(Forward):
    """A ``Forward``, but faster."""

    __slots__ = ()

    def process(self, function, args, kwargs):
        rule = rule_of.get(function, missing)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        steps = self.steps
        if kwargs or rule.joint or len(args) > 2 or steps is None:
            return self.apply(rule, function, args, kwargs)
        if len(args) == 1:
            x = args[0]
            value = x.value
            y = function(value)
            if rule.short is None:
                step, push, kept = rule.push(function, 0, (value,), y)
            else:
                step, push, of_output = rule.short
                kept = (y if of_output else value,)
            t = steps[step](x.tangent, push, kept)
        else:
            a, b = args
            wrt = ()
            if type(a) is Dual and a.owner is self:
                of_a, a, wrt = a.tangent, a.value, _FIRST
            if type(b) is Dual and b.owner is self:
                of_b, b, wrt = b.tangent, b.value, _BOTH if wrt else _SECOND
            values, value = (a, b), a
            y, t = function(a, b), None
            if wrt is not _SECOND:
                step, push, kept = rule.push(function, 0, values, y)
                t = steps[step](of_a, push, kept)
            if wrt is not _FIRST:
                step, push, kept = rule.push(function, 1, values, y)
                t = steps[step](of_b, push, kept) if t is None else joined(t, of_b, (step, push, kept), steps)
        if type(y) in ARRAYS and type(t) in TANGENTS and t.shape == y.shape and t.dtype is y.dtype is not OBJECT:
            dual = _new(Dual)  # its __init__, without a call
            dual.owner, dual.value, dual.tangent = self, y, t
            if type(y) is np.float64 or (y.base is None and y is not value):
                return dual
            return viewed_plain(dual, y, value, function, args, kwargs)
        return viewed(self.result(y, t), y, function, args, kwargs)


class FastVariable(Variable):
    """A ``Variable`` that puts what most programs call on its tape by itself (nodes.py)."""

    __slots__ = ()


class FastTape(Tape):
    """A ``Tape``, but faster."""

    __slots__ = ()
    kind = FastVariable

    def __init__(self):
        self.level, self.nodes = next(levels), []  # that of both base classes, without their calls

    def process(self, function, args, kwargs):
        rule = rule_of.get(function, missing)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        if kwargs or rule.joint or len(args) > 2:
            variable = rule.quick(self, *args) if callable(rule.quick) and not kwargs else None
            return self.apply(rule, function, args, kwargs) if variable is None else variable
        if len(args) == 1:
            x = args[0]
            value = x.value
            y = function(value)
            if rule.short is None:
                step, pull, kept = rule.pull(0, (value,), y, _FIRST)
            else:
                step, pull, of_output = rule.short
                kept = (y if of_output else value,)
            try:
                node = ((x.place, value.shape, value.dtype, step, pull, kept),)
            except AttributeError:  # a Python number
                node = ((x.place, *aval(value), step, pull, kept),)
        else:
            a, b = args
            wrt = ()
            if type(a) is FastVariable and a.owner is self:
                place_a, a, wrt = a.place, a.value, _FIRST
            if type(b) is FastVariable and b.owner is self:
                place_b, b, wrt = b.place, b.value, _BOTH if wrt else _SECOND
            values, value = (a, b), a
            y = function(a, b)
            node = ()
            if wrt is not _SECOND:
                shape, dtype = (a.shape, a.dtype) if type(a) in ARRAYS else aval(a)
                step, pull, kept = rule.pull(0, values, y, wrt)
                node = ((place_a, shape, dtype, step, pull, kept),)
            if wrt is not _FIRST:
                shape, dtype = (b.shape, b.dtype) if type(b) in ARRAYS else aval(b)
                step, pull, kept = rule.pull(1, values, y, wrt)
                node = (*node, (place_b, shape, dtype, step, pull, kept))
        plain = type(y) in ARRAYS
        if (plain or (type(function) is np.ufunc and isinstance(y, Tracer))) and y.dtype.kind == "f":
            nodes = self.nodes
            nodes.append(node)
            variable = _new(FastVariable)  # its __init__, without a call
            variable.owner, variable.value, variable.place = self, y, len(nodes) - 1
            if not plain or type(y) is np.float64 or (y.base is None and y is not value):
                return variable
            return viewed_plain(variable, y, value, function, args, kwargs)
        return viewed(self.result(y, node), y, function, args, kwargs)

    def write(self, cell, index, value) -> bool:
        array = cell.value
        mine = type(value) is FastVariable and value.owner is self
        v = value.value if mine else value
        if type(array) is not np.ndarray or array.base is not None or isinstance(v, (Tracer, list, tuple)):
            return False
        outdate(cell)  # its views let go of the array
        if _references(cell, array) > _ALONE:
            return False
        array[index] = v
        rule, args, wrt = rule_of[put], (array, index, v), _WRITTEN if mine else _FIRST
        edges = [(cell.place, array.shape, array.dtype, *rule.pull(0, args, None, wrt))]
        if mine:
            edges.append((value.place, *aval(v), *rule.pull(2, args, None, wrt)))
        self.nodes.append(Written(edges))
        cell.place = len(self.nodes) - 1
        return True


def _references(cell, array):
    """How many refer to the array that a variable holds: the variable, its callers, and whoever would see a write."""
    return getrefcount(array)


def _alone():
    cell = Variable(None, np.zeros(1), 0)
    array = cell.value
    return _references(cell, array)


_ALONE = _alone()  # nobody but the variable


class Written(tuple):
    """The node of a write: its first edge leads to the array as it was before, a second one to what was written."""

    __slots__ = ()


def backward(nodes, seeds, inputs):
    """What ``reverse.backward`` gives with the steps on the tape.

    ``own`` are places whose cotangent is an array that was made here, so that nobody sees it change.
    """
    cotangents, own, last = [None] * len(nodes), set(), None
    for place, g in seeds:
        add(cotangents, place, g)
    for node in islice(reversed(nodes), len(nodes) - inputs):
        g = cotangents.pop()
        if type(node) is list:  # what ``reverse.edges`` has in full; ``c`` has the form of ``g``
            if g is not None:
                parent, step, pull, kept = node
                try:
                    if step is times:
                        c = g * pull(kept)
                    else:
                        d = pull(kept)
                        c = g / d if d.size < _LARGE else _quotient(g, d)
                except Diverged as error:
                    c = error.batch.apart(step, (g, pull, (kept,)), error)
                held = cotangents[parent]  # ``add``, without a call
                cotangents[parent] = c if held is None else held + c
            continue
        if type(node) is not tuple:
            if type(node) is Several:
                parts = cotangents[len(cotangents) + 1 - len(node.avals) :]
                g, node = node.cotangents([*parts, g]), node.node
            elif type(node) is Written and type(g) is np.ndarray:
                _unwrite(cotangents, g, node, own)
                continue
        if g is None:
            continue
        for edge in node:
            if edge is not last:
                parent, shape, dtype, step, pull, kept = last = edge
                try:  # the steps of chain.py, without a call
                    if step is times:
                        c = g * pull(*kept)
                    elif step is over:
                        d = pull(*kept)
                        c = g / d if type(d) is not np.ndarray or d.size < _LARGE else _quotient(g, d)
                    elif step is not through:
                        c = step(g, pull, kept)
                    elif pull is same:
                        c = g
                    elif pull is of_item and _add_part(cotangents, parent, shape, dtype, g, kept[1], own):
                        continue
                    else:
                        c = pull(g, *kept)
                except (Diverged, TypeError) as error:
                    c = batch_of(error, kept).apart(step, (g, pull, kept), error)
                if c is None:
                    continue
                if shape is None:
                    for (at, *like), part in zip(parent, c, strict=True):
                        add(cotangents, at, match(part, like))
                    continue
                if c.shape != shape or c.dtype is not dtype:
                    c = match(c, (shape, dtype))
            held = cotangents[parent]  # ``add``, without a call
            cotangents[parent] = c if held is None else held + c
    return cotangents


def _quotient(g, d):
    """``g / d``, in the memory of ``d`` where nobody but the caller's variable holds it."""
    alone = type(d) is type(g) is np.ndarray and d.base is None and _references_to(d) == _HELD
    return np.divide(g, d, d) if alone and (g.shape, g.dtype) == (d.shape, d.dtype) else g / d


def _references_to(array):
    """How many refer to an array that is an argument of the caller: its variable, that of who called it, and others."""
    return getrefcount(array)


def _held():
    array = np.zeros(1)
    return (lambda array: _references_to(array))(array)


_HELD = _held()  # nobody but these variables
_LARGE = 2**15  # elements from which on NumPy, too, gives the memory of a temporary array to a product


def _add_part(cotangents, place, shape, dtype, g, index, own):
    """Add ``g`` to a part of the cotangent at a place, in memory, and say whether that could be done."""
    if type(g) not in ARRAYS:
        return (
            isinstance(g, Tracer) and g.owner.looks and _add_noted_part(cotangents, place, shape, dtype, g, index, own)
        )
    if g.dtype is not dtype or not (type(index) in _BASIC or is_basic(index)):
        return False
    held = cotangents[place]
    try:
        if held is None:
            cotangents[place] = held = np.zeros(shape, dtype)
            held[index] = g
        elif type(held) is not np.ndarray:
            return False
        elif place in own:
            held[index] += g
        else:
            cotangents[place] = held = held.copy()
            held[index] += g
    except TypeError:  # a tracer in a slice
        return False
    own.add(place)
    return True


def _add_noted_part(cotangents, place, shape, dtype, g, index, own):
    """``_add_part`` where each call is noted: the same sums, in which a zero keeps its sign."""
    held = cotangents[place]
    if type(bottom(g)) not in ARRAYS or g.dtype is not dtype or not is_basic(index):
        return False
    if held is None:
        cotangents[place] = put(np.zeros(shape, dtype), index, g)
    elif type(bottom(held)) is not np.ndarray or innermost((held, g)) is not g.owner:
        return False
    else:
        cotangents[place] = with_part(held, index, g)
    own.add(place)
    return True


@primitive
def with_part(a, index, v):
    """A copy of ``a`` with ``a[index] += v`` done."""
    a = a.copy()
    a[index] += v
    return a


def _unwrite(cotangents, g, node, own):
    """Take the cotangent of an array that was written into to the array as it was, and a part of it to what was."""
    (parent, _, _, step, pull, kept), *of_value = node
    place = len(cotangents)
    for at, shape, dtype, *edge in of_value:
        c = match(edge[0](g, *edge[1:]), (shape, dtype))
        add(cotangents, at, c if c.base is None and c is not g else c.copy())
    index = kept[-2]
    if place in own:
        g[index] = 0
    else:
        g = step(g, pull, kept)
    add(cotangents, parent, g)
    own.add(parent)
