"""SciPy's functions that tracers cannot answer by themselves, under SciPy's names and with SciPy's signatures.

    from scratch_ad.scipy import fft, integrate, interpolate, linalg, ndimage, optimize
    from scratch_ad.scipy import signal, sparse, spatial, special, stats

On plain arrays each of them is SciPy's own function: its values, its errors, its documentation; ``logsumexp`` has its
values, to the last bit, in fewer calls. On tracers our rule answers, in both modes and to any order. Arguments by which
SciPy may overwrite its input are accepted there and have no effect. SciPy comes with the extra ``scipy``; importing
``scratch_ad`` alone does not import it.
"""

import importlib
from typing import TYPE_CHECKING

try:
    import scipy  # noqa: F401
except ImportError as error:
    raise ImportError("scratch_ad.scipy needs SciPy: pip install 'scratch-ad[scipy]'.") from error

if TYPE_CHECKING:
    from . import fft, integrate, interpolate, linalg, ndimage, optimize, signal, sparse, spatial, special, stats

__all__ = [
    "fft",
    "integrate",
    "interpolate",
    "linalg",
    "ndimage",
    "optimize",
    "signal",
    "sparse",
    "spatial",
    "special",
    "stats",
]


def __getattr__(name):  # each part of SciPy takes long to import
    if name in __all__:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
