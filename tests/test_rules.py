"""Every rule at every case of the catalogue against JAX: both modes, and second order in all four mixes.

One test per function and dtype: JAX's answers for all its cases are compiled as one program. In float64 each, to second
order what has a derivative of its own: what is rewritten in others has theirs. Of complex128 a fifth is taken here and
of the narrow dtypes a sixteenth, to first order; ``scratch-ad check`` does it all. Values are compared with NumPy's in
test_values.py.
"""

import numpy as np
import optree
import pytest

import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.measure.derivatives import inner
from jax_ref.sweep import runs, sweep
from scratch_ad.registry import Derivative, rule_of

EVERY = {"float64": 1, "complex128": 5}  # the others: 16
UNITS = [unit for k, unit in enumerate(sweep.units()) if k % EVERY.get(unit.dtype, 16) == 0]


@pytest.mark.parametrize("unit", UNITS, ids="-".join)
def test_rule(unit):
    own = isinstance(rule_of.get(unit.cases()[0].function), Derivative)
    order = 2 if own and unit.dtype == "float64" else 1
    wrong = [str(result) for result in runs.run(unit, order=order) if not result.ok]
    assert not wrong, "\n".join(wrong)


def central_difference(f, primals, tangents):
    """The derivative of each result of ``f``, with an error of some 1e-9."""
    moved = ([x + h * t for x, t in zip(primals, tangents, strict=True)] for h in (1e-6, -1e-6))
    after, before = (optree.tree_leaves(f(*x)) for x in moved)
    return [(a - b) / 2e-6 for a, b in zip(after, before, strict=True)]


@pytest.mark.parametrize("case", [case for case in catalogue if case.differs], ids=str)
def test_rule_where_jax_is_not_the_reference(case):
    """Against central differences: the first order against that of the function, the second of our pullback."""
    f, (primals, tangents, _, cotangent, _) = case.function_in(), runs.problem(case, case.dtypes[-1]).vectors
    for g in [f, lambda *x: scratch_ad.vjp(f, *x)[1](cotangent)][: case.orders]:
        found = optree.tree_leaves(scratch_ad.jvp(g, primals, tangents)[1])
        for t, expected in zip(found, central_difference(g, primals, tangents), strict=True):
            np.testing.assert_allclose(t, expected, rtol=1e-6, atol=1e-7)
    y, (of_jvp, t), (of_vjp, pullback) = f(*primals), scratch_ad.jvp(f, primals, tangents), scratch_ad.vjp(f, *primals)
    for value in (of_jvp, of_vjp):
        for found, expected in zip(optree.tree_leaves(value), optree.tree_leaves(y), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
    t, g = map(optree.tree_leaves, (t, cotangent))
    assert abs(inner(g, t) - inner(pullback(cotangent), tangents)) < 1e-12


def test_of_equal_elements_of_a_set_the_first_is_selected():
    x, y = np.array([3.0, 1.0, 3.0, 1.0, np.nan, np.nan]), np.array([1.0, 4.0, 4.0])
    for f, expected_x, expected_y in (
        (lambda x, y: np.unique(x, return_index=True)[0][:2], [20, 10, 0, 0, 0, 0], [0, 0, 0]),
        (lambda x, y: np.intersect1d(x, y), [0, 10, 0, 0, 0, 0], [0, 0, 0]),
        (lambda x, y: np.union1d(x, y)[:3], [20, 10, 0, 0, 0, 0], [0, 30, 0]),
        (lambda x, y: np.setdiff1d(x[:4], y), [10, 0, 0, 0, 0, 0], [0, 0, 0]),
        (lambda x, y: np.setxor1d(x[:4], y), [10, 0, 0, 0, 0, 0], [0, 20, 0]),
    ):
        value, pull = scratch_ad.vjp(f, x, y)
        np.testing.assert_array_equal(value, f(x, y))
        found = pull(np.arange(10.0, 10.0 * (len(value) + 1), 10.0))
        assert [c.tolist() for c in found] == [expected_x, expected_y]


def test_the_derivatives_of_eigenvalues_stand_in_the_order_of_the_eigenvalues():
    """LAPACK finds those of a large matrix in another order when it is not asked for the vectors too."""
    a = np.random.default_rng(0).normal(size=(200, 200))
    w, t = scratch_ad.jvp(np.linalg.eigvals, (a,), (a,))
    np.testing.assert_allclose(t, w)
