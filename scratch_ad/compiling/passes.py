"""Clean-up: each pass takes a ``Code`` and gives one that does the same in less, to the last bit.

Left out are calls that nothing needs, with their warnings, and calls that have been made already; all that stays is
made in the order in which the function made it.
"""

import functools

import numpy as np

from ..chain import has_nan
from ..fast import with_part
from ..primitives import astype, detached, getitem, scatter
from ..program import Name
from ..rules.products import contract
from ..rules.shaping import join, pile
from ..scalars import scalar
from ..tracer import name_of
from ..writing import cartesian, put
from .code import NUMBERS, Step, errors_around, names_in, renamed, value_of
from .products import MatrixProduct, as_matmul
from .scalars import FLOAT, NUMBER, as_pythons, by_elements, listed, packed
from .writes import is_written_out, read_first, unpiled

SMALL = 4096  # elements: constants of at most as many are computed once and kept


def cleaned(code):
    """After all passes; those that tidy up come again only where something has been changed."""
    tidying = _folding, _simplifying, unpiled, _unbroadcasting, _simplifying, _recalling
    code = without_dead(rewritten(nan_guards(code), *tidying))
    made = by_elements(as_matmul(code))
    if made is not code:
        code = without_dead(rewritten(made, _simplifying, _recalling))
    return in_place(read_first(as_pythons(code)))


def rewritten(code, *rewriters):
    """``code`` where each step is what the rewriters give, one after another, each made for this code.

    That is a step, or what stands for its one output, or what stands for each in a dictionary.
    """
    instead, steps, changed = {}, [], False
    rewrites = [rewriter(code) for rewriter in rewriters]
    for step in code.steps:
        new = step
        if instead and not instead.keys().isdisjoint(step.reads):
            new = step._replace(args=renamed(step.args, instead), kwargs=renamed(step.kwargs, instead))
        for rewrite in rewrites:
            new = rewrite(new)
            if type(new) is not Step:
                break
        if type(new) is Step:
            steps.append(new)
        elif type(new) is dict:
            instead.update(new)
        else:
            instead[step.outputs[0]] = new
        changed = changed or new is not step
    return code._replace(steps=tuple(steps), outputs=renamed(code.outputs, instead)) if changed else code


def without_dead(code):
    """Without calls that nothing needs, but for those that may raise an error for other numbers."""
    needed, kept = set(names_in(code.outputs)), []
    for step in reversed(code.steps):
        fails = may_fail(step.function) or _may_fail_of(step, code)
        runs_for_itself = step.is_guard or not is_numpys(step.function) or fails
        if runs_for_itself or not needed.isdisjoint(step.outputs):
            kept.append(step)
            needed.update(step.reads)
    return code._replace(steps=tuple(reversed(kept))) if len(kept) < len(code.steps) else code


def without_repeats(code):
    """Without calls that have been made already, of the same arguments and under no other np.errstate."""
    return rewritten(code, _recalling)


def _recalling(code):
    made, keys = {}, {}

    def rewrite(step):
        if not step.is_guard and not is_numpys(step.function):
            return step
        key = (_key(step.function, keys), _key(step.args, keys), *((k, _key(v, keys)) for k, v in step.kwargs.items()))
        before = made.setdefault(key, step)
        if before is step or before.errors not in (None, step.errors):
            return step
        return dict(zip(step.outputs, before.outputs))

    return rewrite


def _key(x, keys):
    """What two arguments have in common only if they are the same, to the last bit."""
    kind = type(x)
    if kind is Name:
        return x.number
    if kind in _BY_VALUE:
        return kind, x
    if isinstance(x, (tuple, list)):
        return (kind, *[_key(e, keys) for e in x])
    if type(x) is slice:
        return slice, x.start, x.stop, x.step
    if type(x) is np.ndarray and x.size <= SMALL and not x.dtype.hasobject:
        if id(x) not in keys:
            keys[id(x)] = np.ndarray, x.shape, x.strides, x.dtype, x.tobytes()
        return keys[id(x)]
    if isinstance(x, (float, complex, np.generic)):
        return type(x), np.asarray(x).tobytes()
    return (kind, x) if isinstance(x, np.dtype) else (object, id(x))


_BY_VALUE = {int, str, bool, type(None)}


def nan_guards(code):
    """With one look for nan in place of np.isnan, np.any and a branch."""
    made = {step.outputs[0]: step for step in code.steps if step.function in (np.isnan, np.any) and step.outputs}

    def rewrite(step):
        if step.function is not bool or step.args[1] or (look := made.get(step.args[0])) is None:
            return step
        (first, *others), asked = look.args, look.function is np.any
        look = made.get(first) if asked and not others and not look.kwargs else None
        if look is None or look.function is not np.isnan:
            return step
        return step._replace(function=has_nan, args=(look.args[0], False))

    return rewritten(code, lambda _: rewrite)


