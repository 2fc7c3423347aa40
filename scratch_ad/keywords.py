"""Calls with ``out=``, and ufuncs' keywords and methods.

``Tracer.__array_ufunc__`` and ``call`` hand them on to here, by ``by_keyword``. ``out=`` is a write of the result;
dtype=, order= and axes= become calls before and after that of the ufunc itself.
"""

import itertools
from contextlib import nullcontext

import numpy as np

from .foreign import PYTHONS
from .layout import arranged, shown, straight
from .primitives import astype
from .refusals import into_plain
from .scalars import is_number
from .silence import silently
from .tracer import (
    Tracer,
    bottom,
    by_keyword,
    call,
    dtype_of,
    each,
    innermost,
    kind_of,
    lowered,
    name_of,
    place_of,
    shape_of,
)


def _of_ufunc(tracer, ufunc, method, args, kwargs):
    """A call of a ufunc with keywords, or of one of its methods."""
    if method == "at":
        return _written(args[0], ufunc.at, tracer).update(ufunc, *args[1:])
    outs = [out for out in kwargs.get("out", ()) if out is not None]
    if outs:
        if any(isinstance(out, Tracer) for out in outs) or innermost((args, *kwargs.values())).level >= 0:
            return _into_ufunc(ufunc, method, args, kwargs, tracer)
        return getattr(ufunc, method)(*lowered(args), **kwargs)
    if method != "__call__":
        if len(args) > 1:
            kwargs.pop("indices", None)  # of reduceat, which NumPy then gives twice
        return call(getattr(ufunc, method), args, kwargs)
    if kwargs.get("where", True) is not True:
        raise NotImplementedError(
            f"{name_of(ufunc)}: where= without out= leaves elements uninitialised, so it has no derivative "
            f"in {tracer.owner.mode}; use np.where(condition, {name_of(ufunc)}(…), other)."
        )
    return _plainly(ufunc, args, kwargs)


def _plainly(ufunc, args, kwargs):
    """A ufunc's call without the keywords that say in which dtype, along which axes and in what layout it works."""
    if (order := kwargs.pop("order", "K")) != "K":
        if order == "A":
            order = "F" if all(x.flags.f_contiguous for x in map(kind_of, args) if x is not None) else "C"
        y = _plainly(ufunc, args, kwargs) if kwargs else call(ufunc, args, kwargs)
        return each(lambda part: arranged(part, order), y) if isinstance(y, tuple) else arranged(y, order)
    kwargs = {k: v for k, v in kwargs.items() if k not in ("where", "subok")}
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


def _into_ufunc(ufunc, method, args, kwargs, tracer):
    """A call of a ufunc or of its method with ``out=``: the result, written into the tracers given there."""
    options = {k: v for k, v in kwargs.items() if k not in ("out", "order", "subok")}
    outs, where, of_elements = kwargs["out"], True, method in ("__call__", "outer")
    casting = kwargs.get("casting", "same_kind" if of_elements else "unsafe")
    if of_elements:  # else it chooses elements of the argument, not of the result
        where = options.pop("where", True)
    for out in outs:
        if out is not None:
            _written(out, ufunc, tracer, _with_out)
    if method == "__call__" and not ufunc.signature:
        args = straight(args, outs[0])
    with nullcontext() if where is True else silently():  # of what it leaves out, too
        results = getattr(ufunc, method)(*args, **options)
    if method in ("reduce", "accumulate", "reduceat") and options.get("dtype") is None:
        dtype, own = outs[0].dtype, dtype_of(results)
        if dtype != own and own.kind != "b" and np.can_cast(own, dtype, "safe"):  # NumPy computes in that
            results = getattr(ufunc, method)(*args, **{**options, "dtype": dtype})
    if method == "reduce" and ufunc.identity is None and ufunc not in _EXTREMA and dtype_of(results) != outs[0].dtype:
        raise _partly(getattr(ufunc, method), outs[0].dtype, dtype_of(results))
    results = results if isinstance(results, tuple) else (results,)
    if where is not True:
        keywords = {name: stand_in(x) for name, x in kwargs.items() if name != "out"}
        getattr(ufunc, method)(*map(stand_in, args), **keywords, out=_ones_as(outs))  # for its checks and its warnings
        for out, result in zip(outs, results):
            if out is not None and dtype_of(result) != out.dtype and any(_is_part(x, out) for x in args):
                raise NotImplementedError(
                    f"{_with_out(ufunc)} with where= has another dtype than arr, which an argument shows the memory "
                    "of: NumPy then changes what the mask leaves out. Copy the argument first: x.copy()."
                )
    elif not _CHECKED.isdisjoint(kwargs) or not all(map(_fits, results, outs)):
        _check(getattr(ufunc, method), args, kwargs)
    if method == "accumulate":
        _check_axes(getattr(ufunc, method), results[0], outs[0])
    if ufunc.signature:
        results = tuple(itertools.starmap(without_ones, zip(results, outs, strict=True)))
    if len(outs) > 1 and all(out is not None for out in outs) and np.may_share_memory(*map(stand_in, outs)):
        raise TypeError(
            f"{name_of(ufunc)}(…, out=(a, b)), where a overlaps b: which of both results NumPy leaves there depends on "
            "how they lie in memory. Give arrays of their own."
        )
    results = tuple(
        result if out is None else out.assign(result, casting, f"ufunc '{ufunc.__name__}' output", where)
        for out, result in zip(outs, results, strict=True)
    )
    return results if len(results) > 1 else results[0]


