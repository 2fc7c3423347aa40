"""Reverse mode: pullbacks, the tape, what it keeps."""

import gc
import math
import sys
import time
import tracemalloc
import weakref

import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.measure.tolerances import mismatch
from scratch_ad import grad, jvp, linearize, vjp

x3 = np.array([0.3, -1.2, 2.0])


def test_a_pullback_can_be_called_many_times():
    _, pullback = vjp(lambda x, w: np.sin(x) * w, x3, 2.0)
    first = pullback(x3)
    for g in (x3, np.ones(3), x3):
        got = pullback(g)
    assert not mismatch(got, first)
    np.testing.assert_allclose(got[0], 2 * np.cos(x3) * x3)
    np.testing.assert_allclose(got[1], np.sum(np.sin(x3) * x3))


def test_a_cotangent_is_the_callers_own():
    _, pullback = vjp(lambda x, y: (x + y, x), x3, x3)
    g = (np.ones(3), np.ones(3))
    first, second = pullback(g)
    first[:] = 99
    np.testing.assert_array_equal(second, np.ones(3))
    np.testing.assert_array_equal(g[0], np.ones(3))
    np.testing.assert_array_equal(pullback(g)[0], [2, 2, 2])


@pytest.mark.parametrize("function", ["sin", "multiply", "sum of squares", "matmul", "where", "exp"])
@pytest.mark.parametrize("changed", ["input", "output", "closed over"])
def test_changing_arrays_after_the_call_does_not_change_the_pullback(function, changed):
    x, c, condition = x3.copy(), np.array([2.0, 3.0, 5.0]), np.array([True, False, True])
    f = {
        "sin": lambda x: np.sin(x) * 1,
        "multiply": lambda x: x * c * x,
        "sum of squares": lambda x: np.sum(x * x) * c,
        "matmul": lambda x: np.outer(c, c) @ x,
        "where": lambda x: np.where(condition, x * x, c),
        "exp": lambda x: np.exp(x),
    }[function]
    g = np.array([1.0, -2.0, 0.5])
    expected = vjp(f, x)[1](g)[0].copy()
    y, pullback = vjp(f, x)
    if changed == "input":
        x[:] = 77
    elif changed == "output":
        y[:] = 77
    else:
        c[:], condition[:] = 77, False
    np.testing.assert_array_equal(pullback(g)[0], expected)


def test_changing_arrays_does_not_change_a_pushforward():
    x, c = x3.copy(), np.array([2.0, 3.0, 5.0])
    y, push = linearize(lambda x: x * c * x, x)
    expected = push(x3)
    x[:], c[:], y[:] = 77, 77, 77
    np.testing.assert_array_equal(push(x3), expected)


def test_an_array_changed_inside_the_function_after_its_use():
    def f(x):
        work = np.array([2.0, 3.0, 5.0])
        y = x * work
        work[:] = 0
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(x3), [2, 3, 5])


@pytest.mark.parametrize("derivative", [grad, lambda f: lambda x: vjp(f, x)[1](1.0)[0], scratch_ad.jacrev])
def test_an_input_changed_inside_the_function(derivative):
    x = x3.copy()

    def f(y):
        z = np.sum(y * y)
        x[:] = 77
        return z

    np.testing.assert_array_equal(derivative(f)(x), 2 * x3)


def test_auxiliary_output_and_stopped_gradients_are_copies():
    _, pullback, aux = vjp(lambda x: (np.exp(x), np.exp(x)), x3, has_aux=True)

    def f(x):
        y = np.exp(x)
        scratch_ad.stop_gradient(y)[:] = 77
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(x3), np.exp(x3))

    def with_aux(x):
        y = np.exp(x)
        return y, y

    _, pullback, aux = vjp(with_aux, x3, has_aux=True)
    aux[:] = 77
    np.testing.assert_array_equal(pullback(np.ones(3))[0], np.exp(x3))


