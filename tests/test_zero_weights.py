"""0·∞ = 0 where the zero is a weight: what does not depend on a pole keeps its derivative, in both modes."""

import numpy as np
import pytest

import scratch_ad
from jax_ref.cases import catalogue
from scratch_ad.registry import Derivative, rule_of
from scratch_ad.rule import Elementwise
from scratch_ad.tracer import name_of

X = np.array([1.0, 2.0, 3.0])
ZERO_ROW = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
BEFORE_A_POLE = {  # functions of x that are 0 somewhere whatever x is
    "linspace": (lambda x: np.linspace(0.0, x, 3), 1.0),
    "logspace": (lambda x: np.logspace(0.0, x, 3) - 1, 1.0),
    "geomspace": (lambda x: np.geomspace(1.0, x, 3) - 1, 2.0),
    "matmul": (lambda x: ZERO_ROW @ x, X),
    "matmul from the left": (lambda x: x @ ZERO_ROW.T, X),
    "matmul of matrices": (lambda x: ZERO_ROW @ x, np.ones((3, 2))),
    "einsum": (lambda x: np.einsum("ij,j->i", ZERO_ROW, x), X),
    "outer": (lambda x: np.outer(np.array([0.0, 1.0]), x), X),
    "tensordot": (lambda x: np.tensordot(ZERO_ROW, x, 1), X),
    "dot": (lambda x: np.dot(ZERO_ROW, x), X),
    "vdot": (lambda x: np.vdot(np.zeros(3), x), X),
    "inner": (lambda x: np.inner(ZERO_ROW, x), X),
    "kron": (lambda x: np.kron(np.array([0.0, 1.0]), x), X),
    "multi_dot": (lambda x: np.linalg.multi_dot([ZERO_ROW, np.eye(3), x]), X),
    "matrix_power": (lambda x: np.linalg.matrix_power(np.diag(x), 2), X),
    "solve": (lambda x: np.linalg.solve(np.eye(3), x * np.array([0.0, 1.0, 1.0])), X),
    "inv": (lambda x: np.linalg.inv(np.diag([1.0, 2.0, 3.0])) @ (x * np.array([0.0, 1.0, 1.0])), X),
    "convolve": (lambda x: np.convolve(x, np.array([0.0, 1.0])), X),
    "correlate": (lambda x: np.correlate(x, np.array([0.0, 1.0]), "full"), X),
    "vander": (lambda x: np.vander(x, 3) - np.array([0.0, 0.0, 1.0]), X),
    "polyval": (lambda x: np.polyval(np.array([0.0, 0.0, 1.0]), x) - 1, X),
    "cumprod": (lambda x: np.cumprod(x * np.array([1.0, 0.0, 1.0])), X),
    "cumprod from 0": (lambda x: np.cumprod(np.concatenate([np.zeros(1), x])), X),
    "cumsum": (lambda x: np.cumsum(np.concatenate([np.zeros(1), x])), X),
    "average": (lambda x: np.average(np.stack([np.zeros(3), x]), 1, np.array([0.0, 1.0, 1.0])), X),
    "fft": (lambda x: np.abs(np.fft.fft(x).imag), X),
    "rfft": (lambda x: np.fft.rfft(x).imag ** 2, X),
    "pad": (lambda x: np.pad(x, 1), X),
    "tril": (np.tril, np.arange(1.0, 5).reshape(2, 2)),
    "diag": (np.diag, X),
    "insert": (lambda x: np.insert(x, 1, 0.0), X),
    "append": (lambda x: np.append(x, 0.0), X),
    "bincount": (lambda x: np.bincount([1, 2, 2], weights=x, minlength=4), X),
    "interp": (lambda x: np.interp(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0]) * x), 2.0),
    "product": (lambda x: x * np.array([0.0, 1.0, 1.0]), X),
    "quotient": (lambda x: x / np.array([np.inf, 1.0, 1.0]), X),
}