def in_place(code):
    """With ufuncs and writes into an argument which nobody needs any more, of the same form and layout."""
    memory, kept = memory_of(code)
    kept.update(memory.get(x, x) for x in names_in(code.outputs))
    last, owned = {}, set()
    for k, step in enumerate(code.steps):
        for x in step.reads:
            last[memory.get(x, x)] = k
        if makes_new(step.function):
            owned.update(step.outputs)
    steps = []
    for k, step in enumerate(code.steps):
        function, value = step.function, step.outputs and code.value(step.outputs[0])
        overwritable = ()
        if isinstance(function, np.ufunc) and not step.kwargs and not step.several and function.signature is None:
            overwritable = step.reads if value.is_array else ()
        elif is_written_out(step, code):
            overwritable = names_in(step.args[0])
        for x in overwritable:
            whole = memory.get(x, x)
            is_ours = whole in owned and whole not in kept and last[whole] == k and is_the_whole(x, memory, code)
            if is_ours and code.value(x) == value and all(y == x or memory.get(y, y) != whole for y in step.reads):
                step = step._replace(kwargs={"out": x})
                break
        steps.append(step)
    return code._replace(steps=tuple(steps))


def memory_of(code):
    """The array in whose memory each view lies, by name; and the arrays whose memory a result of some call may keep."""
    memory, kept = {}, set()
    for step in code.steps:
        if makes_new(step.function) or all(code.value(x).kind in NUMBERS for x in step.outputs):
            continue
        if step.function in _VIEWS and type(step.args[0]) is Name:
            memory[step.outputs[0]] = memory.get(step.args[0], step.args[0])
        else:
            kept.update(memory.get(x, x) for x in step.reads)
    return memory, kept


def is_the_whole(x, memory, code):
    """Whether a view has all elements of the array in whose memory it lies."""
    return x not in memory or code.value(memory[x]).size == code.value(x).size


def makes_new(function):
    """Whether each result of a function is memory of its own."""
    return isinstance(function, (np.ufunc, MatrixProduct)) or function in _NEW


_VIEWS = {  # of their first argument, or memory of their own that can be written into
    getitem, np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.moveaxis, np.squeeze,
    np.expand_dims, np.flip,
}  # fmt: skip
_NEW = {
    np.sum, np.prod, np.max, np.min, np.mean, np.std, np.var, np.cumsum, np.cumprod, np.sort, np.argsort, np.where,
    np.dot, np.outer, np.concatenate, np.stack, np.zeros_like, np.ones_like, np.tril, np.triu, np.linalg.inv,
    np.linalg.solve, np.linalg.cholesky, pile, join, put, with_part, scatter, packed,
}  # fmt: skip


def folded(code):
    """With the results of calls of constants, and of those that ask for the form of an array, as constants."""
    return rewritten(code, _folding)


def _folding(code):
    def rewrite(step):
        function, args, kwargs = step.function, step.args, step.kwargs
        if step.is_guard and function is not errors_around and not names_in(args) and as_known(step):
            return {}
        if step.several or step.is_guard or not is_numpys(function):
            return step
        value = code.values[step.outputs[0].number]
        if value.size > SMALL:
            return step
        if function in _FILLED and type(args[0]) is Name and len(args) == 1 and not kwargs and value.is_array:
            made = _FILLED[function](value.shape, value.dtype, order="F")
            made = made if made.strides == value.strides else _FILLED[function](value.shape, value.dtype)
            return made if made.strides == value.strides else step
        if names_in((args, kwargs)):
            return step
        try:
            with np.errstate(all="raise"):
                result = function(*args, **kwargs)
        except (ArithmeticError, ValueError, TypeError):
            return step
        return result if value_of(result) == value else step

    return rewrite


def as_known(step):
    """Whether a guard of a constant holds."""
    look, outcome = step.args
    return step.function(look) == outcome


_FILLED = {np.zeros_like: np.zeros, np.ones_like: np.ones}


def simplified(code):
    """Without calls that give back their argument: x·1, x/1, x − 0 and x + (−0), casts and shapes to its own.

    A complex number keeps the sign of a zero in x − 0 alone: NumPy's 1 is 1 + 0j there.
    """
    return rewritten(code, _simplifying)


def _simplifying(code):
    def rewrite(step):
        function = step.function
        if function not in _UNCHANGED and function not in _NEUTRAL:
            return step
        if step.several or step.is_guard or step.kwargs or not step.args:
            return step
        value = code.values[step.outputs[0].number]
        same = [x for x in step.args if type(x) is Name and code.value(x) == value]
        if not same and value == NUMBER and function is np.multiply:
            x, y = step.args if _is_all(step.args[0], 1.0) else step.args[::-1]
            return step._replace(function=np.float64, args=(y,)) if _is_all(x, 1.0) and code.value(y) == FLOAT else step
        if not same:
            return step
        first, last = step.args[0], step.args[-1]
        if function in _UNCHANGED and first is same[0]:
            return first
        is_complex = np.dtype(code.value(same[0]).dtype or code.value(same[0]).kind).kind == "c"
        if function in _NEUTRAL and len(step.args) == 2 and (function is np.subtract or not is_complex):
            neutral, either = _NEUTRAL[function]
            if first is same[0] and _is_all(last, neutral):
                return first
            if either and last is same[-1] and _is_all(first, neutral):
                return last
        return step

    return rewrite


