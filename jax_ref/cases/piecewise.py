"""Functions that choose by a condition, interpolation, and np.emath, whose dtype depends on the numbers."""

import numpy as np

from . import DOUBLE, REAL, SHORT, UNKNOWN_TYPE, Argument, at, cases, nonzero, positive

cases(np.nan_to_num, "np.nan_to_num(a)", "np.nan_to_num(a, nan=3.0)", a=(2, 3))
cases(np.nan_to_num, "np.nan_to_num(a, posinf=1.0)", a=at(1.0, float("nan"), float("inf")), dtypes=REAL)
cases(np.real_if_close, "np.real_if_close(a)", a=(2, 3), dtypes=REAL)
cases(np.real_if_close, "np.real_if_close(a + 1e-20j)", a=(2, 3), dtypes=("float64",), differs=UNKNOWN_TYPE)

choices = (
    "np.where(a.real > 0, a, b)",
    "np.where(np.array([True, False, True]), a, b)",
    "np.where([True, False, True], a, 1.0)",
)
cases(np.where, *choices, a=(2, 3), b=(3,))
cases(np.where, "np.where(b.real > 0, a, 2 * b)", a=(), b=(2, 3))
cases(np.where, "np.where([[True], [False]], a, b)", a=(2, 2), b=(2, 2), dtypes=SHORT)
cases(np.select, "np.select([a.real > 1, a.real > -1], [a, a * b], 2.0)", a=(2, 3), b=())
cases(np.piecewise, "np.piecewise(a, [a > 0, a <= 0], [np.sin, lambda x: x * x])", a=(4,), dtypes=REAL)
cases(np.clip, "np.clip(a, -1.0, 1.0)", "a.clip(-1.0, 1.0)", "np.clip(a, min=0.0)", a=(2, 3), dtypes=REAL)
cases(np.clip, "np.clip(a, None, 0.5)", "np.clip(a, a_min=-1, a_max=None)", a=(2, 3), dtypes=REAL)
cases(np.clip, "np.clip(a, b, c)", a=(2, 3), b=Argument((3,), -1.5, -0.5), c=Argument((), 0.5, 1.5), dtypes=REAL)
cases(np.clip, "np.clip(a, 0.0, 1.0)", a=at(0.0, 1.0, 0.5, 2.0), dtypes=REAL, orders=1)
cases(
    np.clip,
    "np.clip(a, b, c)",
    a=at(0.0, 0.5, 2.0, 1.0),
    b=at(0.5, 0.5, 1.0, 0.0),
    c=at(0.5, 1.0, 0.0, 1.0),
    dtypes=REAL,
    orders=1,
)
cases(np.interp, "np.interp(a, [-2.0, -0.5, 1.0, 2.0], b)", a=(5,), b=(4,), dtypes=("float64",))
cases(np.interp, "np.interp(a, b, b * b)", a=(5,), b=at(-1.0, -0.3, 0.2, 1.5), dtypes=("float64",))
for name in ("sqrt", "log", "log2", "log10"):
    function = getattr(np.emath, name)
    cases(function, f"np.emath.{name}(a)", f"np.emath.{name}(a * a)", a=nonzero(3), dtypes=DOUBLE, differs=UNKNOWN_TYPE)
for name in ("arccos", "arcsin", "arctanh"):
    function, inside = getattr(np.emath, name), at(0.3, -0.8)
    cases(function, f"np.emath.{name}(a)", f"np.emath.{name}(3 * a)", a=inside, dtypes=DOUBLE, differs=UNKNOWN_TYPE)
cases(
    np.emath.logn,
    "np.emath.logn(a, -b)",
    "np.emath.logn(2, b)",
    a=positive(2),
    b=positive(2),
    dtypes=DOUBLE,
    differs=UNKNOWN_TYPE,
)
cases(
    np.emath.power,
    "np.emath.power(-a, b)",
    "np.emath.power(a, -2)",
    a=positive(2),
    b=(2,),
    dtypes=DOUBLE,
    differs=UNKNOWN_TYPE,
)
