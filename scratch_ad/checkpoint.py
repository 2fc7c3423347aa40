"""Derivatives in bounded memory: ``checkpoint`` and ``checkpoint_loop`` compute again what reverse mode would store.

A checkpointed call is one node of the tape. It keeps its arguments, and its pullback runs the function once more on
variables. That pullback is a checkpointed call in its turn, and so is the jvp of one: a run further out, whose tracers
the arguments are made of, stores as little. Forward mode has nothing to store.
"""

import functools
import operator
import os

import numpy as np

from .chain import has_nan, through
from .fingerprints import fingerprint
from .forward import Forward
from .memory import duplicate
from .modes import jvp, vjp_of_leaves
from .refusals import check_callable
from .registry import Derivative, added, snapshot
from .reverse import Tape
from .snapshots import InFolder, InMemory, split
from .tracer import Tracer, dtype_of, innermost, lowered, shape_of, snapshot_of_cell, strip
from .tree import describe, flatten, guarded, is_inexact, only_reading, unflatten, zeros


def checkpoint(fun):
    """``fun``, of which reverse mode keeps the arguments alone, and runs it once more on the way back.

    As ``jax.checkpoint``: the numbers are those of ``fun``, in every mode and order, and of the arrays that ``fun``
    makes inside none is held between the way there and the way back. Arguments and results may be in any containers;
    what is no number or array, a text or a function, is passed on. ``fun`` gets its arrays read-only, and its results
    are arrays of their own. What ``fun`` keeps elsewhere, in an attribute or a list, are plain numbers there, of which
    nothing is differentiated: let it return them.
    Raises TypeError where ``fun`` depends on a value that is differentiated, or of a vmap that is, and not among its
    arguments, and RuntimeError in the pullback where the second run gives other numbers than the first.

    >>> layers = [scratch_ad.checkpoint(lambda w, x: np.tanh(w @ x))] * 50
    """
    check_callable("checkpoint", fun)
    name = f"checkpoint: {getattr(fun, '__name__', repr(fun))}"

    @functools.wraps(fun)
    def checkpointed(*args, **kwargs):
        leaves, spec = flatten((args, kwargs))
        specs = []

        def on_leaves(leaves):
            args, kwargs = unflatten(spec, leaves)
            out, out_spec = flatten(fun(*args, **kwargs))
            specs[:] = [out_spec]
            return out

        out = _call(name, on_leaves, leaves)
        return unflatten(specs[0], out)

    return checkpointed


