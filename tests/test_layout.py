"""How arrays lie in memory: functions that ask go by the value's own layout, and every result lies as NumPy's own does.

What np.ravel(y, order="K") gives, and whether np.ravel(y) is a view that writes go through, depends on it.
"""

import copy
import itertools
import warnings

import numpy as np
import pytest

from jax_ref.cases import catalogue
from jax_ref.cases import strided as backwards_in_steps
from scratch_ad import grad, jacfwd, jacrev, jvp, record, vjp
from scratch_ad.memory import add_at
from scratch_ad.tracer import bottom, name_of

BASE = np.random.default_rng(0).normal(size=(4, 3, 6))
LAYOUTS = {
    "C": BASE,
    "F": np.asfortranarray(BASE),
    "axes in another order": np.transpose(BASE, (1, 2, 0)).copy().transpose(2, 0, 1),
    "backwards": BASE[::-1, :, ::-1],
    "a step in F order": np.asfortranarray(BASE)[::2],
    "a step in between": np.transpose(BASE, (2, 0, 1))[::2, 1:],
    "one axis of length 1": np.asfortranarray(BASE)[:, 1:2],
    "two axes": BASE[0].T,
    "two axes, a step": np.asfortranarray(BASE[0])[:, ::2],
    "one axis": BASE[0, 0, ::-1],
    "no axis": np.array(2.5),
    "empty": np.asfortranarray(BASE)[:0],
    "repeated": np.broadcast_to(BASE[:1], (4, 3, 6)),
    "repeated in between": np.broadcast_to(BASE[:, :1, ::-1], (4, 3, 6)),
}
CALLS = {
    "ravel K": lambda x: np.ravel(x, order="K"),
    "ravel A": lambda x: np.ravel(x, "A"),
    "method ravel": lambda x: x.ravel("K"),
    "flatten K": lambda x: x.flatten("K"),
    "flatten A": lambda x: x.flatten(order="A"),
    "flatten F": lambda x: x.flatten("F"),
    "reshape A": lambda x: np.reshape(x, (-1, 1), order="A"),
    "reshape A by position": lambda x: np.reshape(x, -1, "A"),
    "method reshape": lambda x: x.reshape(-1, order="A"),
    "of a transpose": lambda x: np.ravel(x.T, order="K"),
    "of a slice": lambda x: np.ravel(x[..., None][::2] if x.ndim else x, order="K"),
    "of a copy in F order": lambda x: np.ravel(np.copy(x, order="F"), order="A"),
    "of what was computed": lambda x: np.ravel(np.negative(x), order="K"),
}


def lies(y):
    """How many bytes lie between the elements along each axis of more than one; nothing for an empty array."""
    y = np.asarray(bottom(y))
    return tuple(step for n, step in zip(y.shape, y.strides, strict=True) if n > 1) if y.size else ()


def in_order(steps):
    """The axes from the slowest to the fastest."""
    return sorted(range(len(steps)), key=lambda i: -abs(steps[i]))


def parts_of(y):
    return y if isinstance(y, (tuple, list)) else [y]


def seen(f, *primals):
    """The results of ``f``, one by one, as it gives them inside of either mode."""
    for run in (lambda f: jvp(f, primals, primals), lambda f: vjp(f, *primals)):
        results = []

        def watched(*arrays, results=results):
            results[:] = parts_of(f(*arrays))
            return arrays[0]

        run(watched)
        yield from results


@pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
def test_the_layout_of_the_value_decides(x, f):
    y = f(x)
    for a in seen(f, x):
        assert lies(a) == lies(y)
    t, g = (np.random.default_rng(1).normal(size=np.shape(z)) for z in (x, y))  # both in C order
    value, pushed = jvp(f, (x,), (t,))
    of_vjp, pull = vjp(f, x)
    np.testing.assert_array_equal(value, y)
    np.testing.assert_array_equal(of_vjp, y)
    assert abs(np.sum(pushed * g) - np.sum(pull(g)[0] * t)) < 1e-12
    for number in (jvp(f, (x,), (x,))[1], jvp(lambda x: f(x) * f(x), (x,), (x,))[1] / 2 / y):
        np.testing.assert_allclose(number, y, rtol=1e-14)


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product((jacfwd, jacrev), repeat=2)))
@pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)
def test_second_order(f, outer, inner):
    x = np.asfortranarray(BASE[:2, :, :2])
    weights = np.arange(1.0, np.size(f(x)) + 1).reshape(np.shape(f(x)))
    found = outer(inner(lambda x: np.sum(weights * f(x) ** 3)))(x)
    expected = np.diag(6 * np.ravel(vjp(f, x)[1](weights)[0] * x))
    np.testing.assert_allclose(found.reshape(x.size, x.size), expected, rtol=1e-14)


