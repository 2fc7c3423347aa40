"""The file of results: JSON lines, appended to as units finish, and what they say when all are read.

A header opens each run: ``run`` (a name made of all that may change a result), ``engine``, ``modes``, ``order``,
``seed``, ``device``, ``precision``, ``case`` (of each unit the only one that was run, or None), ``versions``,
``source``, ``slack`` (the engine's), ``expect`` and ``when``. A record is one case: ``run``, ``unit`` ([function,
dtype]), ``case``, ``number`` (in its unit), ``of`` (how many the unit has), ``status``, ``findings``, ``missing``,
``seconds``, ``rerun``; where derivatives were compared ``order``, the highest; where it is not right ``size``, how
many numbers the arguments have; of a composite that is not right ``calls``, the functions that it is made of; of an
error in the user's code ``at``, its file and line; where the referee finds JAX wrong ``excused``, the findings that
are none; and on another device than the CPU ``beside_cpu``, the findings beside JAX's answer there.
Files are merged by joining them. Of a case in several runs that asked the same, the last record counts. A file is
data, whoever wrote it: what is no record is refused, and no text in one can harm a terminal, a page or a file.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..engines.guard import harmless
from ..measure.tolerances import Difference, Finding
from .words import EVENTS, told

FAILED = ("wrong", "error", "timeout", "crashed")
STATUSES = ("right", *FAILED, "missing", "blocked", "expected")
MODES = ("fwd", "rev")
COLUMNS = (*MODES, "mixed")  # mixed: one mode over the other, in second derivatives
ASKED = ("engine", "modes", "order", "seed", "device", "precision")  # what keeps runs apart
DTYPES = ("float16", "float32", "float64", "longdouble", "complex64", "complex128")

# What each part of a line is: a type, one of a tuple, a list of what stands in a list, a dict of a dict's parts, those
# that need not be there marked by "?", or of any parts for "*".
_HEADER = {
    **dict.fromkeys(("run", "engine", "device", "precision", "seed", "when", "source?"), str),
    "modes": [MODES],
    "order": (1, 2),
    "versions": {"*": str},
    "expect": [[str]],
    "case?": (None, int),
    "slack?": float,
}
_FINDING = {
    **dict.fromkeys(("what", "mode", "place", "problem", "hint", "verdict"), str),
    **dict.fromkeys(("got?", "expected?"), (None, str)),
    "index?": [int],
}
_ANSWER = {
    **dict.fromkeys(("case", "missing", "rerun", "reason?"), str),
    "unit": [str],
    **dict.fromkeys(("number", "of"), int),
    "order?": (1, 2),
    "status": ("right", *FAILED, "missing"),
    "seconds": float,
    "findings": [_FINDING],
    "excused?": [_FINDING],
    "beside_cpu?": [_FINDING],
    "calls?": [str],
    "at?": [(str, int)],
    "size?": int,
}
_RECORD = {"run": str, **_ANSWER}


def fits(x, kind):
    """Whether something read from JSON is of this kind."""
    if isinstance(kind, tuple):
        return any(x is k or (isinstance(k, type) and fits(x, k)) or (k == x and type(k) is type(x)) for k in kind)
    if isinstance(kind, list):
        return isinstance(x, list) and all(fits(part, kind[0]) for part in x)
    if isinstance(kind, dict):
        if not isinstance(x, dict):
            return False
        if "*" in kind:
            return all(fits(part, kind["*"]) for part in x.values())
        missing = [name for name in kind if not name.endswith("?") and name not in x]
        return not missing and all(fits(x[bare], kind[name]) for name in kind if (bare := name.rstrip("?")) in x)
    if kind in (int, float):
        number = isinstance(x, int | float if kind is float else int) and not isinstance(x, bool)
        return number and 0 <= x < 1e9  # and so no nan
    return isinstance(x, kind)


def checked(x, kind):
    """What was read from JSON, with harmless texts. Raises ValueError unless it is of this kind."""
    if not fits(x, kind):
        raise ValueError("it has other parts")
    return _harmless(x)


def _harmless(x):
    if isinstance(x, str):
        return harmless(x)
    if isinstance(x, dict):
        return {harmless(name): _harmless(part) for name, part in x.items()}
    return [*map(_harmless, x)] if isinstance(x, list) else x


def _checked_record(x, kind):
    """A record, or an answer that is one but for its run. Raises ValueError unless its parts go together as well."""
    x = checked(x, kind)
    unit, wrong = x["unit"], x["findings"] or x.get("beside_cpu") or x["missing"]
    if len(unit) != 2 or unit[1] not in DTYPES or x["of"] < 1 or (x["status"] == "right" and wrong):
        raise ValueError("its parts do not go together")
    return x


def answered(text):
    """The records in the JSON text of an answer to what is asked of a unit. Raises ValueError if it is none."""
    found = _parsed(text)
    if not isinstance(found, list):
        raise ValueError("no list of records")
    return [_checked_record(x, _ANSWER) for x in found]


def _parsed(text):
    """The content of JSON. Raises ValueError if it is none."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


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
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        what, _, reason = line.partition(" # ")
        if not reason.strip():
            raise ValueError(f"{path}:{number}: no reason; write: function [dtype] [part of the case] # reason")
        function, _, rest = what.strip().partition(" ")
        dtype, _, part = rest.strip().partition(" ")
        if dtype not in DTYPES:
            dtype, part = "", rest
        found.append(Expectation(*map(harmless, (function, dtype, part.strip(), reason.strip()))))
    return found


