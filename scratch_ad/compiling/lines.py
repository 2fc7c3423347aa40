"""The lines of a compiled program as pictures have them: what each gives, reads and costs."""

import numpy as np

from ..chain import has_nan
from ..cost import Cost
from ..picture import Line, counted, input_line
from ..program import Call
from ..registry import Aval
from .code import as_told, form_of, names_in
from .products import MatrixProduct
from .scalars import finite, listed, packed


def lines_of(source):
    """The inputs and the rows of a ``Source``; a number of Python's own counts as one in double precision."""
    code, avals = source.code, [_aval(value) for value in source.code.values]
    lines = [input_line(repr(x), avals[x.number]) for x in code.inputs]
    for texts, steps in source.rows:
        costs = [cost_of_step(step, source, avals) if step.function else _cost_of_copies(source) for step in steps]
        cost = None if None in costs else sum(costs, Cost())
        inner = {x for step in steps[:-1] for x in step.outputs}
        reads = [x for step in steps for x in step.reads if x not in inner]
        forms = tuple(avals[x.number] for x in steps[-1].outputs)
        names = tuple(map(repr, steps[-1].outputs))
        lines.append(Line("\n".join(texts), names, tuple(map(repr, dict.fromkeys(reads))), forms, cost))
    return lines


def _aval(value):
    return Aval(value.shape, value.dtype or np.dtype(value.kind if value.kind in (bool, int, complex) else float))


def cost_of_step(step, source, avals):
    """The cost of a step as ``source`` has it, None where there is no formula."""
    function, args = step.function, step.args
    read, written = ([avals[x.number] for x in names] for names in (names_in(args), step.outputs))
    sizes = [int(np.prod(shape)) for shape, _ in read]
    moved = sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in (*read, *written))
    if function in (form_of, as_told):
        return Cost()
    if function is has_nan:  # x·x, all added up
        return Cost(2 * sum(sizes) if source.code.value(args[0]).is_array else 1, 0, moved)
    if function is finite:
        return Cost(len(sizes), 0, moved)
    if step.is_guard or function in (listed, packed, float, np.float64):
        return Cost(0, 0, moved)
    if source.is_sum_of_two(step):  # and a zero more, to a sum that is written and read again
        return Cost(sizes[0], 0, moved + sizes[0] * read[0][1].itemsize)
    if isinstance(function, MatrixProduct):
        function, args = np.einsum, (function.subscripts, *args)
    kwargs = {k: v for k, v in step.kwargs.items() if k != "out"}
    return counted(Call(function, args, kwargs, step.outputs, step.several), avals)


def _cost_of_copies(source):
    """What it takes to return results that are nobody else's memory."""
    values = [source.code.value(x) for x in source.code.outputs if source.is_copied(x)]
    return Cost(0, 0, sum(2 * value.size * value.dtype.itemsize for value in values))
