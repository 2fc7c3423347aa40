"""Whole Jacobians by the cheapest plan: the pattern of zeros, its colours, and what is never wrong in silence."""

import contextlib
import itertools
import sys

import ml_dtypes
import numpy as np
import pytest
import scipy.sparse
import scipy.special
from test_programs_in_place import PROGRAMS, weighed
from test_random_writes import Draw, same_layout

import jax_ref
import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.measure.tolerances import mismatch
from scratch_ad import compile, custom_jvp, custom_vjp, grad, hessian, jacfwd, jacobian, jacrev, linearize
from scratch_ad.batch import Batch
from scratch_ad.dependencies import Full, pattern
from scratch_ad.paths import Followed
from scratch_ad.tree import flatten

rng = np.random.default_rng(0)


def leaves_of(f):
    return lambda leaves: flatten(f(*leaves))[0]


def pattern_of(f, *args):
    return pattern(leaves_of(f), list(args)).toarray()


def path_of(f, *args):
    followed = Followed(leaves_of(f))
    linearize(lambda *leaves: followed(leaves), *args)
    return followed.path


def matrix_of(f, *args):
    """The Jacobian as one matrix, column by column."""
    out, push = linearize(lambda *leaves: leaves_of(f)(leaves), *args)
    columns = [np.zeros((sum(map(np.size, out)), 0))]
    for i, x in enumerate(args):
        for k in range(np.size(x)):
            seed = [np.zeros_like(a) for a in args]
            seed[i] = np.reshape(np.arange(np.size(x)) == k, np.shape(x)).astype(float)
            seed = [np.float64(s) if isinstance(a, (float, np.generic)) else s for s, a in zip(seed, args, strict=True)]
            columns.append(np.concatenate([np.zeros(0), *map(np.ravel, push(*seed))])[:, None])
    return np.concatenate(columns, 1)


def small(cases):
    return [c for c in cases if "float64" in c.dtypes and sum(np.size(a) for a in c.draw("float64")) <= 60]


@pytest.mark.parametrize("family", range(8))
def test_no_pattern_of_the_catalogue_lacks_an_element(family):
    """Every second at two points; where both take the same path, the pattern of one is that of the other."""
    same = 0
    for case in small(catalogue)[family::16]:
        f, point, other = case.function_in(), case.draw("float64"), case.draw("float64", "other")
        with np.errstate(all="ignore"):  # so that the values are as quiet as the derivatives
            found = pattern_of(f, *point)
            assert not np.any(matrix_of(f, *point)[~found]), case  # a nan, too, is not zero
            with contextlib.suppress(np.linalg.LinAlgError):  # other numbers may make no sense
                if path_of(f, *point) == path_of(f, *other):
                    same += 1
                    assert np.array_equal(found, pattern_of(f, *other)), case
                    assert not np.any(matrix_of(f, *other)[~found]), case
    assert same > 50


