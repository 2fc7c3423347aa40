"""Checks the rules that a test run has called, at the arguments that they met there.

JAX's rules are compared with JAX's derivative of their own bodies by ``check_custom``, ours by ``check``. Other rules
stay in force in a body; where it cannot be differentiated with them or the rule seems wrong, they give way to their own
bodies, as a rule that is right beside either is right. Differences of the body, with a bound, decide where JAX cannot
differentiate it, where its answer is not finite, and at kinks; PyTorch's rules are checked by them alone.
"""

import contextlib
import io
import signal
import threading
import time
import warnings
from dataclasses import asdict, dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
import optree

from scratch_ad import tree

from ..checks.check import check, check_custom
from ..checks.parts import Parts
from ..engines.guard import TooLong
from ..measure.quantities import Quantity, quantity
from ..report.result import Result
from .arguments import Fixed, given, leaf, leaves_of
from .closures import replaced
from .settling import NotChecked, Subject, asked, cotangents_of, raised, settled, short
from .tensors import subject_of
from .watch import OWNERS, TORCH, Call, Hole, Noted, Rule

# Seconds of the processor, as a machine may have other things to do
SECONDS = 20.0  # for one rule, after which no further call of it is begun
LIMIT = 40.0  # for one call, after which only differences are asked
LONG = 100  # lines of a program, above which only its first derivative is looked at, as compiling takes too long


@dataclass
class Verdict:
    """What came of checking one rule: ``status`` is "right", "wrong" or "unchecked"; ``words`` and ``notes`` say why.

    ``derivative``: where that stands, as there may be several rules of one place. ``calls``: how many were checked;
    ``random``: how many of them with random numbers.
    """

    rule: Rule
    derivative: str
    status: str
    words: str = ""
    calls: int = 0
    random: int = 0
    notes: list = field(default_factory=list)

    def plain(self):
        """In types that go from process to process."""
        return asdict(self) | {"rule": tuple(self.rule)}


def verdicts(rule, noted: Noted, watch, rerun):
    """The ``Verdict`` on each rule of one place; ``rerun(test)``: the command that runs a test again."""
    for derivative in noted.owners or [""]:
        yield _verdict(Verdict(rule, derivative, "unchecked"), noted, watch, rerun)


def _verdict(found, noted, watch, rerun):
    start, rule, reasons = time.process_time(), found.rule, dict.fromkeys(sorted(noted.problems))
    kept = {key: calls for key, calls in noted.calls.items() if key[0] == found.derivative}
    ranked = [(k, number, call) for (_, number, *_), calls in kept.items() for k, call in enumerate(calls)]
    calls = [call for *_, call in sorted(ranked, key=lambda each: each[:2])]  # each signature once before any twice
    if (made := noted.owners.get(found.derivative, -1) + 1) > OWNERS:
        found.notes.append(f"{OWNERS} of {made} functions with this rule")
    for k, call in enumerate(calls):
        if time.process_time() - start > SECONDS:
            found.notes.append(f"{len(calls) - k} more calls were left out after {SECONDS:.0f} s")
            break
        try:
            wrong, notes = _in_time(call, rule, watch, order=1 if found.calls else 2)
        except Exception as error:
            reasons.setdefault(str(error) if isinstance(error, NotChecked) else short(error))
            continue
        found.calls, found.random, found.status = found.calls + 1, found.random + call.random, "right"
        known = {note.partition(" to within")[0] for note in found.notes}
        found.notes += [note for note in notes if note.partition(" to within")[0] not in known]
        if wrong:
            found.status, line = "wrong", rerun(call.test)
            found.words = wrong + (f"\n  rerun: {line}" if line else "")
            return found
    if not found.calls:
        found.words = "; ".join(reasons) or "nothing is known of its arguments"
    return found


def _in_time(call, rule, watch, order):
    """As ``_checked``, but by differences alone where JAX takes too long."""
    try:
        with _limited(LIMIT), _quietly(call.x64):
            return _checked(call, rule, watch, order)
    except TooLong:
        if order == 0:
            raise NotChecked(f"its check was given up after {LIMIT:.0f} s") from None
        return _in_time(call, rule, watch, 0)