def whole_lines(path):
    """The lines of a text file, but for a last one that was broken off."""
    return Path(path).read_bytes().decode().split("\n")[:-1]  # other ends of lines may stand in a text


def lines(path):
    """The lines of a file of results as dicts; a last line that was broken off is left out.

    Raises ValueError for any other line that is none.
    """
    found = []
    for number, line in enumerate(whole_lines(path), 1):
        try:
            record = _parsed(line)
            is_header = not isinstance(record, dict) or "unit" not in record
            found.append(_checked_header(record) if is_header else _checked_record(record, _RECORD))
        except ValueError as error:
            raise ValueError(f"{path}:{number} is no record of a sweep: {error}.") from None
    return found


def _checked_header(x):
    x = checked(x, _HEADER)
    if not x["modes"] or len({*x["modes"]}) < len(x["modes"]) or any(len(e) != 4 for e in x["expect"]):
        raise ValueError("its parts do not go together")
    return x


class Log:
    """One file of JSON lines, gone on with or ``anew``, of which this is the only writer; no path: nothing is kept.

    What others, as engines under test, have done to the file meanwhile is undone when it is closed.
    """

    def __init__(self, path, anew=False):
        self._file, self._path = None, path
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            if anew:
                path.unlink(missing_ok=True)
            self._file = open(path, "ab+")  # noqa: SIM115  (closed by close)
            self._file.seek(0)
            there = self._file.read()
            self._written = [there[: there.rfind(b"\n") + 1]]
            self._file.truncate(len(self._written[0]))

    def append(self, records):
        if self._file:
            text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode(errors="replace")
            self._written.append(text)
            self._file.write(text)
            self._file.flush()

    def close(self):
        if not self._file:
            return
        self._file.close()
        whole = b"".join(self._written)
        if not self._path.is_file() or self._path.read_bytes() != whole:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            self._path.write_bytes(whole)


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
    """What the runs that asked the same of one engine say: the last ``header``, and each case's record.

    A record has its final status. An expected failure has status "expected" and the reason under ``reason``. A
    composite fails "blocked" where a function that it is made of fails too, or is lacking altogether where it is
    missing; ``reason`` names it. ``unmatched``: expectations of functions that were run, which match no failure.
    ``headers``: those of all runs that the records come from.
    """

    header: dict
    records: list
    unmatched: list
    headers: list

    engine = property(lambda self: self.header["engine"])

    @property
    def title(self):
        """The engine, and what was asked of it."""
        h = self.header
        seed = f", seed {h['seed']}" if h["seed"] else ""
        return f"{h['engine']}, {' and '.join(h['modes'])}, order {h['order']}{seed}, on {h['device']}"

    @property
    def summary(self):
        """When and with what the runs were made, on one line."""
        parts = [self.header["precision"], self.header["when"], _listed(self.header["versions"])]
        for what, key in (("the sources", "source"), ("the packages", "versions")):
            if (n := len({json.dumps(header.get(key), sort_keys=True) for header in self.headers})) > 1:
                parts.append(f"from {n} versions of {what}")
        return "; ".join(parts)

    def counts(self):
        """How many cases have each status that occurs."""
        return Counts.of(self.records)

    def failures(self):
        return [r for r in self.records if r["status"] in FAILED]

    def __str__(self):
        return f"{self.engine}: {self.counts()}"


