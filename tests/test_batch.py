"""Batches: vmap, its loops, and Jacobians in one pass."""

import contextlib
import itertools

import jax
import numpy as np
import pytest

import jax_ref
import scratch_ad
import scratch_ad.numpy as snp
from jax_ref import lift
from jax_ref.cases import catalogue
from scratch_ad import (
    custom_jvp,
    custom_vjp,
    fallbacks,
    grad,
    hessian,
    jacfwd,
    jacobians,
    jacrev,
    jvp,
    linearize,
    record,
    stop_gradient,
    vjp,
    vmap,
)
from scratch_ad.batch import Batch, Batched
from scratch_ad.batching.loops import LOOPS
from scratch_ad.scipy import linalg, ndimage
from scratch_ad.tracer import name_of
from scratch_ad.tree import tree_map

pytestmark = pytest.mark.filterwarnings("ignore")

BY_NAME = {}
for _case in catalogue:
    BY_NAME.setdefault(name_of(_case.function), []).append(_case)
# One rounding of each sum, product of matrices or decomposition; the cases' matrices have conditions up to 100.
ROUNDINGS = 1000


def leaves(y):
    return [leaf for part in y for leaf in leaves(part)] if isinstance(y, (list, tuple)) else [y]


def assert_same(got, expected):
    """The same shapes and dtypes, and the same numbers up to the rounding of sums in another order."""
    got, expected = map(np.asarray, (got, expected))
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    if expected.dtype.kind not in "fc":
        assert got.tobytes() == expected.tobytes()
        return
    size = max(np.max(np.abs(expected), initial=0, where=np.isfinite(expected)), 1)
    error = ROUNDINGS * np.finfo(expected.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=error, atol=error * size)


def by_loop(f, examples):
    """The results of ``f`` for each example, stacked, leaf by leaf; None where their shapes differ."""
    results = [leaves(f(*x)) for x in examples]
    if len({tuple(map(np.shape, y)) for y in results}) > 1:
        return None
    return [np.stack(parts) for parts in zip(*results, strict=True)]


def pulled(f):
    """The cotangents of the arguments for cotangents of the result that are no two alike."""

    def g(*x):
        y, pull = vjp(f, *x)
        return pull(tree_map(weights, y))

    return g


def pushed(f):
    return lambda *x: jvp(f, x, tuple(map(weights, x)))[1]


def weights(y):
    n = np.arange(1.0, np.size(y) + 1).reshape(np.shape(y))
    return np.asarray(np.cos(n), y.dtype)[()] if y.dtype.kind in "fc" else np.zeros(np.shape(y), scratch_ad.float0)


RUNS = {"value": lambda f: f, "forward": pushed, "reverse": pulled}


@pytest.mark.parametrize("name", BY_NAME)
def test_every_case_of_the_catalogue_is_a_loop_over_the_examples(name):
    for case in BY_NAME[name]:
        for run, of in RUNS.items():
            for dtype in case.dtypes if run == "value" else case.dtypes[-1:]:
                f = of(case.function_in())
                examples = [case.draw(dtype, seed) for seed in ("", "1", "2")]
                with np.errstate(all="ignore"):
                    try:
                        expected = by_loop(f, examples)
                    except NotImplementedError:  # a derivative that is refused at these arguments
                        continue
                    batch = [np.stack(parts) for parts in zip(*examples, strict=True)]
                    if expected is None:
                        with pytest.raises(ValueError):
                            vmap(f)(*batch)
                        continue
                    with fallbacks() as loops:
                        found = leaves(vmap(f)(*batch))
                    assert loops.keys() <= LOOPING
                    for got, e in zip(found, expected, strict=True):
                        assert_same(got, e)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_derivative_of_every_second_case_goes_through_a_batch(name):
    """grad(vmap(f)), where a loop takes the derivative of each example."""
    for case in BY_NAME[name][::2]:
        dtype, f = case.dtypes[-1], case.function_in()
        examples = [case.draw(dtype, seed) for seed in ("", "1", "2")]
        batch = [np.stack(parts) for parts in zip(*examples, strict=True)]
        with np.errstate(all="ignore"):
            try:
                outs = [f(*x) for x in examples]
                expected = by_loop(pulled(f), examples)
            except NotImplementedError:
                continue
            if len({tuple(map(np.shape, leaves(y))) for y in outs}) > 1 or expected is None:
                continue
            y, pull = vjp(vmap(f), *batch)
            g = tree_map(lambda part: np.stack([weights(part[0])] * 3), y)
            for got, e in zip(leaves(pull(g)), expected, strict=True):
                assert_same(got, e)


# What JAX gives.

SAMPLE = [case for case in catalogue.of_numpy()[::23] if case.function not in (np.unique,) and not case.differs]


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_a_sample_beside_jax(case):
    dtype = case.dtypes[-1]
    examples = [case.draw(dtype, seed) for seed in ("", "1", "2")]
    batch = [np.stack(parts) for parts in zip(*examples, strict=True)]
    f = case.function_in()
    try:
        expected = leaves(jax.vmap(lift.lift(f))(*map(jax.numpy.asarray, batch)))
    except (TypeError, NotImplementedError):  # JAX does not know the shape, or lacks the function
        pytest.skip("jax.vmap refuses this call, so there is nothing to compare with")
    for got, e in zip(leaves(vmap(f)(*batch)), expected, strict=True):
        error = 1e5 * np.finfo(got.dtype).eps if got.dtype.kind in "fc" else 0
        np.testing.assert_allclose(got, np.asarray(e), rtol=error, atol=error)


