"""Writing into arrays: what NumPy does in memory, tracers do by one primitive and a change of state.

``put(a, index, v)`` is a copy of ``a`` with ``a[index] = v`` done. A write computes it and gives the result to the
*same object*, a ``Cell`` (cells.py): every name for it sees the new state, views follow (views.py), and a write into a
view goes on to its parent, up to the root. The derivative is that of ``put``: what is written over no longer counts.
"""

import numpy as np

from .layout import shown
from .memory import duplicate, empty_as, is_repeated, written_out
from .primitives import getitem, is_basic, store
from .scalars import is_number
from .tracer import Tracer, bottom, gathered, innermost, kind_of, primitive, shape_of, strip, taken
from .views import is_view, link_of, outdate


@primitive
def put(a, index, v):
    """A copy of ``a``, of the same strides, with ``a[index] = v`` done."""
    copy = np.array if type(a) is not np.ndarray else written_out if is_repeated(a) else duplicate
    out = copy(a)
    store(out, index, v)
    return out


@primitive
def cartesian(a, b):
    """The complex numbers a + bi, of real parts of the same shape and dtype: exact, also where one is infinite."""
    out = np.zeros(shape_of(a), np.result_type(a, 1j), like=kind_of(a))
    out.real[...], out.imag[...] = a, b
    return out


_WITHOUT_TRACERS = int, slice, type(...)  # most indices


def write(cell, index, value):
    """``cell[index] = value``."""
    if type(index) not in _WITHOUT_TRACERS:
        index = known(index)
    if is_view(cell):
        parent, function, args = cell.link[:3]
        if index is ... and function is getitem and is_basic(args[1]) and _covers(value, cell):
            return write(parent, args[1], value)
    if cell.owner.write(cell, index, value):
        return
    value = gathered(value)
    if isinstance(value, Tracer) and is_view(value) and _is_item(link_of(value), cell, index):
        return  # a[index] += v has written through the view already
    if (not is_basic(index) or _is_read_late(cell, index, value)) and within(
        cell, value, lambda a, v: _moved(a, index, v)
    ):
        return
    if is_number(cell):
        kind = type(bottom(cell))
        name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        raise TypeError(f"'{name}' object does not support item assignment")
    if cell.dtype.kind not in "fc":
        value = strip(value)
    check_writeable(cell)
    if not is_view(cell):
        rebind(cell, put(cell, index, value))
        return
    link = link_of(cell)
    if link.function is getitem and is_basic(link.args[1]):
        write(link.parent, link.args[1], put(cell, index, value))
    elif is_half(link):
        new, parent = put(cell, index, value), link.parent
        write(
            parent,
            ...,
            cartesian(new, np.imag(parent)) if link.function is np.real else cartesian(np.real(parent), new),
        )
    else:
        root = root_of(cell)
        if not root.shape:
            np.empty(cell.shape)[index] = np.zeros(shape_of(value))  # for its checks
        places = seen(cell, places_of(root))
        if _has_mask(index):  # another one for each example of a batch: of other places, as many as it may be
            write_flat(root, np.ravel(places), np.ravel(put(cell, index, value)))
        else:
            write_flat(root, getitem(places, index), value)


def _has_mask(index):
    entries = index if type(index) is tuple else (index,)
    return any(isinstance(entry, Tracer) and entry.dtype == bool for entry in entries)


def _is_read_late(cell, index, value):
    """Whether NumPy may read numbers that it has just written: along one axis, where both run by different steps."""
    if not isinstance(value, Tracer) or not is_view(value) or len(value.shape) != 1:
        return False
    target, source = shown(cell), shown(value)
    if type(target) is not np.ndarray or type(source) is not np.ndarray:
        return False
    target = target[concrete(index)]
    return target.ndim == 1 and target.strides != source.strides


def cast_into(cell, value):
    """``cell[...] = value`` as NumPy casts an array, where item assignment converts a number or raises."""
    value = gathered(value)
    if not isinstance(value, Tracer):
        value = np.asarray(value)
    elif is_number(value) and value.dtype != cell.dtype:
        value = np.reshape(value, 1)
    write(cell, ..., value)


