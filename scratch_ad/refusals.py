"""Refusals that a person can act on: what asks a tracer for plain numbers, and what to write in its place.

What NumPy does not let tracers answer ends in ``__array__``, ``__float__`` and the like, far from what the user wrote,
which frames.py finds. ``REMEDIES`` is looked up for it, then for what it is part of: np.random.normal, np.random, np.
"""

import importlib
import operator
import threading
import weakref

import numpy as np

from .frames import calls, given, in_c

_COLLECT = "Collect tracers with np.stack or np.concatenate in place of a list"
_LEAVE_OUT = "Leave it out, as a tracer is an array already, and collect several with np.stack"
_LIKE = (
    "np.zeros_like(x) or np.zeros(shape, like=x), or import scratch_ad.numpy as np, where integers stay plain: "
    "np.arange(6.0)"
)
_MAKE = f"Make the array with {_LIKE}"
_GENERAL = "Write it in NumPy calls on whole arrays, or give it a derivative with scratch_ad.custom_vjp"
_PLAIN = "That argument has no derivative there: give scratch_ad.stop_gradient(x), which is plain"
_NUMBER = "Leave it out, or use np.sin for math.sin; {last}(scratch_ad.stop_gradient(x)) has no derivative"
_COUNT = "Counts and positions have no derivative: int(scratch_ad.stop_gradient(x)) is plain"
_AS_NUMPY = "Use np.{last}(a, …), which takes tracers, in place of the method"
_MATRIX = "Use arrays, with @ for the product of matrices, and np.block"
_LOOK = "Do that outside of the function, or with scratch_ad.stop_gradient(x), which is plain"
_CAST = "Use x.astype(np.{last})"
_LOOP = "Loop over np.ndindex(x.shape) and take x[i]"
_ROOT = "Use root, minimize or the like of scratch_ad.scipy.optimize, or scratch_ad.implicit(solver, residual)"
_INTEGRAL = "Use quad, quad_vec, odeint or solve_ivp of scratch_ad.scipy.integrate, which have derivatives"

_TABLE = "Write np.asarray(arr, like=x)[x], which takes each example's own"
_OF_PLAIN = "Write np.{last}(np.asarray(a, like=x), x), which takes each example's own"
_ASK_ONE = ("take", "repeat", "roll", "rot90", "tril", "triu")  # the array, not how far or where
_EXAMPLES = "It is another number for each example: write it in NumPy calls, or loop over the examples"
_RECORDED = (
    "Whole numbers are plain there, as int(x.astype(int)) is, and the function is recorded for each of them; else "
    "compile what comes before that and what comes after it"
)
_INDEX = 'Write np.ravel(x)[as_strided(np.arange(x.size, dtype=f"i{x.itemsize}"), shape, strides)] for x in C order'
_INDEXED = ("np.take", "np.take_along_axis")
_ASK_SOME = ("np.pad", "np.piecewise", "np.select")  # NumPy's functions that do not ask all of their arguments

IN_PLACE = "Give and return numbers and arrays, in tuples, lists and dicts"  # of what is none of these
_NUMBERS = (np.number, np.bool)

