"""Differences in place of JAX: their error bounds hold, and the verdict is as sharp as they are."""

import functools
import math

import numpy as np
import pytest
import scipy.integrate

import scratch_ad
from jax_ref.checks.check import check, check_jvp, check_vjp
from jax_ref.engines.ready import OURS
from jax_ref.measure.by_differences import by_differences
from jax_ref.measure.derivatives import Problem
from jax_ref.measure.quantities import FIRST, Quantity
from jax_ref.measure.tolerances import tolerance
from jax_ref.measure.vectors import vectors

X = np.array([0.5, -1.25, 2.0])
FUNCTIONS = {
    "sin": np.sin,
    "exp": lambda x: np.exp(x / 10),
    "log": lambda x: np.log(np.abs(x)),
    "steep": lambda x: np.tanh(5 * x),
    "large offset": lambda x: np.sin(x) + 1000,
    "polynomial": lambda x: x**7 - x,
    "contraction": lambda x: np.outer(x, x) @ np.sin(x),
    "many periods": lambda x: np.sin(50 * x),
    "pole": lambda x: 1 / x,
    "no third derivative": lambda x: np.sqrt(np.abs(x)) * x,
    "kink nearby": lambda x: x * (1 + (x > 0.3)),
    "complex": lambda x: np.exp(1j * x) / (1 + x**2),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_truth_lies_within_the_bounds(name, dtype):
    rng, f, sharp = np.random.default_rng(0), FUNCTIONS[name], []
    for k in range(10):
        x = np.asarray(rng.normal(size=4) * 10 ** rng.uniform(-2, 1, () if k % 2 else 4), dtype)
        problem = Problem(f, vectors(f, (x,), str(k)), 1)
        reference, told = by_differences(problem, OURS, noise=0.0)
        sharp.append(told.bound)
        exact, both = x.astype(float), (problem.vectors, problem.vectors.turned())
        for v, found, condition in zip(both, *reference[:2], strict=True):
            truth = {Quantity.JVP: scratch_ad.jvp(f, (exact,), (v.tangents[0].astype(float),))[1]}
            truth[Quantity.VJP] = scratch_ad.vjp(f, exact)[1](v.cotangent.astype(np.result_type(v.cotangent, float)))
            for what in FIRST:
                (got,), (c,), (t,) = (np.atleast_2d(np.asarray(of[what])) for of in (found, condition, truth))
                assert np.all(np.abs(got - t) <= tolerance(got, c, coarsest=np.dtype(dtype)))
    assert np.median(sharp) < {"float64": 1e-8, "float32": 5e-3}[dtype]


@pytest.mark.parametrize("value", [3.0, np.nan])
def test_there_is_no_slope_where_the_value_is_not_that_beside_it(value):
    """Both sides agree on one, of a function that is not continuous, or another number there."""
    f = lambda x: np.where(x == 1.0, value, x * x)
    problem = Problem(f, vectors(f, (np.array([1.0, 2.0]),), "0"), 1)
    conditions = by_differences(problem, OURS, noise=0.0)[0].conditions[0]
    assert [*np.isfinite(conditions[Quantity.JVP])] == [False, True]


def test_at_a_kink_each_output_may_have_any_slope_of_it():
    """Where the kinks of two outputs cancel in a sum, what each has does not."""
    f = lambda x: np.abs(x - x[::-1])
    for k in range(5):
        problem = Problem(f, vectors(f, (np.ones(2),), str(k)), 1)
        reference, _ = by_differences(problem, OURS, noise=0.0)
        (found,), (condition,) = (of[0][Quantity.VJP] for of in reference[:2])
        (ours,) = scratch_ad.vjp(f, np.ones(2))[1](problem.vectors.cotangent)
        assert np.all(np.abs(ours - found) <= tolerance(found, condition))


def test_first_derivatives_that_cancel_are_rounded_too():
    """Those of 1 = x / x are 0 at each step, as luck has it, and their own derivatives are not to the last digit."""
    for x in ([[1.0, 3.0], [1.0, 1.0]], [[0.7, 3.0], [1.1, 5.3]]):
        check(lambda x: x / x, np.array(x, np.float32), reference_by="differences", edges=False)


def test_a_value_of_another_shape_beside_is_none():
    f = lambda x: x if x[0] <= 1.0 else x[:1]
    problem = Problem(f, vectors(f, (np.array([1.0, 2.0]),), "0"), 1)
    assert by_differences(problem, OURS)[1].decided < 4


def slow_sine(x):
    """What no tracer gets through, as a C extension."""
    return np.array([math.sin(float(v)) for v in x]) * float(x[0])


def slow_sine_vjp(factor=1.0):
    def my_vjp(x):
        slopes = np.array([math.cos(float(v)) for v in x])

        def pullback(g):
            c = factor * g * slopes * float(x[0])
            c[0] += g @ np.array([math.sin(float(v)) for v in x])
            return (c,)

        return slow_sine(x), pullback

    return my_vjp


def test_a_function_that_jax_cannot_run():
    with pytest.raises(TypeError, match="tracer of JAX"):
        check_vjp(slow_sine_vjp(), slow_sine, X)
    text = str(check_vjp(slow_sine_vjp(), slow_sine, X, reference_by="differences"))
    assert "right; first order only: TypeError" in text and "by differences, within 1e-08" in text
    with pytest.raises(AssertionError, match="reference_by='differences'"):
        check_vjp(slow_sine_vjp(1.0001), slow_sine, X, reference_by="differences")
    assert check_vjp(slow_sine_vjp(1 + 1e-10), slow_sine, X, reference_by="differences").ok
    with pytest.raises(AssertionError, match="by differences, within"):
        check_vjp(slow_sine_vjp(1 + 1e-10), slow_sine, X, reference_by="differences", noise=0.0)
    with pytest.raises(ValueError, match="'jax' or 'differences'"):
        check_vjp(slow_sine_vjp(), slow_sine, X, reference_by="difference")


def test_without_any_numbers_nothing_is_wrong():
    assert check(np.sin, np.zeros((1, 0)), reference_by="differences").ok


def test_a_forward_rule_and_an_engine():
    def my_jvp(primals, tangents, factor=1):
        (x,), (t,) = primals, tangents
        return np.exp(x), factor * t * np.exp(x)

    f = lambda x: np.array([math.exp(v) for v in x])
    assert check_jvp(my_jvp, f, X, reference_by="differences").ok
    with pytest.raises(AssertionError, match="ratio 2"):
        check_jvp(lambda *given: my_jvp(*given, 2), f, X, reference_by="differences")
    assert check(lambda x: np.exp(np.sin(x)), X, reference_by="differences").ok


def decay(p, tolerance):
    rates = lambda t, y: [-p[0] * y[0] + p[1] * y[1], -p[1] * y[1]]
    return scipy.integrate.solve_ivp(rates, (0, 2), [1.0, 0.5], rtol=tolerance, atol=tolerance).y[:, -1]


def decay_vjp(p, tolerance, factor):
    def rates(t, z):
        y, slopes = z[:2], z[2:].reshape(2, 2)
        a, b = np.array([[-p[0], p[1]], [0, -p[1]]]), np.array([[-y[0], y[1]], [0, -y[1]]])
        return np.concatenate([a @ y, np.ravel(a @ slopes + b)])

    z = scipy.integrate.solve_ivp(rates, (0, 2), [1.0, 0.5, 0, 0, 0, 0], rtol=tolerance, atol=tolerance).y[:, -1]
    return z[:2], lambda g: (factor * g @ z[2:].reshape(2, 2),)


def test_a_solver_of_differential_equations():
    p = np.array([0.7, 1.3])
    for rtol, noise in ((1e-10, None), (1e-5, 1e-3)):
        f = functools.partial(decay, tolerance=rtol)
        right, wrong = (functools.partial(decay_vjp, tolerance=rtol, factor=factor) for factor in (1, 1.05))
        assert check_vjp(right, f, p, reference_by="differences", noise=noise, vary=False).ok
        with pytest.raises(AssertionError, match=r"ratio 1\.0"):
            check_vjp(wrong, f, p, reference_by="differences", noise=noise)
    with pytest.raises(AssertionError, match="give noise="):
        check_vjp(lambda p: decay_vjp(p, 1e-5, 1), lambda p: decay(p, 1e-5), p, reference_by="differences")


def test_noise_widens_the_bound_until_nothing_is_decided():
    def noisy(size):
        f = lambda x: np.sin(x) + size * np.sin(1e9 * x)
        return f, lambda factor: lambda x: (f(x), lambda g: (factor * g * np.cos(x),))

    f, rule = noisy(1e-7)
    text = str(check_vjp(rule(1), f, X, order=1, reference_by="differences"))
    assert "right; by differences, within" in text and "e-07 of its value" in text
    with pytest.raises(AssertionError, match=r"ratio 1\.05"):
        check_vjp(rule(1.05), f, X, order=1, reference_by="differences")
    f, rule = noisy(0.1)
    with pytest.raises(AssertionError, match="undecided in 12 of 12 elements"):
        check_vjp(rule(1), f, X, order=1, reference_by="differences")


def test_at_a_kink_all_between_the_sides_is_right():
    rule = lambda at: lambda x: (np.abs(x), lambda g: (g * np.where(x == 0, at, np.sign(x)),))
    x = np.array([0.0, 1.0, -2.0])
    for at in (-1.0, 0.0, 0.4, 1.0):
        assert "undecided" not in str(check_vjp(rule(at), np.abs, x, order=1, reference_by="differences"))
    with pytest.raises(AssertionError, match="1 of 3 wrong"):
        check_vjp(rule(1.2), np.abs, x, order=1, reference_by="differences")


def test_rounding_to_fewer_digits_within_is_no_plateau():
    def f(x):
        single = x.astype(np.float32)
        return (x * x * single - single / 3).astype(np.float32)

    for seed in range(6):
        x = np.random.default_rng(seed).uniform(0.3, 2, 3)
        assert check(f, x, reference_by="differences", seed=str(seed)).ok


def test_what_cancels_is_right_up_to_the_rounding_of_its_terms():
    numbers = np.random.default_rng(0).uniform(1, 10, 8).astype(np.float32)

    def f(x):
        ones = x / x.T
        return ones - ones[::-1]

    assert check(f, numbers, reference_by="differences").ok


@pytest.mark.parametrize("reference_by", ["differences", "jax"])
def test_a_function_that_writes_into_its_argument_is_not_asked_for_its_second_result(reference_by):
    def f(x):
        x *= x
        return x + 1

    assert check(f, X, reference_by=reference_by).ok
