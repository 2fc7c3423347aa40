"""Engines that kill, mute, flood and lie: the sweep goes on, and what it says is complete and not trusted."""

import asyncio
import atexit
import builtins
import contextlib
import ctypes
import json
import math
import os
import random
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import scratch_ad
from jax_ref.checks.check import check, check_engine, check_vjp
from jax_ref.commands import cli
from jax_ref.engines.ready import Engine
from jax_ref.measure import derivatives, tolerances
from jax_ref.report.records import lines, text
from jax_ref.sweep import runs, sweep

UNIT = sweep.Unit("np.negative", "float32")


def doing(act):
    """Our reverse mode, which first does something else."""

    def vjp(f, *primals):
        act()
        return scratch_ad.vjp(f, *primals)

    return Engine("of a test", vjp=vjp)


def raising(error):
    def act():
        raise error

    return act


PLAIN = doing(lambda: None)


# Ends of the process, and of patience


def deaf():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        pass


def closed():
    os.closerange(0, 4096)


def drowned():
    while True:
        os.write(1, b"flood " * 9999)


def fills_all_pipes():
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, b'[{"status": "right"}]\n' * 5)
    os._exit(0)


def fork_that_outlives():
    if not os.fork():
        time.sleep(600)
        os._exit(0)
    os._exit(1)


LOST = {
    "exits": lambda: os._exit(0),
    "aborts": os.abort,
    "kills_itself": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "terminates_itself": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "kills_its_group": lambda: os.killpg(os.getpgrp(), signal.SIGKILL),
    "segfaults": lambda: ctypes.string_at(0),
    "fills_all_pipes": fills_all_pipes,
    "closed": closed,
    "fork_that_outlives": fork_that_outlives,
}
LATE = {
    "deaf": deaf,
    "drowned": drowned,
    "sleeps": lambda: time.sleep(600),
    "stops": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}
ENDS = SimpleNamespace(**{name: doing(act) for name, act in {**LOST, **LATE}.items()})


def outcomes(engines, timeout=120.0, jobs=2):
    """The statuses of one unit by each of these engines, one after the other in few processes, and their words."""
    tasks = [sweep.Task(UNIT, f"test_unbreakable:{name}", ("rev",), 1) for name in engines]
    found = [*sweep.by_processes(tasks, jobs, timeout)]
    return {task.engine.partition(":")[2]: ({r["status"] for r in of}, text(of[0])) for task, of in found}


def test_an_engine_that_ends_its_process_loses_that_unit_alone():
    asked = [f"ENDS.{name}" for name in LOST]
    found = outcomes([*asked, "PLAIN"])
    assert {name: statuses for name, (statuses, _) in found.items()} == {
        "PLAIN": {"right"},
        **{name: {"crashed"} for name in asked},
    }
    assert "by SIGSEGV; it printed last:" in found["ENDS.segfaults"][1]
    assert "Segmentation fault" in found["ENDS.segfaults"][1]
    assert "with exit status 0" in found["ENDS.exits"][1] and "by SIGKILL" in found["ENDS.kills_its_group"][1]


def test_an_engine_that_never_ends_is_ended_whatever_it_ignores():
    start = time.monotonic()
    found = outcomes([f"ENDS.{name}" for name in LATE], timeout=5)
    assert [statuses for statuses, _ in found.values()] == [{"timeout"}] * len(LATE)
    assert "flood flood" in found["ENDS.drowned"][1] and len(found["ENDS.drowned"][1]) < 300
    assert time.monotonic() - start < 90


# What is raised, however it speaks


class Silent(Exception):
    """It raises when it is asked what it is."""

    __str__ = __repr__ = lambda self: 1 / 0


class Exits(Exception):
    """It ends the program when it is asked what it is."""

    __str__ = __repr__ = lambda self: sys.exit(0)


class Lies(str):
    """A text that is another one, if asked."""

    __slots__ = ()
    __len__ = lambda self: 0
    __iter__ = lambda self: iter(())
    replace = isprintable = encode = lambda *_: 1 / 0


