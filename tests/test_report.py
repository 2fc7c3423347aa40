"""The page, JUnit XML and Markdown hold each failing case."""

import html
import re
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from jax_ref import cli, sweep
from jax_ref.report import page
from jax_ref.report.records import lines, results, title

SOME = sweep.units(["square", "std"], ["float32", "float64"])
OF_TESTS = ("DOUBLES", "RAISES", "LACKS")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The results of three engines, and the folder of their report."""
    folder = tmp_path_factory.mktemp("report")
    for engine in OF_TESTS:
        options = {"modes": ("rev",), "order": 1} if engine == "RAISES" else {}
        sweep.sweep(SOME, f"test_sweep:{engine}", out=folder / engine, executor=ThreadPoolExecutor(1), **options)
    paths = [folder / engine / "results.jsonl" for engine in OF_TESTS]
    assert cli.main(["report", *map(str, paths), "--out", str(folder)]) == cli.GOOD
    return folder, results([line for path in paths for line in lines(path)])


def test_the_page_holds_each_failing_case(files):
    folder, found = files
    text = html.unescape((folder / "index.html").read_text())
    failing = [r for result in found for r in result.records if r["status"] != "right"]
    assert len(failing) > 10
    for record in failing:
        assert record["rerun"] in text and record["case"] in text
        assert all(finding["problem"] in text for finding in record["findings"])
    for result in found:
        assert f'<h2 id="{result.engine}">' in text
        for status, n in result.counts().items():
            assert f"<b>{n}</b>{status}" in text


def test_the_page_needs_nothing_else(files):
    text = (files[0] / "index.html").read_text()
    assert not re.findall(r"(?:src|href)=\"(?!#)|url\(|@import", text)


def test_cells_tell_the_modes_apart():
    record = {"unit": ["f", "float32"], "status": "wrong", "findings": [{"what": "vjp", "mode": "rev"}]}
    mixed = {**record, "findings": [{"what": "vjp of jvp", "mode": "rev over fwd"}]}
    assert [page._in_mode(record, m, page.MODES) for m in page.MODES] == ["right", "wrong", "right"]
    assert [page._in_mode(mixed, m, page.MODES) for m in page.MODES] == ["right", "right", "wrong"]
    lost = {**record, "status": "crashed", "findings": [{"what": "crashed", "mode": ""}]}
    assert [page._in_mode(lost, m, page.MODES) for m in page.MODES] == ["crashed"] * 3


def test_junit(files):
    folder, found = files
    suites = ET.parse(folder / "junit.xml").getroot()
    assert [suite.get("name") for suite in suites] == [result.engine for result in found]
    for suite, result in zip(suites, found, strict=True):
        cases = {case.get("name"): case for case in suite.iter("testcase")}
        assert len(cases) == int(suite.get("tests")) == len(result.records)
        for record in result.records:
            (body, *_) = [*cases[title(record)], None]
            kinds = {"right": None, "wrong": "failure", "error": "error", "missing": "skipped", "blocked": "skipped"}
            assert (body is not None and body.tag) == (kinds[record["status"]] or False)
            assert body is None or record["rerun"] in body.text
        for kind, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert len([*suite.iter(kind)]) == int(suite.get(count))


def test_markdown(files):
    folder, found = files
    text = (folder / "report.md").read_text()
    for result in found:
        for record in result.failures():
            assert f"`{title(record)}`" in text and record["rerun"] in text
        missing = {r["unit"][0] for r in result.records if r["status"] == "missing"}
        assert all(f"`{name}` (" in text for name in missing)


def test_text_cannot_break_the_page_or_the_xml(tmp_path):
    record = {
        "run": "r",
        "unit": ["<f>", "float32"],
        "case": "a & b",
        "number": 0,
        "status": "wrong",
        "missing": "",
        "findings": [{"what": "vjp", "mode": "rev", "problem": "</pre><script>\x1b", "hint": "", "verdict": ""}],
        "rerun": "scratch-ad '<>'",
        "seconds": 0.0,
    }
    header = {"run": "r", "engine": "e", "expect": [], "device": "cpu", "precision": "", "order": 1, "modes": ["rev"]}
    found = results([{**header, "versions": {}, "when": "now", "seed": ""}, record])
    page.write(found, tmp_path / "index.html")
    assert "</pre><script>" not in (tmp_path / "index.html").read_text()
    from jax_ref.report import junit

    junit.write(found, tmp_path / "junit.xml")
    assert "</pre><script>" in ET.parse(tmp_path / "junit.xml").getroot().find(".//failure").text


def test_the_atlas_is_a_table_of_any_records(tmp_path):
    rows = [{"expression": "np.sqrt(a)", "jax": {"reverse": np.array([np.nan])}, "issue": None}]
    page.write_atlas(rows, tmp_path / "atlas.html")
    text = (tmp_path / "atlas.html").read_text()
    assert "<td>np.sqrt(a)</td>" in text and "reverse: [nan]" in text and "<th>issue</th>" in text
