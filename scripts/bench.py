"""Time the value and gradient of two functions by every engine at hand, interleaved in one run.

(a) a chain of 100 sin and tanh on 4 floats, where an engine's overhead per call is everything;
(b) the notebook's classifier, 2×2 parameters and 1000 samples, where the arithmetic counts too.

Each round times every engine once; a ratio is taken within a round, so that a slow moment of the machine meets all
alike. Printed: the median time, and the median of ours ÷ theirs with its 10th and 90th percentile. Then the same of
whole Jacobians, of a Hessian and of the gradients of 500 samples, beside what each is measured by; the peak memory of a
reverse pass on larger arrays; eight programs compiled (these alone: --compiled); sparse Jacobians, and a long loop from
snapshots. Engines that are not
installed are reported and left out: they come with pip install -e '.[all]'.
"""

import argparse
import functools
import importlib
import tracemalloc

import _environment

_environment.enter()

import numpy as np
from _compiled import compiled_table
from _structured import checkpoint_table, sparse_table
from _timing import interleaved
from rich.console import Console
from rich.table import Table

import scratch_ad

TARGETS = {  # ours ÷ theirs, at most
    "chain": {"autograd": 0.5, "PyTorch": 0.7},
    "classifier": {"autograd": 0.4, "PyTorch": 0.75, "by hand": 2.5},
}


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


def ours(f, x, *data):
    gradient = scratch_ad.value_and_grad(lambda x: f(np, x, *data))
    return lambda: gradient(x)


def autograd(f, x, *data):
    engine = importlib.import_module("autograd")
    anp = importlib.import_module("autograd.numpy")
    gradient = engine.value_and_grad(lambda x: f(anp, x, *data))
    return lambda: gradient(x)


def mygrad(f, x, *data):
    engine = importlib.import_module("mygrad")

    def run():
        t = engine.tensor(x)
        y = f(engine, t, *data)
        y.backward()
        return y.item(), t.grad

    return run


def pytorch(f, x, *data):
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    data = list(map(torch.tensor, data))

    def run():
        t = torch.tensor(x, requires_grad=True)
        y = f(torch, t, *data)
        y.backward()
        return y.item(), t.grad.numpy()

    return run


def jax(f, x, *data, compiled=False):
    engine = importlib.import_module("jax")
    engine.config.update("jax_enable_x64", True)
    jnp = importlib.import_module("jax.numpy")
    data = list(map(jnp.asarray, data))
    gradient = engine.value_and_grad(lambda x: f(jnp, x, *data))
    gradient = engine.jit(gradient) if compiled else gradient
    return lambda: engine.block_until_ready(gradient(x))


ENGINES = {
    "ours": ours,
    "autograd": autograd,
    "MyGrad": mygrad,
    "PyTorch": pytorch,
    "JAX eager": jax,
    "jax.jit": lambda *args: jax(*args, compiled=True),
}


def prepare(f, by_hand, *arguments):
    """Each engine's value and gradient of ``f``, all checked against the gradient by hand; and the engines missing."""
    runs, missing = {"by hand": lambda: by_hand(*arguments)}, []
    for name, engine in ENGINES.items():
        try:
            runs[name] = engine(f, *arguments)
        except ImportError:
            missing.append(name)
    for name, run in runs.items():
        for got, expected in zip(run(), by_hand(*arguments), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-10, err_msg=name)
    return runs, missing


