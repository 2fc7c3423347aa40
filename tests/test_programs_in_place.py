"""Programs as people write them, with arrays that are filled, updated and worked through by views.

Each is a function of an array ``x``, in the plain idiom of NumPy: value, dtype and shape are bit for bit those of the
run with NumPy itself, the derivatives of both modes and of second order those of central differences.
"""

import types

import numpy
import pytest

import jax_ref
import scratch_ad.numpy as np
from scratch_ad import grad, jvp, record, vjp

PROGRAMS = {}


def program(*shape):
    """Enter a function into the table, with an argument of this shape."""

    def enter(f):
        PROGRAMS[f.__name__] = f, numpy.random.default_rng(len(PROGRAMS)).normal(size=shape)
        return f

    return enter


# Models.


@program(24)
def mixture_of_gaussians(x):
    """The log-likelihood of four points under three Gaussians of triangular inverse roots of covariances."""
    weights, means, triangles = x[:3], x[3:9].reshape(3, 2), np.zeros((3, 2, 2))
    for k, entries in enumerate(x[9:18].reshape(3, 3)):
        triangles[k][np.tril_indices(2)] = entries
        np.fill_diagonal(triangles[k], np.exp(entries[[0, 2]]))
    points = np.array([[0.3, -1.0], [1.2, 0.4], [-0.7, 0.9]])
    points += x[18:].reshape(3, 2)
    logs = np.empty((3, 3))
    for k in range(3):
        z = (points - means[k]) @ triangles[k]
        logs[:, k] = weights[k] + np.log(np.diagonal(triangles[k])).sum() - 0.5 * np.sum(z * z, axis=1)
    top = logs.max(axis=1)
    logs -= top[:, None]
    np.exp(logs, out=logs)
    return np.sum(np.log(logs.sum(axis=1)) + top) - 3 * np.log(np.sum(np.exp(weights)))


@program(20)
def hand_tracking(x):
    """A skeleton posed by its angles, with points of the skin that are weighted over the bones."""
    parents, pose = [-1, 0, 1, 0, 3], np.zeros((8, 3))
    pose[0], pose[1], pose[2] = x[:3], 1.0, x[3:6]
    for i, angle in enumerate(x[6:11]):
        pose[3 + i, 0] = angle
        pose[3 + i, 1] = 0.1 * i

    def rotation(angles):
        about_x, about_y, about_z = np.eye(3), np.eye(3), np.eye(3)
        cos, sin = np.cos(angles), np.sin(angles)
        about_x[1, 1] = about_x[2, 2] = cos[0]
        about_x[2, 1], about_x[1, 2] = sin[0], -sin[0]
        about_y[[0, 2], [0, 2]] = cos[1]
        about_y[0, 2], about_y[2, 0] = sin[1], -sin[1]
        about_z[:2, :2] = np.array([[cos[2], -sin[2]], [sin[2], cos[2]]])
        return about_z @ about_y @ about_x

    absolutes = np.zeros((5, 4, 4))
    for i, parent in enumerate(parents):
        relative = np.eye(4)
        relative[:3, :3] = rotation(pose[3 + i])
        relative[:3, 3] = [0.1 * i, 0.5, -0.05]
        absolutes[i] = relative if parent < 0 else absolutes[parent] @ relative
    skin = np.ones((4, 3))
    skin[:3] = x[11:].reshape(3, 3)
    positions, weights = np.zeros((3, 3)), np.full((5, 3), 0.2)
    for bone, share in zip(absolutes, weights):
        positions += (bone @ skin)[:3] * share
    positions[...] = (rotation(pose[0]) * pose[1]) @ positions
    positions += pose[2, :, None]
    return positions


