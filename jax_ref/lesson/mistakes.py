"""Mistakes that are often made, as changes to the solutions: what gives the same wrong numbers is told the same.

Only what no general hint names, such as a wrong sign or factor, needs a place here.
"""

from typing import NamedTuple


class Mistake(NamedTuple):
    """``old``, a part of the solution's text, written as ``new``; ``words``: what it is."""

    old: str
    new: str
    words: str


_CHAIN = "derivatives[function](current_value) * current_derivative"
_FRONT = "np.sum(g, axis=tuple(range(g.ndim - len(shape))))"
_STRETCHED = "np.sum(g, axis=stretched, keepdims=True)"
_LOCALS = "[(self, other.value), (other, self.value)]"
_EXP = "[(x, math.exp(x.value))]"
_PRODUCT = "self.tangent * other.value + self.value * other.tangent"
_SIN = "math.cos(x.value) * x.tangent"
_COS = "-1.0 * sin(x.value) * x.tangent"
_WRITTEN = "np.asarray(g[index])"

_VALUE = "this is the value of the function, not its derivative"
_BACK = "current_adjoint * derivatives[function](value)"
_ONE = "the derivative of one function alone: the chain rule multiplies all of them"
_ADDED = "the derivatives are added: the chain rule multiplies them"
_AT_INPUT = "each derivative is taken at the input, not at the value that its function is given"
_BEGINS = "begins with a value: it begins with 1, that of the result, or input, by itself"
_ON_LISTS = (
    Mistake(
        "in expression[::-1]", "in expression", "the functions are applied in the wrong order: the last comes first"
    ),
)


def _returned(value, derivative):
    old = f"return {value}, {derivative}"
    return (
        Mistake(old, f"return {derivative}, {value}", "the value comes first, then the derivative"),
        Mistake(
            old,
            f"return input_value, {derivative}",
            "the value is that of the input: it has to go through the functions",
        ),
    )


