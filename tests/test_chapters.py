"""The lesson: every cell of the notebook has its place, its numbers are right, and its pages are fit for a phone."""

import json
import math
import os
import pathlib
import re

import browser
import jupytext
import nbclient
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure

from jax_ref.commands import cli
from jax_ref.lesson import page, show
from jax_ref.lesson.chapters import CHAPTERS, NOTEBOOKS
from jax_ref.lesson.mathml import mathml, split
from jax_ref.lesson.notebook import cells_of, notebook
from jax_ref.lesson.show import Shown, shown
from scratch_ad import intro

pytestmark = pytest.mark.xdist_group("chapters")  # each is run once
ROOT = pathlib.Path(__file__).parent.parent
EXACT = 1e-14


@pytest.fixture(scope="module")
def ran():
    """The chapters that a test has asked for, each run once: its cells with what came out, and its names."""
    found = {}

    def of(number):
        if number not in found:
            found[number] = page.run(CHAPTERS[number].path)
        return found[number]

    return of


# The notebooks


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_notebooks_are_those_of_the_scripts(chapter):
    kept = (NOTEBOOKS / f"{chapter.name}.ipynb").read_text(encoding="utf-8")
    assert kept == chapter.notebook, "write them anew: python -m jax_ref.lesson.chapters"
    made = nbformat.reads(kept, as_version=4)
    nbformat.validate(made)
    by_jupytext = jupytext.reads(chapter.path.read_text(encoding="utf-8"), "py:percent")
    assert [(cell.cell_type, cell.source) for cell in made.cells] == [
        (cell.cell_type, cell.source) for cell in by_jupytext.cells
    ]
    assert f"# {chapter.title}\n" in made.cells[0].source + "\n" or chapter == CHAPTERS[0]


def test_ids_of_cells_stay_when_another_is_put_between():
    cells = [("markdown", "# A"), ("code", "x = 1"), ("code", "x = 1")]
    ids = lambda cells: [cell["id"] for cell in json.loads(notebook(cells))["cells"]]
    before, after = ids(cells), ids([cells[0], ("code", "y = 2"), *cells[1:]])
    assert len({*before}) == 3 and [after[0], *after[2:]] == before


def test_a_script_that_is_none():
    with pytest.raises(ValueError, match="begin with a cell"):
        cells_of("import numpy\n# %%\n")
    with pytest.raises(ValueError, match="line 3 is no comment"):
        cells_of("# %% [markdown]\n# text\nx = 1\n")


def test_every_cell_of_the_notebook_has_its_place_in_the_lesson():
    lesson = "\n".join(cell.source + "\n" for cell in cells_of(CHAPTERS[0].path.read_text(encoding="utf-8")))
    at = 0
    for kind, there, here in json.loads((ROOT / "tests/intro/notebook_cells.json").read_text(encoding="utf-8")):
        found = lesson.find(here, at)
        assert found >= 0, f"{kind} {there!r} is not in the lesson, or not at its place"
        at = found


# The numbers of the lesson, run by Jupyter from top to bottom

_NUMBERS = """import json
print(json.dumps({name: np.asarray(globals()[name]).tolist() for name in [
    "forward", "jax_forward", "reverse", "jax_reverse", "difference", "f_before", "f_better", "f_better_jax", "by_hand",
    "p", "new_p", "log", "jax_log", "guessed_right", "trained_right", "numerical_apart", "reverse_apart", "best_h",
    "best_error", "calls_640", "jax_calls", "reverse_calls", "forward_passes", "by_columns", "by_columns_jax", "ops",
    "slope_a", "slope_b", "x", "y_true"]} | {"ratios": ratios, "worst": worst}, default=float))
"""


@pytest.fixture(scope="module")
def executed():
    """The notebook of the lesson as Jupyter leaves it, with one more cell for its numbers."""
    made = nbformat.read(NOTEBOOKS / f"{CHAPTERS[0].name}.ipynb", as_version=4)
    made.cells.append(nbformat.v4.new_code_cell(_NUMBERS))
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    client = nbclient.NotebookClient(made, timeout=300, kernel_name="python3")
    return client.execute(env=os.environ | {"PYTHONPATH": path, "JAX_PLATFORMS": "cpu"})


