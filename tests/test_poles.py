"""An infinite (co)tangent, as a pole of the next or the last function gives it, reaches only what depends on it.

0·∞ is 0 in the chain rule: an infinity at one place makes infinite what depends on that place, and nothing else.
"""

import functools
import itertools
import re

import numpy as np
import optree
import pytest

from jax_ref.cases import catalogue
from scratch_ad import grad, jacfwd, jacrev, jvp, vjp
from scratch_ad.scipy import linalg
from scratch_ad.tracer import name_of

# Functions in whose own steps infinities of either sign meet, as in taking the mean from each element: what depends on
# the infinity may be nan there.
MEETING = re.compile(
    r"np\.(average|corrcoef|cov|divide|histogram.*|interp|nan(percentile|quantile|std|var)|percentile|poly.*|ptp|quantile"
    r"|roots|std|trapezoid|var)"
)


def is_small(case):
    return case.dtypes[-1] != "float16" and "float64" in case.dtypes and sum(map(np.size, case.draw("float64"))) <= 60


def is_spared(function):
    """Solvers, of matrices and in SciPy: their steps mix everything, and a zero comes out as a rounding error."""
    return name_of(function).startswith(("np.linalg", "np.polyfit", "scipy", "scratch_ad"))


CASES = [case for case in catalogue if is_small(case) and not is_spared(case.function)]
CASES.sort(key=lambda case: name_of(case.function))
GROUPS = {name: list(group) for name, group in itertools.groupby(CASES, lambda case: name_of(case.function))}


def seeds(like, place):
    """Arrays like these, three times: one at one place, ones elsewhere, and both with an infinity in the place."""
    leaves, spec = optree.tree_flatten(like)
    for here, elsewhere in ((1.0, 0.0), (0.0, 1.25), (np.inf, 1.25)):
        flat = np.full(sum(map(np.size, leaves)), elsewhere)
        flat[place] = here
        pieces = np.split(flat, np.cumsum([np.size(x) for x in leaves])[:-1])
        yield optree.tree_unflatten(
            spec, [p.reshape(np.shape(x)).astype(x.dtype) for p, x in zip(pieces, leaves, strict=True)]
        )


