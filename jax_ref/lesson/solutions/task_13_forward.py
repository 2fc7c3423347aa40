"""Forward mode on a list of functions: the chain rule at each step, beside the value."""

import numpy as np

derivatives = {
    np.exp: np.exp,
    np.tanh: lambda x: 1 - np.tanh(x) ** 2,
    np.sin: np.cos,
    np.cos: lambda x: -np.sin(x),
}


def forward_automatic_differentiation(expression, input_value):
    """The value and the derivative of a composition, the outermost function first: [np.exp, np.tanh] is exp(tanh(x)).

    ``input_value`` is a number, or an array of which each element is taken by itself.
    """
    # solution
    current_value = input_value
    current_derivative = np.ones_like(input_value, dtype=float)
    for function in expression[::-1]:
        new_value = function(current_value)
        #: the chain rule: f'(g(x)) g'(x)
        new_derivative = derivatives[function](current_value) * current_derivative
        current_value, current_derivative = new_value, new_derivative
    return current_value, current_derivative
    # end
