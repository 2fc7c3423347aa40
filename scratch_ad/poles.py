"""Cotangents beside poles whose infinities cancel: ``np.sqrt(np.diff(x, prepend=x[:1]))``, where x₀ − x₀ is always 0.

Several edges lead from the pole to one number there, each with an infinity: ∞ − ∞, where no single edge sees a zero
weight. So the tape is walked with pairs, dual numbers of forward mode: the value is the part that is finite, and the
tangent what has met a pole, each time by a number of its own in the place of the infinity. Where that adds up to
exactly 0, nothing depends on the pole, and the finite part is the cotangent.
"""

import functools

import numpy as np

from .careful import not_finite, replaced
from .chain import has_nan, over, plain, through, times
from .fast import FastForward
from .forward import Dual
from .reverse import backward
from .tracer import anywhere, rebuild, strip


def settled(cotangents, nodes, seeds):
    """The cotangents of the inputs, without the nan's that are there for infinities that cancel."""
    trace = FastForward(plain)
    pairs = [(at, Dual(trace, g, np.zeros_like(g))) for at, g in seeds]
    try:
        pairs = backward(nodes, pairs, len(cotangents), _steps(trace))
    except (TypeError, NotImplementedError, np.linalg.LinAlgError):  # a map that takes plain numbers, or not any
        return cotangents
    return [_settled(c, *_parts(trace, pair)) if has_nan(c) else c for c, pair in zip(cotangents, pairs, strict=True)]


def _settled(c, finite, met):
    return np.where(np.logical_and(np.isnan(c), np.equal(met, 0)), finite, c)[()]


def _parts(trace, u):
    return (u.value, u.tangent) if trace.owns(u) else (u, np.zeros_like(u))


def _steps(trace):
    """The steps of the chain rule on pairs."""
    rng = np.random.default_rng(0)

    def split(v, at_pole, other):
        """``v`` away from poles; there 0, and ``other`` in the part that has met one."""
        if not anywhere(at_pole):
            return v
        met = np.where(at_pole, sum(_parts(trace, other)) * rng.uniform(1, 2, other.shape).astype(other.dtype), 0)
        return np.where(at_pole, 0, v) + Dual(trace, np.zeros_like(met), met)

    def step_times(u, partial, kept):
        p = partial(*kept)
        at_pole = not_finite(strip(p))
        return split(u * np.where(at_pole, 0, p), at_pole, u + np.zeros_like(p))

    def step_over(u, divisor, kept):
        d = divisor(*kept)
        at_pole = np.logical_or(np.equal(strip(d), 0), np.isnan(strip(d)))
        return split(u / np.where(at_pole, 1, d), at_pole, u + np.zeros_like(d))

    def step_through(u, linear_map, kept):
        first, second = (linear_map(u, *replaced(rng, not_finite, kept)) for _ in range(2))
        if not isinstance(first, (tuple, list)):
            return None if first is None else one_through(first, second)
        return rebuild(first, [None if a is None else one_through(a, b) for a, b in zip(first, second, strict=True)])

    def one_through(first, second):
        differ = functools.reduce(np.logical_or, map(np.not_equal, _parts(trace, first), _parts(trace, second)))
        return split(first, strip(differ), first)

    return {times: step_times, over: step_over, through: step_through}