A, B, V = rng.uniform(0.5, 2, (4, 3)), rng.uniform(0.5, 2, (3, 5)), rng.uniform(0.5, 2, 6)
SPARSE = scipy.sparse.random_array((6, 6), density=0.3, rng=rng)
EXACT = {  # functions whose pattern is known in full
    "elementwise": (lambda a: np.sin(a) * a + scipy.special.erf(a), A),
    "broadcast": (lambda a: a[:, :1] * a[:1], A),
    "stencil": (lambda a: a[:-2] * a[1:-1] + np.exp(a[2:]), V),
    "columns kept": (lambda a: np.prod(a, axis=0, keepdims=True) + np.std(a, 0), A),
    "axes": (lambda a: np.sum(a.reshape(2, 2, 3), axis=(0, 2)) ** 2, A),
    "shapes": (lambda a: np.roll(np.flip(a.T.reshape(6, 2), 1), 1, 0).ravel("F"), A),
    "parts": (lambda a: np.concatenate([a[0], np.stack([a[1], a[2]])[:, 1], np.ones(2)]), A),
    "halves": (lambda a: np.split(a, 2)[1] * np.vsplit(a, 2)[0], A),
    "triangle": (lambda a: np.tril(a[:3]) + np.diag(a[0]), A),
    "diagonal": (lambda a: np.diagonal(a) ** 2, A),
    "windows": (lambda a: np.sum(np.lib.stride_tricks.sliding_window_view(a, 3) ** 2, 1), V),
    "product left": (lambda a: a @ B, A),
    "product right": (lambda b: A @ b, B),
    "products of stacks": (lambda a: np.matmul(a.reshape(2, 2, 3), B), A),
    "matrix and vector": (lambda a: a @ B[:, 0], A),
    "dot": (lambda a: np.dot(a, B), A),
    "inner": (lambda a: np.inner(a, B.T), A),
    "outer": (lambda a: np.multiply.outer(a[0], a[1]), A),
    "tensordot": (lambda a: np.tensordot(a, B, axes=([1], [0])), A),
    "einsum": (lambda a: np.einsum("ij,jk->ki", a, B), A),
    "convolution": (lambda a: np.convolve(a, [1.0, 2.0, 3.0]), V),
    "same convolution": (lambda a: np.convolve(a, [1.0, 2.0, 3.0, 4.0], "same"), V),
    "valid convolution": (lambda a: np.convolve([1.0, 2.0, 3.0], a, "valid"), V),
    "sparse product": (lambda x: SPARSE @ x, V),
    "sparse product of columns": (lambda x: SPARSE @ x, rng.uniform(1, 2, (6, 2))),
    "index": (lambda a: a[[2, 0, 2], [0, 1, 0]], A),
    "mask": (lambda a: a[a > 0], A),
    "sorted": (lambda a: np.sort(a), np.array([3.0, 1.0, 2.0])),
    "added at": (lambda a: added_at(a), V),
    "a number's only axis": (lambda a: np.sum(a[0], -1) * np.max(a[1], 0) + a, V),
    "counts": (lambda a: np.bincount([0, 2, 2, 1, 0, 5], a), V),
    "inverses": (lambda a: np.linalg.inv(a.reshape(3, 2, 2)), A),
    "determinants": (lambda a: np.linalg.slogdet(a.reshape(3, 2, 2))[1], A),
    "systems": (lambda a: np.linalg.solve(a.reshape(3, 2, 2), np.ones((3, 2, 1))), A),
    "singular values": (lambda a: np.linalg.svdvals(a.reshape(3, 2, 2)), A),
    "products of vectors": (lambda a: np.vecdot(a, A[::-1]), A),
    "products of matrices and vectors": (lambda a: np.vecmat(a, np.ones((4, 3, 2))), A),
    "outer product": (lambda a: np.outer(a[0], a[1]), A),
    "polynomial": (lambda a: np.polyval([1.0, 2.0, 3.0], a), A),
    "shares": (lambda a: scratch_ad.scipy.special.softmax(a, axis=1), A),
    "logarithms of sums": (lambda a: scratch_ad.scipy.special.logsumexp(a, axis=0), A),
    "cosines": (lambda a: scratch_ad.scipy.fft.dct(a, axis=0)[:1], A),
    "gradient": (grad(lambda a: np.sum(a[1:] ** 2 * a[:-1])), V),
    "derivative along": (lambda a: scratch_ad.jvp(np.sin, (a,), (a,))[1], A),
}


def written(a):
    b = np.zeros_like(a)
    b[1:3] = a[:2] ** 2
    b[-1] += a[0]
    view = b[::2]
    view *= a[1]
    return b


def added_at(a):
    b = a * 1.0
    np.add.at(b, [0, 0, 3], a[2:5] ** 2)
    return b


@pytest.mark.parametrize("f, x", EXACT.values(), ids=EXACT)
def test_patterns_are_exact_where_the_arrangement_is_known(f, x):
    assert np.array_equal(pattern_of(f, x), matrix_of(f, x) != 0)


LARGER = {  # whose elements depend on more at other points, or on less than is known: how much of the pattern is true
    "rows": (lambda a: np.sum(a**2, 1) * np.max(a, 1) + np.mean(a, axis=-1), A),
    "order": (lambda a: np.ravel(a.T, "K") + np.ravel(a.T, "A"), A),
    "trace of each": (lambda a: np.einsum("iij->j", a.reshape(2, 2, 3)), A),
    "transform": (lambda a: np.abs(np.fft.fft(a, axis=1)) ** 2, A),
    "choice": (lambda a: np.where(a > 0, a, a[::-1]), A),
    "written": (lambda a: written(a), V),
}


@pytest.mark.parametrize("f, x", LARGER.values(), ids=LARGER)
def test_patterns_are_bounded_where_less_is_known(f, x):
    found, true = pattern_of(f, x), matrix_of(f, x) != 0
    assert not np.any(true & ~found)
    assert found.sum() <= max(4 * true.sum(), 1) and found.sum() <= found.size / 2


def test_matrices_of_a_stack_that_another_broadcasts_count_by_the_axes_on_which_they_lie():
    a, b = rng.normal(size=(3, 2, 2)) + 3 * np.eye(2), rng.normal(size=(3, 3, 2, 1))
    for f, x in ((lambda a: np.linalg.solve(a, b), a), (lambda b: np.linalg.solve(a, b), b)):
        assert not np.any(matrix_of(f, x)[~pattern_of(f, x)])


# Plans


def stencil(x):
    return np.sin(x[:-2]) * x[1:-1] + np.exp(x[2:])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def parts_of_parts(x):
    """Of a matrix, its transpose and what is read twice; elements of the same argument meet in some of the results."""
    a = x.reshape(5, 8)
    return np.ravel(a[:, 1:].T * np.roll(a, 2, 1)[:, :7].T + np.exp(x[:35].reshape(7, 5) * a[:, 1:].T))


SEEN = np.stack([np.random.default_rng(k).permutation(40)[:4] for k in range(20)])


def ghosts(x):
    """The argument among zeros, which one of its own elements replaces in a corner."""
    u = np.zeros((7, 10), like=x)
    u[1:-1, 1:-1] = x.reshape(5, 8)
    u[0, 0] = x[3]
    return u


