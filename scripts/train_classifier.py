"""The notebook's classifier trained by every gradient method, from one start; and the same on handwritten digits.

Mock data: 2 inputs, 2 outputs, 1000 samples, 100 steps, by numerical, symbolic, forward, reverse and JAX gradients.
Digits (scikit-learn's, 8×8 pixels): 64 inputs, 10 outputs, 640 parameters, without the symbolic method, which would
write an expression of 64 products for each of 15,000 outputs. Each method's parameters are compared with JAX's after
every step.
"""

import functools
import time

import _environment

_environment.enter()

import matplotlib.pyplot as plt
import numpy as np
from _results import COLORS, PANEL, Results, options
from matplotlib.ticker import MaxNLocator
from sklearn.datasets import load_digits

import jax_ref
from scratch_ad.intro import (
    cost,
    forward_gradient,
    get_mock_training_set,
    gradient_descent,
    model,
    numerical_gradient,
    plot_training_set,
    random_parameters,
    reverse_gradient,
    threshold,
)
from scratch_ad.symbolic import symbolic_gradient

compiled = functools.cache(lambda function: jax_ref.jit(jax_ref.grad(function)))


def jax_gradient(parameters, function):
    return compiled(function)(parameters)


CALCULATORS = {
    "JAX": jax_gradient,
    "numerical": numerical_gradient,
    "symbolic": symbolic_gradient,
    "forward": forward_gradient,
    "reverse": reverse_gradient,
}
MARKERS = {"JAX": None, "numerical": "o", "symbolic": "s", "forward": "^", "reverse": "v"}  # in turn along the curve
TRAINING = 1500  # of the 1797 digits


def train(name, start, function, steps):
    """The parameters before the first step and after each, the costs there, and the median seconds of a gradient."""
    print(f"{name}, {start.size} parameters", flush=True)
    path, costs, seconds = [], [], []

    def calculator(parameters, function):
        path.append(parameters)
        begin = time.perf_counter()
        gradient = CALCULATORS[name](parameters, function)
        seconds.append(time.perf_counter() - begin)
        return gradient

    path.append(gradient_descent(start, function, calculator, steps, log=costs))
    return {"path": np.array(path), "costs": np.array(costs), "seconds": float(np.median(seconds))}


def differences(run, reference):
    """How far the parameters are from the reference's after each step, relative to their norm."""
    pairs = zip(run["path"][1:], reference["path"][1:], strict=True)
    return np.array([np.linalg.norm(p - q) / np.linalg.norm(q) for p, q in pairs])