def reordered(x, axes):
    """``x`` with ``axes`` from the slowest to the fastest."""
    return np.transpose(np.transpose(x, axes).copy(), np.argsort(axes))


ARRANGED = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "turned": lambda x: reordered(x, np.roll(np.arange(x.ndim), 1)),
    "the last two swapped": lambda x: reordered(x, [*range(x.ndim - 2), x.ndim - 1, x.ndim - 2]) if x.ndim > 1 else x,
    "backwards": lambda x: np.flip(np.flip(x).copy()),
    "in steps": backwards_in_steps,
    "repeated": lambda x: np.broadcast_to(x[..., :1], x.shape),
}


def grown(primals, name):
    """Arrays, and for NumPy's functions those with most axes as a stack, in front and in between."""
    most = max(x.ndim for x in primals)
    yield primals
    for axis in (0, 1) if most and not name.startswith("scipy") else ():
        yield [np.stack([x, x + 0.25, x - 0.25], axis) if x.ndim == most else x for x in primals]


def result_of(f, primals):
    """What NumPy gives; None where it does not take these arrays, or gives no real or complex ones."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            parts = parts_of(f(*primals))
        except Exception:
            return None
    return parts if all(np.asarray(part).dtype.kind in "fc" for part in parts) else None


GROUPS = {}
for _case in catalogue:
    if "float64" in _case.dtypes and sum(map(np.size, _case.draw("float64"))) <= 1000:
        GROUPS.setdefault(name_of(_case.function), []).append(_case)

# In a call with dtype= a broadcast argument is cast first, and then it is one no longer; NumPy's own nanmedian goes by
# the layout of a mask.
REPEATED_OTHERWISE = {"np.divide", "np.float_power", "np.multiply", "np.nanmedian"}
# Of a stack, or repeated: no rule takes it.
NOT_TAKEN = (NotImplementedError, np.linalg.LinAlgError)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", GROUPS)
def test_results_lie_in_memory_as_those_of_numpy(name):
    """SciPy's in the same order; there may be gaps in between, where it gives a part of a larger array."""
    compared = (lambda y: in_order(lies(y))) if name.startswith("scipy") else lies
    for case in GROUPS[name][::2]:
        f = case.function_in()
        for k, primals in enumerate(grown(list(map(np.asarray, case.draw("float64"))), name)):
            for how, arrange in ARRANGED.items():
                if how == "repeated" and (name in REPEATED_OTHERWISE or k):
                    continue
                arrays = [arrange(x) if x.size and x.ndim else x for x in primals]
                if (parts := result_of(f, arrays)) is None:
                    continue
                try:
                    with np.errstate(all="ignore"):
                        found = list(map(compared, seen(f, *arrays)))
                except NOT_TAKEN:
                    continue
                assert found == 2 * list(map(compared, parts)), (str(case), how, np.shape(arrays[0]))


def written(x):
    y = np.zeros_like(x)
    y[...] = x
    return y


def added_to(x):
    y = x * 1.0
    y += x
    return y


def sorted_in_place(x):
    y = +x
    if y.ndim:
        y.sort(axis=0)
    return y


def filled_by_put(x):
    y = np.empty_like(x)
    np.put(y, np.arange(y.size), 2.0 * x)
    return y


