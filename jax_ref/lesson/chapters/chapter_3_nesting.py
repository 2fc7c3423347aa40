# %% [markdown]
# # A derivative inside a derivative
#
# A second derivative is the derivative of a derivative: just apply it twice? Here are dual numbers in a dozen lines,
# which get derivatives of sums and products right.

# %%
from itertools import product

import numpy as np

import jax_ref
import scratch_ad
from scratch_ad.intro import tiny


class Dual:
    def __init__(self, value, slope):
        self.value, self.slope = value, slope

    def __add__(self, other):
        other = other if isinstance(other, Dual) else Dual(other, 0.0)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        other = other if isinstance(other, Dual) else Dual(other, 0.0)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    __radd__, __rmul__ = __add__, __mul__


def derivative(f, x):
    return f(Dual(x, 1.0)).slope


cube = lambda x: x * x * x
print("d/dx x³ at 2:", derivative(cube, 2.0), " JAX:", jax_ref.grad(cube)(2.0))
second = derivative(lambda y: derivative(cube, y), 2.0)
print("d²/dx² x³ at 2:", second, " JAX:", jax_ref.grad(jax_ref.grad(cube))(2.0))

# %% [markdown]
# Right, twice. So it nests? Ask for something simpler:
#
# $$\frac{d}{dx} \left( x \cdot \frac{d}{dy} (x + y) \right) \quad \text{at} \quad x = 1$$
#
# The inner derivative is 1, whatever $x$ is, so what is left is $x$, with slope 1.

# %%
confused = derivative(lambda x: x * derivative(lambda y: x + y, 1.0), 1.0)
print("the dual numbers above:", confused)

# %% [markdown]
# **2.** Inside, $x$ is a dual number of the outer derivative and $y$ one of the inner, and `x + y` adds up their
# slopes as if both were asked for by the same person. The inner derivative is handed $x$'s slope as well: 2 instead
# of 1. This is *perturbation confusion*. It hits anyone who forgets to write down whose slope it is; nothing fails, a
# number is wrong.
#
# ## The cure: each derivative marks its own numbers
#
# Each run of `derivative` takes a new level, and its numbers carry it. An operation belongs to the highest level among
# its arguments, and takes all others as constants, whatever they carry for themselves.

# %%
levels = 0


class Marked:
    def __init__(self, level, value, slope):
        self.level, self.value, self.slope = level, value, slope

    def __add__(self, other):
        return combined(self, other, lambda a, b: a + b, lambda a, b: (1.0, 1.0))

    def __mul__(self, other):
        return combined(self, other, lambda a, b: a * b, lambda a, b: (b, a))

    __radd__, __rmul__ = __add__, __mul__


def combined(x, y, operation, partials):
    level = max(getattr(z, "level", 0) for z in (x, y))
    mine = [getattr(z, "level", 0) == level for z in (x, y)]
    a, b = (z.value if own else z for z, own in zip((x, y), mine))
    slopes = [partial * z.slope for z, own, partial in zip((x, y), mine, partials(a, b)) if own]
    return Marked(level, operation(a, b), slopes[0] + slopes[1] if len(slopes) == 2 else slopes[0])


def marked_derivative(f, x):
    global levels
    levels += 1
    level = levels
    y = f(Marked(level, x, 1.0))
    return y.slope if getattr(y, "level", 0) == level else 0.0


cured = marked_derivative(lambda x: x * marked_derivative(lambda y: x + y, 1.0), 1.0)
by_jax = float(jax_ref.grad(lambda x: x * jax_ref.grad(lambda y: x + y)(1.0))(1.0))
print("with levels:", cured)
print("jax_ref.grad(lambda x: x * jax_ref.grad(lambda y: x + y)(1.0))(1.0):", by_jax)

# %% [markdown]
# `tiny.py` counts its runs in the same way, and so does the engine, for forward in reverse in forward mode as well.
# (Task 3.3.) Third derivatives of $\sin(x^2)$ by every mix of the modes:

# %%
f, x0 = lambda x: np.sin(x * x), 0.7
forward = lambda f: lambda x: scratch_ad.jvp(f, (x,), (1.0,))[1]
mixes = {
    "".join(kind.__name__[0] if kind is scratch_ad.grad else "j" for kind in kinds): kinds
    for kinds in product((forward, scratch_ad.grad), repeat=3)
}
thirds = {name: float(a(b(c(f)))(x0)) for name, (a, b, c) in mixes.items()}
for name, third in thirds.items():
    print(name.replace("g", "reverse ").replace("j", "forward "), third)
third_jax = float(jax_ref.grad(jax_ref.grad(jax_ref.grad(f)))(x0))
third_tiny = float(tiny.jvp(lambda x: tiny.vjp(lambda y: tiny.jvp(f, (y,), (1.0,))[1], x)[1](1.0)[0], (x0,), (1.0,))[1])
print("tiny.py, forward of reverse of forward:", third_tiny)
print("JAX:", third_jax)
