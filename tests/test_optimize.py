"""``implicit`` and ``scratch_ad.scipy.optimize``: SciPy's values, the derivatives of the solution, and refusals."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import jax_ref
import scratch_ad
from scratch_ad import compile, grad, hessian, implicit, jacfwd, jacobian, jacrev, jvp, record, vjp, vmap
from scratch_ad.scipy import optimize, stats

jax.config.update("jax_enable_x64", True)
pytestmark = pytest.mark.filterwarnings("ignore")
T = np.array([1.3, 0.4])


def close(found, expected, rtol=1e-9):
    for a, b in zip(scratch_ad.tree.flatten(found)[0], scratch_ad.tree.flatten(expected)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def orders(f):
    """Value, both modes, and second order in two mixes, stacked."""
    return lambda t: [f(t), jacfwd(f)(t), jacrev(f)(t), jacfwd(jacrev(f))(t), jacrev(jacfwd(f))(t)]


# A root, by every way to it: y³ + t₁ y = t₀, in closed form


def cardano(t):
    q = np.sqrt(t[0] ** 2 / 4 + t[1] ** 3 / 27)
    return np.cbrt(t[0] / 2 + q) + np.cbrt(t[0] / 2 - q)


def cubic(y, t):
    return y**3 + t[1] * y - t[0]


def quartic(y, t):
    return np.sum(y**4 / 4 + t[1] * y**2 / 2 - t[0] * y)


class Solver:
    """A model whose numbers are attributes."""

    def __init__(self, t):
        self.t = t

    def __call__(self, y):
        return cubic(y, self.t)


ROOTS = {  # of o, SciPy's module or ours, and t
    **{name: lambda o, t, name=name: getattr(o, name)(cubic, -9, 9, (t,)) for name in ("bisect", "brentq", "toms748")},
    **{name: lambda o, t, name=name: getattr(o, name)(lambda y: cubic(y, t), -9, 9) for name in ("brenth", "ridder")},
    "brentq, full output": lambda o, t: o.brentq(cubic, -9, 9, (t,), full_output=True)[0],
    "brentq of an object": lambda o, t: o.brentq(Solver(t), -9, 9),
    "newton by secants": lambda o, t: o.newton(lambda y: cubic(y, t), 1.0),
    "newton": lambda o, t: o.newton(cubic, 1.0, lambda y, t: 3 * y**2 + t[1], (t,)),
    "newton, vectorized": lambda o, t: o.newton(cubic, np.ones(2), args=(t,), full_output=True).root[1],
    "root_scalar": lambda o, t: o.root_scalar(cubic, (t,), bracket=(-9, 9)).root,
    "root_scalar with slope": lambda o, t: (
        o.root_scalar(lambda y: (cubic(y, t), 3 * y**2 + t[1]), x0=1.0, fprime=True, method="newton").root
    ),
    "fixed_point": lambda o, t: o.fixed_point(lambda y: (t[0] + 2 * y - y**3) / (t[1] + 2), 0.5),
    "fsolve": lambda o, t: o.fsolve(cubic, 1.0, (t,))[0],
    "root": lambda o, t: o.root(lambda y: [cubic(y[0], t)], [1.0]).x[0],
    "root by lm": lambda o, t: o.root(cubic, [1.0], (t,), "lm").x[0],
    "root with Jacobian": lambda o, t: o.root(lambda y: (cubic(y, t), np.diag(3 * y**2 + 0.4)), [1.0], jac=True).x[0],
    **{
        f"minimize by {method}": lambda o, t, method=method: o.minimize(quartic, [0.5], (t,), method).x[0]
        for method in (None, "Nelder-Mead", "L-BFGS-B", "SLSQP", "COBYLA")
    },
    "minimize within": lambda o, t: o.minimize(quartic, [1.0], (t,), bounds=[(None, 5 * t[0])]).x[0],
    "minimize with slope": lambda o, t: o.minimize(lambda y: (quartic(y, t), cubic(y, t)), [1.0], jac=True).x[0],
    "minimize_scalar": lambda o, t: o.minimize_scalar(quartic, args=(t,)).x,
    "minimize_scalar within": lambda o, t: o.minimize_scalar(quartic, bounds=(-1, 3), args=t_of(t)).x,
    "least_squares": lambda o, t: o.least_squares(cubic, [1.0], args=(t,)).x[0],
}


def t_of(t):
    return (t,)


@pytest.mark.parametrize("name", ROOTS)
def test_a_root_has_scipys_value_and_the_derivatives_of_the_closed_form(name):
    """However early the method stops, the derivative is that of the solution."""
    solve = ROOTS[name]
    value, *derivatives = orders(functools.partial(solve, optimize))(T)
    assert value == solve(scipy.optimize, T) == vjp(functools.partial(solve, optimize), T)[0]
    close(derivatives, orders(cardano)(T)[1:], 1e-8)


def test_third_and_fourth_order():
    g = lambda solve: grad(grad(grad(grad(lambda t: solve(t * T)))))(1.0)
    close(g(functools.partial(ROOTS["brentq"], optimize)), g(cardano), 1e-6)


IN_RUNS = ("brentq", "ridder", "newton, vectorized", "root", "minimize by None", "least_squares")


@pytest.mark.parametrize("name", IN_RUNS)
def test_batches_loop_and_programs_replay_in_args_and_closures(name):
    solve, both = functools.partial(ROOTS[name], optimize), np.stack([T, 1.1 * T])
    one_by_one = np.stack([solve(t) for t in both]), np.stack([grad(solve)(t) for t in both])
    close((vmap(solve)(both), vmap(grad(solve))(both)), one_by_one, 1e-11)
    close(grad(lambda ts: np.sum(vmap(solve)(ts)))(both), one_by_one[1], 1e-11)
    compiled = compile(grad(solve))
    for k in (0, 1, 0, 1):
        np.testing.assert_array_equal(compiled(both[k]), one_by_one[1][k])
    (program,) = [program for programs in compiled.programs.values() for program in programs]
    np.testing.assert_array_equal(program.replay(both[1])[0], one_by_one[1][1])
    program = record(grad(solve), T)  # for all numbers
    np.testing.assert_array_equal(program(both[1])[0], one_by_one[1][1])


def test_other_transformations():
    solve = functools.partial(ROOTS["ridder"], optimize)
    both = lambda ts: np.stack([solve(ts[:2]), solve(ts[2:])])
    found = jacobian(both, sparse=True, check=True)(np.append(T, T))
    close(found.toarray(), np.kron(np.eye(2), grad(solve)(T)))
    close(grad(scratch_ad.checkpoint(solve))(T), grad(solve)(T))
    assert "no call" in str(scratch_ad.first_nan(solve, T)).lower()


def test_what_a_search_starts_from_has_slope_0():
    assert grad(lambda t: optimize.newton(lambda y: y**3 - 2, t))(1.0) == 0
    assert grad(lambda t: optimize.brentq(lambda y: y**3 - 2, -t, t, xtol=t * 1e-9))(5.0) == 0
    np.testing.assert_allclose(
        vmap(lambda t: optimize.newton(lambda y: y**2 - 2, t))(np.array([1.0, -1])), [2**0.5, -(2**0.5)]
    )


def test_plain_calls_are_scipys():
    found = optimize.minimize(quartic, [1.0], (T,))
    assert type(found) is scipy.optimize.OptimizeResult and "hess_inv" in found
    assert type(optimize.brentq(cubic, -9, 9, (T,))) is float and optimize.Bounds is scipy.optimize.Bounds
    assert optimize.linear_sum_assignment(np.eye(2))[1].tolist() == [1, 0]
    counted = []
    optimize.brentq(lambda y: counted.append(y) or y - 0.3, -1, 1)  # nothing is evaluated again
    once = len(counted)
    scipy.optimize.brentq(lambda y: counted.append(y) or y - 0.3, -1, 1)
    assert len(counted) == 2 * once


def test_a_closure_keeps_its_other_variables():
    count = 0

    def f(y, *, power=3):
        nonlocal count
        count += 1
        return y**power - inner["t"] if count < 999 else again(y)

    def again(y):
        return f(y)

    def solve(t):
        nonlocal inner
        inner = {"t": t}
        return optimize.brentq(f, 0, 9)

    inner = {}
    close(vmap(grad(solve))(np.array([8.0, 27.0])), np.array([1 / 12, 1 / 27]))
    assert count > 10


def test_a_function_fills_an_array_like_its_unknowns():
    def filled(y, t):
        out = np.zeros_like(y)
        out[0] = y[0] ** 3 + y[0] * t[1] - t[0]
        out[1:] = y[1:] - y[0]
        return out

    solve = lambda t: optimize.root(filled, np.ones(2), (t,), tol=1e-13).x[1]
    close(orders(solve)(T), orders(cardano)(T), 1e-8)


# Results, bounds, fits


def test_a_result_has_what_can_be_differentiated():
    found = []

    def value(t):
        found[:] = [optimize.minimize(quartic, [1.0], (t,))]
        return found[0].fun

    y = cardano(T)
    close(hessian(value)(T), hessian(lambda t: quartic(cardano(t), t))(T), 1e-8)
    assert (
        found[0].success and found[0].nit > 1 and "terminated" in found[0].message and not hasattr(found[0], "nothing")
    )
    with pytest.raises(AttributeError, match=r"scipy.optimize.minimize: hess_inv comes of the solver's steps"):
        _ = found[0].hess_inv
    cost, fun = jacfwd(
        lambda t: (lambda r: (r.cost, r.fun))(optimize.least_squares(lambda y: [y[0] - t[0], y[0] + t[1]], [1.0]))
    )(T)
    close(cost, (T[0] + T[1]) / 2 * np.ones(2))
    close(fun, np.array([[-0.5, -0.5], [0.5, 0.5]]))
    root = jacfwd(lambda t: optimize.brentq(cubic, -9, 9, (t,), full_output=True)[1].root)(T)
    close(root, np.array([1, -y]) / (3 * y**2 + T[1]))
    converged = vmap(lambda t: optimize.root(cubic, [1.0], (t,)).success)(np.stack([T, 2 * T]))
    np.testing.assert_array_equal(converged, [True, True])


BOUNDED = {
    "pairs": lambda t: optimize.minimize(quartic, [0.1], (T,), bounds=[(None, t)]).x[0],
    "from below": lambda t: optimize.minimize(quartic, [2.0], (T,), bounds=[(2 * t, None)]).x[0] / 2,
    "Bounds": lambda t: optimize.minimize(quartic, [0.1], (T,), bounds=optimize.Bounds(-9, np.stack([t]))).x[0],
    "least_squares": lambda t: optimize.least_squares(lambda y: y - 2, [0.1], bounds=(-9, t)).x[0],
    "dogbox": lambda t: optimize.least_squares(lambda y: y - 2, [0.1], bounds=([-9.0], [t]), method="dogbox").x[0],
    "curve_fit": lambda t: optimize.curve_fit(lambda x, a: a + 0 * x, np.ones(3), 2 * np.ones(3), bounds=(-9, t))[0][0],
}


@pytest.mark.parametrize("name", BOUNDED)
def test_a_minimum_stays_at_the_bound_that_it_presses_upon(name):
    close(jvp(BOUNDED[name], (0.6,), (1.0,)), (0.6, 1.0), 1e-7)
    assert grad(BOUNDED[name])(0.6) == 1 and grad(grad(BOUNDED[name]))(0.6) == 0


X = np.linspace(0, 4, 9)
DATA = 2.1 * np.exp(-0.7 * X) + 0.05 * np.cos(9 * X)
LOSSES = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (np.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * np.sqrt(z) - 1),
    "cauchy": np.log1p,
    "arctan": np.arctan,
}


def decay(x, a, b):
    return a * np.exp(-b * x)


def stationary(cost, start):
    """Where the gradient is zero: by ``root``, which the tests above hold against closed forms."""
    return optimize.root(grad(cost), start, tol=1e-12).x


@pytest.mark.parametrize("loss", LOSSES)
def test_least_squares_with_a_loss_is_stationary(loss):
    residuals = lambda p, t: t[0] * decay(X, *p) - DATA * (1 + 0.1 * t[1] * X)
    named = lambda t: optimize.least_squares(residuals, [1.5, 0.6], loss=loss, f_scale=0.1, args=(t,)).x
    cost = lambda p, t: np.sum(LOSSES[loss]((residuals(p, t) / 0.1) ** 2))
    start = scipy.optimize.least_squares(residuals, [1.5, 0.6], loss=loss, f_scale=0.1, args=(T,), gtol=1e-12).x
    expected = orders(lambda t: stationary(lambda p: cost(p, t), start))(T)
    close(orders(named)(T)[1:], expected[1:], 1e-7)


def test_a_loss_of_ones_own():
    loss = lambda z: np.stack([np.log1p(z), 1 / (1 + z), -1 / (1 + z) ** 2])
    fit = lambda t, loss: optimize.least_squares(lambda p: t * p - DATA, [1.0], loss=loss).x[0]
    close(grad(fit)(1.3, loss), grad(fit)(1.3, "cauchy"), 1e-8)


SIGMAS = {
    "none": lambda t: None,
    "one for all": lambda t: t[1],
    "one each": lambda t: 0.1 + t[1] * X,
    "covariances": lambda t: 0.1 * np.exp(-t[1] * np.abs(X - X[:, None])),
}


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("absolute", [False, True])
def test_a_fit_of_a_decay_with_error_bars(sigma, absolute):
    """Parameters and their covariance, by the data and by the errors that these are given."""

    def fit(t):
        given = {"sigma": SIGMAS[sigma](t), "absolute_sigma": absolute}
        return optimize.curve_fit(decay, X, DATA * t[0], [2.0, 0.7], **given)

    def by_hand(t):
        s = SIGMAS[sigma](t)
        weight = np.eye(9) if s is None else np.linalg.inv(s if np.ndim(s) == 2 else np.diag(s**2 * np.ones(9)))
        p = stationary(lambda p: (r := decay(X, *p) - DATA * t[0]) @ weight @ r, [2.0, 0.7])
        slope, r = np.stack([np.exp(-p[1] * X), -X * decay(X, *p)], 1), decay(X, *p) - DATA * t[0]
        return p, np.linalg.inv(slope.T @ weight @ slope) * (1 if absolute else r @ weight @ r / 7)

    popt, pcov = fit(T)
    for found, plain in zip(vjp(fit, T)[0], (popt, pcov), strict=True):
        np.testing.assert_array_equal(found, plain)
    close(jacrev(fit)(T), jacrev(by_hand)(T), 1e-6)
    if sigma == "covariances" and absolute:
        close(jacfwd(jacrev(fit))(T), jacfwd(jacrev(by_hand))(T), 1e-6)


def test_a_fit_within_bounds_and_one_without_errors():
    fit = lambda t, **options: optimize.curve_fit(decay, X, DATA * t, [2.0, 0.7], **options)[0]
    close(jacfwd(functools.partial(fit, bounds=(0, np.inf)))(1.3), jacfwd(fit)(1.3), 1e-8)
    assert (
        grad(lambda t: optimize.curve_fit(lambda x, a, b: a * x + b, [1, 2.0], np.stack([t, 2.0]))[1][0, 0])(1.0) == 0
    )
    close(jacrev(lambda t: optimize.curve_fit(lambda x, a: a * x, [1, 2.0], [t, 2.0])[0])(1.0), np.array([0.2]), 1e-8)


# What scientists do


def kepler(mean, eccentricity):
    """The eccentric anomaly."""
    return optimize.brentq(lambda E: E - eccentricity * np.sin(E) - mean, -10, 10, xtol=1e-14)


def test_keplers_equation_beside_jax():
    def f(E, mean, eccentricity):
        return E - eccentricity * jnp.sin(E) - mean

    def of_jax(mean, eccentricity):
        solve = lambda g, E: jax.lax.fori_loop(0, 30, lambda _, E: E - g(E) / jax.grad(g)(E), E)
        return jax.lax.custom_root(lambda E: f(E, mean, eccentricity), mean, solve, lambda g, y: y / g(1.0))

    close(jacrev(kepler, (0, 1))(*T), jax.jit(jax.grad(of_jax, (0, 1)))(*T), 1e-12)
    close(hessian(kepler, (0, 1))(*T), jax.jit(jax.jacfwd(jax.grad(of_jax, (0, 1)), (0, 1)))(*T), 1e-11)
    closed = 1 / (1 - T[1] * np.cos(kepler(*T)))
    close(vmap(grad(kepler), (0, None))(np.array([T[0], 2.0]), T[1])[0], closed, 1e-13)


def test_an_implicit_layer_beside_jax():
    """The fixed point of a recurrent network, reached by a loop of which nothing is kept for the way back."""
    w, x = np.array([[0.2, 0.1], [-0.3, 0.4]]), np.array([0.5, -0.2])

    def iterated(w, x):
        z = x * 0
        for _ in range(60):
            z = np.tanh(w @ z + x)
        return z

    layer = implicit(iterated, lambda z, w, x: z - np.tanh(w @ z + x))
    loss = lambda w, x: np.sum(np.cos(layer(w, x)))

    def of_jax(w, x):
        return jnp.sum(jnp.cos(jax.lax.fori_loop(0, 60, lambda _, z: jnp.tanh(w @ z + x), x * 0)))

    np.testing.assert_array_equal(layer(w, x), iterated(w, x))
    close(jacrev(loss, (0, 1))(w, x), jax.jit(jax.grad(of_jax, (0, 1)))(w, x), 1e-12)
    close(hessian(loss)(w, x), jax.jit(jax.hessian(of_jax))(w, x), 1e-11)


def test_containers_and_complex_numbers():
    """A conjugate too: real and imaginary parts are unknowns of their own."""
    solver = lambda t: {"z": np.conj(np.sqrt(1j * t)), "more": (t**2 * np.ones(2), 3)}
    residual = lambda y, t: [np.conj(y["z"]) ** 2 - 1j * t, y["more"][0] - t**2]
    f = implicit(solver, residual)
    out, tangent = jvp(f, (2.0,), (1.0,))
    close((tangent["z"], tangent["more"][0]), (np.conj(np.sqrt(1j)) / 2 / 2**0.5, 4 * np.ones(2)))
    assert out["z"] == np.conj(np.sqrt(2j)) and out["more"][1] == 3
    close(jvp(lambda t: optimize.newton(lambda z: z**2 + t, 0.3 + 1.2j), (2.0,), (1.0,))[1], 1j / 8**0.5)
    single = vjp(implicit(np.sqrt, lambda y, t: y * y - t), np.float32(2))[1](np.float32(1))[0]
    assert single.dtype == np.float32 and abs(single - 8**-0.5) < 1e-7


def test_a_weibull_regression_beside_jax():
    """How the estimate moves with each observed time: by Hessians of JAX's."""
    rng = np.random.default_rng(1)
    z = np.stack([np.ones(30), rng.normal(size=30)], 1)
    times = rng.weibull(1.7, 30) * np.exp(z @ [0.5, -0.8])

    def log_density(theta, times):
        u = (jnp.log(times) - z @ theta[:2]) * jnp.exp(theta[2])
        return jnp.sum(theta[2] - jnp.log(times) + u - jnp.exp(u))

    def loss(theta, times):
        return -np.sum(stats.weibull_min.logpdf(times, np.exp(theta[2]), scale=np.exp(z @ theta[:2])))

    estimate = lambda times: optimize.minimize(loss, np.zeros(3), (times,)).x
    theta = optimize.root(lambda theta: grad(loss)(theta, times), estimate(times)).x
    curvature, mixed = jax.jit(jax.jacfwd(jax.grad(log_density), (0, 1)))(theta, times)
    moves = -np.linalg.solve(curvature, mixed)
    close(jacrev(estimate)(times), moves, 1e-9)
    close(jacfwd(estimate)(times), moves, 1e-9)


