"""What came of checking one function, and how it is told."""

import platform
from dataclasses import dataclass, field

import jax
import numpy as np

from .words import told


@dataclass
class Result:
    """What came of checking one function: all ``findings``, or what the engine said it lacks.

    ``excused``: differences where the referee finds the engine right. ``smallest``: the smallest case found that is
    still wrong, in words, and ``rerun``: the line of Python that runs it. ``beside_cpu``: on another device, what
    differs from JAX's answer on the CPU. ``order``: the highest of the derivatives that were compared, 0 if none were.
    ``raised_at``: the user's own file and line where the engine raised. ``notes``: what the check could not ask, and
    how sharp it was.
    """

    name: str
    engine: str
    dtypes: str
    shapes: str
    findings: list = field(default_factory=list)
    missing: str = ""
    seconds: float = 0.0
    rerun: str = ""
    excused: list = field(default_factory=list)
    smallest: str = ""
    beside_cpu: list = field(default_factory=list)
    order: int = 0
    raised_at: tuple = ("", 0)
    notes: list = field(default_factory=list)

    @property
    def ok(self):
        return not (self.findings or self.beside_cpu or self.missing)

    @property
    def status(self):
        """In a word, one of those of records."""
        if self.missing:
            return "missing"
        errors = any(finding.what == "error" for finding in self.findings)
        return "error" if errors else "right" if self.ok else "wrong"

    def require(self):
        """This result; AssertionError with all that is wrong, unless all is well."""
        if not self.ok:
            raise AssertionError(self)
        return self

    def __str__(self):
        of = self.name if self.engine == self.name else f"{self.name} by {self.engine}"
        head = f"{of} at {self.dtypes} {self.shapes}"
        if self.ok:
            differs = f", though JAX differs {len(self.excused)} times" if self.excused else ""
            return "; ".join([f"{head}: right{differs}", *self.notes])
        lines = [f"{head}: no rule: {self.missing}"] if self.missing else [f"{head}:"]
        lines += told(self.findings, self.beside_cpu)
        lines += self.notes
        lines += [f"smallest: {self.smallest}"] if self.smallest else []
        lines += [f"rerun: {self.rerun}"] if self.rerun else []
        versions = f"JAX {jax.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"
        lines += [f"on {jax.devices()[0].device_kind}; {versions}"]
        return "\n  ".join(lines)
