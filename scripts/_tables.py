"""What the bench measures, as data: tables of figures, each with its spread and the aim that it is held against.

A table goes to the terminal, to JSON and back, to the page and to the README; so what all of them show is the same.
"""

import dataclasses
import math
import statistics

import rich.table
from rich.markup import escape

UNITS = {  # kind: how much each unit is, largest first
    "ratio": {"": 1},
    "count": {"": 1},
    "seconds": {"s": 1, "ms": 1e-3, "µs": 1e-6},
    "bytes": {"MB": 1e6, "kB": 1e3},
}


@dataclasses.dataclass(frozen=True)
class Figure:
    """A number; the quartiles of what it is the middle of; the most that it should be; what kind of number it is."""

    value: float
    low: float | None = None
    high: float | None = None
    aim: float | None = None
    kind: str = "ratio"

    @property
    def met(self):
        """Whether it is within the aim; None where there is none."""
        return None if self.aim is None else self.value <= self.aim

    @property
    def mark(self):
        return {True: "✓", False: "✗", None: ""}[self.met]

    @property
    def unit(self):
        """The unit to write it in: the largest of which it has more than one."""
        units = UNITS[self.kind]
        return next((unit for unit, size in units.items() if abs(self.value) >= size), list(units)[-1])

    def say(self, number):
        return f"{number:,.0f}" if self.kind == "count" else digits(number / UNITS[self.kind][self.unit])

    @property
    def text(self):
        """With as many digits as tell it from an aim that it misses."""
        said = self.say(self.value)
        if self.met is False and said == self.say(self.aim):
            said = f"{self.value / UNITS[self.kind][self.unit]:.4g}"
        return f"{said} {self.unit}".rstrip()

    @property
    def spread(self):
        return "" if self.low is None else f"{self.say(self.low)}–{self.say(self.high)}"

    @property
    def limit(self):
        return "" if self.aim is None else f"≤ {self.say(self.aim)} {self.unit}".rstrip()


@dataclasses.dataclass(frozen=True)
class Row:
    """One thing measured, a figure for each column that it has one for, and what is to be said of it."""

    name: str
    figures: dict[str, Figure]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows under one title; ``note`` says what was done and how to read it."""

    title: str
    rows: list[Row]
    note: str = ""

    @property
    def columns(self):
        """In the order in which the rows first have them."""
        return list(dict.fromkeys(column for row in self.rows for column in row.figures))

    @property
    def aims(self):
        return [figure for row in self.rows for figure in row.figures.values() if figure.met is not None]

    def row(self, name):
        return next(row for row in self.rows if row.name == name)

    def summary(self, columns, what):
        """The median of some columns over all rows, called ``what``, and the rows in which one misses its aim."""
        of = {column: [row.figures[column] for row in self.rows if column in row.figures] for column in columns}
        medians = {column: Figure(statistics.median(figure.value for figure in of[column])) for column in columns}
        missed = [row for row in self.rows if any(row.figures[c].met is False for c in columns if c in row.figures)]
        return dataclasses.replace(self, rows=[Row(f"{what}, the median", medians), *missed])

    def terminal(self):
        shown = rich.table.Table("", title=escape(self.title), title_justify="left", caption=escape(self.note))
        shown.caption_justify = "left"
        for column in self.columns:
            shown.add_column(escape(column), justify="right")
        for row in self.rows:
            cells = [row.figures.get(column) for column in self.columns]
            texts = ["\n".join(filter(None, (c.text, f"{c.limit} {c.mark}".strip()))) if c else "–" for c in cells]
            shown.add_row(escape(row.name), *texts)
            if row.note:
                shown.add_row(f"[dim]  {escape(row.note)}")
        return shown

    def markdown(self, heads):
        """The columns named in ``heads``, with what to call them; an aim stands in brackets where it is missed."""
        lines = [["", *heads.values()], ["---"] + ["---:"] * len(heads)]
        for row in self.rows:
            cells = [row.figures.get(column) for column in heads]
            lines.append([row.name, *(_brief(cell) for cell in cells)])
        return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)

    @classmethod
    def read(cls, data):
        """From what ``dataclasses.asdict`` makes of a table."""
        rows = [
            Row(row["name"], {name: Figure(**figure) for name, figure in row["figures"].items()}, row["note"])
            for row in data["rows"]
        ]
        return cls(data["title"], rows, data["note"])


def _brief(figure):
    if figure is None:
        return "–"
    return figure.text + (f" ({figure.limit})" if figure.met is False else "")


def digits(number):
    """Three digits of a number, two of one below 1, without an exponent: 12,300, 4.57, 0.045."""
    if number == 0 or not math.isfinite(number):
        return f"{number:g}"
    exponent = math.floor(math.log10(abs(number)))
    places = max(0, (2 if exponent >= 0 else 1) - exponent)
    text = f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
