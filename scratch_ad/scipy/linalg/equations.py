"""Sylvester, Lyapunov and Riccati equations."""

import numpy as np
import scipy.linalg

from ...rule import explicit, with_value
from ...rules.linalg.matrices import H, hermitian_part
from ...tracer import strip
from ..wrapping import core, public, take_stacks

core_solve_sylvester = explicit(
    core(scipy.linalg.solve_sylvester),
    jvp=(
        lambda t, y, a, b, _q: -core_solve_sylvester(a, b, t @ y),
        lambda t, y, a, b, _q: -core_solve_sylvester(a, b, y @ t),
        lambda t, _y, a, b, _q: core_solve_sylvester(a, b, t),
    ),
    vjp=(
        lambda g, y, a, b, _q: -core_solve_sylvester(a.mT, b.mT, g) @ y.mT,
        lambda g, y, a, b, _q: -y.mT @ core_solve_sylvester(a.mT, b.mT, g),
        lambda g, _y, a, b, _q: core_solve_sylvester(a.mT, b.mT, g),
    ),
)


# x = a x aᴴ + q.


def _discrete_a_jvp(t, y, a, _q, method=None):
    return _solve_discrete(a, t @ y @ H(a) + a @ y @ H(t), method)


def _discrete_a_vjp(g, y, a, _q, method=None):
    inner = _solve_discrete(H(a), np.conjugate(g), method)
    return np.conjugate(inner @ a @ H(y) + H(inner) @ a @ y)


_solve_discrete = explicit(
    core(scipy.linalg.solve_discrete_lyapunov),
    jvp=(_discrete_a_jvp, lambda t, _y, a, _q, method=None: _solve_discrete(a, t, method)),
    vjp=(_discrete_a_vjp, lambda g, _y, a, _q, method=None: _solve_discrete(a.mT, g, method)),
)

# Riccati equations. With the gain k and the closed loop f = a − b k, the derivative of x along each argument solves a
# Lyapunov equation of fᴴ whose right side is a change of the equation; m is x, or x f in discrete time.


def _with_adjoint(x):
    return x + H(x)


_CHANGES = (  # along a, b, q and r
    lambda t, m, k: _with_adjoint(H(m) @ t),
    lambda t, m, k: -_with_adjoint(H(m) @ t @ k),
    lambda t, m, k: t,
    lambda t, m, k: H(k) @ t @ k,
)
_SHARES = (
    lambda inner, m, k: m @ _with_adjoint(inner),
    lambda inner, m, k: -m @ _with_adjoint(inner) @ H(k),
    lambda inner, m, k: inner,
    lambda inner, m, k: k @ inner @ H(k),
)


def _continuous(x, a, b, r):
    """m, k, and the solution of the Lyapunov equation of fᴴ and of that of f."""
    k = np.linalg.solve(r, H(b) @ x)
    f = a - b @ k
    return x, k, lambda q: -_lyapunov(H(f), q), lambda q: -_lyapunov(f, q)


def _discrete(x, a, b, r):
    k = np.linalg.solve(r + H(b) @ x @ b, H(b) @ x @ a)
    f = a - b @ k
    return x @ f, k, lambda q: _solve_discrete(H(f), q), lambda q: _solve_discrete(f, q)


def _riccati_core(function, linearized):
    def forward(change):
        def jvp(t, y, a, b, q, r):
            m, k, along, _ = linearized(y, a, b, r)
            return along(change(t, m, k))

        return jvp

    def backward(share):
        def vjp(g, y, a, b, q, r):
            m, k, _, along = linearized(y, a, b, r)
            return np.conjugate(share(along(np.conjugate(g)), m, k))

        return vjp

    return explicit(core(function), jvp=tuple(map(forward, _CHANGES)), vjp=tuple(map(backward, _SHARES)))


def _lyapunov(a, q):
    return core_solve_sylvester(a, H(a), q)


def _solve_sylvester(a, b, q):
    if (*a.shape[-2:], *b.shape[-2:]) != tuple(n for n in q.shape[-2:] for _ in range(2)):
        raise ValueError("q is not of the shape of the solution")
    return core_solve_sylvester(a, b, q)


def _discrete_lyapunov(a, q, method=None):
    if q.shape != a.shape:
        raise ValueError("q is not of the shape of the solution")
    return _solve_discrete(a, q, method)


def _riccati(solve):
    """The equation with the cross term s taken into a and q."""

    def body(a, b, q, r, e=None, s=None, balanced=True):
        if e is not None or not balanced:
            raise NotImplementedError("Riccati equations have no derivative rule for e or balanced=False.")
        if s is not None:
            gain = np.linalg.solve(r, H(s))
            a, q = a - b @ gain, q - s @ gain
            q = with_value(q, hermitian_part(strip(q)))  # which SciPy insists on, be it rounded otherwise
        return solve(a, b, q, r)

    return body


solve_sylvester = public(scipy.linalg.solve_sylvester, _solve_sylvester)
solve_continuous_lyapunov = public(scipy.linalg.solve_continuous_lyapunov, _lyapunov)
solve_lyapunov = solve_continuous_lyapunov
solve_discrete_lyapunov = public(scipy.linalg.solve_discrete_lyapunov, _discrete_lyapunov)
_continuous_are = _riccati_core(scipy.linalg.solve_continuous_are, _continuous)
_discrete_are = _riccati_core(scipy.linalg.solve_discrete_are, _discrete)
solve_continuous_are = public(scipy.linalg.solve_continuous_are, _riccati(_continuous_are))
solve_discrete_are = public(scipy.linalg.solve_discrete_are, _riccati(_discrete_are))

take_stacks(core_solve_sylvester, of=(2, 2, 2))
take_stacks(_solve_discrete, of=(2, 2))
