"""The command ``scratch-ad``: check derivatives against JAX, and report what was found.

Nothing heavy is imported before the arguments are read, and JAX not before its environment is set.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
import traceback
import webbrowser
from pathlib import Path

from ..sweep import devices
from . import options

GOOD, MISMATCH, USAGE, INTERNAL, STOPPED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141
SHOWN, NAMED = 20, 8  # causes of failures that are printed, and functions of each; the files hold all
_EXTRAS = {  # of pyproject.toml: what they install
    "check": ("jax", "jaxlib", "rich", "markdown_it", "pygments", "jinja2", "mpmath", "hypothesis"),
    "test": ("matplotlib", "sympy"),  # the lesson
}


def main(argv=None):
    """Run the command with these arguments; returns its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an encoding without ∂ and ÷
    args = options.parser().parse_args(argv)
    try:
        if "device" in args:
            devices.prepare(args.device, args.cache, getattr(args, "jobs", 1))
        status = COMMANDS[args.command](args)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:  # the reader has seen enough; nothing is left to be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except SystemExit as error:  # of a user's expression; what is no answer is no success
        return _fail(f"ended by SystemExit: {error}")
    except Exception as error:
        return _failed(error)


def _failed(error):
    name = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0]
    for extra, names in _EXTRAS.items():
        if name in names:
            return _fail(f"{name} is not installed. In the checkout: pip install -e '.[{extra}]'.")
    if isinstance(error, (ValueError, OSError)):
        return _fail(error)
    traceback.print_exception(error)
    print("scratch-ad: an error of its own; please report it with these lines.", file=sys.stderr)
    return INTERNAL


def _fail(error):
    print(f"scratch-ad: {error}", file=sys.stderr)
    return USAGE


# Files


@contextlib.contextmanager
def _using(what, remedy):
    """Says which of the user's files it was that something failed with."""
    try:
        yield
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{what}: {reason}. {remedy}") from None


def _writable(option, path):
    """Raises ValueError, before anything is run, if the file cannot be written; makes its folder."""
    with _using(f"{option} {path}", "Name a place that can be written to."):
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        path.open("a").close()
        if not there:
            path.unlink()


# Where and with what is computed


def _header(device):
    devices.devices(device)
    versions = ", ".join(f"{name} {version}" for name, version in devices.versions().items())
    return f"on {devices.device()} ({devices.precision()})\n{versions}"


# check


def _check(args):
    if args.domain:
        return _check_domain(args)
    if args.device == "gpu":
        devices.devices(args.device)
    from ..report import junit
    from ..report.progress import SweepProgress
    from ..report.words import compared
    from ..sweep import sweep
    from ..sweep.processes import Crew

    units = sweep.units(args.names, args.dtype)
    if not units:
        raise ValueError(f"{', '.join(args.names)}: no case in {', '.join(args.dtype)}; see `scratch-ad list`.")
    if args.case is not None:
        units = [unit for unit in units if unit.name in args.names] or units
        if len(units) != 1 or not 0 <= args.case < len(units[0].cases()):
            cases = f", from 0 to {len(units[0].cases()) - 1}" if len(units) == 1 else ""
            raise ValueError(f"--case {args.case}: give one function, one --dtype and the number of a case{cases}.")
    others = {"expect": _expected(args.expect), "fresh": args.fresh}
    for option, path in (("--out", args.out and args.out / "results.jsonl"), ("--junit", args.junit)):
        if path:
            _writable(option, path)
    asked = sweep.Asked(args.engine, (args.mode,) if args.mode else ("fwd", "rev"), args.order, args.seed, args.case)
    first, every = args.shard
    start = time.perf_counter()
    with SweepProgress() as progress, Crew(args.jobs, args.timeout) as crew:
        try:
            result = sweep.sweep(units[first - 1 :: every], asked, crew, args.out, progress=progress, **others)
        except KeyboardInterrupt:
            kept = f"kept in {args.out}: the same command goes on" if args.out else "lost: --out DIR keeps what is done"
            progress.say(f"stopped: {progress.done} of {progress.total} units done, {kept}.")
            return STOPPED
    _show(result)
    print(f"{result} in {time.perf_counter() - start:.1f} s")
    if not result.failures():
        dtypes = sorted({record["unit"][1] for record in result.records})
        order = max((record.get("order", 0) for record in result.records), default=0)
        print(compared(result.header["modes"], order, dtypes, result.header.get("slack", 1.0)))
    if args.junit:
        junit.write([result], args.junit)
    if args.annotations:
        from ..engines.ready import engine as engine_named
        from ..report import annotations

        for line in annotations.github(result, engine_named(args.engine)):
            print(line)
    if result.unmatched:
        listed = "".join(f"\n    {e}  # {e.reason}" for e in result.unmatched)
        return _fail(f"{args.expect}: no failure matches{listed}")
    return MISMATCH if result.failures() else GOOD


