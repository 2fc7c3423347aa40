"""``jvp`` and ``vjp`` as users call them: containers, JAX's checks, and a careful second pass where a nan comes out."""

from functools import partial

import numpy as np

from . import forward, reverse
from .careful import careful
from .chain import has_nan, plain
from .fast import FastForward, FastTape, FastVariable, backward
from .poles import settled
from .refusals import check_callable, uncover
from .registry import missing, rule_of
from .reverse import Variable
from .silence import SILENT, STATE, silently
from .tracer import Tracer, dtype_of, name_of, shape_of
from .tree import (
    called,
    copied,
    describe,
    entered,
    flatten,
    is_inexact,
    own,
    split_aux,
    tangent_dtype,
    tree_map,
    typed_like,
    unflatten,
    zeros,
)


def jvp(fun, primals, tangents, has_aux=False):
    """The value of ``fun`` at ``primals`` and its derivative along ``tangents``, in one forward pass.

    ``primals`` and ``tangents``: tuples with one entry per positional argument, of equal containers, shapes and
    dtypes (float0 for integers). Returns ``(out, tangent_out)`` or ``(out, tangent_out, aux)``, ``tangent_out``
    shaped like ``out``. NumPy's floating-point warnings are silent inside. If a nan comes out, and only then, ``fun``
    runs a second time with 0·∞ = 0 in the steps of the chain rule (careful.py), and all that is returned is of that
    run: forward mode keeps nothing of the first, and to look at each of its steps would cost a tenth of its time.
    Raises TypeError for unequal containers or dtypes and ValueError for unequal shapes.
    """
    check_callable("jvp", fun)
    leaves, spec, tangent_leaves = check_tangents("jvp", primals, tangents)
    with silently():
        result = forward.run(FastForward(plain), fun, spec, leaves, tangent_leaves, has_aux)
        if any(map(has_nan, flatten(result[1])[0])):
            result = forward.run(FastForward(careful), fun, spec, leaves, tangent_leaves, has_aux)
    return result if has_aux else result[:2]


def check_tangents(name, primals, tangents):
    """The leaves and spec of the primals, and the tangents' leaves; raises, as ``name``, where these do not fit."""
    if not (isinstance(primals, (tuple, list)) and isinstance(tangents, (tuple, list))):
        raise TypeError(
            f"primal and tangent arguments to {name} must be tuples or lists; "
            f"found {type(primals).__name__} and {type(tangents).__name__}. Write {name}(f, (x,), (t,))."
        )
    leaves, spec = flatten(tuple(primals))
    tangent_leaves, tangent_spec = flatten(tuple(tangents))
    if spec != tangent_spec:
        raise TypeError(
            f"primal and tangent arguments to {name} must have the same tree structure; primals have tree structure "
            f"{spec} whereas tangents have tree structure {tangent_spec}. Give the tangents in the primals' containers."
        )
    for p, t in zip(leaves, tangent_leaves, strict=True):
        if tangent_dtype(p) != dtype_of(t):
            raise TypeError(
                f"primal and tangent arguments to {name} do not match; dtypes must be equal, or in case of int/bool "
                f"primal dtype the tangent dtype must be float0. Got primal dtype {dtype_of(p)} and so expected "
                f"tangent dtype {called(tangent_dtype(p))}, but got tangent dtype {called(dtype_of(t))} instead. "
                + (f"Give np.{dtype_of(p)}(t)." if is_inexact(p) else _NOTHING.format("x"))
            )
        if shape_of(p) != shape_of(t):
            raise ValueError(
                f"{name} called with different primal and tangent shapes; "
                f"Got primal shape {shape_of(p)} and tangent shape as {shape_of(t)}. Give np.broadcast_to(t, x.shape)."
            )
    return leaves, spec, tangent_leaves


_LIKE = "Make it with np.zeros_like(out) or np.ones_like(out)."
_NOTHING = "Give np.zeros(np.shape({}), scratch_ad.float0)."