@program(28)
def recurrent_network(x):
    """Long short-term memory of two cells: the gates in one array, worked on through its parts."""
    U, b, steps = x[:16].reshape(2, 8), x[16:24], x[24:].reshape(2, 2)
    hidden, cell, gates = np.zeros((3, 2)), np.zeros(2), np.empty(8)
    for t in range(2):
        np.dot(hidden[t], U, out=gates)
        gates += b
        gates[:2] += steps[t]
        inlet, forget, outlet, change = np.split(gates, 4)
        gates[:6] = 1 / (1 + np.exp(-gates[:6]))
        np.tanh(change, out=change)
        cell *= forget
        cell += inlet * change
        hidden[t + 1] = outlet * np.tanh(cell)
    return hidden


@program(9)
def kalman_filter(x):
    """Means and log-likelihood, the covariance updated in place."""
    transition, noise = np.eye(2), np.diag(np.exp(x[1:3]))
    transition[0, 1] = x[0]
    mean, P, seen = np.zeros(2), np.eye(2), np.array([[1.0, x[3]]])
    means, loglik = np.empty((5, 2)), np.zeros(1)
    for t, measured in enumerate(x[4:]):
        mean[:] = transition @ mean
        P[...] = transition @ P @ transition.T
        P += noise
        S = (seen @ P @ seen.T)[0, 0] + 0.1
        gain = (P @ seen.T)[:, 0] / S
        residual = measured - (seen @ mean)[0]
        mean += gain * residual
        P -= np.outer(gain, seen @ P)
        P[0, 1] = P[1, 0] = (P[0, 1] + P[1, 0]) / 2
        loglik -= 0.5 * (np.log(S) + residual**2 / S)
        means[t] = mean
    return np.append(means, loglik)


@program(8)
def particle_filter(x):
    """Particles that are moved, weighted and drawn again."""
    rng = numpy.random.default_rng(0)
    particles, weights, estimates = np.zeros(6), np.full(6, 1 / 6), np.zeros(6)
    for t, measured in enumerate(x[2:]):
        particles *= x[0]
        particles += np.exp(x[1]) * rng.normal(size=6)
        weights *= np.exp(-0.5 * (particles - measured) ** 2)
        weights /= weights.sum()
        estimates[t] = weights @ particles
        drawn = rng.integers(6, size=6)
        particles[:], weights[:] = particles[drawn], weights[drawn]
    return estimates


# Differential equations.


@program(3)
def runge_kutta(x):
    """Van der Pol's equation, its trajectory kept."""

    def velocity(y):
        dy = np.empty(2)
        dy[0] = y[1]
        dy[1] = x[2] * (1 - y[0] ** 2) * y[1] - y[0]
        return dy

    h, y, ys = 0.1, x[:2].copy(), np.empty((5, 2))
    ys[0] = y
    for i in range(1, 5):
        k1 = velocity(y)
        k2 = velocity(y + h / 2 * k1)
        k3 = velocity(y + h / 2 * k2)
        k4 = velocity(y + h * k3)
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        ys[i] = y
    return ys


@program(6)
def leapfrog(x):
    """Places and momenta are views of the state."""
    y = x.copy()
    q, p = y[:3], y[3:]
    for _ in range(4):
        p -= 0.05 * q**3
        q += 0.1 * p
        p -= 0.05 * q**3
    return y


@program(4, 4)
def bodies(x):
    """Forces between pairs, gathered by np.add.at."""
    q, v = np.array(x[:, :2]), np.array(x[:, 2:])
    i, j = np.triu_indices(4, 1)
    force = np.zeros((4, 2))
    for _ in range(3):
        force.fill(0.0)
        d = q[j] - q[i]
        pull = d / (np.sum(d * d, axis=1, keepdims=True) + 0.1) ** 1.5
        np.add.at(force, i, pull)
        np.subtract.at(force, j, pull)
        v += 0.1 * force
        q += 0.1 * v
    return np.hstack([q, v])


@program(6)
def wave_in_a_ring_of_buffers(x):
    """The last three states, the oldest of which makes room for the newest."""
    u = np.zeros((3, 6))
    u[0], u[1, 1:-1] = x, x[1:-1]
    for t in range(2, 8):
        old, now, new = u[(t - 2) % 3], u[(t - 1) % 3], u[t % 3]
        new[1:-1] = 2 * now[1:-1] - old[1:-1] + 0.3 * (now[2:] - 2 * now[1:-1] + now[:-2])
        new[[0, -1]] = 0
    return u


