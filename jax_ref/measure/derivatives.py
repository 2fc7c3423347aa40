"""Measuring: an engine's derivatives of a function and JAX's at the same vectors, and what is wrong with them.

What is compared, for two sets of tangents and cotangents that are neither constant nor symmetric: the value, both
first derivatives, that of a variable used twice, and the second ones in all four mixes, in the primals and in the
(co)tangents. What needs no reference: a pullback called twice, linearity, unchanged inputs and ⟨g, J t⟩ = ⟨Jᵀ g, t⟩.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np
import optree

from ..engines.guard import is_users
from ..lift import lift
from .executables import afresh, once
from .hints import Witness, hint
from .quantities import ALONG, FIRST, Quantity
from .repeats import repeated
from .rounding import of_shaken, shaken
from .tolerances import Difference, Finding, differences, shown, tolerance, unit
from .values import plainly, value_findings
from .vectors import Vectors, coarsest_dtype, digits_of, nudged

# XLA options, to compile quickly what runs a few times: fusion takes minutes for some twenty steps of an ODE, and the
# many small functions of the catalogue compile in half the time by options that newer versions may not know: of old
# emitters, and in one piece instead of 32. Without fusion XLA is wrong at times (jax 0.10.2: second derivatives of
# complex eigvals), so short programs have it.
_KNOWN = jax.__version_info__ < (0, 11)
_IN_ONE = {"xla_cpu_parallel_codegen_split_count": 1} if _KNOWN else {}
_UNOPTIMISED = {"xla_backend_optimization_level": 0, **_IN_ONE}
QUICKLY = {**_UNOPTIMISED, "xla_disable_hlo_passes": "fusion"}
LONG = 1000  # operations
SMALL = {**_UNOPTIMISED, "xla_cpu_use_fusion_emitters": False} if _KNOWN else _UNOPTIMISED


class Problem(NamedTuple):
    """A function of arrays in containers, written in calls of ``np``, and the vectors at which it is checked."""

    function: Callable
    vectors: Vectors
    order: int = 2
    written: Callable | None = None  # the same function in calls of the engine's namespace, where that is another
    normwise: bool = False  # whether rounding errors are relative to the largest number; see tolerances.NORMWISE
    writes: bool = False  # whether it may write into its arguments, and so give something else the second time


# The reference


class Reference(NamedTuple):
    """JAX's derivatives at the vectors and at the turned ones, and the condition of each: two dicts by quantity.

    ``coarsest``: the dtype of fewest digits among arguments and results, whose rounding the results may show.
    """

    derivatives: tuple
    conditions: tuple
    coarsest: np.dtype


def references(problems, keep=afresh):
    """JAX's answers to all the problems, which are small; ``keep(compile)`` may know the program already."""
    return compiled(problems, SMALL, keep)(problems)


def compiled(problems, options=None, keep=afresh):
    """What gives JAX's answers to these problems, or to the same ones at other vectors; one program for all.

    ``options``: XLA's, by default those that compile it most quickly.
    """

    def compile():
        functions = [as_jax(p.function, p.vectors.primals, p.vectors.cotangent) for p in problems]

        def program(given):
            return [_derivatives(f, v, p.order) for f, v, p in zip(functions, given, problems, strict=True)]

        traced = jax.jit(program).trace([p.vectors for p in problems])
        quick = QUICKLY if len(traced.jaxpr.eqns) > LONG else _UNOPTIMISED
        return once(traced.lower(), quick if options is None else options)

    executable = keep(compile)
    run = lambda given: optree.tree_map(np.asarray, executable(given))

    def answer(problems):
        given, answers = [p.vectors for p in problems], []
        for vectors in (given, [v.turned() for v in given]):
            exact, conditions = run(vectors), None
            for seed in range(4):
                moved, steps = zip(*(nudged(v, seed) for v in vectors), strict=True)
                found = [_change(a, b, step) for a, b, step in zip(run(list(moved)), exact, steps, strict=True)]
                conditions = found if conditions is None else optree.tree_map(np.add, conditions, found)
            answers.append((exact, conditions))
        pairs = zip(*(zip(*answer, strict=True) for answer in answers), strict=True)
        answers = [Reference(*zip(*pair, strict=True), coarsest_dtype(v)) for pair, v in zip(pairs, given, strict=True)]
        return [_floored(answer, p) for answer, p in zip(answers, problems, strict=True)]

    return answer


