"""``trace(f, *args)``, and what can be done with it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..refusals import check_callable
from . import folding, graph
from .recording import record
from .words import number


@dataclass
class Beside:
    """The same step, or input, by another engine: its operations, and its numbers; those in ``differs`` differ.

    ``contributions``: to the adjoints of the step's arguments, by place. ``note``: why there is nothing.
    """

    operations: list = field(default_factory=list)
    value: object = None
    tangent: object = None
    adjoint: object = None
    contributions: dict = field(default_factory=dict)
    differs: set = field(default_factory=set)
    note: str = ""


class Operation(NamedTuple):
    """One of the operations that a step is by the other engine: as text, in whole, and the numbers of its result."""

    text: str
    full: str
    value: object
    tangent: object
    adjoint: object
    is_last: bool


class Difference(NamedTuple):
    """A step whose arguments agree, and whose result or contributions do not.

    ``what`` differs: "value", "tangent", or "contribution to" one of its arguments. ``blamed``: "ours", the other's
    name, or "undecided"; ``verdict`` and ``hint``: in words, what the referee says, and what kind of mistake it looks
    like. ``formula``: what our rule does there.
    """

    step: int
    call: str
    what: str
    ours: object
    theirs: object
    blamed: str
    verdict: str = ""
    hint: str = ""
    formula: str = ""
    file: str = ""
    line: int = 0
    other: str = "JAX"

    def __str__(self):
        at = f"  ({Path(self.file).name}:{self.line})" if self.file else ""
        lines = [
            f"step {self.step}, v{self.step} = {self.call}{at}",
            f"    {self.what}: ours {number(self.ours)}, {self.other} {number(self.theirs)}",
        ]
        notes = [("our rule", self.formula), ("hint", self.hint), ("referee", self.verdict), ("to blame", self.blamed)]
        return "\n".join([*lines, *(f"    {label}: {text}" for label, text in notes if text)])


class Trace:
    """One evaluation of a function, step by step, forward and back.

    ``inputs``: a ``Number`` per real or complex array among the arguments. ``steps``: a ``Step`` per call that the
    function makes of such, in order (recording.py says what these hold). ``error``: what ended the function early, else
    None; the steps are those up to there, and no adjoints are known. ``notes``: in words. ``other``: the name of who is
    beside us, "" if nobody is; ``beside``: its ``Beside`` of steps by number, ``beside_inputs`` of inputs by place.
    ``differences``: what differs and does not follow from another difference, in the order in which it comes about.

    ``print(trace)`` gives the table, a notebook shows graph and table, ``html(path)`` writes the page.
    """

    def __init__(self, name, recording):
        self.name, self.recording = name, recording
        self.inputs, self.steps, self.results = recording.inputs, recording.steps, recording.results
        self.error, self.raised_at, self.notes = recording.error, recording.raised_at, list(recording.notes)
        self.other, self.beside, self.beside_inputs, self.differences = "", {}, {}, []
        self.folds = folding.loops([(s.position[:3], str(s.function), s.via) for s in self.steps])

    def first_difference(self):
        """The first ``Difference`` that is ours to blame; without one, the first at all; None where all agrees."""
        ours = [found for found in self.differences if found.blamed == "ours"]
        return next(iter([*ours, *self.differences]), None)

    def failure(self):
        """What ended the function early, in one line; "" if nothing did."""
        if not self.error:
            return ""
        file, line = self.raised_at
        at = f" ({Path(file).name}:{line})" if file else ""
        return f"{type(self.error).__name__}: {' '.join(str(self.error).split())}{at}"

    def table(self, width=None):
        """The steps as plain text, as wide as the terminal or ``width``; the rounds of loops are folded. Needs rich."""
        from .table import text

        return text(self, width)

    def svg(self):
        """The graph of the calls as SVG: inputs and steps, each with value, tangent and adjoint."""
        return graph.svg(self)

    def dot(self):
        """The graph for Graphviz."""
        return graph.dot(self)

    def mermaid(self):
        """The graph for Mermaid."""
        return graph.mermaid(self)

    def html(self, path):
        """Write the page to this path: one file that needs nothing else. Makes its folder; returns the path.

        Needs jinja2. Raises OSError where it cannot be written.
        """
        from .page import page

        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(self), encoding="utf-8")
        return path

    def __str__(self):
        return self.table()

    def __repr__(self):
        beside = f", beside {self.other}" if self.other else ""
        return f"<trace of {self.name}: {len(self.steps)} steps{beside}>"

    def _repr_html_(self):
        from .table import markup

        return f"{self.svg()}\n{markup(self)}"

    def __rich_console__(self, console, options):
        from .table import fitting

        yield fitting(self, console, options)


def trace(f, *args, tangents=None, cotangent=None):
    """One evaluation of ``f`` at ``args``, step by step: values, tangents, local derivatives and adjoints.

    ``f``: a plain NumPy function of arrays in any containers, which may write into arrays and take derivatives itself.
    ``tangents``: the direction of the tangents, a tuple like ``args``; ``cotangent``: where the adjoints start, like
    the result; both of ones if not given. ``f`` runs once. The adjoints are those of ``vjp``, and the tangents those of
    ``jvp``, bit for bit. Returns a ``Trace``, also where ``f`` fails: then ``error`` says so.
    Raises TypeError for arguments that are no numbers, or tangents or a cotangent in other containers, ValueError for
    such of other shapes.

    >>> import numpy as np
    >>> t = trace(lambda x: np.exp(np.tanh(x)), 0.5)
    >>> [step.text for step in t.steps]
    ['np.tanh(x)', 'np.exp(v1)']
    """
    check_callable("trace", f, "f")
    return Trace(title(f), record(f, args, tangents, cotangent))


def title(f):
    """What to call the function."""
    name = getattr(f, "__name__", type(f).__name__)
    return name if name != "<lambda>" else getattr(f, "expression", "λ")