class Nothing(BaseException):
    pass


def starved():
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**34, before[1]))
    try:
        held = []
        while True:
            held.append(np.empty(2**27))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def down():
    return down()


RAISED = {
    "exit": (lambda: sys.exit(0), "SystemExit: 0"),
    "exit_with_words": (lambda: sys.exit("a word"), "SystemExit: a word"),
    "interrupt": (raising(KeyboardInterrupt()), "KeyboardInterrupt"),
    "generator": (raising(GeneratorExit()), "GeneratorExit"),
    "cancelled": (raising(asyncio.CancelledError()), "CancelledError"),
    "base": (raising(Nothing("to see")), "Nothing: to see"),
    "skip": (lambda: pytest.skip("not now"), "Skipped: not now"),
    "starved": (starved, "Error: "),
    "down": (down, "RecursionError: maximum recursion depth exceeded"),
    "silent": (raising(Silent()), "Silent: with a message that cannot be had"),
    "exiting": (raising(Exits()), "Exits: with a message that cannot be had"),
    "lying": (raising(ValueError(Lies("what it is"))), "ValueError: what it is"),
    "separators": (raising(ValueError("a\u2028b\u2029c\x85d\x0b\x0c\x1ce")), r"a\u2028b\u2029c\x85d\x0b\x0c\x1ce"),
    "nul": (raising(ValueError("a\0b\r\x1b[2Jc")), r"a\x00b\r\x1b[2Jc"),
    "surrogate": (raising(ValueError("a\ud800b\ufffe")), r"a\ud800b\ufffe"),
    "long": (raising(ValueError("x" * 10**7)), "… (10000012 characters)"),
    "fence": (raising(ValueError("```\n</pre>|]]>&")), "```\n</pre>|]]>&"),
}
RAISES = SimpleNamespace(**{name: doing(act) for name, (act, _) in RAISED.items()})


def test_whatever_an_engine_raises_is_an_error_with_its_words(tmp_path):
    found = outcomes([*(f"RAISES.{name}" for name in RAISED), "PLAIN"], jobs=1)
    for name, (_, words) in RAISED.items():
        statuses, said = found[f"RAISES.{name}"]
        assert statuses == {"error"} and words in said and len(said) < 2500, (name, said)
        assert words in str(runs.run(UNIT, getattr(RAISES, name), ("rev",), 1, case=0)[0])
    assert found["PLAIN"][0] == {"right"}


def test_a_sweep_with_any_words_can_be_read_again(tmp_path):
    for name in ("separators", "nul", "surrogate", "long", "fence"):
        folder = tmp_path / name
        whole = sweep.sweep([UNIT], f"test_unbreakable:RAISES.{name}", out=folder, executor=ThreadPoolExecutor(1))
        again = lines(folder / "results.jsonl")
        assert [*again[1:]] == whole.records and again[0]["run"] == whole.header["run"]
        assert cli.main(["report", str(folder), "--out", str(folder)]) == cli.GOOD
        assert ET.parse(folder / "junit.xml").getroot().get("errors") == str(len(whole.records))


# What all code of a process shares


def replaced(module, name):
    return lambda: setattr(module, name, lambda *args, **kwargs: [])


MEDDLED = {
    "allclose": (replaced(np, "abs"), "numpy.abs"),
    "finfo": (replaced(np, "finfo"), "numpy.finfo"),
    "linalg": (replaced(np.linalg, "norm"), "numpy.linalg.norm"),
    "json": (replaced(json, "dumps"), "json.dumps"),
    "time": (replaced(time, "perf_counter"), "time.perf_counter"),
    "builtins": (replaced(builtins, "abs"), "builtins.abs"),
    "os": (replaced(os, "getpid"), "os.getpid"),
    "judge": (replaced(derivatives, "compared"), "jax_ref.measure.derivatives.compared"),
    "code": (lambda: setattr(tolerances.differences, "__code__", (lambda *_, **__: []).__code__), "differences"),
    "method": (replaced(tolerances.Difference, "__str__"), "Difference.__str__"),
    "table": (lambda: tolerances.ULPS.update(float32=(1e30, 1e30)), "tolerances.ULPS"),
    "cleared": (tolerances.ULPS.clear, "tolerances.ULPS"),
    "removed": (lambda: delattr(math, "prod"), "math.prod"),
}


