"""Which inputs each number depends on: a kind of number that carries sets, and from them the pattern of a Jacobian.

A ``Dependent`` carries a value and, for each of its elements, the set of the input elements on which that may depend: a
row of a boolean matrix. What a rule says of derivatives is not asked, only how a function arranges its elements. The
sets do not depend on the numbers, but on the indices and on the branches that they decide; they may be too large, never
too small. A function of which nothing is known here makes all its results depend on all that went in.
"""

import functools
import inspect
import itertools
import math
import string

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.lib.stride_tricks import sliding_window_view

from .cells import Cell
from .chain import plain
from .layout import laid_as, laid_out
from .primitives import getitem, scatter, sparse_product
from .registry import Rewrite, missing, rule_of
from .rule import Elementwise, valued
from .rules.linalg.determinants import cofactors
from .rules.linalg.eigenvalues import hermitian_eigh, hermitian_eigvalsh
from .rules.linalg.factors import hermitian_cholesky, tall_qr
from .rules.linalg.least_squares import pseudoinverse
from .rules.linalg.norms import p_norm
from .rules.linalg.singular_values import full_svd
from .rules.methods import length, log_sum
from .rules.products import contract
from .rules.reductions import share_of_sum
from .rules.shaping import cast, join, pile
from .tracer import Trace, Tracer, bottom, place_of, rebuild, refuse_traced, shape_of
from .tree import entered, is_inexact, zeros
from .views import viewed
from .writing import cartesian, put

try:
    from scipy import sparse
except ImportError as error:
    raise ImportError("The pattern of a Jacobian needs SciPy: pip install 'scratch-ad[scipy]'.") from error

LARGEST = 1 << 26  # how many entries a matrix of sets may have before it counts as full


class Full(Exception):
    """The sets have become so large that there is nothing to gain from them."""


class Dependent(Cell):
    """A value and its sets, a row of a sparse boolean matrix for each of its elements."""

    __slots__ = ()
    sets = Tracer.tag

    def __init__(self, trace, value, sets):
        self.owner, self.value, self.sets = trace, value, sets


class Dependencies(Trace):
    """One run on dependent numbers; ``inputs`` is the number of input elements."""

    __slots__ = ("ended", "inputs")
    mode = "the search for the pattern of a Jacobian"
    differentiates = True

    def __init__(self, inputs):
        super().__init__()
        self.inputs, self.ended = inputs, False

    def process(self, function, args, kwargs):
        rule = rule_of.get(function, missing)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        return self.apply(rule, function, args, kwargs)

    def apply(self, rule, function, args, kwargs):
        refuse_traced(function, kwargs, self.mode)
        mine = {i: a.sets for i, a in enumerate(args) if isinstance(a, Tracer) and a.owner is self}
        values = [a.value if i in mine else a for i, a in enumerate(args)]
        if isinstance(rule, Elementwise) or function in _arrangements or function in (join, pile):
            y, t = function(*values, **kwargs), ...
        else:
            y, t = rule.jvp(function, values, [(i, zeros(values[i])) for i in mine], kwargs, plain)
        several = issubclass(type(y), (tuple, list))
        parts, tangents = (list(y), t if isinstance(t, (tuple, list)) else [t] * len(y)) if several else ([y], [t])
        for k, sets in enumerate(self.arranged(rule, function, values, mine, parts, kwargs)):
            if not (sets is None or tangents[k] is None) and is_inexact(parts[k]):  # else it is no dual number either
                parts[k] = Dependent(self, parts[k], sets)
        return viewed(rebuild(y, parts) if several else parts[0], y, function, args, kwargs)

    def arranged(self, rule, function, values, mine, parts, kwargs):
        """The sets of each part of a result; None where its derivative is zero."""
        if function in (join, pile):
            return [_joined(function, values, mine, kwargs, self.inputs)]
        elementwise = isinstance(rule, Elementwise) or (isinstance(function, np.ufunc) and function.signature is None)
        arrange = _broadcast if elementwise else _arrangement(function)
        totals = [None] * len(parts)
        for i, sets in mine.items():
            if isinstance(rule, Elementwise) and rule.partials[i] is None:
                continue
            found = arrange and arrange(function, values, i, sets, parts, kwargs)
            for k, part in enumerate(parts):
                mine_of_k = found[k] if found else _of_all(sets, math.prod(shape_of(part)))
                totals[k] = mine_of_k if totals[k] is None else united(totals[k], mine_of_k)
        return totals


