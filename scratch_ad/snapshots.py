"""Snapshots of a loop's state: how many are worth keeping where, and a stack of them, in memory or in a folder."""

import functools
import gc
import hashlib
import json
import math
import operator
import os
import pathlib
import random
import sys
import types
import zipfile

import numpy as np

from .frames import LIBRARIES
from .memory import empty_by
from .registry import snapshot
from .tracer import dtype_of


@functools.lru_cache(1 << 16)
def split(steps, snapshots):
    """How far to go before the next snapshot, from one of ``snapshots`` (at least 2) at the start of ``steps`` steps.

    With it, the way back repeats as few steps as can be: Griewank and Walther, Algorithm 799: Revolve, ACM TOMS 26
    (2000). Within r repetitions of each step, ``β(s, r)`` steps can be reversed from s snapshots.
    """
    reach = lambda s, r: math.comb(s + r, s) if r >= 0 else 0
    r = 1
    while reach(snapshots, r) < steps:
        r += 1
    return min(reach(snapshots, r - 1), steps - reach(snapshots - 1, r - 1))


class InMemory:
    """A stack of snapshots ``(position, leaves)``."""

    def __init__(self):
        self.stack = []

    def __len__(self):
        return len(self.stack)

    def push(self, position, leaves):
        self.stack.append((position, list(map(snapshot, leaves))))

    def top(self):
        return self.stack[-1]

    def pop(self):
        self.stack.pop()

    def close(self):
        """All is done: nothing is to be kept for a loop that goes on from here."""


class InFolder(InMemory):
    """The same, with all but the first on disk, each in a file; what an interrupted run left there is taken up.

    ``identity`` says which run it is. Raises ValueError for a folder with anything else in it, or of another run.
    """

    def __init__(self, folder, identity):
        super().__init__()
        self.folder = pathlib.Path(os.fsdecode(folder))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.manifest, self.paths = self.folder / "run.json", {}
        found = {path.name for path in self.folder.iterdir()} - {_UNFINISHED}
        begun = self.manifest.name in found
        for name in sorted(found - {self.manifest.name}):
            stem, _, kind = name.partition(".")
            if not (begun and stem.isdecimal() and kind == "npz"):
                raise ValueError(
                    f"checkpoint_loop: the folder {self.folder} holds files that are none of its own, such as {name}: "
                    "give it an empty folder."
                )
            self.paths[int(stem)] = self.folder / name
        if begun:
            self._check(identity)
        else:
            self._write(self.manifest, lambda file: file.write(json.dumps(identity).encode()))

    def _check(self, identity):
        try:
            other = json.loads(self.manifest.read_text())
        except ValueError:
            other = {}
        different = [name for name in identity if not isinstance(other, dict) or other.get(name) != identity[name]]
        if different:
            raise ValueError(
                f"checkpoint_loop: the folder {self.folder} holds the snapshots of another run, which differs in "
                f"{', '.join(different)}: give it another folder, or delete this one to begin anew."
            )

    def _write(self, path, write):
        unfinished = self.folder / _UNFINISHED
        with open(unfinished, "wb") as file:
            write(file)
        os.replace(unfinished, path)

    def __len__(self):
        return len(self.stack) + len(self.paths)

    def push(self, position, leaves):
        if not self.stack:  # the start, which the caller has anyway
            super().push(position, leaves)
            return
        path = self.folder / f"{position:015}.npz"
        self._write(path, lambda file: np.savez(file, **_as_arrays(leaves)))
        self.paths[position] = path

    def top(self):
        if not self.paths:
            return super().top()
        position = max(self.paths)
        try:
            with open(self.paths[position], "rb") as file, np.load(file, allow_pickle=False) as found:
                return position, [_taken(found, k, dtype_of(x)) for k, x in enumerate(self.stack[0][1])]
        except FileNotFoundError as error:
            raise ValueError(
                f"checkpoint_loop: the snapshot {self.paths[position]} is gone, to which another loop with this folder "
                "may have come first: two loops that run at once need a folder each."
            ) from error
        except PermissionError:
            raise
        except _DAMAGED as error:
            raise ValueError(
                f"checkpoint_loop: the snapshot {self.paths[position]} is damaged and cannot be read ({error!r}): "
                "delete it, and the loop goes on from the one before it."
            ) from None

    def pop(self):
        self.paths.pop(max(self.paths)).unlink()

    def close(self):
        for path in (self.manifest, self.folder / _UNFINISHED):  # as an end amid the last snapshot leaves it
            path.unlink(missing_ok=True)


