"""Rules as people write them: wrong in ways that are none of the planted faults, and right by unusual formulas."""

import numpy as np
import pytest

from jax_ref.checks.check import check_jvp, check_vjp

X = np.array([0.5, -1.25, 2.0])
P = np.array([0.5, 1.25, 2.0])
A = np.array([[2.0, 0.5, -0.25], [0.25, 1.5, 0.75], [-0.5, 1.0, 3.0]])
Z = np.array([1 + 2j, -0.5 + 0.25j])


def rule(value, pull, *args):
    """A rule of ``value``, whose pullback is ``pull(g, y, *args)``, with the function and the arguments."""

    def my_vjp(*args):
        with np.errstate(all="ignore"):
            y = value(*args)
        alike = lambda c, x: np.asarray(c, np.result_type(x))[()]

        def pullback(g):
            with np.errstate(all="ignore"):
                found = pull(g, y, *args)
            found = found if isinstance(found, tuple) else (found,)
            return tuple(map(alike, found, args))

        return y, pullback

    return my_vjp, value, args


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def logsumexp(x):
    return np.log(np.sum(np.exp(x), axis=-1))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def standardised(x):
    return (x - np.mean(x)) / np.std(x)


def scattered(c, x, index):
    result = np.zeros_like(x)
    np.add.at(result, index, c)
    return result


def onehot(x):
    return np.arange(np.size(x)) == np.argmax(x)


INDEX, KERNEL, NOISE = np.array([2, 0, 2]), np.array([1.0, -2.0, 0.5]), np.random.default_rng(0)


class Memory:
    """State that some rules keep from one call to the next."""

    def __init__(self):
        self.by_shape, self.last = {}, 0.0

    def first_of_its_shape(self, x):
        return self.by_shape.setdefault(np.shape(x), np.cos(x))

    def momentum(self, g):
        self.last = g + 0.1 * np.sum(self.last)
        return self.last


MEMORY = Memory()


def weight_decay(g, y, x):
    return g * np.cos(x) + 1e-3 * x


