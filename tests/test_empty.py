"""Arrays without elements: whatever NumPy takes, both modes take, and give what is as empty."""

import warnings

import numpy as np
import pytest

import scratch_ad
from jax_ref.cases import catalogue
from scratch_ad.tracer import name_of


def emptied(case):
    """Calls of a case with no elements in one axis, the first or the last, of all arrays that have as many axes."""
    for axis in (0, -1):
        primals = []
        for x in map(np.asarray, case.draw("float64" if "float64" in case.dtypes else case.dtypes[-1])):
            shape = list(x.shape)
            if shape:
                shape[axis] = 0
            primals.append(np.zeros(shape, x.dtype) if shape else x)
        yield primals


CASES = {}
for _case in catalogue:
    CASES.setdefault(name_of(_case.function), []).append(_case)


NOT_TAKEN = ["np.einsum"]  # whose diagonal of an array of shape (0, 3) is memory that is not the array's


@pytest.mark.parametrize("name", CASES)
def test_both_modes_take_what_numpy_takes(name):
    if name in NOT_TAKEN:
        with pytest.raises((AssertionError, IndexError, ValueError)):
            check(name)
    else:
        check(name)


def check(name):
    for case in CASES[name]:
        f = case.function_in()
        for primals in emptied(case):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    y = f(*primals)
                except Exception:
                    continue  # NumPy does not
                parts = y if isinstance(y, list) else [y]
                if any(np.asarray(part).dtype.kind not in "fc" for part in parts):
                    continue
                out, pullback = scratch_ad.vjp(f, *primals)
                for x, c in zip(primals, pullback(out), strict=True):
                    assert np.shape(c) == x.shape and c.dtype == x.dtype, (str(case), x.shape)
                pushed = scratch_ad.jvp(f, primals, primals)
                for found in (out, *pushed):
                    for ours, part in zip(found if isinstance(y, list) else [found], parts, strict=True):
                        assert np.shape(ours) == np.shape(part), (str(case), np.shape(part))
                        assert np.asarray(ours).dtype == np.asarray(part).dtype, str(case)
