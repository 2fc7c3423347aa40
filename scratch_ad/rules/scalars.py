"""The rules of the operators of numbers that are no arrays: those of the ufuncs, but for powers."""

import numpy as np

from ..primitives import astype
from ..registry import rule_of
from ..rule import composite, elementwise
from ..scalars import scalar
from ..tracer import dtype_of
from .elementwise import base_partial, exponent_partial, is_complex


def _base_partial(a, b, y):
    """``b * a**(b - 1)``; Python's powers of negative numbers are complex."""
    return base_partial(astype(a, dtype_of(y)) if is_complex(y) and not is_complex(a) else a, b)


elementwise(scalar[np.power], _base_partial, exponent_partial)
composite(scalar[np.divmod], lambda a, b: (a // b, a % b))
rule_of.update({function: rule_of[ufunc] for ufunc, function in scalar.items() if function not in rule_of})
