"""NumPy's functions each have one answer, and every rule has a case."""

import ast
import collections
import importlib.util
import itertools
import pathlib
import re

import numpy as np
import pytest
from numpy.testing import overrides

import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.cases.constant import CONSTANTS
from jax_ref.measure.tolerances import mismatch
from scratch_ad import batch, fast, forward, grad, jvp, scipy, vjp
from scratch_ad.constants import ConstantCell
from scratch_ad.primitives import sparse_product
from scratch_ad.registry import load_rules, rule_of
from scratch_ad.rule import Constant, Refused
from scratch_ad.rules.elementwise import cosh_squared
from scratch_ad.scalars import ufunc_of
from scratch_ad.tracer import Tracer, answers, name_of
from scratch_ad.writing import cartesian, put

PACKAGE = pathlib.Path(scratch_ad.__file__).parent
OURS = {f: rule for f, rule in rule_of.items() if not (getattr(f, "__module__", "") or "").startswith("test")}


SOLVERS = {
    f"scipy.integrate.{name}" for name in ("quad", "quad_vec", "nquad", "dblquad", "tplquad", "odeint", "solve_ivp")
}


def names(functions):
    return sorted(set(map(name_of, functions)))


ON_DEMAND = ("numpy.char", "numpy.strings", "numpy.polynomial")  # loaded by some library or other, or not at all


def test_every_function_that_can_be_overridden_has_an_answer():
    functions = {*overrides.get_overridable_numpy_ufuncs(), *overrides.get_overridable_numpy_array_functions()}
    load_rules()  # for what asking has imported
    functions = {f for f in functions if not (getattr(f, "__module__", None) or "").startswith(ON_DEMAND)}
    assert len(functions) > 400
    assert sorted({*names(functions)} - {*names(rule_of)}) == []  # by name: np.eye(like=…) is a second function object


def test_every_ufunc_method_of_the_arithmetic_functions_has_an_answer():
    for ufunc in (np.add, np.multiply, np.maximum, np.minimum):
        assert {ufunc.reduce, ufunc.accumulate, ufunc.reduceat, ufunc.outer} <= rule_of.keys(), name_of(ufunc)


def test_no_function_has_two_rules(monkeypatch):
    """Reading the files of ``rules`` once more into an empty registry meets no function twice."""

    class Once(dict):
        def __setitem__(self, function, rule):
            assert function not in self, f"{name_of(function)} has two rules"
            super().__setitem__(function, rule)

    once = Once()
    monkeypatch.setattr(scratch_ad.rule, "rule_of", once)
    monkeypatch.setattr(scratch_ad.registry, "rule_of", once)
    for path in sorted(PACKAGE.glob("rules/**/[a-z]*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        spec = importlib.util.spec_from_file_location(module, path)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert len(once) > 300


def test_every_rule_has_a_case():
    of_numpy = {f for f, rule in OURS.items() if not isinstance(rule, (Constant, Refused))}
    of_numpy = {f for f in of_numpy if isinstance(f, np.ufunc) or not (is_internal(f) or is_method(f))}
    of_numpy = {f for f in of_numpy if not name_of(f).startswith("scipy.stats.")}  # tests/test_stats.py has all methods
    of_numpy = {f for f in of_numpy if name_of(f) not in SOLVERS}  # tests/test_integrate.py
    written = {*answers} - {np.nan_to_num}  # tests/test_writing.py has those
    assert names(of_numpy - {case.function for case in catalogue} - written) == []


def is_method(function):
    """Whether it is a ufunc's method: tests/test_ufunc_methods.py has a test for all of those."""
    return isinstance(getattr(function, "__self__", None), np.ufunc)


def is_internal(function):
    return (getattr(function, "__module__", None) or "").startswith("scratch_ad")


def pull(f, *primals):
    """The pullback of ``f`` applied to the tangent of the output along the primals."""
    _, t = jvp(f, primals, primals)
    return vjp(f, *primals)[1](t)


def numbers(case):
    """How many numbers a case is given."""
    return sum(np.size(x) for x in case.draw(case.dtypes[-1]))


def test_every_internal_rule_is_used_by_some_case(monkeypatch):
    unused = {f for f, rule in OURS.items() if is_internal(f) and not isinstance(rule, (Constant, Refused))}
    unused -= {cartesian, put, sparse_product, *ufunc_of}  # tests/test_writing.py, …foreign_classes, …scalars
    unused -= {batch.example, batch.alone, batch.assembled}  # tests/test_batch.py
    unused -= {cosh_squared}  # of JAX's arrays alone: tests/test_xla.py

    class Watched(collections.ChainMap):  # over the rules that come on demand, too
        def get(self, function, default=None):
            unused.discard(function)
            return super().get(function, default)

    for engine in (forward, fast):
        monkeypatch.setattr(engine, "rule_of", Watched(rule_of))
    ordered = sorted(catalogue, key=lambda case: (name_of(case.function), numbers(case)))
    of_each = [[*cases] for _, cases in itertools.groupby(ordered, lambda case: case.function)]
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*of_each))  # the smallest case of each first
    with np.errstate(all="ignore"):
        for case in filter(None, in_turn):
            if not unused:
                break
            primals = case.draw(case.dtypes[-1])
            f = case.function_in()
            of_third_order = name_of(case.function) in ("np.linalg.det", "scipy.linalg.polar")
            if of_third_order or "'nuc'" in case.expression:
                f = lambda *x, f=f: pull(f, *x)
            pull(f, *primals)
            pull(lambda *x, f=f: pull(f, *x), *primals)
    assert [f"{f.__module__}.{name_of(f)}" for f in unused] == []


