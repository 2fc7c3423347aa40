"""The command for a GPU, run in small on a processor: it ends in time, goes on, names what broke, makes the table."""

import itertools
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

import _environment
import _gpu_steps
import gpu
import numpy as np
import pytest
from _timing import interleaved

from jax_ref import cases
from jax_ref.cases.names import names
from jax_ref.commands import cli
from jax_ref.report.gpu import document, tables

pytestmark = pytest.mark.xdist_group("gpu")  # one run of everything serves all tests here

ROOT = pathlib.Path(gpu.__file__).parents[1]
COMMAND = [sys.executable, gpu.__file__, "--device", "cpu", "--jobs", "2"]


def run(*arguments):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=200)


def rows(content):
    return {step: [row["name"] for row in held["rows"]] for step, held in content["steps"].items()}


ALONE = {"training": "the notebook's classifier", "scaling": "n = 1, m = 10"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The file, and its content when the command was stopped by Ctrl-C and when the same command had gone on."""
    path = tmp_path_factory.mktemp("gpu") / "new" / "gpu.json"
    with subprocess.Popen([*COMMAND, "--out", path], stdout=subprocess.PIPE, text=True, cwd=path.parents[1]) as process:
        assert process.stdout
        told = [*itertools.islice(process.stdout, 3)]
        process.send_signal(signal.SIGINT)
        told += process.stdout.readlines()
    assert process.returncode == 130 and "the same command goes on" in told[-1]
    first, start = document(path), time.monotonic()
    done = run("--out", path, "--minutes", 0.35)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    assert time.monotonic() - start < 21
    return path, first, document(path)


@pytest.fixture(scope="module")
def with_rows(runs):
    """The file, and its content when one row of each kind has been asked for, as time may not have gone so far."""
    path, _, _ = runs
    for step, name in ALONE.items():
        done = run("--out", path, "--only", f"{step}/{name}")
        assert done.returncode == 0, done.stdout + done.stderr
    return path, document(path)


def test_it_ends_when_told_so_though_c_calls_back():
    code = """
import os, signal, time
from gpu import _in_child

class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

def work(send):
    Dying()
    time.sleep(20)

class Channel:
    send = None

os.setsid = lambda: None
_in_child(work, Channel)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "scripts", timeout=60
    )
    assert (done.returncode, done.stderr) == (gpu.CUT_OFF, "")


def test_it_ends_in_time_and_keeps_what_was_done_before(runs):
    _, first, content = runs
    before, after = first["steps"]["families"]["rows"], content["steps"]["families"]["rows"]
    assert rows(first).keys() == {"families"} and len(before) >= 2 and after[: len(before)] == before
    assert all(len(of) == len(set(of)) for of in rows(content).values())
    assert [*content["steps"]] == [*gpu.STEPS]
    assert {step["status"] for step in content["steps"].values()} <= {"done", "cut off"}
    assert content["run"].keys() >= {"device", "driver", "runtime", "versions", "precision", "source", "when"}


def test_a_row_is_run_again_alone(runs, with_rows):
    before, after = runs[2]["steps"], with_rows[1]["steps"]
    for step, of in rows(with_rows[1]).items():
        asked = {ALONE[step]} if step in ALONE else set()
        assert len(of) == len(set(of)) and {*of} == {*rows(runs[2])[step]} | asked
        assert after[step]["status"] == before[step]["status"]


def test_its_json_makes_the_tables(with_rows, capsys):
    path, content = with_rows
    assert cli.main(["report", "--gpu", str(path)]) == cli.GOOD
    printed = capsys.readouterr().out
    assert printed == tables(content) + "\n"
    assert f"Measured on cpu (x64 on, matrix products: highest), {content['run']['when'][:10]}; python" in printed
    for step in ALONE:
        for row in content["steps"][step]["rows"]:
            assert (f"| {row['n']} × {row['m']} |" if step == "scaling" else row["name"]) in printed
    assert re.search(r"^\| a function of each family, compiled, both modes \| \d+ \|", printed, re.M)


def test_what_broke_is_named_with_the_line_that_runs_it_again():
    sent = []
    settings = _gpu_steps.Settings("gpu", 1, 1.0, "")
    parts = {"good": lambda: {"right": True}, "bad": lambda: [][0]}
    assert _gpu_steps.in_turn("programs", settings, {"old"}, sent.append, time.monotonic() + 60, parts)
    assert sent[0] == {"of": 2} and [row["name"] for row in sent[1:]] == ["good", "bad"]
    assert sent[2]["problem"] == "IndexError: list index out of range"
    assert "rerun: python3 scripts/gpu.py --device gpu --only programs/bad" in gpu.problem(sent[2])
    assert not _gpu_steps.in_turn("programs", settings, set(), sent.append, time.monotonic() - 1, parts)
    assert len(sent) == 4
    content = {"run": {"device": "gpu: X", "driver": "1", "precision": "p", "when": "2026", "versions": {}}}
    content |= {"steps": {"programs": {"status": "done", "rows": sent[2:3]}}}
    assert "| bad | – | – | – | – | – | – | IndexError: list index out of range |" in tables(content)


def test_a_wrong_case_is_told_as_the_catalogue_tells_it():
    task = _gpu_steps.Task(
        _gpu_steps.Unit("np.square", "float64"), _gpu_steps.Asked("test_sweep:DOUBLES", ("rev",), 1, case=0)
    )
    sent = []
    settings = _gpu_steps.Settings("cpu", 1, 1.0, "")
    assert _gpu_steps.checked({"square": task}, settings, set(), sent.append, time.monotonic() + 120)
    (row,) = sent[1:]
    assert not row["right"] and row["counts"] == {"wrong": 1}
    assert "python3 -m jax_ref check np.square --dtype float64 --engine test_sweep:DOUBLES" in gpu.problem(row)
    assert "constant ratio 2" in gpu.problem(row) and gpu.problem(row).endswith("--case 0 --device cpu")


