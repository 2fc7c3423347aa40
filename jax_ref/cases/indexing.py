"""Indexing of every kind, and the functions that take elements by position."""

import numpy as np

from scratch_ad import primitives

from . import cases

BASIC = (
    "a[1]",
    "a[-1]",
    "a[0, 2]",
    "a[1:]",
    "a[::-1]",
    "a[:, ::2]",
    "a[..., 0]",
    "a[None]",
    "a[:, None, 1:]",
    "a[1:1]",
    "a[()]",
)
ADVANCED = (
    "a[[0, 2, 0]]", "a[np.array([[0, 1], [2, 2]])]", "a[[0, 1], [1, 1]]", "a[:, [3, 0]]", "a[[0, 2], :, None]",
    "a[[2], 1:]", "a[np.array([True, False, True])]", "a[np.ix_([0, 2], [1, 3])]", "a[None, [0, 0]]", "a[[-1, -1]]",
    "a[np.arange(12).reshape(3, 4) % 5 == 0]", "a[np.array([], int)]", "a[np.int64(1)]", "a[np.array(1)]",
)  # fmt: skip

cases(primitives.getitem, *BASIC, *ADVANCED, a=(3, 4))
cases(primitives.getitem, "a[0, [0, 1], 1]", "a[[0, 1], :, [1, 0]]", "a[:, [0, 2], [1, 0]]", a=(2, 3, 2))
cases(primitives.getitem, "a[()]", "a[None]", "a[...]", a=())
cases(primitives.getitem, "[2.0 * row for row in a]", "a[2] * a[0]", a=(3,))
cases(
    np.take,
    "np.take(a, [0, 2, 0], axis=0)",
    "np.take(a, 1, axis=1)",
    "a.take([5, 5, 1])",
    "np.take(a, np.array([[0, 1]]), axis=-1)",
    a=(3, 4),
)
cases(np.take_along_axis, "np.take_along_axis(a, np.array([[0, 0], [1, 2], [3, 3]]), axis=1)", a=(3, 4))
cases(np.compress, "np.compress([True, False, True], a, axis=0)", "a.compress([False, True])", a=(3, 4))
cases(np.extract, "np.extract(np.array([True, False, True]), a)", a=(3,))
cases(np.choose, "np.choose([0, 1, 0], [a, b])", a=(3,), b=(3,))
cases(
    np.bincount,
    "np.bincount([0, 1, 1, 3], a)",
    "np.bincount([2, 0, 0, 2], a, minlength=5)",
    a=(4,),
    dtypes=("float64",),
)