def pattern(fun, leaves):
    """The boolean matrix of which elements of the leaves that ``fun`` returns depend on which elements of ``leaves``.

    ``fun`` is a function of a list of leaves to a list of leaves. Raises ``Full`` where the matrix would be too large.
    """
    ends = [0, *itertools.accumulate(math.prod(shape_of(x)) for x in leaves)]
    trace = Dependencies(ends[-1])
    inputs = [Dependent(trace, entered(x), _numbered(*ends[k : k + 2], ends[-1])) for k, x in enumerate(leaves)]
    try:
        with np.errstate(all="ignore"):
            out = fun(inputs)
        rows = [
            y.sets if isinstance(y, Tracer) and y.owner is trace else nothing(math.prod(shape_of(y)), ends[-1])
            for y in out
        ]
    finally:
        trace.ended = True
    matrix = sparse.csr_array(sparse.vstack(rows)) if len(rows) > 1 else rows[0] if rows else nothing(0, ends[-1])
    matrix = sparse.csr_array(matrix, copy=True)
    matrix.sum_duplicates()
    dtype = np.int32 if matrix.nnz < 1 << 31 else np.int64  # solvers take those of 32 bits
    matrix.indices, matrix.indptr = (x.astype(dtype, copy=False) for x in (matrix.indices, matrix.indptr))
    return matrix


# Matrices of sets


def nothing(size, inputs):
    return sparse.csr_array((size, inputs), dtype=bool)


def united(a, b):
    return a if a is b else a + b


def _numbered(start, end, inputs):
    size = end - start
    columns, starts = np.arange(start, end, dtype=np.int32), np.arange(size + 1, dtype=np.int32)
    return sparse.csr_array((np.ones(size, bool), columns, starts), shape=(size, inputs))


def _places(x):
    """The number of each element in the order of ``np.ravel(x)``, from 1 on, in an array that lies as ``x`` does."""
    x = bottom(x)
    return laid_as(x, np.arange(1, np.size(x) + 1).reshape(np.shape(x)))


def _taken(sets, places):
    """The sets of the elements at some places, from 1 on; 0 stands for none."""
    places = np.ravel(places)
    size = places.size
    if (
        size
        and places[-1] - places[0] == size - 1
        and places[0] > 0
        and np.array_equal(places[1:] - places[:-1], np.ones(size - 1))
    ):
        return sets if size == sets.shape[0] else sets[places[0] - 1 : places[-1]]
    counts = np.append(0, np.diff(sets.indptr))
    if counts[places].sum() > LARGEST:
        raise Full
    if size and places.min() == 0:
        starts = np.append(np.int32(0), sets.indptr)  # a first row that is empty
        sets = sparse.csr_array((sets.data, sets.indices, starts), shape=(sets.shape[0] + 1, sets.shape[1]))
        return sets[places]
    return sets[places - 1]


def _grouped(sets, targets, count):
    """The union of the sets of the elements that have the same target."""
    size = sets.shape[0]
    members = sparse.csr_array((np.ones(size, bool), (np.ravel(targets), np.arange(size))), shape=(count, size))
    return sparse.csr_array(members @ sets)


def _of_all(sets, size):
    """All sets as one, ``size`` times."""
    columns = np.unique(sets.indices)
    if size * columns.size > LARGEST:
        raise Full
    starts = np.arange(size + 1) * columns.size
    return sparse.csr_array(
        (np.ones(size * columns.size, bool), np.tile(columns, size), starts), shape=(size, sets.shape[1])
    )


# How functions arrange their elements: for argument i, the sets of each part of the result, or None for all of all.


