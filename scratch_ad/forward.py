"""Forward mode: dual numbers.

A ``Dual`` carries a value and its tangent; each rule turns the tangents of a call's arguments into the tangent
of its output.
"""

import numpy as np

from .rule import Rewrite, aval, careful, has_nan, match, missing, plain, rules
from .tracer import Trace, Tracer, dtype_of, escaped, rebuild, refuse_traced, shape_of
from .tree import flatten, is_inexact, split_aux, tangent_dtype, tree_map, typed_like, unflatten, zeros


class Dual(Tracer):
    """A value and its tangent, which has the value's shape and dtype."""

    __slots__ = ("tangent",)

    def __init__(self, trace, value, tangent):
        self.owner, self.value, self.tangent = trace, value, tangent


class Forward(Trace):
    """One run of forward mode; ``combining`` gives the products of tangents with partials, None once it is over."""

    __slots__ = ("combining",)
    mode = "forward mode (jvp)"
    differentiates = True

    def __init__(self, combining):
        super().__init__()
        self.combining = combining

    def process(self, function, args, kwargs):
        rule = rules.get(function, missing)
        if isinstance(rule, Rewrite):
            return rule.rewrite(self.mode, function, args, kwargs)
        return self.push(rule, function, args, kwargs)

    def push(self, rule, function, args, kwargs):
        """Push the tangents of the arguments through one call."""
        if kwargs:
            refuse_traced(function, kwargs, self.mode)
        if self.combining is None:
            raise escaped(self.mode)
        values, tangents = list(args), []
        for i, a in enumerate(args):
            if type(a) is Dual and a.owner is self:
                values[i] = a.value
                tangents.append((i, a.tangent))
        y, t = rule.jvp(function, values, tangents, kwargs, self.combining)
        if isinstance(y, (tuple, list)):
            return y if t is None else rebuild(y, [self.dual(*pair) for pair in zip(y, t, strict=True)])
        return self.dual(y, t)

    def dual(self, y, t):
        return y if t is None or not is_inexact(y) else Dual(self, y, match(t, aval(y)))

    def pull_out(self, leaf):
        """The value and the tangent of one leaf of the output."""
        return (leaf.value, leaf.tangent) if self.owns(leaf) else (leaf, zeros(self.constant(leaf)))

    def owns(self, leaf):
        return type(leaf) is Dual and leaf.owner is self


def jvp(fun, primals, tangents, has_aux=False):
    """The value of ``fun`` at ``primals`` and its derivative along ``tangents``, in one forward pass.

    ``primals`` and ``tangents``: tuples with one entry per positional argument, of equal containers, shapes and
    dtypes (float0 for integers). Returns ``(out, tangent_out)`` or ``(out, tangent_out, aux)``, ``tangent_out``
    shaped like ``out``. NumPy's floating-point warnings are silent inside. If a nan comes out, ``fun`` runs a
    second time with 0·∞ = 0 in the chain rule's products (see ``rule.careful``).
    Raises TypeError for unequal containers or dtypes and ValueError for unequal shapes.
    """
    leaves, spec = flatten(_sequence(primals, tangents))
    tangent_leaves, tangent_spec = flatten(tuple(tangents))
    if spec != tangent_spec:
        raise TypeError(
            "primal and tangent arguments to jvp must have the same tree structure; primals have tree structure "
            f"{spec} whereas tangents have tree structure {tangent_spec}."
        )
    for p, t in zip(leaves, tangent_leaves, strict=True):
        if tangent_dtype(p) != dtype_of(t):
            raise TypeError(
                "primal and tangent arguments to jvp do not match; dtypes must be equal, or in case of int/bool primal "
                f"dtype the tangent dtype must be float0. Got primal dtype {dtype_of(p)} and so expected tangent dtype "
                f"{tangent_dtype(p)}, but got tangent dtype {dtype_of(t)} instead."
            )
        if shape_of(p) != shape_of(t):
            raise ValueError(
                "jvp called with different primal and tangent shapes; "
                f"Got primal shape {shape_of(p)} and tangent shape as {shape_of(t)}"
            )
    with np.errstate(all="ignore"):
        result = _run(Forward(plain), fun, spec, leaves, tangent_leaves, has_aux)
        if any(map(has_nan, flatten(result[1])[0])):
            result = _run(Forward(careful), fun, spec, leaves, tangent_leaves, has_aux)
    return result if has_aux else result[:2]


def _sequence(primals, tangents):
    if not (isinstance(primals, (tuple, list)) and isinstance(tangents, (tuple, list))):
        raise TypeError(
            "primal and tangent arguments to jvp must be tuples or lists; "
            f"found {type(primals).__name__} and {type(tangents).__name__}."
        )
    return tuple(primals)


def _run(trace, fun, spec, leaves, tangents, has_aux):
    duals = [Dual(trace, p, typed_like(t, p)) if is_inexact(p) else p for p, t in zip(leaves, tangents, strict=True)]
    out, aux = split_aux(fun(*unflatten(spec, duals)), has_aux)
    trace.combining = None
    out_leaves, out_spec = flatten(out)
    pairs = [trace.pull_out(leaf) for leaf in out_leaves]
    out, tangent_out = (unflatten(out_spec, [pair[k] for pair in pairs]) for k in (0, 1))
    return out, tangent_out, tree_map(lambda leaf: leaf.value if trace.owns(leaf) else leaf, aux)
