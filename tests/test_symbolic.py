import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import scratch_ad
from scratch_ad import symbolic
from scratch_ad.primitives import astype
from scratch_ad.rule import elementwise
from scratch_ad.rules.reductions import share_of_sum
from scratch_ad.symbolic import expression, symbolic_gradient, symbols

jax.config.update("jax_enable_x64", True)

counterparts = [function for function in symbolic._counterparts() if function not in (astype, share_of_sum)]
logical = {np.logical_and, np.logical_or, np.logical_not}
steps = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, *logical}
reductions = {np.sum, np.mean, np.prod, np.max, np.min}
x0 = np.array([[0.3, 0.71, 0.55], [0.12, 0.93, 0.44]])


def operands(function, xp, x):
    """Arguments in (0, 1) for ``function``, the first or second of them ``x``; arccosh takes them above 1."""
    if function in reductions:
        return (x, 0)
    if function is np.arccosh:
        return (x + 1,)
    if function is np.clip:
        return (x, 0.4, 0.6)
    if function is np.where:
        return (x > 0.5, x * x, 1 - x)
    if getattr(function, "nin", 1) == 2:
        return (1 - x, x[::-1] * x)
    return (x,)


@pytest.mark.parametrize("function", counterparts, ids=lambda f: f.__name__)
def test_counterparts_agree_with_numpy_and_jax(function):
    def of(xp):
        if function == np.add.reduce:
            return lambda x: xp.sum(xp.add.reduce(x) ** 2)
        if function in steps:  # their values choose; they have no derivative of their own
            compare = getattr(xp, function.__name__)
            pair = lambda x: (x > 0.5, x < 0.7) if function in logical else (x, x[::-1] * x)
            return lambda x: xp.sum(xp.where(compare(*pair(x)[: function.nin]), x**2, xp.sin(x)))
        return lambda x: xp.sum(getattr(xp, function.__name__)(*operands(function, xp, x)) * xp.exp(x))

    gradient = symbolic_gradient(x0, of(np))
    np.testing.assert_allclose(gradient, jax.grad(of(jnp))(x0), rtol=1e-13, atol=1e-13)
    traced = expression(of(np), x0.shape)
    values = dict(zip(symbols("x", x0.shape).flat, x0.flat, strict=True))
    assert float(traced.evalf(20, subs=values)) == pytest.approx(float(of(np)(x0)), rel=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        lambda xp, x: xp.sum(x @ x.T),
        lambda xp, x: xp.sum(x * xp.ones((2, 1))) + xp.sum(1 / x - 2 * -x),
        lambda xp, x: xp.sum(x.reshape(3, 2)[1:] ** 3) + x[0, ::-1][1] * x[-1, 0],
        lambda xp, x: xp.sum(xp.concatenate([x, x * x], axis=1)[:, 2:5]) + xp.sum(xp.stack([x[0], x[1] ** 2]) ** 2.0),
        lambda xp, x: xp.dot(x[0], x[1]) * xp.sum(xp.outer(x[0], x[0])) + xp.trace(x @ x.T),
        lambda xp, x: xp.sum(xp.tensordot(x, x, axes=([0], [0])) ** 2) + xp.sum(xp.cumsum(x, axis=1) ** 2),
        lambda xp, x: xp.mean(x) ** 2 + xp.prod(xp.sum(x, axis=0)) + xp.sum(xp.mean(x, axis=(0, 1), keepdims=True) * x),
        lambda xp, x: xp.log(xp.sum(xp.exp(x))) + xp.sqrt(xp.sum(x * x)),
        lambda xp, x: xp.sum(xp.roll(x, 1) * x) + xp.sum(xp.flip(x, 0) * x) + xp.sum(xp.repeat(x, 2, axis=0) ** 2),
        lambda xp, x: xp.sum(x[:, xp.array([0, 2, 0])] ** 2) + xp.sum(xp.tril(x)) + xp.sum(xp.diff(x) ** 2),
        lambda xp, x: xp.sum(xp.moveaxis(x[None], 0, -1) ** 2) + xp.sum(xp.transpose(x, (1, 0))[0] ** 1.5),
        lambda xp, x: x[0, 0] if x[0, 1] > 0.7 else x[1, 1],
        lambda xp, x: xp.sum(xp.where(xp.array([True, False, True]), x, x * x)),
        lambda xp, x: xp.sum(xp.var(x, axis=1)) + xp.sum(xp.pad(x, 1, mode="reflect") ** 2),
        lambda xp, x: (
            xp.ptp(x) + xp.sum(xp.vecdot(x, x) ** 2) + xp.trapezoid(x[0]) + xp.sum(xp.block([[x, x], [x, x]]))
        ),
        lambda xp, x: xp.sum(x) * 0.1234567890123456 + (0.1 + 0.2) * x[0, 0],
    ],
)
def test_gradients_of_plain_numpy_agree_with_jax(function):
    gradient = symbolic_gradient(x0, lambda x: function(np, x))
    with jax.disable_jit():
        np.testing.assert_allclose(gradient, jax.grad(lambda x: function(jnp, x))(x0), rtol=1e-14, atol=1e-14)


