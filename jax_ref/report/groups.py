"""Failures grouped by cause, across functions, dtypes and cases: what the terminal, Markdown and the page show."""

import re
from typing import NamedTuple

from .records import headline, title
from .words import EVENTS, cause

_NUMBER = re.compile(r"\b(0x[0-9a-f]+|\d+(\.\d+)?(e[+-]?\d+)?)\b")
NUMBER = "another number"
_FORMS = ("container", "shape", "dtype")


class Group(NamedTuple):
    """Cases that fail by the same cause, the smallest first, of the ``total`` that were run.

    ``at``: the user's own file and line where the engine raised, if it did.
    """

    status: str
    cause: str
    records: list
    total: int

    @property
    def example(self):
        return self.records[0]

    @property
    def at(self):
        return "{}:{}".format(*self.example["at"]) if self.example.get("at") else ""

    @property
    def functions(self):
        return sorted({record["unit"][0] for record in self.records})

    @property
    def extent(self):
        """In how many cases and functions."""
        n, functions = len(self.records), len(self.functions)
        cases = f"{'all ' if n == self.total > 1 else ''}{n} case{'s' if n > 1 else ''}"
        return f"{functions} functions, {cases}" if functions > 1 else f"1 function, {cases}"

    @property
    def title(self):
        """The status and the cause; of a case alone which one it is."""
        return f"{self.status}: {self.cause if len(self.records) > 1 else title(self.example)}"

    def named(self, most=None):
        """The functions, or that many of them, on one line."""
        names = self.functions
        left = len(names) - most if most and len(names) > most + 1 else 0
        return f"{', '.join(names[: len(names) - left])}{f', … and {left} more' if left else ''}"


def groups(result):
    """The failures of a ``Results`` as a list of ``Group``, those of the most functions and cases first."""
    alike = {}
    for record in result.failures():
        alike.setdefault((record["status"], *_causes(record)), []).append(record)
    found = []
    for (status, *_), records in alike.items():
        records.sort(key=lambda record: record.get("size") or float("inf"))  # what is empty tells least
        found.append(Group(status, _common(records), records, len(result.records)))
    return sorted(found, key=lambda group: (-len(group.functions), -len(group.records)))


def _causes(record):
    """What is the same in all records that fail by one cause: what they say, but for numbers that go with the case."""
    at = tuple(record.get("at", ()))
    kinds = lambda part: frozenset(_kind(f, at) for f in cause(record.get(part, ()), lambda f: f["what"]))
    found = kinds("findings"), kinds("beside_cpu")
    unexplained = any(said == NUMBER for _, said in found[0] | found[1])
    return *found, at, record["unit"][0] if unexplained else ""  # which may have other reasons in another function


def _kind(finding, at):
    if finding["what"] in EVENTS:
        raised = finding["problem"]
        return finding["what"], raised.partition(": ")[0] if at else _unnumbered(raised)
    return finding["what"], _said(finding)


def _said(finding):
    """What looks wrong, in words that are the same for arrays of other sizes and numbers."""
    if hint := finding["hint"]:
        return _unnumbered(hint) if "element" in hint else hint  # which counts them
    if finding.get("expected") is not None:
        return NUMBER
    problem = finding["problem"].removeprefix(f"{finding['place']}: ")
    form = problem.partition(" ")[0]
    return f"another {form}" if form in _FORMS else _unnumbered(problem)


def _unnumbered(words):
    return _NUMBER.sub("…", words)


def _common(records):
    """The cause of these records on one line."""
    found = [*cause(records[0]["findings"], lambda f: f["what"])] or records[0].get("beside_cpu", [])
    if found and found[0]["what"] not in EVENTS:
        said = {}
        for finding in found:
            said.setdefault(_said(finding), {})[finding["what"]] = None
        return "; ".join(f"{' and '.join(whats)}, {words}" for words, whats in said.items())
    heads = {headline(record) for record in records}
    if len(heads) == 1:
        return heads.pop()
    return (
        f"{headline(records[0]).partition(': ')[0]}: …" if records[0].get("at") else _unnumbered(headline(records[0]))
    )