@contextlib.contextmanager
def _limited(seconds):
    """Raises ``TooLong`` after so many seconds of the processor, where signals can do that."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def _quietly(x64):
    out = io.StringIO()
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(out):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stderr(out), jax.enable_x64(x64):
            yield


def _checked(call: Call, rule, watch, order):
    """What is wrong at one call, in words, empty if nothing is; and notes. ``order`` 0: by differences alone."""
    if call.kind == TORCH:
        return settled(subject_of(call), "PyTorch's rules are checked so")
    if call.kind.startswith("scratch_ad"):
        return _of_ours(call, rule)
    return _of_jax(call, rule, watch, order)


# JAX


def _of_jax(call, rule, watch, order):
    function, args = _function(call)
    name = rule.name.rpartition(".")[2]
    owner = _filled(call)
    ruled, body = _named(function(owner), name), _named(function(owner.fun), name)
    parts = Parts(args)
    if not any(parts.moves):
        raise NotChecked("no argument is real or complex")
    try:
        out = body(*args)
    except Exception as error:
        raise NotChecked(f"its body, called again with these arguments, raises {short(error)}") from error
    if not any(map(tree.is_inexact, out)):
        raise NotChecked("it returns nothing real or complex")
    subject = _subject(name, ruled, body, parts)
    if order == 0:
        return settled(subject, f"the comparison with JAX took more than {LIMIT:.0f} s")
    problem, wrong = _undifferentiable(body, parts), None
    is_long = len(str(jax.make_jaxpr(_of_moving(body, parts))(*parts.some(parts.tree))).splitlines()) > LONG
    asked = 1 if is_long else order
    long = ["first order only, as its body is long"] if asked < order else []
    if not problem:
        wrong, notes = _compared(subject, ruled, body, args, asked)
        if not wrong:
            return "", notes + long
    with watch.others_aside(rule) as met:
        body(*args)
        if met and not _undifferentiable(body, parts):
            without, notes = _compared(subject, ruled, body, args, asked)
            if not without or wrong is None:
                return without, notes + long
    if wrong is None:
        return settled(subject, f"JAX cannot differentiate its body ({problem})")
    return wrong, []


def _filled(call):
    """The rule, with numbers for the tracers that it closed over."""
    leaves = call.leaves
    if len(leaves) == call.spec.num_leaves:
        return call.owner
    fill = lambda x: given(leaf(leaves[x.k], True, x.k)) if isinstance(x, Hole) else x
    return replaced(call.owner, fill, lambda f, x: jax.tree.map(f, x, is_leaf=lambda x: isinstance(x, Hole)))


def _function(call):
    """What makes a function with a rule, or a body, one of arguments for ``check_custom``; and these arguments.

    Containers that only JAX knows become dicts by path. The results are a list of arrays.
    """
    count = call.spec.num_leaves
    args, keys = [], []
    for arg in jax.tree.unflatten(call.spec, leaves_of(call)[:count]):
        paths, leaves = (
            zip(*jax.tree_util.tree_leaves_with_path(arg), strict=True) if jax.tree.leaves(arg) else ((), ())
        )
        known = optree.tree_leaves(arg)
        same = len(known) == len(leaves) and all(a is b for a, b in zip(known, leaves, strict=True))
        keys.append(None if same else [jax.tree_util.keystr(path) for path in paths])
        args.append(arg if same else dict(zip(keys[-1], leaves, strict=True)))

    def of(function):
        def flat(*args):
            leaves = []
            for arg, names in zip(args, keys, strict=True):
                leaves += jax.tree.leaves(arg) if names is None else [arg[name] for name in names]
            out = jax.tree.leaves(function(*jax.tree.unflatten(call.spec, [*map(given, leaves)])))
            return [y for y in out if not jnp.issubdtype(jnp.result_type(y), jax.dtypes.extended)]

        return flat

    return of, tuple(args)


def _named(function, name):
    function.__name__ = name if name.isidentifier() else "f"
    return function


def _of_moving(function, parts):
    """A function of what moves alone, to the real and complex of its results."""
    return lambda *x: [y for y in function(*parts.whole(x)) if jnp.issubdtype(jnp.result_type(y), jnp.inexact)]


def _undifferentiable(body, parts):
    """Why JAX cannot differentiate the body in both modes, which the comparison needs; empty if it can."""
    moving, f = parts.some(parts.tree), _of_moving(body, parts)
    try:
        jax.jit(lambda x: jax.jvp(f, x, x)).lower(moving)  # tracing alone lets some rules of others pass
        jax.jit(lambda x: jax.vjp(f, *x)[1](f(*x))).lower(moving)
    except Exception as error:
        return short(error).partition(". ")[0]
    return ""


def _compared(subject, ruled, body, args, order):
    """What is wrong beside JAX's derivative of the body, in words, and notes; first order where it must be."""
    result, notes = None, []
    for tried in range(order, 0, -1):
        try:
            result = check_custom(ruled, body, *args, order=tried, vary=False)
        except AssertionError as error:
            result = error.args[0] if error.args and isinstance(error.args[0], Result) else None
            problem = error
        except Exception as error:
            problem = error
        if result and not result.missing:
            notes = ["first order only"] if tried < order else [*result.notes]
            break
    else:
        return raised(subject, problem), []
    if result.ok:
        return "", notes
    said = _judged(subject, result)
    if said and all(_is_excused(one) for one in said):
        at = (
            "is another, or not finite"
            if any(one.allowed for one in said)
            else "is not finite, and cannot be judged there"
        )
        return "", [*notes, f"right by differences where JAX's derivative of its body {at}"]
    _leave_out(subject, result, said)
    against = [one for one in said if one.allowed is False]
    witness = [f"  differences of the body agree that it is wrong, as in {against[0]}"] if against else []
    return "\n".join([_told(result), *witness]), notes


