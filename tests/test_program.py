"""Recording: what a program replays, shows and costs."""

import itertools

import numpy as np
import pytest

import jax_ref
import scratch_ad
from scratch_ad import grad
from scratch_ad.cost import Cost, cost, costs
from scratch_ad.program import record


def layered(p, a, b):
    return b @ np.tanh(a @ p)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def replays_as(fun, at, elsewhere):
    """The program recorded ``at`` some arguments gives what ``fun`` gives ``elsewhere``."""
    (got,) = record(fun, *at)(*elsewhere)
    expected = fun(*elsewhere)
    np.testing.assert_array_equal(got, expected, strict=isinstance(expected, np.ndarray))


def test_replay_of_a_function(rng):
    replays_as(layered, *[[rng.normal(size=s) for s in ((3,), (4, 3), (2, 4))] for _ in range(2)])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex128])
def test_replay_keeps_dtypes(dtype, rng):
    x, y = rng.normal(size=(2, 5)).astype(dtype)
    (got,) = record(lambda x: 2 * np.sin(x) ** 2 - 1, x)(y)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, 2 * np.sin(y) ** 2 - 1)


@pytest.mark.parametrize("transform", [scratch_ad.jacfwd, scratch_ad.jacrev, scratch_ad.hessian])
def test_replay_of_a_derivative(transform, rng):
    derivative = transform(lambda p, a: np.sum(np.sin(a @ p) ** 2))
    at, elsewhere = ([rng.normal(size=3), rng.normal(size=(4, 3))] for _ in range(2))
    (got,) = record(derivative, *at)(*elsewhere)
    np.testing.assert_allclose(got, derivative(*elsewhere), rtol=1e-13)


def test_a_program_can_be_differentiated(rng):
    program = record(lambda x: np.sum(np.sin(x) * x), rng.normal(size=4))
    x = rng.normal(size=4)
    np.testing.assert_allclose(scratch_ad.grad(lambda x: program(x)[0])(x), np.cos(x) * x + np.sin(x), rtol=1e-14)


def test_branches_are_recorded_as_taken():
    program = record(lambda x: np.sin(x) if x > 0 else np.cos(x), 1.0)
    assert program(-2.0) == [np.sin(-2.0)]


def test_containers_become_inputs_and_outputs_in_order(rng):
    x, y = rng.normal(size=(2, 3))
    program = record(lambda d: {"sum": d["x"] + d["y"], "difference": d["x"] - d["y"]}, {"y": y, "x": x})
    assert len(program.inputs) == 2
    difference, total = program(x, y)
    np.testing.assert_array_equal(total, x + y)
    np.testing.assert_array_equal(difference, x - y)


def test_calls_with_keywords_indices_and_several_results(rng):
    at, elsewhere = rng.normal(size=(2, 4, 3))

    def fun(x):
        left, right = np.split(x, 2, axis=0)
        fraction, whole = np.modf(x)
        return np.sum(left * right, axis=1, keepdims=True)[..., None, 0] + (fraction * whole)[1:3, ::2]

    replays_as(fun, [at], [elsewhere])


def test_lists_of_tracers(rng):
    replays_as(lambda x, y: np.concatenate([x, y, x * y]), rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))


def test_nan_and_infinite_constants():
    program = record(lambda x: np.where(x > 0, x, np.nan) + np.where(x > 1, np.inf, 0.0), np.array([1.0]))
    np.testing.assert_array_equal(program(np.array([-1.0, 0.5, 2.0]))[0], [np.nan, 0.5, np.inf])


@pytest.mark.parametrize("power", [2.0, 2, 0.5, 1])
def test_powers_of_integers(power):
    replays_as(lambda n: n**power, [np.arange(3)], [np.arange(1, 4)])


def test_negative_integer_powers_of_integers_are_refused_as_by_numpy():
    with pytest.raises(ValueError, match="negative integer powers"):
        record(lambda n: n**-1, np.arange(3))


def test_logical_and_bitwise_operators():
    inside = lambda x: ((x > 0) & (x < 2)) | ~(x >= -1) ^ (x == 1)
    replays_as(inside, [np.linspace(-2, 3, 11)], [np.linspace(3, -2, 11)])
    replays_as(lambda n: (n << 2) + (n >> 1), [np.arange(4)], [np.arange(4, 8)])


def test_named_tuples(rng):
    at, elsewhere = rng.normal(size=(2, 3, 3))
    replays_as(lambda x: np.stack(np.linalg.slogdet(x)), [at], [elsewhere])
    replays_as(lambda x: np.stack(np.linalg.qr(x)), [at], [elsewhere])
    replays_as(lambda x: np.stack(scratch_ad.stop_gradient(np.linalg.slogdet(x))), [at], [elsewhere])


