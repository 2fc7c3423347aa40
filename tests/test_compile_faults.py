"""Compiled functions where they could go wrong: signs of zeros, orders of keys, warnings, random numbers, products."""

import itertools
import re
import tracemalloc
import warnings

import numpy as np
import pytest
from test_values import bits

import scratch_ad.numpy
import scratch_ad.tree
from scratch_ad import compile, grad, hessian, jacfwd, jvp, value_and_grad, vmap
from scratch_ad.compiling.source import Source

pytestmark = pytest.mark.filterwarnings("ignore")
CALLS = 5  # two are recorded, one looks for its program, the others have it at hand


def leaves(x):
    return scratch_ad.tree.flatten(x)[0]


def same_as(f, compiled, *arguments):
    """Whether the compiled function gives what ``f`` gives: numbers, kinds and warnings, call after call."""
    for _ in range(CALLS):
        told = []
        for run in (f, compiled):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    results = leaves(run(*arguments))
                    told.append([bits(results), [type(x) for x in results]])
                except (ArithmeticError, ValueError) as error:
                    told.append([type(error)])
                told[-1].append({re.sub(" in (add|reduce)$", "", str(w.message)) for w in caught})
        assert told[0] == told[1], arguments
    return True


def text(compiled):
    """The source of the program that is replayed."""
    (program,) = [p for programs in compiled.programs.values() for p in programs if p.replay]
    return program.source.text


SIGNED = [1.0, -1.0, 0.0, -0.0, np.nan, np.inf, -np.inf, 2.5]


@pytest.mark.parametrize("kind", [np.float64, lambda v: np.full(3, v), lambda v: np.full(20, v), np.float32])
@pytest.mark.parametrize("f", [np.abs, np.sign, lambda x: np.abs(x) * x, lambda x: np.maximum(x, 0), np.fabs])
def test_slopes_at_zeros_of_either_sign(f, kind):
    for of in (grad(lambda x: np.sum(f(x))), lambda x: jvp(f, (x,), (np.ones_like(x),))):
        compiled = compile(of)
        for first, then in itertools.product(map(kind, SIGNED[2:4]), map(kind, SIGNED)):
            assert same_as(of, compiled, first)
            assert same_as(of, compiled, then)


COMPLEX = [complex(a, b) for a, b in itertools.product([0.0, -0.0, 1.0, np.inf, np.nan], repeat=2)]


@pytest.mark.parametrize(
    "f",
    [
        *(lambda z: z * 1, lambda z: 1.0 * z, lambda z: z / 1.0, lambda z: z - 0.0, lambda z: z + -0.0),
        *(lambda z: z * np.ones(z.shape), lambda z: z.conj() * 1.0, lambda z: grad(lambda z: np.sum(z.real * 2.0))(z)),
    ],
)
def test_zeros_of_complex_numbers_keep_their_signs(f):
    for z in (np.array(COMPLEX), np.array(COMPLEX[:2]), np.array(COMPLEX, np.complex64)):
        assert same_as(f, compile(f), z)


def test_no_call_is_spared_for_complex_numbers_but_a_difference():
    z = np.array([1 + 2j, -0.0j])
    for f, kept in ((lambda z: z * 1.0, True), (lambda z: z / 1.0, True), (lambda z: z - 0.0, False)):
        compiled = compile(f)
        for _ in range(2):
            compiled(z)
        assert (len(text(compiled).splitlines()) == 3) == kept


@pytest.mark.parametrize(
    "f",
    [
        lambda d: next(iter(d.values())) * 2.0,
        lambda d: sum(k * v for k, v in enumerate(d.values(), 1)) + d["a"] * 100.0,
        grad(lambda d: np.sum(sum(k * v**2 for k, v in enumerate(d.values(), 1)))),
        lambda d: {key: value * 2.0 for key, value in d.items()},
    ],
)
def test_dicts_count_in_the_order_of_their_keys(f):
    compiled = compile(f)
    orders = [dict(zip(keys, map(float, range(3)))) for keys in itertools.permutations("abc")]
    for d in (*orders, *orders):
        for given in (d, {key: np.full(2, value) for key, value in d.items()}):
            for _ in range(CALLS):
                expected, got = f(given), compiled(given)
                assert bits(leaves(got)) == bits(leaves(expected))
                assert not isinstance(got, dict) or list(got) == list(expected)
    of_keywords = compile(lambda **named: next(iter(named.values())) * 2.0)
    for a, b in ((1.0, 2.0), (2.0, 1.0)):
        for _ in range(CALLS):
            assert (of_keywords(a=a, b=b), of_keywords(b=b, a=a)) == (2 * a, 2 * b)


