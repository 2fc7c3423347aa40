"""HIPS autograd, PyTorch and MyGrad as engines, from the extra ``bench``, and ours over CuPy's arrays.

Each is imported when it is asked for.

A peer lacks a call if it cannot evaluate it even without differentiating, or if it says that there is no rule or that
a keyword is unknown: that is raised as NotImplementedError. Whatever else it raises is its mistake.

Complex numbers: JAX's pullback is the transpose, Re(g·J t) = Re((Jᵀ g)·t), without conjugation. So is autograd's, whose
``grad`` gives ∂u/∂x − i ∂u/∂y (its tutorial, section "Complex numbers"). PyTorch's is the adjoint, with ḡ and the
conjugate of the result in place of these (its manual, "Autograd mechanics", section "Autograd for Complex Numbers"):
both are conjugated here. MyGrad has no complex numbers.
"""

# pyright: reportMissingImports=false
# (the peers come with the extra `bench`, which not everybody has)

import functools
import importlib
import types

import numpy as np
import optree

import scratch_ad
from scratch_ad import scipy
from scratch_ad.tracer import Tracer

from .protocol import Engine, numpys
from .tensors import conjugate, load_forward_mode, tensor

# What the peers' messages say where a rule, a keyword or a dtype is lacking.
_LACKING = (
    "has no attribute",
    "bad operand type",
    "unsupported operand type",
    "positional argument",
    "not implemented",
    "not defined",
    "not supported",
    "does not support",
    "doesn't support",
    "unexpected keyword",
    "is not computed when",
)


def autograd():
    """HIPS autograd: both modes, which nest."""
    import autograd.numpy
    from autograd import make_vjp
    from autograd.builtins import SequenceBox
    from autograd.builtins import tuple as boxed
    from autograd.differential_operators import make_jvp

    def opened(out):
        """What a function such as ``slogdet`` gives is one box of several results."""
        return [out[i] for i in range(len(out))] if isinstance(out, SequenceBox) else out

    def of_leaves(f, primals):
        """``f`` from a tuple of arrays to one, each a single value to autograd; and how to put f's result together."""
        leaves, spec = optree.tree_flatten(primals)
        containers = []

        def flat(xs):
            out, out_spec = optree.tree_flatten(opened(f(*_built(spec, xs))))
            containers.append(out_spec)
            return boxed(out)

        return flat, tuple(leaves), spec, lambda values: _built(containers[0], values)

    def push(f, primals, tangents):
        flat, leaves, _, result = of_leaves(f, primals)
        out, tangent_out = make_jvp(flat)(leaves)(tuple(optree.tree_leaves(tangents)))
        return result(out), result(tangent_out)

    def pull(f, primals):
        flat, leaves, spec, result = of_leaves(f, primals)
        pullback, out = make_vjp(flat)(leaves)
        return result(out), lambda g: _built(spec, pullback(tuple(optree.tree_leaves(g))))

    return _engine("autograd", autograd.numpy, lambda f, primals: f(*primals), push, pull)


def _built(spec, values):
    """The container of these leaves, which lie in a tuple or a box of one."""
    return optree.tree_unflatten(spec, [values[i] for i in range(len(values))])


def torch():
    """PyTorch's ``torch.func``: both modes, which nest. It is asked for its functions by NumPy's names."""
    import torch

    load_forward_mode()
    is_tensor = lambda x: isinstance(x, torch.Tensor)
    tensors = lambda tree: optree.tree_map(lambda x: x if is_tensor(x) else tensor(x), tree)
    arrays = lambda tree: optree.tree_map(lambda x: x.numpy(force=True), tree)
    conjugated = functools.partial(optree.tree_map, conjugate)

    def over_tensors(f):
        return lambda *args: tensors(f(*args))

    def outside(primals):
        """What turns results into what the caller takes: tensors stay tensors inside another transformation."""
        return (lambda tree: tree) if any(map(is_tensor, optree.tree_leaves(primals))) else arrays

    def push(f, primals, tangents):
        return outside(primals)(torch.func.jvp(over_tensors(f), tensors(primals), tensors(tangents)))

    def pull(f, primals):
        leave = outside(primals)
        out, pullback = torch.func.vjp(over_tensors(f), *tensors(primals))
        return leave(out), lambda g: leave(conjugated(pullback(conjugated(tensors(g)))))

    evaluate = lambda f, primals: over_tensors(f)(*tensors(primals))
    return _engine("torch", _TorchByNumPyName(torch), evaluate, push, pull)


