"""NumPy spelled any way under differentiation, and what is refused instead of losing a derivative."""

import copy
import inspect
import operator

import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.measure.tolerances import mismatch
from jax_ref.referee.precise import precise
from scratch_ad import grad, jvp, record, vjp
from scratch_ad.constants import ConstantCell
from scratch_ad.tracer import Tracer

x3 = np.array([0.3, -1.2, 2.0])
A = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def same(f, g, x=A):
    """``f`` and ``g`` have the same value, tangent and cotangent."""
    t = np.cos(3 * x)
    y = g(x)
    assert not mismatch(jvp(f, (x,), (t,)), jvp(g, (x,), (t,)))
    assert not mismatch(jvp(f, (x,), (t,))[0], y)
    c = np.asarray(np.sin(2 + np.arange(y.size)).reshape(y.shape), y.dtype)
    assert not mismatch(vjp(f, x)[1](c), vjp(g, x)[1](c))


# Operators, methods and attributes agree with functions

# fmt: off
OPERATORS = {
    "x + 2":     (lambda x: x + 2,           lambda x: np.add(x, 2)),
    "2 + x":     (lambda x: 2 + x,           lambda x: np.add(2, x)),
    "x - 2":     (lambda x: x - 2,           lambda x: np.subtract(x, 2)),
    "2 - x":     (lambda x: 2 - x,           lambda x: np.subtract(2, x)),
    "x * 2":     (lambda x: x * 2,           lambda x: np.multiply(x, 2)),
    "2 * x":     (lambda x: 2 * x,           lambda x: np.multiply(2, x)),
    "x / 2":     (lambda x: x / 2,           lambda x: np.divide(x, 2)),
    "2 / x":     (lambda x: 2 / x,           lambda x: np.divide(2, x)),
    "x % 0.7":   (lambda x: x % 0.7,         lambda x: np.remainder(x, 0.7)),
    "3 % x":     (lambda x: 3 % x,           lambda x: np.remainder(3, x)),
    "x // 0.7":  (lambda x: x // 0.7 + x,    lambda x: np.floor_divide(x, 0.7) + x),
    "3 // x":    (lambda x: 3 // x + x,      lambda x: np.floor_divide(3, x) + x),
    "divmod":    (lambda x: divmod(x, 0.7)[1], lambda x: np.divmod(x, 0.7)[1]),
    "rdivmod":   (lambda x: divmod(3, x)[1], lambda x: np.divmod(3, x)[1]),
    "x ** 2":    (lambda x: x**2,            lambda x: np.square(x)),
    "x ** 3":    (lambda x: x**3,            lambda x: np.power(x, 3)),
    "x ** -1":   (lambda x: x**-1,           lambda x: np.reciprocal(x)),
    "x ** 0.5":  (lambda x: abs(x)**0.5,     lambda x: np.sqrt(np.abs(x))),
    "x ** x":    (lambda x: abs(x)**x,       lambda x: np.power(np.abs(x), x)),
    "2 ** x":    (lambda x: 2**x,            lambda x: np.power(2, x)),
    "array ** x": (lambda x: np.ones(3)**x * x, lambda x: np.power(np.ones(3), x) * x),
    "x @ y":     (lambda x: x @ x.T,         lambda x: np.matmul(x, np.transpose(x))),
    "array @ x": (lambda x: np.ones((1, 2)) @ x, lambda x: np.matmul(np.ones((1, 2)), x)),
    "x @ array": (lambda x: x @ x3,          lambda x: np.matmul(x, x3)),
    "array - x": (lambda x: x3 - x,          lambda x: np.subtract(x3, x)),
    "array / x": (lambda x: x3 / x,          lambda x: np.divide(x3, x)),
    "np.float64(2) * x": (lambda x: np.float64(2) * x, lambda x: np.multiply(np.float64(2), x)),
    "-x":        (lambda x: -x,              lambda x: np.negative(x)),
    "+x":        (lambda x: +x,              lambda x: np.positive(x)),
    "abs(x)":    (lambda x: abs(x),          lambda x: np.absolute(x)),
    "x > 0":     (lambda x: (x > 0) * x,     lambda x: np.greater(x, 0) * x),
    "array >= x": (lambda x: (x3 >= x) * x,  lambda x: np.greater_equal(x3, x) * x),
    "x == x":    (lambda x: (x == x) * x,    lambda x: np.equal(x, x) * x),
    "x != x":    (lambda x: (x != x) * x,    lambda x: np.not_equal(x, x) * x),
    "&, |, ~":   (lambda x: (((x > 0) & (x < 1)) | ~(x > -1)) * x,
                  lambda x: np.logical_or(np.logical_and(x > 0, x < 1), np.logical_not(x > -1)) * x),
    "operator":  (lambda x: operator.add(operator.mul(x, x), operator.pow(x, 2)), lambda x: x * x + x * x),
    "sum()":     (lambda x: sum(x),          lambda x: np.sum(x, axis=0)),
    "max()":     (lambda x: max(x[0], key=lambda v: v), lambda x: np.max(x[0])),
    "round()":   (lambda x: x * np.round(x), lambda x: x * x.round()),
    "+=":        (lambda x: in_place(x, operator.iadd), lambda x: x + 1.5),
    "-=":        (lambda x: in_place(x, operator.isub), lambda x: x - 1.5),
    "*=":        (lambda x: in_place(x, operator.imul), lambda x: x * 1.5),
    "/=":        (lambda x: in_place(x, operator.itruediv), lambda x: x / 1.5),
    "**=":       (lambda x: in_place(abs(x), operator.ipow), lambda x: np.power(np.abs(x), 1.5)),
    "%=":        (lambda x: in_place(x, operator.imod), lambda x: np.remainder(x, 1.5)),
    "@=":        (lambda x: operator.imatmul(x, np.ones((3, 3))), lambda x: x @ np.ones((3, 3))),
}
METHODS = {
    "x.T":            (lambda x: x.T,                       lambda x: np.transpose(x)),
    "x.mT":           (lambda x: x.mT,                      lambda x: np.matrix_transpose(x)),
    "x.real":         (lambda x: x.real,                    lambda x: np.real(x)),
    "x.imag":         (lambda x: (x * 1j).imag,             lambda x: np.imag(x * 1j)),
    "x.shape":        (lambda x: x * x.shape[1],            lambda x: x * 3),
    "x.size, ndim":   (lambda x: x * x.size * x.ndim * len(x), lambda x: x * 24),
    "x.dtype":        (lambda x: x * np.finfo(x.dtype).bits * x.nbytes, lambda x: x * (64 * 48)),
    "x.flatten":      (lambda x: x.flatten(),               lambda x: np.ravel(x)),
    "x.flat":         (lambda x: np.stack([v * v for v in x.flat]), lambda x: np.ravel(x) ** 2),
    "x.reshape":      (lambda x: x.reshape(3, 2) * x.reshape((3, 2)) * x.reshape(3, -1),
                       lambda x: np.reshape(x, (3, 2)) ** 3),
    "x.transpose":    (lambda x: x.transpose() * x.transpose(1, 0) * x.transpose((1, 0)),
                       lambda x: np.transpose(x) ** 3),
    "x.swapaxes":     (lambda x: x.swapaxes(0, 1),          lambda x: np.swapaxes(x, 0, 1)),
    "x.squeeze":      (lambda x: x[None].squeeze(0),        lambda x: np.squeeze(x[None], 0)),
    "x.astype":       (lambda x: x.astype(np.float32),      lambda x: scratch_ad.primitives.astype(x, np.dtype("f4"))),
    "x.copy":         (lambda x: x.copy() * copy.copy(x),   lambda x: x * x),
    "x.sum":          (lambda x: x.sum(axis=0, keepdims=True), lambda x: np.sum(x, axis=0, keepdims=True)),
    "x.mean":         (lambda x: x.mean(1),                 lambda x: np.mean(x, 1)),
    "x.prod":         (lambda x: x.prod(axis=1),            lambda x: np.prod(x, axis=1)),
    "x.std, var":     (lambda x: x.std(0) * x.var(0),       lambda x: np.std(x, 0) * np.var(x, 0)),
    "x.max, min":     (lambda x: x.max(1) * x.min(),        lambda x: np.max(x, 1) * np.min(x)),
    "x.ptp, trace":   (lambda x: x.trace() * x.diagonal(),  lambda x: np.trace(x) * np.diagonal(x)),
    "x.cumsum":       (lambda x: x.cumsum(0) * x.cumprod(0), lambda x: np.cumsum(x, 0) * np.cumprod(x, 0)),
    "x.clip":         (lambda x: x.clip(-1, 1),             lambda x: np.clip(x, -1, 1)),
    "x.dot":          (lambda x: x.dot(x3),                 lambda x: np.dot(x, x3)),
    "x.take":         (lambda x: x.take([0, 0, 5]),         lambda x: np.take(x, [0, 0, 5])),
    "x.repeat":       (lambda x: x.repeat(2, axis=0),       lambda x: np.repeat(x, 2, axis=0)),
    "x.conj":         (lambda x: x.conj() * x.conjugate(),  lambda x: np.conjugate(x) * np.conj(x)),
    "x.item":         (lambda x: x.item(0) * x.item(1, 2) * x[0, 0].item(), lambda x: x[0, 0] ** 2 * x[1, 2]),
    "x.argmax, any":  (lambda x: x * x.argmax() * x.any() * x.all(),
                       lambda x: x * np.argmax(x) * np.any(x) * np.all(x)),
    "x.argsort":      (lambda x: x[0][x[0].argsort()],      lambda x: np.sort(x[0])),
    "x.nonzero":      (lambda x: x[(x > 0).nonzero()],      lambda x: x[x > 0]),
    "x.compress":     (lambda x: x.compress([True, False], axis=0), lambda x: np.compress([True, False], x, axis=0)),
    "x.choose":       (lambda x: np.array([0, 1, 0]).choose([x3, x3]) * x, lambda x: x3 * x),
    "iteration":      (lambda x: np.stack([row * 2 for row in x]), lambda x: x * 2),
    "unpacking":      (lambda x: (lambda a, b: a * b)(*x),  lambda x: x[0] * x[1]),
    "reversed":       (lambda x: np.stack(list(reversed(x))), lambda x: x[::-1]),
    "enumerate, zip": (lambda x: sum(i * a * b for i, (a, b) in enumerate(zip(x, x), 1)),
                       lambda x: x[0] ** 2 + 2 * x[1] ** 2),
    "in":             (lambda x: x * (0.5 in x),            lambda x: x),
}
FUNCTIONS = {
    "aliases":        (lambda x: np.abs(x) * np.conj(x) * np.true_divide(x, 2) * np.mod(x, 0.7),
                       lambda x: np.absolute(x) * np.conjugate(x) * np.divide(x, 2) * np.remainder(x, 0.7)),
    "np.pow":         (lambda x: np.pow(np.abs(x), x) + np.asin(x / 9) + np.concat([x]),
                       lambda x: np.power(np.abs(x), x) + np.arcsin(x / 9) + np.concatenate([x])),
    "np.amax":        (lambda x: np.amax(x) * np.amin(x),   lambda x: np.max(x) * np.min(x)),
    "add.reduce":     (lambda x: np.add.reduce(x, axis=1) * np.multiply.reduce(x, axis=1),
                       lambda x: np.sum(x, axis=1) * np.prod(x, axis=1)),
    "maximum.reduce": (lambda x: np.maximum.reduce(x) * np.minimum.reduce(x),
                       lambda x: np.max(x, axis=0) * np.min(x, axis=0)),
    "add.accumulate": (lambda x: np.add.accumulate(x, 1) * np.multiply.accumulate(x, 1),
                       lambda x: np.cumsum(x, 1) * np.cumprod(x, 1)),
    "multiply.outer": (lambda x: np.multiply.outer(x, x3),  lambda x: x[..., None] * x3),
    "subtract.outer": (lambda x: np.subtract.outer(x3, x),  lambda x: x3[:, None, None] - x),
    "power.outer":    (lambda x: np.power.outer(np.abs(x), x3), lambda x: np.abs(x)[..., None] ** x3),
    "keywords":       (lambda x: np.sum(a=x, axis=1) + np.clip(a=x[:, 0], a_min=-1, a_max=1) + np.dot(a=x, b=x3),
                       lambda x: np.sum(x, 1) + np.clip(x[:, 0], -1, 1) + np.dot(x, x3)),
    "arrays by keyword": (lambda x: np.where(x > 0, x, 0) + np.take(a=x, indices=[0], axis=1),
                          lambda x: np.maximum(x, 0) * (x > 0) + x[:, [0]]),
    "tuple":          (lambda x: np.concatenate((x, x), axis=0) + np.vstack((x, x)),
                       lambda x: 2 * np.concatenate([x, x], 0)),
    "a list of numbers": (lambda x: x * [1.0, 2.0, 3.0] + [[1], [2]],
                          lambda x: x * np.array([1.0, 2.0, 3.0]) + np.array([[1], [2]])),
}
# fmt: on


def in_place(x, operation):
    """``operation`` in place on another name of ``x``, which sees it."""
    before = x
    y = operation(x, 1.5)
    assert y is before
    return y


@pytest.mark.parametrize(("f", "g"), OPERATORS.values(), ids=OPERATORS.keys())
def test_operators(f, g):
    same(f, g)


@pytest.mark.parametrize(("f", "g"), METHODS.values(), ids=METHODS.keys())
def test_methods_and_attributes(f, g):
    same(f, g)


@pytest.mark.parametrize(("f", "g"), FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_other_spellings(f, g):
    same(f, g)


def test_in_place_operators_change_arrays_and_rebind_numbers():
    def f(x):
        y = x
        y += 1
        y *= x
        return np.sum(y) + np.sum(x)

    np.testing.assert_allclose(grad(f)(x3), 4 * (x3 + 1))
    total = lambda x: sum_in_place(0.0, x)

    def sum_in_place(total, x):
        for part in x:
            total += part * part
            part *= 3
        return total

    np.testing.assert_allclose(grad(total)(x3), 2 * x3)


def test_the_power_operator_does_not_compute_logarithms():
    assert grad(lambda x: x**2)(-3.0) == -6
    assert grad(lambda x: x**3)(-2.0) == 12
    assert grad(lambda x: x**0)(0.0) == 0
    assert grad(lambda x: x**1)(0.0) == 1


def test_arrays_of_every_kind():
    for x in (np.float64(0.5), 0.5, np.array(0.5), np.array([0.5])[0], np.zeros((0, 3)), np.zeros(0)):
        f = lambda x: np.sum(np.sin(x) * 2)
        assert not mismatch(grad(f)(x), jax_ref.grad(f)(x))
    big = np.arange(24.0).reshape(4, 6) / 24
    for x in (big[::2, ::-3], big.T, np.asfortranarray(big), np.broadcast_to(x3, (2, 3)), big[:, 2]):
        assert not mismatch(grad(lambda x: np.sum(np.sin(x) * x))(x), np.sin(x) + x * np.cos(x))
    x = np.arange(3.0).astype(">f8")
    assert not mismatch(grad(lambda x: np.sum(x * x))(x).astype("f8"), 2 * x.astype("f8"))
    x = np.arange(3.0)
    x.flags.writeable = False
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * x))(x), 2 * x)


