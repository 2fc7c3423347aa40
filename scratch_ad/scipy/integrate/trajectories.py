"""Solutions of ordinary differential equations: SciPy's own numbers, and the derivative of the steps that led there.

SciPy solves for plain numbers and chooses its steps, which are then taken once more with tracers, by the same method
between the same times, each state with SciPy's value: ``RK23``, ``RK45`` and ``DOP853`` by their tableaus, ``Radau`` by
its equations, which hold for the stages (Hairer and Wanner, Solving Ordinary Differential Equations II, IV.8). Where
a method looks back at several steps, in ``BDF``, ``LSODA`` and ``odeint``, they are those that Radau, or DOP853 where
LSODA finds that the problem is not stiff, takes to the same tolerances. What is asked for between two ends of steps is
reached by a shorter step. The lengths of all steps but the last are constants.
"""

import functools

import numpy as np
import scipy.integrate as _scipy

from ...primitives import astype
from ...rule import valued
from ...tracer import Tracer, gathered, innermost, strip
from ...transforms import jacfwd
from ...tree import typed
from .plain import Plain, check_plain, stands_for

_EXPLICIT = (_scipy.RK23, _scipy.RK45, _scipy.DOP853)
_REPEATED = (*_EXPLICIT, _scipy.Radau)
_METHODS = {method.__name__: method for method in (*_EXPLICIT, _scipy.Radau, _scipy.BDF, _scipy.LSODA)}
ITERATIONS = 30  # of Newton's method
UNSOLVED = "Newton's method does not solve the equations of a step of Radau's"
_TOLERANCE = 1.49012e-8  # odeint's
_RADAU = (
    np.array(
        [
            [88 - 7 * 6**0.5, (296 - 169 * 6**0.5) / 5, (-16 + 24 * 6**0.5) / 5],
            [(296 + 169 * 6**0.5) / 5, 88 + 7 * 6**0.5, (-16 - 24 * 6**0.5) / 5],
            [160 - 10 * 6**0.5, 160 + 10 * 6**0.5, 40],
        ]
    )
    / 360
)


def _explicit(method, rates, t, y, end):
    """One step of an explicit method."""
    h, slopes = end - t, [rates(t, y)]
    for row, c in zip(method.A[1:], method.C[1:]):
        change = np.dot(row[: len(slopes)], np.stack(slopes))
        slopes.append(rates(t + c * h, y + h * change))
    return y + h * np.dot(method.B, np.stack(slopes))


def _implicit(rates, t, y, end):
    """One step of Radau IIA, of order 5: its equations are solved for plain numbers, and Newton's method goes on.

    Its matrix is that at the solution and stays; each further iteration makes the derivatives of one more order right.
    """
    here, nodes = tuple(map(strip, (t, y, end))), np.sum(_RADAU, axis=1)

    def residual(z, t, y, end):
        h = end - t
        return z - h * np.dot(_RADAU, np.stack([rates(t + c * h, y + part) for c, part in zip(nodes, z)]))

    def inverse(z):
        start, state, end = here
        h = end - start
        at = [strip(jacfwd(functools.partial(rates, start + c * h))(state + part)) for c, part in zip(nodes, z)]
        rows = [[a * jacobian for a, jacobian in zip(row, at)] for row in _RADAU]
        return np.linalg.inv(np.eye(z.size) - h * np.block(rows))

    def further(z, left):
        return z - np.reshape(matrix @ np.ravel(left), z.shape)

    z = np.zeros((3, len(y)), y.dtype)
    matrix = inverse(z)
    for k in range(ITERATIONS):
        z, before = further(z, strip(residual(z, *here))), z
        if np.max(np.abs(z - before)) <= 1e-10 * np.max(np.abs(z) + np.abs(here[1])):
            break
        matrix = inverse(z) if k % 8 == 7 else matrix
    else:
        raise ArithmeticError(f"scipy.integrate: {UNSOLVED}, from t = {here[0]} to {here[2]}: lower rtol, or max_step.")
    matrix, left = inverse(z), residual(z, t, y, end)
    z = further(z, left)
    for _ in range(_depth(left) - 1):
        z = further(z, residual(z, t, y, end))
    return y + z[-1]


