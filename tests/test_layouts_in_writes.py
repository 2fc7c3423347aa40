"""Programs that write: where results lie in memory, in which dtype they are computed, and what follows a write."""

import numpy as np
import pytest

import scratch_ad
import scratch_ad.numpy as snp

X = np.array([1.5, -2.0, 0.7, 3.0, -0.4, 2.2])


def columns(np, x):
    c = np.zeros((2, 3), order="F")
    c[0, 1] = x[0]
    c.T.reshape(-1)[1] = x[4]
    d = np.asfortranarray(x.reshape(2, 3))
    d.ravel("K")[3] = x[1]
    return c, np.ravel(c, "K"), np.ravel(d, "K")


def complex_columns(np, x):
    c = np.zeros((2, 3), complex, order="F")
    c.real[0] = x[:3]
    return np.ravel(c, "K"), c.ravel("A"), c.copy("K").ravel("K")


def closed_over(np, x):
    constant = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    return np.ravel(constant * x[0], "K"), np.ravel(x[0] + constant, "A")


def numbers_have_one_place(np, x):
    z = np.array(x[0])
    return np.take(z, 0, axis=0), np.take(z, [0, 0], axis=-1), np.compress([True], z, axis=0)


def settled_real_part(np, x):
    c = np.zeros(6, complex)
    y = np.real_if_close(c)
    c += 1j * x
    c[0] += x[1]
    return y, c


def complex_powers(np, x):
    z = np.sin(np.multiply.outer(np.arange(1.0, 60.0), x)) + 1j * x[::-1]
    numbers = [z[k, 0] ** e for k in range(20) for e in (2, 2.0, 0.5, -1, -1.0)]
    places = [np.array(z[k, 0]) ** e for k in range(20) for e in (2, 2.0, 0.5, -1, -1.0)]
    w = np.array(z[:, 0])
    w **= 0.5
    return (*(z**e for e in (2, 2.0, 0.5, -1, -1.0, 1.0)), w, *numbers, *places)


SUMS = [stem + name for stem in ("", "nan") for name in ("sum", "prod", "cumsum", "cumprod", "mean")]
METHODS = [
    "add.reduce",
    "multiply.reduce",
    "add.accumulate",
    "multiply.accumulate",
    "maximum.reduce",
    "logaddexp.reduce",
]
REDUCTIONS = SUMS + METHODS


def reduction(name, start, dtype):
    def program(np, x):
        a = (np.sin(np.arange(150.0)).reshape(50, 3) + x[:3]).astype(start)
        f = np
        for part in name.split("."):
            f = getattr(f, part)
        out = np.zeros(np.shape(f(np.zeros((50, 3)), axis=0)), dtype)
        f(a, axis=0, out=out)
        return out, np.einsum("ij->j", a, out=np.zeros(3, "f8"))

    return program


PROGRAMS = {
    f.__name__: f
    for f in (columns, complex_columns, closed_over, numbers_have_one_place, settled_real_part, complex_powers)
}
PROGRAMS |= {f"{name} in float64": reduction(name, "f4", "f8") for name in REDUCTIONS}
PROGRAMS |= {f"{name} to float32": reduction(name, "f8", "f4") for name in REDUCTIONS if "mean" not in name}


