"""What a number must do to be traced: NumPy's protocols, levels, and the dispatch of calls.

Operators, methods and attributes, which make a tracer feel like an array, stand in array.py.

A *tracer* stands where an array stood and answers NumPy's calls (NEP 13, NEP 18). Each tracer belongs to a
*trace*, the run of one transformation; a call goes to the innermost trace among its arguments, which sees the
tracers of all other traces as plain constants. Levels come from one counter, so a transformation that starts
later lies inside, and two runs never share a level: this is what keeps perturbations apart.

A trace does its call by calling the same function on what its tracers wrap. Where those are tracers of an outer trace,
that call goes there next, and so does each call that a rule makes: this is all there is to higher orders.

The one trace of negative level (constants.py) holds plain arrays into which a tracer may yet be written. It lies below
all others, so that it never has a call in which a run has a tracer.
"""

import dataclasses
import functools
import inspect
import itertools
import math
import sys

import numpy as np

from . import foreign
from .foreign import NUMBERS, OBJECT, PLAIN, remedy_of
from .frames import is_operator
from .memory import duplicate
from .refusals import IN_PLACE, refused, takes_plain

levels = itertools.count(1)


class Trace:
    """One run of one transformation; ``mode`` names it in error messages."""

    __slots__ = ("level",)
    mode = "tracing"
    differentiates = False  # whether comparisons and other constant functions see through its tracers
    of_examples = False  # whether its tracers stand for several examples at once (batch.py)
    ended = False  # be it by an error
    looks = False  # whether it notes what its numbers are taken for, so that they can be looked at as plain ones can
    watches = False  # whether it is to see each call, so that none is to be kept from it and done again later

    def __init__(self):
        self.level = next(levels)

    def process(self, function, args, kwargs):
        """The result of ``function(*args, **kwargs)``, some of whose arguments are this trace's tracers."""
        raise NotImplementedError

    def write(self, cell, index, value) -> bool:
        """Do ``cell[index] = value`` in memory, where nobody else sees it, and say whether that is done."""
        return False

    def truth(self, x):
        """What ``bool`` of a tracer is."""
        return bool(x.value)

    def plain_type(self, x):
        """The type of the number or array ``x``, which one of this run's tracers wraps, in the plain run."""
        return type(x)

    def taken(self, x):
        """The value of a tracer that Python goes on with, as an index or a length."""
        return x.value

    def number(self, x, what) -> complex:
        """What Python's ``what`` of a tracer is, int or float, say; TypeError where that would lose a derivative."""
        raise refused(what, self.mode)

    def constant(self, x):
        """A number or an array that this run gives back without a derivative.

        Raises TypeError for a tracer of a later run, or of one that is over, and for an array of objects.
        """
        x = snapshot_of_cell(x)
        if isinstance(x, Tracer) and (x.owner.level > self.level or x.owner.ended):
            raise escaped(x.owner.mode)
        if dtype_of(x).kind == "O":
            raise TypeError(
                "an array of dtype object was returned, in which derivatives would be lost: return a list or a tuple, "
                "or make the array by np.stack."
            )
        if remedy_of[type(x)]:
            raise foreign.refused(x, "A differentiated function returned")
        return x


class Tracer:
    """A number that answers NumPy's calls. ``value`` is what it wraps, ``owner`` the trace it belongs to.

    ``tag`` is what its mode adds to the value: a tangent, a place, a name. ``link`` and ``views`` tie an array and its
    views together (views.py). No kind of number has slots beyond these: a write can turn one kind into another.
    """

    __slots__ = ("__weakref__", "link", "owner", "tag", "value", "views")
    __pandas_priority__ = 1 << 20  # pandas leaves the operators to us

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        if method == "__call__" and not kwargs:
            if len(args) == 1:
                return self.owner.process(ufunc, args, kwargs)
            if args[0] is not self and type(args[0]) in NUMBERS and ufunc in left_scalars:
                operation = left_scalars[ufunc](*args)
                ufunc = operation if operation is not ufunc and is_operator(_caller()) else ufunc
            trace = innermost(args)
            if trace.level >= 0 and not _is_ready(args):
                args, kwargs = _ready(ufunc, args, kwargs, trace)
            return trace.process(ufunc, args, kwargs)
        return by_keyword["ufunc"](self, ufunc, method, tuple(map(gathered, args)), kwargs)

    def __array_function__(self, function, types, args, kwargs):
        if function in answers:
            return answers[function](*args, **kwargs, **({"like": self} if function in creators else {}))
        if len(args) == 1 and args[0] is self and not kwargs:
            return self.owner.process(function, args, kwargs)
        return call(function, args, kwargs)

    def assign(self, result, casting, what, where=True):
        """Take ``result`` as NumPy's ``out=`` does; ``what`` names it in errors. Returns the tracer itself."""
        raise NotImplementedError

    def update(self, ufunc, index, *operand):
        """What ``ufunc.at`` does."""
        raise NotImplementedError

    def __repr__(self):
        if self.owner.looks and not self.owner.ended:  # as the plain run has it, since what is told is noted
            return repr(self.owner.taken(self))
        return f"{type(self).__name__}({self.value!r})"

    def __str__(self):
        if self.owner.looks and not self.owner.ended:
            return str(self.owner.taken(self))
        return repr(self)


