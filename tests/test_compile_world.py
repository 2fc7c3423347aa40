"""What a compiled function uses up, or reads of the world: it gives what the function gives, though twice is alike."""

import collections
import csv
import ctypes
import datetime
import functools
import gc
import io
import itertools
import mmap
import os
import pathlib
import queue
import random
import secrets
import sys
import tempfile
import time
import types

import numpy as np
import pandas
import pytest
import scipy.stats

from scratch_ad import compile, grad, jvp, vmap
from scratch_ad.scipy import interpolate

FOLDER = tempfile.TemporaryDirectory()  # gone at the end of the process
VALUES = [1.0, 1.0, 2.0, 3.0, 3.0, 4.0]  # the first two alike, as those are what a program is made of
X = True


def used_up(make, read):
    """A function that takes the next of an object that nobody else has."""
    holder = make()
    return lambda x: x * float(read(holder)), lambda v: None


def replaced(holder, read, write):
    """A function that reads an object, and what changes that from without."""
    return lambda x: x * float(read(holder)), lambda v: write(holder, v)


def text(_=None):
    return io.StringIO("".join(f"{v}\n" for v in VALUES))


def filled(holder):
    for v in VALUES:
        holder.put(v)
    return holder


def a_file():
    holder = tempfile.NamedTemporaryFile("w+")  # noqa: SIM115
    holder.write(text().read())
    holder.flush()
    holder.seek(0)
    return holder


def of_a_path(read):
    def write(path, v):
        path.write_text(str(v))
        np.save(path.with_suffix(".npy"), v)

    return lambda: replaced(pathlib.Path(tempfile.mkdtemp(dir=FOLDER.name)) / "number", read, write)


def read_by_open(path):
    with open(path) as file:
        return file.read()


def of_a_structure():
    kind = type("Structure", (ctypes.Structure,), {"_fields_": [("v", ctypes.c_double)]})
    return replaced(kind(1.0), lambda s: s.v, lambda s, v: setattr(s, "v", v))


def pointed():
    array = np.ones(1)
    pointer = array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    return replaced(pointer, lambda p: p[0], lambda _, v: array.__setitem__(0, v))


def keys():
    holder = {1.0: 0}
    return replaced(holder.keys(), lambda k: next(iter(k)), lambda _, v: (holder.clear(), holder.update({v: 0})))


def within(make):
    holder = types.SimpleNamespace(it=make())
    return lambda x: x * next(holder.it), lambda v: None


def of_late(name, bare):
    """A name that has no value before the third call."""
    if name == "closure":

        def f(x):
            try:
                return x * v
            except NameError:
                return x

        def change(value):
            nonlocal v
            if value > 1:
                v = value

        if bare is None:
            v = 1.0
        return f, change
    kind = type("Kind", (), {"__module__": __name__})

    def g(x):
        try:
            return x * kind.v  # pyright: ignore
        except:  # noqa: E722
            return x

    return g, lambda value: setattr(kind, "v", value) if value > 1 else None


def clock():
    now = lambda x: x * float(time.time() > 0) * VALUES[min(len(calls), 5)]
    calls = []
    return now, lambda v: calls.append(v)


