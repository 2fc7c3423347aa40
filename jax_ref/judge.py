"""Who is right where an engine and JAX differ: the referee's verdict on first derivatives, element by element."""

from dataclasses import replace

import numpy as np
import optree

from . import referee
from .compare import ULPS, differences, tolerance
from .measure import MIXES, findings, measured, rounded

REFEREED = 64  # numbers in arguments and results, up to which the referee is asked


def examined(engine, problem, reference, modes=("fwd", "rev")):
    """All that is wrong with the engine's derivatives, and what is excused; no more than rounding is neither."""
    found = findings(engine, problem, reference, modes)
    if found:
        reference = rounded(problem, reference)
        found = findings(engine, problem, reference, modes)
    return judged(engine, problem, reference, found, modes)


def judged(engine, problem, reference, found, modes=("fwd", "rev")):
    """The findings with the referee's verdicts, and those excused because it finds the engine right.

    First derivatives are judged, element by element, at no more than ``REFEREED`` numbers. Where they are excused, so
    is what follows from them: JAX is wrong there, or there is a kink, which has no second derivative.
    """
    of_numbers = [f for f in found if f.what in ("jvp", "vjp") and f.difference.expected is not None]
    size = sum(np.size(x) for x in optree.tree_leaves([problem.vectors.primals, problem.vectors.cotangent]))
    if not of_numbers or size > REFEREED:
        return found, []
    got, _ = measured(engine, problem._replace(order=1), modes)
    told = {}
    for finding in of_numbers:
        sides = [
            _side(finding, mine[finding.what], theirs[finding.what], conditions[finding.what], problem.function, v)
            for mine, theirs, conditions, v in zip(
                got, *reference, (problem.vectors, problem.vectors.turned()), strict=True
            )
        ]
        told[finding] = next((text for text, _ in sides if text), ""), all(right for _, right in sides)
    followed = {
        "jvp along a combination": ("jvp", "linear jvp", lambda a, b: 2 * a - 3 * b),
        "vjp along a combination": ("vjp", "linear vjp", lambda a, b: 2 * a - 3 * b),
        "vjp of twice": ("vjp", "vjp of twice", lambda a, b: a + b),
    }
    for finding in found:
        of, what, combine = followed.get(finding.what, ("", "", None))
        if of and all(right for f, (_, right) in told.items() if f.what == of):
            expected = optree.tree_map(combine, got[0][of], got[1][of])
            sizes = optree.tree_map(lambda a, b: 5 * (np.abs(a) + np.abs(b)), got[0][of], got[1][of])
            if not differences(got[0][what], expected, sizes):
                told[finding] = "", any(f.what == of for f in told)
        elif finding.what.startswith(MIXES):
            told[finding] = "", bool(told) and all(right for _, right in told.values())
    new = lambda finding: replace(finding, verdict=told[finding][0]) if finding in told else finding
    excused = [new(finding) for finding in found if told.get(finding, ("", False))[1]]
    return [new(finding) for finding in found if not told.get(finding, ("", False))[1]], excused


def _side(finding, mine, theirs, condition, function, v):
    """What the referee says of the finding, empty where these are not its numbers; and whether all of mine is right."""
    what, difference = finding.what, finding.difference
    paths, leaves, _ = optree.tree_flatten_with_path(mine)
    k = ["".join(f"[{p!r}]" for p in path) for path in paths].index(difference.place)
    a, b, c = (np.asarray(x) for x in (leaves[k], optree.tree_leaves(theirs)[k], optree.tree_leaves(condition)[k]))
    its_own = a.shape == b.shape and np.array_equal(a[difference.index], difference.got, equal_nan=True)
    try:
        if what == "jvp":
            estimate = referee.jvp(function, v.primals, v.tangents)[k]
        else:
            estimate = referee.vjp(function, v.primals, _of_numbers(function, v))[k]
    except referee.Undecided as error:
        return f"undecided: {error}" if its_own else "", False
    except Exception:  # whatever comes of a function that is not plain NumPy
        return "undecided: the function does not run on numbers of high precision" if its_own else "", False
    limit = tolerance(b, c)
    unit = ULPS[b.dtype.name][0] * float(np.finfo(b.dtype).eps)
    scale = np.max(limit[np.isfinite(limit)], initial=0.0) / unit
    with np.errstate(all="ignore"):
        agree = (np.abs(a - b) <= limit) | (a == b) | (np.isnan(a) & np.isnan(b))
    right = agree | (referee.right(a, estimate, unit, scale) == True)  # noqa: E712  of True, False and None
    text = ""
    if its_own:
        who = referee.verdict(a, b, estimate, unit, scale)[difference.index]
        text = f"{_SAID[who]}; the derivative is {estimate.text()[difference.index]}"
    every = bool(np.all(right | _undefined(what, k, function, v)))
    if every and what == "vjp" and not _sums_right(leaves, function, v, unit):
        return f"{text}; each element alone is possible, but not their sum", False
    return text, every


def _sums_right(cotangents, function, v, unit):
    """Whether they are right where all move at once, as subgradients at a tie need not be; or that is a kink too."""

    def paired(*primals):
        pairs = zip(optree.tree_leaves(cotangent), optree.tree_leaves(function(*primals)), strict=True)
        return sum(np.sum(np.real(np.where(np.equal(g, 0), 0, g * y))) for g, y in pairs)

    cotangent = _of_numbers(function, v)
    along = optree.tree_map(lambda x: np.where(np.isnan(x), 0, 1).astype(np.result_type(x)), v.primals)
    terms = [np.where(t == 0, 0, np.real(c)) for c, t in zip(cotangents, optree.tree_leaves(along), strict=True)]
    total, scale = sum(map(np.sum, terms)), float(sum(np.sum(np.abs(term)) for term in terms))
    try:
        (estimate,) = referee.jvp(paired, v.primals, along)
    except referee.Undecided:
        return True
    return bool(estimate.kink) or referee.right(np.asarray(total), estimate, unit, scale)[()] is not False


_SAID = {
    "mine": "JAX is wrong, this is right",
    "theirs": "JAX is right",
    "both": "both are right",
    "neither": "neither is right",
    "undecided": "undecided",
}


def _of_numbers(function, v):
    """The cotangent, with zeros where the value is nan: a sum with that has no derivative at all."""
    with np.errstate(all="ignore"):
        return optree.tree_map(
            lambda g, y: np.where(np.isnan(y), 0, g).astype(g.dtype), v.cotangent, function(*v.primals)
        )


def _undefined(what, k, function, v):
    """Where a leaf of the derivative belongs to a nan, and so has no value that is right."""
    with np.errstate(all="ignore"):
        of = optree.tree_leaves(function(*v.primals) if what == "jvp" else v.primals)[k]
    return np.isnan(of)
