"""The custom rules of a project: found in its test run and in its modules, and checked.

Which rules one function calls, at arguments given, is for ``checks.called_rules``.

``watch`` notes the calls of custom rules with the arguments that they meet, through tracers; ``closures`` has what a
rule closes over. ``arguments`` makes of these what a check takes; ``settling`` has what differences of the body say of
a rule, also of PyTorch's (``tensors``); ``verdicts`` checks each rule by JAX's derivative of its own body or by these.
``session`` does so in a run of pytest; ``listing`` finds the rules of a package, and which no test has called.
Nothing of this imports JAX or PyTorch before there is a rule of theirs.
"""
