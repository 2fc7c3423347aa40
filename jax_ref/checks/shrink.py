"""The smallest case that is still wrong."""

import contextlib
import time

import numpy as np
import optree
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from .lines import listed
from .parts import is_moving

SHRINKING = 3.0  # seconds of computing for the search for a smaller case
SIMPLE = (1.0, 2.0, 0.5, -1.0, 3.0, 0.0)  # what it tries for each number, the simplest first


def shrunk(args, found, whats):
    """The simplest arguments that are still wrong in one of these quantities, and what is wrong there first.

    ``found(args, answer)``: what is wrong at other arguments, what is excused, and the ``answer`` for their shapes.
    """
    start, known = time.process_time(), {}

    def wrong(args, answer=None):
        """The first finding of these kinds and the answer that goes with the shapes; None if there is none."""
        key = listed(args)
        if key not in known:
            known[key] = None
            if time.process_time() - start < SHRINKING:
                try:
                    left, _, answer = found(args, answer)
                except Exception:  # the function does not take these shapes or numbers
                    return None
                known[key] = next(((f, answer) for f in left if f.what in whats), None)
        return known[key]

    best, first = args, None
    lengths = {n for x in optree.tree_leaves(args) for n in np.shape(x)}
    for most in (m for m in (1, 2, 3) if m < max(lengths, default=0)):
        smaller = optree.tree_map(lambda x, most=most: x[(slice(most),) * np.ndim(x)] if np.ndim(x) else x, args)
        if first := wrong(smaller):
            best = smaller
            break
    first = first or wrong(args)
    if not first:
        return args, None
    leaves, spec = optree.tree_flatten(best)
    strategy = st.tuples(*map(_simpler, leaves))
    still = lambda leaves: wrong(optree.tree_unflatten(spec, list(leaves)), first[1]) is not None
    options = settings(
        max_examples=50, database=None, derandomize=True, deadline=None, suppress_health_check=HealthCheck
    )
    with contextlib.suppress(NoSuchExample):
        best = optree.tree_unflatten(spec, list(find(strategy, still, settings=options)))
    return best, (wrong(best) or first)[0]


def _simpler(x):
    """Arrays like ``x`` of simple numbers and of its own; large ones all of one number."""
    if not is_moving(x):
        return st.just(x)
    x = np.asarray(x)
    if np.size(x) > 8:
        return st.sampled_from([*(np.full_like(x, n) for n in SIMPLE), x])
    numbers = st.tuples(*(st.sampled_from((*SIMPLE, n)) for n in np.ravel(x)))
    return numbers.map(lambda numbers: np.asarray(numbers, x.dtype).reshape(x.shape)[()])