def _argument(x):
    if isinstance(x, (np.dtype, type)) and np.dtype(x).kind in "biufc":
        return tensor(np.empty(0, x)).dtype
    return tensor(x) if isinstance(x, np.ndarray) else x


# PyTorch's names of NumPy's functions and keywords, where they are others; it takes ``axis`` and ``keepdims`` itself.
_RENAMED = {
    "max": "amax",
    "min": "amin",
    "conjugate": "conj",
    "power": "pow",
    "fabs": "abs",
    "degrees": "rad2deg",
    "radians": "deg2rad",
    "repeat": "repeat_interleave",
    "transpose": "permute",
    "permute_dims": "permute",
    "expand_dims": "unsqueeze",
    "split": "tensor_split",
    "array_split": "tensor_split",
    "take_along_axis": "take_along_dim",
    "unstack": "unbind",
}
_KEYWORDS = {name: {"axes": "dim"} for name in ("fftshift", "ifftshift", "fft2", "ifft2", "fftn", "ifftn")}
_KEYWORDS |= {name: {"axes": "dim"} for name in ("rfft2", "irfft2", "rfftn", "irfftn")}
_KEYWORDS |= {
    "roll": {"axis": "dims"},
    "flip": {"axis": "dims"},
    "std": {"ddof": "correction"},
    "var": {"ddof": "correction"},
    "quantile": {"method": "interpolation"},
    "nanquantile": {"method": "interpolation"},
    "tensordot": {"axes": "dims"},
    "clip": {"a_min": "min", "a_max": "max"},
}
_DEFAULTS = {"std": {"correction": 0}, "var": {"correction": 0}, "meshgrid": {"indexing": "xy"}}
# In PyTorch: the lower median, one index of one axis, always a list, other results.
_OTHER_MEANING = ("median", "nanmedian", "select", "gradient", "divmod")


class _TorchByNumPyName:
    """PyTorch's functions under NumPy's names and keywords, where they mean the same; AttributeError elsewhere."""

    def __init__(self, module):
        self._module = module

    @staticmethod
    def array(x, dtype=None):
        """A constant; of float64 where PyTorch would make float32."""
        return tensor(x) if dtype is None else tensor(x).to(_argument(dtype))

    def __getattr__(self, name):
        if name in _OTHER_MEANING:
            raise AttributeError(f"PyTorch's {name} is another function than NumPy's.")
        target = getattr(self._module, _RENAMED.get(name, name))
        if isinstance(target, types.ModuleType):
            return _TorchByNumPyName(target)
        if not callable(target):
            return target
        keywords, defaults = _KEYWORDS.get(name, {}), _DEFAULTS.get(name, {})

        def call(*args, **kwargs):
            given = defaults | {keywords.get(k, k): v for k, v in kwargs.items()}
            if given.get("axis", 0) == ():
                raise TypeError(f"{name}: to PyTorch no axes mean all of them.")
            if "keepdims" in given:
                given.setdefault("axis", tuple(range(args[0].ndim)))
            out = target(*optree.tree_map(_argument, args), **{k: _argument(v) for k, v in given.items()})
            if name == "sort":
                return out.values
            return out.R if name == "qr" and given.get("mode") == "r" else out

        return call


