"""``scipy.optimize``: roots, minima and fits, with the derivatives of the solution by all that the functions depend on.

    from scratch_ad.scipy import optimize
    grad(lambda theta: optimize.brentq(lambda y: y**3 + y - theta, -10, 10))(1.0)

Each function is SciPy's, called once on plain numbers, and so are all values. Its derivative is that of the equation
which the solution solves (implicit.py): f = 0, or for a minimum that the gradient is zero, or that a number stays at a
bound which it presses upon. So functions may close over differentiated numbers, or be given them by ``args``, in both
modes and to any order; by where a search starts, how it goes and when it stops, the derivative is zero. ``minimize``
and the like differentiate the function once more than the user does, and take for it what NumPy calls do. Of an
``OptimizeResult`` the fields x, fun and cost are differentiated, and what steps alone have made is left out.
"""

import functools
import inspect
from types import SimpleNamespace

import numpy as np
import optree
import scipy.optimize as _scipy
from scipy.optimize import OptimizeResult

from ..implicit import followed, solve
from ..rule import composite, valued
from ..tracer import any_known, arrayed, gathered, rebuild, shape_of, strip
from ..transforms import grad, jacfwd
from . import linalg
from .wrapping import constants, others_of

# Bounds are a container of numbers, so that these may be differentiated
optree.register_pytree_node(
    _scipy.Bounds,
    lambda bounds: ((bounds.lb, bounds.ub, bounds.keep_feasible), None, None),
    lambda _, sides: _scipy.Bounds(*sides),
    namespace=vars(optree.registry)["__GLOBAL_NAMESPACE"],
)

NO_RULE = "no rule so far; use minimize, least_squares or root, which have one, or scratch_ad.implicit"
__all__ = [*_scipy.__all__]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__ = others_of(_scipy, NO_RULE)
(linear_sum_assignment,) = constants(_scipy.linear_sum_assignment)  # which gives indices


