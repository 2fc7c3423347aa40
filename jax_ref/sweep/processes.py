"""The processes of a sweep, which engines may crash, hang, mute and flood: who asks, and who answers.

``Crew`` hands tasks to processes, one at a time to each, and ends those that take too long or answer what is no answer.
A process is a Python of its own, in a session of its own: it gets a line of JSON per task on its standard input, and
answers by a line on what was its standard output, while what is printed there goes elsewhere. Nothing that comes back
is trusted: a task says what an answer to it is, and only one may have come when the process, asked once more, says that
this was all: an engine may have found out how to answer for it. A task that is lost in a process that others used
before is handed to a fresh one, since it may not be its own fault.
"""

import base64
import contextlib
import faulthandler
import itertools
import json
import os
import pickle
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time

from ..engines.guard import harmless

_START = "import sys; sys.path[:] = {path!r}; from jax_ref.sweep.processes import answer; answer({token!r})"
_TAIL = 8000  # bytes of what was printed last that are kept; of these are told so many lines of so many characters
_TOLD, _WIDE = 12, 160
_LARGEST = 2**26  # bytes of an answer
_PATIENCE = 2.0  # seconds until what an ended process has said must have arrived
_STARTING = 120.0  # seconds more, until a process has started
_BEGUN, _ALL = b"begun", b"that is all"


# Who asks


class Crew:
    """At most ``jobs`` processes at a time, each of which answers tasks until it is lost or this is closed."""

    def __init__(self, jobs, timeout):
        self.jobs, self.timeout = jobs, timeout
        self._idle, self._busy, self._events = [], {}, queue.SimpleQueue()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for worker in (*self._idle, *self._busy):
            worker.end()
        self._idle, self._busy = [], {}

    def prepare(self):
        """Start a process now, for a task that is still to be known."""
        self._idle.append(_Worker(self._events))

    def outcomes(self, tasks, until=float("inf")):
        """Each task and what came of it, as they finish; ``tasks`` may have no end: each is taken when its turn comes.

        A task can be pickled; ``records()`` is run in the process, ``accepted(answer)`` gives the outcome or raises
        ValueError for an answer that is none, and ``lost(status, words)`` the outcome where none came. ``until``: the
        time, by ``time.monotonic``, at which what is not finished is left.
        """
        fresh, again = iter(tasks), []
        while time.monotonic() < until:
            while len(self._busy) < self.jobs:
                task, alone = (again.pop(), True) if again else (next(fresh, None), False)
                if task is None:
                    break
                worker = self._idle.pop() if self._idle and not alone else _Worker(self._events)
                self._busy[worker] = task
                worker.ask(task, self.timeout)
            if not self._busy:
                return
            first = min(until, *(worker.deadline for worker in self._busy))
            try:
                worker, line = self._events.get(timeout=max(0.0, first - time.monotonic()))
            except queue.Empty:
                finished = [self._late(worker) for worker in self._busy if time.monotonic() > worker.deadline]
            else:
                finished = [self._told(worker, line)]
            for worker, outcome in filter(None, finished):
                task = self._busy.pop(worker)
                if worker.lives:
                    self._idle.append(worker)
                elif worker.used:
                    again.append(task)
                    continue
                yield task, outcome

    def _late(self, worker):
        return worker, worker.lost(self._busy[worker], "timeout", f"not finished after {self.timeout:g} s")

    def _told(self, worker, line):
        """The worker and the outcome of its task, by a line of it, or by its end; None if it says nothing."""
        if worker in self._idle and line is None:
            self._idle.remove(worker)
        if worker not in self._busy:
            return None
        task = self._busy[worker]
        if line is None:
            return worker, worker.lost(task, "crashed", f"the process that ran this ended abruptly{worker.ended()}")
        try:
            if (found := worker.read(line)) is None:
                return None
            outcome = task.accepted(found)
        except (ValueError, RecursionError) as error:
            return worker, worker.lost(task, "crashed", f"the process that ran this gave no answer: {error}")
        worker.rest()
        return worker, outcome


