"""One evaluation step by step: the numbers are those of jvp and vjp, and what is shown is what happened."""

import re
import xml.etree.ElementTree as tree

import numpy as np
import pytest

import scratch_ad
from scratch_ad.tracing import folding, layout
from scratch_ad.tracing.graph import MOST, graph
from scratch_ad.tracing.recording import Edge
from scratch_ad.tracing.trace import trace
from scratch_ad.tracing.walk import frames
from scratch_ad.tree import flatten, tree_map

rng = np.random.default_rng(0)
A, X = rng.normal(size=(3, 3)), rng.normal(size=3)


def fan_out(x):
    return x * np.sin(x) + x


def writes(x):
    y = np.zeros_like(x)
    y[0] = x[1]
    view = y[1:]
    view += x[0] * 2
    np.add.at(y, [0, 0], x[0])
    y.sort()
    return np.sum(y * y)


def nested(x):
    slope = scratch_ad.grad(lambda z: z * np.sin(x * z))(x)
    return x * slope


def loop(x):
    for _ in range(20):
        x = x + 0.1 * np.sin(x)
    return x


@scratch_ad.custom_jvp
def doubled(p):
    return 2 * p["a"]


@doubled.defjvp
def _(primals, tangents):
    return doubled(*primals), 2 * tangents[0]["a"]


softplus = scratch_ad.elementwise(lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(-x)))
PROGRAMS = {
    "fan-out": (fan_out, 1.2),
    "containers": (lambda p: {"s": np.tanh(p["w"]) @ p["b"][0], "t": (np.sum(p["w"]), 3)}, {"w": A, "b": [X]}),
    "writes": (writes, X),
    "nested": (nested, 0.7),
    "hessian": (scratch_ad.hessian(lambda x: np.sum(x**3)), X),
    "loop": (loop, 0.5),
    "a branch not taken": (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)), np.array([0.0, 1.0])),
    "infinities that cancel": (lambda x: np.sqrt(x - x), X),
    "several results": (lambda a: np.linalg.svd(a)[1].sum() * np.linalg.slogdet(a)[1], A),
    "a composite": (lambda x: np.einsum("i,ij,j->", x, A, x) + np.interp(0.3, [0.0, 1.0], x[:2]), X),
    "a closure among the arguments": (lambda x, w: np.piecewise(x, [x > 0], [lambda v: v * w, lambda v: -v]), X, 2.0),
    "a custom function": (lambda x: doubled({"a": np.sin(x)}) * x, X),
    "a rule of the user's": (lambda x: softplus(x) * 2, X),
    "complex": (lambda z: np.abs(np.exp(1j * z) * z), X.astype(complex)),
    "float32": (lambda x: np.tanh(x) @ x, X.astype("f4")),
    "integers": (lambda x, n: x * n, X, 3),
    "itself": (lambda x: (x, x * x, x), X),
    "a constant": (lambda x: 3.0, X),
    "checkpoint": (lambda x: scratch_ad.checkpoint(lambda y: np.sin(np.sin(y)))(x), X),
}


def ones(x):
    real = np.result_type(x).kind in "fc"
    return np.ones_like(x) if real else np.zeros(np.shape(x), scratch_ad.float0)


def places(t):
    return {y.place: y for y in [*t.inputs, *(y for step in t.steps for y in step.outputs)]}


@pytest.mark.parametrize("name", PROGRAMS)
def test_adjoints_are_those_of_vjp_and_tangents_those_of_jvp(name):
    f, *args = PROGRAMS[name]
    t = trace(f, *args)
    assert t.error is None
    out, pull = scratch_ad.vjp(f, *args)
    expected = [c for c in flatten(pull(tree_map(ones, out)))[0] if c.dtype != scratch_ad.float0]
    for x, c in zip(t.inputs, expected, strict=True):
        assert np.array_equal(x.adjoint, c) and x.adjoint.dtype == c.dtype
    _, pushed = scratch_ad.jvp(f, tuple(args), tuple(tree_map(ones, tuple(args))))
    if len(t.results) == len(flatten(out)[0]):
        for place, c in zip(t.results, flatten(pushed)[0], strict=True):
            assert np.array_equal(places(t)[place].tangent, c)
    assert {place for step in t.steps for place in step.parents} <= places(t).keys()
    # whatever there is can be shown
    tree.fromstring(t.svg())
    assert t.table(100) and t.dot().endswith("}") and t.mermaid().startswith("flowchart") and t._repr_html_()


