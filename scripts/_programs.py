"""Ten NumPy programs of different families, each a loss of its parameters, at a size that is asked for.

``PROGRAMS[name](rng, scale)`` gives the function and its arguments, of which the first is differentiated. With scale 1
they fill a large device (some 10⁷ numbers, in float32 where the program allows it); with 0.01 a processor.
"""

import numpy as np
import scipy.special


def _normal(rng, *shape, dtype=np.float32):
    return rng.normal(size=shape).astype(dtype)


def _of(scale, n, power=1.0):
    """A size that is n at scale 1."""
    return max(4, round(n * scale**power))


def chain(rng, scale):
    def f(x):
        for _ in range(10):
            x = np.tanh(np.sin(x))
        return np.sum(x)

    return f, _normal(rng, _of(scale, 20_000_000))


def layers(rng, scale):
    n, samples = _of(scale, 2048, 0.5), _of(scale, 8192, 0.5)

    def f(weights, x, y):
        for w in weights:
            x = np.tanh(x @ w)
        return np.mean((x - y) ** 2)

    weights = [_normal(rng, n, n) / np.float32(n**0.5) for _ in range(4)]
    return f, weights, _normal(rng, samples, n), _normal(rng, samples, n)


def recurrence(rng, scale):
    n, samples, steps = _of(scale, 1024, 0.5), _of(scale, 4096, 0.5), 12

    def f(parameters, inputs):
        w, u = parameters
        h = np.zeros((samples, n), np.float32)
        for k in range(steps):
            h = np.tanh(h @ w + inputs[k] * u)
        return np.mean(h**2)

    parameters = _normal(rng, n, n) / np.float32(n**0.5), _normal(rng, n)
    return f, parameters, _normal(rng, steps, samples, 1)


def mixture(rng, scale):
    points, centres, dims = _of(scale, 400_000), 32, 8

    def f(parameters, x):
        weights, means, log_scales = parameters
        z = (x[:, None, :] - means) * np.exp(-log_scales)
        terms = weights - np.sum(log_scales, 1) - np.sum(z * z, 2) / 2
        top = np.max(terms, 1)
        return -np.mean(top + np.log(np.sum(np.exp(terms - top[:, None]), 1)))

    parameters = _normal(rng, centres), _normal(rng, centres, dims), 0.1 * _normal(rng, centres, dims)
    return f, parameters, _normal(rng, points, dims)


def gaussian_process(rng, scale):
    n = _of(scale, 4096, 0.5)

    def f(parameters, x, y):
        length, noise = parameters
        k = np.exp(-((x[:, None] - x) ** 2) * np.exp(length)) + np.exp(noise) * np.eye(n)
        return y @ np.linalg.solve(k, y) / n + np.linalg.slogdet(k).logabsdet / n

    return f, np.array([0.5, -1.0]), np.sort(rng.uniform(-3, 3, n)), rng.normal(size=n)


def attention(rng, scale):
    heads, n, dims = 16, _of(scale, 2048, 0.5), 64

    def f(parameters):
        q, k, v = parameters
        scores = np.einsum("hid,hjd->hij", q, k) / np.float32(dims**0.5)
        scores = np.exp(scores - np.max(scores, 2, keepdims=True))
        return np.mean(np.einsum("hij,hjd->hid", scores / np.sum(scores, 2, keepdims=True), v) ** 2)

    return f, tuple(_normal(rng, heads, n, dims) for _ in range(3))


def spectrum(rng, scale):
    n = _of(scale, 2**22)

    def f(filters, signal, wanted):
        return np.mean((np.fft.irfft(np.fft.rfft(signal) * filters, n) - wanted) ** 2)

    return f, _normal(rng, n // 2 + 1), _normal(rng, 4, n), _normal(rng, 4, n)


def trimmed(rng, scale):
    n = _of(scale, 4_000_000)

    def f(slope, x, y):
        residuals = np.sort((y - slope[0] * x - slope[1]) ** 2)
        return np.mean(residuals[: 9 * n // 10]) + np.median(residuals)

    return f, _normal(rng, 2), _normal(rng, n), _normal(rng, n)


def waves(rng, scale):
    n = _of(scale, 3000, 0.5)

    def f(start):
        before, now = start, start
        for _ in range(8):
            spread = np.roll(now, 1, 0) + np.roll(now, -1, 0) + now[:, np.arange(-1, n - 1)] + np.roll(now, -1, 1)
            before, now = now, 2 * now - before + np.float32(0.1) * (spread - 4 * now)
        return np.mean(np.pad(now, 1)[: n // 2] ** 2)

    return f, _normal(rng, n, n)


def counts(rng, scale):
    n = _of(scale, 4_000_000)

    def f(parameters, x, k):
        rate, size = np.exp(parameters[0] + parameters[1] * x), np.exp(parameters[2])
        log_of = scipy.special.gammaln(k + size) - scipy.special.gammaln(size)
        return -np.mean(log_of + k * np.log(rate / (rate + size)) + size * np.log(size / (rate + size)))

    return f, _normal(rng, 3), _normal(rng, n), rng.poisson(3.0, n).astype(np.float32)


PROGRAMS = {
    "chain of 20 sin and tanh": chain,
    "MLP of 4 layers": layers,
    "recurrent network, 12 steps": recurrence,
    "Gaussian mixture": mixture,
    "Gaussian process": gaussian_process,
    "attention, 16 heads": attention,
    "filter by Fourier transform": spectrum,
    "trimmed regression, by sorting": trimmed,
    "wave equation, 8 steps": waves,
    "negative binomial regression": counts,
}
