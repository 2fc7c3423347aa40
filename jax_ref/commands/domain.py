"""``scratch-ad check --domain``: rules over their whole domain, function by function."""

from ..checks.domain import COUNTS, stretches
from ..report.progress import Progress
from ..sweep.processes import Crew


def survey(names, dtypes, seed, jobs, timeout):
    """Look at the functions of these names in these dtypes, say what is found, and return whether all is right.

    Raises ValueError for a name or dtype that is not known.
    """
    tasks = [*stretches(names, dtypes, seed)]
    left, found, total = {}, {}, dict.fromkeys(COUNTS, 0)
    for task in tasks:
        left[task[:2]] = left.get(task[:2], 0) + 1
    units = len(left)
    with Progress() as progress, Crew(jobs, timeout) as crew:
        progress.say(f"scratch_ad over whole domains, against derivatives in many digits; seed {seed!r}")
        for task, (counts, wrong) in crew.outcomes(tasks):
            unit = task[:2]
            of_unit, all_wrong = found.setdefault(unit, (dict.fromkeys(COUNTS, 0), []))
            for status, n in counts.items():
                of_unit[status] += n
                total[status] += n
            all_wrong += wrong
            left[unit] -= 1
            if not left[unit]:
                del left[unit]
                progress.step(" ".join(unit), units - len(left), units, in_words(of_unit), of_unit["wrong"])
                if all_wrong:
                    progress.say(worst(all_wrong))
    print(in_words(total))
    return not (total["wrong"] or total["lost"])


def in_words(counts):
    return (
        ", ".join(f"{counts[status]} {words}" for status, words in COUNTS.items() if counts[status]) or "nothing asked"
    )


def worst(wrong):
    """The one that is off most, with the line that asks for it again."""
    w = max(wrong, key=lambda w: w.off)
    derivative = f"∂{'²' * (len(w.modes) - 1)}/∂{'abcd'[w.argument]}{'²' * (len(w.modes) - 1)}"
    of_output = f" of output {w.output}" if w.output else ""
    return (
        f"    worst: {derivative}{of_output} at ({', '.join(w.point)}) is {w.got} in {' over '.join(w.modes[::-1])}, "
        f"true {w.truth}\n    rerun: python -c '{w.line}'"
    )