_UNFINISHED = "unfinished"
_DAMAGED = OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile  # what files of zip may raise


def _as_arrays(leaves):
    """The leaves as a file has them: whether arrays, or numbers of NumPy's or Python's, which round differently.

    Of an array with its strides, on which depend ravel("K"), what is a view and the last digits.
    """
    kind = lambda x: "array" if isinstance(x, np.ndarray) else "number" if isinstance(x, np.generic) else "python"
    numbers = {f"{kind(x)} {k}": x for k, x in enumerate(leaves)}
    return numbers | {f"strides {k}": x.strides for k, x in enumerate(leaves) if isinstance(x, np.ndarray)}


def _taken(found, k, dtype):
    """Leaf ``k`` of a file, which has its dtype, where that is not NumPy's own, as bytes."""
    name = next((name for name in (f"number {k}", f"python {k}") if name in found), f"array {k}")
    x = found[name]
    x = x if x.dtype == dtype else x.view(dtype)
    if name == f"array {k}":
        laid = empty_by(x.shape, dtype, found[f"strides {k}"].astype(int))
        laid[...] = x
        return laid
    return x[()] if name == f"number {k}" else x.item()


def fingerprint(x):
    """A digest of numbers, arrays, containers and functions: of their code, and of what they close over or name.

    It tells apart what is one object twice and two equal ones, but for numbers, arrays, texts and tuples. Of an object
    counts what pickle would write of it, else its attributes, else its ``repr``, and what its class and the bases of
    that define; of a class alone, its methods; of a module, what a function names of it. Of a library's functions,
    classes and modules only the name counts. Left out is what cannot be read, that which pickle refuses and whose
    ``repr`` is an address, as of a generator under way; the state of the generators behind ``np.random.normal`` and
    ``random.random``; and caches, those of ``functools`` and of ``compile``.
    """
    return _digest(x, {})


def _digest(x, seen):
    digest = hashlib.sha256()
    _add(x, digest.update, seen)
    return digest.hexdigest()


_SHARED = (np.random.normal.__self__, random.random.__self__)  # seeded by the system, and held by SciPy's objects
_WRITTEN = (bool, int, float, complex, str, bytes, type(None), type(...))


def _add(x, update, seen):
    """Each begins with its kind, its length and the number of its parts, so that no two things look alike."""
    kind, bare, parts = type(x), b"", ()
    if kind in _WRITTEN:
        bare = repr(x).encode()
    elif isinstance(x, (np.ndarray, np.generic)) and not x.dtype.hasobject:
        bare, parts = np.asarray(x).tobytes(), (repr(x.dtype), x.shape, _own(x), _defined(kind))
    elif kind is tuple:
        parts = x
    elif kind is frozenset:
        parts = _unordered(x, seen)
    elif kind is slice:
        parts = x.start, x.stop, x.step
    elif kind is types.CodeType:
        named = x.co_varnames[: x.co_argcount + x.co_kwonlyargcount]
        parts = x.co_code, x.co_exceptiontable, x.co_consts, x.co_names, named
    elif id(x) in seen:
        bare = f"seen {seen[id(x)][0]}".encode()
    else:
        seen[id(x)] = len(seen), x  # which keeps it alive, and its id its own
        parts = _parts(x, seen)
    update(f"{kind.__qualname__} {len(bare)} {len(parts)} ".encode() + bare)
    for part in parts:
        _add(part, update, seen)


