"""Small arrays and numbers as Python's own floats, of which a product takes 20 ns where NumPy's takes 500.

The four operations are rounded correctly by both, so that the results are the same to the last bit; powers are the C
library's in both. Python raises an error where NumPy gives infinity or nan for a division; elsewhere such a number
comes about without the warning that NumPy gives: in both cases the function itself is run instead, as it is where the
caller wants to know of underflow.
"""

import math

import numpy as np

from ..chain import has_nan
from ..fast import with_part
from ..primitives import getitem, scatter
from ..program import Name, name_at
from ..rules.shaping import pile
from ..scalars import scalar
from ..writing import put
from .code import Code, Step, Value, is_laid_out_in_c, names_in, renamed

FEW = 8  # elements of an array that becomes numbers, at most
CROSSING = 3  # calls that must be spared for each array that becomes numbers, or is made of them again
NUMBER, FLOAT = Value(np.float64, (), np.dtype(float), ()), Value(float, (), None, None)
_DOUBLE = np.dtype(float)

OPERATIONS = {  # that Python has, too
    np.add: "({} + {})",
    np.subtract: "({} - {})",
    np.multiply: "({} * {})",
    np.divide: "({} / {})",
    np.negative: "(-{})",
    np.square: "({0} * {0})",
    scalar[np.square]: "({} ** 2.0)",  # which Python makes of 2 each time
}
_ELEMENTWISE = OPERATIONS.keys() - {scalar[np.square]}
_JOINS = {pile, np.stack, np.concatenate}
_MOVES = {np.reshape, np.transpose, np.broadcast_to, np.ravel, np.squeeze, np.expand_dims}
_CONVERTIBLE = {*_ELEMENTWISE, *_JOINS, *_MOVES, getitem, np.sum, put, with_part, scatter}


def finite(numbers):
    """Whether all of these are finite, and so all from which they were computed: but for divisors, which are asked."""
    return math.isfinite(sum(numbers))


def listed(array):
    """The elements of an array as Python's floats."""
    return array.ravel().tolist()


class _Writing:
    """A ``Code`` in the making, with names of its own."""

    def __init__(self, code):
        self.values, self.steps = list(code.values), []

    value = Code.value

    def name(self, value):
        self.values.append(value)
        return name_at(len(self.values) - 1)

    def new(self, function, args, value, errors):
        name = self.name(value)
        self.steps.append(Step(function, args, {}, (name,), False, errors))
        return name

    def code(self, inputs, outputs):
        return Code(inputs, tuple(self.steps), outputs, tuple(self.values))


def by_elements(code):
    """With the elements of small arrays of their own, where most of what is done with those can be done so."""
    chosen = _worthwhile(code) if _are_errors_silent(code) else ()
    if not chosen:
        return code
    writing, elements, instead = _Writing(code), {}, {}

    def elements_of(x, errors):
        """An array of objects, the names and numbers that are the elements of ``x``."""
        if x in elements if type(x) is Name else False:
            return elements[x]
        shape = writing.value(x).shape
        if type(x) is not Name:
            parts = np.asarray(x, float).ravel().tolist()
        elif not shape:
            parts = [x]
        else:
            parts = [writing.name(NUMBER) for _ in range(writing.value(x).size)]
            writing.steps.append(Step(listed, (x,), {}, tuple(parts), True, errors))
        array = _objects(shape, parts)
        if type(x) is Name and shape:
            elements[x] = array
        return array

    def pack(x, errors):
        """The arguments with arrays again, of those that stand for elements."""
        for name in elements.keys() & names_in(x):
            if name not in made:
                made.add(name)
                parts = elements[name].ravel().tolist()
                value = writing.value(name)
                writing.steps.append(Step(packed, (value.shape, *map(_as_number, parts)), {}, (name,), False, errors))

    made = set(code.inputs)  # the names that stand for arrays in the new code, too
    for step in code.steps:
        if not instead.keys().isdisjoint(step.reads):
            step = step._replace(args=renamed(step.args, instead), kwargs=renamed(step.kwargs, instead))
        if step.outputs and step.outputs[0] in chosen:
            result = _on_elements(step, writing, elements_of)
            (name,) = step.outputs
            if code.value(name).shape:
                elements[name] = result
            else:
                instead[name] = _as_number(result[()])
        else:
            pack(step.reads, step.errors)
            made.update(step.outputs)
            writing.steps.append(step)
    outputs = renamed(code.outputs, instead)
    pack(outputs, None)
    return writing.code(code.inputs, outputs)


