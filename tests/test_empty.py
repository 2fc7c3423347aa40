"""Arrays without elements: whatever NumPy takes, both modes take, and give what is as empty."""

import warnings

import numpy as np
import pytest

import scratch_ad
from jax_ref.cases import catalogue
from scratch_ad.tracer import name_of


def emptied(case, alone):
    """Calls of a case without elements in the first or the last axis of all arguments, or also of one ``alone``."""
    given = [*map(np.asarray, case.draw("float64" if "float64" in case.dtypes else case.dtypes[-1]))]
    for axis in (0, -1):
        without = [_without(x, axis) for x in given]
        yield without
        if alone and len(given) > 1:
            yield from ([*given[:k], x, *given[k + 1 :]] for k, x in enumerate(without))


def _without(x, axis):
    return np.zeros(np.delete(np.empty(x.shape, "b"), slice(None), axis).shape, x.dtype) if x.ndim else x


CASES = {}
for _case in catalogue:
    CASES.setdefault(name_of(_case.function), []).append(_case)


NOT_TAKEN = ["np.einsum"]  # whose diagonal of an array of shape (0, 3) is memory that is not the array's
NOT_ALONE = [
    *("np.histogramdd", "np.histogram2d"),  # weights of no samples raise ValueError, as weights of too many do
    *("scipy.signal.convolve2d", "scipy.signal.correlate2d"),  # SciPy 1.17 then ends Python by a division by 0 of C's
]


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
        for primals in emptied(case, alone=name not in NOT_ALONE):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    y = f(*primals)
                except Exception:
                    continue  # NumPy does not
                parts = y if isinstance(y, list) else [y]
                if any(np.asarray(part).dtype.kind not in "fc" for part in parts):
                    continue
                try:
                    out, pullback = scratch_ad.vjp(f, *primals)
                except NotImplementedError as error:
                    assert "has a value, but no derivative rule, for arguments of shapes" in str(error)
                    continue
                for x, c in zip(primals, pullback(out), strict=True):
                    assert np.shape(c) == x.shape and c.dtype == x.dtype, (str(case), x.shape)
                pushed = scratch_ad.jvp(f, primals, primals)
                for found in (out, *pushed):
                    for ours, part in zip(found if isinstance(y, list) else [found], parts, strict=True):
                        assert np.shape(ours) == np.shape(part), (str(case), np.shape(part))
                        assert np.asarray(ours).dtype == np.asarray(part).dtype, str(case)
