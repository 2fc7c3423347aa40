"""``scipy.special``: every function has an answer, second derivatives, hard points, and what is refused."""

import contextlib
import functools
import itertools
import subprocess
import sys
import warnings

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from mpmath import mp, mpf

import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.measure.derivatives import inner
from jax_ref.referee.precise import UFUNCS as PRECISE
from jax_ref.referee.precise import precise
from scratch_ad import grad, jvp, vjp
from scratch_ad.registry import rule_of
from scratch_ad.rule import Constant, Derivative, Refused
from scratch_ad.scipy import exponentials, special
from scratch_ad.tracer import name_of

UFUNCS_OF_THE_REFEREE = [f for f in PRECISE if getattr(np, f.__name__, None) is not f]
UFUNCS = [name for name in scipy.special.__all__ if isinstance(getattr(special, name), np.ufunc)]
CASES = [case for case in catalogue if "scipy.special" in case.expression]


def fresh(code):
    """What a new interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


# What there is


def test_every_ufunc_has_an_answer():
    assert len(UFUNCS) > 230
    assert sorted(name for name in UFUNCS if getattr(scipy.special, name) not in rule_of) == []


def test_every_function_that_jax_has_is_differentiated():
    import jax.scipy.special

    integers = {"bernoulli", "bessel_jn", "gammasgn", "lpmn", "lpmn_values"}
    names = {n for n in dir(jax.scipy.special) if not n.startswith("_") and hasattr(special, n)} - integers
    assert len(names) > 45
    tested = {name_of(case.function).rpartition(".")[2] for case in CASES} | {"digamma", "zeta"}
    assert names - tested == set()


def test_the_mirror_has_every_name_of_scipy():
    assert set(scipy.special.__all__) <= set(dir(special))
    assert special.erf is scipy.special.erf and special.softmax is not scipy.special.softmax


def test_rules_load_when_a_function_is_met():
    code = """
import sys, scratch_ad, scipy.special
assert "scratch_ad.rules.scipy_special" not in sys.modules
print(scratch_ad.grad(scipy.special.erf)(0.5), "scratch_ad.rules.scipy_special" in sys.modules)
"""
    assert fresh(code) == "0.8787825789354448 True"


def test_a_rule_of_the_user_stays():
    code = """
