"""NumPy's functions on numbers of a hundred digits, by mpmath. One file per family of functions.

A ``Precise`` (``tracer``) has level 0, so it lies below every tracer of ``scratch_ad``, as a ``JaxArray`` does. Of our
rules it uses only the bodies of composite ones, which are the function itself. mpmath has no signed zero, so -0.0 is 0
here. ``cholesky``, ``eigh`` and ``eigvalsh`` are functions of the Hermitian part where their argument is Hermitian, as
with JAX, and elsewhere of the triangle that NumPy reads.
"""

from . import arrays, distributions, elementwise, fft, linalg, polynomials, reductions, selection, special  # noqa: F401
from .tracer import UFUNCS, Precise, Undecided, array_of, object_of, precise

__all__ = ["UFUNCS", "Precise", "Undecided", "array_of", "object_of", "precise"]
