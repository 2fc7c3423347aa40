"""Rules and derivatives of the user's own."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jax_ref
import scratch_ad
from jax_ref.measure.tolerances import mismatch
from scratch_ad import custom_jvp, custom_vjp, grad, jacfwd, jacrev, jvp, vjp
from scratch_ad.rule import with_value

x3 = np.array([0.3, -1.2, 2.0])


def all_orders(ours, theirs, x=x3, order=2):
    """First and second derivatives of ``ours`` equal those of ``theirs``, plain NumPy code, by JAX."""
    loss, of_jax = lambda x: np.sum(ours(x) * np.cos(x)), lambda x: np.sum(theirs(x) * np.cos(x))
    assert not mismatch(grad(loss)(x), jax_ref.grad(of_jax)(x))
    assert not mismatch(jvp(loss, (x,), (x,)), jax_ref.jvp(of_jax, (x,), (x,)))
    if order > 1:
        assert not mismatch(scratch_ad.hessian(loss)(x), jax_ref.hessian(of_jax)(x), 2)
        assert not mismatch(jacrev(jacfwd(loss))(x), jax_ref.hessian(of_jax)(x), 2)


# Rules registered in one line


def test_an_elementwise_function_in_one_line():
    softplus = scratch_ad.elementwise(lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(-x)))
    all_orders(softplus, lambda x: np.log(1 + np.exp(x)))
    np.testing.assert_array_equal(softplus(x3), np.logaddexp(0, x3))  # plain arrays too


def test_an_elementwise_function_of_two_arguments_with_a_keyword():
    blend = scratch_ad.elementwise(
        lambda a, b, *, sharpness=1.0: a * np.exp(sharpness * b),
        lambda b, *, sharpness=1.0: np.exp(sharpness * b),
        lambda y, *, sharpness=1.0: sharpness * y,
    )
    all_orders(lambda x: blend(x, x[::-1], sharpness=2.0), lambda x: x * np.exp(2.0 * x[::-1]))
    all_orders(lambda x: blend(x, 0.5) + blend(2.0, x), lambda x: x * np.exp(0.5) + 2.0 * np.exp(x))


def test_a_linear_function():
    A = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    apply = scratch_ad.linear(lambda x: A @ x, lambda g, _x: A.T @ g)
    assert not mismatch(jacfwd(apply)(x3), A)
    assert not mismatch(jacrev(apply)(x3), A)


def test_an_explicit_function():
    cumulative = scratch_ad.explicit(
        lambda x: np.cumsum(x) ** 2,
        jvp=lambda t, _y, x: 2 * np.cumsum(x) * np.cumsum(t),
        vjp=lambda g, _y, x: np.cumsum((2 * np.cumsum(x) * g)[::-1])[::-1],
    )
    all_orders(cumulative, lambda x: np.cumsum(x) ** 2)


def test_constant_composite_and_refused_functions():
    steps = scratch_ad.primitive(lambda x: np.floor(x))
    scratch_ad.constant(steps)
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * steps(x)))(x3), np.floor(x3))
    cube = scratch_ad.primitive(lambda x: x**3)
    scratch_ad.composite(cube, lambda x: x * x * x)
    all_orders(cube, lambda x: x * x * x)
    noise = scratch_ad.primitive(lambda x: x)
    scratch_ad.refuse("it is noise; use its mean", noise)
    with pytest.raises(NotImplementedError, match=r"it is noise; use its mean"):
        grad(lambda x: np.sum(noise(x)))(x3)


def test_a_ufunc_of_another_library():
    cdf = pytest.importorskip(
        "scipy.special", reason="SciPy comes with the extra scipy"
    )._ufuncs._cosine_cdf  # (π + x + sin x)/2π
    with pytest.raises(NotImplementedError, match=r"cosine_cdf has no rule.*scratch_ad\.elementwise"):
        grad(cdf)(0.5)
    scratch_ad.elementwise(cdf, lambda x: (1 + np.cos(x)) / (2 * np.pi))
    try:
        assert not mismatch(grad(cdf)(0.5), (1 + np.cos(0.5)) / (2 * np.pi))
        assert not mismatch(scratch_ad.hessian(cdf)(0.5), -np.sin(0.5) / (2 * np.pi), 2)
    finally:
        del scratch_ad.registry.rule_of[cdf]


def test_a_function_without_a_rule_says_how_to_add_one():
    f = scratch_ad.primitive(lambda x: x)
    for derivative, mode in ((grad(f), "reverse mode"), (lambda x: jvp(f, (x,), (x,)), "forward mode")):
        with pytest.raises(
            NotImplementedError, match=rf"has no rule, which {re.escape(mode)}.*scratch_ad\.elementwise\("
        ):
            derivative(1.0)


# custom_jvp


def log1pexp(np):
    return lambda x: np.log(1.0 + np.exp(x))


def test_custom_jvp_as_in_jax():
    ours, theirs = custom_jvp(log1pexp(np)), jax.custom_jvp(log1pexp(jnp))

    @ours.defjvp
    def _(primals, tangents):
        (x,), (t,) = primals, tangents
        return ours(x), (1 - 1 / (1 + np.exp(x))) * t

    @theirs.defjvp
    def _(primals, tangents):
        (x,), (t,) = primals, tangents
        return theirs(x), (1 - 1 / (1 + jnp.exp(x))) * t

    assert grad(ours)(100.0) == np.asarray(jax.grad(theirs)(100.0)) == 1.0
    for call in (
        lambda ad, f: ad.grad(f)(0.5),
        lambda ad, f: ad.jvp(f, (0.5,), (2.0,)),
        lambda ad, f: ad.grad(ad.grad(f))(0.5),
        lambda ad, f: ad.hessian(lambda x: f(x * x) * x)(0.5),
        lambda ad, f: ad.jacfwd(ad.jacrev(f))(0.5),
    ):
        assert not mismatch(call(scratch_ad, ours), jax.tree.map(np.asarray, call(jax, theirs)), 2)


def test_custom_jvp_of_containers_with_nondiff_argnums():
    @lambda f: custom_jvp(f, nondiff_argnums=(0,))
    def apply(f, parameters, x):
        return {"y": f(parameters["w"] * x), "n": 3}

    @apply.defjvp
    def _(f, primals, tangents):
        (p, x), (tp, tx) = primals, tangents
        y = apply(f, p, x)
        z = p["w"] * x
        return y, {"y": 10 * np.cos(z) * (tp["w"] * x + p["w"] * tx), "n": np.zeros((), scratch_ad.float0)}

    p = {"w": 2.0}
    _, t = jvp(lambda p, x: apply(np.sin, p, x)["y"], (p, x3), ({"w": 1.0}, x3))
    np.testing.assert_allclose(t, 10 * np.cos(2 * x3) * 3 * x3)
    gradient = grad(lambda p, x: np.sum(apply(np.sin, p, x)["y"]), argnums=(0, 1))(p, x3)
    np.testing.assert_allclose(gradient[0]["w"], np.sum(10 * np.cos(2 * x3) * x3))
    np.testing.assert_allclose(gradient[1], 20 * np.cos(2 * x3))


# custom_vjp


def clipped(np, ad):
    """The identity with its gradient clipped: the example of JAX's documentation."""
    f = ad.custom_vjp(lambda x, low, high: x)
    f.defvjp(lambda x, low, high: (x, (low, high)), lambda kept, g: (np.clip(g, *kept), None, None))
    return f


