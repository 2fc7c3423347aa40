"""``scratch_ad.scipy.stats``: every method of every distribution, fits as they are written, and what is refused."""

import pickle

import jax
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from scratch_ad import grad, hessian, jacfwd, jacrev, jvp, record, value_and_grad, vjp, vmap
from scratch_ad.registry import rule_of
from scratch_ad.rule import Elementwise, Refused
from scratch_ad.scipy import stats
from scratch_ad.scipy.stats import continuous, discrete, methods

jax.config.update("jax_enable_x64", True)
SHAPES = {
    "t": [3.5],
    "gamma": [2.3],
    "beta": [1.7, 2.6],
    "lognorm": [0.7],
    "weibull_min": [1.6],
    "chi2": [3.3],
    "f": [4.2, 5.1],
    "pareto": [2.4],
    "vonmises": [1.3],
    "truncnorm": [-1.2, 2.1],
    "genextreme": [0.3],
    "invgamma": [2.2],
    "gennorm": [1.7],
    "wrapcauchy": [0.4],
    "poisson": [2.5],
    "bernoulli": [0.3],
    "binom": [6, 0.4],
    "nbinom": [3.3, 0.4],
    "geom": [0.35],
    "genpareto": [0.3],
    "lomax": [2.4],
    "powerlaw": [1.6],
    "invgauss": [0.8],
    "skewnorm": [1.4],
    "betabinom": [7, 1.3, 2.1],
}
COUNTED = {"binom": 1, "betabinom": 1}  # how many of the shapes are integers
CONTINUOUS = [f"{name}.{method}" for name in continuous.LAWS for method in methods.CONTINUOUS]
DISCRETE = [f"{name}.{method}" for name in discrete.LAWS for method in methods.DISCRETE if method not in ("ppf", "isf")]
PROBABILITIES = np.array([0.13, 0.46, 0.81])


def problem(path):
    """How a method is called, as a function of what is differentiated, and that."""
    name, method = path.split(".")
    theirs, shapes = getattr(scipy.stats, name), SHAPES.get(name, [])
    if name in discrete.LAWS:
        k = np.array([0, 0, 0]) if name == "bernoulli" else np.array([1, 2, 4])
        fixed, given = (k + 2, *shapes[: COUNTED.get(name, 0)]), shapes[COUNTED.get(name, 0) :]
        return lambda call: lambda *s: call(*fixed, *s, loc=2), given
    x = PROBABILITIES if method in ("ppf", "isf") else theirs.ppf(PROBABILITIES, *shapes, 0.3, 1.4)
    return lambda call: call, [x, *shapes, 0.3, 1.4]


def method_of(package, path):
    """The method of a package's distribution, or None."""
    name, method = path.split(".")
    return getattr(getattr(package, name, None), method, None)


def shifted(f, primals, tangents):
    return lambda h: f(*(p + h * t for p, t in zip(primals, tangents, strict=True)))


def difference(f, h=2e-3):
    """f'(0) by central differences of three steps, without the terms in h² and h⁴."""
    by = lambda h: (f(h) - f(-h)) / (2 * h)
    return (64 * by(h / 4) - 20 * by(h / 2) + by(h)) / 45


def is_known(path):
    name, method = path.split(".")
    law = {**continuous.LAWS, **discrete.LAWS}[name]
    return "pdf" in method or "pmf" in method or not any(isinstance(c, str) for c in law.cdf)


@pytest.mark.parametrize("path", [path for path in CONTINUOUS + DISCRETE if is_known(path)])
def test_every_method_to_the_second_order(path):
    """In all that it is given, along random directions; the value is SciPy's to the bit."""
    called, primals = problem(path)
    theirs, ours = called(method_of(scipy.stats, path)), called(method_of(stats, path))
    rng = np.random.default_rng(len(path))
    first, second = ([rng.uniform(0.5, 1, np.shape(p)) * rng.choice([-1, 1]) for p in primals] for _ in "ab")
    along = lambda *x: jvp(ours, x, tuple(first))[1]
    y, t = jvp(ours, tuple(primals), tuple(first))
    np.testing.assert_array_equal(y, theirs(*primals))
    np.testing.assert_allclose(t, difference(shifted(theirs, primals, first)), rtol=1e-7, atol=1e-9)
    of_vjp, pull = vjp(ours, *primals)
    np.testing.assert_array_equal(of_vjp, y)
    g = np.array([0.3, -1.1, 0.7])
    pulled = sum(np.sum(c * u) for c, u in zip(pull(g), first, strict=True))
    np.testing.assert_allclose(pulled, g @ t, rtol=1e-12)
    np.testing.assert_allclose(
        jvp(along, tuple(primals), tuple(second))[1],
        difference(shifted(along, primals, second)),
        rtol=1e-7,
        atol=1e-8,
    )


