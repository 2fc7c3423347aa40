"""Nothing right is flagged: right rules in other formulas than JAX's, at random points of many sizes.

Sums in other orders, einsum and loops in place of products of matrices, log-space, other algebra. Each formula is
drawn ``RIGHT_DRAWS`` times (of the environment, by default 1), from the seed ``RIGHT_SEED`` that a failure shows.
"""

import math
import os
import zlib

import numpy as np
import pytest

from jax_ref.checks.check import check_vjp
from jax_ref.engines.protocol import Engine
from jax_ref.measure.derivatives import Problem, compiled
from jax_ref.measure.vectors import vectors
from jax_ref.referee.judge import examined
from scratch_ad.scipy import signal

DRAWS, SEED = int(os.environ.get("RIGHT_DRAWS", "1")), int(os.environ.get("RIGHT_SEED", "0"))
FORMULAS = {}  # name → (function, rule, shapes of the arguments, what draws one of them)


def any_size(rng, shape):
    """Of sizes from 1e-3 to 1e3, all of one size or each of its own."""
    sizes = 10.0 ** rng.uniform(-3, 3, shape if rng.integers(2) else ())
    return rng.normal(size=shape) * sizes


def moderate(rng, shape):
    return rng.normal(size=shape)


def positive(rng, shape):
    return np.abs(any_size(rng, shape)) + 1e-6


def spread(rng, shape):
    """Far into the tails."""
    return rng.normal(size=shape) * 10


def unit_interval(rng, shape):
    return rng.uniform(0.01, 0.99, shape)


def well_posed(rng, shape):
    """Matrices of condition below ten, of any size."""
    a = rng.normal(size=shape)
    return a if len(shape) < 2 else (a / np.sqrt(shape[-1]) * 0.3 + np.eye(*shape[-2:])) * 10 ** rng.uniform(-2, 2)


def rule(f, *shapes, draw=any_size):
    def add(vjp):
        FORMULAS[vjp.__name__] = f, vjp, shapes, draw
        return vjp

    return add


def rules(pairs, f, *shapes, draw=any_size):
    """Several pullbacks of one function: by name the cotangents from g, the value y and the arguments."""
    for name, cotangents in pairs.items():

        def vjp(*args, cotangents=cotangents):
            y = f(*args)
            return y, lambda g: tuple(
                np.asarray(c, np.result_type(x)) for c, x in zip(cotangents(g, y, *args), args, strict=True)
            )

        FORMULAS[name] = f, vjp, shapes, draw


def looped(a, b):
    """A product of matrices, one number after the other."""
    out = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for k in range(a.shape[1]):
        out += np.outer(a[:, k], b[k])
    return out


def backwards(x, axis=None):
    """The sum from the last number to the first."""
    return (
        np.add.accumulate(np.ravel(x)[::-1])[-1]
        if axis is None
        else np.add.accumulate(np.flip(x, axis), axis).take(-1, axis)
    )


