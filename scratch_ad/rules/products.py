"""Products: of matrices and tensors, Kronecker and cross products, convolution.

All are linear in each argument. ``np.vdot``, ``np.vecdot`` and ``np.vecmat`` conjugate their first.
"""

import functools
import math
import string

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..layout import arranged
from ..primitives import astype, scatter, sparse_product
from ..rule import composite, linear, primitive, with_value
from ..tracer import shape_of
from ..tree import typed
from .contractions import pairs_of, product_of, two_terms_of

# Matrix products. What was broadcast is summed by the engines.


def _matmul_a(g, _a, b):
    """``g @ b.T``, or what that is of vectors and stacks."""
    b = typed(b)
    if _a.ndim > 1 and b.ndim > 1:
        if _a.ndim == 2 and g.ndim > 2:  # one matrix for a stack of others: no stack of cotangents
            return _rows(g) @ _rows(b).mT
        return g @ b.mT
    if _a.ndim > 1:
        return g[..., None] * b
    return (b @ g[..., None])[..., 0] if b.ndim > 1 else g * b


def _matmul_b(g, a, _b):
    """``a.T @ g``, or what that is of vectors and stacks."""
    a = typed(a)
    if a.ndim > 1 and _b.ndim > 1:
        if _b.ndim == 2 and a.ndim > 2:
            return _below(a).mT @ _below(g)
        return a.mT @ g
    if a.ndim > 1:
        return g @ a if a.ndim == 2 else (a.mT @ g[..., None])[..., 0]
    return a[:, None] * g[..., None, :] if _b.ndim > 1 else g * a


def _rows(x):
    """A stack of matrices side by side."""
    x = np.moveaxis(x, -2, 0)
    return x.reshape(len(x), math.prod(x.shape[1:]))