JAX_LACKS = {
    **dict.fromkeys(("beta.cdf", "beta.sf", "beta.logcdf", "beta.logsf"), "betainc by its parameters"),
    "bernoulli.cdf": "the keyword loc",
    **{f"gumbel_{side}.{f}": "a derivative in doubles, by scale" for side in "rl" for f in ("pdf", "logpdf", "ppf")},
    **dict.fromkeys(("betabinom.pmf", "betabinom.logpmf"), "all but five digits of the derivative"),
}


def test_jax_agrees_on_every_method_that_it_has():
    """Along the direction of ones; of some distributions JAX has neither loc nor scale."""
    paths = [path for path in CONTINUOUS + DISCRETE if method_of(jax.scipy.stats, path) and path not in JAX_LACKS]
    assert len(paths) > 75

    def slope(package, path, push):
        called, primals = problem(path)
        taken = len(primals)
        if path.startswith(("gennorm", "vonmises", "wrapcauchy")):
            primals[-2:], taken = [0.0, 1.0], taken - 2
        f = lambda *x: called(method_of(package, path))(*x)
        x = tuple(map(np.asarray, primals[:taken]))
        return push(f, x, tuple(map(np.ones_like, x)))[1]

    expected = jax.jit(lambda: {path: slope(jax.scipy.stats, path, jax.jvp) for path in paths})()
    for path in paths:
        np.testing.assert_allclose(slope(stats, path, jvp), expected[path], rtol=1e-9, atol=1e-12, err_msg=path)


# Where the formulas have edges


def test_outside_of_the_support_the_derivative_is_zero():
    for name, shapes in (
        ("expon", []),
        ("gamma", [2.5]),
        ("beta", [2.0, 3.0]),
        ("pareto", [2.0]),
        ("genextreme", [0.5]),
    ):
        of = getattr(stats, name)
        x = np.array([-3.0, -1.0]) if name != "genextreme" else np.array([4.0, 3.0])
        for method in ("pdf", "logpdf", "cdf", "sf"):
            slopes = jacrev(getattr(of, method), tuple(range(len(shapes) + 3)))(x, *shapes, 0.0, 1.0)
            assert [np.count_nonzero(s) for s in slopes] == [0] * len(slopes), (name, method)


def test_parameters_that_are_none_give_nan():
    for x, scale in ((1.0, -1.0), (np.nan, 1.0), (1.0, np.nan)):
        with np.errstate(invalid="ignore"):
            for method in ("pdf", "logpdf", "cdf", "logsf"):
                f = getattr(stats.gamma, method)
                assert np.isnan(f(x, 2.0, 0.0, scale))
                assert np.isnan(grad(f, (0, 1, 2, 3))(x, 2.0, 0.0, scale)).all(), method


def test_points_at_an_end_of_the_support():
    """At a kink any slope between those of both sides is right."""
    assert grad(stats.expon.logpdf)(0.0) == -1
    assert grad(stats.gamma.logpdf)(0.0, 1.0) == -1
    assert grad(stats.weibull_min.logpdf)(0.0, 1.0) == -1
    assert 0 <= grad(stats.gamma.pdf)(0.0, 2.0) <= 1
    assert grad(stats.uniform.pdf)(0.5) == 0
    assert grad(stats.norm.ppf)(0.0) == np.inf
    assert grad(stats.gamma.ppf, 1)(0.0, 2.0) == grad(stats.beta.isf, 2)(0.0, 2.0, 3.0) == 0


