"""When two results are the same: container, shape, dtype, and each element by itself.

An element may differ from the reference by some units in the last place of |reference| + condition. The condition is
measured, not guessed: by how much the reference itself moves, per unit of relative change, when primals, tangents and
cotangents are changed in their last places. It is what separates a sum that cancels from a wrong one. There is no norm
and nothing grows with the size of the array.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import optree

# Units in the last place: of first and of second derivatives. float16 is computed in float32 by XLA, not by NumPy.
ULPS = {
    "float16": (8, 32),
    "float32": (64, 256),
    "float64": (64, 256),
    "complex64": (64, 256),
    "complex128": (64, 256),
}
WIDEST = 0.1  # tolerance that an engine's slack can make, relative to a number


# Functions whose rounding errors are relative to the largest number that they meet, not to each by itself.
NORMWISE = {
    **dict.fromkeys(
        (
            "np.linalg.eig",
            "np.linalg.eigh",
            "np.linalg.eigvals",
            "np.linalg.svd",
            "np.linalg.eigvalsh",
            "np.linalg.svdvals",
            "np.linalg.lstsq",
            "np.linalg.pinv",
            "np.linalg.det",
            "np.linalg.qr",
            "np.polyfit",
            "np.roots",
            *(f"scipy.linalg.{name}" for name in ("det", "eigh", "polar", "qr", "svd")),
            "scipy.signal.detrend",
        ),
        "decompositions by orthogonal matrices are stable in the norm only (Golub and Van Loan, section 5.1)",
    ),
    "scipy.linalg.expm": "scaling and squaring is stable in the norm (Higham, Functions of Matrices, section 10.3)",
    **dict.fromkeys(
        (f"scipy.signal.{name}" for name in ("convolve", "correlate", "fftconvolve", "csd", "welch", "stft", "istft")),
        "so is what goes through Fourier transforms (Higham, Accuracy and Stability, chapter 24)",
    ),
}


# Where a device computes less exactly than the suite allows: how many times, and why; by platform and function or
# setting. CUDA's own functions err by at most some ten units in the last place (CUDA C++ Programming Guide, appendix
# "Mathematical Functions"), which needs no entry here.
WIDER = {
    ("gpu", "default precision"): (2.0**13, "TF32 keeps 10 of the 23 bits of the factors of a float32 product"),
}


def wider(platform, what):
    """The factor by which the tolerance is wider on this platform for a function or a setting."""
    factor, _reason = WIDER.get((platform, what), (1.0, ""))
    return factor


class Compared(NamedTuple):
    """Two arrays, how far apart each of their elements may be, and where they are too far."""

    got: np.ndarray
    expected: np.ndarray
    limit: np.ndarray
    wrong: np.ndarray


@dataclass(frozen=True)
class Difference:
    """How a result differs from the reference: the ``problem`` in words, and if numbers differ the worst of them."""

    problem: str
    place: str = ""  # of the leaf in its container
    index: tuple = ()
    got: object = None
    expected: object = None
    tolerance: float = 0.0
    form: tuple = ()  # what differs and is no number, of both in words
    amount: str = ""  # by how much numbers differ, and how many
    compared: Compared | None = field(default=None, compare=False, repr=False)

    def __str__(self):
        where = f"{self.place}{list(self.index)}" if self.index else self.place
        return f"{where}: {self.problem}" if where else self.problem


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: with which quantity and mode, how, and what it looks like."""

    what: str
    mode: str
    difference: Difference
    hint: str = ""
    verdict: str = ""
    turned: bool = False  # at the turned vectors

    def __str__(self):
        notes = "".join(
            f"\n    {label}: {text}" for label, text in (("hint", self.hint), ("referee", self.verdict)) if text
        )
        return f"{self.what}: {self.difference}{notes}"


def replaced_others(name, replaced):
    """That an engine of this name has replaced what other code uses, as a finding."""
    words = f"{name} replaced {', '.join(replaced)}, which it shares with all other code: give it a name of its own"
    return Finding("error", "", Difference(words))


def differences(got, expected, condition=0.0, order=1, slack=1.0, coarsest=None):
    """Where ``got`` is not ``expected``: a list of ``Difference``, empty if all is well.

    A leaf has one at most, but for one of another dtype: its numbers are compared as well.

    ``condition``: containers like ``expected`` (see the head of this module), or one number. ``order``: of the
    derivative that they are, 1 or 2; 0 for a value, of which also the sign of a zero counts. ``slack`` multiplies the
    tolerance. ``coarsest``: the dtype of fewest digits among the numbers that they were computed from.
    """
    paths, got_leaves, got_spec = optree.tree_flatten_with_path(got)
    expected_leaves, spec = optree.tree_flatten(expected)
    if got_spec != spec:
        return [_of_form("container", shown(got_spec), shown(spec))]
    uniform = isinstance(condition, float)
    conditions = [condition] * len(expected_leaves) if uniform else optree.tree_leaves(condition)
    found = []
    for path, a, b, c in zip(paths, got_leaves, expected_leaves, conditions, strict=True):
        place = "".join(f"[{p!r}]" for p in path)
        found += _of_leaf(place, np.asarray(a), np.asarray(b), c, order, slack, coarsest)
    return found


