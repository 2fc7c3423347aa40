"""Derivatives asked for again, and along tangents and cotangents of all sizes."""

import numpy as np
import pytest

import scratch_ad
from jax_ref.checks.check import check, check_jvp, check_vjp
from jax_ref.engines.ready import Engine

X = np.array([0.5, -1.25, 2.0])


def message(check, *args, **options):
    with pytest.raises(AssertionError) as error:
        check(*args, vary=False, **options)
    return str(error.value)


NONLINEAR = {
    "clipped": lambda u: np.clip(u, -100, 100),
    "small ones dropped": lambda u: np.where(np.abs(u) < 1e-3, 0, u),
    "a constant added": lambda u: u + 1e-9,
    "saturated far out": lambda u: np.tanh(u * 1e-7) * 1e7,
    "very negative ones dropped": lambda u: np.where(u < -1e4, 0, u),
    "very positive ones dropped": lambda u: np.where(u > 1e4, 0, u),
    "rounded": lambda u: np.round(u, 6),
    "of the size of float16": lambda u: np.clip(u, -65504, 65504),
    "normalised": lambda u: u / max(1.0, np.max(np.abs(u))),
    "absolute": lambda u: np.where(np.abs(u) > 1e3, np.abs(u), u),
}


@pytest.mark.parametrize("x", [X, np.float64(0.5), X.astype("float32")], ids=["array", "number", "float32"])
@pytest.mark.parametrize("name", NONLINEAR)
def test_what_is_not_linear(name, x):
    of = NONLINEAR[name]
    vjp = lambda x: (np.sin(x), lambda g: ((of(g) * np.cos(x)).astype(x.dtype),))
    jvp = lambda x, t: (np.sin(x[0]), (np.cos(x[0]) * of(t[0])).astype(x[0].dtype))
    assert "the pullback is not linear: " in message(check_vjp, vjp, np.sin, x)
    assert "the jvp is not linear: " in message(check_jvp, jvp, np.sin, x)


def test_what_is_homogeneous_and_not_additive():
    def vjp(x):
        return np.sin(x), lambda g: (np.cos(x) * np.max(np.abs(g)) * np.sign(g),)

    assert "the pullback is not additive: parts of the cotangent with zeros give" in message(check_vjp, vjp, np.sin, X)


def test_what_is_said_of_it():
    vjp = lambda x: (np.sin(x), lambda g: (np.clip(g, -100, 100) * np.cos(x),))
    text = message(check_vjp, vjp, np.sin, np.zeros(1))
    assert "vjp, argument 0 [0]: the pullback is not linear: 1e+06 times the cotangent gives" in text


def counting(x):
    calls = []

    def pullback(g):
        calls.append(g)
        return (g * np.cos(x) * (1 if len(calls) < 4 else 2),)

    return np.sin(x), pullback


def mutating(x):
    kept = np.cos(x)

    def pullback(g):
        result = g * kept
        kept[...] *= 1.01
        return (result,)

    return np.sin(x), pullback


def in_place(x):
    def pullback(g):
        g *= np.cos(x)
        return (g,)

    return np.sin(x), pullback


def one_buffer(x):
    buffer = np.empty_like(x)
    return np.sin(x), lambda g: (np.multiply(g, np.cos(x), out=buffer),)


TAPE = []


def last_of_a_tape(x):
    TAPE.append(np.cos(x))
    return np.sin(x), lambda g: (g * TAPE[-1],)


def popped_of_a_tape(x):
    TAPE.append(np.cos(x))
    return np.sin(x), lambda g: (g * TAPE.pop(),)


def once(x):
    kept = [np.cos(x)]
    return np.sin(x), lambda g: (g * kept.pop(),)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (counting, "the pullback called again gives another result"),
        (mutating, "the pullback called again gives another result"),
        (in_place, "inputs: changed by the engine"),
        (one_buffer, "the pullback writes into a result that it gave before: give out a new array each time"),
        (last_of_a_tape, "the pullback called again gives another result"),
        (popped_of_a_tape, "the pullback called again "),
        (once, "the pullback called again raised IndexError"),
    ],
)
def test_what_depends_on_other_calls(rule, words):
    TAPE.clear()
    assert words in message(check_vjp, rule, np.sin, X)


def test_a_jvp_that_gives_out_one_buffer_or_counts():
    buffer, calls = np.empty(3), []

    def of_one_buffer(x, t):
        return np.sin(x[0]), np.multiply(np.cos(x[0]), t[0], out=buffer)

    def counted(x, t):
        calls.append(t)
        return np.sin(x[0]), np.cos(x[0]) * t[0] * (1 + 1e-3 * len(calls))

    assert "the jvp writes into a result that it gave before" in message(check_jvp, of_one_buffer, np.sin, X)
    assert "the jvp called again gives another result" in message(check_jvp, counted, np.sin, X)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(
    "x", [X, X * 1e-3, np.float64(2.0), np.zeros((2, 0))], ids=["array", "small", "number", "empty"]
)
def test_what_is_right_is_linear_at_all_sizes(x, dtype):
    x = np.asarray(x, dtype)[()]
    assert check(lambda x: np.exp(x) * np.float32(0.1).astype(x.real.dtype), x, order=1, vary=False).ok
    assert check(lambda x: 1 / (x + 2), x, order=1, vary=False).ok


def test_differences_are_linear_too():
    assert check(np.sin, X, engine="numerical", order=1, vary=False).ok


def test_results_that_are_given_on_may_share_memory_with_the_cotangent():
    assert check_vjp(lambda a, b: (a + b, lambda g: (g, g)), np.add, X, X[::-1], vary=False).ok


def test_an_engine_of_one_tape_for_all():
    tape = []

    def vjp(f, *primals):
        out, pullback = scratch_ad.vjp(f, *primals)
        tape.append(pullback)
        return out, lambda g: tape[-1](g)

    assert "called again gives another result" in message(check, np.sin, X, engine=Engine("one tape", vjp=vjp, order=1))


def test_a_number_is_no_array_that_is_written_to():
    def f(x):
        y = x[..., None]  # of a number, an array of its own; of an array, a view
        np.clip(y, -1, 0.28, out=y)
        return x * y

    assert check(f, np.float64(1.661), reference_by="differences").ok
