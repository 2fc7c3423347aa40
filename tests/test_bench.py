"""The bench: its programs are right before they are timed, its parts resume, and page and README show its figures."""

import json
import math
import subprocess
import sys
import warnings
from pathlib import Path

import _adbench
import _bench_page
import _bench_readme
import _counted
import _eager
import _kinds
import _peers
import _timing
import bench
import numpy as np
import pytest
import scipy.linalg
from _eight import programs
from _structured import checkpoint_table
from _tables import Figure, Row, Table

pytestmark = pytest.mark.xdist_group("bench")  # one process compiles JAX's programs


def random_like(rng, x):
    return [rng.normal(size=np.shape(part)) for part in x] if isinstance(x, list) else rng.normal(size=np.shape(x))


def moved(x, direction, h):
    if isinstance(x, list):
        return [part + h * d for part, d in zip(x, direction, strict=True)]
    return x + h * direction


def difference(f, x, direction, h=1e-5):
    """Of fourth order, so that it is right to ten digits."""
    at = lambda steps: f(moved(x, direction, steps * h))
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


@pytest.mark.parametrize("name", programs())
def test_derivatives_by_hand_and_by_jax_are_ours(name):
    program = programs()[name]
    runs, absent = _peers.prepare(program, ["by hand"] if program.by_hand else ["jax.jit"])
    assert len(runs) == 1
    assert not absent


@pytest.mark.parametrize("title", _adbench.OBJECTIVES)
def test_adbench_is_right_at_its_smallest(title):
    derive, make, _, sizes = _adbench.OBJECTIVES[title]
    rng = np.random.default_rng(3)
    problem = make(rng, *sizes[0])
    runs, _ = derive(problem)  # holds all against ours
    assert {"ours", "compiled", "jax.jit"} <= runs.keys()
    f = lambda x: problem.f(np, x, *getattr(problem, "data", ()))
    direction = random_like(rng, problem.x)
    if derive is _adbench.gradients:
        parts = zip(runs["ours"]()[1], direction, strict=True)
        along = sum(np.sum(g * d) for g, d in parts)
    else:
        along = runs["ours"]() @ direction
    np.testing.assert_allclose(along, difference(f, problem.x, direction), rtol=1e-7, atol=1e-7)


def test_the_mixture_is_that_of_the_formula():
    """Its density by numpy's determinants and inverses, point by point."""
    program = _adbench.mixture_of(np.random.default_rng(0), 6, 3, 2)
    alphas, means, factors = program.x
    total = 0.0
    for x in program.data[0]:
        density = 0.0
        for alpha, mean, factor in zip(alphas, means, factors, strict=True):
            q = np.diag(np.exp(factor[:3]))
            q[1, 0], q[2, 0], q[2, 1] = factor[3:]
            weight = np.exp(alpha) / np.sum(np.exp(alphas))
            density += weight * np.linalg.det(q) / (2 * np.pi) ** 1.5 * np.exp(-0.5 * np.sum((q @ (x - mean)) ** 2))
        total += np.log(density)
    prior = 0.5 * (np.sum(np.exp(factors[:, :3]) ** 2) + np.sum(factors[:, 3:] ** 2))
    log_gamma = 1.5 * np.log(np.pi) + sum(map(math.lgamma, (2, 1.5, 1)))
    constant = 4 * 3 * -0.5 * np.log(2) - log_gamma
    assert program.f(np, program.x, *program.data) == pytest.approx(total + prior - 2 * constant, rel=1e-12)


def test_rotations_are_those_of_the_matrix_exponential():
    rng, eye = np.random.default_rng(0), np.eye(3)
    generators = np.stack([np.cross(eye, axis) for axis in eye])
    axis, point = rng.normal(size=3), rng.normal(size=3)
    rotation = scipy.linalg.expm(np.tensordot(axis, generators, 1))
    np.testing.assert_allclose(rotation @ axis, axis)
    np.testing.assert_allclose(_adbench.turned_by(np, axis), rotation, rtol=1e-12)
    camera = np.r_[axis, np.zeros(3), 1, np.zeros(4)]
    error, _ = _adbench.reprojected(np, camera[None], point[None], np.ones(1), np.zeros((1, 2)))
    turned = rotation @ point
    np.testing.assert_allclose(error[0], turned[:2] / turned[2], rtol=1e-12)
    x, z, y = angles = rng.normal(size=3)
    about = [scipy.linalg.expm(angle * generator) for angle, generator in zip((x, y, z), generators, strict=True)]
    np.testing.assert_allclose(_adbench.rotations(np, angles[None])[0], about[2] @ about[1] @ about[0], rtol=1e-12)