MADE = {
    "positive": lambda x: +x,
    "power": lambda x: x**2,
    "sum": lambda x: x + x,
    "where": lambda x: np.where(x > 0, x, 0.0),
    "deepcopy": copy.deepcopy,
    "copy.copy": copy.copy,
    "transposed copy": lambda x: np.copy(x.T),
    "out=": lambda x: np.exp(x, out=np.zeros_like(x)),
    "nan_to_num": np.nan_to_num,
    "ascontiguousarray": lambda x: np.ascontiguousarray(x, like=x),
    "asfortranarray": lambda x: np.asfortranarray(x, like=x),
    "asfortranarray of another dtype": lambda x: np.asfortranarray(x, np.float32, like=x),
    "require F": lambda x: np.require(x, requirements=["F"], like=x),
    "require C": lambda x: np.require(x, requirements="C", like=x),
    "one element, repeated": lambda x: np.repeat(np.sum(x, keepdims=True), 3, -1) if x.ndim else x,
    "one element in tiles": lambda x: np.tile(np.sum(x), 3),
    "nanquantile": lambda x: np.nanquantile(x, [0.2, 0.9], axis=0) if x.size and x.ndim else x,
    "multiply.outer": lambda x: np.multiply.outer(x, x),
    **{f.__name__: f for f in (written, added_to, sorted_in_place, filled_by_put)},
}
for _order in "CFAK":
    MADE |= {
        f"{name}, {_order}": lambda x, call=call, order=_order: call(x, order)
        for name, call in {
            "np.copy": np.copy,
            "copy": lambda x, order: x.copy(order),
            "array": lambda x, order: np.array(x, order=order, like=x),
            "array of another dtype": lambda x, order: np.array(x, np.float32, order=order, like=x),
            "array of four axes": lambda x, order: np.array(x, order=order, ndmin=4, like=x),
            "array of a list": lambda x, order: np.array([x, x], order=order, like=x),
            "asarray": lambda x, order: np.asarray(x, order=order, like=x),
            "asanyarray of another dtype": lambda x, order: np.asanyarray(x, np.float32, order=order, like=x),
            "astype": lambda x, order: x.astype(np.float32, order),
            "astype of the same": lambda x, order: x.astype(float, order),
            "astype without a copy": lambda x, order: x.astype(float, order, copy=False),
            "add": lambda x, order: np.add(x, 1, order=order),
            "multiply": lambda x, order: np.multiply(x, x, order=order),
            "divmod": lambda x, order: np.divmod(x, 2.0, order=order)[1],
            "exp of another dtype": lambda x, order: np.exp(x, order=order, dtype=np.float32, casting="same_kind"),
            "matmul": lambda x, order: np.matmul(x, np.swapaxes(x, -1, -2), order=order) if x.ndim > 1 else x,
            "full_like": lambda x, order: np.full_like(x, np.sum(x), order=order),
        }.items()
    }


@pytest.mark.parametrize("f", MADE.values(), ids=MADE)
def test_what_is_made_lies_in_memory_as_numpys_own(f):
    for how, x in LAYOUTS.items():
        if how.startswith("repeated") and f is MADE["exp of another dtype, K"]:
            continue  # see REPEATED_OTHERWISE
        y = f(x)
        for found in seen(f, x):
            assert np.shape(found) == np.shape(y) and lies(found) == lies(y), how


VIEW_OR_COPY = {
    "take": lambda x: np.take(x, [1, 0, 2], axis=1),
    "sort": lambda x: np.sort(x, axis=0),
    "meshgrid": lambda x: np.meshgrid(x[0], x[:, 0])[0],
    "repeat": lambda x: np.repeat(x, [1, 2, 0], axis=1),
    "pad": lambda x: np.pad(x, 1, mode="edge"),
    "gradient": lambda x: np.gradient(x, axis=1),
    "asfortranarray": lambda x: np.asfortranarray(x, like=x),
    "add": lambda x: np.add(x, 1, order="F"),
    "astype": lambda x: x.astype(float, "C"),
}


@pytest.mark.parametrize("made", VIEW_OR_COPY.values(), ids=VIEW_OR_COPY)
@pytest.mark.parametrize("order", "CF")
def test_a_write_into_what_ravel_gives_is_seen_where_numpy_sees_it(made, order):
    def f(x):
        y = made(x)
        np.ravel(y)[1] = 9.0
        np.ravel(y, "K")[2] *= 5.0
        return np.sum(np.arange(1.0, y.size + 1).reshape(y.shape) * y)

    x = np.asarray(np.random.default_rng(2).normal(size=(4, 3)), order=order)
    step = 1e-6 * np.eye(x.size).reshape(x.size, *x.shape)
    slopes = [(f(np.asarray(x + e, order=order)) - f(np.asarray(x - e, order=order))) / 2e-6 for e in step]
    for found in (grad(f)(x), jacfwd(f)(x)):
        np.testing.assert_allclose(found, np.reshape(slopes, x.shape), rtol=1e-6, atol=1e-6)


