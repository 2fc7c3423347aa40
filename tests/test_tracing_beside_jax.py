"""A trace beside JAX: each step has JAX's equations and numbers, and a wrong rule is named, ours or JAX's."""

import functools
import pathlib
import textwrap

import jax
import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.commands.trace import function_of
from jax_ref.measure.tolerances import mismatch
from scratch_ad.primitives import getitem
from scratch_ad.registry import rule_of
from scratch_ad.tree import flatten, tree_map
from scratch_ad.writing import put

rng = np.random.default_rng(1)
A, X = rng.normal(size=(3, 3)), rng.normal(size=3)
P = {"w": rng.normal(size=(3, 4)), "b": np.zeros(4), "v": rng.normal(size=(4, 1))}
FEATURES, LABELS = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))


def mlp(p):
    h = np.tanh(FEATURES @ p["w"] + p["b"])
    out = h @ p["v"]
    return np.mean((out - LABELS) ** 2) + 0.01 * np.sum(p["w"] ** 2)


def writes(x):
    y = np.zeros_like(x)
    y[:2] = x[1:] ** 2
    y[0] = np.sin(x[2])
    return np.sum(y * x)


def branch(x):
    if x > 0:
        return np.log(x) * np.max(x)
    return -x


def nested(x):
    return x * scratch_ad.grad(lambda z: z * np.sin(x * z))(x)


def closing(x, w):
    return np.sum(np.piecewise(x, [x > 0], [lambda v: v * w, lambda v: w - v]) * w)


@pytest.mark.parametrize(
    "f, args", [(mlp, (P,)), (writes, (X,)), (branch, (1.5,)), (nested, (0.7,)), (closing, (X, 2.0))]
)
def test_all_agree_and_jaxs_numbers_are_jaxs(f, args):
    t = jax_ref.trace(f, *args)
    assert t.differences == [] and t.first_difference() is None and t.other == "JAX"
    assert all(t.beside[step.number].operations for step in t.steps)
    if f is not nested:  # in which JAX itself cannot take our derivative
        out, pull = jax_ref.vjp(f, *args)
        theirs = [t.beside_inputs[x.place].adjoint for x in t.inputs]
        assert mismatch(theirs, flatten(pull(tree_map(np.ones_like, out)))[0], condition=10.0) == ""
        _, pushed = jax_ref.jvp(f, args, tree_map(np.ones_like, args))
        assert mismatch(t.beside[t.steps[-1].number].tangent, pushed, condition=10.0) == ""
    assert all(not beside.differs for beside in t.beside.values())


def test_a_step_is_jaxs_equations():
    def f(x):
        return np.logaddexp(np.var(x), 1.0) + np.linalg.norm(x)

    t = jax_ref.trace(f, X)
    said = {step.function: [x.text for x in t.beside[step.number].operations] for step in t.steps}
    assert said[np.logaddexp] == ["v2 = custom_jvp_call logaddexp v1 1"]  # one equation
    assert [text.split(" ")[2].partition("[")[0] for text in said[np.linalg.norm]] == ["mul", "reduce_sum", "sqrt"]
    middle, last = t.beside[3].operations[1], t.beside[3].operations[2]
    assert not middle.is_last and last.is_last
    assert np.isclose(middle.value, np.sum(X**2)) and np.isclose(middle.adjoint, 0.5 / np.linalg.norm(X))
    assert "custom_jvp_call logaddexp" in t.table(220)