def _caller():
    """The frame of the call of a ufunc, from inside of ``__array_ufunc__``, which a subclass may have handed on."""
    frame = sys._getframe(2)
    return frame.f_back if frame.f_code.co_name == "__array_ufunc__" else frame


creators = set()  # those of ``answers`` that make an array
left_scalars = {}  # ufunc → what its operator is for a scalar of NumPy's on the left, which calls the ufunc (scalars)
answers = {}  # function that writes into an argument or makes an array → what it does to tracers (writers, creation)
by_keyword = {}  # "out": what becomes of a call with out=; "ufunc": of a ufunc with keywords, or its method (keywords)


def innermost(args):
    """The trace with the highest level among the tracers in ``args``, lists and tuples included; None without any."""
    top, level = None, -2
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


def call(function, args, kwargs):
    """``function(*args, **kwargs)`` by the innermost trace; array arguments given by keyword are made positional."""
    place = place_of("out", function)
    out = args[place] if len(args) > place else kwargs.get("out")
    if out is not None:
        return by_keyword["out"](function, args, kwargs, place, out, innermost((args, *kwargs.values())))
    trace, of_kwargs = innermost(args), innermost(kwargs.values()) if kwargs else None
    if of_kwargs and isinstance(kwargs.get("where"), Tracer) and dtype_of(kwargs["where"]).kind != "b":
        raise takes_plain(f"{name_of(function)}(…, where=x)", of_kwargs.mode, "A mask has booleans: where=x != 0")
    if of_kwargs and (trace is None or of_kwargs.level > trace.level):
        trace = of_kwargs
    if trace.level >= 0:
        depth = _depth(function)
        if not (_is_ready(args, depth) and (not kwargs or _is_ready(kwargs.values(), depth))):
            args, kwargs = _ready(function, args, kwargs, trace)
    if of_kwargs and innermost(kwargs.values()) is not None:
        signature = inspect.signature(function)
        bound = signature.bind(*args, **kwargs)
        last = max(k for k, name in enumerate(signature.parameters) if name in bound.arguments)
        given = bound.kwargs
        bound.apply_defaults()
        args, kwargs = bound.args[: last + 1], {name: x for name, x in bound.kwargs.items() if name in given}
    return trace.process(function, args, kwargs)


def admitted(function, args, kwargs, trace):
    """The arguments with plain arrays in place of other packages'.

    Raises TypeError where the call would be another with those, or its result no array of NumPy's own.
    """
    x = foreign.found((args, [*kwargs.values()]))
    plain = foreign.plainly(tuple(args)), {k: foreign.plainly(v) for k, v in kwargs.items()}
    if foreign.found((plain[0], [*plain[1].values()])) is None:
        with np.errstate(all="ignore"):
            results = [function(*bottom(a), **{k: bottom(v) for k, v in b.items()}) for a, b in ((args, kwargs), plain)]
        if foreign.same(*results):
            return plain
    foreign.instead_of_array(sys._getframe(1))  # a sparse array, say, whose dense matrix this is, is named instead
    raise foreign.refused(x, f"{name_of(function)} in {trace.mode} was given")


def bottom(x):
    """What lies below all tracers, those in lists and tuples included."""
    while isinstance(x, Tracer):
        x = x.value
    return each(bottom, x) if isinstance(x, (list, tuple)) and innermost(x) is not None else x


def kind_of(x):
    """What NumPy's ``like=`` takes to make an array of the kind that lies below ``x``; None for a number or JAX's.

    Rules use it with zeros, arange, identity and asarray: eye, ones and full pass a keyword on that CuPy's do not know.
    """
    while isinstance(x, Tracer):
        x = x.value
    return x if hasattr(x, "__array_function__") else None


