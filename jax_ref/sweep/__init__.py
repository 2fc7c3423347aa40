"""The sweep: an engine over the whole catalogue, by processes and machines, resumable.

Read ``sweep`` from the top: a unit of work, its records, all of them. ``devices`` says where and with what JAX
computes.
"""
