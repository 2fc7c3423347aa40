"""The frames of the walk, forward and back: what the page goes through one by one.

start                  the inputs are known
forward                one step, its value and tangent
seed                   the adjoint of a result
edge                   what a step gives back to one of its arguments
add                    … is added to what has arrived there before: a number used more than once
end                    all is known

skip                   steps left out, on the ``way`` forward or reverse; what ``arrived`` at numbers that are not
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
            said = {"held": number(entry.held), "new": number(entry.contribution), "adjoint": number(entry.total)}
            found.append(frame | {"kind": "add", "step": entry.step} | said)
    return [*found, {"kind": "end"}]


def without(frames, left_out, places):
    """The frames of the steps that are not left out, with one of those that are; of places only these are known."""
    found = []
    for frame in frames:
        step, place = frame.get("step"), frame.get("place")
        if step not in left_out:
            found += [frame] * (place is None or place in places)
            continue
        way = "forward" if frame["kind"] == "forward" else "reverse"
        if not found or found[-1].get("way") != way:
            found.append({"kind": "skip", "way": way, "first": step, "last": step, "arrived": []})
        found[-1]["first"], found[-1]["last"] = min(step, found[-1]["first"]), max(step, found[-1]["last"])
        found[-1]["arrived"] += [frame] * (place in places)
    return found


def _place(entry):
    return entry.place if isinstance(entry, Edge) else entry[0]


def summed(edge):
    """What was summed of a contribution because broadcasting had made it of one number, in words."""
    theirs = shape(edge.contribution)
    ours = "×".join(map(str, edge.shape))
    return "" if ours == theirs else f"summed {ours} → {theirs or 'a number'}"
