"""Files of results are data that anybody may have written: refused in a line, or shown; and any text can be shown."""

import contextlib
import copy
import io
import json
import re
import string
import tempfile
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jax_ref.commands import cli
from jax_ref.engines.guard import LONGEST, harmless
from jax_ref.report import gpu, junit, markdown, page
from jax_ref.report.records import STATUSES, answered, lines, results, text, title
from jax_ref.report.words import EVENTS

FINDING = {
    "what": "vjp",
    "mode": "rev",
    "place": "[0]",
    "problem": "[0][1]: 4.0, not 2.0",
    "hint": "ratio 2",
    "verdict": "JAX is right",
    "index": [1],
    "got": "4.0",
    "expected": "2.0",
}
HEADER = {
    "run": "r",
    "engine": "e",
    "modes": ["rev"],
    "order": 1,
    "seed": "",
    "case": None,
    "versions": {"numpy": "2"},
    "source": "s",
    "device": "cpu",
    "precision": "x64 on",
    "expect": [["np.g", "", "", "known"]],
    "when": "now",
}
RECORD = {
    "run": "r",
    "unit": ["np.f", "float32"],
    "case": "np.f(a)",
    "number": 0,
    "of": 1,
    "status": "wrong",
    "findings": [FINDING],
    "missing": "",
    "seconds": 0.5,
    "rerun": "scratch-ad check np.f",
    "order": 1,
    "size": 3,
    "calls": ["np.h"],
    "excused": [FINDING],
    "beside_cpu": [FINDING],
}
MANY = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
ANY_TEXT = st.text(st.characters(codec=None) | st.sampled_from("`|<>&\n\r\0\x1b\x85\u2028\ud800\ufffe]\"'#*_\\"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)


def places(x, path=()):
    """Where something stands in a record, at any depth."""
    for key, part in x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else ():
        yield (*path, key)
        yield from places(part, (*path, key))


PLACES = [(k, path) for k, line in enumerate((HEADER, RECORD)) for path in places(line)]


@st.composite
def mutated(draw):
    """A true file, with some parts replaced or dropped, and some bytes of it changed or cut off."""
    found = copy.deepcopy([HEADER, RECORD])
    for k, path in draw(st.lists(st.sampled_from(PLACES), max_size=2)):
        try:
            holder = found[k]
            for key in path[:-1]:
                holder = holder[key]
            if draw(st.booleans()):
                holder[path[-1]] = draw(JSON)
            else:
                del holder[path[-1]]
        except (LookupError, TypeError):  # of what was replaced before
            continue
    written = "".join(json.dumps(line) + "\n" for line in found).encode()
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(written)))
        written = written[:at] + draw(st.binary(max_size=4)) + written[at + draw(st.integers(0, 9)) :]
    return written


def reported(path, capsys):
    """The exit status of ``scratch-ad report``, which says one line where it is not 0."""
    status = cli.main(["report", str(path), "--out", str(path.parent / "page")])
    said = capsys.readouterr()
    assert status in (cli.GOOD, cli.USAGE), said.err
    assert (status == cli.GOOD) == (said.err == "") and said.err.count("\n") <= 1, said.err
    return status


def test_a_mutated_file_is_reported_or_refused_in_one_line(tmp_path, capsys):
    statuses = []

    @MANY
    @given(mutated())
    def run(written):
        path = tmp_path / "results.jsonl"
        path.write_bytes(written)
        statuses.append(reported(path, capsys))
        if statuses[-1] == cli.GOOD:
            ET.parse(tmp_path / "page" / "junit.xml")

    run()
    assert {*statuses} == {cli.GOOD, cli.USAGE}


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "1e999", "-1", "9" * 40, "true", '"1"', "null", "[]", "9" * 400, "9" * 5000]
)
def test_a_number_that_is_none_is_refused(number, tmp_path, capsys):
    for name in ("seconds", "number", "of"):
        path = tmp_path / "results.jsonl"
        record = json.dumps({**RECORD, name: 0}).replace(f'"{name}": 0', f'"{name}": {number}')
        path.write_text(f"{json.dumps(HEADER)}\n{record}\n")
        assert reported(path, capsys) == cli.USAGE


