"""How the derivative of the logistic map 4x(1 − x), repeated n times, grows as an expression and as a program.

The notebook's count_ops of SymPy's derivative for 0 to 9 layers; the same expression with its common subexpressions
named once (SymPy's cse); and the operations that forward and reverse mode execute for value and derivative, counted in
their recorded programs.
"""

import textwrap

import _environment

_environment.enter()

import matplotlib.pyplot as plt
import numpy as np
import sympy
from _results import COLORS, Results, options

import jax_ref
import scratch_ad
from scratch_ad.cost import cost
from scratch_ad.intro import repeated_layers
from scratch_ad.program import record

X0 = 0.3
CURVES = {
    "expression of the derivative": (COLORS["symbolic"], "o-"),
    "with shared subexpressions": (COLORS["symbolic"], "o:"),
    "forward mode executes": (COLORS["forward"], "s-"),
    "reverse mode executes": (COLORS["reverse"], "D--"),
}


def count(layers):
    """The four counts, and the derivative at 0.3 by each method."""
    x = sympy.Symbol("x")
    derivative = sympy.diff(repeated_layers(layers), x)
    shared, (reduced,) = sympy.cse(derivative)
    function = lambda x: repeated_layers(layers, x)
    forward = lambda x, t: scratch_ad.jvp(function, (x,), (t,))
    reverse = scratch_ad.value_and_grad(function)
    numbers = {
        "layers": layers,
        "expression of the derivative": int(sympy.count_ops(derivative)),
        "with shared subexpressions": int(sum(sympy.count_ops(e) for _, e in shared) + sympy.count_ops(reduced)),
        "forward mode executes": cost(record(forward, X0, 1.0)).operations,
        "reverse mode executes": cost(record(reverse, X0)).operations,
    }
    values = {
        "symbolic": float(derivative.subs(x, X0)),
        "forward": float(forward(X0, 1.0)[1]),
        "reverse": float(reverse(X0)[1]),
        "JAX": float(jax_ref.grad(function)(X0)),
    }
    return numbers, values, derivative


def growth_figure(rows):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    layers = [row["layers"] for row in rows]
    for ax, scale in ((left, "linear"), (right, "log")):
        for name, (color, style) in CURVES.items():
            ax.plot(layers, [row[name] or np.nan for row in rows], style, color=color, label=name, markersize=5)
        ax.set(xlabel="number of layers", yscale=scale, xticks=layers)
    left.set_ylabel("operations")
    left.set_title("complexity of the derivative")
    right.set_title("the same, logarithmic")
    left.legend(fontsize=10)
    return figure


def expression_figure(rows, derivatives):
    """The derivative itself, as SymPy writes it."""
    figure, ax = plt.subplots(figsize=(11, 3.9), layout="constrained")
    ax.axis("off")
    line = 0
    for row, derivative in zip(rows, derivatives, strict=True):
        text = textwrap.wrap(str(derivative), 132)
        place = {"va": "top", "transform": ax.transAxes, "linespacing": 1.25}
        title = f"{row['layers']} layer{'s' * (row['layers'] > 1)}: {row['expression of the derivative']} operations"
        ax.text(0, 1 - 0.055 * line, title, weight="bold", fontsize=10, color=COLORS["symbolic"], **place)
        ax.text(0, 0.94 - 0.055 * line, "\n".join(text), family="monospace", fontsize=9, **place)
        line += len(text) + 1.9
    return figure


def main():
    chosen = options(__doc__, "expression_swell")
    results = Results(chosen)
    rows, difference, derivatives = [], 0.0, []
    for layers in range(7 if chosen.quick else 10):
        print(f"{layers} layers", flush=True)
        numbers, values, derivative = count(layers)
        rows.append(numbers)
        derivatives.append(derivative)
        difference = max(difference, *(abs(v - values["JAX"]) / abs(values["JAX"]) for v in values.values()))
    results.table("operations", rows)
    results.figure("growth", growth_figure(rows))
    results.figure("expressions", expression_figure(rows[1:5], derivatives[1:5]))
    expression = [row["expression of the derivative"] for row in rows]
    slope, _ = np.polyfit([row["layers"] for row in rows[-4:]], np.log(expression[-4:]), 1)
    results.finish(rows=rows, growth_per_layer=np.exp(slope), largest_relative_difference_from_JAX=difference)


if __name__ == "__main__":
    main()
