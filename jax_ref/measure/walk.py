"""JAX's programs run operation by operation, for whoever has to look at what comes out on the way."""

import functools

import jax
from jax.extend.core import ClosedJaxpr, Literal

RULES = "custom_jvp_call", "custom_vjp_call"
# Primitives that call a program, and where they keep it.
CALLS = {
    **dict.fromkeys(("jit", "pjit", "checkpoint", "remat2"), "jaxpr"),
    **dict.fromkeys(("closed_call", "core_call", *RULES), "call_jaxpr"),
}


def walk(
    closed, args, seen=lambda path, inputs, outputs: outputs, into_loops=False, outer=(), bare=lambda param: param
):
    """The results of a program: a list of arrays; calls are followed into what they call.

    ``seen(path, inputs, outputs) -> outputs`` is shown each operation, at the end of the path of those that it is
    part of, and may give other results for it. ``into_loops``: whether it is shown those of branches and loops too.
    ``bare(param)``: what an operation is done with in place of its parameters, such as the programs of a loop.
    """
    jaxpr, consts = (closed.jaxpr, closed.consts) if isinstance(closed, ClosedJaxpr) else (closed, ())
    values = dict(zip(jaxpr.constvars, consts, strict=True))
    values |= zip(jaxpr.invars, args, strict=True)
    read = lambda v: v.val if isinstance(v, Literal) else values[v]
    for eqn in jaxpr.eqns:
        inputs, name, path = [*map(read, eqn.invars)], eqn.primitive.name, (*outer, eqn)
        if called := CALLS.get(name):
            found = walk(eqn.params[called], inputs, seen, into_loops, path, bare)
        elif into_loops and name in _LOOPS:
            found = _LOOPS[name](eqn.params, inputs, functools.partial(_run, seen, path))
        else:
            found = eqn.primitive.bind(*inputs, **{name: bare(param) for name, param in eqn.params.items()})
            found = [*seen(path, inputs, found if eqn.primitive.multiple_results else [found])]
        values.update(zip(eqn.outvars, found, strict=True))
    return [*map(read, jaxpr.outvars)]


def _run(seen, path, closed, args):
    return walk(closed, args, seen, True, path)


def _cond(params, inputs, run):
    which, *operands = inputs
    return run(params["branches"][int(which)], operands)


def _while(params, inputs, run):
    of_condition, of_body = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    condition, body, carry = inputs[:of_condition], inputs[of_condition:of_body], inputs[of_body:]
    while bool(run(params["cond_jaxpr"], [*condition, *carry])[0]):
        carry = run(params["body_jaxpr"], [*body, *carry])
    return carry


def _scan(params, inputs, run):
    consts, carry, xs = _parts_of_scan(params, inputs)
    rows, carried = {}, len(carry)
    for i in range(params["length"])[:: -1 if params["reverse"] else 1]:
        found = run(params["jaxpr"], [*consts, *carry, *(x[i] for x in xs)])
        carry, rows[i] = found[:carried], found[carried:]
    columns = zip(*(rows[i] for i in sorted(rows)), strict=True)
    if not rows:
        avals = params["jaxpr"].out_avals[carried:]
        return [*carry, *(jax.numpy.zeros((0, *aval.shape), aval.dtype) for aval in avals)]
    return [*carry, *map(jax.numpy.stack, columns)]


def _parts_of_scan(params, inputs):
    """What a scan is given: constants, what it carries, and what it goes along."""
    if "ft_in" in params:  # JAX 0.12
        return map(list, params["ft_in"].update(inputs).unpack())
    first, last = params["num_consts"], params["num_consts"] + params["num_carry"]
    return inputs[:first], inputs[first:last], inputs[last:]


_LOOPS = {"cond": _cond, "while": _while, "scan": _scan}