X, W = np.random.default_rng(0).normal(size=(2, 5, 3))
B = np.random.default_rng(1).normal(size=(5, 4))


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v(lambda a, b: a[:, None] * b)(X, B),
        lambda v: v(lambda a, b: a @ b, in_axes=(0, None))(X, W.T),
        lambda v: v(lambda a, b: (a + b, {"a": a}), in_axes=(1, None), out_axes=(0, 1))(X, W[:, 0]),
        lambda v: v(lambda a: a.sum(), in_axes=-1)(X),
        lambda v: v(lambda a, b: a * b, in_axes=[0, 0])(X, W),
        lambda v: v(lambda d: d["a"] + d["b"], in_axes=({"a": 0, "b": None},))({"a": X, "b": 2.0}),
        lambda v: v(lambda p, c: p[0] * c, in_axes=((0, None), None))((X, W), 3.0),
        lambda v: v(lambda a: (a, 1.0), out_axes=(0, None))(X),
        lambda v: v(lambda a: (a, 1.0), out_axes=-1)(X),
        lambda v: v(lambda a, b=0: a + b)(X, b=W),
        lambda v: v(v(lambda a, b: a @ b, in_axes=(None, 1)), in_axes=(0, None))(X, W.T),
        lambda v: v(lambda: 2.0, axis_size=3)(),
        lambda v: v(lambda a, b, c=None: a * 2 if b is c is None else a)(X, None, c=None),
        lambda v: v(lambda a: a * 2)(np.zeros((0, 3))),
    ],
)
def test_axes_are_jaxs(call):
    got, expected = call(vmap), jax.tree.map(np.asarray, call(jax.vmap))
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda v: v(np.sin, in_axes=(0, 0))(X), ValueError, "tuple of entries corresponding to the positional"),
        (lambda v: v(np.sin, in_axes="0")(X), TypeError, "must be an int, None, or a tuple"),
        (lambda v: v(np.sin, in_axes=2)(X), ValueError, "rank should be at least 3"),
        (lambda v: v(np.sin, in_axes=-3)(X), ValueError, "rank should be at least 3"),
        (lambda v: v(np.sin, in_axes=None)(X), ValueError, "at least one non-None value in in_axes"),
        (lambda v: v(np.add)(X, B.T), ValueError, "inconsistent sizes"),
        (lambda v: v(np.sin, axis_size=7)(X), ValueError, "inconsistent sizes"),
        (lambda v: v(np.sin, out_axes=None)(X), ValueError, "out_axes is None"),
        (lambda v: v(np.sin, out_axes=5)(X), ValueError, "vmap out_axes=5 is out of bounds for a result that has 2"),
        (lambda v: v(np.sin, out_axes=-3)(X), ValueError, "vmap out_axes=-3 is out of bounds"),
        (lambda v: v(np.sin, out_axes=(0, 1))(X), ValueError, "out_axes .* containers of these as the result"),
        (lambda v: v(lambda d: d, in_axes=({"b": 0},))({"a": X}), ValueError, "containers of these as"),
        (lambda v: v(np.sin, in_axes=("0",))(X), TypeError, "must be integers or None in containers"),
        (lambda v: v(3), TypeError, "Expected a callable value"),
        (lambda v: v(np.sin)("a"), TypeError, "not a valid"),
        (lambda v: v(np.sin)(X.astype(object)), TypeError, "arrays of numbers, not of dtype object"),
        (lambda v: v(np.sin, in_axes=None, axis_size=-1)(X), ValueError, "how many examples there are"),
        (lambda v: v(lambda: 2.0, axis_size=2.5)(), TypeError, "vmap axis_size must be an int, .* got 2.5"),
        (lambda v: v(lambda: 2.0, axis_size=True)(), TypeError, "vmap axis_size must be an int, .* got True"),
        (lambda v: v(lambda x: "a")(X), TypeError, "not a valid"),
    ],
)
def test_wrong_axes_are_told(call, error, words):
    with pytest.raises(error, match=words):
        call(vmap)


# What NumPy code does: branches, writes, views.


def test_a_branch_is_taken_where_all_examples_agree():
    f = lambda x: x * 2 if x.sum() > 0 else -x
    np.testing.assert_array_equal(vmap(f)(np.abs(X)), np.abs(X) * 2)
    with pytest.raises(TypeError, match=r"holds for some examples .* write np\.where"):
        vmap(f)(X)
    with pytest.raises(ValueError, match="ambiguous"):
        vmap(lambda x: 1 if x > 0 else 2)(X)


def test_counts_are_taken_where_all_examples_agree():
    weigh = lambda x, k: x.sum() * np.arange(3.0)[:k].sum() + len([0 for _ in range(k)])
    np.testing.assert_allclose(vmap(weigh)(X, np.full(5, 2)), X.sum(1) + 2)
    with pytest.raises(TypeError, match="different indices, slices or counts"):
        vmap(weigh)(X, np.arange(5))
    np.testing.assert_array_equal(
        np.ravel(vmap(lambda x, k: x[k : k + 1])(X, np.arange(5) % 3)), X[range(5), np.arange(5) % 3]
    )
    np.testing.assert_array_equal(vmap(np.trim_zeros)(X * [0, 1, 1]), X[:, 1:])
    with pytest.raises(TypeError, match="leaves other lengths of the examples"):
        vmap(np.trim_zeros)(np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]))


def test_what_takes_plain_numbers_is_refused_with_a_remedy_for_batches():
    table, places = np.arange(12.0).reshape(4, 3), np.array([0, 2, 1])
    with pytest.raises(TypeError, match=r"Write np\.asarray\(arr, like=x\)\[x\], which takes each example's own"):
        vmap(lambda i: table[i])(places)
    np.testing.assert_array_equal(vmap(lambda i: np.asarray(table, like=i)[i])(places), table[places])
    for of_plain in (lambda x: float(x[0]), lambda x: x.tobytes()):
        with pytest.raises(TypeError, match="another number for each example: write it in NumPy calls"):
            vmap(of_plain)(X)
    with pytest.raises(TypeError, match=r"Compare with ==\.$"):
        vmap(hash)(X)


@pytest.mark.parametrize("name", ["take", "roll", "tril"])
def test_a_plain_array_by_a_number_of_each_example_is_refused_with_the_call_that_takes_it(name):
    function, table, places = getattr(np, name), np.arange(12.0).reshape(3, 4), np.array([0, 1])
    with pytest.raises(TypeError, match=rf"Write np\.{name}\(np\.asarray\(a, like=x\), x\)"):
        vmap(lambda i: function(table, i))(places)
    if name == "take":
        with pytest.raises(TypeError, match=r"Write np\.take\(np\.asarray\(a, like=x\), x\)"):
            vmap(lambda i: table.take(i))(places)
    got = vmap(lambda i: np.sum(function(np.asarray(table, like=i), i)))(places)
    np.testing.assert_array_equal(got, [np.sum(function(table, i)) for i in places])


ROWS = np.array([[0.1, 2.3, -0.7, 1.9], [3.1, -2.2, 0.4, 0.4], [1.0, 1.0, 1.0, 1.0]])


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i4"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.interp(x, np.arange(4), x),
        lambda x: np.interp(x, np.sort(x) + np.arange(4), x[::-1]),
        lambda x: np.interp(0.3, np.arange(4), x),
        lambda x: np.interp(x, np.arange(4.0), x, period=2.0),
        lambda x: np.pad(x, 2, mode="linear_ramp"),
        lambda x: np.pad(x, (1, 3), mode="linear_ramp", end_values=5),
        lambda x: np.pad(np.stack([x, x]), 3, mode="linear_ramp", end_values=((5, 6), (7, 8))),
        lambda x: np.pad(x, 2, mode="mean"),
        lambda x: np.pad(x, 1, mode="median", stat_length=3),
        lambda x: np.linspace(x[0], 1, 5),
        lambda x: np.searchsorted(x, x),
        lambda x: round(x[0], 1),
    ],
)
def test_rows_of_each_dtype_give_the_bits_of_the_plain_run(f, dtype):
    x = ROWS.astype(dtype)
    got, expected = vmap(f)(x), np.stack([f(row) for row in x])
    assert (got.dtype, got.tobytes()) == (expected.dtype, expected.tobytes())


