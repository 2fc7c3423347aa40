"""Times of several things in one run, interleaved, so that a slow moment of the machine meets all alike."""

import time

import numpy as np


def interleaved(runs, rounds, slice_seconds=2e-3, wait=lambda result: None, until=float("inf")):
    """Seconds per call of each run, a dictionary of functions: one number per round.

    Each repeats its call to fill a slice of time. ``wait`` is given the last result of a slice and returns when that is
    there: a device that is given several calls works on while the next is written. ``until``: the time, by
    ``time.monotonic``, after which no further round begins; there is always one.
    """
    for run in runs.values():
        wait(run())  # compiles, where anything does
    seconds = {name: [] for name in runs}
    repeats = {name: max(1, round(slice_seconds * 5 / _slice(run, 5, wait))) for name, run in runs.items()}
    for done in range(rounds):
        if done and time.monotonic() > until:
            break
        for name, run in runs.items():
            seconds[name].append(_slice(run, repeats[name], wait) / repeats[name])
    return {name: np.array(s) for name, s in seconds.items()}


def _slice(run, repeats, wait):
    start = time.perf_counter()
    for _ in range(repeats):
        result = run()
    wait(result)
    return time.perf_counter() - start
