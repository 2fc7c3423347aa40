"""Gradient descent, and the four ways to the gradient.

A gradient calculator is a function ``(parameters, function)`` that gives the gradient of the scalar ``function`` at the
array ``parameters``. JAX's fits in the same place: ``lambda parameters, function: jax_ref.grad(function)(parameters)``.
"""

from collections.abc import Mapping

import numpy as np

from ..modes import jvp
from ..numerical import numerical_gradient
from ..registry import rule_of
from ..rule import Elementwise
from ..symbolic import symbolic_gradient  # noqa: F401  (as numerical_gradient, one of the four)
from ..tracer import name_of
from ..transforms import grad, jacfwd


def forward_gradient(parameters, function):
    """The gradient by forward mode: one pass per parameter, each with the tangent 1 at that parameter."""
    return jacfwd(function)(parameters)


def reverse_gradient(parameters, function):
    """The gradient by reverse mode: one pass forward, one backward, however many parameters there are."""
    return grad(function)(parameters)


def gradient_descent(parameters, function, gradient_calculator, steps, rate=0.0001, log=None, axes=None):
    """``steps`` steps against the gradient, each ``rate`` times it; returns the last parameters.

    The values of ``function`` before the first step and after each (steps + 1 numbers) are appended to the list
    ``log``, and plotted into the Matplotlib ``axes``, where these are given.
    """
    log = [] if log is None else log
    start = len(log)
    log.append(function(parameters))
    for _ in range(steps):
        parameters = parameters - rate * gradient_calculator(parameters, function)
        log.append(function(parameters))
    if axes is not None:
        axes.plot(log[start:])
        axes.set_xlabel("step")
        axes.set_ylabel("function value")
    return parameters


def error_estimate(f, exact_grad_f, p0, h, scheme="forward"):
    """How far the numerical derivative of ``f`` at ``p0`` with step ``h`` lies from the exact one."""
    return np.abs(exact_grad_f(p0) - numerical_gradient(p0, f, h, scheme))


class _Derivatives(Mapping):
    """The derivative of each elementwise function of one argument, by the project's rule for it; a read-only view."""

    def __getitem__(self, function):
        if function not in self:
            raise KeyError(f"{name_of(function)} has no rule as an elementwise function of one argument")

        def derivative(x):
            x = 1.0 * x  # integers become real, and Python numbers stay as they are
            return jvp(function, (x,), (np.ones_like(x)[()],))[1]

        return derivative

    def __contains__(self, function):
        rule = rule_of.get(function)
        return isinstance(rule, Elementwise) and len(rule.partials) == 1

    def __iter__(self):
        return filter(self.__contains__, rule_of)

    def __len__(self):
        return sum(1 for _ in self)


derivatives = _Derivatives()


def forward_automatic_differentiation(expression, input_value):
    """The value and the derivative of a composition, each step's derivative found beside its value.

    ``expression`` lists the functions as they are written, the outermost first: ``[np.exp, np.tanh]`` is exp(tanh(x)).
    Raises KeyError for a function that is not in ``derivatives``.
    """
    current_value = input_value
    current_derivative = 1.0
    for function in expression[::-1]:
        new_value = function(current_value)
        new_derivative = derivatives[function](current_value) * current_derivative
        current_value, current_derivative = new_value, new_derivative
    return current_value, current_derivative


def reverse_automatic_differentiation(expression, input_value):
    """The same by backpropagation: the values first, kept, then the adjoints from the outermost function inwards."""
    current_value = input_value
    intermediate_values = []
    for function in expression[::-1]:
        intermediate_values.append(current_value)
        current_value = function(current_value)
    current_adjoint = 1.0
    for function, value in zip(expression, intermediate_values[::-1], strict=True):
        current_adjoint = current_adjoint * derivatives[function](value)
    return current_value, current_adjoint
