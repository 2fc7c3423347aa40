"""What structure saves: Jacobians with many zeros beside dense ones, long loops in bounded memory."""

import importlib
import itertools
import time
import tracemalloc

import numpy as np
from _timing import interleaved
from rich.table import Table

import scratch_ad


def stencil(np, x):
    """Three points to a result, three elementary functions."""
    return np.sin(x[:-2]) * x[1:-1] + np.exp(x[2:])


def bratu(np, x):
    """Bratu's equation in one dimension: three points and one exponential, less work than to write its Jacobian."""
    return x[:-2] - 2 * x[1:-1] + x[2:] + 1e-3 * np.exp(x[1:-1])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def pendulum(state, h):
    x, v = state
    return x + h * v, v - h * np.sin(x)


def ratio(runs, rounds):
    """The median of the first of two runs over the second, with the 10th and the 90th percentile."""
    first, second = interleaved(runs, rounds).values()
    return np.percentile(first / second, [10, 50, 90])


def of_jax(f, x):
    jax, jnp = importlib.import_module("jax"), importlib.import_module("jax.numpy")
    jax.config.update("jax_enable_x64", True)
    jacobian = jax.jit(jax.jacfwd(lambda x: f(jnp, x)))
    return lambda: jax.block_until_ready(jacobian(x))


def jacobian_rows(name, f, target, rng, rounds):
    """The rows of the table for one function of three points to a result."""
    ours, by_numpy = scratch_ad.jacobian(lambda x: f(np, x), sparse=True), lambda x: f(np, x)
    x, large, larger = (rng.normal(size=n) for n in (2000, 100_000, 1_000_000))
    try:
        theirs = of_jax(f, x)
        np.testing.assert_allclose(ours(x).toarray(), theirs(), rtol=1e-12, atol=1e-14)
        yield f"{name}, n = 2,000 ÷ jit(jax.jacfwd)", ratio({"ours": lambda: ours(x), "jax": theirs}, rounds), 0.02
    except ImportError:
        pass
    start = time.process_time()
    scratch_ad.jacobian(by_numpy, sparse=True)(larger)
    seconds = time.process_time() - start
    yield f"{name}, n = 10⁶, seconds the first time", (seconds, seconds, seconds), 0.5
    yield (
        f"{name}, n = 10⁶ ÷ evaluation",
        ratio({"ours": lambda: ours(larger), "f": lambda: by_numpy(larger)}, rounds),
        target,
    )
    yield f"{name}, n = 10⁶ ÷ n = 10⁵", ratio({"10⁶": lambda: ours(larger), "10⁵": lambda: ours(large)}, rounds), None


def hessian_rows(rng, rounds):
    x, v = rng.normal(size=100_000), rng.normal(size=100_000)
    hessian, gradient = scratch_ad.hessian(rosenbrock, sparse=True), scratch_ad.grad(rosenbrock)
    np.testing.assert_allclose(hessian(x) @ v, scratch_ad.hvp(rosenbrock, (x,), (v,)), rtol=1e-8, atol=1e-8)
    runs = {"ours": lambda: hessian(x), "gradient": lambda: gradient(x)}
    yield "Hessian of Rosenbrock, n = 10⁵ ÷ gradient", ratio(runs, rounds), 15


def sparse_table(rng, rounds):
    """Ratios of sparse Jacobians and Hessians, each checked before it is timed."""
    table = Table("what", "ratio", "10–90 %", "target", title="Sparse", title_justify="left")
    rows = itertools.chain(
        jacobian_rows("stencil", stencil, 5, rng, rounds),
        jacobian_rows("Bratu", bratu, None, rng, rounds),
        hessian_rows(rng, rounds),
    )
    for what, (low, middle, high), target in rows:
        verdict = f"≤ {target} {'✓' if middle <= target else '✗'}" if target else ""
        table.add_row(what, f"{middle:.3g}", f"{low:.3g}–{high:.3g}", verdict)
    return table


def checkpoint_table(steps, snapshots=20):
    """The gradient of a pendulum's end by its tape, and from snapshots: time, peak memory and steps."""
    counts = {}

    def counted(state, h):
        counts["steps"] += 1
        return pendulum(state, h)

    def loop(x, h):
        state = x, np.float64(0)
        for _ in range(steps):
            state = counted(state, h)
        return state[0]

    def bounded(x, h):
        return scratch_ad.checkpoint_loop(counted, (x, np.float64(0)), steps, h, snapshots=snapshots)[0]

    title = f"A loop of {steps:,} steps, {snapshots} snapshots"
    table = Table("gradient", "seconds", "peak memory", "steps", title=title, title_justify="left")
    results = []
    for name, f in (("all on the tape", loop), ("checkpoint_loop", bounded)):
        counts["steps"] = 0
        gradient = scratch_ad.grad(f, (0, 1))
        start = time.process_time()
        results.append(gradient(1.0, 1e-4))
        seconds, done = time.process_time() - start, counts["steps"]
        tracemalloc.start()
        gradient(1.0, 1e-4)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        table.add_row(name, f"{seconds:.2f}", f"{peak / 1e6:.2f} MB", f"{done:,}")
    np.testing.assert_allclose(*results, rtol=1e-9)
    return table
