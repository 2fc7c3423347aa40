"""Count what each rule costs beside JAX's own: flops and bytes of value and derivative, both compiled by XLA.

For each function the catalogue's largest case in real or complex doubles, in forward and in reverse mode, with a square
matrix in place of a column where rows are reduced. Elementary functions count as one flop each, and the body of a loop
counts once. Printed are the programs of ours that cost more than JAX's, the dearest first.
"""

import argparse
import sys
import warnings
from dataclasses import replace

import _environment

_environment.enter()

import jax
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import jax_ref
import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.cases.large import COLUMN, SQUARE
from jax_ref.cases.names import named
from jax_ref.lift import lift
from scratch_ad.tracer import name_of

# Why a function may cost more than JAX's: the dearest programs were read beside JAX's, others are like them.
RIGHT = "right where JAX's overflows, underflows, cancels or is nan"
UNCOUNTED = "XLA leaves JAX's call of a library out of its count, or counts a loop's body once"
SCATTER = "XLA counts as nothing how JAX writes into an array of zeros"
EAGER = "fewer or faster calls of NumPy, for which the rule is written"
AGAIN = "NumPy hands out no factors and no order, so that they are computed a second time"
INDEX = "places computed in NumPy, which a gather checks once more"
REASONS = {
    RIGHT: """
        absolute angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh copysign divide exp2 fabs float_power fmax
        fmin fmod frexp geomspace hypot.reduce i0 linalg.det linalg.matrix_norm linalg.norm linalg.slogdet
        linalg.vector_norm logaddexp logaddexp.reduce logaddexp2 logaddexp2.reduce logspace nanstd nanvar power sinc std
        tanh var max amax min amin ptp nanmean scipy.linalg.det scipy.special.betainc scipy.special.dawsn
        scipy.special.erfcx scipy.special.expit scipy.special.fresnel scipy.special.gammainc scipy.special.gammaincc
        scipy.special.i0e scipy.special.i1 scipy.special.i1e scipy.special.kl_div scipy.special.log_ndtr
        scipy.special.log_softmax scipy.special.logsumexp scipy.special.owens_t scipy.special.poch
        scipy.special.rel_entr scipy.special.sici scipy.special.wofz scipy.special.xlog1py scipy.special.xlogy""",
    UNCOUNTED: """
        linalg.cholesky linalg.eig linalg.eigh linalg.eigvals linalg.inv linalg.qr linalg.tensorinv poly polyfit
        scipy.linalg.cho_factor scipy.linalg.cho_solve scipy.linalg.cholesky scipy.linalg.eigh scipy.linalg.expm
        scipy.linalg.expm_frechet scipy.linalg.inv scipy.linalg.lu scipy.linalg.lu_factor scipy.linalg.polar
        scipy.linalg.qr scipy.linalg.solve_triangular""",
    SCATTER: """
        add.reduceat choose delete linalg.trace polyadd polyder polyint polysub scipy.linalg.companion
        scipy.linalg.fiedler_companion scipy.linalg.hankel scipy.linalg.leslie take_along_axis trace vander""",
    EAGER: """
        add.accumulate apply_along_axis correlate corrcoef cross cumprod cumulative_prod gradient linalg.cross
        linalg.outer linspace meshgrid multiply.accumulate multiply.reduce nancumprod nanprod outer polyval prod
        trapezoid where fft.hfft fft.ihfft fft.irfft fft.irfft2 fft.irfftn scipy.fft.dctn scipy.linalg.fiedler
        scipy.signal.csd scipy.signal.fftconvolve scipy.signal.istft scipy.signal.welch""",
    AGAIN: "linalg.solve linalg.tensorsolve scipy.linalg.lu_solve scipy.linalg.solve",
    INDEX: """
        histogram histogram2d histogramdd median nanmedian nanpercentile nanquantile percentile quantile sort
        sort_complex""",
}


def why(name):
    """The reason of a function, or nothing."""
    return next((reason for reason, names in REASONS.items() if name.removeprefix("np.") in names.split()), "")


def with_rows(case):
    """The case with a square matrix in place of a column, whose rows of one element would make a reduction nothing."""
    if "axis=1" not in case.expression:
        return case
    square = {name: replace(a, shape=SQUARE) if a.shape == COLUMN else a for name, a in case.arguments.items()}
    return replace(case, arguments=square)


