"""Figures of the lesson, wherever it runs: in a notebook, on a page, or as a plain script."""

import contextlib
import io
import sys
from contextvars import ContextVar
from typing import NamedTuple

_page = ContextVar("_page", default=None)


class Shown(NamedTuple):
    """Pictures that stand side by side where there is room, each the text of an SVG, and what they show."""

    pictures: tuple
    caption: str


def show(*figures, caption=""):
    """Show Matplotlib figures, with what there is to see in them; a plain script shows nothing."""
    if (page := _page.get()) is not None:
        page.append(Shown(tuple(map(_svg, figures)), caption))
    elif "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.display import SVG, Markdown, display

        display(*(SVG(_svg(figure)) for figure in figures), Markdown(f"*{caption}*"))


def chart(title="", width=4.2, height=2.9):
    """A figure with one pair of axes, of a size at which a phone shows its text as large as the page's; both."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_title(title, fontsize=11)
    return figure, axes


@contextlib.contextmanager
def shown():
    """The list of what is shown meanwhile."""
    token = _page.set(found := [])
    try:
        yield found
    finally:
        _page.reset(token)


def _svg(figure):
    import matplotlib

    about = {"Date": None, "Creator": None}
    for points in (points for axes in figure.axes for points in axes.collections):
        points.set_rasterized(len(points.get_offsets()) > 200)  # as one image, which is smaller
    with matplotlib.rc_context({"svg.hashsalt": "scratch-ad"}):  # the same figure, the same text
        figure.savefig(written := io.StringIO(), format="svg", metadata=about, transparent=True, dpi=110)
    return written.getvalue()