@dataclass
class _Group:
    """The runs that asked the same: the last header, and the records by unit and number."""

    header: dict
    units: dict = field(default_factory=dict)
    sizes: dict = field(default_factory=dict)  # how many cases each unit has

    def opened(self, header):
        if header.get("case") is None or self.header.get("case") is not None:
            self.header = header

    def add(self, record, alone):
        """Take a record, which may be of a case that was run ``alone``."""
        unit = tuple(record["unit"])
        if not alone and self.sizes.setdefault(unit, record.get("of")) != record.get("of"):
            self.units[unit], self.sizes[unit] = {}, record["of"]
        self.units.setdefault(unit, {})[record["number"]] = record


def results(found):
    """``Results``, in the order of their first headers, from the ``lines`` of one or several files.

    Runs are kept apart by what was asked: see ``ASKED``. A unit that has another number of cases is replaced.
    """
    headers, groups = {}, {}
    for line in found:
        if "unit" not in line:
            headers[line["run"]] = line
            groups.setdefault(_asked(line), _Group(line)).opened(line)
        elif line["run"] not in headers:
            raise ValueError(f"a record of the run {line['run']} comes before its header: join the files whole.")
        else:
            header = headers[line["run"]]
            groups[_asked(header)].add(line, header.get("case") is not None)
    return [_judged(group.header, group.units, headers) for group in groups.values()]


def _asked(header):
    return json.dumps([header.get(name) for name in ASKED])


def _judged(header, units, headers):
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
    runs = dict.fromkeys([record["run"] for record in records]) or [header["run"]]
    return Results(header, records, [e for e in expected if e in unmatched], [headers[run] for run in runs])


def columns(header):
    """Those of ``COLUMNS`` that a run compares; the others were not asked, or the engine has no such mode or order."""
    both = len(header["modes"]) > 1 and header["order"] > 1
    return [*(mode for mode in MODES if mode in header["modes"]), *(["mixed"] if both else [])]


def text(record):
    """What a record says, in lines, the causes first."""
    found = [_finding(f) for f in record["findings"] if f["what"] != "missing"]
    lines = told(found, [_finding(f) for f in record.get("beside_cpu", ())])
    lines += [f"no rule: {record['missing']}"] if record["missing"] else []
    lines += [record["reason"]] if record.get("reason") else []
    return "\n".join(lines)


def excused(record):
    """What a record says of differences where the referee finds that the engine is right; empty if there are none."""
    return "\n".join(told([_finding(f) for f in record.get("excused", ())]))


def headline(record):
    """What matters most in a record, on one line: why it counts as it does, or else its first cause."""
    return record.get("reason") or text(record).partition("\n")[0]


def differing(record, findings="findings"):
    """What is wrong in a record but for the numbers: the same for cases that fail alike."""
    found = {
        (f.what, f.mode, f.hint or (f.difference.problem if f.what in EVENTS else ""))
        for f in map(_finding, record.get(findings, ()))
    }
    return frozenset(found), record["missing"], record.get("reason", "")


def _finding(found):
    place, index = found["place"], tuple(found.get("index", ()))
    where = f"{place}{list(index)}" if index else place
    difference = Difference(found["problem"].removeprefix(f"{where}: "), place, index)
    return Finding(found["what"], found["mode"], difference, found["hint"], found["verdict"])


def title(record):
    """Its function, dtype and case on one line."""
    return "  ".join(part for part in (*record["unit"], record["case"]) if part)


def summary(header):
    """Where and with what a run was made, on one line."""
    how = f"order {header['order']}, modes {' and '.join(header['modes'])}"
    left = [f"{column} —" for column in COLUMNS if column not in columns(header)]
    how += f" ({', '.join(left)}: not asked)" if left else ""
    return f"on {header['device']} ({header['precision']}), {how}, {header['when']}; {_listed(header['versions'])}"


def _listed(versions):
    return ", ".join(f"{name} {version}" for name, version in versions.items())
