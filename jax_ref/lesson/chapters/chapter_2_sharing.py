# %% [markdown]
# # Why expressions explode and programs do not
#
# The logistic map put into itself, $4x(1-x)$ of $4x(1-x)$ of … Its derivative as a formula more than doubles with each
# layer. Yet nothing in it is new: it is the same few values, written out wherever they are used.

# %%
import numpy as np
import sympy

import jax_ref
import scratch_ad
from jax_ref.lesson import chart, show
from jax_ref.lesson.results import X0, swell
from scratch_ad.intro import repeated_layers

found = [swell(layers) for layers in range(8)]
rows = [numbers for numbers, *_ in found]
print("layers  formula  shared  forward  reverse")
for row in rows[1:]:
    print("{:6} {:8} {:7} {:8} {:8}".format(*row.values()))

# %% [markdown]
# *Shared* is the cure within algebra: give a name to each part that occurs more than once, and write it once. SymPy's
# `cse` does that, and the explosion is gone:

# %%
x = sympy.Symbol("x")
parts, (result,) = sympy.cse(sympy.diff(repeated_layers(3)))
for name, part in parts:
    print(f"{name} = {part}")
print("dy/dx =", result)

# %% [markdown]
# But look at what came out: lines that each name a value, then use it. That is a program. SymPy had to write the
# explosion down first, to find out what is equal in it; a program that is *run* has its values by name from the start.
# Forward mode carries a slope beside each of them, reverse mode a sensitivity. Here is all that reverse mode executes
# for two layers, as it was recorded:

# %%
function = lambda x: repeated_layers(2, x)
print(scratch_ad.record(scratch_ad.grad(function), X0).source)

# %%
figure, axes = chart()
layers = [row["layers"] for row in rows[1:]]
for name, style in {
    "expression of the derivative": "C4o-",
    "with shared subexpressions": "C4o:",
    "forward mode executes": "C0s-",
    "reverse mode executes": "C3D--",
}.items():
    axes.semilogy(layers, [row[name] for row in rows[1:]], style, markersize=4, label=name)
axes.set(xlabel="number of layers", ylabel="operations")
axes.legend(frameon=False, fontsize=9)
show(figure, caption="On this scale a straight line is growth by a factor. Only the formula has one.")

# %% [markdown]
# All of them are the same number, of course. At 30 layers the formula would have hundreds of billions of operations,
# and only the last two ways are left. That they are right can be known here: with $x_0 = \sin^2 t$, $n$ layers give
# $\sin^2(2^n t)$. (To some 8 digits: each layer doubles the error of the angle.)

# %%
agreement = max(abs(v[name] / v["JAX"] - 1) for _, v, _ in found for name in ("symbolic", "forward", "reverse"))
print(f"largest relative difference of all methods up to 7 layers: {agreement:.0e}")
deep = lambda x: repeated_layers(30, x)
t = np.arcsin(np.sqrt(X0))
exact = 2**30 * np.sin(2**31 * t) / np.sin(2 * t)
slope, slope_jax = float(scratch_ad.grad(deep)(X0)), float(jax_ref.grad(deep)(X0))
print(f"30 layers, scratch_ad.grad: {slope:.9g}")
print(f"           jax_ref.grad:    {slope_jax:.9g}")
print(f"           exact:           {exact:.9g}")
