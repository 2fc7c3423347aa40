"""Batches: ``vmap`` runs a function of one example once, on all examples of a batch.

A ``Batched`` is used as the array of one example, and holds those of all, along one hidden leading axis. Each call on
such goes to the batching rule of the function (batching/), which calls the same function on the whole arrays with the
hidden axis kept out of its way. Calls that have none, or whose rule does not cover them, loop over the examples:
``fallbacks`` counts these.
"""

import contextlib
import contextvars
import math
import operator
from collections import Counter

import numpy as np

from . import compressed
from .array import is_plain_index
from .cells import IN_PLACE, Cell
from .chain import is_finite
from .compressed import DIAGONAL, Rows
from .fast import TANGENTS
from .foreign import ARRAYS, check_result
from .memory import duplicate
from .primitives import getitem, is_basic
from .registry import load_rules, rule_of
from .rule import Composite, Elementwise, Refused, linear
from .scalars import ARRAY
from .tracer import (
    Diverged,
    Trace,
    Tracer,
    call,
    dtype_of,
    each,
    escaped,
    innermost,
    kind_of,
    name_of,
    primitive,
    rebuild,
    shape_of,
)
from .tree import typed
from .views import is_view, link_up
from .writing import is_number, put


class TooLarge(BaseException):
    """An array of a batch would be larger than its limit; no Exception, so that no user's function catches it."""


class Batched(Cell):
    """An array, or number, of one example: ``value`` holds that of each along its first axis.

    With the tag ``DIAGONAL``, the example i is zero but for ``value`` at its i-th element; with another one of
    ``Rows`` it is compressed (compressed.py).
    """

    __slots__ = ()

    def __init__(self, trace, value, tag=None):
        self.owner, self.value, self.tag = trace, value, tag

    def _shape_of_one(self):
        return self.value.shape if self.tag is DIAGONAL else self.value.shape[1:]

    shape = Cell.shape.getter(_shape_of_one)  # pyright: ignore[reportIncompatibleMethodOverride]
    dtype = property(operator.attrgetter("value.dtype"))

    def dense(self):
        """The arrays of all examples in one."""
        if self.tag is DIAGONAL:
            d, self.tag = self.value, None
            n, shape = math.prod(shape_of(d)), shape_of(d)
            self.owner.check((n, n), d)
            if type(d) is np.ndarray:
                square = np.zeros((n, n), d.dtype)
                square.reshape(-1)[:: n + 1] = d.reshape(-1)
            else:
                one = np.identity(n, bool, like=kind_of(d))
                square = np.where(one, np.reshape(d, -1), dtype_of(d).type(0))
            self.value = square.reshape((n, *shape))
        elif type(self.tag) is Rows:
            n = self.owner.size
            self.owner.check((n, *self.shape), self.value)
            self.value, self.tag = compressed.whole(self.value, self.tag.rows, n), None
        return self.value

    def __bool__(self):
        if self.size != 1:
            return bool(np.empty(self.shape, bool))  # NumPy's own error
        value = self.dense()
        every, some = bool(np.all(value)), bool(np.any(value))
        if every != some:
            raise Branched(
                "a condition holds for some examples of a batch and not for others, so that `if`, `while`, `and` and "
                "`or` cannot go both ways in vmap: write np.where(condition, a, b), or loop over the examples.",
                self.owner,
            )
        return every

    def __index__(self):
        value = self.dense()
        while type(value) is Batched:
            value = value.dense()
        if type(value) is not np.ndarray or self.shape or value.dtype.kind not in "iu":
            return super().__index__()
        if not value.size or (value != value.flat[0]).any():
            raise Branched(
                "the examples of a batch ask for different indices, slices or counts, where only one can be: write "
                "np.asarray(a, like=i)[i] for a[i], a mask in place of a slice, or loop over the examples.",
                self.owner,
            )
        return int(value.flat[0])

    def __repr__(self):
        return f"Batched({self.value!r})"


def _of_numbers(of_cells, of_arrays):
    """An in-place operator: of numbers it makes another number."""
    return lambda self, other: of_arrays(self, other) if is_number(self) else of_cells(self, other)


for _name, _ordinary in IN_PLACE.items():
    setattr(Batched, _name, _of_numbers(getattr(Cell, _name), getattr(Cell, f"__{_ordinary}__")))

TANGENTS.add(Batched)
batching = {}  # function → its batching rule, ``rule(batch, *args, **kwargs)``, which gives what the call gives
by_name = {}  # the name of a function of a package that need not be imported → what makes a batching rule for it
VIEWING = set()  # functions whose result may be a view of the argument of theirs that is an array
_counters = contextvars.ContextVar("counters", default=())