def checkpoint_loop(step, state, n, *args, snapshots, folder=None):
    """``state`` after n times ``state = step(state, *args)``, differentiated with at most ``snapshots`` states kept.

    ``state``: any containers of arrays and numbers, which ``step`` gives back in the same containers, shapes and
    dtypes. Reverse mode evaluates ``step`` n times on variables, one at a time, and on plain numbers as often as is
    necessary and no more: t = r n − β(s + 1, r − 1) times, where β(s, r) = (s + r)! / s! r! and
    β(s, r − 1) < n ≤ β(s, r) (Griewank and Walther, Algorithm 799: Revolve). The initial state is one of the s
    snapshots. A pullback that is called again goes the whole way again. Where reverse mode is itself differentiated in
    reverse mode, the outer one keeps a state for each evaluation; all else is in bounded memory at every order.

    ``folder``: a path at which the snapshots but the first are kept, to be empty or not to exist. Should the program
    end before the pullback has, the same call with the same folder goes on from the last snapshot in it: what came
    before is not computed again on the way there, and the way back begins at its end. Arrays lie in memory as they
    did. What stands in the folder is the run's own as far as n, ``snapshots``, ``state``, ``args`` and ``step`` say,
    its code and the numbers, arrays, functions and objects that it closes over or names (``fingerprints.fingerprint``
    says what counts of these, and what cannot). After the pullback the folder is empty.

    Raises TypeError and ValueError for a step that changes containers, shapes or dtypes, naming where and at which
    step; for an n below 0, for less than one snapshot and for a folder of anything else; TypeError where ``step``
    depends on a value that is differentiated, or of a vmap that is, and not among its arguments (give it by ``args``);
    and RuntimeError in the pullback where a step that is repeated gives another state.
    """
    n, snapshots = _whole("n", n, 0), _whole("snapshots", snapshots, 1)
    if not callable(step):
        raise TypeError(f"checkpoint_loop: step must be a function of the state, not {step!r}.")
    if not isinstance(folder, (str, bytes, os.PathLike, type(None))):
        raise TypeError(f"checkpoint_loop: folder must be the path of one, or None, not {folder!r}.")
    leaves, spec = flatten(state)
    params, params_spec = flatten(args)
    avals = [(shape_of(x), dtype_of(x)) for x in leaves]
    count = len(leaves)

    def on_leaves(k, leaves):
        out, out_spec = flatten(step(unflatten(spec, leaves[:count]), *unflatten(params_spec, leaves[count:])))
        if out_spec != spec:
            raise TypeError(
                f"checkpoint_loop: step {k + 1} of {n} gave the state in other containers, {out_spec}, than it was "
                f"given, {spec}: return all parts of the state, as they came."
            )
        for i, (x, (shape, dtype)) in enumerate(zip(out, avals, strict=True)):
            if shape_of(x) != shape or dtype_of(x) != dtype:
                raise (ValueError if dtype_of(x) == dtype else TypeError)(
                    f"checkpoint_loop: step {k + 1} of {n} gave {describe(x)} for {_path(spec, i)}, which was "
                    f"{describe(np.empty(shape, dtype))}: start with shapes and dtypes that step keeps."
                )
        return out

    def in_folder(leaves):
        if (trace := innermost(leaves)) is not None:
            raise TypeError(
                f"checkpoint_loop: only plain arrays can go to a folder, and what the loop is given is of {trace.mode} "
                "besides: leave folder= out."
            )
        state, args = [repr(spec), *leaves[:count]], [repr(params_spec), *leaves[count:]]
        identity = {"n": n, "snapshots": snapshots}
        identity |= {"state": fingerprint(state), "args": fingerprint(args), "step": fingerprint(step)}
        return InFolder(folder, identity)

    store = (lambda leaves: InMemory()) if folder is None else in_folder
    return unflatten(spec, _loop(on_leaves, [*leaves, *params], count, n, snapshots, store))


def _whole(name, number, least):
    try:
        number = operator.index(number)
    except TypeError:
        raise TypeError(f"checkpoint_loop: {name} must be a whole number, not {number!r}.") from None
    if number < least:
        raise ValueError(f"checkpoint_loop: {name} must be at least {least}, not {number}.")
    return number


def _path(spec, i):
    return spec.accessors()[i].codify("state")


# One call


def _call(name, fun, leaves):
    """``fun``, from a list of leaves to such a list, as one call of the innermost run; ``name`` is for errors."""
    leaves = list(map(lowered, leaves))
    trace = innermost(leaves)
    if _stores(trace):
        return _without_examples(name, trace, trace.apply(_Rule(name, fun), fun, leaves, {}))
    with only_reading(name):
        return _own(name, fun(list(map(guarded, leaves))), leaves)


def _stores(trace):
    """Whether a run, or one that lies below it, would store what it computes."""
    return isinstance(trace, (Forward, Tape)) and not trace.watches


def _own(name, out, leaves):
    """The results of a run on these leaves as arrays of their own."""
    out = list(map(snapshot_of_cell, out))
    _refuse_hidden(name, out, leaves)
    return [duplicate(x) if type(x) is np.ndarray and not x.flags.writeable else x for x in out]


def _refuse_hidden(name, out, leaves):
    """Raise where a result depends on a tracer that is not among the arguments: it would be stored, or lost."""
    if innermost(out) is not None and {*_owners(out)} - {*_owners(leaves)}:
        raise TypeError(
            f"{name} depends on a differentiated value that is not among its arguments, so that it cannot be computed "
            "again: make it an argument, or pass stop_gradient of it."
        )


