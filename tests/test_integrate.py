"""``scratch_ad.scipy.integrate``: every solver in both modes and orders, programs as they are written, refusals."""

import functools
import inspect
import pickle

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special

from scratch_ad import (
    checkpoint_loop,
    compile,
    grad,
    hessian,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    numerical_gradient,
    stop_gradient,
    vjp,
    vmap,
)
from scratch_ad.registry import rule_of
from scratch_ad.rule import Refused
from scratch_ad.scipy import integrate
from scratch_ad.scipy.integrate import samples, trajectories
from scratch_ad.tracer import name_of

LOOSE = {"rtol": 1e-6, "atol": 1e-6}
EXACT = {"rtol": 1e-10, "atol": 1e-10}
FIXED = {"max_step": 0.1, "first_step": 0.1, "rtol": 1, "atol": 1}  # each step is accepted, so that none depends
PREY = np.array([1.5, 1.0, 3.0, 1.0])
W = np.array([0.3, 1.0, 0.2])


def lotka_volterra(t, z, a, b, c, d):
    x, y = z
    return [a * x - b * x * y, -c * y + d * x * y]


def cosine(t, y, c):
    """Stiff: the solution of y' = -1000 (y - c cos t) is linear in c."""
    return -1000.0 * (y - c * np.cos(t))


# name, a program in a namespace of solvers, its arguments, and how far from a difference its derivative may be
SOLVED = [
    ("quad", lambda i, a: i.quad(lambda t: np.exp(-a * t * t), 0, 1)[0], (1.3,), 1e-8),
    ("quad", lambda i, a, b: i.quad(lambda t, a, b: np.sin(a * t) * b, 1, 0, args=(a, b))[0], (1.3, 0.7), 1e-8),
    ("quad", lambda i, a, low, up: i.quad(lambda t: np.sin(a * t), low, up)[0], (1.3, 0.1, 1.2), 1e-7),
    ("quad", lambda i, a, low: i.quad(lambda t: np.exp(-a * t * t), low, np.inf)[0], (1.3, 0.2), 1e-7),
    ("quad", lambda i, a: i.quad(lambda t: t**a, 0, 1)[0], (-0.5,), 1e-6),
    ("quad", lambda i, w: i.quad(lambda t: np.exp(-np.sum(w * t ** np.arange(3.0))), 0, w[1])[0], (W,), 1e-7),
    ("quad", lambda i, a: i.quad(lambda t: np.exp(-a * t), 0, 1, weight="cos", wvar=3.0)[0], (1.3,), 1e-8),
    ("quad", lambda i, a: i.quad(lambda t: abs(t - 0.3) * a * a, 0, 1, points=[0.3])[0], (1.3,), 1e-8),
    (
        "quad",
        lambda i, a: np.abs(i.quad(lambda t: np.exp(1j * a * t), 0, 1, complex_func=True)[0]),
        (1.3,),
        1e-8,
    ),
    ("quad_vec", lambda i, w, up: i.quad_vec(lambda t: np.exp(-w * t * w[0]), 0, up)[0], (W, 0.8), 1e-7),
    ("dblquad", lambda i, w: i.dblquad(lambda y, x: np.exp(-w * x * y), 0, 1, 0, lambda x: w * x)[0], (0.8,), 1e-6),
    ("tplquad", lambda i, w: i.tplquad(lambda z, y, x: w * w * x * y + z, 0, 1, 0, 1, 0, w)[0], (0.8,), 1e-7),
    (
        "nquad",
        lambda i, w: i.nquad(lambda y, x, p: np.exp(-p * x * y), [(0, 1), (0, w)], (w,), {"points": [0.5]})[0],
        (0.8,),
        1e-6,
    ),
    *(
        ("solve_ivp", functools.partial(lambda m, i, p: solution(i, p, (0, 0.5), m, **FIXED), method), (PREY,), 1e-7)
        for method in ("RK23", "RK45", "DOP853")
    ),
    (
        "solve_ivp",
        lambda i, p, z: solution(i, p, (0, 0.5), t_eval=[0, 0.3, 0.5], z=z, **EXACT),
        (PREY, np.array([1.0, 0.5])),
        1e-6,
    ),
    (
        "solve_ivp",
        lambda i, a, b, y: i.solve_ivp(lambda t, y: -y * t, (b, a), np.stack([y]), **EXACT).y[:, -1],
        (0.1, 0.9, 0.7),
        1e-6,
    ),
    ("solve_ivp", lambda i, a, b: i.solve_ivp(lambda t, y: -y, (a, b), [1.0], **FIXED).t, (0.1, 0.47), 1e-8),
    (
        "solve_ivp",
        lambda i, a, t: i.solve_ivp(lambda t, y: -y * a, (0, 1), [1.0], dense_output=True, **EXACT).sol(t),
        (0.9, np.array([0.8, 0.45])),
        1e-6,
    ),
    *(
        ("solve_ivp", functools.partial(lambda m, i, p: at_end(i, p, m), method), (PREY,), 1e-3)
        for method in ("Radau", "BDF", "LSODA")
    ),
    (
        "odeint",
        lambda i, p, z, t: i.odeint(lotka_volterra, z, t, tuple(p), tfirst=True, **EXACT),
        (PREY, np.array([1.0, 0.5]), np.array([0.0, 0.2, 0.5])),
        1e-4,
    ),
]


