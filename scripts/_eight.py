"""The programs of the study of speed: a loss of its first argument each, in NumPy calls that every engine has.

A program is written over ``np``, the module whose functions it calls, so that each engine runs the same text.
"""

import importlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Program(NamedTuple):
    """``f(np, x, *data)``, its value and gradient by hand, and what JAX is given to compile where that is another."""

    f: Callable
    x: object
    data: tuple = ()
    by_hand: Callable | None = None
    by_jax: Callable | None = None


def chain(np, x):
    for _ in range(50):
        x = np.tanh(np.sin(x))
    return np.sum(x)


def chain_by_hand(x):
    inputs = []
    for _ in range(50):
        inputs.append(x)
        x = np.tanh(np.sin(x))
        inputs.append(x)
    g = np.ones_like(x)
    for i in range(98, -1, -2):
        g = g * (1 - inputs[i + 1] * inputs[i + 1]) * np.cos(inputs[i])
    return np.sum(x), g


def classifier(np, p, x, y_true):
    return np.sum((np.tanh(p @ x) - y_true) ** 2)


def classifier_by_hand(p, x, y_true):
    y = np.tanh(p @ x)
    d = y - y_true
    return np.sum(d * d), (2 * d * (1 - y * y)) @ x.T


def mlp(np, p, x, onehot):
    w1, b1, w2, b2 = p
    z = np.tanh(x @ w1 + b1) @ w2 + b2
    z = z - np.max(z, 1, keepdims=True)
    return -np.sum(onehot * (z - np.log(np.sum(np.exp(z), 1, keepdims=True)))) / x.shape[0]


def mlp_by_hand(p, x, onehot):
    w1, b1, w2, b2 = p
    h = np.tanh(x @ w1 + b1)
    z = h @ w2 + b2
    z = z - np.max(z, 1, keepdims=True)
    e = np.exp(z)
    s = np.sum(e, 1, keepdims=True)
    g = (e / s - onehot) / x.shape[0]
    dh = (g @ w2.T) * (1 - h * h)
    value = -np.sum(onehot * (z - np.log(s))) / x.shape[0]
    return value, [x.T @ dh, dh.sum(0), h.T @ g, g.sum(0)]


def rosenbrock(np, x):
    total = 0.0
    for i in range(len(x) - 1):
        total = total + 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def rosenbrock_by_hand(x):
    g, total = [0.0] * len(x), 0.0
    for i in range(len(x) - 1):
        a, b = x[i + 1] - x[i] ** 2, 1.0 - x[i]
        total += 100.0 * a**2 + b**2
        g[i + 1] += 200.0 * a
        g[i] += -400.0 * a * x[i] - 2.0 * b
    return total, g


def rnn(np, p, xs):
    w, u, b = p
    h, loss = xs[0] @ u, 0.0
    for t in range(50):
        h = np.tanh(h @ w + xs[t] @ u + b)
        loss = loss + np.sum(h * h)
    return loss


def rnn_by_hand(p, xs):
    w, u, b = p
    h, hs, loss = xs[0] @ u, [], 0.0
    for t in range(50):
        hs.append(h)
        h = np.tanh(h @ w + xs[t] @ u + b)
        loss += np.sum(h * h)
    hs.append(h)
    gw, gu, gb, g = np.zeros_like(w), np.zeros_like(u), np.zeros_like(b), 0.0
    for t in range(49, -1, -1):
        h = hs[t + 1]
        g = (g + 2 * h) * (1 - h * h)
        gw += hs[t].T @ g
        gu += xs[t].T @ g
        gb += g.sum(0)
        g = g @ w.T
    gu += xs[0].T @ g
    return loss, [gw, gu, gb]


def gmm(np, p, x, lower_triangle):
    alphas, means, logdiag, lower = p
    q, diff, low = np.exp(logdiag), x[:, None, :] - means, lower * lower_triangle
    qx = q * diff + np.einsum("kij,nkj->nki", low, diff)
    inner = alphas + np.sum(logdiag, 1) - 0.5 * np.sum(qx * qx, 2)
    m, top = np.max(inner, 1, keepdims=True), np.max(alphas)
    lse = np.sum(np.log(np.sum(np.exp(inner - m), 1)) + m[:, 0])
    lsa = np.log(np.sum(np.exp(alphas - top))) + top
    return lse - x.shape[0] * lsa + 0.5 * (np.sum(q * q) + np.sum(low * low)) - np.sum(logdiag)


