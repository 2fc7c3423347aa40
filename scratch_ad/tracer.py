"""What a number must do to be traced: NumPy's protocols, levels, and the dispatch of calls.

Operators, methods and attributes, which make a tracer feel like an array, stand in array.py.

A *tracer* stands where an array stood and answers NumPy's calls (NEP 13, NEP 18). Each tracer belongs to a
*trace*, the run of one transformation; a call goes to the innermost trace among its arguments, which sees the
tracers of all other traces as plain constants. Levels come from one counter, so a transformation that starts
later lies inside, and two runs never share a level: this is what keeps perturbations apart.
"""

import functools
import inspect
import itertools
import math
import sys

import numpy as np

_levels = itertools.count(1)


class Trace:
    """One run of one transformation; ``mode`` names it in error messages."""

    __slots__ = ("level",)
    mode = "tracing"
    differentiates = False  # whether comparisons and other constant functions see through its tracers

    def __init__(self):
        self.level = next(_levels)

    def process(self, function, args, kwargs):
        """The result of ``function(*args, **kwargs)``, some of whose arguments are this trace's tracers."""
        raise NotImplementedError

    def constant(self, x):
        """A number or an array that this run gives back without a derivative; TypeError for a tracer of a later run."""
        if isinstance(x, Tracer) and x.owner.level > self.level:
            raise escaped(x.owner.mode)
        dtype_of(x)
        return x


class Tracer:
    """A number that answers NumPy's calls. ``value`` is what it wraps, ``owner`` the trace it belongs to."""

    __slots__ = ("owner", "value")

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        if method == "__call__":
            if not kwargs:
                if len(args) == 1:
                    return self.owner.process(ufunc, args, kwargs)
                return innermost(args).process(ufunc, args, kwargs)
            if any(isinstance(out, np.ndarray) for out in kwargs.get("out", ())):
                raise TypeError(
                    f"{name_of(ufunc)}: writing a tracer into a plain array (out= or an in-place operator such as "
                    f"arr += x) would lose its derivative in {self.owner.mode}; rebind the name: arr = arr + x."
                )
            if "out" in kwargs:
                raise TypeError(f"{name_of(ufunc)}: out= is not supported in {self.owner.mode}; use the result.")
            if kwargs.get("where", True) is not True:
                raise NotImplementedError(
                    f"{name_of(ufunc)}: where= without out= leaves elements uninitialised, so it has no derivative "
                    f"in {self.owner.mode}; use np.where(condition, {name_of(ufunc)}(…), other)."
                )
            return _plainly(ufunc, args, kwargs)
        if len(args) > 1:
            kwargs.pop("indices", None)  # of reduceat, which NumPy then gives twice
        return call(getattr(ufunc, method), args, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        if len(args) == 1 and args[0] is self and not kwargs:
            return self.owner.process(function, args, kwargs)
        return call(function, args, kwargs, like=self)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"np.asarray or np.array of a tracer, or its assignment into a plain array, would lose its derivative "
            f"in {self.owner.mode}. Use np.stack or np.concatenate to collect tracers (in place of np.r_, np.c_ and "
            "lists, too), np.where to replace elements, np.broadcast_to for np.full, start + step * np.arange(n) for "
            "np.arange, and leave out np.asarray: the argument is an array already. (np.vectorize, and functions of "
            "plain numbers such as np.kaiser, do not trace either: write them with array operations.)"
        )

    def __repr__(self):
        return f"{type(self).__name__}({self.value!r})"


