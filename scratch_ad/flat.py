"""``a.flat`` of an array that can be written into."""

import math

import numpy as np

from .keywords import stand_in
from .primitives import getitem
from .scalars import is_number
from .silence import silently
from .tracer import gathered, innermost
from .writing import concrete, flattened, known, within, write_flat


class Flat:
    """``a.flat``: reads as ``np.ravel(a)``, writes into ``a``."""

    def __init__(self, a):
        self.a, self.index = a, 0

    base = property(lambda self: self.a)

    def copy(self):
        return self.a.flatten()

    def __getitem__(self, index):
        flat = getitem(np.ravel(self.a), known(index))
        return flat.copy() if flat.shape else flat

    def __setitem__(self, index, value):
        if is_number(self.a):
            return  # of a copy
        if innermost((index,)) is None:
            with silently():
                np.empty(self.a.shape, self.a.dtype).flat[index] = stand_in(value)  # for its checks
        if within(self.a, value, lambda a, v: a.flat.__setitem__(concrete(index), v)):
            return
        index, values = known(index), flattened(value)
        if innermost((index,)) is None:
            places, numbers = _moved(self.a.shape, index, _numbered(value))
        elif values.size:  # places that are found anew whenever the run is repeated
            places = getitem(np.arange(self.a.size), index)
            numbers = np.arange(np.size(places)).reshape(np.shape(places)) % values.size
        else:
            return
        write_flat(self.a, places, getitem(values, numbers))

    def __iter__(self):
        return self

    def __next__(self):
        if self.index == self.a.size:
            raise StopIteration
        self.index += 1
        return self[self.index - 1]

    def __len__(self):
        return self.a.size

    def __array_function__(self, function, types, args, kwargs):
        return function(*_unflat(args), **{k: _unflat(v) for k, v in kwargs.items()})

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        return getattr(ufunc, method)(*_unflat(args), **kwargs)


def _numbered(value):
    """Whole numbers in the place of the elements of ``value``: an array of its shape, or 0 for a number."""
    value = gathered(value)
    shape = np.shape(value)
    of_number = not shape and (is_number(value) if hasattr(value, "shape") else True)
    return 0 if of_number else np.arange(math.prod(shape)).reshape(shape)


def _moved(shape, index, numbered):
    """To which places of an array NumPy's ``.flat`` moves which elements of a value, by its own account."""
    sources = np.full(shape, -1)
    sources.flat[index] = numbered
    places = np.flatnonzero(sources.ravel() >= 0)
    return places, sources.ravel()[places]


def _unflat(x):
    if isinstance(x, Flat):
        return np.ravel(x.a)
    return type(x)(map(_unflat, x)) if type(x) in (list, tuple) else x
