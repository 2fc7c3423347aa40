"""``pytest --ad-rules``: what happens in a test session, in the processes of pytest-xdist too."""

import datetime
import fnmatch
import shlex

import pytest

from .watch import RECORD, Rule

_SENT = "ad_rules"  # from a process of pytest-xdist
_RANK = ("unchecked", "right", "wrong")


class RulesSession:
    """The hooks that note which test runs, check what was called after the last one, and report it."""

    def __init__(self, config, watch):
        self.config, self.watch, self.allowed = config, watch, (config.option.ad_rules_allow or [])
        self.verdicts, self.tests, self.count = {}, {}, 0  # by rule and derivative, in plain types
        self.problem = ""

    def pytest_runtest_logstart(self, nodeid):
        self.watch.test = nodeid
        self.count += 1

    def pytest_runtest_logfinish(self):
        self.watch.test = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session, exitstatus):
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
            self._check()
        else:
            self.problem = "none is checked, as the run was broken off"
            self.watch.paused = True
        if hasattr(self.config, "workerinput"):
            sent = [*self.verdicts.values()], [[*rule, *map(str, tests)] for rule, tests in self.tests.items()]
            self.config.workeroutput[_SENT] = sent
            return
        self._leave_record()
        if self.wrong() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        """Take what a process of pytest-xdist has found, which may know the same rules."""
        verdicts, tests = getattr(node, "workeroutput", {}).get(_SENT, ([], []))
        for found in verdicts:
            self._add(found)
        for row in tests:
            self.tests.setdefault(Rule(*row[:5]), set()).update(row[5:])

    def _check(self):
        noted = self.watch.noted
        self.tests = {rule: of.tests | self.tests.get(rule, set()) for rule, of in noted.items()} | {
            rule: tests for rule, tests in self.tests.items() if rule not in noted
        }
        if not noted:
            return
        self.watch.flush()
        from .verdicts import verdicts  # imports JAX

        for rule, of in sorted(noted.items()):
            for verdict in verdicts(rule, of, self.watch, _rerun):
                self._add(verdict.plain())

    def _add(self, found):
        rule = Rule(*found["rule"]), found["derivative"]
        other = self.verdicts.get(rule)
        if other is None or _RANK.index(found["status"]) > _RANK.index(other["status"]):
            self.verdicts[rule] = found

    def _leave_record(self):
        cache = getattr(self.config, "cache", None)
        if cache is None:
            self.problem = self.problem or "no record is left for `scratch-ad rules`, as pytest has no cache"
            return
        rules = [[*rule, *sorted(filter(None, tests))] for rule, tests in sorted(self.tests.items())]
        when = datetime.datetime.now().isoformat(" ", "minutes")
        cache.set(RECORD, {"when": when, "tests": self.count, "rules": rules})

    # The report

    def on_purpose(self, rule):
        return any(fnmatch.fnmatchcase(f"{rule.module}.{rule.name}", pattern) for pattern in self.allowed)

    def wrong(self):
        return [v for (rule, _), v in self.verdicts.items() if v["status"] == "wrong" and not self.on_purpose(rule)]

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("custom rules")
        counts, places = {}, [rule for rule, _ in self.verdicts]
        wrong_last = lambda item: (item[1]["status"] == _RANK[-1], item[0])
        for (rule, derivative), found in sorted(self.verdicts.items(), key=wrong_last):
            status = found["status"]
            if status == "wrong" and self.on_purpose(rule):
                status = "on purpose"
            counts[status] = counts.get(status, 0) + 1
            color = {"right": {"green": True}, "wrong": {"red": True}}.get(status, {"yellow": True})
            terminalreporter.write(f"{status:<11}", **color)
            which = f", derivative at {derivative}" if derivative and places.count(rule) > 1 else ""
            terminalreporter.write(f"{rule}{which}{_said(found)}\n")
            if status == "wrong":
                terminalreporter.write_line("\n".join(f"    {line}" for line in found["words"].splitlines()))
        counted = ", ".join(f"{n} {status}" for status, n in sorted(counts.items())) or "no custom rule was called"
        terminalreporter.write_line(f"ad: {counted}{f'; {self.problem}' if self.problem else ''}")


def _said(found):
    """What is told of a rule on its line."""
    calls, random, notes = found["calls"], found["random"], [*found["notes"]]
    parts = [f"{calls} call{'s' * (calls != 1)}"] if calls else []
    if random:
        parts.append(
            "random numbers for those that are not known" if random == calls else f"{random} with random numbers"
        )
    if found["status"] == "unchecked":
        parts.append(found["words"])
    return f": {'; '.join([*parts, *notes])}" if parts or notes else ""


def _rerun(test):
    return shlex.join(["pytest", "--ad-rules", test]) if test else ""
