"""Tracers among Python's things: hashes, copies, rounding, rules of users that are not linear."""

import copy
import dataclasses
import functools
import pickle

import numpy as np
import pytest
from optree.dataclasses import register_node

import scratch_ad
from scratch_ad import grad, jacfwd, jvp, vjp

X = np.array([1.5, 2.0])
MODES = {"reverse mode": lambda f: vjp(f, X), "forward mode": lambda f: jvp(f, (X,), (X,))}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "use",
    [
        lambda x: hash(x),
        lambda x: x in {1.5},
        lambda x: {x: 1},
        lambda x: functools.lru_cache(lambda t: t * 2)(x),
    ],
)
def test_no_hash(use, mode):
    for x in (lambda x: x, lambda x: x[0], lambda x: np.zeros_like(x)):
        with pytest.raises(TypeError, match="cannot be hashed"):
            MODES[mode](lambda v: use(x(v)))  # noqa: B023


@pytest.mark.parametrize("mode", MODES)
def test_no_pickle(mode):
    with pytest.raises(TypeError, match=rf"cannot be pickled in {mode}"):
        MODES[mode](pickle.dumps)


def test_rounding_is_piecewise_constant():
    for transform in (grad, jacfwd):
        assert transform(lambda x: x * round(x))(2.6) == 3
        assert transform(lambda x: x * round(x, 1))(2.64) == 2.6
    with pytest.raises(TypeError, match=r"use np\.round"):
        scratch_ad.record(lambda x: x * round(x), 2.6)


def test_a_copy_of_a_number_is_a_number():
    for make in (copy.copy, copy.deepcopy, lambda x: x.copy()):

        def f(x, make=make):
            y = z = make(x[0])
            y += 1
            return y * z

        assert vjp(f, X)[0] == f(X)
        assert grad(f)(X).tolist() == [4, 0]


@pytest.mark.parametrize(
    "rule", [lambda t: t * t, np.sin, np.abs, np.floor, lambda t: np.maximum(t, 0), lambda t: np.where(t > 0, t, 2 * t)]
)
def test_a_custom_rule_that_is_not_linear_is_refused_in_reverse_mode(rule):
    f = scratch_ad.custom_jvp(lambda x: x)
    f.defjvp(lambda primals, tangents: (primals[0], rule(tangents[0])))
    with pytest.raises(NotImplementedError, match="must be linear in the tangents"):
        grad(f)(2.0)


@pytest.mark.parametrize("tangent", [2, np.int64(2), True])
def test_a_custom_rule_with_integer_tangents_is_refused(tangent):
    f = scratch_ad.custom_jvp(lambda x: x)
    f.defjvp(lambda primals, tangents: (primals[0], tangent))
    for run in (lambda: grad(f)(2.0), lambda: jvp(f, (2.0,), (1.0,))):
        with pytest.raises(TypeError, match="corresponding shapes and dtypes"):
            run()


def test_a_dataclass_is_refused_with_the_line_that_registers_it():
    @dataclasses.dataclass
    class Parameters:
        w: object

    f = lambda p: np.sum(p.w**2)
    with pytest.raises(TypeError, match=r"optree\.dataclasses\.register_node\(Parameters"):
        grad(f)(Parameters(X))
    register_node(Parameters, namespace="")
    assert grad(f)(Parameters(X)).w.tolist() == [3, 4]