class _Worker:
    """A process, and three threads that read what it answers, what it prints, and whether it has ended."""

    def __init__(self, events):
        self._token, self._serial, self._events = secrets.token_hex(8), itertools.count(), events
        self._tail, self.lives, self.used, self.deadline = b"", True, False, float("inf")
        path = dict.fromkeys([os.getcwd(), *map(os.path.abspath, sys.path)])
        code = _START.format(path=[*path], token=self._token)
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self._process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **pipes)
        self._readers = [threading.Thread(target=of, daemon=True) for of in (self._answers, self._printed)]
        for reader in (*self._readers, threading.Thread(target=self._wait, daemon=True)):
            reader.start()

    def ask(self, task, timeout):
        """Hand over a task, to be answered within so many seconds from when it is begun."""
        self.deadline, self._timeout = time.monotonic() + timeout + _STARTING, timeout
        self._asked, self._answer = next(self._serial), None
        self._send(base64.b64encode(pickle.dumps(task)).decode())

    def _send(self, words):
        with contextlib.suppress(OSError):  # it has ended, which the thread that waits tells
            self._process.stdin.write(json.dumps([self._asked, words]).encode() + b"\n")
            self._process.stdin.flush()

    def read(self, line):
        """The answer to what was asked last, once a line of the process says that this was all; None before.

        Raises ValueError for a second one.
        """
        head, _, answer = line.partition(b" ")
        if head.decode("ascii", "replace") != f"{self._token}-{self._asked}":
            return None
        if answer == _BEGUN:
            self.deadline = min(self.deadline, time.monotonic() + self._timeout)
            return None
        if answer == _ALL:
            return self._answer
        if self._answer is not None:
            raise ValueError("it gave two")
        self._answer = answer
        self._send("")
        return None

    def rest(self):
        self.used, self.deadline = True, float("inf")

    def lost(self, task, status, words):
        """End the process; the outcome of the task that it was to answer."""
        self.end()
        printed = self._tail.decode(errors="replace").partition("\nExtension modules:")[0].strip()
        _, fatal, stack = printed.rpartition("Fatal Python error: ")  # by faulthandler: the innermost frame comes first
        told = f"{fatal}{stack}".splitlines()[:_TOLD] if fatal else printed.splitlines()[-_TOLD:]
        last = harmless("\n".join(line[:_WIDE] for line in told))
        return task.lost(status, f"{words}; it printed last:\n{last}" if last else words)

    def ended(self):
        """By what the process has ended, in words."""
        code = self._process.returncode
        named = -code in iter(signal.Signals)
        return f", by {signal.Signals(-code).name}" if named else f", with exit status {code}"

    def end(self):
        """End the process, and all that it has started and that is still with it."""
        self.lives = False
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):  # there is none
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    # the threads

    def _answers(self):
        rest = bytearray()
        for chunk in _read(self._process.stdout):
            rest += chunk
            if b"\n" in chunk:
                *lines, rest = rest.split(b"\n")
                for line in lines:
                    if line.startswith(self._token.encode()):
                        self._events.put((self, bytes(line)))
            if len(rest) > _LARGEST:
                rest.clear()

    def _printed(self):
        for chunk in _read(self._process.stderr):
            self._tail = (self._tail + chunk)[-_TAIL:]

    def _wait(self):
        self._process.wait()
        for reader in self._readers:  # what it started may hold the pipes open
            reader.join(_PATIENCE)
        self._events.put((self, None))


def _read(pipe):
    with pipe, contextlib.suppress(OSError):
        while chunk := os.read(pipe.fileno(), 2**16):
            yield chunk


# Who answers


def answer(token):
    """Answer the tasks that come on the standard input until that ends: the main program of a process."""
    home, answers, asked, printed = os.getpid(), os.dup(1), os.fdopen(os.dup(0), "rb"), os.dup(2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asks
    faulthandler.enable(all_threads=False)
    _first_to_go()
    tasks = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, tasks), daemon=True).start()
    while True:
        serial, words = json.loads(tasks.get())
        if not words:
            _write(answers, f"{token}-{serial} {_ALL.decode()}\n".encode())
            continue
        task = pickle.loads(base64.b64decode(words))
        sys.stdout, sys.stderr = (_anew(k, printed) for k in (1, 2))  # what is printed goes another way than answers
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        _write(answers, f"{token}-{serial} {_BEGUN.decode()}\n".encode())
        found = json.dumps(task.records())
        if os.getpid() != home:  # a fork that an engine has left behind
            os._exit(0)
        _write(answers, f"{token}-{serial} {found}\n".encode())


def _anew(k, printed):
    """A standard stream, whatever has been done to it."""
    os.dup2(printed, k)
    return open(k, "w", errors="backslashreplace", closefd=False)


def _listen(asked, tasks):
    """Take in tasks; end this process with the one that sends them, however that ends."""
    for line in asked:
        tasks.put(line)
    os._exit(1)


def _write(to, text):
    while text:
        text = text[os.write(to, text) :]


def _first_to_go():
    """Where memory runs out, Linux ends this process, and no other."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
