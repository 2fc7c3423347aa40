"""What SciPy's own code is given: plain numbers, or a refusal."""

import functools
import inspect

from ...rule import composite
from ...tracer import Tracer, gathered, innermost, strip
from ...tree import typed
from ..wrapping import named


def stands_for(theirs):
    """Let a function be SciPy's ``theirs``: it is given what the caller gave, by name, and looks for tracers itself.

    That is as what it is to integrate may close over them.
    """
    signature = inspect.signature(theirs)

    def register(body):
        @functools.wraps(theirs)
        def ours(*args, **kwargs):
            given = signature.bind(*args, **kwargs).arguments
            return body(**given | given.pop("options", {}))

        ours.is_primitive = True
        return composite(named(ours), ours)

    return register


def refused(name, what, mode, remedy):
    """The error for what has no derivative, or none in this mode."""
    return NotImplementedError(f"scipy.integrate.{name} with {what} has no derivative in {mode}: {remedy}.")


def check_plain(name, options):
    """Raise for a tracer where only a plain number has a meaning; of ``points`` an integral does depend at a jump."""
    for option, x in options.items():
        if (trace := innermost((x,))) is not None and trace.level >= 0:
            remedy = "give scratch_ad.stop_gradient of it"
            if option == "points":
                remedy += ", but where the function jumps there take the sum of the integrals of its pieces"
            raise refused(name, f"a tracer for {option}", trace.mode, remedy)


class Plain:
    """What a call of SciPy's function ``name`` is given, without derivatives; ``trace`` is the innermost run met so."""

    def __init__(self, name):
        self.name, self.trace = name, None

    def __call__(self, x):
        """A number, an array, or a list of such, without; or a function that gives it without."""
        if callable(x):
            return functools.wraps(x)(lambda *args, **kwargs: self(x(*args, **kwargs)))
        trace = innermost((x,))
        if trace is None:
            return x
        if trace.level >= 0 and (self.trace is None or trace.level > self.trace.level):
            self.trace = trace
        below = strip(typed(gathered(x)))
        if not isinstance(below, Tracer):
            return below
        if below.owner.level < 0:
            return below.value
        remedy = "loop over the examples" if below.owner.of_examples else "call it outside"
        raise refused(self.name, "numbers that decide how it goes on", below.owner.mode, remedy)

    def refuse(self, what, remedy):
        """Raise for what has no derivative."""
        raise refused(self.name, what, self.trace.mode, remedy)