@pytest.mark.parametrize(
    "parts", [{"status": "expected"}, {"status": "right"}, {"unit": ["np.f", "float8"]}, {"unit": ["np.f"]}, {"of": 0}]
)
def test_a_record_whose_parts_do_not_go_together_is_refused(parts, tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    path.write_text(f"{json.dumps(HEADER)}\n{json.dumps(RECORD | parts)}\n")
    assert reported(path, capsys) == cli.USAGE


def test_what_is_nested_without_end_is_refused(tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    for deep in ("[" * 10**5, '{"unit":' * 10**5):
        path.write_text(f"{json.dumps(HEADER)}\n{deep}\n")
        assert reported(path, capsys) == cli.USAGE
        with pytest.raises(ValueError, match="nested"):
            answered(deep)


def test_a_record_of_an_older_version_is_read(tmp_path):
    older = {name: part for name, part in RECORD.items() if name not in ("order", "calls", "excused", "beside_cpu")}
    path = tmp_path / "results.jsonl"
    path.write_text(f"{json.dumps(HEADER)}\n{json.dumps(older)}\n")
    assert lines(path) == [HEADER, older]


@MANY
@given(st.builds(lambda words, n: words * n, ANY_TEXT, st.sampled_from([1, 1, LONGEST // 4, LONGEST])))
def test_a_harmless_text_is_printable_and_stays_as_it_is(words):
    shown = harmless(words)
    assert shown.replace("\n", "").replace("\t", "").isprintable() and len(shown) <= LONGEST
    assert harmless(shown) == shown and (shown == words or not words.isprintable() or len(words) > LONGEST)


# What is made of any text


def told(words):
    """``Results`` in which these words stand wherever a text does."""

    def put(x):
        if isinstance(x, dict):
            return {name: put(part) for name, part in x.items()}
        return [put(part) for part in x] if isinstance(x, list) else words if isinstance(x, str) else x

    said = put({name: RECORD[name] for name in ("case", "findings", "missing", "rerun", "excused", "beside_cpu")})
    header = put({name: HEADER[name] for name in ("engine", "seed", "device", "precision", "when", "versions")})
    return results([HEADER | header, RECORD | said | {"unit": [words, "float32"]}])


class Tags(HTMLParser):
    def __init__(self, written):
        super().__init__()
        self.found = []
        self.feed(written)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, *sorted(name for name, _ in attrs)))


def test_any_text_leaves_the_page_its_tags(tmp_path):
    def tags(words):
        page.write(told(words), tmp_path / "index.html")
        return Tags((tmp_path / "index.html").read_text()).found

    plain = tags("plain")

    @MANY
    @given(ANY_TEXT.filter(lambda words: words and words not in (*STATUSES, *EVENTS)))  # which have signs of their own
    def run(words):
        assert tags(words) == plain

    run()


def test_any_text_leaves_junit_well_formed(tmp_path):
    path = tmp_path / "junit.xml"

    @MANY
    @given(ANY_TEXT)
    def run(words):
        (result,) = told(words)
        junit.write([result], path)
        (case,) = ET.parse(path).getroot().iter("testcase")
        kept = lambda s: [c for c in s if c in string.ascii_letters + string.digits + "<>&|`"]
        assert kept(case.get("name")) == kept(title(result.records[0]))
        assert kept(case.find("failure").text) == kept(f"{text(result.records[0])}rerun{words}")

    run()


def test_any_text_stays_within_its_place_in_markdown(tmp_path):
    path = tmp_path / "report.md"

    def blocks(words):
        """What stands outside of fenced blocks, and in them, as CommonMark reads it."""
        (result,) = told(words)
        markdown.write([result], path)
        outside, inside, fence = [], [], None
        for line in path.read_text().split("\n"):
            mark = re.match(r" {0,3}(`{3,})([^`]*)$", line)
            if fence and mark and len(mark[1]) >= len(fence) and not mark[2].strip():
                fence = None
            elif fence:
                inside.append(line)
            elif mark:
                fence = mark[1]
            else:
                outside.append(line)
        assert fence is None
        return outside, "".join("\n".join(inside).split()), result.records[0]

    count = len(blocks("plain")[0])

    @MANY
    @given(ANY_TEXT)
    def run(words):
        outside, inside, record = blocks(words)
        assert len(outside) == count
        shown = f"{text(record)}\n{record['rerun']}".encode(errors="replace").decode()
        assert inside == "".join(shown.split())
        rows = [line for line in outside if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}) == 1
        assert not any(re.search("<[a-z!/]", re.sub("(`+).*?\\1", "", line)) for line in outside)

    run()


# Other files


def test_a_mutated_file_of_the_gpu_is_refused_in_one_line(tmp_path, capsys):
    path = tmp_path / "gpu.json"
    run = {"versions": {"jax": "1"}, "driver": "1", "device": "gpu", "precision": "x64 on", "when": "2026-01-01"}
    rows = [{"name": "square", "counts": {"right": 3}}]
    true = {"run": run, "steps": {"families": {"rows": rows, "status": "done", "of": 1}}}
    assert "2026-01-01" in gpu.tables_of(path) if path.write_text(json.dumps(true)) else False

    @MANY
    @given(st.sampled_from([*places(true)]), JSON)
    def mutate(place, value):
        found = holder = copy.deepcopy(true)
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = value
        path.write_text(json.dumps(found))
        status, said = cli.main(["report", "--gpu", str(path)]), capsys.readouterr()
        assert status in (cli.GOOD, cli.USAGE) and said.err.count("\n") == (status == cli.USAGE), said.err

    mutate()


@MANY
@given(st.binary(max_size=60) | st.just(b"np.sin float32 # a\xe2\x80\xa8b\nnp.sin\0 # c\n"))
def test_any_file_of_known_failures_is_read_or_refused_in_one_line(content):
    said = io.StringIO()
    with tempfile.NamedTemporaryFile() as file, contextlib.redirect_stderr(said):
        file.write(content)
        file.flush()
        with contextlib.suppress(ValueError):
            cli._expected(file.name)
