"""Contractions of two arrays as one product of matrices: einsum takes many times as long.

It adds up the same terms in another order, so that the last bits may be others than those of the function itself. This
is the one pass of which that is true.
"""

import math

import numpy as np

from ..rules.products import contract
from .code import Step, is_laid_out_in_c


def as_matmul(code):
    """With matmul in place of einsum of two arrays, where that is a product of matrices, or of stacks of them."""
    steps = []
    for step in code.steps:
        if step.function is contract and len(step.args) == 3 and not step.several:
            values, made = [code.value(x) for x in step.args[1:]], code.values[step.outputs[0].number]
            letters = step.args[0].split("->")[0].replace(",", "")
            lengths = list(zip(letters, [n for v in values for n in v.shape], strict=True))
            plain = all(v.is_array and v.dtype == made.dtype and v.dtype.kind in "fc" for v in (*values, made))
            fits = plain and len(set(lengths)) == len(set(letters)) and is_laid_out_in_c(made)
            if fits and (product := MatrixProduct.of(step.args[0], dict(lengths))):
                step = Step(product, step.args[1:], {}, step.outputs, False, step.errors)
        steps.append(step)
    return code._replace(steps=tuple(steps))


class MatrixProduct:
    """``np.einsum(subscripts, a, b)`` by ``np.matmul``, where each letter of one array alone is in the result."""

    def __init__(self, subscripts, left, right, back):
        self.__name__ = "product_" + subscripts.replace(",", "_").replace("->", "_")
        self.left, self.right, self.back = left, right, back

    @classmethod
    def of(cls, subscripts, sizes):
        """The product for arrays of these sizes, by letter; None if there is none."""
        (a, b), out = subscripts.split("->")[0].split(","), subscripts.split("->")[1]
        if any(len(set(letters)) < len(letters) for letters in (a, b, out)) or set(out) - set(a + b):
            return None
        stack = [c for c in out if c in a and c in b]
        summed = [c for c in a if c in b and c not in out]
        rows, columns = ([c for c in mine if c not in other] for mine, other in ((a, b), (b, a)))
        if not summed or not set(rows + columns) <= set(out):
            return None
        number = lambda letters: math.prod(sizes[c] for c in letters)
        side = lambda letters, *groups: (
            [letters.index(c) for group in (stack, *groups) for c in group],
            (*(sizes[c] for c in stack), *map(number, groups)),
        )
        result = [*stack, *rows, *columns]
        back = [sizes[c] for c in result], [result.index(c) for c in out]
        return cls(subscripts, side(a, rows, summed), side(b, summed, columns), back)

    def __call__(self, a, b):
        (axes, shape), (other_axes, other_shape), (whole, order) = self.left, self.right, self.back
        a, b = a.transpose(axes).reshape(shape), b.transpose(other_axes).reshape(other_shape)
        return np.ascontiguousarray(np.matmul(a, b).reshape(whole).transpose(order))