def sending(until_it_is_ended, send):
    send("one")
    time.sleep(600 if until_it_is_ended else 0)
    return False


def breaking(send):
    raise ZeroDivisionError


def ended(function, *arguments, seconds):
    """What came, how it ended, and after how long."""
    start, came, found = time.monotonic(), [], gpu.rows_of(function, *arguments, until=time.monotonic() + seconds)
    while True:
        try:
            came.append(next(found))
        except StopIteration as end:
            return came, end.value, time.monotonic() - start


def test_a_step_that_hangs_is_ended_and_one_that_breaks_has_failed():
    came, status, seconds = ended(sending, True, seconds=10)
    assert (came, status) == (["one"], "cut off") and 10 <= seconds < 12
    assert ended(sending, False, seconds=60)[:2] == (["one"], "cut off")
    assert ended(breaking, seconds=60)[:2] == ([], "failed")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--minutes", "0"], "0 is no positive number of minutes"),
        (["--jobs", "0"], "--jobs 0: at least one"),
        (["--jobs", "99999"], "--jobs 99999: memory suffices for "),
        (["--only", "nothing"], "a step is one of families, "),
        (["--device", "gpu"], "--device gpu: (this JAX is built without CUDA|JAX is built for CUDA but finds no)"),
        (["--out", __file__], "there is a file that is no JSON"),
        (["--out", f"{__file__}/gpu.json"], "Name a file that can be written to."),
    ],
)
def test_bad_input_is_one_line_before_anything_is_computed(arguments, message, tmp_path, monkeypatch):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # a machine that has a GPU hides it
    done = run("--out", tmp_path / "gpu.json", *arguments)
    assert done.returncode == 2 and not done.stdout
    assert re.search(message, done.stderr.splitlines()[-1])
    assert not (tmp_path / "gpu.json").exists()


def test_a_file_of_another_run_is_left_alone(tmp_path):
    path = tmp_path / "gpu.json"
    found = {"device": "gpu: X", "source": "a", "when": "then"}
    path.write_text(json.dumps({"run": found, "steps": {}}))
    gpu.Document(path).begin({**found, "when": "now"})
    with pytest.raises(ValueError, match="there is a run of another device and source"):
        gpu.Document(path).begin({**found, "device": "cpu", "source": "b"})
    path.write_text("{}")
    gpu.Document(path).begin(found)
    path.write_text('{"steps": 1}')
    with pytest.raises(ValueError, match="of something else"):
        gpu.Document(path).begin(found)


def test_processes_as_far_as_memory_goes(monkeypatch):
    monkeypatch.setattr(gpu.os, "cpu_count", lambda: 16)
    assert gpu.jobs(None, 80e9) == 16 and gpu.jobs(None, 7e9) == 4 and gpu.jobs(3, 7e9) == 3 and gpu.jobs(2, None) == 2
    with pytest.raises(ValueError, match="too little memory: 1"):
        gpu.jobs(None, 1e9)
    with pytest.raises(ValueError, match="--jobs 9: memory suffices for 4"):
        gpu.jobs(9, 7e9)


def test_what_is_missing_is_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", sys.path[:])
    with pytest.raises(SystemExit, match="2"):
        _environment.here("numpy", "not_there")
    assert "this Python lacks not_there: pip install not_there, or carry" in capsys.readouterr().err


def test_every_file_of_the_catalogue_is_a_family():
    files = {path.stem for path in pathlib.Path(cases.__file__).parent.glob("*.py")}
    others = {"__init__", "constant", "large", "domains", "known_bugs", "edge_points", "names"}
    # of which JAX has none
    others |= {"peer_errors", "scipy_optimize", "scipy_interpolate", "scipy_ndimage", "scipy_sparse", "scipy_spatial"}
    assert files - others == {*_gpu_steps.FAMILIES}
    assert {*_gpu_steps.FAMILIES.values()} <= {*names()}


def test_times_are_taken_in_turn_and_a_device_is_waited_for_once_a_slice():
    order = []
    runs = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = interleaved(runs, 3, 1e-9, lambda _: order.append("|"))
    assert {name: len(s) for name, s in seconds.items()} == {"a": 3, "b": 3}
    assert order[-12:] == ["a", "|", "b", "|"] * 3
    assert len(interleaved(runs, 3, until=time.monotonic() - 1)["a"]) == 1
    interleaved(runs, 2, 1, lambda _: order.append("|"), clock=itertools.count().__next__)  # each call takes a tick
    assert order[-16:] == ["a", "|", "a", "|", "b", "|", "b", "|"] * 2  # the first of each does not count


def test_the_page_shows_the_newest_run_or_says_that_there_is_none():
    page, kept = (ROOT / ".readme" / "devices.md").read_text(encoding="utf-8"), ROOT / ".readme" / "gpu.json"
    expected = tables(document(kept)) if kept.exists() else "No figure from a GPU has been taken yet."
    assert expected in page


def test_distances_are_relative_to_the_norm_of_the_whole():
    apart, limit = _gpu_steps.apart_and_limit(
        [np.array([3.0, 4.0]), np.float32(0)], [np.array([3.0, 4.5]), np.float32(0)]
    )
    assert apart == pytest.approx(0.5 / np.hypot(3, 4.5)) and limit == np.finfo(np.float32).eps ** (2 / 3)