def _without_examples(name, trace, out):
    """The results of a run; raises where one depends on a batch within it, which that result does not belong to."""
    for x in out:
        while isinstance(x, Tracer):
            if x.owner.of_examples and x.owner.level > trace.level:
                raise TypeError(
                    f"{name} depends on a value of {x.owner.mode} that is not among its arguments, so that a "
                    f"derivative taken around {x.owner.mode} does not know of it: make it an argument."
                )
            x = x.value
    return out


def _owners(leaves):
    """The differentiating runs whose tracers are among the leaves, or below them."""
    for x in leaves:
        while isinstance(x, Tracer):
            if x.owner.differentiates and x.owner.level >= 0:
                yield x.owner
            x = x.value


def _filled(leaves, places, chosen):
    """The leaves, with others at some places."""
    full = list(leaves)
    for i, x in zip(places, chosen, strict=True):
        full[i] = x
    return full


def _record(name, fun, leaves, wrt):
    """The result of ``fun`` and its pullback to the leaves at ``wrt``."""
    chosen = lambda variables: fun(_filled(leaves, wrt, variables))
    out, _, pull, _ = vjp_of_leaves(chosen, [leaves[i] for i in wrt])
    _refuse_hidden(name, out, leaves)
    return out, pull


def _push(fun, leaves, places, along):
    """The result of ``fun``, and its tangent where the leaves at ``places`` have the tangents ``along``."""
    chosen = lambda *duals: fun(_filled(leaves, places, duals))
    return jvp(chosen, tuple(leaves[i] for i in places), tuple(along))


def _check_same(name, first, again):
    """Raise where a second run gave other numbers than the first, as far as these can be looked at."""
    for x, y in zip(first, again, strict=True):
        x, y = strip(x), strip(y)
        if x is y or isinstance(x, Tracer) or isinstance(y, Tracer):
            continue
        if not (np.array_equal(x, y) or (has_nan(x) and np.array_equal(x, y, equal_nan=True))):
            raise RuntimeError(
                f"{name} gave other numbers when it was computed again, so that its derivative would be another "
                "function's: give it what it draws at random, or what has changed since, as arguments."
            )


class _Rule(Derivative):
    """One checkpointed call, as the engines use a rule."""

    joint = True

    def __init__(self, name, fun):
        self.name, self.fun = name, fun

    def jvp(self, function, args, tangents, kwargs, steps):
        n, (places, along) = len(args), zip(*tangents, strict=True)

        def pushed(leaves):
            y, t = _push(self.fun, leaves[:n], places, leaves[n:])
            return [*y, *t]

        out = _call(self.name, pushed, [*args, *along])
        return _halves(out)

    def vjp(self, function, args, wrt, kwargs):
        y, n = _call(self.name, self.fun, args), len(args)
        kept = [x if i in wrt else snapshot(x) for i, x in enumerate(args)]  # what is on the tape is nobody's to write

        def pulled(leaves):
            again, pull = _record(self.name, self.fun, leaves[:n], wrt)
            _check_same(self.name, y, again)
            return pull(leaves[n:])

        return y, (through, lambda g: _call(self.name, pulled, [*kept, *g]), ())


