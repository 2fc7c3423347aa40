import numpy as np
import pytest
import sympy

from scratch_ad.intro import cost, logistic, model, random_parameters, repeated_layers, threshold


def test_model_is_a_sigmoid_of_a_linear_layer():
    rng = np.random.default_rng(0)
    w, v = rng.normal(size=(2, 3)), rng.normal(size=(3, 5))
    u = np.einsum("ij,jk->ik", w, v)
    np.testing.assert_allclose(model(w, v), (np.exp(u) - np.exp(-u)) / (np.exp(u) + np.exp(-u)), rtol=1e-13)
    np.testing.assert_allclose(model(w, v, logistic), 1 / (1 + np.exp(-u)), rtol=1e-13)
    np.testing.assert_allclose(model(w, v), 2 * model(2 * w, v, logistic) - 1, rtol=1e-12)


def test_logistic_does_not_overflow():
    np.testing.assert_array_equal(logistic(np.array([-1e4, 0.0, 1e4])), [0, 0.5, 1])
    assert logistic(np.float32(0.3)).dtype == np.float32


def test_cost_is_the_sum_of_squared_errors():
    rng = np.random.default_rng(1)
    w, v, labels = rng.normal(size=(2, 2)), rng.normal(size=(2, 4)), rng.choice([-1.0, 1.0], size=(2, 4))
    for activation in (np.tanh, logistic):
        errors = [(model(w, v, activation)[i, s] - labels[i, s]) ** 2 for i in range(2) for s in range(4)]
        assert cost(w, v, labels, activation) == pytest.approx(sum(errors), rel=1e-14)
    assert cost(w, v, labels) == cost(w, v, labels, np.tanh)


def test_random_parameters():
    p = random_parameters(200, 300, rng=0)
    assert p.shape == (300, 200)
    assert p.std() == pytest.approx(0.1, rel=0.02) and abs(p.mean()) < 0.002
    np.testing.assert_array_equal(p, random_parameters(200, 300, rng=np.random.default_rng(0)))


def test_threshold():
    np.testing.assert_array_equal(threshold(np.array([-2.0, 0.0, 1e-9, 3.0])), [-1, -1, 1, 1])


def test_repeated_layers_is_an_expression_and_a_function():
    x = sympy.Symbol("x")
    assert repeated_layers(0) == x
    assert repeated_layers(1) == 4 * x * (1 - x)
    assert sympy.expand(repeated_layers(2) - 16 * x * (1 - x) * (1 - 4 * x * (1 - x))) == 0
    assert repeated_layers(2).diff().subs(x, 0) == 16
    # sin² doubles its angle: with x = sin²(t), n layers give sin²(2ⁿ t)
    t = np.linspace(0, 1, 7)
    np.testing.assert_allclose(repeated_layers(5, np.sin(t) ** 2), np.sin(32 * t) ** 2, atol=1e-13)
    assert float(repeated_layers(3).subs(x, 0.3)) == pytest.approx(repeated_layers(3, 0.3), rel=1e-14)
