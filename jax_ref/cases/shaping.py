"""Functions that move elements about and join or split arrays, and change of dtype."""

import numpy as np

from scratch_ad import primitives

from . import DOUBLE, DOUBLES, REAL, UNKNOWN_TYPE, cases, nonzero

cases(np.reshape, "np.reshape(a, (3, 2))", "np.reshape(a, -1)", "a.reshape(3, 2)", "a.reshape((6,))", a=(2, 3))
cases(np.reshape, "np.reshape(a, (3, 2), order='F')", "a.reshape(3, -1, order='F')", "np.reshape(a, [3, 2])", a=(2, 3))
cases(np.reshape, "np.reshape(a, (1, 1))", a=())
cases(np.reshape, "np.reshape(a, (3, 0))", a=(0, 2))
cases(np.ravel, "np.ravel(a)", "a.ravel()", "a.flatten()", "np.ravel(a, order='F')", a=(2, 3))
cases(
    np.transpose,
    "np.transpose(a)",
    "a.T",
    "np.transpose(a, (2, 0, 1))",
    "a.transpose(1, 0, 2)",
    "a.transpose((1, 2, 0))",
    a=(2, 3, 2),
)
cases(np.transpose, "a.T", "np.transpose(a)", a=(3,))
cases(np.matrix_transpose, "np.matrix_transpose(a)", "a.mT", a=(2, 3, 2))
cases(np.permute_dims, "np.permute_dims(a, (2, 0, 1))", a=(2, 3, 2))
cases(np.swapaxes, "np.swapaxes(a, 0, 2)", "a.swapaxes(-1, 1)", a=(2, 3, 2))
cases(np.moveaxis, "np.moveaxis(a, 0, -1)", "np.moveaxis(a, (0, 1), (1, 2))", a=(2, 3, 2))
cases(np.rollaxis, "np.rollaxis(a, 2)", "np.rollaxis(a, 1, 3)", a=(2, 3, 2))
cases(np.expand_dims, "np.expand_dims(a, 0)", "np.expand_dims(a, (0, -1))", a=(2, 3))
cases(np.squeeze, "np.squeeze(a)", "a.squeeze()", "np.squeeze(a, axis=0)", "np.squeeze(a, axis=(0, -1))", a=(1, 3, 1))
cases(np.broadcast_to, "np.broadcast_to(a, (2, 3))", a=(3,))
cases(np.broadcast_to, "np.broadcast_to(a, (4, 2, 3))", a=(2, 1))
cases(np.broadcast_to, "np.broadcast_to(a, (2, 2))", a=())
cases(np.broadcast_arrays, "np.broadcast_arrays(a, b)", a=(2, 1), b=(3,))
cases(np.atleast_1d, "np.atleast_1d(a)", "np.atleast_1d(a, b)", a=(), b=(2,))
cases(np.atleast_2d, "np.atleast_2d(a)", a=(3,))
cases(np.atleast_3d, "np.atleast_3d(a)", a=(2, 3))
cases(np.flip, "np.flip(a)", "np.flip(a, 0)", "np.flip(a, (0, 1))", a=(2, 3))
cases(np.fliplr, "np.fliplr(a)", a=(2, 3))
cases(np.flipud, "np.flipud(a)", a=(2, 3))
cases(np.rot90, "np.rot90(a)", "np.rot90(a, 2)", "np.rot90(a, -1, (1, 0))", a=(2, 3))
cases(np.roll, "np.roll(a, 1)", "np.roll(a, 2, axis=1)", "np.roll(a, (1, -1), axis=(0, 1))", a=(2, 3))
cases(np.tile, "np.tile(a, 2)", "np.tile(a, (2, 1, 2))", a=(2, 3))
cases(
    np.repeat, "np.repeat(a, 2)", "a.repeat(3)", "np.repeat(a, 2, axis=0)", "np.repeat(a, [1, 0, 2], axis=1)", a=(2, 3)
)
cases(np.repeat, "np.repeat(a, 2, axis=-1)", a=())
cases(np.pad, "np.pad(a, 1)", "np.pad(a, ((0, 1), (2, 0)))", "np.pad(a, 1, constant_values=3.0)", a=(2, 3))
cases(np.pad, *(f"np.pad(a, 2, mode='{mode}')" for mode in ("edge", "reflect", "symmetric", "wrap")), a=(3, 4))
cases(np.copy, "np.copy(a)", "a.copy()", a=(2, 3))
cases(np.resize, "np.resize(a, (3, 3))", a=(2, 2))

