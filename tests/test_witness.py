"""The plain run is the first witness: what a function gives under an engine is what it gives without."""

import jax
import jax.numpy as jnp
import numpy as np
import optree
import pytest

import scratch_ad
from jax_ref.checks.check import check, check_custom, check_jvp, check_vjp
from jax_ref.engines.ready import NUMERICAL, OURS, Engine
from jax_ref.measure.tolerances import differences

X = np.array([0.5, -1.25, 2.0])


def message(check, *args, **options):
    with pytest.raises(AssertionError) as error:
        check(*args, **options)
    return str(error.value)


def engine(value=lambda y: y, cotangent=lambda c: c, **options):
    """Our reverse mode, with something else made of its values and cotangents."""

    def vjp(f, *primals):
        out, pullback = scratch_ad.vjp(f, *primals)
        return optree.tree_map(value, out), lambda g: tuple(map(cotangent, pullback(g)))

    return Engine("other", vjp=vjp, order=1, **options)


def is_plain(x):
    return type(x) is np.ndarray


# Values


def of_another_type(x):
    return np.sum(x) * (4 if is_plain(x) else 2)


def test_a_value_that_is_not_the_plain_run_s():
    text = message(check, of_another_type, X, vary=False)
    for mode in ("jvp", "vjp"):
        assert f"value: f gives 5.0 when run plainly, 2.5 under scratch_ad's {mode}; |difference| 2.5" in text
    assert "value: f gives 5.0 when run plainly, 2.5 under jax's" in message(check, of_another_type, X, engine="jax")


@pytest.mark.parametrize(
    ("f", "form"),
    [
        (lambda x: (x * 2,) if is_plain(x) else [x * 2], "container (array,) when run plainly, container [array]"),
        (
            lambda x: {"a": x} if is_plain(x) else {"b": x},
            "container {'a': array} when run plainly, container {'b': array}",
        ),
        (lambda x: x[None] * 1 if is_plain(x) else x * 1, "shape (1, 3) when run plainly, shape (3,)"),
        (lambda x: x.astype("f4") if is_plain(x) else x * 1, "dtype float32 when run plainly, dtype float64"),
        (lambda x: (7 if is_plain(x) else 8, x * 1), "7 when run plainly, 8"),
        (lambda x: {"name": "a" if is_plain(x) else "b", "y": x * 1}, "'a' when run plainly, 'b'"),
        (lambda x: [None if is_plain(x) else 0, x * 1], "None when run plainly, 0"),
    ],
)
def test_container_shape_dtype_and_what_is_held_fixed(f, form):
    assert f"value: f gives {form} under scratch_ad" in message(check, f, X, vary=False)


@pytest.mark.parametrize("check_one", [check_vjp, check_jvp])
def test_a_rule_whose_value_is_wrong(check_one):
    vjp = lambda x: (2 * np.sin(x), lambda g: (g * np.cos(x),))
    jvp = lambda x, t: (2 * np.sin(x[0]), np.cos(x[0]) * t[0])
    rule = vjp if check_one is check_vjp else jvp
    assert "]: f gives 0.84" in message(check_one, rule, np.sin, np.ones(3), vary=False)


def test_a_jax_function_whose_value_is_wrong():
    f = jax.custom_jvp(lambda x: jnp.sin(x) + 1e-9)
    f.defjvps(lambda t, y, x: jnp.cos(x) * t)
    text = message(check_custom, f, np.sin, X, vary=False)
    assert "when run plainly" in text and "under f;" in text


def test_an_engine_that_runs_numpy_may_differ_in_the_last_digits_and_that_is_told():
    ulp = engine(lambda y: np.nextafter(y, np.inf), exact=True)
    assert "though its value is not the plain run's in the last digits (f gives" in str(check(np.sin, X, engine=ulp))
    assert "last digits" not in str(check(np.sin, X)) and OURS.exact and NUMERICAL.exact
    some = engine(lambda y: y * (1 + 2e-14), exact=True)  # within the tolerance of other engines
    assert "when run plainly" in message(check, np.tanh, X, engine=some, vary=False)
    assert check(np.tanh, X, engine=engine(lambda y: y * (1 + 2e-15))).ok
    signs = engine(lambda y: -y if np.ndim(y) else y, exact=True)
    assert "the sign of zero" in message(check, lambda x: x * 0.0, np.ones(2), engine=signs, vary=False)


