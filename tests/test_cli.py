"""The command: exit statuses, what it prints, and how fast it answers."""

import contextlib
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import test_sweep

from jax_ref.cases.peer_errors import PEER_ERRORS
from jax_ref.commands import cli, compare_methods, options


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


def command(*arguments, environment=None, **options):
    path = os.pathsep.join([*map(os.path.abspath, sys.path), os.path.dirname(__file__)])
    environment = {**os.environ, "PYTHONPATH": path, **(environment or {})}
    return subprocess.Popen(
        [sys.executable, "-m", "jax_ref", *map(str, arguments)],
        env=environment,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
    )


ONE = ("check", "square", "--dtype", "float64", "--jobs", 1)


def test_help_comes_without_jax_or_numpy():
    code = "import sys; from jax_ref.commands import cli; cli.main(['{}', '--help'])"
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    for word in ("check", "compare"):
        atexit = "import atexit, sys; atexit.register(lambda: print({'jax', 'numpy', 'rich'} & sys.modules.keys()));"
        out = subprocess.check_output([sys.executable, "-c", atexit + code.format(word)], env=path, text=True)
        assert out.splitlines()[-1] == "set()"


def test_help_names_all_engines_and_explains_all_options(capsys):
    from jax_ref.engines.peers import PEERS
    from jax_ref.engines.ready import ENGINES

    commands = dict(next(a for a in options.parser()._actions if a.dest == "command").choices or ())
    assert [*commands] == [*cli.COMMANDS]
    for sub in commands.values():
        assert all(action.help for action in sub._actions), sub.prog
    named = re.findall(r"[\w-]+", next(a for a in commands["check"]._actions if a.dest == "engine").help)
    assert {*ENGINES, *PEERS} <= {*named}
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    assert "examples:" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert re.match(r"scratch-ad \d", capsys.readouterr().out)


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
    assert "rerun: scratch-ad check np.square --dtype float64 --engine test_sweep:DOUBLES --case 1" in out
    assert "wrong: vjp, constant ratio 2: a wrong factor\n    in 1 function, 5 cases: np.square\n" in out
    assert out.count("rerun: ") == 1 and (tmp_path / "junit.xml").read_text().count("<failure") == 5
    assert max(map(len, out.splitlines()[:2])) < 160
    assert run(*ONE, "--engine", "test_sweep:DOUBLES", "--mode", "rev", "--case", 0) == cli.MISMATCH
    assert capsys.readouterr().out.count("rerun: ") == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("check", "nothing"), "the catalogue has no function nothing"),
        (("check", ""), "the catalogue has no function ''"),
        (("check", "floor"), "np.floor has derivative zero"),
        (("check", "square", "--dtype", "float8"), "the catalogue has no dtype float8: take "),
        (("check", "fft.irfft", "--dtype", "float32"), "no case in float32"),
        (("check", "square", "--engine", "nobody"), "no engine nobody"),
        (("check", "square", "--engine", ":x"), "no engine :x: "),
        (("check", "square", "--engine", "os.path:"), "no engine os.path:: "),
        (("check", "square", "--engine", "boom:x"), "ZeroDivisionError: division by zero (boom.py:1)"),
        (("check", "square", "--engine", "torn:x"), "SyntaxError: "),
        (("check", "square", "--case", 0), "--case 0: give one function, one --dtype"),
        (("check", "square", "--dtype", "float64", "--case", 99), "from 0 to "),
        (("check", "square", "--junit", "boom.py/x.xml"), "--junit boom.py/x.xml: "),
        (("check", "square", "--junit", "."), "--junit .: Is a directory. Name a place that can be written to."),
        (("check", "square", "--out", "boom.py"), "--out boom.py/results.jsonl: "),
        (("check", "square", "--expect", "none"), "--expect none: No such file or directory. Name a file"),
        (("compare", "square of nothing"), "no expression"),
        (("compare", "np.ones(3)"), "has no variable"),
        (("compare", "tanhh"), "did you mean np.tanh"),
        (("compare", "bogus.name"), "no function bogus.name"),
        (("compare", "linalg"), "Give one"),
        (("compare", ""), "no function ''"),
        (("compare", "np.foo(a)"), "has no attribute 'foo'"),
        (("compare", "tanh(a)"), "'tanh' is not defined"),
        (("compare", "float(a[0])"), "JAX, the reference, does not differentiate it"),
        (("compare", "a > 1"), "bool, which has no derivative"),
        (("compare", "np.sqrt(a - a)"), "nothing to compare with"),
        (("selftest", "square", "--alarms", 3), "give no NAME"),
        (("atlas", "--out", "boom.py"), "--out boom.py/atlas.html: "),
    ],
)
def test_bad_usage_is_2(capsys, tmp_path, monkeypatch, arguments, message):
    (tmp_path / "boom.py").write_text("1 / 0")
    (tmp_path / "torn.py").write_text("def f(:")
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == cli.USAGE
    said = capsys.readouterr()
    assert message in said.err and not said.out
    assert {path.name for path in tmp_path.iterdir()} <= {"boom.py", "torn.py", "__pycache__"}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("check", "--shard", "3/2"), "3/2 is not i/n"),
        (("check", "--shard", "1"), "1 is not i/n"),
        (("check", "--jobs", "0"), "0 is no positive whole number"),
        (("check", "--jobs", "x"), "x is no positive whole number"),
        (("check", "--timeout", "0"), "0 is no positive number"),
        (("check", "--timeout", "-1"), "-1 is no positive number"),
        (("check", "--timeout", "nan"), "nan is no positive number"),
        (("check", "--timeout", "inf"), "inf is no positive number"),
        (("nothing",), "invalid choice"),
        ((), "required"),
    ],
)
def test_arguments_of_no_meaning_are_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        cli.main([*arguments])
    said = capsys.readouterr().err
    assert error.value.code == cli.USAGE and "usage: " in said and message in said


