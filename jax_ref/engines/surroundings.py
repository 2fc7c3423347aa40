"""What all code of a process shares, and an engine may change: it is told, and put back.

``Surroundings`` are the functions of modules, settings and states as they are when it is made. ``apart(engine)`` puts
functions and settings back after each call of an engine, before any code of ours goes on: what compares its results is
what it was. States are put back at the end alone, as an engine that draws random numbers must be seen to.
"""

import builtins
import contextlib
import ctypes
import functools
import gc
import itertools
import operator
import os
import random
import signal
import sys
import threading
import types
import warnings
from dataclasses import replace

import mpmath
import numpy as np
import optree

_WATCHED = (
    *("numpy", "numpy.linalg", "numpy.random", "jax", "jax.numpy", "jax.lax", "jax.tree_util", "optree", "mpmath"),
    *("scipy.linalg", "scipy.special", "scipy.signal", "scipy.fft", "scipy.stats", "scipy.optimize", "scipy.integrate"),
    *("scipy.interpolate", "scipy.ndimage", "scipy.spatial.distance", "scipy.sparse", "scipy.sparse.linalg"),
    *(f"scratch_ad.{name}" for name in ("frames", "primitives", "program", "registry", "tracer", "tree")),
    *("contextlib", "dataclasses", "functools", "inspect", "itertools", "json", "math", "operator", "os", "re"),
    *("time", "traceback", "zlib"),
)
_FAR = [["jax_ref", part] for part in ("cases", "commands", "fuzz", "lesson", "rules", "tracing")]
_RULES = ("primitive_jvps", "primitive_transposes")  # JAX's own, in jax.interpreters.ad
_ARRAY = np.zeros(1)


class Surroundings:
    """What all code shares, as it is now."""

    def __init__(self):
        self._builtins = dict(vars(builtins))
        modules = _modules()
        near, far = (_Spaces([of for of in _spaces(modules) if _is_far(of) is away]) for away in (False, True))
        self._near, self._far = [near, *near.tables()], [far, *_tables(modules)]
        self._settings = _settings()
        self._states = [(put, get()) for get, put in _STATES]
        self._replaced, self._depth = {}, 0

    def restored(self):
        """Put all back as it was; returns the names of the functions and tables that were replaced since the last."""
        self.between(near=False)
        for put, value in self._states:
            put(value)
        found, self._replaced = [*self._replaced], {}
        return found

    def between(self, settings=None, near=True):
        """As ``restored``, but for states; the names are kept for that. ``settings``: as they are to be.

        ``near``: only what compares results, and not all that the functions compared are made of.
        """
        found = self.functions_restored(near)
        for (get, put), value in zip(_SETTINGS, settings or self._settings, strict=True):
            if get() != value:
                put(value)
        return found

    def functions_restored(self, near=False):
        """As ``between``, but for settings."""
        there = builtins.__dict__
        for name in self._builtins:  # by no call of any of them
            if there.get(name) is not self._builtins[name]:
                there[name] = self._builtins[name]
                self._replaced[f"builtins.{name}"] = True
        for part in self._near if near else (*self._near, *self._far):
            self._replaced.update(dict.fromkeys(part.restored(), True))
        if not optree.tree_is_leaf(_ARRAY):
            optree.unregister_pytree_node(np.ndarray, namespace=vars(optree.registry)["__GLOBAL_NAMESPACE"])
            self._replaced["optree's leaves"] = True
        return [*self._replaced]

    def apart(self, engine):
        """The engine, after each call of which all but states is put back."""
        of = engine
        return replace(
            engine,
            jvp=of.jvp and self._apart(of.jvp),
            vjp=of.vjp and self._apart(of.vjp, with_pullback=True),
            call=of.call and self._apart(of.call),
            program=of.program and functools.wraps(of.program)(lambda f: self._apart(of.program(f))),
            outer=tuple(map(self.apart, of.outer)),
        )

    def _apart(self, function, with_pullback=False):
        @functools.wraps(function)
        def call(*args):
            settings = None if self._depth else _settings()
            self._depth += 1
            try:
                out = function(*args)
            finally:
                self._depth -= 1
                if settings:  # for as long as it runs, an engine may replace what it likes
                    self.between(settings)
            if with_pullback and isinstance(out, (tuple, list)) and len(out) == 2 and callable(out[1]):
                return out[0], self._apart(out[1])
            return out

        return call


