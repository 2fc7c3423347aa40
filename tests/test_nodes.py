"""What most programs call is written out for the tape (nodes.py): the very numbers of the tape that is to be read."""

import contextlib
import itertools
import sys
import tracemalloc
import warnings

import numpy as np
import optree
import pytest
import scipy.special

from scratch_ad import compile, grad, jacfwd, jacobians, jvp, modes, reverse, transforms, value_and_grad, vjp, vmap
from scratch_ad.forward import Forward
from scratch_ad.primitives import getitem, of_item
from scratch_ad.program import names_in, record
from scratch_ad.registry import load_rules, rule_of
from scratch_ad.reverse import Tape
from scratch_ad.rule import Elementwise, Explicit, Linear
from scratch_ad.rules.contractions import two_terms_of

C = np.linspace(-1.5, 2.0, 12).reshape(3, 4)
MASK = C > 0
RNG = np.random.default_rng(0)
CALLS = {  # of x, of shape (3, 4); v, of shape (4,); and a number s
    "operators": lambda x, v, s: [x + v, v - x, x * v, v / x, x + 1, 2 - x, x * 0.5, 1 / x, x + s, s - x, s * v, v / s],
    "numbers": lambda x, v, s: [s + s, s * v[1], v[0] - 2, 3 / s, s / v[2], s**2, v[3] ** 2, s * 1.5, -s, s - x[0, 0]],
    "constants": lambda x, v, s: [C * x, x * C, C - x, x / C[0], C[:, ::2].T @ x, x @ C.T, v @ C.T, s * C, C + s],
    "one argument": lambda x, v, s: [np.sin(x), np.exp(v), np.tanh(s), np.sqrt(np.abs(x)), np.square(v[1]), x**2, -v],
    "two arguments": lambda x, v, s: [
        np.multiply(x, v),
        np.arctan2(x, v),
        np.maximum(x, C),
        np.hypot(s, x),
        np.add(1, v),
    ],
    "powers": lambda x, v, s: [
        x**2,
        x**2.0,
        x**3,
        s**2,
        2**s,
        np.float64(2) ** s,
        v[0] ** v[1] if v[0] > 0 else s,
        x**-1,
    ],
    "squares": lambda x, v, s: [x * x, x * x + x, x - np.multiply(x, x), v * v * v, s * s - s, x / x],
    "products": lambda x, v, s: [x @ v, x @ x.T, v @ v, v @ x.T, np.matmul(x, v), x.T @ x, x[None] @ v, x @ x.T[None]],
    "items": lambda x, v, s: [
        x[1],
        x[0, 1],
        x[:, 1:3],
        v[-1],
        v[::-1],
        x[..., 0],
        x[None, 1],
        x[[0, 2]],
        x[MASK],
        x[1][2],
    ],
    "shapes": lambda x, v, s: [
        x.reshape(4, 3),
        x.reshape(-1),
        x.T.reshape(2, 6),
        v.reshape((2, 2)),
        x.reshape(12, order="F"),
    ],
    "sums": lambda x, v, s: [
        np.sum(x),
        x.sum(0),
        np.sum(x, 1, keepdims=True),
        x.sum(-1),
        x.sum((0, 1)),
        v.sum(where=MASK[0]),
    ],
    "means": lambda x, v, s: [np.mean(x), x.mean(0), np.mean(x, axis=1, keepdims=True), v.mean(None), x.mean((0,))],
    "variances": lambda x, v, s: [
        np.var(x),
        x.std(1),
        np.var(x, 0, ddof=1, keepdims=True),
        v.std(where=MASK[0]),
        np.var(x, (0, 1), ddof=0.5),
        np.std(s),
    ],
    "crosses": lambda x, v, s: [
        np.cross(x[:, :3], x[:, 1:]),
        np.cross(v[1:], C[0, :3]),
        np.cross(x[:, :3], v[:3]),
        np.cross(x, C, 0, 0, 0),
    ],
    "extrema": lambda x, v, s: [
        np.max(x),
        x.min(0),
        np.amax(x, 1, keepdims=True),
        v.max(initial=9),
        np.min(x * 0),
        x.max(-1),
    ],
    "stacks": lambda x, v, s: [
        np.stack([v, v]),
        np.stack([v[0], v[1]]),
        np.stack([v, C[0]], -1),
        np.stack([v[0], s]),
        np.stack((x, x), 1),
    ],
    "joints": lambda x, v, s: [
        np.concatenate([v, v]),
        np.concatenate([x, C], 1),
        np.concatenate((x, x), -1),
        np.concatenate([x, x], None),
    ],
    "choices": lambda x, v, s: [
        np.where(MASK, x, 0),
        np.where(x > 0, 1.0, x),
        np.where(MASK, x, v),
        np.where(True, s, x),
        np.where(MASK, s, 2),
    ],
}
POINTS = {
    "float64": (C + 0.25, np.array([0.5, -1.0, 2.0, 0.5]), np.float64(0.75)),
    "Python's": (C + 0.25, np.array([0.5, -1.0, 2.0, 0.5]), 0.75),
    "float32": (np.float32(C + 0.25), np.array([0.5, -1.0, 2.0, 0.5], np.float32), np.float32(0.75)),
    "mixed": (np.float32(C + 0.25), np.array([0.5, -1.0, 2.0, 0.5]), 0.75),
    "strided": (np.asfortranarray(C + 0.25), np.array([0.5, 0, -1.0, 0, 2.0, 0, 0.5])[::2], np.array(0.75)),
    "nan": (np.where(C > 1, np.nan, C), np.array([0.0, np.inf, 2.0, -0.0]), np.float64(0.0)),
}


