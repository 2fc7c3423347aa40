"""The command: exit statuses, what it prints, and how fast it answers."""

import os
import signal
import subprocess
import sys
import time

import pytest

from jax_ref import cli


@pytest.fixture(autouse=True)
def settings():
    """The command sets the environment of its processes."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def run(*arguments):
    """The exit status of the command with these arguments, without a cache."""
    return cli.main([*map(str, arguments), "--device", "cpu", "--cache", ""])


def command(*arguments, **options):
    path = os.pathsep.join([*map(os.path.abspath, sys.path), os.path.dirname(__file__)])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(
        [sys.executable, "-m", "jax_ref", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


ONE = ("check", "square", "--dtype", "float64", "--jobs", 1)


def test_help_comes_without_jax_or_numpy():
    code = (
        "import sys; from jax_ref import cli; cli._parser().format_help(); print({'jax', 'numpy'} & sys.modules.keys())"
    )
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    assert subprocess.check_output([sys.executable, "-c", code], env=path, text=True).strip() == "set()"


def test_help_describes_the_file_of_known_failures(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["check", "--help"])
    assert "function [dtype] [part of the case] # reason" in capsys.readouterr().out


def test_all_good_is_0_and_the_header_states_device_and_precision(capsys):
    assert run(*ONE) == cli.GOOD
    out = capsys.readouterr().out
    assert "scratch_ad on cpu (x64 on, matrix products: " in out and " right in " in out


def test_a_mismatch_is_1_and_is_shown_with_the_line_that_runs_it_again(capsys, tmp_path):
    assert run(*ONE, "--engine", "test_sweep:DOUBLES", "--junit", tmp_path / "junit.xml") == cli.MISMATCH
    out = capsys.readouterr().out
    assert "rerun: scratch-ad check np.square --dtype float64 --engine test_sweep:DOUBLES --case 0" in out
    assert "constant ratio 2" in out
    assert (tmp_path / "junit.xml").read_text().count("<failure") == out.count("rerun: ")
    assert run(*ONE, "--engine", "test_sweep:DOUBLES", "--mode", "rev", "--case", 0) == cli.MISMATCH
    assert capsys.readouterr().out.count("rerun: ") == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("check", "nothing"), "the catalogue has no function nothing"),
        (("check", "square", "--dtype", "float8"), "the catalogue has no dtype float8"),
        (("check", "square", "--engine", "nobody"), "no engine nobody"),
        (("check", "square", "--case", 0), "--case 0: give one function, one --dtype"),
        (("check", "square", "--dtype", "float64", "--case", 99), "from 0 to "),
        (("compare", "square of nothing"), "no expression"),
        (("compare", "np.ones(3)"), "has no variable"),
    ],
)
def test_bad_usage_is_2(capsys, arguments, message):
    assert run(*arguments) == cli.USAGE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [("check", "--shard", "3/2"), ("check", "--shard", "1"), ("check", "--jobs", "0"), ("nothing",), ()]
)
def test_arguments_of_no_meaning_are_2(arguments, capsys):
    with pytest.raises(SystemExit) as error:
        cli.main([*arguments])
    assert error.value.code == cli.USAGE and "usage: " in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_2_and_says_so():
    process = command("check", "square", "--device", "gpu")
    out, error = process.communicate()
    if not error:
        pytest.skip("the refusal is for machines without a GPU, and this one has one")
    assert process.returncode == cli.USAGE and not out
    assert error.startswith("scratch-ad: --device gpu: JAX finds no GPU here.")


def test_known_failures(capsys, tmp_path):
    path = tmp_path / "expected"
    expect = lambda text: path.write_text(text) and run(*ONE, "--engine", "test_sweep:DOUBLES", "--expect", path)
    assert expect("np.square float64 # doubled\n") == cli.GOOD
    assert " expected in " in capsys.readouterr().out
    assert expect("np.square # doubled\nnp.square float64 b: # no such case\n") == cli.USAGE
    assert "no failure matches\n    np.square float64 b:  # no such case" in capsys.readouterr().err
    assert expect("np.squared # no such function\n") == cli.USAGE
    assert expect("np.exp # not run here\nnp.square # doubled\n") == cli.GOOD


def test_what_is_there_is_resumed(capsys, tmp_path):
    assert run(*ONE, "--out", tmp_path) == cli.GOOD
    assert run(*ONE, "--out", tmp_path) == cli.GOOD
    assert "resumed: 1 of 1 there already" in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_keeps_what_is_finished_and_is_130(tmp_path):
    process = command(
        "check", "exp", "log", "--engine", "test_sweep:SLOW", "--jobs", 1, "--cache", "", "--out", tmp_path
    )
    path = tmp_path / "results.jsonl"
    while not path.exists() or path.read_text().count("\n") < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == cli.STOPPED, error
    assert "units done, kept in" in out and "the same command goes on" in out and not error
    assert path.read_text().count("\n") >= 2


def test_doctor(capsys):
    assert run("doctor") == cli.GOOD
    out = capsys.readouterr().out
    assert "x64 on" in out and "np.tanh in float32: right" in out


@pytest.mark.parametrize("what", ["tanh", "np.sin(a) * b", "np.sum(np.exp(a))"])
def test_compare(capsys, what):
    assert run("compare", what) == cli.GOOD
    rows = {line[:22].strip(): line[22:].split() for line in capsys.readouterr().out.splitlines()[2:]}
    inputs = {"tanh": 3, "np.sin(a) * b": 16, "np.sum(np.exp(a))": 8}[what]
    assert rows["numerical, forward"][1] == str(inputs + 1) and rows["numerical, central"][1] == str(2 * inputs)
    assert float(rows["reverse mode"][0]) < 1e-14 < float(rows["numerical, forward"][0])


def test_selftest_and_its_exit_status(capsys):
    assert run("selftest", "negative", "--mode", "rev") == cli.GOOD
    assert "caught" in capsys.readouterr().out


def test_report_of_no_file_is_2(capsys, tmp_path):
    assert cli.main(["report", str(tmp_path / "none"), "--out", str(tmp_path)]) == cli.USAGE
    assert "none" in capsys.readouterr().err
