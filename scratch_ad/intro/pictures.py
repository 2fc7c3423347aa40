"""The notebook's pictures: the training set, and how each method goes through a calculation.

Figures are made without pyplot, so that nothing depends on a display and no open figure is touched; save one with
``figure.savefig``. Matplotlib is imported when something is drawn.
"""

import numpy as np

_limits, _ticks = (-1.19, 1.19), (-1, 0, 1)  # the noise puts some points a little outside the cube


def plot_training_set(x, y):
    """One scatter plot of the points per label; returns the figure and the list of its axes.

    ``x`` of shape (inputs, samples) gives the places, in one, two or three dimensions (of more inputs the first
    three are shown, as the figure then says); ``y`` of shape (outputs, samples) gives the colours, blue for −1 and red
    for 1. (The notebook's colours ran from 0 to 1; with labels ±1, 0 is the middle.)
    """
    from matplotlib.figure import Figure

    dims, labels = min(len(x), 3), len(y)
    width, height = {1: (4, 3), 2: (3.4, 3.4), 3: (4.7, 4.7)}[dims]
    figure = Figure(figsize=(width * labels, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    axes = []
    for i in range(labels):
        a = figure.add_subplot(1, labels, i + 1, projection="3d" if dims == 3 else None)
        places = (x[0], y[i]) if dims == 1 else x[:dims]
        a.scatter(*places, c=y[i], vmin=-1, vmax=1, alpha=1.0 if dims == 3 else 0.5, cmap="coolwarm")
        a.set_title(f"Output dimension (label) {i + 1}")
        for k, axis in enumerate("xyz"[:dims]):
            a.set(**{
                f"{axis}label": f"Input dimension (feature) {k + 1}",
                f"{axis}lim": _limits,
                f"{axis}ticks": _ticks,
            })  # fmt: skip
        if dims == 1:
            a.set_ylabel("Label")
        elif dims == 2:
            a.set_aspect("equal")
        else:
            a.set_box_aspect((1, 1, 1), zoom=0.78)  # room for the labels of the axes
        axes.append(a)
    if len(x) > 3:
        figure.suptitle(f"The first 3 of {len(x)} input dimensions are shown", fontsize="medium")
    return figure, axes


def graphical_representation_of_calculation(input_dims=5, output_dims=3, fa=None, diff=None):
    """A vector function as a picture: its inputs on the left, its outputs on the right; returns the figure and axes.

    ``diff`` shows one evaluation of a derivative: ``("numerical", k)`` perturbs parameter k, ``("forward", k)`` gives
    it the tangent 1, ``("backward", k)`` gives output k the adjoint 1 (k from 0). A red hexagon marks what is set.
    ``fa``: a pair (figure, axes) to clear and draw into.
    Raises ValueError for another name in ``diff`` and for a k out of range.
    """
    kind, k = diff or (None, 0)
    if kind not in (None, "numerical", "forward", "backward"):
        raise ValueError(f"diff must be ('numerical', k), ('forward', k) or ('backward', k), but got {diff!r}.")
    if not 0 <= k < (output_dims if kind == "backward" else input_dims):
        raise ValueError(f"diff = {diff!r} is out of range for {input_dims} inputs and {output_dims} outputs.")

    figure, axes = _blank() if fa is None else fa
    axes.clear()
    axes.set_axis_off()
    left, centre, right = 0, 2.5, 5
    inputs = np.arange(input_dims) - (input_dims - 1) / 2
    outputs = np.arange(output_dims) - (output_dims - 1) / 2
    for y in inputs:
        axes.plot([left, centre], [y, 0], "k", zorder=1)
    for y in outputs:
        axes.plot([right, centre], [y, 0], "k", zorder=1)
    axes.plot(np.full(input_dims, left), inputs, "o", ms=20, label="input vector")
    axes.plot(np.full(output_dims, right), outputs, "o", ms=20, label="output vector")
    axes.plot([centre], [0], "h", c="grey", ms=100)
    axes.text(centre, 0, r"$\vec{f}(\vec{p})$", fontsize=30, ha="center", va="center")
    if kind is not None:
        axes.plot(*((right, outputs[k]) if kind == "backward" else (left, inputs[k])), "h", ms=24, c="C3")
    for i, y in enumerate(inputs):
        axes.text(left - 0.5, y, f"${_input_text(i, kind, k)}$", fontsize=20, ha="right", va="center")
    for j, y in enumerate(outputs):
        axes.text(right + 0.5, y, f"${_output_text(j, kind, k)}$", fontsize=20, ha="left", va="center")

    half = max(input_dims, output_dims, 4) / 2
    axes.set_xlim(left - 2.7, right + 2.7)
    axes.set_ylim(half, -half - 0.9)  # the first input on top, and room above it for the legend
    axes.legend(loc="upper center", ncols=2, markerscale=0.5, frameon=False, fontsize=18)
    return figure, axes


def _blank():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5))
    return figure, figure.add_axes((0, 0, 1, 1))