def largest_cases(names):
    """Per function the case with the most numbers, and its dtype."""
    found = {}
    for case in map(with_rows, catalogue):
        name, dtype = name_of(case.function), next((d for d in ("float64", "complex128") if d in case.dtypes), None)
        if name in names and dtype and not case.differs:
            size = sum(np.size(x) for x in case.draw(dtype))
            if size > found.get(name, (-1,))[0]:
                found[name] = size, case, dtype
    return {name: (case, dtype) for name, (_, case, dtype) in sorted(found.items())}


def programs(case, dtype):
    """By mode: ours and JAX's program for value and derivative, and what they are given."""
    f, primals = case.function_in(), case.draw(dtype)
    lifted = lift(f)
    out = jax.eval_shape(lifted, *primals)
    cotangent = jax.tree.map(lambda y: np.ones(y.shape, y.dtype), out)

    def pulled(vjp, f):
        def program(primals, cotangent):
            y, pullback = vjp(f, *primals)
            return y, pullback(cotangent)

        return program

    forward = jax_ref.jit(lambda x, t: scratch_ad.jvp(f, x, t)), jax.jit(lambda x, t: jax.jvp(lifted, x, t))
    reverse = jax_ref.jit(pulled(scratch_ad.vjp, f)), jax.jit(pulled(jax.vjp, lifted))
    return {"fwd": (*forward, (primals, primals)), "rev": (*reverse, (primals, cotangent))}


def cost(program, arguments):
    """Flops and bytes, by XLA's own count after its optimisation."""
    counts = program.lower(*arguments).compile().cost_analysis()
    return counts.get("flops", 0.0) + counts.get("transcendentals", 0.0), counts.get("bytes accessed", 0.0)


def measured(cases):
    """Per program the function, the mode, our cost and JAX's, and the expression."""
    rows, left_out = [], []
    for name, (case, dtype) in track(cases.items(), "counting", console=Console(stderr=True), transient=True):
        try:
            for mode, (ours, theirs, arguments) in programs(case, dtype).items():
                rows.append((name, mode, cost(ours, arguments), cost(theirs, arguments), case.expression))
        except Exception as error:  # our program, or JAX's, depends on the numbers
            left_out.append((name, f"{type(error).__name__}: {error}".partition("\n")[0]))
    return rows, left_out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as np.tanh or linalg; by default all")
    warnings.simplefilter("ignore")
    with np.errstate(all="ignore"):
        rows, left_out = measured(largest_cases(named(parser.parse_args().names)))

    def ratio(row, k):
        return row[2][k] / row[3][k] if row[3][k] else np.inf if row[2][k] else 1.0

    dearer = [row for row in rows if row[2][0] > row[3][0] or row[2][1] > row[3][1]]
    table = Table("function", "mode", "flops", "÷ JAX's", "bytes", "÷ JAX's", "call", "why")
    for row in sorted(dearer, key=lambda row: -max(ratio(row, 0), ratio(row, 1))):
        (name, mode, (flops, moved), _, expression) = row
        ratios = f"{ratio(row, 0):.2f}", f"{ratio(row, 1):.2f}"
        table.add_row(name, mode, f"{flops:.0f}", ratios[0], f"{moved:.0f}", ratios[1], expression, why(name))
    console = Console(width=None if sys.stdout.isatty() else 240)
    console.print(table)
    for name, reason in left_out:
        console.print(f"left out: {name}: {reason}", markup=False)
    fewer = [sum(row[2][k] <= row[3][k] for row in rows) for k in range(2)]
    medians = [np.median([ratio(row, k) for row in rows]) for k in range(2)]
    console.print(
        f"{len(rows)} programs of {len({row[0] for row in rows})} functions: {len(rows) - len(dearer)} cost at most "
        f"JAX's; flops {fewer[0]} (median ratio {medians[0]:.2f}), bytes {fewer[1]} (median ratio {medians[1]:.2f}). "
        f"Dearer without a reason given: {len({row[0] for row in dearer if not why(row[0])})} functions."
    )


if __name__ == "__main__":
    main()
