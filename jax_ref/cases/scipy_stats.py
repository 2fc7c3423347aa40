"""Distributions of SciPy, one call of each kind of rule; tests/test_stats.py has every method of every distribution."""

from scratch_ad.scipy import stats

from . import DOUBLE, Argument, anywhere, cases, nonzero, positive

LACKS = "JAX has no such function"
UNIT = Argument((3,), 0.1, 0.9)


def of(name, call, *expressions, **options):
    """Cases of a distribution's method, ``f`` in the expressions."""
    expressions = [e.replace("f(", f"scipy.stats.{name}.{call}(", 1) for e in expressions]
    cases(getattr(getattr(stats, name), call), *expressions, dtypes=DOUBLE, **options)


of("norm", "logpdf", "f(a, b, scale=c)", a=(2, 3), b=(3,), c=positive(2, 1))
of("norm", "logcdf", "f(a, loc=b)", a=(3,), b=anywhere())
of("norm", "ppf", "f(a, scale=c)", a=UNIT, c=positive())
of("gamma", "logpdf", "f(a, b)", a=positive(3), b=positive(3))
of("gennorm", "logpdf", "f(a, b)", a=nonzero(3), b=positive())
of("beta", "cdf", "f(a, b, c)", a=UNIT, b=positive(), c=positive(), differs="JAX has no derivative in the shapes")
of("weibull_min", "sf", "f(a, b, scale=c)", a=positive(3), b=positive(), c=positive(), differs=LACKS)
of("gamma", "ppf", "f(a, b, scale=c)", a=UNIT, b=positive(), c=positive(), differs=LACKS)
of("poisson", "logpmf", "f([2, 0, 1], a)", a=positive(3))
of("multivariate_normal", "logpdf", "f(a, b, c @ c.mT + np.eye(2))", a=(3, 2), b=(2,), c=(2, 2))
of("dirichlet", "logpdf", "f(a / np.sum(a), b)", a=positive(3), b=positive(3))
of("multinomial", "pmf", "f([1, 0, 2], 3, a / np.sum(a))", a=positive(3))

# A hundred numbers or more, all of which count
of("norm", "logpdf", "f(a)", a=(121,))
of("norm", "logcdf", "f(a)", a=(121,))
of("norm", "ppf", "f(a)", a=Argument((121,), 0.1, 0.9))
of("gamma", "logpdf", "f(a, 2.5)", a=positive(121))
of("gennorm", "logpdf", "f(a, 1.5)", a=nonzero(121))
of("poisson", "logpmf", "f(2, a)", a=positive(121))
of("multivariate_normal", "logpdf", "f(a, np.ones(2), np.eye(2))", a=(61, 2))
of("dirichlet", "logpdf", "f(a / np.sum(a, axis=0), np.array([1.5, 2.5, 2.0]))", a=positive(3, 121))
of("multinomial", "pmf", "f([1, 1, 1], 3, a / np.sum(a, axis=1, keepdims=True))", a=positive(121, 3))