@pytest.mark.parametrize("name", ["t", "gennorm", "gamma", "lognorm"])
def test_the_slope_in_x_of_the_distribution_function_s_derivative_by_a_shape(name):
    """It is the density's derivative by the shape, in the middle too, where formulas for either side meet."""
    of = getattr(stats, name)
    for x in (0.0, 0.4) if name in ("t", "gennorm") else (0.4, 3.0):
        mixed = grad(grad(of.cdf, 1), 0)(x, 2.5)
        np.testing.assert_allclose(mixed, grad(of.pdf, 1)(x, 2.5), rtol=1e-9)
        assert mixed != 0


MASSES = {  # by their formulas, as functions of the probability or mean
    "binom": ([5], lambda k, p: scipy.special.comb(5, k) * p**k * (1 - p) ** (5 - k), (0.0, 1.0)),
    "poisson": ([], lambda k, m: np.power(m, k) * np.exp(-m) / scipy.special.factorial(k), (0.0,)),
    "bernoulli": ([], lambda k, p: np.where(k == 1, p, 1 - p), (0.0, 1.0)),
    "geom": ([], lambda k, p: p * np.power(1 - p, k - 1), (1.0,)),
    "nbinom": ([3], lambda k, p: scipy.special.comb(k + 2, k) * p**3 * np.power(1 - p, k), (1.0,)),
}


@pytest.mark.parametrize("name", MASSES)
def test_the_mass_where_a_probability_is_none_or_all(name):
    fixed, formula, ends = MASSES[name]
    k = np.arange({"geom": 1}.get(name, 0), {"bernoulli": 2}.get(name, 6))
    pmf = lambda p: getattr(stats, name).pmf(k, *fixed, p)
    plain = lambda p: formula(k, p)
    for p in ends:
        np.testing.assert_allclose(pmf(p), plain(p))
        for push in (jacfwd, jacrev):
            np.testing.assert_allclose(push(pmf)(p), push(plain)(p), rtol=1e-13)
            np.testing.assert_allclose(push(push(pmf))(p), push(push(plain))(p), rtol=1e-13, atol=1e-13)
    p = np.array([*ends, 0.4])
    each = vmap(grad(lambda p: getattr(stats, name).pmf(1, *fixed, p)))(p)
    np.testing.assert_allclose(each, [grad(lambda p: formula(1, p))(p) for p in p], rtol=1e-13)


def test_the_multinomial_mass_where_a_probability_is_none():
    for k in range(4):
        f = lambda p, k=k: stats.multinomial.pmf([k, 5 - k, 0], 5, np.stack([p, 1 - p, p * 0]))
        binomial = lambda p, k=k: MASSES["binom"][1](k, p)
        for p in (0.0, 1.0, 0.3):
            assert abs(grad(f)(p) - grad(binomial)(p)) < 1e-13
            assert abs(hessian(f)(p) - hessian(binomial)(p)) < 1e-12


SUMS = ("cdf", "sf", "logcdf", "logsf")


@pytest.mark.parametrize("name", [name for name in continuous.LAWS if name != "vonmises"])
def test_where_no_parameter_moves_the_distribution_function(name):
    """At ±∞, and by scale and the shapes at the end 0 of a support, be the density infinite there or not."""
    of, theirs, shapes = getattr(stats, name), getattr(scipy.stats, name), SHAPES.get(name, [])
    points = [(np.inf, shapes, 0), (-np.inf, shapes, 0)]
    peaked = {
        "gamma": [0.5],
        "chi2": [1.0],
        "f": [1.0, 3.0],
        "beta": [0.5, 0.5],
        "weibull_min": [0.5],
        "powerlaw": [0.5],
    }
    if theirs.support(*shapes)[0] == 0:
        points += [(0.0, s, 1) for s in (shapes, peaked.get(name, shapes))]
    for x, s, end in points:
        for method in SUMS:
            f = lambda s, loc, scale, x=x, method=method: getattr(of, method)(x, *s, loc, scale)
            with np.errstate(divide="ignore"):
                value = f(s, 0.0, 1.4)
                if np.isinf(value):
                    continue
                assert value == getattr(theirs, method)(x, *s, 0.0, 1.4)
                of_shapes, of_loc, of_scale = grad(f, (0, 1, 2))(s, 0.0, 1.4)
                forward = jvp(lambda s, scale, f=f: f(s, 0.0, scale), (s, 1.4), ([1.0] * len(s), 1.0))[1]
                assert [*of_shapes, of_scale, forward] == [0] * (len(s) + 2), (x, s, method)
                if not end:
                    assert of_loc == 0 == grad(lambda x, s=s, method=method: getattr(of, method)(x, *s))(x)
                second = hessian(lambda scale, f=f, s=s: f(s, 0.0, scale))(1.4)
                assert second == 0, (x, s, method)


