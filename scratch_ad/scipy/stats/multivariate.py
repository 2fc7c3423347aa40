"""Distributions of vectors: their densities, written in calls that have rules, with SciPy's own values."""

import inspect

import numpy as np
import scipy.special as special
import scipy.stats as _scipy
from scipy.stats import Covariance

from ...primitives import detached
from ...rules.special_formulas.cancellation import PI
from ...tracer import innermost
from ..wrapping import public
from .methods import REFUSED, named, refuse_all

REASONS = {**REFUSED, **dict.fromkeys(("cdf", "logcdf"), "SciPy integrates by random points"), "cov": REFUSED["mean"]}


class Frozen:
    """A distribution with its parameters, under SciPy's names."""

    def __init__(self, distribution, args, kwargs):
        self._made = distribution, args, kwargs

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        distribution, args, kwargs = self._made
        if name not in vars(distribution):
            return getattr(distribution.theirs(*args, **kwargs), name)
        function = getattr(distribution, name)
        given = {k: v for k, v in kwargs.items() if k != "seed"}

        def method(*x, **options):
            if innermost((*x, *options.values(), *args, *given.values())) is None:
                return getattr(distribution.theirs(*args, **kwargs), name)(*x, **options)
            first = [options.pop(k) for k in [*inspect.signature(function).parameters][: not x] if k in options]
            return function(*x, *first, *args, **given, **options)

        return method


class Multivariate:
    """SciPy's distribution; these of its methods tracers answer or refuse, all else is SciPy's."""

    def __init__(self, theirs, reasons, **bodies):
        self.theirs, self.name, self.__doc__ = theirs, type(theirs).__name__.removesuffix("_gen"), theirs.__doc__
        refuse_all(self, theirs, self.name, reasons)
        for method, body in bodies.items():
            ours = public(getattr(theirs, method), body)
            ours.__module__ = f"scipy.stats.{self.name}"
            setattr(self, method, ours)

    def __call__(self, *args, **kwargs):
        if innermost((*args, *kwargs.values())) is None:
            self.theirs(*args, **kwargs)  # raises where they do not fit
        return Frozen(self, args, kwargs)

    def __reduce__(self):
        return named, (self.name,)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.theirs, name)


def _exp_of(body):
    return lambda *args, **options: np.exp(body(*args, **options))


def _normal(x, mean=None, cov=1, allow_singular=False):
    """The Hermitian part of ``cov`` counts, as in all functions of such matrices."""
    if allow_singular or isinstance(cov, Covariance):
        raise NotImplementedError(
            "scipy.stats.multivariate_normal has a derivative where cov is a positive definite matrix: leave "
            "allow_singular out, and give the matrix in place of a Covariance."
        )
    cov = np.asarray(1.0 if cov is None else cov) if not hasattr(cov, "ndim") else cov
    size = np.size(mean) if mean is not None else len(cov) if cov.ndim == 2 else 1
    if cov.ndim < 2:
        cov = cov * np.eye(size)
    x = np.reshape(x, (-1, 1)) if size == 1 and np.ndim(x) < 2 else x
    deviation = x if mean is None else x - mean
    cov = (cov + np.transpose(cov)) / 2
    solved = np.linalg.solve(cov, deviation[..., None])[..., 0]
    log = size * np.log(2 * PI) + np.linalg.slogdet(cov)[1] + np.sum(deviation * solved, axis=-1)
    return np.squeeze(-0.5 * log)


def _dirichlet(x, alpha):
    if len(x) + 1 == len(alpha):
        x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
    norm = special.gammaln(np.sum(alpha)) - np.sum(special.gammaln(alpha))
    return np.squeeze(norm + np.sum(np.transpose(special.xlogy(alpha - 1, np.transpose(x))), axis=0))


def _adjusted(p):
    """The last probability as SciPy adjusts it."""
    unlike_one = np.abs(1 - np.sum(detached(p), axis=-1)) > 10 * np.finfo(np.result_type(p, np.float32)).eps
    last = np.where(unlike_one, 1 - np.sum(p[..., :-1], axis=-1), p[..., -1])
    return np.concatenate([p[..., :-1], last[..., None]], axis=-1)


def _log_of_counts(x, n, p):
    log = special.gammaln(np.add(n, 1)) + np.sum(special.xlogy(x, p) - special.gammaln(x + 1.0), axis=-1)
    return np.where(np.equal(np.sum(x, axis=-1), n), log, -np.inf)


def _multinomial(x, n, p):
    return _log_of_counts(detached(x), detached(n), _adjusted(p))


def _multinomial_mass(x, n, p):
    """Where a probability is 0, its power stands alone, for its logarithm has no slope."""
    x, n, p = detached(x), detached(n), _adjusted(p)
    absent = np.equal(p, 0)
    powers = np.where(absent, np.power(np.where(absent, p, 1), x), 1)
    return np.exp(_log_of_counts(x, n, np.where(absent, 1, p))) * np.prod(powers, axis=-1)


multivariate_normal = Multivariate(_scipy.multivariate_normal, REASONS, logpdf=_normal, pdf=_exp_of(_normal))
dirichlet = Multivariate(_scipy.dirichlet, REASONS, logpdf=_dirichlet, pdf=_exp_of(_dirichlet))
multinomial = Multivariate(_scipy.multinomial, REASONS, logpmf=_multinomial, pmf=_multinomial_mass)