def laplace(u):
    """A non-linear five-point stencil of the inner points."""
    inner = u[1:-1, 1:-1]
    return np.ravel((u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * inner) * np.exp(inner))


def gathered(x):
    """Two results of each four numbers, of which the first is asked for twice."""
    four = x[SEEN]
    return np.concatenate([np.prod(four, 1), np.sum(four**2, 1) * x[SEEN[:, 0]]])


def arrow(x):
    """The first row is full, the others have one element."""
    return np.concatenate([np.sum(x**2, keepdims=True), np.exp(x[1:])])


def full(x):
    return np.cumsum(np.tanh(x)) * np.sum(x)


X, W = rng.uniform(0.1, 0.9, 40), np.ones(5)
PLANS = {
    "stencil": (jacobian, stencil, X, ("reverse of parts", 1, True, (38, 40), 114)),
    "stencil of 400": (jacobian, stencil, rng.normal(size=400), ("reverse of parts", 1, True, (398, 400), 1194)),
    "stencil of a function": (jacobian, lambda x: stencil(np.tanh(x)), X, ("forward", 3, True, (38, 40), 114)),
    "parts of parts": (jacobian, lambda x: parts_of_parts(x), X, ("reverse of parts", 1, True, (35, 40), 103)),
    "edges laid around": (
        jacobian,
        lambda x: laplace(np.pad(x.reshape(5, 8), 1)),
        X,
        ("reverse of parts", 1, True, (40, 40), 174),
    ),
    "ghost cells": (jacobian, lambda x: laplace(ghosts(x)), X, ("reverse of parts", 1, True, (40, 40), 174)),
    "gathered": (jacobian, lambda x: gathered(x), X, ("reverse of parts", 2, True, (40, 40), 160)),
    "five points": (jacobian, lambda x: np.convolve(x, W, "same") ** 2, X, ("forward", 5, True, (40, 40), 194)),
    "diagonal": (jacobian, np.tanh, X, ("forward", 1, True, (40, 40), 40)),
    "rows": (jacobian, lambda x: np.sum(x.reshape(8, 5) ** 2, 1), X, ("reverse", 1, True, (8, 40), 40)),
    "a full row": (jacobian, arrow, X, ("reverse of parts", 1, True, (40, 40), 79)),
    "full": (jacobian, full, X, ("forward", 40, False, (40, 40), 1600)),
    "wide": (jacobian, lambda x: full(x)[:5], X, ("reverse", 5, False, (5, 40), 200)),
    "few": (jacobian, lambda x: np.tanh(x)[:3], X[:3], ("forward", 3, False, (3, 3), None)),
    "no output": (jacobian, lambda x: x[:0], X, ("reverse", 0, False, (0, 40), None)),
    "constant": (jacobian, lambda x: np.ones(50) + 0 * np.floor(x[0]), X, ("forward", 1, True, (50, 40), 0)),
    "hessian": (hessian, rosenbrock, X, ("forward", 3, True, (40, 40), 118)),
}


@pytest.mark.parametrize("transform, f, x, expected", PLANS.values(), ids=PLANS)
def test_plans(transform, f, x, expected):
    differentiate = transform(f, explain=True, check=True)
    differentiate(x[::-1])
    result, plan = differentiate(x)
    side, *numbers = expected
    chosen = ("compressed " if plan.compressed else "") + side
    assert min(plan.costs, key=plan.costs.get) == chosen
    assert (plan.passes, plan.compressed, plan.shape, plan.nonzeros) == tuple(numbers)
    assert plan.mode == side.split()[0] and ("counts by itself" in plan.why) == side.endswith("parts")
    assert f"{plan.mode} mode, {plan.passes} pass" in str(plan)
    assert not mismatch(result, (scratch_ad.jacrev if transform is jacobian else jax_ref.hessian)(f)(x), 2)
    matrix = transform(f, sparse=True, check=True)(x)
    assert isinstance(matrix, scipy.sparse.csr_array) and matrix.shape == plan.shape
    assert np.array_equal(matrix.toarray(), result)


@pytest.fixture
def batches(monkeypatch):
    """The sizes of the batches that are made."""
    sizes, made = [], Batch.__init__
    monkeypatch.setattr(Batch, "__init__", lambda self, size, *args: sizes.append(size) or made(self, size, *args))
    return sizes


def test_passes_are_counted(batches):
    """Once the path is known: one run of the function, or one walk of its tape, on a batch of as many as colours."""
    runs, walks = [], []

    def evaluated(x):
        runs.append(1)
        return np.tanh(x)

    f = scratch_ad.elementwise(evaluated, lambda y: walks.append(1) or 1 - y * y)
    lower = lambda x: stencil(f(x))
    ends = lambda x: np.stack([np.sum(y := f(x)), np.sum(y[:40]), y[-1]])
    for g, n, colours in ((lower, 100, 3), (lower, 10000, 3), (ends, 100, 2)):
        jac = jacobian(g, sparse=True)
        jac(rng.normal(size=n))
        for counts in (runs, batches, walks):
            counts.clear()
        jac(rng.normal(size=n))
        assert (len(runs), batches, len(walks)) == (1, [colours], 1)


