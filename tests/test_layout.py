"""Functions that ask how an array lies in memory: the value's own layout decides, in every mode and order."""

import itertools

import numpy as np
import pytest

from scratch_ad import jacfwd, jacrev, jvp, vjp

BASE = np.random.default_rng(0).normal(size=(4, 3, 6))
LAYOUTS = {
    "C": BASE,
    "F": np.asfortranarray(BASE),
    "axes in another order": np.transpose(BASE, (1, 2, 0)).copy().transpose(2, 0, 1),
    "backwards": BASE[::-1, :, ::-1],
    "a step in F order": np.asfortranarray(BASE)[::2],
    "a step in between": np.transpose(BASE, (2, 0, 1))[::2, 1:],
    "one axis of length 1": np.asfortranarray(BASE)[:, 1:2],
    "two axes": BASE[0].T,
    "two axes, a step": np.asfortranarray(BASE[0])[:, ::2],
    "one axis": BASE[0, 0, ::-1],
    "no axis": np.array(2.5),
    "empty": np.asfortranarray(BASE)[:0],
}
CALLS = {
    "ravel K": lambda x: np.ravel(x, order="K"),
    "ravel A": lambda x: np.ravel(x, "A"),
    "method ravel": lambda x: x.ravel("K"),
    "flatten K": lambda x: x.flatten("K"),
    "flatten A": lambda x: x.flatten(order="A"),
    "flatten F": lambda x: x.flatten("F"),
    "reshape A": lambda x: np.reshape(x, (-1, 1), order="A"),
    "reshape A by position": lambda x: np.reshape(x, -1, "A"),
    "method reshape": lambda x: x.reshape(-1, order="A"),
    "of a transpose": lambda x: np.ravel(x.T, order="K"),
    "of a slice": lambda x: np.ravel(x[..., None][::2] if x.ndim else x, order="K"),
    "of a copy in F order": lambda x: np.ravel(np.copy(x, order="F"), order="A"),
    "of what was computed": lambda x: np.ravel(np.negative(x), order="K"),
}


@pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
def test_the_layout_of_the_value_decides(x, f):
    y = f(x)
    t, g = (np.random.default_rng(1).normal(size=np.shape(z)) for z in (x, y))  # both in C order
    value, pushed = jvp(f, (x,), (t,))
    of_vjp, pull = vjp(f, x)
    np.testing.assert_array_equal(value, y)
    np.testing.assert_array_equal(of_vjp, y)
    assert abs(np.sum(pushed * g) - np.sum(pull(g)[0] * t)) < 1e-12
    for number in (jvp(f, (x,), (x,))[1], jvp(lambda x: f(x) * f(x), (x,), (x,))[1] / 2 / y):
        np.testing.assert_allclose(number, y, rtol=1e-14)


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product((jacfwd, jacrev), repeat=2)))
@pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)
def test_second_order(f, outer, inner):
    x = np.asfortranarray(BASE[:2, :, :2])
    weights = np.arange(1.0, np.size(f(x)) + 1).reshape(np.shape(f(x)))
    found = outer(inner(lambda x: np.sum(weights * f(x) ** 3)))(x)
    expected = np.diag(6 * np.ravel(vjp(f, x)[1](weights)[0] * x))
    np.testing.assert_allclose(found.reshape(x.size, x.size), expected, rtol=1e-14)