@pytest.mark.parametrize(
    "f",
    [
        *(lambda x: max(x[0], x[1]) * min(*x), lambda x: x[0] * x[1], lambda x: (x + x - x * x, x[0])),
        *(lambda x: (sum(x), x[1]), lambda x: sorted(x)[0]),
    ],
)
def test_elements_of_small_arrays_are_given_back_as_numpys(f):
    compiled = compile(f)
    for x in (np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 3.0]), np.array([-0.0, 0.0, 0.0])):
        assert same_as(f, compiled, x)


def test_a_number_of_another_kind_is_met_without_a_warning():
    f = lambda x: x**3 + x**0.5 + 2.0**x + x**-1
    compiled = compile(f)
    for x in (1.5, 2.5, -1.0, 1.5):  # of a negative number, Python makes a complex one
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(CALLS):
                assert bits([compiled(x)]) == bits([f(x)])


STATES = [
    {"all": "raise"},
    {"all": "warn"},
    {"under": "raise"},
    {"over": "raise", "invalid": "ignore"},
    {"all": "ignore"},
]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_whoever_asks_for_errors_is_told(state):
    several = [
        (lambda x: x[0] * x[1] * 1e200 + x[2] / x[0], [2.0, 1e150, 0.0, 1e-200]),
        (grad(lambda x: np.sum(np.exp(x) / (x - 1))), [2.0, 1.0, 800.0, -800.0]),
        (value_and_grad(lambda x: (x[0] * 1e-200) * (x[1] * 1e-200)), [1.0, 1e200]),
    ]
    for f, values in several:
        compiled = compile(f)
        assert same_as(f, compiled, np.full(3, values[0]))
        for value in values:
            with np.errstate(**state):
                before = np.geterr()
                try:
                    assert same_as(f, compiled, np.full(3, value))
                finally:
                    assert np.geterr() == before


def test_who_asks_for_underflow_within_is_told():
    def f(x):
        with np.errstate(under="warn"):
            return (x[0] * x[1] + x[2] * x[0]) * x[1] * x[2]

    compiled = compile(f)
    for value in (1.0, 1e-200, 1.0):
        assert same_as(f, compiled, np.full(3, value))


def test_np_errstate_is_left_as_it_was_whatever_happens_within():
    f = grad(lambda x: np.sum(np.log(x)) if x[0] < 9 else np.sum(x))
    compiled = compile(f)
    for first in (1.0, 1.0, 1.0, 0.0, 10.0, np.nan, 1.0):
        for state in ({"all": "ignore"}, {"divide": "warn"}):
            with np.errstate(**state):
                before = np.geterr()
                compiled(np.array([first, 1.0]))
                assert np.geterr() == before


def test_what_a_function_leaves_of_np_errstate_is_the_callers():
    def f(x):
        with np.errstate(divide="ignore"):
            return np.log(x)

    states = [{}, {"invalid": "raise"}, {"invalid": "ignore"}, {}, {"divide": "raise"}, {"all": "ignore"}]
    for first, state in itertools.permutations(states, 2):
        compiled = compile(f)
        for given in (first, state, first, state):
            with np.errstate(**given):
                for value in (1.0, -1.0, 0.0):
                    assert same_as(f, compiled, np.full(2, value))
        with np.errstate(**first):
            compiled.table(), compiled.dot()


def test_an_np_errstate_that_calls_somebody_does_so_at_each_replay():
    calls = []

    def f(x):
        before = np.seterrcall(lambda kind, flag: calls.append(kind))
        try:
            with np.errstate(divide="call"):
                return 1.0 / x * 2
        finally:
            np.seterrcall(before)

    compiled = compile(f)
    for k in range(CALLS):
        compiled(np.zeros(3))
        assert calls == ["divide by zero"] * (k + 1)


