"""Rules over their whole domain: a fixed sample, points at which they once lost their digits, and the sweep itself."""

import itertools
import json

import numpy as np
import pytest

from jax_ref.cases import domains
from jax_ref.checks import domain
from jax_ref.commands import cli
from jax_ref.commands.domain import in_words, worst
from scratch_ad import jacfwd, jacrev, jvp
from scratch_ad.registry import rule_of
from scratch_ad.rule import Elementwise
from scratch_ad.scipy import special

SLOW = {  # beside these
    *("hyp1f1", "hyp2f1", "hyperu", "elliprd", "elliprf", "elliprg", "elliprj", "ellipeinc", "ellipj", "pbdv", "airy"),
    *("gammainccinv", "betaincinv", "betainccinv", "fdtri", "stdtrit", "gdtrix", "chdtri", "gdtr", "fdtrc", "lpmv"),
    *("wright_bessel", "log_wright_bessel", "yn", "yv", "kn", "airye", "nbdtrc", "fresnel", "betaincc", "y1"),
}
NAMES = [name for name in domains.FUNCTIONS if name.rpartition(".")[2] not in SLOW]


@pytest.mark.parametrize("name", NAMES)
def test_sample(name):
    """Two points of each; all of them by ``scratch-ad check --domain``."""
    counts, wrong = domain.Stretch(name, most=2).examined()
    assert not wrong, worst(wrong)
    assert counts["wrong"] == 0


MENDED = [  # the function, where it once was wrong, and in which argument
    ("gdtr", (2.6, 20.2, 1e-12), 2),
    ("chdtr", (20.2, 1e-20), 1),
    ("fdtr", (20.2, 3.0, 1e-12), 2),
    ("betainc", (0.001, 10.5, 1e-100), 0),
    ("betainc", (20.2, 1e-6, 0.3), 2),
    ("pdtr", (2, 800.0), 1),
    ("bdtr", (0, 13, 1e-100), 2),
    ("stdtr", (1e6, 1e-20), 0),
    ("stdtrit", (1.5, 1e-60), 1),
    ("elliprc", (1.0, -2.0), 1),
    ("elliprc", (170.5, -500.0), 0),
    ("elliprc", (1e-6, 1e-100), 1),
    ("elliprf", (2.6, 1e-60, 0.9), 1),
    ("ellipkm1", (1e-60,), 0),
    ("agm", (170.5, 1e20), 1),
    ("zetac", (-171.5,), 0),
    ("beta", (0.001, -0.001), 0),
    ("ber", (1e-12,), 0),
    ("bei", (0.0,), 0),
    ("sici", (1e20,), 0),
    ("pseudo_huber", (1e-100, 1e-12), 0),
    ("pseudo_huber", (1e40, 0.03), 0),
    ("i1e", (-33.0,), 0),
    ("ive", (3, -50.0), 1),
    ("modstruve", (-1.0, 2.2250738585072014e-308), 1),
    ("struve", (-1.0, 2.2250738585072014e-308), 1),
    ("lpmv", (0, 0.0, -1e-6), 2),
    ("lpmv", (0, 170.0, 0.999999), 2),
    ("spence", (1e-17,), 0),
    ("eval_legendre", (0.7, -0.9995), 1),
    ("eval_legendre", (170.0, 0.3), 1),
    ("eval_chebyt", (51.5, -0.7), 1),
    ("poch", (-3.0, 2.0), 0),
    ("inv_boxcox1p", (1000.0, 1e30), 0),
    ("log_ndtr", (33.0,), 0),
    ("fdtr", (20.2, 1e4, 1.1), 0),
    ("fdtr", (1.0, 1000.0, 4.0), 1),
    ("fdtr", (10.0, 1e-6, 1.0), 0),
    ("fdtrc", (2.0, 0.001, 0.5), 0),
    ("fdtrc", (2.0, 0.001, 0.5), 1),
    ("fdtrc", (1e10, 0.001, 1e100), 2),
    ("kl_div", (1e-17, 1e-6), 1),
    ("pseudo_huber", (1e-8, 1e-4), 1),
    ("inv_boxcox1p", (-26.0, -0.001), 0),
    ("inv_boxcox1p", (-26.0, -0.001), 1),
    ("voigt_profile", (-0.500001, 1e-4, 1e-160), 0),
    ("binom", (-100.5, 100.5), 0),
    ("binom", (0.5, 190.5), 0),
    ("binom", (100.5, 300.5), 1),
    ("binom", (200.5, -3.0), 1),
    ("beta", (-100.5, -99.5), 0),
    ("beta", (-3.5, -196.5), 1),
    ("poch", (-200.0, 100.5), 0),
    ("poch", (-180.0, -3.5), 0),
    ("ellipkinc", (0.3, 1.0), 1),
    ("ellipeinc", (0.3, 1.0), 1),
    ("fdtri", (2.0, 0.3, 0.999999999), 0),
    ("fdtri", (2.0, 0.3, 0.999999999), 1),
    ("fdtrc", (1.0, 1e4, 1e3), 0),
    ("fdtrc", (0.3, 5.0, 1e100), 0),
    ("fdtr", (2.0, 10.5, 1e-40), 1),
    ("fdtri", (20.2, 2.0, 0.9999999999999999), 0),
    ("fdtri", (63.5, 0.1, 0.999999999999), 2),
    ("gdtrix", (1e10, 2.0, 2.2250738585072014e-308), 0),
    ("gamma", (-0.9999999999999991,), 0),
    ("airye", (1e6,), 0),
    ("airye", (1e4,), 0),
    ("agm", (1e160, 9.3), 0),
    ("agm", (1e160, 9.3), 1),
    ("hyp1f1", (1e-6, 0.1, 711.0), 2),
    ("betainc", (np.float32(1.5), np.float32(1e6), np.float32(1e-6)), 1),
    ("fdtr", (np.float32(1e10), np.float32(1e-6), np.float32(1e8)), 2),
    ("fdtri", (np.float32(1.5), np.float32(0.3), np.float32(0.999)), 2),
    ("voigt_profile", (np.float32(0.3), np.float32(1e-20), np.float32(1e-10)), 1),
    ("jv", (1.5, 300 - 700j), 1),
    ("iv", (0.5, 700 + 300j), 1),
]


