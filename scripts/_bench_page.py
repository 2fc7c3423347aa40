"""The page of the bench: every figure of bench.json beside its aim, and plots of the times."""

import io
import statistics

import _page
import matplotlib.pyplot as plt
from _tables import Figure, Table, digits
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

HEADS = {
    "eager": "Eager",
    "growth": "Growth",
    "jacobians": "Whole Jacobians",
    "compiled": "Compiled",
    "structured": "Sparse, and in bounded memory",
    "memory": "Memory",
    "adbench": "ADBench",
    "kinds": "Programs of every kind",
    "rules": "Every rule",
    "xla": "Under XLA",
}
COLORS = {
    "ours": "#a3195b",
    "compiled": "#e07b39",
    "by hand": "#3d3d3d",
    "f": "#9aa3ad",
    "jax.jit": "#1b6ca8",
    "JAX eager": "#7fb2d9",
    "PyTorch": "#2e8b57",
    "autograd": "#8a6d00",
    "MyGrad": "#7d5ba6",
    "dense, ours": "#dd8bb4",
    "dense, jax.jit": "#1b6ca8",
}
MARKS = {
    "compiled": "D",
    "by hand": "|",
    "jax.jit": "s",
    "JAX eager": "s",
    "PyTorch": "^",
    "autograd": "v",
    "MyGrad": "P",
}


SHOWN = 20  # rows of a table; a longer one is opened on demand
GOOD, BAD = "#1c7a3e", "#b3261e"
FASTER = "A mark for each engine: left of the line is faster than ours, eager."


def tables(document):
    """The tables of each part, by part and title."""
    return {
        part: {table["title"]: Table.read(table) for table in entry["tables"]}
        for part, entry in document["parts"].items()
    }


def write(folder, document):
    """Write ``bench.html`` into ``folder``; returns its path."""
    parts = tables(document)
    figures = [figure for part in parts.values() for table in part.values() for figure in table.aims]
    text = _page.render(
        "bench.html.j2",
        parts=parts,
        entries=document["parts"],
        plots=_plots(parts),
        against=_against_aims(parts),
        met=sum(figure.met for figure in figures),
        aims=len(figures),
        overview=_overview(parts),
        heads=HEADS,
        shown=SHOWN,
        stamps=stamps_of(document),
    )
    path = folder / "bench.html"
    path.write_text(text, encoding="utf-8")
    return path


def stamps_of(document):
    """When, where and with what, and which parts."""
    stamps = {}
    for part, entry in document["parts"].items():
        settings = entry["settings"]
        words = [entry["date"]] + ["quick run"] * settings["quick"]
        words += [f"{settings['machine']['cores']} cores", settings["machine"]["cpu"], f"Python {settings['python']}"]
        words += [f"{name} {version}" for name, version in settings["versions"].items()]
        stamps.setdefault(", ".join(words), []).append(part)
    return stamps


def _overview(parts):
    """The median over the programs of our time ÷ each other's."""
    medians = {}
    for part, title, peers in (
        ("eager", "Eager", ("autograd", "PyTorch", "by hand")),
        ("compiled", "Compiled", ("eager", "jax.jit", "by hand")),
    ):
        table = parts.get(part, {}).get(title)
        for peer in peers if table else ():
            if ratios := [row.figures[f"÷ {peer}"].value for row in table.rows if f"÷ {peer}" in row.figures]:
                medians[f"{part} ÷ {peer}"] = digits(statistics.median(ratios))
    return medians


def _plots(parts):
    """The plots of each part: a picture as the address that holds it, and what to see in it."""
    plots = {part: [] for part in parts}
    if eager := parts.get("eager", {}).get("Eager"):
        plots["eager"].append((_rivals(_ratios(eager, parts.get("compiled", {}).get("Compiled"))), FASTER))
    for title, table in parts.get("growth", {}).items():
        plots["growth"].append((_growth(table), title))
    if found := parts.get("adbench"):
        times = {
            f"{title.removeprefix('ADBench: ')}\n{row.name}": _inverse(row.figures)
            for title, table in found.items()
            for row in table.rows
        }
        plots["adbench"].append((_rivals(times), FASTER))
    return plots


