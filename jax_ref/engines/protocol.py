"""What an engine under test offers.

An engine gives ``jvp``, ``vjp`` or both, in JAX's form, for functions of positional arguments that are written in
calls of its ``namespace``. A function that it lacks raises one of ``missing``: that is reported, and is no failure.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Engine:
    """An engine under test.

    ``jvp(f, primals, tangents) -> (out, tangent_out)`` and ``vjp(f, *primals) -> (out, pullback)`` take and return
    NumPy arrays in any containers; None where the engine has no such mode. A pullback takes a cotangent like ``out``
    and gives a tuple with one per primal, the transpose of the jvp without conjugation, as in JAX. ``namespace`` stands
    for ``np`` in what it is asked to differentiate. ``order``: how often its transformations nest. ``missing``: what it
    raises for a function that it lacks. ``slack``: by how much its own method is less exact than rounding allows.
    ``call(f, *primals) -> out``: the function undifferentiated, where that is not NumPy's own doing.
    ``rule``: whether it is the rule of one function, which it takes any function for. ``program``: turns a function of
    arrays in containers that calls ``jvp`` and ``vjp`` into one that is run otherwise, as compiled programs are.
    ``exact``: whether the values that it gives are those of NumPy's own run, bit for bit.
    """

    name: str
    jvp: Callable | None = None
    vjp: Callable | None = None
    namespace: object = np
    order: int = 2
    missing: tuple = (NotImplementedError,)
    slack: float = 1.0
    call: Callable | None = None
    rule: bool = False
    program: Callable | None = None
    exact: bool = False

    def modes(self):
        """Those of "fwd" and "rev" that it offers."""
        return tuple(mode for mode, transform in (("fwd", self.jvp), ("rev", self.vjp)) if transform)
