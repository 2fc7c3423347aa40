"""Check everything: lint, format, types, and the tests with warnings as errors.

python3 scripts/test.py [arguments for pytest]
"""

import os
import subprocess
import sys

import _environment

_environment.enter()

CHECKS = {  # of the tests three at once on two cores, as some wait for processes
    "ruff check": ["ruff", "check"],
    "ruff format": ["ruff", "format", "--check"],
    "pytest": ["pytest", "-n", "3", "--dist", "loadgroup", "-q", "--durations", "15", *sys.argv[1:]],
}
MEANWHILE = {"pyright": ["pyright", "--pythonpath", sys.executable]}


def started(arguments, **options):
    return subprocess.Popen([sys.executable, "-m", *arguments], cwd=_environment.ROOT, text=True, **options)


def main():
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the tests start a few hundred processes
    into = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    meanwhile = {name: started(arguments, **into) for name, arguments in MEANWHILE.items()}
    failed = []
    for name, arguments in CHECKS.items():
        print(f"\n── {name}", flush=True)
        if started(arguments).wait():
            failed.append(name)
    for name, process in meanwhile.items():
        print(f"\n── {name}\n{process.communicate()[0]}", end="", flush=True)
        if process.returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"\nfailed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