@pytest.mark.parametrize(("name", "point", "argument"), MENDED, ids=str)
@np.errstate(all="ignore")
def test_where_digits_were_lost(name, point, argument, monkeypatch):
    monkeypatch.setattr(domain, "LIMIT", 60.0)
    function = getattr(special, name)
    f = function if function.nout == 1 else lambda *args: function(*args)[0]
    point = tuple(np.asarray(x)[()] for x in point)
    of_one = lambda x: f(*point[:argument], x, *point[argument + 1 :])
    size = abs(f(*point))
    for order in (1, 2):
        derivative = of_one
        for mode in [*domain.MODES.values()][:order]:
            derivative = mode(derivative)
        got = derivative(point[argument])
        status, found = domain.judged(f, point, argument, order, {("jacfwd",): np.asarray(got)[()]}, size)
        assert status == "right", (order, got, found and found[2].text())
        size = abs(got)


# By mpmath, to 50 digits: where the referee is silent, as at ends of domains and for principal values.
KNOWN = [
    (lambda p: special.elliprj(1.0, 2.0, 3.0, p), -1.5, 0.12171153077, 0.2317277887),
    (lambda x: special.elliprj(x, 2.0, 3.0, -1.5), 1.0, 0.1509639022, -0.1812262472),
    (lambda x: special.lpmv(0, 3.0, x), 1.0, 6.0, 15.0),
    (lambda x: special.lpmv(0, 2.5, x), 1.0, 4.375, 7.3828125),
    (lambda x: special.lpmv(2, 3.0, x), -1.0, -30.0, 90.0),
    (lambda x: special.kn(0.5, x), 2.0, -special.kn(1, 2.0), special.kn(0, 2.0) + special.kn(1, 2.0) / 2),
    (lambda x: special.yn(0.5, x), 2.0, -special.yn(1, 2.0), special.yn(1, 2.0) / 2 - special.yn(0, 2.0)),
    (lambda x: special.expn(0.5, x), 2.0, -1.5 * np.exp(-2.0) / 2, 1.25 * np.exp(-2.0)),
    (special.log_ndtr, 2.5 + 300j, -2.5000277777 - 299.9966668241j, -1.0000111095 - 1.85184e-7j),
    (lambda df: special.stdtr(df, np.float32(2)), np.float32(1000), 1.351049489e-7, -2.703367365e-10),
    (special.zetac, np.float32(-40), 4.824144835e15, -1.797910836e16),
    (lambda a: special.agm(a, 0.0), 0.0, 0.0, 0.0),
    (lambda b: special.inv_boxcox(-2.0, b), 0.5, 0.0, 8.0),
    (lambda b: special.inv_boxcox1p(-1.0, b), 1.0, -1.0, -np.inf),
    (lambda x: special.inv_boxcox1p(x, 0.5), -2.0, 0.0, 0.5),
    (np.tanh, np.float32(30), 3.502604305e-26, -7.005208610157216e-26),
    (lambda b: special.fdtr(0.1, b, 0.0), 1e-6, 0.0, 0.0),
    (lambda a: special.gammaincinv(a, 0.0), 1.5, 0.0, 0.0),
    (lambda a: special.betaincinv(a, 9.9, 1.0), 1.0, 0.0, 0.0),
    (lambda v: special.chdtri(v, 1.0), 3.0, 0.0, 0.0),
    (lambda s: special.zeta(s, 1e160), 2.0, -3.6941361487904731e-158, 1.36467418858e-155),
    (lambda x: special.eval_chebyt(51.5, x), -1.0, -np.inf, np.inf),
    (special.zeta, -40 - 700j, 2.605157281745e83 - 2.811007960275e83j, -1.2119739831e84 + 1.340495334475e84j),
    (lambda x: special.hyp2f1(1 - 1e-6, 2.0, 34.0, x), -6.0, 0.028093258020462, 0.0026262492267414),
    (lambda x: special.hyp2f1(63.5, 20.2, 0.3, x), -1e6, np.nan, np.nan),  # refused, as no form confirms SciPy's
]


