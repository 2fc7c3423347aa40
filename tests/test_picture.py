"""Compiled programs as tables and graphs; what eight of them cost, held fixed: what costs more fails by name."""

import functools
import re
import sys

import _compiled
import _eight
import numpy as np
import pytest
from rich.console import Console

from scratch_ad import compile, hvp, picture, record, value_and_grad
from scratch_ad.compiling.lines import lines_of
from scratch_ad.cost import Cost, cost


def shorter_ode(np, th, y):
    for _ in range(10):
        y = _eight.runge_kutta(np, th, y)
    return np.sum(y * y)


def latest(compiled):
    return next(program for programs in compiled.programs.values() for program in programs)


@functools.cache
def compiled_program(name):
    f, x, data, *_ = _compiled.all_programs()[name]
    f = shorter_ode if name == "ODE" else f
    if name == "hvp":
        compiled = compile(lambda x: hvp(lambda x: f(np, x), (x,), (np.ones_like(x),)))
    else:
        compiled = compile(value_and_grad(lambda x: f(np, x, *data)))
    for _ in range(2):
        compiled(x)
    return compiled, x


COUNTS = {  # guards, lines, and the cost: flops, transcendentals, bytes
    "chain": (1, 358, 611, 800, 25_648),
    "classifier": (1, 17, 28_007, 4_000, 352_104),
    "MLP": (7, 56, 2_651_468, 17_792, 1_700_442),
    "RNN": (4, 1065, 6_038_049, 51_200, 9_876_848),
    "GMM": (9, 123, 328_371, 6_016, 3_982_483),
    "Rosenbrock": (1, 87, 323, 0, 6_680),
    "ODE": (2, 532, 1_645, 0, 37_232),
    "hvp": (2, 41, 2_978, 0, 52_456),
}


@pytest.mark.parametrize("name", COUNTS)
def test_what_a_compiled_gradient_costs(name):
    compiled, _ = compiled_program(name)
    source = latest(compiled).source
    guards, lines, *counts = COUNTS[name]
    assert sum(step.is_guard for step in source.code.steps) == guards
    assert len(source.text.splitlines()) == lines
    assert picture.total(lines_of(source)) == Cost(*counts)


@pytest.mark.parametrize("name", ["chain", "classifier", "MLP"])
def test_cleaning_up_adds_no_operations(name):
    """But for the looks at numbers, which a recorded program does not have."""
    compiled, x = compiled_program(name)
    lines = lines_of(latest(compiled).source)
    looks = picture.total([line for line in lines if "raise" in line.text])
    assert looks.operations > 0
    assert picture.total(lines).operations - looks.operations <= cost(record(compiled.fun, x)).operations


def lines_for(f, *arguments):
    compiled = compile(f)
    for _ in range(2):
        compiled(*arguments)
    return lines_of(latest(compiled).source), compiled


A, B = np.ones((3, 4)), np.ones((4, 5))


def test_each_line_has_what_it_gives_and_costs():
    lines, _ = lines_for(lambda a, b: (np.tanh(a @ b).T, b.T), A, B)
    assert [(line.text, line.shapes, line.dtypes, line.cost) for line in lines] == [
        ("v0", "(3, 4)", "float64", Cost()),
        ("v1", "(4, 5)", "float64", Cost()),
        ("v2 = matmul(v0, v1)", "(3, 5)", "float64", Cost(2 * 3 * 4 * 5, 0, 8 * (12 + 20 + 15))),
        ("v3 = tanh(v2, v2)", "(3, 5)", "float64", Cost(0, 15, 8 * 30)),
        ("v4 = v3.T", "(5, 3)", "float64", Cost()),
        ("v5 = v1.T", "(5, 4)", "float64", Cost()),
        ("return [v4, v5.copy('K')]", "", "", Cost(0, 0, 8 * 40)),
    ]


def test_steps_without_a_line_cost_where_they_are_done():
    lines, _ = lines_for(lambda x: (x[0] * x[1] + x[2]) * x[0], [1.0, 2.0, 3.0])
    (line,) = [line for line in lines if "*" in line.text]
    assert line.cost.flops == 3
    assert picture.total(lines).flops == 3 + sum("isfinite" in line.text for line in lines)


