"""The methods of every binary ufunc, against NumPy's values and against the ufunc applied step by step."""

import functools
import re

import numpy as np
import pytest

from scratch_ad import jvp, vjp
from scratch_ad.registry import rule_of
from scratch_ad.rule import Composite, Constant
from scratch_ad.tracer import name_of

METHODS = [f for f in rule_of if isinstance(getattr(f, "__self__", None), np.ufunc)]
COMPOSITES = [f for f in METHODS if isinstance(rule_of[f], Composite) and f.__self__ is not np.ldexp]  # of two reals
NUMPY_IS_WRONG = {
    np.power.reduceat,
    np.arctan2.reduceat,
}  # in 2.4: not what their reduce gives
x = np.random.default_rng(5).uniform(0.5, 2.0, (4, 3))


def fold(ufunc, rows):
    return functools.reduce(ufunc, [rows[i] for i in range(len(rows))])


BY_HAND = {
    "reduce": lambda ufunc: (lambda x: ufunc.reduce(x), lambda x: fold(ufunc, x)),
    "accumulate": lambda ufunc: (
        lambda x: ufunc.accumulate(x, axis=1),
        lambda x: np.stack([fold(ufunc, np.transpose(x)[: k + 1]) for k in range(3)], axis=1),
    ),
    "reduceat": lambda ufunc: (
        lambda x: ufunc.reduceat(x, [0, 2, 1]),
        lambda x: np.stack([fold(ufunc, x[0:2]), x[2], fold(ufunc, x[1:])]),
    ),
    "outer": lambda ufunc: (lambda x: ufunc.outer(x[0], x[1:3]), lambda x: ufunc(x[0][:, None, None], x[1:3])),
}


def test_all_methods_are_here():
    assert {f.__name__ for f in METHODS} == {*BY_HAND}
    assert {f.__self__ for f in METHODS} >= {np.add, np.multiply, np.hypot, np.logaddexp, np.fmax, np.greater}


@pytest.mark.parametrize("method", COMPOSITES, ids=name_of)
def test_methods(method):
    f, by_hand = BY_HAND[method.__name__](method.__self__)
    t, y = x[::-1] / 3, by_hand(x)
    if method not in NUMPY_IS_WRONG:
        np.testing.assert_allclose(f(x), y, rtol=1e-14)
    else:  # the value is NumPy's all the same
        y = f(x)
    g = np.random.default_rng(6).normal(size=y.shape)
    value, tangent = jvp(f, (x,), (t,))
    np.testing.assert_allclose(value, y, rtol=1e-14)
    np.testing.assert_allclose(tangent, jvp(by_hand, (x,), (t,))[1], rtol=1e-12, atol=1e-14)
    value, pullback = vjp(f, x)
    np.testing.assert_allclose(value, y, rtol=1e-14)
    np.testing.assert_allclose(pullback(g)[0], vjp(by_hand, x)[1](g)[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.logaddexp, np.hypot], ids=name_of)
@pytest.mark.parametrize(
    "keywords", [{"axis": 1}, {"axis": -1, "keepdims": True}, {"axis": (0, 1)}, {"axis": None}], ids=str
)
def test_keywords_of_reduce(ufunc, keywords):
    axes = (0, 1) if keywords["axis"] in (None, (0, 1)) else (1,)
    value, pullback = vjp(lambda x: ufunc.reduce(x, **keywords), x)
    assert value.shape == ufunc.reduce(x, **keywords).shape
    np.testing.assert_allclose(value, ufunc.reduce(x, **keywords), rtol=1e-14)
    g = np.random.default_rng(7).normal(size=value.shape)
    rows = lambda x: fold(ufunc, np.reshape(x, (12, 1)) if axes == (0, 1) else np.transpose(x))
    _, by_hand = vjp(rows, x)
    np.testing.assert_allclose(pullback(g)[0], by_hand(g.reshape(-1))[0], rtol=1e-12)


@pytest.mark.parametrize("method", [f for f in COMPOSITES if f.__name__ == "reduce"], ids=name_of)
def test_where_and_initial_of_reduce(method):
    where = np.array([True, False, True])
    f = lambda x: method(x, axis=1, initial=1.3, where=where, keepdims=True)
    y, t = jvp(f, (x,), (x[::-1] / 3,))
    np.testing.assert_allclose(y, f(x), rtol=1e-14)
    np.testing.assert_allclose(t, (f(x + 1e-6 * x[::-1]) - f(x - 1e-6 * x[::-1])) / 6e-6, rtol=1e-8, atol=1e-8)
    g = np.random.default_rng(8).normal(size=y.shape)
    np.testing.assert_allclose(np.vdot(vjp(f, x)[1](g)[0], x[::-1] / 3), np.vdot(g, t), rtol=1e-12)
    without = lambda x: method(x, axis=1, where=where)
    try:
        expected = without(x)
    except ValueError as error:  # it has no identity
        with pytest.raises(ValueError, match=re.escape(str(error))):
            vjp(without, x)
    else:
        np.testing.assert_allclose(vjp(without, x)[0], expected, rtol=1e-14)


def test_methods_of_constant_functions_are_constant():
    for method in METHODS:
        assert isinstance(rule_of[method], (Composite, Constant)), name_of(method)
    assert not vjp(lambda x: np.sum(x) + np.sum(np.greater.outer(x[0], x[1])), x)[1](1.0)[0].std()


def test_at_refuses_a_plain_array():
    with pytest.raises(TypeError, match=r"np\.multiply\.at.*plain array.*np\.zeros_like"):
        vjp(lambda x: np.multiply.at(np.zeros(4), [0], x[0, 0]), x)