def test_containers_and_several_arguments_are_those_of_jacfwd():
    def f(p, scale, *, power):
        return {"a": stencil(p["x"]) * scale, "b": [p["y"] ** power, p["x"][:2, None] * p["y"][:3]]}

    p = {"x": rng.normal(size=8), "y": rng.normal(size=(4,))}
    for argnums in (0, 1, (0, 1), (1,)):
        for size in (8, 30):
            p["x"] = rng.normal(size=size)
            ours, plan = jacobian(f, argnums, explain=True)(p, 0.7, power=2)
            assert not mismatch(ours, jacfwd(f, argnums)(p, 0.7, power=2))
            blocks, spec = flatten(jacobian(f, argnums, sparse=True, check=True)(p, 0.7, power=2))
            dense, dense_spec = flatten(ours)
            assert spec == dense_spec
            for block, d in zip(blocks, dense, strict=True):
                assert block.ndim == 2 and np.array_equal(block.toarray().ravel(), np.ravel(d))
    assert plan.compressed is False  # of the last: one number


def test_dtypes_are_those_of_jacfwd():
    for f in (lambda x: stencil(x), lambda x: (x[:5].astype(np.float64) * 2, stencil(x))):
        for x in (rng.normal(size=30), rng.normal(size=30).astype(np.float32)):
            assert not mismatch(jacobian(f)(x), jacfwd(f)(x))


def test_complex_results_and_integers():
    f = lambda x: x[1:] * np.exp(1j * x[:-1])
    assert not mismatch(jacobian(f)(X), jacfwd(f)(X))
    assert np.array_equal(jacobian(f, sparse=True)(X).toarray(), jacfwd(f)(X))
    with pytest.raises(TypeError, match="real-valued inputs"):
        jacobian(f)(np.arange(5))
    with pytest.raises(TypeError, match="callable"):
        jacobian(3)
    with pytest.raises(TypeError, match="at least 2 positional arguments"):
        jacobian(f, 1)(X)
    with pytest.raises(ValueError, match="must differ"):
        jacobian(f, (0, -2))(X, X)


# Paths


@pytest.fixture
def searches(monkeypatch):
    """How many patterns have been looked for."""
    found = []
    real = scratch_ad.dependencies.pattern
    monkeypatch.setattr(scratch_ad.dependencies, "pattern", lambda *args: found.append(1) or real(*args))
    return found


def branching(x):
    return x * x[0] if x[0] > 0 else x * x[::-1]


def test_a_pattern_is_kept_for_the_same_path_and_found_anew_for_another(searches):
    jac = jacobian(branching, check=True)
    for sign, count in ((1, 1), (2, 1), (-1, 2), (1, 2), (-3, 2)):
        assert np.array_equal(jac(X * sign), jacfwd(branching)(X * sign))
        assert len(searches) == count


PATHS = {
    "sorted": np.sort,
    "masked": lambda x: np.where(x > 0, x, 0)[x > 0] ** 2,
    "taken": lambda x: x * x[np.argmax(x)],
    "written": lambda x: writes_at(x, np.argsort(x)[:20]),
    "sliced": lambda x: x[: int(np.sum(x > 0))] ** 2 * x[0],
    "a loop": lambda x: repeated(x, 1 + int(x[0] > 0)),
    "median": lambda x: np.median(x.reshape(8, 5), 1),
    "rounds": lambda x: np.roll(x, int(np.floor(3 * np.abs(x[0])))) * x,
    "interpolation": lambda x: np.interp(x, np.linspace(-3, 3, 30), np.arange(30.0)) * x[::-1],
    "which result": lambda x: either(np.tanh(x), np.sin(x)[::-1], x[0] > 0),
    "which of two arguments": lambda x: x * either(np.tanh(x), np.sin(x)[::-1], x[0] > 0),
    "closure": lambda x: x * x[CHOSEN],
    "sparse factor": lambda x: FACTORS[int(x[0] > 0)] @ x,
}
CHOSEN = [0] * 40
FACTORS = [scipy.sparse.eye_array(40, k=k) for k in (0, 3)]


def either(a, b, condition):
    return a if condition else b


def writes_at(x, places):
    y = x * 1.0
    y[places] = x[:20] ** 2
    return y


def repeated(x, n):
    for _ in range(n):
        x = x[1:] * x[:-1]
    return x


@pytest.mark.parametrize("f", PATHS.values(), ids=PATHS)
def test_numbers_that_decide_on_indices_decide_on_the_pattern(f, monkeypatch):
    jac = jacobian(f)
    for _ in range(6):
        x = rng.normal(size=40)
        monkeypatch.setitem(globals(), "CHOSEN", rng.integers(0, 40, 40))
        assert np.array_equal(jac(x), jacfwd(f)(x))