def _input_text(i, kind, k):
    return {
        None: f"p_{{{i + 1}}}",
        "numerical": f"p_{{{i + 1}}}" + ("+h" if i == k else ""),
        "forward": rf"p^\prime_{{{i + 1}}}={int(i == k)}",
        "backward": rf"\partial{{f_{{{k + 1}}}}}/\partial{{p_{{{i + 1}}}}}",
    }[kind]


def _output_text(j, kind, k):
    return {
        None: rf"f_{{{j + 1}}}\left(\vec{{p}}\right)",
        "numerical": rf"\partial{{f_{{{j + 1}}}}}/\partial{{p_{{{k + 1}}}}}",
        "forward": rf"\partial{{f_{{{j + 1}}}}}/\partial{{p_{{{k + 1}}}}}",
        "backward": rf"f^\prime_{{{j + 1}}}={int(j == k)}",
    }[kind]


def animate_calculation(path, kind, input_dims=5, output_dims=3, seconds=1.0):
    """Write all evaluations of a Jacobian by "numerical", "forward" or "backward" as an animated GIF, by Pillow.

    One frame of ``seconds`` per evaluation: one per input, or per output for "backward". Returns ``path``.
    """
    from matplotlib.animation import PillowWriter

    figure, axes = graphical_representation_of_calculation(input_dims, output_dims, diff=(kind, 0))
    writer = PillowWriter(fps=1 / seconds)
    with writer.saving(figure, path, dpi=100):
        for k in range(output_dims if kind == "backward" else input_dims):
            graphical_representation_of_calculation(input_dims, output_dims, fa=(figure, axes), diff=(kind, k))
            writer.grab_frame()
    return path


def chain_rule_picture():
    """One node z = f(x, y) in the middle of a computation of L: what it passes on, and what comes back through it.

    Returns the figure and its axes.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 3.4))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 4.8), ylim=(0, 3.4))
    axes.set_axis_off()
    forward, back = "C0", "C3"
    edges = {  # an arrow for the value, one for its sensitivity beside it, and where each is named
        "x": ((0.6, 2.85), (2.05, 2.0), (-0.05, -0.16), (1.5, 2.65), (0.75, 2.2)),
        "y": ((0.6, 0.55), (2.05, 1.4), (-0.05, 0.16), (1.5, 0.75), (0.75, 1.2)),
        "z": ((2.95, 1.78), (4.4, 1.78), (0, -0.18), (3.7, 2.05), (3.7, 1.15)),
    }
    axes.plot(2.45, 1.7, "o", ms=50, color="grey")
    axes.text(2.45, 1.68, "$f$", fontsize=26, ha="center", va="center", color="white")
    for name, (tail, tip, aside, place, place_back) in edges.items():
        for start, end, color in ((tail, tip, forward), (np.add(tip, aside), np.add(tail, aside), back)):
            axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": color, "lw": 2})
        factor = "" if name == "z" else rf"\,\frac{{\partial z}}{{\partial {name}}}"
        adjoint = rf"$\frac{{\partial L}}{{\partial z}}{factor}$"
        for text, at, color, size in ((f"${name}$", place, forward, 16), (adjoint, place_back, back, 19)):
            axes.text(*at, text, fontsize=size, color=color, ha="center", va="center")
    axes.plot([], [], color=forward, label="values, forward")
    axes.plot([], [], color=back, label="sensitivities, backward")
    axes.legend(loc="upper right", frameon=False, fontsize=10)
    return figure, axes