@pytest.mark.parametrize("made", [np.zeros_like, np.ones_like, np.empty_like, lambda k: np.full_like(k, 3)])
@pytest.mark.parametrize("dtype", [int, bool])
def test_arrays_of_whole_numbers_like_an_example_can_be_written_into(made, dtype):
    def f(k, i):
        y = made(k)
        y[...] = 0
        y[i] = 1
        y[1:] += k[:-1]
        return y

    k, i = np.array([[1, 0, 1], [0, 0, 1]], dtype), np.array([2, 0])
    expected = np.stack([f(*one) for one in zip(k, i, strict=True)])
    for of in (vmap(f), scratch_ad.compile(vmap(f)), lambda k, i: vmap(vmap(f))(k[None], i[None])[0]):
        for _ in range(2):
            got = of(k, i)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, expected)


def test_results_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="different shapes for the examples"):
        vmap(lambda x: x[x > 0])(X)
    mask = np.array([[True, False, True]] * 5)
    np.testing.assert_array_equal(vmap(lambda x, m: x[m])(X, mask), X[:, [0, 2]])


def fills(x):
    y = np.zeros_like(x)
    y[0] = x[1]
    y[1:] += x[:2]
    view = y[::-1]
    view *= 2
    y[y < 0] = 0
    number = kept = x[0]
    number += 1
    return y, number, kept


def reads_a_number(x):
    first = x[0]
    x[0] = 5.0
    return first, x


def through_views(x):
    m = x.reshape(3, 1)
    t = m.T
    t[0, 1] = 7.0
    row = m[2]
    row += 1
    part = x[1:]
    part[...] = np.sort(part)
    return x, m, t, row


def by_index(x):
    k = np.argmax(x)
    x[k] = 0.0
    y = x[np.argsort(x)]
    y[[0, 0, 2]] = x[:3]
    np.add.at(y, [0, 0], x[1])
    return y, x[k - 1], k


def updates(x):
    x += 1
    x.sort()
    x[...] = np.cumsum(x)
    np.fill_diagonal(m := np.zeros_like(np.outer(x, x)), x)
    np.multiply(x, 2.0, out=x)
    x.flat[1] = 9.0
    return x, m


def asks_a_view(x):
    view = x[1:]
    x[:2] = 3.0
    count = view.shape[0]  # before anything else is asked of it since the write
    return count * view


def numbers(x):
    s = 0.0
    for v in x:
        s += v
        t = s
        t *= 2
    return s, t


def of_no_axis(x):
    r = x[..., 0]
    r += 3
    c = np.copy(x[1])
    c[...] = 4.0
    return x, r, c


def total_of(f):
    return lambda x: sum(np.sum(np.sin(y)) for y in leaves(f(x * 1.0)))


def summed(f):
    return lambda *x: np.sum(f(*x))


@pytest.mark.parametrize(
    "f",
    [fills, reads_a_number, through_views, by_index, updates, asks_a_view, numbers, of_no_axis],
    ids=lambda f: f.__name__,
)
def test_writes_and_views_are_those_of_each_example(f):
    for batch in (X, np.asfortranarray(X), X[::-1, ::-1]):
        expected = [leaves(f(x.copy())) for x in batch]
        for got, parts in zip(leaves(vmap(f)(batch)), zip(*expected, strict=True), strict=True):
            assert_same(got, np.stack(parts))
        if f is not by_index:  # whose index has no derivative
            gradients = np.stack([grad(total_of(f))(x) for x in batch])
            assert_same(vmap(grad(total_of(f)))(batch), gradients)
            assert_same(grad(summed(vmap(total_of(f))))(batch), gradients)


def zeroes(view):
    """A program of an array and an index that overwrites ``view`` of them, in words."""

    def program(x, i):
        x = x * 1.0
        part = eval(view, {"np": np, "x": x, "i": i})
        part *= 0
        return x, part

    return program


SHOWN = [*(f"x[{i}]" for i in ("i", "i - 2", "i:i + 1", "None, i", "[i, 0]")), "x.take(i)"]
SHOWN += [f"np.take(x, i, 0, mode={mode!r})" for mode in ("raise", "clip", "wrap")]


@pytest.mark.parametrize("view", SHOWN)
def test_what_shows_an_example_by_an_index_of_its_own_is_a_view_or_a_copy_as_in_numpy(view):
    x, indices = np.arange(1.0, 13.0).reshape(2, 3, 2), np.array([0, 2])
    f = zeroes(view)
    expected = list(map(np.stack, zip(*map(f, x, indices), strict=True)))
    for got in (vmap(f)(x, indices), leaves(vmap(lambda x, i: jvp(lambda x: f(x, i), (x,), (x,)))(x, indices))[:2]):
        for mine, numpys in zip(got, expected, strict=True):
            assert_same(mine, numpys)
    for mine, numpys in zip(vmap(vmap(f))(np.stack([x, x]), np.stack([indices] * 2)), expected, strict=True):
        assert_same(mine, np.stack([numpys] * 2))


def swapped(x, k, m):
    x = x * 1.0
    x[[k, m]] = x[[m, k]]
    return x


@pytest.mark.parametrize(
    "f",
    [
        swapped,
        lambda x, k, m: x[x > np.sort(x)[0]],
        lambda x, k, m: x[[k, 0]],
        lambda x, k, m: np.moveaxis(np.outer(x, x), 0, k * 0 + 1),
    ],
)
def test_two_batches_are_as_one(f):
    x, k, m = np.array([[3.0, 1.0, 2.0], [5.0, 6.0, 4.0]]), np.array([0, 2]), np.array([1, 0])
    twice = [np.stack([a, a]) for a in (x, k, m)]
    np.testing.assert_array_equal(vmap(vmap(f))(*twice), np.stack([np.stack(list(map(f, x, k, m)))] * 2))


def test_counts_are_taken_where_the_examples_of_all_batches_agree():
    weigh = lambda x, k: x.sum() * np.arange(3.0)[:k].sum()
    np.testing.assert_allclose(vmap(vmap(weigh))(X[None], np.full((1, 5), 2)), X.sum(1)[None])
    with pytest.raises(TypeError, match="different indices, slices or counts"):
        vmap(vmap(weigh))(X[None], np.arange(5)[None])


def test_the_callers_arrays_stay_as_they_are():
    x = X.copy()
    y = vmap(updates)(x)[0]
    z = vmap(lambda x: x)(x)
    z[:] = 0
    np.testing.assert_array_equal(x, X)
    assert not np.shares_memory(x, y) and not np.shares_memory(x, z)


