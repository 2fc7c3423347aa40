"""Whole Jacobians, Hessians and gradients of many samples in one pass, beside what each is measured by."""

import functools

import numpy as np
from _eight import rosenbrock_of_array
from _peers import agree, jax_numpy, torch_numpy
from _tables import Row, Table
from _timing import compared, taken

import scratch_ad


def jacobian_tables(quick, seed, clock):
    rng = np.random.default_rng(seed)
    yield from _networks(rng, clock)
    yield from _others(rng, clock)


def network(np, x, v, w):
    return np.tanh(v @ np.tanh(w @ x))


def by_columns(x, v, w):
    u = np.tanh(w @ x)
    y = np.tanh(v @ u)
    return (1 - y * y)[:, None] * (v @ ((1 - u * u)[:, None] * w))


def by_rows(x, v, w):
    u = np.tanh(w @ x)
    y = np.tanh(v @ u)
    return ((1 - y * y)[:, None] * v * (1 - u * u)) @ w


def _networks(rng, clock):
    """tanh(V·tanh(W·x)): the better mode beside the Jacobian by hand, and forward mode where it is the worse one."""
    rows = []
    forward, reverse = scratch_ad.jacfwd, scratch_ad.jacrev
    for n, m, transform, hand in (
        (10, 1000, forward, by_columns),
        (1000, 10, reverse, by_rows),
        (200, 200, forward, by_columns),
        (1000, 10, forward, None),
    ):
        h = min(max(n, m), 200) // (1 if n == m else 2)
        arguments = rng.normal(size=n), rng.normal(size=(m, h)) / np.sqrt(h), rng.normal(size=(h, n)) / np.sqrt(n)
        ours = transform(lambda *arguments: network(np, *arguments))
        compiled = scratch_ad.compile(ours)
        runs = {"ours": functools.partial(ours, *arguments), "compiled": functools.partial(compiled, *arguments)}
        if hand:
            runs["by hand"] = functools.partial(hand, *arguments)
        try:
            jax, jnp = jax_numpy()
            how = jax.jacfwd if transform is forward else jax.jacrev
            runs["jax.jit"] = _waiting(jax, jax.jit(how(lambda *arguments, np=jnp: network(np, *arguments))), arguments)
        except ImportError:
            pass
        for name, run in runs.items():
            agree(runs["ours"](), run(), f"Jacobian {n} → {m}: {name} and ours")
        seconds = clock(runs)
        figures = {"ours": taken(seconds["ours"])}
        if hand:
            figures["÷ by hand"] = compared(seconds["ours"], seconds["by hand"], 1.45)
            figures["compiled ÷ by hand"] = compared(seconds["compiled"], seconds["by hand"], 1.1)
        if "jax.jit" in runs:
            figures["÷ jax.jit"] = compared(seconds["ours"], seconds["jax.jit"], None if hand else 0.1)
        rows.append(Row(f"{n} → {m}, {transform.__name__}", figures))
        yield Table("Whole Jacobians", rows, "tanh(V·tanh(W·x)), 100 or 200 hidden units; jax.jit in the same mode.")


def _waiting(jax, run, arguments):
    return lambda: jax.block_until_ready(run(*arguments))


def _others(rng, clock):
    """Each a row: what, ours, what it is measured by, and the aim."""
    rows = []
    for name, ours, beside, others, divisor in _measured(rng):
        runs = {"ours": ours} | {other: run for other, (run, _) in others.items()}
        seconds = clock(runs)
        figures = {"ours": taken(seconds["ours"])}
        for other, (_, aim) in others.items():
            figures[f"÷ {other}"] = compared(seconds["ours"], seconds[other], aim)
        if divisor:  # what is left when so many evaluations are taken off
            times, aim = divisor
            spare = seconds["ours"] - times * seconds["f"]
            figures[f"beyond {times} f"] = taken(spare, aim=aim)
        rows.append(Row(name, figures, beside))
        yield Table("In one pass", rows, "Ours ÷ an evaluation of f, and ÷ what else does the same.")


