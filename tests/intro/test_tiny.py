"""Both modes in eighty lines: beside our engine and JAX, to second order, with fan-out, broadcasting and containers."""

import ast
import itertools
import pathlib

import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.cases.names import cases_of
from jax_ref.engines.ready import TINY
from jax_ref.measure.derivatives import Problem, findings, references
from jax_ref.measure.tolerances import mismatch
from jax_ref.measure.vectors import vectors
from scratch_ad.intro import tiny

X = np.array([0.5, -1.25, 2.0])
PROGRAMS = {
    "fan-out": (lambda x: x * np.sin(x) + x, X),
    "broadcasting": (lambda a, b: np.exp(a) * b + np.cos(b), X, np.array([[0.5], [1.5]])),
    "numbers": (lambda x: 2 * np.exp(np.sin(x)) + 1, 0.5),
    "containers": (lambda p: {"y": p["a"] * p["b"][0], "z": np.sin(p["a"])}, {"a": X, "b": [2.0 * X]}),
    "a constant": (lambda x: (x * x, np.ones(2)), X),
    "float32": (lambda x: np.float64(2) * x + np.sin(x), X.astype("f4")),
    "complex": (lambda x: np.exp(1j * x) * x, X),
}


def test_it_is_a_page():
    source = pathlib.Path(tiny.__file__).read_text()
    assert source.count("\n") <= 80 and len(tiny.RULES) == 5
    names = {node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    assert not any("scratch_ad" in name for name in names)  # it stands alone


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("other", [scratch_ad, jax_ref], ids=["scratch_ad", "jax"])
def test_both_modes_are_the_others(name, other):
    f, *args = PROGRAMS[name]
    v = vectors(f, tuple(args), name)
    assert mismatch(tiny.jvp(f, v.primals, v.tangents), other.jvp(f, v.primals, v.tangents), condition=4.0) == ""
    (value, pull), (_, other_pull) = tiny.vjp(f, *v.primals), other.vjp(f, *v.primals)
    assert mismatch(pull(v.cotangent), other_pull(v.cotangent), condition=8.0) == ""
    assert mismatch(value, f(*v.primals), order=0) == ""


def _slope(engine, mode, f):
    if mode == "fwd":
        return lambda x: engine.jvp(f, (x,), (1.0,))[1]
    return lambda x: engine.vjp(f, x)[1](1.0)[0]


@pytest.mark.parametrize("modes", [*itertools.product(("fwd", "rev"), repeat=3)])
def test_derivatives_of_derivatives(modes):
    f = lambda x: np.exp(x * np.sin(x) + x)
    expected = scratch_ad.grad(scratch_ad.grad(scratch_ad.grad(f)))(0.7)
    for mode in modes:
        f = _slope(tiny, mode, f)
    assert mismatch(f(0.7), expected, condition=abs(expected)) == ""


@pytest.mark.parametrize("modes", [*itertools.product(("fwd", "rev"), repeat=2)])
def test_perturbations_are_not_confused(modes):
    f = lambda x: x * _slope(tiny, modes[0], lambda y: x + y)(1.0)
    assert _slope(tiny, modes[1], f)(1.0) == 1.0


@pytest.mark.parametrize("name", ["np.add", "np.multiply", "np.sin", "np.cos", "np.exp"])
def test_as_an_engine_of_the_suite(name):
    case = next(case for case in cases_of(name) if "float64" in case.dtypes)
    f, primals = case.function_in(), case.draw("float64")
    problem = Problem(f, vectors(f, primals, "0"))
    assert not findings(TINY, problem, references([problem])[0])


def test_what_has_no_rule_is_named():
    for f in (np.tanh, np.sum, lambda x: x[0], lambda x: x - 1):
        with pytest.raises(NotImplementedError, match="no rule for"):
            tiny.jvp(f, (X,), (X,))
