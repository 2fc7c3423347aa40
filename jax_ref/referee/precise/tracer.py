"""Numbers of a hundred digits: a ``Precise`` is an array of mpmath's numbers that answers NumPy's calls.

What it answers them with stands in registries, which the families of functions fill: ``UFUNCS``, by functions of single
numbers; ``FUNCTIONS``, of arrays; ``NATIVE``, what NumPy itself does right with objects; and ``OF_SHAPE_AND_DTYPE``,
what looks at these alone.
"""

import numpy as np
from mpmath import mpc, mpf

from scratch_ad.cells import Cell
from scratch_ad.constants import created
from scratch_ad.registry import rule_of
from scratch_ad.rule import Composite
from scratch_ad.tracer import Trace, Tracer, dtype_of, each, innermost, name_of, rebuild
from scratch_ad.tree import is_inexact
from scratch_ad.views import viewed

UFUNCS, FUNCTIONS, NATIVE, OF_SHAPE_AND_DTYPE = {}, {}, set(), set()
IDENTITIES = {np.add: 0, np.multiply: 1}


class Undecided(Exception):
    """The referee cannot tell: the message says why."""


class Precise(Cell):
    """An array of mpmath's numbers, all mpf or all mpc, that answers NumPy's calls; it stands for one of ``dtype``."""

    __slots__ = ()
    dtype = Tracer.tag

    def __init__(self, value, dtype):
        self.owner, self.value, self.dtype = _trace, value, dtype


class _Referee(Trace):
    """The trace of every Precise: level 0, below all others, without a derivative of its own."""

    __slots__ = ()
    mode = "the referee"

    def __init__(self):
        self.level = 0

    def process(self, function, args, kwargs):
        if function in UFUNCS:
            return _call_ufunc(function, *args, **kwargs)
        if (ufunc := getattr(function, "__self__", None)) in UFUNCS:
            return wrapped(
                getattr(UFUNCS[ufunc], function.__name__)(*map(object_of, args), **_without_dtype(kwargs)),
                dtype_among(args, kwargs),
            )
        if function in FUNCTIONS:
            return FUNCTIONS[function](*args, **kwargs)
        if function in OF_SHAPE_AND_DTYPE:
            y = function(*each(placeholder, args), **{k: placeholder(v) for k, v in kwargs.items()})
            return created(y) if function in (np.zeros_like, np.ones_like, np.empty_like) else y
        if function in NATIVE:
            given = {k: object_of(v) for k, v in _without_dtype(kwargs).items()}
            y = function(*each(object_of, args), **given)
            return viewed(wrapped(y, dtype_among(args, kwargs)), y, function, args, kwargs)
        if isinstance(rule := rule_of.get(function), Composite):
            return rule.body(*args, **kwargs)
        if not hasattr(function, "_implementation") and hasattr(function, "__wrapped__"):
            return function.__wrapped__(*args, **kwargs)
        raise Undecided(f"{name_of(function)} is not known in high precision.")


_trace = _Referee()


def ufuncs(functions):
    """Enter ufuncs, each by a function of single numbers."""
    for u, f in functions.items():
        UFUNCS[u] = np.frompyfunc(_as_many(u.nout, f), u.nin, u.nout, identity=IDENTITIES.get(u))


def _as_many(count, function):
    """A function that gives nan for all of its results as one that gives it for each."""
    if count == 1:
        return function

    def call(*args):
        y = function(*args)
        return y if type(y) is tuple else (y,) * count

    return call


@np.errstate(all="ignore")
def precise(x):
    """A number or an array as a ``Precise``; integers and booleans stay as they are."""
    if isinstance(x, Tracer) or not is_inexact(x):
        return x
    return wrapped(np.asarray(x).astype(object), dtype_of(x))


def object_of(x):
    """``x`` with NumPy's arrays of mpmath numbers in place of ``Precise``."""
    if isinstance(x, Tracer) and x.owner is _trace:
        return x.value
    return each(object_of, x) if isinstance(x, (tuple, list)) and innermost(x) is not None else x


