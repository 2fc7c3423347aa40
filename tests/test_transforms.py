"""The user's transformations beside JAX's: names, arguments, containers, results, exceptions."""

import collections
import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import optree
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jax_ref
import scratch_ad
from jax_ref.cases import catalogue
from jax_ref.measure.tolerances import mismatch

GLOBAL = optree.registry.__GLOBAL_NAMESPACE
Pair = collections.namedtuple("Pair", "first second")
x3 = np.array([0.3, -1.2, 2.0])
A23 = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def agree(call, order=1):
    """What ``call`` gives with our transformations and with JAX's is the same."""
    ours, theirs = call(scratch_ad), call(jax_ref)
    assert not mismatch(ours, theirs, order)
    return ours


TRANSFORMATIONS = ("jvp", "vjp", "linearize", "grad", "value_and_grad", "jacfwd", "jacrev", "hessian")


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_argument_names_order_and_defaults_are_those_of_jax(name):
    ours = inspect.signature(getattr(scratch_ad, name)).parameters
    ours = {n: p for n, p in ours.items() if p.kind is not p.KEYWORD_ONLY}  # those that JAX does not have
    theirs = inspect.signature(getattr(jax, name)).parameters
    assert list(ours) == list(theirs)[: len(ours)]
    assert [(p.kind, p.default) for p in ours.values()] == [(theirs[n].kind, theirs[n].default) for n in ours]


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "jacfwd", "jacrev"])
def test_a_derivative_keeps_the_name_of_its_function(name):
    def softplus(x):
        return np.log(1 + np.exp(x))

    assert getattr(scratch_ad, name)(softplus).__name__ == "softplus"


# Containers


CONTAINERS = {
    "number": 0.7,
    "numpy number": np.float32(0.7),
    "0-d array": np.array(0.7),
    "array": x3,
    "tuple": (x3, 0.5),
    "list": [x3, A23],
    "dict": {"b": x3, "a": 2.0},
    "nested": {"w": [A23, (x3,)], "b": {"c": 0.5}},
    "named tuple": Pair(x3, {"k": 1.5}),
    "with None": (x3, None, [None, 2.0]),
    "ordered dict": collections.OrderedDict(z=x3, a=1.0),
}


def squares(tree):
    """A scalar of every leaf, of which each leaf's derivative is another."""
    return sum(np.sum((k + 1) * np.sin(leaf) ** 2) for k, leaf in enumerate(optree.tree_leaves(tree)))


@pytest.mark.parametrize("tree", CONTAINERS.values(), ids=CONTAINERS.keys())
@pytest.mark.parametrize("name", ["value_and_grad", "jacfwd", "jacrev"])
def test_containers_of_arguments(name, tree):
    agree(lambda ad: getattr(ad, name)(squares)(tree))


@pytest.mark.parametrize("tree", ["number", "0-d array", "tuple", "dict"])
def test_containers_of_arguments_of_hessian(tree):
    agree(lambda ad: ad.hessian(squares)(CONTAINERS[tree]), order=2)