def test_a_minimum_within_a_minimum():
    """Ridge regression, its penalty chosen by other data: the outer problem has the derivative of the inner."""
    rng = np.random.default_rng(0)
    a, b, c, d = rng.normal(size=(8, 2)), rng.normal(size=8), rng.normal(size=(8, 2)), rng.normal(size=8)
    ridge = lambda s: optimize.minimize(lambda w: np.sum((a @ w - b) ** 2) + np.exp(s) * w @ w, np.zeros(2)).x
    closed = lambda s: np.linalg.solve(a.T @ a + np.exp(s) * np.eye(2), a.T @ b)
    loss = lambda ridge: lambda s: np.sum((c @ ridge(s) - d) ** 2)
    close(grad(loss(ridge))(0.3), grad(loss(closed))(0.3), 1e-5)
    close(grad(grad(loss(ridge)))(0.3), grad(grad(loss(closed)))(0.3), 1e-5)


def test_units_do_not_matter_but_rounding_does():
    """A matrix that is singular but for its last bit, and one whose rows and columns differ by 24 digits."""
    units, unit = np.array([1e-12, 1e12]), np.ones((2, 2))
    f = implicit(lambda t: np.array([t, 2 * t]) * units, lambda y, t: (y / units - np.stack([t, 2 * t])) * units**2)
    close(jacfwd(f)(1.3) / units, np.array([1.0, 2.0]))
    unit[1, 1] += np.finfo(float).eps
    for run in (grad, jacfwd):
        with pytest.raises(ValueError, match="is singular at what it gives"):
            run(lambda t: implicit(lambda t: np.array([t, 0.0]), lambda y, t: unit @ y - t)(t)[0])(1.0)


