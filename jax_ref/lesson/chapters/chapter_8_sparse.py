# %% [markdown]
# # Jacobians that are mostly zeros
#
# A chain of springs: the force on each mass depends on its neighbours alone. With $n$ masses the Jacobian has $n^2$
# elements, all but $3n$ of them 0. One pass per column, $n$ passes, to find mostly zeros?

# %%
import numpy as np

import jax_ref
import scratch_ad
from jax_ref.lesson import chart, show


def forces(x):
    stretched = x[1:] - x[:-1] - 1
    pull = stretched + stretched**3
    return np.concatenate([pull[:1], pull[1:] - pull[:-1], -pull[-1:]])


n = 12
x = np.linspace(0, 1.3 * (n - 1), n) + 0.1 * np.sin(np.arange(n))
dense = scratch_ad.jacfwd(forces)(x)
dense_jax = np.asarray(jax_ref.jacfwd(forces)(x))
print(f"{np.count_nonzero(dense)} of {dense.size} elements are not 0")
print(f"largest difference from jax_ref.jacfwd: {np.max(np.abs(dense - dense_jax)):.1g}")

# %% [markdown]
# ## Several columns in one pass
#
# Columns that have no row in common can share a pass: push the tangent 1 for all of them at once, and each row of the
# result belongs to one of them only. Which columns may go together is a question of colouring: neighbours get different
# colours. Of a band of three, columns 0, 3, 6 … go together, 1, 4, 7 …, and 2, 5, 8 …: three passes, for every $n$.

# %%
colours = np.arange(n) % 3
compressed = np.stack([scratch_ad.jvp(forces, (x,), ((colours == c) * 1.0,))[1] for c in range(3)], axis=1)
by_hand = np.zeros((n, n))
for i in range(n):
    for j in range(max(i - 1, 0), min(i + 2, n)):
        by_hand[i, j] = compressed[i, colours[j]]
print(f"three passes by hand, largest difference from all columns: {np.max(np.abs(by_hand - dense))}")

figure, axes = chart(width=3.4, height=3.2)
axes.grid(False)
rows, columns = np.nonzero(dense)
for c, color in enumerate(("C0", "C1", "C2")):
    these = colours[columns] == c
    axes.plot(columns[these], rows[these], "s", color=color, markersize=8)
axes.set(xlabel="column: by which mass", ylabel="row: force on which mass", aspect="equal")
axes.invert_yaxis()
show(figure, caption="Columns of one colour never meet in a row.")

# %% [markdown]
# ## Finding the pattern
#
# Here it was known beforehand. `scratch_ad.jacobian(f, sparse=True)` finds it by running `f` once on numbers that carry
# the set of inputs on which they depend, then colours, and chooses between forward and reverse mode:

# %%
J, plan = scratch_ad.jacobian(forces, sparse=True, explain=True)(x)
print(plan)
print(f"largest difference from all columns: {np.max(np.abs(J.toarray() - dense))}")

# %%
passes = {}
for size in (10, 100, 1000, 10_000):
    at = np.linspace(0, 1.3 * (size - 1), size)
    J, plan = scratch_ad.jacobian(forces, sparse=True, explain=True)(at)
    passes[size] = plan.passes
    print(f"n = {size:6,}: {plan.passes} passes, {J.nnz:6,} of {size * size:11,} elements stored")

# %% [markdown]
# JAX's `jacfwd` has no such plan: it computes all columns, zeros included. With 10,000 masses these are 800 MB of
# numbers, of which 240 kB say something. Where the pattern is not a band, reverse mode may be the better one: an
# *arrow*, with a full first row, needs all columns one by one, but of rows only a few. Here it is one: `x[1:]`
# counts as an argument of its own, and what the first row depends on is `x` itself.

# %%
arrow = lambda x: np.concatenate([np.sum(x**2)[None], x[1:] ** 3])
J, plan = scratch_ad.jacobian(arrow, sparse=True, explain=True)(np.linspace(1, 2, 200))
arrow_passes = plan.passes
print(plan)
by_rows = scratch_ad.jacrev(arrow)(np.linspace(1, 2, 200))
print(f"largest difference from all rows: {np.max(np.abs(J.toarray() - by_rows))}")