class _Identities:
    """The objects of a tuple, whose places in memory are compared as bytes: at once, and by no code of theirs."""

    def __init__(self, objects):
        self.objects = objects  # kept alive, so that no other comes to lie in the place of one
        self._bytes = ctypes.c_char * (len(objects) * tuple.__itemsize__)
        self._before = self._places(objects)

    def are(self, objects):
        return len(objects) == len(self.objects) and self._places(objects) == self._before

    def _places(self, objects):
        return self._bytes.from_address(id(objects) + tuple.__basicsize__).raw


class _Spaces:
    """The functions and classes of modules and classes; of ours, all that they hold."""

    def __init__(self, spaces):
        kept = [(of, vars(of), names) for of in spaces if (names := _kept(of))]
        self.names = [(of, held, name) for of, held, names in kept for name in names]
        self._held = [held for _, held, _ in kept]
        self._get = [operator.itemgetter(*names, names[-1]) for _, _, names in kept]  # of two or more, a tuple
        self.values = [held[name] for _, held, name in self.names]
        self._objects = _Identities(self._now())
        ours = {id(of) for of in spaces if _is_ours(of)}
        rows = zip(self.names, self.values, strict=True)
        self.functions = [x for (of, *_), x in rows if type(x) is types.FunctionType and id(of) in ours]
        self._codes = [_Identities((*map(code, self.functions),)) for code in _CODES]

    def _now(self):
        return (*itertools.chain.from_iterable(map(operator.call, self._get, self._held)),)

    def restored(self):
        if not self._is_same():
            for (of, held, name), value in zip(self.names, self.values, strict=True):
                if held.get(name) is not value:
                    setattr(of, name, value)
                    yield f"{of.__name__}.{name}"
        if not all(before.are((*map(code, self.functions),)) for code, before in zip(_CODES, self._codes, strict=True)):
            for f, *parts in zip(self.functions, *(before.objects for before in self._codes), strict=True):
                if any(map(operator.is_not, [code(f) for code in _CODES], parts)):
                    f.__code__, f.__defaults__, f.__kwdefaults__ = parts
                    yield f"{f.__module__}.{f.__name__}"

    def _is_same(self):
        try:
            return self._objects.are(self._now())
        except KeyError:  # one is no longer there
            return False

    def tables(self):
        found = {}
        for (of, _, name), x in zip(self.names, self.values, strict=True):
            if type(x) in (dict, list, set):
                found.setdefault(id(x), _Table(f"{of.__name__}.{name}", x))
        return [*found.values()]


_CODES = [*map(operator.attrgetter, ("__code__", "__defaults__", "__kwdefaults__"))]


def _kept(of):
    ours = _is_ours(of)
    return [name for name, x in vars(of).items() if callable(x) or (ours and "__" not in name)]


def _is_ours(of):
    return getattr(of, "__module__", of.__name__).partition(".")[0] == "jax_ref"


class _Table:
    """A dict, list or set; what ``may_grow`` keeps what is added, and ``content`` is the part that counts."""

    def __init__(self, name, table, may_grow=False, content=None):
        self.name, self.table, self.may_grow = name, table, may_grow
        self.content = type(table)(table) if content is None else content
        self._objects = _Identities(_items(self.content))

    def restored(self):
        if self._is_same():
            return
        if not self.may_grow:
            self.table.clear()
        (self.table.extend if isinstance(self.table, list) else self.table.update)(self.content)
        yield self.name

    def _is_same(self):
        table, content = self.table, self.content
        if self._objects.are(_items(table)):
            return True
        if len(table) != len(content) and not self.may_grow:
            return False
        if isinstance(table, dict):
            return all(map(operator.is_, map(table.get, content), content.values()))
        return isinstance(table, set) and table == content