def step_by_step(problem, reference):
    """The reference, operation by operation, as XLA is wrong at times about a program as a whole.

    Its conditions also count the rounding of what is computed on the way (see ``rounding``).
    """
    f, conditions, derivatives = as_jax(problem.function, problem.vectors.primals, problem.vectors.cotangent), [], []
    order = 2 if Quantity.JVP_OF_JVP in reference.derivatives[0] else 1
    program = lambda v: _derivatives(f, v, order)
    step = float(np.sqrt(digits_of(problem.vectors)))
    for k, condition in enumerate(reference.conditions):
        given = problem.vectors.turned() if k else problem.vectors
        exact, *moved = (shaken(program, given, seed) for seed in (None, 0, 1))
        for found in moved:
            condition = optree.tree_map(np.add, condition, _change(found, exact, step))
        derivatives.append(exact)
        conditions.append(condition)
    return reference._replace(derivatives=tuple(derivatives), conditions=tuple(conditions))


def by_own_rounding(engine, problem, reference, got):
    """The reference, with conditions that count the rounding of what a rule computes, as far as its value is rounded.

    Whoever takes the derivative from the value, as y (1 − y), has no more digits than that has; a formula that loses
    more of them is not excused.
    """
    step, conditions = float(np.sqrt(digits_of(problem.vectors))), []
    for k, condition in enumerate(reference.conditions):
        v = problem.vectors.turned() if k else problem.vectors
        with contextlib.suppress(Exception), np.errstate(all="ignore"):  # whatever a rule has against such arrays
            for seed in range(2):
                for what, moved, most in _by_shaken(engine, v, got[k], seed):
                    change = _change(optree.tree_map(np.asarray, moved), got[k][what], step)
                    wider = optree.tree_map(lambda c, d, most=most: c + np.minimum(d, most), condition[what], change)
                    condition = condition | {what: wider}
        conditions.append(condition)
    return reference._replace(conditions=tuple(conditions))


def _by_shaken(engine, v, got, seed):
    """A rule's derivatives, each result on the way moved, with the size of the values that they belong to."""
    primals, tangents, cotangent = optree.tree_map(lambda x: of_shaken(x, seed), v[:2] + v[3:4])
    largest = lambda tree: max((np.max(np.abs(x), initial=0.0) for x in optree.tree_leaves(tree)), default=0.0)
    if engine.vjp:
        terms = optree.tree_map(np.multiply, v.cotangent, got[Quantity.VALUE_OF_VJP])
        most = sum(float(np.sum(np.abs(x))) for x in optree.tree_leaves(terms))
        yield Quantity.VJP, engine.vjp(None, *primals)[1](cotangent), most
    if engine.jvp:
        most = largest(got[Quantity.VALUE_OF_JVP]) * largest(v.tangents)
        yield Quantity.JVP, engine.jvp(None, primals, tangents)[1], most


def _floored(reference, problem):
    """The reference, with no condition below the largest derivative of its order where errors are relative to that."""
    if not problem.normwise:
        return reference
    size = lambda x: float(np.max(np.abs(x[np.isfinite(x)]), initial=0.0))
    conditions = []
    for exact, condition in zip(*reference[:2], strict=True):
        sizes = {what: max(map(size, optree.tree_leaves(tree)), default=0.0) for what, tree in exact.items()}
        first = max(sizes[what] for what in FIRST)
        second = max(size for what, size in sizes.items() if what.order)
        floored = lambda tree, least: optree.tree_map(lambda c: np.maximum(c, least), tree)
        conditions.append({q: floored(tree, second if q.is_second else first) for q, tree in condition.items()})
    return reference._replace(conditions=tuple(conditions))