BRANCHES = {
    "product": lambda x: np.prod(1 / x * np.array([1.0, 2.0])),
    "running product": lambda x: np.sum(np.cumprod(1 / x * np.array([1.0, 2.0]))),
    "dot": lambda x: np.dot(1 / x * np.array([1.0, 2.0]), np.array([1.0, 2.0])),
    "matmul": lambda x: np.sum(np.array([1.0, 2.0]) @ (1 / x * np.ones((2, 2)))),
    "norm": lambda x: np.linalg.norm(1 / x * np.array([1.0, 2.0])),
    "determinant": lambda x: np.linalg.det(1 / x * np.array([[1.0, 2.0], [3.0, 5.0]])),
    "inverse": lambda x: np.sum(np.linalg.inv(np.sqrt(x) * np.ones((2, 2)) + np.eye(2))),
}


@pytest.mark.parametrize("x", [np.full(3, 1e200), np.array([1e200 + 1j, 1e-300])], ids=["real", "complex"])
def test_the_look_for_nan_in_large_cotangents_warns_of_nothing(x):
    (cotangent,) = vjp(lambda x: x * 1e100, x)[1](x)
    assert np.array_equal(cotangent, x * 1e100)


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value)")
@pytest.mark.parametrize("branch", BRANCHES.values(), ids=BRANCHES.keys())
def test_nothing_leaks_from_a_branch_not_taken(branch):
    f = lambda x: np.where(x > 0, branch(x), 3.0) + x**3
    assert grad(f)(np.float64(0)) == 0
    assert jvp(f, (np.float64(0),), (1.0,))[1] == 0
    assert jvp(grad(f), (np.float64(0),), (1.0,))[1] == 0


@pytest.mark.parametrize("second", [scratch_ad.hessian, lambda f: scratch_ad.jacrev(grad(f))])
def test_a_nan_elsewhere_takes_no_derivative_away(second):
    f = lambda x: np.where(x[0] > 0, np.sqrt(x[0]), x[0]) + np.sin(x[1]) ** 2
    np.testing.assert_array_equal(second(f)(np.zeros(2)), [[0, 0], [0, 2]])


def test_sixty_doublings_take_no_time():
    def f(x):
        for _ in range(60):
            x = x + x
        return x

    start = time.perf_counter()
    assert grad(f)(1.0) == 2.0**60
    assert jvp(f, (1.0,), (1.0,))[1] == 2.0**60
    assert grad(grad(f))(1.0) == 0
    assert linearize(f, 1.0)[1](1.0) == 2.0**60
    assert time.perf_counter() - start < 5  # 2⁶⁰ steps would never end


def test_fifty_thousand_operations_deep():
    def f(x):
        for _ in range(25_000):
            x = np.sin(x) * 1.0001
        return x

    limit = sys.getrecursionlimit()
    derivative = jvp(f, (0.5,), (1.0,))[1]
    assert math.isclose(grad(f)(0.5), derivative, rel_tol=1e-9)
    assert sys.getrecursionlimit() == limit


def test_shared_values_and_unused_inputs():
    a, b, c = grad(lambda a, b, c: np.sum(a * a + a), argnums=(0, 1, 2))(x3, x3, 1.0)
    np.testing.assert_allclose(a, 2 * x3 + 1)
    np.testing.assert_array_equal(b, np.zeros(3))
    assert c == 0 and c.dtype == np.float64


def test_an_input_returned_as_it_is():
    y, pullback = vjp(lambda x: (x, x, x), x3)
    assert not mismatch(pullback((x3, x3, x3)), (3 * x3,))
    assert all(part is not x3 for part in y)


def test_cotangents_have_the_type_of_their_input():
    x = np.array(3.0)
    (g,) = vjp(lambda x: x * np.array([1.0, 2.0]), x)[1](np.ones(2))
    assert type(g) is np.ndarray and g.shape == () and g == 3
    (g,) = vjp(lambda x: x * np.array([1.0, 2.0]), 3.0)[1](np.ones(2))
    assert g.shape == () and g == 3
    (g,) = vjp(lambda x: x * np.ones(2), np.float32(3))[1](np.ones(2))
    assert g.dtype == np.float32


