"""Distributions of ``scipy.special`` and their inverses, the latter by the secant method from SciPy's value."""

import warnings

import mpmath
import numpy as np
import scipy.special as special
from mpmath import mp, mpc, mpf

from .elementwise import ieee
from .tracer import ufuncs

_lower = lambda a, x: mpmath.gammainc(a, 0, x, regularized=True)
_upper = lambda a, x: mpmath.gammainc(a, x, regularized=True)
_floor = mpmath.floor


def _below(a, b, x, rest=None):
    if rest is not None and rest < mpf(2) ** -60 and a * rest < 1:  # then x holds few of its digits
        return 1 - _below(b, a, rest)
    return mpmath.betainc(a, b, 0, x, regularized=True)


def _above(a, b, x, rest=None):
    above = 1 - _below(a, b, x) if x < mpf(1) / 2 else 0
    return (
        above if abs(above) > mpf(2) ** -60 else _below(b, a, 1 - x if rest is None else rest)
    )  # or it has few digits


def _student(df, t):
    tail = _below(df / 2, mpf(1) / 2, df / (df + t * t)) / 2
    return tail if t < 0 else 1 - tail


def _ratio(tail):
    """Of the F distribution, that of z = ac/(b + ac) from below or above."""
    return lambda a, b, c: tail(a / 2, b / 2, a * c / (b + a * c), b / (b + a * c))


def _smirnov(n, x):
    n = int(n)
    if x <= 0 or x >= 1:
        return mpf(x <= 0)
    terms = (
        mpmath.binomial(n, j) * (x + mpf(j) / n) ** (j - 1) * (1 - x - mpf(j) / n) ** (n - j)
        for j in range(int(_floor(n * (1 - x))) + 1)
    )
    return x * sum(terms)


def _inverse(ufunc, forward, place):
    """The number whose value of ``forward`` in argument number ``place`` is that argument here."""

    def root(*args):
        p = args[place]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = mpf(float(ufunc(*map(float, args))))
        if not mpmath.isfinite(start) or start == 0 or p <= 0:
            return mpf("nan")

        def gap(x):
            y = forward(*args[:place], x, *args[place + 1 :]) / p - 1
            if isinstance(y, mpc):
                raise mp.NoConvergence("a step went out of the domain")
            return y

        found = mpmath.findroot(gap, (start, start * (1 + mpf(2) ** -30)), tol=mpf(10) ** (8 - mp.dps), verify=False)
        return found if abs(gap(found)) < mpf(10) ** (20 - mp.dps) else mpf("nan")

    return root


# fmt: off
_forward = {
    special.betaincc: _above,
    special.chdtr:    lambda v, x: _lower(v / 2, x / 2),
    special.chdtrc:   lambda v, x: _upper(v / 2, x / 2),
    special.gdtr:     lambda a, b, x: _lower(b, a * x),
    special.gdtrc:    lambda a, b, x: _upper(b, a * x),
    special.fdtr:     _ratio(_below),
    special.fdtrc:    _ratio(_above),
    special.stdtr:    _student,
    special.bdtr:     lambda k, n, p: _below(n - _floor(k), _floor(k) + 1, 1 - p),
    special.bdtrc:    lambda k, n, p: _below(_floor(k) + 1, n - _floor(k), p),
    special.nbdtr:    lambda k, n, p: _below(n, _floor(k) + 1, p),
    special.nbdtrc:   lambda k, n, p: _below(_floor(k) + 1, n, 1 - p),
    special.pdtr:     lambda k, m: _upper(_floor(k) + 1, m),
    special.pdtrc:    lambda k, m: _lower(_floor(k) + 1, m),
    special.kolmogorov: lambda x: 1 - mpmath.jtheta(4, 0, mpmath.exp(-2 * x * x)),
    special.smirnov:  _smirnov,
    special.ndtri:    lambda p: mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1),
    special.erfinv:   mpmath.erfinv,
    special.erfcinv:  lambda x: mpmath.erfinv(1 - x),
}
_inverses = {
    special.gammaincinv:  (_lower, 1),
    special.gammainccinv: (_upper, 1),
    special.betaincinv:   (_below, 2),
    special.betainccinv:  (_above, 2),
    special.btdtria:      (lambda a, b, x: _below(a, b, x), 0),
    special.btdtrib:      (lambda a, b, x: _below(a, b, x), 1),
    special.chdtri:       (_forward[special.chdtrc], 1),
    special.chdtriv:      (_forward[special.chdtr], 0),
    special.fdtri:        (_forward[special.fdtr], 2),
    special.gdtria:       (_forward[special.gdtr], 0),
    special.gdtrib:       (_forward[special.gdtr], 1),
    special.gdtrix:       (_forward[special.gdtr], 2),
    special.stdtrit:      (_student, 1),
    special.bdtri:        (_forward[special.bdtr], 2),
    special.bdtrin:       (lambda k, n, p: _below(n - k, k + 1, 1 - p), 1),
    special.nbdtri:       (_forward[special.nbdtr], 2),
    special.nbdtrik:      (lambda k, n, p: _below(n, k + 1, p), 0),
    special.pdtri:        (_forward[special.pdtr], 1),
    special.pdtrik:       (lambda k, m: _upper(k + 1, m), 0),
}
# fmt: on
ufuncs({ufunc: ieee(function) for ufunc, function in _forward.items()})
ufuncs({ufunc: ieee(_inverse(ufunc, *of)) for ufunc, of in _inverses.items()})
