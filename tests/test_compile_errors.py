"""Errors that a function catches are guards: what it does instead is recorded and replayed as well."""

import warnings

import numpy as np
import pytest

from scratch_ad import compile, grad
from scratch_ad.compiling.source import Missed


def factored(x):
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return np.linalg.cholesky(x + 10 * np.eye(2))


def quotient(x):
    with np.errstate(divide="raise"):
        try:
            return 1 / x
        except FloatingPointError:
            return x * 0


def first_negative(x):
    k = 0
    try:
        while x[k] >= 0:
            k += 1
    except IndexError:
        return x * 2
    return x * x[k]


CASES = {
    "LinAlgError": (factored, [np.eye(2) + 0.1, 0.1 - np.eye(2)]),
    "FloatingPointError": (quotient, [np.array([1.0, 2.0]), np.array([1.0, 0.0])]),
    "IndexError": (first_negative, [np.array([1.0, 2.0]), np.array([1.0, -2.0])]),
    "of a derivative": (grad(lambda x: np.sum(np.sin(factored(x)))), [np.eye(2) + 0.1, 0.1 - np.eye(2)]),
}


@pytest.mark.parametrize(("f", "inputs"), CASES.values(), ids=CASES)
def test_an_error_that_is_caught_is_a_guard(f, inputs):
    """Both ways are recorded, each by two runs, and each program is that of one input alone."""
    compiled = compile(f)
    for k in (1, 1, 0, 0, 1, 0, 1, 0):
        assert compiled(inputs[k]).tobytes() == f(inputs[k]).tobytes()
    (programs,) = compiled.programs.values()
    assert sum("failing" in program.source.text for program in programs) == 1
    for program in programs:
        served = 0
        for x in inputs:
            try:
                (result,) = program.replay(x)
            except (Missed, ArithmeticError, ValueError, IndexError):
                continue
            assert result.tobytes() == f(x).tobytes()
            served += 1
        assert served == 1
    assert len(programs) == 2


@pytest.mark.parametrize("first", [1.0, -1.0])
def test_a_warning_that_is_an_error_and_caught_is_a_guard(first):
    def f(x):
        try:
            return np.log(x)
        except RuntimeWarning:
            return x * 2

    compiled = compile(f)
    for action in ("error", "ignore", "error"):
        for value in (first, first, first, -first, first, -first):
            with warnings.catch_warnings():
                warnings.simplefilter(action)
                assert compiled(np.full(2, value)).tobytes() == f(np.full(2, value)).tobytes()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", [1.0, -1.0])
def test_who_makes_errors_of_warnings_is_run_each_time(first):
    def f(x):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                return np.log(x)
            except RuntimeWarning:
                return x * 2

    compiled = compile(f)
    for value in (first, first, first, -first, first, -first) * 4:
        assert compiled(np.full(2, value)).tobytes() == f(np.full(2, value)).tobytes()


@pytest.mark.parametrize("first", [1.0, -1.0])
def test_who_counts_warnings_is_run_each_time(first):
    def f(x):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            y = np.log(x)
        return y, x * len(caught)

    compiled = compile(f)
    for value in (first, first, first, -first, first, -first) * 2:
        for got, expected in zip(compiled(np.full(2, value)), f(np.full(2, value)), strict=True):
            assert got.tobytes() == expected.tobytes()


def test_an_error_that_is_not_caught_is_raised_by_the_function_itself():
    compiled = compile(lambda x: np.linalg.cholesky(x))
    for sign in (1, 1, 1, -1, 1, -1):
        if sign < 0:
            with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
                compiled(sign * np.eye(2))
        else:
            assert compiled(np.eye(2)).tobytes() == np.eye(2).tobytes()


def test_where_numbers_of_pythons_end_in_an_error_it_is_raised_and_arguments_stay():
    """Python divides by no zero, where NumPy gives infinity."""

    def f(x, a, b):
        x[0] = 7.0
        return x, (a + 1) / b * 2, np.sum(x)

    compiled = compile(f)
    for b in (1.0, 2.0, 3.0, 0.0, 4.0, 0.0):
        given = np.ones(3)
        if b:
            x, quotient, total = compiled(given, 1.0, b)
            assert (x.tolist(), quotient, total) == ([7.0, 1.0, 1.0], 4 / b, 9.0)
            assert type(quotient) is float
            assert not np.shares_memory(x, given)
        else:
            with pytest.raises(ZeroDivisionError):
                compiled(given, 1.0, b)
        assert given.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.filterwarnings("ignore")
def test_where_numpys_numbers_are_divided_by_zero_in_a_replay_the_result_is_infinite():
    compiled, x = compile(lambda x, s: (x * s, (x[0] + 1) / x[1] * 2)), np.ones(2, np.float32)
    for s in (1.0, 2.0, 3.0, 0.0, 4.0):
        x[1] = s
        scaled, quotient = compiled(x, s)
        assert (scaled.dtype, type(quotient), np.isinf(quotient)) == (np.float32, np.float32, s == 0)


def test_the_signs_of_numbers_are_those_of_the_function():
    """Where −x stands in a sum or a product without a step of its own, the sign of a zero is the same."""

    def f(a, b, c):
        n, p = -a, -(b * c)
        return n + b, b + n, n - b, b - n, n - p, n + p, n * p, p / 2.0, p**2, -n, p

    compiled = compile(f)
    zeros = [0.0, -0.0, 1.5, -1.5, 5e-324]
    for numbers in [(1.0, 2.0, 3.0)] * 2 + [(a, b, c) for a in zeros for b in zeros for c in zeros]:
        expected = f(*map(np.float64, numbers))
        assert np.array(compiled(*numbers)).tobytes() == np.array(expected).tobytes(), numbers
    assert " * " in compiled.source


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", [-3.0, -0.0, -1e-300, -5e-324, 1e-300, 1e22, np.nan, -np.nan, np.inf, -np.inf])
def test_constants_of_either_sign_are_those_of_the_function(number):
    def f(x):
        y = x.copy()
        y[0] = number
        a, b, c = y[0], y[1], y[2]
        return a**2 + b * c, a**2, -a, (-a) ** 2, a - b, b - a, b - -a, a * b, a / b, c * a**2, (b * a) ** 2

    compiled, x = compile(f), np.array([1.0, 2.0, 3.0])
    for _ in range(4):
        assert np.array(compiled(x)).tobytes() == np.array(f(x)).tobytes()
