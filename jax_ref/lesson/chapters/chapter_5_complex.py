# %% [markdown]
# # Complex numbers
#
# A complex number is two real ones, so a function of one has four slopes. Only for some functions, the *analytic*
# ones such as exp or $z^2$, do the four fit together as one complex number $f^\prime(z)$; for $\overline{z}$ or $|z|$
# they do not. Automatic differentiation does not mind: forward mode carries a direction, which is two real numbers,
# too.

# %%
import numpy as np

import jax_ref
import scratch_ad
from jax_ref.lesson import chart, show

z = 0.5 + 0.8j
for name, f in {"z²": lambda z: z * z, "conj(z)": np.conj, "|z|²": lambda z: (z * np.conj(z)).real}.items():
    along_real = scratch_ad.jvp(f, (z,), (1 + 0j,))[1]
    along_imaginary = scratch_ad.jvp(f, (z,), (1j,))[1]
    same = np.isclose(along_imaginary, 1j * along_real)
    print(f"{name:8} along 1: {along_real:.2f}   along i: {along_imaginary:.2f}   analytic: {same}")
    print(f"{'':8} JAX:     {jax_ref.jvp(f, (z,), (1 + 0j,))[1]:.2f}            {jax_ref.jvp(f, (z,), (1j,))[1]:.2f}")

# %% [markdown]
# ## Which way is downhill?
#
# Of a real function of $z = x + iy$, one wants the two slopes as one number. There are two ways to write them, and
# libraries are divided. JAX and this project give
#
# $$\mathrm{grad} f = \frac{\partial f}{\partial x} - i \frac{\partial f}{\partial y}$$
#
# so that for an analytic function of which one takes the real part, the gradient is $f^\prime(z)$ itself. PyTorch gives
# the conjugate, which points uphill as it stands. With JAX's, **conjugate before you step.**

# %%
loss = lambda z: np.abs(z - (2 + 1j)) ** 2
ours, jax = scratch_ad.grad(loss)(z), jax_ref.grad(loss)(z)
h = 1e-6
by_x, by_y = (loss(z + h) - loss(z - h)) / (2 * h), (loss(z + 1j * h) - loss(z - 1j * h)) / (2 * h)
print(f"∂f/∂x = {by_x:.4f}, ∂f/∂y = {by_y:.4f}, by central differences")
print(f"scratch_ad.grad: {ours:.4f}")
print(f"jax_ref.grad:    {jax:.4f}")

# %%
ways = {"conjugated": [z], "as it is": [z]}
for _ in range(15):
    ways["conjugated"].append(ways["conjugated"][-1] - 0.1 * np.conj(scratch_ad.grad(loss)(ways["conjugated"][-1])))
    ways["as it is"].append(ways["as it is"][-1] - 0.1 * scratch_ad.grad(loss)(ways["as it is"][-1]))
ends = {name: complex(way[-1]) for name, way in ways.items()}
for name, end in ends.items():
    print(f"15 steps with the gradient {name}: {end:.3f}, the loss is {loss(end):.3g}")
figure, axes = chart()
for (name, way), color in zip(ways.items(), ("C0", "C3"), strict=True):
    axes.plot(np.real(way[:8]), np.imag(way[:8]), "o-", color=color, markersize=4, label=name)
axes.plot(2, 1, "*", color="C1", markersize=14, label="minimum")
axes.set(xlabel="real part", ylabel="imaginary part")
axes.legend(frameon=False, fontsize=9)
show(figure, caption="The first 7 steps. Without the conjugate, the real part goes down and the imaginary part up.")

# %% [markdown]
# ## Why without the conjugate at all?
#
# Because then reverse mode is the plain transpose of forward mode, the chain rule is the same product of partials for
# real and for complex numbers, and of an analytic function one gets what the calculus book says:

# %%
holomorphic = lambda z: np.exp(1j * z) * z**2
exact = np.exp(1j * z) * (2 * z + 1j * z**2)
by_grad = scratch_ad.grad(holomorphic, holomorphic=True)(z)
by_jax = jax_ref.grad(holomorphic, holomorphic=True)(z)
print(f"by the book:                        {exact:.12f}")
print(f"scratch_ad.grad(holomorphic=True):  {by_grad:.12f}")
print(f"jax_ref.grad(holomorphic=True):     {by_jax:.12f}")

# %% [markdown]
# And forward and backward fit together: pushing $t$ forward and weighing the result with $g$ gives the same as pulling
# $g$ back and weighing with it $t$, up to the real part, whatever the function.

# %%
mixed = lambda z: np.abs(z) * np.exp(1j * z.real) + np.conj(z) ** 3
t, g = 0.3 - 0.7j, 1.1 + 0.2j
pushed = scratch_ad.jvp(mixed, (z,), (t,))[1]
pulled = scratch_ad.vjp(mixed, z)[1](g)[0]
identity = float((g * pushed).real), float((pulled * t).real)
print(f"Re(g · J t) = {identity[0]:.15f}")
print(f"Re(Jᵀ g · t) = {identity[1]:.15f}")
