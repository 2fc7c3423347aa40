"""What objects hold, and whether it can be looked at. Nothing of a class's own is asked, as it may answer otherwise."""

import array
import collections
import contextvars
import functools
import operator
import sys
import threading
import types
import weakref

import numpy as np

_OURS = __name__.partition(".")[0]
CLOSED = {  # whose objects hold nothing that changes, or that counts
    *("abc", "_abc", "enum", "inspect", "logging", "operator", "re", "struct", "typing"),
    *("optree", "jax", "jaxlib", "pytest", "_pytest"),
}
_STANDARD = sys.stdlib_module_names - {"builtins"}
_LIKE_VALUES = {_OURS, "numpy", "scipy", "_thread"}  # what their objects in C hold does not change, or count


def is_of(packages, module):
    """Whether a module, of which this is the name, belongs to one of the packages."""
    return (module if type(module) is str else "").partition(".")[0] in packages


@functools.lru_cache(maxsize=1024)
def packages_of(kind):
    """The packages of a class and its bases."""
    return {base.__module__.partition(".")[0] for base in kind.__mro__}


def _is_by_value(kind):
    """Whether objects of a type are known by what they hold, so that this does not change."""
    return kind.__hash__ not in (None, object.__hash__)


@functools.lru_cache(maxsize=1024)
def is_sealed(kind):
    """Whether objects of a type may change, or be used up, where nobody can see it: iterators, say, and files."""
    if kind in _OPEN or hasattr(kind, "__get__"):
        return False
    if type(getattr(kind, "__next__", None)) is types.WrapperDescriptorType or "_ctypes" in packages_of(kind):
        return True
    if _is_by_value(kind) or not packages_of(kind).isdisjoint(CLOSED | _LIKE_VALUES):
        return False
    return not (has_variables(kind) or slots(kind) or kind_with_parts(kind))


def holds_no_more(kind):
    """Whether of objects of a type nothing but their parts changes, or counts."""
    return is_of(CLOSED, kind.__module__) or (_is_by_value(kind) and is_of(_STANDARD, kind.__module__))


@functools.lru_cache(maxsize=1024)
def has_variables(kind):
    """Whether objects of a type have a dict of their own."""
    return any("__dict__" in vars(base) or base is threading.local for base in kind.__mro__)


def kind_with_parts(kind):
    """The class by which the parts of an object are read, None if it has none."""
    return next((base for base in kind.__mro__ if base in PARTS), None)


@functools.lru_cache(maxsize=1024)
def slots(kind):
    """The descriptors of the slots of a class and its bases."""
    parts = [x for base in kind.__mro__ if "__slots__" in vars(base) for x in vars(base).values()]
    return [x for x in parts if type(x) is types.MemberDescriptorType and x.__name__ != "__dict__"]


def in_slots(x):
    """What stands in the slots of an object, None where nothing does."""
    return [_in_slot(slot, x) for slot in slots(type(x))]


def _in_slot(slot, x):
    try:
        return slot.__get__(x)
    except AttributeError:  # not assigned to yet
        return None


def _in_context(variable):
    try:
        return variable.get()
    except LookupError:
        return None


def _items_of(kind):
    return lambda x: tuple(kind.__iter__(x))


def _pairs_of(kind):
    return lambda x: (*kind.keys(x), *kind.values(x))


PARTS = {  # how what an object holds is read, by its class
    **{kind: _items_of(kind) for kind in (tuple, set, frozenset, collections.deque)},
    list: list.copy,
    **{kind: _pairs_of(kind) for kind in (dict, collections.OrderedDict, types.MappingProxyType)},
    **{kind: lambda x: (x.__func__,) for kind in (staticmethod, classmethod)},
    **{kind: lambda x: (x.__self__,) for kind in (types.BuiltinFunctionType, types.MethodWrapperType)},
    types.MethodType: operator.attrgetter("__func__", "__self__"),
    functools.partial: operator.attrgetter("func", "args", "keywords"),
    property: lambda x: (x.fget,),
    np.ndarray: lambda x: x.ravel().tolist(),
    contextvars.ContextVar: lambda x: (_in_context(x),),
    **{kind: lambda x: x.__reduce__()[1] for kind in (operator.attrgetter, operator.methodcaller)},
    weakref.ref: lambda x: (x(),),
    weakref.ProxyType: lambda x: (vars(x),),
}
FIXED = {  # of which the parts stay what they are
    *(tuple, frozenset, types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType),
    *(staticmethod, classmethod, property, operator.attrgetter, operator.methodcaller),
}
_OPEN = {  # which have nothing to hide, or are looked into in ways of their own
    *(object, slice, super, bytearray, memoryview, array.array, types.ModuleType, types.CellType, type),
    *PARTS,
}
