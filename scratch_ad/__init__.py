"""Automatic differentiation of plain NumPy functions, unchanged: forward and reverse mode, to any order."""

from . import rules as _rules  # noqa: F401  (registers the rules)
from .custom import custom_jvp, custom_vjp
from .forward import jvp
from .program import record
from .reverse import vjp
from .rule import composite, constant, elementwise, explicit, linear, over, refuse
from .tracer import primitive
from .transforms import grad, hessian, hvp, jacfwd, jacrev, linearize, stop_gradient, value_and_grad
from .tree import float0