def test_a_time_of_zero_and_one_of_infinity():
    gap = lambda c: np.log(stats.weibull_min.cdf(np.inf, c) - stats.weibull_min.cdf(2.0, c))
    tail = lambda c: stats.weibull_min.logsf(2.0, c)
    np.testing.assert_allclose(grad(gap)(1.3), grad(tail)(1.3), rtol=1e-13)
    np.testing.assert_allclose(hessian(gap)(1.3), hessian(tail)(1.3), rtol=1e-12)
    assert grad(stats.lognorm.logsf, (0, 1, 2))(0.0, 0.7, 0.0) == (0, 0, 0)
    assert grad(stats.weibull_min.cdf)(0.0, 0.5) == grad(stats.beta.cdf)(0.0, 0.5, 0.5) == np.inf  # to one side
    assert grad(stats.gamma.logsf, (0, 2))(0.0, 0.5, 0.0) == (-np.inf, np.inf)
    for x, c in ((5.0, 0.2), (2.0, 0.5)):  # where the support ends at 1/c
        assert np.count_nonzero(grad(stats.genextreme.logcdf, (0, 1, 2, 3))(x, c, 0.0, 1.0)) == 0
        assert hessian(stats.genextreme.logcdf)(x, c) == (0 if c == 0.2 else -2 * c**2)
    assert grad(stats.genextreme.logcdf, (0, 1))(1.0, 1.0) == (1, 1)
    assert grad(stats.genpareto.cdf, (0, 1))(1.0, -1.0) == (1, -1)
    both = hessian(lambda theta: stats.pareto.cdf(theta[0], theta[1]))(np.array([1.0, 2.5]))
    np.testing.assert_allclose(both, [[-2.5 * 3.5, 1], [1, 0]])


def test_far_out_where_scipys_density_is_infinity_times_zero():
    for of, x in ((stats.maxwell, 1e160), (stats.gennorm, 1e200), (stats.invgauss, 1e-160)):
        shapes = SHAPES.get(of.name, [])
        for method in ("cdf", "sf", "logsf" if x < 1 else "logcdf"):
            slopes = grad(getattr(of, method), tuple(range(len(shapes) + 3)))
            with np.errstate(all="ignore"):
                assert not any(slopes(x, *shapes, 0.0, 1.0)), (of.name, method)


def test_far_tails():
    """Where the distribution function itself is 0: by the asymptotic series of Mills' ratio."""
    z = -50.0
    assert abs(grad(stats.norm.logcdf)(z) - -z / (1 - z**-2 + 3 * z**-4 - 15 * z**-6)) < 1e-7
    np.testing.assert_allclose(grad(stats.logistic.logsf)(800.0), -1, rtol=1e-12)
    np.testing.assert_allclose(grad(stats.weibull_min.logsf, 1)(30.0, 2.0), -900 * np.log(30), rtol=1e-12)
    np.testing.assert_allclose(
        grad(stats.genextreme.logpdf, 1)(1.5, 1e-9), grad(stats.genextreme.logpdf, 1)(1.5, 0.0), rtol=1e-8
    )


def test_where_the_square_of_the_point_is_infinite_and_the_density_s_logarithm_is_not():
    for z in (1e160, -1e200, 1e300):
        assert abs(grad(lambda s, z=z: stats.cauchy.logpdf(z, 0.0, s))(1.0) - 1) < 1e-14
        assert abs(grad(stats.cauchy.logpdf)(z) * z + 2) < 1e-14
        with np.errstate(over="ignore"):
            assert abs(grad(lambda s, z=z: stats.t.logpdf(z, 3.0, 0.0, s))(1.0) - 3) < 1e-14
            # ψ(2) − ψ(3/2) is 2 log 2 − 1, and ∂/∂ν (ν + 1)/2 log ν is (log ν + 1 + 1/ν)/2
            of_df = np.log(2) - 0.5 - 1 / 6 + (np.log(3) + 4 / 3) / 2 - np.log(abs(z))
            np.testing.assert_allclose(grad(stats.t.logpdf, 1)(z, 3.0), of_df, rtol=1e-13)
    log = np.log(0.3) + 200 * np.log(10)
    np.testing.assert_allclose(grad(stats.genpareto.logsf, 1)(1e200, 0.3), (log - 1) / 0.09, rtol=1e-13)
    np.testing.assert_allclose(
        grad(stats.genpareto.logpdf, 1)(1e200, 0.3), log / 0.09 - (1 + 1 / 0.3) / 0.3, rtol=1e-13
    )
    assert grad(stats.t.logpdf, 3)(2.0, np.inf, 0.0, 1.0) == grad(stats.norm.logpdf, 2)(2.0, 0.0, 1.0) == 3