# What is refused


class Hidden:
    """A function of a number that nobody finds."""

    def __init__(self, t):
        self.t = t

    def __call__(self, y):
        return y - self.t


TWICE = "is singular at what it gives, which is a multiple root"
REFUSED = {  # program: error, words
    "optimize.newton(lambda y: (y - t) ** 2, 1.0)": (ValueError, TWICE),
    "implicit(lambda t: t, lambda y, t: (y - t) ** 2)(t)": (ValueError, TWICE),
    "optimize.minimize(lambda y: (y[0] + y[1] - t) ** 2, [1.0, 0.2]).x[0]": (ValueError, TWICE),
    "optimize.root(lambda y: np.stack([y[0] / 3 + y[1] - t, y[0] + 3 * y[1] - 3 * t]), [1.0, 0.2], method='lm').x[0]": (
        ValueError,
        TWICE,
    ),
    "optimize.root(lambda y: y**2 + t, [1.0]).x[0]": (
        ValueError,
        "scipy.optimize.root: ",
    ),
    "implicit(lambda t: t + 1, lambda y, t: y - t)(t)": (
        ValueError,
        "lambda>: what it gives does not solve its equation",
    ),
    "optimize.root(lambda y: np.stack([y[0] - t] * 2), [1.0], method='lm').x[0]": (
        ValueError,
        "scipy.optimize.root: the equation has 2 numbers for 1 unknowns: give one for each",
    ),
    "implicit(lambda t: t * np.ones(2), lambda y, t: y[:1] * 0)(t)[0]": (
        ValueError,
        "lambda>: the equation has 1 numbers for 2 unknowns: give one for each",
    ),
    "optimize.minimize(lambda y: y[0] ** 2 - t, [1.0], constraints={'type': 'eq', 'fun': lambda y: y - 1}).x[0]": (
        NotImplementedError,
        "no derivative of a minimum under constraints so far; solve their Lagrange conditions",
    ),
    "optimize.minimize(lambda y: (y[0] - t + 0.3) ** 2, [1.0], bounds=[(0, None)]).x[0]": (
        ValueError,
        "the minimum lies at a bound that it does not press upon",
    ),
    "optimize.fsolve(lambda y: y - t, 1.0, full_output=True)[0][0]": (
        NotImplementedError,
        "full_output gives factors of the solver's own",
    ),
    "optimize.curve_fit(lambda x, a: a * x, X, DATA * t, full_output=True)[0][0]": (
        NotImplementedError,
        "full_output, nan_policy and a loss have no derivative in a fit",
    ),
    "optimize.curve_fit(lambda x, a: a * x, X, DATA * t, method='trf', loss='cauchy')[0][0]": (
        NotImplementedError,
        "full_output, nan_policy and a loss have no derivative in a fit",
    ),
    "optimize.fmin(lambda y, t: (y[0] - t) ** 2, [1.0], (t,))[0]": (NotImplementedError, "use minimize, least_squares"),
    "optimize.fmin(lambda y: (y[0] - t) ** 2, [1.0])[0]": (TypeError, "Use root, minimize or the like of"),
}


