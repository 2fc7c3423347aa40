"""What is checked, written as Python: a line that can be pasted, and that says what in it is to be filled in."""

import cmath
import inspect
import math
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import optree

from scratch_ad.tracer import name_of

from ..engines import tensors
from ..engines.ready import Engine
from ..engines.ready import engine as engine_named
from .called_rules import name_for

SPELT = 100  # numbers in arguments, up to which a line holds them


class Code(str):
    """Text that stands for itself in a line of code."""

    __slots__ = ()
    __repr__ = str.__str__


class Name(NamedTuple):
    """What stands for a function or an engine: the ``module`` to import, or else what is to be filled in, in words."""

    code: str
    module: str = ""
    unknown: str = ""


def line(call, functions, options, args, **more):
    """The line that makes this call of ``jax_ref`` again.

    ``functions``: its first arguments; of ``options`` a function or an ``Engine`` is written by its name as well.
    """
    names = []
    for f, otherwise in zip(functions, ("f", "reference"), strict=False):
        names.append(_name(f, otherwise, [name.code for name in names]))
    keywords = []
    for key, value in {**options, **more}.items():
        if isinstance(value, Engine) or callable(value):
            names.append(_engine(value) if isinstance(value, Engine) else _name(value, key, [n.code for n in names]))
            value = Code(names[-1].code)
        keywords.append(f"{key}={value!r}")
    given, unknown = _arguments(args, call == "check_grads")
    called = f"jax_ref.{call}({', '.join([*(name.code for name in names[: len(functions)]), given, *keywords])})"
    modules = ["jax_ref", *(["numpy as np"] if "np." in called else []), *(name.module for name in names)]
    unknown = [*(name.unknown for name in names), unknown]
    left = "; ".join(filter(None, unknown))
    imports = ", ".join(dict.fromkeys(filter(None, modules)))
    return f"import {imports}; {called}{f'  # fill in {left}' if left else ''}"


def _name(f, otherwise, taken):
    """The ``Name`` of a function, or of a class of rules where its ``apply`` is meant."""
    bound = isinstance(f, partial)
    of = f if bound else tensors.class_of(f) or f
    name = getattr(of, "__qualname__", None) or getattr(of, "__name__", "")
    for path in (name_of(of), f"jax.numpy.{name}", f"{getattr(of, '__module__', None)}.{name}"):
        if (found := _imported(path, of)) is not None:
            return Name(path, found)
    code = otherwise if bound else name_for(f, otherwise)
    code = otherwise if "." in code or code in taken else code
    return Name(code, unknown=f"{code}, {_where(of)}")


def _imported(path, f):
    """The module to import for ``f`` to be called by this path; None if it is not."""
    top, *rest = path.split(".")
    found, module = np if top == "np" else sys.modules.get(top), "" if top == "np" else top
    if not path.replace(".", "").isidentifier() or top == "__main__":
        return None
    for k, part in enumerate(rest, 1):
        found = getattr(found, part, None)
        deeper = ".".join([top, *rest[:k]])
        module = deeper if module and found is not None and sys.modules.get(deeper) is found else module
    return module if found is f else None


def _where(f):
    """Where something was written, in words; of what is not Python its type."""
    code = getattr(inspect.unwrap(f.func if isinstance(f, partial) else f), "__code__", None)
    kind = "the function" if code and not isinstance(f, partial) else f"a {type(f).__name__}"
    return f"{kind} at {Path(code.co_filename).name}:{code.co_firstlineno}" if code else kind


def _engine(engine):
    try:
        if engine_named(engine.name) is engine:
            return Name(repr(engine.name))
    except ValueError:
        pass
    homes = {getattr(f, "__module__", None) for f in (engine.vjp, engine.jvp)} - {None, "__main__"}
    for home in sorted(homes & sys.modules.keys()):
        for name, value in vars(sys.modules[home]).items():
            if value is engine and _imported(f"{home}.{name}", engine) is not None:
                return Name(f"{home}.{name}", home)
    return Name("engine", unknown=f"engine, {engine.name}")


# Arguments


def _arguments(args, as_tuple):
    """The arguments in code, and what of it is to be filled in."""
    leaves = optree.tree_leaves(args)
    numbers = sum(np.size(x) for x in leaves)
    if numbers <= SPELT and _is_same(given := listed(args), args):
        return (f"({given},)" if as_tuple else given), ""
    arrays = ", ".join(f"{x.dtype} {np.shape(x)}" for x in leaves if hasattr(x, "dtype"))
    return ("args" if as_tuple else "*args"), f"args, the tuple of the arguments: {arrays}"


def _is_same(given, args):
    """Whether the code makes these arguments again, to the bit."""
    try:
        made = eval(f"({given},)", {"__builtins__": {}, "np": np, "complex": complex, "slice": slice})
        found, spec = optree.tree_flatten(made, none_is_leaf=True)
    except Exception:  # a text that is no code, of a class that has no name here, or a dtype that NumPy has not
        return False
    leaves, wanted = optree.tree_flatten(args, none_is_leaf=True)
    return spec == wanted and all(map(_are_same, found, leaves))


def _are_same(a, b):
    if not hasattr(b, "dtype"):
        return type(a) is type(b) and repr(a) == repr(b)
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and repr(a.tolist()) == repr(b.tolist())


def listed(args):
    """The arguments as Python that makes them."""
    leaves, spec = optree.tree_flatten(args)
    return repr(optree.tree_unflatten(spec, [Code(written(x)) for x in leaves]))[1:-1].rstrip(",")


def written(x):
    """The number or array as Python that makes it."""
    if not hasattr(x, "dtype"):
        return _spelt(x)
    x = np.asarray(x)
    if not x.size:
        return f"np.zeros({x.shape}, np.{x.dtype.name})"
    return (
        f"np.{x.dtype.name}({_spelt(x.tolist())})"
        if not x.ndim
        else f"np.array({_spelt(x.tolist())}, np.{x.dtype.name})"
    )


def _spelt(x):
    """A number, or lists of them, in code."""
    if isinstance(x, list):
        return f"[{', '.join(map(_spelt, x))}]"
    if isinstance(x, complex) and not (cmath.isfinite(x) and x.real and x.imag):  # 1 - 0j is 1 + 0j
        return f"complex({_spelt(x.real)}, {_spelt(x.imag)})"
    if isinstance(x, float) and not math.isfinite(x):
        return repr(x).replace("nan", "np.nan").replace("inf", "np.inf")
    return repr(x)