def _halves(out):
    """A list of results and then of their tangents as two lists; a tangent of an integer is None."""
    y, t = out[: len(out) // 2], out[len(out) // 2 :]
    return y, [tangent if is_inexact(x) else None for x, tangent in zip(y, t, strict=True)]


# A loop


_LOOP = "checkpoint_loop: step"


def _loop(step, leaves, count, n, snapshots, store):
    """The state, the first ``count`` of the leaves, after n steps ``step(k, leaves)``."""
    leaves = list(map(lowered, leaves))
    trace = innermost(leaves)
    if n and _stores(trace):
        rule = _LoopRule(step, count, n, snapshots, store)
        return _without_examples(_LOOP, trace, trace.apply(rule, step, leaves, {}))
    return _run(step, leaves, count, 0, n) if n else list(map(snapshot, leaves[:count]))


def _run(step, leaves, count, start, end):
    """The state after the steps from ``start`` on, before the one at ``end``."""
    state, params = leaves[:count], leaves[count:]
    if innermost(leaves) is None:
        params = list(map(guarded, params))
        with only_reading(_LOOP):
            for k in range(start, end):
                state = step(k, [*map(guarded, state), *params])
        return _own(_LOOP, state, leaves)
    for k in range(start, end):
        state = _call(_LOOP, functools.partial(step, k), [*state, *params])
    return state


class _LoopRule(Derivative):
    """One loop, as the engines use a rule."""

    joint = True

    def __init__(self, step, count, n, snapshots, store):
        self.step, self.count, self.n, self.snapshots, self.store = step, count, n, snapshots, store

    def jvp(self, function, args, tangents, kwargs, steps):
        """The loop of the state and its tangent."""
        count, given = self.count, dict(tangents)
        state, params = args[:count], args[count:]
        places = [i for i in given if i >= count]
        along = [given[i] if i in given else zeros(x) for i, x in enumerate(state)]

        def pushed(k, leaves):
            state, along, rest = leaves[:count], leaves[count : 2 * count], leaves[2 * count :]
            params, of_params = rest[: len(args) - count], rest[len(args) - count :]
            step = functools.partial(self.step, k)
            y, t = _push(step, [*state, *params], [*range(count), *places], [*along, *of_params])
            return [*y, *t]

        leaves = [*state, *along, *params, *(given[i] for i in places)]
        return _halves(_loop(pushed, leaves, 2 * count, self.n, self.snapshots, self.store))

    def vjp(self, function, args, wrt, kwargs):
        kept = [x if i in wrt else snapshot(x) for i, x in enumerate(args)]
        sweep = _Sweep(self, kept, wrt)
        return sweep.result, (through, sweep.pull, ())


class _Sweep:
    """The way there and back of one loop. ``last`` is the last step, recorded, once the way there is done."""

    def __init__(self, loop, leaves, wrt):
        self.loop, self.leaves, self.wrt = loop, leaves, wrt
        self.params = [i for i in wrt if i >= loop.count]
        self.store = None
        self.last = self.there()
        self.result = self.last[1]

    def there(self):
        self.store = self.loop.store(self.leaves)
        self.store.push(0, self.leaves[: self.loop.count])
        return self.climb(self.loop.n)

    def climb(self, end):
        """From the last snapshot to the last step before ``end``, which is recorded, with new snapshots on the way.

        Returns the state before that step, the one after it, and the step's pullback.
        """
        loop, params = self.loop, self.leaves[self.loop.count :]
        position, state = self.store.top()
        while end - position > 1:
            free = loop.snapshots - len(self.store)
            to = position + split(end - position, free + 1) if free > 0 else end - 1
            state = _run(loop.step, [*state, *params], loop.count, position, to)
            position = to
            if free > 0 and end - position > 1:
                self.store.push(position, state)
        step, wrt = functools.partial(loop.step, position), [*range(loop.count), *self.params]
        return state, *_record(_LOOP, step, [*state, *params], wrt)

    def pull(self, g):
        """The cotangents of the leaves at ``wrt`` for those of the result."""
        loop, of_params = self.loop, None
        (before, after, pull), self.last = self.last or self.there(), None
        _check_same(_LOOP, self.result, after)
        for end in range(loop.n, 0, -1):
            if end < loop.n:
                expected = before
                before, after, pull = self.climb(end)
                _check_same(f"{_LOOP} {end} of {loop.n}", expected, after)
            cotangents = pull(g)
            g, of_params = cotangents[: loop.count], added(of_params, cotangents[loop.count :])
            if end > 1 and self.store.top()[0] == end - 1:
                self.store.pop()
        self.store.close()
        found = dict(zip(self.params, of_params, strict=True)) | dict(enumerate(g))
        return [found[i] for i in self.wrt]
