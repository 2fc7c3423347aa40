"""The README: what it shows is what comes out, and what it names is there."""

import doctest
import pathlib
import re
import subprocess

import numpy as np
import pytest

import jax_ref

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / ".readme").glob("*.md")), ROOT / ".github" / "CONTRIBUTING.md"]
CHANGING = [  # with versions and machines
    (re.compile(r"(> |± )[\d.e-]+"), r"\1…"),
    (re.compile(r"(\.\d{9})\d+"), r"\1…"),
    (re.compile(r"on cpu; JAX .*"), ""),
]


def fixed(text):
    for changing, instead in CHANGING:
        text = changing.sub(instead, text)
    return text.strip()


def test_side_by_side_gives_what_is_shown():
    block = re.search(r"^```python\n(>>> .*?)^```$", README, re.M | re.S)
    assert block
    found = doctest.DocTestParser().get_doctest(block[1], {}, "README", None, 0)
    said = []
    with np.printoptions():
        result = doctest.DocTestRunner(verbose=False).run(found, out=said.append)
    assert result.attempted > 10 and not result.failed, "".join(said)


def test_the_mismatch_is_told_as_it_is_shown(made_small):
    block = re.search(r"^```python\n(def my_vjp.*?)^```\n\n```text\n(.*?)^```$", README, re.M | re.S)
    assert block
    with pytest.raises(AssertionError) as told:
        exec(compile(block[1], "mine.py", "exec"), {"np": np, "jax_ref": jax_ref})
    assert fixed(str(told.value)) == fixed(block[2])


def anchor(head):
    return re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for address in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if address.startswith("https://"):
            continue
        file, _, place = address.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), address
        if place:
            heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.M)
            assert place in map(anchor, heads), address


def test_the_lines_of_a_rule_and_of_a_case_are_such_lines():
    contributing = PAGES[-1].read_text(encoding="utf-8")
    shown = re.findall(r"^    (.+?) +# (\w+/\w+/elementwise\.py)$", contributing, re.M)
    assert len(shown) == 2
    for line, file in shown:
        assert line in re.sub(r" +", " ", (ROOT / file).read_text(encoding="utf-8"))


def test_each_use_is_found_at_once():
    head = README[: README.index("## Two commands")]
    assert all(f"**{use}" in head for use in ("check derivatives", "reproduce", "teach"))
    assert len(README.splitlines()) <= 310


def test_without_a_browser_the_tests_run_all_the_same(tmp_path):
    """The command of CI, where no browser can be had: it says why, and goes on."""
    for name, text in {"python3": "echo tests $1", "apt-get": "exit 1", "id": "echo $ID", "dirname": "echo ."}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "timeout").write_text('#!/bin/bash\nshift\nexec "$@"\n')
    (tmp_path / "timeout").chmod(0o755)
    (tmp_path / "scripts").mkdir()

    def said(user):
        environment = {"PATH": str(tmp_path), "ID": str(user)}
        done = subprocess.run(
            ["/bin/bash", ROOT / ".ci" / "run"], env=environment, cwd=ROOT / ".ci", capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    assert said(1000) == ["no browser, and no right to install one: its tests are skipped", "tests scripts/test.py"]
    assert said(0) == [
        "no browser, and apt-get could not install chromium: its tests are skipped",
        "tests scripts/test.py",
    ]
    (tmp_path / "apt-get").write_text("#!/bin/bash\nexit 0\n")
    assert said(0) == ["tests scripts/test.py"]
    (tmp_path / "chromium").touch(0o755)
    assert said(1000) == ["tests scripts/test.py"]