def mygrad():
    """MyGrad: reverse mode, first order. Its backward pass clears the graph, so each pullback runs ``f`` anew."""
    mygrad = importlib.import_module("mygrad")

    def evaluate(f, primals):
        data = lambda y: y.data if isinstance(y, mygrad.Tensor) else np.asarray(y)
        return optree.tree_map(data, f(*optree.tree_map(mygrad.tensor, primals)))

    def pullback(f, primals, cotangent):
        given = optree.tree_map(mygrad.tensor, primals)
        pairs = list(zip(optree.tree_leaves(f(*given)), optree.tree_leaves(cotangent), strict=True))
        pairs = [(y, g) for y, g in pairs if isinstance(y, mygrad.Tensor)]
        if len(pairs) == 1:
            pairs[0][0].backward(pairs[0][1])
        elif pairs:
            sum(mygrad.sum(y * g) for y, g in pairs).backward()
        return optree.tree_map(lambda x: np.zeros_like(x.data) if x.grad is None else x.grad, given)

    def pull(f, primals):
        return evaluate(f, primals), lambda g: pullback(f, primals, g)

    return _engine("mygrad", mygrad, evaluate, None, pull, order=1)


class _Constants:
    """NumPy, but for constants: these are made by ``made`` of NumPy's array."""

    scipy = scipy

    def __init__(self, made):
        for name in ("arange", "array", "eye", "full", "linspace", "ones", "zeros"):
            make = getattr(np, name)
            setattr(self, name, lambda *args, make=make, **kwargs: made(make(*args, **kwargs)))

    def __getattr__(self, name):
        return getattr(np, name)


def over(name, made, given_back):
    """Ours over the arrays of a library that answer NumPy's calls: ``made`` of NumPy's, and ``given_back`` as such."""

    def each(convert, tree):
        return optree.tree_map(lambda x: x if isinstance(x, Tracer) else convert(x), tree)

    def outside(primals):
        """What turns results into NumPy's arrays; nothing inside another transformation."""
        inside = any(isinstance(x, Tracer) for x in optree.tree_leaves(primals))
        return functools.partial(each, (lambda x: x) if inside else given_back)

    def jvp(f, primals, tangents):
        return outside(primals + tangents)(scratch_ad.jvp(f, each(made, primals), each(made, tangents)))

    def vjp(f, *primals):
        leave = outside(primals)
        out, pullback = scratch_ad.vjp(f, *each(made, primals))
        return leave(out), lambda g: leave(pullback(each(made, g)))

    return Engine(name, jvp, vjp, namespace=_Constants(made))


def cupy():
    """Ours over CuPy's arrays, on a GPU."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise ValueError(f"engine scratch_ad-cupy: {error}; pip install cupy-cuda12x.") from error
    return over("scratch_ad-cupy", cupy.asarray, cupy.asnumpy)


PEERS = {"autograd": autograd, "torch": torch, "mygrad": mygrad, "scratch_ad-cupy": cupy}


def _engine(name, namespace, evaluate, push, pull, order=2):
    """The engine of ``push(f, primals, tangents)`` and ``pull(f, primals)``; ``evaluate`` differentiates nothing."""

    def checked(call, f, primals):
        try:
            return call()
        except Exception as error:
            if numpys(f, error):  # written for NumPy's arrays
                raise
            if any(words in str(error) for words in _LACKING) or _fails(evaluate, f, primals):
                raise NotImplementedError(f"{type(error).__name__}: {error}".partition("\n")[0]) from error
            raise

    def jvp(f, primals, tangents):
        return checked(functools.partial(push, f, primals, tangents), f, primals)

    def vjp(f, *primals):
        out, pullback = checked(functools.partial(pull, f, primals), f, primals)
        return out, lambda g: checked(functools.partial(pullback, g), f, primals)

    return Engine(name, push and jvp, vjp, namespace, order)


def _fails(evaluate, f, primals):
    try:
        evaluate(f, primals)
    except Exception:
        return True
    return False
