"""``compile(f)``: a function recorded once for each kind of arguments, and replayed as generated Python source."""

from .compiled import compile

__all__ = ["compile"]
