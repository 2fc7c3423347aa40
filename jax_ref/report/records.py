"""The file of results: JSON lines, appended to as units finish, and what they say when all are read.

A header opens each run: ``run`` (a name made of all that may change a result), ``engine``, ``versions``, ``device``,
``precision``, ``modes``, ``order``, ``seed``, ``expect`` and ``when``. A record is one case: ``run``, ``unit``
([function, dtype]), ``case``, ``number`` (in its unit), ``of`` (how many the unit has), ``status``, ``findings``,
``missing``, ``seconds``, ``rerun``; of a composite that is not right ``calls``, the functions that it is made of; and
where the referee finds JAX wrong ``excused``, the findings that are none.
Files are merged by joining them; of a unit in several runs of an engine the last counts.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

FAILED = ("wrong", "error", "timeout", "crashed")
STATUSES = ("right", *FAILED, "missing", "blocked", "expected")
DTYPES = ("float16", "float32", "float64", "longdouble", "complex64", "complex128")


class Expectation(NamedTuple):
    """A failure that is known: of a function, in a dtype and where the case contains a text, if these are given."""

    function: str
    dtype: str
    part: str
    reason: str

    def covers(self, unit):
        return self.function == unit[0] and self.dtype in ("", unit[1])

    def matches(self, record):
        return self.covers(record["unit"]) and self.part in record["case"]

    def __str__(self):
        return " ".join(part for part in self[:3] if part)


def expectations(path):
    """Those of a file, one per line: ``function [dtype] [part of the case] # reason``.

    Raises ValueError for a line without a reason.
    """
    found = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        what, _, reason = line.partition(" # ")
        if not reason.strip():
            raise ValueError(f"{path}:{number}: no reason; write: function [dtype] [part of the case] # reason")
        function, _, rest = what.strip().partition(" ")
        dtype, _, part = rest.strip().partition(" ")
        if dtype not in DTYPES:
            dtype, part = "", rest
        found.append(Expectation(function, dtype, part.strip(), reason.strip()))
    return found


def lines(path):
    """The lines of a file of results as dicts; a last line that was broken off is left out.

    Raises ValueError for any other line that is none.
    """
    text = Path(path).read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1].splitlines()
    found = []
    for number, line in enumerate(whole, 1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}:{number} is no record: {error}") from None
    return found


class Log:
    """One file of results, of which this is the only writer; with no path, nothing is kept."""

    def __init__(self, path):
        self._file = None
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "ab+")  # noqa: SIM115  (closed by close)
            self._file.seek(0)
            self._file.truncate(self._file.read().rfind(b"\n") + 1)

    def append(self, records):
        if self._file:
            self._file.write("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode())
            self._file.flush()

    def close(self):
        if self._file:
            self._file.close()


def finished(found, run):
    """The records of those units that this run has finished, by unit, from ``lines``."""
    units = {}
    for record in found:
        if record["run"] == run and "unit" in record:
            units.setdefault(tuple(record["unit"]), {})[record["number"]] = record
    return {unit: [*of.values()] for unit, of in units.items() if len(of) == next(iter(of.values()))["of"]}


class Counts(Counter):
    """How many cases have each status, in the order of ``STATUSES``."""

    @classmethod
    def of(cls, records):
        counted = Counter(r["status"] for r in records)
        return cls({status: counted[status] for status in STATUSES if counted[status]})

    def __str__(self):
        return ", ".join(f"{n} {status}" for status, n in self.items()) or "no cases"


@dataclass
class Results:
    """What one engine's runs say: the last ``header``, and each case's record with its final status.

    An expected failure has status "expected" and the reason under ``reason``. A composite fails "blocked" where a
    function that it is made of fails too, or is lacking altogether where it is missing; ``reason`` names it.
    ``unmatched``: expectations of functions that were run, which match no failure.
    """

    header: dict
    records: list
    unmatched: list

    engine = property(lambda self: self.header["engine"])

    def counts(self):
        """How many cases have each status that occurs."""
        return Counts.of(self.records)

    def failures(self):
        return [r for r in self.records if r["status"] in FAILED]

    def __str__(self):
        return f"{self.engine}: {self.counts()}"


def results(found):
    """``Results`` per engine, in the order of their first headers, from the ``lines`` of one or several files."""
    headers, units = {}, {}
    for line in found:
        if "unit" not in line:
            headers.pop(line["run"], None)
            headers[line["run"]] = line
            units.setdefault(line["engine"], {})
            continue
        if line["run"] not in headers:
            raise ValueError(f"a record of the run {line['run']} comes before its header: join the files whole.")
        of_engine = units[headers[line["run"]]["engine"]]
        key = tuple(line["unit"])
        if key not in of_engine or next(iter(of_engine[key].values()))["run"] != line["run"]:
            of_engine.pop(key, None)
            of_engine[key] = {}
        of_engine[key][line["number"]] = line
    last = {header["engine"]: header for header in headers.values()}
    return [_judged(last[engine], of_engine) for engine, of_engine in units.items()]


def _judged(header, units):
    raw = [units[unit][number] for unit in sorted(units) for number in sorted(units[unit])]
    statuses = {unit: {r["status"] for r in of.values()} for unit, of in units.items()}
    lacking = {unit for unit, of in statuses.items() if of == {"missing"}}
    failing = {unit for unit, of in statuses.items() if not of.isdisjoint(FAILED)}
    expected = [Expectation(*e) for e in header["expect"]]
    unmatched = {e for e in expected if any(map(e.covers, units))}
    records = []
    for record in raw:
        matching = [e for e in expected if record["status"] != "right" and e.matches(record)]
        unmatched -= set(matching)
        bad = failing if record["status"] in FAILED else lacking
        blockers = [name for name in record.get("calls", ()) if (name, record["unit"][1]) in bad]
        if matching:
            record = record | {"status": "expected", "reason": matching[0].reason}
        elif blockers:
            record = record | {"status": "blocked", "reason": f"blocked by {', '.join(blockers)}"}
        records.append(record)
    return Results(header, records, [e for e in expected if e in unmatched])


def text(record):
    """What a record says, in lines."""
    found = []
    for finding in record["findings"]:
        found.append(f"{finding['what']}: {finding['problem']}")
        found += [
            f"    {label}: {finding[key]}" for label, key in (("hint", "hint"), ("referee", "verdict")) if finding[key]
        ]
    found += [f"no rule: {record['missing']}"] if record["missing"] else []
    found += [record["reason"]] if record.get("reason") else []
    return "\n".join(found)


def title(record):
    """Its function, dtype and case on one line."""
    return "  ".join(part for part in (*record["unit"], record["case"]) if part)


def summary(header):
    """Where and with what a run was made, on one line."""
    versions = ", ".join(f"{name} {version}" for name, version in header["versions"].items())
    how = f"order {header['order']}, modes {' and '.join(header['modes'])}"
    return f"on {header['device']} ({header['precision']}), {how}, {header['when']}; {versions}"