def test_results_share_memory_with_nothing():
    table = np.arange(3.0)

    def several(x):
        y = x + table
        return x, x, y, y, y[1:], y.T, table, np.broadcast_to(table, (2, 3)), [y, np.sum(y)]

    x = X.copy()
    results = [x, table, *leaves(vmap(several)(x)), *leaves(vmap(vmap(lambda x: (x, x)))(x))]
    for k, a in enumerate(results):
        assert not any(np.shares_memory(a, b) for b in results[k + 1 :])
        a += 1  # and can be written into


def test_a_mask_of_each_example_takes_no_part_of_what_is_written_to():
    def reversed_where(mask_of, x):
        y = x * 1.0
        y[mask_of(y)] = y[::-1]
        return y

    same = lambda x: reversed_where(lambda y: np.full(4, True), x)
    X = np.arange(8.0).reshape(2, 4)
    assert np.array_equal(vmap(same)(X), [same(x) for x in X])
    with pytest.raises(TypeError, match=r"mask, another one for each example.* Copy it first: x\.copy"):
        vmap(lambda x: reversed_where(lambda y: y > -1, x))(X)

    def placed(x):
        np.place(x, x > 1, x[::-1])
        return x

    def sorted_into(x):
        np.put_along_axis(x, np.argsort(-x), x, -1)
        return x

    def gathered(x):
        x[x.astype(int) % 4] = x[::-1]
        return x

    for f in (sorted_into, gathered):
        with pytest.raises(TypeError, match=r"arr\[index\] = x takes no tracer of vmap"):
            vmap(f)(X)
    with pytest.raises(TypeError, match=r"np\.place\(arr, mask, x\) takes no tracer of vmap"):
        vmap(placed)(X)


def filled(x):
    v = x[...].copy()
    v %= -0.39
    v[...].fill(-0.7)
    return x + v


def scaled_in_place(x):
    v = np.copy(x[...])
    v *= 2.0
    view = v[...]
    view += x
    v[v > 1.5] = 7.0
    np.multiply(v, x, out=v)
    np.add.at(v, (), x)
    return x + v


@pytest.mark.parametrize("f", [filled, scaled_in_place])
def test_arrays_without_axes_stay_arrays(f):
    """A number of an example has no axis, as an array of no axes; the latter can be written into."""
    x = np.array([0.25, 1.0, 3.0])
    assert_same(vmap(f)(x), [f(v) for v in x])
    assert_same(vmap(grad(f))(x), [grad(f)(v) for v in x])
    assert_same(jacfwd(vmap(f))(x), np.diag([grad(f)(v) for v in x]))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("transform", [grad, jacfwd, jacrev])
def test_a_nan_of_one_example_in_a_nested_derivative(transform):
    """The step that is taken for each example alone is differentiated as one of all of them."""
    along = lambda y: jvp(lambda z: np.sum(z * z) * z, (y,), (y,))[1]
    f = lambda x: np.sum(along(np.log(x)))
    X = np.array([[0.5, 0.7], [-0.5, 0.3], [2.0, 3.0]])
    assert_same(vmap(transform(f))(X), [transform(f)(x) for x in X])


@pytest.mark.parametrize("made", [np.empty_like, lambda x: np.full_like(x, x[0])], ids=["empty_like", "full_like"])
def test_arrays_that_are_to_be_filled_are_the_same_in_each_run(made):
    """They hold whatever lay in memory; a compiled function asks whether its constants are those of the run before."""

    def f(x):
        y = made(x)
        y[1:] = 2.0 * x[1:]
        return y[1:]

    compiled, X = scratch_ad.compile(vmap(f)), np.linspace(0.0, 1.0, 600).reshape(2, 300)
    for k in range(4):
        held = np.full(X.shape, float(k))
        del held  # whose memory is that of the next array
        assert np.array_equal(compiled(X + k), vmap(f)(X + k))


COPIES = {"tile": lambda x: np.tile(x, 1), "of a broadcast": lambda x: np.copy(np.broadcast_to(x, (1, 4)))}


@pytest.mark.parametrize("made", COPIES.values(), ids=COPIES)
def test_copies_can_be_written_into(made):
    def f(x):
        y = made(x)
        y[..., 0] = 7.0
        return x + y

    X = np.arange(8.0).reshape(2, 4)
    assert np.array_equal(vmap(f)(X), [f(x) for x in X])


def test_random_writes_are_those_of_each_example():
    """Programs of random writes, views and in-place operations, value and gradient."""
    rng = np.random.default_rng(5)
    steps = [
        lambda x, i, j: x.__setitem__(i, x[j]),
        lambda x, i, j: x.__setitem__(slice(i, None), x[j] * x[i:]),
        lambda x, i, j: x[i:].__iadd__(x[j]),
        lambda x, i, j: x[::-1].__setitem__(j, np.sin(x[i])),
        lambda x, i, j: x.reshape(2, 3)[i % 2].__imul__(x[j]),
        lambda x, i, j: x.reshape(2, 3).T.__setitem__((i % 3, j % 2), x[i] + 1),
        lambda x, i, j: x.__setitem__(x > 0.3, x[j]),
        lambda x, i, j: (v := x.reshape(2, 3).T).__setitem__(v > 0.3, x[j]),
        lambda x, i, j: (v := x.reshape(3, 2)).__setitem__((v[:, 0] > 0.3, j % 2), np.cos(x[i])),
        lambda x, i, j: (v := x[::-1].reshape(3, 2)).__imul__(np.where(v > x[j], 0.5, 1)),
        lambda x, i, j: x.__setitem__([i, j], x[:2]),
        lambda x, i, j: x.sort(),
        lambda x, i, j: np.copyto(x[i:], x[j]),
    ]
    for _ in range(60):
        program = [(steps[rng.integers(len(steps))], *rng.integers(0, 6, 2)) for _ in range(6)]

        def f(x, program=program):
            x = x * 1.0
            views = [x[1:], x.reshape(3, 2)]
            for step, i, j in program:
                step(x, int(i), int(j))
            return np.sum(np.cos(x) * np.arange(6)) + sum(np.sum(v * v) for v in views)

        batch = rng.normal(size=(4, 6))
        assert_same(vmap(f)(batch), np.stack([f(x) for x in batch]))
        assert_same(vmap(grad(f))(batch), np.stack([grad(f)(x) for x in batch]))


