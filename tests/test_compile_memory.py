"""Compiled programs hold no more memory than a person would: writes in place, and results returned as they are."""

import numpy as np
import pytest

import scratch_ad
from scratch_ad import compile, jacfwd, value_and_grad


def replayed(f, *arguments):
    """The compiled function, its third result, and that of the function itself."""
    compiled = compile(f)
    for _ in range(2):
        compiled(*arguments)
    assert all(p.replay for programs in compiled.programs.values() for p in programs)
    return compiled, compiled(*arguments), f(*arguments)


def same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


def test_the_columns_of_a_jacobian_are_returned_where_they_were_computed():
    v, w = np.cos(np.arange(600.0)).reshape(30, 20), np.sin(np.arange(80.0)).reshape(20, 4)
    compiled, result, expected = replayed(jacfwd(lambda x: np.tanh(v @ np.tanh(w @ x))), np.ones(4) / 3)
    assert result.tobytes() == expected.tobytes()
    assert "copy" not in compiled.source
    assert result.flags.writeable


def test_a_loop_that_fills_an_array_copies_it_once():
    """Where each write made a copy of 200 numbers, there were 399 of them."""

    def f(x):
        y = np.zeros_like(x)
        for i in range(1, len(x)):
            y[i] = np.sin(x[i]) + y[i - 1]
        return np.sum(y * y)

    compiled, result, expected = replayed(value_and_grad(f), np.linspace(-1, 1, 200))
    assert same(result, expected)
    assert compiled.source.count(".copy()") <= 2


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x * 2).T,
        lambda x: (x * 2)[::-1],
        lambda x: (x * 2)[:2],
        lambda x: ((x * 2).reshape(2, 6), np.sin(x).T),
        lambda x: (lambda y: (y.T, y.reshape(-1)))(x * 2),
        lambda x: (lambda y: (y.T + 1, y))(x * 2),
        lambda x: (lambda y: y.T + y.T)(x * 2),
        lambda x: np.cumsum(x, 0).T * 2 + np.broadcast_to(x[0], (3, 4)).T,
    ],
    ids=range(8),
)
def test_a_view_that_is_returned_is_nobody_elses(f):
    x, as_tuple = np.arange(12.0).reshape(3, 4), lambda x: f(x) if type(f(x)) is tuple else (f(x),)
    compiled, first, expected = replayed(as_tuple, x)
    assert same(first, expected)
    assert not any(np.shares_memory(a, b) for i, a in enumerate(first) for b in first[:i])
    for r in (second := compiled(x)):
        assert not any(np.shares_memory(r, a) for a in (x, *first))
        r[...] = 7.0
    assert same(first, expected)
    assert same(compiled(x), expected)
    assert not same(second, expected)


def test_what_is_read_after_a_write_is_what_stood_there():
    def f(x):
        y = x * 2
        z = y.copy()
        z[0] = x[1]
        z[1:] += y[:-1]
        first = y[0]
        y[0] = 5.0
        y[1:] = y[:-1] + z[1:]
        return y, z, first

    for of in (f, lambda x: scratch_ad.jvp(f, (x,), (x * x,))[1]):
        _, result, expected = replayed(of, np.arange(1.0, 6.0))
        assert same(result, expected)


def test_a_constant_that_is_a_part_of_an_array_is_kept_without_gaps():
    w = np.arange(20.0).reshape(4, 5)
    for part in (w[:, 1:], w.T[1:]):
        x = np.arange(float(part.shape[1]))
        compiled, result, expected = replayed(lambda x, part=part: np.subtract(x, part) * part, x)
        assert (result.tobytes("A"), result.strides) == (expected.tobytes("A"), expected.strides)
        program = next(iter(compiled.programs.values()))[-1]
        held = [c for c in program.source.namespace.values() if type(c) is np.ndarray]
        assert len(held) == 1
        assert held[0].flags.forc
