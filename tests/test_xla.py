"""What XLA counts for our compiled derivatives, beside JAX's own: exact, and the same on each run."""

import _xla
import jax
import numpy as np
import pytest

import jax_ref
import scratch_ad

LEFT_TO_THE_BENCH = {
    *("ODE, Runge-Kutta, 4 steps", "wave equation, 8 steps"),  # unrolled: as long as twenty others
    *("trimmed squares, by sorting", "determinant", "nuclear norm, by svd"),  # fused otherwise here (conftest.py)
}


@pytest.mark.parametrize("name", [name for name in _xla.PROGRAMS if name not in LEFT_TO_THE_BENCH])
def test_compiled_derivatives_cost_no_more_than_those_of_jax(name):
    ours, theirs = _xla.counts(name)
    *most, _ = _xla.limits(name)
    spare = 1 if jax.__version__.startswith("0.10.") else 1.3  # of whose XLA the limits are; others fuse otherwise
    assert ours[0] <= most[0] * theirs[0] * spare
    assert ours[1] <= most[1] * theirs[1] * spare


def test_every_limit_of_its_own_is_that_of_a_program_and_has_a_reason():
    assert _xla.PROGRAMS.keys() >= _xla.EXCEPTIONS.keys() | {*_xla.QUICK, *LEFT_TO_THE_BENCH}
    assert all(reason for *_, reason in _xla.EXCEPTIONS.values())


@pytest.mark.parametrize("dtype", [float, complex])
def test_stacks_of_matrices_are_factored_as_numpy_does(dtype):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 4, 4)) + (1j if dtype is complex else 0) * rng.normal(size=(3, 4, 4))

    def f(a):
        s = a @ np.conjugate(a.mT) + np.eye(4)
        q, r = np.linalg.qr(a)
        y = np.sum(np.abs(np.linalg.cholesky(s)) ** 3) + np.sum(np.linalg.slogdet(s)[1]) + np.sum((q * q).real)
        y += np.sum((np.linalg.solve(a, s[0, :, :2]) ** 2).real) + np.sum(np.abs(np.linalg.solve(a[0], s)))
        return y + np.sum(np.abs(r) ** 3) + np.sum(np.tanh(a).real) + np.sum(np.cumsum(np.abs(a), 1) ** 2)

    gradient = scratch_ad.grad(f)
    np.testing.assert_allclose(jax_ref.jit(gradient)(a), gradient(a), rtol=1e-10, atol=1e-10)


def test_a_factorisation_counts_with_its_flops():
    (flops, _), _ = _xla.counts("log determinant")
    n = 40
    assert 0 < flops - 2 / 3 * n**3 - 2 * n * n * n < 8 * n * n  # one LU, two triangular systems of n columns


def test_table_has_a_row_per_program(monkeypatch):
    monkeypatch.setattr(_xla, "QUICK", ("Rosenbrock",))
    (row,) = _xla.rows(True)
    assert row["program"] == "Rosenbrock"
    assert 0 < row["flops ÷ JAX"] <= row["at most"]
    assert min(row["call ÷ JAX"], row["tracing and lowering ÷ JAX"]) > 0
