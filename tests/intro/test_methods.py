import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure

from scratch_ad.intro import (
    cost,
    derivatives,
    error_estimate,
    forward_automatic_differentiation,
    forward_gradient,
    get_mock_training_set,
    gradient_descent,
    model,
    numerical_gradient,
    random_parameters,
    repeated_layers,
    reverse_automatic_differentiation,
    reverse_gradient,
    symbolic_gradient,
    threshold,
)
from scratch_ad.registry import rule_of
from scratch_ad.rule import Elementwise

jax.config.update("jax_enable_x64", True)

calculators = [numerical_gradient, symbolic_gradient, forward_gradient, reverse_gradient]
tolerance = {numerical_gradient: 1e-6}


def problem(samples):
    """The notebook's classifier: a start, its cost in NumPy, and the same cost in jax.numpy."""
    x, y = get_mock_training_set(2, 2, samples, rng=0)
    jax_cost = lambda p: jnp.sum((jnp.tanh(p @ x) - y) ** 2)
    return random_parameters(2, 2, rng=1), lambda p: cost(p, x, y), jax_cost


@pytest.mark.parametrize("calculator", calculators)
def test_gradients_of_the_classifier_agree_with_jax(calculator):
    p, function, jax_cost = problem(samples=40)
    before = p.copy()
    gradient = calculator(p, function)
    assert gradient.shape == (2, 2) and gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, jax.grad(jax_cost)(p), rtol=tolerance.get(calculator, 1e-13))
    np.testing.assert_array_equal(p, before)


@pytest.mark.parametrize("calculator", calculators)
def test_gradients_of_the_logistic_map_agree_with_jax(calculator):
    function = lambda x: repeated_layers(6, x)
    gradient = calculator(0.3, function)
    assert gradient == pytest.approx(float(jax.grad(function)(0.3)), rel=tolerance.get(calculator, 1e-12))


def test_training_by_every_method():
    p, function, jax_cost = problem(samples=1000)
    x, y = get_mock_training_set(2, 2, 1000, rng=0)
    expected = [p]
    for _ in range(100):
        expected.append(expected[-1] - 0.0001 * jax.grad(jax_cost)(expected[-1]))
    for calculator in calculators:
        passed = []
        recording = lambda parameters, f, c=calculator, passed=passed: passed.append(parameters) or c(parameters, f)
        start = time.process_time()
        trained = gradient_descent(p, function, recording, 100)
        assert time.process_time() - start < 20
        difference = np.abs(np.subtract([*passed, trained], expected)).max(axis=(1, 2))
        assert len(passed) == 100
        assert np.all(difference <= tolerance.get(calculator, 1e-13) * np.abs(expected).max(axis=(1, 2)))
        assert np.mean(threshold(model(trained, x)) == y) > 0.95


def test_gradient_descent_keeps_and_plots_the_log():
    p, function, _ = problem(samples=40)
    log, axes = [0.0], Figure().add_subplot()
    trained = gradient_descent(p, function, reverse_gradient, 5, rate=0.01, log=log, axes=axes)
    assert len(log) == 7 and log[1] == function(p) and log[-1] == function(trained)
    assert np.all(np.diff(log[1:]) < 0)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), log[1:])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "function value")
    np.testing.assert_array_equal(gradient_descent(p, function, reverse_gradient, 0), p)
    one = gradient_descent(p, function, reverse_gradient, 1)
    np.testing.assert_array_equal(one, p - 0.0001 * reverse_gradient(p, function))


def test_error_against_step():
    f, exact = lambda p: p**2 + np.sqrt(p + 3), lambda p: 2 * p + 0.5 / np.sqrt(p + 3)
    truncation = [error_estimate(f, exact, 3.5, h) for h in (1e-1, 1e-2)]  # h·f''/2, f'' = 2 − (p + 3)^(−3/2)/4
    np.testing.assert_allclose(truncation, (1 - 6.5**-1.5 / 8) * np.array([1e-1, 1e-2]), rtol=0.01)
    errors = {h: error_estimate(f, exact, 3.5, h) for h in (1e-14, 1e-8, 1e-2)}
    assert errors[1e-8] < 1e-3 * min(errors[1e-14], errors[1e-2])
    assert error_estimate(f, exact, 3.5, 1e-5, "central") < 1e-9
    assert error_estimate(f, exact, 3.5, 1e-100, "complex") < 1e-15


lists = [
    [],
    [np.exp],
    [np.exp, np.tanh],
    [np.sin, np.cos, np.exp],
    [np.sqrt, np.exp, np.square, np.negative],
    [np.log, np.cosh, np.arctan, np.log1p, np.sinh],
]


@pytest.mark.parametrize("expression", lists, ids=lambda e: "∘".join(f.__name__ for f in e) or "identity")
@pytest.mark.parametrize("point", [0.5, np.float32(0.5), np.array([0.2, 1.3]), 1])
def test_lists_of_functions_agree_with_jax(expression, point):
    def composition(x):
        for function in expression[::-1]:
            x = getattr(jnp, function.__name__)(x)
        return x

    primal = jnp.asarray(point) if isinstance(point, np.floating | np.ndarray) else jnp.asarray(float(point))
    expected = jax.jvp(composition, (primal,), (jnp.ones_like(primal),))
    for differentiate in (forward_automatic_differentiation, reverse_automatic_differentiation):
        for ours, theirs in zip(differentiate(expression, point), expected, strict=True):
            tolerance = 8 * jnp.finfo(primal.dtype).eps
            np.testing.assert_allclose(np.broadcast_to(ours, theirs.shape), theirs, rtol=tolerance)
            if expression and isinstance(point, np.floating | np.ndarray):
                assert ours.dtype == point.dtype


def test_the_notebooks_example():
    value, derivative = forward_automatic_differentiation([np.exp, np.tanh], 0.5)
    assert value == np.exp(np.tanh(0.5))
    assert derivative == pytest.approx((1 - np.tanh(0.5) ** 2) * np.exp(np.tanh(0.5)), rel=1e-15)
    h = 0.0001
    assert derivative == pytest.approx((np.exp(np.tanh(0.5 + h)) - value) / h, rel=1e-4)


def test_derivatives_are_the_projects_rules():
    unary = {
        function for function, rule in rule_of.items() if isinstance(rule, Elementwise) and len(rule.partials) == 1
    }
    assert set(derivatives) == unary and len(derivatives) == len(unary)
    notebook = {np.exp: np.exp, np.tanh: lambda x: 1 - np.tanh(x) ** 2, np.sin: np.cos, np.cos: lambda x: -np.sin(x)}
    x = np.linspace(-2, 2, 9)
    for function, derivative in notebook.items():
        np.testing.assert_allclose(derivatives[function](x), derivative(x), rtol=1e-13, atol=1e-16)
    np.testing.assert_array_equal(derivatives[np.negative](np.arange(3)), [-1, -1, -1])
    assert np.add not in derivatives and np.floor not in derivatives
    with pytest.raises(KeyError, match=r"np\.add has no rule as an elementwise function of one argument"):
        derivatives[np.add]
    with pytest.raises(KeyError, match=r"np\.floor"):
        forward_automatic_differentiation([np.exp, np.floor], 0.5)
    with pytest.raises(TypeError):
        derivatives[np.exp] = np.exp
