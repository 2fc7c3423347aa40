"""What an engine under test offers.

An engine gives ``jvp``, ``vjp`` or both, in JAX's form, for functions of positional arguments that are written in
calls of its ``namespace``. A function that it lacks raises one of ``missing``: that is reported, and is no failure.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scratch_ad.frames import called_at
from scratch_ad.tracer import name_of

MOST_SLACK = 1e6  # half the digits of double precision


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
    ``outer``: engines of which the first that can differentiates its derivatives once more, where it does not itself.
    ``exact``: whether the values that it gives are those of NumPy's own run, bit for bit.
    Raises ValueError if it has no mode, or what it says of itself has no meaning.
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
    outer: tuple["Engine", ...] = ()
    exact: bool = False

    def __post_init__(self):
        if not (isinstance(self.name, str) and self.name and self.name.isprintable()):
            raise ValueError(f"an engine's name is a line of text that can be printed, not {self.name!r}.")
        if not (self.jvp or self.vjp):
            raise ValueError(f"the engine {self.name} has neither a jvp nor a vjp: give it one of them.")
        if self.order not in (1, 2):
            raise ValueError(f"the engine {self.name}: order is 1 or 2, not {self.order!r}.")
        if not 0 < self.slack <= MOST_SLACK:
            raise ValueError(
                f"the engine {self.name}: slack is above 0 and at most {MOST_SLACK:g}, not {self.slack!r}."
            )
        missing = self.missing if isinstance(self.missing, tuple) else (None,)
        if not all(isinstance(error, type) and issubclass(error, BaseException) for error in missing):
            raise ValueError(f"the engine {self.name}: missing is a tuple of exceptions, not {self.missing!r}.")

    def modes(self):
        """Those of "fwd" and "rev" that it offers."""
        return tuple(mode for mode, transform in (("fwd", self.jvp), ("rev", self.vjp)) if transform)

    def lacks(self, error):
        """Whether an error says that a function is not in the engine's namespace, or in a part of that."""
        if not isinstance(error, AttributeError) or self.namespace is np:
            return False
        parts = (getattr(self.namespace, part, None) for part in ("linalg", "fft", "random", "scipy"))
        return any(error.obj is home for home in (self.namespace, *parts) if home is not None)


def numpys(f, error):
    """The NumPy function that ``f`` called when an error was raised, if it did: for engines that take none of these."""
    called = called_at(error) or name_of(f)
    return called if called.startswith("np.") else ""