import scratch_ad, scipy.special as special
scratch_ad.elementwise(special.erf, lambda x: 7 * x)
scratch_ad.grad(special.erfc)(0.5)
print(scratch_ad.grad(special.erf)(1.0))
"""
    assert fresh(code) == "7.0"


def test_programs_name_the_functions():
    source = scratch_ad.record(grad(special.erf), 0.5).source
    assert "np.exp" in source
    assert "erf(v0)" in scratch_ad.record(special.erf, 0.5).source


@pytest.mark.parametrize("case", [c for c in CASES if c.function in UFUNCS_OF_THE_REFEREE], ids=str)
def test_numbers_of_the_referee(case):
    """The referee's values are SciPy's, at the first numbers of each case."""
    primals = [np.array(x[..., :3]) for x in case.draw(case.dtypes[-1])]
    as_list = lambda y: y if isinstance(y, list) else [y]
    with mp.workdps(40), np.errstate(all="ignore"):
        precisely = as_list(case.function_in()(*map(precise, primals)))
    for found, expected in zip(precisely, as_list(case.function_in()(*primals)), strict=True):
        np.testing.assert_allclose(
            found.value.astype(expected.dtype), expected, rtol=1e-6 if found.dtype == "f" else 1e-9
        )


# Second derivatives, where JAX's are not compared


def _along(f, primals, tangents, step):
    move = lambda h: np.asarray(f(*(x + h * t for x, t in zip(primals, tangents, strict=True))))
    return (8 * (move(step / 2) - move(-step / 2)) - (move(step) - move(-step))) / (6 * step)


FEW_DIGITS = {"fdtridfd", "stdtridf", "tklmbda", "bdtrin", "nbdtrin", "chndtrix", "chndtrinc"}  # SciPy's values have


@pytest.mark.parametrize("case", [c for c in CASES if c.differs or c.orders == 1], ids=str)
@np.errstate(all="ignore")
def test_second_derivative(case):
    """That of jvp by jvp and by vjp against a central difference of the first, at random directions."""
    function, primals = case.function_in(), case.draw(case.dtypes[-1])
    f = lambda *x: np.stack(y) if isinstance(y := function(*x), list) else y
    rng = np.random.default_rng(0)
    tangents, others = (tuple(np.asarray(rng.normal(size=x.shape), x.dtype) for x in primals) for _ in range(2))
    first = lambda *x: jvp(f, x, tangents)[1]
    value, second = jvp(first, primals, others)
    tolerance = 1e-5 if name_of(case.function).rpartition(".")[2] in FEW_DIGITS else 1e-7
    np.testing.assert_allclose(second, _along(first, primals, others, 1e-3), rtol=tolerance, atol=tolerance)
    g = np.asarray(rng.normal(size=value.shape), value.dtype)
    pulled = vjp(first, *primals)[1](g)
    assert abs(inner([g], [second]) - inner(pulled, others)) < 1e-11 * (1 + np.max(np.abs(second)))


# Hard points: overflow, cancellation, the ends of the domain

INF = np.inf
_tail = lambda x: mpmath.exp(mpf(x) ** 2) * mpmath.erfc(mpf(x))
HARD = {
    # function of one argument, point: the derivative
    ("erfc", 20.0): lambda x: -2 / mpmath.sqrt(mp.pi) * mpmath.exp(-x * x),
    ("erfcx", 1e8): lambda x: -1 / (mpmath.sqrt(mp.pi) * x * x) * (1 - 3 / (2 * x * x)),
    ("erfcx", -20.0): lambda x: 2 * x * _tail(x) - 2 / mpmath.sqrt(mp.pi),
    ("dawsn", 1e8): lambda x: -1 / (2 * x * x) * (1 + 3 / (2 * x * x)),
    ("log_ndtr", -1e10): lambda x: -x * (1 + 1 / (x * x)),
    ("log_ndtr", 50.0): lambda x: 0,
    ("ndtri", 1e-300): lambda x: None,
    ("erfcinv", 1e-300): lambda x: None,
    ("expit", 700.0): lambda x: mpmath.exp(-x),
    ("expit", -700.0): mpmath.exp,
    ("expit", 1e4): lambda x: 0,
    ("log_expit", 800.0): lambda x: mpmath.exp(-x),
    ("logit", 1e-300): lambda x: 1 / x,
    ("gamma", -0.5): lambda x: mpmath.gamma(x) * mpmath.digamma(x),
    ("rgamma", -3.0): lambda x: mpmath.diff(mpmath.rgamma, x),
    ("rgamma", 0.0): lambda x: 1,
    ("psi", -3.75): lambda x: mpmath.psi(1, x),
    ("psi", 1e10): lambda x: mpmath.psi(1, x),
    ("i0", 0.0): lambda x: 0,
    ("i1", 0.0): lambda x: mpf(1) / 2,
    ("i0e", 1e10): lambda x: -mpf(1) / 2 / mpmath.sqrt(2 * mp.pi) / x ** mpf(1.5) * (1 + 3 / (8 * x)),
    ("i1e", 1e4): lambda x: mpmath.exp(-x) * (mpmath.besseli(0, x) - mpmath.besseli(1, x) * (1 + 1 / x)),
    ("k0e", 1e6): lambda x: mpmath.exp(x) * (mpmath.besselk(0, x) - mpmath.besselk(1, x)),
    ("j1", 0.0): lambda x: mpf(1) / 2,
    ("exprel", 1e-12): lambda x: mpf(1) / 2 + x / 3,
    ("exprel", -800.0): lambda x: 1 / (x * x),
    ("spence", 1.0): lambda x: -1,
    ("ellipk", 0.0): lambda x: mp.pi / 8,
    ("ellipk", 1e-13): lambda x: mp.pi / 8 * (1 + 9 * x / 8),
    ("ellipe", 0.0): lambda x: -mp.pi / 8,
    ("exp1", 700.0): lambda x: -mpmath.exp(-x) / x,
    ("sici", 0.0): lambda x: 1,
    ("shichi", 0.0): lambda x: 1,
    ("it2j0y0", 1e-9): lambda x: x / 4,
    ("entr", 0.0): lambda x: mpf("inf"),
    ("kolmogorov", 0.4): lambda x: None,
}


@pytest.mark.parametrize("name, point", HARD, ids=str)
def test_hard_point(name, point):
    with mp.workdps(60), np.errstate(all="ignore"):
        expected = HARD[name, point](mpf(point))
        if expected is None:  # from the inverse function
            expected = _IMPLICIT[name](mpf(point))
        expected = float(expected)
    f = getattr(special, name)
    one = lambda x: f(x)[0] if f.nout > 1 else f(x)
    with np.errstate(all="ignore"):
        for found in (jvp(one, (point,), (1.0,))[1], grad(one)(point)):
            np.testing.assert_allclose(found, expected, rtol=2e-15 if expected else 0, atol=1e-300)


def _quantile_slope(p):
    y = mpmath.findroot(lambda y: mpmath.log(mpmath.erfc(-y / mpmath.sqrt(2)) / 2) - mpmath.log(p), -37)
    return mpmath.sqrt(2 * mp.pi) * mpmath.exp(y * y / 2)


def _erfcinv_slope(x):
    y = mpmath.findroot(lambda y: mpmath.log(mpmath.erfc(y)) - mpmath.log(x), 26)
    return -mpmath.sqrt(mp.pi) / 2 * mpmath.exp(y * y)


def _kolmogorov_slope(x):
    cdf = lambda x: (
        mpmath.sqrt(2 * mp.pi) / x * sum(mpmath.exp(-((2 * k - 1) ** 2) * mp.pi**2 / (8 * x * x)) for k in range(1, 9))
    )
    return -mpmath.diff(cdf, x)


_IMPLICIT = {"ndtri": _quantile_slope, "erfcinv": _erfcinv_slope, "kolmogorov": _kolmogorov_slope}


@pytest.mark.parametrize(
    "name, point, slopes",
    [
        ("xlogy", (0.0, 0.0), (-INF, 0.0)),
        ("xlogy", (0.0, 2.0), (np.log(2), 0.0)),
        ("xlog1py", (0.0, -1.0), (-INF, 0.0)),
        ("rel_entr", (0.0, 1.0), (-INF, 0.0)),
        ("rel_entr", (1e300, 1e-300), (1 + 600 * np.log(10), -INF)),
        ("rel_entr", (1.0, 1.0 + 2**-50), (1 - 2**-50, 2**-50 - 1)),
        ("kl_div", (0.0, 1.0), (-INF, 1.0)),
        ("kl_div", (1.0 + 2**-50, 1.0), (2**-50, -(2**-50))),
        ("boxcox", (2.0, 0.0), (0.5, np.log(2) ** 2 / 2)),
        ("boxcox", (2.0, 1e-9), (0.5, np.log(2) ** 2 / 2)),
        ("boxcox1p", (1.0, 0.0), (0.5, np.log(2) ** 2 / 2)),
        ("inv_boxcox", (0.5, 0.0), (np.exp(0.5), -np.exp(0.5) / 8)),
        ("betaln", (1e10, 1.0), (-1e-10, -23.603066594891988)),
        ("pseudo_huber", (1.0, 1e200), (1e200, 1.0)),
        ("huber", (1.0, -3.0), (2.0, -1.0)),
        ("gammainc", (1.0, 0.0), (0.0, 1.0)),
        ("agm", (1.0, 1.0), (0.5, 0.5)),
        ("poch", (-1.0, 2.5), (-np.sqrt(np.pi) / 2, 0.0)),
        ("binom", (3.0, 4.0), (1 / 4, -1 / 4)),
    ],
)
def test_hard_points_of_two_arguments(name, point, slopes):
    with np.errstate(all="ignore"):
        pulled = vjp(getattr(special, name), *point)[1](np.float64(1))
        for k, slope in enumerate(slopes):
            tangents = tuple(float(i == k) for i in range(2))
            pushed = jvp(getattr(special, name), point, tangents)[1]
            np.testing.assert_allclose([pulled[k], pushed], [slope, slope], rtol=1e-8 if "boxcox" in name else 1e-14)


@pytest.mark.parametrize(
    "a, weights",
    [
        ([-INF, -INF], [0.5, 0.5]),
        ([-INF, 0.0], [0.0, 1.0]),
        ([INF, 0.0], [1.0, 0.0]),
        ([INF, INF, 1.0], [0.5, 0.5, 0.0]),
        ([1e308, 1e308], [0.5, 0.5]),
        ([1000.0, 1000.0, -1000.0], [0.5, 0.5, 0.0]),
    ],
)
def test_logsumexp_at_infinities_and_ties(a, weights):
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(grad(special.logsumexp)(np.array(a)), weights)
        pushed = [jvp(special.logsumexp, (np.array(a),), (t,))[1] for t in np.eye(len(a))]
    np.testing.assert_array_equal(pushed, weights)


def test_softmax_of_huge_numbers():
    x = np.array([1e308, 0.0, -1e308, 1e308])
    slope = [jvp(special.softmax, (x,), (t,))[1] for t in np.eye(4)]
    np.testing.assert_array_equal(slope, np.outer([1, 0, 0, -1], [0.25, 0, 0, -0.25]))
    logs = [jvp(special.log_softmax, (x,), (t,))[1] for t in np.eye(4)]
    np.testing.assert_array_equal(logs, np.eye(4) - np.array([[0.5], [0], [0], [0.5]]))


def shares_in_many_digits(z, weights, base):
    """The shares of Σ w baseᶻ."""
    powers = [mpf(w) * mpf(base) ** mpf(x) for w, x in zip(weights, z, strict=True)]
    return [u / sum(powers) for u in powers]


def covariance(p):
    return [[p[i] * ((i == j) - p[j]) for j in range(len(p))] for i in range(len(p))]


def of_log_sum(p):
    return p, covariance(p)


def of_log_share(p):
    return [(i == 0) - q for i, q in enumerate(p)], [[-c for c in row] for row in covariance(p)]


def of_share(p):
    slope, curvature = of_log_share(p)
    outer = [[u * v + c for v, c in zip(slope, row, strict=True)] for u, row in zip(slope, curvature, strict=True)]
    return [p[0] * u for u in slope], [[p[0] * u for u in row] for row in outer]


WEIGHTS = [2.0, 0.5, 3.0]
SHARES = {
    "softmax": (lambda z: special.softmax(z)[0], of_share),
    "log_softmax": (lambda z: special.log_softmax(z)[0], of_log_share),
    "exp of log_softmax": (lambda z: np.exp(special.log_softmax(z)[0]), of_share),
    "logsumexp": (special.logsumexp, of_log_sum),
    "logsumexp with weights": (lambda z: special.logsumexp(z, b=np.array(WEIGHTS)), of_log_sum),
    "logsumexp with its sign": (lambda z: special.logsumexp(z, b=-np.ones(3), return_sign=True)[0], of_log_sum),
    "logsumexp over axes": (lambda z: special.logsumexp(z[:, None], (0, 1), keepdims=True)[0, 0], of_log_sum),
    "logaddexp.reduce": (np.logaddexp.reduce, of_log_sum),
    "logaddexp2.reduce": (np.logaddexp2.reduce, of_log_sum),
}
SECOND = {
    "forward over reverse": lambda f: scratch_ad.jacfwd(grad(f)),
    "reverse over reverse": lambda f: scratch_ad.jacrev(grad(f)),
    "reverse over forward": lambda f: scratch_ad.jacrev(scratch_ad.jacfwd(f)),
    "forward over forward": lambda f: scratch_ad.jacfwd(scratch_ad.jacfwd(f)),
}


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("z", [[40.0, 0.0, -1.0], [0.0, 40.0, 3.0], [-750.0, -50.0, 0.0], [-745.0, -750.0, -700.0]])
def test_shares_beside_a_dominating_one(name, z):
    f, exact = SHARES[name]
    x = np.array(z)
    with mp.workdps(700):
        base = 2 if "2" in name else mp.e
        slope, curvature = exact(shares_in_many_digits(z, WEIGHTS if "weights" in name else [1, 1, 1], base))
        curvature = np.array([[u * mp.log(base) for u in row] for row in curvature], float)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-300)
    close(grad(f)(x), np.array(slope, float))
    close(scratch_ad.jacfwd(f)(x), np.array(slope, float))
    for how, second in SECOND.items():
        close(second(f)(x), curvature, err_msg=how)


PARAMETERS = {
    # the derivative by a parameter, of integrals: at small and large ones, in both tails
    "gammainc": [(0.01, 0.5), (0.01, 2.0), (3.0, 2.0), (50.0, 51.0), (1e4, 9.9e3), (2.0, 100.0)],
    "betainc": [(0.02, 3.0, 0.2), (2.0, 0.05, 0.9), (20.0, 3.0, 0.5), (300.0, 500.0, 0.38), (0.02, 0.03, 0.5)],
    # of series: where they alternate, where a numerator is 0, and where they are long
    "hyp1f1": [(0.7, 1.5, -30.0), (0.7, 1.5, 600.0), (-2.0, 1.5, -2.0), (0.0, 1.5, 2.0), (1e-9, 1.5, -2.0)],
    "hyp2f1": [(0.7, 1.2, 1.9, 0.98), (0.7, 1.2, 1.9, -80.0), (-2.0, 1.2, 1.9, 0.5), (3.0, 20.0, 30.0, -3.0)],
}


@pytest.mark.parametrize("name, point", [(name, point) for name, points in PARAMETERS.items() for point in points])
def test_derivative_by_a_parameter(name, point):
    exact = {
        "gammainc": lambda a, x: mpmath.gammainc(a, 0, x, regularized=True),
        "betainc": lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True),
        "hyp1f1": mpmath.hyp1f1,
        "hyp2f1": mpmath.hyp2f1,
    }[name]
    if name == "gammainc" and point[1] > 2 * point[0] > 2:  # the other tail, which does not cancel
        exact = lambda a, x: -mpmath.gammainc(a, x, regularized=True)
    for k in range(len(point) - 1):
        move = lambda h, k=k: exact(*(mpf(x) + h * (i == k) for i, x in enumerate(point)))
        with mp.workdps(60):
            h = mpf(10) ** -18
            expected = float((move(h) - move(-h)) / (2 * h))
        found = grad(getattr(special, name), argnums=k)(*point)
        np.testing.assert_allclose(found, expected, rtol=2e-13)


def test_hypergeometric_series_without_their_end_or_digits_give_nan():
    for f, point in (
        (special.hyp1f1, (0.7, 1.5, -800.0)),  # the terms overflow
        (special.hyp1f1, (30.0, 2.0, -30.0)),  # they alternate, and are more than 10⁸ times their sum
        (special.hyp2f1, (0.7, 1.2, 1.9, 0.999)),
        (special.hyp2f1, (0.7, 1.2, 1.9, 1.0)),
        (special.hyp2f1, (0.7, 1.2, 1.9, 1.5)),
    ):
        assert np.isnan(grad(f)(*point)), point
    with pytest.raises(NotImplementedError, match="real arguments only"):
        jvp(lambda a: special.hyp1f1(a, 1.5, 1j), (0.7,), (1.0,))


def test_voigts_profile_becomes_lorentzs():
    with np.errstate(divide="ignore", invalid="ignore"):
        pulled = vjp(special.voigt_profile, 0.5, 0.0, 1.0)[1](np.float64(1))
        bends = [grad(grad(special.voigt_profile, argnums=1), argnums=1)(0.5, sigma, 1.0) for sigma in (0.0, 1e-6)]
    np.testing.assert_allclose(pulled, (-1 / (np.pi * 1.25**2), 0, -0.75 / (np.pi * 1.25**2)), rtol=1e-15)
    np.testing.assert_allclose(bends, [-32 / (125 * np.pi)] * 2, rtol=1e-9)


def test_inverses_are_inverse():
    """d F(F⁻¹(p; a); a) is dp, whatever da."""
    for forward, backward, at in (
        (special.gammainc, special.gammaincinv, (2.5, 0.3)),
        (special.chdtrc, special.chdtri, (2.5, 0.3)),
        (special.stdtr, special.stdtrit, (2.5, 0.3)),
    ):
        round_trip = lambda a, p, f=forward, b=backward: f(a, b(a, p))
        pulled = vjp(round_trip, *at)[1](np.float64(1))
        np.testing.assert_allclose(pulled, (0, 1), atol=1e-13)


# What is refused


@pytest.mark.parametrize(
    "call, argument",
    [
        (lambda x: special.jv(x, 1.0), "scipy.special.jv has no derivative in its argument 0"),
        (lambda x: special.hyperu(1.0, x, 0.5), "scipy.special.hyperu has no derivative in its argument 1"),
        (lambda x: special.pbdv(x, 1.0)[0], "scipy.special.pbdv has no derivative in its argument 0"),
        (lambda x: special.chndtr(1.0, x, 1.0), "chndtr has no derivative in its argument 1"),
        (lambda x: special.nctdtr(1.0, x, 1.0), "nctdtr has no derivative in"),
        (lambda x: special.factorial(x, exact=True), "exact"),
        (lambda x: special.comb(x, 2, exact=True), "exact=True"),
    ],
)
def test_what_is_not_known_is_refused_by_name(call, argument):
    for mode, derivative in (("reverse", grad(call)), ("forward", lambda x: jvp(call, (x,), (1.0,)))):
        with pytest.raises((NotImplementedError, ValueError), match=argument):
            derivative(2.5)
        assert mode


def test_functions_that_are_not_analytic():
    z = np.array([1.5 + 0.5j, -0.7 - 1.2j])
    for f in (special.ive, special.jve, special.yve):
        of_z = functools.partial(f, 0.5)
        for t in (1 + 0j, 1j, 0.3 - 0.8j):
            expected = _along(of_z, (z,), (np.full(2, t),), 1e-3)
            np.testing.assert_allclose(jvp(of_z, (z,), (np.full(2, t),))[1], expected, rtol=1e-9)
            g = np.array([0.4 + 1j, -1 + 0.2j])
            pulled = vjp(of_z, z)[1](g)[0]
            assert abs(np.real(np.sum(g * expected)) - np.real(np.sum(pulled * t))) < 1e-9
    with pytest.raises(NotImplementedError, match="not analytic"):
        jvp(special.airye, (z,), (z,))


def test_carlsons_integrals_are_differentiated_at_real_numbers():
    z = np.array([1 + 1j])
    assert np.all(np.isfinite(grad(lambda z: np.real(special.elliprf(1.0, 2.0, z)[0]))(z)))
    for f in (lambda z: special.elliprc(1.0, z), lambda z: special.elliprd(1.0, 2.0, z)):
        with pytest.raises(NotImplementedError, match="real arguments only"):
            jvp(f, (z,), (z,))


@pytest.mark.filterwarnings("ignore:non-integer arg:DeprecationWarning")
@pytest.mark.parametrize("name", [n for n in UFUNCS if n not in ("eval_hermite", "eval_hermitenorm")])
def test_python_numbers_at_the_ends_of_domains(name):
    """Zeros and ones that are Python's raise no ZeroDivisionError: only what has no derivative raises."""
    f = getattr(special, name)
    one = lambda *args: f(*args)[0] if f.nout > 1 else f(*args)
    for args in itertools.product((0.0, 1.0), repeat=f.nin):
        for k in range(f.nin):
            with contextlib.suppress(NotImplementedError):
                jvp(lambda x: one(*args[:k], x, *args[k + 1 :]), (args[k],), (1.0,))  # noqa: B023


