"""Run the whole notebook: every script of results, then one page that shows them, results/index.html.

The first run sets up the environment. A script that has finished is not run again while the seed, the size and the
sources are the same (--fresh runs all), so a run that is broken off goes on where it stopped.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import _environment

_environment.enter()

import _page
from _results import ROOT, finished, parsed, seed, settings
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

SCRIPTS = ["train_classifier", "step_size_error", "expression_swell", "cost_scaling", "evaluation_animation"]


def run(name, options, report):
    """Run one script, handing on each line it prints; returns its exit code and what it printed."""
    script, folder = ROOT / "scripts" / f"{name}.py", options.out / name
    command = [sys.executable, script, "--out", folder, "--seed", str(options.seed), *["--quick"] * options.quick]
    printed = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            for line in process.stdout or ():
                printed.append(line)
                report(line.strip())
        except KeyboardInterrupt:
            process.kill()
            raise
    return process.returncode, "".join(printed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "results", help="folder for all results (%(default)s)")
    parser.add_argument("--seed", type=seed, default=0, help="seed of every random number (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a smaller run of the same kind, under a minute")
    parser.add_argument("--fresh", action="store_true", help="run every script, finished or not")
    options = parsed(parser)
    expected = settings(options.seed, options.quick)
    console, done, broken_off = Console(), [], False

    columns = [
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.fields[name]:<21}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    ]
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks = {name: progress.add_task("", name=name, start=False, total=1) for name in SCRIPTS}
        try:
            for name, task in tasks.items():
                progress.start_task(task)
                if finished(options.out / name, expected) and not options.fresh:
                    status = "already there"
                else:
                    begin = time.perf_counter()
                    code, printed = run(name, options, lambda line, task=task: progress.update(task, description=line))
                    status = f"failed, exit {code}" if code else f"{time.perf_counter() - begin:.0f} s"
                    if code:
                        console.print(escape(printed))
                if not status.startswith("failed"):
                    done.append(name)
                progress.update(task, completed=name in done, description=status)
                if not console.is_terminal:
                    print(f"{name}: {status}", flush=True)
        except KeyboardInterrupt:
            broken_off = True
    missing = [name for name in SCRIPTS if name not in done]
    if done:
        page = _page.write(options.out, done, missing, expected)
        console.print(f"\nOpen {page.resolve().as_uri()}", soft_wrap=True)
    if missing:
        raise SystemExit(f"not finished: {', '.join(missing)}" + "; run the command again to go on" * broken_off)


if __name__ == "__main__":
    main()