def batches(*functions):
    """Register the batching rule of functions. What it raises, or does not cover, ends in a loop over the examples."""

    def register(rule):
        for function in functions:
            batching[function] = rule
        return rule

    return register


class Branched(Diverged, TypeError):
    """A condition that holds for some examples and not for others."""


class Ragged(Diverged, ValueError):
    """Results of different shapes."""


class Uncovered(Exception):
    """A call that a batching rule does not cover."""


@contextlib.contextmanager
def fallbacks():
    """Count the calls that loop over the examples of a batch, by the name of the function, while the block runs.

    Which functions do, and why, is listed in batching/loops.py: ``python -m scratch_ad.batching.loops`` prints it.

    >>> with fallbacks() as loops:
    ...     vmap(np.real_if_close)(x)
    >>> loops
    Counter({'np.real_if_close': 1})
    """
    counter = Counter()
    token = _counters.set((*_counters.get(), counter))
    try:
        yield counter
    finally:
        _counters.reset(token)


def told(name):
    """Count one loop."""
    for counter in _counters.get():
        counter[name] += 1


class Batch(Trace):
    """One run on a batch of ``size`` examples.

    ``limit``: the most bytes that one array of it may have. ``within``: the functions whose bodies are running.
    ``views``: whether a user's function runs on these arrays, which may write into them and take views.
    ``parted``: the first call that raised an error for some examples alone, and the error.
    ``stepping``: whether a step of the chain rule is taken for one example after another.
    ``shows_nans``: whether the look for nan takes place (chain.has_nan).
    """

    __slots__ = ("limit", "parted", "shows_nans", "size", "stepping", "views", "within")
    mode = "vmap"
    of_examples = True

    def __init__(self, size, limit=math.inf, shows_nans=False):
        super().__init__()
        self.size, self.limit, self.shows_nans, self.views, self.within = size, limit, shows_nans, shows_nans, {}
        self.stepping, self.parted = False, None

    ended = property(lambda self: self.size is None)

    def owns(self, x):
        return issubclass(type(x), Tracer) and x.owner is self  # isinstance would ask for the class of the plain run

    def lies_below(self, x):
        """Whether a tracer of this batch lies below one of another trace, or is it."""
        while isinstance(x, Tracer) and x.owner is not self:
            x = x.value
        return isinstance(x, Tracer)

    def check(self, shape, like):
        if math.prod(shape) * dtype_of(like).itemsize > self.limit:
            raise TooLarge

    def batched(self, y):
        """A result for the whole batch, or several, as that of an example."""
        if isinstance(y, (tuple, list)):
            return each(self.batched, y)
        if getattr(y, "nbytes", 0) > self.limit:
            raise TooLarge
        return Batched(self, y)

    def process(self, function, args, kwargs):
        if self.size is None:
            raise escaped(self.mode)
        try:
            if type(function) is np.ufunc and not kwargs and function.signature is None:
                return self.of_ufunc(function, args)
            y = self.by_rule(function, args, kwargs)
        except MemoryError:
            raise
        except Exception:  # the examples, one by one, do it, or say what is wrong in NumPy's words
            before = self.parted
            y = self.loop(function, args, kwargs)
            self.parted = before
        return self.viewed(y, function, args, kwargs) if self.views and function in VIEWING else y

    def of_ufunc(self, function, args):
        if len(args) == 1:
            (a,) = args
            if type(a.tag) is not Rows and function.nout == 1:
                return Batched(self, function(a.value))
        elif len(args) == 2 and (values := self.aligned(*args)) is not None:
            y = function(*values)
            return Batched(self, y) if function.nout == 1 else self.batched(y)
        return self.elementwise(function, args)

    def aligned(self, a, b):
        """The values of two arguments where these broadcast as those of an example do; None where that is not sure."""
        if type(b) in ARRAYS:
            x = a.value
            if type(a.tag) is Rows or type(x) is not np.ndarray or b.ndim >= x.ndim:
                return None
            return None if x.size * b.size * 16 >= self.limit else (x, b)
        if type(a) in ARRAYS:
            y = b.value
            if type(b.tag) is Rows or type(y) is not np.ndarray or a.ndim >= y.ndim:
                return None
            return None if y.size * a.size * 16 >= self.limit else (a, y)
        if not type(a) is type(b) is Batched or a.owner is not b.owner or Rows in (type(a.tag), type(b.tag)):
            return None
        x, y = a.value, b.value
        return (x, y) if type(x) is type(y) is np.ndarray and x.shape == y.shape else None

    def by_rule(self, function, args, kwargs):
        if (batched := batching.get(function)) is not None:
            try:
                return batched(self, *args, **kwargs)
            except Uncovered:
                if not isinstance(rule_of.get(function), Composite):
                    raise
        if function not in rule_of:
            load_rules()
        if (make := by_name.get(name_of(function))) is not None:
            batching[function] = make(function)
            return batching[function](self, *args, **kwargs)
        rule = rule_of.get(function)
        if isinstance(rule, Elementwise):
            return self.elementwise(function, args, kwargs)
        if isinstance(rule, Refused) and rule.error is TypeError:
            return rule.rewrite(self.mode, function, args, kwargs)
        if isinstance(rule, Composite) and function not in self.within:
            self.within[function] = None
            try:
                y = rule.body(*args, **kwargs)
            finally:
                del self.within[function]
            if rule.valued_by is None or is_finite(y):  # else the function itself says what it makes of such
                return y
        raise Uncovered

    def elementwise(self, function, args, kwargs=None):
        """A call that treats each element of its broadcast arguments alike."""
        if not {list, tuple}.isdisjoint(map(type, args)):
            args = [np.asarray(a) if type(a) in (list, tuple) else a for a in args]
        shapes = [shape_of(a) for a in args]
        ndim, most = max(map(len, shapes)), self.size
        for shape in shapes:
            most *= math.prod(shape)
        lifted = [self.lifted(a, ndim) for a in args]
        if most * 16 > self.limit:
            self.check(np.broadcast_shapes(*map(shape_of, lifted)), np.float64())
        y = function(*lifted, **(kwargs or {}))
        return each(lambda part: Batched(self, part), y) if isinstance(y, tuple) else Batched(self, y)

    def lifted(self, a, ndim):
        """An argument with as many axes after the hidden one as ``ndim``, so that it broadcasts as that of an example.

        What is not of this batch broadcasts anyway.
        """
        return compressed.lifted(a.dense(), ndim) if self.owns(a) else a

    def whole(self, a):
        """The arrays of all examples in one, of any argument."""
        if self.owns(a):
            return a.dense()
        a = typed(a)
        return np.broadcast_to(a, (self.size, *a.shape))

    def one(self, x, i):
        """The example i of an argument, or of those in a list; a copy, which the call may overwrite."""
        if isinstance(x, Tracer):
            return example(x, i, self) if self.lies_below(x) else x
        if type(x) is slice:
            return slice(*(self.one(end, i) for end in (x.start, x.stop, x.step)))
        return each(lambda e: self.one(e, i), x) if isinstance(x, (list, tuple)) else x

    def loop(self, function, args, kwargs, name=None):
        """The call for one example after another, counted by the ``name`` of what asked for it."""
        told(name or name_of(next(iter(self.within), function)))  # of the function in whose body, perhaps, this call is
        results, errors = [], []
        for i in range(max(self.size, 1)):
            try:
                results.append(
                    function(*(self.one(a, i) for a in args), **{k: self.one(v, i) for k, v in kwargs.items()})
                )
            except Diverged:
                raise
            except Exception as error:
                errors.append(error)
        if errors and results and name is None and self.parted is None:
            self.parted = function, errors[0]
        if errors:
            raise errors[0]
        return self.gathered(function, results)

    def check_together(self):
        """Raise if the function went on from an error that its call of some examples raised, and of others did not."""
        if self.parted is not None:
            function, error = self.parted
            raise Branched(
                f"{name_of(function)} raised {type(error).__name__} for some examples and not for others ({error}), "
                "and the function went on as if for all: loop over the examples.",
                self,
            ) from error

    def apart(self, step, args, otherwise):
        """A step of the chain rule for one example after another; ``otherwise`` where it cannot be taken apart.

        That is an error, or a result.
        """
        if step not in self.within:
            self.within[step], before, self.stepping = None, self.stepping, True
            try:
                return self.loop(step, args, {}, "a step of the chain rule")
            except Diverged:
                pass
            finally:
                del self.within[step]
                self.stepping = before
        if isinstance(otherwise, Exception):
            raise otherwise
        return otherwise

    def gathered(self, function, results):
        """The results of all examples as one."""
        first = results[0]
        check_result(name_of(function), first, self.mode, "loop over the examples")
        if isinstance(first, (tuple, list)):
            if {len(y) for y in results} == {len(first)}:
                return rebuild(first, [self.gathered(function, list(parts)) for parts in zip(*results, strict=True)])
        elif first is None or isinstance(first, str):
            if all(y == first for y in results):
                return first
        elif {shape_of(y) for y in results} == {shape_of(first)} and not any(map(self.lies_below, results)):
            return assembled(*map(typed, results), of=self)
        raise Ragged(
            f"{name_of(function)} gives results of different shapes for the examples of a batch, which vmap cannot "
            "hold in one array: use a mask, np.where(condition, a, b), or loop over the examples.",
            self,
        )

    def viewed(self, y, function, args, kwargs):
        """The results as views of the argument of which NumPy's are, of an example."""
        a = next((x for x in args if self.owns(x)), None)
        if a is None or not self.size:
            return y
        if type(y) is Batched and y.tag is None and type(y.value) is np.ndarray and y.value.ndim > 1:
            if a.tag is None and type(a.value) is np.ndarray and a.value.ndim == 1:  # of a number nothing is a view
                return y
            if function is getitem and is_plain_index(args[1]) and is_basic(args[1]):
                link_up(y, a, function, args, kwargs)
                return y
        array = _example(a)
        seen = function(*(array if x is a else _first(x) for x in args), **kwargs)  # a step of no run
        if not isinstance(seen, (tuple, list)):
            return self.linked(y, seen, a, array, function, args, kwargs)
        parts = [self.linked(*pair, a, array, function, args, kwargs, k) for k, pair in enumerate(zip(y, seen))]
        return rebuild(y, parts)

    def linked(self, y, seen, a, array, function, args, kwargs, part=None):
        """A result as that of an example, ``seen``, of ``array``, the example of ``a``."""
        if seen is array:
            return a
        if not isinstance(seen, np.ndarray) or not self.owns(y):
            return y
        if y is a:
            y = Batched(self, y.value)
        if not seen.ndim:
            y.tag = ARRAY
        if np.may_share_memory(seen, array):
            link_up(y, a, function, args, kwargs, part)
        return y


