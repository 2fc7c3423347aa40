"""Automatic differentiation of plain NumPy functions, unchanged: forward and reverse mode, to any order."""

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