@pytest.mark.parametrize("name", BEFORE_A_POLE)
def test_a_square_root_of_what_is_always_0_adds_nothing(name):
    g, x = BEFORE_A_POLE[name]
    f = lambda x: np.sqrt(g(x))
    assert np.any(g(x) == 0)
    with np.errstate(all="ignore"):
        jacobian = scratch_ad.jacfwd(lambda x: np.where(g(x) == 0, 0, np.sqrt(np.where(g(x) == 0, 1, g(x)))))(x)
    np.testing.assert_allclose(scratch_ad.jacfwd(f)(x), jacobian, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(scratch_ad.jacrev(f)(x), jacobian, rtol=1e-12, atol=1e-15)
    along = jacobian.reshape(*np.shape(g(x)), -1).sum(-1)
    np.testing.assert_allclose(scratch_ad.jvp(f, (x,), (np.ones_like(x),))[1], along, rtol=1e-12, atol=1e-15)
    total = jacobian.reshape(-1, *np.shape(x)).sum(0)
    np.testing.assert_allclose(scratch_ad.grad(lambda x: np.sum(f(x)))(x), total, rtol=1e-12, atol=1e-15)


def linear_maps():
    """A case of each function whose rule is a derivative that is not elementwise."""
    found = {}
    for case in catalogue:
        rule = rule_of.get(case.function)
        if isinstance(rule, Derivative) and not isinstance(rule, Elementwise) and "float64" in case.dtypes:
            found.setdefault(name_of(case.function), case)
    return found


LINEAR_MAPS = linear_maps()


def along_each(vectors):
    """Lists of zeros but for one number, finite and again infinite; of some numbers of each array."""
    for k, v in enumerate(vectors):
        for i in (
            np.ndindex(v.shape) if v.size < 6 else zip(*np.unravel_index([0, 1, v.size // 2, v.size - 1], v.shape))
        ):
            one = [np.zeros_like(part) for part in vectors]
            one[k][i] = 0.7310585786300049  # no weights but zeros give 0, even by rounding
            yield one, [np.where(part == 0, 0, np.inf).astype(part.dtype) for part in one]


def assert_zeros_stay(finite, infinite):
    for c, d in zip(finite, infinite, strict=True):
        assert np.all(d[c == 0] == 0)


@pytest.mark.parametrize("name", LINEAR_MAPS)
def test_an_infinity_goes_to_what_depends_on_it_alone(name):
    case = LINEAR_MAPS[name]
    of_arrays, primals = case.function_in(), [*map(np.asarray, case.draw("float64"))]

    def f(*args):
        y = of_arrays(*args)
        return [np.ravel(part) for part in (y if isinstance(y, (tuple, list)) else [y])]

    out, pullback = scratch_ad.vjp(f, *primals)
    for one, infinite in along_each(out):
        assert_zeros_stay(pullback(one), pullback(infinite))
    for one, infinite in along_each(primals):
        assert_zeros_stay(*(scratch_ad.jvp(f, primals, tangents)[1] for tangents in (one, infinite)))


MEETING = {  # functions in which x meets itself and is 0 for any x, before a pole
    "difference": lambda x: x - x,
    "diff with itself before": lambda x: np.diff(x, prepend=x[:1]),
    "diff with itself behind": lambda x: np.diff(x, append=x[-1:]),
    "ediff1d": lambda x: np.ediff1d(x, to_begin=x[:1] - x[:1]),
    "all distances": lambda x: np.abs(x[:, None] - x),
    "of chosen ones": lambda x: np.abs(x[[0, 0, 1]] - x[[0, 2, 2]]),
    "matmul": lambda x: np.array([[1.0, -1.0, 0.0], [1.0, 0.0, 0.0]]) @ x[[0, 0, 1]],
    "roll of equal ones": lambda x: np.roll(np.tile(x[:1], 3), 1) - np.tile(x[:1], 3) + x * np.array([0.0, 1.0, 0.0]),
    "written": lambda x: written(x),
    "complex": lambda x: np.abs((1 + 2j) * x[:, None] - (1 + 2j) * x),
}


def written(x):
    y = x * 1.0
    y[1:] -= x[:-1]
    y[0] -= x[0]
    return y


@pytest.mark.parametrize("name", MEETING)
@pytest.mark.parametrize("root", [np.sqrt, lambda x: x**0.3, np.cbrt])
def test_infinities_that_cancel_leave_the_finite_part(name, root):
    g, mask = MEETING[name], lambda y: np.where(y == 0, 1, y)
    f = lambda x: np.sum(root(g(x)))
    true = scratch_ad.grad(lambda x: np.sum(np.where(g(x) == 0, 0, root(mask(g(x))))))(X)
    assert np.any(g(X) == 0) and np.all(np.isfinite(true))
    np.testing.assert_allclose(scratch_ad.grad(f)(X), true, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(scratch_ad.jacfwd(f)(X), true, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(scratch_ad.grad(lambda x: f(np.float32(1) * x))(X.astype("float32")), true, rtol=1e-5)


def test_infinities_that_do_not_cancel_stay():
    x = np.array([1.0, 2.0])
    for f in (
        lambda x: np.sqrt(x[0] - 1) - np.sqrt(x[0] - 1),  # of two poles: none knows of the other
        lambda x: np.sqrt(x[0] - x[1] + 1) - np.sqrt(2 * x[0] - 2),
        lambda x: np.sqrt(x[0] - 1 - 2 * (x[1] - 2)) - np.sqrt(x[1] - 2),
    ):
        assert not np.all(np.isfinite(scratch_ad.grad(f)(x)))
    assert np.isposinf(scratch_ad.grad(lambda x: np.sum(np.sqrt(x - 1)))(x)[0])


def test_a_pullback_that_takes_plain_numbers_alone_leaves_nan():
    @scratch_ad.custom_vjp
    def f(x):
        return np.sqrt(x)

    f.defvjp(lambda x: (np.sqrt(x), x), lambda x, g: (np.array(float(g)) / (2 * np.sqrt(x)),))
    assert np.isnan(scratch_ad.grad(lambda x: f(x) * 1.0 if x else f(x - x))(0.0))
    assert np.isnan(scratch_ad.grad(lambda x: f(x - x))(1.0))


def test_a_second_derivative_beside_infinities_that_cancel():
    f = lambda x: np.sum(np.sqrt(np.diff(x, prepend=x[:1])) * x)
    g = lambda x: np.sum(np.sqrt(np.diff(x)) * x[1:])
    np.testing.assert_allclose(scratch_ad.jacfwd(scratch_ad.grad(f))(X), scratch_ad.hessian(g)(X), rtol=1e-12)
    np.testing.assert_allclose(scratch_ad.jacrev(scratch_ad.grad(f))(X), scratch_ad.hessian(g)(X), rtol=1e-12)
