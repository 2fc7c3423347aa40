"""Splines and grids: in the data, in their places, and at the points asked for."""

from scratch_ad.scipy import interpolate

from . import DOUBLE, Argument, cases, point

LACKS = "JAX has no such function"
AT, WITHIN = Argument((3,), 0.2, 3.8), Argument((2, 2), 0.1, 1.9)


def of(name, *expressions, dtypes=DOUBLE, **options):
    """Cases of the function or class of this name, ``f`` in the expressions."""
    expressions = [e.replace("f(", f"scipy.interpolate.{name}(", 1) for e in expressions]
    options.setdefault("names", {})["x"] = lambda np: np.array([0.0, 1.3, 2.1, 3.0, 4.0])
    cases(getattr(interpolate, name), *expressions, dtypes=dtypes, differs=LACKS, **options)


of("CubicSpline", "f(x + 0.1 * a, a)(b)", "f(x, a, bc_type=((1, b[0]), 'natural')).antiderivative()(b)", a=(5,), b=AT)
of("PchipInterpolator", "f(x, a, axis=1)(b)", a=(2, 5), b=AT)
of("Akima1DInterpolator", "f(x, a).derivative()(b)", "f(x, a, method='makima')(b)", a=(5,), b=AT)
of("CubicHermiteSpline", "f(x, a, np.sin(a))(b)", a=(5,), b=AT)
of("PPoly", "f(a, x)(b, 1)", "f(a, x).integrate(np.sum(b) / 9, 3.3)", a=(3, 4), b=AT)
_KNOTS = "f(np.arange(8.0) - 1, a, 2)"
of("BSpline", *(_KNOTS + end for end in ("(b)", ".antiderivative()(b)", ".integrate(b[0], 3.1)")), a=(5,), b=AT)
of("make_interp_spline", "f(x + 0.1 * a, a)(b)", "f(x, a, 2).derivative()(b)", a=(5,), b=AT)
of("interp1d", "f(x, a)(b)", "f(x, a, 'cubic')(b)", "f(x, a, 'nearest')(b)", a=(5,), b=AT)
of(
    "RegularGridInterpolator",
    "f((x[:3], [0, 2]), a)(b)",
    "f((x[:4], x), c, 'cubic_legacy')(b)",
    a=(3, 2),
    b=WITHIN,
    c=(4, 5),
)
of("interpn", "f((x[:3], [0, 2]), a, ([0.7, 1.0], b))", a=(3, 2), b=point(0.6))
