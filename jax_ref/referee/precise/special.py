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


def _jacobi_functions(u, m):
    """sn, cn, dn and the amplitude."""
    if u == 0:
        return mpf(0), mpf(1), mpf(1), mpf(0)
    sn, cn, dn = (mpmath.re(mpmath.ellipfun(kind, u, m=m)) for kind in ("sn", "cn", "dn"))
    angle = mpmath.atan2(sn, cn)
    turns = mpmath.nint((u * mp.pi / (2 * mpmath.ellipk(m)) - angle) / (2 * mp.pi)) if m < 1 else 0
    return sn, cn, dn, angle + 2 * mp.pi * turns


def _wright(a, b, x):
    """10.46.1 of the DLMF."""
    total, power, k = mpf(0), mpf(1), 0
    while k < 10_000:
        term = power * mpmath.rgamma(a * k + b)
        total, k = total + term, k + 1
        power = power * x / k
        if k > 2 * abs(x) and abs(term) < mp.eps * abs(total):
            return total
    raise mp.NoConvergence


def _voigt(x, sigma, gamma):
    if sigma == 0:
        return gamma / (mp.pi * (x * x + gamma * gamma))
    less = mpmath.log10((abs(x) + sigma) / abs(gamma)) if gamma else 0  # digits that the real part has less
    with mp.workdps(mp.dps + max(0, int(less))):
        z = (x + 1j * gamma) / (sigma * mpmath.sqrt(2))
        return mpmath.re(_scaled_erfc(-1j * z)) / (sigma * mpmath.sqrt(2 * mp.pi))


def _parabolic(v, x):
    d = mpmath.pcfd(v, x)
    return d, x / 2 * d - mpmath.pcfd(v + 1, x)


def _airy(scale=lambda x: (1, 1)):
    def functions(x):
        falling, rising = scale(x)
        first = (falling * mpmath.airyai(x, derivative=k) for k in (0, 1))
        return *first, *(rising * mpmath.airybi(x, derivative=k) for k in (0, 1))

    return functions


def _airy_scale(x):
    root = mpmath.exp(2 * x * mpmath.sqrt(x) / 3)
    return (root, 1 / mpmath.re(root) if x >= 0 else mpf(1))


def _bessel_y(n, x):
    """Of whole order n: by Wronski's determinant (DLMF 10.5.2) and recurrence, as mpmath's are slow limits."""
    if n < 0:
        return (-1) ** int(n) * _bessel_y(-n, x)
    this = mpmath.bessely(0, x)
    following = (mpmath.besselj(1, x) * this - 2 / (mp.pi * x)) / mpmath.besselj(0, x)
    for k in range(1, int(n) + 1):
        this, following = following, 2 * k / x * following - this
    return this


def _box(log, power):
    return log if power == 0 else mpmath.expm1(power * log) / power


def _huber(delta, r):
    return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


