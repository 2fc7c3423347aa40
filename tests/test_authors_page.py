"""The author's page: its engine has 30 lines, its commands give what is shown. Run as a script, it shows them anew."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / ".readme" / "engine.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
CHANGING = [  # of other versions and machines
    (re.compile(r"^(engine:mine on|python \d).*\n", re.M), ""),
    (re.compile(r"[-\d.]+(e-\d+)?; (?=\d+ of)"), "…; "),
    (re.compile(r"[\d.]+ ± [\d.e-]+"), "…"),
    (re.compile(r"in [\d.]+ s$", re.M), "in … s"),
]


def blocks(kind):
    return [text for found, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if found == kind]


def folder(path):
    """The page's engine and its file of known failures."""
    (path / "engine.py").write_text(blocks("python")[0], encoding="utf-8")
    (path / "known.txt").write_text(blocks("expect")[0], encoding="utf-8")
    return path


def output(command, path):
    """What a command of the page prints in that folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "PYTHONIOENCODING": "utf-8"}
    command = command.strip().replace("scratch-ad", f"{sys.executable} -m jax_ref", 1)
    return subprocess.run(command.split(), cwd=path, env=environment, stdout=subprocess.PIPE, encoding="utf-8").stdout


def fixed(text):
    for changing, instead in CHANGING:
        text = changing.sub(instead, text)
    return text


def test_the_engine_has_thirty_lines():
    assert sum(bool(line.strip()) for line in blocks("python")[0].splitlines()) <= 30


def test_the_commands_give_what_is_shown(tmp_path):
    commands, shown = blocks("sh"), blocks("text")
    assert len(commands) == len(shown) == 2
    for command, text in zip(commands, shown, strict=True):
        assert fixed(output(command, folder(tmp_path))) == fixed(text) != ""


def test_with_its_mistake_mended_the_engine_is_right(tmp_path):
    remedy = re.search(r"write `(.*?)`, and it is right", PAGE.read_text(encoding="utf-8"))[1]
    code = folder(tmp_path) / "engine.py"
    wrong = "lambda x: 1 - x**2"
    assert code.read_text().count(wrong) == 1
    code.write_text(code.read_text().replace(wrong, remedy))
    *_, counted, compared = output(blocks("sh")[0], tmp_path).splitlines()
    assert re.fullmatch(r"engine:mine: \d+ right in [\d.]+ s", counted) and compared.startswith("compared: value, vjp")


def test_the_test_of_the_page(tmp_path):
    (folder(tmp_path) / "test_mine.py").write_text(blocks("python")[1])
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "jax_ref.pytest_plugin", "-p", "no:cacheprovider"]
    ran = subprocess.run([*command, tmp_path], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    assert "1 passed" in ran.stdout, ran.stdout


def test_each_attribute_of_an_engine_is_explained():
    from dataclasses import fields

    from jax_ref import Engine

    rows = re.findall(r"^\| `(\w+)", PAGE.read_text(encoding="utf-8"), re.M)
    assert set(rows) == {field.name for field in fields(Engine)}


def test_the_page_is_linked_from_the_readme_and_its_options_exist(capsys):
    assert "(.readme/engine.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    from jax_ref.commands import options

    with pytest.raises(SystemExit):
        options.parser().parse_args(["check", "--help"])
    known = capsys.readouterr().out
    for option in re.findall(r"--[a-z]+", " ".join(blocks("sh") + blocks("yaml"))):
        assert option in known


def main():
    """Show on the page what its commands print."""
    with tempfile.TemporaryDirectory() as path:
        shown = [output(command, folder(pathlib.Path(path))) for command in blocks("sh")]
    texts = iter(shown)
    again = BLOCK.sub(lambda b: f"```text\n{next(texts)}```" if b[1] == "text" else b[0], PAGE.read_text("utf-8"))
    PAGE.write_text(again, encoding="utf-8")


if __name__ == "__main__":
    main()
