"""What came of checking one function, and how it is told."""

import platform
from dataclasses import dataclass, field

import jax
import numpy as np

from ..measure.quantities import VALUES
from .words import told


@dataclass
class Result:
    """What came of checking one function: all ``findings``, or what the engine said it lacks.

    ``excused``: differences where the referee finds the engine right. ``smallest``: the smallest case found that is
    still wrong, in words, and ``rerun``: the line of Python that runs it. ``beside_cpu``: on another device, what
    differs from JAX's answer on the CPU. ``order``: the highest of the derivatives that were compared, 0 if none were.
    ``raised_at``: the user's own file and line where the engine raised. ``notes``: what the check could not ask, and
    how sharp it was. ``varied``: the variants of the arguments that were looked at as well, and ``unfit``: those for
    which the engine is not meant, with how it showed; ``at``: the variant where the findings are, if not at the
    arguments themselves.
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
    at: str = ""
    varied: list = field(default_factory=list)
    unfit: dict = field(default_factory=dict)

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

    def _though(self):
        if self.varied:
            yield f", there and at {len(self.varied)} variants"
        if self.unfit:
            yield f", not meant for {'; '.join(f'{name} ({how})' for name, how in self.unfit.items())}"
        values = [finding for finding in self.excused if finding.what in VALUES]
        if others := len(self.excused) - len(values):
            yield f", though JAX differs {others} times"
        if values:
            yield f", though its value is not the plain run's in the last digits ({values[0].difference.problem})"

    def __str__(self):
        of = self.name if self.engine == self.name else f"{self.name} by {self.engine}"
        head = f"{of} at {self.dtypes} {self.shapes}"
        if self.ok:
            return "; ".join([f"{head}: right{''.join(self._though())}", *self.notes])
        where = f" right there, but wrong at a variant: {self.at}" if self.at else ""
        lines = [f"{head}: no rule: {self.missing}"] if self.missing else [f"{head}:{where}"]
        lines += told(self.findings, self.beside_cpu)
        lines += self.notes
        lines += [f"smallest: {self.smallest}"] if self.smallest else []
        lines += [f"rerun: {self.rerun}"] if self.rerun else []
        versions = f"JAX {jax.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"
        lines += [f"on {jax.devices()[0].device_kind}; {versions}"]
        return "\n  ".join(lines)
