"""JAX as the reference for plain NumPy functions: JAX's transformations with JAX's signatures, on NumPy arrays.

``jax_ref.grad(f)(x)`` stands beside ``scratch_ad.grad(f)(x)``: the same ``f``, written in NumPy calls. The first use
of any of these imports JAX and enables 64-bit numbers in it (``jax_enable_x64``), without which JAX computes in
float32.

The rest checks derivatives, in rooms that each say what they are for; a room imports those before it alone: ``meshes``
(arrays on many devices), ``lift`` (a plain NumPy function under JAX), ``cases`` (the catalogue), ``engines`` (whose
derivatives), ``measure`` (an engine beside JAX), ``referee`` (who is right), ``tracing`` (one evaluation, step by
step), ``report`` (how it is told), ``sweep`` (an engine over the catalogue), ``checks`` (what users call), ``fuzz``
(random programs), ``rules`` (the custom rules that a test run calls), ``lesson`` (the lesson, and exercises that grade
themselves), ``commands`` (the command ``scratch-ad``), and ``pytest_plugin``.

What was decided where the design left it open:

- **Differences have one table and one measure of noise** (``jax_ref/measure/extrapolation.py``), whoever asks: the
  witness of plain runs, ``reference_by="differences"`` and ``--ad-rules``. Only ``scratch_ad.numerical`` and the
  engine ``numerical`` take one quotient without a bound, as they are what is compared; the referee's have 120 digits.
- **A custom rule is right if it is the derivative of its own body** with other rules in force there, or with these
  replaced by their bodies: so a wrong rule is blamed alone, and a rule around one that is another derivative on
  purpose is not.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checks.check import check, check_custom, check_engine, check_grads, check_jvp, check_vjp
    from .engines.ready import Engine
    from .lift import JaxArray, grad, hessian, jacfwd, jacrev, jit, jvp, linearize, value_and_grad, vjp
    from .measure.nans import first_nan
    from .tracing import first_difference, trace

__all__ = [
    "Engine",
    "JaxArray",
    "check",
    "check_custom",
    "check_engine",
    "check_grads",
    "check_jvp",
    "check_vjp",
    "first_difference",
    "first_nan",
    "grad",
    "hessian",
    "jacfwd",
    "jacrev",
    "jit",
    "jvp",
    "linearize",
    "trace",
    "value_and_grad",
    "vjp",
]
_HOMES = {
    "Engine": "engines.ready",
    "first_nan": "measure.nans",
    "first_difference": "tracing",
    "trace": "tracing",
}


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "checks.check" if name.startswith("check") else _HOMES.get(name, "lift")
    return getattr(importlib.import_module(f".{home}", __name__), name)


def __dir__():
    return sorted({*globals(), *__all__})