RECORDED = (
    {name: f for name, f in PATHS.items() if name != "rounds"}
    | {  # whose floats cannot be recorded as integers
        "branch": branching,
        "index of integers": lambda x: x[np.searchsorted(np.linspace(-2, 2, 38), x)] ** 2,
        "added at": lambda x: added_at_places(x, np.argsort(x)[:5]),
        "containers": lambda x: {"a": stencil(x)} if x[0] > 0 else [stencil(x), x[0]],
        "choices": lambda x: np.where(x > 0, x, x[::-1]) + np.floor(x) * x + np.maximum(x, 0.1),
    }
)


def added_at_places(x, places):
    """Which a recording does one by one, so that its calls are not those of the run."""
    y = x * 1.0
    np.add.at(y, places, x[:5] ** 2)
    return y


@pytest.mark.parametrize("f", RECORDED.values(), ids=RECORDED)
def test_a_recorded_pattern_is_guarded_by_what_decides_on_it(f, monkeypatch):
    jac, points = jacobian(compile(f), sparse=True), rng.normal(size=(2, 40))
    for k in (0, 0, 0, 1, 0, 1, 1, 0):
        monkeypatch.setitem(globals(), "CHOSEN", np.random.default_rng(k).integers(0, 40, 40))
        x = points[k] * (0.9 if points[k][0] > 0 else 1.1)
        expected, spec = flatten(jacfwd(f)(x))
        found, found_spec = flatten(jac(x))
        assert spec == found_spec
        for matrix, block in zip(found, expected, strict=True):
            assert np.array_equal(matrix.toarray(), block.reshape(matrix.shape))
            matrix.data[:], matrix.indices[:], matrix.indptr[:] = 7, 0, 0  # nobody else's


def test_compiled_passes_are_replayed(batches):
    def f(x, scale, *, power):
        return stencil(np.tanh(x).ravel("K")) * scale**power

    for transform, g in ((jacobian, f), (hessian, lambda x, *, power: rosenbrock(x.ravel("K")) ** power)):
        jac, plain = (transform(h, sparse=True, check=check) for h, check in ((compile(g), True), (g, False)))
        for x in (rng.normal(size=(8, 5)), np.asfortranarray(rng.normal(size=(8, 5))), np.float32(np.ones((10, 5)))):
            for k in range(4):
                others = (np.float64(k),) if g is f else ()
                batches.clear()
                found = jac(x + k / 8, *others, power=1)
                assert bool(batches) == (k < 2)
                expected = plain(x + k / 8, *others, power=1)
                assert found.dtype == expected.dtype and np.array_equal(found.toarray(), expected.toarray())
        assert np.isnan(jac(np.full((8, 5), np.nan), *others, power=1).data).any()
        many = jac(np.ones((30, 2)), *others, power=2)
        assert many.shape[1] == 60 and (many != plain(np.ones((30, 2)), *others, power=2)).nnz == 0


def test_a_compiled_pass_of_parts_is_replayed(monkeypatch):
    tapes, real = [], scratch_ad.sparse.vjp_of_leaves
    monkeypatch.setattr(scratch_ad.sparse, "vjp_of_leaves", lambda *args, **kw: tapes.append(1) or real(*args, **kw))
    jac = jacobian(compile(stencil), sparse=True)
    for k in range(5):
        x = rng.normal(size=40)
        expected = jacobian(stencil)(x)
        tapes.clear()
        assert np.array_equal(jac(x).toarray(), expected) and bool(tapes) == (k < 2)


@pytest.mark.parametrize("compiled", [False, True])
def test_sparse_matrices_of_traced_numbers(compiled):
    places = np.array([0, 1, 2, 2, 0]), np.array([0, 1, 2, 0, 1])
    of = scratch_ad.scipy.sparse
    f = lambda x: of.csr_array((x[:5], places)) @ x[5:] + of.coo_matrix((x[:5] ** 2, places)).T.toarray()[0]
    x = np.linspace(0.5, 2.0, 8)
    sparse = jacobian(compile(f) if compiled else f, sparse=True)
    for _ in range(3):
        assert not mismatch(sparse(x).toarray(), jacfwd(f)(x))


def test_patterns_of_sparse_matrices_are_the_same_if_made_alike_of_the_same_places():
    of, places = scratch_ad.scipy.sparse, (np.array([0, 1]), np.array([1, 0]))

    def made(kind, *places):
        found = []
        grad(lambda x: (found.append(kind((x, places))), np.sum(x))[1])(np.ones(2))
        return found[0].of

    first = made(of.csr_array, *places)
    assert first == made(of.csr_array, *places) and hash(first) == hash(made(of.csr_array, *places))
    assert first not in (made(of.csc_array, *places), made(of.csr_array, *places[::-1]), first.T, "else")


def test_masks_of_choices_do_not_change_the_path(searches):
    jac = jacobian(lambda x: np.where(x > 0, x, x[::-1]) + np.maximum(x, 0.1) + np.abs(x) * (x < 0.3))
    for _ in range(5):
        jac(rng.normal(size=40))
    assert len(searches) == 1


