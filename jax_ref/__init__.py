"""JAX as the reference for plain NumPy functions: JAX's transformations with JAX's signatures, on NumPy arrays.

``jax_ref.grad(f)(x)`` stands beside ``scratch_ad.grad(f)(x)``: the same ``f``, written in NumPy calls. Importing this
package enables 64-bit numbers in JAX (``jax_enable_x64``), without which JAX computes in float32.
"""

import jax

jax.config.update("jax_enable_x64", True)

from .lift import (  # noqa: E402
    JaxArray,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jit,
    jvp,
    linearize,
    value_and_grad,
    vjp,
)

__all__ = [
    "JaxArray",
    "grad",
    "hessian",
    "jacfwd",
    "jacrev",
    "jit",
    "jvp",
    "linearize",
    "value_and_grad",
    "vjp",
]