def derivatives(f, point):
    """The value and all cotangents of ``f``, for cotangents of mixed size and sign."""
    cotangent = lambda y: np.cos(np.arange(1.0, np.size(y) + 1)).reshape(np.shape(y)).astype(np.result_type(y))[()]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        out, pullback = vjp(f, *point)
        return optree.tree_leaves((out, pullback(optree.tree_map(cotangent, out))))


def by_the_tape_that_is_to_be_read(monkeypatch):
    monkeypatch.setattr(modes, "FastTape", Tape)
    monkeypatch.setattr(modes, "backward", reverse.backward)
    monkeypatch.setattr(modes, "_WALKS", (reverse.backward, modes._WALKS[1]))


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("calls", CALLS)
def test_calls_are_those_of_the_tape_that_is_to_be_read(calls, point, monkeypatch):
    found = derivatives(CALLS[calls], POINTS[point])
    by_the_tape_that_is_to_be_read(monkeypatch)
    are_the_same(found, derivatives(CALLS[calls], POINTS[point]))


def are_the_same(found, wanted):
    for ours, expected in zip(found, wanted, strict=True):
        assert type(ours) is type(expected) and np.shape(ours) == np.shape(expected)
        assert np.result_type(ours) == np.result_type(expected)
        assert np.array_equal(ours, expected, equal_nan=True)
        assert np.all((np.signbit(ours) == np.signbit(expected)) | np.isnan(ours))


def pushed(f, point):
    """Values and tangents of first and second order, one direction and all at once."""
    directions = [tuple(np.cos(k + np.arange(np.size(x))).reshape(np.shape(x)) * x for x in point) for k in (0.0, 1.0)]
    directions = [tuple(np.asarray(t, np.result_type(x))[()] for t, x in zip(d, point)) for d in directions]
    first = lambda *point: jvp(f, point, directions[0])[1]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = jvp(f, point, directions[0]), jvp(first, point, directions[1]), jacfwd(f, 1)(*point)
        return optree.tree_leaves((found, jvp(lambda v: vjp(f, point[0], v, point[2])[0], point[1:2], point[1:2])))


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("calls", CALLS)
def test_dual_numbers_are_those_of_the_engine_that_is_to_be_read(calls, point, monkeypatch):
    found = pushed(CALLS[calls], POINTS[point])
    for module in (modes, jacobians, transforms):
        if hasattr(module, "FastForward"):
            monkeypatch.setattr(module, "FastForward", Forward)
    are_the_same(found, pushed(CALLS[calls], POINTS[point]))


