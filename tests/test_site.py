"""The web site, built small: every page of it in headless Chromium, where there is one; and what its controls do."""

import importlib.util
import re
import sys

import _evaluations
import numpy as np
import pytest
from running import SCRIPTS

import scratch_ad

pytestmark = pytest.mark.xdist_group("scripts")  # it shows the results of the scripts' tests

MOST, SECONDS = 2_000_000, 1.0  # bytes of a page, and how long it may take to open


@pytest.fixture(scope="module")
def builder():
    spec = importlib.util.spec_from_file_location("builder", SCRIPTS / "site.py")  # Python has a module site itself
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built(builder, out, results):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["site.py", "--quick", "--out", str(out), "--results", str(results)])
        builder.main()


@pytest.fixture(scope="module")
def site(builder, results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built(builder, folder, results)
    return folder


def texts(tab, selector):
    return tab.run(f"[...document.querySelectorAll('{selector}')].map(x => x.textContent)")


def test_every_page_is_small_and_leads_only_where_something_is(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert len(text) < MOST and text.count('class="site"') == 1, page
        for address in re.findall(r'<[^>]* (?:href|src)="([^"#]+)', text):
            if not address.startswith(("data:", "https://", "http://")):  # a link to elsewhere is not fetched
                assert (page.parent / address).exists(), (page, address)
        loaded = re.findall(r'<(?:img|script|link|iframe)[^>]* (?:src|href)="(?!data:)([^"]*)', text)
        assert not loaded, page
        assert str(SCRIPTS.parent) not in text, page  # no path of a machine


def test_the_navigation_leads_everywhere(site, builder):
    home = (site / "index.html").read_text(encoding="utf-8")
    for page in site.rglob("*.html"):
        name = page.relative_to(site).as_posix()
        if page.parent.name in ("steps", "pages") or page.parent == site:
            assert f'href="{name}"' in home
    assert {"wrong_rule", "newton"} < set(re.findall(r'href="steps/(\w+).html"', home))


_IN_SIGHT = """(a => a.left >= 0 && a.right <= innerWidth)(
    document.querySelector('.site [aria-current]').getBoundingClientRect())"""


def test_every_page_opens_fits_and_can_be_read(site, tab):
    for page in sorted(site.rglob("*.html")):
        tab.open(page.as_uri(), width=360, height=800)
        assert 0 < tab.seconds() < SECONDS, page
        assert tab.run(_IN_SIGHT), page
        for dark in (False, True):  # which no width changes
            tab.scheme(dark)
            assert tab.pale() == [], (page, dark)
            ground = re.findall(r"\d+", tab.run("getComputedStyle(document.body).backgroundColor"))
            assert (int(ground[0]) < 60) == dark, page
        for width in (360, 1280):
            tab.wide(width)
            assert tab.run("document.documentElement.scrollWidth") <= width, (page, width)
        assert tab.problems() == [], page


# How many evaluations


def cells(tab, method):
    return texts(tab, f"#{method} td")


def choose(tab, n, m):
    for name, count in (("inputs", n), ("outputs", m)):
        tab.run(
            f"(s => {{ s.value = {count}; s.dispatchEvent(new Event('input')); }})(document.querySelector('#{name}'))"
        )


def counts(tab):
    return {name: texts(tab, f"#{name} .counts b") for name in ("numerical", "forward", "reverse")}


def evaluations(site, tab, at="", **options):
    tab.open(f"{(site / 'results' / 'evaluations.html').as_uri()}#{at}", **options)


def test_evaluations_are_counted_and_the_jacobian_is_ours(site, tab):
    evaluations(site, tab)
    box = {name: np.array(array) for name, array in _evaluations.data().items() if name in "ABp"}
    for n, m in ((5, 3), (2, 6), (1, 1), (8, 8)):
        choose(tab, n, m)
        tab.press("End", 35)
        assert counts(tab) == {"numerical": [str(n + 1)], "forward": [str(n)], "reverse": ["1", str(m)]}
        J = scratch_ad.jacfwd(lambda p, m=m, n=n: box["B"][:m] @ np.tanh(box["A"][:, :n] @ p))(box["p"][:n])
        for method in counts(tab):
            shown = [float(text.replace("−", "-")) for text in cells(tab, method)]
            np.testing.assert_allclose(shown, J.ravel(), atol=0.00501)
    assert "off by" in texts(tab, "#numerical caption")[0] and "off by" not in texts(tab, "#forward caption")[0]
    assert tab.problems() == []


def test_what_is_not_known_yet_is_a_dash(site, tab):
    evaluations(site, tab)
    for method in counts(tab):
        assert set(cells(tab, method)) == {"—"}
    tab.click("#next")
    tab.press("ArrowRight", 39)
    assert counts(tab) == {"numerical": ["2"], "forward": ["2"], "reverse": ["1", "1"]}
    assert [k for k, text in enumerate(cells(tab, "numerical")) if text != "—"] == [0, 5, 10]  # a column
    assert [k for k, text in enumerate(cells(tab, "forward")) if text != "—"] == [0, 1, 5, 6, 10, 11]
    assert [k for k, text in enumerate(cells(tab, "reverse")) if text != "—"] == [0, 1, 2, 3, 4]  # a row
    assert "p₁ + h" in texts(tab, "#numerical .on text") and "f̄₁ = 1" in texts(tab, "#reverse .on text")
    tab.click("#back")
    tab.press("ArrowLeft", 37)
    assert set(cells(tab, "reverse")) == {"—"}
    tab.press("End", 35)
    assert "—" not in cells(tab, "numerical") and "reverse has it all after 1 + 3 back" in texts(tab, "#say")[0]
    tab.press("Home", 36)
    tab.run("document.querySelector('#inputs').focus()")
    tab.press("ArrowRight", 39)  # is the slider's there
    assert texts(tab, "output")[0] == "6" and set(cells(tab, "forward")) == {"—"}


def test_play_touch_theme_and_print(site, tab):
    evaluations(site, tab, 5)
    tab.click("#play")
    tab.run("new Promise(done => setTimeout(done, 2600))")
    assert tab.run("document.querySelector('#play').getAttribute('aria-label')") == "play"  # it has come to the end
    assert "—" not in cells(tab, "numerical")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = tab.run(ground)
    tab.click("#theme")
    assert tab.run(ground) != light
    evaluations(site, tab, width=360, height=800)
    tab.tap("#next")
    assert counts(tab)["forward"] == ["1"]
    sizes = "[...document.querySelectorAll('.controls button')].map(b => Math.min(b.offsetWidth, b.offsetHeight))"
    assert min(tab.run(sizes)) >= 40  # for a finger
    tab.scheme(True, media="print")
    tab.run("dispatchEvent(new Event('beforeprint'))")
    assert "—" not in cells(tab, "reverse") and tab.run("document.querySelector('#bar').offsetHeight") == 0
    assert tab.run("document.querySelector('.site').offsetHeight") == 0
    tab.scheme(False)


def test_the_curves_are_those_that_were_measured(site, results, tab):
    evaluations(site, tab)
    measured = _evaluations.data(results / "cost_scaling")["measured"]
    one = {row["method"]: row for row in measured if row["n"] == row["m"] == 1}
    change = "(s => {{ s.value = '{}'; s.dispatchEvent(new Event('change')); }})(document.querySelector('#measure'))"
    for what in ("operations", "time"):
        tab.run(change.format(what))
        said = re.findall(r"(\w+) ([\d.]+)", texts(tab, "#one")[0])
        assert {name: float(x) for name, x in said} == {name: float(f"{row[what]:.3g}") for name, row in one.items()}
        assert len(texts(tab, ".chart circle")) == len(measured) + len(one)  # which stand in both
    before = tab.run("document.querySelector('.chart .at').getAttribute('x1')")
    choose(tab, 8, 3)
    assert float(tab.run("document.querySelector('.chart .at').getAttribute('x1')")) > float(before)


def test_without_measured_curves_the_page_says_so():
    import _page

    text = _page.render("evaluations.html.j2", data=_evaluations.data())
    assert "Nothing has been measured yet" in text and 'id="measure"' not in text


# The other pages


def test_searches_and_filters(site, tab):
    tab.open((site / "coverage.html").as_uri())
    find = "(s => {{ s.value = '{}'; s.dispatchEvent(new Event('input')); }})(document.querySelector('#search'))"
    visible = "[...document.querySelectorAll('{}')].filter(x => x.checkVisibility()).map(x => x.dataset.name)"
    tab.run(find.format("SVD"))
    assert tab.run(visible.format("li")) == ["svd", "svdvals"]
    tab.open((site / "atlas.html").as_uri())
    tab.run(find.format("SQRT"))
    found = tab.run(visible.format("article"))
    assert "np.sqrt(a ** 2)" in found and all("sqrt" in name for name in found)
    tab.run(find.format("nothing"))
    assert tab.run(visible.format("article")) == []
    tab.open((site / "report" / "index.html").as_uri())
    tab.run("document.querySelector('#only').click()")
    assert "np.tanh" in tab.run(visible.format(".function")) and "np.sin" not in tab.run(visible.format(".function"))
    tab.run("document.querySelector('#all').click()")
    assert tab.run("document.querySelectorAll('details.function[open]').length") > 0
    tab.run(find.format("nothing"))
    assert tab.run(visible.format(".function")) == [] and tab.run("!document.querySelector('#none').hidden")


def test_the_stepper_walks_under_the_navigation(site, tab):
    tab.open((site / "steps" / "wrong_rule.html").as_uri())
    assert "First difference: step 1, np.tanh(x)" in texts(tab, "#verdict")[0]
    tab.press("End", 35)
    assert "differs from JAX" in texts(tab, "#say")[0]
    tab.open((site / "steps" / "newton.html").as_uri())
    assert tab.run("document.documentElement.scrollHeight <= innerHeight")
    assert tab.run("(bar => bar.scrollHeight <= bar.offsetHeight)(document.querySelector('#bar'))")  # all of it shows


@pytest.mark.parametrize("option", ["--out", "--results"])
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_computed(
    builder, tmp_path, capsys, monkeypatch, option
):
    (tmp_path / "file").write_text("")
    folders = {"--out": tmp_path / "site", "--results": tmp_path / "results", option: tmp_path / "file" / "folder"}
    monkeypatch.setattr(sys, "argv", ["site.py", *(str(x) for pair in folders.items() for x in pair)])
    monkeypatch.setattr(builder, "steps", lambda _: pytest.fail("it computes"))
    with pytest.raises(SystemExit) as stopped:
        builder.main()
    assert stopped.value.code == 2
    assert f"{option} {tmp_path / 'file' / 'folder'}: Not a directory. Name a place" in capsys.readouterr().err


def test_a_folder_of_something_else_is_left_alone(builder, tmp_path, capsys, monkeypatch):
    (tmp_path / "thesis.tex").write_text("years of work")
    monkeypatch.setattr(sys, "argv", ["site.py", "--out", str(tmp_path), "--results", str(tmp_path / "results")])
    with pytest.raises(SystemExit) as stopped:
        builder.main()
    assert stopped.value.code == 2 and "holds thesis.tex" in capsys.readouterr().err
    assert (tmp_path / "thesis.tex").exists()
