"""Measuring: an engine's derivatives beside JAX's at the same point, and how far they may be apart.

Read ``tolerances`` first (when two results differ), then ``derivatives`` (what is compared and against what). ``hints``
names the kind of mistake, ``rounding`` says how exact JAX's program is, ``executables`` keeps compiled programs.
"""