def solution(i, p, span, method="RK45", z=(1.0, 0.5), t_eval=None, **options):
    y = i.solve_ivp(lotka_volterra, span, z, method, t_eval, args=tuple(p), **options).y
    return y if t_eval else y[:, -1]


def at_end(i, p, method):
    return solution(i, p, (0, 0.1), method, t_eval=[0.1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "program", "primals", "error"), SOLVED, ids=[name for name, *_ in SOLVED])
def test_both_modes_and_orders(name, program, primals, error):
    """The values are SciPy's; the derivatives are those of central differences, and the four second ones are one."""
    f, primals = functools.partial(program, integrate), tuple(np.array(x)[()] for x in primals)
    tangents = tuple(np.cos(np.arange(1.0, np.size(x) + 1)).reshape(np.shape(x))[()] for x in primals)
    along = lambda h: tuple(x + h * t for x, t in zip(primals, tangents))
    h = 1e-5 if error < 1e-5 else 1e-2
    y, t = jvp(f, primals, tangents)
    value = program(scipy.integrate, *primals)
    assert np.array_equal(value, y) and np.result_type(value) == y.dtype
    pushed = lambda *x: np.sum(jvp(f, x, tangents)[1])
    pulled = lambda *x: sum(np.sum(g * t) for g, t in zip(vjp(f, *x)[1](np.ones_like(y)[()]), tangents))
    slope = lambda g: (np.sum(g(*along(h))) - np.sum(g(*along(-h)))) / (2 * h)
    first = np.sum(t)
    np.testing.assert_allclose(first, slope(f), rtol=error, atol=error)
    if name == "tplquad":  # of 9261 points
        return
    assert np.array_equal(vjp(f, *primals)[0], y)
    np.testing.assert_allclose(pulled(*primals), first, rtol=1e-9, atol=1e-11)
    if name in ("dblquad", "nquad"):  # of 441
        return
    second = jvp(pushed, primals, tangents)[1]
    np.testing.assert_allclose(second, slope(pushed), rtol=10 * error, atol=10 * error)
    reverse = lambda g: sum(np.sum(c * t) for c, t in zip(vjp(g, *primals)[1](1.0), tangents))
    for other in (jvp(pulled, primals, tangents)[1], reverse(pushed), reverse(pulled)):
        np.testing.assert_allclose(other, second, rtol=1e-9, atol=1e-9)