@pytest.mark.parametrize("program", REFUSED)
def test_what_has_no_derivative_says_so(program):
    error, words = REFUSED[program]
    names = {"np": np, "optimize": optimize, "implicit": implicit, "X": X, "DATA": DATA}
    f = eval(f"lambda t: {program}", names)
    for run in (lambda: jvp(f, (0.3,), (1.0,)), lambda: vjp(f, 0.3)):
        with pytest.raises(error) as raised:
            run()
        assert words in str(raised.value)


RUNS = {
    "vmap": lambda f: vmap(f)(np.ones(2)),
    "recording": lambda f: record(f, 0.3),
    "a compiled function": lambda f: compile(f)(0.3),
}


@pytest.mark.parametrize("mode", RUNS)
def test_a_number_that_is_not_found_is_refused_where_it_has_many_values(mode):
    with pytest.raises(TypeError, match="neither among its arguments nor variables of its closure: pass them by args"):
        RUNS[mode](lambda t: optimize.brentq(Hidden(t), -9, 9))
    close(grad(lambda t: optimize.brentq(Hidden(t), -9, 9))(0.3), 1)
    with pytest.raises(NotImplementedError, match=f"under {mode} it gives numbers alone: leave full_output out"):
        RUNS[mode](lambda t: optimize.brentq(lambda y: y - t, -9, 9, full_output=True)[0])


