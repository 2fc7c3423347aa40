"""The gradient by small steps: one more evaluation of the function for each parameter."""

import numpy as np


def numerical_gradient(parameters, function):
    """The gradient of ``function``, which gives a number, at the array ``parameters`` of any shape.

    The result has the shape of ``parameters``, which stay as they are.
    """
    # solution
    #: This will contain the newly calculated gradient
    grad_f = np.zeros(np.shape(parameters))
    #: For each element of parameters, a small change in that parameter alone
    for index in np.ndindex(grad_f.shape):
        change = np.zeros(grad_f.shape)
        change[index] = h = 1e-6 * max(1.0, abs(parameters[index]))
        #: ( f(p+h) - f(p) ) / h, or the more exact ( f(p+h) - f(p-h) ) / 2h
        grad_f[index] = (function(parameters + change) - function(parameters - change)) / (2 * h)
    return grad_f
    # end