def test_who_is_called_is_whom_the_caller_has_named():
    calls = []

    def f(x):
        with np.errstate(divide="call"):
            return 1.0 / x * 2

    compiled = compile(f)
    for name in "ab":
        before = np.seterrcall(lambda kind, flag, name=name: calls.append(name))
        try:
            for _ in range(CALLS):
                compiled(np.zeros(3))
        finally:
            np.seterrcall(before)
    assert calls == ["a"] * CALLS + ["b"] * CALLS


LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "sliced": lambda a: np.repeat(a, 2, 1)[:, ::2]}


@pytest.mark.parametrize("dtype", "fdFD")
def test_products_of_matrices_are_those_of_matmul(dtype):
    rng = np.random.default_rng(0)
    for n, m, k in [*rng.integers(1, 40, (12, 3)), (2, 2, 1000), (1, 5, 3), (5, 1, 3), (4, 4, 4)]:
        a, b = ((rng.normal(size=s) + 1j * rng.normal(size=s)).astype(dtype) for s in ((n, m), (m, k)))
        for of_a, of_b in itertools.product(LAYOUTS.values(), repeat=2):
            given = of_a(a), of_b(b)
            compiled = compile(_silent_product)
            for _ in range(CALLS):
                assert bits([compiled(*given)]) == bits([given[0] @ given[1]])
            plain = min(n, m, k) > 1 and all(x.flags.c_contiguous or x.flags.f_contiguous for x in given)
            assert (".dot(" in text(compiled)) == plain
        compiled = compile(lambda a: _silent_product(a, a.T) + _silent_product(a, a.T))
        for _ in range(CALLS):
            assert bits([compiled(a)]) == bits([(a @ a.T) + (a @ a.T)])


def _silent_product(a, b):
    with np.errstate(all="ignore"):
        return a @ b


def test_products_that_overflow_warn():
    f = value_and_grad(lambda a: np.sum(np.tanh(a @ a)))
    compiled = compile(f)
    assert same_as(f, compiled, np.ones((3, 3)))
    assert same_as(f, compiled, np.full((3, 3), 1e200))
    with np.errstate(over="raise"):
        assert same_as(f, compiled, np.full((3, 3), 1e200))


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (4, 2, 3), (3, 5, 2), (2, 2), (0, 2), (2, 0), (2, 1)])
def test_sums_of_two_are_additions(shape):
    values = np.resize([1.0, -0.0, -0.0, 0.0, np.nan, np.inf, -np.inf, 1e-320, 3.0], shape)
    for x, axis, keep in itertools.product(
        (values, values.astype("f"), values * 1j, np.asfortranarray(values), values[::-1]),
        range(-values.ndim, values.ndim),
        (False, True),
    ):
        f = lambda x, axis=axis, keep=keep: np.sum(x * 1.5, axis=axis, keepdims=keep)
        compiled = compile(f)
        assert same_as(f, compiled, x)
        if x is values and not keep:
            assert ("add(add(" in text(compiled)) == (shape[axis] == 2)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 2.0 * x + 3 - x / 7 + (x == 0) * (0.1 - x),
        lambda x: np.maximum(x, -0.0) + np.minimum(0.0, x) + np.where(x > 1e-300, x, 1),
        lambda x: x * np.float64(0.1) + np.float64(1e308) * x,
        lambda x: x * (2**53 + 1) - x * np.float32(0.1) + x * True,
        lambda x: jvp(lambda x: 3.0 * x**3 / 7, (x,), (x,)),
    ],
)
@pytest.mark.parametrize("dtype", ["d", "f", "e", "D"])
def test_constant_numbers_beside_arrays(f, dtype):
    assert same_as(f, compile(f), np.resize(SIGNED, 10).astype(dtype))


def test_ties_of_an_extremum_are_a_branch():
    gradient = grad(lambda x: np.sum(np.max(x, 1) ** 2) - np.min(x))
    compiled = compile(gradient)
    alone, tied = np.array([[1.0, 2.0, 3.0], [6.0, 5.0, 4.0]]), np.array([[3.0, 2.0, 3.0], [6.0, 6.0, 6.0]])
    for x in (alone, tied, np.where(alone == 6, np.nan, alone), np.zeros((2, 3))) * 3:
        assert np.array_equal(compiled(x), gradient(x), equal_nan=True)
    assert np.array_equal(compiled(tied), [[3, -1, 3], [4, 4, 4]])


