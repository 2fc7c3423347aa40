"""Functions without a derivative, each with the reason and what to use instead."""

import numpy as np

from ..rule import refuse

for _function, _remedy in {
    np.copyto: "np.where(where, src, dst)",
    np.fill_diagonal: "np.where(np.eye(*a.shape, dtype=bool), val, a)",
    np.place: "np.where(mask, vals, arr)",
    np.put: "np.where(np.isin(np.arange(a.size).reshape(a.shape), ind), v, a)",
    np.put_along_axis: "np.where of a mask made from the indices",
    np.putmask: "np.where(mask, values, a)",
}.items():
    refuse(f"it changes an array in place; make a new one: {_remedy}", _function, error=TypeError)
refuse(
    "it makes a plain array; use np.stack, np.concatenate or np.broadcast_to to make an array of tracers",
    *(np.arange, np.array, np.asanyarray, np.asarray, np.ascontiguousarray, np.asfortranarray, np.empty, np.eye),
    *(np.frombuffer, np.fromfunction, np.fromiter, np.fromstring, np.full, np.identity, np.ones, np.require, np.tri),
    np.zeros,
    error=TypeError,
)
refuse(
    "it reads or writes a file; do that outside of the differentiated function",
    *(np.fromfile, np.genfromtxt, np.loadtxt, np.save, np.savetxt, np.savez, np.savez_compressed),
    error=TypeError,
)
refuse("it works on dates", np.busday_count, np.busday_offset, np.datetime_as_string, np.is_busday, error=TypeError)
refuse("it works on bits", np.packbits, np.unpackbits, error=TypeError)
