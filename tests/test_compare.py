"""Comparison: element by element, whatever else the array holds."""

import numpy as np
import pytest

from jax_ref.measure.tolerances import ULPS, differences, mismatch, tolerance

one = np.ones(1000, np.float32)


@pytest.mark.parametrize("dtype", ULPS)
def test_equal_up_to_rounding(dtype):
    x = np.linspace(0.5, 2, 7).astype(dtype)
    eps = np.finfo(dtype).eps
    assert not mismatch(x, x)
    assert not mismatch((x * (1 + 2 * eps)).astype(dtype), x)
    assert mismatch((x * (1 + 4 * ULPS[dtype][0] * eps)).astype(dtype), x)
    assert not mismatch((x * (1 + 2 * ULPS[dtype][0] * eps)).astype(dtype), x, order=2)


def test_one_wrong_element_of_many_is_found_and_named():
    got = np.ones((1000, 1000))
    got[3, 5] = 1.01
    (difference,) = differences(got, np.ones((1000, 1000)))
    assert difference.index == (3, 5) and np.sum(difference.compared.wrong) == 1
    assert "ratio 1.01" in str(difference) and "1 of 1000000 wrong" in str(difference)


def test_a_small_number_beside_a_large_one_counts_as_much():
    assert mismatch(np.array([1e20, 2e-20]), np.array([1e20, 1e-20]))


def test_the_worst_is_named():
    (difference,) = differences(np.array([1.1, 3.0, 1.0]), np.array([1.0, 2.0, 1.0]))
    assert difference.index == (1,) and np.sum(difference.compared.wrong) == 2


@pytest.mark.parametrize(
    ("got", "expected", "problem"),
    [
        (np.float32(1), np.float64(1), "dtype float32, not float64"),
        (np.ones(3), np.ones((3, 1)), "shape (3,), not (3, 1)"),
        ((np.ones(3),), [np.ones(3)], "container"),
        (np.arange(3), np.arange(3) + 1, "[0 1 2], not [1 2 3]"),
        (np.inf, -np.inf, "inf, not -inf"),
        (np.nan, 1.0, "nan, not 1.0"),
        (1.0, np.inf, "1.0, not inf"),
        (1e300, 1.0, "ratio 1e+300"),
    ],
)
def test_what_is_different_is_said(got, expected, problem):
    assert problem in mismatch(got, expected)


@pytest.mark.parametrize("x", [np.inf, -np.inf, np.nan, 0.0, 5e-324, complex(np.inf, 1)])
def test_special_numbers_equal_themselves(x):
    assert not mismatch(np.array([x, 1.0]), np.array([x, 1.0]))


def test_each_leaf_has_its_place():
    found = differences({"a": [one, 2 * one], "b": one}, {"a": [one, one], "b": 2 * one})
    assert [d.place for d in found] == ["['a'][1]", "['b']"]


def test_the_condition_widens_the_tolerance_of_its_element_only():
    condition = np.array([0.0, 1e6])
    assert not mismatch(np.array([1.0, 1 + 1e-9]), np.ones(2), condition=condition)
    assert mismatch(np.array([1 + 1e-9, 1.0]), np.ones(2), condition=condition)
    np.testing.assert_allclose(tolerance(np.ones(2), condition)[1] / tolerance(np.ones(2))[0], 1e6, rtol=1e-5)


def test_the_ratio_of_complex_numbers_shows_no_noise():
    expected = np.array([0.1 + 0.3j, -0.7 + 0.11j])
    for factor, text in ((1.01, "ratio 1.01;"), (2j, "ratio 2j;"), (0.5 - 2j, "ratio 0.5-2j;")):
        for e in expected:
            assert text in mismatch(np.asarray(factor * e), np.asarray(e))
