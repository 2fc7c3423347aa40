"""Step by step beside JAX: ``trace`` and ``first_difference``.

``equations`` evaluates one NumPy call as JAX's equations, ``beside`` puts them beside the steps of
``scratch_ad.trace``, and ``blame`` finds the steps that differ, and who is to blame.
"""

from .beside import first_difference, trace

__all__ = ["first_difference", "trace"]
