"""Check everything: lint, format, types, and the tests with warnings as errors.

python3 scripts/test.py [arguments for pytest]
"""

import subprocess
import sys

import _environment

_environment.enter()

CHECKS = {
    "ruff check": ["ruff", "check"],
    "ruff format": ["ruff", "format", "--check"],
    "pyright": ["pyright", "--pythonpath", sys.executable],
    "pytest": ["pytest", "-n", "2", "--dist", "loadgroup", "-q", "--durations", "15", *sys.argv[1:]],
}


def main():
    failed = []
    for name, arguments in CHECKS.items():
        print(f"\n── {name}", flush=True)
        if subprocess.call([sys.executable, "-m", *arguments], cwd=_environment.ROOT):
            failed.append(name)
    if failed:
        raise SystemExit(f"\nfailed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
