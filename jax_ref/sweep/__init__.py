"""The sweep: an engine over the whole catalogue, by processes and machines, resumable.

Read ``sweep`` from the top: a unit of work, its records, all of them. ``processes`` hands units to processes, which
engines may break. ``devices`` says where and with what JAX computes.
"""
