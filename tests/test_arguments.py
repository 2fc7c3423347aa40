"""A tracer as any one argument of any function of NumPy's, by its name: the value of the plain call, or a refusal."""

import inspect

import numpy as np
import pytest

import scratch_ad

V, A = np.array([1.0, 2.0, 4.0, 3.0]), np.array([[2.0, 0.5, 0.25], [0.5, 3.0, 0.1], [0.3, 0.2, 4.0]])
FUNCTIONS = {
    f"{home}.{name}": function
    for home, module in (("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft))
    for name, function in vars(module).items()
    if hasattr(function, "_implementation") and name not in ("array2string", "array_repr", "array_str", "empty_like")
}
NAMED = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD


def calls(function):
    """Calls with one argument left open, the others that are needed an array; with them, values for it."""
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind not in NAMED]
    for one in (p for p in parameters if p.name != "out"):
        for array in (V, A, V > 1):

            def call(x, one=one, array=array):
                given = {p.name: array.copy() for p in parameters if p.default is p.empty} | {one.name: x}
                firsts = [given.pop(p.name) for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in given]
                return function(*firsts, **given)

            yield from ((f"{one.name} = {x!r}", call, x) for x in (0.75, 1.0, V[: len(array)] / 4))


def outcome(f, *args):
    try:
        with np.errstate(all="ignore"):
            return f(*args)
    except Exception as error:
        return error


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_argument(name):
    for argument, call, x in calls(FUNCTIONS[name]):
        plain = outcome(call, np.copy(x)[()])
        if isinstance(plain, Exception) or not isinstance(plain, (np.ndarray, np.generic, float, int)):
            continue
        found = outcome(scratch_ad.vjp, call, x)
        if isinstance(found, Exception):
            refusal = found.__cause__ or found
            assert isinstance(refusal, (TypeError, NotImplementedError)), (argument, found)
            assert str(refusal).startswith(("np.", "a tracer")), (argument, found)
        else:
            found = found[0]
            assert np.array_equal(found, plain, equal_nan=np.asarray(plain).dtype.kind in "fc"), (argument, found)
            assert np.asarray(found).dtype == np.asarray(plain).dtype, (argument, found)
