"""The public checks: what is right passes, what is wrong is found, and the message says all that is known."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads as jax_check_grads

import scratch_ad
from jax_ref.checks.check import check, check_custom, check_engine, check_grads, check_jvp, check_vjp
from jax_ref.engines.ready import OURS, REVERSE, Engine
from jax_ref.measure.derivatives import Problem, findings, references
from jax_ref.measure.vectors import vectors
from jax_ref.referee.judge import judged

pytestmark = pytest.mark.usefixtures("unvaried")

X = np.array([0.5, -1.25, 2.0])
DTYPES = ("float32", "float64")


def message(check, *args, **options):
    with pytest.raises(AssertionError) as error:
        check(*args, **options)
    return str(error.value)


def softplus(x):
    return np.logaddexp(x, 0)


def softplus_vjp(x, factor=1):
    slope = 1 / (1 + np.exp(-x))
    return np.logaddexp(x, 0), lambda g: ((factor * g * slope).astype(x.dtype),)


def softplus_jvp(primals, tangents, factor=1):
    (x,), (t,) = primals, tangents
    return np.logaddexp(x, 0), (factor * t / (1 + np.exp(-x))).astype(x.dtype)


def wrong_vjp(x):
    return softplus_vjp(x, 2)


def wrong_jvp(primals, tangents):
    return softplus_jvp(primals, tangents, 2)


def doubled():
    """The engine ours, whose derivatives are twice too large."""

    def vjp(f, *primals):
        out, pullback = scratch_ad.vjp(f, *primals)
        return out, lambda g: tuple(2 * c for c in pullback(g))

    return Engine("doubled", vjp=vjp)


# check


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_right_function_passes(dtype):
    assert check(lambda a, b: np.sum(np.tanh(a) * b), X.astype(dtype), X.astype(dtype)).ok


def test_containers_and_integers_that_are_held_fixed():
    parameters = {"w": X, "power": 3, "at": np.array([2, 0])}
    assert check(lambda p, n: [p["w"] ** p["power"], p["w"][p["at"]] * n], parameters, 2).ok


def test_an_output_that_is_an_integer_has_no_derivative():
    assert check(lambda x: (np.argmax(x), x * x), X).ok


@pytest.mark.parametrize("f", [lambda x: None, lambda x: [], np.argmax, lambda x: x > 0])
def test_a_function_that_returns_nothing_to_differentiate_is_refused(f):
    with pytest.raises(TypeError, match="returns nothing to differentiate"):
        check(f, X)
    with pytest.raises(TypeError, match="returns nothing to differentiate"):
        check_vjp(softplus_vjp, f, X)


@pytest.mark.parametrize(("f", "args"), [(lambda: 1.0, ()), (np.floor, (np.arange(3),)), (lambda x: 1.0, (None,))])
def test_arguments_that_are_none_to_differentiate_are_refused(f, args):
    with pytest.raises(TypeError, match="no argument to differentiate"):
        check(f, *args)
    with pytest.raises(TypeError, match="no argument to differentiate"):
        check_jvp(softplus_jvp, f, *args)


def test_a_python_integer_stays_one():
    """As an integer of NumPy's it would widen float32."""
    assert check(lambda x, n: x * n, X.astype("float32"), 3).dtypes == "float32"


@pytest.mark.usefixtures("made_small")
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_wrong_engine_is_found(dtype):
    text = message(check, softplus, X.astype(dtype), engine=doubled())
    for part in ("softplus by doubled at " + dtype, "vjp, argument 0", "ratio 2", "3 of 3 wrong", "|difference|"):
        assert part in text
    for part in (
        "hint: constant ratio 2",
        "referee: JAX is right",
        "smallest: np.array([1.0]",
        "; jax_ref.check(test_checks.softplus, ",
    ):
        assert part in text
    assert f"JAX {jax.__version__}, NumPy {np.__version__}" in text


def test_the_error_holds_the_result():
    with pytest.raises(AssertionError) as error:
        check(softplus, X, engine=doubled())
    (result,) = error.value.args
    assert result.engine == "doubled" and {finding.what for finding in result.findings} > {"vjp"}


def test_the_line_reruns_the_case():
    text = message(check_vjp, wrong_vjp, softplus, X)
    line = next(part for part in text.splitlines() if "rerun: " in part).partition("rerun: ")[2]
    with pytest.raises(AssertionError, match="ratio 2"):
        exec(line, {})


def test_modes_and_orders():
    assert check(softplus, X, engine=REVERSE).ok
    assert check(softplus, X, modes="fwd", order=1).ok
    assert check(softplus, X, engine="scratch_ad-forward").ok
    with pytest.raises(ValueError, match="'fwd' or 'rev'"):
        check(softplus, X, modes=("forward",))
    with pytest.raises(ValueError, match="none of the modes"):
        check(softplus, X, engine=REVERSE, modes="fwd")
    with pytest.raises(ValueError, match="order is 1 or 2"):
        check(softplus, X, order=3)
    with pytest.raises(ValueError, match="no engine"):
        check(softplus, X, engine="none")


