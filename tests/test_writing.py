"""Writing into arrays: each way on its own, in every kind of number; all of them together in test_random_writes.py."""

import copy
import ctypes
import itertools
import math

import numpy as np
import pytest

import jax_ref
import scratch_ad
import scratch_ad.numpy as anp
from jax_ref.referee.precise import precise
from scratch_ad import grad, jacfwd, jvp, record, vjp
from scratch_ad.tracer import answers

A = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
V = np.array([0.3, -1.2, 2.0, 0.7])


def derivative(f, x):
    """The Jacobian by central differences."""
    columns = []
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-6
        columns.append((f(x + step) - f(x - step)) / 2e-6)
    return np.stack(columns, -1).reshape(np.shape(columns[0]) + x.shape)


# fmt: off
WRITES = {  # each statement, of x of shape (4,) and a copy y of it; m is y as a matrix
    "an element":        "y[1] = x[0] ** 2",
    "a slice":           "y[1:] = x[:-1] * x[1:]",
    "a scalar over all": "y[...] = x[3]",
    "newaxis":           "y[None, 1:, None] = x[0]",
    "a mask":            "y[y > 0.5] = x[1]",
    "a mask of values":  "y[x > 0] *= x[x > 0]",
    "mask from itself":  "y[np.array([True] * 4)] = y[::-1]",
    "integers":          "y[[2, 0]] = x[:2]",
    "repeated integers": "y[[1, 1, 2]] = x[1:] * 2",
    "mixed":             "m[[0, 1], 1:] = x[0] * m[:, :1]",
    "a list":            "y[:2] = [x[0] * x[1], 1.0]",
    "augmented item":    "y[1] += x[0]",
    "augmented slice":   "y[::2] *= x[1::2]",
    "an alias":          "z = y; z -= x ** 2",
    "an attribute":      "box.y = y; box.y /= 1 + x * x",
    "an item":           "table = [y]; table[0] **= 2",
    "a view":            "z = y[1:]; z += x[:-1]; z *= x[0]",
    "a view of a view":  "z = y[1:][::-1]; z[0] = x[0] * x[1]",
    "a transpose":       "m.T[0] = x[:2] * x[2:]",
    "a reshape":         "y.reshape(2, 2)[1] += x[0]",
    "ravel":             "np.ravel(m)[3] = x[0] ** 2",
    "ravel, a copy":     "np.ravel(m.T)[1] = x[0] ** 2",
    "swapaxes":          "m.swapaxes(0, 1)[1] *= x[:2]",
    "flip":              "np.flip(y)[:2] = x[:2] * 2",
    "split":             "np.split(y, 2)[1][...] = x[:2] * x[0]",
    "rows in a loop":    "for row in m: row *= x[0]",
    "flat":              "m.flat[1:3] = x[:2] * x[2:]",
    "flat from itself":  "y.flat[1:] = y",
    "rows swapped":      "m[[0, 1]] = m[[1, 0]]",
    "np.add.at":         "np.add.at(y, [0, 0, 2], x[:3])",
    "np.multiply.at":    "np.multiply.at(m, ([1, 1], [0, 0]), x[:2])",
    "out=":              "np.multiply(x, x, out=y)",
    "out= of a view":    "np.sin(x[:2], out=m[1])",
    "out= by position":  "np.cumsum(x, 0, None, y)",
    "out= and where=":   "np.exp(x, out=y, where=x > 0)",
    "two outputs":       "np.modf(x * 1.7, out=(y, None))",
    "np.copyto":         "np.copyto(y, x[::-1], where=x > 0)",
    "np.put":            "np.put(y, [3, 0, 3], x[:3] ** 2)",
    "np.place":          "np.place(y, x > 0, x[:2] * 2)",
    "np.putmask":        "np.putmask(y, x > 0, x[:2] * 2)",
    "np.put_along_axis": "np.put_along_axis(m, np.array([[1], [0]]), x[0] * x[1], 1)",
    "np.fill_diagonal":  "np.fill_diagonal(m, x[:2] ** 2)",
    "np.nan_to_num":     "y /= (x > 0); np.nan_to_num(y, copy=False, neginf=0.0)",
    "real part":         "z = y * 1j; z.real = x ** 2; y[...] = z.real * z.imag",
    "imaginary part":    "z = y + 0j; z.imag[1:] += x[:3]; y[...] = abs(z)",
    "sort":              "y.sort()",
    "partition":         "y.partition(2)",
    "fill":              "y.fill(x[0])",
    "put":               "y.put([1, 0], x[:2] * 3)",
    "shape":             "y.shape = (2, 2); y[0] *= x[0]",
}
# fmt: on


