"""Findings in words: the causes first, and what follows from them on one line at the end."""

_FIRST = ("value", "value of jvp", "value of vjp", "jvp", "vjp")
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
    if what in ("jvp along a combination", "vjp along a combination", "vjp of twice"):
        return what[:3] in whats
    return what.startswith(("jvp of ", "vjp of ")) and not whats.isdisjoint(("jvp", "vjp"))


def described(finding):
    """The lines for one finding: the cotangents are those of arguments."""
    difference = finding.difference
    place = difference.place
    if place and finding.what.startswith(("vjp", "jvp of vjp")) and not finding.what.endswith("in the cotangent"):
        place = f"argument {place[1:].replace(']', '', 1)}"
    where = " ".join(filter(None, (place, str(list(difference.index)) if difference.index else "")))
    title = "" if finding.what in EVENTS else f"{finding.what}{f', {where}' if where else ''}: "
    notes = [f"  {label}: {note}" for label, note in (("hint", finding.hint), ("referee", finding.verdict)) if note]
    return [f"{title}{difference.problem}", *notes]


def _rank(finding):
    return _FIRST.index(finding.what) if finding.what in _FIRST else len(_FIRST)
