"""What is known of the arguments of a call, as a check takes it: numbers, what stays fixed, and what is drawn."""

import zlib

import jax
import jax.numpy as jnp
import numpy as np

from ..lift import JaxArray
from .watch import Unknown


class Fixed:
    """An argument that is no variable, whatever it is."""

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return getattr(self.value, "__qualname__", None) or repr(self.value)


def leaf(x, fixed, seed):
    """A leaf of a call as ``check_custom`` takes it: an array, a whole number or text, or else ``Fixed``."""
    if isinstance(x, Unknown):
        x = _random(x, seed)
    if isinstance(x, (float, complex)) and not (fixed or isinstance(x, np.generic)):
        x = np.asarray(x, jax.dtypes.canonicalize_dtype(type(x)))[()]
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufcV":
        x = np.asarray(x, jax.dtypes.canonicalize_dtype(x.dtype))[()]
        if x.dtype.kind == "V" or x.dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
            x = x.astype(np.float32)  # in which derivatives can be compared
        return Fixed(jnp.asarray(x)) if fixed else x
    return x if isinstance(x, (bool, int, str)) and not fixed else Fixed(x)


def _random(x, seed):
    rng = np.random.default_rng(seed)
    if jnp.issubdtype(x.dtype, jax.dtypes.extended):
        return jax.random.split(jax.random.key(0), x.shape) if x.shape else jax.random.key(0)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return np.asarray(rng.normal(size=x.shape) + 1j * rng.normal(size=x.shape)).astype(x.dtype)
    if jnp.issubdtype(x.dtype, jnp.floating):
        return np.asarray(rng.normal(size=x.shape)).astype(x.dtype)
    return np.zeros(x.shape, x.dtype)  # as an index, inside of any array


def leaves_of(call):
    pairs = zip(call.leaves, call.fixed, strict=True)
    return [leaf(x, fixed, zlib.crc32(b"%d" % k)) for k, (x, fixed) in enumerate(pairs)]


def given(x):
    """What the function itself is given of a leaf."""
    x = x.value if isinstance(x, (Fixed, JaxArray)) else x
    with jax.ensure_compile_time_eval():  # no tracer of what is known
        return jnp.asarray(x) if isinstance(x, (np.ndarray, np.generic)) else x
