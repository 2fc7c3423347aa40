"""``jax_ref.first_nan``: the operation that first made a nan, in our engines and in JAX's programs, side by side."""

import linecache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jax_ref import first_nan
from jax_ref.measure.walk import walk

x = np.array([1.0, 0.0])


def source(origin):
    return linecache.getline(origin.file, origin.line)


def both(found, channel):
    return [origins for of in found if of for origins in [[o for o in of.origins if o.channel == channel]]]


def test_a_numpy_function_side_by_side():
    def f(x):
        y = np.sqrt(x)  # here
        return np.sum(np.where(x > 0, y, 0))

    found = first_nan(f, x)
    ours, theirs = both(found, "cotangents")
    assert [(o.kind, o.function, o.index) for o in ours] == [("nan", "np.sqrt", (1,))]
    assert [(o.kind, o.function, o.index) for o in theirs] == [("inf", "div", (1,)), ("nan", "mul", (1,))]
    assert (
        theirs[1].why == "mul of 0.0 and inf gives nan" and "np.where(m, g(np.where(m, x, 1)), 0)" in theirs[1].remedy
    )
    assert all(o.file == __file__ and "# here" in source(o) for o in (*ours, *theirs))
    assert str(found).startswith("scratch_ad:\n    tangents: ") and "\nJAX:\n    tangents: " in str(found)
    assert both(found, "values") == [[], []]


def test_a_function_in_jax_numpy():
    def f(tree):
        y = jnp.log(tree["a"][0])  # first
        return jnp.sum(y * tree["a"][0])  # then

    found = first_nan(f, {"a": [x], "n": 3})
    assert found.ours is None and "scratch_ad:" not in str(found)
    first, then = both(found, "values")[0]
    assert (first.kind, first.function, first.arguments) == ("inf", "log", (0.0,)) and "# first" in source(first)
    assert (then.kind, then.function) == ("nan", "mul") and "# then" in source(then)


@pytest.mark.parametrize("f", [lambda x: np.sum(np.sin(x)), lambda x: jnp.sum(jnp.sin(x))], ids=["np", "jnp"])
def test_none_is_said_to_be_none(f):
    found = first_nan(f, x)
    assert not found
    assert str(found).endswith("JAX:\n    No call made a nan or an infinity, in values, tangents or cotangents.")


def test_what_is_given_is_named_and_is_no_origin():
    found = first_nan(lambda x: jnp.exp(-x), np.array([np.inf, np.nan]))
    assert not found and found.jax.notes == ("Argument 0[1] is nan to begin with.",)
    assert not first_nan(lambda x: np.exp(-x), np.array([np.inf, 1.0])).ours
    origin = first_nan(lambda x: x - x, np.array([1.0, np.inf])).jax.of("values")
    assert (origin.kind, origin.function, origin.index) == ("nan", "sub", (1,))


@jax.jit
def compiled(x):
    return jnp.log(x)  # inside


def test_the_line_is_that_of_the_call_and_not_of_the_first_that_was_compiled():
    def f(x):
        other = jnp.linalg.norm(x + 1)
        return other + jnp.linalg.norm(x)  # here

    for _ in range(2):
        origin = first_nan(f, 0 * x).jax.of("cotangents")
        assert "# here" in source(origin)
    compiled(x + 1)
    assert "# inside" in source(first_nan(lambda x: compiled(x), x).jax.of("values"))


def scanned(x):
    return jax.lax.scan(lambda c, v: (c + jnp.log(v), c), 0.0, x)[0]


def backwards(x):
    return jax.lax.scan(lambda c, v: (c + jnp.log(v), c), 0.0, x, reverse=True)[1]


def branched(x):
    return jax.lax.cond(x[0] > 0, jnp.log, jnp.sin, x)


def looped(x):
    return jax.lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.log(s[1])), (0, x))[1]


@pytest.mark.parametrize("f", [scanned, backwards, branched, looped, jax.checkpoint(jnp.log)])
def test_branches_and_loops(f):
    found = first_nan(lambda x: f(x), x)
    origin = found.jax.of("values")
    assert (origin.kind, origin.function, origin.arguments) == ("inf", "log", (0.0,))
    given = [jnp.asarray(x)]
    closed = jax.make_jaxpr(f)(*given)
    results = walk(closed, given, lambda path, inputs, found: found, into_loops=True)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(results, jax.tree.leaves(f(*given)), strict=True))


def test_a_loop_of_no_steps():
    assert not first_nan(backwards, np.zeros(0))


def test_a_mode_that_there_is_not_is_said():
    @jax.custom_vjp
    def f(x):
        return x * 2

    f.defvjp(lambda x: (x * 2, x), lambda x, g: (g / x,))
    found = first_nan(lambda x: f(x), x)
    assert found.jax.of("cotangents").function == "div"
    assert any(note.startswith("The tangents are not known: TypeError: can't apply") for note in found.jax.notes)


def test_integers_are_held_fixed():
    found = first_nan(lambda n, x: x / (n - 1), 1, x)
    assert [origin.kind for origin in both(found, "values")[1]] == ["nan"]


def test_errors_of_the_function_are_its_own():
    with pytest.raises(KeyError):
        first_nan(lambda x: {}["key"], x)
