"""NumPy programs of every family of rules, each a loss of its first parameter.

A program is a function ``f(np, sp, x, *data)`` of a namespace of NumPy's names and one of SciPy's: NumPy and
``scratch_ad.scipy`` for us, ``jax.numpy`` and ``jax.scipy`` for JAX.
"""

import numpy as np

PROGRAMS = {}


def program(name, arguments):
    """Register a function under ``name``; ``arguments(normal)`` gives what it is called with."""

    def register(f):
        PROGRAMS[name] = f, arguments
        return f

    return register


def arguments_of(name, seed=0):
    """What a program is called with, first what it is differentiated in."""
    rng = np.random.default_rng(seed)
    return PROGRAMS[name][1](lambda *shape: rng.normal(size=shape)[()])


def softmax_by_hand(np, x):
    e = np.exp(x - np.max(x, -1, keepdims=True))
    return e / np.sum(e, -1, keepdims=True)


def positive(a):
    return a @ a.T + len(a) * np.eye(len(a))


# Networks.


@program("chain of sin and tanh, 40 calls", lambda r: (r(4),))
def chain(np, sp, x):
    for _ in range(20):
        x = np.tanh(np.sin(x))
    return np.sum(x)


@program("classifier of the notebook", lambda r: (r(2, 2), r(2, 1000), np.sign(r(2, 1000))))
def classifier(np, sp, p, x, y):
    return np.sum((np.tanh(p @ x) - y) ** 2)


@program("MLP, tanh", lambda r: ([r(64, 64) / 8 for _ in range(3)], r(200, 64), r(200, 64)))
def mlp(np, sp, weights, x, y):
    for w in weights:
        x = np.tanh(x @ w)
    return np.mean((x - y) ** 2)


@program("MLP, rectified", lambda r: ([(r(64, 64) / 8, r(64)) for _ in range(3)], r(200, 64), r(200, 64)))
def rectified(np, sp, weights, x, y):
    for w, b in weights:
        x = np.maximum(x @ w + b, 0)
    return np.mean((x - y) ** 2)


@program("logistic regression", lambda r: ((r(20), r()), r(1000, 20), np.sign(r(1000))))
def logistic(np, sp, parameters, x, y):
    w, b = parameters
    return np.mean(np.logaddexp(0.0, -y * (x @ w + b)))


@program("softmax and cross-entropy", lambda r: (r(32, 10), r(500, 32), np.arange(500) % 10))
def cross_entropy(np, sp, w, x, labels):
    scores = x @ w
    return -np.mean(np.log(softmax_by_hand(np, scores))[np.arange(500), labels])


@program("logsumexp and cross-entropy", lambda r: (r(32, 10), r(500, 32), np.arange(500) % 10))
def logsumexp_loss(np, sp, w, x, labels):
    scores = x @ w
    return np.mean(sp.special.logsumexp(scores, axis=1) - scores[np.arange(500), labels])


@program("layer norm", lambda r: ((r(64), r(64)), r(200, 64)))
def layer_norm(np, sp, parameters, x):
    scale, shift = parameters
    y = (x - np.mean(x, 1, keepdims=True)) / np.sqrt(np.var(x, 1, keepdims=True) + 1e-5)
    return np.sum((y * scale + shift) ** 3)


@program("layer norm of a layer", lambda r: (r(64, 64) / 8, r(200, 64)))
def normed_layer(np, sp, w, x):
    x = x @ w
    x = (x - np.mean(x, 1, keepdims=True)) / np.sqrt(np.var(x, 1, keepdims=True) + 1e-5)
    return np.mean(np.maximum(x, 0.1 * x) ** 2)


@program("batch norm", lambda r: (r(64, 64) / 8, r(200, 64)))
def batch_norm(np, sp, w, x):
    x = x @ w
    x = (x - np.mean(x, 0)) / np.sqrt(np.mean((x - np.mean(x, 0)) ** 2, 0) + 1e-5)
    return np.mean(np.exp(-(x**2)))


