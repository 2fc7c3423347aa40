"""A custom rule must have been called: in whatever a function wraps it; and its second derivatives are asked."""

import cProfile
import functools
import math
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import scratch_ad
from jax_ref.checks.check import check, check_custom, check_grads, check_jvp, check_vjp

pytestmark = [
    pytest.mark.usefixtures("unvaried"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning"),
]

X = np.array([0.5, -1.25, 2.0])


def wrong(check, *args, match="", **options):
    with pytest.raises(AssertionError, match=match) as error:
        check(*args, **options)
    return str(error.value)


# rules of JAX's users and ours


def jax_vjp(factor):
    @jax.custom_vjp
    def sine(x):
        return jnp.sin(x)

    sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (factor * g * jnp.cos(x),))
    return sine


def jax_jvp(factor):
    @jax.custom_jvp
    def sine(x):
        return jnp.sin(x)

    sine.defjvp(lambda primals, tangents: (sine(*primals), factor * jnp.cos(primals[0]) * tangents[0]))
    return sine


def our_vjp(factor):
    @scratch_ad.custom_vjp
    def sine(x):
        return np.sin(x)

    sine.defvjp(lambda x: (np.sin(x), x), lambda x, g: (factor * g * np.cos(x),))
    return sine


def our_jvp(factor):
    @scratch_ad.custom_jvp
    def sine(x):
        return np.sin(x)

    sine.defjvp(lambda primals, tangents: (np.sin(primals[0]), factor * np.cos(primals[0]) * tangents[0]))
    return sine


def our_partials(factor):
    return scratch_ad.elementwise(lambda x: 1.0 * np.sin(x), lambda x: factor * np.cos(x))


WRAPPED = {  # what calls the rule, the same without it, and what it is given
    "itself": (lambda s: s, np.sin, X),
    "a lambda": (lambda s: lambda x: 2 * s(x), lambda x: 2 * np.sin(x), X),
    "partial": (lambda s: functools.partial(lambda a, x: a * s(x), 3.0), lambda x: 3 * np.sin(x), X),
    "containers": (lambda s: lambda d: {"y": [s(d["a"][0])]}, lambda d: {"y": [np.sin(d["a"][0])]}, {"a": [X]}),
}
OF_JAX = {
    "jit": (lambda s: jax.jit(lambda x: 2 * jax.jit(s)(x)), lambda x: 2 * np.sin(x), X),
    "remat": (lambda s: jax.checkpoint(lambda x: 2 * s(x)), lambda x: 2 * np.sin(x), X),
    "vmap": (lambda s: jax.vmap(s), np.sin, X),
    "scan": (
        lambda s: lambda x: jax.lax.scan(lambda c, _: (s(c), None), x, None, 2)[0],
        lambda x: np.sin(np.sin(x)),
        X,
    ),
    "cond": (lambda s: lambda x: jax.lax.cond(x[0] > 0, s, lambda x: x, x), np.sin, X),
}
CASES = [(rule, name, WRAPPED[name]) for rule in (jax_vjp, our_vjp) for name in WRAPPED]
CASES += [(rule, "a lambda", WRAPPED["a lambda"]) for rule in (jax_jvp, our_jvp, our_partials)]
CASES += [((jax_vjp, jax_jvp)[k % 2], name, OF_JAX[name]) for k, name in enumerate(OF_JAX)]


@pytest.mark.parametrize(("rule", "wrapping", "case"), CASES, ids=lambda x: getattr(x, "__name__", x) if x else "")
def test_a_rule_is_called_in_whatever_wraps_it(rule, wrapping, case):
    wrap, reference, x = case
    assert check_custom(wrap(rule(1)), reference, x, order=1).ok
    wrong(check_custom, wrap(rule(50)), reference, x, order=1, match="ratio")
    if wrapping == "a lambda":
        assert check_grads(wrap(rule(1)), (x,)).ok
        wrong(check_grads, wrap(rule(50)), (x,), order=1, match="ratio")
        wrong(check, wrap(rule(50)), x, order=1, match="ratio")


