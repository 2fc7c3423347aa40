"""Rules over their whole domain: first and second derivatives of functions of numbers against the referee's.

Right is what has half of the digits of its dtype, of the derivative at the very numbers given or at ones that differ by
a few units in the last place. Where SciPy's value itself is wrong, or not finite, nothing is asked.
"""

import contextlib
import itertools
import json
import math
import signal
from typing import NamedTuple

import mpmath
import numpy as np

from scratch_ad import jvp, vjp

from ..cases import domains
from ..referee import estimates
from ..referee.precise import Undecided
from .lines import written

SIZE = 72  # points of a task: what takes long is to differentiate, of many numbers as of few
LIMIT = 0.1  # seconds of computing for one derivative in many digits
ULPS, ROUNDING = 4, 1000  # by which arguments may differ, and a sum of terms that cancel, in units of the last place
COUNTS = {
    "right": "right",
    "wrong": "wrong",
    "argued": "wrong, for a known reason",
    "value": "not asked, since SciPy's value is wrong there",
    "undecided": "undecided",
    "lost": "lost, since the process that asked ended",
}


def _forward(f):
    return lambda x: jvp(f, (x,), (np.ones_like(x),))[1]


def _reverse(f):
    def derivative(x):
        y, pull = vjp(f, x)
        return pull(np.ones_like(y))[0]

    return derivative


DTYPES = {"float64": "d", "float32": "f", "float16": "e", "complex128": "D"}
FEWER = 16  # points of other dtypes than float64

MODES = {"jacfwd": _forward, "jacrev": _reverse}


def stretches(names=(), dtypes=(), seed=""):
    """The tasks for these functions, in short or whole names, and dtypes, by default all: float64 at all points.

    Raises ValueError for a name or a dtype that is not among them.
    """
    if unknown := set(dtypes) - {*DTYPES}:
        raise ValueError(f"--domain looks at no {', '.join(sorted(unknown))}, only at {', '.join(DTYPES)}.")
    every = domains.FUNCTIONS
    asked = [name for name in every if not names or {name, name.rpartition(".")[2], name[3:]} & {*names}]
    found = {word for word in names for name in asked if word in (name, name.rpartition(".")[2], name[3:])}
    if missing := set(names) - found:
        raise ValueError(f"no domain is known of {', '.join(sorted(missing))}; see jax_ref/cases/domains.py.")
    for dtype in dtypes or DTYPES:
        for name in asked:
            if dtype == "complex128" and name in domains.NOT_ANALYTIC:
                continue
            if any({DTYPES[dtype]} <= {*loop} <= {*"il", DTYPES[dtype]} for loop in _loops(name, dtype)):
                most = None if dtype == "float64" else FEWER
                for first in range(0, len(domains.points(name, dtype, seed, most)), SIZE):
                    yield Stretch(name, dtype, seed, most, first)


def _loops(name, dtype):
    """The loops of the function whose last argument is of the dtype; orders and parameters of complex ones are real."""
    function, _ = domains.FUNCTIONS[name]
    for loop in function.types:
        given = loop.partition("->")[0]
        yield given if given[-1] == DTYPES[dtype] and dtype != "complex128" else given[-1]


class Wrong(NamedTuple):
    """A derivative that is wrong: of an argument and an output, by number, in these modes, the innermost first."""

    point: tuple
    argument: int
    output: int
    modes: tuple
    got: str
    truth: str
    off: float
    line: str


