"""Programs, compiled: our replay beside the function itself, the derivative by hand and ``jax.jit``."""

import contextlib
import time

import numpy as np
from _eight import Program, chain, classifier_of, programs, rosenbrock_of_array
from _peers import agree, by_hand, gradient_of, jax_numpy, jitted, replayed
from _tables import Figure, Row, Table
from _timing import compared, few_collections, held, once, peak_memory, taken

import scratch_ad
from scratch_ad.compiling.code import bytecode

AIMS = {  # compiled ÷ eager, by hand, jax.jit, at most
    "chain": (0.25, 0.65, None),
    "classifier": (0.35, 1.1, 0.3),
    "MLP": (0.42, 1.3, 0.95),
    "RNN": (0.27, 0.9, 1.5),
    "GMM": (0.25, None, 2.3),
    "ODE": (0.01, None, 1.1),
    "GP": (None, None, None),
    "Rosenbrock": (0.01, 1.2, 0.08),
    "hvp": (0.08, None, 2.4),
}
RECORDING = {"classifier": 10, "MLP": 10, "GP": 10, "GMM": 10}  # eager runs that the first two calls cost, at most
LARGE = {
    "chain of 100": lambda np, x: chain(np, x),
    "polynomial": lambda np, x: np.sum(((3 * x + 2) * x - 1) * x),
    "logistic": lambda np, x: np.sum(np.log1p(np.exp(-x * x))),
    "quotients": lambda np, x: np.sum((1 + x * x) / (2 + x) - x / (1 + x * x)),
    "views": lambda np, x: np.sum(np.sin(x[1:]) * x[:-1]),
    "in place of": lambda np, x: np.sum(np.where(x > 0, np.sqrt(np.abs(x) + 1), x**3)),
}


def compiled_tables(quick, seed, clock):
    yield from _ratios(seed, clock)
    yield from _large(100_000 if quick else 1_000_000, seed, clock)


def all_programs(seed=0):
    """The eight programs, and one of which a Hessian times a vector is asked for."""
    product = Program(rosenbrock_of_array, np.random.default_rng(seed).normal(size=100))
    return programs(seed) | {"hvp": product}


def runs_of(name, program):
    """The derivative to time, of one argument, and what it is compared with, each of no arguments."""
    runs = {}
    if name == "hvp":
        direction = np.ones_like(program.x)
        eager = lambda x: scratch_ad.hvp(lambda x: program.f(np, x), (x,), (direction,))
        by_jax = _product_of_jax
    else:
        eager, by_jax = gradient_of(program), jitted
    if program.by_hand:
        runs["by hand"] = by_hand(program)
    with contextlib.suppress(ImportError):
        runs["jax.jit"] = by_jax(program)
    return eager, runs


def _product_of_jax(program):
    jax, jnp = jax_numpy()
    direction = np.ones_like(program.x)
    product = jax.jit(lambda x: jax.jvp(jax.grad(lambda x: program.f(jnp, x)), (x,), (direction,))[1])
    return lambda: jax.block_until_ready(product(program.x))


def _ratios(seed, clock):
    """Compiled ÷ each other way, and what the first two calls cost, which run ``f``, record it and write the source."""
    rows = []
    for name, program in all_programs(seed).items():
        eager, runs = runs_of(name, program)
        x = program.x
        expected = eager(x)
        compiled, recording = _recorded(eager, x)
        agree(expected, compiled(x), f"{name}: compiled and eager")
        # of a loop written anew for JAX, the first call is no measure: jit does not finish compiling the other
        jit_first = once(runs["jax.jit"])[0] if "jax.jit" in runs and not program.by_jax else None
        for other, run in runs.items():
            agree(expected, run(), f"{name}: {other} and ours")
        seconds = clock({"compiled": lambda c=compiled, x=x: c(x), "eager": lambda e=eager, x=x: e(x)} | runs)
        figures = {"compiled": taken(seconds["compiled"])}
        for other, aim in zip(("eager", "by hand", "jax.jit"), AIMS[name], strict=True):
            if other in seconds:
                figures[f"÷ {other}"] = compared(seconds["compiled"], seconds[other], aim)
        figures["recording ÷ eager"] = Figure(recording / np.median(seconds["eager"]), aim=RECORDING.get(name))
        if jit_first:
            figures["recording ÷ jit's first call"] = Figure(recording / jit_first, aim=0.1)
        rows.append(Row(name, figures))
        yield Table(
            "Compiled",
            rows,
            "Value and gradient (hvp: Hessian of Rosenbrock's function of 100 numbers, times a vector), compiled ÷ "
            "each other way. Recording: the first two calls together, the median of five times.",
        )


def _recorded(eager, x):
    """The function compiled, and what its first two calls cost: the median of five times, of fewer if that is long."""
    seconds, until = [], time.monotonic() + 2
    with few_collections():
        while len(seconds) < 5 and (not seconds or time.monotonic() < until):
            bytecode.cache_clear()  # of a source that another program has, too, nothing is written anew
            compiled = scratch_ad.compile(eager)
            seconds.append(sum(once(compiled, x)[0] for _ in range(2)))
    return compiled, float(np.median(seconds))


def _large(size, seed, clock):
    """Where arrays are large, compiled is to be no slower than eager and to hold no more at once."""
    rng, rows = np.random.default_rng(seed), []
    cases = {name: Program(f, rng.uniform(0.1, 2, size)) for name, f in LARGE.items()}
    cases["classifier"] = classifier_of(rng, size // 2)
    for name, program in cases.items():
        eager = gradient_of(program)
        compiled, x = scratch_ad.compile(eager), program.x
        agree(eager(x), replayed(compiled, x), f"{name}: compiled and eager")
        runs = {"compiled": lambda c=compiled, x=x: c(x), "eager": lambda e=eager, x=x: e(x)}
        seconds, peaks = clock(runs), {how: peak_memory(run) for how, run in runs.items()}
        rows.append(
            Row(
                name,
                {
                    "compiled": taken(seconds["compiled"]),
                    "time ÷ eager": compared(seconds["compiled"], seconds["eager"], 1),
                    "peak memory ÷ eager": held(peaks["compiled"], peaks["eager"], 1),
                },
            )
        )
        yield Table(f"Compiled, {size:,} numbers", rows, "Value and gradient.")
