"""The engines under test that stand ready: ours in several ways, JAX, and differences."""

import importlib
import operator
import sys
import traceback
from pathlib import Path

import jax
import numpy as np
import optree

import scratch_ad
from scratch_ad.intro import tiny

from .. import lift
from .guard import is_users, said, watching
from .peers import PEERS
from .protocol import Engine


def _numerical_jvp(f, primals, tangents):
    """A central difference along the tangents, with the step that balances its two errors, whatever their size."""
    largest = max((float(np.max(np.abs(t), initial=0.0)) for t in optree.tree_leaves(tangents)), default=0.0)
    eps = max(np.finfo(leaf.dtype).eps for leaf in map(np.asarray, optree.tree_leaves(primals)))
    step = 2.0 ** -round(np.log2(largest or 1.0)) * eps ** (1 / 3)
    move = lambda h: optree.tree_map(lambda x, t: np.asarray(x + h * t, np.result_type(x))[()], primals, tangents)
    slope = lambda after, before: np.asarray((after - before) / (2 * step), np.result_type(after))[()]
    return f(*primals), optree.tree_map(slope, f(*move(step)), f(*move(-step)))


def _numerical_vjp(f, *primals):
    """The transpose of what ``_numerical_jvp`` does for each element of each argument."""
    leaves, spec = optree.tree_flatten(primals)
    zeros = [np.zeros_like(leaf) for leaf in leaves]

    def along(k, i, direction):
        t = [z.copy() if j == k else z for j, z in enumerate(map(np.asarray, zeros))]
        t[k].flat[i] = direction
        return optree.tree_leaves(_numerical_jvp(f, primals, optree.tree_unflatten(spec, t))[1])

    def pullback(cotangent):
        g = optree.tree_leaves(cotangent)
        pair = lambda t: sum(np.sum(np.asarray(a * b)) for a, b in zip(g, t, strict=True))
        result = []
        for k, leaf in enumerate(map(np.asarray, leaves)):
            c = np.zeros_like(leaf)
            for i in range(leaf.size):
                c.flat[i] = np.real(pair(along(k, i, 1)))
                if leaf.dtype.kind == "c":
                    c.flat[i] -= 1j * np.real(pair(along(k, i, 1j)))
            result.append(c[()])
        return optree.tree_unflatten(spec, result)

    return f(*primals), pullback


OURS = Engine("scratch_ad", scratch_ad.jvp, scratch_ad.vjp, exact=True)
FORWARD = Engine("scratch_ad-forward", jvp=scratch_ad.jvp, exact=True)
REVERSE = Engine("scratch_ad-reverse", vjp=scratch_ad.vjp, exact=True)
COMPILED = Engine(
    "scratch_ad-compiled",
    scratch_ad.jvp,
    scratch_ad.vjp,
    missing=(NotImplementedError, jax.errors.ConcretizationTypeError),  # where the result's shape depends on numbers
    program=lift.jit,
)
ON_JAX = Engine("scratch_ad-jax", scratch_ad.jvp, scratch_ad.vjp, program=lift.eager)
TINY = Engine("tiny", tiny.jvp, tiny.vjp)
JAX = Engine("jax", lift.jvp, lift.vjp)
NUMERICAL = Engine("numerical", _numerical_jvp, _numerical_vjp, order=1, slack=1e6, exact=True)
ENGINES = {engine.name: engine for engine in (OURS, FORWARD, REVERSE, COMPILED, ON_JAX, TINY, JAX, NUMERICAL)}


def engine(name):
    """The engine of this name: a ready one, a peer, or a user's own, given as ``package.module:object``.

    Raises ValueError if there is none of the name, if a peer is not installed, or if the object is no ``Engine``.
    """
    if name in ENGINES:
        return ENGINES[name]
    if name in PEERS:
        try:
            return PEERS[name]()
        except ImportError as error:
            raise ValueError(f"engine {name}: {error}; in the checkout: pip install -e '.[bench]'.") from error
    module, _, path = name.partition(":")
    if not (module and path):
        known = ", ".join((*ENGINES, *PEERS))
        raise ValueError(f"no engine {name}: take one of {known}, or package.module:object.")
    sys.path[:] = dict.fromkeys(("", *sys.path))  # as python -m does
    try:
        with watching():
            found = operator.attrgetter(path)(importlib.import_module(module))
    except BaseException as error:  # whatever a user's module does when it is imported
        if is_users(error):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f" ({Path(where.filename).name}:{where.lineno})" if where.filename != __file__ else ""
        raise ValueError(f"no engine {name}: {said(error)}{place}.") from error
    if not isinstance(found, Engine):
        raise ValueError(f"{name} is no engine: make it a jax_ref.Engine.")
    return found
