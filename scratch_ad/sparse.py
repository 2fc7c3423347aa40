"""Whole Jacobians by the cheapest plan: forward, reverse, or compressed, where the pattern of zeros allows it.

Two columns of a Jacobian that have no row in common can be had by one pass along their sum (Curtis, Powell and Reid,
J. Inst. Maths Applics 13, 1974): as many forward passes do as the columns need colours, or reverse passes as the rows
do. The pattern is found by running the function on dependent numbers (dependencies.py). It holds for all numbers with
which the function takes the same path: the same calls, on the same shapes, with the same indices. A ``Path`` is noted
in each run, so that another path gets a pattern of its own.
"""

import contextvars
import copy
import functools
import importlib.util
import itertools
import math
from typing import NamedTuple

import numpy as np

from . import forward, transforms
from .batch import Batched
from .chain import plain
from .compiling import compile
from .compiling.compiled import Compiled
from .fast import FastForward
from .jacobians import forward_columns, reverse_rows
from .layout import order_in_memory
from .modes import jvp, vjp_of_leaves
from .paths import Followed, Parted, Parts, Path, Taking
from .refusals import check_callable
from .registry import aval
from .tracer import Tracer, dtype_of, innermost, shape_of
from .tree import flatten, float0, is_inexact, unflatten, zeros


class Plan(NamedTuple):
    """How a Jacobian is computed: ``mode`` "forward" or "reverse", ``passes``, whether ``compressed``, and ``why``.

    ``shape``: of the Jacobian as one matrix; ``nonzeros``: how many elements of it may differ from zero, or None if
    that was not looked at; ``costs``: of each plan that was considered, in evaluations of the function.
    """

    mode: str
    passes: int
    compressed: bool
    shape: tuple
    nonzeros: int | None
    costs: dict
    why: str

    def __str__(self):
        how = f"{'compressed, ' * self.compressed}{self.mode} mode, {self.passes} pass{'es' * (self.passes != 1)}"
        costs = ", ".join(f"{name} {cost:.1f}" for name, cost in self.costs.items())
        return f"{how}: {self.why} (in evaluations of the function: {costs})."


def jacobian(fun, argnums=0, *, sparse=False, check=False, explain=False):
    """A function that gives the Jacobian of ``fun`` at least cost: forward, reverse or compressed.

    The result is that of ``jacfwd``: in the containers of the output and of the argument, arrays of shape
    ``output.shape + input.shape``. ``sparse``: in their places are SciPy arrays in CSR format, each element of the
    output a row, each of the input a column, as ``np.ravel`` has them; where the Jacobian is not compressed, they hold
    what differs from zero. ``check``: the result times a random direction is compared with the derivative along it.
    ``explain``: the result is ``(jacobian, plan)``, a ``Plan``, whose text says which and why; the plan is
    None where the arguments are differentiated or recorded once more.

    Counted are evaluations of ``fun``: 1 + 1.5 p for p forward passes, 1.5 + 2.5 p for p reverse ones (Griewank and
    Walther, Evaluating Derivatives, section 4.5). Colours and pattern are kept with the function that is returned, for
    all arguments of the same shapes with which ``fun`` takes the same path, and found anew for others. Without SciPy
    there is no compression. ``fun`` must give the same results and take the same path whenever it is called, and have
    a forward mode: where it calls a ``custom_vjp`` function, use ``jacrev``.
    Of a compiled function, ``jacobian(compile(f))``, the passes are compiled, too: from the third call on the path is
    what the guards of the recording say, those on indices among them.
    Raises TypeError for numbers that are not real, ImportError for ``sparse`` without SciPy, and RuntimeError where
    ``fun`` does not take the same path twice or, with ``check``, where the result is wrong.
    """
    check_callable("jacobian", fun)
    differentiate = _Jacobian(fun, argnums, sparse, check)

    @functools.wraps(fun)
    def jacobian_of(*args, **kwargs):
        result, plan = differentiate(args, kwargs)
        return (result, plan) if explain else result

    return jacobian_of


