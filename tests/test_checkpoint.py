"""Checkpointing: the same derivatives, with what is computed again counted, and what is held."""

import array
import collections
import contextlib
import dataclasses
import datetime
import decimal
import errno
import fractions
import functools
import itertools
import math
import os
import re
import subprocess
import sys
import types
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import optree
import pytest
import scipy.linalg
import sympy

import jax_ref
import scratch_ad
import scratch_ad.scipy.linalg
from jax_ref.measure.tolerances import mismatch
from scratch_ad import checkpoint, checkpoint_loop, grad, hvp, jacfwd, jacrev, jvp, linearize, value_and_grad, vjp, vmap
from scratch_ad.fingerprints import fingerprint

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(0)
W, X = rng.uniform(0.1, 0.4, (3, 3)), rng.uniform(0.2, 0.8, 3)


def layer(np, w, x):
    return {"next": np.tanh(w @ x), "rest": (np.sin(x), x[0])}


def network(np, checkpoint):
    each = checkpoint(functools.partial(layer, np))

    def loss(w, x):
        for _ in range(3):
            out = each(w, x=x)
            x = out["next"] * out["rest"][1] + out["rest"][0]
        return np.sum(x * x)

    return loss


LOSS = network(np, checkpoint)
MODES = {
    "grad": lambda ad, f: ad.grad(f, (0, 1)),
    "jacrev": lambda ad, f: ad.jacrev(ad.jacrev(f, (0, 1)), (0, 1)),
    "jacfwd": lambda ad, f: ad.jacfwd(ad.jacfwd(f, (0, 1)), (0, 1)),
    "hessian": lambda ad, f: ad.hessian(f, (0, 1)),
    "reverse over forward": lambda ad, f: ad.grad(lambda w, x: ad.jvp(f, (w, x), (x[:, None] * w, w @ x))[1], (0, 1)),
    "third order": lambda ad, f: ad.jacrev(ad.jacfwd(ad.grad(f, 1), 1), 1),
}


@pytest.mark.parametrize("mode", MODES)
def test_derivatives_are_those_of_jax(mode):
    theirs = MODES[mode](jax, network(jnp, jax.checkpoint))(W, X)
    assert not mismatch(MODES[mode](scratch_ad, LOSS)(W, X), jax.tree.map(np.asarray, theirs), 2)
    nested = lambda w, x: checkpoint(network(np, checkpoint))(w, x)
    assert not mismatch(MODES[mode](scratch_ad, nested)(W, X), jax.tree.map(np.asarray, theirs), 2)


def test_values_are_those_of_the_plain_run_bit_for_bit():
    once = functools.partial(layer, np)
    for run in (lambda f: f(W, x=X), lambda f: jvp(lambda w: f(w, x=X), (W,), (W,))[0], lambda f: vjp(f, W, X)[0]):
        for ours, plain in zip(*map(optree.tree_leaves, (run(checkpoint(once)), once(W, X))), strict=True):
            assert ours.dtype == plain.dtype and np.array_equal(ours, plain)


def test_it_can_be_recorded_linearized_and_compiled():
    expected = network(np, lambda f: f)(W, X)
    assert scratch_ad.record(LOSS, W, X)(W, X)[0] == expected
    gradient = grad(LOSS, (0, 1))(W, X)
    assert not mismatch(tuple(scratch_ad.record(grad(LOSS, (0, 1)), W, X)(W, X)), gradient)
    assert not mismatch(jax_ref.jit(grad(LOSS, (0, 1)))(W, X), gradient)
    assert not mismatch(linearize(LOSS, W, X)[1](W, X), jvp(LOSS, (W, X), (W, X))[1])


class Counted:
    """The identity of plain arrays, as a function with a rule; how many of its results are alive at once, at most."""

    def __init__(self):
        self.alive, self.most = [], 0
        self.function = scratch_ad.linear(self.copy, lambda g, _x: g)

    def copy(self, x):
        y = np.array(x)
        self.alive = [ref for ref in self.alive if ref() is not None] + [weakref.ref(y)]
        self.most = max(self.most, len(self.alive))
        return y

    def most_in(self, run):
        self.alive, self.most = [], 0
        run()
        return self.most


def test_arrays_made_inside_are_not_held():
    """On the way there as on the way back, those of one call of the five are there at a time."""
    counted = Counted()

    def block(x):
        for _ in range(10):
            x = np.sin(np.square(counted.function(x)))
        return x

    def run(wrap, derivative):
        block_of = wrap(block)
        return lambda: derivative(lambda x: np.sum(functools.reduce(lambda x, _: block_of(x), range(5), x)))(X)

    assert counted.most_in(run(lambda f: f, grad)) == 50
    assert counted.most_in(run(checkpoint, grad)) <= 11
    of_jvp = lambda f: grad(lambda x: jvp(f, (x,), (x,))[1])
    assert counted.most_in(run(lambda f: f, of_jvp)) >= 100
    assert counted.most_in(run(checkpoint, of_jvp)) <= 22