def placeholder(x):
    """``x`` with plain arrays of zeros in place of ``Precise``, of their shapes and dtypes."""
    if isinstance(x, Precise):
        return np.zeros(x.shape, x.dtype)
    return each(placeholder, x) if isinstance(x, (tuple, list)) and innermost(x) is not None else x


def _without_dtype(kwargs):
    return {k: v for k, v in kwargs.items() if k != "dtype"}


def dtype_among(args, kwargs=None):
    """The dtype that NumPy would give: of the real and complex ones among the arguments, or as asked for."""
    if kwargs and kwargs.get("dtype") is not None:
        return np.dtype(kwargs["dtype"])
    return np.result_type(*_kinds(args))


def _kinds(x):
    if isinstance(x, (tuple, list)):
        return [kind for part in x for kind in _kinds(part)]
    if type(x) in (float, complex):
        return [x]
    return [x.dtype] if hasattr(x, "dtype") and x.dtype.kind in "fc" else []


def real_dtype(dtype):
    return np.finfo(dtype).dtype


def complex_dtype(dtype):
    return np.result_type(dtype, np.complex64)


def wrapped(y, dtype):
    """The mpmath numbers in a result of NumPy's as ``Precise``; plain arrays as they are."""
    if isinstance(y, (tuple, list)):
        return rebuild(y, [wrapped(part, dtype) for part in y])
    if (
        isinstance(y, (mpf, mpc))
        or (isinstance(y, np.ndarray) and y.dtype == object)
        or type(y) in (int, float, complex)
    ):
        convert = _to_complex if dtype.kind == "c" else _to_real
        return Precise(array_of(convert(np.asarray(y, object))), dtype)
    return y


def array_of(y):
    """An object array, also of a single number."""
    if isinstance(y, np.ndarray):
        return y
    out = np.empty((), object)
    out[()] = y
    return out


_to_real = np.frompyfunc(lambda x: x if type(x) is mpf else mpf(x), 1, 1)
_to_complex = np.frompyfunc(lambda x: x if type(x) is mpc else mpc(x), 1, 1)


def _call_ufunc(ufunc, *args, dtype=None, casting="same_kind", order="K", subok=True):
    kinds = [type(x) if type(x) in (int, float, complex) else dtype_of(as_array(x)) for x in args]
    signature = (None,) * ufunc.nin + (dtype and np.dtype(dtype),) * ufunc.nout
    dtypes = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout), signature=signature, casting=casting)
    if ufunc not in _given_integers:
        args = [as_numbers(as_array(x), t) for x, t in zip(args, dtypes)]
    y = UFUNCS[ufunc](*map(object_of, args))
    parts = [_typed(part, t) for part, t in zip(y if ufunc.nout > 1 else (y,), dtypes[ufunc.nin :])]
    return tuple(parts) if ufunc.nout > 1 else parts[0]


_given_integers = {np.ldexp}


def as_array(x):
    """A list as an array, a ``Precise`` where it holds any."""
    if not isinstance(x, (list, tuple)):
        return x
    return np.asarray(x) if innermost(x) is None else np.stack([as_array(part) for part in x])


def as_numbers(x, dtype):
    """``x`` as mpmath's numbers, complex for a complex dtype."""
    if not isinstance(x, Precise):  # NumPy rounds Python's numbers to the arrays' dtype
        x = Precise(np.asarray(x, dtype if type(x) in (float, complex) else None).astype(object), dtype)
    return Precise(array_of((_to_complex if dtype.kind == "c" else _to_real)(x.value)), dtype)


def _typed(y, dtype):
    """Numbers, or booleans and integers, as what ``dtype`` says."""
    return wrapped(array_of(y), dtype) if dtype.kind in "fc" else np.asarray(y).astype(dtype)[()]


def by_number(function, real=False):
    """An elementwise function that is no ufunc."""
    of_numbers = np.frompyfunc(function, 1, 1)
    return lambda x: wrapped(array_of(of_numbers(x.value)), real_dtype(x.dtype) if real else x.dtype)