def pairwise(x):
    x = np.ravel(x)
    return x[0] if len(x) == 1 else pairwise(x[: len(x) // 2]) + pairwise(x[len(x) // 2 :])


rules(
    {
        "matmul by einsum": lambda g, y, a, b: (np.einsum("ik,jk->ij", g, b), np.einsum("ij,ik->jk", a, g)),
        "matmul by einsum in the other order": lambda g, y, a, b: (
            np.einsum("jk,ik->ij", b, g),
            np.einsum("ik,ij->jk", g, a),
        ),
        "matmul by tensordot": lambda g, y, a, b: (np.tensordot(g, b, (1, 1)), np.tensordot(a, g, (0, 0))),
        "matmul by loops": lambda g, y, a, b: (looped(g, b.T), looped(a.T, g)),
        "matmul by broadcasting": lambda g, y, a, b: ((g[:, None] * b).sum(-1), (a[..., None] * g[:, None]).sum(0)),
        "matmul backwards": lambda g, y, a, b: (g[:, ::-1] @ b[:, ::-1].T, a[::-1].T @ g[::-1]),
        "matmul transposed": lambda g, y, a, b: ((b @ g.T).T, (g.T @ a).T),
    },
    lambda a, b: a @ b,
    (8, 30),
    (30, 17),
)
rules(
    {
        "long dot": lambda g, y, a, b: (g * b, g * a),
        "long dot by tensordot": lambda g, y, a, b: (np.tensordot(g, b, 0), np.tensordot(g, a, 0)),
    },
    lambda a, b: a @ b,
    (1000,),
    (1000,),
)
rules(
    {
        "matvec by einsum": lambda g, y, a, x: (np.einsum("i,j->ij", g, x), np.einsum("ij,i->j", a, g)),
        "matvec by outer": lambda g, y, a, x: (np.outer(g, x), sum(a[i] * g[i] for i in range(len(g)))),
    },
    lambda a, x: a @ x,
    (40, 25),
    (25,),
)
rules(
    {
        "batched by einsum": lambda g, y, a, b: (np.einsum("nik,njk->nij", g, b), np.einsum("nij,nik->njk", a, g)),
        "batched by loops": lambda g, y, a, b: (
            np.stack([looped(u, v.T) for u, v in zip(g, b, strict=True)]),
            np.stack([looped(u.T, v) for u, v in zip(a, g, strict=True)]),
        ),
    },
    lambda a, b: np.einsum("nij,njk->nik", a, b),
    (3, 4, 6),
    (3, 6, 5),
)
rules(
    {
        "bias summed by einsum": lambda g, y, x, b: (g, np.einsum("ij->j", g)),
        "bias summed backwards": lambda g, y, x, b: (g, backwards(g, 0)),
        "bias summed by matmul": lambda g, y, x, b: (g, np.ones(len(g), g.dtype) @ g),
        "bias summed by fsum": lambda g, y, x, b: (g, np.array([math.fsum(c) for c in g.T])),
    },
    lambda x, b: x + b,
    (200, 5),
    (5,),
)
rules(
    {
        "scale summed by einsum": lambda g, y, x, s: (g * s, np.einsum("ij,ij->j", g, x)),
        "scale summed pairwise": lambda g, y, x, s: (s * g, np.array([pairwise(c) for c in (g * x).T])),
        "scale by the value": lambda g, y, x, s: (g * s, (g * y).sum(0) / s),
    },
    lambda x, s: x * s,
    (100, 3),
    (3,),
)
rules(
    {
        "mean": lambda g, y, x: (np.full_like(x, g / x.size),),
        "mean by a product": lambda g, y, x: (g * np.ones_like(x) * (1 / x.size),),
    },
    np.mean,
    (70,),
)
rules(
    {
        "variance": lambda g, y, x: (2 * g * (x - x.mean()) / x.size,),
        "variance by its moments": lambda g, y, x: (2 / x.size * g * (x - pairwise(x) / x.size),),
        "variance by the centring matrix": lambda g, y, x: (2 * g / x.size * ((np.eye(x.size) - 1 / x.size) @ x),),
    },
    np.var,
    (60,),
)
rules(
    {
        "softplus by tanh": lambda g, y, x: (g * 0.5 * (1 + np.tanh(x / 2)),),
        "softplus by the value": lambda g, y, x: (g * np.exp(x - y),),
        "softplus by the logistic": lambda g, y, x: (g / (1 + np.exp(-x)),),
    },
    lambda x: np.logaddexp(x, 0),
    (50,),
    draw=moderate,
)
rules(
    {
        "logsumexp by softmax": lambda g, y, x: (g * np.exp(x - x.max()) / np.exp(x - x.max()).sum(),),
        "logsumexp by the value": lambda g, y, x: (g * np.exp(x - y),),
        "logsumexp in log-space": lambda g, y, x: (np.sign(g) * np.exp(np.log(np.abs(g)) + x - y),),
    },
    lambda x: np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))),
    (30,),
    draw=spread,
)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