@pytest.mark.filterwarnings("ignore:floating point number truncated")
@pytest.mark.parametrize(("f", "x", "first", "second"), KNOWN, ids=range(len(KNOWN)))
def test_derivatives_that_are_known(f, x, first, second):
    forward, reverse = domain.MODES.values()
    x, tolerance = np.asarray(x)[()], np.sqrt(np.finfo(np.result_type(x)).eps)
    for mode in (forward, reverse):
        np.testing.assert_allclose(mode(f)(x), first, tolerance)
        for outer in (forward, reverse):
            np.testing.assert_allclose(outer(mode(f))(x), second, tolerance)


@np.errstate(all="ignore")
def test_a_series_that_is_nan_has_derivatives_that_are_nan():
    f = lambda a: special.hyp1f1(a, 1.5, -1000.0)
    assert np.isnan(domain.MODES["jacfwd"](f)(-1.0))
    assert np.isnan(domain.MODES["jacfwd"](domain.MODES["jacfwd"](f))(-1.0))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: special.eval_jacobi(51.5, 9.9, 1.5, x),
        lambda x: special.eval_gegenbauer(50.5, 20.3, x),
        lambda x: special.eval_genlaguerre(50.5, 20.3, 30 * (x + 2)),
        lambda x: special.eval_sh_jacobi(51.5, 12.4, 2.5, x / 2 + 0.5),
    ],
)
@np.errstate(all="ignore")
def test_a_polynomial_whose_neighbours_do_not_belong_together_has_no_slope(f):
    for modes in (["jacfwd"], ["jacrev"], ["jacfwd", "jacrev"]):
        derivative = f
        for mode in modes:
            derivative = domain.MODES[mode](derivative)
        assert np.isnan(derivative(-0.9))