def _solving(theirs):
    """Make of ``derive(name, given, out)`` SciPy's function; it gives the result for the arguments ``given``.

    ``out`` is SciPy's for plain numbers; where no tracer was met on the way there, it is the result.
    """
    signature, name = inspect.signature(theirs), f"scipy.optimize.{theirs.__name__}"

    def wrap(derive):
        @functools.wraps(theirs)
        def ours(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            out, traced = solve(name, theirs, bound.args, bound.kwargs)
            if not traced:
                return out
            bound.apply_defaults()
            given = SimpleNamespace(**bound.arguments)
            if "args" in bound.arguments and not isinstance(given.args, tuple):
                given.args = (given.args,)
            return derive(name, given, out)

        ours.__module__, ours.is_primitive = "scipy.optimize", True  # in which tracers are asked for by ``solve``
        return composite(ours, ours)

    return wrap


def _result(name, out, **fields):
    """An ``OptimizeResult`` of these fields, and of those of SciPy's that are counts or words."""
    is_kept = lambda x: isinstance(x, (str, bool, int)) or (hasattr(x, "dtype") and x.dtype.kind in "biu")
    kept = {k: x for k, x in out.items() if is_kept(x)}
    return _class_of(name, tuple(out.keys() - kept.keys() - fields.keys()))(kept | fields)


@functools.cache
def _class_of(name, lacking):
    class Result(OptimizeResult):
        def __missing__(self, key):
            if key in lacking:
                raise AttributeError(
                    f"{name}: {key} comes of the solver's steps, which have no derivative; compute it from x, by "
                    "scratch_ad.jacobian of your function or by scratch_ad.hessian."
                )
            raise KeyError(key)

    Result.__name__ = Result.__qualname__ = "OptimizeResult"
    return Result


# Roots


def _first(f, is_first):
    """``f``, or the first of its results, where others are its derivatives."""
    return (lambda *args: f(*args)[0]) if is_first else f


@_solving(_scipy.root)
def root(name, given, out):
    f = _first(given.fun, given.jac is True)
    return _result(name, out, x=followed(name, out["x"], lambda y: f(y, *given.args)), fun=out["fun"])


@_solving(_scipy.root_scalar)
def root_scalar(name, given, out):
    f = _first(given.f, given.fprime is True or given.fprime2 is True)
    return _result(name, out, root=followed(name, out["root"], lambda y: f(y, *given.args)))


def _bracketed(theirs):
    @_solving(theirs)
    def derive(name, given, out):
        y, *rest = out if given.full_output else (out,)
        y = followed(name, y, lambda y: given.f(y, *given.args))
        return (y, *(_result(name, r, root=y) for r in rest)) if given.full_output else y

    return derive


bisect, brenth, brentq, ridder, toms748 = map(
    _bracketed, (_scipy.bisect, _scipy.brenth, _scipy.brentq, _scipy.ridder, _scipy.toms748)
)


@_solving(_scipy.newton)
def newton(name, given, out):
    y = followed(name, out[0] if given.full_output else out, lambda y: given.func(y, *given.args))
    if not given.full_output:
        return y
    return rebuild(out, [y, *(_result(name, r, root=y) if isinstance(r, dict) else r for r in out[1:])])


@_solving(_scipy.fsolve)
def fsolve(name, given, out):
    if given.full_output:
        raise NotImplementedError(
            f"{name}: full_output gives factors of the solver's own, which have no derivative; leave it out, or use "
            "root."
        )
    return followed(name, out, lambda y: given.func(y, *given.args))


@_solving(_scipy.fixed_point)
def fixed_point(name, given, out):
    return followed(name, out, lambda y: y - given.func(y, *given.args))


# Minima


def _value(fun, *args):
    """A function that is minimized, as a number."""
    y = fun(*args)
    return np.reshape(y, ()) if shape_of(y) else y


def _within(name, y, gradient, bounds, off=0.0):
    """The equation of a minimum ``y`` within bounds: at which it stays, or where the gradient is zero.

    ``off``: how far from a bound that it presses upon the solver leaves it.
    """
    low, high = bounds
    room = lambda bound: off + 1e-8 * np.maximum(1, np.abs(np.where(np.isinf(bound), 0, bound)))  # as least_squares has
    below, above = (strip(b) for b in (np.less_equal(y - low, room(low)), np.less_equal(high - y, room(high))))
    stays = np.logical_or(below, above)
    if not any_known(stays):
        return gradient
    ends = np.where(below, low, np.where(above, high, 0.0))
    y = np.where(stays, strip(ends), y)
    pressure = strip(gradient(y)) * np.where(below, 1.0, -1.0)
    slack = 1e-6 * (1 + np.abs(y)) * np.abs(_diagonal(strip(jacfwd(gradient)(y))))  # that of a minimum close by
    if off:  # it may lie close by as well
        stays = np.logical_and(stays, np.greater_equal(pressure, -slack))
    if any_known(np.logical_and(stays, np.less_equal(pressure, slack))):
        raise ValueError(
            f"{name}: the minimum lies at a bound that it does not press upon, and has no derivative there, but one to "
            "either side: leave that bound out, or hold the number fixed."
        )
    return lambda y: np.where(stays, y - ends, gradient(y))


def _diagonal(x):
    """That of a matrix, and the slope of a number by a number itself."""
    return np.diagonal(x) if shape_of(x) else x


def _ends(bounds, pairs):
    """The lower and the upper bounds, from ``Bounds``, ``(lower, upper)`` or, of ``pairs``, one such per number."""
    if bounds is None:
        return -np.inf, np.inf
    if isinstance(bounds, _scipy.Bounds):
        return bounds.lb, bounds.ub
    if pairs:
        sides = zip(zip(*bounds, strict=True), (-np.inf, np.inf), strict=True)
        bounds = [[none if b is None else b for b in side] for side, none in sides]
    return tuple(arrayed(gathered(b)) for b in bounds)


# The methods of ``minimize`` that leave bounds aside, of which SciPy warns
_WITHOUT_BOUNDS = ("bfgs", "cg", "dogleg", "newton-cg", "trust-exact", "trust-krylov", "trust-ncg")


@_solving(_scipy.minimize)
def minimize(name, given, out):
    if not isinstance(given.constraints, (tuple, list)) or given.constraints:
        raise NotImplementedError(
            f"{name}: no derivative of a minimum under constraints so far; solve their Lagrange conditions by root, "
            "with the multipliers as unknowns."
        )
    fun = functools.partial(_value, _first(given.fun, given.jac is True))
    bounds = None if str(given.method).lower() in _WITHOUT_BOUNDS else given.bounds
    equation = _within(name, out["x"], lambda y: grad(fun)(y, *given.args), _ends(bounds, pairs=True))
    x = followed(name, out["x"], equation)
    return _result(name, out, x=x, fun=valued(fun(x, *given.args), out["fun"]))


@_solving(_scipy.minimize_scalar)
def minimize_scalar(name, given, out):
    fun, options = functools.partial(_value, given.fun), given.options or {}
    off = (1e-5 if given.tol is None else given.tol) if options.get("xatol") is None else options["xatol"]
    bounds = _ends(given.bounds, pairs=False)
    equation = _within(name, out["x"], lambda y: grad(fun)(y, *given.args), bounds, off + 3e-8 * np.abs(out["x"]))
    x = followed(name, out["x"], equation)
    return _result(name, out, x=x, fun=valued(fun(x, *given.args), out["fun"]))


# Least squares


_LOSSES = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (np.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * np.sqrt(np.where(z <= 1, 1.0, z)) - 1),
    "cauchy": np.log1p,
    "arctan": np.arctan,
}


