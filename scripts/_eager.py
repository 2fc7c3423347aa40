"""What each rule costs in eager reverse mode: the time of its pullback beside that of the function itself.

Elementwise rules have a hundred thousand numbers, where what the engine adds to a call no longer counts, and an aim: a
pullback takes at most three times as long as its function, or a reason is stated. Other rules have the largest case of
the catalogue, which is small, so that there the engine's own share is seen.
"""

import time
import warnings
from dataclasses import replace

import numpy as np
import scipy.special  # noqa: F401  (whose rules load with it)

import scratch_ad
from jax_ref.cases import catalogue
from scratch_ad.registry import load_rules, rule_of
from scratch_ad.rule import Elementwise
from scratch_ad.tracer import name_of

SIZE, AIM, LONG = 100_000, 3.0, 0.2  # numbers, function's times, seconds
PASSES = "the function is one pass over memory, as quick as a product; its derivative is several"
RIGHT = "right where a shorter formula overflows, underflows, cancels or is nan, in derivatives of higher order too"
OTHERS = "the derivative is another function, or several, for which SciPy takes longer"
INTEGRALS = "the derivative is an integral that SciPy has no function for: a sum at 272 points"
WHY = {  # why a pullback may take longer
    PASSES: "absolute clip copysign divide fmax fmin maximum minimum square",
    RIGHT: "arccos arcsin arcsinh arctan2 arctanh i0 sinc scipy.special.inv_boxcox scipy.special.kl_div",
    OTHERS: """
        scipy.special.agm scipy.special.beta scipy.special.binom scipy.special.chdtr scipy.special.chdtrc
        scipy.special.ellipe scipy.special.ellipk scipy.special.ellipkinc scipy.special.ellipkm1
        scipy.special.eval_chebys scipy.special.eval_chebyu scipy.special.eval_legendre scipy.special.eval_sh_chebyu
        scipy.special.eval_sh_legendre scipy.special.fdtr scipy.special.fdtrc scipy.special.fdtri scipy.special.fdtridfd
        scipy.special.gdtr scipy.special.gdtrc scipy.special.hankel1 scipy.special.hankel1e
        scipy.special.hankel2 scipy.special.hankel2e scipy.special.i1e scipy.special.it2struve0
        scipy.special.itmodstruve0 scipy.special.itstruve0 scipy.special.j1 scipy.special.k1 scipy.special.k1e
        scipy.special.kv scipy.special.kve scipy.special.lpmv scipy.special.poch scipy.special.psi scipy.special.rgamma
        scipy.special.riemann_zeta scipy.special.sph_harm_y scipy.special.stdtr scipy.special.stdtrit scipy.special.y1
        scipy.special.yv scipy.special.zetac scipy.stats.beta.cdf""",
    INTEGRALS: "scipy.special.elliprc scipy.special.elliprd scipy.special.elliprg scipy.special.elliprj",
}


def why(name):
    return next((reason for reason, names in WHY.items() if name.removeprefix("np.") in names.split()), "")


def rows(quick):
    """A row for each argument of each function that has a rule: its name, the call, seconds and their ratio.

    ``aim``: the most that the ratio should be, None where there is none; ``why``: the reason where it is more. With
    ``quick`` the elementwise rules of NumPy's own functions alone, on fewer calls.
    """
    load_rules()
    for case in _cases(quick):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield from rows_of(case, SIZE, 3 if quick else 9)


def rows_of(case, size, rounds):
    """The rows of a case: of an elementwise one with so many numbers, where its call takes others than its own."""
    elementwise = isinstance(rule_of.get(case.function), Elementwise)
    if elementwise:
        larger = replace(case, arguments={n: replace(a, shape=a.shape and (size,)) for n, a in case.arguments.items()})
        try:
            larger.function_in()(*_primals(larger))
            case = larger
        except ValueError:  # some argument is an array of the call
            elementwise = False
    primals = _primals(case)
    for i, argument in enumerate(case.arguments):
        yield from _measured(case, primals, i, argument, elementwise, rounds)


def _primals(case):
    """The arguments as a program has them: arrays without gaps, and numbers."""
    return [np.asarray(x, order="C")[()] for x in case.draw("float64")]


def _cases(quick):
    """A case in doubles for each function: the first of an elementwise one, the largest of any other."""
    chosen = {}
    for case in catalogue:
        if "float64" not in case.dtypes or any(a.values is not None for a in case.arguments.values()):
            continue
        if quick and not name_of(case.function).startswith("np."):
            continue
        size, elementwise = (
            sum(x.size for x in case.draw("float64")),
            isinstance(rule_of.get(case.function), Elementwise),
        )
        best = chosen.get(case.function)
        if best is None if elementwise else not quick and (best is None or size > best[0]):
            chosen[case.function] = size, case
    return [case for _, case in chosen.values()]


def _measured(case, primals, i, argument, elementwise, rounds):
    """The row of argument i; none where it has no derivative."""
    f = case.function_in()
    of_one = lambda x: f(*primals[:i], x, *primals[i + 1 :])
    try:
        y, pullback = scratch_ad.vjp(of_one, primals[i])
    except (NotImplementedError, TypeError):  # no derivative in it
        return []
    cotangent = [np.ones_like(part) for part in y] if isinstance(y, (list, tuple)) else np.ones_like(y)
    x = primals[i]
    function, pulled = (_seconds(run, rounds) for run in (lambda: of_one(x), lambda: pullback(cotangent)))
    name = name_of(case.function)
    row = {"name": name, "argument": argument, "call": case.expression, "function": function, "pullback": pulled}
    return [row | {"ratio": pulled / function, "aim": AIM if elementwise else None, "why": why(name)}]


def _seconds(run, rounds):
    """The least CPU seconds of a call; each round fills a millisecond with calls, and what takes long has few."""
    run()
    least, calls, until = float("inf"), 1, time.monotonic() + LONG
    for done in range(rounds):
        if done and time.monotonic() > until:
            break
        start = time.process_time()
        for _ in range(calls):
            run()
        taken = (time.process_time() - start) / calls
        least, calls = min(least, taken), max(1, round(1e-3 / max(taken, 1e-7)))
    return least