def peak_memory(run):
    """The most bytes that NumPy and Python held at once during a call, beyond what they held before."""
    run()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def times_table(title, seconds, targets):
    table = Table("engine", "median", "ours ÷ it", "10–90 %", "target", title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, s in seconds.items():
        ratio = seconds["ours"] / s
        low, middle, high = np.percentile(ratio, [10, 50, 90])
        target = f"≤ {targets[name]} {'✓' if middle <= targets[name] else '✗'}" if name in targets else ""
        table.add_row(name, f"{np.median(s) * 1e6:.1f} µs", f"{middle:.2f}", f"{low:.2f}–{high:.2f}", target)
    return table


def whole_jacobians(rng):
    """Rows of (what, ours, what it is measured by, how, target of ours ÷ it)."""
    f = lambda x, v, w: np.tanh(v @ np.tanh(w @ x))
    for n, m, transform, by_hand in (
        (10, 1000, scratch_ad.jacfwd, jacobian_by_columns),
        (1000, 10, scratch_ad.jacrev, jacobian_by_rows),
        (200, 200, scratch_ad.jacfwd, jacobian_by_columns),
    ):
        h = min(max(n, m), 200) // (1 if n == m else 2)
        x, v, w = rng.normal(size=n), rng.normal(size=(m, h)) / np.sqrt(h), rng.normal(size=(h, n)) / np.sqrt(n)
        ours = transform(f)
        np.testing.assert_allclose(ours(x, v, w), by_hand(x, v, w), rtol=1e-8, atol=1e-12)
        yield (
            f"Jacobian {n} → {m}, {transform.__name__}",
            functools.partial(ours, x, v, w),
            functools.partial(by_hand, x, v, w),
            "by hand",
            1.45,
        )
    times, data, p = np.linspace(0, 1, 50), rng.normal(size=50), rng.normal(size=20)
    residuals = lambda p: np.sum(p[:10, None] * np.exp(-(p[10:, None] ** 2) * times), 0) - data
    yield "ten exponentials, 50 residuals", lambda: scratch_ad.jacfwd(residuals)(p), lambda: residuals(p), "f", 12
    x = rng.normal(size=100)
    rosenbrock = lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    gradient, hessian = scratch_ad.grad(rosenbrock), scratch_ad.hessian(rosenbrock)
    yield "Hessian of Rosenbrock, n = 100", lambda: hessian(x), lambda: gradient(x), "its gradient", None
    weights, inputs, outputs = rng.normal(size=(10, 20)), rng.normal(size=(500, 20)), rng.normal(size=500)
    one = scratch_ad.grad(lambda w, x, y: np.square(np.sum(np.tanh(w @ x)) - y))
    each = scratch_ad.vmap(one, in_axes=(None, 0, 0))
    loop = lambda: [one(weights, x, y) for x, y in zip(inputs, outputs, strict=True)]
    yield "gradients of 500 samples, vmap", lambda: each(weights, inputs, outputs), loop, "a loop", 0.03


def jacobian_by_columns(x, v, w):
    u = np.tanh(w @ x)
    y = np.tanh(v @ u)
    return (1 - y * y)[:, None] * (v @ ((1 - u * u)[:, None] * w))


def jacobian_by_rows(x, v, w):
    u = np.tanh(w @ x)
    y = np.tanh(v @ u)
    return ((1 - y * y)[:, None] * v * (1 - u * u)) @ w


def jacobians_table(rows, rounds):
    table = Table("what", "ours", "beside", "ours ÷ it", "target", title="In one pass", title_justify="left")
    for what, ours, other, beside, target in rows:
        seconds = interleaved({"ours": ours, "other": other}, rounds)
        ratio = np.median(seconds["ours"] / seconds["other"])
        verdict = target and f"≤ {target} {'✓' if ratio <= target else '✗'}"
        table.add_row(what, f"{np.median(seconds['ours']) * 1e6:.1f} µs", beside, f"{ratio:.3g}", verdict)
    return table


def memory_table(cases):
    table = Table("function", "ours", "autograd", "ours ÷ it", "target", title="Peak memory", title_justify="left")
    for title, f, arguments in cases:
        mine, theirs = peak_memory(ours(f, *arguments)), peak_memory(autograd(f, *arguments))
        verdict = f"≤ 1 {'✓' if mine <= theirs else '✗'}"
        table.add_row(title, f"{mine / 1e6:.2f} MB", f"{theirs / 1e6:.2f} MB", f"{mine / theirs:.2f}", verdict)
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="rounds of timing (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the data (%(default)s)")
    parser.add_argument("--compiled", action="store_true", help="the table of compiled programs alone")
    options = parser.parse_args()
    examples = chain, chain_by_hand, classifier, classifier_by_hand
    if options.compiled:
        Console().print(compiled_table(examples, options.rounds))
        return
    rng, console = np.random.default_rng(options.seed), Console()

    samples = rng.uniform(-1, 1, (2, 1000))
    problems = {
        "chain": (chain, chain_by_hand, rng.normal(size=4)),
        "classifier": (classifier, classifier_by_hand, rng.normal(size=(2, 2)), samples, np.sign(samples)),
    }
    for name, problem in problems.items():
        runs, missing = prepare(*problem)
        console.print(times_table(name, interleaved(runs, options.rounds), TARGETS[name]))
    console.print(jacobians_table(whole_jacobians(rng), options.rounds))
    if missing:
        console.print(f"not installed: {', '.join(missing)} (pip install -e '.\\[all]' brings all)")
    if "autograd" not in missing:
        large = rng.uniform(-1, 1, (2, 100_000))
        cases = [
            ("chain of 100 on 100,000 floats", chain, (rng.normal(size=100_000),)),
            ("classifier with 100,000 samples", classifier, (rng.normal(size=(2, 2)), large, np.sign(large))),
        ]
        console.print(memory_table(cases))
    console.print(compiled_table(examples, max(options.rounds // 5, 1)))
    console.print(sparse_table(rng, min(options.rounds, 20)))
    console.print(checkpoint_table(100 * options.rounds))


if __name__ == "__main__":
    main()
