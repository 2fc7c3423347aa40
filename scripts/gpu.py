"""Measure everything on a GPU: every rule against jax.jvp and jax.vjp there, and what our derivative programs cost.

It needs no network and no installation where JAX's CUDA build, NumPy, SciPy, optree, hypothesis, rich, jinja2 and
mpmath are, and runs from a bare checkout. In order of importance, each with its share of the time: one function of each
family by all our engines; matrix products at two precisions; the whole catalogue, as far as time goes; training beside
JAX's gradient; ten programs that fill the device; Jacobians of up to 10⁸ numbers; our engines over CuPy's arrays.

The JSON is written as rows come in, so that what is cut off keeps what was done; the same command goes on from it.
scratch-ad report --gpu FILE makes the tables of .readme/devices.md of it.
exit status: 0 all right, 1 something is wrong (each with the line that runs it again), 2 bad usage or no such device,
130 stopped by Ctrl-C.
"""

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import _environment

_environment.here("jax", "numpy", "scipy", "optree", "hypothesis", "rich", "jinja2", "mpmath")

from jax_ref.report.progress import Progress
from jax_ref.sweep import devices

EACH = 1.5e9  # bytes of memory that a process needs, a GPU's or the machine's
START = 90  # seconds within which JAX has to start
GRACE = 3.0  # seconds that a step may take to end by itself
MANY = ("families", "catalogue", "cupy")  # the steps that many processes do
CUT_OFF = 4  # the exit status of a step's process that time ended
STEPS = {"families": 25, "precision": 5, "catalogue": 29, "training": 10, "programs": 16, "scaling": 8, "cupy": 7}  # %


def options():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--minutes", type=_minutes, default=8.0, help="when to end, whatever happens (%(default)s)")
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu", help="cpu: the same in small (%(default)s)")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (one per core, as far as memory goes)")
    parser.add_argument("--out", type=Path, default=_environment.ROOT / "results" / "gpu.json", metavar="FILE")
    only = f"one of {', '.join(STEPS)}, or one row of it as STEP/NAME; run again if it is there"
    parser.add_argument("--only", default="", metavar="STEP", help=only)
    chosen = parser.parse_args()
    if chosen.only.partition("/")[0] not in ("", *STEPS):
        parser.error(f"--only {chosen.only}: a step is one of {', '.join(STEPS)}")
    if chosen.jobs is not None and chosen.jobs < 1:
        parser.error(f"--jobs {chosen.jobs}: at least one")
    return chosen


def _minutes(text):
    try:
        if 0 < (minutes := float(text)) < 1e4:
            return minutes
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is no positive number of minutes")


# In a process of its own, which can be ended


def _in_child(function, channel, *arguments):
    """Run ``function(*arguments, send)``, which returns whether it did all, as the leader of a group of processes."""
    if hasattr(os, "setsid"):
        os.setsid()
        signal.signal(signal.SIGALRM, _leave)
        sys.unraisablehook = _again
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    signal.signal(signal.SIGTERM, _leave)
    whole = function(*arguments, channel.send)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends by itself now
    sys.exit(0 if whole else CUT_OFF)


def _leave(*_):
    sys.exit(CUT_OFF)


def _again(lost):
    """Leave a moment later, where the signal came while C called back and what is raised goes no further."""
    if lost.exc_type is SystemExit:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
    else:
        sys.__unraisablehook__(lost)


def rows_of(function, *arguments, until):
    """What ``function(*arguments, send)`` sends from a process of its own, which is ended at ``until``.

    Returns how that went: "done", "cut off" or "failed".
    """
    context = multiprocessing.get_context("spawn")
    receiver, channel = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(function, channel, *arguments))
    child.start()
    channel.close()
    try:
        while (left := until - time.monotonic()) > 0 and receiver.poll(left):
            try:
                yield receiver.recv()
            except EOFError:
                child.join(GRACE)
                return {0: "done", CUT_OFF: "cut off"}.get(child.exitcode, "failed")
        return "cut off"
    finally:
        child.terminate()
        child.join(GRACE / 2)
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL) if hasattr(os, "killpg") else child.kill()
        child.join()


def start(device, send):
    from _gpu_steps import started

    send(started(device))
    return True


def step(name, settings, done, until, send):
    import _gpu_steps

    return getattr(_gpu_steps, name)(_gpu_steps.Settings(**settings), done, send, until)


# What it runs on