def vjp(fun, *primals, has_aux=False):
    """The value of ``fun`` at ``primals``, and its pullback.

    Returns ``(out, pullback)`` or ``(out, pullback, aux)``. ``pullback(cotangent)``, with a cotangent shaped like
    ``out``, gives a tuple of cotangents shaped like ``primals`` (float0 for integers), any number of times. It does
    not change when the input arrays, arrays that ``fun`` used, or ``out`` are changed later. If a nan comes out, the
    tape is walked a second time with 0·∞ = 0 in the steps of the chain rule (careful.py), and if one still does, a
    third time for infinities that cancel (poles.py); ``fun`` runs once.
    The pullback raises ValueError for a cotangent of another container, shape or dtype than ``out``'s.
    """
    check_callable("vjp", fun)
    leaves, spec = flatten(primals)
    out_leaves, out_spec, pull, aux = vjp_of_leaves(lambda leaves: fun(*unflatten(spec, leaves)), leaves, has_aux)

    def pullback(cotangent):
        cotangents, cotangent_spec = flatten(cotangent)
        if cotangent_spec != out_spec:
            raise ValueError(
                "unexpected tree structure. The argument to a VJP function returned by vjp must match the tree "
                f"structure of the differentiated function's output: expected {out_spec}, got {cotangent_spec}."
            )
        for c, y in zip(cotangents, out_leaves, strict=True):
            if shape_of(c) != shape_of(y) or dtype_of(c) != tangent_dtype(y):
                raise ValueError(
                    "unexpected type (e.g. shape/dtype) for argument to VJP function: "
                    f"got {describe(c)}, but expected {describe(zeros(y))} because the corresponding output of the "
                    f"differentiated function was {describe(y)}. "
                    + (
                        "Make it with np.zeros_like(out) or np.ones_like(out)."
                        if is_inexact(y)
                        else _NOTHING.format("out")
                    )
                )
        return unflatten(spec, pull(cotangents))

    out = unflatten(out_spec, list(map(copied, out_leaves)))
    return (out, pullback, aux) if has_aux else (out, pullback)


def vjp_of_leaves(fun, leaves, has_aux=False, tape=None, behind=()):
    """Run ``fun``, a function of a list of leaves, on variables. ``behind``: more leaves, of which no copy is made.

    Returns the output's leaves, its spec, the function ``pull`` from output to input cotangents (lists of leaves), and
    aux. Raises TypeError for an output that is no number, or a tracer of another run.
    """
    tape, leaves = tape or FastTape(), [*map(entered, leaves), *behind]
    inputs = [tape.variable(leaf) if is_inexact(leaf) else leaf for leaf in leaves]
    starts = [v.place if isinstance(v, Variable) else None for v in inputs]  # asked now: a write moves a variable
    count = len(tape.nodes)
    with _Running(tape):
        return _pullback(tape, tape.nodes, count, starts, leaves, fun(inputs), has_aux)


class _Running:
    """While a function runs on the variables of a tape, and what it has returned is looked at; then that is closed."""

    __slots__ = ("tape",)

    def __init__(self, tape):
        self.tape = tape

    def __enter__(self):
        pass

    def __exit__(self, kind, error, traceback):
        self.tape.close()
        if isinstance(error, (ValueError, SystemError)):
            uncover(error)


def _pullback(tape, nodes, count, starts, leaves, out, has_aux):
    """What ``vjp_of_leaves`` gives, of a run with ``count`` inputs whose result is ``out``."""
    out, aux = split_aux(out, has_aux)
    tracers, out_spec = flatten(out)
    places, values = [], []
    for leaf in tracers:
        mine = isinstance(leaf, Tracer) and leaf.owner is tape
        places.append(leaf.place if mine else None)
        values.append(leaf.value if mine else tape.constant(leaf))
    if has_aux:
        mine = lambda leaf: isinstance(leaf, Tracer) and leaf.owner is tape
        aux = tree_map(lambda leaf: copied(leaf.value if mine(leaf) else leaf), aux)

    def pull(cotangents):
        with silently():
            seeds = [(at, typed_like(g, y)) for at, g, y in zip(places, cotangents, values) if at is not None]
            for walk in _WALKS:
                result = walk(nodes, seeds, count)
                if not any(map(has_nan, result)):
                    break
            else:
                result = settled(result, nodes, seeds)
            taken = [g for _, g in seeds]
            return [own(None if k is None else result[k], leaf, taken) for k, leaf in zip(starts, leaves)]

    return values, out_spec, pull, aux