def test_keywords_and_positional_flags():
    np.testing.assert_allclose(
        grad(lambda x: special.spherical_jn(2, x, True))(1.5),
        grad(grad(lambda x: special.spherical_jn(2, x)))(1.5),
        rtol=1e-14,
    )
    np.testing.assert_allclose(grad(lambda x: special.comb(x, 2, repetition=True))(5.0), 5.5)
    assert grad(lambda x: special.factorial(x))(-2.5) == 0
    with pytest.raises(NotImplementedError, match="diff_n"):
        grad(lambda x: np.real(special.sph_harm_y(2, 1, x, 0.3, diff_n=1)[0]))(0.5)


def test_constants_and_refusals_of_the_table():
    kinds = {
        kind: {name_of(f) for f, rule in rule_of.items() if isinstance(rule, kind)} for kind in (Constant, Refused)
    }
    assert {"scipy.special.gammasgn", "scipy.special.round"} <= kinds[Constant]
    assert {"scipy.special.nctdtr", "scipy.special.mathieu_a"} <= kinds[Refused]


# Integers among the arguments


def _takes_integers(ufunc):
    takes_floats = any(loop.startswith("d" * ufunc.nin + "->") for loop in ufunc.types)
    return ufunc.nin > 1 and takes_floats and isinstance(rule_of.get(ufunc), Derivative)


