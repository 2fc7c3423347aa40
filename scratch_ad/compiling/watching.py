"""What a function reads besides its arguments, and whether it is still the same.

A program holds what the function found, as it was. So that is watched: what stands in the cells, globals and defaults
that the function's code names, the items and attributes of what stands there, and so on, in the code of functions and
classes found there as well; of a module or a class, what any of that code names, be it in a string. Places are compared
by identity, arrays byte for byte, which takes about as long as to read them once.

Generators of random numbers are found at the same places, and whether a run has drawn from one is told by its state: a
program would give the numbers of one run for good. What cannot be looked into, an iterator say, or a queue, counts as
changed at every call; so does what a run read of the world, of which ``world`` is told.
"""

import array
import builtins
import dis
import functools
import mmap
import operator
import os
import pickle
import random
import sys
import types

import numpy as np

from ..constants import ConstantCell
from ..frames import LIBRARIES
from ..silence import STATE
from ..tracer import Tracer
from . import holdings
from .code import bytecode
from .world import Lookout, may_look

_OURS = __name__.partition(".")[0]
_AS_THEY_ARE = {*LIBRARIES, _OURS, "pytest"} - {"test"}  # whose code nobody changes; test may be a user's
WRITTEN_OUT = 16  # places compared in the same way for which each has a line of its own, which is faster

# How places are compared: whether in ``a`` something else stands now than ``b`` and ``c``.
_CELL = "{a}.cell_contents is not {b}"
_FUNCTION = "{a}.__code__ is not {b} or {a}.__defaults__ is not {c}"
_KEYWORDS = "{a}.__kwdefaults__ is not {b}"
_OBJECT = "type({a}) is not {b} or vars({a}) is not {c}"
_ENTRY = "{a}.get({b}) is not {c}"
_DICT = "[*{a}] != {b} or not all(map(is_, {a}.values(), {c}))"
_PARTED = "len({c}({a})) != len({b}) or not all(map(is_, {c}({a}), {b}))"
_MEMORY = "{b} != {a}"  # as it lies there, without a copy
_BYTES = "{b} != {a}.tobytes()"
_LOCKED = "{a}.flags.writeable"
_EMPTY = "{a} != {b}"
_SEALED = "True"
_SHADOWED = "not {a}.keys().isdisjoint({b})"
_FORM = "{a}.shape != {b} or {a}.dtype is not {c}"