@program(4, 4)
def two_buffers_swapped(x):
    """A stencil that reads from one buffer and writes into the other."""
    now, new = x.copy(), np.zeros_like(x)
    for _ in range(3):
        new[1:-1, 1:-1] = np.tanh(now[:-2, 1:-1] + now[2:, 1:-1] + now[1:-1, :-2] + now[1:-1, 2:])
        new[0], new[-1] = new[1], now[-2]
        new[:, 0] = now[:, 1]
        now, new = new, now
    return np.concatenate([now, new])


@program(6)
def heat(x):
    """Explicit steps, a wall that insulates and one that is cold; the history is made like the state."""
    u, history = x.copy(), np.empty((4, 6), like=x)
    for k in range(4):
        u[1:-1] += 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0], u[-1] = u[1], 0.0
        history[k] = u
    return history


# Linear algebra.


@program(4, 4)
def lu_with_pivots(x):
    """Rows are swapped, multipliers kept in the place of zeros."""
    A, b = np.array(x), np.ones(4)
    for k in range(3):
        pivot = k + np.argmax(np.abs(A[k:, k]))
        A[[k, pivot]], b[[k, pivot]] = A[[pivot, k]], b[[pivot, k]]
        A[k + 1 :, k] /= A[k, k]
        A[k + 1 :, k + 1 :] -= np.outer(A[k + 1 :, k], A[k, k + 1 :])
        b[k + 1 :] -= A[k + 1 :, k] * b[k]
    for i in reversed(range(4)):
        b[i] -= A[i, i + 1 :] @ b[i + 1 :]
        b[i] /= A[i, i]
    return b


@program(4, 3)
def cholesky(x):
    A, L = x.T @ x + np.eye(3), np.zeros((3, 3))
    for i in range(3):
        for j in range(i):
            L[i, j] = (A[i, j] - L[i, :j] @ L[j, :j]) / L[j, j]
        L[i, i] = np.sqrt(A[i, i] - np.sum(L[i, :i] ** 2))
    return L


@program(4, 3)
def gram_schmidt(x):
    Q, R = x.copy(), np.zeros((3, 3))
    for j, q in enumerate(Q.T):
        R[j, j] = np.linalg.norm(q)
        q /= R[j, j]
        R[j, j + 1 :] = q @ Q[:, j + 1 :]
        Q[:, j + 1 :] -= np.outer(q, R[j, j + 1 :])
    return np.vstack([Q, R])


@program(4, 3)
def householder(x):
    R, Q = x.copy(), np.eye(4)
    for j in range(3):
        v = R[j:, j].copy()
        v[0] += np.sign(v[0]) * np.linalg.norm(v)
        v /= np.linalg.norm(v)
        R[j:, j:] -= 2 * np.outer(v, v @ R[j:, j:])
        Q[:, j:] -= 2 * np.outer(Q[:, j:] @ v, v)
    return np.concatenate([np.triu(R), Q], axis=1)


@program(3, 3)
def givens(x):
    R = x * 1.0
    for j in range(2):
        for i in range(2, j, -1):
            cos, sin = R[i - 1 : i + 1, j] / np.hypot(R[i - 1, j], R[i, j])
            R[i - 1 : i + 1] = np.array([[cos, sin], [-sin, cos]]) @ R[i - 1 : i + 1]
            R[i, j] = 0
    return R


@program(4, 5)
def tridiagonal_system(x):
    """Thomas's algorithm."""
    below, diagonal, above, d = x * 0.3
    diagonal += 2
    above[0] /= diagonal[0]
    d[0] /= diagonal[0]
    for i in range(1, 5):
        pivot = diagonal[i] - below[i] * above[i - 1]
        above[i] /= pivot
        d[i] = (d[i] - below[i] * d[i - 1]) / pivot
    for i in reversed(range(4)):
        d[i] -= above[i] * d[i + 1]
    return d