def _broadcast(function, values, i, sets, parts, kwargs):
    """Elementwise."""
    shape = shape_of(values[i])
    try:
        return [
            sets if shape_of(y) == shape else _taken(sets, np.broadcast_to(_places(values[i]), shape_of(y)))
            for y in parts
        ]
    except ValueError:
        return None


def _moved(function, values, i, sets, parts, kwargs):
    """What moves, repeats or leaves out elements does so with their numbers."""
    found = function(*values[:i], _places(values[i]), *values[i + 1 :], **kwargs)
    found = found if isinstance(found, (tuple, list)) else [found]
    return [_taken(sets, places) for places in found]


def _put(function, values, i, sets, parts, kwargs):
    a, index, v = values
    places = put(_places(a), index, 0) if i == 0 else put(np.zeros(shape_of(a), int), index, _places(v))
    return [_taken(sets, places)]


def _scattered(function, values, i, sets, parts, kwargs):
    (y,) = parts
    targets = np.arange(y.size).reshape(y.shape)[values[1]]
    return [_grouped(sets, np.broadcast_to(targets, shape_of(values[0])), y.size)]


def _joined(function, values, mine, kwargs, inputs):
    """Of several arrays, numbered one after another."""
    ends = [0, *itertools.accumulate(math.prod(shape_of(x)) for x in values)]
    places = function(*(_places(x) + end for x, end in zip(values, ends)), **kwargs)
    sets = [mine[i] if i in mine else nothing(math.prod(shape_of(x)), inputs) for i, x in enumerate(values)]
    return _taken(sparse.csr_array(sparse.vstack(sets)), places)


def _lanes(function, values, kwargs):
    """A number for each lane of the first argument; the axes along which elements are taken together are ones."""
    shape, place = shape_of(values[0]), place_of("axis", function)
    axis = values[place] if len(values) > place else kwargs.get("axis", _default_axis(function))
    axes = normalize_axis_tuple(axis, len(shape)) if shape and axis is not None else range(len(shape))
    kept = [1 if k in axes else n for k, n in enumerate(shape)]
    return np.arange(math.prod(kept)).reshape(kept)


@functools.cache
def _default_axis(function):
    return inspect.signature(function).parameters["axis"].default


def _reduced(function, values, i, sets, parts, kwargs):
    """Each depends on a lane: sums, extrema, norms."""
    lanes = _lanes(function, values, kwargs)
    if i > 0 or any(lanes.size != math.prod(shape_of(y)) for y in parts):
        return None
    return [_grouped(sets, np.broadcast_to(lanes, shape_of(values[0])), lanes.size)] * len(parts)


def _along_lanes(function, values, i, sets, parts, kwargs):
    """Each depends on the lane in which it stands: transforms, and cumulative sums, which depend on less."""
    (y,), lanes = parts, _lanes(function, values, kwargs)
    if i > 0 or lanes.ndim != len(shape_of(y)) or any(n not in (1, m) for n, m in zip(lanes.shape, shape_of(y))):
        return None
    together = _grouped(sets, np.broadcast_to(lanes, shape_of(values[0])), lanes.size)
    return [_taken(together, np.broadcast_to(1 + lanes, shape_of(y)))]


def _stacked(function, values, i, sets, parts, kwargs):
    """Each depends on one matrix of a stack; of one that another broadcasts by axes in front, on all."""
    shape, loops = shape_of(values[i]), shape_of(values[i])[:-2]
    broadcast = any(len(shape_of(x)) > len(shape) for x in values)
    if not loops or broadcast or any(shape_of(y)[: len(loops)] != loops for y in parts):
        return None
    numbers = np.arange(math.prod(loops)).reshape(*loops, 1, 1)
    together = _grouped(sets, np.broadcast_to(numbers, shape), numbers.size)
    spread = lambda y: numbers.reshape(loops + (1,) * (len(shape_of(y)) - len(loops)))
    return [_taken(together, np.broadcast_to(1 + spread(y), shape_of(y))) for y in parts]


