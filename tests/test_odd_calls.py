"""Calls that are seldom made: of constants of other types than the tracer's, of no elements, with rare keywords."""

import numpy as np
import pytest
import scipy.special

import scratch_ad.numpy
from scratch_ad import compile, jacfwd, jacrev, jvp, vjp, vmap
from scratch_ad.scipy import fft, signal, special

x = np.array([0.7, 1.9, 1.3])
m = np.array([[0.7, 1.9, 1.3], [0.4, 2.1, 0.9]])
none = np.zeros((0, 2))
small = np.array([[3, 1, 2], [1, 4, 1], [2, 2, 5]], np.int8)

CALLS = {
    # Constants that are lists, or of less precision than the result
    "power_list": (lambda a: np.power(a, [1.0, 2.0, 3.0]), x),
    "float_power_of_list": (lambda a: np.float_power([1, 2, 3], a), x),
    "float_power_list": (lambda a: np.float_power(a, (1, 2, 3)), x),
    "power_of_int8": (lambda a: np.power(np.int8(2), a), x),
    "power_of_float16": (lambda a: np.power(np.array([1.5, 2, 3], np.float16), a), x),
    "power_uint8": (lambda a: np.power(a * 100, np.array([0, 1, 3], np.uint8)), x),
    "power_of_negative": (lambda a: np.power(-2, a), x + 0.5j),
    "where_list": (lambda a: np.where([True, False, True], a, [1, 2, 3]), x),
    "linspace_list": (lambda a: np.linspace(a, [1, 2, 3], 3), x),
    "polyval_ints": (lambda a: np.polyval([1, 2, 3], a), x),
    "interp_uint8": (lambda a: np.interp(a, [0, 1, 2], np.array([3, 1, 2], np.uint8)), x),
    "lstsq_ints": (lambda a: np.linalg.lstsq(small, a)[0], x),
    "convolve_number": (lambda a: np.convolve(a, 2.0), x),
    "select_number": (lambda a: np.select([a > 0, a > 1], [a, 2]), x.astype("f4")),
    "clip_number": (lambda a: np.clip(2.0, a, a + 1), x.astype("f4")),
    # Lists that hold tracers, beside an array
    "add_list": (lambda a: np.add(a, [a[0], 1, 2]), x),
    "list_times": (lambda a: [a[0], 1, 2] * a - (a[1], 2, a[0]), x.astype("f4")),
    "list_matmul": (lambda a: [1, a[0], 2] @ a, x),
    "maximum_of_lists": (lambda a: np.maximum([[a[0], 1, 2], a], a * a), x),
    "where_list_of_tracers": (lambda a: np.where(a > 1, [a[0], 1j, 2], a), x),
    "concatenate_list": (lambda a: np.concatenate([a, [a[0], 1]]), x.astype("f4")),
    "concatenate_rows": (lambda a: np.concatenate((a, [[1, a[0, 1], 2], a[1]]), axis=0), m),
    "stack_lists": (lambda a: np.stack([[a[0], True, 2], a], axis=1), x.astype("f4")),
    "append_list": (lambda a: np.append(a, [a[0], a[2]]), x),
    "insert_list": (lambda a: np.insert(a, 1, [a[0]]), x),
    "vstack_list": (lambda a: np.vstack([a, [a[0], 1, 2]]), x),
    "hstack_list": (lambda a: np.hstack(([a[0]], a, 0.5)), x),
    "column_stack_list": (lambda a: np.column_stack(([a[0], 1, 2], a)), x),
    "block_list": (lambda a: np.block([[a, a[0]], [a[1] * a, 2]]), x),
    "dot_list": (lambda a: np.dot([a[0], 1, 2], a), x),
    "outer_list": (lambda a: np.outer(a, [a[0], 1]), x),
    "cross_list": (lambda a: np.cross(a, [a[0], 1, 2]), x),
    "solve_lists": (lambda a: np.linalg.solve([[a[0], 1, 0], [0, 2, a[1]], a], a), x),
    "multi_dot_lists": (lambda a: np.linalg.multi_dot([a, [[a[0], 1], [2, a[1]], [0, 1]], [1, a[2]]]), x),
    "einsum_list": (lambda a: np.einsum("i,ij->j", a, [[a[0], 1], [2, a[1]], [0, 1]]), x),
    "choose_list": (lambda a: np.choose([0, 1, 0], [a, [a[0], 1, 2]]), x),
    "select_list": (lambda a: np.select([a > 1, a > 0], [[a[0], 1, 2], a]), x),
    "average_weights": (lambda a: np.average(a, weights=[a[0], 1, 2]), x),
    "trapezoid_list": (lambda a: np.trapezoid(a, [0, a[0], 5]), x),
    "outer_of_list": (lambda a: np.add.outer([a[0], 1], a), x),
    "add_list_dtype": (lambda a: np.add(a, [a[0], 1, 2], dtype=np.complex128), x),
    "list_of_two_runs": (lambda a: jvp(lambda b: [b[0], a[0], 2] * b + b * [a[1], b[1], 1], (a,), (a * a,))[1], x),
    # Of no elements, or of no axes
    "reduce_0d": (lambda a: np.divide.reduce(a[0]), x),
    "prod_0d": (lambda a: np.prod(a[0], axis=0), x),
    "cumprod_0d": (lambda a: np.cumprod(a[0], axis=-1), x),
    "accumulate_nothing": (lambda a: np.divide.accumulate(a, axis=1), none),
    "reduceat_nothing": (lambda a: np.divide.reduceat(a, []), x),
    "median_of_nothing": (lambda a: np.median(a, axis=0), none),
    "norm_of_nothing": (lambda a: np.linalg.norm(a, 2), none),
    "resize_to_nothing": (lambda a: np.resize(a, (0, 2)), x),
    "take_nothing": (lambda a: np.take(a, []), x),
    "fftconvolve_nothing": (lambda a: signal.fftconvolve(a, np.ones(2)), none[:, 0]),
    # Beyond the usual range
    "pdtrik_at_its_end": (lambda a: scipy.special.pdtrik(a / 2, 0.6), x),
    "bdtrik_at_its_end": (lambda a: scipy.special.bdtrik(0.3, 3, a / 3), x),
    "nbdtrik_at_its_end": (lambda a: scipy.special.nbdtrik(0.2, a, 0.4), x),
    "sph_harm_y_turned": (lambda a: special.sph_harm_y(2, 1, a * np.array([-1, 2, 1]), 0.3), x),
    # Keywords and values of them
    "logsumexp_sign": (lambda a: special.logsumexp(a, return_sign=True)[1], x * (1 + 0.5j)),
    "floor_divide_reduce": (lambda a: np.floor_divide.reduce(a, axis=0), m[:1]),
    "floor_divide_accumulate": (lambda a: np.floor_divide.accumulate(a), x),
    "reduce_initial_none": (lambda a: np.multiply.reduce(a, initial=None), x),
    "hypot_reduceat_alone": (lambda a: np.hypot.reduceat(a, [2, 0, 1]), -x),
    "hypot_reduce_alone": (lambda a: np.hypot.reduce(a, axis=0, initial=None), -m[:1]),
    "reduceat_by_name": (lambda a: np.add.reduceat(a, indices=[0, 2]), x),
    "interp_period": (lambda a: np.interp(a, [0, 1, 2], a, period=-2.5), x),
    "convolve_mode": (lambda a: np.convolve(a, a[:2], 0), x),
    "correlate_mode": (lambda a: np.correlate(a, a[:2], 1), x),
    "unique_rows": (lambda a: np.unique(a, axis=0, sorted=False), m),
    "linear_ramp": (lambda a: np.pad(a, 1, mode="linear_ramp"), x.astype("f4")),
    "sort_complex": (lambda a: np.sort_complex(a), x.astype("f4")),
    "cov_dtype": (lambda a: np.cov(a, dtype=np.float32), m.astype("f4")),
    "take_booleans": (lambda a: np.take(a, [True, False]), x),
    "item": (lambda a: a.item((0, 1)), m),
    "reshape_copy": (lambda a: a.reshape(3, 2, copy=True), m),
    "vecdot_keepdims": (lambda a: np.vecdot(a, a, keepdims=True), m),
    "einsum_dtype": (lambda a: np.einsum("ij,ij->i", a, a, dtype=np.complex128, order="F"), m),
    "casting": (lambda a: np.conjugate(np.divmod(a, a * a, casting="no")[1], casting="no"), m),
    "signature": (lambda a: np.modf(a, signature="d->dd")[0], x),
}


