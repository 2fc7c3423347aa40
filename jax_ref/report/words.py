"""Findings in words: the causes first, and what follows from them in one clause at the end."""

from ..measure.quantities import Quantity, quantity
from ..measure.tolerances import relative

_EARLY = ["inputs", *(q for q in Quantity if q.order == 0 or q.is_first)]  # told before all others, in this order
ERROR = "error"  # what a finding says is wrong where the engine, or JAX, raises something
EVENTS = (ERROR, "timeout", "crashed")  # what such a finding says needs no title


def told(findings, beside_cpu=()):
    """The lines that say what is wrong, here and beside the CPU's answer: a list, with notes indented by two spaces."""
    return _told(findings) + [f"beside JAX on the CPU, {line}" for line in _told(beside_cpu)]


def compared(modes, order, dtypes, slack=1.0):
    """What was compared and how sharply, on one line; ``order``: the highest of the derivatives, 0 where none was."""
    if not order:
        return "compared: nothing"
    first = [{"fwd": "jvp", "rev": "vjp"}[mode] for mode in modes]
    second = [f"second derivatives in {len(modes) ** 2} {'mixes' if len(modes) > 1 else 'mode'}"] if order > 1 else []
    sharp = ", ".join(f"{dtype} {relative([dtype], slack=slack):.0e}" for dtype in dtypes)
    return f"compared: {', '.join(['value', *first, *second])}; each number by itself, beyond its rounding to {sharp}"


def _told(findings):
    causes = cause(findings, lambda finding: finding.what)
    following = sorted({finding.what for finding in findings} - {finding.what for finding in causes})
    lines = [line for finding in sorted(causes, key=_rank) for line in described(finding)]
    return lines + ([_clause([quantity(what) for what in following])] if following else [])


def _clause(following):
    """What follows from other findings, in one plain clause."""
    kinds = {"sums of it": lambda q: q.order < 2, "the second derivatives": lambda q: q.order == 2}
    return f"which makes {' and '.join(kind for kind, is_it in kinds.items() if any(map(is_it, following)))} wrong too"


def cause(findings, what_of):
    """Those of the findings that nothing else that was found explains; ``what_of``: what each is about."""
    whats = set(map(what_of, findings))
    return [finding for finding in findings if not follows(what_of(finding), whats)]


def follows(what, whats):
    """Whether something else that is wrong explains it."""
    known = quantity(what)
    return bool(known) and not whats.isdisjoint(known.causes)


def described(finding):
    """The lines for one finding: the cotangents are those of arguments."""
    difference = finding.difference
    place, known = difference.place, quantity(finding.what)
    if place and known and known.of_arguments:
        place = f"argument {place[1:].replace(']', '', 1)}"
    where = " ".join(filter(None, (place, str(list(difference.index)) if difference.index else "")))
    what = Quantity.VALUE if known and known.order == 0 else finding.what
    title = "" if finding.what in EVENTS else f"{what}{f', {where}' if where else ''}: "
    notes = [f"  {label}: {note}" for label, note in (("hint", finding.hint), ("referee", finding.verdict)) if note]
    return [f"{title}{difference.problem}", *notes]


def _rank(finding):
    return _EARLY.index(finding.what) if finding.what in _EARLY else len(_EARLY)
