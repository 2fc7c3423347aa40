"""Whose rules a function calls, PyTorch's, JAX's or ours, and the engine that differentiates it by them."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np
import optree

import scratch_ad
from scratch_ad.tracer import name_of

from ..engines import tensors
from ..engines.protocol import Engine
from ..engines.ready import OURS
from ..engines.surroundings import profiled_by
from ..measure.rounding import holds_rules, without_rules
from ..measure.values import lent
from .parts import Parts


class Ruled(NamedTuple):
    """A function that calls custom rules: the engine that does so, and the function as that takes it.

    ``body``: the function for reference, and whether it runs ``in_jax``.
    """

    engine: Engine
    written: Callable
    body: Callable
    in_jax: bool


def ruled(f, args):
    """What calls the custom rules that derivatives of ``f`` go through at these arguments; None where they meet none.

    Raises what ``f`` raises where it is a class of rules or its ``apply``.
    """
    given = Parts(args)
    for find in (_by_pytorch, _by_jax, _by_ours):
        if found := find(tensors.applied(f), given):
            return found
    return None


def of_others(f, args):
    """``ruled``, or None where it is a function of NumPy's arrays that our engine differentiates in both modes.

    Raises TypeError for a function of JAX's that meets no rule: JAX would be compared with itself.
    """
    given = Parts(args)
    if found := _by_pytorch(tensors.applied(f), given):
        return found
    try:
        with np.errstate(all="ignore"):
            out = f(*lent(given.tree))
    except Exception:
        if tensors.is_imported() and _met_in_pytorch(f, given) is not None:
            raise TypeError(
                f"check: {name_for(f)} is a function of PyTorch's tensors whose derivatives go through no "
                "torch.autograd.Function, so that there is no rule to check: give one that does."
            ) from None
        return None  # it is told of with its plain run
    if not any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(out)):
        found = _by_ours(f, given)
        return found if found and not found.engine.jvp else None
    if found := _by_jax(f, given):
        return found
    raise TypeError(
        f"check: {name_for(f)} is a JAX function whose derivatives go through no custom rule, so that JAX would be "
        "compared with itself: write it in calls of NumPy, or give check_custom its rule and a reference."
    )


def name_for(f, otherwise="f"):
    """What a function is called in code; of a class of rules its name, also where its ``apply`` is meant."""
    name = getattr(tensors.class_of(f), "__name__", "") or name_of(f)
    return name if name.replace(".", "").isidentifier() else otherwise


def _by_pytorch(f, given):
    if not (tensors.is_imported() and (met := _met_in_pytorch(f, given))):
        return None
    return Ruled(tensors.engine(name_for(f), met), tensors.on_tensors(f), tensors.on_arrays(f), False)


def _met_in_pytorch(f, given):
    """The classes of rules that ``f`` calls; None where it is no function of tensors."""
    try:
        with np.errstate(all="ignore"):
            return tensors.rules_met(
                lambda *moving: tensors.on_tensors(f)(*given.whole(moving)), given.some(given.tree)
            )
    except Exception:
        if tensors.class_of(f):
            raise
        return None


def _by_jax(f, given):
    primals = given.some(given.tree)
    moving = lambda *x: f(*given.whole(x))
    try:
        closed = jax.make_jaxpr(moving)(*primals)
    except Exception:
        return None  # no function of JAX's
    if not holds_rules(closed):
        return None
    jvp, body = _jax_jvp, without_rules(f)
    try:
        jax.jvp(moving, primals, primals)
    except TypeError as error:
        if "custom_vjp" not in str(error):
            raise
        jvp = None
    engine = Engine(name_for(f), jvp, _jax_vjp, call=_jax_call)
    return Ruled(replace(engine, outer=(engine,)), f, body, True)


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


WITHIN_JAX = Engine("jax", _jax_jvp, _jax_vjp)  # of what is written in calls of jax.numpy


def _by_ours(f, given):
    """Seen by the calls of their code: a user may have bound and wrapped the functions in any way."""
    codes = {rule.rule.__code__ for rule in (scratch_ad.custom_jvp, scratch_ad.custom_vjp)}
    met, before = [], sys.getprofile()

    def watch(frame, event, _):
        of_user = frame.f_code is PRIMITIVE and not frame.f_locals["function"].__module__.startswith("scratch_ad.")
        if event == "call" and (frame.f_code in codes or of_user):
            met.append(frame.f_code)

    moving = lambda *x: f(*given.whole(x))
    primals = given.some(given.tree)
    sys.setprofile(watch)
    try:
        with np.errstate(all="ignore"):
            scratch_ad.vjp(moving, *primals)
    except Exception:
        if not met:
            return None  # it is not written in calls of NumPy's
    finally:
        profiled_by(before)
    if not met:
        return None
    try:
        with np.errstate(all="ignore"):
            scratch_ad.jvp(moving, primals, primals)
    except TypeError as error:
        if "custom_vjp" not in str(error):
            raise
        return Ruled(replace(OURS, name=name_for(f), jvp=None), f, f, True)
    return Ruled(replace(OURS, name=name_for(f)), f, f, True)


PRIMITIVE = scratch_ad.primitive(lambda x: x).__code__  # of the call of any primitive