def test_every_function_that_jax_has_meets_a_hundred_numbers():
    """So that a rule that loses one of them is found; of the roots of a polynomial JAX gives others first."""
    met = {name_of(c.function): 0 for c in catalogue if c.function in rule_of and not c.differs}
    for case in catalogue:
        if (name := name_of(case.function)) in met and {"float64", "complex128"}.intersection(case.dtypes):
            met[name] = max(met[name], *map(np.size, case.draw(case.dtypes[-1])))
    assert {name for name, most in met.items() if most < 100} == {"np.roots"}


def test_every_constant_function_has_a_case():
    of_cases = {attribute(call) for call in CONSTANTS}
    constants = {f for f, rule in OURS.items() if isinstance(rule, Constant) and not (is_internal(f) or is_method(f))}
    assert names(constants - of_cases) == []


def attribute(call):
    """The function that a call such as "np.linalg.norm(x)" names first."""
    return eval(re.match(r"(\w+(\.\w+)+)\(", call)[1], {"np": np, "scipy": scipy})


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")  # in NumPy 2.5
@pytest.mark.parametrize("call", CONSTANTS)
def test_constant_functions_give_numpys_plain_result_and_no_derivative(call):
    f = eval(f"lambda x, v, n: {call}", {"np": np, "scipy": scipy})
    x, v, n = np.array([[0.5, -1.2, 0.0], [2.0, 0.5, 3.5]]), np.array([0.3, -1.5, 2.0, 0.5]), np.array([0, 1, 2])
    expected = f(x, v, n)
    results = []

    def beside(x, v):
        results.append(f(x, v, n))
        return np.sum(x * x) + np.sum(v * v)

    gradient = grad(beside, argnums=(0, 1))(x, v)
    jvp(beside, (x, v), (x, v))
    grad(lambda x: np.sum(grad(beside)(x, v)))(x)
    assert not mismatch(gradient, (2 * x, 2 * v))
    for result in results:
        if attribute(call) in (np.array_repr, np.array_str, np.array2string):
            assert isinstance(result, str)
        elif "share" not in call and "empty" not in call:
            for part in result if isinstance(result, tuple) else [result]:
                assert not isinstance(part, Tracer) or type(part) is ConstantCell
            assert str(result) == str(expected)


def test_every_refusal_says_why_and_what_to_do_instead():
    for function, rule in OURS.items():
        if isinstance(rule, Refused):
            assert len(rule.reason) > 10, name_of(function)


def test_public_names():
    public = {name for name in vars(scratch_ad) if not name.startswith("_")}
    modules = {name for name in public if isinstance(getattr(scratch_ad, name), type(ast))}
    expected = "jvp vjp linearize grad value_and_grad jacfwd jacrev hessian hvp stop_gradient custom_jvp custom_vjp"
    rules_of_users = "elementwise linear explicit composite constant refuse primitive float0"
    assert {*expected.split(), *rules_of_users.split()} <= public - modules
