"""Pictures of programs: a table for the terminal, a graph for Graphviz or Mermaid, with the exact cost of each line.

``table``, ``dot`` and ``mermaid`` take programs, each a list of ``Line``; ``lines_of`` makes that of a ``Program``.
Costs are those of cost.py, counted from the shapes. A line with a function of which it has no formula has none.
"""

import importlib
from typing import NamedTuple

from .cost import Cost, cost_of
from .program import Program, names_in


class Line(NamedTuple):
    """``outputs``: the names that it gives; ``reads``: those it takes; ``forms``: shape and dtype of each output."""

    text: str
    outputs: tuple
    reads: tuple
    forms: tuple
    cost: Cost | None

    shapes = property(lambda self: ", ".join(str(shape) for shape, _ in self.forms))
    dtypes = property(lambda self: ", ".join(str(dtype) for _, dtype in self.forms))


def lines_of(program: Program):
    """The lines of a recorded program, its inputs first."""
    avals, texts = program.avals, program.source.split("\n")[1:-1]
    lines = [input_line(repr(x), avals[x.number]) for x in program.inputs]
    for text, call in zip(texts, program.calls, strict=True):
        forms = tuple(avals[x.number] or ((), None) for x in call.outputs)
        reads = tuple(map(repr, names_in((call.args, tuple(call.kwargs.values())))))
        lines.append(Line(text.strip(), tuple(map(repr, call.outputs)), reads, forms, counted(call, avals)))
    return lines


def input_line(name, form):
    """A line that stands for an argument of the program."""
    return Line(name, (name,), (), (form,), Cost())


def counted(call, avals):
    """The cost of a call; None where there is no formula for its function, or its body does not run on ones."""
    try:
        return cost_of(call, avals)
    except (NotImplementedError, TypeError, ValueError):
        return None


def total(lines):
    """The cost of all lines of which it is known."""
    return sum((line.cost for line in lines if line.cost is not None), Cost())


def table(programs):
    """A table of rich's, which has to be installed: one row per line, the sum below each program."""
    try:
        rich = importlib.import_module("rich.table")
    except ImportError:
        raise ImportError("a table needs rich: pip install rich; .source, .dot() and .mermaid() do without.") from None
    made = rich.Table("line", "shape", "dtype")
    for column in ("flops", "transcendentals", "bytes"):
        made.add_column(column, justify="right")
    for lines in programs:
        for line in lines:
            numbers = ("?",) * 3 if line.cost is None else map("{:,}".format, line.cost)
            made.add_row(_unmarked(line.text), line.shapes, line.dtypes, *numbers)
        unknown = sum(line.cost is None for line in lines)
        name = f"all, but for {unknown} without a formula" if unknown else "all"
        made.add_section()
        made.add_row(name, "", "", *map("{:,}".format, total(lines)))
        made.add_section()
    return made


def dot(programs):
    """A graph in Graphviz's language, one cluster per program: an arrow from where a value is made to where it goes."""
    parts = ["digraph {", "  node [shape=box, fontname=monospace]"]
    for k, lines in enumerate(programs):
        parts.append(f"  subgraph cluster_{k} {{")
        parts += [f'    {_id(k, i)} [label="{_escaped(_label(line))}"]' for i, line in enumerate(lines)]
        parts += [f"    {_id(k, i)} -> {_id(k, j)}" for i, j in edges(lines)]
        parts.append("  }")
    return "\n".join([*parts, "}"])


def mermaid(programs):
    """The same graph in Mermaid's language."""
    parts = ["flowchart TD"]
    for k, lines in enumerate(programs):
        parts.append(f"  subgraph program_{k}")
        parts += [f'    {_id(k, i)}["{_quoted(_label(line))}"]' for i, line in enumerate(lines)]
        parts += [f"    {_id(k, i)} --> {_id(k, j)}" for i, j in edges(lines)]
        parts.append("  end")
    return "\n".join(parts)


def edges(lines):
    """Pairs of places: the second line reads what the first has made."""
    made, pairs = {}, []
    for j, line in enumerate(lines):
        pairs += dict.fromkeys((made[name], j) for name in line.reads)
        made.update(dict.fromkeys(line.outputs, j))
    return pairs


def _label(line):
    if line.cost is None:
        return f"{line.text}\n{line.shapes} {line.dtypes}\nflops and bytes unknown"
    flops, transcendentals, moved = line.cost
    counts = [f"{flops:,} flops"] if flops else []
    counts += [f"{transcendentals:,} transcendentals"] if transcendentals else []
    counts += [f"{moved:,} bytes"] if moved else []
    return "\n".join(part for part in (line.text, f"{line.shapes} {line.dtypes}".strip(), ", ".join(counts)) if part)


def _id(k, i):
    return f"p{k}_{i}"


def _escaped(text):
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _quoted(text):
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("\n", "<br/>")


def _unmarked(text):
    """Text that rich shows as it is: square brackets are no markup."""
    return importlib.import_module("rich.text").Text(text)
