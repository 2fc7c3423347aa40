"""Integrals of functions, which SciPy evaluates where it likes, and which may close over tracers.

An integral is linear in the function. So its derivative along a tangent is the same integral of the function's tangent,
found by SciPy to the same tolerances, and in reverse mode its partials are those of the function's partials, each
pulled back to what the function closes over; to either the limits add what the function is there (Leibniz's rule). This
is done for the innermost run, and what it leaves is again an integral, with the tracers of the others.
"""

import functools
from collections import Counter
from typing import NamedTuple

import numpy as np
import scipy.integrate as _scipy

from ...batch import Batch
from ...chain import through
from ...forward import Forward
from ...modes import partials
from ...registry import aval
from ...reverse import Tape
from ...rule import valued
from ...tracer import Tracer, batch_in, gathered, innermost, shape_of, strip
from ...tree import typed, zeros
from .plain import Plain, check_plain, refused, stands_for


class Integral(NamedTuple):
    """``rule(f, a, b)`` is SciPy's, of a function of a number that gives plain arrays, and linear in that."""

    name: str
    rule: object

    def of(self, f, a, b):
        """The integral of ``f`` from a to b, where these, and what ``f`` gives, may be tracers."""
        seen, a, b = {}, _point(a), _point(b)
        if batch := batch_in((a, b)):
            raise refused(self.name, "limits that differ with the example", batch.mode, "loop over the examples")

        def noted(t):
            seen[t] = given(t)
            return _dense(seen[t])

        given = lambda t: typed(gathered(f(t)))
        value = self.rule(noted, _dense(a), _dense(b))
        trace = innermost([*seen.values(), a, b])
        if trace is None:
            return value
        if np.iscomplexobj(value):
            raise refused(self.name, "complex values", trace.mode, "integrate real and imaginary part apart")
        return self.derived(given, a, b, seen, typed(value))

    def derived(self, f, a, b, seen, value):
        """The same, where ``value`` is what lies below all tracers, and ``seen`` what ``f`` has given."""
        trace = innermost([*seen.values(), a, b])
        if trace is None or trace.level < 0:
            return value
        if isinstance(trace, Batch):
            whole = {t: trace.whole(y) for t, y in seen.items()}
            return trace.batched(self.derived(lambda t: trace.whole(f(t)), a, b, whole, value))
        if not isinstance(trace, (Forward, Tape)):
            remedy = "call it outside, or take fixed_quad, whose points are fixed"
            if trace.mode.endswith("a Jacobian"):
                remedy = "use jacfwd or jacrev, which look for no zeros"
            raise refused(self.name, "points that the numbers decide", trace.mode, remedy)
        below = lambda x: x.value if isinstance(x, Tracer) and x.owner is trace else x
        lower, ends = lambda t: below(f(t)), (_point(below(a)), _point(below(b)))
        y = self.derived(lower, *ends, {t: below(y) for t, y in seen.items()}, value)
        moved = [
            (end, sign * lower(_point(below(end))))
            for sign, end in ((-1, a), (1, b))
            if below(end) is not end and np.isfinite(_dense(end))
        ]
        if isinstance(trace, Forward):
            along = lambda y: y.tangent if below(y) is not y else zeros(y)
            known = {t: {"tangent": along(y)} for t, y in seen.items()}
            t = self.of(functools.partial(_rate, lambda t: {"tangent": along(f(t))}, known, "tangent", None), *ends)
            for end, rate in moved:
                t = t + rate * end.tangent
            return trace.result(y, t)
        edges = [(end.place, *aval(end.value), through, _contracted, (rate,)) for end, rate in moved]
        return trace.result(y, (*edges, *self.edges(f, *ends, trace)))

    def edges(self, f, a, b, tape):
        """Of the node of an integral, those that lead to what ``f`` closes over."""
        at, known = {}, {}

        def called(t):
            start, y = len(tape.nodes), f(t)
            found = partials(tape, start, y) if isinstance(y, Tracer) and y.owner is tape else {}
            known.update({place: (x.shape, x.dtype, len(y.shape)) for place, x in found.items() if x.size})
            if not isinstance(t, Tracer):
                at[t] = found
            return found, y

        def check():
            if len(at) > 1 and 1 in Counter(place for found in at.values() for place in found).values():
                what = "a function that takes from elsewhere what was differentiated for one point alone"
                raise refused(self.name, what, tape.mode, "compute it anew at each call, without a cache")

        self.rule(lambda t: _dense(called(t)[1]), _dense(a), _dense(b))
        check()
        done = {}
        while left := known.keys() - done.keys():
            shape, dtype, ndim = known[place := min(left)]
            rate = functools.partial(_rate, lambda t: called(t)[0], at, place, np.zeros(shape, dtype))
            total = self.of(rate, a, b)
            done[place] = (place, shape[ndim:], dtype, through, _contracted, (total,))
        check()
        return done.values()


def _rate(rates, known, name, none, t):
    """One of the ``rates`` at a point, as they are known; anew where traced, to stand on its tape by itself."""
    found = None if isinstance(t, Tracer) else known.get(t)
    if found is None or innermost([*found.values()]) is not None:
        found = rates(t)
    return found.get(name, none)


def _point(t):
    """A limit as one of the points at which the function is called, which are no arrays."""
    return t[()] if type(t) is np.ndarray and not t.ndim else t