def _below(x):
    """A stack of matrices one below the other."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


linear(np.matmul, _matmul_a, _matmul_b)


def _sparse_product_x(g, a, _x):
    if a.ndim == 1:
        return np.multiply.outer(a.toarray(), g)
    return sparse_product(a.T, g)


linear(sparse_product, None, _sparse_product_x)


def _dot_a(g, _a, b, out=None):
    """``g @ b.T``, or what that is of vectors and more axes."""
    b = typed(b)
    if _a.ndim == 0 or b.ndim == 0:
        return g * b if _a.ndim else _sum_product(g, b)
    if b.ndim == 1:
        return g[..., None] * b
    if _a.ndim <= 2 == b.ndim:
        return g @ b.mT
    return np.tensordot(g, b, (range(_a.ndim - 1, g.ndim), [i for i in range(b.ndim) if i != b.ndim - 2]))


def _dot_b(g, a, _b, out=None):
    """``a.T @ g``, or what that is of vectors and more axes."""
    a = typed(a)
    if a.ndim == 0 or _b.ndim == 0:
        return g * a if _b.ndim else _sum_product(g, a)
    axes = range(a.ndim - 1)
    c = np.tensordot(a, g, (axes, axes))
    return np.moveaxis(c, 0, -2) if _b.ndim > 1 else c


def _inner_a(g, _a, b):
    b = typed(b)
    if _a.ndim == 0 or b.ndim == 0:
        return g * b if _a.ndim else _sum_product(g, b)
    return np.tensordot(g, b, (range(_a.ndim - 1, g.ndim), range(b.ndim - 1)))


def _inner_b(g, a, _b):
    a = typed(a)
    if a.ndim == 0 or _b.ndim == 0:
        return g * a if _b.ndim else _sum_product(g, a)
    return np.tensordot(g, a, (range(a.ndim - 1), range(a.ndim - 1)))


def _sum_product(g, x):
    return np.sum(g * x)


def _kept(g, axis, keepdims):
    return g if keepdims else np.expand_dims(g, axis)


def _like(g, aval):
    return g.reshape(aval.shape)


# fmt: off
linear(np.dot,   _dot_a, _dot_b)
linear(np.inner, _inner_a, _inner_b)
linear(np.outer, lambda g, _a, b, out=None: _like(g @ np.ravel(b), _a),
                 lambda g, a, _b, out=None: _like(np.ravel(a) @ g, _b))
linear(np.vdot,  lambda g, _a, b: _like(np.conjugate(g * np.ravel(b)), _a),
                 lambda g, a, _b: _like(g * np.conjugate(np.ravel(a)), _b))
linear(np.vecdot, lambda g, _a, b, axis=-1, keepdims=False: np.conjugate(_kept(g, axis, keepdims) * b),
                  lambda g, a, _b, axis=-1, keepdims=False: _kept(g, axis, keepdims) * np.conjugate(a))
linear(np.matvec, lambda g, _a, b: g[..., None] * typed(b)[..., None, :],
                  lambda g, a, _b: np.matvec(typed(a).mT, g))
linear(np.vecmat, lambda g, _a, b: np.conjugate(np.matvec(b, g)),
                  lambda g, a, _b: np.conjugate(typed(a))[..., None] * g[..., None, :])
# fmt: on


def _axes(axes, a_ndim, b_ndim):
    """The axes of both arguments over which np.tensordot sums."""
    if np.ndim(axes) == 0 and not isinstance(axes, (tuple, list)):
        return tuple(range(a_ndim - axes, a_ndim)), tuple(range(axes))
    return tuple(normalize_axis_tuple(x, ndim) for x, ndim in zip(axes, (a_ndim, b_ndim), strict=True))


def _tensordot_transpose(g, x, shape, summed, others, first):
    """The cotangent of the argument with axes ``summed``, where ``x`` is the other with axes ``others``."""
    free = [i for i in range(len(shape)) if i not in summed]
    rest = [i for i in range(x.ndim) if i not in others]
    places = range(len(free), g.ndim) if first else range(len(rest))
    c = np.tensordot(g, x, (places, rest))  # the free axes, then those of x that were summed, in their order
    order = [*free, *(summed[i] for i in sorted(range(len(others)), key=others.__getitem__))]
    return np.transpose(c, sorted(range(len(order)), key=order.__getitem__))


def _tensordot_a(g, _a, b, axes=2):
    b = typed(b)
    summed, others = _axes(axes, _a.ndim, b.ndim)
    return _tensordot_transpose(g, b, _a.shape, summed, others, first=True)


def _tensordot_b(g, a, _b, axes=2):
    a = typed(a)
    others, summed = _axes(axes, a.ndim, _b.ndim)
    return _tensordot_transpose(g, a, _b.shape, summed, others, first=False)


linear(np.tensordot, _tensordot_a, _tensordot_b)


# einsum: the cotangent of one operand is the einsum of the cotangent with the other operands.


@primitive
def contract(subscripts, *operands, optimize=False):
    """np.einsum, with one letter for each axis of each operand and explicit output.

    ``optimize`` may be "freely", too: whichever way takes least, with other last digits.
    """
    if optimize == "freely":
        product = product_of(subscripts, operands)
        return product(*operands) if product else np.einsum(subscripts, *operands)
    terms = two_terms_of(subscripts, operands) if optimize is False else None
    return terms(*operands) if terms else np.einsum(subscripts, *operands, optimize=optimize)


def _contract_transpose(i, g, subscripts, operands):
    inputs, output = subscripts.split("->")
    inputs = inputs.split(",")
    mine, shape = inputs[i], operands[i].shape
    others = [(s, x) for k, (s, x) in enumerate(zip(inputs, operands, strict=True)) if k != i]
    known = set(output).union(*(s for s, _ in others))
    axes = list(dict.fromkeys(mine))  # each letter once
    found = [c for c in axes if c in known]
    terms = ",".join([output, *(s for s, _ in others)])
    c = _by_pairs(f"{terms}->{''.join(found)}", [g, *(x for _, x in others)])
    sizes = dict(zip(mine, shape, strict=True))  # a letter in no other place is summed on its own
    c = c.reshape([c.shape[found.index(a)] if a in found else 1 for a in axes])
    if len(axes) == len(mine):
        return c
    index = np.ix_(*(np.arange(sizes[a]) for a in axes))  # a letter twice is a diagonal
    c = np.broadcast_to(c, [sizes[a] for a in axes])
    return scatter(c, tuple(index[axes.index(a)] for a in mine), shape)


def _by_pairs(subscripts, operands):
    """``contract``, of more than two operands in an order of less work."""
    for places, pair in pairs_of(subscripts, tuple(map(shape_of, operands))):
        operands.append(contract(pair, *[operands.pop(k) for k in places], optimize="freely"))
    return operands[0]


def _third_and_on(i):
    return lambda g, subscripts, *operands, optimize=False: _contract_transpose(i, g, subscripts, operands)


linear(
    contract,
    None,
    lambda g, subscripts, _a, *rest, optimize=False: _contract_transpose(0, g, subscripts, (_a, *rest)),
    lambda g, subscripts, a, _b, *rest, optimize=False: _contract_transpose(1, g, subscripts, (a, _b, *rest)),
    *map(_third_and_on, range(2, 26)),
)


@functools.cache
def _spelled_out(subscripts, ndims):
    """The subscripts with letters in place of the ellipses and with the output written out."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = inputs.split(",")
    free = [c for c in string.ascii_letters if c not in subscripts]
    width = max([n - len(s) + 3 for s, n in zip(inputs, ndims, strict=True) if "..." in s], default=0)
    letters = "".join(free[:width])

    def spell(s, n):
        return s.replace("...", letters[width - (n - len(s) + 3) :] if n - len(s) + 3 else "")

    if not arrow:
        joined = "".join(inputs).replace("...", "")
        output = ("..." if "..." in subscripts else "") + "".join(sorted(c for c in joined if joined.count(c) == 1))
    spelled = [spell(s, n) if "..." in s else s for s, n in zip(inputs, ndims, strict=True)]
    return f"{','.join(spelled)}->{output.replace('...', letters)}"