@_solving(_scipy.least_squares)
def least_squares(name, given, out):
    loss = _LOSSES.get(given.loss) or (lambda z: given.loss(z)[0])
    residuals = lambda y: np.ravel(gathered(given.fun(y, *given.args, **(given.kwargs or {}))))
    cost = lambda y: 0.5 * given.f_scale**2 * np.sum(loss((residuals(y) / given.f_scale) ** 2))
    x = followed(name, out["x"], _within(name, out["x"], grad(cost), _ends(given.bounds, pairs=False)))
    fields = {key: valued(f(x), out[key]) for key, f in (("cost", cost), ("fun", residuals))}
    return _result(name, out, x=x, **fields)


@_solving(_scipy.curve_fit)
def curve_fit(name, given, out):
    if given.full_output or given.kwargs.keys() & {"loss", "f_scale"} or given.nan_policy:
        raise NotImplementedError(
            f"{name}: full_output, nan_policy and a loss have no derivative in a fit; use least_squares, whose result "
            "tells all, of the data that there are."
        )
    popt, pcov = out
    residuals = _whitened(given)
    gradient = grad(lambda p: 0.5 * np.sum(residuals(p) ** 2))
    p = followed(name, popt, _within(name, popt, gradient, _ends(given.bounds, pairs=False)))
    if any_known(np.isinf(pcov)):  # which SciPy has warned of
        return p, pcov
    r, slope = residuals(p), jacfwd(residuals)(p)
    scale = 1.0 if given.absolute_sigma else np.sum(r**2) / (r.size - p.size)
    return p, valued(np.linalg.inv(slope.T @ slope) * scale, pcov)


def _whitened(given):
    """What ``curve_fit`` squares and sums, a function of the parameters."""
    x, y = (arrayed(gathered(a)) if isinstance(a, (list, tuple)) else a for a in (given.xdata, given.ydata))
    sigma = None if given.sigma is None else arrayed(gathered(given.sigma))

    def residuals(p):
        r = np.ravel(given.f(x, *p) - y)
        if sigma is None:
            return r
        if np.ndim(sigma) < 2:
            return r / sigma
        return linalg.solve_triangular(np.linalg.cholesky(sigma), r, lower=True)

    return residuals
