"""Who is right where an engine and JAX differ: the referee's verdict, element by element.

A difference is excused where the referee finds the engine right in all the elements that differ, be it against JAX or,
at a kink, beside it; and so is what follows from these elements, and from no others.
"""

from dataclasses import replace

import numpy as np
import optree

from ..measure.derivatives import by_own_rounding, compared, measured, step_by_step
from ..measure.quantities import FIRST, VALUES, Quantity, quantity
from ..measure.tolerances import unit
from ..measure.values import last_digits, plainly
from . import estimates

EVALUATED = 4096  # numbers in arguments and results, times the elements that are asked for one by one

SAID = {
    "mine": "JAX is wrong, this is right",
    "theirs": "JAX is right",
    "both": "both are right",
    "neither": "neither is right",
    "undecided": "undecided",
}


def examined(engine, problem, reference, modes=("fwd", "rev")):
    """All that is wrong with the engine's derivatives, and what is excused; no more than rounding is neither.

    Excused are also the last digits of values of an engine that runs NumPy itself.
    """
    quantities = measured(engine, problem, modes)
    wrong, excused = weighed(engine, problem, reference, quantities)
    if not any(finding.what in VALUES for finding in wrong):
        excused += last_digits(engine, plainly(problem.function, problem.vectors.primals), quantities[0][0])
    return wrong, excused


def weighed(engine, problem, reference, quantities):
    """All that is wrong with what was ``measured``, beside one reference, and what is excused."""
    found = compared(engine, problem, reference, quantities)
    if found:
        reference = step_by_step(problem, reference)
        found = compared(engine, problem, reference, quantities)
    if found and engine.rule:
        reference = by_own_rounding(engine, problem, reference, quantities[0])
        found = compared(engine, problem, reference, quantities)
    return judged(problem, reference, found)


def judged(problem, reference, found):
    """The findings with the referee's verdicts, and those excused because it finds the engine right."""
    judge, verdicts = _Judge(problem, reference, found), {}
    for k in sorted(range(len(found)), key=lambda k: found[k].what not in FIRST):
        verdicts[k] = judge.verdict(found[k])
    told = [(replace(finding, verdict=verdicts[k][0]), verdicts[k][1]) for k, finding in enumerate(found)]
    return once(f for f, excused in told if not excused), once(f for f, excused in told if excused)


def once(found):
    """One finding per quantity, place and kind: those of the turned vectors repeat most of the first ones."""
    seen = {}
    for finding in found:
        d = finding.difference
        seen.setdefault((finding.what, d.place, bool(d.form), d.compared is None), finding)
    return list(seen.values())