@pytest.fixture(scope="module")
def numbers(executed):
    return json.loads(executed.cells[-1].outputs[0].text)


def as_run(executed):
    """What a page shows of a notebook that Jupyter has run."""
    ran = []
    for cell, left in zip(cells_of(CHAPTERS[0].path.read_text(encoding="utf-8")), executed.cells, strict=False):
        printed, pictures, figures = "", [], []
        for output in left.get("outputs", ()):
            if output.output_type == "stream":
                assert output.name == "stdout"
                printed += output.text
            elif "image/svg+xml" in output.data:
                pictures.append(output.data["image/svg+xml"])
            else:
                figures.append(Shown(tuple(pictures), output.data["text/markdown"].strip("*")))
                pictures = []
        ran.append(page.Ran(cell, printed, tuple(figures)))
    return ran


def test_the_lesson_in_jupyter_both_modes_at_exp_of_tanh(numbers):
    value = math.exp(math.tanh(0.5))
    slope = value / math.cosh(0.5) ** 2
    for found in ("forward", "reverse", "jax_forward", "jax_reverse"):
        np.testing.assert_allclose(numbers[found], [value, slope], rtol=EXACT)
    for mode in ("forward", "reverse"):  # the package's own, of all functions, and the few lines of the lesson
        whole = getattr(intro, f"{mode}_automatic_differentiation")([np.exp, np.tanh], 0.5)
        np.testing.assert_allclose(numbers[mode], whole, rtol=EXACT)
    assert 1e-6 < abs(numbers["difference"] / slope - 1) < 1e-4


def test_the_lesson_in_jupyter_goes_downhill(numbers):
    p, x, y = (np.array(numbers[name]) for name in ("p", "x", "y_true"))
    error = np.tanh(p @ x) - y
    gradient = (2 * error * (1 - np.tanh(p @ x) ** 2)) @ x.T  # by pencil and paper
    np.testing.assert_allclose(numbers["by_hand"], gradient, rtol=1e-4)
    np.testing.assert_allclose(numbers["by_columns"], gradient.ravel(), rtol=1e-12)
    np.testing.assert_allclose(numbers["by_columns_jax"], gradient.ravel(), rtol=1e-12)
    assert numbers["f_before"] == pytest.approx(np.sum(error**2), rel=EXACT)
    better = np.sum((np.tanh((p - 1e-4 * gradient) @ x) - y) ** 2)
    assert numbers["f_better_jax"] == pytest.approx(better, rel=1e-12)
    assert numbers["f_better"] == pytest.approx(better, rel=1e-6) and better < numbers["f_before"]
    trained = intro.gradient_descent(p, lambda q: intro.cost(q, x, y), intro.reverse_gradient, 100, log=(log := []))
    np.testing.assert_allclose(numbers["jax_log"], log, rtol=1e-12)
    np.testing.assert_allclose(numbers["log"], log, rtol=1e-5)
    np.testing.assert_allclose(numbers["new_p"], trained, rtol=1e-4)
    assert np.all(np.diff(numbers["log"]) < 0) and len(log) == 101
    assert numbers["guessed_right"] < 0.75 and numbers["trained_right"] > 0.97


def test_the_lesson_in_jupyter_shows_what_each_method_costs(numbers):
    assert (numbers["calls_640"], numbers["jax_calls"], numbers["reverse_calls"], numbers["forward_passes"]) == (
        641,
        1,
        1,
        4,
    )
    assert 1e-9 < numbers["numerical_apart"] < 1e-4 and numbers["reverse_apart"] < 1e-13
    assert 1e-9 < numbers["best_h"] < 1e-6 and 1e-12 < numbers["best_error"] < 1e-7
    assert 0 < max(numbers["worst"].values()) < 1e-15
    assert numbers["ops"][:3] == [0, 2, 21] and min(np.divide(numbers["ops"][4:], numbers["ops"][3:-1])) > 2
    assert numbers["slope_a"] == pytest.approx(numbers["slope_b"], rel=1e-13)
    ratios = numbers["ratios"]
    assert max(ratios["few, forward"], ratios["many, reverse"]) < 4
    assert min(ratios["few, reverse"], ratios["many, forward"]) > 90