def test_every_solver_is_among_these():
    of_samples = {samples.trapezoid, samples.simpson, samples.romb}
    of_samples |= {samples.cumulative_trapezoid, samples.cumulative_simpson}  # in the catalogue
    found = {
        f for f, rule in rule_of.items() if name_of(f).startswith("scipy.integrate.") and type(rule) is not Refused
    }
    assert {name_of(f) for f in found - of_samples} == {f"scipy.integrate.{name}" for name, *_ in SOLVED}
    for name, *_ in SOLVED:
        assert inspect.signature(getattr(integrate, name)) == inspect.signature(getattr(scipy.integrate, name))


@pytest.mark.parametrize("solve", ["Radau", "BDF", "LSODA", "odeint"])
def test_stiff_problems(solve):
    """Steps as long as those of methods for stiff problems would break explicit ones."""

    def end(c):
        if solve == "odeint":
            return integrate.odeint(cosine, 0.5, [0.0, 1.0], (c,), tfirst=True, **LOOSE)[-1, 0]
        return integrate.solve_ivp(cosine, (0, 1), [0.5], solve, args=(c,), rtol=1e-4, atol=1e-6).y[0, -1]

    for mode in (grad, jacfwd):
        np.testing.assert_allclose(mode(end)(1.3), end(1.3) / 1.3, rtol=1e-3)


def test_steps_that_solve_equations_are_right_to_second_order():
    """The solution of y' = -a y² from 1 is 1 / (1 + a t)."""
    end = lambda a: integrate.solve_ivp(lambda t, y: -a * y * y, (0, 1), [1.0], "Radau", rtol=1e-5, atol=1e-7).y[0, -1]
    for mode in (grad, jacfwd):
        np.testing.assert_allclose(mode(end)(2.0), -1 / 9, rtol=1e-4)
        np.testing.assert_allclose(mode(grad(end))(2.0), 2 / 27, rtol=1e-4)


def test_whole_jacobians_and_batches():
    f = lambda w: integrate.quad(lambda t: np.exp(-np.sum(w * t ** np.arange(3.0))), 0, 1)[0]
    np.testing.assert_allclose(hessian(f)(W), jacrev(grad(f))(W), rtol=1e-12)
    np.testing.assert_allclose(jacfwd(f)(W), grad(f)(W), rtol=1e-12)
    several = np.stack([W, W + 1])
    assert np.array_equal(vmap(f)(several), [f(W), f(W + 1)])
    by_loop = [grad(f)(W), grad(f)(W + 1)]
    np.testing.assert_allclose(vmap(grad(f))(several), by_loop, rtol=1e-12)
    np.testing.assert_allclose(grad(lambda w: np.sum(vmap(f)(w)))(several), by_loop, rtol=1e-12)
    g = lambda p: solution(integrate, p, (0, 0.5), rtol=1e-6)
    np.testing.assert_allclose(jacfwd(g)(PREY), jacrev(g)(PREY), rtol=1e-10)
    np.testing.assert_allclose(linearize(g, PREY)[1](PREY), jvp(g, (PREY,), (PREY,))[1], rtol=1e-12)


def test_plain_numbers_get_what_scipy_gives():
    for i in (integrate, scipy.integrate):
        quad = i.quad(np.sin, 0, 1, full_output=1)
        assert type(quad[0]) is float and quad[2]["neval"] == 21
        assert i.quad(np.sin, 1, 1) == (0.0, 0.0)
    assert integrate.quad(np.sin, 0, 1) == scipy.integrate.quad(np.sin, 0, 1)
    ours, theirs = (i.solve_ivp(cosine, (0, 1), [0.5], "BDF", args=(1.0,)) for i in (integrate, scipy.integrate))
    assert np.array_equal(ours.y, theirs.y) and ours.nfev == theirs.nfev and ours.message == theirs.message
    told = integrate.odeint(lambda y, t: -y, 1.0, [0.0, 1.0], full_output=True)[1]
    assert told["message"] == "Integration successful."
    assert integrate.RK45 is scipy.integrate.RK45 and integrate.tanhsinh(np.sin, 0, 1).success
    with pytest.raises(AttributeError, match="no attribute 'none'"):
        integrate.none  # noqa: B018
    for i in (integrate, scipy.integrate):
        with pytest.raises(TypeError):
            i.quad(lambda t: np.ones(2), 0, 1)
        with pytest.raises(ValueError, match="method"):
            i.solve_ivp(cosine, (0, 1), [0.5], "RK")