@pytest.mark.parametrize("mode", ["jvp", "vjp", "record"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_runs_as_numpy_runs(name, mode):
    def program(x):
        return PROGRAMS[name](snp, x)

    values = PROGRAMS[name](np, X.copy())
    results = {
        "jvp": lambda: scratch_ad.jvp(program, (X,), (np.ones(6),))[0],
        "vjp": lambda: scratch_ad.vjp(program, X)[0],
        "record": lambda: scratch_ad.record(program, 2 * X)(X),
    }[mode]()
    for result, value in zip(results, values, strict=True):
        assert (result.dtype, np.shape(result)) == (value.dtype, np.shape(value))
        np.testing.assert_array_equal(result, value)
        flags, expected = np.asarray(result).flags, np.asarray(value).flags  # not strides: a returned view is a copy
        assert flags.f_contiguous or not expected.f_contiguous


def test_constant_outputs_keep_their_layout():
    out = scratch_ad.vjp(lambda x: snp.ones((2, 3), order="F"), X)[0]
    assert out.strides == np.ones((2, 3), order="F").strides
    assert scratch_ad.stop_gradient(out).strides == out.strides


@pytest.mark.parametrize("name", ["mean", "var", "std", "nanvar", "ptp", "median"])
def test_out_of_another_dtype_that_numpy_computes_partly_in(name):
    def program(x, write):
        a, out = x.reshape(2, 3), snp.zeros(3, "f4")
        if write:
            out[...] = getattr(np, name)(a, axis=0)
        else:
            getattr(np, name)(a, axis=0, out=out)
        return out

    with pytest.raises(TypeError, match=f"np.{name}.*computes partly in the dtype of arr, here float32"):
        scratch_ad.vjp(lambda x: program(x, False), X)
    value = scratch_ad.vjp(lambda x: program(x, True), X)[0]
    np.testing.assert_array_equal(value, getattr(np, name)(X.reshape(2, 3), axis=0).astype("f4"))


@pytest.mark.parametrize(
    "call",
    [
        lambda x, out: np.take(x, [0, 1], out=out),
        lambda x, out: np.compress([True, True], x[:2], out=out),
        lambda x, out: np.einsum("ij->i", x.astype("f8").reshape(2, 3), out=out),
    ],
)
def test_out_that_cannot_be_cast_is_refused_where_numpy_refuses_it(call):
    """NumPy 2.4 takes into an array of narrower numbers alone, 2.5 into any."""
    dtype = "f4" if "einsum" in call.__code__.co_names else "f8"
    x = X.astype("f4")
    try:
        expected = call(x, np.zeros(2, dtype))
    except TypeError:
        with pytest.raises(TypeError, match=r"(?i)cannot cast|could not be cast"):
            scratch_ad.vjp(lambda x: call(x, snp.zeros(2, dtype)), x)
    else:
        found = scratch_ad.vjp(lambda x: call(x, snp.zeros(2, dtype)), x)[0]
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda x, out: out.fill(x),
        lambda x, out: out.fill(x[:2]),
        lambda x, out: np.take(x, [0], out=out),
        lambda x, out: np.compress([True], x, out=out),
        lambda x, out: np.choose([0], [x[:1]], out=out),
    ],
)
def test_shapes_that_numpy_does_not_broadcast(call):
    with pytest.raises((ValueError, TypeError), match=r"sequence|does not match|invalid shape"):
        call(X, np.zeros(6))
    for run in (lambda f: scratch_ad.vjp(f, X), lambda f: scratch_ad.record(f, X)):
        with pytest.raises((ValueError, TypeError), match=r"sequence|does not match|invalid shape"):
            run(lambda x: call(x, snp.zeros(6)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("view", [np.flip, lambda x: x[::-2, ::-1], lambda x: np.flip(x)[1:].T, lambda x: x[0, ::-1]])
@pytest.mark.parametrize("ufunc", [np.exp, np.cbrt, np.power])
def test_in_place_on_what_runs_backwards(ufunc, view, dtype):
    """NumPy's loop of contiguous numbers, where of the same view into a new array it takes another."""
    given = np.random.default_rng(0).uniform(0.1, 3, (7, 9)).astype(dtype)
    exponent = () if ufunc.nin == 1 else (2.3,)

    def by_operator(x):
        y = x * 1
        v = view(y)
        if exponent:
            v **= 2.3
        else:
            ufunc(v, out=v)
        return y

    def by_out(x):
        y = x * 1
        v = view(y)
        ufunc(v, *exponent, out=v)
        return y

    for f in (by_operator, by_out):
        for value in (scratch_ad.vjp(f, given)[0], scratch_ad.jvp(f, (given,), (given,))[0]):
            np.testing.assert_array_equal(value, f(given))


@pytest.mark.parametrize("other", [np.flip, np.array, lambda x: x[:1], lambda x: x[:1, ::-1], lambda x: x[::-1]])
@pytest.mark.parametrize("view", [np.flip, lambda x: x[:]])
@pytest.mark.parametrize("ufunc", [np.power, np.arctan2])
def test_in_place_with_another_array(ufunc, view, other):
    given, exponents = np.random.default_rng(0).uniform(0.1, 3, (2, 7, 9))

    def f(x):
        y = x * 1
        v = view(y)
        ufunc(v, other(exponents), out=v)
        w = view(x * 1)
        w **= other(exponents)
        return y, w

    for values in (scratch_ad.vjp(f, given)[0], scratch_ad.jvp(f, (given,), (given,))[0]):
        for value, expected in zip(values, f(given), strict=True):
            np.testing.assert_array_equal(value, expected)