def as_jax(function, primals, like=None):
    """The function for JAX: lifted, unless it is written in calls of jax.numpy.

    Raises ValueError if its result has other containers than ``like``. Lifted is tried first: some NumPy functions take
    a JAX array silently and drop a keyword.
    """
    of_jax = lift(function)
    try:
        out = jax.eval_shape(of_jax, *primals)
    except (TypeError, AttributeError):
        try:
            out = jax.eval_shape(function, *primals)
        except Exception:
            return of_jax
        of_jax = function
    if like is not None and optree.tree_structure(out) != optree.tree_structure(like):
        plain, other = (shown(optree.tree_structure(tree)) for tree in (like, out))
        raise ValueError(f"f gives {plain} when run plainly, {other} under JAX, which is then no reference.")
    return of_jax


def _derivatives(f, v, order):
    # some functions' dtypes are not NumPy's in JAX
    f = lambda *x, f=f: optree.tree_map(lambda y, g: jax.numpy.asarray(y, np.result_type(g)), f(*x), v.cotangent)
    pushed = lambda *x: jax.jvp(f, x, v.tangents)[1]
    pulled = lambda *x: jax.vjp(f, *x)[1](v.cotangent)
    value, jvp, vjp = f(*v.primals), pushed(*v.primals), pulled(*v.primals)
    found = {Quantity.VALUE: value, Quantity.JVP: jvp, Quantity.VJP: vjp}
    if order > 1:
        found[Quantity.JVP_OF_JVP] = jax.jvp(pushed, v.primals, v.others)[1]
        found[Quantity.JVP_OF_VJP] = jax.jvp(pulled, v.primals, v.tangents)[1]
    return found


def _change(moved, exact, step):
    """By how much each number changed per unit of relative change; 0 where that cannot be said."""

    def of_leaf(a, b):
        with np.errstate(all="ignore"):
            change = np.abs(a - b).astype(np.float64) / step
        return np.where(np.isfinite(change), change, 0.0)

    return optree.tree_map(of_leaf, moved, exact)


# The engine


def measured(engine, problem, modes=("fwd", "rev")):
    """The engine's derivatives by quantity, at the vectors and at the turned ones; and what it does wrong by itself."""
    f, given = problem.written or problem.function, problem.vectors
    before = optree.tree_map(np.array, given)
    by_engine = lambda v, combined: _by_engine(engine, f, v, combined, problem, modes)
    run = engine.program(by_engine) if engine.program else by_engine
    found, alone = [], []
    with np.errstate(all="ignore"):
        for v in (given, given.turned()):
            found.append(_kept(run(v, (_combined(v.tangents, v.others), _combined(v.cotangent, v.second)))))
        if not engine.program:
            alone += repeated(engine, f, given, nudged(given, 0)[0].primals, modes)
    alone += [_alone("inputs", "", f"changed by the engine: {d}") for d in differences(given, before)]
    # not in another namespace, where a constant would be an array of NumPy's
    if len(given.primals) > 1 and problem.written is None and not (engine.rule or engine.program):
        alone += _one_at_a_time(engine, f, given, found[0], modes)
    return found, alone


def _kept(tree):
    """A result as it is now, in plain arrays: some write into it later on, or give other numbers each time."""
    return optree.tree_map(_kept_leaf, tree)


def _kept_leaf(x):
    if isinstance(x, (np.generic, jax.Array, int, float, complex)):
        return x
    return np.array(x.filled(np.nan) if np.ma.is_masked(x) else x)


