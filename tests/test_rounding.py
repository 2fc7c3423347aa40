"""What the rounding of intermediate results does to JAX's answers."""

import jax
import jax.numpy as jnp
import numpy as np
import optree
import pytest

import jax_ref
import scratch_ad
from jax_ref.engines.ready import Engine
from jax_ref.measure.rounding import shaken
from jax_ref.referee import judge


def network(weights, x):
    for w in weights:
        x = np.tanh(x @ w)
    return x


def saturated(seed, dtype):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(16, 16)) * 3).astype(dtype) for _ in range(6)], rng.normal(size=(4, 16)).astype(dtype)


def test_what_is_left_of_a_difference_moves_and_an_exact_result_does_not():
    slope = lambda x: (1 - jnp.tanh(x) ** 2, jnp.where(x > 0, 2.0, x).reshape(1))
    moved = [shaken(slope, jnp.float64(9.0), seed) for seed in range(4)]
    assert len({float(m[0]) for m in moved}) == 4 and all(abs(m[0]) < 1e-6 for m in moved)
    assert all(m[1] == 2.0 for m in moved)


def test_numbers_that_are_equal_stay_equal():
    x = jnp.array([0.7, -0.7, 0.7])
    of_largest = jax.grad(lambda x: jnp.max(jnp.abs(3 * x)))
    np.testing.assert_array_equal(shaken(lambda x: of_largest(x) != 0, x, 1), [True, True, True])
    np.testing.assert_array_equal(shaken(lambda x: 3 * x - x * 3, x, 1), 0)


def test_a_case_of_each_dtype():
    for dtype in (np.float16, np.float32, np.float64, np.complex64, np.complex128):
        x = jnp.asarray(np.linspace(1, 2, 6).reshape(2, 3), dtype)
        moved = shaken(lambda x: x * x, x, 0)
        assert moved.dtype == dtype and moved.shape == (2, 3)
        error = np.abs(moved / np.asarray(x * x) - 1)
        assert np.all(error < 2 * np.sqrt(np.finfo(dtype).eps)) and np.any(error > 0)
        np.testing.assert_array_equal(shaken(lambda x: jnp.array([0, np.inf, np.nan], x.dtype) * 1, x, 0)[:1], 0)


@pytest.mark.parametrize(("seed", "dtype"), [(0, np.float32), (3, np.float32), (0, np.float64), (1, np.float64)])
def test_a_saturated_network_is_right(seed, dtype, monkeypatch):
    """Also where the sum of all cotangents, of numbers far from any kink, has few digits."""
    monkeypatch.setattr(judge, "EVALUATED", 10 * judge.EVALUATED)
    assert jax_ref.check(network, *saturated(seed, dtype)).ok


def test_an_error_of_a_hundredth_in_it_is_found():
    def vjp(f, *primals):
        y, pullback = scratch_ad.vjp(f, *primals)
        return y, lambda g: optree.tree_map(lambda c: 1.01 * c, pullback(g))

    with pytest.raises(AssertionError, match=r"ratio 1\.01"):
        jax_ref.check(network, *saturated(0, np.float64), engine=Engine("wrong", vjp=vjp, order=1))