def test_texts_functions_and_integers_are_passed_on():
    f = checkpoint(lambda kind, g, x, n, *, flag: {"sin": np.sin, "cos": np.cos}[kind](g(x)) * n if flag else x)
    assert not mismatch(grad(lambda x: f("sin", np.square, x, 3, flag=True))(0.7), 3 * 1.4 * np.cos(0.49))
    assert f("cos", np.square, 0.7, 3, flag=True) == 3 * np.cos(np.square(0.7))


def test_results_of_integers_have_no_derivative():
    f = checkpoint(lambda x: (np.argsort(x), x * x))
    assert f(X)[0].dtype.kind == "i"
    loss = lambda x: np.sum(f(x)[1] * f(x)[0])
    assert not mismatch(grad(loss)(X), 2 * X * np.argsort(X))
    assert not mismatch(jvp(loss, (X,), (X,))[1], np.sum(2 * X * X * np.argsort(X)))


def test_results_are_arrays_of_their_own():
    """So that a later write into the argument is not seen in the result, in no kind of run."""

    def f(x):
        x = x * 1.0
        y = checkpoint(lambda x: x[:2])(x)
        x[0] = 7.0
        return np.sum(y * y)

    assert f(X) == vjp(f, X)[0] == jvp(f, (X,), (X,))[0] == np.sum(X[:2] ** 2)
    assert not mismatch(grad(f)(X), 2 * X * [1, 1, 0])


WAYS = {  # to run a function of an array
    "plain": lambda f: f(X),
    "reverse": lambda f: grad(f)(X),
    "forward": lambda f: jvp(f, (X,), (X,)),
    "a batch": lambda f: scratch_ad.vmap(f)(np.stack([X, X])),
    "compiled": lambda f: scratch_ad.compile(f)(X),
    "all directions": lambda f: jacfwd(grad(f))(X),
}


@pytest.mark.parametrize("run", WAYS.values(), ids=WAYS)
def test_a_write_into_an_argument_is_refused(run):
    def writes(x):
        x[0] = 0.0
        return np.sum(x)

    with pytest.raises(ValueError, match=r"^checkpoint: writes writes into a read-only array.* x = x\.copy\(\)\.$"):
        run(checkpoint(writes))
    with pytest.raises(ValueError, match=r"^checkpoint: writes writes into"):  # the function that does, not its caller
        run(checkpoint(lambda x: checkpoint(writes)(x)))

    def step(state):
        state *= 2.0
        return state

    with pytest.raises(ValueError, match=r"^checkpoint_loop: step writes into a read-only array"):
        run(lambda x: np.sum(checkpoint_loop(step, x, 3, snapshots=2)))

    def fills(x):
        y = np.copy(x)
        y[0] = 0.0  # a copy is one's own
        return np.sum(y * y)

    run(checkpoint(fills))


def test_another_error_of_a_value_is_the_function_s_own():
    with pytest.raises(ValueError, match=r"^cannot reshape"):
        grad(checkpoint(lambda x: np.sum(x.reshape(7, 7))))(X)


def test_nan_is_treated_as_without():
    f = lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    for x in (np.array([0.0, 4.0]), np.zeros(2)):
        assert not mismatch(grad(checkpoint(f))(x), grad(f)(x))
        assert not mismatch(jacfwd(checkpoint(f))(x), grad(f)(x))
    assert "np.sqrt" in str(scratch_ad.first_nan(checkpoint(f), np.array([0.0, 4.0])))


CLOSURES = {
    "reverse": lambda f: grad(lambda x: f(lambda y: y * x[1], x[0]))(X),
    "forward": lambda f: jvp(lambda x: f(lambda y: y * x[1], x[0]), (X,), (X,)),
    "an argument of another run": lambda f: grad(lambda x: grad(lambda y: f(lambda z: z * x[1], y))(x[0]))(X),
    "a closure of a later run": lambda f: grad(lambda x: grad(lambda y: f(lambda z: z * y, x[0]))(x[1]))(X),
    "no argument that is differentiated": lambda f: grad(lambda x: f(lambda y: y * x[1], 2.0))(X),
}


@pytest.mark.parametrize("run", CLOSURES.values(), ids=CLOSURES)
@pytest.mark.parametrize("snapshots", [None, 1, 2])
@pytest.mark.parametrize("n", [2, 5])
def test_a_differentiated_value_that_is_no_argument_is_refused(run, snapshots, n):
    f = (lambda g, x: checkpoint(g)(x)) if snapshots is None else lambda g, x: loop(g, x, n, snapshots=snapshots)
    with pytest.raises(TypeError, match=r"not among its arguments.*make it an argument"):
        run(f)


