"""SciPy's functions that do not dispatch: complete, SciPy's own on plain arrays, and honest about what they lack."""

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import scipy.signal
import scipy.spatial

import scratch_ad
from scratch_ad import compile, grad, jvp, record, vjp, vmap
from scratch_ad.registry import rule_of
from scratch_ad.rule import Refused
from scratch_ad.scipy import fft, integrate, linalg, optimize, signal, spatial, stats
from scratch_ad.scipy.spatial import distance
from scratch_ad.tracer import name_of

SIGNAL = "convolve convolve2d correlate correlate2d csd detrend fftconvolve stft istft welch"
OURS = {
    (scipy.linalg, linalg): [name for name in scipy.linalg.__all__ if inspect.isfunction(getattr(scipy.linalg, name))],
    (scipy.fft, fft): ["dct", "idct", "dctn", "idctn"],
    (scipy.signal, signal): SIGNAL.split(),
}
PAIRS = [(getattr(theirs, name), getattr(ours, name, None)) for (theirs, ours), names in OURS.items() for name in names]
WRAPPED = [(theirs, ours) for theirs, ours in PAIRS if ours is not theirs]
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(3, 3)) + 3 * np.eye(3), RNG.normal(size=3)


def test_every_function_has_an_answer():
    assert [theirs.__name__ for theirs, ours in PAIRS if ours is None] == []
    assert [name_of(ours) for _, ours in WRAPPED if ours not in rule_of] == []
    assert len(WRAPPED) > 80


@pytest.mark.parametrize(("theirs", "ours"), WRAPPED, ids=lambda f: f.__name__)
def test_it_is_scipys_function(theirs, ours):
    assert ours.__wrapped__ is theirs
    assert ours.__doc__ == theirs.__doc__
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert name_of(ours) == f"scipy.{theirs.__module__.split('.')[1]}.{theirs.__name__}"


def test_plain_arrays_get_scipys_result_and_errors():
    assert np.array_equal(linalg.expm(A), scipy.linalg.expm(A))
    with pytest.raises(ValueError, match="square"):
        linalg.expm(np.ones((2, 3)))
    a = np.asfortranarray(A)
    linalg.lu_factor(a, overwrite_a=True)
    assert not np.array_equal(a, A)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda a: linalg.expm(a[:2]), ValueError),
        (lambda a: linalg.solve(a[:, :2], B), ValueError),
        (lambda a: linalg.solve(a, B, assume_a="round"), ValueError),
        (lambda a: linalg.cholesky(-a @ a.T), np.linalg.LinAlgError),
        (lambda a: linalg.inv(0 * a), np.linalg.LinAlgError),
        (lambda a: linalg.polar(a, "top"), ValueError),
        (lambda a: linalg.eigh(a, np.eye(3), type=4), ValueError),
        (lambda a: linalg.companion(0 * a), ValueError),
        (lambda a: linalg.rq(a, mode="raw"), ValueError),
        (lambda a: linalg.qr_multiply(a, B, mode="both"), ValueError),
        (lambda a: linalg.qr_multiply(a, B[:2]), ValueError),
        (lambda a: linalg.orth(np.stack([a, a[:, :1] * a[0]])), ValueError),
        (lambda a: linalg.svd(a / np.array([1, 1, 0])), ValueError),
        (lambda a: linalg.expm(a, 3), TypeError),
        (lambda a: fft.dct(a, type=5), ValueError),
        (lambda a: signal.convolve(a, B), ValueError),
        (lambda a: signal.convolve(a[0], B, "middle"), ValueError),
        (lambda a: signal.convolve2d(a, a, boundary="soft"), ValueError),
        (lambda a: signal.convolve(a[:2], a[:, :2], "valid"), ValueError),
        (lambda a: signal.detrend(a, type="cubic"), ValueError),
        (lambda a: signal.stft(a[0], nperseg=2, noverlap=2), ValueError),
        (lambda a: signal.welch(a[0], nperseg=3, scaling="none"), ValueError),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_errors_are_scipys_under_differentiation_too(call, error):
    for plain_or_traced in (call, lambda a: grad(lambda a: np.sum(call(a)[0]))(a), lambda a: jvp(call, (a,), (a,))):
        with pytest.raises(error):
            plain_or_traced(A)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: linalg.cossin(a), "bases"),
        (lambda a: linalg.funm(a, np.sin), "no rule so far"),
        (lambda a: linalg.schur(np.diag([1, 1], 1) - np.diag([1, 1], -1) + 0 * a), "complex eigenvalues"),
        (lambda a: linalg.rsf2csf(np.stack([a, a]), np.stack([a, a])), "np.stack"),
        (lambda a: linalg.solve_continuous_are(a, a, np.eye(3), np.eye(3), e=a), "no derivative rule"),
        (lambda a: linalg.eig(a, homogeneous_eigvals=True), "homogeneous_eigvals"),
        (lambda a: linalg.eig(a, np.eye(3)), "phase"),
        (lambda a: linalg.lu_factor(a[0]), "rule for matrices, not for one axis: give it a"),
    ],
)
def test_what_is_refused_says_why(call, words):
    with pytest.raises(NotImplementedError, match=words):
        grad(lambda a: np.sum(call(a)[0]))(A)