def test_whoever_draws_a_branch_is_told():
    rng, legacy = np.random.default_rng(0), np.random.RandomState(0)
    draws = [lambda: rng.random(), lambda: np.random.random(), lambda: legacy.rand(), lambda: draw()]  # noqa: NPY002
    for of in draws:
        compiled = compile(lambda x, of=of: x * (2 if of() > 2 else 3))  # always the same
        compiled(1.0)
        with pytest.raises(TypeError, match=r"does not do the same.*it draws from .*Random numbers.*arguments"):
            compiled(1.0)


def test_what_others_draw_between_two_calls_is_no_matter():
    rng = np.random.default_rng(0)
    f = lambda x, noise=0: x * 3 if noise == 0 else x + rng.normal()
    compiled = compile(f)
    for _ in range(3):
        assert compiled(2.0) == 6
        rng.normal()
    assert text(compiled)


draw = np.random.default_rng(1).random


def test_who_seeds_what_he_draws_from_is_compiled():
    def f(x):
        return x * np.random.default_rng(3).normal() + x * np.random.RandomState(2).rand()

    compiled = compile(f)
    assert same_as(f, compiled, np.float64(2.0))
    assert text(compiled)


def test_a_program_is_the_same_again_after_cleaning_up_again():
    """So that nothing is left that one sweep could do: of all rewriters together as of each alone."""
    from scratch_ad.compiling import passes

    for f, x in (
        (hessian(lambda x: np.sum(x**4 / 7)), np.ones(9)),
        (grad(lambda x: np.sum(np.tanh(x) ** 2)), np.ones((9, 9))),
    ):
        compiled = compile(f)
        for _ in range(2):
            compiled(x)
        (program,) = [p for programs in compiled.programs.values() for p in programs]
        once = passes.cleaned(program.code)
        for clean in (passes.without_dead, passes.without_repeats, passes.simplified, passes.folded):
            assert len(clean(once).steps) == len(once.steps), clean
        assert Source(once).text == program.source.text


@pytest.mark.parametrize("number", [np.array(1), np.array(8), np.array(True), np.array(2.0), np.array(10**15)])
def test_arrays_of_no_dimension_are_constants(number):
    def f(x):
        return x * number + np.where(x > 0, np.array(3), x)

    compiled = compile(f)
    assert same_as(f, compiled, np.arange(3.0))
    assert text(compiled)
    number[...] = 0
    assert same_as(f, compiled, np.arange(3.0))


def created(make):
    def f(x):
        y = make(x)
        y[:] = x
        return y * 2

    return f


@pytest.mark.parametrize(
    "make",
    [
        lambda x: scratch_ad.numpy.empty(6),
        lambda x: scratch_ad.numpy.empty_like(TABLE),
        lambda x: np.empty(6, like=x),
    ],
)
def test_what_lies_in_new_memory_is_no_difference_between_runs(make):
    f = created(make)
    compiled = compile(f)
    for k in range(CALLS):
        taken = [np.full(6, 7.0 + k) for _ in range(20)]
        del taken  # so that the memory of new arrays holds these numbers
        assert bits([compiled(np.full(6, k / 2))]) == bits([np.full(6, k / 2) * 2])
    assert text(compiled)


TABLE = np.arange(6.0) ** 2

OF_EACH_EXAMPLE = {
    "number": lambda x: x[np.argmax(x)],
    "indices": lambda x: x[np.argsort(x)],
    "tuple": lambda x: x.reshape(2, 3)[np.arange(2), np.argmin(x.reshape(2, 3), 1)],
    "searchsorted": lambda x: x[np.searchsorted(np.arange(3.0), x)],
    "sort": np.sort,
    "median": np.median,
    "take_along_axis": lambda x: np.take_along_axis(x, np.argsort(x), 0),
}


@pytest.mark.parametrize("name", OF_EACH_EXAMPLE)
def test_an_index_of_each_example_is_no_constant(name):
    f = OF_EACH_EXAMPLE[name]
    for of in (vmap(f), vmap(grad(lambda x: np.sum(f(x) ** 2)))):
        compiled = compile(of)
        for seed in range(CALLS):
            x = np.random.default_rng(seed).uniform(0, 3, (3, 6))
            assert bits([compiled(x)]) == bits([of(x)])
        assert text(compiled)


