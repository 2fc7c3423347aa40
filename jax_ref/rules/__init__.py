"""The custom rules of a project: found in its test run and in its modules, and checked.

Which rules one function calls, at arguments given, is for ``checks.called_rules``.

``watch`` notes the calls of custom rules with the arguments that they meet, through tracers; ``closures`` has what a
rule closes over; ``verdicts`` checks each rule at these arguments against the derivative of its own body, by JAX or by
differences with a bound; ``session`` does so in a run of pytest; ``listing`` finds the rules of a package,
and which no test has called. Nothing of this imports JAX or PyTorch before there is a rule of theirs.
"""
