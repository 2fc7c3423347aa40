"""Compressed batches: whole Jacobians of random programs through them, and how many numbers that takes."""

import contextlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratch_ad import basis, batch, compile, fallbacks, hessian, jacfwd, jacrev, jvp, vmap
from scratch_ad.compressed import Rows
from scratch_ad.writing import put


@contextlib.contextmanager
def compressing(always):
    """Compress whatever can be, or nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(basis, "FEW", 1 if always else np.inf)
        patch.setattr(basis, "MANY", 1 if always else np.inf)
        patch.setattr(basis.Basis, "is_less", lambda self, parts, ndim: always)
        yield


def weights(x):
    return np.arange(1.0, x.shape[-1] + 1)


def filled(x):
    y = np.zeros_like(x)
    y[1:] = x[:-1] * 2
    y[0] = x[-1] - 3
    y[..., -1] += x[..., 0]
    return y


def one_by_one(x):
    y = np.ones_like(x)
    for i in range(1, len(x) - 1):
        y[i] = x[i + 1] - 2 * x[i] * x[i - 1]
    return y


# fmt: off
STEPS = [  # each with the least and the largest number of axes that it takes
    (1, 4, lambda x: x[1:] if len(x) > 1 else x),
    (1, 4, lambda x: x[..., ::-2]),
    (1, 4, lambda x: x[[0, -1, 0]]),
    (2, 4, lambda x: x[:, [0, -1]]),
    (1, 4, lambda x: x[weights(x.T) % 2 == 1] if x.ndim == 1 else x[0]),
    (1, 3, lambda x: x[:, None]),
    (1, 3, lambda x: np.expand_dims(x, 0)),
    (1, 3, lambda x: x[..., None] * np.array([1.0, -2.0, 0.5])),
    (1, 3, lambda x: np.array([2.0, -1.0]).reshape(2, *(1 for _ in x.shape)) * x),
    (1, 3, lambda x: np.broadcast_to(x, (2, *x.shape))),
    (0, 4, lambda x: np.squeeze(x)),
    (0, 4, lambda x: x.reshape(-1)),
    (2, 4, lambda x: x.reshape(x.shape[0], -1)),
    (2, 4, lambda x: x.T),
    (2, 4, lambda x: np.swapaxes(x, 0, -1)),
    (2, 4, lambda x: np.moveaxis(x, -1, 0)),
    (1, 4, lambda x: np.roll(x, 1)),
    (1, 4, lambda x: np.roll(x, 1, -1)),
    (1, 4, lambda x: np.flip(x, 0)),
    (2, 2, lambda x: np.tril(x)),
    (2, 4, lambda x: np.diagonal(x)),
    (1, 1, lambda x: np.diag(x)),
    (1, 4, lambda x: np.sum(x, 0)),
    (1, 4, lambda x: np.sum(x, -1, keepdims=True)),
    (2, 4, lambda x: np.sum(x, (0, -1))),
    (1, 4, lambda x: np.mean(x, 0)),
    (1, 4, lambda x: np.sum(x, 0, where=weights(x) != 2)),
    (1, 4, lambda x: np.mean(x, 0, keepdims=True)),
    (1, 4, lambda x: np.where(weights(x) % 2 == 0, x, 0)),
    (0, 4, lambda x: np.sum(x)),
    (1, 4, lambda x: x * weights(x)),
    (1, 4, lambda x: weights(x) * x / 3),
    (1, 4, lambda x: x + x[..., ::-1]),
    (1, 4, lambda x: x - np.roll(x, 1)),
    (1, 4, lambda x: np.sum(x, 0) - x),
    (2, 3, lambda x: x[0] + x[:, :1]),
    (0, 4, lambda x: np.sin(x)),
    (1, 4, lambda x: x * np.cos(x[..., ::-1])),
    (1, 2, lambda x: x @ np.cos(np.arange(x.shape[-1] * 2.0)).reshape(-1, 2)),
    (1, 4, lambda x: np.concatenate([x, -x])),
    (1, 4, lambda x: np.stack([x, 2 * x], -1) if x.ndim < 4 else x),
    (0, 4, lambda x: -x),
    (1, 4, lambda x: np.pad(x, 1)),
    (1, 4, lambda x: np.concatenate([np.zeros_like(x), x, x[::-1] * x])),
    (1, 4, lambda x: filled(x)),
    (1, 1, lambda x: one_by_one(x)),
]
# fmt: on


def program(steps):
    def f(x):
        for least, most, step in steps:
            if least <= x.ndim <= most and x.size < 300:
                x = step(x)
        return x

    return f


PROGRAMS = st.lists(st.sampled_from(STEPS), min_size=1, max_size=6).map(program)
SHAPES = [(5,), (2, 3), (2, 1, 3)]


def point(shape):
    return np.sin(np.arange(1.0, np.prod(shape) + 1)).reshape(shape)


POINTS = st.sampled_from(SHAPES).map(point)


@pytest.mark.parametrize("step", STEPS, ids=range(len(STEPS)))
def test_each_step_alone(step):
    for shape in SHAPES:
        check_jacobians(program([step, step]), point(shape))


@given(PROGRAMS, POINTS)
@settings(deadline=None)
def test_random_jacobians(f, x):
    check_jacobians(f, x)


def check_jacobians(f, x):
    """Column by column, in both modes, compiled, and for each example of another batch."""
    units = np.eye(x.size).reshape(-1, *x.shape)
    expected = np.stack([jvp(f, (x,), (unit,))[1] for unit in units], -1).reshape(*np.shape(f(x)), *x.shape)
    with compressing(True), fallbacks() as loops:
        for transform in (jacfwd, jacrev):
            np.testing.assert_allclose(transform(f)(x), expected, rtol=1e-12, atol=1e-12)
        compiled = compile(jacfwd(f))
        for _ in range(3):
            np.testing.assert_allclose(compiled(x), expected, rtol=1e-12, atol=1e-12)
        several = vmap(jacrev(f))(np.stack([x, -x]))
    np.testing.assert_allclose(several[0], expected, rtol=1e-12, atol=1e-12)
    assert not loops


@given(PROGRAMS, POINTS)
@settings(deadline=None)
def test_random_hessians(f, x):
    """As without compression, each mode in the other."""
    cost = lambda x: np.sum(1 / (1 + np.square(f(x))))
    with compressing(False):
        expected = jacfwd(jacfwd(cost))(x)
    with compressing(True):
        for outer, inner in itertools.product((jacfwd, jacrev), repeat=2):
            np.testing.assert_allclose(outer(inner(cost))(x), expected, rtol=1e-9, atol=1e-9)
        compiled = compile(hessian(cost))
        for _ in range(3):
            np.testing.assert_allclose(compiled(x), expected, rtol=1e-9, atol=1e-9)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def distances(y):
    return np.sum(np.sqrt(1 + np.sum((y[:, None] - y[None]) ** 2, -1)), 1)


def least_squares(p):
    return np.sum(p[:10, None] * np.exp(-(p[10:, None] ** 2) * np.linspace(0, 1, 50)), 0)


@pytest.mark.parametrize(
    ("derivative", "x", "most"),
    [
        (hessian(rosenbrock), np.linspace(-1, 1, 200), 6 * 200),  # three of each row, and three once more
        (jacrev(jacrev(rosenbrock)), np.linspace(-1, 1, 200), 6 * 200),
        (jacfwd(jacfwd(rosenbrock)), np.linspace(-1, 1, 200), 9 * 199),
        (jacfwd(np.gradient), np.linspace(-1, 1, 200), 2 * 200),
        (jacfwd(distances), np.sin(np.arange(80.0)).reshape(40, 2), 2 * 40 * 40 * 2),
        (jacrev(distances), np.sin(np.arange(80.0)).reshape(40, 2), 40 * 40 * 2),
        (jacfwd(least_squares), np.linspace(-1, 1, 20), 2 * 10 * 50),
        (jacrev(least_squares), np.linspace(-1, 1, 20), 10 * 50),
        (jacfwd(filled), np.linspace(-1, 1, 300), 2 * 300),
        (jacrev(filled), np.linspace(-1, 1, 300), 5 * 300),
        (jacfwd(one_by_one), np.linspace(-1, 1, 300), 6 * 300),
    ],
)
def test_so_many_numbers_at_once(derivative, x, most, monkeypatch):
    """The largest array of a batch, as long as it is compressed."""
    sizes = []
    init = batch.Batched.__init__

    def noted(self, trace, value, tag=None):
        if type(tag) is Rows:
            sizes.append(np.size(value))
        init(self, trace, value, tag)

    monkeypatch.setattr(batch.Batched, "__init__", noted)
    derivative(x)
    assert max(sizes) == most


@pytest.mark.parametrize("f", [np.sum, lambda x: np.mean(x) * x.size], ids=["sum", "mean"])
def test_many_numbers_of_one_example_are_added_in_double(f):
    places = np.arange(100_000) % 128
    weights = np.float32(0.1) + np.arange(100_000, dtype=np.float32) / 1e6
    got = jacfwd(lambda x: f(x[places] * weights))(np.ones(128, np.float32))
    np.testing.assert_allclose(got, np.bincount(places, weights), 1e-7)
    assert got.dtype == np.float32


def test_what_is_empty():
    x = np.ones(200)
    for f in (lambda x: x[:0], lambda x: x[:0] + x[200:], lambda x: np.sum(x[:0, None], 0)):
        for transform in (jacfwd, jacrev):
            with fallbacks() as loops:
                assert transform(f)(x).shape == (*f(x).shape, 200)
            assert not loops


def test_several_arguments(monkeypatch):
    """Their unit vectors are compressed as those of one array are."""
    monkeypatch.setattr(basis, "MANY", 16)
    p, q, r = np.linspace(-1, 1, 30), np.linspace(0, 2, 40), 0.5
    f = lambda p, q, r: np.sum(p[:, None] * np.exp(-q[:30, None] * np.linspace(0, 1, 50)), 0) * r
    flat = lambda x: f(x[:30], x[30:70], x[70])
    g, of_all = (lambda *args: np.sum(f(*args) ** 2)), np.concatenate([p, q, [r]])
    for transform in (jacfwd, jacrev):
        expected = np.split(transform(flat)(of_all), [30, 70], 1)
        for got, part in zip(transform(f, (0, 1, 2))(p, q, r), expected, strict=True):
            np.testing.assert_allclose(got, part.reshape(got.shape), 1e-12, 1e-12)
        expected = hessian(lambda x: np.sum(flat(x) ** 2))(of_all)
        for rows, got in zip(np.split(expected, [30, 70]), transform(jacrev(g, (0, 1, 2)), (0, 1, 2))(p, q, r)):
            for part, block in zip(np.split(rows, [30, 70], 1), got, strict=True):
                np.testing.assert_allclose(block, part.reshape(block.shape), 1e-10, 1e-10)


def test_what_is_not_zero_beside_it_fills_a_batch():
    """As no chain rule asks for: of a join, a choice and a write."""
    one, ones = np.eye(200), np.ones(3)
    for f in (lambda t: np.where(np.arange(200) > 5, t, 1.0), lambda t: np.concatenate([ones, t]), _with_a_write):
        run = basis.Basis(200, np.inf)
        (t,) = run.units([np.ones(200)])
        assert np.array_equal(run.whole(f(t)), [f(row) for row in one])


def _with_a_write(t):
    return put(t, slice(3), 1.0)
