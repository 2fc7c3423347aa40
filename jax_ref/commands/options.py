"""The arguments of the command ``scratch-ad``; nothing heavy is imported to read them."""

import argparse
import os
import sys
from pathlib import Path

from ..sweep.devices import CHOICES

_STATUS = "exit status: 0 all good, 1 a mismatch, 2 bad usage, 3 an error of its own, 130 stopped by Ctrl-C"

_EXAMPLES = f"""\
examples:
    scratch-ad check tanh                            one function; without a name all of them
    scratch-ad check linalg --engine torch           another engine, on the functions of a submodule
    scratch-ad check --out results --junit ad.xml    kept, and gone on with when broken off
    scratch-ad check --domain gammainc               at the smallest and the largest numbers, near poles, …
    scratch-ad fuzz --engine torch --minutes 10      random programs of an engine
    scratch-ad report results --out page
    scratch-ad compare "np.sin(a) * b"
    scratch-ad trace "lambda x: np.exp(np.tanh(x))" 0.5 --open

{_STATUS}"""

_EXPECT = f"""\
a file of known failures (--expect FILE) has one per line, with its reason:
    function [dtype] [part of the case] # reason
    np.sort complex128 axis=0 # complex numbers are ordered by their real parts only
Such a case counts as expected. A line that matches no failure of a function that was run is an error.

{_STATUS}"""

_ENGINES = """\
scratch_ad (the default), scratch_ad-forward, scratch_ad-reverse, scratch_ad-compiled, scratch_ad-jax, scratch_ad-cupy,
tiny, jax, numerical, autograd, torch, mygrad, or one of your own as package.module:object"""

PYTEST_CACHE = ".pytest_cache"
_DTYPE = "such as float32, or float32,float64; by default all"
_ALARMS = "draw N right cases instead, and count those that the checks flag"


