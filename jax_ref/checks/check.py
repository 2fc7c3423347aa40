"""The checks that users call: one function by an engine, one rule of the user's own, or the whole catalogue.

Each returns a ``Result`` and raises AssertionError where something is wrong, with all that is known about it: what
differs and by how much, what kind of mistake that looks like, what the referee says, the smallest case that is still
wrong, and a line that runs it again. Where the referee finds that the engine is right after all, be it against JAX or,
at a kink, beside it, nothing is wrong: the difference is told in ``Result.excused``.
"""

import functools
import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..engines.protocol import numpys
from ..engines.ready import OURS, Engine
from ..engines.ready import engine as engine_named
from ..measure.by_differences import by_differences
from ..report.progress import Progress
from ..report.records import Counts
from ..report.words import compared
from ..sweep import runs, sweep
from .called_rules import WITHIN_JAX, name_for, of_others, ruled
from .lines import line as line_of
from .parts import no_tangent
from .question import Question

__tracebackhide__ = True  # pytest shows the caller's lines


class How(NamedTuple):
    """How a check asks, in the words of ``check``."""

    edges: bool = False
    vary: bool | None = None
    reference_by: str = "jax"
    noise: float | None = None
    seed: str = "0"

    def differences(self):
        """What asks differences in place of JAX, if these are to."""
        if self.reference_by not in ("jax", "differences"):
            raise ValueError(f"check: reference_by is 'jax' or 'differences', not {self.reference_by!r}.")
        return functools.partial(by_differences, noise=self.noise) if self.reference_by == "differences" else None

    def options(self):
        """Those about the reference that are not the default, for a line of code."""
        options = {} if self.reference_by == "jax" else {"reference_by": self.reference_by}
        return options if self.noise is None else {**options, "noise": self.noise}


# What users call


def check(
    f,
    *args,
    modes=("fwd", "rev"),
    order=2,
    engine=OURS,
    edges=False,
    vary=None,
    reference=None,
    reference_by="jax",
    noise=None,
    seed="0",
):
    """``engine`` against JAX on ``f`` at ``args``: value, derivatives, second derivatives, and consistency.

    ``f``: a plain NumPy function; for an engine of another namespace, written in calls of that, and ``reference`` the
    same function in plain NumPy or in jax.numpy. ``args``: arrays in any containers; integers are held fixed.
    ``modes``: of "fwd" and "rev", those that the engine has. ``order``: 1 or 2. ``engine``: an ``Engine`` or the name
    of one. ``edges``: first derivatives also at special points in the arguments' shapes: zeros, ones, ties, ±∞, nan,
    the largest and the smallest numbers; those where ``f`` itself raises are left out. ``vary``: first derivatives also
    where the arguments are varied: in other dtypes, of one element, no dimension or none at all, many, large, below -6,
    in Fortran order and read backwards, with values and indices that repeat, tiny, whole, in ascending order, in a
    stack, one array for all arguments, indices from the end, each axis in turn of one element; wherever ``f`` itself is
    defined and finite. By default as far as a second goes; True, or ``edges``: all of it, and an engine
    that raises there, or a rule that gives another shape or dtype, is wrong; False: none of it. ``seed``: of the
    directions.
    ``reference_by``: "differences" for a function that JAX cannot run; then nothing is varied, the verdict is as sharp
    as their error bound, which the result tells, and undecided where that is too wide. ``noise``: the error of such a
    function that is smooth, as a solver's tolerance, relative to its largest value; by default half the digits of its
    dtype.

    The plain run of ``f`` is the first witness: container, shape, dtype and numbers of each value are compared with it.
    A function of JAX's arrays or of PyTorch's tensors is checked by the custom rules that it calls, against JAX's
    derivative of the bodies without them and against differences. At a kink all between the slopes of both sides is
    right, element by element and whatever else is in the array, as long as the elements together give a derivative
    along all of them that lies between those of both sides; all outside is wrong.

    Returns a ``Result``. Raises AssertionError if anything is wrong or the engine lacks a rule, TypeError if no
    argument or nothing that ``f`` returns is real or complex, or if ``f`` is JAX's and calls no custom rule, ValueError
    for an unknown mode, order, engine or ``reference_by`` or if two plain runs of ``f`` differ, and what ``f`` or the
    engine raises, but for what would end the program (SystemExit, a KeyboardInterrupt of its own): that is wrong.
    """
    engine, how = _engine(engine), How(edges, vary, reference_by, noise, seed)
    if engine is OURS and reference is None and (found := of_others(f, args)):
        return _by_rules(found, functools.partial(line_of, "check", [f]), args, modes, order, how)
    modes = _modes(modes, engine)
    order, options = _order(order), _options(modes, engine, order) | how.options()
    options |= {} if engine is OURS else {"engine": engine}
    options |= {} if reference is None else {"reference": reference}
    line = functools.partial(line_of, "check", [f], {**options, "seed": seed})
    written = None if reference is None else f
    asked = (reference or f, lambda _: engine, line, modes, order, seed, written, how.differences())
    question = Question(name_for(f), *asked)
    try:
        return question.checked(args, edges, vary)
    except Exception as error:
        if written or engine.namespace is np or not (called := numpys(f, error)):
            raise
        raise TypeError(
            f"check: {engine.name} differentiates what is written in its own calls, and f calls {called}. Write it in "
            f"these and give this one as the reference: check(g, …, engine={engine.name!r}, reference=f)."
        ) from error


