"""``scipy.spatial``: its distances."""

from . import distance  # noqa: F401