def _depth(x):
    """How many runs differentiate ``x``."""
    return 1 + _depth(x.value) if isinstance(x, Tracer) else 0


class _Trajectory:
    """The states at the ends of steps, with tracers; ``steps`` are pairs, where one ended and SciPy's state there."""

    def __init__(self, step, rates, span, y0, steps):
        self.step, self.span = functools.partial(step, rates), span
        start, end = [float(strip(t)) for t in span]
        self.clocks, self.direction = {start: span[0], end: span[1]}, 1 if end >= start else -1
        self.ends = np.array([start, *(end for end, _ in steps)]) * self.direction
        self.times, self.states = [span[0]], [astype(y0, np.result_type(y0, float))]
        for end, state in steps:
            y = self.step(self.times[-1], self.states[-1], self.clock(end))
            self.times.append(self.clock(end))
            self.states.append(valued(y, state))

    def clock(self, t):
        """A time of SciPy's, as it moves with that of the start where the lengths of steps do not change."""
        if t not in self.clocks:
            start = self.span[0]
            self.clocks[t] = valued(start + (t - strip(start)), t) if isinstance(start, Tracer) else t
        return self.clocks[t]

    def at(self, t):
        """The state at a time: at the end of a step, or by one from the last end before."""
        k = int(np.searchsorted(self.ends, strip(t) * self.direction))
        if k < len(self.times) and (self.times[k] is t or (not innermost((self.times[k], t)) and self.times[k] == t)):
            return self.states[k]
        return self.step(self.times[max(k - 1, 0)], self.states[max(k - 1, 0)], t)

    def columns(self, times):
        return np.stack([self.at(t) for t in times], axis=-1)


class _Solution(_scipy.OdeSolution):
    """The dense output; a plain time is one that does not move with the start.

    ``take`` gives the trajectory, which a problem ``of_numbers`` needs at tracers for times alone.
    """

    def __init__(self, theirs, take, of_numbers):
        known = vars(theirs).items()
        vars(self).update({name: x for name, x in known if of_numbers or name != "interpolants"})
        self.theirs, self.take, self.of_numbers = theirs, functools.cache(take), of_numbers

    def __call__(self, t):
        value = self.theirs(Plain("solve_ivp")(t))
        if self.of_numbers and innermost((t,)) is None:
            return value
        t = np.asarray(t) if innermost((t,)) is None else gathered(t)
        return valued(self.take().columns(t) if t.ndim else self.take().at(t), value)

    def __reduce__(self):
        return self.theirs.__reduce__() if self.of_numbers else super().__reduce__()


def _noting(method, steps):
    """The method, which notes the steps that it accepts."""

    class Noting(method):
        def step(self):
            message = super().step()
            if self.status != "failed":
                steps.append((self.t, self.y))
            return message

    Noting.__name__ = Noting.__qualname__ = method.__name__
    return Noting


def _retaken(f, span, y0, is_stiff, **options):
    """The method that stands for others, and the steps that it takes to the same tolerances."""
    method, steps = _scipy.Radau if is_stiff else _scipy.DOP853, []
    _scipy.solve_ivp(f, span, y0, _noting(method, steps), **options)
    return method, steps


def _told(f, span, y0, options):
    """What LSODA tells of a problem."""
    tolerances = {name: options.get(name, default) for name, default in (("rtol", 1e-3), ("atol", 1e-6))}
    return _scipy.odeint(f, y0, span, full_output=True, tfirst=True, **tolerances)[1]


def _is_stiff(info):
    """Whether LSODA, by what it told, was at its methods for stiff problems."""
    return bool(np.any(info["mused"] != 1))


