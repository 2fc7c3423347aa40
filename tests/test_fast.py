"""The engines that run give the very numbers of those that are to be read: fast.py beside forward.py and reverse.py."""

import warnings

import numpy as np
import optree
import pytest

from jax_ref.cases import catalogue
from jax_ref.measure.derivatives import vectors
from scratch_ad import grad, jvp, modes, vjp
from scratch_ad.forward import Forward
from scratch_ad.reverse import Tape
from scratch_ad.tracer import name_of

FIRST = {name_of(case.function): case for case in reversed(catalogue) if "float64" in case.dtypes}


def derivatives(f, given):
    """The leaves of value, tangent, cotangents and the second derivative forward over reverse."""
    cotangents = lambda *x: vjp(f, *x)[1](given.cotangent)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        pushed = jvp(f, given.primals, given.tangents)
        return optree.tree_leaves((pushed, cotangents(*given.primals), jvp(cotangents, given.primals, given.others)[1]))


@pytest.mark.parametrize("name", sorted(FIRST))
def test_every_function_by_the_engines_that_are_to_be_read(name, monkeypatch):
    case = FIRST[name]
    f = case.function_in()
    given = vectors(f, case.draw("float64"), str(case))
    found = derivatives(f, given)
    monkeypatch.setattr(modes, "FastTape", Tape)
    monkeypatch.setattr(modes, "FastForward", Forward)
    for ours, expected in zip(found, derivatives(f, given), strict=True):
        assert np.result_type(ours) == np.result_type(expected) and np.array_equal(ours, expected, equal_nan=True)


def test_writes_by_the_tape_that_is_to_be_read(monkeypatch):
    def f(x):
        y = np.zeros_like(x)
        for i in range(len(x)):
            y[i] = x[i] * x[i - 1]
        y[1:] *= y[:-1]
        return np.sum(y)

    x = np.array([0.5, -1.5, 2.0])
    expected = grad(f)(x)
    monkeypatch.setattr(modes, "FastTape", Tape)
    assert np.array_equal(grad(f)(x), expected)