@program("attention, 4 heads", lambda r: ((r(4, 60, 16), r(4, 60, 16), r(4, 60, 16)),))
def attention(np, sp, parameters):
    q, k, v = parameters
    shares = softmax_by_hand(np, np.einsum("hid,hjd->hij", q, k) / 4.0)
    return np.mean(np.einsum("hij,hjd->hid", shares, v) ** 2)


@program("attention by matmul", lambda r: ((r(16, 16), r(16, 16), r(16, 16)), r(60, 16)))
def attention_by_matmul(np, sp, parameters, x):
    q, k, v = (x @ w for w in parameters)
    return np.mean((softmax_by_hand(np, q @ k.T / 4.0) @ v) ** 2)


@program("convolution by slices", lambda r: (r(8, 3, 3), r(20, 28, 28)))
def convolution(np, sp, kernels, images):
    y = sum(kernels[:, i, j, None, None, None] * images[:, i : i + 26, j : j + 26] for i in range(3) for j in range(3))
    y = np.maximum(y, 0.0)
    return np.mean(y.reshape(8, 20, 13, 2, 13, 2).max((3, 5)) ** 2)


@program("convolution by np.convolve", lambda r: (r(15), r(500)))
def convolve(np, sp, kernel, x):
    return np.sum(np.convolve(x, kernel, "valid") ** 2)


@program("recurrent network, 8 steps", lambda r: ((r(32, 32) / 6, r(8, 32), r(32)), r(8, 16, 8)))
def recurrent(np, sp, parameters, inputs):
    w, u, b = parameters
    h = np.zeros((16, 32))
    for x in inputs:
        h = np.tanh(h @ w + x @ u + b)
    return np.mean(h**2)


@program("LSTM, 4 steps", lambda r: ((r(16, 64) / 4, r(8, 64) / 3, r(64)), r(4, 8, 8)))
def lstm(np, sp, parameters, inputs):
    w, u, b = parameters
    h = c = np.zeros((8, 16))
    for x in inputs:
        i, f, o, g = np.split(h @ w + x @ u + b, 4, 1)
        c = sp.special.expit(f) * c + sp.special.expit(i) * np.tanh(g)
        h = sp.special.expit(o) * np.tanh(c)
    return np.mean(h**2)


@program("embedding", lambda r: (r(100, 16), np.arange(500) * 7 % 100, r(500)))
def embedding(np, sp, table, places, y):
    return np.mean((np.sum(table[places] ** 2, 1) - y) ** 2)


# Statistics.


@program("Gaussian mixture", lambda r: ((r(5), r(5, 3), 0.1 * r(5, 3)), r(500, 3)))
def mixture(np, sp, parameters, x):
    weights, means, log_scales = parameters
    z = (x[:, None, :] - means) * np.exp(-log_scales)
    terms = weights - np.sum(log_scales, 1) - np.sum(z * z, 2) / 2
    return -np.mean(sp.special.logsumexp(terms, axis=1)) + sp.special.logsumexp(weights)


@program("Gaussian mixture by hand", lambda r: ((r(5), r(5, 3), 0.1 * r(5, 3)), r(500, 3)))
def mixture_by_hand(np, sp, parameters, x):
    weights, means, log_scales = parameters
    z = (x[:, None, :] - means) * np.exp(-log_scales)
    terms = weights - np.sum(log_scales, 1) - np.sum(z * z, 2) / 2
    top = np.max(terms, 1)
    return -np.mean(top + np.log(np.sum(np.exp(terms - top[:, None]), 1)))


@program("hidden Markov model, forward", lambda r: ((r(8, 8), r(8)), r(8, 8)))
def hidden_markov(np, sp, parameters, observed):
    transitions, begin = parameters
    log_t = np.log(softmax_by_hand(np, transitions))
    alpha = np.log(softmax_by_hand(np, begin)) + observed[0]
    for x in observed[1:]:
        alpha = sp.special.logsumexp(alpha[:, None] + log_t, axis=0) + x
    return sp.special.logsumexp(alpha)