@pytest.mark.parametrize("name", ["v1", "np", "slice", "program", "c0", "own", "own_0"])
def test_functions_of_any_name(name):
    def own(x):
        return 2 * x

    double = scratch_ad.primitive(own)
    double.__name__ = name
    triple = scratch_ad.primitive(lambda x: 3 * x)
    triple.__name__ = "own"
    f = lambda x: double(x)[::2] + triple(x * np.ones(4))[slice(0, 4, 2)]
    replays_as(f, [np.ones(4)], [np.arange(4.0)])


def test_outputs_that_depend_on_nothing():
    assert record(lambda x: (3.0, x), 1.0)(5.0) == [3.0, 5.0]


def test_later_changes_of_a_constant_do_not_matter():
    constant = np.array([1.0, 2.0])
    program = record(lambda x: x * constant, np.ones(2))
    constant[:] = 0
    np.testing.assert_array_equal(program(np.ones(2))[0], [1.0, 2.0])


def test_calls_that_nothing_needs_are_dropped():
    def fun(x):
        np.exp(x)
        return np.sin(x)

    assert [call.function for call in record(fun, 1.0).calls] == [np.sin]


def test_source_is_plain_numpy(rng):
    x = rng.normal(size=3)
    program = record(scratch_ad.grad(lambda x: np.sum(np.sin(x) * 2)), x)
    namespace = {"np": np}
    constants = {k: v for k, v in program.namespace.items() if k.startswith("c") and k[1:].isdigit()}
    exec(program.source, namespace | constants, namespace)
    np.testing.assert_allclose(namespace["program"](x)[0], 2 * np.cos(x), rtol=1e-15)


def test_recordings_nest(rng):
    x = rng.normal(size=3)

    def fun(x):
        inner = record(lambda y: y * np.cos(x), np.ones(3))
        return inner(x)[0]

    np.testing.assert_array_equal(record(fun, x)(x)[0], x * np.cos(x))


# The cost: each formula against its value by hand, and against XLA's own count.

A, B, V = np.ones((4, 3)), np.ones((3, 5)), np.ones(6)
COSTS = {
    "arithmetic": (lambda x: x * x + x, (V,), 12, 0),
    "comparison and choice": (lambda x: np.where(x > 0, x, -x), (V,), 18, 0),
    "elementary functions": (lambda x: np.exp(np.sin(x)), (V,), 0, 12),
    "square root": (lambda x: np.sqrt(x), (V,), 0, 6),
    "a function of one's own": (scratch_ad.primitive(lambda x: x * x + x), (V,), 12, 0),
    "broadcasting": (lambda x, y: x[:, None] * y, (V, V), 36, 0),
    "product of matrices": (lambda a, b: a @ b, (A, B), 2 * 4 * 3 * 5, 0),
    "product with a vector": (lambda a, x: np.dot(a, x), (A, np.ones(3)), 2 * 4 * 3, 0),
    "stacked products": (lambda a, b: a @ b, (np.ones((7, 4, 3)), B), 7 * 2 * 4 * 3 * 5, 0),
    "einsum": (lambda a, b: np.einsum("ij,jk->ik", a, b), (A, B), 2 * 4 * 3 * 5, 0),
    "tensordot": (lambda a, b: np.tensordot(a, b, axes=1), (A, B), 2 * 4 * 3 * 5, 0),
    "sum of all": (lambda x: np.sum(x), (A,), 11, 0),
    "sum along an axis": (lambda x: np.sum(x, axis=0), (A,), 9, 0),
    "ufunc.reduce": (lambda x: np.add.reduce(x, axis=1), (A,), 8, 0),
    "maximum of all": (lambda x: np.max(x), (A,), 11, 0),
    "mean": (lambda x: np.mean(x), (A,), 12, 0),
    "conversion": (lambda x: x.astype(np.float32), (V,), 6, 0),
    "rearrangement": (lambda x: np.concatenate([x.T.reshape(2, 6), x.reshape(2, 6)]), (A,), 0, 0),
}


@pytest.mark.parametrize("name", COSTS)
def test_cost_by_hand_and_by_xla(name):
    fun, arguments, flops, transcendentals = COSTS[name]
    count = cost(record(fun, *arguments))
    assert (count.flops, count.transcendentals) == (flops, transcendentals)
    assert count.operations == flops + transcendentals
    xla = jax_ref.jit(fun).lower(*arguments).cost_analysis()
    assert (xla.get("flops", 0), xla.get("transcendentals", 0)) == (flops, transcendentals)