def test_a_profiler_goes_on():
    def unprofiled(x):
        sys.setprofile(None)
        return np.sin(x), lambda g: (g * np.cos(x),)

    with cProfile.Profile():
        before = sys.getprofile()
        assert check_custom(our_vjp(1), np.sin, X, order=1).ok and sys.getprofile() is before
        assert check_vjp(unprofiled, np.sin, X, order=1).ok and sys.getprofile() is before


@pytest.mark.parametrize(
    "f",
    [np.sin, jnp.sin, lambda x: jax_vjp(1)(jnp.ones(3)) * x, lambda x: our_vjp(1)(np.ones(3)) * x],
    ids=["NumPy's", "JAX's", "a rule of JAX's at a constant", "a rule of ours at a constant"],
)
def test_where_no_rule_is_met_there_is_nothing_to_check(f):
    """A rule of a constant is not met either."""
    with pytest.raises(TypeError, match="go through no custom rule: give it"):
        check_custom(f, np.sin, X)


def test_jax_is_not_compared_with_itself():
    for checks in (lambda f: check_grads(f, (X,)), lambda f: check(f, X)):
        with pytest.raises(TypeError, match="compared with itself: write it in calls of NumPy"):
            checks(jnp.sin)
    assert check_grads(np.sin, (X,)).ok


# second order of rules in NumPy calls


def cubic_vjp(hidden=lambda x: x):
    return lambda x: (x**3, lambda g: (3 * g * hidden(x) ** 2,))


def cubic_jvp(hidden=lambda x: x):
    return lambda primals, tangents: (primals[0] ** 3, 3 * hidden(primals[0]) ** 2 * tangents[0])


@pytest.mark.parametrize("by", ["jax", "differences"])
def test_a_rule_in_numpy_calls_is_differentiated_once_more(by):
    cube = lambda x: x**3
    for checks, rule in ((check_vjp, cubic_vjp), (check_jvp, cubic_jvp)):
        assert "first order" not in str(checks(rule(), cube, X, reference_by=by))
        text = wrong(checks, rule(scratch_ad.stop_gradient), cube, X, reference_by=by, match="second order only")
        assert "jvp of" in text
        assert checks(rule(scratch_ad.stop_gradient), cube, X, order=1, reference_by=by).ok


def test_a_rule_in_jax_calls_is_differentiated_by_jax():
    rule = lambda hidden: lambda x: (jnp.sin(x), lambda g: (g * jnp.cos(hidden(x)),))
    assert "first order" not in str(check_vjp(rule(lambda x: x), np.sin, X))
    wrong(check_vjp, rule(jax.lax.stop_gradient), np.sin, X, match="second order only")


def test_where_a_rule_cannot_be_differentiated_the_result_says_so():
    plain = lambda x: np.array([math.cos(float(v)) for v in x])
    text = str(check_vjp(lambda x: (np.sin(x), lambda g: (g * plain(x),)), np.sin, X))
    assert "right; first order only: TypeError: float takes plain numbers" in text
    text = wrong(check_vjp, lambda x: (np.sin(x), lambda g: (2 * g * plain(x),)), np.sin, X, match="ratio 2")
    assert "first order only" in text


def test_the_transpose_of_what_is_right_at_a_kink_is_right():
    to_the_first = lambda x: (np.max(x), lambda g: (g * (np.arange(x.size) == np.argmax(x)),))
    assert check_vjp(to_the_first, np.max, np.array([2.0, 2.0, 1.0])).excused


# PyTorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch comes with the extra bench")


def cubes(torch, backward, kept=lambda x: x):
    """The class of a rule for x³ whose ``backward(g, x)`` gets what it kept of x."""

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(kept(x))
            return x**3

    Cube.backward = staticmethod(lambda ctx, g: backward(g, *ctx.saved_tensors))
    return Cube


def cube(x):
    return x**3


