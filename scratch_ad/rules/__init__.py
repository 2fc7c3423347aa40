"""The rules, one file per family; importing this package registers them all."""

from . import constant, elementwise, fft, indexing, linalg, products, reductions, selection, shaping, special  # noqa: F401
