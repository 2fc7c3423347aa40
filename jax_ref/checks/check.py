"""The checks that users call: one function by an engine, one rule of the user's own, or the whole catalogue.

Each returns a ``Result`` and raises AssertionError where something is wrong, with all that is known about it: what
differs and by how much, what kind of mistake that looks like, what the referee says, the smallest case that is still
wrong, and a line that runs it again. Where the referee finds that the engine is right after all, be it against JAX or,
at a kink, beside it, nothing is wrong: the difference is told in ``Result.excused``.
"""

import functools

import jax
import numpy as np
import optree

from scratch_ad.tracer import name_of

from ..engines.ready import OURS, Engine
from ..engines.ready import engine as engine_named
from ..measure.rounding import without_rules
from ..sweep import sweep
from .parts import Parts, no_tangent
from .question import Question
from .shrink import Code, listed

__tracebackhide__ = True  # pytest shows the caller's lines
SPELT = 100  # numbers in arguments, up to which a line of code holds them


# What users call


def check(f, *args, modes=("fwd", "rev"), order=2, engine=OURS, edges=False, reference=None, seed="0"):
    """``engine`` against JAX on ``f`` at ``args``: value, derivatives, second derivatives, and consistency.

    ``f``: a plain NumPy function; for an engine of another namespace, written in calls of that, and ``reference`` the
    same function in plain NumPy or in jax.numpy. ``args``: arrays in any containers; integers are held fixed.
    ``modes``: of "fwd" and "rev", those that the engine has. ``order``: 1 or 2. ``engine``: an ``Engine`` or the name
    of one. ``edges``: first derivatives also at special points in the arguments' shapes: zeros, ones, ties, ±∞, nan,
    the largest and the smallest numbers; those where ``f`` itself raises are left out. ``seed``: of the directions.

    Returns a ``Result``. Raises AssertionError if anything is wrong or the engine lacks a rule, TypeError if no
    argument or nothing that ``f`` returns is real or complex, ValueError for an unknown mode, order or engine, and what
    ``f`` or the engine raises.
    """
    engine = engine if isinstance(engine, Engine) else engine_named(engine)
    modes = _modes(modes, engine)
    order, options = _order(order), _options(modes, engine, order)
    options |= {} if engine is OURS else {"engine": _written(engine)}
    options |= {} if reference is None else {"reference": Code(_name(reference, "reference"))}
    line = functools.partial(_line, "check", [_name(f)], {**options, "seed": seed})
    written = None if reference is None else f
    question = Question(_name(f), reference or f, lambda _: engine, line, modes, order, seed, written)
    return question.checked(args, edges)


def check_vjp(my_vjp, reference, *primals, edges=False, seed="0"):
    """A reverse rule, ``my_vjp(*primals) -> (out, pullback)``, against JAX's derivative of ``reference``.

    ``reference``: the same function in plain NumPy or in jax.numpy. ``pullback(cotangent)`` gives a tuple with one
    cotangent per primal, the transpose of the derivative without conjugation; those of integers are not looked at.
    Returns a ``Result``; raises AssertionError if anything is wrong. ``edges`` and ``seed``: see ``check``.
    """

    def engine(call):
        def vjp(_, *moving):
            out, pullback = my_vjp(*call.given.whole(moving))
            return call.out.results(out), lambda g: call.given.some(pullback(call.out.whole(g, no_tangent)))

        return Engine(_name(my_vjp), vjp=vjp, order=1, rule=True)

    line = functools.partial(_line, "check_vjp", [_name(my_vjp), _name(reference, "reference")], {"seed": seed})
    return Question(_name(my_vjp), reference, engine, line, ("rev",), 1, seed).checked(primals, edges)


def check_jvp(my_jvp, reference, *primals, edges=False, seed="0"):
    """A forward rule, ``my_jvp(primals, tangents) -> (out, tangent_out)``, against JAX; see ``check_vjp``.

    The tangents of integers are zeros of dtype float0, as in JAX.
    """

    def engine(call):
        def jvp(_, moving, tangents):
            found = my_jvp(call.given.whole(moving), call.given.whole(tangents, no_tangent))
            return call.out.results(found[0]), call.out.some(found[1])

        return Engine(_name(my_jvp), jvp=jvp, order=1, rule=True)

    line = functools.partial(_line, "check_jvp", [_name(my_jvp), _name(reference, "reference")], {"seed": seed})
    return Question(_name(my_jvp), reference, engine, line, ("fwd",), 1, seed).checked(primals, edges)