def once(act):
    """It acts in the first call of a process, and so not in the forks of that."""
    done = []
    return lambda: None if done else (done.append(1), act())


LEFT = {
    "folder": lambda: os.chdir("/"),
    "environment": lambda: os.environ.update(JAX_ENABLE_X64="0", PATH=""),
    "emptied": os.environ.clear,
    "numbers": lambda: np.seterr(all="raise"),
    "warnings": lambda: warnings.simplefilter("error"),
    "random": lambda: (np.random.set_state(np.random.RandomState(0).get_state()), random.seed(0)),  # noqa: NPY002
    "path": lambda: sys.path.clear(),
    "streams": lambda: (sys.stdout.close(), setattr(sys, "stderr", None)),
    "descriptors": lambda: os.closerange(1, 3),
    "elsewhere": lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 1),
    "signals": lambda: [signal.signal(n, lambda *_: os._exit(0)) for n in (signal.SIGINT, signal.SIGALRM)],
    "alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 60),
    "depth": lambda: sys.setrecursionlimit(10**6),
    "traced": lambda: sys.settrace(lambda *_: None),
    "thread": once(lambda: threading.Thread(target=time.sleep, args=(600,)).start()),
    "at_exit": lambda: atexit.register(os._exit, 0),
    "fork": once(lambda: os.fork() or time.sleep(600)),
    "forked_twin": once(os.fork),
    "printed": lambda: print("right " * 1000, file=sys.__stdout__, flush=True),
    "precision": lambda: jax.config.update("jax_enable_x64", False),
}
MEDDLES = SimpleNamespace(**{name: doing(act) for name, (act, _) in MEDDLED.items()})
LEAVES = SimpleNamespace(**{name: doing(act) for name, act in LEFT.items()})


def test_what_an_engine_replaces_is_told_and_put_back():
    found = outcomes([*(f"MEDDLES.{name}" for name in MEDDLED), "PLAIN"], jobs=1)
    for name, (_, words) in MEDDLED.items():
        statuses, said = found[f"MEDDLES.{name}"]
        assert statuses == {"error"} and words in said, (name, said)
    assert found["PLAIN"][0] == {"right"}


def test_what_an_engine_leaves_behind_harms_nobody():
    found = outcomes([*(f"LEAVES.{name}" for name in LEFT), "PLAIN"], jobs=1)
    assert {name: statuses for name, (statuses, _) in found.items() if statuses != {"right"}} == {}
    assert len(found) == len(LEFT) + 1


def state():
    there = os.getcwd(), dict(os.environ), np.geterr(), [*warnings.filters], [*sys.path], sys.stdout, sys.stderr
    return *there, signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM), sys.getrecursionlimit()


def test_in_this_process_too_all_is_put_back():
    before, ours = state(), {"descriptors", "elsewhere", "fork", "forked_twin", "streams", "thread", "at_exit"}
    for name in {*LEFT} - ours:
        assert all(r.ok for r in runs.run(UNIT, getattr(LEAVES, name), ("rev",), 1, case=0)), name
        assert state() == before, name
    for name, (_, words) in MEDDLED.items():
        assert words in str(runs.run(UNIT, getattr(MEDDLES, name), ("rev",), 1, case=0)[0]), name


# Results that lie


class Odd(np.ndarray):
    """An array whose every answer is a lie."""

    __eq__ = __ne__ = lambda self, other: True
    __array_ufunc__ = lambda self, *_, **__: np.zeros(())
    shape = dtype = size = ndim = property(lambda self: sys.exit(0))  # type: ignore[assignment]
    __repr__ = __str__ = __format__ = lambda *_: sys.exit(0)


