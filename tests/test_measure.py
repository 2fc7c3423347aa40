"""Measuring: what the reference is, and how sensitive."""

import jax
import jax.numpy as jnp
import numpy as np
import optree
import pytest

import scratch_ad
from jax_ref.engines.ready import OURS, Engine
from jax_ref.measure import derivatives
from jax_ref.measure.derivatives import Problem, compared, findings, references
from jax_ref.measure.tolerances import differences
from jax_ref.measure.vectors import vectors
from jax_ref.referee.judge import examined
from jax_ref.sweep import runs, sweep

x3 = np.array([0.3, -1.2, 2.0])


def problem(f, *primals, order=2):
    return Problem(f, vectors(f, primals, "0"), order)


def test_xla_settings_do_not_change_the_reference():
    (unit,) = sweep.units(["np.logaddexp"], ["float64"])
    problems = [runs.problem(case, unit.dtype) for case in unit.cases()]
    exact, *others = (
        derivatives.compiled(problems, options)(problems) for options in (None, derivatives.SMALL, derivatives.QUICKLY)
    )
    for quick in others:
        for a, b in zip(quick, exact, strict=True):
            for k in range(2):
                conditions = optree.tree_map(np.maximum, a.conditions[k], b.conditions[k])
                assert not differences(a.derivatives[k], b.derivatives[k], conditions)


def test_a_program_that_xla_makes_wrong_is_no_reason_to_flag_what_is_right():
    given = problem(np.sin, x3)
    (reference,) = references([given])
    wrong = optree.tree_map(lambda x: 1.1 * x, reference.derivatives)
    reference = reference._replace(derivatives=wrong)
    assert compared(OURS, given, reference, derivatives.measured(OURS, given))
    assert examined(OURS, given, reference) == ([], [])


def test_vectors_are_neither_constant_nor_symmetric_and_combine_exactly():
    v = vectors(lambda a, b: a * b, (np.ones((4, 4)), np.ones((4, 4), np.float32)), "seed")
    for u, w in ((v.tangents[0], v.others[0]), (v.cotangent, v.second)):
        assert len(np.unique(u)) > 4 and np.any(u != u.T) and np.any(u != w)
        np.testing.assert_array_equal(2 * u.astype(np.float16) - 3 * w.astype(np.float16), 2 * u - 3 * w)
    assert v.tangents[1].dtype == np.float32 and v.cotangent.dtype == np.float64
    again = vectors(lambda a, b: a * b, v.primals, "seed")
    np.testing.assert_array_equal(again.cotangent, v.cotangent)


def test_the_condition_of_a_sum_that_cancels():
    f = lambda x: np.sum(x * np.array([1.0, 1e8, -1e8]))
    (reference,) = references([problem(f, np.ones(3))])
    assert 1e7 < reference.conditions[0]["jvp"] < 1e10
    assert np.all(reference.conditions[0]["vjp"][0] <= 1e2 * np.abs(reference.derivatives[0]["vjp"][0]))


def test_a_kink_does_not_hide_itself():
    half = lambda f, p, t: (f(*p), t[0])  # all to the first argument, even at a tie
    p = problem(np.maximum, np.ones(3), np.ones(3), order=1)
    (reference,) = references([p])
    assert findings(Engine("half", jvp=half, order=1), p, reference, ("fwd",))
    assert not findings(OURS, p, reference)


def test_jax_functions_are_taken_as_they_are_and_numpy_functions_lifted():
    for f in (jnp.sin, np.sin, lambda x: jax.numpy.exp(x) * x, lambda x: np.exp(x) * x, lambda x: x * x + 1):
        (reference,) = references([problem(f, x3)])
        expected = f(x3)
        np.testing.assert_allclose(reference.derivatives[0]["value"], expected, rtol=1e-14)


def test_a_keyword_that_a_jax_array_would_drop_silently():
    (reference,) = references([problem(lambda x: np.sum(x, initial=2.0), x3)])
    np.testing.assert_allclose(reference.derivatives[0]["value"], 2 + x3.sum())


def wrong(vjp=None, jvp=None):
    """Our engine, with one thing wrong."""
    return Engine("wrong", jvp or scratch_ad.jvp, vjp or scratch_ad.vjp, order=1)


def accumulating(f, *primals):
    out, pullback = scratch_ad.vjp(f, *primals)
    total = [np.zeros(3)]

    def pull(g):
        total[0] = total[0] + pullback(g)[0]
        return (total[0],)

    return out, pull


def writing(f, primals, tangents):
    result = scratch_ad.jvp(f, primals, tangents)
    tangents[0][...] = 0
    return result


def affine(f, primals, tangents):
    out, t = scratch_ad.jvp(f, primals, tangents)
    return out, t + 1


@pytest.mark.parametrize(
    ("engine", "what"),
    [
        (wrong(vjp=accumulating), "the pullback called again gives another result"),
        (wrong(jvp=writing), "inputs: changed by the engine"),
        (wrong(jvp=affine), "jvp along a combination"),
        (wrong(vjp=lambda f, *p: (f(*p), lambda g: (np.cos(x3) * np.sum(g),))), "vjp"),
        (wrong(jvp=lambda f, p, t: (f(*p) + 1e-9, np.cos(x3) * t[0])), "value of jvp"),
    ],
)
def test_what_an_engine_does_wrong_is_found(engine, what):
    p = problem(np.sin, x3, order=1)
    (reference,) = references([p])
    assert not findings(OURS, p, reference)
    assert any(what in str(finding) for finding in findings(engine, p, reference))


def test_modes_that_disagree_are_found_where_jax_is_as_wrong_as_one_of_them():
    def slightly_off(f, *primals):
        out, pullback = scratch_ad.vjp(f, *primals)
        return out, lambda g: (pullback(g)[0] * (1 + 1e-6),)

    p = problem(lambda x: np.sin(x) * np.ones((50, 1)), x3, order=1)
    (reference,) = references([p])
    for exact in reference.derivatives:
        exact["vjp"] = (exact["vjp"][0] * (1 + 1e-6),)
    assert [finding.what for finding in findings(wrong(vjp=slightly_off), p, reference)] == ["adjoint identity"]