def arrayed(x, like=None):
    """``x`` as an array: a number, or a list of numbers, as one of the kind of ``like``."""
    return x if hasattr(x, "__array_function__") else np.asarray(x, like=kind_of(like))


@functools.cache
def place_of(name, function):
    """Where ``name`` stands among the positional arguments; beyond all of them if there is none."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return math.inf
    places = (k for k, p in enumerate(parameters) if p.name == name and p.kind is p.POSITIONAL_OR_KEYWORD)
    return next(places, math.inf)


def refuse_traced(function, kwargs, mode):
    """Raise where a keyword that cannot be made positional holds a tracer: its derivative would be lost."""
    for name, x in kwargs.items():
        if isinstance(x, Tracer) and dtype_of(x).kind not in "iub":
            raise NotImplementedError(f"{name_of(function)} has no derivative in its keyword {name} in {mode}.")


def primitive(function, of_arrays=False):
    """Let tracers answer ``function`` as they answer NumPy's own; a rule is then registered for the result.

    With ``of_arrays`` lists of tracers reach the rule as arrays.
    """

    @functools.wraps(function)
    def dispatched(*args, **kwargs):
        if innermost(args) is None and (not kwargs or innermost(kwargs.values()) is None):
            return function(*args, **kwargs)
        if of_arrays:
            args, kwargs = tuple(map(gathered, args)), {k: gathered(v) for k, v in kwargs.items()}
        return call(dispatched, args, kwargs)

    dispatched.is_primitive = True
    return dispatched


def shape_of(x):
    """The shape of an array, a tracer or a Python number, without conversion."""
    return getattr(x, "shape", ())


_FLOAT = np.dtype(float)


def dtype_of(x):
    """The dtype of an array, a tracer or a Python number, without conversion."""
    try:
        return x.dtype
    except AttributeError:
        if type(x) is float:
            return _FLOAT
        if isinstance(x, (bool, int, float, complex)):
            return np.result_type(x)
        if remedy_of[type(x)]:
            raise foreign.refused(x, "A differentiated function takes or returns") from None
        if dataclasses.is_dataclass(x):
            raise TypeError(
                f"Argument of type {type(x).__name__}, a dataclass, is not a valid array or number. Register it as a "
                f'container: optree.dataclasses.register_node({type(x).__name__}, namespace="").'
            ) from None
        raise TypeError(f"Argument '{x}' of type {type(x)} is not a valid array or number. {IN_PLACE}.") from None


def strip(x):
    """``x`` without its derivatives: what lies below every differentiating trace."""
    while isinstance(x, Tracer) and x.owner.differentiates:
        x = x.value
    return each(strip, x) if isinstance(x, (list, tuple)) and innermost(x) is not None else x


def lowered(x):
    """``x``, a list or a tuple of anything included, with their plain arrays in place of constant cells."""
    if isinstance(x, Tracer):
        return x.value if x.owner.level < 0 else x
    return each(lowered, x) if isinstance(x, (list, tuple)) and innermost(x) is not None else x


def gathered(x):
    """Lists with tracers in them as one array of tracers."""
    if issubclass(type(x), (list, tuple)) and innermost(x) is not None:
        return np.stack([gathered(e) for e in x])
    return x


def _is_ready(args, depth=0):
    """Whether all are runs' tracers or what NumPy takes as it is, shapes among them: then nothing is to be done.

    ``depth``: in lists of how many levels arrays may stand, beyond which such a list is an array itself.
    """
    for a in args:
        if type(a) in PLAIN:
            if type(a) is np.ndarray and a.dtype is OBJECT:
                return False
        elif isinstance(a, Tracer):
            if a.owner.level < 0 or depth < 0:
                return False
        elif isinstance(a, (list, tuple)):
            if not _is_ready(a, depth - 1):
                return False
        elif remedy_of[type(a)]:
            return False
    return True


def _ready(function, args, kwargs, trace):
    """The arguments with plain arrays in place of constant cells and, where that is the same, of other packages'.

    Lists that are arrays, and hold tracers, become arrays.
    """
    if foreign.found((args, [*kwargs.values()])) is not None:
        args, kwargs = admitted(function, args, kwargs, trace)
    depth = _depth(function)
    return lowered(_gathered(args, depth + 1)), {k: lowered(_gathered(v, depth)) for k, v in kwargs.items()}


def _depth(function):
    """In lists of how many levels a function takes arrays; of one that is not NumPy's nothing is known."""
    numpys = hasattr(function, "_implementation") or isinstance(function, np.ufunc)
    return _depths.get(function, 0 if numpys else sys.maxsize)


