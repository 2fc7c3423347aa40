"""Snapshots of a loop's state: how many are worth keeping where, and a stack of them, in memory or in a folder."""

import contextlib
import functools
import json
import math
import os
import pathlib
import zipfile

import numpy as np

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
        try:
            with open(unfinished, "wb") as file:
                write(file)
            os.replace(unfinished, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()  # whose room others need, where a disk is full
            raise OSError(
                error.errno,
                f"checkpoint_loop: a file cannot be written ({error.strerror or error}): once it can, the same call "
                "goes on from the last snapshot there",
                str(path),
            ) from error

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
