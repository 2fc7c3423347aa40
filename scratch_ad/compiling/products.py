"""Contractions of two arrays as one product of matrices: einsum takes many times as long.

It adds up the same terms in another order, so that the last bits may be others than those of the function itself. This
is the one pass of which that is true.
"""

from ..rules.contractions import MatrixProduct
from ..rules.products import contract
from .code import Step, is_laid_out_in_c


def as_matmul(code):
    """With matmul in place of einsum of two arrays, where that is a product of matrices, or of stacks of them."""
    if all(step.function is not contract for step in code.steps):
        return code
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