def _from_lists(operands):
    """Subscripts and operands of np.einsum's other form, ``operand, [0, 1], operand, [1, 2], …``."""
    pairs, rest = operands[: len(operands) // 2 * 2], operands[len(operands) // 2 * 2 :]
    lists = [*pairs[1::2], *rest]
    labels = sorted({e for s in lists for e in s if e is not Ellipsis})
    letters = dict(zip(labels, sorted(string.ascii_letters))) | {Ellipsis: "..."}
    spelled = ["".join(letters[e] for e in s) for s in lists]
    subscripts = ",".join(spelled[: len(pairs) // 2]) + ("->" + spelled[-1] if rest else "")
    return subscripts, pairs[::2]


def _einsum(*operands, out=None, dtype=None, order="K", casting="safe", optimize=False):
    subscripts, operands = (operands[0], operands[1:]) if isinstance(operands[0], str) else _from_lists(operands)
    operands = list(map(typed, operands))
    if dtype is not None:
        ones = [np.ones((1,) * x.ndim, x.dtype) for x in operands]
        np.einsum(subscripts, *ones, dtype=dtype, casting=casting)  # for its checks
        operands = [astype(x, np.dtype(dtype)) for x in operands]
    return contract(_spelled_out(subscripts, tuple([len(shape_of(x)) for x in operands])), *operands, optimize=optimize)


composite(np.einsum, _einsum)


# Kronecker and cross products.


def _kron(a, b):
    a, b = typed(a), typed(b)
    ndim = max(a.ndim, b.ndim)
    m, n = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    y = a.reshape([k for i in m for k in (i, 1)]) * b.reshape([k for i in n for k in (1, i)])
    return y.reshape([i * k for i, k in zip(m, n, strict=True)])


def _cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = (x if at == -1 else np.moveaxis(x, at, -1) for x, at in ((typed(a), axisa), (typed(b), axisb)))
    if shape_of(a)[-1:] == shape_of(b)[-1:] == (3,):
        a, b = np.concatenate([a, a], -1), np.concatenate([b, b], -1)  # in which each order of the three is a part
        y = arranged(a[..., 1:4] * b[..., 2:5] - a[..., 2:5] * b[..., 1:4])
        return y if axisc == -1 else np.moveaxis(y, -1, axisc)
    np.cross(np.zeros(a.shape[-1]), np.zeros(b.shape[-1]))  # NumPy's own error, or warning for two components
    (a0, a1, *a2), (b0, b1, *b2) = ([x[..., i] for i in range(x.shape[-1])] for x in (a, b))
    if not a2 and not b2:
        return arranged(a0 * b1 - a1 * b0)
    a2, b2 = a2[0] if a2 else np.zeros_like(a0), b2[0] if b2 else np.zeros_like(b0)
    y = np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], -1)
    return np.moveaxis(arranged(y), -1, axisc)


composite(np.kron, _kron)
composite(np.cross, _cross, with_value)


# Convolution and correlation.


def _full(g, n, m, mode):
    """The cotangent of the full convolution of lengths ``n`` and ``m``, of which ``mode`` takes a part."""
    short = min(n, m)
    before = (short - 1, (short - 1) // 2, 0)[("valid", "same", "full").index(mode) if isinstance(mode, str) else mode]
    return np.pad(g, (before, n + m - 1 - g.shape[0] - before))


def _reversed(x):
    return np.ravel(typed(x))[::-1]


linear(
    np.convolve,
    lambda g, _a, v, mode="full": _like(np.convolve(_full(g, _a.size, np.size(v), mode), _reversed(v), "valid"), _a),
    lambda g, a, _v, mode="full": _like(np.convolve(_full(g, np.size(a), _v.size, mode), _reversed(a), "valid"), _v),
)


def _correlate(a, v, mode="valid"):
    a, v = typed(a), typed(v)
    if len(a) < len(v):
        return np.conjugate(np.correlate(v, a, mode))[::-1]
    return np.convolve(a, np.conjugate(v)[::-1], mode)


composite(np.correlate, _correlate)


def _cross_of_three(x1, x2, /, *, axis=-1):
    np.linalg.cross(*(np.zeros(shape_of(x)[axis]) for x in (x1, x2)))  # for its checks
    return np.cross(x1, x2, axis=axis)


def _multi_dot(arrays, *, out=None):
    """The product in the order of least cost (Cormen et al., Introduction to Algorithms, section 15.2)."""
    arrays = list(map(typed, arrays))
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    sizes = [x.shape[0] for x in arrays] + [arrays[-1].shape[-1]]
    sizes[0] = arrays[0].shape[0] if arrays[0].ndim > 1 else 1
    sizes[-1] = arrays[-1].shape[-1] if arrays[-1].ndim > 1 else 1

    @functools.cache
    def best(i, j):
        """The least cost of the product of arrays i to j, and after which array to split it."""
        if i == j:
            return 0, i
        return min((best(i, k)[0] + best(k + 1, j)[0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j))

    def multiply(i, j):
        split = best(i, j)[1]
        return arrays[i] if i == j else np.dot(multiply(i, split), multiply(split + 1, j))

    return multiply(0, len(arrays) - 1)


def _outer_of_vectors(x1, x2, /):
    np.linalg.outer(*(np.zeros((1,) * np.ndim(x)) for x in (x1, x2)))  # for its checks
    return np.outer(x1, x2)


composite(np.linalg.multi_dot, _multi_dot)
composite(np.linalg.matmul, lambda x1, x2, /: np.matmul(x1, x2))
composite(np.linalg.outer, _outer_of_vectors)
composite(np.linalg.tensordot, lambda x1, x2, /, *, axes=2: np.tensordot(x1, x2, axes))
composite(np.linalg.vecdot, lambda x1, x2, /, *, axis=-1: np.vecdot(x1, x2, axis=axis))
composite(np.linalg.cross, _cross_of_three, with_value)
composite(np.linalg.trace, lambda x, /, *, offset=0, dtype=None: np.trace(x, offset, -2, -1, dtype))
composite(np.linalg.diagonal, lambda x, /, *, offset=0: np.diagonal(x, offset, -2, -1))
composite(np.linalg.matrix_transpose, lambda x, /: np.matrix_transpose(x))
