"""The chapters as pages: each is run, cell by cell, and shown with what came out. They need no network."""

import contextlib
import io
import re
from html import escape
from itertools import count
from pathlib import Path
from typing import NamedTuple

import jinja2
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from .chapters import CHAPTERS
from .mathml import mathml, split
from .notebook import cells_of
from .show import shown


class Ran(NamedTuple):
    """A cell that has run: what it printed, and the figures that it showed."""

    cell: object
    printed: str = ""
    figures: tuple = ()


def run(path):
    """Run a script cell by cell; returns each cell with what came out, and the names that the script leaves.

    What a cell raises is raised.
    """
    names, ran = {"__name__": "__main__", "__file__": str(path)}, []
    for cell in cells_of(Path(path).read_text(encoding="utf-8")):
        if cell.kind == "markdown":
            ran.append(Ran(cell))
            continue
        code = compile("\n" * cell.line + cell.source, str(path), "exec")  # at the lines where it stands in the file
        with shown() as figures, contextlib.redirect_stdout(printed := io.StringIO()):
            exec(code, names)
        ran.append(Ran(cell, printed.getvalue(), tuple(figures)))
    return ran, names


def pages(folder, chapters=CHAPTERS):
    """Write the lesson into a folder, which is made: a page per chapter, the first one ``index.html``; their paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for chapter in chapters:
        ran, _ = run(chapter.path)
        (folder / chapter.page).write_text(page(ran, chapter, chapters), encoding="utf-8")
        written.append(folder / chapter.page)
    return written


def page(ran, chapter, chapters=CHAPTERS):
    """The text of the page of a chapter that has run, beside the pages of all ``chapters``."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True)
    place, numbers = chapters.index(chapter), count()
    return environment.get_template("page.html.j2").render(
        blocks=[_block(one, numbers) for one in ran],
        chapter=chapter,
        chapters=chapters,
        before=chapters[place - 1] if place else None,
        after=chapters[place + 1] if place + 1 < len(chapters) else None,
        notebook=f"{chapter.path.stem}.ipynb",
    )


def _block(ran, numbers):
    kind, source, _ = ran.cell
    if kind == "markdown":
        return {"kind": kind, "html": prose(source)}
    figures = [
        {
            "pictures": [_inline(svg, next(numbers), caption, 380 if pictures[1:] else 640) for svg in pictures],
            "caption": caption,
        }
        for pictures, caption in ran.figures
    ]
    code = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    return {"kind": kind, "html": code, "printed": ran.printed.rstrip("\n"), "figures": figures}


def prose(text):
    """Markdown with formulas, as HTML."""
    formulas, plain = [], ""
    for kind, part in split(text):
        if kind:
            formulas.append(mathml(part, block=kind == "$$"))
            part = f"\ue000{len(formulas) - 1}\ue001"  # which Markdown leaves alone
        plain += part
    html = MarkdownIt("commonmark").enable("table").render(plain)

    def formula(found):  # with the point after it, which would begin a line by itself
        shown = formulas[int(found[1])]
        return f'<span class="whole">{shown}{found[2]}</span>' if found[2] else shown

    return re.sub("\ue000([0-9]+)\ue001([.,;:)]*)", formula, html)


def _inline(svg, number, caption, widest):
    """An SVG to stand within a page: black is the colour of its text, and names are of this picture alone.

    ``widest``: of how many pixels it is at most.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="([^"]*)"', rf' id="p{number}-\1"', svg)
    svg = re.sub(r'(xlink:href="|url\()#', rf"\1#p{number}-", svg).replace("xlink:href", "href")
    svg = re.sub(r"#000000|\bblack\b", "currentColor", svg)
    width = min(1.35 * float(re.search(r'viewBox="0 0 ([0-9.]+)', svg)[1]), widest)
    head = f'<svg role="img" aria-label="{escape(caption)}" style="width:{width:.0f}px"'
    return re.sub(r'<svg( xmlns:\w+="[^"]*")?( width="[^"]*")?( height="[^"]*")?', head, svg, count=1)
