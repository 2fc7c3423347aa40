"""How each function acts on a batch: one file per family, as in rules/.

A batching rule takes the batch and the arguments of a call, some of which are ``Batched``, and gives the result of the
call. It calls the same function on the arrays of all examples, with axes counted from the end, where the hidden axis is
in nobody's way. Elementwise functions and rewrites need none; what has none loops over the examples.

    axes         what these files share
    shaping      rearranging, joining, splitting, creation
    indexing     indices, writes, selection by conditions
    reductions   sums, extrema, sorting, cumulative functions, Fourier transforms
    products     products of matrices and tensors
    matrices     np.linalg, which takes stacks
    loops        which functions loop, and why
"""

from . import indexing, matrices, products, reductions, shaping  # noqa: F401
