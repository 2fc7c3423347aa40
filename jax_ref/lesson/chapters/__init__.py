"""The lesson: percent scripts, which are run and shown, not imported.

They stand here and not in ``scratch_ad.intro``, whose functions they use, since each idea is told twice, by hand and by
JAX, and ``scratch_ad`` never imports JAX. ``notebooks`` beside this folder holds them as Jupyter notebooks, without
outputs, as ``python -m jax_ref.lesson.chapters`` writes them; pages with the outputs are made when they are asked for.
"""

from pathlib import Path
from typing import NamedTuple

from ..notebook import cells_of, notebook

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


class Chapter(NamedTuple):
    """A chapter: the name of its script, and its title."""

    name: str
    title: str

    @property
    def path(self):
        return Path(__file__).parent / f"{self.name}.py"

    @property
    def page(self):
        return "index.html" if self == CHAPTERS[0] else f"{self.name.split('_', 2)[2]}.html"

    @property
    def notebook(self):
        """The text of the chapter as a notebook, without outputs."""
        return notebook(cells_of(self.path.read_text(encoding="utf-8")))


CHAPTERS = [
    Chapter("chapter_0_notebook", "Intro to automatic differentiation"),
    Chapter("chapter_1_steps", "How small a step? And a step that may be tiny"),
    Chapter("chapter_2_sharing", "Why expressions explode and programs do not"),
    Chapter("chapter_3_nesting", "A derivative inside a derivative"),
    Chapter("chapter_4_kinks", "Kinks: where everybody has an opinion"),
    Chapter("chapter_5_complex", "Complex numbers"),
    Chapter("chapter_6_nan", "When a gradient is nan, and need not be"),
    Chapter("chapter_7_memory", "Remember less, compute again"),
    Chapter("chapter_8_sparse", "Jacobians that are mostly zeros"),
    Chapter("chapter_9_compile", "What compiling does to a program"),
]