def _objects(shape, parts):
    array = np.empty(len(parts), object)
    for k, part in enumerate(parts):
        array[k] = part
    return array.reshape(shape)


def _as_number(x):
    return np.float64(x) if type(x) is float else x


def packed(shape, *elements):
    """The array of these elements."""
    return np.array(elements).reshape(shape)


def _worthwhile(code):
    """The names of the results that are computed by elements: in groups that share arrays, where that is quicker."""
    group, gains, crossings = {}, {}, {}

    def root(x):
        while group.setdefault(x, x) != x:
            group[x] = x = group[group[x]]
        return x

    small = lambda x: type(x) is Name and code.value(x).is_array
    arrays, others = {}, []  # arrays: those that a convertible step reads and gives, by its output
    for step in code.steps:
        if _is_convertible(step, code):
            arrays[step.outputs[0]] = [x for x in (*step.reads, step.outputs[0]) if small(x)]
        else:
            others.append(step)
    if not arrays:
        return set()
    for ours in arrays.values():
        for x in ours:
            group[root(x)] = root(ours[0])
    for ours in filter(None, arrays.values()):
        gains[root(ours[0])] = gains.get(root(ours[0]), 0) + 1
    crossed = {x for step in others for x in names_in((step.args, step.kwargs, step.outputs)) if x in group}
    crossed.update(x for x in (*code.inputs, *names_in(code.outputs)) if x in group)
    for x in crossed:
        crossings[root(x)] = crossings.get(root(x), 0) + 1
    good = {r for r, gain in gains.items() if gain >= CROSSING * crossings.get(r, 0)}
    return {name for name, ours in arrays.items() if ours and root(ours[0]) in good}


def _is_small(value):
    """Whether a value is a small array in double precision, in memory as a new one is."""
    fits = value.is_array and value.shape != () and value.dtype == _DOUBLE and 0 < value.size <= FEW
    return fits and is_laid_out_in_c(value)


def _is_part(x, code):
    """Whether an argument is such an array or a number in double precision."""
    return _is_small(code.value(x)) or _is_number(x, code)


def _is_number(x, code):
    value = code.value(x)
    return value == NUMBER or value.kind is float or (type(x) is int and abs(x) < 2**53)


def _is_convertible(step, code):
    """Whether a step can be done element by element."""
    function, args, kwargs = step.function, step.args, step.kwargs
    if function not in _CONVERTIBLE or step.several or step.is_guard or not args:
        return False
    value = code.value(step.outputs[0])
    if not (_is_small(value) or (value == NUMBER and any(_is_small(code.value(x)) for x in names_in(args[:1])))):
        return False
    if function in _JOINS and kwargs.keys() <= {"axis"}:
        parts = args if function is pile else args[0]
        if function is not pile and (len(args) > 1 or not isinstance(parts, (tuple, list))):
            return False
        return all(_is_part(x, code) for x in parts)
    if kwargs:
        return False
    if function in _ELEMENTWISE:
        return all(_is_part(x, code) for x in args)
    if not _is_part(args[0], code) or (names_in(args[1:]) and function not in (put, with_part)):
        return False
    if function in _MOVES:
        return True
    if function is getitem:
        return _is_plain_index(args[1])
    if function is np.sum:
        return len(args) == 1 and len(code.value(args[0]).shape) == 1 and code.value(args[0]).size < 8
    if function in (put, with_part):
        return _is_plain_index(args[1]) and _is_part(args[2], code)
    return function is scatter and _is_plain_index(args[1]) and len(args) == 3


def _is_plain_index(index):
    entries = index if type(index) is tuple else (index,)
    return all(type(e) in (int, slice, type(None), type(...)) for e in entries)