@pytest.mark.parametrize(
    "run", [lambda f: jax_ref.grad(f)(0.3), lambda f: scratch_ad.expression(f, ()), lambda f: jax_ref.jit(grad(f))(0.3)]
)
def test_solvers_take_numpys_numbers_alone(run):
    with pytest.raises(TypeError, match=r"brentq takes plain numbers, not a tracer of .*Solve for NumPy's numbers"):
        run(lambda t: optimize.brentq(lambda y: y - t, -9, 9))


def test_a_bounded_minimum_of_one_number_stays_at_the_end_that_it_presses_upon():
    """Which SciPy leaves by its tolerance."""
    of = lambda a, b, c: optimize.minimize_scalar(lambda y: (y - a) ** 2, bounds=(b, c), method="bounded")
    slopes = lambda *args: grad(lambda *args: of(*args).x, argnums=(0, 1, 2))(*args)
    close(slopes(1.3, 2.0, 5.0), (0.0, 1.0, 0.0))
    close(slopes(1.3, -5.0, 1.0), (0.0, 0.0, 1.0))
    close(slopes(1.3, 1.0, 5.0), (1.0, 0.0, 0.0))
    close(slopes(1.3, 1.3 - 5e-6, 5.0), (1.0, 0.0, 0.0))  # which lies beside the end, and not at it
    close(jvp(lambda b: of(1.3, b, 5.0).x, (2.0,), (1.0,)), (of(1.3, 2.0, 5.0).x, 1.0))
    close(hessian(lambda b: of(1.3, b, 5.0).x ** 2)(2.0), 2.0)
    close(grad(lambda a: of(a, 2.0, 5.0).fun)(1.3), -1.4, rtol=1e-4)
    close(vmap(grad(lambda a: of(a, 2.0, 5.0).x))(np.array([1.3, 2.8, 6.0])), np.array([0.0, 1.0, 0.0]))
    with pytest.raises(ValueError, match="at a bound that it does not press upon"):
        slopes(1.3, 1.3, 5.0)


@pytest.mark.parametrize("method", ["BFGS", "cg", "Newton-CG"])
def test_bounds_that_a_method_leaves_aside_hold_nothing(method):
    def of(a):
        more = {"jac": lambda y: 2 * (y - a)} if method == "Newton-CG" else {}
        return optimize.minimize(lambda y: (y[0] - a) ** 2, [0.3], bounds=[(0, 0.5)], method=method, **more).x[0]

    close(jacfwd(of)(1.3), 1.0)
    close(grad(of)(1.3), 1.0)


def test_an_assignment_has_indices_and_its_cost_a_derivative():
    costs = np.array([[[4.0, 1, 3], [2, 0, 5], [3, 2, 2]], [[1.0, 2, 3], [3, 1, 2], [2, 3, 1]]])
    total = lambda c: np.sum(c[optimize.linear_sum_assignment(c)])
    expected = np.zeros((2, 3, 3))
    for chosen, c in zip(expected, costs, strict=True):
        chosen[scipy.optimize.linear_sum_assignment(c)] = 1.0
    close(grad(total)(costs[0]), expected[0])
    close(vmap(grad(total))(costs), expected)
