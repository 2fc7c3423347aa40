"""The notebook "Intro to Automatic Differentiation": its functions under its names, every blank filled."""

from .data import get_mock_training_set
from .methods import (
    derivatives,
    error_estimate,
    forward_automatic_differentiation,
    forward_gradient,
    gradient_descent,
    numerical_gradient,
    reverse_automatic_differentiation,
    reverse_gradient,
    symbolic_gradient,
)
from .model import cost, logistic, model, random_parameters, repeated_layers, threshold
from .pictures import animate_calculation, graphical_representation_of_calculation, plot_training_set

__all__ = [
    "animate_calculation",
    "cost",
    "derivatives",
    "error_estimate",
    "forward_automatic_differentiation",
    "forward_gradient",
    "get_mock_training_set",
    "gradient_descent",
    "graphical_representation_of_calculation",
    "logistic",
    "model",
    "numerical_gradient",
    "plot_training_set",
    "random_parameters",
    "repeated_layers",
    "reverse_automatic_differentiation",
    "reverse_gradient",
    "symbolic_gradient",
    "threshold",
]
