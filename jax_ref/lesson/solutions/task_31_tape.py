"""A tape: numbers that remember how they were made, and the walk back along it."""

import math


class Variable:
    """A number; ``parents``: those that it was made of, each with the local derivative."""

    def __init__(self, value, parents=()):
        self.value, self.parents = value, parents

    def __add__(self, other):
        other = as_variable(other)
        return Variable(self.value + other.value, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        other = as_variable(other)
        # solution
        return Variable(self.value * other.value, [(self, other.value), (other, self.value)])
        # end

    def __sub__(self, other):
        return self + -1.0 * as_variable(other)

    __radd__, __rmul__ = __add__, __mul__


def as_variable(x):
    return x if isinstance(x, Variable) else Variable(x)


def sin(x):
    return Variable(math.sin(x.value), [(x, math.cos(x.value))])


def exp(x):
    """As ``sin`` above."""
    # solution
    return Variable(math.exp(x.value), [(x, math.exp(x.value))])
    # end


def gradient(f, *xs):
    """The derivatives of ``f``, a function of so many numbers, with respect to each: a tuple of floats."""
    variables = [Variable(x) for x in xs]
    result = as_variable(f(*variables))
    # solution
    #: each variable once, and only after all that were made of it: then its adjoint is whole
    order, seen = [], set()

    def visit(variable):
        if id(variable) not in seen:
            seen.add(id(variable))
            for parent, _ in variable.parents:
                visit(parent)
            order.append(variable)

    visit(result)
    adjoints = {id(result): 1.0}
    for variable in reversed(order):
        for parent, local in variable.parents:
            #: what comes along several ways adds up
            adjoints[id(parent)] = adjoints.get(id(parent), 0.0) + adjoints[id(variable)] * local
    return tuple(adjoints.get(id(variable), 0.0) for variable in variables)
    # end
