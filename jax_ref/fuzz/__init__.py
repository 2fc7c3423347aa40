"""Random programs, by which errors are looked for that no list of functions shows.

Read ``statements`` (what a line of a program may be), ``programs`` (how a program is drawn, line by line beside its
plain run, and made smaller), ``screen`` (what is wrong with an engine's derivatives of it), ``hunt`` (many of them, in
processes of their own, gone on with when broken off) and ``files`` (a finding as a file of its own that runs).
"""
