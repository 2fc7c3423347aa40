"""Partial derivatives of the elementwise functions. ``x`` or ``a, b`` are the arguments, ``y`` the output."""

import math

import numpy as np

from ..rule import elementwise, over

_LN2, _LN10 = math.log(2), math.log(10)


def _sign_towards_one(x, y):
    """|x|: conj(x)/|x|; 1 at a real 0, as in JAX, and 0 at a complex 0, the least subgradient."""
    if not np.iscomplexobj(x):
        return np.where(np.less(x, 0), -1, 1).astype(x.dtype) 
    return np.where(np.equal(y, 0), 0, np.conjugate(x) / np.where(np.equal(y, 0), 1, y))


elementwise(np.add,      1, 1)
elementwise(np.subtract, 1, -1)
elementwise(np.multiply, lambda b: b, lambda a: a)
elementwise(np.divide,   lambda b: 1 / b, lambda b, y: -y / b)
elementwise(np.negative, -1)
elementwise(np.positive, 1)
elementwise(np.square,   lambda x: 2 * x)
elementwise(np.sin,      lambda x: np.cos(x))
elementwise(np.cos,      lambda x: -np.sin(x))
elementwise(np.exp,      lambda y: y)
elementwise(np.log,      lambda x: 1 / x)
elementwise(np.sqrt,     lambda y: 0.5 / y)
elementwise(np.tanh,     over(lambda x: np.square(np.cosh(x))))
