"""Which operation first made a nan or an infinity: ours and JAX's side by side.

JAX's is found in the programs that ``jax.make_jaxpr`` gives of the function, of its jvp and of its vjp, run operation
by operation; what the value's program does as well is told of the values alone.
"""

import sysconfig
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

import scratch_ad
from scratch_ad.frames import LIBRARIES
from scratch_ad.nans import (
    COTANGENTS,
    DOUBLE_WHERE,
    POLE,
    TANGENTS,
    VALUES,
    FirstNan,
    Origin,
    Watch,
    begun,
    fresh,
    listed,
    shown,
)
from scratch_ad.tree import is_inexact

from .derivatives import as_jax
from .walk import walk

# Operations that are not elementwise although their results may have the shape of the argument.
_ALONG_AXES = (
    *("cum", "reduce_", "sort", "rev", "fft", "dot_general", "conv", "scatter", "gather", "triangular", "cholesky"),
    *("lu", "eig", "svd", "qr", "householder", "schur", "custom", "dynamic", "transpose", "tridiagonal", "ffi"),
)
_PACKAGES = (Path(scratch_ad.__file__).parent, Path(__file__).parents[1], Path(sysconfig.get_path("stdlib")))


class SideBySide(NamedTuple):
    """What ``first_nan`` found with our steps (None for a function in jax.numpy), and in JAX's programs."""

    ours: FirstNan | None
    jax: FirstNan

    def __bool__(self):
        return any(map(bool, self))

    def __str__(self):
        parts = [("scratch_ad", self.ours), ("JAX", self.jax)]
        lines = [f"{name}:\n{part}".replace("\n", "\n    ") for name, part in parts if part is not None]
        return "\n".join(lines)


def first_nan(f, *args):
    """Which operation of ``f`` at ``args`` first made a nan or an infinity, by our engines and in JAX.

    ``f``: a plain NumPy function, or one in jax.numpy, of which JAX's alone is told. ``args``: arrays in any
    containers. Tangents and cotangents are ones. JAX's operations are those of its programs, such as ``div`` and
    ``select_n``, each with the line of the user's own that it comes from; inside of branches and loops too. Returns a
    ``SideBySide`` of two ``scratch_ad.nans.FirstNan``, whose text says it all. Raises what ``f`` raises.
    """
    in_jax = as_jax(f, args)
    return SideBySide(None if in_jax is f else scratch_ad.first_nan(f, *args), _in_jax(in_jax, args))


def _in_jax(f, args):
    leaves, spec = jax.tree.flatten(args)
    moving = [i for i, leaf in enumerate(leaves) if is_inexact(leaf)]
    given = [jax.numpy.asarray(leaves[i]) for i in moving]

    def of_moving(*xs):
        full = list(leaves)
        for i, x in zip(moving, xs, strict=True):
            full[i] = x
        out = f(*jax.tree.unflatten(spec, full))
        return [y for y in map(jax.numpy.asarray, jax.tree.leaves(out)) if jax.numpy.issubdtype(y.dtype, np.inexact)]

    ones = lambda xs: list(map(jax.numpy.ones_like, xs))

    def pulled(*xs):
        out, pullback = jax.vjp(of_moving, *xs)
        return pullback(ones(out))

    programs = {
        VALUES: of_moving,
        TANGENTS: lambda *xs: jax.jvp(of_moving, xs, tuple(ones(xs)))[1],
        COTANGENTS: pulled,
    }
    watch, notes, known = Watch(False), begun(args), set()
    for channel, program in programs.items():
        if channel != VALUES and not moving:
            continue
        try:
            walk(jax.make_jaxpr(program)(*given), given, _Look(watch, channel, known), into_loops=True)
        except Exception as error:
            if channel == VALUES:
                raise
            notes.append(f"The {channel} are not known: {type(error).__name__}: {error}".partition("\n")[0])
    return FirstNan(tuple(watch.origins), tuple(notes))


class _Look:
    """Looks at the operations of one program; ``known``: what the program of the values made as well."""

    def __init__(self, watch, channel, known):
        self.watch, self.channel, self.known = watch, channel, known

    def __call__(self, path, inputs, found):
        name, given = path[-1].primitive.name, [np.asarray(x) for x in inputs if hasattr(x, "dtype") or np.isscalar(x)]
        for y in (np.asarray(y) for y in found if jax.numpy.issubdtype(getattr(y, "dtype", int), np.inexact)):
            if np.all(np.isfinite(y)):
                continue
            key = name, place(path), y.tobytes()
            if self.channel == VALUES:
                self.known.add(key)
            elif key in self.known:
                continue
            elementwise = all(x.shape in ((), y.shape) for x in given) and not name.startswith(_ALONG_AXES)
            for kind in self.watch.looks(self.channel):
                if spot := fresh(kind, y, given, elementwise):
                    arguments, (result,) = spot.of(given) if elementwise else given, spot.of([y])
                    why = f"{name} of {listed(arguments)} gives {shown(result)}"
                    remedy = self._remedy(kind, arguments) if elementwise else ""
                    origin = Origin(self.channel, kind, name, tuple(arguments), spot.where, *place(path), why, remedy)
                    self.watch.origins.append(origin)
                    break
        return found

    def _remedy(self, kind, arguments):
        if self.channel == VALUES or not any(np.ndim(x) == 0 and x == 0 for x in arguments):
            return ""
        return (DOUBLE_WHERE if kind == "nan" else POLE).format(name="g", call="g(np.where(m, x, 1))")


def place(path):
    """The file and the line of the user's own that an operation comes from; ("", 0) if there is none.

    A function that is compiled by itself is traced once for all its callers: the frames beyond it are those of the
    first of them, and the line is that of the call.
    """
    for k in range(len(path) - 1, -1, -1):
        names = [name for eqn in path[:k] if (name := eqn.params.get("name"))]
        for file, line in _frames(path[k], names[-1] if names else None):
            if not _is_library(file):
                return file, line
    return "", 0


def _frames(eqn, function):
    """The frames of an operation, the innermost first, up to the function of that name; none if that is not there."""
    traceback = eqn.source_info.traceback
    frames = list(traceback.frames) if traceback else []
    names = [frame.function_name.rpartition(".")[2] for frame in frames]
    last = len(frames) if function is None else names.index(function) + 1 if function in names else 0
    return [(frame.file_name, frame.line_num) for frame in frames[:last]]


def _is_library(file):
    path = Path(file)
    parts = path.parts
    if "site-packages" in parts:
        return Path(parts[parts.index("site-packages") + 1]).stem in LIBRARIES
    return any(path.is_relative_to(package) for package in _PACKAGES) or file.startswith("<")
