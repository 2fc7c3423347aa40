"""Products of matrices and tensors. What is batched in one argument alone becomes one product of matrices."""

import math
import string

import numpy as np

from ..batch import VIEWING, Batched, Uncovered, batches
from ..compressed import DIAGONAL, Rows
from ..rules.products import contract
from ..tracer import shape_of
from ..tree import typed
from .matrices import stacked
from .shaping import reshaped


def _value(batch, x):
    return x.dense() if batch.owns(x) else x


def _rows(x):
    return x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def _arrays(*args):
    """The arguments, plain lists as arrays."""
    return [np.asarray(x) if type(x) in (list, tuple) else x for x in args]


@batches(np.matmul)
def _matmul(batch, a, b):
    if type(a) is np.ndarray and a.ndim == 2 and type(y := b.value) is np.ndarray:
        if type(b.tag) is not Rows:
            if y.ndim == 2:
                return Batched(batch, (a @ y.T).T)
        elif b.tag is DIAGONAL and y.shape == a.shape[1:]:
            return batch.batched((a.copy() if batch.is_one(y, a) else a * y).T)
    elif type(b) is np.ndarray and b.ndim == 2 and type(x := a.value) is np.ndarray:
        if type(a.tag) is not Rows:
            if x.ndim == 2:
                batch.check((len(x), b.shape[1]), x)
                return Batched(batch, x @ b)
        elif a.tag is DIAGONAL and x.shape == b.shape[:1]:
            return batch.batched(b.copy() if batch.is_one(x, b) else x[:, None] * b)
    a, b = _arrays(a, b)
    mine, other = batch.owns(a), batch.owns(b)
    n, m = len(shape_of(a)), len(shape_of(b))
    if not n or not m:
        raise Uncovered
    if mine and not other and a.tag is DIAGONAL and n == 1 and m == 2 and b.shape[0] == a.shape[0]:
        return batch.batched(np.copy(b) if batch.is_one(a.value, b) else a.value[:, None] * b)
    if other and not mine and b.tag is DIAGONAL and m == 1 and n == 2 and a.shape[1] == b.shape[0]:
        return batch.batched((np.copy(a) if batch.is_one(b.value, a) else a * b.value).T)
    x, y = _value(batch, a), _value(batch, b)
    if mine and not other and m <= 2:
        batch.check((*x.shape[:-1], *shape_of(b)[1:]), x)
        if m == 1 or n == 1:
            return Batched(batch, x @ y)
        flat = _rows(x) @ y
        return Batched(batch, flat.reshape(*x.shape[:-1], y.shape[-1]))
    if other and not mine:
        if m == 1 and n <= 2:
            return Batched(batch, (x @ y.T).T if n == 2 else y @ x)
        if n <= 2:
            batch.check((*y.shape[:-2], *shape_of(a)[:-1], y.shape[-1]), y)
            return Batched(batch, np.matmul(x, y))
    x, y = (batch.lifted(a, n), batch.lifted(b, m))
    x = x[..., None, :] if n == 1 else x
    y = y[..., None] if m == 1 else y
    ndim = max(n, m, 2)
    x, y = (_with_axes(v, of_batch, ndim) for v, of_batch in ((x, mine), (y, other)))
    product = np.matmul(x, y)
    if n == 1:
        product = product[..., 0, :]
    return batch.batched(product[..., 0] if m == 1 else product)


def _with_axes(x, of_batch, ndim):
    """A stack of matrices with as many axes after the hidden one, if it has that, as ``ndim``."""
    missing = ndim + 1 - x.ndim
    return x if not of_batch or not missing else x.reshape(x.shape[:1] + (1,) * missing + x.shape[1:])


def _split(batch, x, summed):
    """The free axes of an argument, and its values with the hidden axis first, then the free ones, then the summed."""
    free = [i for i in range(len(shape_of(x))) if i not in summed]
    mine = int(batch.owns(x))
    order = [*range(mine), *(i + mine for i in (*free, *summed))]
    value = np.transpose(typed(_value(batch, x)), order)
    shape = shape_of(x)
    free, n = tuple(shape[i] for i in free), int(np.prod([shape[i] for i in summed], dtype=int))
    return free, value.reshape((*value.shape[:mine], int(np.prod(free, dtype=int)), n))


def _tensordot(batch, a, b, axes):
    """The sum over ``axes`` of both, lists of axes that are not negative."""
    (free_a, x), (free_b, y) = _split(batch, a, axes[0]), _split(batch, b, axes[1])
    if x.shape[-1] != y.shape[-1]:
        raise Uncovered
    product = np.matmul(x, y.mT) if batch.owns(b) else _rows(x) @ y.T
    return batch.batched(product.reshape((batch.size, *free_a, *free_b)))