_depths = {
    **dict.fromkeys((np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack), 1),
    **dict.fromkeys((np.select, np.choose, np.lexsort, np.linalg.multi_dot, np.histogramdd, np.piecewise), 1),
    np.block: sys.maxsize,
}


def _gathered(x, depth):
    """Lists with tracers in them as arrays, but for those of the outermost levels."""
    if depth > 0 and isinstance(x, (list, tuple)):
        return each(lambda e: _gathered(e, depth - 1), x)
    return gathered(x)


def frozen(x):
    """The tracer ``x`` as it is now, in an object that nobody else can write into; a constant cell as a plain copy."""
    owner, kind = x.owner, type(x)  # in this order: the look at a stale view's owner changes its class
    if owner.level < 0:
        return duplicate(x.value)
    new = kind.__new__(kind)
    new.owner, new.value, new.tag = owner, x.value, x.tag
    return new


def snapshot_of_cell(x):
    """``x``; where it is a constant cell, a copy of its array."""
    return duplicate(x.value) if isinstance(x, Tracer) and x.owner.level < 0 else x


def hidden(x):
    """Whether the numbers below ``x`` cannot be looked at: while JAX compiles, and in a program for all numbers."""
    return isinstance(x, Tracer) and not x.owner.looks


def any_known(condition):
    """Whether a condition holds anywhere, as far as that can be looked at: where its numbers are hidden, nowhere."""
    condition = below_examples(condition)
    return not hidden(condition) and bool(np.any(condition))


def all_known(condition):
    """Whether a condition holds everywhere, as far as that can be looked at: where its numbers are hidden, nowhere."""
    condition = below_examples(condition)
    return not hidden(condition) and bool(np.all(condition))


def taken(x):
    """``bottom(x)``, where Python goes on with what that is: an index or a length, say."""
    while isinstance(x, Tracer):
        x = x.owner.taken(x)
    return each(taken, x) if isinstance(x, (list, tuple)) and innermost(x) is not None else x


def batch_in(x):
    """The trace of a batch that lies in ``x``, lists and tuples included, at whatever depth; None without any."""
    if isinstance(x, (list, tuple)):
        return next((trace for trace in map(batch_in, x) if trace is not None), None)
    while isinstance(x, Tracer):
        if x.owner.of_examples:
            return x.owner
        x = x.value
    return None


def anywhere(condition):
    """Whether a condition holds anywhere, in any example of a batch."""
    return bool(np.any(below_examples(condition)))


def below_examples(x):
    """What lies below all differentiating traces and batches, of all examples at once."""
    while isinstance(x, Tracer) and (x.owner.differentiates or x.owner.of_examples):
        x = x.value
    return x


def each(function, x):
    """``function`` of each entry of a list, tuple or named tuple, in the same container."""
    return rebuild(x, map(function, x))


def rebuild(like, items):
    """The items in the container of a NumPy result: a list, tuple or named tuple."""
    return type(like)(*items) if hasattr(like, "_fields") else type(like)(items)


class Diverged(Exception):
    """The examples of a ``batch`` (batch.py) go different ways in a call, which can be made for each of them alone."""

    def __init__(self, message, batch):
        super().__init__(message)
        self.batch = batch


def batch_of(error, args):
    """The batch for whose examples, one after another, a step or a call that failed can be done; ``error`` without one.

    NumPy asks one argument alone who is to do np.roll, say: where that is plain, the shift of a batch is a TypeError.
    """
    batch = error.batch if isinstance(error, Diverged) else batch_in(args)
    if batch is None or batch.ended:
        raise error
    return batch


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
        if name.endswith(" (vectorized)"):
            return f"np.frompyfunc({name.removesuffix(' (vectorized)')}, …)"
        homes = {"np": np, "scipy.special": sys.modules.get("scipy.special._ufuncs")}
        home = next((home for home, module in homes.items() if getattr(module, name, None) is function), None)
        return f"{home}.{name.lstrip('_')}" if home else name
    module = getattr(function, "__module__", None) or ""
    return f"{module.replace('numpy', 'np', 1)}.{name}" if module.startswith(("numpy", "scipy.")) else name
