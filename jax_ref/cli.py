"""The command ``scratch-ad``: check derivatives against JAX, and report what was found.

Nothing heavy is imported before the arguments are read, and JAX not before its environment is set.
"""

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

GOOD, MISMATCH, USAGE, STOPPED = 0, 1, 2, 130
SHOWN = 20  # failing cases that are printed; the files hold all

_EXPECT = """\
a file of known failures (--expect FILE) has one per line, with its reason:
    function [dtype] [part of the case] # reason
    np.sort complex128 axis=0 # complex numbers are ordered by their real parts only
Such a case counts as expected. A line that matches no failure of a function that was run is an error.

exit status: 0 all good, 1 a mismatch, 2 bad usage, 130 stopped by Ctrl-C"""


def _parser():
    parser = argparse.ArgumentParser(
        "scratch-ad", description="Derivatives of NumPy functions by any engine, checked against JAX."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(function, summary, **options):
        sub = commands.add_parser(
            function.__name__.strip("_"),
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,
        )
        sub.set_defaults(function=function)
        return sub

    doctor = command(_doctor, "show versions, devices and precision, and check one function")
    check = command(_check, "check an engine over the catalogue, or some functions of it", epilog=_EXPECT)
    check.add_argument("names", nargs="*", metavar="NAME", help="np.tanh or tanh; by default all functions")
    check.add_argument("--engine", default="scratch_ad", help="a ready engine, a peer, or package.module:object")
    check.add_argument("--mode", choices=("fwd", "rev"), help="by default both")
    check.add_argument("--dtype", action="append", default=[], help="may be repeated; by default all")
    check.add_argument("--order", type=int, choices=(1, 2), default=2, help="of derivatives (default: 2)")
    check.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N", help="processes")
    check.add_argument("--shard", type=_shard, default=(1, 1), metavar="i/n", help="every n-th unit, from the i-th")
    check.add_argument("--seed", default="", help="any text: other tangents and cotangents")
    check.add_argument("--case", type=int, metavar="K", help="of one function and dtype the case of that number")
    check.add_argument("--timeout", type=float, default=120, metavar="S", help="seconds for one function and dtype")
    check.add_argument("--out", type=Path, metavar="DIR", help="keep the results there, and go on from those there")
    check.add_argument("--fresh", action="store_true", help="start anew in --out")
    check.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML as well")
    check.add_argument("--expect", type=Path, metavar="FILE", help="known failures; see below")

    compare = command(_compare, "compare several methods on one function: error, evaluations, time")
    compare.add_argument("what", metavar="EXPR-or-NAME", help='such as "np.sin(a) * b", or np.tanh')
    compare.add_argument("--size", type=_positive, default=8, help="of each variable of an expression (default: 8)")
    compare.add_argument("--seed", type=int, default=0)

    report = command(_report, "make a page, JUnit XML and Markdown of files of results")
    report.add_argument("files", nargs="+", type=Path, metavar="FILE", help="results.jsonl of one or several runs")
    report.add_argument("--out", type=Path, required=True, metavar="DIR")

    atlas = command(_atlas, "make a page of the points at which JAX is wrong, with evidence")
    atlas.add_argument("--out", type=Path, required=True, metavar="DIR")

    selftest = command(_selftest, "plant faults into our rules, and count those that the checks catch")
    selftest.add_argument("names", nargs="*", metavar="NAME", help="by default all functions")
    selftest.add_argument("--mode", choices=("fwd", "rev"), help="by default both")

    for sub in (doctor, check, compare, atlas, selftest):
        sub.add_argument(
            "--device", choices=("auto", "cpu", "gpu"), default="auto" if sub in (doctor, check) else "cpu"
        )
        sub.add_argument("--cache", default=str(_cache()), metavar="DIR", help="of compiled programs; '' for none")
    return parser


def main(argv=None):
    """Run the command with these arguments; returns its exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        if "device" in args:
            _prepare(args.device, args.cache)
        return args.function(args)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("jax", "jaxlib", "rich", "jinja2", "mpmath", "hypothesis"):
            raise
        return _fail(f"{error.name} is not installed: pip install 'scratch-ad[check]'.")
    except (ValueError, OSError) as error:
        return _fail(error)


def _fail(error):
    print(f"scratch-ad: {error}", file=sys.stderr)
    return USAGE


def _positive(text):
    if (n := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return n


def _shard(text):
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


def _prepare(device, cache):
    """JAX's settings, by the environment, so that processes that are spawned have them too.

    Raises ValueError if there is no GPU where one is asked for.
    """
    settings = {
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",  # a GPU rounds the factors in float32 to tf32 otherwise
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # several processes share a GPU
        **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")},
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    if cache:
        os.environ["SCRATCH_AD_CACHE"] = cache
    if device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    if device == "gpu":
        import jax

        try:
            jax.devices("gpu")
        except RuntimeError as error:
            raise ValueError(
                "--device gpu: JAX finds no GPU here. Install JAX for it (pip install 'jax[cuda12]') and see "
                f"`scratch-ad doctor`, or take --device cpu. JAX says: {error}"
            ) from None


# check


def _check(args):
    from . import sweep
    from .report import junit

    units = sweep.units(args.names, args.dtype)
    if args.case is not None and (len(units) != 1 or not 0 <= args.case < len(units[0].cases())):
        cases = f", from 0 to {len(units[0].cases()) - 1}" if len(units) == 1 else ""
        raise ValueError(f"--case {args.case}: give one function, one --dtype and the number of a case{cases}.")
    options = {"case": args.case, "expect": _expected(args.expect), "fresh": args.fresh}
    modes = (args.mode,) if args.mode else ("fwd", "rev")
    place = args.out, args.jobs, args.shard
    start = time.perf_counter()
    with _Progress() as progress:
        try:
            result = sweep.sweep(
                units, args.engine, modes, args.order, *place, args.seed, args.timeout, progress=progress, **options
            )
        except KeyboardInterrupt:
            kept = f"kept in {args.out}: the same command goes on" if args.out else "lost: --out DIR keeps what is done"
            progress.say(f"stopped: {progress.done} of {progress.total} units done, {kept}.")
            return STOPPED
    if args.junit:
        junit.write([result], args.junit)
    _show(result)
    print(f"{result} in {time.perf_counter() - start:.1f} s")
    if result.unmatched:
        listed = "".join(f"\n    {e}  # {e.reason}" for e in result.unmatched)
        return _fail(f"{args.expect}: no failure matches{listed}")
    return MISMATCH if result.failures() else GOOD


def _expected(path):
    """The expectations of a file, if one is given. Raises ValueError for a function that is not in the catalogue."""
    from . import sweep
    from .report.records import expectations

    found = expectations(path) if path else []
    if unknown := {e.function for e in found} - {unit.name for unit in sweep.units()}:
        raise ValueError(f"{path}: the catalogue has no function {', '.join(sorted(unknown))}.")
    return found


def _show(result):
    """Print the failing cases, the first of them in full."""
    from .report.records import text, title

    failures = result.failures()
    for record in failures[:SHOWN]:
        words = "\n".join(f"    {line}" for line in text(record).splitlines())
        print(f"{record['status']}: {title(record)}\n{words}\n    rerun: {record['rerun']}")
    if len(failures) > SHOWN:
        print(f"… and {len(failures) - SHOWN} more; --out DIR and `scratch-ad report` show all")


class _Progress:
    """Takes what a sweep has done: a bar on a terminal, lines elsewhere."""

    def __init__(self):
        self.done, self.total, self._bar = 0, 0, None

    def __enter__(self):
        if sys.stdout.isatty():
            from rich.progress import Progress

            self._bar = Progress(transient=True).__enter__()
            self._task = self._bar.add_task("", total=None)
        return self

    def __exit__(self, *error):
        if self._bar:
            self._bar.__exit__(*error)

    def say(self, words):
        if self._bar:
            self._bar.console.print(words, markup=False, highlight=False, soft_wrap=True)
        else:
            print(words, flush=True)

    def __call__(self, records, done, total):
        from .report.records import FAILED, Counts, summary

        self.done, self.total = done, total
        if "unit" not in records[0]:
            self.say(f"{records[0]['engine']} {summary(records[0])}")
            if done:
                self.say(f"resumed: {done} of {total} there already")
            return
        name, counts = " ".join(records[0]["unit"]), Counts.of(records)
        if self._bar:
            self._bar.update(self._task, description=name, completed=done, total=total)
        if not self._bar or any(counts[status] for status in FAILED):
            self.say(f"{done}/{total} {name}: {counts}")


# doctor


def _doctor(args):
    import jax

    from . import sweep

    for name, version in sweep.versions().items():
        print(f"{name:<10} {version}")
    print(f"{'devices':<10} {', '.join(map(str, jax.devices()))}")
    print(f"{'precision':<10} {sweep.precision()}")
    print(f"{'cache':<10} {args.cache or 'none'}")
    wrong = [str(result) for result in sweep.run(sweep.Unit("np.tanh", "float32")) if not result.ok]
    print("\n".join(wrong) or f"np.tanh in float32: right, computed on {sweep.device()}")
    return MISMATCH if wrong else GOOD


# compare


def _compare(args):
    """Jacobians by several methods, of the function as one of a vector: those of the variables joined."""
    import numpy as np

    import jax_ref
    import scratch_ad

    function, arguments = _function(args.what, args.size, args.seed)
    ends = np.cumsum([0, *(a.size for a in arguments)])
    point = np.concatenate([np.ravel(a) for a in arguments])
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        out = function(*(np.reshape(x[i:j], a.shape) for i, j, a in zip(ends, ends[1:], arguments)))
        return np.concatenate([np.ravel(y) for y in (out if isinstance(out, (tuple, list)) else (out,))])

    numerical = lambda scheme: lambda f: lambda x: scratch_ad.numerical_jacobian(x, f, scheme=scheme)
    methods = {  # name → (transformation, whether each call of f is an evaluation in numbers)
        "forward mode": (scratch_ad.jacfwd, True),
        "reverse mode": (scratch_ad.jacrev, True),
        "reverse mode, by XLA": (lambda f: jax_ref.jit(scratch_ad.jacrev(f)), False),
        "JAX, forward": (lambda f: jax_ref.jit(jax_ref.jacfwd(f)), False),
        "JAX, reverse": (lambda f: jax_ref.jit(jax_ref.jacrev(f)), False),
        "numerical, forward": (numerical("forward"), True),
        "numerical, central": (numerical("central"), True),
    }
    expected = np.asarray(jax_ref.jacrev(f)(point))
    once = _seconds(f, point)
    print(f"{args.what}: {point.size} inputs, {expected.shape[0]} outputs, float64; one evaluation takes {once:.3g} s")
    print(f"{'method':<22}{'error against JAX':>18}{'evaluations':>13}{'time ÷ one':>12}")
    scale, wrong = np.max(np.abs(expected), initial=0.0) or 1.0, False
    for name, (transform, counted) in methods.items():
        try:
            jacobian = transform(f)
            calls = 0
            error = float(np.max(np.abs(jacobian(point) - expected), initial=0.0) / scale)
        except (NotImplementedError, TypeError, ValueError) as problem:
            print(f"{name:<22}  {problem}")
            continue
        evaluations = calls if counted else "-"
        print(f"{name:<22}{error:>18.1e}{evaluations:>13}{_seconds(jacobian, point) / once:>12.3g}")
        wrong |= name in ("forward mode", "reverse mode") and not error < 1e-9
    return MISMATCH if wrong else GOOD


def _function(what, size, seed):
    """A function of the catalogue at its first case, or an expression in NumPy calls, and its arguments.

    Raises ValueError for what is neither.
    """
    import ast
    import builtins

    import numpy as np

    from . import sweep

    with contextlib.suppress(ValueError):
        (unit,) = sweep.units([what], ["float64"])
        case = unit.cases()[0]
        return case.function_in(), case.draw("float64")
    try:
        tree = ast.parse(what, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{what} is no function of the catalogue and no expression: {error}") from None
    known = {"np", *dir(builtins)}
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - known)
    if not names:
        raise ValueError(f"{what} has no variable, such as a in np.sin(a).")
    rng = np.random.default_rng(seed)
    function = eval(f"lambda {', '.join(names)}: {what}", {"np": np})
    return function, [rng.uniform(0.5, 2.0, size) for _ in names]


def _seconds(function, *args):
    """The shortest of several calls after a first one."""
    times, until = [], time.perf_counter() + 0.2
    function(*args)
    while len(times) < 3 or time.perf_counter() < until:
        start = time.perf_counter()
        function(*args)
        times.append(time.perf_counter() - start)
    return min(times)


# report, atlas, selftest


def _report(args):
    from .report import junit, markdown, page
    from .report.records import lines, results

    found = results([line for path in args.files for line in lines(path)])
    if not found:
        raise ValueError(f"{', '.join(map(str, args.files))}: no results.")
    for module, name in ((page, "index.html"), (junit, "junit.xml"), (markdown, "report.md")):
        args.out.mkdir(parents=True, exist_ok=True)
        module.write(found, args.out / name)
        print(args.out / name)
    return GOOD


def _atlas(args):
    from .atlas import disagreements, row
    from .report import page

    rows = list(map(row, disagreements()))
    page.write_atlas(rows, args.out / "atlas.html")
    print(f"{args.out / 'atlas.html'}: {len(rows)} points")
    return GOOD


def _selftest(args):
    from .faults import selftest

    result = selftest(args.names, (args.mode,) if args.mode else ("fwd", "rev"))
    print(result)
    return GOOD if result.ok else MISMATCH
