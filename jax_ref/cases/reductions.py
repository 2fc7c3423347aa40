"""Sums, products, extremes and the statistics built from them, along every kind of axis."""

import numpy as np

from . import ALL, DOUBLE, DOUBLES, REAL, SHORT, anywhere, at, cases, nonzero, positive


def reduction(function, domain=anywhere, dtypes=ALL, where=True, keepdims=True, of_one=True):
    """The calls that every reduction understands."""
    f = f"np.{function.__name__}"
    cases(function, f"{f}(a)", a=domain(2, 3), dtypes=dtypes)
    cases(function, f"{f}(a)", a=domain(2), dtypes=SHORT if dtypes is ALL else SHORT[:1])
    cases(function, f"{f}(a, axis=0)", f"{f}(a, axis=-1)", a=domain(3, 4, 5), dtypes=dtypes)
    if of_one:
        cases(function, f"{f}(a)", a=domain(), dtypes=dtypes)
    if keepdims:
        cases(function, f"{f}(a, axis=(0, -1))", f"{f}(a, keepdims=True)", a=domain(3, 4, 5), dtypes=dtypes)
        cases(function, f"{f}(a, axis=1, keepdims=True)", a=domain(3, 4, 5), dtypes=dtypes)
    if where:
        cases(function, f"{f}(a, axis=1, where=np.array([True, False, True, True]))", a=domain(3, 4), dtypes=dtypes)


reduction(np.sum)
reduction(np.mean)
reduction(np.prod)
reduction(np.std, of_one=False)  # JAX gives nan for its derivative, which is 0
reduction(np.var)
reduction(np.nansum)
reduction(np.nanmean)
reduction(np.nanprod)
reduction(np.nanstd, of_one=False)
reduction(np.nanvar)
cases(np.sum, "np.sum(a, axis=1)", "np.sum(a)", a=(3, 0))
cases(np.sum, "np.sum(a, axis=())", "np.sum(a, dtype=np.complex128)", "np.sum(a, initial=2.0)", a=(2, 3))
cases(np.sum, "sum(a)", a=(3,))
cases(np.mean, "np.mean(a, dtype=np.complex128)", a=(2, 3))
cases(np.prod, "np.prod(a, axis=0)", "np.prod(a)", a=(0, 3))
cases(np.prod, "np.prod(a, initial=2.0)", "np.prod(a, axis=1, initial=2.0)", a=(2, 3))
cases(np.prod, "np.prod(a)", "np.prod(a, axis=1)", a=at([0.0, 2.0, 3.0], [1.0, 2.0, 0.0]))
cases(np.prod, "np.prod(a)", a=at(0.0, 0.0, 3.0))
cases(np.std, "np.std(a, ddof=1)", "np.std(a, axis=0, ddof=1, keepdims=True)", a=(4, 3))
cases(np.var, "np.var(a, ddof=1)", "np.var(a, axis=0, correction=1)", "np.var(a, mean=np.mean(a))", a=(4, 3))
cases(np.nansum, "np.nansum(a)", a=at(float("nan"), 1.0, 2.0), dtypes=REAL)

for function in (np.max, np.min, np.amax, np.amin):
    reduction(function, dtypes=REAL, where=False)
    f = f"np.{function.__name__}"
    cases(function, f"{f}(a, initial=0.5)", a=(2, 3), dtypes=REAL)
    cases(function, f"{f}(a, axis=1, initial=0.0, where=np.array([True, False, True]))", a=(2, 3), dtypes=REAL)
    cases(function, f"{f}(a)", f"{f}(a, axis=0)", a=at([1.0, 2.0], [2.0, 2.0]), dtypes=REAL, orders=1)
for function in (np.nanmax, np.nanmin, np.ptp):
    reduction(function, dtypes=REAL, where=False)
for function in (np.cumsum, np.cumprod):
    reduction(function, where=False, keepdims=False)
    cases(function, f"np.{function.__name__}(a)", a=(0,))