def _check_domain(args):
    asked = {"names", "dtype", "jobs", "seed", "timeout", "domain", "device", "cache", "command"}
    default = options.parser().parse_args(["check", "--domain"])
    if other := sorted(
        name for name, value in vars(args).items() if name not in asked and value != getattr(default, name)
    ):
        raise ValueError(f"--domain goes with names, --dtype, --jobs, --seed and --timeout, not with --{other[0]}.")
    from .domain import survey

    return GOOD if survey(args.names, args.dtype, args.seed, args.jobs, args.timeout) else MISMATCH


def _expected(path):
    """The expectations of a file, if one is given. Raises ValueError for a function that is not in the catalogue."""
    if not path:
        return []
    from ..cases.names import named
    from ..report.records import expectations

    with _using(f"--expect {path}", "Name a file of known failures; `scratch-ad check --help` shows one."):
        found = expectations(path)
    try:
        return [e._replace(function=name) for e in found for name in sorted(named([e.function]))]
    except ValueError as error:
        raise ValueError(f"--expect {path}: {error}") from None


def _show(result):
    """Print each cause of failures with an example, and what is missing, blocked or expected in short."""
    from ..report.groups import groups
    from ..report.records import text, title

    found = groups(result)
    for group in found[:SHOWN]:
        print(group.title)
        if len(group.records) > 1:
            print(f"    in {group.extent}: {group.named(NAMED)}\n    such as {title(group.example)}")
        if (words := text(group.example)) != group.cause or len(group.records) == 1:
            print("\n".join(f"    {line}" for line in words.splitlines()))
        if group.at:
            print(f"    raised at {group.at}")
        print(f"    rerun: {group.example['rerun']}")
    if len(found) > SHOWN:
        print(f"… and {len(found) - SHOWN} more causes; --out DIR and `scratch-ad report` show all")
    for status in ("missing", "blocked", "expected"):
        functions = {}
        for record in result.records:
            if record["status"] == status:
                functions.setdefault(record.get("reason", ""), set()).add(record["unit"][0])
        for reason, names in functions.items():
            print(f"{status}: {', '.join(sorted(names))}{f'  # {reason}' if reason else ''}")


# doctor, list, coverage, compare


