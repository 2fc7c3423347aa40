"""``scipy.special``, every name of it.

Its ufuncs dispatch, and so do the functions that only call them: they stand here as they are. The others convert
their arguments to arrays first; those are replaced by functions that tracers answer.
"""

import numpy as np
import scipy.special as _scipy
from scipy.special import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]

from ..batch import batches
from ..batching.axes import from_end
from ..rule import composite, elementwise, explicit, with_value
from ..rules.elementwise import sign_of
from ..rules.scipy_special import unknown
from ..rules.shares import centred, shares, uncentred
from ..rules.special_formulas.orthogonal import below
from ..tracer import shape_of
from . import exponentials
from .wrapping import named


def _log_sum_push(factor):
    def push(t, y, a, axis=None, b=None, keepdims=False, return_sign=False):
        total = np.sum(t * shares(a, b, axis, np.exp) * factor(b), axis, keepdims=keepdims)
        if not return_sign:
            return total
        return total.real, 1j * total.imag * y[1] if y[1].dtype.kind == "c" else None

    return push


def _log_sum_pull(factor):
    def pull(g, y, a, axis=None, b=None, keepdims=False, return_sign=False):
        weights = shares(a, b, axis, np.exp)
        if return_sign:
            g = g[0] - 1j * np.real(1j * g[1] * y[1]) if y[1].dtype.kind == "c" else g[0]
        if not keepdims:
            g = np.expand_dims(g, tuple(range(np.ndim(weights))) if axis is None else axis)
        return g * weights * factor(b)

    return pull


_of_a, _of_b = lambda b: 1 if b is None else b, lambda b: 1


logsumexp = named(
    explicit(
        exponentials.logsumexp,
        jvp=(_log_sum_push(_of_a), None, _log_sum_push(_of_b)),
        vjp=(_log_sum_pull(_of_a), None, _log_sum_pull(_of_b)),
    )
)


@batches(logsumexp)
def _logsumexp_of_examples(batch, a, axis=None, b=None, keepdims=False, return_sign=False):
    ndim = max(len(shape_of(a)), len(shape_of(b)))
    a, b = batch.lifted(a, ndim), batch.lifted(b, ndim)
    return batch.batched(logsumexp(a, from_end(axis, ndim), b, keepdims, return_sign))


softmax = named(
    explicit(
        _scipy.softmax,
        jvp=lambda t, y, _x, axis=None: y * centred(t, y, axis),
        vjp=lambda g, y, _x, axis=None: y * centred(g, y, axis),
    )
)
log_softmax = named(
    explicit(
        _scipy.log_softmax,
        jvp=lambda t, y, _x, axis=None: centred(t, np.exp(y), axis),
        vjp=lambda g, y, _x, axis=None: uncentred(g, np.exp(y), axis),
    )
)


# Factorials and binomial coefficients


def _inexact(name, exact):
    if exact:
        raise NotImplementedError(f"scipy.special.{name}: exact=True gives integers, which have no derivative.")


def _factorial_slope(x, y, exact=False, extend="zero"):
    _inexact("factorial", exact)
    nothing = np.equal(y, 0)
    return np.where(nothing, 0, y * _scipy.psi(np.where(nothing, 0, x) + 1))


def _comb(N, k, *, exact=False, repetition=False):
    _inexact("comb", exact)
    if repetition:
        first = np.logical_and(np.equal(k, 0), np.greater_equal(N, 0))
        return np.where(first, 1.0, _scipy.binom(N + k - 1, k))
    within = np.logical_and(np.less_equal(k, N), np.logical_and(np.greater_equal(N, 0), np.greater_equal(k, 0)))
    return np.where(within, _scipy.binom(N, k), 0.0)


def _perm(N, k, exact=False):
    _inexact("perm", exact)
    within = np.logical_and(np.less_equal(k, N), np.logical_and(np.greater_equal(N, 0), np.greater_equal(k, 0)))
    return np.where(within, _scipy.poch(N - k + 1, k), 0.0)


factorial = named(elementwise(_scipy.factorial, _factorial_slope))
comb = named(composite(_scipy.comb, _comb, with_value))
perm = named(composite(_scipy.perm, _perm, with_value))

# Gamma functions: DLMF 5.15 and 35.3

polygamma = named(elementwise(_scipy.polygamma, unknown, lambda a, b: polygamma(a + 1, b)))
multigammaln = named(
    elementwise(_scipy.multigammaln, lambda a, b: sum(_scipy.psi(a - j / 2) for j in range(int(b))), unknown)
)


# The Dirichlet kernel Uₙ₋₁(cos x/2)/n, spherical Bessel functions (DLMF 10.51.1 and 10.51.4) and spherical harmonics


def _diric_slope(a, b):
    slope = below(_scipy.eval_gegenbauer, b - 1, 2, np.cos(a / 2))
    return -np.sin(a / 2) * slope / b


def _spherical(function, below, above):
    """Spherical Bessel functions, and their derivatives: f' = (± n fₙ₋₁ ± (n + 1) fₙ₊₁)/(2n + 1)."""

    def slope(n, z, derivative):
        lower = n * registered(np.maximum(n - 1, 0), z, derivative)
        return (below * lower + above * (n + 1) * registered(n + 1, z, derivative)) / (2 * n + 1)

    def times(u, _y, n, z, derivative=False):
        return u * slope(n, z, derivative)

    registered = named(explicit(function, jvp=(None, times), vjp=(None, times)))
    batches(registered)(lambda batch, *args, **kwargs: batch.elementwise(registered, args, kwargs))
    return registered


def _polar_slope(a, b, c, d, diff_n=0):
    """By the ladder operators of angular momentum, which have no pole: DLMF 14.30.1 with 14.10."""
    if diff_n:
        raise NotImplementedError("scipy.special.sph_harm_y: diff_n gives derivatives itself; differentiate diff_n=0.")
    up = np.sqrt((a - b) * (a + b + 1.0)) * sph_harm_y(a, np.minimum(b + 1, a), c, d)
    down = np.sqrt((a + b) * (a - b + 1.0)) * sph_harm_y(a, np.maximum(b - 1, -a), c, d)
    return 0.5 * sign_of(np.sin(c)) * (np.exp(-1j * d) * up - np.exp(1j * d) * down)  # SciPy's function has |sin c|


diric = named(elementwise(_scipy.diric, _diric_slope, unknown))
spherical_jn = _spherical(_scipy.spherical_jn, 1, -1)
spherical_yn = _spherical(_scipy.spherical_yn, 1, -1)
spherical_in = _spherical(_scipy.spherical_in, 1, 1)
spherical_kn = _spherical(_scipy.spherical_kn, -1, -1)
sph_harm_y = named(elementwise(_scipy.sph_harm_y, unknown, unknown, _polar_slope, lambda b, y: 1j * b * y))