_PROGRAMS = {
    np.tanh: (lambda x: np.sum(np.exp(np.tanh(np.sin(x)))), X),
    np.sin: (lambda x: np.sin(x) * x, 0.7),
    np.multiply: (lambda x: np.sum(x * A[0] + x), X),
    np.matmul: (lambda a: np.sum(np.tanh(a @ A)), A),
    np.sum: (lambda x: np.sum(x * x) * 2, X),
    getitem: (lambda x: np.sum(np.exp(x[1:])), X),
    put: (writes, X),
    np.where: (lambda x: np.sum(np.where(x > 0, x, 0.1 * x)), X),
    np.exp: (lambda x: np.exp(np.cos(x)), 0.7),
    np.hypot: (lambda x: np.sum(np.hypot(x, X)), X),
}
_FAULTS = {  # how a rule is made wrong, in what that shows first
    np.tanh: (lambda: scratch_ad.elementwise(np.tanh, lambda y: 1 - y), "tangent"),
    np.sin: (lambda: scratch_ad.elementwise(np.sin, lambda x: -np.cos(x)), "tangent"),
    np.multiply: (lambda: scratch_ad.elementwise(np.multiply, lambda a: a, lambda b: b), "tangent"),
    np.matmul: (
        lambda: scratch_ad.linear(np.matmul, lambda g, _a, b: g @ b, lambda g, a, _b: a.mT @ g),
        "contribution",
    ),
    np.sum: (
        lambda: scratch_ad.explicit(np.sum, lambda t, y, x: np.add.reduce(t), lambda g, y, x: 2 * g + 0 * x),
        "contribution",
    ),
    getitem: (lambda: scratch_ad.linear(getitem, lambda g, _a, index: np.ones(_a.shape)), "contribution"),
    put: (
        lambda: scratch_ad.explicit(
            put,
            (lambda t, y, a, index, v: put(t, index, 0 * v), None, lambda t, y, a, index, v: put(0 * a, index, t)),
            (lambda g, y, _a, index, _v: g, None, lambda g, y, _a, index, _v: g[index]),
        ),
        "contribution",
    ),
    np.where: (
        lambda: scratch_ad.linear(np.where, None, lambda g, c, a, b: g, lambda g, c, a, b: np.where(c, 0, g)),
        "tangent",
    ),
    np.exp: (lambda: scratch_ad.elementwise(np.exp, lambda y: y * (1 + 1e-9)), "tangent"),
    np.hypot: (lambda: scratch_ad.composite(np.hypot, lambda a, b: np.sqrt(a * a + b * b + 1e-3)), "value"),
}


@pytest.fixture
def rules():
    """Rules that a test may make wrong."""
    before = dict(rule_of)
    yield rule_of
    rule_of.clear()
    rule_of.update(before)


@pytest.mark.parametrize("function", _FAULTS, ids=lambda function: function.__name__)
def test_a_wrong_rule_is_named(function, rules):
    f, *args = _PROGRAMS[function]
    assert jax_ref.first_difference(f, *args) is None
    plant, what = _FAULTS[function]
    plant()
    t = jax_ref.trace(f, *args)
    found = t.first_difference()
    assert found.what.partition(" ")[0] == what and found.blamed == "ours"
    assert t.steps[found.step - 1].function is function and {d.step for d in t.differences} <= {
        step.number for step in t.steps if step.function is function
    }
    assert found.file == __file__ and found.line and "JAX is right" in found.verdict
    assert t.beside[found.step].differs or what == "contribution"
    assert str(found) in t.table(200)


def test_the_first_wrong_step_of_a_model_is_seen_though_all_after_it_differ(rules):
    scratch_ad.elementwise(np.tanh, lambda y: 1 - y)
    t = jax_ref.trace(mlp, P)
    (wrong,) = {found.step for found in t.differences}
    assert t.steps[wrong - 1].function is np.tanh
    after = [step.number for step in t.steps if "tangent" in t.beside[step.number].differs]
    assert after[0] == wrong and len(after) > 3
    marks = [line.split()[-1] for line in t.table(400).splitlines() if line[:6].strip().isdigit()]
    assert marks.count("≠") == 1 and marks.count("(≠)") > 3 and marks.count("=") >= 3