@program(4)
def finite_elements(x):
    """A stiffness matrix, gathered element by element."""
    K, load = np.zeros((5, 5)), np.zeros(5)
    for e, stiffness in enumerate(np.exp(x)):
        K[e : e + 2, e : e + 2] += stiffness * np.array([[1.0, -1.0], [-1.0, 1.0]])
        load[e : e + 2] += 0.5 * x[e]
    K[0], K[0, 0], load[0] = 0, 1, 0
    return np.linalg.solve(K, load)


# Tables, recurrences and sorting.


@program(15)
def hidden_markov_model(x):
    """The forward algorithm in logarithms."""
    transition, emission, alpha = x[:9].reshape(3, 3).copy(), x[9:].reshape(2, 3), np.full((4, 3), -np.inf)
    for row in transition:
        row -= np.log(np.sum(np.exp(row)))
    alpha[0] = emission[0]
    for t, seen in enumerate([1, 1, 0], 1):
        for j in range(3):
            alpha[t, j] = np.logaddexp.reduce(alpha[t - 1] + transition[:, j]) + emission[seen, j]
    return alpha


@program(7)
def soft_time_warping(x):
    a, b, D = x[:3], x[3:], np.full((4, 5), 1e3)
    D[0, 0] = 0
    for i, j in np.ndindex(3, 4):
        before = np.array([D[i, j + 1], D[i + 1, j], D[i, j]])
        D[i + 1, j + 1] = (a[i] - b[j]) ** 2 - np.log(np.sum(np.exp(-(before - before.min())))) + before.min()
    return D


@program(6)
def polynomials(x):
    """Horner's scheme, and Chebyshev's recurrence."""
    t = np.linspace(-1, 1, 4)
    y, T = np.zeros_like(t), np.empty((6, 4))
    for c in x[::-1]:
        y *= t
        y += c
    T[0], T[1] = 1, t * x[0]
    for k in range(2, 6):
        T[k] = 2 * t * T[k - 1] - T[k - 2]
    return np.concatenate([y, x @ T])


@program(25)
def convolution(x):
    """By its definition in loops, and by sums of shifted images."""
    image, kernel = x[:16].reshape(4, 4), x[16:].reshape(3, 3)
    valid, full = np.zeros((2, 2)), np.zeros((6, 6))
    for i, j in np.ndindex(2, 2):
        valid[i, j] = np.sum(image[i : i + 3, j : j + 3] * kernel)
    for i, j in np.ndindex(3, 3):
        full[i : i + 4, j : j + 4] += kernel[i, j] * image
    return np.append(valid, full)


@program(4, 4, 3)
def picture(x):
    """Normalised, grey, with edges repeated around it; what is bright is damped, and all is clipped."""
    colours, grey, padded = x.copy(), np.empty((4, 4)), np.zeros((6, 6))
    colours -= colours.mean(axis=(0, 1))
    colours /= colours.std(axis=(0, 1)) + 1e-3
    np.dot(colours, [0.3, 0.6, 0.1], out=grey)
    padded[1:-1, 1:-1] = grey
    padded[0], padded[-1] = padded[1], padded[-2]
    padded[:, [0, -1]] = padded[:, [1, -2]]
    edges = np.hypot(padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1])
    edges[edges > 1] = 1 + 0.1 * (edges[edges > 1] - 1)
    colours[..., 0] *= edges
    np.clip(colours, -1.5, 1.5, out=colours)
    return colours[::2, ::-1].transpose(2, 0, 1)


@program(8)
def fourier_transform(x):
    """By halves, in place."""
    a = np.zeros(8, complex)
    a.real = x[[0, 4, 2, 6, 1, 5, 3, 7]]
    for half in (1, 2, 4):
        turns = np.exp(-1j * np.pi * np.arange(half) / half)
        for even, odd in a.reshape(-1, 2, half):
            odd *= turns
            even += odd
            odd *= -2
            odd += even
    return np.abs(a) ** 2


