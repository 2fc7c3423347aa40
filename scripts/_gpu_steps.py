"""The steps of ``gpu.py``: each measures one thing on JAX's device, and sends a row for each part as it is there.

A step is ``step(settings, done, send, until)``: ``done`` are the names of rows that an earlier run has sent already,
``send(row)`` takes ``{"of": count}`` first and then, of each row, a dictionary with its ``name``; and after ``until``,
by ``time.monotonic``, nothing more is begun. It returns whether all was done. A row that is not right has ``rerun``,
the command that runs that part alone.
"""

import functools
import importlib
import random
import shlex
import time
import traceback
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from _programs import PROGRAMS
from _timing import interleaved

import scratch_ad
from jax_ref.engines.ready import COMPILED
from jax_ref.lift import lift
from jax_ref.measure.derivatives import measured, references
from jax_ref.measure.tolerances import tolerance, wider
from jax_ref.report.records import Counts, text
from jax_ref.sweep.devices import device
from jax_ref.sweep.runs import problem
from jax_ref.sweep.sweep import Asked, Task, Unit, by_processes, units

FAMILIES = {  # file of the catalogue → the function that stands for it
    "elementwise": "np.tanh",
    "fft": "np.fft.fft",
    "grids": "np.linspace",
    "histograms": "np.histogram",
    "indexing": "np.take",
    "linalg": "np.linalg.solve",
    "piecewise": "np.interp",
    "polynomials": "np.polyval",
    "products": "np.matmul",
    "reductions": "np.std",
    "scipy_fft": "scipy.fft.dctn",
    "scipy_integrate": "scipy.integrate.trapezoid",
    "scipy_linalg": "scipy.linalg.solve_triangular",
    "scipy_signal": "scipy.signal.fftconvolve",
    "scipy_special": "scipy.special.gammaln",
    "scipy_stats": "scipy.stats.norm.logpdf",
    "selection": "np.sort",
    "shaping": "np.concatenate",
}
ENGINES = {  # what is said of ours → engine and modes
    "compiled, both modes": ("scratch_ad-compiled", ("fwd", "rev")),
    "forward mode, call by call": ("scratch_ad-jax", ("fwd",)),
    "reverse mode, call by call": ("scratch_ad-jax", ("rev",)),
}
TIMEOUT = 60.0  # seconds for a function in one dtype


class Settings(NamedTuple):
    device: str
    jobs: int
    scale: float
    only: str  # the name of the one row that is wanted, or nothing

    def wants(self, name, done):
        return name == self.only if self.only else name not in done


def _rerun(settings, step, name):
    words = ["python3", "scripts/gpu.py", "--device", settings.device, "--only", f"{step}/{name}"]
    return shlex.join(words)


def in_turn(step, settings, done, send, until, parts):
    """Send the row that each part (name → function of nothing) gives, or what it raised; returns whether all did."""
    send({"of": len(parts)})
    for name, part in parts.items():
        if not settings.wants(name, done):
            continue
        if time.monotonic() > until:
            return False
        start = time.monotonic()
        try:
            row = part()
        except Exception as error:
            traceback.print_exc()
            row = {"right": False, "problem": f"{type(error).__name__}: {error}".partition("\n")[0]}
        if not row["right"]:
            row["rerun"] = _rerun(settings, step, name)
        send({"name": name, **row, "seconds": round(time.monotonic() - start, 2)})
    return True


# 1 and 2: the catalogue


def families(settings, done, send, until):
    """One call of one function of each family, in single and double precision, by each engine and mode."""
    tasks = {}
    for dtype in ("float32", "float64"):
        chosen = [unit for name in FAMILIES.values() if (unit := Unit(name, dtype)).cases()]
        for said, (engine, modes) in ENGINES.items():
            for unit in chosen:
                tasks[f"{unit.name} {dtype}, {said}"] = Task(unit, Asked(engine, modes, case=0, beside_cpu=True))
    return checked(tasks, settings, done, send, until)


def catalogue(settings, done, send, until):
    """All cases, compiled, in both modes and to second order: of each function one dtype before any comes again."""
    shuffled = units()
    random.Random(0).shuffle(shuffled)
    seen, turn = {}, {}
    for unit in shuffled:
        turn[unit] = seen[unit.name] = seen.get(unit.name, -1) + 1
    tasks = {" ".join(u): Task(u, Asked("scratch_ad-compiled")) for u in sorted(shuffled, key=turn.get)}
    return checked(tasks, settings, done, send, until)


def checked(tasks, settings, done, send, until):
    """Send one row per task, as processes finish them; returns whether all did."""
    send({"of": len(tasks)})
    wanted = {task: name for name, task in tasks.items() if settings.wants(name, done)}
    finished = by_processes([*wanted], settings.jobs, TIMEOUT, until)
    try:
        for task, records in finished:
            counts = Counts.of(records)
            failed = [
                {"case": r["case"], "status": r["status"], "text": text(r), "rerun": _as_module(r, settings)}
                for r in records
                if r["status"] not in ("right", "missing")
            ]
            lacking = sorted({r["missing"] for r in records if r["missing"]})
            row = {"name": wanted[task], "function": task.unit.name, "right": not failed, "counts": counts}
            send(row | {"failed": failed, "missing": lacking, "seconds": sum(r["seconds"] for r in records)})
            wanted.pop(task)
    finally:
        finished.close()
    return not wanted


