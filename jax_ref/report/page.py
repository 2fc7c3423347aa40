"""The pages: per engine the causes of failures, and a grid of functions, dtypes and modes that opens to the cases; and
the atlas."""

from pathlib import Path
from typing import NamedTuple

import jinja2

from scratch_ad import tracing

from .groups import groups
from .records import COLUMNS as MODES
from .records import DTYPES, STATUSES, columns, differing, excused, text


class Sign(NamedTuple):
    """How a status looks in a cell, and what it means."""

    sign: str
    meaning: str


# The worst first: what a cell shows that holds several.
SIGNS = {
    "crashed": Sign("c", "its process ended abruptly"),
    "timeout": Sign("t", "it was not finished in time"),
    "error": Sign("!", "the engine, or JAX, raised an error"),
    "wrong": Sign("✗", "another number, dtype or shape, or forward and reverse mode contradict each other"),
    "blocked": Sign("b", "it is made of functions that fail, or are missing, themselves"),
    "missing": Sign("–", "the engine has no rule"),
    "expected": Sign("e", "a known failure, with its reason"),
    "right": Sign("✓", "the same as JAX, or right where JAX is not"),
    "excused": Sign("≠", "right, though JAX gives something else"),
    "unasked": Sign("—", "not asked, or a mode or order that the engine does not have"),
}
_WORST = [*SIGNS]


class Cell(NamedTuple):
    """Of one mode: the status, or "" where nothing was run, and the name of the group that tells why."""

    mode: str
    status: str
    group: str


class Group(NamedTuple):
    """Cases of one dtype with the same status, in which the same is wrong; what the first of them says."""

    name: str
    status: str
    dtype: str
    text: str
    records: list


class Row(NamedTuple):
    """One function: by dtype its cells, one per mode, and the cases that there is something to say about."""

    name: str
    cells: dict
    groups: list

    @property
    def ran(self):
        """The dtypes in which there is a case."""
        return [dtype for dtype, cells in self.cells.items() if any(c.status for c in cells)]

    @property
    def failing(self):
        """The dtypes in which something is not right."""
        return [dtype for dtype, cells in self.cells.items() if {c.status for c in cells} - {"", "right", "unasked"}]


class Section(NamedTuple):
    """One ``Results``: the causes of its failures, the dtypes and modes that are its columns, and its rows."""

    name: str
    result: object
    causes: list
    dtypes: list
    modes: list
    rows: list


def write(results, path):
    """Write the page of these ``Results``."""
    sections = [_section(f"run{k}", result) for k, result in enumerate(results, 1)]
    shown = {g.status for s in sections for row in s.rows for g in row.groups} | {"right"}
    shown |= {c.status for s in sections for row in s.rows for cells in row.cells.values() for c in cells}
    legend = [status for status in (*STATUSES, "excused", "unasked") if status in shown]
    _render("page.html.j2", path, sections=sections, signs=SIGNS, legend=legend, text=text)


def write_atlas(rows, path, where="", limits=(), beyond=(), found=()):
    """Write the page of ``rows``, each made by ``atlas.row``; ``where`` says with what they were computed.

    ``limits``, ``beyond``: where our own derivatives are wrong for a known reason, as those of ``cases.domains``.
    ``found``: the rows of ``atlas.found``.
    """
    kinds = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    parts = {"limits": limits, "beyond": beyond, "found": found}
    _render("atlas.html.j2", path, kinds=kinds, count=len(rows), where=where, **parts)


def _render(template, path, **values):
    loader = jinja2.FileSystemLoader([Path(__file__).parent, Path(tracing.__file__).parent])  # there: the colours
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.get_template(template).render(values)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(page, encoding="utf-8", errors="replace")


def _section(name, result):
    dtypes = [d for d in DTYPES if any(r["unit"][1] == d for r in result.records)]
    functions = {}
    for record in result.records:
        functions.setdefault(record["unit"][0], []).append(record)
    modes = columns(result.header)
    rows = [_row(name, *each, dtypes, modes) for each in functions.items()]
    return Section(name, result, groups(result), dtypes, MODES, rows)


def _row(section, name, records, dtypes, modes):
    cells, groups = {}, []
    for dtype in dtypes:
        of_dtype = [r for r in records if r["unit"][1] == dtype]
        groups += (of := _groups(f"{section}-{name}-{dtype}", dtype, of_dtype))
        cells[dtype] = []
        for mode in MODES:
            shown = (_in_mode(r, mode, modes) for r in of_dtype)
            status = min(shown, key=_WORST.index, default="")
            cells[dtype].append(Cell(mode, status, next((g.name for g in of if g.status == status), "")))
    return Row(name, cells, groups)


def _groups(name, dtype, records):
    alike = {}
    for record in records:
        if record["status"] != "right":
            alike.setdefault((record["status"], differing(record)), []).append(record)
        if record.get("excused"):
            alike.setdefault(("excused", differing(record, "excused")), []).append(record)
    groups = []
    for (status, _), of in sorted(alike.items(), key=lambda item: _WORST.index(item[0][0])):
        words = excused(of[0]) if status == "excused" else text(of[0])
        groups.append(Group(f"{name}-{len(groups)}", status, dtype, words, of))
    return groups


def _in_mode(record, mode, modes):
    """The status of a record as one mode shows it: right, where what was found is another mode's; or not asked."""
    if mode not in modes or (mode == "mixed" and record.get("order") == 1):
        return "unasked"
    found = [f["what"] for f in record["findings"] if not f["mode"] or _column(f["mode"], modes) == mode]
    if not found and record["findings"]:
        return "right"
    if not found or record["status"] in ("blocked", "expected"):
        return record["status"]
    return min((what if what in _WORST else "wrong" for what in found), key=_WORST.index)


def _column(mode, modes):
    """What is found in no single mode is "mixed"."""
    return mode if mode in modes else "mixed" if "mixed" in modes else modes[0]