def test_what_is_told_beside_is_of_the_plain_run_and_a_derivative_that_fails_is_told():
    f = lambda a, i=integrate: i.quad(lambda t: np.exp(-a * t), 0, 1, full_output=1)
    told = []
    grad(lambda a: told.append(f(a)[1:]) or f(a)[0])(1.0)
    assert told[0][0] == f(1.0)[1] and told[0][1]["neval"] == 21
    logarithm = lambda a: integrate.quad(lambda t: np.log(np.abs(t - a)), 0, 1, limit=200)[0]
    for mode in (grad, jacfwd):
        with pytest.warns(scipy.integrate.IntegrationWarning):  # the integral of 1 / (a - t) diverges
            mode(logarithm)(0.3)


def by_solve_ivp(a, **options):
    return np.sum(integrate.solve_ivp(lambda t, y: -a * y, (0, 1), [1.0], **options).y)


class Own(scipy.integrate.RK45):
    pass


REFUSED = [
    (lambda a: by_solve_ivp(a, events=lambda t, y: y[0] - 0.5), "solve_ivp with events"),
    (lambda a: by_solve_ivp(a, method=Own), "with a method of your own"),
    (lambda a: by_solve_ivp(1.0, rtol=a), "solve_ivp with a tracer for rtol"),
    (lambda a: integrate.odeint(lambda y, t: y, 1.0, [0, 1.0], rtol=a)[-1, 0], "odeint with a tracer for rtol"),
    (lambda a: integrate.quad(np.sin, 0, a, weight="cos", wvar=1.0)[0], "quad with a tracer for b, beside weight="),
    (
        lambda a: integrate.quad(np.sin, 0, 1, weight="cos", wvar=a)[0],
        "wvar has .*: give scratch_ad.stop_gradient of it",
    ),
    (lambda a: integrate.quad_vec(np.sin, 0, 1, epsabs=a)[0], "quad_vec with a tracer for epsabs"),
    (lambda a: integrate.quad_vec(lambda t: np.exp(1j * a * t), 0, 1)[0].real, "real and imaginary part apart"),
    (lambda a: integrate.tanhsinh(np.sin, 0, a).integral, "no rule so far; take quad, quad_vec or solve_ivp"),
]


