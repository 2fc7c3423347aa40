"""Every rule at every case of the catalogue against JAX: both modes, and second order in all four mixes.

One test per function and dtype: JAX's answers for all its cases are compiled as one program.
"""

import numpy as np
import pytest

import scratch_ad
from jax_ref import sweep
from jax_ref.cases import catalogue
from jax_ref.compare import mismatch
from jax_ref.measure import inner


@pytest.mark.parametrize("unit", sweep.units(), ids="-".join)
def test_rule(unit):
    wrong = [str(result) for result in sweep.run(unit) if not result.ok]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("unit", sweep.units(), ids="-".join)
def test_the_value_is_that_of_numpy(unit):
    for case in unit.cases():
        f, primals = case.function_in(), case.draw(unit.dtype)
        with np.errstate(all="ignore"):
            # an input that is copied has another layout, which may change NumPy's order of summation
            for of_ours in (scratch_ad.vjp(f, *primals)[0], scratch_ad.jvp(f, primals, primals)[0]):
                assert not mismatch(of_ours, f(*primals), condition=4.0), case


@pytest.mark.parametrize("case", [case for case in catalogue if case.differs], ids=str)
def test_rule_where_jax_is_not_the_reference(case):
    """Against a central difference, whose step of 1e-6 leaves an error of 1e-9."""
    f, (primals, tangents, _, cotangent, _) = case.function_in(), sweep.problem(case, "float64").vectors
    after, before = (f(*(x + h * t for x, t in zip(primals, tangents, strict=True))) for h in (1e-6, -1e-6))
    _, t = scratch_ad.jvp(f, primals, tangents)
    np.testing.assert_allclose(t, (after - before) / 2e-6, rtol=1e-7, atol=1e-7)
    pulled = scratch_ad.vjp(f, *primals)[1](cotangent)
    assert abs(inner([cotangent], [t]) - inner(pulled, tangents)) < 1e-12
