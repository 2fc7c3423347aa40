"""The plain run: the first witness of every check, before any derivative is looked at.

What an engine gives as the value of a function is compared with what NumPy gives: container, shape, dtype and each
number. Where the engine runs NumPy itself, nothing but the last digits may differ, as sums in another order do, and
``last_digits`` tells even these; other engines are within the tolerance.
"""

from dataclasses import replace

import jax
import numpy as np
import optree

from scratch_ad.tree import entered

from .quantities import Quantity
from .tolerances import Finding, differences

_LAST = 0.5  # of the tolerance of first derivatives: 32 units in the last place


def plainly(f, primals):
    """``f`` run on copies of its arguments that lie in memory as they do; what are JAX's arrays becomes NumPy's."""
    with np.errstate(all="ignore"):
        out = f(*lent(primals))
    return optree.tree_map(lambda x: np.asarray(x)[()] if isinstance(x, jax.Array) else x, out)


def lent(tree):
    """The same containers with copies of the arrays: a function may write into its arguments."""
    return optree.tree_map(lambda x: entered(x) if type(x) is np.ndarray else x, tree)


def alike(a, b):
    """Where the results of two runs are not the same bit for bit: a list of ``Difference``."""
    return differences(a, b, order=0, slack=0.0)


def value_findings(engine, what, got, plain, reference, condition, coarsest):
    """What is wrong with one of an engine's values, beside the ``plain`` run's.

    ``reference``: JAX's value, which is as good where the two are equal up to half the digits: XLA rounds in other
    places. ``condition`` and ``coarsest``: see ``differences``.
    """
    if engine.exact:
        if not (found := alike(got, plain)):
            return []
        largest = optree.tree_map(lambda x: _LAST * np.max(np.abs(x[np.isfinite(x)]), initial=0.0), _arrays(plain))
        found = differences(got, plain, largest, 0, _LAST)
    else:
        found = differences(got, plain, condition, 0, engine.slack, coarsest)
        if found and nearly(reference, plain) and not differences(got, reference, condition, 0, engine.slack, coarsest):
            return []
    return [_finding(engine, what, d) for d in found]


def last_digits(engine, plain, quantities):
    """Where values of an engine that runs NumPy itself are not the ``plain`` run's bit for bit, as findings."""
    values = {what: got for what, got in quantities.items() if what.order == 0 and engine.exact}
    return [_finding(engine, what, d) for what, got in values.items() for d in alike(got, plain)]


def in_words(difference):
    """What was got and what was expected, in words."""
    return difference.form or (str(difference.got), str(difference.expected))


def _finding(engine, what, d):
    run = {Quantity.VALUE_OF_JVP: "'s jvp", Quantity.VALUE_OF_VJP: "'s vjp"}.get(what, "")
    got, expected = in_words(d)
    words = f"f gives {expected} when run plainly, {got} under {engine.name}{run}{d.amount and f'; {d.amount}'}"
    return Finding(what, what.mode, replace(d, problem=words))


def _arrays(tree):
    return optree.tree_map(np.asarray, tree)


def nearly(a, b):
    """Whether two containers of arrays hold the same up to half the digits."""

    def of_leaf(x, y):
        digits = float(np.sqrt(np.finfo(np.result_type(y)).eps)) if np.result_type(y).kind in "fc" else 0.0
        return np.shape(x) == np.shape(y) and np.allclose(x, y, rtol=digits, atol=0, equal_nan=True)

    same = optree.tree_structure(a) == optree.tree_structure(b)
    return same and all(map(of_leaf, optree.tree_leaves(a), optree.tree_leaves(b)))