def test_an_engine_that_differs_is_named_and_nothing_is_timed(monkeypatch):
    wrong = lambda program: lambda: (_peers.ours(program)()[0], 1.001 * _peers.ours(program)()[1])
    monkeypatch.setitem(_peers.ENGINES, "autograd", wrong)
    with pytest.raises(ArithmeticError, match=r"autograd and ours differ: .* between numbers of up to"):
        _peers.prepare(programs()["classifier"], ["autograd"])


def test_an_engine_that_cannot_is_told(monkeypatch):
    def cannot(program):
        raise NotImplementedError("no slogdet here")

    monkeypatch.setitem(_peers.ENGINES, "MyGrad", cannot)
    runs, absent = _peers.prepare(programs()["chain"], ["MyGrad", "by hand"])
    assert list(runs) == ["by hand"]
    assert absent == {"MyGrad": "NotImplementedError: no slogdet here"}


def test_snapshots_take_the_published_number_of_steps():
    steps = checkpoint_table(300, snapshots=4).rows[1].figures["steps"]
    assert steps.value == steps.aim == 300 + 7 * 300 - 462


def test_a_figure_says_its_number_its_spread_and_its_aim():
    figure = Figure(0.0004567, 0.0004, 0.0005, aim=2e-5, kind="seconds")
    assert (figure.text, figure.spread, figure.limit, figure.mark) == ("457 µs", "400–500", "≤ 20 µs", "✗")
    assert Figure(0.25, aim=0.25).mark == "✓"
    assert (Figure(0.2503, aim=0.25).mark, Figure(0.2503, aim=0.25).text) == ("✗", "0.2503")
    assert Figure(7976, aim=7976, kind="count").text == "7,976"
    assert [Figure(x).text for x in (12345.6, 4.567, 0.04567, 0.5)] == ["12,346", "4.57", "0.046", "0.5"]


def test_ratios_are_of_medians_with_the_quartiles_of_the_rounds():
    ours, theirs = np.array([1.0, 2, 30]), np.array([2.0, 4, 6])
    figure = _timing.compared(ours, theirs, 0.5)
    assert (figure.value, figure.low, figure.high, figure.met) == (0.5, 0.5, 2.75, True)
    assert _timing.compared(ours[:2], theirs[:2]).spread == ""


def test_rows_that_others_measure_become_tables(monkeypatch):
    rule = {"name": "np.tan", "argument": "x", "call": "", "function": 1e-3, "pullback": 4e-3, "ratio": 4.0, "aim": 3.0}
    rules = [rule | {"why": ""}, rule | {"ratio": 5.0, "why": "for a reason"}]
    monkeypatch.setattr(_counted._eager, "rows", lambda quick: rules)
    first, table = _counted.rules_tables(True, 0, None)
    assert len(first.rows) == 1
    assert [row.figures["pullback ÷ function"].met for row in table.rows] == [None, False]  # the dearest first
    program = {"program": "GP", "at most": 1.03, "bytes at most": 1.1, "why": ""}
    program |= {f"{what} ÷ JAX": 1.05 for what in ("flops", "bytes", "tracing and lowering", "call")}
    monkeypatch.setattr(_counted._xla, "rows", lambda quick: [program])
    (table,) = _counted.xla_tables(True, 0, None)
    assert [figure.met for figure in table.rows[0].figures.values()] == [False, True, True, True]


def test_programs_of_every_kind_are_measured_beside_the_function_itself(monkeypatch):
    monkeypatch.setattr(_kinds, "QUICK", ("Rosenbrock", "determinant"))
    *_, table = _kinds.kinds_tables(True, 0, None)
    assert [row.name for row in table.rows] == ["Rosenbrock", "determinant"]
    for row in table.rows:
        assert {"ours", "÷ f", "jvp ÷ f", "compiled ÷ ours", "compiled ÷ jax.jit"} <= row.figures.keys()
        assert row.figures["÷ f"].value > 1
    assert _kinds.WHY.keys() <= _kinds.PROGRAMS.keys() and table.rows[1].note.endswith(_kinds.WHY["determinant"])


def test_each_rule_has_a_row():
    _eager.load_rules()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        rows = {_eager.name_of(case.function): list(_eager.rows_of(case, 5, 1)) for case in _eager._cases(False)}
    assert sum(map(len, rows.values())) > len(rows) > 600
    assert {row["aim"] for row in rows["np.tanh"]} == {_eager.AIM}
    (logpmf,) = {row["aim"] for row in rows["scipy.stats.poisson.logpmf"]}
    assert logpmf is None  # its counts are an array of the call


# The command, with parts that take no time

TABLE = Table(
    "Eager", [Row("chain", {"ours": Figure(2e-4, kind="seconds"), "÷ autograd": Figure(0.4, 0.3, 0.5, 0.33)})]
)


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """Three parts: one that measures, one that is broken off after a row, one of which an engine is wrong."""
    calls = []

    def fine(quick, seed, clock):
        calls.append("eager")
        yield TABLE

    def broken_off(quick, seed, clock):
        calls.append("growth")
        yield Table("MLP", [Row("8", {"ours": Figure(1e-3, kind="seconds")})])
        raise KeyboardInterrupt

    def wrong(quick, seed, clock):
        yield TABLE
        raise ArithmeticError("PyTorch and ours differ: 1 between numbers of up to 2")

    monkeypatch.setattr(bench, "PARTS", {"eager": (fine, ""), "growth": (broken_off, ""), "memory": (wrong, "")})
    return calls


