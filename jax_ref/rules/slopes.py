"""Slopes of a function of one number by one-sided differences, extrapolated, each with a bound of its error.

Of quotients at steps that shrink, each combination that cancels a further power of the step is tried, and that is taken
which differs least from its neighbours (Ridders 1982; Press et al., Numerical Recipes, 3rd edition, section 5.7). What
a function is uncertain by, as the result of an iteration is by where that stops, is read off its sixth differences,
which hold nothing else (Moré and Wild, Estimating Computational Noise, SIAM J. Sci. Comput. 33, 2011).
"""

import math
from typing import NamedTuple

import numpy as np

STEPS = 10
ORDER, POINTS = 6, 10  # of the differences that tell what a function is uncertain by


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
    rows, best, bound = [], np.nan, np.inf
    uncertain = _uncertain([float(function(step * k / (2 * POINTS))) for k in range(1, POINTS + 1)])
    for k in range(STEPS):
        h = step / 2**k
        value = float(function(h))
        row = [(value - start) / h]
        noise = (4 * eps * max(abs(value), abs(start)) + 8 * uncertain) / abs(h)
        for m in range(1, len(rows) + 1):  # cancels the m-th power of the step
            row.append(row[m - 1] + (row[m - 1] - rows[-1][m - 1]) / (2**m - 1))
            error = max(abs(row[m] - row[m - 1]), abs(row[m] - rows[-1][m - 1])) + noise
            if error < bound:
                best, bound = row[m], error
        rows.append(row)
    return (best, 2 * bound) if np.isfinite(best) else (np.nan, np.nan)


def _uncertain(values):
    """By how much each of these values at equal distances scatters around a smooth function."""
    scatter = np.abs(np.diff(values, ORDER)) / math.sqrt(math.comb(2 * ORDER, ORDER))
    return float(np.max(scatter, initial=0.0, where=np.isfinite(scatter)))
