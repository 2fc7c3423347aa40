"""JAX as the reference for plain NumPy functions: JAX's transformations with JAX's signatures, on NumPy arrays.

``jax_ref.grad(f)(x)`` stands beside ``scratch_ad.grad(f)(x)``: the same ``f``, written in NumPy calls. The first use
of any of these imports JAX and enables 64-bit numbers in it (``jax_enable_x64``), without which JAX computes in
float32.

The rest checks derivatives, in rooms that each say what they are for; a room imports those before it alone: ``lift``
(a plain NumPy function under JAX), ``cases`` (the catalogue), ``engines`` (whose derivatives), ``measure`` (an engine
beside JAX), ``referee`` (who is right), ``report`` (how it is told), ``sweep`` (an engine over the catalogue),
``checks`` (what users call), ``rules`` (the custom rules that a test run calls), ``commands`` (the command
``scratch-ad``), and ``pytest_plugin``.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checks.check import check, check_custom, check_engine, check_grads, check_jvp, check_vjp
    from .engines.ready import Engine
    from .lift import JaxArray, grad, hessian, jacfwd, jacrev, jit, jvp, linearize, value_and_grad, vjp
    from .measure.nans import first_nan

__all__ = [
    "Engine",
    "JaxArray",
    "check",
    "check_custom",
    "check_engine",
    "check_grads",
    "check_jvp",
    "check_vjp",
    "first_nan",
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
_HOMES = {"Engine": "engines.ready", "first_nan": "measure.nans"}


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "checks.check" if name.startswith("check") else _HOMES.get(name, "lift")
    return getattr(importlib.import_module(f".{home}", __name__), name)


def __dir__():
    return sorted({*globals(), *__all__})