WRAPPED = {
    "checkpoint": lambda f: checkpoint(f),
    "one step": lambda f: lambda x, *args: loop(f, x, 1, *args, snapshots=1),
    "a loop": lambda f: lambda x, *args: loop(f, x, 5, *args, snapshots=2),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_an_example_of_a_batch_that_is_no_argument_is_refused(wrap):
    """Where the derivative is taken around the batch, and only there."""
    scaled = lambda x, h: np.sin(x) * h
    closed = lambda x: vmap(lambda h: np.sum(wrap(lambda s: scaled(s, h))(x)))(X)
    for derivative in (lambda f: grad(lambda x: f(x).sum()), jacfwd, lambda f: lambda x: jvp(f, (x,), (x,))):
        with pytest.raises(TypeError, match=r"a value of vmap that is not among its arguments.*make it an argument"):
            derivative(closed)(X)
    given = lambda x: vmap(lambda h: np.sum(wrap(scaled)(x, h)))(X)
    assert np.array_equal(closed(X), given(X))
    assert not mismatch(grad(lambda x: given(x).sum())(X), sum(jvp(given, (X,), (e,))[1].sum() * e for e in np.eye(3)))
    within = lambda h: grad(lambda x: np.sum(wrap(lambda s: scaled(s, h))(x)))(X)
    assert not mismatch(vmap(within)(X), np.stack(list(map(within, X))))


@pytest.mark.parametrize("wrap", [lambda f: checkpoint(f), lambda f: lambda x, c: loop(f, x, 4, c, snapshots=2)])
def test_constants_among_the_arguments_are_kept_as_they_were(wrap):
    constant, f = np.array([1.0, 2.0, 3.0]), wrap(lambda x, c: np.sin(x) * c)
    expected = vjp(lambda x: f(x, constant), X)[1](X)
    _, pullback = vjp(lambda x: f(x, constant), X)
    constant[:] = 0.0
    assert np.array_equal(pullback(X), expected)


def test_a_differentiated_value_in_a_single_step_is_refused():
    with pytest.raises(TypeError, match="not among its arguments"):
        grad(lambda x: loop(lambda y: y * x[1], x[0], 1, snapshots=1))(X)


def test_a_second_run_that_gives_other_numbers_is_found():
    draws = np.random.default_rng(0)
    with pytest.raises(RuntimeError, match="noisy gave other numbers when it was computed again"):

        def noisy(x):
            return np.sum(x * draws.normal(size=3))

        grad(checkpoint(noisy))(X)
    scale = np.ones(3)
    _, pullback = vjp(checkpoint(lambda x: x * scale), X)
    scale[:] = 2.0
    with pytest.raises(RuntimeError, match="gave other numbers"):
        pullback(X)
    with pytest.raises(RuntimeError, match=r"step \d of 9 gave other numbers|step gave other numbers"):
        grad(lambda x: np.sum(loop(lambda x: x * draws.normal(size=3), x, 9, snapshots=2)))(X)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="callable"):
        checkpoint(3)
    with pytest.raises(TypeError, match="step must be a function"):
        checkpoint_loop(3, X, 2, snapshots=1)


# Loops

loop = checkpoint_loop


def rotate(state, h, scale):
    return {
        "x": state["x"] + h * state["v"],
        "v": state["v"] - h * scale["k"] * np.sin(state["x"]),
        "n": state["n"] + 1,
    }


START = {"x": np.array([1.0, 0.3]), "v": np.array([0.0, 0.2]), "n": 0}


def ending(loop, n=11):
    def f(x, h, k):
        end = loop(rotate, START | {"x": x}, n, h, {"k": k})
        return np.sum(end["x"] * end["v"]) * end["n"]

    return f


def plain_loop(step, state, n, *args):
    for _ in range(n):
        state = step(state, *args)
    return state


POINT = START["x"], 0.1, np.array([1.0, 1.5])


@pytest.mark.parametrize("snapshots", [1, 2, 3, 20])
@pytest.mark.parametrize("n", [0, 1, 2, 11])
def test_a_loop_has_the_derivatives_of_a_plain_loop(n, snapshots):
    ours, plain = ending(functools.partial(checkpoint_loop, snapshots=snapshots), n), ending(plain_loop, n)
    assert ours(*POINT) == plain(*POINT)
    assert not mismatch(grad(ours, (0, 1, 2))(*POINT), jax_ref.grad(plain, (0, 1, 2))(*POINT), 2)
    assert not mismatch(jacfwd(ours, (0, 1, 2))(*POINT), jax_ref.jacfwd(plain, (0, 1, 2))(*POINT), 2)


@pytest.mark.parametrize("outer, inner", [(jacfwd, jacrev), (jacrev, jacrev), (jacrev, jacfwd), (jacfwd, jacfwd)])
def test_second_derivatives_of_a_loop(outer, inner):
    ours = outer(inner(ending(functools.partial(checkpoint_loop, snapshots=3)), (0, 1, 2)), (0, 1, 2))
    assert not mismatch(ours(*POINT), jax_ref.hessian(ending(plain_loop), (0, 1, 2))(*POINT), 2)


