"""Integrals of samples: rules linear in the values, written in NumPy calls, with SciPy's own numbers.

Simpson's rule on unequal spaces, and its last interval of an even number of samples, are those of SciPy's documentation
(Cartwright 2017, equation 8; Shklov 1960).
"""

import numpy as np
import scipy.integrate as _scipy

from ..wrapping import public


def _along_last(y, x, dx, axis, of_result=False):
    """The samples along the last axis, and the spaces between them, one fewer.

    An array ``dx`` broadcasts as y less one sample does, or, ``of_result``, as what is left without the axis.
    """
    shape = list(y.shape)
    shape[axis] -= 1
    last = np.moveaxis(y, axis, -1)
    if x is not None:
        x = np.broadcast_to(x, last.shape) if np.ndim(x) == 1 else np.moveaxis(np.broadcast_to(x, y.shape), axis, -1)
        return last, np.diff(x, axis=-1)
    if of_result:
        spaces = np.expand_dims(dx, -1) if np.ndim(dx) else dx
        return last, np.broadcast_to(spaces, (*last.shape[:-1], shape[axis]))
    return last, np.moveaxis(np.broadcast_to(dx, shape), axis, -1)


def _trapezia(y, x, dx, axis):
    y, h = _along_last(y, x, dx, axis)
    return h * (y[..., 1:] + y[..., :-1]) / 2


def _trapezoid(y, x=None, dx=1.0, axis=-1):
    return np.sum(_trapezia(y, x, dx, axis), axis=-1)


def _cumulative_trapezoid(y, x=None, dx=1.0, axis=-1, initial=None):
    return _accumulated(_trapezia(y, x, dx, axis), initial, axis)


def _accumulated(parts, initial, axis):
    y = np.cumsum(parts, axis=-1)
    if initial is not None:
        initial = np.moveaxis(initial, axis, -1) if np.ndim(initial) else initial
        first = np.broadcast_to(initial, (*y.shape[:-1], 1))
        y = np.concatenate([first, y + first], axis=-1)
    return np.moveaxis(y, -1, axis)


def _quotient(a, b):
    """a / b, and 0 where b is."""
    return np.where(np.equal(b, 0), 0, a / np.where(np.equal(b, 0), 1, b))


def _simpson(y, x=None, dx=1.0, axis=-1):
    y, h = _along_last(y, x, dx, axis, of_result=True)
    n = y.shape[-1]
    if n == 2:
        return np.sum(h * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)
    odd = n - 1 + n % 2
    left, right = h[..., : odd - 1 : 2], h[..., 1 : odd - 1 : 2]
    both = left + right
    parts = (2 - _quotient(right, left)) * y[..., : odd - 2 : 2]
    parts = parts + _quotient(both * both, left * right) * y[..., 1 : odd - 1 : 2]
    parts = parts + (2 - _quotient(left, right)) * y[..., 2:odd:2]
    whole = np.sum(both / 6 * parts, axis=-1)
    return whole if n % 2 else whole + _last_of_even(y, h[..., -2], h[..., -1])


def _last_of_even(y, h, last):
    """The integral over the last interval, of the parabola through the last three samples."""
    return (
        _quotient(2 * last**2 + 3 * h * last, 6 * (last + h)) * y[..., -1]
        + _quotient(last**2 + 3 * h * last, 6 * h) * y[..., -2]
        - _quotient(last**3, 6 * h * (h + last)) * y[..., -3]
    )


def _cumulative_simpson(y, x=None, dx=1.0, axis=-1, initial=None):
    if y.shape[axis] < 3:
        return _cumulative_trapezoid(y, x, dx, axis, initial)
    y, h = _along_last(y, x, dx, axis)
    forth = _firsts(y, h)
    back = np.flip(_firsts(np.flip(y, -1), np.flip(h, -1)), -1)
    of_even = np.concatenate([forth, back[..., -1:]], axis=-1)
    of_odd = np.concatenate([back[..., :1], back], axis=-1)
    return _accumulated(np.where(np.arange(h.shape[-1]) % 2, of_odd, of_even), initial, axis)


def _firsts(y, h):
    """The integral over the first interval of the parabola through each three samples."""
    first, second = h[..., :-1], h[..., 1:]
    whole = first + second
    last = first / whole * (first / second)
    sums = (3 - first / whole) * y[..., :-2] + (3 + last + first / whole) * y[..., 1:-1] - last * y[..., 2:]
    return first / 6 * sums


def _romb(y, dx=1.0, axis=-1, show=False):
    weights = _scipy.romb(np.eye(y.shape[axis]), axis=0)
    return np.sum(np.moveaxis(y, axis, -1) * weights, axis=-1) * dx


trapezoid = public(_scipy.trapezoid, _trapezoid, of_doubles=True)
cumulative_trapezoid = public(_scipy.cumulative_trapezoid, _cumulative_trapezoid, of_doubles=True)
simpson = public(_scipy.simpson, _simpson, of_doubles=True)
cumulative_simpson = public(_scipy.cumulative_simpson, _cumulative_simpson, of_doubles=True)
romb = public(_scipy.romb, _romb, of_doubles=True)
