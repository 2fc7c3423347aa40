"""A check varies the arguments that it is given: faults that live elsewhere are found, and told apart."""

import time

import numpy as np
import pytest

import scratch_ad
from jax_ref.checks import question
from jax_ref.checks.check import check, check_jvp, check_vjp
from jax_ref.checks.parts import Parts
from jax_ref.checks.variants import larger, variants
from jax_ref.engines.ready import Engine

X = np.array([0.5, -1.25, 2.0])
A = np.arange(1.0, 7.0).reshape(2, 3)


def message(check, *args, **options):
    with pytest.raises(AssertionError) as error:
        check(*args, **options)
    return str(error.value)


def softplus(x):
    return np.logaddexp(x, 0)


def wrong_where(condition):
    """The rule of softplus, whose pullback is twice too large where ``condition(x, g)`` holds."""

    def rule(x):
        slope = 1 / (1 + np.exp(-x))
        return softplus(x), lambda g: ((g * slope * np.where(condition(x, g), 2, 1)).astype(x.dtype),)

    return rule


def reads_backwards(a):
    return np.ndim(a) > 0 and a.strides[-1] < 0


@pytest.mark.parametrize(
    ("condition", "at"),
    [
        (lambda x, g: x.dtype == np.float32, "the same in float32"),
        (lambda x, g: x.size == 1, "one element"),
        (lambda x, g: np.ndim(x) == 0, "arrays of no dimension"),
        (lambda x, g: x < -5, "numbers below -6"),
        (lambda x, g: np.abs(x) > 100, "large numbers"),
        (lambda x, g: np.size(x) > 100, "large arrays"),
        (lambda x, g: reads_backwards(x), "the same read backwards (negative strides)"),
        (lambda x, g: reads_backwards(g), "the same read backwards (negative strides)"),
        (lambda x, g: np.size(x) > 1 and np.ravel(x)[0] == np.ravel(x)[-1], "repeated values"),
        (lambda x, g: np.ndim(x) == 1 and np.any(x[1:] == x[:-1]), "equal neighbours"),
    ],
)
def test_a_fault_that_lives_elsewhere(condition, at):
    text = message(check_vjp, wrong_where(condition), softplus, X)
    assert f"float64 (3,): right there, but wrong at a variant: {at}" in text
    assert "vjp, argument 0" in text and "ratio 2" in text and "rerun: " in text
    assert check_vjp(wrong_where(condition), softplus, X, vary=False).ok


def test_a_fault_of_the_other_precision():
    rule = wrong_where(lambda x, g: x.dtype == np.float64)
    assert "wrong at a variant: the same in float64" in message(check_vjp, rule, softplus, X.astype("float32"))


def test_the_line_reruns_a_variant():
    rule = wrong_where(lambda x, g: np.size(x) > 1000)
    text = message(check_vjp, rule, softplus, X)
    line = next(part for part in text.splitlines() if "rerun: " in part).partition("rerun: ")[2]
    assert "vary=True" in line
    with pytest.raises(AssertionError, match="wrong at a variant: large arrays"):
        exec(line, {"rule": rule})


def test_fortran_order():
    def rule(x):
        flat = lambda g: 2 * (x * g if x.flags.c_contiguous else np.reshape(x.ravel("K"), x.shape) * g)
        return np.sum(x * x, axis=0), lambda g: (flat(g),)

    squares = lambda x: np.sum(x * x, axis=0)
    assert "wrong at a variant: the same in Fortran order" in message(check_vjp, rule, squares, A)


def test_one_broadcasting_pattern():
    def rule(a, b):
        alike = a.shape == b.shape
        sums = lambda c, x: c if alike else np.broadcast_to(np.sum(c), x.shape) * 1.0
        return a * b, lambda g: (sums(g * b, a), sums(g * a, b))

    text = message(check_vjp, rule, lambda a, b: a * b, X, X + 1)
    assert "wrong at a variant: argument 0 with one element along axis 0" in text


def test_repeated_indices():
    def rule(x, index):
        def pullback(g):
            c = np.zeros_like(x)
            c[index] += g
            return c, None

        return x[index], pullback

    text = message(check_vjp, rule, lambda x, index: x[index], X, np.array([2, 0]))
    assert "wrong at a variant: repeated indices" in text


def test_forward_mode_too():
    rule = lambda x, t: (np.sin(x[0]), np.cos(x[0]) * t[0] * (2 if np.size(t[0]) == 1 else 1))
    assert "wrong at a variant: one element" in message(check_jvp, rule, np.sin, X)


def engine(cotangent):
    """Our reverse mode, with something else made of cotangents."""

    def vjp(f, *primals):
        out, pullback = scratch_ad.vjp(f, *primals)
        return out, lambda g: tuple(map(cotangent, pullback(g)))

    return Engine("other", vjp=vjp, order=1)


def test_an_engine_of_another_dtype_or_shape_elsewhere():
    wide = engine(lambda c: c.astype("float64"))
    assert "variant: the same in float32\n  vjp, argument 0: dtype float64, not" in message(
        check, np.sin, X, engine=wide
    )
    flat = engine(np.atleast_1d)
    assert "vjp, argument 0: shape (1,), not shape ()" not in message(check, np.sin, X, engine=flat)
    assert "arrays of no dimension\n  vjp, argument 0: shape (1,), not ()" in message(check, np.sin, X, engine=flat)
    empty = engine(lambda c: c if c.size else c.astype("float16"))
    assert "wrong at a variant: empty arrays" in message(check, np.sin, X, engine=empty)


