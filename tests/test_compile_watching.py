"""What a compiled function reads besides its arguments: once something is another, no replay gives the old numbers."""

import argparse
import array
import collections
import contextvars
import dataclasses
import functools
import operator
import os
import sys
import threading
import types
import warnings
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.interpolate
import scipy.sparse

from scratch_ad import compile

RUNS = 3  # the last of which is a replay


@dataclasses.dataclass(slots=True)
class Slots:
    v: Any


@dataclasses.dataclass
class Variables:
    v: Any


class Permissive:
    def __init__(self, v):
        self.v = v

    def __getattr__(self, name):
        if name.startswith("__"):
            raise KeyError(name)
        return 0.0


class Answering(Permissive):
    def __getattr__(self, name):
        return self


class AttrDict(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Dict(dict):
    pass


class List(list):
    pass


class Named(NamedTuple):
    a: list


class Local(threading.local):
    pass


class Base:
    v = 2.0

    def of_the_class(self, x):
        return x * self.v

    @classmethod
    def of_cls(cls, x):
        return x * cls.v

    @staticmethod
    def of_static(x):
        return x * Base.v

    @property
    def doubled(self):
        return self.v * 2

    def __call__(self, x):
        return self.of_the_class(x)

    def of_the_name(self, x):
        return x * getattr(self, "v")  # noqa: B009


class Derived(Base):
    pass


class Within:
    def __init__(self, cfg):
        self.cfg = cfg

    def loss(self, x):
        return x * self.cfg.v

    def doubled(self, x):
        return x * (self.cfg.doubled / 2)


def local(v):
    x = threading.local()
    x.v = v
    return x


def attribute(holder):
    return lambda x: x * holder.v, lambda v: setattr(holder, "v", v)


def item(holder, key=0):
    return lambda x: x * holder[key], lambda v: holder.__setitem__(key, v)


def total(holder, change):
    return lambda x: x * sum(holder), change


def function_attribute():
    def f(x):
        return x * f.v

    f.v = 2.0
    return f, lambda v: setattr(f, "v", v)


def replaced(what):
    def helper(x, v=2.0):
        return x * v

    def other(x, v=5.0):
        return x * v * 1.0

    def change(v):
        setattr(helper, "__defaults__", other.__defaults__)  # noqa: B010
        if what == "__code__":
            setattr(helper, "__code__", other.__code__)  # noqa: B010

    return lambda x: helper(x), change


def of_a_chain(in_all=False):
    first, last = {}, {"v": 2.0}
    holder = collections.ChainMap(first, last)
    return (lambda x: x * holder["v"]), lambda v: (last if in_all else first).__setitem__("v", v)


def of_a_proxy():
    below = {"v": 2.0}
    return item(types.MappingProxyType(below), "v")[0], lambda v: below.__setitem__("v", v)


def of_a_deque():
    holder = collections.deque([2.0])
    return total(holder, lambda v: (holder.clear(), holder.append(v)))


def of_a_set():
    holder = {2.0}
    return total(holder, lambda v: (holder.clear(), holder.add(v)))


def ordered():
    holder = collections.OrderedDict(a=2.0, b=5.0)
    return (lambda x: x * next(iter(holder.values()))), lambda _: holder.move_to_end("a")


def counted():
    holder = collections.defaultdict(float, v=2.0)
    return item(holder, "v")


def in_a_named_tuple():
    holder = Named([2.0])
    return lambda x: x * holder.a[0], lambda v: holder.a.__setitem__(0, v)


def bytes_of(holder):
    return lambda x: x * float(holder[0]), lambda v: holder.__setitem__(0, int(v))


def viewed():
    holder = bytearray([2])
    view = memoryview(holder)
    return lambda x: x * float(view[0]), lambda v: holder.__setitem__(0, int(v))


def sparse(kind):
    matrix = kind(np.diag([2.0, 2.0]))
    return lambda x: x * (matrix @ np.ones(2)), lambda v: matrix.data.__setitem__(..., v)


def spline():
    s = scipy.interpolate.CubicSpline(np.arange(4.0), np.full(4, 2.0))
    return lambda x: x * s(1.5), lambda v: s.c.__setitem__(-1, v)


def objects():
    holder = np.array([2.0, None], object)
    return item(holder)


def masked():
    holder = np.ma.array([2.0])
    return item(holder)


def bound():
    holder = {"v": 2.0}
    get = holder.get
    return lambda x: x * get("v"), lambda v: holder.__setitem__("v", v)


def partial():
    holder = functools.partial(lambda x, v: x * v, v=2.0)
    return lambda x: holder(x), lambda v: holder.keywords.__setitem__("v", v)


def cached():
    holder = [2.0]
    read = functools.lru_cache(lambda k: holder)
    return lambda x: x * read(0)[0], lambda v: holder.__setitem__(0, v)


def of_a_module(read):
    module = types.ModuleType("a_users_module")
    module.v = 2.0
    module.inner = types.ModuleType("a_users_module.inner")
    module.inner.v = 2.0
    return (lambda x: x * read(module)), lambda v: (setattr(module, "v", v), setattr(module.inner, "v", v))


def imported():
    module = sys.modules["a_module_of_this_test"] = types.ModuleType("a_module_of_this_test")
    module.v = 2.0

    def f(x):
        import a_module_of_this_test as a  # pyright: ignore

        return x * a.v

    return f, lambda v: setattr(module, "v", v)


def of_a_class(call):
    kind = type("Kind", (Base,), {"v": 2.0, "__module__": __name__})
    return call(kind), lambda v: setattr(kind, "v", v)


def overshadowed():
    kind = type("Kind", (Base,), {"__module__": __name__})
    return kind().of_the_class, lambda v: setattr(kind, "v", v)


def method_replaced(name="of_the_class"):
    kind = type("Kind", (Base,), {"of_the_class": Base.of_the_class, "__module__": __name__})
    f = kind()
    return lambda x: f(x), lambda v: setattr(kind, name, lambda self, x: x * v)


def of_super():
    config = {"v": 2.0}
    parent = type("Parent", (), {"run": lambda self, x: x * config["v"], "__module__": __name__})

    class Child(parent):
        def run(self, x):
            return super().run(x)

    return Child().run, lambda v: config.__setitem__("v", v)


def read_only_view(make):
    holder = np.full(2, 2.0)
    view = make(holder)
    assert not view.flags.writeable
    return lambda x: x * view.ravel(), lambda v: holder.__setitem__(..., v)


def read_only_buffer():
    holder = bytearray(np.full(2, 2.0).tobytes())
    return read_only_view(lambda _: np.frombuffer(memoryview(holder).toreadonly()))[0], (
        lambda v: holder.__setitem__(slice(None), np.full(2, v).tobytes())
    )


def a_global_of_late():
    def f(x):
        try:
            return x * a_name_of_late  # pyright: ignore
        except NameError:
            return x * 2.0

    globals().pop("a_name_of_late", None)
    return f, lambda v: globals().__setitem__("a_name_of_late", v)


def a_class_attribute_of_late():
    kind = type("Kind", (), {"__module__": __name__})

    def f(x):
        try:
            return x * kind.of_late  # pyright: ignore
        except AttributeError:
            return x * 2.0

    return f, lambda v: setattr(kind, "of_late", v)


def a_module_of_late():
    def f(x):
        try:
            import a_module_that_is_of_late as a  # pyright: ignore
        except ImportError:
            return x * 2.0
        return x * a.v

    def change(v):
        module = sys.modules["a_module_that_is_of_late"] = types.ModuleType("a_module_that_is_of_late")
        module.v = v

    sys.modules.pop("a_module_that_is_of_late", None)
    return f, change


def keyword_defaults():
    def helper(x, *, v=2.0):
        return x * v

    return lambda x: helper(x), lambda v: setattr(helper, "__kwdefaults__", {"v": v})


def shape_set():
    holder = np.zeros((2, 5))
    return lambda x: x * float(holder.shape[0]), lambda _: set_quietly(holder, "shape", (5, 2))


def dtype_set():
    holder = np.full(2, 2.0)
    return lambda x: x * {"f": 2.0, "i": 5.0}[holder.dtype.kind], lambda _: set_quietly(holder, "dtype", np.int64)


def set_quietly(holder, name, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy 2.5
        setattr(holder, name, x)


def class_replaced():
    a, b = (type("Kind", (), {"v": v, "__module__": __name__}) for v in (2.0, 5.0))
    holder = a()
    return lambda x: x * holder.v, lambda _: setattr(holder, "__class__", b)


def of_its_metaclass():
    meta = type("Meta", (type,), {"v": 2.0, "__module__": __name__})
    kind = meta("Kind", (), {"__module__": __name__})
    return lambda x: x * kind.v, lambda v: setattr(meta, "v", v)


def not_there_before(holder, below):
    return lambda x: x * getattr(holder, "of_late", 2.0), lambda v: setattr(below, "of_late", v)


def weakly(refer, call):
    holder = Variables(2.0)
    known = refer(holder)
    return lambda x: x * call(known).v, lambda v: setattr(holder, "v", v)


def no_longer_read_only():
    holder = np.full(2, 2.0)
    holder.flags.writeable = False

    def change(v):
        holder.flags.writeable = True
        holder[:] = v

    return lambda x: x * holder, change


def method_with_a_global():
    def change(v):
        global of_this_module
        of_this_module = v

    change(2.0)
    holder = Reading()
    return lambda x: holder.read(x), change


class Reading:
    def read(self, x):
        return x * of_this_module


def in_a_package_called_test():
    home = {"__name__": "test.model", "v": 2.0}
    exec("def f(x): return x * v", home)
    return home["f"], lambda v: home.__setitem__("v", v)


def of_globals():
    return (lambda x: x * globals()["of_this_module"]), method_with_a_global()[1]


def environment():
    os.environ["A_TEST_OF_COMPILE"] = "2"
    return lambda x: x * float(os.environ["A_TEST_OF_COMPILE"]), lambda v: os.environ.update(A_TEST_OF_COMPILE=str(v))


def context():
    variable = contextvars.ContextVar("v", default=2.0)
    return lambda x: x * variable.get(), variable.set


def in_a_context():
    variable = contextvars.ContextVar("v", default={"v": 2.0})  # noqa: B039
    return lambda x: x * variable.get()["v"], lambda v: variable.get().__setitem__("v", v)


def by_a_getter():
    kind = type("Kind", (), {"of_a_getter": 2.0, "__module__": __name__})
    get, name = operator.attrgetter("of_a_getter"), "of_a" + "_getter"
    return lambda x: x * (get(kind) + getattr(kind, name)) / 2, lambda v: setattr(kind, name, v)


def a_builtin_overshadowed():
    home = {"__name__": "a_users_module"}
    exec("def f(x): return x * sum([0.5, 1.5])", home)
    return home["f"], lambda v: home.__setitem__("sum", lambda _: v)


def errors():
    return lambda x: x * (2.0 if np.geterr()["over"] == "warn" else 5.0), lambda _: np.seterr(over="ignore")


PLACES = {
    "slots": lambda: attribute(Slots(2.0)),
    "variables": lambda: attribute(Variables(2.0)),
    "SimpleNamespace": lambda: attribute(types.SimpleNamespace(v=2.0)),
    "argparse": lambda: attribute(argparse.Namespace(v=2.0)),
    "nested": lambda: (Within(c := types.SimpleNamespace(v=2.0)).loss, lambda v: setattr(c, "v", v)),
    "nested slots": lambda: (Within(c := Slots(2.0)).loss, lambda v: setattr(c, "v", v)),
    "threading.local": lambda: attribute(local(2.0)),
    "a local of its own": lambda: (lambda c: (setattr(c, "v", 2.0), attribute(c))[1])(Local()),
    "Permissive": lambda: attribute(Permissive(2.0)),
    "Answering": lambda: attribute(Answering(2.0)),
    "AttrDict": lambda: attribute(AttrDict(v=2.0)),
    "a function's attribute": function_attribute,
    "defaults": lambda: replaced("__defaults__"),
    "code": lambda: replaced("__code__"),
    "OrderedDict": lambda: item(collections.OrderedDict(v=2.0), "v"),
    "order": ordered,
    "defaultdict": counted,
    "deque": of_a_deque,
    "ChainMap": of_a_chain,
    "below in ChainMap": lambda: of_a_chain(True),
    "UserDict": lambda: item(collections.UserDict(v=2.0), "v"),
    "set": of_a_set,
    "array": lambda: item(array.array("d", [2.0])),
    "MappingProxyType": of_a_proxy,
    "dict": lambda: item(Dict(v=2.0), "v"),
    "list": lambda: item(List([2.0])),
    "an attribute of a dict": lambda: (lambda c: (setattr(c, "v", 2.0), attribute(c))[1])(Dict()),
    "NamedTuple": in_a_named_tuple,
    "csr": lambda: sparse(scipy.sparse.csr_array),
    "dia": lambda: sparse(scipy.sparse.dia_matrix),
    "spline": spline,
    "objects": objects,
    "masked": masked,
    "bytearray": lambda: bytes_of(bytearray([2])),
    "memoryview": viewed,
    "bound": bound,
    "partial": partial,
    "cached": cached,
    "module": lambda: of_a_module(lambda m: m.v),
    "getattr": lambda: of_a_module(lambda m: getattr(m, "v")),  # noqa: B009
    "vars": lambda: of_a_module(lambda m: vars(m)["v"]),
    "module in a module": lambda: of_a_module(lambda m: m.inner.v),
    "import": imported,
    "class": lambda: of_a_class(lambda kind: lambda x: x * kind.v),
    "self": lambda: of_a_class(lambda kind: kind().of_the_class),
    "cls": lambda: of_a_class(lambda kind: kind.of_cls),
    "property": lambda: of_a_class(lambda kind: Within(kind()).doubled),
    "__call__": lambda: of_a_class(lambda kind: kind()),
    "of the name": lambda: of_a_class(lambda kind: kind().of_the_name),
    "made within": lambda: of_a_class(lambda kind: lambda x: kind()(x)),
    "overshadowed": overshadowed,
    "a method": method_replaced,
    "an operator": lambda: method_replaced("__call__"),
    "super": of_super,
    "sliding windows": lambda: read_only_view(lambda a: np.lib.stride_tricks.sliding_window_view(a, 2)),
    "a part of windows": lambda: read_only_view(lambda a: np.lib.stride_tricks.sliding_window_view(a, 2)[0]),
    "as_strided": lambda: read_only_view(lambda a: np.lib.stride_tricks.as_strided(a, writeable=False)),
    "a read-only buffer": read_only_buffer,
    "a global of late": a_global_of_late,
    "a class attribute of late": a_class_attribute_of_late,
    "a module of late": a_module_of_late,
    "defaults of keywords": keyword_defaults,
    "shape": shape_set,
    "dtype": dtype_set,
    "__class__": class_replaced,
    "of its metaclass": of_its_metaclass,
    "an attribute of late": lambda: not_there_before(c := Variables(1.0), c),
    "an attribute of a class of late": lambda: not_there_before((kind := type("Kind", (Base,), {}))(), kind),
    "an attribute of a module of late": lambda: not_there_before(m := types.ModuleType("a_users_module"), m),
    "weakref": lambda: weakly(weakref.ref, lambda known: known()),
    "proxy": lambda: weakly(weakref.proxy, lambda known: known),
    "read-only": no_longer_read_only,
    "a global of a method": method_with_a_global,
    "test": in_a_package_called_test,
    "globals": of_globals,
    "environment": environment,
    "ContextVar": context,
    "in a ContextVar": in_a_context,
    "by a getter": by_a_getter,
    "a builtin": a_builtin_overshadowed,
    "geterr": errors,
}


@pytest.mark.parametrize("name", PLACES)
def test_what_stands_there_is_watched(name):
    f, change = PLACES[name]()
    compiled, x = compile(f), np.ones(2)
    with np.errstate():
        for _ in range(RUNS):
            assert compiled(x).tolist() == [2.0, 2.0]
        assert [p.replay is not None for programs in compiled.programs.values() for p in programs] == [True]
        change(5.0)
        for _ in range(RUNS):
            assert compiled(x).tolist() == f(x).tolist()
    assert f(x).tolist() == [5.0, 5.0] or name == "geterr"


def test_a_thread_has_its_own():
    f, _ = attribute(local := threading.local())
    compiled, got = compile(f), {}

    def run(v):
        local.v = v
        got[v] = [compiled(1.0) for _ in range(RUNS)]

    for v in (2.0, 5.0):
        thread = threading.Thread(target=run, args=(v,))
        thread.start()
        thread.join()
    assert got == {v: [v] * RUNS for v in (2.0, 5.0)}
