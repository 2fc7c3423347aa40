# %% [markdown]
# # What compiling does to a program
#
# A derivative taken at run time is computed by bookkeeping: for each call of NumPy's, a rule is looked up, a node
# written, its edges walked later. The numbers need none of that. So record the calls once, and replay them.

# %%
import sys

import numpy as np

import jax_ref
import scratch_ad
from scratch_ad.cost import cost


def f(x):
    y = np.tanh(2.0 * x)
    z = np.tanh(2.0 * x) + 1.0  # the same again
    np.exp(x)  # nobody needs this
    return np.sum(y * z * 1.0)


x = np.linspace(-1, 1, 20)
recorded = scratch_ad.record(f, x)
print(recorded.source)

# %% [markdown]
# A straight line, with nothing of Python's left but the calls: no classes, no loops, no branches. There is no `v6`:
# nobody reads the exponential, so it is not even kept. Such a program is easy to improve. What `compile` makes of it:

# %%
compiled = scratch_ad.compile(f)
for _ in range(3):  # recorded at the second call, replayed from the third
    value = compiled(x)
print(compiled.source)

# %%
lines = [text.count("\n    v") for text in (recorded.source, compiled.source)]
tanhs = [text.count("tanh(") for text in (recorded.source, compiled.source)]
print(f"lines: {lines[0]} recorded, {lines[1]} compiled; tanh: {tanhs[0]} recorded, {tanhs[1]} compiled")
print("the value is the same, to the last bit:", float(value) == float(f(x)))

# %% [markdown]
# What is the same is computed once, `z * 1.0` is `z`, and results go into arrays that nobody needs any more: the last
# argument of `multiply(v2, v5, v2)`. The order of additions is left alone, so that the last bit stays what it was.
#
# ## Of a derivative
#
# The same works on `grad(f)`, since a derivative is a program of NumPy calls, too. Beside it JAX, whose `jit` hands the
# program to a compiler that makes machine code of it:

# %%
gradient = scratch_ad.compile(scratch_ad.grad(f))
for _ in range(3):
    by_compiled = gradient(x)
eager, by_jax = scratch_ad.grad(f)(x), np.asarray(jax_ref.jit(jax_ref.grad(f))(x))
apart_eager, apart_jax = np.max(np.abs(by_compiled - eager)), np.max(np.abs(by_compiled - by_jax))
print(f"compiled from eager: {apart_eager}; from jax_ref.jit(jax_ref.grad(f)): {apart_jax:.0e}")
print(gradient.source)

# %% [markdown]
# ## What is counted, and what is saved
#
# The operations on numbers become a few fewer. What goes is the bookkeeping, which costs the same for an array of 4
# as for one of 4 million: so compiling pays for small arrays and long loops. Counted here in calls of Python
# functions:


# %%
def python_calls(function, *args):
    count = 0

    def profile(frame, event, arg):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function(*args)
    finally:
        sys.setprofile(before)
    return count


def orbit(start):
    position, speed = start[:2], start[2:]
    for _ in range(50):
        speed = speed - 0.01 * position / np.sum(position**2) ** 1.5
        position = position + 0.01 * speed
    return np.sum(position**2)


start = np.array([1.0, 0.0, 0.0, 1.0])
eager_gradient, compiled_gradient = scratch_ad.grad(orbit), scratch_ad.compile(scratch_ad.grad(orbit))
for _ in range(3):
    compiled_gradient(start)
calls = python_calls(eager_gradient, start), python_calls(compiled_gradient, start)
print(f"a gradient through 50 steps of an orbit: {calls[0]:,} calls of Python functions eager, {calls[1]:,} compiled")
print(f"operations of the recorded gradient: {cost(scratch_ad.record(eager_gradient, start)).operations:,}")
print("largest difference:", np.max(np.abs(eager_gradient(start) - compiled_gradient(start))))

# %% [markdown]
# ## What it costs to believe in a straight line
#
# A recording knows only the way that was taken. `if x > 0` takes another for other numbers, so each recording comes
# with *guards*: questions that are asked first, and a new recording where the answer is another.


# %%
def crooked(x):
    return np.sum(x**2) if x[0] > 0 else np.sum(x**3)


replayed = scratch_ad.compile(scratch_ad.grad(crooked))
up, down = np.array([1.0, 2.0]), np.array([-1.0, 2.0])
for _ in range(3):
    replayed(up)
ways = replayed(up), replayed(down)
print("x[0] > 0:", ways[0], "  x[0] < 0:", ways[1], "  without a word, and right both times")
