"""SciPy's log of a sum of exponentials, to the last bit, in a fifth of the calls.

SciPy's own goes through the array API of other packages, and takes the exponential twice in case the result is
infinite. Of real arrays with finite maxima what stands here is what remains of it (``scipy/special/_logsumexp.py``,
1.17); whether the SciPy that is installed rounds likewise is asked of it once.
"""

import functools

import numpy as np
import scipy.special as _scipy

from ..chain import is_finite
from ..rules.short_rows import counts, largest
from ..silence import SILENT, STATE


@functools.wraps(_scipy.logsumexp)
def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    if type(a) is np.ndarray and b is None and not return_sign and _is_known(a.dtype):
        y = _of_finite(a, axis, keepdims)
        if y is not None:
            return y
    return _scipy.logsumexp(a, axis, b, keepdims, return_sign)


def _of_finite(a, axis, keepdims):
    """``logsumexp`` of a real array; None of one whose maxima are not finite, or where NumPy is to warn otherwise."""
    if not a.size or not a.ndim or not a.flags.c_contiguous or STATE.get(None) not in (None, SILENT):
        return None
    top = largest(a, axis, None, None, True)
    if not is_finite(top):
        return None
    best = np.equal(a, top)
    terms = np.subtract(np.where(best, -np.inf, a), top)
    rest = np.add.reduce(np.exp(terms, terms), axis, None, None, True)
    if np.count_nonzero(best) > top.size:
        times = counts(best, axis, a.dtype)
        y = np.log1p(rest / times) + np.log(times) + top
    else:
        y = np.log1p(rest) + top
    return y if keepdims else np.squeeze(y, axis)[()]


@functools.cache
def _is_known(dtype):
    """Whether SciPy has the same bits here: of some numbers, as all go one way."""
    if dtype not in (np.float32, np.float64):
        return False
    a = (np.sqrt(np.arange(2.0, 92.0)) * 7 % 11 - 40).astype(dtype).reshape(3, 5, 6)
    a[:, 1], a[0, :, 2] = a[:, 3], a[1, :, 2]  # which makes some maxima stand twice
    for x, axis, keepdims in ((a, None, False), (a, 1, True), (a, -1, False), (a, (0, 2), False), (a[0, 0], 0, False)):
        x = np.ascontiguousarray(x)
        ours, theirs = _of_finite(x, axis, keepdims), _scipy.logsumexp(x, axis, None, keepdims)
        if ours is None or type(ours) is not type(theirs) or ours.dtype != theirs.dtype:
            return False
        if ours.shape != theirs.shape or ours.tobytes() != theirs.tobytes():
            return False
    return True
