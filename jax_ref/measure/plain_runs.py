"""What plain runs say of a derivative: extrapolated differences, a witness that needs no derivative of anybody's.

One number, ⟨g, J t⟩, stands for all elements, as tangents and cotangents are drawn at random. It is good to some six
digits: enough to suspect a derivative, and to see which of two is far off.
"""

from typing import NamedTuple

import numpy as np
import optree

from .derivatives import inner
from .extrapolation import SPARSE, central
from .quantities import Quantity
from .tolerances import ULPS, Finding, differences
from .values import plainly, value_findings
from .vectors import coarsest_dtype

STEPS = 2.0**-6 / SPARSE ** np.arange(7)
AGREED = 1e-5  # of the sum of all terms


class Slope(NamedTuple):
    """⟨g, J t⟩ by differences, and how far from that the true one may be."""

    value: float
    error: float


def slope(problem):
    """The ``Slope`` of a problem's function along its tangents, in double precision; of infinite error if none."""
    v = problem.vectors
    primals, tangents = (optree.tree_map(_double, tree) for tree in (v.primals, v.tangents))
    cotangent = [*map(_double, optree.tree_leaves(v.cotangent))]

    def along(h):
        moved = optree.tree_map(lambda x, t: np.asarray(x + h * t)[()], primals, tangents)
        return inner(cotangent, list(map(_double, optree.tree_leaves(plainly(problem.function, moved)))))

    with np.errstate(all="ignore"):
        try:
            start, after, before = (np.array([along(h) for h in side]) for side in ((0.0,), STEPS, -STEPS))
        except Exception:  # of a function that takes no double precision, or is not defined beside the point
            return Slope(0.0, np.inf)
        value, error, _ = central(STEPS, start[0], after, before, np.finfo(float).eps * np.abs(start[0]))
    return Slope(float(value), float(error)) if np.isfinite(value) else Slope(0.0, np.inf)


def _double(x):
    x = np.asarray(x)
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)[()]


def beside_plain_runs(engine, problem, modes, scale=0.0):
    """What plain runs alone say of an engine's value and first derivatives: findings, and the modes under suspicion.

    ``scale``: of the numbers that values are sums of, where these may cancel. A finding is a value that is not the
    plain run's, or a container, shape or dtype that a derivative cannot have.
    """
    f, v = problem.written or problem.function, problem.vectors
    plain = plainly(problem.function, v.primals)
    values, got, pullback = {}, {}, None
    half = float(np.sqrt(np.finfo(coarsest_dtype((v.primals, plain))).eps))
    with np.errstate(all="ignore"):
        if engine.call:
            values[Quantity.VALUE] = engine.call(f, *v.primals)
        if engine.jvp and "fwd" in modes:
            values[Quantity.VALUE_OF_JVP], got[Quantity.JVP] = engine.jvp(f, v.primals, v.tangents)
        if engine.vjp and "rev" in modes:
            values[Quantity.VALUE_OF_VJP], pullback = engine.vjp(f, *v.primals)
        found = [
            finding
            for what, value in values.items()
            for finding in value_findings(
                engine, what, value, plain, plain, optree.tree_map(lambda y: _half(y, scale, half), plain), None
            )
        ]
        if found:
            return found, ()
        if pullback:
            got[Quantity.VJP] = pullback(v.cotangent)
    for what, derivative in got.items():
        like = plain if what is Quantity.JVP else v.primals
        found += [Finding(what, what.mode, d) for d in differences(derivative, like) if d.form]
    if found:
        return found, ()
    by = slope(problem)
    return [], tuple(what.mode for what in got if _far(what, got[what], problem, by))


def _half(y, scale, share):
    """The condition that allows for this share of the largest number: half the digits of the coarsest dtype."""
    dtype = np.result_type(y)
    return float(np.max(np.abs(y), initial=scale)) * share / (ULPS[dtype.name][0] * float(np.finfo(dtype).eps))


def _far(what, got, problem, by):
    """Whether a first derivative is far from the slope by differences."""
    v = problem.vectors
    got, other = (optree.tree_leaves(x) for x in (got, v.cotangent if what is Quantity.JVP else v.tangents))
    if not all(np.all(np.isfinite(x)) for x in got):
        return bool(np.isfinite(by.error))
    mine, terms = inner(got, other), inner([*map(np.abs, got)], [*map(np.abs, other)])
    eps = max((float(np.finfo(np.result_type(x)).eps) for x in (*got, *other)), default=0.0)
    close = max(AGREED, 4 * float(np.sqrt(eps))) * (terms + abs(by.value))
    return abs(mine - by.value) > close + 10 * by.error
