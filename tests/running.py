"""The scripts, run as a person runs them."""

import subprocess
import sys
from pathlib import Path

import _environment

SCRIPTS = Path(_environment.__file__).parent
NAMES = ["train_classifier", "step_size_error", "expression_swell", "cost_scaling", "evaluation_animation"]


def command(name, *arguments):
    return [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments)]


def output(name, *arguments):
    done = subprocess.run(command(name, *arguments), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
