"""SciPy's special functions."""

import mpmath
import numpy as np
import scipy.special as special
from mpmath import mp, mpf

from scratch_ad.scipy import special as mirror

from .elementwise import ieee
from .tracer import FUNCTIONS, ufuncs


def _logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    total = np.sum(np.exp(a) if b is None else b * np.exp(a), axis, keepdims=keepdims)
    return (np.log(np.abs(total)), np.sign(total)) if return_sign else np.log(total)


def _softmax(x, axis=None):
    return np.exp(x) / np.sum(np.exp(x), axis, keepdims=True)


# fmt: off
root_pi = lambda: mpmath.sqrt(mp.pi)
_scaled_erfc = lambda x: mpmath.exp(x * x) * mpmath.erfc(x)
_normal = lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2
_x_log = lambda x, y: mpf(0) if x == 0 else x * mpmath.log(y)
_box = lambda x, y: mpmath.log(x) if y == 0 else (mpmath.power(x, y) - 1) / y
_order_0_or_1 = lambda function, n, scale=lambda x: 1: lambda x: function(n, x) * scale(x)
_falling, _rising = lambda x: mpmath.exp(-abs(x)), mpmath.exp
_of_scipy = {
    special.erf:       mpmath.erf,
    special.erfc:      mpmath.erfc,
    special.erfcx:     _scaled_erfc,
    special.erfi:      mpmath.erfi,
    special.dawsn:     lambda x: root_pi() / 2 * mpmath.exp(-x * x) * mpmath.erfi(x),
    special.wofz:      lambda x: _scaled_erfc(-1j * x),
    special.ndtr:      _normal,
    special.log_ndtr:  lambda x: mpmath.log(_normal(x)),
    special.expit:     lambda x: 1 / (1 + mpmath.exp(-x)),
    special.log_expit: lambda x: -mpmath.log1p(mpmath.exp(-x)),
    special.logit:     lambda x: mpmath.log(x / (1 - x)),
    special.exprel:    lambda x: mpf(1) if x == 0 else mpmath.expm1(x) / x,
    special.gamma:     mpmath.gamma,
    special.rgamma:    mpmath.rgamma,
    special.gammaln:   lambda x: mpmath.log(abs(mpmath.gamma(x))),
    special.loggamma:  mpmath.loggamma,
    special.psi:       mpmath.digamma,
    special.beta:      mpmath.beta,
    special.betaln:    lambda a, b: mpmath.log(abs(mpmath.beta(a, b))),
    special.binom:     mpmath.binomial,
    special.poch:      mpmath.rf,
    special.gammainc:  lambda a, x: mpmath.gammainc(a, 0, x, regularized=True),
    special.gammaincc: lambda a, x: mpmath.gammainc(a, x, regularized=True),
    special.betainc:   lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True),
    special.expi:      mpmath.ei,
    special.exp1:      mpmath.e1,
    special.expn:      mpmath.expint,
    special.spence:    lambda x: mpmath.polylog(2, 1 - x),
    special.fresnel:   lambda x: (mpmath.fresnels(x), mpmath.fresnelc(x)),
    special.sici:      lambda x: (mpmath.si(x), mpmath.ci(x)),
    special.shichi:    lambda x: (mpmath.shi(x), mpmath.chi(x)),
    special.entr:      lambda x: -_x_log(x, x),
    special.xlogy:     _x_log,
    special.xlog1py:   lambda x, y: _x_log(x, 1 + y),
    special.rel_entr:  lambda x, y: mpf(0) if x == 0 else x * mpmath.log(x / y),
    special.kl_div:    lambda x, y: (mpf(0) if x == 0 else x * mpmath.log(x / y)) - x + y,
    special.boxcox:    _box,
    special.boxcox1p:  lambda x, y: _box(1 + x, y),
    special.i0:        _order_0_or_1(mpmath.besseli, 0),
    special.i1:        _order_0_or_1(mpmath.besseli, 1),
    special.i0e:       _order_0_or_1(mpmath.besseli, 0, _falling),
    special.i1e:       _order_0_or_1(mpmath.besseli, 1, _falling),
    special.j0:        _order_0_or_1(mpmath.besselj, 0),
    special.j1:        _order_0_or_1(mpmath.besselj, 1),
    special.y0:        _order_0_or_1(mpmath.bessely, 0),
    special.y1:        _order_0_or_1(mpmath.bessely, 1),
    special.k0:        _order_0_or_1(mpmath.besselk, 0),
    special.k1:        _order_0_or_1(mpmath.besselk, 1),
    special.k0e:       _order_0_or_1(mpmath.besselk, 0, _rising),
    special.k1e:       _order_0_or_1(mpmath.besselk, 1, _rising),
    special.jv:        mpmath.besselj,
    special.yv:        mpmath.bessely,
    special.iv:        mpmath.besseli,
    special.kv:        mpmath.besselk,
    special.struve:    mpmath.struveh,
    special.modstruve: mpmath.struvel,
    special.hyp0f1:    mpmath.hyp0f1,
    special.hyp1f1:    mpmath.hyp1f1,
    special.hyp2f1:    mpmath.hyp2f1,
    special.hyperu:    mpmath.hyperu,
    special.ellipk:    mpmath.ellipk,
    special.ellipe:    mpmath.ellipe,
    special.ellipkm1:  lambda x: mpmath.ellipk(1 - x),
    special.ellipkinc: mpmath.ellipf,
    special.ellipeinc: mpmath.ellipe,
    special.elliprf:   mpmath.elliprf,
    special.elliprd:   mpmath.elliprd,
    special.elliprg:   mpmath.elliprg,
    special.elliprj:   mpmath.elliprj,
    special.elliprc:   mpmath.elliprc,
    special.agm:       mpmath.agm,
    special.eval_legendre: mpmath.legendre,
    special.eval_chebyt: mpmath.chebyt,
    special.eval_chebyu: mpmath.chebyu,
    special.eval_hermite: mpmath.hermite,
    special.zetac:     lambda x: mpmath.zeta(x) - 1,
    special._ufuncs._riemann_zeta: mpmath.zeta,
    special._ufuncs._zeta: mpmath.zeta,
    special._ufuncs._lambertw: lambda x, k, _tolerance: mpmath.lambertw(x, int(k.real)),
}
# fmt: on
ufuncs({ufunc: ieee(function) for ufunc, function in _of_scipy.items()})
FUNCTIONS |= {
    mirror.logsumexp: _logsumexp,
    mirror.softmax: _softmax,
    mirror.log_softmax: lambda x, axis=None: np.log(_softmax(x, axis)),
}