@program("hidden Markov model, scaled", lambda r: ((r(8, 8), r(8)), np.exp(r(8, 8))))
def scaled_markov(np, sp, parameters, likelihoods):
    transitions, begin = parameters
    t, alpha, total = softmax_by_hand(np, transitions), softmax_by_hand(np, begin), 0.0
    for x in likelihoods:
        alpha = (alpha @ t) * x
        total = total + np.log(np.sum(alpha))
        alpha = alpha / np.sum(alpha)
    return total


@program("Kalman filter, 4 steps", lambda r: ((r(4, 4) / 4, np.array([0.1, -0.3])), r(4, 4), np.eye(4)))
def kalman(np, sp, parameters, observed, one):
    a, noise = parameters
    q, s = np.exp(noise[0]) * one, np.exp(noise[1]) * one
    m, p, total = np.zeros(4), one, 0.0
    for y in observed:
        m, p = a @ m, a @ p @ a.T + q
        e, c = y - m, p + s
        total = total + e @ np.linalg.solve(c, e) + np.linalg.slogdet(c)[1]
        gain = np.linalg.solve(c, p).T
        m, p = m + gain @ e, p - gain @ p
    return total


@program("negative binomial regression", lambda r: (r(3), r(1000), np.arange(1000.0) % 7))
def negative_binomial(np, sp, parameters, x, k):
    rate, size = np.exp(parameters[0] + parameters[1] * x), np.exp(parameters[2])
    log_of = sp.special.gammaln(k + size) - sp.special.gammaln(size)
    return -np.mean(log_of + k * np.log(rate / (rate + size)) + size * np.log(size / (rate + size)))


@program("probit regression", lambda r: (r(5), r(500, 5), np.sign(r(500))))
def probit(np, sp, w, x, y):
    return -np.mean(np.log(0.5 * (1 + sp.special.erf(y * (x @ w) / 2**0.5))))


@program("Huber's loss", lambda r: (r(5), r(500, 5), r(500)))
def huber(np, sp, w, x, y):
    e = np.abs(x @ w - y)
    return np.mean(np.where(e < 1, 0.5 * e**2, e - 0.5))


@program("clipped loss", lambda r: (r(5), r(500, 5), r(500)))
def clipped(np, sp, w, x, y):
    return np.mean(np.clip(x @ w - y, -1.0, 1.0) ** 2)


@program("quantile loss", lambda r: (r(5), r(500, 5), r(500)))
def quantile_loss(np, sp, w, x, y):
    e = y - x @ w
    return np.mean(np.maximum(0.9 * e, -0.1 * e))


@program("trimmed squares, by sorting", lambda r: (r(5), r(500, 5), r(500)))
def trimmed(np, sp, w, x, y):
    return np.mean(np.sort((x @ w - y) ** 2)[:450])


@program("median of residuals", lambda r: (r(5), r(501, 5), r(501)))
def median(np, sp, w, x, y):
    return np.median((x @ w - y) ** 2)


@program("standard deviation and covariance", lambda r: (r(5, 200),))
def spreads(np, sp, x):
    c = np.cov(x)
    return np.sum(c * c) + np.sum(np.std(x, 1))


# Linear algebra.


@program("Gaussian process by solve", lambda r: (np.array([0.5, -1.0]), np.sort(r(60)), r(60), np.eye(60)))
def process_by_solve(np, sp, parameters, x, y, one):
    k = np.exp(-((x[:, None] - x) ** 2) * np.exp(parameters[0])) + np.exp(parameters[1]) * one
    return y @ np.linalg.solve(k, y) + np.linalg.slogdet(k)[1]


@program("Gaussian process by Cholesky", lambda r: (np.array([0.5, -1.0]), np.sort(r(60)), r(60), np.eye(60)))
def process_by_cholesky(np, sp, parameters, x, y, one):
    k = np.exp(-((x[:, None] - x) ** 2) * np.exp(parameters[0])) + np.exp(parameters[1]) * one
    factor = np.linalg.cholesky(k)
    z = sp.linalg.solve_triangular(factor, y, lower=True)
    return z @ z + 2 * np.sum(np.log(np.diagonal(factor)))


