"""A trace as a table: in a terminal by rich, in a notebook as HTML."""

import html

from .walk import summed
from .words import number

_COLUMNS = ("", "line", "ours", "value", "tangent", "adjoint", "local derivative")

_NUMBER = 11  # characters of a number in a narrow table; arrays take several lines


def columns(trace):
    return (*_COLUMNS, *((trace.other, "") if trace.other else ()))


def rows(trace):
    """Rows of texts, one per input, step and fold, each with whether a difference lies there."""
    hidden = {k: fold for fold in trace.folds for k in range(fold.first, fold.last + 1)}
    guilty = {found.step for found in trace.differences}
    for x in trace.inputs:
        yield _row(trace, "", "", x.label, x.value, x.tangent, x.adjoint, "", trace.beside_inputs.get(x.place)), False
    for step in trace.steps:
        if fold := hidden.get(step.number):
            if fold.first == step.number:
                said = f"⋯ v{fold.first} … v{fold.last}: {fold.rounds} more rounds"
                empty = [""] * (len(columns(trace)) - 3)
                yield ["", "", said, *empty], any(fold.first <= k <= fold.last for k in guilty)
            continue
        tangent, adjoint = (results(step, what) for what in ("tangent", "adjoint"))
        local = "\n".join(local_derivative(step, edge, label_of(trace, edge.place)) for edge in step.edges)
        head = str(step.number), str(step.position.line or ""), f"{step.label} = {step.text}"
        is_guilty, beside = step.number in guilty, trace.beside.get(step.number)
        yield _row(trace, *head, step.value, tangent, adjoint, local, beside, is_guilty), is_guilty


def results(step, what):
    """The tangent or adjoint of a step's result; of several, a tuple."""
    found = tuple(getattr(y, what) for y in step.outputs)
    return found[0] if len(found) == 1 else found or None


def label_of(trace, place):
    numbers = [*trace.inputs, *(y for step in trace.steps for y in step.outputs)]
    return next((x.label for x in numbers if x.place == place), "…")


def local_derivative(step, edge, label):
    """``∂v1/∂x = …`` where the edge multiplies by one, else what the cotangent g becomes."""
    if edge.partial is None:
        return f"{label}: {edge.filled}"
    value = number(edge.partial)
    shown = f"{edge.filled} = {value}" if edge.filled not in (value, "1", "-1") else value
    return f"∂{step.label}/∂{label} = {shown}" + (f" ({text})" if (text := summed(edge)) else "")


def _row(trace, at, line, call, value, tangent, adjoint, local, beside, is_guilty=False):
    row = [at, line, call, number(value), number(tangent), number(adjoint), local]
    if not trace.other:
        return row
    if beside is None:
        return [*row, "", ""]
    for k, what in enumerate(("value", "tangent", "adjoint"), 3):
        if what in beside.differs:
            row[k] += f"\n{trace.other} {number(getattr(beside, what))}"
    mark = "≠" if is_guilty else "(≠)" if beside.differs else "=" if beside.operations or not at else ""
    return [*row, "\n".join(x.text for x in beside.operations) or beside.note, mark]


def table(trace):
    """The table for rich."""
    from rich.text import Text

    styles = "dim", "dim", "bold", "", "cyan", "yellow", "dim", "", ""
    return _table(trace, columns(trace), styles, lambda row: map(Text, row))


def narrow(trace):
    """The table for rich where that is too wide: local derivatives, and what the other does, are below each call."""
    from rich.text import Text

    def below(row):
        *head, call, value, tangent, adjoint, local, theirs, mark = [*row, "", ""][:9]
        theirs = theirs and f"{trace.other} {theirs}"
        lines = [(call, "bold"), *((f"\n{text}", style) for text, style in ((local, "dim"), (theirs, "")) if text)]
        return [*map(Text, head), Text.assemble(*lines), *map(Text, (value, tangent, adjoint, mark))]

    made = _table(trace, (*_COLUMNS[:-1], ""), ("dim", "dim", "", "", "cyan", "yellow", ""), below)
    made.padding = 0, 1, 0, 0
    for column in made.columns[3:6]:
        column.max_width = _NUMBER
    return made


def _table(trace, names, styles, texts):
    from rich import box
    from rich.table import Table

    made = Table(*names, title=trace.name, box=box.SIMPLE_HEAD, title_justify="left", highlight=False)
    for column, style in zip(made.columns, styles, strict=False):
        column.style, column.overflow = style, "fold"
    for row, is_wrong in rows(trace):
        made.add_row(*texts(row), style="red" if is_wrong else "")
    return made


def fitting(trace, console, options):
    """The table that has room."""
    from rich.measure import Measurement

    made = table(trace)
    needed = Measurement.get(console, options.update(width=10**4), made).maximum
    return made if needed <= options.max_width else narrow(trace)


def text(trace, width=None):
    from rich.console import Console

    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(trace)
    lines = [line.rstrip() for line in captured.get().rstrip().splitlines()]
    return "\n".join([*lines, *trace.notes, *map(str, trace.differences)])


def markup(trace):
    """The table as HTML."""
    cell = lambda tag, text: f"<{tag}>{html.escape(text).replace(chr(10), '<br>')}</{tag}>"
    head = "".join(cell("th", text) for text in columns(trace))
    body = [
        f"<tr{' style=color:#b3211f' if is_wrong else ''}>{''.join(cell('td', text) for text in row)}</tr>"
        for row, is_wrong in rows(trace)
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
