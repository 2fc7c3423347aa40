"""What the rounding of every intermediate result does to JAX's answers: the part of the condition that inputs hide.

1 − y² for y = tanh(x) near 1 moves little with x, but a rounding of y is all there is left of it. So JAX's program is
run operation by operation, each result moved by some √ε of itself. By how much depends on the result alone, so that
numbers that were equal stay so and no tie is broken. It takes a hundred times the time of the compiled program:
it is for what differs, to see whether the difference means anything.
"""

import functools

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from .walk import RULES, walk

# Primitives that round nothing: moving their results would part numbers that are equal.
EXACT = set(
    """abs argmax argmin broadcast_in_dim clamp concatenate complex conj convert_element_type copy copy_p cummax cummin
    dynamic_slice dynamic_update_slice expand_dims gather imag iota is_finite max min neg pad pvary real reduce_max
    reduce_min reshape rev scatter select_n sign slice sort split squeeze stop_gradient transpose""".split()  # noqa: SIM905
)


def shaken(program, given, seed):
    """``program(given)`` in NumPy arrays, where each result of arithmetic on the way is moved by up to √ε of itself.

    None of them for the ``seed`` None.
    """
    closed, out = jax.make_jaxpr(program, return_shape=True)(given)

    def moved(path, _, found):
        return found if seed is None or path[-1].primitive.name in EXACT else [_moved(x, seed) for x in found]

    results = walk(closed, jax.tree.leaves(given), moved)
    return jax.tree.unflatten(jax.tree.structure(out), map(np.asarray, results))


class Shaken(np.ndarray):
    """An array whose results of NumPy's calls are moved in the same way: for rules that are no program of JAX's."""

    seed = 0

    def __array_finalize__(self, made_of):
        self.seed = getattr(made_of, "seed", 0)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return self._of(getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return self._of(function, args, kwargs)

    def _of(self, function, args, kwargs):
        args, kwargs = jax.tree.map(lambda x: np.asarray(x) if isinstance(x, Shaken) else x, (args, kwargs))
        return jax.tree.map(lambda y: of_shaken(y, self.seed, _moved), function(*args, **kwargs))


def of_shaken(x, seed, moved=lambda x, seed: x):
    """An array as one whose results are moved; other things as they are."""
    if not isinstance(x, (np.ndarray, np.generic)):
        return x
    x = np.asarray(moved(x, seed)).view(Shaken)
    x.seed = seed
    return x


def without_rules(f):
    """A JAX function that computes the same by the bodies of functions with custom rules, in loops and branches too."""

    def bodies(*args):
        closed, out = jax.make_jaxpr(f, return_shape=True)(*args)
        return jax.tree.unflatten(jax.tree.structure(out), walk(closed, jax.tree.leaves(args), bare=_bare))

    return functools.wraps(f)(bodies)


def holds_rules(closed):
    """Whether a program calls custom rules between its arguments and its results."""
    moving, needed = set(closed.jaxpr.invars), {v for v in closed.jaxpr.outvars if not isinstance(v, Literal)}
    on_the_way = []
    for eqn in closed.jaxpr.eqns:
        if any(not isinstance(v, Literal) and v in moving for v in eqn.invars):
            moving.update(eqn.outvars)
            on_the_way.append(eqn)
    for eqn in reversed(on_the_way):
        if any(v in needed for v in eqn.outvars):
            needed.update(v for v in eqn.invars if not isinstance(v, Literal))
            if eqn.primitive.name in RULES or any(map(holds_rules, _programs(eqn.params.values()))):
                return True
    return False


def _programs(values):
    """The programs among the parameters of a call, of a loop or of its branches."""
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from _programs(value)
        elif isinstance(value, (ClosedJaxpr, Jaxpr)):
            yield _closed(value)


def _closed(program):
    return program if isinstance(program, ClosedJaxpr) else ClosedJaxpr(program, ())


def _bare(value):
    """A program that is a parameter, without the custom rules in it."""
    if isinstance(value, (tuple, list)):
        return type(value)(map(_bare, value)) if type(value) in (tuple, list) else value
    if not isinstance(value, ClosedJaxpr) or not holds_rules(value):
        return value
    given = [jax.ShapeDtypeStruct(v.shape, v.dtype, weak_type=v.weak_type) for v in value.in_avals]
    return jax.make_jaxpr(lambda *args: walk(value, args, bare=_bare))(*given)


def _moved(x, seed):
    """x, moved by up to √ε of itself, real and imaginary parts each; equal numbers, and ±x, by the same factor."""
    x = np.asarray(x)
    if x.dtype.kind not in "fc" or not x.size:
        return x
    real = np.array(x, order="C", ndmin=1).view(x.real.dtype)
    bits = np.abs(real).view(f"u{real.itemsize}").astype(np.uint64)
    for factor in (0x9E3779B97F4A7C15 + 2 * seed, 0xBF58476D1CE4E5B9):  # of splitmix64
        bits = (bits ^ (bits >> np.uint64(31))) * np.uint64(factor)
    along = (bits >> np.uint64(40)).astype(np.float64) / 2**23 - 1
    with np.errstate(all="ignore"):
        moved = (real * (1 + np.sqrt(np.finfo(real.dtype).eps) * along)).astype(real.dtype)
    return moved.view(x.dtype).reshape(x.shape)