@pytest.mark.parametrize(("f", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_is_refused(f, words):
    for run in (lambda: grad(f)(1.0), lambda: jvp(f, (1.0,), (1.0,))):
        with pytest.raises(NotImplementedError, match=words):
            run()


def test_what_cannot_follow_where_scipy_evaluates_is_refused():
    by_quad = lambda a: integrate.quad(lambda t: np.exp(-a * t), 0, 1)[0]
    with pytest.raises(NotImplementedError, match="points that the numbers decide has no derivative in a compiled"):
        compile(by_quad)(1.0)
    with pytest.raises(NotImplementedError, match="goes on has no derivative in a compiled function: call it outside"):
        compile(by_solve_ivp)(1.0)
    with pytest.raises(NotImplementedError, match="in a Jacobian: use jacfwd or jacrev, which look for no zeros"):
        jacobian(by_quad)(1.0)
    with pytest.raises(NotImplementedError, match="numbers that decide how it goes on has no derivative in vmap"):
        vmap(by_solve_ivp)(np.arange(2.0))
    with pytest.raises(NotImplementedError, match="limits that differ with the example has no derivative in vmap"):
        vmap(lambda a: integrate.quad(np.sin, 0, a)[0])(np.arange(2.0))


def test_results_kept_from_one_point_are_refused_in_reverse_mode():
    """They stand on the tape before the integral, each at a place of its own."""

    def moments(a):
        density = functools.cache(lambda t: np.exp(-a * t))
        return sum(integrate.quad(lambda t, k=k: t**k * density(t), 0, 1)[0] for k in range(2))

    with pytest.raises(NotImplementedError, match="compute it anew at each call, without a cache"):
        grad(moments)(1.0)
    assert abs(jacfwd(moments)(1.0) - numerical_gradient(1.0, moments, scheme="central")) < 1e-8
    nothing = lambda w: integrate.quad(lambda t: t + np.sum(w), 0, 1)[0]
    assert grad(nothing)(np.zeros(0)).shape == (0,)
    at_once = lambda a: (lambda k: integrate.quad(lambda t: k * t, 0, 1)[0])(np.exp(a))
    assert grad(at_once)(0.0) == pytest.approx(0.5, rel=1e-14)


def test_a_step_that_newtons_method_does_not_solve(monkeypatch):
    monkeypatch.setattr(trajectories, "ITERATIONS", 1)
    with pytest.raises(ArithmeticError, match=r"Newton's method does not solve .* lower rtol, or max_step"):
        grad(lambda c: integrate.solve_ivp(lambda t, y: -c * y**3, (0, 1), [0.5], "Radau").y[0, -1])(1.0)


# Programs as they are written


def test_a_fit_of_lotka_volterra():
    t = np.linspace(0.1, 1, 8)
    of = lambda p, i: np.ravel(solution(i, p, (0, 1), "DOP853", t_eval=list(t), rtol=1e-8, atol=1e-8))
    data = of(PREY, scipy.integrate)
    residuals = lambda log_p: of(np.exp(log_p), integrate) - data
    found = scipy.optimize.least_squares(residuals, np.log(PREY) + 0.1, jac=jacfwd(residuals))
    np.testing.assert_allclose(np.exp(found.x), PREY, rtol=1e-6)


def test_the_period_of_a_pendulum():
    """T = 4 √(l/g) K(sin² θ/2), and so ∂T/∂l = T / 2l."""

    def period(length, angle, g=9.81):
        integrand = lambda phi: 1 / np.sqrt(1 - np.sin(angle / 2) ** 2 * np.sin(phi) ** 2)
        return 4 * np.sqrt(length / g) * integrate.quad(integrand, 0, np.pi / 2)[0]

    in_length, in_angle = grad(period, (0, 1))(1.2, 0.8)
    np.testing.assert_allclose(in_length, period(1.2, 0.8) / 2.4, rtol=1e-12)
    exact = lambda angle: 4 * np.sqrt(1.2 / 9.81) * scipy.special.ellipk(np.sin(angle / 2) ** 2)
    np.testing.assert_allclose(in_angle, grad(exact)(0.8), rtol=1e-9)
    np.testing.assert_allclose(grad(grad(period, 1), 1)(1.2, 0.8), grad(grad(exact))(0.8), rtol=1e-9)


def test_a_hamiltonian_sampler():
    """Leapfrog steps along the gradient of a log density with an integral of its own: there, and back again."""
    norm = lambda s: integrate.quad(lambda u: np.exp(-((u / s) ** 2) / 2), 0, 9)[0]
    log_density = lambda q: -((q[0] / np.exp(q[1])) ** 2) / 2 - np.log(norm(np.exp(q[1]))) - q[1] ** 2
    slope = grad(log_density)

    def leapfrog(q, p, h=0.1, steps=3):
        p = p + h / 2 * slope(q)
        for k in range(steps):
            q = q + h * p
            p = p + (h if k < steps - 1 else h / 2) * slope(q)
        return q, p

    q, p = np.array([0.4, -0.2]), np.array([0.3, 0.7])
    energy = lambda q, p: p @ p / 2 - log_density(q)
    there = leapfrog(q, p)
    assert 0 < abs(energy(*there) - energy(q, p)) < 1e-3
    np.testing.assert_allclose(leapfrog(there[0], -there[1])[0], q, atol=1e-12)
    along = lambda q: leapfrog(q, p)[0] @ p
    np.testing.assert_allclose(grad(along)(q), numerical_gradient(q, along, scheme="central"), rtol=1e-7)


def test_a_kalman_filter():
    """The likelihood of a position that is observed, between whose times an oscillator moves by its equation."""
    times, seen = np.array([0.3, 0.7, 1.0]), np.array([0.9, 0.4, 0.1])

    def loss(theta):
        omega, noise, error = np.exp(theta)
        a = np.array([[0.0, 1.0], [-1.0, 0.0]]) * np.stack([np.ones(2), np.stack([omega, 1.0]) ** 2])

        def moments(t, z):
            mean, cov = z[:2], np.reshape(z[2:], (2, 2))
            return np.concatenate([a @ mean, np.ravel(a @ cov + cov @ a.T + np.diag([0, 1.0]) * noise)])

        mean, cov, t, total = np.array([1.0, 0.0]), np.eye(2) * 0.1, 0.0, 0.0
        for time, y in zip(times, seen):
            z = integrate.solve_ivp(moments, (t, time), np.concatenate([mean, np.ravel(cov)]), **EXACT).y[:, -1]
            mean, cov, t = z[:2], np.reshape(z[2:], (2, 2)), time
            spread, off = cov[0, 0] + error, y - mean[0]
            total = total + np.log(spread) / 2 + off**2 / spread / 2
            mean, cov = mean + cov[:, 0] * off / spread, cov - np.outer(cov[:, 0], cov[:, 0]) / spread
        return total

    theta = np.log([1.4, 0.2, 0.1])
    np.testing.assert_allclose(grad(loss)(theta), numerical_gradient(theta, loss, scheme="central"), rtol=1e-6)


def test_a_long_run_in_bounded_memory():
    """The adjoint, in pieces: each is solved again on the way back, from one of few states that are kept."""
    span = 0.25

    def piece(z, p):
        return solution(integrate, p, (0, span), z=z, rtol=1e-6)

    def ends(p):
        return np.sum(checkpoint_loop(piece, np.array([1.0, 0.5]), 8, p, snapshots=2))

    def stored(p):
        z = np.array([1.0, 0.5])
        for _ in range(8):
            z = piece(z, p)
        return np.sum(z)

    assert ends(PREY) == stored(PREY)
    np.testing.assert_allclose(grad(ends)(PREY), grad(stored)(PREY), rtol=1e-12)


SAMPLES = [
    *(integrate.trapezoid, integrate.cumulative_trapezoid, integrate.simpson, integrate.cumulative_simpson),
    *(integrate.romb, np.trapezoid),
]


@pytest.mark.parametrize("shape", [(5,), (3, 2), (3, 3), (5, 5), (3, 4, 5)])
@pytest.mark.parametrize("integral", SAMPLES, ids=lambda f: name_of(f))
def test_spaces_of_any_shape_broadcast_as_scipys_do(integral, shape):
    rng, asked = np.random.default_rng(0), 0
    y = rng.uniform(1, 2, shape)
    for axis in range(-1, len(shape)):
        n, at = shape[axis], axis % len(shape)
        shapes = {(), (1,), (n,), (n - 1,), shape, *(shape[:at] + of + shape[at + 1 :] for of in ((), (1,), (n - 1,)))}
        for of in shapes:
            f = lambda dx, axis=axis: integral(y, dx=dx, axis=axis)
            dx, t = rng.uniform(0.5, 1.5, of), rng.normal(size=of)
            try:
                expected = (f(dx + 1e-6 * t) - f(dx - 1e-6 * t)) / 2e-6
                got = jvp(f, (dx,), (t,))[1]
            except (ValueError, NotImplementedError):  # of SciPy, or a result that is larger than the samples
                continue
            asked += 1
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)
    assert asked


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
@pytest.mark.parametrize("name", ["trapezoid", "simpson", "cumulative_trapezoid", "cumulative_simpson", "romb"])
def test_a_batch_of_samples_keeps_their_precision(name, dtype):
    samples = np.random.default_rng(0).normal(size=(3, 9)).astype(dtype)
    theirs, ours = getattr(scipy.integrate, name), getattr(integrate, name)
    if name == "cumulative_simpson" and dtype is np.complex64:
        pytest.skip("it takes no complex samples")
    expected = np.stack([theirs(y) for y in samples])
    found = vmap(ours)(samples)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_a_solution_far_off_within_its_tolerances_keeps_its_derivative():
    """By other steps than SciPy's, or a step where SciPy interpolates, the value is another one within them."""
    rates = lambda a: lambda t, y: np.stack([y[1], a * (1 - y[0] ** 2) * y[1] - y[0]])
    times, loose = np.linspace(0, 20, 50), {"rtol": 1e-2}
    f = lambda a: integrate.solve_ivp(rates(a), (0, 20), [1.0, 0.0], t_eval=times, **loose).y
    value, _ = jvp(f, (3.0,), (1.0,))
    np.testing.assert_array_equal(value, f(3.0))
    g = lambda a: integrate.solve_ivp(lambda t, y: -a * t * y, (0, 2), [1.0], method="BDF").y[0, -1]
    np.testing.assert_allclose(grad(g)(1.0), -2 * np.exp(-2), rtol=0.02)


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_the_dense_output_of_plain_numbers_has_a_derivative_by_the_time(method):
    solved = lambda m: m.solve_ivp(lambda t, y: -t * y, (0, 2), [1.0], method, dense_output=True, rtol=1e-6).sol
    ours, theirs, s = solved(integrate), solved(scipy.integrate), np.array([0.3, 0.7, 1.9])
    np.testing.assert_array_equal(ours(s), theirs(s))
    value, along = jvp(lambda s: ours(s)[0], (s,), (np.ones(3),))
    np.testing.assert_array_equal(value, theirs(s)[0])
    np.testing.assert_allclose(along, -s * np.exp(-(s**2) / 2), rtol=1e-3)
    np.testing.assert_allclose(grad(lambda s: np.sum(ours(s)))(s), along, rtol=1e-12)
    np.testing.assert_allclose(grad(grad(lambda s: ours(s)[0]))(0.7), (0.49 - 1) * np.exp(-0.245), rtol=1e-2)
    assert isinstance(ours, scipy.integrate.OdeSolution) and pickle.loads(pickle.dumps(ours))(0.7) == theirs(0.7)
    with pytest.raises(NotImplementedError, match="numbers that decide how it goes on has no derivative in vmap"):
        vmap(ours)(s)


def test_points_where_a_function_jumps_are_plain():
    f = lambda a: lambda t: np.where(t > a, np.exp(t), 0.0)
    for integral in (
        lambda a: integrate.quad(f(a), 0, 1, points=[a])[0],
        lambda a: integrate.quad_vec(f(a), 0, 1, points=[a])[0],
        lambda a: integrate.nquad(f(a), [[0, 1]], opts={"points": [a]})[0],
    ):
        with pytest.raises(NotImplementedError, match=r"for points .* take the sum of the integrals of its pieces"):
            grad(integral)(0.3)
        assert integral(0.3) == pytest.approx(np.e - np.exp(0.3))
    kink = lambda a: integrate.quad(lambda t: np.abs(t - a), 0, 1, points=[stop_gradient(a)])[0]
    np.testing.assert_allclose(grad(kink)(0.3), 2 * 0.3 - 1, rtol=1e-10)


@pytest.mark.parametrize("derivative", [hessian, lambda f: jacfwd(jacfwd(f)), lambda f: jacrev(grad(f))])
def test_limits_may_be_arrays_without_axes(derivative):
    f = lambda p: integrate.quad(lambda x: np.sin(p * x), np.array(0.0), p)[0]
    assert derivative(f)(np.array(1.0)) == derivative(f)(1.0)
