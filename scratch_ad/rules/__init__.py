"""The rules, one file per family; importing this package registers them all."""

from . import constant, elementwise, fft, indexing, products, reductions, selection, shaping, special  # noqa: F401
