"""NumPy's functions that make arrays, for ``like=x`` of a tracer: what they make can be written into."""

import numpy as np

from .constants import CONSTANTS, ConstantCell, created
from .tracer import answers, arranged, astype, creators, dtype_of, gathered, innermost, kind_of, lowered, name_of
from .writing import write


def _creator(function, body=None):
    def answer(*args, like=None, **kwargs):
        trace = innermost((args, *kwargs.values()))
        if trace is None or (trace is CONSTANTS and body is None):
            kwargs = {k: lowered(v) for k, v in kwargs.items()}
            return created(function(*lowered(args), **kwargs, like=kind_of(like)))
        if body is None:
            raise TypeError(f"{name_of(function)} of tracers would lose their derivative; use np.array([…], like=x).")
        return body(*args, **kwargs)

    answers[function] = answer
    creators.add(function)


def _array(x, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, **_):
    if isinstance(x, (list, tuple)):
        y, order = gathered(x), "F" if order == "F" else "C"
    elif copy and (dtype is None or x.dtype == dtype):
        y = np.copy(x, order)
    else:
        y = x
    y = y if dtype is None or y.dtype == dtype else astype(y, np.dtype(dtype))
    y = arranged(y, order) if order in ("C", "F") else y
    return y if y.ndim >= ndmin else y.reshape((1,) * (ndmin - y.ndim) + y.shape)


def _asarray(x, dtype=None, order=None, **_):
    return _array(x, dtype, copy=False, order=order)


def _require(a, dtype=None, requirements=None, **_):
    contiguous = [r[0].upper() for r in requirements or () if r[0].upper() in "CF"]
    return _array(a, dtype, copy=False, order=contiguous[0] if contiguous else "K")


def _full(shape, fill_value, dtype=None, order="C", **_):
    out = ConstantCell(np.empty(shape, dtype_of(fill_value) if dtype is None else dtype, order))
    write(out, ..., fill_value)
    return out


for _function in (np.zeros, np.ones, np.empty, np.eye, np.identity, np.tri, np.arange, np.fromfunction, np.fromiter):
    _creator(_function)
for _function in (np.frombuffer, np.fromfile, np.fromstring, np.genfromtxt, np.loadtxt):
    _creator(_function)
_creator(np.require, _require)
_creator(np.array, _array)
_creator(np.full, _full)
_creator(np.ascontiguousarray, lambda a, dtype=None, **_: _array(a, dtype, copy=False, order="C", ndmin=1))
_creator(np.asfortranarray, lambda a, dtype=None, **_: _array(a, dtype, copy=False, order="F", ndmin=1))
for _function in (np.asarray, np.asanyarray):
    _creator(_function, _asarray)
