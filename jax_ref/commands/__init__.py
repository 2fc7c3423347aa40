"""The command ``scratch-ad`` and what only it runs.

Read ``options`` (what can be asked) and ``cli`` (how it is answered). ``faults`` checks the checks, ``atlas`` lists
where JAX is wrong, ``domain`` where our rules are, ``coverage`` what has a rule, ``compare_methods`` sets the ways to
differentiate beside each other, ``trace`` reads a function and its arguments,
``fuzz`` looks for errors by random programs. ``__main__`` runs it as a module.
"""