REMEDIES = {  # what the user wrote, or a package: what to write
    "": _GENERAL,
    "arr[x]": "An index is an integer: arr[x.astype(int)]",
    '"…" % x': 'Format it as f"{x:.3f}" or with %s',
    **dict.fromkeys(("float", "int"), _NUMBER),
    "complex": "Write x + 0j",
    **dict.fromkeys(("range", "hex", "oct", "bin", "chr", "bytes", "operator.index"), _COUNT),
    # NumPy's functions that do not ask their arguments, or not all of them
    "np": _GENERAL,
    "np.array": "Collect tracers with np.stack, copy one with np.copy(x), or write np.array(…, like=x)",
    **dict.fromkeys(("np.asarray", "np.asanyarray", "np.ascontiguousarray", "np.asfortranarray"), _LEAVE_OUT),
    **dict.fromkeys(("np.require", "np.asarray_chkfinite", "np.mat"), _LEAVE_OUT),
    "np.full": "Use np.broadcast_to(x, shape), or np.full(shape, x, like=x)",
    "np.full_like": "Use np.broadcast_to(x, a.shape), or np.full(a.shape, x, like=x)",
    "np.arange": "Use start + step * np.arange(n)",
    "np.r_": "Use np.concatenate or np.append",
    "np.c_": "Use np.column_stack or np.stack(…, axis=1)",
    **dict.fromkeys(("np.mgrid", "np.ogrid"), "Use np.linspace and np.meshgrid"),
    **{f"np.{name}": _COUNT for name in ("zeros", "ones", "empty", "eye", "identity", "tri", "linspace", "ndindex")},
    "np.tile": _COUNT,
    "np.frombuffer": "Use np.ravel(x)",
    "np.fromiter": "Use np.stack(list(…))",
    "np.vectorize": "Call the function on the whole array, with np.where in place of a branch",
    "np.kaiser": "Use np.i0(beta * np.sqrt(1 - t**2)) / np.i0(beta) with t = np.linspace(-1, 1, M)",
    **dict.fromkeys(("np.hanning", "np.hamming", "np.blackman", "np.bartlett"), _COUNT),
    "np.poly1d": "Use np.polyval(coefficients, x)",
    "np.polynomial": "Use np.polyval(c[::-1], x), after cheb2poly(c) and the like where c is a series of another kind",
    "np.random": "Draw plain numbers and transform them: loc + scale * rng.normal(size=n)",
    "np.random.Generator.choice": "Draw with plain probabilities: p=scratch_ad.stop_gradient(p)",
    **dict.fromkeys(("np.matrix", "np.asmatrix", "np.bmat"), _MATRIX),
    "np.ma": "Use np.where(mask, …) in place of a masked array",
    **dict.fromkeys(("np.nditer", "np.ndenumerate"), _LOOP),
    "np.broadcast": "Use np.broadcast_arrays, or np.broadcast_shapes(a.shape, b.shape)",
    "np.take": "An index is an integer: np.take(a, i.astype(int))",
    "np.take_along_axis": "An index is an integer: np.take_along_axis(a, i.astype(int), axis)",
    **dict.fromkeys(_ASK_SOME, "Make an array there with np.asarray(a, like=x), or import scratch_ad.numpy as np"),
    "np.lib.stride_tricks.as_strided": _INDEX,
    "np.testing": _LOOK,
    **{f"np.{name}": _CAST for name, t in vars(np).items() if isinstance(t, type) and issubclass(t, _NUMBERS)},
    **dict.fromkeys(("np.sum", "np.ndarray.sum", "np.add.reduce"), "Write np.sum(a) + x in place of initial=x"),
    **dict.fromkeys(("np.prod", "np.ndarray.prod", "np.multiply.reduce"), "Write np.prod(a) * x in place of initial=x"),
    **dict.fromkeys(
        ("np.max", "np.amax", "np.ndarray.max", "np.maximum.reduce"),
        "Write np.maximum(np.max(a), x) in place of initial=x",
    ),
    **dict.fromkeys(
        ("np.min", "np.amin", "np.ndarray.min", "np.minimum.reduce"),
        "Write np.minimum(np.min(a), x) in place of initial=x",
    ),
    **{
        f"np.nan{name}": f"Write np.nan{name}(a) {op} x in place of initial=x"
        for name, op in (("sum", "+"), ("prod", "*"))
    },
    **{f"np.nan{name}": f"Write np.{name}imum(np.nan{name}(a), x) in place of initial=x" for name in ("max", "min")},
    "np.var": "Write np.sum((a - mean)**2) / (a.size - ddof), with mean = np.mean(a)",
    "np.std": "Write np.sqrt(np.sum((a - mean)**2) / (a.size - ddof)), with mean = np.mean(a)",
    "np.nanvar": "Write np.nansum((a - mean)**2) / (np.sum(~np.isnan(a)) - ddof)",
    "np.nanstd": "Write np.sqrt(np.nansum((a - mean)**2) / (np.sum(~np.isnan(a)) - ddof))",
    "np.linalg.lstsq": "rcond has no derivative: give scratch_ad.stop_gradient(x), which is plain",
    "np.unwrap": "Write p / 2 / np.pi * np.unwrap(2 * np.pi / p * a) in place of period=p",
    **dict.fromkeys(
        ("np.linalg.norm", "np.linalg.vector_norm"), "Write np.sum(np.abs(x)**p)**(1 / p) in place of ord=p"
    ),
    "np.interp": "Write np.where(x < xp[0], left, np.interp(x, xp, fp)) in place of left=, and so for right=",
    # methods of plain arrays
    "np.ndarray": _AS_NUMPY,
    "np.ndarray.view": "Use arrays, with @ for the product of matrices",
    "np.ndarray.dot": "Write A @ x, or np.dot(A, x)",
    # functions of Python numbers
    "math": "Use np.{last}",
    "cmath": "Use np.{last}(x + 0j)",
    "cmath.phase": "Use np.angle",
    "cmath.polar": "Use np.abs and np.angle",
    "cmath.rect": "Write r * np.exp(1j * phi)",
    "math.fsum": "Use np.sum",
    "math.dist": "Use np.linalg.norm(p - q)",
    "math.remainder": "Write x - y * np.round(x / y)",
    "math.isqrt": "Use np.floor(np.sqrt(x))",
    "math.ulp": "Use np.spacing",
    "math.fma": "Write x * y + z",
    "math.lgamma": "Use scipy.special.gammaln",
    "math.factorial": "Use scipy.special.gamma(x + 1)",
    **dict.fromkeys(("math.comb", "math.perm"), "Use scipy.special.binom or scipy.special.poch"),
    **dict.fromkeys(("math.gamma", "math.erf", "math.erfc"), "Use scipy.special.{last}"),
    "statistics": "Use np.mean, np.std, np.median and the like",
    "statistics.stdev": "Use np.std(x, ddof=1)",
    "statistics.variance": "Use np.var(x, ddof=1)",
    # SciPy's that have no counterpart in scratch_ad.scipy
    "scipy": _GENERAL,
    "scipy.fft": "Use np.fft.{last}",
    **dict.fromkeys(("scipy.linalg.blas", "scipy.linalg.lapack"), "Use np.linalg or scratch_ad.scipy.linalg"),
    **dict.fromkeys(("scipy.integrate", "scratch_ad.scipy.integrate"), _INTEGRAL),
    **dict.fromkeys(("scipy.optimize", "scratch_ad.scipy.optimize"), _ROOT),
    "scipy.interpolate": "Use CubicSpline, make_interp_spline or interpn of scratch_ad.scipy.interpolate",
    "scipy.stats": "Write its formula in NumPy and scipy.special, whose functions take tracers",
    "scipy.sparse": "Use np.linalg.solve and @ with A.toarray()",
    # others
    "scratch_ad": _COLLECT,
    **dict.fromkeys(("torch", "jax"), "Write it in NumPy: the array here is scratch_ad's, not that library's"),
}