FLAT = {
    "sign": np.sign,
    "copysign": lambda d: np.copysign(1.0, d),
    "modf": lambda d: np.modf(3 * d)[1],
    "angle": np.angle,
}


@pytest.mark.parametrize("flat", FLAT.values(), ids=FLAT)
def test_what_has_no_slope_is_on_the_path_of_reverse_mode_what_it_is_on_that_of_forward_mode(flat):
    upwind = lambda x: flat(x[1:-1]) * (x[2:] * x[1:-1] - x[:-2])
    result, plan = jacobian(upwind, explain=True)(X - 0.5)
    assert plan.mode == "reverse" and not mismatch(result, jacfwd(upwind)(X - 0.5))


def test_a_function_that_does_not_do_the_same_twice_is_refused():
    draws = np.random.default_rng(1)
    with pytest.raises(RuntimeError, match="did not make the same calls twice"):
        jacobian(lambda x: x * x[draws.permutation(40)])(X)
    turns = itertools.count()
    for _ in range(3):  # also where it does one thing in the first run and the third, and another between
        with pytest.raises(RuntimeError, match="did not make the same calls twice"):
            jacobian(lambda x: x[1:] * (x[:-1] if next(turns) % 2 else x[0]), sparse=True)(X)


def test_a_wrong_pattern_is_found(monkeypatch):
    """Planted: the pattern lacks one element. A pattern that has one too many does no harm."""
    real = scratch_ad.dependencies.pattern

    def wrong(*args):
        found = real(*args)
        matrix = found.tolil()
        matrix[3, found.indices[found.indptr[3] + 1]] = False
        return scipy.sparse.csr_array(matrix)

    monkeypatch.setattr(scratch_ad.dependencies, "pattern", wrong)
    jacobian(stencil)(X)
    with pytest.raises(RuntimeError, match="1 of 38 elements are not the derivative there"):
        jacobian(stencil, check=True)(X)
    with pytest.raises(RuntimeError, match="are not the derivative there"):
        jacobian(stencil, sparse=True, check=True)(X)


def test_infinities_and_nan_are_compared_as_they_are():
    x = np.append(0.0, X[1:])
    root_of_differences = lambda x: np.sqrt(np.abs(np.pad(x, (2, 0)) - np.pad(x, (0, 2))))  # where infinities cancel
    for f in (np.sqrt, lambda x: np.log(x - 0.5) * x[::-1], lambda x: x[1:] * np.sqrt(x[:-1]), root_of_differences):
        x[3:6] = 0.25
        with np.errstate(all="ignore"):
            expected = jacfwd(f)(x)
            for sparse in (False, True):
                found = jacobian(f, sparse=sparse, check=True)(x)
                assert not mismatch(found.toarray() if sparse else found, expected)


@pytest.mark.parametrize("compiled", [False, True])
def test_indices_that_are_equal_in_python_and_not_in_numpy_have_patterns_of_their_own(compiled):
    f, x = lambda x, i: x[i] ** 2, X.reshape(2, 20)
    jac = jacobian(compile(f) if compiled else f)
    for i in (1, True, 1, [1, 1], [True, True], (1, 1), [1, 0], (1, 0), 0, True, (True, 1)):
        assert np.array_equal(jac(x, i), jacfwd(f)(x, i)), i


def test_a_plan_without_compression_holds_for_its_path_alone():
    f = lambda x, dense: x * np.sum(x) if dense else x**2
    jac = jacobian(f, explain=True)
    for dense in (True, False, True, False):
        result, plan = jac(X, dense)
        assert plan.compressed != dense and not mismatch(result, jacfwd(f)(X, dense))


def test_a_plan_for_any_path_is_one_for_results_of_the_same_shapes_and_dtypes():
    returned = [lambda s: s, lambda s: s.astype(np.float32), lambda s: 1j * s, lambda s: s * np.ones(50), lambda s: 3]
    f = lambda x, k: returned[k](np.sum(x**2))
    for function in (f, compile(f)):
        jac = jacobian(function, explain=True, check=True)
        for k in (0, 1, 1, 2, 0, 3, 4, 0, 4):
            result, plan = jac(X, k)
            assert not mismatch(result, jacfwd(f)(X, k)) and plan.shape == (np.size(f(X, k)), 40)


def test_there_is_a_plan_for_all_that_is_not_differentiated_once_more():
    half = X.astype(np.float16)
    for f, x in ((np.argsort, X), (lambda x: (1j * x, np.argmax(x), x), X), (stencil, half), (lambda x: None, X)):
        result, plan = jacobian(f, explain=True, check=True)(x)
        assert not mismatch(result, jacfwd(f)(x)) and not plan.compressed
    assert jacobian(lambda p: 1.0, explain=True)({})[1].shape == (1, 0)
    assert grad(lambda x: np.sum(jacobian(stencil, explain=True)(x)[0]))(X).shape == X.shape


def test_results_can_be_changed_without_harm_to_later_ones():
    jac = jacobian(stencil, sparse=True)
    first = jac(X)
    expected = first.toarray()
    first.indices[:], first.indptr[1:-1], first.data[:] = 0, 0, 7
    assert np.array_equal(jac(X).toarray(), expected)