class Watch:
    """The places that a function reads, as they were when this was made."""

    def __init__(self, function):
        self.places, self.generators = {}, []  # what to compare, by how
        self.seen, self.held, self.spaces, self.named, self.optional = set(), [], [], set(), set()
        self.found, self.lookout = [(function, "the function")], None
        self._look_around()

    def run(self, function, *args, **kwargs):
        """What the function gives, in the run that this watch is for."""
        if not self.lookout:
            return function(*args, **kwargs)
        try:
            return self.lookout.run(function, *args, **kwargs)
        finally:
            if self.lookout.saw_the_world:
                self._compare(_SEALED, None)
                vars(self).pop("changed", None)

    def add(self, arrays):
        """Watch further arrays."""
        self.found += [(array, "an array") for array in arrays]
        self._look_around()
        vars(self).pop("changed", None)

    is_sealed = property(lambda self: _SEALED in self.places)

    @functools.cached_property
    def changed(self):
        """A function that tells whether something else stands now in one of the places."""
        names, loops, conditions = {"is_": operator.is_}, [], []
        for kind, (how, rows) in enumerate(self.places.items()):
            if len(rows) > WRITTEN_OUT:
                names[f"rows{kind}"] = rows
                loops += [f"for a, b, c in rows{kind}:", f"    if {how.format(a='a', b='b', c='c')}: return True"]
                continue
            for k, row in enumerate(rows):
                named = {of: f"{of}{kind}_{k}" for of in "abc"}
                names |= zip(named.values(), row)
                conditions.append(how.format(**named))
        body = "\n        ".join([*loops, f"return {' or '.join(conditions) or False}"])
        errors = "(ValueError, RuntimeError)"  # of a variable without a value, a dict that another thread changes
        exec(bytecode(f"def changed():\n    try:\n        {body}\n    except {errors}:\n        return True"), names)
        return names["changed"]

    def again(self):
        """The same for another run, which begins now: what has been drawn before that does not count."""
        self.generators = [(generator, _state(generator), name) for generator, _, name in self.generators]
        return self

    def drawn(self):
        """The name of a generator from which numbers have been drawn since this was made; None if there is none."""
        drawn = (name for generator, state, name in self.generators if _state(generator) != state)
        return next(drawn, "a generator without a seed" if self.lookout and self.lookout.saw_entropy else None)

    def _compare(self, how, a, b=None, c=None):
        self.places.setdefault(how, []).append((a, b, c))

    def _look_around(self):
        """Until nothing new is found: code may name what belongs to a class that was found before it."""
        while self.found:
            while self.found:
                self._look(*self.found.pop())
            for space, name in self.spaces:
                for key in self.named & {key for names in space for key in names} | self.optional:
                    self._look_up(key, space, name)

    def _look(self, x, name):
        kind = type(x)
        if kind is str:  # it may be the name of an attribute, or several of them with dots
            self.named.update(x.split(".") if len(x) < 80 else ())
        if kind in _SIMPLE or id(x) in self.seen:
            return
        self.seen.add(id(x))
        self.held.append(x)  # so that no other object gets its id
        if not self.lookout and may_look(*((_module_of(x), {x.__name__}) if kind in _NAMED else (kind.__module__, ()))):
            self.lookout = Lookout()
        if isinstance(x, _GENERATORS):
            self.generators.append((x, _state(x), name))
        elif holdings.is_sealed(kind):
            self._compare(_SEALED, x)
        elif kind is ConstantCell:
            self._watch(x.value)
        elif isinstance(x, (type, types.ModuleType)):
            self._look_within(x, name)
        elif not isinstance(x, Tracer):
            self._look_at(x, kind, name)

    def _look_at(self, x, kind, name):
        if kind is types.FunctionType:
            self._look_into(x)
        elif kind is dict:
            self._compare(_DICT, x, [*x], [*x.values()])
            self.found += [(value, f"{name}.{key}" if len(name) < 80 else name) for key, value in x.items()]
        elif kind in (bytearray, array.array):
            self._compare(_MEMORY, x, bytearray(x))
        elif kind is memoryview:
            self._compare(_BYTES, x, x.tobytes())
        elif isinstance(x, np.ndarray) and not x.dtype.hasobject:
            self._watch(x)
        elif base := holdings.kind_with_parts(kind):
            self._contents(holdings.PARTS[base], x, name, base in holdings.FIXED)
        if holdings.holds_no_more(kind):
            return
        self._look_within(kind, name)
        is_ours = holdings.is_of({_OURS}, kind.__module__) and not kind.__module__.startswith(f"{_OURS}.scipy")
        if is_ours and hasattr(x, "__dict__"):  # what else it holds is for itself
            self.found += [(part, name) for part in vars(x).values() if callable(part)]
        elif kind is types.FunctionType and holdings.is_of(_AS_THEY_ARE, x.__globals__.get("__name__")):
            self.found += [(part, name) for part in vars(x).values()]
        elif holdings.has_variables(kind) and (kind is not types.FunctionType or vars(x)):
            self._compare(_OBJECT, x, kind, vars(x))
            self._look_at_variables(vars(x), kind, name)
        if holdings.slots(kind):
            self._contents(holdings.in_slots, x, name)

    def _look_at_variables(self, variables, kind, name):
        sealed = {key for key, value in variables.items() if holdings.is_sealed(type(value))}
        if not sealed or not holdings.packages_of(kind).isdisjoint(_AS_THEY_ARE - holdings.CLOSED - {"builtins"}):
            self.found.append((variables, name))
            return
        self._compare(_DICT, variables, [*variables], [*variables.values()])
        self.found += [(variables[key], f"{name}.{key}") for key in variables.keys() - sealed]
        self.spaces.append(([variables], name))  # of those that cannot be looked into the ones that count are named

    def _contents(self, read, x, name, fixed=False):
        parts = read(x)
        self.found += [(part, name) for part in parts]
        if not fixed:
            self._compare(_PARTED, x, parts, read)

    def _watch(self, array):
        self._compare(_FORM, array, array.shape, array.dtype)
        owner, base = array, array.base
        while not owner.flags.writeable and isinstance(base, (np.ndarray, _STRIDED)):
            owner, base = base if isinstance(base, np.ndarray) else owner, base.base
        if owner.flags.writeable or type(base) not in _LASTING:
            if array.flags.c_contiguous and array.size and array.dtype.kind in "biufc":
                self._compare(_MEMORY, array, bytearray(array.data))
            else:
                self._compare(_BYTES, array, array.tobytes())
        else:
            self._compare(_LOCKED, owner)

    def _look_into(self, function):
        home, name = function.__globals__, function.__name__
        package, code = home.get("__name__"), function.__code__
        for variable, cell in zip(code.co_freevars, function.__closure__ or ()):
            try:
                x = cell.cell_contents
            except ValueError:  # not assigned to yet
                self._compare(_EMPTY, cell, types.CellType())
                continue
            self.found.append((x, variable))
            if not holdings.is_of({_OURS}, package):
                self._compare(_CELL, cell, x)
        self.found.append(((function.__defaults__, function.__kwdefaults__), name))
        variables, attributes, modules, optional = _named_by(code)
        if _DRAWING & attributes or any(home.get(name) is module for name in variables for module in _RANDOM):
            self.found += [(np.random.rand, "np.random"), (random.random, "random")]
        if not self.lookout and may_look("", variables | attributes):
            self.lookout = Lookout()
        if not holdings.is_of(_AS_THEY_ARE, package):
            self._compare(_FUNCTION, function, code, function.__defaults__)
            if code.co_kwonlyargcount:
                self._compare(_KEYWORDS, function, function.__kwdefaults__)
            self.named |= attributes
            self.optional |= optional
            for variable in variables - vars(builtins).keys() | variables & home.keys():
                self._look_up(variable, (home,), "")
            if hidden := frozenset(variables & vars(builtins).keys() - home.keys()):
                self._compare(_SHADOWED, home, hidden)
            self.found += [(sys.modules[module], module) for module in modules if module in sys.modules]
            for module in modules - sys.modules.keys():
                self._compare(_ENTRY, sys.modules, module)
            for key in attributes & _SETTINGS.keys():
                self._compare(_PARTED, None, _SETTINGS[key](None), _SETTINGS[key])

    def _look_within(self, x, name):
        """Look at what the code found names of a module or a class, and at what operators call of the class."""
        bases = (*x.__mro__, *type(x).__mro__) if isinstance(x, type) else (x,)
        space = [vars(base) for base in bases if not holdings.is_of(_AS_THEY_ARE, _module_of(base))]
        if space and (key := ("within", id(x))) not in self.seen:
            self.seen.add(key)
            self.held.append(x)
            self.spaces.append((space, name))
            self.named.update(key for names in space for key, x in names.items() if _is_special(key, x))

    def _look_up(self, key, space, name):
        if (place := (key, id(space[0]))) in self.seen:
            return
        self.seen.add(place)
        name = f"{name}.{key}" if name else key
        for names in space:
            x = names.get(key)
            self._compare(_ENTRY, names, key, x)
            if key in names:  # and where super() finds it, in the classes that follow
                self.found.append((x, name))