def check_custom(f, reference, *args, modes=("fwd", "rev"), order=2, edges=False, seed="0"):
    """A JAX user's ``jax.custom_vjp`` or ``jax.custom_jvp`` function, or a ``torch.autograd.Function``, against JAX.

    ``reference``: the same function without a rule of its own, in plain NumPy or in jax.numpy. ``f`` may also be a
    JAX function that calls such functions. It is differentiated in the modes that its rules have, in JAX up to second
    order and in PyTorch to first. Returns a ``Result``; raises AssertionError if anything is wrong. ``modes``,
    ``order`` (1 for a rule that is no JAX function itself, as one by ``jax.pure_callback``), ``edges`` and ``seed``:
    see ``check``.
    """
    if isinstance(f, type) and any(base.__module__.startswith("torch.autograd") for base in f.__mro__):
        from ..engines.peers import torch_function

        engine, written = torch_function(f), f.apply
    else:
        engine, written = _jax_engine(f, args), f
    modes = _modes(modes, engine)
    options = _options(modes, engine, order) | {"seed": seed}
    line = functools.partial(_line, "check_custom", [_name(f), _name(reference, "reference")], options)
    question = Question(_name(f), reference, lambda _: engine, line, modes, order, seed, written)
    return question.checked(args, edges)


def check_grads(f, args, order=2, modes=("fwd", "rev"), atol=None, rtol=None, eps=None):
    """As ``jax.test_util.check_grads``, with its signature, but against JAX itself instead of differences.

    No tolerance grows with the size of the array, as both do there, every element is compared by itself, and along
    several directions. ``f`` is a plain NumPy function, whose derivatives are ours, or a JAX function: then the custom
    rules in it, outside of loops and branches, are compared with JAX's derivatives of the bodies. ``atol``, ``rtol``
    and ``eps`` must be left out: the tolerance is measured from the function itself.
    Raises TypeError if one is given or ``args`` is no tuple or list, and AssertionError if anything is wrong.
    """
    if (atol, rtol, eps) != (None, None, None):
        raise TypeError(
            "check_grads: leave out atol, rtol and eps: the tolerance is measured from the function itself."
        )
    if not isinstance(args, (tuple, list)):
        raise TypeError("check_grads: args is a tuple of the arguments of f, such as (x,).")
    with np.errstate(all="ignore"):
        out = f(*args)
    if not any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(out)):
        return check(f, *args, modes=modes, order=order)
    engine = _jax_engine(f, args)
    line = functools.partial(_line, "check_grads", [_name(f)], {"order": order, "modes": modes})
    modes = _modes(modes, engine)
    question = Question(_name(f), without_rules(f), lambda _: engine, line, modes, _order(order), written=f)
    return question.checked(args)


def check_engine(engine, names=(), dtypes=(), modes=("fwd", "rev"), order=2):
    """An engine against JAX on the whole catalogue, or on these functions (``np.sin`` or ``sin``) and dtypes.

    ``engine``: an ``Engine`` or the name of one. Returns a list with one ``Result`` per case; what the engine lacks is
    ``missing`` there and no failure. Raises AssertionError with all that is wrong, ValueError for an unknown name.
    """
    engine = engine if isinstance(engine, Engine) else engine_named(engine)
    modes = _modes(modes, engine)
    results = [result for unit in sweep.units(names, dtypes) for result in sweep.run(unit, engine, modes, order)]
    wrong = [str(result) for result in results if result.findings]
    if wrong:
        raise AssertionError("\n".join([f"{engine.name}: {len(wrong)} of {len(results)} cases wrong", *wrong]))
    return results


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


def _written(engine):
    """An engine in code: the name by which it is known, or else a variable."""
    try:
        return engine.name if engine_named(engine.name) is engine else Code("engine")
    except ValueError:
        return Code("engine")


def _jax_engine(f, args):
    """JAX on a function of its own arrays; without forward mode where a rule of ``jax.custom_vjp`` forbids it."""
    given = Parts(args)
    primals = given.some(given.tree)
    try:
        jax.jvp(lambda *x: f(*given.whole(x)), primals, primals)
    except TypeError as error:
        if "custom_vjp" not in str(error):
            raise
        return Engine(_name(f), vjp=_jax_vjp, call=_jax_call)
    return Engine(_name(f), _jax_jvp, _jax_vjp, call=_jax_call)


def _jax_call(f, *primals):
    return _arrays(f(*primals))


def _jax_jvp(f, primals, tangents):
    return _arrays(jax.jvp(f, primals, tangents))


def _jax_vjp(f, *primals):
    out, pullback = jax.vjp(f, *primals)
    return _arrays(out), lambda g: _arrays(pullback(optree.tree_map(jax.numpy.asarray, g)))


def _arrays(tree):
    """Arrays of NumPy's; inside another transformation there are none yet."""
    return optree.tree_map(lambda x: x if isinstance(x, jax.core.Tracer) else np.asarray(x), tree)


# In words


def _name(f, otherwise="f"):
    """What a function is called in code; ``otherwise`` where it has no name of its own."""
    name = name_of(f)
    return name if name.replace(".", "").isidentifier() else otherwise


def _line(call, names, options, args):
    """The line of Python that makes this call again; arguments of many numbers stand there as ``args``."""
    many = sum(np.size(x) for x in optree.tree_leaves(args)) > SPELT
    given, keywords = "*args" if many else listed(args), [f"{name}={value!r}" for name, value in options.items()]
    if call == "check_grads":
        given = "args" if many else f"({given},)"
    return f"jax_ref.{call}({', '.join([*names, given, *keywords])})"