CASES = {
    "generator": lambda: used_up(lambda: (v for v in VALUES), next),
    "sent": lambda: used_up(lambda: (v for v in VALUES), lambda g: g.send(None)),
    "list_iterator": lambda: used_up(lambda: iter(VALUES), next),
    "__next__": lambda: used_up(lambda: iter(VALUES).__next__, lambda take: take()),
    "for": lambda: used_up(lambda: iter(VALUES), lambda it: functools.reduce(lambda a, _: a, it, 0) or 1.0),
    "enumerate": lambda: used_up(lambda: enumerate(VALUES), lambda it: next(it)[1]),
    "cycle": lambda: used_up(lambda: itertools.cycle(VALUES), next),
    "count": lambda: used_up(itertools.count, lambda it: next(it) // 2),
    "flat": lambda: used_up(lambda: np.array(VALUES).flat, next),
    "csv": lambda: used_up(lambda: csv.reader(text()), lambda it: next(it)[0]),
    "an attribute": lambda: within(lambda: iter(VALUES)),
    "StringIO": lambda: used_up(text, lambda s: s.readline()),
    "file": lambda: used_up(a_file, lambda s: s.readline()),
    "Queue": lambda: used_up(lambda: filled(queue.Queue()), lambda q: q.get()),
    "SimpleQueue": lambda: used_up(lambda: filled(queue.SimpleQueue()), lambda q: q.get()),
    "deque": lambda: used_up(lambda: collections.deque(VALUES), lambda q: q.popleft()),
    "open": of_a_path(read_by_open),
    "read_text": of_a_path(lambda path: path.read_text()),
    "load": of_a_path(lambda path: np.load(path.with_suffix(".npy"))),
    "fromfile": of_a_path(lambda path: np.fromfile(path, sep=" ")[0]),
    "getsize": of_a_path(lambda path: os.path.getmtime(path) > 0),
    "keys": keys,
    "c_double": lambda: replaced(ctypes.c_double(1.0), lambda c: c.value, lambda c, v: setattr(c, "value", v)),
    "array of ctypes": lambda: replaced((ctypes.c_double * 1)(1), lambda c: c[0], lambda c, v: c.__setitem__(0, v)),
    "Structure": of_a_structure,
    "pointer": pointed,
    "mmap": lambda: replaced(mmap.mmap(-1, 8), lambda m: m[0], lambda m, v: m.__setitem__(0, int(v))),
    "Series": lambda: replaced(pandas.Series([1.0]), lambda s: s.iloc[0], lambda s, v: s.iloc.__setitem__(0, v)),
    "DataFrame": lambda: replaced(
        pandas.DataFrame({"a": [1.0]}), lambda d: d["a"].to_numpy()[0], lambda d, v: d.loc.__setitem__((0, "a"), v)
    ),
    "a variable of late": lambda: of_late("closure", False),
    "an attribute of late": lambda: of_late("attribute", True),
    "time": clock,
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "transform", [lambda f: f, lambda f: lambda x: jvp(f, (x,), (x,)), vmap], ids=["", "jvp", "vmap"]
)
def test_it_gives_what_the_function_gives(name, transform):
    (f, change), (g, change_too) = CASES[name](), CASES[name]()
    plain, compiled, x = transform(f), compile(transform(g)), np.ones(2)
    for v in VALUES:
        change(v)
        change_too(v)
        assert np.array(compiled(x)).tobytes() == np.array(plain(x)).tobytes()


@pytest.mark.parametrize(
    "now",
    [
        *(lambda: datetime.datetime.now().year, lambda: time.localtime().tm_year, time.gmtime),
        *(
            np.random.RandomState,
            lambda s=None: np.random.RandomState(s),
            lambda: np.random.RandomState(None if X else 3),
        ),
    ],
)
def test_the_clock_is_read_at_each_call(now):
    compiled = compile(lambda x: x * (now() is not None))
    for _ in range(4):
        assert compiled(1.0) == 1.0
    assert not compiled.programs


class Trainer:
    """It reads neither its log nor its iterator."""

    def __init__(self):
        self.w, self.log, self.batches, self.load = np.ones(2), text(), iter(VALUES), 3.0

    def loss(self, x):
        return np.sum(self.w * x) * self.load


def test_what_is_not_named_does_not_count():
    of_a_path = pathlib.Path("a") / "b"

    def f(x):
        started = os.path.join("a", "b") == str(of_a_path) and datetime.date(2020, 1, 1).year
        return x * started * random.Random(3).random() * np.random.default_rng(3).random()

    for g in (Trainer().loss, f, grad(Trainer().loss)):
        compiled = compile(g)
        for _ in range(4):
            assert np.array(compiled(np.ones(2))).tobytes() == np.array(g(np.ones(2))).tobytes()
        assert [p.replay is not None for programs in compiled.programs.values() for p in programs] == [True]


def unseeded(seed=None):
    return np.random.default_rng(seed).integers(1)


bits, seeds = np.random.PCG64(0), np.random.default_rng(0)


@pytest.mark.parametrize(
    ("draw", "of"),
    [
        *(
            (unseeded, "a generator without a seed"),
            (lambda: random.Random().randrange(1), "a generator without a seed"),
        ),
        (lambda: secrets.randbelow(2) * 0, "a generator without a seed"),
        *(
            (lambda: os.urandom(1)[0] * 0, "a generator without a seed"),
            (lambda: scipy.stats.norm.rvs() * 0, "np.random"),
        ),
        *((lambda: np.random.Generator(bits).random() * 0, "bits"), (lambda: seeds.spawn(1)[0].random() * 0, "seeds")),
    ],
)
def test_random_numbers_that_make_no_difference_are_an_error(draw, of):
    compiled = compile(lambda x: x * float(draw()))
    compiled(1.0)
    with pytest.raises(TypeError, match=f"it draws from .*{of}. Random numbers, .* have to be arguments"):
        compiled(1.0)


def test_another_profiler_stays():
    told = []
    compiled = compile(lambda x: x * float(time.time() > 0))
    sys.setprofile(lambda *event: told.append(event))
    try:
        assert [compiled(2.0) for _ in range(4)] == [2.0] * 4
    finally:
        sys.setprofile(None)
    assert told
    assert not compiled.programs


@pytest.mark.parametrize("kind", ["U", "S"])
def test_words_in_arrays_are_as_words(kind):
    f = lambda x, names: x * len(names.tolist()[0]) * (names[-1] == names[0]) * len(names[0])
    compiled = compile(f)
    for words in (["a", "b"], ["ab", "ab"], ["a", "a"], ["ab", "ab"]) * 3:
        assert compiled(np.ones(2), np.array(words, kind)).tolist() == f(np.ones(2), np.array(words, kind)).tolist()


def test_dates_and_records_are_guards_where_python_takes_them():
    days = lambda x, when: x * (when.tolist()[1] - when.tolist()[0]).days
    field = lambda x, records: x * records.tolist()[0][1]
    for f, make in (
        (days, lambda k: np.array(["2020-01-01", f"2020-01-0{k}"], "M8[D]")),
        (field, lambda k: np.array([(1.0, k)], [("a", float), ("b", int)])),
    ):
        compiled = compile(f)
        for k in (2, 2, 2, 5, 5, 5, 2):
            assert compiled(np.ones(2), make(k)).tolist() == f(np.ones(2), make(k)).tolist()


def test_the_degree_of_a_spline_may_be_numpys():
    f = lambda x, k: interpolate.make_interp_spline(x, np.sin(x), k)(0.3)
    compiled, x = compile(f), np.linspace(0, 1, 6)
    for k in (3, 3, 3, 2, 1):
        assert compiled(x, np.int64(k)).tobytes() == f(x, k).tobytes()


def test_what_is_told_of_garbage_does_not_count():
    def told(phase, info):
        time.perf_counter()

    def f(x):
        gc.collect()
        return np.sin(x) * X or open("nowhere")

    compiled = compile(f)
    gc.callbacks.append(told)
    try:
        for _ in range(3):
            assert compiled(1.5) == np.sin(1.5)
    finally:
        gc.callbacks.remove(told)
    assert compiled.source
