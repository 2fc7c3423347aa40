"""``scratch-ad fuzz``: random programs of an engine, for so many minutes, and what is wrong with their derivatives."""

import time

from ..fuzz.hunt import Hunt
from ..report.progress import Progress
from ..sweep import devices
from ..sweep.processes import Crew
from ..sweep.sweep import introduced

SHOWN = 8  # sentences with which an engine refuses programs


def fuzz(engine, minutes, seed, jobs, timeout, folder, fresh):
    """Look for errors of the engine of this name for so many minutes, say what is found, and return whether none is.

    Raises ValueError for an unknown engine, or a folder in which there is something else.
    """
    end = time.monotonic() + 60 * minutes
    with Progress() as progress, Crew(jobs, timeout) as crew:
        source = introduced(crew, engine, jobs)["source"]
        about = {"engine": engine, "seed": seed, "versions": devices.versions(), "source": source}
        with Hunt(folder, about, fresh) as hunt:
            _say_first(progress, hunt, about)
            for batch, answer in crew.outcomes(hunt.batches(engine, seed), end):
                new = hunt.take(batch, answer)
                words = f"{answer['programs']} programs"
                if answer["lost"]:
                    words = answer["lost"]
                progress.step(f"batch {batch.number}", len(hunt.done), None, words, len(new) + bool(answer["lost"]))
                for finding, path in new:
                    progress.say(f"{path}: {finding['words']}")
    print(_told(hunt))
    return not (hunt.findings or hunt.lost)


def _say_first(progress, hunt, about):
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    progress.say(f"random programs by {about['engine']}, seed {about['seed']!r}\n{versions}")
    if hunt.done:
        progress.say(f"resumed: {hunt.programs} programs there already")


def _told(hunt):
    refused = sum(hunt.refused.values())
    lines = [f"refused: {n} by {words}" for words, n in hunt.refused.most_common(SHOWN)]
    lines += [f"found: {finding['cause']} ({finding['what']})" for finding in hunt.findings]
    lines += [f"lost: {words}" for words in hunt.lost]
    counts = f"{hunt.programs} programs, {refused} of them refused, {len(hunt.findings)} findings"
    return "\n".join([*lines, f"{counts}, {len(hunt.lost)} batches lost"])
