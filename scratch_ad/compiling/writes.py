"""Writes into parts of arrays, without the copies that recorded steps make of what they write into."""

import numpy as np

from ..fast import with_part
from ..primitives import getitem, is_basic
from ..program import Name
from ..rules.shaping import pile
from ..writing import put
from .code import NUMBERS, is_laid_out_in_c, names_in


def is_written_out(step, code):
    """Whether a step is a copy of an array, in memory as new ones are, and a write into a part that is a view."""
    if step.function not in (put, with_part) or len(step.args) != 3 or step.kwargs.keys() - {"out"}:
        return False
    value, old = code.value(step.outputs[0]), code.value(step.args[0])
    plain = value.is_array and old == value and is_laid_out_in_c(value)
    return plain and not names_in(step.args[1]) and is_basic(step.args[1])


def read_first(code):
    """With elements read before the array is written into, which then need not be copied for those who read later."""
    readers = {}
    if not any(is_written_out(step, code) for step in code.steps):
        return code
    for step in code.steps:
        is_element = step.function is getitem and code.value(step.outputs[0]).kind in NUMBERS
        if is_element and type(step.args[0]) is Name and len(step.reads) == 1:
            readers.setdefault(step.args[0], []).append(step)
    steps, done = [], set()
    for step in code.steps:
        if readers and is_written_out(step, code) and type(step.args[0]) is Name:
            later = [reader for reader in readers.pop(step.args[0], ()) if reader.outputs not in done]
            steps += [reader._replace(errors=step.errors) for reader in later]
            done.update(reader.outputs for reader in later)
        if step.function is getitem:
            if step.outputs in done:
                continue
            done.add(step.outputs)
        steps.append(step)
    return code._replace(steps=tuple(steps))


def unpiled(code):
    """A rewriter: a stack of a single array is that array in another shape."""

    def rewrite(step):
        if step.function is pile and len(step.args) == 1 and is_laid_out_in_c(code.value(step.args[0])):
            shape = code.value(step.outputs[0]).shape
            return step._replace(function=np.reshape, args=(step.args[0], shape), kwargs={})
        return step

    return rewrite
