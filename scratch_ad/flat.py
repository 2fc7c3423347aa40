"""``a.flat`` of an array that can be written into."""

import numpy as np

from .tracer import getitem
from .writing import concrete, flattened, is_number, known, within, write_flat


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
        if within(self.a, value, lambda a, v: a.flat.__setitem__(concrete(index), v)):
            return
        places, value = getitem(np.arange(self.a.size), known(index)), flattened(value)
        if not value.size:
            return
        value = getitem(value, np.arange(np.size(places)).reshape(np.shape(places)) % value.size)
        write_flat(self.a, places, value)

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


def _unflat(x):
    if isinstance(x, Flat):
        return np.ravel(x.a)
    return type(x)(map(_unflat, x)) if type(x) in (list, tuple) else x
