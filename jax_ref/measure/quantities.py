"""What is compared: the value and the derivatives, one ``Quantity`` each."""

from enum import StrEnum


class Quantity(StrEnum):
    """One of an engine's results; ``str`` of it is its name in records and reports.

    ``mode``: which one is to blame. ``order``: of the derivative, 0 for a value. ``reference``: which of JAX's
    quantities it is compared with; ``added``: which of those at the turned vectors is added to that, if any.
    """

    VALUE = "value", "", 0
    VALUE_OF_JVP = "value of jvp", "fwd", 0, "value"
    VALUE_OF_VJP = "value of vjp", "rev", 0, "value"
    JVP = "jvp", "fwd", 1
    VJP = "vjp", "rev", 1
    JVP_ALONG = "jvp along a combination", "fwd", 1, "jvp"
    VJP_ALONG = "vjp along a combination", "rev", 1, "vjp"
    TWICE = "vjp of twice", "rev", 1, "vjp", "vjp"
    JVP_OF_JVP = "jvp of jvp", "fwd", 2, "jvp of jvp", "jvp"
    JVP_OF_VJP = "jvp of vjp", "fwd over rev", 2, "jvp of vjp", "vjp"
    VJP_OF_JVP = "vjp of jvp", "rev over fwd", 2, "jvp of vjp"
    IN_TANGENTS = "vjp of jvp in the tangents", "rev over fwd", 2, "vjp"
    VJP_OF_VJP = "vjp of vjp", "rev", 2, "jvp of vjp"
    IN_COTANGENT = "vjp of vjp in the cotangent", "rev", 2, "jvp"

    mode: str
    order: int

    def __new__(cls, name, mode, order, reference="", added=""):
        self = str.__new__(cls, name)
        self._value_ = name
        self.mode, self.order, self._reference, self._added = mode, order, reference or name, added
        return self

    @property
    def reference(self):
        return Quantity(self._reference)

    @property
    def added(self):
        return Quantity(self._added) if self._added else None

    @property
    def is_first(self):
        """Whether it is a first derivative itself, of which the others are made."""
        return self in FIRST

    @property
    def is_second(self):
        """Whether it needs a second derivative, beside first ones."""
        return self.reference.order == 2

    @property
    def of_arguments(self):
        """Whether it has the containers of the arguments, as a cotangent does, and not those of the result."""
        return self.order > 0 and self not in (self.JVP, self.JVP_ALONG, self.JVP_OF_JVP, self.IN_COTANGENT)

    @property
    def causes(self):
        """Those that explain it where they are wrong as well."""
        return () if self.order == 0 or self.is_first else (self.reference,) if self.order == 1 else FIRST


VALUES = Quantity.VALUE, Quantity.VALUE_OF_JVP, Quantity.VALUE_OF_VJP
FIRST = Quantity.JVP, Quantity.VJP
ALONG = Quantity.JVP_ALONG, Quantity.VJP_ALONG


def quantity(name):
    """The quantity of this name; None for what else may be wrong, such as "adjoint identity" or "timeout"."""
    return next((q for q in Quantity if q == name), None)