def _moved(a, index, v):
    """``a[index] = v`` on places, for all examples of a batch at once."""
    a[same_for_all(index, "arr[index] = x")] = v


def same_for_all(index, what):
    """The plain index, or mask, of ``what``, a write of ``x`` that shows the memory of ``arr``.

    TypeError for another one for each example of a batch.
    """
    plain = concrete(index)
    for entry, numbers in zip(index, plain) if type(index) is tuple else ((index, plain),):
        if isinstance(entry, Tracer) and np.shape(numbers) != entry.shape:
            raise TypeError(
                f"{what} takes no tracer of vmap as its index or mask, another one for each example, where x shows the "
                "memory of arr. Copy it first: x.copy()."
            )
    return plain


def write_flat(a, places, value):
    """Write at these places of ``a``, counted as in ``np.ravel(a)``."""
    if type(places) is np.ndarray and not places.shape:  # no number: into that NumPy writes an array of one, too
        places = places[None]
    if a.shape:
        write(a, np.unravel_index(places, a.shape), value)
    elif np.size(places):
        write(a, (), flattened(value)[-1])


def _covers(value, cell):
    """Whether a tracer is to stand in all places of an array with axes."""
    return isinstance(value, Tracer) and shape_of(value) == cell.shape != ()


def _is_item(link, cell, index):
    """Whether a view is ``cell[index]``, by the very same objects (from Python 3.12 on, slices are made twice)."""
    if link.parent is not cell or link.function is not getitem:
        return False
    return link.args[1] is index or (type(index) is slice is type(link.args[1]) and link.args[1] == index)


def is_half(link):
    """Whether a view is the real or the imaginary part."""
    return link.function in (np.real, np.imag) and link.parent.dtype.kind == "c"


def rebind(cell, new):
    """Give the state of ``new`` to ``cell``, a root."""
    owner, kind = new.owner, type(new)  # in this order: new may be stale
    if type(cell) is not kind:
        cell.__class__ = kind
    cell.owner, cell.value, cell.tag = owner, new.value, new.tag
    outdate(cell)


def root_of(x):
    """What a view goes back to; half of a complex number counts as a root."""
    while is_view(x) and not is_half(link_of(x)):
        x = link_of(x).parent
    return x


def places_of(root):
    """An array of where its elements stand, in ``root``'s memory layout."""
    plain = shown(root)
    plain = plain if type(plain) is np.ndarray and plain.shape == root.shape else np.empty(root.shape, bool)
    places = empty_as(plain, int)
    places[...] = np.arange(root.size).reshape(root.shape)
    return places


def seen(x, places):
    """What a view shows, or its root, if ``places`` is in the place of the root."""
    if not is_view(x) or is_half(link := link_of(x)):
        return places
    return link.of(seen(link.parent, places))


def known(index):
    """An index without the derivatives of what is in it."""
    if isinstance(index, Tracer) or (type(index) is tuple and innermost(index) is not None):
        return strip(index)
    return index


def concrete(index):
    """An index as NumPy's own arrays take it, its numbers as they are now."""
    return tuple(map(taken, index)) if type(index) is tuple else taken(index)


def is_writeable(cell):
    plain = bottom(cell)
    return type(plain) is not np.ndarray or plain.flags.writeable


def check_writeable(cell):
    if not is_writeable(cell):
        raise ValueError("assignment destination is read-only")


def flattened(x):
    """Numbers, in whatever form, one after another."""
    x = gathered(x)
    return np.ravel(x if isinstance(x, Tracer) else np.asarray(x))


def within(a, v, operation):
    """Do ``operation(a, v)`` where ``v`` shows the same memory, and say whether it does.

    NumPy then reads some elements that it has just written. Whatever it does, it moves elements: on an array of their
    places it shows from where to where.
    """
    if not isinstance(v, Tracer) or (root := root_of(a)) is not root_of(v):
        return False
    places = places_of(root)
    operation(seen(a, places), seen(v, places))
    write(root, ..., getitem(np.ravel(root), places))
    return True