def test_a_program_that_depends_on_the_layout_takes_no_other():
    weights = np.arange(6.0)
    f = lambda x: np.sum(weights * np.ravel(x, "K") ** 2)
    x = BASE[0, :2, :3].copy()
    for run in (f, grad(f)):
        program = record(run, x)
        np.testing.assert_array_equal(program(x)[0], run(x))
        np.testing.assert_array_equal(program(x + 1)[0], run(x + 1))
        for other in (np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2]):
            with pytest.raises(ValueError, match="record it for these, or use order='C' or 'F'"):
                program(other)
            np.testing.assert_array_equal(record(run, other)(other)[0], run(other))
    np.testing.assert_array_equal(record(np.ravel, x)(x.T)[0], np.ravel(x.T))


ALONG = {
    "sort": np.sort,
    "partition": lambda x, axis: np.partition(x, 1, axis),
    "median": np.median,
    "medians kept": lambda x, axis: np.median(x, axis, keepdims=True),
    "nanmedian": np.nanmedian,
    "quantile": lambda x, axis: np.quantile(x, 0.3, axis),
    "quantiles": lambda x, axis: np.quantile(x, [[0.2, 0.3], [0.5, 0.7]], axis, method="hazen", keepdims=True),
    "nanquantiles": lambda x, axis: np.nanquantile(x, [0.2, 0.3], axis),
    "weighted quantiles": lambda x, axis: np.quantile(
        x, [0.2, 0.3], axis, weights=np.ones(x.shape[axis]), method="inverted_cdf"
    ),
    "var where": lambda x, axis: np.var(x, axis, where=x > -1),
    "nanvar": lambda x, axis: np.nanvar(x, axis, ddof=1),
    "mean where": lambda x, axis: np.mean(x, axis, where=x > -1),
    "average": lambda x, axis: np.average(x, axis, np.arange(1.0, x.shape[axis] + 1), returned=True)[1],
    "take": lambda x, axis: np.take(x, [[0, -1], [0, 0]], axis),
    "take one": lambda x, axis: np.take(x, 0, axis),
    "compress": lambda x, axis: np.compress([True], x, axis),
    "delete": lambda x, axis: np.delete(x, 0, axis),
    "delete a list": lambda x, axis: np.delete(x, [0, -1], axis),
    "delete a list of one": lambda x, axis: np.delete(x, [0], axis),
    "delete a slice": lambda x, axis: np.delete(x, slice(1), axis),
    "delete a mask": lambda x, axis: np.delete(x, np.arange(x.shape[axis]) == 1, axis),
    "delete nothing": lambda x, axis: np.delete(x, [], axis),
    "insert": lambda x, axis: np.insert(x, 0, 9.0, axis),
    "insert a list": lambda x, axis: np.insert(x, [0, 1], 9.0, axis),
    "insert what is differentiated": lambda x, axis: np.insert(x, 1, np.take(x, 0, axis), axis),
    "append": lambda x, axis: np.append(x, x, axis),
    "repeat": lambda x, axis: np.repeat(x, 2, axis),
    "repeat by a list": lambda x, axis: np.repeat(x, np.arange(x.shape[axis]), axis),
    "cumulative_sum": lambda x, axis: np.cumulative_sum(x, axis=axis, include_initial=True),
    "gradient": lambda x, axis: np.gradient(x, axis=axis),
    "gradient at places": lambda x, axis: np.gradient(x, np.arange(x.shape[axis]) ** 2.0, axis=axis),
    "unique": lambda x, axis: np.unique(x, axis=axis),
    "pad in front": lambda x, axis: np.pad(x, {axis: (1, 0)}, "linear_ramp"),
    "maximum.reduce": np.maximum.reduce,
    "subtract.reduce": np.subtract.reduce,
    "fmax.reduce kept": lambda x, axis: np.fmax.reduce(x, axis, keepdims=True),
    "hypot.accumulate": np.hypot.accumulate,
    "subtract.reduceat": lambda x, axis: np.subtract.reduceat(x, [x.shape[axis] - 1, 0], axis),
    "cross": lambda x, axis: np.cross(np.take(x, [0, 0, -1], axis), np.take(x, [-1, 0, 0], axis), axis=axis),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", ALONG.values(), ids=ALONG)
def test_results_along_an_axis_lie_in_memory_as_those_of_numpy(f):
    """Of three axes in any order, backwards, in steps and of length one, and not in that of the argument."""
    layouts = [reordered(BASE, order) for order in itertools.permutations(range(3))]
    layouts += [BASE[::-1, :, ::-1], np.asfortranarray(BASE)[::2], BASE[:, :, ::2], layouts[3][:1]]
    for (k, x), axis in itertools.product(enumerate(layouts), (0, 1, 2, -1)):
        if (parts := result_of(lambda x, axis=axis: f(x, axis), [x])) is None:
            continue
        (y,) = parts

        def is_like_numpys(x, axis=axis, y=y, k=k):
            found = f(x, axis)
            assert lies(found) == lies(y) and found.shape == y.shape, (k, axis)
            assert isinstance(bottom(found), np.ndarray) == isinstance(y, np.ndarray), (k, axis)
            assert not np.may_share_memory(bottom(found), bottom(x)) or found.size == 0, (k, axis)
            return x

        with np.errstate(all="ignore"):
            jvp(is_like_numpys, (x,), (x,))
            vjp(is_like_numpys, x)


@pytest.mark.parametrize(
    "f", [np.median, np.nanmedian, lambda x: np.quantile(x, 0.3), lambda x: np.median(x, (0, 1, 2))]
)
def test_the_median_of_all_is_a_number(f):
    for found in seen(f, BASE):
        assert isinstance(f(BASE), np.float64) and isinstance(bottom(found), np.float64)


INDICES = {  # of an array of shape (20, 30, 5)
    "rows": lambda any: any(20, 90),
    "a list": lambda any: any(20, 90).tolist(),
    "rows in a table": lambda any: any(20, 9, 8),
    "rows in bytes": lambda any: any(20, 90).astype(np.int8),
    "unsigned rows": lambda any: any(20, 90).astype(np.uint64) % 20,
    "pairs in bytes": lambda any: (any(20, 400).astype(np.int8), any(30, 400).astype(np.int16)),
    "pairs": lambda any: (any(20, 400), any(30, 400)),
    "a grid": lambda any: (any(20, 30, 1), any(30, 1, 7)),
    "all axes": lambda any: (any(20, 999), any(30, 999), any(5, 999)),
    "columns": lambda any: (slice(None), any(30, 40)),
    "between slices": lambda any: (slice(1, None, 2), any(30, 2000), slice(3)),
    "apart": lambda any: (any(20, 300), slice(1, 4), any(5, 300)),
    "a mask": lambda any: any(2, 20, 30, 5) == 0,
    "a mask of rows": lambda any: any(2, 20) == 0,
    "a new axis": lambda any: (None, any(20, 50)),
    "the last axis": lambda any: (..., any(5, 99)),
    "few": lambda any: any(20, 2),
    "many rows": lambda any: any(20, 20_000),
    "none": lambda any: any(20, 0),
}


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c16"])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_adding_at_an_index_is_that_of_numpy(index, dtype, axes):
    rng = np.random.default_rng(3)
    index = INDICES[index](lambda n, *shape: rng.integers(-n, n, shape))
    shape = [(20, 30, 5)[axes.index(k)] for k in range(3)]
    ours, expected = (np.zeros(shape, dtype).transpose(axes) for _ in range(2))  # of shape (20, 30, 5)
    g = rng.normal(size=ours[index].shape).astype(dtype)
    g = np.moveaxis(np.moveaxis(g, -1, 0).copy(), 0, -1)  # lies otherwise in memory
    add_at(ours, index, g)
    np.add.at(expected, index, g)
    assert ours.tobytes() == expected.tobytes()