def _as_module(record, settings):
    """The command that runs a case again, from a checkout that is not installed."""
    return f"{record['rerun'].replace('scratch-ad', 'python3 -m jax_ref', 1)} --device {settings.device}"


# Precision of matrix products


def precision(settings, done, send, until):
    """Matrix products in float32 at JAX's default precision, beside JAX's derivatives at the highest."""
    names = ("np.matmul", "np.einsum", "np.tensordot", "np.linalg.solve")
    parts = {name: functools.partial(_at_default_precision, name) for name in names}
    return in_turn("precision", settings, done, send, until, parts)


def _at_default_precision(name):
    """By how many tolerances of the highest precision ours and JAX's are off at the default one, in two cases."""
    shares, limit = {"ours": 0.0, "JAX": 0.0}, wider(jax.devices()[0].platform, "default precision")
    for case in Unit(name, "float32").cases()[:2]:
        posed = problem(case, "float32", COMPILED, order=1)
        (exact,) = references([posed])
        with jax.default_matmul_precision("default"):
            (theirs,) = references([posed])
            ours = measured(COMPILED, posed)[0]
        for k, condition in enumerate(exact.conditions):
            for what in ("jvp", "vjp"):
                expected = exact.derivatives[k][what], condition[what]
                shares["ours"] = max(shares["ours"], _share(ours[k][what], *expected))
                shares["JAX"] = max(shares["JAX"], _share(theirs.derivatives[k][what], *expected))
    return {"right": shares["ours"] <= limit, "limit": limit, **shares}


def _share(got, expected, condition):
    """The largest difference, in tolerances."""
    leaves = zip(*map(jax.tree.leaves, (got, expected, condition)), strict=True)
    return max((float(np.max(np.abs(a - b) / tolerance(b, c), initial=0.0)) for a, b, c in leaves), default=0.0)


# 3: training, and programs that fill the device


def training(settings, done, send, until):
    """Gradient descent by our compiled gradient and by JAX's, from one start: the parameters after each step."""
    problems = {"the notebook's classifier": _classifier, "MLP of 4 layers": PROGRAMS["MLP of 4 layers"]}
    parts = {name: functools.partial(_trained, make, settings, until) for name, make in problems.items()}
    return in_turn("training", settings, done, send, until, parts)


def _classifier(rng, scale):
    x = rng.uniform(-1, 1, (2, max(1000, round(4_000_000 * scale))))
    y_true = np.sign(np.array([[1.0, -2.0], [0.5, 1.0]]) @ x)
    return lambda p: np.mean((np.tanh(p @ x) - y_true) ** 2), rng.normal(size=(2, 2))


def _both(f):
    """Our compiled value and gradient of a function, and JAX's."""
    return {
        "ours": jax.jit(lift(scratch_ad.value_and_grad(f))),
        "JAX": jax.jit(jax.value_and_grad(lift(f))),
    }


def apart_and_limit(ours, theirs):
    """How far apart two containers of arrays are, relative to the norm of the second; and how far they may be.

    That is ε to the power of two thirds: sums of millions of terms in another order.
    """
    pairs = [*zip(*map(jax.tree.leaves, (ours, theirs)), strict=True)]
    squared = lambda x: jnp.sum(jnp.square(jnp.asarray(x, np.float64)))
    apart = sum(squared(jnp.subtract(a, b)) for a, b in pairs) / sum(squared(b) for _, b in pairs)
    return float(jnp.sqrt(apart)), float(max(np.finfo(b.dtype).eps for _, b in pairs) ** (2 / 3))


def _trained(make, settings, until, steps=30, rate=0.2):
    f, start, *data = make(np.random.default_rng(0), settings.scale)
    data, apart, costs = jax.device_put(data), [], []
    descend = lambda p, g: jax.tree.map(lambda p, g: p - np.asarray(rate, g.dtype) * g, p, g)
    runs = _both(f)
    points = dict.fromkeys(runs, jax.device_put(start))
    for k in range(steps):
        if k and time.monotonic() > until:
            break
        for name, run in runs.items():
            value, gradient = run(points[name], *data)
            points[name] = descend(points[name], gradient)
        costs.append(float(value))
        difference, limit = apart_and_limit(points["ours"], points["JAX"])
        apart.append(difference)
    shown = {"steps": len(apart), "costs": costs, "apart": apart, "limit": limit * steps}
    right = max(apart) <= limit * steps and (len(costs) == 1 or costs[-1] < costs[0])
    return {"right": bool(right), **shown, **_costs(runs, (jax.device_put(start), *data), until)}


