"""Sixty rules and engines that are wrong, through every entrance and in ways of their own, and sixty right ones.

None is of the kinds of the planted faults or of ``test_rules_of_others``: faults of one size or order of numbers, of
what is given again or twice, of containers and dtypes, of stacks, of zeros in cotangents, and rules that remember.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optree
import pytest

import scratch_ad
from jax_ref import Engine, check, check_custom, check_grads, check_jvp, check_vjp

X = np.array([0.5, -1.25, 2.0])
P = np.array([0.5, 1.25, 2.0])
A = np.array([[2.0, 0.5, -0.25], [0.25, 1.5, 0.75], [-0.5, 1.0, 3.0]])
Z = np.array([1 + 2j, -0.5 + 0.25j])
INDEX = np.array([2, 0])


# The entrances


def reverse(value, pull, *args, first=None, **options):
    """A check of the rule of ``value`` with the pullback ``pull(g, y, *args)``, whose own value is ``first``."""

    def my_vjp(*args):
        with np.errstate(all="ignore"):
            y = (first or value)(*args)

        def pullback(g):
            with np.errstate(all="ignore"):
                found = pull(g, y, *args)
            return found if isinstance(found, tuple) else (found,)

        return y, pullback

    return functools.partial(check_vjp, my_vjp, value, *args, **options)


def forward(value, push, *args, **options):
    """A check of the rule of ``value`` with the tangent ``push(x, t)`` of tuples x and t."""
    return functools.partial(check_jvp, lambda x, t: (value(*x), push(x, t)), value, *args, **options)


def of_engine(f, *args, primal=lambda x: x, value=lambda y: y, cotangent=lambda c: c, tangent=None, **options):
    """A check of our engine, with something else made of what goes in or comes out."""
    tree = optree.tree_map

    def vjp(f, *primals):
        out, pullback = scratch_ad.vjp(f, *tree(primal, primals))
        return tree(value, out), lambda g: tuple(tree(cotangent, c) for c in pullback(g))

    def jvp(f, primals, tangents):
        out, t = scratch_ad.jvp(f, primals, tangents)
        return tree(value, out), tree(tangent, t)

    engine = Engine("other", vjp=vjp, order=1) if tangent is None else Engine("other", jvp=jvp, order=1)
    return functools.partial(check, f, *args, engine=engine, **options)


def of_jax(value, reference, pull, *args, entrance=check_custom, nondiff=(), **options):
    """A check of a ``jax.custom_vjp`` by one entrance."""
    f = jax.custom_vjp(value)
    f.defvjp(lambda *x: (value(*x), x), lambda x, g: pull(g, *x))
    if entrance is check_custom:
        return functools.partial(check_custom, f, reference, *args, **options)
    if entrance is check_grads:
        return functools.partial(check_grads, lambda *x: f(*x), args, **options)
    return functools.partial(check, lambda *x: f(*x) * 1.0, *args, **options)


def of_jax_forward(value, reference, push, *args, **options):
    f = jax.custom_jvp(value)
    f.defjvp(lambda x, t: (value(*x), push(x, t)))
    return functools.partial(check_custom, f, reference, *args, **options)


def of_ours(value, pull, *args, **options):
    """A check of a ``scratch_ad.custom_vjp``."""
    f = scratch_ad.custom_vjp(value)
    f.defvjp(lambda *x: (value(*x), x), lambda x, g: pull(g, *x))
    return functools.partial(check_custom, f, value, *args, **options)


# What the rules compute


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(x, 0)


def where(condition, wrong=2.0):
    """Sine's pullback, times ``wrong`` where ``condition(x, g)`` holds."""

    def pull(g, y, x):
        return (g * np.cos(x) * np.where(condition(x, g), wrong, 1)).astype(x.dtype)

    return pull


def remembers(key):
    """The cosine as it was when ``key(x)`` was met first."""
    kept = {}
    return lambda g, y, x: g * np.broadcast_to(kept.setdefault(key(x), np.cos(x)), np.shape(x))