@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", CALLS)
def test_values_are_those_of_numpy_and_slopes_central_differences(name):
    f, a = CALLS[name]
    a, rng = np.asarray(a), np.random.default_rng(3)
    t = rng.normal(size=a.shape).astype(a.dtype)
    (value, tangent), (again, pullback), y = jvp(f, (a,), (t,)), vjp(f, a), np.asarray(f(a))[()]
    for ours in map(np.asarray, (value, again)):  # of x.item() they are Python's numbers
        assert (ours.shape, ours.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(ours, y, rtol=1e-6 if "f4" in (a.dtype, y.dtype) else 1e-13)
    if a.dtype == "f4" or not a.size:
        return
    numeric = (f(a + 1e-6 * t) - f(a - 1e-6 * t)) / 2e-6
    np.testing.assert_allclose(tangent, numeric, rtol=1e-7, atol=1e-7 * np.max(np.abs(y), initial=1))
    g = rng.normal(size=y.shape).astype(y.dtype)
    np.testing.assert_allclose(np.sum(g * tangent).real, np.sum(pullback(g)[0] * t).real, rtol=1e-12)


def test_lists_of_an_inner_run_beside_an_array_of_an_outer_one():
    inner = lambda a: jvp(lambda b: a * [b[0], 1, a[0]] + [a[1], b[1], 2] * a, (a,), (a * a,))[1]
    np.testing.assert_allclose(jvp(inner, (x,), (np.ones(3),))[0], x * [x[0] ** 2, x[1] ** 2, 0])
    np.testing.assert_allclose(jacfwd(inner)(x), np.diag([3 * x[0] ** 2, 3 * x[1] ** 2, 0]))


BESIDE_A_NUMBER = {  # of float32 and a number of Python's, which is weak in some functions and a double in others
    "select": lambda a, s: np.select([a > 0], [s], a),
    "select, by default": lambda a, s: np.select([a > 0], [a], s),
    "choose": lambda a, s: np.choose([0, 1, 1], [a, s]),
    "where": lambda a, s: np.where(a > 0, a, s),
    "clip": lambda a, s: np.clip(a, s, 2),
    "dot": lambda a, s: np.dot(a, s),
    "inner": lambda a, s: np.inner(s, a),
    "kron": lambda a, s: np.kron(a, s),
    "outer": lambda a, s: np.outer(a, s),
    "multiply.outer": lambda a, s: np.multiply.outer(a, s),
    "hypot.outer": lambda a, s: np.hypot.outer(s, a),
    "append": lambda a, s: np.append(a, s),
    "insert": lambda a, s: np.insert(a, 1, s),
    "linspace": lambda a, s: np.linspace(a, s, 3),
    "full_like": lambda a, s: np.full_like(a, s),
    "quantile": lambda a, s: np.quantile(a, s),
}


@pytest.mark.parametrize("f", BESIDE_A_NUMBER.values(), ids=BESIDE_A_NUMBER)
def test_a_number_of_pythons_beside_float32_gives_the_dtype_that_numpy_gives(f):
    a, s = x.astype("f4"), 0.5
    y, rows = np.asarray(f(a, s)), np.stack([a, a])
    values = jvp(f, (a, s), (a, 1.0))[0], vjp(f, a, s)[0], compile(f)(a, s), vmap(f, in_axes=(0, None))(rows, s)[0]
    for value in map(np.asarray, values):
        assert (value.dtype, value.tobytes()) == (y.dtype, y.tobytes())


WRONG = {
    "pad_nothing": (lambda a: np.pad(a[:0], 1, mode="reflect", reflect_type="odd"), x),  # did not return
    "pad_nothing_by_mean": (lambda a: np.pad(a[:0], 1, mode="mean"), x),
    "sort_kind": (lambda a: np.sort(a, kind="bogus"), x),
    "take_mode": (lambda a: np.take(a, [0], mode="bogus"), x),
    "take_along_axis": (lambda a: np.take_along_axis(a, np.array([0]), 1), m),
    "compress": (lambda a: np.compress([[1, 0, 1]], a), x),
    "select": (lambda a: np.select([a], [a]), x),
    "accumulate_axis": (lambda a: np.add.accumulate(a, axis=None), m),
    "accumulate_dtype": (lambda a: np.arctan2.accumulate(a, dtype=np.complex128), x),
    "reduceat_0d": (lambda a: np.add.reduceat(a[0], [0]), x),
    "astype": (lambda a: a.astype(np.float32, casting="safe"), x),
    "concatenate": (lambda a: np.concatenate([a, a], dtype=np.float32, casting="no"), x),
    "hstack": (lambda a: np.hstack([a, a], dtype=np.float32, casting="no"), x),
    "outer": (lambda a: np.linalg.outer(a, a), m),
    "hfft": (lambda a: np.fft.hfft(a, norm="bogus"), x),
    "dctn": (lambda a: fft.dctn(a, axes=(0, 0)), m),
    "einsum": (lambda a: np.einsum("i,i", a, a, dtype=np.float32), x),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("mode", [lambda f, a: jvp(f, (a,), (a,)), vjp], ids=["jvp", "vjp"])
def test_errors_are_those_of_numpy(name, mode):
    f, a = WRONG[name]
    with pytest.raises((ValueError, TypeError)) as plain:
        f(a)
    with pytest.raises(plain.type) as traced:
        mode(f, a)
    assert str(traced.value) == str(plain.value)


PADDED = {
    "a pair": lambda x: np.pad(x, 1, constant_values=(x[0], x[1])),
    "a pair in a tuple": lambda x: np.pad(x, (1, 2), constant_values=((x[0] ** 2, 3),)),
    "a pair per axis": lambda x: np.pad(np.outer(x, x), 1, constant_values=((x[0], x[1]), (x[2], 1.0))),
    "one number per axis": lambda x: np.pad(np.outer(x, x), 1, constant_values=((x[0],), [x[1]])),
    "an array": lambda x: np.pad(np.outer(x, x), 1, constant_values=np.outer(x[:2], x[:2])),
    "a ramp": lambda x: np.pad(np.outer(x, x), 2, "linear_ramp", end_values=((x[0], x[1]), (x[2], 1.0))),
    "a dictionary of widths": lambda x: np.pad(
        np.outer(x, x), {0: 1, -1: (0, 2)}, constant_values=((x[0], 2), (1, x[2]))
    ),
}


@pytest.mark.parametrize("f", PADDED.values(), ids=PADDED)
def test_padding_with_numbers_that_are_differentiated(f):
    x, t = np.array([1.5, 2.0, 4.0]), np.array([1.0, -0.5, 0.25])
    value, pushed = jvp(f, (x,), (t,))
    np.testing.assert_array_equal(value, f(x))
    np.testing.assert_allclose(pushed, (f(x + 1e-6 * t) - f(x - 1e-6 * t)) / 2e-6, atol=1e-8)
    np.testing.assert_allclose(jacrev(f)(x) @ t, pushed, rtol=1e-14, atol=1e-14)


OF_A_PLAIN_ARRAY = {  # np.pad does not ask the numbers that it pads with: the array has to be one that takes tracers
    "like": lambda c: np.asarray(np.ones((3, 3)), like=c),
    "scratch_ad.numpy": lambda c: scratch_ad.numpy.ones((3, 3)),
}


@pytest.mark.parametrize("array", OF_A_PLAIN_ARRAY.values(), ids=OF_A_PLAIN_ARRAY)
@pytest.mark.parametrize(
    "options",
    [
        lambda c: {"constant_values": c[0]},
        lambda c: {"constant_values": (c[0], c[1] ** 2)},
        lambda c: {"constant_values": ((c[0], 1.0), (c[0] * c[1], c[1]))},
        lambda c: {"constant_values": np.outer(c, c)},
        lambda c: {"mode": "linear_ramp", "end_values": ((c[0], 1.0), (1.0, c[1]))},
    ],
)
def test_padding_a_plain_array_with_numbers_that_are_differentiated(options, array):
    weights = np.arange(25.0).reshape(5, 5)
    f = lambda c: np.sum(weights * np.pad(array(c), 1, **options(c)))
    c, step = np.array([2.0, 3.0]), 1e-6 * np.eye(2)
    slopes = [(f(c + e) - f(c - e)) / 2e-6 for e in step]
    assert np.any(np.abs(slopes) > 1)
    np.testing.assert_allclose(jacfwd(f)(c), slopes, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(jacrev(f)(c), slopes, rtol=1e-7, atol=1e-7)


def test_what_as_strided_shows_is_had_by_index():
    """np.lib.stride_tricks.as_strided works on memory; of the places of the elements it tells which to take."""
    shown = lambda x, shape, strides: np.ravel(x)[np.lib.stride_tricks.as_strided(np.arange(x.size), shape, strides)]
    x = np.array([1.0, 2.0, 4.0, 8.0])
    np.testing.assert_array_equal(shown(x, (3, 2), (8, 8)), np.lib.stride_tricks.as_strided(x, (3, 2), (8, 8)))
    np.testing.assert_array_equal(jacrev(lambda x: np.sum(shown(x, (3, 2), (8, 8)) ** 2))(x), [2, 8, 16, 16])