def _against_aims(parts):
    """A dot for each aim, by part: the figure ÷ the aim, on a logarithmic scale; None where nothing has an aim."""
    ratios = {
        HEADS[part]: [figure.value / figure.aim for table in found.values() for figure in table.aims]
        for part, found in parts.items()
        if any(table.aims for table in found.values())
    }
    if not ratios:
        return None
    figure, axes = plt.subplots(figsize=(4.2, 1 + 0.42 * len(ratios)))
    for y, dots in enumerate(ratios.values()):
        for met, color in ((True, GOOD), (False, BAD)):
            shown = [max(dot, 1e-3) for dot in dots if (dot <= 1) is met]
            axes.plot(shown, [y] * len(shown), "o", color=color, markersize=7, alpha=0.6, markeredgewidth=0)
    axes.axvline(1, color="#3d3d3d", linewidth=1.5)
    axes.set(xscale="log", yticks=range(len(ratios)), xlabel="figure ÷ aim")
    axes.set_yticklabels(name.replace(", ", ",\n") for name in ratios)
    axes.set_ylim(len(ratios) - 0.5, -0.5)
    axes.grid(False, axis="y")
    _plain(axes.xaxis)
    return _address(figure)


def _inverse(figures):
    """The others' time ÷ ours, by engine, of figures ours ÷ theirs."""
    return {name.removeprefix("÷ "): 1 / figure.value for name, figure in figures.items() if name.startswith("÷ ")}


def _ratios(eager, compiled):
    times = {row.name: _inverse(row.figures) for row in eager.rows}
    for row in compiled.rows if compiled else ():
        if row.name in times:
            times[row.name]["compiled"] = row.figures["÷ eager"].value
    return times


def _rivals(times):
    """A row for each program, a mark for each engine's time ÷ ours, on a logarithmic scale."""
    lines = 1 + max(name.count("\n") for name in times)
    figure, axes = plt.subplots(figsize=(4.2, 1.4 + (0.27 + 0.15 * lines) * len(times)))
    for y, others in enumerate(times.values()):
        axes.axhline(y, color="#9aa3ad", linewidth=0.6, zorder=0)
        for engine, ratio in others.items():
            marker = MARKS[engine]
            size, edge = (11, 2.5) if marker == "|" else (7, 0)
            axes.plot(ratio, y, marker, color=COLORS[engine], markersize=size, markeredgewidth=edge, label=engine)
    axes.axvline(1, color=COLORS["ours"], linewidth=2.5, label="ours")
    axes.set(xscale="log", yticks=range(len(times)), xlabel="time ÷ ours, eager")
    axes.set_yticklabels(times, fontsize=11 if lines == 1 else 9)
    axes.set_ylim(len(times) - 0.5, -0.5)
    axes.grid(False, axis="y")
    _plain(axes.xaxis)
    _name(figure, axes)
    return _address(figure)


def _growth(table):
    """The time of each way against n, both logarithmic."""
    figure, axes = plt.subplots(figsize=(4.2, 4))
    for name in table.columns:
        rows = [row for row in table.rows if name in row.figures]
        sizes, seconds = [int(row.name.replace(",", "")) for row in rows], [row.figures[name].value for row in rows]
        style = "--" if name.startswith("dense") else "-"
        axes.plot(sizes, seconds, style, marker="o", markersize=4, color=COLORS[name], label=name)
    axes.set(xscale="log", yscale="log", xlabel="n")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: Figure(seconds, kind="seconds").text))
    axes.yaxis.set_minor_formatter(NullFormatter())
    _name(figure, axes)
    return _address(figure)


def _plain(axis):
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _name(figure, axes):
    """What the colours mean, above the axes."""
    named = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    order = [name for name in COLORS if name in named]
    above = {"loc": "upper center", "ncols": 3, "fontsize": 9, "columnspacing": 1, "handletextpad": 0.4}
    figure.legend([named[name] for name in order], order, **above)
    lines = -(-len(order) // 3)
    figure.tight_layout(rect=(0, 0, 1, 1 - (0.1 + 0.21 * lines) / figure.get_figheight()))


def _address(figure):
    """A figure as the address of an SVG that holds it."""
    if not figure.legends:
        figure.tight_layout()
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    plt.close(figure)
    return _page.address(file.getvalue(), ".svg")
