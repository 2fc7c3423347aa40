"""Small arrays and numbers as Python's own floats, of which a product takes 20 ns where NumPy's takes 500.

The four operations are rounded correctly by both, so that the results are the same to the last bit; powers are the C
library's in both. Python raises an error where NumPy gives infinity or nan for a division; elsewhere such a number
comes about without the warning that NumPy gives: in both cases the function itself is run instead.
"""

import math

import numpy as np

from ..chain import has_nan
from ..fast import with_part
from ..program import Name
from ..rules.shaping import pile
from ..scalars import scalar
from ..tracer import getitem, scatter
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
    scalar[np.square]: "({} ** 2)",
}
_ELEMENTWISE = OPERATIONS.keys() - {scalar[np.square]}
_JOINS = {pile, np.stack, np.concatenate}
_MOVES = {np.reshape, np.transpose, np.broadcast_to, np.ravel, np.squeeze, np.expand_dims}


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
        return Name(len(self.values) - 1)

    def new(self, function, args, value, errors):
        name = self.name(value)
        self.steps.append(Step(function, args, {}, (name,), False, errors))
        return name

    def code(self, inputs, outputs):
        return Code(inputs, tuple(self.steps), outputs, tuple(self.values))


def by_elements(code):
    """With the elements of small arrays of their own, where most of what is done with those can be done so."""
    chosen = _worthwhile(code)
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
        for name in set(names_in(x)):
            if name in elements and name not in made:
                made.add(name)
                parts = elements[name].ravel().tolist()
                value = writing.value(name)
                writing.steps.append(Step(packed, (value.shape, *map(_as_number, parts)), {}, (name,), False, errors))

    made = set(code.inputs)  # the names that stand for arrays in the new code, too
    for step in code.steps:
        step = step._replace(args=renamed(step.args, instead), kwargs=renamed(step.kwargs, instead))
        if step.outputs and step.outputs[0] in chosen:
            result = _on_elements(step, writing, elements_of)
            (name,) = step.outputs
            if code.value(name).shape:
                elements[name] = result
            else:
                instead[name] = _as_number(result[()])
        else:
            pack((step.args, step.kwargs), step.errors)
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

    convertible = {step.outputs[0]: step for step in code.steps if _is_convertible(step, code)}
    small = lambda x: type(x) is Name and code.value(x).is_array
    for name, step in convertible.items():
        arrays = [x for x in names_in((step.args, step.kwargs)) if small(x)]
        for x in arrays:
            group[root(x)] = root(arrays[0])
        if arrays and code.value(name).shape:
            group[root(name)] = root(arrays[0])
    for name, step in convertible.items():
        arrays = [x for x in (name, *names_in(step.args)) if small(x)]
        if arrays:
            gains[root(arrays[0])] = gains.get(root(arrays[0]), 0) + 1
    outside = {x for step in code.steps if not step.outputs or step.outputs[0] not in convertible for x in step.outputs}
    crossed = set()
    for step in code.steps:
        if not step.outputs or step.outputs[0] not in convertible:
            crossed.update(x for x in names_in((step.args, step.kwargs)) if small(x))
    crossed.update(x for x in (*code.inputs, *outside, *names_in(code.outputs)) if small(x))
    for x in crossed:
        if x in group:
            crossings[root(x)] = crossings.get(root(x), 0) + 1
    good = {r for r, gain in gains.items() if gain >= CROSSING * crossings.get(r, 0)}
    chosen = set()
    for name, step in convertible.items():
        arrays = [x for x in (name, *names_in(step.args)) if small(x)]
        if arrays and root(arrays[0]) in good:
            chosen.add(name)
    return chosen


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
    if step.several or step.is_guard or not args:
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
    if not _is_part(args[0], code) or (next(names_in(args[1:]), None) is not None and function not in (put, with_part)):
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
    if any(mode not in ("ignore", "warn") for step in code.steps for _, mode in step.errors or ()):
        return code  # whose errors somebody waits for
    of_numbers = {step.outputs[0] for step in code.steps if _is_of_numbers(step, code)}
    used = {x for step in code.steps if step.outputs and step.outputs[0] in of_numbers for x in names_in(step.args)}
    if len(of_numbers) < 2:
        return code
    writing, floats, numbers = _Writing(code), {}, {}

    def as_float(x, errors):
        if type(x) is not Name:
            return float(x)
        if code.value(x).kind is float and x not in floats:
            return x
        return floats[x]

    def as_number(x, errors):
        """NumPy's number again, for all others."""
        if x not in floats or x in kept:
            return x
        if x not in numbers:
            numbers[x] = writing.new(np.float64, (floats[x],), NUMBER, errors)
        return numbers[x]

    def others(args, errors):
        return renamed(args, {x: as_number(x, errors) for x in names_in(args)})

    kept, unseen = set(), []

    def convert(x, errors):
        if x in used and code.value(x) == NUMBER:
            kept.add(x)
            floats[x] = writing.new(float, (x,), FLOAT, errors)

    for name in code.inputs:
        convert(name, None)
    for step in code.steps:
        if step.outputs and step.outputs[0] in of_numbers:
            args = tuple(as_float(x, step.errors) for x in step.args)
            floats[step.outputs[0]] = writing.new(step.function, args, FLOAT, None)
            unseen += [x for x in args[1:] if step.function is np.divide and type(x) is Name]
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
        unseen += [floats[x] for x in names_in((step.args, step.kwargs)) if x in floats and x not in kept]
        writing.steps.append(
            step._replace(args=others(step.args, step.errors), kwargs=others(step.kwargs, step.errors))
        )
        for x in step.outputs:
            convert(x, step.errors)
    unseen += [floats[x] for x in names_in(code.outputs) if x in floats and x not in kept]
    made = {step.outputs[0] for step in writing.steps if step.outputs and step.function in OPERATIONS}
    if watched := tuple(x for x in dict.fromkeys(unseen) if x in made):
        writing.steps.append(Step(finite, (watched, True), {}, (), False, None))
    return writing.code(code.inputs, others(code.outputs, None))


def _is_in(x, floats, kept):
    return type(x) is Name and x in floats and x not in kept


def _is_of_numbers(step, code):
    """Whether a step is an operation of numbers that Python can do."""
    if step.several or step.is_guard or step.kwargs or step.function not in OPERATIONS:
        return False
    is_number = code.value(step.outputs[0]) == NUMBER
    return is_number and all(_is_number(x, code) for x in step.args)