_CHECKED = {"casting", "dtype", "signature", "where"}  # keywords of which NumPy may not take all that is given


def _fits(result, out):
    """Whether a result is of the form of what it is written into, so that NumPy has no objection."""
    if out is None:
        return True
    fits = shape_of(result) == out.shape and dtype_of(result) == out.dtype
    return fits and not is_number(out) and not _is_read_only(out)


def _check_axes(function, result, out):
    if len(shape_of(result)) < out.ndim:
        raise NotImplementedError(
            f"{_with_out(function)} fills a part of arr alone, as arr has more axes than the result: write "
            "out=arr[…, 0]."
        )


def _is_part(x, out):
    """Whether an argument shows the memory of ``out``, but is not that array itself."""
    return x is not out and isinstance(x, Tracer) and np.may_share_memory(bottom(x), bottom(out))


def _check(function, args, kwargs):
    """Raise what NumPy raises for such a call, on ones: of shapes and dtypes, of the casting, of what is read-only."""
    with silently():
        function(*map(_ones_as, args), **{name: _ones_as(x) for name, x in kwargs.items()})


def stand_in(x):
    """The numbers below a tracer, of several examples those of the first; ones where they are hidden."""
    if isinstance(x, Tracer):
        plain = bottom(x) if kind_of(x) is None else shown(x)
        is_known = isinstance(plain, (np.ndarray, np.generic)) and (plain.shape, plain.dtype) == (x.shape, x.dtype)
        return plain if is_known or type(plain) in PYTHONS else _ones_as(x)
    return each(stand_in, x) if isinstance(x, (list, tuple)) and innermost(x) is not None else x


def _ones_as(x):
    if isinstance(x, (list, tuple)):
        return each(_ones_as, x)
    if not isinstance(x, Tracer):
        return x
    if type(bottom(x)) in PYTHONS:
        return bottom(x)
    ones = np.ones(shape_of(x), dtype_of(x))
    ones.flags.writeable = not _is_read_only(x)
    return ones[()] if is_number(x) else ones


def zeros_as(x):
    return np.zeros(shape_of(x), dtype_of(x))


def without_ones(result, out):
    """The result for an ``out`` of fewer axes: that those in front have one element is enough for a matrix product."""
    spare = len(shape_of(result)) - (np.ndim(result) if out is None else out.ndim)
    shape = shape_of(result)
    return np.reshape(result, shape[spare:]) if spare > 0 and set(shape[:spare]) == {1} else result


