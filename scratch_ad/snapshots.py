"""Snapshots of a loop's state: how many are worth keeping where, and a stack of them, in memory or in a folder."""

import collections.abc
import functools
import hashlib
import json
import math
import os
import pathlib
import types
import zipfile

import numpy as np

from .frames import LIBRARIES
from .registry import snapshot


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
        self.folder = pathlib.Path(folder)
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
        self._write(path, lambda file: np.savez(file, **{_kind(x) + str(k): x for k, x in enumerate(leaves)}))
        self.paths[position] = path

    def top(self):
        if not self.paths:
            return super().top()
        position = max(self.paths)
        try:
            with open(self.paths[position], "rb") as file, np.load(file, allow_pickle=False) as found:
                named = {int(name[1:]): _TAKEN[name[0]](found[name]) for name in found.files}
                return position, [named[k] for k in range(len(self.stack[0][1]))]
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"checkpoint_loop: the snapshot {self.paths[position]} cannot be read: delete it, and the loop goes on "
                "from the one before it."
            ) from error

    def pop(self):
        self.paths.pop(max(self.paths)).unlink()

    def close(self):
        self.manifest.unlink(missing_ok=True)


_UNFINISHED = "unfinished"
_TAKEN = {"a": lambda x: x, "n": lambda x: x[()], "p": lambda x: x.item()}


def _kind(x):
    """Whether a leaf is an array, a number of NumPy's or one of Python's: they round differently."""
    return "a" if isinstance(x, np.ndarray) else "n" if isinstance(x, np.generic) else "p"


def fingerprint(x):
    """A digest of numbers, arrays, containers and functions: of their code, and of what they close over or name.

    Of a library's functions, of classes and of modules only the name counts.
    """
    digest = hashlib.sha256()
    _add(x, digest.update, {})
    return digest.hexdigest()


def _add(x, update, seen):
    kind = type(x)
    update(kind.__qualname__.encode())
    if isinstance(x, (np.ndarray, np.generic)):
        update(f"{x.dtype.str}{x.shape}".encode() + np.ascontiguousarray(x).tobytes())
    elif isinstance(x, (int, float, complex, str, bytes, type(None), type(...))):
        update(repr(x).encode())
    elif isinstance(x, (tuple, frozenset)):
        for part in x if kind is not frozenset else sorted(x, key=repr):
            _add(part, update, seen)
    elif isinstance(x, types.CodeType):
        update(x.co_code)
        _add((x.co_consts, x.co_names), update, seen)
    elif id(x) not in seen:
        seen[id(x)] = x  # which keeps it alive, and its id its own
        for part in _parts(x):
            _add(part, update, seen)


def _parts(x):
    """Of what an object consists."""
    if isinstance(x, collections.abc.Mapping):
        return *x.items(), *_attributes(x)
    if isinstance(x, (list, set, collections.deque)):
        return *(sorted(x, key=repr) if isinstance(x, set) else x), *_attributes(x)
    if isinstance(x, functools.partial):
        return x.func, x.args, tuple(x.keywords.items())
    if isinstance(x, types.MethodType):
        return x.__func__, x.__self__
    name = getattr(x, "__qualname__", getattr(x, "__name__", ""))
    if isinstance(x, types.FunctionType) and x.__module__.partition(".")[0] not in LIBRARIES:
        cells = tuple(cell.cell_contents for cell in x.__closure__ or () if _is_filled(cell))
        named = tuple((key, x.__globals__[key]) for key in sorted(_names(x.__code__)) if key in x.__globals__)
        return name, x.__code__, x.__defaults__, tuple((x.__kwdefaults__ or {}).items()), cells, named
    if (callable(x) and name) or isinstance(x, types.ModuleType):
        return (name,)
    return _attributes(x)


def _attributes(x):
    """Those of an object, in slots or not, and of its classes, unless these are a library's."""
    found = dict(getattr(x, "__dict__", {}))
    for owner in type(x).__mro__:
        if owner.__module__.partition(".")[0] not in LIBRARIES:
            for name, value in vars(owner).items():
                if isinstance(value, types.MemberDescriptorType):
                    value = getattr(x, name, None)
                if not name.startswith("__") or name == "__call__":
                    found.setdefault(name, value)
    return tuple(found.items())


def _names(code):
    inner = (_names(c) for c in code.co_consts if isinstance(c, types.CodeType))
    return {*code.co_names}.union(*inner)


def _is_filled(cell):
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
