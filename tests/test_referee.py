"""The referee: its numbers against NumPy's, its derivatives against JAX's, its verdicts on right and wrong answers."""

import itertools
import math
import zlib

import mpmath
import numpy as np
import optree
import pytest
import scipy.special

import jax_ref
import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.cases.edge_points import EDGE_POINTS
from jax_ref.cases.known_bugs import KNOWN_BUGS
from jax_ref.commands.atlas import disagreements, row
from jax_ref.referee import estimates
from jax_ref.referee.estimates import right, second, verdict
from jax_ref.referee.precise import UFUNCS, Precise, Undecided, precise
from scratch_ad.tracer import name_of
from scratch_ad.tree import is_inexact

nan, inf = np.nan, np.inf
SPECIAL = (0.0, 1.0, -1.0, 2.0, -2.5, inf, -inf, nan)
INTEGERS = {np.ldexp: (0, 1, -3)}
OF_NUMPY = [u for u in UFUNCS if getattr(np, u.__name__, None) is u]  # SciPy's: tests/test_scipy_special.py


def rounded(y):
    """A result in high precision as plain arrays."""
    if isinstance(y, tuple):
        return tuple(map(rounded, y))
    return y.value.astype(y.dtype) if isinstance(y, Precise) else y


def arguments(ufunc, dtype):
    rng = np.random.default_rng(zlib.crc32(ufunc.__name__.encode()))
    shape = (ufunc.nin, 60)
    draws = list(rng.uniform(-3, 3, shape) + (1j * rng.uniform(-3, 3, shape) if dtype == "complex128" else 0))
    if ufunc in INTEGERS:
        draws[1] = rng.integers(-5, 5, 60)
    return draws


def loops():
    for ufunc in OF_NUMPY:
        yield ufunc, "float64"
        if any(t.startswith("D" * ufunc.nin + "->") for t in ufunc.types):
            yield ufunc, "complex128"


@pytest.mark.parametrize(("ufunc", "dtype"), list(loops()), ids=lambda v: getattr(v, "__name__", v))
def test_ufunc(ufunc, dtype):
    """NumPy's values on random points, nan outside the domain included, and NumPy's dtypes."""
    given = arguments(ufunc, dtype)
    with np.errstate(all="ignore"):
        expected = ufunc(*given)
    with mpmath.workdps(40):
        got = rounded(ufunc(*map(precise, given)))
    for a, b in zip(*((x,) if ufunc.nout == 1 else x for x in (got, expected)), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=0)


@pytest.mark.parametrize("ufunc", OF_NUMPY, ids=lambda ufunc: ufunc.__name__)
def test_ufunc_at_special_points(ufunc):
    """IEEE's conventions for zeros, infinities and nan, but for the sign of zero, which mpmath does not have."""
    values = [SPECIAL] * ufunc.nin
    if ufunc in INTEGERS:
        values[1] = INTEGERS[ufunc]
    for given in itertools.product(*values):
        given = tuple(map(np.asarray, given))
        with np.errstate(all="ignore"):
            expected = ufunc(*given)
        np.testing.assert_allclose(rounded(ufunc(*map(precise, given))), expected, rtol=1e-14, err_msg=f"{given}")


def numbers(case):
    return sum(math.prod(a.shape) for a in case.arguments.values())


# A part of the catalogue, in which every file of rules has its share; each number costs some evaluations, and the
# referee knows no algorithms of SciPy's.
UNKNOWN = ("scipy.linalg.", "scipy.fft.", "scipy.signal.")
KNOWN = [case for case in catalogue if not (case.differs or name_of(case.function).startswith(UNKNOWN))]
SAMPLE = [case for case in KNOWN if numbers(case) < 30][::40]
DIGITS = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5}  # of answers of lower precision


def outputs(case):
    return lambda *arrays: [leaf for leaf in optree.tree_leaves(case.function_in()(*arrays)) if is_inexact(leaf)]


def like(x, rng):
    v = rng.normal(size=np.shape(x)) + (1j * rng.normal(size=np.shape(x)) if np.iscomplexobj(x) else 0)
    return np.asarray(v, np.result_type(x))[()]