def test_custom_vjp_as_in_jax():
    ours, theirs = clipped(np, scratch_ad), clipped(jnp, jax)
    f = lambda np, clip: lambda x: np.sum(np.sin(clip(x, -0.5, 0.5)) * 3)
    for call in (lambda ad, f: ad.grad(f)(x3), lambda ad, f: ad.jacrev(ad.grad(f))(x3)):
        assert not mismatch(call(scratch_ad, f(np, ours)), jax.tree.map(np.asarray, call(jax, f(jnp, theirs))), 2)


def test_custom_vjp_with_containers_and_nondiff_argnums():
    @lambda f: custom_vjp(f, nondiff_argnums=(1,))
    def f(p, power, x):
        return p["a"] * x**power, np.sum(x)

    f.defvjp(
        lambda p, power, x: (f(p, power, x), (p, x)),
        lambda power, kept, g: ({"a": 7 * np.sum(g[0])}, power * kept[0]["a"] * kept[1] ** (power - 1) * g[0] + g[1]),
    )
    out, pullback = vjp(lambda p, x: f(p, 3, x), {"a": 2.0}, x3)
    np.testing.assert_allclose(out[0], 2 * x3**3)
    gp, gx = pullback((np.ones(3), 1.0))
    assert gp == {"a": 21.0}
    np.testing.assert_allclose(gx, 6 * x3**2 + 1)