def test_bytes():
    assert cost(record(lambda x, y: x + y, V, V)).bytes == 3 * V.nbytes
    assert cost(record(lambda a, b: a @ b, A, B)).bytes == A.nbytes + B.nbytes + 8 * 4 * 5
    assert cost(record(lambda a: np.sin(a.T[::2]), A)).bytes == 2 * 8 * 2 * 4  # the views move nothing
    assert cost(record(lambda a: a[[0, 0]], A)).bytes == A.nbytes + 8 * 2 * 3


def test_costs_per_call_add_up():
    program = record(scratch_ad.grad(lambda a: np.sum(np.sin(a) * a)), A)
    pairs = costs(program)
    assert [call for call, _ in pairs] == program.calls
    assert sum((count for _, count in pairs), Cost()) == cost(program)


def test_cost_does_not_depend_on_the_values():
    assert cost(record(layered, np.ones(3), A, B.T @ A.T)) == cost(record(layered, np.zeros(3), -A, B.T @ A.T))


@pytest.mark.parametrize("transform", [lambda f: f, scratch_ad.jacfwd, scratch_ad.jacrev])
def test_cost_of_a_derivative_by_xla(transform, rng):
    fun = transform(lambda p, a: np.sin(a @ p) * 2)
    arguments = rng.normal(size=3), rng.normal(size=(4, 3))
    count, xla = cost(record(fun, *arguments)), jax_ref.jit(fun).lower(*arguments).cost_analysis()
    assert (count.flops, count.transcendentals) == (xla["flops"], xla["transcendentals"])


def test_no_formula_for_a_function():
    with pytest.raises(NotImplementedError, match=r"np\.unwrap has no formula for its cost"):
        cost(record(lambda x: np.unwrap(x), V))


def test_a_program_shows_its_source():
    program = record(lambda x: np.sin(x), 1.0)
    assert repr(program) == program.source == "def program(v0):\n    v1 = np.sin(v0)\n    return [v1]"
    shown = []
    record(lambda x: shown.append(repr(x)) or x, 1.0)
    assert shown == ["Recorded(1.0, name=v0)"]


OF_SHAPES_AND_PLACES = {
    "interp": lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 2.0, 3.0]),
    "convolve": lambda x: np.convolve(x, x),
    "correlate": lambda x: np.correlate(x, x, "full"),
    "mean of some": lambda x: np.mean(x * x, where=x > 0.5),
    "sum of some": lambda x: np.sum(x * x, where=np.greater(x, 0.5)),
    "trim_zeros": lambda x: np.trim_zeros(np.concatenate([np.zeros(1), x])) ** 2,
    "norm": lambda x: np.linalg.norm(np.outer(x, x), axis=1),
    "size": lambda x: np.sum(x * x) / np.size(x),
    "pad": lambda x: np.pad(x, (1, 2)) ** 2,
    "histogram": lambda x: np.histogram(x, 3, weights=x)[0] ** 2,
    "slice from a place": lambda x: x[np.argmax(x) - 1 :] ** 3,
    "slice in two axes": lambda x: np.outer(x, x)[: np.argmax(x), np.searchsorted(x, 0.5) :: -1],
    "slice written into": lambda x: written_up_to(x * x, np.argmax(x)),
}


def written_up_to(y, place):
    y[:place] = y[1 : place + 1] * y[0]
    return y


@pytest.mark.parametrize("name", OF_SHAPES_AND_PLACES)
def test_derivatives_that_look_at_shapes_and_places_are_recorded(name):
    f, x = OF_SHAPES_AND_PLACES[name], np.array([0.3, 0.8, 1.7])
    total = lambda x: np.sum(f(x))
    rounded = 2e-15 if name == "norm" else 0  # recorded with the scaling that only some numbers need
    for g in (f, grad(total), lambda x: scratch_ad.jvp(f, (x,), (x,))[1]):
        np.testing.assert_allclose(record(g, x)(x)[0], g(x), rtol=rounded, atol=0)
    for outer, inner in itertools.product((scratch_ad.jacfwd, scratch_ad.jacrev), repeat=2):
        second = outer(inner(total))
        np.testing.assert_allclose(record(second, x)(x)[0], second(x), rtol=rounded, atol=0)


def test_what_is_told_of_shapes_and_dtypes_is_no_step_of_a_program():
    def f(x):
        path, _ = np.einsum_path("i,i->", x, x)
        return np.einsum("i,i->", x, x, optimize=path).astype(np.result_type(x, np.float32)) * np.shape(x)[0]

    x = np.array([1.0, 2.0])
    assert record(f, x)(x) == f(x) == 10
