"""Discrete distributions, in their parameters: of log p, and of the distribution function.

N. L. Johnson, A. W. Kemp, S. Kotz, Univariate discrete distributions (2005).
"""

import numpy as np
import scipy.stats as _scipy

from ...rules.special_formulas.cancellation import ratio
from ...rules.special_formulas.densities import beta_density, gamma_density
from ...rules.special_formulas.gamma import psi_step
from ...rules.special_formulas.incomplete import betainc_a
from .methods import Mass, discrete

NO_SUM = "no closed form of the sum is known; add up what pmf gives"

# fmt: off
LAWS = {
    "poisson":   Mass((lambda k, m: ratio(k, m) - 1,),
                      (lambda k, m: -gamma_density(k + 1, m),),
                      ends=(lambda k, m: poisson.pmf(k - 1, m) - poisson.pmf(k, m),)),
    "bernoulli": Mass((lambda k, p: ratio(k, p) - ratio(1 - k, 1 - p),),
                      (lambda k, p: -np.ones_like(k * p),), (0, 1), (lambda k, p: 2 * k - 1,)),
    "binom":     Mass((None, lambda k, n, p: ratio(k, p) - ratio(n - k, 1 - p)),
                      (None, lambda k, n, p: -beta_density(n - k, k + 1, 1 - p, p)), lambda n, p: (0, n),
                      (None, lambda k, n, p: n * (binom.pmf(k - 1, n - 1, p) - binom.pmf(k, n - 1, p)))),
    "nbinom":    Mass((lambda k, n, p: psi_step(n, k) + np.log(p), lambda k, n, p: np.divide(n, p) - ratio(k, 1 - p)),
                      (lambda k, n, p: betainc_a(n, k + 1, p), lambda k, n, p: beta_density(n, k + 1, p)),
                      ends=(None, lambda k, n, p: n / p * (nbinom.pmf(k, n, p) - nbinom.pmf(k - 1, n + 1, p)))),
    "geom":      Mass((lambda k, p: np.divide(1, p) - ratio(k - 1, 1 - p),),
                      (lambda k, p: k * np.power(1 - p, k - 1),), (1, np.inf),
                      (lambda k, p: geom.pmf(k, p) / p - (k - 1) * geom.pmf(k - 1, p),)),
    "betabinom": Mass((None, lambda k, n, a, b: psi_step(a, k) - psi_step(a + b, n),
                       lambda k, n, a, b: psi_step(b, n - k) - psi_step(a + b, n)),
                      (None, NO_SUM, NO_SUM), lambda n, a, b: (0, n)),
}
# fmt: on
DISTRIBUTIONS = {name: discrete(getattr(_scipy, name), law) for name, law in LAWS.items()}
binom, geom, nbinom, poisson = (DISTRIBUTIONS[name] for name in ("binom", "geom", "nbinom", "poisson"))
