"""NumPy functions on JAX: JAX's transformations of them, and our derivatives compiled by XLA."""

import collections
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.measure.tolerances import mismatch
from scratch_ad.scipy import fft, linalg, signal

Pair = collections.namedtuple("Pair", "first second")
x3 = np.array([0.3, -1.2, 2.0])
A = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def model(x, w):
    return np.mean(np.square(np.tanh(x @ w) - 0.5))


def jax_model(x, w):
    return jnp.mean(jnp.square(jnp.tanh(x @ w) - 0.5))


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "jacfwd", "jacrev", "hessian"])
def test_transformations_are_those_of_jax(name):
    ours = getattr(jax_ref, name)(model, argnums=(0, 1))(A, A.T)
    theirs = getattr(jax, name)(jax_model, argnums=(0, 1))(A, A.T)
    assert not mismatch(ours, jax.tree.map(np.asarray, theirs), 2)
    assert all(isinstance(leaf, (np.ndarray, np.generic)) for leaf in jax.tree.leaves(ours))
    assert getattr(jax_ref, name)(model).__name__ == "model"


def test_jvp_vjp_and_linearize_are_those_of_jax():
    f, g = lambda x: {"y": np.sin(x), "s": np.sum(x)}, lambda x: {"y": jnp.sin(x), "s": jnp.sum(x)}
    numpy = lambda tree: jax.tree.map(np.asarray, tree)
    assert not mismatch(jax_ref.jvp(f, (x3,), (x3,)), numpy(jax.jvp(g, (x3,), (x3,))))
    cotangent = {"y": x3, "s": 2.0}
    assert not mismatch(jax_ref.vjp(f, x3)[1](cotangent), numpy(jax.vjp(g, x3)[1](cotangent)))
    assert not mismatch(jax_ref.linearize(f, x3)[1](x3), numpy(jax.linearize(g, x3)[1](x3)))
    y, _, aux = jax_ref.vjp(lambda x: (np.sin(x), (x, "text")), x3, has_aux=True)
    assert type(y) is type(aux[0]) is np.ndarray and aux[1] == "text"


def test_results_are_arrays_of_the_callers_own():
    y, pullback = jax_ref.vjp(lambda x: (x, np.ones(2)), x3)
    for array in (*y, *pullback((x3, np.ones(2)))):
        assert type(array) is np.ndarray and array.flags.writeable and array is not x3
    assert isinstance(jax_ref.grad(np.sin)(0.5), np.float64)


def test_transformations_nest():
    f = lambda x: np.sum(np.sin(x) * x)
    second = lambda ad, of: ad.grad(lambda x: np.sum(of.grad(f)(x) ** 2))(x3)
    expected = second(jax_ref, jax_ref)
    assert not mismatch(second(scratch_ad, scratch_ad), expected, 2)
    assert not mismatch(second(jax_ref, scratch_ad), expected, 2)  # JAX's derivative of our derivative
    assert not mismatch(jax_ref.jit(jax_ref.grad(f))(x3), jax_ref.grad(f)(x3))
    assert not mismatch(jax_ref.jvp(jax_ref.grad(f), (x3,), (x3,)), scratch_ad.jvp(scratch_ad.grad(f), (x3,), (x3,)), 2)
    assert jax_ref.grad(lambda x: x * jax_ref.grad(lambda y: x + y)(2.0))(3.0) == 1  # no perturbation confusion


def test_what_is_compiled_goes_into_transformations_of_jax_itself():
    f = lambda x: np.sum(np.sin(x) * x)
    compiled, gradient = jax_ref.jit(f), scratch_ad.grad(f)(x3)
    for ours in (compiled, lambda x: jax_ref.vjp(f, x)[0], lambda x: jax_ref.jvp(f, (x,), (x,))[0]):
        assert not mismatch(np.asarray(jax.grad(ours)(x3)), gradient)
    assert not mismatch(np.asarray(jax.jit(lambda x: jax_ref.vjp(f, x)[1](1.0)[0])(x3)), gradient)
    assert not mismatch(np.asarray(jax.jit(jax_ref.jit(scratch_ad.grad(f)))(x3)), gradient)
    rows = np.stack([x3, -x3])
    assert not mismatch(np.asarray(jax.vmap(jax_ref.grad(f))(rows)), np.stack([gradient, scratch_ad.grad(f)(-x3)]))
    assert not mismatch(np.asarray(jax.hessian(compiled)(x3)), scratch_ad.hessian(f)(x3), 2)


