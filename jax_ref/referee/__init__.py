"""The referee: who is right where an engine and JAX differ, by differences of numbers of 120 digits.

Read ``precise`` first (NumPy's functions on such numbers), then ``estimates`` (derivatives by differences of them, with
error bounds) and ``judge`` (which of the findings of a measurement are JAX's mistakes).
"""