def test_loops_and_checkpoints_nest():
    inner = lambda x, k: checkpoint_loop(lambda x, k: x + 0.1 * np.sin(k * x), x, 4, k, snapshots=2)
    nested = lambda x, k: np.sum(checkpoint_loop(checkpoint(inner), x, 5, k, snapshots=2))
    plain = lambda x, k: np.sum(plain_loop(lambda x, k: x + 0.1 * np.sin(k * x), x, 20, k))
    assert not mismatch(grad(checkpoint(nested), (0, 1))(X, 1.5), jax_ref.grad(plain, (0, 1))(X, 1.5), 2)


def test_a_pullback_can_be_called_again():
    state = lambda loop: lambda x: loop(rotate, START | {"x": x}, 11, 0.1, {"k": 1.0})["v"]
    ours = state(functools.partial(checkpoint_loop, snapshots=3))
    assert not mismatch(jacrev(ours)(START["x"]), jax_ref.jacrev(state(plain_loop))(START["x"]), 2)


def reach(s, r):
    """β(s, r) of Griewank and Walther: how many steps s snapshots reverse within r evaluations of each."""
    return math.comb(s + r, s) if r >= 0 else 0


def fewest(n, s):
    """The published optimum: how many steps are evaluated besides the n that are recorded."""
    r = next(r for r in itertools.count() if n <= reach(s, r))
    return r * n - reach(s + 1, r - 1)


@functools.cache
def fewest_by_search(n, s):
    """The same by trying each place for the next snapshot."""
    if n == 1 or s == 1:
        return n * (n - 1) // 2
    return min(k + fewest_by_search(n - k, s - 1) + fewest_by_search(k, s) for k in range(1, n))


class Steps:
    """A step that counts its evaluations on plain numbers and on variables, and the plain states that are alive."""

    def __init__(self):
        self.plain = self.recorded = 0
        self.counted = Counted()

    def __call__(self, x):
        traced = isinstance(x, scratch_ad.tracer.Tracer)
        self.plain, self.recorded = self.plain + (not traced), self.recorded + traced
        y = x + 0.1 * np.sin(x)
        return y if traced else self.counted.copy(y)


def reversed_from(s, n, folder=None):
    """The step of a loop of which the gradient has been taken."""
    step = Steps()
    grad(lambda x: np.sum(checkpoint_loop(step, x, n, snapshots=s, folder=folder)))(X)
    return step


@pytest.mark.parametrize("s", range(1, 9))
def test_as_few_steps_are_repeated_as_can_be(s):
    for n in range(1, 61):
        step = reversed_from(s, n)
        assert (step.plain, step.recorded) == (fewest(n, s), n), n
        assert fewest(n, s) == fewest_by_search(n, s), n


@pytest.mark.parametrize("s", [1, 3, 10])
def test_as_many_states_are_held_as_there_are_snapshots(s):
    """And four more at most: that before the next step and that after, and both again at the end of a stretch."""
    most = {}
    for n in (30, 60, 120):
        most[n] = reversed_from(s, n).counted.most
    assert max(most.values()) <= s + 4, most


def test_hessian_vector_products_are_in_bounded_memory_too():
    step = Steps()
    f = lambda x: np.sum(checkpoint_loop(step, x, 60, snapshots=4))
    plain = lambda x: np.sum(plain_loop(lambda x: x + 0.1 * np.sin(x), x, 60))
    assert not mismatch(hvp(f, (X,), (X,)), hvp(plain, (X,), (X,)), 2)
    assert (step.plain, step.recorded) == (0, fewest(60, 4) + 60)  # on dual numbers, all of them


def test_a_long_loop():
    """Of an oscillator, whose derivative is known."""
    turn = lambda z, h: (z[0] + h * z[1], z[1] - h * z[0])
    n, h = 20_000, 1e-4
    f = lambda x, h: checkpoint_loop(turn, (x, 0.0), n, h, snapshots=20)[0]
    of_x, of_h = grad(f, (0, 1))(1.0, h)
    z = (1 + 1j * h) ** n  # the step turns x − iv by this factor
    np.testing.assert_allclose([of_x, of_h], [z.real, (n * 1j * (1 + 1j * h) ** (n - 1)).real], rtol=1e-9)


