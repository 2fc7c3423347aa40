"""Markdown: counts per ``Results``, and each failing case with the line that runs it again."""

from collections import Counter
from pathlib import Path

from .records import STATUSES, text, title


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
        lines.append(f"| {result.title} | {' | '.join(str(counts.get(status, 0)) for status in STATUSES)} |")
    for result in results:
        lines += ["", f"## {result.title}", "", result.summary, ""]
        failures = result.failures()
        lines += ["No failures."] if not failures else []
        for record in failures:
            lines += [f"### {record['status']}: `{title(record)}`", "", "```text", text(record), "```", ""]
            lines += ["Run it again:", "", "```sh", record["rerun"], "```", ""]
        for status in ("missing", "blocked", "expected"):
            if units := Counter(r["unit"][0] for r in result.records if r["status"] == status):
                lines += ["", f"{status}: {', '.join(f'`{name}` ({n})' for name, n in units.items())}"]
    Path(path).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
