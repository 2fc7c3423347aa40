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
from _results import COLORS, Results, options
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
STYLES = {"JAX": (7, "-"), "numerical": (4.5, "-"), "symbolic": (3, "-"), "forward": (2.5, "--"), "reverse": (2, ":")}
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


def curves_figure(runs, title):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    for name, run in runs.items():
        width, style = STYLES[name]
        color = "#c9c9c9" if name == "JAX" else COLORS[name]
        left.plot(run["costs"], style, color=color, linewidth=width, label=name)
        if name != "JAX":
            difference = differences(run, runs["JAX"])
            right.semilogy(range(1, len(difference) + 1), np.maximum(difference, 1e-17), style, color=color, label=name)
    right.axhline(1e-12, color="black", linewidth=1, linestyle="-.")
    right.text(1, 1.4e-12, "required of the exact methods: 1e-12", fontsize=9)
    left.set(xlabel="step", ylabel="cost", title=title)
    right.set(xlabel="step", title="parameters: relative difference from JAX's", ylim=(3e-18, None))
    left.legend()
    return figure


def digits_figure(runs, weights):
    figure = plt.figure(figsize=(11, 4.2), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.5))
    for digit, ax in enumerate(top.subplots(1, 10)):
        limit = np.abs(weights[digit]).max()
        ax.imshow(weights[digit].reshape(8, 8), cmap="coolwarm", vmin=-limit, vmax=limit)
        ax.set_title(digit, fontsize=10)
        ax.axis("off")
    ax = bottom.subplots()
    names = list(runs)[::-1]
    milliseconds = [runs[name]["seconds"] * 1e3 for name in names]
    bars = ax.barh(names, milliseconds, color=[COLORS[name] for name in names])
    ax.bar_label(bars, [f" {ms:,.0f} ms" if ms >= 100 else f" {ms:.3g} ms" for ms in milliseconds])
    limits = min(milliseconds) / 3, max(milliseconds) * 3
    ax.set(xscale="log", xlabel="time of one gradient, 640 parameters (ms)", xlim=limits)
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
    results.figure("curves", curves_figure(mock, "mock data: 2 inputs, 2 outputs"))
    for name, labels in {
        "truth": y_true,
        "before": threshold(model(start, x)),
        "after": threshold(model(trained, x)),
    }.items():
        results.figure(name, plot_training_set(x, labels)[0])

    data = load_digits()
    images, digits = data.data.T / 16, data.target
    one_hot = np.where(np.arange(10)[:, None] == digits, 1.0, -1.0)
    start_digits = random_parameters(64, 10, rng)
    f = lambda p: cost(p, images[:, :TRAINING], one_hot[:, :TRAINING])
    names = [name for name in CALCULATORS if name != "symbolic"]
    real = {name: train(name, start_digits, f, 5 if chosen.quick else 100) for name in names}
    trained_digits = real["reverse"]["path"][-1]
    results.table("digits", steps_table(real))
    results.figure("digits_curves", curves_figure(real, "digits: 64 inputs, 10 outputs"))
    results.figure("digits_weights", digits_figure(real, trained_digits))

    test = images[:, TRAINING:], digits[TRAINING:]
    results.finish(
        mock=summary(mock),
        mock_labels_right={"before": labels_right(start, x, y_true), "after": labels_right(trained, x, y_true)},
        digits=summary(real),
        digits_right={"before": digits_right(start_digits, *test), "after": digits_right(trained_digits, *test)},
    )


if __name__ == "__main__":
    main()