def _state(generator):
    """The state of a generator, as bytes."""
    if isinstance(generator, np.random.Generator):
        generator = generator.bit_generator
    if isinstance(generator, np.random.BitGenerator):  # of its seeds, how many it has given away
        return pickle.dumps((generator.state, getattr(generator.seed_seq, "n_children_spawned", None)))
    known = isinstance(generator, np.random.RandomState)
    return pickle.dumps(generator.get_state(legacy=False) if known else generator.getstate())


def _module_of(x):
    return (x.__name__ if isinstance(x, types.ModuleType) else x.__module__) or ""


def _is_special(name, x):
    return type(x) is types.FunctionType and name[:2] == name[-2:] == "__"


@functools.lru_cache(maxsize=1024)
def _named_by(code):
    """What a function's code names, and that of the functions made there.

    Global variables, attributes, modules, and attributes that need not be there. A string may be the name of an
    attribute, and that of a variable where the code asks for these.
    """
    steps = list(dis.get_instructions(code))
    by = lambda *names: {step.argval for step in steps if step.opname in names}
    variables, modules = by("LOAD_GLOBAL", "LOAD_NAME"), by("IMPORT_NAME")
    strings = set(_strings(code.co_consts))
    attributes = by("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM") | strings
    if not variables.isdisjoint(("globals", "vars", "eval")):
        variables |= strings
    optional = set() if variables.isdisjoint(("getattr", "hasattr")) else set(filter(str.isidentifier, strings))
    if any(step.opname == "PUSH_EXC_INFO" for step in steps):
        optional |= attributes - strings
    named = variables, attributes, modules, optional
    inner = [_named_by(const) for const in code.co_consts if type(const) is types.CodeType]
    return tuple(set().union(*parts) for parts in zip(named, *inner))


def _strings(constants):
    for x in constants:
        if type(x) is str:
            yield x
        elif type(x) is tuple:
            yield from _strings(x)


_SETTINGS = {
    **dict.fromkeys(("environ", "getenv"), lambda _: holdings.PARTS[dict](os.environ._data)),
    "geterr": lambda _: (STATE.get(None),),
}
_STRIDED = type(np.lib.stride_tricks.as_strided(np.zeros(1)).base)  # which lies between such a view and its array
_LASTING = {type(None), bytes, mmap.mmap}  # what memory without leave to write may be of; files are not watched
_SIMPLE = {int, float, complex, bool, str, bytes, type(None), type(...), np.ufunc, type(np.sum), types.CodeType}
_GENERATORS = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
_RANDOM = (np.random, random)
_DRAWING = {"random", "rvs"}
_NAMED = {types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, type(np.random.default_rng)}