PROGRAMS = {
    "value and gradient": (lambda ad: ad.value_and_grad(model, argnums=(0, 1)), (A, A.T)),
    "grad of grad": (lambda ad: ad.grad(lambda x: np.sum(ad.grad(model)(x, A.T) ** 2)), (A,)),
    "jvp": (lambda ad: lambda x, t: ad.jvp(lambda x: model(x, A.T), (x,), (t,)), (A, A)),
    "vjp": (lambda ad: lambda x, g: ad.vjp(lambda x: np.tanh(x @ x.T), x)[1](g), (A, A @ A.T)),
    "hessian": (lambda ad: ad.hessian(lambda x: np.sum(np.exp(x) * x[::-1])), (x3,)),
    "jacobians": (lambda ad: lambda x: (ad.jacfwd(np.sin)(x), ad.jacrev(np.cumsum)(x)), (x3,)),
    "linearize": (lambda ad: lambda x, t: ad.linearize(np.tanh, x)[1](t), (x3, x3)),
    "indexing": (lambda ad: ad.grad(lambda x: np.sum(x[[0, 0, 2]] ** 2) * x[1]), (x3,)),
    "joining": (lambda ad: ad.grad(lambda x: np.sum(np.concatenate([x, x * x, np.stack([x[0], x[1]])]) ** 2)), (x3,)),
    "choosing": (lambda ad: ad.grad(lambda x: np.sum(np.where(x > 0, x * x, -x) + np.maximum(x, 0.1))), (x3,)),
    "sorting": (lambda ad: ad.grad(lambda x: np.sum(np.sort(x) * x3) + np.max(x) + np.median(x)), (x3,)),
    "products": (
        lambda ad: ad.grad(lambda x: np.sum(np.einsum("ij,kj->ik", x, x)) + np.prod(x) + np.sum(np.tensordot(x, x))),
        (A,),
    ),
    "statistics": (lambda ad: ad.grad(lambda x: np.std(x) + np.var(x) + np.sum(np.cumprod(x)) + np.average(x)), (x3,)),
    "polynomials": (
        lambda ad: ad.grad(lambda x: np.sum(np.polymul(x, x) ** 2) + np.sum(np.polydiv(np.append(x, 1.0), x[:2])[0])),
        (x3,),
    ),
    "custom vjp": (lambda ad: ad.grad(lambda x: np.sum(clipped(ad)(np.sin(x)) * 3)), (x3,)),
}


def clipped(ad):
    """The identity with its cotangent clipped to ±0.5, by our custom_vjp; JAX is given what comes out of it."""
    if ad is jax_ref:
        return lambda x: np.clip(x, -np.inf, np.inf) / 6
    f = scratch_ad.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, ()), lambda _, g: (np.clip(g, -0.5, 0.5),))
    return f