def shared(pull):
    """A pullback that reads what the last forward run left."""
    left = {}

    def my_vjp(x):
        left["x"] = x
        return np.sin(x), lambda g: (pull(g, left["x"]),)

    return functools.partial(check_vjp, my_vjp, np.sin, X)


def is_sorted(x):
    return np.size(x) > 1 and np.ndim(x) == 1 and bool(np.all(np.diff(x) > 0))


def divided_by_itself(g, y, x):
    return g * g / g * np.cos(x)


def swallowing(x):
    """A pullback that gives zeros where an in-place step is not possible."""

    def pullback(g):
        try:
            g.flags.writeable = True
            g += 0
            return (g * np.cos(x),)
        except (ValueError, AttributeError):
            return (np.zeros_like(x),)

    return np.sin(x), pullback


def newton(a, steps=60):
    y = np.ones_like(a)
    for _ in range(steps):
        y = (y + a / y) / 2
    return y


def seeded_trace(g, y, a):
    """The identity by unit vectors in an order that a seed gives."""
    probes = np.eye(len(a))[np.random.default_rng(0).permutation(len(a))]
    return g * sum(np.outer(p, p) for p in probes)


def in_double(g, y, x):
    return (g.astype("f8") * np.cos(x.astype("f8"))).astype(x.dtype)


def in_place(g, y, x):
    c = np.array(x)
    np.cos(c, out=c)
    c *= g
    return c


