"""Whether two functions, or states, are the same in two processes: digests of all that they consist of."""

import functools
import gc
import hashlib
import operator
import random
import sys
import types

import numpy as np

from .frames import LIBRARIES


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
