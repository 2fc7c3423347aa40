"""``scratch_ad.scipy.interpolate``: SciPy's values and derivatives of splines, in data, places and points; refusals."""

import copy
import pickle

import numpy as np
import pytest
import scipy.interpolate
import scipy.optimize
import scipy.sparse.linalg

from scratch_ad import compile, fallbacks, grad, hessian, jacrev, jvp, value_and_grad, vjp, vmap
from scratch_ad.scipy import interpolate

RNG = np.random.default_rng(0)
X = np.arange(7.0) + RNG.uniform(0, 0.3, 7)
Y, MANY, AT = RNG.normal(size=7), RNG.normal(size=(2, 7, 3)), RNG.uniform(0.5, 5.8, (2, 2))
BEYOND = np.array([-0.7, 0.8, 3.3, 7.1])
GRID = X[:5], np.arange(6.0), np.array([2.0, 1.2, 0.1, -1.0])
VALUES = RNG.normal(size=(5, 6, 4, 2))
PLACES = np.stack([RNG.uniform(0.4, 3.9, 5), [0.45, 1.52, 2.9, 3.1, 4.98], RNG.uniform(-1, 2, 5)], axis=-1)


def around(m, x, y, **options):
    """A periodic spline, whose last value is its first."""
    return m.CubicSpline(x, np.append(y[:-1], y[0]), bc_type="periodic", **options)


SPLINES = {
    "not-a-knot": lambda m, x, y: m.CubicSpline(x, y),
    "natural": lambda m, x, y: m.CubicSpline(x, y, bc_type="natural", extrapolate=False),
    "given": lambda m, x, y: m.CubicSpline(x, y, bc_type=((1, y[2]), (2, y[3]))),
    "periodic": around,
    "two points": lambda m, x, y: m.CubicSpline(x[:2], y[:2], bc_type=("natural", "clamped")),
    "parabola": lambda m, x, y: m.CubicSpline(x[:3], y[:3]),
    "three around": lambda m, x, y: around(m, x[:3], y[:3]),
    "hermite": lambda m, x, y: m.CubicHermiteSpline(x, y, y * y),
    "pchip": lambda m, x, y: m.PchipInterpolator(x, y),
    "pchip with steep ends": lambda m, x, y: m.PchipInterpolator(x, y / 99 + [0, 0.1, -1, 0, 0.2, 2.2, 2.4]),
    "akima": lambda m, x, y: m.Akima1DInterpolator(x, y),
    "makima": lambda m, x, y: m.Akima1DInterpolator(x, y, method="makima", extrapolate=True),
    **{f"order {k}": lambda m, x, y, k=k: m.make_interp_spline(x, y, k) for k in range(6)},
    "clamped": lambda m, x, y: m.make_interp_spline(x, y, bc_type="clamped"),
    "both given": lambda m, x, y: m.make_interp_spline(x, y, bc_type=([(2, y[0])], [(1, y[1])])),
    "pieces": lambda m, x, y: m.PPoly(np.stack([y[1:], y[:-1]]), x, extrapolate="periodic"),
}
KINDS = ("linear", "nearest", "nearest-up", "previous", "next", "zero", "slinear", "quadratic", "cubic", 4)
SPLINES |= {str(k): lambda m, x, y, k=k: m.interp1d(x, y, k, fill_value=(1.0, y[2]), bounds_error=False) for k in KINDS}


def agrees(f, *primals):
    """The value is SciPy's to the bit, forward mode as differences, reverse mode as forward mode, twice."""
    ours, theirs = (lambda *x: f(interpolate, *x)), (lambda *x: f(scipy.interpolate, *x))
    tangents, h = [RNG.normal(size=np.shape(x)) for x in primals], 1e-6
    difference = lambda g: (
        (g(*(x + h * t for x, t in zip(primals, tangents))) - g(*(x - h * t for x, t in zip(primals, tangents))))
        / 2
        / h
    )
    value, along = jvp(ours, primals, tuple(tangents))
    np.testing.assert_array_equal(value, theirs(*primals))
    known = ~np.isnan(value)
    scale = 1 + np.max(np.abs(along[known]))
    np.testing.assert_allclose(along[known], difference(theirs)[known], rtol=0, atol=1e-7 * scale)
    g = RNG.normal(size=value.shape) * known
    pulled = vjp(ours, *primals)[1](g)
    total = sum(np.sum(c * t) for c, t in zip(pulled, tangents, strict=True))
    np.testing.assert_allclose(total, np.sum(g * along), rtol=0, atol=1e-12 * scale * g.size)
    slope = lambda *x: jvp(ours, x, tuple(tangents))[1]
    second = jvp(slope, primals, tuple(tangents))[1][known]
    np.testing.assert_allclose(second, difference(slope)[known], rtol=0, atol=1e-6 * (1 + np.max(np.abs(second))))


