"""``scipy.stats``: its distributions, with derivatives by the point, the shapes, ``loc`` and ``scale``.

    from scratch_ad.scipy import stats
    grad(lambda theta: -np.sum(stats.weibull_min.logpdf(x, theta[0], scale=theta[1])))(theta)

Each distribution is SciPy's, and so are all values; on tracers its methods pdf, logpdf, cdf, logcdf, sf, logsf, ppf and
isf, of a discrete one pmf and logpmf, have derivatives to any order; frozen ones (``stats.norm(0, s).logpdf(x)``) too.
Outside of the support, and wherever a value is constant, the derivative is 0; of a discrete distribution it is that in
the parameters which are not integers. What else is in ``scipy.stats`` is SciPy's for plain arrays and refuses tracers.
"""

import copy
import functools
import inspect

import scipy.stats as _scipy
from scipy.stats import rv_continuous, rv_discrete

from ...rule import refuse
from ..wrapping import refused
from . import continuous, discrete, methods
from .multivariate import Multivariate, dirichlet, multinomial, multivariate_normal

NO_RULE = "no rule so far; write it in NumPy functions"
NO_LAW = "no rule so far; write its density in NumPy functions"
DISTRIBUTIONS = {
    **continuous.DISTRIBUTIONS,
    **discrete.DISTRIBUTIONS,
    "multivariate_normal": multivariate_normal,
    "dirichlet": dirichlet,
    "multinomial": multinomial,
}
__all__ = [*_scipy.__all__]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name):
    if name in DISTRIBUTIONS:
        return DISTRIBUTIONS[name]
    if name.startswith("_") or not hasattr(_scipy, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _refusing(name)


@functools.cache
def _refusing(name):
    """What SciPy has by this name, which refuses tracers if it is a function or a distribution."""
    theirs = getattr(_scipy, name)
    if inspect.isfunction(theirs):
        return refused(NO_RULE, theirs)[0]
    if inspect.isclass(theirs) or not (hasattr(theirs, "rvs") or hasattr(theirs, "logpmf")):
        return theirs
    of_all = dict.fromkeys((*methods.CONTINUOUS, *methods.DISCRETE, *methods.REFUSED), NO_LAW)
    if isinstance(theirs, (rv_continuous, rv_discrete)):
        ours = methods.frozen_by(copy.copy(theirs))
        methods.refuse_all(ours, theirs, name, of_all)
    else:
        ours = Multivariate(theirs, of_all)
    refuse(NO_LAW, ours)
    return ours
