"""Extrapolated differences: the limit of their quotients with a bound of its error, and the noise of a function.

All differences that stand in for somebody's derivative here rest on these: ``plain_runs`` along one direction,
``by_differences`` for each element, and those of the rules of a project to either side. Of quotients at steps that
shrink, each combination that cancels a further power of the step is tried, and that is taken for which its neighbours
and its share of the noise leave the least error (Ridders, Accurate computation of F′(x) and F′(x)F″(x), 1982; Press et
al., Numerical Recipes, 3rd edition, section 5.7). The noise is what differences of high order hold, which smooth
functions leave next to nothing in (Moré and Wild, Estimating Computational Noise, SIAM J. Sci. Comput. 33, 2011).
"""

from typing import NamedTuple

import numpy as np

STEPS, DENSE = 10, 2.0  # to one side: how many steps, and of a step to the next
ORDER, POINTS = 6, 10  # of the differences that tell the noise there
SPARSE = 4.0  # to both sides: of a step to the next
NEAR = 4  # how many of the smallest steps tell the noise there


class Slopes(NamedTuple):
    """The slopes on either side, nan where the function has no number there, and a bound of the error of both."""

    left: float
    right: float
    bound: float

    def allows(self, slope, tolerance, size):
        """Whether this may be the derivative: that of a side, or between both at a kink. None where nobody knows.

        ``tolerance``: of the slope's own rounding. ``size``: of slopes that count; a bound that is wider than a small
        part of that and of the slopes themselves tells nothing.
        """
        sides = [side for side in (self.left, self.right) if np.isfinite(side)]
        if not sides or not np.isfinite(self.bound):
            return None
        slack = self.bound + tolerance
        if slack > 0.02 * max(abs(slope), min(map(abs, sides)), size):
            return None
        beyond = max(min(sides) - slope, slope - max(sides))
        return True if beyond <= slack else False if beyond > 3 * slack else None

    def __str__(self):
        sides = [side for side in (self.left, self.right) if np.isfinite(side)]
        if not sides:
            return "unknown"
        if len(sides) == 2 and abs(self.left - self.right) > 2 * self.bound:
            return f"left {self.left:.6g}, right {self.right:.6g}"
        return f"{np.mean(sides):.8g} ± {self.bound:.1g}"


def slopes(function, scale, eps):
    """The ``Slopes`` at 0 of a function of one number, smooth over ``scale`` and with relative errors of ``eps``."""
    start = float(function(0.0))
    (left, left_bound), (right, right_bound) = (_slope(function, start, side * scale, eps) for side in (-1, 1))
    bounds = [bound for bound in (left_bound, right_bound) if np.isfinite(bound)]
    return Slopes(left, right, max(bounds, default=np.nan))


def _slope(function, start, step, eps):
    """The slope of one side and a bound of its error; nan where the function has no number there."""
    even = step * np.arange(1, POINTS + 1) / (2 * POINTS)
    uncertain = scatter(even, np.array([float(function(h)) for h in even]), ORDER)
    steps = step / DENSE ** np.arange(STEPS)
    values = np.array([float(function(h)) for h in steps])
    noise = eps * np.maximum(np.abs(values), abs(start)) + 2 * uncertain
    best, bound = limit((values - start) / steps, noise / np.abs(steps), DENSE)
    return (float(best), 2 * float(bound)) if np.isfinite(best) else (np.nan, np.nan)


def central(steps, start, after, before, rounding):
    """The slopes by central differences, their error bounds, and the noise of the values, at least ``rounding``.

    ``start``: the values at 0, ``after`` and ``before``: those at each step to either side, a row each; a step is a
    ``SPARSE``-th of the one before. Where the value at 0 is not that beside it, there is no slope.
    """
    h = steps.reshape(-1, *[1] * start.ndim)
    nodes = np.array([0.0, *steps[: -NEAR - 1 : -1]])
    even = np.array([start, *(after + before)[: -NEAR - 1 : -1] / 2])  # a parabola, or a kink
    around, beside = (
        np.maximum(np.sqrt(2) * np.minimum(scatter(x**2, y, 2), scatter(x, y, 2)), rounding)
        for x, y in ((nodes, even), (nodes[1:], even[1:]))
    )
    jump, vague = limit((after + before) / 2 - start, np.broadcast_to(beside, after.shape), SPARSE)
    slope, error = limit((after - before) / (2 * h), around / h, SPARSE**2)
    return slope, np.where(np.abs(jump) > 4 * vague, np.inf, error), around


def limit(rows, noise, ratio):
    """The limit of rows whose errors fall by powers of ``ratio``, and its error bound: the best of Ridders' table.

    What larger steps agree on counts only as far as smaller ones do not contradict it: they may have stepped over all.
    """
    best, least = np.full(rows.shape[1:], np.nan, rows.dtype), np.full(rows.shape[1:], np.inf)
    column, witnesses = rows, None
    for m in range(1, min(len(rows), 6)):
        factor = ratio**m
        finer = (factor * column[1:] - column[:-1]) / (factor - 1)
        error = np.maximum(np.abs(finer - column[1:]), np.abs(finer - column[:-1])) + 4 * noise[m:]
        error[:-1] = np.maximum(error[:-1], np.abs(np.diff(finer, axis=0)))  # which betrays one that agrees by chance
        witnesses = witnesses or (finer, error)
        for k in range(len(finer)):
            apart = [np.abs(finer[k] - x) - e for x, e in zip(*(w[k + m :] for w in witnesses), strict=True)]
            error[k] = np.max([error[k], *(np.where(np.isfinite(a), a, 0) for a in apart)], axis=0)
        error = np.where(np.isfinite(finer) & np.isfinite(error), error, np.inf)
        k = np.argmin(error, axis=0)[None]
        e, x = np.take_along_axis(error, k, 0)[0], np.take_along_axis(finer, k, 0)[0]
        best, least = np.where(e < least, x, best), np.minimum(e, least)
        column = finer
    return best, least


def scatter(nodes, values, order):
    """By how much values at these nodes, outputs in rows, scatter around a function that is smooth between them.

    The largest of their differences of this ``order``, each as large as the noise of one value: the sum of the squares
    of its weights is 1.
    """
    found = [np.zeros(values.shape[1:])]
    for k in range(len(nodes) - order):
        x = nodes[k : k + order + 1]
        weights = 1 / np.prod(np.subtract.outer(x, x) / np.ptp(x) + np.eye(order + 1), axis=1)
        found.append(np.abs(np.tensordot(weights / np.linalg.norm(weights), values[k : k + order + 1], 1)))
    return np.max(found, axis=0, where=np.isfinite(found), initial=0.0)
