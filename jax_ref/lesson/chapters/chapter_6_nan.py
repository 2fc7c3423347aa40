# %% [markdown]
# # When a gradient is nan, and need not be
#
# A model trains for a day, and then every number is nan. The values were fine; it was a derivative. Three ways this
# happens, with JAX, and what a rule can do about each.
#
# ## A branch that was not taken
#
# The square root is guarded, as everyone is told to. The value at 0 is right. The slope should be 0, the other
# branch's:

# %%
import numpy as np

import jax_ref
import scratch_ad

guarded = lambda x: np.where(x > 0, np.sqrt(x), 0.0)
with np.errstate(all="ignore"):
    branch_ours, branch_jax = float(scratch_ad.grad(guarded)(0.0)), float(jax_ref.grad(guarded)(0.0))
print("value at 0:     ", guarded(0.0))
print("jax_ref.grad:   ", branch_jax)
print("scratch_ad.grad:", branch_ours)

# %% [markdown]
# `where` computes both branches. Backward, the branch that was not taken gets the sensitivity 0, and the root
# multiplies it by its own slope there, $\frac{1}{2 \sqrt{0}} = \infty$. And $0 \cdot \infty$ is nan. It can be
# watched:

# %%
print(scratch_ad.first_nan(guarded, 0.0).of("cotangents").why)

# %% [markdown]
# This 0 is no small number: it says "does not depend". So in a chain rule $0 \cdot \infty = 0$, and that is how
# products of sensitivities are made here, at no cost where no nan comes out. In JAX one has to guard the *inside* as
# well, so that the root never sees the 0:

# %%
twice = lambda x: np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0)
twice_jax = float(jax_ref.grad(twice)(0.0))
print("guarded twice, jax_ref.grad:", twice_jax)

# %% [markdown]
# ## A formula that overflows though its value does not
#
# $\log(1 + e^x)$ at 800: $e^{800}$ is too large for a number. The value can be had, since $\log(1 + e^x) = x$ there,
# and NumPy's `logaddexp(0, x)` knows. The slope of it, $\frac{e^x}{1 + e^x}$, is 1.
#
# Beware: written the naive way, no gradient can be right. The product of a computed 0 and an $\infty$ looks like a
# branch that was not taken, and our care for those makes a 0 of it, where JAX says nan. Only the value, `inf`, gives
# it away.

# %%
naive = lambda x: np.log(1 + np.exp(x))
with np.errstate(all="ignore"):
    naive_slopes = float(scratch_ad.grad(naive)(800.0)), float(jax_ref.grad(naive)(800.0))
    print(f"naive: value {naive(800.0)}, jax_ref.grad {naive_slopes[1]}, ours {naive_slopes[0]}: both wrong")
softplus = lambda x: np.logaddexp(0.0, x)
print(
    f"logaddexp: value {softplus(800.0)}, jax_ref.grad {jax_ref.grad(softplus)(800.0)}, "
    f"ours {scratch_ad.grad(softplus)(800.0)}"
)
with np.errstate(all="ignore"):
    nothing = lambda x: np.logaddexp(x, x)
    print(
        f"logaddexp(x, x) at −∞, slope 1: jax_ref.grad {jax_ref.grad(nothing)(-np.inf)}, "
        f"ours {scratch_ad.grad(nothing)(-np.inf)}"
    )


# %% [markdown]
# A rule of one's own is one line, for both modes and all orders. Its derivative is written so that nothing overflows:
# $\frac{1}{1 + e^{-x}}$ is 1 at 800, where $e^{-800}$ is 0.


# %%
def my_softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


softplus = scratch_ad.elementwise(my_softplus, lambda x: 1 / (1 + np.exp(-x)))
x = np.array([-800.0, 0.0, 800.0])
with np.errstate(over="ignore"):
    rule = scratch_ad.grad(lambda x: np.sum(softplus(x)))(x)
print("values", softplus(x), " slopes", rule)

# %% [markdown]
# ## A smooth function by way of one that is not
#
# $\| x \|^2$ is as smooth as can be, and its slope at 0 is 0. On the way there is a norm, which has a kink at 0: JAX
# divides 0 by 0 for it. A rule that answers with *some* slope of the kink, the one of least norm, lets the square put
# things right; likewise the standard deviation of numbers that are all the same.

# %%
cases = {
    "norm(x)² at 0": (lambda x: np.linalg.norm(x) ** 2, np.zeros(2)),
    "std(x)² of equal numbers": (lambda x: np.std(x) ** 2, np.ones(3)),
    "sqrt(x − x) + x": (lambda x: np.sum(np.sqrt(x - x) + x), np.ones(2)),
}
smooth = {}
for name, (f, at) in cases.items():
    with np.errstate(all="ignore"):
        smooth[name] = scratch_ad.grad(f)(at), np.asarray(jax_ref.grad(f)(at))
    print(f"{name:25} ours {smooth[name][0]}, JAX {smooth[name][1]}")

# %% [markdown]
# What is infinite, stays infinite: no rule invents a slope where there is none.

# %%
with np.errstate(all="ignore"):
    pole = float(scratch_ad.grad(np.sqrt)(0.0)), float(jax_ref.grad(np.sqrt)(0.0))
print("d/dx √x at 0: ours", pole[0], " JAX", pole[1])