@program("Gaussian process by inverse", lambda r: (np.array([0.5, -1.0]), np.sort(r(60)), r(60), np.eye(60)))
def process_by_inverse(np, sp, parameters, x, y, one):
    k = np.exp(-((x[:, None] - x) ** 2) * np.exp(parameters[0])) + np.exp(parameters[1]) * one
    return y @ np.linalg.inv(k) @ y + np.linalg.slogdet(k)[1]


@program("log determinant", lambda r: (positive(r(40, 40)),))
def log_determinant(np, sp, a):
    return np.linalg.slogdet(a)[1]


@program("determinant", lambda r: (r(10, 10),))
def determinant(np, sp, a):
    return np.linalg.det(a)


@program("linear system", lambda r: ((positive(r(40, 40)), r(40, 3)),))
def system(np, sp, parameters):
    return np.sum(np.linalg.solve(*parameters) ** 2)


@program("least squares by normal equations", lambda r: (r(100, 6), r(100)))
def least_squares(np, sp, a, y):
    w = np.linalg.solve(a.T @ a, a.T @ y)
    return np.sum((a @ w - y) ** 2)


@program("least squares by lstsq", lambda r: (r(30, 4), r(30)))
def by_lstsq(np, sp, a, y):
    return np.sum(np.linalg.lstsq(a, y)[0] ** 2)


@program("pseudoinverse", lambda r: (r(20, 5),))
def pseudoinverse(np, sp, a):
    return np.sum(np.linalg.pinv(a) ** 2)


@program("eigenvalues of a symmetric matrix", lambda r: (positive(r(30, 30)),))
def eigenvalues(np, sp, a):
    return np.sum(np.sqrt(np.linalg.eigvalsh(a)))


@program("eigenvectors of a symmetric matrix", lambda r: (positive(r(30, 30)), r(30)))
def eigenvectors(np, sp, a, x):
    values, vectors = np.linalg.eigh(a)
    return np.sum((x @ vectors) ** 2 * np.exp(-values / 30))


@program("nuclear norm, by svd", lambda r: (r(30, 20),))
def nuclear(np, sp, a):
    return np.sum(np.linalg.svd(a, compute_uv=False))


@program("low rank, by svd", lambda r: (r(30, 20),))
def low_rank(np, sp, a):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.sum((u[:, :3] * s[:3] @ vh[:3]) ** 2)


@program("QR", lambda r: (r(30, 10),))
def by_qr(np, sp, a):
    q, t = np.linalg.qr(a)
    return np.sum(q**3) + np.sum(np.log(np.abs(np.diagonal(t))))


@program("matrix exponential", lambda r: (r(10, 10) / 10,))
def exponential(np, sp, a):
    return np.sum(sp.linalg.expm(a) ** 2)


@program("norms", lambda r: (r(50, 20),))
def norms(np, sp, a):
    return np.linalg.norm(a) + np.sum(np.linalg.norm(a, axis=1)) + np.sum(np.linalg.norm(a, 1, axis=0))


@program("matrix factorisation", lambda r: ((r(50, 5), r(5, 40)), r(50, 40)))
def factorisation(np, sp, factors, y):
    u, v = factors
    return np.sum((u @ v - y) ** 2) + 0.1 * (np.sum(u**2) + np.sum(v**2))


@program("tensor network, einsum", lambda r: ((r(8, 9), r(9, 10, 4), r(10, 8)),))
def network(np, sp, tensors):
    return np.sum(np.einsum("ab,bcd,ce->aed", *tensors) ** 2)


@program("tensordot, kron and outer", lambda r: ((r(6, 7), r(7, 5)), r(4)))
def products(np, sp, matrices, x):
    a, b = matrices
    return np.sum(np.kron(a, b) ** 2) + np.sum(np.tensordot(a, b, 1) ** 2) + np.sum(np.outer(a[0], x) ** 3)