def test_a_value_that_is_another_elsewhere():
    def f(x):
        return x * (2 if type(x) is np.ndarray or np.size(x) > 1 else 1)

    text = message(check, f, X)
    assert "variant: one element\n  value, [0]: f gives 1.0 when run plainly, 0.5 under scratch_ad's" in text


# What is right


def test_a_rule_for_some_arguments_alone_is_not_wrong():
    """One that raises or gives another form elsewhere is told so, unless it is asked for."""

    def rule(a, b):
        assert a.ndim
        return a * b, lambda g: (g * b, g * a)

    found = check_vjp(rule, np.multiply, X, X[::-1])
    assert {"arrays of no dimension", "argument 0 with one element along axis 0"} <= found.unfit.keys()
    assert "not meant for arrays of no dimension (raises AssertionError" in str(found)
    assert "raises AssertionError" in message(check_vjp, rule, np.multiply, X, X[::-1], vary=True)
    unbroadcast = lambda a, b: (a * b, lambda g: (g * b, g * a))
    assert "shape (3,), not (1,)" in message(check_vjp, unbroadcast, np.multiply, X, X[::-1], vary=True)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.log(x), np.array([0.5, 2.0])),  # below zero it has no value
        (lambda x: np.arcsin(x), np.array([0.5, -0.25])),
        (lambda x: np.sum(x[:3] * np.array([1.0, 2.0, 3.0])), X),  # of three numbers alone
        (lambda x: np.linalg.inv(x), np.eye(2) * 2.0),
        (lambda x: np.abs(x) + np.maximum(x, 0.5), X),  # kinks
        (lambda x: np.sort(x) + np.max(x), X),
        (lambda x: np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0), X),
        (lambda x: np.exp(x) / np.sum(np.exp(x)), X),
        (lambda x: np.tanh(x) * np.array(2.0, x.dtype), X),
        (lambda x: x * np.float64(2.0), X.astype("float32")),  # its result is always double
    ],
)
def test_a_right_function_is_not_flagged_outside_of_its_domain(f, x):
    assert check(f, x, vary=True).ok


@pytest.mark.parametrize(
    "slope",
    [
        lambda s, x: s * (1 - s),  # loses all its digits where it is next to nothing
        lambda s, x: np.exp(-x) * s * s,
        lambda s, x: 0.25 / np.cosh(x / 2) ** 2,
        lambda s, x: 0.25 * (1 - np.tanh(x / 2) ** 2),
    ],
)
def test_formulas_that_lose_digits_far_out_are_right(slope):
    def rule(x):
        with np.errstate(all="ignore"):
            s = 1 / (1 + np.exp(-x))
            return s, lambda g: ((g * slope(s, x)).astype(x.dtype),)

    assert check_vjp(rule, lambda x: 1 / (1 + np.exp(-x)), X).varied


# The variants


def test_what_is_varied_unasked_takes_a_second_at_most(monkeypatch):
    assert len(check(np.sin, X).varied) > 1 and not check(np.sin, X, vary=False).varied
    assert "left out" not in str(check(np.sin, X))
    monkeypatch.setattr(question, "VARYING", 0.0)
    hurried = check(np.sin, X)
    assert len(hurried.varied) <= 1 < len(check(np.sin, X, vary=True).varied)
    assert "left out after 0 s of computing: " in str(hurried) and "large arrays; vary=True takes" in str(hurried)


def test_a_function_that_waits_is_varied_all_the_same():
    def waits(x):
        time.sleep(0.01)
        return np.sin(x)

    found = check(waits, X, order=1)
    assert found.notes == [] and len(found.varied) > 10


def test_variants_keep_what_belongs_together():
    given = Parts((np.ones((2, 3)), np.ones(3), np.array([1, 0]), 2))
    found = {many[0].name: many[0].args for many in variants(given)}
    shapes = {name: [np.shape(x) for x in args[:2]] for name, args in found.items()}
    assert shapes["one element"] == [(1, 1), (1,)] and shapes["empty arrays"] == [(0, 0), (0,)]
    assert [x.dtype.name for x in found["the same in float32"][:3]] == ["float32", "float32", "int64"]
    assert found["repeated indices"][2].tolist() == [1, 1] and found["numbers below -6"][3] == 2
    assert shapes["argument 1 with one element along axis 0"] == [(2, 3), (1,)]
    sizes = [np.shape(x.args[0]) for (x,) in larger(given)]
    assert sizes[0] == (8, 12) and all(n * 3 == m * 2 for n, m in sizes) and np.prod(sizes[-1]) > 1000
    assert all(x.args[1].shape == x.args[0].shape[1:] for (x,) in larger(given))


def test_large_arrays_have_no_ties():
    (*_, (largest,)) = larger(Parts((X,)))
    assert len(np.unique(largest.args[0])) == largest.args[0].size > 3000
