"""Automatic differentiation of plain NumPy functions, unchanged: forward and reverse mode, to any order.

To read the files, each of which imports only from those before it:

    frames, refusals      which call takes no tracer, and what to say (at a first reading, skip both)
    tracer, array         how a number answers NumPy's calls, and feels like an array
    views, writing        what writes into arrays do, and the views that follow (at a first reading, skip these …)
    flat, cells, constants, writers, creation     … and these: where arrays are written into, and how they are made
    tree                  containers of arrays
    chain                 one edge of the chain rule, plain and careful
    registry              what an engine asks of the rule for a function
    forward, reverse      the two modes, each an idea; fast: the same, written out for most calls
    modes                 jvp and vjp
    rule, rules/          the kinds of rule, and the rules: begin with elementwise
    program               recording: a function's calls as a straight-line program; cost counts them
    linearization, transforms, custom     what users call besides
    symbolic, numerical   derivatives by SymPy and by differences

For a first look forward and reverse are enough, with rules/elementwise beside them.
"""

from . import rules as _rules  # noqa: F401  (registers the rules)
from .custom import custom_jvp, custom_vjp
from .linearization import linearize
from .modes import jvp, vjp
from .numerical import numerical_gradient, numerical_jacobian
from .program import record
from .rule import composite, constant, elementwise, explicit, linear, over, refuse
from .symbolic import expression, symbolic_gradient
from .tracer import primitive
from .transforms import grad, hessian, hvp, jacfwd, jacrev, stop_gradient, value_and_grad
from .tree import float0

__all__ = [
    "composite",
    "constant",
    "custom_jvp",
    "custom_vjp",
    "elementwise",
    "explicit",
    "expression",
    "float0",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacrev",
    "jvp",
    "linear",
    "linearize",
    "numerical_gradient",
    "numerical_jacobian",
    "over",
    "primitive",
    "record",
    "refuse",
    "stop_gradient",
    "symbolic_gradient",
    "value_and_grad",
    "vjp",
]
