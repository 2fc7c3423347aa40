"""Operators of numbers that are no arrays: under differentiation as in the plain run, to the last bit.

NumPy's scalars have operators of their own, which need not round as the ufuncs do.
"""

import operator
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jax_ref
from jax_ref.referee.precise import precise
from scratch_ad import compile, grad, jvp, record, symbolic_gradient, vjp
from scratch_ad.cost import cost

BINARY = {
    name: getattr(operator, name, divmod)
    for name in (
        *("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow"),
        *("lt", "le", "eq", "ne", "gt", "ge", "lshift", "rshift", "and_", "or_", "xor"),
        *("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow"),
    )
}
UNARY = {name: getattr(operator, name) for name in ("neg", "pos", "abs", "invert")}
OF_ONE = {
    "round": lambda x: round(x, 1),
    "conjugate": lambda x: x.conjugate(),
    "square": lambda x: x**2,
    "root": lambda x: x**0.5,
    "reciprocal": lambda x: x**-1,
    "itself": lambda x: x**1,
    "cube": lambda x: x**3,
    "a sine": np.sin,
}
TRACED = ["float16", "float32", "float64", "complex64", "complex128"]
BESIDE = [*TRACED, "int8", "int64", "uint8", "bool", "int", "float", "complex", "truth", "array", "arrayed"]


def drawn(rng, kind):
    """A random number of this kind; special ones among them."""
    if kind == "truth":
        return bool(rng.integers(2))
    if kind in ("int", "int8", "int64", "uint8", "bool"):
        n = int(rng.integers(0 if kind in ("uint8", "bool") else -3, 2 if kind == "bool" else 6))
        return n if kind == "int" else np.dtype(kind).type(n)
    special = rng.random() < 0.2
    x = rng.choice([0.0, -0.0, 1, 2, -1, 0.5, 3, np.inf, np.nan]) if special else rng.normal() * 10 ** rng.normal()
    if kind in ("float", "array", "arrayed"):
        return float(x) if kind == "float" else np.asarray(x) if kind == "array" else np.array([x])
    if kind.startswith("complex"):
        x = x + 1j * rng.normal()
    return complex(x) if kind == "complex" else np.dtype(kind).type(x)


def outcome(f, *args):
    """The result as bytes, of which dtype and type; or which error it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y = f(*args)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
            return type(error)
    kind = lambda part: np.bool if type(part) is bool else type(part)
    numbers = lambda part: np.where(np.isnan(part), np.nan, part).tobytes()
    return [(kind(part), np.asarray(part).dtype, numbers(part)) for part in (y if isinstance(y, tuple) else (y,))]


def outcome_of_pythons(f, *args):
    """The result with its type, or the error with what it says where Python says it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y = f(*args)
        except (ZeroDivisionError, OverflowError) as error:
            return type(error).__name__
        except (TypeError, ValueError) as error:
            return type(error).__name__ if "use np.round" not in str(error) else str(error)
    return type(y), repr(y)


def differences(f, a):
    """What ``f`` of the element of an array gives in either mode, or nested, other than in NumPy."""
    x = np.array([a])
    plain = outcome(f, x[0])
    of = lambda x: f(x[0])
    ones = np.ones_like(x)
    runs = {
        "reverse": lambda: vjp(of, x)[0],
        "forward": lambda: jvp(of, (x,), (ones,))[0],
        "nested": lambda: vjp(lambda x: jvp(of, (x,), (ones,))[0], x)[0],
    }
    return {way: (got, plain) for way, run in runs.items() if (got := outcome(run)) != plain}


@pytest.mark.parametrize("dtype", TRACED)
@pytest.mark.parametrize("name", BINARY)
def test_binary_operators(name, dtype):
    apply = BINARY[name]
    rng = np.random.default_rng(list(name.encode()))
    for other in BESIDE:
        for _ in range(12):
            a, b = drawn(rng, dtype), drawn(rng, other)
            assert not differences(lambda x, b=b: apply(x, b), a), (a, b)
            if not isinstance(b, np.ndarray) or not name.startswith("i"):
                assert not differences(lambda x, b=b: apply(b, x), a), (b, a)


@pytest.mark.parametrize("dtype", TRACED)
@pytest.mark.parametrize("name", UNARY)
def test_unary_operators(name, dtype):
    rng = np.random.default_rng(0)
    for _ in range(100):
        a = drawn(rng, dtype)
        assert not differences(UNARY[name], a), a