@pytest.mark.parametrize("name", SPLINES)
def test_splines_in_data_places_and_points(name):
    make = SPLINES[name]
    agrees(lambda m, x, y, at: make(m, x, y)(at), X, Y, BEYOND)


@pytest.mark.parametrize("name", ["not-a-knot", "pchip", "periodic", "order 2", "clamped"])
def test_what_splines_offer(name):
    make = SPLINES[name]
    agrees(lambda m, y, at: make(m, X, y)(at, 1), Y, AT)
    agrees(lambda m, y, at: make(m, X, y).derivative()(at), Y, AT)
    agrees(lambda m, y, at: make(m, X, y)(at, 4), Y, AT)
    agrees(lambda m, y, at: make(m, X, y).antiderivative(2)(at), Y, AT)
    start, end = (-9.3, 15.1) if make is around else (1.3, 5.1)
    agrees(lambda m, y, a: np.stack([make(m, X, y).integrate(a, end)]), Y, np.array(start))


def test_data_of_several_columns_lie_along_an_axis():
    for make in (
        lambda m, y: m.CubicSpline(X, y, axis=1),
        lambda m, y: m.make_interp_spline(X, y, axis=1),
        lambda m, y: m.interp1d(X, y, axis=1),
    ):
        listed = jvp(lambda a, make=make: make(interpolate, MANY)([a, 1.0]), (2.2,), (1.0,))[0]
        np.testing.assert_array_equal(listed, make(scipy.interpolate, MANY)([2.2, 1.0]))
        agrees(lambda m, y, at, make=make: make(m, y)(at), MANY, AT)


METHODS = ("linear", "nearest", "slinear", "slinear_legacy", "cubic_legacy")


@pytest.mark.parametrize("method", METHODS)
def test_regular_grids(method):
    points = (GRID[0], GRID[1], GRID[2])
    agrees(lambda m, v, at: m.RegularGridInterpolator(points, v, method)(at), VALUES, PLACES)
    agrees(lambda m, v: m.interpn(points[:2], v, ([5.0, 1.2], 1.1), method, False, v[0, 0]), VALUES[..., 0, 0])


def test_a_grid_by_a_solver_that_solves():
    solver = scipy.sparse.linalg.spsolve
    by = lambda m, v, at: m.RegularGridInterpolator(GRID[:2], v, "cubic", solver=solver)(at, nu=(1, 0))
    agrees(by, VALUES[..., 0, 0], PLACES[:, :2])


def test_a_batch_of_splines_takes_no_loop_and_a_program_replays():
    f = lambda y: np.sum(interpolate.CubicSpline(X, y)(AT) * interpolate.make_interp_spline(X, y)(AT))
    with fallbacks() as loops:
        found = vmap(grad(f))(np.stack([Y, 2 * Y]))
    np.testing.assert_allclose(found, [grad(f)(Y), grad(f)(2 * Y)], rtol=1e-12)
    assert not loops
    compiled = compile(grad(f))
    assert all(np.array_equal(compiled(k * Y), grad(f)(k * Y)) for k in (1.0, 2.0, 3.0, 4.0))


