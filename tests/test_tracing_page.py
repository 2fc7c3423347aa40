"""The page of a trace, and the command that makes it; the page is driven in headless Chromium, where there is one."""

import re

import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.commands import cli
from scratch_ad.registry import rule_of

WEIGHTS = np.random.default_rng(0).normal(size=(30, 3))


def model(x):
    h = np.tanh(WEIGHTS @ x)
    for _ in range(6):
        h = h + 0.1 * np.sin(h)
    return h[0] * np.sin(x[0]) + np.sum(h) + x[0]


def fan_out(x):
    return x * np.sin(x) + x


def long(x):
    for _ in range(120):
        x = x + 0.1 * np.sin(x)
    return x


def fails(x):
    return np.sin(x) @ np.ones(7)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages by name: alone, beside JAX, with a wrong rule, and of a function that fails."""
    folder = tmp_path_factory.mktemp("pages")
    X = np.array([0.5, -1.0, 2.0])
    made = {
        "fan_out": jax_ref.trace(fan_out, 1.2),
        "alone": scratch_ad.trace(model, X),
        "long": scratch_ad.trace(long, 0.5),
        "fails": scratch_ad.trace(fails, X),
        "several": scratch_ad.trace(lambda a: np.sum(np.linalg.svd(a)[1]), WEIGHTS[:3]),
    }
    right = rule_of[np.tanh]
    scratch_ad.elementwise(np.tanh, lambda y: 1 - y)
    made["wrong"] = jax_ref.trace(lambda x: np.exp(np.tanh(x)), 0.5)
    rule_of[np.tanh] = right
    return {name: trace.html(folder / "new" / f"{name}.html") for name, trace in made.items()}


def at(tab, page, frame, **options):
    tab.open(f"{page.as_uri()}#{frame}", **options)


def said(tab):
    return tab.run("document.querySelector('#say').textContent")


def numbers(tab, row):
    return tab.run(f"[...document.querySelectorAll('#{row} .n')].map(x => x.textContent)")


def position(tab):
    return int(tab.run("document.querySelector('#position').value"))


def test_pages_stand_alone_and_are_small(pages):
    for page in pages.values():
        text = page.read_text(encoding="utf-8")
        outside = re.findall(r'(?:src|href)="[^#]|@import|url\((?!#)|https?://(?!www\.w3\.org/2000/svg)', text)
        assert len(text) < 2_000_000 and not outside
        assert str(page.parent) not in text  # no path of a machine


def test_a_long_run_of_large_arrays_stays_small(tmp_path):
    def long(x):
        for k in range(400):
            x = np.sin(x) * 1.01 if k % 7 else np.cos(x)
        return np.sum(x)

    page = scratch_ad.trace(long, np.linspace(0, 1, 1000)).html(tmp_path / "long.html")
    assert page.stat().st_size < 2_000_000


def test_what_is_in_a_page_cannot_end_it(tmp_path):
    """A function whose source would close the script."""
    made = cli_function("lambda x: x * len('</script><b>')")
    text = scratch_ad.trace(made, 1.0).html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("</script>") == 1 and "<b>')" not in text


def cli_function(text):
    from jax_ref.commands.trace import function_of

    return function_of(text)


def test_each_control_walks(tab, pages):
    at(tab, pages["fan_out"], 0)
    assert tab.run("document.title") == "fan_out, step by step"
    assert said(tab).startswith("The inputs are known") and numbers(tab, "r-s1") == ["—", "—", "—"]
    tab.click("#next")
    assert position(tab) == 1 and "v1 = np.sin(x) = 0.93204" in said(tab)
    assert numbers(tab, "r-s1") == ["0.93204", "0.36236", "—"]
    tab.press("ArrowRight", 39)
    assert position(tab) == 2 and "1·" not in numbers(tab, "r-s2")[0]
    assert "0.93204·1 + 1.2·0.36236 = 1.3669" in said(tab)
    tab.click("#back")
    tab.press("ArrowLeft", 37)
    assert position(tab) == 0
    tab.press("End", 35)
    assert "The gradient: x = 2.3669" in said(tab) and "within rounding" in said(tab)
    assert numbers(tab, "r-i0") == ["1.2", "1", "2.3669"]
    tab.press("Home", 36)
    assert position(tab) == 0
    tab.run("(s => { s.value = 4; s.dispatchEvent(new Event('input')); })(document.querySelector('#position'))")
    assert "The way back begins" in said(tab)
    assert tab.problems() == []


def test_an_adjoint_is_a_dash_until_it_is_known_and_a_fan_out_adds_up(tab, pages):
    at(tab, pages["fan_out"], 0)
    seen = []
    while position(tab) < tab.run("D.frames.length - 1"):
        seen.append(numbers(tab, "r-i0")[2])
        tab.press("ArrowRight", 39)
    assert seen == ["—"] * 6 + ["1 …so far"] * 2 + ["1.932 …so far"] * 3 + ["2.3669"]
    at(tab, pages["fan_out"], 8)
    assert "x is used more than once" in said(tab)


def test_play_runs_and_pauses(tab, pages):
    at(tab, pages["fan_out"], 0)
    tab.run("document.querySelector('#play').focus()")
    tab.press(" ", 32, " ")
    assert tab.run("document.querySelector('#play').getAttribute('aria-label')") == "pause"
    tab.run("new Promise(done => setTimeout(done, 1500))")
    assert position(tab) >= 1
    tab.click("#play")
    paused = position(tab)
    assert tab.run("document.querySelector('#play').getAttribute('aria-label')") == "play"
    tab.run("new Promise(done => setTimeout(done, 1300))")
    assert position(tab) == paused


def test_graph_source_and_table_go_together(tab, pages):
    at(tab, pages["fan_out"], 2)
    assert tab.run("document.querySelector('#source mark').textContent") == "x * np.sin(x)"
    assert tab.run("document.querySelector('.row.now').id") == "r-s2"
    assert tab.run("[...document.querySelectorAll('.node.now')].map(x => x.id)") == ["n-s2"]
    assert tab.run("[...document.querySelectorAll('.edge.now')].map(x => x.dataset.from).sort()") == ["i0", "s1"]
    at(tab, pages["fan_out"], 6)
    assert sorted(tab.run("[...document.querySelectorAll('.node.now')].map(x => x.id)")) == ["n-i0", "n-s3"]


def test_pointing_at_a_box_shows_its_local_derivatives_and_a_touch_as_well(tab, pages):
    told = "(t => t.hidden ? '' : t.textContent)(document.querySelector('#tip'))"
    at(tab, pages["fan_out"], 3)
    assert tab.run(told) == ""
    tab.point("#n-s1")
    assert "∂v1/∂x = cos(x) = 0.36236" in tab.run(told) and "rule: np.cos(x)" in tab.run(told)
    tab.point("h1")
    assert tab.run(told) == ""
    tab.run("document.querySelector('#n-s2').focus()")  # by the keyboard
    assert "∂v2/∂x = v1" in tab.run(told)
    at(tab, pages["fan_out"], 3, width=400, height=860)
    tab.tap("#n-s1")
    assert "∂v1/∂x" in tab.run(told)
    tab.tap("#next")
    assert position(tab) == 4


def test_a_loop_opens_and_an_array_as_well(tab, pages):
    at(tab, pages["alone"], "end")
    rows = "[...document.querySelectorAll('.row')].filter(r => r.offsetHeight).length"
    before = tab.run(rows)
    tab.run("document.querySelector('.row.fold button').click()")
    assert tab.run(rows) > before + 6
    tab.run("document.querySelector('.row.fold button').click()")
    assert tab.run(rows) == before
    assert tab.run("document.querySelectorAll('.num pre').length") == 0
    tab.run("document.querySelector('#r-s1 .num button').click()")
    assert "float64 30" in tab.run("document.querySelector('#r-s1 .num pre').textContent")
    at(tab, pages["alone"], 8)  # a step that is folded: its fold is lit
    assert tab.run("document.querySelector('.row.now').classList.contains('fold')")


def test_steps_that_a_page_has_no_room_for_are_one_frame_and_what_they_give_back_arrives(tab, pages):
    at(tab, pages["long"], 4)
    assert "forward The steps from v4 to v357" in said(tab) and numbers(tab, "r-s3")[2] == "—"
    assert tab.run("[...document.querySelectorAll('.now')].map(x => x.id)") == ["n-f4", "r-f4"]
    back = tab.run("D.frames.findIndex(f => f.way === 'reverse')")
    for frame, shown in ((back - 1, False), (back, True)):
        at(tab, pages["long"], frame)
        assert (numbers(tab, "r-s3")[2] != "—") == shown
    assert "reverse The steps from v357 to v4" in said(tab)


def test_a_difference_is_marked_and_leads_to_its_step(tab, pages):
    at(tab, pages["wrong"], 0)
    assert "First difference: step 1, np.tanh(x): tangent" in tab.run("document.querySelector('#verdict').textContent")
    tab.click("#verdict")
    assert position(tab) == 1 and "JAX 0.78645" in numbers(tab, "r-s1")[1]
    assert tab.run("document.querySelector('#r-s1').classList.contains('wrong')")
    at(tab, pages["wrong"], "end")
    marks = "[...document.querySelectorAll('.mark')].map(m => m.firstChild && m.firstChild.className)"
    assert tab.run(marks)[1:] == ["no", "follows"] and "differs from JAX" in said(tab)


def test_a_failure_is_shown_at_its_line(tab, pages):
    at(tab, pages["fails"], 0)
    assert "ValueError: matmul" in said(tab)
    assert tab.run("document.querySelector('#source mark').textContent") == "np.sin(x) @ np.ones(7)"
    assert numbers(tab, "r-s1")[2] == "—" and numbers(tab, "r-s2") == ["—"] * 3


@pytest.mark.parametrize("width", [360, 400, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_and_can_be_read(tab, pages, width, dark):
    for name, page in pages.items():
        at(tab, page, "end", width=width, height=860, dark=dark)
        assert tab.run("document.documentElement.scrollWidth") <= width, name
        assert tab.pale() == [], name
        assert tab.problems() == [], name
        background = tab.run("getComputedStyle(document.body).backgroundColor")
        assert (int(re.findall(r"\d+", background)[0]) < 60) == dark
        if width < 900:
            sizes = (
                "[...document.querySelectorAll('.controls button')].map(b => Math.min(b.offsetWidth, b.offsetHeight))"
            )
            assert min(tab.run(sizes)) >= 40  # for a finger


def test_all_text_stays_in_its_box(tab, pages):
    wide = """[...document.querySelectorAll('.node')].filter(n => [...n.querySelectorAll('text')].some(
      t => t.getBBox().x + t.getBBox().width > n.querySelector('rect').getBBox().width)).map(n => n.textContent)"""
    for page in pages.values():
        at(tab, page, "end")
        assert tab.run(wide) == []


def test_the_theme_can_be_turned(tab, pages):
    at(tab, pages["fan_out"], 0, dark=False)
    background = "getComputedStyle(document.body).backgroundColor"
    light = tab.run(background)
    tab.click("#theme")
    dark = tab.run(background)
    tab.click("#theme")
    assert light != dark and tab.run(background) == light


def test_print_shows_the_end_and_no_controls(tab, pages):
    at(tab, pages["fan_out"], 0)
    tab.scheme(True, media="print")
    tab.run("dispatchEvent(new Event('beforeprint'))")
    assert numbers(tab, "r-i0")[2] == "2.3669" and tab.run("document.querySelector('#bar').offsetHeight") == 0
    assert int(re.findall(r"\d+", tab.run("getComputedStyle(document.body).backgroundColor"))[0]) > 200


# The command


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")


def run(*arguments):
    return cli.main(["trace", *map(str, arguments), "--cache", ""])


def test_the_command_prints_and_writes(capsys, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    path = tmp_path / "new" / "page.html"
    assert run("lambda x: np.exp(np.tanh(x))", "0.5", "--out", path, "--open") == 0
    out = capsys.readouterr().out
    assert "np.tanh(x)" in out and "v1 = tanh x" in re.sub(r"\s+", " ", out) and str(path) in out
    assert opened == [path.as_uri()] and "lambda x: np.exp(np.tanh(x))" in path.read_text(encoding="utf-8")
    assert run("lambda x, p: np.sum(x) * p['a']", "[1, 2]", "{'a': np.float64(3)}", "--alone", "--open") == 0
    assert "JAX" not in capsys.readouterr().out and opened[1].endswith("trace.html")


def test_a_function_in_a_file(capsys, tmp_path):
    file = tmp_path / "users.py"
    file.write_text("import numpy as np\n\ndef f(x):\n    return np.sin(x) * 2\n\nbroken = 3\n")
    assert run(f"{file}:f", "0.5", "--alone") == 0 and "np.sin(x)" in capsys.readouterr().out
    for name, words in (
        (f"{file}:g", "no function g"),
        (f"{file}:broken", "no function broken"),
        ("no.py:f", "no such file"),
    ):
        assert run(name, "0.5", "--alone") == 2 and words in capsys.readouterr().err
    file.write_text("import numpy as np\nnp.nothing\n")
    assert run(f"{file}:f", "0.5") == 2
    error = capsys.readouterr().err
    assert "users.py:2" in error and "Traceback" not in error


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("lambda x: np.exp(np.tanh", "0.5"), "does not parse"),
        (("np.sin(1)", "0.5"), "is no function"),
        (("nothing", "0.5"), "name 'nothing' is not defined"),
        (("lambda x: tanh(x)", "0.5", "--alone"), r"NameError: name 'tanh' is not defined (<expression>:1)"),
        (("lambda x: x", "[1,"), "[1, does not parse"),
        (("lambda x: x", "abc"), "name 'abc' is not defined"),
        (("lambda x: x", "'text'"), "no number and no array"),
        (("lambda x: x", "1", "2", "--alone"), "takes 1 positional argument but 2 were given"),
    ],
)
def test_bad_input_is_one_line(arguments, words, capsys):
    assert run(*arguments) == 2
    out, error = capsys.readouterr()
    assert words in error and error.count("\n") == 1 and out == ""


def test_a_failure_in_the_middle_shows_the_steps_before_it(capsys):
    assert run("lambda x: np.sin(x) @ np.ones(7)", "[1, 2]", "--alone") == 2
    out, error = capsys.readouterr()
    assert "v1 = np.sin(x)" in out and error.startswith("scratch-ad: ValueError: matmul") and error.count("\n") == 1


def test_a_page_that_cannot_be_written_says_so_before_anything_runs(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    ran = tmp_path / "ran.py"
    ran.write_text("print('ran')\nf = abs\n")
    assert run(f"{ran}:f", "1", "--out", tmp_path / "file" / "page.html") == 2
    out, error = capsys.readouterr()
    assert "--out" in error and "can be written to" in error and out == ""


def test_a_wrong_rule_is_a_mismatch(capsys, monkeypatch):
    monkeypatch.setitem(rule_of, np.tanh, rule_of[np.sin])
    assert run("np.tanh", "0.5") == 1 and "to blame: ours" in capsys.readouterr().out
