"""A write into an array: what was there before has no influence any more."""

import numpy as np


def vjp_write(g, x, index, v):
    """The cotangents of ``x`` and of ``v``, of the array ``y`` that is ``x.copy()`` after ``y[index] = v``.

    ``v`` is a number, or an array that is broadcast to what is written to.
    """
    # solution
    of_x = g.copy()
    of_x[index] = 0.0
    of_v = np.asarray(g[index])
    #: broadcast: a sum, as in the task before
    of_v = np.sum(of_v, axis=tuple(range(of_v.ndim - np.ndim(v))))
    stretched = tuple(k for k, n in enumerate(np.shape(v)) if n == 1 and of_v.shape[k] != 1)
    return of_x, np.sum(of_v, axis=stretched, keepdims=True)
    # end
