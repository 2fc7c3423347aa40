"""How the derivative of the logistic map 4x(1 − x), repeated n times, grows as an expression and as a program.

The notebook's count_ops of SymPy's derivative for 0 to 9 layers; the same expression with its common subexpressions
named once (SymPy's cse); and the operations that forward and reverse mode execute for value and derivative, counted in
their recorded programs.
"""

import _environment

_environment.enter()

import matplotlib.pyplot as plt
import numpy as np
from _results import COLORS, PANEL, Results, options

from jax_ref.lesson.results import swell

CURVES = {
    "expression of the derivative": (COLORS["symbolic"], "o-"),
    "with shared subexpressions": (COLORS["symbolic"], "o:"),
    "forward mode executes": (COLORS["forward"], "s-"),
    "reverse mode executes": (COLORS["reverse"], "D--"),
}


def growth_figure(rows, scale):
    figure, ax = plt.subplots(figsize=PANEL, layout="constrained")
    layers = [row["layers"] for row in rows]
    for name, (color, style) in CURVES.items():
        ax.plot(layers, [row[name] or np.nan for row in rows], style, color=color, label=name, markersize=5)
    ax.set(xlabel="number of layers", ylabel="operations", yscale=scale, xticks=layers)
    if scale == "linear":
        ax.legend(fontsize=9.5)
    return figure


def main():
    chosen = options(__doc__, "expression_swell")
    results = Results(chosen)
    rows, difference, derivatives = [], 0.0, []
    for layers in range(7 if chosen.quick else 10):
        print(f"{layers} layers", flush=True)
        numbers, values, derivative = swell(layers)
        rows.append(numbers)
        derivatives.append(derivative)
        difference = max(difference, *(abs(v - values["JAX"]) / abs(values["JAX"]) for v in values.values()))
    results.table("operations", rows)
    for scale in ("linear", "log"):
        results.figure(f"growth_{scale}", growth_figure(rows, scale))
    expression = [row["expression of the derivative"] for row in rows]
    slope, _ = np.polyfit([row["layers"] for row in rows[-4:]], np.log(expression[-4:]), 1)
    results.finish(
        rows=rows,
        expressions=[str(derivative) for derivative in derivatives[1:5]],
        growth_per_layer=np.exp(slope),
        largest_relative_difference_from_JAX=difference,
    )


if __name__ == "__main__":
    main()