def curve(ax, name, numbers, first):
    """One method's curve: those that lie upon each other are told apart by marks that take turns."""
    names, apart = list(MARKERS), max(5, len(numbers) // 6)
    look = {"color": "#b5b5b5", "linewidth": 8} if name == "JAX" else {"color": COLORS[name], "linewidth": 1.5}
    turn = min(names.index(name) * apart // len(names), len(numbers) - 1)
    marks = {"marker": MARKERS[name], "markevery": (turn, apart), "markersize": 8}
    ax.plot(range(first, first + len(numbers)), numbers, label=name, **look, **marks)


def costs_figure(runs):
    figure, ax = plt.subplots(figsize=PANEL, layout="constrained")
    for name, run in runs.items():
        curve(ax, name, run["costs"], 0)
    ax.set(xlabel="step", ylabel="cost")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return figure


def differences_figure(runs):
    figure, ax = plt.subplots(figsize=PANEL, layout="constrained")
    ax.axhline(1e-12, color="black", linewidth=1, linestyle="-.", label="required of exact methods")
    for name, run in runs.items():
        if name != "JAX":
            curve(ax, name, np.maximum(differences(run, runs["JAX"]), 1e-17), 1)
    ax.set(xlabel="step", ylabel="relative difference", yscale="log", ylim=(3e-18, 1e-2))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize=9.5, ncols=2, loc="upper left")
    return figure


def weights_figure(weights):
    figure, axes = plt.subplots(2, 5, figsize=(PANEL[0], 2.2), layout="constrained")
    for digit, ax in enumerate(axes.flat):
        limit = np.abs(weights[digit]).max()
        ax.imshow(weights[digit].reshape(8, 8), cmap="coolwarm", vmin=-limit, vmax=limit)
        ax.set_title(digit, fontsize=11)
        ax.axis("off")
    return figure


def times_figure(runs):
    figure, ax = plt.subplots(figsize=(PANEL[0], 2.4), layout="constrained")
    names = list(runs)[::-1]
    milliseconds = [runs[name]["seconds"] * 1e3 for name in names]
    bars = ax.barh(names, milliseconds, color=[COLORS[name] for name in names])
    ax.bar_label(bars, [f" {ms:,.0f} ms" if ms >= 100 else f" {ms:.3g} ms" for ms in milliseconds])
    limits = min(milliseconds) / 3, max(milliseconds) * 9
    ax.set(xscale="log", xlabel="time of one gradient, 640 parameters (ms)", xlim=limits)
    return figure


def label_figure(x, labels, k):
    """The notebook's plot of one label, small."""
    figure, (ax,) = plot_training_set(x, labels[[k]])
    figure.set_size_inches(2.7, 2.8)
    ax.set(xlabel="feature 1", ylabel="feature 2", title=f"label {k + 1}")
    return figure


def labels_right(parameters, x, y_true):
    return float(np.mean(threshold(model(parameters, x)) == y_true))


def digits_right(parameters, x, digits):
    return float(np.mean(np.argmax(model(parameters, x), axis=0) == digits))


def summary(runs):
    return {
        name: {
            "steps": len(run["costs"]) - 1,
            "final cost": run["costs"][-1],
            "seconds per gradient": run["seconds"],
            "largest relative difference from JAX": differences(run, runs["JAX"]).max(),
        }
        for name, run in runs.items()
    }


def steps_table(runs):
    apart = {name: differences(run, runs["JAX"]) for name, run in runs.items() if name != "JAX"}
    return [
        {"step": k}
        | {f"cost, {name}": run["costs"][k] for name, run in runs.items()}
        | {f"difference from JAX, {name}": d[k - 1] if k else 0.0 for name, d in apart.items()}
        for k in range(len(runs["JAX"]["costs"]))
    ]


def main():
    chosen = options(__doc__, "train_classifier", by_jax=True)
    results, rng = Results(chosen), np.random.default_rng(chosen.seed)

    samples, steps = (200, 20) if chosen.quick else (1000, 100)
    x, y_true = get_mock_training_set(input_dims=2, output_dims=2, samples=samples, rng=rng)
    start = random_parameters(2, 2, rng)
    mock = {name: train(name, start, lambda p: cost(p, x, y_true), steps) for name in CALCULATORS}
    trained = mock["reverse"]["path"][-1]
    results.table("mock", steps_table(mock))
    results.figure("costs", costs_figure(mock))
    results.figure("differences", differences_figure(mock))
    for name, labels in {
        "truth": y_true,
        "before": threshold(model(start, x)),
        "after": threshold(model(trained, x)),
    }.items():
        for k in range(2):
            results.figure(f"{name}_{k + 1}", label_figure(x, labels, k))

    data = load_digits()
    images, digits = data.data.T / 16, data.target
    one_hot = np.where(np.arange(10)[:, None] == digits, 1.0, -1.0)
    start_digits = random_parameters(64, 10, rng)
    f = lambda p: cost(p, images[:, :TRAINING], one_hot[:, :TRAINING])
    names = [name for name in CALCULATORS if name != "symbolic"]
    real = {name: train(name, start_digits, f, 5 if chosen.quick else 100) for name in names}
    trained_digits = real["reverse"]["path"][-1]
    results.table("digits", steps_table(real))
    results.figure("digits_costs", costs_figure(real))
    results.figure("digits_differences", differences_figure(real))
    results.figure("digits_weights", weights_figure(trained_digits))
    results.figure("digits_times", times_figure(real))

    test = images[:, TRAINING:], digits[TRAINING:]
    results.finish(
        mock=summary(mock),
        mock_labels_right={"before": labels_right(start, x, y_true), "after": labels_right(trained, x, y_true)},
        digits=summary(real),
        digits_right={"before": digits_right(start_digits, *test), "after": digits_right(trained_digits, *test)},
    )


if __name__ == "__main__":
    main()