def run(monkeypatch, folder, *arguments):
    """What the command prints is the caller's to look at; its exit status."""
    monkeypatch.setattr(sys, "argv", ["bench.py", "--out", str(folder), *arguments])
    try:
        bench.main()
    except SystemExit as stopped:
        return stopped.code
    return 0


def test_what_is_broken_off_is_kept_and_gone_on_with(parts, monkeypatch, tmp_path):
    assert "run the command again" in run(monkeypatch, tmp_path, "--part", "eager,growth")
    kept = json.loads((tmp_path / "bench.json").read_text())["parts"]
    assert {part: entry["finished"] for part, entry in kept.items()} == {"eager": True, "growth": False}
    assert _bench_page.tables({"parts": kept})["growth"]["MLP"].rows[0].figures["ours"].text == "1 ms"
    page = (tmp_path / "bench.html").read_text()
    assert page.count("Not finished") == 1
    run(monkeypatch, tmp_path, "--part", "eager,growth")
    assert parts == ["eager", "growth", "growth"]
    run(monkeypatch, tmp_path, "--part", "eager", "--seed", "1")
    run(monkeypatch, tmp_path, "--part", "eager", "--seed", "1", "--fresh")
    assert parts.count("eager") == 3


def test_an_engine_that_is_wrong_ends_its_part_alone(parts, monkeypatch, tmp_path):
    assert (
        run(monkeypatch, tmp_path, "--part", "memory")
        == "memory: PyTorch and ours differ: 1 between numbers of up to 2"
    )
    run(monkeypatch, tmp_path, "--part", "memory,eager")
    kept = json.loads((tmp_path / "bench.json").read_text())["parts"]
    assert {part: entry["finished"] for part, entry in kept.items()} == {"eager": True, "memory": False}


@pytest.mark.parametrize("arguments", [("--part", "eager,speed"), ("--part", ","), ("--rounds", "0")])
def test_what_makes_no_sense_is_refused_in_one_line(arguments, parts, monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, tmp_path, *arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert parts == []


def test_files_of_others_are_left_alone(parts, monkeypatch, tmp_path, capsys):
    for content in ("{", '{"parts": {"eager": {"tables": [{"title": "x"}]}}}', "[]"):
        (tmp_path / "bench.json").write_text(content)
        assert run(monkeypatch, tmp_path) == 2
        assert (tmp_path / "bench.json").read_text() == content
        assert "holds no results of this script" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert run(monkeypatch, tmp_path / "file") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_page_shows_every_figure_beside_its_aim_and_needs_nothing_else(parts, monkeypatch, tmp_path):
    run(monkeypatch, tmp_path, "--part", "eager")
    page = (tmp_path / "bench.html").read_text()
    assert all(text in page for text in ("0 of 1", "200 µs", "0.4", "0.3–0.5", "≤ 0.33 ✗"))
    assert "data:image/svg+xml" in page
    assert "http" not in page


def test_a_real_part(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "")  # the other engines' are not ours to mend
    command = [sys.executable, Path(bench.__file__), "--quick", "--rounds", "2", "--part", "memory", "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    table = _bench_page.tables(json.loads((tmp_path / "bench.json").read_text()))["memory"]["Peak memory"]
    for row in table.rows:
        assert row.figures["ours"].value > 0
        assert row.figures["compiled ÷ ours"].met
    assert "Peak memory" in (tmp_path / "bench.html").read_text()


# The README

DOCUMENT = {"parts": {"eager": {"date": "2026-01-01", "finished": True, "settings": {}, "tables": []}}}


def test_the_readme_holds_the_tables_of_the_figures_kept_beside_it():
    texts = [path.read_text(encoding="utf-8") for path in _bench_readme.TEXTS]
    document = json.loads(_bench_readme.KEPT.read_text(encoding="utf-8"))
    assert [_bench_readme.filled(text, document) for text in texts] == texts
    assert all(f"<!-- bench: {name} -->" in "".join(texts) for name in _bench_readme.SECTIONS)


def test_a_table_that_is_asked_for_and_not_there_is_named():
    with pytest.raises(ValueError, match="no table speed is made; there are taken, eager, "):
        _bench_readme.filled("<!-- bench: speed -->\n<!-- end -->", DOCUMENT)


def test_the_readme_waits_for_all_parts(parts, monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, tmp_path, "--readme") == 2
    assert "not measured yet: eager, growth, memory" in capsys.readouterr().err
