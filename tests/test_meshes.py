"""``jax_ref.jit`` on arrays spread over eight devices, which a process of its own makes of the processor."""

import subprocess
import sys

SPREAD = """
import jax

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)

import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

import jax_ref, scratch_ad
from jax_ref.lift import lift

def f(parameters, x):  # each term has a pullback of another kind
    w, b = parameters
    h = np.tanh(x @ w + b)
    y = np.sum(h ** 2) + np.sum(np.einsum("ij,jk->ik", x, w) ** 3) + np.sum(np.dot(x, w[:, 0]) ** 2)
    y += np.sum(np.tensordot(x, w, 1) ** 2) + np.sum(x[:, 1:] * x[:, :-1]) + np.sum(x[:, [3, 1, 1]] ** 3)
    y += np.sum(np.sum(x, 0) ** 2) + np.sum(x.reshape(8, 4, 16)[None] ** 3) + np.sum(np.tile(x, (1, 2)) ** 3)
    y += np.sum((x - b[0]) ** 3) + np.sum(np.diff(x, axis=1) ** 2) + np.sum(np.where(x > 0, x.T.T ** 2, b[1]))
    z = x * 1.0
    z[:, 0] = x[:, 1] * b[2]
    return y + np.sum(z ** 2)

rng = np.random.default_rng(0)
w, b, x = rng.normal(size=(16, 8)), rng.normal(size=8), rng.normal(size=(32, 16))
value, gradient = scratch_ad.value_and_grad(f, (0, 1))((w, b), x)
program = jax_ref.jit(scratch_ad.value_and_grad(f, (0, 1)))

def near(found, expected):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-11), found, expected)

for kind in (AxisType.Auto, AxisType.Explicit):
    mesh = jax.make_mesh((8,), ("data",), (kind,))
    put = lambda x, *spec: jax.device_put(x, NamedSharding(mesh, P(*spec)))
    arguments = (put(w), put(b)), put(x, "data")
    if kind is AxisType.Auto:  # of explicit axes JAX 0.12 has no derivative of x[:, [3, 1, 1]] itself
        near(jax.jit(jax.value_and_grad(lift(f), (0, 1)))(*arguments), (value, gradient))
    found = program(*arguments)
    near(found, (value, gradient))
    layout = [g.sharding for g in jax.tree.leaves(found[1])]
    assert all(s.mesh == mesh for s in layout)
    assert [s.spec for s in layout] == [P(), P(), P("data")], layout
    with jax.set_mesh(mesh):
        near(program(*arguments), (value, gradient))
        assert "all-reduce" in program.lower(*arguments).compile().as_text()
        laid_out = jax_ref.jit(lambda x: 2 * x, out_shardings=NamedSharding(mesh, P(None, "data")))(arguments[1])
    assert laid_out.sharding == NamedSharding(mesh, P(None, "data"))
    moved = jax.tree.map(lambda p, g: p - 0.1 * g, arguments, found[1])  # JAX's arrays, typed as the arguments are
    near(moved, jax.tree.map(lambda p, g: p - 0.1 * g, ((w, b), x), gradient))
on_one = program((w, b), jax.device_put(x))
assert isinstance(on_one[0], np.float64) and all(type(g) is np.ndarray for g in jax.tree.leaves(on_one[1]))
print("done")
"""


def test_explicit_axes_of_a_mesh_as_automatic_ones():
    done = subprocess.run([sys.executable, "-c", SPREAD], capture_output=True, text=True)
    assert done.stdout == "done\n", done.stdout + done.stderr
