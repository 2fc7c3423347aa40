"""Recording for replays: besides the calls, what Python took their numbers for, and under which np.errstate.

Whoever looks at a number of this recording leaves a guard: a branch on it, an index, a length, a look for nan. So the
engines go their way as they go it on plain arrays, careful steps included, and the program is that of the way taken.
"""

import functools
import itertools
import math
import operator
import warnings

import numpy as np

from ..fast import with_part
from ..memory import duplicate
from ..primitives import astype, detached, getitem, scatter
from ..program import Call, Name, Recorded, Recorder, name_at
from ..registry import snapshot
from ..rules.products import contract
from ..rules.shaping import join, pile
from ..scalars import scalar, ufunc_of
from ..silence import SILENT, STATE
from ..tracer import dtype_of, place_of
from ..writing import cartesian, put
from .code import Code, Step, as_taken, as_told, errors_around, failing, form_of, identical, names_in, value_of


class GuardedRecorder(Recorder):
    """One recording for replays. ``values`` tells of each name what its value was made of."""

    __slots__ = (
        *("ambient", "around", "errors", "filters", "is_mixed", "is_strict", "originals", "state", "states", "teller"),
        "values",
    )
    mode = "a compiled function"
    looks = True

    def __init__(self):
        super().__init__()
        self.values, self.states, self.originals = [], [], {}
        self.ambient = self.state = _error_state()
        self.around, self.errors, self.is_mixed = errors_around(), None, False
        self.filters, self.teller, self.is_strict = warnings.filters, _teller(), False

    def recorded(self, value):
        is_array = type(value) is np.ndarray
        if not is_array and isinstance(value, (tuple, list)) and not all(type(n) in (int, bool) for n in value):
            raise NotImplementedError(
                "a function that gives lists or tuples within its result cannot be compiled: let it give one tuple."
            )
        self.values.append(value_of(value))
        return Recorded(self, value, name_at(len(self.values) - 1))

    def process(self, function, args, kwargs):
        if function is np.histogramdd:
            counts, *edges = self.process(_histogramdd, args, kwargs)
            return counts, edges
        args, kwargs = _without_overwriting(function, args, kwargs)
        before = len(self.values)
        try:
            y = super().process(function, args, kwargs)
        except Exception as error:  # which the function may go on from
            if self.ended:
                raise
            self._date()
            keywords = tuple((k, self.named(v)) for k, v in kwargs.items())
            self.guard(failing(function), (tuple(map(self.named, args)), keywords), type(error))
            raise
        self._date()
        if any(y is x for x in args):  # as the others may have decided: matrix_power at 1
            for x in (*args, *kwargs.values()):
                if x is not y and self.owns(x):
                    self.taken(x)
        if len(self.values) > before and (call := self.calls[-1]).outputs and not form_is_known(call, self.values):
            forms = tuple(_form(self.values[name.number]) for name in call.outputs)
            self.guard(form_of, call.outputs if call.several else call.outputs[0], forms if call.several else forms[0])
        return y

    def guard(self, look, x, outcome):
        self.calls.append(Call(look, (x, outcome), {}, (), False))
        self._date()

    def _date(self):
        """Note the np.errstate of the calls since the last time: None unless the function has set it.

        What it has not set there is the caller's, so that the program is for callers with the same alone. Where it has
        made errors of warnings, or keeps them, which a replay would not, the program is for nobody.
        """
        if warnings.filters is not self.filters:
            added = itertools.takewhile(lambda entry: entry not in self.filters[:1], warnings.filters)
            is_told = _teller() is not self.teller
            self.is_strict = self.is_strict or is_told or any(action == "error" for action, *_ in added)
        state = _error_state()
        if state is not self.state:
            self.state = state
            self.errors = None if state is self.ambient else _same(errors_around())
            self.is_mixed = self.is_mixed or (self.errors is not None and state is not SILENT)
        self.states.extend([self.errors] * (len(self.calls) - len(self.states)))

    def truth(self, x):
        outcome = bool(x.value)
        self.guard(bool, x.name, outcome)
        return outcome

    def taken(self, x):
        self.guard(as_taken, x.name, as_taken(x.value))
        return x.value

    def number(self, x, what):
        kind = dtype_of(x)
        if what in _WHOLE and (kind.kind in "iub" or (kind.kind in "mMV" and not kind.hasobject)):
            value = self.taken(x)
            return _WHOLE[what](value)
        return super().number(x, what)

    def told(self, y, function, args, kwargs):
        if function not in _OF_FORMS:
            name = self.recorded(y).name
            self.calls.append(
                Call(function, self.named(args), {k: self.named(v) for k, v in kwargs.items()}, (name,), False)
            )
            self.guard(as_told, name, as_told(y))
        return y

    def lower(self, x):
        if type(x) is slice:
            return slice(*(self.taken(end) if self.owns(end) else end for end in (x.start, x.stop, x.step)))
        return super().lower(x)

    def kept(self, x):
        if type(x) is not np.ndarray:
            return snapshot(x)
        _, known = self.originals.get(id(x), (None, None))
        if known is None or not identical(x, known):
            known = duplicate(x)
            self.originals[id(x)] = x, known
        return known

    def code(self, outputs):
        """The calls as steps, the last thing that is asked; ``outputs``: tracers or constants."""
        outputs = tuple(self.named(self.constant(out)) for out in outputs)
        steps = [Step(*call, state) for call, state in zip(self.close(), self.states, strict=True)]
        if self.is_mixed:
            steps.insert(0, Step(errors_around, (None, self.around), {}, (), False, None))
        return Code(tuple(self.inputs), tuple(steps), outputs, tuple(self.values))


