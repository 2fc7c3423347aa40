"""Measuring: an engine's derivatives beside JAX's at the same point, and how far they may be apart.

Read ``quantities`` first (what is compared), then ``tolerances`` (when two results differ), ``values`` (the plain run,
the first witness), ``repeats`` (what needs no reference) and ``derivatives`` (how all others are had). ``hints`` names
the kind of mistake, ``rounding`` says how exact JAX's program is, ``executables`` keeps compiled programs, and
``slopes`` has what plain runs alone say of a derivative.
"""
