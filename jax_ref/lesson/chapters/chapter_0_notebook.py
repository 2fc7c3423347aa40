# %% [markdown]
# # Intro to Automatic Differentiation
#
# ### Why do we need it? How does it compare to numerical or symbolic approaches?
#
# This lesson follows Stefan Krastanov's notebook of that name cell by cell, with its blanks filled and run. Each idea
# comes twice: in the few lines that do it by hand, and in the one line that has JAX do it. `jax_ref.grad(f)` is
# `jax.grad` of the same plain NumPy function `f`; nothing is rewritten for it.
#
# Would you rather fill in the blanks yourself first? `scratch-ad lesson start mine` writes them as exercises, and
# `scratch-ad grade mine` says at once what is right: the tasks are named below where their turn comes.

# %%
import textwrap

import numpy as np
import sympy

import jax_ref
import scratch_ad
from jax_ref.lesson import chart, results, show
from scratch_ad import intro
from scratch_ad.cost import cost as cost_of

rng = np.random.default_rng(0)

# %% [markdown]
# # A very simple classification problem
#
# We want a small classifier, and numbers in it that make it classify well. First something to classify: points with
# $n = 2$ features, and $m = 2$ labels, each −1 or 1. A label says on which side of an axis its point lay before some
# noise moved it.

# %%
x, y_true = intro.get_mock_training_set(input_dims=2, output_dims=2, samples=1000, rng=rng)


def show_labels(labels, caption):
    figures = [intro.plot_training_set(x, labels[k : k + 1]) for k in range(2)]
    for k, (_, (axes,)) in enumerate(figures):
        axes.set_title(f"Output dimension (label) {k + 1}")
    show(*(figure for figure, _ in figures), caption=caption)


print("features", x.shape, " labels", y_true.shape)
show_labels(y_true, "The labels to learn: red is 1, blue is −1.")

# %% [markdown]
# The model is about as simple as one can be: a matrix W times the features, and a sigmoid.
#
# $$\overrightarrow{\mathrm{labels}} = \mathrm{sigmoid}\left(\mathrm{W}\cdot\overrightarrow{\mathrm{features}}\right)$$
#
# The labels are ±1, so the sigmoid is tanh, which runs from −1 to 1. (Task 1.1 of the exercises.)


# %%
def model(parameters, v_in):
    linear = parameters @ v_in  # the linear layer
    activation = np.tanh(linear)  # the non-linear activation
    return activation


def cost(parameters, v_in_train, v_out_train):
    return np.sum((model(parameters, v_in_train) - v_out_train) ** 2)


# %% [markdown]
# Which W is right? What if we just guess?


# %%
def threshold(y_predicted):
    return (y_predicted > 0) * 2 - 1


p = intro.random_parameters(2, 2, rng=rng)
guessed_right = np.mean(threshold(model(p, x)) == y_true)
print(f"W =\n{p}")
print(f"labels right with a guess: {guessed_right:.1%}")
caption = "What the guess says: each label cuts the points by a random line."
show_labels(threshold(model(p, x)), caption)

# %% [markdown]
# # How can we find better values for the parameters?
#
# Find the direction in which the cost falls, and go that way. The gradient holds, for every parameter, how fast the
# cost grows with it:
#
# $$\mathrm{\nabla} C(\vec{p}) = \left[
# \frac{\partial{C}}{\partial{p_1}}\ \frac{\partial{C}}{\partial{p_2}}\ \cdots
# \right]$$
#
# so a step against it makes the cost smaller:
#
# $$\vec{p}_{\text{better}} = \vec{p}_\text{current} - \gamma\ \mathrm{\nabla} C(\vec{p}_\text{current})$$
#
# where $\gamma$ is "not too big".

# %%
valley, walked = lambda q: 0.1 + (q - 1) ** 2 / 4, [-2.5]
for _ in range(12):
    walked.append(walked[-1] - 0.8 * jax_ref.grad(valley)(walked[-1]))
figure, axes = chart("12 steps downhill, γ = 0.8")
axes.plot(np.linspace(-3, 4, 99), valley(np.linspace(-3, 4, 99)), color="C0")
axes.plot(walked, valley(np.array(walked)), "o-", color="C3", markersize=5)
axes.set(xlabel="a parameter", ylabel="the cost")
show(figure, caption="Where the slope is steep the steps are long; at the bottom it is 0, and they end by themselves.")