class Pretends:
    """It says that it is any array that it is compared with."""

    dtype, shape, ndim, size = np.dtype("float32"), (2,), 1, 2
    __eq__ = __array__ = __len__ = __repr__ = __float__ = lambda *_, **__: sys.exit(0)
    __hash__ = None


class Growing:
    """It is another array each time."""

    def __array__(self, dtype=None, copy=None):
        return np.ones(random.randrange(9), np.float32)


def answering(make):
    """An engine whose cotangents are of this making."""

    def vjp(f, *primals):
        out, pullback = scratch_ad.vjp(f, *primals)
        return out, lambda g: tuple(make(c) for c in pullback(g))

    return Engine("of a test", vjp=vjp, order=1)


ANSWERS = {
    "odd": lambda c: (np.asarray(c) * 2).view(Odd),
    "pretends": lambda c: Pretends(),
    "growing": lambda c: Growing(),
    "none": lambda c: None,
    "text": lambda c: "right",
    "objects": lambda c: np.full(np.shape(c), Pretends(), object),
    "itself": lambda c: Ellipsis,
    "generator": lambda c: (x for x in c),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_results_that_lie_are_never_right(name):
    results = runs.run(UNIT, answering(ANSWERS[name]), ("rev",), 1)
    assert len(results) == len(UNIT.cases())
    assert all(result.status in ("wrong", "error") and str(result) for result in results)


# In the user's own process


@pytest.mark.parametrize("name", [name for name, (act, _) in RAISED.items() if name != "starved"])
def test_a_check_tells_what_an_engine_raised_and_goes_on(name):
    with pytest.raises(AssertionError) as error:
        check_engine(getattr(RAISES, name), ("negative",), ("float32",), ("rev",), 1)
    assert str(error.value).count("of a test raised") == len(UNIT.cases())


ENDING = ("exit", "interrupt", "generator", "cancelled", "base", "skip")


@pytest.mark.parametrize("name", ENDING)
def test_what_would_end_the_program_is_a_verdict_of_a_check(name):
    act, words = RAISED[name]
    with pytest.raises(AssertionError) as error:
        check(np.sin, np.ones(2), engine=doing(act), order=1)
    assert words in str(error.value)

    def mine(x):
        return np.sin(x), lambda g: act()

    with pytest.raises(AssertionError) as error:
        check_vjp(mine, np.sin, np.ones(2))
    assert words in str(error.value)


def test_what_was_found_before_is_kept():
    def vjp(f, x):
        out, pullback = scratch_ad.vjp(f, x)
        return (out, lambda g: sys.exit(0)) if not x.any() else (out, lambda g: (2 * pullback(g)[0],))

    with pytest.raises(AssertionError) as error:
        check(np.sin, np.full(2, 0.5), engine=Engine("of a test", vjp=vjp), order=1, edges=True)
    assert "ratio 2" in str(error.value) and "SystemExit: 0" in str(error.value)


@pytest.mark.parametrize("swallows", [False, True])
def test_ctrl_c_is_the_users(swallows):
    def press():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if not swallows:
                raise

    with pytest.raises(KeyboardInterrupt):
        runs.run(UNIT, doing(press), ("rev",), 1)
    with pytest.raises(KeyboardInterrupt):
        check(np.sin, np.ones(2), engine=doing(press), order=1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert all(result.ok for result in runs.run(UNIT, PLAIN, ("rev",), 1))


def test_an_engine_is_asked_what_it_has_and_no_more(capsys):
    options = {"modes": ("fwd", "rev"), "executor": ThreadPoolExecutor(1)}
    found = sweep.sweep([UNIT], "test_unbreakable:FIRST", **options)
    assert (found.header["modes"], found.header["order"]) == (["rev"], 1)
    assert {r["order"] for r in found.records} == {1}
    with pytest.raises(ValueError, match="has no mode fwd, only rev"):
        sweep.sweep([UNIT], "test_unbreakable:FIRST", modes=("fwd",), executor=ThreadPoolExecutor(1))
    for wrong in ({}, {"vjp": 1, "order": 3}, {"vjp": 1, "slack": math.inf}, {"vjp": 1, "slack": -1.0}):
        with pytest.raises(ValueError, match="the engine of a test"):
            Engine("of a test", **wrong)
    with pytest.raises(ValueError, match="missing is a tuple"):
        Engine("of a test", vjp=len, missing=ValueError)


FIRST = Engine("of a test", vjp=scratch_ad.vjp, order=1)


def test_check_engine_shows_how_far_it_is_and_what_it_compared(capsys):
    check_engine(FIRST, ("negative",), ("float32", "float64"))
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("1/2 np.negative float32: ") and shown[1].startswith("2/2 np.negative float64: ")
    assert re.fullmatch(r"of a test: \d+ right in \d+\.\d s", shown[2])
    assert shown[3] == (
        "compared: value, vjp; each number by itself, beyond its rounding to float32 8e-06, float64 1e-14"
    )


# The command


def command(*words, status, folder=None):
    path = os.pathsep.join([*map(os.path.abspath, sys.path), os.path.dirname(__file__)])
    ran = subprocess.run(
        [sys.executable, *map(str, words)], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
        cwd=folder, timeout=120,
    )  # fmt: skip
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stdout, ran.stderr


CHECK = ("check", "negative", "--dtype", "float32", "--mode", "rev", "--order", 1, "--cache", "", "--device", "cpu")


def test_every_way_in_answers_alike():
    said = {command("-m", module, "--version", status=0) for module in ("jax_ref", "jax_ref.cli", "jax_ref.commands")}
    said |= {command("-m", "jax_ref.commands.cli", "--version", status=0)}
    assert len(said) == 1 and said.pop()[0].startswith("scratch-ad ")


def test_modules_that_misbehave_when_they_are_imported_are_no_engines(tmp_path):
    for name, code, words in (
        ("leaves", "import sys; sys.exit(0)", "SystemExit: 0"),
        ("dies", "import os; os._exit(0)", "ended abruptly, with exit status 0"),
        ("meddles", "import numpy, jax_ref; numpy.abs = abs; x = jax_ref.Engine('x', len)", "it replaced numpy.abs"),
    ):
        (tmp_path / f"{name}.py").write_text(code)
        out, error = command("-m", "jax_ref", *CHECK, "--engine", f"{name}:x", status=cli.USAGE, folder=tmp_path)
        assert not out and f"no engine {name}:x" in error and words in error


def test_an_exit_status_of_0_needs_a_right_record_for_each_case(tmp_path):
    run = "-m", "jax_ref", *CHECK
    out, _ = command(*run, "--engine", "test_unbreakable:RAISES.exit", "--out", tmp_path, status=cli.MISMATCH)
    assert "SystemExit: 0" in out and "5 error" in out
    command(*run, "--out", tmp_path, status=cli.GOOD)
    path = tmp_path / "results.jsonl"
    kept = path.read_text().splitlines(keepends=True)
    *others, last = (json.loads(line) for line in kept)
    assert last["engine" if "engine" in last else "of"] == len(UNIT.cases())
    forged = [{**last, "number": 0, "of": 1}]
    path.write_text("".join(json.dumps(line) + "\n" for line in (*[o for o in others if "unit" not in o], *forged)))
    out, _ = command(*run, "--out", tmp_path, status=cli.GOOD)
    assert "resumed" not in out and f"{len(UNIT.cases())} right" in out


def test_an_expression_that_ends_the_program_is_no_success(capsys, monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "list", lambda args: sys.exit(0))
    assert cli.main(["list"]) == cli.USAGE
    assert "SystemExit" in capsys.readouterr().err
