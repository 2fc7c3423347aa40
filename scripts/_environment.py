"""The environment in which the scripts run, made on first use: ``.venv``, with the project and its pinned dependencies.

Standard library only, so that a bare Python can start here.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PROJECT, CONSTRAINTS = ROOT / "pyproject.toml", ROOT / "scripts" / "constraints.txt"
STAMP = VENV / "installed"


def enter():
    """Go on if this Python has the packages; otherwise run the same command inside ``.venv``, made first if need be."""
    sys.path.insert(0, str(ROOT))
    for library in ("OMP", "OPENBLAS", "MKL"):  # threads that wait for a busy core slow everything and blur the times
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    missing = [name for name in _required() if not _installed(name)]
    if not missing:
        return
    if not _is_current():
        _install()
    elif Path(sys.prefix) == VENV:
        raise SystemExit(f"{VENV} lacks {', '.join(missing)}: delete that folder and run the command again.")
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for the command inside (which would inherit SIG_IGN)
    raise SystemExit(subprocess.call([PYTHON, *sys.argv]))


def here(*packages):
    """Go on in this Python, with the checkout on its path; exit status 2 if it lacks one of these packages."""
    sys.path.insert(0, str(ROOT))
    if missing := [name for name in packages if importlib.util.find_spec(name) is None]:
        remedy = f"pip install {' '.join(missing)}, or carry their wheels here and name them in PYTHONPATH"
        print(f"{Path(sys.argv[0]).name}: this Python lacks {', '.join(missing)}: {remedy}.", file=sys.stderr)
        raise SystemExit(2)


def _required():
    """The names of the distributions that the scripts need: the project's dependencies and those of its tests."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["test"]
    return [re.split(r"[^\w.-]", requirement)[0] for requirement in requirements]


def _installed(name):
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def _key():
    """What the environment is made of: another key, another installation."""
    files = hashlib.sha256(PROJECT.read_bytes() + CONSTRAINTS.read_bytes()).hexdigest()
    return f"Python {platform.python_version()}\n{files}\n"


def _is_current():
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == _key()


def _install():
    print(f"Setting up {VENV} (once; a few minutes) …", file=sys.stderr, flush=True)
    settings = VENV / "pyvenv.cfg"
    same = PYTHON.exists() and f"version = {platform.python_version()}\n" in settings.read_text()
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([sys.executable, "-m", "venv", *([] if same else ["--clear"]), VENV], check=True)
        subprocess.run([*pip, "--constraint", CONSTRAINTS, "--editable", f"{ROOT}[test]"], check=True)
    except subprocess.CalledProcessError as error:
        raise SystemExit(
            f"Setting up {VENV} failed (exit {error.returncode}); the lines above say why. It needs Python's "
            "venv module (on Debian: the package python3-venv) and the package index."
        ) from None
    STAMP.write_text(_key())