# %% [markdown]
# # Many ways to get the gradient...
#
# ## We will discuss the pros and cons of various approaches.
#
# ## We will implement simple examples of each.
#
# ## And we will see why "backpropagation" is so frequently used in ML.
#
# # First Method: Getting the gradient numerically
#
# Change one parameter a little, and look at what the cost does, with an $h$ that is "rather small":
#
# $$\frac{\partial{C}}{\partial{p_1}} \approx \frac{C(p_1+h,\ p_2,\ \dots)-C(p_1,\ p_2,\ \dots)}{h}$$
#
# (Task 1.2.)


# %%
def numerical_gradient(parameters, function, h=1e-6):
    grad_f = np.zeros_like(parameters)  # this will hold the gradient
    for i in np.ndindex(parameters.shape):  # each element of the parameters
        changed = parameters.copy()
        changed[i] += h  # a small change in that parameter alone
        grad_f[i] = (function(changed) - function(parameters)) / h
    return grad_f


# %% [markdown]
# Did it work? By hand, and by JAX's one line:


# %%
def f(parameters):
    return cost(parameters, x, y_true)


print("f(p) =", f(p))
by_hand, by_jax = numerical_gradient(p, f), jax_ref.grad(f)(p)
print(f"by hand:\n{by_hand}")
print(f"jax_ref.grad(f)(p):\n{by_jax}")
numerical_apart = np.max(np.abs(by_hand - by_jax) / np.abs(by_jax))
print(f"largest relative difference: {numerical_apart:.1e}")

# %% [markdown]
# Nearly. Enough to go downhill with:
#
# $$\vec{p}_{\text{better}} = \vec{p}_\text{current} - \gamma\ \mathrm{\nabla} C(\vec{p}_\text{current})$$

# %%
gamma = 0.0001
f_before, f_better = f(p), f(p - gamma * numerical_gradient(p, f))
f_better_jax = f(p - gamma * jax_ref.grad(f)(p))
print(f"f(p)          = {f_before:.6f}")
print(f"f(p − γ∇f(p)) = {f_better:.6f}   by hand")
print(f"f(p − γ∇f(p)) = {f_better_jax:.6f}   with JAX's gradient")

# %% [markdown]
# # Testing the gradient descent
#
# The same step a hundred times. The function that calculates the gradient is an argument, so that every method below
# can stand in its place, JAX's too.
#
# $$\vec{p}_{\text{better}} = \vec{p}_\text{current} - \gamma\ \mathrm{\nabla} C(\vec{p}_\text{current})$$


# %%
def gradient_descent(parameters, function, gradient_calculator, steps):
    log = [function(parameters)]
    for _ in range(steps):
        parameters = parameters - 0.0001 * gradient_calculator(parameters, function)
        log.append(function(parameters))
    return parameters, log


jax_calculator = jax_ref.jit(jax_ref.grad(f))
new_p, log = gradient_descent(p, f, numerical_gradient, 100)
jax_p, jax_log = gradient_descent(p, f, lambda p, _: np.asarray(jax_calculator(p)), 100)
print(f"after 100 steps: {log[-1]:.6f} by hand, {jax_log[-1]:.6f} with JAX's gradient")
figure, axes = chart()
axes.plot(jax_log, color="C7", linewidth=5, alpha=0.5, label="JAX's gradient")
axes.plot(log, color="C1", label="numerical gradient")
axes.set(xlabel="step", ylabel="function value", ylim=(0, None))
axes.legend(frameon=False)
show(figure, caption="The cost falls with every step, by either gradient along the same way.")

# %%
show_labels(threshold(model(p, x)), "The guessed parameters again …")

# %%
trained_right = np.mean(threshold(model(new_p, x)) == y_true)
print(f"labels right: {guessed_right:.1%} before, {trained_right:.1%} after; noise alone costs about 2 %")
show_labels(threshold(model(new_p, x)), "… and the optimized ones.")

# %% [markdown]
# # *Problems?*
#
# # Numerical Problem 1: Numerical errors
#
# How small should $h$ be? Here is a function whose derivative we know, $p^2 + \sqrt{p+3}$, and the error of the
# quotient at $p = 3.5$ for all steps from $1$ down to $10^{-15}$.

# %%
g = lambda p: p**2 + np.sqrt(p + 3)
exact_grad_g = lambda p: 2 * p + 0.5 / np.sqrt(p + 3)


def error_estimate(f, exact_grad_f, p0, h):
    numeric = (f(p0 + h) - f(p0)) / h
    return np.abs(exact_grad_f(p0) - numeric)


