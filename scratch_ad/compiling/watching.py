"""What a function reads besides its arguments, and whether it is still the same.

A program holds the arrays of the closure as they were. So they are watched: what stands in the cells, globals, defaults
and attributes that the function's code names, in its own and in those of the functions that it finds there. Places are
compared by identity, arrays byte for byte, which takes about as long as to read them once.

Generators of random numbers are found at the same places, and whether a run has drawn from one is told by its state: a
program would give the numbers of one run for good.
"""

import dis
import functools
import pickle
import random
import sys
import types

import numpy as np

_OTHERS = sys.stdlib_module_names | {"numpy", "scipy", "optree", "jax", "pytest"}  # whose code is taken as it is
_OURS = __name__.partition(".")[0]


class Watch:
    """The places that a function reads, as they were when this was made."""

    def __init__(self, function):
        self.cells, self.entries, self.lists, self.arrays, self.generators = [], [], [], [], []
        self.seen, self.held = set(), []
        self._look(function, getattr(function, "__name__", "the function"))

    def add(self, arrays):
        """Watch further arrays."""
        for array in arrays:
            self._look(array, "an array")

    def changed(self):
        """The name of a place where something else stands now; None if all is as it was."""
        for cell, x, name in self.cells:
            if cell.cell_contents is not x:
                return name
        for entries, key, x, name in self.entries:
            if entries.get(key) is not x:
                return name
        for container, items, name in self.lists:
            if len(container) != len(items) or any(a is not b for a, b in zip(container, items)):
                return name
        for array, data, name in self.arrays:
            if data != (array if type(data) is bytearray else array.tobytes()):
                return name
        return None

    def drawn(self):
        """The name of a generator from which numbers have been drawn since this was made; None if there is none."""
        return next((name for generator, state, name in self.generators if _state(generator) != state), None)

    def _look(self, x, name):
        kind = type(x)
        if isinstance(source := getattr(x, "__self__", x), _GENERATORS):  # or a method of one, as np.random.rand is
            self.generators.append((source, _state(source), name))
        if kind in _SIMPLE or id(x) in self.seen:
            return
        self.seen.add(id(x))
        self.held.append(x)  # so that no other object gets its id
        if kind is np.ndarray:
            self._watch(x, name)
        elif kind is types.FunctionType:
            self._look_into(x)
        elif kind in (tuple, list):
            if kind is list:
                self.lists.append((x, tuple(x), name))
            for item in x:
                self._look(item, name)
        elif kind is dict:
            self._names(x, list(x), name)
            self.lists.append((x, tuple(x), name))
        elif kind is types.MethodType:
            self._look(x.__func__, name)
            self._look(x.__self__, name)
        elif isinstance(x, functools.partial):
            self._look((x.func, x.args, x.keywords), name)
        elif hasattr(x, "__wrapped__"):
            self._look(x.__wrapped__, name)
        elif not isinstance(x, (type, types.ModuleType)) and not _is_others(kind.__module__) and hasattr(x, "__dict__"):
            self._names(vars(x), list(vars(x)), name)
            if isinstance(call := vars(kind).get("__call__"), types.FunctionType):
                self._look(call, name)

    def _watch(self, array, name):
        if array.dtype.hasobject:
            return
        owner = array
        while not owner.flags.writeable and type(owner.base) is np.ndarray:
            owner = owner.base
        if owner.flags.writeable:
            at_once = array.flags.c_contiguous and array.size and array.dtype.kind in "biufc"
            data = bytearray(array.data) if at_once else array.tobytes()  # which compares with memory as it lies
            self.arrays.append((array, data, name))

    def _look_into(self, function):
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                x = cell.cell_contents
            except ValueError:  # not assigned to yet
                continue
            self.cells.append((cell, x, name))
            self._look(x, name)
        self._look((function.__defaults__, function.__kwdefaults__), function.__name__)
        home, (variables, attributes) = function.__globals__, _named_by(function.__code__)
        if "random" in attributes or any(home.get(name) is module for name in variables for module in _RANDOM):
            self._look(np.random.rand, "np.random")
            self._look(random.random, "random")
        if not _is_others(home.get("__name__"), _OURS):
            variables = [name for name in variables if name in home]
            self._names(home, variables, "")
            for name in variables:
                if isinstance(module := home.get(name), types.ModuleType) and not _is_others(module.__name__, _OURS):
                    self._names(vars(module), [key for key in attributes if key in vars(module)], name)

    def _names(self, names, keys, within):
        for key in keys:
            x = names[key]
            name = f"{within}.{key}" if within else key
            self.entries.append((names, key, x, name))
            self._look(x, name)


def _state(generator):
    """The state of a generator, as bytes."""
    if isinstance(generator, np.random.Generator):
        return pickle.dumps(generator.bit_generator.state)
    known = isinstance(generator, np.random.RandomState)
    return pickle.dumps(generator.get_state(legacy=False) if known else generator.getstate())


def _is_others(module, *further):
    """Whether this is a module of packages that nobody changes while they run."""
    package = (module or "").partition(".")[0]
    return package in _OTHERS or package in further


@functools.lru_cache(maxsize=1024)
def _named_by(code):
    """The global variables and the attributes that a function's code names, and that of the functions made there."""
    steps = list(dis.get_instructions(code))
    variables = [step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    attributes = [step.argval for step in steps if step.opname in ("LOAD_ATTR", "LOAD_METHOD")]
    for const in code.co_consts:
        if type(const) is types.CodeType:
            inner = _named_by(const)
            variables, attributes = [*variables, *inner[0]], [*attributes, *inner[1]]
    return tuple(dict.fromkeys(variables)), tuple(dict.fromkeys(attributes))


_SIMPLE = {int, float, complex, bool, str, bytes, type(None), type(...), types.BuiltinFunctionType, np.ufunc, type}
_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
_RANDOM = (np.random, random)
