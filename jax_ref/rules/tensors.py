"""Rules of PyTorch's at a call: their forward without derivatives, and their backward."""

import inspect

import numpy as np

from ..engines.tensors import as_tensor
from .arguments import Fixed, leaves_of
from .settling import NotChecked, Subject


class _Context:
    """Stands for PyTorch's context in a forward whose results alone are wanted."""

    needs_input_grad = (True,) * 64

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


def subject_of(call):
    import torch  # pyright: ignore[reportMissingImports]

    cls, leaves = call.owner, leaves_of(call)
    at = [k for k, x in enumerate(leaves) if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc"]
    if not at:
        raise NotChecked("no argument is a real or complex tensor")
    old = (
        "ctx" in inspect.signature(cls.forward).parameters or cls.setup_context is torch.autograd.Function.setup_context
    )

    def given(moving):
        made = [as_tensor(x.value if isinstance(x, Fixed) else x) for x in leaves]
        for k, x in zip(at, moving, strict=True):
            made[k] = as_tensor(x)
        return made

    def results(out):
        out = out if isinstance(out, (tuple, list)) else (out,)
        return [y for y in out if isinstance(y, torch.Tensor) and (y.is_floating_point() or y.is_complex())]

    def value(moving):
        with torch.no_grad():
            out = cls.forward(*[_Context()] * old, *given(moving))
        return [y.resolve_conj().numpy(force=True) for y in results(out)]

    def pull(moving, cotangents):
        made = given(moving)
        for k in at:
            made[k].requires_grad_()
        pairs = zip(results(cls.apply(*[x.clone() if isinstance(x, torch.Tensor) else x for x in made])), cotangents)
        pairs = [(y, as_tensor(np.conj(g)).to(y.dtype)) for y, g in pairs if y.requires_grad]
        if not pairs:
            return [np.zeros_like(x) for x in moving]
        ys, gs = zip(*pairs, strict=True)
        found = torch.autograd.grad(ys, [made[k] for k in at], gs, allow_unused=True, materialize_grads=True)
        return [np.conj(c.resolve_conj().numpy(force=True)) for c in found]

    trace = lambda: pull(moving, [np.ones_like(y) for y in value(moving)])
    moving = [np.asarray(leaves[k]) for k in at]
    return Subject(cls.__name__, [f"[{k}]" for k in at], moving, value, pull, trace=trace)
