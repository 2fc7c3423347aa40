"""What the rounding of every intermediate result does to JAX's answers: the part of the condition that inputs hide.

1 − y² for y = tanh(x) near 1 moves little with x, but a rounding of y is all there is left of it. So JAX's program is
run operation by operation, each result moved by some √ε of itself. By how much depends on the result alone, so that
numbers that were equal stay so and no tie is broken. It takes a hundred times the time of the compiled program:
it is for what differs, to see whether the difference means anything.
"""

import functools

import jax
import numpy as np

from .walk import walk

# Primitives that round nothing: moving their results would part numbers that are equal.
EXACT = set(
    """abs argmax argmin broadcast_in_dim clamp concatenate complex conj convert_element_type copy copy_p cummax cummin
    dynamic_slice dynamic_update_slice expand_dims gather imag iota is_finite max min neg pad pvary real reduce_max
    reduce_min reshape rev scatter select_n sign slice sort split squeeze stop_gradient transpose""".split()  # noqa: SIM905
)


def shaken(program, given, seed):
    """``program(given)`` in NumPy arrays, where each result of arithmetic on the way is moved by up to √ε of itself."""
    closed, out = jax.make_jaxpr(program, return_shape=True)(given)

    def moved(path, _, found):
        return found if path[-1].primitive.name in EXACT else [_moved(x, seed) for x in found]

    results = walk(closed, jax.tree.leaves(given), moved)
    return jax.tree.unflatten(jax.tree.structure(out), map(np.asarray, results))


def without_rules(f):
    """A JAX function that computes the same by the bodies of functions with custom rules, where no loop holds them."""

    def bodies(*args):
        closed, out = jax.make_jaxpr(f, return_shape=True)(*args)
        results = walk(closed, jax.tree.leaves(args), lambda _path, _inputs, found: found)
        return jax.tree.unflatten(jax.tree.structure(out), results)

    return functools.wraps(f)(bodies)


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
