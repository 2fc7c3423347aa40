"""Engines that kill, mute, flood and lie: the sweep goes on, and what it says is complete and not trusted."""

import asyncio
import atexit
import builtins
import contextlib
import ctypes
import functools
import gc
import importlib
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
import mpmath
import numpy as np
import optree
import pytest

import scratch_ad
from jax_ref.checks.check import check, check_engine, check_vjp
from jax_ref.commands import cli
from jax_ref.engines.ready import Engine
from jax_ref.engines.surroundings import Surroundings
from jax_ref.measure import derivatives, repeats, tolerances, values
from jax_ref.report.records import lines, text
from jax_ref.report.result import Result
from jax_ref.report.words import compared
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
    tasks = [sweep.Task(UNIT, sweep.Asked(f"test_unbreakable:{name}", ("rev",), 1)) for name in engines]
    found = [*sweep.by_processes(tasks, jobs, timeout)]
    return {task.asked.engine.partition(":")[2]: ({r["status"] for r in of}, text(of[0])) for task, of in found}


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
    found = outcomes([f"ENDS.{name}" for name in LATE], timeout=15)  # a slow machine imports JAX in a third of it
    assert [statuses for statuses, _ in found.values()] == [{"timeout"}] * len(LATE)
    assert "flood flood" in found["ENDS.drowned"][1] and len(found["ENDS.drowned"][1]) < 300
    assert time.monotonic() - start < 150


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
        whole = sweep.sweep([UNIT], sweep.Asked(f"test_unbreakable:RAISES.{name}"), ThreadPoolExecutor(1), folder)
        again = lines(folder / "results.jsonl")
        assert [*again[1:]] == whole.records and again[0]["run"] == whole.header["run"]
        assert cli.main(["report", str(folder), "--out", str(folder)]) == cli.GOOD
        assert ET.parse(folder / "junit.xml").getroot().get("errors") == str(len(whole.records))


# What all code of a process shares


def replaced(module, name):
    return lambda: setattr(module, name, lambda *args, **kwargs: [])


def contained():
    """An array is taken for a container of nothing."""
    if optree.tree_is_leaf(np.ones(1)):
        everywhere = vars(optree.registry)["__GLOBAL_NAMESPACE"]
        optree.register_pytree_node(np.ndarray, lambda x: ((), None), lambda *_: 0, namespace=everywhere)


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
    "leaves": (replaced(optree, "tree_leaves"), "optree.tree_leaves"),
    "jax": (replaced(jax, "vjp"), "jax.vjp"),
    "special": (lambda: importlib.import_module("scipy.special").__dict__.update(gamma=abs), "scipy.special.gamma"),
    "number": (lambda: setattr(values, "_LAST", 1e30), "jax_ref.measure.values._LAST"),
    "other_table": (
        lambda: setattr(tolerances, "ULPS", dict.fromkeys(tolerances.ULPS, (1e30, 1e30))),
        "tolerances.ULPS",
    ),
    "steps": (lambda: repeats.SIZE.update(float32=0.0), "repeats.SIZE"),
    "defaults": (lambda: setattr(tolerances.tolerance, "__defaults__", (1e30, 1, 1e30, None)), "tolerances.tolerance"),
    "property": (lambda: setattr(Result, "ok", property(lambda self: True)), "Result.ok"),
    "raises": (replaced(Result, "require"), "Result.require"),
    "rule": (
        lambda: jax.interpreters.ad.primitive_jvps.update({jax.lax.neg_p: lambda *_, **__: None}),
        "jax.interpreters.ad.primitive_jvps",
    ),
    "container": (
        contained,
        "optree's leaves",
    ),
    "modules": (lambda: sys.modules.update({"jax_ref.measure.values": SimpleNamespace()}), "sys.modules"),
    **{
        name: (replaced(builtins, name), f"builtins.{name}")
        for name in ("all", "any", "dict", "isinstance", "len", "map", "setattr", "zip")
    },
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
    "ranks": lambda: jax.config.update("jax_numpy_rank_promotion", "raise"),
    "promotion": lambda: jax.config.update("jax_numpy_dtype_promotion", "strict"),
    "slowly": lambda: jax.config.update("jax_disable_jit", True),
    "no_nans": lambda: jax.config.update("jax_debug_nans", True),
    "printing": lambda: np.set_printoptions(legacy="1.13", precision=1),
    "digits": lambda: setattr(mpmath.mp, "dps", 1),
    "garbage": gc.disable,
    "warns": lambda: setattr(warnings, "showwarning", lambda *_, **__: os._exit(0)),
    "hook": lambda: setattr(sys, "excepthook", lambda *_: os._exit(0)),
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
    jaxs = jax.config.jax_numpy_rank_promotion, jax.config.jax_disable_jit, jax.config.jax_debug_nans
    also = np.get_printoptions(), mpmath.mp.dps, gc.isenabled(), warnings.showwarning, sys.excepthook, jaxs
    return *there, *also, signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM), sys.getrecursionlimit()