def _without_overwriting(function, args, kwargs):
    """The arguments, but that no array is to be overwritten: it may be needed again, or be the caller's."""
    kwargs = {k: False if k.startswith("overwrite_") else x for k, x in kwargs.items()} if kwargs else kwargs
    if len(args) > 1 and (places := _overwriting(function)):
        args = tuple(False if i in places else x for i, x in enumerate(args))
    return args, kwargs


@functools.lru_cache(maxsize=1024)
def _overwriting(function):
    """The places of such arguments, of SciPy's functions and of NumPy's medians and the like."""
    home = getattr(function, "__module__", None) or ""
    if not home.startswith(("scipy", "scratch_ad.scipy")) and function not in _MEDIANS:
        return frozenset()
    names = ("overwrite_input", "overwrite_x", "overwrite_a", "overwrite_b", "overwrite_data", "overwrite_ab")
    return {place_of(name, function) for name in names} - {math.inf}


_MEDIANS = {np.median, np.percentile, np.quantile, np.nanmedian, np.nanpercentile, np.nanquantile}


def _histogramdd(*args, **kwargs):
    """``np.histogramdd`` without the list in its result."""
    counts, edges = np.histogramdd(*args, **kwargs)
    return counts, *edges


def _teller():
    """What a warning is told to, which is another one where the function catches warnings to look at them."""
    return getattr(warnings, "_showwarnmsg_impl", None)


_same = functools.cache(lambda errors: errors)  # one object for all that are equal, so that two are soon compared


def _error_state():
    """An object that is another one as soon as np.errstate is entered or left."""
    return STATE.get(None)


_WHOLE = {"int": int, "operator.index": operator.index, "math.trunc": operator.index, "np.asarray": np.asarray}
_OF_FORMS = {
    *(np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.isscalar, np.can_cast, np.result_type),
    np.einsum_path,
}


def _form(value):
    """``form_of`` a value, by what is known of it."""
    return (value.kind, *(value[1:3] if value.dtype else (None, None)))


# Functions whose result has a type, shape and dtype that those of the arguments decide, whatever the numbers: of all
# arguments, or of the first alone, where the others are no names.
_BY_ALL = {
    np.matmul, np.dot, np.outer, np.inner, np.vdot, np.einsum, np.concatenate, np.stack, np.clip, np.linalg.solve,
    np.zeros_like, np.ones_like, np.empty_like, astype, scatter, put, cartesian, np.linalg.inv, np.linalg.det,
    np.linalg.slogdet, np.linalg.cholesky, pile, join, contract, with_part, detached,
    *(ufunc_of.keys() - {scalar[np.power], scalar[np.sqrt]}),  # those are complex numbers, if they must be
}  # fmt: skip
_BY_FIRST = {
    np.sum, np.prod, np.max, np.min, np.mean, np.std, np.var, np.any, np.all, np.argmax, np.argmin, np.argsort, np.sort,
    np.count_nonzero, np.cumsum, np.cumprod, np.trace, np.diagonal, np.transpose, np.matrix_transpose, np.swapaxes,
    np.moveaxis, np.reshape, np.ravel, np.squeeze, np.expand_dims, np.broadcast_to, np.copy, np.real, np.imag, np.flip,
    np.roll, np.tril, np.triu,
}  # fmt: skip


def form_is_known(call, values):
    """Whether the form of the result is the same at each replay, as it does not depend on the numbers."""
    function, others = call.function, call.args[1:]
    if isinstance(function, np.ufunc):
        return True
    if function is getitem:
        index = others[0]
        entries = index if type(index) is tuple else (index,)
        return all(values[e.number].dtype.kind in "iu" if type(e) is Name else not names_in(e) for e in entries)
    if function is np.where:
        return len(others) == 2
    if function in _BY_FIRST:
        return not names_in((others, call.kwargs))
    return isinstance(getattr(function, "__self__", None), np.ufunc) or function in _BY_ALL