hs = np.logspace(-15, 0, num=100)
errors = np.array([error_estimate(g, exact_grad_g, 3.5, h) for h in hs])
jax_error = abs(exact_grad_g(3.5) - jax_ref.grad(g)(3.5))
best_h, best_error = hs[errors.argmin()], errors.min() / exact_grad_g(3.5)
print(f"the best step is h = {best_h:.0e}, with a relative error of {best_error:.0e}")
print(f"h = 1e-15 gives an error of {errors[0]:.2g}, h = 1 one of {errors[-1]:.2g}")
print(f"JAX has no step; its error is {jax_error:.1g}, where the last digit is worth {np.spacing(7.0):.0e}")
figure, axes = chart()
axes.loglog(hs, errors, color="C1")
axes.set(xlabel="h", ylabel="error")
show(
    figure,
    caption="Too large a step: the curve bends within it. Too small a step: two nearly equal numbers are "
    "subtracted, and the digits they share are lost. Chapter 1 says how much of each.",
)

# %% [markdown]
# # Numerical Problem 2: Each parameter requires recalculating $f$
#
# A function of 5 parameters with 3 results, as a picture:

# %%
show(intro.graphical_representation_of_calculation(5, 3)[0], caption="Five numbers go in, three come out.")


# %% [markdown]
# Every single parameter is perturbed, one after the other, and every time $f$ runs again:


# %%
def counted(function):
    def counting(p):
        counting.calls += 1
        return function(p)

    counting.calls = 0
    return counting


f_counted = counted(f)
numerical_gradient(p, f_counted)
print(f"calls of f for a gradient of {p.size} parameters, by hand: {f_counted.calls}")
f_counted = counted(f)
scratch_ad.numerical_gradient(p, f_counted)
print(f"… where f(p) is computed once and kept: {f_counted.calls}")
f_counted = counted(f)
jax_ref.grad(f_counted)(p)
jax_calls = f_counted.calls
print(f"jax_ref.grad: {jax_calls}")
frames = [intro.graphical_representation_of_calculation(5, 3, diff=("numerical", k))[0] for k in (0, 1, 4)]
show(*frames, caption="The first, the second and the last of 5 evaluations. Each gives one column of the Jacobian.")

# %% [markdown]
# And models have more than 4 parameters. For ten classes of images of 8×8 pixels W has 640:

# %%
images = rng.random((64, 20))
g640 = counted(lambda p: cost(p, images, np.ones((10, 20))))
scratch_ad.numerical_gradient(intro.random_parameters(64, 10, rng=0), g640)
calls_640 = g640.calls
print(f"calls of f for one gradient of 640 parameters: {calls_640}")

# %% [markdown]
# # Second Method: We can do it symbolically!
#
# Computer algebra knows the rules of calculus, and has no step. SymPy, on the logistic map $4x(1-x)$ put into itself:

# %%
symbol = sympy.Symbol("x")


def repeated_layers(n, x=symbol):
    current_layer = x
    for _ in range(n):
        current_layer = 4 * current_layer * (1 - current_layer)
    return current_layer


print("2 layers:", repeated_layers(2))
print("derivative:", repeated_layers(2).diff())
print("4 layers:", repeated_layers(4))
print("derivative:", repeated_layers(4).diff())
by_symbols = float(repeated_layers(4).diff().subs(symbol, 0.3))
by_jax = float(jax_ref.grad(lambda x: repeated_layers(4, x))(0.3))
print(f"at 0.3: {by_symbols:.12f}")
print(f"JAX:    {by_jax:.12f}   jax_ref.grad(lambda x: repeated_layers(4, x))(0.3)")

# %%
rows = [results.swell(n)[0] for n in range(8)]
ops = [row["expression of the derivative"] for row in rows]
print("operations in the derivative of 0, 1, 2 … layers:", ops)
figure, axes = chart()
axes.plot(ops, "o-", color="C4", label="SymPy's derivative, written out")
axes.plot([row["reverse mode executes"] for row in rows], "D-", color="C3", label="what reverse mode executes")
axes.set(xlabel="number of layers", ylabel="complexity of the derivative")
axes.legend(frameon=False)
show(
    figure,
    caption="Each layer more than doubles the expression. For the program that computes the same number, each "
    "layer costs the same few operations more.",
)

# %% [markdown]
# # Let's grade these Physics homeworks?
#
# Two students are asked for the slope of three layers at $x = 0.3$. Student A first derives the formula, and puts the
# number in at the end. Student B puts the number in at once, and takes value and slope through one layer after the
# other.