@pytest.mark.parametrize(
    ("name", "z", "shapes", "first", "second"),
    [  # log p is a power of scale there, but for lognorm −(log z)²/2, and a term in 1/z
        ("cauchy", 1e200, [], 1, -1),
        ("f", 1e200, [4.2, 5.0], 2.5, -2.5),
        ("lomax", 1e200, [2.4], 2.4, -2.4),
        ("genpareto", 1e200, [0.25], 4, -4),
        ("lognorm", 1e200, [1.0], 200 * np.log(10), -200 * np.log(10) - 1),
        ("lognorm", 1e-200, [1.0], -200 * np.log(10), 200 * np.log(10) - 1),
        ("invgamma", 1e200, [2.2], 2.2, -2.2),
        ("invgamma", 1e-200, [2.2], -1e200, None),
        ("invgauss", 1e-200, [0.8], -5e199, None),
    ],
)
def test_the_scale_at_the_largest_and_smallest_numbers(name, z, shapes, first, second):
    logpdf = lambda s: getattr(stats, name).logpdf(z, *shapes, 0.0, s)
    np.testing.assert_allclose(grad(logpdf)(1.0), first, rtol=1e-13)
    if second is not None:
        np.testing.assert_allclose(hessian(logpdf)(1.0), second, rtol=1e-12)


@pytest.mark.parametrize(
    ("path", "args", "argument", "first", "second"),
    [  # by mpmath
        ("gumbel_l.logsf", (38.0,), 0, -3.18559317571e16, -3.18559317571e16),
        ("weibull_min.logsf", (120.0, 20.0), 1, -1.83540943077e42, -8.78700749441e42),
        ("norm.logcdf", (-300.0,), 0, 300.003333259, -0.99998888963),
        ("invgauss.logsf", (120.0, 0.1), 1, 119919.995017, -3598200.04977),
        ("skewnorm.logpdf", (1e6, -5.0), 1, 5e12, -1e12),
        ("t.logpdf", (2.0, 1e6), 1, -1.74998666673e-12, 3.49996000026e-18),
        ("rayleigh.logsf", (800.0,), 0, -800.0, -1.0),
    ],
)
def test_where_a_difference_of_logarithms_has_no_digits_left(path, args, argument, first, second):
    name, method = path.split(".")
    f = getattr(getattr(stats, name), method)
    np.testing.assert_allclose(grad(f, argument)(*args), first, rtol=1e-10)
    np.testing.assert_allclose(hessian(f, argument)(*args), second, rtol=1e-10)


# As SciPy's functions are called