def _dense(x):
    """The plain numbers below all tracers, of all examples of a batch in one array."""
    while isinstance(x, Tracer):
        x = x.dense() if x.owner.of_examples else x.value
    return x


def _contracted(g, rate):
    return np.tensordot(g, rate, len(shape_of(g))) if shape_of(g) else g * rate


def _of_each(quad):
    """The rule of an integral of numbers, for functions that give arrays: of each element by itself."""

    def rule(f, a, b):
        shape = ()

        def element(k, t):
            nonlocal shape
            y = np.asarray(f(t))
            shape = y.shape or shape
            return y.reshape(-1)[k] if y.ndim else y[()]

        first = quad(functools.partial(element, 0), a, b)
        if not shape:
            return first
        return np.reshape(
            [first, *(quad(functools.partial(element, k), a, b) for k in range(1, np.prod(shape)))], shape
        )

    return rule


@stands_for(_scipy.quad)
def quad(func, a, b, args=(), full_output=0, points=None, weight=None, complex_func=False, **options):
    if not callable(func):  # compiled code
        return _scipy.quad(func, a, b, args, full_output, points=points, weight=weight, **options)
    args = args if isinstance(args, tuple) else (args,)
    f = lambda t: _number(func(t, *args))
    check_plain("quad", options | {"points": points})
    options |= {"points": strip(points), "weight": weight}
    if weight is not None:
        check_plain("quad", {"a, beside weight=": a, "b, beside weight=": b})
    if complex_func:
        parts = [lambda t, part=part: getattr(f(t), part) for part in ("real", "imag")]
        (real, *of_real), (imag, *of_imag) = (_quad(part, a, b, full_output, options) for part in parts)
        told = [{"real": tuple(of_real[1:]), "imag": tuple(of_imag[1:])}] if full_output else []
        return (real + 1j * imag, of_real[0] + 1j * of_imag[0], *told)
    return _quad(f, a, b, full_output, options)


def _number(y):
    """What SciPy's C code takes a result for: a number, which it makes of an array of one, too."""
    y = gathered(y)
    if isinstance(y, (list, tuple)) or np.size(y) != 1:
        return float(strip(y))  # raises
    return np.reshape(y, ()) if shape_of(y) else y


def _quad(f, a, b, full_output, options):
    told = []

    def one(f, a, b):
        value, *others = _scipy.quad(f, a, b, full_output=0 if told else full_output, **options)
        told.append(others)
        return value

    return (Integral("quad", _of_each(one)).of(f, a, b), *told[0])


@stands_for(_scipy.quad_vec)
def quad_vec(f, a, b, args=(), **options):
    if options.get("workers", 1) != 1:  # processes, to which no tracer goes
        return _scipy.quad_vec(f, a, b, args=args, **options)
    args = args if isinstance(args, tuple) else (args,)
    check_plain("quad_vec", options)
    options["points"] = strip(options.get("points"))
    told = []

    def rule(f, a, b):
        value, *others = _scipy.quad_vec(f, a, b, **options)
        told.append(others)
        return value

    return (Integral("quad_vec", rule).of(lambda t: f(t, *args), a, b), *told[0])


@stands_for(_scipy.nquad)
def nquad(func, ranges, args=None, opts=None, full_output=False):
    args, count = () if args is None else args, len(ranges)
    opts = [opts or {}] * count if opts is None or isinstance(opts, dict) else opts
    f, *known = (_with(args, given) for given in (func, *ranges, *opts))
    ranges, opts, plain = known[:count], known[count:], Plain("nquad")
    bounds = [lambda *x, of=of: [*map(plain, of(*x))] for of in ranges]
    options = [lambda *x, of=of: {name: plain(option) for name, option in of(*x).items()} for of in opts]
    value, *told = _scipy.nquad(plain(f), bounds, opts=options, full_output=full_output)
    if plain.trace is None:
        return (value, *told)

    def level(k, *x):
        low, high = ranges[k](*x)
        options = dict(opts[k](*x))
        check_plain("nquad", options)
        if "points" in options:
            options["points"] = [point for point in options["points"] if low <= point <= high]
        return quad(functools.partial(level, k - 1) if k else f, low, high, x, **options)[0]

    return (valued(level(count - 1), typed(value)), *told)


def _with(args, given):
    """A function with further arguments, or one that gives what was given."""
    return (lambda *x: given(*x, *args)) if callable(given) else lambda *x: given


@stands_for(_scipy.dblquad)
def dblquad(func, a, b, gfun, hfun, args=(), epsabs=1.49e-8, epsrel=1.49e-8):
    inner = lambda x, *_: [of(x) if callable(of) else of for of in (gfun, hfun)]
    return nquad(func, [inner, [a, b]], args=args, opts={"epsabs": epsabs, "epsrel": epsrel})


@stands_for(_scipy.tplquad)
def tplquad(func, a, b, gfun, hfun, qfun, rfun, args=(), epsabs=1.49e-8, epsrel=1.49e-8):
    middle = lambda x, *_: [of(x) if callable(of) else of for of in (gfun, hfun)]
    inner = lambda y, x, *_: [of(x, y) if callable(of) else of for of in (qfun, rfun)]
    return nquad(func, [inner, middle, [a, b]], args=args, opts={"epsabs": epsabs, "epsrel": epsrel})