def _on_elements(step, writing, elements_of):
    """The elements of the result of a step, an array of names and numbers."""
    function, args, errors = step.function, step.args, step.errors
    of = lambda x: elements_of(x, errors)
    if function in _ELEMENTWISE:
        parts = np.broadcast_arrays(*map(of, args))
        seen, result = {}, []
        for operands in zip(*(part.ravel().tolist() for part in parts), strict=True):
            key = tuple((type(x), repr(x)) for x in operands)
            if key not in seen:
                seen[key] = writing.new(function, tuple(map(_as_number, operands)), NUMBER, errors)
            result.append(seen[key])
        return _objects(parts[0].shape, result)
    if function in _JOINS:
        join = np.stack if function is pile else function
        return join(list(map(of, args if function is pile else args[0])), **step.kwargs)
    if function is np.sum:
        total = 0.0  # as NumPy begins
        for x in of(args[0]).tolist():
            total = writing.new(np.add, (_as_number(total), _as_number(x)), NUMBER, errors)
        return _objects((), [total])
    if function is getitem:
        return _boxed(of(args[0])[args[1]])
    if function in _MOVES:
        return function(of(args[0]), *args[1:])
    if function is scatter:
        return _written(_objects(args[2], [0.0] * math.prod(args[2])), args[1], of(args[0]))
    if function is put:
        return _written(of(args[0]), args[1], of(args[2]))
    array = of(args[0])
    old, added = np.broadcast_arrays(_boxed(array[args[1]]), of(args[2]))
    pairs = zip(old.ravel().tolist(), added.ravel().tolist(), strict=True)
    sums = [writing.new(np.add, tuple(map(_as_number, pair)), NUMBER, errors) for pair in pairs]
    return _written(array, args[1], _objects(old.shape, sums))


def _written(array, index, value):
    """``array`` with ``array[index] = value`` done; objects that are tuples are elements, too."""
    places = np.arange(array.size).reshape(array.shape)[index]
    value = value.reshape(value.shape[max(value.ndim - np.ndim(places), 0) :])
    parts = array.ravel().tolist()
    for place, part in zip(np.ravel(places).tolist(), np.broadcast_to(value, np.shape(places)).ravel().tolist()):
        parts[place] = part
    return _objects(array.shape, parts)


def _boxed(x):
    return x if type(x) is np.ndarray else _objects((), [x])


def as_pythons(code):
    """With Python's floats in place of NumPy's numbers in double precision, where they are calculated with."""
    if not _are_errors_silent(code):
        return code
    of_numbers = {step.outputs[0] for step in code.steps if _is_of_numbers(step, code)}
    if len(of_numbers) < 2 and not any(step.function is listed for step in code.steps):
        return code
    writing, floats, numbers = _Writing(code), {}, {}

    def as_float(x, errors):
        """Python's number, made of NumPy's where it is needed first: after the guard of its kind."""
        if type(x) is not Name:
            return float(x)
        if code.value(x).kind is float and x not in floats:
            return x
        if x not in floats:
            kept.add(x)
            floats[x] = writing.new(float, (x,), FLOAT, errors)
        return floats[x]

    def as_number(x, errors):
        """NumPy's number again, for all others."""
        if x not in numbers:
            numbers[x] = writing.new(np.float64, (floats[x],), NUMBER, errors)
        return numbers[x]

    def others(args, errors):
        instead = {x: as_number(x, errors) for x in names_in(args) if x in floats and x not in kept}
        return renamed(args, instead) if instead else args

    kept, unseen = set(), []

    for step in code.steps:
        if step.outputs and step.outputs[0] in of_numbers:
            args = tuple(as_float(x, step.errors) for x in step.args)
            floats[step.outputs[0]] = writing.new(step.function, args, FLOAT, None)
            unseen += [x for x in args[1:] if step.function is np.divide and type(x) is Name]
            continue
        if step.function is np.float64:
            (x,) = step.args
            floats[step.outputs[0]] = floats.get(x, x)
            continue
        if step.function is has_nan and _is_in(step.args[0], floats, kept):
            unseen.append(floats[step.args[0]])  # which finds a nan, too
            continue
        if step.function is listed:
            parts = tuple(writing.name(FLOAT) for _ in step.outputs)
            floats.update(zip(step.outputs, parts))
            writing.steps.append(step._replace(outputs=parts))
            continue
        if step.function is packed:
            args = (step.args[0], *(floats.get(x, x) if type(x) is Name else x for x in step.args[1:]))
            unseen += [x for x in args[1:] if type(x) is Name]
            writing.steps.append(step._replace(args=args))
            continue
        if floats.keys().isdisjoint(step.reads):
            writing.steps.append(step)
            continue
        unseen += [floats[x] for x in step.reads if x in floats and x not in kept]
        writing.steps.append(
            step._replace(args=others(step.args, step.errors), kwargs=others(step.kwargs, step.errors))
        )
    unseen += [floats[x] for x in names_in(code.outputs) if x in floats and x not in kept]
    made = {step.outputs[0] for step in writing.steps if step.outputs and step.function in OPERATIONS}
    if watched := tuple(x for x in dict.fromkeys(unseen) if x in made):
        writing.steps.append(Step(finite, (watched, True), {}, (), False, None))
    return without_signs(writing.code(code.inputs, others(code.outputs, None)))