@pytest.mark.parametrize("tree", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_containers_in_jvp_vjp_and_linearize(tree):
    tangent = optree.tree_map(lambda leaf: np.cos(leaf) * np.float32(1), tree)
    tangent = optree.tree_map(lambda t, leaf: np.asarray(t, np.result_type(leaf))[()], tangent, tree)

    def f(tree):
        return {"y": optree.tree_map(np.sin, tree), "s": (squares(tree),)}

    agree(lambda ad: ad.jvp(f, (tree,), (tangent,)))
    agree(lambda ad: ad.linearize(f, tree)[0])
    agree(lambda ad: ad.linearize(f, tree)[1](tangent))
    agree(lambda ad: ad.vjp(f, tree)[0])
    one = np.result_type(squares(tree)).type(1)
    agree(lambda ad: ad.vjp(f, tree)[1]({"y": tangent, "s": (one,)}))


@pytest.mark.parametrize("name", ["jacfwd", "jacrev"])
def test_jacobians_nest_the_input_in_the_output(name):
    def f(p, q):
        return {"a": np.outer(p["w"], q), "b": (np.sum(p["w"]) * q[0], p["s"] * q)}

    p, q = {"w": x3, "s": 2.0}, np.array([1.0, -0.5])
    agree(lambda ad: getattr(ad, name)(f, argnums=(0, 1))(p, q))
    agree(lambda ad: getattr(ad, name)(f, argnums=1)(p, q))


@settings(deadline=None, print_blob=True)
@given(
    st.recursive(
        st.floats(-2, 2), lambda t: st.lists(t, max_size=3) | st.dictionaries(st.sampled_from("abc"), t, max_size=3)
    )
)
def test_any_container_comes_back_in_the_gradient(tree):
    gradient = scratch_ad.grad(lambda tree: sum((np.sin(leaf) for leaf in optree.tree_leaves(tree)), np.float64(0)))(
        tree
    )
    assert optree.tree_structure(gradient) == optree.tree_structure(tree)
    assert not mismatch(gradient, optree.tree_map(np.cos, tree))


def test_classes_registered_with_optree_are_containers():
    class Layer:
        def __init__(self, w, b):
            self.w, self.b = w, b

    optree.register_pytree_node(Layer, lambda p: ((p.w, p.b), None), lambda _, parts: Layer(*parts), namespace=GLOBAL)
    gradient = scratch_ad.grad(lambda p: np.sum(p.w * p.w) * p.b)(Layer(x3, 2.0))
    assert isinstance(gradient, Layer)
    np.testing.assert_allclose(gradient.w, 4 * x3)


# argnums, has_aux, keywords


def three(a, b, c, scale=1.0):
    return np.sum(a * np.sin(b)) * c * scale


@pytest.mark.parametrize("argnums", [0, 1, -1, (0,), (2, 0), [1, 2], (0, -1), np.array([2, 0])])
@pytest.mark.parametrize("name", ["grad", "value_and_grad", "jacfwd", "jacrev"])
def test_argnums(name, argnums):
    agree(lambda ad: getattr(ad, name)(three, argnums=argnums)(x3, A23, 0.5, scale=3.0))


def test_argnums_of_hessian():
    agree(lambda ad: ad.hessian(three, argnums=(0, 2))(x3, A23, 0.5), order=2)
    agree(lambda ad: ad.hessian(three, 1)(x3, A23, 0.5), order=2)


def test_arguments_that_are_not_differentiated_may_be_anything():
    def f(x, mode, n, table):
        assert type(n) is int
        return np.sum(x**n) * table["k"] if mode == "power" else np.sum(x)

    got = scratch_ad.grad(f)(x3, "power", 3, {"k": 2, "other": None})
    np.testing.assert_allclose(got, 6 * x3**2)


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "jacfwd", "jacrev"])
def test_has_aux(name):
    def f(x):
        return np.sum(np.exp(x)), {"half": x / 2, "n": 3, "twice": [2 * x]}

    agree(lambda ad: getattr(ad, name)(f, has_aux=True)(x3))


def test_has_aux_in_jvp_vjp_and_linearize():
    def f(x):
        return np.sin(x), (x * 2, "text")

    for ad in (scratch_ad, jax_ref):
        y, t, aux = ad.jvp(f, (x3,), (x3,), has_aux=True)
        np.testing.assert_allclose(t, x3 * np.cos(x3))
        assert (aux[0] == 2 * x3).all() and aux[1] == "text" and type(aux[0]) is np.ndarray
        y, pullback, aux = ad.vjp(f, x3, has_aux=True)
        np.testing.assert_allclose(pullback(x3)[0], x3 * np.cos(x3))
        assert (aux[0] == 2 * x3).all() and aux[1] == "text" and type(aux[0]) is np.ndarray
    y, push, aux = scratch_ad.linearize(f, x3, has_aux=True)
    np.testing.assert_allclose(push(x3), x3 * np.cos(x3))
    assert (y == np.sin(x3)).all() and (aux[0] == 2 * x3).all() and aux[1] == "text"


# Complex numbers, integers


z = np.array([0.5 + 1.0j, -1.0 + 0.25j])


