"""The page of results: one HTML file with every image inside it."""

import base64
import json

import jinja2
from _results import ROOT

TYPES = {".svg": "image/svg+xml", ".gif": "image/gif", ".png": "image/png"}


def write(folder, done, missing, settings):
    """Write ``index.html`` from the results of the scripts ``done``; returns its path."""
    loader = jinja2.FileSystemLoader(ROOT / "scripts")
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True)
    environment.filters |= {"short": short, "percent": lambda x: f"{100 * x:.1f} %"}
    page = environment.get_template("page.html.j2").render(
        results={name: json.loads((folder / name / "numbers.json").read_text()) for name in done},
        image=lambda path: _embedded(folder / path),
        settings=settings,
        missing=missing,
    )
    (folder / "index.html").write_text(page, encoding="utf-8")
    return folder / "index.html"


def _embedded(path):
    """A file as the address of an image that holds it."""
    return f"data:{TYPES[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"


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