ROWS = {
    "two": RNG.normal(size=(400, 2)),
    "singles": RNG.normal(size=(300, 5)).astype(np.float32),
    "deep": RNG.normal(size=(30, 10, 2)),
    "ties": RNG.integers(-2, 2, (300, 4)) * 1.0,
    "zeros": np.where(RNG.integers(0, 2, (300, 9)), 0.0, -0.0),  # of which the order finds another
    "nans": np.where(RNG.integers(0, 9, (300, 16)), RNG.normal(size=(300, 16)), np.copysign(np.nan, C[0].repeat(4))),
    "infinities": np.where(RNG.integers(0, 2, (300, 2)), np.inf, -np.inf),
}


@pytest.mark.parametrize("rows", ROWS)
def test_short_rows_are_those_of_numpy(rows, monkeypatch):
    x = ROWS[rows]
    f = lambda x: [x.sum(-1), np.sum(x, x.ndim - 1, keepdims=True), x.max(-1), np.min(x, -1, keepdims=True), x.sum(0)]
    found = derivatives(f, (x,))
    with np.errstate(invalid="ignore"):
        for ours, expected in zip(found, f(x), strict=False):
            assert ours.tobytes() == expected.tobytes() and ours.strides == expected.strides
    by_the_tape_that_is_to_be_read(monkeypatch)
    assert np.array_equal(found[-1], derivatives(f, (x,))[-1], equal_nan=True)


_images = np.maximum(RNG.normal(size=(4, 3, 8, 2, 9, 2)), 0.0)
WINDOWS = {
    "rectified": _images,
    "singles": _images.astype(np.float32),
    "negative": -1 - _images,
    "zeros": np.where(_images == 0, RNG.choice([0.0, -0.0], _images.shape), -_images),  # the order decides which one
    "nans": np.where(RNG.integers(0, 9, _images.shape), _images, np.nan),
    "in columns": np.asfortranarray(_images),
}


@pytest.mark.parametrize("windows", WINDOWS)
@pytest.mark.parametrize("axes", [(3, 5), (5, -3), 3, (0, 5), (2, 3)])
def test_extrema_of_windows_are_those_of_numpy(windows, axes, monkeypatch):
    x = WINDOWS[windows]
    f = lambda x: [np.max(x, axes), x.min(axes, keepdims=True)]
    compiled = compile(lambda x: derivatives(f, (x,)))
    found = [derivatives(f, (x,)), *(compiled(x) for _ in range(3))]
    assert (windows == "in columns") == ("of_short_rows" not in compiled.source)
    by_the_tape_that_is_to_be_read(monkeypatch)
    usual = derivatives(f, (x,))[-1]
    with np.errstate(invalid="ignore"):
        for ours in found:
            for y, expected in zip(ours, f(x), strict=False):
                assert y.tobytes() == expected.tobytes() and y.strides == expected.strides
            assert np.array_equal(ours[-1], usual, equal_nan=True)


@pytest.mark.parametrize("axes", [6, -7, (3, 9), (5, -1), (3, 3)])
def test_axes_of_windows_that_are_not_there_are_told_as_numpy_tells_them(axes):
    x = WINDOWS["rectified"]
    with pytest.raises(ValueError) as expected:
        np.max(x, axes)
    f = lambda x: np.sum(np.max(x, axes))
    for derived, argument in ((grad(f), x), (vmap(f), x[None]), (compile(grad(f)), x)):
        with pytest.raises(type(expected.value), match="axis"):
            derived(argument)


