"""Code that branches on types takes the branch of the plain run, with every kind of number."""

import functools
import numbers

import numpy as np
import pytest

import jax_ref
import scratch_ad
import scratch_ad.numpy
from scratch_ad import grad, hessian, jacfwd, jvp, linearize, record

A = np.arange(6.0).reshape(2, 3) + 1
CLASSES = (np.ndarray, float, complex, int, np.generic, np.number, np.inexact, np.floating, np.float32, np.float64)
ABSTRACT = (numbers.Number, numbers.Complex, numbers.Real, numbers.Integral)
RUNS = {
    "forward": lambda f, x: jvp(f, (x,), (np.ones_like(x)[()],)),
    "reverse": lambda f, x: grad(f)(x),
    "linearize": lambda f, x: linearize(f, x),
    "forward over reverse": lambda f, x: jvp(grad(f), (x,), (np.ones_like(x)[()],)),
    "reverse over forward": lambda f, x: grad(lambda v: jvp(f, (v,), (np.ones_like(x)[()],))[1])(x),
    "hessian": lambda f, x: hessian(f)(x),
    "record": record,
    "record of grad": lambda f, x: record(grad(f), x),
    "jax": lambda f, x: jax_ref.grad(f)(x),
    "grad under jit": lambda f, x: jax_ref.jit(grad(f))(x),
}
PARTS = {
    "x": lambda x: x,
    "x[0]": lambda x: x[0],
    "x[0, 1]": lambda x: x[0, 1],
    "an element": lambda x: x.ravel()[1],
    "a view": lambda x: x.T,
    "a sum": np.sum,
    "a method's": lambda x: x.max(),
    "zeros_like": np.zeros_like,
    "zeros_like, written into": lambda x: _filled(x),
    "a stale view": lambda x: _stale(x),
    "complex": lambda x: x[0] * 1j,
    "a complex number": lambda x: x[0, 0] * 1j,
    "float32": lambda x: x.astype(np.float32)[0, 0],
}


def _filled(x):
    y = np.zeros_like(x)
    y[0] = x[1]
    return y


def _stale(x):
    y = x * 1
    row = y[0]
    y[0] = x[1]
    return row


@functools.singledispatch
def dispatched(_x):
    return "object"


dispatched.register(np.ndarray)(lambda _x: "array")
dispatched.register(float)(lambda _x: "float")
dispatched.register(complex)(lambda _x: "complex")


def matched(x):
    match x:
        case float() | complex():
            return "number"
        case np.ndarray():
            return "array"
    return "other"


def answers(x):
    of_type = [isinstance(x, kind) for kind in (*CLASSES, *ABSTRACT)]
    told = isinstance(x, (int, float, np.ndarray)), np.isscalar(x), hasattr(x, "__len__"), hasattr(x, "other")
    return [*of_type, *told, dispatched(x), matched(x)]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("part", PARTS)
def test_types_are_those_of_the_plain_run(run, part):
    seen = []

    def f(x):
        seen.append(answers(PARTS[part](x)))
        return np.sum(x**2)

    f(A)
    RUNS[run](f, A)
    plain, *traced = seen
    assert traced
    assert all(one == plain for one in traced)


@pytest.mark.parametrize("x", [2.0, np.float64(2), np.float32(2), np.array(2.0), 2j, np.complex64(2j)], ids=repr)
def test_an_argument_is_of_its_own_type(x):
    seen = []
    jvp(lambda v: (seen.append(answers(v)), v)[1], (x,), (np.asarray(x)[()],))
    record(lambda v: (seen.append(answers(v)), v)[1], x)
    assert seen == [answers(x)] * 2


def test_branches_on_types_have_the_derivative_of_the_branch_taken():
    assert grad(lambda x: np.sum(x**2) if isinstance(x, np.ndarray) else 0 * np.sum(x))(A).tolist() == (2 * A).tolist()
    assert grad(lambda x: x**2 if np.isscalar(x) else 0 * x)(2.0) == 4
    assert jacfwd(lambda x: x[0] ** 3 if isinstance(x[0], (int, float)) else x[0] * 0)(np.array([2.0])).tolist() == [12]


def test_a_number_has_no_length():
    for f in (lambda x: len(x[0]), lambda x: list(x[0]), lambda x: len(np.sum(x))):
        with pytest.raises(TypeError, match=r"object of type 'float64' has no len\(\)"):
            grad(f)(np.ones(3))


def test_arrays_that_take_tracers_are_arrays():
    assert isinstance(scratch_ad.numpy.zeros(3), np.ndarray)
    assert not np.isscalar(scratch_ad.numpy.zeros(()))


def test_views_as_another_class():
    X = np.array([1.0, 2.0])
    assert grad(lambda x: np.sum(x.view(np.ndarray) ** 2))(X).tolist() == [2, 4]
    assert grad(lambda x: np.sum(x * np.asarray(np.ones_like(x).view(np.matrix)).ravel()))(X).tolist() == [1, 1]
    with pytest.raises(TypeError, match=r"np\.ndarray\.view takes plain numbers.*Use arrays, with @"):
        grad(lambda x: np.sum(x.view(np.matrix)))(X)


def test_a_constant_of_an_outer_run_has_a_name_in_a_recorded_program():
    sources = []
    grad(lambda c: (sources.append(record(lambda x: x * c, 1.0).source), c)[1])(2.0)
    assert "Variable" not in sources[0]
