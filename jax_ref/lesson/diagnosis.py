"""What kind of mistake a wrong answer shows: one that is often made, or one of the suite's kinds."""

import numpy as np
import optree

from ..measure.hints import Witness, hint
from ..measure.vectors import Vectors
from .answer import answers_of
from .mistakes import MISTAKES
from .properties import near, numbers
from .start import solution


class Diagnosis:
    """What the wrong ones of these answers to a task's calls mean."""

    def __init__(self, task, checks, answers):
        self.checks, self.answers = checks, answers
        self._often = []  # of each mistake that is often made: its words, and which of the answers it gives too
        for mistake in MISTAKES[task.number]:
            names = {"__name__": "solution"}
            exec(solution(task).replace(mistake.old, mistake.new), names)
            theirs = answers_of(names, [check.call for check in checks])
            self._often.append((mistake.words, [*map(_alike, answers, theirs, checks)]))
        self._often.sort(key=lambda of: -sum(of[1]))

    def words(self, part, k, found, told):
        """What the ``Difference`` of the ``k``-th call of this part means; empty where nothing is known.

        ``told``: whether what the check says of any difference counts.
        """
        checks, answers = self.checks[part], self.answers[part]
        check, given = checks[k], answers[k]
        got, spec = numbers(given.value), optree.tree_structure(check.expected)
        leaves = optree.tree_leaves(got)
        if not leaves or any(map(np.any, leaves)):  # zero may mean anything
            for words, alike in self._often:
                if all(alike[part]):
                    return words
        if optree.tree_structure(got) == spec:
            for mistake, words in check.mistakes:
                if all(near(a, np.asarray(b)) for a, b in zip(leaves, optree.tree_leaves(mistake))):
                    return words
        if check.says and told:
            return check.says
        others = [(c, a) for c, a in zip(checks, answers, strict=True) if c is not check and not a.status]
        shapes = lambda tree: [np.shape(x) for x in optree.tree_leaves(tree)]
        witnesses = [
            _witness(c, a)
            for c, a in [(check, given), *others]
            if optree.tree_structure(numbers(a.value)) == spec and shapes(c.expected) == shapes(check.expected)
        ]
        return hint(found, witnesses or [_witness(check, given)])


def _alike(one, other, check):
    if one.status or other.status:
        return one.status == other.status
    (a, of), (b, like) = optree.tree_flatten(numbers(one.value)), optree.tree_flatten(numbers(other.value))
    return of == like and all(near(x, y, check.within) for x, y in zip(a, b))


def _witness(check, given):
    """For hints; of what is right to few digits, only these are looked at."""
    got, expected = numbers(given.value), check.expected
    if check.within and check.within > 1e-8:
        got, expected = optree.tree_map(lambda x: np.asarray(x, np.float32), (got, expected))
    return Witness(got, expected, (), Vectors(check.primals, (), (), check.cotangent, ()))
