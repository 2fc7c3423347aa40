# %% [markdown]
# # Kinks: where everybody has an opinion
#
# What is the derivative of $|x|$ at 0? There is none: −1 from the left, 1 from the right. A program cannot leave a
# blank, and relu networks stand on kinks all the time, so every library has to answer *something*. Any number between
# the two slopes is defensible (a *subgradient*). nan is not: where one direction is as good as another, at least go
# in one.
#
# ## An atlas
#
# Live here: this project and JAX. Beside them what PyTorch 2.13.0 and autograd 1.9.1 answered when they were asked for
# the same functions, in float64.

# %%
import numpy as np

import jax_ref
import scratch_ad

KINKS = {  # a function, the point, and what PyTorch and autograd gave there
    "abs(x) at 0": (np.abs, 0.0, 0.0, 0.0),
    "maximum(x, 0) at 0": (lambda x: np.maximum(x, 0 * x), 0.0, 0.5, 0.5),
    "clip(x, 0, 1) at 1": (lambda x: np.clip(x, 0, 1), 1.0, 1.0, 0.0),
    "max(x, 2x−1) at 1": (lambda x: np.max(np.stack([x, 2 * x - 1])), 1.0, 1.5, 1.5),
    "norm((x, x)) at 0": (lambda x: np.linalg.norm(np.stack([x, x])), 0.0, 0.0, np.nan),
    "sqrt(x·x) at 0": (lambda x: np.sqrt(x * x), 0.0, np.nan, np.nan),
    "std((x, x)) at 1": (lambda x: np.std(np.stack([x, x])), 1.0, 0.0, np.nan),
    "sinc(x) at 0": (np.sinc, 0.0, 0.0, np.nan),
    "logaddexp at −∞": (lambda x: np.logaddexp(x, x), -np.inf, np.nan, np.nan),
}
answers = {}
print(f"{'':18} ours  JAX torch autograd")
for name, (f, x, torch, autograd) in KINKS.items():
    with np.errstate(all="ignore"):
        ours, jax = float(scratch_ad.grad(f)(x)) + 0.0, float(jax_ref.grad(f)(x))
    answers[name] = ours, jax, torch, autograd
    print(f"{name:18} {ours:4.3g} {jax:4.3g} {torch:5.3g} {autograd:8.3g}")

# %% [markdown]
# ## Who is right?
#
# - `abs`: all are. 0 lies in the middle; JAX takes the slope from the right, and we follow JAX where its answer is
#   one that can be defended, so that a comparison shows mistakes and not tastes.
# - `maximum`: here nobody disagrees. With a tie, half each; of $\max(x, 2x-1)$ at 1 the mean of the slopes 1 and 2.
# - `clip` at its bound: 1 (the inside counts), 0 (the outside counts), or ½. All three can be defended, and all three
#   are given.
# - `norm` at 0: the cone has every slope from $-\sqrt{2}$ to $\sqrt{2}$ along this line. 0 is the one of least norm.
#   JAX divides 0 by 0.
# - `std` of equal numbers and `sinc` at 0: for these the nan is simply wrong. Both `std` of $(x, x)$, which is 0 for
#   every $x$, and `sinc`, which is smooth, have the slope 0.
#
# A definite answer has one-sided slopes as evidence, and these one can have by differences:


# %%
def one_sided(f, x, h=1e-7):
    return (f(x) - f(x - h)) / h, (f(x + h) - f(x)) / h


sides = {name: one_sided(f, x) for name, (f, x, *_) in KINKS.items() if np.isfinite(x)}
print(f"{'slope from the':18}    left   right  between")
for name, (left, right) in sides.items():
    inside = min(left, right) - 1e-5 <= answers[name][0] <= max(left, right) + 1e-5
    print(f"{name:18} {left:7.4f} {right:7.4f}  {inside}")

# %% [markdown]
# ## Does it matter?
#
# Weights often begin at 0, and a penalty on a norm has its kink right there:
# $\text{loss}(x) = \| x \| + \frac{1}{2} \| x - a \|^2$, whose minimum is at $a (1 - \frac{1}{\| a \|})$.

# %%
a = np.array([3.0, 4.0])
loss = lambda x: np.linalg.norm(x) + 0.5 * np.sum((x - a) ** 2)
x_ours, x_jax = np.zeros(2), np.zeros(2)
for step in range(60):
    x_ours = x_ours - 0.3 * scratch_ad.grad(loss)(x_ours)
    if step < 3:
        x_jax = x_jax - 0.3 * np.asarray(jax_ref.grad(loss)(x_jax))
        print(f"step {step + 1}: ours {x_ours}, with JAX's gradient {x_jax}")
print(f"step 60: ours {x_ours}; the minimum is at {a * (1 - 1 / np.linalg.norm(a))}")