def _counted(function, values, i, sets, parts, kwargs):
    return [_grouped(sets, values[0], parts[0].size)] if i == 1 else None


def _polynomial(function, values, i, sets, parts, kwargs):
    """Each value depends on its argument, and on all coefficients."""
    return [sets] if i == 1 and shape_of(values[1]) == shape_of(parts[0]) else None


def _powers(function, values, i, sets, parts, kwargs):
    numbers = 1 + np.arange(np.size(values[0]))
    return [_taken(sets, np.broadcast_to(numbers[:, None], shape_of(parts[0])))]


def _convolved(function, values, i, sets, parts, kwargs):
    """Each depends on as many neighbours as the other factor has elements."""
    (y,), n, m = parts, np.size(values[i]), np.size(values[1 - i])
    if n * m > LARGEST:
        raise Full
    start = 0 if y.size == n + m - 1 else min(n, m) - 1 if y.size == max(n, m) - min(n, m) + 1 else (min(n, m) - 1) // 2
    near = np.arange(n)[:, None] + np.arange(m)
    members = sparse.csr_array((np.ones(n * m, bool), (near.ravel(), np.repeat(np.arange(n), m))), shape=(n + m - 1, n))
    return [sparse.csr_array(members @ sets)[start : start + y.size]]


def _sparse_product(function, values, i, sets, parts, kwargs):
    a, x = values
    if a.ndim == 1:
        return None
    factor = sparse.csr_array(a.array)
    factor = sparse.csr_array((np.ones(factor.nnz, bool), factor.indices, factor.indptr), shape=factor.shape)
    side_by_side = sparse.eye_array(math.prod(shape_of(x)[1:]), dtype=bool)
    return [sparse.csr_array(sparse.kron(factor, side_by_side, "csr") @ sets)]


def _contracted(letters):
    """A product of arrays by the letters of its axes, as np.einsum has them."""

    def arrange(function, values, i, sets, parts, kwargs):
        (y,), described = parts, letters(values, kwargs)
        if described is None:
            return None
        inputs, output = described
        mine, shape = inputs[i], shape_of(values[i])
        sizes = dict(zip(reversed(mine), reversed(shape)))
        kept = [letter for letter in output if letter in sizes]
        numbers = np.arange(math.prod(sizes[k] for k in kept)).reshape([sizes[k] for k in kept])
        grid = [
            np.arange(n).reshape([-1 if k == axis else 1 for k in range(len(shape))]) for axis, n in enumerate(shape)
        ]
        targets = numbers[tuple(grid[mine.index(k)] for k in kept)] if kept else 0
        together = _grouped(sets, np.broadcast_to(targets, shape), numbers.size)
        into = 1 + numbers.reshape([sizes.get(k, 1) for k in output])
        return [_taken(together, np.broadcast_to(into, shape_of(y)))]

    return arrange


def _of_matmul(values, kwargs):
    a, b = (np.ndim(x) for x in values)
    stack = lambda ndim: string.ascii_uppercase[: max(ndim - 2, 0)][::-1]
    inputs = stack(a) + "i" * (a > 1) + "j", stack(b) + "j" + "k" * (b > 1)
    return inputs, stack(max(a, b)) + "i" * (a > 1) + "k" * (b > 1)


def _free(values, summed):
    """The letters of two arrays of which these axes are summed over, and those of the result."""
    letters, inputs = iter(string.ascii_letters), []
    together = [next(letters) for _ in summed[0]]
    for x, axes in zip(values, summed):
        named = dict(zip(axes, together))
        inputs.append("".join(named[k] if k in named else next(letters) for k in range(np.ndim(x))))
    return inputs, "".join(c for s in inputs for c in s if c not in together)


def _of_dot(values, kwargs):
    a, b = map(np.ndim, values[:2])
    if a == 0 or b == 0:
        return _free(values[:2], ((), ()))
    return _free(values[:2], ((a - 1,), (max(b - 2, 0),)))