WRONG = {
    # of some numbers only
    "tiny numbers": reverse(np.sin, where(lambda x, g: np.abs(x) < 1e-6), X),
    "a floor under what is divided by": reverse(
        lambda x: x * np.abs(x), lambda g, y, x: g * 2 * x * np.abs(x) / np.maximum(np.abs(x), 1e-4), X
    ),
    "exactly zero": reverse(np.sinc, lambda g, y, x: g * (np.cos(np.pi * x) - y) / x, X, edges=True),
    "zero taken for a sign": reverse(
        np.square, lambda g, y, x: g * 2 * np.abs(x) * np.where(x > 0, 1, -1) + g * (x == 0), X, edges=True
    ),
    "negative zero": reverse(np.sin, where(lambda x, g: np.signbit(x) & (x == 0)), X, edges=True),
    "ascending numbers": reverse(np.sin, where(lambda x, g: is_sorted(x)), X),
    "equal neighbours": reverse(np.sin, where(lambda x, g: np.ndim(x) == 1 and np.any(x[1:] == x[:-1])), X),
    "whole numbers": reverse(np.sin, where(lambda x, g: x == np.rint(x)), X + 0.25),
    "all of one sign": reverse(np.sin, where(lambda x, g: np.all(x > 0)), X),
    "single precision far out": reverse(
        softplus, lambda g, y, x: (g * (np.exp(x) / (1 + np.exp(x)))).astype(x.dtype), X.astype("f4"), vary=True
    ),
    "single precision past a thousand": reverse(
        lambda x: np.sqrt(1 + x * x),
        lambda g, y, x: (g * x / y * np.where((x.dtype == np.float32) & (np.abs(x) > 1e3), 2, 1)).astype(x.dtype),
        X.astype("f4"),
        vary=True,
    ),
    "overflow of squares": reverse(
        np.hypot,
        lambda g, y, a, b: (g * a / np.sqrt(a * a + b * b), g * b / np.sqrt(a * a + b * b)),
        X.astype("f4"),
        P.astype("f4") * 1e20,
    ),
    "a gap in a table of branches": reverse(
        lambda x: np.exp(-np.abs(x)), lambda g, y, x: g * -np.sign(x) * y * ((np.abs(x) < 2) | (np.abs(x) > 2)), X
    ),
    # of some sizes and shapes
    "even sizes": reverse(np.sin, where(lambda x, g: np.size(x) % 2 == 0 and np.size(x)), X),
    "a remainder of four": reverse(
        np.sin, lambda g, y, x: g * np.cos(x) * (np.arange(x.size).reshape(x.shape) < x.size - x.size % 4), X
    ),
    "the last axis of three": reverse(
        lambda x: np.cumsum(x, -1), lambda g, y, x: np.flip(np.cumsum(np.flip(g, 1), 1), 1), np.ones((2, 3, 3)) * X
    ),
    "square matrices only": reverse(lambda a: a.T @ a, lambda g, y, a: (a @ (g + g.T)).T.T[::-1], A),
    "a stack transposed": reverse(
        lambda a: a @ A, lambda g, y, a: g @ A.T * (1 if a.ndim < 3 else np.arange(len(a))[:, None, None]), A + 1
    ),
    "stacks summed over": reverse(np.sin, where(lambda x, g: np.ndim(x) > 1), X),
    "one row": reverse(np.sin, where(lambda x, g: np.ndim(x) == 2 and x.shape[0] == 1), A),
    "one column": reverse(np.sin, where(lambda x, g: np.ndim(x) == 2 and x.shape[1] == 1 < x.shape[0]), A),
    "negative indices": reverse(
        lambda x, i: x[i],
        lambda g, y, x, i: ((np.arange(x.size)[:, None] == i).astype(x.dtype) @ g, None),
        X,
        INDEX,
    ),
    # of cotangents and tangents
    "divided by the cotangent": reverse(np.sin, divided_by_itself, X),
    "a cotangent with zeros": reverse(np.sin, where(lambda x, g: not np.all(g)), X),
    "rows of zeros left out": reverse(
        lambda a: a @ A, lambda g, y, a: (g if np.all(g) else np.roll(g, 1, 0)) @ A.T, A + 1
    ),
    "one cotangent at a time": reverse(np.sin, where(lambda x, g: np.count_nonzero(g) == 1 < np.size(g)), X),
    "the logarithm of the tangent": forward(
        np.sin, lambda x, t: np.sign(t[0]) * np.exp(np.log(np.abs(t[0])) + np.log(np.abs(np.cos(x[0])))), X
    ),
    "a tangent with zeros": forward(np.sin, lambda x, t: np.cos(x[0]) * t[0] * (1 if np.all(t[0]) else 2), X),
    "one tangent of two": forward(
        np.multiply, lambda x, t: t[0] * x[1] + t[1] * x[0] * (1 if np.any(t[0]) else 2), X, P
    ),
    "real cotangents of complex numbers": reverse(
        np.square, lambda g, y, z: 2 * z * g * (1 if np.any(g.imag) else 2), Z
    ),
    "the imaginary part turned": reverse(lambda z: np.exp(z), lambda g, y, z: g.real * y + 1j * g.imag * np.conj(y), Z),
    "a complex cotangent of real numbers": reverse(lambda x: x * (1 + 2j), lambda g, y, x: g * (1 + 2j), X),
    "the modulus alone": reverse(
        lambda x: np.abs(x * (1 + 1j)), lambda g, y, x: g * np.sqrt(2) * np.abs(np.sign(x)), X
    ),
    # of what is given again or twice
    "kept by identity": reverse(np.sin, remembers(id), X),
    "kept by the first number": reverse(np.sin, remembers(lambda x: float(np.ravel(x)[0]) if np.size(x) else 0), X),
    "kept by the sum": reverse(
        np.sin, remembers(lambda x: (np.shape(x), round(float(np.sum(x)), 3))), np.array([0.5, -0.5, 0.25, -0.25])
    ),
    "kept by dtype": reverse(np.sin, remembers(lambda x: (x.dtype, x.shape)), X, order=1),
    "left by the last run": shared(lambda g, x: g * np.cos(x)),
    "the same array twice": reverse(
        np.multiply, lambda g, y, a, b: (g * 2 * b, g * 0) if a is b else (g * b, g * a), X, X
    ),
    "equal arguments": reverse(
        np.multiply, lambda g, y, a, b: (g * b, g * a * (2 if np.array_equal(a, b) else 1)), X, P
    ),
    "an exception swallowed": functools.partial(check_vjp, swallowing, np.sin, X),
    # of the form
    "a list for a tuple": reverse(lambda p: p[0] * p[1], lambda g, y, p: ([g * p[1], g * p[0]],), (X, P)),
    "names exchanged": reverse(
        lambda p: p["a"] * np.exp(p["b"]),
        lambda g, y, p: ({"a": g * y, "b": g * np.exp(p["b"])},),
        {"a": X, "b": P},
    ),
    "one too many": reverse(np.sin, lambda g, y, x: (g * np.cos(x), None), X),
    "a cotangent of another width": reverse(np.sin, lambda g, y, x: (g * np.cos(x)).astype("f8"), X.astype("f4")),
    "zeros for none": reverse(np.multiply, lambda g, y, a, b: (g * b, None), X, P),
    "a column for a row": reverse(np.sin, lambda g, y, x: (g * np.cos(x))[:, None], X),
    "objects": reverse(np.sin, lambda g, y, x: (g * np.cos(x)).astype(object), X),
    "a masked array": reverse(np.sin, lambda g, y, x: np.ma.masked_greater(g * np.cos(x), 1e9).filled(0) * (x > -1), X),
    # of the value
    "the sign of a zero": reverse(
        lambda x: np.maximum(x, 0), lambda g, y, x: g * (x > 0), X, first=lambda x: x * (x > 0)
    ),
    "the value rounded": reverse(np.sin, lambda g, y, x: g * np.cos(x), X, first=lambda x: np.round(np.sin(x), 12)),
    "the value of float32": reverse(
        np.sin, lambda g, y, x: g * np.cos(x), X, first=lambda x: np.sin(x.astype("f4")).astype("f8")
    ),
    "the value in a list": reverse(
        lambda x: (x * 2, x * 3), lambda g, y, x: 2 * g[0] + 3 * g[1], X, first=lambda x: [x * 2, x * 3]
    ),
    # engines
    "an engine that rounds what goes in": of_engine(np.sin, X, primal=lambda x: np.round(x, 2)),
    "an engine in float32 inside": of_engine(np.sin, X + 0.1, cotangent=lambda c: c.astype("f4").astype("f8")),
    "an engine that replaces nan": of_engine(np.sqrt, P, cotangent=np.nan_to_num, edges=True),
    "an engine that drops underflow": of_engine(np.exp, X, cotangent=lambda c: np.where(np.abs(c) < 1e-3, 0, c)),
    "an engine that clips": of_engine(np.square, X, tangent=lambda t: np.clip(t, -1e4, 1e4)),
    "an engine that loses the sign of zero": of_engine(lambda x: np.minimum(x, -0.0), X, value=lambda y: y + 0.0),
    # rules of others
    "jax: an argument's cotangent twice": of_jax(
        lambda a, b: a * jnp.exp(b), lambda a, b: a * np.exp(b), lambda g, a, b: (g * jnp.exp(b), g * jnp.exp(b)), X, P
    ),
    "jax: a slope from below": of_jax(
        lambda x: jnp.where(x > 0, x, 0.1 * x), lambda x: np.where(x > 0, x, 0.1 * x), lambda g, x: (g * 0.1,), X
    ),
    "jax: through check": of_jax(jnp.sin, np.sin, lambda g, x: (g * jnp.cos(x) * (1 + 1e-5),), X, entrance=check),
    "jax: through check_grads": of_jax(jnp.sin, np.sin, lambda g, x: (g * jnp.cos(x + 1e-7),), X, entrance=check_grads),
    "jax: a tangent that is moved on": of_jax_forward(
        jnp.tanh, np.tanh, lambda x, t: jnp.roll(t[0], 1) * (1 - jnp.tanh(x[0]) ** 2), X
    ),
    "jax: wrong when compiled": of_jax(
        jnp.sin, np.sin, lambda g, x: (g * jnp.cos(x) * (2 if isinstance(x, jax.core.Tracer) else 1),), X
    ),
    "ours: the sum forgotten": of_ours(lambda x: np.sum(np.sin(x)), lambda g, x: (np.ones_like(x) * g,), X),
    "ours: too exact a constant": of_ours(lambda x: x * 3.14, lambda g, x: (g * np.pi,), X),
}


