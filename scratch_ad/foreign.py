"""Other packages' arrays and numbers: which they are, and what to write in their place.

A matrix multiplies otherwise than an array, pandas aligns by labels, a masked array leaves elements out: in a rule,
which is written for NumPy's arrays, each would give a wrong number. Where NumPy itself makes a plain array of one, as
``np.dot(x, series)`` does, so do we; everywhere else one is refused by its name. There is a rule for one thing alone,
the product by one of SciPy's sparse arrays.
"""

import functools
import numbers

import numpy as np

OBJECT = np.dtype(object)
PYTHONS = (bool, int, float, complex)
NUMBERS = {*PYTHONS, *np.sctypeDict.values(), type(None), str}  # what is seen at one look to be none of them
PLAIN = {np.ndarray, *NUMBERS}
ARRAYS = {np.ndarray, np.float64}  # what most values are
VALUES = {*ARRAYS, float}  # … and those of numbers that a program was given
OPERANDS = {*VALUES, int}


class Remedies(dict):
    """For each type, what to write in place of an array or a number of it; empty for those that are taken as they are.

    Looked up once for each type, so that the answer costs no more than finding it in a dictionary.
    """

    def __missing__(self, kind):
        self[kind] = remedy = _remedy(kind)
        return remedy


def _remedy(kind):
    package = {base.__module__.partition(".")[0] for base in kind.__mro__}
    if is_sparse(kind):
        return "A.toarray(), or A @ x and x @ A, which take it as it is"
    if issubclass(kind, np.ma.MaskedArray):
        return "m.filled(value), and np.where(mask, …) for what the mask leaves out"
    if issubclass(kind, np.matrix):
        return "np.asarray(m), with @ for the product of matrices"
    if issubclass(kind, np.recarray):
        return 'a field of it as an array, np.asarray(r["name"])'
    if issubclass(kind, np.ndarray):
        return "" if kind is np.ndarray else "np.asarray(a)"
    if package & {"pandas", "xarray"} and hasattr(kind, "__array__"):
        return "d[name].to_numpy() of each variable" if kind.__name__ == "Dataset" else "s.to_numpy()"
    if issubclass(kind, np.generic) or issubclass(kind, PYTHONS) or hasattr(kind, "__array_function__"):
        return ""
    if issubclass(kind, np.poly1d):  # NumPy's own, which holds coefficients, traced or not
        return ""
    if issubclass(kind, numbers.Number):
        return "float(…) of it"
    return "np.asarray(a)" if hasattr(kind, "__array__") or hasattr(kind, "__array_interface__") else ""


@functools.cache
def is_sparse(kind):
    """Whether a type is one of SciPy's sparse arrays or matrices, without an import of SciPy."""
    return any(base.__module__.startswith("scipy.sparse") for base in kind.__mro__) and hasattr(kind, "tocoo")


class SparseFactor:
    """One of SciPy's sparse arrays as the left factor of products, a constant that nobody else has."""

    def __init__(self, array):
        self.array = array

    ndim = property(lambda self: self.array.ndim)
    T = property(lambda self: SparseFactor(self.array.T))

    def __matmul__(self, x):
        return self.array @ x

    def toarray(self):
        return self.array.toarray()


def multiplies_as_matrices(kind):
    """Whether ``*`` is the product of matrices: of SciPy's sparse matrices, unlike of its sparse arrays."""
    return is_sparse(kind) and any(base.__name__ == "spmatrix" for base in kind.__mro__)


remedy_of = Remedies()


def found(x):
    """The first of another package's arrays or numbers in ``x``, lists and tuples included; None without any."""
    if issubclass(type(x), (list, tuple)):
        return next((a for a in map(found, x) if a is not None), None)
    return x if remedy_of[type(x)] or is_of_objects(x) else None


def is_of_objects(x):
    return type(x) is np.ndarray and x.dtype is OBJECT


def plainly(x):
    """``x`` with NumPy's own arrays in place of others', in lists and tuples too."""
    if isinstance(x, (list, tuple)) and found(x) is not None:
        return type(x)(*map(plainly, x)) if hasattr(x, "_fields") else type(x)(map(plainly, x))
    return np.asarray(x) if remedy_of[type(x)] and not is_sparse(type(x)) else x


def same(a, b):
    """Whether two results are the same arrays or numbers of NumPy's own, to the last bit."""
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return (
        type(a) is type(b)
        and not remedy_of[type(a)]
        and np.result_type(a) == np.result_type(b)
        and np.result_type(a).kind in "biufc"
        and np.shape(a) == np.shape(b)
        and np.asarray(a).tobytes() == np.asarray(b).tobytes()
    )


def check_result(name, result, mode, remedy):
    """Raise for a result of a class of its own, as SciPy's solvers and tests give: only arrays and tuples are held."""
    is_tuple = isinstance(result, (tuple, list)) and not getattr(result, "__dict__", None)
    if not (is_tuple or type(result) in PLAIN or hasattr(result, "dtype")):
        kind = type(result).__name__
        raise NotImplementedError(f"{name} gives an object of class {kind}, which {mode} cannot hold: {remedy}.")


def refused(x, where):
    """The error for one of another package's arrays or numbers; ``where`` says what was done with it."""
    kind = type(x)
    if is_of_objects(x):
        return TypeError(
            f"{where} an array of dtype object, in which derivatives would be lost: make it one of numbers by "
            ".astype(float), or of tracers by np.stack."
        )
    name = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    return TypeError(f"{where} {name}, whose own arithmetic has no derivative here: use {remedy_of[kind]}.")


def instead_of_array(frame):
    """What a tracer gives whoever asks for a plain array, from ``frame`` up: nothing, unless another package's asks.

    SciPy's product by a sparse array takes an object that NumPy makes no array of for one that knows by its
    ``__rmatmul__`` what ``A @ x`` is. Everything else that such arrays do raises TypeError. What makes one of a tracer
    is no operand: it is refused by the name that the user called (refusals.py).
    """
    while (module := frame.f_globals.get("__name__", "")).startswith("scratch_ad.") and frame.f_back:
        frame = frame.f_back
    if module.startswith("scipy.sparse.") and frame.f_code.co_name == "_matmul_dispatch":
        return np.array(None, dtype=object)
    while frame and module.startswith(_ASKING) and not module.startswith("scipy.sparse.linalg"):
        for name, x in frame.f_locals.items():
            is_made = name == "self" and frame.f_code.co_name == "__init__" and is_sparse(type(x))
            if remedy_of[type(x)] and not is_made:
                raise refused(x, "A tracer was an operand or argument of")
        frame = frame.f_back
        module = frame.f_globals.get("__name__", "") if frame else ""
    return None


_ASKING = ("numpy.ma", "numpy.matrixlib", "pandas.", "scipy.sparse.", "xarray.")
