"""Where and along what a function is differentiated: random tangents and cotangents, and others nearby."""

import zlib
from typing import NamedTuple

import numpy as np
import optree

from .values import plainly


class Vectors(NamedTuple):
    """Where and along what a function is differentiated, each in the containers of what it belongs to."""

    primals: tuple
    tangents: tuple
    others: tuple
    cotangent: object
    second: object  # another cotangent

    def turned(self):
        """The same point, with the two of each kind exchanged."""
        return Vectors(self.primals, self.others, self.tangents, self.second, self.cotangent)


def vectors(function, primals, seed):
    """Random tangents and cotangents for ``function`` at ``primals``; the same for the same text ``seed``.

    They have few digits, so that combinations of them are exact in every dtype; and none is 0, which hides an element.
    """
    rng = np.random.default_rng(zlib.crc32(seed.encode()))

    def like(x):
        v = np.round(rng.normal(size=(2, *np.shape(x))) * 16) / 16
        v[v == 0] = 1 / 16
        v = v[0] + 1j * v[1] if np.iscomplexobj(x) else v[0]
        return np.asarray(v, np.result_type(x))[()]

    out = plainly(function, primals)
    out, random = optree.tree_map(np.asarray, out), lambda tree: optree.tree_map(like, tree)
    return Vectors(primals, random(primals), random(primals), random(out), random(out))


def nudged(vectors, seed):
    """The vectors with numbers changed at random, up or down by a relative step; and the step.

    For even seeds all numbers change, by √ε: the results then show the condition, and across a kink no more than a
    jump times √ε. For odd seeds only tangents and cotangents do, in their last places: that shows the rounding errors
    of sums that cancel on the way.
    """
    rng = np.random.default_rng(seed)
    eps = digits_of(vectors)
    step = 8 * eps if seed % 2 else float(np.sqrt(eps))

    def nudge(x):
        with np.errstate(all="ignore"):
            # by steps of different sizes, as equal ones would cancel where the numbers do
            steps = step * rng.choice([-1.0, 1.0], np.shape(x)) * rng.uniform(0.75, 1.25, np.shape(x))
            return np.asarray(x * (1 + steps), np.result_type(x))[()]

    moved = Vectors(*(optree.tree_map(nudge, tree) for tree in vectors))
    return (moved._replace(primals=vectors.primals) if seed % 2 else moved), step


def digits_of(vectors):
    """The distance from 1 to the next number, in the dtype of fewest digits."""
    return float(np.finfo(coarsest_dtype(vectors)).eps)


def coarsest_dtype(tree):
    """The dtype of fewest digits in a container."""
    return max((np.asarray(leaf).dtype for leaf in optree.tree_leaves(tree)), key=lambda dtype: np.finfo(dtype).eps)
