"""The lines of the errors found in the peers, run again: those of a peer in one process that has nothing of ours."""

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from typing import NamedTuple

import numpy as np

from ..cases.peer_errors import FOUND_IN, PEER_ERRORS

_RUN = """
import json, sys, warnings
import numpy as np

warnings.simplefilter("ignore")
answers = []
keep = lambda got, true: answers.append([np.asarray(got).real.tolist(), np.asarray(got).imag.tolist()])
for line in json.load(sys.stdin):
    try:
        exec(line, {"print": keep})
    except Exception as error:
        answers.append(f"{type(error).__name__}: {error}")
print(json.dumps(answers))
"""


class Now(NamedTuple):
    """What the installed ``version`` of a peer gives: ``got``, an array, or the text of what it ``raised``."""

    version: str
    got: object = None
    raised: str = ""


def now(errors=PEER_ERRORS):
    """``Now`` by the lines of the errors; those of a peer that is not installed are left out."""
    found = {}
    for peer in FOUND_IN:
        lines = [error.line for error in errors if error.peer == peer]
        if lines and importlib.util.find_spec(peer):
            version = importlib.metadata.version(peer)
            found |= {line: _now(version, answer) for line, answer in zip(lines, _answers(lines), strict=True)}
    return found


def _answers(lines):
    command, given = [sys.executable, "-c", _RUN], json.dumps(lines)
    bare = {name: x for name, x in os.environ.items() if name != "XLA_FLAGS"}  # with which XLA rounds otherwise
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(command, input=given, capture_output=True, text=True, cwd=folder, check=True, env=bare)
    return json.loads(ran.stdout)


def _now(version, answer):
    if isinstance(answer, str):
        return Now(version, raised=answer)
    real, imaginary = map(np.asarray, answer)
    return Now(version, real + 1j * imaginary if np.any(imaginary) else real)