def _plainly(ufunc, args, kwargs):
    """A ufunc's call without the keywords that say in which dtype, along which axes and in what layout it works."""
    kwargs = {k: v for k, v in kwargs.items() if k not in ("where", "order", "subok")}
    if not kwargs.keys().isdisjoint(("dtype", "signature", "casting")):
        dtype = kwargs.pop("dtype", None)
        given = (None,) * ufunc.nin + (dtype if dtype is None else np.dtype(dtype),) * ufunc.nout
        signature, casting = kwargs.pop("signature", given), kwargs.pop("casting", "same_kind")
        args = [np.asarray(x) if isinstance(x, (list, tuple)) else x for x in args]
        kinds = [type(x) if type(x) in (int, float, complex) else dtype_of(x) for x in args]
        loop = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout), signature=signature, casting=casting)
        args = [astype(x, t) for x, t in zip(args, loop)]
    if (axes := kwargs.pop("axes", None)) is None:
        return call(ufunc, args, kwargs)
    ufunc(*(np.ones((1,) * len(shape_of(x))) for x in args), axes=axes)  # for its checks
    *axes, of_result = axes if len(axes) > ufunc.nin else [*axes, ()]
    args = [np.moveaxis(x, axis, range(-np.size(axis), 0)) for x, axis in zip(args, axes)]
    return np.moveaxis(call(ufunc, args, kwargs), range(-np.size(of_result), 0), of_result)


def innermost(args):
    """The trace with the highest level among the tracers in ``args``, lists and tuples included; None without any."""
    top, level = None, -1
    for a in args:
        if isinstance(a, Tracer):
            trace = a.owner
        elif isinstance(a, (list, tuple)):
            trace = innermost(a)
        else:
            continue
        if trace is not None and trace.level > level:
            top, level = trace, trace.level
    return top


def call(function, args, kwargs, like=None):
    """``function(*args, **kwargs)`` by the innermost trace; array arguments given by keyword are made positional.

    ``like`` is the tracer that NumPy asked: the one given as ``like=`` where there is none among the arguments.
    """
    trace = innermost((args, *kwargs.values()))
    if trace is None:
        return created(function, args, kwargs, like)
    if kwargs.get("out") is not None or (len(args) > (place := _place_of_out(function)) and args[place] is not None):
        raise TypeError(f"{name_of(function)}: out= would lose the derivative in {trace.mode}; use the result.")
    if kwargs and innermost(kwargs.values()) is not None:
        signature = inspect.signature(function)
        bound = signature.bind(*args, **kwargs)
        last = max(k for k, name in enumerate(signature.parameters) if name in bound.arguments)
        given = bound.kwargs
        bound.apply_defaults()
        args, kwargs = bound.args[: last + 1], {name: x for name, x in bound.kwargs.items() if name in given}
    return trace.process(function, args, kwargs)


def created(function, args, kwargs, like):
    """What a creation function called with ``like=`` a tracer gives: a constant, of the kind of array that lies below.

    NumPy's own where that is a number, or an array that has no part in NumPy's protocols, as JAX's.
    """
    while isinstance(like, Tracer):
        like = like.value
    return function(*args, **kwargs, like=kind_of(like))


def kind_of(x):
    """What NumPy's ``like=`` takes to make an array of the kind of ``x``: itself, or None where that is a number.

    Rules use it with zeros, arange, identity and asarray: eye, ones and full pass a keyword on that CuPy's do not know.
    """
    return x if hasattr(x, "__array_function__") else None


def arrayed(x, like=None):
    """``x`` as an array: a number, or a list of numbers, as one of the kind of ``like``."""
    return np.asarray(x, like=kind_of(like)) if kind_of(x) is None else x


@functools.cache
def _place_of_out(function):
    """Where ``out`` stands among the positional arguments; beyond all of them if there is none."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return math.inf
    places = (k for k, p in enumerate(parameters) if p.name == "out" and p.kind is p.POSITIONAL_OR_KEYWORD)
    return next(places, math.inf)


def refuse_traced(function, kwargs, mode):
    """Raise where a keyword that cannot be made positional holds a tracer: its derivative would be lost."""
    for name, x in kwargs.items():
        if isinstance(x, Tracer):
            raise NotImplementedError(f"{name_of(function)} has no derivative in its keyword {name} in {mode}.")


def primitive(function):
    """Let tracers answer ``function`` as they answer NumPy's own; a rule is then registered for the result."""

    @functools.wraps(function)
    def dispatched(*args, **kwargs):
        if innermost(args) is None and innermost(kwargs.values()) is None:
            return function(*args, **kwargs)
        return call(dispatched, args, kwargs)

    dispatched.is_primitive = True
    return dispatched


