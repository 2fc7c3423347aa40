"""A run that is over, by its end or by an error, is closed: what it kept is refused wherever it comes back."""

import concurrent.futures
import functools
import types

import numpy as np
import pytest

import scratch_ad
from scratch_ad import grad, jacfwd, jvp, linearize, vjp

X = np.array([1.0, 2.0, 3.0])
RUNS = {
    "grad": lambda f: grad(lambda x: np.sum(f(x)))(X),
    "vjp": lambda f: vjp(f, X)[1](X),
    "jvp": lambda f: jvp(f, (X,), (X,)),
    "linearize": lambda f: linearize(f, X)[1](X),
    "jacfwd": lambda f: jacfwd(f)(X),
    "record": lambda f: scratch_ad.record(f, X)(X),
    "expression": lambda f: scratch_ad.expression(f, (3,)),
}


def kept(run, fails):
    """A tracer that a run kept, which ended by an error or not."""
    found = []

    def f(x):
        found.append(2 * x)
        if fails:
            raise ZeroDivisionError
        return x * x

    if fails:
        with pytest.raises(ZeroDivisionError):
            RUNS[run](f)
    else:
        RUNS[run](f)
    return found[0]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("later", RUNS)
@pytest.mark.parametrize("run", RUNS)
def test_what_a_run_kept_is_refused_in_another(run, later, fails):
    old = kept(run, fails)
    for f in (lambda x: x * old, lambda x: old, lambda x: [x, old][1]):
        with pytest.raises(TypeError, match="was kept beyond the run that made it"):
            RUNS[later](f)


HOLDERS = {  # how a program keeps a number: what gives it back
    "generator": lambda x: (v for v in [x]).__next__,
    "closure": lambda x: lambda: x,
    "attribute": lambda x: functools.partial(getattr, types.SimpleNamespace(kept=x), "kept"),
    "dict": lambda x: functools.partial({"kept": x}.get, "kept"),
    "partial": lambda x: functools.partial(np.multiply, x, 1.0),
    "exception": lambda x: lambda: ValueError(x).args[0],
    "view": lambda x: lambda: x[:2],
    "scalar": lambda x: lambda: x[0],
    "iterator": lambda x: iter(x).__next__,
    "write": lambda x: lambda: x.__setitem__(0, 5.0) or x,
    "write of it": lambda x: lambda: written_into(np.zeros(3, like=x), x),
}


def written_into(y, x):
    y[:] = x
    return y


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("later", RUNS)
@pytest.mark.parametrize("run", ["vjp", "jvp", "linearize", "record", "expression"])
def test_however_it_was_kept(run, later, holder):
    give = []
    RUNS[run](lambda x: give.append(HOLDERS[holder](2 * x)) or x * x)
    with pytest.raises(TypeError, match="was kept beyond the run that made it"):
        RUNS[later](lambda x: x[0] * give[0]())


@pytest.mark.parametrize("outer", ["vjp", "jvp", "linearize", "record", "expression"])
@pytest.mark.parametrize("inner", ["vjp", "jvp", "linearize", "record", "expression"])
def test_a_tracer_of_an_inner_run_is_refused_in_the_outer(outer, inner):
    def f(x):
        found = []
        RUNS[inner](lambda y: found.append(2 * y) or y * y)
        return x * found[0]

    with pytest.raises(TypeError, match="was kept beyond the run that made it"):
        RUNS[outer](f)


@pytest.mark.parametrize("run", ["vjp", "jvp"])
def test_a_thread_of_the_run_takes_part_in_it(run):
    def f(x):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return np.stack(list(pool.map(lambda v: v * v, x)))

    expected = RUNS[run](lambda x: x * x)
    for a, b in zip(RUNS[run](f), expected, strict=True):
        np.testing.assert_array_equal(a, b)


class Box:
    def __init__(self, x):
        self.x = x


@pytest.mark.parametrize("hide", [Box, lambda x: (v for v in x), str, lambda x: {x.size}, lambda x: lambda: x, repr])
@pytest.mark.parametrize("run", ["vjp", "jvp", "linearize", "record"])
def test_a_result_that_hides_tracers_is_refused(run, hide):
    for result in (hide, lambda x: [x, hide(x)], lambda x: {"a": hide(x)}):
        with pytest.raises(TypeError, match=r"is not a valid array or number\. Give and return numbers and arrays, in"):
            RUNS[run](result)


@pytest.mark.parametrize("run", ["vjp", "jvp"])
def test_an_array_of_objects_is_refused_as_a_result(run):
    def f(x):
        out = np.empty(2, object)
        out[0], out[1] = x[0], x[1] * x[2]
        return out

    with pytest.raises(TypeError, match=r"dtype object was returned.*np\.stack"):
        RUNS[run](f)