# The numbers of the other chapters


def test_steps(ran):
    _, names = ran(1)
    errors = {scheme: error for scheme, (_, error) in names["best"].items()}
    assert errors["complex"] < 1e-15 < errors["central"] < 1e-10 < errors["forward"] < names["expected_error"]
    assert 0.1 < names["best"]["forward"][0] / names["expected_h"] < 10
    assert names["by_complex_step"] == pytest.approx(names["by_jax"], rel=1e-15) == 7 + 0.5 / math.sqrt(6.5)
    assert names["by_trick"] == 2


def test_sharing(ran):
    _, names = ran(2)
    counts = {name: [row[name] for row in names["rows"][1:]] for name in names["rows"][0]}
    assert counts["forward mode executes"] == counts["reverse mode executes"] == [8 * n for n in range(1, 8)]
    assert counts["with shared subexpressions"][-1] < 200 < 5000 < counts["expression of the derivative"][-1]
    assert names["agreement"] < 1e-14
    for slope in (names["slope"], names["slope_jax"]):  # each layer doubles the error of the angle
        assert slope == pytest.approx(names["exact"], rel=1e-4)


def test_nesting(ran):
    _, names = ran(3)
    assert (names["second"], names["confused"], names["cured"], names["by_jax"]) == (12, 2, 1, 1)
    x = names["x0"]
    third = -12 * x * math.sin(x * x) - 8 * x**3 * math.cos(x * x)
    for found in [*names["thirds"].values(), names["third_jax"], names["third_tiny"]]:
        assert found == pytest.approx(third, rel=EXACT)
    assert len(names["thirds"]) == 8


def test_kinks(ran):
    _, names = ran(4)
    assert names["answers"].keys() == names["KINKS"].keys() and len(names["answers"]) == 9
    for name, (ours, jax, *_) in names["answers"].items():
        assert ours == jax if math.isfinite(jax) else math.isfinite(ours), name
    for name, sides in names["sides"].items():
        assert min(sides) - 1e-5 <= names["answers"][name][0] <= max(sides) + 1e-5
    np.testing.assert_allclose(names["x_ours"], [2.4, 3.2], rtol=1e-7)
    assert np.all(np.isnan(names["x_jax"]))


def test_complex(ran):
    _, names = ran(5)
    for found in ("ours", "jax"):
        assert names[found] == pytest.approx(2 * np.conj(names["z"] - (2 + 1j)), rel=EXACT)
    assert names["by_x"] - 1j * names["by_y"] == pytest.approx(names["ours"], rel=1e-8)
    assert abs(names["ends"]["conjugated"] - (2 + 1j)) < 0.1 < 3 < abs(names["ends"]["as it is"] - (2 + 1j))
    for found in ("by_grad", "by_jax"):
        assert names[found] == pytest.approx(names["exact"], rel=EXACT)
    assert names["identity"][0] == pytest.approx(names["identity"][1], rel=EXACT)


def test_nan(ran):
    _, names = ran(6)
    assert names["branch_ours"] == 0 and math.isnan(names["branch_jax"]) and names["twice_jax"] == 0
    assert names["naive_slopes"][0] == 0 and math.isnan(names["naive_slopes"][1])  # as the chapter says: both wrong
    np.testing.assert_allclose(names["rule"], [0, 0.5, 1])
    for (ours, jax), exact in zip(names["smooth"].values(), (0, 0, 1), strict=True):
        assert np.all(ours == exact) and np.all(np.isnan(jax))
    assert names["pole"] == (math.inf, math.inf)


