"""What a long command shows while it runs: a bar on a terminal, lines elsewhere."""

import sys

from .groups import groups
from .records import FAILED, results, summary

EARLY = 10  # units after which a run that fails everywhere by one cause says so


class Progress:
    """Shows steps, each with the count of those done, of all (None: unknown) and of what was found wrong."""

    def __init__(self):
        self.done, self.total, self.wrong, self._bar = 0, 0, 0, None

    def __enter__(self):
        if sys.stdout.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
            from rich.table import Column

            name = TextColumn("{task.description}", markup=False, table_column=Column(width=30, no_wrap=True))
            wrong = TextColumn("{task.fields[wrong]} wrong")
            columns = name, BarColumn(bar_width=None), MofNCompleteColumn(), wrong, TimeElapsedColumn()
            self._bar = Progress(*columns, transient=True, expand=True).__enter__()
            self._task = self._bar.add_task("starting", total=None, wrong=0)
        return self

    def __exit__(self, *error):
        if self._bar:
            self._bar.__exit__(*error)

    def say(self, words):
        if self._bar:
            self._bar.console.print(words, markup=False, highlight=False, soft_wrap=True)
        else:
            print(words, flush=True)

    def begin(self, done, total):
        """Take up at ``done`` of ``total``."""
        self.done, self.total = done, total
        if self._bar:
            self._bar.update(self._task, completed=done, total=total)

    def step(self, name, done, total=None, words="", wrong=0):
        """Move on; ``words`` tell what was found, and are kept in sight if any of it is wrong."""
        self.done, self.total, self.wrong = done, total, self.wrong + wrong
        if self._bar:
            self._bar.update(self._task, description=name, completed=done, total=total, wrong=self.wrong)
        if not self._bar or wrong:
            of = f"/{total}" if total else ""
            self.say(f"{done}{of} {name}{': ' if words else ''}{words}")


class SweepProgress(Progress):
    """Takes what a sweep has done."""

    def __call__(self, records, done, total):
        if "unit" not in records[0]:
            self._header, self._first = records[0], []
            self.begin(done, total)
            where, _, versions = summary(self._header).partition("; ")
            self.say(f"{self._header['engine']} {where}\n{versions}")
            if done:
                self.say(f"resumed: {done} of {total} there already")
            return
        counts = results([self._header, *records])[0].counts()
        self.step(" ".join(records[0]["unit"]), done, total, counts, sum(counts[status] for status in FAILED))
        if len(self._first) < EARLY < total:
            self._first.append(records)
            if len(self._first) == EARLY:
                self._forewarn()

    def _forewarn(self):
        """Say so if all that the engine was asked fails by one cause, so that one may stop it."""
        found = results([self._header, *(record for records in self._first for record in records)])[0]
        if len(causes := groups(found)) == 1 and not found.counts()["right"]:
            (group,) = causes
            at = f"; raised at {group.at}" if group.at else ""
            self.say(f"of {EARLY} units none is right, by one cause{at}; Ctrl-C stops\n    {group.title}")
