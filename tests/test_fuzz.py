"""Random programs: what is drawn, what is found, how it is made smaller, and how it is gone on with."""

import ast
import contextlib
import random
from dataclasses import replace

import numpy as np
import pytest

import jax_ref
from jax_ref.cases import ALL, catalogue
from jax_ref.checks import shrink
from jax_ref.commands.cli import USAGE, main
from jax_ref.commands.faults import FAULTS, planted
from jax_ref.engines.ready import OURS
from jax_ref.fuzz import hunt, programs, statements
from jax_ref.fuzz.screen import Refused, suspected, wrong
from jax_ref.measure.derivatives import Problem
from jax_ref.measure.plain_runs import beside_plain_runs
from jax_ref.measure.vectors import vectors
from scratch_ad import vjp

BLANKS = {"n": "n", "a": "x", "b": "y", "c": "0.5", "i": "0", "k": "1", "o": "+", "f": "np.sin", "v": "2.0", "e": "z"}
ANSWER = {"programs": 60, "refused": {"no sort": 2}, "findings": [], "lost": ""}
FOUND = {"cause": "np.sin(a)", "what": "vjp", "words": "vjp: 1.0, not 2.0", "text": "print('wrong')\n"}


@pytest.fixture(autouse=True)
def of_numpy(monkeypatch):
    """Lines of NumPy's functions alone: SciPy's import takes seconds."""
    calls = statements.calls_of(catalogue.of_numpy())
    monkeypatch.setattr(statements, "calls", lambda: calls)
    for cached in (programs.can_call, programs.can, programs.kinds_of, programs.formulas_of):
        cached.cache_clear()


def picks(words):
    return random.Random(words).randrange


@pytest.mark.parametrize("kind", programs.TABLES)
def test_each_template_is_a_statement_that_uses_an_array(kind):
    for template in programs.TABLES[kind]:
        tree = ast.parse(programs.statement(template, **BLANKS))
        assert {"x", "y"} & {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}, template


def test_the_same_numbers_draw_the_same_program():
    first, again = (programs.drawn(picks("a")) for _ in range(2))
    assert first.source == again.source != programs.drawn(picks("b")).source
    assert all(np.array_equal(*pair) for pair in zip(first.arguments.values(), again.arguments.values(), strict=True))


def test_a_call_that_gives_nothing_is_no_line(monkeypatch):
    """np.gradient of a single number is an empty list."""
    calls = statements.calls_of([case for case in catalogue.of_numpy() if case.function is np.gradient])
    monkeypatch.setattr(statements, "calls", lambda: calls)
    for k in range(200):
        ast.parse(programs.drawn(picks(f"gradient {k}")).source)


def test_where_a_basis_would_be_open_arrays_are_of_the_shape_of_the_case(monkeypatch):
    """The U of a matrix of one column has two columns of its own choice, and its derivative is none of NumPy's."""
    (case,) = (
        c
        for c in catalogue.of_numpy()
        if c.expression == "np.linalg.qr(regular(a))" and c.dtypes == ALL and len(c.arguments["a"].shape) == 2
    )
    monkeypatch.setattr(statements, "calls", lambda: [[case]])
    drawn = [programs.drawn(picks(f"qr {k}")) for k in range(40)]
    made = [
        x for program in drawn for line in program.lines if line.origin == case.expression for x in line.made.values()
    ]
    assert made and {np.shape(x) for x in made} == {(3, 3)}


def test_ufunc_at_is_given_no_read_only_array():
    """NumPy writes into one all the same, and an engine may refuse to."""
    for seed in range(40):
        drawing = programs._Drawing(random.Random(seed).randrange, OURS, {"x0": np.float64(1.0)})
        assert drawing.take("v0 = np.broadcast_to(x0, (2, 3))", "", ["v0"])
        for _ in range(30):
            drawing.line("write")
        assert not any(".at(v0" in line.code for line in drawing.lines)


