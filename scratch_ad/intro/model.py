"""The classifier of one layer, its cost, and the logistic map: plain NumPy, as a user would write it."""

import numpy as np


def logistic(v):
    """The logistic sigmoid 1/(1 + exp(−v)), with values in (0, 1); written so that it cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * v))


def model(parameters, v_in, activation=np.tanh):
    """labels = sigmoid(W · features): ``parameters`` is W, (outputs, inputs); ``v_in`` is (inputs, samples).

    The result has shape (outputs, samples). The labels are ±1 with a threshold at 0, so the sigmoid is tanh, whose
    values lie in (−1, 1). For labels 0 and 1 pass ``logistic``, the same curve: logistic(v) = (1 + tanh(v/2))/2.
    """
    linear = parameters @ v_in
    return activation(linear)


def cost(parameters, v_in_train, v_out_train, activation=np.tanh):
    """The sum of the squared errors of the model over all samples and labels, a scalar."""
    return np.sum((model(parameters, v_in_train, activation) - v_out_train) ** 2)


def random_parameters(input_dims, output_dims, rng=None):
    """A first guess of W: normal numbers of standard deviation 0.1, of shape (output_dims, input_dims)."""
    return np.random.default_rng(rng).normal(size=(output_dims, input_dims)) * 0.1


def threshold(y_predicted):
    """The labels ±1 that the model's outputs stand for."""
    return (y_predicted > 0) * 2 - 1


def repeated_layers(n, x=None):
    """``n`` layers of the logistic map, 4x(1 − x), one in another.

    By default ``x`` is a SymPy symbol, and the result an expression to print, count and differentiate; it can as well
    be a number, an array or any tracer, so that ``lambda x: repeated_layers(n, x)`` is a plain function.
    """
    if x is None:
        import sympy

        x = sympy.Symbol("x")
    current_layer = x
    for _ in range(n):
        current_layer = 4 * current_layer * (1 - current_layer)
    return current_layer
