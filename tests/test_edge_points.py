"""The points at which derivatives go wrong: right in both modes, and in all four mixes of second order."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats
from test_known_bugs import MODES

from jax_ref.cases.edge_points import EDGE_POINTS
from scratch_ad import jacfwd, jacrev
from scratch_ad.scipy import linalg, special


class Either:
    """SciPy's functions as users reach them: those that tracers cannot enter from ``scratch_ad.scipy``."""

    def __init__(self, ours, scipys):
        self.modules = ours, scipys

    def __getattr__(self, name):
        return next(getattr(module, name) for module in self.modules if hasattr(module, name))


SCIPY = SimpleNamespace(linalg=Either(linalg, scipy.linalg), special=Either(special, scipy.special), stats=scipy.stats)


def function_of(point, k):
    """The expression as a function of its argument ``k`` alone."""
    f = eval(f"lambda {', '.join('ab'[: len(point.point)])}: {point.expression}", {"np": np, "scipy": SCIPY})
    arguments = [np.array(x)[()] for x in point.point]
    return (lambda x: f(*arguments[:k], x, *arguments[k + 1 :])), arguments[k]


def derivatives(point, k, order):
    """By the names of the modes, the first one the innermost."""
    f, x = function_of(point, k)
    for modes in itertools.product(MODES, repeat=order):
        derivative = f
        for mode in modes:
            derivative = MODES[mode](derivative)
        with np.errstate(all="ignore"):  # of the function itself
            yield modes, np.asarray(derivative(x))


@pytest.mark.parametrize("point", EDGE_POINTS, ids=lambda p: f"{p.expression} at {p.point}")
def test_edge_point(point):
    if point.exception and point.ours is None:
        for k in range(len(point.point)):
            with pytest.raises((TypeError, NotImplementedError, IndexError)):
                list(derivatives(point, k, 1))
        return
    for k, expected in enumerate(point.ours or point.derivative):
        got = list(derivatives(point, k, 1))
        for modes, d in got:
            close(d, got[0][1] if expected is None else expected, modes)
    if point.second is not None:
        for modes, d in derivatives(point, 0, 2):
            close(d, point.second, modes)


def close(got, expected, modes):
    """To rounding; of an array to that of its largest element."""
    expected = np.array(expected)
    assert got.shape == expected.shape, modes
    largest = np.max(np.abs(expected[np.isfinite(expected)]), initial=0)
    rounding = 1e-14 * (largest or 1.0) if got.ndim else 0.0
    np.testing.assert_allclose(got, expected, rtol=2e-14, atol=rounding, err_msg=" over ".join(reversed(modes)))


@pytest.mark.parametrize("diagonal", [(0, 0, 0), (2, 2, 0)], ids=str)
def test_third_derivative_of_det(diagonal):
    """Of three rows, whatever the rank: the determinant of the three matrices of a single one, added up."""
    units = np.eye(9).reshape(9, 3, 3)
    expected = np.array([[[np.linalg.det(a + b + c) for c in units] for b in units] for a in units])
    expected[np.max(units[:, None, None] + units[:, None] + units, (-2, -1)) > 1] = 0
    for modes in itertools.product((jacfwd, jacrev), repeat=3):
        derivative = np.linalg.det
        for mode in modes:
            derivative = mode(derivative)
        got = derivative(np.diag(np.array(diagonal, float)))
        np.testing.assert_allclose(got.reshape(9, 9, 9), expected, atol=1e-14)


def test_points_are_told_apart():
    assert len({(p.expression, repr(p.point)) for p in EDGE_POINTS}) == len(EDGE_POINTS)
    assert all(len(p.derivative) == len(p.point) and bool(p.exception) >= (p.ours is not None) for p in EDGE_POINTS)
