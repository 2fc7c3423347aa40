"""What structure saves: Jacobians with many zeros beside dense ones, long loops in bounded memory."""

import itertools
import math

import numpy as np
from _peers import jax_numpy
from _tables import Figure, Row, Table
from _timing import compared, once, peak_memory

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


def structured_tables(quick, seed, clock):
    rng, large = np.random.default_rng(seed), 100_000 if quick else 1_000_000
    rows = itertools.chain(
        jacobian_rows("stencil", stencil, (0.02, 0.004, 5, 2.5), large, rng, clock),
        jacobian_rows("Bratu", bratu, (None, None, None, None), large, rng, clock),
        hessian_rows(rng, clock),
    )
    done = []
    for row in rows:
        done.append(row)
        yield Table("Sparse", done, "Jacobians of three points to a result, and a Hessian, as SciPy's arrays.")
    yield checkpoint_table(2_000 if quick else 1_000_000)


def of_jax(f, x):
    jax, jnp = jax_numpy()
    jacobian = jax.jit(jax.jacfwd(lambda x: f(jnp, x)))
    return lambda: jax.block_until_ready(jacobian(x))


def jacobian_rows(name, f, aims, large, rng, clock):
    """The rows of the table for one function of three points to a result.

    ``aims``: of the time ÷ JAX's dense Jacobian, eager and compiled, and ÷ an evaluation of f, likewise.
    """
    by_numpy = lambda x: f(np, x)
    ours = scratch_ad.jacobian(by_numpy, sparse=True)
    compiled = scratch_ad.jacobian(scratch_ad.compile(by_numpy), sparse=True)
    few, some, many = (rng.normal(size=n) for n in (2000, large // 10, large))
    seconds = clock({"ours": lambda: ours(few), "compiled": lambda: compiled(few), "f": lambda: by_numpy(few)})
    figures = {
        "ratio": compared(seconds["ours"], seconds["f"]),
        "compiled": compared(seconds["compiled"], seconds["f"]),
    }
    yield Row(f"{name}, n = 2,000 ÷ evaluation", figures)
    try:
        theirs = of_jax(f, few)
        np.testing.assert_allclose(ours(few).toarray(), theirs(), rtol=1e-12, atol=1e-14)
        seconds = clock({"ours": lambda: ours(few), "compiled": lambda: compiled(few), "jax": theirs})
        figures = {
            "ratio": compared(seconds["ours"], seconds["jax"], aims[0]),
            "compiled": compared(seconds["compiled"], seconds["jax"], aims[1]),
        }
        yield Row(f"{name}, n = 2,000 ÷ jit(jax.jacfwd)", figures)
    except ImportError:
        pass
    planned, _ = once(scratch_ad.jacobian(by_numpy, sparse=True), many)
    yield Row(f"{name}, n = {large:,}", {"first time": Figure(planned, aim=aims[2] and 0.5, kind="seconds")})
    runs = {"ours": lambda: ours(many), "compiled": lambda: compiled(many), "f": lambda: by_numpy(many)}
    seconds = clock(runs | {"some": lambda: ours(some)})
    figures = {
        "ratio": compared(seconds["ours"], seconds["f"], aims[2]),
        "compiled": compared(seconds["compiled"], seconds["f"], aims[3]),
    }
    yield Row(f"{name}, n = {large:,} ÷ evaluation", figures)
    growth = compared(seconds["ours"], seconds["some"])
    yield Row(f"{name}, n = {large:,} ÷ n = {large // 10:,}", {"ratio": growth})


def hessian_rows(rng, clock):
    x, v = rng.normal(size=100_000), rng.normal(size=100_000)
    hessian, gradient = scratch_ad.hessian(rosenbrock, sparse=True), scratch_ad.grad(rosenbrock)
    np.testing.assert_allclose(hessian(x) @ v, scratch_ad.hvp(rosenbrock, (x,), (v,)), rtol=1e-8, atol=1e-8)
    compiled = scratch_ad.hessian(scratch_ad.compile(rosenbrock), sparse=True)
    seconds = clock({"ours": lambda: hessian(x), "compiled": lambda: compiled(x), "gradient": lambda: gradient(x)})
    figures = {
        "ratio": compared(seconds["ours"], seconds["gradient"], 15),
        "compiled": compared(seconds["compiled"], seconds["gradient"]),
    }
    yield Row("Hessian of Rosenbrock, n = 100,000 ÷ gradient", figures)


def fewest(n, snapshots):
    """How many steps the gradient of a loop of n evaluates at least (Griewank and Walther), the n on variables too."""
    repeats = next(r for r in itertools.count() if math.comb(snapshots + r, snapshots) >= n)
    return n + repeats * n - math.comb(snapshots + repeats, snapshots + 1)


def checkpoint_table(steps, snapshots=20):
    """The gradient of a pendulum's end by its tape, and from snapshots: time, peak memory and steps.

    By its tape alone for at most 20,000 steps, since that holds all of them.
    """
    counts = {}

    def counted(state, h):
        counts["steps"] += 1
        return pendulum(state, h)

    def loop(steps, x, h):
        state = x, np.float64(0)
        for _ in range(steps):
            state = counted(state, h)
        return state[0]

    def bounded(steps, x, h):
        return scratch_ad.checkpoint_loop(counted, (x, np.float64(0)), steps, h, snapshots=snapshots)[0]

    few, rows, results = min(steps, 20_000), [], []
    cases = [("all on the tape", loop, few), ("from snapshots", bounded, few), ("from snapshots", bounded, steps)]
    for name, f, n in cases[: 3 if steps > few else 2]:
        gradient = scratch_ad.grad(lambda x, h, f=f, n=n: f(n, x, h), (0, 1))
        counts["steps"] = 0
        seconds, result = once(gradient, 1.0, 1e-4)
        aim = fewest(n, snapshots) if f is bounded else None
        figures = {"time": Figure(seconds, kind="seconds"), "steps": Figure(counts["steps"], aim=aim, kind="count")}
        if n == few:
            figures["peak memory"] = Figure(peak_memory(lambda run=gradient: run(1.0, 1e-4)), kind="bytes")
        results.append(result)
        rows.append(Row(f"{name}, {n:,} steps", figures))
    np.testing.assert_allclose(*results[:2], rtol=1e-9)
    note = f"The gradient of a pendulum's end; {snapshots} snapshots. The aim of steps is the published optimum."
    return Table("A long loop", rows, note)
