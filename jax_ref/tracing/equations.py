"""One call as JAX's equations, evaluated one by one at numbers, forward and back.

The call is traced by itself (``jax.make_jaxpr``) and evaluated at once, so that which equations belong to it is known,
not guessed. What JAX compiles as a function of its own is followed into; a function with a derivative of its own, a
branch and a loop are one equation each.
"""

import itertools
import string
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from scratch_ad.tracing.trace import Operation
from scratch_ad.tracing.words import number, shape
from scratch_ad.tree import flatten

from ..lift import lift
from ..measure.walk import CALLS, RULES

_SILENT = {  # parameters that say nothing about the mathematics
    *("out_sharding", "sharding", "accuracy", "weak_type", "preferred_element_type", "precision", "copy", "is_stable"),
    *("unique_indices", "indices_are_sorted", "num_keys", "mode", "fill_value", "jvp_jaxpr_fun", "call_jaxpr", "jaxpr"),
    *("num_consts", "symbolic_zeros", "algorithm", "strides", "fwd_jaxpr_thunk", "bwd", "out_trees", "branches"),
    *("ft_in", "ft_out"),
}
_SHORT, _LONG = 12, 200  # characters of a parameter


class Slot:
    """A number of the program: its value, its tangent, and the cotangent that has arrived; None for what is zero."""

    def __init__(self, value, tangent=None, name=""):
        self.value, self.tangent, self.cotangent, self.name = value, tangent, None, name


@dataclass
class Equation:
    """One equation: what goes in and comes out, and how cotangents of the latter go back to those at ``active``."""

    eqn: object
    inputs: list
    outputs: list
    active: list
    pull: object


class Equations:
    """A call of the function ``again`` at JAX's numbers, along their tangents."""

    def __init__(self, again, labels, values, tangents):
        body = lift(lambda *numbers: [y for y in flatten(again(*numbers))[0] if hasattr(y, "dtype")])
        closed = jax.make_jaxpr(body)(*values)
        self.inputs = [Slot(*of) for of in zip(values, tangents, labels, strict=True)]
        self.equations = []
        self.outputs = self._evaluate(closed, self.inputs)

    def _evaluate(self, closed, inputs):
        jaxpr, consts = getattr(closed, "jaxpr", closed), getattr(closed, "consts", ())
        slots = dict(zip(jaxpr.constvars, (Slot(jnp.asarray(c), None, _constant(c)) for c in consts), strict=True))
        slots |= zip(jaxpr.invars, inputs, strict=True)
        read = lambda v: _literal(v) if isinstance(v, Literal) else slots[v]
        for eqn in jaxpr.eqns:
            given, name = [*map(read, eqn.invars)], eqn.primitive.name
            inside = CALLS.get(name) if name not in RULES else None
            found = self._evaluate(eqn.params[inside], given) if inside else self._one(eqn, given)
            slots.update(zip(eqn.outvars, found, strict=True))
        return [*map(read, jaxpr.outvars)]

    def _one(self, eqn, inputs):
        active = [k for k, x in enumerate(inputs) if x.tangent is not None]

        def apply(*numbers):
            full = [x.value for x in inputs]
            for k, x in zip(active, numbers, strict=True):
                full[k] = x
            bound = eqn.primitive.get_bind_params(eqn.params)  # a pair before JAX 0.9
            functions, params = bound if isinstance(bound, tuple) else ((), bound)
            out = eqn.primitive.bind(*functions, *full, **params)
            return list(out) if eqn.primitive.multiple_results else [out]

        if active:
            numbers = [inputs[k].value for k in active]
            values, tangents = jax.jvp(apply, numbers, [inputs[k].tangent for k in active])
            _, pull = jax.vjp(apply, *numbers)
        else:
            values, pull = apply(), None
            tangents = [None] * len(values)
        inexact = [jnp.issubdtype(y.dtype, jnp.inexact) for y in values]
        outputs = [Slot(y, t if moves else None) for y, t, moves in zip(values, tangents, inexact, strict=True)]
        self.equations.append(Equation(eqn, inputs, outputs, active, pull))
        return outputs

    def pull(self, cotangents):
        """What each argument gets back for the cotangents of the results, None where nothing arrives."""
        for y, g in zip(self.outputs, cotangents, strict=True):
            if g is not None and y.tangent is not None:
                y.cotangent = g if y.cotangent is None else y.cotangent + g
        for equation in reversed(self.equations):
            arrived = [y.cotangent for y in equation.outputs]
            if not equation.active or all(g is None for g in arrived):
                continue
            for k, c in zip(equation.active, equation.pull([*map(_full, equation.outputs)]), strict=True):
                x = equation.inputs[k]
                x.cotangent = c if x.cotangent is None else x.cotangent + c
        return [x.cotangent for x in self.inputs]

    def operations(self, label):
        """The equations in words, the last of them for the result of this name, those before with a letter more."""
        letters = (itertools.product(string.ascii_lowercase, repeat=n) for n in itertools.count(1))
        fresh = (label + "".join(of) for of in itertools.chain.from_iterable(letters))
        for k, y in enumerate(self.outputs):
            y.name = y.name or (label if len(self.outputs) == 1 else f"{label}[{k}]")
        for equation in self.equations:
            for y in equation.outputs:
                y.name = y.name or next(fresh)
        return [self._said(equation) for equation in self.equations]

    def _said(self, equation):
        eqn, (y, *_) = equation.eqn, equation.outputs
        params = {k: str(v) for k, v in eqn.params.items() if k not in _SILENT and v is not None}
        short, long = (", ".join(f"{k}={v}" for k, v in params.items() if len(v) <= most) for most in (_SHORT, _LONG))
        name = eqn.primitive.name
        if name in RULES:
            info = eqn.params["call_jaxpr"].jaxpr.debug_info
            name = f"{name} {getattr(info, 'func_name', '')}".rstrip()
        names = lambda slots: " ".join(x.name for x in slots)
        text = f"{names(equation.outputs)} = {name}{f'[{short}]' if short else ''} {names(equation.inputs)}"
        plain = [None if x is None else np.asarray(x) for x in (y.value, y.tangent, y.cotangent)]
        return Operation(text, long, *plain, any(y in self.outputs for y in equation.outputs))


def _full(y):
    """The cotangent of a result as JAX's pullback takes it."""
    if not jnp.issubdtype(y.value.dtype, jnp.inexact):
        return np.zeros(y.value.shape, jax.dtypes.float0)
    return jnp.zeros_like(y.value) if y.cotangent is None else y.cotangent


def _literal(v):
    return Slot(jnp.asarray(v.val, v.aval.dtype), None, _constant(v.val))


def _constant(x):
    return number(x) if np.ndim(x) == 0 else f"const[{shape(x)}]"
