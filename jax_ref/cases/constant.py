"""Functions with piecewise constant, integer or boolean results, by what they are called on.

``x`` is an array of shape (2, 3), ``v`` one of shape (4,), ``n`` an array of small integers of shape (3,).
"""

CONSTANTS = (
    *(f"np.{f}(x)" for f in ("floor", "ceil", "trunc", "rint", "fix", "round", "around", "spacing", "signbit")),
    *(
        f"np.{f}(x)"
        for f in ("isfinite", "isinf", "isnan", "isposinf", "isneginf", "isreal", "iscomplex", "logical_not")
    ),
    *(f"np.{f}(x)" for f in ("argmax", "argmin", "nanargmax", "nanargmin", "argsort", "all", "any", "count_nonzero")),
    *(f"np.{f}(x)" for f in ("nonzero", "flatnonzero", "argwhere", "tril_indices_from", "triu_indices_from")),
    *(f"np.{f}(x)" for f in ("shape", "ndim", "size", "isrealobj", "iscomplexobj", "result_type", "min_scalar_type")),
    *(
        f"np.{f}(x)"
        for f in ("zeros_like", "ones_like", "_core.umath._ones_like", "array2string", "array_repr", "array_str")
    ),
    *(
        f"np.{f}(x, 0.5)"
        for f in ("floor_divide", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    ),
    *(f"np.{f}(x, 0.5)" for f in ("logical_and", "logical_or", "logical_xor", "isclose", "allclose", "isin")),
    *(f"np.{f}(x, x)" for f in ("array_equal", "array_equiv", "common_type", "shares_memory", "may_share_memory")),
    *(f"np.{f}(n, 2)" for f in ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "gcd", "lcm")),
    "np.invert(n)",
    "np.bitwise_count(n)",
    "np.isnat(np.datetime64('2000-01-01'))",
    "np.argpartition(v, 2)",
    "np.linalg.matrix_rank(x)",
    "np.lexsort((v,))",
    "np.searchsorted([-1.0, 0.0, 1.0], v)",
    "np.digitize(v, [-1.0, 0.0, 1.0])",
    "np.unravel_index(n, (2, 3))",
    "np.ravel_multi_index((n, n), (3, 3))",
    "np.diag_indices_from(x[:, :2])",
    "np.can_cast(x.dtype, np.complex128)",
    "np.empty_like(x).shape",
    "np.einsum_path('ij,ij', x, x)[0]",
    "scipy.linalg.bandwidth(x)",
    "scipy.linalg.ishermitian(x[:, :2])",
    "scipy.linalg.issymmetric(x[:, :2])",
    *(f"scipy.spatial.distance.{f}(v > 0, v > 1)" for f in ("dice", "jaccard", "rogerstanimoto", "russellrao", "yule")),
    "scipy.spatial.distance.sokalsneath(v > 0, v > 1)",
    "scipy.spatial.distance.hamming(v, [0.3, 1.0, 2.0, 1.5])",
    *(f"scipy.spatial.distance.{f}(np.zeros_like(x[:, :2]) * x[:, :2])" for f in ("is_valid_dm", "num_obs_dm")),
    *(f"scipy.spatial.distance.{f}(x[0])" for f in ("is_valid_y", "num_obs_y")),
    "scipy.optimize.linear_sum_assignment(x)[1]",
    "scipy.special.gammasgn(x)",
    "scipy.special.round(x)",
)
