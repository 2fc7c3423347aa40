"""The four objectives of ADBench (Šrajer, Kukelova, Fitzgibbon 2018), in plain NumPy, on random data of several sizes.

Their derivatives are those that ADBench asks for: the gradients of a Gaussian mixture and of an LSTM, the sparse
Jacobian of bundle adjustment, and that of hand tracking, 3 results to a point and few parameters. All engines give the
same numbers before one of them is timed.
"""

import dataclasses
import importlib
import math

import numpy as np
from _eight import Program
from _peers import agree, built, gradient_of, jax_numpy, ours, prepare, replayed, torch_numpy
from _tables import Row, Table
from _timing import compared, taken

import scratch_ad

# Gaussian mixture


def mixture(np, p, x, places, lower, constant, gamma=1.0, m=0):
    """The log-likelihood of points x (N, D) with a Wishart prior; p: alphas (K,), means (K, D), factors (K, D(D+1)/2).

    A factor holds the logarithms of the diagonal of a triangular square root of an inverse covariance, and then what is
    below the diagonal, at ``places``, where ``lower`` is 1.
    """
    alphas, means, factors = p
    n, d = x.shape
    logs = factors[:, :d]
    diagonal, below = np.exp(logs), factors[:, places] * lower
    centred = x[:, None, :] - means
    whitened = diagonal * centred + np.einsum("kij,nkj->nki", below, centred)
    terms = alphas + np.sum(logs, 1) - 0.5 * np.sum(whitened**2, 2)
    prior = 0.5 * gamma**2 * (np.sum(diagonal**2) + np.sum(factors[:, d:] ** 2)) - m * np.sum(logs)
    return constant + np.sum(log_sum_exp(np, terms, 1)) - n * log_sum_exp(np, alphas, 0) + prior


def log_sum_exp(np, x, axis):
    top = np.max(x, axis, keepdims=True)
    return np.sum(top, axis) + np.log(np.sum(np.exp(x - top), axis))


