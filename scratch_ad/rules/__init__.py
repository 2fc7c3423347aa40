"""The rules, one file per family; importing this package registers them all."""

from . import (  # noqa: F401
    constant,
    elementwise,
    fft,
    histograms,
    indexing,
    linalg,
    methods,
    polynomials,
    products,
    reductions,
    refused,
    selection,
    shaping,
    special,
)
