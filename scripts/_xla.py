"""What XLA makes of our derivative programs beside JAX's own: flops, bytes, tracing and calls, of value and gradient.

Counted is what XLA says after its optimisation, elementary functions as one flop each, and what it leaves out: calls of
LAPACK, by Golub and Van Loan, Matrix Computations. The counts are exact and the same on each run. Seconds are those of
the processor.
"""

import functools
import math
import re
import time

import jax
import jax.numpy as jnp
import numpy as np
from _xla_programs import PROGRAMS, arguments_of

import jax_ref
import scratch_ad
import scratch_ad.scipy

FLOPS, BYTES, LOWERING, CALL = 1.03, 1.1, 1.5, 1.2  # ours ÷ JAX's, at most
LAPACK = {  # flops for a matrix of m rows and n columns, at most m; of a triangular system per column
    "getrf": lambda m, n: n * n * (m - n / 3),
    "potrf": lambda m, n: n**3 / 3,
    "trsm": lambda m, n: n * n,
    "geqrf": lambda m, n: 2 * n * n * (m - n / 3),
    "orgqr": lambda m, n: 2 * n * n * (m - n / 3),
    "gesdd": lambda m, n: 4 * m * m * n + 8 * m * n * n + 9 * n**3,
    "syevd": lambda m, n: 9 * n**3,
    "geev": lambda m, n: 25 * n**3,
}

# Limits of their own, of flops and bytes, and why; all others keep to FLOPS and BYTES.
TANH = "tanh': JAX's 1 − y² keeps no digit where |x| is large"
QUOTIENT = "−y/b: the a/b² of JAX overflows and underflows, and y is kept for it"
SHARES = "shares of a sum of exponentials are right for infinite terms, too, and take exponentials of their own"
EXTREMA = "nan where all is nan, not 0 as in JAX"
SORTING = "NumPy's argsort and a gather, where JAX sorts numbers and places at once"
ZEROS = "products without each of the factors, so that zeros do no harm, in few of NumPy's calls"
ROUNDING = "right where JAX's formula overflows, underflows or cancels"
EXCEPTIONS = {
    "chain of sin and tanh, 40 calls": (1.52, BYTES, TANH),
    "classifier of the notebook": (1.18, BYTES, TANH),
    "recurrent network, 8 steps": (FLOPS, 1.17, TANH),
    "LSTM, 4 steps": (FLOPS, 1.14, TANH),
    "logistic regression": (1.07, BYTES, f"logaddexp: {ROUNDING}"),
    "logsumexp and cross-entropy": (1.06, BYTES, SHARES),
    "Gaussian mixture": (1.16, BYTES, SHARES),
    "Gaussian mixture by hand": (1.04, BYTES, EXTREMA),
    "hidden Markov model, forward": (1.61, 1.11, SHARES),
    "hidden Markov model, scaled": (1.05, BYTES, QUOTIENT),
    "layer norm of a layer": (FLOPS, 1.16, QUOTIENT),
    "batch norm": (FLOPS, 1.16, QUOTIENT),
    "trimmed squares, by sorting": (1.29, 1.14, SORTING),
    "median of residuals": (1.11, 1.38, SORTING),
    "determinant": (6.8, 1.43, "cofactors by singular values: right for singular matrices, where JAX gives nan"),
    "nuclear norm, by svd": (1.8, BYTES, "singular values alone, then with vectors: NumPy's own call hands out none"),
    "matrix exponential": (
        1.36,
        1.23,
        "the Fréchet derivative by SciPy's own algorithm, which computes the exponential once more",
    ),
    "norms": (2.13, 1.99, f"scaled to a largest element of 1: {ROUNDING}"),
    "extrema": (1.07, BYTES, EXTREMA),
    "cumulative products": (1.19, BYTES, ZEROS),
    "product": (3.89, BYTES, ZEROS),
    "trigonometric functions": (1.55, BYTES, f"arctan and arctan2: {ROUNDING}"),
    "arcsin, arccos, arcsinh, arctanh": (1.37, BYTES, ROUNDING),
    "exponentials and logarithms": (1.07, BYTES, f"exp2: {ROUNDING}"),
    "power of an array": (2.77, 1.43, f"{ROUNDING}, and at 0"),
    "Bessel functions": (1.3, 1.58, ROUNDING),
    "complex numbers": (FLOPS, 1.19, f"absolute value: {ROUNDING}"),
}