def test_printing_and_formatting_a_tracer():
    seen = []
    grad(lambda x: seen.append((repr(x), f"{x:.2f}", str(x))) or x * x)(0.5)
    assert "0.5" in seen[0][0] and seen[0][1] == "0.50"


def test_tracers_in_python_containers_and_comparisons():
    def f(x):
        assert x > 0 and not x < 0 and x != 1 and 0 < x < 1
        assert bool(x) and isinstance(x, Tracer)
        table = {"a": [x, 2 * x], "b": (x,)}
        return max(table["a"]) + sorted([3 * x, x, 2 * x])[0] + table["b"][0]

    assert grad(f)(0.5) == 4
    assert jvp(f, (0.5,), (1.0,))[1] == 4


# Creation by like=

CREATED = {
    "arange": lambda like: np.arange(1, 7, 2, like=like),
    "array": lambda like: np.array([1, 2], dtype=float, like=like),
    "asanyarray": lambda like: np.asanyarray([1.5, 2], like=like),
    "asarray": lambda like: np.asarray(np.float32(2), like=like),
    "ascontiguousarray": lambda like: np.ascontiguousarray(A.T, like=like),
    "asfortranarray": lambda like: np.asfortranarray(A, like=like),
    "empty": lambda like: np.empty((2, 0), int, like=like),
    "eye": lambda like: np.eye(2, 3, k=1, dtype=complex, like=like),
    "frombuffer": lambda like: np.frombuffer(b"1234", np.uint8, like=like),
    "fromfile": lambda like: np.fromfile(__file__, np.uint8, count=3, like=like),
    "fromfunction": lambda like: np.fromfunction(lambda i, j: i + 2 * j, (2, 3), like=like),
    "fromiter": lambda like: np.fromiter(range(3), float, like=like),
    "fromstring": lambda like: np.fromstring("1 2", sep=" ", like=like),
    "full": lambda like: np.full((2, 3), 1.5, like=like),
    "genfromtxt": lambda like: np.genfromtxt(["1 2", "3 4"], like=like),
    "identity": lambda like: np.identity(3, bool, like=like),
    "loadtxt": lambda like: np.loadtxt(["1 2", "3 4"], like=like),
    "ones": lambda like: np.ones(3, like=like),
    "require": lambda like: np.require([1, 2], float, ["C"], like=like),
    "tri": lambda like: np.tri(3, k=-1, like=like),
    "zeros": lambda like: np.zeros((2, 3), "float32", like=like),
}


