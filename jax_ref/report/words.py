"""Findings in words: the causes first, and what follows from them on one line at the end."""

from ..measure.quantities import Quantity, quantity

_EARLY = ["inputs", *(q for q in Quantity if q.order == 0 or q.is_first)]  # told before all others, in this order
EVENTS = ("error", "timeout", "crashed")  # what such a finding says needs no title


def told(findings, beside_cpu=()):
    """The lines that say what is wrong, here and beside the CPU's answer: a list, with notes indented by two spaces."""
    return _told(findings) + [f"beside JAX on the CPU, {line}" for line in _told(beside_cpu)]


def _told(findings):
    whats = {finding.what for finding in findings}
    following = sorted(what for what in whats if follows(what, whats))
    causes = [finding for finding in findings if finding.what not in following]
    lines = [line for finding in sorted(causes, key=_rank) for line in described(finding)]
    return lines + ([f"and so: {', '.join(following)}"] if following else [])


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