def pair(name, seed=0):
    """Our program and JAX's, not yet traced, for value and gradient, and what both are given."""
    f, _ = PROGRAMS[name]
    ours = jax_ref.jit(scratch_ad.value_and_grad(functools.partial(f, np, scratch_ad.scipy)))
    theirs = jax.jit(jax.value_and_grad(functools.partial(f, jnp, jax.scipy)))
    return ours, theirs, arguments_of(name, seed)


def counted(compiled):
    """Flops and bytes of a compiled program."""
    counts = compiled.cost_analysis()
    flops = counts.get("flops", 0.0) + counts.get("transcendentals", 0.0)
    return flops + sum(map(_library, compiled.as_text().splitlines())), counts["bytes accessed"]


def _library(line):
    """The flops of a line of XLA's text if it calls LAPACK."""
    called = re.search(r'custom_call_target="lapack_[sdcz](?:sy|he|ge|po|tr|or|un)\w+_ffi", operand_layout.*', line)
    if not called:
        return 0.0
    name = re.search(r"lapack_[sdcz](\w+)_ffi", line)[1]
    name = {"heevd": "syevd", "ungqr": "orgqr"}.get(name, name)
    shapes = [[int(n) for n in shape.split(",")] for shape in re.findall(r"\w\d+\[([\d,]+)\]\{", called[0])]
    *batch, rows, columns = shapes[0]
    each = LAPACK[name](max(rows, columns), min(rows, columns)) * math.prod(batch)
    return each * math.prod(shapes[1]) / (math.prod(batch) * rows) if name == "trsm" else each


def counts(name):
    """Our flops and bytes of a program, and JAX's."""
    ours, theirs, arguments = pair(name)
    return counted(ours.lower(*arguments).compile()), counted(theirs.lower(*arguments).compile())


def limits(name):
    """The most that our flops and bytes may be of JAX's, and the reason if that is not the common limit."""
    return EXCEPTIONS.get(name, (FLOPS, BYTES, ""))


def lowering(name, rounds):
    """The seconds that tracing and lowering take, ours and JAX's: the least of some, each begun with empty caches."""
    seconds = []
    for which in (0, 1):
        each = []
        for _ in range(rounds):
            *programs, arguments = pair(name)
            jax.clear_caches()
            each.append(_seconds(functools.partial(programs[which].lower, *arguments)))
        seconds.append(min(each))
    return seconds


def calls(name, rounds):
    """The seconds of a call from NumPy's arrays to NumPy's arrays, ours and JAX's."""
    ours, theirs, arguments = pair(name)
    runs = [lambda: ours(*arguments), lambda: jax.tree.map(np.array, theirs(*arguments))]
    repeats = [max(1, round(2e-3 / min(_seconds(run) for _ in range(3)))) for run in runs]
    least = [math.inf, math.inf]
    for _ in range(rounds):
        for k, run in enumerate(runs):
            least[k] = min(least[k], _seconds(run, repeats[k]))
    return least


def _seconds(run, repeats=1):
    """Of the processor, per call: another program that runs beside counts less."""
    start = time.process_time()
    for _ in range(repeats):
        run()
    return (time.process_time() - start) / repeats


QUICK = (
    "MLP, rectified",
    "embedding",
    "Rosenbrock",
    "Gaussian process by solve",
    "tensor network, einsum",
    "cumulative sums",
    "classifier of the notebook",
)


def rows(quick):
    """Per program flops, bytes, tracing and calls, ours ÷ JAX's; the limits, and why one is not the common one."""
    for name in QUICK if quick else PROGRAMS:
        (flops, moved), (their_flops, their_moved) = counts(name)
        lowered, called = lowering(name, 2 if quick else 5), calls(name, 2 if quick else 15)
        most_flops, most_moved, why = limits(name)
        yield {
            "program": name,
            "flops": flops,
            "bytes": moved,
            "flops ÷ JAX": flops / their_flops,
            "at most": most_flops,
            "bytes ÷ JAX": moved / their_moved,
            "bytes at most": most_moved,
            "tracing and lowering ÷ JAX": lowered[0] / lowered[1],
            "call ÷ JAX": called[0] / called[1],
            "why": why,
        }