@pytest.mark.parametrize(("build", "arguments"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_our_derivative_programs_are_compiled_by_xla(build, arguments):
    program = build(scratch_ad)
    compiled = jax_ref.jit(program)(*arguments)
    assert not mismatch(compiled, program(*arguments), 2)
    assert not mismatch(compiled, jax.tree.map(np.asarray, build(jax_ref)(*arguments)), 2)


@pytest.mark.parametrize(("mode", "shape"), [("valid", (3, 2)), ("full", (6, 2)), ("same", (6, 2)), ("same", (2, 4))])
def test_convolutions_are_compiled_where_neither_array_is_the_larger_one(mode, shape):
    """JAX refuses them, and the transpose of a valid convolution is such a one."""
    x, kernel = np.cos(np.arange(20.0)).reshape(4, 5), np.sin(np.arange(1.0, 1 + np.prod(shape))).reshape(shape)
    gradient = scratch_ad.grad(lambda a, b: np.sum(np.sin(signal.convolve2d(a, b, mode))), argnums=(0, 1))
    program = scratch_ad.record(gradient, x, kernel)
    for run in (gradient, lambda *arrays: program(*arrays)):
        assert not mismatch(tuple(jax_ref.jit(run)(x, kernel)), gradient(x, kernel), 2)


HESSIANS = {
    "zeros beside an array": lambda x: np.sum(np.concatenate([np.zeros_like(x[:1]), x**3, x[1:]]) * x[0]),
    "ones beneath an array": lambda x: np.sum(np.stack([np.ones_like(x), x**3], 1)[:, 1] * x),
    "powers": lambda x: np.sum(np.vander(x) ** 2),
    "singular values": lambda x: np.sum(np.linalg.svd(x[:, None] * x + A.T @ A)[1] ** 2 * x),
    "singular vectors": lambda x: np.sum(np.linalg.svd(A * x, full_matrices=False)[0] * A[:, :2]),
}


@pytest.mark.parametrize("f", HESSIANS.values(), ids=HESSIANS.keys())
@pytest.mark.parametrize(("outer", "inner"), [*itertools.permutations((scratch_ad.jacfwd, scratch_ad.jacrev))])
def test_second_derivatives_are_compiled_without_a_look_at_their_nans(f, outer, inner):
    expected = scratch_ad.hessian(f)(x3)
    np.testing.assert_allclose(jax_ref.jit(outer(inner(f)))(x3), expected, 1e-9, 1e-9 * np.max(np.abs(expected)))


def test_a_lowered_program_can_be_counted():
    cost = lambda f: jax_ref.jit(f).lower(A, A.T).compile().cost_analysis()["flops"]
    assert cost(model) < cost(scratch_ad.value_and_grad(model)) < 6 * cost(model)
    assert "dot_general" in jax_ref.jit(scratch_ad.grad(model)).lower(A, A.T).as_text()


def test_jit_takes_the_options_of_jax():
    power = jax_ref.jit(lambda x, n: np.sum(x**n), static_argnums=1)
    assert power(x3, 3) == pytest.approx(np.sum(x3**3))
    assert not mismatch(jax_ref.jit(lambda p: Pair(p.second, p.first * 2))(Pair(x3, 2.0)), Pair(np.float64(2), 2 * x3))


# Types


DTYPES = {
    "a Python float is weakly typed": (lambda x: x * 2.0 + 1, np.float32(3)),
    "a NumPy float is not": (lambda x: x * np.float64(2), np.float32(3)),
    "an argument that is a Python float": (lambda x: x * np.ones(2, np.float32), 3.0),
    "the result of a ufunc is not weak": (lambda x: np.sin(x) * np.ones(2, np.float32), 3.0),
    "integers widen float32 as in NumPy": (lambda x: x * np.arange(2), np.float32(3)),
    "small integers do not": (lambda x: x * np.arange(2, dtype=np.int16), np.float32(3)),
    "division of integers": (lambda x: (x * 0 + np.arange(2)).astype(int) / 2, np.float32(3)),
    "float16": (lambda x: np.mean(x) + np.exp(x), np.float16([1, 2])),
    "complex": (lambda x: x * 1j, np.float32(3)),
    "dtype=": (lambda x: np.add(x, 1, dtype=np.float32), 3.0),
    "sum of booleans": (lambda x: np.sum(x > 0), np.float32([1, 2])),
    "comparison": (lambda x: x > 2, np.float32([1, 3])),
    "Python numbers as arrays": (
        lambda x: [f(x, c) for f in (np.dot, np.inner, np.outer, np.append, np.polyval) for c in (0.5, 2)],
        np.float32([1, 3]),
    ),
    "arrays of integers": (
        lambda x: [f(x, np.arange(2)) for f in (np.dot, np.inner, np.outer, np.append, np.polyval, np.convolve)],
        np.float32([1, 3]),
    ),
    "correlate": (lambda x: np.correlate(x, np.arange(2), "full"), np.float32([1, 3])),
    "trapezoid": (lambda x: (np.trapezoid(x, np.arange(2)), np.trapezoid(x, [0.0, 1.0])), np.float32([1, 3])),
    "vdot": (lambda x: np.vdot(x, 2.0), np.float32(3)),
    "covariances are doubles": (lambda x: (np.cov(x), np.cov(x, x), np.cov(x, ddof=0)), np.float32([1, 3])),
    "correlations are doubles": (lambda x: np.corrcoef(x, x[::-1] ** 2), np.float32([1, 3, 7])),
    "powers have room for integers": (lambda x: np.vander(x, 3), np.float32([1, 3])),
}


@pytest.mark.parametrize(("f", "x"), DTYPES.values(), ids=DTYPES.keys())
def test_dtypes_are_those_of_numpy(f, x):
    assert not mismatch(jax_ref.jit(f)(x), f(x))


@pytest.mark.parametrize(
    "f", [lambda x: np.polyval(x, 0.5), lambda x: np.sum(np.vander(x)), lambda x: np.dot(x, 2.0)[0]]
)
def test_dtypes_of_derivatives_are_those_of_numpy(f):
    derivative = scratch_ad.value_and_grad(f)
    assert not mismatch(jax_ref.jit(derivative)(np.float32(x3)), derivative(np.float32(x3)))


ARGUMENTS = {
    "a list as an index": lambda x: x[:, [2, 0]],
    "a list of numbers": lambda x: np.take(x, [0, 2, 2], axis=1) + np.add(x, [1.0, 2.0, 3.0]),
    "a list of counts": lambda x: np.repeat(x, [1, 0, 2], axis=1),
    "a list of conditions": lambda x: np.where([[True], [False]], x, 0.0),
    "lists of arrays": lambda x: np.vstack([x, [1.0, 2.0, 3.0]]) + np.concatenate([x, x[:1]]),
    "a list for a shape": lambda x: np.reshape(x, [3, 2]),
    "a keyword of layout": lambda x: np.copy(x, order="F") + np.sum(x, out=None) + np.sort(x, kind="stable"),
    "order of elements": lambda x: np.reshape(x, (3, 2), order="F") @ x + np.ravel(x, order="F")[:3],
    "a keyword of another name": lambda x: np.clip(x, a_min=0, a_max=1) + np.clip(x, min=0),
    "arrays by keyword": lambda x: np.dot(a=x, b=x.T) + np.sum(a=x),
    "functions as arguments": lambda x: np.piecewise(x, [x > 0, x <= 0], [np.sin, lambda v: v * v]),
    "ufunc methods": lambda x: np.add.reduce(x, axis=1) + np.multiply.outer(x[0], x[1])[0, 0] + np.maximum.reduce(x[0]),
    "a method that JAX lacks": lambda x: np.hypot.reduce(x[0]) + np.subtract.outer(x[0], x[0]),
    "several results": lambda x: np.modf(x)[0] + np.divmod(x, 0.7)[1] + np.split(x, 3, axis=1)[0],
    "einsum with a list": lambda x: np.einsum("ij,j->i", x, [1.0, 2.0, 3.0]),
    "one end of two": lambda x: np.diff(x, append=x[:, :1]),
    "inverse powers": lambda x: np.linalg.matrix_power(x @ x.T, -2),
    "an open grid": lambda x: np.ix_(x[0], x[1])[0] * np.ix_(x[0], x[1])[1],
    "a grid that is no copy": lambda x: np.meshgrid(x[0], x[1], copy=False)[0],
    "a composite of ours": lambda x: np.compress([True, False], x, axis=0),
}


@pytest.mark.parametrize("f", ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_arguments_mean_what_they_mean_in_numpy(f):
    assert not mismatch(jax_ref.jit(f)(A), f(A))
    assert not mismatch(jax_ref.jvp(f, (A,), (A,))[0], f(A))


OF_INTEGERS = {
    "mean": lambda n: np.mean(n) + np.std(n) + np.median(n, axis=0) + np.average(n) + np.mean(n, where=n > 0),
    "mean of conditions": lambda n: np.mean(n > 1),
    "norms": lambda n: np.linalg.norm(n) + np.linalg.norm(n, axis=1) + np.linalg.matrix_norm(n),
    "decompositions": lambda n: np.linalg.inv(n.T @ n + np.eye(3, dtype=n.dtype)) + np.linalg.svdvals(n)[0],
    "inverse powers": lambda n: np.linalg.matrix_power(n @ n.T, -2),
    "fft": lambda n: np.fft.fft(n) + np.fft.fftshift(n),
    "sums so far": lambda n: np.cumsum(n * 50) + np.cumprod(n) + np.add.accumulate(n.ravel() * 50),
    "sums of slices": lambda n: np.add.reduceat(n * 50, [0, 1], axis=1),
    "interpolated": lambda n: np.interp(n, n[0], n[1]) + np.linspace(n[0, 0], n[0, 1], 3) + np.sinc(n),
    "convolved": lambda n: np.convolve(n[0], n[1]) + np.correlate(n[0], n[1], "full"),
    "fitted": lambda n: np.polyfit(np.arange(3), n[0], 1),
    "reciprocal": lambda n: np.reciprocal(n),
    "joined with float32": lambda n: np.concatenate([n, np.float32(A)]) + np.stack([n, np.float32(A)])[0, :1],
    "chosen beside float32": lambda n: np.where(n > 1, n, np.float32(A)) + np.select([n > 1], [n], np.float32(0.5)),
    "products with float32": lambda n: (
        np.einsum("ij,ij->j", n, np.float32(A)) + np.tensordot(n, np.float32(A).T, 1)[0, 0]
    ),
}


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
@pytest.mark.parametrize("f", OF_INTEGERS.values(), ids=OF_INTEGERS.keys())
def test_integers_are_computed_as_numpy_computes_them(f, dtype):
    n = np.array([[1, 3, 2], [2, 1, 4]], dtype)
    expected, found = f(n), jax_ref.jit(f)(n)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, 1e-11 if expected.dtype.itemsize > 4 else 1e-6, 1e-13)


@pytest.mark.parametrize("f", [linalg.pinv, linalg.null_space, fft.dst, signal.hilbert], ids=lambda f: f.__name__)
def test_what_jax_lacks_of_scipy_is_refused_by_name(f):
    with pytest.raises(NotImplementedError, match=f"{f.__name__} has no equivalent in JAX: "):
        jax_ref.jit(f)(A)


def test_branches_on_values_run_where_jax_does_not_compile():
    f = lambda x: np.sum(x[x > 0] ** 2) if np.sum(x) > 0 else np.sum(x)
    np.testing.assert_array_equal(jax_ref.grad(f)(x3), scratch_ad.grad(f)(x3))


ERRORS = {
    "shape that depends on data": (
        lambda: jax_ref.jit(lambda x: x[x > 0])(x3),
        TypeError,
        r"getitem.*np\.where.*without jax_ref\.jit",
    ),
    "unique": (lambda: jax_ref.jit(np.unique)(x3), TypeError, r"np\.unique.*without jax_ref\.jit"),
    "nonzero": (lambda: jax_ref.jit(np.nonzero)(x3), TypeError, r"np\.nonzero.*without jax_ref\.jit"),
    "real_if_close": (lambda: jax_ref.jit(np.real_if_close)(x3 + 0j), TypeError, r"np\.real_if_close"),
    "float of a tracer": (
        lambda: jax_ref.grad(lambda x: float(x))(1.0),
        TypeError,
        r"^float takes plain numbers, not a tracer of JAX\..*np\.sin for math\.sin",
    ),
    "a function that JAX lacks": (
        lambda: jax_ref.grad(lambda x: np.busday_count(x, x))(1.0),
        NotImplementedError,
        r"np\.busday_count.*JAX",
    ),
    "a keyword that JAX lacks": (
        lambda: jax_ref.grad(lambda x: np.nanvar(x, correction=1))(x3),
        NotImplementedError,
        r"np\.nanvar.*correction",
    ),
    "np.asarray": (lambda: jax_ref.grad(lambda x: np.sum(np.asarray(x)))(x3), TypeError, r"np\.asarray.*JAX"),
    "out=": (lambda: jax_ref.grad(lambda x: np.sum(np.sin(x, out=np.zeros(3))))(x3), TypeError, r"np\.sin.*out="),
    "JAX inside ours": (
        lambda: scratch_ad.grad(lambda x: jax_ref.grad(np.sin)(x))(1.0),
        TypeError,
        r"apply jax_ref last",
    ),
    "jit inside ours": (lambda: scratch_ad.grad(jax_ref.jit(np.sin))(1.0), TypeError, r"apply jax_ref last"),
    "not callable": (lambda: jax_ref.grad(3), TypeError, r"Expected a callable value"),
}


@pytest.mark.parametrize(("call", "error", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_name_the_function_and_the_remedy(call, error, message):
    with pytest.raises(error, match=message):
        call()