def test_in_this_process_too_all_is_put_back():
    before, ours = state(), {"descriptors", "elsewhere", "fork", "forked_twin", "streams", "thread", "at_exit"}
    for name in {*LEFT} - ours:
        assert all(r.ok for r in runs.run(UNIT, getattr(LEAVES, name), ("rev",), 1, case=0)), name
        assert state() == before, name
    for name, (_, words) in MEDDLED.items():
        assert words in str(runs.run(UNIT, getattr(MEDDLES, name), ("rev",), 1, case=0)[0]), name


def twice(act):
    """A rule that gives the double of each cotangent, and acts, when it is called and before it gives them."""

    def rule(x):
        act()
        return np.negative(x), lambda g: (act(), (-2 * g,))[1]

    return rule


@pytest.mark.parametrize("name", MEDDLED)
def test_a_wrong_rule_that_replaces_what_compares_it_is_wrong(name):
    act, words = MEDDLED[name]
    with pytest.raises(AssertionError) as error:
        check_vjp(twice(act), np.negative, np.ones(2), vary=False)
    assert words in str(error.value) and "replaced" in str(error.value)
    assert check_vjp(lambda x: (np.negative(x), lambda g: (-g,)), np.negative, np.ones(2), vary=False).ok


@pytest.mark.parametrize("name", ["ranks", "slowly", "no_nans", "printing", "digits", "garbage", "numbers", "warnings"])
def test_a_check_puts_back_what_a_rule_leaves_behind(name):
    before = state()
    with pytest.raises(AssertionError, match=r"the pullback|vjp, argument 0"):
        check_vjp(twice(LEFT[name]), np.negative, np.ones(2), vary=False)
    assert state() == before


def test_for_as_long_as_it_runs_an_engine_may_replace_what_it_likes():
    def vjp(f, *primals):
        before, np.absolute = np.absolute, np.fabs
        try:
            return scratch_ad.vjp(f, *primals)
        finally:
            np.absolute = before

    assert check(np.sin, np.ones(2), engine=Engine("of a test", vjp=vjp)).ok


def test_random_numbers_of_an_engine_are_not_the_same_each_time():
    def vjp(f, *primals):
        out, pullback = scratch_ad.vjp(f, *primals)
        return out, lambda g: tuple(c * random.choice([1.0, 1.0, 1.0, 2.0]) for c in pullback(g))

    with pytest.raises(AssertionError):
        check(np.sin, np.ones(2), engine=Engine("of a test", vjp=vjp, order=1))


def test_what_a_thread_of_an_engine_replaces_meanwhile_is_told():
    around, stop, replaced = Surroundings(), threading.Event(), threading.Event()

    def meddle():
        while not stop.is_set():
            derivatives.differences = lambda *_, **__: []
            replaced.set()
            time.sleep(0)

    start = functools.cache(threading.Thread(target=meddle, daemon=True).start)

    def act():
        start()
        replaced.clear()
        assert replaced.wait(60)  # else the thread may not have had its turn before all is compared

    try:
        for result in runs.run(UNIT, doing(act), ("rev",), 1):
            assert result.status == "error" and "derivatives.differences" in str(result)
    finally:
        stop.set()
        time.sleep(0.01)
        around.restored()


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


class Other:
    """An array that is wrong when it is first looked at, and right from then on."""

    def __init__(self, c):
        self.c, self.asked = np.asarray(c), 0

    def __array__(self, dtype=None, copy=None):
        self.asked += 1
        return self.c * (2 if self.asked == 1 else 1)


def masked(c):
    found = np.ma.masked_array(np.array(c), mask=False)
    found[...] = np.ma.masked
    return found