def _doctor(args):
    import importlib.metadata

    from ..sweep.runs import run
    from ..sweep.sweep import Unit

    found = {"scratch-ad": options.version(), **devices.versions()}
    for name in ("rich", "jinja2", "mpmath", "hypothesis"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    for name, version in found.items():
        print(f"{name:<10} {version}")
    used = devices.devices(args.device)
    print(f"{'devices':<10} {', '.join(map(str, used))}")
    if used[0].platform != "gpu":
        print(f"{'gpu':<10} none in use; for one of NVIDIA's: {devices.INSTALL}")
    print(f"{'precision':<10} {devices.precision()}")
    print(f"{'cache':<10} {args.cache or 'none'}")
    wrong = [str(result) for result in run(Unit("np.tanh", "float32")) if not result.ok]
    print("\n".join(wrong) or f"np.tanh in float32: right, computed on {devices.device()}")
    return MISMATCH if wrong else GOOD


def _list(args):
    from collections import Counter

    from ..cases.names import cases_of, named

    for name in sorted(named(args.names)):
        dtypes = Counter(dtype for case in cases_of(name) for dtype in case.dtypes)
        print(f"{name:<26}{', '.join(f'{dtype} ({n})' for dtype, n in dtypes.items())}")
    return GOOD


def _coverage(args):
    devices.devices(args.device)
    from .coverage import entries, table

    found = [*entries(args.modules)]
    if args.modules:
        for entry in found:
            also = f"  also {', '.join(sorted(entry.engines))}" if entry.engines else ""
            print(f"{entry.name:<26}{entry.status:<9}{entry.reason}{also}".rstrip())
    print("\n".join(table(found)))
    return GOOD


def _compare(args):
    header = _header(args.device)
    from .compare_methods import compare, question, show

    asked = question(args.what, args.size, args.seed)
    (inputs, outputs), once, rows = compare(asked)
    print(f"{header}\n{asked.text}\n{inputs} inputs, {outputs} outputs; one evaluation takes {once:.3g} s")
    show(rows, once)
    return MISMATCH if any(row.wrong for row in rows) else GOOD


# trace


def _trace(args):
    path = args.out
    if args.open and not path:
        path = Path(tempfile.mkdtemp(prefix="scratch-ad-")) / "trace.html"
    if path:
        _writable("--out", path)
    from . import trace

    function, arguments = trace.function_of(args.function), [trace.argument_of(text) for text in args.arguments]
    if args.alone:
        from scratch_ad import trace as trace_of
    else:
        from ..tracing import trace as trace_of
    made = trace_of(function, *arguments)
    if made.steps or not made.error:
        print(made)
    if path:
        print(made.html(path))
    if args.open:
        _open(path)
    if made.error:
        return _fail(made.failure())
    return MISMATCH if any(found.blamed == "ours" for found in made.differences) else GOOD


# rules


def _rules(args):
    from ..rules.listing import modules, record, rules

    found, failed = modules(args.package)
    listed, when, tests = rules(found), "", {}
    try:
        when, count, tests = record(args.record)
    except ValueError as error:
        if args.record != options.PYTEST_CACHE:
            raise
        print(f"scratch-ad: {error}", file=sys.stderr)
    for rule in listed:
        called = tests.get((rule.file, rule.line), [])
        said = (
            f"called by {called[0]}{f' and {len(called) - 1} more' if called[1:] else ''}" if called else "not called"
        )
        print(f"{rule}{f': {said}' if when else ''}")
    for problem in failed:
        print(f"not imported: {problem}")
    missed = sum((rule.file, rule.line) not in tests for rule in listed)
    of = f", {missed} called by no test of the run of {when} ({count} tests)" if when else ""
    print(f"{len(listed)} custom rule{'s' * (len(listed) != 1)} in {args.package}{of}")
    return GOOD


# lesson, grade


def _lesson(args):
    if args.what == "show":
        folder = args.folder or Path(tempfile.mkdtemp(prefix="scratch-ad-"))
        _writable("lesson show", folder / "index.html")
        from ..lesson.page import pages

        first, *_ = pages(folder)
        print(first)
        if args.open:
            _open(first)
        return GOOD
    if not args.folder:
        raise ValueError(f"lesson {args.what}: name a folder, such as `scratch-ad lesson {args.what} mine`.")
    from ..lesson import notebooks, start

    if args.what == "notebook":
        print(f"{notebooks(args.folder)}: one notebook per chapter")
    else:
        print(f"{start(args.folder)}: one file per task; `scratch-ad grade {args.folder}` says how far you are")
    return GOOD


def _open(path):
    if not webbrowser.open(path.absolute().as_uri()):
        print(f"scratch-ad: no browser could be opened: open {path} in one.", file=sys.stderr)


def _grade(args):
    if args.json:
        _writable("--json", args.json)
    from ..lesson import graded

    found = graded(args.folder, args.task, args.seed, args.jobs, args.timeout)
    print(found)
    if args.json:
        args.json.write_text(json.dumps(found.gradescope(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if not all(task.readable for task in found.tasks):
        return USAGE
    return GOOD if found.points == found.most else MISMATCH


# report, atlas, selftest, fuzz


def _report(args):
    if args.gpu:
        from ..report import gpu

        with _using(f"--gpu {args.gpu}", "Name the JSON that scripts/gpu.py wrote."):
            print(gpu.tables_of(args.gpu))
        return GOOD
    if not (args.files and args.out):
        raise ValueError("report: name files of results and --out DIR, or the JSON of scripts/gpu.py by --gpu FILE.")
    from ..report import junit, markdown, page
    from ..report.records import lines, results

    read = []
    for path in args.files:
        with _using(path, "Name the results.jsonl of a run, or the folder that it is in."):
            read += lines(path / "results.jsonl" if path.is_dir() else path)
    found = results(read)
    if not found:
        raise ValueError(f"{', '.join(map(str, args.files))}: no results.")
    for module, name in ((page, "index.html"), (junit, "junit.xml"), (markdown, "report.md")):
        _writable("--out", args.out / name)
        module.write(found, args.out / name)
        print(args.out / name)
    return GOOD


def _atlas(args):
    kept = args.out / "atlas.jsonl"
    for path in (args.out / "atlas.html", kept):
        _writable("--out", path)
    header = _header(args.device)
    from ..cases.domains import BEYOND, LIMITS
    from ..checks import peer_lines
    from ..report import page
    from ..report.progress import Progress
    from .atlas import found, survey

    about = {"versions": devices.versions(), "device": devices.device(), "sources": devices.sources()}
    with Progress() as progress:

        def step(row, done, total):
            if row:
                progress.step(f"{row['function']} at {row['at']}", done, total, row["kind"], wrong=1)
            elif done % 25 == 0:
                progress.step("JAX is right", done, total)
            else:
                progress.begin(done, total)

        progress.say(f"atlas {header}")
        try:
            rows = survey(kept, args.fresh, about, step)
        except KeyboardInterrupt:
            progress.say(
                f"stopped: {progress.done} of {progress.total} points done, kept in {args.out}: the same goes on."
            )
            return STOPPED
    page.write_atlas(rows, args.out / "atlas.html", header, LIMITS, BEYOND, found(now=peer_lines.now()))
    print(f"{args.out / 'atlas.html'}: JAX is wrong at {len(rows)} of {progress.total} points")
    return GOOD


def _selftest(args):
    header = _header(args.device)
    if args.alarms and (args.names or args.mode):
        raise ValueError("--alarms draws from all functions and modes: give no NAME and no --mode.")
    from ..report.progress import Progress
    from .faults import false_alarms, selftest

    with Progress() as progress:
        progress.say(f"selftest {header}")
        if args.alarms:
            result = false_alarms(args.alarms, progress=lambda done, total: progress.step("right cases", done, total))
        else:
            modes = (args.mode,) if args.mode else ("fwd", "rev")
            result = selftest(args.names, modes, lambda done, total: progress.step("functions", done, total))
    print(result)
    if args.alarms:
        return MISMATCH if result.flagged else GOOD
    print("caught per rule, of those faults that change something:")
    for row in result.rows:
        print(f"    {row.rule:<26}{row.caught} of {row.caught + row.escaped}")
    return GOOD if result.ok else MISMATCH


def _fuzz(args):
    _writable("--out", args.out / "fuzz.jsonl")
    from .fuzz import fuzz

    found_none = fuzz(args.engine, args.minutes, args.seed, args.jobs, args.timeout, args.out, args.fresh)
    return GOOD if found_none else MISMATCH


COMMANDS = {
    "doctor": _doctor,
    "check": _check,
    "list": _list,
    "coverage": _coverage,
    "compare": _compare,
    "trace": _trace,
    "rules": _rules,
    "lesson": _lesson,
    "grade": _grade,
    "report": _report,
    "atlas": _atlas,
    "selftest": _selftest,
    "fuzz": _fuzz,
}

if __name__ == "__main__":
    raise SystemExit(main())
