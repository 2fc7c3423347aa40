"""The checks that users call: one function by an engine, one rule of the user's own, or the whole catalogue.

Each returns a ``Result`` and raises AssertionError where something is wrong, with all that is known about it: what
differs and by how much, what kind of mistake that looks like, what the referee says, the smallest case that is still
wrong, and a line that runs it again. Where the referee finds that the engine is right after all, be it against JAX or,
at a kink, beside it, nothing is wrong: the difference is told in ``Result.excused``.
"""

import functools
import itertools
import time

import jax
import numpy as np
import optree

from scratch_ad.tracer import name_of
from scratch_ad.tree import is_inexact

from ..engines.ready import OURS, Engine
from ..engines.ready import engine as engine_named
from ..measure.derivatives import Problem, again, compiled, vectors
from ..measure.quantities import Quantity
from ..measure.rounding import without_rules
from ..measure.tolerances import ULPS, Difference, Finding, differences
from ..referee.judge import examined
from ..report.result import Result
from ..report.words import described, follows
from ..sweep import sweep
from .shrink import Code, listed, shrunk

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
    return _check(_name(f), reference or f, args, lambda _: engine, modes, order, seed, line, edges, written)


def check_vjp(my_vjp, reference, *primals, edges=False, seed="0"):
    """A reverse rule, ``my_vjp(*primals) -> (out, pullback)``, against JAX's derivative of ``reference``.

    ``reference``: the same function in plain NumPy or in jax.numpy. ``pullback(cotangent)`` gives a tuple with one
    cotangent per primal, the transpose of the derivative without conjugation; those of integers are not looked at.
    Returns a ``Result``; raises AssertionError if anything is wrong. ``edges`` and ``seed``: see ``check``.
    """

    def engine(call):
        def vjp(_, *moving):
            out, pullback = my_vjp(*call.given.whole(moving))
            return call.out.results(out), lambda g: call.given.some(pullback(call.out.whole(g, _no_tangent)))

        return Engine(_name(my_vjp), vjp=vjp, order=1, rule=True)

    line = functools.partial(_line, "check_vjp", [_name(my_vjp), _name(reference, "reference")], {"seed": seed})
    return _check(_name(my_vjp), reference, primals, engine, ("rev",), 1, seed, line, edges)


def check_jvp(my_jvp, reference, *primals, edges=False, seed="0"):
    """A forward rule, ``my_jvp(primals, tangents) -> (out, tangent_out)``, against JAX; see ``check_vjp``.

    The tangents of integers are zeros of dtype float0, as in JAX.
    """

    def engine(call):
        def jvp(_, moving, tangents):
            found = my_jvp(call.given.whole(moving), call.given.whole(tangents, _no_tangent))
            return call.out.results(found[0]), call.out.some(found[1])

        return Engine(_name(my_jvp), jvp=jvp, order=1, rule=True)

    line = functools.partial(_line, "check_jvp", [_name(my_jvp), _name(reference, "reference")], {"seed": seed})
    return _check(_name(my_jvp), reference, primals, engine, ("fwd",), 1, seed, line, edges)


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
    return _check(_name(f), reference, args, lambda _: engine, modes, order, seed, line, edges, written)


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
    return _check(_name(f), without_rules(f), args, lambda _: engine, modes, _order(order), "0", line, written=f)


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
    given = _Parts(args)
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
    return _arrays(out), lambda g: _arrays(pullback(g))


def _arrays(tree):
    """Arrays of NumPy's; inside another transformation there are none yet."""
    return optree.tree_map(lambda x: x if isinstance(x, jax.core.Tracer) else np.asarray(x), tree)


# What has no derivative is held fixed