def test_what_nobody_expects_is_3_with_its_traceback(capsys, monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "list", lambda args: 1 / 0)
    assert cli.main(["list"]) == cli.INTERNAL
    said = capsys.readouterr().err
    assert "Traceback" in said and "ZeroDivisionError" in said


def test_what_is_not_installed_is_named_with_the_remedy(capsys, monkeypatch):
    def missing(args):
        raise ModuleNotFoundError("No module named 'jinja2'", name="jinja2")

    monkeypatch.setitem(cli.COMMANDS, "list", missing)
    assert cli.main(["list"]) == cli.USAGE
    assert "jinja2 is not installed. In the checkout: pip install -e '.[check]'" in capsys.readouterr().err


def test_a_platform_that_jax_cannot_start_is_2():
    processes = [command(*words, environment={"JAX_PLATFORMS": "nonsense"}) for words in (("doctor",), ONE)]
    for process in processes:
        out, error = process.communicate()
        assert process.returncode == cli.USAGE and "JAX_PLATFORMS=nonsense is set" in error, error
        assert "Traceback" not in error and ("numpy " in out) == (process is processes[0])


def test_a_reader_that_has_seen_enough_is_no_error():
    with command("list") as process:
        process.stdout.close()
        assert not process.stderr.read()
    assert process.returncode == cli.BROKEN_PIPE


def test_an_encoding_without_the_characters_is_no_error():
    process = command("compare", "np.sin(a)", "--size", 2, environment={"PYTHONIOENCODING": "ascii"})
    out, error = process.communicate()
    assert process.returncode == cli.GOOD and "numerical, central" in out and not error


def test_a_gpu_that_is_not_there_is_2_and_says_so():
    process = command("check", "square", "--device", "gpu", environment={"CUDA_VISIBLE_DEVICES": ""})
    out, error = process.communicate()
    assert process.returncode == cli.USAGE and not out
    assert re.match(
        "scratch-ad: --device gpu: (this JAX is built without|JAX is built for CUDA but finds no|JAX finds no GPU)",
        error,
    )


def test_known_failures(capsys, tmp_path):
    path = tmp_path / "expected"
    expect = lambda text: path.write_text(text) and run(*ONE, "--engine", "test_sweep:DOUBLES", "--expect", path)
    assert expect("square float64 # doubled\n") == cli.GOOD
    out = capsys.readouterr().out
    assert "expected: np.square  # doubled\n" in out
    counts = re.findall(r"\d+ right, \d+ expected|\d+ expected", out)
    assert len(counts) == 2 and len({*counts}) == 1, "the line of the unit and the total"
    assert expect("np.square # doubled\nnp.square float64 b: # no such case\n") == cli.USAGE
    assert "no failure matches\n    np.square float64 b:  # no such case" in capsys.readouterr().err
    assert expect("np.squared # no such function\n") == cli.USAGE
    assert "did you mean np.square" in capsys.readouterr().err
    assert expect("np.exp # not run here\nnp.square # doubled\n") == cli.GOOD


def test_what_is_missing_is_named(capsys):
    assert run("check", "square", "exp", "--dtype", "float32", "--engine", "test_sweep:LACKS") == cli.GOOD
    assert "missing: np.exp, np.square\n" in capsys.readouterr().out


