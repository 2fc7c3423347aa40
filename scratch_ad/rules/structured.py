"""Functions of structured arrays, which have no derivative; loaded once ``numpy.lib.recfunctions`` is in use."""

from numpy.lib import recfunctions

from ..rule import refuse

_functions = [getattr(recfunctions, name) for name in recfunctions.__all__]
refuse("it works on structured arrays", *(f for f in _functions if hasattr(f, "_implementation")), error=TypeError)
