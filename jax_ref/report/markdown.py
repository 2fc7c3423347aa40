"""Markdown: counts per ``Results``, and the failing cases by their causes, each with the line that runs it again."""

import html
import re
from collections import Counter
from pathlib import Path

from .groups import groups
from .records import COLUMNS, STATUSES, columns, text, title


def write(results, path):
    """Write the Markdown of these ``Results``."""
    lines = [
        "# Derivatives against JAX",
        "",
        f"| engine | {' | '.join((*COLUMNS, *STATUSES))} |",
        "|---" * (1 + len(COLUMNS) + len(STATUSES)) + "|",
    ]
    for result in results:
        counts = result.counts()
        compared = ["compared" if mode in columns(result.header) else "—" for mode in COLUMNS]
        cells = [_plain(result.title), *compared, *(str(counts.get(status, 0)) for status in STATUSES)]
        lines.append(f"| {' | '.join(cells)} |")
    for result in results:
        lines += ["", f"## {_plain(result.title)}", "", _plain(result.summary), ""]
        failures = groups(result)
        lines += ["No failures."] if not failures else []
        for group in failures:
            lines += _group(group)
        for status in ("missing", "blocked", "expected"):
            if units := Counter(r["unit"][0] for r in result.records if r["status"] == status):
                lines += ["", f"{status}: {', '.join(f'{_code(name)} ({n})' for name, n in units.items())}"]
    Path(path).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8", errors="replace")


def _group(group):
    """One cause: where it shows, its smallest case in full, and how each of the others is run."""
    example, *others = group.records
    lines = [f"### {group.status}: {_code(group.cause if others else title(example))}", ""]
    if others:
        names = ", ".join(map(_code, group.functions))
        lines += [f"In {group.extent}: {names}.", "", f"Such as {_code(title(example))}:", ""]
    lines += [*_block("text", text(example)), ""]
    lines += [f"Raised at {_code(group.at)}.", ""] if group.at else []
    lines += ["Run it again:", "", *_block("sh", example["rerun"]), ""]
    lines += ["The others:", "", *(f"- {_code(title(r))}: {_code(r['rerun'])}" for r in others), ""] if others else []
    return lines


def _plain(words):
    """Words on one line that are no markup."""
    return html.escape(re.sub(r"([\\`*\[\]|~])", r"\\\1", " ".join(words.split())), quote=False)


def _code(words):
    """Words on one line, as they are."""
    words = re.sub("[\r\n]", " ", words)
    marks = "`" * _longer(words, 1)
    return f"{marks} {words} {marks}" if "`" in words else f"`{words}`"


def _block(language, words):
    """Lines as they are, between fences that none of them closes."""
    fence = "`" * _longer(words, 3)
    return [f"{fence}{language}", words, fence]


def _longer(words, least):
    """One more than the most backticks in a row, and not less than this."""
    return max([least, *(len(run) + 1 for run in re.findall("`+", words))])