def wrong(got, estimate):
    """Which elements are not right to twelve digits of the largest."""
    scale = max((abs(complex(v)) for v in estimate.value.flat), default=0.0)
    judged = right(got, estimate, DIGITS.get(np.result_type(got).name, 1e-12), scale)
    return [i for i in np.ndindex(np.shape(got)) if judged[i] is not True]


@pytest.mark.parametrize(("case", "dtype"), [*zip(SAMPLE, itertools.cycle(["float64", "complex128"]))], ids=str)
def test_catalogue(case, dtype):
    """JAX's derivatives in both modes, of real and complex numbers by turns, where JAX is right."""
    dtype = dtype if dtype in case.dtypes else case.dtypes[-1]
    rng = np.random.default_rng(zlib.crc32(f"referee {case}".encode()))
    f, primals = outputs(case), case.draw(dtype)
    tangents = tuple(like(x, rng) for x in primals)
    out, pushed = jax_ref.jvp(f, primals, tangents)
    cotangent = [like(y, rng) for y in out]
    pulled = jax_ref.vjp(f, *primals)[1](cotangent)
    assert [wrong(*pair) for pair in zip(pushed, estimates.jvp(f, primals, tangents), strict=True)] == [[]] * len(out)
    found = estimates.vjp(f, primals, cotangent)
    assert [wrong(*pair) for pair in zip(pulled, found, strict=True)] == [[]] * len(primals)


# Functions of one number: what is right there, and what is not.
JUDGED = {
    "smooth": (np.sin, 1.0, [np.cos(1.0)], [np.cos(1.0) + 1e-9, -np.cos(1.0), nan, inf, 0.0]),
    "kink": (np.abs, 0.0, [-1.0, 0.0, 1.0], [1.1, -1.1, nan, inf]),
    "tie": (lambda x: np.maximum(x, 1.0), 1.0, [0.0, 0.5, 1.0], [-0.1, 2.0, nan]),
    "tie with itself": (lambda x: np.maximum(x, x), 1.0, [1.0], [0.5, 0.0]),
    "boundary, vertical": (np.sqrt, 0.0, [inf], [-inf, 1e300, nan, 0.0]),
    "vertical": (np.cbrt, 0.0, [inf], [-inf, 1e300, nan]),
    "vertical to one side": (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0, [0.0, 1.0, inf], [-1.0, nan, -inf]),
    "logarithmically vertical": (lambda x: x * np.log(np.abs(np.where(x == 0, 1, x))), 0.0, [-inf], [0.0, nan]),
    "boundary, finite": (lambda x: np.sqrt(x) ** 3, 0.0, [0.0], [1.0, nan, inf]),
    "end of the domain": (np.arcsin, 1.0, [inf], [1.0, nan]),
    "clipped at a bound": (lambda x: np.clip(x, 0.0, 1.0), 1.0, [0.0, 0.5, 1.0], [-0.5, 1.5]),
    "branch not taken": (lambda x: np.where(x != 0, np.sin(x) / x, 1.0), 0.0, [0.0], [nan, 1.0]),
    "branch not taken, infinite": (lambda x: np.where(x > -2, x, np.log1p(x)), -1.0, [1.0], [nan, inf]),
    "rounded away": (np.tanh, 20.0, [1.6993417021166355e-17], [0.0, 1e-17]),
    "overflow inside": (lambda x: np.log1p(np.exp(x)), 800.0, [1.0], [nan, 0.0]),
    "overflow": (lambda x: 1 / x, 1e-200, [-inf], [inf, -1.0, nan]),
    "underflow": (lambda x: 1 / x, 1e200, [-0.0], [-1e-300]),
    "slowly flat": (lambda x: np.abs(x) ** 1.5, 0.0, [0.0], [1e-3, nan]),
    "at infinity": (np.tanh, inf, [0.0], [1.0, nan]),
    "growing to infinity": (np.exp, inf, [inf], [-inf, nan, 1.0]),
    "asymptote": (lambda x: np.hypot(x, 1.0), -inf, [-1.0], [1.0, 0.0, nan]),
    "composite": (lambda x: np.var(np.stack([x, 1.0, 3.0])), 2.0, [0.0], [nan, 1.0]),
    "near a pole": (np.arccos, 1 - 2.0**-52, [-1 / np.sqrt(2**-51 - 2.0**-104)], [-47453132.9, -inf]),
}