def test_arguments_that_are_written_into_keep_their_numbers():
    def f(x):
        x[1:] *= x[:-1]
        return x

    x = X.copy()
    assert np.array_equal(jacobian(f)(x), jacfwd(f)(x)) and np.array_equal(x, X)


# What else a run may meet


def test_nothing_at_all():
    empty = np.zeros(0)
    for f, x in ((lambda x: (), X), (np.sin, empty), (lambda x: np.ones(30) * np.sum(x), empty), (lambda x: X, ())):
        ours = jacobian(f, check=True)(x)
        assert not mismatch(ours, jacfwd(f)(x))
        blocks = flatten(jacobian(f, sparse=True)(x))[0]
        assert [block.toarray().size for block in blocks] == [block.size for block in flatten(ours)[0]]


def test_a_half_full_jacobian_is_not_coloured_at_any_cost(monkeypatch):
    monkeypatch.setattr("scratch_ad.sparse._WORK", 1000)
    _, plan = jacobian(stencil, explain=True)(rng.normal(size=400))
    assert not plan.compressed and plan.nonzeros == 3 * 398


def test_custom_rules_count():
    through = custom_jvp(lambda x: np.round(x))
    through.defjvp(lambda primals, tangents: (np.round(*primals), tangents[0]))
    assert np.array_equal(jacobian(lambda x: through(x) * x[0], check=True)(X), jacfwd(lambda x: through(x) * x[0])(X))
    back = custom_vjp(lambda x: np.round(x))
    back.defvjp(lambda x: (np.round(x), None), lambda _, g: (3.0 * g,))
    with pytest.raises(TypeError, match="forward-mode"):
        jacobian(back)(X)
    f = lambda x: np.sum(through(x * x) ** 3)
    assert not mismatch(hessian(f, check=True)(X), hessian(f)(X))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_in_place(name):
    f, x = PROGRAMS[name]
    jac = jacobian(f, check=True, explain=True)
    jac(x + 0.01)
    ours, plan = jac(x)
    np.testing.assert_allclose(ours, jacfwd(f)(x), rtol=1e-11, atol=1e-13)
    assert np.array_equal(jacobian(f, sparse=True)(x).toarray().ravel(), np.ravel(ours)) or not plan.compressed
    loss = lambda x: weighed(f(x))
    second = hessian(loss, sparse=True, check=True)(x).toarray()
    np.testing.assert_allclose(second, hessian(loss)(x).reshape(second.shape), rtol=1e-8, atol=1e-10)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(5))
def test_random_programs_that_write(seed):
    for k in range(10):
        draw = Draw([100 + seed, k])
        program, given = draw.function(), lambda draw=draw: tuple(map(same_layout, draw.arguments))
        jac = jacobian(program, (0, 1), sparse=True, check=True)
        jac(*given())
        blocks, dense = (flatten(j(*given()))[0] for j in (jac, jacfwd(program, (0, 1))))
        for ours, theirs in zip(blocks, dense, strict=True):
            slack = 1e-5 if theirs.dtype == np.float32 else 1e-12
            np.testing.assert_allclose(ours.toarray().ravel(), theirs.ravel(), slack, slack, err_msg=draw.source())


def test_checkpoints_are_seen_through():
    f = scratch_ad.checkpoint(stencil)
    assert "compressed reverse of parts" in jacobian(f, explain=True)(X)[1].costs
    g = lambda x: scratch_ad.checkpoint_loop(lambda x: x + 0.1 * np.roll(x, 1) * x, x, 3, snapshots=2)
    ours, plan = jacobian(g, explain=True, check=True)(X)
    assert plan.nonzeros == 4 * 40 and not mismatch(ours, jacfwd(g)(X))


@pytest.mark.parametrize("rest", [(), (np.sum,)], ids=["forward", "reverse"])
def test_zero_times_infinity_is_zero(rest):
    """Along the columns that do not reach the root at 0, whose slope is infinite."""
    roots = lambda x: np.sqrt(x[1:]) * x[:-1]
    f = (lambda x: np.concatenate([roots(x)[::2], np.sum(x, keepdims=True)])) if rest else roots
    x = X.copy()
    x[5] = 0.0
    ours, plan = jacobian(f, explain=True)(x)
    assert (plan.compressed, plan.mode) == (True, "reverse" if rest else "forward")
    assert np.isinf(ours).sum() == 1 and not np.isnan(ours).any()
    assert not mismatch(ours, jacfwd(f)(x))


def test_inside_other_derivatives():
    loss = lambda x: np.sum(jacobian(stencil)(x) ** 2)
    assert not mismatch(grad(loss)(X), grad(lambda x: np.sum(jacfwd(stencil)(x) ** 2))(X))
    inner = lambda y: jacobian(lambda x: stencil(x) * y)(X)
    assert not mismatch(jacrev(inner)(0.3), jacrev(lambda y: jacfwd(lambda x: stencil(x) * y)(X))(0.3))
    for f in (lambda x: jacobian(stencil, sparse=True)(x), lambda y: jacobian(lambda x: x * y, sparse=True)(X)):
        with pytest.raises(TypeError, match="leave sparse= out"):
            jacrev(f)(X)