POWERS = {
    "x ** 3": lambda x: x**3,
    "x ** 2": lambda x: x**2,
    "x ** 0.36": lambda x: x**0.36,
    "x ** x": lambda x: x**x,
    "pow": lambda x: pow(x, 3),
    "2.0 ** x": lambda x: 2.0**x,
    "float64 ** x": lambda x: np.float64(2.5) ** x,
    "float32 ** x": lambda x: np.float32(2.5) ** x,
    "pow(float64, x)": lambda x: pow(np.float64(2.5), x),
    "operator.pow": lambda x: operator.pow(x, x),
    "of a 0-d array": lambda x: np.array(2.5) ** x,
    "np.power": lambda x: np.power(np.float64(2.5), x) + np.power(x, 3),
    "x ** array": lambda x: x ** np.array([2.0, 3.0]),
    "float32(x)": lambda x: x.astype("float32") ** 3,
    "a line of both": lambda x: np.float64(2.5) ** x * np.power(np.float64(2.5), x),
    "1j": lambda x: np.abs(1j**x) + np.abs(1j / x) + abs(3j * x),
}


@pytest.mark.parametrize("name", POWERS)
def test_powers_of_many_numbers(name):
    """Enough of them that np.power, an ulp off in one of a thousand, is found out."""
    power = POWERS[name]
    x = np.random.default_rng(1).uniform(0.2, 5, 1500)
    each = lambda x: [power(x[i]) for i in range(len(x))]
    plain = each(x)
    for got in (vjp(each, x)[0], jvp(each, (x,), (x,))[0], record(each, x)(x)):
        for mine, numpys in zip(got, plain, strict=True):
            assert type(mine) is type(numpys) and np.array_equal(mine, numpys)


def test_the_two_powers_differ():
    x = np.random.default_rng(1).uniform(0.2, 5, 1500)
    if all(float(v) ** 0.36 == np.power(v, 0.36) for v in x):
        pytest.skip("NumPy's power of doubles is Python's on this machine, so that the tests here cannot fail")


def test_in_place_powers():
    def program(x):
        y, s, zero = x * 1.0, x[1], np.asarray(x[2], like=x)
        y[0] **= 3
        s **= 0.36
        zero **= 0.36
        return [y, s, zero]

    for x in np.random.default_rng(2).uniform(0.2, 5, (1000, 3)):
        for mine, numpys in zip(vjp(program, x)[0], program(x), strict=True):
            assert np.array_equal(mine, numpys) and type(mine) is type(numpys)


def test_derivatives_are_those_of_powers():
    f = lambda x: x[0] ** 3 + 2.0 ** x[1] + x[0] ** x[1] + np.float64(1.5) ** x[0] + x[1] ** -1
    g = lambda x: (
        np.power(x[0], 3) + np.power(2.0, x[1]) + np.power(x[0], x[1]) + np.power(1.5, x[0]) + np.reciprocal(x[1])
    )
    x = np.array([1.3, 0.7])
    for transform in (grad, lambda f: grad(lambda x: np.sum(grad(f)(x) ** 2))):
        assert np.allclose(transform(f)(x), transform(g)(x), rtol=1e-14)
    assert np.allclose(grad(f)(x), jax_ref.grad(f)(x), rtol=1e-14)
    assert np.allclose(jax_ref.jit(grad(f))(x), grad(f)(x), rtol=1e-14)


def test_derivatives_of_complex_numbers():
    f = lambda z: abs(z[0] * z[1]) ** 2 + np.real((1j * z[0]) * z[1] * z[0] ** 3)
    g = lambda z: np.square(np.abs(np.multiply(z[0], z[1]))) + np.real(np.multiply(1j * z[0], z[1]) * np.power(z[0], 3))
    z = np.array([0.3 + 1.2j, -0.7 + 0.4j])
    assert np.allclose(grad(f)(z), grad(g)(z), rtol=1e-14)
    assert np.allclose(grad(f)(z), jax_ref.grad(f)(z), rtol=1e-13)


def test_a_negative_number_of_pythons_has_complex_powers():
    out, tangent = jvp(lambda x: x**0.5, (-2.0,), (1.0,))
    assert out == (-2.0) ** 0.5 and abs(tangent - 0.5 * (-2.0) ** -0.5) < 1e-15
    assert np.isnan(jvp(lambda x: x**0.5, (np.float64(-2),), (1.0,))[0])
    with pytest.raises(ZeroDivisionError):
        vjp(lambda x: x**-1, 0.0)


def test_integers_raise_as_numpys():
    with pytest.raises(ValueError, match="Integers to negative integer powers"):
        record(lambda n: n[0] ** -1, np.array([2, 3]))
    program = record(lambda n: n[0] ** 3 + (n > 2)[0] ** 2, np.array([2, 3]))
    assert program(np.array([5, 3]))[0] == 126 and "** 3" in program.source


def test_recorded_powers_run_elsewhere():
    x = np.array([1.3, 0.7])
    f = lambda x: x[0] ** 3 * x[1] ** x[0]
    program = record(f, x)
    assert float(program(precise(x))[0].value) == pytest.approx(f(x), rel=1e-15)
    assert np.allclose(jax_ref.jit(lambda x: program(x)[0])(x), f(x), rtol=1e-15)
    assert cost(record(lambda x: x[0] ** 3, x)).transcendentals == 1
    assert np.allclose(symbolic_gradient(x, f), grad(f)(x), rtol=1e-13)
    assert np.allclose(symbolic_gradient(2.0, lambda x: x**3), 12)