def _one_at_a_time(engine, f, v, found, modes):
    """With the other arguments as constants, a cotangent is the same, and the tangents add up to the whole."""
    terms = []
    coarsest = coarsest_dtype(v)
    for i, (x, t) in enumerate(zip(v.primals, v.tangents, strict=True)):
        of_one = lambda x, i=i: f(*v.primals[:i], x, *v.primals[i + 1 :])
        with np.errstate(all="ignore"):
            if engine.vjp and "rev" in modes:
                for d in differences(
                    engine.vjp(of_one, x)[1](v.cotangent)[0], found[Quantity.VJP][i], coarsest=coarsest
                ):
                    d = replace(d, place=f"[{i}]{d.place}")
                    yield Finding(f"vjp in argument {i} alone", "rev", d)
            if engine.jvp and "fwd" in modes:
                terms.append(engine.jvp(of_one, (x,), (t,))[1])
    if terms:
        total = optree.tree_map(lambda *parts: sum(parts[1:], parts[0]), *terms)
        sizes = optree.tree_map(lambda *parts: sum(np.abs(p).astype(np.float64) for p in parts), *terms)
        for d in differences(total, found[Quantity.JVP], sizes, coarsest=coarsest):
            yield Finding("jvp in one argument at a time", "fwd", d)


def _alone(what, mode, problem):
    return Finding(what, mode, Difference(problem))


def _more_than_rounding(alone, exact, condition, slack, coarsest):
    """The findings without those that the rounding of the terms summed explains, as the reference shows it."""
    left = []
    for finding in alone:
        pair, first = finding.difference.compared, Quantity.JVP if finding.mode == "fwd" else Quantity.VJP
        if pair:
            sizes = [_at_place(tree[first], finding.difference.place) for tree in (exact, condition)]
            limit = tolerance(sizes[0], sizes[1], 1, slack, coarsest)
            if np.all(~pair.wrong | (np.abs(pair.got - pair.expected) <= limit)):
                continue
        left.append(replace(finding, difference=replace(finding.difference, compared=None)))
    return left


def _at_place(tree, place):
    paths, leaves, _ = optree.tree_flatten_with_path(tree)
    return next(leaf for path, leaf in zip(paths, leaves, strict=True) if place == "".join(f"[{p!r}]" for p in path))


def _by_engine(engine, f, v, combined, problem, modes):
    jvp, vjp = first = _in_modes(engine, modes)
    now = (lambda tree: tree) if engine.program else _kept  # in a program they are no numbers yet
    found = {Quantity.VALUE: now(engine.call(f, *v.primals))} if engine.call else {}
    if jvp:
        found[Quantity.VALUE_OF_JVP], found[Quantity.JVP] = now(jvp(f, v.primals, v.tangents))
        found[Quantity.JVP_ALONG] = now(jvp(f, v.primals, combined[0])[1])
    if vjp:
        value, pullback = vjp(f, *v.primals)
        found[Quantity.VALUE_OF_VJP] = now(value)
        found[Quantity.VJP] = now(pullback(v.cotangent))
        found[Quantity.VJP_ALONG] = now(pullback(combined[1]))
        if not (engine.rule or problem.writes):
            twice = lambda *x: [f(*x), f(*x)]
            try:
                found[Quantity.TWICE] = now(vjp(twice, *v.primals)[1]([v.cotangent, v.second]))
            except Exception as error:
                error.add_note(
                    "The function returned a list of two arrays, [f(x), f(x)]: an engine takes any containers."
                )
                raise
    if min(problem.order, engine.order) > 1:
        outer = engine.outer[0] if engine.outer else None
        found |= now(_second_order(first, (outer.jvp, outer.vjp) if outer else first, f, v))
    return found


def _second_order(first, second, f, v):
    """The derivatives of the derivatives: in the primals, and in the tangents or the cotangent.

    ``first``: the jvp and vjp, None where there is none, of which ``second`` takes the derivatives.
    """
    n, found = len(v.primals), {}
    (jvp, vjp), (outer_jvp, outer_vjp) = first, second
    pushed = lambda *args: jvp(f, args[:n], args[n:])[1]
    pulled = lambda *args: vjp(f, *args[:n])[1](args[n])
    if jvp and outer_jvp:
        found[Quantity.JVP_OF_JVP] = outer_jvp(pushed, v.primals + v.tangents, v.others + v.others)[1]
    if vjp and outer_jvp:
        found[Quantity.JVP_OF_VJP] = outer_jvp(pulled, (*v.primals, v.cotangent), (*v.tangents, v.second))[1]
    if jvp and outer_vjp:
        both = outer_vjp(pushed, *v.primals, *v.tangents)[1](v.cotangent)
        found[Quantity.VJP_OF_JVP], found[Quantity.IN_TANGENTS] = both[:n], both[n:]
    if vjp and outer_vjp:
        *of_primals, last = outer_vjp(pulled, *v.primals, v.cotangent)[1](v.tangents)
        found[Quantity.VJP_OF_VJP], found[Quantity.IN_COTANGENT] = tuple(of_primals), last
    return found


