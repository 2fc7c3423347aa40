"""Solutions of equations, differentiated by the implicit function theorem: ``implicit``, and what solvers share.

A solver runs once, on plain numbers: of its steps no derivative is taken. Let J = ∂r/∂y at its result, a solution of
r(y, θ) = 0. Of the chord steps y ← y − J⁻¹ r(y, θ), with this J held fixed, each makes the derivatives of y by θ right
to one order more, from 0 on (Griewank and Walther, Evaluating Derivatives, 2nd ed., chapter 15): as many are taken as
there are differentiations, and the value stays the solver's. So r need be differentiated no further than the user asks,
and numbers that the user's functions close over are seen as well as arguments are.

Solvers stop early, ``minimize`` where y has half its digits. The derivative is that at the solution itself, which
Newton's steps from there find first, or else there is none isolated near by.
"""

import dataclasses
import functools
import types

import numpy as np

from .constants import created
from .foreign import PLAIN
from .primitives import astype
from .refusals import check_callable, takes_plain
from .rule import constant, runs_numpy, valued
from .tracer import Tracer, any_known, dtype_of, innermost, lowered, shape_of, strip
from .transforms import jacfwd
from .tree import entered, flatten, is_inexact, tree_map, typed, unflatten

_FAR = 1e-3  # a Newton step from what counts as a solution, relative to 1 + |y|
_CHANGE = 0.1  # of J⁻¹ J' from the identity along a Newton step: at a multiple root it is 1/2
_NUMBERS = (np.ndarray, np.generic, bool, int, float, complex)


def implicit(solver, residual):
    """``solver``, whose result y solves ``residual(y, *args) = 0``, with the derivatives which that equation gives it.

    ``solver(*args)`` is called with plain numbers and may be written in anything: a loop, SciPy, C. It gives y, an
    array, a number or containers of these; ``residual(y, *args)``, written in NumPy calls, gives as many numbers as y
    has, which are zero there. Both get ``args`` in their containers, and may close over differentiated numbers. All
    modes and orders, ``vmap`` and ``compile`` work on the function that is returned: y is the solver's to the bit, its
    derivative is that of the solution next to it.

    Raises ValueError where the residual has not as many numbers as y, where y does not solve it (within a Newton step
    of 0.001 (1 + |y|)), and where its Jacobian by y is singular, as it is at a multiple root or where solutions are not
    isolated.

    >>> def step(z, w, x): return np.tanh(w @ z + x)
    >>> layer = implicit(solver=lambda w, x: iterate(step, w, x), residual=lambda z, w, x: z - step(z, w, x))
    """
    check_callable("implicit", solver, "solver")
    check_callable("implicit", residual, "residual")
    name = f"implicit: {getattr(solver, '__name__', repr(solver))}"

    @functools.wraps(solver)
    def solution(*args):
        y, _ = solve(name, solver, args)
        return followed(name, y, lambda y: residual(y, *args))

    return solution


def solve(name, solver, args, kwargs=None):
    """The result of a solver for the values of its arguments, and whether any tracer was met on the way there.

    Tracers among the arguments, and those that functions among them close over, give way to their values, for each
    example of a batch apart; what such functions give all the same loses its derivative. Of a result that is a dict,
    under ``vmap`` or ``compile``, the numbers are left.
    """
    leaves, spec = flatten((args, kwargs or {}))
    leaves, numbers, note = list(map(lowered, leaves)), [], _Note()

    def placed(x):
        numbers.append(x)
        return _Place(len(numbers) - 1)

    solver, *leaves = (_rebound(x, _is_traced, placed) for x in (solver, *leaves))
    if not runs_numpy(numbers):
        raise takes_plain(
            name, innermost(numbers).mode, "Solve for NumPy's numbers, and give the solution as an argument"
        )

    def on_values(*values):
        filled = lambda x: _rebound(x, _is_place, lambda place: entered(values[place.number]))
        args, kwargs = unflatten(spec, [_plainly(name, filled(x), note) for x in leaves])
        note.result = filled(solver)(*args, **kwargs)
        return tuple(typed(x) for x in flatten(_parts(note.result)[0])[0] if _is_number(x))

    values = solved(on_values, *numbers)
    return _filled(name, note.result, values) if numbers or note.met else note.result, bool(numbers) or note.met