_OPERATORS = ("+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>")
REMEDIES |= {f"arr {op} […]": _COLLECT for op in (*_OPERATORS, "==")}
WRITES = {  # what writes into an array: what to write
    "": _MAKE,
    "out": f"Use what it returns, or make arr with {_LIKE}",
    **dict.fromkeys((f"arr {op}= x" for op in _OPERATORS), f"Write arr = arr {{op}} x, or make arr with {_LIKE}"),
    **dict.fromkeys(("arr[i] = x", "arr[i:j] = x", "arr.attribute = x", "operator.setitem"), _MAKE),
    **{f"np.{name}": _MAKE for name in ("copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis")},
    **{f"np.ndarray.{name}": _MAKE for name in ("fill", "put", "__setitem__")},
}
_HIGHER = ("builtins", "functools", "itertools")  # their functions call others, which leave no frame


def refused(what, mode):
    """The error for plain numbers asked of a tracer: by ``what``, unless the calling frames tell better."""
    name, function = next((call for call in calls() if _tells(*call)), ("", None))
    if name in WRITES and name:
        return into_plain(name, mode)
    key = name or what
    while key not in REMEDIES:
        key = key.rpartition(".")[0]
    if what == "np.asarray" and _asks(function) and name not in (*_ASK_SOME, *_INDEXED):
        alone = any(hasattr(x, "owner") for x in given(function))  # not in a list
        remedy = REMEDIES.get(name, _PLAIN) if alone else _COLLECT
    elif ours := _counterpart(name):
        remedy = f"Use {ours}, the same function with a derivative"
    else:
        remedy = REMEDIES[key].replace("{last}", (name or what).rpartition(".")[2])
    if mode == "vmap":
        home, _, last = name.rpartition(".")
        if home in ("np", "np.ndarray") and last in _ASK_ONE:
            remedy = _OF_PLAIN.replace("{last}", last)
        elif key == "arr[x]":
            remedy = _TABLE
    error = takes_plain(name or f"{what}, or what calls it,", mode, remedy)
    _lost.told, _lost.by = str(error), weakref.WeakSet(in_c())
    return error


