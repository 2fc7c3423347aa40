"""Rules: from the cotangent of a result, g, to the cotangent of each argument.

g has the shape of the result, and what is returned the shape and dtype of the argument.
"""

import numpy as np


def vjp_exp(g, x):
    """Of np.exp(x)."""
    # solution
    return g * np.exp(x)
    # end


def vjp_tanh(g, x):
    """Of np.tanh(x)."""
    # solution
    return g * (1 - np.tanh(x) ** 2)
    # end


def vjp_multiply(g, a, b):
    """Of a * b, where a and b have one shape: a tuple of two."""
    # solution
    return g * b, g * a
    # end


def vjp_divide(g, a, b):
    """Of a / b, where a and b have one shape: a tuple of two."""
    # solution
    return g / b, -g * a / b**2
    # end


def vjp_sum(g, x, axis):
    """Of np.sum(x, axis), with one axis, or None for all."""
    # solution
    g = g if axis is None else np.expand_dims(g, axis)
    return np.broadcast_to(g, x.shape).astype(x.dtype)
    # end


def vjp_matmul(g, a, b):
    """Of a @ b, two matrices: a tuple of two."""
    # solution
    return g @ b.T, a.T @ g
    # end


def vjp_softmax(g, x):
    """Of exp(x) / sum(exp(x)) of a vector, large numbers included."""
    # solution
    e = np.exp(x - np.max(x))
    p = e / np.sum(e)
    return p * (g - np.sum(p * g))
    # end
