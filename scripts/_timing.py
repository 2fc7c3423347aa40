"""Times of several things in one run, interleaved, so that a slow moment of the machine meets all alike."""

import contextlib
import gc
import itertools
import os
import time
import tracemalloc

import numpy as np
from _tables import Figure


def on_one_core():
    """Leave this process one core, where the system lets us: to be called before JAX or PyTorch make their threads.

    Else small programs of XLA's wait for another thread to wake, for as long as they take or three times that, and the
    time that its threads spend waiting counts as well, against it or against what runs next.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def interleaved(
    runs, rounds, slice_seconds=2e-3, wait=lambda result: None, until=float("inf"), clock=time.perf_counter
):
    """Seconds per call of each run, a dictionary of functions: one number per round.

    Each repeats its call to fill a slice of time, after a call that does not count, so that the processor's caches hold
    what is timed, and not what ran before; before a long call there is none. ``wait`` is given the last result of a
    slice and returns when that is there: a device that is given several calls works on while the next is written.
    ``until``: the time, by ``time.monotonic``, after which no further round begins; there is always one. ``clock``:
    what tells the seconds.
    """
    for run, _ in itertools.product(runs.values(), range(3)):
        wait(run())  # compiles, where anything does: ours records at the first call, writes its source at the second
    seconds = {name: [] for name in runs}
    with few_collections():
        repeats = {name: _repeats(run, slice_seconds, wait, clock) for name, run in runs.items()}
        short = {name for name, run in runs.items() if _slice(run, 1, wait, clock) < 10 * slice_seconds}
        for done in range(rounds):
            if done and time.monotonic() > until:
                break
            for name, run in runs.items():
                if name in short:
                    wait(run())
                seconds[name].append(_slice(run, repeats[name], wait, clock) / repeats[name])
    return {name: np.array(s) for name, s in seconds.items()}


@contextlib.contextmanager
def few_collections():
    """Collections of what is new alone: else they go through all that the packages compared hold, when chance will."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _repeats(run, slice_seconds, wait, clock):
    """How often to call ``run`` to fill a slice: once, where one call does."""
    if _slice(run, 1, wait, clock) >= slice_seconds:
        return 1
    return max(1, round(slice_seconds * 5 / (_slice(run, 5, wait, clock) or slice_seconds)))  # or a coarse clock


def _slice(run, repeats, wait, clock):
    start = clock()
    for _ in range(repeats):
        result = run()
    wait(result)
    return clock() - start


def timer(rounds, limit):
    """A function that gives the CPU seconds of runs, interleaved: so many rounds, fewer where ``limit`` seconds pass.

    CPU time is that of all threads, and what else the machine does counts little in it.
    """
    return lambda runs: interleaved(runs, rounds, until=time.monotonic() + limit, clock=time.process_time)


def compared(ours, theirs, aim=None):
    """Ours ÷ theirs: the ratio of the medians, and the quartiles of the ratios within each round."""
    return Figure(float(np.median(ours) / np.median(theirs)), *_quartiles(ours / theirs), aim)


def taken(seconds, aim=None):
    """The median time, and its quartiles."""
    return Figure(float(np.median(seconds)), *_quartiles(seconds), aim, "seconds")


def _quartiles(numbers):
    """None of what was measured but once or twice."""
    return map(float, np.percentile(numbers, [25, 75])) if len(numbers) > 2 else (None, None)


def held(ours, theirs, aim=None):
    """Ours ÷ theirs of memory, to a hundredth: what Python's own objects take is no matter."""
    return Figure(round(ours / theirs, 2), aim=aim)


def once(run, *arguments):
    """The CPU seconds of a single call, as of one that records or compiles; and its result."""
    start = time.process_time()
    result = run(*arguments)
    return time.process_time() - start, result


def peak_memory(run):
    """The most bytes that NumPy and Python held at once during a call, beyond what they held before."""
    run()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