@pytest.mark.parametrize("name", ["grad", "value_and_grad"])
def test_gradient_of_a_real_function_of_complex_numbers(name):
    f = lambda z: np.sum(np.abs(z) ** 2 + np.real(z * z) + np.imag(np.exp(z)))
    agree(lambda ad: getattr(ad, name)(f)(z))
    gradient = scratch_ad.grad(lambda z: np.real(z) * 2 + np.imag(z) * 3)(1.0 + 1.0j)
    assert gradient == 2 - 3j  # ∂f/∂x − i ∂f/∂y


@pytest.mark.parametrize("name", ["jacfwd", "jacrev"])
def test_holomorphic(name):
    agree(lambda ad: getattr(ad, name)(lambda z: np.sin(z) * z[0], holomorphic=True)(z))
    agree(lambda ad: ad.grad(lambda z: np.sum(z * z * z), holomorphic=True)(z))


def test_a_real_input_gets_a_real_gradient_through_complex_numbers():
    f = lambda x: np.abs(np.sum(np.exp(1j * x) * z[0])) ** 2
    assert agree(lambda ad: ad.grad(f)(x3)).dtype == np.float64


def test_allow_int_and_float0():
    f = lambda x, n: np.sum(x) * 2.0 + 0 * n
    gradient = agree(lambda ad: ad.grad(f, argnums=(0, 1), allow_int=True)(x3, 3))
    assert gradient[1].dtype == scratch_ad.float0 == jax.dtypes.float0
    agree(lambda ad: ad.vjp(f, x3, np.arange(1))[1](np.array([1.0])))
    zero = np.zeros((), scratch_ad.float0)
    agree(lambda ad: ad.jvp(lambda x, n: x * n, (x3, 3), (x3, zero)))
    agree(lambda ad: ad.jvp(lambda x: (x, np.argmax(x)), (x3,), (x3,)))
    agree(lambda ad: ad.jvp(np.logical_not, (True,), (zero,)))


# Closed forms


@pytest.mark.parametrize("n", [0, 1, 3])
def test_jacobians_of_empty_and_small_arrays(n):
    agree(lambda ad: (ad.jacfwd(np.sin)(x3[:n]), ad.jacrev(np.sin)(x3[:n])))


def test_hvp_is_the_hessian_times_a_vector():
    f = lambda x: np.sum(np.sin(x) * x[::-1] ** 2)
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(scratch_ad.hvp(f, (x3,), (v,)), scratch_ad.hessian(f)(x3) @ v, rtol=1e-13)
    g = lambda a, b: np.sum(a * a) * np.sum(b**3)
    first, second = scratch_ad.hvp(g, (x3, v), (v, x3))
    blocks = scratch_ad.hessian(g, argnums=(0, 1))(x3, v)
    np.testing.assert_allclose(first, blocks[0][0] @ v + blocks[0][1] @ x3, rtol=1e-13)
    np.testing.assert_allclose(second, blocks[1][0] @ v + blocks[1][1] @ x3, rtol=1e-13)


def _of_two_orders():
    """Every third case of a function of matrices that is small, whose rules meet stacks beside single matrices."""
    of_linalg = [case for case in catalogue if "linalg" in case.expression and case.orders > 1]
    small = [case for case in of_linalg if sum(math.prod(a.shape) for a in case.arguments.values()) <= 12]
    return [case for case in small if "float64" in case.dtypes][::3]


@pytest.mark.parametrize("case", _of_two_orders(), ids=str)
def test_second_derivatives_are_the_same_in_either_order_of_the_modes(case):
    function, arguments = case.function_in(), case.draw("float64")

    def f(*arguments):
        results = function(*arguments)
        results = results if isinstance(results, list) else [results]
        return sum(np.sum(np.real(y) * np.cos(np.arange(np.size(y)).reshape(np.shape(y)))) for y in results)

    argnums = tuple(range(len(arguments)))
    orders = [
        scratch_ad.jacfwd(scratch_ad.jacrev(f, argnums), argnums),
        scratch_ad.jacrev(scratch_ad.jacfwd(f, argnums), argnums),
    ]
    first, second = (optree.tree_leaves(hessian(*arguments)) for hessian in orders)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9 * max(np.max(np.abs(a), initial=0), 1e-3))


