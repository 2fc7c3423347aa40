"""The engines that run give the very numbers of those that are to be read: fast.py beside forward.py and reverse.py."""

import warnings

import numpy as np
import optree
import pytest

from jax_ref.cases import catalogue
from jax_ref.measure.vectors import vectors
from scratch_ad import grad, jvp, modes, reverse, vjp
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
    monkeypatch.setattr(modes, "backward", reverse.backward)
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
    monkeypatch.setattr(modes, "backward", reverse.backward)
    assert np.array_equal(grad(f)(x), expected)


def whole_and_in_parts(x):
    """Reads and writes of parts, beside whole arrays whose cotangents they must not change."""
    y = x * x
    z = y + x[0]
    y[1:3] += x[:2] * y[2]
    y[0] = y[-1] * z[1]
    w = y
    w[np.array([0, 2])] = z[::2][:2]
    y[...] = y[::-1]
    early = x[1] * y[:2]
    last = y + x
    last[4] = x[0] * z[0]
    return y, z, early, last


def test_the_way_back_changes_no_array_that_somebody_else_has(monkeypatch):
    x = np.linspace(0.5, 2.0, 5)
    cotangents = tuple(np.linspace(1.0, 2.0, np.size(part)) for part in whole_and_in_parts(x))
    kept = [np.copy(g) for g in cotangents]
    second = lambda x: grad(lambda x: sum(np.sum(part**2) for part in whole_and_in_parts(x)))(x)
    pull = vjp(whole_and_in_parts, x)[1]
    found = [*pull(cotangents), *pull(cotangents), *vjp(second, x)[1](kept[0]), jvp(second, (x,), (kept[0],))[1]]
    assert all(map(np.array_equal, cotangents, kept))
    monkeypatch.setattr(modes, "FastTape", Tape)
    monkeypatch.setattr(modes, "backward", reverse.backward)
    pull = vjp(whole_and_in_parts, x)[1]
    expected = [*pull(cotangents), *pull(cotangents), *vjp(second, x)[1](kept[0]), jvp(second, (x,), (kept[0],))[1]]
    assert all(np.allclose(a, b, rtol=1e-15, atol=0) for a, b in zip(found, expected, strict=True))