# Between a batch and its examples. Below tracers of other traces these are calls like any other. An edge of one of them
# is a step of all examples together.


def _check_together(of):
    if of.stepping:
        raise Diverged("what goes from a batch to its examples is one step of all of them.", of)


@primitive
def example(x, i, of):
    """The example i of ``x`` in the batch ``of``, a copy; of what is the same for all, that."""
    _check_together(of)
    return x


def alone(g, i, of):
    """The transpose: zeros for all examples but i."""
    if _lies_over(innermost((g,)), of):
        return call(alone, (g, i, of), {})
    _check_together(of)
    g = typed(g)
    y = np.zeros((of.size, *g.shape), g.dtype, like=kind_of(g))
    return Batched(of, put(y, i, g) if of.size else y)


def assembled(*examples, of):
    """The batch of these examples."""
    if _lies_over(innermost(examples), of):
        return call(assembled, examples, {"of": of})
    return Batched(of, np.stack(examples)[: of.size])


def _lies_over(trace, batch):
    """Whether a trace sees a batch's arrays as its own numbers; one further out is within them."""
    return trace is not None and trace.level >= batch.level


alone.is_primitive = assembled.is_primitive = True
linear(example, lambda g, _x, i, of: alone(g, i, of))
linear(alone, lambda g, _g, i, of: of.one(g, i))
linear(assembled, lambda g, *_examples, of: _apart(g, len(_examples), of), jointly=True)


