"""The rules, one file or folder per family; importing this package registers them all.

Those for SciPy's functions wait until a function of theirs is met, since SciPy need not be there; those of structured
arrays do, since few use them.
"""

from ..registry import on_demand
from . import (  # noqa: F401
    constant,
    differences,
    elementwise,
    fft,
    grids,
    histograms,
    indexing,
    linalg,
    methods,
    piecewise,
    polynomials,
    products,
    reductions,
    refused,
    scalars,
    selection,
    shaping,
    writing,
)

on_demand["numpy.lib.recfunctions"] = f"{__name__}.structured"
on_demand["scipy.special"] = f"{__name__}.scipy_special"
