"""Build the web site: one folder, under one navigation, each page of which can be opened by itself, without a network.

Examples of the stepper, the lesson, the results of the notebook, how many evaluations a Jacobian takes, what can be
differentiated, where JAX is wrong, the speed as last measured, a report, the pages of .readme/ and a reference from the
docstrings. Results that are there already are not computed again.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import _environment

_environment.enter()

import _bench_page
import _examples
import _page
import numpy as np
import pdoc
import pdoc.render
import scipy
from _results import ROOT, finished, settings
from markdown_it import MarkdownIt
from reproduce import SCRIPTS

import jax_ref
from jax_ref.cases import domains
from jax_ref.cases.edge_points import EDGE_POINTS
from jax_ref.checks import peer_lines
from jax_ref.commands import atlas, coverage
from jax_ref.lesson import page as lesson
from jax_ref.lesson.chapters import CHAPTERS
from jax_ref.report import page
from jax_ref.sweep import devices, sweep
from jax_ref.sweep.processes import Crew
from scratch_ad.scipy import fft, integrate, interpolate, linalg, optimize, signal, sparse, spatial, stats

NAVIGATION = {  # in the order of the bar
    "scratch-ad": "index.html",
    "Step by step": "steps/fan_out.html",
    "Lesson": "lesson/index.html",
    "Evaluations": "results/evaluations.html",
    "Results": "results/index.html",
    "Coverage": "coverage.html",
    "Atlas": "atlas.html",
    "Speed": "bench.html",
    "Report": "report/index.html",
    "Guide": "pages/guide.html",
    "Reference": "reference/index.html",
}
USES = [
    (
        "Check derivatives",
        "Yours, ours, another engine's, or a custom rule of a project, beside JAX's, element by element.",
        "scratch-ad check tanh --engine mine:engine",
        [
            ("A report", "report/index.html"),
            ("Your own engine", "pages/engine.html"),
            ("Where JAX is wrong", "atlas.html"),
        ],
    ),
    (
        "Reproduce the notebook",
        "“Intro to Automatic Differentiation”, run: four ways to a gradient, each number beside JAX's own.",
        "python3 scripts/reproduce.py",
        [("The results", "results/index.html"), ("What each costs", "bench.html")],
    ),
    (
        "Teach and learn",
        "Step through a derivative; read the lesson; count evaluations; do exercises that grade themselves.",
        'scratch-ad trace "lambda x: np.exp(np.tanh(x))" 0.5 --open\nscratch-ad lesson start mine',
        [
            ("Step by step", "steps/fan_out.html"),
            ("The lesson", "lesson/index.html"),
            ("Count evaluations", "results/evaluations.html"),
        ],
    ),
]
PUBLIC = ["scratch_ad", "scratch_ad.scipy", "scratch_ad.intro", "scratch_ad.tracing", "jax_ref"]
SMALL = ["np.sin", "np.tanh"], ["float32", "float64"]  # of a quick build: the report's functions, in these dtypes
POINTS = [point for point in EDGE_POINTS if point.expression == "np.sqrt(a ** 2)"]  # … and the atlas's points


def results(options):
    """The pages of scripts/reproduce.py, which is run if a result is not there."""
    if not all(finished(options.results / name, settings(0, options.quick)) for name in SCRIPTS):
        command = [sys.executable, ROOT / "scripts" / "reproduce.py", "--out", options.results]
        subprocess.run([*command, *["--quick"] * options.quick], check=True)
    for name in ("index.html", "evaluations.html"):
        shutil.copy(options.results / name, made(options.out / "results" / name))


def steps(options):
    """A page of the stepper for each example; returns what is to be seen in each."""
    seen = {}
    for name, seen[name], trace in _examples.traces():
        trace.html(options.out / "steps" / f"{name}.html")
    return seen


def covered(options):
    found = list(coverage.entries(["numpy.fft", "numpy.linalg"] if options.quick else ()))
    modules = {}
    for entry in found:
        modules.setdefault(entry.module, []).append(entry)
    rows = [line.strip("| ").split(" | ") for line in coverage.table(found)]
    versions = f"NumPy {np.__version__}, SciPy {scipy.__version__}"
    text = _page.render(
        "coverage.html.j2", table=rows[:1] + rows[2:], modules=modules, versions=versions, plain=coverage.PLAIN
    )
    (options.out / "coverage.html").write_text(text, encoding="utf-8")


def wrong_in_jax(options):
    """The atlas; of a quick build, of a few points."""
    if options.quick:
        rows, now = [atlas.row(record) for record in atlas.disagreements((), POINTS, ())], None
    else:
        about = {"versions": devices.versions(), "device": devices.device(), "sources": devices.sources()}
        rows, now = atlas.survey(made(options.results / "atlas.jsonl"), about=about), peer_lines.now()
    where = ", ".join(f"{name} {version}" for name, version in devices.versions().items())
    known = domains.LIMITS, domains.BEYOND, atlas.found(now=now)
    page.write_atlas(rows, options.out / "atlas.html", where, *known)


def speed(options):
    """The page of the bench, from the figures that were kept."""
    document = json.loads((ROOT / ".readme" / "bench.json").read_text(encoding="utf-8"))
    _bench_page.write(options.out, document)


def report(options):
    """Our engines and ``scratch_ad.intro.tiny`` over the catalogue; in a quick build, tiny over a few functions."""
    engines = ("tiny",) if options.quick else ("scratch_ad", "tiny")
    units = sweep.units(*(SMALL if options.quick else ()))
    with ThreadPoolExecutor(1) if options.quick else Crew(os.cpu_count() or 1, sweep.PATIENCE) as by:
        kept = options.results / "report"
        found = [sweep.sweep(units, sweep.Asked(engine), by, kept / engine) for engine in engines]
    page.write(found, options.out / "report" / "index.html")


def texts(options):
    """The pages of .readme/, from Markdown; returns their titles."""
    titles = {}
    write = MarkdownIt("commonmark").enable("table").render
    for source in sorted((ROOT / ".readme").glob("*.md")):
        text = source.read_text(encoding="utf-8")
        title = titles[source.stem] = text.partition("\n")[0].lstrip("# ")
        shown = _page.render("markdown.html.j2", title=title, text=write(text).replace('.md"', '.html"'))
        made(options.out / "pages" / f"{source.stem}.html").write_text(shown, encoding="utf-8")
    return titles


def reference(options):
    """From the docstrings: of what is public, and in a full build of all modules."""
    for name in jax_ref.__all__:  # found on demand, which pdoc does not
        setattr(jax_ref, name, getattr(jax_ref, name))
    for module in (fft, integrate, interpolate, linalg, optimize, signal, sparse, sparse.linalg, spatial, stats):
        module.__all__ = []  # names and texts are SciPy's, found on demand
    modules = PUBLIC if options.quick else [*PUBLIC, *_modules()]
    pdoc.render.configure(show_source=False, search=False, template_directory=ROOT / "scripts" / "pdoc")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The module specification .* has already been added")  # with its package
        warnings.filterwarnings("ignore", "Error parsing type annotation")  # imported for the type checker alone
        pdoc.pdoc(*modules, output_directory=options.out / "reference")
    packages = f"{Path(np.__file__).parents[1]}{os.sep}"
    for path in (options.out / "reference").rglob("*.html"):  # a module as a default says where it lies here
        path.write_text(path.read_text(encoding="utf-8").replace(packages, ""), encoding="utf-8")


def _modules():
    for package in ("scratch_ad", "jax_ref"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not re.search(r"\._|solutions|^scratch_ad.numpy$", name) and name not in PUBLIC:
                yield name


def home(options, seen, titles):
    picture = _page.address((ROOT / ".readme" / "numbers.svg").read_bytes(), ".svg")
    texts = {name: f"pages/{stem}.html" for stem, name in titles.items()}
    text = _page.render(
        "site.html.j2", picture=picture, uses=USES, steps=seen.items(), texts=texts.items(), quick=options.quick
    )
    (options.out / "index.html").write_text(text, encoding="utf-8")


_TO_THE_PAGE = (
    "<script>(a => { if (a) a.parentNode.scrollLeft = a.offsetLeft - 20; })"
    "(document.querySelector('.site [aria-current]'))</script>"
)


def frame(folder):
    """Put the navigation on top of each page in ``folder``; on a phone it begins where the page is."""
    style = f"<style>\n{(ROOT / 'scripts' / 'site.css').read_text(encoding='utf-8')}</style>"
    for path in sorted(folder.rglob("*.html")):
        here, up = path.relative_to(folder), "../" * (len(path.relative_to(folder).parts) - 1)
        room = here.parts[0]
        links = []
        for name, address in NAVIGATION.items():
            current = ' aria-current="page"' if address == here.as_posix() or _room(address) == room else ""
            links.append(f'<a href="{up}{address}"{current}>{name}</a>')
        bar = f'<div class="site" role="navigation" aria-label="site" tabindex="0">{"".join(links)}</div>{_TO_THE_PAGE}'
        text = path.read_text(encoding="utf-8")
        head, body, rest = text.partition("<body>")
        if not body or 'class="site"' in text:
            raise ValueError(f"{path} has no <body> for the navigation, or has one already")
        path.write_text(f"{head.replace('</head>', style + '</head>', 1)}{body}\n{bar}{rest}", encoding="utf-8")


def _room(address):
    """The folder of pages that belong together, but for the results, which have two entries."""
    room, _, page = address.partition("/")
    return room if page and room != "results" else None


def made(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="folder for the site, made anew (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="small runs of everything, two minutes")
    parser.add_argument("--results", type=Path, help="folder of results (results; of a quick build results/quick)")
    options = parser.parse_args()
    options.results = options.results or ROOT / "results" / ("quick" if options.quick else "")
    for name in ("out", "results"):
        folder = getattr(options, name)
        try:
            probe = made(folder / ".writable")
            probe.touch()
            probe.unlink()
        except OSError as error:
            parser.exit(
                2, f"{parser.prog}: --{name} {folder}: {error.strerror}. Name a place that can be written to.\n"
            )
    kept = {*(folder.partition("/")[0] for folder in NAVIGATION.values())}
    if foreign := sorted({path.name for path in options.out.iterdir()} - kept - {"steps", "pages"}):
        parser.exit(2, f"{parser.prog}: --out {options.out} holds {foreign[0]}, which is no part of the site.\n")
    return options


def main():
    options = arguments()
    for old in options.out.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    seen, titles = steps(options), texts(options)
    for build in (results, covered, wrong_in_jax, speed, report, reference):
        build(options)
    lesson.pages(options.out / "lesson", CHAPTERS[:1] if options.quick else CHAPTERS)
    home(options, seen, titles)
    frame(options.out)
    print(f"Open {(options.out / 'index.html').resolve().as_uri()}")


if __name__ == "__main__":
    main()