def _apart(g, count, of):
    """The transpose of ``assembled``."""
    if not of.lies_below(g):
        _check_together(of)
    return [of.one(g, i) for i in range(count)]


@batches(example)
def _example_of(batch, x, i, of):
    if of is not batch:
        return Batched(batch, example(x.dense(), i, of))
    if not batch.size:
        return np.zeros(x.shape, x.dtype)[()]
    one = x.dense()[i]
    return duplicate(one) if type(one) is np.ndarray else one


batches(alone)(lambda batch, g, i, of: Batched(batch, alone(g.dense(), i, of)))
batches(assembled)(lambda batch, *examples, of: Batched(batch, assembled(*map(batch.whole, examples), of=of)))


def _example(x):
    """A plain array that lies in memory as one of the examples does; its numbers mean nothing."""
    below, hidden = x, 0
    while isinstance(below, Tracer):
        hidden += type(below) is Batched and below.tag is not DIAGONAL  # parts are hidden, too
        below = below.value
    if type(below) is np.ndarray and below.size:
        example = below[(0,) * hidden]
        if isinstance(example, np.ndarray):
            is_new = example.ndim == 1 and not is_view(x)  # in the plain run without gaps
            return np.ascontiguousarray(example) if is_new else example
    example = np.zeros(x.shape, x.dtype)
    return example[()] if is_number(x) else example


def _first(x):
    """What lies below all tracers, of the first example of each batch; in slices, lists and tuples, too."""
    if type(x) is slice:
        return slice(*map(_first, (x.start, x.stop, x.step)))
    if isinstance(x, (list, tuple)):
        return each(_first, x)
    hidden = 0
    while isinstance(x, Tracer):
        batched = type(x) is Batched
        hidden, x = hidden + batched, x.dense() if batched else x.value
    if not hidden:
        return x
    return x[(0,) * hidden] if x.size else np.zeros(x.shape[hidden:], x.dtype)
