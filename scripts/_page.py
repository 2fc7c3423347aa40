"""Pages of results: an HTML file each, with every image inside it."""

import base64
import json
from pathlib import Path

import _evaluations
import jinja2
from _results import ROOT

SHARED = ROOT / "scratch_ad" / "tracing"  # the colours and controls of all pages
TYPES = {".svg": "image/svg+xml", ".gif": "image/gif", ".png": "image/png"}


def write(folder, done, missing, settings):
    """Write ``index.html`` and ``evaluations.html`` of the scripts ``done``; returns the path of the first."""
    page = render(
        "page.html.j2",
        results={name: json.loads((folder / name / "numbers.json").read_text()) for name in done},
        image=lambda path: address((folder / path).read_bytes(), Path(path).suffix),
        settings=settings,
        missing=missing,
    )
    (folder / "index.html").write_text(page, encoding="utf-8")
    costs = folder / "cost_scaling" if "cost_scaling" in done else None
    box = render("evaluations.html.j2", data=_evaluations.data(costs))
    (folder / "evaluations.html").write_text(box, encoding="utf-8")
    return folder / "index.html"


def render(template, **values):
    """The text of a template of this folder."""
    loader = jinja2.FileSystemLoader([ROOT / "scripts", SHARED])
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True)
    environment.filters |= {"short": short, "percent": lambda x: f"{100 * x:.1f} %"}
    return environment.get_template(template).render(values)


def address(content, suffix):
    """An image file's content as an address that holds it."""
    return f"data:{TYPES[suffix]};base64,{base64.b64encode(content).decode()}"


def short(x):
    """A number as a person says it: 34,048, 2.53, 7·10⁻¹⁰."""
    if x == 0:
        return "0"
    if abs(x) >= 100:
        return f"{x:,.0f}"
    if abs(x) >= 1e-3:
        return f"{x:.3g}"
    mantissa, exponent = f"{x:.0e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