def _items(table):
    return (*table, *table.values()) if isinstance(table, dict) else (*table,)


def _modules():
    names = [name for name in [*sys.modules] if name.partition(".")[0] == "jax_ref" or name in _WATCHED]
    return {name: sys.modules[name] for name in names if isinstance(sys.modules[name], types.ModuleType)}


def _spaces(modules):
    for name, module in modules.items():
        yield module
        if _is_ours(module):
            yield from (x for x in vars(module).values() if isinstance(x, type) and x.__module__ == name)


def _is_far(of):
    """Whether it has no part in comparing results."""
    name = getattr(of, "__module__", of.__name__)
    return name.startswith(("jax.", "scipy.", "scratch_ad.")) or name.split(".")[:2] in _FAR


def _tables(modules):
    yield _Table("sys.modules", sys.modules, True, modules)
    if rules := sys.modules.get("jax.interpreters.ad"):
        yield from (_Table(f"jax.interpreters.ad.{name}", getattr(rules, name), True) for name in _RULES)


# Settings


def _environment(values):
    os.environ.clear()
    os.environ.update(values)


def _folder():
    with contextlib.suppress(OSError):
        return os.getcwd()


def _back_to(folder):
    with contextlib.suppress(OSError, TypeError):
        os.chdir(folder)


_ALARMS = (signal.SIGALRM,) if hasattr(signal, "SIGALRM") else ()


def _handlers():
    return {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, *_ALARMS)}


def _handle(handlers):
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _alarm():
    return bool(_ALARMS) and signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _no_alarm(waited_for):
    if _ALARMS and not waited_for:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _streams(streams):
    sys.stdin, sys.stdout, sys.stderr = streams


def _filters(before):
    warnings.filters[:] = before
    warnings.simplefilter("default", append=True)  # which makes Python forget what it has decided by others
    warnings.filters.pop()


def _path(before):
    sys.path[:] = before


def _of(module, name):
    """How to get and to put what a module holds by a name."""
    return lambda: getattr(module, name), lambda before: setattr(module, name, before)


def _jax(option):
    """How to get and to put a setting of JAX's, which is not imported before it is asked for."""

    def get():
        import jax

        return getattr(jax.config, option)

    def put(before):
        import jax

        jax.config.update(option, before)

    return get, put


def profiled_by(before):
    """``sys.setprofile``; but a profiler of C's own, as ``cProfile``'s, takes its place by itself alone."""
    if before is None or callable(before):
        return sys.setprofile(before)
    sys.setprofile(None)
    before.enable()


_SETTINGS = (
    (_folder, _back_to),
    (lambda: dict(os.environ), _environment),
    (_alarm, _no_alarm),
    (_handlers, _handle),
    (lambda: (sys.stdin, sys.stdout, sys.stderr), _streams),
    (lambda: [*warnings.filters], _filters),
    _of(warnings, "showwarning"),
    (lambda: [*sys.path], _path),
    _of(sys, "excepthook"),
    _of(sys, "unraisablehook"),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, profiled_by),
    (gc.isenabled, lambda before: gc.enable() if before else gc.disable()),
    (np.geterr, lambda before: np.seterr(**before)),
    (np.geterrcall, np.seterrcall),
    (np.get_printoptions, lambda before: np.set_printoptions(**before)),
    _of(mpmath.mp, "prec"),
    _jax("jax_enable_x64"),
    _jax("jax_default_matmul_precision"),
    _jax("jax_numpy_rank_promotion"),
    _jax("jax_numpy_dtype_promotion"),
    _jax("jax_disable_jit"),
    _jax("jax_debug_nans"),
    _jax("jax_debug_infs"),
)


def _settings():
    return [get() for get, _ in _SETTINGS]


_STATES = ((np.random.get_state, np.random.set_state), (random.getstate, random.setstate))