@pytest.mark.parametrize("name", JUDGED)
def test_judged(name):
    f, x, good, bad = JUDGED[name]
    (pushed,), (pulled,) = estimates.jvp(f, (x,), (1.0,)), estimates.vjp(f, (x,), 1.0)
    for estimate in (pushed, pulled):
        for answers, is_right in ((good, True), (bad, False)):
            for answer in answers:
                assert right(answer, estimate, 1e-14)[()] is is_right, f"{answer}: {estimate.text()}"


UNKNOWN = {
    "jump": (np.sign, 0.0),
    "jump to one side": (np.floor, 2.0),
    "oscillating": (lambda x: x * np.sin(np.divide(1, np.where(x == 0, 1, x))), 0.0),
    "jump to the other side": (np.ceil, 2.0),
    "no limit at infinity": (np.sin, inf),
    "jump at infinity": (lambda x: np.nan_to_num(x, posinf=1.0), inf),
    "cusp": (lambda x: np.sqrt(np.abs(x)), 0.0),
    "no value": (np.log, -1.0),
    "infinite value": (np.reciprocal, 0.0),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown(name):
    f, x = UNKNOWN[name]
    (estimate,) = estimates.jvp(f, (x,), (1.0,))
    assert verdict(0.0, nan, estimate, 1e-12)[()] == "undecided", estimate.text()


REFUSED = {
    "a function it lacks": (lambda x: np.nextafter(x, 2.0), 1.0, "np.nextafter"),
    "the sign of zero": (lambda x: np.arctan2(x, -1.0), -0.0, "NumPy"),
    "another function than NumPy's": (lambda x: 2 * x if isinstance(x, Precise) else x, 1.0, "NumPy"),
    "numbers beyond all bounds": (lambda x: np.exp(np.exp(np.exp(x))), 20.0, "beyond"),
    "a singular matrix": (lambda x: np.linalg.pinv(x * np.ones((2, 2))), 1.0, "linear algebra"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_undecided(name):
    f, x, message = REFUSED[name]
    with pytest.raises(Undecided, match=message) as caught:
        estimates.jvp(f, (x,), (1.0,))
    assert set(verdict(np.zeros(2), np.ones(2), caught.value, 1e-12)) == {"undecided"}


@pytest.mark.parametrize("f", [np.maximum, np.logaddexp, np.hypot], ids=lambda f: f.__name__)
def test_infinities_approached_in_different_ways(f):
    """The derivative at two infinities depends on which is the larger: there is none. At one it is a limit."""
    (estimate,) = estimates.jvp(f, (inf, inf), (1.0, 0.0))
    assert not estimate.decided
    (estimate,) = estimates.jvp(f, (inf, 1.0), (1.0, 0.0))
    assert right(1.0, estimate, 1e-12)[()] is True


def test_kinks_of_several_variables():
    (estimate,) = estimates.vjp(np.max, (np.array([2.0, 2.0, 1.0]),), 1.0)
    np.testing.assert_array_equal(estimate.kink, [True, True, False])
    assert right([0.5, 0.5, 0.0], estimate, 1e-12).all()
    assert list(right([1.5, -0.5, 0.1], estimate, 1e-12)) == [False] * 3
    (estimate,) = estimates.vjp(np.linalg.norm, (np.zeros(2),), 1.0)
    assert list(verdict([0.0, 0.0], [nan, 2.0], estimate, 1e-12)) == ["mine", "mine"]


def test_verdicts():
    (estimate,) = estimates.jvp(np.sin, (np.zeros(4),), (np.ones(4),))
    got = verdict([1.0, 1.0, 2.0, 2.0], [1.0, 2.0, 1.0, 2.0], estimate, 1e-12)
    assert list(got) == ["both", "mine", "theirs", "neither"]


def test_error_bars():
    """The truth lies within them, they are far below double precision, and mpmath's precision stays as it was."""
    before = mpmath.mp.dps
    (estimate,) = estimates.jvp(np.sin, (1.0,), (1.0,))
    with mpmath.workdps(60):
        assert abs(estimate.value[()] - mpmath.cos(1)) <= estimate.error[()] < mpmath.mpf("1e-30")
    (estimate,) = estimates.jvp(np.hypot, (1e300, 1e-300), (1.0, 1.0))
    assert right(1.0, estimate, 1e-14)[()] is True
    assert mpmath.mp.dps == before


def test_small_differences_are_told_by_scale():
    (estimate,) = estimates.jvp(lambda x: x - x, (1.0,), (1.0,))
    assert right(1e-17, estimate, 1e-14)[()] is False
    assert right(1e-17, estimate, 1e-14, scale=1.0)[()] is True


COMPLEX = {
    "analytic": (np.exp, np.positive),
    "real part": (np.real, np.real),
    "modulus": (np.abs, np.real),
    "conjugate": (lambda z: np.conjugate(z) * (1 + 2j), np.positive),
    "real to complex": (lambda z: np.real(z) * np.array([1j, 2.0, 3 - 1j]), np.positive),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex(name):
    """Cotangents of complex numbers pair without conjugation, as JAX's do."""
    f, kind = COMPLEX[name]
    z, t, g = np.random.default_rng(0).normal(size=(3, 3, 2)) @ [1, 1j]
    g = kind(g)
    assert not wrong(jax_ref.jvp(f, (z,), (t,))[1], estimates.jvp(f, (z,), (t,))[0])
    pulled, estimate = jax_ref.vjp(f, z)[1](g)[0], estimates.vjp(f, (z,), g)[0]
    assert not wrong(pulled, estimate)
    if np.any(pulled.imag):
        assert wrong(np.conjugate(pulled), estimate)


def test_real_input_of_a_complex_function():
    x, g = np.array([1.0, 2.0]), np.array([1 + 2j, 3 - 1j])
    f = lambda x: x * (2 - 3j)
    assert not wrong(jax_ref.vjp(f, x)[1](g)[0], estimates.vjp(f, (x,), g)[0])


def test_containers_and_integers():
    def f(tree, n):
        return {"y": tree["a"] ** n, "i": n}

    primals, nothing = ({"a": np.array([1.0, 2.0])}, 3), np.zeros((), scratch_ad.float0)
    of_i, of_y = estimates.jvp(f, primals, ({"a": np.ones(2)}, nothing))
    assert of_i.value[()] == 0
    assert right([3.0, 12.0], of_y, 1e-14).all()
    of_a, of_n = estimates.vjp(f, primals, {"y": np.array([1.0, 10.0]), "i": nothing})
    assert right([3.0, 120.0], of_a, 1e-14).all()
    assert of_n.value[()] == 0


def test_second_order():
    def f(x, y):
        return np.sin(x * y) + x**3

    primals, t, o = (0.5, 1.5), (1.0, 2.0), (-1.0, 0.5)
    expected = jax_ref.jvp(lambda *p: jax_ref.jvp(f, p, t)[1], primals, o)[1]
    (estimate,) = second(f, primals, t, o)
    assert right(expected, estimate, 1e-14)[()] is True
    assert right(expected * (1 + 1e-10), estimate, 1e-14)[()] is False
    (estimate,) = second(lambda x: np.abs(x) * x, (0.0,), (1.0,), (1.0,))
    assert [right(answer, estimate, 1e-14)[()] for answer in (-2.0, 0.0, 2.0, 3.0)] == [True, True, True, False]
    (estimate,) = second(np.abs, (0.0,), (1.0,), (1.0,))
    assert not estimate.decided
    (estimate,) = second(np.logaddexp2, (0.0, -711.0), (1.0, 0.0), (1.0, 0.0))  # whose differences are rounding
    assert right(np.log(2) * 2.0**-711, estimate, 1e-14)[()] is True and estimate.value[()] > 0


def test_dtypes():
    x = precise(np.array([1.0, 2.0], np.float32))
    assert x.dtype == (x * 2).dtype == np.abs(x * 1j).dtype == np.float32
    assert (x * np.ones(2)).dtype == np.sum(x, dtype=np.float64).dtype == np.float64
    assert np.fft.fft(x).dtype == np.complex64
    assert (x > 1).dtype == bool
    assert np.argmax(x) == 1
    with pytest.raises(TypeError, match="the referee"):
        np.asarray(x)


def test_function_of_a_user():
    softplus = scratch_ad.elementwise(lambda x: np.logaddexp(0.0, x), lambda x: 7.0 * x)  # a wrong rule is not asked
    (estimate,) = estimates.jvp(softplus, (1.0,), (1.0,))
    assert right(1 / (1 + np.exp(-1.0)), estimate, 1e-14)[()] is True


def test_disagreements():
    bug = next(bug for bug in KNOWN_BUGS if "np.exp2" in bug.expression)
    points = [p for p in EDGE_POINTS if p.expression in ("np.sqrt(a ** 2)", "np.abs(a)", "np.tanh(a)")]
    records = list(disagreements([bug], points, [np.sin, np.log, np.arctan]))
    assert {r["expression"] for r in records} == {bug.expression, "np.sqrt(a ** 2)", "np.tanh(a)"}
    assert records[0]["issue"] == f"{bug.repository}#{bug.number}"
    for r in records:
        assert set(r["jax"]) == set(r["ours"]) == set(r["verdict"]) == {"forward", "reverse"}
        assert r["verdict"]["reverse"][()] == "mine"
        assert all(r[peer] is None or isinstance(r[peer], (str, np.ndarray)) for peer in ("autograd", "torch"))


def test_a_row_of_the_atlas_shows_the_element_that_jax_has_wrong():
    bug = next(bug for bug in KNOWN_BUGS if bug.id == "jax-std-const")
    (record,) = disagreements([bug], (), ())
    found = row(record)
    assert (found["function"], found["derivative"], found["element"]) == ("np.std(x)", "∂/∂x", "[0]")
    assert found["answers"]["JAX"]["reverse"] == ("nan", False)
    assert found["answers"]["ours"] == {"forward": ("0", True), "reverse": ("0", True)}
    assert found["referee"].startswith("left -0.5")


def test_a_value_beyond_the_largest_number_is_another():
    """SciPy's is 2e292 there, the true one 4e344."""
    with pytest.raises(estimates.OtherValue):
        estimates.jvp(scipy.special.eval_laguerre, (51.5, 1000.0), (0.0, 1.0))


def test_a_value_that_is_small_may_be_another():
    point = 300.0, 2.6, 33.0, 0.999  # -7e-198, and the true one 2e-222
    assert not estimates.agrees(scipy.special.eval_sh_jacobi, point)
    assert estimates.agrees(scipy.special.eval_sh_jacobi, (3.0, 2.6, 1.5, 0.3))
    assert estimates.agrees(np.multiply, (1e-150, 1e-150))


@pytest.mark.parametrize(
    ("f", "point", "argument", "expected"),
    [
        (scipy.special.fdtrc, (1.0, 1e4, 1e3), 0, -1.29688473771196e-206),
        (scipy.special.log_wright_bessel, (100.5, 2.0, 1e-17), 2, float(1 / mpmath.gamma(102.5))),
    ],
)
def test_slopes_that_120_digits_do_not_hold(f, point, argument, expected):
    (found,) = estimates.jvp(f, point, tuple(np.eye(3)[argument]))
    assert abs(found.value[()] / expected - 1) < 1e-9


def test_no_number_of_several_results_is_none_for_all():
    assert all(map(mpmath.isnan, UFUNCS[scipy.special.pbdv](mpmath.mpf("nan"), mpmath.mpf(1))))
