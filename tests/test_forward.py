"""Forward mode: tangents, nesting, what a function may do in Python."""

import itertools
import math
import threading

import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.measure.tolerances import mismatch
from scratch_ad import grad, jacfwd, jacrev, jvp, vjp
from scratch_ad.program import record

x3 = np.array([0.3, -1.2, 2.0])


def D(f):
    """The derivative of a function of one number by forward mode."""
    return lambda x: jvp(f, (x,), (np.float64(1),))[1]


def test_a_tangent_has_the_shape_and_dtype_of_its_value():
    for dtype in "float16", "float32", "float64", "complex64", "complex128":
        for shape in (), (0,), (3,), (2, 0, 3), (2, 3):
            x = np.ones(shape, dtype)
            y, t = jvp(lambda x: np.sin(x) * 2 + 1.5, (x,), (x,))
            assert (t.shape, t.dtype) == (y.shape, y.dtype) == (x.shape, x.dtype)


def test_tangents_are_real_where_values_are():
    y, t = jvp(lambda z: np.abs(z) ** 2, (1 + 2j,), (1j,))
    assert np.isrealobj(y) and np.isrealobj(t)
    assert math.isclose(t, 4)
    y, t = jvp(lambda x: x * 1j, (2.0,), (1.0,))
    assert t == 1j


def test_outputs_that_do_not_depend_on_the_input_have_zero_tangents():
    constant = np.arange(3.0)
    _, (ta, tb, tn) = jvp(lambda x: (constant, x * 2, 7), (1.0,), (1.0,))
    assert (ta == 0).all() and ta.shape == (3,) and tb == 2
    assert tn.dtype == scratch_ad.float0 and tn.shape == ()


def test_derivatives_of_any_order():
    x = np.float64(0.7)
    f, expected = np.sin, (np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x))
    for order in range(8):
        assert math.isclose(f(x), expected[order % 4](x), rel_tol=1e-12)
        f = D(f)


MODES = {"f": D, "r": grad}
PAIRS = list(itertools.product("fr", repeat=2))


@pytest.mark.parametrize("mix", ["".join(m) for m in itertools.product("fr", repeat=3)])
def test_third_order_in_every_mix_of_modes(mix):
    f = lambda x: np.exp(np.sin(x) * x) / (1 + x * x)
    for mode in mix:
        f = MODES[mode](f)
    g = lambda x: np.exp(np.sin(x) * x) / (1 + x * x)
    for _ in range(3):
        g = jax_ref.grad(g)
    assert not mismatch(f(0.7), g(0.7), 2, 1.0)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_no_perturbation_confusion(outer, inner):
    # d/dx (x · d/dy (x + y)) = 1, but 2 if the two perturbations are mixed up
    d, e = MODES[outer], MODES[inner]
    assert d(lambda x: x * e(lambda y: x + y)(2.0))(3.0) == 1
    # Siskind and Pearlmutter: a derivative taken inside a function that is applied twice
    assert d(lambda x: e(lambda y: x * y * y)(x))(3.0) == 12
    assert d(lambda x: e(lambda y: e(lambda z: x * y * z)(5.0) * y)(7.0))(3.0) == 14


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_closures_over_tracers_of_outer_transformations(outer, inner):
    d, e = MODES[outer], MODES[inner]
    leaked = []

    def f(x):
        def g(y):
            leaked.append(y)
            return np.sin(x * y) + x

        return e(g)(x * x) * x

    h = jax_ref.grad(lambda x: jax_ref.grad(lambda y: np.sin(x * y) + x)(x * x) * x)
    assert not mismatch(d(f)(0.6), h(0.6), 2)


@pytest.mark.parametrize("mode", "fr")
def test_control_flow_recursion_and_loops(mode):
    def f(x):
        def power(x, n):
            return x if n == 1 else x * power(x, n - 1)

        total, i = 0.0, 0
        while total < 3:
            if x > 0.5 and i % 2:
                total = total + np.sin(x)
            elif x <= 0.5:
                total = total + x
            else:
                total = total + power(x, 3)
            i += 1
        for part in (total, x):
            total = total * part
        try:
            raise ValueError
        except ValueError:
            return total if abs(x) < 10 else -total

    for x in (0.3, 0.7, 2.0):
        assert not mismatch(MODES[mode](f)(x), jax_ref.grad(f)(x))