@pytest.mark.parametrize(
    ("call", "shapes", "words"),
    [
        (linalg.fiedler, [(1, 1, 1)], "a derivative of shape"),
        (
            lambda a, q: linalg.solve_discrete_lyapunov(a / 8, q, method="bilinear"),
            [(2, 2), ()],
            "q is not of the shape of the solution",
        ),
        (lambda a, q: linalg.solve_continuous_lyapunov(a * (1 + 0j), q), [(1, 1), (1,)], "a derivative of shape"),
        (lambda a, c: linalg.qr_multiply(a, c), [(1, 1), (1, 1, 1)], "a derivative of shape"),
        (lambda a, b: signal.convolve(a, b, "valid"), [(4, 5), (0, 2)], "one of them has no elements"),
        (lambda y, x: integrate.trapezoid(y, np.cumsum(x)), [(2, 2), (3,)], "requested shape"),
    ],
)
def test_a_value_at_arguments_of_odd_shapes_is_none_of_a_derivative(call, shapes, words):
    given = tuple(map(np.ones, shapes))
    call(*given)  # which SciPy gives all the same
    for run in (
        lambda: jvp(call, given, given),
        lambda: vjp(call, *given),
        lambda: jvp(lambda *x: vjp(call, *x)[0], given, given),
    ):
        with pytest.raises(
            NotImplementedError, match="has a value, but no derivative rule, for arguments of shapes"
        ) as error:
            run()
        assert words in str(error.value) and "give them the shapes of its documentation" in str(error.value)


@pytest.mark.parametrize("f", [linalg.expm, distance.squareform, lambda x: distance.squareform(distance.squareform(x))])
def test_a_number_is_the_matrix_or_the_vector_that_scipy_makes_of_it(f):
    y, t = jvp(f, (0.5,), (1.0,))
    np.testing.assert_array_equal(y, f(0.5))
    np.testing.assert_allclose(t, (f(0.5 + 1e-6) - f(0.5 - 1e-6)) / 2e-6, rtol=1e-8)
    np.testing.assert_allclose(vjp(f, 0.5)[1](np.ones(y.shape))[0], t.sum(), rtol=1e-12)


def test_every_refusal_has_a_reason():
    refused = [rule_of[ours] for _, ours in WRAPPED if isinstance(rule_of[ours], Refused)]
    assert len(refused) > 10
    assert all(len(rule.reason) > 20 for rule in refused)


def test_overwriting_is_not_granted_under_differentiation():
    a, b = np.asfortranarray(A), B.copy()
    f = lambda a, b: linalg.solve(a, b, overwrite_a=True, overwrite_b=True) + b
    expected = jvp(lambda a, b: linalg.solve(a, b) + b, (A, B), (A, B))
    np.testing.assert_array_equal(jvp(f, (a, b), (A, B)), expected)
    vjp(f, a, b)[1](B)
    assert np.array_equal(a, A)
    assert np.array_equal(b, B)


def test_a_cotangent_that_is_not_finite_is_no_error():
    """The check that arguments are finite is for those of the caller."""
    for f, x in ((lambda b: linalg.solve(A, b), B), (linalg.logm, A), (linalg.expm, A), (linalg.polar, A)):
        y, pull = vjp(f, x)
        nothing = tuple(np.full_like(part, np.nan) for part in y) if isinstance(y, tuple) else np.full_like(y, np.nan)
        assert np.isnan(pull(nothing)[0]).all()


@pytest.mark.parametrize("function", [linalg.expm, linalg.logm, linalg.sqrtm, linalg.cosm], ids=name_of)
def test_functions_of_matrices_are_linear_in_a_tangent_of_any_size(function):
    along = lambda t: jvp(lambda a: jvp(function, (a,), (t,))[1], (A,), (B * np.eye(3),))[1]
    np.testing.assert_allclose(along(A.T * 1e50) / 1e50, along(A.T), rtol=1e-9)


