"""What the site steps through: plain NumPy functions, each with its arguments and what is to be seen in it."""

import numpy as np

import jax_ref
import scratch_ad
from scratch_ad.intro import cost, get_mock_training_set, random_parameters
from scratch_ad.registry import rule_of

RNG = np.random.default_rng(0)
FEATURES, LABELS = get_mock_training_set(input_dims=2, output_dims=2, samples=6, rng=RNG)


def fan_out(x):
    return x * np.sin(x) + x


def notebook(x):
    return np.exp(np.tanh(x))


def classifier(parameters):
    return cost(parameters, FEATURES, LABELS)


def filled(x):
    y = np.zeros_like(x)
    y[0] = x[0] ** 2
    for k in range(1, len(x)):
        y[k] = np.sin(y[k - 1]) + x[k]
    return y[-1]


def newton(a):
    """A square root by eight steps of Newton's method."""
    x = a
    for _ in range(8):
        x = (x + a / x) / 2
    return x


def unused_branch(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0))


EXAMPLES = {
    "fan_out": ("x is used three times: what comes back adds up", fan_out, 1.2),
    "notebook": ("the notebook's exp(tanh x)", notebook, 0.5),
    "classifier": ("the notebook's classifier, on six samples", classifier, random_parameters(2, 2, RNG)),
    "filled": ("an array that is filled in a loop", filled, np.array([0.3, 0.5, -0.2, 0.4])),
    "newton": ("a loop, which folds", newton, 2.0),
    "unused_branch": ("a branch not taken, where JAX's own derivative is nan", unused_branch, np.array([0.0, 4.0])),
}


def traces():
    """Each example's name, what is to be seen, and its trace beside JAX; last, one with a wrong rule."""
    for name, (seen, function, argument) in EXAMPLES.items():
        yield name, seen, jax_ref.trace(function, argument)
    right = rule_of[np.tanh]
    scratch_ad.elementwise(np.tanh, lambda y: 1 - y)
    try:
        yield "wrong_rule", "a rule with a mistake: 1 − y for 1 − y²", jax_ref.trace(notebook, 0.5)
    finally:
        rule_of[np.tanh] = right