LAYOUTS = {  # functions whose result lies in memory otherwise where all examples are computed at once
    "matvec": lambda x: W4 @ x,
    "dot": lambda x: np.dot(W4, x),
    "solve": lambda x: np.linalg.solve(2 * np.eye(3), np.outer(x, x)),
    "columns": lambda x: np.outer(x, x)[:, [0, 1]],
    "rows of a transposed": lambda x: np.outer(x, x).T[[0, 1]],
    "an array between": lambda x: np.outer(x, x)[:, None, [0, 1]],
    "vander": lambda x: np.vander(x, 3),
    "diag": lambda x: np.diag(x),
    "diagflat": lambda x: np.diagflat(x),
    "round": lambda x: np.round(np.outer(x, x).T, 1),
    "zeros_like": lambda x: np.zeros_like(np.outer(x, x).T) + x,
    "ones_like": lambda x: np.ones_like(np.outer(x, x).T),
    "quantiles": lambda x: np.quantile(np.outer(x, x)[None] * W4[:, None, :], [0.2, 0.5], 0),
    "transposed sum": lambda x: np.outer(x, x).T + 1,
    "einsum": lambda x: np.einsum("i,j->ji", x, x),
    "sort": lambda x: np.sort(np.outer(x, x), 0),
}
W4 = np.random.default_rng(4).normal(size=(4, 3))
FLATTENED = {
    "reshape": lambda y: y.reshape(-1),
    "ravel": lambda y: y.ravel(),
    "in columns": lambda y: y.ravel("F"),
    "as it lies": lambda y: y.ravel("K"),
    "transposed": lambda y: y.T.reshape(-1),
}


