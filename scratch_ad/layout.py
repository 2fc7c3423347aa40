"""How an array lies in memory, as NumPy's ``order=`` says it: of tracers, as what they wrap does."""

import numpy as np

from .memory import empty_as
from .tracer import bottom, kind_of, primitive, shape_of
from .views import is_view


def shown(a):
    """The array below all tracers, without the axes that they hide (batch.py); None where there is none."""
    plain, ndim = kind_of(a), len(shape_of(a))
    hidden = getattr(plain, "ndim", ndim) - ndim
    if hidden <= 0:
        return plain
    return plain[(0,) * hidden] if all(plain.shape[:hidden]) else np.empty(plain.shape[hidden:], plain.dtype)


def order_in_memory(a, order):
    """The axes of ``a`` from the slowest to the fastest that ``order`` means: C, F, or A or K, as ``a`` itself lies.

    A number or an array of JAX has none but C.
    """
    axes, plain = tuple(range(len(shape_of(a)))), shown(a)
    flags = getattr(plain, "flags", None)
    if order == "F":
        return axes[::-1]
    if order == "C" or flags is None or flags.c_contiguous:
        return axes
    if order == "A" or flags.f_contiguous:
        return axes[::-1] if flags.f_contiguous else axes
    strides = np.empty_like(plain).strides
    return tuple(sorted(axes, key=lambda i: -strides[i]))


def arranged(y, order="C", like=None):
    """``y`` as NumPy's own result lies in memory, copied where it does not; of A and K, ``like`` decides.

    ``order`` may also be the axes from the slowest to the fastest. What ravel and reshape make of ``y`` with order= A
    and K, and whether they give a view, depends on it.
    """
    plain = shown(y)
    if type(plain) is not np.ndarray or plain.dtype == object:
        return np.copy(y) if is_view(y) else y
    axes = order if isinstance(order, tuple) else order_in_memory(plain if like is None else like, order)
    return y if np.transpose(plain, axes).flags.c_contiguous else laid_out(y, axes)


def straight(operands, out):
    """The operands of a call into ``out``, copied where that runs backwards along all axes.

    NumPy then computes as on arrays that run forwards, where into a new array it takes another loop, of which power and
    exp may differ in the last digit; but not beside an operand as large that runs forwards.
    """
    if max(_steps(out), default=1) > 0:
        return operands
    if any(shape_of(x) == shape_of(out) and min(_steps(x), default=0) > 0 for x in operands):
        return operands
    return [np.copy(x) if _steps(x) else x for x in operands]


def _steps(x):
    """The strides of the axes along which there is more than one number."""
    plain = bottom(x)
    return [step for step, n in zip(plain.strides, plain.shape) if n > 1] if type(plain) is np.ndarray else []


@primitive
def laid_out(a, axes):
    """A copy of ``a`` that lies in memory without gaps, ``axes`` from the slowest to the fastest."""
    shape = [a.shape[i] for i in axes]
    copy = np.empty_like(np.empty(shape, a.dtype).transpose(sorted(range(a.ndim), key=axes.__getitem__)))
    copy[...] = a
    return copy


def laid_as(x, numbers):
    """Integers of the shape of ``x``, a plain array or number, in an array that lies in memory as that does."""
    if type(x) is not np.ndarray:
        return np.asarray(numbers)
    places = empty_as(x, np.dtype(int))
    places[...] = numbers
    return places
