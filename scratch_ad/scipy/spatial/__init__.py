"""``scipy.spatial``: its distances; trees and hulls are SciPy's, for plain points."""

import scipy.spatial as _scipy

from ..wrapping import others_of
from . import distance  # noqa: F401

__all__ = [*_scipy.__all__]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__ = others_of(_scipy, "no rule so far; use distance.cdist, distance.minkowski or NumPy functions")
