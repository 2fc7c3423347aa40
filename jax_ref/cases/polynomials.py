"""Polynomials by their coefficients."""

import numpy as np

from . import DOUBLE, DOUBLES, Argument, at, cases, nonzero, positive

SHORTER = "JAX keeps leading zeros"
cases(np.polyval, "np.polyval(a, b)", a=(4,), b=(2, 3))
cases(np.polyval, "np.polyval(a, b)", a=(3, 2), b=(3, 2), dtypes=DOUBLES, differs="JAX takes one polynomial")
cases(
    np.polyval, "np.polyval([1.0, 2.0, 3.0], a) + np.polyval(a, 2.0)", "np.poly1d([1.0, 2.0])(a)", a=(3,), dtypes=DOUBLE
)
cases(np.polyval, "np.polyval(a, b)", a=(1,), b=(0,), dtypes=DOUBLE)
cases(
    np.vander,
    "np.vander(a)",
    "np.vander(a, 4, increasing=True)",
    "np.vander(a, N=1) + np.vander(a, 2)",
    a=nonzero(3),
    dtypes=DOUBLES,
)
cases(np.vander, "np.vander(a)", "np.vander(a, 0)", a=at(0.0, 1.5), dtypes=DOUBLE, differs="JAX gives nan at 0")
for name in ("polyadd", "polysub", "polymul"):
    cases(getattr(np, name), f"np.{name}(a, b)", a=(4,), b=(2,), dtypes=DOUBLES)
    cases(getattr(np, name), f"np.{name}(a, b)", f"np.{name}(b, [1.0, 2.0])", a=(2,), b=(3,), dtypes=DOUBLE)
cases(np.polymul, "np.polymul(np.array([0, 0, 1]) * a, b)", a=(3,), b=(2,), dtypes=DOUBLE, differs=SHORTER)
cases(np.polydiv, "np.polydiv(a, b)[0]", a=(6,), b=nonzero(3), dtypes=DOUBLES)
cases(np.polydiv, "np.polydiv(a, b)[0]", a=(3,), b=nonzero(1), dtypes=DOUBLE)
cases(np.polydiv, "np.polydiv(a, b)[1]", a=(6,), b=nonzero(3), dtypes=DOUBLE, differs=SHORTER)
cases(np.polydiv, "np.polydiv(b, a)[1]", a=(4,), b=(2,), dtypes=DOUBLES)
cases(np.polyder, "np.polyder(a)", "np.polyder(a, 2)", "np.polyder(a, m=0)", a=(4,), dtypes=DOUBLES)
cases(
    np.polyint,
    "np.polyint(a)",
    "np.polyint(a, 2)",
    "np.polyint(a, m=2, k=np.array([1.0, 2.0]))",
    a=(3,),
    dtypes=DOUBLES,
)
cases(np.polyint, "np.polyint(a, 1, a[0])", "np.polyint(a, 2, 3.0)", a=(3,), dtypes=DOUBLE)
cases(np.poly, "np.poly(a)", a=(4,), dtypes=DOUBLES)
cases(np.poly, "np.poly(a)", a=(3, 3), dtypes=DOUBLE, differs="JAX's has a complex dtype")
cases(np.poly, "np.poly(a)", a=at([2.0, 1.0], [0.0, 2.0]), dtypes=DOUBLE, differs="JAX's goes by eigenvalues")
cases(np.poly, "np.poly([a, 2 * a, 1.0])", a=(), dtypes=DOUBLE, differs="JAX takes no list")
cases(np.roots, "np.roots(a)", a=nonzero(4), dtypes=DOUBLES)
cases(
    np.polymul,
    "(np.poly1d(a) * np.poly1d([1.0, 2.0]) - np.poly1d(a).deriv() + a[0]).coeffs",
    "np.polydiv(np.poly1d(a), b)[0].coeffs + np.poly1d(b).integ()(2.0)",
    "np.poly1d(a).roots",
    a=at(1.0, -2.0, 1.5, 0.3),
    b=at(1.0, 0.5),
    dtypes=DOUBLE,
    differs="JAX has no np.poly1d",
)
cases(np.roots, "np.roots([1.0, a, a * a - 3])", a=(), dtypes=DOUBLE, differs="JAX takes no list")
cases(
    np.roots, "np.roots(np.array([0, 1, 1, 0]) * a)", a=nonzero(4), dtypes=DOUBLE, differs="JAX keeps a root at 0 there"
)
spread = Argument((6,), 0.2, 2.0)
cases(np.polyfit, "np.polyfit(a, b, 2)", a=spread, b=(6,), dtypes=("complex128",))
cases(np.polyfit, "np.polyfit(a, b, 1, w=c, cov=True)", a=spread, b=(6, 2), c=positive(6), dtypes=DOUBLE, orders=1)
cases(
    np.polyfit,
    "np.polyfit(a, b, 0, full=True)",
    "np.polyfit(a, b, 0, cov='unscaled')[1]",
    a=spread,
    b=(6,),
    dtypes=DOUBLE,
    orders=1,
)