def test_a_row_has_both_lines_of_a_write():
    def f(x):
        y = np.zeros(9, like=x)
        y[2:5] = x
        return y * y

    lines, _ = lines_for(f, np.ones(3))
    (written,) = [line for line in lines if "\n" in line.text]
    assert re.fullmatch(r"(v\d) = .*\n\1\[2:5\] = v0", written.text)
    assert written.cost.bytes >= 8 * (3 + 9)


def test_all_that_is_shown_is_in_the_source():
    for name in ("MLP", "GMM"):
        compiled, _ = compiled_program(name)
        text = {line.strip() for line in compiled.source.splitlines()}
        rows = [line for row in lines_of(latest(compiled).source) for line in row.text.split("\n")]
        assert {row for row in rows if not re.fullmatch(r"v\d", row)} <= text
        left_out = text - set(rows)
        assert all(
            re.match(r"def |del |try:|finally:|outside = |if errstate|errstate\.reset", line) for line in left_out
        )


def test_a_table_has_a_row_for_each_line_and_their_sum():
    compiled, _ = compiled_program("MLP")
    lines, made = lines_of(latest(compiled).source), compiled.table()
    assert made.row_count == len(lines) + 1
    console = Console(width=200)
    with console.capture() as capture:
        console.print(made)
    shown = capture.get()
    assert all(line.text in shown for line in lines)
    assert all(f"{count:,}" in shown for count in COUNTS["MLP"][2:])


def test_a_table_has_all_programs_the_latest_first():
    compiled = compile(lambda x: x * 2 if x > 0 else np.sin(x))
    for x in (1.0, 1.0, -1.0, -1.0):
        compiled(x)
    assert compiled.dot().count("cluster_") == compiled.mermaid().count("subgraph") == 2
    assert compiled.table().row_count == sum(len(lines_of(p.source)) + 1 for p in compiled.programs.popitem()[1])


def test_a_function_without_a_formula_is_said_to_have_none():
    lines, compiled = lines_for(lambda x: np.unwrap(x) * 2, np.arange(3.0))
    unknown = [line for line in lines if line.cost is None]
    assert [line.text for line in unknown] == ["v1 = unwrap(v0)"]
    assert list(compiled.table().columns[3].cells).count("?") == 1
    assert "flops and bytes unknown" in compiled.dot()


@pytest.mark.parametrize("language", ["dot", "mermaid"])
def test_a_graph_has_an_arrow_for_each_value_that_is_read(language):
    compiled, _ = compiled_program("MLP")
    lines, text = lines_of(latest(compiled).source), getattr(compiled, language)()
    arrows = {tuple(map(int, pair)) for pair in re.findall(r"p0_(\d+) --?> p0_(\d+)", text)}
    made = {}
    for j, line in enumerate(lines):
        read = set(re.findall(r"\bv\d+\b", line.text)) - set(line.outputs)
        assert {i for i, k in arrows if k == j} == {made[name] for name in read}
        made.update(dict.fromkeys(line.outputs, j))
    assert len(re.findall(r"p0_\d+ ?\[", text)) == len(lines)


def test_what_a_graphs_language_takes_for_its_own_is_escaped():
    line = picture.Line('v1 = f(v0, "a\\b", c < 1)', ("v1",), (), (((), "float64"),), Cost(1, 0, 8))
    assert '"v1 = f(v0, \\"a\\\\b\\", c < 1)\\n() float64\\n1 flops, 8 bytes"' in picture.dot([[line]])
    assert '"v1 = f(v0, &quot;a\\b&quot;, c &lt; 1)<br/>() float64<br/>1 flops, 8 bytes"' in picture.mermaid([[line]])


def test_recorded_programs_have_the_same_pictures():
    program = record(lambda a, b: np.sum(np.tanh(a @ b)), A, B)
    lines = picture.lines_of(program)
    assert picture.total(lines) == cost(program)
    assert [line.text for line in lines[2:]] == [line.strip() for line in program.source.splitlines()[1:-1]]
    assert picture.edges(lines) == [(0, 2), (1, 2), (2, 3), (3, 4)]
    assert picture.table([lines]).row_count == 6


def test_a_table_without_rich_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.table", None)
    with pytest.raises(ImportError, match="pip install rich"):
        compile(np.sin).table()