def mismatch(got, expected, order=1, condition=0.0):
    """``differences`` in words; empty if there are none."""
    return "; ".join(map(str, differences(got, expected, condition, order)))


def shown(spec):
    """A container in words, as its brackets around its arrays."""
    text = str(spec).removeprefix("PyTreeSpec(").removesuffix(")").removesuffix(", NoneIsLeaf")
    return text.replace("*", "array")


def _of_form(kind, got, expected, place=""):
    words = [f"{kind} {x}".strip() for x in (got, expected)]
    return Difference(f"{words[0]}, not {expected}", place, form=tuple(words))


def _of_leaf(place, a, b, condition, order, slack, coarsest):
    if a.shape != b.shape:
        return [_of_form("shape", a.shape, b.shape, place)]
    if a.dtype != b.dtype:
        form = _of_form("dtype", a.dtype, b.dtype, place)
        if not {a.dtype.name, b.dtype.name} <= ULPS.keys():
            return [form]
        rounded = max((a.dtype, b.dtype, coarsest or b.dtype), key=lambda dtype: np.finfo(dtype).eps)
        wider = np.result_type(a, b)
        return [
            form,
            *_of_leaf(place, a.astype(wider), b.astype(wider), condition, max(order, 1), slack or 1.0, rounded),
        ]
    if a.dtype.kind not in "fc":
        return [] if np.array_equal(a, b) else [_of_form("", a, b, place)]
    return _of_numbers(place, a, b, condition, order, slack, coarsest)


def _of_numbers(place, a, b, condition, order, slack, coarsest):
    limit = tolerance(b, condition, order, slack, coarsest)
    with np.errstate(all="ignore"):
        error = np.abs(a - b).astype(np.float64)
        same = np.where(np.isfinite(a) & np.isfinite(b), error <= limit, (a == b) | (np.isnan(a) & np.isnan(b)))
    if order == 0:
        same &= (a != 0) | (b != 0) | (_signs(a) == _signs(b))
    if same.all():
        return []
    with np.errstate(all="ignore"):
        excess = np.where(same, -1, np.where(np.isfinite(error), error / limit, np.inf))
    index = tuple(map(int, np.unravel_index(np.argmax(excess), a.shape)))
    x, y, wrong, ratio = a[index], b[index], int(np.sum(~same)), ""
    amount = f"{wrong} of {a.size} wrong"
    if np.isfinite(x) and np.isfinite(y):
        ratio = f", ratio {short(x / y)}" if y else ""
        limited = f"> {limit[index]:.3g}" if limit[index] else "where none is allowed"
        too_far = error[index] > limit[index]
        amount = f"{f'|difference| {error[index]:.3g} {limited}' if too_far else 'the sign of zero'}; {amount}"
    found = Compared(a, b, limit, ~same)
    return [
        Difference(
            f"{x!s}, not {y!s}{ratio}; {amount}", place, index, x, y, float(limit[index]), amount=amount, compared=found
        )
    ]


def short(x):
    """A number in six digits; a part of a complex one that does not count beside the other is left out."""
    if not np.iscomplexobj(x) or not np.isfinite(x):
        return f"{x:.6g}"
    real, imag = (part if abs(part) > 5e-7 * abs(x) else 0.0 for part in (x.real, x.imag))
    return f"{complex(real, imag):.6g}" if real and imag else f"{imag:.6g}j" if imag else f"{real:.6g}"


def _signs(x):
    return np.signbit(x.real) + 2 * np.signbit(x.imag)


def tolerance(expected, condition=0.0, order=1, slack=1.0, coarsest=None):
    """How far from ``expected`` each element may lie, as float64."""
    scale = np.abs(expected).astype(np.float64) + condition
    tiny = 4 * float(np.finfo(expected.dtype).tiny)  # XLA has no subnormal numbers
    with np.errstate(invalid="ignore"):  # no slack at all, times infinity
        return relative((expected.dtype, coarsest or expected.dtype), order, slack) * scale + slack * tiny


def relative(dtypes, order=1, slack=1.0):
    """The relative tolerance of what was computed in these dtypes with that slack, which leaves one digit at least."""
    exact = unit(dtypes, order)
    return min(slack * exact, max(exact, WIDEST))


def unit(dtypes, order=1):
    """The relative tolerance of what was computed in these dtypes."""
    return max(ULPS[np.dtype(d).name][max(order, 1) - 1] * float(np.finfo(d).eps) for d in dtypes)