INTEGERS = [
    [2, 1, 3, 2],
    list(map(np.int32, [1, 2, 1, 3])),
    [np.array([n, n]) for n in [2, 1, -1, 1]],
]


@pytest.mark.parametrize("name", [n for n in UFUNCS if _takes_integers(getattr(scipy.special, n))])
@pytest.mark.filterwarnings("ignore:floating point number truncated", "ignore:non-integer arg n")  # SciPy's, of 0.3
@np.errstate(all="ignore")
def test_integers_are_as_good_as_floats(name):
    """Derivatives in one argument, the others integers, are those of floats where these are numbers.

    SciPy's own loops for integers know more: a polynomial of integer degree may be nan at the degree as a float.
    """
    ufunc = getattr(scipy.special, name)
    for place, numbers in itertools.product(range(ufunc.nin), INTEGERS):
        others = numbers[: ufunc.nin - 1]
        floats = [1.0 * n for n in others]
        for mode in (_by_jvp, _by_vjp):
            got, expected = (mode(_in_place(ufunc, place, o), 0.3) for o in (others, floats))
            assert isinstance(got, str) == isinstance(expected, str), (place, numbers, got, expected)
            if not isinstance(got, str):
                got = np.where(np.isfinite(expected), got, expected)
                np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12, err_msg=str((place, numbers)))


