"""Which steps differ from JAX's, and who is to blame.

A step is suspected where what leaves it is further apart than what enters: values and tangents going forward, and
going back what it contributes to each argument, not the adjoint, in which others' faults meet. The suspected call is
then checked by itself as the suite checks any function, at the numbers of the trace: tolerances are measured there, and
the referee is asked.
"""

import math

import numpy as np

from scratch_ad.tracer import name_of
from scratch_ad.tracing.table import results
from scratch_ad.tracing.trace import Difference
from scratch_ad.tree import flatten

from ..engines.ready import OURS
from ..measure.derivatives import Problem, references
from ..measure.quantities import FIRST, VALUES
from ..measure.tolerances import NORMWISE, ULPS
from ..measure.vectors import vectors
from ..referee.judge import examined

GROWS = 1000  # times that a step may enlarge what comes in, before it is suspected
_QUIET = 2.0**12  # units in the last place that a row may differ in by rounding alone, before it is marked


def differences(made):
    """The ``Difference``s of a trace beside JAX, forward and then back."""
    said, found = {}, []
    numbers = {x.place: (x, made.beside_inputs[x.place]) for x in made.inputs}

    def ask(step, what, ours, theirs, formula=""):
        if step.number not in said:
            said[step.number] = _asked(step, {at: x for at, (x, _) in numbers.items()})
        blamed, verdict, hint = said[step.number]
        if blamed:
            place = step.position.file, step.position.line
            found.append(Difference(step.number, step.text, what, ours, theirs, blamed, verdict, hint, formula, *place))

    entering = {}
    for step in made.steps:
        beside = made.beside.get(step.number)
        if beside is None or not beside.operations:
            for y in step.outputs:
                numbers[y.place] = y, None
            continue
        entered = max((entering.get(at, 0.0) for at in step.parents), default=0.0)
        several = len(step.outputs) > 1
        for k, y in enumerate(step.outputs):
            value, tangent = ((t[k] if several else t) for t in (beside.value, beside.tangent))
            numbers[y.place] = y, None
            left = apart(y.value, value), 0.0 if y.tangent is None else apart(y.tangent, tangent)
            entering[y.place] = max(left)
            for what, distance in zip(("value", "tangent"), left, strict=True):
                if _suspect(distance, entered, y.value):
                    ask(step, what, *((y.value, value) if what == "value" else (y.tangent, tangent)))
                    break
    for step in reversed(made.steps):
        beside = made.beside.get(step.number)
        if beside is None or not beside.operations or made.error:
            continue
        of_adjoints = _pairs(results(step, "adjoint"), beside.adjoint)
        entered = max([entering.get(at, 0.0) for at in step.parents] + [apart(*pair) for pair in of_adjoints])
        for place in step.parents:
            edges = [edge for edge in step.edges if edge.place == place]
            if not edges and place not in beside.contributions:
                continue
            total = sum(edge.contribution for edge in edges) if edges else np.zeros(())
            theirs = beside.contributions.get(place, np.zeros_like(total))
            if not edges:
                total = np.zeros_like(theirs)
            if _suspect(apart(total, theirs), entered, total):
                label = numbers[place][0].label
                ask(step, f"contribution to {label}", total, theirs, ", ".join(dict.fromkeys(e.formula for e in edges)))
    return found


def marks(made):
    """Note beside each step and input which of its numbers differ."""
    for x in made.inputs:
        _mark(made.beside_inputs[x.place], x.value, x.tangent, x.adjoint)
    for step in made.steps:
        if (beside := made.beside.get(step.number)) and beside.operations and step.outputs:
            _mark(beside, *(results(step, what) for what in ("value", "tangent", "adjoint")))


def _mark(beside, *numbers):
    for what, ours in zip(("value", "tangent", "adjoint"), numbers, strict=True):
        pairs = _pairs(ours, getattr(beside, what))
        if any(apart(*pair) > _QUIET * _eps(pair[0]) for pair in pairs if pair[0] is not None):
            beside.differs.add(what)


def _pairs(ours, theirs):
    return [*zip(ours, theirs, strict=True)] if isinstance(ours, tuple) else [(ours, theirs)]


def apart(a, b):
    """How far two arrays are apart, by the largest of their numbers; infinite where one has a nan and the other not."""
    if a is None or b is None:  # what nothing has arrived at is zero
        rest = a if b is None else b
        return 0.0 if rest is None or not np.any(rest) else math.inf
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return math.inf
    if a.dtype.kind not in "fc":
        return 0.0 if np.array_equal(a, b) else math.inf
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if np.all(same):
        return 0.0
    if not (np.all(np.isfinite(a[~same])) and np.all(np.isfinite(b[~same]))):
        return math.inf
    finite = np.isfinite(a) & np.isfinite(b)
    return float(np.max(np.abs(a - b)[~same]) / np.max(np.maximum(np.abs(a), np.abs(b))[finite]))


def _eps(x):
    dtype = np.asarray(x).dtype
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0


def _suspect(left, entered, like):
    return left > max(ULPS["float64"][0] * _eps(like), GROWS * entered)


def _asked(step, numbers):
    """Who is to blame for a step, "" if nobody is, the referee's verdict and the hint."""
    given, parts = [numbers[ref.place] for ref in step.refs], [y.part for y in step.outputs]

    def call(*args):
        leaves = flatten(step.again(*args))[0]
        return [leaves[k] for k in parts]

    try:
        with np.errstate(all="ignore"):
            v = vectors(call, tuple(x.value for x in given), step.text)
            v = v._replace(cotangent=[_like(y.adjoint, g) for y, g in zip(step.outputs, v.cotangent, strict=True)])
            if all(x.tangent is not None for x in given):
                v = v._replace(tangents=tuple(_like(x.tangent, x.value) for x in given))
            problem = Problem(call, v, 1, normwise=name_of(step.function) in NORMWISE)
            wrong, excused = examined(OURS, problem, references([problem])[0])
    except Exception as error:  # whatever the suite has against a call
        return "undecided", f"not asked: {error}".partition("\n")[0], ""
    told = [f for f in (*wrong, *excused) if not f.turned and f.what in (*VALUES, *FIRST)] or [*wrong, *excused]
    if not told:
        return "", "", ""
    first = told[0]
    verdict = next((f.verdict for f in told if f.verdict), "")
    hint = next((f.hint for f in told if f.hint), "")
    if not wrong:
        return ("JAX" if first.verdict.startswith("JAX is wrong") else "nobody"), verdict, ""
    return ("undecided" if verdict.startswith("undecided") else "ours"), verdict, hint


def _like(x, like):
    return np.ones_like(like) if x is None else np.asarray(x, np.result_type(like))[()]
