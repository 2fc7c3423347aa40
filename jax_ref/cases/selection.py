"""Sorting, and the statistics that pick elements by order."""

import numpy as np

from . import DOUBLE, REAL, UNKNOWN_TYPE, Argument, at, cases, positive
from .reductions import reduction

cases(
    np.sort,
    "np.sort(a)",
    "np.sort(a, axis=0)",
    "np.sort(a, axis=None)",
    "np.sort(a, kind='stable')",
    a=(3, 4),
    dtypes=REAL,
)
cases(np.sort, "np.sort(a)", a=at(2.0, 2.0, 1.0), dtypes=REAL)
cases(np.sort, "np.sort(a)", a=(0,), dtypes=REAL)
cases(np.sort_complex, "np.sort_complex(a)", a=(5,), dtypes=("complex128",))
cases(
    np.partition, "np.partition(a, 2)", a=(5,), dtypes=REAL, differs="the elements beside the pivot have no fixed order"
)
cases(
    np.partition,
    "np.partition(a, (1, -1))",
    "np.partition(a, [0, 2], axis=0)",
    "np.partition(a, 3, axis=None)",
    a=at([0.3, 2.0, -1.2, 0.1], [-0.7, 0.9, 1.1, -0.4], [0.6, 1.5, -1.9, 0.2]),
    dtypes=DOUBLE,
    differs="JAX takes one pivot",
)
for function in (np.median, np.nanmedian):
    reduction(function, dtypes=REAL, where=False)
    cases(function, f"np.{function.__name__}(a)", a=(5,), dtypes=REAL)
cases(
    np.quantile, "np.quantile(a, 0.3)", "np.quantile(a, np.array([0.2, 0.9], a.dtype), axis=1)", a=(2, 5), dtypes=REAL
)
cases(np.percentile, "np.percentile(a, 30.0)", "np.percentile(a, 50.0, axis=0, keepdims=True)", a=(2, 5), dtypes=REAL)
cases(np.nanquantile, "np.nanquantile(a, 0.3)", a=(2, 5), dtypes=REAL)
cases(np.nanpercentile, "np.nanpercentile(a, 30.0, axis=1)", a=(2, 5), dtypes=REAL)
for method in ("lower", "higher", "midpoint", "nearest"):
    cases(np.quantile, f"np.quantile(a, 0.35, method='{method}')", a=(6,), dtypes=DOUBLE)
methods = ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen")
for method in (*methods, "weibull", "median_unbiased", "normal_unbiased"):
    cases(
        np.quantile,
        f"np.quantile(a, np.array([0.0, 0.15, 0.5, 0.62, 1.0]), axis=0, method='{method}')",
        a=at([0.3, 2.0], [-1.2, 0.1], [2.0, -0.7], [0.9, 1.1], [-0.4, 0.6], [1.5, -1.9]),
        dtypes=DOUBLE,
        differs="JAX lacks the method",
    )
cases(
    np.quantile,
    "np.quantile(a, 0.4, axis=-1, weights=b[0], method='inverted_cdf')",
    "np.quantile(a, np.array([0.0, 0.3, 1.0]), axis=(1, 0), weights=b.T, method='inverted_cdf')",
    "np.nanquantile(a, 0.7, weights=b, method='inverted_cdf', keepdims=True)",
    "np.percentile(a, [25.0, 60.0], axis=0, weights=b, method='inverted_cdf')",
    a=at([0.3, 2.0, -1.2, 0.1, -0.7], [0.9, 1.1, -0.4, 0.6, 1.5]),
    b=positive(2, 5),
    dtypes=DOUBLE,
    differs="JAX takes no weights",
)
cases(
    np.quantile,
    "np.quantile(a, b)",
    "np.quantile(a, b, method='lower')",
    a=(6,),
    b=Argument((3,), 0.1, 0.9),
    dtypes=DOUBLE,
)
cases(
    np.quantile,
    "np.quantile(a, b, method='weibull')",
    "np.quantile(a, b, method='hazen')",
    a=at(0.3, 2.0, -1.2, 0.1, -0.7, 0.9),
    b=at(0.11, 0.42, 0.8),
    dtypes=DOUBLE,
    differs="JAX lacks the method",
)

distinct = at([0.3, 2.0, -1.2], [-0.7, 0.9, 1.1])
sets = {"a": distinct, "dtypes": DOUBLE, "differs": UNKNOWN_TYPE}
cases(
    np.unique,
    "np.unique(np.concatenate([a, a]))",
    "np.unique(np.concatenate([a, -a, a]), return_index=True, return_inverse=True, return_counts=True)[0]",
    "np.unique(np.concatenate([a, a]), axis=0)",
    "np.unique(np.concatenate([a, a]), axis=-1, return_inverse=True)[0]",
    **sets,
)
for name in ("unique_values", "unique_counts", "unique_inverse", "unique_all"):
    values = f"np.{name}(np.concatenate([a, a]))"
    cases(getattr(np, name), values if name == "unique_values" else values + "[0]", **sets)
for name in ("intersect1d", "setdiff1d", "setxor1d", "union1d"):
    cases(getattr(np, name), f"np.{name}(np.concatenate([a, a]), np.append(a[0], 5 * a[1]))", **sets)
    if name != "union1d":
        cases(getattr(np, name), f"np.{name}(a, np.append(3 * a[0], a[1]), assume_unique=True)", **sets)
cases(np.intersect1d, "np.intersect1d(np.append(a, a[0]), a[0], return_indices=True)[0]", **sets)
sets["dtypes"] = ("complex128",)
cases(np.unique_values, "np.sort_complex(np.unique_values(np.append(a, a)))", **sets)