class _Judge:
    """Asks the referee about the findings of one problem; remembers which elements of first derivatives it excused."""

    def __init__(self, problem, reference, found):
        self.function, self.coarsest = problem.function, reference.coarsest
        self.vectors = problem.vectors, problem.vectors.turned()
        self.size = sum(np.size(x) for x in optree.tree_leaves([problem.vectors.primals, problem.vectors.cotangent]))
        self.excused = {}  # where, by quantity, turned and place
        self.cotangents = [_by_place(exact[Quantity.VJP]) for exact in reference.derivatives]  # mine
        for finding in found:
            if finding.what == Quantity.VJP and finding.difference.compared:
                self.cotangents[finding.turned][finding.difference.place] = finding.difference.compared.got

    def verdict(self, finding):
        """What the referee says of a finding, and whether that is excused."""
        what, turned, difference = quantity(finding.what), finding.turned, finding.difference
        if not difference.compared or not what or what.order == 0:
            return "", False
        left = difference.compared.wrong
        if what.is_first:
            text, right = self._asked(finding, left)
            self.excused[what, turned, difference.place] = right & left
            return text, bool(np.all(right[left]))
        if what.is_second:
            first = Quantity.VJP if what.of_arguments else Quantity.JVP
            left = left & ~self._known(first, turned, difference.place)
            text, right = self._asked(finding, left) if np.any(left) else ("", left)
            return text, bool(np.all(right[left]))
        for side in (False, True) if what.order == 1 else (turned,):  # made of first derivatives alone
            left = left & ~self._known(what.reference, side, difference.place)
        if np.any(left) and what.order == 2 and any(map(np.any, self.excused.values())):  # the transpose of such a one
            text, right = self._asked(finding, left, what.reference)
            return text, bool(np.all(right[left]))
        return "", not np.any(left)

    def _known(self, what, turned, place):
        return np.asarray(self.excused.get((what, turned, place), False))

    def _asked(self, finding, where, what=None):
        """The verdict on the worst of the elements at ``where`` in words, and which of them are right."""
        what, difference, v = what or quantity(finding.what), finding.difference, self.vectors[finding.turned]
        mine, theirs, limit, _ = difference.compared
        if self.size * (np.sum(where) if what.of_arguments else 1) > EVALUATED:
            return "not asked about so many numbers", np.zeros(where.shape, bool)
        shaped = _by_place(v.primals if what.of_arguments else v.cotangent)
        asked = [where if place == difference.place else np.zeros(np.shape(x), bool) for place, x in shaped.items()]
        try:
            estimate = self._estimates(what, v, asked)[[*shaped].index(difference.place)]
        except estimates.Undecided as error:
            return f"undecided: {error}", np.zeros(where.shape, bool)
        except Exception:  # whatever comes of a function that is not plain NumPy
            return "undecided: the function does not run on numbers of high precision", np.zeros(where.shape, bool)
        relative = unit((theirs.dtype, self.coarsest))
        scale = np.where(np.isfinite(limit), limit, 0) / relative
        said = estimates.right(mine, estimate, relative, scale)
        right, undecided = np.equal(said, True).astype(bool), np.equal(said, None).astype(bool)
        worst = difference.index if where[difference.index] else tuple(np.argwhere(where)[0])
        who = estimates.verdict(mine, theirs, estimate, relative, scale)[worst]
        text = f"{SAID[who]}; the derivative is {estimate.text()[worst]}"
        if what.is_second:  # at a kink there is no second derivative
            return text, right | undecided & any(map(np.any, self.excused.values()))
        right |= self._undefined(what, difference.place, v, mine)
        at_kinks = what is Quantity.VJP and np.all(right[where]) and np.any(estimate.kink[where])
        if at_kinks and not self._sums_right(finding.turned, v, relative):
            return f"{text}; each element alone is possible, but not their sum", np.zeros(where.shape, bool)
        return text, right

    def _estimates(self, what, v, asked):
        """One ``Estimate`` per leaf."""
        f, primals, cotangent = self.function, v.primals, _of_numbers(self.function, v, v.cotangent)
        if what is Quantity.JVP:
            return estimates.jvp(f, primals, v.tangents)
        if what is Quantity.VJP:
            return estimates.vjp(f, primals, cotangent, where=asked)
        if what is Quantity.JVP_OF_JVP:
            return estimates.total(
                estimates.second(f, primals, v.tangents, v.others), estimates.jvp(f, primals, v.others)
            )
        if any(map(np.iscomplexobj, optree.tree_leaves(v))):
            raise estimates.Undecided("second derivatives of complex functions")
        along = estimates.vjp(f, primals, cotangent, v.tangents, asked)
        if what is not Quantity.JVP_OF_VJP:
            return along
        return estimates.total(along, estimates.vjp(f, primals, _of_numbers(f, v, v.second), where=asked))

    def _undefined(self, what, place, v, mine):
        """Where a derivative belongs to a nan, and has no value that is right."""
        out = plainly(self.function, v.primals)
        if what is Quantity.JVP:
            return np.isnan(_by_place(out)[place])
        of_nan = any(np.any(np.isnan(y)) for y in optree.tree_leaves(out))
        return np.isnan(_by_place(v.primals)[place]) | np.isnan(mine) & of_nan

    def _sums_right(self, turned, v, relative):
        """Whether cotangents are right where all move at once, as they need not be at a tie; or that is a kink too."""

        def paired(*primals):
            pairs = zip(optree.tree_leaves(cotangent), optree.tree_leaves(self.function(*primals)), strict=True)
            return sum(np.sum(np.real(np.where(np.equal(g, 0), 0, g * y))) for g, y in pairs)

        cotangent = _of_numbers(self.function, v, v.cotangent)
        if any(map(np.any, optree.tree_leaves(optree.tree_map(np.not_equal, cotangent, v.cotangent)))):
            return True
        along = optree.tree_map(lambda x: np.where(np.isnan(x), 0, 1).astype(np.result_type(x)), v.primals)
        pairs = zip(self.cotangents[turned].values(), optree.tree_leaves(along), strict=True)
        terms = [np.where(t == 0, 0, np.real(c)) for c, t in pairs]
        total, scale = sum(map(np.sum, terms)), float(sum(np.sum(np.abs(term)) for term in terms))
        try:
            (estimate,) = estimates.jvp(paired, v.primals, along)
        except estimates.Undecided:
            return True
        return bool(estimate.kink) or estimates.right(np.asarray(total), estimate, relative, scale)[()] is not False


def _by_place(tree):
    """The leaves of a container, by their place in it."""
    paths, leaves, _ = optree.tree_flatten_with_path(tree)
    return {"".join(f"[{p!r}]" for p in path): np.asarray(x) for path, x in zip(paths, leaves, strict=True)}


def _of_numbers(function, v, cotangent):
    """The cotangent, with zeros where the value is nan: a sum with that has no derivative at all."""
    out = plainly(function, v.primals)
    with np.errstate(all="ignore"):
        return optree.tree_map(lambda g, y: np.where(np.isnan(y), 0, g).astype(g.dtype), cotangent, out)