def test_forward_mode_refuses_a_custom_vjp_as_in_jax():
    message = r"^can't apply forward-mode autodiff \(jvp\) to a custom_vjp function"
    for ad, f in ((jax, clipped(jnp, jax)), (scratch_ad, clipped(np, scratch_ad))):
        with pytest.raises(TypeError, match=message):
            ad.jvp(f, (1.0, -1.0, 1.0), (1.0, 0.0, 0.0))


def test_custom_functions_run_on_plain_arrays_without_a_rule():
    assert custom_jvp(np.sin)(0.5) == custom_vjp(np.sin)(0.5) == np.sin(0.5)


def scaled(custom):
    """x·scale with its derivative made ten times too large, so that the rule shows."""
    f = custom(lambda x, scale=2.0: x * scale)
    if custom is custom_jvp:
        f.defjvp(lambda p, t: (p[0] * p[1], 10 * (t[0] * p[1] + p[0] * t[1])))
    else:
        f.defvjp(lambda x, s: (x * s, (x, s)), lambda kept, g: (10 * g * kept[1], 10 * g * kept[0]))
    return f


@pytest.mark.parametrize("custom", [custom_jvp, custom_vjp])
def test_custom_functions_take_keywords_and_defaults(custom):
    f = scaled(custom)
    assert grad(f)(3.0) == 20
    assert grad(lambda x: f(x, scale=5.0))(3.0) == 50
    assert grad(lambda s: f(scale=s, x=3.0))(5.0) == 30


@pytest.mark.parametrize("custom", [custom_jvp, custom_vjp])
def test_custom_rules_may_give_python_numbers(custom):
    f = custom(lambda x: 3.0)
    if custom is custom_jvp:
        f.defjvp(lambda p, t: (3.0, 7.0 if np.ndim(t[0]) == 0 else None))
        assert jvp(f, (np.float32(2),), (np.float32(1),)) == (3.0, 7.0)
    else:
        f.defvjp(lambda x: (3.0, None), lambda _, g: (7.0,))
        gradient = grad(f)(np.float32(2))
        assert gradient == 7 and gradient.dtype == np.float32


def closed_over_jvp(ad, np):
    def outer(x):
        f = ad.custom_jvp(lambda y: x * y)
        f.defjvp(lambda p, t: (x * p[0], x * t[0]))
        return f(2.0)

    return ad.grad(outer)(3.0)


def closed_over_by_a_called_jvp(ad, np):
    def outer(x):
        f = ad.custom_jvp(lambda y: x * y)
        f.defjvp(lambda p, t: (x * p[0], x * t[0]))
        return f(x)

    return ad.grad(outer)(3.0)


