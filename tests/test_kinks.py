"""What is right at a kink: all between the slopes of both sides, in each element, whatever else is in the array."""

import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.checks.check import check_jvp, check_vjp

pytestmark = pytest.mark.usefixtures("unvaried")


INF = np.inf
FUNCTIONS = {  # where its kink is, and how each element's slope follows from one of 0 to 1 between both sides
    "abs": (np.abs, 0.0, lambda x, s: np.where(x == 0, 2 * s - 1, np.sign(x))),
    "relu": (lambda x: np.maximum(x, 0), 0.0, lambda x, s: np.where(x == 0, s, x > 0)),
    "relu by where": (lambda x: np.where(x > 0, x, 0 * x), 0.0, lambda x, s: np.where(x == 0, s, x > 0)),
    "leaky": (
        lambda x: np.maximum(x, 0.25 * x),
        0.0,
        lambda x, s: np.where(x == 0, 0.25 + 0.75 * s, np.where(x > 0, 1, 0.25)),
    ),
    "clip": (lambda x: np.clip(x, -2, 3), 3.0, lambda x, s: np.where(x == 3, 1 - s, (x > -2) & (x < 3))),
    "hinge": (lambda x: np.maximum(1 - x, 0), 1.0, lambda x, s: np.where(x == 1, s - 1, np.where(x < 1, -1, 0))),
    "minimum": (lambda x: np.minimum(x, 2 * x), 0.0, lambda x, s: np.where(x == 0, 2 - s, np.where(x < 0, 2, 1))),
    "piecewise": (
        lambda x: np.piecewise(x, [x < 1], [lambda x: 3 * x, lambda x: 4 - x]),
        1.0,
        lambda x, s: np.where(x == 1, 3 - 4 * s, np.where(x < 1, 3, -1)),
    ),
}
BESIDE = [(), (-1.0,), (-INF, -1.0), (INF, -1.0), (INF, -INF), (1e300, 1e-300), (-1e300, 0.0), (np.nan, 0.5)]


def rules(f, slope, at):
    def vjp(x):
        return f(x), lambda g: ((g * slope(x, at)).astype(x.dtype),)

    def jvp(primals, tangents):
        (x,), (t,) = primals, tangents
        return f(x), (t * slope(x, at)).astype(x.dtype)

    return vjp, jvp


CASES = [("abs", beside) for beside in BESIDE[::2]]
CASES += [(name, BESIDE[1 + k % 7]) for k, name in enumerate(FUNCTIONS) if name != "abs"]


@pytest.mark.parametrize(("name", "beside", "side"), [(*case, k % 2) for k, case in enumerate(CASES)], ids=str)
def test_between_the_sides_all_is_right_and_nothing_outside(name, beside, side):
    f, kink, slope = FUNCTIONS[name]
    x = np.array([kink, *beside])
    my_vjp, _ = rules(f, slope, side if beside else 0.3)
    assert check_vjp(my_vjp, f, x).ok
    _, my_jvp = rules(f, slope, 0.7)
    assert check_jvp(my_jvp, f, x).ok
    my_vjp, _ = rules(f, slope, -0.2)
    with pytest.raises(AssertionError, match=r"JAX is right|neither is right"):
        check_vjp(my_vjp, f, x)
    _, my_jvp = rules(f, slope, 1.2)
    with pytest.raises(AssertionError, match=r"JAX is right|neither is right"):
        check_jvp(my_jvp, f, x)


def shared(weights):
    """Cotangents of the largest number where several are: by these weights."""

    def my_vjp(x):
        tied = x == np.max(x)
        share = np.zeros_like(x)
        share[tied] = np.resize(weights, tied.sum())
        return np.max(x), lambda g: (g * share,)

    return my_vjp


@pytest.mark.parametrize("beside", [(), (-INF, 1.0)], ids=str)
def test_ties_of_the_largest_number(beside):
    x = np.array([2.0, 2.0, *beside])
    for weights in ((1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (0.25, 0.75)):
        assert check_vjp(shared(weights), np.max, x, vary=False).ok
    for weights in ((1.0, 1.0), (0.0, 0.0), (1.2, -0.2)):
        with pytest.raises(AssertionError, match=r"JAX is right|neither is right|not their sum"):
            check_vjp(shared(weights), np.max, x, vary=False)


@pytest.mark.parametrize("beside", [(), (INF, 0.5)], ids=str)
def test_ties_in_a_sort(beside):
    """Of two equal numbers either may be the first."""
    x = np.array([2.0, *beside, 2.0])

    def by(order):
        def my_vjp(x):
            places = order(x)
            return np.sort(x), lambda g: (g[np.argsort(places)],)

        return my_vjp

    stable = lambda x: np.argsort(x, kind="stable")
    assert check_vjp(by(stable), np.sort, x).ok
    assert check_vjp(by(lambda x: len(x) - 1 - np.argsort(x[::-1], kind="stable")), np.sort, x).ok
    if beside:  # two alone are right in either order
        with pytest.raises(AssertionError):
            check_vjp(by(lambda x: stable(x)[::-1]), np.sort, x)


@pytest.mark.parametrize("program", [lambda x: np.sort(x, 0), lambda x: np.median(x, 0)])
def test_equal_numbers_in_the_middle(program):
    """Their slope along a direction is one of the numbers there, to both sides, and no sum of those along each."""
    x = np.ones((3, 3))
    x[:, 0] = 1, 3, 2
    assert jax_ref.check(program, x, reference=program, reference_by="differences").ok
    twice = scratch_ad.elementwise(lambda x: x + 0, lambda x: 2 + 0 * x)
    with pytest.raises(AssertionError):
        jax_ref.check(
            lambda x: [program(x), twice(x)], x, reference=lambda x: [program(x), x + 0], reference_by="differences"
        )


@pytest.mark.parametrize("method", ["linear", "hazen", "weibull", "interpolated_inverted_cdf"])
@pytest.mark.parametrize("function", [np.quantile, np.nanquantile])
def test_a_quantile_at_an_element_has_the_slope_of_a_side(function, method):
    """It was 0, as JAX has it: the place there and the next one were the same."""
    a = np.array([0.886, 1.941, -1.611, 1.252, -0.476])
    f = lambda q: function(a, q, method=method)
    for q in (0.0, 0.1, 0.25, 0.5, 0.6, 0.75, 0.8, 0.9, 1.0):
        left, right = ((f(np.clip(q + h, 0, 1)) - f(q)) / h for h in (-1e-6, 1e-6))
        sides = [right] if q == 0 else [left] if q == 1 else [left, right]
        assert np.min(np.abs(scratch_ad.grad(f)(q) - sides)) < 1e-6
