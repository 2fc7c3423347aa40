"""A trace with JAX beside it: the same calls by JAX's equations, at JAX's own numbers from the arguments on."""

import jax.numpy as jnp
import numpy as np

from scratch_ad.tracing.recording import record
from scratch_ad.tracing.trace import Beside, Trace, title

from .blame import differences, marks
from .equations import Equations


def trace(f, *args, tangents=None, cotangent=None):
    """``scratch_ad.trace`` with JAX beside it: each call as JAX's equations, with JAX's numbers.

    Each NumPy call that ``f`` makes is given to JAX alone, at JAX's own numbers, so that ``f`` runs once, and branches
    on numbers, loops and writes into arrays are those of that run. A step where what goes in agrees and what comes out
    does not is a ``Difference``, by the tolerances of the suite, which measures them there, and with the verdict of the
    referee. Returns a ``Trace`` with ``other="JAX"``; raises as ``scratch_ad.trace`` does.
    """
    made = Trace(title(f), record(f, args, tangents, cotangent))
    made.other = "JAX"
    values = {x.place: jnp.asarray(x.value) for x in made.inputs}
    along = {x.place: jnp.zeros_like(x.value) if x.tangent is None else jnp.asarray(x.tangent) for x in made.inputs}
    programs = {}
    for step in made.steps:
        if not step.done:
            break
        beside = made.beside[step.number] = Beside()
        try:
            places = [ref.place for ref in step.refs]
            of = [mapping[at] for mapping in (values, along) for at in places]
            found = Equations(step.again, [ref.label for ref in step.refs], of[: len(places)], of[len(places) :])
            for y in step.outputs:
                slot = found.outputs[y.part]
                values[y.place] = slot.value
                along[y.place] = jnp.zeros_like(slot.value) if slot.tangent is None else slot.tangent
            programs[step.number] = found
        except Exception as error:  # whatever JAX has against a call; ours goes on in its place
            if step.outputs:
                beside.note = f"not given to JAX: {error}".partition("\n")[0]
            for y in step.outputs:
                values[y.place] = jnp.asarray(y.value)
                along[y.place] = jnp.zeros_like(y.value) if y.tangent is None else jnp.asarray(y.tangent)
    adjoints = {} if made.error else _walk_back(made, programs)
    _show(made, values, along, adjoints, programs)
    made.differences = differences(made)
    if made.differences:
        marks(made)
    return made


def first_difference(f, *args, tangents=None, cotangent=None):
    """The first step of ``f`` at ``args`` that is not JAX's: what goes in agrees, and what comes out does not.

    One that is ours to blame, if there is such a one: the first in the order of the walk, forward and then back. Else
    the first at all, in which the referee does not find us wrong, such as a nan of JAX's. None where all agrees.

    >>> print(first_difference(lambda x: np.where(x > 0, np.sqrt(x), 0), 0.0))  # doctest: +SKIP
    step 2, v2 = np.sqrt(x)
        contribution to x: ours 0, JAX nan
        our rule: 1/(2 * y)
        referee: JAX is wrong, this is right; the derivative is 0
        to blame: JAX
    """
    return trace(f, *args, tangents=tangents, cotangent=cotangent).first_difference()


def _walk_back(made, programs):
    """JAX's adjoints, by place; the contributions of each step are put beside it."""
    adjoints = {}

    def arrive(place, c):
        adjoints[place] = c if place not in adjoints else adjoints[place] + c

    for place, g in (entry for entry in made.recording.walk if isinstance(entry, tuple)):
        arrive(place, jnp.asarray(g))
    for step in reversed(made.steps):
        if step.number not in programs:
            for edge in step.edges:
                arrive(edge.place, jnp.asarray(edge.contribution))
            continue
        program = programs[step.number]
        by_part = {y.part: adjoints.get(y.place) for y in step.outputs}
        contributions = made.beside[step.number].contributions
        for ref, c in zip(step.refs, program.pull([by_part.get(k) for k in range(len(program.outputs))]), strict=True):
            if c is not None:
                contributions[ref.place] = contributions[ref.place] + c if ref.place in contributions else c
        for place, c in contributions.items():
            arrive(place, c)
            contributions[place] = np.asarray(c)
    return adjoints


def _show(made, values, along, adjoints, programs):
    """JAX's numbers in each ``Beside``, as NumPy's."""
    plain = lambda mapping, x: np.asarray(mapping[x.place]) if x.place in mapping else None
    for x in made.inputs:
        made.beside_inputs[x.place] = Beside([], plain(values, x), plain(along, x), plain(adjoints, x))
    for step in made.steps:
        if step.number not in programs:
            continue
        beside, several = made.beside[step.number], len(step.outputs) > 1
        numbers = [tuple(plain(mapping, y) for y in step.outputs) for mapping in (values, along, adjoints)]
        beside.value, beside.tangent, beside.adjoint = (n if several else n[0] if n else None for n in numbers)
        if not step.outputs:
            beside.value = tuple(np.asarray(y.value) for y in programs[step.number].outputs) or None
        beside.operations = programs[step.number].operations(step.label)
