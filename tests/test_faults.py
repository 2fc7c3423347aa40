"""Planted faults: the check finds them, and nothing where none is planted."""

import numpy as np
import pytest

import scratch_ad
from jax_ref.commands.faults import FAULTS, MODES, NOTHING, Selftest, false_alarms, planted, selftest
from jax_ref.sweep.sweep import Unit
from scratch_ad.registry import rule_of

HANDFUL = ("np.tanh", "np.multiply", "np.sum", "np.where", "np.matmul", "np.sort", "np.concatenate")
x = np.array([[0.3, -1.2, 0.0], [0.8, 0.3, 2.0]])


@pytest.fixture(scope="module")
def handful():
    return selftest(HANDFUL)


def test_every_fault_in_a_handful_of_rules_is_caught(handful):
    assert handful.ok, str(handful)
    assert {row.rule for row in handful.rows} == set(HANDFUL)
    for row in handful.rows:
        assert row.planted == sum(len(fault.modes) for fault in FAULTS) == row.caught + row.equivalent
        assert row.caught >= 0.8 * row.planted
    caught = {(o.fault, o.mode) for o in handful.outcomes if o.status == "caught"}
    assert caught == {(fault.name, mode) for fault in FAULTS for mode in fault.modes}  # so each is planted, indeed


def test_what_is_equivalent_has_a_reason(handful):
    reasons = {(o.rule, o.fault): o.reason for o in handful.outcomes if o.status == "equivalent"}
    assert reasons["np.tanh", "un-broadcast sum"] == "it does not broadcast"
    assert all(reasons.values()) and "equivalent: un-broadcast sum" in str(handful)


def test_functions_that_share_a_word_are_told_apart():
    assert {row.rule: row.escaped for row in selftest(["clip"], ["fwd"]).rows} == {"clip": 0, "np.clip": 0}


def test_a_fault_that_no_case_exercises_is_named_as_escaped(monkeypatch):
    every = Unit.cases
    monkeypatch.setattr(Unit, "cases", lambda unit: every(unit)[:1])
    result = selftest(["np.tanh"], ["fwd"])
    assert {o.fault for o in result.escapes} == {"one of 100 zeroed"}
    assert "escaped: one of 100 zeroed in np.tanh, fwd: no case" in str(result) and not result.ok


def test_a_check_that_finds_too_much_is_an_alarm(monkeypatch):
    monkeypatch.setattr("jax_ref.measure.tolerances.tolerance", lambda expected, *_: np.full(expected.shape, -1.0))
    assert not selftest(["np.tanh"], ["fwd"]).ok


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", [NOTHING, *FAULTS], ids=lambda fault: fault.name)
def test_a_fault_is_in_one_rule_and_one_mode_and_goes_away(fault, mode):
    if mode not in fault.modes:
        return
    right = dict(rule_of)
    f = lambda x: np.sum(np.tanh(x) * x)
    derivatives = lambda: (scratch_ad.jvp(f, (x,), (x.copy(),))[1], scratch_ad.vjp(f, x)[1](np.float64(1))[0])
    expected = derivatives()
    with planted(np.tanh, fault, mode):
        other = MODES.index("rev" if mode == "fwd" else "fwd")
        np.testing.assert_array_equal(derivatives()[other], expected[other])
    assert rule_of == right
    for a, b in zip(derivatives(), expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("function", [np.tanh, np.linalg.norm, np.concatenate, np.add.reduce])
def test_nothing_planted_changes_nothing(function):
    f = (lambda x: np.concatenate([x, x * x])) if function is np.concatenate else function
    for mode in MODES:
        with planted(function, NOTHING, mode):
            y, pullback = scratch_ad.vjp(f, x)
            marked = scratch_ad.jvp(f, (x,), (x,))[1], *pullback(np.ones_like(y))
        y, pullback = scratch_ad.vjp(f, x)
        for a, b in zip(marked, (scratch_ad.jvp(f, (x,), (x,))[1], *pullback(np.ones_like(y))), strict=True):
            np.testing.assert_array_equal(a, b)


def test_right_cases_are_let_through():
    alarms = false_alarms(60, seed=0, dtypes=["float64"], draws=4)
    assert alarms.drawn == 60 and not alarms.flagged, str(alarms)


def test_the_report_counts():
    assert "all" in str(Selftest()) and Selftest().ok