_lost = threading.local()  # the last refusal, and the functions that SciPy's solvers in C were solving for


def uncover(error):
    """Raise the refusal that NumPy gave as the cause of its own error, such as "setting an array element …".

    Or that which SciPy lost, whose brentq takes an error of ``__float__`` for the value -1 and goes on.
    """
    if set(in_c(error.__traceback__)) & set(getattr(_lost, "by", ())):
        raise TypeError(_lost.told).with_traceback(error.__traceback__) from None
    cause, last = error.__cause__, error.__cause__ and error.__cause__.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    if last and last.tb_frame.f_globals.get("__name__", "").startswith("scratch_ad."):
        raise cause.with_traceback(error.__traceback__) from None


def check_callable(name, fun, parameter="fun"):
    """Raise TypeError, in JAX's words, where ``name`` is given something else for a function."""
    if not callable(fun):
        raise TypeError(
            f"Expected a callable value, got {fun} for {parameter} of {name}: give the function itself, f rather than "
            "f(x)."
        )


def takes_plain(what, mode, remedy):
    """The error for a tracer where plain numbers are needed."""
    if "stop_gradient" in remedy:  # which is no plain number there, either
        remedy = {"a compiled function": _RECORDED, "vmap": _EXAMPLES}.get(mode, remedy)
    return TypeError(f"{what} takes plain numbers, not a tracer of {mode}. {remedy}.")


def into_plain(what, mode):
    """The error for a tracer that ``what`` is to write into a plain array."""
    written, _ = calls()[0]
    if written in WRITES:
        what = written or what
    elif (written in REMEDIES or written.startswith("scipy.")) and not what.startswith(written):  # which writes inside
        return refused(what, mode)
    remedy = WRITES.get(what, WRITES["out" if "out=" in what else ""])
    remedy = remedy.replace("{op}", what[4:-3])  # of arr += x
    return TypeError(f"{what} takes no tracer of {mode} into a plain array. {remedy}.")


def _tells(name, function):
    """Whether this is what asks for plain numbers, not what calls that."""
    home = (getattr(function, "__module__", None) or "").lstrip("_")
    return name != "" and (name in REMEDIES or name in WRITES or home not in _HIGHER)


def _asks(function):
    """Whether NumPy's function asks the tracers that are its arguments, so that one was in a list."""
    return isinstance(function, np.ufunc) or hasattr(function, "_implementation")


def _counterpart(name):
    """The function of scratch_ad.scipy that has SciPy's name; "" if there is none."""
    root, _, path = name.partition(".")
    home, _, path = path.partition(".")
    if root != "scipy" or not path:
        return ""
    try:
        found, theirs = (
            operator.attrgetter(path)(importlib.import_module(f"{package}.{home}"))
            for package in ("scratch_ad.scipy", "scipy")
        )
    except (ImportError, AttributeError):
        return ""
    return "" if found is theirs or hasattr(found, "refusal") else f"scratch_ad.{name}"
