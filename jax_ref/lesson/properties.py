"""The properties of a solution, each worth a point; JAX is the answer key.

A property is some calls of the student's functions on fresh numbers, and what each has to give.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optree

from ..measure.tolerances import differences
from .answer import Call, Named
from .programs import PROGRAMS, RULES

jax.config.update("jax_enable_x64", True)


class Truth(NamedTuple):
    """What JAX says: ``function(*args)``."""

    function: Callable
    args: tuple


class Check(NamedTuple):
    """A call, and what it has to give: a ``Truth`` or containers, and how near it must be (None: as near as rounding).

    ``primals``, ``cotangent``: what the call is about, for hints. ``kept``: its arguments must stay as they are.
    ``mistakes``: what else may come out, with what that means; ``says``: what any other difference means where all
    properties before are right.
    """

    call: Call
    expected: object
    within: float | None = None
    primals: tuple = ()
    cotangent: object = 1.0
    kept: bool = False
    says: str = ""
    mistakes: tuple = ()


class Property(NamedTuple):
    """``checks(rng)``: a list of ``Check``, at other numbers each time."""

    name: str
    checks: Callable


def difference(check: Check, got):
    """The first ``Difference`` that counts, or None."""
    got = numbers(got)
    for found in differences(got, check.expected):
        if found.compared is None or found.form or not near(found.compared.got, found.compared.expected, check.within):
            return found
    return None


def numbers(tree):
    """Python's and NumPy's numbers as arrays; whole ones as real, which a student may well return."""

    def of(x):
        x = np.asarray(x)
        return x.astype(float) if x.dtype.kind in "iu" else x

    return optree.tree_map(of, tree)


def near(a, b, within=None):
    within = within or (1e-5 if b.dtype == np.float32 else 1e-10)
    size = np.max(np.abs(b), initial=0.0, where=np.isfinite(b))
    return a.shape == b.shape and np.allclose(a, b, within, within * size, equal_nan=True)


class Key:
    """JAX in the words of the programs: ``derivative`` nests, and functions take numbers and arrays."""

    sum, sin, exp = jnp.sum, jnp.sin, jnp.exp

    @staticmethod
    def derivative(f, x):
        return jax.grad(lambda x: jnp.asarray(f(x), float))(jnp.asarray(x, float))


def posed(task, seed):
    """The checks of each property, at the numbers of this seed; what JAX says of all of them is one program."""
    checks = [each.checks(np.random.default_rng([seed, k])) for k, each in enumerate(PROPERTIES[task.number])]
    truths = [check.expected for each in checks for check in each if isinstance(check.expected, Truth)]
    program = jax.jit(lambda args: [truth.function(*of) for truth, of in zip(truths, args)], compiler_options=QUICK)
    found = iter(jax.tree.map(np.asarray, program([truth.args for truth in truths])))
    return [[c._replace(expected=next(found)) if isinstance(c.expected, Truth) else c for c in each] for each in checks]


QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}  # it is run once


# 1: the notebook's blanks


def _model(rng, *shape, size=1.0):
    w, v = rng.normal(size=(3, 2)), size * rng.normal(size=(2, *shape))
    return Check(Call("model", (w, v)), Truth(lambda w, v: jnp.tanh(w @ v), (w, v)), primals=(w, v))


MODEL = (
    Property("value", lambda rng: [_model(rng, 5), _model(rng, 1)]),
    Property("one sample alone, of shape (n,)", lambda rng: [_model(rng)]),
    Property("large features", lambda rng: [_model(rng, 4, size=300.0)]),
)


def _gradient(rng, name, shape, within=1e-4, **options):
    p = options.pop("at", None)
    p = rng.normal(size=shape) if p is None else p
    expected = Truth(jax.grad(PROGRAMS[name](Key)), (p,))
    return Check(Call("numerical_gradient", (p, Named("plain", name))), expected, within, (p,), **options)


NUMERICAL = (
    Property("a sum of squares", lambda rng: [_gradient(rng, "squares", (4,))]),
    Property(
        "a step neither too large nor too small",
        lambda rng: [
            _gradient(
                rng, "quadratic", (3,), 1e-4, at=1 + rng.random(3), says="the step is too large or too small: try 1e-6"
            ),
            _gradient(
                rng,
                "squares",
                (3,),
                1e-4,
                at=2e3 * (1 + rng.random(3)),
                says="for large parameters the step is too small: let it grow with them",
            ),
        ],
    ),
    Property(
        "parameters that act together", lambda rng: [_gradient(rng, "mixed", (3,)), _gradient(rng, "mixed", (4,))]
    ),
    Property(
        "a matrix of parameters, and one number",
        lambda rng: [_gradient(rng, "mixed", (2, 3)), _gradient(rng, "mixed", (1,))],
    ),
    Property("the parameters stay as they are", lambda rng: [_gradient(rng, "squares", (3,), kept=True)]),
)

_ON_LISTS = {"exp": jnp.exp, "tanh": jnp.tanh, "sin": jnp.sin, "cos": jnp.cos}


def _composed(function, names, x, says=""):
    def expected(x):
        value, pullback = jax.vjp(lambda x: functools.reduce(lambda x, name: _ON_LISTS[name](x), names[::-1], x), x)
        return value, pullback(jnp.ones_like(value))[0]

    call = Call(function, ([Named("numpy", name) for name in names], x))
    return Check(call, Truth(expected, (x,)), primals=(x,), says=says)


def on_lists(function):
    of = lambda *names: (
        lambda rng: [_composed(function, names, x) for x in (rng.uniform(0.2, 1.2), rng.uniform(-1.2, -0.2))]
    )
    return (
        Property("one function", of("sin")),
        Property("exp(tanh(x)), as in the notebook", of("exp", "tanh")),
        Property("four functions", of("cos", "exp", "sin", "tanh")),
        Property("a function that occurs twice", of("sin", "exp", "sin")),
        Property(
            "no function at all",
            lambda rng: [
                _composed(function, (), rng.normal(), "of no function the value is the input, and the derivative 1")
            ],
        ),
        Property(
            "an array, each element by itself", lambda rng: [_composed(function, ("sin", "exp"), rng.normal(size=3))]
        ),
    )


# 2: rules


def _rule(rng, name, f, *primals, dtype=None, factor=1):
    primals = [np.asarray(x, dtype) if isinstance(x, np.ndarray) and dtype else x for x in primals]
    moving = [x for x in primals if isinstance(x, np.ndarray)]
    fixed = [x for x in primals if not isinstance(x, np.ndarray)]
    of = lambda *x: f(*x, *fixed)
    out = jax.eval_shape(of, *moving)
    g = factor * np.asarray(rng.normal(size=out.shape), out.dtype)

    def expected(g, *primals):
        found = jax.vjp(of, *primals)[1](g)
        return found if len(found) > 1 else found[0]

    return Check(Call(name, (g, *primals)), Truth(expected, (g, *moving)), None, tuple(moving), g)


_OF = {
    "vjp_exp": (jnp.exp, lambda rng: [(rng.normal(size=4),), (rng.normal(size=(2, 3)),)]),
    "vjp_tanh": (jnp.tanh, lambda rng: [(rng.normal(size=4),), (rng.normal(size=(2, 3)),)]),
    "vjp_multiply": (jnp.multiply, lambda rng: [(rng.normal(size=4), rng.normal(size=4))] * 2),
    "vjp_divide": (
        jnp.divide,
        lambda rng: [(rng.normal(size=4), 1 + rng.random(4)), (rng.normal(size=3), -1 - rng.random(3))],
    ),
    "vjp_sum": (jnp.sum, lambda rng: [(rng.normal(size=(2, 3)), axis) for axis in (0, 1, -1, None)]),
    "vjp_matmul": (
        jnp.matmul,
        lambda rng: [
            (rng.normal(size=(2, 3)), rng.normal(size=(3, 4))),
            (rng.normal(size=(3, 3)), rng.normal(size=(3, 3))),
        ],
    ),
    "vjp_softmax": (jax.nn.softmax, lambda rng: [(rng.normal(size=4),), (rng.normal(size=2),)]),
}


def _rules(rng, name, **options):
    f, cases = _OF[name]
    return [_rule(rng, name, f, *args, **options) for args in cases(rng) for _ in range(2)]


RULE_PROPERTIES = (
    *(Property(name, lambda rng, name=name: _rules(rng, name)) for name in _OF),
    Property(
        "linear in g: twice the cotangent gives twice as much",
        lambda rng: [check for name in _OF for check in _rules(rng, name, factor=2)[:1]],
    ),
    Property(
        "float32 stays float32",
        lambda rng: [check for name in _OF for check in _rules(rng, name, dtype=np.float32)[:1]],
    ),
    Property(
        "softmax of large numbers",
        lambda rng: [
            _rule(rng, "vjp_softmax", jax.nn.softmax, np.array([1000.0, 999.0, -1000.0]))._replace(
                says="exp(1000) overflows: take the largest number away before"
            )
        ],
    ),
)


def _unbroadcast(rng, shape, to):
    g = rng.normal(size=to)
    expected = lambda g: jax.vjp(lambda x: jnp.broadcast_to(x, to), jnp.zeros(shape))[1](g)[0]
    return Check(Call("unbroadcast", (g, shape)), Truth(expected, (g,)), 1e-12, (np.zeros(shape),), g)


_spread = lambda *pairs: lambda rng: [_unbroadcast(rng, shape, to) for shape, to in pairs]
UNBROADCAST = (
    Property("nothing to do", _spread(((2, 3), (2, 3)), ((), ()))),
    Property("an axis that was put in front", _spread(((3,), (2, 3)), ((3,), (4, 2, 3)))),
    Property(
        "an axis of length one that was stretched", _spread(((2, 1), (2, 3)), ((1, 3), (2, 3)), ((2, 1, 4), (2, 3, 4)))
    ),
    Property("a number, spread over an array", _spread(((), (2, 3)), ((), (4,)))),
    Property("both at once", _spread(((1, 3), (4, 2, 3)), ((2, 1), (5, 2, 4)), ((1,), (2, 3)))),
    Property("an axis of length one that stays so", _spread(((1, 3), (1, 3)), ((1, 3), (5, 1, 3)))),
)


# 3: engines


def _gradients(rng, name, *at):
    at = at or (rng.uniform(0.2, 1.0),)
    f = PROGRAMS[name](Key)
    expected = jax.grad(lambda x: jnp.asarray(f(*x), float))
    return Check(Call("gradient", (Named("program", name), *at)), Truth(expected, (at,)), 1e-10, at)


_two = lambda rng: (rng.uniform(0.2, 1.0), rng.uniform(1.2, 2.0))
TAPE = (
    Property("a product", lambda rng: [_gradients(rng, "product", *_two(rng))]),
    Property("a chain", lambda rng: [_gradients(rng, "chain"), _gradients(rng, "waves")]),
    Property(
        "what comes along several ways adds up", lambda rng: [_gradients(rng, "fan-out"), _gradients(rng, "cube")]
    ),
    Property(
        "the order of the walk",
        lambda rng: [
            _gradients(rng, "diamond")._replace(
                says="an adjoint was handed on before it was whole: a variable comes after all that were made of it"
            )
        ],
    ),
    Property("numbers beside variables", lambda rng: [_gradients(rng, "mixed operands", *_two(rng))]),
    Property(
        "an argument that is not used, and a constant",
        lambda rng: [_gradients(rng, "unused", *_two(rng)), _gradients(rng, "constant")],
    ),
    Property("each variable once, in a graph of 2²⁵ ways", lambda rng: [_gradients(rng, "ladder")]),
)


def _derivative(name, x, says=""):
    expected = lambda x: Key.derivative(PROGRAMS[name](Key), x)
    return Check(Call("derivative", (Named("program", name), x)), Truth(expected, (x,)), 1e-10, (x,), says=says)


def _along(*names, note=""):
    return lambda rng: [_derivative(name, rng.uniform(0.2, 1.2), note) for name in names * 2]


DUAL = (
    Property("a sum and a product", _along("fan-out", "cube")),
    Property("a chain", _along("chain", "waves")),
    Property("a quotient", _along("quotient")),
    Property("division by a number", _along("by a number")),
    Property("a number minus a dual one", _along("from a number")),
    Property("all at once", _along("diamond")),
    Property(
        "a function that is constant",
        _along("constant", note="a result that is no dual number does not depend on x: its derivative is 0"),
    ),
)


_CONFUSED = "perturbation confusion: the inner derivative took the outer one's tangent for its own"
NESTING = (
    Property("a first derivative", _along("first")),
    Property("a second derivative", _along("second")),
    Property("a third derivative", _along("third")),
    Property("an inner derivative within an outer one", _along("confusion", note=_CONFUSED)),
    Property("the outer variable inside of the inner derivative", _along("outer in inner", note=_CONFUSED)),
    Property("an inner function that does not depend on its own variable", _along("inner constant", note=_CONFUSED)),
)


def _checked(right, *names, size=1.0, at=None):
    def checks(rng):
        found = []
        for name in names:
            x = at if at is not None else size * rng.uniform(0.5, 1.5, size=2 if RULES[name][0] == "matrix" else 3)
            x = x[:2] if RULES[name][0] == "matrix" else x
            args = Named("function", RULES[name][0]), Named("rule", name), x
            says = f"{'a right rule is refused' if right else 'a wrong rule passes'}: of {RULES[name][0]}, {name}"
            found.append(Check(Call("check_vjp", args), right, mistakes=((not right, says),)))
        return found

    return checks


CHECKER = (
    Property("right rules pass", _checked(True, "right sin", "right exp", "right sum", "right matrix")),
    Property(
        "right rules pass at small and large numbers",
        lambda rng: [
            *_checked(True, "right sin", "right matrix", size=1e-4)(rng),
            *_checked(True, "right matrix", size=1e4)(rng),
            *_checked(True, "right exp", size=20.0)(rng),
        ],
    ),
    Property("a factor or a sign too many", _checked(False, "a factor", "the sign")),
    Property("a cotangent that is left out", _checked(False, "the cotangent left out")),
    Property("zero, and nan", _checked(False, "zero", "nan")),
    Property("the derivative of another function", _checked(False, "another function", "by its mean")),
    Property("right numbers in wrong places", _checked(False, "transposed", "in reverse order")),
    Property("one element alone, and a wrong shape", _checked(False, "one element", "the shape")),
)


def _write(rng, shape, index, v_shape, kept=False):
    x, v = rng.normal(size=shape), rng.normal(size=v_shape)
    g = rng.normal(size=shape)
    expected = lambda g, x, v: jax.vjp(lambda x, v: x.at[index].set(v), x, v)[1](g)
    return Check(Call("vjp_write", (g, x, index, v)), Truth(expected, (g, x, v)), 1e-12, (x, v), g, kept)


_writes = lambda *of, kept=False: lambda rng: [_write(rng, *one, kept=kept) for one in of]
_EVERY = slice(None)
WRITE = (
    Property("one element", _writes(((4,), 1, ()), ((2, 3), (1, 2), ()))),
    Property("a slice", _writes(((5,), slice(1, 4), (3,)), ((2, 3), (_EVERY, slice(0, 2)), (2, 2)))),
    Property("a row and a column", _writes(((2, 3), 0, (3,)), ((2, 3), (_EVERY, 1), (2,)))),
    Property("a number written to many places", _writes(((5,), slice(0, 3), ()), ((2, 3), _EVERY, ()))),
    Property("a row written to many", _writes(((4, 3), slice(1, 4), (3,)), ((4, 3), slice(1, 4), (3, 1)))),
    Property("the cotangent stays as it is", _writes(((4,), slice(0, 2), (2,)), kept=True)),
)

PROPERTIES = {
    "1.1": MODEL,
    "1.2": NUMERICAL,
    "1.3": on_lists("forward_automatic_differentiation"),
    "1.4": on_lists("reverse_automatic_differentiation"),
    "2.1": RULE_PROPERTIES,
    "2.2": UNBROADCAST,
    "3.1": TAPE,
    "3.2": DUAL,
    "3.3": NESTING,
    "3.4": CHECKER,
    "3.5": WRITE,
}
