"""Tables of the rows that others measure: what each rule costs in eager mode, and what XLA counts for our programs."""

import _eager
import _xla
from _tables import Figure, Row, Table


def rules_tables(quick, seed, clock):
    """A rule is to take at most three times as long as its function, or to say why."""
    rows = {}
    for row in _eager.rows(quick):
        figures = {what: Figure(row[what], kind="seconds") for what in ("function", "pullback")}
        figures["pullback ÷ function"] = Figure(row["ratio"], aim=None if row["why"] else row["aim"])
        rows[row["ratio"], len(rows)] = Row(f"{row['name']}, {row['argument']}", figures, row["why"])
        yield Table("Rules", [row for _, row in sorted(rows.items(), reverse=True)], RULES)


RULES = "Reverse mode, dearest first: elementwise functions on 100,000 numbers, others on the largest of their cases."


def xla_tables(quick, seed, clock):
    """Flops and bytes of our derivative ÷ JAX's own, both under ``jit``: counts, the same on every machine."""
    rows = []
    for row in _xla.rows(quick):
        aims = {
            "flops": row["at most"],
            "bytes": row["bytes at most"],
            "tracing and lowering": _xla.LOWERING,
            "call": _xla.CALL,
        }
        figures = {f"{what} ÷ JAX": Figure(row[f"{what} ÷ JAX"], aim=aim) for what, aim in aims.items()}
        rows.append(Row(row["program"], figures, row["why"] or ""))
        yield Table("Under XLA", rows, XLA)


XLA = "Value and gradient: flops and bytes as XLA counts them, times to trace and to call."