def hessian(fun, argnums=0, *, sparse=False, check=False, explain=False):
    """A function that gives the second derivatives of ``fun``: ``jacfwd(jacrev(fun))``, in its shapes.

    With ``sparse``, ``check`` or ``explain``, whose meaning is that of ``jacobian``, it is ``jacobian(grad(fun))`` of a
    function with one number as its result: at the cost of a few gradients where the pattern of zeros allows it.
    """
    if not (sparse or check or explain):
        return transforms.hessian(fun, argnums)
    argnums = transforms.positions(argnums)
    gradient = transforms.grad(fun, argnums)
    gradient = compile(gradient) if isinstance(fun, Compiled) else gradient
    return jacobian(gradient, argnums, sparse=sparse, check=check, explain=explain)


# Plans

_FEW = 12  # evaluations of the function, below which no pattern is looked for
_WORK = 1 << 32  # steps, a colour times an element of the pattern, beyond which no colours are looked for
_costs = {"forward": lambda p: 1 + 1.5 * p, "reverse": lambda p: 1.5 + 2.5 * p}


class _Apart(NamedTuple):
    """A pattern whose columns are parts that are taken of the arguments, each as an argument of its own.

    ``order``: that of its elements, by the columns of the arguments from which they come; ``starts``: where those
    begin in it that belong to the same element, which is their sum, or None where each has one.
    """

    parts: Parts
    pattern: object
    order: np.ndarray
    starts: np.ndarray | None