def program(statement, create="np.zeros_like(x)"):
    """A function of x that does the statement; ``m`` and ``y`` share their memory."""
    source = f"def f(x):\n    y = {create}\n    y[...] = x\n    m = y.reshape(2, 2)\n    {statement}\n    return m * m"
    space = {"np": np, "anp": anp, "box": type("Box", (), {})}
    exec(source, space)
    return space["f"]


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:Setting the shape")  # which NumPy 2.5 still does
@pytest.mark.parametrize("create", ["x * 1.0", "np.zeros_like(x)"])
@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES.keys())
def test_every_kind_of_number(statement, create):
    f = program(statement, create)
    with np.errstate(all="ignore"):
        y, expected = f(V), derivative(f, V)
    out, _ = vjp(f, V)
    assert out.dtype == y.dtype and np.array_equal(out, y)
    assert np.array_equal(jvp(f, (V,), (V,))[0], y)
    np.testing.assert_allclose(scratch_ad.jacrev(f)(V), expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(jacfwd(f)(V), expected, rtol=1e-6, atol=1e-8)
    total = lambda x: np.sum(f(x) * np.arange(1.0, 5.0).reshape(2, 2))
    gradient = grad(total)(V)
    second = derivative(grad(total), V)
    for hessian in (scratch_ad.hessian(total), scratch_ad.jacrev(grad(total)), jacfwd(jacfwd(total))):
        np.testing.assert_allclose(hessian(V), second, rtol=1e-5, atol=1e-7)
    for function, value in ((f, y), (grad(total), gradient)):
        if "nan_to_num" in statement and function is not f:  # where grad takes careful steps, a recording does not
            continue
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(record(function, V)(V)[0], value)
    if "nan_to_num" in statement:  # JAX's gradient is nan there
        return
    if create != "np.zeros_like(x)":  # for JAX the one is as the other
        return
    np.testing.assert_allclose(jax_ref.grad(total)(V), gradient, rtol=1e-12)
    if "[x > 0]" not in statement and ".shape" not in statement:  # its shape depends on numbers; XLA is wrong (README)
        np.testing.assert_allclose(jax_ref.jit(grad(total))(V), gradient, rtol=1e-12)


@pytest.mark.parametrize("statement", ["y[1] = x[0] ** 2", "y[1:] = x[:-1] * x[1:]", "m.T[0] = x[:2] * x[2:]"])
def test_symbols_and_high_precision(statement):
    f = lambda x: np.sum(program(statement, "np.zeros_like(x)")(x))
    np.testing.assert_allclose(scratch_ad.symbolic_gradient(V, f), grad(f)(V), rtol=1e-14)
    np.testing.assert_allclose(float(f(precise(V)).value[()]), f(V), rtol=1e-15)


def test_what_an_alias_sees():
    def f(A):
        B = A * 1.0
        r = B[0]
        r += 5 * A[1]
        return np.sum(B)

    np.testing.assert_array_equal(grad(f)(A), [[1.0] * 3, [6.0] * 3])


def test_the_arguments_of_the_caller_stay_as_they_are():
    def f(x):
        x[0] = 3.0
        x *= x
        return np.sum(x)

    for x in (V.copy(), np.repeat(V, 2)[::2]):
        before = x.copy()
        for transform in (grad(f), jacfwd(f), scratch_ad.hessian(f), lambda x: record(f, x)):
            transform(x)
            np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(grad(f)(V), [0.0, *(2 * V[1:])])


def test_the_memory_layout_of_an_argument_decides_what_is_a_view():
    def f(x):
        np.ravel(x)[0] = 9.0
        return np.sum(x)

    for x in (A.copy(), np.asfortranarray(A), np.repeat(A, 2, 1)[:, ::2], A.copy()[::-1]):
        expected = f(
            copy.deepcopy(x) if x.flags.forc else np.repeat(A, 2, 1)[:, ::2] if x[0, 0] == 0.5 else A.copy()[::-1]
        )
        assert vjp(f, x)[0] == expected


def test_nan_to_num_of_an_array_without_axes_gives_a_number():
    def f(x):
        y = np.reshape(x * 1, ())
        number = np.nan_to_num(y, copy=False)
        y[...] = 0
        return number * 3

    assert f(np.array([2.0])) == 6
    assert grad(f)(np.array([2.0])).tolist() == jvp(f, (np.array([2.0]),), (np.ones(1),))[1].reshape(1).tolist() == [3]


def test_dtypes_and_shapes_as_numpy_keeps_them():
    def single(x):
        y = x.astype(np.float32)
        y += np.float64(1) / 3
        y[:2] = x[1:3] / 3
        return y

    assert vjp(single, V)[0].dtype == np.float32
    np.testing.assert_array_equal(vjp(single, V)[0], single(V))

    def whole(x):
        y = np.zeros_like(x, dtype=int)
        y += x

    def complex_sum(x):
        x += 1j

    def broadcast(x):
        x += np.ones((2, 4))

    def read_only(x):
        np.broadcast_to(x, (2, 4))[0] = x

    def scalar(x):
        x[0][0] = 1.0

    for f in (whole, complex_sum, broadcast, read_only, scalar):
        with pytest.raises((TypeError, ValueError)) as ours:
            vjp(f, V)
        with pytest.raises(type(ours.value).__base__ if ours.type.__module__ != "builtins" else ours.type) as numpys:
            f(V.copy())
        assert str(ours.value)[:40] == str(numpys.value)[:40]


def test_created_arrays():
    def f(x):
        y = np.zeros(3, like=x)
        y[0] = x[0] * x[1]
        z = np.array([x[0], [1.0][0], y[0]], like=x)
        z += y
        q = np.ones_like(x) * 2
        q[1] = x[2]
        return np.sum(z * z) + q @ x + np.sum(np.full((2,), x[3], like=x)) + np.linalg.det(np.eye(2, like=x) * x[0])

    def g(x):
        y = anp.zeros(3)
        y[0] = x[0] * x[1]
        z = anp.array([x[0], 1.0, y[0]])
        z += y
        q = anp.full(4, 2.0)
        q[1] = x[2]
        return anp.sum(z * z) + q @ x + anp.sum(anp.full((2,), x[3])) + anp.linalg.det(anp.eye(2) * x[0])

    np.testing.assert_allclose(g(V), vjp(f, V)[0], rtol=1e-15)
    for function in (f, g):
        np.testing.assert_allclose(grad(function)(V), derivative(g, V), rtol=1e-8)
        np.testing.assert_allclose(jacfwd(function)(V), derivative(g, V), rtol=1e-8)


def test_a_plain_array_of_a_constant_shares_its_memory():
    def f(x):
        y = np.zeros_like(x)
        plain = np.asarray(y)
        plain[1] = 5.0
        y[2] = 7.0
        assert y[1] == 5 and plain[2] == 7
        del plain
        y[0] = x[0]
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(V), [1, 0, 0, 0])

    def kept(x):
        y = np.zeros_like(x)
        plain = np.asarray(y[1:])[:1]
        y[0] = x[0]
        return np.sum(y) + plain[0]

    with pytest.raises(TypeError, match=r"np\.asarray has given.*take a copy, np\.array\(y\)"):
        grad(kept)(V)


