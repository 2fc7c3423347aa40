"""Derivatives that a user gives for a whole function: ``custom_jvp`` and ``custom_vjp``, as in JAX."""

import functools
import inspect

import numpy as np

from .chain import through
from .modes import LinearTape, transposed
from .refusals import check_callable
from .registry import Derivative
from .tracer import Tracer, batch_in, innermost, shape_of
from .transforms import positions
from .tree import describe, flatten, guarded, is_inexact, only_reading, typed, unflatten, zeros


class _Custom:
    """What both share: the call, flattened to arrays and handed to the innermost differentiating trace."""

    def __init__(self, fun, nondiff_argnums=()):
        check_callable(type(self).__name__, fun)
        functools.update_wrapper(self, fun)
        found = positions(nondiff_argnums, f"{type(self).__name__}: nondiff_argnums", "Count them from 0")
        self.fun, self.nondiff_argnums = fun, (found,) if isinstance(found, int) else found
        self.name = getattr(fun, "__name__", repr(fun))

    def __call__(self, *args, **kwargs):
        args = self.positional(args, kwargs)
        if self.nondiff_argnums and not self.are_positions(len(args)):
            raise ValueError(
                f"{type(self).__name__} function {self.name}: nondiff_argnums={self.nondiff_argnums} must differ and "
                f"be positions of its {len(args)} arguments, counted from 0."
            )
        fixed = [args[i] for i in self.nondiff_argnums]
        chosen = [i for i in range(len(args)) if i not in self.nondiff_argnums]
        leaves, spec = flatten(tuple(args[i] for i in chosen))
        trace = innermost(leaves)
        if trace is not None and trace.of_examples and any(map(_is_differentiated, leaves)):
            return self.one_by_one(trace, args)
        if trace is None or trace.level < 0 or not trace.differentiates:
            level, out = 0 if trace is None else trace.level, self.fun(*args)
            self.refuse_hidden(flatten(out)[0], lambda owner: owner.differentiates and owner.level > level)
            return out

        def arrange(leaves):
            full = list(args)
            for i, value in zip(chosen, unflatten(spec, leaves), strict=True):
                full[i] = value
            return full

        out_spec = []
        rule = self.rule(
            fixed, spec, arrange, out_spec, lambda leaves: self.refuse_hidden(leaves, lambda owner: owner is trace)
        )
        result = trace.apply(rule, self.fun, leaves, {})
        return unflatten(out_spec[0], result)

    def are_positions(self, count):
        return len({*self.nondiff_argnums} & {*range(count)}) == len(self.nondiff_argnums)

    def one_by_one(self, batch, args):
        """The call for each example of a batch below which somebody differentiates."""
        leaves, spec = flatten(args)
        out_spec = []

        def of_leaves(*leaves):
            out, found = flatten(self(*unflatten(spec, leaves)))
            out_spec[:] = [found]
            return out

        of_leaves.__name__ = self.name
        results = batch.loop(of_leaves, leaves, {})
        return unflatten(out_spec[0], results)

    def positional(self, args, kwargs):
        """All arguments by position, with their defaults."""
        bound = inspect.signature(self.fun).bind(*args, **kwargs)
        for name, parameter in bound.signature.parameters.items():
            if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD) and name in bound.arguments:
                raise TypeError(f"{self.name}: the keyword argument {name} could not be resolved to a position.")
        if not isinstance(self.fun, np.ufunc):  # whose defaults are no arguments
            bound.apply_defaults()
        return bound.args

    def refuse_hidden(self, leaves, hidden):
        """Raise where a result depends on a tracer of a hidden trace: a number that is not among the arguments."""
        for x in leaves:
            while isinstance(x, Tracer):
                if hidden(x.owner):
                    raise TypeError(
                        f"Detected differentiation of {type(self).__name__} function {self.name} with respect to a "
                        "closed-over value, or one at nondiff_argnums, of which its rule does not know. Make it an "
                        "argument that the rule differentiates, or pass stop_gradient of it."
                    )
                x = x.value


class custom_jvp(_Custom):
    """A function with a forward derivative of the user's own, used in both modes; called with keywords too.

    ``f.defjvp(rule)`` with ``rule(primals, tangents) -> (out, tangent_out)``, linear in ``tangents`` and written in
    NumPy calls; reverse mode transposes it. Arguments at ``nondiff_argnums`` come first, undifferentiated.
    """

    jvp = None

    def defjvp(self, jvp):
        check_callable("defjvp", jvp, "jvp")
        self.jvp = jvp
        return jvp

    def rule(self, *call):
        if self.jvp is None:
            raise AttributeError(f"No JVP defined for custom_jvp function {self.name} using defjvp.")
        return _JvpRule(self, *call)


class custom_vjp(_Custom):
    """A function with a reverse derivative of the user's own, called with keywords too; forward mode refuses it.

    ``f.defvjp(fwd, bwd)`` with ``fwd(*args) -> (out, residuals)`` and ``bwd(residuals, cotangent)`` → a tuple with
    one cotangent per argument (None for zero). Arguments at ``nondiff_argnums`` come first in ``bwd``.
    """

    fwd = bwd = None

    def defvjp(self, fwd, bwd):
        check_callable("defvjp", fwd, "fwd")
        check_callable("defvjp", bwd, "bwd")
        self.fwd, self.bwd = fwd, bwd

    def rule(self, *call):
        if self.fwd is None:
            raise AttributeError(f"No VJP defined for custom_vjp function {self.name} using defvjp.")
        return _VjpRule(self, *call)


