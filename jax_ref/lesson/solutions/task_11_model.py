"""The classifier of one layer: labels = tanh(W · features)."""

import numpy as np


def model(parameters, v_in):
    """The outputs of the model: ``parameters`` is W of shape (m, n), ``v_in`` has shape (n, samples) or (n,).

    The result has shape (m, samples) or (m,), with values between −1 and 1.
    """
    # solution
    #: Calculate the linear layer
    linear = parameters @ v_in
    #: Calculate the non-linear activation
    return np.tanh(linear)
    # end