def driver():
    """The driver's version and the free memory in bytes, as nvidia-smi says; None for what it does not say."""
    ask = ["nvidia-smi", "--query-gpu=driver_version,memory.free", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(ask, capture_output=True, text=True, timeout=20, check=True).stdout.splitlines()[0]
        version, free = said.split(",")
        return version.strip(), float(free) * 2**20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None, None


def free_memory():
    """The machine's, in bytes; None where that cannot be asked."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None


def machine(device, until):
    """The device, and how many bytes are free in it and around it. Raises ValueError if there is no such device."""
    found = next(rows_of(start, device, until=until), {"error": f"JAX did not start, or not within {START} s."})
    if "error" in found:
        raise ValueError(found["error"])
    version, free = driver() if found["platform"] == "gpu" else (None, None)
    limit = found.pop("memory")
    amounts = [amount for amount in (free or limit, free_memory()) if amount]
    return {**found, "driver": version}, min(amounts, default=None)


def jobs(asked, free):
    """How many processes. Raises ValueError if memory does not suffice."""
    most = int(free // EACH) if free else os.cpu_count() or 1
    if most < 1:
        raise ValueError(f"too little memory: {free / 1e9:.1f} GB are free, {EACH / 1e9} GB are needed.")
    if asked and asked > most:
        raise ValueError(
            f"--jobs {asked}: memory suffices for {most} ({EACH / 1e9} GB each, {free / 1e9:.1f} GB free)."
        )
    return asked or min(os.cpu_count() or 1, most)


def source():
    """A digest of the sources."""
    folders = ("scratch_ad", "jax_ref", "scripts")
    files = sorted(path for folder in folders for path in (_environment.ROOT / folder).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


FLAGS = os.environ.get("XLA_FLAGS", "")


def surround(processes):
    """Set the environment of a step: a share of the memory each, and many small programs are not tuned."""
    os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 / processes:.3f}"
    os.environ["XLA_FLAGS"] = f"{FLAGS} --xla_gpu_autotune_level=0" if processes > 1 else FLAGS


# The JSON


class Document:
    """The file: the ``run`` and, by step, ``status``, ``seconds``, ``rows`` and ``of`` how many."""

    def __init__(self, path):
        self.path, self.saved = path, 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            path.open("a").close()
            if not self.content:
                path.unlink()
        except OSError as error:
            raise ValueError(f"--out {path}: {error.strerror}. Name a file that can be written to.") from None
        except ValueError:
            raise ValueError(f"--out {path}: there is a file that is no JSON. Name another one.") from None

    def begin(self, run):
        """Take up the run that the file holds, or begin one. Raises ValueError for a file of something else."""
        before = self.content.get("run")
        if self.content and not before:
            raise ValueError(f"--out {self.path}: there is a file of something else. Name another one.")
        if apart := [key for key in run if before and key != "when" and before.get(key) != run[key]]:
            reason = f"there is a run of another {' and '.join(apart)}"
            raise ValueError(f"--out {self.path}: {reason}. Name another file, or remove that one.")
        self.content = {"run": before or run, "steps": self.content.get("steps", {})}

    def step(self, name):
        return self.content["steps"].setdefault(name, {"status": "cut off", "seconds": 0.0, "of": 0, "rows": []})

    def status(self, name):
        return self.content["steps"].get(name, {}).get("status")

    def save(self, now=False):
        """Write the file, at most once a second."""
        if now or time.monotonic() > self.saved + 1:
            part = self.path.with_name(self.path.name + ".part")
            part.write_text(json.dumps(self.content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            os.replace(part, self.path)
            self.saved = time.monotonic()


def measure(name, document, settings, until, progress):
    """Run one step, or go on with it."""
    held, begun = document.step(name), time.monotonic()
    surround(settings["jobs"] if name in MANY else 1)
    held["rows"] = [row for row in held["rows"] if row["name"] != settings["only"]]
    rows = rows_of(step, name, settings, {row["name"] for row in held["rows"]}, until - GRACE, until=until)
    while True:
        try:
            row = next(rows)
        except StopIteration as end:
            if not settings["only"] or end.value == "failed":
                held["status"] = end.value
            break
        if "of" in row:
            held["of"] = row["of"]
            continue
        held["rows"].append(row)
        document.save()
        words = "right" if row["right"] else f"wrong: {problem(row)}"
        progress.step(f"{name}: {row['name']}", len(held["rows"]), held["of"], words, not row["right"])
    held["seconds"] = round(held["seconds"] + time.monotonic() - begun, 1)
    document.save(now=True)
    again = f"; rerun: python3 scripts/gpu.py --device {settings['device']} --only {name}"
    ended = held["status"] + (again if held["status"] == "failed" else "")
    progress.say(f"{name}: {ended}, {len(held['rows'])} of {held['of']} in {held['seconds']} s")


def problem(row):
    """What is wrong with a row, and the lines that run it again."""
    if "failed" in row:
        return "".join(f"\n    {f['case']}\n    {f['text']}\n    rerun: {f['rerun']}" for f in row["failed"])
    return f"{row.get('problem') or 'further apart than it may be'}\n    rerun: {row['rerun']}"


def main():
    begun, chosen = time.monotonic(), options()
    end = begun + 60 * chosen.minutes
    devices.prepare(chosen.device)
    try:
        document = Document(chosen.out)
        found, free = machine(chosen.device, min(end, begun + START))
        count = jobs(chosen.jobs, free)
        document.begin({**found, "source": source(), "when": datetime.now(UTC).isoformat(timespec="seconds")})
    except ValueError as error:
        print(f"gpu.py: {error}", file=sys.stderr)
        return 2
    wanted, _, only = chosen.only.partition("/")
    left = [name for name in STEPS if name == wanted or not (wanted or document.status(name) == "done")]
    if wanted and not only:
        document.content["steps"].pop(wanted, None)
    scale = 1.0 if found["platform"] == "gpu" else 0.005
    settings = {"device": chosen.device, "jobs": count, "scale": scale, "only": only}
    with Progress() as progress:
        progress.say(f"gpu.py on {found['device']}, {count} processes, {chosen.minutes:g} minutes at most")
        try:
            for k, name in enumerate(left):
                share = STEPS[name] / sum(STEPS[later] for later in left[k:])
                left_over = end - GRACE - time.monotonic()
                measure(name, document, settings, time.monotonic() + share * left_over, progress)
        except KeyboardInterrupt:
            document.save(now=True)
            progress.say(f"stopped; {chosen.out} keeps what is done: the same command goes on")
            return 130
        wrong = [row for name in left for row in document.step(name)["rows"] if not row["right"]]
        failed = [name for name in left if document.status(name) == "failed"]
        progress.say(f"{chosen.out}: {len(wrong)} rows wrong; steps that failed: {', '.join(failed) or 'none'}")
    return 1 if wrong or failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
