# %% [markdown]
# # Remember less, compute again
#
# Reverse mode keeps what the way back will need. For a loop of a million steps that is a million states. But a state
# can be had again, from an earlier one: it costs time instead of memory. How much time, if there is room for $s$
# states?

# %%
import math

import numpy as np

import jax_ref
import scratch_ad
from jax_ref.lesson import chart, show

steps_run = 0


def step(state, h):
    """One step of a pendulum."""
    global steps_run
    steps_run += 1
    angle, speed = state
    speed = speed - h * np.sin(angle)
    return angle + h * speed, speed


def plain(angle, n, h=0.01):
    state = (angle, 0.0)
    for _ in range(n):
        state = step(state, h)
    return state[0]


def bounded(angle, n, snapshots, h=0.01):
    return scratch_ad.checkpoint_loop(step, (angle, 0.0), n, h, snapshots=snapshots)[0]


# %% [markdown]
# `checkpoint_loop` is the loop with a bound on what it keeps. The gradient is the same to the last bit; the count of
# steps is not. Beside it the fewest with which it can be done at all (Griewank and Walther 2000):


# %%
def fewest(n, s):
    """How many steps the optimum runs again, to have all of n states once more from s that are kept."""
    repeats = 0
    while math.comb(s + repeats, s) < n:
        repeats += 1
    return repeats * n - math.comb(s + repeats, s + 1)


n, results = 100, {}
for kept in (n, 20, 10, 5, 3):
    steps_run = 0
    slope = float(scratch_ad.grad(plain if kept == n else bounded)(1.0, n, *[kept] * (kept < n)))
    results[kept] = slope, steps_run
    optimum = n + fewest(n, kept) if kept < n else n
    print(f"{kept:3} states kept: slope {slope:.15f}, steps computed {steps_run}, fewest {optimum}")
by_jax = float(jax_ref.grad(lambda a: plain(a, n))(1.0))
print(f"{'JAX':16} slope {by_jax:.15f}")

# %% [markdown]
# ## The best one can do
#
# Keep states where they halve the work, use each as long as it serves, and then its room for another. With $s$
# states, and each step run at most $r + 1$ times, one gets as far as $\frac{(s + r)!}{s!\ r!}$ steps. This grows so
# fast that the price hardly shows:

# %%
reach = {repeats: math.comb(20 + repeats, 20) for repeats in (1, 2, 3, 5)}
for repeats, steps in reach.items():
    print(f"20 states, each step up to {repeats + 1} times: {steps:,} steps")

# %%
counts = {s: fewest(1000, s) / 1000 for s in range(2, 31)}
figure, axes = chart()
axes.plot(counts.keys(), counts.values(), "o-", color="C3", markersize=3)
axes.set(xlabel="states kept, of 1000", ylabel="steps again, per step", ylim=(0, None))
show(
    figure,
    caption=f"With 10 states of 1000, each step is run {counts[10]:.1f} times again; with 30, {counts[30]:.1f} times.",
)

# %% [markdown]
# ## One function at a time
#
# `checkpoint(f)` forgets all that happens inside of `f`, and runs it again on the way back. It is `jax.checkpoint`. The
# price is one more call of `f`:

# %%
inner_calls = 0


def layer(w, x):
    global inner_calls
    inner_calls += 1
    return np.tanh(np.tanh(w @ x) + x)


def network(w, x, layer):
    for _ in range(6):
        x = layer(w, x)
    return np.sum(x)


w, x = np.linspace(-0.5, 0.5, 16).reshape(4, 4), np.ones(4)
calls = {}
for name, used in {"layer": layer, "checkpoint(layer)": scratch_ad.checkpoint(layer)}.items():
    inner_calls = 0
    gradient = scratch_ad.grad(lambda w, used=used: network(w, x, used))(w)
    calls[name] = inner_calls
    print(f"{name:18} calls {inner_calls}, norm of the gradient {np.linalg.norm(gradient):.15f}")
norm_jax = float(np.linalg.norm(jax_ref.grad(lambda w: network(w, x, layer))(w)))
print(f"{'JAX':18}          norm of the gradient {norm_jax:.15f}")