def test_stop_gradient():
    def f(x):
        c = scratch_ad.stop_gradient({"k": x})["k"]
        return np.sum(c * x * x + np.sin(c))

    def theirs(x):
        c = jax.lax.stop_gradient(x)
        return jnp.sum(c * x * x + jnp.sin(c))

    for call in (
        lambda ad, f: ad.grad(f)(x3),
        lambda ad, f: ad.jvp(f, (x3,), (x3,)),
        lambda ad, f: ad.hessian(f)(x3),
        lambda ad, f: ad.grad(lambda x: ad.grad(f)(x)[0])(x3),
        lambda ad, f: ad.jvp(ad.grad(f), (x3,), (x3,)),
    ):
        assert not mismatch(call(scratch_ad, f), jax.tree.map(np.asarray, call(jax, theirs)), 2)
    assert scratch_ad.stop_gradient(2.5) == 2.5


def test_stop_gradient_is_seen_by_jax():
    f = lambda x: np.sum(scratch_ad.stop_gradient(x) * x)
    np.testing.assert_array_equal(jax_ref.grad(f)(x3), x3)
    np.testing.assert_array_equal(jax_ref.jit(scratch_ad.grad(f))(x3), x3)


def test_linearize_runs_the_function_once():
    runs = []

    def f(x):
        runs.append(0)
        return np.sin(x) * (x if x[0] > 0 else -x)

    y, push = scratch_ad.linearize(f, x3)
    for v in (x3, -x3, np.zeros(3)):
        np.testing.assert_array_equal(push(v), scratch_ad.jvp(f, (x3,), (v,))[1])
    assert len(runs) == 4  # one, and one for each jvp
    assert isinstance(y, np.ndarray)


# Exceptions


class Opaque:
    def __repr__(self):
        return "Opaque()"


# fmt: off
ERRORS = {
    "integer input":           lambda ad: ad.grad(np.sin)(3),
    "boolean input":           lambda ad: ad.grad(np.sin)(np.array([True])),
    "array output":            lambda ad: ad.grad(np.sin)(x3),
    "array of size 1":         lambda ad: ad.grad(np.sin)(x3[:1]),
    "tuple output":            lambda ad: ad.grad(lambda x: (x, x))(1.0),
    "complex output":          lambda ad: ad.grad(lambda x: x * 1j)(1.0),
    "integer output":          lambda ad: ad.grad(lambda x: np.argmax(x))(x3),
    "holomorphic real input":  lambda ad: ad.grad(np.sin, holomorphic=True)(1.0),
    "holomorphic real output": lambda ad: ad.grad(np.real, holomorphic=True)(1j),
    "text":                    lambda ad: ad.grad(np.sin)("a"),
    "object array":            lambda ad: ad.grad(lambda x: 1.0)(np.array([None])),
    "class not registered":    lambda ad: ad.grad(lambda x: 1.0)(Opaque()),
    "too few arguments":       lambda ad: ad.grad(np.sin, argnums=1)(1.0),
    "not callable":            lambda ad: ad.grad(3),
    "no aux":                  lambda ad: ad.grad(np.sin, has_aux=True)(1.0),
    "aux of three":            lambda ad: ad.vjp(lambda x: (x, x, x), 1.0, has_aux=True),
    "tangents too many":       lambda ad: ad.jvp(np.sin, (1.0,), (1.0, 2.0)),
    "tangents no tuple":       lambda ad: ad.jvp(np.sin, 1.0, 1.0),
    "tangent shape":           lambda ad: ad.jvp(np.sin, (x3,), (x3[:2],)),
    "tangent dtype":           lambda ad: ad.jvp(np.sin, (x3,), (x3.astype(np.float32),)),
    "tangent of an integer":   lambda ad: ad.jvp(np.sin, (3,), (1.0,)),
    "cotangent container":     lambda ad: ad.vjp(np.sin, x3)[1]((x3,)),
    "cotangent shape":         lambda ad: ad.vjp(np.sin, x3)[1](x3[:2]),
    "cotangent dtype":         lambda ad: ad.vjp(np.sin, x3)[1](x3.astype(np.float32)),
    "linear shape":            lambda ad: ad.linearize(np.sin, x3)[1](x3[:2]),
    "linear dtype":            lambda ad: ad.linearize(np.sin, x3)[1](x3.astype(np.float32)),
    "jacfwd of an integer":    lambda ad: ad.jacfwd(np.sin)(3),
    "jacfwd of complex":       lambda ad: ad.jacfwd(np.sin)(3j),
    "jacfwd holomorphic":      lambda ad: ad.jacfwd(np.sin, holomorphic=True)(3.0),
    "jacrev of an integer":    lambda ad: ad.jacrev(np.sin)(3),
    "jacrev to complex":       lambda ad: ad.jacrev(lambda x: x * 1j)(3.0),
    "jacrev holomorphic":      lambda ad: ad.jacrev(np.sin, holomorphic=True)(3.0),
    "hessian of an integer":   lambda ad: ad.hessian(np.sin)(3),
}
# fmt: on