def nested(engine, problem, modes):
    """The engine with the first of its ``outer`` that can differentiate its derivatives, to first order if none can.

    And why none can, in words.
    """
    f, v, causes = problem.written or problem.function, problem.vectors, []
    jvp, vjp = _in_modes(engine, modes)
    for outer in engine.outer:
        try:
            with np.errstate(all="ignore"):
                _second_order((jvp, vjp), (outer.jvp, outer.vjp), f, v)
        except BaseException as error:  # whatever a rule may raise that is not made to be differentiated
            if is_users(error):
                raise
            causes.append(f"{type(error).__name__}: {error}".partition("\n")[0].rstrip("."))
        else:
            return replace(engine, outer=(outer,)), ""
    return replace(engine, order=1, outer=()), causes[0]


def _in_modes(engine, modes):
    return (engine.jvp if "fwd" in modes else None), (engine.vjp if "rev" in modes else None)


def findings(engine, problem, reference, modes=("fwd", "rev")):
    """All that is wrong with the engine's derivatives of one problem, first by itself, then beside JAX's.

    What is wrong at both sets of vectors is found twice.
    """
    return compared(engine, problem, reference, measured(engine, problem, modes))


def compared(engine, problem, reference, quantities):
    """The findings of what was ``measured``, beside one reference."""
    got = quantities[0]
    value = plainly(problem.function, problem.vectors.primals)
    exact, condition, coarsest = reference.derivatives[0], reference.conditions[0], reference.coarsest
    found = _more_than_rounding(quantities[1], exact, condition, engine.slack, coarsest)
    found += _of_combinations(got[0], reference, engine.slack)
    wrong = {finding.mode for finding in found}  # the modes whose first derivatives are
    for what in Quantity:
        if what not in got[0] or what in ALONG:
            continue
        mode, order = what.mode, what.order
        witnesses = [_witness(k, what, got, problem, reference) for k in range(2)]
        for k, witness in enumerate(witnesses):
            limits = _expected(k, what, reference.conditions)[0]
            if order == 0:
                expected, witness = witness.expected, witness._replace(expected=value)
                for finding in value_findings(engine, what, witness.got, value, expected, limits, coarsest):
                    text = hint(finding.difference, [witness])
                    found.append(replace(finding, hint=text, turned=bool(k)))
                continue
            expected = _unless_infinite(witness.expected, witness.got, *witness.parts)
            if what.reference is Quantity.JVP_OF_VJP:  # where JAX has an exact 0, others may have a sum that cancels
                limits = optree.tree_map(lambda c, d: c + np.abs(d), limits, reference.derivatives[k][Quantity.VJP])
            for d in differences(witness.got, expected, limits, order, engine.slack, coarsest):
                text = hint(d, [witness, witnesses[1 - k]])
                if order == 1:
                    wrong.add(mode)
                elif order == 2 and not any(first in mode for first in wrong):
                    text = f"second order only{text and ': '}{text}"
                found.append(Finding(what, mode, d, text, turned=bool(k)))
    if all(first in got[0] for first in FIRST) and not found:
        found += _adjoint(problem.vectors, got[0], condition, engine.slack)
    return found


def _of_combinations(got, reference, slack):
    """What is wrong along combinations of both sets of vectors, of which JAX's derivatives are combined as well."""
    for along in (what for what in ALONG if what in got):
        (exact, turned), (condition, turned_condition) = (
            [of[along.reference] for of in both] for both in (reference.derivatives, reference.conditions)
        )
        expected = _where_finite(_combined(exact, turned), got[along], exact, turned)
        limits = optree.tree_map(lambda a, b: 2 * a + 3 * b, condition, turned_condition)
        for d in differences(got[along], expected, limits, 1, 5 * slack, reference.coarsest):
            yield Finding(along, along.mode, d)