def test_the_angle_of_a_real_number_jumps_only():
    for x in (0.0, -0.0, 1.0, -2.0, np.array([0.0, -1.0])):
        for mode in domain.MODES.values():
            np.testing.assert_array_equal(mode(np.angle)(x), np.zeros(np.shape(x)))
    assert np.isnan(jvp(np.angle, (np.nan,), (1.0,))[0])


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_a_fault_is_found_and_told(dtype, monkeypatch):
    """Of a rule that is wrong for large numbers alone; and the line that is told shows it again."""
    wrong_for_large = lambda x: np.cos(x) * np.where(np.greater(np.abs(x), 100), 1.5, 1)
    monkeypatch.setitem(rule_of, np.sin, Elementwise(np.sin, (wrong_for_large,)))
    task = domain.Stretch("np.sin", dtype, most=12)
    counts, wrong = task.examined()
    assert counts["right"] > 3 and counts["wrong"] == len(wrong) > 3
    told = worst(wrong)
    assert "worst: ∂" in told and "rerun: python -c 'import numpy as np" in told
    printed = []
    exec(wrong[0].line, {"print": printed.append})
    assert str(printed[0]) == wrong[0].got
    accepted = task.accepted(json.dumps(task.records()))
    assert accepted[0] == counts and [w.line for w in accepted[1]] == [w.line for w in wrong]


def test_what_a_process_lost_is_told_and_is_not_right(monkeypatch, capsys):
    assert domain.Stretch.lost("timeout", "") == ({"undecided": domain.SIZE}, [])

    class Lost:
        def __init__(self, *_):
            pass

        __enter__, __exit__ = lambda self: self, lambda *_: None
        outcomes = staticmethod(lambda tasks: ((task, task.lost("crashed", "")) for task in tasks))

    monkeypatch.setattr("jax_ref.commands.domain.Crew", Lost)
    assert run("square", "--dtype", "float32") == cli.MISMATCH
    assert f"{domain.SIZE} lost" in capsys.readouterr().out


def test_known_reasons_hold_at_their_points_only():
    nan, one = np.float64(np.nan), np.float64(1.0)
    assert domains.reason("scipy.special.hyp1f1", (1.0, 2.0, 3.0), 0, 1, nan, 1.0)
    assert not domains.reason("scipy.special.hyp1f1", (1.0, 2.0, 3.0), 0, 1, 2 * one, 1.0)
    assert not domains.reason("scipy.special.erf", (1.0,), 0, 1, nan, 1.0)
    assert all(
        set(names.split()) <= {"*", *(n.rpartition(".")[2] for n in domains.FUNCTIONS)} for names, *_ in domains.LIMITS
    )


@pytest.mark.parametrize("beyond", domains.BEYOND, ids=lambda b: b.program)
@np.errstate(all="ignore")
def test_programs_that_no_engine_has_right_call_by_call(beyond):
    """They are as told: none is mended, and none gives another wrong number."""
    f, x = eval(f"lambda a: {beyond.program}", {"np": np}), np.array(beyond.point)[()]
    for modes in itertools.product((jacfwd, jacrev), repeat=beyond.order):
        derivative = f
        for mode in modes:
            derivative = mode(derivative)
        got = derivative(x)
        right, told = np.isclose(got, beyond.true), np.isclose(got, beyond.ours)
        assert not np.all(right)
        assert np.all(right | told | (np.isnan(beyond.ours) & ~np.isfinite(got)))


def test_points_are_the_same_on_every_run_and_of_every_kind():
    for name, (function, kinds) in domains.FUNCTIONS.items():
        assert function.nin == len(kinds), name
        found = domains.points(name)
        assert found == domains.points(name) and len(found) > 5
    assert domains.points("scipy.special.beta", seed="2") != domains.points("scipy.special.beta")
    assert {(1e-300,), (-711.0,), (1.7976931348623157e308,)} <= {*domains.points("np.exp")}


def run(*arguments):
    return cli.main(["check", "--domain", *map(str, arguments), "--device", "cpu", "--cache", "", "--jobs", "1"])


def test_the_command(capsys):
    assert run("square", "--dtype", "float32") == cli.GOOD
    out = capsys.readouterr().out
    assert "1/1 np.square float32: 26 right" in out and "seed ''" in out
    for arguments, words in (
        (("nothing",), "no domain is known of nothing"),
        (("square", "--dtype", "float8"), "--domain looks at no float8, only at float64, float32"),
        (("square", "--order", "1"), "not with --order"),
    ):
        assert run(*arguments) == cli.USAGE
        assert words in capsys.readouterr().err
    assert in_words({**dict.fromkeys(domain.COUNTS, 0), "wrong": 2}) == "2 wrong"
