"""When two results are the same: container, shape, dtype, and each number to within some units in the last place."""

import numpy as np
import optree

# Units in the last place, of the largest number of an array, that two correct programs may differ by: in first and in
# second derivatives.
ULPS = {
    "float16": (4, 16),
    "float32": (16, 64),
    "float64": (16, 64),
    "complex64": (16, 64),
    "complex128": (16, 64),
}


def mismatch(got, expected, order=1, scale=0.0, condition=1.0):
    """How ``got`` differs from ``expected``, in words; empty if it does not.

    ``order``: of the derivative that they are. ``scale``: the size of the terms whose sum a small number is.
    ``condition``: by how much the function magnifies rounding errors.
    """
    got, got_spec = optree.tree_flatten(got)
    expected, spec = optree.tree_flatten(expected)
    if got_spec != spec:
        return f"container {got_spec}, not {spec}"
    found = (_of_leaf(a, b, order, scale, condition) for a, b in zip(got, expected, strict=True))
    return "; ".join(filter(None, found))


def _of_leaf(got, expected, order, scale, condition):
    a, b = np.asarray(got), np.asarray(expected)
    if a.shape != b.shape:
        return f"shape {a.shape}, not {b.shape}"
    if a.dtype != b.dtype:
        return f"dtype {a.dtype}, not {b.dtype}"
    if a.dtype.kind not in "fc":
        return "" if np.array_equal(a, b) else f"{a}, not {b}"
    finite = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return f"{a}, not {b}"
    with np.errstate(over="ignore"):
        error = np.abs(a[finite] - b[finite], dtype=np.float64)
        scale = np.max(np.abs(b[finite], dtype=np.float64), initial=scale)
    ulps = np.max(error, initial=0) / max(scale * np.finfo(a.dtype).eps, np.finfo(a.dtype).tiny)
    return (
        f"{ulps:.3g} units in the last place: {a}, not {b}" if ulps > condition * ULPS[a.dtype.name][order - 1] else ""
    )