# fmt: off
root_pi = lambda: mpmath.sqrt(mp.pi)
_scaled_erfc = lambda x: (
    mpmath.hyperu(mpf(1) / 2, mpf(1) / 2, x * x) / root_pi() if mpmath.re(x) > 1 else mpmath.exp(x * x) * mpmath.erfc(x)
)
_normal = lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2
_x_log = lambda x, y: mpf(0) if x == 0 else x * mpmath.log(y)
_log1p_over = lambda y, b: y if b == 0 else mpmath.log1p(b * y) / b
_order_0_or_1 = lambda function, n, scale=lambda x: 1: lambda x: function(n, x) * scale(x)
_falling, _rising = lambda x: mpmath.exp(-abs(x)), mpmath.exp
_of_scipy = {
    special.erf:       mpmath.erf,
    special.erfc:      mpmath.erfc,
    special.erfcx:     _scaled_erfc,
    special.erfi:      mpmath.erfi,
    special.dawsn:     lambda x: x * mpmath.hyp1f1(1, mpf(3) / 2, -x * x),
    special.wofz:      lambda x: _scaled_erfc(-1j * x),
    special.ndtr:      _normal,
    special.log_ndtr:  lambda x: mpmath.log(_normal(x)) if mpmath.re(x) < 0 else mpmath.log1p(-_normal(-x)),
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
    special.boxcox:    lambda x, y: _box(mpmath.log(x), y) if x else -1 / y,
    special.boxcox1p:  lambda x, y: _box(mpmath.log1p(x), y) if x != -1 else -1 / y,
    special.i0:        _order_0_or_1(mpmath.besseli, 0),
    special.i1:        _order_0_or_1(mpmath.besseli, 1),
    special.i0e:       _order_0_or_1(mpmath.besseli, 0, _falling),
    special.i1e:       _order_0_or_1(mpmath.besseli, 1, _falling),
    special.j0:        _order_0_or_1(mpmath.besselj, 0),
    special.j1:        _order_0_or_1(mpmath.besselj, 1),
    special.y0:        _order_0_or_1(mpmath.bessely, 0),
    special.y1:        _order_0_or_1(_bessel_y, 1),
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
    special.kn:        mpmath.besselk,
    special.yn:        _bessel_y,
    special.jve:       mpmath.besselj,
    special.yve:       mpmath.bessely,
    special.ive:       lambda v, x: mpmath.besseli(v, x) * _falling(x),
    special.kve:       lambda v, x: mpmath.besselk(v, x) * _rising(x),
    special.ber:       lambda x: mpmath.ber(0, x),
    special.bei:       lambda x: mpmath.bei(0, x),
    special.ker:       lambda x: mpmath.ker(0, x),
    special.kei:       lambda x: mpmath.kei(0, x),
    special.airy:      _airy(),
    special.airye:     _airy(_airy_scale),
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
    special.eval_chebyc: lambda n, x: 2 * mpmath.chebyt(n, x / 2),
    special.eval_chebys: lambda n, x: mpmath.chebyu(n, x / 2),
    special.eval_sh_legendre: lambda n, x: mpmath.legendre(n, 2 * x - 1),
    special.eval_sh_chebyt: lambda n, x: mpmath.chebyt(n, 2 * x - 1),
    special.eval_sh_chebyu: lambda n, x: mpmath.chebyu(n, 2 * x - 1),
    special.eval_hermitenorm: lambda n, x: mpmath.hermite(n, x / mpmath.sqrt(2)) * mpf(2) ** (-n / 2),
    special.eval_laguerre: lambda n, x: mpmath.laguerre(n, 0, x),
    special.eval_genlaguerre: mpmath.laguerre,
    special.eval_gegenbauer: lambda n, a, x: (
        mpmath.binomial(n + 2 * a - 1, n) * mpmath.hyp2f1(-n, n + 2 * a, a + mpf(1) / 2, (1 - x) / 2, zeroprec=2000)
    ),
    special.eval_jacobi: mpmath.jacobi,
    special.eval_sh_jacobi: lambda n, p, q, x: (
        mpmath.jacobi(n, p - q, q - 1, 2 * x - 1) / mpmath.binomial(2 * n + p - 1, n)
    ),
    special.lpmv:      lambda m, v, x: mpmath.legenp(v, m, x),
    special.ellipj:    _jacobi_functions,
    special.wright_bessel: _wright,
    special.log_wright_bessel: lambda a, b, x: mpmath.log(_wright(a, b, x)),
    special.voigt_profile: _voigt,
    special.pbdv:      _parabolic,
    special.wrightomega: lambda x: mpmath.lambertw(mpmath.exp(x)),
    special.exp2:      lambda x: mpmath.power(2, x),
    special.exp10:     lambda x: mpmath.power(10, x),
    special.expm1:     mpmath.expm1,
    special.log1p:     mpmath.log1p,
    special.cbrt:      lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    special.cosm1:     lambda x: -2 * mpmath.sin(x / 2) ** 2,
    special.sindg:     lambda x: mpmath.sinpi(x / 180),
    special.cosdg:     lambda x: mpmath.cospi(x / 180),
    special.tandg:     lambda x: mpmath.sinpi(x / 180) / mpmath.cospi(x / 180),
    special.cotdg:     lambda x: mpmath.cospi(x / 180) / mpmath.sinpi(x / 180),
    special.powm1:     lambda x, y: mpmath.expm1(y * mpmath.log(x)) if x > 0 else mpmath.power(x, y) - 1,
    special.inv_boxcox: lambda y, b: mpmath.exp(_log1p_over(y, b)),
    special.inv_boxcox1p: lambda y, b: mpmath.expm1(_log1p_over(y, b)),
    special.huber:     _huber,
    special.pseudo_huber: lambda d, r: r * r / (mpmath.sqrt(1 + (r / d) ** 2) + 1),
    special.zetac:     lambda x: mpmath.zeta(x, 2) if x > 2 else mpmath.zeta(x) - 1,
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