def _parts(x, seen):
    """Of what an object consists."""
    if type(x) is list:
        return tuple(x)
    if type(x) in (dict, types.MappingProxyType):
        return tuple(x.items())
    if isinstance(x, (set, frozenset)):
        return *_unordered(x, seen), _own(x), _defined(type(x))
    if isinstance(x, np.ndarray):  # of objects
        return x.shape, x.ravel().tolist()
    if isinstance(x, types.MethodType):
        return x.__func__, x.__self__
    if isinstance(x, (staticmethod, classmethod)):
        return (x.__func__,)
    if isinstance(x, property):
        return x.fget, x.fset, x.fdel
    name = getattr(x, "__qualname__", getattr(x, "__name__", ""))
    if isinstance(x, types.ModuleType) or _is_of_library(x) or any(x is shared for shared in _SHARED):
        return (f"{getattr(x, '__module__', '')}.{name}",)
    if isinstance(x, type):
        return name, _defined(x, _is_code)
    if isinstance(x, np.ufunc):  # of np.frompyfunc, say, which tells its function to nobody else
        return name, *filter(callable, gc.get_referents(x))
    if isinstance(x, types.FunctionType):
        cells = tuple(cell.cell_contents for cell in x.__closure__ or () if _is_filled(cell))
        named = () if _is_library(x.__globals__.get("__name__")) else tuple(_named(x))
        return name, x.__code__, x.__defaults__, x.__kwdefaults__, cells, named, _own(x)
    return name, _content(x), _defined(type(x))


def _unordered(x, seen):
    return sorted(_digest(part, dict(seen)) for part in x)


def _content(x):
    """What pickle would write of an object, else its attributes, else its ``repr`` unless that tells an address."""
    try:
        found = x.__reduce_ex__(4)
        if isinstance(found, tuple):
            return *found[:3], *(part and tuple(part) for part in found[3:5])  # iterators over items
    except Exception:  # of whatever the user's objects do when they are pickled
        found = None
    slots = (name for owner in type(x).__mro__ for name, y in vars(owner).items() if _is_slot(y))
    attributes = *_own(x), *((name, getattr(x, name, None)) for name in slots)
    text = "" if found or attributes else repr(x)
    return found, attributes, "" if " at 0x" in text else text


def _own(x):
    return tuple(getattr(x, "__dict__", {}).items())


def _defined(kind, counts=lambda name, value: not name.startswith("__") or _is_code(name, value)):
    """What a class and its bases define, but for a library's."""
    owners = (owner for owner in kind.__mro__ if not _is_library(owner.__module__))
    found = ((name, value) for owner in owners for name, value in vars(owner).items())
    return tuple((name, value) for name, value in found if counts(name, value) and not _is_slot(value))


def _is_code(name, value):
    return callable(value) or isinstance(value, (property, classmethod, staticmethod, functools.cached_property))


def _is_slot(value):
    return isinstance(value, types.MemberDescriptorType)


def _is_library(module):
    return isinstance(module, str) and module.partition(".")[0] in LIBRARIES


def _is_of_library(x):
    """Whether a library's module has a function or a class under its name."""
    try:
        module = x.__module__
        return _is_library(module) and operator.attrgetter(x.__qualname__)(sys.modules[module]) is x
    except (AttributeError, KeyError, TypeError):
        return False


def _named(function):
    """The globals that a function names, and what it may mean by ``module.name``."""
    scopes, names = [function.__globals__], sorted(_names(function.__code__))
    met = {id(function.__globals__)}
    for scope in scopes:
        for name in names:
            if name in scope:
                x = scope[name]
                yield name, x
                if isinstance(x, types.ModuleType) and not _is_library(x.__name__) and id(vars(x)) not in met:
                    met.add(id(vars(x)))
                    scopes.append(vars(x))


def _names(code):
    inner = (_names(c) for c in code.co_consts if isinstance(c, types.CodeType))
    return {*code.co_names}.union(*inner)


def _is_filled(cell):
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
