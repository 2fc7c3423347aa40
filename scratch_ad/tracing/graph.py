"""The graph of a trace: as SVG laid out by ourselves, in Graphviz's language, and in Mermaid's."""

import html
from typing import NamedTuple

from .folding import within
from .layout import layered
from .words import brief, shape

MOST = 60  # boxes; beyond, the middle is folded
_TEXT = 30  # characters of a call in a box

# In a page, its colours; alone, these.
STYLE = """\
svg.graph{--paper:#fff;--ink:#1c2230;--soft:#636b7b;--line:#c9c6bc;--shade:#f4f3ee;--tan:#0a6e69;--adj:#a8480b;--bad:#b3211f;
font-family:ui-monospace,"DejaVu Sans Mono",Menlo,monospace;background:var(--paper)}
@media(prefers-color-scheme:dark){svg.graph{--paper:#1a1e26;--ink:#e7eaf0;--soft:#98a1b3;--line:#3a4150;--shade:#151920;
--tan:#5fd3c8;--adj:#f4a860;--bad:#ff8a84}}
"""
SHAPES = """\
svg.graph .node rect{fill:var(--paper);stroke:var(--line);stroke-width:1.4}
svg.graph .input rect{fill:var(--shade)}svg.graph .fold rect{stroke-dasharray:5 4}
svg.graph .wrong rect{stroke:var(--bad)}
svg.graph text{font-size:11px;fill:var(--ink)}svg.graph .call{font-size:12.5px;font-weight:600}
svg.graph .tangent{fill:var(--tan)}svg.graph .adjoint{fill:var(--adj);text-anchor:end}
svg.graph .edge{fill:none;stroke:var(--soft);stroke-opacity:.5;stroke-width:1.4}
"""


class Box(NamedTuple):
    """What the graph shows as one: an input, a step or a fold; its name, and the text in it."""

    name: str
    kind: str
    call: str
    value: str = ""
    tangent: str = ""
    adjoint: str = ""

    @property
    def size(self):
        numbers = max(len(self.tangent) + len(self.adjoint), 9) * 6.7 + 46
        return max(
            92, 7.6 * len(self.call) + 22, 6.7 * len(self.value) + 22, numbers
        ), 34 if self.kind == "fold" else 62


class Graph(NamedTuple):
    """The boxes by name, in order; the edges between them; and which of them each step is in."""

    boxes: dict
    edges: list
    box_of: dict


def graph(trace):
    folds = within(len(trace.steps), trace.folds, MOST)
    hidden = {k: fold for fold in folds for k in range(fold.first, fold.last + 1)}
    boxes, edges, box_of, home = {}, {}, {}, {}
    for x in trace.inputs:
        home[x.place] = name = f"i{x.place}"
        boxes[name] = Box(name, "input", _cut(x.label), _sized(x.value), brief(x.tangent), brief(x.adjoint))
    for step in trace.steps:
        fold = hidden.get(step.number)
        box_of[step.number] = name = f"f{fold.first}" if fold else f"s{step.number}"
        if name not in boxes:
            boxes[name] = _fold(fold, name) if fold else _step(step, name)
        home |= {y.place: name for y in step.outputs}
        edges |= dict.fromkeys((home[at], name) for at in step.parents if home.get(at, name) != name)
    return Graph(boxes, list(edges), box_of)


def _fold(fold, name):
    said = f"{fold.rounds} more rounds" if fold.rounds else f"{fold.last - fold.first + 1} more steps"
    return Box(name, "fold", f"⋯ {said}", f"v{fold.first} … v{fold.last}")


def _step(step, name):
    call = _cut(f"{step.label} = {step.text}".replace("np.", ""))
    if len(step.outputs) != 1:
        parts = step.value if isinstance(step.value, (tuple, list)) else [step.value]
        return Box(name, "step", call, " ".join(map(_sized, parts)) if step.done else "")
    (y,) = step.outputs
    return Box(name, "step", call, _sized(y.value), brief(y.tangent), brief(y.adjoint))


def _cut(text):
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def _sized(x):
    short = brief(x)
    return short if "‖" not in short else f"{shape(x)}  {short}"


def svg(trace, alone=True):
    """The graph as SVG; ``alone``: with its own colours, light and dark, else with those of the page it is in."""
    boxes, edges, _ = drawn = graph(trace)
    plan = layered(list(boxes), edges, lambda name: boxes[name].size)
    width, height = plan.width + 16, plan.height + 16
    size = f'viewBox="-8 -8 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    wrong = {drawn.box_of[found.step] for found in trace.differences}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" {size} role="img" aria-label="the graph of the calls">',
        f"<style>{STYLE if alone else ''}{SHAPES}</style>",
        '<defs><marker id="tip-of-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="11" markerHeight="11" '
        'markerUnits="userSpaceOnUse" orient="auto-start-reverse">'
        '<path d="M0,0 8,4 0,8z" fill="context-stroke"/></marker></defs>',
    ]
    for (a, b), path in plan.paths.items():
        parts.append(f'<path class="edge" data-from="{a}" data-to="{b}" d="{path}"/>')
    for name, (x, y) in plan.centres.items():
        box = boxes[name]
        w, h = box.size
        kind = f"node {box.kind}{' wrong' if name in wrong else ''}"
        parts.append(
            f'<g class="{kind}" id="n-{name}" transform="translate({x - w / 2:.1f},{y - h / 2:.1f})">'
            f'<rect width="{w:.0f}" height="{h}" rx="9"/>'
            f'<text class="call" x="11" y="20">{html.escape(box.call)}</text>'
        )
        if box.kind != "fold":
            parts.append(
                f'<text class="value" x="11" y="37">{html.escape(box.value)}</text>'
                f'<text class="tangent" x="11" y="53">{html.escape(box.tangent)}</text>'
                f'<text class="adjoint" x="{w - 11:.0f}" y="53">{html.escape(box.adjoint)}</text>'
            )
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"])


def dot(trace):
    """The graph in the language of Graphviz."""
    boxes, edges, _ = graph(trace)
    quoted = lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    lines = ["digraph {", "  node [shape=box, style=rounded, fontname=monospace]"]
    lines += [f"  {box.name} [label={quoted(_lines(box))}]" for box in boxes.values()]
    return "\n".join([*lines, *(f"  {a} -> {b}" for a, b in edges), "}"])


def mermaid(trace):
    """The graph in the language of Mermaid, which GitHub and notebooks draw."""
    boxes, edges, _ = graph(trace)
    quoted = lambda text: html.escape(text, quote=False).replace('"', "#quot;").replace("\n", "<br>")
    lines = ["flowchart TD", *(f'  {box.name}["{quoted(_lines(box))}"]' for box in boxes.values())]
    return "\n".join([*lines, *(f"  {a} --> {b}" for a, b in edges)])


def _lines(box):
    numbers = [("", box.value), ("tangent ", box.tangent), ("adjoint ", box.adjoint)]
    return "\n".join([box.call, *(said + text for said, text in numbers if text)])