@pytest.mark.parametrize(
    "f, x",
    [
        (lambda x: np.where(x > 0, np.sqrt(x), 0), 0.0),
        (lambda x: np.linalg.norm(x), np.zeros(2)),
        (lambda x: np.std(x), np.ones(3)),
    ],
)
def test_where_jax_is_wrong_ours_is_not_blamed(f, x):
    t = jax_ref.trace(f, x)
    found = jax_ref.first_difference(f, x)
    assert found.blamed == "JAX" and found.verdict.startswith("JAX is wrong, this is right")
    assert {d.blamed for d in t.differences} == {"JAX"} and np.any(np.isnan(found.theirs))
    assert not np.any(np.isnan(t.inputs[0].adjoint))


def test_a_fault_of_ours_comes_before_one_of_jaxs(rules):
    scratch_ad.elementwise(np.exp, lambda y: 2 * y)
    found = jax_ref.first_difference(lambda x: np.exp(np.where(x > 0, np.sqrt(x), 0) + x), 0.0)
    assert found.call.startswith("np.exp") and found.blamed == "ours"


def test_rounding_is_no_difference():
    """Where a step cancels what came in, what leaves it is far apart and nobody is to blame."""
    f = lambda x: np.sum(np.exp(x) - np.exp(x + 1e-9)) * 1e9
    assert jax_ref.first_difference(f, X.astype("f4")) is None
    assert jax_ref.first_difference(lambda x: np.sum(np.sin(x * 1e6)), X) is None


def test_what_jax_does_not_take_is_said_and_goes_on():
    """A function among the arguments that holds a number of the run."""
    f = lambda x, w: np.sin(np.piecewise(x, [x > 0], [functools.partial(np.multiply, w), lambda v: -v]))
    t = jax_ref.trace(f, X, 2.0)
    notes = {step.function: t.beside[step.number].note for step in t.steps}
    assert notes[np.piecewise].startswith("not given to JAX") and notes[np.sin] == "" and not t.differences


def test_a_function_that_fails_has_its_first_steps_beside_jax():
    t = jax_ref.trace(lambda x: np.sin(x) @ np.ones(7), X)
    assert t.failure().startswith("ValueError") and [*t.beside] == [1] and t.differences == []


def test_random_programs_are_paired_step_by_step():
    """All steps have equations, and whatever is composed, all agree."""
    one = [np.sin, np.tanh, np.exp, np.square, np.cumsum, np.sort, lambda x: x[::-1], lambda x: x / (1 + x * x)]
    two = [np.add, np.multiply, np.maximum, np.arctan2, lambda a, b: np.where(a > b, a, np.sin(b))]
    for seed in range(6):
        rng = np.random.default_rng(seed)

        def program(x, rng=rng):
            values = [x, 0.5 * x]
            for _ in range(8):
                if rng.random() < 0.5:
                    values.append(one[rng.integers(len(one))](values[rng.integers(len(values))]))
                else:
                    values.append(two[rng.integers(len(two))](*(values[k] for k in rng.integers(len(values), size=2))))
                if rng.random() < 0.2:
                    values[-1] = values[-1] * 1
                    values[-1][rng.integers(3)] = np.sum(values[0])
            return values[-1]

        t = jax_ref.trace(program, rng.normal(size=3))
        assert t.error is None and t.differences == [], seed
        assert len(t.steps) > 6 and all(t.beside[step.number].operations for step in t.steps)


def test_it_runs_the_function_once_and_leaves_jax_as_it_was():
    runs = []
    jax_ref.trace(lambda x: runs.append(1) or np.sin(x), 0.5)
    assert runs == [1] and jax.numpy.ones(2).dtype == np.float64


def test_the_readmes_table_is_what_is_printed():
    readme = (pathlib.Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    text = "lambda x: x * np.sin(x) + x"
    table = jax_ref.trace(function_of(text), 1.2).table(110).partition("\n\n")[2]
    assert textwrap.indent(table, "    ") in readme and f'scratch-ad trace "{text}" 1.2' in readme