# %%
formula = repeated_layers(3).diff()
slope_a = float(formula.subs(symbol, 0.3))
print("Student A")
print(textwrap.indent(textwrap.fill(f"dy/dx = {formula}", 60), "   "))
print(f"   at x = 0.3: {slope_a:.6f}\n")
print("Student B")
value_b, slope_b = 0.3, 1.0
for layer in range(1, 4):
    value_b, slope_b = 4 * value_b * (1 - value_b), (4 - 8 * value_b) * slope_b
    print(f"   layer {layer}: value {value_b:.6f}, slope so far {slope_b:.6f}")
print(f"\nJAX: {jax_ref.grad(lambda x: repeated_layers(3, x))(0.3):.6f}")

# %% [markdown]
# Both are right. Only one of them could have gone on to a hundred layers.
#
# #### Numerical differentiation is simple but slow and noisy.
#
# #### Symbolic differentiation requires dealing with gigantic expressions (and writing completely new code).
#
# #### Automatic differentiation is what student B did: the symbolic rule at each step, its value computed at once.
#
# # Third Method: Forward Mode Automatic Differentiation
#
# The chain rule, at every step, on numbers:
#
# $$\frac{\partial f\left(g(x)\right)}{\partial x} = f^\prime\left(g(x)\right)\times g^\prime(x)$$
#
# A composition is a list of functions, the outermost first. (Task 1.3.)

# %%
expression = [np.exp, np.tanh]


def forward_automatic_differentiation(expression, input_value):
    current_value = input_value
    current_derivative = 1.0  # of the input, by itself
    for function in expression[::-1]:
        new_value = function(current_value)
        new_derivative = derivatives[function](current_value) * current_derivative
        current_value, current_derivative = new_value, new_derivative
    return current_value, current_derivative


# %%
derivatives = {
    np.exp: np.exp,
    np.tanh: lambda x: 1 - np.tanh(x) ** 2,
    np.sin: np.cos,
    np.cos: lambda x: -np.sin(x),
}  # quite an incomplete list: this project completes it
print(f"functions here: {len(derivatives)}; elementwise ones of one argument with a rule: {len(intro.derivatives)}")

# %%
forward = forward_automatic_differentiation([np.exp, np.tanh], 0.5)
jax_forward = jax_ref.jvp(lambda x: np.exp(np.tanh(x)), (0.5,), (1.0,))
print("by hand:    ", *map(float, forward))
print("jax_ref.jvp:", *map(float, jax_forward))

# %% [markdown]
# Is the value right?

# %%
print(float(np.exp(np.tanh(0.5))))

# %% [markdown]
# And the derivative? A difference agrees to as many digits as it has:

# %%
h = 0.0001
difference = (np.exp(np.tanh(0.5 + h)) - np.exp(np.tanh(0.5))) / h
print(float(difference))

# %% [markdown]
# # How expensive is this?
#
# Once through the program for each input: the tangent is 1 for the one whose derivative is wanted, and 0 for all
# others. In that it is no better than differences, only exact.


# %%
def columns(function, p, push):
    """The Jacobian of a function by forward mode, a column per pass."""
    units = np.eye(p.size).reshape(-1, *p.shape)
    return np.stack([push(function, (p,), (unit,))[1] for unit in units], axis=-1)


by_columns, by_columns_jax = columns(f, p, scratch_ad.jvp), columns(f, p, jax_ref.jvp)
print("ours:", by_columns)
print("JAX: ", by_columns_jax)
forward_passes = len(by_columns)
print(f"passes for {p.size} parameters: {forward_passes}")
frames = [intro.graphical_representation_of_calculation(5, 3, diff=("forward", k))[0] for k in (0, 1, 4)]
show(*frames, caption="The first, the second and the last of 5 passes, one for each input.")

# %% [markdown]
# # Fourth Method: Backpropagation (a.k.a. Reverse Mode AD)
#
# First forward, computing values alone, and keeping them. Then backward, asking of each value how sensitive the result
# is to it (its *adjoint*).
#
# $$y = f(g(h(x)))$$
#
# - sensitivity of $y$ to itself: $\frac{\partial y}{\partial y} = 1$
# - to $v_1=g(h(x))$, what goes into $f$: $\frac{\partial y}{\partial v_1} = f^\prime (v_1)$
# - to $v_2=h(x)$, what goes into $g$:
#   $\frac{\partial y}{\partial v_2} = \frac{\partial y}{\partial v_1}\frac{\partial v_1}{\partial v_2}$, which is
#   $f^\prime (v_1) g^\prime (v_2)$
# - and so on, back to $x$.
#
# Pictorially:

# %%
show(
    intro.chain_rule_picture()[0],
    caption="A node knows nothing of the rest. It multiplies what comes back by its "
    "own derivatives, and hands that on.",
)

# %% [markdown]
# # Let's implement it ourselves!
#
# (Task 1.4.)


# %%
def reverse_automatic_differentiation(expression, input_value):
    current_value = input_value
    intermediate_values = []
    for function in expression[::-1]:
        intermediate_values.append(current_value)  # what goes into this function
        current_value = function(current_value)
    current_adjoint = 1.0
    for function, value in zip(expression, intermediate_values[::-1], strict=True):
        current_adjoint = current_adjoint * derivatives[function](value)
    return current_value, current_adjoint


# %%
reverse = reverse_automatic_differentiation([np.exp, np.tanh], 0.5)
jax_value, jax_pullback = jax_ref.vjp(lambda x: np.exp(np.tanh(x)), 0.5)
jax_reverse = jax_value, jax_pullback(1.0)[0]
print("by hand:    ", *map(float, reverse))
print("jax_ref.vjp:", *map(float, jax_reverse))

# %% [markdown]
# # How expensive is this?
#
# Once through the program, back from each output: now the number of inputs does not matter. And good that what one
# minimises is a single number.

# %%
f_counted = counted(f)
by_reverse = scratch_ad.grad(f_counted)(p)
reverse_calls = f_counted.calls
print(f"calls of f for all {p.size} parameters: {reverse_calls}")
reverse_apart = np.max(np.abs(by_reverse - jax_ref.grad(f)(p)) / np.abs(by_reverse))
print(f"largest relative difference from JAX: {reverse_apart:.0e}")
frames = [intro.graphical_representation_of_calculation(5, 3, diff=("backward", k))[0] for k in range(3)]
show(*frames, caption="Three outputs, three passes, whatever the number of inputs.")

# %% [markdown]
# A list can only say "one after the other". What of a value that is used twice? That takes a *tape*, and sums where
# ways meet: `scratch_ad/intro/tiny.py` is both modes in 80 lines, and the next step from here (tasks 3.1 to 3.3).
#
# # Takeaways
#
# Each with the number that shows it. The cost of a derivative is counted in operations, as a multiple of those of the
# function, on the program that really runs.


# %%
def times_the_cost(derivative, function, *args):
    operations = lambda g: cost_of(scratch_ad.record(g, *args)).operations
    return operations(derivative) / operations(function)


def rows_of(function, p):
    """The Jacobian of a function by reverse mode, a row per pass."""
    value, pullback = scratch_ad.vjp(function, p)
    return np.stack([pullback(unit)[0] for unit in np.eye(value.size)])


a, b = np.linspace(-1, 1, 100).reshape(100, 1), np.linspace(0, 1, 20).reshape(20, 1)
few = lambda p: np.tanh(a @ np.tanh(b.T @ np.tanh(b @ p)))  # 1 parameter, 100 results
many = lambda p: np.sum(np.tanh(b @ (b.T @ np.tanh(b @ (a.T @ p)))))  # 100 parameters, 1 result
p1, p100 = np.array([0.3]), np.linspace(0, 1, 100)
ratios = {
    "few, forward": times_the_cost(lambda p: columns(few, p, scratch_ad.jvp), few, p1),
    "few, reverse": times_the_cost(lambda p: rows_of(few, p), few, p1),
    "many, forward": times_the_cost(lambda p: columns(many, p, scratch_ad.jvp), many, p100),
    "many, reverse": times_the_cost(scratch_ad.grad(many), many, p100),
}
worst = results.engine_errors(np.random.default_rng(0), 200)
print("Numerical diff. is easy, but expensive and noisy:")
print(f"   {calls_640} evaluations for 640 parameters; {best_error:.0e} is the best relative error of any step")
print("Symbolic diff. is precise, but too unwieldy for large programs:")
print(f"   {ops[-1]} operations in the derivative of {len(ops) - 1} layers")
print("Automatic diff. is as precise, and keeps to the size of the program:")
print(f"   worst relative error at 200 points {worst['reverse mode']:.1g}, of JAX {worst['JAX']:.1g};")
print(f"   {rows[-1]['reverse mode executes']} operations for the same {len(ops) - 1} layers")
print("Forward mode, for few parameters and many results (1 and 100):")
print(f"   {ratios['few, forward']:.1f} times the function; reverse mode {ratios['few, reverse']:.0f} times")
print("Reverse mode, for many parameters and few results (100 and 1):")
print(f"   {ratios['many, reverse']:.1f} times the function; forward mode {ratios['many, forward']:.0f} times")