@pytest.mark.filterwarnings("ignore")
def test_linear_algebra_is_drawn_where_it_hardly_moves_with_its_matrices():
    """Not at repeated eigenvalues, where slopes are infinite or none, nor at what only NumPy's rounding inverts."""
    steady = lambda code, x: programs._Drawing(None, OURS, {"x0": x}).is_steady(code, "v0")
    regular, ones, jordan = np.array([[1.0, 0.5], [0.2, 2.0]]), np.ones((2, 2)), np.array([[1.0, 1.0], [0.0, 1.0]])
    assert steady("v0 = np.linalg.eig(x0)", regular) and not steady("v0 = np.linalg.eig(x0)", jordan)
    upper, nothing = "v0 = scipy.linalg.lu(x0)[2]", np.zeros((2, 2))  # of nothing U is small, but no linear function
    assert steady(upper, regular) and not steady(upper, nothing)
    least = "v0 = np.linalg.svdvals(x0)"  # which is the size of a number here
    assert steady(least, regular) and not any(steady(least, k * ones) for k in range(1, 5))
    assert steady("v0 = np.linalg.inv(x0)", regular) and not steady("v0 = np.linalg.inv(x0)", ones + 1e-9 * regular)
    assert steady("v0 = np.linalg.eigvals(x0)", regular.astype("f4")) and not steady(
        "v0 = np.linalg.svd(x0)[0]", np.zeros((2, 2))
    )


@pytest.mark.filterwarnings("ignore")
def test_a_root_is_drawn_where_its_slope_is_no_infinity():
    steady = lambda code, x: programs._Drawing(None, OURS, {"x0": x}).is_steady(code, "x0")
    nothing, something = np.array([0.0, 1.0]), np.array([0.5, 1.0])
    assert steady("x0 **= 0.5", something) and not steady("x0 **= 0.5", nothing) and steady("x0 **= 2", nothing)
    assert something.tolist() == [0.5, 1.0]


def test_what_was_single_precision_once_is_compared_as_such():
    """A derivative in single precision that is cast to double, which another run may round otherwise."""
    rounded_again = replace(OURS, exact=False, call=lambda f, *x: [y * (1 + 2.0**-22) for y in f(*x)])
    wide, cast = lambda x: [x * x], lambda x: [(y := x.astype(np.float32)), y.astype(np.float64)]
    for f, found in ((wide, 1), (cast, 0)):
        asked = Problem(f, vectors(f, (np.array([0.3, 0.7]),), ""), 1)
        assert len(beside_plain_runs(rounded_again, asked, {})[0]) == found


def test_what_is_left_out_is_not_drawn():
    drawn = [programs.drawn(picks(str(k))) for k in range(8)]
    origin = drawn[0].lines[0].origin
    again = [programs.drawn(picks(str(k)), left_out=(origin,)) for k in range(8)]
    assert origin not in {line.origin for program in again for line in program.lines}


@pytest.mark.filterwarnings("ignore")
def test_random_programs_of_ours_are_right():
    for k in range(20):
        program = programs.drawn(picks(f"right {k}"))
        with contextlib.suppress(Refused):
            assert not wrong(OURS, program), program.source


def program_of(code, made="n", **arguments):
    return programs.Program(arguments, (programs.Line(code, "", dict.fromkeys([made])),), inner="fwd")


LINE = "lambda p: np.append(x * p - v, p - 1), [0.5], lambda p: np.append(x, 1)[:, None], method='lm'"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "program",
    [
        program_of("n = np.abs(np.linalg.eigh(x).eigenvectors[:, 0])", x=np.ones((3, 3))),
        program_of("n = np.abs(scipy.linalg.schur(x, output='complex')[1]) ** 2", x=np.ones((3, 3))),
        program_of(
            f"v = np.nextafter(x, y)\nn = scipy.optimize.least_squares({LINE}).x", x=np.array([2.0]), y=np.ones(1)
        ),
    ],
    ids=[
        "vectors of one eigenvalue",
        "a slope along each axis alone",
        "derivatives that cancel",
    ],
)
def test_no_finding_where_there_is_no_derivative_or_its_last_digits_alone_differ(program):
    assert wrong(OURS, program) == []


def test_no_number_is_a_finding_where_there_is_a_derivative():
    """As it is at one side of a kink, where another engine has one."""
    nothing = lambda f, x, t: (f(*x), [np.full(3, np.nan)])
    engine = jax_ref.Engine("nothing", jvp=nothing, order=1)
    assert wrong(engine, program_of("n = np.sin(x)", x=np.ones(3)))
    assert wrong(engine, program_of("n = np.abs(x)", x=np.zeros(3)))


def test_what_writes_into_its_arguments_is_run_once():
    """The second time it is another function, here of another shape."""

    def half(f, x):
        out, pullback = vjp(f, x)
        return out, lambda g: (pullback(g)[0] / 2,)

    lines = programs.Line("n = x[x > 0] * x[1]", "", {"n": None}), programs.Line("x[0] = -1.0", "", {})
    found = wrong(jax_ref.Engine("half", vjp=half), programs.Program({"x": np.array([1.0, 2.0])}, lines))
    assert found and not {"error", "vjp of twice"} & {finding.what for finding in found}