def nondiff_jvp(ad, np):
    def outer(x):
        f = ad.custom_jvp(lambda s, y: s * y, nondiff_argnums=(0,))
        f.defjvp(lambda s, p, t: (s * p[0], s * t[0]))
        return f(x, x)

    return ad.grad(outer)(3.0)


def closed_over_vjp(ad, np):
    def outer(x):
        f = ad.custom_vjp(lambda y: x * y)
        f.defvjp(lambda y: (x * y, None), lambda _, g: (g * 2.0,))
        return f(x)

    return ad.grad(outer)(3.0)


def nondiff_vjp(ad, np):
    def outer(x):
        f = ad.custom_vjp(lambda s, y: s * y, nondiff_argnums=(0,))
        f.defvjp(lambda s, y: (s * y, None), lambda s, _, g: (g * 2.0,))
        return f(x, x)

    return ad.grad(outer)(3.0)


@pytest.mark.parametrize(
    "call", [closed_over_jvp, closed_over_by_a_called_jvp, nondiff_jvp, closed_over_vjp, nondiff_vjp]
)
def test_what_a_custom_rule_does_not_know_of_is_refused(call):
    with pytest.raises(TypeError, match=r"^Detected differentiation of custom_"):
        call(scratch_ad, np)


def test_a_tracer_of_an_outer_run_may_be_closed_over():
    def outer(x):
        f = custom_jvp(lambda y: x * y)
        f.defjvp(lambda p, t: (x * p[0], 10 * x * t[0]))
        return grad(f)(2.0)

    assert outer(3.0) == 30 and grad(outer)(3.0) == 10


def undefined_jvp(ad, np):
    return ad.grad(ad.custom_jvp(np.sin))(1.0)


def undefined_vjp(ad, np):
    return ad.grad(ad.custom_vjp(np.sin))(1.0)


def no_pair(ad, np):
    f = ad.custom_jvp(np.sin)
    f.defjvp(lambda primals, tangents: 3.0)
    return ad.jvp(f, (1.0,), (1.0,))


def wrong_tangent_shape(ad, np):
    f = ad.custom_jvp(np.sin)
    f.defjvp(lambda primals, tangents: (primals[0], np.zeros(3)))
    return ad.jvp(f, (1.0,), (1.0,))


def cotangents_not_a_tuple(ad, np):
    f = ad.custom_vjp(np.sin)
    f.defvjp(lambda x: (np.sin(x), x), lambda x, g: g * np.cos(x))
    return ad.grad(f)(1.0)


def wrong_number_of_cotangents(ad, np):
    f = ad.custom_vjp(np.sin)
    f.defvjp(lambda x: (np.sin(x), x), lambda x, g: (g, g))
    return ad.grad(f)(1.0)


def wrong_cotangent_shape(ad, np):
    f = ad.custom_vjp(np.sin)
    f.defvjp(lambda x: (np.sin(x), x), lambda x, g: (np.zeros(3),))
    return ad.grad(f)(1.0)


def wrong_tangent_dtype(ad, np):
    f = ad.custom_jvp(np.sin)
    f.defjvp(lambda primals, tangents: (primals[0], tangents[0].astype(np.float16)))
    return ad.grad(f)(np.float32(1.0))


def wrong_tangent_container(ad, np):
    f = ad.custom_jvp(np.sin)
    f.defjvp(lambda primals, tangents: (primals[0], (tangents[0],)))
    return ad.jvp(f, (1.0,), (1.0,))


def wrong_cotangent_container(ad, np):
    f = ad.custom_vjp(np.sin)
    f.defvjp(lambda x: (np.sin(x), x), lambda x, g: ((g,),))
    return ad.grad(f)(1.0)


MISTAKES = [
    wrong_tangent_dtype,
    undefined_jvp,
    undefined_vjp,
    no_pair,
    wrong_tangent_shape,
    wrong_tangent_container,
    cotangents_not_a_tuple,
    wrong_number_of_cotangents,
    wrong_cotangent_shape,
    wrong_cotangent_container,
]


