"""Contractions of two arrays by quicker calls: einsum takes many times as long.

One product of matrices adds up the same terms in another order, so that the last bits may be others. Sums of two terms
have but one order: as two products of whole arrays they are einsum's own numbers.
"""

import functools
import math
import sys

import numpy as np

_OF_BLAS = {np.dtype(letter) for letter in "fdFD"}  # einsum adds up halves in single precision, matmul does not
_MANY = 2000  # elements of a result, from which on two terms take less time than einsum


def _parts(subscripts):
    """The letters of both operands and of the result; None where one stands twice, or is in the result alone."""
    operands, out = subscripts.split("->")
    a, b = operands.split(",")
    if any(len(set(letters)) < len(letters) for letters in (a, b, out)) or set(out) - set(a + b):
        return None
    return a, b, out


class MatrixProduct:
    """``np.einsum(subscripts, a, b)`` by ``np.matmul``, where each letter of one array alone is in the result."""

    def __init__(self, subscripts, left, right, back):
        self.__name__ = "product_" + subscripts.replace(",", "_").replace("->", "_")
        self.subscripts, self.left, self.right, self.back = subscripts, left, right, back

    @classmethod
    def of(cls, subscripts, sizes):
        """The product for arrays of these sizes, by letter; None if there is none."""
        if (parts := _parts(subscripts)) is None:
            return None
        a, b, out = parts
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
        return np.asarray(np.matmul(a, b).reshape(whole).transpose(order), order="C")


class TwoTerms:
    """``np.einsum(subscripts, a, b)`` of C-contiguous arrays, where one letter of both is summed, of size 2."""

    def __init__(self, left, right, back):
        self.left, self.right, self.back = left, right, back

    @classmethod
    def of(cls, subscripts, sizes):
        """Those for arrays of these sizes, by letter; None if there are none."""
        if (parts := _parts(subscripts)) is None:
            return None
        a, b, out = parts
        summed = set(a + b) - set(out)
        if len(summed) != 1 or not summed <= set(a) & set(b) or sizes[min(summed)] != 2:
            return None
        if math.prod(sizes[c] for c in out) < _MANY:
            return None
        longest = max(out, key=sizes.__getitem__)  # is to be the innermost, so that loops are long
        order = [*(c for c in out if c != longest), longest]
        side = lambda letters: (
            [letters.index(c) for c in (*summed, *order) if c in letters],
            (slice(None), *(slice(None) if c in letters else None for c in order)),
        )
        return cls(side(a), side(b), [order.index(c) for c in out])

    def __call__(self, a, b):
        (axes, whole), (other_axes, other_whole) = self.left, self.right
        a = np.ascontiguousarray(a.transpose(axes))[whole]
        b = np.ascontiguousarray(b.transpose(other_axes))[other_whole]
        with np.errstate(all="ignore"):  # einsum does not warn
            y = a[0] * b[0]
            y += 0.0  # as einsum begins a sum: of zeros with sign − it is one with sign +
            y += a[1] * b[1]
        return np.ascontiguousarray(y.transpose(self.back))


def _sizes(subscripts, shapes):
    """The size of each letter; None where one has two, as einsum stretches ones."""
    letters = subscripts.split("->")[0].replace(",", "")
    lengths = set(zip(letters, [n for shape in shapes for n in shape], strict=True))
    return dict(lengths) if len(lengths) == len(set(letters)) else None


@functools.lru_cache(1024)
def _product(subscripts, shapes):
    sizes = _sizes(subscripts, shapes)
    return MatrixProduct.of(subscripts, sizes) if sizes else None


@functools.lru_cache(1024)
def _two_terms(subscripts, shapes, dtype):
    """Where einsum rounds each product and each sum, and its result lies so: some numbers tell, as all go one way."""
    sizes = _sizes(subscripts, shapes)
    if sizes is None or (terms := TwoTerms.of(subscripts, sizes)) is None:
        return None
    a, b = (np.sqrt(np.arange(first, first + math.prod(s), dtype=dtype)).reshape(s) for s, first in zip(shapes, (2, 3)))
    y, expected = terms(a, b), np.einsum(subscripts, a, b)
    return terms if y.strides == expected.strides and np.array_equal(y, expected) else None


def product_of(subscripts, operands):
    """The product of matrices that einsum of these operands is; None where it is none, or BLAS has no such numbers."""
    if len(operands) != 2 or not all(type(x) is np.ndarray and x.dtype in _OF_BLAS for x in operands):
        return None
    a, b = operands
    return _product(subscripts, (a.shape, b.shape)) if a.dtype == b.dtype else None


def two_terms_of(subscripts, operands):
    """What gives the numbers of einsum of these operands, to the last bit, in less time; None where nothing does."""
    if len(operands) != 2 or not all(type(x) is np.ndarray and x.flags.c_contiguous for x in operands):
        return None
    a, b = operands
    if a.dtype.char not in "fd" or a.dtype != b.dtype or 2 not in a.shape:
        return None
    return _two_terms(subscripts, (a.shape, b.shape), a.dtype)


_WORK = 1 << 12  # products of numbers, up to which einsum of several operands is as quick in one go


def _search(inputs):
    return "optimal" if len(inputs) < 6 else "greedy"  # of all orders there are too many


@functools.lru_cache(maxsize=256)
def pairs_of(subscripts, shapes):
    """The steps of einsum of these shapes that take the least work: the places of the operands, and the subscripts.

    Each takes its operands from the list and puts its result at the end. The order is that of ``np.einsum_path``.
    """
    inputs, output = subscripts.split("->")
    inputs = inputs.split(",")
    sizes = {c: n for s, shape in zip(inputs, shapes, strict=True) for c, n in zip(s, shape, strict=True) if n != 1}
    if len(inputs) < 3 or math.prod(sizes.values()) <= _WORK:
        return ((range(len(inputs))[::-1], f"{','.join(inputs[::-1])}->{output}"),)
    likes = [np.broadcast_to(0.0, shape) for shape in shapes]
    steps, (_, *path) = [], np.einsum_path(subscripts, *likes, optimize=(_search(inputs), sys.maxsize))[0]
    for places in path:
        places = sorted(places, reverse=True)
        terms = [inputs.pop(k) for k in places]
        needed = set(output).union(*inputs)
        result = "".join(dict.fromkeys(c for c in "".join(terms) if c in needed)) if inputs else output
        steps.append((places, f"{','.join(terms)}->{result}"))
        inputs.append(result)
    return steps