def opening(error):
    """The first words of a message, without the places where JAX names itself."""
    return str(error.value).replace("jax.", "").replace(" JAX ", " ").replace(";", "; ").split()[:6]


@pytest.mark.parametrize("call", ERRORS.values(), ids=ERRORS.keys())
def test_exceptions_and_their_opening_words_are_those_of_jax(call):
    with pytest.raises((TypeError, ValueError)) as theirs:
        call(jax_ref)
    with pytest.raises(type(theirs.value)) as ours:
        call(scratch_ad)
    assert opening(ours) == opening(theirs)


def test_messages_say_what_was_given():
    with pytest.raises(TypeError, match=r"\(3,\)"):
        scratch_ad.grad(np.sin)(x3)
    with pytest.raises(TypeError, match="int64"):
        scratch_ad.grad(np.sin)(3)
    with pytest.raises(ValueError, match=r"float64\[2\].*float64\[3\]"):
        scratch_ad.vjp(np.sin, x3)[1](x3[:2])
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        scratch_ad.jvp(np.sin, (x3,), (x3[:2],))


def test_an_exception_in_the_function_comes_through():
    def f(x):
        raise KeyError("mine")

    for transform in (scratch_ad.grad, scratch_ad.jacfwd, scratch_ad.hessian):
        with pytest.raises(KeyError, match="mine"):
            transform(f)(1.0)
    assert scratch_ad.grad(np.sin)(0.0) == 1.0  # and leaves nothing behind
    assert math.isclose(scratch_ad.grad(np.cos)(1.0), -math.sin(1.0))


BY_ARGNUMS = ("grad", "value_and_grad", "jacfwd", "jacrev", "jacobian", "hessian")


@pytest.mark.parametrize("argnums", ["y", ("x", "y"), 1.5, None, (0, 1.5), {0, 1}, {0: 1}, b"\0\1"])
def test_argnums_that_are_no_positions_are_refused(argnums):
    f = lambda x, y: x * y
    for name in BY_ARGNUMS:
        with pytest.raises(TypeError, match=r"^argnums must be"):
            getattr(scratch_ad, name)(f, argnums)
    with pytest.raises(TypeError, match=r"^argnums must be"):
        scratch_ad.hessian(f, argnums, sparse=True)
    with pytest.raises(TypeError, match=r"^argnums must be.* but got .*grad\(lambda b: f\(a, b=b\)\)"):
        scratch_ad.grad(f, argnums)(2.0, 3.0)
    assert scratch_ad.grad(lambda y: f(2.0, y=y))(3.0) == scratch_ad.grad(f, np.int64(1))(2.0, 3.0) == 2.0


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2), -3])
def test_argnums_that_name_no_argument_or_one_twice_are_refused(argnums):
    with pytest.raises(ValueError, match="Positional argument indices"):
        scratch_ad.grad(lambda x, y: x * y, argnums)(1.0, 2.0)


