"""A run that is over, by its end or by an error, is closed: what it kept is refused wherever it comes back."""

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
@pytest.mark.parametrize("later", ["grad", "vjp", "jvp"])
@pytest.mark.parametrize("run", ["grad", "vjp", "jvp", "jacfwd"])
def test_what_a_run_kept_is_refused_in_another(run, later, fails):
    old = kept(run, fails)
    for f in (lambda x: x * old, lambda x: old, lambda x: [x, old][1]):
        with pytest.raises(TypeError, match="was kept beyond the run that made it"):
            RUNS[later](f)


@pytest.mark.parametrize("run", ["vjp", "jvp"])
def test_an_array_of_objects_is_refused_as_a_result(run):
    def f(x):
        out = np.empty(2, object)
        out[0], out[1] = x[0], x[1] * x[2]
        return out

    with pytest.raises(TypeError, match=r"dtype object was returned.*np\.stack"):
        RUNS[run](f)
