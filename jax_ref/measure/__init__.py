"""Measuring: an engine's derivatives beside JAX's at the same point, and how far they may be apart.

Read ``quantities`` (what is compared) and ``vectors`` (where, and along what) first, then ``tolerances`` (when two
results differ), ``values`` (the plain run, the first witness), ``repeats`` (what needs no reference) and
``derivatives`` (how all others are had). All differences rest on ``extrapolation``: ``by_differences`` asks them in
place of JAX, and in ``plain_runs`` they are the witness that needs no derivative. ``hints`` names the kind of mistake,
``rounding`` says how exact JAX's program is and what it computes without custom rules, ``executables`` keeps compiled
programs, ``walk`` runs a program operation by operation, and ``nans`` finds which of them first made a nan.
"""
