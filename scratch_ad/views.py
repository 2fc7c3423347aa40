"""Views: arrays that show what another array holds, and follow it when either is written into.

A view is an ordinary tracer with a ``link``: its parent, and how it was made of it. The parent knows its views by weak
references. A write marks the live views of that memory as ``Stale``, all the way down; a stale view looks its state
up through its parent at the first touch and is then of its own class again. So whoever never writes pays for one
link per view, and no look at any array asks whether it is up to date.

Whether a result is a view is NumPy's decision, read off the value: a view's memory is the argument's.
"""

import functools
import inspect
from typing import NamedTuple
from weakref import ref

import numpy as np

from .primitives import getitem
from .tracer import Tracer, frozen, lowered, rebuild


class Link(NamedTuple):
    """How a view was made: ``function(*args, **kwargs)``, or that part of it; ``parent`` is one of ``args``."""

    parent: Tracer
    function: object
    args: tuple
    kwargs: dict
    part: int | None = None

    def of(self, array):
        """The view that this link makes of another array in the parent's place."""
        parent = self.parent
        result = self.function(*(array if a is parent else lowered(a) for a in self.args), **self.kwargs)
        return result if self.part is None else result[self.part]


def is_view(x):
    return hasattr(x, "link")


def link_of(view):
    return Link(*view.link)


def viewed(result, y, function, args, kwargs):
    """``result``, the new tracers of the value ``y``, as views of the arguments of which they are some."""
    if issubclass(type(y), (tuple, list)):
        several = zip(result, y, strict=True)
        return rebuild(y, [_viewed(r, part, function, args, kwargs, k) for k, (r, part) in enumerate(several)])
    return _viewed(result, y, function, args, kwargs)


def _viewed(result, y, function, args, kwargs, part=None):
    plain = type(y) is np.ndarray
    if plain and y.base is None:
        for a in args:
            if isinstance(a, Tracer) and a.value is y:
                break
        else:
            return result
    if not (plain or isinstance(y, Tracer)) or not isinstance(result, Tracer) or result is y:
        return result
    owner = result.owner
    for a in args:
        if isinstance(a, Tracer) and a.owner is owner and a is not result:
            value = a.value
            if y is value and (_is_numpys(function) or _leaves_it(function, args, kwargs)):
                return a
            if _shares(y, value, plain) and _is_numpys(function):
                link_up(result, a, function, args, kwargs, part)
                break
    if not plain and is_view(y):
        result.value = frozen(y)
    return result


def viewed_plain(result, y, value, function, args, kwargs):
    """``viewed`` for a plain ``y``, quickly for a view of the first argument, whose value is ``value``."""
    base = y.base
    if (
        base is None
        or y is value
        or (base is not value and base is not getattr(value, "base", None))
        or function not in _of_first
    ):
        return _viewed(result, y, function, args, kwargs)
    parent = args[0]
    result.link, result.views = (parent, function, args, kwargs), []
    try:
        views = parent.views
    except AttributeError:  # slow: once for an array that is no view itself
        views = parent.views = []
    views.append(ref(result))
    if not len(views) & 255:
        views[:] = [r for r in views if r() is not None]
    return result


def link_up(view, parent, function, args, kwargs, part=None):
    """Make a tracer a view."""
    if function is np.real_if_close:  # which has looked at the numbers once and for all
        function, args, kwargs = np.real, (parent,), {}
    view.link = (parent, function, tuple(args), kwargs, part)
    views = parent.views = [r for r in getattr(parent, "views", ()) if r() is not None]
    views.append(ref(view))


def reshape_under(views, whole):
    """Let the direct views of an array whose shape has been set go through ``whole``, which has the old one."""
    for r in views:
        if (view := r()) is not None:
            link = link_of(view)
            args = tuple(whole if a is link.parent else a for a in link.args)
            link_up(view, whole, link.function, args, link.kwargs, link.part)


def _shares(y, value, plain):
    if plain:
        base = y.base
        if base is None or base is value or type(value) is not np.ndarray:
            return base is value
        return np.may_share_memory(y, value) or (not y.size and base is value.base)  # an empty one, as a full one is
    while isinstance(y, Tracer) and is_view(y):
        y = y.link[0]
        if y is value:
            return True
    return False


@functools.cache
def _is_numpys(function):
    """Whether a result that shares memory is a view: not of users' functions, whose derivative may be another."""
    if isinstance(function, np.ufunc) or hasattr(function, "_implementation"):
        return True
    return _is_of(function, "scratch_ad.rules", "scratch_ad.primitives")


def _leaves_it(function, args, kwargs):
    """Whether it is a transform of SciPy's, along no axis, and without leave to overwrite its argument."""
    if not _is_of(function, "scipy.fft"):
        return False
    return not inspect.signature(function).bind(*args, **kwargs).arguments.get("overwrite_x", False)


def _is_of(function, *modules):
    return (getattr(function, "__module__", None) or "").startswith(modules)


# Functions whose result shows no argument but the first.
_of_first = {getitem, np.transpose, np.reshape, np.ravel, np.squeeze, np.expand_dims, np.diagonal, np.real, np.imag}


def views_of(array):
    """The live views of an array, and theirs."""
    for r in getattr(array, "views", ()):
        if (view := r()) is not None:
            yield view
            yield from views_of(view)


def outdate(array):
    """Mark the views of an array that has been written into."""
    views = getattr(array, "views", None)
    if not views:
        return
    array.views = alive = []
    for r in views:
        view = r()
        if view is not None:
            alive.append(r)
            if not issubclass(type(view), Stale):  # whose class isinstance would ask, and so look it up
                view.value, view.__class__ = None, view.stale
                outdate(view)


def _looked_up(slot):
    def read(self):
        _refresh(self)
        return slot.__get__(self)

    return property(read)


_owner, _value, _tag = Tracer.owner, Tracer.value, Tracer.tag


class Stale(Tracer):
    """A view of an array that has been written into since, before it is looked at; mixed into the kind it then has."""

    __slots__ = ()
    owner, value, tag = map(_looked_up, (_owner, _value, _tag))
    place = tangent = name = tag
    dtype = property(lambda self: (self.owner, self.dtype)[1])  # of its own class, which it has after that look


def _refresh(view):
    link = link_of(view)
    parent = link.parent
    if parent.owner.level < 0:
        view.__class__ = type(parent)
        view.owner, view.value, view.tag = parent.owner, link.of(parent.value), None
        return
    new = link.function(*link.args, **link.kwargs)
    new = new if link.part is None else new[link.part]
    owner = new.owner
    view.__class__ = type(new)
    view.owner, view.value, view.tag = owner, new.value, new.tag
