"""Markdown: counts per engine, and each failing case with the line that runs it again."""

from pathlib import Path

from .records import STATUSES, summary, text, title


def write(results, path):
    """Write the Markdown of these ``Results``."""
    lines = [
        "# Derivatives against JAX",
        "",
        f"| engine | {' | '.join(STATUSES)} |",
        "|---" * (1 + len(STATUSES)) + "|",
    ]
    for result in results:
        counts = result.counts()
        lines.append(f"| {result.engine} | {' | '.join(str(counts.get(status, 0)) for status in STATUSES)} |")
    for result in results:
        lines += ["", f"## {result.engine}", "", summary(result.header), ""]
        failures = result.failures()
        lines += ["No failures."] if not failures else []
        for record in failures:
            lines += [f"### {record['status']}: `{title(record)}`", "", "```", text(record), record["rerun"], "```", ""]
        for status in ("missing", "blocked", "expected"):
            if units := _by_unit(result.records, status):
                lines += ["", f"{status}: {', '.join(f'`{name}` ({n})' for name, n in units.items())}"]
    Path(path).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _by_unit(records, status):
    """How many cases have this status, by function."""
    counts = {}
    for record in records:
        if record["status"] == status:
            counts[record["unit"][0]] = counts.get(record["unit"][0], 0) + 1
    return counts
