"""Grids between numbers."""

import numpy as np

from . import DOUBLE, DOUBLES, cases, positive

cases(
    np.linspace,
    "np.linspace(a, b, 4)",
    "np.linspace(a, 1.0, num=3, endpoint=False, axis=-1)",
    "np.linspace(a, b, 3, retstep=True)",
    a=(2, 1),
    b=(3,),
)
cases(np.linspace, "np.linspace(a, 2, 1)", "np.linspace(1, a, 0)", "np.linspace(0.0, a, 5)", a=(), dtypes=DOUBLE)
cases(
    np.logspace,
    "np.logspace(a, b, 4)",
    "np.logspace(a, 1.0, 3, False, base=2.0, axis=-1)",
    a=(2, 1),
    b=(3,),
    dtypes=DOUBLES,
)
cases(np.logspace, "np.logspace(a, 1.0, 4, base=b)", a=(), b=positive(3), dtypes=DOUBLE, differs="JAX takes one base")
cases(
    np.geomspace,
    "np.geomspace(a, b, 4)",
    "np.geomspace(a, b, 3, endpoint=False, axis=1)",
    a=positive(2),
    b=positive(2),
    dtypes=DOUBLES,
)
cases(np.geomspace, "np.geomspace(-a, -2.0, 4)", "np.geomspace(a, 3.0, 1)", a=positive(2), dtypes=DOUBLE)