def test_keywords_broadcasting_and_frozen_distributions():
    x, m, s = np.array([0.3, 1.2, 2.0]), np.array([[0.1], [0.7]]), 1.3
    plainly = jacrev(lambda m, s: stats.gamma.logpdf(x, 2.2, m - 1, s), (0, 1))(m, s)
    assert plainly[0].shape == (2, 3, 2, 1)
    for other in (
        lambda m, s: stats.gamma.logpdf(x, scale=s, a=2.2, loc=m - 1),
        lambda m, s: stats.gamma(2.2, m - 1, scale=s).logpdf(x),
        lambda m, s: vmap(lambda x: stats.gamma(2.2, m - 1, s).logpdf(x), out_axes=-1)(x[:, None, None])[:, 0],
    ):
        for found, expected in zip(jacrev(other, (0, 1))(m, s), plainly, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert grad(lambda x: stats.norm(1.0, 2.0).logpdf(x))(3.0) == -0.5
    assert grad(lambda m: stats.norm.median(m))(3.0) == 1
    with pytest.raises(TypeError, match="unexpected keyword"):
        grad(lambda m: stats.norm.logpdf(m, sigma=1.0))(0.0)
    with pytest.raises(NotImplementedError, match="distributions are of real numbers"):
        grad(lambda x: stats.norm.logpdf(x + 1j).real)(0.0)


@pytest.mark.parametrize("name", [*continuous.LAWS, *discrete.LAWS])
def test_arguments_by_their_names_in_scipy(name):
    of, theirs = getattr(stats, name), getattr(scipy.stats, name)
    shapes = dict(zip(theirs.shapes.split(", ") if theirs.shapes else [], SHAPES.get(name, []), strict=True))
    for method in methods.CONTINUOUS if name in continuous.LAWS else methods.DISCRETE:
        first = "q" if method in ("ppf", "isf") else "x" if name in continuous.LAWS else "k"
        f, at = getattr(of, method), {"q": 0.4, "x": 1.2, "k": 1}[first]
        expected = getattr(theirs, method)(at, *shapes.values())
        assert f(**{first: at}, **shapes) == f(loc=0, **shapes, **{first: at}) == expected
        value, slope = value_and_grad(lambda loc, f=f, first=first, at=at: f(loc=loc, **shapes, **{first: at}))(0.0)
        assert value == expected
        assert slope == grad(lambda loc, f=f, at=at: f(at, *shapes.values(), loc))(0.0)
    for call in (lambda x: of.cdf(x, *shapes.values(), **{first: 1}), lambda x: of.cdf(loc=x, **shapes)):
        with pytest.raises(TypeError, match="argument"):
            grad(call)(1.0)


def test_python_floats_beside_single_precision():
    x = np.float32(20250102)
    for of, shapes in ((stats.norm, ()), (stats.gamma, (2.5,)), (stats.expon, ())):
        for method in ("logpdf", "cdf", "logsf"):
            f = lambda x, loc, of=of, shapes=shapes, method=method: getattr(of, method)(x, *shapes, loc, 1.0)
            expected = jvp(lambda x, f=f: f(x, 20250101.5), (np.float64(x),), (np.float64(1),))[1]
            assert grad(lambda x, f=f: f(x, 20250101.5))(x) == np.float32(expected)
            assert grad(f, 1)(x, 20250101.5) == -expected


def test_plain_arrays_get_scipys_own():
    assert isinstance(stats.norm, scipy.stats.rv_continuous) and isinstance(stats.poisson, scipy.stats.rv_discrete)
    x = scipy.stats.norm.rvs(size=9, random_state=0)
    assert stats.norm.fit(x) == scipy.stats.norm.fit(x)
    assert stats.norm(1, 2).std() == 2 and stats.multivariate_normal([0.0, 1]).mean.tolist() == [0, 1]
    assert stats.zscore(x).tolist() == scipy.stats.zscore(x).tolist()
    assert stats.kstest(x, "norm") == scipy.stats.kstest(x, "norm")
    assert float(grad(lambda x: np.sum(stats.norm.logpdf([x, 2 * x])))(1.0)) == -5


@pytest.mark.parametrize("name", [*continuous.LAWS, *discrete.LAWS])
def test_the_ends_of_a_frozen_distribution(name):
    shapes, theirs = [np.float64(s) for s in SHAPES.get(name, [])], getattr(scipy.stats, name)
    found = []

    def of_loc(loc):
        of = getattr(stats, name)(*shapes, loc=loc)
        found.extend([of.a, of.b])
        return loc

    assert grad(of_loc)(1.0) == 1
    np.testing.assert_array_equal(found, [theirs(*shapes).a, theirs(*shapes).b])
    if name == "genextreme":
        assert grad(lambda c: stats.genextreme(c).b)(0.5) == -4
        assert grad(lambda c: np.sum(stats.genextreme([c, 2 * c]).logcdf(1.0)))(0.2) != 0


def test_distributions_can_be_pickled():
    for of in (stats.gamma, stats.poisson, stats.nakagami, stats.dirichlet, stats.wishart):
        assert pickle.loads(pickle.dumps(of)) is of
    again = pickle.loads(pickle.dumps(stats.norm(1.0, 2.0)))
    assert grad(lambda x: again.logpdf(x))(3.0) == -0.5
    again = pickle.loads(pickle.dumps(stats.dirichlet([1.0, 2.0])))
    assert again.logpdf([0.3, 0.7]) == scipy.stats.dirichlet([1.0, 2.0]).logpdf([0.3, 0.7])


def test_a_derivative_program_can_be_recorded():
    gradient = grad(lambda a: np.sum(stats.gamma.logcdf(np.array([1.0, 2.0]), a)))
    program = record(gradient, 2.0)
    assert "logcdf(" in program.source
    np.testing.assert_allclose(program(3.0)[0], gradient(3.0), rtol=1e-14)


# Vectors


def test_the_multivariate_normal_distribution():
    rng = np.random.default_rng(0)
    a, x, m = rng.normal(size=(3, 3)), rng.normal(size=(4, 3)), rng.normal(size=3)
    cov = a @ a.T + np.eye(3)
    loss = lambda m, cov: np.sum(stats.multivariate_normal(m, cov).logpdf(x))
    inverse = np.linalg.inv(cov)
    u = (x - m) @ inverse
    value, (of_m, of_cov) = value_and_grad(loss, (0, 1))(m, cov)
    assert value == np.sum(scipy.stats.multivariate_normal(m, cov).logpdf(x))
    np.testing.assert_allclose(of_m, np.sum(u, axis=0), rtol=1e-12)
    np.testing.assert_allclose(of_cov, 0.5 * (u.T @ u - len(x) * inverse), rtol=1e-11)  # Petersen and Pedersen, 8.1
    np.testing.assert_allclose(hessian(loss)(m, cov), -len(x) * inverse, rtol=1e-12)
    for given in (2.0, np.array([1.0, 2.0, 0.5])):  # a number, and variances
        f = lambda c: np.sum(stats.multivariate_normal.logpdf(x, m, c))
        direct = lambda c: np.sum(stats.norm.logpdf(x, m, np.sqrt(c)))
        np.testing.assert_allclose(jacfwd(f)(given), jacfwd(direct)(given), rtol=1e-12)
    one = lambda m, v: np.sum(stats.multivariate_normal.pdf(x[0], m, v))
    np.testing.assert_allclose(
        grad(one, (0, 1))(0.3, 1.7), grad(lambda m, v: np.sum(stats.norm.pdf(x[0], m, np.sqrt(v))), (0, 1))(0.3, 1.7)
    )
    with pytest.raises(NotImplementedError, match="leave allow_singular out"):
        grad(lambda m: stats.multivariate_normal.logpdf(x[0], m, cov, allow_singular=True))(m)


def test_frozen_distributions_of_vectors_are_called_as_scipys():
    of, theirs = stats.multivariate_normal(np.ones(2)), scipy.stats.multivariate_normal(np.ones(2))
    x = np.array([0.3, 2.0])
    assert of.logpdf(x=x) == theirs.logpdf(x=x)
    np.testing.assert_array_equal(of.rvs(3, random_state=0), theirs.rvs(3, random_state=0))
    np.testing.assert_allclose(grad(lambda x: of.logpdf(x=x))(x), 1 - x)
    np.testing.assert_allclose(grad(lambda m: stats.multivariate_normal(m).logpdf(x=x))(np.ones(2)), x - 1)
    two = lambda call: grad(lambda p: call(stats.multinomial(5, np.stack([p, 1 - p]))))(0.3)
    assert two(lambda of: of.logpmf(x=[2, 3])) == two(lambda of: of.logpmf([2, 3]))


def test_dirichlet_and_multinomial_reduce_to_beta_and_binomial():
    two = lambda a, b: stats.dirichlet.logpdf(np.array([0.3, 0.7]), np.stack([a, b]))
    one = lambda a, b: stats.beta.logpdf(0.3, a, b)
    np.testing.assert_allclose(grad(two, (0, 1))(1.4, 2.2), grad(one, (0, 1))(1.4, 2.2), rtol=1e-12)
    short = lambda x: stats.dirichlet.logpdf(np.stack([x]), np.array([1.4, 2.2]))
    np.testing.assert_allclose(grad(short)(0.3), grad(stats.beta.logpdf)(0.3, 1.4, 2.2), rtol=1e-12)
    two = lambda p: stats.multinomial.logpmf([2, 3], 5, np.stack([p, 1 - p]))
    np.testing.assert_allclose(grad(two)(0.3), grad(stats.binom.logpmf, 2)(2, 5, 0.3), rtol=1e-12)
    assert grad(lambda p: stats.multinomial.logpmf([2, 2], 5, np.stack([p, 1 - p])))(0.3) == 0


# What scientists do


def fitted(loss, start):
    found = scipy.optimize.minimize(value_and_grad(loss), start, jac=True, method="BFGS", options={"gtol": 1e-8})
    return found.x


def test_a_weibull_regression_with_censored_times():
    """Log-linear scale; who left the study contributes the survival function."""
    rng = np.random.default_rng(1)
    z = np.stack([np.ones(400), rng.normal(size=400)], axis=1)
    time = scipy.stats.weibull_min.rvs(1.7, scale=np.exp(z @ [0.5, -0.8]), random_state=rng)
    censored = time > 3
    time = np.minimum(time, 3)

    def loss(theta):
        scale, shape = np.exp(z @ theta[:2]), np.exp(theta[2])
        log = stats.weibull_min.logpdf(time, shape, scale=scale)
        return -np.sum(np.where(censored, stats.weibull_min.logsf(time, shape, scale=scale), log))

    theta = fitted(loss, np.zeros(3))
    errors = np.sqrt(np.diag(np.linalg.inv(hessian(loss)(theta))))
    assert np.all(np.abs(theta - [0.5, -0.8, np.log(1.7)]) < 3 * errors)
    # the score equation for the shape (Cox and Oakes, Analysis of Survival Data, 1984, section 3.6)
    k, u = np.exp(theta[2]), np.log(time) - z @ theta[:2]
    assert abs(np.sum(~censored) / k + np.sum(u * (~censored - np.exp(k * u)))) < 1e-4


def test_a_gamma_distribution_by_maximum_likelihood():
    x = scipy.stats.gamma.rvs(2.5, scale=1.6, size=300, random_state=2)
    loss = lambda theta: -np.sum(stats.gamma.logpdf(x, np.exp(theta[0]), scale=np.exp(theta[1])))
    a, _, scale = scipy.stats.gamma.fit(x, floc=0)
    np.testing.assert_allclose(np.exp(fitted(loss, np.zeros(2))), [a, scale], rtol=1e-5)


# What is refused


def test_every_distribution_of_scipy_has_an_answer():
    names = [name for name in scipy.stats.__all__ if hasattr(getattr(scipy.stats, name), "rvs")]
    names = [name for name in names if not isinstance(getattr(scipy.stats, name), type)]
    assert len(names) > 130
    unlike = [
        name
        for name in names
        if (name in stats.DISTRIBUTIONS) == isinstance(rule_of.get(getattr(stats, name)), Refused)
    ]
    assert unlike == []
    for name in [*continuous.LAWS, *discrete.LAWS]:
        of = getattr(stats, name)
        kind = methods.CONTINUOUS if name in continuous.LAWS else methods.DISCRETE
        assert all(isinstance(rule_of[getattr(of, method)], Elementwise) for method in kind)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: stats.norm.rvs(x), "draws random numbers"),
        (lambda x: stats.norm(x).mean(), "no rule so far"),
        (lambda x: stats.nakagami.logpdf(1.0, x), "write its density"),
        (lambda x: stats.nakagami(x).logpdf(1.0), "write its density"),
        (lambda x: stats.wishart(3, x).logpdf(1.0), "write its density"),
        (lambda x: stats.multivariate_normal.cdf(x), "random points"),
        (lambda x: stats.vonmises.cdf(0.3, x), "no closed form of the integral"),
        (lambda x: stats.betabinom.sf(2, 5, x, 1.0), "no closed form of the sum"),
        (lambda x: stats.zscore(x), "no rule so far"),
    ],
)
def test_what_is_refused_says_why(call, words):
    for run in (lambda: grad(lambda x: np.sum(call(x)))(1.0), lambda: jvp(call, (1.0,), (1.0,))):
        with pytest.raises(NotImplementedError, match=words):
            run()