def test_a_rule_of_pytorch_is_called_in_whatever_wraps_it(torch):
    right, fifty = (cubes(torch, lambda g, x, k=k: k * 3 * g * x**2) for k in (1, 50))
    wrappings = {
        "the class": (lambda s: s, cube, X),
        "apply": (lambda s: s.apply, cube, X),
        "bound": (lambda s: functools.partial(s.apply), cube, X),
        "partial": (lambda s: functools.partial(lambda a, x: a * s.apply(x), 3.0), lambda x: 3 * x**3, X),
        "a lambda": (lambda s: lambda x: 2 * s.apply(torch.sin(x)), lambda x: 2 * np.sin(x) ** 3, X),
        "containers": (lambda s: lambda d: {"y": [s.apply(d["a"])]}, lambda d: {"y": [d["a"] ** 3]}, {"a": X}),
    }
    for wrap, reference, x in wrappings.values():
        for checks, *args in ((check_custom, reference, x), (check_grads, (x,)), (check, x)):
            assert checks(wrap(right), *args).ok
            wrong(checks, wrap(fifty), *args, match="ratio 50", order=1)


def test_a_function_of_tensors_that_meets_no_rule(torch):
    with pytest.raises(TypeError, match="go through no custom rule"):
        check_custom(torch.sin, np.sin, X)
    unused = cubes(torch, lambda g, x: g)
    with pytest.raises(TypeError, match="go through no custom rule"):
        check_custom(lambda x: unused.apply(x.detach()) + x, lambda x: x**3 + x, X)
    with pytest.raises(TypeError, match=r"no torch\.autograd\.Function, so that there is no rule to check"):
        check_grads(lambda x: torch.sin(x), (X,))


def test_integers_and_constants_of_a_rule_of_pytorch(torch):
    class Taken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, index, n):
            ctx.index, ctx.shape, ctx.n = index, x.shape, n
            return x[index] * n

        @staticmethod
        def backward(ctx, g):
            return torch.zeros(ctx.shape, dtype=g.dtype).index_put((ctx.index,), ctx.n * g), None, None

    assert check_custom(Taken.apply, lambda x, index, n: x[index] * n, X, np.array([2, 0]), 3).ok


def test_forward_rules_of_pytorch(torch):
    def with_jvp(factor):
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(x):
                return x**3

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)
                ctx.save_for_forward(*inputs)

            @staticmethod
            def backward(ctx, g):
                return 3 * g * ctx.saved_tensors[0] ** 2

            @staticmethod
            def jvp(ctx, t):
                return factor * 3 * t * ctx.saved_tensors[0] ** 2

        return Cube

    assert check_custom(with_jvp(1), cube, X).ok
    assert "  jvp, " in wrong(check_custom, with_jvp(2), cube, X, match="ratio 2")


@pytest.mark.parametrize("checks", [lambda f: check_custom(f, cube, X), lambda f: check_grads(f.apply, (X,))])
def test_second_order_of_pytorch(torch, checks):
    once = torch.autograd.function.once_differentiable
    right = lambda g, x: 3 * g * x**2
    assert "first order" not in str(checks(cubes(torch, right)))
    refused = cubes(torch, right)
    refused.backward = staticmethod(once(refused.backward))
    for rule, cause in (
        (refused, "backward is marked @once_differentiable"),
        (cubes(torch, lambda g, x: torch.from_numpy(3 * g.numpy() * x.numpy() ** 2)), "Can't call numpy"),
        (cubes(torch, lambda g, x: 3 * g.detach() * x.detach() ** 2), "backward leaves PyTorch's graph"),
    ):
        assert f"right; first order only: RuntimeError: {cause}" in str(checks(rule))
    for rule in (
        cubes(torch, right, kept=lambda x: x.detach()),
        cubes(torch, lambda g, x: 3 * g * x * x.detach()),
        cubes(torch, lambda g, x: 3 * g * x.detach() ** 2),
    ):
        wrong(checks, rule, match="second order only")


def test_attributes_of_ctx_in_place_of_saved_tensors(torch):
    """The result itself keeps its graph; what was computed on the way does not."""

    def expm1(kept):
        class Expm1(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.e = torch.exp(x)
                ctx.y = ctx.e - 1
                return ctx.y

            @staticmethod
            def backward(ctx, g):
                return g * kept(ctx)

        return Expm1

    assert check_custom(expm1(lambda ctx: ctx.y + 1), np.expm1, X).ok
    wrong(check_custom, expm1(lambda ctx: ctx.e), np.expm1, X, match="second order only")
