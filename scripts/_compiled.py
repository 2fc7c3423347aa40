"""Eight programs, compiled: our replay beside the function itself, the derivative by hand and ``jax.jit``."""

import importlib
import os
import sys
import time

import numpy as np
from _timing import interleaved
from rich.table import Table

import scratch_ad

TARGETS = {  # compiled ÷ eager, by hand, jax.jit, at most
    "chain": (0.25, 0.65, None),
    "classifier": (0.35, 1.1, 0.3),
    "MLP": (0.42, 1.3, 0.95),
    "RNN": (0.27, 0.9, 1.5),
    "GMM": (0.25, None, 2.3),
    "Rosenbrock": (0.01, 1.2, 0.08),
    "ODE": (0.01, None, 1.1),
    "hvp": (0.08, None, 2.4),
}


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


def rosenbrock_of_array(np, x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def programs(chain, chain_by_hand, classifier, classifier_by_hand, seed=0):
    """Each program's function, argument, data, derivative by hand (or None), and what JAX runs instead (or None)."""
    rng = np.random.default_rng(seed)
    samples, small = rng.uniform(-1, 1, (2, 1000)), lambda *shape: rng.normal(size=shape) / 8
    images, labels = rng.normal(size=(128, 64)), np.eye(10)[rng.integers(0, 10, 128)]
    mixture = [rng.normal(size=s) for s in ((5,), (5, 2))] + [0.3 * rng.normal(size=s) for s in ((5, 2), (5, 2, 2))]
    sequence = rng.normal(size=(50, 16, 8))
    return {
        "chain": (chain, rng.normal(size=4), (), chain_by_hand, None),
        "classifier": (classifier, rng.normal(size=(2, 2)), (samples, np.sign(samples)), classifier_by_hand, None),
        "MLP": (mlp, [small(64, 64), small(64), small(64, 10), small(10)], (images, labels), mlp_by_hand, None),
        "RNN": (rnn, [small(32, 32), small(8, 32), small(32)], (sequence,), rnn_by_hand, None),
        "GMM": (gmm, mixture, (rng.normal(size=(1000, 2)), np.tril(np.ones((2, 2)), -1)), None, None),
        "Rosenbrock": (rosenbrock, rng.normal(size=20).tolist(), (), rosenbrock_by_hand, None),
        "ODE": (ode, np.array([1.1, 0.4, 0.4, 0.1]), (np.array([2.0, 1.0]),), None, ode_by_scan),
        "hvp": (rosenbrock_of_array, rng.normal(size=100), (), None, None),
    }


def runs_of(name, program):
    """The function to time, of each kind, of no arguments; and what the first two calls of ours cost in eager runs."""
    f, x, data, by_hand, by_jax = program
    direction = np.ones_like(x) if name == "hvp" else None
    if name == "hvp":
        eager = lambda x: scratch_ad.hvp(lambda x: f(np, x), (x,), (direction,))
    else:
        eager = scratch_ad.value_and_grad(lambda x: f(np, x, *data))
    compiled, seconds = scratch_ad.compile(eager), []
    for run in (eager, eager, compiled, compiled):
        start = time.perf_counter()
        run(x)
        seconds.append(time.perf_counter() - start)
    runs = {"compiled": lambda: compiled(x), "eager": lambda: eager(x)}
    if by_hand:
        runs["by hand"] = lambda: by_hand(x, *data)
    if (jit := jitted(name, by_jax or f, x, data, direction)) is not None:
        runs["jax.jit"] = jit
    return runs, (seconds[2] / seconds[1], seconds[3] / seconds[1])


def jitted(name, f, x, data, direction):
    """The same by JAX, on NumPy's arrays and one thread; None where JAX is not installed."""
    if "jax" not in sys.modules:
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    try:
        jax = importlib.import_module("jax")
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    if name == "hvp":
        product = jax.jit(lambda x: jax.jvp(jax.grad(lambda x: f(jnp, x)), (x,), (direction,))[1])
    else:
        product = jax.jit(jax.value_and_grad(lambda x: f(jnp, x, *map(jnp.asarray, data))))
    return lambda: jax.block_until_ready(product(x))


def compiled_table(examples, rounds):
    """Compiled ÷ each other way, beside its target, and what recording and generating cost."""
    table = Table("program", "compiled", title="compile(f)", title_justify="left")
    for column in ("÷ eager", "÷ by hand", "÷ jax.jit", "first call", "second call"):
        table.add_column(column, justify="right")
    for name, program in programs(*examples).items():
        runs, cost = runs_of(name, program)
        seconds = interleaved(runs, rounds)
        cells = [f"{np.median(seconds['compiled']) * 1e6:.1f} µs"]
        for other, target in zip(("eager", "by hand", "jax.jit"), TARGETS[name], strict=True):
            cells.append(_against(seconds, other, target))
        table.add_row(name, *cells, *(f"{c:.0f} eager runs" for c in cost))
    return table


def _against(seconds, other, target):
    if other not in seconds:
        return "–"
    ratio = np.median(seconds["compiled"] / seconds[other])
    return f"{ratio:.3f}" + (f" (≤ {target:g} {'✓' if ratio <= target else '✗'})" if target else "")