@program(7)
def quicksort(x):
    a = x.copy()

    def sort(low, high):
        if low < high:
            pivot, i = a[high], low
            for j in range(low, high):
                if a[j] < pivot:
                    a[i], a[j] = a[j], a[i]
                    i += 1
            a[i], a[high] = a[high], a[i]
            sort(low, i - 1)
            sort(i + 1, high)

    sort(0, 6)
    return a * np.arange(7)


@program(8)
def softmax_of_segments(x):
    segment = np.array([0, 1, 1, 2, 0, 2, 2, 1])
    tops, sums = np.full(3, -np.inf), np.zeros(3)
    np.maximum.at(tops, segment, x)
    y = np.exp(x - tops[segment])
    np.add.at(sums, segment, y)
    y /= sums[segment]
    return y


# What is asked of each.


def in_numpy(f):
    """``f`` with NumPy itself in the place of ``scratch_ad.numpy``."""
    return types.FunctionType(f.__code__, {**f.__globals__, "np": numpy})


def difference(f, x, direction, step=1e-6):
    """The derivative along a direction by central differences."""
    return (f(x + step * direction) - f(x - step * direction)) / (2 * step)


def weighed(y):
    """A sum that depends on each finite element of ``y``."""
    finite = numpy.isfinite(y)
    return numpy.sum(numpy.where(finite, y, 0) * numpy.cos(numpy.arange(numpy.size(y))).reshape(numpy.shape(y)))


def assert_same(ours, plain):
    assert ours.dtype == plain.dtype and ours.shape == plain.shape and numpy.array_equal(ours, plain)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_and_its_derivatives(name):
    f, x = PROGRAMS[name]
    plain, argument = in_numpy(f), x.copy()
    y, t = plain(x.copy()), numpy.cos(numpy.arange(x.size, dtype=float)).reshape(x.shape)
    assert_same(vjp(f, x)[0], y)
    assert_same(jvp(f, (x,), (t,))[0], y)
    recorded = record(f, x)
    assert_same(recorded(x)[0], y)
    nearby = x + 1e-9
    assert_same(recorded(nearby)[0], plain(nearby.copy()))

    total = lambda x: weighed(f(x))
    slope = difference(lambda x: weighed(plain(x.copy())), x, t)
    gradient = grad(total)
    g = gradient(x)
    numpy.testing.assert_allclose(numpy.sum(g * t), slope, rtol=1e-6, atol=1e-7)
    numpy.testing.assert_allclose(jvp(total, (x,), (t,))[1], numpy.sum(g * t), rtol=1e-11, atol=1e-12)
    numpy.testing.assert_allclose(record(gradient, x)(x)[0], g, rtol=1e-12, atol=1e-14)

    curvature = difference(gradient, x, t)
    for second in (jvp(gradient, (x,), (t,))[1], grad(lambda x: numpy.sum(gradient(x) * t))(x)):
        numpy.testing.assert_allclose(second, curvature, rtol=1e-5, atol=1e-6 * numpy.max(numpy.abs(curvature)) + 1e-8)
    assert_same(x, argument)


@pytest.mark.parametrize("name", ["leapfrog", "two_buffers_swapped", "heat", "tridiagonal_system", "quicksort"])
def test_arrays_that_are_made_like_others_need_no_other_import(name):
    f, x = PROGRAMS[name]
    assert_same(vjp(in_numpy(f), x)[0], in_numpy(f)(x.copy()))
    assert_same(grad(lambda x: weighed(in_numpy(f)(x)))(x), grad(lambda x: weighed(f(x)))(x))


@pytest.mark.parametrize("name", ["leapfrog", "two_buffers_swapped", "softmax_of_segments", "polynomials"])
def test_a_program_compiled_by_jax(name):
    f, x = PROGRAMS[name]
    total = lambda x: weighed(f(x))
    expected = grad(total)(x)
    numpy.testing.assert_allclose(jax_ref.grad(total)(x), expected, rtol=1e-10, atol=1e-12)
    numpy.testing.assert_allclose(jax_ref.jit(grad(total))(x), expected, rtol=1e-10, atol=1e-12)