MISTAKES = {
    "1.1": (
        Mistake("np.tanh(linear)", "linear", "the activation is missing: tanh of the linear part"),
        Mistake(
            "np.tanh(linear)", "1 / (1 + np.exp(-linear))", "this is the logistic function: the task asks for tanh"
        ),
        Mistake("np.tanh(linear)", "np.sinh(linear)", "this is sinh: the task asks for tanh"),
        Mistake("np.tanh(linear)", "np.tan(linear)", "this is tan: the task asks for tanh"),
        Mistake("np.tanh(linear)", "np.maximum(linear, 0)", "this is a rectifier: the task asks for tanh"),
    ),
    "1.2": (
        Mistake(
            "function(parameters - change)", "function(change)", "the second value is not taken near the parameters"
        ),
        Mistake("change[index] = h", "change[...] = h", "all parameters are moved at once: move one, the others stay"),
        Mistake(
            "change = np.zeros(grad_f.shape)\n        change[index] = h =",
            "change = parameters\n        h =",
            "the parameters are moved by themselves: move one, by a small step",
        ),
        Mistake("grad_f[index] = (", "grad_f[...] = (", "each element was written to all places: the last one is seen"),
        Mistake(
            "(function(parameters + change) - function(parameters - change)) / (2 * h)",
            "function(parameters + change) - function(parameters - change)",
            "the difference has to be divided by the step",
        ),
    ),
    "1.3": (
        *_ON_LISTS,
        Mistake("np.ones_like(input_value, dtype=float)", "input_value", f"the derivative {_BEGINS}"),
        Mistake(_CHAIN, "derivatives[function](current_value)", _ONE),
        Mistake(_CHAIN, _CHAIN.replace("current_value", "input_value"), _AT_INPUT),
        Mistake(_CHAIN, _CHAIN.replace("*", "+"), _ADDED),
        *_returned("current_value", "current_derivative"),
        Mistake(
            _CHAIN, _CHAIN.replace("current_value", "new_value"), "each derivative is taken at the value that comes out"
        ),
        Mistake(_CHAIN, f"{_CHAIN}**2", "what came before is multiplied twice"),
        Mistake(_CHAIN, "derivatives[function](current_value) / current_derivative", "divided by what came before"),
    ),
    "1.4": (
        *_ON_LISTS,
        Mistake("np.ones_like(input_value, dtype=float)", "current_value", f"the adjoint {_BEGINS}"),
        Mistake(_BACK, "derivatives[function](value)", _ONE),
        Mistake(_BACK, _BACK.replace("(value)", "(input_value)"), _AT_INPUT),
        Mistake(_BACK, _BACK.replace("*", "+"), _ADDED),
        *_returned("current_value", "current_adjoint"),
        Mistake(
            "intermediate_values[::-1]",
            "intermediate_values",
            "the values kept are in the order of the way there: the last function goes with the last of them",
        ),
        Mistake(
            "intermediate_values.append(current_value)\n        current_value = function(current_value)",
            "current_value = function(current_value)\n        intermediate_values.append(current_value)",
            "what is kept is the value after the function: its derivative is taken at the one before",
        ),
    ),
    "2.1": (
        Mistake("return g * np.exp(x)", "return g * x", "this is g·x: the derivative of exp is exp itself"),
        Mistake("g * (1 - np.tanh(x) ** 2)", "g * (1 - np.tanh(x))", "the square is missing: 1 − tanh²"),
        Mistake("g * (1 - np.tanh(x) ** 2)", "g * np.tanh(x)", "this is g·tanh: the derivative of tanh is 1 − tanh²"),
        Mistake("g * (1 - np.tanh(x) ** 2)", "g * (1 - x**2)", "1 − x²: the derivative is 1 − tanh², of the result"),
        Mistake("return g * b, g * a", "return g * a, g * b", "the two are exchanged: that of a is g·b"),
        Mistake("-g * a / b**2", "-g * a / b", "the square is missing: that of b is −g·a/b²"),
        Mistake("-g * a / b**2", "-g / b**2", "the numerator is missing: that of b is −g·a/b²"),
        Mistake(
            "p * (g - np.sum(p * g))",
            "p * g",
            "each result depends on all elements, by the sum below: a term is missing",
        ),
        Mistake(
            "p * (g - np.sum(p * g))",
            "p * (1 - p) * g",
            "this is the diagonal of the derivative: each result depends on all elements, by the sum below",
        ),
        Mistake("np.sum(p * g)", "np.sum(g)", "the sum that is taken away is that of p·g"),
    ),
    "2.2": (
        Mistake(_FRONT, "g", "the axes that were put in front are still there: sum over them"),
        Mistake(_FRONT, "g[(0,) * (g.ndim - len(shape))]", "one of the copies alone was taken: all of them add up"),
        Mistake("range(g.ndim - len(shape))", "range(len(shape), g.ndim)", "new axes are put in front, not at the end"),
        Mistake(
            _STRETCHED,
            "np.max(g, axis=stretched, keepdims=True) if stretched else g",
            "the largest copy was taken: all of them add up",
        ),
        Mistake(
            _STRETCHED,
            "np.mean(g, axis=stretched, keepdims=True) if stretched else g",
            "this is the mean of the copies: they add up",
        ),
        Mistake(
            _STRETCHED,
            "np.sum(g, axis=stretched[:1], keepdims=True)[..., :1]",
            "an axis that was not stretched has lost elements",
        ),
        Mistake(
            _STRETCHED, "np.broadcast_to(np.sum(g), shape)", "summed over all axes: only over those that were stretched"
        ),
    ),
    "3.1": (
        Mistake(
            "adjoints.get(id(parent), 0.0) + adjoints[id(variable)] * local",
            "adjoints[id(variable)] * local",
            "what comes along several ways adds up: not all of them counted",
        ),
        Mistake(_LOCALS, "[(self, self.value), (other, other.value)]", "the locals are exchanged: that of a is b"),
        Mistake(_LOCALS, "[(self, 1.0), (other, 1.0)]", "these are the locals of a sum: in a product that of a is b"),
        Mistake(_EXP, "[(x, 1.0)]", "the local derivative of exp is exp(x), not 1"),
        Mistake(_EXP, "[(x, x.value)]", "the local derivative of exp is exp(x), not x"),
        Mistake(_EXP, "[(x, -math.exp(x.value))]", "the sign of exp's local derivative is wrong"),
        Mistake(
            "adjoints.get(id(parent), 0.0) + adjoints[id(variable)] * local",
            "adjoints.get(id(parent), 0.0) + local",
            "the locals are added: each has to be multiplied by the adjoint that arrives",
        ),
        Mistake("{id(result): 1.0}", "{id(result): result.value}", "the walk begins with the value: it begins with 1"),
    ),
    "3.2": (
        Mistake("as_dual(f(Dual(x, 1.0))).tangent", "as_dual(f(Dual(x, 1.0))).value", _VALUE),
        Mistake(_PRODUCT, _PRODUCT.replace("+", "-"), "the sign of a term of the product rule is wrong: a'b + ab'"),
        Mistake(_PRODUCT, "self.value * other.tangent", "a term of the product rule is missing: a'b + ab'"),
        Mistake(
            "(self.tangent - quotient * other.tangent)",
            "(self.tangent + quotient * other.tangent)",
            "the sign of a term of the quotient rule is wrong: (a' − (a/b)·b') / b",
        ),
        Mistake(
            "(self.tangent - quotient * other.tangent)",
            "(self.tangent - other.tangent)",
            "in the quotient rule, (a' − (a/b)·b') / b, the quotient is missing",
        ),
        Mistake(_SIN, "math.cos(x.value)", "the tangent of sin's argument is missing: the chain rule multiplies by it"),
        Mistake(_SIN, f"-{_SIN}", "the sign of sin's derivative is wrong: it is cos"),
        Mistake(_SIN, "math.sin(x.value) * x.tangent", "the derivative of sin is cos, not sin"),
        Mistake("math.exp(x.value) * x.tangent", "x.value * x.tangent", "the derivative of exp is exp, not x"),
        Mistake(
            "math.exp(x.value) * x.tangent",
            "math.exp(x.value)",
            "the tangent of exp's argument is missing: the chain rule multiplies by it",
        ),
        Mistake("Dual(x, 1.0)", "Dual(x, x)", "the tangent begins with x: it begins with 1, that of x by itself"),
    ),
    "3.3": (
        Mistake("return out.tangent if", "return out.value if", _VALUE),
        Mistake("(z, 0.0)", "(z, 1.0)", "what belongs to another level is constant here: its tangent is 0, not 1"),
        Mistake(_COS, "sin(x.value) * x.tangent", "the sign of cos's derivative is wrong: it is −sin"),
        Mistake(
            _COS, "-1.0 * sin(x.value)", "the tangent of cos's argument is missing: the chain rule multiplies by it"
        ),
        Mistake("Dual(x, 1.0, level)", "Dual(x, x, level)", "the tangent begins with x: it begins with 1"),
    ),
    "3.4": (
        Mistake("    return True\n", "    return None\n", "nothing is returned: True at the end, if nothing was wrong"),
    ),
    "3.5": (
        Mistake(
            "of_x[index] = 0.0", "pass", "what was there before the write has no influence any more: its cotangent is 0"
        ),
        Mistake(_WRITTEN, "np.asarray(x[index])", "these are elements of x: the cotangent of v is taken from g"),
        Mistake(
            _WRITTEN, f"{_WRITTEN} * v", "multiplied by v: what was written is v itself, so its cotangent is g[index]"
        ),
        Mistake(
            "np.sum(of_v, axis=tuple(range(of_v.ndim - np.ndim(v))))",
            "np.mean(of_v, axis=tuple(range(of_v.ndim - np.ndim(v))))",
            "this is the mean of the copies: they add up",
        ),
    ),
}