def test_memory(ran):
    _, names = ran(7)
    n, results, fewest = names["n"], names["results"], names["fewest"]
    assert len({slope for slope, _ in results.values()}) == 1  # to the last bit
    assert results[n][0] == pytest.approx(names["by_jax"], rel=1e-12)
    assert {kept: steps for kept, (_, steps) in results.items()} == {
        kept: n + (fewest(n, kept) if kept < n else 0) for kept in (n, 20, 10, 5, 3)
    }
    assert names["reach"][3] == 1771 and names["calls"] == {"layer": 6, "checkpoint(layer)": 12}
    assert np.linalg.norm(names["gradient"]) == pytest.approx(names["norm_jax"], rel=1e-13)


def test_sparse(ran):
    _, names = ran(8)
    np.testing.assert_array_equal(names["by_hand"], names["dense"])
    np.testing.assert_allclose(names["dense"], names["dense_jax"], rtol=EXACT)
    assert {*names["passes"].values()} == {3} and max(names["passes"]) == 10_000 and names["arrow_passes"] == 1


def test_compile(ran):
    _, names = ran(9)
    assert names["lines"][1] < names["lines"][0] and names["tanhs"] == [2, 1]
    assert names["apart_eager"] == 0 and names["apart_jax"] < 1e-14
    eager, compiled = names["calls"]
    assert compiled < eager / 10
    np.testing.assert_array_equal(names["ways"], [[2, 4], [3, 12]])


# The pages


def test_formulas():
    fraction = "<math><mfrac><mrow><mi>a</mi></mrow><mrow><msub><mi>b</mi><mn>1</mn></msub></mrow></mfrac></math>"
    assert mathml(r"\frac{a}{b_1}") == fraction
    assert mathml("x^2") == "<math><msup><mi>x</mi><mn>2</mn></msup></math>"
    assert mathml("x_i^{10}") == "<math><msubsup><mi>x</mi><mi>i</mi><mrow><mn>10</mn></mrow></msubsup></math>"
    sine = '<msup><mi>sin</mi><mn>2</mn></msup><mspace width="0.17em"/><mi>t</mi>'
    assert mathml(r"\sin^2 t") == f"<math>{sine}</math>"
    for primed in ("f'", r"f^\prime", r"f^{\prime}"):  # the sign is raised by itself
        assert mathml(primed).count("′") == 1 and "msup" not in mathml(primed)
    assert "<mtext>ab</mtext>" in mathml(r"\text{ab}")
    assert "∇" in mathml(r"\mathrm{\nabla} C") and mathml("x", block=True).startswith('<math display="block">')
    for broken in (r"\unknown", r"\frac{a}", "{a", "a}", "^2", r"\left( a"):
        with pytest.raises(ValueError, match=r"formula|no MathML"):
            mathml(broken)
    assert [*split("a $x$ `$y$` $$z$$")] == [("", "a "), ("$", "x"), ("", " `$y$` "), ("$$", "z"), ("", "")]


def test_a_formula_keeps_its_point():
    assert page.prose("a $x$, $y$ b") == (f'<p>a <span class="whole">{mathml("x")},</span> {mathml("y")} b</p>\n')


