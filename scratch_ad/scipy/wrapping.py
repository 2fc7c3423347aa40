"""How SciPy's functions, which do not dispatch, become functions that tracers answer."""

import functools
import inspect

import numpy as np

from ..constants import created
from ..layout import arranged
from ..memory import duplicate
from ..rule import composite, constant, refuse
from ..tracer import Tracer, any_known, bottom, each, kind_of, primitive, rebuild, shape_of, strip
from ..tree import typed

_WITHOUT_EFFECT = ("overwrite_", "workers", "lwork")  # on the result


def core(function, **fixed):
    """``function`` as rules call it, in place of the public one: on any numbers, be they finite or not.

    ``fixed`` are keywords that it is always called with.
    """
    if "check_finite" in inspect.signature(function).parameters:
        fixed["check_finite"] = False

    @functools.wraps(function)
    def unchecked(*args, **kwargs):
        return function(*args, **kwargs, **fixed)

    unchecked.__module__ = f"scratch_ad.scipy.{_submodule(function)}"
    return unchecked


def _submodule(function):
    return function.__module__.split(".")[1]


def named(function):
    """A function of this package under the name of SciPy's: ``scipy.linalg.expm``."""
    function.__module__ = f"scipy.{_submodule(function)}"
    return function


def public(function, body, ndims=(), as_own=False):
    """SciPy's ``function``, which on tracers is ``body``.

    ``body`` is given what the caller gave, all that has a default by name; without leave to overwrite its input, and
    with the check done that all of it is finite. ``ndims``: of its arguments, where it takes no stacks of them.
    ``as_own``: whether SciPy's own result is asked how it lies in memory, where no simple rule tells, as where it
    overwrites its input.
    """
    signature = inspect.signature(function)
    required = [name for name, p in signature.parameters.items() if p.default is p.empty]
    checks = getattr(signature.parameters.get("check_finite"), "default", False)

    def rewritten(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        if given.pop("check_finite", checks):
            for x in given.values():
                _check_finite(x)
        taken = [(name, given.pop(name)) for name in required]
        arrays = [x if isinstance(x, tuple) or "_and_" in name else typed(x) for name, x in taken]
        for x, ndim in zip(arrays, ndims):
            _check_single(function, x, ndim)
        own = lambda: function(*map(_plain, arrays), **_plain(given))
        traced = [x for x in _leaves((*arrays, *given.values())) if isinstance(x, Tracer)]
        if any(x.size == 0 and type(kind_of(x)) is np.ndarray for x in traced):
            y = own()
            if all(np.size(x) == 0 for x in traced) or all(np.size(part) == 0 for part in _leaves((y,))):
                return each(created, y) if isinstance(y, tuple) else created(y)  # nothing that could depend on anything
        options = {name: x for name, x in given.items() if not name.startswith(_WITHOUT_EFFECT)}
        y = body(*arrays, **options)
        overwrites = any(given[name] for name in given if name.startswith("overwrite_"))
        return _as_own(y, own) if as_own or overwrites else y

    return named(composite(function, rewritten))


def _as_own(y, own):
    """``y``, one array or several, as the results of the plain call ``own`` lie in memory."""
    parts = y if isinstance(y, tuple) else (y,)
    if not any(len(shape_of(part)) > 1 and type(kind_of(part)) is np.ndarray for part in parts):
        return y
    pairs = zip(parts, (own(),) if parts[0] is y else own(), strict=True)
    parts = [arranged(part, "K", theirs) if len(shape_of(part)) > 1 else part for part, theirs in pairs]
    return rebuild(y, parts) if isinstance(y, tuple) else parts[0]


def _leaves(x):
    return [leaf for part in x for leaf in _leaves(part)] if isinstance(x, (tuple, list)) else [x]


def _plain(x):
    """What lies below all tracers, as copies that may be overwritten."""
    if isinstance(x, dict):
        return {name: _plain(value) for name, value in x.items()}
    x = each(_plain, x) if isinstance(x, (tuple, list)) else bottom(x)
    return duplicate(x) if type(x) is np.ndarray else x


def _check_finite(x):
    """Raise ValueError for a nan or inf in an array, or in one of several, as SciPy does."""
    if isinstance(x, (tuple, list)):
        for part in x:
            _check_finite(part)
    elif getattr(x, "dtype", np.dtype(int)).kind in "fc" and any_known(np.logical_not(np.isfinite(strip(x)))):
        raise ValueError("array must not contain infs or NaNs")


def _check_single(function, x, ndim):
    if isinstance(x, tuple):
        for part in x:
            _check_single(function, part, ndim)
    elif len(shape_of(x)) > ndim:
        raise NotImplementedError(
            f"{function.__name__} has a derivative rule for one problem at a time, not for stacks of them; loop over "
            "the stack, and use np.stack."
        )


def refused(reason, *functions):
    """SciPy's functions, which refuse tracers for this reason."""
    wrapped = [named(primitive(function)) for function in functions]
    refuse(reason, *wrapped)
    return wrapped


def constants(*functions):
    """SciPy's functions whose derivative is zero."""
    return [named(constant(function)) for function in functions]
