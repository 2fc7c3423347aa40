"""Programs of every family of rules, eager and compiled: beside the function itself, autograd and ``jax.jit``."""

import functools
import importlib

import numpy as np
import optree
from _eight import Program
from _peers import agree, gradient_of, ours, prepare, replayed
from _tables import Row, Table
from _timing import compared, taken, timer
from _xla import QUICK
from _xla_programs import PROGRAMS, arguments_of

import scratch_ad
import scratch_ad.scipy

SCIPY = {"numpy": "scratch_ad.scipy", "autograd.numpy": "autograd.scipy", "jax.numpy": "jax.scipy"}
OF_SCIPY = ("special", "linalg")  # modules that autograd does not load by itself
WHY = {"determinant": "By its singular values, so that a singular matrix is no special case."}


def kinds_tables(quick, seed, clock):
    """Value and gradient of each program: ours is to take no longer than autograd's, compiled no longer than eager."""
    rows, clock = [], timer(*((3, 0.2) if quick else (40, 1)))  # of so many programs, less of each
    for name in QUICK if quick else PROGRAMS:
        f, (x, *data) = PROGRAMS[name][0], arguments_of(name, seed)
        program = Program(lambda np, x, *data, f=f: f(np, _scipy(np), x, *data), x, data)
        runs, absent = prepare(program, ["jax.jit"])
        try:
            runs, absent = (a | b for a, b in zip(prepare(program, ["autograd"]), (runs, absent), strict=True))
        except ArithmeticError as error:  # of symmetric matrices it gives another derivative
            absent["autograd"] = str(error)
        compiled = scratch_ad.compile(gradient_of(program))
        agree(ours(program)(), replayed(compiled, x), f"{name}: compiled and eager")
        runs |= {"f": lambda p=program: p.f(np, p.x, *p.data), "ours": ours(program), "jvp": _jvp(program)}
        seconds = clock(runs | {"compiled": lambda c=compiled, x=x: c(x)})
        figures = {"ours": taken(seconds["ours"]), "÷ f": compared(seconds["ours"], seconds["f"])}
        figures["jvp ÷ f"] = compared(seconds["jvp"], seconds["f"])
        if "autograd" in seconds:
            figures["÷ autograd"] = compared(seconds["ours"], seconds["autograd"], 1)
        figures["compiled ÷ ours"] = compared(seconds["compiled"], seconds["ours"], 1)
        if "jax.jit" in seconds:
            figures["compiled ÷ jax.jit"] = compared(seconds["compiled"], seconds["jax.jit"])
        told = [f"{peer}: {why}." for peer, why in absent.items()]
        rows.append(Row(name, figures, " ".join(filter(None, [*told, WHY.get(name)]))))
        yield Table("Of every kind", rows, "Value and gradient of small programs, and value and tangent (jvp).")


def _jvp(program):
    f, direction = lambda x: program.f(np, x, *program.data), optree.tree_map(np.ones_like, program.x)
    return lambda: scratch_ad.jvp(f, (program.x,), (direction,))


@functools.cache
def _scipy(np):
    """SciPy as those name it whose NumPy this is."""
    package = SCIPY[np.__name__]
    for module in OF_SCIPY:
        importlib.import_module(f"{package}.{module}")
    return importlib.import_module(package)
