"""The checks that users call, and the smallest case that is still wrong.

``check`` has ``check``, ``check_vjp`` and their kin, which ``jax_ref`` offers. Each asks a ``question``, of the
``parts`` of what the function is given that can be differentiated, also at ``variants`` of it; ``called_rules``
finds the custom rules that one function calls (those that a whole test run calls are for the room ``rules``),
``shrink`` makes what failed smaller, and ``lines`` writes the line that runs it again. ``domain`` looks at the rules of
functions of numbers over their whole domain, and ``peer_lines`` runs again what was found wrong in the peers.
"""