READ_OUT = {
    "tobytes": lambda y: y.tobytes(),
    "dumps": lambda y: y.dumps(),
    "byteswap": lambda y: y.byteswap(),
    "getfield": lambda y: y.getfield(np.int32),
    "view as bits": lambda y: y.view(np.int64),
    "data": lambda y: bytes(y.data),
    "ctypes": lambda y: y.ctypes.data_as(ctypes.POINTER(ctypes.c_double))[1],
}


@pytest.mark.parametrize("read", READ_OUT.values(), ids=READ_OUT)
def test_what_reads_memory_reads_that_of_a_constant(read):
    y = anp.array([0.5, -1.0, 2.0])
    assert np.array_equal(read(y), read(np.array([0.5, -1.0, 2.0])))
    assert grad(lambda x: np.sum(y * x) if read(y) is not None else 0.0)(1.0) == 1.5
    bits = y.view(np.int64)
    with pytest.raises(TypeError, match=r"np\.asarray has given a plain one that is still in use"):
        jvp(lambda x: y.__setitem__(0, x), (1.0,), (1.0,))
    assert bits[0] == np.float64(0.5).view(np.int64)


def test_copies_are_cells_of_their_own():
    for made in (copy.copy, copy.deepcopy, np.copy, lambda x: x.copy(), lambda x: x.flatten(), lambda x: np.tile(x, 1)):

        def f(x, made=made):
            y = made(x)
            y *= 3.0
            return np.sum(x * y)

        np.testing.assert_array_equal(grad(f)(V), 6 * V)


