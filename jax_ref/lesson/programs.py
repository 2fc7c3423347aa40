"""The functions that a student's code is tried on, by name: of the module they run in, the student's or JAX's.

``m`` has sin, exp and what a task has its students write. Both processes know them, so no code travels.
"""

import numpy as np

PROGRAMS = {
    # of one array, in NumPy's words
    "squares": lambda m: lambda p: m.sum(p * p),
    "mixed": lambda m: lambda p: m.sum(m.sin(p)) * m.sum(p) + m.sum(p**3),
    "far": lambda m: lambda p: m.sum(m.sin(p / 1000.0)),
    "quadratic": lambda m: lambda p: m.sum(p**2 * m.exp(p)),
    # of numbers, by operators and the functions of a task
    "product": lambda m: lambda x, y: x * y,
    "chain": lambda m: lambda x: m.exp(m.sin(x)),
    "fan-out": lambda m: lambda x: x * x + x,
    "diamond": lambda m: lambda x: _diamond(m, x),
    "ladder": lambda m: lambda x: _ladder(x),
    "unused": lambda m: lambda x, y: x * 2.0,
    "constant": lambda m: lambda x: 3.0,
    "mixed operands": lambda m: lambda x, y: 2.0 * x + y * 3.0 - x * y,
    "quotient": lambda m: lambda x: (x * x + 1.0) / m.exp(x),
    "by a number": lambda m: lambda x: x / 4.0,
    "from a number": lambda m: lambda x: 1.0 - x * x,
    "cube": lambda m: lambda x: x * x * x,
    "waves": lambda m: lambda x: m.sin(m.sin(x) * x),
}


def _diamond(m, x):
    a = m.sin(x)
    b, c = a * x, m.exp(a)
    return b * c + a


def _ladder(x):
    for _ in range(25):  # 2²⁵ ways from the result to x
        x = 0.5 * x + 0.5 * x * x
    return x


# For nesting: what is differentiated has derivatives of the module's in it
PROGRAMS |= {
    "first": lambda m: lambda y: m.sin(y) * y + 2.0 * y,
    "second": lambda m: lambda y: m.derivative(lambda z: z * z * z, y),
    "third": lambda m: lambda y: m.derivative(lambda z: m.derivative(lambda w: m.sin(w * w), z), y),
    "confusion": lambda m: lambda y: y * m.derivative(lambda z: y + z, 1.0),
    "outer in inner": lambda m: lambda y: y * m.derivative(lambda z: y * z * z, 2.0),
    "inner constant": lambda m: lambda y: y * m.derivative(lambda z: y * y, 1.0) + y,
}

# Rules for a checker: a function of an array, its rule, and whether that is right
FUNCTIONS = {"sin": np.sin, "exp": np.exp, "sum": np.sum, "matrix": lambda x: np.array([[1.0, 2.0], [3.0, -1.0]]) @ x}
RULES = {
    "right sin": ("sin", lambda g, x: g * np.cos(x)),
    "right exp": ("exp", lambda g, x: g * np.exp(x)),
    "right sum": ("sum", lambda g, x: np.full(np.shape(x), g)),
    "right matrix": ("matrix", lambda g, x: np.array([[1.0, 3.0], [2.0, -1.0]]) @ g),
    "a factor": ("sin", lambda g, x: 1.01 * g * np.cos(x)),
    "the sign": ("sin", lambda g, x: -g * np.cos(x)),
    "the cotangent left out": ("exp", lambda g, x: np.exp(x)),
    "zero": ("exp", lambda g, x: np.zeros_like(x)),
    "another function": ("sin", lambda g, x: g * np.sin(x)),
    "transposed": ("matrix", lambda g, x: np.array([[1.0, 2.0], [3.0, -1.0]]) @ g),
    "one element": ("exp", lambda g, x: g * np.exp(x) * np.where(np.arange(x.size) == x.size - 1, 0.5, 1.0)),
    "nan": ("sin", lambda g, x: g * np.cos(x) * np.nan),
    "the shape": ("sum", lambda g, x: np.asarray(g)),
    "by its mean": ("sum", lambda g, x: np.full(np.shape(x), g / x.size)),
}
RULES["in reverse order"] = ("exp", lambda g, x: (g * np.exp(x))[::-1])


class Words:
    """NumPy's functions of arrays for the programs in NumPy's words; ``jax.numpy`` serves as well."""

    sum, sin, exp = np.sum, np.sin, np.exp
