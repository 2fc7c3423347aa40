"""What is folded: the rounds of a loop, and the middle of what is still too long."""

from typing import NamedTuple

LEAST, LONGEST = 4, 60  # rounds that make a loop, and steps in one of them


class Fold(NamedTuple):
    """Steps that are shown as one: from the first to the last number; ``rounds``: 0 if not those of a loop."""

    first: int
    last: int
    rounds: int


def loops(keys):
    """The folds of a run whose steps are alike where their keys are: all rounds of a loop but the first and last."""
    folds, at = [], 0
    while at < len(keys):
        found = ((period, _rounds(keys, at, period)) for period in range(1, LONGEST + 1))
        period, rounds = max(found, key=lambda x: (x[0] * x[1] if x[1] >= LEAST else 0, -x[0]))
        if rounds < LEAST:
            at += 1
            continue
        folds.append(Fold(at + period + 1, at + (rounds - 1) * period, rounds - 2))
        at += rounds * period
    return folds


def _rounds(keys, at, period):
    """How often the stretch of this length is there, one after another."""
    stretch, n = keys[at : at + period], 1
    while len(stretch) == period and keys[at + n * period : at + (n + 1) * period] == stretch:
        n += 1
    return n


def within(count, folds, most):
    """The folds with one more in the middle, if more than ``most`` of the steps would be left."""
    hidden = {k for fold in folds for k in range(fold.first, fold.last + 1)}
    shown = [k for k in range(1, count + 1) if k not in hidden]
    if len(shown) + len(folds) <= most:
        return folds
    first, last = shown[most // 2 - 1] + 1, shown[-(most // 2 - 1)] - 1
    outside = [fold for fold in folds if fold.last < first or fold.first > last]
    return sorted([*outside, Fold(first, last, 0)])
