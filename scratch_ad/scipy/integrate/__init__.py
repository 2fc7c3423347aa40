"""``scipy.integrate``: integrals and solutions of differential equations, with derivatives by all that they depend on.

    from scratch_ad.scipy import integrate
    grad(lambda l: integrate.quad(lambda t: 1 / np.sqrt(1 - np.sin(l) ** 2 * np.sin(t) ** 2), 0, np.pi / 2)[0])(0.3)

All values are SciPy's, bit for bit. The functions to be integrated may close over what is differentiated, or get it by
``args``; limits, initial states and times may be differentiated, too, in both modes and to any order.

- ``simpson``, ``trapezoid``, ``romb`` and the cumulative ones are formulas, which go through all transformations.
- ``quad``, ``quad_vec``, ``dblquad``, ``tplquad`` and ``nquad`` integrate the derivative, to the same tolerances
  (integrals.py); estimates of errors are plain numbers. ``fixed_quad`` is SciPy's own code.
- ``solve_ivp`` and ``odeint`` take SciPy's steps once more (trajectories.py), which is as exact as the solution itself.

What is refused, with the reason: events, tracers for tolerances or within ``weight=``, ``vmap`` over problems that
differ, and ``compile``, as SciPy decides by the numbers where to evaluate. What else is in ``scipy.integrate`` is
SciPy's for plain arrays and refuses tracers.
"""

import scipy.integrate as _scipy

from ..wrapping import others_of
from .integrals import dblquad, nquad, quad, quad_vec, tplquad  # noqa: F401
from .samples import cumulative_simpson, cumulative_trapezoid, romb, simpson, trapezoid  # noqa: F401
from .trajectories import odeint, solve_ivp  # noqa: F401

NO_RULE = "no rule so far; take quad, quad_vec or solve_ivp"
PLAIN = ("fixed_quad", "lebedev_rule", "newton_cotes")  # which take no array, or tracers as they are
__all__ = [*_scipy.__all__]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__ = others_of(_scipy, NO_RULE, PLAIN)