def mixture_of(rng, n, d, k, gamma=1.0, m=0):
    places, lower = np.zeros((d, d), int), np.tril(np.ones((d, d)), -1)
    places[np.triu_indices(d, 1)[::-1]] = np.arange(d, d * (d + 1) // 2)  # column by column
    freedom = d + m + 1
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma(0.5 * (freedom - j)) for j in range(d))
    scale = freedom * d * (math.log(gamma) - 0.5 * math.log(2)) - log_gamma
    constant = -0.5 * n * d * math.log(2 * math.pi) - k * scale
    p = [rng.normal(size=k), rng.uniform(size=(k, d)), 0.3 * rng.normal(size=(k, d * (d + 1) // 2))]
    return Program(mixture, p, (rng.normal(size=(n, d)), places, lower, constant))


# LSTM


def cell(np, weight, bias, hidden, memory, x):
    gates = np.concatenate([x, x, hidden, hidden]) * weight + bias
    b = len(hidden)
    forget, enter, leave = (1 / (1 + np.exp(-gates[i * b : (i + 1) * b])) for i in range(3))
    memory = memory * forget + enter * np.tanh(gates[3 * b :])
    return leave * np.tanh(memory), memory


def step(np, p, state, x, wanted):
    """The states of all layers after x, and how likely ``wanted`` is to follow; b letters are told by b numbers."""
    main, extra = p
    x, after = x * extra[0], []
    for i in range(0, len(state), 2):
        hidden, memory = cell(np, main[i], main[i + 1], state[i], state[i + 1], x)
        after += [hidden, memory]
        x = hidden
    guess = x * extra[1] + extra[2]
    return after, np.sum(wanted * (guess - np.log(2 + np.sum(np.exp(guess)))))


def lstm(np, p, state, sequence):
    """The loss; p: (2 layers, 4 b) and (3, b); states (2 layers, b); sequence (n, b)."""
    total, now = 0.0, list(state)
    for t in range(len(sequence) - 1):
        now, gain = step(np, p, now, sequence[t], sequence[t + 1])
        total = total + gain
    return -total / ((len(sequence) - 1) * sequence.shape[1])


def lstm_by_scan(jnp, p, state, sequence):
    """The loop as JAX asks for it: ``jax.jit`` would unroll the other."""
    jax, _ = jax_numpy()
    _, gains = jax.lax.scan(lambda now, pair: step(jnp, p, now, *pair), list(state), (sequence[:-1], sequence[1:]))
    return -jnp.sum(gains) / ((len(sequence) - 1) * sequence.shape[1])


def lstm_of(rng, layers, n, b=14):
    p = [0.5 * rng.normal(size=(2 * layers, 4 * b)), 0.5 * rng.normal(size=(3, b))]
    sequence = (rng.uniform(size=(n, b)) < 0.5).astype(float)
    return Program(lstm, p, (0.1 * rng.normal(size=(2 * layers, b)), sequence), by_jax=lstm_by_scan)


# Bundle adjustment


def reprojected(np, camera, point, weight, seen):
    """Two errors of each observation, and that of its weight: (p, 2) and (p,).

    A camera (p, 11): a rotation (axis times angle), its centre, focal length, principal point, radial distortion.
    """
    rotation, spot = camera[:, :3], point - camera[:, 3:6]
    square = np.sum(rotation**2, 1)[:, None]
    angle = np.sqrt(square)
    axis = rotation / angle
    across = cross(np, axis, spot)
    along = axis * (np.sum(axis * spot, 1)[:, None] * (1 - np.cos(angle)))
    turned = spot * np.cos(angle) + across * np.sin(angle) + along
    flat = turned[:, :2] / turned[:, 2:]
    radius = np.sum(flat**2, 1)[:, None]
    distorted = flat * (1 + camera[:, 9:10] * radius + camera[:, 10:] * radius**2)
    projected = distorted * camera[:, 6:7] + camera[:, 7:9]
    return weight[:, None] * (projected - seen), 1 - weight**2


def cross(np, a, b):
    """The cross product in slices, as every engine has it."""
    (a0, a1, a2), (b0, b1, b2) = ([v[:, i] for i in range(3)] for v in (a, b))
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], 1)


@dataclasses.dataclass(frozen=True)
class Bundle:
    """Cameras, points and a weight per observation, in one vector, and which camera sees which point where."""

    x: np.ndarray
    cameras: int
    points: int
    of_camera: np.ndarray
    of_point: np.ndarray
    seen: np.ndarray

    def f(self, np, x):
        """All errors, in one vector."""
        errors, weights = reprojected(np, *self.parts(x), self.seen)
        return np.concatenate([np.reshape(errors, (-1,)), weights])

    def parts(self, x):
        """What each observation depends on: its camera (p, 11), point (p, 3) and weight (p,)."""
        ends = 11 * self.cameras, 11 * self.cameras + 3 * self.points
        return (
            x[: ends[0]].reshape(self.cameras, 11)[self.of_camera],
            x[ends[0] : ends[1]].reshape(self.points, 3)[self.of_point],
            x[ends[1] :],
        )

    def places(self):
        """The columns (p, 15) in which the derivatives of an observation's two errors stand."""
        first = 11 * self.cameras
        cameras = 11 * self.of_camera[:, None] + np.arange(11)
        points = first + 3 * self.of_point[:, None] + np.arange(3)
        weights = first + 3 * self.points + np.arange(len(self.seen))[:, None]
        return np.concatenate([cameras, points, weights], 1)

    def blocks(self, matrix):
        """Of a sparse Jacobian the blocks (p, 2, 15), the weights' own derivatives, and how much else is not 0."""
        count, places = len(self.seen), self.places()
        rows = np.arange(2 * count)[:, None]
        own = matrix[2 * count + np.arange(count), places[:, -1]]
        blocks = matrix[rows, np.repeat(places, 2, 0)].toarray().reshape(count, 2, 15)
        return blocks, own, matrix.count_nonzero() - np.count_nonzero(blocks) - np.count_nonzero(own)


def bundle_of(rng, cameras, points, observations):
    camera = rng.normal(size=(cameras, 11)) * np.r_[[0.3] * 3, [0.1] * 3, 0.1, [0.1] * 2, [0.01] * 2]
    camera[:, 6] += 1
    spots = rng.normal(size=(points, 3)) + np.array([0, 0, 8.0])
    weights = rng.uniform(0.5, 1, observations)
    x = np.concatenate([np.ravel(camera), np.ravel(spots), weights])
    of_camera, of_point = rng.integers(cameras, size=observations), rng.integers(points, size=observations)
    return Bundle(x, cameras, points, of_camera, of_point, rng.normal(size=(observations, 2)))


# Hand tracking

BONES = 22
PARENTS = [-1, 0] + [1 if k == 0 else 2 + 4 * finger + k - 1 for finger in range(5) for k in range(4)]


def rotations(np, angles):
    """The rotations about x, then y, then z, by the angles (b, 3) in ADBench's order, which is x, z, y: (b, 3, 3)."""
    cos, sin, zero = np.cos(angles), np.sin(angles), 0 * angles[:, 0]
    (cx, cz, cy), (sx, sz, sy) = ([a[:, i] for i in range(3)] for a in (cos, sin))
    rows = [
        [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
        [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
        [zero - sy, sx * cy, cx * cy],
    ]
    return np.stack([np.stack(row, 1) for row in rows], 1)


def turned_by(np, axis):
    """The rotation about an axis (3,) by its length: (3, 3)."""
    angle = np.sqrt(np.sum(axis**2))
    x, y, z = axis[0] / angle, axis[1] / angle, axis[2] / angle
    c, s = np.cos(angle), np.sin(angle)
    rows = [
        [x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
        [x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s],
        [x * z * (1 - c) - y * s, z * y * (1 - c) + x * s, z * z + (1 - z * z) * c],
    ]
    return np.stack([np.stack(row) for row in rows])


@dataclasses.dataclass(frozen=True)
class Hand:
    """Bones, the points on the skin with the bones' weights for each, and the points that were measured.

    ``turns`` (22, 3, 3) and ``shifts`` (22, 3) put each bone on its parent; ``inverse_turns`` and ``inverse_shifts``
    take the resting hand's points to each bone; ``places`` and ``moves`` (22, 3) say which parameters turn a bone.
    """

    x: np.ndarray
    turns: np.ndarray
    shifts: np.ndarray
    inverse_turns: np.ndarray
    inverse_shifts: np.ndarray
    places: np.ndarray
    moves: np.ndarray
    skin: np.ndarray
    weights: np.ndarray
    measured: np.ndarray

    def f(self, np, x, turns, shifts, inverse_turns, inverse_shifts, moves, skin, weights, measured):
        """The distances of n skin points from the measured ones, (3 n,), of 26 parameters.

        These are the hand's rotation and shift, and for each finger two angles of its first joint and one of two more.
        """
        own = turns @ rotations(np, x[self.places] * moves)
        whole, ends = [], []
        for bone, parent in enumerate(PARENTS):
            turn, shift = own[bone], shifts[bone]
            if parent >= 0:
                turn, shift = whole[parent] @ turn, whole[parent] @ shift + ends[parent]
            whole.append(turn)
            ends.append(shift)
        turn, shift = np.stack(whole), np.stack(ends)
        shift = np.einsum("bij,bj->bi", turn, inverse_shifts) + shift
        posed = np.einsum("bij,nj->nbi", turn @ inverse_turns, skin) + shift
        placed = np.einsum("nb,nbi->ni", weights, posed) @ turned_by(np, x[:3]).T + x[3:6]
        return np.reshape(measured - placed, (-1,))

    @property
    def data(self):
        names = ["turns", "shifts", "inverse_turns", "inverse_shifts", "moves", "skin", "weights", "measured"]
        return tuple(getattr(self, name) for name in names)


def hand_of(rng, n):
    moves, places = np.zeros((BONES, 3)), np.zeros((BONES, 3), int)
    parameter = 6
    for finger in range(5):
        for joint in range(3):
            for angle in range(2 if joint == 0 else 1):
                moves[2 + 4 * finger + joint, angle] = 1
                places[2 + 4 * finger + joint, angle] = parameter
                parameter += 1
    turns, inverse_turns = (rotations(np, 0.2 * rng.normal(size=(BONES, 3))) for _ in range(2))
    shifts, inverse_shifts = (0.3 * rng.normal(size=(BONES, 3)) for _ in range(2))
    weights = rng.uniform(size=(n, BONES)) ** 8
    skin, measured = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    weights = weights / np.sum(weights, 1, keepdims=True)
    x = 0.3 * rng.normal(size=parameter)
    return Hand(x, turns, shifts, inverse_turns, inverse_shifts, places, moves, skin, weights, measured)


# What is timed


def gradients(program):
    """Ours, compiled and the peers' value and gradient of a program; and those that cannot."""
    compiled = scratch_ad.compile(gradient_of(program))
    runs, absent = prepare(program, ["jax.jit", "PyTorch", "autograd", "MyGrad"])
    agree(ours(program)(), replayed(compiled, program.x), "compiled and ours")
    return {"ours": ours(program), "compiled": lambda: compiled(program.x)} | runs, absent


def sparse_jacobians(bundle):
    """Ours as one sparse matrix, the others' as its blocks, as they have no such thing: an observation at a time."""
    f = lambda x: bundle.f(np, x)
    sparse, compiled = scratch_ad.jacobian(f, sparse=True), scratch_ad.jacobian(scratch_ad.compile(f), sparse=True)
    runs = {"ours": lambda: sparse(bundle.x), "compiled": lambda: compiled(bundle.x)}
    others, results, absent = built(
        {"jax.jit": _blocks_of_jax, "PyTorch": _blocks_of_torch, "autograd": _blocks_of_autograd}, bundle
    )
    expected = bundle.blocks(runs["ours"]())
    agree(expected, bundle.blocks(replayed(compiled, bundle.x)), "bundle adjustment: ours and compiled")
    agree((-2 * bundle.parts(bundle.x)[2], 0), expected[1:], "bundle adjustment: ours and the formula, of the weights")
    for name, result in results.items():
        agree(expected[0], result, f"bundle adjustment: {name} and ours")
    return runs | others, absent


def _one(np, row, seen):
    return reprojected(np, row[None, :11], row[None, 11:14], row[14:15], seen[None])[0][0]


def _rows(np, bundle, x):
    camera, point, weight = bundle.parts(x)
    return np.concatenate([camera, point, weight[:, None]], 1)


def _blocks_of_jax(bundle):
    jax, jnp = jax_numpy()
    each = jax.vmap(jax.jacrev(lambda row, seen: _one(jnp, row, seen)))
    blocks = jax.jit(lambda x: each(_rows(jnp, bundle, x), bundle.seen))
    return lambda: jax.block_until_ready(blocks(bundle.x))


def _blocks_of_torch(bundle):
    torch, numpy = torch_numpy()
    each = torch.func.vmap(torch.func.jacrev(lambda row, seen: _one(numpy, row, seen)))
    seen = torch.tensor(bundle.seen)
    return lambda: each(torch.tensor(_rows(np, bundle, bundle.x)), seen).numpy()


def _blocks_of_autograd(bundle):
    engine, anp = importlib.import_module("autograd"), importlib.import_module("autograd.numpy")
    errors = lambda rows: reprojected(anp, rows[:, :11], rows[:, 11:14], rows[:, 14], bundle.seen)[0]
    columns = [engine.grad(lambda rows, k=k: anp.sum(errors(rows)[:, k])) for k in range(2)]

    def run():
        rows = _rows(np, bundle, bundle.x)
        return np.stack([column(rows) for column in columns], 1)

    return run


def jacobians(hand):
    """Forward mode everywhere: 26 parameters, and three results to a point."""
    jacobian = scratch_ad.jacfwd(lambda x: hand.f(np, x, *hand.data))
    compiled = scratch_ad.compile(jacobian)
    runs = {"ours": lambda: jacobian(hand.x), "compiled": lambda: compiled(hand.x)}
    others, results, absent = built(
        {"jax.jit": _jacobian_of_jax, "PyTorch": _jacobian_of_torch, "autograd": _pushed_by_autograd}, hand
    )
    for name, result in (results | {"compiled": replayed(compiled, hand.x)}).items():
        agree(jacobian(hand.x), result, f"hand tracking: {name} and ours")
    return runs | others, absent


def _jacobian_of_jax(hand):
    jax, jnp = jax_numpy()
    data = [jnp.asarray(a) for a in hand.data]
    jacobian = jax.jit(jax.jacfwd(lambda x: hand.f(jnp, x, *data)))
    return lambda: jax.block_until_ready(jacobian(hand.x))


def _jacobian_of_torch(hand):
    torch, numpy = torch_numpy()
    data = [torch.tensor(a) for a in hand.data]
    jacobian = torch.func.jacfwd(lambda x: hand.f(numpy, x, *data))
    return lambda: jacobian(torch.tensor(hand.x)).numpy()


def _pushed_by_autograd(hand):
    engine, anp = importlib.import_module("autograd"), importlib.import_module("autograd.numpy")
    push = engine.make_jvp(lambda x: hand.f(anp, x, *hand.data))
    return lambda: np.stack([push(hand.x)(direction)[1] for direction in np.eye(len(hand.x))], 1)


OBJECTIVES = {  # title: what is derived, how a problem is made, how to say its size, sizes
    "Gaussian mixture": (
        gradients,
        mixture_of,
        "{:,} points × {} × {}",
        [(100, 2, 5), (1000, 10, 10), (1000, 32, 25)],
    ),
    "LSTM": (gradients, lstm_of, "layers: {}, letters: {}", [(1, 8), (2, 64), (2, 512)]),
    "Bundle adjustment": (
        sparse_jacobians,
        bundle_of,
        "{:,} × {:,}, seen {:,} times",
        [(4, 12, 40), (21, 500, 2000), (49, 7776, 31843)],
    ),
    "Hand tracking": (jacobians, hand_of, "{:,} points", [(10,), (100,), (1000,)]),
}


def adbench_tables(quick, seed, clock):
    rng = np.random.default_rng(seed)
    for title, (derive, make, say, sizes) in OBJECTIVES.items():
        rows = []
        for size in sizes[: 1 if quick else None]:
            runs, absent = derive(make(rng, *size))
            seconds = clock(runs)
            figures = {name: taken(seconds[name]) for name in ("ours", "compiled")}
            figures |= {f"÷ {name}": compared(seconds["ours"], s) for name, s in seconds.items() if name != "ours"}
            note = "; ".join(f"{name}: {why}" for name, why in absent.items())
            rows.append(Row(say.format(*size), figures, note))
            yield Table(f"ADBench: {title}", rows, NOTES[derive])


NOTES = {
    gradients: "Value and gradient; ours, eager, ÷ each other.",
    sparse_jacobians: "The sparse Jacobian as SciPy's matrix, ÷ its blocks alone by the others, by observation.",
    jacobians: "The Jacobian by forward mode, 26 parameters.",
}
