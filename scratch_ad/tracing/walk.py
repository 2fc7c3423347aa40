"""The frames of the walk, forward and back: what the page goes through one by one.

start                  the inputs are known
forward                one step, its value and tangent
seed                   the adjoint of a result
edge                   what a step gives back to one of its arguments
add                    … is added to what has arrived there before: a number used more than once
end                    all is known
"""

from collections import Counter

from .recording import Edge
from .words import number, shape


def frames(trace):
    """A list of dicts, each with its ``kind``; ``done``: whether all has arrived at the number."""
    found = [{"kind": "start"}, *({"kind": "forward", "step": step.number} for step in trace.steps)]
    if trace.error:
        return found
    walk, arrived = trace.recording.walk, {}
    due = Counter(_place(entry) for entry in walk)
    for entry in walk:
        place = _place(entry)
        due[place] -= 1
        frame = {"place": place, "done": due[place] == 0}
        if not isinstance(entry, Edge):
            arrived[place] = entry[1] if place not in arrived else arrived[place] + entry[1]
            found.append(frame | {"kind": "seed", "adjoint": number(arrived[place])})
            continue
        edge = {"kind": "edge", "step": entry.step, "edge": trace.steps[entry.step - 1].edges.index(entry)}
        first = entry.held is None
        adjoint = {"adjoint": number(entry.total)} if first else {}
        found.append(frame | edge | adjoint | {"done": first and frame["done"]})
        if not first:
            held, new = number(entry.held), number(entry.contribution)
            found.append(frame | {"kind": "add", "held": held, "new": new, "adjoint": number(entry.total)})
    return [*found, {"kind": "end"}]


def _place(entry):
    return entry.place if isinstance(entry, Edge) else entry[0]


def summed(edge):
    """What was summed of a contribution because broadcasting had made it of one number, in words."""
    theirs = shape(edge.contribution)
    ours = "×".join(map(str, edge.shape))
    return "" if ours == theirs else f"summed {ours} → {theirs or 'a number'}"