def parser():
    """The parser of the command's arguments."""
    raw = argparse.RawDescriptionHelpFormatter
    summary = "Derivatives of NumPy functions by any engine, checked against JAX."
    whole = argparse.ArgumentParser("scratch-ad", description=summary, epilog=_EXAMPLES, formatter_class=raw)
    whole.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, summary, **options):
        description = summary[0].upper() + summary[1:] + "."
        return commands.add_parser(name, help=summary, description=description, formatter_class=raw, **options)

    names = {"nargs": "*", "metavar": "NAME"}
    meant = "np.tanh or tanh, or a submodule such as linalg; by default all functions"
    folder = {"type": Path, "metavar": "DIR"}
    mode = {"choices": ("fwd", "rev"), "help": "by default both"}

    doctor = command("doctor", "show versions, devices and precision, and check one function")

    check = command("check", "check an engine over the catalogue, or some functions of it", epilog=_EXPECT)
    check.add_argument("names", **names, help=meant)
    check.add_argument("--engine", default="scratch_ad", help=_ENGINES)
    check.add_argument("--mode", **mode)
    check.add_argument("--dtype", action="extend", type=lambda text: text.split(","), default=[], help=_DTYPE)
    check.add_argument("--order", type=int, choices=(1, 2), default=2, help="of derivatives (default: 2)")
    check.add_argument("--jobs", type=_positive(int), default=os.cpu_count() or 1, metavar="N", help="processes")
    check.add_argument("--shard", type=shard_of, default=(1, 1), metavar="i/n", help="every n-th unit, from the i-th")
    check.add_argument("--seed", default="", help="any text: other tangents and cotangents")
    check.add_argument("--case", type=int, metavar="K", help="of one function and dtype the case of that number")
    domain = "scratch_ad's rules of functions of numbers over their whole domain, against derivatives in many digits"
    check.add_argument("--domain", action="store_true", help=domain)
    timeout = "seconds for one function and dtype (default: 120)"
    check.add_argument("--timeout", type=_positive(float), default=120, metavar="S", help=timeout)
    check.add_argument("--out", **folder, help="keep the results there, and go on from those there")
    check.add_argument("--fresh", action="store_true", help="start anew in --out")
    check.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML as well")
    annotations = "print a line per cause of failures that GitHub shows beside the code"
    check.add_argument("--annotations", choices=("github",), help=annotations)
    check.add_argument("--expect", type=Path, metavar="FILE", help="known failures; see below")

    listing = command("list", "list the functions that are checked, with their dtypes and how many cases")
    listing.add_argument("names", **names, help=meant)

    coverage = command(
        "coverage", "count which functions have a rule, beside JAX and other engines; or list a module's"
    )
    coverage.add_argument(
        "modules", nargs="*", metavar="MODULE", help="such as numpy.linalg; by default all, in numbers"
    )

    compare = command("compare", "compare several methods on one function: error, evaluations, time")
    compare.add_argument("what", metavar="EXPR-or-NAME", help='such as "np.sin(a) * b", or np.tanh')
    compare.add_argument(
        "--size", type=_positive(int), default=8, metavar="N", help="of each variable of an expression (default: 8)"
    )
    compare.add_argument("--seed", type=int, default=0, metavar="N", help="of the variables' numbers (default: 0)")

    trace = command("trace", "show one evaluation step by step, beside JAX: as a table, and as a page to step through")
    trace.add_argument("function", metavar="FUNCTION", help='such as "lambda x: np.sin(x)", or path.py:name')
    given = "a number, a list of numbers, or an expression of np; whole numbers are taken as real ones"
    trace.add_argument("arguments", nargs="*", metavar="ARGUMENT", help=given)
    trace.add_argument("--out", type=Path, metavar="FILE", help="write the page there")
    trace.add_argument("--open", action="store_true", help="open the page, in a temporary folder without --out")
    trace.add_argument("--alone", action="store_true", help="without JAX beside it, which takes a moment to start")

    rules = command("rules", "list the custom rules of a package, and which of them no test has called")
    rules.add_argument("package", metavar="PACKAGE", help="its modules are imported, and their source is read")
    record = f"pytest's cache, with what `pytest --ad-rules` left there (default: {PYTEST_CACHE})"
    rules.add_argument("--record", default=PYTEST_CACHE, metavar="DIR", help=record)

    lesson = command("lesson", "the lesson as pages or notebooks, and exercises to be filled in")
    which = "pages that show the lesson, run; notebooks of it; or a new folder of exercises, for one student"
    lesson.add_argument("what", choices=("show", "notebook", "start"), help=which)
    lesson.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="show: by default a temporary one")
    lesson.add_argument("--open", action="store_true", help="show: open the first page")

    grade = command("grade", "grade a folder of exercises, beside JAX at fresh numbers")
    grade.add_argument("folder", type=Path, metavar="DIR", help="as `scratch-ad lesson start DIR` wrote it")
    grade.add_argument("--task", action="append", default=[], metavar="N", help="such as 1.2; by default all")
    grade.add_argument("--seed", type=int, metavar="N", help="the numbers of an earlier verdict again")
    grade.add_argument("--jobs", type=_positive(int), default=os.cpu_count() or 1, metavar="N", help="processes")
    grade.add_argument(
        "--timeout", type=_positive(float), default=10, metavar="S", help="seconds for a task (default: 10)"
    )
    grade.add_argument("--json", type=Path, metavar="FILE", help="write Gradescope's results.json as well")

    report = command("report", "make a page, JUnit XML and Markdown of files of results")
    report.add_argument("files", nargs="*", type=Path, metavar="FILE", help="results.jsonl of a run, or its folder")
    report.add_argument("--out", **folder, help="where index.html, junit.xml and report.md go")
    gpu = "print, in Markdown, the tables of what scripts/gpu.py wrote"
    report.add_argument("--gpu", type=Path, metavar="FILE", help=gpu)

    atlas = command("atlas", "make a page of the points at which JAX is wrong, with evidence (some ten minutes)")
    kept = "where atlas.html goes, and what it is made of, so that the same command goes on when broken off"
    atlas.add_argument("--out", required=True, **folder, help=kept)
    atlas.add_argument("--fresh", action="store_true", help="start anew in --out")

    selftest = command("selftest", "plant faults into our rules, and count those that the checks catch")
    selftest.add_argument("names", **names, help=meant)
    selftest.add_argument("--mode", **mode)
    selftest.add_argument("--alarms", type=_positive(int), metavar="N", help=_ALARMS)

    fuzz = command("fuzz", "look for errors of an engine by random programs, and write each as a file that runs")
    fuzz.add_argument("--engine", default="scratch_ad", help=_ENGINES)
    fuzz.add_argument("--minutes", type=_positive(float), default=5, metavar="M", help="how long (default: 5)")
    fuzz.add_argument("--seed", default="0", help="any text: other programs")
    fuzz.add_argument("--jobs", type=_positive(int), default=os.cpu_count() or 1, metavar="N", help="processes")
    batch = "seconds for a batch of programs (default: 120)"
    fuzz.add_argument("--timeout", type=_positive(float), default=120, metavar="S", help=batch)
    found = "where the findings go, and the record from which the same command goes on (default: fuzz)"
    fuzz.add_argument("--out", type=Path, default=Path("fuzz"), metavar="DIR", help=found)
    fuzz.add_argument("--fresh", action="store_true", help="start anew in --out")

    for sub in (doctor, check, coverage, compare, trace, rules, grade, atlas, selftest, fuzz):
        default = "auto" if sub in (doctor, check) else "cpu"
        device = f"where JAX computes; auto: where it would by itself (default: {default})"
        sub.add_argument("--device", choices=CHOICES, default=default, help=device)
        sub.add_argument("--cache", default=str(_cache()), metavar="DIR", help="of compiled programs; '' for none")
    return whole


class _Version(argparse.Action):
    def __call__(self, parser, *_):
        print(f"scratch-ad {version()}")
        parser.exit()


def version():
    """That of the installed package, or of the checkout."""
    import importlib.metadata
    import tomllib

    try:
        return importlib.metadata.version("scratch-ad")
    except importlib.metadata.PackageNotFoundError:
        root = Path(__file__).parents[2]
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return f"{project['version']}, not installed, in {root}"


def _positive(kind):
    """A reader of positive numbers."""

    def number(text):
        try:
            n = kind(text)
        except ValueError:
            n = 0
        if not 0 < n < 1e9:
            raise argparse.ArgumentTypeError(f"{text} is no positive {'whole ' if kind is int else ''}number")
        return n

    return number


def shard_of(text):
    i, _, n = text.partition("/")
    if not (i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
        raise argparse.ArgumentTypeError(f"{text} is not i/n with i from 1 to n")
    return int(i), int(n)


def _cache():
    """The folder for what the platform's user may lose at any time."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "scratch-ad"
