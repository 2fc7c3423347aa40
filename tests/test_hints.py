"""Hints: each kind of mistake is named in the message, and no other kind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jax_ref.checks.check import check, check_custom, check_jvp, check_vjp
from jax_ref.commands.faults import FAULTS, planted
from jax_ref.engines.ready import OURS
from jax_ref.measure.derivatives import Problem, findings, references
from jax_ref.measure.vectors import vectors

pytestmark = pytest.mark.usefixtures("unvaried")


rng = np.random.default_rng(0)
x3, x33, x23 = rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=(2, 3))
z3 = rng.normal(size=3) + 1j * rng.normal(size=3)
tied = np.array([1.0, 2.0, 0.5, 3.0]), np.array([1.0, 1.0, 0.5, 4.0])

KINDS = (
    "wrong factor",
    "1/n is missing",
    "or n is missing",
    "another function, np.sin",
    "another function, np.log",
    "another function, np.exp",
    "wrong sign",
    "missing un-broadcast sum",
    "transposed",
    "missing conjugate",
    "is ignored",
    "is squared",
    "overwritten instead of accumulated",
    "wrong at a tie",
    "dtype drift",
    "nan at a special point",
    "dropped:",
    "wrong axis",
    "second order only",
)


def kinds_in(message):
    return {kind for kind in KINDS if kind in message}


def rule(derivative):
    """A reverse rule of one argument: ``derivative(g, x)``."""
    return lambda f: lambda x: (f(x), lambda g: (derivative(g, x),))


REVERSE = [
    ("wrong factor", rule(lambda g, x: 3 * g * np.cos(x)), np.sin, x3),
    ("wrong factor", rule(lambda g, x: 1.01 * g * np.cos(x)), np.sin, x3),
    ("wrong factor", rule(lambda g, x: 2 * g * np.cos(x)), np.sin, np.float64(0.3)),
    ("1/n is missing", rule(lambda g, x: g * np.ones_like(x)), np.mean, x23),
    ("1/n is missing", rule(lambda g, x: g[:, None] * np.ones_like(x)), lambda x: np.mean(x, 1), x23),
    ("or n is missing", rule(lambda g, x: g * np.full_like(x, 1 / x.size)), np.sum, x23),
    ("another function, np.sin", rule(lambda g, x: g * np.cos(x)), np.cos, x3),
    ("another function, np.sin", rule(lambda g, x: g * np.cos(x)), np.exp, np.float64(0.3)),
    ("another function, np.log", rule(lambda g, x: g / x), np.log2, 1 + np.abs(x3)),
    ("another function, np.exp", rule(lambda g, x: g * np.exp(x)), np.sinh, z3),
    ("wrong sign", rule(lambda g, x: -g * np.cos(x)), np.sin, x3),
    ("wrong sign", rule(lambda g, x: g * np.sin(x)), np.cos, np.float64(0.3)),
    ("transposed", rule(lambda g, x: (g * np.cos(x)).T), np.sin, x33),
    ("transposed", rule(lambda g, x: g), np.transpose, x23),
    ("missing conjugate", rule(lambda g, x: np.conjugate(g * np.cos(x))), np.sin, z3),
    ("is ignored", rule(lambda g, x: np.cos(x)), np.sin, x3),
    ("is ignored", rule(lambda g, x: np.ones_like(x)), np.sum, x33),
    ("is squared", rule(lambda g, x: g * g * np.cos(x)), np.sin, x3),
    ("is squared", rule(lambda g, x: (g * g)[:, None] * np.ones_like(x)), lambda x: np.sum(x, 1), x23),
    ("dtype drift", rule(lambda g, x: g * np.cos(x) * np.float64(1)), np.sin, x3.astype(np.float32)),
    ("nan at a special point", rule(lambda g, x: g * (x / np.abs(x))), np.abs, np.array([1.0, 0.0, -2.0])),
    ("dropped:", rule(lambda g, x: 0 * x), np.sin, x3),
    ("dropped:", rule(lambda g, x: g * np.cos(x) * (np.arange(x.size) != 1)), np.sin, x3),
    ("wrong axis", rule(lambda g, x: g), lambda x: x[::-1], x3),
    ("wrong axis", rule(lambda g, x: np.roll(g, 1)), lambda x: np.roll(x, 1), rng.normal(size=5)),
]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(("kind", "make", "f", "x"), REVERSE)
def test_a_reverse_rule(kind, make, f, x):
    with pytest.raises(AssertionError) as failure:
        check_vjp(make(f), f, x)
    assert kinds_in(str(failure.value)) == {kind}


def pushed(derivative):
    return lambda f: lambda primals, tangents: (f(*primals), derivative(tangents[0], primals[0]))


FORWARD = [
    ("wrong factor", pushed(lambda t, x: 2 * t * np.cos(x)), np.sin, x3),
    ("another function, np.sin", pushed(lambda t, x: t * np.cos(x)), np.cos, x3),
    ("wrong sign", pushed(lambda t, x: -t * np.cos(x)), np.sin, x33),
    ("transposed", pushed(lambda t, x: (t * np.cos(x)).T), np.sin, x33),
    ("missing conjugate", pushed(lambda t, x: np.conjugate(t * np.exp(x))), np.exp, z3),
    ("is ignored", pushed(lambda t, x: np.cos(x)), np.sin, x3),
    ("is squared", pushed(lambda t, x: t * t * np.cos(x)), np.sin, x3),
    ("dtype drift", pushed(lambda t, x: t * np.cos(x) * np.float64(1)), np.sin, x3.astype(np.float32)),
    ("dropped:", pushed(lambda t, x: 0 * x), np.sin, x3),
    ("wrong axis", pushed(lambda t, x: (t * np.cos(x))[::-1]), np.sin, x3),
]


@pytest.mark.parametrize(("kind", "make", "f", "x"), FORWARD)
def test_a_forward_rule(kind, make, f, x):
    with pytest.raises(AssertionError) as failure:
        check_jvp(make(f), f, x)
    assert kinds_in(str(failure.value)) == {kind}


def products(a, b):
    return a * b, lambda g: (g * b, g * a)


def twice_at_a_tie(a, b):
    share = lambda a, b: np.where(a == b, 2.0, a > b)
    return np.maximum(a, b), lambda g: (g * share(a, b), g * share(b, a))


@pytest.mark.parametrize(
    ("kind", "my_vjp", "f", "primals"),
    [
        ("missing un-broadcast sum", products, np.multiply, (x23, x3)),
        ("wrong at a tie", twice_at_a_tie, np.maximum, tied),
        ("dropped:", lambda a, b: (a * b, lambda g: (g * b, 0 * b)), np.multiply, (x3, x3[::-1])),
    ],
)
def test_a_reverse_rule_of_two_arguments(kind, my_vjp, f, primals):
    with pytest.raises(AssertionError) as failure:
        check_vjp(my_vjp, f, *primals)
    largest = str(failure.value).partition("smallest")[0]  # one tied number alone looks like a wrong factor
    assert kinds_in(largest) == {kind}


symmetric = x33 + x33.T
FALSE = [  # of rules that are wrong in another way, or at points that do not tell
    ("a factor, from one element", rule(lambda g, x: 0.842288 * g * np.cos(x)), np.sin, np.float64(0.3)),
    ("a factor, from equal numbers", rule(lambda g, x: g * (1 - x**2)), np.tanh, np.full(3, 0.3)),
    ("a function, from a round slope", rule(lambda g, x: 3 * g), np.exp, np.float64(0.3)),
    ("a function, of an added constant", rule(lambda g, x: g * (np.cos(x) + 0.1)), np.cos, x3),
    ("a conjugate, of real numbers", rule(lambda g, x: np.conjugate(g) * (1 + x)), np.sin, x3),
    ("transposed, of a symmetric slope", rule(lambda g, x: g * (x + 1) ** 2), lambda x: x**3, symmetric),
    ("a sum that is missing", rule(lambda g, x: g * (x + 1)), np.sin, x23),
]


@pytest.mark.parametrize(("false", "make", "f", "x"), FALSE)
def test_nothing_is_said_where_nothing_is_told(false, make, f, x):
    with pytest.raises(AssertionError) as failure:
        check_vjp(make(f), f, x)
    assert "hint:" not in str(failure.value).partition("smallest")[0], false


@pytest.mark.parametrize(
    ("back", "container"),
    [
        (lambda g, c: c, "array, not (array,)"),
        (lambda g, c: [c], "[array], not (array,)"),
        (lambda g, c: None, "None, not (array,)"),
        (lambda g, c: (c, c), "(array, array), not (array,)"),
    ],
)
def test_what_a_pullback_has_to_return_is_said(back, container):
    with pytest.raises(AssertionError) as failure:
        check_vjp(lambda x: (np.sin(x), lambda g: back(g, g * np.cos(x))), np.sin, x3)
    assert f"container {container}\n" in str(failure.value)
    assert "hint: return a tuple with one cotangent per argument: (g,) for one\n" in str(failure.value)
    assert "PyTreeSpec" not in str(failure.value)


def test_a_container_of_results_is_another_matter():
    with pytest.raises(AssertionError) as failure:
        check_jvp(lambda x, t: (np.sin(*x), [np.cos(*x) * t[0]]), np.sin, x3)
    assert "container [array], not array" in str(failure.value) and "cotangent" not in str(failure.value)


def test_a_right_rule_has_no_hint():
    assert check_vjp(lambda a, b: (a * b, lambda g: (g * b, g * a)), np.multiply, x3, x3[::-1]).ok


def test_a_small_fault_beyond_rounding_has_another_name_than_rounding():
    with pytest.raises(AssertionError, match="rounding"):
        check_vjp(rule(lambda g, x: g * np.cos(x) * (1 + 1e-13))(np.sin), np.sin, x3)
    with pytest.raises(AssertionError) as failure:
        check_vjp(rule(lambda g, x: g * np.cos(x) * 1.001)(np.sin), np.sin, x3)
    assert "rounding" not in str(failure.value)


def test_two_elements_of_many_that_are_nearly_right_are_not_in_the_wrong_places():
    slope = lambda x: np.cos(x) * (1 + 1e-9 * (np.arange(x.size) < 2))
    with pytest.raises(AssertionError, match="right to half the digits"):
        check_vjp(rule(lambda g, x: g * slope(x))(np.sin), np.sin, np.linspace(0.1, 1.3, 121))


PLANTED = [
    ("overwritten", "overwritten instead of accumulated", np.tanh, "rev"),
    ("second order dropped", "second order only", np.exp, "fwd"),
    ("second order dropped", "second order only", np.exp, "rev"),
    ("second order wrong", "second order only", np.sin, "rev"),
    ("wrong tie", "wrong at a tie", np.exp, "rev"),
    ("wrong axis", "wrong axis", np.exp, "rev"),
    ("sign", "wrong sign", np.cumsum, "fwd"),
]


@pytest.mark.parametrize(("fault", "kind", "f", "mode"), PLANTED)
def test_a_planted_fault(fault, kind, f, mode):
    (fault,) = (known for known in FAULTS if known.name == fault)
    problem = Problem(f, vectors(f, (np.array([0.3, -1.2, 0.3, 0.8]),), "0"))
    (reference,) = references([problem])
    with planted(f, fault, mode):
        hints = [finding.hint for finding in findings(OURS, problem, reference, (mode,))]
    assert any(kind in text for text in hints)
    assert ("second order only" in " ".join(hints)) == (kind == "second order only")


def test_a_custom_rule_that_is_right_to_first_order_only():
    @jax.custom_jvp
    def f(x):
        return jnp.sin(x)

    @f.defjvp
    def _(primals, tangents):
        return f(*primals), jax.lax.stop_gradient(jnp.cos(primals[0])) * tangents[0]

    with pytest.raises(AssertionError) as failure:
        check_custom(f, np.sin, x3)
    assert "second order only" in kinds_in(str(failure.value))
    assert check(np.sin, x3).ok