@pytest.mark.parametrize("call", MISTAKES)
def test_mistakes_in_custom_derivatives_are_reported_as_by_jax(call):
    with pytest.raises(Exception) as theirs:
        call(jax, jnp)
    with pytest.raises(type(theirs.value)) as ours:
        call(scratch_ad, np)
    assert str(ours.value).split()[:3] == str(theirs.value).split()[:3]


# A rule by its forward map alone


def both(**maps):
    """``a·sin(b)`` and the sum of b as one function, with these maps for its rule; and the number of the larger."""
    function = lambda a, b, scale=1.0: (scale * a * np.sin(b), np.sum(b), np.argmax(b))
    return scratch_ad.explicit(function, **maps)


JVPS = (
    lambda t, _y, a, b, scale=1.0: (scale * t * np.sin(b), None, None),
    lambda t, _y, a, b, scale=1.0: (scale * a * np.cos(b) * t, np.sum(t), None),
)
VJPS = (
    lambda g, _y, a, b, scale=1.0: scale * g[0] * np.sin(b),
    lambda g, _y, a, b, scale=1.0: scale * g[0] * a * np.cos(b) + g[1],
)


@pytest.mark.parametrize("scale", [{}, {"scale": 2.0}])
def test_a_jvp_alone_is_transposed(scale):
    a, b = np.array([0.3, -1.2]), np.array([0.5, 0.7])
    found, expected = (
        [
            scratch_ad.jacrev(f, (0, 1))(a, b),
            scratch_ad.jacfwd(f, (0, 1))(a, b),
            scratch_ad.hessian(lambda a, b, f=f: np.sum(f(a, b)[0] ** 2) * f(a, b)[1], (0, 1))(a, b),
            jvp(lambda a, f=f: vjp(lambda b: f(a, b), b)[1]((a, 1.0)), (a,), (b,)),
        ]
        for rule in (both(jvp=JVPS), both(jvp=JVPS, vjp=VJPS))
        for f in [lambda a, b, rule=rule: rule(a, b, **scale)[:2]]
    )
    assert not mismatch(found, expected, 2)


def test_a_jvp_alone_keeps_what_it_needs_and_says_what_it_lacks():
    f = scratch_ad.explicit(lambda x, n: x * n, jvp=(lambda t, _y, _x, n: t * n, None))
    x, n = np.ones(2), np.array([2.0, 3.0])
    _, pullback = vjp(lambda x: f(x, n), x)
    n[:] = 0
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2, 3])
    with pytest.raises(NotImplementedError, match=r"has no derivative in its argument 1 in reverse mode"):
        grad(lambda n: np.sum(f(x, n)))(n)


# Lists of tracers

SINE = scratch_ad.elementwise(lambda x: np.sin(x), lambda x: np.cos(x))
PRODUCT = scratch_ad.elementwise(lambda a, b: np.multiply(a, b), lambda b: b, lambda a: a)
DOUBLE = scratch_ad.linear(lambda x: np.multiply(2.0, x), lambda g, _a: 2.0 * g)
CUBE = scratch_ad.explicit(
    lambda x: np.power(x, 3), jvp=lambda t, _y, x: 3 * x**2 * t, vjp=lambda g, _y, x: 3 * x**2 * g
)
FLOOR = scratch_ad.constant(lambda x: np.floor(x))


@pytest.mark.parametrize(
    "f", [SINE, lambda x: PRODUCT(x, 3.0), lambda x: PRODUCT(2.0, x), lambda x: PRODUCT(x, x), DOUBLE, CUBE, FLOOR]
)
@pytest.mark.parametrize("collect", [list, tuple, lambda x: [[x[0], 1.0], [2.0, x[1]]]])
def test_a_list_of_tracers_reaches_a_users_rule_as_an_array(f, collect):
    x = np.array([0.5, 1.5, 2.5])
    for jacobian in (jacrev, jacfwd):
        of_list = jacobian(lambda x: 1.0 * f(collect(x)))(x)
        of_array = jacobian(lambda x: 1.0 * f(np.array(collect(x), like=x)))(x)
        np.testing.assert_array_equal(of_list, of_array)
    np.testing.assert_array_equal(vjp(lambda x: f(collect(x)), x)[0], f(collect(x)))


