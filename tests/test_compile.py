"""Compiled functions: bit for bit what the function itself gives, or an error."""

import sys
import threading

import numpy as np
import pytest
from test_random_writes import Draw, same_layout
from test_values import BY_NAME, LAYOUTS, bits, outcome

import scratch_ad
from scratch_ad import compile, grad, hessian, jacfwd, jacrev, jvp, value_and_grad, vjp

pytestmark = pytest.mark.filterwarnings("ignore")
REPLAYS = 3  # the first two runs are recorded


def programs(compiled):
    return [program for programs in compiled.programs.values() for program in programs]


def replay(compiled, *arguments):
    """The result of a replay alone: an error in it is not followed by a run of the function itself."""
    for _ in range(2):
        compiled(*arguments)
    (program,) = [program for program in programs(compiled) if program.replay]
    return program.replay(*scratch_ad.tree.flatten(arguments)[0])


def test_a_program_is_replayed_when_it_has_been_done_twice():
    compiled = compile(lambda x: np.sin(x) * 2)
    x = np.arange(3.0)
    for k in range(3):
        assert bits(compiled(x + k)) == bits(np.sin(x + k) * 2)
        assert [program.replay is not None for program in programs(compiled)] == [k > 0]


def differs(case, dtype, layout, runs):
    f = case.function_in()
    arrays = [LAYOUTS[layout](x) if x.ndim else x for x in map(np.asarray, case.draw(dtype))]
    for name, of in runs.items():
        g = of(f)
        expected = outcome(g, arrays)
        compiled = compile(g)
        for k in range(REPLAYS):
            got = outcome(compiled, arrays)
            if got != expected:
                return f"{case} {dtype} {layout} {name}, call {k}: {got} for {expected}"
        if isinstance(expected, list) and not any(program.replay for program in programs(compiled)):
            return f"{case} {dtype} {layout} {name} is not compiled"
        if isinstance(expected, list) and outcome(lambda *a: replay(compile(g), *a), arrays) != expected:
            return f"{case} {dtype} {layout} {name}: the replay itself"
    return None


def derivative(f):
    def both(*arrays):
        y, pullback = vjp(f, *arrays)
        return y, pullback(scratch_ad.tree.tree_map(np.ones_like, y)), jvp(f, arrays, arrays)[1]

    return both


@pytest.mark.parametrize("name", BY_NAME)
def test_every_case_of_the_catalogue(name):
    found = []
    for case in BY_NAME[name]:
        for dtype in case.dtypes:
            for layout in list(LAYOUTS)[:: 2 if dtype == "float64" else 3]:
                found.append(differs(case, dtype, layout, {"f": lambda f: f, "derivatives": derivative}))
    assert not list(filter(None, found))
