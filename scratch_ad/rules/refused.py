"""Functions without a derivative, each with the reason and what to use instead."""

import numpy as np

from ..rule import refuse

refuse(
    "it writes a file; do that outside of the differentiated function",
    *(np.save, np.savetxt, np.savez, np.savez_compressed),
    error=TypeError,
)
refuse("it works on dates", np.busday_count, np.busday_offset, np.datetime_as_string, np.is_busday, error=TypeError)
refuse("it works on bits", np.packbits, np.unpackbits, error=TypeError)
