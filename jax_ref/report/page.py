"""The page: one HTML file with a grid of functions, dtypes and modes per engine, that opens to the failing cases."""

from pathlib import Path
from typing import NamedTuple

import jinja2

from .records import DTYPES, STATUSES, summary, text

MODES = ("fwd", "rev", "mixed")  # what is found in no single mode, or in one over the other, is "mixed"
# The worst first: what a cell shows that holds several.
_WORST = ("crashed", "timeout", "error", "wrong", "blocked", "missing", "expected", "right")


class Row(NamedTuple):
    """One function: the status of each of ``cells`` (dtype, mode, status), and its cases that are not right."""

    name: str
    cells: list
    groups: list

    @property
    def worst(self):
        return min((cell[2] for cell in self.cells if cell[2]), key=_WORST.index)


class Group(NamedTuple):
    """Cases of one dtype with the same status that say the same."""

    status: str
    dtype: str
    text: str
    records: list


def write(results, path):
    """Write the page of these ``Results``."""
    _render(path, results=[(r, summary(r.header), *_grid(r)) for r in results], statuses=STATUSES, modes=MODES)


def write_atlas(rows, path):
    """Write the page of ``rows``, dicts with the same keys, as one table."""
    columns = list(rows[0]) if rows else []
    _render(path, atlas=[[_plain(row[c]) for c in columns] for row in rows], columns=columns)


def _render(path, **values):
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.get_template("page.html.j2").render(values)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(page, encoding="utf-8")


def _grid(result):
    """The dtypes and modes that are the columns, and the rows."""
    dtypes = [d for d in DTYPES if any(r["unit"][1] == d for r in result.records)]
    modes = [m for m in MODES if m in result.header["modes"] or (m == "mixed" and len(result.header["modes"]) > 1)]
    functions = {}
    for record in result.records:
        functions.setdefault(record["unit"][0], []).append(record)
    return dtypes, modes, [_row(name, of, dtypes, modes) for name, of in functions.items()]


def _row(name, records, dtypes, modes):
    cells, groups = [], {}
    for dtype in dtypes:
        of_dtype = [r for r in records if r["unit"][1] == dtype]
        for mode in modes:
            statuses = [_in_mode(r, mode, modes) for r in of_dtype]
            cells.append((dtype, mode, min(statuses, key=_WORST.index) if statuses else ""))
    for r in records:
        if r["status"] != "right":
            key = r["status"], r["unit"][1], text(r)
            groups.setdefault(key, []).append(r)
    order = lambda group: (_WORST.index(group.status), group.dtype)
    return Row(name, cells, sorted((Group(*key, of) for key, of in groups.items()), key=order))


def _in_mode(record, mode, modes):
    """The status of a record as one mode shows it: right, where what was found is another mode's."""
    found = {_column(f["mode"], modes) for f in record["findings"] if f["what"] not in ("error", "timeout", "crashed")}
    return record["status"] if not found or mode in found else "right"


def _column(mode, modes):
    return mode if mode in modes else "mixed" if "mixed" in modes else modes[0]


def _plain(value):
    return (
        ""
        if value is None
        else ", ".join(f"{k}: {v}" for k, v in value.items())
        if isinstance(value, dict)
        else str(value)
    )