@pytest.mark.parametrize("name", BY_ARGNUMS)
def test_argnums_are_taken_once_from_an_iterator(name):
    f = lambda x, y: x * x * y
    derivative, expected = getattr(scratch_ad, name)(f, iter([0, 1])), getattr(scratch_ad, name)(f, (0, 1))(2.0, 3.0)
    for _ in range(2):
        assert not mismatch(derivative(2.0, 3.0), expected)


def test_no_argument_has_a_derivative_of_nothing():
    assert scratch_ad.grad(lambda: 1.0, ())() == scratch_ad.hvp(lambda: 1.0, (), ()) == ()


def giving(names, *args, first=()):
    """Calls of functions of these names with something else for the function."""
    return {name: (lambda f, name=name: getattr(scratch_ad, name)(*first, f, *args)) for name in names}


TAKES_FUNCTIONS = {
    **giving((*BY_ARGNUMS, "checkpoint", "compile", "vmap", "custom_jvp", "custom_vjp")),
    **giving(("vjp", "linearize", "record", "trace", "first_nan", "implicit"), 1.0),
    **giving(("jvp", "hvp"), (1.0,), (1.0,)),
    **giving(("symbolic_gradient", "numerical_gradient", "numerical_jacobian"), first=(1.0,)),
    "expression": scratch_ad.expression,
    "residual of implicit": lambda f: scratch_ad.implicit(np.sin, f),
    "the function of a rule": lambda f: scratch_ad.elementwise(f, lambda x: x),
    "jvp of defjvp": lambda f: scratch_ad.custom_jvp(np.sin).defjvp(f),
    "fwd of defvjp": lambda f: scratch_ad.custom_vjp(np.sin).defvjp(f, np.sin),
    "bwd of defvjp": lambda f: scratch_ad.custom_vjp(np.sin).defvjp(np.sin, f),
}


@pytest.mark.parametrize("name", TAKES_FUNCTIONS)
def test_what_is_no_function_is_refused_by_who_is_given_it(name):
    for wrong in (None, 0.5):
        with pytest.raises(TypeError, match=rf"^Expected a callable value, got {wrong} .*{name}: give the function"):
            TAKES_FUNCTIONS[name](wrong)


def test_errors_of_hvp_are_its_own():
    with pytest.raises(TypeError, match=r"arguments to hvp must be tuples or lists.*Write hvp\(f, \(x,\), \(t,\)\)"):
        scratch_ad.hvp(np.sum, x3, x3)
    with pytest.raises(TypeError, match=r"hvp must have the same tree structure"):
        scratch_ad.hvp(np.sum, (x3,), (x3, x3))
    with pytest.raises(ValueError, match=r"^hvp called with"):
        scratch_ad.hvp(np.sum, (x3,), (x3[:2],))


def test_remedies_for_integers_are_of_integers():
    """What the messages say to give is what they then take."""
    n, nothing = np.arange(3), np.zeros(3, scratch_ad.float0)
    with pytest.raises(TypeError, match=r"tangent dtype float0, .*np\.zeros\(np\.shape\(x\), scratch_ad\.float0"):
        scratch_ad.jvp(lambda n: n * 2.0, (n,), (n,))
    assert not np.any(scratch_ad.jvp(lambda n: n * 2.0, (n,), (nothing,))[1])
    pullback = scratch_ad.vjp(np.argsort, x3)[1]
    with pytest.raises(ValueError, match=r"expected float0\[3\] .*np\.zeros\(np\.shape\(out\), scratch_ad\.float0"):
        pullback(n)
    assert not np.any(pullback(nothing)[0])
    with pytest.raises(TypeError, match=r"Give np\.float32\(t\)"):
        scratch_ad.jvp(np.sin, (np.float32(1),), (1,))
    assert scratch_ad.jvp(np.sin, (np.float32(0),), (np.float32(1),))[1] == 1
    with pytest.raises(TypeError, match=r"output dtype was int64.*no derivative: return floats"):
        scratch_ad.grad(np.argmax)(x3)