CHANGED = {
    "shape": (lambda s: {"a": s["a"], "b": [s["b"][0][:1]]}, r"step 1 of 5 gave float64\[1\] for state\['b'\]\[0\]"),
    "later": (
        lambda s: {"a": s["a"] + 1, "b": [s["b"][0][: 2 - s["a"] // 3]]},
        r"step 4 of 5 gave float64\[1\].*start with shapes and dtypes that step keeps",
    ),
    "dtype": (lambda s: {"a": s["a"] * 0.5, "b": s["b"]}, r"step 1 of 5 gave float64\[\] for state\['a'\], .* int64"),
    "container": (lambda s: {"a": s["a"], "b": tuple(s["b"])}, "step 1 of 5 gave the state in other containers"),
    "missing": (lambda s: {"a": s["a"]}, "step 1 of 5 gave the state in other containers"),
}


@pytest.mark.parametrize("step, message", CHANGED.values(), ids=CHANGED)
@pytest.mark.parametrize("run", [lambda f: f(X[:2]), lambda f: jvp(f, (X[:2],), (X[:2],)), lambda f: grad(f)(X[:2])])
def test_a_step_that_changes_the_state_is_refused(step, message, run):
    with pytest.raises((TypeError, ValueError), match=message):
        run(lambda x: np.sum(checkpoint_loop(step, {"a": 0, "b": [x]}, 5, snapshots=2)["b"][0]))


@pytest.mark.parametrize(
    "n, snapshots, error, message",
    [
        (-1, 3, ValueError, "n must be at least 0, not -1"),
        (3, 0, ValueError, "snapshots must be at least 1, not 0"),
        (2.5, 3, TypeError, "n must be a whole number, not 2.5"),
        (3, None, TypeError, "snapshots must be a whole number, not None"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(n, snapshots, error, message):
    with pytest.raises(error, match=message):
        checkpoint_loop(lambda x: x, X, n, snapshots=snapshots)


# Folders


class Interrupted(Exception):
    pass


class Clock:
    """Counts the evaluations of a step, which ends the program at one of them."""

    count, at = 0, math.inf

    @classmethod
    def start(cls, at=math.inf):
        cls.count, cls.at = 0, at


FACTOR = 0.1


def ticking(x, scale):
    if Clock.count == Clock.at:
        raise Interrupted
    Clock.count += 1
    return x + scale * np.sin(x) * FACTOR


def through(folder, step=ticking, x=X, n=40, scale=1.0, snapshots=4):
    return grad(lambda x: np.sum(checkpoint_loop(step, x, n, scale, snapshots=snapshots, folder=folder)))(x)


def test_snapshots_in_a_folder_give_the_same(tmp_path):
    Clock.start()
    assert np.array_equal(through(tmp_path / "new"), through(None))
    assert Clock.count == 2 * (fewest(40, 4) + 40)
    assert not any((tmp_path / "new").iterdir())


def test_snapshots_in_a_folder_are_not_in_memory(tmp_path):
    assert reversed_from(20, 60, tmp_path).counted.most <= 1 + 4


@pytest.mark.parametrize("at", [0, 1, 20, 38, 39, 40, 55, 90, 110])
def test_an_interrupted_loop_goes_on(at, tmp_path):
    Clock.start(at)
    with pytest.raises(Interrupted):
        through(tmp_path)
    last = max((int(path.stem) for path in tmp_path.glob("*.npz")), default=0)
    assert last > 0 or not 20 <= at <= 55
    Clock.start()
    _, pullback = vjp(lambda x: np.sum(checkpoint_loop(ticking, x, 40, 1.0, snapshots=4, folder=tmp_path)), X)
    assert Clock.count == 40 - last
    assert np.array_equal(pullback(1.0)[0], through(None))
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="limits of file sizes are POSIX's")
def test_a_loop_goes_on_once_a_full_disk_has_room(tmp_path):
    import resource

    run = lambda: vjp(lambda x: np.sum(checkpoint_loop(ticking, x, 40, 1.0, snapshots=4, folder=tmp_path)), X)
    Clock.start()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit, left in ((10, []), (400, ["run.json"])):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))  # Python ignores the signal that comes with it
        try:
            with pytest.raises(OSError, match=r"checkpoint_loop: a file cannot be written \(.*goes on") as caught:
                run()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        assert caught.value.errno == errno.EFBIG and caught.value.filename.startswith(str(tmp_path))
        assert [path.name for path in tmp_path.iterdir()] == left
    assert np.array_equal(run()[1](1.0)[0], through(None))


def left(folder, **how):
    """A folder in which an interrupted run left its snapshots."""
    Clock.start(30)
    with pytest.raises(Interrupted):
        through(folder, **how)
    Clock.start()
    assert any(folder.glob("*.npz"))


def slower(x, scale):
    Clock.count += 1
    return x + scale * np.sin(x) * FACTOR / 2


OTHERS = {
    "n": {"n": 41},
    "snapshots": {"snapshots": 5},
    "state": {"x": X + 1e-15},
    "args": {"scale": 2.0},
    "step": {"step": slower},
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_folder_of_another_run_is_refused(name, tmp_path):
    left(tmp_path)
    with pytest.raises(ValueError, match=f"another run, which differs in {name}: give it another folder"):
        through(tmp_path, **OTHERS[name])
    assert np.array_equal(through(tmp_path), through(None))  # what it holds is as good as before


def test_a_folder_of_another_constant_or_kind_of_number_is_refused(tmp_path, monkeypatch):
    left(tmp_path)
    monkeypatch.setitem(globals(), "FACTOR", 0.2)
    with pytest.raises(ValueError, match="differs in step"):
        through(tmp_path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="differs in args"):
        through(tmp_path, scale=np.float32(1.0))


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(ValueError, match=r"none of its own, such as thesis\.txt"):
        through(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_with_files_of_others_beside_its_own_is_refused(tmp_path):
    left(tmp_path)
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(ValueError, match="thesis"):
        through(tmp_path)


def test_snapshots_that_are_damaged_or_another_runs_are_found(tmp_path):
    left(tmp_path)
    (path, *_) = sorted(tmp_path.glob("*.npz"))[-1:]
    good = path.read_bytes()
    path.write_bytes(good[:-40])
    with pytest.raises(ValueError, match=r"snapshot .* cannot be read"):
        through(tmp_path)
    np.savez(path, **{"array 0": X, "strides 0": X.strides})  # numbers that no run has left
    with pytest.raises(RuntimeError, match="gave other numbers"):
        through(tmp_path)


def test_damaged_snapshots_are_told_by_what_is_wrong(tmp_path):
    left(tmp_path)
    (path, *_) = sorted(tmp_path.glob("*.npz"))[-1:]
    good = path.read_bytes()
    for k in range(0, len(good), 7):
        path.write_bytes(good[:k])
        with pytest.raises(ValueError, match=r"is damaged and cannot be read \(\w+\(.*delete it"):
            through(tmp_path)
    for k in range(0, len(good), 7):
        path.write_bytes(good[:k] + bytes([good[k] ^ 255]) + good[k + 1 :])
        with contextlib.suppress(ValueError):  # some bytes say nothing
            assert np.array_equal(through(tmp_path), through(None))
            left(tmp_path)


def test_a_snapshot_that_may_not_be_read_is_not_to_be_deleted(tmp_path, monkeypatch):
    left(tmp_path)

    def load(*args, **kwargs):
        raise PermissionError("not yours")

    monkeypatch.setattr(np, "load", load)
    with pytest.raises(PermissionError, match="not yours"):
        through(tmp_path)


def along_memory(weights):
    """A step whose numbers depend on how the state lies in memory."""

    def step(x):
        if Clock.count == Clock.at:
            raise Interrupted
        Clock.count += 1
        return x + np.sum(x.ravel("K") * weights) * np.sin(x)

    return step


CUBE = np.random.default_rng(0).normal(size=(4, 3, 2))
LAID = {
    "turned": CUBE.transpose(1, 2, 0),
    "backwards": CUBE[::-1, :, ::-1],
    "with gaps": CUBE[::2, 1:],
    "of one number": np.broadcast_to(0.5, (2, 3)),
    "without axes": np.array(0.5),
    "empty": CUBE[:, :, :0],
    "longdouble": CUBE.astype(np.longdouble),
    "bfloat16": CUBE[0, 0].astype(jnp.bfloat16),
}


@pytest.mark.parametrize("name", LAID)
def test_snapshots_in_a_folder_lie_in_memory_as_they_did(name, tmp_path):
    x = LAID[name]
    step, Clock.at = along_memory((np.arange(1.0, 1 + x.size) / 250).astype(x.dtype)), math.inf
    found = lambda x, folder: value_and_grad(
        lambda x: np.sum(checkpoint_loop(step, x, 40, snapshots=4, folder=folder) ** 2)
    )(x)
    expected = value_and_grad(lambda x: np.sum(plain_loop(step, x, 40) ** 2))(x)
    for folder in (None, tmp_path / "whole"):
        assert all(map(np.array_equal, found(x, folder), expected))
    Clock.start(39)
    with pytest.raises(Interrupted):
        found(x, tmp_path / "interrupted")
    Clock.start()
    assert all(map(np.array_equal, found(x, tmp_path / "interrupted"), expected))


def test_a_folder_is_empty_in_the_end_though_a_snapshot_was_broken_off(tmp_path):
    left(tmp_path)
    (tmp_path / "unfinished").write_bytes(b"PK")
    for path in sorted(tmp_path.glob("*.npz"))[:-1]:
        path.unlink()
    n = int(next(tmp_path.glob("*.npz")).stem) + 2
    (tmp_path / "run.json").write_text((tmp_path / "run.json").read_text().replace('"n": 40', f'"n": {n}'))
    through(tmp_path, n=n)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("folder", [3, True, np.sin, ["run"]])
def test_what_is_no_path_is_no_folder(folder):
    for run in (lambda f: f(X), lambda f: grad(f)(X)):
        with pytest.raises(TypeError, match=r"^checkpoint_loop: folder must be the path of one"):
            run(lambda x: np.sum(checkpoint_loop(np.sin, x, 4, snapshots=2, folder=folder)))
    with pytest.raises(TypeError, match=r"^checkpoint_loop: folder must be"):
        checkpoint_loop(np.sin, X, 0, snapshots=2, folder=folder)


def test_a_folder_may_be_named_in_bytes(tmp_path):
    assert np.array_equal(through(os.fsencode(tmp_path)), through(None))


def test_two_loops_at_once_need_a_folder_each(tmp_path):
    loop_in = lambda x, folder: np.sum(checkpoint_loop(ticking, x, 40, 1.0, snapshots=4, folder=folder))
    with pytest.raises(ValueError, match=r"is gone.*two loops that run at once need a folder each"):
        grad(lambda x: loop_in(x, tmp_path) * loop_in(x, tmp_path))(X)
    found = grad(lambda x: loop_in(x, tmp_path / "one") * loop_in(x, tmp_path / "other"))(X)
    assert np.array_equal(found, grad(lambda x: loop_in(x, None) ** 2)(X))


def test_python_numbers_stay_what_they_are(tmp_path):
    step = lambda s, _: (s[0] + s[1], s[1] * 0.9**2, s[2] + 1, s[3] * np.float32(0.5))
    loss = lambda x, folder: sum(
        checkpoint_loop(step, (x, 2.0, 0, np.float32(1)), 30, None, snapshots=3, folder=folder)
    )
    assert grad(loss)(1.0, tmp_path) == grad(loss)(1.0, None)


def test_a_folder_is_for_one_differentiation(tmp_path):
    loss = lambda x: np.sum(checkpoint_loop(ticking, x, 40, 1.0, snapshots=4, folder=tmp_path))
    for run, mode in (
        (jacrev(grad(loss)), "reverse mode (vjp)"),
        (jacfwd(grad(loss)), "forward mode (jvp)"),
        (lambda x: vmap(grad(loss))(x[None]), "vmap"),
        (scratch_ad.compile(grad(loss)), "a compiled function"),
        (jax_ref.jit(grad(loss)), "JAX"),
    ):
        with pytest.raises(TypeError, match=f"is of {re.escape(mode)} besides: leave folder= out"):
            run(X)


def test_fingerprints_tell_functions_apart():
    def step_with(factor, other=None):
        return lambda x: x * factor + (0 if other is None else other(x))

    table = {"a": np.array([1.0, 2.0])}
    different = [
        step_with(1.0),
        step_with(2.0),
        step_with(1.0, step_with(1.0)),
        step_with(1.0, step_with(2.0)),
        step_with(table),
        step_with({"a": np.array([1.0, 3.0])}),
        step_with({"b": np.array([1.0, 2.0])}),
        lambda x: x * 1.0,
        lambda x: x * 2.0,
        functools.partial(step_with(1.0), x=1),
        functools.partial(step_with(1.0), x=2),
        np.sin,
        np.cos,
        Steps(),
        Slotted(1.0),
        Slotted(2.0),
        Slower(),
        collections.deque([1.0]),
        collections.deque([2.0]),
        {1.0},
        {2.0},
        collections.OrderedDict(a=1.0),
        collections.OrderedDict(a=2.0),
    ]
    assert len({*map(fingerprint, different)}) == len(different)
    assert fingerprint(step_with(table, np.sin)) == fingerprint(step_with({"a": np.array([1.0, 2.0])}, np.sin))
    cyclic = [1]
    cyclic.append(cyclic)
    assert fingerprint(cyclic) == fingerprint(cyclic)


def made(**names):
    """An object of a class with these attributes, whose name is always the same."""
    return type("Made", (), names)()


def with_rate(rate):
    f = lambda x: x
    f.rate = rate
    return f


def drawn(n):
    generator = np.random.default_rng(0)
    generator.normal(size=n)
    return generator


def masked(mask):
    return np.ma.array([1.0, 2.0], mask=mask)


ONE, TWO = (lambda x: x), (lambda x: x + x)
LIST, OTHER = [1], [1]
ALIKE = {  # what is to be told apart, though it was not always
    "static methods": (made(f=staticmethod(ONE)), made(f=staticmethod(TWO))),
    "class methods": (made(f=classmethod(ONE)), made(f=classmethod(TWO))),
    "properties": (made(f=property(ONE)), made(f=property(TWO))),
    "cached properties": (made(f=functools.cached_property(ONE)), made(f=functools.cached_property(TWO))),
    "operators": (made(__mul__=ONE), made(__mul__=TWO)),
    "classes": (type(made(f=ONE)), type(made(f=TWO))),
    "compiled": (scratch_ad.compile(ONE), scratch_ad.compile(TWO)),
    "transformed": (scratch_ad.grad(np.sum), scratch_ad.grad(np.sum, allow_int=True)),
    "custom_jvp": (scratch_ad.custom_jvp(ONE), scratch_ad.custom_jvp(TWO)),
    "custom_vjp": (scratch_ad.custom_vjp(ONE), scratch_ad.custom_vjp(TWO)),
    "lru_cache": (functools.lru_cache(ONE), functools.lru_cache(TWO)),
    "np.vectorize": (np.vectorize(ONE), np.vectorize(TWO)),
    "np.frompyfunc": (np.frompyfunc(ONE, 1, 1), np.frompyfunc(TWO, 1, 1)),
    "Decimal": (decimal.Decimal(1), decimal.Decimal(2)),
    "Fraction": (fractions.Fraction(1, 2), fractions.Fraction(1, 3)),
    "range": (range(2), range(3)),
    "slice": (slice(2), slice(3)),
    "timedelta": (datetime.timedelta(1), datetime.timedelta(2)),
    "array": (array.array("d", [1.0]), array.array("d", [2.0])),
    "bytearray": (bytearray(b"1"), bytearray(b"2")),
    "Generator": (drawn(1), drawn(2)),
    "masked": (masked([0, 1]), masked([1, 0])),
    "arrays of objects": (np.array([ONE, 1]), np.array([TWO, 1])),
    "fields": (np.zeros(2, [("a", "f8")]), np.zeros(2, [("b", "f8")])),
    "numbers of a user's": (type("Rate", (float,), {})(1.0), type("Rate", (float,), {})(2.0)),
    "names of arguments": (lambda a, b: a - b, lambda b, a: b - a),
    "names of libraries": (scipy.linalg.solve, np.linalg.solve, scratch_ad.scipy.linalg.solve),
    "attributes of functions": (with_rate(1), with_rate(2)),
    "tuples": (((1,), 2), ((1, 2),), (1, (2,))),
    "lists": ([[1], 2], [[1, 2]]),
    "the same list": ([LIST, OTHER, LIST], [LIST, OTHER, OTHER]),
    "the same function": ([ONE, TWO, ONE], [ONE, TWO, TWO]),
}


@pytest.mark.parametrize("alike", ALIKE.values(), ids=ALIKE)
def test_fingerprints_tell_what_looks_alike_apart(alike):
    assert len({*map(fingerprint, alike)}) == len(alike)
    assert len({fingerprint(lambda: x) for x in alike}) == len(alike)  # noqa: B023
    assert [*map(fingerprint, alike)] == [*map(fingerprint, alike)]


def test_fingerprints_follow_what_is_named_in_a_module(monkeypatch):
    module = types.ModuleType("of_a_user")
    monkeypatch.setitem(globals(), "of_a_user", module)
    step, found = (lambda x: of_a_user.f(x)), set()  # noqa: F821
    for module.f in (ONE, TWO):
        found.add(fingerprint(step))
    assert len(found) == 2


def test_fingerprints_are_those_of_another_process_and_of_a_later_call():
    program = (
        "import functools, numpy as np, random, scipy.stats, scratch_ad, threading\n"
        "from scratch_ad.fingerprints import fingerprint\n"
        "class Model:\n"
        "    def __init__(self):\n"
        "        self.parts, self.names = [threading.Lock(), scipy.stats.norm(), *DRAWS], {'a', 'b', 'c'}\n"
        "    def __call__(self, x): return np.sin(x)\n"
        "DRAWS = np.random.normal, random.random, (i for i in 'ab')\n"
        "f = functools.lru_cache(lambda x: x + 1)\n"
        "step = lambda x: (Model(), f, f2, scratch_ad.grad(f2), object_, {Model, f, 'a', 'b'})\n"
        "f2, object_ = scratch_ad.compile(np.sin), Model()\n"
        "first = fingerprint([step, {Model, f, 'a', 'b'}]); f(1); [f2(1.0) for _ in range(3)]\n"
        "assert fingerprint([step, {Model, f, 'a', 'b'}]) == first; print(first)"
    )
    run = lambda seed: subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True
    )
    first, second = run("1"), run("2")
    assert not first.stderr
    assert first.stdout == second.stdout


@pytest.mark.parametrize("how", ["exec", "sympy"])
def test_a_step_of_no_module_can_go_to_a_folder(how, tmp_path):
    names = {}
    exec("def step(x, scale): return x * scale", names)
    x, scale = sympy.symbols("x scale")
    step = names["step"] if how == "exec" else sympy.lambdify((x, scale), x * scale)
    assert np.array_equal(through(tmp_path, step=step, scale=2.0), np.full(3, 2.0**40))


@dataclasses.dataclass(slots=True)
class Slotted:
    rate: float


class Slower(Steps):
    rate = 0.5


def test_contractions_are_computed_again_to_the_last_bit():
    """Those of a gradient, which go by a product of matrices, be it differentiated once more or not."""
    f = lambda x: np.sum(np.einsum("ij,kj->ik", x, x) ** 2)
    x = np.random.default_rng(0).normal(size=(3, 4))
    expected = scratch_ad.hessian(f)(x)
    np.testing.assert_allclose(scratch_ad.jacrev(scratch_ad.grad(scratch_ad.checkpoint(f)))(x), expected, rtol=1e-12)