def reaches_only_what_depends_on_it(linear_map, like, or_meets):
    size = sum(map(np.size, optree.tree_leaves(like)))
    for place in sorted({0, size // 2, size - 1}) if size else []:
        results = [optree.tree_leaves(linear_map(seed)) for seed in seeds(like, place)]
        for of_place, rest, found in zip(*results, strict=True):
            clear = np.isfinite(of_place) & ((np.abs(of_place) > 1e-12) | (of_place == 0))
            if or_meets:
                clear &= ~np.isnan(found)
            expected = np.where(of_place == 0, rest, np.copysign(np.inf, of_place))
            np.testing.assert_allclose(np.where(clear, found, 0), np.where(clear, expected, 0), 1e-12, 1e-12)


def pushed(f, primals, tangents):
    return jvp(f, primals, tangents)[1]


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_an_infinity_reaches_only_what_depends_on_it(group):
    for case in group:
        or_meets = MEETING.fullmatch(name_of(case.function))
        f, primals = case.function_in(), case.draw("float64")
        with np.errstate(all="ignore"):
            y, pull = vjp(f, *primals)
            push = functools.partial(pushed, f, primals)
            if all(np.isrealobj(part) for part in optree.tree_leaves(y)):
                reaches_only_what_depends_on_it(pull, y, or_meets)
                reaches_only_what_depends_on_it(push, primals, or_meets)


A = np.array([[0.0, 0, 0], [1, 0, 2], [1, 1, 1]])  # the first row, and one element, are zero weights
BEFORE_A_POLE = {
    "linspace": lambda x: np.linspace(0.0, x[1], 3),
    "logspace": lambda x: np.logspace(0.0, x[1], 3) - 1,
    "geomspace": lambda x: np.geomspace(1.0, x, 3) - 1,
    "matmul": lambda x: A @ x,
    "matmul of matrices": lambda x: A @ np.outer(x, x),
    "dot": lambda x: np.dot(np.outer(x, x), A.T),
    "inner": lambda x: np.inner(A, x),
    "outer": lambda x: np.outer([0.0, 1.0], x),
    "matvec": lambda x: np.matvec(A, x),
    "vecdot": lambda x: np.vecdot(A, x),
    "einsum": lambda x: np.einsum("ij,j->i", A, x),
    "tensordot": lambda x: np.tensordot(A, np.outer(x, x), 1),
    "kron": lambda x: np.kron(x, [0.0, 1.0]),
    "cross": lambda x: np.square(np.cross(x, [0.0, 0.0, 1.0])),
    "convolve": lambda x: np.convolve(x, [0.0, 1.0]),
    "correlate": lambda x: np.correlate(x, [0.0, 1.0], "full"),
    "vander": lambda x: np.vander(x) - 1,
    "cumsum": lambda x: np.cumsum(x * [0.0, 0, 1]),
    "cumprod": lambda x: np.cumprod(x * [1.0, 0, 1]),
    "prod": lambda x: np.prod(x * A, axis=1),
    "sum where": lambda x: np.sum(np.outer(x, x), axis=1, where=[[False] * 3, [True] * 3, [True] * 3]),
    "mean": lambda x: np.mean(A * x, axis=1),
    "diff": lambda x: np.diff(np.concatenate([[0.0, 0.0], x])),
    "ediff1d": lambda x: np.ediff1d(x, to_begin=0.0),
    "gradient": lambda x: np.gradient(np.concatenate([[0.0, 0.0, 0.0], x])),
    "trapezoid": lambda x: np.trapezoid(A * x),
    "interp": lambda x: np.interp([-1.0, 0.5], [0.0, 1.0], np.stack([0 * x[0], x[1]])),
    "imaginary part of rfft": lambda x: np.square(np.fft.rfft(x).imag),
    "fft": lambda x: np.square(np.fft.fft(x, 4).imag),
    "irfft": lambda x: np.fft.irfft(x * [1.0, 0, 0]) * [0.0, 1, 1, 1],
    "polyval": lambda x: np.polyval([0.0, 1.0, 0.0], x * [0.0, 1, 1]),
    "average": lambda x: np.average(A * x, axis=1, weights=[1.0, 1, 2]),
    "pad": lambda x: np.pad(x, 1),
    "tril": lambda x: np.tril(np.outer(x, x)),
    "diag": np.diag,
    "diagflat": np.diagflat,
    "insert": lambda x: np.insert(x, 1, 0.0),
    "append": lambda x: np.append(x, 0.0),
    "where": lambda x: np.where([True, False, True], x, 0.0),
    "select": lambda x: np.select([x > 1.5], [x]),
    "clip": lambda x: np.clip(x - 3, 0, 1),
    "resize": lambda x: np.resize(x, (2, 3)) * [[0.0], [1.0]],
    "block": lambda x: np.block([[np.diag(x), np.zeros((3, 1))]]),
    "trace": lambda x: np.stack([np.trace(np.outer(x, x)), np.trace(np.zeros((2, 2)) * x[0])]),
    "matrix_power": lambda x: np.linalg.matrix_power(np.diag(x), 2),
    "roll": lambda x: np.roll(np.triu(np.outer(x, x)), 1),
}
MIXES = {"fwd": (jacfwd,), "rev": (jacrev,)} | {
    f"{outer.__name__} of {inner.__name__}": (inner, outer)
    for inner, outer in itertools.product((jacfwd, jacrev), repeat=2)
}


@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
@pytest.mark.parametrize("linear", BEFORE_A_POLE.values(), ids=BEFORE_A_POLE)
def test_a_zero_that_depends_on_nothing_before_a_pole(linear, mix):
    """The derivatives of Σ √ are those of the sum without the zeros."""
    x = np.array([1.5, 2.0, 4.0])
    zero = linear(x) == 0
    assert np.any(zero) and np.all(linear(x) >= 0)
    found, expected = (lambda x: np.sum(np.sqrt(linear(x)))), lambda x: np.sum(np.sqrt(linear(x)[~zero]))
    for derivative in mix:
        found, expected = derivative(found), derivative(expected)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found(x), expected(x), rtol=1e-12, atol=1e-12)


def by_hand(weights, u):
    """Σ w u with 0·∞ = 0; nan where infinities of either sign meet."""
    with np.errstate(invalid="ignore"):
        return np.array([sum(w * x for w, x in zip(row, u, strict=True) if w != 0 and x != 0) for row in weights])


def test_infinities_of_either_sign_meet_however_different_their_weights_are():
    rng = np.random.default_rng(5)
    for _ in range(300):
        n, m = rng.integers(1, 7, 2)
        a, u = rng.choice([0, 0, 1, -1, 2.5, -1e-3, 1e3], (m, n)), rng.choice([0, 1, -2, np.inf, np.inf, -np.inf], n)
        pushed = jvp(lambda x, a=a: a @ x, (rng.normal(size=n),), (u,))[1]
        pulled = vjp(lambda x, a=a: a.T @ x, rng.normal(size=m))[1](u)[0]
        for found in (pushed, pulled):
            np.testing.assert_allclose(found, by_hand(a, u), rtol=1e-12, err_msg=f"{a} {u}")


def test_of_many_infinities_the_sign_is_not_known():
    weights = np.stack([np.ones(300), np.r_[np.ones(299), 0.0], np.r_[0.0, np.ones(298), -1e-6], np.zeros(300)])
    pushed = jvp(lambda x: weights @ x, (np.ones(300),), (np.full(300, np.inf),))[1]
    np.testing.assert_array_equal(pushed, [np.inf, np.nan, np.nan, 0])


OF_COMPLEX_NUMBERS = {  # of √x, and how much of its pole at 0 there is in the result
    "product": (lambda r: np.real(r * np.array([1 + 0j, -2 + 1j, 0j, 3j])), [1.0, -2, 0, 0]),
    "imaginary part of it": (lambda r: np.imag(r * np.array([1 + 0j, -2 + 1j, 0j, 3j])), [0.0, 1, 0, 3]),
    "quotient": (lambda r: np.real(r / np.array([2 + 0j, 1j, -1 + 1j, np.inf])), [0.5, 0, -0.5, 0]),
    "imaginary part of that": (lambda r: np.imag(r / np.array([2 + 0j, 1j, -1 + 1j, np.inf])), [0.0, -1, -0.5, 0]),
    "matmul": (lambda r: np.real(np.array([[1j, 0], [2, 1], [-1 + 1j, 0]]) @ np.stack([r, 0])), [0.0, 2, -1]),
    "imaginary part of matmul": (
        lambda r: np.imag(np.array([[1j, 0], [2, 1], [-1 - 1j, 0]]) @ np.stack([r, 0])),
        [1.0, 0, -1],
    ),
    "astype": (lambda r: np.real(r.astype(np.complex64) * (1 + 0j) * np.ones(2)), [1.0, 1]),
}


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
@pytest.mark.parametrize("name", OF_COMPLEX_NUMBERS)
def test_an_infinity_among_complex_numbers_stays_in_its_part(name, mode):
    f, share = OF_COMPLEX_NUMBERS[name]
    expected = np.where(np.equal(share, 0), 0, np.copysign(np.inf, share))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(mode(lambda x: f(np.sqrt(x)))(0.0), expected)
        weighted = mode(lambda x: np.sum(f(np.sqrt(x)) * (np.asarray(share) == 0)))(0.0)
    assert weighted == 0


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_infinities_of_one_sign_add_up_and_of_either_are_nan(mode):
    f = lambda x: np.sum(np.sqrt(np.tril(np.ones((3, 3))) @ x))
    np.testing.assert_array_equal(mode(f)(np.array([0.0, 0, 1])), [np.inf, np.inf, 0.5])
    g = lambda x: np.array([1.0, -1.0]) @ np.sqrt(np.array([[1.0, 0], [1, 1]]) @ x)
    np.testing.assert_array_equal(mode(g)(np.zeros(2)), [np.nan, -np.inf])


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_what_is_nan_after_a_solver_that_does_not_take_any_matrix(mode):
    f = lambda a: np.sum(np.sqrt(linalg.solve(a, np.array([1.0, -1, 1]), assume_a="pos")))
    with np.errstate(invalid="ignore"):
        assert np.isnan(mode(f)(np.diag([1.0, 2, 3]))).any()


OF_NOTHING = {
    **{
        name: getattr(np, name)
        for name in ("sum", "mean", "prod", "var", "std", "nansum", "nanmean", "nanprod", "nanvar")
    },
    "nanstd": np.nanstd,
    "maximum": lambda x, **options: np.max(x, initial=-1.0, **options),
    "minimum": lambda x, **options: np.min(x, initial=9.0, **options),
    "nanmax": lambda x, **options: np.nanmax(x, initial=-1.0, **options),
    "logaddexp.reduce": np.logaddexp.reduce,
    "hypot.reduce": np.hypot.reduce,
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", [jacfwd, jacrev])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("reduction", OF_NOTHING.values(), ids=OF_NOTHING)
def test_a_reduction_that_selects_nothing_depends_on_nothing(reduction, keepdims, mode):
    x, where = np.array([[1.0, 2.0, 4.0], [2.0, 3.0, 5.0]]), np.array([[True, False, True], [False] * 3])
    f = lambda x: reduction(x, axis=1, keepdims=keepdims, where=where)
    found = mode(f)(x).reshape(2, 2, 3)
    assert not found[1].any() and not found[0, 1].any() and not found[:, :, 1].any()
    assert found[0, 0, [0, 2]].any()
    assert not mode(lambda x: reduction(x, axis=None, where=False))(x).any()


@pytest.mark.parametrize("f", [np.mean, np.var, np.std, np.nanvar, np.nanmean, np.average])
@pytest.mark.filterwarnings("ignore:(invalid value|overflow)")
def test_halves_beside_a_nan(f):
    """Their careful steps keep the dtype to which a count is cast."""
    x = np.array([1.0, np.inf, 2.0, np.nan], np.float16)
    assert grad(f)(x).dtype == np.float16 and jvp(f, (x,), (np.ones_like(x),))[1].dtype == np.float16


HALVES = [np.max, np.min, np.nanmax, np.nanmin, np.maximum.reduce, np.mean, lambda x: np.linalg.norm(x, np.inf)]


@pytest.mark.parametrize("f", HALVES, ids=["max", "min", "nanmax", "nanmin", "reduce", "mean", "norm"])
def test_more_ties_than_a_half_can_count(f):
    x = np.ones(70_000, np.float16)
    assert np.array_equal(grad(f)(x), np.full(70_000, 1 / 70_000, np.float16))
    assert jvp(f, (x,), (x,))[1] == 1


@pytest.mark.parametrize("name", ["mean", "var", "std", "nanmean", "nanvar", "nanstd"])
@pytest.mark.parametrize(
    "given", [{}, {"axis": 1}, {"axis": (0, 1), "keepdims": True}, {"where": np.arange(70_000) > 9}]
)
def test_statistics_of_more_elements_than_halves_can_count(name, given):
    half = np.linspace(0, 1, 70_000, dtype=np.float16).reshape(1, -1)
    f = lambda x: getattr(np, name)(x, **given)
    _, slope = jvp(f, (half,), (np.ones_like(half),))
    np.testing.assert_array_equal(slope, np.full(np.shape(f(half)), float("mean" in name), np.float16), strict=True)
    _, slope = jvp(f, (half,), (half,))  # those of degree 1 give themselves
    exact = getattr(np, name)(half.astype(float), **given)
    np.testing.assert_allclose(slope, exact * (2 if "var" in name else 1), rtol=2e-3)
