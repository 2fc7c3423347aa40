"""How SciPy's functions, which do not dispatch, become functions that tracers answer."""

import functools
import inspect
import itertools

import numpy as np

from ..batch import Uncovered, batches
from ..batching.matrices import stacked
from ..chain import is_finite
from ..constants import created
from ..memory import duplicate
from ..primitives import astype
from ..rule import composite, constant, refuse, runs_numpy, with_value
from ..tracer import Tracer, any_known, dtype_of, each, gathered, innermost, name_of, primitive, shape_of, strip
from ..tree import is_inexact, typed

_WITHOUT_EFFECT = ("overwrite_", "workers", "lwork")  # on the result
_DOUBLES = (np.dtype(float), np.dtype(complex))


def core(function, **fixed):
    """``function`` as rules call it, in place of the public one: on any numbers, be they finite or not.

    ``fixed`` are keywords that it is always called with. Where no keyword turns its check off, all is nan.
    """
    if "check_finite" in inspect.signature(function).parameters:
        fixed["check_finite"] = False

    @functools.wraps(function)
    def unchecked(*args, **kwargs):
        try:
            return function(*args, **kwargs, **fixed)
        except ValueError:
            arrays = [isinstance(x, np.ndarray) and x.dtype.kind in "fc" for x in args]
            if all(is_finite(x) for x, mine in zip(args, arrays) if mine):
                raise
        others = [np.where(np.isfinite(x), x, 0) if mine else x for x, mine in zip(args, arrays)]
        y = function(*others, **kwargs, **fixed)
        return each(lambda part: part * np.nan, y) if isinstance(y, tuple) else y * np.nan

    unchecked.__module__ = f"scratch_ad.scipy.{_submodule(function)}"
    return unchecked


def _submodule(function):
    """Where SciPy's users find a function: ``signal``, ``spatial.distance``."""
    return ".".join(itertools.takewhile(lambda part: not part.startswith("_"), function.__module__.split(".")[1:]))


def named(function):
    """A function of this package under the name of SciPy's: ``scipy.linalg.expm``."""
    function.__module__ = f"scipy.{_submodule(function)}"
    return function