class Stretch(NamedTuple):
    """Some points of one function in one dtype, those from ``first`` on, ``SIZE`` at most: a task of a ``Crew``.

    ``most``: how many points there are in all, by default all of ``domains.points``.
    """

    name: str
    dtype: str = "float64"
    seed: str = ""
    most: int | None = None
    first: int = 0

    def points(self):
        return domains.points(self.name, self.dtype, self.seed, self.most)[self.first : self.first + SIZE]

    def records(self):
        return self.examined()

    @staticmethod
    def accepted(answer):
        counts, wrong = json.loads(answer)
        return counts, [Wrong(*w) for w in wrong]

    @staticmethod
    def lost(status, _words):
        return {"undecided" if status == "timeout" else "lost": SIZE}, []

    @np.errstate(all="ignore")
    def examined(self):
        """How many derivatives are what, by the keys of ``COUNTS``, and the wrong ones, the worst first."""
        function, _ = domains.FUNCTIONS[self.name]
        counts, wrong = dict.fromkeys(COUNTS, 0), []
        for output in range(function.nout):
            f = function if function.nout == 1 else lambda *args, j=output: function(*args)[j]
            asked = [p for p in self.points() if np.isfinite(f(*p))]
            if asked:
                self._ask(f, output, asked, counts, wrong)
        return counts, sorted(wrong, key=lambda w: -w.off)

    def _ask(self, f, output, asked, counts, wrong):
        columns = [np.array(column) for column in zip(*asked, strict=True)]
        kind = np.dtype(self.dtype).kind  # a real argument beside a complex one has half of a derivative
        places = [k for k, column in enumerate(columns) if column.dtype.kind == kind]
        answers = {}
        for k, order in itertools.product(places, (1, 2)):
            of_one = lambda x, k=k: f(*columns[:k], x, *columns[k + 1 :])
            for modes in itertools.product(MODES, repeat=order):
                derivative = of_one
                for mode in modes:
                    derivative = MODES[mode](derivative)
                with contextlib.suppress(NotImplementedError):
                    answers[k, modes] = derivative(columns[k])
        for i, point in enumerate(asked):
            for k, order in itertools.product(places, (1, 2)):
                got = {modes: np.asarray(a)[i] for (j, modes), a in answers.items() if (j, len(modes)) == (k, order)}
                if not got:
                    continue
                if order == 1:
                    size = abs(f(*point))
                status, found = judged(f, point, k, order, got, size)
                if status == "wrong":
                    modes, answer, true, off = found
                    if domains.reason(self.name, point, k, order, answer, true.value[()]):
                        status = "argued"
                    else:
                        place, line = tuple(map(str, point)), self.line(point, k, output, modes)
                        words = str(answer), str(true.text()[()])
                        wrong.append(Wrong(place, k, output, modes, *words, off, line))
                counts[status] += 1
                if status in ("value", "undecided"):
                    break
                size = max(map(abs, got.values()))

    def line(self, point, argument, output, modes):
        """The line of Python that asks for this derivative again."""
        module, _, name = self.name.rpartition(".")
        written_out = [*map(written, point)]
        x, written_out[argument] = written_out[argument], "x"
        call = f"{module}.{name}({', '.join(written_out)})" + f"[{output}]" * (domains.FUNCTIONS[self.name][0].nout > 1)
        derivative = f"lambda x: {call}"
        for mode in modes:
            derivative = f"ad.{mode}({derivative}{', holomorphic=True' * np.iscomplexobj(point[argument])})"
        return f"import numpy as np, scratch_ad as ad; from scratch_ad import scipy; print({derivative}({x}))"


@contextlib.contextmanager
def within(seconds):
    """Raise ``Undecided`` after so many seconds of computing, where the platform can tell."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(*_):
        raise Undecided(f"not finished after {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, seconds)  # again, if what ran then could raise nothing
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def truth(f, point, argument, order):
    """The ``Estimate`` of the first or second derivative in one argument; raises ``Undecided``."""
    tangents = tuple(np.result_type(x).type(k == argument) for k, x in enumerate(point))
    with within(LIMIT):
        (found,) = estimates.jvp(f, point, tangents) if order == 1 else estimates.second(f, point, tangents, tangents)
    return found


def judged(f, point, argument, order, got, size):
    """Whether the answers by modes are right, as a key of ``COUNTS``.

    And of the first wrong one the modes, the answer, the ``Estimate`` and the relative error.
    ``size``: that of the value, or of the first derivative.
    """
    try:
        estimate = truth(f, point, argument, order)
    except estimates.OtherValue:
        return "value", None
    except (Undecided, ArithmeticError):
        return "undecided", None
    if not estimate.decided[()] or (estimate.kink[()] and not mpmath.isfinite(estimate.left[()] - estimate.right[()])):
        return "undecided", None
    dtype = min(map(np.result_type, got.values()), key=lambda t: t.itemsize)  # an argument's may be less than a value's
    eps = float(np.finfo(dtype).eps)
    tolerance = math.sqrt(eps)
    if dtype.itemsize > 2 and min(size, abs(estimate.value[()])) < np.finfo(dtype).tiny / eps:
        tolerance = 1.0  # where what is multiplied has lost its digits already
    scale = float(min(ROUNDING * eps / tolerance * size / max(abs(point[argument]), 1), np.finfo(float).max))
    found = []
    for modes, answer in got.items():
        if np.isnan(answer) or estimates.right(answer, estimate, tolerance, scale)[()] is False:
            found.append((modes, answer))
    if not found:
        return "right", None
    modes, answer = found[0]
    value = estimate.value[()]
    error = abs(mpmath.mpmathify(answer.item()) - value) if np.isfinite(answer) else mpmath.inf
    if mpmath.isfinite(error) and error <= tolerance * abs(value) + _nearby(f, point, argument, order):
        return "right", None
    if not estimates.agrees(f, point):
        return "value", None
    return "wrong", (modes, answer, estimate, float(error / abs(value)) if value else math.inf)


def _nearby(f, point, argument, order):
    """By how much the derivative differs between arguments that a few units in the last place part."""
    total = 0
    for k, x in enumerate(point):
        if np.result_type(x).kind not in "fc":
            continue
        step = ULPS * np.finfo(np.result_type(x)).eps * x
        moved = [(*point[:k], x + s * step, *point[k + 1 :]) for s in (-1, 1)]
        if step == 0 or not all(np.isfinite(p[k]) for p in moved):
            continue
        with contextlib.suppress(Undecided, ArithmeticError):
            low, high = (truth(f, p, argument, order).value[()] for p in moved)
            if mpmath.isfinite(high - low):
                total += abs(high - low)
    return total
