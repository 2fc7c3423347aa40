"""What several runs say together; the page, JUnit XML and Markdown, which hold each failing case; and the atlas."""

import contextlib
import html
import io
import re
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from jax_ref.cases.domains import BEYOND
from jax_ref.cases.known_bugs import KNOWN_BUGS
from jax_ref.commands import cli
from jax_ref.commands.atlas import disagreements, row
from jax_ref.engines.protocol import Engine
from jax_ref.report import annotations, junit, markdown, page
from jax_ref.report.groups import groups
from jax_ref.report.progress import EARLY, SweepProgress
from jax_ref.report.records import excused, headline, lines, results, text, title
from jax_ref.sweep import sweep

pytestmark = pytest.mark.xdist_group("report")  # one run of everything serves all tests here
SOME = sweep.units(["square", "cbrt"], ["float32", "float64"])
OF_TESTS = ("DOUBLES", "RAISES", "LACKS")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The results of three engines, and the folder of their report."""
    folder = tmp_path_factory.mktemp("report")
    for engine in OF_TESTS:
        asked = sweep.Asked() if engine == "LACKS" else sweep.Asked(modes=("rev",), order=1)
        sweep.sweep(SOME, asked._replace(engine=f"test_sweep:{engine}"), ThreadPoolExecutor(1), folder / engine)
    paths = [folder / engine / "results.jsonl" for engine in OF_TESTS]
    assert cli.main(["report", *map(str, paths), "--out", str(folder)]) == cli.GOOD
    return folder, results([line for path in paths for line in lines(path)])


def header(run="r", **options):
    asked = {"engine": "e", "modes": ["fwd", "rev"], "order": 2, "seed": "", "device": "cpu", "precision": "x64 on"}
    made = {"case": None, "versions": {"numpy": "2"}, "source": "s", "expect": [], "when": "now"}
    return {"run": run, **asked, **made, **options}


def finding(what, mode, problem="wrong", **more):
    return {"what": what, "mode": mode, "place": "", "problem": problem, "hint": "", "verdict": "", **more}


def record(number=0, status="right", findings=(), run="r", of=2, dtype="float32", **more):
    of_unit = {"run": run, "unit": ["np.f", dtype], "case": f"np.f({number})", "number": number, "of": of}
    found = {"status": status, "findings": [*findings], "missing": "", "seconds": 0.5}
    return of_unit | found | {"rerun": f"scratch-ad check np.f --case {number}"} | more


def statuses(result):
    return [r["status"] for r in result.records]


# What several runs say together


def test_runs_that_asked_something_else_are_kept_apart():
    both, reverse = header("both"), header("reverse", modes=["rev"])
    wrong = [record(k, "wrong", [finding("jvp", "fwd")], "both") for k in range(2)]
    right = [record(k, run="reverse") for k in range(2)]
    found = results([both, *wrong, reverse, *right, both])
    assert [statuses(r) for r in found] == [["wrong", "wrong"], ["right", "right"]]
    assert [r.title for r in found] == ["e, fwd and rev, order 2, on cpu", "e, rev, order 2, on cpu"]
    for name, value in (("engine", "x"), ("order", 1), ("seed", "1"), ("device", "gpu"), ("precision", "x64 off")):
        assert len(results([both, *wrong, header("other", **{name: value})])) == 2
    assert results([header(seed="7"), record()])[0].title == "e, fwd and rev, order 2, seed 7, on cpu"


def test_a_case_run_again_replaces_that_case_alone():
    whole = [header(), record(0, "wrong", [finding("jvp", "fwd")]), record(1, "wrong", [finding("jvp", "fwd")])]
    (result,) = results([*whole, header("one", case=1), record(1, run="one", of=1)])
    assert statuses(result) == ["wrong", "right"] and result.header == whole[0]
    again = [header("one", case=1), record(1, run="one", of=1), *whole]
    assert [*map(statuses, results(again))] == [["wrong", "wrong"]]


def test_a_unit_with_another_number_of_cases_is_replaced():
    lost = record(0, "crashed", [finding("crashed", "")], of=1)
    (result,) = results([header(), *(record(k) for k in range(2)), header("new", source="t"), lost | {"run": "new"}])
    assert statuses(result) == ["crashed"] and "from" not in result.summary


def test_records_of_several_versions_say_so():
    found = [header("a"), record(0, run="a"), record(1, run="a"), header("b", source="t"), record(1, run="b")]
    (result,) = results(found)
    assert result.summary.endswith("; from 2 versions of the sources")
    newer = header("b", versions={"numpy": "3"})
    assert results([*found[:3], newer, found[-1]])[0].summary.endswith("numpy 3; from 2 versions of the packages")
    assert "from" not in results(found[:3])[0].summary


def test_the_causes_come_first_and_what_follows_from_them_in_one_clause():
    found = [
        finding("jvp along a combination", "fwd"),
        finding("vjp", "rev", "[0][1]: 4.0, not 2.0", place="[0]", index=[1], hint="constant ratio 2"),
        finding("jvp", "fwd", "[2]: 4.0, not 2.0", index=[2]),
        finding("value of jvp", "fwd", "3.0, not 1.0"),
        finding("vjp of vjp", "rev"),
    ]
    assert text(record(0, "wrong", found)).splitlines() == [
        "value: 3.0, not 1.0",
        "jvp, [2]: 4.0, not 2.0",
        "vjp, argument 0 [1]: 4.0, not 2.0",
        "  hint: constant ratio 2",
        "which makes sums of it and the second derivatives wrong too",
    ]
    assert text(record(0, "wrong", found[1:2] + found[4:])).endswith("\nwhich makes the second derivatives wrong too")
    assert text(record(0, "wrong", found[:3])).endswith("\nwhich makes sums of it wrong too")
    assert headline(record(0, "wrong", found)) == "value: 3.0, not 1.0"
    assert headline(record(0, "error", [finding("error", "", "e raised ZeroDivisionError")])).startswith("e raised")
    assert text(record(0, "missing", [finding("missing", "fwd", "np.f")], missing="np.f")) == "no rule: np.f"
    assert headline(record(0, "blocked", found, reason="blocked by np.g")) == "blocked by np.g"


# Causes


def failing(k, *findings, status="wrong", function="np.f", **more):
    return record(0, status, findings, of=1) | {"unit": [function, "float32"], "case": f"{function}({k})"} | more


def grouped(*records):
    (result,) = results([header(), *records])
    return groups(result)


def of_vjp(hint="", problem="1.5, not 1.0", **more):
    return finding("vjp", "rev", problem, hint=hint, **more)


def test_one_cause_in_many_functions_is_one_group_and_the_smallest_case_its_example():
    drift = "dtype drift: a constant"
    sizes = {"np.c": 9, "np.a": 0, "np.b": 2}
    records = [failing(n, of_vjp(drift), function=name, size=n) for name, n in sizes.items()]
    (group,) = grouped(*records, failing(1, function="np.d", status="right"))
    assert group.cause == f"vjp, {drift}" and group.functions == ["np.a", "np.b", "np.c"]
    assert group.example["unit"][0] == "np.b" and group.extent == "3 functions, 3 cases"
    assert grouped(*records)[0].extent == "3 functions, all 3 cases"
    assert [group.named(most) for most in (None, 2, 1)] == ["np.a, np.b, np.c"] * 2 + ["np.a, … and 2 more"]


def test_what_follows_from_a_cause_and_the_numbers_in_it_make_no_group_of_their_own():
    def count(*lists):
        return len(grouped(*(failing(k, *found, function=f"np.{k}") for k, found in enumerate(lists))))

    second = finding("vjp of vjp", "rev")
    assert count([of_vjp("wrong sign")], [of_vjp("wrong sign", "2.0, not -2.0"), second]) == 1
    assert count([of_vjp("dropped: 1 of 3 elements are zero")], [of_vjp("dropped: 2 of 9 elements are zero")]) == 1
    unexplained = [of_vjp(problem=f"{k}.5, not 1.0", expected="1.0", got=f"{k}.5") for k in range(3)]
    assert count(unexplained[:1], unexplained[1:2], unexplained[2:]) == 3
    assert len(grouped(*(failing(k, found, number=k, of=3) for k, found in enumerate(unexplained)))) == 1
    assert count([of_vjp(problem="shape (3,), not (4,)")], [of_vjp(problem="shape (), not (1, 1)")]) == 1
    assert count([of_vjp("constant ratio 2: a wrong factor")], [of_vjp("constant ratio 3: a wrong factor")]) == 2
    assert count([of_vjp("wrong sign")], [finding("jvp", "fwd", hint="wrong sign")]) == 2
    assert count([of_vjp("wrong sign")], [of_vjp("wrong sign"), finding("value", "")]) == 2
    assert count([of_vjp(problem="shape (3,), not (4,)")], [of_vjp(problem="dtype float32, not float64")]) == 2


def test_errors_of_one_line_are_one_group_and_tell_it():
    def raised(k, words, line, kind="ValueError"):
        said = finding("error", "", f"e raised {kind}: {words} (engine.py:{line})")
        return failing(k, said, status="error", function=f"np.{k}", at=["/home/engine.py", line])

    (group,) = grouped(raised(1, "shapes (1,)", 7), raised(2, "shapes (2,)", 7))
    assert group.at == "/home/engine.py:7" and group.cause == "e raised ValueError: …"
    assert grouped(raised(1, "same", 7), raised(2, "same", 7))[0].cause == "e raised ValueError: same (engine.py:7)"
    assert len(grouped(raised(1, "same", 7), raised(2, "same", 8), raised(3, "same", 7, "TypeError"))) == 3


def test_a_run_that_fails_everywhere_by_one_cause_says_so_after_ten_units(capsys):
    def said(*statuses):
        progress = SweepProgress()
        progress([header()], 0, len(statuses))
        for done, status in enumerate(statuses, 1):
            found = [finding("error", "", "e raised KeyError: 'x'")] if status == "error" else []
            progress([failing(done, *found, status=status, function=f"np.{done}")], done, len(statuses))
        return capsys.readouterr().out.count("by one cause")

    assert said(*["error"] * (EARLY + 1)) == said(*["error"] * 3 * EARLY) == 1
    assert said(*["error"] * EARLY) == said(*["error"] * 5, "right", *["error"] * EARLY) == 0


# The page


def test_the_page_holds_each_failing_case(files):
    folder, found = files
    shown = html.unescape((folder / "index.html").read_text())
    failing = [r for result in found for r in result.records if r["status"] != "right"]
    assert len(failing) > 10
    for r in failing:
        assert r["rerun"] in shown and r["case"] in shown
    for result in found:
        assert f"<h2>{result.title}</h2>" in shown and result.summary in shown
        for status, n in result.counts().items():
            assert f"<b>{n}</b> {status}" in shown and f"<b>{status}</b>: {page.SIGNS[status].meaning}" in shown


def test_cases_that_fail_alike_are_shown_once():
    def rows(*records):
        (section,) = [page._section("run1", result) for result in results([header(), *records])]
        return section.rows

    wrong = lambda k, ratio, **more: record(
        k, "wrong", [finding("jvp", "fwd", f"{k}.5, not 1.0", hint=f"constant ratio {ratio}")], of=4, **more
    )
    (row,) = rows(wrong(0, 2), wrong(1, 2), wrong(2, 3), wrong(3, 2, dtype="complex64"))
    assert [[r["number"] for r in g.records] for g in row.groups] == [[0, 1], [2], [3]]
    assert "0.5, not 1.0" in row.groups[0].text and row.failing == ["float32", "complex64"]
    (row,) = rows(wrong(0, 2, dtype="complex64"), wrong(1, 2, dtype="float64"), wrong(2, 2, dtype="float32"))
    assert [g.dtype for g in row.groups] == [*row.cells] == ["float32", "float64", "complex64"]
    cells = row.cells["float32"]
    assert [c.status for c in cells] == ["wrong", "right", "right"]
    assert [c.group for c in cells] == ["run1-np.f-float32-0", "", ""]


def test_the_page_shows_where_the_referee_finds_jax_wrong(tmp_path):
    said = finding("jvp", "fwd", "0.0, not nan", verdict="JAX is wrong, this is right")
    found = record(excused=[said], of=1)
    assert excused(found) == "jvp: 0.0, not nan\n  referee: JAX is wrong, this is right"
    page.write(results([header(), found]), tmp_path / "index.html")
    shown = (tmp_path / "index.html").read_text()
    assert "JAX is wrong, this is right" in shown and 'data-failing=""' in shown
    assert page.SIGNS["excused"].meaning in shown and page.SIGNS["wrong"].meaning not in shown


def test_rows_open_and_cells_lead_to_their_failures_without_a_script(files):
    shown = (files[0] / "index.html").read_text()
    targets = set(re.findall(r'id="([^"]+)"', shown))
    links = re.findall(r'<a class="sign \w+" href="#([^"]+)"', shown)
    assert links and set(links) <= targets and len(targets) == len(re.findall(r' id="', shown))
    assert shown.count("<summary") == shown.count("<details")


def test_the_page_needs_nothing_else(files):
    text = (files[0] / "index.html").read_text()
    assert not re.findall(r"(?:src|href)=\"(?!#)|url\(|@import", text)


def test_cells_tell_the_modes_apart():
    def cells(status, *found, modes=page.MODES):
        findings = [{"what": what, "mode": mode} for what, mode in found]
        return [page._in_mode({"status": status, "findings": findings}, mode, modes) for mode in modes]

    assert cells("wrong", ("vjp", "rev")) == ["right", "wrong", "right"]
    assert cells("wrong", ("vjp of jvp", "rev over fwd")) == ["right", "right", "wrong"]
    assert cells("crashed", ("crashed", "")) == ["crashed"] * 3
    assert cells("error", ("error", "rev"), ("jvp", "fwd")) == ["wrong", "error", "right"]
    assert cells("missing") == ["missing"] * 3
    assert cells("missing", ("missing", "fwd")) == ["missing", "right", "right"]
    assert cells("blocked", ("jvp", "fwd")) == ["blocked", "right", "right"]
    assert cells("error", ("error", "rev over fwd"), modes=("rev",)) == ["error"]


# JUnit XML and Markdown


def test_junit(files):
    folder, found = files
    root = ET.parse(folder / "junit.xml").getroot()
    suites = [*root]
    assert [suite.get("name") for suite in suites] == [result.title for result in found]
    for suite, result in zip(suites, found, strict=True):
        cases = {case.get("name"): case for case in suite.iter("testcase")}
        assert len(cases) == int(suite.get("tests")) == len(result.records)
        for record in result.records:
            (body, *_) = [*cases[title(record)], None]
            kinds = {"right": None, "wrong": "failure", "error": "error", "missing": "skipped", "blocked": "skipped"}
            assert (body is not None and body.tag) == (kinds[record["status"]] or False)
            assert body is None or (record["rerun"] in body.text and body.get("message") == headline(record))
    counted = (("testcase", "tests"), ("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))
    for element in (root, *suites):
        for kind, count in counted:
            assert len([*element.iter(kind)]) == int(element.get(count))


def test_markdown(files):
    folder, found = files
    written = (folder / "report.md").read_text()
    for result in found:
        assert f"## {result.title}\n" in written
        for record in result.failures():
            assert f"`{title(record)}`" in written and record["rerun"] in written
        for group in groups(result):
            assert f"\n```sh\n{group.example['rerun']}\n```\n" in written and f"In {group.extent}: " in written
        missing = {r["unit"][0] for r in result.records if r["status"] == "missing"}
        assert all(f"`{name}` (" in written for name in missing)


def test_text_cannot_break_the_page_or_the_xml(tmp_path):
    words = {"unit": ["<f>", "float32"], "case": "a & b", "rerun": "scratch-ad '<>'"}
    found = results([header(), record(0, "wrong", [finding("vjp", "rev", "</pre><script>\x1b")]) | words])
    page.write(found, tmp_path / "index.html")
    assert "</pre><script>" not in (tmp_path / "index.html").read_text()
    junit.write(found, tmp_path / "junit.xml")
    assert "</pre><script>" in ET.parse(tmp_path / "junit.xml").getroot().find(".//failure").text
    markdown.write(found, tmp_path / "report.md")


# Annotations

ANNOTATION = re.compile(r"::error (?:file=([^,:]*),line=(\d+),)?title=([^,:]*)::(.*)")


def unescaped(words):
    return re.sub("%(25|0D|0A|3A|2C)", lambda found: chr(int(found[1], 16)), words)


def test_annotations_stay_one_line_each_whatever_the_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b:c%.py").write_text("")
    hostile = "100 %\r\n::error::x, y: z %0A"
    at = {"at": [str(tmp_path / "a,b:c%.py"), 7], "unit": ["np.exp", "float32"]}
    other = {"at": ["/elsewhere/engine.py", 1], "unit": ["np.sin", "float32"]}
    records = [record(0, "error", [finding("error", "", hostile)], of=3) | at]
    records += [record(1, "wrong", [finding("vjp", "rev")], of=3) | at, record(2, of=3) | at]
    records += [record(0, "wrong", [finding("vjp", "rev", hostile)], of=1) | other]
    (found,) = results([header(), *records])
    annotated = [*annotations.github(found, Engine("of a test", vjp=max))]
    assert [line.splitlines() for line in annotated] == [[line] for line in annotated]
    matches = [ANNOTATION.fullmatch(line) for line in annotated]
    titles = [unescaped(match[3]) for match in matches]
    assert len(matches) == len(groups(found)) == 3
    assert all(title.startswith(f"{found.engine}, ") and title.endswith(" (1 function, 1 case)") for title in titles)
    for match in matches:
        assert "rerun: " in unescaped(match[4])
        assert (match[1], match[2]) == (None, None) or (unescaped(match[1]), match[2]) == ("a,b:c%.py", "7")
    assert sum(hostile in unescaped(match[4]) for match in matches) == 2


# The atlas


@pytest.fixture(scope="module")
def points():
    bugs = [bug for bug in KNOWN_BUGS if bug.id == "jax-std-const"]
    return [*disagreements(bugs, (), (np.arctan2,))]


def test_a_point_of_the_atlas_can_be_run_again(points):
    assert {len(point["point"]) for point in points} == {1, 2}
    for point in points:
        lines, out = row(point)["rerun"], io.StringIO()
        mode = "reverse" if "jacrev" in lines else "forward"
        with contextlib.redirect_stdout(out), np.errstate(all="ignore"):
            exec(lines, {})
        assert out.getvalue() == f"{point['jax'][mode]}\n{point['ours'][mode]}\n"


def test_the_atlas_says_who_is_right_where_and_with_what(points, tmp_path):
    rows = [*map(row, points)]
    limit = "np.f np.g", "a < 1", "digits of a are lost"
    page.write_atlas(rows, tmp_path / "atlas.html", "on cpu; jax 0", [limit], BEYOND)
    shown = html.unescape((tmp_path / "atlas.html").read_text())
    assert all(words in shown for words in limit)
    assert all(b.program in shown and b.why in shown for b in BEYOND)
    assert "on cpu; jax 0" in shown and shown.count("<article") == len(rows)
    for r in rows:
        assert r["referee"] in shown and r["rerun"] in shown and f"{r['dtype']}" in shown
        assert not all(answer.right for answer in r["answers"]["JAX"].values())
