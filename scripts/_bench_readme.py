"""The tables of speed in the README and on its page, from the bench's figures, which ``.readme/bench.json`` keeps."""

import json
import re
from dataclasses import replace

from _bench_page import stamps_of, tables
from _results import ROOT
from _tables import Table

TEXTS, KEPT = (ROOT / "README.md", ROOT / ".readme" / "speed.md"), ROOT / ".readme" / "bench.json"
NAMES = {
    "chain": "chain of 100 sin and tanh on 4 floats",
    "classifier": "the notebook's classifier",
    "MLP": "MLP, 64 inputs, 128 samples",
    "RNN": "RNN of 50 steps",
    "GMM": "Gaussian mixture, 1000 points",
    "ODE": "ODE, 200 Runge–Kutta steps",
    "GP": "Gaussian process, 100 points",
    "Rosenbrock": "Rosenbrock, 20 Python floats",
    "hvp": "Hessian times vector, Rosenbrock of 100",
}
PACKAGES = {"autograd": "autograd", "MyGrad": "mygrad", "PyTorch": "torch", "JAX eager": "jax"}


def update(document):
    """Keep the figures and write the tables between their marks."""
    KEPT.write_text(_json(document) + "\n", encoding="utf-8")
    for text in TEXTS:
        text.write_text(filled(text.read_text(encoding="utf-8"), document), encoding="utf-8")


def _json(x, line="\n"):
    """As JSON, a row of a table to a line."""
    if not isinstance(x, (dict, list)) or not x or "figures" in x:
        return json.dumps(x, ensure_ascii=False)
    inner = line + " "
    if isinstance(x, list):
        return f"[{inner}{f',{inner}'.join(_json(part, inner) for part in x)}{line}]"
    pairs = (f"{json.dumps(key, ensure_ascii=False)}: {_json(part, inner)}" for key, part in x.items())
    return f"{{{inner}{f',{inner}'.join(pairs)}{line}}}"


def filled(text, document):
    """``text`` with what stands between ``<!-- bench: NAME -->`` and ``<!-- end -->`` made anew; ValueError."""

    def section(match):
        if match[1] not in SECTIONS:
            raise ValueError(f"no table {match[1]} is made; there are {', '.join(SECTIONS)}")
        return f"<!-- bench: {match[1]} -->\n{SECTIONS[match[1]](document)}\n<!-- end -->"

    return re.sub(r"<!-- bench: (.*?) -->\n.*?<!-- end -->", section, text, flags=re.S)


def _taken(document):
    """When, where and with what the figures were taken."""
    stamps = [f"{', '.join(parts)}: {stamp}" for stamp, parts in stamps_of(document).items()]
    words = stamps[0].split(": ", 1)[1] if len(stamps) == 1 else "; ".join(stamps)
    return f"Medians of CPU time, or ratios of them, taken on {words}. In brackets stands the aim where it is missed."


def _eager(document):
    """Ours ÷ each engine; the engines with their versions."""
    table, versions = tables(document)["eager"]["Eager"], document["parts"]["eager"]["settings"]["versions"]
    heads = {}
    for column in table.columns[1:]:
        name = column.removeprefix("÷ ")
        heads[column] = f"{column} {versions[PACKAGES[name]]}" if name in PACKAGES else column
    return _named(table).markdown(heads)


def _compiled(document):
    columns = ("÷ eager", "÷ by hand", "÷ jax.jit", "recording ÷ eager")
    return _named(tables(document)["compiled"]["Compiled"]).markdown({column: column for column in columns})


def _all_of(part):
    """The tables of a part, with all columns."""

    def section(document):
        found = tables(document)[part].values()
        return "\n\n".join(table.markdown({column: column for column in table.columns}) for table in found)

    return section


def _adbench(document):
    """The largest size of each objective."""
    found = tables(document)["adbench"].values()
    rows = [replace(t.rows[-1], name=f"{t.title.removeprefix('ADBench: ')}, {t.rows[-1].name}") for t in found]
    table = Table("ADBench", rows)
    return table.markdown({column: column for column in table.columns})


def _rules(document):
    """Elementwise rules, which have an aim or a reason, by their median and what misses the aim; the others' median."""
    (table,) = tables(document)["rules"].values()
    elementwise = [row for row in table.rows if row.note or row.figures[PULLBACK].aim]
    others = [row for row in table.rows if row not in elementwise]
    parts = (elementwise, "arguments of elementwise functions"), (others, "arguments of other functions")
    rows = [
        row for rows, what in parts for row in replace(table, rows=rows).summary([PULLBACK], f"{len(rows)} {what}").rows
    ]
    return replace(table, rows=rows).markdown({PULLBACK: PULLBACK})


PULLBACK = "pullback ÷ function"


def _summary(part, columns=None):
    """All programs of a part by the medians of these columns, or of all, and the programs that miss an aim."""

    def section(document):
        (table,) = tables(document)[part].values()
        shown = columns or table.columns
        return table.summary(shown, f"{len(table.rows)} programs").markdown({column: column for column in shown})

    return section


def _named(table):
    return replace(table, rows=[replace(row, name=NAMES.get(row.name, row.name)) for row in table.rows])


SECTIONS = {
    "taken": _taken,
    "eager": _eager,
    "jacobians": _all_of("jacobians"),
    "compiled": _compiled,
    "structured": _all_of("structured"),
    "memory": _all_of("memory"),
    "adbench": _adbench,
    "rules": _rules,
    "kinds": _summary("kinds", ["÷ f", "jvp ÷ f", "÷ autograd", "compiled ÷ ours", "compiled ÷ jax.jit"]),
    "xla": _summary("xla"),
}
