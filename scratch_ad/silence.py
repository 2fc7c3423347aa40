"""Floating-point errors that NumPy is not to warn of, at a tenth of what entering np.errstate costs."""

import contextvars

import numpy as np


def _variable():
    """Where NumPy keeps what np.errstate sets."""
    before = contextvars.copy_context()
    with np.errstate(all="ignore"):
        inside = contextvars.copy_context()
    return next(var for var, value in inside.items() if before.get(var) is not value)


STATE = _variable()


def state_of(errors):
    """What ``STATE`` is set to under np.errstate of these kinds of error, as keywords of that."""
    with np.errstate(**dict(errors)):
        return STATE.get()


SILENT = state_of({"all": "ignore"})


class silently:
    """``np.errstate(all="ignore")``, sooner."""

    __slots__ = ("token",)

    def __enter__(self):
        self.token = STATE.set(SILENT)

    def __exit__(self, *_):
        STATE.reset(self.token)