def test_a_direction_and_a_cotangent_of_ones_own():
    t = trace(lambda p: (p[0] * p[1], p[0]), (2.0, 3.0), tangents=((1.0, 10.0),), cotangent=(5.0, 1.0))
    assert [float(x.adjoint) for x in t.inputs] == [16.0, 10.0]
    assert t.steps[0].outputs[0].tangent == 23.0
    with pytest.raises(TypeError, match="tangents: containers"):
        trace(fan_out, 1.0, tangents=((1.0,),))
    with pytest.raises(ValueError, match=r"tangents: an array of shape \(\), where \(3,\)"):
        trace(fan_out, X, tangents=(1.0,))
    with pytest.raises(TypeError, match="the cotangent: containers"):
        trace(fan_out, X, cotangent=(X,))
    with pytest.raises(ValueError, match="the cotangent: an array of shape"):
        trace(fan_out, X, cotangent=1.0)


def test_a_step_has_its_call_place_and_local_derivatives():
    t = trace(fan_out, 1.2)
    assert [step.text for step in t.steps] == ["np.sin(x)", "x · v1", "v2 + x"]
    first = fan_out.__code__.co_firstlineno
    text = "    return x * np.sin(x) + x"
    for step, written in zip(t.steps, ("np.sin(x)", "x * np.sin(x)", "x * np.sin(x) + x"), strict=True):
        assert step.position.line == first + 1 and text[slice(*step.position.columns)] == written
    edges = {(edge.step, t.inputs[0].place == edge.place): edge for step in t.steps for edge in step.edges}
    assert edges[1, True].formula == "np.cos(x)" and edges[1, True].partial == np.cos(1.2)
    assert (edges[2, True].formula, edges[2, True].filled) == ("b", "v1")
    assert (edges[2, False].filled, edges[2, False].partial) == ("x", 1.2)
    assert [edge.partial for edge in t.steps[2].edges] == [1.0, 1.0]


def test_a_call_without_a_line_of_the_users_has_none():
    (step,) = trace(np.sin, 0.5).steps
    assert step.position.line == 0  # not the line that traces it


def test_the_formula_is_the_rules_own():
    (edge,) = trace(lambda x: softplus(x), 0.5).steps[0].edges
    assert edge.formula == "1 / (1 + np.exp(-x))"
    assert trace(lambda x: x[0] ** 2 * x[1], X).steps[1].text == "v1²"  # of a number, not an array
    (edge,) = trace(lambda a: np.transpose(a), A).steps[0].edges
    assert edge.partial is None and "transpose" in edge.formula
    (edge,) = trace(lambda x: x * X, X).steps[0].edges
    assert edge.filled == "const[3]"
    said = {
        "x**3": "3 * x**(3 - 1)",
        "np.tanh(x)": "1/(cosh(x)**2)",
        "x / A": "1/const[3×3]",
        "A @ x": "const[3×3].T @ ḡ",
        "x[1:]": "0 with [1:] += ḡ",
        "np.sum(x)": "spread(ḡ)",
    }
    for call, formula in said.items():  # by the docstring of what is longer than a line
        (edge,) = trace(eval(f"lambda x: {call}", globals()), X).steps[0].edges
        assert edge.filled == formula
    wide = trace(lambda x, a: x + a, X, A).steps[0].edges
    assert [edge.shape for edge in wide] == [(3, 3), (3, 3)] and wide[0].contribution.shape == (3,)


def test_accumulation_at_a_fan_out_is_a_frame_and_what_is_not_known_is_not_there():
    t = trace(fan_out, 1.2)
    kinds = [frame["kind"] for frame in frames(t)]
    assert kinds == ["start", *["forward"] * 3, "seed", "edge", "edge", "edge", "add", "edge", "edge", "add", "end"]
    edges = [entry for entry in t.recording.walk if isinstance(entry, Edge)]
    at_x = [edge for edge in edges if edge.place == t.inputs[0].place]
    assert [edge.held is None for edge in at_x] == [True, False, False]
    assert [frame["done"] for frame in frames(t) if frame.get("place") == t.inputs[0].place] == [False] * 4 + [True]
    for edge in at_x[1:]:
        assert edge.total == edge.held + edge.contribution


def test_calls_of_an_inner_derivative_are_marked():
    via = [step.via for step in trace(nested, 0.7).steps]
    assert via[:3] == ["", "", ""] and via[-1] == "" and set(via[3:-2]) == {"pullback"}


def test_a_composite_is_one_step():
    t = trace(lambda x: np.trapezoid(x * x, x), X)
    assert [step.function for step in t.steps] == [np.multiply, np.trapezoid] and len(t.steps[1].calls) > 3
    assert {edge.place for edge in t.steps[1].edges} == {*t.steps[1].parents} == {0, 1}
    (edge,) = trace(np.var, X).steps[0].edges  # where one of the two ways inside has the partial 1
    assert edge.partial is None and edge.filled == "ḡ back through share_of_sum, np.square, np.subtract"
    np.testing.assert_allclose(edge.contribution, 2 * (X - X.mean()) / 3)