@pytest.mark.parametrize("x", [np.array([1.0, 2.0]), np.float64(1.0)], ids=["array", "number"])
@pytest.mark.parametrize("other", ["a", b"a", np.str_("a"), np.array(["a", "b"]), [1.0, "a"], None, ..., object(), {}])
@pytest.mark.parametrize("compare", [operator.eq, operator.ne])
def test_equality_with_what_is_no_number(compare, other, x):
    seen = []
    vjp(lambda z: seen.append(compare(z, other)) or np.sum(z), x)
    assert np.array_equal(seen[0], compare(x, other)) and np.shape(seen[0]) == np.shape(compare(x, other))


def test_every_creation_function_is_known():
    documented = {name for name in dir(np) if "like=None" in (getattr(np, name).__doc__ or "").partition("\n\n")[0]}
    signed = {name for name in dir(np) if "like" in parameters(getattr(np, name))}
    assert documented | signed == CREATED.keys()


def parameters(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


@pytest.mark.parametrize("create", CREATED.values(), ids=CREATED.keys())
def test_what_is_created_like_a_tracer_is_a_constant_that_can_be_written_into(create):
    expected, created = create(None), []

    def f(x):
        created.append(create(x))
        return np.sum(x * x)

    for x in (x3, x3[0], 0.3):
        assert not mismatch(grad(f)(x), 2 * x)
        assert not mismatch(jvp(f, (x,), (x,))[1], np.sum(2 * x * x))
        assert not mismatch(grad(lambda x: np.sum(grad(f)(x)))(x), 0 * x + 2)
        assert not mismatch(jax_ref.jit(grad(f))(x), 2 * x)
        f(scratch_ad.program.Recorder().input(x))
        f(precise(x))
    scratch_ad.symbolic.expression(f, (2,))
    assert all(type(y) is ConstantCell and not mismatch(y.value, expected) for y in created)
    assert len(created) == 19


def test_object_arrays_never_appear():
    for f in (
        lambda x: np.sum(np.array([1.0, 2.0, 3.0]) * x),
        lambda x: np.sum(np.float64(2) * x),
        lambda x: np.sum(np.ones((2, 3)) @ x),
        lambda x: np.sum(np.concatenate([x, np.ones(2)])),
        lambda x: sum([x[0], x[1]]),
    ):
        seen = []
        grad(lambda x, f=f, seen=seen: seen.append(f(x)) or seen[0])(x3)
        assert isinstance(seen[0], Tracer) and seen[0].dtype == np.float64


def test_an_index_or_a_condition_brings_no_derivative():
    assert grad(lambda x: x[np.argmax(x)])(x3).tolist() == [0, 0, 1]
    assert grad(lambda x: np.sum(x[x > 0]))(x3).tolist() == [1, 0, 1]
    assert grad(lambda x: np.sum(x * (x > 0)))(x3).tolist() == [1, 0, 1]
    assert grad(lambda x: np.sum(np.floor(x) + np.sign(x) + np.round(x)))(x3).tolist() == [0, 0, 0]
    assert grad(lambda x: np.sum(np.zeros_like(x) + np.ones_like(x) * 2))(x3).tolist() == [0, 0, 0]


def test_lists_of_elements_and_views_of_all():
    m = np.arange(1.0, 7).reshape(2, 3)
    for mode in (scratch_ad.jacrev, scratch_ad.jacfwd):
        assert not mismatch(mode(lambda x: sum(x.tolist()))(x3), np.ones(3))
        assert not mismatch(mode(lambda x: x.tolist()[1][2] ** 2)(m), np.array([[0.0, 0, 0], [0, 0, 12]]))
        assert not mismatch(mode(lambda x: x.tolist() ** 2)(np.array(3.0)), np.array(6.0)[()])

    def written(x):
        y = x * 1
        y.view()[0] = 3 * x[1]
        return np.sum(y)

    assert grad(written)(x3).tolist() == [0, 4, 1]


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
def test_items_are_numbers_of_pythons_own(dtype):
    x, weights = np.array([[1.1, 2.3], [0.3, 4.0]], dtype), np.ones(2, np.float32)
    for f in (lambda x: weights * x.item(-1), lambda x: weights * x.tolist()[1][0], lambda x: weights * x[0, 1].item()):
        value, tangent = jvp(f, (x,), (x,))
        assert (
            value.dtype == f(x).dtype == tangent.dtype
            and np.array_equal(value, f(x))
            and np.array_equal(tangent, value)
        )
        value, pullback = vjp(f, x)
        assert value.dtype == f(x).dtype and np.array_equal(value, f(x))
        assert pullback(value)[0].dtype == x.dtype


def test_items_out_of_bounds():
    for index in ((4,), (2, 0), (0, 1, 1)):
        with pytest.raises((IndexError, ValueError)) as plain:
            np.ones((2, 2)).item(*index)
        with pytest.raises(type(plain.value)) as traced:
            grad(lambda x, index=index: x.item(*index))(np.ones((2, 2)))
        assert str(traced.value) == str(plain.value)


def test_attributes_of_memory():
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    seen = []
    vjp(lambda x: seen.append((x.flags.f_contiguous, x.strides, x.T.strides, x.device)) or x * 1, x)
    assert seen == [(True, x.strides, x.T.strides, x.device)]

    def written(x):
        y = x * 1
        y.flags.writeable = False
        y[0] = 1

    for run in (lambda: jvp(written, (x,), (x,)), lambda: vjp(written, x), lambda: record(written, x)):
        with pytest.raises(ValueError, match="read-only"):
            run()


def test_there_is_no_flattening_in_place():
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        vjp(lambda x: (x * 1).sort(axis=None), np.ones(3))