def test_annotations_lead_to_the_users_own_lines(capsys, monkeypatch):
    monkeypatch.chdir(os.path.dirname(__file__))
    assert run(*ONE, "--engine", "test_sweep:DOUBLES", "--annotations", "github") == cli.MISMATCH
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("::error "))
    code = test_sweep.doubled.__code__
    assert line.startswith(
        f"::error file=test_sweep.py,line={code.co_firstlineno},title=test_sweep%3ADOUBLES%2C wrong%3A "
    )
    assert "constant ratio 2" in line and "%0Arerun: scratch-ad check np.square" in line
    run("check", "square", "--dtype", "float32", "--engine", "test_sweep:RAISES", "--annotations", "github")
    out = capsys.readouterr().out
    number = inspect.getsourcelines(test_sweep)[0].index("RAISES = in_single_precision(lambda: 1 / 0)\n") + 1
    assert f"raised ZeroDivisionError: division by zero (test_sweep.py:{number})" in out
    assert f"::error file=test_sweep.py,line={number}," in out
    assert run(*ONE, "--annotations", "github") == cli.GOOD
    assert "::error" not in capsys.readouterr().out


def test_several_dtypes_and_the_internal_function_of_a_rerun_line(capsys):
    assert run("check", "clip", "--dtype", "float32", "--case", 0) == cli.GOOD
    assert "1/1 clip float32" in capsys.readouterr().out


def test_list(capsys):
    assert cli.main(["list", "numpy.abs", "linalg"]) == cli.GOOD
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names[0] == "np.absolute" and "np.linalg.inv" in names and "np.tanh" not in names


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("columns", [80, 200])
def test_a_terminal_shows_a_bar(columns):
    import pty

    ours, theirs = pty.openpty()
    environment = {"COLUMNS": str(columns), "TERM": "xterm"}
    read = b""
    with command("check", "square", "--dtype", "float32,float64", stdout=theirs, environment=environment) as process:
        os.close(theirs)
        with contextlib.suppress(OSError):  # that is the end, on Linux
            while chunk := os.read(ours, 4096):
                read += chunk
        os.close(ours)
    assert process.returncode == cli.GOOD
    out = re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", read.decode())
    bars = [line.rstrip("\r") for line in re.split(r"[\r\n]+", out) if " 0 wrong" in line]
    assert any(re.search(r"np\.square float\d\d .* [12]/2 0 wrong \d:\d\d:\d\d", bar) for bar in bars), out
    assert {len(bar) for bar in bars} == {columns}
    assert "2/2 np.square" not in out.partition("right in")[0].replace(bars[-1], "")


def test_an_engine_in_a_folder_without_an_init_file(tmp_path, monkeypatch):
    (tmp_path / "spaced").mkdir()
    (tmp_path / "spaced" / "engines.py").write_text("from jax_ref.engines.ready import OURS as mine")
    monkeypatch.chdir(tmp_path)
    assert run(*ONE, "--engine", "spaced.engines:mine") == cli.GOOD


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
    assert "x64 on" in out and "np.tanh in float32: right" in out and "pip install 'jax[cuda12]'" in out
    assert {"scratch-ad", "numpy", "jax", "rich", "mpmath", "hypothesis"} <= {
        line.split()[0] for line in out.splitlines()
    }


def table(out):
    """The rows of compare's table by the method's name."""
    rows = [re.split(r"  +", line.strip()) for line in out.splitlines()]
    return {row[0]: row[1:] for row in rows if len(row) == 4}


@pytest.mark.parametrize(
    "what, inputs",
    [
        ("tanh", 3),
        ("np.sin(a) * b", 16),
        ("np.sum(np.exp(a))", 8),
        ("np.exp(1j * a)", 8),
        ("sum([x * a[i] for i, x in enumerate([1.0, 2.0])])", 8),
        ("fft.irfft", 24),
    ],
)
def test_compare(capsys, monkeypatch, what, inputs):
    monkeypatch.setattr(compare_methods, "TIMED", 0.0)
    assert run("compare", what) == cli.GOOD
    out = capsys.readouterr().out
    rows = table(out)
    assert rows["numerical, forward"][1] == str(inputs + 1) and rows["numerical, central"][1] == str(2 * inputs)
    assert float(rows["reverse mode"][0]) < 1e-14 < float(rows["numerical, forward"][0])
    assert rows["JAX, reverse"][1] == "-" and "evaluations -: " in out
    assert out.startswith("on cpu (x64 on") and "jax 0." in out and f"{inputs} inputs, " in out
    assert "np.tanh: np.tanh(a)  [a: " in out or what != "tanh"


def test_a_method_that_fails_does_not_break_the_table(capsys):
    run("compare", "np.sort_complex(a)[0].real if isinstance(a, np.ndarray) else a[0]")
    run("compare", "np.sum(np.array([a[0], a[1]]))")
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    compare_methods.show(
        [compare_methods.Row("good", 0.0, 3, 1.0), compare_methods.Row("bad", problem="TypeError: one\ntwo")], 1.0
    )
    out = capsys.readouterr().out
    assert table(out) == {"good": ["0", "3", "1"], "bad": ["failed", "-", "-"]} | {"method": table(out)["method"]}
    assert out.endswith("bad failed: TypeError: one\ntwo\n")