def test_jax_runs_another_program():
    """Its derivatives are then no reference: plain runs, a little apart, are."""

    def doubled(x):
        return x * 2 if is_plain(x) else x

    found = check(doubled, X, engine="numerical", order=1, vary=False)
    assert found.ok and found.excused
    plain = Engine("plain", vjp=lambda f, *x: (f(*x), scratch_ad.vjp(f, *x)[1]), order=1)
    text = message(check, doubled, X, engine=plain, vary=False)
    assert "under JAX: JAX differentiates another program" in text and "contradict plain" in text


def test_rounding_that_xla_leaves_out_is_no_other_program():
    assert check(lambda x: (x + 1) - 1, X * 1e-17, vary=False).ok


# The function itself


def test_a_function_that_is_not_deterministic():
    rng = np.random.default_rng()
    with pytest.raises(ValueError, match=r"^f is not deterministic: two plain runs give .* and then .*; seed "):
        check(lambda x: np.sum(x * rng.normal(size=3)), X)
    with pytest.raises(ValueError, match="not deterministic"):
        check_vjp(lambda x: (x, lambda g: (g,)), lambda x: x + rng.normal(), X)
    with pytest.raises(ValueError, match=r"not deterministic: two plain runs give \d and then \d;"):
        count = iter(range(99))
        check(lambda x: (next(count), x * 1), X)


def test_a_function_that_depends_on_how_often_it_was_called():
    def told(changing_at):
        calls = []

        def f(x):
            calls.append(1)
            return x * (1 if len(calls) < changing_at else 2)

        try:
            return str(check(f, X, vary=False))
        except (AssertionError, ValueError) as error:
            return str(error)

    said = "".join(map(told, range(4, 9)))
    assert "before and after the engine: one of them changes what f depends on" in said


def test_an_engine_that_changes_what_the_function_depends_on():
    scale = np.ones(3)

    def vjp(f, *primals):
        scale[...] = 2
        return scratch_ad.vjp(f, *primals)

    text = message(check, lambda x: x * scale, X, engine=Engine("changing", vjp=vjp, order=1), vary=False)
    assert "before and after the engine" in text


def test_a_function_that_writes_into_its_arguments():
    def f(x):
        x[0] = 2 * x[1]
        return np.sum(x * x)

    x = X.copy()
    assert check(f, x).ok
    np.testing.assert_array_equal(x, X)
    naive = Engine("naive", vjp=lambda f, *x: (f(*x), scratch_ad.vjp(f, *x)[1]), order=1)
    assert "f itself writes into its arguments" in message(check, f, X.copy(), engine=naive, vary=False)


@pytest.mark.parametrize(
    ("f", "kind"),
    [
        (lambda x: None, "it returns None;"),
        (lambda x: "text", "it returns str;"),
        (lambda x: ["text", None, 3], "it returns str, None, int;"),
        (lambda x: {}, "it returns an empty dict;"),
        (lambda x: {1.0}, "it returns set;"),
    ],
)
def test_what_a_function_returns_instead_of_numbers_is_named(f, kind):
    with pytest.raises(TypeError, match=f"nothing to differentiate: {kind}"):
        check(f, X)


def test_what_a_function_itself_raises_is_not_the_engine_s():
    def f(x):
        raise KeyError("no such thing")

    with pytest.raises(KeyError, match="no such thing") as error:
        check(f, X)
    assert error.value.__notes__[0].startswith("f raises this itself, when it is run plainly at these arguments")


# Both of two differences


def test_a_dtype_does_not_hide_a_wrong_value():
    wide = lambda c: 2 * c.astype("float64")
    text = message(check, np.sin, X.astype("float32"), engine=engine(cotangent=wide), vary=False)
    assert "vjp, argument 0: dtype float64, not float32" in text and "dtype drift" in text
    assert "ratio 2; |difference|" in text and "constant ratio 2" in text
    only = message(
        check, np.sin, X.astype("float32"), engine=engine(cotangent=lambda c: c.astype("float64")), vary=False
    )
    assert "dtype float64, not float32" in only and "ratio" not in only


def test_numbers_of_another_dtype_are_as_exact_as_the_coarser_of_both():
    exact = np.array([0.1, 0.2])
    assert [d.problem for d in differences(exact.astype("f4"), exact)] == ["dtype float32, not float64"]
    assert len(differences(exact.astype("f4") * np.float32(1.001), exact)) == 2
    assert len(differences(np.array([1, 2]), np.array([1.0, 2.0]))) == 1
