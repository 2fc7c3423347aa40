"""Engines: what an engine under test must offer, and those that stand ready.

An engine gives ``jvp``, ``vjp`` or both, in JAX's form: ``protocol`` says what else there is to say of one. ``ready``
has ours in several ways, JAX itself and differences, and finds engines by name; ``peers`` makes engines of other
packages, and ``tensors`` one of PyTorch's own autograd, for functions that call rules written for it. Read them in this
order. ``guard`` keeps what an engine raises from doing harm, ``surroundings`` what it replaces of others' code.
"""