@pytest.fixture(scope="module")
def folder(ran, executed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lesson")
    for number, chapter in enumerate(CHAPTERS):
        cells = ran(number)[0] if number else as_run(executed)  # the longest is run once
        (folder / chapter.page).write_text(page.page(cells, chapter), encoding="utf-8")
    return folder


def test_pages_hold_all_that_they_need(folder):
    for chapter in CHAPTERS:
        text = (folder / chapter.page).read_text(encoding="utf-8")
        assert 20_000 < len(text.encode()) < 2_000_000, chapter.name
        outside = re.findall(r'(?:src|href)="(?!#|data:)([^"]*)"', text)
        assert {*outside} <= {other.page for other in CHAPTERS}, chapter.name
        ids = re.findall(r' id="([^"]*)"', text)
        assert len(ids) == len({*ids}) and "http://" not in re.sub(r'xmlns="[^"]*"', "", text)
        assert "$" not in re.sub(r"<pre.*?</pre>|<svg.*?</svg>|<style.*?</style>", "", text, flags=re.DOTALL)
    first = (folder / "index.html").read_text(encoding="utf-8")
    assert first.count("<svg ") == 23 and "1.2484317246552135" in first


_WIDE = """[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1
    && !e.closest("pre, svg, math, table")).length"""
_SMALLEST = """Math.min(99, ...[...document.querySelectorAll(".pictures svg")].map(svg =>
    svg.getBoundingClientRect().width / svg.viewBox.baseVal.width))"""  # how many pixels a figure's point takes
_CONTRAST = """(() => {
    const part = x => (x /= 255) <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4
    const light = color => {
        const [r, g, b] = color.match(/[\\d.]+/g).map(part)
        return .2126 * r + .7152 * g + .0722 * b
    }
    const behind = e => {
        while (e && getComputedStyle(e).backgroundColor == "rgba(0, 0, 0, 0)") e = e.parentElement
        return light(getComputedStyle(e || document.body).backgroundColor)
    }
    const ratio = e => {
        const [dark, bright] = [light(getComputedStyle(e).color), behind(e)].sort((a, b) => a - b)
        return (bright + .05) / (dark + .05)
    }
    const all = "main p, main h1, main a, main pre, main pre span, main code, figcaption, summary, .pictures svg"
    return Math.min(...[...document.querySelectorAll(all)].map(ratio))
})()"""


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_pages_on_a_phone_and_a_desk(folder):
    with browser.browser() as tab:
        for chapter in CHAPTERS:
            for width, dark in ((360, True), (1280, False)):
                tab.open((folder / chapter.page).as_uri(), width=width, dark=dark)
                said = [each for each in tab.problems() if not each.startswith("request: data:")]
                assert said == [] and tab.run(_WIDE) == 0, chapter.name
                assert tab.run("document.documentElement.scrollWidth") == width, chapter.name
                assert tab.run(_CONTRAST) >= 4.5 and tab.run(_SMALLEST) > 0.55, (chapter.name, dark)
        tab.open((folder / "index.html").as_uri(), width=360)
        lines = """(f => f.getBoundingClientRect().height / parseFloat(getComputedStyle(f).fontSize))(
            document.querySelector('math[display=block] mfrac'))"""
        assert tab.run(lines) > 1.6  # a fraction, not a line of text
        tab.run("document.querySelector('nav summary').click()")
        links = tab.run("[...document.querySelectorAll('nav a')].map(a => a.textContent)")
        assert links == [chapter.title for chapter in CHAPTERS]


# By command


def test_by_command(tmp_path, capsys):
    assert cli.main(["lesson", "notebook", str(tmp_path / "mine")]) == cli.GOOD
    assert len([*(tmp_path / "mine").glob("*.ipynb")]) == len(CHAPTERS)
    assert cli.main(["lesson", "notebook", str(tmp_path / "mine")]) == cli.USAGE
    assert "is there already" in capsys.readouterr().err
    assert cli.main(["lesson", "start"]) == cli.USAGE and "name a folder" in capsys.readouterr().err


def test_pages_by_command(tmp_path, capsys, monkeypatch):
    made = []
    monkeypatch.setattr(page, "run", lambda path: made.append(path) or ([], {}))
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert cli.main(["lesson", "show", str(blocked / "pages")]) == cli.USAGE and not made  # before it computes
    assert "Name a place that can be written to" in capsys.readouterr().err
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert cli.main(["lesson", "show", str(tmp_path / "pages"), "--open"]) == cli.GOOD
    first = tmp_path / "pages" / "index.html"
    assert capsys.readouterr().out.strip() == str(first) and opened == [first.as_uri()]
    assert {path.name for path in first.parent.iterdir()} == {chapter.page for chapter in CHAPTERS}


def test_a_plain_script_shows_nothing(capsys):
    figure = Figure(figsize=(1, 1))
    show(figure, caption="nothing")
    assert capsys.readouterr() == ("", "")
    with shown() as found:
        show(figure, caption="a figure")
    assert found[0].caption == "a figure" and found[0].pictures[0].rstrip().endswith("</svg>")
