"""Numerical derivatives: perturb one element of the parameters at a time and evaluate the function again.

Three quotients, for one element x of the parameters (Press et al., Numerical Recipes, 3rd edition, section 5.7;
complex: Squire and Trapp, SIAM Review 40, 1998, pages 110-112):

    forward   (f(x + h) − f(x)) / h           n + 1 evaluations   error h·f''/2  + ε·f/h     h = ε^(1/2)
    central   (f(x + h) − f(x − h)) / 2h      2n evaluations      error h²·f'''/6 + ε·f/h    h = ε^(1/3)
    complex   Im f(x + ih) / h                n evaluations       error h²·f'''/6            h = tiny^(1/2)

ε is the relative precision of the parameters' dtype and tiny its smallest normal number. The default steps minimise
the sum of the two errors where f, f'' and f''' are of like size, and are h·max(1, |x|) for a real step. The complex
scheme subtracts nothing, so its step need only be small enough for its square to vanish.
"""

import warnings

import numpy as np

from .refusals import check_callable

_default_steps = {
    "forward": lambda limits: limits.eps ** (1 / 2),
    "central": lambda limits: limits.eps ** (1 / 3),
    "complex": lambda limits: limits.tiny ** (1 / 2),
}


def numerical_gradient(parameters, function, h=None, scheme="forward"):
    """The gradient of the scalar ``function`` at ``parameters``, an array of any shape, by differences.

    ``h`` is the step, by default one fit for the dtype and the scheme (see the head of this module). ``scheme`` is
    "forward", "central" or "complex". The result has the shape and dtype of ``parameters``, which are not changed.
    Raises what ``numerical_jacobian`` raises, and TypeError for an output that is not a real scalar.
    """
    check_callable("numerical_gradient", function, "function")
    jacobian = numerical_jacobian(parameters, function, h, scheme)
    shape, output_shape = np.shape(parameters), jacobian.shape[: jacobian.ndim - np.ndim(parameters)]
    if output_shape != ():
        raise TypeError(f"Gradient only defined for scalar-output functions. Output had shape: {output_shape}.")
    if jacobian.dtype.kind == "c":
        raise TypeError(
            f"numerical_gradient requires real-valued outputs (output dtype that is a sub-dtype of np.floating), "
            f"but got {jacobian.dtype}. For complex outputs, use numerical_jacobian."
        )
    return jacobian.astype(np.asarray(parameters).dtype).reshape(shape)[()]


def numerical_jacobian(parameters, function, h=None, scheme="forward"):
    """The derivative of each element of ``function(parameters)`` by each element of ``parameters``, by differences.

    ``h`` is the step, a number or an array like ``parameters``, by default one fit for the dtype and the scheme (see
    the head of this module); a quotient divides by the step that rounding left of it. The result has the shape
    ``output.shape + parameters.shape``. ``function`` gets a new array for each evaluation. The complex scheme needs an
    analytic function written in operations that take complex numbers; ``np.conj``, ``np.abs`` or ``np.real`` inside
    one are noticed only where the imaginary part is gone from the output.
    Raises TypeError for parameters that are not real floating-point numbers and for a function that is seen to be
    unfit for the complex scheme, ValueError for an unknown scheme and for a step that is lost in rounding.
    """
    check_callable("numerical_jacobian", function, "function")
    if scheme not in _default_steps:
        raise ValueError(f"scheme must be one of {', '.join(map(repr, _default_steps))}, but got {scheme!r}.")
    x = np.array(parameters)
    if x.dtype.kind != "f":
        raise TypeError(
            f"numerical differentiation ({scheme} scheme) requires real-valued inputs (input dtype that is a sub-dtype "
            f"of np.floating), but got {x.dtype}. Convert integers with .astype(float); split complex parameters into "
            "their real and imaginary parts."
        )
    if h is None:
        h = _default_steps[scheme](np.finfo(x.dtype)) * (1 if scheme == "complex" else np.maximum(1, np.abs(x)))
    h = np.broadcast_to(np.asarray(h, x.dtype), x.shape)
    plus, minus = x + h, x - h
    if np.any(h == 0 if scheme == "complex" else (plus == x) | (minus == x)):
        raise ValueError(f"the step h = {h.min()} is lost in rounding beside some parameter; use a larger one.")
    value = function(x.copy()[()]) if scheme == "forward" else None

    columns = []
    for i in np.ndindex(x.shape):
        here = np.zeros(x.shape, bool)
        here[i] = True
        if scheme == "forward":
            column = np.subtract(function(np.where(here, plus, x)[()]), value) / (plus[i] - x[i])
        elif scheme == "central":
            above, below = function(np.where(here, plus, x)[()]), function(np.where(here, minus, x)[()])
            column = np.subtract(above, below) / (plus[i] - minus[i])
        else:
            column = _imaginary_part(function, np.where(here, x + 1j * h, x)[()]) / h[i]
        columns.append(column)
    if not columns:
        return np.zeros(np.shape(function(x) if value is None else value) + x.shape, x.dtype)
    jacobian = np.stack(columns, axis=-1)
    return jacobian.reshape(jacobian.shape[:-1] + x.shape)


def _imaginary_part(function, z):
    """The imaginary part of ``function(z)``; TypeError where the function cannot be analytic."""
    unfit = "the complex scheme needs a real analytic function that takes complex numbers, but the function "
    remedy = "; use the central scheme."
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            y = np.asarray(function(z))
        except (TypeError, np.exceptions.ComplexWarning) as error:
            raise TypeError(f"{unfit}failed on {z.dtype} ({error}){remedy}") from error
    if y.dtype.kind != "c":
        raise TypeError(f"{unfit}returned {y.dtype} for {z.dtype}, so the imaginary part was dropped{remedy}")
    return y.imag