@batches(np.tensordot)
def _of_tensordot(batch, a, b, axes=2):
    a, b = _arrays(a, b)
    n, m = len(shape_of(a)), len(shape_of(b))
    if np.ndim(axes) == 0 and not isinstance(axes, (tuple, list)):
        axes = range(n - axes, n), range(axes)
    axes = [[i % k for i in ((x,) if np.ndim(x) == 0 else x)] for x, k in zip(axes, (n, m), strict=True)]
    if [shape_of(a)[i] for i in axes[0]] != [shape_of(b)[i] for i in axes[1]]:
        raise Uncovered
    return _tensordot(batch, a, b, axes)


@batches(np.dot)
def _dot(batch, a, b, out=None):
    a, b = _arrays(a, b)
    n, m = len(shape_of(a)), len(shape_of(b))
    if not n or not m:
        return typed(a) * typed(b)
    if n <= 2 and m <= 2:
        return _matmul(batch, a, b)
    return _tensordot(batch, a, b, ([n - 1], [max(m - 2, 0)]))


@batches(np.inner)
def _inner(batch, a, b):
    a, b = _arrays(a, b)
    n, m = len(shape_of(a)), len(shape_of(b))
    return _tensordot(batch, a, b, ([n - 1], [m - 1])) if n and m else typed(a) * typed(b)


def _flat(batch, x):
    return reshaped(batch, x, (x.size,)) if batch.owns(x) else np.ravel(x)


@batches(np.outer)
def _outer(batch, a, b, out=None):
    return batch.elementwise(np.multiply, (_flat(batch, a)[:, None], _flat(batch, b)))


@batches(np.vdot)
def _vdot(batch, a, b):
    return np.conjugate(_flat(batch, a)) @ _flat(batch, b)


batches(np.matvec)(stacked(np.matvec, 2, 1))
batches(np.vecmat)(stacked(np.vecmat, 1, 2))
_vecdot = stacked(np.vecdot, 1, 1)


@batches(np.vecdot)
def _of_vecdot(batch, a, b, axis=-1, keepdims=False):
    if axis != -1:
        raise Uncovered
    y = _vecdot(batch, a, b)
    return y[..., None] if keepdims else y


@batches(contract)
def _contract(batch, subscripts, *operands, optimize=False):
    inputs, output = subscripts.split("->")
    letter = next(c for c in string.ascii_letters if c not in subscripts)
    inputs = [letter + s if batch.owns(x) else s for s, x in zip(inputs.split(","), operands, strict=True)]
    subscripts = f"{','.join(inputs)}->{letter}{output}"
    optimize = optimize or sum(map(batch.owns, operands)) == 1 < len(operands)
    return batch.batched(contract(subscripts, *(_value(batch, x) for x in operands), optimize=optimize))


VIEWING.add(contract)


_LONG = 1 << 14  # products for an example, from which on one call of NumPy's for each is as fast


@batches(np.convolve)
def _convolve(batch, a, v, mode="full"):
    """The windows of the longer, times the shorter in reverse."""
    a, v = _arrays(a, v)
    if len(shape_of(a)) != 1 or len(shape_of(v)) != 1 or mode not in ("full", "same", "valid"):
        raise Uncovered
    a, v = (a, v) if shape_of(a)[0] >= shape_of(v)[0] else (v, a)
    (n,), (m,) = shape_of(a), shape_of(v)
    start, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[mode]
    if not m or m * length > _LONG:
        raise Uncovered
    x, w = _value(batch, a), _value(batch, v)
    x = np.pad(x, [*[(0, 0)] * (x.ndim - 1), (m - 1, m - 1)])[..., start : start + length + m - 1]
    windows = np.lib.stride_tricks.sliding_window_view(x, m, axis=-1)
    if not batch.owns(v):
        return Batched(batch, windows @ w[::-1])
    return Batched(batch, (windows @ w[:, ::-1, None])[..., 0])


@batches(np.cross)
def _cross(batch, a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    if not (axisa == axisb == axisc == -1) or axis not in (None, -1):
        raise Uncovered
    return Batched(batch, np.cross(*_lifted(batch, a, b)))


@batches(np.linalg.cross)
def _cross_of_three(batch, a, b, *, axis=-1):
    if axis != -1:
        raise Uncovered
    return Batched(batch, np.linalg.cross(*_lifted(batch, a, b)))


def _lifted(batch, *arrays):
    ndim = max(len(shape_of(x)) for x in arrays)
    return [batch.lifted(x, ndim) for x in arrays]
