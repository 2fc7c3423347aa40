"""The error of a numerical derivative against its step, for f(p) = p² + √(p + 3) at p = 3.5.

The notebook's curve (forward differences) beside central differences and the complex step, the two errors that theory
adds up to it (truncation h·f''/2 and rounding ε·f/h), and the error of our engines and JAX, which have no step. Exact
values are computed to 30 digits.
"""

import _environment

_environment.enter()

import matplotlib.pyplot as plt
import numpy as np
from _results import COLORS, Results, options

from jax_ref.lesson.results import P0, engine_errors, exact_grad_f, f
from scratch_ad.intro import error_estimate

SCHEMES = {"forward": (COLORS["numerical"], 2), "central": ("#e0b050", 4), "complex": ("#5b8c3e", 1.5)}


def figure_of(hs, errors, engines):
    figure, ax = plt.subplots(figsize=(5.4, 5.6), layout="constrained")
    half_unit = np.spacing(exact_grad_f(P0)) / 2  # the error of the exact value itself, rounded
    for scheme, (color, width) in SCHEMES.items():
        ax.loglog(hs, np.maximum(errors[scheme], half_unit), color=color, linewidth=width, label=f"numerical, {scheme}")
    second = 2 - 0.25 * (P0 + 3) ** -1.5
    ax.loglog(hs, hs * second / 2, ":", color="black", linewidth=1.2)
    ax.loglog(hs, np.finfo(float).eps * f(P0) / hs, ":", color="black", linewidth=1.2, label="theory: h·f''/2, ε·f/h")
    for name, (style, width) in {"forward mode": ("-", 5), "reverse mode": ("-", 2.5), "JAX": (":", 1.5)}.items():
        color = COLORS[name.removesuffix(" mode")]
        ax.axhline(engines[name] * exact_grad_f(P0), linestyle=style, linewidth=width, color=color, label=name)
    ax.set(xlabel="step h", ylabel="error of the derivative", ylim=(1e-16, 30))
    figure.legend(fontsize=10, loc="outside lower center", ncols=2)
    return figure


def main():
    chosen = options(__doc__, "step_size_error")
    results, rng = Results(chosen), np.random.default_rng(chosen.seed)
    hs = np.logspace(-15, 0, num=30 if chosen.quick else 100)
    errors = {s: np.array([error_estimate(f, exact_grad_f, P0, h, s) for h in hs]) for s in SCHEMES}
    print("errors of the engines", flush=True)
    points = 50 if chosen.quick else 1000
    engines = engine_errors(rng, points)
    results.table("errors", [{"h": h, **{s: errors[s][i] for s in SCHEMES}} for i, h in enumerate(hs)])
    results.figure("error_against_step", figure_of(hs, errors, engines))
    best = {s: {"error": e.min() / exact_grad_f(P0), "h": hs[e.argmin()]} for s, e in errors.items()}
    results.finish(best_relative_error=best, points=points, engines_worst_relative_error=engines)


if __name__ == "__main__":
    main()