def heated_rod(np, u):
    return u[2:] - 2 * u[1:-1] + u[:-2] + np.exp(u[1:-1])


def distances(np, y):
    return np.sqrt(1 + np.sum((y[:, None] - y) ** 2, -1))


def _measured(rng):
    times, data, p = np.linspace(0, 1, 50), rng.normal(size=50), rng.normal(size=20)
    residuals = lambda p: np.sum(p[:10, None] * np.exp(-(p[10:, None] ** 2) * times), 0) - data
    jacobian = scratch_ad.jacfwd(residuals)
    yield (
        "least squares, jacfwd",
        lambda: jacobian(p),
        "20 parameters, 50 residuals",
        {"f": (lambda: residuals(p), 12)},
        0,
    )
    one = lambda t: np.sum(np.sin(t * times) * data)
    slope = scratch_ad.jacfwd(one)
    yield "one input, jacfwd", lambda: slope(0.5), "50 terms", {"f": (lambda: one(0.5), None)}, (3, 20e-6)
    x = rng.normal(size=100)
    rosenbrock = lambda x: rosenbrock_of_array(np, x)
    hessian = scratch_ad.hessian(rosenbrock)
    compiled = scratch_ad.compile(hessian)
    before = 0.15 * 822  # evaluations that it took when it went one vector at a time
    yield "Hessian of Rosenbrock", lambda: hessian(x), "n = 100", {"f": (lambda: rosenbrock(x), before)}, 0
    try:
        jax, jnp = jax_numpy()
        theirs = _waiting(jax, jax.jit(jax.hessian(lambda x: rosenbrock_of_array(jnp, x))), (x,))
        agree(theirs(), hessian(x), "Hessian of Rosenbrock: ours and JAX's")
        others = {"jax.jit": (theirs, 0.65)}
        yield "Hessian of Rosenbrock, compiled", lambda: compiled(x), "n = 100", others, 0
    except ImportError:
        pass
    for name, f, x, size in (
        ("three-point stencil, jacfwd", heated_rod, rng.normal(size=1000), "n = 1000"),
        ("all distances, jacfwd", distances, rng.normal(size=(60, 3)), "60 points"),
    ):
        ours = functools.partial(scratch_ad.jacfwd(functools.partial(f, np)), x)
        others = {"f": (functools.partial(f, np, x), None)}
        try:
            jax, jnp = jax_numpy()
            theirs = _waiting(jax, jax.jit(jax.jacfwd(functools.partial(f, jnp))), (x,))
            agree(theirs(), ours(), f"{name}: ours and JAX's")
            others["jax.jit"] = theirs, None
        except ImportError:
            pass
        yield name, ours, size, others, 0
    weights, inputs, outputs = rng.normal(size=(10, 20)), rng.normal(size=(500, 20)), rng.normal(size=500)
    loss = lambda np, w, x, y: np.square(np.sum(np.tanh(w @ x)) - y)
    gradient = scratch_ad.grad(lambda w, x, y: loss(np, w, x, y))
    each = scratch_ad.vmap(gradient, in_axes=(None, 0, 0))
    loop = lambda: np.stack([gradient(weights, x, y) for x, y in zip(inputs, outputs, strict=True)])
    agree(loop(), each(weights, inputs, outputs), "gradients of samples: a loop and vmap")
    others = {"a loop": (loop, 0.03)}
    try:
        torch, numpy = torch_numpy()
        theirs = torch.func.vmap(torch.func.grad(lambda w, x, y: loss(numpy, w, x, y)), in_dims=(None, 0, 0))
        tensors = [torch.tensor(a) for a in (weights, inputs, outputs)]
        agree(loop(), theirs(*tensors).numpy(), "gradients of samples: ours and torch.func's")
        others["torch.func"] = lambda: theirs(*tensors), 0.7
    except ImportError:
        pass
    yield "gradients by vmap", lambda: each(weights, inputs, outputs), "500 samples, 200 weights", others, 0