def check_vjp(my_vjp, reference, *primals, order=2, edges=False, vary=None, reference_by="jax", noise=None, seed="0"):
    """A reverse rule, ``my_vjp(*primals) -> (out, pullback)``, against JAX's derivative of ``reference``.

    ``reference``: the same function in plain NumPy or in jax.numpy. ``pullback(cotangent)`` gives a tuple with one
    cotangent per primal, the transpose of the derivative without conjugation; those of integers are not looked at.
    ``order``: 2 also differentiates the rule, where it is written in calls of NumPy or of jax.numpy; where it cannot be
    differentiated, the result says "first order only" and why. Returns a ``Result``; raises AssertionError if anything
    is wrong. ``edges``, ``vary``, ``reference_by``, ``noise``, ``seed``, and what is right at a kink: see ``check``.
    """
    how = How(edges, vary, reference_by, noise, seed)

    def engine(call):
        def vjp(_, *moving):
            out, pullback = my_vjp(*call.given.whole(moving))
            return call.out.results(out), lambda g: call.given.some(pullback(call.out.whole(g, no_tangent)))

        return Engine(name_for(my_vjp), vjp=vjp, rule=True, outer=(OURS, WITHIN_JAX))

    return _about_rule("check_vjp", (my_vjp, reference), engine, order, how).checked(primals, edges, vary)


def check_jvp(my_jvp, reference, *primals, order=2, edges=False, vary=None, reference_by="jax", noise=None, seed="0"):
    """A forward rule, ``my_jvp(primals, tangents) -> (out, tangent_out)``, against JAX; see ``check_vjp``.

    The tangents of integers are zeros of dtype float0, as in JAX.
    """
    how = How(edges, vary, reference_by, noise, seed)

    def engine(call):
        def jvp(_, moving, tangents):
            found = my_jvp(call.given.whole(moving), call.given.whole(tangents, no_tangent))
            return call.out.results(found[0]), call.out.some(found[1])

        outer = (OURS, WITHIN_JAX)
        if how.differences():  # which see one direction of the rule at a time
            outer = tuple(replace(engine, vjp=None) for engine in outer)
        return Engine(name_for(my_jvp), jvp=jvp, rule=True, outer=outer)

    return _about_rule("check_jvp", (my_jvp, reference), engine, order, how).checked(primals, edges, vary)


def _about_rule(call, functions, engine_of, order, how):
    """The ``Question`` about a rule: ``functions`` are the rule and the reference."""
    order = _order(order)
    options = ({} if order == 2 else {"order": order}) | how.options() | {"seed": how.seed}
    line, modes = functools.partial(line_of, call, functions, options), {"check_vjp": ("rev",), "check_jvp": ("fwd",)}
    asked = functions[1], engine_of, line, modes[call], order, how.seed, None, how.differences()
    return Question(name_for(functions[0]), *asked)


def check_custom(
    f, reference, *args, modes=("fwd", "rev"), order=2, edges=False, vary=None, reference_by="jax", noise=None, seed="0"
):
    """A function that calls custom rules, against JAX: the rules of JAX's users, of PyTorch's, and ours.

    ``f``: a ``jax.custom_vjp``, ``jax.custom_jvp``, ``scratch_ad.custom_vjp`` or ``scratch_ad.custom_jvp`` function, a
    ``torch.autograd.Function`` or its ``apply``, or a function that calls such ones, in ``jit``, ``partial``, loops,
    branches and containers. ``reference``: the same function without a rule of its own, in plain NumPy or in jax.numpy.
    It is differentiated in the modes that its rules have, to second order where they can be differentiated once more;
    where not, the result says "first order only" and why.
    Returns a ``Result``; raises AssertionError if anything is wrong, and TypeError if derivatives of ``f`` go through
    no custom rule, so that nothing could be checked. ``modes``, ``order``, ``edges``, ``vary``, ``reference_by``,
    ``noise``, ``seed``, and what is right at a kink: see ``check``.
    """
    if not (found := ruled(f, args)):
        raise TypeError(
            f"check_custom: derivatives of {name_for(f)} at these arguments go through no custom rule: give it a "
            "jax.custom_vjp, torch.autograd.Function, scratch_ad.custom_vjp or the like itself, or a function that "
            "calls one on its arguments; for a function without rules use check."
        )
    found = found._replace(body=reference, in_jax=True)
    line = functools.partial(line_of, "check_custom", [f, reference])
    return _by_rules(found, line, args, modes, order, How(edges, vary, reference_by, noise, seed))