class _Rule(Derivative):
    """One call of a custom function, as the engines use a rule."""

    joint = True

    def __init__(self, custom, fixed, spec, arrange, out_spec, refuse_hidden):
        self.custom, self.fixed, self.spec, self.arrange, self.out_spec = custom, fixed, spec, arrange, out_spec
        self.refuse_hidden = refuse_hidden

    def flatten_out(self, out):
        leaves, spec = flatten(out)
        self.refuse_hidden(leaves)
        self.out_spec[:] = [spec]
        return [x.copy() if type(x) is np.ndarray and not x.flags.writeable else typed(x) for x in leaves]


class _JvpRule(_Rule):
    def run(self, args, tangents):
        """The leaves of the output and of its tangent, None for integers."""
        name = self.custom.name
        _let_view(tangents)
        primals = unflatten(self.spec, list(map(guarded, args)))
        with only_reading(f"The custom JVP rule of {self.custom.name}"):
            pair = self.custom.jvp(*self.fixed, primals, unflatten(self.spec, tangents))
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            raise TypeError(
                f"Custom JVP rule for function {name} must produce a pair (list or tuple of length two) "
                f"representing primal and tangent outputs, but got {pair}."
            )
        y, (t, tangent_spec) = self.flatten_out(pair[0]), flatten(pair[1])
        self.refuse_hidden(t)
        t = _as_zeros_of(y, t)
        if tangent_spec != self.out_spec[0]:
            raise TypeError(
                f"Custom JVP rule for function {name} must produce primal and tangent outputs with equal container "
                f"structures, but got {self.out_spec[0]} and {tangent_spec}."
            )
        for out, tangent in zip(y, t, strict=True):
            if describe(zeros(out)) != describe(tangent):
                raise TypeError(
                    "Custom JVP rule must produce primal and tangent outputs with corresponding shapes and dtypes. "
                    f"Expected {describe(zeros(out))} but got {describe(tangent)} from the rule of {name}."
                )
        return y, [tangent if is_inexact(out) else None for out, tangent in zip(y, t, strict=True)]

    def jvp(self, function, args, tangents, kwargs, steps):
        given = dict(tangents)
        return self.run(args, [given[i] if i in given else zeros(v) for i, v in enumerate(args)])

    def vjp(self, function, args, wrt, kwargs):
        def linear(*traced):
            given = dict(zip(wrt, traced, strict=True))
            y, t = self.run(args, [given[i] if i in given else zeros(v) for i, v in enumerate(args)])
            return t, y

        tape = LinearTape(f"The custom JVP rule of {self.custom.name}")
        transpose, y = transposed(linear, *(args[i] for i in wrt), tape=tape)
        return y, (through, transpose, ())


class _VjpRule(_Rule):
    def jvp(self, function, args, tangents, kwargs, steps):
        raise TypeError(
            f"can't apply forward-mode autodiff (jvp) to a custom_vjp function: {self.custom.name}. Use jacrev or vjp."
        )

    def vjp(self, function, args, wrt, kwargs):
        with only_reading(f"The custom VJP fwd rule of {self.custom.name}"):
            out, kept = self.custom.fwd(*self.arrange(list(map(guarded, args))))
        y = self.flatten_out(out)
        return y, (through, lambda g: self.cotangents(kept, g, args, wrt), ())

    def cotangents(self, kept, g, args, wrt):
        name, primals = self.custom.name, unflatten(self.spec, args)
        _let_view(g)
        cotangents = self.custom.bwd(*self.fixed, kept, unflatten(self.out_spec[0], g))
        if not isinstance(cotangents, tuple) or len(cotangents) != len(primals):
            raise TypeError(
                "Custom VJP bwd rule must produce an output with the same container structure as the args tuple of the "
                "primal function, and in particular must produce a tuple of length equal to the number of arguments to "
                f"the primal function, but the rule of {name} gave {cotangents} for {len(primals)} arguments."
            )
        leaves = []
        for c, primal in zip(cotangents, primals, strict=True):
            of_primal, spec = flatten(primal)
            given, given_spec = (list(map(zeros, of_primal)), spec) if c is None else flatten(c)
            if given_spec != spec:
                raise TypeError(
                    "Custom VJP bwd rule must produce an output with the same container structure as the args tuple of "
                    f"the primal function, but the rule of {name} gave {given_spec} for {spec}."
                )
            leaves += given
        leaves = _as_zeros_of(args, leaves)
        for i in wrt:
            if shape_of(leaves[i]) != shape_of(args[i]):
                raise ValueError(
                    "Custom VJP bwd rule must produce an output with the same type as the args tuple of the primal "
                    f"function, but the rule of {name} gave {describe(leaves[i])} for an input of type "
                    f"{describe(args[i])}."
                )
        return [leaves[i] for i in wrt]


def _let_view(arrays):
    """A user's rule may take views of the arrays of a batch and write into them."""
    if (batch := batch_in(arrays)) is not None:
        batch.views = True


def _is_differentiated(x):
    while isinstance(x, Tracer):
        if x.owner.differentiates:
            return True
        x = x.value
    return False


def _as_zeros_of(primals, given):
    """The tangents or cotangents that a user's rule gave, Python's floats with the dtype of their primal."""
    return [
        typed(p).dtype.type(g) if type(g) in (float, complex) else typed(g) for p, g in zip(primals, given, strict=True)
    ]