# Physics and geometry.


@program("ODE, Runge-Kutta, 4 steps", lambda r: (r(3),))
def runge_kutta(np, sp, start):
    def slope(s):
        return np.stack([10.0 * (s[1] - s[0]), s[0] * (28.0 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]])

    s, h = start, 0.01
    for _ in range(4):
        a = slope(s)
        b = slope(s + h / 2 * a)
        c = slope(s + h / 2 * b)
        s = s + h / 6 * (a + 2 * b + 2 * c + slope(s + h * c))
    return np.sum(s**2)


@program("pendulum, 20 steps", lambda r: (r(2),))
def pendulum(np, sp, start):
    x, v = start
    for _ in range(20):
        v = v - 0.1 * np.sin(x)
        x = x + 0.1 * v
    return x * v


@program("wave equation, 8 steps", lambda r: (r(40, 40),))
def waves(np, sp, start):
    before, now = start, start
    for _ in range(8):
        spread = np.roll(now, 1, 0) + np.roll(now, -1, 0) + np.roll(now, 1, 1) + np.roll(now, -1, 1)
        before, now = now, 2 * now - before + 0.1 * (spread - 4 * now)
    return np.mean(np.pad(now, 1)[:20] ** 2)


@program("heat equation, by slices", lambda r: (r(200),))
def heat(np, sp, u):
    for _ in range(10):
        inner = u[1:-1] + 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u = np.concatenate([u[:1], inner, u[-1:]])
    return np.sum(u**2)


@program("particles, pairwise", lambda r: (r(30, 3), np.eye(30)))
def particles(np, sp, x, one):
    d = np.sum((x[:, None] - x) ** 2, 2) + one
    return np.sum((1 - one) * (d**-6 - d**-3))


@program("bundle adjustment", lambda r: ((0.1 * r(10, 6), r(50, 3) + np.array([0, 0, 8.0])), r(10, 50, 2)))
def bundle(np, sp, parameters, seen):
    cameras, points = parameters
    angle = np.sqrt(np.sum(cameras[:, :3] ** 2, 1) + 1e-12)[:, None, None]
    axis = cameras[:, None, :3] / angle
    turned = points * np.cos(angle) + np.cross(axis, points) * np.sin(angle)
    turned = turned + axis * np.sum(axis * points, 2, keepdims=True) * (1 - np.cos(angle)) + cameras[:, None, 3:]
    flat = turned[..., :2] / turned[..., 2:]
    radial = 1 + 0.01 * np.sum(flat**2, 2, keepdims=True)
    return np.mean((flat * radial - seen) ** 2)


@program("robot arm", lambda r: (r(30), r(2)))
def arm(np, sp, angles, target):
    total = np.cumsum(angles)
    return (np.sum(np.cos(total)) - target[0]) ** 2 + (np.sum(np.sin(total)) - target[1]) ** 2