def public(function, body, ndims=(), except_for=None, valued_by=with_value, of_doubles=False):
    """SciPy's ``function``, which on tracers has its own value and the derivative of ``body``.

    ``body`` is given what the caller gave, all that has a default by name; without leave to overwrite its input, and
    with the check done that all of it is finite. ``ndims``: of its arguments, where it takes no stacks of them.
    ``except_for``: where ``body`` makes the very call of ``function``, so that there is no need of another for the
    value, the options with which it makes others all the same. ``valued_by``: as in ``composite``. ``of_doubles``:
    where SciPy rounds numbers of other types as ``body`` does not, so that their examples are taken one by one.
    """
    signature = inspect.signature(function)
    required = [
        name for name, p in signature.parameters.items() if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    ]
    others = [name for name, p in signature.parameters.items() if p.kind is p.VAR_KEYWORD]
    checks = getattr(signature.parameters.get("check_finite"), "default", False)
    in_linalg = _submodule(function) == "linalg"
    if inspect.unwrap(body) is function:
        except_for = ()

    def rewritten(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        for name in others:
            given |= given.pop(name, {})
        overwrites = any(given[name] for name in given if name.startswith("overwrite_"))
        traced = [x for x in _leaves(tuple(given.values())) if isinstance(x, Tracer)]
        halves = in_linalg and any(x.dtype == np.float16 for x in traced)
        value, lower = None, _copied_below if overwrites else strip
        plainly = lambda: wrapped(*map(lower, args), **{name: lower(x) for name, x in kwargs.items()})
        has_value = runs_numpy(traced) and any(strip(x) is not x for x in traced)
        if has_value and (
            except_for is None
            or overwrites
            or halves
            or not given.keys().isdisjoint(except_for)
            or any(x.size == 0 for x in traced)
        ):
            value = plainly()
            parts = _leaves((value,))
            if (
                all(x.size == 0 for x in traced)
                or all(np.size(part) == 0 for part in parts)
                or (of_doubles and not any(map(is_inexact, parts)))
            ):
                # nothing that could depend on anything, but in steps
                return each(created, value) if isinstance(value, (list, tuple)) else created(value)
        if given.pop("check_finite", checks):
            for x in given.values():
                _check_finite(x)
        taken = [(name, given.pop(name)) for name in required]
        arrays = [x if isinstance(x, tuple) or "_and_" in name else typed(gathered(x)) for name, x in taken]
        if halves:  # in which SciPy computes nothing
            arrays, given = each(_single, arrays), {name: _single(x) for name, x in given.items()}
        for x, ndim in zip(arrays, ndims):
            _check_single(function, x, ndim)
        options = {name: x for name, x in given.items() if not name.startswith(_WITHOUT_EFFECT)}
        try:
            if value is None:
                of_examples = bool(traced) and innermost(traced).of_examples
                if of_doubles and of_examples and not _are_doubles(traced, arrays, options):
                    raise Uncovered
                y = body(*arrays, **options)
                if of_examples and not is_finite(y):
                    raise Uncovered  # so that SciPy says what it makes of each
                return y
            with np.errstate(all="ignore"):  # SciPy has warned
                return valued_by(body(*arrays, **options), value)
        except (ValueError, IndexError) as error:
            if not has_value:
                raise
            if value is None:
                plainly()  # which may have nothing to say to this either, in SciPy's words
            if isinstance(error, np.linalg.LinAlgError) and "dimension" not in str(error):
                raise NotImplementedError(
                    f"{name_of(wrapped)} has a value, but no derivative rule, for these matrices ({error}); add a "
                    "small multiple of the identity to what is singular."
                ) from error
            shapes = ", ".join(str(shape_of(x)) for x in _leaves(arrays))
            raise NotImplementedError(
                f"{name_of(wrapped)} has a value, but no derivative rule, for arguments of shapes {shapes} ({error}); "
                "give them the shapes of its documentation."
            ) from error

    wrapped = named(composite(function, rewritten))
    return wrapped


def _leaves(x):
    return [leaf for part in x for leaf in _leaves(part)] if isinstance(x, (tuple, list)) else [x]


def _are_doubles(traced, arrays, options):
    """Whether these and the first array are doubles, and so is what is not of integers."""
    others = [x for x in _leaves((arrays, *options.values())) if hasattr(x, "dtype") and x.dtype.kind in "fc"]
    return all(dtype_of(x) in _DOUBLES for x in (*traced, *_leaves(arrays[:1]), *others))


def _single(x):
    """Half precision as single."""
    if isinstance(x, (tuple, list)):
        return each(_single, x)
    return astype(x, np.dtype(np.float32)) if getattr(x, "dtype", None) == np.float16 else x


def _copied_below(x):
    """What lies below all derivatives, as copies that may be overwritten."""
    if isinstance(x, (tuple, list)):
        return each(_copied_below, x)
    x = strip(x)
    return duplicate(x) if type(x) is np.ndarray else np.copy(x, "K") if isinstance(x, Tracer) else x


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


def of_one_stack(*vectors):
    """Vectors along the last axis, each as often as the stacks of the others need it."""
    stack = np.broadcast_shapes(*(x.shape[:-1] for x in vectors))
    return [x if x.shape[:-1] == stack else np.broadcast_to(x, (*stack, x.shape[-1])) for x in vectors]


def take_stacks(*functions, of=(2,)):
    """Let functions be called once on the stacks of a batch: of as many arguments, each of as many axes for one."""
    for function in functions:
        batches(function)(functools.partial(_stacked, stacked(function, *of)))


def _stacked(rule, *args, **kwargs):
    y = rule(*args, **kwargs)
    return tuple(y) if type(y) is list else y  # SciPy's own loops over a stack make lists of tuples


def refused(reason, *functions):
    """SciPy's functions, which refuse tracers for this reason."""
    wrapped = [named(primitive(function)) for function in functions]
    refuse(reason, *wrapped)
    for function in wrapped:
        function.refusal = reason  # so that no error names it as a remedy
    return wrapped


def others_of(theirs, reason, plain=()):
    """``__getattr__`` of the module that stands for SciPy's: what it lacks is SciPy's, whose functions refuse tracers.

    ``reason``: why, or a function that tells it by the name. ``plain``: functions that take no arrays, or tracers too.
    """

    @functools.cache
    def other(name):
        found = getattr(theirs, name)
        if isinstance(found, type) or not callable(found) or name in plain:
            return found
        return refused(reason(name) if callable(reason) else reason, found)[0]

    def __getattr__(name):
        if name.startswith("_") or not hasattr(theirs, name):
            raise AttributeError(f"module 'scratch_ad.{theirs.__name__}' has no attribute {name!r}")
        return other(name)

    return __getattr__


def constants(*functions):
    """SciPy's functions whose derivative is zero."""
    return [named(constant(function)) for function in functions]