KEEP_DTYPES = {
    "constants": lambda x: np.exp(x) * 2 + 1.5 - x / 3,
    "logarithms": lambda x: np.log2(x) + np.log10(x) + np.exp2(x),
    "powers": lambda x: np.sqrt(x) * np.tanh(x) ** 3 / 2**x,
    "reductions": lambda x: np.mean(x) * x + np.sum(x) * np.prod(x) * np.cumsum(x),
    "deviation": lambda x: np.std(x) * x + np.abs(x),
}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("f", KEEP_DTYPES.values(), ids=KEEP_DTYPES.keys())
def test_dtypes_are_kept(f, dtype):
    x = np.asarray([0.5, 0.25], dtype)

    def pulled(x):
        return vjp(f, x)[1](np.ones(2, dtype))[0]

    results = f(x), vjp(f, x)[0], pulled(x), *jvp(f, (x,), (x,)), jvp(pulled, (x,), (x,))[1], vjp(pulled, x)[1](x)[0]
    assert [r.dtype for r in results] == [x.dtype] * len(results)


def test_mixed_dtypes_give_each_input_its_own():
    a, b = np.ones(2, np.float32), np.ones(2, np.float64)
    ga, gb = grad(lambda a, b: np.sum(a * b), argnums=(0, 1))(a, b)
    assert ga.dtype == np.float32 and gb.dtype == np.float64
    (g,) = vjp(lambda x: x * 1j, np.float32(1))[1](np.complex64(2 + 3j))
    assert g.dtype == np.float32 and g == -3


def test_only_what_a_transpose_needs_is_kept():
    n, steps = 1_000_000, 20
    x = np.ones(n)

    def peak(f):
        tracemalloc.start()
        grad(f)(x)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size / x.nbytes

    def linear(x):
        for _ in range(steps):
            x = x * 1.01 + 1.0
        return np.sum(x)

    def with_outputs(x):
        for _ in range(steps):
            x = np.tanh(x)
        return np.sum(x)

    assert peak(linear) < 8  # nothing is kept of a chain of linear functions
    assert peak(with_outputs) < steps + 8  # one array per step


def test_nothing_of_a_tape_survives_its_pullback():
    def run():
        x = np.ones(3)
        grad(lambda y: np.sum(np.sin(y) * x))(x3)
        return weakref.ref(x)

    reference = run()
    gc.collect()
    assert reference() is None


def test_the_gradient_of_a_function_with_many_inputs_costs_a_few_evaluations():
    def calls(f):
        recorder = scratch_ad.program.Recorder()
        out = f(recorder.input(np.linspace(0, 1, 1000)))
        return len(recorder.program([out]).calls)

    f = lambda x: np.sum(np.sin(x) * np.exp(x) + x * x)
    assert calls(grad(f)) <= 5 * calls(f)


FOLDS = {
    "divide.reduce": np.divide.reduce,
    "arctan2.accumulate": lambda a: np.sum(np.arctan2.accumulate(a)),
    "multiply.reduceat": lambda a: np.sum(np.multiply.reduceat(a, np.arange(0, len(a), 2))),
    "unstack": lambda a: sum(np.unstack(a)),
}


@pytest.mark.parametrize("f", FOLDS.values(), ids=FOLDS)
def test_the_gradient_of_a_fold_takes_as_many_steps_as_there_are_elements(f):
    def steps(n):
        x, events = np.linspace(1.0, 1.001, n), []
        sys.setprofile(lambda *event: events.append(event[1]))
        try:
            grad(f)(x)
        finally:
            sys.setprofile(None)
        return len(events)

    assert steps(400) < 2.2 * steps(200)


def test_reverse_mode_over_jax_is_compiled():
    f = lambda x, w: np.sum(np.tanh(x @ w) ** 2)
    x, w = np.linspace(-1, 1, 6).reshape(2, 3), np.linspace(1, -1, 6).reshape(3, 2)
    ours = jax_ref.jit(scratch_ad.value_and_grad(f, argnums=(0, 1)))(x, w)
    assert not mismatch(ours, jax_ref.value_and_grad(f, argnums=(0, 1))(x, w))
    assert not mismatch(ours, scratch_ad.value_and_grad(f, argnums=(0, 1))(x, w))


@pytest.mark.parametrize("bad", [np.inf, np.nan])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_determinant_that_is_not_finite_gives_nan_and_returns(bad):
    stack = np.array([np.eye(3), np.diag([1, bad, 2])])
    (gradient,) = vjp(np.linalg.det, stack)[1](np.ones(2))
    second = scratch_ad.hvp(lambda a: np.sum(np.linalg.det(a)), (stack,), (stack,))
    for got, of_eye in ((gradient, np.eye(3)), (second, 2 * np.eye(3))):
        np.testing.assert_array_equal(got[0], of_eye)
        assert np.isnan(got[1, [0, 2], [0, 2]]).all()  # the others do not depend on what is not finite