def _filled(name, result, values):
    """What a solver gave, with these values for its numbers; where they are not of one run, the numbers alone."""
    tree, words = _parts(result)
    leaves, spec = flatten(tree)
    if (trace := innermost(values)) is not None and not all(map(_is_number, leaves)):
        raise NotImplementedError(f"{name}: under {trace.mode} it gives numbers alone: leave full_output out.")
    values = iter(values)
    tree = unflatten(spec, [next(values) if _is_number(x) else x for x in leaves])
    return tree | words if words and trace is None else tree


def _parts(result):
    """Of a dict, as SciPy's results are, what is made of numbers and what is not; of another result all."""
    if not isinstance(result, dict):
        return result, {}
    made = {k: x for k, x in result.items() if all(map(_is_number, flatten(x)[0]))}
    return made, {k: x for k, x in result.items() if k not in made}


@constant
def solved(solver, *numbers):
    """What ``solver`` gives for plain numbers, as one call of a batch or of a recording."""
    return solver(*numbers)


@dataclasses.dataclass(frozen=True)
class _Place:
    """Stands in a function's closure, or among arguments, for the number that the solver is given there."""

    number: int


def _is_place(x):
    return type(x) is _Place


def _is_traced(x):
    return isinstance(x, Tracer) and x.owner.level >= 0


class _Note:
    """What a run of a solver leaves behind, which is no part of what two runs have to have in common."""

    met, result = False, None

    def __eq__(self, other):
        return type(self) is type(other)

    __hash__ = object.__hash__


def _is_number(x):
    return isinstance(x, _NUMBERS) and dtype_of(x).kind in "biufc"


def _rebound(x, is_meant, replaced, known=None):
    """What ``replaced`` makes of ``x`` if that is meant; of a function one that closes over what it makes there."""
    known = {} if known is None else known
    if is_meant(x):
        return replaced(x)
    if type(x) is not types.FunctionType or not x.__closure__:
        return x
    if id(x) in known:
        return known[id(x)]
    known[id(x)] = x
    cells = []
    for cell in x.__closure__:
        try:
            content = cell.cell_contents
        except ValueError:  # not assigned to yet
            cells.append(cell)
            continue
        inner, spec = ([content], None) if is_meant(content) else flatten(content)
        new = [_rebound(e, is_meant, replaced, known) for e in inner]
        same = all(a is b for a, b in zip(inner, new, strict=True))
        cells.append(cell if same else types.CellType(unflatten(spec, new) if spec else new[0]))
    if all(a is b for a, b in zip(cells, x.__closure__, strict=True)):
        return x
    function = types.FunctionType(x.__code__, x.__globals__, x.__name__, x.__defaults__, tuple(cells))
    function.__kwdefaults__, known[id(x)] = x.__kwdefaults__, function
    function.__dict__.update(x.__dict__)
    return function


def _plainly(name, x, note):
    """``x``; where it is a function one that gives plain numbers."""
    if not callable(x):
        return x

    def plain(y):
        if isinstance(y, Tracer):
            note.met = note.met or _is_traced(y)
            y = strip(y)
        if isinstance(y, Tracer):
            raise TypeError(
                f"{name} in {y.owner.mode} was given a function that depends on numbers which are neither among its "
                "arguments nor variables of its closure: pass them by args."
            )
        return y

    @functools.wraps(x)
    def function(*args, **kwargs):
        y = x(*args, **kwargs)
        return y if type(y) in PLAIN else tree_map(plain, y)

    return function


# The derivative