def _costs(runs, arguments, until):
    """Of compiled programs: flops and bytes by XLA's count, seconds to compile, and times."""
    counted = {}
    for name, run in runs.items():
        start = time.monotonic()
        compiled = run.lower(*arguments).compile()
        counts, seconds = compiled.cost_analysis() or {}, time.monotonic() - start
        flops = counts.get("flops", 0.0) + counts.get("transcendentals", 0.0)
        counted[name] = {"flops": flops, "bytes": counts.get("bytes accessed", 0.0), "compiled in": round(seconds, 2)}
    calls = {name: functools.partial(run, *arguments) for name, run in runs.items()}
    waited = {name: lambda call=call: jax.block_until_ready(call()) for name, call in calls.items()}
    wall = interleaved(waited, 15, 0.02, until=until)
    queued = interleaved(calls, 15, 0.02, jax.block_until_ready, until)
    for name in runs:
        counted[name] |= {"wall": float(np.median(wall[name])), "device": float(np.median(queued[name]))}
    quartiles = lambda times: [float(x) for x in np.percentile(times["ours"] / times["JAX"], [10, 50, 90])]
    return {"cost": counted, "wall ratio": quartiles(wall), "device ratio": quartiles(queued)}


def programs(settings, done, send, until):
    """Value and gradient of ten programs at sizes that fill the device, ours beside JAX's."""
    parts = {name: functools.partial(_program, make, settings, until) for name, make in PROGRAMS.items()}
    return in_turn("programs", settings, done, send, until, parts)


def _program(make, settings, until):
    f, *arguments = make(np.random.default_rng(0), settings.scale)
    arguments, runs = jax.device_put(arguments), _both(f)
    (value, ours), (expected, theirs) = (runs[name](*arguments) for name in ("ours", "JAX"))
    apart, limit = apart_and_limit((value, ours), (expected, theirs))
    numbers = sum(np.size(leaf) for leaf in jax.tree.leaves(arguments))
    return {"right": apart <= limit, "apart": apart, "limit": limit, "numbers": numbers} | _costs(
        runs, arguments, until
    )


# 4: whole Jacobians

HIDDEN = 32


def scaling(settings, done, send, until):
    """Jacobians of f(p) = B tanh(A p), from n numbers to m with 32 between them: ours beside JAX's, both modes.

    Ours pushes (pulls) all unit vectors at once, by jax.vmap of our jvp (of our pullback).
    """
    most = 10_000 if settings.scale == 1 else 100
    sizes = [n for n in (1, 10, 100, 1000, 10_000) if n <= most]
    grid = sorted(((n, m) for n in sizes for m in sizes), key=lambda nm: (min(nm), -max(nm)))
    parts = {f"n = {n}, m = {m}": functools.partial(_jacobians, n, m, until) for n, m in grid}
    return in_turn("scaling", settings, done, send, until, parts)


def _jacobians(n, m, until):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(HIDDEN, n)) / n**0.5, rng.normal(size=(m, HIDDEN))
    f = lambda p: b @ np.tanh(a @ p)
    push = lift(lambda p, t: scratch_ad.jvp(f, (p,), (t,))[1])
    pull = lift(lambda p, g: scratch_ad.vjp(f, p)[1](g)[0])
    runs = {
        "f": jax.jit(lift(f)),
        "ours forward": jax.jit(lambda p: jax.vmap(push, (None, 0), -1)(p, jnp.eye(n))),
        "ours reverse": jax.jit(lambda p: jax.vmap(pull, (None, 0))(p, jnp.eye(m))),
        "JAX forward": jax.jit(jax.jacfwd(lift(f))),
        "JAX reverse": jax.jit(jax.jacrev(lift(f))),
    }
    p = jax.device_put(rng.normal(size=n))
    expected = runs["JAX reverse"](p)
    apart, limit = zip(*(apart_and_limit(run(p), expected) for name, run in runs.items() if name != "f"), strict=True)
    calls = {name: functools.partial(run, p) for name, run in runs.items()}
    seconds = interleaved(calls, 7, 0.005, jax.block_until_ready, until)
    times = {name: float(np.median(s)) for name, s in seconds.items()}
    return {"right": max(apart) <= limit[0], "apart": max(apart), "n": n, "m": m, "times": times}


# 5: CuPy's arrays


def cupy(settings, done, send, until):
    """Our engines over CuPy's arrays: one function of each family first, then the catalogue."""
    try:
        importlib.import_module("cupy")
    except ImportError as error:
        send({"of": 1})
        send({"name": "CuPy", "right": True, "skipped": f"{error}"})
        return True
    evenly = [unit for unit in units() if unit.dtype == "float64"]
    random.Random(0).shuffle(evenly)
    evenly.sort(key=lambda unit: unit.name not in FAMILIES.values())
    tasks = {" ".join(unit): Task(unit, Asked("scratch_ad-cupy", beside_cpu=False)) for unit in evenly}
    return checked(tasks, settings, done, send, until)


def started(asked):
    """What JAX says of its device, or why it cannot be had."""
    from jax_ref.sweep import devices

    try:
        first = devices.devices(asked)[0]
    except ValueError as error:
        return {"error": str(error)}
    memory = (first.memory_stats() or {}).get("bytes_limit") if first.platform == "gpu" else None
    return {
        "device": device(first),
        "platform": first.platform,
        "runtime": first.client.platform_version.replace("\n", " "),
        "memory": memory,
        "precision": devices.precision(),
        "versions": devices.versions(),
    }