WRONG = {
    "of another function": rule(np.sin, lambda g, y, x: g * np.cos(x) ** 2, X),
    "at the output": rule(np.tanh, lambda g, y, x: g / np.cosh(y) ** 2, X),
    "at a point beside": rule(np.sin, lambda g, y, x: g * np.cos(x + 1e-6), X),
    "in degrees": rule(np.sin, lambda g, y, x: g * np.cos(np.radians(x)), X),
    "by differences": rule(np.sin, lambda g, y, x: g * (np.sin(x + 1e-6) - y) / 1e-6, X),
    "through float32": rule(np.exp, lambda g, y, x: g * np.exp(x.astype("float32")), X),
    "half of the product rule": rule(lambda x: x * np.sin(x), lambda g, y, x: g * np.sin(x), X),
    "softmax as if elementwise": rule(softmax, lambda g, y, x: g * y * (1 - y), X),
    "normalised along another axis": rule(logsumexp, lambda g, y, x: g[:, None] * softmax(x.T).T, A),
    "cumulative forwards": rule(np.cumsum, lambda g, y, x: np.cumsum(g), X),
    "rolled on": rule(lambda x: np.roll(x, 1), lambda g, y, x: np.roll(g, 1), X),
    "products in the wrong order": rule(lambda a: a @ A, lambda g, y, a: A.T @ g, A + 1),
    "one inverse too few": rule(np.linalg.inv, lambda g, y, a: -y.T @ g, A),
    "a constant scale": rule(standardised, lambda g, y, x: (g - np.mean(g)) / np.std(x), X),
    "one observation fewer": rule(np.var, lambda g, y, x: g * 2 * (x - np.mean(x)) / (x.size - 1), X),
    "not divided by the norm": rule(np.linalg.norm, lambda g, y, x: g * x, X),
    "inner at the outer's point": rule(lambda x: np.exp(np.sin(x)), lambda g, y, x: g * np.exp(x) * np.cos(x), X),
    "kernel not turned": rule(
        lambda x: np.convolve(x, KERNEL), lambda g, y, x: np.correlate(g, KERNEL[::-1], "valid"), X
    ),
    "straight through": rule(lambda x: np.clip(x, -1, 1), lambda g, y, x: g, X),
    "index off by one": rule(lambda x: x[INDEX], lambda g, y, x: scattered(g, x, INDEX - 1), X),
    "repeats not added": rule(lambda x: x[INDEX], lambda g, y, x: scattered(g[1:], x, INDEX[1:]), X),
    "rounded to four places": rule(np.sin, lambda g, y, x: g * np.round(np.cos(x), 4), X),
    "by a table": rule(
        np.sin, lambda g, y, x: g * np.interp(x, np.linspace(-3, 3, 99), np.cos(np.linspace(-3, 3, 99))), X
    ),
    "kept by shape": rule(np.sin, lambda g, y, x: g * MEMORY.first_of_its_shape(x), X),
    "momentum": rule(np.sin, lambda g, y, x: MEMORY.momentum(g) * np.cos(x), X),
    "noise": rule(np.sin, lambda g, y, x: g * np.cos(x) * (1 + 1e-6 * NOISE.normal(size=np.shape(x))), X),
    "symmetrised": rule(lambda x: A @ x, lambda g, y, x: (A + A.T) / 2 @ g, X),
    "weight decay": rule(np.sin, weight_decay, X),
    "clipped by its norm": rule(np.sin, lambda g, y, x: np.cos(x) * g / max(1, np.linalg.norm(g) / 10), X),
    "the other argument's": rule(lambda a, b: a * np.exp(b), lambda g, y, a, b: (g * y, g * np.exp(b)), X, P),
    "exponent not lowered": rule(lambda x: x**3, lambda g, y, x: 3 * g * x**3, X),
    "the real part alone": rule(np.square, lambda g, y, z: 2 * z * g.real, Z),
    "whole weights at the ends": rule(np.trapezoid, lambda g, y, x: g * np.ones_like(x), X),
    "log-determinant for determinant": rule(np.linalg.det, lambda g, y, a: g * np.linalg.inv(a).T, A),
    "mean for sum": rule(np.sum, lambda g, y, x: np.full_like(x, g / max(x.size, 1)), X),
    "kept below a threshold": rule(np.tanh, lambda g, y, x: g * np.maximum(1 / np.cosh(x) ** 2, 0.01), X),
    "saturated early": rule(sigmoid, lambda g, y, x: np.where(np.abs(x) > 4, 0, g * y * (1 - y)), X),
    "wrong in the last of many": rule(
        np.sin, lambda g, y, x: g * np.cos(x) * (np.arange(x.size).reshape(x.shape) < 1000), X
    ),
}
RIGHT = {
    "tanh by exponentials": rule(np.tanh, lambda g, y, x: 4 * g / (np.exp(x) + np.exp(-x)) ** 2, X),
    "tanh by its value": rule(np.tanh, lambda g, y, x: g * (1 - y) * (1 + y), X),
    "sigmoid by its value": rule(sigmoid, lambda g, y, x: g * y * (1 - y), X),
    "sigmoid by cosh": rule(sigmoid, lambda g, y, x: g / (2 + 2 * np.cosh(x)), X),
    "softplus in logarithms": rule(lambda x: np.logaddexp(x, 0), lambda g, y, x: g * np.exp(x - y), X),
    "softplus from zero down": rule(lambda x: np.logaddexp(x, 0), lambda g, y, x: g * -np.expm1(-y), X),
    "sine moved on": rule(np.sin, lambda g, y, x: g * np.sin(x + np.pi / 2), X),
    "expm1 by its value": rule(np.expm1, lambda g, y, x: g * (y + 1), X),
    "logarithm in logarithms": rule(np.log, lambda g, y, x: g * np.exp(-y), P),
    "square root by its value": rule(np.sqrt, lambda g, y, x: g * 0.5 * y / x, P),
    "square by a sum": rule(np.square, lambda g, y, x: g * x + x * g, X),
    "product by einsum": rule(
        lambda a, b: a @ b,
        lambda g, y, a, b: (np.einsum("...ik,...jk->...ij", g, b), np.einsum("...ki,...kj->...ij", a, g)),
        A,
        A + 1,
    ),
    "product by tensordot": rule(lambda a: a @ A, lambda g, y, a: np.tensordot(g, A, (-1, -1)), A + 1),
    "product by a loop": rule(lambda x: A @ x, lambda g, y, x: sum(A[i] * g[i] for i in range(3)), X),
    "sum by ones": rule(np.sum, lambda g, y, x: np.multiply.outer(g, np.ones_like(x)), X),
    "cumulative by a difference": rule(np.cumsum, lambda g, y, x: np.sum(g) - np.cumsum(g) + g, X),
    "softmax": rule(softmax, lambda g, y, x: y * (g - np.sum(g * y, axis=-1, keepdims=True)), A),
    "softmax by its Jacobian": rule(softmax, lambda g, y, x: (np.diag(y) - np.outer(y, y)) @ g, X),
    "logsumexp in logarithms": rule(
        logsumexp, lambda g, y, x: np.asarray(g)[..., None] * np.exp(x - np.asarray(y)[..., None]), A
    ),
    "norm": rule(np.linalg.norm, lambda g, y, x: g * x / y, X),
    "norm by a unit vector": rule(np.linalg.norm, lambda g, y, x: g * (x / np.sqrt(np.sum(x * x))), X),
    "variance": rule(np.var, lambda g, y, x: g * 2 / x.size * (x - np.mean(x)), X),
    "standardised": rule(
        standardised, lambda g, y, x: (g - np.mean(g) - y * np.mean(g * y)) / np.std(x), np.append(X, 0.25)
    ),
    "product of all by division": rule(np.prod, lambda g, y, x: g * y / x, X),
    "inverse": rule(np.linalg.inv, lambda g, y, a: -np.linalg.solve(a.T, g @ y.T), A),
    "determinant": rule(np.linalg.det, lambda g, y, a: g * y * np.linalg.inv(a).T, A),
    "convolution by correlation": rule(
        lambda x: np.convolve(x, KERNEL), lambda g, y, x: np.correlate(g, KERNEL, "valid"), X
    ),
    "maximum by its place": rule(np.max, lambda g, y, x: g * onehot(x), X),
    "sorting by ranks": rule(np.sort, lambda g, y, x: g[np.argsort(np.argsort(x, kind="stable"))], X),
    "arctangent by cosine": rule(np.arctan, lambda g, y, x: g * np.cos(y) ** 2, X),
    "arcsinh by hypot": rule(np.arcsinh, lambda g, y, x: g / np.hypot(1, x), X),
    "hypot by its value": rule(np.hypot, lambda g, y, a, b: (g * (a / y), g * (b / y)), X, P),
    "gathered back": rule(lambda x: x[INDEX], lambda g, y, x: np.eye(x.size)[INDEX].T @ g, X),
    "complex square": rule(np.square, lambda g, y, z: g * z + z * g, Z),
    "absolute value of complex numbers": rule(np.abs, lambda g, y, z: g * np.conj(z) / y, Z),
    "cube by its value": rule(lambda x: x**3, lambda g, y, x: 3 * g * y / x, X),
    "integral by its weights": rule(
        np.trapezoid, lambda g, y, x: g * np.append([0.5], np.append(x[2:] * 0 + 1, 0.5)), X
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_found(name):
    my_vjp, reference, args = WRONG[name]
    with pytest.raises(AssertionError) as error:
        check_vjp(my_vjp, reference, *args)
    assert "vjp" in {finding.what for finding in error.value.args[0].findings}


@pytest.mark.parametrize("name", [*RIGHT][::2])
def test_a_right_rule_passes(name):
    my_vjp, reference, args = RIGHT[name]
    assert check_vjp(my_vjp, reference, *args).ok


@pytest.mark.parametrize("name", [*RIGHT][1::2])
def test_a_right_rule_passes_unvaried(name, unvaried):
    test_a_right_rule_passes(name)


@pytest.mark.parametrize(
    ("jvp", "wrong"),
    [
        (lambda x, t: t[0] * np.sin(x[1]) + t[1] * x[0] * np.cos(x[1]), False),
        (lambda x, t: np.sum([t[0] * np.sin(x[1]), t[1] * np.cos(x[1]) * x[0]], axis=0), False),
        (lambda x, t: x[0] * np.sin(x[1]) * (t[0] / x[0] + t[1] / np.tan(x[1])), False),
        (lambda x, t: t[0] * t[1] * np.cos(x[1]), True),
        (lambda x, t: (t[0] + t[1]) * x[0] * np.cos(x[1]), True),
        (lambda x, t: t[0] * np.sin(x[1]) + t[0] * x[0] * np.cos(x[1]), True),
    ],
)
def test_rules_of_forward_mode(jvp, wrong):
    product = lambda a, b: a * np.sin(b)
    my_jvp = lambda x, t: (product(*x), jvp(x, t))
    if wrong:
        with pytest.raises(AssertionError):
            check_jvp(my_jvp, product, X, P)
    else:
        assert check_jvp(my_jvp, product, X, P).ok
