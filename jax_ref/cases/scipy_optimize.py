"""Roots, minima and fits, by numbers in ``args`` and in closures; tests/test_optimize.py has their options."""

from scratch_ad.scipy import optimize

from . import DOUBLE, Argument, anywhere, cases, positive

LACKS = "JAX has no such function"
ABOVE = Argument((), 0.2, 0.9)


def of(name, *expressions, **options):
    """Cases of a function, ``f`` in the expressions."""
    expressions = [e.replace("f(", f"scipy.optimize.{name}(", 1) for e in expressions]
    cases(getattr(optimize, name), *expressions, dtypes=DOUBLE, differs=LACKS, **options)


for _name in ("bisect", "brenth", "brentq", "ridder", "toms748"):
    of(_name, "f(lambda y, a: a * y**3 + y - b, -4.0, 4.0, (a,), xtol=1e-15) * b", a=positive(), b=anywhere())
of("newton", "f(lambda y: y**3 + y - a, np.ones(2))", a=(2,))
of("root_scalar", "f(lambda y, a: (np.exp(y) + y - a, np.exp(y) + 1), a, x0=a, fprime=True).root", a=positive())
of("fixed_point", "f(lambda y, a: a * np.cos(y), a, (a,), xtol=1e-13)", a=ABOVE)
_SYSTEM = "lambda y: [y[0] + a[0] * y[1] - a[1], y[1] ** 3 + y[1] - a[2] * y[0]]"
of("root", f"f({_SYSTEM}, [1.0, 1.0], tol=1e-14).x", a=positive(3))
of("fsolve", f"f({_SYSTEM}, [1.0, 1.0], xtol=1e-12)", a=positive(3))
_NEWTON = "method='dogleg', jac=lambda y: y**3 + y - a, hess=lambda y: np.diag(3 * y**2 + 1), tol=1e-14"
of("minimize", f"f(lambda y: np.sum(y**4 / 4 + y**2 / 2 - a * y), np.ones(2), {_NEWTON}).x", a=positive(2))
of("minimize_scalar", "f(lambda y: np.exp(y) - a * y).fun * a", a=positive())
# Linear in what is sought, so that SciPy's results are exact enough for differences
_LINE = "lambda y: np.append(a * y - b, y - 1), [0.5], lambda y: np.append(a, 1)[:, None]"
of("least_squares", f"f({_LINE}, method='lm').x", a=positive(3), b=(3,))
_FIT = "f(lambda x, p, q: p + q * x, np.arange(4) + a / 4, b, jac=lambda x, p, q: np.stack([np.ones(4), x], 1))"
of("curve_fit", f"{_FIT}[0]", f"{_FIT}[1]", a=positive(4), b=(4,))
