"""A small network trained data-parallel over many devices, by our gradient and by JAX's, step by step.

Each device has its share of handwritten digits (scikit-learn's) and all the weights, by automatic and by explicit axes
of JAX's mesh; the network is plain NumPy and says nothing of it. Both gradients are compiled by XLA, which adds what
the devices have to tell each other: counted in both compiled texts. Compared after each step are the two costs and the
two gradients, each at the weights of its own training.

--devices 8 makes that many of this machine's processor; --devices 0 takes those that JAX finds. --processes 2 starts
as many processes here, which hold the devices together; on several machines, start one on each with --coordinator.
"""

import socket
import subprocess
import sys

import _environment

_environment.enter()

import jax
import matplotlib.pyplot as plt
import numpy as np
import optree
from _results import COLORS, Results, parsed, parser_of
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits

import jax_ref
import scratch_ad
from jax_ref.lift import lift

AXES = {"automatic": AxisType.Auto, "explicit": AxisType.Explicit}
COLLECTIVES = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
HIDDEN, RATE, DIGITS = 32, 0.5, 1797


def cost(weights, x, labels):
    """The mean cross-entropy of a network with one hidden layer; ``labels``: a 1 in each row."""
    (w, b), (v, c) = weights
    scores = np.tanh(x @ w + b) @ v + c
    top = np.max(scores, 1, keepdims=True)
    logs = scores - top - np.log(np.sum(np.exp(scores - top), 1, keepdims=True))
    return -np.mean(np.sum(labels * logs, 1))


def start(rng):
    """The weights before the first step."""
    sizes = (64, HIDDEN), (HIDDEN, 10)
    return tuple((rng.normal(size=s) / s[0] ** 0.5, np.zeros(s[1])) for s in sizes)


def step_by(value_and_grad):
    """One step of gradient descent: the cost, the gradient, and the weights after it."""

    def step(weights, x, labels):
        y, gradient = value_and_grad(weights, x, labels)
        return y, gradient, optree.tree_map(lambda w, g: w - RATE * g, weights, gradient)

    return step


def programs():
    """Our step and JAX's, compiled by XLA."""
    ours = jax_ref.jit(step_by(scratch_ad.value_and_grad(cost)))
    return {"ours": ours, "JAX": jax.jit(step_by(jax.value_and_grad(lift(cost))))}


def spread(mesh, array, *spec):
    """An array that every process has, laid out over the mesh."""
    return jax.make_array_from_callback(array.shape, NamedSharding(mesh, PartitionSpec(*spec)), array.__getitem__)


def collectives(program, *arguments):
    """How often the compiled text has each kind of exchange between devices."""
    text = program.lower(*arguments).compile().as_text()
    counted = {kind: text.count(f" {kind}(") + text.count(f" {kind}-start(") for kind in COLLECTIVES}
    return {kind: count for kind, count in counted.items() if count}


def apart(ours, theirs):
    """The distance of two gradients, relative to the second."""
    ours, theirs = (np.concatenate([np.ravel(x) for x in optree.tree_leaves(tree)]) for tree in (ours, theirs))
    return np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)


def train(mesh, weights, x, labels, steps):
    """Per step both costs and how far the gradients are apart; both counts; and how the results are laid out."""
    batch = spread(mesh, x, "data"), spread(mesh, labels, "data")
    begin = optree.tree_map(lambda w: spread(mesh, w), weights)
    compiled, rows = programs(), []
    with jax.set_mesh(mesh):
        counted = {name: collectives(program, begin, *batch) for name, program in compiled.items()}
        path = dict.fromkeys(compiled, begin)
        for k in range(steps):
            costs, gradients = {}, {}
            for name, program in compiled.items():
                costs[name], gradients[name], path[name] = program(path[name], *batch)
            away = apart(gradients["ours"], gradients["JAX"])
            rows.append({"step": k, **{name: float(y) for name, y in costs.items()}, "gradients apart": away})
    layout = {name: [str(w.sharding.spec) for w in optree.tree_leaves(tree)] for name, tree in path.items()}
    return rows, counted, layout