def test_plain_numbers_have_all_that_scipy_s_objects_have():
    spline, theirs = interpolate.CubicSpline(X, Y), scipy.interpolate.CubicSpline(X, Y)
    np.testing.assert_array_equal(spline.roots(), theirs.roots())
    np.testing.assert_array_equal(
        interpolate.make_interp_spline(X, np.append(Y[:-1], Y[0]), bc_type="periodic")(AT),
        scipy.interpolate.make_interp_spline(X, np.append(Y[:-1], Y[0]), bc_type="periodic")(AT),
    )
    assert interpolate.BSpline(X, Y[:4], 2, extrapolate=False).integrate(3.2, 3.4) == scipy.interpolate.BSpline(
        X, Y[:4], 2, extrapolate=False
    ).integrate(3.2, 3.4)
    with pytest.raises(ValueError, match="strictly increasing"):
        jvp(lambda y: interpolate.CubicSpline(X[::-1], y)(1.0), (Y,), (Y,))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda y: interpolate.CubicSpline(X, y).roots(), "CubicSpline.roots has no derivative in the data"),
        (lambda y: interpolate.UnivariateSpline(X, y)(1.0), "use make_interp_spline, CubicSpline or"),
        (lambda y: interpolate.splrep(X, y), "no rule so far"),
        (
            lambda y: interpolate.make_interp_spline(X, 0 * y, bc_type="periodic"),
            "no derivative for bc_type='periodic'",
        ),
        (lambda y: interpolate.BSpline(X, y[:4], 2, False).integrate(0, 9), "where the spline goes on beyond its ends"),
        (lambda y: interpolate.interpn((X,), y, [1.5], "pchip"), "has no derivative for method='pchip'"),
        (lambda y: interpolate.interpn((X,), y, [1.5], "cubic"), "stops at an error of up to a percent"),
        (
            lambda y: interpolate.interpn((X[:2], X[:2]), y[:4].reshape(2, 2), [1.5, 1.5], "splinef2d"),
            "method='splinef2d' has no rule",
        ),
    ],
)
def test_what_is_refused_says_why(call, words):
    for run in (lambda: grad(lambda y: np.sum(call(y)))(Y), lambda: jvp(call, (Y,), (Y,))):
        with pytest.raises(NotImplementedError, match=words):
            run()


def test_an_order_that_the_spline_does_not_have():
    with pytest.raises(ValueError, match="must be <= order of spline"):
        interpolate.make_interp_spline(X, Y, 2).derivative(3)


def test_a_spline_fitted_to_data():
    """The values at the knots by least squares: linear in them, so one step of Newton's gets there; then the knots."""
    rng, knots = np.random.default_rng(1), np.linspace(0, 6, 8)
    x = np.sort(rng.uniform(0, 6, 60))
    seen = np.sin(x) + 0.05 * rng.normal(size=60)
    loss = lambda y, knots: np.sum((interpolate.CubicSpline(knots, y, bc_type="natural")(x) - seen) ** 2)
    start = np.zeros(8)
    fitted = start - np.linalg.solve(hessian(loss)(start, knots), grad(loss)(start, knots))
    np.testing.assert_allclose(grad(loss)(fitted, knots), 0, atol=1e-11)
    design = jacrev(lambda y: interpolate.CubicSpline(knots, y, bc_type="natural")(x))(start)
    np.testing.assert_allclose(fitted, np.linalg.lstsq(design, seen, rcond=None)[0], rtol=1e-9)

    def with_knots(v):
        ends = np.cumsum(np.exp(v[:7]))
        return loss(v[7:], np.concatenate([[0.0], ends * (6 / ends[-1])]))

    both = np.concatenate([np.zeros(7), fitted])
    found = scipy.optimize.minimize(value_and_grad(with_knots), both, jac=True, method="BFGS", options={"maxiter": 30})
    assert found.fun < 0.98 * loss(fitted, knots)


@pytest.mark.parametrize("y", [np.array([10, 5, 7], np.uint8), np.array([True, False, True]), np.array([3, -1, 2])])
def test_data_of_integers_are_taken_as_doubles(y):
    g = lambda a: interpolate.interp1d([0, 1, 2], y)(a) * 1.0
    assert jvp(g, (0.5,), (1.0,))[1] == grad(g)(0.5) == float(y[1]) - float(y[0])
    for kind in ("linear", "nearest"):
        of_data = lambda y, m=interpolate, kind=kind: m.interp1d([0, 1, 2], y, kind, fill_value="extrapolate")(0.6)
        (found,), expected = vmap(of_data)(y[None]), of_data(y, scipy.interpolate)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, int])
def test_the_nearest_value_of_a_grid_has_the_type_of_the_values(dtype):
    values = np.arange(24).reshape(2, 4, 3).astype(dtype)
    call = lambda m, v: m.RegularGridInterpolator((np.arange(4.0), np.arange(3.0)), v, method="nearest")([[1.2, 0.7]])
    found, expected = vmap(lambda v: call(interpolate, v))(values), [call(scipy.interpolate, v) for v in values]
    assert found.dtype == expected[0].dtype
    np.testing.assert_array_equal(found, expected)


class Mine(interpolate.CubicSpline):
    """A user's own."""


@pytest.mark.parametrize("spline", ["CubicSpline", "PchipInterpolator", "interp1d", "make_interp_spline", "Mine"])
def test_objects_can_be_pickled_and_copied(spline):
    found = (Mine if spline == "Mine" else getattr(interpolate, spline))(X, Y)
    for other in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
        assert type(other) is type(found)
        np.testing.assert_array_equal(other(AT), found(AT))
