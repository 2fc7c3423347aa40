"""Errors found in the peers: ours are right there, the referee agrees, and each line still shows what it should."""

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest

import scratch_ad
from jax_ref.cases.edge_points import EDGE_POINTS
from jax_ref.cases.peer_errors import FOUND_IN, PEER_ERRORS
from jax_ref.checks import peer_lines
from jax_ref.commands.atlas import KINDS, MODES, found
from jax_ref.referee.estimates import jacobian

pytestmark = pytest.mark.xdist_group("peer_errors")  # one process a peer serves all
EACH = pytest.mark.parametrize("error", PEER_ERRORS, ids=lambda e: f"{e.peer}: {e.torch or e.expression} at {e.at}")
now = functools.cache(peer_lines.now)


@EACH
def test_ours_are_right_in_all_modes(error):
    f, x = error.function(), error.point()
    for modes in itertools.product(MODES if np.isrealobj(x) else ["reverse"], repeat=error.order):
        derivative = f
        for mode in modes:
            derivative = MODES[mode](scratch_ad, derivative)
        with np.errstate(all="ignore"):  # of the function itself
            got = derivative(x)
        assert not error.wrong(np.sum(got * x) if error.how == "forward" else got), modes
    for unit in (1, 1j) if np.iscomplexobj(x) else ():
        along = np.sum(np.real(np.multiply(error.true, unit)))
        np.testing.assert_allclose(scratch_ad.jvp(f, (x,), (np.full_like(x, unit),))[1], along, rtol=1e-8)


@EACH
def test_the_referee_has_the_value_and_its_error_bar(error):
    x = error.point()
    estimate = jacobian(error.function(precise=True), (x,), order=error.order)
    along = x if error.how == "forward" else 1
    value, bar = (np.asarray(part * along).astype(complex) for part in (estimate.value, estimate.error))
    if error.how == "forward":
        value, bar = value.sum(), np.abs(bar).sum()
    np.testing.assert_allclose(value, error.true, rtol=1e-15, atol=0)
    assert np.max(np.abs(bar)) <= 2 * error.error


@EACH
def test_its_line_shows_it_where_the_peer_is_installed(error):
    shown = now().get(error.line)
    if shown is None:
        pytest.skip(f"{error.peer} is not installed.")
    if shown.raised:
        pytest.skip(f"{error.peer} {shown.version} raises {shown.raised}")
    if not error.wrong(shown.got):
        assert shown.version != FOUND_IN[error.peer], f"{shown.got} is right: no error."
        pytest.skip(f"mended in {error.peer} {shown.version}")


def test_what_was_got_is_wrong_and_each_is_another_error():
    assert all(error.wrong(error.got) and not error.wrong(error.true) for error in PEER_ERRORS)
    assert len({error.line for error in PEER_ERRORS}) == len(PEER_ERRORS) >= 30
    assert len({(error.peer, error.cause, error.expression) for error in PEER_ERRORS}) == len(PEER_ERRORS)
    assert not any("\n" in error.line for error in PEER_ERRORS)
    known = {(point.expression.replace("(a", "(x").replace("scipy.", ""), str(point.point)) for point in EDGE_POINTS}
    assert not known & {(error.expression, f"({error.point().tolist()},)") for error in PEER_ERRORS}


def test_the_readme_counts_them():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"{len(PEER_ERRORS)} errors in JAX, PyTorch and autograd" in readme


def test_the_page_has_the_worst_first_and_says_what_is_mended():
    rows = found()
    worst = [(KINDS.index(row["kind"]), not row["ordinary"], -row["off"]) for row in rows]
    assert worst == sorted(worst) and worst[0] == (0, False, -1.0) and len({*worst}) > 5
    error = PEER_ERRORS[0]
    right, wrong = (peer_lines.Now("99", np.asarray(value)) for value in (error.true, error.got))
    said = [found([error], {error.line: given})[0]["now"] for given in (right, wrong, peer_lines.Now("99", raised="E"))]
    assert said == ["mended in 99", "still so in 99", "raises E in 99"]