@pytest.mark.parametrize("times", [1, 200])  # few rows, and many
def test_the_derivative_of_an_extremum_is_shared_by_equals(times):
    rows = np.array([[3, 1, 2], [3, 1, 3], [np.inf, 1, 2], [np.nan, 1, 2], [2, 2, 2]])
    expected = np.array([[6, 0, 0], [3, 0, 3], [6, 0, 0], [np.nan] * 3, [2, 2, 2]])
    _, pullback = vjp(lambda x: np.max(x, 1), rows.repeat(times, 0))
    assert np.array_equal(pullback(np.full(5 * times, 6.0))[0], expected.repeat(times, 0), equal_nan=True)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("kij,nkj->nki", ((5, 2, 2), (250, 5, 2))),
        ("ij,kj->ik", ((70, 2), (40, 2))),
        ("nj,nj->n", ((2100, 2), (2100, 2))),
        ("j,jn->n", ((2,), (2, 2100))),
        ("kij,knj->kin", ((3, 30, 2), (3, 40, 2))),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_einsum_of_two_terms_is_einsum(subscripts, shapes, dtype):
    a, b = (RNG.normal(size=shape).astype(dtype) for shape in shapes)
    a[:1], b[..., :1] = -0.0, 0.0  # zeros of either sign
    a[-1:] = np.finfo(dtype).max
    terms = two_terms_of(subscripts, (a, b))
    assert terms
    for ours in (terms(a, b), vjp(lambda a: np.einsum(subscripts, a, b), a)[0]):
        expected = np.einsum(subscripts, a, b)  # which does not warn
        assert ours.tobytes() == expected.tobytes() and ours.strides == expected.strides


@pytest.mark.parametrize(
    ("subscripts", "shapes", "dtype"),
    [
        ("ij,kj->ik", ((70, 3), (40, 3)), float),
        ("ij,kj->ik", ((70, 2), (40, 2)), complex),
        ("ij,kj->ik", ((7, 2), (4, 2)), float),
        ("ij,kj->ik", ((70, 1), (40, 2)), float),
        ("ij,k->k", ((70, 2), (4000,)), float),
        ("ij,jk->ki", ((70, 2), (2, 40)), float),  # whose result lies otherwise
        ("ij,kl->ik", ((70, 2), (40, 2)), float),
        ("ii,ki->ki", ((2, 2), (4000, 2)), float),
    ],
)
def test_other_contractions_are_left_to_einsum(subscripts, shapes, dtype):
    assert two_terms_of(subscripts, [np.ones(shape, dtype) for shape in shapes]) is None


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ab,bc,cd->ad", ((20, 20),) * 3),
        ("ij,ik,il->jkl", ((40, 5), (40, 6), (40, 7))),
        ("abc,bd,ce,af->def", ((5, 6, 7), (6, 8), (7, 9), (5, 4))),
        ("ab,bcd,ce,d->ae", ((8, 9), (9, 1, 10), (10, 8), (10,))),  # an axis that is stretched
        ("aab,bc,cd->ad", ((12, 12, 13), (13, 14), (14, 15))),  # a diagonal
        ("ab,bc,cd->", ((20, 21), (21, 22), (22, 23))),
        ("...ab,...bc,cd->...d", ((3, 12, 13), (3, 13, 14), (14, 15))),
        ("a,b,c,d,e,f->f", ((6,),) * 6),
    ],
)
@pytest.mark.parametrize("dtype", [float, complex, np.float16])
def test_the_derivative_of_einsum_takes_its_operands_in_pairs(subscripts, shapes, dtype):
    rng = np.random.default_rng(1)
    operands = [(rng.integers(-3, 4, shape) * (1 - 1j if dtype is complex else 1)).astype(dtype) for shape in shapes]
    operands = [x / x.dtype.type(8) for x in operands]
    f = lambda *operands: np.einsum(subscripts, *operands)
    y, pullback = vjp(f, *operands)
    assert y.tobytes() == f(*operands).tobytes()
    g = np.asarray(rng.integers(-2, 3, y.shape), dtype)
    cotangents = pullback(g)
    for k, x in enumerate(operands):  # each is linear, so that a unit step gives the derivative
        for index in [(0,) * x.ndim, tuple(n - 1 for n in x.shape)]:
            unit = np.zeros_like(x)
            unit[index] = 1
            expected = np.sum(g * np.einsum(subscripts, *operands[:k], unit, *operands[k + 1 :]), dtype=complex)
            assert np.allclose(cotangents[k][index], expected, rtol=1e-2 if dtype is np.float16 else 1e-13, atol=1e-6)
    program = record(lambda *operands: vjp(f, *operands)[1](g), *operands)
    assert max(len(list(names_in(call.args))) for call in program.calls) == 2