class _Compression:
    """A plan with its pattern and its colours, which are directions of a Jacobian: the sums of their unit vectors.

    ``places``: where the values of the pattern's elements, row by row, stand among the results of all passes.
    ``leaves``, ``out``: the shapes and dtypes on either side; ``likes``: of the side that has the colours.
    ``apart``: what the colours are of, where parts of the arguments count by themselves. ``results``: the leaves that
    count. ``passes``: of a compiled function, the results of all passes as a compiled function of its arguments.
    """

    passes, can_be_recorded = None, True

    def __init__(self, plan, path, pattern, colours, leaves, out, apart=None):
        self.plan, self.path, self.pattern, self.count, self.apart = plan, path, pattern, plan.passes, apart
        self.leaves, self.out = list(map(aval, leaves)), list(map(aval, out))
        self.likes = self.leaves if plan.mode == "forward" else self.out
        self.colours = colours.astype(np.min_scalar_type(plan.passes))
        self.results = range(len(self.out if plan.mode == "forward" else self.leaves))
        pattern = apart.pattern if apart else pattern
        entries, numbers = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr)), pattern.indices
        length = pattern.shape[0]
        if plan.mode == "reverse":
            entries, numbers, length = numbers, entries, pattern.shape[1]
        if apart:
            entries, self.results, length = _met(entries[apart.order], [*leaves, *apart.parts.likes])
            numbers = numbers[apart.order]
        self.places = colours[numbers].astype(np.intp) * length + entries if self.count > 1 else entries.astype(np.intp)

    def __getitem__(self, colour):
        return _like(self.likes, self.colours == colour)

    def all_in(self, batch, start, stop):
        """The directions from ``start`` to ``stop``, as a batch."""
        for x in self.likes:
            batch.check((stop - start, *x.shape), x)
        vectors = self.vectors if stop - start == self.count else self.stacked(start, stop)
        return [Batched(batch, x) for x in vectors]

    @functools.cached_property
    def vectors(self):
        """All directions, which nobody can change: a recording need not look whether they are still the same."""
        vectors = self.stacked(0, self.count)
        for x in vectors:
            while type(x) is np.ndarray:
                x.flags.writeable, x = False, x.base
        return vectors

    def stacked(self, start, stop):
        return _like(self.likes, self.colours == np.arange(start, stop)[:, None])

    def run(self, fun, leaves):
        """What ``fun``, of leaves, returns, the path it takes, and its derivatives along all directions."""
        followed = Followed(fun, _kind(self.apart and self.apart.parts))
        if self.plan.mode == "forward":
            out, _, results, _ = forward_columns(followed, leaves, along=self)
        else:
            out, _, pull, _ = vjp_of_leaves(followed, leaves, behind=self.apart.parts.likes if self.apart else ())
        if followed.path != self.path:
            return out, followed.path, None
        if self.plan.mode == "reverse":
            results = pull([x[0] for x in self.vectors]) if self.count == 1 else reverse_rows(pull, out, self)
        return out, followed.path, [results[k] for k in self.results]

    def matrix(self, results):
        """The Jacobian as one sparse matrix, or None where it depends on a run further out."""
        if any(isinstance(x, Tracer) for x in results):
            return None
        table = [np.asarray(x).reshape(self.count, np.size(x) // max(self.count, 1)) for x in results]
        table = table[0] if len(table) == 1 else np.concatenate(table, 1)
        matrix = copy.copy(self.pattern)  # whose indices need not be looked through again
        matrix.data = table.ravel().take(self.places)
        if self.apart and self.apart.starts is not None:
            matrix.data = np.add.reduceat(matrix.data, self.apart.starts)
        matrix.indices, matrix.indptr = matrix.indices.copy(), matrix.indptr.copy()
        return matrix


def _met(numbers, leaves):
    """Numbers of elements, counted among those of the leaves that have any; which leaves these are, and their size."""
    sizes = [math.prod(shape_of(x)) for x in leaves]
    there = np.zeros(sum(sizes), bool)
    there[numbers] = True
    met = [part.any() for part in np.split(there, np.cumsum(sizes)[:-1])]
    counted = np.cumsum(np.repeat(met, sizes)) - 1
    return counted[numbers], np.flatnonzero(met).tolist(), counted[-1] + 1


def _merged(parts, pattern, inputs):
    """The pattern in which a column stands for those of its parts, each behind the arguments; and these, apart."""
    csr_array, rows, ends, dtype = type(pattern), pattern.shape[0], pattern.indptr, pattern.indices.dtype
    columns = np.concatenate([np.arange(inputs), *parts.places]).astype(dtype)[pattern.indices]
    known = np.flatnonzero(columns >= 0)
    if known.size < columns.size:
        columns, ends = columns[known], np.searchsorted(known, ends).astype(dtype)
    order = csr_array((known, columns, ends), shape=(rows, inputs))
    order.sort_indices()
    columns, ends = order.indices, order.indptr
    begins = np.append(True, columns[1:] != columns[:-1]) if columns.size else np.zeros(0, bool)
    begins[ends[ends < columns.size]] = True  # of a row, too
    starts = None
    if not begins.all():
        starts = np.flatnonzero(begins)
        columns, ends = columns[starts], np.searchsorted(starts, ends).astype(dtype)
    merged = csr_array((np.ones(columns.size, bool), columns, ends), shape=(rows, inputs))
    return merged, _Apart(parts, pattern, order.data, starts)


def _like(likes, vectors):
    """The parts of a vector, or of a stack of them, in the shapes and dtypes of these leaves."""
    parts, start = [], 0
    for x in likes:
        size = math.prod(shape_of(x))
        part = vectors[..., start : start + size].astype(dtype_of(x))
        parts.append(part.reshape((*vectors.shape[:-1], *shape_of(x)))[()])
        start += size
    return parts


def _blocks(matrix, out, leaves, sparse):
    """For each leaf of the output the list of the blocks of the matrix that belong to each leaf of the argument."""
    rows, columns = ([0, *itertools.accumulate(math.prod(shape_of(x)) for x in side)] for side in (out, leaves))
    alone = len(out) == len(leaves) == 1
    for k, y in enumerate(out):
        blocks, dtype = [], _native(dtype_of(y))
        for i, x in enumerate(leaves):
            block = matrix if alone else matrix[rows[k] : rows[k + 1], columns[i] : columns[i + 1]]
            block = block if block.dtype == dtype else block.astype(dtype)
            if not sparse:
                block = block.toarray().reshape(shape_of(y) + shape_of(x)).astype(dtype_of(y), copy=False)
            blocks.append(block)
        yield blocks


def _native(dtype):
    """The dtype in the order of bytes that SciPy's sparse arrays have."""
    return dtype.newbyteorder("=")


def _fits(x):
    """Whether a number is real and of a precision that SciPy's sparse arrays have."""
    dtype = dtype_of(x)
    return dtype.kind == "f" and dtype != np.float16


def _csr_array():
    try:
        from scipy.sparse import csr_array
    except ImportError as error:
        raise ImportError("jacobian: sparse=True needs SciPy: pip install 'scratch-ad[scipy]'.") from error
    return csr_array


def _size(leaves):
    return sum(math.prod(shape_of(x)) for x in leaves)


def _coloured(pattern):
    """A number for each column such that columns of the same number have no row in common."""
    from scipy.optimize._numdiff import group_columns

    return group_columns(pattern, order=np.arange(pattern.shape[1]))


class _Dense(NamedTuple):
    """A plan without compression, and the path for which it holds; None if for any with results like ``out``."""

    plan: Plan
    path: tuple | None
    out: list


def _along_nothing(fun, leaves):
    """What ``fun`` returns, run on numbers that have tangents of zero."""
    with np.errstate(all="ignore"):
        return forward.run_on_leaves(FastForward(plain), fun, leaves, list(map(zeros, leaves)), False)[0]


def _check_same(path, *others):
    if any(other != path for other in others):
        raise RuntimeError(
            "jacobian: the function did not make the same calls twice at the same arguments, so that no pattern of "
            "zeros holds for it: make what it draws at random an argument and custom functions outside of it, or use "
            "jacfwd or jacrev."
        )


def _kind(parts):
    """The kind of path on which these parts are arguments of their own, if there are any."""
    return functools.partial(Parted, parts) if parts else Path


def _planned(followed, leaves, out, must):
    """The plan of least cost for the Jacobian of a function, of leaves: a ``_Compression``, or a ``_Dense``.

    ``followed``: the function, which was run on these leaves while it was noted what it takes of them. ``must``:
    whether a pattern is looked for in any case.
    """
    n, m, path = _size(leaves), _size(out), followed.path
    costs = {"forward": _costs["forward"](n)}
    if {dtype_of(x) for x in leaves} == {dtype_of(y) for y in out}:  # whose dtypes both modes give
        costs["reverse"] = _costs["reverse"](m)
    mode = min(costs, key=costs.get)
    passes = {"forward": n, "reverse": m}[mode]
    likes = list(map(aval, out))
    dense = lambda why, path, count=None: _Dense(Plan(mode, passes, False, (m, n), count, costs, why), path, likes)
    if not all(map(_fits, (*leaves, *out))):
        return dense("patterns of zeros are looked for of real numbers of single or double precision alone", None)
    if not (leaves and out) or (not must and costs[mode] < _FEW):
        return dense("there are few passes, so that no pattern of zeros was looked for", None)
    if importlib.util.find_spec("scipy") is None:
        return dense("SciPy, which finds patterns of zeros, is not installed", None)
    from . import dependencies

    parts, apart = followed.parts if "reverse" in costs else None, None
    try:
        inputs = [*leaves, *parts.likes] if parts else leaves
        pattern = dependencies.pattern(again := Followed(followed.fun, _kind(parts)), inputs)
    except dependencies.Full:
        return dense("most elements may differ from zero", path)
    except ValueError:  # of other parts, perhaps, than were taken before
        _check_same(path, again.path)
        raise
    _check_same(path, again.path)
    if parts:
        pattern, apart = _merged(parts, pattern, n)
    count = f"{pattern.nnz} of {m * n} elements may differ from zero"
    ways = [(f"compressed {side}", side, pattern, None) for side in costs]
    ways += [("compressed reverse of parts", "reverse", apart.pattern, apart)] if apart else []
    ways = [(_least(side, of), name, side, of, apart) for name, side, of, apart in ways]
    found = {}
    for least, name, side, of, apart in sorted(ways, key=lambda way: _costs[way[2]](way[0])):
        if _costs[side](least) < min(costs.values()) and least * of.nnz < _WORK:
            colours = _coloured(of if side == "forward" else of.T)
            passes = int(colours.max(initial=-1)) + 1
            costs[name], found[name] = _costs[side](passes), (side, passes, colours, apart)
    best = min(costs, key=costs.get)
    if best not in found:
        return dense(f"{count}, too many of them in one row or column", path, pattern.nnz)
    side, passes, colours, apart = found[best]
    lines = {"forward": "columns", "reverse": "rows"}[side]
    by_parts = ", as each part that is taken of the argument counts by itself" if apart else ""
    why = f"{count}, and the {lines} need {passes} colour{'s' * (passes != 1)}{by_parts}"
    plan = Plan(side, passes, True, (m, n), pattern.nnz, costs, why)
    return _Compression(plan, path, pattern, colours, leaves, out, apart)


def _least(side, pattern):
    """How many colours there are at least: elements in one row, or in one column."""
    return (np.diff(pattern.indptr) if side == "forward" else np.bincount(pattern.indices)).max(initial=0)


_KEPT = 8  # how many compressions are kept for each signature: a program has few paths, or a new one each time


class _Jacobian:
    """``jacobian`` of one function, with its plans."""

    def __init__(self, fun, argnums, sparse, check):
        self.fun, self.argnums, self.sparse, self.check = fun, transforms.positions(argnums), sparse, check
        self.plans = {}  # structure, shapes and dtypes of the argument → compressions and dense plans, the latest first
        self.at_hand = []  # compressions of a compiled function, the latest first

    def __call__(self, args, kwargs):
        for known in self.at_hand:
            if (found := _replayed(known, args, kwargs)) is not None:
                leaves, spec, on_leaves, _ = self.chosen(args, kwargs)
                results, out_spec = found
                return self.finished(known.matrix(results), known, spec, out_spec, on_leaves, leaves), known.plan
        single, count = isinstance(self.argnums, int), len(args)
        places = [self.argnums] if single else list(self.argnums)
        if not all(-count <= i < count for i in places) or len({i % count for i in places}) < len(places):
            return transforms.jacfwd(self.fun, self.argnums)(*args, **kwargs), None  # for its errors
        leaves, spec, on_leaves, specs = self.chosen(args, kwargs)
        matrix, known = None, None
        if innermost(leaves) is None and all(dtype_of(x).kind == "f" for x in leaves):
            matrix, known = self.compressed(on_leaves, leaves, spec, args, kwargs)
        plan = known and known.plan
        if matrix is not None:
            return self.finished(matrix, known, spec, specs[0], on_leaves, leaves), plan
        transform = transforms.jacrev if plan and plan.mode == "reverse" else transforms.jacfwd
        try:
            result = transform(self.with_results_like(known), self.argnums)(*args, **kwargs)
        except _Unlike:
            self.plans = {k: kept for k, kept in self.plans.items() if known not in kept}
            return self(args, kwargs)
        result = self.in_sparse_arrays(result, leaves) if self.sparse else result
        if self.check and plan is not None:
            self.compare(result, on_leaves, leaves)
        return result, plan

    def with_results_like(self, known):
        """The function, which raises ``_Unlike`` where its results are others than those of a plan for any path."""
        if known is None or known.path is not None:
            return self.fun

        def watched(*args, **kwargs):
            out = self.fun(*args, **kwargs)
            if list(map(aval, flatten(out)[0])) != known.out:
                raise _Unlike
            return out

        return watched

    def chosen(self, args, kwargs):
        """The leaves of what is differentiated, their spec, and ``fun`` as a function of a list of such leaves.

        With it comes a list, which then holds the spec of what ``fun`` has returned.
        """
        single = isinstance(self.argnums, int)
        places = [self.argnums] if single else list(self.argnums)
        leaves, spec = flatten(args[self.argnums] if single else tuple(args[i] for i in places))
        specs = []

        def on_leaves(leaves):
            full, chosen = list(args), unflatten(spec, leaves)
            for i, x in zip(places, [chosen] if single else chosen):
                full[i] = x
            out, out_spec = flatten(self.fun(*full, **kwargs))
            specs[:] = [out_spec]
            return out

        return leaves, spec, on_leaves, specs

    def finished(self, matrix, known, spec, out_spec, on_leaves, leaves):
        """The Jacobian, given as one sparse matrix, in its containers."""
        rows = [unflatten(spec, blocks) for blocks in _blocks(matrix, known.out, known.leaves, self.sparse)]
        result = unflatten(out_spec, rows)
        if self.check:
            self.compare(result, on_leaves, leaves)
        return result

    def in_sparse_arrays(self, result, leaves):
        """A Jacobian, in containers of dense blocks, in those of sparse ones."""
        blocks, spec = flatten(result)
        if innermost(blocks) is not None:
            raise TypeError(
                "jacobian: a SciPy array holds plain numbers, and these are differentiated or recorded once more: "
                "leave sparse= out, or compile what is differentiated, jacobian(compile(f), sparse=True)."
            )
        matrices, csr_array = [], _csr_array()
        for dtype in (x.dtype for x in blocks):
            if dtype.kind not in "fc" or dtype == np.float16:
                what = "float0, the derivative of integers" if dtype == float0 else "halves"
                raise TypeError(
                    f"jacobian: no SciPy array holds {what}: return floats of single or double precision, or leave "
                    "sparse= out."
                )
        for block, x in zip(blocks, itertools.cycle(map(shape_of, leaves))):
            y = block.shape[: block.ndim - len(x)]
            whole = np.reshape(block, (math.prod(y), math.prod(x)))
            matrices.append(csr_array(whole.astype(_native(whole.dtype), copy=False)))
        return unflatten(spec, matrices)

    def compare(self, result, on_leaves, leaves):
        """Raise unless the Jacobian times a random direction is the derivative along it, up to rounding."""
        rng, n = np.random.default_rng(), _size(leaves)
        along = _like(leaves, rng.uniform(0.5, 1.5, n) * rng.choice([-1, 1], n))
        followed = Followed(on_leaves)
        out, expected = jvp(lambda *leaves: followed(leaves), tuple(leaves), tuple(along))
        out = [y for y in out if is_inexact(y)]
        inside = [np.finfo(a.dtype).eps for a in followed.avals if a.dtype.kind in "fc"]
        eps = max(inside, default=0)  # the coarsest
        blocks = iter(flatten(result)[0])
        largest = lambda of: (
            max((float(np.max(np.abs(x), initial=0, where=np.isfinite(x))) for x in of), default=0.0) or 1.0
        )
        terms = largest(out) / largest(leaves) * largest(along)  # which may cancel
        for t in map(np.ravel, expected):
            if t.dtype == float0:
                blocks = itertools.islice(blocks, len(leaves), None)
                continue
            product = scale = np.zeros_like(t)
            for v in map(np.ravel, along):
                block = next(blocks) if self.sparse else np.reshape(next(blocks), (t.size, v.size))
                with np.errstate(all="ignore"):  # where it holds infinities
                    product, scale = product + block @ v, scale + abs(block) @ abs(v)
            product = np.where(np.isinf(scale) & np.isnan(product), t, product)  # infinities that cancel say nothing
            scale = np.where(np.isfinite(scale), scale, 0)  # others, and nan, have to be the same
            allowed = np.sqrt(eps) * scale + 64 * eps * max(scale.max(initial=0), terms)
            if (wrong := np.flatnonzero(~np.isclose(product, t, 0, allowed, equal_nan=True))).size:
                raise RuntimeError(
                    f"jacobian: along a random direction {wrong.size} of {t.size} elements are not the derivative "
                    f"there, the first {product[wrong[0]]} for {t[wrong[0]]}. Unless the function draws at random, it "
                    "is a mistake of ours: use jacfwd or jacrev."
                )

    def compressed(self, on_leaves, leaves, spec, args, kwargs):
        """The Jacobian as one sparse matrix, or None where that is not the plan; and the compression or dense plan."""
        signature = spec, *((shape_of(x), dtype_of(x), order_in_memory(x, "K")) for x in leaves)
        kept = self.plans.get(signature, [])
        if kept and kept[0].path is None:
            return None, kept[0]
        compiled = isinstance(self.fun, Compiled)
        first = kept[0] if kept and kept[0].plan.compressed and not (compiled and kept[0].can_be_recorded) else None
        if first:
            out, path, results = first.run(on_leaves, leaves)
        else:
            followed = Followed(on_leaves, Path if kept else Taking)
            out, path = _along_nothing(followed, leaves), followed.path
        if any(isinstance(y, Tracer) for y in out):
            return None, None
        known = next((c for c in kept if c.path == path), None)
        if known is None:
            if kept:
                _along_nothing(followed := Followed(on_leaves, Taking), leaves)
            known = _planned(followed, leaves, out, self.sparse)
        self.plans[signature] = [known, *(c for c in kept if c is not known)][:_KEPT]
        if not known.plan.compressed:
            return None, known
        if known is not first:
            results = self.recorded(known, args, kwargs) if compiled and known.can_be_recorded else None
            if results is None:
                out, again, results = known.run(on_leaves, leaves)
                _check_same(path, again, known.path)
        return known.matrix(results), known

    def recorded(self, known, args, kwargs):
        """The results of all passes of a compression, recorded on the way; None where a recording goes another way."""
        known.passes = known.passes or compile(_Passes(self, known))
        token = _records.set(True)
        try:
            results, _ = known.passes(*args, **kwargs)
        except _Unrecorded:
            known.can_be_recorded = False
            return None
        finally:
            _records.reset(token)
        self.at_hand = [known, *(c for c in self.at_hand if c is not known)][:_AT_HAND]
        return results


_AT_HAND = 2  # how many are tried before anything is looked at
_records = contextvars.ContextVar("records", default=False)  # whether a run of the passes may be recorded


class _Unlike(Exception):
    """The function returns other shapes or dtypes than those for which a plan was made."""


class _Unrecorded(Exception):
    """There is no program of these passes for these arguments, or they take another path."""


class _Passes:
    """All passes of a compression as a function of the arguments, to be compiled."""

    def __init__(self, jacobian, known):
        self.jacobian, self.known, self.__wrapped__ = jacobian, known, jacobian.fun
        self.__name__ = getattr(jacobian.fun, "__name__", "a function")

    def __call__(self, *args, **kwargs):
        """The results, and the containers of what the function returns, with numbers in them."""
        if not _records.get():
            raise _Unrecorded
        leaves, _, on_leaves, specs = self.jacobian.chosen(args, kwargs)
        _, path, results = self.known.run(on_leaves, leaves)
        if path != self.known.path:
            raise _Unrecorded
        return results, unflatten(specs[0], list(range(len(self.known.out))))


def _replayed(known, args, kwargs):
    """The results of all passes of a compression, and the spec of what the function returns; None if unrecorded."""
    try:
        results, numbers = known.passes(*args, **kwargs)
    except _Unrecorded:
        return None
    return results, flatten(numbers)[1]