def test_what_an_engine_lacks_is_told():
    def lacking(f, *primals):
        raise NotImplementedError("no sine here")

    assert "no rule: no sine here" in message(check, np.sin, X, engine=Engine("lacking", vjp=lacking))


# special points


@pytest.mark.parametrize("dtype", DTYPES)
def test_right_at_special_points(dtype):
    assert check(np.tanh, X.astype(dtype), edges=True).ok
    assert check(lambda x: np.maximum(x, 0), X.astype(dtype), edges=True).ok


def abs_with(at_zero):
    def vjp(x):
        return np.abs(x), lambda g: (g * np.where(x == 0, at_zero, np.copysign(1, x)).astype(x.dtype),)

    vjp.__name__ = "abs_vjp"
    return vjp


def test_any_slope_at_a_kink_is_right():
    """JAX has 1 for the slope of |x| at zero; the referee takes all from -1 to 1."""
    assert check_vjp(abs_with(0.0), np.abs, X, edges=True).excused
    assert "referee: JAX is right" in message(check_vjp, abs_with(3.0), np.abs, X, edges=True)


def test_subgradients_that_add_up_to_too_much_are_wrong():
    """Each of two tied numbers may have the whole derivative, but not both."""

    def at_ties(x):
        return np.max(x), lambda g: (g * (x == np.max(x)),)

    def to_the_first(x):
        return np.max(x), lambda g: (g * (np.arange(x.size) == np.argmax(x)),)

    tied = np.array([2.0, 2.0, 1.0])
    assert check_vjp(to_the_first, np.max, tied).excused
    assert "sum" in message(check_vjp, at_ties, np.max, tied)


def test_two_kinks_are_independent():
    """The slopes at both bounds may be any from 0 to 1, whatever the other is."""

    def closed(x):
        return np.clip(x, 0, 1), lambda g: (g * ((x >= 0) & (x <= 1)),)

    assert check_vjp(closed, lambda x: np.clip(x, 0, 1), np.array([0.0, 1.0, 0.5])).excused


def test_a_point_where_the_function_raises_is_left_out():
    def inverse(x):
        return np.linalg.inv(x)

    assert check(inverse, np.array([[2.0, 0.5], [0.25, 1.5]]), modes="rev", order=1).ok


def test_judged_says_who_is_right():
    given = vectors(np.sin, (X,), "0")
    problem = Problem(np.sin, given, 1)
    (reference,) = references([problem])
    wrong = doubled()
    found, excused = judged(problem, reference, findings(wrong, problem, reference))
    assert not excused
    assert any("JAX is right" in finding.verdict for finding in found)


# one rule


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reference", [softplus, lambda x: jnp.logaddexp(x, 0)], ids=["numpy", "jax"])
def test_a_rule_of_either_mode(dtype, reference):
    x = X.astype(dtype)
    assert check_vjp(softplus_vjp, reference, x).ok
    assert check_jvp(softplus_jvp, reference, x).ok
    assert "ratio 2" in message(check_vjp, wrong_vjp, reference, x)
    assert "ratio 2" in message(check_jvp, wrong_jvp, reference, x)


def test_a_rule_with_integers():
    def power_vjp(x, n, table):
        return x**n * table[0], lambda g: (g * n * x ** (n - 1) * table[0], None, None)

    def power_jvp(primals, tangents):
        x, n, table = primals
        assert tangents[1].dtype == jax.dtypes.float0
        return x**n * table[0], tangents[0] * n * x ** (n - 1) * table[0]

    power = lambda x, n, table: x**n * table[0]
    assert check_vjp(power_vjp, power, X, 3, np.array([2, 5])).ok
    assert check_jvp(power_jvp, power, X, 3, np.array([2, 5])).ok


def test_dtype_and_shape_of_a_cotangent():
    x = X.astype("float32")
    wide = lambda x: (softplus(x), lambda g: (g / (1 + np.exp(-x.astype("float64"))),))
    flat = lambda x: (x + 0 * X, lambda g: (g,))
    assert "dtype float64, not float32" in message(check_vjp, wide, softplus, x)
    assert "shape" in message(check_vjp, flat, lambda x: x + 0 * X, X[:1])


def test_a_value_of_another_dtype():
    f = jax.custom_jvp(lambda x: jnp.sin(x))
    f.defjvp(lambda primals, tangents: (f(*primals), jnp.cos(primals[0]) * tangents[0]))
    assert "value: f gives dtype float64 when run plainly, dtype float32 under f" in message(
        check_custom, f, lambda x: np.sin(x) * np.float64(1), X.astype("float32")
    )


