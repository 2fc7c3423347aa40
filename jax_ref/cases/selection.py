"""Sorting, and the statistics that pick elements by order."""

import numpy as np

from . import REAL, at, cases
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
    cases(np.quantile, f"np.quantile(a, 0.35, method='{method}')", a=(6,), dtypes=REAL)