def test_cells_meet_nested_runs():
    def outer(x):
        y = x * 2.0

        def inner(t):
            z = np.zeros(4, like=t)
            z[:2] = y[:2] * t
            z[2:] += t * t
            return np.sum(z * y)

        return grad(inner)(x[0])

    np.testing.assert_allclose(grad(outer)(V), derivative(outer, V), rtol=1e-7)

    def kept(x):
        y = x * 2.0

        def inner(t):
            y[0] = t
            return t * t

        return grad(inner)(x[0]) + np.sum(y)

    with pytest.raises(TypeError, match="kept beyond the run"):
        grad(kept)(V)


def test_views_returned_after_a_write():
    def f(x):
        y = x * 1.0
        view = y[1:]
        y *= x
        return view

    np.testing.assert_array_equal(vjp(f, V)[0], (V * V)[1:])
    np.testing.assert_array_equal(vjp(f, V)[1](np.ones(3))[0], [0, *(2 * V[1:])])
    np.testing.assert_array_equal(jvp(f, (V,), (V,))[1], (2 * V * V)[1:])
    np.testing.assert_array_equal(record(f, V)(V)[0], (V * V)[1:])


@pytest.mark.parametrize("function", list(answers), ids=lambda f: f.__name__)
def test_a_plain_array_takes_no_tracer(function):
    """Of the functions that write, each is refused with the remedy; np.array and its kin are answered elsewhere."""
    calls = {
        np.copyto: lambda y, x: np.copyto(y, x),
        np.put: lambda y, x: np.put(y, [0], x[:1]),
        np.place: lambda y, x: np.place(y, y == 0, x),
        np.putmask: lambda y, x: np.putmask(y, y == 0, x),
        np.put_along_axis: lambda y, x: np.put_along_axis(y, np.array([0]), x[:1], 0),
        np.fill_diagonal: lambda y, x: np.fill_diagonal(y.reshape(2, 2), x[:2]),
    }
    if function in calls:
        with pytest.raises(TypeError, match=r"plain array.*np\.zeros_like\(x\).*scratch_ad\.numpy"):
            grad(lambda x: calls[function](np.zeros(4), x))(V)


def test_a_custom_functions_body_cannot_write_into_its_argument():
    @scratch_ad.custom_jvp
    def f(x):
        return np.sin(x)

    @f.defjvp
    def _(primals, tangents):
        x, t = primals[0], tangents[0] * np.cos(primals[0])
        x *= 2
        return np.sin(x), t

    for transform in (grad(lambda x: np.sum(f(x * 1.0))), jacfwd(lambda x: f(x * 1.0))):
        with pytest.raises(ValueError, match="read-only"):
            transform(V)

    @scratch_ad.custom_vjp
    def same(x):
        return x

    same.defvjp(lambda x: (x, None), lambda _, g: (3 * g,))

    def g(x):
        y = same(x * 1.0)
        y += x
        return np.sum(y)

    np.testing.assert_array_equal(grad(g)(V), np.full(4, 4.0))


