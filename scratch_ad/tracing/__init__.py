"""One evaluation of a function, step by step: ``trace(f, *args)``.

``recording`` runs it on an observed tape and keeps all; ``trace`` is what users get; ``formulas`` reads the rules in
their source, ``words`` says numbers and calls shortly, ``folding`` folds loops, ``layout`` and ``graph`` draw,
``table`` prints, ``walk`` lists the frames of both sweeps, ``sources`` the text of the functions; ``page`` is the page.
Another engine's numbers can stand beside ours: ``jax_ref.tracing`` puts JAX's there.
"""

from .trace import Trace, trace

__all__ = ["Trace", "trace"]