def test_selftest_and_its_exit_status(capsys):
    assert run("selftest", "negative", "--mode", "rev") == cli.GOOD
    out = capsys.readouterr().out
    assert out.startswith("selftest on cpu") and "1/1 functions" in out
    share = re.search(r"np\.negative +(\d+) of (\d+)\n", out)
    assert share and share[1] == share[2] != "0"


def test_false_alarms(capsys):
    assert run("selftest", "--alarms", 2) == cli.GOOD
    assert "0 of 2 right cases flagged" in capsys.readouterr().out


@pytest.fixture
def few_questions(monkeypatch):
    """An atlas of eight questions, of which JAX has one wrong, that asks no peers; which were asked."""
    from jax_ref.checks import peer_lines
    from jax_ref.commands import atlas

    monkeypatch.setattr(peer_lines, "now", dict)
    asked, record = [], atlas._record
    bugs = [bug for bug in atlas.KNOWN_BUGS if bug.id in ("jax-std-const", "jax-fmod-negx")]
    few = atlas.questions(bugs, atlas.EDGE_POINTS[:4], ())
    monkeypatch.setattr(atlas, "questions", lambda: few)
    monkeypatch.setattr(atlas, "_record", lambda question: asked.append(question) or record(question))
    return asked


def test_the_atlas_goes_on_where_it_was_stopped(capsys, tmp_path, monkeypatch, few_questions):
    from jax_ref.commands import atlas

    ask = atlas._record

    def stopped(question):
        if len(few_questions) == 3:
            raise KeyboardInterrupt
        return ask(question)

    monkeypatch.setattr(atlas, "_record", stopped)
    assert run("atlas", "--out", tmp_path) == cli.STOPPED
    out = capsys.readouterr().out
    assert out.startswith("atlas on cpu") and "stopped: 3 of 8 points done, kept in" in out
    monkeypatch.setattr(atlas, "_record", ask)
    with open(tmp_path / "atlas.jsonl", "a") as file:
        file.write('{"question": "broken o')
    assert run("atlas", "--out", tmp_path) == cli.GOOD
    assert "at 1 of 8 points" in capsys.readouterr().out and len(few_questions) == 8
    page = (tmp_path / "atlas.html").read_text()
    assert page.count("<article") == 1 + len(PEER_ERRORS)
    assert page.count('href="https://github.com/') == 1 + sum(bool(error.near) for error in PEER_ERRORS)
    assert run("atlas", "--out", tmp_path) == cli.GOOD and len(few_questions) == 8
    assert (tmp_path / "atlas.html").read_text() == page
    assert run("atlas", "--out", tmp_path, "--fresh") == cli.GOOD and len(few_questions) == 16


def test_an_atlas_of_other_sources_is_made_anew_and_another_file_refused(capsys, tmp_path, monkeypatch, few_questions):
    assert run("atlas", "--out", tmp_path) == cli.GOOD
    monkeypatch.setattr(cli.devices, "sources", lambda: "others")
    assert run("atlas", "--out", tmp_path) == cli.GOOD and len(few_questions) == 16
    kept = (tmp_path / "atlas.jsonl").read_text()
    for text in (
        "no JSON\n",
        "[]\n",
        "{}\n",
        kept + '{"question": "q", "row": {}}\n',
        kept.replace("nan or", "?"),
    ):
        (tmp_path / "atlas.jsonl").write_text(text)
        capsys.readouterr()
        assert run("atlas", "--out", tmp_path) == cli.USAGE, text
        assert "atlas.jsonl is no file of the atlas: name another folder" in capsys.readouterr().err


def test_report_takes_a_folder_and_refuses_what_is_no_record(capsys, tmp_path):
    report = lambda path: cli.main(["report", str(path), "--out", str(tmp_path / "page")])
    assert report(tmp_path / "none") == cli.USAGE
    assert "none: No such file or directory. Name the results.jsonl" in capsys.readouterr().err
    bad = tmp_path / "bad.jsonl"
    for line in ({"a": 1}, [1, 2], 3, {"run": "r", "engine": "e"}, {"run": "r", "unit": ["np.sin", "float32"]}):
        bad.write_text(json.dumps(line) + "\n")
        assert report(bad) == cli.USAGE
        assert "bad.jsonl:1 is no record" in capsys.readouterr().err
    bad.write_bytes(b"\xff\xfe\n")
    assert report(bad) == cli.USAGE
    assert "bad.jsonl: " in capsys.readouterr().err
    assert run(*ONE, "--out", tmp_path) == cli.GOOD
    assert report(tmp_path) == cli.GOOD
    assert (tmp_path / "page" / "index.html").exists()