def gradient_of_array(fun, args, i, kwargs):
    """The value of ``fun`` and its gradient in argument i, a plain real array, with less to do around the two passes.

    Returns ``(value, gradient)`` and None; or None and what ``vjp_of_leaves`` gives, where it takes more: a result that
    is no double, or a nan in the gradient.
    """
    tape, args = FastTape(), [*args]
    x = args[i] = tape.variable(entered(args[i]))
    given, nodes = x.value, tape.nodes
    try:  # what _Running does, without its calls
        out = fun(*args, **kwargs)
        if type(out) is not FastVariable or out.owner is not tape or type(out.value) is not np.float64:
            return None, _pullback(tape, nodes, 1, [0], [given], out, False)
    except (ValueError, SystemError) as error:
        uncover(error)
        raise
    finally:
        tape.close()
    before = STATE.set(SILENT)
    try:
        (g,) = backward(nodes, ((out.place, _ONE),), 1)
        is_sound = type(g) is np.ndarray and not has_nan(g)
    finally:
        STATE.reset(before)
    if is_sound:
        return (out.value, g if g.base is None else g.copy()), None
    return None, _pullback(tape, nodes, 1, [0], [given], out, False)


_ONE = np.float64(1)
_WALKS = backward, partial(reverse.backward, steps=careful)


def partials(tape, start, y):
    """The partial derivatives of ``y`` in what stood on a tape before ``start``, while that runs: ``{place: array}``.

    Each of shape ``(*y.shape, *shape)``. So is a function differentiated in what it closes over: ``start`` is how long
    the tape was before its call, and ``y``, of real numbers, what it gave.
    """
    places = reverse.origins(tape.nodes, start)
    if y.place < start:
        places[y.place] = y.shape, y.dtype
    rows = []
    for index in np.ndindex(y.shape):
        unit = np.zeros(y.shape, y.dtype)
        unit[index] = 1
        for walk in _WALKS:
            cotangents = walk(tape.nodes, [(y.place, unit[()])], start)
            row = [np.zeros(*places[k]) if cotangents[k] is None else cotangents[k] for k in places]
            if not any(map(has_nan, row)):
                break
        rows.append(row)
    return {k: np.reshape(np.stack(of), (*y.shape, *places[k][0])) for k, of in zip(places, zip(*rows))}


class LinearTape(FastTape):
    """A tape of a function that is linear; ``what`` names it in the error for a call that is not."""

    __slots__ = ("what",)

    def __init__(self, what):
        super().__init__()
        self.what = what

    def process(self, function, args, kwargs):
        wrt = [i for i, a in enumerate(args) if isinstance(a, Tracer) and a.owner is self]
        if not rule_of.get(function, missing).is_linear(function, wrt):
            raise NotImplementedError(
                f"{self.what} must be linear in the tangents, so that reverse mode can transpose it, but "
                f"{name_of(function)} of them is not: use it on the primals alone."
            )
        return super().process(function, args, kwargs)


def transposed(linear, *likes, tape=None):
    """The transpose of a linear function of arrays like ``likes``: reverse mode over its arguments, at zero.

    ``linear`` returns ``(out, aux)``, where ``out`` is one array or several, some of them None. Returns the function
    from a cotangent of all that to the list of the arguments' cotangents, and aux.
    """

    def on_leaves(leaves):
        out, aux = linear(*leaves)
        parts = out if isinstance(out, (tuple, list)) else (out,)
        return [part for part in parts if part is not None], ([part is not None for part in parts], aux)

    *_, pull, (given, aux) = vjp_of_leaves(on_leaves, list(map(zeros, likes)), has_aux=True, tape=tape)

    def transpose(g):
        g = g if isinstance(g, (tuple, list)) else (g,)
        return pull([part for part, there in zip(g, given, strict=True) if there])

    return transpose, aux