def test_without_scipy(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("scipy")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result, plan = jacobian(stencil, explain=True)(X)
    assert "SciPy" in plan.why and np.array_equal(result, jacfwd(stencil)(X))
    with pytest.raises(ImportError, match=r"pip install 'scratch-ad\[scipy\]'"):
        jacobian(stencil, sparse=True)(X)


def test_patterns_that_are_too_large_are_given_up(monkeypatch):
    monkeypatch.setattr("scratch_ad.dependencies.LARGEST", 1000)
    with pytest.raises(Full):
        pattern_of(full, X)
    _, plan = jacobian(full, explain=True)(X)
    assert "most elements" in plan.why and plan.nonzeros is None


def test_how_arrays_lie_in_memory_is_part_of_the_path():
    """It decides where ravel of order K puts an element, of the argument and of what the function finds elsewhere."""
    x, weights = X[:12].reshape(3, 4), {"a": np.ones((3, 4))}
    lays = np.ascontiguousarray, np.asfortranarray, np.ascontiguousarray
    for f, of_argument in (
        (lambda x: x.ravel()[::-1] * (x * x).ravel("K"), True),
        (lambda x: x.ravel()[::-1] * np.ravel(x[:, :1] * weights["a"], "K"), False),
    ):
        jac = jacobian(f, sparse=True)
        for lay in lays:
            weights["a"] = lay(weights["a"])
            y = lay(x) if of_argument else x
            np.testing.assert_array_equal(jac(y).toarray(), jacfwd(f)(y).reshape(12, 12))


def test_what_no_scipy_array_holds():
    half = X.astype(np.float16)
    assert not mismatch(jacobian(stencil)(half), jacfwd(stencil)(half))
    for f, x in ((stencil, half), (lambda x: stencil(x).astype(np.float16), X), (np.argsort, X)):
        with pytest.raises(TypeError, match=r"no SciPy array holds (halves|float0)"):
            jacobian(f, sparse=True)(x)
    with pytest.raises(TypeError, match="holds halves"):
        jacobian(stencil, sparse=True)(X.astype(ml_dtypes.bfloat16))


def test_numbers_in_another_order_of_bytes():
    x, y = X.astype(">f8"), X[:5].astype(">f4")
    f = lambda x, y: (stencil(x), stencil(x)[:5] * y, y)
    for argnums in (0, (0, 1)):
        expected = jacfwd(f, argnums)(x, y)
        assert not mismatch(jacobian(f, argnums, check=True)(x, y), expected)
        for block, dense in zip(flatten(jacobian(f, argnums, sparse=True)(x, y))[0], flatten(expected)[0], strict=True):
            assert block.dtype.isnative and np.array_equal((block @ np.eye(block.shape[1])).ravel(), dense.ravel())


def test_indices_of_other_runs():
    f, places = lambda x, i: x[i] * x, np.array([4, 2, 0])
    jac = jacobian(f)
    expected = np.stack([jacfwd(f)(X, i) for i in places])
    np.testing.assert_array_equal(scratch_ad.vmap(lambda i: jac(X, i))(places), expected)
    np.testing.assert_array_equal(jac(X, 4), expected[0])
    np.testing.assert_array_equal(jac(X, 2), expected[1])


def test_what_cancels_is_checked_up_to_the_rounding_of_its_terms():
    x = np.linspace(0, 1, 7)
    for _ in range(5):
        conserved = jacobian(lambda u: np.sum(np.roll(u, 1) - u)[None] * 0.3, check=True)(x**2)
        np.testing.assert_allclose(conserved, np.zeros((1, 7)), atol=1e-15)
        curved = hessian(lambda x: np.sum(np.exp(x) / np.sum(np.exp(x))), check=True)(x)
        np.testing.assert_allclose(curved, np.zeros((7, 7)), atol=1e-15)


NARROW = {
    "parts": stencil,
    "parts of the same place": lambda x: stencil(x) + np.cos(x[:-2].reshape(2, -1)).ravel(),
    "padded parts": lambda x: np.pad(x, 1)[:-2] * np.pad(x, 1)[2:],
    "columns": lambda x: np.concatenate([x * np.roll(x, 1), x[::-1] ** 2]),
    "products": lambda x: (x.reshape(10, -1) @ np.ones((20, 3))).ravel(),
    "matrices": lambda x: np.linalg.inv(x.reshape(-1, 2, 2)).ravel(),
}


@pytest.mark.parametrize("f", NARROW.values(), ids=NARROW.keys())
def test_indices_have_32_bits_as_solvers_take_them(f):
    found = jacobian(f, sparse=True)(np.random.default_rng(0).uniform(1, 2, 200))
    assert found.indices.dtype == found.indptr.dtype == np.int32 and found.has_sorted_indices