rules(
    {
        "softmax": lambda g, y, x: (y * (g - (g * y).sum(-1, keepdims=True)),),
        "softmax by its Jacobian": lambda g, y, x: (
            np.einsum("nij,nj->ni", np.stack([np.diag(p) - np.outer(p, p) for p in y]), g),
        ),
        "softmax multiplied out": lambda g, y, x: (y * g - y * np.einsum("ni,ni->n", g, y)[:, None],),
    },
    softmax,
    (6, 9),
    draw=spread,
)
rules(
    {
        "tanh": lambda g, y, x: (g * (1 - y * y),),
        "tanh factored": lambda g, y, x: (g * (1 - y) * (1 + y),),
        "tanh by cosh": lambda g, y, x: (g / np.cosh(x) ** 2,),
        "tanh by exp": lambda g, y, x: (g * 4 / (np.exp(x) + np.exp(-x)) ** 2,),
    },
    np.tanh,
    (40,),
    draw=spread,
)
rules(
    {
        "logistic by the value": lambda g, y, x: (g * y * (1 - y),),
        "logistic by both sides": lambda g, y, x: (g / ((1 + np.exp(-x)) * (1 + np.exp(x))),),
        "logistic by cosh": lambda g, y, x: (g / (2 * np.cosh(x / 2)) ** 2,),
    },
    lambda x: 1 / (1 + np.exp(-x)),
    (40,),
    draw=spread,
)
rules(
    {
        "norm by the value": lambda g, y, x: (g * x / y,),
        "norm by the unit vector": lambda g, y, x: (g * (x / np.sqrt(np.einsum("i,i", x, x))),),
    },
    np.linalg.norm,
    (80,),
)
rules(
    {
        "sqrt by the value": lambda g, y, x: (g / (2 * y),),
        "sqrt by a power": lambda g, y, x: (0.5 * g * x**-0.5,),
        "sqrt by the quotient": lambda g, y, x: (g * y / (2 * x),),
    },
    np.sqrt,
    (50,),
    draw=positive,
)
rules(
    {
        "quotient by the value": lambda g, y, a, b: (g / b, -g * y / b),
        "quotient by the square": lambda g, y, a, b: (g / b, -g * a / b**2),
    },
    lambda a, b: a / b,
    (50,),
    (50,),
    draw=positive,
)
rules(
    {
        "power by the value": lambda g, y, a, b: (g * b * y / a, g * y * np.log(a)),
        "power by powers": lambda g, y, a, b: (g * b * a ** (b - 1), g * np.log(a) * a**b),
        "power in log-space": lambda g, y, a, b: (g * b * np.exp((b - 1) * np.log(a)), g * y * np.log(a)),
    },
    lambda a, b: a**b,
    (30,),
    (30,),
    draw=unit_interval,
)
rules(
    {
        "product by the value": lambda g, y, x: (g * y / x,),
        "product of the others": lambda g, y, x: (g * np.array([np.prod(np.delete(x, i)) for i in range(len(x))]),),
    },
    np.prod,
    (12,),
    draw=moderate,
)
rules(
    {
        "cumsum backwards": lambda g, y, x: (np.cumsum(g[::-1])[::-1],),
        "cumsum by the total": lambda g, y, x: (g.sum() - np.cumsum(g) + g,),
        "cumsum by a matrix": lambda g, y, x: (np.tri(len(x)).T @ g,),
    },
    np.cumsum,
    (100,),
)
rules(
    {
        "solve": lambda g, y, a, b: (-np.outer(np.linalg.solve(a.T, g), y), np.linalg.solve(a.T, g)),
        "solve by the inverse": lambda g, y, a, b: (
            -np.einsum("ji,j,k->ik", np.linalg.inv(a), g, y),
            np.linalg.inv(a).T @ g,
        ),
    },
    np.linalg.solve,
    (6, 6),
    (6,),
    draw=well_posed,
)
rules(
    {
        "inverse by the value": lambda g, y, a: (-y.T @ g @ y.T,),
        "inverse by einsum": lambda g, y, a: (-np.einsum("ji,jk,lk->il", y, g, y),),
        "inverse by solving": lambda g, y, a: (-np.linalg.solve(a.T, np.linalg.solve(a, g.T).T),),
    },
    np.linalg.inv,
    (5, 5),
    draw=well_posed,
)
rules(
    {
        "log-determinant by the inverse": lambda g, y, a: (g * np.linalg.inv(a).T,),
        "log-determinant by solving": lambda g, y, a: (g * np.linalg.solve(a.T, np.eye(len(a))),),
    },
    lambda a: np.linalg.slogdet(a)[1],
    (6, 6),
    draw=well_posed,
)
rules(
    {
        "convolution": lambda g, y, x, h: (np.convolve(g, h[::-1], "valid"), np.convolve(g, x[::-1], "valid")),
        "convolution by loops": lambda g, y, x, h: (
            sum(h[k] * g[k : k + len(x)] for k in range(len(h))),
            np.array([backwards(g[k : k + len(x)] * x) for k in range(len(h))]),
        ),
    },
    np.convolve,
    (40,),
    (7,),
)
rules(
    {
        "convolution by Fourier, of direct ones": lambda g, y, x, h: (
            np.correlate(g, h, "valid"),
            np.correlate(g, x, "valid"),
        ),
    },
    signal.fftconvolve,
    (40,),
    (40,),
)
rules(
    {
        "transform": lambda g, y, x: (np.fft.fft(g),),
        "transform by its matrix": lambda g, y, x: (
            np.exp(-2j * np.pi * np.outer(np.arange(16), np.arange(16)) / 16) @ g,
        ),
    },
    np.fft.fft,
    (16,),
    draw=lambda rng, shape: any_size(rng, shape) + 1j * any_size(rng, shape),
)


