"""The page of a trace: one file with the graph, the source and the table, which one slider walks together.

What moves is in page.js, how it looks in page.css, with what all pages share that walk in controls.* and theme.css; all
of it stands in the page, and so do all numbers: nothing is fetched.
"""

from pathlib import Path

import numpy as np

from .folding import within
from .graph import MOST, graph, svg
from .sources import blocks
from .table import results
from .walk import frames, summed, without
from .words import NONE, brief, number, shape, whole

ALL = 300  # steps up to which a page holds also those that are folded
_WHOLES = 600_000  # characters of arrays written out, in all


def page(trace):
    """The page as text."""
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.get_template("page.html.j2")
    return template.render(name=trace.name, other=trace.other, graph=svg(trace, alone=False), data=_data(trace))


def _data(trace):
    drawn, wholes = graph(trace), _Wholes()
    folds = within(len(trace.steps), trace.folds, MOST)
    hidden = {k: fold for fold in folds for k in range(fold.first, fold.last + 1)}
    left_out = set(hidden) if len(trace.steps) > ALL else set()
    sources, keys = blocks(trace)
    numbers = {x.place: x for x in [*trace.inputs, *(y for step in trace.steps for y in step.outputs)]}
    steps = [step for step in trace.steps if step.number not in left_out]
    shown = {x.place for x in trace.inputs} | {y.place for step in steps for y in step.outputs}
    return {
        "name": trace.name,
        "other": trace.other,
        "error": trace.failure(),
        "failed": bool(trace.error) and not trace.steps[-1].done if trace.steps else False,
        "notes": trace.notes,
        "inputs": [_input(trace, x, wholes) for x in trace.inputs],
        "rows": [_row(trace, step, drawn, keys, hidden, numbers, wholes) for step in steps],
        "folds": [fold._asdict() | {"kept": fold.first not in left_out} for fold in folds],
        "count": len(trace.steps),
        "frames": without(frames(trace), left_out, shown),
        "sources": [block._asdict() for block in sources],
        "differences": [
            {
                "step": found.step,
                "call": found.call,
                "what": found.what,
                "blamed": found.blamed,
                "verdict": found.verdict,
            }
            for found in trace.differences
        ],
    }


class _Wholes:
    """Arrays written out, as long as there is room in the page."""

    def __init__(self):
        self.left = _WHOLES

    def __call__(self, x):
        text = whole(x)
        if text is None or len(text) > self.left:
            return None
        self.left -= len(text)
        return text


def _number(x, wholes):
    said = {what: number(getattr(x, what)) for what in ("value", "tangent", "adjoint")}
    full = {what: wholes(getattr(x, what)) for what in said}
    boxed = {what: brief(getattr(x, what)) for what in said}
    boxed["value"] = boxed["value"] if "‖" not in boxed["value"] else f"{shape(x.value)}  {boxed['value']}"
    return {"place": x.place, "label": x.label, "said": said, "full": full, "boxed": boxed}


def _input(trace, x, wholes):
    beside = trace.beside_inputs.get(x.place)
    return {"node": f"i{x.place}", "outputs": [_number(x, wholes)], "differs": _differing(beside)}


def _row(trace, step, drawn, keys, hidden, numbers, wholes):
    beside, fold = trace.beside.get(step.number), hidden.get(step.number)
    found = [d for d in trace.differences if d.step == step.number]
    several = len(step.outputs) > 1
    return {
        "step": step.number,
        "label": step.label,
        "text": step.text,
        "via": {"pullback": "inside the inner gradient", "rule": "inside a rule"}.get(step.via, ""),
        "source": [keys.get(step.position.file, -1), step.position.line, step.position.columns],
        "value": number(step.value) if step.done else NONE,
        "whole": None if step.outputs and not several else wholes(step.value),
        "tangent": number(results(step, "tangent")),
        "outputs": [_number(y, wholes) for y in step.outputs],
        "node": (name := drawn.box_of[step.number]),
        "boxed": drawn.boxes[name].value,
        "fold": fold.first if fold else None,
        "edges": [_edge(trace, step, edge, numbers, found) for edge in step.edges],
        "operations": [_operation(x) for x in beside.operations] if beside else [],
        "note": beside.note if beside else "",
        "differs": _differing(beside),
        "wrong": bool(found),
    }


def _edge(trace, step, edge, numbers, found):
    x, partial = numbers.get(edge.place), edge.partial
    label = x.label if x else "…"
    theirs = next((d.theirs for d in found if d.what == f"contribution to {label}"), None)
    return {
        "place": edge.place,
        "label": label,
        "formula": edge.formula,
        "filled": edge.filled,
        "partial": None if partial is None else number(partial),
        "scalar": partial is not None and np.ndim(partial) == 0,
        "tangent": number(x.tangent if x else None),
        "contribution": number(edge.contribution),
        "arriving": number(results(step, "adjoint")),
        "summed": summed(edge),
        "theirs": None if theirs is None else number(theirs),
    }


def _operation(x):
    said = {what: number(getattr(x, what)) for what in ("value", "tangent", "adjoint")}
    return said | {"text": x.text, "full": x.full, "last": x.is_last}


def _differing(beside):
    return {what: number(getattr(beside, what)) for what in sorted(beside.differs)} if beside else {}