def test_constants_keep_all_their_digits():
    c = 0.1 + 0.2  # 0.30000000000000004
    assert symbolic_gradient(1.0, lambda x: c * x) == c
    assert symbolic_gradient(1.0, lambda x: np.array(c) * x) == c
    assert symbolic_gradient(1.0, lambda x: np.float64(c) * x) == c


def test_ties_and_kinks():
    assert symbolic_gradient(1.0, lambda x: np.maximum(x, 1.0)) == 0.5
    assert symbolic_gradient(0.0, np.abs) == 1
    assert symbolic_gradient(0.5, lambda x: np.abs(np.log(x))) == -2
    assert symbolic_gradient(0.5, lambda x: np.sign(np.log(x)) * x) == -1
    assert symbolic_gradient(0.5, lambda x: np.real(1j * np.log(x) * 3j) + np.imag(np.exp(1j * x))) == np.cos(0.5) - 6
    assert symbolic_gradient(0.3, np.sign) == 0
    assert symbolic_gradient(0.3, lambda x: 3.0) == 0
    np.testing.assert_array_equal(symbolic_gradient(np.ones(2), lambda x: 3.0), [0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_of_the_parameters_are_kept(dtype):
    for shape in ((), (3,), (1, 2), (0,)):
        gradient = symbolic_gradient(np.full(shape, 0.5, dtype), lambda x: np.sum(np.sin(x) * np.float64(2)))
        assert gradient.shape == shape and gradient.dtype == dtype
        np.testing.assert_allclose(gradient, np.full(shape, 2 * np.cos(0.5)), rtol=4 * np.finfo(dtype).eps)


def test_alike_terms_are_differentiated_once(monkeypatch):
    differentiated = []
    compiled = symbolic._compiled
    monkeypatch.setattr(symbolic, "_compiled", lambda *args: differentiated.append(args) or compiled(*args))
    data = np.random.default_rng(0).normal(size=(2, 50))

    def function(data):
        return lambda p: np.sum(np.sin(p @ data) ** 2)

    p = np.array([0.3, -0.4])
    for d in (data, 2 * data, data[:, ::-1]):  # other data, the same formula
        np.testing.assert_allclose(symbolic_gradient(p, function(d)), d @ np.sin(2 * (p @ d)), rtol=1e-13)
    assert len(differentiated) == 1
    symbolic_gradient(p, function(data[:, :20]))
    assert len(differentiated) == 2


def test_a_changed_function_is_never_mistaken_for_the_old_one():
    scale, index, power = np.array([2.0, 3.0]), np.array([0, 1, 1]), 2

    def function(x):
        return np.sum(scale[index] * x[index] ** power)

    x = np.array([0.5, 1.5])
    np.testing.assert_array_equal(symbolic_gradient(x, function), [2, 18])
    scale = np.array([1.0, 1.0])
    np.testing.assert_array_equal(symbolic_gradient(x, function), [1, 6])
    scale[0] = 5
    np.testing.assert_array_equal(symbolic_gradient(x, function), [5, 6])
    index = np.array([0, 0, 1])
    np.testing.assert_array_equal(symbolic_gradient(x, function), [10, 3])
    power = 3
    np.testing.assert_array_equal(symbolic_gradient(x, function), [7.5, 6.75])


def test_classifier():
    rng = np.random.default_rng(0)
    v, labels, p = rng.normal(size=(2, 60)), rng.choice([-1.0, 1.0], size=(2, 60)), rng.normal(size=(2, 2)) * 0.1

    def cost(xp):
        return lambda p: xp.sum((xp.tanh(p @ v) - labels) ** 2)

    np.testing.assert_allclose(symbolic_gradient(p, cost(np)), jax.grad(cost(jnp))(p), rtol=1e-13)
    start = time.process_time()
    for _ in range(20):
        symbolic_gradient(p, cost(np))
    assert (time.process_time() - start) / 20 < 0.02  # 0.5 ms, where deriving the formula takes 300


def test_expression_of_scalars_arrays_and_containers():
    a, b = sympy.symbols("a b", real=True)
    assert expression(lambda a, b: np.exp(a) * b, "a", "b") == sympy.exp(a) * b
    assert expression(np.sin, "a") == sympy.sin(a)
    assert expression(lambda z: z**2 + 1, a + b) == (a + b) ** 2 + 1
    w, v = symbols("w", (2, 2)), symbols("v", (2,))
    product = expression(lambda w, v: np.tanh(w @ v), (2, 2), (2,))
    assert product.shape == (2,) and product[1] == sympy.tanh(w[1, 0] * v[0] + w[1, 1] * v[1])
    assert expression(lambda a: {"sum": np.sum(a), "twice": [2 * a[0]]}, v) == {"sum": v[0] + v[1], "twice": [2 * v[0]]}
    assert expression(lambda *a: a[0] * a[1], (), ()) == sympy.Symbol("a", real=True) * sympy.Symbol("x1", real=True)


def test_logistic_map():
    def layers(x, n):
        for _ in range(n):
            x = 4 * x * (1 - x)
        return x

    x = sympy.Symbol("x", real=True)
    for n in (0, 1, 4):
        assert expression(lambda x, n=n: layers(x, n), "x") == layers(x, n)
        exact = jax.grad(lambda x, n=n: layers(x, n))(0.3)
        assert symbolic_gradient(0.3, lambda x, n=n: layers(x, n)) == pytest.approx(float(exact), rel=1e-13)


def test_the_engines_run_on_symbols():
    x = sympy.Symbol("x", real=True)
    f, exact = lambda x: np.tanh(x) * x**3, (sympy.tanh(x) * x**3).diff(x)
    by_reverse = expression(scratch_ad.grad(f), "x")
    _, by_forward = expression(lambda x: scratch_ad.jvp(f, (x,), (np.ones_like(x),)), "x")
    for derivative in (by_reverse, by_forward):
        assert float(derivative.subs(x, 0.7)) == pytest.approx(float(exact.subs(x, 0.7)), rel=1e-14)


def test_refusals():
    def branch(x):
        return x if x > 0 else -x

    for function in (branch, lambda x: 1 if x else 2):
        with pytest.raises(TypeError, match=r"neither true nor false.*np\.where"):
            expression(function, "x")
    with pytest.raises(NotImplementedError, match=r"np\.std has no SymPy counterpart"):
        symbolic_gradient(np.ones(3), np.std)
    softplus = elementwise(lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(-x)))
    for function, name in ((np.floor, r"np\.floor"), (np.spacing, r"np\.spacing"), (softplus, "<lambda>")):
        with pytest.raises(NotImplementedError, match=f"{name} has no SymPy counterpart in symbolic mode"):
            expression(lambda x, function=function: function(x) + x, "x")
        with pytest.raises(NotImplementedError, match=name):
            symbolic_gradient(0.5, lambda x, function=function: function(x) + x)
    with pytest.raises(
        NotImplementedError, match="getitem has no SymPy counterpart in symbolic mode, or none for these arguments"
    ):
        symbolic_gradient(np.array([0.5, -0.5]), lambda x: np.sum(x[x > 0]))
    with pytest.raises(TypeError, match=r"requires real-valued inputs.*but got int64"):
        symbolic_gradient(np.arange(3), np.sum)
    with pytest.raises(TypeError, match=r"requires real-valued inputs.*but got complex128"):
        symbolic_gradient(1j, np.real)
    with pytest.raises(TypeError, match=r"Output had shape: \(3,\)"):
        symbolic_gradient(np.ones(3), np.sin)
    with pytest.raises(TypeError, match="Got 2 outputs"):
        symbolic_gradient(np.ones(3), lambda x: (x[0], x[1]))
    with pytest.raises(TypeError, match=r"np\.array takes plain numbers, not a tracer of symbolic mode"):
        expression(lambda x: np.array([x, x]), "x")
    with pytest.raises(TypeError, match="does not support item assignment"):
        expression(lambda x: x.__setitem__(0, 1), "x")


def test_an_expression_within_another():
    """Each has a run of its own, and may use the symbols of the outer one."""
    x, y = (sympy.Symbol(name, real=True) for name in "xy")
    inner = lambda a: expression(lambda y: a * np.sin(y) + y * a, "y")
    outer = expression(lambda a: [inner(a), a * a], "x")
    assert outer == [x * sympy.sin(y) + x * y, x**2]


def test_sympy_is_imported_when_used():
    code = "import sys, scratch_ad.intro; assert not {'sympy', 'matplotlib', 'jax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