cases(
    np.concatenate,
    "np.concatenate([a, b])",
    "np.concatenate((a, b, a), axis=0)",
    "np.concatenate([a, a], axis=1)",
    a=(2, 3),
    b=(1, 3),
)
cases(
    np.concatenate,
    "np.concatenate([a, b], axis=None)",
    "np.concatenate([a, np.ones((1, 3), a.dtype)])",
    a=(2, 3),
    b=(1, 3),
)
cases(np.diag, "np.diag(a)", "np.diag(a, 1)", a=(3, 4))
cases(np.diag, "np.diag(a)", "np.diag(a, -1)", a=(3,))
cases(np.diagflat, "np.diagflat(a)", a=(2, 2))
cases(np.diagonal, "np.diagonal(a)", "a.diagonal(1)", "np.diagonal(a, -1, 1, 0)", a=(3, 4))
cases(np.diagonal, "np.diagonal(a, 0, 0, 2)", a=(2, 3, 2))
cases(np.trace, "np.trace(a)", "a.trace()", "np.trace(a, offset=1)", a=(4, 3))
cases(np.trace, "np.trace(a, axis1=1, axis2=2)", a=(2, 3, 2))
cases(np.tril, "np.tril(a)", "np.tril(a, -1)", a=(3, 4))
cases(np.triu, "np.triu(a)", "np.triu(a, 1)", a=(2, 3, 3))

cases(np.concatenate, "np.concatenate([a, b])", a=(0, 3), b=(1, 3))
cases(np.stack, "np.stack([a, b])", "np.stack((a, b), axis=1)", "np.stack([a, b], axis=-1)", a=(2, 3), b=(2, 3))
cases(np.stack, "np.stack([a, 2.0 * a, a * b])", a=(), b=())
cases(np.hstack, "np.hstack([a, b])", a=(2, 3), b=(2, 1))
cases(np.hstack, "np.hstack([a, b])", a=(3,), b=(1,))
cases(np.vstack, "np.vstack([a, b])", a=(2, 3), b=(3,))
cases(np.dstack, "np.dstack([a, b])", a=(2, 3), b=(2, 3))
cases(np.column_stack, "np.column_stack([a, b])", a=(2,), b=(2, 3))
cases(np.block, "np.block([[a, b], [b, a]])", "np.block([a, b])", a=(2, 2), b=(2, 2))
cases(np.append, "np.append(a, b)", "np.append(a, b, axis=0)", a=(2, 3), b=(1, 3))
cases(np.insert, "np.insert(a, 1, b)", "np.insert(a, [0, 2], b)", a=(4,), b=())
cases(np.delete, "np.delete(a, 1)", "np.delete(a, [0, 2])", a=(4,))
cases(np.split, "np.split(a, 2)", "np.split(a, [1, 3])", "np.split(a, 3, axis=1)", a=(4, 3))
cases(np.split, "np.concatenate(np.split(a, [3, 1]))", a=(4, 3), differs="JAX refuses cuts that are not in order")
cases(np.array_split, "np.array_split(a, 3)", a=(4, 3))
cases(np.hsplit, "np.hsplit(a, 2)", a=(2, 4))
cases(np.vsplit, "np.vsplit(a, 2)", a=(2, 4))
cases(np.dsplit, "np.dsplit(a, 2)", a=(2, 1, 2))
cases(np.unstack, "np.unstack(a)", "np.unstack(a, axis=1)", a=(2, 3))
cases(np.ix_, "np.ix_(a, b)", a=(2,), b=(3,))
cases(np.meshgrid, "np.meshgrid(a, b)", "np.meshgrid(a, b, indexing='ij', sparse=True)", a=(2,), b=(3,))

cases(primitives.astype, "a.astype(np.complex128)", a=(2, 3))
cases(primitives.astype, "a.astype(np.float32)", "a.astype('float64')", "a.astype(float)", a=(2, 3), dtypes=REAL)
cases(np.astype, "np.astype(a, np.complex128)", a=(2, 3))
cases(
    np.trim_zeros, "np.trim_zeros(a * np.array([0, 1, 1, 0]))", a=nonzero(4), dtypes=("float64",), differs=UNKNOWN_TYPE
)
cases(np.concat, "np.concat([a, b])", a=(2, 3), b=(1, 3))

window = "np.lib.stride_tricks.sliding_window_view"
cases(
    np.lib.stride_tricks.sliding_window_view,
    f"{window}(a, (2, 3))",
    f"{window}(a, 2, axis=-1)",
    f"{window}(a, (2, 2), axis=(1, 1))",
    f"{window}(a, (3, 4))",
    a=(3, 4),
    dtypes=DOUBLE,
    differs="JAX has none",
)
cases(
    np.apply_along_axis,
    "np.apply_along_axis(np.sum, 0, a)",
    "np.apply_along_axis(lambda x: x * x[0], -1, a)",
    "np.apply_along_axis(np.outer, 1, a, np.array([1.0, 2.0]))",
    a=(2, 3, 2),
    dtypes=DOUBLES,
)
cases(
    np.apply_over_axes,
    "np.apply_over_axes(np.sum, a, [0, -1])",
    "np.apply_over_axes(np.cumsum, a, [1])",
    a=(2, 3, 2),
    dtypes=DOUBLES,
)
cases(np.full_like, "np.full_like(a * b, b)", a=(2, 3), b=())