def deep(x, *weights):
    for w in weights:
        x = np.tanh(w @ x)
    return x


@rule(deep, (5,), *[(5, 5)] * 6, draw=lambda rng, shape: rng.normal(size=shape) * 3)
def saturated_network(x, *weights):
    ys = [x]
    for w in weights:
        ys.append(np.tanh(w @ ys[-1]))

    def pullback(g):
        out = []
        for w, below, y in zip(weights[::-1], ys[-2::-1], ys[:0:-1], strict=True):
            g = g * (1 - y) * (1 + y)
            out.append(np.einsum("i,j->ij", g, below))
            g = np.einsum("ij,i->j", w, g)
        return (g, *out[::-1])

    return ys[-1], pullback


@rule(lambda x, w: np.sum((np.sin(x @ w) - 0.5) ** 2), (20, 5), (5, 3), draw=moderate)
def least_squares(x, w):
    a = np.einsum("ij,jk->ik", x, w)
    r = np.sin(a) - 0.5

    def pullback(g):
        d = 2 * g * r * np.cos(a)
        return np.einsum("ik,jk->ij", d, w), np.einsum("ij,ik->jk", x, d)

    return np.einsum("ij,ij", r, r), pullback


@rule(lambda a: np.einsum("ii", a @ a @ a), (6, 6))
def trace_of_a_cube(a):
    return np.trace(a @ a @ a), lambda g: (3 * g * np.einsum("ij,jk->ki", a, a),)


@rule(lambda x: np.polyval(np.array([0.5, -1.0, 2.0, 1.0, -3.0], x.dtype), x), (40,), draw=moderate)
def polynomial_by_powers(x):
    y = 0.5 * x**4 - x**3 + 2 * x**2 + x - 3
    return y, lambda g: (g * (2 * x**3 - 3 * x**2 + 4 * x + 1),)


@rule(lambda x: np.sum(np.outer(x, x) ** 2), (15,))
def sum_of_squares_squared(x):
    total = np.einsum("i,i", x, x)
    return total * total, lambda g: (4 * g * total * x,)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FORMULAS)
def test_right(name, dtype):
    f, vjp, shapes, draw = FORMULAS[name]
    engine = Engine(name, vjp=lambda _, *args: vjp(*args), order=1, rule=True)
    rng = np.random.default_rng([SEED, zlib.crc32(f"{name} {dtype}".encode())])
    answer = None
    for k in range(DRAWS):
        args = [np.asarray(draw(rng, shape)) for shape in shapes]
        kind = {"f": "float", "c": "complex"}[args[0].dtype.kind]
        width = int(dtype[-2:]) * (2 if kind == "complex" else 1)
        args = [x.astype(f"{kind}{width}") for x in args]
        as_typed = lambda *args: np.asarray(f(*args), args[0].dtype)
        problem = Problem(f, vectors(as_typed, tuple(args), str(k)), 1)
        answer = answer or compiled([problem])
        (right,) = answer([problem])
        with np.errstate(all="ignore"):
            found, _ = examined(engine, problem, right, ("rev",))
        assert not found, f"draw {k} of seed {SEED}: {found[0]}"


def test_a_formula_that_loses_more_digits_than_the_value_is_not_excused():
    rule = lambda x: (np.sin(x), lambda g: (g * ((np.cos(x) + 1e8) - 1e8),))
    with pytest.raises(AssertionError, match="JAX is right"):
        check_vjp(rule, np.sin, np.array([0.5, -1.25, 2.0]), order=1)