def check_grads(f, args, order=2, modes=("fwd", "rev"), atol=None, rtol=None, eps=None):
    """As ``jax.test_util.check_grads``, with its signature, but against JAX itself instead of differences.

    No tolerance grows with the size of the array, as both do there, every element is compared by itself, and along
    several directions. ``f`` is a plain NumPy function, whose derivatives are ours, or a JAX function: then the custom
    rules in it are compared with JAX's derivatives of the bodies; or a function of PyTorch's tensors, whose rules are
    compared with differences. ``atol``, ``rtol`` and ``eps`` must be left out: the tolerance is measured from the
    function itself. Raises TypeError if one is given, ``args`` is no tuple or list, or a JAX function calls no custom
    rule, and AssertionError if anything is wrong.
    """
    if (atol, rtol, eps) != (None, None, None):
        raise TypeError(
            "check_grads: leave out atol, rtol and eps: the tolerance is measured from the function itself."
        )
    if not isinstance(args, (tuple, list)):
        raise TypeError("check_grads: args is a tuple of the arguments of f, such as (x,).")
    if not (found := of_others(f, args)):
        return check(f, *args, modes=modes, order=order)
    return _by_rules(found, functools.partial(line_of, "check_grads", [f]), args, modes, order, How())


def _by_rules(found, line, args, modes, order, how):
    """The ``Result`` for a function by the custom rules that it calls, of which the engine bears the name."""
    engine, order = found.engine, _order(order)
    modes = _modes(modes, engine)
    options = _options(modes, engine, order) | how.options() | ({} if how.seed == "0" else {"seed": how.seed})
    if not found.in_jax:
        how = how._replace(reference_by="differences", noise=how.noise or 0.0)
    asked = lambda _: engine, functools.partial(line, options), modes, order, how.seed, found.written
    return Question(engine.name, found.body, *asked, how.differences()).checked(args, how.edges, how.vary)


def check_engine(engine, names=(), dtypes=(), modes=("fwd", "rev"), order=2):
    """An engine against JAX on the whole catalogue, or on these functions (``np.sin`` or ``sin``) and dtypes.

    ``engine``: an ``Engine`` or the name of one. Shows how far it is, and at the end what was compared and how sharply;
    whatever the engine raises, be it SystemExit, is an error of its case. Returns a list with one ``Result`` per case;
    what the engine lacks is ``missing`` there and no failure. Raises AssertionError with all that is wrong, ValueError
    for an unknown name.
    """
    engine = _engine(engine)
    modes = _modes(modes, engine)
    units, results, start = sweep.units(names, dtypes), [], time.perf_counter()
    with Progress() as progress:
        for done, unit in enumerate(units, 1):
            found = runs.run(unit, engine, modes, order)
            wrong = sum(bool(result.findings) for result in found)
            progress.step(" ".join(unit), done, len(units), _counted(found), wrong)
            results += found
        progress.say(f"{engine.name}: {_counted(results)} in {time.perf_counter() - start:.1f} s")
        highest = max((result.order for result in results), default=0)
        progress.say(compared(modes, highest, sorted({unit.dtype for unit in units}), engine.slack))
    wrong = [str(result) for result in results if result.findings]
    if wrong:
        raise AssertionError("\n".join([f"{engine.name}: {len(wrong)} of {len(results)} cases wrong", *wrong]))
    return results


def _counted(results):
    return Counts.of([{"status": result.status} for result in results])


def _engine(engine):
    return engine if isinstance(engine, Engine) else engine_named(engine)


def _modes(modes, engine):
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    if unknown := set(modes) - {"fwd", "rev"}:
        raise ValueError(f"check: a mode is 'fwd' or 'rev', not {', '.join(map(repr, sorted(unknown)))}.")
    if not (offered := tuple(mode for mode in engine.modes() if mode in modes)):
        raise ValueError(f"check: {engine.name} has none of the modes {modes}, only {engine.modes()}.")
    return offered


def _order(order):
    if order not in (1, 2):
        raise ValueError(f"check: order is 1 or 2, not {order!r}.")
    return order


def _options(modes, engine, order):
    """Those that are not the default, for a line of code."""
    return ({"modes": modes} if modes != engine.modes() else {}) | ({"order": order} if order != 2 else {})
