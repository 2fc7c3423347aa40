"""What differences of its body say of a rule at a call, element by element of its cotangents."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from ..measure.extrapolation import Slopes, slopes

ASKED = 40  # elements of cotangents that differences are asked about
SAID = 8  # of these that a message lists


class NotChecked(Exception):
    """Why a rule could not be checked at a call."""


def short(error):
    text = f"{type(error).__name__}: {error}".strip().partition("\n")[0]
    return text if len(text) < 300 else f"{text[:297]}…"


class Subject(NamedTuple):
    """A rule at a call, for differences: ``value(moving)`` of its body and ``pull(moving, cotangents)`` by the rule.

    All are lists of arrays of real or complex numbers. ``places``: where those that move are in the arguments.
    ``jax_pull``: as ``pull``, by JAX's derivative of the body. ``trace()`` raises what the rule always does.
    """

    name: str
    places: list
    moving: list
    value: Callable
    pull: Callable
    jax_pull: Callable | None = None
    trace: Callable = lambda: None


class Said(NamedTuple):
    """What differences say of one element of a cotangent; ``finite``: whether JAX's derivative of the body is there."""

    place: str
    argument: int
    mine: float
    slopes: Slopes
    allowed: bool | None
    finite: bool

    def __str__(self):
        return f"vjp, argument {self.place}: {self.mine:.8g}, not {self.slopes}"


def cotangents_of(subject):
    """Few digits each, none zero; zero where the value is not finite."""
    rng, out = np.random.default_rng(0), []
    for y in subject.value(subject.moving):
        g = rng.choice([-1.0, 1.0], y.shape) * rng.integers(8, 24, y.shape) / 16
        out.append(np.where(np.isfinite(y), g, 0).astype(y.dtype))
    return out


def asked(subject, theirs=None):
    """What differences say of the rule's cotangents, where ``theirs`` are others if these are given."""
    cotangents = cotangents_of(subject)
    mine = subject.pull(subject.moving, cotangents)
    wide, eps = _widened(subject)
    tolerance = _sharpness(subject)
    size = max((float(np.max(np.abs(c[np.isfinite(c)]), initial=0)) for c in mine), default=0.0)
    said, places = [], []
    for k, c in enumerate(mine):
        differs = np.ones(c.shape, bool)
        if theirs is not None:
            differs = ~(np.abs(c - theirs[k]) <= tolerance * (np.abs(c) + 1e-3 * size))
        places += [(k, tuple(map(int, i))) for i in np.argwhere(differs)]
    if len(places) > ASKED:
        places = [places[i] for i in np.random.default_rng(0).choice(len(places), ASKED, replace=False)]
    for k, i in places:
        for unit in (1, 1j) if np.iscomplexobj(mine[k]) else (1,):
            slope = float(np.real(mine[k][i] * unit))
            scale = 0.01 * max(float(np.abs(wide[k][i])), 0.1)
            found = slopes(_along(subject, wide, cotangents, k, i, unit), scale, eps)
            own = tolerance * (abs(slope) + 1e-3 * size)
            allowed = found.allows(slope, own, 0.05 * size) if np.isfinite(slope) else False
            finite = theirs is None or bool(np.isfinite(theirs[k][i]))
            place = subject.places[k][1:].replace("]", "", 1) + (f" {list(i)}" if i else "")
            said.append(Said(place, k, slope, found, allowed, finite))
    return said


def _sharpness(subject):
    """The relative error up to which differences excuse a rule: an iteration in the body stops before its limit."""
    return max(1e-3, *(16 * float(np.finfo(x.dtype).eps) for x in subject.moving))


def _along(subject, moving, cotangents, k, i, unit):
    def value(step):
        moved = [np.array(x) for x in moving]
        moved[k][i] += step * unit
        pairs = zip(cotangents, subject.value(moved), strict=True)
        return sum(float(np.sum(np.real(np.where(g == 0, 0, np.asarray(g, y.dtype) * y)))) for g, y in pairs)

    def wide(step):
        with jax.enable_x64(True):
            return value(step)

    return wide if any(x.dtype.itemsize > np.dtype(y.dtype).itemsize for x, y in zip(moving, subject.moving)) else value


def _widened(subject):
    """The numbers in double precision if the body gives the same with them, and the relative error of its results."""
    moving = subject.moving
    narrow = max(float(np.finfo(x.dtype).eps) for x in moving)
    wide = [x.astype(np.complex128 if x.dtype.kind == "c" else np.float64) for x in moving]
    try:
        with jax.enable_x64(True):
            pairs = zip(subject.value(wide), subject.value(moving), strict=True)
            if all(a.shape == b.shape and np.allclose(a, b, 1e-2, 1e-2, equal_nan=True) for a, b in pairs):
                return wide, float(np.finfo(np.float64).eps)
    except Exception:  # the body insists on its dtypes
        pass
    return moving, narrow


def settled(subject, why):
    """What differences find wrong, in words, and notes. Raises NotChecked where they settle nothing."""
    try:
        said = asked(subject)
    except NotImplementedError as error:
        raise NotChecked(f"its rule refuses: {short(error)}") from error
    except Exception as error:
        try:
            subject.value(subject.moving)
        except Exception as inner:
            raise NotChecked(f"its body, called again with these arguments, raises {short(inner)}") from inner
        return raised(subject, error), []
    wrong = [s for s in said if s.allowed is False]
    if wrong:
        lines = [f"  {one}" for one in wrong[:SAID]]
        head = f"{subject.name}, by differences ({why}): {len(wrong)} of {len(said)} wrong"
        return "\n".join([head, *lines]), []
    settled = [one for one in said if one.allowed]
    if 2 * len(settled) < len(said) or not said:
        raise NotChecked(f"differences settle {len(settled)} of {len(said)} elements ({why})")
    error = _sharpness(subject) + max(one.slopes.bound / max(abs(one.mine), 1e-3) for one in settled)
    left = f", {len(said) - len(settled)} of {len(said)} elements undecided" if len(settled) < len(said) else ""
    return "", [f"by differences to within {error:.1g} of each number{left}: {why}"]


def raised(subject, problem):
    """What the rule raises whatever its numbers are, in words; else NotChecked, as where it refuses."""
    try:
        subject.trace()
    except NotImplementedError as error:
        raise NotChecked(f"its rule refuses: {short(error)}") from error
    except Exception as error:
        return f"{subject.name}: its rule raises {short(error)}"
    raise NotChecked(f"raised with random cotangents: {short(problem)}")
