"""A checker of rules: the judge in small."""

import numpy as np


def check_vjp(f, vjp, x):
    """Whether ``vjp(g, x)`` is the rule of ``f``, a function of one array, at ``x``: True or False.

    A right rule passes at numbers of any size; no wrong one does.
    """
    # solution
    rng = np.random.default_rng(0)
    for _ in range(3):
        g, t = rng.normal(size=np.shape(f(x))), rng.normal(size=np.shape(x))
        h = 1e-6 * max(1.0, np.max(np.abs(x)))
        #: along a random direction: g · (f(x + ht) − f(x − ht)) / 2h is vjp(g, x) · t
        expected = np.sum(g * (f(x + h * t) - f(x - h * t))) / (2 * h)
        found = vjp(g, x)
        if np.shape(found) != np.shape(x):
            return False
        scale = np.sum(np.abs(found * t)) + abs(expected)
        if not abs(np.sum(found * t) - expected) <= 1e-5 * scale:
            return False
    return True
    # end
