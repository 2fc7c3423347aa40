"""Dual numbers: a value and its tangent, carried along together."""

import math


class Dual:
    def __init__(self, value, tangent=0.0):
        self.value, self.tangent = value, tangent

    def __add__(self, other):
        other = as_dual(other)
        return Dual(self.value + other.value, self.tangent + other.tangent)

    def __mul__(self, other):
        other = as_dual(other)
        # solution
        return Dual(self.value * other.value, self.tangent * other.value + self.value * other.tangent)
        # end

    def __truediv__(self, other):
        other = as_dual(other)
        # solution
        quotient = self.value / other.value
        return Dual(quotient, (self.tangent - quotient * other.tangent) / other.value)
        # end

    def __sub__(self, other):
        return self + -1.0 * as_dual(other)

    def __rsub__(self, other):
        # solution
        return as_dual(other) - self
        # end

    __radd__, __rmul__ = __add__, __mul__


def as_dual(x):
    return x if isinstance(x, Dual) else Dual(x)


def sin(x):
    # solution
    return Dual(math.sin(x.value), math.cos(x.value) * x.tangent)
    # end


def exp(x):
    # solution
    return Dual(math.exp(x.value), math.exp(x.value) * x.tangent)
    # end


def derivative(f, x):
    """The derivative of ``f`` at the number ``x``, also of one that does not depend on it."""
    # solution
    return as_dual(f(Dual(x, 1.0))).tangent
    # end