PYTHONS = {  # programs of Python's numbers among the arguments, beside an array in single precision
    "a factor": lambda a, s: a * (s * 0.5),
    "a polynomial": lambda a, s: a * (s**2 + 3 * s - 1) / (2.5 - s),
    "a power": lambda a, s: a * abs(-s) ** 0.36 + s**-1,
    "a root": lambda a, s: (s**0.5 + s**1) * a,
    "whole parts": lambda a, s: a * (s // 2 + s % 2) + divmod(s, 2)[1],
    "a comparison": lambda a, s: a * (s * (s > 1)),
    "minus a comparison": lambda a, s: a - (-(s > 1)) * s,
    "round": lambda a, s: a * round(s, 1),
    "conjugate": lambda a, s: a * (s * 1j).conjugate(),
    "a number of NumPy's": lambda a, s: np.float32(3) * s * a + np.sin(s).astype("float32"),
    "double precision by a ufunc": lambda a, s: a * np.multiply(s, 2.0),
    "a list": lambda a, s: np.stack([s, 2 * s]) * a[:2],
}


@pytest.mark.parametrize("s", [1.5, 0.7])
@pytest.mark.parametrize("name", PYTHONS)
def test_numbers_of_pythons_leave_single_precision_as_it_is(name, s):
    f, a = PYTHONS[name], np.array([0.3, -1.2, 2.0], np.float32)
    plain = f(a, s)
    through = lambda a, s: vjp(f, a, s)[0]
    compiled = compile(f)
    runs = [through(a, s), jvp(f, (a, s), (a, 1.0))[0], vjp(through, a, s)[0], record(f, a, s)(a, s)[0]]
    for y in [*runs, *(compiled(a, s) for _ in range(4))]:
        assert (type(y), y.dtype, y.tobytes()) == (type(plain), plain.dtype, plain.tobytes())
    for y in (jax_ref.jit(f)(a, s), jax_ref.jit(through)(a, s)):
        assert y.dtype == plain.dtype and np.allclose(y, plain)
    cotangent = np.array([1.0, 2.0, 0.5], plain.dtype)[: plain.size]
    for ours, theirs in zip(vjp(f, a, s)[1](cotangent), jax_ref.vjp(f, a, s)[1](cotangent)):
        assert ours.dtype == theirs.dtype and np.allclose(ours, theirs)


RAISING = {
    "1 / s": lambda s: 1 / s,
    "s / s": lambda s: s / s,
    "1 // s": lambda s: 1 // s,
    "s % s": lambda s: s % s,
    "divmod": lambda s: divmod(1, s),
    "s ** -1": lambda s: s**-1,
    "s ** -2": lambda s: s**-2,
    "one that nothing needs": lambda s: (1 / s, s)[1],
    "too large": lambda s: (s + 1e200) ** 2,
}


@pytest.mark.parametrize("name", RAISING)
def test_numbers_of_pythons_raise_what_they_raise_without(name):
    f, compiled = RAISING[name], compile(RAISING[name])
    with pytest.raises((ZeroDivisionError, OverflowError)) as plain:
        f(0.0)
    for _ in range(3):
        if name != "too large":
            compiled(2.0)
    for run in (lambda s: vjp(f, s), lambda s: jvp(f, (s,), (1.0,)), compiled, lambda s: record(f, s)):
        with pytest.raises(plain.type):
            run(0.0)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_programs_of_pythons_numbers(data):
    """Operators one after another, of numbers of all of Python's types, in every mode."""
    numbers = [0.0, -0.0, 1.0, -0.7, 2.5, 1 + 2j, 3, -1, True, 0.5]
    x, y = (data.draw(st.sampled_from(numbers[:6])) for _ in range(2))
    constants = [data.draw(st.sampled_from(numbers)) for _ in range(2)]
    pick = st.integers(0, 5)
    steps = [
        (BINARY[name], data.draw(pick), data.draw(pick))
        if (name := data.draw(st.sampled_from([*BINARY, *UNARY, *OF_ONE]))) in BINARY
        else ((UNARY | OF_ONE)[name], data.draw(pick))
        for _ in range(data.draw(st.integers(1, 4)))
    ]

    def program(x, y):
        values = [x, y, *constants]
        for operation, *places in steps:
            z = operation(*(values[k % len(values)] for k in places))
            values.append(z[0] if isinstance(z, tuple) else z)
        return values[-1]

    found = lambda f: outcome_of_pythons(f, x, y)
    plain, compiled = found(program), compile(program)
    assert found(lambda *x: vjp(program, *x)[0]) == plain
    assert found(lambda *x: jvp(program, x, tuple(map(np.ones_like, x)))[0]) == plain
    assert found(lambda *x: vjp(lambda *x: jvp(program, x, tuple(map(np.ones_like, x)))[0], *x)[0]) == plain
    for run in (lambda *x: record(program, *x)(*x)[0], compiled, compiled, compiled):
        assert (got := found(run)) == plain or "use np.round" in got