def _judged(subject, result):
    """What differences say where JAX's derivative of the body is another; nothing where it is not about numbers."""
    found = [(quantity(finding.what), finding.difference) for finding in result.findings]
    if not all(what and what.order and difference.compared for what, difference in found):
        return []
    if Quantity.VJP not in [what for what, _ in found]:
        return []
    return asked(subject, subject.jax_pull(subject.moving, cotangents_of(subject)))


def _is_excused(said):
    return said.allowed or (said.allowed is None and not said.finite)


def _leave_out(subject, result, said):
    """Leave out of the findings the arguments of which differences say that the rule is right there."""
    right = [all(map(_is_excused, (s for s in said if s.argument == k))) for k in range(len(subject.moving))]
    places = [place for place, excused in zip(subject.places, right, strict=True) if excused and said]
    left = [f for f in result.findings if f.what != Quantity.VJP or f.difference.place not in places]
    if len(left) < len(result.findings):
        result.findings = [f for f in left if f.what != Quantity.JVP]
        result.smallest = ""  # it may be about what was left out


def _told(result):
    """A result in words, without the line of code, which the test's is better than, and a referee who knows nothing."""
    result.rerun = ""
    lines = str(result).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("referee: undecided"))


def _subject(name, ruled, body, parts):
    """For differences: the moving leaves, also in other precision."""

    def of_leaves(function):
        f = _of_moving(function, parts)
        return lambda *leaves: f(*jax.tree.unflatten(spec, leaves))

    plain = of_leaves(body)
    compiled = jax.jit(plain)

    def value(moving):
        try:
            out = compiled(*moving)
        except Exception:  # it looks at its numbers
            out = plain(*moving)
        return [*map(np.asarray, out)]

    def pull_of(function):
        def pull(moving, cotangents):
            out, pullback = jax.vjp(of_leaves(function), *map(jnp.asarray, moving))
            return [*map(np.asarray, pullback([jnp.asarray(g, y.dtype) for g, y in zip(cotangents, out, strict=True)]))]

        return pull

    def trace():
        f = _of_moving(ruled, parts)
        jax.eval_shape(lambda x: jax.vjp(f, *x)[1](f(*x)), some)

    some = parts.some(parts.tree)
    spec = jax.tree.structure(some)
    paths = optree.tree_flatten_with_path(some)[0]
    places = ["".join(f"[{p!r}]" for p in path) for path in paths]
    return Subject(name, places, jax.tree.leaves(some), value, pull_of(ruled), pull_of(body), trace)


# Ours


def _of_ours(call, rule):
    name, leaves = rule.name.rpartition(".")[2], leaves_of(call)

    def of(function):
        def flat(*leaves):
            leaves = [x.value if isinstance(x, Fixed) else x for x in leaves]
            return function(*tree.unflatten(call.spec, leaves))

        return _named(flat, name)

    modes = ("rev",) if call.kind.endswith("vjp") else ("fwd", "rev")
    if not any(map(tree.is_inexact, (x for x in leaves if not isinstance(x, (Fixed, str))))):
        raise NotChecked("no argument is real or complex")
    try:
        check(of(call.owner), *leaves, modes=modes, reference=of(call.owner.fun), vary=False)
    except AssertionError as error:
        return _told(error.args[0]), []
    return "", []