@pytest.mark.filterwarnings("ignore")
def test_a_planted_fault_is_found_and_made_small(capsys, monkeypatch):
    """In the words of a file that fails when it is run, and no longer once the rule is right again."""
    few = [case for case in catalogue.of_numpy() if case.function in (np.tanh, np.cumsum, np.transpose)]
    calls = statements.calls_of(few)
    monkeypatch.setattr(statements, "calls", lambda: calls)
    monkeypatch.setattr(shrink, "SHRINKING", 0.5)
    fault = next(fault for fault in FAULTS if fault.name == "sign")
    with planted(np.tanh, fault, "rev"):
        batches = (hunt.Batch("scratch_ad", "planted", k, size=1) for k in range(100))
        (finding,) = next(filter(None, (batch.records()["findings"] for batch in batches)))
        (written,) = (node for node in ast.parse(finding["text"]).body if isinstance(node, ast.FunctionDef))
        program = next(node for node in ast.walk(written) if getattr(node, "name", "") == "program")
        assert len(program.body) == 2 and "tanh" in ast.unparse(program), finding["text"]  # one line, and a return
        with pytest.raises(AssertionError, match="wrong sign"):
            exec(finding["text"], {})
    exec(finding["text"], {})
    assert "right" in capsys.readouterr().out


def test_an_engine_of_its_own_namespace_gets_programs_in_its_own_calls():
    """A namespace of two functions, which the programs call, and no others of NumPy's."""

    class Few:
        sin, exp = staticmethod(np.sin), staticmethod(np.exp)

    engine = jax_ref.Engine("few", OURS.jvp, OURS.vjp, namespace=Few)
    drawn = [programs.drawn(picks(str(k)), engine) for k in range(20)]
    nodes = [node for program in drawn for node in ast.walk(ast.parse(program.source))]
    calls = {node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "np"}
    assert calls == {"sin", "exp"} and not any(suspected(engine, program) for program in drawn[:5])


def test_a_run_is_gone_on_with_and_has_one_finding_per_cause(tmp_path):
    about = {"engine": "mine", "seed": "0"}
    with hunt.Hunt(tmp_path, about) as first:
        batches = first.batches("mine", "0")
        assert [next(batches).number for _ in range(2)] == [0, 1]
        found = first.take(hunt.Batch("mine", "0", 1), {**ANSWER, "findings": [FOUND]})
        assert [path.name for _, path in found] == ["fuzz-0001.py"] and next(batches).known == ("np.sin(a)",)
        assert not first.take(hunt.Batch("mine", "0", 0), {**ANSWER, "findings": [FOUND]})
    (tmp_path / "fuzz-0001.py").unlink()
    with hunt.Hunt(tmp_path, about) as again:
        assert (again.programs, again.refused["no sort"], again.causes()) == (120, 4, ["np.sin(a)"])
        assert next(again.batches("mine", "0")).number == 2
    assert (tmp_path / "fuzz-0001.py").read_text() == FOUND["text"]
    with pytest.raises(ValueError, match="another run"):
        hunt.Hunt(tmp_path, {**about, "seed": "1"})
    with hunt.Hunt(tmp_path, {**about, "seed": "1"}, fresh=True) as fresh:
        assert not fresh.programs and not fresh.findings


def test_an_answer_that_is_none_is_no_answer():
    for answer in ("[]", "{}", '{"programs": -1, "refused": {}, "findings": [], "lost": ""}'):
        with pytest.raises(ValueError):
            hunt.Batch.accepted(answer)


def test_an_engine_that_there_is_not(tmp_path, capsys):
    assert main(["fuzz", "--engine", "nobody", "--jobs", "1", "--out", str(tmp_path)]) == USAGE
    assert "no engine nobody" in capsys.readouterr().err


def test_no_write_is_drawn_into_numbers_that_are_shown_repeatedly():
    twice, x = np.broadcast_arrays(np.zeros((2, 1)), np.zeros(2))[0], np.zeros((2, 3))
    read_only = np.zeros(3)
    read_only.flags.writeable = False
    assert [*map(programs._is_to_write, (x, x[::-1, ::2], x[:1].T, twice, read_only))] == [
        True,
        True,
        True,
        False,
        False,
    ]