def _in_place(ufunc, place, others):
    return lambda t: ufunc(*others[:place], t, *others[place:])


def _by_jvp(f, x):
    """The derivative, or the text of the refusal of one."""
    try:
        return np.stack(np.atleast_1d(jvp(f, (x,), (1.0,))[1]))
    except NotImplementedError as error:
        return str(error)


def _by_vjp(f, x):
    try:
        y, pull = vjp(f, x)
        return pull(tuple(map(np.ones_like, y)) if isinstance(y, tuple) else np.ones_like(y))[0]
    except NotImplementedError as error:
        return str(error)


@pytest.mark.parametrize("s", [-0.001 + 300j, 2.5 + 12j, 0.5 + 100j, 3 - 1500j])
def test_zeta_high_above_the_real_line(s):
    slope = scratch_ad.grad(scratch_ad.scipy.special.zeta, holomorphic=True)(np.complex128(s))
    np.testing.assert_allclose(slope, complex(mpmath.diff(mpmath.zeta, mpmath.mpc(s))), rtol=1e-8)


@given(data=st.data())
def test_logsumexp_is_that_of_scipy_to_the_last_bit(data):
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=3, max_side=9))
    numbers = st.integers(-9, 9) | st.sampled_from([-np.inf, np.inf, np.nan, -0.0, 1e30, -1e-30]) | st.floats(-800, 800)
    a = data.draw(arrays.arrays(np.float64, shape, elements=numbers)).astype(dtype)
    axes = st.none() | st.integers(-len(shape), len(shape) - 1) | arrays.valid_tuple_axes(len(shape))
    axis, keepdims = data.draw(axes), data.draw(st.booleans())
    found = []
    for f in (special.logsumexp, scipy.special.logsumexp):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            y = f(a, axis, keepdims=keepdims)
        found.append((type(y), y.dtype, y.shape, y.strides, y.tobytes(), [str(w.message) for w in told]))
    assert found[0] == found[1]


def test_logsumexp_is_left_to_a_scipy_that_rounds_otherwise(monkeypatch):
    theirs = scipy.special.logsumexp
    monkeypatch.setattr(exponentials._scipy, "logsumexp", lambda *args, **kwargs: 1.5 * theirs(*args, **kwargs))
    monkeypatch.setattr(exponentials, "_is_known", functools.cache(exponentials._is_known.__wrapped__))
    a = np.linspace(0.0, 1.0, 5)
    assert special.logsumexp(a) == 1.5 * theirs(a)
    with np.errstate(under="raise"), pytest.raises(FloatingPointError):
        special.logsumexp(np.array([0.0, -800.0]))
