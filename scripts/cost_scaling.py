"""The cost of a full derivative of f: Rⁿ → Rᵐ, counted and timed over a grid of n and m.

f(p) = B tanh(A p) with 32 hidden units, so that one evaluation costs about 64 (n + m) flops. Its Jacobian is taken by
differences, by our forward and reverse mode, and by jax.jacfwd and jax.jacrev (compiled). Counted, without noise:
evaluations of f, and operations (flops and elementary functions) of the recorded program, by the formulas of
scratch_ad/cost.py, ours of passes that go one by one, as theory has them; those of JAX come from XLA, which also counts
our programs, as a check. Then timed, as ratios to one evaluation of f in the same round: ours with all passes at once,
which saves the first product. Theory: n + 1 evaluations by differences, about n by forward and m by reverse mode.
"""

import time

import _environment

_environment.enter()

import matplotlib.pyplot as plt
import numpy as np
from _results import COLORS, PANEL, Results, options
from matplotlib.ticker import NullFormatter

import jax_ref
import scratch_ad
from scratch_ad.cost import cost
from scratch_ad.numerical import numerical_jacobian
from scratch_ad.program import record

HIDDEN = 32
OURS = {"numerical": None, "forward": scratch_ad.jacfwd, "reverse": scratch_ad.jacrev}
JAX = {  # called late, so that JAX is not imported before its device is chosen
    "jax.jacfwd": lambda f: jax_ref.jacfwd(f),
    "jax.jacrev": lambda f: jax_ref.jacrev(f),
}
METHODS = [*OURS, *JAX]
THEORY = {  # exponents of n and m in the ratio to one evaluation
    "numerical": (1, 0),
    "forward": (1, 0),
    "reverse": (0, 1),
    "jax.jacfwd": (1, 0),
    "jax.jacrev": (0, 1),
}


def f(p, a, b):
    """Rⁿ → Rᵐ: ``a`` is (32, n), ``b`` is (m, 32)."""
    return b @ np.tanh(a @ p)


def problem(rng, n, m):
    return rng.normal(size=n), rng.normal(size=(HIDDEN, n)) / n**0.5, rng.normal(size=(m, HIDDEN))


def numerical(p, a, b):
    return numerical_jacobian(p, lambda p: f(p, a, b))


def forward_passes(f):
    """The columns of the Jacobian, one pass for each."""

    def columns(p, *data):
        _, push = scratch_ad.linearize(lambda p: f(p, *data), p)
        return [push(e) for e in np.identity(len(p))]

    return columns


def reverse_passes(f):
    """The rows of the Jacobian, one pass for each."""

    def rows(p, *data):
        y, pullback = scratch_ad.vjp(lambda p: f(p, *data), p)
        return [pullback(e)[0] for e in np.identity(len(y))]

    return rows


PASSES = {"forward": forward_passes, "reverse": reverse_passes}


def xla_operations(function, *arguments):
    """What XLA counts for a function before it optimises it."""
    counts = jax_ref.jit(function).lower(*arguments).cost_analysis()
    return {"flops": counts.get("flops", 0), "transcendentals": counts.get("transcendentals", 0)}


def counts(p, a, b):
    """Per method the evaluations of f and the operations, and the operations of one evaluation."""
    evaluations = 0

    def counted(p, a, b):
        nonlocal evaluations
        evaluations += 1
        return f(p, a, b)

    one = cost(record(f, p, a, b)).operations
    rows = {}
    for name, jacobian in OURS.items():
        evaluations = 0
        if jacobian is None:
            numerical_jacobian(p, lambda p: counted(p, a, b))
            operations = evaluations * one + 2 * len(p) * len(b)  # a difference and a quotient per element
        else:
            jacobian(counted)(p, a, b)
            operations = cost(record(PASSES[name](f), p, a, b)).operations
        rows[name] = {"evaluations": evaluations, "operations": operations}
    for name, jacobian in JAX.items():
        evaluations = 0
        operations = sum(xla_operations(jacobian(counted), p, a, b).values())
        rows[name] = {"evaluations": evaluations, "operations": operations}
    return one, rows


def agreement(rng, sizes):
    """Our programs counted in both ways: by the formulas and by XLA."""
    rows = []
    for n in sizes:
        for m in sizes:
            arguments = problem(rng, n, m)
            for name, function in {"f": f, **{mode: passes(f) for mode, passes in PASSES.items()}}.items():
                program = record(function, *arguments)
                mine, theirs = cost(program), xla_operations(function, *arguments)
                cosh = HIDDEN * sum(call.function is np.cosh for call in program.calls)
                rows.append(
                    {
                        "program": name,
                        "n": n,
                        "m": m,
                        "flops": mine.flops,
                        "flops by XLA": theirs["flops"],
                        "transcendentals": mine.transcendentals,
                        "transcendentals by XLA": theirs["transcendentals"],
                        # XLA gets cosh² by one exponential: the square of (e + 1/e)/2
                        "unexplained": abs(theirs["flops"] - mine.flops - 3 * cosh)
                        + abs(theirs["transcendentals"] - mine.transcendentals),
                    }
                )
    return rows


