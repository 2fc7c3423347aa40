"""``linearize``: the derivative at one point as a program of NumPy calls, through which tangents are put.

Forward mode runs once, with its tangents recorded. The recording knows of which steps of the chain rule it is made, so
that the one run gives a second program, with the careful steps, for tangents from which a nan comes out.
"""

import functools

from . import forward
from .careful import careful
from .chain import has_nan, plain
from .fast import FastForward
from .program import Call, Program, Recorder
from .refusals import check_callable
from .registry import snapshot
from .silence import silently
from .tracer import dtype_of, shape_of
from .tree import copied, describe, entered, flatten, is_inexact, tangent_dtype, tree_map, typed_like, unflatten, zeros


def linearize(fun, *primals, has_aux=False):
    """The value of ``fun`` at ``primals``, and its pushforward as a function that does not run ``fun`` again.

    Returns ``(out, pushforward)`` or ``(out, pushforward, aux)``; ``pushforward(*tangents)`` gives the tangent of
    the output. If a nan comes out of it, it is computed again with 0·∞ = 0 in the steps of the chain rule (careful.py).
    The pushforward raises TypeError for tangents of other containers and ValueError for other shapes or dtypes.
    """
    check_callable("linearize", fun)
    leaves, spec = flatten(primals)
    leaves = list(map(entered, leaves))
    recorder = Tangents()
    symbols = [recorder.input(zeros(leaf)) if is_inexact(leaf) else zeros(leaf) for leaf in leaves]
    with silently():
        out, tangent_out, aux = forward.run(FastForward(recorder.steps()), fun, spec, leaves, symbols, has_aux)
    tangent_leaves, out_spec = flatten(tangent_out)
    plainly, carefully = recorder.programs(tangent_leaves)

    def pushforward(*tangents):
        given, given_spec = flatten(tangents)
        if given_spec != spec:
            raise TypeError(
                f"linearized function called on tangents of another structure: expected {spec}, got {given_spec}. "
                "Give them as the primals were given to linearize."
            )
        for t, p in zip(given, leaves, strict=True):
            if shape_of(t) != shape_of(p) or dtype_of(t) != tangent_dtype(p):
                raise ValueError(
                    "linearized function called on tangent values inconsistent with the original primal values: "
                    f"Got tangent {describe(t)} for primal {describe(p)} but expected {describe(zeros(p))}. "
                    "Make it with np.zeros_like(x) or np.ones_like(x)."
                )
        given = [typed_like(t, p) for t, p in zip(given, leaves, strict=True) if is_inexact(p)]
        with silently():
            result = plainly(*given)
            if any(map(has_nan, result)):
                result = carefully()(*given)
        return unflatten(out_spec, list(map(copied, result)))

    out = tree_map(copied, out)
    return (out, pushforward, aux) if has_aux else (out, pushforward)


class Tangents(Recorder):
    """A recording of tangents; ``careful`` holds the same calls, but each step of the chain rule as one, careful."""

    __slots__ = ("careful",)

    def __init__(self):
        super().__init__()
        self.careful = []

    def process(self, function, args, kwargs):
        y = super().process(function, args, kwargs)
        self.careful.append(self.calls[-1])
        return y

    def steps(self):
        """The table of steps that are recorded here."""
        return {step: functools.partial(self.take, step) for step in plain}

    def take(self, step, u, linear_map, kept):
        before = len(self.careful)
        v = step(u, linear_map, kept)
        several = isinstance(v, (tuple, list))
        parts = v if several else (v,)
        if any(map(self.owns, parts)):
            names = tuple((part if self.owns(part) else self.recorded(0.0)).name for part in parts)
            kept = snapshot(kept)
            again = lambda u: careful[step](u, linear_map, kept)
            self.careful[before:] = [Call(again, (self.named(u),), {}, names, several)]
        return v

    def programs(self, outputs):
        """The plain program of the outputs, and a function that makes the careful one."""
        plainly = self.program(outputs)
        return plainly, functools.cache(lambda: Program(plainly.inputs, self.careful, plainly.outputs, plainly.avals))