@pytest.mark.parametrize("function", [linalg.expm, linalg.logm, linalg.sqrtm, linalg.cosm, linalg.polar], ids=name_of)
def test_third_order(function):
    """The third derivative along a line, by differentiating twice more what the central difference sees."""
    a, e = np.eye(3) * 2 + RNG.normal(size=(3, 3)) / 4, RNG.normal(size=(3, 3)) / 4
    w = RNG.normal(size=(3, 3))
    along = lambda s: np.sum((function(a + s * e)[0] if function is linalg.polar else function(a + s * e)) * w)
    second = grad(grad(along))
    h = 1e-4
    assert abs(grad(second)(0.0) - (second(h) - second(-h)) / (2 * h)) < 1e-6
    assert abs(jvp(second, (0.0,), (1.0,))[1] - grad(second)(0.0)) < 1e-9


def test_arguments_by_keyword_and_as_lists():
    by_keyword, plainly = (lambda a: linalg.solve(b=B, a=a, lower=True)), (lambda a: linalg.solve(a, B, True))
    np.testing.assert_array_equal(jvp(by_keyword, (A,), (A,)), jvp(plainly, (A,), (A,)))
    assert grad(lambda r: np.sum(linalg.toeplitz([1, 2, 3.0], r=r)))(np.ones(4)).tolist() == [0, 3, 2, 1]
    assert grad(lambda b: np.sum(linalg.cho_solve(([[2.0]], True), b)))(np.ones(1)).tolist() == [0.25]


@pytest.mark.filterwarnings("ignore:Calling _toeplitz:DeprecationWarning")  # SciPy 1.18
def test_in_a_batch_truth_values_stay_truth_values():
    c = np.array([[True, False, True], [False, True, True]])
    for ours, theirs in ((linalg.toeplitz, scipy.linalg.toeplitz), (distance.squareform, distance._scipy.squareform)):
        found = vmap(ours)(c)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, [theirs(x) for x in c])


def test_in_a_batch_convolutions_spectra_and_products_have_scipys_types():
    x, w = np.array([[200, 7, 90], [3, 250, 11]], np.uint8), np.array([[9, 1], [2, 40]], np.uint8)
    y = np.asarray(RNG.normal(size=(2, 4)), np.float32)
    for f, args in (
        (lambda m, x, w: m.signal.convolve(x, w), (x, w)),
        (lambda m, x, w: m.signal.convolve2d(x[None], w[None]), (x, w)),
        (lambda m, y: m.signal.stft(y, nperseg=2)[2], (y,)),
        (lambda m, y: m.linalg.matmul_toeplitz(y, y), (y,)),
    ):
        expected = np.stack([f(scipy, *example) for example in zip(*args)])
        found = vmap(lambda *example, f=f: f(scratch_ad.scipy, *example))(*args)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_what_is_none_of_several_results_stays_so():
    """Of linear systems SciPy gives no singular values with this driver."""
    a = RNG.normal(size=(4, 2))
    of = lambda a: linalg.lstsq(a, np.ones(4), lapack_driver="gelsy")
    assert jvp(lambda a: of(a)[0] * (of(a)[3] is None), (a,), (a,))[1] == pytest.approx(-of(a)[0])


def test_float32_stays_float32():
    a = np.asarray(A, np.float32)
    for f in (
        linalg.expm,
        linalg.inv,
        linalg.cholesky,
        linalg.eigvalsh,
        linalg.polar,
        linalg.lu_factor,
        linalg.toeplitz,
    ):
        f = lambda a, f=f: f(a @ a.T)[0]
        y, t = jvp(f, (a,), (a,))
        assert y.dtype == t.dtype == vjp(f, a)[1](y)[0].dtype == np.float32


@pytest.mark.parametrize(
    "f",
    [
        lambda x: signal.fftconvolve(x, x, "same"),
        lambda x: signal.correlate(x, x[:100_000], method="fft"),
        lambda x: fft.dct(x, norm="ortho"),
        lambda x: signal.welch(x, nperseg=256)[1],
        lambda x: signal.stft(x)[2].real,
        lambda x: linalg.solve_circulant(np.cos(x) + x.size * np.eye(1, x.size)[0], x),
        lambda x: linalg.matmul_toeplitz((x, x), x),
        lambda x: linalg.solve_banded((1, 1), np.stack([np.cos(x), x + 9, np.sin(x)]), x),
    ],
)
def test_long_arrays_take_no_quadratic_memory(f):
    """A square matrix of this size would not fit into memory."""
    x = RNG.normal(size=200_000)
    y, pull = vjp(f, x)
    _, t = jvp(f, (x,), (x,))
    (c,) = pull(y)
    np.testing.assert_allclose(np.vdot(c, x), np.vdot(y, t), rtol=1e-9)


