"""Random programs, as the fuzzer draws them, in all that runs a function otherwise than by calling it.

They call any functions of the catalogue, write into arrays and go through views. ``python tests/test_random_programs.py
MINUTES SEED`` goes on with others and prints what it finds.
"""

import itertools
import random
import sys
import time
import warnings

import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.engines.ready import OURS
from jax_ref.fuzz.programs import drawn
from jax_ref.measure.values import lent
from scratch_ad.tracer import Diverged

COUNT = {"sparse": 8, "by_xla": 5}  # programs of each way; of others 25
REFUSED = (Diverged, NotImplementedError)
VAGUE = "partition", "eigh", "hermitian=True"  # whose order, or whose triangle, is another one in JAX


def program(seed):
    return drawn(random.Random(seed).randrange, OURS)


def moved(arguments, rng):
    """Other arguments nearby."""
    step = lambda x: rng.uniform(-0.2, 0.2, np.shape(x)) * (1 if np.asarray(x).dtype.kind == "f" else 1 + 1j)
    return [np.asarray(x + step(x), np.asarray(x).dtype)[()] for x in arguments]


def same(got, expected, bits=False):
    """Whether all arrays are the same: to the bit, or up to rounding, each by its largest number."""
    for y, z in zip(map(np.asarray, got), map(np.asarray, expected), strict=True):
        assert (y.shape, y.dtype) == (z.shape, z.dtype)
        size = np.max(np.abs(z), initial=1e-3, where=np.isfinite(z))
        tolerance = 0 if bits else 1e4 * np.finfo(z.dtype).eps
        np.testing.assert_allclose(y, z, rtol=tolerance, atol=tolerance * size)


def weighed(f):
    """One number of all results."""
    return lambda *x: sum(np.sum(np.real(y)) * (0.3 + 0.1 * k) for k, y in enumerate(f(*x)))


def runs(f, arguments, rng):
    """Arguments with which a program runs, and its results."""
    found = []
    for given in (arguments, moved(arguments, rng), moved(arguments, rng)):
        try:
            found.append((given, f(*lent(given))))
        except Exception:  # the first runs, as it was drawn with it
            assert found
    return found


def is_real(arguments):
    return all(np.asarray(x).dtype == np.float64 for x in arguments)


def compiled(f, arguments, rng):
    again = scratch_ad.compile(f)
    for given, expected in [*runs(f, arguments, rng), *runs(f, arguments, rng)]:
        same(again(*lent(given)), expected, bits=True)


def compiled_gradient(f, arguments, rng):
    if is_real(arguments):
        gradient = scratch_ad.grad(weighed(f), tuple(range(len(arguments))))
        again = scratch_ad.compile(gradient)
        for given, _ in [*runs(f, arguments, rng), *runs(f, arguments, rng)]:
            same(again(*lent(given)), gradient(*lent(given)))


def batch(f, arguments, rng):
    found = runs(f, arguments, rng)
    if arguments and len({str([(np.shape(y), y.dtype) for y in results]) for _, results in found}) == 1:
        stacks = map(np.stack, zip(*(given for given, _ in found)))
        same(scratch_ad.vmap(f)(*stacks), [*map(np.stack, zip(*(results for _, results in found)))])


def batch_of_gradients(f, arguments, rng):
    if arguments and is_real(arguments):
        gradient = scratch_ad.grad(weighed(f), tuple(range(len(arguments))))
        given = [given for given, _ in runs(f, arguments, rng)]
        expected = [gradient(*lent(x)) for x in given]
        same(scratch_ad.vmap(gradient)(*map(np.stack, zip(*given))), [*map(np.stack, zip(*expected))])


def sparse(f, arguments, rng):
    real, argnums = lambda *x: [*map(np.real, f(*x))], tuple(range(len(arguments)))
    if is_real(arguments) and sum(map(np.size, arguments)) < 60:
        for g in (real, scratch_ad.compile(real)):
            jacobian = scratch_ad.jacobian(g, argnums, sparse=True)
            for given, _ in [*runs(f, arguments, rng), *runs(f, arguments, rng)]:
                expected = scratch_ad.jacfwd(real, argnums)(*lent(given))
                for row, whole in zip(jacobian(*lent(given)), expected, strict=True):
                    same([y.toarray().reshape(z.shape) for y, z in zip(row, whole, strict=True)], whole)


def by_xla(f, arguments, rng):
    if is_real(arguments):
        same(jax_ref.jit(f)(*lent(arguments)), f(*lent(arguments)))
        gradient = scratch_ad.grad(weighed(f), tuple(range(len(arguments))))
        same(jax_ref.jit(gradient)(*lent(arguments)), gradient(*lent(arguments)))


WAYS = {way.__name__: way for way in (compiled, compiled_gradient, batch, batch_of_gradients, sparse, by_xla)}


def check(way, seed):
    """Raise an error where this program goes otherwise."""
    chosen = program(seed)
    f, arguments = chosen.function(), [*chosen.arguments.values()]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        WAYS[way](f, arguments, np.random.default_rng(0))


@pytest.mark.parametrize("way", WAYS)
def test_random_programs(way):
    for seed in range(COUNT.get(way, 25)):
        try:
            check(way, seed)
        except REFUSED:
            continue
        except AssertionError as error:
            raise AssertionError(f"program {seed}:\n{program(seed).source}") from error


def main(minutes, seed):
    end, checked, refused = time.monotonic() + 60 * float(minutes), 0, {}
    for number in itertools.count():
        for way in WAYS:
            if time.monotonic() > end:
                print(f"{checked} runs of {number} programs; refused: {refused}")
                return
            name = f"{seed}/{number}"
            if way == "by_xla" and (number % 10 or any(word in program(name).source for word in VAGUE)):
                continue
            checked += 1
            try:
                check(way, name)
            except AssertionError as error:
                print(f"{way}, program {name}:\n{program(name).source}\n{error}", flush=True)
            except Exception as error:
                words = f"{type(error).__name__}: {str(error).splitlines()[0][:60]}"
                refused[words] = refused.get(words, 0) + 1


if __name__ == "__main__":
    main(*sys.argv[1:])
