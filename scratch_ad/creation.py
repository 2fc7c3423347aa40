"""NumPy's functions that make arrays, for ``like=x`` of a tracer: what they make can be written into."""

import numpy as np

from .constants import CONSTANTS, ConstantCell, created, filled
from .primitives import astype
from .refusals import refused
from .scalars import is_number
from .tracer import Tracer, answers, bottom, creators, dtype_of, gathered, innermost, kind_of, lowered, name_of
from .views import is_view
from .writing import write


def _creator(function, body=None):
    def answer(*args, like=None, **kwargs):
        trace = innermost((args, *kwargs.values()))
        if trace is None or (trace is CONSTANTS and body is None):
            kwargs = {k: lowered(v) for k, v in kwargs.items()}
            return created(filled(function, function(*lowered(args), **kwargs, like=kind_of(like))))
        if body is None:
            raise refused(name_of(function), trace.mode)
        return body(*args, **kwargs)

    answers[function] = answer
    creators.add(function)


def _array(x, dtype=None, *, copy=True, order="K", ndmin=0, **_):
    listed = isinstance(x, (list, tuple))
    x = gathered(x) if listed else x
    order = "C" if listed and order != "F" else order or "K"
    y = x if dtype is None or x.dtype == dtype else astype(x, np.dtype(dtype))
    fits = not is_number(y) and _is_laid_out(y, order)
    if copy is False and (listed or y is not x or not fits):
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    if not fits or (copy and y is x and not listed):
        y = np.copy(y, order)
    return y if y.ndim >= ndmin else y.reshape((1,) * (ndmin - y.ndim) + y.shape)


def _is_laid_out(x, order):
    """Whether an array lies in memory as ``order`` says; JAX's as the plain one in its tag, or as a new one."""
    if order not in ("C", "F"):
        return True
    while isinstance(x.value, Tracer):
        x = x.value
    like = next((a for a in (x.value, x.tag) if type(a) is np.ndarray), None)
    flags = (np.empty(x.shape, bool) if like is None else like).flags
    return flags.c_contiguous if order == "C" else flags.f_contiguous


def _asarray(x, dtype=None, order=None, *, copy=None, **_):
    return _array(x, dtype, copy=copy, order=order)


def _contiguous(order):
    return lambda x, dtype=None, **_: _array(x, dtype, copy=None, order=order, ndmin=1)


def _require(a, dtype=None, requirements=None, **_):
    np.require(np.empty(1), dtype, requirements)  # for its checks
    wanted = {name[0].upper() for name in requirements or ()}
    y = _array(a, dtype, copy=None, order="F" if "F" in wanted else "C" if "C" in wanted else "K")
    is_so = {"O": not is_view(y), "W": getattr(getattr(bottom(y), "flags", None), "writeable", True)}
    return y if all(is_so.get(name, True) for name in wanted) else np.copy(y)


def _full(shape, fill_value, dtype=None, order="C", **_):
    out = ConstantCell(np.zeros(shape, dtype_of(fill_value) if dtype is None else dtype, order))
    write(out, ..., fill_value)
    return out


for _function in (np.zeros, np.ones, np.empty, np.eye, np.identity, np.tri, np.arange, np.fromfunction, np.fromiter):
    _creator(_function)
for _function in (np.frombuffer, np.fromfile, np.fromstring, np.genfromtxt, np.loadtxt):
    _creator(_function)
_creator(np.require, _require)
_creator(np.array, _array)
_creator(np.full, _full)
for _function in (np.asarray, np.asanyarray):
    _creator(_function, _asarray)
_creator(np.ascontiguousarray, _contiguous("C"))
_creator(np.asfortranarray, _contiguous("F"))