def _rates(fun, args, vectorized=False):
    """The right side, as an array like the state."""

    def rates(t, y):
        dy = fun(t, y[:, None], *args) if vectorized else fun(t, y, *args)
        dy = np.asarray(dy) if innermost((dy,)) is None else gathered(dy)
        return dy if dy.shape == y.shape else np.broadcast_to(np.ravel(dy), y.shape)

    return rates


def _taken(method, rates, span, y0, steps):
    step = _implicit if method is _scipy.Radau else functools.partial(_explicit, method)
    return _Trajectory(step, rates, tuple(span), typed(gathered(y0)), steps)


@stands_for(_scipy.solve_ivp)
def solve_ivp(
    fun, t_span, y0, method="RK45", t_eval=None, dense_output=False, events=None, vectorized=False, args=None, **options
):
    check_plain("solve_ivp", options)
    plain, steps, asked = Plain("solve_ivp"), [], list(events) if isinstance(events, (list, tuple)) else [events]
    options = {name: plain(x) for name, x in options.items()}
    f, span, start, times = map(plain, (fun, t_span, y0, t_eval))
    chosen = _METHODS.get(method, method) if isinstance(method, str) else method
    by = _noting(chosen, steps) if chosen in _REPEATED else chosen
    seen = None if events is None else [plain(event) for event in asked]
    out = _scipy.solve_ivp(f, span, start, by, times, dense_output, seen, vectorized, args, **options)

    def take():
        rates = _rates(fun, () if args is None else args, vectorized)
        if chosen in _REPEATED:
            return _taken(chosen, rates, t_span, y0, steps)
        known = {name: options[name] for name in ("rtol", "atol", "max_step", "first_step") if name in options}
        stiff = chosen is _scipy.BDF or _is_stiff(_told(plain(rates), span, start, known))
        method, others = _retaken(plain(rates), span, start, stiff, **known)
        return _taken(method, rates, t_span, y0, others)

    has_rule = chosen in _METHODS.values()
    if plain.trace is None:
        if dense_output and has_rule:
            out.sol = _Solution(out.sol, take, of_numbers=True)
        return out
    if events is not None:
        plain.refuse("events", "solve to a fixed time, or to a root of the dense output found for plain numbers")
    if not has_rule:
        plain.refuse("a method of your own", f"take one of {', '.join(_METHODS)}")
    trajectory = take()
    points = [trajectory.clock(t) for t in out.t] if t_eval is None else gathered(t_eval)[: len(out.t)]
    out.y = valued(trajectory.columns(points), out.y)
    out.t = out.t if innermost((points,)) is None else valued(gathered(points), out.t)
    out.sol = _Solution(out.sol, lambda: trajectory, of_numbers=False) if dense_output else None
    return out


@stands_for(_scipy.odeint)
def odeint(func, y0, t, args=(), Dfun=None, full_output=0, rtol=None, atol=None, tfirst=False, **options):
    check_plain("odeint", options | {"rtol": rtol, "atol": atol})
    plain, tolerances = Plain("odeint"), {"rtol": rtol, "atol": atol}
    f, start, times, slope = (x if x is None else plain(x) for x in (func, y0, t, Dfun))
    y, info = _scipy.odeint(f, start, times, args, slope, full_output=True, tfirst=tfirst, **tolerances, **options)
    if plain.trace is not None:
        rates = _rates(func if tfirst else lambda t, y, *args: func(y, t, *args), args)
        t, start, y0 = gathered(t), np.ravel(start), np.ravel(gathered(y0))
        tolerances = {name: _TOLERANCE if x is None else x for name, x in tolerances.items()}
        method, steps = _retaken(plain(rates), (times[0], times[-1]), start, _is_stiff(info), **tolerances)
        y = valued(_taken(method, rates, (t[0], t[-1]), y0, steps).columns(t).T, y)
    return (y, info) if full_output else y