def without_signs(code):
    """With a − b for a + (−b) and −(a·b) for (−a)·b, of Python's floats: the same to the last bit, zeros included.

    Only the sign of a nan may be another, and where there is one, the function itself is run.
    """
    minus, writing = {}, _Writing(code)  # minus: of each number that stands for −x without a step, x

    def stated(x):
        """The number, computed by now."""
        if x in minus:
            writing.steps.append(Step(np.negative, (minus.pop(x),), {}, (x,), False, None))
        return x

    for step in code.steps:
        negative = [type(x) is Name and x in minus for x in step.args]
        bare = tuple(minus[x] if is_negative else x for x, is_negative in zip(step.args, negative))
        if step.function is finite:
            step = step._replace(args=(tuple(minus.get(x, x) for x in step.args[0]), True))
        elif not step.outputs or code.value(step.outputs[0]).kind is not float or step.function not in OPERATIONS:
            for x in step.reads:
                stated(x)
        elif step.function is np.negative and not any(negative):
            (minus[step.outputs[0]],) = step.args
            continue
        elif step.function in (np.multiply, np.divide) and sum(negative) == 1:
            minus[step.outputs[0]] = writing.new(step.function, bare, FLOAT, None)
            continue
        elif step.function in (np.multiply, np.divide, np.square):
            step = step._replace(args=bare)
        elif step.function in (np.add, np.subtract) and any(negative):
            (a, b), adds = step.args, step.function is np.add
            if negative[1] and not negative[0]:  # a ± (−b)
                step = step._replace(function=np.subtract if adds else np.add, args=(a, bare[1]))
            elif negative[1]:  # −a − b, b − a
                step = step._replace(function=np.subtract, args=(stated(a), bare[1]) if adds else bare[::-1])
            elif adds:  # b − a
                step = step._replace(function=np.subtract, args=(b, bare[0]))
            else:
                stated(a)
        else:
            for x in step.reads:
                stated(x)
        writing.steps.append(step)
    for x in names_in(code.outputs):
        stated(x)
    return writing.code(code.inputs, code.outputs)


def _are_errors_silent(code):
    """Whether nobody waits for an error that NumPy would raise, nor for a word of underflow: Python has none."""
    modes = {pair for errors in {id(step.errors): step.errors for step in code.steps}.values() for pair in errors or ()}
    return all(mode == "ignore" or (mode == "warn" and kind != "under") for kind, mode in modes)


def _is_in(x, floats, kept):
    return type(x) is Name and x in floats and x not in kept


def _is_of_numbers(step, code):
    """Whether a step is an operation of numbers that Python can do."""
    if step.several or step.is_guard or step.kwargs or step.function not in OPERATIONS:
        return False
    is_number = code.value(step.outputs[0]) == NUMBER
    return is_number and all(_is_number(x, code) for x in step.args)