class Counted:
    """A function that draws random numbers and counts its runs; where x = 0, 0·∞ comes up in its derivative."""

    def __init__(self):
        self.runs, self.drawn, self.rng = 0, [], np.random.default_rng(0)

    def __call__(self, x):
        self.runs += 1
        self.drawn.append(self.rng.normal())
        y = np.where(x > 0, np.sqrt(x) * np.prod(1 / x), x) + np.sqrt(np.where(x > 0, x, 0))
        return y * self.drawn[-1]

    def check(self, x, value, slopes):
        """Whether value and slopes at 0 or 2 are those of the last run."""
        np.testing.assert_allclose(value, self.drawn[-1] * (2**-0.5 + 2**0.5 if x else 0))
        np.testing.assert_allclose(slopes, self.drawn[-1] * (-(2**-2.5) + 2**-1.5 if x else 1))


ONE_RUN = {  # value and derivative
    "vjp": lambda f, x: (lambda y, pull: (y, pull(1.0)[0], pull(1.0)[0]))(*vjp(f, x)),
    "grad": lambda f, x: grad(lambda x: (f(x),) * 2, has_aux=True)(x)[::-1],
    "value_and_grad": lambda f, x: scratch_ad.value_and_grad(f)(x),
    "jacrev": lambda f, x: scratch_ad.jacrev(lambda x: (f(x),) * 2, has_aux=True)(x)[::-1],
    "jacfwd": lambda f, x: scratch_ad.jacfwd(lambda x: (f(x),) * 2, has_aux=True)(x)[::-1],
    "linearize": lambda f, x: (lambda y, push: (y, push(1.0), push(1.0)))(*linearize(f, x)),
}


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value)")
@pytest.mark.parametrize("derivative", ONE_RUN.values(), ids=ONE_RUN)
@pytest.mark.parametrize("x", np.array([0.0, 2.0]))
def test_a_function_runs_once(derivative, x):
    f = Counted()
    value, *slopes = derivative(f, x)
    again = x == 0 and derivative is ONE_RUN["jacfwd"]  # where a nan comes out, as below
    assert f.runs == 1 + again
    f.check(x, value, slopes)


@pytest.mark.parametrize(("x", "runs"), [(np.float64(0), 2), (np.float64(2), 1)])
def test_jvp_runs_a_function_again_only_where_a_nan_comes_out(x, runs):
    f = Counted()
    value, slope = jvp(f, (x,), (1.0,))
    assert f.runs == runs
    f.check(x, value, slope)


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value)")
@pytest.mark.parametrize("branch", BRANCHES.values(), ids=BRANCHES.keys())
def test_nothing_leaks_into_a_pushforward(branch):
    f = lambda x: branch(np.where(x > 0, x, 0.0)) + np.modf(x)[0]
    push = linearize(f, 0.0)[1]
    for t in (1.0, -2.0):
        assert push(t) == t == jvp(f, (0.0,), (t,))[1]
    assert scratch_ad.jacfwd(f)(0.0) == 1


def test_cotangents_of_several_outputs_and_of_lists_meet_in_one_node_each(monkeypatch):
    def f(x):
        fraction = np.modf(np.concatenate([x, 2 * x]))[0]
        values, vectors = np.linalg.eigh(np.diag(x))
        return np.sum(fraction**2) + np.sum(values), np.sum(vectors**2)

    nodes = []

    class Watched(scratch_ad.fast.FastTape):
        def close(self):
            nodes.extend(super().close())
            return nodes

    expected = grad(lambda x: f(x)[0])(x3)
    monkeypatch.setattr(scratch_ad.modes, "FastTape", Watched)
    np.testing.assert_allclose(vjp(f, x3)[1]((1.0, 0.0))[0], expected)
    calls = [node for node in nodes if node]
    assert len(nodes) == 1 + len(calls) + 2  # x, the calls, and the first outputs of modf and eigh


def test_a_variable_shows_its_place():
    shown = []
    grad(lambda x: shown.append(repr(2 * x)) or x)(1.0)
    assert shown == ["Variable(2.0, place=1)"]