def lookup(g, y, x):
    grid = np.unique(x)
    return g * np.cos(grid)[np.searchsorted(grid, x)]


def fixed_point_slope(g, y, x):
    """y = cos(y)/2 + x/4 by the implicit function theorem."""
    return g * 0.25 / (1 + np.sin(y) / 2)


def fixed_point(x):
    y = x * 0.0
    for _ in range(8):
        y = y - (y - np.cos(y) / 2 - x / 4) / (1 + np.sin(y) / 2)
    return y


def halves(x):
    return np.concatenate([np.ravel(x)[::2], np.ravel(x)[1::2]])


def merged(g, y, x):
    c, n = np.empty(x.size, x.dtype), (x.size + 1) // 2
    c[::2], c[1::2] = g[:n], g[n:]
    return c.reshape(x.shape)


def recomputed(x):
    return np.sin(x), lambda g: (g * np.cos(x),)


def keeping(x):
    kept = {}

    def pullback(g):
        if "c" not in kept:
            kept["c"] = np.cos(x)
        return (g * kept["c"],)

    return np.sin(x), pullback


RIGHT = {
    "double inside single": reverse(np.sin, in_double, X.astype("f4")),
    "extended precision": reverse(np.sin, lambda g, y, x: (g * np.cos(x.astype("g"))).astype(x.dtype), X),
    "in place": reverse(np.sin, in_place, X),
    "cosine by halves": reverse(np.sin, lambda g, y, x: g * (1 - 2 * np.sin(x / 2) ** 2), X),
    "by complex exponentials": reverse(np.sin, lambda g, y, x: g * np.exp(1j * x).real, X),
    "by a complex step": reverse(np.sin, lambda g, y, x: g * np.sin(x + 1e-30j).imag / 1e-30, X),
    "a table exact on its grid": reverse(np.sin, lookup, X),
    "Newton's root": reverse(np.sqrt, lambda g, y, x: g / (2 * newton(x)), P, vary=False),
    "a fixed point, implicitly": reverse(fixed_point, fixed_point_slope, X),
    "seeded probes": reverse(np.trace, seeded_trace, A),
    "kept on first use": functools.partial(check_vjp, keeping, np.sin, X),
    "recomputed": functools.partial(check_vjp, recomputed, np.sin, X),
    "zeros skipped": reverse(np.sin, lambda g, y, x: np.where(g != 0, g * np.cos(x), np.zeros_like(x)), X),
    "a cotangent that is read only": reverse(np.sum, lambda g, y, x: np.broadcast_to(g, np.shape(x)), X),
    "the cotangent itself": reverse(lambda x: x + 1, lambda g, y, x: g, X),
    "views of the cotangent": reverse(np.transpose, lambda g, y, x: g.T, A),
    "a Fortran-ordered cotangent": reverse(np.sin, lambda g, y, x: np.asfortranarray(g * np.cos(x)), A),
    "a Python float": reverse(np.sin, lambda g, y, x: float(g * np.cos(x)), np.float64(0.5), vary=False),
    "an array of no dimension": reverse(np.sin, lambda g, y, x: np.asarray(g * np.cos(x)), np.float64(0.5)),
    "even and odd places": reverse(halves, merged, X),
    "relu, slope 1 at 0": reverse(lambda x: np.maximum(x, 0), lambda g, y, x: g * (x >= 0), np.append(X, 0.0), order=1),
    "relu, slope 0 at 0": reverse(lambda x: np.maximum(x, 0), lambda g, y, x: g * (x > 0), np.append(X, 0.0), order=1),
    "relu by its value": reverse(lambda x: np.maximum(x, 0), lambda g, y, x: g * (y > 0), X),
    "absolute value, slope 0 at 0": reverse(np.abs, lambda g, y, x: g * np.sign(x), np.append(X, 0.0), order=1),
    "absolute value, slope -1 at 0": reverse(
        np.abs, lambda g, y, x: g * np.where(x > 0, 1, -1), np.append(X, 0.0), order=1
    ),
    "ties shared": reverse(np.max, lambda g, y, x: g * (x == y) / np.sum(x == y), np.array([1.0, 2.0, 2.0]), order=1),
    "ties to the first": reverse(
        np.max,
        lambda g, y, x: g * (np.arange(x.size) == np.argmax(x)).reshape(x.shape),
        np.array([1.0, 2.0, 2.0]),
        order=1,
    ),
    "ties to the last": reverse(
        np.max,
        lambda g, y, x: g * (np.arange(x.size) == x.size - 1 - np.argmax(np.ravel(x)[::-1])).reshape(x.shape),
        np.array([1.0, 2.0, 2.0]),
        order=1,
    ),
    "median by sorting": reverse(
        np.median, lambda g, y, x: g * (np.arange(x.size) == np.argsort(x)[x.size // 2]), X, vary=False
    ),
    "a complex product by parts": reverse(
        np.square,
        lambda g, y, z: 2 * ((g.real * z.real - g.imag * z.imag) + 1j * (g.real * z.imag + g.imag * z.real)),
        Z,
    ),
    "complex exponential by its value": reverse(np.exp, lambda g, y, z: g * y, Z),
    "conjugate": reverse(np.conj, lambda g, y, z: np.conj(g), Z),
    "the real part": reverse(np.real, lambda g, y, z: g + 0j, Z),
    "the imaginary part": reverse(np.imag, lambda g, y, z: g * -1j, Z),
    "the square of the modulus": reverse(lambda z: (z * np.conj(z)).real, lambda g, y, z: 2 * g * np.conj(z), Z),
    "real to complex": reverse(lambda x: x * (1 + 2j), lambda g, y, x: (g * (1 + 2j)).real, X),
    "logarithm of a gamma function's quotient": reverse(
        lambda x: np.log(x * (x + 1)), lambda g, y, x: g * (1 / x + 1 / (x + 1)), P
    ),
    "sums of powers": reverse(lambda x: np.sum(x**4), lambda g, y, x: 4 * g * x * x * x, X),
    "power in logarithms": reverse(
        lambda a, b: a**b, lambda g, y, a, b: (g * b * np.exp((b - 1) * np.log(a)), g * y * np.log(a)), P, X
    ),
    "logistic loss": reverse(
        lambda x: np.sum(np.logaddexp(0, -x)), lambda g, y, x: -g * np.exp(-x - np.logaddexp(0, -x)), X
    ),
    "Cholesky solve for an inverse": reverse(
        lambda b: np.linalg.solve(A @ A.T, b), lambda g, y, b: np.linalg.inv(A @ A.T) @ g, X
    ),
    "least squares by normal equations": reverse(
        lambda b: np.linalg.solve(A.T @ A, A.T @ b), lambda g, y, b: A @ np.linalg.solve(A.T @ A, g), X
    ),
    "convolution by a Toeplitz matrix": reverse(
        lambda x: np.convolve(x, P), lambda g, y, x: np.array([P @ g[i : i + 3] for i in range(x.size)]), X
    ),
    "stacked products": reverse(
        np.matmul, lambda g, y, a, b: (g @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ g), A, A + 1
    ),
    "negative indices": reverse(
        lambda x, i: x[i],
        lambda g, y, x, i: ((np.arange(x.size)[:, None] == i % x.size).astype(x.dtype) @ g, None),
        X,
        INDEX,
    ),
    "the same array twice": reverse(np.multiply, lambda g, y, a, b: (g * b, g * a), X, X),
    "containers": reverse(
        lambda p: {"s": p["a"] * p["b"][0]},
        lambda g, y, p: ({"a": g["s"] * p["b"][0], "b": [g["s"] * p["a"]]},),
        {"a": X, "b": [P]},
    ),
    "no argument's share": reverse(lambda a, b: a * 2 + 0 * b, lambda g, y, a, b: (2 * g, np.zeros_like(b)), X, P),
    "empty": reverse(np.sin, lambda g, y, x: g * np.cos(x), np.zeros((0, 3))),
    "the tangent written": forward(np.sin, lambda x, t: np.multiply(np.cos(x[0]), t[0]), X),
    "tangents summed by einsum": forward(
        lambda a, b: a @ b,
        lambda x, t: np.einsum("ij,jk->ik", t[0], x[1]) + np.einsum("ij,jk->ik", x[0], t[1]),
        A,
        A + 1,
    ),
    "the tangent of a solution": forward(
        lambda a, b: np.linalg.solve(a, b),
        lambda x, t: np.linalg.solve(x[0], t[1] - t[0] @ np.linalg.solve(*x)),
        A,
        A + 1,
    ),
    "zero tangents left out": forward(
        np.multiply,
        lambda x, t: (t[0] * x[1] if np.any(t[0]) else 0 * x[1]) + (t[1] * x[0] if np.any(t[1]) else 0 * x[0]),
        X,
        P,
    ),
    "an engine with copies": of_engine(
        np.sin, X, primal=lambda x: np.array(x)[()], cotangent=lambda c: np.array(c)[()]
    ),
    "an engine in Fortran order": of_engine(np.sin, A, cotangent=lambda c: np.asfortranarray(c) if np.ndim(c) else c),
    "an engine of tangents with copies": of_engine(lambda x: np.sum(x * x), X, tangent=lambda t: np.array(t)[()]),
    "jax: softplus": of_jax(jax.nn.softplus, softplus, lambda g, x: (g * jax.nn.sigmoid(x),), X),
    "jax: log1p of exp": of_jax(
        lambda x: jnp.log1p(jnp.exp(x)),
        lambda x: np.log1p(np.exp(x)),
        lambda g, x: (g * (1 - 1 / (1 + jnp.exp(x))),),
        X,
    ),
    "jax: through check": of_jax(jnp.sin, np.sin, lambda g, x: (g * jnp.cos(x),), X, entrance=check),
    "jax: through check_grads": of_jax(
        jnp.sin, np.sin, lambda g, x: (g * jnp.sin(x + jnp.pi / 2),), X, entrance=check_grads
    ),
    "jax: a tangent by the value": of_jax_forward(
        jnp.tanh, np.tanh, lambda x, t: t[0] * (1 - jnp.tanh(x[0])) * (1 + jnp.tanh(x[0])), X
    ),
    "ours: a square by a sum": of_ours(lambda x: x * x, lambda g, x: (g * x + g * x,), X),
    "ours: the logistic function": of_ours(sigmoid, lambda g, x: (g * np.exp(-x) / (1 + np.exp(-x)) ** 2,), X),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    with pytest.raises(AssertionError) as error:
        WRONG[name]()
    assert error.value.args[0].findings


@pytest.mark.parametrize("name", [*RIGHT][::2])
def test_right(name):
    result = RIGHT[name]()
    assert result is None or result.ok


@pytest.mark.parametrize("name", [*RIGHT][1::2])
def test_right_unvaried(name, unvaried):
    test_right(name)


def test_there_are_sixty_of_each():
    assert len(WRONG) >= 60 <= len(RIGHT)
