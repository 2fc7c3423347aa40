"""The lesson, and exercises that grade themselves: a student's folder, and the verdict on it by comparison with JAX.

``chapters`` are the lesson as percent scripts, which ``show`` their figures; ``notebook`` makes Jupyter notebooks of
them, which lie in ``notebooks``, and ``page`` runs them and writes what comes out, with formulas by ``mathml``.
``results`` are the numbers that the page of results shows as well.

``tasks`` says what is asked and ``properties`` by what it is judged, ``solutions`` are what the blanks are made from,
``start`` writes folders for students, ``answer`` runs a student's code on ``programs`` in a process of its own and
sends back numbers only, and ``grade`` compares them with JAX's, which is the answer key: so there is nothing to hide.
``diagnosis`` says what a wrong answer means: one of the ``mistakes`` often made, known by its numbers, or another.
JAX is imported when something is graded, and never in the process of a student's code.
"""

from .grade import graded, here
from .show import chart, show
from .start import notebooks, start
from .tasks import TASKS

__all__ = ["TASKS", "chart", "graded", "here", "notebooks", "show", "start"]