def figure(runs):
    drawn, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for (axes, rows), style in zip(runs.items(), ("-", ":"), strict=True):
        left.plot([row["JAX"] for row in rows], style, color="#c9c9c9", linewidth=7, label=f"JAX, {axes} axes")
        left.plot([row["ours"] for row in rows], style, color=COLORS["reverse"], label=f"ours, {axes} axes")
        away = np.maximum([row["gradients apart"] for row in rows], 1e-17)
        right.semilogy(away, style, color=COLORS["reverse"], label=f"{axes} axes")
    left.set(xlabel="step", ylabel="cost")
    right.set(xlabel="step", title="gradients: relative distance from JAX's", ylim=(3e-18, 1e-9))
    left.legend()
    right.legend()
    return drawn


def options():
    parser = parser_of(__doc__, "train_data_parallel")
    parser.add_argument("--devices", type=int, default=8, metavar="N", help="in all; 0: JAX's own (%(default)s)")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="that hold the devices (%(default)s)")
    parser.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 is to be found by the others")
    parser.add_argument("--process", type=int, default=0, metavar="K", help="which of the processes this is")
    chosen = parsed(parser)
    if chosen.processes < 1 or chosen.devices < 0 or chosen.devices % chosen.processes:
        parser.error("--devices has to be a multiple of --processes, which is at least 1")
    if not 0 <= chosen.process < chosen.processes:
        parser.error("--process is counted from 0 to one less than --processes")
    if chosen.devices > DIGITS:
        parser.error(f"--devices has to be at most {DIGITS}, the number of digits")
    if chosen.coordinator and not chosen.coordinator.rpartition(":")[2].isdecimal():
        parser.error("--coordinator is written HOST:PORT")
    return chosen


def join(chosen):
    """Make this one of the processes, with its share of the devices."""
    if chosen.devices:
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_num_cpu_devices", chosen.devices // chosen.processes)
    if chosen.processes > 1:
        jax.distributed.initialize(chosen.coordinator, chosen.processes, chosen.process)


def on_this_machine(chosen):
    """Start all processes here; the exit status of the first that fails, 0 if none does."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    each = [sys.executable, *sys.argv, "--coordinator", f"localhost:{port}", "--process"]
    running = [subprocess.Popen([*each, str(k)]) for k in range(chosen.processes)]
    try:
        return next((code for code in [process.wait() for process in running] if code), 0)
    finally:
        for process in running:
            process.kill()


def main():
    chosen = options()
    if chosen.processes > 1 and not chosen.coordinator:
        raise SystemExit(on_this_machine(chosen))
    join(chosen)
    count = len(jax.devices())
    data, rng = load_digits(), np.random.default_rng(chosen.seed)
    samples = max((200 if chosen.quick else 1600) // count, 1) * count  # a share for each
    x, labels = data.data[:samples] / 16, np.eye(10)[data.target[:samples]]
    weights, steps = start(rng), 5 if chosen.quick else 100
    found = {
        axes: train(jax.make_mesh((count,), ("data",), (kind,)), weights, x, labels, steps)
        for axes, kind in AXES.items()
    }
    if chosen.process:
        return
    results, table = Results(chosen), Table("axes", "last cost", "JAX's", "gradients apart", "exchanges", "JAX's")
    for axes, (rows, counted, _) in found.items():
        exchanges = [
            ", ".join(f"{n} {kind}" for kind, n in counted[name].items()) or "none" for name in ("ours", "JAX")
        ]
        away = max(row["gradients apart"] for row in rows)
        table.add_row(axes, f"{rows[-1]['ours']:.10g}", f"{rows[-1]['JAX']:.10g}", f"{away:.1e}", *exchanges)
        results.table(axes, rows)
    Console().print(f"{count} devices of {chosen.processes} processes, {samples} samples, {steps} steps", table)
    results.figure("costs", figure({axes: rows for axes, (rows, *_) in found.items()}))
    results.finish(
        devices=count,
        processes=chosen.processes,
        collectives={axes: counted for axes, (_, counted, _) in found.items()},
        layout={axes: layout for axes, (*_, layout) in found.items()},
        runs={
            axes: {
                "last cost": rows[-1]["ours"],
                "largest relative difference of costs": max(abs(row["ours"] / row["JAX"] - 1) for row in rows),
                "largest relative difference of gradients": max(row["gradients apart"] for row in rows),
            }
            for axes, (rows, *_) in found.items()
        },
    )


if __name__ == "__main__":
    main()