@primitive
def getitem(a, index):
    """``a[index]``."""
    return a[index]


@primitive
def scatter(g, index, shape):
    """The transpose of ``a[index]``: zeros of ``shape``, with ``g`` added at ``index``, repeated or not."""
    out = np.zeros_like(g, shape=shape)
    if _is_basic(index):
        out[index] = g
    elif type(out) is np.ndarray:
        np.add.at(out, index, g)
    else:  # CuPy takes no tuple here, but one array of indices
        places, out = np.arange(out.size, like=out).reshape(shape)[index], np.zeros_like(g, shape=out.size)
        np.add.at(out, places, g)
        out = out.reshape(shape)
    return out


@primitive
def astype(a, dtype):
    """``a.astype(dtype)``, of Python scalars too; from complex to real it drops the imaginary part silently."""
    if np.issubdtype(dtype_of(a), np.complexfloating) and not np.issubdtype(dtype, np.complexfloating):
        a = a.real
    return a.astype(dtype) if hasattr(a, "astype") else np.dtype(dtype).type(a)


@primitive
def detached(x):
    """``x`` as a constant of every differentiation, JAX's included; a copy, which the caller may change."""
    return x.copy() if type(x) is np.ndarray else x


def _is_basic(index):
    entries = index if isinstance(index, tuple) else (index,)
    return all(e is None or e is Ellipsis or isinstance(e, (slice, int, np.integer)) for e in entries)


def shape_of(x):
    """The shape of an array, a tracer or a Python number, without conversion."""
    return getattr(x, "shape", ())


def dtype_of(x):
    """The dtype of an array, a tracer or a Python number, without conversion."""
    try:
        return x.dtype
    except AttributeError:
        if isinstance(x, (bool, int, float, complex)):
            return np.result_type(x)
        raise TypeError(f"Argument '{x}' of type {type(x)} is not a valid array or number.") from None


def strip(x):
    """``x`` without its derivatives: what lies below every differentiating trace."""
    while isinstance(x, Tracer) and x.owner.differentiates:
        x = x.value
    return each(strip, x) if isinstance(x, (list, tuple)) and innermost(x) is not None else x


def any_known(condition):
    """Whether a condition holds anywhere, as far as that can be looked at: while JAX compiles, nowhere."""
    condition = strip(condition)
    return not isinstance(condition, Tracer) and bool(np.any(condition))


def each(function, x):
    """``function`` of each entry of a list, tuple or named tuple, in the same container."""
    return rebuild(x, map(function, x))


def rebuild(like, items):
    """The items in the container of a NumPy result: a list, tuple or named tuple."""
    return type(like)(*items) if hasattr(like, "_fields") else type(like)(items)


class Closed:
    """What a run recorded, once it is over: nothing can be added any more."""

    def __init__(self, mode):
        self.mode = mode

    def append(self, entry):
        raise escaped(self.mode)


def escaped(mode):
    """The error for a tracer that outlives its run: kept in a variable, a cache or an object and used again."""
    return TypeError(
        f"Encountered an unexpected tracer: a value of {mode} was kept beyond the run that made it, so its derivative "
        "is lost. Return it instead, as auxiliary output (has_aux=True), or keep stop_gradient(x) of it."
    )


def name_of(function):
    """How users write ``function``: ``np.sin``, ``np.add.reduce``, ``np.linalg.svd``."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{name_of(owner)}.{function.__name__}"
    name = getattr(function, "__name__", repr(function))
    if isinstance(function, np.ufunc):
        homes = {"np": np, "scipy.special": sys.modules.get("scipy.special._ufuncs")}
        home = next((home for home, module in homes.items() if getattr(module, name, None) is function), None)
        return f"{home}.{name.lstrip('_')}" if home else name
    module = getattr(function, "__module__", None) or ""
    return f"{module.replace('numpy', 'np', 1)}.{name}" if module.startswith(("numpy", "scipy.")) else name