def test_tangents_end_where_a_function_has_none():
    f = scratch_ad.custom_vjp(lambda x: x * x)
    f.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))
    t = trace(lambda x: np.sin(f(x)), 2.0)
    assert t.inputs[0].adjoint == np.cos(4.0) * 4 and [y.tangent for s in t.steps for y in s.outputs] == [None, None]
    assert "custom_vjp" in t.notes[0] and "—" in t.table()


def test_a_function_that_fails_shows_its_steps_up_to_there():
    def fails(x):
        y = np.sin(x)
        return y @ np.ones(7)

    t = trace(fails, X)
    assert [step.done for step in t.steps] == [True, False]
    assert t.failure().startswith("ValueError: matmul") and t.failure().endswith(
        "(test_tracing.py:" + line(fails, 2) + ")"
    )
    assert t.inputs[0].adjoint is None and frames(t)[-1]["kind"] == "forward"
    assert "—" in t.table()
    t = trace(lambda x: np.nonsense(x), X)
    assert not t.steps and t.failure().startswith("AttributeError: module 'numpy' has no attribute 'nonsense'")


def line(f, further):
    return str(f.__code__.co_firstlineno + further)


def test_a_table_without_room_has_below_what_else_stands_beside():
    wide, narrow = trace(fan_out, 1.2).table(120), trace(fan_out, 1.2).table(66)
    assert "v1 = np.sin(x)   0.93204   0.36236   1.2       ∂v1/∂x = cos(x) = 0.36236" in wide
    assert "v1 = np.sin(x)             0.93204  0.36236  1.2\n          ∂v1/∂x = cos(x) = 0.36236" in narrow


def test_loops_fold():
    t = trace(loop, 0.5)
    assert t.folds == [(4, 57, 18)]
    assert "18 more rounds" in t.table(120) and "18 more rounds" in t.svg()
    assert len(graph(t).boxes) == 1 + 6 + 1
    assert folding.loops(list("abababab")) == [(3, 6, 2)]
    assert folding.loops(list("abab")) == [] == folding.loops(list("abcdefgh")) == folding.loops([])
    assert folding.loops(list("xaaaay")) == [(3, 4, 2)]


def test_what_is_too_long_is_folded_in_the_middle():
    functions = np.sin, np.cos, np.tanh, np.exp, np.arctan

    def long(x):
        for k in range(150):
            x = functions[k * k * 7 % 11 % 5](x)
        return x

    t = trace(long, 0.5)
    drawn = graph(t)
    assert len(t.steps) == 150 and len(drawn.boxes) <= MOST + 1
    assert {*drawn.box_of} == {*range(1, 151)} and {*drawn.box_of.values()} <= drawn.boxes.keys()


@pytest.mark.parametrize("seed", range(8))
def test_nothing_overlaps_in_the_drawing(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, MOST))
    nodes = [f"n{k}" for k in range(n)]
    edges = list(
        dict.fromkeys((nodes[rng.integers(max(0, k - 6), k)], nodes[k]) for k in range(1, n) for _ in range(2))
    )
    size = lambda node: (60 + 10 * (int(node[1:]) % 7), 40)
    plan = layout.layered(nodes, edges, size)
    boxes = [
        (x - w / 2, x + w / 2, y - h / 2, y + h / 2) for node, (x, y) in plan.centres.items() for w, h in [size(node)]
    ]
    for k, (left, right, top, bottom) in enumerate(boxes):
        assert left >= -1e-6 and right <= plan.width + 1e-6 and top >= 0 and bottom <= plan.height + 1e-6
        for other in boxes[k + 1 :]:
            assert right <= other[0] or other[1] <= left or bottom <= other[2] or other[3] <= top
    for a, b in edges:
        (x, y), (other_x, other_y) = plan.centres[a], plan.centres[b]
        ends = list(map(float, re.findall(r"-?[\d.]+", plan.paths[a, b])))
        assert y < other_y and np.allclose([*ends[:2], *ends[-2:]], [x, y + 20, other_x, other_y - 20], atol=0.1)


def test_the_users_arrays_stay_as_they_are_and_the_run_is_one():
    runs, x = [], X.copy()

    def f(y):
        runs.append(1)
        y[0] = 7.0
        return np.sum(y * y)

    trace(f, x)
    assert runs == [1] and np.array_equal(x, X)


def test_without_jax():
    import subprocess
    import sys

    code = "import sys, scratch_ad; print(scratch_ad.trace(lambda x: x * x, 3.0), 'jax' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).endswith("False\n")
