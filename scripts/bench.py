"""Measure what derivatives cost: ours, eager and compiled, beside JAX, PyTorch, autograd, MyGrad and by hand.

All engines run in one process, on one core, on the same NumPy inputs, and are checked against one another before they
are timed. A figure is a ratio of medians of CPU time, interleaved round by round, with the quartiles of the ratios
within a round; beside it stands the aim, and whether it is met. Engines that are not installed are told and left out:
they come with pip install -e '.[all]'.

It leaves bench.json, all figures, and bench.html, one page of them. A part that is finished is not measured again while
seed, size, sources and versions are the same (--fresh measures all), so a run that is broken off goes on where it
stopped, and parts measured by themselves meet on one page.
"""

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path

import _environment

_environment.enter()

import _bench_page
import _bench_readme
from _adbench import adbench_tables
from _compiled import compiled_tables
from _counted import rules_tables, xla_tables
from _jacobians import jacobian_tables
from _kinds import kinds_tables
from _results import ROOT, seed, settings
from _speed import eager_tables, growth_tables, memory_tables
from _structured import structured_tables
from _tables import Table
from _timing import on_one_core, timer
from rich.console import Console

PARTS = {  # name: what yields its tables, each again with every row that is added to it; what it measures
    "eager": (eager_tables, "value and gradient of eight programs, ours beside every engine"),
    "growth": (growth_tables, "time against size"),
    "jacobians": (jacobian_tables, "Jacobians, Hessians and gradients of samples in one pass"),
    "compiled": (compiled_tables, "the same programs compiled, what recording costs, large arrays"),
    "structured": (structured_tables, "sparse Jacobians, long loops in bounded memory"),
    "memory": (memory_tables, "peak memory of a value and gradient"),
    "adbench": (adbench_tables, "ADBench's mixture, LSTM, bundle adjustment and hand tracking"),
    "kinds": (kinds_tables, "programs of every family of rules, eager and compiled"),
    "rules": (rules_tables, "each rule's eager time beside its function's"),
    "xla": (xla_tables, "flops and bytes of our programs under jit, beside JAX's"),
}
PACKAGES = ["numpy", "scipy", "jax", "torch", "autograd", "mygrad"]


def stamp(options):
    """What the figures of a part depend on: equal stamps make a second run needless."""
    return {
        **settings(options.seed, options.quick),
        "rounds": options.rounds,
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
        "machine": {"cores": os.cpu_count(), "cpu": _processor()},
    }


def _version(name):
    try:
        return importlib.metadata.version(name).split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def measure(part, options, report):
    """The tables of one part by title, as far as they have come whenever ``report`` is given them."""
    rounds, tables = options.rounds or (5 if options.quick else 60), {}
    for table in PARTS[part][0](options.quick, options.seed, timer(rounds, 1.5 if options.quick else 15)):
        tables[table.title] = table
        report(tables)


def run(parts, options, document, console):
    """Measure what is not there yet, and keep it row by row; returns what went wrong, by part."""
    expected, failed = stamp(options), {}
    for part in parts:
        entry = document["parts"].get(part)
        if entry and entry["finished"] and entry["settings"] == expected and not options.fresh:
            console.print(f"{part}: already there")
            continue
        entry = {"settings": expected, "date": datetime.date.today().isoformat(), "finished": False, "tables": []}

        def keep(tables, entry=entry, part=part):
            entry["tables"] = [dataclasses.asdict(table) for table in tables.values()]
            document["parts"][part] = entry
            write(options.out, document)

        console.print(f"{part}: {PARTS[part][1]} …")  # no spinner, whose thread would run in the times
        try:
            measure(part, options, keep)
        except ArithmeticError as error:
            failed[part] = str(error)
        else:
            entry["finished"] = True
            write(options.out, document)
        for table in map(Table.read, entry["tables"]):
            console.print(table.terminal(), "")
    return failed


def read(path):
    """The document at ``path``, or an empty one; ValueError where it is something else."""
    if not path.exists():
        return {"parts": {}}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        _bench_page.tables(document)
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeError):
        raise ValueError(f"{path} holds no results of this script: move it away, or choose another --out") from None
    return document


def write(folder, document):
    """Whole or not at all: what was there stays until the new one is."""
    document["parts"] = {part: document["parts"][part] for part in PARTS if part in document["parts"]}
    new = folder / "bench.json.new"
    new.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(folder / "bench.json")


def arguments():
    listed = "\n".join(f"  {name:<11} {what}" for name, (_, what) in PARTS.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"parts:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--part", default=",".join(PARTS), help="the parts to measure, with commas between (all)")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds, under a minute")
    parser.add_argument("--rounds", type=int, help="rounds of timing (60, quick 5)")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the data (%(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "results", help="folder for the results (%(default)s)")
    parser.add_argument("--fresh", action="store_true", help="measure all parts asked for, finished or not")
    parser.add_argument("--readme", action="store_true", help="measure nothing: make the tables of the README anew")
    options = parser.parse_args()
    parts = [part.strip() for part in options.part.split(",") if part.strip()]
    if unknown := [part for part in parts if part not in PARTS] or not parts:
        what = f"no part {', '.join(unknown)}" if unknown is not True else "no part named"
        parser.exit(2, f"{parser.prog}: {what}; there are {', '.join(PARTS)}\n")
    if options.rounds is not None and options.rounds < 1:
        parser.exit(2, f"{parser.prog}: --rounds must be at least 1\n")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        document = read(options.out / "bench.json")
        write(options.out, document)
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    return options, parts, document


def main():
    options, parts, document = arguments()
    console, failed = Console(), {}
    if options.readme:
        if missing := [part for part in PARTS if not document["parts"].get(part, {}).get("finished")]:
            print(f"{Path(sys.argv[0]).name}: not measured yet: {', '.join(missing)}", file=sys.stderr)
            raise SystemExit(2)
        _bench_readme.update(document)
        return
    on_one_core()
    try:
        failed = run(parts, options, document, console)
        broken_off = ""
    except KeyboardInterrupt:
        broken_off = "broken off; run the command again to go on"
    page = _bench_page.write(options.out, document)
    console.print(f"Open {page.resolve().as_uri()}", soft_wrap=True)
    if problems := [f"{part}: {why}" for part, why in failed.items()] + [broken_off] * bool(broken_off):
        raise SystemExit("\n".join(problems))


if __name__ == "__main__":
    main()