@program("Rosenbrock", lambda r: (r(100),))
def rosenbrock(np, sp, x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


# Signals and series.


@program("filter by Fourier transform", lambda r: (r(129), r(256), r(256)))
def fourier(np, sp, response, signal, wanted):
    return np.mean((np.fft.irfft(np.fft.rfft(signal) * response, 256) - wanted) ** 2)


@program("power spectrum", lambda r: (r(256),))
def power(np, sp, x):
    return np.sum(np.log1p(np.abs(np.fft.fft(x)) ** 2))


@program("cumulative sums", lambda r: (r(200), r(200)))
def cumulative(np, sp, x, y):
    return np.mean((np.cumsum(x) - y) ** 2) + np.sum(np.cumsum(np.exp(x)[::-1]) ** 2) / 1e4


@program("cumulative products", lambda r: (1 + 0.01 * r(100),))
def discounted(np, sp, x):
    return np.sum(np.cumprod(x))


@program("product", lambda r: (1 + 0.1 * r(50),))
def product(np, sp, x):
    return np.prod(x)


@program("polynomial", lambda r: (r(6), r(300), r(300)))
def polynomial(np, sp, p, x, y):
    return np.mean((np.polyval(p, x) - y) ** 2)


@program("interpolation", lambda r: (r(20), np.sort(r(200))))
def interpolation(np, sp, y, x):
    return np.sum(np.interp(x, np.linspace(-2, 2, 20), y) ** 2)


@program("differences and trapezoid", lambda r: (r(100), np.sort(r(100))))
def differences(np, sp, y, x):
    return np.sum(np.diff(y) ** 2) + np.trapezoid(y**2, x) + np.sum(np.gradient(y) ** 2)


@program("writes by index", lambda r: (r(100),))
def gathered(np, sp, x):
    y = x[np.arange(100) * 3 % 100] * x[::-1]
    return np.sum(y[10:] * y[:-10]) + np.sum(np.take(x, np.arange(50) * 2)) ** 2


@program("stacks and shapes", lambda r: (r(12, 10),))
def shapes(np, sp, x):
    y = np.concatenate([x.T, x.reshape(10, 12)], 1)
    z = np.stack([y, 2 * y], 1).transpose(2, 0, 1)
    return np.sum(np.tile(z, (1, 2, 1)) ** 2) + np.sum(np.repeat(x, 2, 0)[1:] ** 3) + np.sum(np.flip(x) * x)


@program("extrema", lambda r: (r(20, 30),))
def extrema(np, sp, x):
    return np.sum(np.max(x, 1) ** 2) + np.sum(np.min(x, 0)) + np.max(x) ** 2 + np.sum(np.minimum(x, x**2))


# Elementary and special functions.


@program("trigonometric functions", lambda r: (0.3 * r(200),))
def trigonometric(np, sp, x):
    return np.sum(np.sin(x) * np.cos(x) + np.tan(x) + np.arctan(x) + np.arctan2(x, 1 + x**2))


@program("arcsin, arccos, arcsinh, arctanh", lambda r: (np.tanh(0.5 * r(200)),))
def inverse_functions(np, sp, x):
    return np.sum(np.arcsin(x) + np.arccos(x / 2) + np.arcsinh(x) + np.arctanh(x / 2))


@program("hyperbolic functions", lambda r: (r(200),))
def hyperbolic(np, sp, x):
    return np.sum(np.sinh(x) * np.cosh(x))


@program("exponentials and logarithms", lambda r: (np.exp(r(200)),))
def logarithms(np, sp, x):
    return np.sum(np.log(x) * np.exp(-x) + np.log1p(x) + np.expm1(-x) + np.log2(x) + np.log10(x) + np.exp2(-x))


@program("powers and roots", lambda r: (np.exp(r(200)), np.exp(r(200))))
def powers(np, sp, x, y):
    return np.sum(
        np.sqrt(x) + np.cbrt(y) * x**1.5 + x**-2 + np.hypot(x, y) + x**3 / y + np.square(x) + np.reciprocal(x)
    )


@program("power of an array", lambda r: (np.exp(r(200)), r(200)))
def power_of_arrays(np, sp, x, y):
    return np.sum(x**y)


@program("special functions", lambda r: (np.exp(0.3 * r(200)),))
def special(np, sp, x):
    s = sp.special
    return np.sum(
        s.gammaln(x) + s.erf(x) + s.erfc(x) + s.expit(x) + s.digamma(x) + s.ndtr(x) + s.entr(x) + s.xlogy(x, x)
    )


@program("Bessel functions", lambda r: (r(200),))
def bessel(np, sp, x):
    return np.sum(sp.special.i0(x) + sp.special.i1e(x) + sp.special.log_ndtr(x))


@program("complex numbers", lambda r: (r(100), r(100)))
def complexes(np, sp, x, y):
    z = np.exp(1j * x) * (x + 1j * y)
    return np.sum(np.abs(z) ** 2) + np.sum((z * z).real) + np.sum(np.conj(z).imag * y)