ANSWERS = {
    "other": Other,
    "masked": masked,
    "subclass": lambda c: (np.asarray(c) * 2).view(np.recarray),
    "odd": lambda c: (np.asarray(c) * 2).view(Odd),
    "pretends": lambda c: Pretends(),
    "growing": lambda c: Growing(),
    "none": lambda c: None,
    "text": lambda c: "right",
    "objects": lambda c: np.full(np.shape(c), Pretends(), object),
    "itself": lambda c: Ellipsis,
    "generator": lambda c: (x for x in c),
}


OF_NUMBERS = ("other", "masked", "subclass")


@pytest.mark.parametrize("name", ANSWERS)
def test_results_that_lie_are_never_right(name):
    results = runs.run(UNIT, answering(ANSWERS[name]), ("rev",), 1)
    assert len(results) == len(UNIT.cases())
    told = [result for result in results if "(0" not in result.shapes or name not in OF_NUMBERS]  # others have none
    assert all(result.status in ("wrong", "error") and str(result) for result in told)


def test_a_value_that_is_put_right_later_on_is_wrong():
    def vjp(f, x):
        out, pullback = scratch_ad.vjp(f, x)
        given = np.array(out) + 1
        return given, lambda g: (np.copyto(given, out), pullback(g))[1]

    with pytest.raises(AssertionError, match=r"f gives .* when run plainly"):
        check(np.sin, np.ones(2), engine=Engine("of a test", vjp=vjp, order=1), vary=False)


def test_what_an_engine_says_of_itself_is_no_way_to_be_right():
    vjp = answering(lambda c: 2 * c).vjp
    for slack in (1e7, np.inf, np.nan, 0.0, -1.0):
        with pytest.raises(ValueError, match="slack is above 0 and at most 1e\\+06"):
            Engine("of a test", vjp=vjp, slack=slack)
    for name in ("", "a\nb", "\x1b[2J", "a\u2028", 5, None):
        with pytest.raises(ValueError, match="name is a line of text"):
            Engine(name, vjp=vjp)
    largest = Engine("of a test", vjp=vjp, order=1, slack=1e6)
    assert {r.status for r in runs.run(UNIT, largest, ("rev",), 1) if "0" not in r.shapes} == {"wrong"}
    assert compared(("rev",), 0, ["float32"]) == "compared: nothing"
    assert "float32 1e-01, float64 1e-08" in compared(("rev",), 1, ["float32", "float64"], 1e6)


# Answers and records that are forged


def forged():
    """Answer in place of the process that runs this, as its frames tell how."""
    frame = sys._getframe()
    while "token" not in frame.f_locals:
        frame = frame.f_back
    task, answer = frame.f_locals["task"], frame.f_locals
    found = [task._record("", n, len(task.numbers), "right", [], "", 0.1, "") for n in task.numbers]
    os.write(answer["answers"], f"{answer['token']}-{answer['serial']} {json.dumps(found)}\n".encode())


def test_an_engine_that_answers_for_its_process_is_found_out():
    found = outcomes(["FORGES", "FORGES_AND_EXITS"])
    assert {name: of for name, (of, _) in found.items()} == {"FORGES": {"crashed"}, "FORGES_AND_EXITS": {"crashed"}}
    assert "it gave two" in found["FORGES"][1]


FORGES, FORGES_AND_EXITS = doing(forged), doing(lambda: (forged(), os._exit(0)))
FILES = {
    "added": lambda path: path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n"),
    "garbage": lambda path: path.write_bytes(path.read_bytes() + b"\xff\n"),
    "emptied": lambda path: path.write_text(""),
    "removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("name", FILES)
def test_the_file_of_results_holds_what_was_found_whatever_an_engine_does_to_it(name, tmp_path):
    path, told = tmp_path / "results.jsonl", []

    def meddle(records, done, total):
        told.extend(records)
        if done == 1:
            FILES[name](path)

    units = [UNIT, UNIT._replace(dtype="float64")]
    sweep.sweep(units, sweep.Asked("test_unbreakable:PLAIN"), ThreadPoolExecutor(1), tmp_path, progress=meddle)
    assert [{**line} for line in lines(path)] == told and len(told) > len(units)


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
    asked = sweep.Asked("test_unbreakable:FIRST")
    found = sweep.sweep([UNIT], asked, ThreadPoolExecutor(1))
    assert (found.header["modes"], found.header["order"]) == (["rev"], 1)
    assert {r["order"] for r in found.records} == {1}
    with pytest.raises(ValueError, match="has no mode fwd, only rev"):
        sweep.sweep([UNIT], asked._replace(modes=("fwd",)), ThreadPoolExecutor(1))
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