def test_a_derivative_program_can_be_recorded():
    gradient = grad(lambda a: np.sum(linalg.lu(linalg.expm(a))[2] + linalg.qr(a, pivoting=True)[1]))
    program = scratch_ad.record(gradient, A)
    assert "expm(" in program.source
    np.testing.assert_allclose(program(A)[0], gradient(A), rtol=1e-12)


def test_without_scipy_the_error_says_what_to_install():
    code = "import sys; sys.modules['scipy'] = None; import scratch_ad.scipy.linalg"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'scratch-ad[scipy]'" in run.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["linalg", "fft", "signal", "spatial", "optimize", "integrate"])
def test_every_name_of_scipys_is_there_and_functions_refuse_tracers(name):
    ours, theirs = (importlib.import_module(f"{package}.{name}") for package in ("scratch_ad.scipy", "scipy"))
    for known in theirs.__all__:
        found = getattr(ours, known)
        if isinstance(getattr(theirs, known), type):
            assert found is getattr(theirs, known)
    with pytest.raises(AttributeError, match=f"module 'scratch_ad.scipy.{name}' has no attribute 'bogus'"):
        ours.bogus  # noqa: B018


@pytest.mark.filterwarnings("ignore:.(distance_matrix|minkowski_distance).:DeprecationWarning")  # SciPy 1.18
def test_functions_without_a_rule_are_scipys_on_plain_numbers_and_refuse_tracers():
    for call, module, remedy in (
        (lambda m, x: m.rfft(x).real, fft, "use np.fft.rfft"),
        (lambda m, x: m.dst(x), fft, "write it by dct or np.fft"),
        (lambda m, x: m.lfilter([1.0], [1.0, 0.5], x), signal, "write it by convolve or np.fft"),
        (lambda m, x: m.butter(2, x[0])[0], signal, "scratch_ad.stop_gradient"),
        (lambda m, x: m.distance_matrix(x[:, None], A[:, :1]), spatial, "use distance.cdist"),
    ):
        x = np.array([0.3, 0.1, 0.7])
        theirs = importlib.import_module(module.__name__.removeprefix("scratch_ad."))
        np.testing.assert_array_equal(call(module, x), call(theirs, x))
        with pytest.raises(NotImplementedError, match=remedy):
            grad(lambda x, call=call, module=module: np.sum(call(module, x)))(x)
    assert grad(lambda d: np.sum(fft.fftfreq(8, d) ** 2))(0.5) == pytest.approx(-11)
    assert linalg.LinAlgError is np.linalg.LinAlgError and spatial.KDTree is scipy.spatial.KDTree


OBJECTS = {
    "OptimizeResult": lambda c: optimize.linprog(c, A_eq=[[1, 1]], b_eq=[1]).fun,
    "TtestResult": lambda c: stats.ttest_ind(c, c + 1).pvalue,  # a tuple with more in it than its items
    "BootstrapResult": lambda c: stats.bootstrap((c,), np.mean, n_resamples=9).standard_error,
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_results_of_classes_of_their_own_are_refused_by_name(kind):
    f, x = OBJECTS[kind], np.array([1.0, 2.0])
    for mode, remedy, run in (
        ("a compiled function", "call it outside", lambda: compile(f)(x)),
        ("recording", "call it outside", lambda: record(f, x)),
        ("vmap", "loop over the examples", lambda: vmap(f)(np.stack([x, x + 1]))),
    ):
        with pytest.raises(
            NotImplementedError, match=rf" gives an object of class {kind}, which {mode} cannot hold: {remedy}"
        ):
            run()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: linalg.solve_discrete_lyapunov(x / 8, x),
        lambda x: linalg.solve_discrete_are(x, np.eye(2), np.eye(2), np.eye(2)),
        lambda x: signal.detrend(x, axis=0),
    ],
)
def test_what_is_not_finite_goes_through_functions_that_check(f):
    """SciPy's message about the cotangent of a plain, finite program was raised there."""
    x = np.array([[1.0, 0.3], [0.2, 2.0]])
    y, pull = vjp(f, x)
    for number in (np.nan, np.inf):
        assert not np.isfinite(pull(np.full_like(y, number))[0]).any()
        assert not np.isfinite(jvp(f, (x,), (np.full_like(x, number),))[1]).any()


def test_a_second_derivative_through_a_pole_that_cancels():
    x, ones = np.ones((1, 1)), np.ones((1, 1))
    f = lambda x: linalg.svd(linalg.solve_discrete_lyapunov(x / 8, x), False)[0]
    assert jvp(lambda x: vjp(f, x)[1](ones)[0], (x,), (ones,))[1] == 0
