"""Reverse mode on a list of functions: the values first, kept, then the sensitivities from the outermost inwards."""

import numpy as np

derivatives = {
    np.exp: np.exp,
    np.tanh: lambda x: 1 - np.tanh(x) ** 2,
    np.sin: np.cos,
    np.cos: lambda x: -np.sin(x),
}


def reverse_automatic_differentiation(expression, input_value):
    """The value and the adjoint of the input, of a composition as in the task before."""
    # solution
    current_value = input_value
    intermediate_values = []
    for function in expression[::-1]:
        #: calculate intermediate values
        intermediate_values.append(current_value)
        current_value = function(current_value)
    current_adjoint = np.ones_like(input_value, dtype=float)
    for function, value in zip(expression, intermediate_values[::-1]):
        #: calculate the sensitivity with respect to the current value
        current_adjoint = current_adjoint * derivatives[function](value)
    return current_value, current_adjoint
    # end