_UNCHANGED = {np.positive, np.reshape, np.broadcast_to, astype, detached, np.copy}
_NEUTRAL = {np.multiply: (1.0, True), np.divide: (1.0, False), np.subtract: (0.0, False), np.add: (-0.0, True)}


def _is_all(x, number):
    """Whether all elements of a constant are this number, a zero of this sign."""
    if type(x) is Name or getattr(x, "dtype", np.dtype(float)).kind != "f" or type(x) not in _REAL:
        return False
    if not np.size(x):
        return True
    first = x.flat[0] if type(x) is np.ndarray else x
    return bool(first == number and np.signbit(first) == np.signbit(number)) and _is_uniform(x)


def _is_uniform(x):
    """Whether a constant has one number in all places."""
    if type(x) is not np.ndarray or not any(x.strides):
        return True
    return x.size <= SMALL and x.tobytes() == np.full(x.shape, x.flat[0], x.dtype).tobytes()


_REAL = {np.ndarray, int, float, np.float64, np.float32}


def without_broadcasts(code):
    """With what was broadcast in its place, and numbers for arrays of one number, in ufuncs that broadcast as well.

    That is where the other argument has the form of the result, its layout included.
    """
    return rewritten(code, _unbroadcasting)


def _unbroadcasting(code):
    sources = {}

    def rewrite(step):
        function, args = step.function, step.args
        if step.several or step.is_guard or step.kwargs:
            return step
        value = code.values[step.outputs[0].number]
        if function is np.broadcast_to and type(args[0]) is Name and code.value(args[0])[2] == value.dtype:
            sources[step.outputs[0]] = args[0]
        if function not in _WITH_NUMBERS or len(args) != 2 or not value.is_array:
            return step
        for one, other in ((0, 1), (1, 0)):
            if code.value(args[other]) == value and (number := _number(args[one], value, sources, code)) is not None:
                return step._replace(args=(number, args[other]) if one == 0 else (args[other], number))
        return step

    return rewrite


_WITH_NUMBERS = {np.add, np.subtract, np.multiply, np.divide}


def _number(x, value, sources, code):
    """The number that stands for an array of the shape and dtype of ``value``; None if it has others."""
    if type(x) is Name:
        return sources.get(x)
    if type(x) is np.ndarray and x.dtype == value.dtype and x.size and x.dtype.kind in "fc" and _is_uniform(x):
        return x.flat[0]
    return None


@functools.lru_cache(maxsize=1024)
def is_numpys(function):
    """Whether a function is NumPy's or ours, so that it does nothing but give a result of its arguments."""
    if isinstance(function, np.ufunc) or isinstance(getattr(function, "__self__", None), np.ufunc):
        return not name_of(function).startswith("np.frompyfunc")
    module = getattr(function, "__module__", None) or ""
    return module.startswith(("numpy", "scratch_ad.")) and not module.startswith("numpy.random")


@functools.lru_cache(maxsize=1024)
def may_fail(function):
    """Whether a function may raise an error for some numbers and not for others of the same form."""
    home = getattr(function, "__module__", None) or ""
    return home.startswith(("numpy.linalg", "scratch_ad.scipy")) or not is_total(function)


def _may_fail_of(step, code):
    """Whether it is a write to where numbers tell, or of others into whole numbers, or a power of whole numbers."""
    if step.function not in (put, np.power):
        return False
    if step.function is put and names_in(step.args[1]):
        return True
    value = code.value(step.outputs[0])
    return np.dtype(value.dtype or value.kind).kind in "iu"


def is_total(function):
    of_ufunc = isinstance(function, np.ufunc) or isinstance(getattr(function, "__self__", None), np.ufunc)
    return of_ufunc or function in _TOTAL


_TOTAL = {
    np.sum, np.prod, np.mean, np.std, np.var, np.any, np.all, np.argsort, np.sort, np.cumsum, np.cumprod, np.dot,
    np.outer, np.inner, np.vdot, np.trace, np.diagonal, np.einsum, np.transpose, np.matrix_transpose, np.swapaxes,
    np.moveaxis, np.reshape, np.ravel, np.squeeze, np.expand_dims, np.broadcast_to, np.concatenate, np.stack, np.real,
    np.zeros_like, np.ones_like, np.empty_like, np.copy, np.imag, np.flip, np.roll, np.tril, np.triu, np.where,
    astype, scatter, cartesian, detached, put, with_part, pile, join, contract, listed, packed, np.float64,
    *(scalar[ufunc] for ufunc in (np.add, np.subtract, np.multiply, np.negative, np.positive)),
    *(scalar[ufunc] for ufunc in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)),
}  # fmt: skip