def followed(name, y, residual):
    """``y``, in any containers, with the derivatives of the solution of ``residual(y) = 0`` that it is."""
    leaves, spec = flatten(y)
    free = [i for i, x in enumerate(leaves) if is_inexact(x)]
    likes = [typed(leaves[i]) for i in free]
    if not free:
        return y

    def equation(v):
        full = list(leaves)
        v = created(v)  # so that tracers can be written into arrays like it
        for i, x in zip(free, _shaped(v, likes), strict=True):
            full[i] = x
        return _vector(flatten(residual(unflatten(spec, full)))[0])

    with np.errstate(all="ignore"):  # of which the solver has warned
        v = _vector(likes)
        r = equation(v)
        order = _order(r)
        if shape_of(r) != shape_of(v):
            raise ValueError(
                f"{name}: the equation has {r.size} numbers for {v.size} unknowns: give one for each, so that they "
                "have a derivative."
            )
        if not order:
            return y
        v, slope = _isolated(name, v, equation)
        for _ in range(order + 1):  # once more, as the slope is that of the Newton step before
            v = v - np.linalg.solve(slope, equation(v))
        for i, x, like in zip(free, _shaped(v, likes), likes, strict=True):
            leaves[i] = valued(x, like)
    return unflatten(spec, leaves)


def _isolated(name, v, equation):
    """The solution next to ``v``, and the Jacobian there; by the criterion of Newton and Mysovskikh in J⁻¹ J'.

    As it is the same in all coordinates: Deuflhard, Newton Methods for Nonlinear Problems, section 2.1.
    """

    def twice(v):
        r = equation(v)
        return r, r

    def linear(v):
        return map(strip, jacfwd(twice, has_aux=True)(v))

    try:
        slope, r = linear(v)
        step = np.linalg.solve(slope, r)
        if any_known(np.logical_not(np.less_equal(np.abs(step), _FAR * (1 + np.abs(v))))):
            if not _is_regular(slope):
                raise np.linalg.LinAlgError
            raise ValueError(
                f"{name}: what it gives does not solve its equation, from which Newton's next step leads far away: see "
                "why it stopped, tighten its tolerances, or start elsewhere."
            )
        v = v - step
        again, r = linear(v)
        change = np.linalg.solve(slope, again) - np.identity(shape_of(v)[0], dtype_of(v))
        if not _is_regular(slope) or any_known(np.logical_not(np.less_equal(np.abs(change), _CHANGE))):
            raise np.linalg.LinAlgError
        return v - np.linalg.solve(again, r), again
    except np.linalg.LinAlgError:
        raise ValueError(
            f"{name}: the derivative of its equation by the unknowns is singular at what it gives, which is a multiple "
            "root, one of many solutions, or none, and so has no derivative: leave an unknown out, or add what tells "
            "solutions apart."
        ) from None


def _is_regular(slope):
    """Whether a matrix is regular beyond rounding, each row and column in units of its own."""
    for axis in (-1, -2):
        slope = slope / np.max(np.abs(slope), axis, keepdims=True)
    return not any_known(np.logical_not(np.less(np.linalg.cond(slope), 0.01 / np.finfo(dtype_of(slope)).eps)))


def _order(x):
    """How often ``x`` is differentiated."""
    count = 0
    while isinstance(x, Tracer):
        count += x.owner.differentiates and x.owner.level >= 0
        x = x.value
    return count


def _vector(arrays):
    """All numbers in one array, real and imaginary parts apart."""
    parts = [part for x in arrays for part in ((x.real, x.imag) if dtype_of(x).kind == "c" else (x,))]
    return np.concatenate([np.reshape(part, -1) for part in parts])


def _shaped(v, likes):
    """The arrays of which ``v`` is the vector."""
    start = 0
    for like in likes:
        stop = start + like.size
        x, start = v[start:stop] if like.shape else v[start], stop
        if like.dtype.kind == "c":
            stop += like.size
            x, start = x + 1j * (v[start:stop] if like.shape else v[start]), stop
        yield astype(np.reshape(x, like.shape) if like.shape else x, like.dtype)