@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS)
def test_new_arrays_have_the_views_that_those_of_one_example_have(make):
    """A view where the plain run has a copy, or the other way round, would show in what a write into it changes."""
    for view in FLATTENED.values():

        def written(x, view=view):
            y = make(x)
            part = view(y)
            part[:2] = 7.0
            y[:1] += 1.0
            return y, part

        expected = [np.stack(parts) for parts in zip(*(written(x) for x in X[:, :3]), strict=True)]
        for found, wanted in zip(vmap(written)(X[:, :3]), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_a_write_into_a_plain_array_is_refused_with_the_remedy():
    def f(x):
        y = np.zeros(3)
        y[0] = x[0]
        return y

    with pytest.raises(TypeError, match=r"no tracer of vmap into a plain array.*zeros_like"):
        vmap(f)(X)

    def g(x):
        y = snp.zeros(3)
        y[0] = x[0]
        return y

    np.testing.assert_array_equal(vmap(g)(X), np.stack([g(x) for x in X]))


@pytest.mark.parametrize("solve", [np.linalg.inv, np.linalg.cholesky])
def test_what_raises_for_some_examples_alone_takes_no_way_for_all(solve):
    def otherwise(a):
        try:
            return solve(a)
        except np.linalg.LinAlgError:
            return 0 * a

    good, bad = np.eye(2) + 0.1, np.array([[1.0, 1.0], [1.0, 1.0]]) - (solve is np.linalg.cholesky) * np.eye(2)
    for alike in (good, bad):
        np.testing.assert_array_equal(vmap(otherwise)(np.stack([alike, alike])), [otherwise(alike)] * 2)
    for transform in (vmap, lambda f: vmap(grad(lambda a: np.sum(f(a))))):
        with pytest.raises(TypeError, match=r"raised LinAlgError for some examples and not .* as if for all"):
            transform(otherwise)(np.stack([good, bad]))
    with pytest.raises(np.linalg.LinAlgError):
        vmap(solve)(np.stack([good, bad]))


def test_a_tracer_that_outlives_its_run_is_refused():
    kept = []
    vmap(lambda x: kept.append(x) or x)(X)
    with pytest.raises(TypeError, match="unexpected tracer"):
        np.sin(kept[0])
    with pytest.raises(TypeError, match="unexpected tracer"):
        vmap(lambda x: kept[0])(X)


# Together with the other transformations.


def f(x):
    return np.sum(np.tanh(W @ x) ** 2) * x[0]


@pytest.mark.parametrize(
    "of",
    [
        grad,
        hessian,
        jacfwd,
        jacrev,
        lambda f: lambda x: jvp(f, (x,), (x,))[1],
        lambda f: lambda x: linearize(f, x)[1](x),
        lambda f: lambda x: record(f, x)(x)[0],
        lambda f: lambda x: scratch_ad.hvp(f, (x,), (x,)),
        lambda f: grad(lambda x: np.sum(vmap(lambda a: f(x * a))(np.arange(4.0)))),
        lambda f: grad(lambda x: f(stop_gradient(x)) * x[1]),
    ],
)
def test_vmap_of_transformations_and_transformations_of_vmap(of):
    expected = np.stack([of(f)(x) for x in X])
    assert_same(vmap(of(f))(X), expected)
    assert_same(vmap(vmap(of(f)))(X[None])[0], expected)
    total = lambda X: np.sum(vmap(of(f))(X))
    of_loop = lambda X: np.sum(np.stack([of(f)(x) for x in X]))
    assert_same(grad(total)(X), grad(of_loop)(X))


def test_jax_runs_and_compiles_vmap():
    np.testing.assert_allclose(jax_ref.jit(vmap(grad(f)))(X), vmap(grad(f))(X), rtol=1e-12)
    np.testing.assert_allclose(jax_ref.jit(jacfwd(vmap(f)))(X), jacfwd(vmap(f))(X), rtol=1e-12)


def test_custom_derivatives_hold_below_a_batch_and_above():
    @custom_jvp
    def tenfold(x):
        return np.sin(x)

    tenfold.defjvp(lambda primals, tangents: (tenfold(*primals), 10 * tangents[0]))

    @custom_vjp
    def hundredfold(x):
        return np.sin(x)

    hundredfold.defvjp(lambda x: (np.sin(x), None), lambda _, g: (100 * g,))
    x = np.arange(4.0)
    for function, factor in ((tenfold, 10), (hundredfold, 100)):
        np.testing.assert_array_equal(vmap(grad(function))(x), np.full(4, factor))
        np.testing.assert_array_equal(grad(summed(vmap(function)))(x), np.full(4, factor))
        np.testing.assert_array_equal(jacrev(function)(x), factor * np.eye(4))


def test_a_users_rule_that_takes_views_of_its_cotangent():
    @custom_vjp
    def ahead(x):
        return x * 1.0

    def back(_, g):
        g = g * 1.0
        view = g[1:]
        view *= 5
        return (g,)

    ahead.defvjp(lambda x: (x * 1.0, None), back)
    np.testing.assert_array_equal(jacrev(ahead)(np.arange(3.0)), np.diag([1.0, 5.0, 5.0]))


def test_a_users_rule_that_takes_plain_numbers_alone():
    @custom_vjp
    def plain(x):
        return x * 1.0

    plain.defvjp(lambda x: (x * 1.0, None), lambda _, g: (np.array([float(v) for v in g]),))
    with fallbacks() as loops:
        np.testing.assert_array_equal(jacrev(plain)(np.arange(3.0)), np.eye(3))
    assert loops == {"jacrev, one unit vector after another": 1}


@pytest.mark.parametrize(
    "g, batch",
    [
        (lambda x: np.where(x > 0, np.sqrt(x), 0.0), [1.0, -1.0, 0.0, 4.0]),
        (lambda x: np.linalg.norm(x), [[0.0, 0.0], [3.0, 4.0]]),
        (lambda x: np.sum(np.sqrt(np.diff(x, prepend=x[:1]))), [[1.0, 2.0, 4.0], [3.0, 5.0, 6.0]]),
        (lambda x: np.sum(np.where(x > 1, np.log(x - 1), x) * x), [[0.0, 1.0, 2.0], [3.0, 1.0, 0.5]]),
        (lambda x: np.sqrt(np.array([1.0, 0.0]) @ x), [[0.0, 1.0], [4.0, 1.0]]),
        (lambda x: np.where([True, False], np.stack([x, 1 / x]) @ x, 0.0)[0], [[0.0, 1.0], [3.0, 4.0], [0.0, 0.0]]),
        (lambda x: np.sum(np.where(x[0] > 0, np.linalg.inv(x[0] * np.eye(2)) * x, x)), [[0.5, 1.0], [-1.0, 2.0]]),
    ],
)
def test_the_look_for_nan_is_that_of_each_example(g, batch):
    batch = np.array(batch)
    with np.errstate(all="ignore"):
        expected = np.stack([grad(g)(x) for x in batch])
        assert not np.isnan(expected).any()
        assert_same(vmap(grad(g))(batch), expected)
        ones = np.ones_like(batch)
        pushes = [jvp(g, (x,), (np.ones_like(x),))[1] for x in batch]
        assert_same(vmap(lambda x, t: jvp(g, (x,), (t,))[1])(batch, ones), np.stack(pushes))


# Loops are counted.


def test_loops_are_counted_and_named():
    with fallbacks() as outer:
        with fallbacks() as loops:
            vmap(np.real_if_close)(X)
            vmap(lambda x: np.unique(x) @ np.unique(x))(X)
        vmap(np.sin)(X)
    assert loops == outer == {"np.real_if_close": 1, "np.unique": 2}


LOOPING = {name for names in LOOPS.values() for name in names}


def test_what_is_said_to_loop_does_so():
    """That nothing else does is seen where every case is run."""
    seen = {"np.convolve", "convolve", "convolve2d"}  # of what is longer than the catalogue's arrays
    names = {
        *LOOPING,
        "np.trim_zeros",
        "scipy.optimize.brentq",
        *(name for name in BY_NAME if name.startswith("scipy.sparse")),
    }
    for case in itertools.chain.from_iterable(BY_NAME.get(name, ()) for name in names):
        examples = [case.draw(case.dtypes[-1], seed) for seed in ("", "1", "2")]
        batch = [np.stack(parts) for parts in zip(*examples, strict=True)]
        for run in RUNS.values():
            with fallbacks() as loops, np.errstate(all="ignore"), contextlib.suppress(NotImplementedError, ValueError):
                vmap(run(case.function_in()))(*batch)
            seen |= loops.keys()
    for name in LOOPS["how large the result is, or the kernel, depends on the numbers"]:  # the catalogue's are the same
        f = getattr(ndimage, name.rpartition(".")[2])
        with fallbacks() as loops, contextlib.suppress(ValueError):  # of rotated images of other sizes
            found = vmap(f)(np.stack([W, W]), np.array([0.4, 40.0]))
            np.testing.assert_array_equal(found, [f(W, 0.4), f(W, 40.0)])
        seen |= loops.keys()
    assert seen == LOOPING


@pytest.mark.parametrize("keepdims", [True, False])
def test_extrema_of_windows_and_their_ties_are_those_of_each_example(keepdims):
    rng = np.random.default_rng(0)
    x = np.maximum(rng.normal(size=(6, 4, 8, 2, 9, 2)), 0)
    x[2], x[3, 0, 0] = -x[2], np.nan
    f = lambda x: [np.max(x, (2, 4), keepdims=keepdims), np.amin(x, -1, None, keepdims), x.max(axis=2)]
    counts = lambda x: [np.sum(x > 0, (2, 4), dtype, keepdims=True) for dtype in (float, int, np.float32)]
    of_all = lambda x: sum(np.nansum(y * y) for y in f(x))
    for g in (f, counts, lambda x: [grad(of_all)(x)]):
        for ours, *theirs in zip(vmap(g)(x), *map(g, x), strict=True):
            wanted = np.stack(theirs)
            assert ours.dtype == wanted.dtype and ours.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("name", ["var", "std", "mean", "nanvar", "nanstd", "nanmean", "sum", "prod"])
def test_a_mask_of_each_example_leaves_the_shape_of_a_reduction(name):
    f = lambda x, m: getattr(np, name)(x, where=m)
    x, m = np.arange(6.0).reshape(2, 3) ** 2, np.array([[1, 1, 0], [0, 1, 1]], bool)
    assert_same(vmap(f)(x, m), np.stack(list(map(f, x, m))))
    for of in (grad, jacfwd):
        assert_same(vmap(of(f))(x, m), np.stack(list(map(of(f), x, m))))
    for where in (m, np._NoValue):
        told = lambda x, w=where: getattr(np, name)(x, 0, keepdims=np._NoValue, where=w)  # NumPy's own defaults
        assert_same(jvp(told, (x,), (x,))[0], told(x))


def test_the_right_sides_of_one_matrix_go_side_by_side():
    a, flops = np.eye(3) + W[:3], []
    for solve in (np.linalg.solve, linalg.solve, linalg.solve_triangular):
        for b in (X, X[:, :, None] * np.arange(4.0)):
            assert_same(vmap(lambda b, solve=solve: solve(a, b))(b), np.stack([solve(a, x) for x in b]))
            program = record(vmap(lambda b, solve=solve: solve(a, b)), b)
            flops += [call.args[1] for call in program.calls if "solve" in call.function.__name__]
            assert program.avals[flops[-1].number].shape == (3, b.size // 3)
    assert len(flops) == 6


BANDS = np.array([[0.0, 1, 2], [5, 6, 7], [1, 2, 9]])  # two of these numbers lie beyond the matrix


@pytest.mark.parametrize("of", [1.0, np.nan, np.inf, 0.0], ids=str)
def test_banded_systems_are_solved_as_the_blocks_of_one(of):
    solve = lambda ab, b: linalg.solve_banded((1, 1), ab, b, check_finite=False)
    ab = BANDS * np.arange(1.0, 6)[:, None, None]
    ab[1, 1] *= of
    if not of:
        ab[1] = 0
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            vmap(solve)(ab, X)
        return
    for b in (X, X[:, :, None] * np.arange(4.0)):
        for f in (solve, lambda *x: jvp(solve, x, x)[1]):
            with fallbacks() as loops:
                found = vmap(f)(ab, b)
            assert np.isfinite(found).all() or loops
            assert_same(found, np.stack([f(*x) for x in zip(ab, b, strict=True)]))


def test_the_right_sides_of_one_structured_matrix_go_side_by_side():
    for solve in (
        lambda b: linalg.solve_banded((1, 1), BANDS, b),
        lambda b: linalg.solveh_banded(BANDS[1:], b, lower=True),
        lambda b: linalg.solve_toeplitz((BANDS[1], BANDS[2] + BANDS[1][0] - 1), b),
    ):
        for b in (X, X[:, :, None] * np.arange(4.0)):
            with fallbacks() as loops:
                assert_same(vmap(solve)(b), np.stack([solve(x) for x in b]))
                assert_same(jacfwd(solve)(b[0]), jacrev(solve)(b[0]))
            assert not loops


@pytest.mark.parametrize(
    "f, of",
    [
        (lambda x: np.geomspace(x[0], 2.0, 4), 0.0),
        (lambda x: linalg.qr_multiply(x[:, None] * np.eye(3), np.eye(3))[0], np.nan),
        (lambda x: linalg.inv(x[:, None] * np.eye(3)), np.inf),
    ],
    ids=["np.geomspace", "scipy.linalg.qr_multiply", "scipy.linalg.inv"],
)
def test_what_a_function_refuses_of_one_example_it_refuses_of_a_batch(f, of):
    """Though the batch goes by other calls than the function's own."""
    batch = np.abs(X)
    assert_same(vmap(f)(batch), np.stack([f(x) for x in batch]))
    batch[2, 0] = of
    with pytest.raises(ValueError) as alone:
        f(batch[2])
    with pytest.raises(ValueError, match=str(alone.value)):
        vmap(f)(batch)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_a_convolution_that_is_long_loops_and_gives_the_same(mode):
    a, v = np.random.default_rng(2).normal(size=(2, 3, 150))
    for n, m, loops in ((20, 7, 0), (6, 20, 0), (150, 140, mode != "valid")):
        convolve = lambda a, v: np.convolve(a, v, mode)
        with fallbacks() as counted:
            got = vmap(convolve)(a[:, :n], v[:, :m]), vmap(convolve, (None, 0))(a[0, :n], v[:, :m])
        assert counted == ({"np.convolve": 2} if loops else {})
        assert_same(got[0], np.stack([convolve(*x) for x in zip(a[:, :n], v[:, :m], strict=True)]))
        assert_same(got[1], np.stack([convolve(a[0, :n], x) for x in v[:, :m]]))


# Jacobians in one pass.


def one_by_one(function, leaves):
    """``function``, which is linear, of each unit vector of the leaves."""
    results = []
    for k, x in enumerate(leaves):
        for i in range(x.size):
            unit = [np.zeros_like(other) for other in leaves]
            unit[k].flat[i] = 1
            results.append(function(unit))
    return results


@pytest.mark.parametrize("name", BY_NAME)
def test_jacobians_of_every_second_case_are_those_by_single_vectors(name):
    for case in BY_NAME[name][::2]:
        dtype, g = case.dtypes[-1], case.function_in()
        x = tuple(map(np.asarray, case.draw(dtype)))
        if sum(a.size for a in x) > 40:
            continue
        kind = "c" if dtype.startswith("complex") else "f"
        f = lambda *x, g=g, kind=kind: [y for y in leaves(g(*x)) if y.dtype.kind == kind]
        options = {"argnums": tuple(range(len(x))), "holomorphic": dtype.startswith("complex")}
        with np.errstate(all="ignore"):
            try:
                y, push = linearize(f, *x)
                pull = vjp(f, *x)[1]
            except NotImplementedError:
                continue
            columns = one_by_one(lambda unit, push=push: push(*unit), x)
            rows = one_by_one(pull, list(map(np.asarray, y)))
            by_columns, by_rows = jacfwd(f, **options)(*x), jacrev(f, **options)(*x)
        at_row = 0
        for k, part in enumerate(y):
            at_column = 0
            for j, a in enumerate(x):
                shape = (np.size(part), a.size)
                mine = np.reshape([c[k] for c in columns[at_column : at_column + a.size]], shape[::-1]).T
                assert_same(by_columns[k][j].reshape(shape), mine.astype(part.dtype))
                mine = np.reshape([r[j] for r in rows[at_row : at_row + shape[0]]], shape)
                assert_same(by_rows[k][j].reshape(shape), mine.astype(a.dtype))
                assert by_columns[k][j].shape == by_rows[k][j].shape == np.shape(part) + a.shape
                at_column += a.size
            at_row += np.size(part)


def network(x):
    return np.tanh(B.T @ np.tanh(W @ x[:3] + x[3]))


def test_a_jacobian_takes_one_run_of_the_function_and_one_walk():
    runs = []

    def g(x):
        runs.append(type(x))
        return network(x)

    x = np.arange(4.0) / 4
    walks = []

    @custom_vjp
    def counted(x):
        return x * 1.0

    counted.defvjp(lambda x: (x * 1.0, None), lambda _, g: (walks.append(1) or g,))
    for jacobian in (jacfwd, jacrev):
        runs.clear()
        assert_same(jacobian(g)(x), np.stack([linearize(network, x)[1](t) for t in np.eye(4)], -1))
        assert len(runs) == 1
    jacrev(lambda x: network(counted(x)))(x)
    assert len(walks) == 1


@pytest.mark.parametrize("limit", [8, 64, 200, 1000])
def test_blocks_give_the_same(limit, monkeypatch):
    x = np.random.default_rng(3).normal(size=(3, 4))
    g = lambda x: {"a": np.cumsum(np.sin(x @ x.T), 0), "b": [x[1] * x[2], 3.0]}
    expected = jacfwd(g)(x), jacrev(g)(x), hessian(lambda x: np.sum(g(x)["a"]))(x)
    sizes = []
    batched = Batch.__init__
    monkeypatch.setattr(Batch, "__init__", lambda self, size, *args: sizes.append(size) or batched(self, size, *args))
    monkeypatch.setattr(jacobians, "LIMIT", limit)
    got = jacfwd(g)(x), jacrev(g)(x), hessian(lambda x: np.sum(g(x)["a"]))(x)
    for a, b in zip(leaves_of(got), leaves_of(expected), strict=True):
        assert_same(a, b)
    assert min(sizes) < 12


def leaves_of(tree):
    return scratch_ad.tree.flatten(tree)[0]


def test_no_array_of_a_jacobian_is_larger_than_the_limit(monkeypatch):
    largest = []
    of = Batched.__init__
    monkeypatch.setattr(Batched, "__init__", lambda s, t, v, tag=None: largest.append(v.size * 8) or of(s, t, v, tag))
    monkeypatch.setattr(jacobians, "LIMIT", 8 * 1000)
    x = np.linspace(0, 1, 100)
    g = lambda x: np.cumsum(np.sin(x) * x[::-1])
    got = jacrev(g)(x)
    assert max(largest) <= 8 * 1000
    monkeypatch.undo()
    assert_same(got, jacrev(g)(x))


def test_where_a_nan_appears_the_vectors_go_one_by_one():
    g = lambda x: np.sqrt(np.cumsum(x)) * (x > 0)
    x = np.array([0.0, 1.0, 3.0])
    for jacobian, name in ((jacfwd, "a step of the chain rule"), (jacrev, "jacrev, one unit vector after another")):
        with fallbacks() as loops, np.errstate(all="ignore"):
            got = jacobian(g)(x)
        np.testing.assert_array_equal(np.isfinite(got), True)
        np.testing.assert_array_equal(got[1], [0.5, 0.5, 0])
        assert list(loops) == [name]


def test_jacobians_share_memory_with_nothing():
    a, x = np.arange(6.0).reshape(2, 3), np.arange(3.0)

    def g(x, y):
        z = x + y
        return z, z, a @ x, x, np.ones(2), np.sum(z * a[0])

    for jacobian in (jacfwd, jacrev):
        parts = leaves(jacobian(g, argnums=(0, 1))(x, x))
        before = a.copy(), x.copy(), [part.copy() for part in parts]
        for k, part in enumerate(parts):
            part += 1000
            for other, old in zip(parts[k + 1 :], before[2][k + 1 :], strict=True):
                np.testing.assert_array_equal(other, old)
        np.testing.assert_array_equal(a, before[0])
        np.testing.assert_array_equal(x, before[1])


def test_jacobians_of_containers_empties_and_other_dtypes():
    tree = {"w": np.float32([[1, 2], [3, 4]]), "b": np.zeros(0), "s": 2.0}
    g = lambda p: (np.sum(p["w"] ** 2, 0) * p["s"], p["b"], np.float16(1) * p["w"][0, 0])
    for jacobian in (jacfwd, jacrev):
        j = jacobian(g)(tree)
        assert j[0]["w"].shape == (2, 2, 2) and j[0]["b"].shape == (2, 0) and j[1]["w"].shape == (0, 2, 2)
        np.testing.assert_array_equal(j[0]["s"], [10, 20])
        np.testing.assert_array_equal(j[0]["w"][1], [[0, 8], [0, 16]])
    z = np.array([1 + 2j, 3 - 1j])
    np.testing.assert_allclose(jacfwd(np.exp, holomorphic=True)(z), np.diag(np.exp(z)))
    np.testing.assert_allclose(jacrev(np.exp, holomorphic=True)(z), np.diag(np.exp(z)))
    with_aux = jacfwd(lambda x: (x * x, "aux"), has_aux=True)(np.arange(3.0))
    np.testing.assert_array_equal(with_aux[0], np.diag([0.0, 2.0, 4.0]))
    assert with_aux[1] == "aux"


def test_examples_apart_within_a_run_further_out():
    """Each goes through np.piecewise by itself; what comes back belongs to the batch, whatever lies around that."""
    f = lambda x: np.sum(np.piecewise(x, [x < 0], [lambda v: v**2, lambda v: v**3]))
    x = np.array([[-1.0, -2, 3], [1.0, 2, -3]])
    each = scratch_ad.vmap(scratch_ad.grad(f))
    first, second = np.where(x < 0, 2 * x, 3 * x**2), np.where(x < 0, 2, 6 * x)
    np.testing.assert_array_equal(each(x), first)
    expected = np.einsum("ij,ik,jl->ijkl", second, np.eye(2), np.eye(3))
    for jacobian in (scratch_ad.jacrev, scratch_ad.jacfwd):
        np.testing.assert_array_equal(jacobian(each)(x), expected)
    np.testing.assert_array_equal(scratch_ad.grad(lambda x: np.sum(scratch_ad.checkpoint(each)(x)))(x), second)
    for around in (lambda x: scratch_ad.vmap(each)(x[None])[0], scratch_ad.compile(each)):
        np.testing.assert_array_equal(around(x), first)


def test_counts_by_an_index_of_each_example_have_a_gradient():
    f = lambda x: np.sum(np.bincount(np.argsort(x), weights=x))
    x = np.array([[0.3, -1.0, 2.0], [1.0, 0.5, 0.2]])
    np.testing.assert_array_equal(scratch_ad.vmap(scratch_ad.grad(f))(x), np.ones((2, 3)))


def overwritten(x, k):
    y = x * 1.0
    y[k : k + 2] = 3.0
    return y


@pytest.mark.parametrize(
    "f",
    [
        lambda x, k: x[k : k + 2],
        lambda x, k: np.outer(x, x)[..., k : k + 2],
        overwritten,
        lambda x, k: np.roll(x, k) * 2,
        lambda x, k: np.roll(np.outer(x, x), (k, 1), (0, 1)),
        lambda x, k: np.tril(np.outer(x, x), k - 1),
    ],
)
def test_slices_and_shifts_of_each_example_have_derivatives_along_plain_tangents(f):
    x, k = X[:3, [0, 1, 2, 1]], np.array([0, 1, 2])
    for of in (jacfwd, jacrev, lambda f: grad(lambda x, k: np.sum(f(x, k)))):
        assert_same(vmap(of(f))(x, k), np.stack([of(f)(*one) for one in zip(x, k.tolist(), strict=True)]))
    twice = vmap(vmap(jacrev(f)))(np.stack([x, x]), np.stack([k, k]))
    assert_same(twice, np.stack([vmap(jacrev(f))(x, k)] * 2))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, k: np.take(x, [k, k + 1]),
        lambda x, k: np.outer(x, x).take([[k, 0], [1, k]], 1),
        lambda x, k: np.delete(x, k),
        lambda x, k: np.pad(x, (k, 2 - k)),
        lambda x, k: np.linalg.matrix_power(np.outer(x, x), k),
    ],
)
def test_lists_and_counts_of_each_example_in_calls_made_of_others(f):
    x, k = X[:3, [0, 1, 2, 1]], np.array([0, 1, 2])
    for of in (lambda f: f, jacfwd, jacrev):
        assert_same(vmap(of(f))(x, k), np.stack([of(f)(*one) for one in zip(x, k.tolist(), strict=True)]))
    with fallbacks() as loops:
        vmap(jacfwd(lambda x, k: np.take(x, [k, k + 1])))(x, k)
    assert not loops
