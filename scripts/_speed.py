"""Eager value and gradient of eight programs beside every other engine; growth with n; peak memory."""

import importlib

import numpy as np
from _eight import Program, chain, chain_by_hand, classifier_of, mlp_of, programs
from _peers import (
    ENGINES,
    PACKAGES,
    by_hand,
    gradient_of,
    jax_numpy,
    jitted,
    ours,
    prepare,
    pytorch,
    replayed,
    torch_numpy,
)
from _structured import stencil
from _tables import Figure, Row, Table
from _timing import compared, held, peak_memory, taken

import scratch_ad

AIMS = {  # ours ÷ autograd, PyTorch, by hand, at most
    "chain": (0.33, 0.42, 1.9),
    "classifier": (0.30, 0.40, 2.1),
    "MLP": (0.50, 0.75, 2.6),
    "RNN": (0.25, 0.60, 2.1),
    "GMM": (0.40, 0.90, None),
    "ODE": (0.12, 0.60, None),
    "GP": (0.62, 0.60, 2.1),
    "Rosenbrock": (0.12, 0.40, None),
}


def eager_tables(quick, seed, clock):
    """Ours ÷ each other engine, on each program, checked against one another first."""
    rows, told = [], {}
    for name, program in programs(seed).items():
        # where JAX takes seconds to compile, call by call or as a whole
        slow = ("JAX eager", "jax.jit") if quick and name in ("ODE", "RNN", "GMM") else ()
        peers = [peer for peer in ENGINES if peer not in slow]
        runs, absent = prepare(program, peers)
        told |= {
            (peer, why) if why == "not installed" else (f"{peer} on {name}", why): None for peer, why in absent.items()
        }
        seconds = clock({"ours": ours(program)} | runs)
        aims = dict(zip(("autograd", "PyTorch", "by hand"), AIMS[name], strict=True))
        figures = {"ours": taken(seconds["ours"])}
        figures |= {f"÷ {peer}": compared(seconds["ours"], seconds[peer], aims.get(peer)) for peer in runs}
        rows.append(Row(name, figures))
        yield Table("Eager", rows, "Value and gradient, ours ÷ each engine: below 1, ours is faster." + _told(told))


def _told(told):
    return "".join(f" {who}: {why}." for who, why in told)


def growth_tables(quick, seed, clock):
    """Time against size: how soon the arithmetic outweighs what an engine adds to each call."""
    rng = np.random.default_rng(seed)
    small = lambda sizes: sizes[: 3 if quick else None]
    chains = {n: Program(chain, rng.normal(size=n), (), chain_by_hand) for n in small([4, 100, 10_000, 1_000_000])}
    yield from _growth("Chain of 100 sin and tanh on n floats", chains, clock)
    networks = {n: mlp_of(rng, n, 128) for n in small([8, 32, 128, 512])}
    yield from _growth("MLP of n inputs and n hidden units", networks, clock)
    yield from _stencils(small([100, 1000, 10_000, 1_000_000]), rng, clock)


def _growth(title, of_size, clock):
    rows = []
    for n, program in of_size.items():
        gradient = scratch_ad.compile(gradient_of(program))
        runs = {"f": lambda p=program: p.f(np, p.x, *p.data), "ours": ours(program)}
        runs |= {"compiled": lambda p=program, g=gradient: g(p.x), "by hand": by_hand(program)}
        for name, engine in (("PyTorch", pytorch), ("jax.jit", jitted)):
            if _installed(name):
                runs[name] = engine(program)
        rows.append(Row(f"{n:,}", {name: taken(s) for name, s in clock(runs).items()}))
        yield Table(title, rows, "Value and gradient, CPU time.")


def _stencils(sizes, rng, clock):
    f, rows = lambda x: stencil(np, x), []
    sparse, compiled = scratch_ad.jacobian(f, sparse=True), scratch_ad.jacobian(scratch_ad.compile(f), sparse=True)
    dense = {"dense, ours": scratch_ad.jacfwd(f)}
    if _installed("jax.jit"):
        jax, jnp = jax_numpy()
        dense["dense, jax.jit"] = jax.jit(jax.jacfwd(lambda x: stencil(jnp, x)))
    for n in sizes:
        x = rng.normal(size=n)
        runs = {"f": lambda x=x: f(x), "ours": lambda x=x: sparse(x), "compiled": lambda x=x: compiled(x)}
        if n <= 1000:
            runs |= {name: lambda x=x, run=run: np.asarray(run(x)) for name, run in dense.items()}
        rows.append(Row(f"{n:,}", {name: taken(s) for name, s in clock(runs).items()}))
        yield Table("Jacobian of a stencil of n points", rows, "Sparse, in as many passes as colours; CPU time.")


def memory_tables(quick, seed, clock):
    """The most bytes held at once in a value and gradient."""
    rng, size = np.random.default_rng(seed), 10_000 if quick else 100_000
    cases = {
        f"chain, {size:,} floats": Program(chain, rng.normal(size=size), (), chain_by_hand),
        f"classifier, {size:,} samples": classifier_of(rng, size),
        f"MLP, 256 units, {size // 50:,} samples": mlp_of(rng, 256, size // 50),
    }
    rows = []
    for name, program in cases.items():
        gradient = scratch_ad.compile(gradient_of(program))
        replayed(gradient, program.x)
        bytes_of = {"ours": peak_memory(ours(program)), "compiled": peak_memory(lambda p=program, g=gradient: g(p.x))}
        bytes_of["by hand"] = peak_memory(by_hand(program))
        for peer, measure in (("autograd", _autograd_peak), ("PyTorch", _torch_peak), ("jax.jit", _xla_peak)):
            if _installed(peer):
                bytes_of[peer] = measure(program)
        figures = {what: Figure(number, kind="bytes") for what, number in bytes_of.items()}
        for peer, aim in (("autograd", 1), ("PyTorch", 1 if name.startswith("MLP") else None)):
            if peer in bytes_of:
                figures[f"÷ {peer}"] = held(bytes_of["ours"], bytes_of[peer], aim)
        figures["compiled ÷ ours"] = held(bytes_of["compiled"], bytes_of["ours"], 1)
        rows.append(Row(name, figures))
        yield Table("Peak memory", rows, PEAK)


PEAK = (
    "Bytes at the peak of a value and gradient, beyond arguments and data. NumPy's by tracemalloc, PyTorch's by its "
    "profiler, XLA's as it plans them."
)


def _autograd_peak(program):
    return peak_memory(ENGINES["autograd"](program))


def _torch_peak(program):
    """The running sum of what PyTorch's allocator hands out and takes back."""
    torch, _ = torch_numpy()
    run = pytorch(program)
    run()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        run()
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes = [e.nbytes() for e in sorted(events, key=lambda event: event.start_ns())]
    return int(np.max(np.cumsum(changes)))


def _xla_peak(program):
    jax, jnp = jax_numpy()
    gradient = jax.jit(jax.value_and_grad(lambda x: program.f(jnp, x, *program.data)))
    planned = gradient.lower(program.x).compile().memory_analysis()
    return planned.temp_size_in_bytes + planned.output_size_in_bytes


def _installed(peer):
    try:
        return bool(importlib.import_module(PACKAGES[peer]))
    except ImportError:
        return False