def times(p, a, b, rounds):
    """Seconds per call of f and of each method, one per round."""
    runs = {"f": lambda: f(p, a, b), "numerical": lambda: numerical(p, a, b)}
    for name, jacobian in {**OURS, **JAX}.items():
        if jacobian is not None:
            of_p = jacobian(f) if name in OURS else jax_ref.jit(jacobian(f))
            runs[name] = lambda of_p=of_p: of_p(p, a, b)
    expected = runs["jax.jacrev"]()
    for name in METHODS:
        np.testing.assert_allclose(runs[name](), expected, rtol=1e-4 if name == "numerical" else 1e-9, atol=1e-6)
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            repeats = 50 if name == "f" else 1
            start = time.perf_counter()
            for _ in range(repeats):
                run()
            seconds[name].append((time.perf_counter() - start) / repeats)
    return seconds


def fit(rows, measure, name):
    """Exponents α, β of measure ≈ c nᵅ mᵝ for n, m ≥ 30, by least squares, with their standard errors."""
    chosen = [row for row in rows if row["method"] == name and min(row["n"], row["m"]) >= 30]
    x = np.array([[1, np.log(row["n"]), np.log(row["m"])] for row in chosen])
    y = np.log([row[measure] for row in chosen])
    solution, *_ = np.linalg.lstsq(x, y)
    variance = np.sum((y - x @ solution) ** 2) / (len(y) - 3)
    error = np.sqrt(variance * np.diag(np.linalg.inv(x.T @ x)))
    return {"n": solution[1], "n error": error[1], "m": solution[2], "m error": error[2]}


def crossover(rows, measure, forward, reverse):
    """n ÷ m where the two modes cost the same, one per m: the cost interpolated between the sizes of the grid."""
    ratios = []
    for m in sorted({row["m"] for row in rows}):
        line = {name: [row for row in rows if row["method"] == name and row["m"] == m] for name in (forward, reverse)}
        n = np.log([row["n"] for row in line[forward]])
        difference = np.log([r[measure] / s[measure] for r, s in zip(line[forward], line[reverse], strict=True)])
        for i in np.nonzero((difference[:-1] <= 0) & (difference[1:] > 0))[0]:
            share = -difference[i] / (difference[i + 1] - difference[i])
            ratios.append(np.exp(n[i] + share * (n[i + 1] - n[i])) / m)
    low, middle, high = np.percentile(ratios, [10, 50, 90])
    return {"n/m": middle, "10 %": low, "90 %": high}


def growth_figure(rows, sizes, measure, free):
    """One measure against ``free``, n or m, the other being 1."""
    figure, ax = plt.subplots(figsize=PANEL, layout="constrained")
    fixed = "m" if free == "n" else "n"
    for name, style in zip(METHODS, ["o-", "s-", "D-", "s--", "D--"], strict=True):
        points = [row for row in rows if row["method"] == name and row[fixed] == 1]
        x, y = [row[free] for row in points], [row[f"{measure} ratio"] for row in points]
        ax.loglog(x, y, style, color=COLORS[name], label=name, markersize=5)
    ax.loglog(sizes, np.array(sizes) + 1, ":", color="black", linewidth=1.2, label=f"theory: {free} + 1")
    ax.set(xlabel=f"{'inputs' if free == 'n' else 'outputs'} {free}", ylabel=f"{measure} ÷ of one f")
    ax.legend(fontsize=9.5)
    return figure


def map_figure(rows, sizes, measure, forward, reverse):
    """The cost of one mode ÷ that of the other over the grid; blue where forward is cheaper."""
    figure, ax = plt.subplots(figsize=(PANEL[0], 4.3), layout="constrained")
    cost_of = {(row["method"], row["n"], row["m"]): row[measure] for row in rows}
    ratio = [[cost_of[forward, n, m] / cost_of[reverse, n, m] for n in sizes] for m in sizes]
    places = range(len(sizes))
    ax.imshow(np.log10(ratio), origin="lower", cmap="RdBu_r", vmin=-3, vmax=3)
    ax.plot(places, places, "k--", linewidth=1.2, alpha=0.3)
    ax.set_xticks(places, sizes)
    ax.set_yticks(places, sizes)
    ax.set(xlabel="inputs n", ylabel="outputs m")
    ax.grid(False)
    for i in places:
        for j in places:
            value = ratio[i][j]
            color = "white" if abs(np.log10(value)) > 1.8 else "black"
            text = f"{value:.0f}" if value >= 9.5 else f"{value:.1f}" if value >= 0.095 else f"{value:.1g}"[1:]
            ax.text(j, i, text, ha="center", va="center", fontsize=9.5, color=color)
    return figure