cases(np.cumprod, "np.cumprod(a)", "np.cumprod(a[::-1])", a=at(2.0, 0.0, 3.0, 4.0))
for function in (np.nancumsum, np.nancumprod):
    reduction(function, where=False, keepdims=False)
cases(np.cumulative_sum, "np.cumulative_sum(a)", "np.cumulative_sum(a, include_initial=True)", a=(3,))
cases(np.cumulative_prod, "np.cumulative_prod(a)", "np.cumulative_prod(a, include_initial=True)", a=(3,))
cases(np.average, "np.average(a)", "np.average(a, axis=0)", a=(2, 3))
cases(
    np.average,
    "np.average(a, axis=1, weights=b)",
    "np.average(a, axis=1, weights=b, returned=True)",
    a=(2, 3),
    b=positive(3),
)
cases(np.diff, "np.diff(a)", "np.diff(a, n=2, axis=0)", a=(4, 3))
cases(np.diff, "np.diff(a, prepend=b)", "np.diff(a, append=b[0])", a=(3,), b=(1,))
cases(np.ediff1d, "np.ediff1d(a)", "np.ediff1d(a, to_begin=b)", a=(4,), b=(2,))
cases(np.gradient, "np.gradient(a)", "np.gradient(a, 0.5)", a=(4,))
cases(np.gradient, "np.gradient(a, axis=0)", "np.gradient(a, 0.5, 2.0)", a=(4, 3))
cases(np.trapezoid, "np.trapezoid(a)", "np.trapezoid(a, dx=0.5)", "np.trapezoid(a, b)", a=(4,), b=(4,))
cases(
    np.quantile, "np.quantile(a, 0.3)", "np.quantile(a, np.array([0.2, 0.9], a.dtype), axis=1)", a=(2, 5), dtypes=REAL
)

cases(
    np.cov,
    "np.cov(a)",
    "np.cov(a, bias=True)",
    "np.cov(a, dtype=np.complex128)",
    "np.cov(a, a[:1])",
    a=(3, 5),
    dtypes=DOUBLES,
)
cases(np.cov, "np.cov(a, b, rowvar=False, ddof=0)", a=(5, 2), b=(5, 1), dtypes=DOUBLE)
cases(
    np.cov,
    "np.cov(a, aweights=b)",
    "np.cov(a, aweights=b, ddof=0)",
    "np.cov(a, fweights=np.array([1, 2, 0, 1]), aweights=b)",
    "np.cov(a[0], fweights=np.array([1, 2, 0, 1]))",
    a=(2, 4),
    b=positive(4),
    dtypes=DOUBLE,
)
cases(np.corrcoef, "np.corrcoef(a.T, rowvar=False)[0, 1:]", "np.corrcoef(a[0], a[1])[0, 1]", a=(3, 4), dtypes=DOUBLES)

for ufunc, domain, dtypes in (
    (np.add, anywhere, ALL),
    (np.multiply, nonzero, ALL),
    (np.maximum, anywhere, REAL),
    (np.minimum, anywhere, REAL),
):
    f = f"np.{ufunc.__name__}"
    cases(
        ufunc.reduce,
        f"{f}.reduce(a)",
        f"{f}.reduce(a, axis=1)",
        f"{f}.reduce(a, axis=None)",
        a=domain(2, 3),
        dtypes=dtypes,
    )
    cases(ufunc.outer, f"{f}.outer(a, b)", a=domain(2), b=domain(2, 3), dtypes=dtypes)
for ufunc in (np.logaddexp, np.logaddexp2, np.hypot):
    cases(ufunc.reduce, f"np.{ufunc.__name__}.reduce(a, axis=1)", a=nonzero(2, 3), dtypes=REAL)
for ufunc in (np.add, np.multiply):
    f = f"np.{ufunc.__name__}"
    cases(ufunc.accumulate, f"{f}.accumulate(a)", f"{f}.accumulate(a, axis=1)", a=(2, 3))
cases(np.add.reduceat, "np.add.reduceat(a, [0, 2])", "np.add.reduceat(a, np.array([0, 1, 3]))", a=(4,))
