"""The checks that users call, and the smallest case that is still wrong.

``check`` has ``check``, ``check_vjp`` and their kin, which ``jax_ref`` offers; ``shrink`` makes what failed smaller.
"""