def test_what_is_in_a_list_that_is_no_number_is_refused():
    for f in (SINE, DOUBLE, CUBE):
        with pytest.raises(TypeError, match="of type <class 'NoneType'> is not a valid array or number"):
            scratch_ad.vjp(lambda x, f=f: f([x, None]), 1.0)


@pytest.mark.parametrize("batched", [False, True])
def test_a_rule_that_writes_into_what_it_is_given_is_refused(batched):
    def doubled(x):
        x *= 2.0
        return np.sin(x)

    pushed, pulled = custom_jvp(np.sin), custom_vjp(np.sin)
    pushed.defjvp(lambda primals, tangents: (doubled(*primals), tangents[0]))
    pulled.defvjp(lambda x: (doubled(x), x), lambda x, g: (g * x,))
    x = np.arange(3.0)
    for f in (pushed, pulled):
        run = lambda x, f=f: grad(lambda x: np.sum(f(x)))(x)
        with pytest.raises(ValueError, match=r"^The custom \w+ .*rule of sin writes into a read-only array"):
            scratch_ad.vmap(run)(x[None]) if batched else run(x)


def test_a_body_of_another_function_gives_no_derivative():
    """Where the value is taken from a call of the function itself; of one of several results it is nan."""
    halved = scratch_ad.composite(lambda x: x / 2, lambda x: x / 3, valued_by=with_value)
    with pytest.raises(ValueError, match="a derivative of one that is off by 0"):
        scratch_ad.jvp(halved, (x3,), (x3,))
    both = scratch_ad.composite(lambda x: (x / 2, x), lambda x: (x / 3, x), valued_by=with_value)
    half, whole = scratch_ad.jvp(both, (x3,), (x3,))[1]
    assert np.isnan(half).all() and not mismatch(whole, x3)


@pytest.mark.parametrize("kind", [scratch_ad.custom_jvp, scratch_ad.custom_vjp])
def test_nondiff_argnums_are_positions_of_arguments(kind):
    f = lambda n, x: x**n
    for wrong in ("n", 0.5, (0.0,), {0}):
        with pytest.raises(TypeError, match=rf"^{kind.__name__}: nondiff_argnums must be the position"):
            kind(f, nondiff_argnums=wrong)
    for wrong in ((2,), (0, 0), (-1,)):
        with pytest.raises(ValueError, match=rf"^{kind.__name__} function <lambda>: nondiff_argnums.*counted from 0"):
            kind(f, nondiff_argnums=wrong)(2, 3.0)
    for right in (0, (0,), [0], iter([0])):
        cubed = kind(f, nondiff_argnums=right)
        if kind is scratch_ad.custom_jvp:
            cubed.defjvp(lambda n, primals, tangents: (primals[0] ** n, 7 * tangents[0]))
        else:
            cubed.defvjp(lambda n, x: (x**n, ()), lambda n, kept, g: (7 * g,))
        assert [scratch_ad.grad(lambda x: cubed(3, x))(2.0) for _ in range(2)] == [7, 7]  # noqa: B023


def test_a_partial_that_names_nothing_is_refused():
    for rule in (scratch_ad.elementwise, scratch_ad.linear):
        with pytest.raises(TypeError, match=r"name what it keeps, and <ufunc 'cos'> names none: write a function"):
            rule(lambda x: np.sin(x), np.cos)
    sine = scratch_ad.elementwise(lambda x: np.sin(x), lambda x: np.cos(x))
    assert scratch_ad.grad(sine)(0.5) == np.cos(0.5)