def _of_vectors(*cores):
    """The letters of NumPy's products of stacks of vectors; of such as broadcast or go along other axes, none."""

    def letters(values, kwargs):
        loops = [np.ndim(x) - len(core) for x, core in zip(values, cores)]
        if kwargs or loops[0] != loops[1] or loops[0] < 0:
            return None
        loop = string.ascii_uppercase[: loops[0]]
        inputs = [loop + core for core in cores]
        return inputs, loop + "".join(c for c in "".join(cores) if "".join(cores).count(c) == 1)

    return letters


def _of_outer(values, kwargs):
    return (["i", "j"], "ij") if np.ndim(values[0]) == np.ndim(values[1]) == 1 else None


def _of_inner(values, kwargs):
    a, b = map(np.ndim, values)
    return _free(values, ((), ()) if a == 0 or b == 0 else ((a - 1,), (b - 1,)))


def _of_tensordot(values, kwargs):
    (a, b), axes = map(np.ndim, values[:2]), [*values[2:], kwargs.get("axes", 2)][0]
    if np.ndim(axes) == 0 and not isinstance(axes, (tuple, list)):
        return _free(values[:2], (range(a - axes, a), range(axes)))
    return _free(values[:2], [normalize_axis_tuple(axis, ndim) for axis, ndim in zip(axes, (a, b))])


def _of_contract(values, kwargs):
    inputs, output = values[0].split("->")
    return [None, *inputs.split(",")], output


_arrangements = {
    **dict.fromkeys((np.reshape, np.ravel, np.expand_dims, np.squeeze, np.broadcast_to), _moved),
    **dict.fromkeys((np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.flip, np.roll, np.rot90), _moved),
    **dict.fromkeys((np.tril, np.triu, np.diagonal, np.diag, np.diagflat, np.fft.fftshift, np.fft.ifftshift), _moved),
    **dict.fromkeys((np.array_split, np.split, np.unstack, sliding_window_view, getitem), _moved),
    **dict.fromkeys((np.real, np.imag, np.copy, np.where, cast, laid_out, valued, cartesian), _broadcast),
    **dict.fromkeys((np.sum, np.mean, np.prod, np.max, np.amax, np.min, np.amin), _reduced),
    **dict.fromkeys((share_of_sum, log_sum, length, p_norm), _reduced),
    **dict.fromkeys((np.cumsum, np.cumprod, np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft), _along_lanes),
    **dict.fromkeys((np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.solve, np.linalg.pinv), _stacked),
    **dict.fromkeys((np.linalg.qr, np.linalg.svdvals, np.linalg.eig, full_svd, tall_qr, pseudoinverse), _stacked),
    **dict.fromkeys((hermitian_cholesky, hermitian_eigh, hermitian_eigvalsh, cofactors), _stacked),
    np.bincount: _counted,
    np.polyval: _polynomial,
    np.vander: _powers,
    np.convolve: _convolved,
    sparse_product: _sparse_product,
    put: _put,
    scatter: _scattered,
    np.matmul: _contracted(_of_matmul),
    np.dot: _contracted(_of_dot),
    np.inner: _contracted(_of_inner),
    np.outer: _contracted(_of_outer),
    np.vecdot: _contracted(_of_vectors("j", "j")),
    np.matvec: _contracted(_of_vectors("ij", "j")),
    np.vecmat: _contracted(_of_vectors("i", "ij")),
    np.tensordot: _contracted(_of_tensordot),
    contract: _contracted(_of_contract),
}
_arrangements_of_scipy = {  # by their names, as these modules are imported by those alone who use them
    ("scipy.special", "logsumexp"): _reduced,
    **dict.fromkeys((("scipy.special", "softmax"), ("scipy.special", "log_softmax")), _along_lanes),
    **dict.fromkeys((("scratch_ad.scipy.fft", "dct"), ("scratch_ad.scipy.fft", "idct")), _along_lanes),
}


def _arrangement(function):
    named = getattr(function, "__module__", None), getattr(function, "__name__", None)
    return _arrangements.get(function) or _arrangements_of_scipy.get(named)
