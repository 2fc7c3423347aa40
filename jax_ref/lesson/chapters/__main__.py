"""Write the notebooks anew, after a change of the chapters."""

from . import CHAPTERS, NOTEBOOKS

for chapter in CHAPTERS:
    (NOTEBOOKS / f"{chapter.name}.ipynb").write_text(chapter.notebook, encoding="utf-8")
