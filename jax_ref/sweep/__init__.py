"""The sweep: an engine over the whole catalogue, by processes and machines, resumable.

Read ``runs`` first (one function in one dtype, beside JAX), then ``sweep``: the records of one, and of all.
``processes`` hands units to processes, which engines may break. ``devices`` says where and with what JAX computes.
"""
