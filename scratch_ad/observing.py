"""Reverse mode, observed: a ``Tape`` of which nothing is changed but that somebody is told.

An observer is told of each call of the function that is run, of each of those that its rule makes of it, and of each
step along an edge, on whatever walk of the tape: ``nans`` looks for the first nan, ``tracing`` keeps it all.
"""

from .reverse import Several, Tape, Variable


class Observer:
    """Whom an ``ObservedTape`` tells."""

    def around(self, proceed, function, args, kwargs):
        """Do a call by ``proceed(function, args, kwargs)``; those that its rule makes of it come while it is done."""
        return proceed(function, args, kwargs)

    def called(self, tape, rule, function, args, kwargs) -> object:
        """A call with a derivative of its own begins; what is returned names it in what follows."""

    def gave(self, call, y):
        """The result of the call, on the tape."""

    def pulled(self, step, u, edge, c):
        """The cotangent ``u`` has become ``c`` along an edge, by an ``ObservedStep``."""


class ObservedTape(Tape):
    """A tape whose calls, and whose steps when it is walked, an observer is told of."""

    __slots__ = ("kept", "observer")
    watches = True

    def __init__(self, observer):
        super().__init__()
        self.observer, self.kept = observer, self.nodes  # which close() takes away

    def process(self, function, args, kwargs):
        return self.observer.around(super().process, function, args, kwargs)

    def apply(self, rule, function, args, kwargs):
        def proceed(function, args, kwargs):
            call, first = self.observer.called(self, rule, function, args, kwargs), len(self.nodes)
            wrt = [i for i, a in enumerate(args) if self.owns(a)]
            y = super(ObservedTape, self).apply(rule, function, args, kwargs)
            self.observer.gave(call, y)
            for at in range(first, len(self.nodes)):
                node = self.nodes[at]
                several = isinstance(node, Several)
                edges = tuple(
                    (*likes, ObservedStep(self, call, i, at, likes, step), pull, kept)
                    for i, (*likes, step, pull, kept) in zip(wrt, node.node if several else node)
                )
                self.nodes[at] = node._replace(node=edges) if several else edges
            return y

        return self.observer.around(proceed, function, args, kwargs)  # a custom function comes here at once

    def owns(self, a):
        return isinstance(a, Variable) and a.owner is self


class ObservedStep:
    """A step that is told of; for a table of steps it is that step itself.

    ``argument`` of the ``call`` it belongs to, ``at`` which place its node stands, and ``likes``: where it leads, the
    place, shape and dtype there; a list of such, None and None for the edge of a joint rule.
    """

    def __init__(self, tape, call, argument, at, likes, step):
        self.tape, self.call, self.argument = tape, call, argument
        self.at, self.likes, self.step = at, likes, step

    def __hash__(self):
        return hash(self.step)

    def __eq__(self, other):
        return other is self.step

    def __call__(self, u, pull, kept):
        return self.taken(self.step, u, pull, kept)

    def taken(self, step, u, pull, kept):
        """Take ``step`` in its place."""
        c = step(u, pull, kept)
        self.tape.observer.pulled(self, u, (self.step, pull, kept), c)
        return c


class Observed:
    """A table of steps for another walk of an ``ObservedTape``, of which its observer is told as well."""

    def __init__(self, steps):
        self.steps = steps

    def __getitem__(self, step):
        return lambda u, pull, kept: step.taken(self.steps[step], u, pull, kept)