PLACES = [  # writes to places that numbers decide
    "np.add.at(y, np.argsort(x), x)",
    "np.multiply.at(y, [np.argmax(x), np.argmax(x)], x[:2])",
    "y.flat[np.argmax(x)] = x[0] * x[1]",
    "y.flat[np.argsort(x)] = x * x",
    "y[1] = y.flat[np.argmin(x)] * x[0]",
    "np.put(y, np.argsort(x)[:2], x[:2])",
    "np.put(y, [np.argmax(x)], x[:2], mode='wrap')",
    "y[np.argsort(x)] = x * x",
    "m.T[np.argsort(x[:2])] = x[2:]",
]


@pytest.mark.parametrize("statement", PLACES)
def test_a_recording_finds_the_places_anew(statement):
    f, other = program(statement), V[::-1] * 2
    total = lambda x: np.sum(f(x) * np.arange(1.0, 5.0).reshape(2, 2))
    np.testing.assert_array_equal(record(f, V)(other)[0], f(other))
    np.testing.assert_array_equal(record(grad(total), V)(other)[0], grad(total)(other))
    np.testing.assert_allclose(grad(total)(other), derivative(total, other), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(jax_ref.jit(grad(total))(other), grad(total)(other), rtol=1e-12)


NOT_WRITTEN = {  # statements that NumPy refuses, each with its kind of error
    "deleting": ("del y[0]", ValueError),
    "an attribute": ("y.T = x", AttributeError),
    "augmented, of an attribute": ("y.T += x", AttributeError),
    "an imaginary part": ("y.imag = x", TypeError),
    "an index": ("y[9] = x[0]", IndexError),
    "a mask of another size": ("y[np.array([True, False])] = 1.0", IndexError),
    "too many values": ("y[:2] = x", ValueError),
    "a number": ("z = y[0]; z[...] = x[0]", TypeError),
}


@pytest.mark.parametrize(("statement", "error"), NOT_WRITTEN.values(), ids=NOT_WRITTEN.keys())
def test_what_numpy_refuses(statement, error):
    f = program(statement)
    for run in (lambda: f(V.copy()), lambda: vjp(f, V), lambda: jvp(f, (V,), (V,)), lambda: record(f, V)):
        with pytest.raises(error):
            run()


def test_loops_over_all_elements():
    def f(x):
        y = x.reshape(2, 2) * 1.0
        for i in np.ndindex(y.shape):
            y[i] *= y[::-1][i]
        for k, e in enumerate(y.flat):
            y.flat[k] = e * e
        return y

    assert np.array_equal(vjp(f, V)[0], f(V)) and np.array_equal(jvp(f, (V,), (V,))[0], f(V))
    np.testing.assert_allclose(scratch_ad.jacrev(f)(V), derivative(f, V), rtol=1e-6, atol=1e-8)
    for loop in (lambda y: np.nditer(y, op_flags=["readwrite"]), np.ndenumerate):
        with pytest.raises(TypeError):
            grad(lambda x, loop=loop: loop(x * 1.0))(V)


# fmt: off
MADE_OF_ANOTHER = {  # how an array z is made of another one, m; which of them are the same memory, NumPy says
    "array":              "np.array(m)",
    "array, no copy":     "np.array(m, copy=None, ndmin=3)",
    "asarray":            "np.asarray(m)",
    "asarray of a view":  "np.asarray(m[:, 1:])",
    "asarray, a copy":    "np.asarray(m, copy=True)",
    "asarray, F":         "np.asarray(m, order='F')",
    "asarray, dtype":     "np.asarray(m, dtype=float)",
    "asanyarray":         "np.asanyarray(m)",
    "ascontiguousarray":  "np.ascontiguousarray(m)",
    "of a transpose":     "np.ascontiguousarray(m.T)",
    "of a number":        "np.ascontiguousarray(m[0, 0])",
    "asfortranarray":     "np.asfortranarray(m)",
    "of Fortran's order": "np.asfortranarray(m.T)",
    "require nothing":    "np.require(m)",
    "require F":          "np.require(m, requirements='F')",
    "require ownership":  "np.require(m[1:], None, ['C', 'O'])",
    "trim_zeros":         "np.trim_zeros(m[0])",
    "copy":               "np.copy(m)",
    "view":               "m.view()",
}
# fmt: on


@pytest.mark.parametrize("source", ["np.array([[0.0, 1.0], [2.0, 3.0]])", "x.reshape(2, 2)"])
@pytest.mark.parametrize("made", MADE_OF_ANOTHER.values(), ids=MADE_OF_ANOTHER.keys())
def test_arrays_made_of_another_are_the_same_memory_where_numpys_are(made, source):
    code = f"def f(x):\n m = {source}\n w = m * (1 + 0j)\n z = {made}\n z[...] = z * x[0]\n m[0] += x[1]\n w += x[2]\n"
    code += " return np.concatenate([m.ravel(), w.ravel().real, z.ravel().real])"
    plain, ours = {"np": np}, {"np": anp}
    exec(code, plain)
    exec(code, ours)
    x = np.array([0.0, 1.5, -0.5, 2.0])
    y = plain["f"](x.copy())
    f = ours["f"]
    for out in (vjp(f, x)[0], jvp(f, (x,), (x,))[0], record(f, x)(x)[0]):
        assert out.dtype == y.dtype and np.array_equal(out, y)
    if "zeros" not in made or "x" not in source:  # trims another number of zeros beside this point
        expected = derivative(lambda x: plain["f"](x.copy()), x)
        np.testing.assert_allclose(scratch_ad.jacrev(f)(x), expected, atol=1e-8)
        np.testing.assert_allclose(jacfwd(f)(x), expected, atol=1e-8)


def test_what_cannot_be_had_without_a_copy_is_refused_as_numpy_refuses_it():
    for make in (
        lambda x: anp.array([x[0]], copy=False),
        lambda x: anp.asarray(x.reshape(2, 2), order="F", copy=False),
    ):
        with pytest.raises(ValueError, match="Unable to avoid copy"):
            grad(make)(V)


def test_custom_derivatives_of_constant_cells():
    @scratch_ad.custom_vjp
    def double(y):
        return {"twice": 2 * y}

    double.defvjp(lambda y: (double(y), None), lambda _, g: (2 * g["twice"],))
    assert np.array_equal(double(anp.ones(3))["twice"], [2.0, 2.0, 2.0])
    total = lambda x: np.sum(double(x)["twice"] * double(anp.ones(4))["twice"])
    np.testing.assert_array_equal(grad(total)(V), [4.0] * 4)


@pytest.mark.parametrize("mode", [vjp, lambda f, x: jvp(f, (x,), (x,)), record])
def test_functions_that_write_take_their_arguments_by_name(mode):
    def f(x):
        y = x * 1
        np.copyto(dst=y, src=x * 2)
        np.put(a=y, ind=[0], v=x[1] * 5)
        np.place(arr=y, mask=[0, 1, 0, 0], vals=[x[0]])
        z = np.outer(y, y)
        np.fill_diagonal(a=z, val=y)
        return z

    out = mode(f, V) if mode is not record else record(f, V)(V)
    assert np.array_equal(out[0], f(V))


def test_what_is_written_into_plain_arrays_by_name_is_refused():
    with pytest.raises(TypeError, match=r"np\.copyto takes no tracer"):
        grad(lambda x: np.copyto(dst=np.zeros(4), src=x))(V)


def _through_an_item(x):
    v = x[0, ...]
    v *= 2.0
    v.flat[::2] += x[1]
    return np.sum(x) * v


def _into_a_copy_of_an_item(x):
    v = np.copy(x[0])
    v.fill(3.0)
    v += x[1]
    return np.sum(x) * v


def _through_no_axes(x):
    v, w = np.squeeze(x[:1]), x[1].reshape(())
    v -= 1.0
    w += 5.0  # a number's own
    return np.sum(x * x)


def _into_what_is_repeated(x):
    y = np.repeat(x[:1], 2, -1)
    y[[0, 0]] = 3.0 * x[0]
    return np.sum(y)


@pytest.mark.parametrize(
    "f", [_through_an_item, _into_a_copy_of_an_item, _through_no_axes, _into_what_is_repeated], ids=lambda f: f.__name__
)
def test_arrays_without_axes_under_jax(f):
    """JAX has one kind of array without axes: what of it NumPy writes into is told by how it was made."""
    x = np.array([0.3, 0.5, 0.7])
    for way in (f, grad(f)):
        expected = way(x.copy())
        np.testing.assert_allclose(jax_ref.jit(way)(x), expected, rtol=1e-12)
    np.testing.assert_allclose(jax_ref.grad(f)(x), expected, rtol=1e-12)


@pytest.mark.parametrize("where", [True, False, [True, False]])
def test_a_read_only_view_copied_onto_itself_is_no_write(where):
    def f(x):
        y = np.broadcast_to(x, 2)
        np.copyto(y, y.T, where=where)
        return y

    np.testing.assert_array_equal(f(np.float64(3.0)), [3.0, 3.0])
    np.testing.assert_array_equal(scratch_ad.jacfwd(f)(3.0), [1.0, 1.0])
    np.testing.assert_array_equal(scratch_ad.jacrev(f)(3.0), [1.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        scratch_ad.jvp(lambda x: np.copyto(np.broadcast_to(x, 2), x), (3.0,), (1.0,))


@pytest.mark.parametrize(
    "pile",
    [
        lambda y: np.stack([y], out=y[None]),
        lambda y: np.concatenate([y[:1], y[1:]], out=y),
        lambda y: np.concatenate(([y[None]]), 1, y[None]),
    ],
    ids=["stack", "parts", "along"],
)
def test_read_only_parts_piled_where_they_lie_are_no_write(pile):
    def f(x):
        y = np.broadcast_to(x, 2)
        return pile(y).ravel()

    np.testing.assert_array_equal(f(np.float64(3.0)), [3.0, 3.0])
    np.testing.assert_array_equal(scratch_ad.jacfwd(f)(3.0), [1.0, 1.0])
    np.testing.assert_array_equal(scratch_ad.jacrev(f)(3.0), [1.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        scratch_ad.jvp(lambda x: np.stack([x + x], out=np.broadcast_to(x, 1)), (3.0,), (1.0,))


@pytest.mark.parametrize("shape", [(), (2,), (2, 3)])
def test_a_write_through_a_transpose_takes_the_shapes_that_numpy_takes(shape):
    """An array of one where there is no axis left but in front of an ellipsis, and no more numbers than places."""
    indices = [..., (..., -1), (..., None), -1, (..., slice(1)), (0, ...), (), None, [0], (slice(None), 0), (0, 0)]
    for index, of in itertools.product(indices, [(), (1,), (1, 1), (2,), (3,), (2, 1), (1, 3), (1, 1, 3)]):

        def f(x, index=index, of=of):
            y = np.zeros_like(x, shape=shape)
            y.T[index] = np.reshape(x[: math.prod(of)] ** 2, of)
            return y

        x = np.arange(1.0, 4.0)
        try:
            plain = f(x)
        except (ValueError, IndexError) as error:
            with pytest.raises(type(error)):
                scratch_ad.jvp(f, (x,), (x,))
            continue
        value, tangent = scratch_ad.jvp(f, (x,), (x,))
        np.testing.assert_array_equal(value, plain)
        np.testing.assert_array_equal(tangent, 2 * plain)
        np.testing.assert_array_equal(scratch_ad.vjp(f, x)[1](np.ones_like(plain))[0] @ x, 2 * np.sum(plain))


def product_into(a, b):
    a @= b
    return a


@pytest.mark.parametrize(
    "f",
    [product_into, lambda a, b: np.matmul(a, b, out=a), lambda a, b: np.dot(a, b, out=a)],
    ids=["@=", "matmul", "dot"],
)
def test_a_product_goes_into_the_shapes_that_numpy_takes(f):
    """Axes of one element in front may be left out; a result of fewer axes is not spread out."""
    shapes = [(1,), (2,), (1, 1), (2, 2), (1, 2), (2, 1), (1, 1, 1), (1, 2, 2), (2, 2, 2), (2, 1, 1)]
    rng = np.random.default_rng(0)
    for of_a, of_b in itertools.product(shapes, shapes):
        a, b = rng.normal(size=of_a), rng.normal(size=of_b)
        g = lambda a, b: f(a * 1, b)
        try:
            plain = g(a, b)
        except ValueError:
            with pytest.raises(ValueError, match=" "):
                jvp(g, (a, b), (a, b))
            continue
        value, tangent = jvp(g, (a, b), (a, b))
        np.testing.assert_array_equal(value, plain)
        np.testing.assert_allclose(tangent, 2 * plain, rtol=1e-12)