def _into(function, args, kwargs, place, out, trace):
    """A call with ``out=``: the result, written into that."""
    kwargs = {name: x for name, x in kwargs.items() if name != "out"}
    args = tuple(None if i == place else a for i, a in enumerate(args))
    given, out = out, out[0] if isinstance(out, tuple) else out
    if not isinstance(out, Tracer):
        if trace.level >= 0:
            raise into_plain(_with_out(function), trace.mode)
        return function(*lowered(args), **{k: lowered(v) for k, v in kwargs.items()}, out=out)
    if function in _piling and _is_read_only(out):
        parts = args[:2] if place < len(args) else args  # without the place of out
        function(*map(bottom, parts), **{k: bottom(v) for k, v in kwargs.items()}, out=bottom(out))
        return out  # each part lies there already, of which NumPy makes no write
    result = function(*args, **kwargs)
    if given is not out or not _fits(result, out) or not _CHECKED.isdisjoint(kwargs):
        if place < len(args):
            _check(function, (*args[:place], given, *args[place + 1 :]), kwargs)
        else:
            _check(function, args, {**kwargs, "out": given})
    if function in _running:
        _check_axes(function, result, out)
    if function in _dots and not getattr(shown(out), "flags", _IN_C).c_contiguous:
        raise ValueError(
            "output array is not acceptable (must have the right datatype, number of dimensions, and be a C-Array)"
        )
    if dtype_of(result) != out.dtype:
        result = _in_dtype_of(out.dtype, result, function, args, kwargs)
    casting = "unsafe" if function in _unsafe else kwargs.get("casting", "same_kind")
    return out.assign(result, casting, f"output of {name_of(function)}")


def _is_read_only(x):
    array = bottom(x)
    return type(array) is np.ndarray and not array.flags.writeable


def _partly(function, dtype, own):
    return TypeError(
        f"{_with_out(function)} computes partly in the dtype of arr, here {dtype} where the result has {own}: "
        f"write arr[...] = {name_of(function)}(…)."
    )


_EXTREMA = {np.maximum, np.minimum, np.fmax, np.fmin}  # whose results are elements


def _in_dtype_of(dtype, result, function, args, kwargs):
    """The result for an ``out=`` of another dtype than its own, in which NumPy then computes what it can."""
    own, place = dtype_of(result), place_of("dtype", function)
    given = args[place] if place < len(args) else kwargs.get("dtype")
    is_wider = np.can_cast(own, dtype, "safe")
    if given is None and is_wider and function in _in_dtype:
        if place < len(args):
            return function(*args[:place], dtype, *args[place + 1 :], **kwargs)
        return function(*args, **{**kwargs, "dtype": dtype})
    if function in _partly_in_dtype:
        raise _partly(function, dtype, own)
    return result


_in_dtype = {np.sum, np.prod, np.cumsum, np.cumprod, np.nansum, np.nanprod, np.nancumsum, np.nancumprod}
_in_dtype |= {np.mean, np.nanmean, np.trace, np.einsum}
_partly_in_dtype = {np.mean, np.nanmean, np.var, np.nanvar, np.std, np.nanstd, np.ptp, np.median, np.nanmedian}
_partly_in_dtype |= {np.quantile, np.nanquantile, np.percentile, np.nanpercentile}
_running = {np.cumsum, np.cumprod, np.nancumsum, np.nancumprod, np.cumulative_sum, np.cumulative_prod}
_selecting = {np.take, np.choose, np.compress}
_unsafe = (_in_dtype | _selecting | {np.max, np.min, np.nanmax, np.nanmin}) - {np.einsum}  # the casting of their out=
_piling = {np.concatenate, np.stack}
_dots = {np.dot, np.linalg.multi_dot}
_IN_C = np.empty(0).flags  # as all of JAX's arrays lie


def _written(x, function, tracer, name=lambda function: name_of(function)):
    """``x``, into which ``function`` writes a tracer; TypeError where it is plain, by the function's name there."""
    if isinstance(x, Tracer):
        return x
    raise into_plain(name(function), tracer.owner.mode)


def _with_out(function):
    return f"{name_of(function)}(…, out=arr)"


by_keyword.update(ufunc=_of_ufunc, out=_into)