def test_the_jacobian_of_a_fixed_point_iteration():
    def newton_root(a):
        x = a
        while abs(x * x - a) > 1e-14:
            x = 0.5 * (x + a / x)
        return x

    assert math.isclose(D(newton_root)(2.0), 0.5 / math.sqrt(2), rel_tol=1e-12)
    assert math.isclose(grad(newton_root)(2.0), 0.5 / math.sqrt(2), rel_tol=1e-12)


@pytest.mark.parametrize("first", [grad, lambda f: lambda x: jvp(f, (x,), (1.0,)), lambda f: lambda x: record(f, x)])
@pytest.mark.parametrize("later", [grad, lambda f: lambda x: jvp(f, (x,), (1.0,)), lambda f: f])
def test_a_tracer_kept_beyond_its_run_is_refused(first, later):
    kept = []
    first(lambda x: kept.append(x * x) or x)(2.0)
    with pytest.raises(TypeError, match=r"^Encountered an unexpected tracer: .*has_aux=True"):
        later(lambda x: x * kept[0])(3.0)
    with pytest.raises(TypeError, match=r"^Encountered an unexpected tracer"):
        later(lambda x: np.modf(kept[0])[0] * x)(3.0)


@pytest.mark.parametrize("outer", [grad, lambda f: lambda x: jvp(f, (x,), (1.0,)), lambda f: lambda x: record(f, x)])
def test_a_tracer_of_an_inner_run_is_no_result(outer):
    kept = []
    with pytest.raises(TypeError, match=r"^Encountered an unexpected tracer"):
        outer(lambda x: (grad(lambda z: kept.append(z) or z * z)(x), kept[0])[1])(3.0)


@pytest.mark.parametrize("result", ["text", (x for x in ()), object()], ids=lambda result: type(result).__name__)
def test_a_result_that_is_no_number_is_refused(result):
    for derivative in (lambda f: vjp(f, 1.0), lambda f: jvp(f, (1.0,), (1.0,)), lambda f: record(f, 1.0)):
        with pytest.raises(TypeError, match=r"is not a valid array or number"):
            derivative(lambda x: (x, result))


def test_threads_do_not_disturb_each_other():
    results, barrier = {}, threading.Barrier(4)

    def work(k):
        barrier.wait()
        f = lambda x: np.sum(np.sin(k * x) * x)
        for _ in range(25):
            first = grad(f)(x3)
            second = jvp(grad(f), (x3,), (x3,))[1]
        results[k] = first, second

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, result in results.items():
        first = np.sin(k * x3) + k * x3 * np.cos(k * x3)
        second = (2 * k * np.cos(k * x3) - k * k * x3 * np.sin(k * x3)) * x3
        assert not mismatch(result, (first, second), 2)


def test_nothing_leaks_through_the_branch_not_taken():
    # the derivative of the other branch is infinite or nan there
    f = lambda x: np.where(x > 0, np.sqrt(np.where(x > 0, x, 0)), 0 * x)
    g = lambda x: np.where(x < 1, x, np.sqrt(x) / x)
    h = lambda x: np.where(x > 0, x, np.expm1(x))
    np.testing.assert_array_equal(jvp(f, (np.array([0.0, 4.0]),), (np.ones(2),))[1], [0, 0.25])
    np.testing.assert_array_equal(vjp(f, np.array([0.0, 4.0]))[1](np.ones(2))[0], [0, 0.25])
    with np.errstate(all="ignore"):  # of the branch not taken, as in plain NumPy
        for derivative in (D, grad):
            assert derivative(g)(0.0) == 1
            assert derivative(h)(1000.0) == 1
            assert derivative(lambda x: np.where(x == 0, 1.0, np.sin(x) / x))(0.0) == 0
    assert grad(lambda x: np.sum(np.where(np.isnan(x), 0, x * x)))(np.array([np.nan, 2.0])).tolist() == [0, 4]


def test_derivatives_give_no_floating_point_warnings_of_their_own():
    f = lambda x: np.sqrt(x) + 2 * x
    assert jvp(f, (0.0,), (1.0,))[1] == np.inf
    assert vjp(f, 0.0)[1](1.0)[0] == np.inf
    assert jvp(grad(f), (0.0,), (1.0,))[1] == -np.inf


def test_a_dual_number_shows_its_tangent():
    shown = []
    jvp(lambda x: shown.append(repr(x)) or x, (np.float32(1),), (np.float32(2),))
    assert shown == ["Dual(np.float32(1.0), tangent=np.float32(2.0))"]