class _Parts:
    """A container: its real and complex arrays move, all else (integers, None, texts, functions) is held fixed."""

    def __init__(self, tree):
        leaves, self.spec = optree.tree_flatten(tree, none_is_leaf=True)
        self.moves = [_moves(x) for x in leaves]
        self.leaves = [np.asarray(x)[()] if moves else x for x, moves in zip(leaves, self.moves, strict=True)]
        self.tree = optree.tree_unflatten(self.spec, self.leaves)
        self.lent = []  # copies of fixed arrays that were handed out, each after its original
        self.wrong = []  # of results compared so far, in words

    def some(self, tree):
        """The leaves that move, in a tuple; the container itself if all do, or if it is not like this one."""
        found, spec = optree.tree_flatten(tree, none_is_leaf=True)
        return tree if all(self.moves) or spec != self.spec else tuple(itertools.compress(found, self.moves))

    def results(self, tree):
        """``some`` of a result, whose fixed leaves are compared as well."""
        found, spec = optree.tree_flatten(tree, none_is_leaf=True)
        if spec == self.spec:
            pairs = zip(found, self.leaves, self.moves, strict=True)
            fixed = [(x, y) for x, y, moves in pairs if not (moves or isinstance(x, jax.core.Tracer))]
            self.wrong += [f"{x!r}, not {y!r}" for x, y in fixed if not _same(x, y)]
        return self.some(tree)

    def whole(self, some, fixed=None):
        """The container again, with copies of what is fixed, or ``fixed(leaf)``."""
        if all(self.moves):
            return some
        moving, fixed = iter(some), fixed or self._lend
        leaves = [next(moving) if moves else fixed(x) for x, moves in zip(self.leaves, self.moves, strict=True)]
        return optree.tree_unflatten(self.spec, leaves)

    def _lend(self, x):
        if not isinstance(x, np.ndarray):
            return x
        self.lent.append((x, x.copy()))
        return self.lent[-1][1]

    def changed(self):
        """What is wrong with fixed arrays that were handed out, in words."""
        return ["changed by the engine" for x, copy in self.lent if not np.array_equal(x, copy)][:1]


def _moves(x):
    """Whether it is a real or complex number or an array of them. Raises TypeError for a dtype that is not compared."""
    if not (hasattr(x, "dtype") or isinstance(x, (int, float, complex))) or not is_inexact(x):
        return False
    if (name := np.asarray(x).dtype.name) not in ULPS:
        raise TypeError(f"an argument or result has dtype {name}; compared are {', '.join(ULPS)}.")
    return True


def _same(x, y):
    if not hasattr(y, "dtype"):
        return x is y or bool(np.all(x == y))
    return np.asarray(x).dtype.kind == np.asarray(y).dtype.kind and np.array_equal(x, y)


def _no_tangent(x):
    return np.zeros(np.shape(x) if hasattr(x, "dtype") else (), jax.dtypes.float0)


class _Call:
    """A call of a function: the parts of what it is given and of what comes out."""

    def __init__(self, f, args):
        self.given = _Parts(args)
        with np.errstate(all="ignore"):
            self.out = _Parts(f(*self.given.tree))

    def found(self):
        """What is wrong with what is held fixed: integers among the results, and arguments that were changed."""
        fixed = [Finding(Quantity.VALUE, "", Difference(problem)) for problem in dict.fromkeys(self.out.wrong)]
        return fixed + [Finding("inputs", "", Difference(problem)) for problem in self.given.changed()]

    def moving(self, f):
        """``f`` as a function of what moves, to what moves."""
        return lambda *moving: self.out.some(f(*self.given.whole(moving)))

    def problem(self, reference, written, seed, order):
        f = self.moving(reference)
        given = vectors(f, self.given.some(self.given.tree), seed)
        return Problem(f, given, order, written and self.moving(written))


# One function at some points


