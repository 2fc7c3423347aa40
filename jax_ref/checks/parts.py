"""What of a call is differentiated: its real and complex numbers; all else in the containers is held fixed."""

import itertools

import jax
import numpy as np
import optree

from scratch_ad.tracer import Tracer, name_of
from scratch_ad.tree import is_inexact

from ..measure.derivatives import Problem
from ..measure.quantities import Quantity
from ..measure.tolerances import ULPS, Difference, Finding, shown
from ..measure.values import alike, in_words, lent, plainly
from ..measure.vectors import vectors


class Parts:
    """A container: its real and complex arrays move, all else (integers, None, texts, functions) is held fixed."""

    def __init__(self, tree):
        leaves, self.spec = optree.tree_flatten(tree, none_is_leaf=True)
        self.moves = [is_moving(x) for x in leaves]
        # the same array twice is still the same
        plain = lambda x: x if type(x) is np.ndarray and x.ndim else np.asarray(x)[()]
        self.leaves = [plain(x) if moves else x for x, moves in zip(leaves, self.moves, strict=True)]
        self.tree = optree.tree_unflatten(self.spec, self.leaves)
        self.lent = []  # copies of fixed arrays that were handed out, each after its original
        self.wrong = []  # of results compared so far, in words

    def some(self, tree):
        """The leaves that move, in a tuple; the container itself if all do, or if it is not like this one."""
        found, spec = optree.tree_flatten(tree, none_is_leaf=True)
        return tree if all(self.moves) or spec != self.spec else tuple(itertools.compress(found, self.moves))

    def results(self, tree):
        """``some`` of a result, whose fixed leaves are compared as well."""
        found, spec = optree.tree_flatten(tree, none_is_leaf=True)
        if spec == self.spec:
            pairs = zip(found, self.leaves, self.moves, strict=True)
            fixed = [(x, y) for x, y, moves in pairs if not (moves or isinstance(x, jax.core.Tracer))]
            self.wrong += [f"{x!r}, not {y!r}" for x, y in fixed if not _same(x, y)]
        return self.some(tree)

    def whole(self, some, fixed=None):
        """The container again, with copies of what is fixed, or ``fixed(leaf)``."""
        if all(self.moves):
            return some
        moving, fixed = iter(some), fixed or self._lend
        leaves = [next(moving) if moves else fixed(x) for x, moves in zip(self.leaves, self.moves, strict=True)]
        return optree.tree_unflatten(self.spec, leaves)

    def _lend(self, x):
        if not isinstance(x, np.ndarray):
            return x
        self.lent.append((x, x.copy()))
        return self.lent[-1][1]

    def changed(self):
        """What is wrong with fixed arrays that were handed out, in words."""
        return ["changed by the engine" for x, copy in self.lent if not np.array_equal(x, copy)][:1]


def is_moving(x):
    """Whether it is a real or complex number or an array of them. Raises TypeError for a dtype that is not compared."""
    if not (hasattr(x, "dtype") or isinstance(x, (int, float, complex))) or not is_inexact(x):
        return False
    if (name := np.asarray(x).dtype.name) not in ULPS:
        raise TypeError(f"an argument or result has dtype {name}; compared are {', '.join(ULPS)}.")
    return True


def _same(x, y):
    if not hasattr(y, "dtype"):
        return x is y or bool(np.all(x == y))
    return np.asarray(x).dtype.kind == np.asarray(y).dtype.kind and np.array_equal(x, y)


def no_tangent(x):
    return np.zeros(np.shape(x) if hasattr(x, "dtype") else (), jax.dtypes.float0)


class Call:
    """A plain call of a function: the parts of what it is given and of what comes out.

    What the function itself raises bears a note that says so. It gets copies, as it may write into its arguments:
    ``written`` says whether it did.
    """

    def __init__(self, f, args):
        self.function, self.given = f, Parts(args)
        given = lent(self.given.tree)
        try:
            with np.errstate(all="ignore"):
                self.out = Parts(f(*given))
        except Exception as error:
            error.add_note(
                f"{name_of(f)} raises this itself, when it is run plainly at these arguments: no engine ran."
            )
            raise
        self.written = bool(alike(self.given.some(given), self.given.some(self.given.tree)))

    def unsteady(self):
        """What the function gave and what it gives when it is run plainly once more, in words; empty if the same."""
        again = Parts(plainly(self.function, self.given.tree))
        if again.spec != self.out.spec:
            return f"a container {shown(self.out.spec)} and then {shown(again.spec)}"
        pairs = zip(again.leaves, self.out.leaves, self.out.moves, strict=True)
        if any(not moves and not _same(x, y) for x, y, moves in pairs):
            return next(f"{y!r} and then {x!r}" for x, y in zip(again.leaves, self.out.leaves) if not _same(x, y))
        found = alike(again.some(again.tree), self.out.some(self.out.tree))
        return " and then ".join(in_words(found[0])[::-1]) if found else ""

    def found(self, engine, f):
        """What is wrong beside the numbers that are differentiated, with what is held fixed and with the function.

        ``f``: the function as the engine runs it.
        """
        self._held_fixed(engine, f)
        fixed = [Finding(Quantity.VALUE, "", Difference(problem)) for problem in dict.fromkeys(self.out.wrong)]
        if apart := self.unsteady():
            words = (
                f"f gives {apart} when run plainly, before and after the engine: one of them changes what f depends on"
            )
            fixed.append(Finding(Quantity.VALUE, "", Difference(words)))
        return fixed + [Finding("inputs", "", Difference(problem)) for problem in self.given.changed()]

    def _held_fixed(self, engine, f):
        """Compares what the function gives under the engine where nothing is differentiated: integers, texts, None."""
        if all(self.out.moves) or engine.rule or engine.call:
            return
        seen, moving = [], self.given.some(self.given.tree)

        def watched(*moving):
            out = f(*self.given.whole(moving))
            seen.append(optree.tree_flatten(out, none_is_leaf=True))
            return self.out.some(out)

        with np.errstate(all="ignore"):
            engine.vjp(watched, *moving) if engine.vjp else engine.jvp(watched, moving, moving)
        known = (np.ndarray, np.generic, int, float, complex, str, type(None))
        runs = []  # some engines run the function at other points as well
        for leaves, spec in seen:
            pairs = zip(leaves, self.out.leaves, self.out.moves) if spec == self.out.spec else ()
            fixed = [
                (x, y) for x, y, moves in pairs if not moves and isinstance(x, known) and not isinstance(x, Tracer)
            ]
            runs.append(
                [f"f gives {y!r} when run plainly, {x!r} under {engine.name}" for x, y in fixed if not _same(x, y)]
            )
        if runs and all(runs):
            self.out.wrong += runs[0]

    def moving(self, f):
        """``f`` as a function of what moves, to what moves."""
        return lambda *moving: self.out.some(f(*self.given.whole(moving)))

    def problem(self, reference, written, seed, order):
        f = self.moving(reference)
        given = vectors(f, self.given.some(self.given.tree), seed)
        return Problem(f, given, order, written and self.moving(written), writes=bool(self.written))