def _witness(k, what, got, problem, reference):
    """What the engine and JAX have of one quantity, at the vectors or, for k = 1, the turned ones."""
    vectors = problem.vectors.turned() if k else problem.vectors
    return Witness(got[k][what], *_expected(k, what, reference.derivatives), vectors)


def _expected(k, what, quantities):
    """JAX's counterpart of one of the engine's quantities, and the two parts whose sum it is, if it is one."""
    exact = quantities[k][what.reference]
    if not what.added:
        return exact, ()
    parts = exact, quantities[1 - k][what.added]
    with np.errstate(all="ignore"):
        return optree.tree_map(lambda a, b: np.asarray(a + b, np.result_type(a))[()], *parts), parts


def _unless_infinite(total, otherwise, *parts):
    """``total``, but ``otherwise`` where it is nan because of two infinite parts."""

    def of_leaf(a, b, *parts):
        vague = np.isnan(a) & ~np.any([np.isnan(p) for p in parts], axis=0) if parts else np.False_
        return np.where(vague, b, a).astype(a.dtype)[()] if np.any(vague) and _fits(a, b) else a

    same = optree.tree_structure(total) == optree.tree_structure(otherwise)
    return optree.tree_map(of_leaf, total, otherwise, *parts) if same else total


def _where_finite(total, otherwise, *parts):
    """``total``, but ``otherwise`` where a part is not finite: another combination may well be."""
    same = optree.tree_structure(total) == optree.tree_structure(otherwise)
    of_leaf = lambda a, b, *parts: np.where(np.all(np.isfinite(parts), axis=0), a, b).astype(a.dtype)[()]
    fitting = lambda a, b, *parts: of_leaf(a, b, *parts) if _fits(a, b) else a
    return optree.tree_map(fitting, total, otherwise, *parts) if same else total


def _fits(a, b):
    """Whether elements of ``b`` may stand in ``a``: of its shape, and not complex in a real one."""
    return np.shape(a) == np.shape(b) and np.iscomplexobj(a) >= np.iscomplexobj(b)


def _combined(u, v):
    """2u − 3v, in the dtypes of u."""
    with np.errstate(all="ignore"):
        return optree.tree_map(lambda a, b: np.asarray(2 * a - 3 * b, np.result_type(a))[()], u, v)


def _adjoint(v, mine, condition, slack):
    """⟨g, J t⟩ = ⟨Jᵀ g, t⟩."""
    g, t = optree.tree_leaves(v.cotangent), optree.tree_leaves(v.tangents)
    jvp, vjp = (optree.tree_leaves(mine[first]) for first in FIRST)
    left, right = inner(g, jvp), inner(vjp, t)
    terms = [*zip(g, jvp, strict=True), *zip(t, vjp, strict=True)]
    scale = sum(float(np.sum(np.abs(a).astype(np.float64) * np.abs(b).astype(np.float64))) for a, b in terms)
    moved = zip([*g, *t], optree.tree_leaves([condition[first] for first in FIRST]), strict=True)
    scale += sum(float(np.sum(np.abs(a).astype(np.float64) * c)) for a, c in moved)
    dtypes = [np.asarray(leaf).dtype for leaf in (*g, *t)]
    limit = slack * scale * unit(dtypes) if dtypes else 0.0
    if np.isfinite(left - right) and abs(left - right) > limit:
        return [_alone("adjoint identity", "", f"⟨g, J t⟩ = {left:.6g} but ⟨Jᵀ g, t⟩ = {right:.6g}")]
    return []


def inner(u, v):
    """The real part of ⟨u, v⟩ without conjugation, of lists of arrays: what a transpose preserves."""
    return sum(
        float(np.sum(np.multiply(a, b, dtype=np.result_type(a, b, np.float64))).real) for a, b in zip(u, v, strict=True)
    )