def _check(name, reference, args, engine_of, modes, order, seed, line, edges=False, written=None):
    """``engine_of(call)`` against JAX on ``reference``; ``written`` is the function in the engine's own terms."""
    start = time.perf_counter()

    def found(args, answer=None, order=order):
        """The engine, all that is wrong at these arguments, what is excused, and JAX's answer to them and others."""
        call = _Call(reference, args)
        engine = engine_of(call)
        problem = call.problem(reference, written, seed, min(order, engine.order))
        answer = answer or compiled([problem])
        (right,) = answer([problem])
        try:
            with np.errstate(all="ignore"):
                wrong, excused = examined(engine, problem, right, modes)
        except engine.missing:
            raise
        except Exception:
            if not (wrong := _explained(engine, problem, right)):
                raise
            excused = []
        return wrong + call.found(), excused, answer

    call = _Call(reference, args)
    if not any(call.given.moves):
        raise TypeError(f"{name}: no argument to differentiate: give it real or complex numbers, such as np.ones(3).")
    if not any(call.out.moves):
        raise TypeError(f"{name}: returns nothing to differentiate: return real or complex numbers.")
    leaves = list(itertools.compress(call.given.leaves, call.given.moves))
    dtypes = ", ".join(dict.fromkeys(x.dtype.name for x in leaves))
    engine = engine_of(call)
    result = Result(name, engine.name, dtypes, ", ".join(str(x.shape) for x in leaves))
    try:
        result.findings, result.excused, answer = found(args)
        wrong_at = args
        for point in _edge_points(call.given) if edges else ():
            try:
                out = _Call(reference, point).out.leaves
            except Exception:
                continue  # the function itself is not defined there
            if all(map(_is_ordinary, optree.tree_leaves(point))) and not all(map(_is_finite, out)):
                continue  # it overflows
            wrong, excused, _ = found(point, answer, order=1)
            wrong_at = point if wrong and not result.findings else wrong_at
            result.findings += wrong
            result.excused += excused
        if result.findings:
            whats = {finding.what for finding in result.findings}
            whats = {what for what in whats if not follows(what, whats)}
            fewer, smallest = shrunk(wrong_at, found, whats, order if wrong_at is args else 1)
            if smallest and fewer is not wrong_at:
                result.smallest = "\n    ".join([listed(fewer), *described(smallest)])
            result.rerun = line(fewer)
    except engine.missing as error:
        result.missing = str(error) or type(error).__name__
    result.seconds = time.perf_counter() - start
    return result.require()


def _explained(engine, problem, reference):
    """What is wrong with the value alone, or with a pullback called again: after that anything may be raised."""
    f, v = problem.written or problem.function, problem.vectors
    value = engine.vjp(f, *v.primals)[0] if engine.vjp else engine.jvp(f, v.primals, v.tangents)[0]
    expected, condition = (of[0][Quantity.VALUE] for of in reference[:2])
    found = [Finding(Quantity.VALUE, "", d) for d in differences(value, expected, condition, slack=engine.slack)]
    return found or (again(engine.vjp, f, v) if engine.vjp else [])


def _edge_points(given):
    """Special points in the shapes of the arguments: in all of them at once."""

    def put(*numbers):
        def of(x):
            flat = np.array(x).ravel()
            for i, number in enumerate(numbers):
                flat[i :: max(len(numbers), 3)] = number
            return flat.reshape(np.shape(x))

        return of

    fills = (
        lambda x: np.zeros_like(x),
        lambda x: np.ones_like(x),
        lambda x: np.full_like(x, np.ravel(x)[0] if np.size(x) else 0),
        put(np.inf, -np.inf),
        put(np.nan),
        lambda x: np.full_like(x, np.finfo(x.dtype).max),
        lambda x: np.full_like(x, np.finfo(x.dtype).tiny),
    )
    moving = list(itertools.compress(given.leaves, given.moves))
    points = []
    for fill in fills:
        some = iter([np.asarray(fill(x), x.dtype)[()] for x in moving])
        leaves = [next(some) if moves else x for x, moves in zip(given.leaves, given.moves, strict=True)]
        points.append(optree.tree_unflatten(given.spec, leaves))
    return points


def _is_finite(x):
    return not _moves(x) or bool(np.all(np.isfinite(x)))


def _is_ordinary(x):
    """Finite and not at zero, where poles are."""
    return _is_finite(x) and (not _moves(x) or bool(np.all(x)))


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
