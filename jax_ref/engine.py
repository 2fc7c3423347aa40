"""What an engine under test offers, and those that stand ready here: ours in several ways, JAX, and differences.

An engine gives ``jvp``, ``vjp`` or both, in JAX's form, for functions of positional arguments that are written in
calls of its ``namespace``. A function that it lacks raises one of ``missing``: that is reported, and is no failure.
"""

import importlib
import operator
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import optree

import scratch_ad

from . import lift


@dataclass(frozen=True)
class Engine:
    """An engine under test.

    ``jvp(f, primals, tangents) -> (out, tangent_out)`` and ``vjp(f, *primals) -> (out, pullback)`` take and return
    NumPy arrays in any containers; None where the engine has no such mode. A pullback takes a cotangent like ``out``
    and gives a tuple with one per primal, the transpose of the jvp without conjugation, as in JAX. ``namespace`` stands
    for ``np`` in what it is asked to differentiate. ``order``: how often its transformations nest. ``missing``: what it
    raises for a function that it lacks. ``slack``: by how much its own method is less exact than rounding allows.
    ``call(f, *primals) -> out``: the function undifferentiated, where that is not NumPy's own doing.
    ``rule``: whether it is the rule of one function, which it takes any function for. ``program``: turns a function of
    arrays in containers that calls ``jvp`` and ``vjp`` into one that is run otherwise, as compiled programs are.
    """

    name: str
    jvp: Callable | None = None
    vjp: Callable | None = None
    namespace: object = np
    order: int = 2
    missing: tuple = (NotImplementedError,)
    slack: float = 1.0
    call: Callable | None = None
    rule: bool = False
    program: Callable | None = None

    def modes(self):
        """Those of "fwd" and "rev" that it offers."""
        return tuple(mode for mode, transform in (("fwd", self.jvp), ("rev", self.vjp)) if transform)


def _numerical_jvp(f, primals, tangents):
    """A central difference along the tangents, with the step that balances its two errors."""
    step = max(np.finfo(leaf.dtype).eps for leaf in map(np.asarray, optree.tree_leaves(primals))) ** (1 / 3)
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


OURS = Engine("scratch_ad", scratch_ad.jvp, scratch_ad.vjp)
FORWARD = Engine("scratch_ad-forward", jvp=scratch_ad.jvp)
REVERSE = Engine("scratch_ad-reverse", vjp=scratch_ad.vjp)
COMPILED = Engine(
    "scratch_ad-compiled",
    scratch_ad.jvp,
    scratch_ad.vjp,
    missing=(NotImplementedError, jax.errors.ConcretizationTypeError),  # where the result's shape depends on numbers
    program=lift.jit,
)
ON_JAX = Engine("scratch_ad-jax", scratch_ad.jvp, scratch_ad.vjp, program=lift.eager)
JAX = Engine("jax", lift.jvp, lift.vjp)
NUMERICAL = Engine("numerical", _numerical_jvp, _numerical_vjp, order=1, slack=1e6)
ENGINES = {engine.name: engine for engine in (OURS, FORWARD, REVERSE, COMPILED, ON_JAX, JAX, NUMERICAL)}


def engine(name):
    """The engine of this name: a ready one, a peer, or a user's own, given as ``package.module:object``.

    Raises ValueError if there is none of the name, if a peer is not installed, or if the object is no ``Engine``.
    """
    from .peers import PEERS

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
        found = operator.attrgetter(path)(importlib.import_module(module))
    except (Exception, SystemExit) as error:  # whatever a user's module does when it is imported
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f" ({Path(where.filename).name}:{where.lineno})" if where.filename != __file__ else ""
        raise ValueError(f"no engine {name}: {type(error).__name__}: {error}{place}.") from error
    if not isinstance(found, Engine):
        raise ValueError(f"{name} is no engine: make it a jax_ref.engine.Engine.")
    return found