def exponents_figure(exponents, variable):
    figure, ax = plt.subplots(figsize=(PANEL[0], 3.4), layout="constrained")
    for i, name in enumerate(METHODS[::-1]):
        theory = THEORY[name]["nm".index(variable)]
        ax.plot([theory, theory], [i - 0.38, i + 0.38], color="black", linewidth=1.2)
        for shift, marker, measure in ((0.14, "o", "operations ratio"), (-0.14, "s", "time ratio")):
            value = exponents[measure][name]
            ax.errorbar(
                value[variable],
                i + shift,
                xerr=2 * value[f"{variable} error"],
                fmt=marker,
                color=COLORS[name],
                markerfacecolor=COLORS[name] if marker == "o" else "white",
                capsize=3,
            )
    ax.set_yticks(range(len(METHODS)), METHODS[::-1])
    ax.set(xlabel=f"exponent of {variable}", xlim=(-0.5, 1.5))
    ax.set_title("● counted   □ timed   | theory", fontsize=11, loc="left")
    return figure


def agreement_figure(rows):
    figure, ax = plt.subplots(figsize=(PANEL[0], 4.2), layout="constrained")
    for name, color in {"f": "black", "forward": COLORS["forward"], "reverse": COLORS["reverse"]}.items():
        chosen = [row for row in rows if row["program"] == name]
        mine, theirs = ([r["flops" + w] + r["transcendentals" + w] for r in chosen] for w in ("", " by XLA"))
        ax.loglog(mine, theirs, "o", color=color, alpha=0.6, label=name)
    ends = np.array(ax.get_xlim())
    ax.plot(ends, ends, "k:", linewidth=1)
    ax.set(xlabel="operations by our formulas", ylabel="operations by XLA")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    ax.legend()
    return figure


def main():
    chosen = options(__doc__, "cost_scaling", by_jax=True)
    results, rng = Results(chosen), np.random.default_rng(chosen.seed)
    sizes = [1, 10, 100, 1000] if chosen.quick else [1, 3, 10, 30, 100, 300, 1000]
    rows = []
    for n in sizes:
        for m in sizes:
            print(f"n = {n}, m = {m}", flush=True)
            arguments = problem(rng, n, m)
            one, counted = counts(*arguments)
            seconds = {name: np.array(s) for name, s in times(*arguments, 3 if chosen.quick else 7).items()}
            for name in METHODS:
                low, middle, high = np.percentile(seconds[name] / seconds["f"], [10, 50, 90])
                rows.append(
                    {
                        "n": n,
                        "m": m,
                        "method": name,
                        **counted[name],
                        "operations ratio": counted[name]["operations"] / one,
                        "seconds": np.median(seconds[name]),
                        "time ratio": middle,
                        "time ratio 10 %": low,
                        "time ratio 90 %": high,
                    }
                )
    print("counting our programs by XLA", flush=True)
    checked = agreement(rng, [1, 4] if chosen.quick else [1, 3, 10, 30])

    measures = ["operations ratio", "time ratio"]
    exponents = {measure: {name: fit(rows, measure, name) for name in METHODS} for measure in measures}
    crossovers = {
        "operations": crossover(rows, "operations ratio", "forward", "reverse"),
        "time": crossover(rows, "time ratio", "forward", "reverse"),
        "JAX time": crossover(rows, "time ratio", "jax.jacfwd", "jax.jacrev"),
    }
    results.table("costs", rows)
    results.table("agreement", checked)
    for free in "nm":
        for measure in ("operations", "time"):
            results.figure(f"growth_{free}_{measure}", growth_figure(rows, sizes, measure, free))
        results.figure(f"exponents_{free}", exponents_figure(exponents, free))
    for name, measure in {"counted": "operations ratio", "timed": "time ratio"}.items():
        results.figure(f"map_{name}", map_figure(rows, sizes, measure, "forward", "reverse"))
    results.figure("map_jax", map_figure(rows, sizes, "time ratio", "jax.jacfwd", "jax.jacrev"))
    results.figure("agreement", agreement_figure(checked))
    largest = {row["method"]: row for row in rows if (row["n"], row["m"]) == (max(sizes), 1)}
    tallest = {row["method"]: row for row in rows if (row["n"], row["m"]) == (1, max(sizes))}
    results.finish(
        hidden=HIDDEN,
        exponents=exponents,
        theory=THEORY,
        crossover=crossovers,
        gradient=largest,
        tangent=tallest,
        counted_twice={
            "programs": len(checked),
            "identical": sum(r["flops"] == r["flops by XLA"] for r in checked),
            "explained": sum(r["unexplained"] == 0 for r in checked),
            "unexplained operations": sum(r["unexplained"] for r in checked),
        },
    )


if __name__ == "__main__":
    main()
