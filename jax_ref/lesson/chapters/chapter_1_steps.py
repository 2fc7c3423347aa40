# %% [markdown]
# # How small a step? And a step that may be tiny
#
# A difference quotient is wrong twice. Within a large step the curve bends: an error of $\frac{h}{2} f^{\prime\prime}$.
# Over a small step the two values are nearly equal, each rounded to 16 digits, and what is left of their difference is
# mostly the rounding: an error of about $\varepsilon \frac{f}{h}$, with $\varepsilon = 2.2 \cdot 10^{-16}$. The first
# falls with $h$, the second grows.

# %%
import numpy as np

import jax_ref
import scratch_ad
from jax_ref.lesson import chart, show
from jax_ref.lesson.results import P0, exact_grad_f, f
from scratch_ad.intro import error_estimate

hs = np.logspace(-15, 0, 100)
errors = {
    s: np.array([error_estimate(f, exact_grad_f, P0, h, s) for h in hs]) for s in ("forward", "central", "complex")
}
best = {scheme: (hs[e.argmin()], e.min() / exact_grad_f(P0)) for scheme, e in errors.items()}
for scheme, (h, error) in best.items():
    print(f"{scheme:8} best step {h:.0e}, relative error {error:.1g}")

# %% [markdown]
# The smallest sum of the two is at $h = \sqrt{2 \varepsilon f / f^{\prime\prime}}$, where both are the same. Half the
# digits are gone there, and no step does better. A central difference, $\frac{f(x+h)-f(x-h)}{2h}$, bends only at third
# order, so it may take a larger step, and keeps two thirds of the digits, for twice the evaluations.

# %%
curvature = 2 - 0.25 * (P0 + 3) ** -1.5
expected_h = np.sqrt(2 * np.finfo(float).eps * f(P0) / curvature)
expected_error = np.sqrt(2 * np.finfo(float).eps * f(P0) * curvature) / exact_grad_f(P0)
print(f"theory for forward differences: step {expected_h:.0e}, relative error {expected_error:.0e} at most")
typical = np.median(errors["forward"][np.abs(np.log10(hs / expected_h)) < 0.5]) / exact_grad_f(P0)
print(f"the median within half a decade of that step: {typical:.0e}; a single step may be lucky, as the best one is")
figure, axes = chart()
for (scheme, e), color in zip(errors.items(), ("C1", "C8", "C2"), strict=True):
    axes.loglog(hs, np.maximum(e, 1e-17), color=color, label=scheme)
axes.loglog(hs, hs * curvature / 2, ":", color="C7", label="h f''/2  and  ε f/h")
axes.loglog(hs, np.finfo(float).eps * f(P0) / hs, ":", color="C7")
axes.set(xlabel="step h", ylabel="error", ylim=(3e-18, 30))
axes.legend(frameon=False, fontsize=9)
show(
    figure,
    caption="Forward and central differences turn up again to the left. The complex step does not: below 1e-8 "
    "its error is at the bottom, no error at all drawn as 1e-17.",
)

# %% [markdown]
# ## The step that may be tiny
#
# Go a small step sideways, into the complex plane:
#
# $$f(x + ih) = f(x) + ih f^\prime(x) - \frac{h^2}{2} f^{\prime\prime}(x) - \dots$$
#
# The slope is all of the imaginary part, up to $h^2$. Nothing is subtracted, so nothing cancels, and the step can be so
# small that its square vanishes. By hand it is one line:

# %%
h = 1e-200
by_complex_step = float(f(P0 + 1j * h).imag / h)
by_jax = float(jax_ref.grad(f)(P0))
print(f"f(x + ih).imag / h, h = {h}: {by_complex_step!r}")
print(f"jax_ref.grad(f)(x):              {by_jax!r}")

# %% [markdown]
# Is that not forward mode already? It is: a pair of numbers that goes through the program, the second so small that its
# square is never seen. A *dual number* says so exactly: $(a + b\delta)(c + d\delta) = ac + (ad + bc)\delta$ with
# $\delta^2 = 0$. (Task 3.2 writes them.) That is better than $i$ in two ways. $f$ may be complex itself, and it need
# not be analytic: `abs` of a complex number forgets the step, and half of the slope is missing without a word.

# %%
absolute = lambda x: np.abs(x) * x
with np.errstate(all="ignore"):
    by_trick = (absolute(2.0 + 1j * h).imag) / h
print(f"|x|·x at 2, complex step: {by_trick}   wrong: |x + ih| has lost h")
print(f"scratch_ad.jvp:           {scratch_ad.jvp(absolute, (2.0,), (1.0,))[1]}")
print(f"jax_ref.grad:             {jax_ref.grad(absolute)(2.0)}")