# rules in JAX and PyTorch


@jax.custom_vjp
def right_in_reverse(x, n):
    return jnp.sin(x) * n


right_in_reverse.defvjp(lambda x, n: (jnp.sin(x) * n, (x, n)), lambda kept, g: (g * jnp.cos(kept[0]) * kept[1], None))


@jax.custom_vjp
def wrong_in_reverse(x, n):
    return jnp.sin(x) * n


wrong_in_reverse.defvjp(lambda x, n: (jnp.sin(x) * n, (x, n)), lambda kept, g: (g * jnp.cos(kept[0]), None))


@jax.custom_jvp
def sine(x):
    return jnp.sin(x)


sine.defjvp(lambda primals, tangents: (sine(*primals), jnp.cos(primals[0]) * tangents[0]))


@jax.custom_jvp
def doubled_sine(x):
    return jnp.sin(x)


doubled_sine.defjvp(lambda primals, tangents: (doubled_sine(*primals), 2 * jnp.cos(primals[0]) * tangents[0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_rules_of_jax(dtype):
    x = X.astype(dtype)
    assert check_custom(right_in_reverse, lambda x, n: np.sin(x) * n, x, 3).ok
    assert check_custom(right_in_reverse, lambda x, n: jnp.sin(x) * n, x, 3).ok
    assert check_custom(sine, np.sin, x).ok
    assert check_custom(jax.jit(lambda x: 2 * sine(x)), lambda x: 2 * np.sin(x), x).ok
    assert "ratio 0.333" in message(check_custom, wrong_in_reverse, lambda x, n: np.sin(x) * n, x, 3)
    assert "ratio 2" in message(check_custom, doubled_sine, jnp.sin, x)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_a_function_of_pytorch():
    torch = pytest.importorskip("torch", reason="torch comes with the extra bench")

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0].conj()

    class Half(Square):
        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0].conj()

    for x in (X, X.astype("float32"), X + 1j):
        assert check_custom(Square, np.square, x).ok
        assert "ratio 0.5" in message(check_custom, Half, np.square, x)


# in place of jax.test_util.check_grads


def test_a_factor_of_two_that_jax_test_util_lets_pass():
    """Its tolerances are multiplied by the size of the array: see jax issue 3130."""
    x = np.random.default_rng(0).normal(size=1000).astype("float32")
    jax_check_grads(doubled_sine, (jnp.asarray(x),), order=1, modes=("fwd",))
    assert "ratio 2" in message(check_grads, doubled_sine, (x,), order=1, modes=("fwd",))


def test_check_grads_on_plain_numpy():
    assert check_grads(softplus, (X,), 2, ["rev"]).ok
    assert check_grads(sine, (X,)).ok


@pytest.mark.parametrize("tolerance", ["atol", "rtol", "eps"])
def test_check_grads_refuses_tolerances(tolerance):
    with pytest.raises(TypeError, match="leave out"):
        check_grads(softplus, (X,), **{tolerance: 1e-3})


# the catalogue


def test_an_engine_on_the_catalogue():
    assert all(result.ok for result in check_engine(OURS, ("sin", "maximum"), ("float64",)))
    text = message(check_engine, doubled(), ("sin",), ("float64",))
    assert "np.sin by doubled" in text and "ratio 2" in text


def test_a_kink_of_the_catalogue_is_excused():
    """autograd has 0 for the slope of |x| at zero."""
    pytest.importorskip("autograd", reason="autograd comes with the extra bench")
    results = check_engine("autograd", ("absolute",), ("float64",), order=1)
    assert any(result.excused for result in results)


def scaled(factor):
    @jax.custom_vjp
    def f(x, n):
        return jnp.sin(x) * n

    f.defvjp(lambda x, n: (jnp.sin(x) * n, (x, n)), lambda r, g: (g * r[1] * factor * jnp.cos(r[0]), None))
    return f


def test_a_custom_rule_gets_cotangents_that_are_jax_arrays():
    """A residual that is a Python number would widen NumPy's float32."""
    assert check_custom(scaled(1), lambda x, n: np.sin(x) * n, X.astype("float32"), 2).ok


@pytest.mark.usefixtures("made_small")
def test_the_smallest_case_beside_an_argument_that_is_a_function():
    rule = scaled(2)
    text = message(check_custom, lambda x, g: rule(g(x), 2), lambda x, g: np.sin(x) * 2, X, lambda x: x)
    assert "constant ratio 2" in text and "smallest: np.array([" in text


def test_rules_that_come_on_demand_are_no_engines_doing():
    """SciPy's modules are imported when they are named, and their rules with them."""
    code = """
import numpy as np, jax_ref
from scratch_ad import scipy
print(jax_ref.check(lambda x: scipy.ndimage.laplace(x), np.ones(4), order=1, reference_by="differences"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ": right" in done.stdout, done.stderr