def predator_and_prey(np, th, y):
    return np.stack([th[0] * y[0] - th[1] * y[0] * y[1], th[3] * y[0] * y[1] - th[2] * y[1]])


def runge_kutta(np, th, y, h=0.05):
    k1 = predator_and_prey(np, th, y)
    k2 = predator_and_prey(np, th, y + (h / 2) * k1)
    k3 = predator_and_prey(np, th, y + (h / 2) * k2)
    k4 = predator_and_prey(np, th, y + h * k3)
    return y + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4)


def ode(np, th, y):
    for _ in range(200):
        y = runge_kutta(np, th, y)
    return np.sum(y * y)


def ode_by_scan(jnp, th, y):
    """What JAX asks for in place of the loop, which ``jax.jit`` would unroll."""
    lax = importlib.import_module("jax").lax
    y, _ = lax.scan(lambda y, _: (runge_kutta(jnp, th, y), None), y, length=200)
    return jnp.sum(y * y)


def gaussian_process(np, th, squares, y, eye):
    k = np.exp(2 * th[0]) * np.exp(-0.5 * squares * np.exp(-2 * th[1])) + np.exp(2 * th[2]) * eye
    return 0.5 * (y @ np.linalg.solve(k, y)) + 0.5 * np.linalg.slogdet(k)[1]


def gaussian_process_by_hand(th, squares, y, eye):
    scale, length, noise = np.exp(2 * th[0]), np.exp(-2 * th[1]), np.exp(2 * th[2])
    k = scale * np.exp(-0.5 * squares * length)
    whole = k + noise * eye
    inverse = np.linalg.inv(whole)
    a = inverse @ y
    g = 0.5 * (inverse - np.outer(a, a))
    value = 0.5 * (y @ a) + 0.5 * np.linalg.slogdet(whole)[1]
    return value, np.array([2 * np.sum(g * k), np.sum(g * k * squares) * length, 2 * noise * np.trace(g)])


def rosenbrock_of_array(np, x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def classifier_of(rng, samples):
    x = rng.uniform(-1, 1, (2, samples))
    return Program(classifier, rng.normal(size=(2, 2)), (x, np.sign(x)), classifier_by_hand)


def mlp_of(rng, n, samples):
    """A network of n inputs, n hidden units and 10 classes."""
    small = lambda *shape: rng.normal(size=shape) / np.sqrt(n)
    data = rng.normal(size=(samples, n)), np.eye(10)[rng.integers(0, 10, samples)]
    return Program(mlp, [small(n, n), small(n), small(n, 10), small(10)], data, mlp_by_hand)


def programs(seed=0):
    """The eight programs by name."""
    rng = np.random.default_rng(seed)
    points, sequence = np.sort(rng.uniform(0, 5, 100)), rng.normal(size=(50, 16, 8))
    mixture = [rng.normal(size=s) for s in ((5,), (5, 2))] + [0.3 * rng.normal(size=s) for s in ((5, 2), (5, 2, 2))]
    process = (points[:, None] - points) ** 2, np.sin(points) + 0.1 * rng.normal(size=100), np.eye(100)
    recurrent = [rng.normal(size=s) / 8 for s in ((32, 32), (8, 32), (32,))]
    return {
        "chain": Program(chain, rng.normal(size=4), (), chain_by_hand),
        "classifier": classifier_of(rng, 1000),
        "MLP": mlp_of(rng, 64, 128),
        "RNN": Program(rnn, recurrent, (sequence,), rnn_by_hand),
        "GMM": Program(gmm, mixture, (rng.normal(size=(1000, 2)), np.tril(np.ones((2, 2)), -1))),
        "ODE": Program(ode, np.array([1.1, 0.4, 0.4, 0.1]), (np.array([2.0, 1.0]),), by_jax=ode_by_scan),
        "GP": Program(gaussian_process, np.array([0.1, 0.2, -1.0]), process, gaussian_process_by_hand),
        "Rosenbrock": Program(rosenbrock, rng.normal(size=20).tolist(), (), rosenbrock_by_hand),
    }
