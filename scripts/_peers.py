"""What the same program costs elsewhere: each engine's value and gradient of ``f(np, x, *data)`` as a call to time.

An engine is a function of a program and gives a function of no arguments; ImportError where it is not installed. The
inputs are NumPy's arrays, or Python's numbers, each time; the data are the engine's own, made once.
"""

import importlib
import os

import numpy as np

import scratch_ad

PACKAGES = {"autograd": "autograd", "MyGrad": "mygrad", "PyTorch": "torch", "JAX eager": "jax", "jax.jit": "jax"}


def ours(program):
    gradient = gradient_of(program)
    return lambda: gradient(program.x)


def gradient_of(program):
    return scratch_ad.value_and_grad(lambda x: program.f(np, x, *program.data))


def by_hand(program):
    return lambda: program.by_hand(program.x, *program.data)


def autograd(program):
    engine, anp = importlib.import_module("autograd"), importlib.import_module("autograd.numpy")
    gradient = engine.value_and_grad(lambda x: program.f(anp, x, *program.data))
    return lambda: gradient(program.x)


def mygrad(program):
    engine = importlib.import_module("mygrad")

    def run():
        x = _each(engine.tensor, program.x)
        y = program.f(engine, x, *program.data)
        y.backward()
        return y.item(), _each(lambda t: t.grad, x)

    return run


def pytorch(program):
    torch, numpy = torch_numpy()
    data = [torch.tensor(a) for a in program.data]

    def run():
        x = _each(lambda a: torch.tensor(a, dtype=torch.float64, requires_grad=True), program.x)
        y = program.f(numpy, x, *data)
        y.backward()
        return y.item(), _each(lambda t: t.grad.numpy(), x)

    return run


def jax(program):
    engine, jnp = jax_numpy()
    data = [jnp.asarray(a) for a in program.data]
    gradient = engine.value_and_grad(lambda x: program.f(jnp, x, *data))
    return lambda: engine.block_until_ready(gradient(program.x))


def jitted(program):
    engine, jnp = jax_numpy()
    data, f = [jnp.asarray(a) for a in program.data], program.by_jax or program.f
    gradient = engine.jit(engine.value_and_grad(lambda x: f(jnp, x, *data)))
    return lambda: engine.block_until_ready(gradient(program.x))


ENGINES = {
    "autograd": autograd,
    "MyGrad": mygrad,
    "PyTorch": pytorch,
    "JAX eager": jax,
    "jax.jit": jitted,
    "by hand": by_hand,
}


def jax_numpy():
    """JAX, in float64, and its NumPy."""
    engine = importlib.import_module("jax")
    engine.config.update("jax_enable_x64", True)
    return engine, engine.numpy


def torch_numpy():
    """PyTorch on one thread, and its functions under NumPy's names."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # its profiler tells of each start and stop
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    return torch, _TorchNumPy(torch)


class _TorchNumPy:
    def __init__(self, torch):
        self._torch = torch

    def __getattr__(self, name):
        return getattr(self._torch, name)

    def max(self, x, axis=None, keepdims=False):
        """Held constant, as users of PyTorch do in a sum of exponentials, of which it falls out."""
        return (self._torch.max(x) if axis is None else self._torch.amax(x, axis, keepdims)).detach()


def prepare(program, names, rtol=1e-8):
    """Each named engine's call, held against ours; and why others have none: not installed, or what it cannot do.

    ArithmeticError, with the name of the engine, where one gives another value or gradient.
    """
    named = {name: ENGINES[name] for name in names if name != "by hand" or program.by_hand}
    runs, results, absent = built(named, program)
    expected = ours(program)()
    for name, result in results.items():
        agree(expected, result, f"{name} and ours", rtol)
    return runs, absent


def built(engines, problem):
    """Each engine's call for a problem, what it gives the first time, and why there is none of some."""
    runs, results, absent = {}, {}, {}
    for name, engine in engines.items():
        try:
            run = engine(problem)
            runs[name], results[name] = run, run()
        except ImportError:
            absent[name] = "not installed"
        except Exception as error:
            absent[name] = f"{type(error).__name__}: {error}".split("\n")[0][:120]
    return runs, results, absent


def replayed(compiled, x):
    """What a compiled function gives when it has been recorded, by the first two calls."""
    for _ in range(2):
        compiled(x)
    return compiled(x)


def agree(expected, found, who, rtol=1e-8):
    """ArithmeticError that names the two, and how far apart they are, unless all numbers are the same but for rounding.

    Rounding is measured by the largest number of each array.
    """
    expected, found = _arrays(expected), _arrays(found)
    if [a.shape for a in expected] != [a.shape for a in found]:
        shapes = [a.shape for a in expected], [a.shape for a in found]
        raise ArithmeticError(f"{who} differ in shape: {shapes[0]} and {shapes[1]}")
    for a, b in zip(expected, found, strict=True):
        apart, size = np.max(np.abs(a - b), initial=0), np.max(np.abs(a), initial=0)
        if not apart <= rtol * size:
            raise ArithmeticError(f"{who} differ: {apart:.2g} between numbers of up to {size:.2g}")


def _arrays(tree):
    """The arrays and numbers of nested tuples and lists."""
    return [a for part in tree for a in _arrays(part)] if isinstance(tree, tuple | list) else [np.asarray(tree)]


def _each(f, x):
    return [f(part) for part in x] if isinstance(x, list) else f(x)
