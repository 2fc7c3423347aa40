"""``scipy.sparse``: matrices with tracers on a fixed pattern.

    from scratch_ad.scipy import sparse
    A = sparse.csr_matrix((data, (rows, columns)), shape=(n, n))       # data may be a tracer
    grad(lambda data: np.sum(sparse.linalg.spsolve(of(data), b) ** 2))(data)

Of plain numbers all is SciPy's. With tracers, csr, csc and coo matrices and arrays given by their data, and diags, make
a ``Patterned`` (``patterns``), which multiplies, is scaled, transposed, solved with (``linalg``) and made dense; what
else is in ``scipy.sparse`` refuses tracers. ``A @ x`` takes SciPy's constants as they are.
"""

import functools

import numpy as np
import scipy.sparse as _scipy

from ...primitives import astype
from ...tracer import gathered, innermost, shape_of
from ..wrapping import refused
from . import linalg  # noqa: F401
from .patterns import Pattern, Patterned, of_compressed, product

NO_RULE = "no rule so far; give csr_array, csc_array or coo_array the data with their places, or use arrays"
_OF_NUMBERS = ("eye", "identity", "rand", "isspmatrix", "load_npz", "get_index_dtype")  # which take no arrays
__all__ = [*_scipy.__all__]  # pyright: ignore[reportUnsupportedDunderAll]


def _under(theirs):
    """A function under SciPy's name, with SciPy's documentation."""

    def named(function):
        function.__name__ = function.__qualname__ = theirs.__name__
        function.__module__, function.__doc__, function.evaluation = "scipy.sparse", theirs.__doc__, product
        return function

    return named


class _OfData(type):
    """What stands for SciPy's class ``theirs``: a call makes one of that, or ours where its data are tracers."""

    def __call__(cls, arg1, shape=None, dtype=None, copy=False, **options):
        theirs = cls.theirs
        if isinstance(arg1, Patterned) or innermost((arg1,)) is None:
            return theirs(arg1, shape, dtype, copy, **options)
        if not isinstance(arg1, tuple) or innermost(arg1[1:]) is not None:
            raise NotImplementedError(
                f"scipy.sparse.{theirs.__name__} of a tracer: which elements are zero depends on its numbers; give "
                f"{theirs.__name__}((data, (rows, columns)), shape)."
            )
        data, places = gathered(arg1[0]), arg1[1:]
        places = [np.array(x) for x in (places[0] if len(places) == 1 else places)]
        data = data if dtype is None else astype(data, np.dtype(dtype))
        of_places = lambda v: (v, tuple(places)) if len(arg1) == 2 else (v, *places)
        plain = theirs(of_places(np.ones(shape_of(data))), shape, **options)  # for its errors
        if len(arg1) == 3:
            return Patterned(data, Pattern(*of_compressed(theirs, *places, plain.shape), plain.shape))
        make = lambda v: theirs(of_places(v), shape=plain.shape, copy=True)
        return Patterned(data, Pattern(make, *places, plain.shape))

    def __instancecheck__(cls, x):
        return isinstance(x, cls.theirs)

    def __subclasscheck__(cls, other):
        return issubclass(other, cls.theirs)

    def __getattr__(cls, name):
        return getattr(cls.theirs, name)


def _of_data(theirs):
    return _under(theirs)(_OfData(theirs.__name__, (), {"theirs": theirs}))


def _of_diagonals(theirs):
    @_under(theirs)
    def made(diagonals, offsets=0, shape=None, format=None, **options):
        if innermost((diagonals,)) is None:
            return theirs(diagonals, offsets=offsets, shape=shape, format=format, **options)
        if np.ndim(offsets) == 0:
            diagonals, offsets = [diagonals] if np.ndim(diagonals[0]) == 0 else diagonals, [offsets]
        rows = [np.atleast_1d(gathered(x)) for x in diagonals]
        plain = theirs([np.ones(x.shape) for x in rows], offsets=offsets, shape=shape)  # for its errors
        lengths = [min(plain.shape[0] + min(k, 0), plain.shape[1] - max(k, 0)) for k in offsets]
        data = np.concatenate([np.broadcast_to(np.ravel(x[..., :n]), n) for x, n in zip(rows, lengths, strict=True)])
        cuts = np.cumsum(lengths)[:-1]
        make = lambda v: theirs(np.split(v, cuts), offsets=offsets, shape=plain.shape, format=format, **options)
        first = [np.arange(n) + max(-k, 0) for n, k in zip(lengths, offsets, strict=True)]
        second = [np.arange(n) + max(k, 0) for n, k in zip(lengths, offsets, strict=True)]
        return Patterned(data, Pattern(make, np.concatenate(first), np.concatenate(second), plain.shape))

    return made


csr_array, csr_matrix, csc_array, csc_matrix, coo_array, coo_matrix = map(
    _of_data,
    (_scipy.csr_array, _scipy.csr_matrix, _scipy.csc_array, _scipy.csc_matrix, _scipy.coo_array, _scipy.coo_matrix),
)
diags, diags_array = map(_of_diagonals, (_scipy.diags, _scipy.diags_array))


def issparse(x):
    """Whether it is one of SciPy's sparse arrays, or one with tracers."""
    return isinstance(x, Patterned) or _scipy.issparse(x)


@functools.cache
def _refusing(name):
    return refused(NO_RULE, getattr(_scipy, name))[0]


def __getattr__(name):
    """What SciPy has by this name; its functions, and the classes of matrices, refuse tracers."""
    if name.startswith("_") or not hasattr(_scipy, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    theirs = getattr(_scipy, name)
    is_open = (isinstance(theirs, type) and not name.endswith(("_array", "_matrix"))) or name.startswith(_OF_NUMBERS)
    return theirs if is_open or not callable(theirs) else _refusing(name)