def test_a_quotient_takes_no_memory_that_somebody_else_has():
    x = np.linspace(1.0, 2.0, 1 << 15)
    _, pullback = vjp(lambda x: np.log(x) + np.sqrt(x) + np.tanh(x) + x, x)
    first, again = (pullback(np.ones_like(x))[0] for _ in range(2))
    assert np.array_equal(first, again)
    assert np.allclose(first, 1 / x + 0.5 / np.sqrt(x) + 1 / np.cosh(x) ** 2 + 1, rtol=1e-14)


def test_a_quotient_takes_the_memory_of_its_divisor():
    x = np.linspace(1.0, 2.0, 1 << 15)
    _, pullback = vjp(np.tanh, x)
    g = np.ones_like(x)
    pullback(g)
    tracemalloc.start()
    try:
        pullback(g)
        assert tracemalloc.get_traced_memory()[1] < 1.1 * x.nbytes  # its result alone
    finally:
        tracemalloc.stop()


def test_what_an_edge_keeps_is_nobodys_to_change():
    c, mask, w = np.array([2.0, 3.0]), np.array([True, False]), np.array([[1.0, 2.0], [3.0, 4.0]])

    def f(x):
        y = x * c + c / x + x @ w + w @ x + np.where(mask, x, 0) + np.arctan2(c, x)
        for array in (c, mask, w):
            array[...] = 0
        return np.sum(y)

    held = [array.copy() for array in (c, mask, w)]
    x = np.array([0.5, -1.5])
    expected = c - c / x**2 + w.sum(1) + w.sum(0) + mask - c / (c**2 + x**2)
    assert np.allclose(grad(f)(x), expected, rtol=1e-15)
    for array, old in zip((c, mask, w), held, strict=True):
        array[...] = old
    assert np.allclose(vjp(f, x)[1](np.float64(1))[0], expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("function", "rule", "f"),
    [
        (np.multiply, Elementwise(np.multiply, (lambda b: 3 * b, lambda a: 3 * a)), lambda x: np.sum(x * C)),
        (np.multiply, Elementwise(np.multiply, (lambda b: 3 * b, lambda a: 3 * a)), lambda x: np.sum(x * x)),
        (np.add, Elementwise(np.add, (lambda a: 3 + 0 * a, 1)), lambda x: np.sum(x + 1)),
        (np.divide, Elementwise(np.divide, (lambda b: 3 / b, None)), lambda x: np.sum(x / 7)),
        (np.square, Elementwise(np.square, (lambda x: 6 * x,)), lambda x: np.sum(x**2)),
        (np.exp, Elementwise(np.exp, (lambda y: 3 * y,)), lambda x: np.sum(np.exp(x))),
        *(
            (np.sum, Explicit(np.sum, (None,), (lambda g, _y, _a: 3 * np.ones(_a.shape) * g,)), f)
            for f in (np.sum, lambda x: x.sum())
        ),
        (np.matmul, Linear(np.matmul, (lambda g, _a, b: 3 * g @ b.T, None)), lambda x: np.sum(x @ C.T)),
        (
            getitem,
            Linear(getitem, (lambda g, _a, index: 3 * of_item(g, _a, index),)),
            lambda x: x[0, 1] + np.sum(x[1:]),
        ),
        (np.reshape, Linear(np.reshape, (lambda g, _a, shape: 3 * g.reshape(_a.shape),)), lambda x: x.reshape(12)[3]),
    ],
)
def test_another_rule_for_a_function_is_taken(function, rule, f, monkeypatch):
    expected = 3 * grad(f)(C)
    monkeypatch.setitem(rule_of, function, rule)
    assert np.allclose(grad(f)(C), expected, rtol=1e-15)
    if isinstance(rule, Elementwise):
        assert np.isclose(jvp(f, (C,), (C,))[1], np.sum(expected * C), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
def test_the_derivative_along_a_short_edge_has_the_form_of_its_argument(dtype):
    load_rules()
    quick = {f: rule.quick for f, rule in rule_of.items() if isinstance(f, np.ufunc) and rule.quick}
    assert {np.sin, np.exp, scipy.special.erf} <= quick.keys()
    for (f, (step, pull, of_output)), shape in itertools.product(quick.items(), ((), (3,), (2, 1), (0,))):
        for x in [np.full(shape, 0.5, dtype), np.full(shape, 0.5, dtype)[()]]:
            with contextlib.suppress(TypeError), np.errstate(invalid="ignore"):  # TypeError: it has no such loop
                if (y := f(x)).dtype == x.dtype:
                    g = step(np.ones_like(y)[()], pull, (y if of_output else x,))
                    assert (g.shape, g.dtype) == (x.shape, x.dtype), f


@pytest.mark.parametrize("partial", [lambda x: np.float64([[3.0]]), lambda x: np.full((5, 1, 1), 3.0) / 5])
def test_a_partial_of_another_form_is_brought_to_that_of_the_argument(partial, monkeypatch):
    monkeypatch.setitem(rule_of, np.sin, Elementwise(np.sin, (partial,)))
    x = np.float32(C)
    gradient = grad(lambda x: np.sum(np.sin(x) + x))(x)
    assert gradient.dtype == np.float32 and np.allclose(gradient, np.full(C.shape, 4), rtol=1e-6)


# How many functions of ours, in Python, a call goes through on its way to the tape: the smallest numbers so far.
STEPS = {
    "x + y": (lambda x, y: x + y, 2),
    "x * C": (lambda x, y: x * C, 4),  # with a copy of the constant
    "2 - x": (lambda x, y: 2 - x, 2),
    "x @ C.T": (lambda x, y: x @ C.T, 4),
    "x**2": (lambda x, y: x**2, 2),
    "np.sin(x)": (lambda x, y: np.sin(x), 1),
    "np.arctan2(x, y)": (lambda x, y: np.arctan2(x, y), 2),
    "x[0, 1]": (lambda x, y: x[0, 1], 2),
    "x[1]": (lambda x, y: x[1], 3),
    "np.sum(x)": (lambda x, y: np.sum(x), 4),
    "x.sum(1)": (lambda x, y: x.sum(1), 5),
    "np.stack([x, y])": (lambda x, y: np.stack([x, y]), 13),
    "np.where(C > 0, x, y)": (lambda x, y: np.where(C > 0, x, y), 14),
}


@pytest.mark.parametrize("call", STEPS)
def test_steps_of_a_call(call):
    f, most = STEPS[call]
    calls = []

    def note(frame, event, _):
        if event == "call" and frame.f_globals["__name__"].startswith("scratch_ad"):
            calls.append(frame.f_code.co_qualname)

    def counted(x, y):
        sys.setprofile(note)
        try:
            return f(x, y)
        finally:
            sys.setprofile(None)

    vjp(counted, C, C)
    assert len(calls) <= most, calls


def test_the_short_way_into_a_gradient_gives_what_the_long_one_does():
    def f(x, scale=1.0):
        return scale * np.sum(np.tanh(x) ** 2) + x[0, 0]

    value, gradient = value_and_grad(f)(C, scale=2.0)
    out, pullback = vjp(lambda x: f(x, 2.0), C)
    assert value == out and np.array_equal(gradient, pullback(np.float64(1))[0])
    ((again, (with_aux,)),) = [value_and_grad(lambda x: (f(x, 2.0), None), (0,), has_aux=True)(C)]
    assert again[0] == value and np.array_equal(with_aux, gradient)
    assert np.array_equal(grad(f)(np.float32(C)), grad(f, (0,))(np.float32(C))[0])  # a result that is no double
    assert np.array_equal(grad(lambda x: 1.0)(C), np.zeros_like(C))
    at_zero = np.array([0.0, 4.0])
    assert np.array_equal(grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)))(at_zero), [0, 0.25])  # a nan, first
    assert grad(lambda x: np.sum(x))(at_zero).flags.writeable

    def a_view_that_is_written_into(x):
        y = x * 2
        view = y[:1].reshape(())
        y[0] = x[1] * 3
        return view

    assert np.array_equal(grad(a_view_that_is_written_into)(at_zero), [0, 3])
    assert isinstance(grad(lambda x: x * x)(np.array(3.0)), np.ndarray)