BY_WHOLE_NUMBERS = {
    "indices": lambda x: x * TABLE[np.argsort(x)],
    "mask": lambda x: np.sum(x) * TABLE[x > 1],
    "tuple": lambda x: x * np.diag(TABLE)[np.argsort(x), 1],
    "asarray": lambda x: x * np.asarray(np.argsort(x)),
    "roll": lambda x: np.roll(x, np.argmax(x)),
    "repeat": lambda x: np.repeat(x, np.argsort(x)),
}


@pytest.mark.parametrize("name", BY_WHOLE_NUMBERS)
def test_whole_numbers_that_become_plain_are_guarded(name):
    f = BY_WHOLE_NUMBERS[name]
    for of in (f, jacfwd(f)):
        compiled = compile(of)
        for seed in (0, 0, 0, 1, 1, 1, 0, 1):
            x = np.random.default_rng(seed).uniform(0, 3, 6)
            assert bits([compiled(x)]) == bits([of(x)])
        assert all(p.replay for programs in compiled.programs.values() for p in programs)


@pytest.mark.parametrize(
    ("f", "neutral"),
    [(lambda x, n: np.linalg.matrix_power(x, n), 1), (lambda x, n: np.diff(x, n=n), 0), (np.rot90, 0)],
)
def test_a_whole_number_with_which_a_function_gives_back_its_argument_is_guarded(f, neutral):
    compiled, x = compile(lambda x, n: f(x, n) * 2.0), np.array([[1.0, 2.0], [3.0, 4.0]])
    for n in (neutral, neutral, neutral, 2, neutral, 1, 2):
        assert bits([compiled(x, np.int64(n))]) == bits([f(x, n) * 2.0])


INFINITE = {
    "a branch not taken": (
        vmap(grad(lambda x: np.where(x[0] > 0, 1 / np.linalg.det(np.outer(x, x)), 0.0))),
        np.stack([np.zeros(3), np.ones(3)]),
    ),
    "var": (hessian(np.var), np.array([np.inf, 1.0, 2.0])),
}


@pytest.mark.parametrize("name", INFINITE)
def test_infinite_cotangents_are_dealt_with_as_without_compile(name):
    f, x = INFINITE[name]
    compiled = compile(f)
    for _ in range(CALLS):
        assert bits([compiled(x)]) == bits([f(x)])


def test_a_table_that_is_one_of_the_run_takes_any_index():
    compiled = compile(lambda x: np.asarray(TABLE, like=x)[np.argsort(x)])
    for seed in range(CALLS):
        x = np.random.default_rng(seed).normal(size=6)
        assert bits([compiled(x)]) == bits([TABLE[np.argsort(x)]])
    assert text(compiled)


def test_where_ufuncs_write_is_told_as_numpy_wants_it():
    compiled = compile(lambda x: np.minimum(np.sin(x) * 2, np.maximum(np.cos(x) * 2, x * x)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(CALLS):
            compiled(np.linspace(0, 3, 10**4))
    assert re.search(r"minimum\(.*, out=", text(compiled))
    assert re.search(r"maximum\(.*, out=", text(compiled))


CHAINS = {
    "line": lambda x: np.sum(np.sin(x) * 2.0 + 1.0),
    "polynomial": lambda x: np.sum(((x * 3.0 + 1.0) * x - 2.0) * x),
    "softplus": lambda x: np.sum(np.log(1.0 + np.exp(-x * x))),
    "layers": lambda x: np.sum(several_times(lambda x: np.tanh(x * 1.1), x)),
    "cases": lambda x: np.sum(np.where(x > 0.5, np.sqrt(x), np.maximum(x, 0.3)) / (x + 1.0)),
}


def several_times(f, x):
    for _ in range(10):
        x = f(x)
    return x


@pytest.mark.parametrize("name", CHAINS)
def test_peak_memory_is_at_most_that_of_the_function(name):
    f, x = CHAINS[name], np.linspace(0.1, 1.0, 10**5)
    for of in (f, value_and_grad(f), lambda x: jvp(f, (x,), (x,))):
        compiled = compile(of)
        for _ in range(CALLS):
            compiled(x)
        assert peak(compiled, x) <= peak(of, x) + 2000  # the results' own


def peak(f, x):
    tracemalloc.start()
    try:
        f(x)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
