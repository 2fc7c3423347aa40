"""Public bugs of other libraries as regression cases: right here in both modes, at first and at second order."""

import itertools

import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.cases.known_bugs import KNOWN_BUGS
from scratch_ad import jacfwd, jacrev

DIGITS = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-9, "complex128": 1e-9}  # of the values as reported


def forward(f):
    """The Jacobian by forward mode; of complex numbers ∂f/∂x − i ∂f/∂y."""

    def derivative(x):
        if not np.iscomplexobj(x):
            return jacfwd(f)(x)
        return scratch_ad.jvp(f, (x,), (1 + 0j,))[1] - 1j * scratch_ad.jvp(f, (x,), (1j,))[1]

    return derivative


def reverse(f):
    def derivative(x):
        return scratch_ad.grad(f)(x) if np.iscomplexobj(x) else jacrev(f)(x)

    return derivative


MODES = {"forward": forward, "reverse": reverse}
ORDERS = {"grad": 1, "jac": 1, "d2": 2, "hess": 2, "jachess": 2, "jacd2": 2}


@pytest.mark.parametrize("bug", KNOWN_BUGS, ids=lambda bug: bug.id)
def test_known_bug(bug):
    f, x = bug.function(), bug.point()
    for modes in itertools.product(MODES, repeat=ORDERS[bug.what]):
        derivative = f
        for mode in modes:
            derivative = MODES[mode](derivative)
        if bug.exception and bug.ours is None:
            with pytest.raises(NotImplementedError, match=bug.exception):
                derivative(x)
            continue
        with np.errstate(all="ignore"):  # of the function itself
            got = derivative(x)
        check(bug, np.asarray(got), x, " over ".join(reversed(modes)))


def check(bug, got, x, modes):
    dtype = np.result_type(x).name
    if bug.ours is not None:
        expected = np.array(bug.ours)
    elif bug.expected is None:
        expected = jax_ref.hessian(bug.function())(x) if bug.what == "hess" else jax_ref.jacrev(bug.function())(x)
    else:
        expected = np.array(bug.expected)
    if np.iscomplexobj(x):
        got = np.array([got.real, got.imag])
    elif bug.what == "grad":
        got = got.sum(axis=tuple(range(got.ndim - np.ndim(x))))
        assert got.dtype == dtype, f"{bug.id}: {modes} mode"
    rounding = 4 * np.finfo(dtype).eps * np.max(np.abs(expected[np.isfinite(expected)]), initial=0)
    np.testing.assert_allclose(got, expected, rtol=DIGITS[dtype], atol=rounding, err_msg=f"{bug.id}: {modes} mode")


def test_bugs_are_told_apart():
    assert len({bug.id for bug in KNOWN_BUGS}) == len(KNOWN_BUGS) == 65
