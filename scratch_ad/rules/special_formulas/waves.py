"""Mathieu and spheroidal functions, whose second derivatives the equation gives: DLMF, chapters 28 and 30."""

import numpy as np

from .cancellation import DEGREE


def mathieu(y, a, q, x):
    """Both slopes per degree; the second output is the first's slope per radian."""
    return y[1] * DEGREE, (2 * q * np.cos(2 * DEGREE * x) - a) * y[0] * DEGREE


def modified_mathieu(y, a, q, x):
    return y[1], (a - 2 * q * np.cosh(2 * x)) * y[0]


def _spheroidal(sign, turn):
    """The second derivative from 30.2.1: ((1 − s x²) y')' + (λ − s c² x² − …) y = 0 and its relatives."""

    def slopes(y, m, c, eigenvalue, x):
        f, slope = y
        k = 1 - turn * np.square(x)
        second = 2 * turn * x * slope - turn * (eigenvalue - sign * np.square(c * x)) * f
        return slope, (second + turn * np.square(m) / k * f) / k

    return slopes


prolate, oblate, oblate_radial = _spheroidal(1, 1), _spheroidal(-1, 1), _spheroidal(1, -1)
