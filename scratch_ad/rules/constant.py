"""Functions whose derivative is zero wherever they have one: integer, boolean or piecewise constant results."""

import numpy as np

from ..primitives import detached
from ..rule import constant, refuse

constant(
    detached,
    *(np.floor, np.ceil, np.trunc, np.rint, np.fix, np.round, np.around, np.floor_divide, np.spacing, np.signbit),
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.all, np.any, np.count_nonzero),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.bitwise_count, np.left_shift, np.right_shift),
    *(np.gcd, np.lcm),
    *(np.isfinite, np.isinf, np.isnan, np.isnat, np.isposinf, np.isneginf, np.isreal, np.iscomplex),
    *(np.isclose, np.allclose, np.array_equal, np.array_equiv, np.isin),
    *(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort),
    *(np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted, np.digitize),
    *(np.unravel_index, np.ravel_multi_index, np.diag_indices_from, np.tril_indices_from, np.triu_indices_from),
    *(np.shape, np.ndim, np.size, np.isrealobj, np.iscomplexobj, np.result_type, np.can_cast, np.min_scalar_type),
    *(np.common_type, np.shares_memory, np.may_share_memory, np.einsum_path),
    *(np.zeros_like, np.ones_like, np.empty_like, np._core.umath._ones_like),
    *(np.array2string, np.array_repr, np.array_str),
)

refuse(
    "it works on strings",
    *(f for f in vars(np._core.umath).values() if isinstance(f, np.ufunc) and not f.types),
    error=TypeError,
)
