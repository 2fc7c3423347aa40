"""Functions without a derivative, each with the reason and what to use instead."""

import numpy as np

from ..rule import refuse


def _public(module):
    """The functions of a module of NumPy that tracers are asked about."""
    functions = (getattr(module, name) for name in module.__all__)
    return [f for f in functions if hasattr(f, "_implementation")]


refuse(
    "it writes a file; do that outside of the differentiated function",
    *(np.save, np.savetxt, np.savez, np.savez_compressed),
    error=TypeError,
)
refuse("it works on dates", np.busday_count, np.busday_offset, np.datetime_as_string, np.is_busday, error=TypeError)
refuse("it works on bits", np.packbits, np.unpackbits, error=TypeError)
