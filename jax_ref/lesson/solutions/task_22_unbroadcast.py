"""Un-broadcasting: what an operation spread over an array has to come back as a sum."""

import numpy as np


def unbroadcast(g, shape):
    """The cotangent of an argument of this shape, which was broadcast to the shape of g."""
    # solution
    #: the axes that were put in front, then those of length one that were stretched
    g = np.sum(g, axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(k for k, n in enumerate(shape) if n == 1 and g.shape[k] != 1)
    return np.sum(g, axis=stretched, keepdims=True)
    # end