@pytest.mark.parametrize(
    "f",
    [
        lambda x, row: x + row,
        lambda x, row: row * x,
        lambda x, row: np.where(True, x, row),
        lambda x, row: np.maximum(row, x),
        lambda x, row: np.hypot(x, row + 1),
        lambda x, row: np.clip(x, row - 1, row + 1),
        lambda x, row: np.select([row > 0], [x], row),
        lambda x, row: np.broadcast_arrays(x, row)[0],
    ],
)
@pytest.mark.parametrize("x", [1.0, np.array([1.0]), np.array([1.0, 2.0, 4.0])], ids=str)
@pytest.mark.parametrize("shape", [(1,), (1, 3), (1, 1), (2, 1, 3), (1, 1, 1)], ids=str)
def test_an_operand_with_leading_axes_of_length_1(f, x, shape):
    row = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    g = lambda x: f(x, row)
    y = g(x)
    assert jvp(g, (x,), (np.ones_like(x),))[0].shape == y.shape
    np.testing.assert_allclose(jacfwd(g)(x), jacrev(g)(x), rtol=1e-14)
    assert jacfwd(g)(x).shape == y.shape + np.shape(x)


BROADCAST = {
    "sum with a vector": lambda x: x + np.array([1.0]),
    "sum with a row": lambda x: x + np.ones((1, 3)),
    "product of a row and a stack": lambda x: x * np.ones((2, 1, 3)),
    "where": lambda x: np.where(True, x, np.ones((1, 3))),
    "where, with a condition of higher rank": lambda x: np.where(np.ones((1, 1, 3), bool), x, 2.0),
    "maximum": lambda x: np.maximum(x, np.full((1, 3), -9.0)),
    "clip": lambda x: np.clip(x, np.full((1, 3), -9.0), np.full((1, 1, 1), 9.0)),
    "select": lambda x: np.select([np.ones((1, 3), bool)], [x]),
    "choose": lambda x: np.choose(np.zeros((1, 3), int), [x, 1.0]),
    "arctan2": lambda x: np.arctan2(x, np.ones((1, 3))),
    "interp": lambda x: np.interp(np.ones((1, 1)), [0.0, 2.0], np.broadcast_to(x, (3,))[:2]),
    "matmul": lambda x: np.ones((1, 1, 2, 3)) @ (x * np.ones(3)),
    "matvec": lambda x: np.matvec(np.ones((1, 2, 3)), x * np.ones(3)),
    "vecdot": lambda x: np.vecdot(np.ones((1, 2, 3)), x * np.ones(3)),
    "cross": lambda x: np.cross(x * np.ones(3), np.ones((1, 1, 3))),
    "solve": lambda x: np.linalg.solve(np.eye(3)[None], np.ones((3, 3)) * x),
    "linspace": lambda x: np.linspace(x, np.ones((1, 3)), 2),
    "insert": lambda x: np.insert(np.ones((1, 3)), 1, x, axis=0),
    "sum with an initial row": lambda x: np.sum(np.ones((2, 1)), axis=0, initial=0.0) + x,
    "average": lambda x: np.average(np.ones((2, 3)) * x, axis=0, weights=[1.0, 2.0]),
    "broadcast_to": lambda x: np.broadcast_to(x, (1, 1, 3)),
}


@pytest.mark.parametrize("x", [1.5, np.array([0.5]), np.array([0.5, 1.0, 2.0])], ids=np.shape)
@pytest.mark.parametrize("f", BROADCAST.values(), ids=BROADCAST)
def test_an_argument_of_lower_rank_than_the_result(f, x):
    """Both modes against a difference, exact but for rounding: the functions are smooth."""
    y, h = f(x), 1e-6
    for of_one, t in ((f, np.ones_like(x)), (lambda x: jvp(f, (x,), (np.ones_like(x),))[1], np.ones_like(x))):
        expected = (of_one(x + h * t) - of_one(x - h * t)) / (2 * h)
        value, forward = jvp(of_one, (x,), (t,))
        assert np.shape(value) == np.shape(forward) == np.shape(expected) == np.shape(y)
        np.testing.assert_allclose(forward, expected, rtol=1e-8, atol=1e-8)
        (reverse,) = vjp(of_one, x)[1](np.ones_like(expected))
        np.testing.assert_allclose(np.sum(reverse), np.sum(expected), rtol=1e-8, atol=1e-8)
